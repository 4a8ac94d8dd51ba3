//! The bank's callbacks, from its courier to the metrics: looks thin out while they prove true, and come back when they
//! stop, which is told once.

use std::cell::Cell;

use reconciled::domain::order::State;
use reconciled::sandbox::{Callback, Contract, Seal, Settings};
use reconciled::store::Store;
use serde_json::Value;

use crate::child::{Process, says, wire_order};
use crate::fixture::{LOGIN, World, in_time, shop, wait_for_state};
use crate::verbs::done;

/// Pages close after ten seconds, which is when an order is looked at of which nobody tells.
const LEARNED: &str = r#"
[merchant.budget]
requests = "50/s"
burst = 2
[merchant.looks]
payment_time = "10s"
[merchant.callbacks]
checksum = "hmac-sha256"
secret = { public = "123" }
"#;

/// To `address`, or to nobody.
fn contract(address: Option<std::net::SocketAddr>) -> Contract {
    let url = address.map(|address| format!("http://{address}/callbacks/shop"));
    let callback = Callback { url, seal: Seal::Hmac("123".to_owned()), ..Callback::default() };
    Contract { callback, ..Contract::default() }
}

async fn pay(world: &World, process: &Process, store: &Store, numbers: impl Iterator<Item = String>) {
    let numbers: Vec<String> = numbers.collect();
    for number in &numbers {
        let id = world.register(number, 10_000);
        assert_eq!(process.post_order(&wire_order(number, 10_000)).0, 201);
        world.bank.bank().pay(&id).unwrap();
    }
    for number in &numbers {
        wait_for_state(store, number, State::Deposited).await;
    }
}

fn metric(process: &Process, series: &str) -> String {
    let text = process.request("GET /metrics", "").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {text}")).to_owned()
}

/// Waits until a metric is `wanted`: verdicts are passed by the second.
async fn becomes(process: &Process, series: &str, wanted: &str) {
    let waiting = async {
        while metric(process, series) != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    in_time(waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_trusted_while_they_prove_true_and_that_they_stopped_is_told_once() {
    let world = World::new(Settings::default(), LEARNED).await;
    world.config();
    let mut process = Process::start(&world.path());
    let store = Store::open(&world.directory.path().join("data/reconciled.db")).unwrap();
    let (trusted, stopped) =
        ["trusted", "stopped"].map(|what| format!("reconciled_callbacks_{what}{{merchant=\"shop\"}}")).into();
    let came = "reconciled_outcomes_total{callback=\"came\",merchant=\"shop\"}";
    assert_eq!((metric(&process, &trusted), metric(&process, came)), ("0".to_owned(), "0".to_owned()));

    world.bank.bank().set_contract(LOGIN, contract(Some(process.address))).unwrap();
    pay(&world, &process, &store, (0..12).map(|nth| format!("told-{nth}"))).await;
    becomes(&process, &trusted, "1").await;
    becomes(&process, came, "12").await;
    let causes = async |numbers: &str| {
        let mut causes = Vec::new();
        for nth in 0..6 {
            let found = store.order(&shop(), &format!("{numbers}-{nth}")).await.unwrap();
            let events = store.events_of(found.order.key).await.unwrap();
            causes.extend(events.into_iter().filter(|event| event.after == State::Deposited).map(|event| event.cause));
        }
        causes
    };
    // A look of its own plan may come first, and does not often.
    assert!(causes("told").await.contains(&"callback".to_owned()));
    let looks = world.asked_about().len();
    assert!(looks <= 18, "{looks} looks at twelve orders");
    assert_eq!(metric(&process, &stopped), "0");

    world.bank.bank().set_contract(LOGIN, contract(None)).unwrap();
    pay(&world, &process, &store, (0..6).map(|nth| format!("untold-{nth}"))).await;
    assert_eq!(causes("untold").await, ["look"; 6]);
    becomes(&process, &trusted, "0").await;
    assert_eq!(metric(&process, &stopped), "0", "a callback may come for a minute yet");
    let warning = process.read_until(says("have stopped"));
    assert_eq!((&warning["level"], &warning["merchant"]), (&"WARN".into(), &"shop".into()), "{warning}");
    becomes(&process, "reconciled_outcomes_total{callback=\"missing\",merchant=\"shop\"}", "6").await;
    assert_eq!(metric(&process, &stopped), "1");
    let shown: Value = serde_json::from_str(&done(&world, &["status", "--json"])).unwrap();
    assert_eq!(shown["merchants"][0]["callbacks"]["standing"], "stopped", "{shown}");
    assert!(done(&world, &["status"]).contains("callbacks have stopped"));

    // Whoever starts anew knows it still, and does not tell it again.
    process.signal("-TERM");
    let again = Cell::new(0);
    process.read_until(|line| {
        again.set(again.get() + u32::from(says("have stopped")(line)));
        says("everything in hand was finished")(line)
    });
    assert_eq!(again.get(), 0);
    process.end();
    let process = Process::start(&world.path());
    becomes(&process, &stopped, "1").await;
    world.bank.bank().set_contract(LOGIN, contract(Some(process.address))).unwrap();
    pay(&world, &process, &store, (0..10).map(|nth| format!("again-{nth}"))).await;
    becomes(&process, &trusted, "1").await;
    assert_eq!(metric(&process, &stopped), "0");
}
