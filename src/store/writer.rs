//! One writer thread: it commits everything that arrived while the previous commit was syncing (group commit).
//!
//! Each change runs in its own savepoint, so that one that fails takes nothing of its neighbours with it. Nobody hears of
//! a change before the commit that holds it is on disk. A commit that fails in any way ends the writer: what it held may
//! or may not be there, and only a new process that reads the file can tell.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::StoreError;
use super::connection::Connection;
use super::identity::Identity;

/// Changes waiting at most; whoever comes then waits, which slows intake rather than filling memory.
const QUEUE_MAX: usize = 4_096;

/// Changes in one commit at most: bounds how long the first of them waits for the last.
const GROUP_MAX: usize = 256;

/// Tells a caller what came of its change, once the commit's fate is known.
type Reply = Box<dyn FnOnce(Result<(), String>) + Send>;
/// Runs in the open transaction, or hears why none could be opened.
type Change = Box<dyn FnOnce(Result<&Connection, String>) -> Reply + Send>;

/// The way to the writer thread.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    changes: mpsc::Sender<Change>,
    failed: watch::Receiver<bool>,
}

impl Writer {
    /// Starts the thread on its own connection. `files` must stay what they are: it stops when one does not.
    pub(super) fn start(connection: Connection, files: Vec<Identity>) -> Self {
        let (changes, received) = mpsc::channel(QUEUE_MAX);
        let (failing, failed) = watch::channel(false);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(&connection, &files, received, &failing))
            .map_or_else(|error| tracing::error!(%error, "Cannot start the database's writer thread"), drop);
        Self { changes, failed }
    }

    /// Runs `change` in a transaction and returns once it is on disk.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let change: Change = Box::new(move |connection| {
            let outcome =
                connection.map_err(StoreError::Refused).and_then(|connection| in_savepoint(connection, change));
            Box::new(move |committed| {
                let outcome = committed.map_err(StoreError::CommitUncertain).and(outcome);
                // A caller that has gone away needs no answer; its change stands.
                let _ = tell.send(outcome);
            })
        });
        self.changes.send(change).await.map_err(|_| StoreError::Stopped)?;
        told.await.map_err(|_| StoreError::Stopped)?
    }

    /// Returns once the writer has stopped after a failure.
    pub(super) async fn failed(&self) {
        let mut failed = self.failed.clone();
        // An error means that the thread is gone, which is a failure too: it outlives every sender otherwise.
        let _ = failed.wait_for(|failed| *failed).await;
    }
}

fn work(
    connection: &Connection,
    files: &[Identity],
    mut changes: mpsc::Receiver<Change>,
    failing: &watch::Sender<bool>,
) {
    while let Some(first) = changes.blocking_recv() {
        if let Err(error) = commit_group(connection, files, first, &mut changes) {
            tracing::error!(error, "The database takes no more changes from this process: {error}");
            break;
        }
    }
    failing.send_replace(true);
}

/// Commits `first` and whatever waits behind it. An error means that the commit's fate is unknown.
fn commit_group(
    connection: &Connection,
    files: &[Identity],
    first: Change,
    changes: &mut mpsc::Receiver<Change>,
) -> Result<(), String> {
    if let Err(why) = files.iter().try_for_each(Identity::check) {
        first(Err(why.clone()))(Ok(()));
        return Err(why);
    }
    let transaction = match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => return not_begun(first, &error),
    };
    let mut replies = vec![first(Ok(connection))];
    while replies.len() < GROUP_MAX {
        match changes.try_recv() {
            Ok(change) => replies.push(change(Ok(connection))),
            Err(_) => break,
        }
    }
    let committed = transaction.commit().map_err(|error| error.to_string());
    for reply in replies {
        reply(committed.clone());
    }
    committed
}

/// The transaction did not begin: nothing was written, and the caller hears so. Another process being busy for too long
/// is no failure of ours.
fn not_begun(change: Change, error: &rusqlite::Error) -> Result<(), String> {
    change(Err(error.to_string()))(Ok(()));
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Ok(()),
        _ => Err(error.to_string()),
    }
}

/// Runs `change` so that nothing of it is left when it fails. One may be in another.
pub(super) fn in_savepoint<T>(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT change")?;
    // A panic in one change must not take the writer, and everybody's changes, with it.
    let outcome = catch_unwind(AssertUnwindSafe(|| change(connection)))
        .unwrap_or_else(|_| Err(StoreError::Refused("the change panicked".to_owned())));
    match outcome {
        Ok(value) => connection.execute_batch("RELEASE change").map(|()| value).map_err(StoreError::from),
        Err(error) => {
            connection.execute_batch("ROLLBACK TO change; RELEASE change")?;
            Err(error)
        }
    }
}
