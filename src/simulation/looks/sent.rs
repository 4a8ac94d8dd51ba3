//! What a schedule costs that is sent as it stands: nothing limits it, and every look is answered at once.

use std::time::Duration;

use serde::Serialize;

use super::findings::{count, float, quantile};
use super::run::PATIENCE;
use super::schedule::Schedule;
use super::workload::{Case, Workload};

/// What came of a workload. Seconds are from an outcome to its notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sent {
    /// Requests sent.
    pub looks: usize,
    /// Requests for each order.
    pub looks_per_order: f64,
    /// Seconds on average, over the orders whose outcome was noticed.
    pub mean_s: f64,
    /// 95 in a hundred of these sooner.
    pub p95_s: f64,
    /// The share of orders of whose outcome nobody heard.
    pub never_noticed: f64,
}

/// Sends `schedule` for every order.
pub fn sent(workload: &Workload, schedule: &Schedule) -> Sent {
    let orders = workload.cases().len();
    let mut looks = 0;
    let mut delays_ms = Vec::with_capacity(orders);
    for case in workload.cases() {
        let (asked, delay_ms) = asked(case, schedule);
        looks += asked;
        delays_ms.extend(delay_ms);
    }
    delays_ms.sort_unstable();
    let sum: i64 = delays_ms.iter().sum();
    Sent {
        looks,
        looks_per_order: count(looks) / count(orders.max(1)),
        mean_s: float(sum) / 1_000.0 / count(delays_ms.len().max(1)),
        p95_s: quantile(&delays_ms, 950),
        never_noticed: 1.0 - count(delays_ms.len()) / count(orders.max(1)),
    }
}

/// Looks at one order, and how late its outcome was noticed if it was.
fn asked(case: &Case, schedule: &Schedule) -> (usize, Option<i64>) {
    let outcome = Duration::from_millis(u64::try_from(case.outcome_ms - case.registered_ms).unwrap_or_default());
    let (mut looks, mut age) = (0, Duration::ZERO);
    while let Some(wait) = schedule.wait(looks, age) {
        age += wait;
        if age > outcome + PATIENCE {
            break;
        }
        looks += 1;
        if age >= outcome {
            return (looks, i64::try_from(age.saturating_sub(outcome).as_millis()).ok());
        }
    }
    (looks, None)
}
