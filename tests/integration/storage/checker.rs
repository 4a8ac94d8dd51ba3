//! What must be found on the disk, whatever became of the power.

use std::path::Path;

use reconciled::domain::event::Cause;
use reconciled::store::{Added, OpenError, Store};
use rusqlite::Connection;

use super::script::{NOW, Story, Told};
use crate::fixture::order;

/// What was checked of one image.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checked {
    /// Acknowledged changes that had to be there.
    pub(super) told: usize,
    /// Sends that had been acknowledged as written down.
    pub(super) sends: usize,
    /// Changes there that nobody had been told of.
    pub(super) untold: usize,
}

impl Story {
    /// What had been told by the time that `position` operations had happened.
    pub(super) fn told_by(&self, position: usize) -> &[Told] {
        // Changes of one commit may have been told in another order than they were written in: all up to the last one
        // told must be there, since they are in commits before it or in its own.
        let last = self.told.iter().rposition(|told| told.at <= position);
        &self.told[..last.map_or(0, |last| last + 1)]
    }

    fn begun_by(&self, position: usize) -> usize {
        self.begun.iter().filter(|at| **at <= position).count()
    }
}

/// Opens the database at `path` with the real store and holds it against what had been told at `position`.
pub(super) fn check(path: &Path, story: &Story, position: usize) -> Result<Checked, String> {
    let told = story.told_by(position);
    match Store::open_or_create(path) {
        Ok(store) => drop(store),
        // The first start was cut off before anything was acknowledged; the file says nothing, and neither do we.
        Err(OpenError::Empty(_)) if told.is_empty() => return Ok(Checked::default()),
        Err(error) => return Err(format!("it does not open: {error}")),
    }
    let connection = Connection::open(path).map_err(|error| error.to_string())?;
    let unread: Vec<&String> = story.unread.iter().filter(|(at, _)| *at <= position).map(|(_, words)| words).collect();
    check_rows(&connection, told, &unread, story.begun_by(position)).map_err(|error| match error {
        Wrong::Sqlite(error) => error.to_string(),
        Wrong::Told(words) => words,
    })
}

enum Wrong {
    Sqlite(rusqlite::Error),
    Told(String),
}

impl From<rusqlite::Error> for Wrong {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn wrong<T>(words: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Told(words.into()))
}

fn check_rows(connection: &Connection, told: &[Told], unread: &[&String], begun: usize) -> Result<Checked, Wrong> {
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if sound != "ok" {
        return wrong(sound);
    }
    if connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return wrong("a row names an order that is not there");
    }
    let found = journal(connection)?;
    for (index, told) in told.iter().enumerate() {
        match found.get(index) {
            Some((seq, number, detail)) if (*seq, number, detail) == (told.seq, &told.number, &told.detail) => {}
            other => return wrong(format!("acknowledged {told:?}, found {other:?}")),
        }
    }
    for unread in unread {
        if !found.iter().any(|(_, number, detail)| **unread == format!("{number} {detail}")) {
            return wrong(format!("acknowledged {unread:?}, and not found"));
        }
    }
    if found.len() > begun {
        return wrong(format!("{} changes are there, and {begun} were begun", found.len()));
    }
    check_orders(connection)?;
    let last: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))?;
    let handed_out: i64 = connection.query_row(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)",
        [],
        |row| row.get(0),
    )?;
    if handed_out < last {
        return wrong(format!("event {last} is there, and {handed_out} would be followed by a number in use"));
    }
    let sends = told.iter().filter(|told| told.detail.contains(" in_doubt ")).count();
    Ok(Checked { told: told.len(), sends, untold: found.len() - told.len() })
}

fn journal(connection: &Connection) -> Result<Vec<(i64, String, String)>, rusqlite::Error> {
    connection
        .prepare(
            "SELECT seq, order_number, detail FROM events CROSS JOIN orders ON orders.id = events.order_key ORDER BY seq",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// Nothing is there by half: each order's row, its operation and the last it says in the journal tell one story.
fn check_orders(connection: &Connection) -> Result<(), Wrong> {
    let mut statement = connection.prepare(
        "SELECT orders.order_number, orders.version, orders.state, coalesce(heard, ''), count(seq),
             (SELECT detail FROM events WHERE order_key = orders.id ORDER BY seq DESC LIMIT 1),
             operations.state, operations.attempt, operations.note
         FROM orders LEFT JOIN events ON events.order_key = orders.id
             LEFT JOIN operations ON operations.order_key = orders.id
         GROUP BY orders.id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, version, state, heard): (String, i64, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (events, last): (i64, Option<String>) = (row.get(4)?, row.get(5)?);
        let operation: Option<String> = row.get(6)?;
        let last = last.unwrap_or_default();
        let row_says = match version {
            1 => "entered the queue".to_owned(),
            _ => format!("v{version} {state} {} #", operation.as_deref().unwrap_or("-")),
        };
        if events != version || !last.starts_with(&row_says) || (version > 1 && heard != last) {
            return wrong(format!("{number}: {events} events, the last {last:?}; the row: {row_says:?}, {heard:?}"));
        }
        let (attempt, note): (Option<i64>, Option<String>) = (row.get(7)?, row.get(8)?);
        let sent = !matches!(operation.as_deref(), None | Some("intended"));
        if sent && (attempt != Some(1) || note.as_deref() != Some(&*last)) {
            return wrong(format!("{number}: attempt {attempt:?}, noted {note:?}, journal {last:?}"));
        }
    }
    Ok(())
}

/// The database is not only readable: the real store goes on with it, and hands out no number twice.
pub(super) async fn goes_on(path: &Path, told: &[Told]) -> Result<(), String> {
    let store = Store::open_or_create(path).map_err(|error| error.to_string())?;
    let added = store.add_orders(vec![order("afterwards", 100)], Cause::Shop, NOW).await;
    if added.as_ref().ok() != Some(&vec![Added::New]) {
        return Err(format!("it takes no more orders: {added:?}"));
    }
    let last = told.last().map_or(0, |told| told.seq);
    let after = store.events_after(last, 1_000).await.map_err(|error| error.to_string())?;
    match after.last() {
        Some(event) if event.number.as_str() == "afterwards" && event.seq > last => Ok(()),
        other => Err(format!("after event {last} came {other:?}")),
    }
}
