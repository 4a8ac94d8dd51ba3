//! What the checker judges by: what clients were told, what stands in our database, and what the bank's ledger says.
//!
//! It is gathered again and again while a seed runs, each time from where the last one ended. Moments are those of the
//! bank's clock, which nobody sets; milliseconds since 1970.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::event::{Event, EventKind};
use crate::domain::operation::{CompletionAmount, Operation, OperationKey, OperationKind};
use crate::domain::order::{MerchantId, OrderKey};
use crate::domain::registration::journey::{Registration, State as Standing};
use crate::domain::verbs::Verb;
use crate::sandbox::{Bank, Effect, Entry, FaultName, LedgerLine, Operation as Request};
use crate::store::{ListFilter, OrderWithOperation, Store, StoreError, Verdict};

use super::endpoint::Heard;
use super::log::Log;
use super::policy::LOGIN;

/// Everything found so far.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Orders that were acknowledged, by number, with the price they were acknowledged with.
    pub(super) told: BTreeMap<String, Told>,
    /// Registrations that were acknowledged, likewise.
    pub(super) handed_in: BTreeMap<String, Told>,
    /// Those of a database that an older copy took the place of.
    pub(super) forgotten: BTreeSet<String>,
    /// What stands in the database about those that were acknowledged.
    pub(super) registrations: Vec<Registration>,
    /// Acts of people that were acknowledged.
    pub(super) acts: Vec<ToldAct>,
    /// Stops of money that were acknowledged.
    pub(super) stops: Vec<ToldStop>,
    pub(super) orders: Vec<OrderWithOperation>,
    pub(super) operations: Vec<Operation>,
    pub(super) events: Vec<SeenEvent>,
    /// Intents that were written, whatever became of the database they were written in.
    pub(super) intents: Vec<Intent>,
    /// What operations there were, likewise.
    pub(super) intended: BTreeSet<Intended>,
    /// Refunds that were to be sent, likewise: by order, and by when each was decided.
    pub(super) refunds: BTreeMap<(String, i64), Refund>,
    /// The lines of the witness, as they stand there.
    pub(super) witnessed: Vec<Witnessed>,
    pub(super) asked: Vec<Asked>,
    pub(super) effects: Vec<BankEffect>,
    /// Backlogs that had to be worked off.
    pub(super) backlogs: Vec<Backlog>,
    /// Second daemons, and whether they were let in.
    pub(super) rivals: Vec<(i64, bool)>,
    /// Why the daemon did not start, or gave up.
    pub(super) failures: Vec<(i64, String)>,
    /// What the shop's endpoint was told, in the order in which it heard it; `None` where it has none.
    pub(super) heard: Option<Vec<Heard>>,
    /// Money in the reports of all days, once they are drawn.
    pub(super) reported_minor: Option<i64>,
    /// What a walk through the journal came to at the end.
    pub(super) journal: Option<Result<Verdict, StoreError>>,
    ledger_read: u64,
    events_read: i64,
}

/// An acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) at_ms: i64,
    pub(super) amount_minor: i64,
}

/// A person's act that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct ToldAct {
    pub(super) at_ms: i64,
    pub(super) number: String,
    pub(super) kind: ActKind,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActKind {
    Park,
    Release,
    /// Something was ordered, or taken back.
    Order(Verb),
}

/// Money that was stopped, as far as people know.
#[derive(Clone, Debug)]
pub(super) struct ToldStop {
    /// From here on it is certainly in force.
    pub(super) from_ms: i64,
    /// Until here.
    pub(super) until_ms: Option<i64>,
    /// In words.
    pub(super) scope: String,
    /// The one order it is about.
    pub(super) number: Option<String>,
}

/// An event of our journal and the latest moment at which it can have been written.
#[derive(Clone, Debug)]
pub(super) struct SeenEvent {
    pub(super) at_ms: i64,
    pub(super) event: Event,
}

/// A line in the journal that says that a send is about to begin.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) at_ms: i64,
    pub(super) number: String,
}

/// What an operation of an order was to move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Intended {
    pub(super) number: String,
    pub(super) kind: OperationKind,
    /// Minor units; `None` is the whole.
    pub(super) minor: Option<i64>,
}

/// What a refund that was sent, or was about to be, was to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refund {
    /// How much.
    pub(super) minor: i64,
    /// How much had been given back before.
    pub(super) before_minor: i64,
}

/// A send in the witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witnessed {
    pub(super) what: Intended,
    /// What was to stand at the bank afterwards, or to be given back.
    pub(super) expected_minor: i64,
    /// By our clock.
    pub(super) at_ms: i64,
}

/// A request of ours that reached the bank.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Its line in the ledger.
    pub(super) seq: u64,
    pub(super) at_ms: i64,
    pub(super) number: String,
    /// What it was to move. `None` is a look, or a registration.
    pub(super) send: Option<Send>,
    pub(super) registers: bool,
    pub(super) fault: Option<FaultName>,
}

/// A request that moves money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Send {
    /// Of this sum; 0 is the whole.
    Completion(i64),
    Reversal,
    /// Of this sum.
    Refund(i64),
    Decline,
}

/// A change of an order in the bank's book.
#[derive(Clone, Debug)]
pub(super) struct BankEffect {
    pub(super) at_ms: i64,
    pub(super) number: String,
    pub(super) effect: Effect,
    pub(super) amount_minor: i64,
    /// The request of ours that caused it, by its line.
    pub(super) request: Option<u64>,
}

impl BankEffect {
    pub(super) const fn is_ours(&self) -> bool {
        self.request.is_some()
    }
}

/// Orders that were overdue when bank and daemon could work again, and when all must have been looked at.
#[derive(Clone, Debug)]
pub(super) struct Backlog {
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
    pub(super) numbers: Vec<String>,
}

impl Evidence {
    /// Reads what is new in the bank's ledger.
    pub(super) fn gather_ledger(&mut self, bank: &Bank, start_ms: i64, log: &mut Log) {
        for line in bank.ledger_after(self.ledger_read, usize::MAX) {
            self.ledger_read = line.seq;
            let words = serde_json::to_string(&line).unwrap_or_default();
            log.line(line.at_ms - start_ms, "bank", &words);
            self.take_line(line);
        }
    }

    fn take_line(&mut self, line: LedgerLine) {
        let (seq, at_ms) = (line.seq, line.at_ms);
        match line.entry {
            Entry::Request(request) if request.login.as_deref() == Some(LOGIN) => self.asked.push(Asked {
                seq,
                at_ms,
                number: request.order_number.or(request.order_id).unwrap_or_default(),
                registers: matches!(request.operation, Request::Register | Request::RegisterPreAuth),
                send: match request.operation {
                    Request::Completion | Request::Deposit => {
                        Some(Send::Completion(request.asked_minor.unwrap_or_default()))
                    }
                    Request::Reversal => Some(Send::Reversal),
                    Request::Refund | Request::AutoRefund => {
                        Some(Send::Refund(request.asked_minor.unwrap_or_default()))
                    }
                    Request::Decline => Some(Send::Decline),
                    _ => None,
                },
                fault: request.fault,
            }),
            Entry::Request(_) => {}
            Entry::Effect(effect) => self.effects.push(BankEffect {
                at_ms,
                request: effect.request,
                number: effect.order_number,
                effect: effect.effect,
                amount_minor: effect.amount_minor,
            }),
        }
    }

    /// Takes what the shop's endpoint has heard since.
    pub(super) fn gather_heard(&mut self, heard: Vec<Heard>, log: &mut Log) {
        for heard in &heard {
            let Heard { after_ms, id, number, verdict, .. } = heard;
            log.line(*after_ms, "shop", &format!("hears {id} of {number}: {}", verdict.as_str()));
        }
        self.heard.get_or_insert_default().extend(heard);
    }

    /// Reads our database. `true_ms` gives the bank's time of a moment on our clock, the earliest and the latest it can
    /// be.
    pub(super) async fn gather_books(
        &mut self,
        store: &Store,
        merchant: &MerchantId,
        start_ms: i64,
        true_ms: impl Fn(i64) -> (i64, i64),
        log: &mut Log,
    ) -> Result<(), StoreError> {
        loop {
            let page = store.events_after(self.events_read, u32::MAX).await?;
            let Some(last) = page.last() else { break };
            self.events_read = last.seq;
            for event in page {
                let (earliest_ms, at_ms) = true_ms(event.at.as_millis());
                log.line(at_ms - start_ms, "journal", &words(&event));
                if is_sent(event.kind) {
                    self.intents.push(Intent { at_ms: earliest_ms, number: event.number.as_str().to_owned() });
                }
                self.events.push(SeenEvent { at_ms, event });
            }
        }
        // What is registered stays so, as long as the database is the same.
        self.registrations.retain(|row| row.state == Standing::Registered);
        let known: BTreeSet<&str> = self.registrations.iter().map(|row| row.number.as_str()).collect();
        let asked = self.handed_in.keys().filter(|number| !known.contains(number.as_str()));
        let mut others = Vec::new();
        for number in asked {
            others.extend(store.registration(merchant, number).await?);
        }
        self.registrations.extend(others);
        self.orders = all_orders(store).await?;
        self.operations = all_operations(store).await?;
        let numbers: BTreeMap<OrderKey, &str> =
            self.orders.iter().map(|found| (found.order.key, found.order.number.as_str())).collect();
        let intended = self.operations.iter().filter_map(|operation| {
            let number = (*numbers.get(&operation.order)?).to_owned();
            let minor = match operation.amount {
                CompletionAmount::Whole => None,
                CompletionAmount::Exactly(amount) => Some(amount.minor()),
            };
            Some(Intended { number, kind: operation.kind, minor })
        });
        self.intended.extend(intended);
        let refunds = self.operations.iter().filter_map(|operation| {
            // What an adoption took from the witness does not say what had been given back; it is a refund of before.
            let (minor, before_minor) = operation.expected_minor.zip(operation.refunded_before)?;
            let number = (*numbers.get(&operation.order)?).to_owned();
            Some(((number, operation.intended_at.as_millis()), Refund { minor, before_minor }))
        });
        self.refunds.extend(refunds);
        Ok(())
    }

    /// The database was put back at `now_ms` to its state of `ms`: what was acknowledged since is the shop's to tell
    /// again.
    pub(super) fn forget_since(&mut self, ms: i64, now_ms: i64) -> BTreeSet<String> {
        self.events_read = 0;
        self.events.clear();
        let since = |(number, told): (&String, &Told)| (told.at_ms > ms).then(|| number.clone());
        let lost: BTreeSet<String> =
            self.told.iter().filter_map(since).chain(self.handed_in.iter().filter_map(since)).collect();
        self.told.retain(|_, told| told.at_ms <= ms);
        self.forgotten.extend(self.handed_in.iter().filter_map(since));
        self.handed_in.retain(|_, told| told.at_ms <= ms);
        self.registrations.clear();
        let undone: BTreeSet<String> =
            self.acts.iter().filter(|act| act.at_ms > ms).map(|act| act.number.clone()).collect();
        for number in undone {
            let is_order = |act: &&ToldAct| matches!(act.kind, ActKind::Order(_));
            let before = |is_meant: &dyn Fn(&&ToldAct) -> bool| {
                self.acts.iter().rposition(|act| act.number == number && act.at_ms <= ms && is_meant(&act))
            };
            // As it stood: the latest order, and the latest word about the schedule, in the order in which they were
            // said.
            let (ordered, planned) = (before(&is_order), before(&|act| !is_order(act)));
            let kinds = [planned.filter(|at| Some(*at) < ordered), ordered, planned.filter(|at| Some(*at) > ordered)];
            let kinds = kinds.into_iter().flatten().filter_map(|at| Some(self.acts.get(at)?.kind));
            let released = planned.is_none().then_some(ActKind::Release);
            let stood = released.into_iter().chain(kinds);
            let stood = stood.map(|kind| ToldAct { at_ms: now_ms, number: number.clone(), kind }).collect::<Vec<_>>();
            self.acts.extend(stood);
        }
        for stop in self.stops.iter_mut().filter(|stop| stop.from_ms > ms && stop.until_ms.is_none()) {
            stop.until_ms = Some(now_ms);
        }
        lost
    }
}

/// Whether the journal says by it that a send was written down.
pub(super) const fn is_sent(kind: EventKind) -> bool {
    matches!(kind, EventKind::CompletionSent | EventKind::ReversalSent | EventKind::RefundSent | EventKind::DeclineSent)
}

/// The sends in the text of a witness.
pub(super) fn witnessed(text: &str) -> Vec<Witnessed> {
    text.lines().filter_map(witnessed_line).collect()
}

/// `sent`, number, moment, merchant, order's number, order's id, kind, amount, what is expected; what follows is not
/// asked for.
fn witnessed_line(line: &str) -> Option<Witnessed> {
    let mut parts = line.split('\t');
    let (sent, at) = (parts.next()?, parts.nth(1)?);
    let (number, kind, amount, expected) = (parts.nth(1)?, parts.nth(1)?, parts.next()?, parts.next()?);
    let at_ms = at.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    let what = Intended { number: number.to_owned(), kind: OperationKind::parse(kind)?, minor: amount.parse().ok() };
    let expected_minor = expected.parse().ok()?;
    (sent == "sent").then_some(Witnessed { what, expected_minor, at_ms })
}

fn words(event: &Event) -> String {
    let (number, kind, cause) = (&event.number, event.kind.as_str(), event.cause.as_str());
    format!("{number} {kind} by {cause}, {} to {}: {}", event.before.as_str(), event.after.as_str(), event.detail)
}

async fn all_orders(store: &Store) -> Result<Vec<OrderWithOperation>, StoreError> {
    let mut all = Vec::new();
    let mut after = OrderKey(0);
    loop {
        let filter = ListFilter { after: Some(after), limit: u32::MAX, ..ListFilter::default() };
        let page = store.list_orders(filter).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.order.key;
        all.extend(page);
    }
}

async fn all_operations(store: &Store) -> Result<Vec<Operation>, StoreError> {
    let mut all = Vec::new();
    let mut after = OperationKey(0);
    loop {
        let page = store.operations_after(after).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.key;
        all.extend(page);
    }
}
