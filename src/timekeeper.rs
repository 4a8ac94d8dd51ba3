//! The watch over the host's clock, shared by everybody who hears the bank's clock or is about to send money.
//!
//! [`crate::domain::timekeeping`] decides; this reads the two clocks, remembers, and tells the log once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::clock::Clock;
use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;
use crate::domain::timekeeping::{Doubt, Moment, Timekeeping};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Timekeeper {
    clock: Clock,
    begun: Instant,
    /// A std mutex: held to compare, never across an await.
    watch: Arc<Mutex<Timekeeping>>,
}

impl Timekeeper {
    /// Begins to watch `clock`; `journal_until` is the latest moment the database knows of.
    pub fn begin(clock: Clock, tolerance: std::time::Duration, journal_until: Option<Timestamp>) -> Self {
        let begun = Instant::now();
        let now = Moment { wall: clock.now(), running: begun.elapsed() };
        let watch = Timekeeping::begin(tolerance, journal_until, now);
        if let Some(doubt) = watch.doubt() {
            tell(doubt);
        }
        Self { clock, begun, watch: Arc::new(Mutex::new(watch)) }
    }

    /// Both clocks, now.
    pub fn moment(&self) -> Moment {
        // The running time first: whatever passes between the two readings then counts for the wall's.
        let running = self.begun.elapsed();
        Moment { wall: self.clock.now(), running }
    }

    /// Compares the two clocks; to be called every second or so, since two jumps that cancel out between two looks
    /// would go unseen.
    pub fn compare(&self) {
        let now = self.moment();
        let new = self.lock().compare(now);
        new.into_iter().for_each(tell);
    }

    /// Takes note of the `Date` in an answer of `merchant`'s bank to a question asked at `asked`.
    pub fn heard(&self, merchant: &MerchantId, date: Timestamp, asked: Moment) {
        let now = self.moment();
        let mut watch = self.lock();
        let before = watch.doubt();
        let new = watch.heard(merchant, date, asked, now);
        let over = before.is_some() && watch.doubt().is_none();
        drop(watch);
        new.into_iter().for_each(tell);
        if over {
            tracing::info!("The host's clock and the bank's agree again; money may move");
        }
    }

    /// Whether money of `merchant` may be sent now.
    pub fn may_send(&self, merchant: &MerchantId) -> Result<(), Doubt> {
        let now = self.moment();
        self.lock().may_send(merchant, now)
    }

    /// Whether something that only waits for the clock may ask the bank now: see [`Timekeeping::take_turn`].
    pub fn take_turn(&self, merchant: &MerchantId) -> bool {
        let now = self.moment();
        self.lock().take_turn(merchant, now)
    }

    /// Whether the clock is known to be right: see [`Timekeeping::is_vouched`].
    pub fn is_vouched(&self) -> bool {
        let now = self.moment();
        self.lock().is_vouched(now)
    }

    /// What speaks against the clock, for any merchant.
    pub fn doubt(&self) -> Option<Doubt> {
        self.lock().doubt()
    }

    /// Forgets a merchant that is no longer served.
    pub fn forget(&self, merchant: &MerchantId) {
        self.lock().forget(merchant);
    }

    fn lock(&self) -> MutexGuard<'_, Timekeeping> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(doubt: Doubt) {
    tracing::warn!(
        "No money is sent for now: {doubt}. It goes on by itself once the bank's clock agrees with the host's"
    );
}
