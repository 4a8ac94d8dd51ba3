//! `Idempotency-Key` across a daemon that is killed: what was answered is answered alike by the next one, and what was
//! cut short is worked on again and done once.

use std::net::SocketAddr;

use reconciled::sandbox::{Effect, Entry, FaultKind, FaultRule, Operation, Settings};
use serde_json::json;

use crate::child::{Process, request_with, wire_order};
use crate::fixture::{HASTE, TOKEN, World, in_time, until};

/// The status and the body; `None` when the daemon went before it answered.
fn keyed(address: SocketAddr, key: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let answer = request_with(address, &format!("POST {path}"), TOKEN, &format!("Idempotency-Key: {key}\r\n"), body)?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outlives_kill_9_byte_for_byte() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let requests = [
        ("one", "/v1/orders", wire_order("A-1", 100).to_string()),
        ("several", "/v1/orders", json!([wire_order("A-1", 100), wire_order("A-2", 200), { "amount": 1 }]).to_string()),
        ("refused", "/v1/orders/shop/A-1/refund", json!({ "by": "ivan", "reason": "asked" }).to_string()),
    ];
    let process = Process::start(&config).drained();
    let first = requests.clone().map(|(key, path, body)| keyed(process.address, key, path, &body).unwrap());
    assert_eq!(first.each_ref().map(|(status, _)| *status), [201, 200, 409], "{first:?}");
    process.kill_hard();
    let process = Process::start(&config).drained();
    for ((key, path, body), answer) in requests.iter().zip(first) {
        assert_eq!(keyed(process.address, key, path, body).unwrap(), answer, "{key}");
        assert_eq!(keyed(process.address, key, path, "{\"other\": 1}").unwrap().0, 422, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_cut_short_is_worked_on_again_and_done_once() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let slow = FaultRule::always(FaultKind::TimeoutAfterEffect { ms: 60_000 }).on(Operation::Register).times(1);
    world.bank.bank().add_fault(slow).unwrap();
    let (path, body) = (
        "/v1/registrations",
        json!({ "order_number": "R-1", "amount": 500, "return_url": "https://shop.example/" }).to_string(),
    );
    let process = Process::start(&config).drained();
    let (address, first) = (process.address, body.clone());
    let waiting = tokio::task::spawn_blocking(move || keyed(address, "key", path, &first));
    let registered = |line: reconciled::sandbox::LedgerLine| matches!(line.entry, Entry::Effect(effect) if effect.effect == Effect::Registered && effect.order_number == "R-1");
    let effects = || world.bank.bank().ledger().into_iter().filter(|line| registered(line.clone())).count();
    in_time(until(|| effects() == 1)).await;
    process.kill_hard();
    assert_eq!(waiting.await.unwrap(), None, "the claim has no answer");

    let process = Process::start(&config).drained();
    assert_eq!(keyed(process.address, "key", path, "{}").unwrap().0, 422, "the key is still that request's");
    let answer = loop {
        match keyed(process.address, "key", path, &body).unwrap() {
            // Whether the bank has it is asked before it is sent again.
            (202, _) => {}
            answer => break answer,
        }
    };
    assert!([200, 201].contains(&answer.0), "{answer:?}");
    assert_eq!(keyed(process.address, "key", path, &body).unwrap(), answer);
    assert_eq!(effects(), 1, "once at the bank");
}
