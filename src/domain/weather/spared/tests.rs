use std::time::Duration;

use super::*;
use crate::domain::bank::{StatusAnswer, UnknownKind};
use crate::domain::completion;
use crate::domain::fixtures::{self, NOW};
use crate::domain::guard::Standing;
use crate::domain::journey::after_look;
use crate::domain::operation::CompletionAmount;
use crate::domain::order::State;
use crate::domain::polling::Jitter;

#[test]
fn an_order_whose_look_failed_for_the_weather_is_as_it_was_and_due() {
    let later = NOW.plus(Duration::from_secs(3));
    let lost = StatusAnswer::Unknown(fixtures::unknown(UnknownKind::Timeout));
    for in_a_row in [0, 7] {
        let before = Order { unknown_in_a_row: in_a_row, ..fixtures::order(State::Pending) };
        let after = after_look(&before, &lost, &fixtures::policy(), NOW, Jitter::EVEN).order;
        assert!(after.unknown_in_a_row == in_a_row + 1 && after.next_look_at.is_some_and(|at| at > NOW));
        let (order, _) = spared(&after, None, 1, NOW, later).unwrap();
        let due = after.next_look_at.map(|at| at.min(later));
        assert_eq!((order.unknown_in_a_row, order.next_look_at, order.state), (in_a_row, due, State::Pending));
        // Asked again before it grew dark.
        let again = after_look(&after, &lost, &fixtures::policy(), later, Jitter::EVEN).order;
        let (twice, _) = spared(&again, None, 2, later, later).unwrap();
        assert_eq!(twice.unknown_in_a_row, in_a_row);
        // Something else was heard since.
        assert_eq!(spared(&after, None, 1, NOW.plus(Duration::from_secs(1)), later), None);
        assert_eq!(spared(&before, None, 1, NOW, later), None);
    }
}

#[test]
fn a_question_about_money_that_failed_for_the_weather_counts_for_nothing() {
    let lost = StatusAnswer::Unknown(fixtures::unknown(UnknownKind::Unreachable));
    let operation = fixtures::in_doubt(CompletionAmount::Whole, Duration::from_secs(60));
    let (order, standing) = (fixtures::order(State::Held), Standing::default());
    let asked = completion::after_ask(&order, &operation, &lost, &standing, &fixtures::policy(), NOW, Jitter::EVEN);
    assert!(asked.operation.next_step_at > NOW && asked.operation.asks == operation.asks + 1);
    let (_, spared) = spared(&asked.order, Some(&asked.operation), 1, NOW, NOW).unwrap();
    let spared = spared.unwrap();
    assert_eq!((spared.next_step_at, spared.asks, spared.attempt), (NOW, operation.asks, operation.attempt));
    assert_eq!(spared.state, operation.state);
}
