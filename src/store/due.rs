//! What is due: the columns that the daemon's loops read in order.
//!
//! While an operation is open its owner is the completer, and the poller leaves the order alone.

use rusqlite::params;

use crate::domain::order::{MerchantId, OrderKey};
use crate::domain::time::Timestamp;

use super::columns::select_order;
use super::loaded::{Found, select_orders};
use super::{OrderWithOperation, Store, StoreError, rows};

// These run whenever a bell rings, so none of them may walk over all orders: a test reads their plans.

pub(super) const DUE_LOOKS: &str = select_order!(
    "FROM orders WHERE merchant = ?1 AND next_look_at_ms <= ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
     ORDER BY next_look_at_ms LIMIT ?3"
);

/// Three lists that cannot share an order, then their rows: a completion is planned or a deadline, never both. CROSS
/// JOIN keeps that direction: asked with OR, SQLite walks over every order of the merchant and looks each up in the
/// lists.
pub(super) const DUE_COMPLETIONS: &str = select_order!(
    "FROM (
        SELECT id AS order_key FROM orders WHERE merchant = ?1 AND complete_at_ms <= ?2
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
        UNION ALL
        SELECT id FROM orders WHERE merchant = ?1 AND deadline_at_ms <= ?2
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
        UNION ALL
        SELECT order_key FROM operations
            WHERE merchant = ?1 AND state IN ('intended', 'in_doubt') AND next_step_at_ms <= ?2
     ) AS due CROSS JOIN orders ON orders.id = due.order_key
     ORDER BY orders.lapses_at_ms NULLS LAST LIMIT ?3"
);

pub(super) const DUE_DEADLINES: &str = select_order!(
    "FROM orders WHERE merchant = ?1 AND deadline_at_ms <= ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
     ORDER BY deadline_at_ms LIMIT ?3"
);

pub(super) const NEXT_LOOK: &str =
    "SELECT min(next_look_at_ms) FROM orders WHERE merchant = ?1 AND next_look_at_ms > ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))";

pub(super) const NEXT_COMPLETION: &str = "SELECT min(at_ms) FROM (
        SELECT min(complete_at_ms) AS at_ms FROM orders WHERE merchant = ?1 AND complete_at_ms IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
        UNION ALL
        SELECT min(deadline_at_ms) FROM orders WHERE merchant = ?1 AND deadline_at_ms IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
        UNION ALL
        SELECT min(next_step_at_ms) FROM operations WHERE merchant = ?1 AND state IN ('intended', 'in_doubt'))";

/// A hold stands in review too, as long as the bank shows it: it lapses whatever we think of it. The words are those of
/// the index.
macro_rules! standing_hold {
    () => {
        "lapses_at_ms IS NOT NULL AND (state = 'held' OR (state = 'review' AND bank_status = 1))"
    };
}
pub(super) use standing_hold;

pub(super) const UNWARNED_LAPSES: &str = select_order!(
    "FROM orders WHERE merchant = ?1 AND lapses_at_ms <= ?2 AND lapse_warnings < ?3 AND ",
    standing_hold!(),
    " ORDER BY lapses_at_ms LIMIT ?4"
);

pub(super) const NEXT_UNWARNED_LAPSE: &str =
    concat!("SELECT min(lapses_at_ms) FROM orders WHERE merchant = ?1 AND lapse_warnings < ?2 AND ", standing_hold!());

/// Held orders whose completion may have to be planned anew.
pub(super) const PLANNABLE: &str = select_order!(
    "FROM orders WHERE merchant = ?1 AND state = 'held' AND id > ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
     ORDER BY id LIMIT ?3"
);

impl Store {
    /// Up to `limit` orders whose look is due, oldest due first, whatever state they are in.
    pub async fn due_looks(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        self.due_and_sound(DUE_LOOKS, merchant, now, limit).await
    }

    /// Up to `limit` orders whose completion or deadline is due, or whose open operation has its next step due,
    /// earliest lapse first.
    pub async fn due_completions(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        self.due_and_sound(DUE_COMPLETIONS, merchant, now, limit).await
    }

    /// Up to `limit` orders whose deadline is due and for which no operation is open, earliest deadline first.
    pub async fn due_deadlines(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        self.due_and_sound(DUE_DEADLINES, merchant, now, limit).await
    }

    /// Up to `limit` orders whose hold lapses before `until` and for which fewer than `warnings` were given.
    pub async fn unwarned_lapses(
        &self,
        merchant: &MerchantId,
        until: Timestamp,
        warnings: u32,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        let merchant = merchant.clone();
        let found = self
            .readers
            .read(move |connection| {
                let values = params![merchant.as_str(), until.as_millis(), warnings, limit];
                select_orders(connection, UNWARNED_LAPSES, values, limit)
            })
            .await?;
        Ok(self.presented(found))
    }

    /// What is due and can be worked on. What cannot is put out of the way first, or it would be due for ever and keep
    /// its neighbours from their turn.
    async fn due_and_sound(
        &self,
        sql: &'static str,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        let found = self.due(sql, merchant, now, limit).await?;
        if found.is_sound() {
            return Ok(self.presented(found));
        }
        self.put_out_of_the_way(found, now).await?;
        let found = self.due(sql, merchant, now, limit).await?;
        Ok(self.presented(found.sound()))
    }

    async fn due(
        &self,
        sql: &'static str,
        merchant: &MerchantId,
        until: Timestamp,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                select_orders(connection, sql, params![merchant.as_str(), until.as_millis(), limit], limit)
            })
            .await
    }

    /// When the next look falls due of those that are due later than `after`; `None` when none is planned.
    pub async fn next_look_after(
        &self,
        merchant: &MerchantId,
        after: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(NEXT_LOOK)?;
                let next: Option<i64> =
                    statement.query_row(params![merchant.as_str(), after.as_millis()], |row| row.get(0))?;
                Ok(next.map(rows::at))
            })
            .await
    }

    /// When the next step of a completion falls due; `None` when none is planned.
    pub async fn next_completion_at(&self, merchant: &MerchantId) -> Result<Option<Timestamp>, StoreError> {
        self.next(NEXT_COMPLETION, merchant).await
    }

    /// The earliest lapse of a hold for which fewer than `warnings` were given.
    pub async fn next_unwarned_lapse(
        &self,
        merchant: &MerchantId,
        warnings: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(NEXT_UNWARNED_LAPSE)?;
                let next: Option<i64> = statement.query_row(params![merchant.as_str(), warnings], |row| row.get(0))?;
                Ok(next.map(rows::at))
            })
            .await
    }

    async fn next(&self, sql: &'static str, merchant: &MerchantId) -> Result<Option<Timestamp>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let next: Option<i64> =
                    connection.prepare_cached(sql)?.query_row([merchant.as_str()], |row| row.get(0))?;
                Ok(next.map(rows::at))
            })
            .await
    }

    /// Up to `limit` held orders after row `after` that no operation is open for: a changed policy may plan them anew.
    pub async fn plannable(
        &self,
        merchant: &MerchantId,
        after: OrderKey,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        let merchant = merchant.clone();
        let found = self
            .readers
            .read(move |connection| {
                select_orders(connection, PLANNABLE, params![merchant.as_str(), after.0, limit], limit)
            })
            .await?;
        Ok(self.presented(found))
    }
}
