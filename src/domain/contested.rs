//! An order that nobody may act on before a person has seen it: its row was altered, or money of it was sent that this
//! database knows nothing of.
//!
//! Unlike a contradiction of the bank's, this one is opened whatever state the order is in, and whatever was accepted
//! before: what was accepted may be what was altered.

use super::event::{Cause, EventKind, NewEvent, Stage};
use super::lifecycle::Contradiction;
use super::operation::{CompletionAmount, Operation, OperationKind, OperationState};
use super::order::{Order, State};
use super::time::Timestamp;

/// Rows to write, with their events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contested {
    /// The order's row: in review, and to be looked at at once.
    pub order: Order,
    /// Its open operation's row, when that changes: what was not sent is taken back, what is in doubt stays so.
    pub operation: Option<Operation>,
    /// The events.
    pub events: Vec<NewEvent>,
}

/// A send that is on no row of ours: the witness has it, and the database is older than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideSend {
    /// What was sent.
    pub kind: OperationKind,
    /// What it takes.
    pub amount: CompletionAmount,
    /// Which attempt of its completion it was.
    pub attempt: u32,
    /// How many such sends the order has.
    pub sends: u32,
    /// Minor units that must stand deposited for it to be confirmed.
    pub expected_minor: i64,
    /// Of a refund: minor units that had been given back before it, where the line says so.
    pub refunded_before: Option<i64>,
    /// When it was sent.
    pub sent_at: Timestamp,
}

impl OutsideSend {
    /// The row of a completion that was sent so: in doubt, to be asked about `now`, and quiet only after a while from
    /// `gone_at` on. Whoever sent it may have been at it until then; nobody who is left knows.
    pub fn in_doubt(&self, operation: &Operation, gone_at: Timestamp, now: Timestamp) -> Operation {
        let attempt = operation.attempt.max(self.attempt).max(1);
        Operation {
            state: OperationState::InDoubt,
            attempt,
            unknown_sends: operation.unknown_sends.saturating_add(self.sends).clamp(1, attempt),
            expected_minor: Some(self.expected_minor),
            refunded_before: self.refunded_before.or(operation.refunded_before),
            sent_at: Some(self.sent_at),
            answered_at: Some(gone_at),
            agreeing_reads: 0,
            asks: 0,
            next_step_at: now,
            note: Some("sent, as the witness has it, and not known to this database before".to_owned()),
            ..operation.clone()
        }
    }

    /// Whether `open` is the completion that was sent, with another attempt. Of refunds an order can have several of
    /// one sum: those are told apart by what had been given back before each.
    pub fn is_of(&self, open: &Operation) -> bool {
        let is_same_refund = self.refunded_before.is_none() || self.refunded_before == open.refunded_before;
        open.state == OperationState::InDoubt && (open.kind, open.amount) == (self.kind, self.amount) && is_same_refund
    }

    /// Whether a person ordered it, as far as its kind tells: nobody else refunds or declines.
    pub const fn is_ordered(&self) -> bool {
        matches!(self.kind, OperationKind::Refund | OperationKind::Decline)
    }
}

/// The row of a completion in doubt after which another one was sent: nobody can have two at once, so it had ended by
/// then, and the read that settles the other one tells what was taken.
pub fn ended_outside(open: &Operation) -> Operation {
    Operation {
        state: OperationState::Contradicted,
        note: Some("the witness has a later send, of another sum or kind".to_owned()),
        ..open.clone()
    }
}

/// Puts `order` into review for `found`.
pub fn put_before_a_person(
    order: &Order,
    open: Option<&Operation>,
    found: &Contradiction,
    cause: Cause,
    now: Timestamp,
) -> Contested {
    let mut reason = found.reason(order);
    let before = order.state;
    let detail = reason.sentence.clone();
    if let Some(earlier) = &order.review {
        // It says so of itself when it is found once more: one reason behind the other would have no end.
        let is_same = earlier.code == reason.code;
        reason.sentence = if is_same {
            earlier.sentence.clone()
        } else {
            format!("{}; and before that: {}", detail, earlier.sentence)
        };
    }
    let next = Order {
        state: State::Review,
        before_review: if before == State::Review { order.before_review } else { Some(before) },
        state_since: if before == State::Review { order.state_since } else { now },
        complete_at: None,
        deadline_at: None,
        next_look_at: Some(now),
        review: Some(reason),
        ..order.clone()
    };
    let mut events =
        vec![NewEvent { kind: EventKind::ReviewOpened, cause: cause.clone(), before, after: State::Review, detail }];
    let operation = open.filter(|open| open.state == OperationState::Intended).map(|open| {
        let why = "a person has to decide about its order; nothing was sent".to_owned();
        let (kind, after) = (EventKind::of(open.kind, Stage::Withdrawn), State::Review);
        events.push(NewEvent { kind, cause, before: after, after, detail: why.clone() });
        Operation { state: OperationState::Withdrawn, note: Some(why), ..open.clone() }
    });
    Contested { order: next, operation, events }
}

#[cfg(test)]
mod tests;
