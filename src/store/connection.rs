//! A connection with the keys of its rows' seals: whoever can read a row can check it.

use std::ops::Deref;
use std::sync::Arc;

use super::seal::Ring;

/// SQLite's connection, and the ring.
#[derive(Debug)]
pub(super) struct Connection {
    inner: rusqlite::Connection,
    ring: Arc<Ring>,
}

impl Connection {
    pub(super) const fn new(inner: rusqlite::Connection, ring: Arc<Ring>) -> Self {
        Self { inner, ring }
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
