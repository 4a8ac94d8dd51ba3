//! Read connections beside the writer: WAL lets them see the last commit without waiting.
//!
//! They are read on threads of their own; in a simulation in the caller's task, since a thread knows nothing of virtual
//! time, and over the writer's connection: every other one would have to fetch anew whatever it has just written.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, watch};

use super::StoreError;
use super::connection::Connection;
use super::open::{Mode, OpenError};
use super::transaction::Transaction;
use super::writer::Writer;

/// Reads at once: more would only compete for the same two or four cores and the same file.
const READERS_MAX: usize = 4;

type Connect = dyn Fn() -> Result<Connection, OpenError> + Send + Sync;

/// A small pool, filled as it is needed.
#[derive(Clone)]
pub(super) struct Readers {
    connect: Arc<Connect>,
    /// In a simulation, whose connection is read.
    shared: Option<Writer>,
    permits: Arc<Semaphore>,
    /// A std mutex: held to push or pop, never across an await.
    idle: Arc<Mutex<Vec<Connection>>>,
    /// Whether the writer has ended.
    failed: watch::Receiver<bool>,
}

impl Readers {
    /// A pool whose connections come from `connect`, of use until the writer has `failed`.
    pub(super) fn new(
        connect: impl Fn() -> Result<Connection, OpenError> + Send + Sync + 'static,
        failed: watch::Receiver<bool>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(READERS_MAX));
        Self { connect: Arc::new(connect), shared: None, permits, idle: Arc::default(), failed }
    }

    /// Reads over the connection of `writer`, if it writes in its callers' tasks.
    pub(super) fn over(self, writer: &Writer) -> Self {
        Self { shared: writer.is_inline().then(|| writer.clone()), ..self }
    }

    /// How the store's connections work.
    pub(super) const fn mode(&self) -> Mode {
        if self.shared.is_some() { Mode::Simulated } else { Mode::Durable }
    }

    /// Runs `read` in one read transaction, so that all it sees is of one moment.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let _permit = self.permits.acquire().await.map_err(|_| StoreError::Stopped)?;
        if let Some(writer) = &self.shared {
            return writer.read_inline(read);
        }
        let this = self.clone();
        let reading = tokio::task::spawn_blocking(move || this.read_here(read));
        let outcome = reading.await.map_err(|_| StoreError::Refused("a read was interrupted".to_owned()))?;
        // Whoever opens the file after the writer has closed it finds a commit in the log whose sync failed: it is in
        // the kernel's memory, and may never have come to the disk. Nobody is told of it.
        if *self.failed.borrow() { Err(StoreError::Stopped) } else { outcome }
    }

    fn read_here<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection()?;
        let snapshot = Transaction::of_reads(&connection).map_err(StoreError::from);
        let outcome = snapshot.and_then(|snapshot| {
            let outcome = read(&connection);
            snapshot.commit()?;
            outcome
        });
        self.lock_idle().push(connection);
        outcome
    }

    fn connection(&self) -> Result<Connection, StoreError> {
        let idle = self.lock_idle().pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let connection = (self.connect)().map_err(|error| StoreError::Refused(error.to_string()))?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}
