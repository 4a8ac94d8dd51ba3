//! What a person asks for at the command line, beside a daemon at work.

use std::process::{Command, Output};

use reconciled::domain::order::State;
use serde_json::Value;

use super::receiver::{Answer, Shop};
use super::{by_order, endpoint, journal, numbers, paid, until_scraped, world};
use crate::fixture::{World, add, in_time, order, until, wait_for_state};

/// A command beside the daemon of `world`.
fn run(world: &World, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    command.args(args).env_clear().env("USER", "ivan").env("RECONCILED_CONFIG", world.path());
    tokio::task::block_in_place(|| command.output().unwrap())
}

/// Expects success, and what was printed.
fn done(world: &World, args: &[&str]) -> String {
    let ran = run(world, args);
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

fn refused(world: &World, args: &[&str]) -> (i32, String) {
    let ran = run(world, args);
    (ran.status.code().unwrap(), String::from_utf8(ran.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_tested_by_the_daemon() {
    let shop = Shop::start(|_, tests| Answer::Status(if tests == 0 { 200 } else { 404 })).await;
    let deaf = Shop::start(|_, _| Answer::Status(404)).await;
    let world = world(&[endpoint("site", &shop.url(), 1, ""), endpoint("deaf", &deaf.url(), 1, "")]).await;
    world.config();
    let (code, words) = refused(&world, &["webhook", "test", "site"]);
    assert_eq!(code, 1, "{words}");
    let daemon = world.daemon().await;
    let words = done(&world, &["webhook", "test", "site"]);
    assert!(words.contains("took the test: HTTP 200"), "{words}");
    let heard = shop.took();
    assert_eq!(heard[0].body()["type"], "webhook.test");
    assert!(heard[0].id().starts_with("test_"), "{}", heard[0].id());
    let (code, words) = refused(&world, &["webhook", "test", "deaf"]);
    assert!(code == 1 && words.contains("HTTP 404"), "{code} {words}");
    let (code, words) = refused(&world, &["webhook", "test", "nobody"]);
    assert!(code == 64 && words.contains("no endpoint nobody"), "{code} {words}");
    // A test is no event, and counts as none.
    assert!(done(&world, &["webhook", "list"]).contains("goes"));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_told_again_under_the_same_ids() {
    let shop = Shop::start(|_, _| Answer::Status(200)).await;
    let world = world(&[endpoint("site", &shop.url(), 1, "")]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(4)).await;
    let journal = journal(&daemon).await;
    in_time(until(|| by_order(&shop.took()) == journal)).await;
    until_scraped(&daemon, "reconciled_webhook_backlog{endpoint=\"site\",merchant=\"shop\"}", 0.0).await;
    let count: usize = journal.values().map(Vec::len).sum();
    let words = done(&world, &["webhook", "replay", "site", "--since", "1h"]);
    assert!(words.contains(&format!("is told {count} events again")), "{words}");
    in_time(until(|| shop.took().len() == 2 * count)).await;
    assert_eq!(by_order(&shop.took()), journal, "each was seen before");
    done(&world, &["webhook", "replay", "site", "--order", "A-2"]);
    in_time(until(|| shop.took().len() == 2 * count + journal["A-2"].len())).await;
    let words = done(&world, &["webhook", "replay", "site", "--given-up"]);
    assert!(words.contains("Nothing to tell"), "{words}");
    let words = done(&world, &["webhook", "replay", "site", "--since", "2100-01-01T00:00:00Z"]);
    assert!(words.contains("Nothing to tell"), "{words}");
    assert_eq!(refused(&world, &["webhook", "replay", "site"]).0, 64);
    assert_eq!(refused(&world, &["webhook", "replay", "site", "--since", "yesterday"]).0, 64);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_shown_and_brought_back() {
    let shop = Shop::start(|_, tries| Answer::Status(if tries == 0 { 410 } else { 200 })).await;
    let world = world(&[endpoint("site", &shop.url(), 1, "in_flight = 1")]).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 100)]).await;
    until_scraped(&daemon, "reconciled_webhook_disabled{endpoint=\"site\",merchant=\"shop\"}", 1.0).await;
    let listed = done(&world, &["webhook", "list"]);
    assert!(listed.contains("disabled for") && listed.contains("HTTP 410"), "{listed}");
    assert!(!listed.contains("/hooks"), "what stands behind the host may be half a secret: {listed}");
    let document: Value = serde_json::from_str(&done(&world, &["webhook", "list", "--json"])).unwrap();
    let endpoint = &document["endpoints"][0];
    assert_eq!((&endpoint["name"], &endpoint["waiting"]), (&"site".into(), &1.into()), "{document}");
    assert!(endpoint["disabled_since"].is_string(), "{document}");
    let status = done(&world, &["status"]);
    assert!(status.contains("endpoint site wants no more") && status.contains("1 event waiting"), "{status}");
    let status: Value = serde_json::from_str(&done(&world, &["status", "--json"])).unwrap();
    assert_eq!(status["merchants"][0]["webhooks"][0]["endpoint"], "site");
    let words = done(&world, &["webhook", "enable", "site"]);
    assert!(words.contains("from where it stood"), "{words}");
    in_time(until(|| shop.took().len() == 1)).await;
    assert!(done(&world, &["webhook", "enable", "site"]).contains("was not disabled"));
    wait_for_state(daemon.store(), "A-1", State::Pending).await;
    daemon.stop().await;
}
