//! The ways out of review: when each is open, what it makes of the order and of its completion, and whether money may
//! move after it.
//!
//! A person chooses the way, with a reason; nothing here is chosen by itself. [`sides`] tells what both sides say,
//! [`advice`] which way we would take, and [`proposal`] asks for a second person where the merchant wants four eyes on
//! money.

pub mod advice;
pub mod proposal;
pub mod sides;

use super::acts::{self, Act, ActError};
use super::bank::{BankStatus, BankView};
use super::event::{Cause, EventKind};
use super::holds::{self, AtDeadline, CompletionSchedule, DeadlineAct};
use super::journey::{self, Policy};
use super::lifecycle::{self, Contradiction, ContradictionKind};
use super::operation::{CompletionAmount, Operation, OperationKind, OperationState};
use super::order::{Order, ReviewReason, State};
use super::time::Timestamp;
use proposal::Proposed;

/// A way out of review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The bank's latest view is taken as true, and of a completion in doubt too: one that it shows taken is confirmed,
    /// or contradicted by another sum; any other is released on the person's word that it had no effect. The hold stays
    /// parked, so that nothing is sent unasked.
    Bank,
    /// Our book stands: the answer that contradicted it was wrong. The order is again what it was before.
    Ours,
    /// As the bank shows it, and its completion is released again.
    Complete,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Bank, Self::Ours, Self::Complete];

    /// The word for it: on the command line, in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Ours => "ours",
            Self::Complete => "complete",
        }
    }

    /// The way of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == word)
    }

    /// What it means, for the person who chooses.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Bank => "the bank's latest view is true",
            Self::Ours => "our book stands, the answer that contradicted it was wrong",
            Self::Complete => "as the bank shows it, and its completion is released again",
        }
    }
}

/// Why a way out is not open, or what was asked of a review cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// The order does not stand in review.
    #[error("the order is {0}, not in review")]
    NotInReview(State),
    /// A completion was sent a short while ago and may yet take effect.
    #[error("a completion may still be on its way; it counts as quiet at {0}, and a look comes then: decide after it")]
    NotQuiet(Timestamp),
    /// The bank was not heard since a completion counted as quiet.
    #[error(
        "the bank was last heard before the completion that was sent counted as quiet, which says nothing about it; possible \
         once the bank is heard after {0}, and a look comes by itself"
    )]
    NotHeardSince(Timestamp),
    /// Our book does not know either.
    #[error("a completion was sent and its outcome is not known, so our book has nothing to stand by")]
    InDoubt,
    /// What the order was before is not on record.
    #[error("what the order was before its review is not on record, so there is nothing to go back to")]
    NothingBefore,
    /// Money may only be sent after a hold that nobody has touched.
    #[error("no completion may follow: {0}")]
    NotUntouched(String),
    /// The person who proposed it cannot confirm it.
    #[error("{0} proposed it; a second person, with another name, has to confirm it")]
    SameName(String),
    /// Nothing waits for a second person.
    #[error("nothing is proposed for this order")]
    NothingProposed,
    /// Something waits already.
    #[error("{by} has proposed `{what}` already; confirm that with --confirm, or take it back with --withdraw")]
    ProposedAlready {
        /// Who.
        by: String,
        /// What.
        what: Proposed,
    },
    /// It waited too long.
    #[error("what {by} proposed lapsed at {at}; propose it anew")]
    Lapsed {
        /// Who proposed it.
        by: String,
        /// When it lapsed.
        at: Timestamp,
    },
    /// The order does not allow its release.
    #[error("{0}")]
    NotReleasable(ActError),
    /// It was made for another state of things.
    #[error("the order has changed since {0} proposed this; look at it again and propose it anew")]
    Changed(String),
}

/// Whether, and when, money may move after an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    /// Not before a person, or the shop, says so.
    Never,
    /// Once it is held, by the merchant's schedule or by what is done at a hold's deadline.
    OnceHeld,
    /// A completion is due at this moment.
    At(Timestamp),
    /// At this moment its hold is let go, which cannot be undone either.
    ReversalAt(Timestamp),
    /// What a person ordered is due at once.
    Ordered(OperationKind),
}

impl Sends {
    /// What follows for an order as it stands.
    pub fn after(order: &Order, policy: &Policy) -> Self {
        let scheduled = order.released_at.is_some()
            || !matches!(policy.schedule, CompletionSchedule::OnRelease)
            || policy.holds.at_deadline != AtDeadline::Review;
        let reverses = holds::at_deadline(&policy.holds, order) == DeadlineAct::Reverse;
        match (order.state, order.complete_at, order.deadline_at) {
            (State::Held, Some(at), _) => Self::At(at),
            (State::Held, None, Some(at)) if reverses => Self::ReversalAt(at),
            (State::Pending, ..) if scheduled && !order.parked => Self::OnceHeld,
            _ => Self::Never,
        }
    }

    /// Whether money may move at all.
    pub fn may_move_money(self) -> bool {
        !matches!(self, Self::Never | Self::Ordered(OperationKind::Decline))
    }
}

/// Takes an order out of review by `way`: the rows to write, or why the way is not open. The event tells the reason and
/// what changed.
pub fn resolve(
    order: &Order,
    open: Option<&Operation>,
    way: Way,
    reason: &str,
    policy: &Policy,
    cause: Cause,
    now: Timestamp,
) -> Result<Act, ReviewError> {
    let Some(review) = order.review.as_ref().filter(|_| order.state == State::Review) else {
        return Err(ReviewError::NotInReview(order.state));
    };
    let in_doubt = open.filter(|open| open.state == OperationState::InDoubt);
    let quiet_at = in_doubt.and_then(|open| open.quiet_at(policy.settle.quiet));
    if let Some(quiet_at) = quiet_at.filter(|quiet_at| now < *quiet_at) {
        return Err(ReviewError::NotQuiet(quiet_at));
    }
    let mut next = Order { review: None, before_review: None, ..order.clone() };
    match way {
        Way::Bank => {
            heard_since(order, quiet_at)?;
            next.accepted = Some(as_the_bank_has_it(order, review));
            next.parked |= open.is_some() || keeps_parked(review);
            enter_as_shown(&mut next, policy, now);
        }
        Way::Ours => {
            if in_doubt.is_some() {
                return Err(ReviewError::InDoubt);
            }
            next.accepted = Some(as_we_have_it(order, review));
            next.parked |= keeps_parked(review);
            go_back(&mut next, order.before_review, policy, now)?;
        }
        Way::Complete => {
            untouched(order, quiet_at)?;
            next.accepted = Some(as_the_bank_has_it(order, review));
            (next.parked, next.released_at) = (false, Some(now));
            enter_as_shown(&mut next, policy, now);
        }
    }
    next.next_look_at = Some(now);
    let operation = open.map(|open| ended(order, open, reason));
    let words = format!("resolved as `{}`, {}: {} ({reason})", way.as_str(), way.meaning(), review.sentence);
    Ok(acts::act(order, open, next, operation, EventKind::ReviewResolved, cause, words))
}

fn keeps_parked(review: &ReviewReason) -> bool {
    ContradictionKind::of_code(&review.code).is_some_and(ContradictionKind::keeps_parked)
}

/// A completion that was not sent is taken back; one that is in doubt ends as the bank shows it, and where the bank
/// shows nothing taken it is released by a person, with evidence (R12).
fn ended(order: &Order, open: &Operation, reason: &str) -> Operation {
    let state = match open.state {
        OperationState::Intended => OperationState::Withdrawn,
        _ => outcome(order, open),
    };
    let words = match state {
        OperationState::Withdrawn => "taken back by a person",
        OperationState::Confirmed => "the bank shows it done as intended, and a person took that as true",
        OperationState::Contradicted => "the bank shows another outcome, and a person took that as true",
        _ => "released by a person",
    };
    Operation { state, note: Some(format!("{words}: {reason}")), ..open.clone() }
}

/// What became of a completion or a reversal in doubt, by the bank's view: money that has moved is never booked as
/// money that has not.
fn outcome(order: &Order, open: &Operation) -> OperationState {
    use BankStatus::{Declined, Deposited, Refunded, Reversed};
    let Some(view) = order.view.as_ref().map(|seen| &seen.view) else {
        return OperationState::Refused;
    };
    match open.kind {
        OperationKind::Refund => return outcome_of_refund(open, view),
        OperationKind::Decline if matches!(view.status, Reversed | Declined) => return OperationState::Confirmed,
        OperationKind::Decline => return OperationState::Refused,
        OperationKind::Completion | OperationKind::Reversal => {}
    }
    let moved = view.amounts.is_some_and(|amounts| amounts.deposited != 0 || amounts.refunded != 0);
    if !moved && !matches!(view.status, Deposited | Refunded) {
        let is_let_go = open.kind == OperationKind::Reversal && matches!(view.status, Reversed | Declined);
        return if is_let_go { OperationState::Confirmed } else { OperationState::Refused };
    }
    if open.kind == OperationKind::Reversal {
        // What was to be let go was taken.
        return OperationState::Contradicted;
    }
    let at_its_end = matches!(view.status, Deposited | Refunded | Reversed | Declined);
    let deposited = view.amounts.map(|amounts| amounts.deposited);
    let as_intended = deposited.is_some() && deposited == open.expected_minor;
    if at_its_end && as_intended && lifecycle::not_ours(order, view).is_none() {
        OperationState::Confirmed
    } else {
        OperationState::Contradicted
    }
}

/// A refund is measured from what had been given back before it. Where that is not known, or no sum is shown, whatever
/// was given back may have been it.
fn outcome_of_refund(open: &Operation, view: &BankView) -> OperationState {
    let Some(refunded) = view.amounts.map(|amounts| amounts.refunded) else {
        let none_shown = view.status == BankStatus::Deposited;
        return if none_shown { OperationState::Refused } else { OperationState::Contradicted };
    };
    let before = open.refunded_before.unwrap_or(0);
    match refunded.saturating_sub(before) {
        0 => OperationState::Refused,
        grown if open.refunded_before.is_some() && Some(grown) == open.expected_minor => OperationState::Confirmed,
        _ => OperationState::Contradicted,
    }
}

/// Where the bank has it is where it goes; what is scheduled then follows the policy.
fn enter_as_shown(next: &mut Order, policy: &Policy, now: Timestamp) {
    if let Some(seen) = next.view.clone() {
        journey::enter(next, lifecycle::state_of(seen.view.status), &seen.view, policy, now);
    } else {
        (next.state, next.state_since) = (State::Pending, now);
    }
}

fn go_back(next: &mut Order, before: Option<State>, policy: &Policy, now: Timestamp) -> Result<(), ReviewError> {
    let before = before.ok_or(ReviewError::NothingBefore)?;
    if before == State::Held && next.hold.is_none() {
        return Err(ReviewError::NothingBefore);
    }
    (next.state, next.state_since) = (before, now);
    journey::plan(next, policy);
    Ok(())
}

/// What the bank showed before the latest send counted as quiet says nothing about that send.
fn heard_since(order: &Order, quiet_at: Option<Timestamp>) -> Result<(), ReviewError> {
    let Some(quiet_at) = quiet_at else { return Ok(()) };
    match &order.view {
        Some(seen) if seen.seen_at >= quiet_at => Ok(()),
        _ => Err(ReviewError::NotHeardSince(quiet_at)),
    }
}

/// What has to be true before a person may let the completion go again: the bank's latest view, heard after the latest
/// send counted as quiet, shows our order held, and nothing of it taken. R4's read before the send asks once more.
fn untouched(order: &Order, quiet_at: Option<Timestamp>) -> Result<(), ReviewError> {
    let refuse = |why: String| Err(ReviewError::NotUntouched(why));
    let Some(seen) = &order.view else {
        return refuse("the bank has shown nothing yet".to_owned());
    };
    heard_since(order, quiet_at)?;
    if seen.view.status != BankStatus::Held {
        return refuse(format!("the bank shows it {}, not held", seen.view.status));
    }
    if let Some(found) = lifecycle::not_ours(order, &seen.view) {
        return refuse(found.reason(order).sentence);
    }
    if order.order_id.is_none() {
        return refuse("the gateway's order id is not known".to_owned());
    }
    let Some(amounts) = seen.view.amounts else {
        return refuse("the bank's answers carry no sums".to_owned());
    };
    let needed = match order.completion {
        CompletionAmount::Whole => 1,
        CompletionAmount::Exactly(amount) => amount.minor(),
    };
    if amounts.deposited != 0 || amounts.refunded != 0 {
        return refuse("the bank shows that something was taken or given back".to_owned());
    }
    if amounts.approved > order.amount.minor() {
        return refuse("the bank holds more than was ordered; complete it in the bank's console".to_owned());
    }
    if amounts.approved < needed {
        return refuse("the bank holds less than is to be taken; complete it in the bank's console".to_owned());
    }
    Ok(())
}

/// The reason of the review and whatever else the bank's view contradicts, one code a line. The reason alone would
/// bring the order back with the next of them, and deciding that one would bring back the first.
fn as_the_bank_has_it(order: &Order, review: &ReviewReason) -> String {
    codes(order, review).join("\n")
}

/// Likewise, decided for our book, beside what was decided so before: the bank may show now one of them, now another.
fn as_we_have_it(order: &Order, review: &ReviewReason) -> String {
    let mut lines: Vec<String> = order.accepted.iter().flat_map(|lines| lines.lines()).map(str::to_owned).collect();
    for code in codes(order, review) {
        let line = format!("{}{code}", Contradiction::OURS);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn codes(order: &Order, review: &ReviewReason) -> Vec<String> {
    let mut codes = vec![review.code.clone()];
    if let Some(seen) = &order.view {
        let found = lifecycle::contradictions(order, &seen.view).map(|found| found.code());
        codes.extend(found.filter(|code| *code != review.code));
    }
    codes
}

#[cfg(test)]
mod tests;
