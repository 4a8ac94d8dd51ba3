//! The request budget of one login: so many requests a second, so many at once, sends before questions about money,
//! these before registrations, and registrations before looks.
//!
//! The limiter is governor's ([`bucket`]); the sleeping is tokio's, because governor's own timer does not follow a
//! paused clock. What the bank bears is less at times ([`strain`]), and several logins may share one budget
//! ([`shared`]).
//!
//! A share of everything that can be saved up is kept for money: of the bucket, of the places in flight, and of the
//! day's quota. What flows is shared by turns instead: while money waits no look leaves before it but one in ten, and
//! while none waits looks take the whole rate, since a rate that nobody uses is kept for nobody.
//!
//! # Everything counts
//!
//! Bytes leave in [`super::Gateway`]'s private transport alone, and each of its requests wants a [`Permit`], by value:
//!
//! * looks, among them those that a callback asked for, those of late days, and those of holds and reviews:
//!   the poller's engine, one permit for each look;
//! * orders that a callback named, and the bank's own list, page by page: the discoverer and the surveyor, as looks;
//! * registrations, and the questions after those without an answer: the registrar, one permit for each step;
//! * completions, reversals, refunds and declines, and what is done at a hold's deadline: the completer, one permit for
//!   the question and one for the send.
//!
//! A request that failed is not repeated below this: whoever tries again comes for another permit. The nightly report
//! reads the database and asks nobody.

mod bucket;
pub(super) mod daily;
pub(super) mod shared;
mod strain;
mod used;

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::Budget;

use bucket::Bucket;
use daily::{Block, Daily};
use shared::{Member, SharedBudget, Turn};
use strain::Strain;
use used::UsedSeconds;

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

impl Purpose {
    /// Whether it may use what is kept for money and deadlines.
    const fn is_money(self) -> bool {
        matches!(self, Self::Money | Self::Send)
    }
}

/// Nothing starves: a look, or a registration, after which so many more urgent requests were served has the next turn.
/// Sends alone go before it even then. It is the floor of the looks: without it a page of orders in doubt, each asked
/// about again and again, would let nobody see what became of the others.
const MONEY_PER_LOOK: usize = 9;

/// Leave to send one request. It stands for a place in flight until it is dropped.
#[derive(Debug)]
pub struct Permit {
    _in_flight: Place,
}

/// A place in flight; whatever is no money has one of those that are not kept for it, too.
#[derive(Debug)]
struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_the_open: Option<OwnedSemaphorePermit>,
}

/// One login's budget.
#[derive(Debug)]
pub struct Pacer {
    bucket: Bucket,
    /// When it began: all times below count from then.
    start: Instant,
    /// Per cent of what can be saved up that is kept for money.
    reserve: u32,
    places: Arc<Semaphore>,
    /// Those of the places that are not kept for money.
    open_places: Arc<Semaphore>,
    /// First come, first served, for each purpose by itself: whoever is not at the head does not even try.
    turns: [tokio::sync::Mutex<()>; 4],
    /// Money requests that wait just now: looks stand back for them.
    money_waiting: AtomicUsize,
    /// Of these, sends: questions stand back for them.
    sends_waiting: AtomicUsize,
    /// Registrations that wait just now: looks stand back for them too.
    registrations_waiting: AtomicUsize,
    /// Rings whenever something that somebody waits for may have come true.
    changed: Arc<Notify>,
    looks: Passed,
    registrations: Passed,
    /// As written.
    period: Duration,
    /// How much may be sent in a day.
    daily: Option<Daily>,
    /// Rings for whoever fills the daily quota's blocks and tells of what the bank bears.
    attention: Notify,
    /// The budget that it shares with other logins.
    member: Option<Member>,
    /// A std mutex: held to count and decide, never across an await.
    state: Mutex<State>,
}

/// What happens to those who let others go first.
#[derive(Debug, Default)]
struct Passed {
    /// Requests served before them since their last.
    by: AtomicUsize,
    /// One of theirs has everything but the next turn of the budget.
    ready: AtomicUsize,
}

impl Passed {
    /// Whether enough went first.
    fn is_due(&self) -> bool {
        self.by.load(Ordering::Acquire) >= MONEY_PER_LOOK
    }

    /// Whether the next turn is theirs, and they can take it.
    fn takes_the_next(&self) -> bool {
        self.is_due() && is_any(&self.ready)
    }

    fn served(&self) {
        self.by.store(0, Ordering::Release);
    }

    fn passed(&self) {
        self.by.fetch_add(1, Ordering::AcqRel);
    }
}

#[derive(Debug)]
struct State {
    used: UsedSeconds,
    /// Looks since the start.
    looks: u64,
    strain: Strain,
    last: Option<Duration>,
}

/// Why there is no leave yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotYet {
    /// It may be there after this long.
    For(Duration),
    /// Something rings first.
    Turn,
}

impl Pacer {
    /// A pacer for `budget`, its bucket empty.
    pub fn new(budget: &Budget) -> Self {
        Self::with(budget, None)
    }

    /// A pacer whose every request is one of `shared`, too.
    pub fn sharing(budget: &Budget, shared: &Arc<SharedBudget>) -> Self {
        Self::with(budget, Some(shared.join()))
    }

    fn with(budget: &Budget, member: Option<Member>) -> Self {
        let places = budget.in_flight.get();
        // One at the least where there are two, and never all.
        let reserve = usize::try_from(budget.reserve).unwrap_or(0);
        let kept = (places * reserve).div_ceil(100).min(places - 1);
        Self {
            bucket: Bucket::new(budget.period, budget.burst),
            start: Instant::now(),
            reserve: budget.reserve,
            places: Arc::new(Semaphore::new(places)),
            open_places: Arc::new(Semaphore::new(places - kept)),
            turns: Default::default(),
            money_waiting: AtomicUsize::new(0),
            sends_waiting: AtomicUsize::new(0),
            registrations_waiting: AtomicUsize::new(0),
            changed: Arc::new(Notify::new()),
            looks: Passed::default(),
            registrations: Passed::default(),
            period: budget.period,
            daily: budget.daily.map(|limit| Daily::new(limit, budget.reserve)),
            attention: Notify::new(),
            member,
            state: Mutex::new(State { used: UsedSeconds::default(), looks: 0, strain: Strain::NONE, last: None }),
        }
    }

    /// Waits for a place in flight, then for the budget. Cancelling the wait costs nothing.
    pub async fn permit(&self, purpose: Purpose) -> Permit {
        let _money = purpose.is_money().then(|| Waiting::announce(self, &self.money_waiting));
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
        // A turn at the shared budget is waited for only while everything of our own is there: others do not wait for
        // us.
        let mut turn = None;
        // Whoever has let enough go first keeps his place until his turn, and is known to be ready for it.
        let mut held: Option<(Place, Waiting<'_>)> = None;
        loop {
            let mut rung = pin!(self.changed.notified());
            rung.as_mut().enable();
            if self.another_goes_first(purpose) {
                (turn, held) = (None, None);
                rung.await;
                continue;
            }
            let (place, ready) = if let Some((place, ready)) = held.take() {
                (place, Some(ready))
            } else if let Some(place) = self.free_place(purpose) {
                (place, None)
            } else {
                turn = None;
                let place = self.place_in_flight(purpose).await;
                // Places come in the order in which they were asked for: whoever's turn it is passes his place on while
                // something more urgent waits behind him.
                if self.another_goes_first(purpose) {
                    continue;
                }
                (place, None)
            };
            match self.take(purpose, &mut turn) {
                Ok(()) => return Permit { _in_flight: place },
                Err(NotYet::Turn) => {
                    drop((place, ready));
                    rung.await;
                }
                Err(NotYet::For(wait)) => {
                    // Nobody else keeps his place while he waits for the budget: looks that stand back for money would
                    // otherwise hold the very places that money waits for.
                    held = self
                        .has_let_enough_go_first(purpose)
                        .map(|passed| (place, ready.unwrap_or_else(|| Waiting::announce(self, &passed.ready))));
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = rung => {}
                    }
                }
            }
        }
    }

    /// `least`, or as long as two turns of the budget take where that is longer: a budget of one request a minute lets
    /// nobody wait for less.
    pub fn patience(&self, least: Duration) -> Duration {
        least.max(self.turn_takes().saturating_mul(2))
    }

    /// The time that the budget gives each request: longer while the bank bears less, and where a shared budget or a
    /// daily quota, which looks are to make last, gives less.
    pub fn period(&self) -> Duration {
        self.turn_takes().max(self.daily.as_ref().map_or(Duration::ZERO, Daily::period))
    }

    fn turn_takes(&self) -> Duration {
        let own = self.lock().strain.spacing(self.bucket.period(), self.start.elapsed());
        self.member.as_ref().map_or(own, |member| own.max(member.period()))
    }

    /// How long until a look would leave `percent` of what can be saved up to whoever cannot wait, beside what is kept
    /// for money. Nothing of a bucket too small for that.
    pub fn until_spare(&self, percent: u32) -> Duration {
        self.bucket.wait(self.reserve.saturating_add(percent))
    }

    /// Takes in that the bank answered a request, sent at `sent_at`, with "too many" or "not now": 429 or 503, and how
    /// long it asks to be left alone. Everything waits for that, money too, which then goes first.
    pub fn too_many(&self, sent_at: Instant, retry_after: Option<Duration>) {
        let now = self.start.elapsed();
        self.lock().strain.too_many(sent_at.saturating_duration_since(self.start), retry_after, now);
        self.attention.notify_one();
    }

    /// The share of the budget that the bank bears just now, in per mille; the whole unless it complained of late.
    pub fn borne_per_mille(&self) -> u32 {
        self.lock().strain.share(self.start.elapsed())
    }

    /// Whether the bank complained of too many requests of late, so that fewer are sent.
    pub fn is_throttled(&self) -> bool {
        self.lock().strain.is_felt(self.start.elapsed())
    }

    /// Requests for which leave was given since the start.
    pub fn served(&self) -> u64 {
        self.lock().used.total
    }

    /// Of these, those for looks.
    pub fn served_to_looks(&self) -> u64 {
        self.lock().looks
    }

    /// Requests of the last minute as a share of what the budget allows, in per mille.
    pub fn used_per_mille(&self) -> u64 {
        let used = u128::from(self.lock().used.in_last_minute(self.start.elapsed().as_secs()));
        let allowed_nanos = Duration::from_secs(60).as_nanos();
        u64::try_from(used * 1_000 * self.period.as_nanos() / allowed_nanos).unwrap_or(u64::MAX)
    }

    /// Gives up whatever was saved up before the first request: while a reload lets those before it finish, they spend
    /// it.
    pub fn begin_empty(&self) {
        while self.bucket.take() {}
        if let Some(member) = &self.member {
            member.begin_empty();
        }
    }

    /// Returns when a block of the daily quota is wanted, or what the bank bears has changed.
    pub async fn wants_attention(&self) {
        self.attention.notified().await;
    }

    /// The daily quota, where there is one, and how much of it is written down at a time.
    pub fn daily_block(&self) -> Option<(NonZeroU32, u32)> {
        self.daily.as_ref().map(|daily| (daily.limit(), daily.block()))
    }

    /// Whether a block of the daily quota is wanted now.
    pub fn wants_block(&self) -> bool {
        self.daily.as_ref().is_some_and(Daily::wants)
    }

    /// Gives up what is left of the present block of the daily quota; that many were not spent.
    pub fn give_back(&self) -> u32 {
        let _state = self.lock();
        self.daily.as_ref().map_or(0, Daily::give_back)
    }

    /// Hands over requests of the daily quota that were written down.
    pub fn fill(&self, block: Block) {
        if self.daily.as_ref().is_some_and(|daily| daily.fill(block)) {
            self.changed.notify_waiters();
        }
    }

    /// Whether looks wait because the daily quota is used up but for what is kept for money.
    pub fn is_used_up(&self) -> bool {
        self.daily.as_ref().is_some_and(Daily::is_used_up)
    }

    /// Takes one request of everything that limits it, or of nothing.
    fn take<'a>(&'a self, purpose: Purpose, turn: &mut Option<Turn<'a>>) -> Result<(), NotYet> {
        let mut state = self.lock();
        let now = self.start.elapsed();
        let kept = if purpose.is_money() || self.has_let_enough_go_first(purpose).is_some() { 0 } else { self.reserve };
        let of_the_bank = state.strain.wait(state.last, self.bucket.period(), now);
        let wait = self.bucket.wait(kept).max(of_the_bank);
        if !wait.is_zero() {
            *turn = None;
            return Err(NotYet::For(wait));
        }
        let checked = self.daily.as_ref().map(|daily| daily.check(purpose, || self.attention.notify_one()));
        if let Some(Err(not_yet)) = checked {
            *turn = None;
            return Err(not_yet);
        }
        if let Some(member) = &self.member {
            turn.get_or_insert_with(|| member.wait(purpose, &self.changed)).take(kept)?;
        }
        if !self.bucket.take() {
            return Err(NotYet::For(self.bucket.period()));
        }
        if let Some(daily) = &self.daily {
            daily.spend();
        }
        state.last = Some(now);
        state.used.count(now.as_secs());
        match purpose {
            Purpose::Look => {
                state.looks = state.looks.saturating_add(1);
                self.looks.served();
            }
            Purpose::Register => {
                self.registrations.served();
                self.looks.passed();
            }
            Purpose::Money | Purpose::Send => {
                self.registrations.passed();
                self.looks.passed();
            }
        }
        Ok(())
    }

    fn free_place(&self, purpose: Purpose) -> Option<Place> {
        let open =
            if purpose.is_money() { None } else { Some(Arc::clone(&self.open_places).try_acquire_owned().ok()?) };
        let of_all = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { _of_all: of_all, _of_the_open: open })
    }

    async fn place_in_flight(&self, purpose: Purpose) -> Place {
        let open = if purpose.is_money() { None } else { Some(one_of(&self.open_places).await) };
        Place { _of_all: one_of(&self.places).await, _of_the_open: open }
    }

    fn another_goes_first(&self, purpose: Purpose) -> bool {
        // A send rests on an answer that grows old, and there is a question for each: they never take all there is.
        if purpose != Purpose::Send && is_any(&self.sends_waiting) {
            return true;
        }
        match purpose {
            Purpose::Send => false,
            Purpose::Money => self.looks.takes_the_next() || self.registrations.takes_the_next(),
            Purpose::Register => {
                self.looks.takes_the_next() || (self.is_outranked(purpose) && !self.registrations.is_due())
            }
            Purpose::Look => self.is_outranked(purpose) && !self.looks.is_due(),
        }
    }

    /// Whether something more urgent waits.
    fn is_outranked(&self, purpose: Purpose) -> bool {
        let registrations = purpose == Purpose::Look && is_any(&self.registrations_waiting);
        registrations || (!purpose.is_money() && is_any(&self.money_waiting))
    }

    /// Who lets others go first, while enough of them did and more of them wait: what is kept for money has served its
    /// purpose then.
    fn has_let_enough_go_first(&self, purpose: Purpose) -> Option<&Passed> {
        let passed = match purpose {
            Purpose::Look => &self.looks,
            Purpose::Register => &self.registrations,
            Purpose::Money | Purpose::Send => return None,
        };
        (passed.is_due() && self.is_outranked(purpose)).then_some(passed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_any(waiting: &AtomicUsize) -> bool {
    waiting.load(Ordering::Acquire) > 0
}

async fn one_of(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    match Arc::clone(places).acquire_owned().await {
        Ok(place) => place,
        // The semaphore is never closed while the pacer lives.
        Err(_) => std::future::pending().await,
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
        self.pacer.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
