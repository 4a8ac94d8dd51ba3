//! The only reader of wall time. Everything else is handed `now`.
//!
//! There are two sources: the host's clock, and a simulated one that follows tokio's time, which stands still while
//! everybody waits, and that can be stepped as an administrator or a time server steps a host's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::domain::time::Timestamp;

/// A clock. Cheap to clone; clones of a simulated one are stepped together.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Host,
    Simulated(Arc<Simulated>),
}

#[derive(Debug)]
struct Simulated {
    /// What it shows at `started`, until it is stepped.
    start_ms: i64,
    started: Instant,
    stepped_ms: AtomicI64,
}

impl Clock {
    /// The host's clock.
    pub const fn host() -> Self {
        Self { source: Source::Host }
    }

    /// A clock that shows `start` now and goes on with tokio's time.
    pub fn simulated(start: Timestamp) -> Self {
        let (start_ms, started) = (start.as_millis(), Instant::now());
        Self { source: Source::Simulated(Arc::new(Simulated { start_ms, started, stepped_ms: AtomicI64::new(0) })) }
    }

    /// The present moment on the wall. A clock set before 1970 reads as 1970.
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::Host => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Simulated(clock) => clock.now(),
        }
    }

    /// The present moment on the clock that nobody sets: it only tells how much time went by.
    pub fn monotonic(&self) -> Instant {
        Instant::now()
    }

    /// Sets a simulated clock forward by `ms`, or back. The host's is not ours to set.
    pub fn step(&self, ms: i64) {
        if let Source::Simulated(clock) = &self.source {
            clock.stepped_ms.fetch_add(ms, Ordering::Relaxed);
        }
    }
}

impl Simulated {
    fn now(&self) -> Timestamp {
        let stepped_ms = self.start_ms.saturating_add(self.stepped_ms.load(Ordering::Relaxed));
        Timestamp::from_millis(stepped_ms).plus(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_follows_tokio_and_its_steps() {
        let clock = Clock::simulated(Timestamp::from_millis(1_000));
        let (seen_by_another, before) = (clock.clone(), clock.monotonic());
        tokio::time::sleep(Duration::from_millis(500)).await;
        clock.step(-200);
        assert_eq!(seen_by_another.now().as_millis(), 1_300);
        assert_eq!(clock.monotonic() - before, Duration::from_millis(500));
    }
}
