//! The shop hears of it: the whole daemon, and shops on real sockets that take events, refuse them, or are slow.

mod foreign;
mod program;
mod receiver;
mod secure;
mod wishes;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reconciled::daemon::Daemon;
use reconciled::domain::order::State;
use reconciled::sandbox::Settings;
use ring::hmac;
use serde_json::Value;

use crate::child::{Process, wire_order};
use crate::fixture::{HASTE, World, add, in_time, order, until, wait_for_state};
use receiver::{Answer, Heard, Shop};

/// Two keys of the shop's, as the configuration and the shop have them.
pub(crate) const KEYS: [&str; 2] =
    ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="];

/// The table of an endpoint at `url`, with the first `keys` of [`KEYS`] and `more`.
pub(crate) fn endpoint(name: &str, url: &str, keys: usize, more: &str) -> String {
    let keys: Vec<_> = KEYS[..keys].iter().map(|key| format!("{{ public = \"{key}\" }}")).collect();
    let keys = keys.join(", ");
    format!("[[merchant.webhook]]\nname = \"{name}\"\nurl = \"{url}\"\nkeys = [{keys}]\nallow_private = true\n{more}\n")
}

async fn world(endpoints: &[String]) -> World {
    let haste = HASTE.replace("quiet = \"1s\"", "quiet = \"5s\"");
    World::new(Settings::default(), &format!("{haste}{}", endpoints.concat())).await.patient("5s")
}

/// Orders that are paid in one step, from the queue to their end.
async fn paid(world: &World, daemon: &Daemon, numbers: &[String]) {
    for number in numbers {
        let id = world.register(number, 10_000);
        world.bank.bank().pay(&id).unwrap();
    }
    add(daemon.store(), numbers.iter().map(|number| order(number, 10_000)).collect()).await;
    for number in numbers {
        wait_for_state(daemon.store(), number, State::Deposited).await;
    }
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("A-{nth}")).collect()
}

/// The numbers of what was taken, by order, each event once.
fn by_order(heard: &[Heard]) -> BTreeMap<String, Vec<i64>> {
    let mut seen = std::collections::BTreeSet::new();
    let mut all = BTreeMap::<String, Vec<i64>>::new();
    for heard in heard.iter().filter(|heard| seen.insert(heard.id())) {
        let data = &heard.body()["data"];
        let number = data["order_number"].as_str().unwrap().to_owned();
        all.entry(number).or_default().push(data["seq"].as_i64().unwrap());
    }
    all
}

/// The journal by order, from the database.
async fn journal(daemon: &Daemon) -> BTreeMap<String, Vec<i64>> {
    let mut all = BTreeMap::<String, Vec<i64>>::new();
    for event in daemon.store().events_after(0, 1_000).await.unwrap() {
        all.entry(event.number.to_string()).or_default().push(event.seq);
    }
    all
}

fn scraped(daemon: &Daemon, what: &str) -> Option<f64> {
    let address = daemon.address();
    let what = what.to_owned();
    let answer = crate::child::request(address, "GET /metrics", "")?;
    answer.lines().find_map(|line| line.strip_prefix(&what)?.trim().parse().ok())
}

/// Waits until a metric has a value.
async fn until_scraped(daemon: &Daemon, what: &str, value: f64) {
    let is_so = || tokio::task::block_in_place(|| scraped(daemon, what)) == Some(value);
    in_time(until(is_so)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_hears_everything_signed_and_each_order_in_its_order() {
    let shop = Shop::start(|_, _| Answer::Status(204)).await;
    let world = world(&[endpoint("site", &shop.url(), 2, "")]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(20)).await;
    let journal = journal(&daemon).await;
    in_time(until(|| by_order(&shop.took()) == journal)).await;
    for heard in shop.took() {
        let (id, timestamp) = (heard.id(), heard.header("webhook-timestamp"));
        let at: i64 = timestamp.parse().unwrap();
        assert!((1_700_000_000..4_000_000_000).contains(&at), "{at} in seconds");
        let signatures: Vec<_> = heard.header("webhook-signature").split(' ').map(str::to_owned).collect();
        assert_eq!(signatures.len(), 2);
        for (signature, key) in signatures.iter().zip(KEYS) {
            let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap()).unwrap();
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
            let signed = [format!("{id}.{timestamp}.").as_bytes(), &heard.body].concat();
            hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed, &tag).unwrap();
        }
        assert_eq!(heard.header("content-type"), "application/json");
        // What is told is what the feed shows.
        let body = heard.body();
        let seq = body["data"]["seq"].as_i64().unwrap();
        let page = tokio::task::block_in_place(|| {
            crate::child::request(daemon.address(), &format!("GET /v1/events?after={}&limit=1", seq - 1), "").unwrap()
        });
        let page: Value = serde_json::from_str(page.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(body["data"], page["events"][0]);
        assert_eq!(body["timestamp"], page["events"][0]["at"]);
        assert_eq!(body["type"], format!("order.{}", page["events"][0]["kind"].as_str().unwrap()));
    }
    until_scraped(&daemon, "reconciled_webhook_backlog{endpoint=\"site\",merchant=\"shop\"}", 0.0).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_hears_what_it_asked_for() {
    let (all, ends) = (Shop::start(|_, _| Answer::Status(200)).await, Shop::start(|_, _| Answer::Status(200)).await);
    let only = "kinds = [\"changed\"]\nstates = [\"deposited\"]";
    let world = world(&[endpoint("all", &all.url(), 1, ""), endpoint("ends", &ends.url(), 1, only)]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(5)).await;
    let journal = journal(&daemon).await;
    in_time(until(|| by_order(&all.took()) == journal && ends.took().len() == 5)).await;
    for heard in ends.took() {
        assert_eq!(
            (&heard.body()["data"]["kind"], &heard.body()["data"]["state_after"]),
            (&"changed".into(), &"deposited".into())
        );
    }
    daemon.stop().await;
}

/// The first event of an order is refused for a while: the others of that order wait for it, other orders do not.
#[tokio::test(flavor = "multi_thread")]
async fn an_orders_next_event_waits_for_the_one_before_it() {
    let shop = Shop::start(|heard, tries| {
        let is_first = heard.body()["data"]["kind"] == "added" && heard.body()["data"]["order_number"] == "A-0";
        Answer::Status(if is_first && tries == 0 { 500 } else { 200 })
    })
    .await;
    let world = world(&[endpoint("site", &shop.url(), 1, "")]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(3)).await;
    let journal = journal(&daemon).await;
    in_time(until(|| by_order(&shop.took()) == journal)).await;
    // What was refused came again under its id, after the others were told.
    let told: Vec<_> = shop.heard().into_iter().map(|heard| heard.id()).collect();
    let refused = shop.heard().into_iter().find(|heard| heard.status == 500).unwrap().id();
    assert_eq!(told.iter().filter(|id| **id == refused).count(), 2);
    let took = shop.took();
    let again = took.iter().position(|heard| heard.id() == refused).unwrap();
    let of_others = |heard: &Heard| heard.body()["data"]["order_number"] != "A-0";
    assert_eq!(
        took[..again].iter().filter(|heard| of_others(heard)).count(),
        journal["A-1"].len() + journal["A-2"].len()
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_endpoint_slows_no_other() {
    let (slow, fast) = (Shop::start(|_, _| Answer::Never).await, Shop::start(|_, _| Answer::Status(200)).await);
    let world = world(&[endpoint("slow", &slow.url(), 1, ""), endpoint("fast", &fast.url(), 1, "")]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(10)).await;
    let journal = journal(&daemon).await;
    in_time(until(|| by_order(&fast.took()) == journal)).await;
    assert!(!slow.heard().is_empty() && slow.took().is_empty());
    assert!(slow.heard().len() <= 4, "in_flight: {}", slow.heard().len());
    daemon.stop().await;
}

/// 429 with five seconds to wait: nothing comes before, of no order.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_asks_for_time_has_it() {
    let shop = Shop::start(|_, tries| match tries {
        0 => Answer::With(429, vec![("Retry-After", "5".to_owned())]),
        _ => Answer::Status(200),
    })
    .await;
    let world = world(&[endpoint("site", &shop.url(), 1, "in_flight = 1")]).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 100)]).await;
    in_time(until(|| shop.heard().len() == 1)).await;
    add(daemon.store(), vec![order("A-2", 100)]).await;
    in_time(until(|| shop.took().len() >= 2)).await;
    let at = |heard: &Heard| heard.header("webhook-timestamp").parse::<i64>().unwrap();
    let heard = shop.heard();
    // In whole seconds.
    assert!(heard[1..].iter().all(|later| at(later) - at(&heard[0]) >= 4), "too soon");
    daemon.stop().await;
}

/// Whatever is behind a redirect hears nothing: not the event, and not that there was one.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let behind = Shop::start(|_, _| Answer::Status(200)).await;
    let url = behind.url();
    let shop = Shop::start(move |_, _| Answer::With(307, vec![("Location", url.clone())])).await;
    let world = world(&[endpoint("site", &shop.url(), 1, "")]).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 100)]).await;
    let redirected = "reconciled_webhook_deliveries_total{endpoint=\"site\",merchant=\"shop\",verdict=\"redirected\"}";
    until_scraped(&daemon, redirected, 1.0).await;
    assert!(behind.heard().is_empty());
    daemon.stop().await;
}

/// A shop that tells for ever, or nothing that is HTTP, is no shop that took it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_any_length_does_no_harm() {
    let shop = Shop::start(|_, tries| match tries {
        0 => Answer::Garbage,
        _ => Answer::Endless,
    })
    .await;
    let world = world(&[endpoint("site", &shop.url(), 1, "")]).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 100)]).await;
    let unreachable =
        "reconciled_webhook_deliveries_total{endpoint=\"site\",merchant=\"shop\",verdict=\"unreachable\"}";
    until_scraped(&daemon, unreachable, 1.0).await;
    let delivered = "reconciled_webhook_deliveries_total{endpoint=\"site\",merchant=\"shop\",verdict=\"delivered\"}";
    // 200 says that it has it, however long it goes on about it.
    until_scraped(&daemon, delivered, 1.0).await;
    daemon.stop().await;
}

/// 410: nothing more, a restart included, until the endpoint is at another address.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_told_no_more_until_it_is_elsewhere() {
    let gone = Shop::start(|_, _| Answer::Status(410)).await;
    let elsewhere = Shop::start(|_, _| Answer::Status(200)).await;
    let world = world(&[endpoint("site", &gone.url(), 1, "")]).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 100)]).await;
    let disabled = "reconciled_webhook_disabled{endpoint=\"site\",merchant=\"shop\"}";
    until_scraped(&daemon, disabled, 1.0).await;
    daemon.stop().await;
    let mut daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-2", 100)]).await;
    until_scraped(&daemon, disabled, 1.0).await;
    assert_eq!(gone.heard().len(), 1);
    let text = world.toml().replace(&gone.url(), &elsewhere.url());
    std::fs::write(world.path(), text).unwrap();
    daemon.reload(reconciled::config::Config::load(&world.path()).unwrap()).await.unwrap();
    let journal = journal(&daemon).await;
    in_time(until(|| by_order(&elsewhere.took()) == journal)).await;
    until_scraped(&daemon, disabled, 0.0).await;
    daemon.stop().await;
}

/// The daemon dies again and again while it tells: nothing is lost, nothing is out of order, and what comes twice has
/// one id.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_while_it_tells_loses_nothing() {
    const LIVES: usize = 6;
    let shop = Shop::start(|_, _| Answer::After(Duration::from_millis(5), 200)).await;
    let world = world(&[endpoint("site", &shop.url(), 1, "")]).await;
    world.config();
    let path = world.path();
    let mut acknowledged = Vec::new();
    for life in 0..LIVES {
        let process = Process::start(&path).drained();
        let heard = shop.took().len();
        for nth in 0..10 {
            let number = format!("K-{life}-{nth}");
            let id = world.register(&number, 10_000);
            world.bank.bank().pay(&id).unwrap();
            let posted = tokio::task::block_in_place(|| process.post_order(&wire_order(&number, 10_000)));
            assert_eq!(posted.0, 201);
            acknowledged.push(number);
        }
        in_time(until(|| shop.took().len() > heard + life * 4)).await;
        process.kill_hard();
    }
    let daemon = world.daemon().await;
    for number in &acknowledged {
        wait_for_state(daemon.store(), number, State::Deposited).await;
    }
    let journal = journal(&daemon).await;
    assert_eq!(journal.len(), acknowledged.len());
    in_time(until(|| by_order(&shop.took()) == journal)).await;
    daemon.stop().await;
}

/// Whatever a program was handed, a line of JSON each; it fails at first, and then hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_hears_it_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    // The first event of each order fails once: what was tried before lies in a file of its id.
    let script = "event=$(cat)\n[ -e \"$0.$WEBHOOK_ID\" ] || { : > \"$0.$WEBHOOK_ID\"; case $event in *'\"added\"'*) exit 7;; esac; }\n\
                  echo \"$event\" >> \"$0\"";
    let command = format!(
        "[[merchant.webhook]]\nname = \"program\"\ncommand = [\"/bin/sh\", \"-c\", {}, {}]\ntimeout = \"20s\"\n",
        Value::from(script),
        Value::from(path("heard"))
    );
    let world = world(&[command]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(2)).await;
    let journal = journal(&daemon).await;
    let heard = || {
        let mut all = BTreeMap::<String, Vec<i64>>::new();
        for line in std::fs::read_to_string(path("heard")).unwrap_or_default().lines() {
            let body: Value = serde_json::from_str(line).unwrap();
            let number = body["data"]["order_number"].as_str().unwrap().to_owned();
            all.entry(number).or_default().push(body["data"]["seq"].as_i64().unwrap());
        }
        all
    };
    in_time(until(|| heard() == journal)).await;
    let failed = "reconciled_webhook_deliveries_total{endpoint=\"program\",merchant=\"shop\",verdict=\"failed\"}";
    until_scraped(&daemon, failed, 2.0).await;
    daemon.stop().await;
}
