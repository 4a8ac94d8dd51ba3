//! What is to be written down of an endpoint, and when: only what differs from the database's rows, many events at once.
//!
//! An event that was taken before it was ever written down leaves no trace but the endpoint's place in the journal.

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::domain::delivery::{Backlog, Delivery};
use crate::domain::time::Timestamp;
use crate::store::{Checkpoint, EndpointState};

use super::CHECKPOINT_EVERY;

/// Changes after which they are written down at once, however lately that was done.
const CHANGES_MAX: usize = 256;

/// What differs from what is written down.
pub(super) struct Shelf {
    /// Events that have a row.
    stored: BTreeSet<i64>,
    /// Events whose row is other than it should be.
    changed: BTreeSet<i64>,
    given_up: Vec<Delivery>,
    tried_at: Option<Timestamp>,
    replayed: Option<(i64, Option<i64>)>,
    /// Whether there is something to write down.
    has_news: bool,
    /// Nothing is written down before.
    not_before: Instant,
}

impl Shelf {
    /// Nothing differs from `state`.
    pub(super) fn of(state: &EndpointState) -> Self {
        Self {
            stored: state.waiting.iter().map(|delivery| delivery.seq).collect(),
            changed: BTreeSet::new(),
            given_up: Vec::new(),
            tried_at: None,
            replayed: None,
            has_news: false,
            not_before: Instant::now(),
        }
    }

    /// An event waits, or waits otherwise.
    pub(super) fn changed(&mut self, seq: i64) {
        self.changed.insert(seq);
        self.has_news = true;
    }

    /// Everything waits otherwise.
    pub(super) fn all_changed(&mut self, backlog: &Backlog) {
        self.changed.extend(backlog.waiting().map(|delivery| delivery.seq));
        self.has_news = true;
    }

    /// An event has a row, whatever stands in it.
    pub(super) fn has_row(&mut self, seq: i64) {
        self.stored.insert(seq);
    }

    /// An event waits no more.
    pub(super) fn settled(&mut self, seq: i64) {
        if self.stored.contains(&seq) {
            self.changed.insert(seq);
        } else {
            self.changed.remove(&seq);
        }
        self.has_news = true;
    }

    /// An event was given up.
    pub(super) fn given_up(&mut self, delivery: Delivery) {
        self.changed.remove(&delivery.seq);
        self.given_up.push(delivery);
        self.has_news = true;
    }

    /// The endpoint's place in the journal is another.
    pub(super) const fn moved(&mut self) {
        self.has_news = true;
    }

    /// It was told something.
    pub(super) const fn tried(&mut self, now: Timestamp) {
        self.tried_at = Some(now);
        self.has_news = true;
    }

    /// A replay has come to an event, or to its end.
    pub(super) const fn replayed(&mut self, id: i64, next: Option<i64>) {
        self.replayed = Some((id, next));
        self.has_news = true;
    }

    /// Whether the end of a replay is still to be written down.
    pub(super) const fn has_replayed(&self) -> bool {
        self.replayed.is_some()
    }

    pub(super) const fn has_news(&self) -> bool {
        self.has_news
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.has_news && (now >= self.not_before || self.changed.len() + self.given_up.len() >= CHANGES_MAX)
    }

    /// When something is written down next.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.has_news.then_some(self.not_before)
    }

    /// Nothing is written down before `later`.
    pub(super) fn rest(&mut self, later: Instant) {
        self.not_before = self.not_before.max(later);
    }

    /// All that differs.
    pub(super) fn checkpoint(&self, cursor: i64, backlog: &Backlog) -> Checkpoint {
        let (waiting, settled): (Vec<i64>, Vec<i64>) =
            self.changed.iter().partition(|seq| backlog.get(**seq).is_some());
        Checkpoint {
            cursor,
            tried_at: self.tried_at,
            down_since: backlog.down_since(),
            waiting: waiting.into_iter().filter_map(|seq| backlog.get(seq).cloned()).collect(),
            settled,
            given_up: self.given_up.clone(),
            replayed: self.replayed,
        }
    }

    /// It was written down.
    pub(super) fn kept(&mut self, backlog: &Backlog, now: Instant) {
        for seq in std::mem::take(&mut self.changed) {
            if backlog.get(seq).is_some() {
                self.stored.insert(seq);
            } else {
                self.stored.remove(&seq);
            }
        }
        for delivery in std::mem::take(&mut self.given_up) {
            self.stored.remove(&delivery.seq);
        }
        (self.tried_at, self.replayed, self.has_news) = (None, None, false);
        self.not_before = now + CHECKPOINT_EVERY;
    }
}
