//! Keys that callers gave their requests, and the replies that are told again to whoever sends one once more.
//!
//! A claim is written before its request is worked on, and the reply with it afterwards: of what changes an order, in the
//! very transaction that changes it. So a claim without a reply, of a process that is gone, is of a request that has
//! changed no order by a person's word, and may be worked on again. Who works on a request now is known to the face
//! alone, in memory: a claim cannot lock anybody out.

use std::time::Duration;

use ring::digest;
use rusqlite::{OptionalExtension, Row, params};

use crate::domain::claim::{Reply, RequestKey};
use crate::domain::time::Timestamp;
use crate::domain::token::TokenName;

use super::answers::FORGET_BATCH;
use super::connection::Connection;
use super::{Store, StoreError};

/// How long a key is remembered: who sends a request again does so within minutes, or with the next day's run.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Keys that are not about money, at most: one each second for a day, and some more. With a reply of the usual half a
/// kilobyte these are fifty megabytes. The oldest makes room for the newest, which harms nobody: such a request is known
/// by its order's number, and `exists` when it comes again.
const KEYS_MAX: i64 = 100_000;

/// Keys about money at most. None of these makes room: a refund that is ordered once more is another refund. So many are
/// ten times what persons decide in a day.
const MONEY_KEYS_MAX: i64 = 10_000;

/// Replies of more than 4096 bytes (those to many orders at once) that are kept at most: with [`REPLY_MAX_BYTES`], 128
/// MB.
const LONG_REPLIES_MAX: i64 = 1_000;

/// The longest reply that is kept: that to an array of a thousand orders.
pub const REPLY_MAX_BYTES: usize = 128 * 1024;

pub(super) const FORGET_CLAIMS: &str = "DELETE FROM request_keys WHERE id IN
    (SELECT id FROM request_keys WHERE claimed_at_ms <= ?1 ORDER BY claimed_at_ms LIMIT ?2)";

pub(super) const COUNT_MONEY: &str = "SELECT count(*) FROM request_keys WHERE money = 1";

pub(super) const TRIM_LONG: &str = "DELETE FROM request_keys WHERE id IN
    (SELECT id FROM request_keys WHERE money = 0 AND length(body) > 4096 ORDER BY id DESC LIMIT -1 OFFSET ?1)";

/// A row of `request_keys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimId(i64);

/// The SHA-256 of what makes a request the same request.
pub type Fingerprint = [u8; 32];

/// A request that is about to be worked on.
#[derive(Clone, Debug)]
pub struct NewClaim {
    /// Who asks; the configuration's token has no name.
    pub token: Option<TokenName>,
    /// By which key.
    pub key: RequestKey,
    /// For what.
    pub fingerprint: Fingerprint,
    /// Whether it is about money.
    pub is_money: bool,
}

/// What a claim came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is to be worked on, for the first time or because nobody knows what it came to.
    Ours(ClaimId),
    /// It was answered so.
    Replied(Reply),
    /// The key is another request's.
    OtherRequest,
    /// As many keys about money are kept as may be.
    TooMany,
}

/// The fingerprint of a request.
pub fn fingerprint(method: &str, path: &str, body: &[u8]) -> Fingerprint {
    let mut context = digest::Context::new(&digest::SHA256);
    // Neither a method nor a path has a line's end in it.
    for part in [method.as_bytes(), b"\n", path.as_bytes(), b"\n", body] {
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

impl Store {
    /// Claims a key for a request that nobody works on.
    pub async fn claim(&self, new: NewClaim, now: Timestamp) -> Result<Claimed, StoreError> {
        self.writer.write(move |connection| claim(connection, &new, now)).await
    }

    /// Keeps the reply to a claimed request, if there is none; what is kept is what the caller is told.
    pub async fn keep_reply(&self, claim: ClaimId, reply: Reply) -> Result<Reply, StoreError> {
        self.writer
            .write(move |connection| {
                if let Some(kept) = kept(connection, claim)? {
                    return Ok(kept);
                }
                put_reply(connection, claim, &reply)?;
                Ok(reply)
            })
            .await
    }

    /// Lets a key go whose request came to nothing that is kept.
    pub async fn give_claim_up(&self, claim: ClaimId) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| {
                let sql = "DELETE FROM request_keys WHERE id = ?1 AND status IS NULL";
                connection.prepare_cached(sql)?.execute([claim.0])?;
                Ok(())
            })
            .await
    }

    /// Removes up to [`FORGET_BATCH`] keys that have been kept long enough; how many it were.
    pub async fn forget_claims(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.writer
            .write(move |connection| {
                let before = now.minus(KEPT_FOR).as_millis();
                Ok(connection.prepare_cached(FORGET_CLAIMS)?.execute(params![before, FORGET_BATCH])?)
            })
            .await
    }
}

/// A claim that is there.
struct Present {
    id: i64,
    fingerprint: Fingerprint,
    claimed_at_ms: i64,
    reply: Option<Reply>,
}

fn claim(connection: &Connection, new: &NewClaim, now: Timestamp) -> Result<Claimed, StoreError> {
    let token = new.token.as_ref().map_or("", TokenName::as_str);
    let sql = "SELECT id, fingerprint, claimed_at_ms, status, content_type, location, body FROM request_keys
        WHERE token = ?1 AND request_key = ?2";
    let found = connection.prepare_cached(sql)?.query_row([token, new.key.as_str()], present).optional()?;
    match found {
        Some(old) if old.claimed_at_ms <= now.minus(KEPT_FOR).as_millis() => {
            connection.prepare_cached("DELETE FROM request_keys WHERE id = ?1")?.execute([old.id])?;
        }
        Some(present) if present.fingerprint != new.fingerprint => return Ok(Claimed::OtherRequest),
        Some(present) => {
            let ours = Claimed::Ours(ClaimId(present.id));
            return Ok(present.reply.map_or(ours, Claimed::Replied));
        }
        None => {}
    }
    if new.is_money {
        let kept: i64 = connection.prepare_cached(COUNT_MONEY)?.query_row([], |row| row.get(0))?;
        if kept >= MONEY_KEYS_MAX {
            return Ok(Claimed::TooMany);
        }
    }
    connection
        .prepare_cached(
            "INSERT INTO request_keys (token, request_key, fingerprint, claimed_at_ms, money)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![token, new.key.as_str(), new.fingerprint, now.as_millis(), new.is_money])?;
    let id = connection.last_insert_rowid();
    // Ids come one after the other, so each new one has one to make room for it.
    let sql = "DELETE FROM request_keys WHERE id = ?1 AND money = 0";
    connection.prepare_cached(sql)?.execute([id - KEYS_MAX])?;
    Ok(Claimed::Ours(ClaimId(id)))
}

fn present(row: &Row<'_>) -> rusqlite::Result<Present> {
    Ok(Present {
        id: row.get("id")?,
        fingerprint: row.get("fingerprint")?,
        claimed_at_ms: row.get("claimed_at_ms")?,
        reply: reply(row)?,
    })
}

fn reply(row: &Row<'_>) -> rusqlite::Result<Option<Reply>> {
    let Some(status) = row.get("status")? else { return Ok(None) };
    let (content_type, location, body) = (row.get("content_type")?, row.get("location")?, row.get("body")?);
    Ok(Some(Reply { status, content_type, location, body }))
}

fn kept(connection: &Connection, claim: ClaimId) -> Result<Option<Reply>, StoreError> {
    let sql = "SELECT status, content_type, location, body FROM request_keys WHERE id = ?1";
    let found = connection.prepare_cached(sql)?.query_row([claim.0], reply).optional()?;
    Ok(found.flatten())
}

/// Keeps a reply where there is none.
pub(super) fn put_reply(connection: &Connection, claim: ClaimId, reply: &Reply) -> Result<(), StoreError> {
    let Reply { status, content_type, location, body } = reply;
    let sql = "UPDATE request_keys SET status = ?2, content_type = ?3, location = ?4, body = ?5
        WHERE id = ?1 AND status IS NULL";
    connection.prepare_cached(sql)?.execute(params![claim.0, status, content_type, location, body])?;
    if body.len() > 4096 {
        connection.prepare_cached(TRIM_LONG)?.execute([LONG_REPLIES_MAX])?;
    }
    Ok(())
}
