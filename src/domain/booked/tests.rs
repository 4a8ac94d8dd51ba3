//! What a read makes of it that shows less than our book is certain of.

use std::time::Duration;

use super::super::bank::{BankStatus, BankView};
use super::super::completion::after_ask;
use super::super::event::EventKind;
use super::super::fixtures::{
    DAY, HOUR, MINUTE, NOW, PRICE, in_doubt, intended, known, order, part, plain, policy, reversal, view,
};
use super::super::guard::Standing;
use super::super::journey::{self, LookOutcome};
use super::super::operation::CompletionAmount;
use super::super::order::{SeenView, State};
use super::super::polling::Jitter;
use super::*;

const WHOLE: CompletionAmount = CompletionAmount::Whole;

fn back(refunded: i64) -> BankView {
    let status = if refunded == 0 { BankStatus::Deposited } else { BankStatus::Refunded };
    view(status, [PRICE, PRICE, refunded])
}

fn entry(kind: OperationKind, state: OperationState, expected: i64, before: Option<i64>) -> Entry {
    Entry { kind, state, expected_minor: Some(expected), refunded_before: before }
}

/// An order that the bank showed so, `ago`.
fn shown(state: State, shown: BankView, ago: Duration) -> Order {
    Order { view: Some(SeenView { view: shown, seen_at: NOW.minus(ago) }), ..order(state) }
}

fn refund(operation: Operation, before: Option<i64>) -> Operation {
    let operation = Operation { kind: OperationKind::Refund, ordered: true, ..operation };
    Operation { refunded_before: before, ..operation }
}

/// What a question makes of it: the step in a word, where the order stands, and what the bank is kept to have given
/// back.
fn asked(operation: &Operation, order: &Order, shown: BankView, booked: Booked) -> (String, State, i64) {
    let standing = Standing { booked, ..Standing::default() };
    let asked = after_ask(order, operation, &known(shown), &standing, &policy(), NOW, Jitter::new(500));
    let word = if asked.send { "sent" } else { asked.operation.state.as_str() };
    let kept = asked.order.view.unwrap().view.amounts.unwrap().refunded;
    (word.to_owned(), asked.order.state, kept)
}

#[test]
fn what_was_confirmed_counts_and_what_a_refund_was_measured_from() {
    use OperationKind::{Completion, Refund, Reversal};
    use OperationState::{Confirmed, InDoubt, Refused};
    let none = Booked::default();
    let table = [
        ("a completion", vec![entry(Completion, Confirmed, 7_000, None)], Booked { taken: 7_000, ..none }),
        ("one in doubt", vec![entry(Completion, InDoubt, 7_000, None)], none),
        ("a reversal", vec![entry(Reversal, Confirmed, 7_000, None)], none),
        (
            "two refunds, and a clerk's 5.00 between",
            vec![entry(Refund, Confirmed, 1_000, Some(0)), entry(Refund, Confirmed, 2_000, Some(1_500))],
            Booked { given_back: 3_000, shown_back: 3_500, ..none },
        ),
        ("one refused", vec![entry(Refund, Refused, 1_000, Some(400))], Booked { shown_back: 400, ..none }),
        ("one in doubt", vec![entry(Refund, InDoubt, 1_000, Some(400))], Booked { shown_back: 400, ..none }),
        ("one from the witness", vec![entry(Refund, Confirmed, 1_000, None)], Booked { given_back: 1_000, ..none }),
    ];
    for (name, entries, expected) in table {
        assert_eq!(entries.into_iter().fold(none, Booked::and), expected, "{name}");
    }
}

/// Two reads that show 37.14 given back agree, and yet 60.00 went back by refunds that were confirmed.
#[test]
fn no_refund_is_sent_or_settled_by_a_read_that_is_older_than_our_book() {
    let booked = Booked { given_back: 6_000, ..Booked::default() };
    let new = refund(intended(part(1_000)), None);
    let sent = refund(in_doubt(part(1_000), MINUTE), Some(6_000));
    let from_too_little = refund(in_doubt(part(1_000), MINUTE), Some(2_714));
    let refused = Operation { unknown_sends: 0, ..refund(in_doubt(part(1_000), HOUR), Some(3_714)) };
    let none = Booked::default();
    let table = [
        // the operation, what the bank showed before and shows now, what our book is certain of; what comes of it
        ("older, by our refunds", &new, 3_714, 3_714, booked, "intended", 3_714),
        ("older, by an earlier view", &new, 6_000, 3_714, none, "intended", 6_000),
        ("older, by both", &new, 6_000, 3_714, booked, "intended", 6_000),
        ("as our book has it", &new, 6_000, 6_000, booked, "sent", 6_000),
        ("more, by a clerk", &new, 7_000, 7_000, booked, "sent", 7_000),
        ("sent, and older", &sent, 6_000, 3_714, booked, "in_doubt", 6_000),
        ("sent, and there", &sent, 6_000, 7_000, booked, "confirmed", 7_000),
        ("an older read would confirm", &from_too_little, 3_714, 3_714, booked, "in_doubt", 3_714),
        ("an older read would deny", &refused, 3_714, 3_714, booked, "in_doubt", 3_714),
    ];
    for (name, operation, before, now, booked, expected, kept) in table {
        let order = shown(State::Refunded, back(before), MINUTE);
        let found = asked(operation, &order, back(now), booked);
        assert_eq!(found, (expected.to_owned(), State::Refunded, kept), "{name}");
    }
}

/// After a completion was confirmed a person may have gone back to the hold by mistake: the hold is not there any more.
#[test]
fn nothing_is_completed_or_reversed_by_a_read_that_is_older_than_our_book() {
    let taken = Booked { taken: 7_000, ..Booked::default() };
    let ordered = Operation { ordered: true, ..reversal() };
    let sent = |operation| Operation { kind: OperationKind::Reversal, ..operation };
    let refused = Operation { unknown_sends: 0, ..in_doubt(WHOLE, HOUR) };
    let agreed = Operation { agreeing_reads: 1, ..in_doubt(WHOLE, HOUR) };
    let rows = [
        ("a completion", intended(WHOLE), "sent", "intended"),
        ("a part", intended(part(7_000)), "sent", "intended"),
        ("a reversal", ordered, "sent", "intended"),
        ("a completion that goes again", agreed.clone(), "sent", "in_doubt"),
        ("a reversal that goes again", sent(agreed), "sent", "in_doubt"),
        ("a completion that was refused", refused.clone(), "refused", "in_doubt"),
        ("a reversal that was refused", sent(refused), "refused", "in_doubt"),
    ];
    for (name, operation, without, with) in rows {
        let order = shown(State::Held, plain(BankStatus::Held), MINUTE);
        let held = || plain(BankStatus::Held);
        assert_eq!(asked(&operation, &order, held(), Booked::default()).0, without, "{name}, nothing was taken");
        assert_eq!(asked(&operation, &order, held(), taken).0, with, "{name}, something was");
    }
}

#[test]
fn what_was_taken_stays_so_whatever_went_back_of_it() {
    let booked = Booked { taken: 7_000, given_back: 2_000, shown_back: 2_000 };
    let table = [
        ("as booked", view(BankStatus::Refunded, [PRICE, 7_000, 2_000]), None),
        ("a bank that lowers the sum", view(BankStatus::Refunded, [PRICE, 5_000, 2_000]), None),
        ("before the refund", view(BankStatus::Deposited, [PRICE, 7_000, 0]), Some("less_given_back:2000:0")),
        ("before the completion", view(BankStatus::Held, [PRICE, 0, 0]), Some("less_given_back:2000:0")),
        ("less taken", view(BankStatus::Refunded, [PRICE, 4_000, 2_000]), Some("less_taken:7000:6000")),
        ("reversed after all", view(BankStatus::Reversed, [PRICE, 0, 0]), None),
        ("without sums", BankView { amounts: None, ..back(0) }, None),
    ];
    for (name, shown, expected) in table {
        let found = falls_short(&order(State::Refunded), &shown, &booked).map(|found| found.code());
        assert_eq!(found.as_deref(), expected, "{name}");
    }
    let accepted = Order { accepted: Some("less_given_back:2000:0".to_owned()), ..order(State::Refunded) };
    let rolled_back = view(BankStatus::Deposited, [PRICE, 7_000, 0]);
    assert_eq!(falls_short(&accepted, &rolled_back, &booked), None, "a person took it as true");
}

#[test]
fn a_bank_that_goes_on_showing_less_is_a_persons() {
    let booked = Booked { given_back: 6_000, ..Booked::default() };
    let often = |operation: Operation| Operation { asks: OLDER_ASKS, ..operation };
    let new = refund(intended(part(1_000)), None);
    let sent = refund(in_doubt(part(1_000), HOUR * 2), Some(6_000));
    let table = [
        ("asked once after a pause", new.clone(), HOUR * 5, "intended", State::Refunded),
        ("asked often in a minute", often(new.clone()), MINUTE, "intended", State::Refunded),
        ("asked often in an hour", often(new), HOUR, "contradicted", State::Review),
        ("sent, and asked often in an hour", often(sent), HOUR, "in_doubt", State::Review),
    ];
    for (name, operation, ago, word, state) in table {
        let order = shown(State::Refunded, back(6_000), ago);
        let kept = if state == State::Review { 3_714 } else { 6_000 };
        assert_eq!(asked(&operation, &order, back(3_714), booked), (word.to_owned(), state, kept), "{name}");
    }
    let ours = Some("ours:less_given_back:6000:3714".to_owned());
    let decided = Order { accepted: ours, ..shown(State::Refunded, back(6_000), HOUR) };
    let found = asked(&often(refund(intended(WHOLE), None)), &decided, back(3_714), booked);
    assert_eq!(found.0, "withdrawn", "raising it again tells a person nothing new");
}

#[test]
fn a_look_that_shows_less_given_back_is_stale_and_a_persons_after_a_day() {
    let table =
        [(HOUR, LookOutcome::Stale, State::Refunded, 6_000), (DAY, LookOutcome::Contradiction, State::Review, 1_000)];
    for (ago, outcome, state, kept) in table {
        let order = shown(State::Refunded, back(6_000), ago);
        let looked = journey::after_look(&order, &known(back(1_000)), &policy(), NOW, Jitter::new(500));
        let events: Vec<_> = looked.events.iter().map(|event| event.kind).collect();
        let shown = looked.order.view.unwrap().view.amounts.unwrap().refunded;
        assert_eq!((looked.outcome, looked.order.state, shown), (outcome, state, kept), "{ago:?}");
        assert!(!events.contains(&EventKind::Refunded), "{ago:?}: nothing went back");
    }
}
