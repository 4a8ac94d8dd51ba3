//! The request budget of one login: so many requests a second, so many at once, sends before questions about money,
//! these before registrations, and registrations before looks.
//!
//! The limiter is governor's; the sleeping is tokio's, because governor's own timer does not follow a paused clock.
//! The bucket starts empty: a restart must not be a way to exceed the budget.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::Budget;

/// What a request is for. Money and deadlines come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A look.
    Look,
    /// A registration, or a question about one: a shop waits for it, and no money does.
    Register,
    /// A question about a completion.
    Money,
    /// A completion. The question before it must still be fresh: did others' questions come between the two, a small
    /// budget would make every answer old before its send, and nothing would ever be sent.
    Send,
}

/// Money requests and registrations served before a waiting look may compete with the next.
const MONEY_PER_LOOK: usize = 9;

/// Leave to send one request. It stands for a place in flight until it is dropped.
#[derive(Debug)]
pub struct Permit {
    _in_flight: OwnedSemaphorePermit,
}

/// One login's budget.
#[derive(Debug)]
pub struct Pacer {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>,
    clock: TokioClock,
    in_flight: Arc<Semaphore>,
    /// First come, first served, for each purpose by itself: whoever is not at the head does not even try.
    turns: [tokio::sync::Mutex<()>; 4],
    /// Money requests that wait just now: looks stand back for them.
    money_waiting: AtomicUsize,
    /// Of these, sends: questions stand back for them.
    sends_waiting: AtomicUsize,
    /// Registrations that wait just now: looks stand back for them too.
    registrations_waiting: AtomicUsize,
    money_served: Notify,
    /// Money requests and registrations served since the last look.
    money_in_a_row: AtomicUsize,
    period: Duration,
    /// A std mutex: held to count, never across an await.
    used: Mutex<UsedSeconds>,
}

impl Pacer {
    /// A pacer for `budget`, its bucket empty.
    pub fn new(budget: &Budget) -> Self {
        let clock = TokioClock { start: Instant::now() };
        let quota = Quota::with_period(budget.period).unwrap_or_else(|| Quota::per_hour(budget.burst));
        let limiter = RateLimiter::direct_with_clock(quota.allow_burst(budget.burst), clock);
        // Empties the bucket; it cannot fail, the bucket being exactly that large and full.
        let _ = limiter.check_n(budget.burst);
        Self {
            limiter,
            clock,
            in_flight: Arc::new(Semaphore::new(budget.in_flight.get())),
            turns: Default::default(),
            money_waiting: AtomicUsize::new(0),
            sends_waiting: AtomicUsize::new(0),
            registrations_waiting: AtomicUsize::new(0),
            money_served: Notify::new(),
            money_in_a_row: AtomicUsize::new(0),
            period: budget.period,
            used: Mutex::new(UsedSeconds::default()),
        }
    }

    /// Waits for a place in flight, then for the budget. Cancelling the wait costs nothing.
    pub async fn permit(&self, purpose: Purpose) -> Permit {
        let is_money = matches!(purpose, Purpose::Money | Purpose::Send);
        let _money = is_money.then(|| Waiting::announce(self, &self.money_waiting));
        let is_registration = purpose == Purpose::Register;
        let _registration = is_registration.then(|| Waiting::announce(self, &self.registrations_waiting));
        let _send = (purpose == Purpose::Send).then(|| Waiting::announce(self, &self.sends_waiting));
        let [looks, registrations, questions, sends] = &self.turns;
        let _turn = match purpose {
            Purpose::Look => looks.lock().await,
            Purpose::Register => registrations.lock().await,
            Purpose::Money => questions.lock().await,
            Purpose::Send => sends.lock().await,
        };
        loop {
            self.stand_back(purpose).await;
            let place = self.place_in_flight().await;
            // Places come in the order in which they were asked for: whoever's turn it is passes his place on while
            // something more urgent waits behind him.
            if self.another_goes_first(purpose) {
                continue;
            }
            match self.limiter.check() {
                Ok(()) => {
                    self.served(purpose);
                    return Permit { _in_flight: place };
                }
                Err(not_yet) => {
                    // The place is not kept while waiting for the budget: looks that stand back for money would
                    // otherwise hold the very places that money waits for.
                    drop(place);
                    tokio::time::sleep(not_yet.wait_time_from(self.clock.now())).await;
                }
            }
        }
    }

    /// `least`, or as long as two turns of the budget take where that is longer: a budget of one request a minute lets
    /// nobody wait for less.
    pub fn patience(&self, least: Duration) -> Duration {
        least.max(self.period.saturating_mul(2))
    }

    /// Requests of the last minute as a share of what the budget allows, in per mille.
    pub fn used_per_mille(&self) -> u64 {
        let used = u128::from(self.lock_used().in_last_minute(self.clock.seconds()));
        let allowed_nanos = Duration::from_secs(60).as_nanos();
        u64::try_from(used * 1_000 * self.period.as_nanos() / allowed_nanos).unwrap_or(u64::MAX)
    }

    async fn place_in_flight(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.in_flight).acquire_owned().await {
            Ok(place) => place,
            // The semaphore is never closed while the pacer lives.
            Err(_) => std::future::pending().await,
        }
    }

    async fn stand_back(&self, purpose: Purpose) {
        loop {
            let served = self.money_served.notified();
            if !self.another_goes_first(purpose) {
                return;
            }
            served.await;
        }
    }

    fn another_goes_first(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Look => self.looks_stand_back(),
            Purpose::Register => self.money_waiting.load(Ordering::Acquire) > 0,
            Purpose::Money => self.sends_waiting.load(Ordering::Acquire) > 0,
            Purpose::Send => false,
        }
    }

    /// Nothing starves: after several more urgent requests in a row a look may take its chance.
    fn looks_stand_back(&self) -> bool {
        let waiting = |count: &AtomicUsize| count.load(Ordering::Acquire) > 0;
        (waiting(&self.money_waiting) || waiting(&self.registrations_waiting))
            && self.money_in_a_row.load(Ordering::Acquire) < MONEY_PER_LOOK
    }

    fn served(&self, purpose: Purpose) {
        self.lock_used().count(self.clock.seconds());
        match purpose {
            Purpose::Look => self.money_in_a_row.store(0, Ordering::Release),
            Purpose::Register | Purpose::Money | Purpose::Send => {
                self.money_in_a_row.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn lock_used(&self) -> std::sync::MutexGuard<'_, UsedSeconds> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a waiting request for as long as it waits, whether it is served or cancelled.
struct Waiting<'a> {
    pacer: &'a Pacer,
    count: &'a AtomicUsize,
}

impl<'a> Waiting<'a> {
    fn announce(pacer: &'a Pacer, count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self { pacer, count }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.pacer.money_served.notify_waiters();
    }
}

/// Requests by second, for the last minute.
#[derive(Debug)]
struct UsedSeconds {
    counts: [u32; 60],
    /// The second up to which `counts` is true.
    at: u64,
}

impl Default for UsedSeconds {
    fn default() -> Self {
        Self { counts: [0; 60], at: 0 }
    }
}

impl UsedSeconds {
    fn count(&mut self, second: u64) {
        self.forget_until(second);
        if let Some(slot) = self.counts.get_mut(slot_of(second)) {
            *slot = slot.saturating_add(1);
        }
    }

    fn in_last_minute(&mut self, second: u64) -> u32 {
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

/// tokio's clock for governor: it stands still when tests and simulation pause it.
#[derive(Clone, Copy, Debug)]
struct TokioClock {
    start: Instant,
}

impl TokioClock {
    fn seconds(self) -> u64 {
        self.start.elapsed().as_secs()
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }
}

#[cfg(test)]
mod tests;
