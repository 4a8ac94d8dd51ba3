//! The journal: appended with the rows it tells of, and chained as it is; read by `why`, the API and the report. Never
//! changed.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, params};

use crate::domain::event::{Event, EventKind, NewEvent};
use crate::domain::order::{MerchantId, OrderKey, OrderNumber};
use crate::domain::time::Timestamp;

use super::bell::Listener;
use super::connection::Connection;
use super::{Store, StoreError, chain, rows};

/// Events returned in one page at most.
const PAGE_MAX: u32 = 1_000;

/// Events looked through for one page at most, however few of them are asked for: a reader is not kept for longer.
const SCANNED_MAX: u32 = 10_000;

/// Which events are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// Those with higher numbers; 0 begins at the first.
    pub after: i64,
    /// How many at most; above 1000 is 1000.
    pub limit: u32,
    /// Whose; `None` is everybody's.
    pub merchant: Option<MerchantId>,
    /// Of which kinds; none is all.
    pub kinds: Vec<EventKind>,
}

/// A stretch of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// What was asked for, oldest first.
    pub events: Vec<Event>,
    /// Up to where the journal was looked through: what is asked after next.
    pub next: i64,
    /// Whether there was no more.
    pub is_end: bool,
}

pub(super) fn append(
    connection: &Connection,
    order: OrderKey,
    at: Timestamp,
    events: &[NewEvent],
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    connection.note_news();
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut chain = chain::End::of(connection)?;
    for event in events {
        let (kind, cause) = (event.kind.as_str(), event.cause.to_text());
        let (before, after, detail) = (event.before.as_str(), event.after.as_str(), event.detail.as_str());
        statement.execute(params![at.as_millis(), order.0, kind, cause, before, after, detail])?;
        let seq = connection.last_insert_rowid();
        let [number, at, order] = [seq, at.as_millis(), order.0].map(ValueRef::Integer);
        let [kind, cause, before, after, detail] = [kind, &cause, before, after, detail].map(ValueRef::from);
        chain.go_on(connection, seq, &[number, at, order, kind, cause, before, after, detail])?;
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

    /// Up to `limit` events of an order (at most 1000) after number `after`, oldest first.
    pub async fn events_of_after(&self, order: OrderKey, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let limit = limit.min(PAGE_MAX);
        self.readers
            .read(move |connection| {
                let values = [order.0, after, i64::from(limit)];
                select(connection, "WHERE order_key = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3", values)
            })
            .await
    }

    /// Up to `limit` events (at most 1000) after number `after`, oldest first.
    pub async fn events_after(&self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let limit = limit.min(PAGE_MAX);
        self.readers
            .read(move |connection| {
                select(connection, "WHERE seq > ?1 ORDER BY seq LIMIT ?2", [after, i64::from(limit)])
            })
            .await
    }

    /// A page of the journal, and up to where it goes.
    pub async fn events_page(&self, filter: EventFilter) -> Result<EventPage, StoreError> {
        self.readers.read(move |connection| page(connection, &filter)).await
    }

    /// The number of the latest event; 0 before the first.
    pub async fn journal_end(&self) -> Result<i64, StoreError> {
        self.readers.read(|connection| latest(connection, "seq").map(Option::unwrap_or_default)).await
    }

    /// Rings once there is more in the journal. What another process writes does not ring here.
    pub fn journal_bell(&self) -> Listener {
        self.journal.listen()
    }

    /// When the latest event was written; `None` before the first.
    pub async fn journal_until(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.read(|connection| Ok(latest(connection, "at_ms")?.map(rows::at))).await
    }
}

/// A column of the latest event.
fn latest(connection: &Connection, column: &str) -> Result<Option<i64>, StoreError> {
    let sql = format!("SELECT {column} FROM events ORDER BY seq DESC LIMIT 1");
    Ok(connection.prepare_cached(&sql)?.query_row([], |row| row.get(0)).optional()?)
}

fn page(connection: &Connection, filter: &EventFilter) -> Result<EventPage, StoreError> {
    let limit = filter.limit.clamp(1, PAGE_MAX) as usize;
    let mut statement = connection.prepare_cached(&selected("WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?;
    let mut found = statement.query([filter.after, SCANNED_MAX.into()])?;
    let mut page = EventPage { events: Vec::new(), next: filter.after, is_end: false };
    let mut scanned = 0;
    while page.events.len() < limit {
        let Some(row) = found.next()? else {
            page.is_end = scanned < SCANNED_MAX;
            break;
        };
        let event = event(row)?;
        (page.next, scanned) = (event.seq, scanned + 1);
        let is_whose = filter.merchant.as_ref().is_none_or(|merchant| *merchant == event.merchant);
        if is_whose && (filter.kinds.is_empty() || filter.kinds.contains(&event.kind)) {
            page.events.push(event);
        }
    }
    Ok(page)
}

/// The event of a number.
pub(super) fn one(connection: &Connection, seq: i64) -> Result<Option<Event>, StoreError> {
    let mut statement = connection.prepare_cached(&selected("WHERE seq = ?1"))?;
    let mut found = statement.query([seq])?;
    found.next()?.map(event).transpose()
}

fn selected(rest: &str) -> String {
    format!(
        "SELECT seq, at_ms, merchant, order_number, kind, cause, state_before, state_after, detail
         FROM events JOIN orders ON orders.id = events.order_key {rest}"
    )
}

fn select(connection: &Connection, rest: &str, values: impl rusqlite::Params) -> Result<Vec<Event>, StoreError> {
    let mut statement = connection.prepare_cached(&selected(rest))?;
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
