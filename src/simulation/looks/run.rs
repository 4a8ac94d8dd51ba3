//! One workload under one policy and one budget.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::book::{Books, Noticed};
use super::findings::{Findings, Turn, count, float, fullest, quantile};
use super::quota;
use super::schedule::Schedule;
use super::workload::{Outcome, Workload};
use crate::clock::Clock;
use crate::config::Budget;
use crate::daemon::looks::{Engine, Lore};
use crate::daemon::{Pacer, Sky};
use crate::domain::polling::{LookPolicy, Pending};
use crate::domain::time::Timestamp;

/// Where simulated time begins: 2026-03-01 00:00 UTC.
const START: Timestamp = Timestamp::from_millis(1_772_323_200_000);

const DAY_MS: i64 = 86_400_000;
const DAY_S: f64 = 86_400.0;

/// After the last outcome so long is waited for it to be noticed; what is not then, never is.
pub(super) const PATIENCE: Duration = Duration::from_secs(3 * 86_400);

/// When orders are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Learned,
    Schedule(Schedule),
}

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Task {
    /// The orders.
    pub workload: Arc<Workload>,
    /// How often the bank may be asked.
    pub budget: Budget,
    /// Another system's schedule; without one, the daemon's own policy.
    pub schedule: Option<Schedule>,
    /// A stretch of the workload in which nobody answers, in milliseconds.
    pub outage: Option<(i64, i64)>,
    /// Which outcomes the bank tells of by a callback.
    pub callbacks: Callbacks,
}

/// Which payments and refusals the bank tells of by a callback, a moment after they came. That a page closed unpaid it
/// never tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Callbacks {
    /// The share of outcomes told of, from 0 to 1.
    pub share: f64,
    /// From this moment of the workload on no more come, in milliseconds.
    pub until_ms: Option<i64>,
}

/// A callback comes between these, in milliseconds after the outcome.
const COMES_AFTER_MS: std::ops::Range<i64> = 200..3_000;

impl Callbacks {
    /// When callbacks come, in milliseconds of the workload, and about which order; the earliest first.
    fn of(self, workload: &Workload) -> Vec<(i64, usize)> {
        let mut random = fastrand::Rng::with_seed(2);
        let cases = workload.cases().iter().enumerate();
        let mut all: Vec<(i64, usize)> = cases
            .filter(|(_, case)| case.outcome != Outcome::Expired)
            .map(|(nth, case)| (case.outcome_ms, nth, random.f64() < self.share, random.i64(COMES_AFTER_MS)))
            .filter(|(at, _, is_told, _)| *is_told && self.until_ms.is_none_or(|until| *at < until))
            .map(|(at, nth, _, later)| (at + later, nth))
            .collect();
        all.sort_unstable();
        all
    }
}

/// Runs a task. It takes a thread for itself.
pub fn run(task: &Task) -> std::io::Result<Findings> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let noticed = runtime.block_on(simulate(task));
    Ok(findings(task, noticed))
}

async fn simulate(task: &Task) -> Noticed {
    simulate_beside(task, async |_: &Pacer| {}).await
}

/// Beside something else that asks of the same budget, and ends with the last outcome.
async fn simulate_beside(task: &Task, other: impl AsyncFnOnce(&Pacer)) -> Noticed {
    let clock = Clock::simulated(START);
    let policy = task.schedule.clone().map_or(Policy::Learned, Policy::Schedule);
    let looks = LookPolicy {
        pending: if policy == Policy::Learned { Pending::Learned } else { Pending::Tiers(Vec::new()) },
        pending_old: Duration::from_secs(86_400),
        trust_callbacks: true,
        held: Duration::from_secs(600),
        review: Duration::from_secs(3_600),
        late: Vec::new(),
        payment_time: Duration::from_secs(1_200),
        backoff: Duration::from_secs(5),
        backoff_max: Duration::from_secs(600),
    };
    let lore = Lore::of_nothing(looks.clone(), START);
    let sky = Sky::clear();
    let dawn = Dawn::of(&task.workload);
    let start = Timestamp::from_millis(START.as_millis() - dawn.ms);
    let books =
        Books::new(Arc::clone(&task.workload), policy, looks, (lore.clone(), sky.clone()), (clock, start), task.outage);
    let pacer = Pacer::new(&task.budget);
    let stop = watch::Sender::new(false);
    let mut stopped = stop.subscribe();
    let engine = Engine::new(books.clone(), lore, sky, Duration::from_secs(1));
    let work = engine.run(&pacer, books.bell(), || true, || {}, stop.subscribe());
    let (bank, callbacks) = (books.clone(), task.callbacks.of(&task.workload));
    let post = async move {
        for (at_ms, nth) in callbacks {
            tokio::time::sleep_until(dawn.moment(at_ms)).await;
            bank.tell(nth);
        }
    };
    let (shop, stop) = (books.clone(), &stop);
    let lead = async move {
        hand_in(&task.workload, &shop, dawn).await;
        let last = task.workload.cases().iter().map(|case| case.outcome_ms).max().unwrap_or_default();
        let patience_ends = dawn.moment(last) + PATIENCE;
        while shop.waiting() > 0 && Instant::now() < patience_ends {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        stop.send_replace(true);
    };
    let other = async {
        tokio::select! {
            ((), ()) = async { tokio::join!(other(&pacer), quota::fill(&pacer)) } => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    };
    tokio::join!(work, lead, post, other);
    books.noticed()
}

/// The beginning of the day of the first order, at which the simulation begins: a file that counts its seconds from
/// 1970 on, as most systems write them, would else have half a century without an order pass first.
#[derive(Clone, Copy, Debug)]
struct Dawn {
    ms: i64,
    begun: Instant,
}

impl Dawn {
    fn of(workload: &Workload) -> Self {
        let first = workload.cases().first().map_or(0, |case| case.registered_ms);
        Self { ms: first - first.rem_euclid(DAY_MS), begun: Instant::now() }
    }

    /// When the simulation reaches a moment of the workload.
    fn moment(self, ms: i64) -> Instant {
        self.begun + Duration::from_millis(u64::try_from(ms - self.ms).unwrap_or_default())
    }
}

/// The shop hands its orders over as they are registered.
async fn hand_in(workload: &Workload, books: &Books, dawn: Dawn) {
    for (nth, case) in workload.cases().iter().enumerate() {
        tokio::time::sleep_until(dawn.moment(case.registered_ms)).await;
        books.take(nth);
    }
}

fn findings(task: &Task, noticed: Noticed) -> Findings {
    let Noticed { mut delays_ms, asked_ms, turns, .. } = noticed;
    delays_ms.sort_unstable();
    let orders = task.workload.cases().len();
    let rate = 1.0 / task.budget.period.as_secs_f64();
    let sum: i64 = delays_ms.iter().sum();
    let burst = f64::from(task.budget.burst.get());
    let (worst_window_ratio, worst_window) = fullest(&asked_ms, burst, rate);
    let (begins_ms, ends_ms) = task.workload.span_ms();
    let in_time = asked_ms.partition_point(|at| *at <= ends_ms);
    let lasts_s = float(ends_ms - begins_ms) / 1_000.0;
    let of_the_quota =
        task.budget.daily.map_or(f64::INFINITY, |daily| f64::from(daily.get()) * (lasts_s / DAY_S).max(1.0));
    Findings {
        orders,
        looks: asked_ms.len(),
        looks_per_order: count(asked_ms.len()) / count(orders.max(1)),
        mean_s: float(sum) / 1_000.0 / count(delays_ms.len().max(1)),
        p50_s: quantile(&delays_ms, 500),
        p95_s: quantile(&delays_ms, 950),
        p99_s: quantile(&delays_ms, 990),
        worst_s: quantile(&delays_ms, 1_000),
        never_noticed: 1.0 - count(delays_ms.len()) / count(orders.max(1)),
        budget_used: count(in_time) / rate.mul_add(lasts_s, burst).min(of_the_quota),
        worst_window_ratio,
        worst_window,
        callbacks: turns
            .into_iter()
            .map(|(at_ms, standing)| Turn { at_s: float(at_ms) / 1_000.0, standing: standing.as_str() })
            .collect(),
    }
}

#[cfg(test)]
mod tests;
