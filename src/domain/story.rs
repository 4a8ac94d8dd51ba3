//! An order's story in plain words: what happened from its registration on, how it stands, what comes next and when.
//!
//! The command line and the pages tell it in the same words, so it is a value made here: sentences with their moments,
//! and how these are laid out is the teller's business. Nothing is decided here. What the daemon does next is read from
//! the columns that its loops read; what the bank does, the lapse of a hold, is told only while the hold
//! [stands](holds::stands), by the rule that the report goes by.

mod present;
#[cfg(test)]
mod tests;

use super::event::{Event, EventKind};
use super::holds;
use super::journey::Policy;
use super::money::for_people;
use super::operation::{CompletionAmount, Operation, OperationState};
use super::order::{Order, State};
use super::polling;
use super::time::Timestamp;

/// A story, as of the moment it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What has happened, oldest first.
    pub past: Vec<Moment>,
    /// How it stands: sentences.
    pub present: Vec<String>,
    /// What comes next, soonest first; empty when nothing more is expected. What is past is due, and waits for its turn.
    pub next: Vec<Moment>,
}

/// Something that happened, or will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What, as a sentence.
    pub words: String,
}

/// The story of `order` with its open or latest operation and all of its `events`.
pub fn tell(order: &Order, operation: Option<&Operation>, events: &[Event], policy: &Policy, now: Timestamp) -> Story {
    let open = operation.filter(|operation| operation.state.is_open());
    Story {
        past: events.iter().map(|event| Moment { at: event.at, words: happened(event, order) }).collect(),
        present: present::sentences(order, open, policy, now),
        next: next(order, open, policy, now),
    }
}

fn happened(event: &Event, order: &Order) -> String {
    let Event { detail, after, .. } = event;
    let who = who(&event.cause);
    match event.kind {
        EventKind::Added => format!("{who} handed it in, for {}.", for_people(order.amount.minor(), order.currency)),
        EventKind::Changed => format!("It became {after}: {detail}."),
        EventKind::ReviewOpened => format!("It went to review: {detail}."),
        EventKind::ReviewResolved => format!("{who} took it out of review, and it became {after}; {detail}."),
        EventKind::ResolutionProposed => format!("{who} proposed, for a second person to confirm: {detail}."),
        EventKind::ResolutionWithdrawn => format!("{who} took back what was proposed: {detail}."),
        EventKind::StatusUnrecognised => format!("Nothing was decided: {detail}."),
        EventKind::HoldAtRisk => format!("Its hold came near its lapse: {detail}."),
        EventKind::Parked => format!("{who} parked it: {detail}."),
        EventKind::Released => format!("{who} let it be completed: {detail}."),
        EventKind::Rescheduled => format!("It was planned anew: {detail}."),
        EventKind::CompletionIntended => format!("Its time had come: {detail}."),
        EventKind::CompletionSent => format!("The completion was written down and sent: {detail}."),
        EventKind::CompletionAnswered => format!("The bank's answer to it: {detail}."),
        EventKind::CompletionConfirmed => format!("The completion is confirmed: {detail}."),
        EventKind::CompletionRefused => format!("The completion did not happen: {detail}."),
        EventKind::CompletionWithdrawn => format!("The completion was taken back unsent: {detail}."),
        EventKind::CompletionContradicted => format!("The completion ended otherwise than intended: {detail}."),
        EventKind::CompletionEscalated => {
            format!("The completion's outcome stayed unknown, so a person decides: {detail}.")
        }
    }
}

/// A cause as the journal has it, for the beginning of a sentence.
fn who(cause: &str) -> &str {
    match cause {
        "look" => "A look at the bank",
        "schedule" => "The schedule",
        "shop" => "The shop",
        "seal" => "The check of the rows' seals",
        other => other.strip_prefix("operator:").unwrap_or(other),
    }
}

fn next(order: &Order, open: Option<&Operation>, policy: &Policy, now: Timestamp) -> Vec<Moment> {
    let mut next = match open {
        Some(open) => next_of_operation(order, open, policy, now),
        None => next_of_order(order, policy, now),
    };
    next.extend(lapse(order, policy, now));
    next.sort_by_key(|moment| moment.at);
    next
}

fn moment(at: Timestamp, words: impl Into<String>) -> Moment {
    Moment { at, words: words.into() }
}

/// While an operation is open its owner is the completer, and nobody else looks at the order.
fn next_of_operation(order: &Order, open: &Operation, policy: &Policy, now: Timestamp) -> Vec<Moment> {
    let asked = match open.state {
        OperationState::Intended => "The bank is asked; if the hold stands, the completion is sent.",
        _ => "The bank is asked what became of the completion.",
    };
    let mut next = vec![moment(open.next_step_at, asked)];
    let quiet_until = open.quiet_at(policy.settle.quiet);
    if let Some(at) = quiet_until.filter(|at| *at > now && order.state != State::Review) {
        next.push(moment(
            at,
            format!("If the bank still shows the hold by then, {}", after_quiet(order, open, policy)),
        ));
    }
    next
}

fn after_quiet(order: &Order, open: &Operation, policy: &Policy) -> &'static str {
    let may_resend = open.amount == CompletionAmount::Whole && policy.settle.resend_whole && !order.parked;
    if may_resend && open.attempt < policy.settle.attempts_max {
        "the completion is taken to have had no effect, and sent again."
    } else {
        "a person decides."
    }
}

fn next_of_order(order: &Order, policy: &Policy, now: Timestamp) -> Vec<Moment> {
    let looked = match order.state {
        State::Pending | State::Held => "The bank is asked how it stands.",
        State::Review => "The bank is asked once more, so that whoever decides has its latest word.",
        State::Deposited | State::Reversed | State::Refunded | State::Declined => {
            "The bank is asked once more: refunds, reversals and late approvals still happen."
        }
    };
    let mut next: Vec<_> = order.next_look_at.map(|at| moment(at, looked)).into_iter().collect();
    let closes_at = polling::expires_at(&policy.looks, order);
    if order.state == State::Pending && closes_at > now {
        next.push(moment(closes_at, "Its payment page closes; the bank is asked right after."));
    }
    if let Some(at) = order.complete_at {
        next.push(moment(at, format!("A completion of {} is due; the bank is asked before it is sent.", taken(order))));
    }
    next
}

/// A hold in review lapses all the same, as long as the bank shows it.
fn lapse(order: &Order, policy: &Policy, now: Timestamp) -> Vec<Moment> {
    let Some(hold) = order.hold.filter(|hold| holds::stands(order) && hold.lapses_at > now) else {
        return Vec::new();
    };
    let mut next = vec![moment(hold.lapses_at, "The bank lets the hold go, and the money is the buyer's again.")];
    let warned_at = hold.lapses_at.minus(policy.holds.warn_before);
    if warned_at > now {
        next.push(moment(warned_at, "If it is still held by then, the hold is at risk: the alert fires."));
    }
    next
}

/// What a completion shall take.
fn taken(order: &Order) -> String {
    match order.completion {
        CompletionAmount::Whole => "the whole hold".to_owned(),
        CompletionAmount::Exactly(amount) => for_people(amount.minor(), order.currency),
    }
}
