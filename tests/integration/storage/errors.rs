//! Errors of input and output at the n-th access, n = 1, 2, 3, … until a run that meets none; and a disk that is full
//! for a while. What was acknowledged is there when the file is opened again, after a power cut too.

use std::time::Duration;

use reconciled::store::{Lock, Store};
use rusqlite::ffi;

use super::disk::{Access, Disk, Fault, Replay};
use super::power_cut::{Totals, cut, cut_from};
use super::script::{NOW, Script};
use super::{Bench, checker};

/// What can fail, and how.
const FAILURES: &[(Access, i32)] = &[
    (Access::Open, ffi::SQLITE_CANTOPEN),
    (Access::Open, ffi::SQLITE_IOERR),
    (Access::Read, ffi::SQLITE_IOERR_READ),
    (Access::Write, ffi::SQLITE_IOERR_WRITE),
    (Access::Write, ffi::SQLITE_FULL),
    (Access::Truncate, ffi::SQLITE_IOERR_TRUNCATE),
    (Access::Sync, ffi::SQLITE_IOERR_FSYNC),
    (Access::Delete, ffi::SQLITE_IOERR_DELETE),
    (Access::SharedMemory, ffi::SQLITE_IOERR_SHMSIZE),
];

/// One access in so many is failed in the short form; `RECONCILED_CUTS` asks for every one.
const STRIDE: u64 = 7;

fn stride() -> u64 {
    if std::env::var_os("RECONCILED_CUTS").is_some() { 1 } else { STRIDE }
}

/// A store that does not come to an end has hung.
const LIMIT: Duration = Duration::from_secs(60);

/// Power cuts on the log of each run with an error.
const CUTS_PER_RUN: usize = 4;

/// A run of the script on a disk that fails as `fault` says; whether it did.
async fn fail(fault: Fault, totals: &mut Totals) -> bool {
    let bench = Bench::new();
    bench.disk.arm(fault);
    let begun = Script::begin(&bench.database(), &bench.disk, 1);
    let Ok(mut script) = begun else {
        // A start that fails says so; the next one works, or finds the empty file of the first and says that.
        assert!(bench.disk.heal() > 0, "{fault:?}");
        bench.disk.wait_closed();
        let found = checker::check(&bench.database(), &super::script::Story::default(), 0);
        assert!(found.is_ok(), "{fault:?}: {found:?}");
        return true;
    };
    tokio::time::timeout(LIMIT, script.run_short()).await.unwrap_or_else(|_| panic!("{fault:?}: it hangs"));
    let failed = bench.disk.heal();
    let story = tokio::time::timeout(LIMIT, script.end()).await.unwrap_or_else(|_| panic!("{fault:?}: it hangs"));
    let position = bench.disk.position();
    let found = checker::check(&bench.database(), &story, position);
    assert!(found.is_ok(), "{fault:?}: {found:?}");
    bench.disk.wait_closed();
    let log = bench.disk.take_log();
    cut(&log[..position], &story, CUTS_PER_RUN, fault.nth, totals).await;
    failed > 0
}

#[tokio::test]
async fn an_error_at_any_access_costs_nothing_that_was_acknowledged() {
    let (mut totals, mut runs) = (Totals::default(), 0);
    for (access, code) in FAILURES.iter().copied() {
        for lasting in [false, true] {
            let mut nth = 1;
            while fail(Fault { access, code, nth, lasting }, &mut totals).await {
                runs += 1;
                // The first few are the opening, where everything is different each time.
                nth += if nth < 8 { 1 } else { stride() };
            }
            assert!(nth > 1, "{access:?} never happens");
        }
    }
    println!("io_errors: {runs} runs with an error, {} power cuts after them, {} sends", totals.cuts, totals.sends);
    totals.assert_sound();
}

/// The disk is full at the n-th write, stays so for a while, and then has room: the same process goes on. Whatever the
/// power takes afterwards, nothing that was acknowledged before, during or after is missing.
#[tokio::test]
async fn a_disk_that_was_full_for_a_while_is_gone_on_with() {
    let (mut totals, mut nth, mut recovered) = (Totals::default(), 1, 0);
    loop {
        let bench = Bench::new();
        let mut script = Script::begin(&bench.database(), &bench.disk, nth).unwrap();
        bench.disk.arm(Fault { access: Access::Write, code: ffi::SQLITE_FULL, nth, lasting: true });
        script.run_short().await;
        let failed = bench.disk.heal();
        let told_before = script.story.told.len();
        script.run_short().await;
        recovered += usize::from(failed > 0);
        assert!(script.story.told.len() > told_before, "write {nth} met a full disk, and it never recovered");
        let story = script.end().await;
        let log = bench.disk.take_log();
        cut(&log, &story, CUTS_AFTER_FULL, nth, &mut totals).await;
        if failed == 0 {
            break;
        }
        nth += stride();
    }
    println!("disk_full: {recovered} runs that met a full disk and went on, {} power cuts over them", totals.cuts);
    totals.assert_sound();
    assert!(recovered > 5, "the disk was hardly ever full");
}

/// Cuts over each run with a full disk in it.
const CUTS_AFTER_FULL: usize = 40;

/// The bug: after a failed sync the kernel shows what the disk does not hold, and takes it for written. The next
/// process appended to such a log, and a power cut took all that was acknowledged since.
#[tokio::test]
async fn regression_after_a_failed_sync_the_next_process_starts_on_firm_ground() {
    let mut totals = Totals::default();
    for seed in 0..30 {
        let bench = Bench::new();
        let mut before = Script::begin(&bench.database(), &bench.disk, seed).unwrap();
        before.run_short().await;
        bench.disk.arm(Fault { access: Access::Sync, code: ffi::SQLITE_IOERR_FSYNC, nth: 1, lasting: false });
        before.add().await;
        // Killed here: the kernel shows all that was written, and the disk holds what was synced, and parts of the
        // rest.
        let log = bench.disk.take_log();
        let mut replay = Replay::new(&log);
        replay.advance(log.len(), &mut fastrand::Rng::with_seed(seed));
        let after = Bench::new();
        for (name, lasting) in replay.lasting() {
            std::fs::copy(bench.directory.path().join(name), after.directory.path().join(name)).unwrap();
            after.disk.found(name, lasting);
        }
        // A daemon, or the command line while there is none.
        let lock = (seed % 2 == 0).then(|| Lock::take(&after.database(), "the next process").unwrap());
        let opened = match &lock {
            Some(lock) => Store::open_under(lock, &after.database(), NOW),
            None => Store::open(&after.database()),
        };
        let opened = opened.unwrap();
        if lock.is_some() {
            // A copy is not at home, so no money moves before a person has vouched for it.
            opened.adopt("ivan", "the disk was moved", NOW).await.unwrap();
        }
        let mut next = before.hand_over(opened, &after.disk).await;
        let firm = after.disk.position();
        next.run_short().await;
        let story = next.end().await;
        cut_from(firm, &after.disk.take_log(), &story, 20, seed, &mut totals).await;
    }
    totals.assert_sound();
}

/// What a failed sync leaves is unknown: the store takes no more changes, and says so.
#[tokio::test]
async fn a_failed_sync_ends_the_writer() {
    let bench = Bench::new();
    let mut script = Script::begin(&bench.database(), &bench.disk, 1).unwrap();
    script.add().await;
    let disk: &Disk = &bench.disk;
    disk.arm(Fault { access: Access::Sync, code: ffi::SQLITE_IOERR_FSYNC, nth: 1, lasting: false });
    script.add().await;
    assert_eq!((script.story.refused, disk.failed()), (1, 1));
    tokio::time::timeout(LIMIT, script.store().failed()).await.unwrap();
    script.add().await;
    assert_eq!(script.story.refused, 2, "it took a change after a failed sync");
}
