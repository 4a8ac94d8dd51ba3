//! Orders that the bank may know and the queue does not: what is to be asked, until it is answered.

use rusqlite::{OptionalExtension, params};

use crate::domain::order::{MerchantId, OrderId};
use crate::domain::time::Timestamp;

use super::{Store, StoreError, rows};

/// Of a merchant, at most so many wait: more than that is no callback gone astray but another shop's.
const WAITING_MAX: i64 = 1_000;

/// How far the bank's own list has been paged through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoveryRound {
    /// Orders created until then were listed.
    pub until: Timestamp,
    /// When it is paged through next.
    pub next_at: Timestamp,
}

/// An order that is to be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The gateway's id.
    pub order_id: OrderId,
    /// How often it was asked about.
    pub asks: u32,
}

impl Store {
    /// Notes that the bank is to be asked about an order; one that waits already waits on. Whether it is noted.
    pub async fn note_discovery(
        &self,
        merchant: &MerchantId,
        order_id: &OrderId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (merchant, order_id) = (merchant.clone(), order_id.clone());
        let noted = self
            .writer
            .write(move |connection| {
                let sql = "INSERT INTO discoveries (merchant, order_id, noted_at_ms, next_ask_at_ms)
                    SELECT ?1, ?2, ?3, ?3 WHERE (SELECT count(*) FROM discoveries WHERE merchant = ?1) < ?4
                    ON CONFLICT DO NOTHING";
                let values = params![merchant.as_str(), order_id.as_str(), now.as_millis(), WAITING_MAX];
                Ok(connection.prepare_cached(sql)?.execute(values)? > 0)
            })
            .await?;
        if noted {
            self.ring();
        }
        Ok(noted)
    }

    /// Up to `limit` orders that are to be asked about now, the longest due first.
    pub async fn due_discoveries(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Discovery>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT order_id, asks FROM discoveries WHERE merchant = ?1 AND next_ask_at_ms <= ?2
                     ORDER BY next_ask_at_ms LIMIT ?3",
                )?;
                let mut found = statement.query(params![merchant.as_str(), now.as_millis(), limit])?;
                let mut due = Vec::new();
                while let Some(row) = found.next()? {
                    let text: String = row.get(0)?;
                    let order_id = OrderId::new(&text).map_err(|_| rows::unreadable("order id", &text))?;
                    due.push(Discovery { order_id, asks: row.get(1)? });
                }
                Ok(due)
            })
            .await
    }

    /// How far a merchant's list was paged through; `None` before the first round.
    pub async fn discovery_round(&self, merchant: &MerchantId) -> Result<Option<DiscoveryRound>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT until_ms, next_at_ms FROM discovery_rounds WHERE merchant = ?1";
                let mut statement = connection.prepare_cached(sql)?;
                let round = |row: &rusqlite::Row<'_>| {
                    Ok(DiscoveryRound { until: rows::at(row.get(0)?), next_at: rows::at(row.get(1)?) })
                };
                Ok(statement.query_row([merchant.as_str()], round).optional()?)
            })
            .await
    }

    /// It was paged through, until then.
    pub async fn record_discovery_round(
        &self,
        merchant: &MerchantId,
        until: Timestamp,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        let merchant = merchant.clone();
        self.writer
            .write(move |connection| {
                let sql =
                    "INSERT OR REPLACE INTO discovery_rounds (merchant, until_ms, next_at_ms) VALUES (?1, ?2, ?3)";
                let values = params![merchant.as_str(), until.as_millis(), next_at.as_millis()];
                connection.prepare_cached(sql)?.execute(values)?;
                Ok(())
            })
            .await
    }

    /// An order was asked about, and is again at `next`; never again where there is none.
    pub async fn settle_discovery(
        &self,
        merchant: &MerchantId,
        order_id: &OrderId,
        next: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (merchant, order_id) = (merchant.clone(), order_id.clone());
        self.writer
            .write(move |connection| {
                match next {
                    Some(next) => connection
                        .prepare_cached(
                            "UPDATE discoveries SET asks = asks + 1, next_ask_at_ms = ?3
                             WHERE merchant = ?1 AND order_id = ?2",
                        )?
                        .execute(params![merchant.as_str(), order_id.as_str(), next.as_millis()])?,
                    None => connection
                        .prepare_cached("DELETE FROM discoveries WHERE merchant = ?1 AND order_id = ?2")?
                        .execute(params![merchant.as_str(), order_id.as_str()])?,
                };
                Ok(())
            })
            .await
    }
}
