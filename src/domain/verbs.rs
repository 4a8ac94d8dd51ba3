//! What a person orders for an order's money besides its completion: to let a hold go, to give back what was taken, to
//! close what nobody has paid. And to take such an order back as long as nothing was sent.
//!
//! Each opens an operation and nothing more. The completer carries it out on the way of every operation: the bank is
//! asked first, the intent is on disk before the first byte, and a read settles it.

use std::fmt;

use super::acts::{Act, ActError, act};
use super::bank::BankAmounts;
use super::difference::Change;
use super::event::{Cause, EventKind, Stage};
use super::journey::{self, Policy};
use super::money::{Amount, for_people};
use super::operation::{CompletionAmount, NewOperation, Operation, OperationKind, OperationState, left_minor};
use super::order::{Order, State};
use super::time::Timestamp;

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The hold is let go, whole.
    Reverse,
    /// This much is given back, or all that is left.
    Refund(Option<Amount>),
    /// The order is closed before anybody pays.
    Decline,
    /// What was ordered, and not sent yet, is taken back.
    TakeBack,
}

impl Verb {
    /// The word for it: on the command line, in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reverse => "reverse",
            Self::Refund(_) => "refund",
            Self::Decline => "decline",
            Self::TakeBack => "take_back",
        }
    }

    /// What a word says, with the sum in minor units that may follow it, as [`fmt::Display`] wrote it.
    pub fn parse(word: &str, minor: Option<i64>) -> Option<Self> {
        match (word, minor) {
            ("reverse", None) => Some(Self::Reverse),
            ("refund", None) => Some(Self::Refund(None)),
            ("refund", Some(minor)) => Amount::new(minor).ok().map(|amount| Self::Refund(Some(amount))),
            ("decline", None) => Some(Self::Decline),
            ("take_back", None) => Some(Self::TakeBack),
            _ => None,
        }
    }
}

/// `reverse`, `refund`, `refund 500`.
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refund(Some(amount)) => write!(f, "{} {}", self.as_str(), amount.minor()),
            _ => f.write_str(self.as_str()),
        }
    }
}

/// What a verb makes of `order`: rows and event, or why it is not possible.
pub fn order_verb(
    order: &Order,
    open: Option<&Operation>,
    verb: Verb,
    reason: &str,
    policy: &Policy,
    cause: Cause,
    now: Timestamp,
) -> Result<Act, ActError> {
    let (kind, amount) = match verb {
        Verb::TakeBack => return take_back(order, open, reason, cause),
        Verb::Reverse => (OperationKind::Reversal, CompletionAmount::Whole),
        Verb::Decline => (OperationKind::Decline, CompletionAmount::Whole),
        Verb::Refund(amount) => {
            (OperationKind::Refund, amount.map_or(CompletionAmount::Whole, CompletionAmount::Exactly))
        }
    };
    if !policy.settle.has_request(kind) {
        return Err(ActError::WithoutRequest(kind));
    }
    nothing_open(order, open)?;
    let mut next = order.clone();
    let what = match kind {
        OperationKind::Refund => format!("a refund of {}", refundable(order, amount)?),
        OperationKind::Reversal => {
            needs(order, State::Held, ActError::NotHeld)?;
            "the reversal of its hold".to_owned()
        }
        OperationKind::Decline | OperationKind::Completion => {
            needs(order, State::Pending, ActError::NotUnpaid)?;
            "its decline before anybody pays".to_owned()
        }
    };
    if kind != OperationKind::Refund {
        // Whatever comes of it, an order that somebody wanted gone is completed by nobody unasked.
        (next.parked, next.released_at) = (true, None);
        journey::plan(&mut next, policy);
    }
    let opens = NewOperation { kind, amount, intended_at: now, ordered: true };
    let words = format!("{what} is ordered ({reason})");
    let mut act = act(order, open, next, None, EventKind::of(kind, Stage::Intended), cause, words);
    act.opens = Some(opens);
    act.changes.push(Change { column: "operation", before: "none".to_owned(), after: what });
    Ok(act)
}

/// One at a time, and none beside a review: what a person has to decide first comes first.
fn nothing_open(order: &Order, open: Option<&Operation>) -> Result<(), ActError> {
    match open {
        Some(open) if open.state == OperationState::InDoubt => Err(ActError::InDoubt(open.kind)),
        _ if order.state == State::Review => Err(ActError::InReview),
        Some(open) => Err(ActError::OperationOpen(open.kind)),
        None => Ok(()),
    }
}

fn needs(order: &Order, state: State, refused: fn(State) -> ActError) -> Result<(), ActError> {
    if order.state == state { Ok(()) } else { Err(refused(order.state)) }
}

/// The sum of a refund, for people. What the bank showed last decides here; it is asked again before anything is sent.
fn refundable(order: &Order, amount: CompletionAmount) -> Result<String, ActError> {
    if !matches!(order.state, State::Deposited | State::Refunded) {
        return Err(ActError::NothingTaken(order.state));
    }
    let view = order.view.as_ref().map(|seen| &seen.view);
    if view.is_some_and(|view| view.chargeback == Some(true)) {
        return Err(ActError::ChargedBack);
    }
    let left = left_minor(view.and_then(|view| view.amounts).ok_or(ActError::NoSums)?);
    let asked = match amount {
        CompletionAmount::Whole => left,
        CompletionAmount::Exactly(amount) => amount.minor(),
    };
    if left == 0 || asked > left {
        return Err(ActError::AboveLeft { asked, left });
    }
    let sum = for_people(asked, order.currency);
    Ok(if amount == CompletionAmount::Whole { format!("all that is left, {sum}") } else { sum })
}

/// What is left to give back, where the bank's latest view tells.
pub fn left_of(order: &Order) -> Option<i64> {
    let amounts: Option<BankAmounts> = order.view.as_ref().and_then(|seen| seen.view.amounts);
    amounts.map(left_minor)
}

fn take_back(order: &Order, open: Option<&Operation>, reason: &str, cause: Cause) -> Result<Act, ActError> {
    let open = open.filter(|open| open.ordered).ok_or(ActError::NothingOrdered)?;
    if open.state == OperationState::InDoubt {
        return Err(ActError::InDoubt(open.kind));
    }
    let words = format!("the {} is taken back before anything was sent ({reason})", open.kind.as_str());
    let withdrawn = Operation { state: OperationState::Withdrawn, note: Some(words.clone()), ..open.clone() };
    let kind = EventKind::of(open.kind, Stage::Withdrawn);
    Ok(act(order, Some(open), order.clone(), Some(withdrawn), kind, cause, words))
}

#[cfg(test)]
mod tests;
