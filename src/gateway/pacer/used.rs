//! What was used of a budget lately, for people and for metrics.

/// Requests by second, for the last minute.
#[derive(Debug)]
pub(super) struct UsedSeconds {
    counts: [u32; 60],
    /// Since the start.
    pub(super) total: u64,
    /// The second up to which `counts` is true.
    at: u64,
}

impl Default for UsedSeconds {
    fn default() -> Self {
        Self { counts: [0; 60], total: 0, at: 0 }
    }
}

impl UsedSeconds {
    pub(super) fn count(&mut self, second: u64) {
        self.forget_until(second);
        self.total = self.total.saturating_add(1);
        if let Some(slot) = self.counts.get_mut(slot_of(second)) {
            *slot = slot.saturating_add(1);
        }
    }

    pub(super) fn in_last_minute(&mut self, second: u64) -> u32 {
        self.forget_until(second);
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn forget_until(&mut self, second: u64) {
        for passed in (self.at + 1..=second).take(60) {
            if let Some(slot) = self.counts.get_mut(slot_of(passed)) {
                *slot = 0;
            }
        }
        if second >= self.at + 60 {
            self.counts = [0; 60];
        }
        self.at = self.at.max(second);
    }
}

fn slot_of(second: u64) -> usize {
    usize::try_from(second % 60).unwrap_or(0)
}
