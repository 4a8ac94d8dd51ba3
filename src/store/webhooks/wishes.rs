//! What a person wishes of an endpoint: that it is brought back, tested, or told again what it was told.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::domain::delivery::{Delivery, EndpointName, Verdict};
use crate::domain::order::{MerchantId, OrderNumber};
use crate::domain::time::Timestamp;

use super::{Disabled, EndpointKey, disabled, find};
use crate::store::connection::Connection;
use crate::store::{Store, StoreError, rows};

/// How long it is kept what came of a test.
const TESTS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Replays of one endpoint that wait at once at most: they are done one after the other, and more than a few are a script
/// gone astray.
const REPLAYS_MAX: i64 = 100;

/// What is wished of an endpoint at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// That it wants no more, and nobody has brought it back.
    pub disabled: Option<Disabled>,
    /// What is to be told again, the first of it.
    pub replay: Option<Replay>,
    /// A test that was asked for.
    pub test: Option<i64>,
}

/// What is to be told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its row.
    pub id: i64,
    /// The event from which on.
    pub next: i64,
    /// And up to which.
    pub to: i64,
    /// Only what was given up.
    pub given_up_only: bool,
    /// Only this order's.
    pub number: Option<OrderNumber>,
}

/// What a person asks to be told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReplay {
    /// What happened since then; `None` begins at the journal's first event.
    pub since: Option<Timestamp>,
    /// Only what was given up.
    pub given_up_only: bool,
    /// Only this order's.
    pub number: Option<OrderNumber>,
    /// Who asks.
    pub by: String,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// In a word.
    pub verdict: String,
    /// In words.
    pub words: String,
}

impl Store {
    /// What is wished of an endpoint now.
    pub async fn wishes(&self, key: EndpointKey) -> Result<Wishes, StoreError> {
        self.readers.read(move |connection| wishes(connection, key)).await
    }

    /// Brings back an endpoint that wanted no more: whether it did. `None` for one that was never here.
    pub async fn enable_endpoint(
        &self,
        merchant: &MerchantId,
        name: &EndpointName,
    ) -> Result<Option<bool>, StoreError> {
        let (merchant, name) = (merchant.clone(), name.clone());
        self.writer
            .write(move |connection| {
                let Some(key) = find(connection, &merchant, &name)? else { return Ok(None) };
                let sql = "UPDATE webhook_endpoints SET disabled_at_ms = NULL, disabled_words = NULL
                    WHERE id = ?1 AND disabled_at_ms IS NOT NULL";
                Ok(Some(connection.prepare_cached(sql)?.execute([key.0])? > 0))
            })
            .await
    }

    /// Asks that an endpoint is told again: how many events of the journal are looked at for that. `None` for an endpoint
    /// that was never here.
    pub async fn ask_for_replay(
        &self,
        merchant: &MerchantId,
        name: &EndpointName,
        new: NewReplay,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let (merchant, name) = (merchant.clone(), name.clone());
        self.writer
            .write(move |connection| {
                let Some(key) = find(connection, &merchant, &name)? else { return Ok(None) };
                ask(connection, key, &new, now).map(Some)
            })
            .await
    }

    /// Up to `limit` events of an endpoint that were given up, from `from` to `to`, as if they were new, and whether
    /// there were no more.
    pub async fn given_up_between(
        &self,
        key: EndpointKey,
        (from, to): (i64, i64),
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT d.seq, orders.order_number FROM webhook_deliveries AS d JOIN events USING (seq)
                        JOIN orders ON orders.id = events.order_key
                     WHERE d.endpoint = ?1 AND d.given_up_at_ms IS NOT NULL AND d.seq BETWEEN ?2 AND ?3
                     ORDER BY d.seq LIMIT ?4",
                )?;
                let found = statement.query_map(params![key.0, from, to, limit], |row| {
                    Ok(Delivery::new(row.get(0)?, OrderNumber::from_stored(row.get(1)?), now))
                })?;
                Ok(found.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Asks for a test of an endpoint: the number under which its outcome is found. `None` for one that was never here.
    pub async fn ask_for_test(
        &self,
        merchant: &MerchantId,
        name: &EndpointName,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let (merchant, name) = (merchant.clone(), name.clone());
        self.writer
            .write(move |connection| {
                let Some(key) = find(connection, &merchant, &name)? else { return Ok(None) };
                connection
                    .prepare_cached("DELETE FROM webhook_tests WHERE asked_at_ms <= ?1")?
                    .execute([now.minus(TESTS_KEPT).as_millis()])?;
                let sql = "INSERT INTO webhook_tests (endpoint, asked_at_ms) VALUES (?1, ?2)";
                Ok(Some(connection.prepare_cached(sql)?.insert(params![key.0, now.as_millis()])?))
            })
            .await
    }

    /// Writes down what came of a test.
    pub async fn settle_test(&self, test: i64, verdict: Verdict, words: String) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| {
                connection
                    .prepare_cached("UPDATE webhook_tests SET verdict = ?2, words = ?3 WHERE id = ?1")?
                    .execute(params![test, verdict.as_str(), words])?;
                Ok(())
            })
            .await
    }

    /// What came of a test; `None` as long as nobody has done it.
    pub async fn test_outcome(&self, test: i64) -> Result<Option<TestOutcome>, StoreError> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT verdict, words FROM webhook_tests WHERE id = ?1 AND verdict IS NOT NULL";
                let outcome = connection
                    .prepare_cached(sql)?
                    .query_row([test], |row| Ok(TestOutcome { verdict: row.get(0)?, words: row.get(1)? }));
                Ok(outcome.optional()?)
            })
            .await
    }
}

fn wishes(connection: &Connection, key: EndpointKey) -> Result<Wishes, StoreError> {
    let disabled = connection
        .prepare_cached("SELECT disabled_at_ms, disabled_words FROM webhook_endpoints WHERE id = ?1")?
        .query_row([key.0], |row| disabled(row, 0, 1))
        .optional()?;
    let replay = connection
        .prepare_cached(
            "SELECT id, next_seq, to_seq, given_up_only, order_number FROM webhook_replays WHERE endpoint = ?1
             ORDER BY id LIMIT 1",
        )?
        .query_row([key.0], |row| {
            Ok(Replay {
                id: row.get(0)?,
                next: row.get(1)?,
                to: row.get(2)?,
                given_up_only: row.get(3)?,
                number: row.get::<_, Option<String>>(4)?.map(OrderNumber::from_stored),
            })
        })
        .optional()?;
    let test = connection
        .prepare_cached("SELECT id FROM webhook_tests WHERE endpoint = ?1 AND verdict IS NULL ORDER BY id LIMIT 1")?
        .query_row([key.0], |row| row.get(0))
        .optional()?;
    Ok(Wishes { disabled: disabled.flatten(), replay, test })
}

/// Up to the journal's end as it is now, as far as the endpoint has come: what comes after is told anyway.
fn ask(connection: &Connection, key: EndpointKey, new: &NewReplay, now: Timestamp) -> Result<u64, StoreError> {
    let waiting: i64 = connection
        .prepare_cached("SELECT count(*) FROM webhook_replays WHERE endpoint = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    if waiting >= REPLAYS_MAX {
        let words = format!("{REPLAYS_MAX} replays of this endpoint wait already; wait until some of them are done");
        return Err(StoreError::Refused(words));
    }
    let to: i64 = connection
        .prepare_cached("SELECT cursor_seq FROM webhook_endpoints WHERE id = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    let from = first_since(connection, new.since, to)?;
    let Some(from) = from.filter(|from| *from <= to) else { return Ok(0) };
    connection
        .prepare_cached(
            "INSERT INTO webhook_replays (endpoint, next_seq, to_seq, given_up_only, order_number, asked_at_ms, asked_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            key.0,
            from,
            to,
            new.given_up_only,
            new.number.as_ref().map(OrderNumber::as_str),
            now.as_millis(),
            new.by,
        ])?;
    let looked_at: i64 = if new.given_up_only {
        connection
            .prepare_cached(
                "SELECT count(*) FROM webhook_deliveries
                 WHERE endpoint = ?1 AND given_up_at_ms IS NOT NULL AND seq BETWEEN ?2 AND ?3",
            )?
            .query_row([key.0, from, to], |row| row.get(0))?
    } else {
        to - from + 1
    };
    Ok(u64::try_from(looked_at).unwrap_or_default())
}

/// The first event since then, up to event `to`. The journal has no index by time and its times ascend but for a clock
/// that was set back, so it is found by halves; where the clock went back, rather too early an event than too late.
fn first_since(connection: &Connection, since: Option<Timestamp>, to: i64) -> Result<Option<i64>, StoreError> {
    let mut at = connection.prepare_cached("SELECT seq, at_ms FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    let mut at = |seq: i64| at.query_row([seq], |row| Ok((row.get::<_, i64>(0)?, rows::at(row.get(1)?)))).optional();
    let Some(since) = since else { return Ok(at(1)?.map(|(seq, _)| seq)) };
    let (mut low, mut high) = (1, to.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle)? {
            Some((seq, moment)) if moment < since => low = seq.saturating_add(1).min(high),
            Some(_) | None => high = middle,
        }
    }
    Ok(at(low)?.map(|(seq, _)| seq))
}
