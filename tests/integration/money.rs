//! The guard before every send: stops from the command line, the brake, the limits, and what shows them.

use std::process::{Command, Output};

use reconciled::domain::event::EventKind as Kind;
use reconciled::domain::operation::{Operation, OperationState};
use reconciled::domain::order::State;
use reconciled::sandbox::{FaultKind, FaultRule, Operation as Request, Settings};
use reconciled::store::OrderWithOperation;
use serde_json::{Value, json};

use crate::fixture::{HASTE, LOGIN, TOKEN, World, add, kinds, order, wait_for, wait_for_state};

fn reconciled(world: &World, arguments: &[&str]) -> Output {
    let config = world.directory.path().join("reconciled.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    command.args(arguments).arg("--config").arg(config).env_remove("SUDO_USER").env("USER", "ivan").output().unwrap()
}

/// Expects success, and what was printed.
fn done(world: &World, arguments: &[&str]) -> String {
    let ran = reconciled(world, arguments);
    assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

fn get(address: std::net::SocketAddr, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Completes a hold past the daemon, with the merchant's own login.
fn complete_as_clerk(world: &World, order_id: &str, minor: i64) {
    use std::io::{Read, Write};
    let body = format!("userName={LOGIN}&password=any&orderId={order_id}&compositeCompletionAmount={minor}");
    let mut stream = std::net::TcpStream::connect(world.bank.addr()).unwrap();
    write!(
        stream,
        "POST /payment/rest/autoCompletion.do HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A two-phase order that is paid, so that it will be held.
fn paid(world: &World, number: &str) -> String {
    let id = world.register_two_phase(number, 10_000);
    world.bank.bank().pay(&id).unwrap();
    id
}

fn is(state: OperationState) -> impl Fn(&OrderWithOperation) -> bool {
    move |found| found.operation.as_ref().is_some_and(|operation| operation.state == state)
}

/// Due, unsent, and its note says `words`.
fn waits(words: &'static str) -> impl Fn(&OrderWithOperation) -> bool {
    let says = move |operation: &Operation| operation.note.as_deref().is_some_and(|note| note.contains(words));
    move |found| {
        found.operation.as_ref().is_some_and(|operation| operation.state == OperationState::Intended && says(operation))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_money_is_stopped_nothing_is_sent_and_looks_go_on() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let said = done(&world, &["money", "stop", "--merchant", "shop", "--reason", "odd sums"]);
    assert_eq!(said, "Stopped: the money of shop. Nothing of it is sent from now on; the bank is asked on.\n");
    let again = done(&world, &["money", "stop", "--merchant", "shop", "--reason", "once more"]);
    assert!(again.starts_with("Stopped already, and left as it was: the money of shop, for "), "{again}");
    assert!(again.ends_with("by ivan: odd sums.\n"), "{again}");

    paid(&world, "due");
    let one_phase = world.register("one phase", 100);
    world.bank.bank().pay(&one_phase).unwrap();
    add(daemon.store(), vec![order("due", 10_000), order("one phase", 100)]).await;
    wait_for(daemon.store(), "due", waits("ivan stopped the money of shop (odd sums)")).await;
    wait_for_state(daemon.store(), "one phase", State::Deposited).await;

    let metrics = get(daemon.address(), "/metrics");
    for line in [
        "reconciled_money_stopped{merchant=\"shop\"} 1",
        "reconciled_money_daily_sum_used_ratio{merchant=\"shop\"} 0",
        "reconciled_sends_held_total{merchant=\"shop\",reason=\"daily_sum\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert!(!metrics.contains("reconciled_sends_held_total{merchant=\"shop\",reason=\"stopped\"} 0"), "{metrics}");
    for command in [&["order", "why", "due"][..], &["order", "show", "due"]] {
        let words = done(&world, command);
        assert!(words.contains("not sent: ivan stopped the money of shop (odd sums)"), "{words}");
    }
    let why = done(&world, &["order", "why", "due"]).split_whitespace().collect::<Vec<_>>().join(" ");
    let waits =
        "It waits: ivan stopped the money of shop (odd sums); `reconciled money start --merchant shop` lifts it.";
    assert!(why.contains(waits) && !why.contains("the completion is sent"), "{why}");
    let status = done(&world, &["status"]);
    assert!(status.contains("MONEY IS STOPPED") && status.contains("odd sums"), "{status}");

    assert_eq!(world.completions("due"), (0, 0));

    let said = done(&world, &["money", "start", "--merchant", "shop", "--reason", "the bank explained"]);
    assert_eq!(said, "Started: the money of shop, stopped by ivan: odd sums. What waited is due at once.\n");
    wait_for_state(daemon.store(), "due", State::Deposited).await;
    assert_eq!(world.completions("due"), (1, 1));
    let nothing = reconciled(&world, &["money", "start", "--reason", "again"]);
    let words = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert_eq!(nothing.status.code(), Some(1));
    assert!(words.contains("nothing to start: there is no stop of all money"), "{words}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orders_stop_holds_that_order_alone_and_stands_in_its_journal() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("A-1", 10_000), order("other", 10_000)]).await;
    done(&world, &["money", "stop", "--merchant", "shop", "--order", "A-1", "--reason", "disputed"]);
    for number in ["A-1", "other"] {
        paid(&world, number);
    }
    wait_for_state(daemon.store(), "other", State::Deposited).await;
    let held = wait_for(daemon.store(), "A-1", waits("ivan stopped the money of order A-1 of shop (disputed)")).await;
    assert_eq!(world.completions("A-1"), (0, 0));
    assert!(get(daemon.address(), "/metrics").contains("reconciled_money_stopped{merchant=\"shop\"} 0"));
    // A wider stop is another one.
    let other_scope = reconciled(&world, &["money", "start", "--merchant", "shop", "--reason", "wrong one"]);
    assert_eq!(other_scope.status.code(), Some(1), "{other_scope:?}");

    done(&world, &["money", "start", "--merchant", "shop", "--order", "A-1", "--reason", "settled"]);
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    let told = kinds(daemon.store(), &held).await;
    assert!(told.contains(&Kind::MoneyStopped) && told.contains(&Kind::MoneyStarted), "{told:?}");
    let why = done(&world, &["order", "why", "A-1"]);
    assert!(why.contains("ivan stopped its money: disputed.") && why.contains("ivan let its money go again: settled."));
    daemon.stop().await;
}

/// A completion that may not be sent keeps the poller from its order, so its own looks must go on.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_does_with_a_hold_that_waits_is_noticed() {
    let settings = Settings { hold_lifetime: std::time::Duration::from_secs(8), ..Settings::default() };
    let world = World::new(settings, HASTE).await;
    let daemon = world.daemon().await;
    done(&world, &["money", "stop", "--reason", "a long holiday"]);
    paid(&world, "A-1");
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    wait_for(daemon.store(), "A-1", waits("a long holiday")).await;
    wait_for_state(daemon.store(), "A-1", State::Reversed).await;
    wait_for(daemon.store(), "A-1", is(OperationState::Withdrawn)).await;
    assert_eq!(world.completions("A-1"), (0, 0));
    daemon.stop().await;
}

/// What was sent is asked about whatever is stopped.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_is_settled_while_all_money_is_stopped() {
    let world = World::new(Settings::default(), HASTE).await;
    let fault = FaultRule::always(FaultKind::TimeoutAfterEffect { ms: 2_000 }).on(Request::Completion);
    world.bank.bank().add_fault(fault.times(1)).unwrap();
    let daemon = world.daemon().await;
    paid(&world, "A-1");
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    wait_for(daemon.store(), "A-1", is(OperationState::InDoubt)).await;
    done(&world, &["money", "stop", "--reason", "everything"]);
    wait_for(daemon.store(), "A-1", is(OperationState::Confirmed)).await;
    assert_eq!(world.completions("A-1"), (1, 1));
    daemon.stop().await;
}

/// A trigger stands for an operator who stops in the moment between the intent's commit and the first byte.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_comes_after_the_intent_calls_the_send_back() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let raw = rusqlite::Connection::open(daemon.store().path()).unwrap();
    raw.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    raw.execute_batch(
        "CREATE TRIGGER a_quick_operator AFTER UPDATE ON operations WHEN NEW.state = 'in_doubt'
         BEGIN
             INSERT INTO money_stops (scope, at_ms, by, reason) VALUES ('all', 1, 'operator:maria', 'just now')
                 ON CONFLICT DO NOTHING;
         END",
    )
    .unwrap();
    paid(&world, "A-1");
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let found = wait_for(daemon.store(), "A-1", waits("maria stopped all money (just now)")).await;
    let told = kinds(daemon.store(), &found).await;
    let of_completion: Vec<_> = told.iter().filter(|kind| **kind == Kind::CompletionSent).collect();
    assert_eq!(of_completion.len(), 1, "{told:?}");
    assert!(told.contains(&Kind::CompletionAnswered), "{told:?}");
    assert_eq!(world.completions("A-1"), (0, 0), "not a byte left");

    raw.execute_batch("DROP TRIGGER a_quick_operator").unwrap();
    done(&world, &["money", "start", "--reason", "go on"]);
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1));
    daemon.stop().await;
}

/// Our request is lost without effect, and a clerk completes the hold with another sum while it is in doubt.
#[tokio::test(flavor = "multi_thread")]
async fn another_sum_than_was_completed_trips_the_brake() {
    let world = World::new(Settings::default(), &HASTE.replace("quiet = \"1s\"", "quiet = \"1h\"")).await;
    let lost = FaultRule::always(FaultKind::TimeoutBeforeEffect { ms: 2_000 }).on(Request::Completion);
    world.bank.bank().add_fault(lost.for_order("odd").times(1)).unwrap();
    let daemon = world.daemon().await;
    let id = paid(&world, "odd");
    add(daemon.store(), vec![order("odd", 10_000)]).await;
    wait_for(daemon.store(), "odd", |found| {
        let was_answered = |operation: &Operation| operation.answered_at.is_some();
        is(OperationState::InDoubt)(found) && found.operation.as_ref().is_some_and(was_answered)
    })
    .await;
    complete_as_clerk(&world, &id, 9_900);
    wait_for(daemon.store(), "odd", is(OperationState::Contradicted)).await;

    let reason = "after a send for order odd: we completed 100.00 RUB, and the bank deposited 99.00 RUB";
    let shown: Value = serde_json::from_str(&done(&world, &["money", "show", "--json"])).unwrap();
    let stop = &shown["stops"][0];
    assert_eq!((&stop["scope"], &stop["merchant"]), (&json!("merchant"), &json!("shop")));
    assert_eq!((&stop["by"], &stop["reason"]), (&json!("brake"), &json!(reason)));

    paid(&world, "next");
    add(daemon.store(), vec![order("next", 10_000)]).await;
    wait_for(daemon.store(), "next", waits("the brake stopped the money of shop")).await;
    assert_eq!(world.completions("next"), (0, 0));
    done(&world, &["money", "start", "--merchant", "shop", "--reason", "seen"]);
    wait_for_state(daemon.store(), "next", State::Deposited).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_outcomes_are_unknown_at_once_than_may_be() {
    let tables = HASTE.replace("in_doubt = 50", "in_doubt = 2").replace("quiet = \"1s\"", "quiet = \"1h\"");
    let world = World::new(Settings::default(), &tables).await;
    let silent = FaultRule::always(FaultKind::TimeoutBeforeEffect { ms: 60_000 }).on(Request::Completion);
    world.bank.bank().add_fault(silent).unwrap();
    let daemon = world.daemon().await;
    let numbers = ["A-1", "A-2", "A-3", "A-4", "A-5"];
    for number in numbers {
        paid(&world, number);
    }
    add(daemon.store(), numbers.map(|number| order(number, 10_000)).into()).await;
    let held = waits("2 other operations are in doubt, and 2 may be");
    for number in numbers {
        wait_for(daemon.store(), number, |found| is(OperationState::InDoubt)(found) || held(found)).await;
    }
    let asked = numbers.into_iter().filter(|number| world.completions(number).0 > 0).count();
    assert_eq!(asked, 2);

    let shown: Value = serde_json::from_str(&done(&world, &["money", "show", "--json"])).unwrap();
    let merchant = &shown["merchants"][0];
    assert_eq!((&merchant["in_doubt"], &merchant["in_doubt_max"]), (&json!(2), &json!(2)));
    let sent = json!([{ "currency": "643", "sent_minor": 20_000, "refunded_minor": 0, "max_minor": 100_000_000 }]);
    assert_eq!(merchant["sent_last_day"], sent);
    let mut served: Value = serde_json::from_str(&get(daemon.address(), "/v1/money")).unwrap();
    served["at"] = shown["at"].clone();
    assert_eq!(served, shown, "the face and the command line say the same");
    let words = done(&world, &["money", "show"]);
    assert!(words.contains("2 of 2") && words.contains("200.00 RUB of 1 000 000.00 RUB"), "{words}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_sent_in_a_day_than_may_be() {
    let tables = HASTE.replace("in_doubt = 50", "in_doubt = 50\ndaily_sum = \"250.00\"");
    let world = World::new(Settings::default(), &tables).await;
    let daemon = world.daemon().await;
    let numbers = ["A-1", "A-2", "A-3", "A-4"];
    for number in numbers {
        paid(&world, number);
    }
    add(daemon.store(), numbers.map(|number| order(number, 10_000)).into()).await;
    let held = waits("100.00 RUB more would be above 250.00 RUB");
    for number in numbers {
        wait_for(daemon.store(), number, |found| is(OperationState::Confirmed)(found) || held(found)).await;
    }
    let taken = numbers.into_iter().filter(|number| world.completions(number) == (1, 1)).count();
    assert_eq!(taken, 2);
    assert!(get(daemon.address(), "/metrics").contains("reconciled_money_daily_sum_used_ratio{merchant=\"shop\"} 0.8"));
    daemon.stop().await;
}
