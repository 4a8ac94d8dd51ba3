//! What the database knows about itself: a few names with a text each.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::order::MerchantId;

/// What is known about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meta {
    /// The host and the file that this database was made in.
    Home,
    /// The highest number of a send that was given out.
    Counter,
    /// The hash of a line that the witness is known to have.
    Witnessed,
    /// Why money is frozen; no row while it is not.
    Frozen,
    /// Since when, in milliseconds.
    FrozenSince,
    /// What speaks against the host's clock; no row while nothing does.
    ClockDoubt,
    /// The last event of before the journal had a chain; no row once all of them are chained.
    Unchained,
}

impl Meta {
    /// Its name in the file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Counter => "witness_counter",
            Self::Witnessed => "witnessed",
            Self::Frozen => "frozen",
            Self::FrozenSince => "frozen_since_ms",
            Self::ClockDoubt => "clock_doubt",
            Self::Unchained => "journal_unchained",
        }
    }
}

pub(super) fn get(connection: &Connection, what: Meta) -> Result<Option<String>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    statement.query_row([what.name()], |row| row.get(0)).optional()
}

pub(super) fn set(connection: &Connection, what: Meta, value: &str) -> Result<(), rusqlite::Error> {
    put(connection, what.name(), value)
}

pub(super) fn remove(connection: &Connection, what: Meta) -> Result<(), rusqlite::Error> {
    connection.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([what.name()]).map(drop)
}

/// The highest number given out; 0 before the first.
pub(super) fn counter(connection: &Connection) -> Result<i64, rusqlite::Error> {
    Ok(get(connection, Meta::Counter)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// The names of the keys that rows may be sealed with begin with this.
const SEAL_KEY: &str = "seal_key:";

/// The ids of the keys that rows may be sealed with.
pub(super) fn seal_keys(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT substr(name, ?2) FROM meta WHERE substr(name, 1, ?1) = ?3")?;
    let found = statement.query_map(params![SEAL_KEY.len(), SEAL_KEY.len() + 1, SEAL_KEY], |row| row.get(0))?;
    found.collect()
}

pub(super) fn add_seal_key(connection: &Connection, id: &str) -> Result<(), rusqlite::Error> {
    put(connection, &format!("{SEAL_KEY}{id}"), "1")
}

/// No row is sealed any more with another key than the one of `id`.
pub(super) fn keep_seal_key(connection: &Connection, id: &str) -> Result<(), rusqlite::Error> {
    let sql = "DELETE FROM meta WHERE substr(name, 1, ?1) = ?2 AND name <> ?3";
    connection.execute(sql, params![SEAL_KEY.len(), SEAL_KEY, format!("{SEAL_KEY}{id}")]).map(drop)
}

/// The names of what is noted of a merchant's weather begin with this.
const WEATHER: &str = "weather:";

/// Notes a merchant's weather, or that there is nothing to note.
pub(super) fn set_weather(
    connection: &Connection,
    merchant: &MerchantId,
    text: Option<&str>,
) -> Result<(), rusqlite::Error> {
    let name = format!("{WEATHER}{}", merchant.as_str());
    match text {
        Some(text) => put(connection, &name, text),
        None => connection.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([name]).map(drop),
    }
}

/// What is noted of each merchant's weather.
pub(super) fn weather(connection: &Connection) -> Result<Vec<(String, String)>, rusqlite::Error> {
    let sql = "SELECT substr(name, ?2), value FROM meta WHERE substr(name, 1, ?1) = ?3 ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_map(params![WEATHER.len(), WEATHER.len() + 1, WEATHER], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.collect()
}

fn put(connection: &Connection, name: &str, value: &str) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute([name, value]).map(drop)
}
