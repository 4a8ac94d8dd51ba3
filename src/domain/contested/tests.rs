use super::super::event::EventKind as Kind;
use super::super::fixtures::{MINUTE, NOW, in_doubt, intended, order};
use super::super::operation::CompletionAmount;
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

/// Found again before a person came, it says the same, and not the same behind itself.
#[test]
fn the_same_reason_is_not_told_twice() {
    let once = put_before_a_person(&order(State::Held), None, &ALTERED, Cause::Seal, NOW).order;
    let twice = put_before_a_person(&once, None, &ALTERED, Cause::Seal, NOW).order;
    assert_eq!(once.review, twice.review);
}
