//! The real daemon without room: a limit on the size of files, which works everywhere, and a small disk of its own,
//! which takes root.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use reconciled::domain::order::State;
use reconciled::sandbox::Settings;
use reconciled::store::Store;

use crate::child::{Process, run_to_its_end, says, wire_order};
use crate::fixture::{HASTE, World, wait_for, wait_for_state};

fn assert_disk_full(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
    assert!(answer.contains("urn:reconciled:problem:disk_full"), "{answer}");
}

fn gauge(process: &Process) -> String {
    let text = process.request("GET /metrics", "").unwrap();
    let line = text.lines().find(|line| line.starts_with("reconciled_disk_full "));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Limits the size of what a process may write to files; `unlimited` lifts it again.
fn limit_files(process: &Process, soft: &str) {
    let pid = process.child.id().to_string();
    let limit = format!("--fsize={soft}:");
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

/// SIGXFSZ would kill it; written bytes past the limit fail with EFBIG, which SQLite takes for an error of the device.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_cannot_write_acknowledges_nothing_sends_nothing_and_goes_on_when_it_can() {
    let tables = HASTE.replace("when = \"after\"\ndelay = \"100ms\"", "when = \"release\"");
    let world = World::new(Settings::default(), &tables).await;
    let config = world.config();
    let mut process = Process::start(&config.path);
    let id = world.register_two_phase("held", 100);
    world.bank.bank().pay(&id).unwrap();
    assert_eq!(process.post_order(&wire_order("held", 100)).0, 201);
    let store = Store::open(&config.database).unwrap();
    wait_for_state(&store, "held", State::Held).await;
    assert_eq!(gauge(&process), "reconciled_disk_full 0");

    limit_files(&process, "0");
    assert_disk_full(&process.request("POST /v1/orders", &wire_order("refused", 100).to_string()).unwrap());
    // The command line is another process, under no limit: what it releases is due at once, and cannot be intended.
    let mut release = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    release.args(["order", "release", "held", "--config"]).arg(&config.path);
    assert!(release.output().unwrap().status.success());
    process.read_until(says("Cannot write down a completion's step of order held"));
    assert_disk_full(&process.request("POST /v1/orders", &wire_order("refused", 100).to_string()).unwrap());
    assert_disk_full(&process.request("GET /readyz", "").unwrap());
    assert_eq!(gauge(&process), "reconciled_disk_full 1");
    assert_eq!(world.completions("held"), (0, 0), "the intent could not be written, so nothing may be sent");

    limit_files(&process, "unlimited");
    process.read_until(says("There is room again"));
    assert_eq!(process.post_order(&wire_order("afterwards", 100)).0, 201);
    assert!(process.request("GET /readyz", "").unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(gauge(&process), "reconciled_disk_full 0");
    wait_for(&store, "held", |found| found.order.state == State::Deposited).await;
    assert_eq!(world.completions("held"), (1, 1));
    assert!(process.child.try_wait().unwrap().is_none(), "it was the same process all along");
}

/// Its size: SQLite's files, the ballast, and room for twice as much.
const SMALL_DISK: &str = "size=16m";

/// A small disk of one's own, gone when it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this may not be done.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SMALL_DISK, "tmpfs"]).arg(at).output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(at.to_owned()));
        }
        println!("skipped: mounting a small disk takes root and a host that allows it");
        None
    }

    /// Takes up all the room there is.
    fn fill(&self) {
        let mut filler = std::fs::OpenOptions::new().append(true).create(true).open(self.filler()).unwrap();
        let page = [1_u8; 4096];
        while filler.write_all(&page).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("reconciled.db.ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_loses_nothing_and_is_gone_on_with_when_there_is_room() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    let Some(disk) = SmallDisk::mount(&world.directory.path().join("data")) else { return };
    let mut process = Process::start(&config.path);
    let mut acknowledged = Vec::new();
    assert_eq!(process.post_order(&wire_order("before", 100)).0, 201);
    acknowledged.push("before".to_owned());

    disk.fill();
    let refused = loop {
        let number = format!("during-{}", acknowledged.len());
        let answer = process.request("POST /v1/orders", &wire_order(&number, 100).to_string()).unwrap();
        if !answer.starts_with("HTTP/1.1 201") {
            break answer;
        }
        acknowledged.push(number);
    };
    assert_disk_full(&refused);
    assert!(!disk.ballast().exists(), "the ballast was not let go");
    assert_eq!(gauge(&process), "reconciled_disk_full 1");

    disk.empty();
    process.read_until(says("There is room again"));
    assert!(disk.ballast().exists(), "the ballast was not taken in again");
    assert_eq!(process.post_order(&wire_order("after", 100)).0, 201);
    acknowledged.push("after".to_owned());
    process.kill_hard();
    let store = Store::open(&config.database).unwrap();
    for number in acknowledged {
        assert!(store.order(&crate::fixture::shop(), &number).await.is_ok(), "{number} was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_starts_on_a_full_disk_as_long_as_it_has_ballast_and_says_what_to_do_without() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    let Some(disk) = SmallDisk::mount(&world.directory.path().join("data")) else { return };
    let before = Process::start(&config.path);
    assert_eq!(before.post_order(&wire_order("before", 100)).0, 201);
    before.kill_hard();
    // As after a restart of the host: the shared memory is of no use to anybody, and has to be made anew.
    std::fs::remove_file(disk.0.join("reconciled.db-shm")).unwrap();
    disk.fill();

    let mut process = Process::start(&config.path);
    assert_disk_full(&process.request("GET /readyz", "").unwrap());
    assert!(!disk.ballast().exists(), "the ballast was not let go");
    assert!(process.request("GET /v1/orders/shop/before", "").unwrap().starts_with("HTTP/1.1 200"));
    assert_disk_full(&process.request("POST /v1/orders", &wire_order("refused", 100).to_string()).unwrap());

    disk.fill();
    disk.empty();
    process.read_until(says("There is room again"));
    assert_eq!(process.post_order(&wire_order("after", 100)).0, 201);
    process.kill_hard();

    std::fs::remove_file(disk.0.join("reconciled.db-shm")).unwrap();
    std::fs::remove_file(disk.ballast()).unwrap();
    disk.fill();
    let refused = run_to_its_end(&config.path);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("is full") && words.contains("free 8 MiB"), "{words}");
}
