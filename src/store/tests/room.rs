//! The ballast, and a transaction that a failing disk takes away.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::mpsc;

use super::super::StoreError;
use super::super::room::{BALLAST_BYTES, Room};
use super::*;

fn ballast(file: &File) -> PathBuf {
    file.directory.path().join("reconciled.db.ballast")
}

#[test]
fn the_daemon_keeps_ballast_that_takes_up_room_and_nobody_else_does() {
    let file = File::new();
    drop(file.open());
    assert!(!ballast(&file).exists(), "the command line keeps none");
    let lock = Lock::take(&file.path(), "a daemon").unwrap();
    drop(Store::open_under(&lock, &file.path(), NOW).unwrap());
    let made = fs::metadata(ballast(&file)).unwrap();
    assert_eq!((made.len(), made.permissions().mode() & 0o777), (BALLAST_BYTES, 0o600));
    assert!(made.blocks() * 512 >= BALLAST_BYTES, "{} blocks are no ballast", made.blocks());
    // A file of the right length with nothing in it would give back nothing.
    fs::File::create(ballast(&file)).unwrap().set_len(BALLAST_BYTES).unwrap();
    drop(Store::open_under(&lock, &file.path(), NOW).unwrap());
    assert!(fs::metadata(ballast(&file)).unwrap().blocks() * 512 >= BALLAST_BYTES);
}

#[tokio::test]
async fn while_the_ballast_is_gone_new_orders_wait_and_those_that_are_here_go_on() {
    let file = File::new();
    let lock = Lock::take(&file.path(), "a daemon").unwrap();
    let store = Store::open_under(&lock, &file.path(), NOW).unwrap();
    let before = added(&store, "A-1").await;
    assert!(!store.disk_is_full() && store.room.give_way(), "there is ballast to let go");
    assert!(store.disk_is_full() && !ballast(&file).exists());
    assert!(!store.room.give_way(), "there is no more of it");
    let refused = store.add_orders(vec![new_order("A-2")], Cause::Shop, NOW).await;
    assert!(matches!(refused, Err(StoreError::DiskFull(_))), "{refused:?}");
    change(&store, &before, |order| order.parked = true).await;
    store.look_for_room().unwrap();
    assert!(!store.disk_is_full() && ballast(&file).exists());
    added(&store, "A-2").await;
}

#[test]
fn a_disk_with_room_is_not_taken_for_a_full_one() {
    let file = File::at_rest();
    let room = Room::with_ballast(&file.path());
    assert!(!room.is_missing());
    let names = fs::read_dir(file.directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| name != "reconciled.db.probe"), "the probe was left behind");
    let of = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    assert!(room.is_missed_by(&of(rusqlite::ffi::SQLITE_FULL)));
    for code in [rusqlite::ffi::SQLITE_IOERR_WRITE, rusqlite::ffi::SQLITE_IOERR_FSYNC, rusqlite::ffi::SQLITE_NOMEM] {
        assert!(!room.is_missed_by(&of(code)), "{code} is no want of room here");
    }
}

/// SQLite gives up the whole transaction under some failures of a statement. What came after it in the group was then
/// committed by itself, and its callers told that it might not be.
#[tokio::test]
async fn a_group_whose_transaction_is_taken_away_is_in_doubt_and_none_of_it_is_there() {
    let file = File::new();
    let store = file.open();
    let (go, wait) = mpsc::channel();
    let taken_away = store.writer.write(move |connection| -> Result<(), StoreError> {
        wait.recv().unwrap();
        connection.execute_batch("ROLLBACK").map_err(StoreError::from)
    });
    let (taken_away, after, ()) =
        tokio::join!(taken_away, store.add_orders(vec![new_order("after")], Cause::Shop, NOW), async {
            go.send(()).unwrap();
        });
    assert!(matches!(taken_away, Err(StoreError::CommitUncertain(_))), "{taken_away:?}");
    assert!(matches!(after, Err(StoreError::Stopped)), "{after:?}");
    store.failed().await;
    let again = file.open();
    assert!(again.events_after(0, 10).await.unwrap().is_empty(), "what was not acknowledged was committed");
}
