//! A transaction whose own words are prepared once: they come with every read and every change.

use rusqlite::Connection;

/// An open transaction; dropped, it is rolled back.
#[derive(Debug)]
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
}

impl<'a> Transaction<'a> {
    /// Begins one to read in: what it sees is of one moment.
    pub(super) fn of_reads(connection: &'a Connection) -> Result<Self, rusqlite::Error> {
        execute(connection, "BEGIN")?;
        Ok(Self { connection })
    }

    /// Begins one to write in, alone.
    pub(super) fn of_changes(connection: &'a Connection) -> Result<Self, rusqlite::Error> {
        execute(connection, "BEGIN IMMEDIATE")?;
        Ok(Self { connection })
    }

    /// Whether a failure under a statement has ended it already.
    pub(super) fn is_over(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Commits; what was only read is thereby at its end.
    pub(super) fn commit(self) -> Result<(), rusqlite::Error> {
        execute(self.connection, "COMMIT")
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.is_over()
            && let Err(error) = execute(self.connection, "ROLLBACK")
        {
            tracing::error!(%error, "Cannot roll a transaction back");
        }
    }
}

/// Runs words that are prepared once.
pub(super) fn execute(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
