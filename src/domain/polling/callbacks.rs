//! What a merchant's callbacks are worth: how surely the bank tells of an outcome before a look would have found it.
//!
//! Told is an outcome of which a callback came, before or soon after the look that showed it; a callback whose look
//! shows no change earns nothing, whoever sent it. While outcomes are told, a look at an order whose page is open finds
//! only what was not, and is worth so much less. Whoever is trusted too much costs time, so trust is slow to come and
//! quick to go: one payment that a look finds and nobody told, or a silence in which several were to be expected, and
//! orders are looked at as if there were no callbacks. If the next payment is told again, it was a mishap; if several
//! are not, callbacks have stopped, and a person hears of it.
//!
//! That nobody paid until a page closed is never counted: few banks tell of that.

use std::collections::BTreeMap;
use std::time::Duration;

use super::price::Price;
use super::{LookPolicy, Page};
use crate::domain::order::{Order, OrderKey, State};
use crate::domain::time::Timestamp;

/// A callback may come so long after the look that showed the outcome. Gateways send within seconds, and try again
/// after some more.
pub const GRACE: Duration = Duration::from_secs(60);

/// Payments told in a row before callbacks are trusted, for the first time or again.
const TOLD_IN_A_ROW: u32 = 10;

/// Payments in a row that nobody told before callbacks have stopped: of a bank that loses one in fifty, one in a
/// hundred thousand.
const UNTOLD_IN_A_ROW: u32 = 3;

/// So many outcomes were to be expected in a silence that is doubted: it comes about by chance once in some hundreds,
/// and doubt costs a few looks.
const EXPECTED: f64 = 5.0;

/// A shorter silence is never doubted: a gateway that restarts is silent for some seconds.
const SILENCE_LEAST: Duration = Duration::from_secs(30);

/// Over so many outcomes the share of those untold is counted.
const COUNTED_OVER: f64 = 500.0;

/// Half of what is known of how often outcomes are told is forgotten after this long: less than a day's rhythm.
const RATE_HALF_LIFE: Duration = Duration::from_secs(20 * 60);

/// What is taken for untold before any was seen, as if of one outcome: a bank tells of nearly all, or of none.
const BEFORE_ANY: f64 = 0.1;

/// The share of outcomes that no percentile of interest sees: what is noticed of one in a hundred orders does not move
/// the 99th.
const UNSEEN: f64 = 0.01;

/// A look costs this many times its price at most: every order is looked at after its page closed, and by its bound.
const THINNED_MOST: f64 = 1_000.0;

/// A callback that no look has answered for so long tells of nothing any more: somebody else had the order.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3_600);

/// Callbacks, and outcomes without one, remembered at most.
const REMEMBERED_MAX: usize = 10_000;

/// What a merchant's callbacks are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They have not proved true yet.
    Unproven,
    /// They prove true.
    Trusted,
    /// They did, but something came without one, or they are silent.
    Doubted,
    /// They did, and come no more.
    Stopped,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 4] = [Self::Unproven, Self::Trusted, Self::Doubted, Self::Stopped];

    /// The word for it in the database and for scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Trusted => "trusted",
            Self::Doubted => "doubted",
            Self::Stopped => "stopped",
        }
    }

    /// The standing of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

/// What a look costs: while a page is open, where callbacks would tell most of what it finds, and once it is closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tariff {
    /// While the page is open.
    pub open: Price,
    /// Once it is closed, and of whatever is not pending.
    pub closed: Price,
}

impl Tariff {
    /// The same either way: nobody tells of anything.
    pub const fn flat(price: Price) -> Self {
        Self { open: price, closed: price }
    }

    /// How many times dearer a look is while the page is open.
    pub const fn thinned(self) -> f64 {
        self.open.seconds() / self.closed.seconds()
    }
}

/// What came of an order at a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is as it was; what a callback may have told of it is not so, or no outcome.
    Nothing,
    /// An outcome that banks tell of. `after`: it came no earlier than this.
    Outcome {
        /// It was paid: what counts most.
        is_paid: bool,
        /// When the bank says it came, or when it was last found open.
        after: Timestamp,
    },
    /// An outcome that few banks tell of, or that may have come before the order was ours.
    Uncounted,
}

impl Found {
    /// What a look found that made of `before` an order in the state `after`. `moment` is when the bank says that it
    /// was paid.
    pub fn of(policy: &LookPolicy, before: &Order, after: State, moment: Option<Timestamp>, now: Timestamp) -> Self {
        if before.state != State::Pending || matches!(after, State::Pending | State::Review) {
            return Self::Nothing;
        }
        if after == State::Declined && now >= Page::of(policy, before).closes_at {
            return Self::Uncounted;
        }
        let was_seen = before.heard.as_ref().map(|heard| heard.at);
        // Shops hand over what is paid already, too.
        let is_ours = match moment {
            _ if was_seen.is_some() => true,
            Some(at) => at >= before.created_at,
            None => now.since(before.created_at) >= GRACE,
        };
        if !is_ours {
            return Self::Uncounted;
        }
        let open_at = was_seen.unwrap_or(before.created_at);
        let after_that = moment.map_or(open_at, |at| at.max(open_at));
        Self::Outcome { is_paid: after != State::Declined, after: after_that }
    }
}

/// An outcome whose callback may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Untold {
    at: Timestamp,
    is_paid: bool,
    /// Callbacks were trusted, and are doubted for it already.
    was_doubted: bool,
}

/// What is known of one merchant's callbacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Callbacks {
    standing: Standing,
    since: Timestamp,
    /// Standing when it was last asked for a turn.
    shown: Standing,
    /// Outcomes by whether they were told, the later the heavier.
    told: f64,
    untold: f64,
    /// Payments in a row of which the latest is one: told, or not.
    told_in_a_row: u32,
    untold_in_a_row: u32,
    /// Told lately, over so many seconds, the later the heavier; and when the latest was.
    lately: f64,
    seconds: f64,
    latest_at: Option<Timestamp>,
    /// What came earlier could not have been heard.
    listening_since: Timestamp,
    /// Callbacks that no look has answered.
    waiting_for_a_look: BTreeMap<OrderKey, Timestamp>,
    waiting_for_a_callback: BTreeMap<OrderKey, Untold>,
    /// Outcomes since this was last asked.
    uncounted: Outcomes,
}

/// Outcomes by whether a callback told of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// One did.
    pub told: u64,
    /// None did.
    pub untold: u64,
}

/// What is stored of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCallbacks {
    /// What they are taken for.
    pub standing: Standing,
    /// Since when.
    pub since: Timestamp,
    /// Told, untold, told lately, and over how many seconds.
    pub numbers: Vec<f64>,
}

impl Callbacks {
    /// Nothing came yet.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            standing: Standing::Unproven,
            since: now,
            shown: Standing::Unproven,
            told: 0.0,
            untold: 0.0,
            told_in_a_row: 0,
            untold_in_a_row: 0,
            lately: 0.0,
            seconds: 0.0,
            latest_at: None,
            listening_since: now,
            waiting_for_a_look: BTreeMap::new(),
            waiting_for_a_callback: BTreeMap::new(),
            uncounted: Outcomes { told: 0, untold: 0 },
        }
    }

    /// What was stored, heard again from `now` on; `None` when it is not what this version stores.
    pub fn restored(stored: &StoredCallbacks, now: Timestamp) -> Option<Self> {
        let [told, untold, lately, seconds] = *stored.numbers.as_slice() else { return None };
        let is_sound = [told, untold, lately, seconds].iter().all(|number| number.is_finite() && *number >= 0.0);
        let StoredCallbacks { standing, since, .. } = *stored;
        is_sound.then(|| Self { standing, since, shown: standing, told, untold, lately, seconds, ..Self::new(now) })
    }

    /// What is to be stored.
    pub fn stored(&self) -> StoredCallbacks {
        let numbers = vec![self.told, self.untold, self.lately, self.seconds];
        StoredCallbacks { standing: self.standing, since: self.since, numbers }
    }

    /// What they are taken for.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// What they were taken for when this was last asked, and are now, where that is another.
    pub fn turn(&mut self) -> Option<(Standing, Standing)> {
        let before = std::mem::replace(&mut self.shown, self.standing);
        (before != self.standing).then_some((before, self.standing))
    }

    /// The outcomes since this was last asked.
    pub fn outcomes(&mut self) -> Outcomes {
        std::mem::take(&mut self.uncounted)
    }

    /// What a look costs that would cost `price` without callbacks.
    pub fn tariff(&self, price: Price) -> Tariff {
        match self.standing {
            Standing::Trusted => Tariff { open: Price::new(price.seconds() * self.thinned()), closed: price },
            Standing::Unproven | Standing::Doubted | Standing::Stopped => Tariff::flat(price),
        }
    }

    /// A look finds the untold alone, so it is worth that share. But where more than one outcome in a hundred is
    /// untold, they are what the 99th percentile is made of, so intervals grow only as far as leaves it where it was:
    /// waits are at least as uneven as exponential ones, of which the percentiles go with the logarithm, and intervals
    /// go with the root of the price.
    fn thinned(&self) -> f64 {
        let untold = (self.untold + BEFORE_ANY) / (self.told + self.untold + 1.0);
        let seen = (untold / UNSEEN).ln();
        let unharmed = if seen > 0.0 { (UNSEEN.recip().ln() / seen).powi(2) } else { f64::INFINITY };
        untold.recip().min(unharmed).clamp(1.0, THINNED_MOST)
    }

    /// A callback about an order came at `at`.
    pub fn came(&mut self, order: OrderKey, at: Timestamp) {
        if let Some(found) = self.waiting_for_a_callback.remove(&order) {
            self.was_told(found.is_paid, at);
        } else if self.waiting_for_a_look.len() < REMEMBERED_MAX {
            self.waiting_for_a_look.insert(order, at);
        }
    }

    /// A look that was asked at `asked_at` found this.
    pub fn looked(&mut self, order: OrderKey, found: Found, asked_at: Timestamp, now: Timestamp) {
        match found {
            Found::Nothing => {
                // One that came while the look was under way may be about what the next will show.
                if self.waiting_for_a_look.get(&order).is_some_and(|at| *at < asked_at) {
                    self.waiting_for_a_look.remove(&order);
                }
            }
            Found::Uncounted => drop(self.waiting_for_a_look.remove(&order)),
            Found::Outcome { is_paid, after } => {
                if self.waiting_for_a_look.remove(&order).is_some() {
                    self.was_told(is_paid, now);
                } else if after >= self.listening_since && self.waiting_for_a_callback.len() < REMEMBERED_MAX {
                    let was_doubted = is_paid && self.standing == Standing::Trusted;
                    self.waiting_for_a_callback.insert(order, Untold { at: now, is_paid, was_doubted });
                    if was_doubted {
                        self.stand(Standing::Doubted, now);
                    }
                }
            }
        }
    }

    /// Gives up on callbacks that did not come, and doubts those that are silent.
    pub fn settle(&mut self, now: Timestamp) {
        self.waiting_for_a_look.retain(|_, at| *at <= now && now.since(*at) < ANSWERED_WITHIN);
        let is_over = |at: Timestamp| at > now || now.since(at) >= GRACE;
        let over: Vec<Untold> =
            self.waiting_for_a_callback.values().filter(|untold| is_over(untold.at)).copied().collect();
        self.waiting_for_a_callback.retain(|_, untold| !is_over(untold.at));
        for untold in over {
            self.was_not_told(untold, now);
        }
        if self.standing == Standing::Trusted && self.silence(now) >= self.doubted_after() {
            self.stand(Standing::Doubted, now);
        }
    }

    fn was_told(&mut self, is_paid: bool, now: Timestamp) {
        self.count(true);
        let apart = now.since(self.latest_at.unwrap_or(self.listening_since)).as_secs_f64();
        let half_life = RATE_HALF_LIFE.as_secs_f64();
        let left = (-apart / half_life).exp2();
        self.lately = self.lately.mul_add(left, 1.0);
        self.seconds = self.seconds.mul_add(left, half_life / std::f64::consts::LN_2 * (1.0 - left));
        self.latest_at = Some(now);
        self.untold_in_a_row = if is_paid { 0 } else { self.untold_in_a_row };
        self.told_in_a_row = self.told_in_a_row.saturating_add(1);
        match self.standing {
            Standing::Doubted if is_paid => self.stand(Standing::Trusted, now),
            Standing::Unproven | Standing::Stopped if self.told_in_a_row >= TOLD_IN_A_ROW => {
                self.stand(Standing::Trusted, now);
            }
            Standing::Unproven | Standing::Trusted | Standing::Doubted | Standing::Stopped => {}
        }
    }

    /// Not every bank tells of what was refused, so that counts for the share alone.
    fn was_not_told(&mut self, untold: Untold, now: Timestamp) {
        self.count(false);
        if !untold.is_paid {
            return;
        }
        self.told_in_a_row = 0;
        self.untold_in_a_row = self.untold_in_a_row.saturating_add(1);
        match self.standing {
            Standing::Trusted | Standing::Doubted if self.untold_in_a_row >= UNTOLD_IN_A_ROW => {
                self.stand(Standing::Stopped, now);
            }
            Standing::Trusted if !untold.was_doubted => self.stand(Standing::Doubted, now),
            Standing::Unproven | Standing::Trusted | Standing::Doubted | Standing::Stopped => {}
        }
    }

    fn count(&mut self, is_told: bool) {
        let one = if is_told { &mut self.uncounted.told } else { &mut self.uncounted.untold };
        *one = one.saturating_add(1);
        let left = 1.0 - COUNTED_OVER.recip();
        self.told = self.told.mul_add(left, f64::from(u8::from(is_told)));
        self.untold = self.untold.mul_add(left, f64::from(u8::from(!is_told)));
    }

    fn silence(&self, now: Timestamp) -> Duration {
        now.since(self.latest_at.unwrap_or(self.listening_since).max(self.listening_since))
    }

    /// In which silence so many were to be expected.
    fn doubted_after(&self) -> Duration {
        let each = self.seconds / self.lately.max(f64::EPSILON);
        Duration::try_from_secs_f64(EXPECTED * each).unwrap_or(Duration::MAX).max(SILENCE_LEAST)
    }

    fn stand(&mut self, standing: Standing, now: Timestamp) {
        (self.standing, self.since) = (standing, now);
    }
}

#[cfg(test)]
mod tests;
