//! An order's journey, one answer at a time: what a look makes of the order's row and of the journal.
//!
//! [`lifecycle`] judges; this turns the judgement into the row to be written, with its next look. Nothing is written
//! here: the store applies what comes back in one transaction.

use std::time::Duration;

use super::bank::{BankView, StatusAnswer, UNKNOWN_ORDER};
use super::calendar::Zone;
use super::event::{Cause, EventKind, NewEvent};
use super::holds::{self, CompletionSchedule, HoldPolicy};
use super::lifecycle::{self, Contradiction, Judgement};
use super::operation::SettlePolicy;
use super::order::{Heard, Order, OrderNumber, SeenView, State};
use super::polling::{self, Jitter, LookPolicy};
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
pub fn after_look(order: &Order, answer: &StatusAnswer, policy: &Policy, now: Timestamp, jitter: Jitter) -> Looked {
    match answer {
        StatusAnswer::Known(view) => known(order, view, policy, now, jitter),
        StatusAnswer::Refused(refusal) if refusal.code == UNKNOWN_ORDER => {
            let mut order = heard(order, refusal.to_string(), now);
            order.unknown_in_a_row = 0;
            order.next_look_at = polling::next_look(&policy.looks, &order, now, jitter);
            Looked { order, events: Vec::new(), outcome: LookOutcome::Refused }
        }
        // Access denied, or a question the bank does not understand: asking on at the same pace would only hammer it.
        StatusAnswer::Refused(refusal) => {
            let order = backed_off(order, refusal.to_string(), Duration::ZERO, policy, now, jitter);
            Looked { order, events: Vec::new(), outcome: LookOutcome::Refused }
        }
        StatusAnswer::Unknown(unknown) => {
            let asked = unknown.retry_after.unwrap_or(Duration::ZERO);
            let order = backed_off(order, unknown.to_string(), asked, policy, now, jitter);
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
    jitter: Jitter,
) -> Order {
    let mut order = heard(order, words, now);
    order.next_look_at = Some(polling::next_look_backing_off(&policy.looks, &order, asked_to_wait, now, jitter));
    order.unknown_in_a_row = order.unknown_in_a_row.saturating_add(1);
    order
}

fn heard(order: &Order, words: String, now: Timestamp) -> Order {
    Order { heard: Some(Heard { at: now, words }), ..order.clone() }
}

fn known(order: &Order, view: &BankView, policy: &Policy, now: Timestamp, jitter: Jitter) -> Looked {
    let mut next = heard(order, format!("the bank shows it {}", view.status), now);
    next.unknown_in_a_row = 0;
    let judgement = lifecycle::judge(order, view);
    if worth_keeping(&judgement) {
        next.view = Some(SeenView { view: view.clone(), seen_at: now });
    }
    // What contradicts our book is shown to a person, and teaches nothing.
    if worth_keeping(&judgement) && !matches!(judgement, Judgement::Contradiction(_)) {
        next.order_id = next.order_id.or_else(|| view.order_id.clone());
    }
    let (outcome, events) = match judgement {
        Judgement::Unchanged => (LookOutcome::Unchanged, Vec::new()),
        Judgement::Stale => (LookOutcome::Stale, Vec::new()),
        Judgement::Unrecognised(number) => (LookOutcome::Unrecognised, unrecognised(order, number)),
        Judgement::Became(state) => (LookOutcome::Changed, vec![become_state(&mut next, state, view, policy, now)]),
        Judgement::Contradiction(found) => {
            (LookOutcome::Contradiction, open_review(&mut next, &found, Cause::Look, now).into_iter().collect())
        }
    };
    next.next_look_at = polling::next_look(&policy.looks, &next, now, jitter);
    Looked { order: next, events, outcome }
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
    NewEvent { kind: EventKind::Changed, cause: Cause::Look, before, after: state, detail }
}

/// Puts `order` into `state`, with what belongs to it: a hold has a deadline and a completion, an end has neither.
pub(super) fn enter(order: &mut Order, state: State, view: &BankView, policy: &Policy, now: Timestamp) {
    order.state = state;
    order.state_since = now;
    order.complete_at = None;
    if state == State::Held {
        let hold = order.hold.unwrap_or_else(|| holds::hold(&policy.holds, view.authorised_at, now));
        order.hold = Some(hold);
        order.complete_at = holds::complete_at(&policy.schedule, &policy.zone, order, hold);
    }
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
    order.complete_at = None;
    Some(NewEvent { kind: EventKind::ReviewOpened, cause, before, after: State::Review, detail })
}

/// The bank gave `before` an order id that another order of ours has: the row to write instead of `after`, which learned
/// it, and the event. Nothing of that answer is believed.
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
