//! Plans are the cheapest there are, and never forget an order.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{History, Lesson};
use super::*;
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_772_323_200_000);
const SESSION: Duration = Duration::from_secs(1_200);

fn usual() -> Plans {
    Plans::new(&History::new(NOW).hazard(), SESSION)
}

/// What every plan over these ages costs, by trying all of them.
fn cheapest_of_all(ages: &[f64], happened: &[f64], price: f64) -> f64 {
    let inner = ages.len() - 2;
    (0_u32..1 << inner)
        .map(|chosen| {
            let looks = (0..inner).filter(|nth| chosen & (1 << nth) != 0).map(|nth| nth + 1).chain([ages.len() - 1]);
            let (mut from, mut cost) = (0, 0.0);
            for to in looks {
                let waited: f64 = (from..to)
                    .map(|nth| {
                        // What happens within a step happens in its middle, on average.
                        let share = happened[nth + 1] - happened[nth];
                        share * (ages[to] - f64::midpoint(ages[nth], ages[nth + 1]))
                    })
                    .sum();
                cost += price * (1.0 - happened[from]) + waited;
                from = to;
            }
            cost
        })
        .fold(f64::INFINITY, f64::min)
}

proptest! {
    #[test]
    fn no_other_plan_is_cheaper(
        steps in prop::collection::vec((0.5..30.0_f64, 0.0..1.0_f64), 3..9),
        price in 0.2..200.0_f64,
    ) {
        let mut ages = vec![0.0];
        let mut happened = vec![0.0];
        let whole: f64 = steps.iter().map(|(_, weight)| weight).sum::<f64>() + 0.1;
        for (step, weight) in &steps {
            ages.push(ages.last().unwrap() + step);
            happened.push(happened.last().unwrap() + weight / whole);
        }
        let plans = Plans::known(ages.clone(), ages.len() - 1, happened.clone(), [price].into_iter());
        let Costs { looks, delay } = plans.costs(price);
        let least = cheapest_of_all(&ages, &happened, price);
        prop_assert!((price * looks + delay - least).abs() < 1e-6 * least.max(1.0), "{} {}", price * looks + delay, least);
    }

    /// Whatever the age and the price, the next look is later, and what it is worth when it comes is its price.
    #[test]
    fn a_look_comes_when_it_is_worth_its_price(age in 0.0..90_000.0_f64, price in 0.1..10_000.0_f64) {
        let plans = usual();
        let next = plans.next(age, price);
        prop_assert!(next >= age + APART && next.is_finite());
        let worth = plans.worth(age, next);
        // Between two rungs, and where the page closes, a plan leaps.
        prop_assert!(worth >= price / RUNG.powi(2), "worth {worth} at {next}, price {price}");
        let before = plans.worth(age, f64::midpoint(age, next));
        prop_assert!(before <= worth * 1.000_1, "{before} before, {worth} then");
    }
}

#[test]
fn dearer_looks_are_rarer_and_outcomes_noticed_later() {
    let plans = usual();
    let costs: Vec<Costs> = [0.2, 1.0, 5.0, 25.0, 125.0].into_iter().map(|price| plans.costs(price)).collect();
    assert!(costs.is_sorted_by(|dear, dearer| dear.looks > dearer.looks && dear.delay < dearer.delay), "{costs:?}");
}

/// The look right after the page closes is worth most, so that no look comes shortly before.
#[test]
fn the_page_is_looked_at_once_it_is_closed_and_hardly_just_before() {
    let plans = usual();
    for age in [300.0, 600.0, 1_000.0, 1_150.0, 1_199.0] {
        for price in [4.0, 16.0, 64.0] {
            let next = plans.next(age, price);
            let is_just_before = (1_180.0..=1_200.0).contains(&next);
            assert!(!is_just_before, "at {age} for {price}: {next}");
        }
    }
    let next = plans.next(1_190.0, 4.0);
    assert!((1_200.0..1_205.0).contains(&next), "{next}");
}

/// A merchant whose buyers all pay in the tenth minute is not looked at in the first five.
#[test]
fn looks_go_where_outcomes_are() {
    let mut history = History::new(NOW);
    for nth in 0..2_000 {
        let age = 560.0 + f64::from(nth % 80);
        history.learn(Lesson::Outcome { open: 0.0, after: age, by: age }, NOW);
    }
    let plans = Plans::new(&history.hazard(), SESSION);
    assert!(plans.next(0.0, 4.0) > 300.0, "{}", plans.next(0.0, 4.0));
    // The bins are a fifth of the age wide, so it cannot know the minute exactly.
    let within = plans.next(580.0, 4.0) - 580.0;
    assert!(within < 60.0, "{within}");
}
