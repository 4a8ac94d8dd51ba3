//! The engine of looks: which order is looked at next, and when none is worth it.
//!
//! Whatever is due stands in a queue by what a look at it is worth; leave to send is waited for first, and the most
//! worthy is taken when it is there. Under no load that is the order in which they fall due; after an outage it spends
//! the budget where it matters. What was planned while looks were cheaper, and is not worth today's price, is put off
//! without a question to the bank.
//!
//! While the bank tells nothing, only probes are sent, the most worthy first, and what is due stays due. When it tells
//! something again, that is worked off in the same order.
//!
//! It does not know where orders are kept nor who answers: the daemon runs it on the database and the gateway, and
//! `simulate` on a workload in virtual time.

mod lore;
mod steering;

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::domain::order::OrderKey;
use crate::domain::polling::{self, Due, Standing};
use crate::domain::time::Timestamp;
use crate::domain::weather::Prober;
use crate::gateway::{Leaving, Pacer, Permit, Sky};

use super::{Purpose, told_to_stop};

pub(crate) use lore::Lore;
use steering::{Steering, Waits};

/// So many of those that are due are ranked at a time, the longest due first: some megabytes at most.
const RANKED_MAX: usize = 50_000;

/// A ranking is made anew this often while some of it is left: what a look is worth changes with every second.
const RANKED_FOR: Duration = Duration::from_secs(1);

/// While so many more are ranked, another as long again, up to a minute and a half: each takes a moment to rank.
const MANY: usize = 175;
const RANKED_FOR_MOST: u32 = 90;

/// A bell that rings all the time does not have everything ranked all the time. Of many, it is as much rarer as above.
const RANKED_APART: Duration = Duration::from_millis(100);

/// What is worth so many times the price cannot wait: a page has just closed. It is looked at as soon as the budget
/// allows, and finds something left.
const URGENT: f64 = 4.0;

/// Per cent of what can be saved up that is left for those by looks that can wait a little. It costs nothing: what is
/// saved up once is spent a moment later.
const SPARE: u32 = 40;

/// Until that is there, they leave every other turn of the budget to be saved. No more: what money takes out of it again
/// and again would keep them waiting for minutes.
const SAVED_OF: u32 = 2;

/// No look was worth its price for so long, and for so many turns of the budget: the price is too high.
const IDLE_FOR: Duration = Duration::from_secs(1);
const IDLE_TURNS: u32 = 5;

/// So often it is looked whether callbacks have failed to come.
const SETTLED_EVERY: Duration = Duration::from_secs(1);

/// So many are put off in one write.
const PUT_OFF_MAX: usize = 1_000;

/// Where the engine's orders are kept, and who answers for them.
pub(crate) trait Book: Clone + Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Up to `limit` orders whose look is due, the longest due first.
    fn due(&self, now: Timestamp, limit: usize) -> impl Future<Output = Option<Vec<Due>>> + Send;

    /// When the next look falls due of those that are due later than `after`.
    fn next_due(&self, after: Timestamp) -> impl Future<Output = Option<Timestamp>> + Send;

    /// Plans looks for later that were due and are not worth it; an order that was planned anew meanwhile is left
    /// alone.
    fn put_off(&self, looks: Vec<(Due, Timestamp)>) -> impl Future<Output = ()> + Send;

    /// Takes in the callbacks that came.
    fn hear(&self);

    /// The bank's callbacks were taken for the first, and are for the second now. Those that were trusted and are no
    /// more call for looks at whatever [`Lore::sooner`] says.
    fn turned(&self, before: Standing, after: Standing) -> impl Future<Output = ()> + Send;

    /// What was learned so far was just worked into the plans.
    fn renewed(&self) -> impl Future<Output = ()> + Send;

    /// Looks at an order, and writes down what came of it.
    fn look(&self, due: Due, permit: Permit) -> impl Future<Output = ()> + Send;
}

/// Works until told to stop; then finishes the looks that are in hand.
pub(crate) struct Engine<B> {
    book: B,
    lore: Lore,
    sky: Sky,
    /// Looks by at least so often at what is due.
    at_least_every: Duration,
    looks: JoinSet<OrderKey>,
    claimed: HashSet<OrderKey>,
    /// Those whose looks were probes since the breaker opened: the next probe is another's.
    probed: HashSet<OrderKey>,
    ranked: Vec<(f64, Due)>,
    ranked_at: Option<Instant>,
    /// Whatever was due by then was read.
    read_at: Timestamp,
    /// Something may have fallen due that is worth more than what is ranked.
    is_stale: bool,
    /// A look has ended, and its order may be due again: worth knowing once nothing else is left.
    has_ended: bool,
    /// When leave was last sought for the most worthy.
    sought_at: Instant,
    /// Nothing that is due is worth the price, which falls then.
    falls_at: Option<Instant>,
    steering: Steering,
    settled_at: Instant,
}

impl<B: Book> Engine<B> {
    pub(crate) fn new(book: B, lore: Lore, sky: Sky, at_least_every: Duration) -> Self {
        let read_at = book.now();
        Self {
            book,
            lore,
            sky,
            read_at,
            at_least_every,
            looks: JoinSet::new(),
            claimed: HashSet::new(),
            probed: HashSet::new(),
            ranked: Vec::new(),
            ranked_at: None,
            is_stale: true,
            has_ended: false,
            sought_at: Instant::now(),
            falls_at: None,
            steering: Steering::begin(),
            settled_at: Instant::now(),
        }
    }

    /// Runs. `bell` rings when something may have fallen due; `is_open` says whether anything may be asked at all;
    /// `beat` is called every time round.
    pub(crate) async fn run(
        mut self,
        pacer: &Pacer,
        bell: impl Bell,
        is_open: impl Fn() -> bool,
        beat: impl Fn(),
        mut stop: watch::Receiver<bool>,
    ) {
        let mut bell = bell;
        let mut leave: Option<Waiting<'_>> = None;
        loop {
            beat();
            let freed = self.sky.freed();
            if self.steer(pacer) {
                self.book.renewed().await;
            }
            self.heed_callbacks().await;
            let mut wait = self.at_least_every;
            if !is_open() || leave.as_ref().is_some_and(|leave| !self.sky.still_lets(&leave.leaving)) {
                leave = None;
            }
            if leave.is_some() {
                self.rank(pacer).await;
                // For nothing, no turn of the budget is taken.
                leave = leave.filter(|_| !self.ranked.is_empty());
            }
            if is_open() && leave.is_none() {
                match self.seek_leave(pacer).await {
                    Ok(waiting) => leave = Some(waiting),
                    Err(not_yet) => wait = wait.min(not_yet),
                }
            }
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => break,
                permit = given(&mut leave) => {
                    if let Some(Waiting { leaving, .. }) = leave.take() {
                        self.look(permit, leaving);
                    }
                }
                Some(done) = self.looks.join_next() => self.release(done),
                () = bell.rings() => self.is_stale = true,
                () = freed => self.is_stale = true,
                // While the next permit is waited for, a ranking is good for as long as it says.
                () = tokio::time::sleep(wait) => self.is_stale |= leave.is_none() || self.ranked.is_empty(),
            }
            while let Some(done) = self.looks.try_join_next() {
                self.release(done);
            }
        }
        drop(leave);
        while let Some(done) = self.looks.join_next().await {
            self.release(done);
        }
    }

    /// Leave for the most worthy and the permit to wait for, or how long there is nothing to be had.
    async fn seek_leave<'pacer>(&mut self, pacer: &'pacer Pacer) -> Result<Waiting<'pacer>, Duration> {
        let not_yet = self.sky.wait(Prober::Look);
        if !not_yet.is_zero() {
            return Err(not_yet);
        }
        self.rank(pacer).await;
        let spare = if self.can_wait() { self.until_spare(pacer) } else { Duration::ZERO };
        if self.ranked.is_empty() {
            let falls_in = self.falls_at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            return Err(falls_in.min(self.until_next_due().await));
        }
        if !spare.is_zero() {
            return Err(spare.min(self.until_next_due().await).max(Duration::from_millis(1)));
        }
        // Only now: leave to probe that is given back unused wakes everybody who waits for it.
        let leaving = self.sky.leave(Prober::Look)?;
        self.sought_at = Instant::now();
        Ok(Waiting { permit: Box::pin(pacer.permit(Purpose::Look)), leaving })
    }

    /// Takes the most worthy with the leave that was given. It may have grown dark while the permit was waited for.
    fn look(&mut self, permit: Permit, leaving: Leaving) {
        if !self.sky.still_lets(&leaving) {
            return;
        }
        let found = if leaving.is_probe() { self.take_for_a_probe() } else { self.ranked.pop() };
        if let Some((_, due)) = found
            && self.claimed.insert(due.key)
        {
            let (book, key) = (self.book.clone(), due.key);
            self.looks.spawn(async move {
                book.look(due, permit).await;
                drop(leaving);
                key
            });
        }
    }

    /// The most worthy that has not been a probe already, unless all have: a look that fails by itself must not stand
    /// for the weather for ever.
    fn take_for_a_probe(&mut self) -> Option<(f64, Due)> {
        let fresh = self.ranked.iter().rposition(|(_, due)| !self.probed.contains(&due.key));
        if fresh.is_none() {
            self.probed.clear();
        }
        let nth = fresh.or_else(|| self.ranked.len().checked_sub(1))?;
        let found = self.ranked.remove(nth);
        self.probed.insert(found.1.key);
        Some(found)
    }

    /// Reads what is due and ranks it, unless it was done just now.
    async fn rank(&mut self, pacer: &Pacer) {
        let times = u32::try_from(1 + self.ranked.len() / MANY).unwrap_or(u32::MAX).min(RANKED_FOR_MOST);
        let good_for = RANKED_FOR * times;
        let age = self.ranked_at.map_or(Duration::MAX, |at| at.elapsed());
        let is_due = if self.ranked.is_empty() {
            self.is_stale || self.has_ended || self.falls_at.is_some_and(|at| at <= Instant::now())
        } else {
            age >= good_for || (self.is_stale && age >= RANKED_APART * times)
        };
        if !is_due {
            return;
        }
        let now = self.book.now();
        let Some(mut due) = self.book.due(now, RANKED_MAX + self.claimed.len()).await else { return };
        due.retain(|due| !self.claimed.contains(&due.key));
        self.read_at = now;
        (self.ranked_at, self.is_stale, self.has_ended) = (Some(Instant::now()), false, false);
        self.falls_at = None;
        let mut ranked = self.lore.ranked(due, now);
        if let Some(best) = ranked.best_not_yet() {
            let idle_for = IDLE_FOR.max(pacer.period().saturating_mul(IDLE_TURNS));
            let still = idle_for.saturating_sub(self.sought_at.elapsed());
            if !still.is_zero() {
                // Put off now, they would not be there to be looked at when the price has fallen.
                self.ranked.clear();
                self.falls_at = Some(Instant::now() + still);
                return;
            }
            self.lore.lock().lower(best, &self.lore.policy);
            ranked = self.lore.ranked(ranked.not_yet.into_iter().map(|(due, ..)| due).collect(), now);
        }
        self.ranked = ranked.worthy;
        let mut put_off: Vec<_> = ranked.not_yet.into_iter().map(|(due, later, _)| (due, later)).collect();
        put_off.truncate(PUT_OFF_MAX);
        if !put_off.is_empty() {
            self.book.put_off(put_off).await;
        }
    }

    /// Whether the most worthy may wait until something is left over for those that cannot.
    fn can_wait(&self) -> bool {
        self.ranked.last().is_some_and(|(worth, _)| *worth < self.lore.lock().price().seconds() * URGENT)
    }

    /// How long to wait for something to be saved up.
    fn until_spare(&self, pacer: &Pacer) -> Duration {
        let turns = pacer.period().saturating_mul(SAVED_OF);
        pacer.until_spare(SPARE).min(turns.saturating_sub(self.sought_at.elapsed()))
    }

    /// What was due when it was last read is ranked, or claimed, whose end wakes us.
    async fn until_next_due(&self) -> Duration {
        let now = self.book.now();
        match self.book.next_due(self.read_at.min(now)).await {
            // What has fallen due since is read when it may be.
            Some(at) => at.since(now).clamp(RANKED_APART, self.at_least_every.max(RANKED_APART)),
            None => self.at_least_every,
        }
    }

    fn release(&mut self, done: Result<OrderKey, tokio::task::JoinError>) {
        self.has_ended = true;
        match done {
            Ok(key) => {
                self.claimed.remove(&key);
            }
            Err(error) => {
                tracing::error!(%error, "A look broke off; its order is due again");
                // Which one it was is not known any more: those still in hand are merely looked at once more.
                self.claimed.clear();
            }
        }
    }

    /// Takes in which callbacks came and which did not, and tells when that makes a difference.
    async fn heed_callbacks(&mut self) {
        self.book.hear();
        let turn = {
            let mut almanac = self.lore.lock();
            if self.settled_at.elapsed() >= SETTLED_EVERY {
                self.settled_at = Instant::now();
                almanac.callbacks().settle(self.book.now());
            }
            almanac.callbacks().turn()
        };
        if let Some((before, after)) = turn {
            self.steering.turned();
            self.book.turned(before, after).await;
            self.is_stale = true;
        }
    }

    /// Steers the price, and plans anew, when it is time to. Whether it planned anew.
    fn steer(&mut self, pacer: &Pacer) -> bool {
        if !self.steering.is_time() {
            return false;
        }
        if self.sky.is_open() {
            // What is not spent while nobody answers is no sign that looks are too dear.
            self.steering.pass_over(pacer);
            return false;
        }
        self.probed.clear();
        let now = self.book.now();
        let policy = &self.lore.policy;
        let waiting = self.ranked.iter().rev().map(|(worth, due)| match due {
            // What its bound makes of it is the more, the dearer looks are.
            due if polling::late_since(policy, due) <= now => Waits::Owed,
            // Found open since, it may be open for long.
            due if due.page.closes_at <= now && due.open_at < due.page.closes_at && !due.is_hinted => Waits::Closed,
            _ => Waits::Open(*worth),
        });
        let spending = self.steering.spent(pacer, waiting);
        let mut almanac = self.lore.lock();
        almanac.steer(spending, policy);
        almanac.renew(now)
    }
}

/// Something that rings when an order may have fallen due.
pub(crate) trait Bell {
    /// Returns when it has rung.
    fn rings(&mut self) -> impl Future<Output = ()> + Send;
}

/// Leave to ask, waiting for its turn in the budget.
struct Waiting<'a> {
    permit: Pin<Box<dyn Future<Output = Permit> + Send + 'a>>,
    leaving: Leaving,
}

async fn given(leave: &mut Option<Waiting<'_>>) -> Permit {
    match leave {
        Some(leave) => (&mut leave.permit).await,
        None => std::future::pending().await,
    }
}
