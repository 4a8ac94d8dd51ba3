//! The price of a look, steered so that the budget is just spent and not exceeded.

use std::time::Duration;

use super::plan::PRICE_LEAST;

/// What a look costs when nothing is known yet, in seconds of delay.
const AT_FIRST: f64 = 4.0;

/// At this price an order is looked at as rarely as its state's bound allows.
const MOST: f64 = 20_000.0;

/// The share of the budget that looks are steered to: what is left over lets a look that is due go soon.
const AIM: f64 = 0.97;

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
    /// How long the looks that are due and wait would take the whole budget.
    pub waiting: Duration,
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

    /// Raises the price while more is wanted than the budget gives, lowers it while some is left: slowly, since what
    /// was planned at the old price comes due for minutes, and faster the longer those are that wait. Where callbacks
    /// make it so many times fewer looks, that part of the budget is left over: it is no reason to look more often, and
    /// when they stop, the price is right at once.
    #[must_use]
    pub fn steered(self, spending: Spending, saved: f64) -> Self {
        let minutes = spending.over.as_secs_f64() / 60.0;
        let waiting = (spending.waiting.as_secs_f64() / 250.0).min(2.0);
        let too_much = (spending.used - AIM / saved.max(1.0)).clamp(-1.0, 1.0) + waiting;
        let step = (0.9 * too_much * minutes).clamp(-0.5, 0.7);
        Self::new(self.0 * step.exp())
    }
}
