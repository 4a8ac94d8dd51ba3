//! One writer thread: it commits everything that arrived while the previous commit was syncing (group commit). In a
//! simulation the caller's own task commits, through the same steps, because a second thread knows nothing of virtual
//! time.
//!
//! Each change runs in its own savepoint, so that one that fails takes nothing of its neighbours with it. Nobody hears
//! of a change before the commit that holds it is on disk. A commit that fails leaves what it held in doubt, and nobody
//! acts on it. If it failed for want of room, no sync failed, and the next commit is written over it: the writer goes
//! on. Any other failure ends it, since only a new process that reads the file can tell what is there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

use super::StoreError;
use super::bell::Bell;
use super::connection::Connection;
use super::identity::Identity;
use super::room::Room;
use super::transaction::{Transaction, execute};

/// Changes waiting at most; whoever comes then waits, which slows intake rather than filling memory.
const QUEUE_MAX: usize = 4_096;

/// Changes in one commit at most: bounds how long the first of them waits for the last.
const GROUP_MAX: usize = 256;

/// Tells a caller what came of its change, once the commit's fate is known.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Runs in the open transaction, or hears why none could be opened.
type Change = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Reply + Send>;

/// The way to the connection that writes.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    way: Way,
    failed: watch::Receiver<bool>,
}

#[derive(Clone, Debug)]
enum Way {
    Thread(mpsc::Sender<Change>),
    /// A std mutex: held for one commit, never across an await.
    Inline(Arc<Mutex<Inline>>),
}

/// A connection that writes in the task of whoever has a change, until a commit fails.
#[derive(Debug)]
struct Inline {
    connection: Option<Connection>,
    ground: Ground,
    failing: watch::Sender<bool>,
}

/// What a commit stands on, and who hears of it.
#[derive(Debug)]
pub(super) struct Ground {
    /// They must stay what they are: the writer stops when one does not.
    pub(super) files: Vec<Identity>,
    pub(super) room: Room,
    /// Rings once there is more in the journal.
    pub(super) journal: Bell,
}

impl Writer {
    /// Commits in the callers' own tasks; otherwise as [`Self::start`].
    pub(super) fn inline(connection: Connection, ground: Ground) -> Self {
        let (failing, failed) = watch::channel(false);
        let inline = Inline { connection: Some(connection), ground, failing };
        Self { way: Way::Inline(Arc::new(Mutex::new(inline))), failed }
    }

    /// Starts the thread on its own connection.
    pub(super) fn start(connection: Connection, ground: Ground) -> Self {
        let (changes, received) = mpsc::channel(QUEUE_MAX);
        let (failing, failed) = watch::channel(false);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(&connection, &ground, received, &failing))
            .map_or_else(|error| tracing::error!(%error, "Cannot start the database's writer thread"), drop);
        Self { way: Way::Thread(changes), failed }
    }

    /// Runs `change` in a transaction and returns once it is on disk.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let change: Change = Box::new(move |connection| {
            let outcome = connection.and_then(|connection| in_savepoint(connection, change));
            Box::new(move |committed| {
                let outcome = committed.and(outcome);
                // A caller that has gone away needs no answer; its change stands.
                let _ = tell.send(outcome);
            })
        });
        match &self.way {
            Way::Thread(changes) => changes.send(change).await.map_err(|_| StoreError::Stopped)?,
            Way::Inline(inline) => inline.lock().unwrap_or_else(PoisonError::into_inner).commit(change)?,
        }
        told.await.map_err(|_| StoreError::Stopped)?
    }

    /// Whether it commits in its callers' tasks.
    pub(super) const fn is_inline(&self) -> bool {
        matches!(self.way, Way::Inline(_))
    }

    /// Reads in one transaction over the connection that writes, in the caller's task; a thread's is its own.
    pub(super) fn read_inline<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Way::Inline(inline) = &self.way else { return Err(StoreError::Stopped) };
        let inline = inline.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = inline.connection.as_ref().ok_or(StoreError::Stopped)?;
        let snapshot = Transaction::of_reads(connection)?;
        let outcome = read(connection);
        snapshot.commit()?;
        outcome
    }

    /// True once the writer has stopped after a failure.
    pub(super) fn failure(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }

    /// Returns once the writer has stopped after a failure.
    pub(super) async fn failed(&self) {
        let mut failed = self.failed.clone();
        // An error means that the thread is gone, which is a failure too: it outlives every sender otherwise.
        let _ = failed.wait_for(|failed| *failed).await;
    }
}

impl Inline {
    fn commit(&mut self, change: Change) -> Result<(), StoreError> {
        let connection = self.connection.as_mut().ok_or(StoreError::Stopped)?;
        if let Err(error) = commit_group(connection, &self.ground, change, || None) {
            give_up(&error);
            self.connection = None;
            self.failing.send_replace(true);
        }
        Ok(())
    }
}

fn give_up(error: &str) {
    tracing::error!(error, "The database takes no more changes from this process: {error}");
}

fn work(connection: &Connection, ground: &Ground, mut changes: mpsc::Receiver<Change>, failing: &watch::Sender<bool>) {
    while let Some(first) = changes.blocking_recv() {
        if let Err(error) = commit_group(connection, ground, first, || changes.try_recv().ok()) {
            give_up(&error);
            break;
        }
    }
    // Before the connection closes, which it does when this has returned: see the readers.
    failing.send_replace(true);
}

/// Commits `first` and whatever `waiting` gives behind it. An error means that the commit's fate is unknown.
fn commit_group(
    connection: &Connection,
    ground: &Ground,
    first: Change,
    mut waiting: impl FnMut() -> Option<Change>,
) -> Result<(), String> {
    let Ground { files, room, journal } = ground;
    if let Err(why) = files.iter().try_for_each(Identity::check) {
        first(Err(StoreError::Refused(why.clone())))(Ok(()));
        return Err(why);
    }
    let transaction = match Transaction::of_changes(connection) {
        Ok(transaction) => transaction,
        Err(error) => return not_begun(first, &error, room),
    };
    let mut replies = vec![first(Ok(connection))];
    // A disk that fails under a statement takes the whole transaction with it; what came then would be in none.
    while replies.len() < GROUP_MAX && !transaction.is_over() {
        match waiting() {
            Some(change) => replies.push(change(Ok(connection))),
            None => break,
        }
    }
    // What was removed while the group was gathered was removed before its last change came in.
    let committed = commit(transaction, room)
        .and_then(|()| files.iter().try_for_each(Identity::check).map_err(StoreError::CommitUncertain));
    let failed = committed.err();
    for reply in replies {
        reply(failed.clone().map_or(Ok(()), Err));
    }
    if connection.take_news() && failed.is_none() {
        journal.ring();
    }
    match failed {
        None => Ok(()),
        Some(StoreError::DiskFull(_)) => move_log(connection, room),
        Some(error) => Err(error.to_string()),
    }
}

/// A commit that fails has been rolled back in this process; whether it is on disk all the same is not known (R1). One
/// that found no room left frames that the next one is written over, so at most a power cut in between shows it.
fn commit(transaction: Transaction<'_>, room: &Room) -> Result<(), StoreError> {
    let (missed_room, why) = if transaction.is_over() {
        (room.is_missing(), "a statement's failure took the transaction with it".to_owned())
    } else {
        match transaction.commit() {
            Ok(()) => return Ok(()),
            Err(error) => (room.is_missed_by(&error), error.to_string()),
        }
    };
    if !missed_room {
        return Err(StoreError::CommitUncertain(why));
    }
    // Before anybody hears of it: whoever asks then finds it so.
    room.give_way();
    Err(StoreError::DiskFull(why))
}

/// Moves what was committed out of the log, as far as nobody reads it, so that the next commit finds room at its start.
fn move_log(connection: &Connection, room: &Room) -> Result<(), String> {
    match connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        Ok(()) => Ok(()),
        Err(error) if room.is_missed_by(&error) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// The transaction did not begin: nothing was written, and the caller hears so. Another process being busy for too long
/// is no failure of ours, and a full disk passes.
fn not_begun(change: Change, error: &rusqlite::Error, room: &Room) -> Result<(), String> {
    let busy = matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    );
    if !busy && room.is_missed_by(error) {
        room.give_way();
        change(Err(StoreError::DiskFull(error.to_string())))(Ok(()));
        return Ok(());
    }
    change(Err(StoreError::Refused(error.to_string())))(Ok(()));
    if busy { Ok(()) } else { Err(error.to_string()) }
}

/// Runs `change` so that nothing of it is left when it fails. One may be in another.
pub(super) fn in_savepoint<T>(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    execute(connection, "SAVEPOINT change")?;
    // A panic in one change must not take the writer, and everybody's changes, with it.
    let outcome = catch_unwind(AssertUnwindSafe(|| change(connection)))
        .unwrap_or_else(|_| Err(StoreError::Refused("the change panicked".to_owned())));
    match outcome {
        Ok(value) => execute(connection, "RELEASE change").map(|()| value).map_err(StoreError::from),
        Err(error) => {
            connection.execute_batch("ROLLBACK TO change; RELEASE change")?;
            Err(error)
        }
    }
}
