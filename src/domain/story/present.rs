//! How an order stands, in sentences: its state, what it waits for, and the bank's latest word.

use super::super::autocompletion;
use super::super::bank::{BankStatus, BankView, PAYMENT_TIME_RAN_OUT};
use super::super::calendar::Zone;
use super::super::journey::Policy;
use super::super::lifecycle::ContradictionKind;
use super::super::money::for_people;
use super::super::operation::{CompletionAmount, Operation, OperationKind, OperationState};
use super::super::order::{Order, State};
use super::super::polling;
use super::super::review::advice;
use super::super::time::{Timestamp, in_words};
use super::taken;
use super::waiting::Money;

pub(super) fn sentences(order: &Order, open: Option<&Operation>, money: &Money<'_>, now: Timestamp) -> Vec<String> {
    let policy = money.policy;
    let mut said = match order.state {
        State::Pending => pending(order, policy, now),
        State::Held => held(order, open, money, now),
        State::Review => review(order),
        State::Deposited | State::Reversed | State::Refunded | State::Declined => vec![ended(order)],
    };
    said.extend(open.map(|open| operation(open, order, money)));
    said.extend(conflict(order, &policy.zone));
    said.extend(heard(order, &policy.zone));
    said
}

fn pending(order: &Order, policy: &Policy, now: Timestamp) -> Vec<String> {
    let status = order.view.as_ref().map(|seen| seen.view.status);
    let mut said = vec![match (status, &order.heard) {
        (None, None) => "It waits for the first look at the bank.".to_owned(),
        (None, Some(_)) => "The bank has not shown it yet.".to_owned(),
        (Some(BankStatus::Registered), _) => "The bank knows it, and nobody has paid yet.".to_owned(),
        (Some(BankStatus::InAuthentication), _) => {
            "The card's issuer is making sure of the buyer (3-D Secure).".to_owned()
        }
        (Some(other), _) => format!("The bank shows it {other}, which decides nothing yet."),
    }];
    let closes_at = polling::expires_at(&policy.looks, order);
    if closes_at <= now {
        let ago = in_words(now.since(closes_at));
        said.push(format!(
            "Its payment page closed at {} ({ago} ago), so an outcome is overdue.",
            policy.zone.for_people(closes_at)
        ));
    }
    if order.parked {
        said.push("It is parked: should it be paid, nothing is taken until it is released.".to_owned());
    }
    said
}

fn held(order: &Order, open: Option<&Operation>, money: &Money<'_>, now: Timestamp) -> Vec<String> {
    let policy = money.policy;
    let mut said = vec![format!("{} is held on the buyer's card, and not taken yet.", on_hold(order))];
    if open.is_none() {
        said.push(match (order.parked, order.complete_at) {
            (true, _) => format!("It is parked: nothing is taken until somebody releases it. {}", release(order)),
            (false, None) if order.deadline_at.is_some_and(|at| at > now) && order.released_at.is_some() => {
                "The time of its completion comes only after the hold has lapsed.".to_owned()
            }
            (false, None) => {
                format!("Its completion waits for a release by the shop or an operator. {}", release(order))
            }
            (false, Some(at)) if at <= now => {
                let held = money.holds_back_completion(order);
                let waits = held.map(|held| format!(" It waits: {}.", held.why())).unwrap_or_default();
                format!("A completion of {} is due.{waits}", taken(order))
            }
            (false, Some(_)) => format!("It waits for the time of its completion, which takes {}.", taken(order)),
        });
    }
    if let Some(hold) = order.hold.filter(|hold| hold.lapses_at <= now) {
        let ago = in_words(now.since(hold.lapses_at));
        said.push(format!("The hold should have lapsed at {} ({ago} ago).", policy.zone.for_people(hold.lapses_at)));
    }
    said
}

/// What the bank will do by itself against what is planned here.
fn conflict(order: &Order, zone: &Zone) -> Option<String> {
    let (at, conflict) = autocompletion::conflict(order)?;
    let when = zone.for_people(at);
    Some(format!("The bank would complete it by itself at {when}, {}: mend that in its console.", conflict.in_words()))
}

/// What the bank says it holds, as far as it has said so; our price otherwise.
fn on_hold(order: &Order) -> String {
    let view = order.view.as_ref().map(|seen| &seen.view).filter(|view| view.status == BankStatus::Held);
    let theirs = view.and_then(|view| view.amounts.map(|amounts| amounts.approved).or(view.amount));
    let currency = view.and_then(|view| view.currency).unwrap_or(order.currency);
    theirs.map_or_else(|| for_people(order.amount.minor(), order.currency), |minor| for_people(minor, currency))
}

fn release(order: &Order) -> String {
    format!("To release it: reconciled order release {}", which(order))
}

/// The order as a command names it; with its merchant, since another one may have the same number.
fn which(order: &Order) -> String {
    format!("{} --merchant {}", order.number, order.merchant)
}

fn review(order: &Order) -> Vec<String> {
    let reason = order.review.as_ref().map_or("no reason was recorded", |reason| reason.sentence.as_str());
    vec![
        format!("Money contradicts itself: {reason}."),
        what_to_do(advice::kind_of(order)).to_owned(),
        format!("What both sides say, and the ways out: reconciled review show {}", which(order)),
    ]
}

fn what_to_do(kind: Option<ContradictionKind>) -> &'static str {
    match kind {
        Some(ContradictionKind::RowAltered) => {
            "Nothing is sent for it until a person decides, and it is looked at as before. Compare every figure with the \
             shop's books and the bank's console, and find out who writes to the database file. Deciding takes the \
             figures as they stand now; the order then stays parked until it is released."
        }
        Some(ContradictionKind::SentOutsideBook) => {
            "Nothing more is sent for it until a person decides, and it is looked at as before. See in the bank's \
             console whether the money was taken; once the bank's latest word is what is true there, decide for it. A \
             hold that still stands then stays parked until it is released."
        }
        _ => "Until a person decides, nothing is sent to the bank for it. See what is true in the bank's console.",
    }
}

fn ended(order: &Order) -> String {
    let view = order.view.as_ref().map(|seen| &seen.view);
    let amounts = view.and_then(|view| view.amounts);
    let sum = |minor: i64| for_people(minor, order.currency);
    match (order.state, amounts) {
        (State::Deposited, Some(amounts)) => format!("{} was taken. The order is at its end.", sum(amounts.deposited)),
        (State::Deposited, None) => "The money was taken. The order is at its end.".to_owned(),
        (State::Refunded, Some(amounts)) => {
            format!("{} went back to the buyer. The order is at its end.", sum(amounts.refunded))
        }
        (State::Refunded, None) => "Money went back to the buyer. The order is at its end.".to_owned(),
        (State::Reversed, _) => "The payment was cancelled and nothing was taken. The order is at its end.".to_owned(),
        _ => declined(view),
    }
}

fn declined(view: Option<&BankView>) -> String {
    match view.and_then(|view| view.action_code) {
        Some(PAYMENT_TIME_RAN_OUT) => {
            "The payment time ran out and nothing was paid. The order is at its end.".to_owned()
        }
        Some(code) => format!("The payment was declined (actionCode {code}). The order is at its end."),
        None => "The payment was declined. The order is at its end.".to_owned(),
    }
}

fn operation(open: &Operation, order: &Order, money: &Money<'_>) -> String {
    let zone = &money.policy.zone;
    let what = match open.expected_minor {
        Some(minor) => for_people(minor, order.currency),
        None => match (open.kind, open.amount) {
            (OperationKind::Reversal, _) => "the whole hold".to_owned(),
            (OperationKind::Refund, CompletionAmount::Whole) => "all that is left".to_owned(),
            (OperationKind::Refund, CompletionAmount::Exactly(amount)) => for_people(amount.minor(), order.currency),
            (OperationKind::Decline, _) => "the order".to_owned(),
            (OperationKind::Completion, _) => taken(order),
        },
    };
    let kind = open.kind.as_str();
    // What holds it back now is newer than what was written down about it.
    let held = Some(open).filter(|open| open.state == OperationState::Intended);
    let held = held.and_then(|open| money.holds_back(order, open)).map(|held| held.to_string());
    let note = held.as_deref().or(open.note.as_deref()).map(|note| format!(" Latest: {note}.")).unwrap_or_default();
    match (open.state, open.sent_at) {
        (OperationState::InDoubt, Some(sent_at)) => format!(
            "A {kind} of {what} was sent, the {} time at {}, and its outcome is not known yet. The bank is asked \
             until it shows.{note}",
            ordinal(open.attempt),
            zone.for_people(sent_at)
        ),
        _ => format!("A {kind} of {what} is due and not sent yet.{note}"),
    }
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn heard(order: &Order, zone: &Zone) -> Option<String> {
    let heard = order.heard.as_ref()?;
    let told = match order.unknown_in_a_row {
        0 => String::new(),
        1 => " That told nothing.".to_owned(),
        many => format!(" The last {many} answers told nothing, so the waits between them grow."),
    };
    Some(format!("The bank's latest answer, at {}: {}.{told}", zone.for_people(heard.at), heard.words))
}
