//! The hard limit: governor's, in parts of a request, on tokio's clock.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// A request's period is so many parts ...
const PARTS: u32 = 1_000;

/// ... and one request costs so many: it is paced one per cent slower than is allowed. Between the leave and the first
/// byte a request is held up by a moment that is never the same, and two that come a little closer together than they
/// left would else be one too many at the bank.
const COST: NonZeroU32 = NonZeroU32::new(1_010).unwrap();

/// What the slower pace leaves over: so late may each be served without anything being lost, and still no window holds
/// one request too many, since the first after the burst comes these ten parts later than it might.
const LATE: u32 = COST.get() - PARTS;

/// A bucket of requests. It begins empty: a restart must not be a way to exceed the budget.
#[derive(Debug)]
pub(super) struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, StateInformationMiddleware>,
    clock: TokioClock,
    part: Duration,
    capacity: u32,
    /// What was in it when something was last taken. A std mutex: held to look, never across an await.
    last: Mutex<Level>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    parts: u32,
    at: Duration,
}

impl Bucket {
    pub(super) fn new(period: Duration, burst: NonZeroU32) -> Self {
        let clock = TokioClock { start: Instant::now() };
        let part = Duration::from_nanos(u64::try_from(period.as_nanos().div_ceil(PARTS.into())).unwrap_or(u64::MAX));
        let capacity = COST.saturating_mul(burst).saturating_add(LATE);
        let quota = Quota::with_period(part).unwrap_or_else(|| Quota::per_hour(capacity)).allow_burst(capacity);
        let limiter = RateLimiter::direct_with_clock(quota, clock).with_middleware();
        // Empties the bucket; it cannot fail, the bucket being exactly that large and full.
        let _ = limiter.check_n(capacity);
        let last = Mutex::new(Level { parts: 0, at: clock.elapsed() });
        Self { limiter, clock, part, capacity: capacity.get(), last }
    }

    /// How long until a request may be taken that leaves `percent` of the bucket to others; nothing when it may now.
    /// From a bucket too small for that, whatever is more than one request is left.
    pub(super) fn wait(&self, percent: u32) -> Duration {
        let Level { parts, at } = *self.lock();
        let ready = at.saturating_add(self.part.saturating_mul(self.wanted(percent).saturating_sub(parts)));
        ready.saturating_sub(self.clock.elapsed())
    }

    /// The parts that must be there for one request that leaves `percent` to others.
    fn wanted(&self, percent: u32) -> u32 {
        let kept = u64::from(self.capacity) * u64::from(percent.min(100)) / 100;
        let kept = u32::try_from(kept).unwrap_or(u32::MAX).min(self.capacity.saturating_sub(COST.get() + LATE));
        COST.get().saturating_add(kept)
    }

    /// Takes one request, if there is one.
    pub(super) fn take(&self) -> bool {
        let mut last = self.lock();
        match self.limiter.check_n(COST) {
            Ok(Ok(state)) => {
                *last = Level { parts: state.remaining_burst_capacity(), at: self.clock.elapsed() };
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// The time that each request takes.
    pub(super) const fn period(&self) -> Duration {
        self.part.saturating_mul(COST.get())
    }

    fn lock(&self) -> MutexGuard<'_, Level> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// tokio's clock for governor: it stands still when tests and simulation pause it.
#[derive(Clone, Copy, Debug)]
struct TokioClock {
    start: Instant,
}

impl TokioClock {
    fn elapsed(self) -> Duration {
        self.start.elapsed()
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }
}
