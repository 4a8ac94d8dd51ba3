//! The file itself: whose it is, which version, and who may speak to the bank for it.

use std::fs;
use std::path::Path;

use super::super::{LockError, MigrateError, OpenError, SCHEMA_VERSION, StoreError};
use super::*;

/// Every file of the database but its shared memory, which holds nothing that lasts.
fn bytes(file: &File) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(file.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with("-shm"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    found.sort();
    found
}

fn refused(file: &File) -> OpenError {
    let untouched = bytes(file);
    let error = Store::open_or_create(&file.path()).map(drop).unwrap_err();
    assert_eq!(bytes(file), untouched, "it was refused, and changed");
    error
}

#[test]
fn a_newer_schema_is_refused_and_left_byte_for_byte_as_it_was() {
    let file = File::at_rest();
    file.raw().pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    let error = refused(&file);
    let OpenError::Schema { cause: MigrateError::Newer { found, known }, .. } = error else { panic!("{error}") };
    assert_eq!((usize::try_from(found).unwrap(), known), (SCHEMA_VERSION + 1, SCHEMA_VERSION));
}

/// The bug: a newer program that had crashed leaves a log, and closing the file moved it into the database.
#[test]
fn regression_a_newer_schema_with_a_log_is_left_with_its_log() {
    let origin = File::at_rest();
    let newer = origin.raw();
    newer.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    let crashed = File::new();
    for suffix in ["", "-wal"] {
        let name = format!("reconciled.db{suffix}");
        fs::copy(origin.directory.path().join(&name), crashed.directory.path().join(&name)).unwrap();
    }
    assert_eq!(bytes(&crashed).len(), 2, "there is a log");
    assert!(matches!(refused(&crashed), OpenError::Schema { cause: MigrateError::Newer { .. }, .. }));
}

#[test]
fn another_programs_database_is_refused() {
    let with_tables = File::new();
    with_tables.raw().execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
    let marked = File::new();
    marked.raw().pragma_update(None, "application_id", 7).unwrap();
    for (file, id) in [(with_tables, 0), (marked, 7)] {
        let error = refused(&file);
        assert!(matches!(error, OpenError::Schema { cause: MigrateError::Foreign(found), .. } if found == id));
    }
    let text = File::new();
    fs::write(text.path(), "a letter, not a database, and long enough to be taken for one").unwrap();
    assert!(matches!(refused(&text), OpenError::Schema { cause: MigrateError::Sqlite(_), .. }));
}

#[test]
fn a_database_that_must_be_there_is_not_made_up() {
    let file = File::new();
    assert!(matches!(Store::open(&file.path()), Err(OpenError::Missing(_))));
    assert!(!file.path().exists());
    drop(file.open());
    assert!(Store::open(&file.path()).is_ok());
}

#[test]
fn one_process_at_a_time_has_the_lock_and_names_itself() {
    let file = File::new();
    assert_eq!(Lock::holder(&file.path()), None);
    let held = Lock::take(&file.path(), "pid 1, since noon, and in a longer line").unwrap();
    let refused = Lock::take(&file.path(), "pid 2").unwrap_err();
    assert!(matches!(&refused, LockError::Held { holder, .. } if holder == "pid 1, since noon, and in a longer line"));
    assert!(refused.to_string().contains("pid 1, since noon"), "{refused}");
    assert_eq!(Lock::holder(&file.path()).as_deref(), Some("pid 1, since noon, and in a longer line"));
    drop(held);
    assert_eq!(Lock::holder(&file.path()), None, "released when it is dropped");
    let _next = Lock::take(&file.path(), "pid 2").unwrap();
    assert_eq!(Lock::holder(&file.path()).as_deref(), Some("pid 2"), "nothing is left of the line before");
}

/// The bug: the lock stood beside the name, so that a link to the database had a lock of its own.
#[cfg(unix)]
#[test]
fn regression_a_link_to_the_database_has_no_lock_of_its_own() {
    let file = File::at_rest();
    let link = file.directory.path().join("link.db");
    std::os::unix::fs::symlink(file.path(), &link).unwrap();
    let _held = Lock::take(&file.path(), "pid 1").unwrap();
    assert!(matches!(Lock::take(Path::new(&link), "pid 2"), Err(LockError::Held { .. })));
}

/// The bug: both files were looked at before a group of changes began, so what came into the group after one of them
/// had been removed was acknowledged all the same.
#[tokio::test]
async fn regression_a_change_is_not_acknowledged_once_a_file_is_gone() {
    for gone in ["reconciled.db", "reconciled.db.lock"] {
        let file = File::new();
        let work = standing::start(&file.path());
        let store = &work.store;
        let path = file.directory.path().join(gone);
        let removed = store.writer.write(move |_| fs::remove_file(path).map_err(|_| StoreError::Stopped)).await;
        assert!(matches!(&removed, Err(StoreError::CommitUncertain(why)) if why.contains(gone)), "{gone}: {removed:?}");
        assert!(matches!(store.writer.write(|_| Ok(())).await, Err(StoreError::Stopped)), "{gone}");
    }
}
