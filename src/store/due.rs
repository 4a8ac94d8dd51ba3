//! What is due: the columns that the daemon's loops read in order.
//!
//! While an operation is open its owner is the completer, and the poller leaves the order alone.

use std::collections::HashSet;

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

/// Three lists that cannot share an order, and which of them come first: a completion is planned or a deadline, never
/// both. CROSS JOIN keeps that direction: asked with OR, SQLite walks over every order of the merchant and looks each up
/// in the lists. Keys alone: their rows are read for those that are taken up, and not to be sorted.
///
/// The earliest lapse first; but what is asked about an order that stands in review comes last, and whoever waited
/// longest first among those: a person has them, and they are due again and again. Did their old holds go first, a page
/// of them would take all there is to ask, and nobody else's would ever be sent.
pub(super) const DUE_COMPLETIONS: &str = "SELECT due.order_key FROM (
        SELECT id AS order_key, NULL AS step_at_ms FROM orders WHERE merchant = ?1 AND complete_at_ms <= ?2
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
        UNION ALL
        SELECT id, NULL FROM orders WHERE merchant = ?1 AND deadline_at_ms <= ?2
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
        UNION ALL
        SELECT order_key, next_step_at_ms FROM operations
            WHERE merchant = ?1 AND state IN ('intended', 'in_doubt') AND next_step_at_ms <= ?2
     ) AS due CROSS JOIN orders ON orders.id = due.order_key
     ORDER BY iif(orders.state = 'review', due.step_at_ms, NULL) NULLS FIRST, orders.lapses_at_ms NULLS LAST
     LIMIT ?3";

const ONE: &str = select_order!("FROM orders WHERE id = ?1");

pub(super) const DUE_DEADLINES: &str = select_order!(
    "FROM orders WHERE merchant = ?1 AND deadline_at_ms <= ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
     ORDER BY deadline_at_ms LIMIT ?3"
);

pub(super) const NEXT_LOOK: &str =
    "SELECT min(next_look_at_ms) FROM orders WHERE merchant = ?1 AND next_look_at_ms > ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))";

/// Three heads of three indexes: a completion, a deadline, a step.
pub(super) const UPCOMING: &str = "SELECT
        (SELECT min(complete_at_ms) FROM orders WHERE merchant = ?1 AND complete_at_ms IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))),
        (SELECT min(deadline_at_ms) FROM orders WHERE merchant = ?1 AND deadline_at_ms IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))),
        (SELECT min(next_step_at_ms) FROM operations WHERE merchant = ?1 AND state IN ('intended', 'in_doubt'))";

/// What is next for a merchant's completer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upcoming {
    /// The next planned completion.
    pub completion: Option<Timestamp>,
    /// The next deadline of a hold.
    pub deadline: Option<Timestamp>,
    /// The next step of an operation that is open.
    pub step: Option<Timestamp>,
}

impl Upcoming {
    /// The next of all.
    pub fn first(&self) -> Option<Timestamp> {
        [self.completion, self.deadline, self.step].into_iter().flatten().min()
    }
}

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
    /// earliest lapse first, but for those that are `claimed`.
    pub async fn due_completions(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        claimed: &HashSet<OrderKey>,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        let found = self.unclaimed_completions(merchant, now, claimed, limit).await?;
        if found.is_sound() {
            return Ok(self.presented(found));
        }
        self.put_out_of_the_way(found, now).await?;
        let found = self.unclaimed_completions(merchant, now, claimed, limit).await?;
        Ok(self.presented(found.sound()))
    }

    async fn unclaimed_completions(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        claimed: &HashSet<OrderKey>,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let (merchant, claimed) = (merchant.clone(), claimed.clone());
        self.readers
            .read(move |connection| {
                let most = limit.saturating_add(claimed.len());
                let mut statement = connection.prepare_cached(DUE_COMPLETIONS)?;
                let mut keys = statement.query(params![merchant.as_str(), now.as_millis(), most])?;
                let mut found = Found::default();
                while found.loaded.len() < limit
                    && let Some(row) = keys.next()?
                {
                    let key: i64 = row.get(0)?;
                    if !claimed.contains(&OrderKey(key)) {
                        found.add(select_orders(connection, ONE, [key], 1)?);
                    }
                }
                Ok(found)
            })
            .await
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

    /// When a completion, a deadline and a step of an operation fall due next.
    pub async fn upcoming(&self, merchant: &MerchantId) -> Result<Upcoming, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let upcoming = connection.prepare_cached(UPCOMING)?.query_row([merchant.as_str()], |row| {
                    let at = |nth| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(nth)?.map(rows::at));
                    Ok(Upcoming { completion: at(0)?, deadline: at(1)?, step: at(2)? })
                });
                Ok(upcoming?)
            })
            .await
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
