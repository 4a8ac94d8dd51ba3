//! Rows that nobody may trust: put before a person when they were altered, out of the way when they cannot be read.
//!
//! Nothing is lost. An altered order goes to review and is sealed as it stands, so that a person sees the figures and
//! decides. A row that the types do not know stays as it is, is tried again after a while, and stands in a metric until
//! somebody has mended it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::params;

use crate::domain::contested;
use crate::domain::event::{Cause, NewEvent};
use crate::domain::lifecycle::Contradiction;
use crate::domain::order::{OrderKey, OrderNumber};
use crate::domain::polling::LEFT_ALONE_FOR;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::loaded::{self, Found, Loaded, Unreadable};
use super::seal::{OPERATIONS, ORDERS, Seal, Sealed};
use super::writer::in_savepoint;
use super::{Store, StoreError, events, rows, witnessed};

/// Unreadable rows that are remembered at most, to be told once each; more than this is a broken file.
const REMEMBERED_MAX: usize = 10_000;

/// Rows checked in one transaction of the round through all of them, so that nobody waits long behind it.
const PAGE: usize = 200;

/// Rows that cannot be read, as far as this process has met them.
#[derive(Clone, Debug, Default)]
pub(super) struct Met(Arc<Mutex<BTreeSet<OrderKey>>>);

impl Met {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<OrderKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a round through all rows found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows that were looked at.
    pub rows: u64,
    /// Of these, sealed anew because an older key had sealed them.
    pub resealed: u64,
    /// Orders that were altered and went to review.
    pub altered: u64,
    /// Orders whose rows cannot be read.
    pub unreadable: u64,
}

impl Store {
    /// How many orders this process has met that it could not read.
    pub fn unreadable(&self) -> u64 {
        self.met.lock().len() as u64
    }

    /// Tells of each row that cannot be read, once.
    pub(super) fn note_unreadable(&self, unreadable: &[Unreadable]) {
        for Unreadable { order, why } in unreadable {
            let mut met = self.met.lock();
            if met.len() < REMEMBERED_MAX && met.insert(*order) {
                drop(met);
                tracing::error!(
                    row = order.0,
                    "Row {} of orders, or of its operations, cannot be read, and nothing is done about that order: \
                     {why}. Restore the row from a backup, or mend it, with the daemon stopped",
                    order.0
                );
            }
        }
    }

    /// Writes down what a list has left out: altered orders go to review, unreadable ones are left alone for a while.
    pub(super) async fn put_out_of_the_way(&self, found: Found, now: Timestamp) -> Result<(), StoreError> {
        self.note_unreadable(&found.unreadable);
        let altered = found.loaded.into_iter().filter(|loaded| loaded.altered.is_some());
        let altered: Vec<OrderKey> = altered.map(|loaded| loaded.order.key).collect();
        let (told, broken) = self
            .writer
            .write(move |connection| {
                for unreadable in &found.unreadable {
                    leave_alone(connection, unreadable.order, now)?;
                }
                let (mut told, mut broken) = (Vec::new(), Vec::new());
                for order in altered {
                    match in_savepoint(connection, |connection| quarantine(connection, order, now)) {
                        Ok(quarantined) => told.extend(quarantined),
                        // So altered that the file itself refuses the row, whatever is written to it.
                        Err(error) => {
                            leave_alone(connection, order, now)?;
                            broken.push(Unreadable { order, why: format!("it was altered, and {error}") });
                        }
                    }
                }
                Ok((told, broken))
            })
            .await?;
        told.iter().for_each(tell);
        self.note_unreadable(&broken);
        self.ring();
        Ok(())
    }

    /// Goes through every row once: what an older key sealed is sealed by the first one, what was altered goes to
    /// review, even at its end, where nobody would look at it again. What the witness named of orders that never came,
    /// and whose holds are over, is forgotten on the way.
    pub async fn check_rows(&self, now: Timestamp) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        for of in [&ORDERS, &OPERATIONS] {
            let mut after = 0;
            while let Some(last) = self.check_page(of, after, now, &mut checked).await? {
                after = last;
            }
        }
        self.writer
            .write(|connection| {
                witnessed::forget_lapsed(connection)?;
                Ok(super::meta::keep_seal_key(connection, &connection.ring().first()?.id())?)
            })
            .await?;
        Ok(checked)
    }

    async fn check_page(
        &self,
        of: &'static Sealed,
        after: i64,
        now: Timestamp,
        checked: &mut Checked,
    ) -> Result<Option<i64>, StoreError> {
        let page = self.readers.read(move |connection| page(connection, of, after)).await?;
        checked.rows += page.count;
        checked.resealed += page.old.len() as u64;
        let Page { last, old, orders, .. } = page;
        if !old.is_empty() {
            self.writer.write(move |connection| old.iter().try_for_each(|id| reseal(connection, of, *id))).await?;
        }
        if !orders.is_empty() {
            let found = self
                .readers
                .read(move |connection| {
                    let mut found = Found::default();
                    for order in orders {
                        match loaded::load(connection, order) {
                            Ok(loaded) => found.loaded.push(loaded.altered_somewhere()),
                            Err(error) => found.unreadable.push(Unreadable { order, why: error.to_string() }),
                        }
                    }
                    Ok(found)
                })
                .await?;
            checked.altered += found.loaded.len() as u64;
            checked.unreadable += found.unreadable.len() as u64;
            self.put_out_of_the_way(found, now).await?;
        }
        Ok(last)
    }
}

impl Loaded {
    /// The seal of one of its rows was found broken, be it a row that is not loaded with it: an operation long settled.
    fn altered_somewhere(self) -> Self {
        let altered = self.altered.or(Some(Contradiction::RowAltered { row: "the row of one of its completions" }));
        Self { altered, ..self }
    }
}

/// Rows of one table, and what their seals say.
struct Page {
    /// The last row's id; `None` when there was none.
    last: Option<i64>,
    count: u64,
    /// Sealed by an older key.
    old: Vec<i64>,
    /// The orders of those that were altered.
    orders: Vec<OrderKey>,
}

fn page(connection: &Connection, of: &Sealed, after: i64) -> Result<Page, StoreError> {
    let order = if of.table == ORDERS.table { "id" } else { "order_key" };
    let mut statement = connection.prepare_cached(&of.select("WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
    let mut found = statement.query(params![after, PAGE])?;
    let mut page = Page { last: None, count: 0, old: Vec::new(), orders: Vec::new() };
    while let Some(row) = found.next()? {
        let id = row.get("id")?;
        (page.last, page.count) = (Some(id), page.count + 1);
        match connection.ring().check(row, of)? {
            Seal::Intact { is_old: true } => page.old.push(id),
            Seal::Altered => page.orders.push(OrderKey(row.get(order)?)),
            Seal::Intact { is_old: false } | Seal::Unchecked => {}
        }
    }
    Ok(page)
}

/// Seals a row anew if it is still what an older key sealed.
fn reseal(connection: &Connection, of: &Sealed, id: i64) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(&of.select("WHERE id = ?1"))?;
    let mut found = statement.query([id])?;
    let seal = found.next()?.map(|row| connection.ring().check(row, of)).transpose()?;
    drop(found);
    match seal {
        Some(Seal::Intact { is_old: true }) => connection.ring().seal(connection, of, id),
        _ => Ok(()),
    }
}

/// What the log hears of a quarantine.
pub(super) struct Told {
    number: OrderNumber,
    events: Vec<NewEvent>,
}

pub(super) fn tell(told: &Told) {
    for event in &told.events {
        tracing::error!(order.number = %told.number, "Order {}: {}", told.number, event.detail);
    }
}

/// Puts an altered order before a person, and seals its rows as they stand. `None` when another process was first.
pub(super) fn quarantine(connection: &Connection, key: OrderKey, now: Timestamp) -> Result<Option<Told>, StoreError> {
    let found = loaded::load(connection, key)?;
    let altered_elsewhere = seal_operations(connection, key)?;
    let Some(why) = found.altered.or(altered_elsewhere) else {
        return Ok(None);
    };
    let open = found.operation.as_ref().filter(|operation| operation.state.is_open());
    let contested = contested::put_before_a_person(&found.order, open, &why, Cause::Seal, now);
    if let Some(operation) = &contested.operation {
        rows::withdraw_operation(connection, operation, now)?;
    }
    rows::update_order(connection, &contested.order)?;
    events::append(connection, key, now, &contested.events)?;
    Ok(Some(Told { number: contested.order.number, events: contested.events }))
}

/// Seals every altered operation of an order as it stands, and says whether there was one.
fn seal_operations(connection: &Connection, order: OrderKey) -> Result<Option<Contradiction>, StoreError> {
    let mut statement = connection.prepare_cached(&OPERATIONS.select("WHERE order_key = ?1"))?;
    let mut found = statement.query([order.0])?;
    let mut altered = Vec::new();
    while let Some(row) = found.next()? {
        if connection.ring().check(row, &OPERATIONS)? == Seal::Altered {
            altered.push(row.get("id")?);
        }
    }
    drop(found);
    for id in &altered {
        connection.ring().seal(connection, &OPERATIONS, *id)?;
    }
    let row = "the row of one of its completions";
    Ok((!altered.is_empty()).then_some(Contradiction::RowAltered { row }))
}

/// Makes an order that cannot be read due later, and no completion or deadline of it due at all. The row is as it
/// should not be, so what the file asks of a row is not asked of this change.
fn leave_alone(connection: &Connection, order: OrderKey, now: Timestamp) -> Result<(), StoreError> {
    let at = now.plus(LEFT_ALONE_FOR).as_millis();
    connection.pragma_update(None, "ignore_check_constraints", true)?;
    let left = connection
        .execute(
            "UPDATE orders SET next_look_at_ms = max(next_look_at_ms, ?2), complete_at_ms = NULL, deadline_at_ms = NULL
             WHERE id = ?1",
            params![order.0, at],
        )
        .and_then(|_| {
            connection.execute(
                "UPDATE operations SET next_step_at_ms = max(next_step_at_ms, ?2)
                 WHERE order_key = ?1 AND settled_at_ms IS NULL",
                params![order.0, at],
            )
        });
    connection.pragma_update(None, "ignore_check_constraints", false)?;
    left.map(drop).map_err(StoreError::from)
}
