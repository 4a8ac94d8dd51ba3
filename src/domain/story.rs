//! An order's story in plain words: what happened from its registration on, how it stands, what comes next and when.
//!
//! The command line and the pages tell it in the same words, so it is a value made here: sentences with their moments,
//! and how these are laid out is the teller's business. Nothing is decided here. What the daemon does next is read from
//! the columns that its loops read; what the bank does, the lapse of a hold, is told only while the hold
//! [stands](holds::stands), by the rule that the report goes by.

mod present;
#[cfg(test)]
mod tests;
mod waiting;

use std::time::Duration;

use super::event::{Event, EventKind};
use super::guard::Standing;
use super::holds::{self, DeadlineAct, level_word};
use super::journey::Policy;
use super::money::for_people;
use super::operation::{CompletionAmount, Operation, OperationKind, OperationState};
use super::order::{Order, State};
use super::polling;
use super::time::Timestamp;
use waiting::{Money, held_back_before, would_wait};

/// A story, as of the moment it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What has happened, oldest first.
    pub past: Vec<Moment>,
    /// How it stands: sentences.
    pub present: Vec<String>,
    /// What comes next, soonest first; empty when nothing more is expected. What is past is due, and waits for its
    /// turn.
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

/// The story of `order` with its open or latest operation and all of its `events`, with the money as it is `standing`.
pub fn tell(
    order: &Order,
    operation: Option<&Operation>,
    events: &[Event],
    policy: &Policy,
    standing: &Standing,
    now: Timestamp,
) -> Story {
    let money = &Money { policy, standing };
    let open = operation.filter(|operation| operation.state.is_open());
    Story {
        past: events.iter().map(|event| Moment { at: event.at, words: happened(event, order) }).collect(),
        present: present::sentences(order, open, money, now),
        next: next(order, open, money, now),
    }
}

fn happened(event: &Event, order: &Order) -> String {
    let Event { detail, after, .. } = event;
    let who = who(&event.cause);
    match event.kind {
        EventKind::Added => format!("{who} handed it in, for {}.", for_people(order.amount.minor(), order.currency)),
        EventKind::Discovered => {
            format!("{who} found it, for {}: {detail}.", for_people(order.amount.minor(), order.currency))
        }
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
        EventKind::MoneyStopped => format!("{who} stopped its money: {detail}."),
        EventKind::MoneyStarted => format!("{who} let its money go again: {detail}."),
        EventKind::ReversalIntended if event.cause == "schedule" => {
            format!("The deadline of its hold had come: {detail}.")
        }
        EventKind::ReversalIntended => format!("{who} ordered it: {detail}."),
        EventKind::ReversalSent => format!("The reversal was written down and sent: {detail}."),
        EventKind::ReversalAnswered => format!("The bank's answer to it: {detail}."),
        EventKind::ReversalConfirmed => format!("The reversal is confirmed: {detail}."),
        EventKind::ReversalRefused => format!("The reversal did not happen: {detail}."),
        EventKind::ReversalWithdrawn => format!("The reversal was taken back unsent: {detail}."),
        EventKind::ReversalContradicted => format!("The reversal ended otherwise than intended: {detail}."),
        EventKind::ReversalEscalated => {
            format!("The reversal's outcome stayed unknown, so a person decides: {detail}.")
        }
        EventKind::RefundIntended | EventKind::DeclineIntended => format!("{who} ordered it: {detail}."),
        EventKind::RefundSent => format!("The refund was written down and sent: {detail}."),
        EventKind::RefundAnswered | EventKind::DeclineAnswered => format!("The bank's answer to it: {detail}."),
        EventKind::RefundConfirmed => format!("The refund is confirmed: {detail}."),
        EventKind::RefundRefused => format!("The refund did not happen: {detail}."),
        EventKind::RefundWithdrawn => format!("The refund was taken back unsent: {detail}."),
        EventKind::RefundContradicted => format!("The refund ended otherwise than intended: {detail}."),
        EventKind::RefundEscalated => format!("The refund's outcome stayed unknown, so a person decides: {detail}."),
        EventKind::DeclineSent => format!("The decline was written down and sent: {detail}."),
        EventKind::DeclineConfirmed => format!("The decline is confirmed: {detail}."),
        EventKind::DeclineRefused => format!("The decline did not happen: {detail}."),
        EventKind::DeclineWithdrawn => format!("The decline was taken back unsent: {detail}."),
        EventKind::DeclineContradicted => format!("The decline ended otherwise than intended: {detail}."),
        EventKind::DeclineEscalated => format!("The decline's outcome stayed unknown, so a person decides: {detail}."),
        EventKind::DeadlineChanged => format!("Its hold has another deadline: {detail}."),
        EventKind::AutocompletionConflict => format!("The bank's own schedule is against ours: {detail}."),
        EventKind::LateApproval => format!("It was paid after all: {detail}."),
        EventKind::Refunded => format!("Money went back to the buyer: {detail}."),
        EventKind::ReversedLate => format!("It was reversed although the money had been taken: {detail}."),
        EventKind::Chargeback => format!("The buyer's bank takes the money back: {detail}."),
    }
}

/// A cause as the journal has it, for the beginning of a sentence.
fn who(cause: &str) -> &str {
    match cause {
        "look" => "A look at the bank",
        "callback" => "A look that the bank's callback asked for",
        "schedule" => "The schedule",
        "shop" => "The shop",
        "seal" => "The check of the rows' seals",
        "discovery" => "The bank's word",
        other => ["operator:", "shop:"].iter().find_map(|of| other.strip_prefix(of)).unwrap_or(other),
    }
}

fn next(order: &Order, open: Option<&Operation>, money: &Money<'_>, now: Timestamp) -> Vec<Moment> {
    let mut next = match open {
        Some(open) => next_of_operation(order, open, money, now),
        None => next_of_order(order, money, now),
    };
    next.extend(lapse(order, money.policy, now));
    next.extend(autocompletion(order, now));
    next.sort_by_key(|moment| moment.at);
    next
}

fn moment(at: Timestamp, words: impl Into<String>) -> Moment {
    Moment { at, words: words.into() }
}

/// While an operation is open its owner is the completer, and nobody else looks at the order.
fn next_of_operation(order: &Order, open: &Operation, money: &Money<'_>, now: Timestamp) -> Vec<Moment> {
    let asked = match open.state {
        OperationState::Intended => tried(order, open, money),
        _ => format!("The bank is asked what became of the {}.", open.kind.as_str()),
    };
    let mut next = vec![moment(open.next_step_at, asked)];
    let quiet_until = open.quiet_at(money.policy.settle.quiet);
    if let Some(at) = quiet_until.filter(|at| *at > now && order.state != State::Review) {
        let unchanged = match open.kind {
            OperationKind::Completion | OperationKind::Reversal => "still shows the hold",
            OperationKind::Refund => "shows nothing given back",
            OperationKind::Decline => "still waits for the buyer",
        };
        next.push(moment(at, format!("If the bank {unchanged} by then, {}", after_quiet(order, open, money))));
    }
    next
}

/// What the next step of an operation that was not sent yet comes to.
fn tried(order: &Order, open: &Operation, money: &Money<'_>) -> String {
    let kind = open.kind.as_str();
    let condition = match open.kind {
        OperationKind::Completion | OperationKind::Reversal => "the hold stands",
        OperationKind::Refund => "that much is left",
        OperationKind::Decline => "nobody has paid",
    };
    match (money.holds_back(order, open), held_back_before(open)) {
        (Some(held), _) => format!("It is seen whether the {kind} may go. It waits: {}.", held.why()),
        (None, Some(why)) => format!(
            "The bank is asked; if {condition}, and what held the {kind} back is over, it is sent. The last time: {why}."
        ),
        (None, None) => format!("The bank is asked; if {condition}, the {kind} is sent."),
    }
}

fn after_quiet(order: &Order, open: &Operation, money: &Money<'_>) -> String {
    let policy = money.policy;
    let whole = open.amount == CompletionAmount::Whole && policy.settle.resend_whole;
    let may_resend = match open.kind {
        OperationKind::Refund => whole || policy.settle.refund_tools,
        _ => whole && (!order.parked || open.ordered),
    };
    if may_resend && open.attempt < policy.settle.attempts_max {
        let waits = would_wait(money.holds_back(order, open).as_ref());
        format!("the {} is taken to have had no effect, and sent again.{waits}", open.kind.as_str())
    } else {
        "a person decides.".to_owned()
    }
}

fn next_of_order(order: &Order, money: &Money<'_>, now: Timestamp) -> Vec<Moment> {
    let policy = money.policy;
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
        let sum = taken(order);
        next.push(match money.holds_back_completion(order) {
            Some(held) if at <= now => moment(at, format!("A completion of {sum} is due. It waits: {}.", held.why())),
            held => {
                let waits = would_wait(held.as_ref());
                moment(at, format!("A completion of {sum} is due; the bank is asked before it is sent.{waits}"))
            }
        });
    }
    if let Some(at) = order.deadline_at {
        let act = match holds::at_deadline(&policy.holds, order) {
            DeadlineAct::Reverse => {
                let waits = would_wait(money.holds_back_reversal(order).as_ref());
                format!("If nothing completes it by then, it is reversed; the bank is asked before.{waits}")
            }
            DeadlineAct::Review => {
                "If nothing completes it by then, it goes to review, since its hold is near its lapse.".to_owned()
            }
        };
        next.push(moment(at, act));
    }
    next
}

/// The gateway may complete a hold that stands by itself.
fn autocompletion(order: &Order, now: Timestamp) -> Option<Moment> {
    let at = order.autocompletion_at.filter(|at| holds::stands(order) && *at > now)?;
    Some(moment(at, "The bank completes it by itself, as it was told at the registration."))
}

/// A hold in review lapses all the same, as long as the bank shows it.
fn lapse(order: &Order, policy: &Policy, now: Timestamp) -> Vec<Moment> {
    let Some(hold) = order.hold.filter(|hold| holds::stands(order) && hold.lapses_at > now) else {
        return Vec::new();
    };
    let mut next = vec![moment(hold.lapses_at, "The bank lets the hold go, and the money is the buyer's again.")];
    let to_come = |level: &&Duration| hold.lapses_at.minus(**level) > now;
    if let Some(level) = policy.holds.warn_at.iter().find(to_come) {
        let words = format!("If it is still held by then, the hold is at risk: the {} warning.", level_word(*level));
        next.push(moment(hold.lapses_at.minus(*level), words));
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
