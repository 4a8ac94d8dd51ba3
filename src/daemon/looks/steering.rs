//! How the budget was spent lately, by which the price of looks is steered.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::polling::{Spending, Unreached};
use crate::gateway::Pacer;

/// The price is steered this often.
const EVERY: Duration = Duration::from_secs(10);

/// What the budget does not reach within this long, nor within so many turns, is not to be planned at this price: a few
/// that come at once are no sign of anything.
const REACH: Duration = Duration::from_secs(30);
const REACH_TURNS: u128 = 8;

/// When callbacks stop, whatever they had made rarer is looked at at once. The price was kept where it is right without
/// them, and what waits for so long after says nothing of it.
const AFTER_TURN: Duration = Duration::from_secs(300);

/// The share of the budget that looks have, whatever else there is to ask: one request in ten.
const LOOKS_LEAST: f64 = 0.1;

/// Requests for which leave was given since the pacer began.
#[derive(Clone, Copy, Debug, Default)]
struct Served {
    looks: u64,
    others: u64,
}

impl Served {
    fn so_far(pacer: &Pacer) -> Self {
        let looks = pacer.served_to_looks();
        Self { looks, others: pacer.served().saturating_sub(looks) }
    }
}

/// A look that waits for its turn, and what it tells of the price.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waits {
    /// At a page that is open; worth so much, in seconds of delay.
    Open(f64),
    /// At a page that has closed since its order was last found open.
    Closed,
    /// Whatever it is worth, as the bound of its order's state: that tells nothing.
    Owed,
}

/// When the price was last steered, and what had been served by then.
#[derive(Debug)]
pub(super) struct Steering {
    at: Instant,
    served: Served,
    turned_at: Option<Instant>,
}

impl Steering {
    /// Nothing was served yet.
    pub(super) fn begin() -> Self {
        Self { at: Instant::now(), served: Served::default(), turned_at: None }
    }

    /// Whether it is time to.
    pub(super) fn is_time(&self) -> bool {
        self.at.elapsed() >= EVERY
    }

    /// Callbacks are held for something else than before.
    pub(super) fn turned(&mut self) {
        self.turned_at = Some(Instant::now());
    }

    /// Begins anew: what was spent since the last time says nothing.
    pub(super) fn pass_over(&mut self, pacer: &Pacer) {
        (self.at, self.served) = (Instant::now(), Served::so_far(pacer));
    }

    /// What was spent since the last time, where these wait, the most worthy first.
    pub(super) fn spent(&mut self, pacer: &Pacer, waiting: impl ExactSizeIterator<Item = Waits>) -> Spending {
        let (over, before) = (self.at.elapsed(), self.served);
        self.pass_over(pacer);
        let period = pacer.period();
        let times = |count: u64| period.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        let others = times(self.served.others.saturating_sub(before.others));
        let looks = times(self.served.looks.saturating_sub(before.looks));
        // What money takes is not there for looks, and its share is no sign that they are too cheap.
        let share = 1.0 - (others.as_secs_f64() / over.as_secs_f64()).min(1.0 - LOOKS_LEAST);
        let used = looks.as_secs_f64() / over.as_secs_f64() / share;
        let turn = period.div_f64(share);
        let reached = (REACH.as_nanos() / turn.as_nanos().max(1)).max(REACH_TURNS);
        let all_reached_in = turn.saturating_mul(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
        let beyond = waiting.skip(usize::try_from(reached).unwrap_or(usize::MAX));
        let has_turned = self.turned_at.is_some_and(|at| at.elapsed() < AFTER_TURN);
        let unreached = beyond.filter(|_| !has_turned).find_map(|waits| match waits {
            Waits::Open(worth) => worth.is_finite().then_some(Unreached::Open(worth)),
            Waits::Closed => Some(Unreached::Closed(all_reached_in)),
            Waits::Owed => None,
        });
        Spending { over, used, unreached }
    }
}
