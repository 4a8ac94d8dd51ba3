//! Whom of the shop's the journal is told: each endpoint's place in it, and what it has not taken yet.
//!
//! One worker of the daemon keeps an endpoint's rows, and writes down what came of many tries at once. A person at the
//! command line writes wishes, which it reads now and then.

mod figures;
mod wishes;

pub use figures::{EndpointFigures, GivenUp};
pub use wishes::{NewReplay, Replay, TestOutcome, Wishes};

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::delivery::{Delivery, EndpointName};
use crate::domain::event::Event;
use crate::domain::order::{MerchantId, OrderNumber};
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::{Store, StoreError, events, rows};

/// How long it is kept that an event was given up. An endpoint has at most a thousand events at once that are told for
/// three days in vain, so that in so long there come some thirty thousand rows together.
const GIVEN_UP_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// An endpoint's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointKey(pub(super) i64);

/// An endpoint as it was written down last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointState {
    /// Its row.
    pub key: EndpointKey,
    /// Up to where the journal was looked through for it.
    pub cursor: i64,
    /// When it was told something last.
    pub tried_at: Option<Timestamp>,
    /// Since when it takes nothing.
    pub down_since: Option<Timestamp>,
    /// That it wants no more.
    pub disabled: Option<Disabled>,
    /// What it has not taken.
    pub waiting: Vec<Delivery>,
}

/// That an endpoint wants no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// In what words.
    pub words: String,
}

/// What is written down of an endpoint at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Up to where the journal was looked through.
    pub cursor: i64,
    /// When it was told something last; `None` leaves what is there.
    pub tried_at: Option<Timestamp>,
    /// Since when it takes nothing.
    pub down_since: Option<Timestamp>,
    /// What waits, and is other than it was.
    pub waiting: Vec<Delivery>,
    /// What waits no more.
    pub settled: Vec<i64>,
    /// What was given up.
    pub given_up: Vec<Delivery>,
    /// How far a replay has come: its row, and the next event it looks at; none when it is done.
    pub replayed: Option<(i64, Option<i64>)>,
}

impl Store {
    /// Makes an endpoint's row if it was never here: it begins at the journal's end as it is now.
    pub async fn meet_endpoint(
        &self,
        merchant: &MerchantId,
        name: &EndpointName,
        place: String,
    ) -> Result<(), StoreError> {
        let (merchant, name) = (merchant.clone(), name.clone());
        self.writer.write(move |connection| meet(connection, &merchant, &name, &place)).await
    }

    /// An endpoint as it stands. One that was never here is met. One that is at another `place` than it was is disabled
    /// no more.
    pub async fn open_endpoint(
        &self,
        merchant: &MerchantId,
        name: &EndpointName,
        place: String,
    ) -> Result<EndpointState, StoreError> {
        let (merchant, name) = (merchant.clone(), name.clone());
        self.writer
            .write(move |connection| {
                meet(connection, &merchant, &name, &place)?;
                connection
                    .prepare_cached(
                        "UPDATE webhook_endpoints SET place = ?3, disabled_at_ms = NULL, disabled_words = NULL
                         WHERE merchant = ?1 AND name = ?2 AND place <> ?3",
                    )?
                    .execute(params![merchant.as_str(), name.as_str(), place])?;
                endpoint(connection, &merchant, &name)
            })
            .await
    }

    /// Writes down what came of telling an endpoint, in one transaction.
    pub async fn keep_checkpoint(
        &self,
        key: EndpointKey,
        checkpoint: Checkpoint,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer.write(move |connection| keep(connection, key, &checkpoint, now)).await
    }

    /// An endpoint wants no more.
    pub async fn disable_endpoint(&self, key: EndpointKey, words: String, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| {
                connection
                    .prepare_cached(
                        "UPDATE webhook_endpoints SET disabled_at_ms = ?2, disabled_words = ?3 WHERE id = ?1",
                    )?
                    .execute(params![key.0, now.as_millis(), words])?;
                Ok(())
            })
            .await
    }

    /// The event of a number.
    pub async fn event(&self, seq: i64) -> Result<Option<Event>, StoreError> {
        self.readers.read(move |connection| events::one(connection, seq)).await
    }
}

fn meet(connection: &Connection, merchant: &MerchantId, name: &EndpointName, place: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO webhook_endpoints (merchant, name, place, cursor_seq)
             VALUES (?1, ?2, ?3, (SELECT coalesce(max(seq), 0) FROM events)) ON CONFLICT DO NOTHING",
        )?
        .execute(params![merchant.as_str(), name.as_str(), place])?;
    Ok(())
}

fn endpoint(connection: &Connection, merchant: &MerchantId, name: &EndpointName) -> Result<EndpointState, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, cursor_seq, tried_at_ms, down_since_ms, disabled_at_ms, disabled_words FROM webhook_endpoints
         WHERE merchant = ?1 AND name = ?2",
    )?;
    let state = statement.query_row([merchant.as_str(), name.as_str()], |row| {
        Ok(EndpointState {
            key: EndpointKey(row.get(0)?),
            cursor: row.get(1)?,
            tried_at: moment(row, 2)?,
            down_since: moment(row, 3)?,
            disabled: disabled(row, 4, 5)?,
            waiting: Vec::new(),
        })
    })?;
    let waiting = waiting(connection, state.key)?;
    Ok(EndpointState { waiting, ..state })
}

fn waiting(connection: &Connection, key: EndpointKey) -> Result<Vec<Delivery>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT d.seq, orders.order_number, d.admitted_at_ms, d.first_tried_at_ms, d.failures, d.next_try_at_ms, d.words
         FROM webhook_deliveries AS d JOIN events USING (seq) JOIN orders ON orders.id = events.order_key
         WHERE d.endpoint = ?1 AND d.given_up_at_ms IS NULL ORDER BY d.seq",
    )?;
    let found = statement.query_map([key.0], delivery)?.collect::<Result<_, _>>()?;
    Ok(found)
}

fn delivery(row: &Row<'_>) -> Result<Delivery, rusqlite::Error> {
    Ok(Delivery {
        seq: row.get(0)?,
        number: OrderNumber::from_stored(row.get(1)?),
        admitted_at: rows::at(row.get(2)?),
        first_tried_at: moment(row, 3)?,
        failures: row.get(4)?,
        next_try_at: rows::at(row.get(5)?),
        words: row.get(6)?,
    })
}

fn moment(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, rusqlite::Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(rows::at))
}

fn disabled(row: &Row<'_>, at: usize, words: usize) -> Result<Option<Disabled>, rusqlite::Error> {
    let (at, words) = (moment(row, at)?, row.get::<_, Option<String>>(words)?);
    Ok(at.zip(words).map(|(at, words)| Disabled { at, words }))
}

fn keep(connection: &Connection, key: EndpointKey, checkpoint: &Checkpoint, now: Timestamp) -> Result<(), StoreError> {
    let Checkpoint { cursor, tried_at, down_since, waiting, settled, given_up, replayed } = checkpoint;
    let ms = |moment: &Option<Timestamp>| moment.map(Timestamp::as_millis);
    connection
        .prepare_cached(
            "UPDATE webhook_endpoints SET cursor_seq = ?2, tried_at_ms = coalesce(?3, tried_at_ms), down_since_ms = ?4
             WHERE id = ?1",
        )?
        .execute(params![key.0, cursor, ms(tried_at), ms(down_since)])?;
    for delivery in waiting {
        put(connection, key, delivery, None)?;
    }
    for delivery in given_up {
        put(connection, key, delivery, Some(now))?;
    }
    if !given_up.is_empty() {
        connection
            .prepare_cached("DELETE FROM webhook_deliveries WHERE endpoint = ?1 AND given_up_at_ms <= ?2")?
            .execute(params![key.0, now.minus(GIVEN_UP_KEPT).as_millis()])?;
    }
    let mut remove = connection.prepare_cached("DELETE FROM webhook_deliveries WHERE endpoint = ?1 AND seq = ?2")?;
    for seq in settled {
        remove.execute([key.0, *seq])?;
    }
    match replayed {
        None => {}
        Some((id, Some(next))) => {
            connection.prepare_cached("UPDATE webhook_replays SET next_seq = ?2 WHERE id = ?1")?.execute([id, next])?;
        }
        Some((id, None)) => {
            connection.prepare_cached("DELETE FROM webhook_replays WHERE id = ?1")?.execute([id])?;
        }
    }
    Ok(())
}

fn put(
    connection: &Connection,
    key: EndpointKey,
    delivery: &Delivery,
    given_up_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let Delivery { seq, number: _, admitted_at, first_tried_at, failures, next_try_at, words } = delivery;
    connection
        .prepare_cached(
            "INSERT INTO webhook_deliveries
                (endpoint, seq, admitted_at_ms, first_tried_at_ms, failures, next_try_at_ms, words, given_up_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (endpoint, seq) DO UPDATE SET admitted_at_ms = excluded.admitted_at_ms,
                first_tried_at_ms = excluded.first_tried_at_ms, failures = excluded.failures,
                next_try_at_ms = excluded.next_try_at_ms, words = excluded.words,
                given_up_at_ms = excluded.given_up_at_ms",
        )?
        .execute(params![
            key.0,
            seq,
            admitted_at.as_millis(),
            first_tried_at.map(Timestamp::as_millis),
            failures,
            next_try_at.as_millis(),
            words,
            given_up_at.map(Timestamp::as_millis),
        ])?;
    Ok(())
}

/// The row of an endpoint that the daemon has opened once.
fn find(
    connection: &Connection,
    merchant: &MerchantId,
    name: &EndpointName,
) -> Result<Option<EndpointKey>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM webhook_endpoints WHERE merchant = ?1 AND name = ?2")?;
    let found = statement.query_row([merchant.as_str(), name.as_str()], |row| row.get(0).map(EndpointKey));
    Ok(found.optional()?)
}
