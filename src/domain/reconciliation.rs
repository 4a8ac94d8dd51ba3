//! A business day's report, as a value: what moved, what stands open, and every line a person should read.
//!
//! The store hands in counted totals and the orders that may be worth a line; [`findings`] decides which are. Rendering
//! is [`crate::report`]'s subject.

use std::time::Duration;

use super::calendar::{BusinessDay, Zone};
use super::holds::{self, HoldPolicy};
use super::money::{Currency, for_people};
use super::operation::{CompletionAmount, Operation, OperationState};
use super::order::{MerchantId, Order, OrderId, OrderNumber, State};
use super::polling::{self, LookPolicy};
use super::time::{Timestamp, in_words};

/// One merchant's business day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose day.
    pub merchant: MerchantId,
    /// Which day.
    pub day: BusinessDay,
    /// The zone its times are shown in.
    pub zone: Zone,
    /// When the books were read.
    pub drawn_at: Timestamp,
    /// Orders that entered the queue on the day, by the state they have now.
    pub entered: Vec<Total>,
    /// Orders that came to their end on the day.
    pub ended: Vec<Total>,
    /// Every order that is not at an end.
    pub standing: Vec<Total>,
    /// What a person should read, by kind and then by age, oldest first.
    pub findings: Vec<Finding>,
}

/// Orders of one state and currency, counted and added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The state.
    pub state: State,
    /// The currency; sums of two are never added.
    pub currency: Currency,
    /// How many.
    pub count: u64,
    /// Their prices, in minor units.
    pub amount_minor: i64,
    /// What the bank's latest views show as deposited, in minor units.
    pub deposited_minor: i64,
    /// What they show as refunded, in minor units.
    pub refunded_minor: i64,
}

/// Why an order has a line in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Money contradicts itself.
    InReview,
    /// A completion's outcome is not known.
    InDoubt,
    /// A hold lapses soon, or should have lapsed.
    Lapsing,
    /// A sum differs between our record and the bank's latest view.
    Differs,
    /// No outcome long after the payment time ran out.
    Stuck,
    /// Held, and not near its lapse.
    Held,
}

impl FindingKind {
    /// Every kind, the most urgent first.
    pub const ALL: [Self; 6] = [Self::InReview, Self::InDoubt, Self::Lapsing, Self::Differs, Self::Stuck, Self::Held];

    /// The word for it in CSV, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InReview => "in_review",
            Self::InDoubt => "in_doubt",
            Self::Lapsing => "lapsing",
            Self::Differs => "differs",
            Self::Stuck => "stuck",
            Self::Held => "held",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Why it is here.
    pub kind: FindingKind,
    /// The shop's number.
    pub number: OrderNumber,
    /// The gateway's id, when known.
    pub order_id: Option<OrderId>,
    /// What we hold to be true.
    pub state: State,
    /// The sum our record has, in minor units: the price, or for a difference what should have been taken.
    pub our_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// The sum the bank's latest view has, in minor units.
    pub bank_minor: Option<i64>,
    /// Since when it stands so.
    pub since: Timestamp,
    /// When a hold lapses.
    pub deadline: Option<Timestamp>,
    /// What to know and what to do, in a sentence.
    pub detail: String,
}

/// An order with its latest completion, as the store hands it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The order.
    pub order: Order,
    /// Its open completion, or the latest settled one.
    pub operation: Option<Operation>,
}

/// What of a merchant's settings the report depends on.
#[derive(Clone, Copy, Debug)]
pub struct Yardstick<'a> {
    /// For payment times.
    pub looks: &'a LookPolicy,
    /// For lapses.
    pub holds: &'a HoldPolicy,
    /// How long after the payment time ran out an order without outcome counts as stuck.
    pub stuck_after: Duration,
}

/// Every line that `candidates` are worth, by kind and then by age, oldest first.
pub fn findings(candidates: &[Candidate], yardstick: Yardstick<'_>, now: Timestamp) -> Vec<Finding> {
    let of_one = |candidate| findings_of(candidate, yardstick, now);
    let mut all: Vec<Finding> = candidates.iter().flat_map(of_one).collect();
    all.sort_by(|a, b| (a.kind, a.since, &a.number).cmp(&(b.kind, b.since, &b.number)));
    all
}

/// Whether an order has no outcome although its payment time ran out long ago.
pub fn is_stuck(order: &Order, yardstick: Yardstick<'_>, now: Timestamp) -> bool {
    order.state == State::Pending && now >= polling::expires_at(yardstick.looks, order).plus(yardstick.stuck_after)
}

fn findings_of(candidate: &Candidate, yardstick: Yardstick<'_>, now: Timestamp) -> Vec<Finding> {
    let order = &candidate.order;
    let mut found = Vec::new();
    if let Some(reason) = order.review.as_ref().filter(|_| order.state == State::Review) {
        found.push(finding(FindingKind::InReview, order, reason.sentence.clone()));
    }
    if let Some(operation) = candidate.operation.as_ref().filter(|operation| operation.state == OperationState::InDoubt)
    {
        found.push(Finding {
            since: operation.sent_at.unwrap_or(operation.intended_at),
            ..finding(FindingKind::InDoubt, order, in_doubt(operation))
        });
    }
    if let Some(hold) = order.hold.filter(|_| order.state == State::Held) {
        let at_risk = holds::at_risk(yardstick.holds, hold, now);
        let kind = if at_risk { FindingKind::Lapsing } else { FindingKind::Held };
        found.push(finding(kind, order, held(order, hold.lapses_at, now)));
    }
    if let Some(difference) = difference(candidate) {
        found.push(difference);
    }
    if is_stuck(order, yardstick, now) {
        let detail = match &order.view {
            Some(seen) => format!("the bank shows it {}", seen.view.status),
            None => "the bank has not shown it yet".to_owned(),
        };
        found.push(finding(FindingKind::Stuck, order, detail));
    }
    found
}

fn finding(kind: FindingKind, order: &Order, detail: String) -> Finding {
    Finding {
        kind,
        number: order.number.clone(),
        order_id: order.order_id.clone(),
        state: order.state,
        our_minor: order.amount.minor(),
        currency: order.currency,
        bank_minor: order.view.as_ref().and_then(|seen| seen.view.amount),
        since: order.state_since,
        deadline: order.hold.map(|hold| hold.lapses_at).filter(|_| order.state == State::Held),
        detail,
    }
}

fn in_doubt(operation: &Operation) -> String {
    let note = operation.note.as_deref().unwrap_or("no answer");
    format!("a completion was sent {} time(s); the outcome is not known yet ({note})", operation.attempt)
}

fn held(order: &Order, lapses_at: Timestamp, now: Timestamp) -> String {
    let what = match (order.complete_at, order.parked) {
        (_, true) => "parked by an operator".to_owned(),
        (Some(at), _) if at <= now => "completion is due".to_owned(),
        (Some(at), _) => format!("completion in {}", in_words(at.since(now))),
        (None, _) => "waits for its release".to_owned(),
    };
    if now >= lapses_at {
        return format!("{what}; should have lapsed {} ago", in_words(now.since(lapses_at)));
    }
    format!("{what}; lapses in {}", in_words(lapses_at.since(now)))
}

/// A sum that differs between our record and the bank's latest view: the price, or what was taken.
fn difference(candidate: &Candidate) -> Option<Finding> {
    let order = &candidate.order;
    let view = &order.view.as_ref()?.view;
    let differs = |our_minor: i64, bank_minor: i64, what: &str| {
        let words = format!(
            "{what}: ours {}, the bank's {}",
            for_people(our_minor, order.currency),
            for_people(bank_minor, order.currency)
        );
        Some(Finding { our_minor, bank_minor: Some(bank_minor), ..finding(FindingKind::Differs, order, words) })
    };
    if let Some(theirs) = view.currency.filter(|theirs| *theirs != order.currency) {
        let words = format!("currency: ours {}, the bank's {}", order.currency.alpha(), theirs.alpha());
        return Some(finding(FindingKind::Differs, order, words));
    }
    if let Some(theirs) = view.amount.filter(|theirs| *theirs != order.amount.minor()) {
        return differs(order.amount.minor(), theirs, "price");
    }
    let deposited = view.amounts?.deposited;
    let intended = intended_minor(candidate);
    if order.state == State::Deposited && deposited != intended {
        return differs(intended, deposited, "deposited");
    }
    None
}

/// What should have been taken: a completion's sum where we sent one, else the order's.
fn intended_minor(candidate: &Candidate) -> i64 {
    let sent = candidate.operation.as_ref().filter(|operation| operation.attempt > 0);
    match (sent.and_then(|operation| operation.expected_minor), candidate.order.completion) {
        (Some(expected), _) => expected,
        (None, CompletionAmount::Exactly(amount)) => amount.minor(),
        (None, CompletionAmount::Whole) => candidate.order.amount.minor(),
    }
}
