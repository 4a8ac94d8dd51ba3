//! Room on the disk: what is done when there is none, and the ballast that is let go then.
//!
//! A full disk is met in the middle of a commit, when even the log can grow no more. The ballast is a file of its own
//! that takes up room for that moment: letting it go gives back enough to move the log into the database, to write down
//! what is in hand, and to start and say what is wrong. It is taken in again once there is room for twice as much.
//! While it is gone no new orders are taken, so that the reserve serves the orders that were acknowledged.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};

/// What the log holds when SQLite moves it into the database, 1000 pages of 4 KiB: so much may a database grow by that,
/// and moving the log is the first thing that has to work again.
pub(super) const BALLAST_BYTES: u64 = 4 << 20;

/// What has to be writable for the disk not to count as full: SQLite's shared memory for a log, which is the first
/// thing that an opening makes, and as much again.
const PROBE_BYTES: u64 = 64 << 10;

/// What a store knows of the room on its disk. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Room {
    database: Arc<PathBuf>,
    /// Whether the ballast is ours: it is the daemon's, who alone is sure to be the only one.
    keeps_ballast: bool,
    full: Arc<AtomicBool>,
}

impl Room {
    /// For one who merely writes to the database at `path` now and then.
    pub(super) fn of(path: &Path) -> Self {
        Self { database: Arc::new(path.to_owned()), keeps_ballast: false, full: Arc::default() }
    }

    /// For the daemon.
    pub(super) fn with_ballast(path: &Path) -> Self {
        Self { keeps_ballast: true, ..Self::of(path) }
    }

    /// Whether the disk was full when it was last needed, and no room has been found since.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Whether `error` means that there is no room. SQLite calls a limit on the size of files, a quota, and shared
    /// memory that cannot grow errors of input and output: those are believed when the disk itself says so. A failed
    /// sync is never one of these.
    pub(super) fn is_missed_by(&self, error: &rusqlite::Error) -> bool {
        match error.sqlite_error() {
            Some(error) if error.code == ErrorCode::DiskFull => true,
            Some(error) if [SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE].contains(&error.extended_code) => {
                self.is_missing()
            }
            _ => false,
        }
    }

    /// Asks the disk: whether a file as long as the database's files, and a little longer, can be written beside them.
    pub(super) fn is_missing(&self) -> bool {
        let path = self.beside(".probe");
        let length = [self.database.as_path(), &self.beside("-wal")]
            .map(|path| std::fs::metadata(path).map_or(0, |found| found.len()));
        let longest = length.into_iter().max().unwrap_or(0).saturating_add(PROBE_BYTES);
        let probed = create(&path).and_then(|mut file| {
            write_noise(&mut file, PROBE_BYTES)?;
            file.set_len(longest)?;
            file.sync_all()
        });
        let _ = std::fs::remove_file(&path);
        probed.is_err_and(|error| is_for_want_of_room(&error))
    }

    /// The disk turned out to be full: lets the ballast go. Whether that made room. Without a ballast nobody looks for
    /// room again, so every change finds out for itself.
    pub(super) fn give_way(&self) -> bool {
        if !self.keeps_ballast {
            return false;
        }
        let was_full = self.full.swap(true, Ordering::Relaxed);
        let let_go = std::fs::remove_file(self.ballast()).is_ok();
        if !was_full {
            let mib = if let_go { BALLAST_BYTES >> 20 } else { 0 };
            tracing::error!(
                "The disk that holds {} is full; {mib} MiB of ballast were let go, and no new orders are taken until there is room again",
                self.database.display()
            );
        }
        let_go
    }

    /// Takes the ballast in when it is gone and there is room for twice as much: a disk that is about to fill up again
    /// is not filled by us.
    pub(super) fn take_ballast_in(&self) -> io::Result<()> {
        if self.keeps_ballast && !self.has_ballast() {
            self.make_ballast()?;
        }
        if self.full.swap(false, Ordering::Relaxed) {
            tracing::info!("There is room again on the disk that holds {}", self.database.display());
        }
        Ok(())
    }

    /// Whether the ballast takes up the room it should; a file with holes does not.
    fn has_ballast(&self) -> bool {
        std::fs::metadata(self.ballast()).is_ok_and(|found| found.blocks().saturating_mul(512) >= BALLAST_BYTES)
    }

    fn make_ballast(&self) -> io::Result<()> {
        let directory = self.database.parent().filter(|parent| !parent.as_os_str().is_empty());
        let disk = rustix::fs::statvfs(directory.unwrap_or(Path::new(".")))?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < 2 * BALLAST_BYTES {
            return Err(ErrorKind::StorageFull.into());
        }
        let path = self.ballast();
        let made =
            create(&path).and_then(|mut file| write_noise(&mut file, BALLAST_BYTES).and_then(|()| file.sync_all()));
        if made.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        made
    }

    fn ballast(&self) -> PathBuf {
        self.beside(".ballast")
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    }
}

/// A full disk, a quota, or a limit on the size of files.
pub(super) fn is_for_want_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Noise, because a file system may keep zeros, or what repeats, in no room at all.
fn write_noise(file: &mut File, bytes: u64) -> io::Result<()> {
    let mut noise = [0_u8; 4096];
    for _ in 0..bytes / 4096 {
        fastrand::fill(&mut noise);
        file.write_all(&noise)?;
    }
    Ok(())
}
