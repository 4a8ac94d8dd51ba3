//! Whether money may move for this database at all (R8): it is at home, and its witness agrees with it.
//!
//! Looked at once, at the start, under the lock. What is found wrong freezes money: that is written down, and stays
//! until a person adopts the database. Looks go on.

use std::fmt;
use std::path::Path;

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use crate::domain::order::OrderKey;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::home::Home;
use super::meta::{self, Meta};
use super::open::{Mode, OpenError};
use super::place::Place;
use super::witness::{self, Chain, Found, Hash, Known, Sent, Witness, Wrong};
use super::{Store, StoreError};

/// Orders named in one sentence at most; `reconciled adopt --dry-run` has all.
const NAMED_MAX: usize = 20;

/// Money is frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why, for people.
    pub why: String,
}

/// What a start found.
#[derive(Debug)]
pub(super) struct Examined {
    /// What is wrong, in words.
    pub(super) findings: Vec<Finding>,
    /// Sends whose numbers the database has not given out.
    pub(super) beyond: Vec<Sent>,
    /// Whether the witness can go on as it is, once a person has vouched for it.
    pub(super) goes_on: bool,
    /// The home as it is here.
    pub(super) here: Home,
    /// Where the witness is.
    pub(super) witness: std::path::PathBuf,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The database is a copy, and how one can tell.
    NotAtHome(&'static str),
    /// The witness has sends that the database has not: so many, and these orders.
    Ahead { sends: usize, orders: Vec<String> },
    /// The witness is gone.
    Missing,
    /// It lacks what it had.
    Shorter,
    /// Its chain is broken at this line.
    Broken(usize),
    /// It cannot be read.
    Unusable(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAtHome(how) => write!(
                f,
                "this database is a copy ({how}), and its orders may be completed by the original, or may have been"
            ),
            Self::Ahead { sends, orders } => {
                let named = orders.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if orders.len() > NAMED_MAX { " and others" } else { "" };
                write!(
                    f,
                    "the witness has {sends} send(s) that this database does not know, so it is older than that, or was \
                     begun anew; orders: {named}{more}"
                )
            }
            Self::Missing => write!(f, "the witness is missing, and this database knows that it had one"),
            Self::Shorter => write!(f, "the witness lacks lines that this database knows it had"),
            Self::Broken(line) => {
                write!(
                    f,
                    "line {line} of the witness does not follow from the one before it: it was changed or damaged"
                )
            }
            Self::Unusable(why) => write!(f, "the witness cannot be read: {why}"),
        }
    }
}

impl Store {
    /// Why no money moves; `None` while it may.
    pub async fn freeze(&self) -> Result<Option<Freeze>, StoreError> {
        let failed = self.witness.as_ref().and_then(Witness::failed);
        let found = self
            .readers
            .read(|connection| {
                let since = meta::get(connection, Meta::FrozenSince)?.and_then(|since| since.parse().ok());
                let why = meta::get(connection, Meta::Frozen)?;
                Ok(why.map(|why| Freeze { since: since.map(Timestamp::from_millis), why }))
            })
            .await?;
        Ok(found.or(failed.map(|why| Freeze { since: None, why: no_longer_written(&why) })))
    }

    /// Writes the send that was just written in doubt for `order` into the witness, and returns once that is on disk.
    /// Without that, nothing may be sent: money freezes.
    pub async fn bear_witness(&self, order: OrderKey, now: Timestamp) -> Result<(), StoreError> {
        let Some(witness) = self.witness.clone() else {
            return Err(StoreError::Unwitnessed("this process does not hold the database's lock".to_owned()));
        };
        let sent = self.readers.read(move |connection| sent(connection, order, now)).await?;
        let written = match self.readers.mode() {
            Mode::Durable => tokio::task::spawn_blocking(move || witness.send(sent)).await,
            Mode::Simulated => Ok(witness.send(sent)),
        };
        let why = match written {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its writing was interrupted".to_owned(),
        };
        let words = no_longer_written(&why);
        tracing::error!("Money is frozen: {words}");
        let frozen = words.clone();
        self.writer.write(move |connection| Ok(freeze(connection, &frozen, now)?)).await?;
        self.ring();
        Err(StoreError::Unwitnessed(words))
    }
}

fn no_longer_written(why: &str) -> String {
    format!("a send could not be written to the witness ({why})")
}

/// Why no money moves for the database behind `connection`; `None` while it may. What cannot be read is taken for a
/// freeze.
pub(super) fn frozen(connection: &Connection) -> Option<String> {
    meta::get(connection, Meta::Frozen)
        .unwrap_or_else(|error| Some(format!("it cannot be read whether money is frozen: {error}")))
}

/// As [`frozen`], and while this process can write no witness, whether or not it could write that down.
pub(super) fn frozen_or_failed(connection: &Connection, witness: Option<&Witness>) -> Option<String> {
    frozen(connection).or_else(|| witness.and_then(Witness::failed).map(|why| no_longer_written(&why)))
}

/// The next send's number. Given out with the intent, so the database knows how far the witness may reach.
pub(super) fn next_number(connection: &Connection) -> Result<i64, StoreError> {
    let next = meta::counter(connection)?.saturating_add(1);
    meta::set(connection, Meta::Counter, &next.to_string())?;
    Ok(next)
}

/// Notes the last line of the witness. Late is fine, for it is only ever a line that is on disk.
pub(super) fn note_witnessed(connection: &Connection, witness: Option<&Witness>) -> Result<(), StoreError> {
    let Some(last) = witness.map(Witness::last) else {
        return Ok(());
    };
    if meta::get(connection, Meta::Witnessed)?.as_deref() != Some(last.as_str()) {
        meta::set(connection, Meta::Witnessed, last.as_str())?;
    }
    Ok(())
}

fn freeze(connection: &Connection, why: &str, now: Timestamp) -> Result<(), rusqlite::Error> {
    // The first reason is the one that a person has to hear.
    if meta::get(connection, Meta::Frozen)?.is_none() {
        meta::set(connection, Meta::Frozen, why)?;
        meta::set(connection, Meta::FrozenSince, &now.as_millis().to_string())?;
    }
    Ok(())
}

/// The witness's line of the send that is in doubt for `order`.
fn sent(connection: &Connection, order: OrderKey, now: Timestamp) -> Result<Sent, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT witness_seq, operations.merchant AS merchant, order_number, order_id, kind,
            operations.amount_minor AS amount_minor, expected_minor, attempt, refunded_before_minor
         FROM operations JOIN orders ON orders.id = operations.order_key
         WHERE order_key = ?1 AND operations.state = 'in_doubt' AND witness_seq IS NOT NULL",
    )?;
    let sent = statement
        .query_row(params![order.0], |row| {
            Ok(Sent {
                seq: row.get("witness_seq")?,
                at: now.to_string(),
                merchant: row.get("merchant")?,
                order_number: row.get("order_number")?,
                order_id: row.get::<_, Option<String>>("order_id")?.unwrap_or_default(),
                kind: row.get("kind")?,
                amount_minor: row.get("amount_minor")?,
                expected_minor: row.get("expected_minor")?,
                attempt: row.get("attempt")?,
                refunded_before_minor: row.get("refunded_before_minor")?,
            })
        })
        .optional()?;
    sent.ok_or_else(|| StoreError::Unwitnessed("no send is in doubt for this order".to_owned()))
}

pub(super) fn known(connection: &Connection) -> Result<Known, rusqlite::Error> {
    let witnessed = meta::get(connection, Meta::Witnessed)?.map(Hash::from_stored);
    Ok(Known { counter: meta::counter(connection)?, witnessed })
}

/// Compares the database with its home and its witness, freezes money when they disagree, and opens the witness for the
/// next line when it can go on.
pub(super) fn examine(
    connection: &Connection,
    place: &Place,
    now: Timestamp,
) -> Result<(Examined, Option<Witness>), OpenError> {
    let sqlite =
        |error: rusqlite::Error| OpenError::Sqlite { path: place.database.clone(), message: error.to_string() };
    let here = Home::of(&place.database)
        .map_err(|error| OpenError::Sqlite { path: place.database.clone(), message: error.to_string() })?;
    let known = known(connection).map_err(sqlite)?;
    let home = meta::get(connection, Meta::Home).map_err(sqlite)?.as_deref().and_then(Home::parse);
    let mut findings: Vec<Finding> =
        home.and_then(|home| home.differs_from(&here)).map(Finding::NotAtHome).into_iter().collect();
    let (found, beyond, witness) = at_witness(place, &known, now)?;
    let goes_on = witness.is_some();
    findings.extend(found);
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(sqlite)?;
    if findings.is_empty() {
        let last = witness.as_ref().map(Witness::last);
        let noted = last.map_or(Ok(()), |last| meta::set(connection, Meta::Witnessed, last.as_str()));
        noted.map_err(sqlite)?;
    } else {
        let why = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        freeze(connection, &why, now).map_err(sqlite)?;
    }
    transaction.commit().map_err(sqlite)?;
    if let Some(why) = frozen(connection) {
        tracing::error!(
            "Money is frozen, and no completion is sent: {why}. Stop the daemon and see `reconciled adopt --dry-run`"
        );
    }
    let witness_path = place.witness.clone();
    Ok((Examined { findings, beyond, goes_on, here, witness: witness_path }, witness))
}

type AtWitness = (Vec<Finding>, Vec<Sent>, Option<Witness>);

fn at_witness(place: &Place, known: &Known, now: Timestamp) -> Result<AtWitness, OpenError> {
    let path = &place.witness;
    match witness::find(path, known) {
        Found::File(file, chain) => {
            let findings: Vec<Finding> = chain.wrong(known).into_iter().map(|wrong| named(wrong, &chain)).collect();
            let goes_on = findings.iter().all(|finding| matches!(finding, Finding::Ahead { .. }));
            let resumed = if goes_on {
                Some(Witness::resume(path, file, &chain).map_err(|cause| unusable(path, cause))?)
            } else {
                None
            };
            Ok((findings, chain.beyond, resumed))
        }
        // Nothing was ever sent: there is nothing to have been witnessed.
        Found::Missing if known.counter == 0 => {
            let begun = Witness::begin(path, 0, now).map_err(|cause| unusable(path, cause))?;
            Ok((Vec::new(), Vec::new(), Some(begun)))
        }
        Found::Missing => Ok((vec![Finding::Missing], Vec::new(), None)),
        Found::Unusable(cause) if known.counter == 0 => Err(unusable(path, cause)),
        Found::Unusable(cause) => Ok((vec![Finding::Unusable(cause.to_string())], Vec::new(), None)),
    }
}

fn unusable(path: &Path, cause: std::io::Error) -> OpenError {
    OpenError::Witness { path: path.to_owned(), cause }
}

fn named(wrong: Wrong, chain: &Chain) -> Finding {
    match wrong {
        Wrong::Ahead => {
            let mut orders: Vec<String> = Vec::new();
            for sent in &chain.beyond {
                let name = format!("{} of {}", sent.order_number, sent.merchant);
                if !orders.contains(&name) && orders.len() <= NAMED_MAX {
                    orders.push(name);
                }
            }
            Finding::Ahead { sends: chain.beyond.len(), orders }
        }
        Wrong::Shorter => Finding::Shorter,
        Wrong::Broken(line) => Finding::Broken(line),
    }
}
