//! A changed configuration: what it plans anew, and whose orders it leaves behind.

use reconciled::config::Config;
use reconciled::domain::event::EventKind as Kind;
use reconciled::domain::order::State;
use reconciled::sandbox::Settings;
use reconciled::store::OrderWithOperation;

use crate::fixture::{HASTE, World, add, kinds, order, wait_for, wait_for_state};

/// The bug: a hold that was planned before the reload was completed although the new settings wait for a release.
#[tokio::test(flavor = "multi_thread")]
async fn regression_holds_are_planned_anew_by_changed_settings() {
    let later = HASTE.replace("delay = \"100ms\"", "delay = \"1h\"");
    let world = World::new(Settings::default(), &later).await;
    let mut daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let held = wait_for_state(daemon.store(), "A-1", State::Held).await;
    assert!(held.complete_at.is_some());

    daemon.reload(changed(&world, &later, "when = \"after\"\ndelay = \"1h\"", "when = \"release\"")).await.unwrap();
    let waiting = wait_for(daemon.store(), "A-1", |found| found.order.complete_at.is_none()).await;
    assert!(kinds(daemon.store(), &waiting).await.contains(&Kind::Rescheduled));
    assert_eq!(world.completions("A-1"), (0, 0));

    daemon.reload(changed(&world, &later, "delay = \"1h\"", "delay = \"100ms\"")).await.unwrap();
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1));
    daemon.stop().await;
}

/// The bug: what a limit had held back went on waiting when a reload had raised the limit.
#[tokio::test(flavor = "multi_thread")]
async fn regression_a_limit_that_is_raised_lets_go_at_once() {
    let tight = HASTE.replace("held = \"200ms\"", "held = \"1h\"");
    let tight = tight.replace("in_doubt = 50", "in_doubt = 50\ndaily_sum = \"50.00\"");
    let world = World::new(Settings::default(), &tight).await;
    let mut daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let held = |found: &OrderWithOperation| {
        found.operation.as_ref().and_then(|open| open.note.as_deref()).is_some_and(|note| note.contains("above 50.00"))
    };
    wait_for(daemon.store(), "A-1", held).await;
    daemon.reload(changed(&world, &tight, "\"50.00\"", "\"100.00\"")).await.unwrap();
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regression_open_orders_of_a_merchant_that_is_gone_are_counted() {
    let world = World::new(Settings::default(), HASTE).await;
    let mut daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 10_000), order("A-2", 10_000)]).await;
    let renamed = changed(&world, HASTE, "name = \"shop\"", "name = \"other\"");
    daemon.reload(renamed).await.unwrap();
    let metrics = daemon.metrics().encode().unwrap();
    assert!(metrics.contains("reconciled_orders_unserved 2"), "{metrics}");
    assert!(!metrics.contains("reconciled_gateway_budget_used_ratio{merchant=\"shop\"}"));
    daemon.stop().await;
}

fn changed(world: &World, tables: &str, from: &str, to: &str) -> Config {
    let text = world.toml();
    assert!(text.contains(tables) && text.contains(from));
    let path = world.directory.path().join("reconciled.toml");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    Config::load(&path).unwrap_or_else(|error| panic!("{error}"))
}
