//! What one endpoint has not taken yet, and what it is told next.
//!
//! Of each order only the earliest event that waits may go; the orders go side by side, the longest waiting first. How
//! many go at once is the shell's to say.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{ASKED_MAX, DOWN_AFTER, Delivery, Outcome, RETRY_FOR, Verdict, WINDOW, backoff, granted};
use crate::domain::order::OrderNumber;
use crate::domain::time::Timestamp;

/// What waits for one endpoint, and how the endpoint is.
#[derive(Clone, Debug)]
pub struct Backlog {
    waiting: BTreeMap<i64, Delivery>,
    under_way: BTreeSet<i64>,
    /// Orders of which something failed since something went through last; no more than tell that it is down.
    failed: BTreeSet<OrderNumber>,
    /// Since when it takes nothing.
    down_since: Option<Timestamp>,
    /// How often it was asked in vain since.
    probes: u32,
    /// Nothing is told before.
    not_before: Option<Timestamp>,
}

/// What became of an event with a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is with the shop.
    Delivered,
    /// It is told again at this time.
    Again(Timestamp),
    /// It was told for long enough.
    GivenUp(Delivery),
    /// The endpoint wants no more; the event waits in case that somebody brings it back.
    Gone,
}

impl Backlog {
    /// What was waiting when it was written down last, for an endpoint that is down since then, if it was.
    pub fn of(waiting: Vec<Delivery>, down_since: Option<Timestamp>) -> Self {
        Self {
            waiting: waiting.into_iter().map(|delivery| (delivery.seq, delivery)).collect(),
            under_way: BTreeSet::new(),
            failed: BTreeSet::new(),
            down_since,
            probes: 0,
            not_before: None,
        }
    }

    /// How many more may wait here.
    pub fn room(&self) -> usize {
        WINDOW.saturating_sub(self.waiting.len())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What waits, oldest event first.
    pub fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        self.waiting.values()
    }

    /// What is known of an event that waits.
    pub fn get(&self, seq: i64) -> Option<&Delivery> {
        self.waiting.get(&seq)
    }

    /// Since when the endpoint takes nothing; `None` while it does.
    pub const fn down_since(&self) -> Option<Timestamp> {
        self.down_since
    }

    /// Lets an event wait here; one that does already waits on.
    pub fn admit(&mut self, delivery: Delivery) {
        self.waiting.entry(delivery.seq).or_insert(delivery);
    }

    /// The event that is told now, and is under way from here on; `None` where none is due.
    pub fn take(&mut self, now: Timestamp) -> Option<i64> {
        if self.pause_until(now).is_some_and(|until| until > now) {
            return None;
        }
        let seq = if self.down_since.is_some() { self.probe()? } else { self.first_due(now)? };
        self.under_way.insert(seq);
        Some(seq)
    }

    /// When something may be due next; `None` while only what is under way can change that.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let earliest = if self.down_since.is_some() {
            self.probe().map(|_| now)
        } else {
            self.heads().filter(|head| !self.under_way.contains(&head.seq)).map(|head| due_at(head, now)).min()
        };
        earliest.map(|at| self.pause_until(now).map_or(at, |until| at.max(until)))
    }

    /// What came of telling the event `seq`.
    pub fn settle(&mut self, seq: i64, outcome: &Outcome, now: Timestamp, random: u16) -> Settled {
        self.under_way.remove(&seq);
        match outcome.verdict {
            Verdict::Delivered => {
                self.waiting.remove(&seq);
                self.is_there(now);
                Settled::Delivered
            }
            Verdict::Gone => {
                if let Some(delivery) = self.waiting.get_mut(&seq) {
                    delivery.words = Some(outcome.words.clone());
                }
                Settled::Gone
            }
            Verdict::Throttled
            | Verdict::Redirected
            | Verdict::Refused
            | Verdict::Failed
            | Verdict::TimedOut
            | Verdict::Unreachable
            | Verdict::Forbidden => self.fail(seq, outcome, now, random),
        }
    }

    /// The event `seq` was not told after all, through no fault of the endpoint's: it is at `again`.
    pub fn put_back(&mut self, seq: i64, again: Timestamp) {
        self.under_way.remove(&seq);
        if let Some(delivery) = self.waiting.get_mut(&seq) {
            delivery.next_try_at = again;
        }
    }

    /// Takes out what waited for as long as an event is told while the endpoint took nothing at all in that time.
    pub fn give_up_on_the_dead(&mut self, now: Timestamp) -> Vec<Delivery> {
        let is_over = |since: Timestamp| now.since(since) >= RETRY_FOR;
        if !self.down_since.is_some_and(is_over) {
            return Vec::new();
        }
        let is_left = |delivery: &&Delivery| !self.under_way.contains(&delivery.seq) && is_over(delivery.admitted_at);
        let over: Vec<i64> = self.waiting.values().filter(is_left).map(|delivery| delivery.seq).collect();
        over.into_iter().filter_map(|seq| self.waiting.remove(&seq)).collect()
    }

    /// Forgets all waiting that is left of this: somebody has brought the endpoint back, and it starts anew.
    pub fn begin_anew(&mut self, now: Timestamp) {
        let waiting = std::mem::take(&mut self.waiting).into_values().map(|delivery| delivery.anew(now)).collect();
        // What is under way goes on.
        let under_way = std::mem::take(&mut self.under_way);
        *self = Self { under_way, ..Self::of(waiting, None) };
    }

    fn fail(&mut self, seq: i64, outcome: &Outcome, now: Timestamp, random: u16) -> Settled {
        let Some(delivery) = self.waiting.get_mut(&seq) else {
            return Settled::Again(now);
        };
        let first = *delivery.first_tried_at.get_or_insert(now);
        delivery.failures = delivery.failures.saturating_add(1);
        delivery.words = Some(outcome.words.clone());
        let asked = outcome.retry_after.map(granted);
        let again = now.plus(asked.unwrap_or_else(|| backoff(delivery.failures, random)));
        // The last try is at the end of the time, not somewhere before it.
        let end = first.plus(RETRY_FOR);
        delivery.next_try_at = again.min(end);
        let number = delivery.number.clone();
        if let Some(asked) = asked.filter(|_| outcome.verdict == Verdict::Throttled) {
            self.pause(now.plus(asked));
        }
        self.is_missing(number, now, random);
        if now < end {
            return Settled::Again(again.min(end));
        }
        match self.waiting.remove(&seq) {
            Some(delivery) => Settled::GivenUp(delivery),
            None => Settled::Again(now),
        }
    }

    /// Something went through: whatever waited because the endpoint was down goes now.
    fn is_there(&mut self, now: Timestamp) {
        self.failed.clear();
        if self.down_since.take().is_some() {
            self.probes = 0;
            self.not_before = None;
            for delivery in self.waiting.values_mut() {
                delivery.next_try_at = now;
            }
        }
    }

    /// Something of this order failed.
    fn is_missing(&mut self, number: OrderNumber, now: Timestamp, random: u16) {
        if self.down_since.is_none() {
            self.failed.insert(number);
            if self.failed.len() < DOWN_AFTER {
                return;
            }
            self.failed.clear();
            self.down_since = Some(now);
        }
        self.probes = self.probes.saturating_add(1);
        self.pause(now.plus(backoff(self.probes, random)));
    }

    fn pause(&mut self, until: Timestamp) {
        self.not_before = Some(self.not_before.map_or(until, |before| before.max(until)));
    }

    /// Until when nothing is told. What was set by a clock that went ahead does not hold.
    fn pause_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|until| until.since(now) <= ASKED_MAX)
    }

    /// The event that asks whether the endpoint is there again: one at a time, the one that failed least, so that an
    /// event that no endpoint would take keeps nobody waiting.
    fn probe(&self) -> Option<i64> {
        if !self.under_way.is_empty() {
            return None;
        }
        self.heads().min_by_key(|head| (head.failures, head.seq)).map(|head| head.seq)
    }

    fn first_due(&self, now: Timestamp) -> Option<i64> {
        let mut due = self.heads().filter(|head| !self.under_way.contains(&head.seq));
        due.find(|head| due_at(head, now) <= now).map(|head| head.seq)
    }

    /// The earliest event of each order, oldest first.
    fn heads(&self) -> impl Iterator<Item = &Delivery> {
        let mut seen = HashSet::new();
        self.waiting.values().filter(move |delivery| seen.insert(&delivery.number))
    }
}

/// When it is told next; at once where that was set by a clock that went ahead.
fn due_at(delivery: &Delivery, now: Timestamp) -> Timestamp {
    if delivery.next_try_at.since(now) > ASKED_MAX { now } else { delivery.next_try_at }
}
