//! The real binary as a process: signals, a second daemon, `kill -9` between intent and settling.

use std::process::{Command, Stdio};

use reconciled::domain::operation::OperationState;
use reconciled::domain::order::State;
use reconciled::sandbox::{FaultKind, FaultRule, Operation, Settings};
use reconciled::store::Store;
use serde_json::json;

use crate::child::{Process, run_to_its_end, says, wire_order};
use crate::fixture::{HASTE, World, in_time, wait_for, wait_for_state};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_database_names_the_first() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let first = Process::start(&config);
    let second = run_to_its_end(&config);
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success());
    assert!(words.contains(&format!("pid {}", first.child.id())), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_is_in_hand_and_sighup_says_what_changed() {
    let world = World::new(Settings::default(), HASTE).await;
    let path = world.config().path;
    let mut process = Process::start(&path);

    let faster = world.toml().replace("requests = \"200/s\"", "requests = \"100/s\"");
    std::fs::write(&path, &faster).unwrap();
    process.signal("-HUP");
    let changed = process.read_until(|line| line["key"].is_string());
    assert_eq!(changed["key"], "merchant.shop.budget.requests");

    std::fs::write(&path, faster.replace("zone = \"Europe/Moscow\"", "zone = \"Mars/Olympus\"")).unwrap();
    process.signal("-HUP");
    let refused = process.read_until(says("not reloaded"));
    assert!(refused["message"].as_str().unwrap().contains("Mars/Olympus"), "{refused}");

    let id = world.register("still-at-work", 100);
    world.bank.bank().pay(&id).unwrap();
    assert_eq!(process.post_order(&wire_order("still-at-work", 100)).0, 201);
    let store = Store::open(&world.directory.path().join("data/reconciled.db")).unwrap();
    wait_for_state(&store, "still-at-work", State::Deposited).await;

    process.signal("-TERM");
    process.read_until(says("everything in hand was finished"));
    assert!(process.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_order_survives_kill_9() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let process = Process::start(&config);
    for number in 0..50 {
        let (status, _) = process.post_order(&wire_order(&format!("A-{number}"), 100));
        assert_eq!(status, 201);
    }
    process.kill_hard();
    let store = Store::open(&world.directory.path().join("data/reconciled.db")).unwrap();
    for number in 0..50 {
        store.order(&crate::fixture::shop(), &format!("A-{number}")).await.unwrap();
    }
}

/// Whoever stops money, from whatever process: the daemon's log says so, and nothing is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_its_end_are_told_in_the_log() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let mut process = Process::start(&config);
    let money = |act: &str, reason: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.stdout(Stdio::null()).args(["money", act, "--reason", reason, "--config"]).arg(&config);
        assert!(command.env_remove("SUDO_USER").env("USER", "ivan").status().unwrap().success());
    };
    money("stop", "odd sums");
    let stopped = process.read_until(says("Stopped: all money, by ivan: odd sums"));
    assert_eq!((&stopped["level"], &stopped["by"]), (&json!("WARN"), &json!("operator:ivan")));

    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    assert_eq!(process.post_order(&wire_order("A-1", 10_000)).0, 201);
    process.read_until(says("What is due for order A-1 waits: not sent: ivan stopped all money"));
    assert_eq!(world.completions("A-1"), (0, 0));
    money("start", "explained");
    process.read_until(says("Started again: all money, by ivan after"));
    money("stop", "a slip");
    money("start", "of the pen");
    process.read_until(says("Stopped: all money, by ivan: a slip"));
    process.read_until(says("Started again: all money, by ivan after"));
    let store = Store::open(&world.directory.path().join("data/reconciled.db")).unwrap();
    wait_for_state(&store, "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1));
}

/// A crash and a timeout are the same state: the intent is there, the bank is asked, and nothing is done twice.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_between_the_intent_and_its_settling_completes_once() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let table = [
        ("taken", FaultKind::TimeoutAfterEffect { ms: 60_000 }, 1),
        ("not-taken", FaultKind::TimeoutBeforeEffect { ms: 60_000 }, 2),
    ];
    for (number, fault, asked) in table {
        let rule = FaultRule::always(fault).on(Operation::Completion).for_order(number).times(1);
        world.bank.bank().add_fault(rule).unwrap();
        let id = world.register_two_phase(number, 10_000);
        world.bank.bank().pay(&id).unwrap();
        let process = Process::start(&config);
        assert_eq!(process.post_order(&wire_order(number, 10_000)).0, 201);
        let store = Store::open(&world.directory.path().join("data/reconciled.db")).unwrap();
        let sent = |found: &reconciled::store::OrderWithOperation| {
            found.operation.as_ref().is_some_and(|operation| operation.state == OperationState::InDoubt)
        };
        wait_for(&store, number, sent).await;
        process.kill_hard();

        let _process = Process::start(&config);
        wait_for_state(&store, number, State::Deposited).await;
        let confirmed = |found: &reconciled::store::OrderWithOperation| {
            found.operation.as_ref().is_some_and(|operation| operation.state == OperationState::Confirmed)
        };
        wait_for(&store, number, confirmed).await;
        let (requests, effects) = world.completions(number);
        // The kill may have come before the first byte; the effect is one in any case.
        assert!((1..=asked).contains(&requests), "{number}: {requests} requests");
        assert_eq!(effects, 1, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_a_newer_version_is_left_untouched() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    drop(Store::open_or_create(&config.database).unwrap());
    let newer = rusqlite::Connection::open(&config.database).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    newer.close().unwrap();
    // The store's own thread closes its connection in its own time, and the last one to close takes the log away.
    let log = config.database.with_file_name("reconciled.db-wal");
    let closed = async {
        while log.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    in_time(closed).await;
    let before = std::fs::read(&config.database).unwrap();
    let refused = run_to_its_end(&config.path);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("99"), "{words}");
    assert_eq!(std::fs::read(&config.database).unwrap(), before);
}

/// The bug: a database that was removed while the daemon ran went on acknowledging orders that nobody would find again.
#[tokio::test(flavor = "multi_thread")]
async fn regression_a_daemon_whose_database_is_gone_acknowledges_nothing_and_stops() {
    for gone in ["data/reconciled.db", "data/reconciled.db.lock"] {
        let world = World::new(Settings::default(), HASTE).await;
        let mut process = Process::start(&world.config().path);
        assert_eq!(process.post_order(&wire_order("before", 100)).0, 201);
        std::fs::remove_file(world.directory.path().join(gone)).unwrap();
        // Its own looks may have met the loss before the order does, and the daemon be gone already.
        if let Some((status, _)) = process.try_post_order(&wire_order("after", 100)) {
            assert!(status >= 500, "{gone}: {status}");
        }
        process.read_until(says("no longer where it was"));
        assert_eq!(process.child.wait().unwrap().code(), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_not_taken_for_a_new_database() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    std::fs::create_dir_all(config.database.parent().unwrap()).unwrap();
    std::fs::write(&config.database, "").unwrap();
    let refused = run_to_its_end(&config.path);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("empty file"));
    assert_eq!(std::fs::metadata(&config.database).unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_two_names_is_refused() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    drop(Store::open_or_create(&config.database).unwrap());
    std::fs::hard_link(&config.database, world.directory.path().join("second.db")).unwrap();
    let refused = run_to_its_end(&config.path);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("hard link"));
}

/// The bug: the chain of causes was printed behind words that held the cause already.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_names_its_cause_once() {
    let world = World::new(Settings::default(), HASTE).await;
    let path = world.config().path;
    let says_once = |toml: String, cause: &str| {
        std::fs::write(&path, toml).unwrap();
        let refused = run_to_its_end(&path);
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((refused.status.code(), words.matches(cause).count()), (Some(1), 1), "{words}");
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("listen = \"{}\"", taken.local_addr().unwrap());
    says_once(world.toml().replace("listen = \"127.0.0.1:0\"", &listen), "in use");
    std::fs::write(world.directory.path().join("file"), "").unwrap();
    says_once(world.toml().replace("data/reconciled.db", "file/reconciled.db"), "os error");
    std::fs::write(world.directory.path().join("text"), "no database".repeat(100)).unwrap();
    says_once(world.toml().replace("data/reconciled.db", "text"), "not a database");
}
