//! The journal: appended with the rows it tells of, read by `why`, the API and the report. Never changed.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::event::{Event, EventKind, NewEvent};
use crate::domain::order::{OrderKey, OrderNumber};
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::{Store, StoreError, rows};

/// Events returned in one page at most.
const PAGE_MAX: u32 = 1_000;

pub(super) fn append(
    connection: &Connection,
    order: OrderKey,
    at: Timestamp,
    events: &[NewEvent],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for event in events {
        statement.execute(params![
            at.as_millis(),
            order.0,
            event.kind.as_str(),
            event.cause.to_text(),
            event.before.as_str(),
            event.after.as_str(),
            event.detail,
        ])?;
    }
    Ok(())
}

impl Store {
    /// Everything that happened to an order, oldest first.
    pub async fn events_of(&self, order: OrderKey) -> Result<Vec<Event>, StoreError> {
        self.readers
            .read(move |connection| select(connection, "WHERE order_key = ?1 AND seq > ?2 ORDER BY seq", [order.0, 0]))
            .await
    }

    /// Up to `limit` events (at most 1000) after number `after`, oldest first.
    pub async fn events_after(&self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let limit = limit.min(PAGE_MAX);
        self.readers
            .read(move |connection| select(connection, "WHERE seq > ?1 ORDER BY seq LIMIT ?2", [after, limit.into()]))
            .await
    }

    /// When the latest event was written; `None` before the first.
    pub async fn journal_until(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers
            .read(|connection| {
                let latest: Option<i64> = connection
                    .query_row("SELECT at_ms FROM events ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
                    .optional()?;
                Ok(latest.map(rows::at))
            })
            .await
    }
}

fn select(connection: &Connection, rest: &str, values: [i64; 2]) -> Result<Vec<Event>, StoreError> {
    let sql = format!(
        "SELECT seq, at_ms, merchant, order_number, kind, cause, state_before, state_after, detail
         FROM events JOIN orders ON orders.id = events.order_key {rest}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(values)?;
    let mut events = Vec::new();
    while let Some(row) = found.next()? {
        events.push(event(row)?);
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> Result<Event, StoreError> {
    let kind: String = row.get("kind")?;
    Ok(Event {
        seq: row.get("seq")?,
        at: rows::at(row.get("at_ms")?),
        merchant: rows::merchant(row, "merchant")?,
        number: OrderNumber::from_stored(row.get("order_number")?),
        kind: EventKind::parse(&kind).ok_or_else(|| rows::unreadable("event kind", &kind))?,
        cause: row.get("cause")?,
        before: rows::state(row, "state_before")?,
        after: rows::state(row, "state_after")?,
        detail: row.get("detail")?,
    })
}
