//! Each kind of order has its own times.

use super::super::super::fixtures::{HOUR, MINUTE, NOW, looks, order};
use super::*;
use crate::domain::order::{Order, State};

const SECOND: Duration = Duration::from_secs(1);

/// One-phase orders are paid after half a minute, two-phase ones after eight.
fn taught() -> Almanac {
    let mut almanac = Almanac::new([History::new(NOW), History::new(NOW)], Price::default(), NOW);
    for nth in 0..1_000 {
        let spread = f64::from(nth % 20);
        for (kind, age) in [(Kind::OnePhase, 30.0 + spread), (Kind::TwoPhase, 480.0 + spread)] {
            almanac.learn(Some(kind), Lesson::Outcome { open: 0.0, after: age, by: age }, NOW);
        }
    }
    assert!(almanac.renew(NOW.plus(HOUR)));
    almanac
}

#[test]
fn each_kind_is_looked_at_when_it_is_paid() {
    let mut almanac = taught();
    let first = Kind::ALL.map(|kind| almanac.plans(kind, MINUTE * 20).next(0.0, 20.0));
    assert!((30.0..90.0).contains(&first[0]) && (400.0..600.0).contains(&first[1]), "{first:?}");
}

/// The kinds of the latest orders, and the one that is usual, now and after a restart.
#[test]
fn an_order_that_nobody_told_of_is_taken_for_the_usual_kind() {
    let table: [(&str, u32, u32, Kind); 4] = [
        ("nothing seen", 0, 0, Kind::OnePhase),
        ("two-phase alone", 0, 3, Kind::TwoPhase),
        ("mostly one-phase", 9, 3, Kind::OnePhase),
        ("mostly two-phase", 40, 400, Kind::TwoPhase),
    ];
    for (case, one_phase, two_phase, usual) in table {
        let mut almanac = Almanac::new([History::new(NOW), History::new(NOW)], Price::default(), NOW);
        for (kind, count) in [(Kind::OnePhase, one_phase), (Kind::TwoPhase, two_phase)] {
            (0..count)
                .for_each(|_| almanac.learn(Some(kind), Lesson::Outcome { open: 0.0, after: 60.0, by: 60.0 }, NOW));
        }
        assert_eq!(almanac.usual(), usual, "{case}");
        let again = Almanac::new(almanac.histories().map(Clone::clone), Price::default(), NOW);
        assert_eq!(again.usual(), usual, "{case}, after a restart");
    }
}

/// What was said of an order, what became of it, and for which kind it counts.
#[test]
fn what_became_of_an_order_counts_for_its_kind() {
    use Kind::{OnePhase, TwoPhase};
    let table = [
        ("held, and nobody said", None, State::Held, Some(TwoPhase)),
        ("held against what was said", Some(OnePhase), State::Held, Some(TwoPhase)),
        ("paid, and nobody said", None, State::Deposited, Some(OnePhase)),
        ("completed before it was seen held", Some(TwoPhase), State::Deposited, Some(TwoPhase)),
        ("reversed, and nobody said", None, State::Reversed, Some(TwoPhase)),
        ("one-phase, and reversed", Some(OnePhase), State::Reversed, Some(OnePhase)),
        ("refused, and nobody said", None, State::Declined, None),
        ("two-phase, and refused", Some(TwoPhase), State::Declined, Some(TwoPhase)),
        ("refunded, and nobody said", None, State::Refunded, None),
    ];
    for (case, kind, after, counts_for) in table {
        let before = Order { kind, created_at: NOW.minus(SECOND * 60), ..order(State::Pending) };
        let (found, _) = Lesson::of(&looks(), &before, after, None, NOW).unwrap();
        assert_eq!(found, counts_for, "{case}");
    }
}

/// Where the budget lies idle, what the best look is worth that is due, and the price after that. Whose callbacks tell
/// everything has an idle budget anyway.
#[test]
fn a_price_that_nothing_is_worth_falls_unless_callbacks_save_the_looks() {
    let trusting = super::super::LookPolicy { trust_callbacks: true, ..looks() };
    let mut almanac = Almanac::new([History::new(NOW), History::new(NOW)], Price::new(100.0), NOW);
    for (case, worth, after) in [("worth more", 150.0, 100.0), ("worth less", 30.0, 30.0)] {
        almanac.lower(worth, &trusting);
        assert!((almanac.price().seconds() - after).abs() < 0.01, "{case}: {:?}", almanac.price());
    }
    for nth in 0..500 {
        almanac.callbacks().came(crate::domain::order::OrderKey(nth), NOW);
        let found = super::super::Found::Outcome { is_paid: true, after: NOW };
        almanac.callbacks().looked(crate::domain::order::OrderKey(nth), found, NOW, NOW);
    }
    almanac.lower(10.0, &trusting);
    assert!((almanac.price().seconds() - 30.0).abs() < 0.01, "trusted: {:?}", almanac.price());
}

/// While callbacks are trusted the budget that looks are steered to is smaller, and the price stays where it was.
#[test]
fn what_callbacks_save_makes_no_look_cheaper() {
    let policy = super::super::LookPolicy { trust_callbacks: true, ..looks() };
    let spent = |used| Spending { over: SECOND * 10, used, unreached: None };
    let mut almanac = taught();
    let plans = almanac.plans(Kind::OnePhase, MINUTE * 20);
    for nth in 0..500 {
        almanac.callbacks().came(crate::domain::order::OrderKey(nth), NOW);
        let found = super::super::Found::Outcome { is_paid: true, after: NOW };
        almanac.callbacks().looked(crate::domain::order::OrderKey(nth), found, NOW, NOW);
    }
    let tariff = almanac.tariff(&policy);
    assert!(tariff.thinned() > 100.0, "{tariff:?}");
    let saved = plans.costs(tariff.closed.seconds()).looks / plans.costs(tariff.open.seconds()).looks;
    let table = [("as without callbacks", 0.97, 1.0), ("less is wanted", 0.5, 0.99), ("more is wanted", 1.5, 1.01)];
    for (case, wanted, times) in table {
        let before = almanac.price().seconds();
        almanac.steer(spent(wanted / saved), &policy);
        let after = almanac.price().seconds();
        assert!(
            (after / before - times).abs() < 0.05 && (after - before) * (wanted - 0.97) >= 0.0,
            "{case}: {before} {after}"
        );
    }
    // Who does not trust them has the price that is.
    let distrusting = super::super::LookPolicy { trust_callbacks: false, ..looks() };
    assert_eq!(almanac.tariff(&distrusting), Tariff::flat(almanac.price()));
}
