//! Orders as they are found: with their operations, with what the seals say, and apart from rows that cannot be read.
//!
//! One bad row must not stand in the way of its neighbours. A list leaves out what it cannot read, and says so once; an
//! altered order is shown for what it will be, in review, before anybody has written that down.

use rusqlite::Params;

use crate::domain::contested;
use crate::domain::event::Cause;
use crate::domain::lifecycle::Contradiction;
use crate::domain::operation::Operation;
use crate::domain::order::{Order, OrderKey};

use super::connection::Connection;
use super::rows::{self, Checked};
use super::seal::Seal;
use super::{OrderWithOperation, Store, StoreError};

/// An order with its open or latest operation, and what their seals say.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) order: Order,
    pub(super) operation: Option<Operation>,
    /// What is wrong with the rows.
    pub(super) altered: Option<Contradiction>,
}

/// What a query found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) loaded: Vec<Loaded>,
    /// Rows that the types do not know.
    pub(super) unreadable: Vec<Unreadable>,
}

/// A row of `orders` that cannot be read, by itself or by its operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) order: OrderKey,
    pub(super) why: String,
}

impl Loaded {
    /// As it is shown: an altered one stands in review.
    pub(super) fn presented(self) -> OrderWithOperation {
        let Some(found) = self.altered else {
            return OrderWithOperation { order: self.order, operation: self.operation };
        };
        let since = self.order.state_since;
        let open = self.operation.as_ref().filter(|operation| operation.state.is_open());
        let shown = contested::put_before_a_person(&self.order, open, &found, Cause::Seal, since);
        OrderWithOperation { order: shown.order, operation: shown.operation.or(self.operation) }
    }
}

impl Found {
    /// What another query found as well.
    pub(super) fn add(&mut self, other: Self) {
        self.loaded.extend(other.loaded);
        self.unreadable.extend(other.unreadable);
    }

    /// Whether all of it can be worked on.
    pub(super) fn is_sound(&self) -> bool {
        self.unreadable.is_empty() && self.loaded.iter().all(|loaded| loaded.altered.is_none())
    }

    /// What of it can be worked on.
    pub(super) fn sound(mut self) -> Self {
        self.loaded.retain(|loaded| loaded.altered.is_none());
        self
    }
}

impl Store {
    /// What was found, without what cannot be read.
    pub(super) fn presented(&self, found: Found) -> Vec<OrderWithOperation> {
        self.note_unreadable(&found.unreadable);
        found.loaded.into_iter().map(Loaded::presented).collect()
    }
}

/// Every order that `sql` finds, as far as `limit` readable ones.
pub(super) fn select_orders<P: Params>(
    connection: &Connection,
    sql: &str,
    values: P,
    limit: usize,
) -> Result<Found, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut found = Found::default();
    while found.loaded.len() < limit
        && let Some(row) = rows.next()?
    {
        match rows::order(connection, row).and_then(|order| with_operation(connection, order)) {
            Ok(loaded) => found.loaded.push(loaded),
            Err(error) => {
                found.unreadable.push(Unreadable { order: OrderKey(row.get("id")?), why: error.to_string() });
            }
        }
    }
    Ok(found)
}

/// The order of a row id, with its open or latest operation.
pub(super) fn load(connection: &Connection, key: OrderKey) -> Result<Loaded, StoreError> {
    with_operation(connection, rows::load_order(connection, key)?)
}

pub(super) fn with_operation(connection: &Connection, order: Checked<Order>) -> Result<Loaded, StoreError> {
    let operation = rows::load_operation(connection, order.value.key)?;
    let altered = match (order.seal, operation.as_ref().map(|operation| operation.seal)) {
        (Seal::Altered, _) => Some(Contradiction::RowAltered { row: "its row" }),
        (_, Some(Seal::Altered)) => Some(Contradiction::RowAltered { row: "the row of its completion" }),
        _ => None,
    };
    Ok(Loaded { order: order.value, operation: operation.map(|operation| operation.value), altered })
}
