//! What a person orders: refunds, reversals and declines, by the command line and the HTTP face, carried out by the
//! real daemon at the sandbox across a socket.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use reconciled::daemon::Daemon;
use reconciled::domain::event::EventKind as Kind;
use reconciled::domain::operation::{Operation, OperationKind, OperationState};
use reconciled::domain::order::State;
use reconciled::sandbox::{Effect, Entry, FaultKind, FaultRule, Operation as Request, OrderView, Settings};
use reconciled::store::{OrderWithOperation, Store};
use serde_json::{Value, json};

use crate::child::Process;
use crate::fixture::{HASTE, TOKEN, World, add, kinds, order, shop, wait_for, wait_for_state};

pub(crate) fn reconciled(world: &World, arguments: &[&str]) -> Output {
    let config = world.directory.path().join("reconciled.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    command.args(arguments).arg("--config").arg(config).env_remove("SUDO_USER").env("USER", "ivan").output().unwrap()
}

pub(crate) fn done(world: &World, arguments: &[&str]) -> String {
    let ran = reconciled(world, arguments);
    assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

/// Expects a refusal, and what was said.
pub(crate) fn refused(world: &World, arguments: &[&str]) -> String {
    let ran = reconciled(world, arguments);
    assert_eq!(ran.status.code(), Some(1), "{arguments:?}: {ran:?}");
    String::from_utf8(ran.stderr).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn post(address: std::net::SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    use std::io::{Read, Write};
    let (mut stream, body) = (std::net::TcpStream::connect(address).unwrap(), body.to_string());
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap())
}

/// How often this was asked of the bank, and how often it took effect.
pub(crate) fn sent(world: &World, request: Request, effect: Effect) -> (usize, usize) {
    let ledger = world.bank.bank().ledger();
    let asked = |entry: &Entry| matches!(entry, Entry::Request(asked) if asked.operation == request);
    let took = |entry: &Entry| matches!(entry, Entry::Effect(took) if took.effect == effect && took.request.is_some());
    (ledger.iter().filter(|line| asked(&line.entry)).count(), ledger.iter().filter(|line| took(&line.entry)).count())
}

pub(crate) fn refunds(world: &World) -> (usize, usize) {
    sent(world, Request::Refund, Effect::Refunded)
}

fn at_the_bank(world: &World, id: &str) -> OrderView {
    world.bank.bank().order(id).unwrap()
}

pub(crate) fn is(kind: OperationKind, state: OperationState) -> impl Fn(&OrderWithOperation) -> bool {
    let is = move |operation: &Operation| (operation.kind, operation.state) == (kind, state);
    move |found| found.operation.as_ref().is_some_and(is)
}

pub(crate) fn waits(words: &'static str) -> impl Fn(&OrderWithOperation) -> bool {
    let says = move |open: &Operation| open.note.as_deref().is_some_and(|note| note.contains(words));
    move |found| {
        let open = found.operation.as_ref().filter(|open| open.state == OperationState::Intended);
        open.is_some_and(says)
    }
}

/// Completed on release only, so that a hold stands still.
pub(crate) fn on_release() -> String {
    HASTE.replace("when = \"after\"\ndelay = \"100ms\"", "when = \"release\"")
}

/// A one-phase order of 100.00 that was paid, and that we know to be.
async fn deposited(world: &World, daemon: &Daemon, number: &str) -> String {
    let id = world.register(number, 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order(number, 10_000)]).await;
    wait_for_state(daemon.store(), number, State::Deposited).await;
    id
}

async fn held(world: &World, daemon: &Daemon, number: &str) -> String {
    let id = world.register_two_phase(number, 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order(number, 10_000)]).await;
    wait_for_state(daemon.store(), number, State::Held).await;
    id
}

const REFUND: &str = "refund";

/// What a process that aborted ended by.
const SIGABRT: i32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_given_back_then_the_rest_and_never_more() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let id = deposited(&world, &daemon, "A-1").await;
    let words = refused(&world, &["order", REFUND, "A-1", "--amount", "10001", "--reason", "too much"]);
    assert!(words.contains("a refund of 10001 minor units is not possible: 10000 are left"), "{words}");
    let shown = done(&world, &["order", REFUND, "A-1", "--amount", "3000", "--dry-run"]);
    assert!(shown.contains("Nothing is written") && shown.contains("a refund of 30.00 RUB"), "{shown}");
    assert_eq!(daemon.store().order(&shop(), "A-1").await.unwrap().operation, None);

    let said = done(&world, &["order", REFUND, "A-1", "--amount", "3000", "--reason", "one came broken"]);
    assert!(said.contains("the refund goes at once"), "{said}");
    let found = wait_for(daemon.store(), "A-1", is(OperationKind::Refund, OperationState::Confirmed)).await;
    assert_eq!(
        (found.state, refunds(&world), at_the_bank(&world, &id).refunded_minor),
        (State::Refunded, (1, 1), 3_000)
    );
    let told = kinds(daemon.store(), &found).await;
    for kind in [Kind::RefundIntended, Kind::RefundSent, Kind::RefundAnswered, Kind::Refunded, Kind::RefundConfirmed] {
        assert_eq!(told.iter().filter(|told| **told == kind).count(), 1, "{kind:?}: {told:?}");
    }
    let why = done(&world, &["order", "why", "A-1"]);
    assert!(why.contains("ivan ordered it: a refund of 30.00 RUB is ordered (one came broken)"), "{why}");
    let witness = std::fs::read_to_string(world.directory.path().join("data/reconciled.db.witness"));
    if let Ok(witness) = witness {
        assert!(witness.contains("\trefund\t3000\t3000\t1\t"), "{witness}");
    }

    // Without a sum: all that is left.
    let path = "/v1/orders/shop/A-1/refund";
    let (status, answer) = post(daemon.address(), path, &json!({ "reason": "the rest too", "by": "olga" }));
    assert_eq!((status, &answer["outcome"]), (200, &json!("done")), "{answer}");
    wait_for(daemon.store(), "A-1", |found| {
        let whole = |operation: &Operation| operation.expected_minor == Some(7_000);
        is(OperationKind::Refund, OperationState::Confirmed)(found) && found.operation.as_ref().is_some_and(whole)
    })
    .await;
    assert_eq!((refunds(&world), at_the_bank(&world, &id).refunded_minor), ((2, 2), 10_000));
    let (status, answer) = post(daemon.address(), path, &json!({ "reason": "once more", "by": "olga" }));
    assert_eq!((status, &answer["type"]), (409, &json!("urn:reconciled:problem:refund_above_left")));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_refunds_at_once_one_goes_and_they_never_exceed_what_was_taken() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let id = deposited(&world, &daemon, "A-1").await;
    let address = daemon.address();
    let mut asking = tokio::task::JoinSet::new();
    for nth in 0..8 {
        asking.spawn_blocking(move || {
            let body = json!({ "amount": 6_000, "reason": format!("request {nth}"), "by": "olga" });
            post(address, "/v1/orders/shop/A-1/refund", &body).0
        });
    }
    let mut answers = asking.join_all().await;
    answers.sort_unstable();
    assert_eq!(answers, [200, 409, 409, 409, 409, 409, 409, 409]);
    wait_for(daemon.store(), "A-1", is(OperationKind::Refund, OperationState::Confirmed)).await;
    let body = json!({ "amount": 6_000, "reason": "again", "by": "olga" });
    let (status, answer) = post(address, "/v1/orders/shop/A-1/refund", &body);
    assert_eq!((status, &answer["type"]), (409, &json!("urn:reconciled:problem:refund_above_left")), "{answer}");
    assert_eq!((refunds(&world), at_the_bank(&world, &id).refunded_minor), ((1, 1), 6_000));
    daemon.stop().await;
}

/// Whatever the answer was, only a read settles it; a part is sent once, unless the bank tells refunds apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_refunds_outcome_is_what_the_bank_shows_whatever_it_answered() {
    let part = Some("3000");
    let (with_tools, without) = (format!("refund_tools = true\n{HASTE}"), HASTE.to_owned());
    let confirmed = |sends, minor| (OperationState::Confirmed, State::Refunded, (sends, 1), minor);
    let asks_a_person = |sends| (OperationState::InDoubt, State::Review, (sends, 0), 0);
    let table = [
        ("a part, answer lost", part, &without, FaultKind::TimeoutAfterEffect { ms: 10 }, confirmed(1, 3_000)),
        ("a part, request lost", part, &without, FaultKind::TimeoutBeforeEffect { ms: 10 }, asks_a_person(1)),
        ("a part, false success", part, &without, FaultKind::FalseSuccess, asks_a_person(1)),
        ("a part, refused and done", part, &without, FaultKind::FalseRefusal, confirmed(1, 3_000)),
        (
            "a part with tools, request lost",
            part,
            &with_tools,
            FaultKind::TimeoutBeforeEffect { ms: 10 },
            confirmed(2, 3_000),
        ),
        ("all of it, request lost", None, &without, FaultKind::TimeoutBeforeEffect { ms: 10 }, confirmed(2, 10_000)),
    ];
    for (what, sum, tables, fault, expected) in table {
        let faults = vec![FaultRule::always(fault).on(Request::Refund).times(1)];
        let world = World::new(Settings { faults, ..Settings::default() }, tables).await;
        let daemon = world.daemon().await;
        let id = deposited(&world, &daemon, "A-1").await;
        let mut arguments = vec!["order", REFUND, "A-1", "--reason", "asked for"];
        arguments.extend(sum.iter().flat_map(|sum| ["--amount", sum]));
        done(&world, &arguments);
        let (state, order_state, sends, minor) = expected;
        let at_its_end =
            |found: &OrderWithOperation| is(OperationKind::Refund, state)(found) && found.order.state == order_state;
        wait_for(daemon.store(), "A-1", at_its_end).await;
        assert_eq!((refunds(&world), at_the_bank(&world, &id).refunded_minor), (sends, minor), "{what}");
        daemon.stop().await;
    }
}

/// A bank that is found to tell refunds apart is taken at its word from the reload on, and no refund before it is.
#[tokio::test(flavor = "multi_thread")]
async fn refund_tools_count_from_the_reload_that_names_them() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    let mut process = Process::start(&config.path);
    let store = Store::open(&config.database).unwrap();
    let lose_one = || {
        let lost = FaultRule::always(FaultKind::TimeoutBeforeEffect { ms: 10 }).on(Request::Refund).times(1);
        world.bank.bank().add_fault(lost).unwrap();
    };
    let refund =
        |number: &'static str| done(&world, &["order", REFUND, number, "--amount", "3000", "--reason", "broken"]);
    for number in ["before", "after"] {
        world.bank.bank().pay(&world.register(number, 10_000)).unwrap();
    }
    add(&store, vec![order("before", 10_000), order("after", 10_000)]).await;
    for number in ["before", "after"] {
        wait_for_state(&store, number, State::Deposited).await;
    }
    lose_one();
    refund("before");
    wait_for_state(&store, "before", State::Review).await;
    assert_eq!(refunds(&world), (1, 0), "a part is sent once");

    let text = std::fs::read_to_string(&config.path).unwrap();
    std::fs::write(&config.path, text.replacen("zone = ", "refund_tools = true\nzone = ", 1)).unwrap();
    process.signal("-HUP");
    process.read_until(|line| line["key"] == "merchant.shop.refund_tools");
    let _process = process.drained();
    lose_one();
    refund("after");
    wait_for(&store, "after", is(OperationKind::Refund, OperationState::Confirmed)).await;
    assert_eq!(refunds(&world), (3, 1), "asked for once more by its id");
    let before = store.order(&shop(), "before").await.unwrap();
    assert_eq!((before.order.state, before.operation.map(|open| open.attempt)), (State::Review, Some(1)));
}

/// The buyer has the money back by the chargeback already; and beside a review nothing is ordered.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_charged_back_is_not_refunded_and_beside_a_review_nothing_is_ordered() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let id = deposited(&world, &daemon, "A-1").await;
    world.bank.bank().charge_back(&id).unwrap();
    done(&world, &["order", REFUND, "A-1", "--reason", "asked for"]);
    wait_for_state(daemon.store(), "A-1", State::Review).await;
    for verb in [REFUND, "reverse", "decline"] {
        let words = refused(&world, &["order", verb, "A-1", "--reason", "asked for"]);
        assert!(words.contains("stands in review; resolve that first: `reconciled review show NUMBER`"), "{words}");
    }
    done(&world, &["review", "resolve", "A-1", "--as", "bank", "--reason", "seen"]);
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    let words = refused(&world, &["order", REFUND, "A-1", "--reason", "asked for"]);
    assert!(words.contains("a refund would pay twice"), "{words}");
    assert_eq!((refunds(&world), at_the_bank(&world, &id).refunded_minor), ((0, 0), 0));
    daemon.stop().await;
}

/// A crash at each point: never two refunds, and a part of unknown outcome goes before a person.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(debug_assertions), ignore = "a release binary does not die where it is told")]
async fn a_crash_at_any_point_ends_in_one_refund_or_with_a_person() {
    let confirmed = (OperationState::Confirmed, State::Refunded);
    let a_person = (OperationState::InDoubt, State::Review);
    let table = [
        ("before_intent", confirmed, confirmed),
        ("after_intent", confirmed, a_person),
        ("after_witness", confirmed, a_person),
        ("after_answer", confirmed, confirmed),
        ("before_settling", confirmed, confirmed),
        ("after_settling", confirmed, confirmed),
    ];
    for (point, whole, part) in table {
        for (sum, expected) in [(None, whole), (Some("7000"), part)] {
            let world = World::new(Settings::default(), HASTE).await;
            let daemon = world.daemon().await;
            let id = deposited(&world, &daemon, "A-1").await;
            daemon.stop().await;
            let mut arguments = vec!["order", REFUND, "A-1", "--reason", "asked for"];
            arguments.extend(sum.iter().flat_map(|sum| ["--amount", sum]));
            done(&world, &arguments);
            let mut first = Process::start_with(&world.path(), &[("RECONCILED_DIE_AT", point)]);
            assert_eq!(first.end().signal(), Some(SIGABRT), "it dies at {point}");
            let _second = Process::start(&world.path()).drained();
            let store = Store::open(&world.config().database).unwrap();
            let (state, order_state) = expected;
            let at_its_end = |found: &OrderWithOperation| {
                is(OperationKind::Refund, state)(found) && found.order.state == order_state
            };
            wait_for(&store, "A-1", at_its_end).await;
            let effects = usize::from(state == OperationState::Confirmed);
            let refunded = if sum.is_some() { 7_000 } else { 10_000 } * i64::from(state == OperationState::Confirmed);
            assert_eq!(
                (refunds(&world).1, at_the_bank(&world, &id).refunded_minor),
                (effects, refunded),
                "{point} {sum:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_reversed_on_a_persons_word_before_its_completion() {
    let world = World::new(Settings::default(), &HASTE.replace("delay = \"100ms\"", "delay = \"1h\"")).await;
    let daemon = world.daemon().await;
    held(&world, &daemon, "A-1").await;
    let words = refused(&world, &["order", REFUND, "A-1", "--reason", "cancelled"]);
    assert!(words.contains("the order is held: nothing was taken") && words.contains("`order reverse`"), "{words}");
    done(&world, &["order", "reverse", "A-1", "--reason", "the shop has none left"]);
    let found = wait_for(daemon.store(), "A-1", is(OperationKind::Reversal, OperationState::Confirmed)).await;
    let reversals = sent(&world, Request::Reversal, Effect::Reversed);
    assert_eq!((found.state, reversals, world.completions("A-1")), (State::Reversed, (1, 1), (0, 0)));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_paid_is_declined_and_what_was_paid_meanwhile_stays_held_and_parked() {
    let world = World::new(Settings::default(), &on_release()).await;
    let daemon = world.daemon().await;
    let (unpaid, raced) = (world.register_two_phase("unpaid", 10_000), world.register_two_phase("raced", 10_000));
    add(daemon.store(), vec![order("unpaid", 10_000), order("raced", 10_000)]).await;
    done(&world, &["order", "decline", "unpaid", "--reason", "sold out"]);
    let found = wait_for(daemon.store(), "unpaid", is(OperationKind::Decline, OperationState::Confirmed)).await;
    assert!(matches!(found.state, State::Declined | State::Reversed), "{found:?}");
    assert_eq!(at_the_bank(&world, &unpaid).status, 3, "called off, which the bank shows as reversed");

    done(&world, &["money", "stop", "--reason", "a while"]);
    done(&world, &["order", "decline", "raced", "--reason", "sold out"]);
    wait_for(daemon.store(), "raced", waits("a while")).await;
    world.bank.bank().pay(&raced).unwrap();
    done(&world, &["money", "start", "--reason", "go on"]);
    let found = wait_for(daemon.store(), "raced", is(OperationKind::Decline, OperationState::Withdrawn)).await;
    assert_eq!((found.state, found.parked), (State::Held, true), "paid, and completed by nobody unasked");
    assert_eq!(sent(&world, Request::Decline, Effect::CalledOff), (1, 1));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_waits_while_money_is_stopped_and_can_be_taken_back() {
    let world = World::new(Settings::default(), &on_release()).await;
    let daemon = world.daemon().await;
    deposited(&world, &daemon, "taken").await;
    held(&world, &daemon, "held").await;
    world.register("unpaid", 10_000);
    add(daemon.store(), vec![order("unpaid", 10_000)]).await;
    done(&world, &["money", "stop", "--reason", "odd sums"]);
    let orders = [("taken", REFUND), ("held", "reverse"), ("unpaid", "decline")];
    for (number, verb) in orders {
        done(&world, &["order", verb, number, "--reason", "asked for"]);
        wait_for(daemon.store(), number, waits("ivan stopped all money (odd sums)")).await;
        let words = refused(&world, &["order", verb, number, "--reason", "once more"]);
        assert!(words.contains("is decided already and not sent yet"), "{words}");
    }
    let listed = done(&world, &["order", "list"]);
    for note in ["refund at work", "reversal at work", "decline at work"] {
        assert!(listed.contains(note), "{note}: {listed}");
    }
    done(&world, &["order", "reverse", "held", "--take-back", "--reason", "found one after all"]);
    wait_for(daemon.store(), "held", is(OperationKind::Reversal, OperationState::Withdrawn)).await;
    let none = [(0, 0), (0, 0), (0, 0)];
    let all = || {
        let declines = sent(&world, Request::Decline, Effect::CalledOff);
        [refunds(&world), sent(&world, Request::Reversal, Effect::Reversed), declines]
    };
    assert_eq!(all(), none);
    done(&world, &["money", "start", "--reason", "settled"]);
    wait_for(daemon.store(), "taken", is(OperationKind::Refund, OperationState::Confirmed)).await;
    wait_for(daemon.store(), "unpaid", is(OperationKind::Decline, OperationState::Confirmed)).await;
    assert_eq!(all(), [(1, 1), (0, 0), (1, 1)]);
    daemon.stop().await;
}

/// What is given back is limited like what is taken, each by itself.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_given_back_in_a_day_than_may_be() {
    let tables = HASTE.replace("in_doubt = 50", "in_doubt = 50\ndaily_sum = \"150.00\"");
    let world = World::new(Settings::default(), &tables).await;
    let daemon = world.daemon().await;
    for number in ["A-1", "A-2"] {
        deposited(&world, &daemon, number).await;
    }
    done(&world, &["order", REFUND, "A-1", "--reason", "asked for"]);
    wait_for(daemon.store(), "A-1", is(OperationKind::Refund, OperationState::Confirmed)).await;
    done(&world, &["order", REFUND, "A-2", "--reason", "asked for"]);
    wait_for(daemon.store(), "A-2", waits("100.00 RUB more would be above 150.00 RUB")).await;
    assert_eq!(refunds(&world), (1, 1));
    let shown: Value = serde_json::from_str(&done(&world, &["money", "show", "--json"])).unwrap();
    let last_day = json!([{ "currency": "643", "sent_minor": 0, "refunded_minor": 10_000, "max_minor": 15_000 }]);
    assert_eq!(shown["merchants"][0]["sent_last_day"], last_day);
    let words = done(&world, &["money", "show"]);
    assert!(words.contains("refunded in 24 hours") && words.contains("100.00 RUB of 150.00 RUB"), "{words}");
    held(&world, &daemon, "B-1").await;
    wait_for_state(daemon.store(), "B-1", State::Deposited).await;
    daemon.stop().await;
}

/// Where two people decide about money, one alone orders no refund.
#[tokio::test(flavor = "multi_thread")]
async fn with_four_eyes_a_refund_is_proposed_and_confirmed() {
    let world = World::new(Settings::default(), &format!("{HASTE}[merchant.review]\nfour_eyes = true\n")).await;
    let daemon = world.daemon().await;
    deposited(&world, &daemon, "A-1").await;
    let path = "/v1/orders/shop/A-1/refund";
    let (status, answer) = post(daemon.address(), path, &json!({ "amount": 500, "reason": "broken", "by": "olga" }));
    assert_eq!((status, &answer["outcome"]), (200, &json!("proposed")), "{answer}");
    assert_eq!(daemon.store().order(&shop(), "A-1").await.unwrap().operation, None);
    let (status, answer) = post(daemon.address(), path, &json!({ "confirm": true, "reason": "yes", "by": "olga" }));
    assert_eq!((status, &answer["type"]), (409, &json!("urn:reconciled:problem:same_name")));
    done(&world, &["order", REFUND, "A-1", "--confirm", "--reason", "saw it"]);
    wait_for(daemon.store(), "A-1", is(OperationKind::Refund, OperationState::Confirmed)).await;
    assert_eq!(refunds(&world), (1, 1));
    daemon.stop().await;
}
