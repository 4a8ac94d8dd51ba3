//! The commit of an intent fails, and no other. Whatever of it is on the disk, nothing is sent on it (R1).

use std::ffi::c_int;
use std::sync::Arc;

use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::operation::OperationState;
use reconciled::domain::order::State;
use reconciled::sandbox::{Operation, Settings};
use rusqlite::ffi;
use tokio::sync::Notify;

use super::disk::{Access, Disk, Fault};
use super::vfs;
use crate::fixture::{HASTE, World, add, in_time, order, shop, wait_for_state};
use crate::hostile::{Deed, Front};

/// A daemon with an order that is due, asks the bank, and meets a failure of the disk when it writes down that it
/// sends.
struct Scene {
    world: World,
    front: Front,
    id: String,
    disk: Arc<Disk>,
    _watch: vfs::Watch,
}

impl Scene {
    async fn new() -> Self {
        // Only the completer asks about what is held.
        let world = World::new(Settings::default(), &HASTE.replace("held = \"200ms\"", "held = \"1h\"")).await;
        let front = Front::start(world.bank.addr()).await;
        let patient = std::fs::read_to_string(world.config_behind(&front.rest_url()).path).unwrap();
        let patient = patient.replace("_timeout = \"500ms\"", "_timeout = \"3s\"");
        std::fs::write(world.path(), patient.replace("quiet = \"1s\"", "quiet = \"3s\"")).unwrap();
        let (data, disk) = (world.directory.path().join("data"), Arc::new(Disk::default()));
        std::fs::create_dir(&data).unwrap();
        let id = world.register_two_phase("A-1", 10_000);
        world.bank.bank().pay(&id).unwrap();
        Self { _watch: vfs::watch(&data, &disk), world, front, id, disk }
    }

    async fn start(&self) -> Daemon {
        Daemon::start(Config::load(&self.world.path()).unwrap()).await.unwrap()
    }

    /// Has the commit of the first send's intent fail. The answer to the question after that comes with `next`.
    async fn fail_the_intent(&self, daemon: &Daemon, access: Access, code: c_int, next: &Arc<Notify>) {
        let answer = Arc::new(Notify::new());
        let deeds = [Deed::Pass, Deed::Later(Arc::clone(&answer)), Deed::Later(Arc::clone(next))];
        for deed in deeds {
            self.front.next(Operation::Status, "A-1", &self.id, deed);
        }
        add(daemon.store(), vec![order("A-1", 10_000)]).await;
        in_time(self.front.seen(Operation::Status, 2)).await;
        self.disk.arm(Fault { access, code, nth: 1, lasting: false });
        answer.notify_one();
    }
}

/// For want of room the writer goes on: the step is made anew, from the question on.
#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_finds_no_room_sends_nothing() {
    let (scene, next) = (Scene::new().await, Arc::new(Notify::new()));
    let daemon = scene.start().await;
    scene.fail_the_intent(&daemon, Access::Write, ffi::SQLITE_FULL, &next).await;
    in_time(scene.front.seen(Operation::Status, 3)).await;
    assert_eq!((scene.disk.heal(), scene.world.completions("A-1")), (1, (0, 0)), "it sent what it could not write");
    next.notify_one();
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    let sent = daemon.store().order(&shop(), "A-1").await.unwrap().operation.unwrap();
    assert_eq!((sent.state, sent.attempt), (OperationState::Confirmed, 1));
    assert_eq!(scene.world.completions("A-1"), (1, 1));
    daemon.stop().await;
}

/// What a failed sync leaves is unknown: the process ends, and the next one goes by what it finds, and asks.
#[tokio::test(flavor = "multi_thread")]
async fn an_intent_whose_sync_fails_sends_nothing_and_the_next_process_asks() {
    let (scene, next) = (Scene::new().await, Arc::new(Notify::new()));
    let mut daemon = scene.start().await;
    scene.fail_the_intent(&daemon, Access::Sync, ffi::SQLITE_IOERR_FSYNC, &next).await;
    in_time(daemon.failed()).await;
    daemon.stop().await;
    assert_eq!((scene.disk.heal(), scene.world.completions("A-1")), (1, (0, 0)), "it sent what may not be written");
    scene.disk.wait_closed();
    next.notify_one();
    let daemon = scene.start().await;
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    assert_eq!(scene.world.completions("A-1"), (1, 1));
    daemon.stop().await;
}
