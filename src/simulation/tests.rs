//! A few seeds, short enough for every test run; `reconciled simulate` runs the thousands.

use super::*;

const SHORT: Extent = Extent { days: 10, orders: 12, extras: Extras { restored_backups: false, clock_steps: false } };

fn twice(seed: u64, extent: Extent) -> Outcome {
    let (first, log) = replay(seed, extent).unwrap();
    let (second, again) = replay(seed, extent).unwrap();
    assert_eq!(log, again, "seed {seed} has two logs");
    assert_eq!(first, second);
    first
}

#[test]
fn a_seed_has_one_log_and_violates_nothing() {
    let mut completions = 0;
    for seed in 1..=4 {
        let outcome = twice(seed, SHORT);
        assert_eq!(outcome.violations, [], "seed {seed}");
        completions += outcome.completions;
    }
    assert!(completions > 0, "nothing was completed, so nothing was tried");
}

/// With six requests a minute and three completions at once, each send waited behind the questions of the others, found
/// its answer grown old, and asked again: the budget went into asking until the holds lapsed.
#[test]
fn sends_are_not_starved_by_questions_on_a_small_budget() {
    let outcome = run::run(4, Extent { days: 30, orders: 6, ..SHORT }).unwrap();
    assert_eq!(outcome.violations, []);
    assert!(outcome.sends > 0, "no completion was ever sent");
}
