//! What the poller reads and writes besides the orders themselves: which looks are due, those that are put off, and
//! what the merchant's orders have taught.

use rusqlite::{OptionalExtension, params};

use crate::domain::order::{Kind, MerchantId, Order, OrderKey, State};
use crate::domain::polling::{History, Price};
use crate::domain::time::Timestamp;

use super::columns::select_order;
use super::loaded::select_orders;
use super::{Store, StoreError, rows};

// These run whenever a bell rings: a test reads their plans.

/// What a look's turn depends on, and no more: very many may be due.
pub(super) const DUE_BRIEFLY: &str =
    "SELECT id, state, created_at_ms, expires_at_ms, heard_at_ms, unknown_in_a_row, next_look_at_ms, two_phase
     FROM orders WHERE merchant = ?1 AND next_look_at_ms <= ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
     ORDER BY next_look_at_ms LIMIT ?3";

/// Pending orders whose look is not due yet, the latest first: the younger an order, the sooner something becomes of
/// it.
pub(super) const PENDING_BRIEFLY: &str =
    "SELECT id, state, created_at_ms, expires_at_ms, heard_at_ms, unknown_in_a_row, next_look_at_ms, two_phase
     FROM orders WHERE merchant = ?1 AND state = 'pending' AND +next_look_at_ms > ?2 AND unknown_in_a_row = 0
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))
     ORDER BY state_since_ms DESC LIMIT ?3";

pub(super) const ONE_DUE: &str = select_order!(
    "FROM orders WHERE id = ?1 AND next_look_at_ms <= ?2
        AND NOT EXISTS (SELECT 1 FROM operations WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))"
);

/// An order whose look is due, briefly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueLook {
    /// Which.
    pub key: OrderKey,
    /// What we hold to be true.
    pub state: State,
    /// How it is paid, as far as known.
    pub kind: Option<Kind>,
    /// When it entered the queue.
    pub created_at: Timestamp,
    /// When its payment page closes, as far as known.
    pub expires_at: Option<Timestamp>,
    /// When the bank last told something of it; `None` when it never did, or the latest answer told nothing.
    pub told_at: Option<Timestamp>,
    /// Since when its look is due.
    pub due_at: Timestamp,
    /// Somebody said that a look is worth it now (R11).
    pub is_hinted: bool,
}

impl Store {
    /// Up to `limit` orders whose look is due, the longest due first. What cannot be read is put out of the way.
    pub async fn due_briefly(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueLook>, StoreError> {
        let (due, unreadable) = self.briefly(DUE_BRIEFLY, merchant, now, limit).await?;
        if unreadable > 0 {
            // Whole rows are read there, and those that cannot be are left alone for a while.
            self.due_looks(merchant, now, limit).await?;
        }
        Ok(due)
    }

    /// Up to `limit` pending orders whose look is planned for later, but for those that the bank told nothing about of
    /// late: their waits may be what it asked for.
    pub async fn pending_briefly(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueLook>, StoreError> {
        Ok(self.briefly(PENDING_BRIEFLY, merchant, now, limit).await?.0)
    }

    async fn briefly(
        &self,
        sql: &'static str,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<DueLook>, usize), StoreError> {
        let (of, hints) = (merchant.clone(), self.hints.clone());
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(sql)?;
                let mut found = statement.query(params![of.as_str(), now.as_millis(), limit])?;
                let (mut due, mut unreadable) = (Vec::new(), 0_usize);
                while let Some(row) = found.next()? {
                    let state: String = row.get(1)?;
                    let Some(state) = State::parse(&state) else {
                        unreadable += 1;
                        continue;
                    };
                    let key = OrderKey(row.get(0)?);
                    let told_nothing = row.get::<_, i64>(5)? > 0;
                    let heard_at: Option<i64> = row.get(4)?;
                    due.push(DueLook {
                        key,
                        state,
                        kind: row.get::<_, Option<bool>>(7)?.map(Kind::of),
                        created_at: rows::at(row.get(2)?),
                        expires_at: row.get::<_, Option<i64>>(3)?.map(rows::at),
                        told_at: heard_at.filter(|_| !told_nothing).map(rows::at),
                        due_at: rows::at(row.get(6)?),
                        is_hinted: hints.is_noted(key),
                    });
                }
                Ok((due, unreadable))
            })
            .await
    }

    /// The order of a row id, if its look is due still and nobody else's operation is open on it. What cannot be read
    /// is put out of the way.
    pub async fn due_look(&self, key: OrderKey, now: Timestamp) -> Result<Option<Order>, StoreError> {
        let found = self
            .readers
            .read(move |connection| select_orders(connection, ONE_DUE, params![key.0, now.as_millis()], 1))
            .await?;
        if found.is_sound() {
            return Ok(self.presented(found).pop().map(|found| found.order));
        }
        self.put_out_of_the_way(found, now).await?;
        Ok(None)
    }

    /// Plans looks anew that are worth it later, or sooner: each from when it was due to when it will be. One that was
    /// planned otherwise meanwhile, or for which a hint came, stays as it is.
    pub async fn plan_looks_anew(&self, looks: Vec<(OrderKey, Timestamp, Timestamp)>) -> Result<(), StoreError> {
        let hints = self.hints.clone();
        self.writer
            .write(move |connection| {
                let mut statement = connection
                    .prepare_cached("UPDATE orders SET next_look_at_ms = ?3 WHERE id = ?1 AND next_look_at_ms = ?2")?;
                for (key, from, to) in &looks {
                    if !hints.is_noted(*key) {
                        statement.execute(params![key.0, from.as_millis(), to.as_millis()])?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// What a merchant's orders of a kind have taught, and what a look was worth then. `None` when nothing was written,
    /// or by a version that counted otherwise.
    pub async fn almanac(&self, merchant: &MerchantId, kind: Kind) -> Result<Option<(History, Price)>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT faded_at_ms, price_ms, weights FROM almanacs WHERE merchant = ?1 AND kind = ?2";
                let mut statement = connection.prepare_cached(sql)?;
                let written: Option<(i64, i64, String)> = statement
                    .query_row(params![merchant.as_str(), kind.as_str()], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .optional()?;
                Ok(written.and_then(|(faded_at, price_ms, weights)| {
                    let weights = serde_json::from_str(&weights).ok()?;
                    let history = History::restored(rows::at(faded_at), weights)?;
                    Some((history, Price::from_millis(price_ms)))
                }))
            })
            .await
    }

    /// Writes down what a merchant's orders of a kind have taught.
    pub async fn keep_almanac(
        &self,
        merchant: &MerchantId,
        kind: Kind,
        history: &History,
        price: Price,
    ) -> Result<(), StoreError> {
        let merchant = merchant.clone();
        let (faded_at, weights) = history.stored();
        let Ok(weights) = serde_json::to_string(&weights) else { return Ok(()) };
        self.writer
            .write(move |connection| {
                let sql =
                    "INSERT INTO almanacs (merchant, kind, faded_at_ms, price_ms, weights) VALUES (?1, ?2, ?3, ?4, ?5)
                    ON CONFLICT (merchant, kind) DO UPDATE SET faded_at_ms = excluded.faded_at_ms,
                        price_ms = excluded.price_ms, weights = excluded.weights";
                let values =
                    params![merchant.as_str(), kind.as_str(), faded_at.as_millis(), price.as_millis(), weights];
                connection.prepare_cached(sql)?.execute(values)?;
                Ok(())
            })
            .await
    }
}
