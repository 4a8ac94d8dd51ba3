//! The state machine, transition by transition.

use super::super::payment::{CardSystem, Points};
use super::*;

fn order(state: State) -> Order {
    Order::new("id".to_owned(), Registration::new("shop", "A-1", 900).two_phase(), 0, state)
}

fn payment() -> Payment {
    with_points(&[])
}

fn with_points(points: &[i64]) -> Payment {
    let (approval_code, reference) = ("123456".to_owned(), "1".to_owned());
    let on_hold = |approved: &i64| Points { programme: "p".to_owned(), approved: *approved, deposited: 0, refunded: 0 };
    let points = points.iter().map(on_hold).collect();
    Payment { at_ms: 5, approval_code, reference, card: CardSystem::Visa, three_ds: false, points }
}

fn held(payment: Payment) -> State {
    State::Held { payment, ends_at_ms: 20, end: HoldEnd::Lapse }
}

fn every_state() -> [State; 6] {
    [
        State::Registered { expires_at_ms: 10 },
        State::Authenticating { expires_at_ms: 10 },
        held(payment()),
        State::Deposited { payment: payment(), amount_minor: 900, refunded_minor: 0, at_ms: 6 },
        State::Declined { reason: Decline::ByIssuer, at_ms: 6 },
        State::Reversed { payment: payment(), at_ms: 6 },
    ]
}

#[test]
fn only_a_held_order_is_completed_or_reversed_and_only_a_registered_one_paid() {
    for state in every_state() {
        let (status, order) = (state.status(), order(state));
        assert_eq!(order.completed(0, 7, false).is_ok(), status == 1, "{status}");
        let open = status == 0 || status == 5;
        assert_eq!(order.paid(payment(), 100).is_ok(), open, "{status}");
        assert_eq!(order.declined(7).is_ok(), open, "{status}");
        assert_eq!(order.called_off(7, true).is_ok(), open, "{status}");
        assert_eq!(order.attempt_failed(7, 3).is_ok(), open, "{status}");
        assert_eq!(order.challenged().is_ok(), status == 0, "{status}");
        assert_eq!(order.refunded(1, 7).is_ok(), status == 2, "{status}");
        assert_eq!(order.reversed(7).is_ok(), status == 1, "{status}");
        assert_eq!(order.approved_late(payment(), 100).is_ok(), status == 6, "{status}");
    }
}

#[test]
fn completion_takes_what_is_asked_and_never_more_than_the_hold() {
    let held = order(held(payment()));
    let check = |asked, expected: Result<i64, Refusal>| {
        let taken = held.completed(asked, 7, false).map(|state| match state {
            State::Deposited { amount_minor, .. } => amount_minor,
            other => panic!("{other:?}"),
        });
        assert_eq!(taken, expected, "{asked}");
    };
    check(0, Ok(900));
    check(1, Ok(1));
    check(900, Ok(900));
    check(901, Err(errors::ABOVE_HOLD));
}

#[test]
fn part_after_part_ends_at_the_hold() {
    let taken =
        |amount_minor| order(State::Deposited { payment: payment(), amount_minor, refunded_minor: 0, at_ms: 6 });
    let check = |taken_before, asked, again, expected: Option<i64>| {
        let next = taken(taken_before).completed(asked, 7, again);
        let taken_after = next.ok().map(|state| order(state).deposited_minor());
        assert_eq!(taken_after, expected, "{taken_before} {asked}");
    };
    check(400, 400, true, Some(800));
    check(400, 0, true, Some(900));
    check(400, 501, true, None);
    check(900, 0, true, None);
    check(400, 400, false, None);
}

#[test]
fn a_clerk_gives_back_what_was_taken_and_no_more() {
    let mut order = order(State::Deposited { payment: payment(), amount_minor: 500, refunded_minor: 0, at_ms: 6 });
    assert!(order.refunded(501, 7).is_err() && order.reversed(7).is_err());
    order.state = order.refunded(200, 7).unwrap();
    assert_eq!((order.state.status(), order.deposited_minor(), order.refunded_minor()), (4, 500, 200));
    assert!(order.refunded(301, 8).is_err());
}

#[test]
fn time_ends_what_waits_and_nothing_else() {
    let after: Vec<_> = every_state().iter().map(|state| state.run_out(900).map(|s| s.status())).collect();
    assert_eq!(after, [Some(6), Some(6), Some(3), None, None, None]);
}

#[test]
fn points_go_with_the_money_in_proportion() {
    let check = |points: &[i64], asked, money: i64, taken: &[i64]| {
        let mut order = order(held(with_points(points)));
        order.registration.amount_minor = 100_000;
        let State::Deposited { payment, amount_minor, .. } = order.completed(asked, 7, false).unwrap() else {
            panic!("not deposited");
        };
        let points: Vec<_> = payment.points.iter().map(|points| points.deposited).collect();
        assert_eq!((amount_minor, &*points), (money, taken), "{asked}");
    };
    // The documents' example: of 10200 that go back, 20 are points.
    check(&[200], 90_000, 89_820, &[180]);
    check(&[200], 0, 100_000, &[200]);
    check(&[200], 100_200, 100_000, &[200]);
    check(&[100, 300], 50_200, 50_000, &[50, 150]);
    check(&[200], 1, 0, &[1]);
    let mut whole = order(held(with_points(&[200])));
    whole.registration.amount_minor = 100_000;
    assert_eq!(whole.completed(100_201, 7, false).unwrap_err(), errors::ABOVE_HOLD);
}

#[test]
fn composite_refunds_end_with_nothing_left_and_never_take_too_much() {
    let payment = with_points(&[7, 3]).points_taken();
    let mut order = order(State::Deposited { payment, amount_minor: 90, refunded_minor: 0, at_ms: 6 });
    assert_eq!(order.refunded_composite(101, 7).unwrap_err(), errors::ABOVE_DEPOSIT);
    for asked in [33, 33, 33, 1] {
        let left = order.refundable_composite();
        order.state = order.refunded_composite(asked, 7).unwrap();
        assert_eq!(order.refundable_composite(), left - asked);
        let points = &order.state.payment().unwrap().points;
        assert!(points.iter().all(|points| (0..=points.deposited).contains(&points.refunded)), "{points:?}");
        assert!(order.refunded_minor() <= 90 && order.state.status() == 4);
    }
    assert_eq!((order.refundable_composite(), order.refunded_minor()), (0, 90));
}

#[test]
fn the_third_refusal_closes_the_order() {
    let mut order = order(State::Registered { expires_at_ms: 10 });
    for (failed, status) in [(0, 0), (1, 0), (2, 6)] {
        order.failed_attempts = failed;
        assert_eq!(order.attempt_failed(7, 3).unwrap().status(), status);
    }
    order.state = State::Authenticating { expires_at_ms: 10 };
    order.failed_attempts = 0;
    assert_eq!(order.attempt_failed(7, 3).unwrap(), State::Registered { expires_at_ms: 10 });
}

#[test]
fn a_hold_ends_at_the_first_of_its_ends() {
    let check = |completes: Option<i64>, reverses: Option<i64>, at_ms: i64, status: u8| {
        let mut order = order(State::Registered { expires_at_ms: 10 });
        order.registration.autocompletion_at_ms = completes;
        order.registration.auto_reverse_at_ms = reverses;
        let held = order.paid(payment(), 100).unwrap();
        assert_eq!(held.runs_out_at_ms(), Some(at_ms));
        assert_eq!(held.run_out(900).unwrap().status(), status);
    };
    check(None, None, 105, 3);
    check(Some(50), None, 50, 2);
    check(Some(50), Some(40), 40, 3);
    check(Some(105), None, 105, 2);
    check(Some(200), None, 105, 3);
    check(Some(1), None, 5, 2);
}
