//! A bank that is gone for a while: one incident, not one for each order; and nothing that was due is worse off for it.

use std::time::Duration;

use reconciled::domain::event::EventKind;
use reconciled::domain::order::State;
use reconciled::domain::registration::journey::State as Registered;
use reconciled::sandbox::{FaultKind, FaultRule, LedgerLine, Moment, Settings};
use reconciled::store::Store;
use serde_json::{Value, json};

use crate::child::{Process, request, says, wire_order};
use crate::fixture::{HASTE, World, in_time, kinds, shop, until, wait_for, wait_for_state};
use crate::registration::{sale, settled};
use crate::schedule::reconciled;

const DARK: &str = "The bank tells shop nothing any more";
const INCIDENT: &str = "reconciled_gateway_incident_start_timestamp_seconds{merchant=\"shop\"} ";

/// The first probe is sent so long after it grew dark; what was on its way before has failed by then.
const FIRST_PROBE_MS: i64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_one_incident_and_is_held_against_no_order() {
    const ORDERS: usize = 30;
    let on_release = HASTE.replace("when = \"after\"\ndelay = \"100ms\"", "when = \"release\"");
    let tables = on_release.replace("quiet = \"1s\"", "quiet = \"20s\"");
    let world = World::new(Settings::default(), &tables).await.patient("20s");
    let config = world.config();
    let numbers: Vec<String> = (0..ORDERS).map(|nth| format!("O-{nth}")).collect();
    let ids: Vec<String> = numbers.iter().map(|number| world.register(number, 10_000)).collect();
    world.bank.bank().pay(&world.register_two_phase("H-1", 10_000)).unwrap();
    let mut process = Process::start(&config.path);
    for number in numbers.iter().map(String::as_str).chain(["H-1"]) {
        assert_eq!(process.post_order(&wire_order(number, 10_000)).0, 201);
    }
    let store = Store::open(&config.database).unwrap();
    let mut before = Vec::new();
    for number in &numbers {
        let order = wait_for(&store, number, |found| found.order.view.is_some()).await;
        before.push(kinds(&store, &order).await);
    }
    wait_for_state(&store, "H-1", State::Held).await;

    world.bank.bank().add_fault(FaultRule::always(FaultKind::Reset { effect: Moment::Before })).unwrap();
    let dark = process.read_until(says(DARK));
    assert_eq!((&dark["level"], &dark["class"]), (&json!("WARN"), &json!("unreachable")));
    // What the bank does now is for nobody to see until it answers.
    for id in &ids {
        world.bank.bank().pay(id).unwrap();
    }
    let since_ms = in_time(incidents(&store, 1)).await.unwrap();
    let released = process.request("POST /v1/orders/shop/H-1/release", "{}").unwrap();
    assert!(released.starts_with("HTTP/1.1 200"), "{released}");
    let address = process.address;
    let sold = std::thread::spawn(move || request(address, "POST /v1/registrations", &sale("R-1", 10_000).to_string()));

    let probes = || {
        let came = world.bank.bank().ledger().into_iter().map(|LedgerLine { at_ms, .. }| at_ms);
        came.filter(|at_ms| *at_ms >= since_ms + FIRST_PROBE_MS).collect::<Vec<_>>()
    };
    in_time(until(|| probes().len() >= 2)).await;
    let shown = shown(&world, &process);
    assert_eq!((shown.incidents, shown.is_on_page, shown.is_on_metric), (1, true, true));
    assert!(shown.words.contains("it cannot be reached"), "{}", shown.words);
    for (number, before) in numbers.iter().zip(&before) {
        // What failed right before it grew dark is taken back.
        let order = wait_for(&store, number, |found| found.order.unknown_in_a_row == 0).await;
        assert_eq!((order.state, &kinds(&store, &order).await), (State::Pending, before), "{number}");
    }
    let held = store.order(&shop(), "H-1").await.unwrap();
    assert_eq!((held.order.state, held.operation.unwrap().attempt), (State::Held, 0));
    let sale = store.registration(&shop(), "R-1").await.unwrap().unwrap();
    assert_eq!((sale.state, sale.attempt), (Registered::Intended, 0));
    // Doubled each time, from a second on.
    assert!(probes().is_sorted_by(|one, next| next - one >= FIRST_PROBE_MS), "{:?}", probes());

    world.bank.bank().clear_faults();
    process.read_until(|line| {
        assert!(
            !["WARN", "ERROR"].map(|level| json!(level)).contains(&line["level"]),
            "one warning was enough: {line}"
        );
        says("The bank answers shop again")(line)
    });
    for number in &numbers {
        wait_for_state(&store, number, State::Deposited).await;
    }
    let held = wait_for_state(&store, "H-1", State::Deposited).await;
    let sent = kinds(&store, &held).await.into_iter().filter(|kind| *kind == EventKind::CompletionSent).count();
    assert_eq!((world.completions("H-1"), sent), ((1, 1), 1));
    assert_eq!(settled(&store, "R-1").await.attempt, 1);
    let answer = sold.join().unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    in_time(incidents(&store, 0)).await;
    let shown = self::shown(&world, &process);
    assert_eq!((shown.incidents, shown.is_on_page, shown.is_on_metric), (0, false, false));
    process.signal("-TERM");
    process.read_until(|line| {
        assert!(!says(DARK)(line), "a second incident: {line}");
        says("everything in hand was finished")(line)
    });
}

/// Waits until `count` incidents are written down; since when the first one lasts.
async fn incidents(store: &Store, count: usize) -> Option<i64> {
    loop {
        let found = store.incidents().await.unwrap();
        if found.len() == count {
            return found.first().map(|incident| incident.since.as_millis());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What people and Prometheus see.
struct Shown {
    incidents: usize,
    words: String,
    is_on_page: bool,
    is_on_metric: bool,
}

fn shown(world: &World, process: &Process) -> Shown {
    let status = |arguments: &[&str]| String::from_utf8(reconciled(world, arguments).stdout).unwrap();
    let document: Value = serde_json::from_str(&status(&["status", "--json"])).unwrap();
    let metrics = process.request("GET /metrics", "").unwrap();
    let page = process.request("GET /", "").unwrap();
    let banners = page.matches("The bank tells shop nothing").count();
    assert!(banners <= 1, "{page}");
    Shown {
        incidents: document["gateway_incidents"].as_array().unwrap().len(),
        words: status(&["status"]).split_whitespace().collect::<Vec<_>>().join(" "),
        is_on_page: banners == 1,
        is_on_metric: !metrics.lines().any(|line| line == format!("{INCIDENT}0")),
    }
}
