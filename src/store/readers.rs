//! Read connections beside the writer: WAL lets them see the last commit without waiting.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::StoreError;
use super::connection::Connection;
use super::open::OpenError;

/// Reads at once: more would only compete for the same two or four cores and the same file.
const READERS_MAX: usize = 4;

type Connect = dyn Fn() -> Result<Connection, OpenError> + Send + Sync;

/// A small pool, filled as it is needed.
#[derive(Clone)]
pub(super) struct Readers {
    connect: Arc<Connect>,
    permits: Arc<Semaphore>,
    /// A std mutex: held to push or pop, never across an await.
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// A pool whose connections come from `connect`.
    pub(super) fn new(connect: impl Fn() -> Result<Connection, OpenError> + Send + Sync + 'static) -> Self {
        Self { connect: Arc::new(connect), permits: Arc::new(Semaphore::new(READERS_MAX)), idle: Arc::default() }
    }

    /// Runs `read` in one read transaction, so that all it sees is of one moment.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let _permit = self.permits.acquire().await.map_err(|_| StoreError::Stopped)?;
        let this = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let connection = this.connection()?;
            let snapshot = connection.unchecked_transaction().map_err(StoreError::from);
            let outcome = snapshot.and_then(|snapshot| {
                let outcome = read(&connection);
                snapshot.finish()?;
                outcome
            });
            this.lock_idle().push(connection);
            outcome
        });
        reading.await.map_err(|_| StoreError::Refused("a read was interrupted".to_owned()))?
    }

    fn connection(&self) -> Result<Connection, StoreError> {
        let idle = self.lock_idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => (self.connect)().map_err(|error| StoreError::Refused(error.to_string()))?,
        };
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
