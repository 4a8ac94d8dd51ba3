//! When completions happen and when they do not: on release, parked, in a window; holds near their lapse; the budget.

use std::process::{Command, Output};

use reconciled::domain::event::EventKind as Kind;
use reconciled::domain::order::State;
use reconciled::sandbox::{Entry, Settings};

use crate::fixture::{HASTE, TOKEN, World, add, in_time, kinds, order, wait_for, wait_for_state};

/// As [`HASTE`], with another table of completions.
pub(crate) fn with_completion(table: &str) -> String {
    let (before, _) = HASTE.split_once("[merchant.completion]").unwrap();
    format!(
        "{before}[merchant.completion]\n{table}\nquiet = \"1s\"\nask_every = \"100ms\"\nask_every_max = \"200ms\"\n"
    )
}

pub(crate) fn reconciled(world: &World, arguments: &[&str]) -> Output {
    let config = world.directory.path().join("reconciled.toml");
    Command::new(env!("CARGO_BIN_EXE_reconciled")).args(arguments).arg("--config").arg(config).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_waits_for_its_release_is_completed_when_the_command_line_releases_it() {
    let world = World::new(Settings::default(), &with_completion("when = \"release\"")).await;
    let daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let held = wait_for_state(daemon.store(), "A-1", State::Held).await;
    assert_eq!(held.complete_at, None);
    assert_eq!(world.completions("A-1"), (0, 0));

    let released = reconciled(&world, &["order", "release", "A-1", "--amount", "9000"]);
    assert!(released.status.success(), "{released:?}");
    let deposited = wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    assert_eq!(deposited.view.unwrap().view.amounts.unwrap().deposited, 9_000);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_order_is_not_completed_until_it_is_released() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 10_000), order("other", 10_000)]).await;
    assert!(reconciled(&world, &["order", "park", "A-1"]).status.success());
    for number in ["A-1", "other"] {
        let id = world.register_two_phase(number, 10_000);
        world.bank.bank().pay(&id).unwrap();
    }
    // The other order, due at the same moment, shows that the time has come and gone.
    wait_for_state(daemon.store(), "other", State::Deposited).await;
    let parked = wait_for_state(daemon.store(), "A-1", State::Held).await;
    assert!(parked.parked && parked.complete_at.is_none());
    assert_eq!(world.completions("A-1"), (0, 0));

    assert!(reconciled(&world, &["order", "release", "A-1"]).status.success());
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_makes_the_completion_due_at_its_next_slot_in_the_merchants_zone() {
    let world = World::new(Settings::default(), &with_completion("when = \"window\"\ncron = \"30 4 * * *\"")).await;
    let daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let held = wait_for_state(daemon.store(), "A-1", State::Held).await;
    let zone = world.config().merchants[0].zone.clone();
    let due = zone.for_people(held.complete_at.unwrap());
    assert!(due.ends_with("04:30:00"), "{due}");
    assert_eq!(world.completions("A-1"), (0, 0));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_near_its_lapse_is_told_in_the_journal_and_the_metrics() {
    let tables = with_completion("when = \"release\"")
        + "[merchant.hold]\nlifetime = \"1h\"\nwarn_at = [\"3599s\", \"30m\"]\nact_before = \"10m\"\n";
    let world = World::new(Settings::default(), &tables).await;
    let daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let held = wait_for_state(daemon.store(), "A-1", State::Held).await;
    let lapses_at = held.hold.unwrap().lapses_at;
    let mut bell = daemon.store().bell();
    let told = async {
        while !kinds(daemon.store(), &held).await.contains(&Kind::HoldAtRisk) {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(50), bell.changed()).await;
        }
    };
    in_time(told).await;
    let metrics = get(&daemon.address().to_string(), "/metrics");
    assert!(metrics.contains("reconciled_holds_at_risk{merchant=\"shop\",within=\"3599s\"} 1"), "{metrics}");
    assert!(metrics.contains("reconciled_holds_at_risk{merchant=\"shop\",within=\"30m\"} 0"), "{metrics}");
    let seconds = lapses_at.as_millis() / 1_000;
    assert!(metrics.contains(&format!("reconciled_hold_next_lapse_timestamp_seconds{{merchant=\"shop\"}} {seconds}")));
    daemon.stop().await;
}

/// A hold that nobody completed goes back to the buyer, and the book says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_hold_is_reversed_in_the_book() {
    let settings = Settings { hold_lifetime: std::time::Duration::from_millis(1_500), ..Settings::default() };
    let world = World::new(settings, &with_completion("when = \"release\"")).await;
    let daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let found = wait_for_state(daemon.store(), "A-1", State::Reversed).await;
    assert_eq!(kinds(daemon.store(), &found).await.last(), Some(&Kind::Changed));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_of_time_sees_more_requests_than_the_budget_allows() {
    let tables = HASTE.replace("requests = \"200/s\"", "requests = \"20/s\"").replace("burst = 20", "burst = 5");
    let world = World::new(Settings::default(), &tables).await;
    for number in 0..30 {
        world.register(&format!("A-{number}"), 100);
    }
    let daemon = world.daemon().await;
    add(daemon.store(), (0..30).map(|number| order(&format!("A-{number}"), 100)).collect()).await;
    for number in 0..30 {
        wait_for(daemon.store(), &format!("A-{number}"), |found| found.order.view.is_some()).await;
    }
    daemon.stop().await;
    let ledger = world.bank.bank().ledger();
    let at_ms: Vec<i64> =
        ledger.iter().filter(|line| matches!(line.entry, Entry::Request(_))).map(|line| line.at_ms).collect();
    assert!(at_ms.len() >= 30);
    for (first, from) in at_ms.iter().enumerate() {
        for (last, until) in at_ms.iter().enumerate().skip(first) {
            let sent = i64::try_from(last - first + 1).unwrap();
            // On a busy machine one request may be late at the bank while the next is not; the pacer's own tests, whose
            // time stands still between two steps, hold it to the letter.
            let allowed = 5 + (until - from + 500) * 20 / 1_000;
            assert!(sent <= allowed, "{sent} requests within {} ms", until - from);
        }
    }
}

/// Each merchant speaks with its own login and keeps its own book, also where two have the same order number.
#[tokio::test(flavor = "multi_thread")]
async fn merchants_do_not_mix() {
    let world = World::new(Settings::default(), HASTE).await;
    let second = world
        .toml()
        .split_once("[[merchant]]")
        .unwrap()
        .1
        .replace("\"shop\"", "\"second\"")
        .replace("shop-api", "second-api");
    let path = world.directory.path().join("reconciled.toml");
    std::fs::write(&path, format!("{}\n[[merchant]]{second}", world.toml())).unwrap();
    let config = reconciled::config::Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
    let daemon = reconciled::daemon::Daemon::start(config).await.unwrap();
    let id = world.register("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let theirs = reconciled::domain::order::MerchantId::new("second").unwrap();
    let unpaid = reconciled::domain::order::NewOrder { merchant: theirs.clone(), ..order("A-1", 10_000) };
    add(daemon.store(), vec![order("A-1", 10_000), unpaid]).await;
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    let other = daemon.store().order(&theirs, "A-1").await.unwrap();
    assert_eq!(other.order.state, State::Pending, "another store's order is unknown to this login");
    daemon.stop().await;
}

pub(crate) fn get(address: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
