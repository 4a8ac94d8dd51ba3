//! A few seeds, short enough for every test run; `reconciled simulate` runs the thousands.

mod deadlines;

use std::time::Duration;

use super::*;
use crate::sandbox::{FaultKind, FaultRule, Moment, Probability};

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
    let (mut completions, mut refunds, mut registrations) = (0, 0, 0);
    for seed in 1..=4 {
        let outcome = twice(seed, SHORT);
        assert_eq!(outcome.violations, [], "seed {seed}");
        (completions, refunds) = (completions + outcome.completions, refunds + outcome.refunds);
        registrations += outcome.registrations;
    }
    assert!(completions > 0, "nothing was completed, so nothing was tried");
    assert!(registrations > 0, "nothing was registered, so nothing of that was tried");
    assert!(refunds > 0, "nothing was given back, so nothing of what people order was tried");
}

/// With six requests a minute and three completions at once, each send waited behind the questions of the others, found
/// its answer grown old, and asked again: the budget went into asking until the holds lapsed. The plan is written here
/// and not drawn, so that no other draw makes another matter of it.
#[test]
fn sends_are_not_starved_by_questions_on_a_small_budget() {
    const ORDERS: usize = 6;
    let mut plan = plan::Plan::draw(4, Extent { days: 30, orders: ORDERS, ..SHORT });
    plan.policy = policy::PolicyPlan { toml: SMALL_BUDGET.to_owned(), on_release: false };
    (plan.kills, plan.restarts, plan.outages, plan.stops) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    (plan.peril_percent, plan.clerk_percent, plan.park_percent) = (0, 0, 0);
    // Every answer comes late, but in time: what was asked has grown older when the send's turn comes.
    let late = FaultKind::Delay { ms: 4_000, effect: Moment::After };
    plan.faults = vec![FaultRule::always(late).with_probability(Probability::per_million(500_000))];
    for order in &mut plan.orders {
        order.registered_at = plan::HOUR;
        (order.through_us, order.regrets) = (false, Vec::new());
        (order.two_phase, order.tells_id, order.told_after) = (true, true, Some(Duration::from_secs(1)));
        order.buyer = plan::Buyer::Pays(Duration::from_secs(60));
    }
    let outcome = run::run_planned(4, plan).unwrap();
    assert_eq!(outcome.violations, []);
    assert_eq!(outcome.completions, ORDERS as u64, "of so many orders");
}

const SMALL_BUDGET: &str = r#"
database = "reconciled.db"
reports = "reports"
listen = "127.0.0.1:0"

[[merchant]]
name = "shop"
gateway = "http://127.0.0.1:1/payment/rest/"
user_name = "shop-api"
password = { public = "not-a-secret" }
request_timeout = "5s"

[merchant.budget]
requests = "6/m"
burst = 1
in_flight = 4

[merchant.completion]
when = "after"
delay = "0s"
in_flight = 3
"#;
