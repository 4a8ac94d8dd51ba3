//! Whether a file is still the one that was opened: removed, renamed or replaced, it is somebody else's by now.
//!
//! SQLite goes on writing into a file that has lost its name, and acknowledges what nobody will find again. A lock file
//! that was deleted lets a second daemon in. So both are looked at before every commit, and again before anybody hears
//! of it, by their inode; nothing is opened for it, since closing a handle on the database would drop SQLite's locks.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file by its place and its inode.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Identity {
    /// The file at `path` as it is now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|found| Self::from(path, &found))
    }

    /// The file behind `metadata`, which was found at `path`.
    pub(super) fn from(path: &Path, metadata: &Metadata) -> Self {
        Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() }
    }

    /// Whether `path` still names this file. The error says what became of it.
    pub(super) fn check(&self) -> Result<(), String> {
        match std::fs::metadata(&self.path) {
            Ok(found) if found.dev() == self.device && found.ino() == self.inode => Ok(()),
            Ok(_) => Err(format!("{} was replaced by another file while it was in use", self.path.display())),
            Err(error) => Err(format!("{} is no longer where it was: {error}", self.path.display())),
        }
    }
}
