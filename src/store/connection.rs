//! A connection with the keys of its rows' seals: whoever can read a row can check it.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;

use super::seal::Ring;

/// SQLite's connection, and the ring.
#[derive(Debug)]
pub(super) struct Connection {
    inner: rusqlite::Connection,
    ring: Arc<Ring>,
    /// The open transaction adds to the journal.
    has_news: Cell<bool>,
}

impl Connection {
    pub(super) const fn new(inner: rusqlite::Connection, ring: Arc<Ring>) -> Self {
        Self { inner, ring, has_news: Cell::new(false) }
    }

    /// Notes that the open transaction adds to the journal.
    pub(super) fn note_news(&self) {
        self.has_news.set(true);
    }

    /// Whether any was noted since this was last asked; what was rolled back may be among it.
    pub(super) fn take_news(&self) -> bool {
        self.has_news.take()
    }

    /// The keys.
    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }
}

impl Deref for Connection {
    type Target = rusqlite::Connection;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}
