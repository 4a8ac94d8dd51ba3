//! The daily quota: so many requests in any 24 hours, counted in blocks that stand in the database before any of them
//! is spent. Whoever crashes has spent the whole block.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{NotYet, Purpose};

/// A thousandth of the quota is taken at a time, and a hundred requests at most: that is what a crash costs.
const BLOCK_SHARE: u32 = 1_000;
const BLOCK_MAX: u32 = 100;

/// Looks go on once a hundredth of the quota is there for them.
const AGAIN_SHARE: u32 = 100;

/// Once less than a twentieth of it is left, looks are spread the more, the less there is: what was spent too soon comes
/// back a day later, and to send none until then is worse than to send fewer. Ten times as far at the most.
const LOW_SHARE: u64 = 20;
const LOW_TIMES: u64 = 10;

/// Requests that were written down, and may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// How many.
    pub requests: u32,
    /// What the quota has left beyond them.
    pub beyond: u64,
    /// Until when they may be spent.
    pub until: Instant,
}

/// What may be spent of one login's quota.
#[derive(Debug)]
pub(super) struct Daily {
    limit: NonZeroU32,
    /// Of these, what is kept for money and deadlines.
    kept: u64,
    /// A std mutex: held to count, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    left: u32,
    beyond: u64,
    until: Option<Instant>,
    /// A look was refused, and there was not enough room since.
    is_used_up: bool,
    /// Something else was refused that leaves so many alone, and there were not more since.
    refused_at: Option<u64>,
    /// Somebody waits for a block.
    is_wanted: bool,
}

impl Daily {
    pub(super) fn new(limit: NonZeroU32, reserve: u32) -> Self {
        let kept = u64::from(limit.get()) * u64::from(reserve) / 100;
        Self { limit, kept, state: Mutex::default() }
    }

    /// Whether a request may be spent on `purpose`. Looks leave alone what is kept for
    /// money, and registrations half of it: a shop that cannot sell is served before one that would like to know.
    /// `attention` is called when it is news that there is not enough, and not each time that somebody asks.
    pub(super) fn check(&self, purpose: Purpose, attention: impl FnOnce()) -> Result<(), NotYet> {
        let kept = match purpose {
            Purpose::Look => self.kept,
            Purpose::Register => self.kept / 2,
            Purpose::Money | Purpose::Send => 0,
        };
        let mut state = self.lock();
        let is_old = state.until.is_none_or(|until| Instant::now() >= until);
        if is_old || state.left == 0 {
            if !std::mem::replace(&mut state.is_wanted, true) {
                attention();
            }
            return Err(NotYet::Turn);
        }
        let room = u64::from(state.left) + state.beyond;
        if room <= kept && purpose != Purpose::Look {
            state.refused_at = Some(state.refused_at.map_or(kept, |known| known.min(kept)));
        }
        if room <= kept || (state.is_used_up && purpose == Purpose::Look) {
            if !std::mem::replace(&mut state.is_used_up, true) {
                attention();
            }
            return Err(NotYet::Turn);
        }
        Ok(())
    }

    pub(super) fn spend(&self) {
        let mut state = self.lock();
        state.left = state.left.saturating_sub(1);
    }

    /// Whether a block is to be written down: somebody waits for one, or what is left may have grown.
    pub(super) fn wants(&self) -> bool {
        let state = self.lock();
        state.is_wanted || state.is_used_up
    }

    /// How many requests a block has.
    pub(super) fn block(&self) -> u32 {
        (self.limit.get() / BLOCK_SHARE).clamp(1, BLOCK_MAX)
    }

    pub(super) const fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// Gives up what is left of the present block; that many were not spent.
    pub(super) fn give_back(&self) -> u32 {
        let mut state = self.lock();
        state.until = None;
        std::mem::take(&mut state.left)
    }

    /// Whether somebody who waits may go on with it. Who is woken for nothing asks again, and would be answered with
    /// another block for ever.
    pub(super) fn fill(&self, block: Block) -> bool {
        let mut state = self.lock();
        let (was_wanted, was_used_up) = (state.is_wanted, state.is_used_up);
        (state.left, state.beyond, state.until) = (block.requests, block.beyond, Some(block.until));
        // An empty one serves nobody: whoever waits is woken by the first that has anything.
        state.is_wanted &= block.requests == 0;
        // Looks go on once there is something to go on with: else each request that grows a day old would be one look,
        // and news of its own.
        let enough = self.kept + u64::from(self.limit.get() / AGAIN_SHARE);
        let room = u64::from(block.requests) + block.beyond;
        state.is_used_up = block.requests == 0 || (state.is_used_up && room <= enough);
        if block.requests == 0 {
            return false;
        }
        let is_let = state.refused_at.take_if(|kept| room > *kept).is_some();
        is_let || was_wanted || (was_used_up && !state.is_used_up)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.lock().is_used_up
    }

    /// The time that each request takes where the quota is to last for the day: the longer, the less is left of it
    /// beyond what is kept.
    pub(super) fn period(&self) -> Duration {
        let open = u64::from(self.limit.get()).saturating_sub(self.kept).max(1);
        let even = Duration::from_secs(24 * 60 * 60) / u32::try_from(open).unwrap_or(u32::MAX);
        let low = (open / LOW_SHARE).max(1);
        let state = self.lock();
        let left = (u64::from(state.left) + state.beyond).saturating_sub(self.kept);
        if state.until.is_none() || left >= low {
            return even;
        }
        let percent = (100 * low / left.max(1)).min(100 * LOW_TIMES);
        even.saturating_mul(u32::try_from(percent).unwrap_or(u32::MAX)) / 100
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
