//! The price of a look, steered so that the budget is just spent and not exceeded.

use std::time::Duration;

use super::plan::PRICE_LEAST;
use crate::domain::time::Timestamp;

/// What a look costs when nothing is known yet, in seconds of delay.
const AT_FIRST: f64 = 4.0;

/// At this price an order is looked at as rarely as its state's bound allows.
const MOST: f64 = 20_000.0;

/// The share of the budget that looks are steered to: what is left over lets a look that is due go soon.
const AIM: f64 = 0.97;

/// Below this share of what is ordinary no price is steered. What a quiet hour leaves of the budget would buy looks that
/// are worth less and less, each of them a request to the bank: an outcome is noticed sooner in it than in a busy one,
/// and the rest is saved.
const OF_ORDINARY: f64 = 0.5;

/// What is ordinary is told by so many orders at least.
const ORDINARY_LEAST: f64 = 20.0;

/// Half of what is known of it is forgotten after this long.
const ORDINARY_HALF_LIFE: Duration = Duration::from_secs(86_400);

/// It rises by so much at once, as a power of e: no more than by a quarter and a little.
const RISES_MOST: f64 = 0.25;

/// Prices are told apart to a quarter.
const STEP: f64 = 1.25;

/// From the lowest price to the highest.
const STEPS: usize = 56;

/// The price of a look, in seconds by which an outcome must be noticed earlier to be worth it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price(f64);

/// How the budget was spent lately.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spending {
    /// Over so long a time.
    pub over: Duration,
    /// Requests sent, as a share of what the budget allowed in it.
    pub used: f64,
    /// The best look that the budget does not reach for a while.
    pub unreached: Option<Unreached>,
}

/// The best look that the budget does not reach for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unreached {
    /// At a page that is open: worth so much, in seconds of delay.
    Open(f64),
    /// At a page that has closed, so that it is sure to find the end: a look more saves what it takes until all that wait
    /// are reached, and no more than that.
    Closed(Duration),
}

impl Default for Price {
    fn default() -> Self {
        Self(AT_FIRST)
    }
}

impl Price {
    /// A price; what is no price at all is the first.
    pub fn new(seconds: f64) -> Self {
        if seconds.is_finite() { Self(seconds.clamp(PRICE_LEAST, MOST)) } else { Self::default() }
    }

    /// A price of so many milliseconds.
    pub fn from_millis(millis: i64) -> Self {
        Self::new(Duration::from_millis(u64::try_from(millis).unwrap_or_default()).as_secs_f64())
    }

    /// In milliseconds of delay, and at least one.
    pub fn as_millis(self) -> i64 {
        i64::try_from(Duration::from_secs_f64(self.0).as_millis()).unwrap_or(i64::MAX).max(1)
    }

    /// In seconds of delay.
    pub const fn seconds(self) -> f64 {
        self.0
    }

    /// The higher of the two.
    #[must_use]
    pub const fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// Raises the price to what a look is worth that the budget does not reach: what is worth less need not be planned.
    /// Where that is sure to find something, the price falls with the number of those that wait as well. Lowers it while
    /// some of the budget is left, and slowly, since what was planned at the old price comes due for minutes. Where
    /// callbacks make it so many times fewer looks, that part of the budget is left over: it is no reason to look more
    /// often, and when they stop, the price is right at once.
    #[must_use]
    pub fn steered(self, spending: Spending, saved: f64) -> Self {
        let minutes = spending.over.as_secs_f64() / 60.0;
        let step = match spending.unreached {
            Some(Unreached::Open(worth)) => (worth / self.0).max(1.0).ln(),
            Some(Unreached::Closed(all_reached_in)) => (all_reached_in.as_secs_f64() / self.0).ln(),
            None => 0.9 * (spending.used - AIM / saved.max(1.0)).clamp(-1.0, 1.0) * minutes,
        };
        Self::new(self.0 * step.clamp(-0.5, RISES_MOST).exp())
    }
}

/// What looks cost when orders came to their ends lately. The median of these, by order: a sale does not make dear what
/// is ordinary, and a night in which nobody orders does not make it cheap.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ordinary {
    orders: [f64; STEPS],
    faded_at: Timestamp,
}

impl Ordinary {
    /// Nothing is known.
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { orders: [0.0; STEPS], faded_at: now }
    }

    /// An order came to its end while a look cost `price`.
    pub(super) fn add(&mut self, price: Price, now: Timestamp) {
        let factor = (-now.since(self.faded_at).as_secs_f64() / ORDINARY_HALF_LIFE.as_secs_f64()).exp2();
        self.faded_at = now;
        let mut least = PRICE_LEAST;
        for (nth, orders) in self.orders.iter_mut().enumerate() {
            let is_last = nth + 1 == STEPS;
            let is_here = least <= price.0 && (is_last || price.0 < least * STEP);
            *orders = orders.mul_add(factor, f64::from(u8::from(is_here)));
            least *= STEP;
        }
    }

    /// No price is to be steered below this.
    pub(super) fn floor(&self) -> Price {
        let half = self.orders.iter().sum::<f64>() / 2.0;
        let (mut sum, mut least) = (0.0, PRICE_LEAST);
        for orders in self.orders {
            if sum + orders >= half && half * 2.0 >= ORDINARY_LEAST {
                let way = (half - sum) / orders.max(f64::MIN_POSITIVE);
                return Price::new(least * STEP.powf(way.clamp(0.0, 1.0)) * OF_ORDINARY);
            }
            sum += orders;
            least *= STEP;
        }
        Price::new(PRICE_LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::Unreached::{Closed, Open};
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_772_323_200_000);

    /// What was spent, and what the best look is worth that the budget does not reach: where a price of 100 s goes within
    /// ten seconds.
    #[test]
    fn the_price_rises_to_what_the_budget_does_not_reach_and_falls_while_some_is_left() {
        let table = [
            ("just spent", AIM, None, 99.9..100.1),
            ("nothing was asked for", 0.0, None, 80.0..90.0),
            ("half was", 0.5, None, 90.0..95.0),
            ("a little more than there is", 1.02, None, 100.0..101.0),
            ("worth the price just so", 1.0, Some(Open(100.0)), 99.9..100.1),
            ("worth less, since prices waver", 1.0, Some(Open(85.0)), 99.9..100.1),
            ("worth more", 1.0, Some(Open(115.0)), 114.9..115.1),
            ("worth more, though not all was spent", 0.5, Some(Open(115.0)), 114.9..115.1),
            ("worth far more", 1.0, Some(Open(15_000.0)), 128.0..129.0),
            ("closed, and reached in two minutes", 1.0, Some(Closed(Duration::from_secs(120))), 119.9..120.1),
            ("closed, and reached in a minute", 1.0, Some(Closed(Duration::from_secs(62))), 61.9..62.1),
            ("closed, and reached after an hour", 1.0, Some(Closed(Duration::from_secs(3_600))), 128.0..129.0),
            ("closed, and nearly all reached", 1.0, Some(Closed(Duration::from_secs(9))), 60.0..61.0),
        ];
        for (case, used, unreached, expected) in table {
            let spending = Spending { over: Duration::from_secs(10), used, unreached };
            let steered = Price::new(100.0).steered(spending, 1.0).seconds();
            assert!(expected.contains(&steered), "{case}: {steered}");
        }
    }

    /// A sale in which looks are dear, and a night that is hardly asked about, leave what is ordinary as it was.
    #[test]
    fn what_is_ordinary_is_what_most_orders_met() {
        let mut ordinary = Ordinary::new(NOW);
        assert!(ordinary.floor().seconds() <= PRICE_LEAST, "nothing is known");
        for (orders, price) in [(600, 4.0), (200, 900.0), (100, 0.1)] {
            (0..orders).for_each(|_| ordinary.add(Price::new(price), NOW));
        }
        let floor = ordinary.floor().seconds();
        assert!((4.0 / STEP..=4.0 * STEP).contains(&(floor / OF_ORDINARY)), "{floor}");
        let next_week = NOW.plus(ORDINARY_HALF_LIFE * 7);
        (0..100).for_each(|_| ordinary.add(Price::new(0.5), next_week));
        assert!(ordinary.floor().seconds() < 0.5, "a shop that has become smaller spends its budget again");
    }
}
