//! The journal's chain: for each event a hash over its row and over the hash before it.
//!
//! The hash of an event is SHA-256 of the 32 bytes of the hash before it and of its row's [`Encoding`]: the table's
//! name `events`, then the columns in the order of [`COLUMNS`]. Before the first event stand 32 zero bytes. A column
//! that is added to the journal some day goes behind those that are there; events from before have NULL in it, which is
//! left out, so their hashes stay what they are.
//!
//! What it proves: whoever has a hash that was written down elsewhere, the head that every report shows, can tell that
//! no event up to it was altered, taken out, put in or moved since, and where one was, which is the first. What it does
//! not prove: there is no key in it, so whoever can write all of the file can compute it anew from any event on. Then
//! the events of the file agree with one another, and no longer with the heads of the reports before, nor with what the
//! shop was told. Seals, which have a key, guard the rows that money depends on; this guards what is said to have
//! happened.
//!
//! The end of the chain is read from the file for every change that tells something, which takes less than a
//! microsecond, and not kept in memory: a change that is rolled back takes its links with it, and the command line
//! writes to the same file. Nothing that is found here keeps anybody from writing: what is wrong with the chain is
//! `verify`'s to say, and orders go on meanwhile.
//!
//! Should events at the front be removed some day, their links go as well, but for the last, which is the beginning
//! then as the origin is now: a number and a hash to walk on from.

use ring::digest;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row};

use crate::domain::chain::{EventHash, Head};
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::encoding::Encoding;
use super::meta::{self, Meta};
use super::{Store, StoreError};

/// What of an event its hash covers: all of it.
pub(super) const COLUMNS: [&str; 8] =
    ["seq", "at_ms", "order_key", "kind", "cause", "state_before", "state_after", "detail"];

/// Events chained in one transaction where there are many, so that nobody waits long behind it: some milliseconds.
const BATCH: usize = 1_000;

/// The values of an event, in the order of its columns.
pub(super) type Values<'a> = [ValueRef<'a>; COLUMNS.len()];

/// The columns, for a query.
pub(super) fn columns() -> String {
    COLUMNS.map(|column| format!("events.{column}")).join(", ")
}

/// The values of a row that has the columns first.
pub(super) fn values<'a>(row: &'a Row<'_>) -> Result<Values<'a>, rusqlite::Error> {
    let mut values = [ValueRef::Null; COLUMNS.len()];
    for (place, value) in values.iter_mut().enumerate() {
        *value = row.get_ref(place)?;
    }
    Ok(values)
}

/// The hash of an event behind `before`.
pub(super) fn hash(before: &EventHash, event: &Values<'_>) -> EventHash {
    let mut row = Encoding::of("events");
    COLUMNS.iter().zip(event).for_each(|(column, value)| row.add(column, *value));
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(before.as_bytes());
    context.update(&row.into_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    EventHash::new(bytes)
}

/// The end of the chain, to be gone on from in the open transaction.
#[derive(Debug)]
pub(super) struct End(Head);

impl End {
    /// As it is now.
    pub(super) fn of(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement =
            connection.prepare_cached("SELECT seq, hash FROM journal_chain ORDER BY seq DESC LIMIT 1")?;
        let found = statement.query_row([], head).optional()?;
        Ok(Self(found.unwrap_or(Head { seq: 0, hash: EventHash::ORIGIN })))
    }

    /// Chains the event numbered `seq`, which was just written.
    pub(super) fn go_on(&mut self, connection: &Connection, seq: i64, event: &Values<'_>) -> Result<(), StoreError> {
        // What is there of an earlier version has to come before it.
        if seq != self.0.seq.saturating_add(1) && has_backlog(connection)? {
            return Ok(());
        }
        self.link(connection, seq, event)
    }

    fn link(&mut self, connection: &Connection, seq: i64, event: &Values<'_>) -> Result<(), StoreError> {
        let link = Head { seq, hash: hash(&self.0.hash, event) };
        // A number that has a link already was given out again by a file that somebody has cut: left as it is, the link
        // shows that, and the order is none the worse for it.
        connection
            .prepare_cached("INSERT INTO journal_chain (seq, hash) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute((link.seq, link.hash.as_bytes()))?;
        self.0 = link;
        Ok(())
    }
}

/// A link as a head. One that is none, which takes a tool that disregards the schema, is gone on from like the origin.
fn head(row: &Row<'_>) -> Result<Head, rusqlite::Error> {
    Ok(Head { seq: row.get(0)?, hash: row.get(1).map_or(EventHash::ORIGIN, EventHash::new) })
}

/// Whether events of before there was a chain wait for their links.
fn has_backlog(connection: &Connection) -> Result<bool, StoreError> {
    Ok(meta::get(connection, Meta::Unchained)?.is_some())
}

/// The journal's head just before `until`: the last event whose time is before it. `None` when there is none, or it has
/// no link yet.
///
/// From the end backwards, since the journal has no index by time: nobody asks for a day long gone, but for a person.
pub(super) fn head_before(connection: &Connection, until: Timestamp) -> Result<Option<Head>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, hash FROM journal_chain
         WHERE seq = (SELECT seq FROM events WHERE at_ms < ?1 ORDER BY seq DESC LIMIT 1)",
    )?;
    Ok(statement.query_row([until.as_millis()], head).optional()?)
}

impl Store {
    /// Chains what the journal had before it had a chain, and says how many events that were. Cut short, it goes on
    /// where it was.
    pub async fn chain_backlog(&self) -> Result<u64, StoreError> {
        let mut chained = 0;
        if !self.readers.read(has_backlog).await? {
            return Ok(chained);
        }
        loop {
            let batch = self.writer.write(chain_batch).await?;
            chained += batch as u64;
            if batch < BATCH {
                return Ok(chained);
            }
        }
    }
}

/// Chains the next events that have no link; fewer than a batch are the last, after which whoever writes an event
/// chains it.
pub(super) fn chain_batch(connection: &Connection) -> Result<usize, StoreError> {
    // Another process may have done all of it in between.
    if !has_backlog(connection)? {
        return Ok(0);
    }
    let mut end = End::of(connection)?;
    let sql = format!("SELECT {} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2", columns());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query((end.0.seq, BATCH))?;
    let mut chained = 0;
    while let Some(row) = found.next()? {
        end.link(connection, row.get(0)?, &values(row)?)?;
        chained += 1;
    }
    if chained < BATCH {
        meta::remove(connection, Meta::Unchained)?;
    }
    Ok(chained)
}
