//! The second witness (R8): an append-only file with a line for every send, synced before the first byte leaves.
//!
//! A database that is restored from an old backup has forgotten what was sent since, and would send it again. This
//! file, kept out of that backup, has not. Each line has the hash of the one before it, so that none can be taken out
//! of the middle unseen.

mod chain;
mod line;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) use chain::{Chain, End, Known, Wrong};
pub(super) use line::Hash;
pub use line::Sent;

use line::Entry;

use super::identity::Identity;
use super::keys::sync_directory;
use crate::domain::time::Timestamp;

/// What is found where the witness should be.
#[derive(Debug)]
pub(super) enum Found {
    /// The file, and what it says.
    File(File, Chain),
    /// Nothing.
    Missing,
    /// Something that cannot be read.
    Unusable(io::Error),
}

/// Where the witness of `database` is when nothing else is said.
pub(super) fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".witness");
    PathBuf::from(name)
}

/// Opens and reads the witness at `path`.
pub(super) fn find(path: &Path, known: &Known) -> Found {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => read(file, known).map_or_else(Found::Unusable, |(file, chain)| Found::File(file, chain)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Missing,
        Err(error) => Found::Unusable(error),
    }
}

fn read(file: File, known: &Known) -> io::Result<(File, Chain)> {
    let chain = Chain::read(BufReader::with_capacity(1 << 16, &file), known)?;
    Ok((file, chain))
}

/// The file, open for the next line. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Witness(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    file: File,
    /// The file by its name, once it has its own.
    identity: Option<Identity>,
    /// Where the last whole line ends.
    length: u64,
    last: Hash,
    /// Why nothing is appended any more.
    failed: Option<String>,
}

impl Witness {
    /// Goes on behind the last whole line of `chain`, which `file` holds; what is torn behind it is cut off.
    pub(super) fn resume(path: &Path, file: File, chain: &Chain) -> io::Result<Self> {
        if chain.end == End::Torn {
            file.set_len(chain.length)?;
            file.sync_all()?;
        }
        let identity = Some(Identity::from(path, &file.metadata()?));
        Ok(Self::of(Open { file, identity, length: chain.length, last: chain.last.clone(), failed: None }))
    }

    /// A new file at `path`, where none is, that begins behind number `seq`.
    pub(super) fn begin(path: &Path, seq: i64, now: Timestamp) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)?;
        }
        // Whole or not at all: a name that is there has a whole first line.
        let new = begun_at(path);
        let witness = Self::begin_at(&new, seq, now)?;
        put_in_place(&new, path)?;
        witness.open().identity = Some(Identity::of(path)?);
        Ok(witness)
    }

    fn begin_at(new: &Path, seq: i64, now: Timestamp) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(new)?;
        let witness = Self::of(Open { file, identity: None, length: 0, last: Hash::of_nothing(), failed: None });
        witness.append(&Entry::Begun { seq, at: now.to_string() })?;
        Ok(witness)
    }

    /// A new file that is not in its place yet: [`put_in_place`] brings it there.
    pub(super) fn begin_aside(path: &Path, seq: i64, now: Timestamp) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)?;
        }
        Self::begin_at(&begun_at(path), seq, now)
    }

    fn of(open: Open) -> Self {
        Self(Arc::new(Mutex::new(open)))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hash of the last line that is on disk.
    pub(super) fn last(&self) -> Hash {
        self.open().last.clone()
    }

    /// Why nothing is appended any more; `None` while all is well.
    pub(super) fn failed(&self) -> Option<String> {
        self.open().failed.clone()
    }

    /// Writes down a send, and returns once that is on disk.
    pub(super) fn send(&self, sent: Sent) -> io::Result<()> {
        self.append(&Entry::Sent(sent))
    }

    /// Writes down that `who` vouches for this file and its database, for `reason`.
    pub(super) fn adopt(&self, seq: i64, who: String, reason: String, now: Timestamp) -> io::Result<()> {
        self.append(&Entry::Adopted { seq, at: now.to_string(), who, reason })
    }

    /// What a failure leaves of a line is cut off at the next start, as what a crash leaves is.
    fn append(&self, entry: &Entry) -> io::Result<()> {
        let mut open = self.open();
        if let Some(why) = &open.failed {
            return Err(io::Error::other(why.clone()));
        }
        let (line, own) = entry.to_line(&open.last);
        match open.write(&line) {
            Ok(()) => {
                open.length += line.len() as u64;
                open.last = own;
                Ok(())
            }
            Err(error) => {
                // After a failed sync nobody can say what is on disk: nothing more is written by this process.
                open.failed = Some(error.to_string());
                Err(error)
            }
        }
    }
}

impl Open {
    fn write(&mut self, line: &str) -> io::Result<()> {
        self.identity.as_ref().map_or(Ok(()), Identity::check).map_err(io::Error::other)?;
        // Two writers would break each other's chain.
        if self.file.metadata()?.len() != self.length {
            return Err(io::Error::other("somebody else writes to it too"));
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_all()
    }
}

fn begun_at(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Brings a witness begun aside to its place at `path`. What is there is kept under `kept_as`.
pub(super) fn replace(path: &Path, kept_as: &Path) -> io::Result<()> {
    match std::fs::rename(path, kept_as) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    put_in_place(&begun_at(path), path)
}

fn put_in_place(new: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(new, path)?;
    sync_directory(path)
}
