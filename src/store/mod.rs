//! The queue and its journal in SQLite: one file, one writer thread, readers beside it.
//!
//! The face is coarse and async, and free of `rusqlite` types, because a second store may come one day. Every change of
//! an order goes through [`Store::amend`]: load the row and its open operation, let a pure function of
//! [`crate::domain`] decide, write rows and events in one transaction. What was acknowledged or concerns money is
//! synced before anybody hears of it (`synchronous=FULL`).
//!
//! Money rows are sealed, and every read checks the seal. Every send has a line in a second file, the witness, and
//! where the two disagree, or the database is not at home, money is frozen until a person adopts it (R8). The journal's
//! events are chained by their hashes, and a head that was written down elsewhere tells whether they still are what
//! they were ([`Journal`]).
//!
//! Read in this order: `place`, `open`, `create` and `migrate` (the file), `filesystem`, `keys`, `lock` (who may speak
//! to the bank for it), `writer`, `readers` and `connection` (the connections), `room` (a full disk), `rows`,
//! `encoding` and `seal` (columns to values, and to bytes), `loaded` and `quarantine` (bad ones), then the subjects:
//! `orders`, `registrations`, `amend`, `due`, `looks`, `hints`, `callbacks`, `discoveries`, `sweep`, `money`, `logins`,
//! `weather`, `events` with `chain` and `verify`, `webhooks`, `figures`, `books`, `proposals`, `tokens`, `claims`; and
//! last `witness`, `home`, `meta`, `standing`, `adopt`, `witnessed` and `doubt` (R8).

#![deny(clippy::float_arithmetic)]

mod adopt;
mod amend;
mod answers;
mod bell;
mod books;
mod callbacks;
mod chain;
mod claims;
mod columns;
mod connection;
mod create;
mod discoveries;
mod doubt;
mod due;
mod encoding;
mod events;
mod figures;
mod filesystem;
mod hints;
mod home;
mod identity;
mod idle;
mod keys;
mod loaded;
mod looks;
mod lock;
mod logins;
mod meta;
mod migrate;
mod money;
mod open;
mod orders;
mod pace;
mod place;
mod proposals;
mod quarantine;
mod readers;
mod registrations;
mod room;
mod rows;
mod seal;
mod standing;
mod sweep;
#[cfg(test)]
mod tests;
mod tokens;
mod transaction;
mod verify;
mod weather;
mod webhooks;
mod witness;
mod witnessed;
mod writer;

pub use adopt::{Adoption, Becomes, UnknownSend};
pub use amend::{Amendment, OperationChange, Replying};
pub use answers::{FORGET_BATCH, SeenAnswer};
pub use bell::Listener;
pub use books::DayBooks;
pub use claims::{ClaimId, Claimed, Fingerprint, NewClaim, REPLY_MAX_BYTES, fingerprint};
pub use discoveries::{Discovery, DiscoveryRound};
pub use due::Upcoming;
pub use events::{EventFilter, EventPage};
pub use figures::{Figures, Group, LatestAnswer};
pub use hints::{HINTED_LOOKS_EVERY, Hinted};
pub use lock::{Lock, LockError};
pub use looks::DueLook;
pub use migrate::{MigrateError, SCHEMA_VERSION};
pub use money::{LastDay, MoneyFigures, Starting, Stopping};
pub use open::OpenError;
pub use orders::{Added, ListFilter};
pub use pace::{Pace, RequestBlock};
pub use place::{Keys, Place};
pub use quarantine::Checked;
pub use registrations::{Intended, Moved, NewRegistration, PersonsWord};
pub use rows::OrderWithOperation;
pub use seal::SealKey;
pub use standing::Freeze;
pub use sweep::{Horizon, PulledIn};
pub use tokens::{Granting, KnownToken, TOKENS_MAX};
pub use verify::{Fault, Journal, Stretch, Unread, Verdict, Walk, Wrong};
pub use weather::Incident;
pub use webhooks::{
    Checkpoint, Disabled, EndpointFigures, EndpointKey, EndpointState, GivenUp, NewReplay, Replay, TestOutcome, Wishes,
};
pub use witness::Sent;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bell::Bell;
use hints::Remembered;
use quarantine::Met;
use readers::Readers;
use room::Room;
use standing::Examined;
use witness::Witness;
use writer::Writer;

/// The database of one daemon. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    path: Arc<PathBuf>,
    /// Names this process in the operations it writes.
    instance: Arc<str>,
    writer: Writer,
    readers: Readers,
    room: Room,
    bell: Bell,
    /// Rings for registrations alone: most of what is done concerns none.
    registration_bell: Bell,
    /// Rings for whoever follows the journal.
    journal: Bell,
    /// Where each send is written down before it leaves; only the daemon that holds the lock has one.
    witness: Option<Witness>,
    /// What the start found wrong between the database, its home and its witness.
    examined: Option<Arc<Examined>>,
    /// The rows that could not be read.
    met: Met,
    /// Hints that no look has answered yet.
    hints: Remembered,
}

impl Store {
    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rings after every change that may have made something due. Whoever waits for it looks by itself now and then all
    /// the same: another process's changes do not ring here.
    pub fn bell(&self) -> Listener {
        self.bell.listen()
    }

    fn ring(&self) {
        self.bell.ring();
    }

    /// Whether the disk was full when it was last needed, and no room has been found since. Reads, and changes of
    /// orders that are here, go on as far as they can; new orders wait.
    pub fn disk_is_full(&self) -> bool {
        self.room.is_full()
    }

    /// Takes the ballast in again when there is room for it, after which the disk is no longer full. Asks the disk, so
    /// it is called where waiting for that does no harm.
    pub fn look_for_room(&self) -> std::io::Result<()> {
        self.room.take_ballast_in()
    }

    /// Returns once no more write can succeed: a commit failed, and what it held may or may not be on disk. The process
    /// has to stop; the next one reads what is there and asks the bank.
    pub async fn failed(&self) {
        self.writer.failed().await;
    }
}

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// There was no room on the disk: the change may be on it or not, and will not be seen in this process. Never act
    /// on it. The store goes on and takes the change again once there is room.
    #[error("the disk is full, so it is not known whether the change is on it: {0}")]
    DiskFull(String),
    /// The writer has stopped after a failure, or the queue is closed.
    #[error("the database no longer takes changes after a failed commit; restart the daemon")]
    Stopped,
    /// A statement failed: nothing of the change was written.
    #[error("the database refused the change: {0}")]
    Refused(String),
    /// A row was changed by something other than this program; its order is in review now, and nothing was done.
    #[error(
        "the order's row was changed by something other than this program; it went to review, and nothing was done"
    )]
    Altered,
    /// There is no key to seal rows with, so none can be written.
    #[error("rows cannot be sealed here, so nothing was written: {0}")]
    KeyNeeded(String),
    /// The act would be counted by a clock that cannot be believed; nothing was done.
    #[error(
        "the host's clock cannot be believed just now ({0}), and from this act on hours would be counted by it; nothing was \
         done. Set the clock right, and do it again once the daemon has heard the bank's clock agree"
    )]
    ClockInDoubt(String),
    /// A registration that is new here names moments that have passed; nothing was written.
    #[error("this cannot be registered: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))]
    Passed(Vec<crate::domain::registration::Problem>),
    /// No money moves until a person has looked.
    #[error("money is frozen: {0}; see `reconciled adopt --dry-run`")]
    MoneyFrozen(String),
    /// A send could not be written down in the witness, so it must not leave.
    #[error("the witness does not take it, so nothing may be sent: {0}")]
    Unwitnessed(String),
    /// The witness has sends of more orders that are not in the queue than can be remembered; nothing was changed.
    #[error(
        "the witness has sends of {many} orders that are not in the queue, and {max} can be remembered; add them first, \
         which works while money is frozen (`reconciled order import`), and adopt then: what is in the queue goes to review"
    )]
    TooManyUnknown {
        /// So many.
        many: usize,
        /// So many can be.
        max: usize,
    },
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
