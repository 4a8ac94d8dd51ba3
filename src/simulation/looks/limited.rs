//! What can hardly be done better within a budget by who knows how soon outcomes come, though of no order when.
//!
//! Each stretch of the day gets a price of its own, and so has the sum of all looks; at these prices each order's
//! cheapest plan is found by itself. Whatever the prices, what all plans cost less what the budget's looks would have
//! is no more than any policy's delay that keeps to the budget: every look it sends pays a price that is taken off
//! again (weak duality). The prices are raised where more is wanted than there is, and the highest sum is kept.
//!
//! It is an estimate to within what it leaves out: ages are those of a grid, orders come in the middle of a stretch, and
//! outcomes as many other orders had them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::findings::{count, float};
use super::optimum::Alike;
use super::workload::{Case, Workload};
use crate::domain::polling::grid;

/// After the last page has closed, so long is still looked.
const AFTER_S: f64 = 6.0 * 3_600.0;

/// So often the prices of each are improved, and by how much at first.
const ROUNDS: u32 = 250;
const STEP: f64 = 0.5;

/// Prices waver about what they should be, since orders alike all want the cheapest moment. After so many rounds that
/// were no better, their mean is tried; then it is begun again from the best, with steps that are so much smaller.
const PATIENCE: u32 = 8;
const SMALLER: f64 = 0.65;

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
    /// The budget's stretches, in seconds; the time of registration and of a look are known to one of these. The shorter
    /// they are, the less can be sent at any moment, and the longer it takes to find their prices: those that were found
    /// for longer ones are begun with.
    pub stretches_s: &'static [f64],
}

/// No policy that keeps to `limit` has a mean time to notice much below this, in seconds. How soon outcomes come is what
/// `truth` shows, told apart by the time of registration, in `parts` parts of the workload; and orders come as in
/// `workload`.
pub fn limited(workload: &Workload, truth: &Workload, limit: Limit, parts: i64) -> f64 {
    let mut most = Reached::default();
    for stretch_s in limit.stretches_s.iter().copied() {
        let dual = Dual::new((workload, truth), limit, parts.max(1), stretch_s);
        let begin = match &most.prices {
            Some((known, known_stretch_s)) => dual.finer(known, *known_stretch_s),
            None => dual.first_prices(workload),
        };
        let (bound, prices) = dual.raised(begin);
        most = Reached { bound: most.bound.max(bound), prices: Some((prices, stretch_s)) };
    }
    most.bound
}

/// What was reached so far, and with which prices for stretches of how many seconds.
#[derive(Default)]
struct Reached {
    bound: f64,
    prices: Option<(Prices, f64)>,
}

/// What a look costs in each stretch, beside what every look costs.
#[derive(Clone, Debug)]
struct Prices {
    each: Vec<f64>,
    of_all: f64,
}

/// The orders, and what is to be had of looks.
struct Dual {
    batches: Vec<Batch>,
    orders: f64,
    stretch_s: f64,
    stretches: usize,
    /// The looks of a stretch.
    room: f64,
    /// All looks.
    looks: f64,
}

impl Dual {
    fn new((workload, truth): (&Workload, &Workload), limit: Limit, parts: i64, stretch_s: f64) -> Self {
        let orders = count(workload.cases().len().max(1));
        let batches = batches(workload, truth, parts, stretch_s);
        let last = batches.iter().map(|batch| batch.at + batch.ages.last_open).fold(0.0, f64::max);
        Self {
            batches,
            orders,
            stretch_s,
            stretches: nth_of(last + AFTER_S, stretch_s) + 1,
            room: limit.rate.mul_add(stretch_s, limit.burst),
            looks: limit.looks * orders,
        }
    }

    /// What no policy can be better than, by these prices; and the looks that they would have in each stretch.
    fn bound(&self, prices: &Prices) -> (f64, Vec<f64>) {
        let mut wanted = vec![0.0; self.stretches];
        let costs: f64 = self.batches.iter().map(|batch| batch.cost(prices, self.stretch_s, &mut wanted)).sum();
        let paid_back = prices.each.iter().sum::<f64>() * self.room + prices.of_all * self.looks;
        ((costs - paid_back) / self.orders, wanted)
    }

    /// The highest bound that is found from these prices on, and the prices of it.
    fn raised(&self, begin: Prices) -> (f64, Prices) {
        let (mut most, mut best, mut prices) = (f64::NEG_INFINITY, begin.clone(), begin);
        let (mut step, mut tried) = (STEP, Vec::new());
        for _ in 0..ROUNDS {
            let (reached, mut wanted) = self.bound(&prices);
            if reached > most {
                (most, best) = (reached, prices.clone());
                tried.clear();
            }
            tried.push(prices.clone());
            if tried.len() > usize::try_from(PATIENCE).unwrap_or(usize::MAX) {
                let mean = Prices::mean(&tried);
                let (reached, _) = self.bound(&mean);
                if reached > most {
                    (most, best) = (reached, mean);
                }
                step *= SMALLER;
                tried.clear();
                prices = best.clone();
                wanted = self.bound(&prices).1;
            }
            let better = |price: f64, is: f64, may_be: f64| price * (step * (is / may_be - 1.0).clamp(-1.0, 2.0)).exp();
            prices.of_all = better(prices.of_all, wanted.iter().sum(), self.looks);
            for (price, wanted) in prices.each.iter_mut().zip(wanted) {
                *price = better(*price, wanted, self.room).max(1e-6);
            }
        }
        (most, best)
    }

    /// Prices to begin with. While more outcomes have come than there were looks for, each order waits for its one look
    /// until it is its turn: to the order it is all the same when that is, if the price falls by a second every second
    /// until nobody waits any more.
    fn first_prices(&self, workload: &Workload) -> Prices {
        let begin = workload.cases().first().map_or(0, |case| case.registered_ms);
        let mut come = vec![0.0; self.stretches];
        for case in workload.cases() {
            if let Some(come) = come.get_mut(nth_of(float(case.outcome_ms - begin) / 1_000.0, self.stretch_s)) {
                *come += 1.0;
            }
        }
        let mut waiting = 0.0_f64;
        for come in &mut come {
            waiting = (waiting + *come - self.room).max(0.0);
            *come = waiting;
        }
        let mut price = 0.0;
        let falling = come.iter().rev().map(|waiting| {
            price = if *waiting > 0.0 { price + self.stretch_s } else { 0.0 };
            f64::max(price, PRICE_FIRST)
        });
        let mut each: Vec<f64> = falling.collect();
        each.reverse();
        Prices { each, of_all: PRICE_FIRST }
    }

    /// These prices, known for longer stretches.
    fn finer(&self, known: &Prices, known_stretch_s: f64) -> Prices {
        let at = |nth: usize| known.each.get(nth_of(count(nth) * self.stretch_s, known_stretch_s)).copied();
        Prices { each: (0..self.stretches).map(|nth| at(nth).unwrap_or(PRICE_FIRST)).collect(), of_all: known.of_all }
    }
}

impl Prices {
    fn mean(of: &[Self]) -> Self {
        let over = |price: &dyn Fn(&Self) -> f64| of.iter().map(price).sum::<f64>() / count(of.len().max(1));
        let stretches = of.first().map_or(0, |prices| prices.each.len());
        let each = (0..stretches).map(|nth| over(&|prices| prices.each.get(nth).copied().unwrap_or_default()));
        Self { each: each.collect(), of_all: over(&|prices| prices.of_all) }
    }
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
    fn cost(&self, prices: &Prices, stretch_s: f64, wanted: &mut [f64]) -> f64 {
        let Ages { grid: ages, happened, area, .. } = &*self.ages;
        let stretch = |age: f64| nth_of(self.at + age, stretch_s);
        let price = |age: f64| prices.of_all + prices.each.get(stretch(age)).copied().unwrap_or_default();
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
            if let Some(wanted) = wanted.get_mut(stretch(ages[to])) {
                *wanted += (1.0 - happened[from]) * self.orders;
            }
            from = to;
        }
        cost[0] * self.orders
    }
}

fn nth_of(at: f64, stretch_s: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds, and never negative")]
    let nth = (at / stretch_s) as usize;
    nth
}

fn batches(workload: &Workload, truth: &Workload, parts: i64, stretch_s: f64) -> Vec<Batch> {
    let by_kind: BTreeMap<Alike, Vec<&Case>> = Alike::told_apart(truth, parts);
    let begin = workload.cases().first().map_or(0, |case| case.registered_ms);
    let mut batches = Vec::new();
    for (alike, cases) in Alike::told_apart(workload, parts) {
        let ages = Arc::new(Ages::of(by_kind.get(&alike).unwrap_or(&cases)));
        let mut registered: BTreeMap<usize, f64> = BTreeMap::new();
        for case in &cases {
            *registered.entry(nth_of(float(case.registered_ms - begin) / 1_000.0, stretch_s)).or_default() += 1.0;
        }
        batches.extend(registered.into_iter().map(|(nth, orders)| {
            let at = (count(nth) + 0.5) * stretch_s;
            Batch { at, orders, ages: Arc::clone(&ages) }
        }));
    }
    batches
}
