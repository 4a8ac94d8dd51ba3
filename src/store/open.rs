//! Opening the file: pragmas asserted, version checked, schema brought up to date.
//!
//! The database files are never opened with plain file calls: closing such a handle would drop SQLite's own locks.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{OpenFlags, Transaction, TransactionBehavior};

use super::bell::Bell;
use super::connection::Connection;
use super::hints::Remembered;
use super::home::Home;
use super::identity::Identity;
use super::lock::Lock;
use super::migrate::{self, MigrateError};
use super::place::{Keys, Place};
use super::quarantine::Met;
use super::readers::Readers;
use super::room::{BALLAST_BYTES, Room};
use super::seal::Ring;
use super::writer::{Ground, Writer};
use super::{Store, StoreError, create, filesystem, keys, meta, standing};
use crate::domain::time::Timestamp;

/// How long a statement waits for another process's write (the command line writes to the same file).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that the connection that writes keeps at hand, in KiB. A thousand orders in one transaction touch more than a
/// thousand, since the bank's ids come in no order; what finds no room goes into the log before the commit, and is read
/// back. With SQLite's own two megabytes a hundred thousand orders took nearly a quarter more writes, and three times the
/// reads.
const WRITER_CACHE_KIB: i64 = 32 * 1_024;

/// SQLite before this corrupts a WAL that is reset at the wrong moment.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How the connections of a store work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// On threads of their own, and every commit synced.
    Durable,
    /// In the callers' tasks, and nothing synced: in a simulation processes crash, and the power stays.
    Simulated,
}

impl Mode {
    /// `PRAGMA synchronous`: its word, and the number it reads back as.
    const fn synchronous(self) -> (&'static str, i64) {
        match self {
            Self::Durable => ("FULL", 2),
            Self::Simulated => ("OFF", 0),
        }
    }
}

/// Why a database cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory is missing or not ours.
    #[error("cannot create the directory {}: {cause}; create it, or mend `database` in the configuration", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// There is no database, and none was to be created.
    #[error("there is no database at {}; start the daemon once, or mend `database` in the configuration", .0.display())]
    Missing(PathBuf),
    /// We may not look whether there is one.
    #[error("may not look for the database {}: {cause}; do this as the user the daemon runs as: `sudo -u reconciled ...`", .path.display())]
    Hidden {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file without content, where a database was expected.
    #[error("{} is an empty file, which no database of ours ever is; restore the database, or remove the file to begin a new one", .0.display())]
    Empty(PathBuf),
    /// SQLite's word.
    #[error("cannot open the database {}: {message}", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's word.
        message: String,
    },
    /// The schema does not fit this program.
    #[error("cannot use the database {}: {cause}", .path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: MigrateError,
    },
    /// A file system that other hosts may write too.
    #[error("the database {} is on a file system that is not this host's alone ({kind}), where neither locks nor synced data can be relied on; move it to a local disk", .path.display())]
    Shared {
        /// The file.
        path: PathBuf,
        /// What it is on.
        kind: String,
    },
    /// The key beside the database cannot be used.
    #[error("cannot use the key {}: {cause}", .path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The key beside the database is gone, and its rows are sealed with it.
    #[error("the key {} is missing, with which the rows of the database are sealed; put it back, or, if it is lost, `reconciled adopt --lost-key --reason ...` seals every row as it stands", .0.display())]
    KeyLost(PathBuf),
    /// The rows are sealed with a key that is none of ours.
    #[error("rows of the database {} are sealed with a key that is none of those at hand; put it back into `keys` under [integrity], behind the new one, or, if it is lost, `reconciled adopt --lost-key --reason ...` seals every row as it stands", .0.display())]
    KeyUnknown(PathBuf),
    /// The schema is an earlier one, and whoever opens it is not the daemon.
    #[error("the database {} has the schema of an earlier version ({found}, and this program works with {}), and only the daemon brings it up to date: restart the daemon with this version first", .path.display(), migrate::SCHEMA_VERSION)]
    Outdated {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
    },
    /// The schema has to be brought up to date, which takes the key.
    #[error("the database {} is to be brought up to date, which takes the key of its rows: {why}; start the daemon once", .path.display())]
    KeyNeeded {
        /// The file.
        path: PathBuf,
        /// Why it is not at hand.
        why: String,
    },
    /// The witness cannot be begun or gone on with.
    #[error("cannot use the witness {}: {cause}; mend `witness` under [integrity] in the configuration", .path.display())]
    Witness {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// A setting on which money safety rests did not take.
    #[error("the database {} runs with {what}; refusing to work with it", .path.display())]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// The setting found.
        what: String,
    },
    /// There is no room on its disk, and no ballast to let go.
    #[error("the disk that holds the database {} is full: {cause}; free {} MiB there and start again, nothing is lost", .path.display(), (2 * BALLAST_BYTES) >> 20)]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What did not work.
        cause: Box<OpenError>,
    },
}

impl OpenError {
    /// Whether it is SQLite's word, which a full disk may be behind, and no refusal of ours.
    const fn is_sqlites(&self) -> bool {
        matches!(self, Self::Sqlite { .. } | Self::Schema { cause: MigrateError::Sqlite(_), .. })
    }
}

impl Store {
    /// Opens the database at `place`, creating it and its directory when they are missing. One of an earlier version is
    /// refused.
    pub fn open_or_create(place: impl Into<Place>) -> Result<Self, OpenError> {
        let place = place.into();
        prepare(&place)?;
        Self::open_with(&place, OpenFlags::SQLITE_OPEN_CREATE, None, Room::of(&place.database), Mode::Durable)
    }

    /// As [`Self::open_or_create`], for the one daemon that holds `lock`: it takes no change any more once the lock
    /// file is not what it was. The schema is brought up to date. The database is compared with its home and its
    /// witness; where they disagree, money is frozen. On a full disk it lets go of the ballast to open it, and takes it
    /// in when there is room.
    pub fn open_under(lock: &Lock, place: impl Into<Place>, now: Timestamp) -> Result<Self, OpenError> {
        let place = place.into();
        prepare(&place)?;
        let room = Room::with_ballast(&place.database);
        let at = Some((lock, now));
        let open = || Self::open_with(&place, OpenFlags::SQLITE_OPEN_CREATE, at, room.clone(), Mode::Durable);
        let opened = open().or_else(|error| {
            if !error.is_sqlites() || !room.is_missing() {
                return Err(error);
            }
            let path = place.database.clone();
            let still_full = |cause| OpenError::DiskFull { path, cause: Box::new(cause) };
            if room.give_way() { open().map_err(still_full) } else { Err(still_full(error)) }
        })?;
        if let Err(error) = room.take_ballast_in() {
            tracing::warn!(%error, "There is no room for the ballast of {}", place.database.display());
            room.give_way();
        }
        Ok(opened)
    }

    /// As [`Self::open_under`], for a daemon in virtual time: all is done in the callers' tasks, and nothing is synced.
    pub(crate) fn open_simulated(lock: &Lock, place: impl Into<Place>, now: Timestamp) -> Result<Self, OpenError> {
        let place = place.into();
        prepare(&place)?;
        let room = Room::of(&place.database);
        Self::open_with(&place, OpenFlags::SQLITE_OPEN_CREATE, Some((lock, now)), room, Mode::Simulated)
    }

    /// As [`Self::open`], for a command line in virtual time.
    pub(crate) fn open_simulated_beside(place: impl Into<Place>) -> Result<Self, OpenError> {
        let place = place.into();
        refuse_empty(&place.database)?;
        Self::open_with(&place, OpenFlags::empty(), None, Room::of(&place.database), Mode::Simulated)
    }

    /// Opens the database at `place`, which must be there and of this version.
    pub fn open(place: impl Into<Place>) -> Result<Self, OpenError> {
        let place = place.into();
        let path = &place.database;
        must_be_there(path)?;
        refuse_shared(path)?;
        Self::open_with(&place, OpenFlags::empty(), None, Room::of(path), Mode::Durable)
    }

    fn open_with(
        place: &Place,
        extra: OpenFlags,
        lock: Option<(&Lock, Timestamp)>,
        room: Room,
        mode: Mode,
    ) -> Result<Self, OpenError> {
        let path = &place.database;
        let io = |error: std::io::Error| OpenError::Sqlite { path: path.clone(), message: error.to_string() };
        let sqlite = |error: rusqlite::Error| OpenError::Sqlite { path: path.clone(), message: error.to_string() };
        let mut connection = connect(path, extra, mode)?;
        if lock.is_none() {
            refuse_outdated(path, &connection)?;
        }
        let ring = Arc::new(bring_up(place, path, &mut connection, lock.is_some())?);
        let database = Identity::of(path).map_err(io)?;
        let files = std::iter::once(database).chain(lock.map(|(lock, _)| lock.identity())).collect();
        // A daemon at work has done so when it started; everybody else may be the first to open the file since.
        if lock.is_some() || Lock::holder(path).is_none() {
            start_on_firm_ground(&connection, path, lock.is_some(), &room)?;
        }
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(sqlite)?;
        let connection = Connection::new(connection, Arc::clone(&ring));
        let (examined, witness) = match lock {
            Some((_, now)) => {
                let (examined, witness) = standing::examine(&connection, place, now)?;
                (Some(Arc::new(examined)), witness)
            }
            None => (None, None),
        };
        let again = path.clone();
        let connect = move || Ok(Connection::new(connect(&again, OpenFlags::empty(), mode)?, Arc::clone(&ring)));
        let journal = Bell::default();
        let ground = Ground { files, room: room.clone(), journal: journal.clone() };
        let writer = match mode {
            Mode::Durable => Writer::start(connection, ground),
            Mode::Simulated => Writer::inline(connection, ground),
        };
        Ok(Self {
            path: Arc::new(path.clone()),
            instance: format!("{:016x}", fastrand::u64(..)).into(),
            readers: Readers::new(connect, writer.failure()).over(&writer),
            writer,
            room,
            bell: Bell::default(),
            registration_bell: Bell::default(),
            journal,
            witness,
            examined,
            met: Met::default(),
            hints: Remembered::default(),
        })
    }
}

/// A daemon of the version before may be at work: it seals nothing and witnesses nothing of what this schema has sealed
/// and witnessed, so the next one would find its rows altered, and its sends unknown. And there is no way back from a
/// migration, which nobody asked for who only wanted to read.
fn refuse_outdated(path: &Path, connection: &rusqlite::Connection) -> Result<(), OpenError> {
    let found = migrate::outdated(connection);
    match found.map_err(|cause| OpenError::Schema { path: path.to_owned(), cause })? {
        Some(found) => Err(OpenError::Outdated { path: path.to_owned(), found }),
        None => Ok(()),
    }
}

/// Moves the log into the database before anything is acknowledged. When a sync failed in the process before, the
/// kernel shows a log that the disk does not hold and takes it for written: whatever is appended to it is synced behind
/// a gap, and a power cut takes all of it. What is moved is written anew. Only a daemon waits for others who use the
/// log.
fn start_on_firm_ground(
    connection: &rusqlite::Connection,
    path: &Path,
    patient: bool,
    room: &Room,
) -> Result<(), OpenError> {
    let mode = if patient { "TRUNCATE" } else { "PASSIVE" };
    match connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(())) {
        Ok(()) => Ok(()),
        // It is moved with the first commits that find room.
        Err(error) if room.is_missed_by(&error) => Ok(()),
        Err(error) => Err(OpenError::Sqlite { path: path.to_owned(), message: error.to_string() }),
    }
}

/// Brings the schema up to date and finds the keys of its rows. Without a key nothing is migrated, since what is there
/// could not be sealed.
///
/// `file` is where the database is just now, which for a new one is not yet its place.
pub(super) fn bring_up(
    place: &Place,
    file: &Path,
    connection: &mut rusqlite::Connection,
    must_have: bool,
) -> Result<Ring, OpenError> {
    let path = &place.database;
    let schema = |cause| OpenError::Schema { path: path.clone(), cause };
    let sqlite = |error: rusqlite::Error| schema(MigrateError::Sqlite(error));
    let is_sealed = migrate::is_sealed(connection).map_err(schema)?;
    let noted = if is_sealed { meta::seal_keys(connection).map_err(sqlite)? } else { Vec::new() };
    let ring = match &place.keys {
        Keys::Given { first, older } => Ring::Keys { first: first.clone(), older: older.clone() },
        Keys::Unread(why) => Ring::None(why.clone()),
        Keys::Beside => match keys::find(path) {
            Ok(Some(first)) => Ring::Keys { first, older: Vec::new() },
            Ok(None) if noted.is_empty() || place.lost_key => {
                Ring::Keys { first: keys::make(path, file)?, older: Vec::new() }
            }
            Ok(None) => return Err(OpenError::KeyLost(keys::path_of(path))),
            // Whoever may only read the database may still read.
            Err(OpenError::Key { cause, .. }) if !must_have && cause.kind() == ErrorKind::PermissionDenied => {
                Ring::None(format!(
                    "{}: {cause}; do this as the user the daemon runs as",
                    keys::path_of(path).display()
                ))
            }
            Err(error) => return Err(error),
        },
    };
    if let Ring::None(why) = &ring {
        let is_latest = migrate::outdated(connection).map_err(schema)?.is_none();
        let needed = OpenError::KeyNeeded { path: path.clone(), why: why.clone() };
        return if is_latest { Ok(ring) } else { Err(needed) };
    }
    let home = Home::of(file).map_err(|error| OpenError::Sqlite { path: path.clone(), message: error.to_string() })?;
    // Before anything is migrated: a row that a migration changes could not be sealed with a key that is not at hand.
    let lost = noted.iter().any(|id| !ring.has(id));
    if lost && !place.lost_key {
        return Err(OpenError::KeyUnknown(path.clone()));
    }
    migrate::to_latest(connection, &ring, &home).map_err(schema)?;
    take_key(connection, &ring, lost).map_err(|cause| schema(MigrateError::Unsealed(cause)))?;
    Ok(ring)
}

/// Notes the key that signs from now on. `lost` says that rows of a key that is gone are to be sealed as they stand.
fn take_key(connection: &rusqlite::Connection, ring: &Ring, lost: bool) -> Result<(), StoreError> {
    let id = ring.first()?.id();
    if !lost && meta::seal_keys(connection)?.contains(&id) {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    meta::add_seal_key(&transaction, &id)?;
    if lost {
        migrate::seal_all(&transaction, ring)?;
        meta::keep_seal_key(&transaction, &id)?;
    }
    Ok(transaction.commit()?)
}

fn prepare(place: &Place) -> Result<(), OpenError> {
    let path = &place.database;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory)
            .map_err(|cause| OpenError::Directory { path: directory.to_owned(), cause })?;
    }
    refuse_shared(path)?;
    refuse_empty(path)?;
    create::if_missing(place)
}

/// Refuses a place where no database is.
pub(super) fn must_be_there(path: &Path) -> Result<(), OpenError> {
    match path.try_exists() {
        Ok(true) => refuse_empty(path),
        Ok(false) => Err(OpenError::Missing(path.to_owned())),
        Err(cause) => Err(OpenError::Hidden { path: path.to_owned(), cause }),
    }
}

fn refuse_shared(path: &Path) -> Result<(), OpenError> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match filesystem::shared(directory) {
        Ok(None) => Ok(()),
        Ok(Some(kind)) => Err(OpenError::Shared { path: path.to_owned(), kind }),
        Err(cause) => Err(OpenError::Directory { path: directory.to_owned(), cause }),
    }
}

/// SQLite takes an empty file for a new database. Here it is what is left of one: a restore that went wrong, a full
/// disk.
fn refuse_empty(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() == 0 => Err(OpenError::Empty(path.to_owned())),
        _ => Ok(()),
    }
}

pub(super) fn connect(path: &Path, extra: OpenFlags, mode: Mode) -> Result<rusqlite::Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let sqlite = |error: rusqlite::Error| OpenError::Sqlite { path: path.to_owned(), message: error.to_string() };
    let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(sqlite)?;
    if mode == Mode::Simulated {
        // One connection at a time, so the file need not be locked anew for every read.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(sqlite)?;
    }
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    // Before anything is written to it: a newer schema is left untouched, its journal mode included. The last one to
    // close a database moves its log into it, which would be writing too.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sqlite)?;
    migrate::refuse_newer(&connection).map_err(|cause| OpenError::Schema { path: path.to_owned(), cause })?;
    // A simulated crash closes its connections, and must leave the log behind as a real one does.
    let is_simulated = mode == Mode::Simulated;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_simulated).map_err(sqlite)?;
    keep_from_strangers(path)
        .map_err(|cause| OpenError::Sqlite { path: path.to_owned(), message: cause.to_string() })?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(sqlite)?;
    connection.pragma_update(None, "synchronous", mode.synchronous().0).map_err(sqlite)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(sqlite)?;
    // Else a statement is planned anew whenever another value is bound to it: most of the time a look took.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    assert_safe(&connection, path, mode).map(|()| connection)
}

/// A connection that can write nothing, to a database of this version.
pub(super) fn connect_to_read(path: &Path) -> Result<rusqlite::Connection, OpenError> {
    let sqlite = |error: rusqlite::Error| OpenError::Sqlite { path: path.to_owned(), message: error.to_string() };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    migrate::refuse_newer(&connection).map_err(|cause| OpenError::Schema { path: path.to_owned(), cause })?;
    refuse_outdated(path, &connection).map(|()| connection)
}

/// Every statement there is stays prepared, some kilobytes each: one that has to make room is planned anew each time.
const STATEMENTS_MAX: usize = 256;

/// A database that has just come into being is its owner's and their group's; its log takes the same mode.
fn keep_from_strangers(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() == 0 => std::fs::set_permissions(path, Permissions::from_mode(0o640)),
        _ => Ok(()),
    }
}

/// A pragma that does not take is silent, so each is read back.
fn assert_safe(connection: &rusqlite::Connection, path: &Path, mode: Mode) -> Result<(), OpenError> {
    let unsafe_with = |what: String| OpenError::Unsafe { path: path.to_owned(), what };
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(unsafe_with(format!("SQLite {}, which can corrupt its log", rusqlite::version())));
    }
    let text = |name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, Value>(0)).map_err(|error| OpenError::Sqlite {
            path: path.to_owned(),
            message: format!("cannot read the setting {name}: {error}"),
        })
    };
    match (text("journal_mode")?, text("synchronous")?) {
        (Value::Text(journal), Value::Integer(found)) if journal == "wal" && found == mode.synchronous().1 => Ok(()),
        (journal, found) => Err(unsafe_with(format!("journal_mode={journal:?}, synchronous={found:?}"))),
    }
}
