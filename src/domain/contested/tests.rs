use super::super::event::EventKind as Kind;
use super::super::fixtures::{HOUR, MINUTE, NOW, PRICE, in_doubt, intended, order, part, policy};
use super::super::operation::{CompletionAmount, OperationKind};
use super::*;

const ALTERED: Contradiction = Contradiction::RowAltered { row: "its row" };

#[test]
fn whatever_the_order_was_it_waits_for_a_person_and_nothing_of_it_is_planned() {
    for state in State::ALL {
        let before = order(state);
        let after = put_before_a_person(&before, None, &ALTERED, Cause::Seal, NOW);
        let Order { state: now, complete_at, next_look_at, .. } = after.order.clone();
        assert_eq!((now, complete_at, next_look_at), (State::Review, None, Some(NOW)), "{state}");
        assert_eq!(after.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [Kind::ReviewOpened], "{state}");
        let reason = after.order.review.unwrap();
        assert_eq!(reason.code, "row_altered");
        assert_eq!(reason.sentence.contains("it contradicts"), state == State::Review, "{state}: {}", reason.sentence);
    }
}

#[test]
fn what_was_not_sent_is_taken_back_and_what_is_in_doubt_stays_so() {
    let before = order(State::Held);
    let unsent = intended(CompletionAmount::Whole);
    let after = put_before_a_person(&before, Some(&unsent), &ALTERED, Cause::Seal, NOW);
    assert_eq!(after.operation.map(|operation| operation.state), Some(OperationState::Withdrawn));
    assert_eq!(after.events.last().map(|event| event.kind), Some(Kind::CompletionWithdrawn));
    let sent = in_doubt(CompletionAmount::Whole, MINUTE);
    assert_eq!(put_before_a_person(&before, Some(&sent), &ALTERED, Cause::Seal, NOW).operation, None);
}

/// The bug: a hold with a deadline kept it in review, which the database refuses, so neither an altered row nor a send
/// that only the witness has could be put before anybody.
#[test]
fn regression_a_hold_with_a_deadline_keeps_none_in_review() {
    let before = Order { complete_at: None, deadline_at: Some(NOW.plus(HOUR)), ..order(State::Held) };
    let after = put_before_a_person(&before, None, &ALTERED, Cause::Seal, NOW).order;
    assert_eq!((after.state, after.complete_at, after.deadline_at), (State::Review, None, None));
    let unsent = Operation { kind: OperationKind::Reversal, ..intended(CompletionAmount::Whole) };
    let events = put_before_a_person(&before, Some(&unsent), &ALTERED, Cause::Seal, NOW).events;
    assert_eq!(events.last().map(|event| event.kind), Some(Kind::ReversalWithdrawn));
}

/// Found again before a person came, it says the same, and not the same behind itself.
#[test]
fn the_same_reason_is_not_told_twice() {
    let once = put_before_a_person(&order(State::Held), None, &ALTERED, Cause::Seal, NOW).order;
    let twice = put_before_a_person(&once, None, &ALTERED, Cause::Seal, NOW).order;
    assert_eq!(once.review, twice.review);
}

/// The amounts and attempts are those of the witness, and the quiet time counts from the adoption.
#[test]
fn a_send_outside_our_book_is_in_doubt_from_its_adoption_on() {
    let sent = |attempt, sends| OutsideSend {
        kind: OperationKind::Completion,
        amount: CompletionAmount::Whole,
        attempt,
        sends,
        expected_minor: PRICE,
        refunded_before: None,
        sent_at: NOW.minus(HOUR),
    };
    let table = [
        ("a new row", intended(CompletionAmount::Whole), sent(1, 1), [1, 1]),
        ("several attempts", intended(CompletionAmount::Whole), sent(3, 2), [3, 2]),
        ("a row in doubt", in_doubt(CompletionAmount::Whole, HOUR), sent(2, 1), [2, 2]),
        ("a line without sense", intended(CompletionAmount::Whole), sent(0, 0), [1, 1]),
    ];
    for (what, row, sent, counts) in table {
        let after = sent.in_doubt(&row, NOW, NOW);
        assert_eq!((after.state, [after.attempt, after.unknown_sends]), (OperationState::InDoubt, counts), "{what}");
        assert_eq!((after.expected_minor, after.sent_at), (Some(PRICE), Some(NOW.minus(HOUR))), "{what}");
        assert_eq!(after.quiet_at(policy().settle.quiet), Some(NOW.plus(policy().settle.quiet)), "{what}");
    }
    assert!(sent(2, 1).is_of(&in_doubt(CompletionAmount::Whole, HOUR)));
    assert!(!sent(2, 1).is_of(&in_doubt(part(7_000), HOUR)), "another sum is another completion");
    assert!(!sent(2, 1).is_of(&intended(CompletionAmount::Whole)), "what was not sent is taken back");
}

/// Two refunds of one sum are two refunds when something was given back between them.
#[test]
fn a_refund_outside_our_book_is_measured_from_what_had_been_given_back_before_it() {
    let sent = |refunded_before| OutsideSend {
        kind: OperationKind::Refund,
        amount: part(1_000),
        attempt: 1,
        sends: 1,
        expected_minor: 1_000,
        refunded_before,
        sent_at: NOW.minus(HOUR),
    };
    let open =
        |refunded_before| Operation { kind: OperationKind::Refund, refunded_before, ..in_doubt(part(1_000), HOUR) };
    let table = [
        ("the same", Some(0), Some(0), true, Some(0)),
        ("a later one of the same sum", Some(1_000), Some(0), false, Some(1_000)),
        ("a line of an earlier version", None, Some(500), true, Some(500)),
        ("a row that does not know", Some(1_000), None, false, Some(1_000)),
    ];
    for (what, of_line, of_row, is_same, measured_from) in table {
        let (sent, open) = (sent(of_line), open(of_row));
        assert_eq!(sent.is_of(&open), is_same, "{what}");
        assert_eq!(sent.in_doubt(&open, NOW, NOW).refunded_before, measured_from, "{what}");
    }
}
