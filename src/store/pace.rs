//! What is counted of a merchant's daily quota of requests, and how its bank is spared.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::{Store, StoreError, rows};

/// The quota counts what was sent in this long.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A block of requests, written down before the first of them is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestBlock {
    /// Which; `None` where the quota has nothing left.
    pub id: Option<i64>,
    /// How many may be sent.
    pub requests: u32,
    /// What the quota has left beyond them.
    pub beyond: u64,
}

/// That fewer requests are sent to a merchant's bank than its budget allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Since when.
    pub since: Timestamp,
    /// The share of the budget that the bank bore when it was written, in per mille.
    pub borne_per_mille: u32,
    /// Whether looks wait because the daily quota is used up, but for what is kept for money.
    pub is_used_up: bool,
}

impl Store {
    /// Takes up to `wanted` requests of a merchant's `daily` quota, to be sent until `until`, and takes back what was
    /// not sent of an earlier block. At no time do the blocks of 24 hours come to more than the quota.
    pub async fn take_requests(
        &self,
        merchant: &MerchantId,
        daily: u32,
        wanted: u32,
        unspent: Option<(i64, u32)>,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<RequestBlock, StoreError> {
        let merchant = merchant.clone();
        self.writer
            .write(move |connection| {
                if let Some((id, unspent)) = unspent {
                    connection
                        .prepare_cached("UPDATE request_blocks SET requests = max(requests - ?2, 0) WHERE id = ?1")?
                        .execute(params![id, unspent])?;
                }
                connection
                    .prepare_cached(
                        "DELETE FROM request_blocks WHERE merchant = ?1 AND (until_ms <= ?2 OR requests = 0)",
                    )?
                    .execute(params![merchant.as_str(), now.minus(DAY).as_millis()])?;
                // Written by a clock that went ahead: they count from now on, and not for ever.
                connection
                    .prepare_cached("UPDATE request_blocks SET until_ms = ?2 WHERE merchant = ?1 AND until_ms > ?2")?
                    .execute(params![merchant.as_str(), until.as_millis()])?;
                let left = u64::from(daily).saturating_sub(sent(connection, &merchant, now)?);
                let requests = u32::try_from(left).unwrap_or(u32::MAX).min(wanted);
                let beyond = left.saturating_sub(requests.into());
                if requests == 0 {
                    return Ok(RequestBlock { id: None, requests, beyond });
                }
                let id = connection
                    .prepare_cached("INSERT INTO request_blocks (merchant, until_ms, requests) VALUES (?1, ?2, ?3)")?
                    .insert(params![merchant.as_str(), until.as_millis(), requests])?;
                Ok(RequestBlock { id: Some(id), requests, beyond })
            })
            .await
    }

    /// How many requests a merchant may have sent in the last 24 hours; only what a quota counts is known.
    pub async fn requests_of_the_day(&self, merchant: &MerchantId, now: Timestamp) -> Result<u64, StoreError> {
        let merchant = merchant.clone();
        self.readers.read(move |connection| sent(connection, &merchant, now)).await
    }

    /// Writes down that fewer requests are sent than the budget allows, or that it is so no more.
    pub async fn note_pace(&self, merchant: &MerchantId, pace: Option<Pace>) -> Result<(), StoreError> {
        let merchant = merchant.clone();
        self.writer
            .write(move |connection| {
                match pace {
                    Some(pace) => connection
                        .prepare_cached(
                            "INSERT INTO paces (merchant, since_ms, borne_per_mille, used_up) VALUES (?1, ?2, ?3, ?4)
                             ON CONFLICT (merchant) DO UPDATE SET since_ms = excluded.since_ms,
                                borne_per_mille = excluded.borne_per_mille, used_up = excluded.used_up",
                        )?
                        .execute(params![
                            merchant.as_str(),
                            pace.since.as_millis(),
                            pace.borne_per_mille,
                            pace.is_used_up
                        ])?,
                    None => connection
                        .prepare_cached("DELETE FROM paces WHERE merchant = ?1")?
                        .execute(params![merchant.as_str()])?,
                };
                Ok(())
            })
            .await
    }

    /// Whether fewer requests are sent to a merchant's bank than its budget allows.
    pub async fn pace(&self, merchant: &MerchantId) -> Result<Option<Pace>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT since_ms, borne_per_mille, used_up FROM paces WHERE merchant = ?1";
                let mut statement = connection.prepare_cached(sql)?;
                let found = statement.query_row([merchant.as_str()], |row| {
                    let (since, borne_per_mille, is_used_up) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    Ok(Pace { since: rows::at(since), borne_per_mille, is_used_up })
                });
                Ok(found.optional()?)
            })
            .await
    }
}

fn sent(connection: &Connection, merchant: &MerchantId, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(requests), 0) FROM request_blocks WHERE merchant = ?1 AND until_ms > ?2";
    let sum: i64 = connection
        .prepare_cached(sql)?
        .query_row(params![merchant.as_str(), now.minus(DAY).as_millis()], |row| row.get(0))?;
    Ok(u64::try_from(sum).unwrap_or_default())
}
