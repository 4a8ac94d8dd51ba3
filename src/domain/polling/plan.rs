//! When to look next, so that the expected delay of noticing is least at a price per look.
//!
//! Between two looks an outcome waits to be noticed, and each look costs a price, in seconds of delay. What is cheapest
//! from an age on is found backwards from the last age (a dynamic programme over a grid of ages), for a ladder of
//! prices at once: read one way it says when to look at a price, read the other way what a look is worth at this
//! moment.

use std::sync::OnceLock;
use std::time::Duration;

use super::ages::{AT_ONCE, Bins};
use super::history::Hazard;

/// The lowest price: a tenth of a second. Below, an order would be looked at every other second, and nobody notices.
pub(super) const PRICE_LEAST: f64 = 0.1;

/// Prices from rung to rung: four for every ten times, up to some hours a look.
const RUNG: f64 = 1.6;
const RUNGS: usize = 27;

/// Grid of ages while the page is open: at first every half second, then every fiftieth of the age.
const STEP_LEAST: f64 = 0.5;
const STEP_SHARE: f64 = 0.02;

/// Grid of the time since the page closed, from [`AT_ONCE`] on.
const CLOSED_FACTOR: f64 = 1.1;

/// How far ahead is planned once the page is closed. Whatever is still open then is looked at as often as its state's
/// bound says.
const CLOSED_MOST: f64 = 7.0 * 86_400.0;

/// No two looks at an order are nearer than this, in seconds.
const APART: f64 = 0.5;

/// Plans for the orders of one kind whose page stays open for one time.
#[derive(Clone, Debug)]
pub struct Plans {
    /// Ages of the grid, in seconds since registration.
    ages: Vec<f64>,
    /// At which of them the page closes.
    closes: usize,
    /// The share of orders whose outcome has come by each age of the grid.
    happened: Vec<f64>,
    rungs: Vec<Rung>,
}

/// A price, and what is best at it. Found when it is first asked for: most prices never are.
#[derive(Clone, Debug)]
struct Rung {
    price: f64,
    best: OnceLock<Best>,
}

/// What is best at one price.
#[derive(Clone, Debug)]
struct Best {
    /// For each age of the grid at which an order was found open, the age at which to look next.
    next: Vec<f64>,
    looks: f64,
    delay: f64,
}

/// An age, before which age of the grid it lies, and how far it is from the one before to that; nowhere where the grid
/// has ended.
#[derive(Clone, Copy)]
struct Place {
    age: f64,
    upper: usize,
    way: Option<f64>,
}

/// What a plan costs an order of which nothing is known but that it was registered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Looks, on average.
    pub looks: f64,
    /// Seconds until an outcome is noticed, on average.
    pub delay: f64,
}

impl Plans {
    /// Plans for orders whose page is open for `session`.
    pub fn new(hazard: &Hazard, session: Duration) -> Self {
        let (ages, closes) = grid(session.as_secs_f64().max(1.0));
        let happened = happened(hazard, &ages, closes);
        let prices = (0..).take(RUNGS).map(|nth| PRICE_LEAST * RUNG.powi(nth));
        Self::known(ages, closes, happened, prices)
    }

    /// Plans against a distribution that is known: `happened` is the share of orders whose outcome has come by an age.
    pub fn known(ages: Vec<f64>, closes: usize, happened: Vec<f64>, prices: impl Iterator<Item = f64>) -> Self {
        let rungs = prices.map(|price| Rung { price, best: OnceLock::new() }).collect();
        Self { ages, closes, happened, rungs }
    }

    /// The age, in seconds, at which an order is looked at next that was found open at `age`, where a look costs
    /// `price`.
    pub fn next(&self, age: f64, price: f64) -> f64 {
        let above = self.rungs.partition_point(|rung| rung.price <= price).clamp(1, self.rungs.len().max(2) - 1);
        let (Some(lower), Some(upper)) = (self.rungs.get(above - 1), self.rungs.get(above)) else {
            return age + APART;
        };
        let way = ((price / lower.price).ln() / (upper.price / lower.price).ln()).clamp(0.0, 1.0);
        let place = self.place(age);
        let (sooner, later) = (self.at_rung(lower, place), self.at_rung(upper, place));
        self.between(sooner, later, way)
    }

    /// What a look is worth, in seconds of delay, at an order of age `now` that was found open at `age`.
    pub fn worth(&self, age: f64, now: f64) -> f64 {
        // Of thousands that are due each is asked for its worth every few seconds: its place is found once.
        let place = self.place(age);
        let reached = self.rungs.partition_point(|rung| self.at_rung(rung, place) <= now);
        let (Some(below), above) =
            (reached.checked_sub(1).and_then(|nth| self.rungs.get(nth)), self.rungs.get(reached))
        else {
            // Sooner than at the lowest price.
            return PRICE_LEAST * ((now - age) / APART).clamp(0.0, 0.99);
        };
        let from = self.at_rung(below, place);
        match above {
            Some(above) => {
                let way = (now - from) / (self.at_rung(above, place) - from).max(f64::EPSILON);
                below.price * (above.price / below.price).powf(way.clamp(0.0, 1.0))
            }
            // Later than at the highest: the longer, the more.
            None => below.price * (1.0 + (now - from) / (from - age).max(APART)),
        }
    }

    /// What orders cost at `price`.
    pub fn costs(&self, price: f64) -> Costs {
        let above = self.rungs.partition_point(|rung| rung.price <= price).clamp(1, self.rungs.len().max(2) - 1);
        let (Some(lower), Some(upper)) = (self.rungs.get(above - 1), self.rungs.get(above)) else {
            let only = self.rungs.first().map(|rung| self.best(rung));
            return only
                .map_or(Costs { looks: 0.0, delay: 0.0 }, |best| Costs { looks: best.looks, delay: best.delay });
        };
        let way = ((price / lower.price).ln() / (upper.price / lower.price).ln()).clamp(0.0, 1.0);
        let mix = |lower: f64, upper: f64| lower + (upper - lower) * way;
        let (lower, upper) = (self.best(lower), self.best(upper));
        Costs { looks: mix(lower.looks, upper.looks), delay: mix(lower.delay, upper.delay) }
    }

    /// When the page closes, in seconds since registration.
    pub fn closes_at(&self) -> f64 {
        self.ages.get(self.closes).copied().unwrap_or_default()
    }

    fn best<'plans>(&'plans self, rung: &'plans Rung) -> &'plans Best {
        rung.best.get_or_init(|| best(&self.ages, &self.happened, rung.price))
    }

    /// Where an age lies in the grid.
    fn place(&self, age: f64) -> Place {
        let upper = self.ages.partition_point(|known| *known <= age);
        let around = upper.checked_sub(1).and_then(|lower| self.ages.get(lower)).zip(self.ages.get(upper));
        Place { age, upper, way: around.map(|(from, to)| (age - from) / (to - from)) }
    }

    fn at_rung(&self, rung: &Rung, place: Place) -> f64 {
        let Place { age, upper, way } = place;
        let best = self.best(rung);
        let (Some(way), Some(planned), Some(next)) =
            (way, upper.checked_sub(1).and_then(|lower| best.next.get(lower)), best.next.get(upper))
        else {
            return age.mul_add(CLOSED_FACTOR, APART);
        };
        // The age at which the page closes is no younger than what lies before it: its own next look is another matter.
        let planned = if upper == self.closes { *planned } else { self.between(*planned, *next, way) };
        planned.max(age + APART)
    }

    /// Between two ages, but never between one at which the page is open and one at which it is closed: the look right
    /// after it closes is worth most, and any before it little.
    fn between(&self, sooner: f64, later: f64, way: f64) -> f64 {
        let closes_at = self.closes_at();
        let is_across = (sooner <= closes_at) != (later <= closes_at);
        match is_across {
            true if way < 0.5 => sooner,
            true => later,
            false => sooner + (later - sooner) * way,
        }
    }
}

/// Ages of a grid, and at which of them a page closes that is open for `session` seconds.
pub fn grid(session: f64) -> (Vec<f64>, usize) {
    let mut ages = vec![0.0];
    let mut age = 0.0_f64;
    loop {
        age += (age * STEP_SHARE).max(STEP_LEAST);
        if age >= session * 0.999 {
            break;
        }
        ages.push(age);
    }
    let closes = ages.len();
    ages.push(session);
    let mut since = AT_ONCE;
    while since < CLOSED_MOST {
        ages.push(session + since);
        since *= CLOSED_FACTOR;
    }
    (ages, closes)
}

/// The share of orders whose outcome has come by each age of the grid.
fn happened(hazard: &Hazard, ages: &[f64], closes: usize) -> Vec<f64> {
    let closes_at = ages.get(closes).copied().unwrap_or_default();
    let mut sum = 0.0;
    let mut before = 0.0;
    ages.iter()
        .enumerate()
        .map(|(nth, age)| {
            sum += if nth <= closes {
                summed(&hazard.young, before, *age)
            } else {
                summed(&hazard.closed, (before - closes_at).max(0.0), age - closes_at)
            };
            before = *age;
            1.0 - (-sum).exp()
        })
        .collect()
}

/// The hazard between two ages, summed up.
fn summed(hazard: &Bins, from: f64, to: f64) -> f64 {
    hazard.iter().map(|(lower, upper, hazard)| hazard * (upper.min(to) - lower.max(from)).max(0.0)).sum()
}

/// The cheapest plan at one price, backwards from the last age. What is to be paid from an age on is counted for all
/// orders, not only for those still open then: no division, and no share that is almost nothing.
fn best(ages: &[f64], happened: &[f64], price: f64) -> Best {
    let count = ages.len().min(happened.len());
    // The sum of what has happened, by age: the delay between two looks is a difference of two of these.
    let mut area = vec![0.0; count];
    for nth in 1..count {
        area[nth] = area[nth - 1] + (ages[nth] - ages[nth - 1]) * f64::midpoint(happened[nth], happened[nth - 1]);
    }
    let delay = |from: usize, to: usize| area[to] - area[from] - happened[from] * (ages[to] - ages[from]);
    let mut cost = vec![0.0; count];
    let mut next = vec![count.saturating_sub(1); count];
    let (mut looks, mut delays) = (vec![0.0; count], vec![0.0; count]);
    for from in (0..count.saturating_sub(1)).rev() {
        let (passed, come, summed) = (ages[from], happened[from], area[from]);
        let open = 1.0 - come;
        let (mut least, mut to_least) = (f64::INFINITY, from + 1);
        // All the time of a plan goes into this: side by side, no place need be looked up.
        let later = cost[from + 1..].iter().zip(&area[from + 1..count]).zip(&ages[from + 1..count]);
        for (nth, ((later, area), age)) in later.enumerate() {
            let waiting = area - summed - come * (age - passed);
            // What is later still waits longer yet.
            if waiting >= least {
                break;
            }
            let sum = price * open + waiting + later;
            if sum < least {
                (least, to_least) = (sum, from + 1 + nth);
            }
        }
        cost[from] = least;
        next[from] = to_least;
        looks[from] = open + looks[to_least];
        delays[from] = delay(from, to_least) + delays[to_least];
    }
    let next = next.into_iter().map(|to| ages[to]).collect();
    let of_all = |values: &[f64]| values.first().copied().unwrap_or_default();
    Best { next, looks: of_all(&looks), delay: of_all(&delays) }
}

#[cfg(test)]
mod tests;
