//! Registering orders: the daemon and the bank across a real socket, through lost answers and crashes. The table is the
//! documentation: what the bank did, what the shop hears, and what is in both books afterwards.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use reconciled::clock::Clock;
use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::event::Cause;
use reconciled::domain::order::{Kind, NewOrder, OrderId};
use reconciled::domain::registration::journey::{Registration, State};
use reconciled::intake;
use reconciled::sandbox::{Entry, FaultKind, FaultRule, Moment, Operation, Registration as Registered, Settings};
use reconciled::store::{Intended, NewRegistration, Store, StoreError};
use serde_json::{Value, json};

use crate::child::{self, Process};
use crate::fixture::{HASTE, World, in_time, order, shop};
use crate::schedule::reconciled;

/// What a process that aborted ended by.
const SIGABRT: i32 = 6;

pub(crate) fn sale(number: &str, amount: i64) -> Value {
    json!({
        "merchant": "shop", "order_number": number, "amount": amount, "return_url": "https://shop.example/thanks",
        "email": "ivan@example.com",
    })
}

/// The status, the headers and the body of an answer.
async fn post(address: SocketAddr, body: &Value) -> (u16, String, Value) {
    ask(address, "POST /v1/registrations", &body.to_string()).await
}

async fn ask(address: SocketAddr, what: &str, body: &str) -> (u16, String, Value) {
    let (what, body) = (what.to_owned(), body.to_owned());
    let answer = tokio::task::spawn_blocking(move || child::request(address, &what, &body)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), serde_json::from_str(body).unwrap())
}

/// How often a registration reached the bank, and how many orders of the number it has.
fn at_bank(world: &World, number: &str) -> (usize, usize) {
    let ledger = world.bank.bank().ledger();
    let asked = ledger.iter().filter(|line| {
        matches!(&line.entry, Entry::Request(request)
            if matches!(request.operation, Operation::Register | Operation::RegisterPreAuth)
                && request.order_number.as_deref() == Some(number))
    });
    let orders = world.bank.bank().orders();
    (asked.count(), orders.iter().filter(|order| order.order_number == number).count())
}

/// Waits until a registration is settled.
pub(crate) async fn settled(store: &Store, number: &str) -> Registration {
    wait_until(store, number, |row| row.state.is_settled()).await
}

/// Waits until a person is called for a registration.
async fn stuck(store: &Store, number: &str) -> Registration {
    wait_until(store, number, |row| row.stuck_since.is_some()).await
}

async fn wait_until(store: &Store, number: &str, is_seen: impl Fn(&Registration) -> bool) -> Registration {
    let mut bell = store.registration_bell();
    let waiting = async {
        loop {
            if let Some(row) = store.registration(&shop(), number).await.unwrap().filter(&is_seen) {
                return row;
            }
            // Another process's daemon does not ring here.
            let _ = tokio::time::timeout(Duration::from_millis(50), bell.changed()).await;
        }
    };
    in_time(waiting).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_order_has_its_form_url_and_is_in_the_queue() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let mut two_phase = sale("A-1", 23_500);
    two_phase["two_phase"] = true.into();
    two_phase["session_timeout_secs"] = 600.into();
    let (status, head, first) = post(daemon.address(), &two_phase).await;
    assert_eq!((status, &first["state"]), (201, &json!("registered")), "{first}");
    assert!(head.to_lowercase().contains("location: /v1/registrations/shop/a-1"), "{head}");
    let id = first["order_id"].as_str().unwrap();
    assert!(first["form_url"].as_str().unwrap().contains(id), "{first}");

    let (status, _, again) = post(daemon.address(), &two_phase).await;
    assert_eq!((status, &again["form_url"]), (200, &first["form_url"]));
    let (status, _, shown) = ask(daemon.address(), "GET /v1/registrations/shop/A-1", "").await;
    assert_eq!((status, &shown["form_url"]), (200, &first["form_url"]));
    assert_eq!(ask(daemon.address(), "GET /v1/registrations/shop/A-2", "").await.0, 404);

    let queued = daemon.store().order(&shop(), "A-1").await.unwrap().order;
    assert_eq!((queued.amount.minor(), queued.order_id.unwrap().as_str()), (23_500, id));
    assert!(queued.expires_at.is_some());
    assert_eq!(queued.kind, Some(Kind::TwoPhase));
    assert!(world.bank.bank().order(id).unwrap().two_phase);
    assert_eq!(at_bank(&world, "A-1"), (1, 1));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_the_buyer_is_is_gone_once_the_bank_has_answered() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    assert_eq!(post(daemon.address(), &sale("A-1", 100)).await.0, 201);
    let row = daemon.store().registration(&shop(), "A-1").await.unwrap().unwrap();
    let document = row.document.unwrap();
    assert!(document.contains("thanks") && !document.contains("ivan@example.com"), "{document}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_registered_once() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    assert_eq!(post(daemon.address(), &sale("A-1", 100)).await.0, 201);
    let mut other = sale("A-1", 200);
    other["description"] = "another".into();
    let (status, _, problem) = post(daemon.address(), &other).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:reconciled:problem:registered_with_other_content")));
    let fields: Vec<_> =
        problem["problems"].as_array().unwrap().iter().map(|problem| problem["field"].clone()).collect();
    assert_eq!(fields, [json!("amount"), json!("description")]);

    let mut another_buyer = sale("A-1", 100);
    another_buyer["email"] = "maria@example.com".into();
    let (status, _, problem) = post(daemon.address(), &another_buyer).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("who the buyer is"), "{problem}");

    crate::fixture::add(daemon.store(), vec![order("queued", 100)]).await;
    let (status, _, problem) = post(daemon.address(), &sale("queued", 100)).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:reconciled:problem:number_taken")));
    assert_eq!(at_bank(&world, "queued"), (0, 0));
    daemon.stop().await;
}

/// The date of an order that the bank has may pass; who asks again gets the same order and form URL.
#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_has_passed_is_wrong_of_a_new_number_alone() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let (now, hour) = (Clock::host().now(), Duration::from_secs(3_600));
    let mut dated = sale("A-1", 100);
    dated["two_phase"] = true.into();
    dated["expiration_date"] = now.plus(hour).to_string().into();
    dated["autocompletion_date"] = now.plus(hour * 2).to_string().into();
    let (status, _, first) = post(daemon.address(), &dated).await;
    assert_eq!(status, 201, "{first}");

    let config = world.config();
    let later = now.plus(hour * 3);
    let hand_in = |document: &Value| {
        let (merchant, request) = intake::registration::from_json(&document.to_string(), &config, later).unwrap();
        let new = NewRegistration { merchant: merchant.id.clone(), request };
        daemon.store().intend_registration(new, Cause::Shop, later)
    };
    match hand_in(&dated).await.unwrap() {
        Intended::Again(row) => assert_eq!(row.form_url.as_deref(), first["form_url"].as_str()),
        other => panic!("{other:?}"),
    }
    let mut changed = dated.clone();
    changed["amount"] = 200.into();
    assert!(matches!(hand_in(&changed).await.unwrap(), Intended::Other { .. }));
    let mut new = dated.clone();
    new["order_number"] = "A-2".into();
    assert!(matches!(hand_in(&new).await.unwrap_err(), StoreError::Passed(problems) if problems.len() == 2));

    new["expiration_date"] = "2026-01-01T00:00:00".into();
    let (status, _, problem) = post(daemon.address(), &new).await;
    assert_eq!(status, 422);
    assert_eq!(
        (&problem["problems"][0]["field"], &problem["problems"][0]["code"]),
        (&json!("expiration_date"), &json!("past"))
    );
    let words = ["order", "register", "--number", "A-3", "--amount", "100", "--return-url", "https://shop.example/"];
    let words: Vec<_> = words.into_iter().chain(["--expiration-date", "2026-01-01T00:00:00"]).collect();
    let ran = tokio::task::block_in_place(|| reconciled(&world, &words));
    assert_eq!(ran.status.code(), Some(64), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("expiration_date: 2026-01-01T00:00:00 in Moscow has passed"));
    assert_eq!(at_bank(&world, "A-2"), (0, 0));
    daemon.stop().await;
}

/// A price never changes: what the bank may have by now cannot enter the queue with another. Found by the simulation, of
/// an old copy of the database that was put back.
#[tokio::test(flavor = "multi_thread")]
async fn regression_what_is_being_registered_is_not_queued_with_another_price() {
    let faults = vec![FaultRule::always(FaultKind::Error500 { effect: Moment::Before })];
    let world = World::new(Settings { faults, ..Settings::default() }, HASTE).await;
    let daemon = world.daemon().await;
    let (status, _, said) = post(daemon.address(), &sale("A-1", 100)).await;
    assert_eq!(status, 202, "{said}");
    for (amount, expected) in [(101, 409), (100, 201)] {
        let order = json!({"merchant": "shop", "order_number": "A-1", "amount": amount});
        let (status, _, said) = ask(daemon.address(), "POST /v1/orders", &order.to_string()).await;
        assert_eq!(status, expected, "{amount}: {said}");
        assert!(status != 409 || said.to_string().contains("exists_with_different_amount"), "{said}");
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_sent() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let wrong = json!({
        "order_number": "x".repeat(33), "amount": 0, "return_url": "shop.example", "description": "50%", "colour": "red",
        "order_bundle": {"cartItems": {"items": [{"positionId": "1", "name": "n", "itemCode": "c", "itemPrice": 1.5,
            "quantity": {"value": "1,5", "measure": "kg"}}]}},
    });
    let (status, _, problem) = post(daemon.address(), &wrong).await;
    assert_eq!(status, 422);
    let mut fields: Vec<_> =
        problem["problems"].as_array().unwrap().iter().filter_map(|p| p["field"].as_str()).collect();
    fields.sort_unstable();
    let items = "order_bundle.cartItems.items[0]";
    let (price, quantity) = (format!("{items}.itemPrice"), format!("{items}.quantity.value"));
    assert_eq!(fields, ["amount", "colour", "description", &price, &quantity, "order_number", "return_url"]);
    assert_eq!(post(daemon.address(), &json!([1])).await.0, 422);
    assert_eq!(world.bank.bank().ledger().len(), 0);
    daemon.stop().await;
}

/// What the bank does to the first send, how often it is sent, and whether the shop has the form URL in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_whose_answer_is_lost_is_found_by_its_number_and_never_doubled() {
    let table = [
        ("timeout-after", FaultKind::TimeoutAfterEffect { ms: 2_000 }, 1, false),
        ("timeout-before", FaultKind::TimeoutBeforeEffect { ms: 2_000 }, 2, true),
        ("reset-after", FaultKind::Reset { effect: Moment::After }, 1, false),
        ("reset-before", FaultKind::Reset { effect: Moment::Before }, 2, true),
        ("500-after", FaultKind::Error500 { effect: Moment::After }, 1, false),
        ("garbage-after", FaultKind::Garbage { shape: None, effect: Moment::After }, 1, false),
        ("429", FaultKind::TooManyRequests { retry_after: None }, 2, true),
    ];
    let world = World::new(Settings::default(), HASTE).await;
    for (number, fault, ..) in &table {
        let rule = FaultRule::always(fault.clone()).on(Operation::Register).for_order(number).times(1);
        world.bank.bank().add_fault(rule).unwrap();
    }
    let daemon = world.daemon().await;
    for (number, _, sent, has_url) in table {
        let (status, _, answer) = post(daemon.address(), &sale(number, 10_000)).await;
        assert_eq!((status, &answer["state"]), (201, &json!("registered")), "{number}: {answer}");
        assert_eq!(answer["form_url"].is_string(), has_url, "{number}: {answer}");
        if !has_url {
            assert!(answer["note"].as_str().unwrap().contains("form URL was lost"), "{number}: {answer}");
        }
        assert_eq!(at_bank(&world, number), (sent, 1), "{number}");
        let queued = daemon.store().order(&shop(), number).await.unwrap().order;
        assert_eq!(queued.order_id.unwrap().as_str(), answer["order_id"], "{number}");
    }
    daemon.stop().await;
}

/// The bank knows the number: ours if the amount agrees, another's if not.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_the_bank_has_is_ours_if_its_amount_agrees() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let id = world.register("same", 500);
    let (status, _, answer) = post(daemon.address(), &sale("same", 500)).await;
    assert_eq!((status, &answer["order_id"], &answer["form_url"]), (201, &json!(id), &Value::Null), "{answer}");
    world.register("other", 501);
    let (status, _, problem) = post(daemon.address(), &sale("other", 500)).await;
    assert_eq!((status, &problem["type"]), (422, &json!("urn:reconciled:problem:not_registered")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("501"), "{problem}");
    daemon.store().order(&shop(), "other").await.unwrap_err();
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_refuses_is_told_and_may_be_mended() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let mut refused = sale("A-1", 100);
    refused["features"] = json!(["NO_SUCH_FEATURE"]);
    let (status, _, problem) = post(daemon.address(), &refused).await;
    assert_eq!(status, 422);
    assert!(problem["detail"].as_str().unwrap().contains("errorCode 14"), "{problem}");
    let (_, _, shown) = ask(daemon.address(), "GET /v1/registrations/shop/A-1", "").await;
    assert_eq!((&shown["state"], &shown["refusal_code"]), (&json!("refused"), &json!(14)));
    assert_eq!(post(daemon.address(), &sale("A-1", 100)).await.0, 201);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_registration_twice_at_once_is_one_order() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let late = FaultRule::always(FaultKind::Delay { ms: 100, effect: Moment::Before }).on(Operation::Register);
    world.bank.bank().add_fault(late).unwrap();
    let sale = sale("A-1", 100);
    let (one, two) = tokio::join!(post(daemon.address(), &sale), post(daemon.address(), &sale));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert!(one.2["form_url"].is_string());
    assert_eq!(one.2["form_url"], two.2["form_url"]);
    assert_eq!(at_bank(&world, "A-1"), (1, 1));
    daemon.stop().await;
}

/// A bank that is slow: the shop is told where to ask, and hears it there.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_late_is_asked_for() {
    let world = World::new(Settings::default(), &format!("{HASTE}[merchant.registration]\nwait = \"100ms\"\n")).await;
    let late = FaultRule::always(FaultKind::Delay { ms: 400, effect: Moment::Before }).on(Operation::Register);
    world.bank.bank().add_fault(late).unwrap();
    let daemon = world.daemon().await;
    let (status, head, answer) = post(daemon.address(), &sale("A 1", 100)).await;
    assert_eq!((status, &answer["form_url"]), (202, &Value::Null), "{answer}");
    assert!(head.to_lowercase().contains("location: /v1/registrations/shop/a%201"), "{head}");
    let row = settled(daemon.store(), "A 1").await;
    assert_eq!((row.state, row.form_url.is_some()), (State::Registered, true), "{row:?}");
    daemon.stop().await;
}

/// Where the first daemon dies, how often the bank was asked to register by both, and whether the form URL is known.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(debug_assertions), ignore = "a release binary does not die where it is told")]
async fn a_crash_between_the_intent_and_the_answer_ends_in_one_order() {
    for (point, sent, has_url) in [("registration_intended", 1, true), ("registration_answered", 1, false)] {
        let world = World::new(Settings::default(), HASTE).await;
        let config = world.config();
        let mut first = Process::start_with(&config.path, &[("RECONCILED_DIE_AT", point)]);
        let address = first.address;
        let handed_in = tokio::task::spawn_blocking(move || {
            child::request(address, "POST /v1/registrations", &sale("A-1", 100).to_string())
        });
        assert_eq!(first.end().signal(), Some(SIGABRT), "it dies at {point}");
        handed_in.await.unwrap();

        let _second = Process::start(&config.path).drained();
        let store = Store::open(&config.database).unwrap();
        let row = settled(&store, "A-1").await;
        assert_eq!((row.state, row.form_url.is_some()), (State::Registered, has_url), "{point}: {row:?}");
        assert_eq!(at_bank(&world, "A-1"), (sent, 1), "{point}");
        assert_eq!(store.order(&shop(), "A-1").await.unwrap().order.order_id, row.order_id, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_hands_in_a_file_and_prints_the_form_url() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    let process = Process::start(&config.path).drained();
    let file = world.directory.path().join("sale.json");
    std::fs::write(&file, sale("A-1", 100).to_string()).unwrap();
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.args(["order", "register", "--config"]).arg(&config.path).arg("--file").arg(&file).args(more);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let (code, printed, remarked) = tokio::task::block_in_place(|| run(&[]));
    assert_eq!(code, 0, "{remarked}");
    assert!(
        printed.contains("Order A-1 of shop is registered and queued.") && printed.contains("form URL  http"),
        "{printed}"
    );
    let (code, again, _) = tokio::task::block_in_place(|| run(&["--json"]));
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((code, &again["state"]), (0, &json!("registered")));
    let (code, _, refused) = tokio::task::block_in_place(|| run(&["--amount", "101"]));
    assert!(code == 1 && refused.contains("differs in amount"), "{refused}");
    let (code, _, wrong) = tokio::task::block_in_place(|| run(&["--return-url", "nowhere", "--amount", "x"]));
    assert!(code == 64 && wrong.contains("return_url: ") && wrong.contains("amount: "), "{wrong}");

    for (text, why) in [("not json", "line 1 column 2"), ("[1]", "something else")] {
        std::fs::write(&file, text).unwrap();
        let (code, _, wrong) = tokio::task::block_in_place(|| run(&[]));
        let wrong = wrong.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            code == 64 && wrong.contains("sale.json has to hold one JSON object") && wrong.contains(why),
            "{wrong}"
        );
    }
    std::fs::write(&file, sale("A-1", 100).to_string()).unwrap();

    drop(process);
    let (code, printed, remarked) = tokio::task::block_in_place(|| run(&["--number", "A-2"]));
    assert!(code == 0 && printed.contains("written down") && remarked.contains("No daemon"), "{printed}{remarked}");
    assert_eq!(at_bank(&world, "A-2"), (0, 0));
}

/// A token may ask by the gateway's id alone. What the first send came to is learnt by sending again; where that proves
/// only that the bank has the number, a person names the order, or what came into the queue meanwhile does.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_settles_a_lost_answer_by_sending_again_or_by_a_persons_word() {
    let world = World::new(Settings::default(), HASTE).await;
    let login = "user_name = \"shop-api\"\npassword = { public = \"any\" }";
    let toml = world.toml();
    assert!(toml.contains(login), "{toml}");
    std::fs::write(world.path(), toml.replace(login, "token = { public = \"any\" }")).unwrap();
    let config = Config::load(&world.path()).unwrap();
    let lost = [
        ("before", FaultKind::TimeoutBeforeEffect { ms: 2_000 }),
        ("after", FaultKind::TimeoutAfterEffect { ms: 2_000 }),
        ("queued", FaultKind::Reset { effect: Moment::After }),
    ];
    for (number, fault) in lost {
        let rule = FaultRule::always(fault).on(Operation::Register).for_order(number).times(1);
        world.bank.bank().add_fault(rule).unwrap();
    }
    let daemon = Daemon::start(config).await.unwrap();
    let (status, _, answer) = post(daemon.address(), &sale("before", 10_000)).await;
    assert_eq!((status, answer["form_url"].is_string()), (201, true), "{answer}");
    assert_eq!(at_bank(&world, "before"), (2, 1));
    // Taken by an order of which nothing of ours can be: every send was answered.
    world.bank.bank().register(Registered::new("token", "theirs", 10_000)).unwrap();
    let (status, _, problem) = post(daemon.address(), &sale("theirs", 10_000)).await;
    assert_eq!(status, 422, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("its own number"), "{problem}");

    for number in ["after", "queued"] {
        let handed_in = tokio::spawn({
            let address = daemon.address();
            async move { post(address, &sale(number, 10_000)).await }
        });
        stuck(daemon.store(), number).await;
        handed_in.abort();
        assert_eq!(at_bank(&world, number), (2, 1), "{number}");
    }
    let address = daemon.address();
    let metrics =
        tokio::task::spawn_blocking(move || child::request(address, "GET /metrics", "")).await.unwrap().unwrap();
    assert!(metrics.contains("reconciled_registrations_stuck{merchant=\"shop\"} 2"), "{metrics}");
    let page = tokio::task::spawn_blocking(move || child::request(address, "GET /", "")).await.unwrap().unwrap();
    assert!(page.contains("2 registrations of shop: the bank does not tell whether it has"), "{page}");

    let id = |number: &str| {
        let orders = world.bank.bank().orders();
        orders.into_iter().find(|order| order.order_number == number).unwrap().order_id
    };
    let run = |arguments: &[&str]| {
        let ran = tokio::task::block_in_place(|| crate::schedule::reconciled(&world, arguments));
        let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        (ran.status.code(), text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (_, status) = run(&["status"]);
    assert!(
        status.contains("2 registrations stuck, the oldest for") && status.contains("registrations open 2,"),
        "{status}"
    );
    let (_, listed) = run(&["registration", "list"]);
    assert!(listed.contains("stuck") && listed.contains("registration settle"), "{listed}");
    let why = ["--reason", "seen in the console"];
    let (code, said) = run(&[&["registration", "settle", "after"][..], &why].concat());
    assert_eq!(code, Some(64), "{said}");
    let taken = id("before");
    let (code, said) = run(&[&["registration", "settle", "after", "--order-id", &taken][..], &why].concat());
    assert!(code == Some(1) && said.contains("belongs to order before"), "{said}");
    let (code, said) = run(&[&["registration", "settle", "after", "--order-id", &id("after")][..], &why].concat());
    assert!(code == Some(0) && said.contains("registered and queued"), "{said}");
    let row = settled(daemon.store(), "after").await;
    assert!(row.state == State::Registered && row.note.as_deref().unwrap().contains("seen in the console"), "{row:?}");
    let queued = crate::fixture::wait_for(daemon.store(), "after", |found| found.order.view.is_some()).await;
    assert_eq!(queued.order_id.unwrap().as_str(), id("after"), "the bank is asked about it by its id");
    let (code, said) = run(&[&["registration", "settle", "after", "--none"][..], &why].concat());
    assert!(code == Some(1) && said.contains("registered already"), "{said}");

    // The shop knows its id by now, or a callback told it.
    let known = NewOrder { order_id: Some(OrderId::new(&id("queued")).unwrap()), ..order("queued", 10_000) };
    crate::fixture::add(daemon.store(), vec![known]).await;
    let row = settled(daemon.store(), "queued").await;
    assert_eq!((row.state, row.order_id.unwrap().as_str()), (State::Registered, &id("queued")[..]));
    daemon.stop().await;
}

/// Whoever waits at the command line hears what the daemon has heard, and where to look further.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_why_it_still_waits() {
    let settings = Settings { login: Some("shop-api:another".parse().unwrap()), ..Settings::default() };
    let world = World::new(settings, HASTE).await;
    let daemon = world.daemon().await;
    let run = |wait: &str| {
        let sale = ["--number", "A-1", "--amount", "100", "--return-url", "https://shop.example/", "--wait", wait];
        let arguments = [&["order", "register"][..], &sale].concat();
        let ran = tokio::task::block_in_place(|| crate::schedule::reconciled(&world, &arguments));
        let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    while daemon.store().login_refusal(&shop()).await.unwrap().is_none() {
        run("1");
    }
    let mut told = run("5");
    // The first one was refused by the bank's own word; nothing is sent from then on.
    if told.contains("not registered") {
        told = run("5");
    }
    for words in ["so far", "errorCode 5", "reconciled login show"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    daemon.stop().await;
}
