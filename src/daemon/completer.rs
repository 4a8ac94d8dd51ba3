//! The completer: takes held amounts when their completion is due, lets them go or calls a person at their deadline,
//! carries out what a person ordered, and settles what was sent.
//!
//! For one order at a time: ask the bank, write the intent and sync, send, ask again. What a crash or a timeout leaves
//! behind is the same row, `in_doubt`, and comes back here as due; nothing is sent before the bank has been asked
//! (rules R1 to R6 of money safety).
//!
//! A send may be held back (R7), and that is asked three times: before a question is spent on a completion that cannot
//! go; in the transaction that writes the intent, which decides; and right before the first byte, when the connection
//! stands, for a stop that came in between. Questions about what was sent are never held back, nor are looks that are
//! due.
//!
//! While the bank tells nothing, one question at a time is asked as the breaker's probe, that of the earliest lapse
//! first, and nothing is sent: it would only use up an attempt. What needs no bank is done all the same: a deadline
//! calls its person.

mod resettled;
mod sending;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::domain::bank::StatusAnswer;
use crate::domain::completion::{self, Asked, AtDeadline};
use crate::domain::event::NewEvent;
use crate::domain::guard::{Held, Standing};
use crate::domain::journey::LookOutcome;
use crate::domain::operation::{Operation, OperationKind, OperationState};
use crate::domain::order::{Order, OrderKey, State};
use crate::domain::polling::Jitter;
use crate::domain::time::Timestamp;
use crate::domain::weather::{Prober, Weather};
use crate::gateway::{self, Leaving, Purpose};
use crate::progress::Heart;
use crate::store::{Amendment, OperationChange, OrderWithOperation, StoreError, Upcoming};

use super::merchant::Desk;
use super::peril::Peril;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, held, log, login, told_to_stop, weather};
use sending::{FRESH, Send, carry_out};

/// Works until told to stop; then finishes the steps that are in hand. `ticks` is the cron bell: it only says "look
/// now".
pub(super) async fn run(desk: Desk, mut ticks: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
    let mut completer = Completer {
        heart: desk.shared.progress.heart(format!("completer of {}", desk.merchant), HEART_LIMIT),
        claimed: HashSet::new(),
        steps: JoinSet::new(),
        upcoming: None,
        stop: stop.clone(),
        desk,
    };
    let mut bell = completer.desk.shared.store.bell();
    resettled::try_held_back(&completer.desk).await;
    resettled::plan_anew(&completer.desk).await;
    loop {
        completer.heart.beat();
        let freed = completer.desk.gateway.sky().freed();
        let wait = completer.claim_due().await;
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            Some(done) = completer.steps.join_next() => completer.release(done),
            () = bell.changed() => {}
            () = completer.desk.gateway.login().reopened() => {}
            // The weather alone has changed, and no row.
            () = freed => continue,
            Ok(()) = ticks.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
        completer.upcoming = None;
    }
    completer.desk.shared.setting.perils.pass(Peril::Stopping).await;
    while let Some(done) = completer.steps.join_next().await {
        completer.release(done);
    }
}

struct Completer {
    desk: Desk,
    heart: Heart,
    claimed: HashSet<OrderKey>,
    steps: JoinSet<OrderKey>,
    /// What was read of what is next, while nothing says that it may have changed.
    upcoming: Option<Upcoming>,
    stop: watch::Receiver<bool>,
}

impl Completer {
    /// Claims what is due, earliest lapse first, as far as there is room, and says how long nothing else will be.
    async fn claim_due(&mut self) -> Duration {
        if self.desk.gateway.login().is_closed() {
            return self.desk.shared.setting.rhythm.looks;
        }
        match self.try_claim_due().await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, merchant = %self.desk.merchant, "Cannot read which completions are due");
                self.desk.shared.metrics.store_error("completer");
                tokio::time::sleep(AFTER_STORE_ERROR).await;
                AFTER_STORE_ERROR
            }
        }
    }

    async fn try_claim_due(&mut self) -> Result<Duration, StoreError> {
        let desk = self.desk.clone();
        let (store, now) = (&desk.shared.store, desk.shared.clock().now());
        // The indexes tell, and every bell asks: rows are read only when one of them is due.
        let mut upcoming = match self.upcoming {
            Some(upcoming) => upcoming,
            None => store.upcoming(&desk.merchant).await?,
        };
        // Counted by the steps in hand: a claim whose step broke off must not take up room for ever.
        let room = desk.completions_max.saturating_sub(self.steps.len());
        if room > 0 && is_due(upcoming.first(), now) && !self.claim_what_is_due(upcoming, room, now).await? {
            // What cannot be read was put out of the way, and is due no more.
            upcoming = store.upcoming(&desk.merchant).await?;
        }
        self.upcoming = Some(upcoming);
        Ok(self.until_due(upcoming.first(), now))
    }

    /// Whether any of it was found.
    async fn claim_what_is_due(&mut self, upcoming: Upcoming, room: usize, now: Timestamp) -> Result<bool, StoreError> {
        let desk = self.desk.clone();
        let (store, sky) = (&desk.shared.store, desk.gateway.sky());
        let mut room = room;
        if sky.is_open() {
            if is_due(upcoming.deadline, now) {
                self.claim_without_the_bank(store.due_deadlines(&desk.merchant, now, READ_IN_THE_DARK).await?, now);
            }
            // And one question, as the probe.
            room = usize::from(sky.wait(Prober::Money).is_zero());
        }
        if room == 0 {
            return Ok(true);
        }
        let due = store.due_completions(&desk.merchant, now, &self.claimed, room).await?;
        let is_any = !due.is_empty() || !self.claimed.is_empty();
        for due in due {
            self.claim_with_leave(due);
        }
        Ok(is_any)
    }

    fn claim_with_leave(&mut self, due: OrderWithOperation) {
        if self.is_free(&due)
            && let Ok(leaving) = self.desk.gateway.sky().leave(Prober::Money)
        {
            self.claim(due, Some(leaving));
        }
    }

    /// A deadline calls its person whether the bank tells anything or not.
    fn claim_without_the_bank(&mut self, due: Vec<OrderWithOperation>, now: Timestamp) {
        for due in due {
            let act = completion::at_deadline(&due.order, &self.desk.policy, now);
            if matches!(act, Some(AtDeadline::Review(..))) {
                self.claim(due, None);
            }
        }
    }

    fn is_free(&self, due: &OrderWithOperation) -> bool {
        self.steps.len() < self.desk.completions_max && !self.claimed.contains(&due.order.key)
    }

    fn claim(&mut self, due: OrderWithOperation, leaving: Option<Leaving>) {
        if self.is_free(&due) {
            self.claimed.insert(due.order.key);
            self.steps.spawn(step(self.desk.clone(), due, leaving, self.stop.clone()));
        }
    }

    /// How long nothing else is to be done, where the next is due at `next`.
    fn until_due(&self, next: Option<Timestamp>, now: Timestamp) -> Duration {
        let at_least_every = self.desk.shared.setting.rhythm.looks;
        match next {
            // Due, and the bank tells nothing: when it may be asked whether it does.
            Some(at) if at <= now && self.desk.gateway.sky().is_open() => {
                self.desk.gateway.sky().wait(Prober::Money).max(LEAST_IN_THE_DARK).min(at_least_every)
            }
            // Due and claimed already, or without room: the end of a step wakes us.
            Some(at) if at <= now && !self.claimed.is_empty() => at_least_every,
            Some(at) => at.since(now).min(at_least_every),
            None => at_least_every,
        }
    }

    fn release(&mut self, done: Result<OrderKey, tokio::task::JoinError>) {
        match done {
            Ok(key) => {
                self.claimed.remove(&key);
            }
            // The claim stays: nothing is done about an order whose step broke off until the daemon starts again.
            Err(error) => {
                tracing::error!(%error, "A completion's step broke off; it stays as it was written");
                self.desk.shared.metrics.store_error("completer");
            }
        }
    }
}

fn is_due(at: Option<Timestamp>, now: Timestamp) -> bool {
    at.is_some_and(|at| at <= now)
}

/// While the bank tells nothing, so many deadlines are read for what needs no bank. Those that need it stay due.
const READ_IN_THE_DARK: usize = 1_000;

/// And no more often than this.
const LEAST_IN_THE_DARK: Duration = Duration::from_millis(100);

async fn step(desk: Desk, due: OrderWithOperation, leaving: Option<Leaving>, stop: watch::Receiver<bool>) -> OrderKey {
    let number = due.order.number.clone();
    let key = due.order.key;
    let done = try_step(&desk, due, leaving, stop).await;
    if let Err(StoreError::MoneyFrozen(why)) = &done {
        tracing::warn!(merchant = %desk.merchant, order.number = %number, "What is due for order {number} waits: money is frozen ({why})");
    } else if let Err(error) = done {
        tracing::error!(%error, merchant = %desk.merchant, order.number = %number, "Cannot write down a completion's step of order {number}");
        desk.shared.metrics.store_error("completer");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
    key
}

/// Without `leaving` the bank is not asked.
async fn try_step(
    desk: &Desk,
    due: OrderWithOperation,
    leaving: Option<Leaving>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), StoreError> {
    let OrderWithOperation { order, operation } = due;
    let open = operation.filter(|operation| operation.state.is_open());
    let (order, operation) = if let Some(operation) = open {
        (order, operation)
    } else {
        intend(desk, &order).await?;
        let Some(intended) = reload(desk, &order).await? else {
            return Ok(());
        };
        intended
    };
    let sky = desk.gateway.sky();
    let Some(leaving) = leaving.filter(|leaving| sky.still_lets(leaving)) else {
        return Ok(());
    };
    if held::may_be_unasked(desk, &order, &operation) {
        let standing = standing(desk, &order, &operation).await?;
        if let Some(held) = held::unasked(desk, &order, &operation, &standing) {
            return held::put_off(desk, &order, held).await;
        }
    }
    let permit = tokio::select! {
        biased;
        () = told_to_stop(&mut stop) => return Ok(()),
        permit = desk.gateway.pacer().permit(Purpose::Money) => permit,
    };
    // Refused, or grown dark, while this step waited for its turn: it stays due.
    if desk.gateway.login().is_closed() || !sky.still_lets(&leaving) {
        return Ok(());
    }
    let asked_at = desk.shared.clock().now();
    let (bank, stood_still) = watched(desk.gateway.status(&order, permit)).await;
    login::note(desk).await;
    drop(leaving);
    desk.silence.note(&bank.answer, sky);
    if weather::holds_nothing_against_it(desk, &bank.answer) {
        return Ok(());
    }
    // The budget for the send is waited for before the intent is written: between the two nothing may take long.
    let answered = Instant::now();
    let mut leave = None;
    let standing = Standing { clock: held::clock_doubt(desk), ..standing(desk, &order, &operation).await? };
    if expects_to_send(desk, &order, &operation, &bank.answer, &standing) {
        leave = tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return Ok(()),
            permit = desk.gateway.pacer().permit(Purpose::Send) => Some(permit),
        };
        if stood_still > FRESH
            || answered.elapsed() > desk.gateway.pacer().patience(FRESH)
            || desk.gateway.login().is_closed()
            || sky.is_open()
        {
            // R4 wants a fresh read, and this one has grown old; and what cannot leave would use up an attempt. The
            // step is still due, and asks again.
            return Ok(());
        }
    }
    let writing = Instant::now();
    if leave.is_some() {
        desk.shared.setting.perils.pass(Peril::BeforeIntent).await;
    }
    let send = write_down(desk, &order, bank, asked_at, leave.is_some()).await?;
    match (send, leave) {
        (Some(send), Some(leave)) => carry_out(desk, send, leave, writing).await,
        _ => Ok(()),
    }
}

/// What `asking` tells, and for how long at most this process did nothing meanwhile: an answer may have lain in its
/// socket for as long. A process at work is never away for longer than the timer takes; a bank that is slow to answer
/// must not be taken for one that stood still.
async fn watched<T>(asking: impl Future<Output = T>) -> (T, Duration) {
    let mut asking = std::pin::pin!(asking);
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    loop {
        let told = tokio::select! {
            biased;
            told = &mut asking => Some(told),
            () = tokio::time::sleep(FRESH / 2) => None,
        };
        longest = longest.max(last.elapsed());
        last = Instant::now();
        if let Some(told) = told {
            return (told, longest);
        }
    }
}

/// Writes down that a completion is decided, or what is done at a deadline, if it still is to be done.
async fn intend(desk: &Desk, order: &Order) -> Result<(), StoreError> {
    let now = desk.shared.clock().now();
    let policy = Arc::clone(&desk.policy);
    let decide = move |order: &Order, open: Option<&Operation>| {
        // The plan may be another policy's, or a wrong clock's. What is due by the new one is found due at once, as
        // what it is then: a completion may have taken the place of a reversal.
        if let Some((order, event)) = completion::planned_anew(order, &policy, now).filter(|_| open.is_none()) {
            return Amendment::of_event(Some(order), OperationChange::None, event);
        }
        let due = order.state == State::Held && !order.parked && order.complete_at.is_some_and(|at| at <= now);
        if open.is_some() {
            return Amendment::nothing(None);
        }
        if !due {
            return match completion::at_deadline(order, &policy, now) {
                Some(AtDeadline::Reverse(operation, event)) => {
                    Amendment::of_event(Some(order.clone()), OperationChange::Open(operation), event)
                }
                Some(AtDeadline::Review(order, event)) => {
                    Amendment::of_event(Some(*order), OperationChange::None, event)
                }
                None => Amendment::nothing(None),
            };
        }
        let (operation, event) = completion::intend(order, now);
        Amendment::of_event(Some(order.clone()), OperationChange::Open(operation), event)
    };
    let told = desk.shared.store.amend(order.key, now, decide).await?;
    if let Some(event) = &told {
        log::event(order, event);
    }
    Ok(())
}

async fn standing(desk: &Desk, order: &Order, operation: &Operation) -> Result<Standing, StoreError> {
    desk.shared.store.standing(order, Some(operation.key), desk.shared.clock().now()).await
}

/// The rows as they are now; `None` when no operation is open any more.
async fn reload(desk: &Desk, order: &Order) -> Result<Option<(Order, Operation)>, StoreError> {
    let found = desk.shared.store.order(&desk.merchant, order.number.as_str()).await?;
    let open = found.operation.filter(|operation| operation.state.is_open());
    Ok(open.map(|operation| (found.order, operation)))
}

fn expects_to_send(
    desk: &Desk,
    order: &Order,
    operation: &Operation,
    answer: &StatusAnswer,
    standing: &Standing,
) -> bool {
    let now = desk.shared.clock().now();
    completion::after_ask(order, operation, answer, standing, &desk.policy, now, Jitter::new(0)).send
}

/// What writing down an answer tells: the events, what kind of look it was, which operation it is and where it
/// stands, and what to send.
struct Told {
    events: Vec<NewEvent>,
    outcome: LookOutcome,
    kind: OperationKind,
    state: OperationState,
    send: Option<Send>,
    /// Why nothing is sent, and whether that is news.
    held: Option<(Held, bool)>,
}

/// Writes down what the bank's answer makes of the rows. Returns what is to be sent only once its intent is synced.
async fn write_down(
    desk: &Desk,
    asked_about: &Order,
    bank: gateway::Told,
    asked_at: Timestamp,
    may_send: bool,
) -> Result<Option<Send>, StoreError> {
    let gateway::Told { answer, whole } = bank;
    let (now, heard, class) = (desk.shared.clock().now(), Instant::now(), Weather::of_status(&answer));
    let (policy, jitter) = (Arc::clone(&desk.policy), Jitter::new(fastrand::u16(..)));
    let seen_version = asked_about.version;
    let clock = held::clock_doubt(desk);
    let decide = move |order: &Order, open: Option<&Operation>, standing: &Standing| {
        // R4: whoever changed the row while the bank was asked has overtaken this answer.
        let Some(open) = open.filter(|_| order.version == seen_version) else {
            return Amendment::nothing(None);
        };
        if open.became_quiet_between(asked_at, now, policy.settle.quiet) {
            // R12 wants reads from after the quiet time: the step is still due, and asks again.
            return Amendment::nothing(None);
        }
        let standing = Standing { clock, ..standing.clone() };
        let asked = completion::after_ask(order, open, &answer, &standing, &policy, now, jitter);
        if asked.send && !may_send {
            return Amendment::nothing(None);
        }
        let answer = whole.and_then(|whole| whole.kept).filter(|_| asked.order.saw_at(now));
        Amendment { answer, ..amendment(order, open, asked) }
    };
    let Some(told) = desk.shared.store.amend_guarded(asked_about.key, now, decide).await? else {
        return Ok(None);
    };
    desk.shared.metrics.look(&desk.merchant, told.outcome);
    for event in &told.events {
        log::event(asked_about, event);
    }
    if !told.state.is_open() {
        desk.shared.metrics.settled(&desk.merchant, told.kind, told.state);
        desk.shared.setting.perils.pass(Peril::AfterSettling).await;
    }
    if let Some((held, is_news)) = &told.held {
        held::tell(desk, asked_about, held, *is_news);
    }
    weather::note(desk, asked_about.key, class, heard, now).await;
    Ok(told.send)
}

fn amendment(before: &Order, open: &Operation, asked: Asked) -> Amendment<Option<Told>> {
    // The id was known before the bank was asked, so no doubt about whose it is can come up in this very write.
    let order_id = before.order_id.clone().filter(|_| asked.send);
    let Operation { kind, state, .. } = asked.operation;
    let operation = asked.operation.clone();
    let send = order_id.map(|order_id| Send { order: asked.order.clone(), order_id, operation });
    let is_news = open.note != asked.operation.note;
    let told = Told {
        events: asked.events.clone(),
        outcome: asked.outcome,
        kind,
        state,
        send,
        held: asked.held.map(|held| (held, is_news)),
    };
    Amendment {
        order: Some(asked.order),
        operation: OperationChange::Update(asked.operation),
        events: asked.events,
        brake: asked.brake,
        ..Amendment::nothing(Some(told))
    }
}
