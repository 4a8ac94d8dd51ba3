//! What people do to orders: park, release, and take one out of review.
//!
//! Each act is checked against the row it changes, refused with a reason a person can act on, and remembered as an
//! event with the name of who did it.

use super::bank::BankStatus;
use super::event::{Cause, EventKind, NewEvent};
use super::holds;
use super::journey::{self, Policy};
use super::lifecycle::{self, Contradiction};
use super::money::{Amount, for_people};
use super::operation::{CompletionAmount, Operation, OperationState};
use super::order::{Order, State};
use super::time::Timestamp;

/// Rows after an act, with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The order's row to write.
    pub order: Order,
    /// The operation's row to write, when the act closes one.
    pub operation: Option<Operation>,
    /// The event.
    pub event: NewEvent,
}

/// Why an act is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The order is at an end.
    #[error("the order is {0}: nothing is left to complete")]
    Ended(State),
    /// A completion was sent and its outcome is not known.
    #[error("a completion was sent and its outcome is not known yet; what was sent cannot be taken back")]
    InDoubt,
    /// A completion was sent a short while ago and may yet take effect.
    #[error("a completion may still be on its way; it counts as quiet at {0}, and can be released then")]
    NotQuiet(Timestamp),
    /// The order stands in review.
    #[error("the order stands in review; resolve that first: `reconciled order review NUMBER --accept --reason ...`")]
    InReview,
    /// The order does not stand in review.
    #[error("the order is {0}, not in review")]
    NotInReview(State),
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
}

/// Takes an order out of the completion schedule until it is released.
pub fn park(order: &Order, open: Option<&Operation>, cause: Cause) -> Result<Act, ActError> {
    completable(order, open)?;
    if order.parked {
        return Err(ActError::AlreadyParked);
    }
    let next = Order { parked: true, released_at: None, complete_at: None, ..order.clone() };
    let operation = open.map(|open| Operation {
        state: OperationState::Withdrawn,
        note: Some("parked before anything was sent".to_owned()),
        ..open.clone()
    });
    Ok(act(next, operation, EventKind::Parked, cause, order.state, "taken out of the completion schedule".to_owned()))
}

/// Lets an order be completed: one that is parked, or one whose merchant completes on release only. `amount` says how
/// much; without it, what the order said before stays.
pub fn release(
    order: &Order,
    open: Option<&Operation>,
    amount: Option<Amount>,
    policy: &Policy,
    cause: Cause,
    now: Timestamp,
) -> Result<Act, ActError> {
    completable(order, open)?;
    if open.is_some() || order.complete_at.is_some() {
        return Err(ActError::AlreadyScheduled);
    }
    if let Some(asked) = amount.filter(|asked| *asked > order.amount) {
        return Err(ActError::AboveAmount { asked: asked.minor(), amount: order.amount.minor() });
    }
    let mut next = Order { parked: false, released_at: Some(now), ..order.clone() };
    next.completion = amount.map_or(order.completion, CompletionAmount::Exactly);
    if let Some(hold) = next.hold.filter(|_| next.state == State::Held) {
        next.complete_at = holds::complete_at(&policy.schedule, &policy.zone, &next, hold);
    }
    let words = match next.completion {
        CompletionAmount::Whole => "released to complete the whole hold".to_owned(),
        CompletionAmount::Exactly(amount) => {
            format!("released to complete {}", for_people(amount.minor(), order.currency))
        }
    };
    Ok(act(next, None, EventKind::Released, cause, order.state, words))
}

/// Takes an order out of review: the bank's latest view is accepted as true. A completion still in doubt is released
/// with it, on the person's word that it had no effect, and the hold stays parked so that nothing is sent unasked; so
/// does one whose completion the bank refused, which would only be refused again, one whose row was altered, and one of
/// which something was sent that this database does not know.
pub fn accept(
    order: &Order,
    open: Option<&Operation>,
    reason: &str,
    policy: &Policy,
    cause: Cause,
    now: Timestamp,
) -> Result<Act, ActError> {
    let Some(review) = order.review.as_ref().filter(|_| order.state == State::Review) else {
        return Err(ActError::NotInReview(order.state));
    };
    let in_doubt = open.filter(|open| open.state == OperationState::InDoubt);
    let quiet_at = in_doubt.and_then(|open| open.quiet_at(policy.settle.quiet));
    if let Some(quiet_at) = quiet_at.filter(|quiet_at| now < *quiet_at) {
        return Err(ActError::NotQuiet(quiet_at));
    }
    let words = format!("accepted: {} ({reason})", review.sentence);
    let mut next = Order { accepted: Some(accepted_codes(order, &review.code)), review: None, ..order.clone() };
    next.parked |= open.is_some() || Contradiction::keeps_parked(&review.code);
    if let Some(seen) = &order.view {
        journey::enter(&mut next, state_of(seen.view.status), &seen.view, policy, now);
    } else {
        (next.state, next.state_since) = (State::Pending, now);
    }
    next.next_look_at = Some(now);
    let operation = open.map(|open| Operation {
        state: OperationState::Refused,
        note: Some(format!("released by a person: {reason}")),
        ..open.clone()
    });
    Ok(act(next, operation, EventKind::ReviewResolved, cause, State::Review, words))
}

/// The reason of the review and whatever else the accepted view contradicts, one code a line. The reason alone would
/// bring the order back with the next of them, and accepting that one would bring back the first.
fn accepted_codes(order: &Order, reason: &str) -> String {
    let mut codes = vec![reason.to_owned()];
    if let Some(seen) = &order.view {
        let found = lifecycle::contradictions(order, &seen.view).map(|found| found.code());
        codes.extend(found.filter(|code| code != reason));
    }
    codes.join("\n")
}

const fn state_of(status: BankStatus) -> State {
    match status {
        BankStatus::Registered | BankStatus::InAuthentication | BankStatus::Other(_) => State::Pending,
        BankStatus::Held => State::Held,
        BankStatus::Deposited => State::Deposited,
        BankStatus::Reversed => State::Reversed,
        BankStatus::Refunded => State::Refunded,
        BankStatus::Declined => State::Declined,
    }
}

fn completable(order: &Order, open: Option<&Operation>) -> Result<(), ActError> {
    if open.is_some_and(|open| open.state == OperationState::InDoubt) {
        return Err(ActError::InDoubt);
    }
    match order.state {
        State::Pending | State::Held => Ok(()),
        State::Review => Err(ActError::InReview),
        State::Deposited | State::Reversed | State::Refunded | State::Declined => Err(ActError::Ended(order.state)),
    }
}

fn act(
    order: Order,
    operation: Option<Operation>,
    kind: EventKind,
    cause: Cause,
    before: State,
    detail: String,
) -> Act {
    let event = NewEvent { kind, cause, before, after: order.state, detail };
    Act { order, operation, event }
}

#[cfg(test)]
mod tests;
