//! Sends that only the witness knows, of orders that the queue does not have: kept from the adoption until such an
//! order is added, or until no hold that they were for can stand any more.
//!
//! Without this, an order that was lost with the database and handed in again would look as if nothing had ever been
//! sent for it.

use rusqlite::{Row, params};

use crate::domain::holds;
use crate::domain::order::{NewOrder, OrderId};
use crate::domain::time::Timestamp;

use super::StoreError;
use super::connection::Connection;
use super::doubt::Outside;
use super::rows;
use super::witness::Sent;

/// Orders remembered at most: a row is some hundred bytes, and an adoption writes all of them in one transaction. What
/// is more than this is not forgotten either: whoever adopts adds the orders first.
pub(super) const REMEMBERED_MAX: usize = 100_000;

/// Remembers the sends of an order that is not in the queue. Those that were remembered before are sends of it too.
pub(super) fn remember(connection: &Connection, outside: &Outside) -> Result<(), StoreError> {
    let Outside { sent, sends, gone_at } = outside;
    connection
        .prepare_cached(
            "INSERT INTO witnessed (merchant, order_number, order_id, seq, kind, amount_minor, expected_minor, attempt,
                sends, sent_at_ms, adopted_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (merchant, order_number) DO UPDATE SET order_id = excluded.order_id, seq = excluded.seq,
                kind = excluded.kind, amount_minor = excluded.amount_minor, expected_minor = excluded.expected_minor,
                attempt = excluded.attempt, sends = sends + excluded.sends, sent_at_ms = excluded.sent_at_ms,
                adopted_at_ms = excluded.adopted_at_ms
             WHERE excluded.seq > seq",
        )?
        .execute(params![
            sent.merchant,
            sent.order_number,
            sent.order_id,
            sent.seq,
            sent.kind,
            sent.amount_minor,
            sent.expected_minor,
            sent.attempt,
            sends,
            outside.sent_at().as_millis(),
            gone_at.as_millis(),
        ])?;
    Ok(())
}

/// Two look-ups. Asked with OR, SQLite walks over all that is remembered of the merchant, for every order that is
/// added.
pub(super) const TAKE: &str = "DELETE FROM witnessed WHERE id IN (
        SELECT id FROM witnessed WHERE merchant = ?1 AND order_number = ?2
        UNION ALL
        SELECT id FROM witnessed WHERE merchant = ?1 AND order_id = ?3 AND order_id <> ''
     ) RETURNING *";

/// What was sent for an order that is being added, the latest of it; it is the order's from now on, and no longer kept
/// here.
pub(super) fn take(connection: &Connection, new: &NewOrder) -> Result<Option<Outside>, StoreError> {
    let mut statement = connection.prepare_cached(TAKE)?;
    let order_id = new.order_id.as_ref().map_or("", OrderId::as_str);
    let mut found = statement.query(params![new.merchant.as_str(), new.number.as_str(), order_id])?;
    let mut latest: Option<Outside> = None;
    while let Some(row) = found.next()? {
        let next = outside(row)?;
        latest = Some(match latest {
            None => next,
            Some(before) => before.and(next),
        });
    }
    Ok(latest)
}

fn outside(row: &Row<'_>) -> Result<Outside, StoreError> {
    let sent = Sent {
        seq: row.get("seq")?,
        at: rows::at(row.get("sent_at_ms")?).to_string(),
        merchant: row.get("merchant")?,
        order_number: row.get("order_number")?,
        order_id: row.get("order_id")?,
        kind: row.get("kind")?,
        amount_minor: row.get("amount_minor")?,
        expected_minor: row.get("expected_minor")?,
        attempt: row.get("attempt")?,
        // Not remembered: a person decides about a refund of an order that was lost.
        refunded_before_minor: None,
    };
    Ok(Outside { sent, sends: row.get("sends")?, gone_at: rows::at(row.get("adopted_at_ms")?) })
}

/// How many orders' sends are remembered.
pub(super) fn count(connection: &Connection) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM witnessed")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Forgets sends whose hold cannot stand any more: the merchant has sent something so much later. The clock alone is
/// not asked, since one that is wrong by a year would forget all of them; at the moment of a send it was believed (R9).
/// Returns how many.
pub(super) fn forget_lapsed(connection: &Connection) -> Result<usize, StoreError> {
    let sql = "DELETE FROM witnessed WHERE sent_at_ms < (SELECT max(sent_at_ms) FROM operations
            WHERE operations.merchant = witnessed.merchant AND operations.sent_at_ms IS NOT NULL) - ?1";
    let life_ms = i64::try_from(holds::LONGEST_LIFE.as_millis()).unwrap_or(i64::MAX);
    Ok(connection.prepare_cached(sql)?.execute([life_ms])?)
}

/// Whether the hold that a send at `sent_at` was for may still have stood at `later`.
pub(super) fn may_stand(sent_at: Timestamp, later: Timestamp) -> bool {
    later.since(sent_at) <= holds::LONGEST_LIFE
}
