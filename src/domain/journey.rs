//! An order's journey, one answer at a time: what a look makes of the order's row and of the journal.
//!
//! [`lifecycle`] judges; this turns the judgement into the row to be written, with its next look. Nothing is written
//! here: the store applies what comes back in one transaction.

use std::time::Duration;

use super::autocompletion;
use super::bank::{BankStatus, BankView, StatusAnswer, UNKNOWN_ORDER};
use super::booked;
use super::calendar::Zone;
use super::event::{Cause, EventKind, NewEvent};
use super::guard::GuardPolicy;
use super::holds::{self, CompletionSchedule, HoldPolicy, Plan};
use super::lifecycle::{self, Contradiction, Judgement};
use super::money::for_people;
use super::operation::SettlePolicy;
use super::order::{Heard, Hold, Kind, Order, OrderNumber, SeenView, State};
use super::polling::{self, LookPolicy, Outlook};
use super::time::Timestamp;

/// A merchant's policies: everything decisions depend on besides the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// When to look.
    pub looks: LookPolicy,
    /// How long holds last.
    pub holds: HoldPolicy,
    /// When held orders are completed.
    pub schedule: CompletionSchedule,
    /// How completions are settled.
    pub settle: SettlePolicy,
    /// What holds a send back.
    pub guard: GuardPolicy,
    /// The merchant's zone, in which cron patterns are read.
    pub zone: Zone,
}

/// What a look made of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The row to write.
    pub order: Order,
    /// The events to write with it.
    pub events: Vec<NewEvent>,
    /// What kind of look it was, for the metrics.
    pub outcome: LookOutcome,
}

/// What came of a look: a closed set, since it labels a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LookOutcome {
    /// As we had it.
    Unchanged,
    /// A new state.
    Changed,
    /// The bank went backwards: decides nothing.
    Stale,
    /// A status number the documents do not define.
    Unrecognised,
    /// Went to review.
    Contradiction,
    /// The bank's word about our request.
    Refused,
    /// No answer that tells anything.
    Unknown,
}

impl LookOutcome {
    /// Every outcome.
    pub const ALL: [Self; 7] = [
        Self::Unchanged,
        Self::Changed,
        Self::Stale,
        Self::Unrecognised,
        Self::Contradiction,
        Self::Refused,
        Self::Unknown,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Stale => "stale",
            Self::Unrecognised => "unrecognised",
            Self::Contradiction => "contradiction",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What `answer` makes of `order`.
pub fn after_look<'a>(
    order: &Order,
    answer: &StatusAnswer,
    policy: &Policy,
    now: Timestamp,
    outlook: impl Into<Outlook<'a>>,
) -> Looked {
    let outlook = outlook.into();
    match answer {
        StatusAnswer::Known(view) => known(order, view, policy, now, outlook),
        StatusAnswer::Refused(refusal) if refusal.code == UNKNOWN_ORDER => {
            let mut order = heard(order, refusal.to_string(), now);
            order.unknown_in_a_row = 0;
            order.next_look_at = polling::next_look(&policy.looks, &order, now, outlook);
            Looked { order, events: Vec::new(), outcome: LookOutcome::Refused }
        }
        // Access denied, or a question the bank does not understand: asking on at the same pace would only hammer it.
        StatusAnswer::Refused(refusal) => {
            let order = backed_off(order, refusal.to_string(), Duration::ZERO, policy, now, outlook);
            Looked { order, events: Vec::new(), outcome: LookOutcome::Refused }
        }
        StatusAnswer::Unknown(unknown) => {
            let asked = unknown.retry_after.unwrap_or(Duration::ZERO);
            let order = backed_off(order, unknown.to_string(), asked, policy, now, outlook);
            Looked { order, events: Vec::new(), outcome: LookOutcome::Unknown }
        }
    }
}

fn backed_off(
    order: &Order,
    words: String,
    asked_to_wait: Duration,
    policy: &Policy,
    now: Timestamp,
    outlook: Outlook<'_>,
) -> Order {
    let mut order = heard(order, words, now);
    order.next_look_at = Some(polling::next_look_backing_off(&policy.looks, &order, asked_to_wait, now, outlook));
    order.unknown_in_a_row = order.unknown_in_a_row.saturating_add(1);
    order
}

fn heard(order: &Order, words: String, now: Timestamp) -> Order {
    Order { heard: Some(Heard { at: now, words }), ..order.clone() }
}

fn known(order: &Order, view: &BankView, policy: &Policy, now: Timestamp, outlook: Outlook<'_>) -> Looked {
    let judgement = match lifecycle::judge(order, view) {
        Judgement::Stale => booked::after_a_look(order, view, now).map_or(Judgement::Stale, Judgement::Contradiction),
        judged => judged,
    };
    judged(order, view, judgement, policy, now, outlook)
}

/// What an answer makes of `order` that is known to be older than our book: it was heard, and decides nothing.
pub(super) fn after_older_look<'a>(
    order: &Order,
    view: &BankView,
    policy: &Policy,
    now: Timestamp,
    outlook: impl Into<Outlook<'a>>,
) -> Looked {
    judged(order, view, Judgement::Stale, policy, now, outlook.into())
}

fn judged(
    order: &Order,
    view: &BankView,
    judgement: Judgement,
    policy: &Policy,
    now: Timestamp,
    outlook: Outlook<'_>,
) -> Looked {
    let mut next = heard(order, format!("the bank shows it {}", view.status), now);
    next.unknown_in_a_row = 0;
    let kept = worth_keeping(&judgement);
    if kept {
        next.view = Some(SeenView { view: view.clone(), seen_at: now });
    }
    let mut events: Vec<NewEvent> = if kept { seen_late(order, view, &judgement) } else { Vec::new() };
    // What contradicts our book is shown to a person, and teaches nothing.
    if kept && !matches!(judgement, Judgement::Contradiction(_)) {
        next.order_id = next.order_id.or_else(|| view.order_id.clone());
        events.extend(learn(&mut next, view, policy, now));
    }
    let (outcome, told) = match judgement {
        Judgement::Unchanged => (LookOutcome::Unchanged, Vec::new()),
        Judgement::Stale => (LookOutcome::Stale, Vec::new()),
        Judgement::Unrecognised(number) => (LookOutcome::Unrecognised, unrecognised(order, number)),
        Judgement::Became(state) => (LookOutcome::Changed, vec![become_state(&mut next, state, view, policy, now)]),
        Judgement::Contradiction(found) => {
            (LookOutcome::Contradiction, open_review(&mut next, &found, Cause::Look, now).into_iter().collect())
        }
    };
    events.extend(told);
    events.extend(notice_conflict(&mut next, policy));
    next.next_look_at = polling::next_look(&policy.looks, &next, now, outlook);
    Looked { order: next, events, outcome }
}

/// What a view tells of an order besides its state: whose card it is, and with it when the hold lapses; and when the
/// gateway completes it by itself.
fn learn(order: &mut Order, view: &BankView, policy: &Policy, now: Timestamp) -> Option<NewEvent> {
    order.autocompletion_at = view.autocompletion_at.or(order.autocompletion_at);
    order.kind = if view.status == BankStatus::Held { Some(Kind::TwoPhase) } else { order.kind };
    let system = view.payment_system.clone().filter(|system| order.payment_system.as_ref() != Some(system))?;
    order.payment_system = Some(system.clone());
    let hold = order.hold.filter(|_| holds::stands(order))?;
    let moved = set_hold(order, holds::counted_anew(&policy.holds, hold, Some(&system)), &policy.holds, now);
    plan(order, policy);
    let lapses_at = order.hold?.lapses_at;
    let detail = format!("the card is of {system}, so the hold lapses at {}", policy.zone.for_people(lapses_at));
    let state = order.state;
    let event = NewEvent { kind: EventKind::DeadlineChanged, cause: Cause::Look, before: state, after: state, detail };
    moved.then_some(event)
}

/// Writes a hold with its deadline. Whether the deadline is another one; then the warnings that it has not earned yet
/// are still to be given.
pub(super) fn set_hold(order: &mut Order, hold: Hold, policy: &HoldPolicy, now: Timestamp) -> bool {
    let moved = order.hold.is_some_and(|before| before.lapses_at != hold.lapses_at);
    if moved {
        order.lapse_warnings = order.lapse_warnings.min(policy.warnings_earned(hold, now));
    }
    order.hold = Some(hold);
    moved
}

/// Plans the completion of a held order, or what is done at its deadline; of any other there is no plan.
pub(super) fn plan(order: &mut Order, policy: &Policy) {
    let hold = order.hold.filter(|_| order.state == State::Held);
    let plan = hold.map(|hold| holds::plan(&policy.holds, &policy.schedule, &policy.zone, order, hold));
    let Plan { complete_at, deadline_at } = plan.unwrap_or_default();
    (order.complete_at, order.deadline_at) = (complete_at, deadline_at);
}

/// What is seen after an end, by name: the shop acts on it. A view that is no news, or not of our order, has none.
fn seen_late(order: &Order, view: &BankView, judgement: &Judgement) -> Vec<NewEvent> {
    let earlier = order.view.as_ref().map(|seen| &seen.view);
    let state = order.state;
    let event = |kind, detail| NewEvent { kind, cause: Cause::Look, before: state, after: state, detail };
    let mut seen = Vec::new();
    if view.chargeback == Some(true) && earlier.is_none_or(|earlier| earlier.chargeback != Some(true)) {
        seen.push(event(EventKind::Chargeback, "the bank shows a chargeback".to_owned()));
    }
    let shown = format!("we had it {state}, and the bank shows it {}", view.status);
    match (state, view.status) {
        _ if !matches!(judgement, Judgement::Contradiction(_)) => {}
        (State::Declined, BankStatus::Held | BankStatus::Deposited | BankStatus::Refunded) => {
            seen.push(event(EventKind::LateApproval, shown));
        }
        (State::Deposited | State::Refunded, BankStatus::Reversed) => seen.push(event(EventKind::ReversedLate, shown)),
        _ => {}
    }
    let refunded = |view: &BankView| view.amounts.map(|amounts| amounts.refunded);
    let (before, now) = (earlier.and_then(refunded), refunded(view));
    let stays = matches!(judgement, Judgement::Unchanged) && matches!(state, State::Deposited | State::Refunded);
    if let Some((before, now)) = before.zip(now).filter(|(before, now)| stays && before != now) {
        let sum = |minor| for_people(minor, order.currency);
        seen.push(event(EventKind::Refunded, format!("{} went back by now, {} before", sum(now), sum(before))));
    }
    seen
}

/// Once per value: whoever reads it knows, and the order's story goes on showing it.
fn notice_conflict(order: &mut Order, policy: &Policy) -> Option<NewEvent> {
    let (at, conflict) = autocompletion::conflict(order)?;
    if order.autocompletion_told == Some(at) {
        return None;
    }
    order.autocompletion_told = Some(at);
    let detail =
        format!("the gateway completes it by itself at {}, {}", policy.zone.for_people(at), conflict.in_words());
    let state = order.state;
    let kind = EventKind::AutocompletionConflict;
    Some(NewEvent { kind, cause: Cause::Look, before: state, after: state, detail })
}

/// A stale view is older than what we have, and an answer about another order is not a view of ours.
fn worth_keeping(judgement: &Judgement) -> bool {
    !matches!(
        judgement,
        Judgement::Stale
            | Judgement::Contradiction(Contradiction::AnotherOrderNumber { .. } | Contradiction::AnotherOrderId { .. })
    )
}

/// Once per number, not once per look.
fn unrecognised(order: &Order, number: i64) -> Vec<NewEvent> {
    let seen_before = order.view.as_ref().is_some_and(|seen| seen.view.status.number() == number);
    if seen_before {
        return Vec::new();
    }
    let detail = format!("the bank shows orderStatus {number}, which its documents do not define");
    let state = order.state;
    vec![NewEvent { kind: EventKind::StatusUnrecognised, cause: Cause::Look, before: state, after: state, detail }]
}

fn become_state(order: &mut Order, state: State, view: &BankView, policy: &Policy, now: Timestamp) -> NewEvent {
    let before = order.state;
    enter(order, state, view, policy, now);
    let action = view.action_code.filter(|code| *code != 0).map(|code| format!(", actionCode {code}"));
    let detail = format!("the bank shows it {}{}", view.status, action.unwrap_or_default());
    let kind = match (before, state) {
        (State::Deposited, State::Refunded) => EventKind::Refunded,
        _ => EventKind::Changed,
    };
    NewEvent { kind, cause: Cause::Look, before, after: state, detail }
}

/// Puts `order` into `state`, with what belongs to it: a hold has a deadline and a plan, an end has neither.
pub(super) fn enter(order: &mut Order, state: State, view: &BankView, policy: &Policy, now: Timestamp) {
    order.state = state;
    order.state_since = now;
    if state == State::Held {
        let system = order.payment_system.as_ref();
        let hold = order.hold.map_or_else(
            || holds::hold(&policy.holds, system, view.authorised_at, now),
            |hold| holds::counted_anew(&policy.holds, hold, system),
        );
        set_hold(order, hold, &policy.holds, now);
    }
    plan(order, policy);
}

/// Puts `order` into review. Nothing when it stands there already: the first reason is the one a person sees.
pub(super) fn open_review(order: &mut Order, found: &Contradiction, cause: Cause, now: Timestamp) -> Option<NewEvent> {
    let before = order.state;
    if before == State::Review {
        return None;
    }
    let reason = found.reason(order);
    let detail = reason.sentence.clone();
    order.review = Some(reason);
    order.before_review = Some(before);
    order.state = State::Review;
    order.state_since = now;
    (order.complete_at, order.deadline_at) = (None, None);
    Some(NewEvent { kind: EventKind::ReviewOpened, cause, before, after: State::Review, detail })
}

/// The bank gave `before` an order id that another order of ours has: the row to write instead of `after`, which
/// learned it, and the event. Nothing of that answer is believed.
pub fn order_id_taken(before: &Order, after: &Order, by: &OrderNumber, now: Timestamp) -> (Order, Option<NewEvent>) {
    let mut next = Order { next_look_at: after.next_look_at, heard: after.heard.clone(), ..before.clone() };
    let found = Contradiction::OrderIdTaken { by: by.as_str().to_owned() };
    if found.is_accepted(before) {
        return (next, None);
    }
    let event = open_review(&mut next, &found, Cause::Look, now);
    (next, event)
}

#[cfg(test)]
mod tests;
