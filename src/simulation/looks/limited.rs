//! What nobody can do better within a budget, who knows how soon outcomes come, though of no order when.
//!
//! Each stretch of the day gets a price of its own, and so has the sum of all looks; at these prices each order's
//! cheapest plan is found by itself. Whatever the prices, what all plans cost less what the budget's looks would have
//! is no more than any policy's delay that keeps to the budget: every look it sends pays a price that is taken off
//! again (weak duality). The prices are raised where more is wanted than there is, and the highest sum is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::findings::{count, float};
use super::optimum::Alike;
use super::workload::{Case, Workload};
use crate::domain::polling::grid;

/// The budget's stretches, in seconds; the time of registration and of a look are known to one of these.
const STRETCH_S: f64 = 300.0;

/// After the last page has closed, so long is still looked.
const AFTER_S: f64 = 6.0 * 3_600.0;

/// So often the prices are improved, and by how much at first.
const ROUNDS: u32 = 160;
const STEP: f64 = 0.5;

/// Prices waver about what they should be, since orders alike all want the cheapest moment: from then on their mean is
/// tried as well, every so many rounds.
const MEAN_FROM: u32 = 60;
const MEAN_EVERY: u32 = 8;

/// The lowest price a stretch begins with, in seconds.
const PRICE_FIRST: f64 = 0.5;

/// A second's requests, those that may be saved up, and the looks an order there are at all.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Requests a second.
    pub rate: f64,
    /// Those that may be saved up.
    pub burst: f64,
    /// Looks an order.
    pub looks: f64,
}

/// No policy that keeps to `limit` has a mean time to notice below this, in seconds. How soon outcomes come is what
/// `truth` shows, told apart by the time of registration, in `parts` parts of the workload; and orders come as in
/// `workload`.
pub fn limited(workload: &Workload, truth: &Workload, limit: Limit, parts: i64) -> f64 {
    let orders = count(workload.cases().len().max(1));
    let batches = batches(workload, truth, parts.max(1));
    let last = batches.iter().map(|batch| batch.at + batch.ages.last_open).fold(0.0, f64::max);
    let stretches = stretch(last + AFTER_S) + 1;
    let room = limit.rate.mul_add(STRETCH_S, limit.burst);
    let (mut prices, mut of_all) = (first_prices(workload, stretches, limit.rate * STRETCH_S), PRICE_FIRST);
    let bound = |prices: &[f64], of_all: f64| {
        let mut wanted = vec![0.0; stretches];
        let costs: f64 = batches.iter().map(|batch| batch.cost(prices, of_all, &mut wanted)).sum();
        let paid_back = prices.iter().sum::<f64>() * room + of_all * limit.looks * orders;
        ((costs - paid_back) / orders, wanted)
    };
    let mut most: f64 = 0.0;
    let mut sums = vec![0.0; stretches + 1];
    for round in 0..ROUNDS {
        let (reached, wanted) = bound(&prices, of_all);
        most = most.max(reached);
        if round >= MEAN_FROM {
            sums.iter_mut().zip(prices.iter().chain([&of_all])).for_each(|(sum, price)| *sum += price);
            let rounds = f64::from(round - MEAN_FROM + 1);
            let mean: Vec<f64> = sums.iter().map(|sum| sum / rounds).collect();
            if let Some((of_all, prices)) = mean.split_last()
                && (round + 1) % MEAN_EVERY == 0
            {
                most = most.max(bound(prices, *of_all).0);
            }
        }
        let step = STEP / (1.0 + f64::from(round) / 20.0);
        let better = |price: f64, is: f64, may_be: f64| price * (step * (is / may_be - 1.0).clamp(-1.0, 2.0)).exp();
        of_all = better(of_all, wanted.iter().sum(), limit.looks * orders);
        for (price, wanted) in prices.iter_mut().zip(wanted) {
            *price = better(*price, wanted, room).max(1e-6);
        }
    }
    most
}

/// Prices to begin with. While more outcomes have come than there were looks for, each order waits for its one look until
/// it is its turn: to the order it is all the same when that is, if the price falls by a second every second until nobody
/// waits any more.
fn first_prices(workload: &Workload, stretches: usize, room: f64) -> Vec<f64> {
    let begin = workload.cases().first().map_or(0, |case| case.registered_ms);
    let mut come = vec![0.0; stretches];
    for case in workload.cases() {
        if let Some(come) = come.get_mut(stretch(float(case.outcome_ms - begin) / 1_000.0)) {
            *come += 1.0;
        }
    }
    let mut waiting = 0.0_f64;
    for come in &mut come {
        waiting = (waiting + *come - room).max(0.0);
        *come = waiting;
    }
    let mut price = 0.0;
    let falling = come.iter().rev().map(|waiting| {
        price = if *waiting > 0.0 { price + STRETCH_S } else { 0.0 };
        f64::max(price, PRICE_FIRST)
    });
    let mut prices: Vec<f64> = falling.collect();
    prices.reverse();
    prices
}

/// When outcomes come of orders alike.
#[derive(Debug)]
struct Ages {
    grid: Vec<f64>,
    /// The share of them that has come by each age.
    happened: Vec<f64>,
    /// That share, summed up over the ages: the delay between two looks is a difference of two of these.
    area: Vec<f64>,
    /// When the page closes.
    last_open: f64,
}

impl Ages {
    fn of(cases: &[&Case]) -> Self {
        let seconds = |ms: i64| float(ms) / 1_000.0;
        let session = cases.iter().map(|case| seconds(case.expires_ms - case.registered_ms)).fold(1.0, f64::max);
        let mut outcomes: Vec<f64> = cases.iter().map(|case| seconds(case.outcome_ms - case.registered_ms)).collect();
        outcomes.sort_by(f64::total_cmp);
        let (grid, _) = grid(session);
        let (mut come, mut sum) = (0, 0.0);
        let (mut happened, mut area) = (Vec::new(), Vec::new());
        for age in &grid {
            while let Some(outcome) = outcomes.get(come).filter(|outcome| *outcome <= age) {
                (come, sum) = (come + 1, sum + outcome);
            }
            happened.push(count(come) / count(outcomes.len()));
            area.push((age * count(come) - sum) / count(outcomes.len()));
        }
        // What comes later than any age is noticed at the last.
        if let Some(last) = happened.last_mut() {
            *last = 1.0;
        }
        Self { grid, happened, area, last_open: session }
    }
}

/// Orders that were registered in one stretch and are alike.
struct Batch {
    /// The middle of the stretch, in seconds.
    at: f64,
    orders: f64,
    ages: Arc<Ages>,
}

impl Batch {
    /// What its orders cost at these prices, each with the cheapest plan; and adds its looks to what is `wanted`.
    fn cost(&self, prices: &[f64], of_all: f64, wanted: &mut [f64]) -> f64 {
        let Ages { grid: ages, happened, area, .. } = &*self.ages;
        let price = |age: f64| of_all + prices.get(stretch(self.at + age)).copied().unwrap_or_default();
        let each: Vec<f64> = ages.iter().map(|age| price(*age)).collect();
        let last = ages.len() - 1;
        let (mut cost, mut next) = (vec![0.0; ages.len()], vec![last; ages.len()]);
        for from in (0..last).rev() {
            let (open, mut least) = (1.0 - happened[from], f64::INFINITY);
            if open <= 0.0 {
                continue;
            }
            for to in from + 1..=last {
                let waiting = area[to] - area[from] - happened[from] * (ages[to] - ages[from]);
                if waiting >= least {
                    break;
                }
                let sum = each[to].mul_add(open, waiting) + cost[to];
                if sum < least {
                    (least, next[from]) = (sum, to);
                }
            }
            cost[from] = least;
        }
        let mut from = 0;
        while from < last && happened[from] < 1.0 {
            let to = next[from];
            if let Some(wanted) = wanted.get_mut(stretch(self.at + ages[to])) {
                *wanted += (1.0 - happened[from]) * self.orders;
            }
            from = to;
        }
        cost[0] * self.orders
    }
}

fn stretch(at: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds, and never negative")]
    let nth = (at / STRETCH_S) as usize;
    nth
}

fn batches(workload: &Workload, truth: &Workload, parts: i64) -> Vec<Batch> {
    let by_kind: BTreeMap<Alike, Vec<&Case>> = Alike::told_apart(truth, parts);
    let begin = workload.cases().first().map_or(0, |case| case.registered_ms);
    let mut batches = Vec::new();
    for (alike, cases) in Alike::told_apart(workload, parts) {
        let ages = Arc::new(Ages::of(by_kind.get(&alike).unwrap_or(&cases)));
        let mut registered: BTreeMap<usize, f64> = BTreeMap::new();
        for case in &cases {
            *registered.entry(stretch(float(case.registered_ms - begin) / 1_000.0)).or_default() += 1.0;
        }
        batches.extend(registered.into_iter().map(|(nth, orders)| {
            let at = (count(nth) + 0.5) * STRETCH_S;
            Batch { at, orders, ages: Arc::clone(&ages) }
        }));
    }
    batches
}
