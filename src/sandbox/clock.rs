//! The bank's own clock: wall time in epoch milliseconds, the unit of the gateway's REST dates; in a simulation
//! tokio's.
//!
//! It never runs backwards, so that the ledger's order and its times agree even when the host's clock is set back.
//! It does not sleep and does not know about zones.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The only reader of wall time in the sandbox.
#[derive(Debug)]
pub(super) enum Clock {
    /// The host's.
    Wall {
        /// The latest moment that was told.
        latest_ms: AtomicI64,
    },
    /// Tokio's, which stands still while everybody waits.
    Virtual {
        /// What it showed at `started`.
        start_ms: i64,
        /// When it was set.
        started: Instant,
        /// How much it was set on since.
        passed_ms: AtomicI64,
    },
}

impl Clock {
    pub(super) const fn wall() -> Clock {
        Clock::Wall { latest_ms: AtomicI64::new(0) }
    }

    /// A clock in tokio's time that shows `start_ms` now.
    pub(super) fn virtual_from(start_ms: i64) -> Clock {
        let started = Instant::now();
        Clock::Virtual { start_ms, started, passed_ms: AtomicI64::new(0) }
    }

    /// Lets `ms` pass at once, where time is virtual: for a host that was suspended the bank's has gone on.
    pub(super) fn pass(&self, ms: i64) {
        if let Clock::Virtual { passed_ms, .. } = self {
            passed_ms.fetch_add(ms.max(0), Ordering::Relaxed);
        }
    }

    /// The present moment, or the latest one already told when the host's clock stepped back.
    pub(super) fn now_ms(&self) -> i64 {
        match self {
            Clock::Wall { latest_ms } => {
                let wall_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis);
                let earlier = latest_ms.fetch_max(wall_ms, Ordering::Relaxed);
                wall_ms.max(earlier)
            }
            Clock::Virtual { start_ms, started, passed_ms } => {
                start_ms.saturating_add(passed_ms.load(Ordering::Relaxed)).saturating_add(millis(started.elapsed()))
            }
        }
    }
}

/// A duration in whole milliseconds; one too long for `i64` (292 million years) counts as the longest.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_runs_backwards() {
        let ahead = Clock::wall().now_ms() + 60_000;
        let clock = Clock::Wall { latest_ms: AtomicI64::new(ahead) };
        assert_eq!(clock.now_ms(), ahead);
    }

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_follows_tokio() {
        let clock = Clock::virtual_from(1_000);
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(clock.now_ms(), 1_250);
        clock.pass(500);
        assert_eq!(clock.now_ms(), 1_750);
    }

    #[test]
    fn durations_beyond_i64_saturate() {
        assert_eq!(millis(Duration::from_secs(2)), 2_000);
        assert_eq!(millis(Duration::MAX), i64::MAX);
    }
}
