//! The bank's whole answers: the latest about each order, for people, until a while after the order's end.
//!
//! Most looks find what the look before them found, so an answer is written only where it differs from the one that is
//! there. Nothing rests on them: they have no seal, and while the disk is full none is written.

use std::time::Duration;

use rusqlite::{OptionalExtension, named_params, params};

use crate::domain::answer::{KEPT_MAX, KeptAnswer};
use crate::domain::order::OrderKey;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::{Store, StoreError, rows};

/// Answers removed in one transaction at most: looks and sends wait for the writer meanwhile.
pub const FORGET_BATCH: usize = 500;

/// A whole answer, and when it was first heard as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAnswer {
    /// When a look first brought it; those after it brought the same.
    pub seen_at: Timestamp,
    /// The answer.
    pub answer: KeptAnswer,
}

// An upsert whose WHERE does not hold reads one row and writes no page.
const PUT: &str = "INSERT INTO answers (order_key, seen_at_ms, answer) VALUES (?1, ?2, ?3)
    ON CONFLICT (order_key) DO UPDATE SET seen_at_ms = excluded.seen_at_ms, answer = excluded.answer
    WHERE answer <> excluded.answer";

/// By the answer's age first, which has an index. An order at its end is looked at now and then still, so what is
/// forgotten may be heard once more: it is then as old as that look.
pub(super) const FORGET: &str = "DELETE FROM answers WHERE order_key IN (
    SELECT answers.order_key FROM answers INDEXED BY answers_by_age CROSS JOIN orders ON orders.id = answers.order_key
    WHERE answers.seen_at_ms < :before AND orders.state_since_ms < :before
        AND orders.state IN ('deposited', 'reversed', 'refunded', 'declined')
    LIMIT :limit)";

pub(super) fn put(
    connection: &Connection,
    order: OrderKey,
    answer: &KeptAnswer,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection.prepare_cached(PUT)?.execute(params![order.0, now.as_millis(), answer.as_str()])?;
    Ok(())
}

impl Store {
    /// The latest answer of the bank about an order; `None` before the first, and after it was forgotten.
    pub async fn answer_of(&self, order: OrderKey) -> Result<Option<SeenAnswer>, StoreError> {
        self.readers
            .read(move |connection| {
                let mut statement =
                    connection.prepare_cached("SELECT seen_at_ms, answer FROM answers WHERE order_key = ?1")?;
                let found: Option<(i64, String)> =
                    statement.query_row([order.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let Some((seen_at, text)) = found else { return Ok(None) };
                let too_long = || rows::unreadable("answer longer than", &KEPT_MAX.to_string());
                let answer = KeptAnswer::new(text).ok_or_else(too_long)?;
                Ok(Some(SeenAnswer { seen_at: rows::at(seen_at), answer }))
            })
            .await
    }

    /// Removes up to [`FORGET_BATCH`] answers that are older than `after`, of orders that have been at their end for as
    /// long; how many it were.
    pub async fn forget_answers(&self, after: Duration, now: Timestamp) -> Result<usize, StoreError> {
        let before = now.minus(after).as_millis();
        self.writer
            .write(move |connection| {
                let values = named_params! { ":before": before, ":limit": FORGET_BATCH };
                Ok(connection.prepare_cached(FORGET)?.execute(values)?)
            })
            .await
    }
}
