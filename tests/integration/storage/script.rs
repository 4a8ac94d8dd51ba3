//! What a shop and a daemon do to the store, drawn from a seed: orders enter, are looked at, held, and completed, alone
//! and several in one commit; now and then somebody checkpoints, or the process is started anew.
//!
//! Every change writes one event, and puts the event's words into the rows it changes, so that rows and journal can be
//! compared. What was acknowledged is remembered with the moment at which it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reconciled::domain::event::{Cause, EventKind, NewEvent};
use reconciled::domain::operation::{NewOperation, Operation, OperationKind, OperationState};
use reconciled::domain::order::{Heard, Hold, Order, OrderId, OrderKey, State};
use reconciled::domain::time::Timestamp;
use reconciled::store::{Added, Amendment, OpenError, OperationChange, Store};
use tokio::task::JoinSet;

use super::disk::Disk;
use crate::fixture::{order, shop};

/// 2026-11-20T09:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

/// One event that somebody was told is on disk.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// What had happened on the disk by then.
    pub(super) at: usize,
    pub(super) seq: i64,
    pub(super) number: String,
    pub(super) detail: String,
}

/// What was begun, and what somebody was told.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) told: Vec<Told>,
    /// The disk's position when each change was begun.
    pub(super) begun: Vec<usize>,
    /// Changes that ended in an error.
    pub(super) refused: usize,
    /// What was acknowledged and could not be read again in the same process: when, and the number and words.
    pub(super) unread: Vec<(usize, String)>,
}

pub(super) struct Script {
    path: PathBuf,
    disk: Arc<Disk>,
    rng: fastrand::Rng,
    store: Store,
    orders: Vec<(OrderKey, String)>,
    /// Counts every change that is tried, so that each has words of its own.
    tried: usize,
    /// When the change with these words was acknowledged.
    acknowledged: BTreeMap<String, usize>,
    pub(super) story: Story,
}

impl Script {
    /// Opens the database, which may fail where faults are about.
    pub(super) fn begin(path: &Path, disk: &Arc<Disk>, seed: u64) -> Result<Self, OpenError> {
        Ok(Self {
            path: path.to_owned(),
            disk: Arc::clone(disk),
            rng: fastrand::Rng::with_seed(seed),
            store: Store::open_or_create(path)?,
            orders: Vec::new(),
            tried: 0,
            acknowledged: BTreeMap::new(),
            story: Story::default(),
        })
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// The next process goes on where this one was killed, with `store` on `disk`, where all that was told lies
    /// already.
    pub(super) async fn hand_over(self, store: Store, disk: &Arc<Disk>) -> Self {
        let mut story = self.story;
        story.told.iter_mut().for_each(|told| told.at = 0);
        story.begun.fill(0);
        let mut next = Self { store, disk: Arc::clone(disk), story, ..self };
        next.listen().await;
        next
    }

    /// Ends it; the files are closed by then.
    pub(super) async fn end(mut self) -> Story {
        self.listen().await;
        drop(self.store);
        self.disk.wait_closed();
        Story { unread: self.acknowledged.into_iter().map(|(words, at)| (at, words)).collect(), ..self.story }
    }

    /// `steps` steps of everybody.
    pub(super) async fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            match self.rng.u8(..40) {
                _ if self.orders.len() < 3 => self.add().await,
                0..8 => self.add().await,
                8..36 => self.advance().await,
                36..38 => self.checkpoint(),
                38 => self.reopen(),
                _ => {}
            }
        }
    }

    /// Steps that a failing disk is shown: each kind once and more, always the same.
    pub(super) async fn run_short(&mut self) {
        for _ in 0..2 {
            self.add().await;
            for _ in 0..4 {
                self.advance().await;
            }
            self.checkpoint();
        }
        self.advance().await;
    }

    pub(super) async fn add(&mut self) {
        let count = self.rng.usize(1..4);
        let numbers: Vec<String> = (0..count).map(|index| format!("A-{}", self.tried + index)).collect();
        self.tried += count;
        self.story.begun.extend(std::iter::repeat_n(self.disk.position(), count));
        let new = numbers.iter().map(|number| order(number, 10_000)).collect();
        match self.store.add_orders(new, Cause::Shop, NOW).await {
            Ok(added) => {
                let at = self.disk.position();
                assert_eq!(added, vec![Added::New; count]);
                for number in numbers {
                    self.acknowledged.insert(format!("{number} entered the queue"), at);
                    if let Ok(found) = self.store.order(&shop(), &number).await {
                        self.orders.push((found.order.key, number));
                    }
                }
                self.listen().await;
            }
            Err(_) => self.story.refused += 1,
        }
    }

    /// Several orders go a step on, in one commit or a few.
    async fn advance(&mut self) {
        let count = self.rng.usize(1..5).min(self.orders.len());
        let chosen: Vec<(OrderKey, String)> =
            (0..count).map(|_| self.orders[self.rng.usize(..self.orders.len())].clone()).collect();
        let mut changes = JoinSet::new();
        for (key, number) in chosen {
            self.tried += 1;
            self.story.begun.push(self.disk.position());
            let (store, disk, tried) = (self.store.clone(), Arc::clone(&self.disk), self.tried);
            changes.spawn(async move {
                let changed = store.amend(key, NOW, move |order, open| next(order, open, tried)).await;
                changed.map(|words| (disk.position(), words.map(|words| format!("{number} {words}"))))
            });
        }
        while let Some(done) = changes.join_next().await {
            match done.unwrap() {
                Ok((at, Some(words))) => {
                    self.acknowledged.insert(words, at);
                }
                Ok((_, None)) => {}
                Err(_) => self.story.refused += 1,
            }
        }
        self.listen().await;
    }

    /// Reads on in the journal: what is read there is told to a shop, so it must last like what was acknowledged.
    async fn listen(&mut self) {
        let after = self.story.told.last().map_or(0, |told| told.seq);
        let Ok(events) = self.store.events_after(after, 1_000).await else { return };
        let read_at = self.disk.position();
        for event in events {
            let (number, detail) = (event.number.as_str().to_owned(), event.detail);
            let at = self.acknowledged.remove(&format!("{number} {detail}")).unwrap_or(read_at);
            self.story.told.push(Told { at, seq: event.seq, number, detail });
        }
    }

    fn checkpoint(&mut self) {
        let mode = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][self.rng.usize(..4)];
        let Ok(raw) = rusqlite::Connection::open(&self.path) else { return };
        let _ = raw.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
    }

    fn reopen(&mut self) {
        self.set_down();
        self.store = Store::open(&self.path).unwrap();
    }

    /// Lets go of the store, and waits until its files are closed. A store of another file holds the place.
    fn set_down(&mut self) {
        let elsewhere = tempfile::tempdir().unwrap();
        self.store = Store::open_or_create(&elsewhere.path().join("other.db")).unwrap();
        self.disk.wait_closed();
    }
}

/// The next step of an order's journey, or nothing when it has ended. The words name version, states and try.
fn next(order: &Order, open: Option<&Operation>, tried: usize) -> Amendment<Option<String>> {
    let mut after = order.clone();
    let mut operation = OperationChange::None;
    let (kind, word) = match (order.state, open) {
        (State::Pending, None) if order.order_id.is_none() => {
            after.order_id = Some(OrderId::new(&format!("id-{}", order.key.0)).unwrap());
            (EventKind::Changed, "-")
        }
        (State::Pending, None) => {
            after.state = State::Held;
            after.hold = Some(Hold { held_at: NOW, begun_at: NOW, lapses_at: NOW });
            after.complete_at = Some(NOW);
            (EventKind::Changed, "-")
        }
        (State::Held, None) => {
            operation = OperationChange::Open(NewOperation {
                kind: OperationKind::Completion,
                amount: order.completion,
                intended_at: NOW,
                ordered: false,
            });
            (EventKind::CompletionIntended, "intended")
        }
        (State::Held, Some(open)) => {
            let (kind, next) = next_of(open);
            if next.state == OperationState::Confirmed {
                (after.state, after.complete_at) = (State::Deposited, None);
            }
            let word = next.state.as_str();
            operation = OperationChange::Update(next);
            (kind, word)
        }
        _ => return Amendment::nothing(None),
    };
    let detail = format!("v{} {} {word} #{tried}", order.version + 1, after.state);
    if let OperationChange::Update(operation) = &mut operation {
        operation.note = Some(detail.clone());
    }
    after.heard = Some(Heard { at: NOW, words: detail.clone() });
    // What is heard alone makes no version.
    after.lapse_warnings += 1;
    let event = NewEvent { kind, cause: Cause::Look, before: order.state, after: after.state, detail: detail.clone() };
    Amendment { order: Some(after), operation, events: vec![event], ..Amendment::nothing(Some(detail)) }
}

fn next_of(open: &Operation) -> (EventKind, Operation) {
    let mut next = open.clone();
    let kind = match (open.state, open.answered_at) {
        (OperationState::Intended, _) => {
            next.state = OperationState::InDoubt;
            (next.attempt, next.unknown_sends) = (1, 1);
            (next.expected_minor, next.sent_at) = (Some(10_000), Some(NOW));
            EventKind::CompletionSent
        }
        (_, None) => {
            next.answered_at = Some(NOW);
            EventKind::CompletionAnswered
        }
        (_, Some(_)) => {
            next.state = OperationState::Confirmed;
            EventKind::CompletionConfirmed
        }
    };
    (kind, next)
}
