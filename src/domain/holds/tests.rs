//! Deadlines of holds, and when their completion is due.

use super::super::fixtures::{DAY, HOUR, NOW, order, policy};
use super::*;

const HOLDS: HoldPolicy = HoldPolicy { lifetime: DAY.saturating_mul(5), warn_before: DAY };

#[test]
fn the_banks_time_of_authorisation_makes_a_deadline_earlier_and_never_later() {
    for (authorised, begun) in [(None, NOW), (Some(NOW.minus(HOUR)), NOW.minus(HOUR)), (Some(NOW.plus(HOUR)), NOW)] {
        let expected = Hold { held_at: NOW, lapses_at: begun.plus(DAY * 5) };
        assert_eq!(hold(&HOLDS, authorised, NOW), expected, "{authorised:?}");
    }
}

#[test]
fn a_completion_is_due_when_the_policy_says_and_never_while_parked() {
    let held = Hold { held_at: NOW, lapses_at: NOW.plus(DAY * 5) };
    // 03:00 in Moscow; it is noon there.
    let window = CompletionSchedule::Window(Box::new(CronPattern::parse("0 3 * * *").unwrap()));
    let before = Some(NOW.minus(HOUR));
    let table = [
        ("a delay", CompletionSchedule::After(DAY), None, Some(NOW.plus(DAY))),
        ("no delay", CompletionSchedule::After(Duration::ZERO), None, Some(NOW)),
        ("a window", window, None, Some(NOW.plus(HOUR * 15))),
        ("on release, not released", CompletionSchedule::OnRelease, None, None),
        ("on release, released before it was held", CompletionSchedule::OnRelease, before, Some(NOW)),
        ("on release, released since", CompletionSchedule::OnRelease, Some(NOW.plus(HOUR)), Some(NOW.plus(HOUR))),
    ];
    for (what, schedule, released_at, due) in table {
        let free = Order { released_at, ..order(State::Held) };
        assert_eq!(complete_at(&schedule, &policy().zone, &free, held), due, "{what}");
        let parked = Order { parked: true, ..free };
        assert_eq!(complete_at(&schedule, &policy().zone, &parked, held), None, "{what}, parked");
    }
}

#[test]
fn a_hold_is_at_risk_from_the_moment_of_its_warning() {
    let hold = Hold { held_at: NOW, lapses_at: NOW.plus(DAY * 5) };
    for (now, expected) in
        [(NOW, false), (NOW.plus(HOUR * 95), false), (NOW.plus(HOUR * 96), true), (NOW.plus(DAY * 6), true)]
    {
        assert_eq!(at_risk(&HOLDS, hold, now), expected, "{now}");
    }
}
