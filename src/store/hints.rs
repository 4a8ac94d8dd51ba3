//! Hints: somebody says that a look at an order is worth it now, and nothing more (R11).
//!
//! A hint moves the next look forward, never back, and no nearer than a few seconds to the latest one: however many
//! come for one order, they make a look in that time and no more. While the bank tells nothing about an order its
//! backoff stands, for it may be what the bank asked for. A send that is held back, by a stop or for room, holds no
//! look back.
//!
//! A look that is in hand may have been asked before what the hint tells of, and would plan the next one without it. So
//! hints are remembered until a look is written that was asked after them. In memory: a look that a crash cut short is
//! due again anyway.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::domain::event::{Cause, NewEvent};
use crate::domain::guard;
use crate::domain::operation::Operation;
use crate::domain::order::{MerchantId, Order, OrderId, OrderKey, OrderNumber};
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::{Amendment, Store, StoreError, rows};

/// The least time between two looks that hints bring about.
pub const HINTED_LOOKS_EVERY: Duration = Duration::from_secs(5);

/// Hints remembered at most. What is beyond it is looked at when its plan says so.
const REMEMBERED_MAX: usize = 10_000;

/// What a hint came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hinted {
    /// The next look comes sooner for it.
    Sooner,
    /// A look is due as soon as may be anyway.
    AsPlanned,
    /// The queue has no such order.
    Unknown,
}

/// Hints that no look has answered yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    unanswered: Arc<Mutex<BTreeMap<OrderKey, Hint>>>,
    untaken: Arc<Mutex<Untaken>>,
}

/// A hint that no look has answered yet.
#[derive(Clone, Copy, Debug)]
struct Hint {
    at: Timestamp,
    /// A look that is planned for no later than this is the one that it asked for. Later ones have plans of their own:
    /// the bank told nothing, or the completer asked meanwhile.
    due_by: Timestamp,
}

/// What a look is to the hints about its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heeded {
    /// There was none.
    None,
    /// It was asked after the latest one, and answers it; it was due for it when it was planned for no later than this.
    Answered(Timestamp),
    /// It was asked before the latest one, which stands.
    TooEarly,
}

/// Hints that the merchant's poller has not taken in: which order, and when.
type Untaken = BTreeMap<MerchantId, Vec<(OrderKey, Timestamp)>>;

impl Remembered {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderKey, Hint>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, merchant: &MerchantId, order: OrderKey, at: Timestamp) {
        let mut all = self.lock();
        if all.len() < REMEMBERED_MAX || all.contains_key(&order) {
            all.insert(order, Hint { at, due_by: at.plus(HINTED_LOOKS_EVERY) });
        }
        drop(all);
        let mut untaken = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_merchant = untaken.entry(merchant.clone()).or_default();
        if of_merchant.len() < REMEMBERED_MAX {
            of_merchant.push((order, at));
        }
    }

    fn take(&self, merchant: &MerchantId) -> Vec<(OrderKey, Timestamp)> {
        let mut untaken = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
        untaken.get_mut(merchant).map(std::mem::take).unwrap_or_default()
    }

    /// Whether there is a hint for `order` that no look has answered.
    pub(super) fn is_noted(&self, order: OrderKey) -> bool {
        self.lock().contains_key(&order)
    }

    /// What a look that was asked at `asked_at` is to the hints about `order`, and forgets one that it answers. After one
    /// that it does not answer, another look is due by `again`.
    fn heed(&self, order: OrderKey, asked_at: Timestamp, again: Timestamp) -> Heeded {
        let mut all = self.lock();
        match all.get_mut(&order) {
            None => Heeded::None,
            Some(hint) if hint.at >= asked_at => {
                hint.due_by = hint.due_by.max(again);
                Heeded::TooEarly
            }
            Some(hint) => {
                let due_by = hint.due_by;
                all.remove(&order);
                Heeded::Answered(due_by)
            }
        }
    }
}

/// Of an order, what decides about a hint.
struct Planned {
    key: OrderKey,
    next_look_at: Option<Timestamp>,
    heard_at: Option<Timestamp>,
    told_nothing: bool,
}

impl Planned {
    /// When a look is due for a hint at `now`; `None` where the plan stands.
    fn sooner(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.heard_at.map_or(now, |heard| now.max(heard.plus(HINTED_LOOKS_EVERY)));
        let is_sooner = self.next_look_at.is_none_or(|planned| planned > at);
        (is_sooner && !self.told_nothing).then_some(at)
    }
}

impl Store {
    /// Makes a look at an order due, which is named by the gateway's id, by the shop's number, or by both.
    pub async fn hint(
        &self,
        merchant: &MerchantId,
        order_id: Option<&OrderId>,
        number: Option<&OrderNumber>,
        now: Timestamp,
    ) -> Result<Hinted, StoreError> {
        let (of, order_id, number) = (merchant.clone(), order_id.cloned(), number.cloned());
        let merchant = of.clone();
        let found = self
            .readers
            .read(move |connection| find(connection, &merchant, order_id.as_ref(), number.as_ref()))
            .await?;
        let Some(planned) = found else { return Ok(Hinted::Unknown) };
        self.hints.note(&of, planned.key, now);
        let Some(at) = planned.sooner(now) else { return Ok(Hinted::AsPlanned) };
        let key = planned.key;
        let moved = self
            .writer
            .write(move |connection| {
                // The plan may have changed meanwhile; what is sooner by now stays.
                let sql = "UPDATE orders SET next_look_at_ms = ?2
                    WHERE id = ?1 AND coalesce(next_look_at_ms, ?2 + 1) > ?2 AND unknown_in_a_row = 0";
                let moved = connection.prepare_cached(sql)?.execute(params![key.0, at.as_millis()])? > 0;
                // While an operation is open nobody else looks, and one whose send is held back asks when a look is
                // due.
                let sql = "UPDATE operations SET next_step_at_ms = ?2
                    WHERE order_key = ?1 AND state IN ('intended', 'in_doubt') AND next_step_at_ms > ?2 AND instr(note, ?3) = 1";
                if moved {
                    connection.prepare_cached(sql)?.execute(params![key.0, at.as_millis(), guard::NOT_SENT])?;
                }
                Ok(moved)
            })
            .await?;
        if moved {
            self.ring();
        }
        Ok(if moved { Hinted::Sooner } else { Hinted::AsPlanned })
    }

    /// The hints about a merchant's orders since they were last taken in, and when they came.
    pub fn take_hints(&self, merchant: &MerchantId) -> Vec<(OrderKey, Timestamp)> {
        self.hints.take(merchant)
    }

    /// As [`Self::amend`], for what a look makes of an order that was asked about at `asked_at`: a hint that came since
    /// then makes another one due soon. What the look finds that a callback asked for has that cause.
    pub async fn amend_after_look<T, F>(
        &self,
        key: OrderKey,
        asked_at: Timestamp,
        now: Timestamp,
        decide: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Order, Option<&Operation>) -> Amendment<T> + Send + 'static,
    {
        let hints = self.hints.clone();
        self.amend(key, now, move |order, open| {
            let mut amendment = decide(order, open);
            let soon = now.plus(HINTED_LOOKS_EVERY);
            match hints.heed(key, asked_at, soon) {
                Heeded::None => {}
                Heeded::Answered(due_by) => {
                    if order.next_look_at.is_some_and(|planned| planned <= due_by) {
                        amendment.events.iter_mut().for_each(owe_to_the_callback);
                    }
                }
                Heeded::TooEarly => {
                    if let Some(order) = amendment.order.as_mut().filter(|order| order.unknown_in_a_row == 0) {
                        order.next_look_at = Some(order.next_look_at.map_or(soon, |planned| planned.min(soon)));
                    }
                }
            }
            amendment
        })
        .await
    }
}

fn owe_to_the_callback(event: &mut NewEvent) {
    if event.cause == Cause::Look {
        event.cause = Cause::Callback;
    }
}

/// The gateway's id names an order for certain; a number is the shop's, and found where the id is not known here yet.
fn find(
    connection: &Connection,
    merchant: &MerchantId,
    order_id: Option<&OrderId>,
    number: Option<&OrderNumber>,
) -> Result<Option<Planned>, StoreError> {
    let columns = "SELECT id, next_look_at_ms, heard_at_ms, unknown_in_a_row FROM orders WHERE merchant = ?1";
    let planned = |row: &rusqlite::Row<'_>| {
        Ok(Planned {
            key: OrderKey(row.get(0)?),
            next_look_at: row.get::<_, Option<i64>>(1)?.map(rows::at),
            heard_at: row.get::<_, Option<i64>>(2)?.map(rows::at),
            told_nothing: row.get::<_, i64>(3)? > 0,
        })
    };
    let by_id = order_id.map(|id| ("order_id", id.as_str()));
    let by_number = number.map(|number| ("order_number", number.as_str()));
    for (column, value) in by_id.into_iter().chain(by_number) {
        let mut statement = connection.prepare_cached(&format!("{columns} AND {column} = ?2"))?;
        let found = statement.query_row(params![merchant.as_str(), value], planned).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
