//! The queue and its journal in SQLite: one file, one writer thread, readers beside it.
//!
//! The face is coarse and async, and free of `rusqlite` types, because a second store may come one day. Every change of
//! an order goes through [`Store::amend`]: load the row and its open operation, let a pure function of
//! [`crate::domain`] decide, write rows and events in one transaction. What was acknowledged or concerns money is synced
//! before anybody hears of it (`synchronous=FULL`).
//!
//! Read in this order: `open` and `migrate` (the file), `lock` (who may speak to the bank for it), `writer` and
//! `readers` (the connections), `rows` (columns to values), then the subjects: `orders`, `amend`, `due`,
//! `events`, `figures`, `books`, `proposals`.

#![deny(clippy::float_arithmetic)]

mod amend;
mod books;
mod due;
mod events;
mod figures;
mod identity;
mod lock;
mod migrate;
mod open;
mod orders;
mod proposals;
mod readers;
mod rows;
#[cfg(test)]
mod tests;
mod writer;

pub use amend::{Amendment, OperationChange};
pub use books::DayBooks;
pub use figures::{Figures, Group, LatestAnswer};
pub use lock::{Lock, LockError};
pub use migrate::{MigrateError, SCHEMA_VERSION};
pub use open::OpenError;
pub use orders::{Added, ListFilter};
pub use rows::OrderWithOperation;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use readers::Readers;
use writer::Writer;

/// The database of one daemon. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    path: Arc<PathBuf>,
    /// Names this process in the operations it writes.
    instance: Arc<str>,
    writer: Writer,
    readers: Readers,
    bell: watch::Sender<u64>,
}

impl Store {
    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rings after every change that may have made something due. Whoever waits for it looks by itself now and then all
    /// the same: another process's changes do not ring here.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    fn ring(&self) {
        self.bell.send_modify(|rung| *rung = rung.wrapping_add(1));
    }

    /// Returns once no more write can succeed: a commit failed, and what it held may or may not be on disk. The process
    /// has to stop; the next one reads what is there and asks the bank.
    pub async fn failed(&self) {
        self.writer.failed().await;
    }
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such order.
    #[error("no order {number:?} of merchant {merchant:?} is known here")]
    NoSuchOrder {
        /// The merchant asked for.
        merchant: String,
        /// The number asked for.
        number: String,
    },
    /// The commit failed in some way: the change may or may not be on disk. Never act on it; stop.
    #[error("a commit failed, so it is not known whether the change is on disk: {0}")]
    CommitUncertain(String),
    /// The writer has stopped after a failure, or the queue is closed.
    #[error("the database no longer takes changes after a failed commit; restart the daemon")]
    Stopped,
    /// A statement failed: nothing of the change was written.
    #[error("the database refused the change: {0}")]
    Refused(String),
    /// A row that the types do not know.
    #[error("the database holds {what}, which this program does not understand")]
    Unreadable {
        /// What was found where.
        what: String,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
