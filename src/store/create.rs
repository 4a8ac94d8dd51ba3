//! Making a database where there is none: whole, or not at all.
//!
//! SQLite makes an empty file first and fills it later. A process that died between the two left a file that the next
//! start could not tell from the ruin of a database, and refused. So a new one is made under another name and takes its
//! own only when it is complete and on disk.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

use super::open::{Mode, OpenError, bring_up, connect};
use super::place::Place;

/// Makes the database at `place` unless something is there already.
pub(super) fn if_missing(place: &Place) -> Result<(), OpenError> {
    let path = &place.database;
    let failed = |cause: io::Error| OpenError::Sqlite { path: path.clone(), message: cause.to_string() };
    if is_there(path) {
        return Ok(());
    }
    // The daemon and the command line may both come first: the later one must neither disturb the other's work nor put
    // its own database in the place of one that is in use.
    let directory = File::open(directory_of(path)).map_err(failed)?;
    directory.lock().map_err(failed)?;
    if is_there(path) {
        return Ok(());
    }
    let unfinished = named_after(path, ".new");
    clear_away(&unfinished).map_err(failed)?;
    let mut connection = connect(&unfinished, OpenFlags::SQLITE_OPEN_CREATE, Mode::Durable)?;
    bring_up(place, &unfinished, &mut connection, true)?;
    // Closing moves the log into the file and syncs it; what stayed in the log would not come along.
    connection.close().map_err(|(_, error)| failed(io::Error::other(error)))?;
    if named_after(&unfinished, "-wal").exists() {
        return Err(failed(io::Error::other("its log could not be moved into it")));
    }
    std::fs::rename(&unfinished, path).and_then(|()| directory.sync_all()).map_err(failed)
}

/// What a start that was cut off has left.
fn clear_away(unfinished: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(named_after(unfinished, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn named_after(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Also when we may not look: opening it will say so in its own words.
fn is_there(path: &Path) -> bool {
    !matches!(path.try_exists(), Ok(false))
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::identity::Identity;
    use super::*;

    /// The bug: a daemon killed at its very first start left an empty file, and no later start took it.
    #[test]
    fn regression_what_a_start_cut_off_has_left_is_cleared_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reconciled.db");
        for (suffix, bytes) in [("", &b""[..]), ("-wal", b"half a log"), ("-shm", b"")] {
            std::fs::write(named_after(&named_after(&path, ".new"), suffix), bytes).unwrap();
        }
        if_missing(&Place::at(&path)).unwrap();
        let mut left: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["reconciled.db", "reconciled.db.key"]);
        Store::open(&path).map(drop).unwrap();
    }

    /// Whoever comes second takes what the first has made.
    #[test]
    fn many_at_once_make_one_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reconciled.db");
        std::thread::scope(|scope| {
            let identities: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| if_missing(&Place::at(&path)).map(|()| Identity::of(&path).unwrap())))
                .collect();
            for identity in identities {
                identity.join().unwrap().unwrap().check().unwrap();
            }
        });
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reconciled.db");
        std::fs::write(&path, "not a database").unwrap();
        if_missing(&Place::at(&path)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"not a database");
    }
}
