//! One mouth: the kernel lock that lets one process at a time speak to the gateway for a database.
//!
//! A `flock` on a file beside the database, taken before the database is opened and held for the process's life. Never
//! a lease that could expire under a living process. The file names its holder, so that whoever is refused can say
//! whom.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::identity::Identity;
use super::room::is_for_want_of_room;

/// Held until it is dropped, or the process dies in whatever way.
#[derive(Debug)]
pub struct Lock {
    /// The kernel lets go of the lock when this closes.
    _file: File,
    identity: Identity,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody holds it.
    #[error("another daemon works on this database: {holder}; stop it first (lock file {})", .path.display())]
    Held {
        /// How the holder named itself.
        holder: String,
        /// The lock file.
        path: PathBuf,
    },
    /// The database has two names, and so could have two locks.
    #[error("the database {} has another name too (a hard link), under which a second daemon could work on it; remove one of the two names", .0.display())]
    HardLinked(PathBuf),
    /// The directory of the database, and of its lock, is missing and cannot be made.
    #[error("cannot create the directory {}: {cause}; create it, or mend `database` in the configuration", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}: {cause}", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock for `database`, naming this process with `holder` (one line).
    pub fn take(database: &Path, holder: &str) -> Result<Self, LockError> {
        let path = lock_path(database);
        let io = |cause| LockError::Io { path: path.clone(), cause };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)
                .map_err(|cause| LockError::Directory { path: directory.to_owned(), cause })?;
        }
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { holder: named_in(&mut file), path });
            }
            Err(TryLockError::Error(cause)) => return Err(io(cause)),
        }
        file.set_len(0).map_err(io)?;
        // On a full disk the holder stays without a name, and holds the lock all the same: it has to start to say so.
        file.write_all(holder.as_bytes())
            .or_else(|error| if is_for_want_of_room(&error) { Ok(()) } else { Err(io(error)) })?;
        if std::fs::metadata(database).is_ok_and(|found| found.nlink() > 1) {
            return Err(LockError::HardLinked(database.to_owned()));
        }
        let identity = Identity::from(&path, &file.metadata().map_err(io)?);
        Ok(Self { _file: file, identity })
    }

    /// The lock file, which must stay where it is: a new one in its place would let a second daemon in.
    pub(super) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    /// Who holds the lock for `database` just now, in the words it gave; `None` when nobody does.
    pub fn holder(database: &Path) -> Option<String> {
        let mut file = File::open(lock_path(database)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(named_in(&mut file)),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

/// Somebody who only asks who holds the lock holds it himself for a moment, so a refusal is asked once more.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..5 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            decided => return decided,
        }
    }
    file.try_lock()
}

/// Beside the file itself, not beside a link to it: two names of one database must not make two mouths.
fn lock_path(database: &Path) -> PathBuf {
    let itself = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    let mut name = itself.into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}

/// The holder's line, bounded: the file could be anybody's.
fn named_in(file: &mut File) -> String {
    let mut line = String::new();
    let read = file.rewind().and_then(|()| Read::by_ref(file).take(256).read_to_string(&mut line));
    match read {
        Ok(_) if !line.trim().is_empty() => line.trim().to_owned(),
        _ => "a process that did not name itself".to_owned(),
    }
}
