//! One budget for several logins, as where a gateway's host counts them together: each login's own limit holds, and
//! this.
//!
//! Sends go before questions about money, and these before everything else, whosesoever they are; among alike, whoever
//! was served the longest ago goes first. So a login with a hundred times the load of another moves it by a request,
//! not by its queue.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::bucket::Bucket;
use super::{MONEY_PER_LOOK, NotYet, Purpose};

/// A budget that several logins share.
#[derive(Debug)]
pub struct SharedBudget {
    bucket: Bucket,
    /// A std mutex: held to decide whose turn it is, never across an await.
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Those who have everything else and wait for this alone, by ticket.
    waiting: BTreeMap<u64, Ticket>,
    /// When each login was last served, counted in requests.
    served: BTreeMap<u64, u64>,
    /// Counts logins, tickets and requests.
    count: u64,
    /// Money requests in a row.
    money_in_a_row: usize,
}

#[derive(Debug)]
struct Ticket {
    member: u64,
    purpose: Purpose,
    bell: Arc<Notify>,
}

impl SharedBudget {
    /// A request every `period`, and up to `burst` saved up; its bucket is empty.
    pub fn new(period: Duration, burst: NonZeroU32) -> Arc<Self> {
        Arc::new(Self { bucket: Bucket::new(period, burst), queue: Mutex::default() })
    }

    pub(super) fn join(self: &Arc<Self>) -> Member {
        let mut queue = self.lock();
        let id = queue.next();
        // Whoever comes new is served next, once.
        queue.served.insert(id, 0);
        drop(queue);
        Member { shared: Arc::clone(self), id }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    const fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// The ticket that is served next.
    fn first(&self) -> Option<u64> {
        // Nothing starves here either.
        let is_for_looks = self.money_in_a_row >= MONEY_PER_LOOK;
        let turn = |(id, ticket): &(&u64, &Ticket)| {
            let rank = match ticket.purpose {
                Purpose::Look | Purpose::Register if is_for_looks => 0,
                Purpose::Send => 1,
                Purpose::Money => 2,
                Purpose::Look | Purpose::Register => 3,
            };
            (rank, self.served.get(&ticket.member).copied().unwrap_or_default(), **id)
        };
        self.waiting.iter().min_by_key(turn).map(|(id, _)| *id)
    }

    fn ring(&self) {
        for ticket in self.waiting.values() {
            ticket.bell.notify_waiters();
        }
    }
}

/// One login of those that share it.
#[derive(Debug)]
pub(super) struct Member {
    shared: Arc<SharedBudget>,
    id: u64,
}

impl Member {
    /// Waits for a turn; `bell` rings when it may have come.
    pub(super) fn wait(&self, purpose: Purpose, bell: &Arc<Notify>) -> Turn<'_> {
        let mut queue = self.shared.lock();
        let id = queue.next();
        queue.waiting.insert(id, Ticket { member: self.id, purpose, bell: Arc::clone(bell) });
        Turn { shared: &self.shared, id }
    }

    /// Gives up whatever was saved up.
    pub(super) fn begin_empty(&self) {
        while self.shared.bucket.take() {}
    }

    /// The time that the shared budget gives each request of all.
    pub(super) fn period(&self) -> Duration {
        self.shared.bucket.period()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.shared.lock().served.remove(&self.id);
    }
}

/// A place among those who wait. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    shared: &'a SharedBudget,
    id: u64,
}

impl Turn<'_> {
    /// Takes a request that leaves `kept` per cent of the bucket to others, if it is ours to take.
    pub(super) fn take(&mut self, kept: u32) -> Result<(), NotYet> {
        let mut queue = self.shared.lock();
        if queue.first() != Some(self.id) {
            return Err(NotYet::Turn);
        }
        let wait = self.shared.bucket.wait(kept);
        if !wait.is_zero() {
            return Err(NotYet::For(wait));
        }
        if !self.shared.bucket.take() {
            return Err(NotYet::For(self.shared.bucket.period()));
        }
        if let Some(ticket) = queue.waiting.remove(&self.id) {
            let now = queue.next();
            queue.served.insert(ticket.member, now);
            let is_money = ticket.purpose.is_money();
            queue.money_in_a_row = if is_money { queue.money_in_a_row.saturating_add(1) } else { 0 };
        }
        queue.ring();
        Ok(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        if queue.waiting.remove(&self.id).is_some() {
            queue.ring();
        }
    }
}
