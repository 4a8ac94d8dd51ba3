//! Deadlines of holds, when their completion is due, and what is done when none comes in time.

use super::super::fixtures::{DAY, HOUR, MINUTE, NOW, holds as policy_of_holds, order, policy};
use super::*;

fn system(name: &str) -> Option<PaymentSystem> {
    PaymentSystem::new(name)
}

fn hold_of(lifetime: Duration) -> Hold {
    Hold { held_at: NOW, begun_at: NOW, lapses_at: NOW.plus(lifetime) }
}

#[test]
fn the_banks_time_of_authorisation_makes_a_deadline_earlier_and_never_later() {
    for (authorised, begun) in [(None, NOW), (Some(NOW.minus(HOUR)), NOW.minus(HOUR)), (Some(NOW.plus(HOUR)), NOW)] {
        let expected = Hold { held_at: NOW, begun_at: begun, lapses_at: begun.plus(DAY * 5) };
        assert_eq!(hold(&policy_of_holds(), None, authorised, NOW), expected, "{authorised:?}");
    }
}

#[test]
fn a_hold_lives_as_long_as_its_payment_system_says_and_the_shortest_when_that_is_unknown() {
    let listed = |lifetime: Duration| HoldPolicy {
        lifetime,
        by_system: [("visa", 7), ("mir", 3)].map(|(name, days)| (system(name).unwrap(), DAY * days)).into(),
        ..policy_of_holds()
    };
    let table = [
        ("listed", DAY * 5, system("VISA"), DAY * 7),
        ("listed, shorter", DAY * 5, system("mir"), DAY * 3),
        ("not listed", DAY * 5, system("mastercard"), DAY * 3),
        ("unknown", DAY * 5, None, DAY * 3),
        ("unknown, and the merchant's is the shortest", DAY * 2, None, DAY * 2),
        ("listed, and the merchant's is the shortest", DAY * 2, system("visa"), DAY * 7),
    ];
    for (what, lifetime, system, expected) in table {
        let policy = listed(lifetime);
        assert_eq!(policy.lifetime_of(system.as_ref()), expected, "{what}");
        let anew = counted_anew(&policy, hold_of(DAY), system.as_ref());
        assert_eq!((anew.held_at, anew.lapses_at), (NOW, NOW.plus(expected)), "{what}");
    }
}

#[test]
fn a_payment_system_is_a_short_name_in_small_letters() {
    let long = "x".repeat(25);
    let table = [
        ("VISA", Some("visa")),
        (" Mir ", Some("mir")),
        ("UNION_PAY", Some("union_pay")),
        ("SBP-C2B", Some("sbp-c2b")),
        ("", None),
        ("4111111111111111", None),
        ("visa gold", None),
        ("<b>", None),
        ("МИР", None),
        (&long, None),
    ];
    for (text, expected) in table {
        assert_eq!(PaymentSystem::new(text).as_ref().map(PaymentSystem::as_str), expected, "{text:?}");
    }
}

#[test]
fn a_completion_is_due_when_the_policy_says_and_never_while_parked() {
    let held = hold_of(DAY * 5);
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

/// The hold lives five days, the margin is three hours: the policy acts four days and 21 hours after the hold.
#[test]
fn what_no_completion_takes_before_its_lapse_has_a_deadline() {
    use AtDeadline::{Complete, Reverse, Review};
    use CompletionSchedule::{After, OnRelease};
    let hold = hold_of(DAY * 5);
    let margin = NOW.plus(DAY * 5).minus(HOUR * 3);
    let completes = |at| Plan { complete_at: Some(at), deadline_at: None };
    let acts = Plan { complete_at: None, deadline_at: Some(margin) };
    let late_slot = || CompletionSchedule::Window(Box::new(CronPattern::parse("0 3 1 * *").unwrap()));
    let within_margin = HOUR * 119;
    let table = [
        ("in time", After(DAY), Review, completes(NOW.plus(DAY))),
        ("in time, whatever the policy", After(DAY), Reverse, completes(NOW.plus(DAY))),
        ("in time, and earlier than the margin", After(DAY), Complete, completes(NOW.plus(DAY))),
        ("within the margin, before the lapse", After(within_margin), Review, completes(NOW.plus(within_margin))),
        ("within the margin, but it is to be completed", After(within_margin), Complete, completes(margin)),
        ("at the lapse", After(DAY * 5), Review, acts),
        ("after the lapse", After(DAY * 6), Reverse, acts),
        ("a slot after the lapse", late_slot(), Review, acts),
        ("a slot after the lapse, but it is to be completed", late_slot(), Complete, completes(margin)),
        ("not released", OnRelease, Review, acts),
        ("not released, to be reversed", OnRelease, Reverse, acts),
        ("not released, and completed all the same", OnRelease, Complete, completes(margin)),
    ];
    for (what, schedule, at_deadline, expected) in table {
        let policy = HoldPolicy { at_deadline, ..policy_of_holds() };
        let zone = Zone::parse("Europe/Moscow").unwrap();
        let held = order(State::Held);
        assert_eq!(plan(&policy, &schedule, &zone, &held, hold), expected, "{what}");
        let parked = Order { parked: true, ..held.clone() };
        assert_eq!(plan(&policy, &schedule, &zone, &parked, hold), acts, "{what}, parked");
        assert_eq!(super::at_deadline(&policy, &parked), DeadlineAct::Review, "{what}, parked");
        let settled = Order { accepted: Some(near_lapse(hold).code()), ..held };
        let scheduled = complete_at(&schedule, &zone, &settled, hold);
        let as_scheduled = Plan { complete_at: scheduled, deadline_at: None };
        assert_eq!(plan(&policy, &schedule, &zone, &settled, hold), as_scheduled, "{what}, accepted by a person");
    }
}

#[test]
fn a_person_decides_unless_the_policy_reverses() {
    for (at_deadline, expected) in [
        (AtDeadline::Review, DeadlineAct::Review),
        (AtDeadline::Reverse, DeadlineAct::Reverse),
        // Planned completions have no deadline: this one was tried and taken back.
        (AtDeadline::Complete, DeadlineAct::Review),
    ] {
        let policy = HoldPolicy { at_deadline, ..policy_of_holds() };
        assert_eq!(super::at_deadline(&policy, &order(State::Held)), expected, "{at_deadline:?}");
    }
}

#[test]
fn a_hold_earns_its_warnings_one_after_the_other() {
    let hold = hold_of(DAY * 5);
    let lapse = hold.lapses_at;
    let table = [
        (NOW, 0),
        (lapse.minus(HOUR * 48 + MINUTE), 0),
        (lapse.minus(HOUR * 48), 1),
        (lapse.minus(HOUR * 24), 2),
        (lapse.minus(HOUR * 6), 3),
        (lapse, 3),
        (lapse.plus(DAY), 3),
    ];
    for (now, earned) in table {
        assert_eq!(policy_of_holds().warnings_earned(hold, now), earned, "{now}");
        assert_eq!(at_risk(&policy_of_holds(), hold, now), earned > 0, "{now}");
    }
}

#[test]
fn a_level_is_one_word_in_the_unit_a_person_compares() {
    let table = [
        (HOUR * 48, "48h"),
        (HOUR, "1h"),
        (MINUTE * 90, "90m"),
        (Duration::from_secs(30), "30s"),
        (Duration::from_millis(1_500), "1500ms"),
    ];
    for (level, word) in table {
        assert_eq!(level_word(level), word);
    }
}

/// A clock that was ahead when it wrote the hold, or is behind now. Seconds are no reason: clocks are set every day.
#[test]
fn a_hold_that_lies_in_the_future_counts_from_now() {
    let at = |text: &str| Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let hold = hold_of(DAY * 5);
    let table = [
        ("as written", NOW, false),
        ("an hour on", NOW.plus(HOUR), false),
        ("a year on", NOW.plus(DAY * 365), false),
        ("set back by a minute", NOW.minus(MINUTE), false),
        ("set back by an hour", NOW.minus(HOUR), true),
        ("set back by a year", NOW.minus(DAY * 365), true),
        ("1970", Timestamp::from_millis(0), true),
        ("2038", at("2038-01-19T03:14:08Z"), false),
    ];
    for (what, now, is_corrected) in table {
        let expected = is_corrected.then_some(Hold { held_at: now, begun_at: now, ..hold });
        assert_eq!(corrected(hold, now), expected, "{what}");
    }
}
