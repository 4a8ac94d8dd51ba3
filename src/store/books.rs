//! What the nightly report is drawn from: totals counted by the database, and the orders that may be worth a line.

use rusqlite::{OptionalExtension, params};

use crate::domain::calendar::BusinessDay;
use crate::domain::chain::Head;
use crate::domain::order::MerchantId;
use crate::domain::reconciliation::{Candidate, Total};
use crate::domain::time::Timestamp;

use super::columns::select_order;
use super::connection::Connection;
use super::loaded::{Found, select_orders};
use super::{OrderWithOperation, Store, StoreError, chain, rows};

/// One merchant's books of one business day, all of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayBooks {
    /// Orders that entered the queue on the day.
    pub entered: Vec<Total>,
    /// Orders that came to their end on the day.
    pub ended: Vec<Total>,
    /// Orders that are not at an end.
    pub standing: Vec<Total>,
    /// Orders that may be worth a line: all that are open, and the day's whose sums differ.
    pub candidates: Vec<Candidate>,
    /// The journal's head at the end of the day; `None` before the first event, and until those of an earlier version
    /// are chained.
    pub head: Option<Head>,
}

impl Store {
    /// A merchant's books of `day`.
    pub async fn day_books(&self, merchant: &MerchantId, day: &BusinessDay) -> Result<DayBooks, StoreError> {
        let (merchant, end) = (merchant.clone(), day.until);
        let (from, until) = (day.from.as_millis(), end.as_millis());
        let (books, found) = self
            .readers
            .read(move |connection| {
                let totals = |condition| totals(connection, merchant.as_str(), condition, from, until);
                let books = DayBooks {
                    entered: totals("created_at_ms >= ?2 AND created_at_ms < ?3")?,
                    ended: totals(
                        "state IN ('deposited', 'reversed', 'refunded', 'declined')
                            AND state_since_ms >= ?2 AND state_since_ms < ?3",
                    )?,
                    standing: totals("state IN ('pending', 'held', 'review') AND ?2 < ?3")?,
                    candidates: Vec::new(),
                    head: chain::head_before(connection, end)?,
                };
                Ok((books, candidates(connection, merchant.as_str(), from, until)?))
            })
            .await?;
        let candidate = |found: OrderWithOperation| Candidate { order: found.order, operation: found.operation };
        Ok(DayBooks { candidates: self.presented(found).into_iter().map(candidate).collect(), ..books })
    }

    /// The last nightly slot that was done for a merchant; the first time it is asked, `now` is written down as one, so
    /// that no night before the installation is due.
    pub async fn last_report_slot(&self, merchant: &MerchantId, now: Timestamp) -> Result<Timestamp, StoreError> {
        let of = merchant.clone();
        let written = self.readers.read(move |connection| Ok(slot_of(connection, &of)?)).await?;
        if let Some(slot) = written {
            return Ok(slot);
        }
        let merchant = merchant.clone();
        self.writer
            .write(move |connection| {
                let sql = "INSERT INTO report_schedule (merchant, last_slot_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                connection.prepare_cached(sql)?.execute(params![merchant.as_str(), now.as_millis()])?;
                Ok(slot_of(connection, &merchant)?.unwrap_or(now))
            })
            .await
    }

    /// Remembers that the report of the nightly slot `slot` was written at `now`.
    pub async fn record_report(
        &self,
        merchant: &MerchantId,
        slot: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let merchant = merchant.clone();
        self.writer
            .write(move |connection| {
                let sql = "UPDATE report_schedule SET last_slot_ms = max(last_slot_ms, ?2), last_success_ms = ?3
                     WHERE merchant = ?1";
                let values = params![merchant.as_str(), slot.as_millis(), now.as_millis()];
                connection.prepare_cached(sql)?.execute(values)?;
                Ok(())
            })
            .await
    }
}

fn slot_of(connection: &Connection, merchant: &MerchantId) -> Result<Option<Timestamp>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT last_slot_ms FROM report_schedule WHERE merchant = ?1")?;
    Ok(statement.query_row([merchant.as_str()], |row| row.get(0)).optional()?.map(rows::at))
}

fn totals(
    connection: &Connection,
    merchant: &str,
    condition: &str,
    from: i64,
    until: i64,
) -> Result<Vec<Total>, StoreError> {
    let sql = format!(
        "SELECT state, currency, count(*), sum(amount_minor), coalesce(sum(bank_deposited_minor), 0),
            coalesce(sum(bank_refunded_minor), 0)
         FROM orders WHERE merchant = ?1 AND {condition} GROUP BY currency, state ORDER BY currency, state"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![merchant, from, until])?;
    let mut totals = Vec::new();
    while let Some(row) = found.next()? {
        // What cannot be read is told by itself, and must not keep the rest from the report.
        let (Ok(state), Ok(currency)) = (rows::state(row, "state"), rows::currency(row.get(1)?)) else { continue };
        totals.push(Total {
            state,
            currency,
            count: row.get(2)?,
            amount_minor: row.get(3)?,
            deposited_minor: row.get(4)?,
            refunded_minor: row.get(5)?,
        });
    }
    Ok(totals)
}

/// Open orders, orders with an open operation, and those whose bank sums differ from ours. The last condition is wider
/// than the rule, which [`crate::domain::reconciliation::findings`] alone decides.
fn candidates(connection: &Connection, merchant: &str, from: i64, until: i64) -> Result<Found, StoreError> {
    select_orders(
        connection,
        select_order!(
            "FROM orders WHERE merchant = ?1 AND (
            state IN ('pending', 'held', 'review')
            OR id IN (SELECT order_key FROM operations WHERE state IN ('intended', 'in_doubt'))
            OR ((state_since_ms >= ?2 AND state_since_ms < ?3 OR bank_seen_at_ms >= ?2 AND bank_seen_at_ms < ?3)
                AND (bank_amount_minor IS NOT amount_minor OR bank_currency IS NOT currency
                    OR (state = 'deposited' AND bank_deposited_minor IS NOT amount_minor)
                    OR (state IN ('reversed', 'refunded', 'declined') AND bank_deposited_minor <> 0))))"
        ),
        params![merchant, from, until],
        usize::MAX,
    )
}
