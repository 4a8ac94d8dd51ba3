//! The bank's own clock: wall time in epoch milliseconds, the unit of the gateway's REST dates.
//!
//! It never runs backwards, so that the ledger's order and its times agree even when the host's clock is set back.
//! It does not sleep and does not know about zones.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// The only reader of wall time in the sandbox.
#[derive(Debug, Default)]
pub(super) struct Clock {
    latest_ms: AtomicI64,
}

impl Clock {
    /// The present moment, or the latest one already told when the host's clock stepped back.
    pub(super) fn now_ms(&self) -> i64 {
        let wall_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis);
        let earlier = self.latest_ms.fetch_max(wall_ms, Ordering::Relaxed);
        wall_ms.max(earlier)
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
        let clock = Clock::default();
        let ahead = clock.now_ms() + 60_000;
        clock.latest_ms.store(ahead, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), ahead);
    }

    #[test]
    fn durations_beyond_i64_saturate() {
        assert_eq!(millis(Duration::from_secs(2)), 2_000);
        assert_eq!(millis(Duration::MAX), i64::MAX);
    }
}
