//! What people do to orders: park and release. The ways out of review are [`super::review`].
//!
//! Each act is checked against the row it changes, refused with a reason a person can act on, and remembered as an
//! event with the name of who did it.

use super::difference::{self, Change};
use super::event::{Cause, EventKind, NewEvent};
use super::holds::{self, AtDeadline};
use super::journey::{self, Policy};
use super::money::{Amount, for_people};
use super::operation::{CompletionAmount, NewOperation, Operation, OperationKind, OperationState, without_request};
use super::order::{Order, State};
use super::time::Timestamp;

/// Rows after an act, with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The order's row to write.
    pub order: Order,
    /// The operation's row to write, when the act closes one.
    pub operation: Option<Operation>,
    /// The operation to write, when the act opens one.
    pub opens: Option<NewOperation>,
    /// The event.
    pub event: NewEvent,
    /// What differs in the rows, which the event tells too.
    pub changes: Vec<Change>,
}

/// Why an act is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The order is at an end.
    #[error("the order is {0}: nothing is left to complete")]
    Ended(State),
    /// A completion or reversal was sent and its outcome is not known.
    #[error(
        "a {} was sent and its outcome is not known yet; what was sent cannot be taken back, and the bank is asked until \
         it shows what came of it", .0.as_str()
    )]
    InDoubt(OperationKind),
    /// A reversal is decided and not sent yet: nothing will be completed.
    #[error(
        "a reversal of its hold is on its way and not sent yet, so nothing will be completed; to complete it after all, \
         park it, which takes the reversal back, then release it, or resolve the review that it went to meanwhile"
    )]
    ReversalIntended,
    /// The order stands in review.
    #[error("the order stands in review; resolve that first: `reconciled review show NUMBER`")]
    InReview,
    /// It is parked already.
    #[error("the order is parked already")]
    AlreadyParked,
    /// It is scheduled already.
    #[error("the order's completion is scheduled already; park it first to change that")]
    AlreadyScheduled,
    /// A completion above the amount.
    #[error("a completion of {asked} minor units is above the order's {amount}")]
    AboveAmount {
        /// What was asked for.
        asked: i64,
        /// The order's price.
        amount: i64,
    },
    /// Something is decided for it already, and not sent yet.
    #[error(
        "a {} of it is decided already and not sent yet; take that back first: one that was ordered with --take-back, any \
         other with `reconciled order park`", .0.as_str()
    )]
    OperationOpen(OperationKind),
    /// There is no hold to let go.
    #[error(
        "the order is {0}: only a hold can be reversed; what was taken is given back by `order refund`, and what nobody has \
         paid is closed by `order decline`"
    )]
    NotHeld(State),
    /// It is paid, or at an end.
    #[error(
        "the order is {0}: only one that nobody has paid can be declined; a hold is let go by `order reverse`, and what was \
         taken is given back by `order refund`"
    )]
    NotUnpaid(State),
    /// Nothing was taken.
    #[error(
        "the order is {0}: nothing was taken that could be given back; a hold is let go by `order reverse`, and what nobody \
         has paid is closed by `order decline`"
    )]
    NothingTaken(State),
    /// More than is left.
    #[error("a refund of {asked} minor units is not possible: {left} are left of what was taken")]
    AboveLeft {
        /// What was asked for.
        asked: i64,
        /// What is left.
        left: i64,
    },
    /// The buyer's bank takes it back already.
    #[error("the bank shows a chargeback: the buyer has the money back by that, and a refund would pay twice")]
    ChargedBack,
    /// The bank shows no sums.
    #[error(
        "the bank's answers carry no sums, so a refund could not be verified; ask the bank for response version 03 or newer"
    )]
    NoSums,
    /// The bank's wire has no request for it.
    #[error("{}", without_request(*.0))]
    WithoutRequest(OperationKind),
    /// There is nothing to take back.
    #[error("nothing that a person ordered waits to be sent")]
    NothingOrdered,
}

/// Takes an order out of the completion schedule until it is released. Its deadline stays: a hold lapses parked or not.
/// A merchant that is no longer configured has no policy, and nothing acts for it.
pub fn park(order: &Order, open: Option<&Operation>, policy: Option<&Policy>, cause: Cause) -> Result<Act, ActError> {
    completable(order, open)?;
    if order.parked && open.is_none() {
        return Err(ActError::AlreadyParked);
    }
    let mut next = Order { parked: true, released_at: None, complete_at: None, ..order.clone() };
    if let Some(policy) = policy {
        journey::plan(&mut next, policy);
    }
    let operation = open.map(|open| Operation {
        state: OperationState::Withdrawn,
        note: Some("parked before anything was sent".to_owned()),
        ..open.clone()
    });
    let words = "taken out of the completion schedule".to_owned();
    Ok(act(order, open, next, operation, EventKind::Parked, cause, words))
}

/// Lets an order be completed: one that is parked, or one whose merchant completes on release only. `amount` says how
/// much; without it, what the order said before stays. The `reason` may be empty: what a release does says why.
pub fn release(
    order: &Order,
    open: Option<&Operation>,
    amount: Option<Amount>,
    reason: &str,
    policy: &Policy,
    cause: Cause,
    now: Timestamp,
) -> Result<Act, ActError> {
    completable(order, open)?;
    if open.is_some_and(|open| open.kind == OperationKind::Reversal) {
        return Err(ActError::ReversalIntended);
    }
    if open.is_some() || (order.complete_at.is_some() && !is_planned_by_deadline_alone(order, policy)) {
        return Err(ActError::AlreadyScheduled);
    }
    if let Some(asked) = amount.filter(|asked| *asked > order.amount) {
        return Err(ActError::AboveAmount { asked: asked.minor(), amount: order.amount.minor() });
    }
    let mut next = Order { parked: false, released_at: Some(now), ..order.clone() };
    next.completion = amount.map_or(order.completion, CompletionAmount::Exactly);
    journey::plan(&mut next, policy);
    let words = match next.completion {
        CompletionAmount::Whole => "released to complete the whole hold".to_owned(),
        CompletionAmount::Exactly(amount) => {
            format!("released to complete {}", for_people(amount.minor(), order.currency))
        }
    };
    let words = if reason.is_empty() { words } else { format!("{words} ({reason})") };
    Ok(act(order, open, next, None, EventKind::Released, cause, words))
}

/// What only the policy of a hold's deadline has planned, the last moment of all, may still be released to go sooner.
fn is_planned_by_deadline_alone(order: &Order, policy: &Policy) -> bool {
    let scheduled = order.hold.and_then(|hold| holds::complete_at(&policy.schedule, &policy.zone, order, hold));
    policy.holds.at_deadline == AtDeadline::Complete && scheduled.is_none()
}

fn completable(order: &Order, open: Option<&Operation>) -> Result<(), ActError> {
    if let Some(open) = open.filter(|open| open.state == OperationState::InDoubt) {
        return Err(ActError::InDoubt(open.kind));
    }
    match order.state {
        State::Pending | State::Held => Ok(()),
        State::Review => Err(ActError::InReview),
        State::Deposited | State::Reversed | State::Refunded | State::Declined => Err(ActError::Ended(order.state)),
    }
}

/// An act's rows and its event, whose words are `words` and what changes.
pub(super) fn act(
    before: &Order,
    open: Option<&Operation>,
    after: Order,
    operation: Option<Operation>,
    kind: EventKind,
    cause: Cause,
    words: String,
) -> Act {
    let mut changes = difference::of_order(before, &after);
    if let Some((before, after)) = open.zip(operation.as_ref()) {
        changes.extend(difference::of_operation(before, after));
    }
    let told = difference::in_words(&changes);
    let detail = if told.is_empty() { words } else { format!("{words}; {told}") };
    let event = NewEvent { kind, cause, before: before.state, after: after.state, detail };
    Act { order: after, operation, opens: None, event, changes }
}

#[cfg(test)]
mod tests;
