//! The daemon and the sandbox over REST and over SOAP: whatever is asked for, both books end in the same on either
//! wire.

use std::net::SocketAddr;

use reconciled::daemon::Daemon;
use reconciled::domain::operation::{OperationKind as Kind, OperationState};
use reconciled::domain::order::State;
use reconciled::sandbox::{Effect, Entry, Operation as Asked, Settings};
use reconciled::store::OrderWithOperation;
use serde_json::{Value, json};

use crate::child;
use crate::fixture::{HASTE, World, add, order, shop, wait_for};
use crate::schedule::reconciled;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Rest,
    Soap,
}

const BOTH: [Wire; 2] = [Wire::Rest, Wire::Soap];

/// A bank with `settings`, and a daemon that speaks to it over `wire`. `tables` may begin with keys of the merchant's
/// own.
async fn opened(wire: Wire, settings: Settings, tables: &str) -> (World, Daemon) {
    let word = if wire == Wire::Soap { "soap" } else { "rest" };
    let world = World::new(settings, &format!("protocol = \"{word}\"\n{tables}")).await;
    let gateway = if wire == Wire::Soap { world.bank.soap_url() } else { world.bank.rest_url() };
    let daemon = Daemon::start(world.config_behind(&gateway)).await.unwrap();
    (world, daemon)
}

async fn ask(address: SocketAddr, what: &str, body: &Value) -> (u16, Value) {
    let (what, body) = (what.to_owned(), body.to_string());
    let answer = tokio::task::spawn_blocking(move || child::request(address, &what, &body)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

/// An order of 100.00 in two phases, with `members` besides.
fn sale(members: &Value) -> Value {
    let mut sale = json!({
        "order_number": "A-1", "amount": 10_000, "two_phase": true, "return_url": "https://shop.example/?a=1&b=<2>",
        "description": "Чай & \"co\"", "params": {"colour": "<red>", "size": ""},
    });
    sale.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    sale
}

/// Registers it through the daemon; the gateway's id.
async fn registered(daemon: &Daemon, sale: &Value) -> String {
    let (status, answer) = ask(daemon.address(), "POST /v1/registrations", sale).await;
    assert_eq!((status, &answer["state"]), (201, &json!("registered")), "{answer}");
    let id = answer["order_id"].as_str().unwrap().to_owned();
    assert!(answer["form_url"].as_str().unwrap().contains(&id), "{answer}");
    id
}

/// Everything that changed something: what was asked of the bank, and what came of it there.
fn done_at(world: &World) -> (Vec<Asked>, Vec<Effect>) {
    let ledger = world.bank.bank().ledger();
    let asked = ledger.iter().filter_map(|line| match &line.entry {
        Entry::Request(request) if request.operation != Asked::Status => Some(request.operation),
        Entry::Request(_) | Entry::Effect(_) => None,
    });
    let effects = ledger.iter().filter_map(|line| match &line.entry {
        Entry::Effect(effect) => Some(effect.effect),
        Entry::Request(_) => None,
    });
    (asked.collect(), effects.collect())
}

pub(crate) fn settled(kind: Kind) -> impl Fn(&OrderWithOperation) -> bool {
    move |found| {
        let is = |state, of| (state, of) == (OperationState::Confirmed, kind);
        found.operation.as_ref().is_some_and(|operation| is(operation.state, operation.kind))
    }
}

/// One way of an order.
struct Way {
    what: &'static str,
    tables: String,
    /// What is registered besides.
    members: Value,
    /// What a person orders once `first` is settled, and what that is.
    ordered: Option<(&'static [&'static str], Kind)>,
    /// What the daemon does by itself.
    first: Option<Kind>,
    /// Where the order ends.
    state: State,
    /// At the bank: status, deposited, refunded.
    bank: (u8, i64, i64),
    /// What was asked of the bank to change something, and what came of it beside the registration and the payment.
    asked: &'static [Asked],
    effects: &'static [Effect],
}

fn ways() -> Vec<Way> {
    let on_release = HASTE.replace("when = \"after\"\ndelay = \"100ms\"", "when = \"release\"");
    let at_deadline = format!(
        "{on_release}[merchant.hold]\nlifetime = \"1m\"\nwarn_at = [\"59s\"]\nact_before = \"59s\"\nat_deadline = \"reverse\"\n"
    );
    let completed = || Way {
        what: "autoCompletion of all of it",
        tables: HASTE.to_owned(),
        members: json!({}),
        ordered: None,
        first: Some(Kind::Completion),
        state: State::Deposited,
        bank: (2, 10_000, 0),
        asked: &[Asked::RegisterPreAuth, Asked::Completion],
        effects: &[Effect::Completed],
    };
    vec![
        completed(),
        Way {
            what: "autoCompletion of a part",
            members: json!({ "complete_amount": 6_000 }),
            bank: (2, 6_000, 0),
            ..completed()
        },
        Way {
            what: "deposit",
            tables: format!("completion_method = \"deposit\"\n{HASTE}"),
            asked: &[Asked::RegisterPreAuth, Asked::Deposit],
            ..completed()
        },
        Way {
            what: "reversed at its deadline",
            tables: at_deadline,
            first: Some(Kind::Reversal),
            state: State::Reversed,
            bank: (3, 0, 0),
            asked: &[Asked::RegisterPreAuth, Asked::Reversal],
            effects: &[Effect::Reversed],
            ..completed()
        },
        Way {
            what: "reversed by a person",
            tables: on_release,
            first: None,
            ordered: Some((&["order", "reverse", "A-1", "--reason", "sold out"], Kind::Reversal)),
            state: State::Reversed,
            bank: (3, 0, 0),
            asked: &[Asked::RegisterPreAuth, Asked::Reversal],
            effects: &[Effect::Reversed],
            ..completed()
        },
        Way {
            what: "refunded in part by a person",
            ordered: Some((&["order", "refund", "A-1", "--amount", "3000", "--reason", "one broke"], Kind::Refund)),
            state: State::Refunded,
            bank: (4, 10_000, 3_000),
            asked: &[Asked::RegisterPreAuth, Asked::Completion, Asked::Refund],
            effects: &[Effect::Completed, Effect::Refunded],
            ..completed()
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_every_way_to_the_same_end_over_both_wires() {
    for way in ways() {
        for wire in BOTH {
            let what = format!("{} over {wire:?}", way.what);
            let (world, daemon) = opened(wire, Settings::default(), &way.tables).await;
            let id = registered(&daemon, &sale(&way.members)).await;
            world.bank.bank().pay(&id).unwrap();
            let held_or_past = |found: &OrderWithOperation| found.order.state != State::Pending;
            let mut last = wait_for(daemon.store(), "A-1", held_or_past).await;
            if let Some(first) = way.first {
                last = wait_for(daemon.store(), "A-1", settled(first)).await;
            }
            if let Some((words, kind)) = way.ordered {
                let ran = tokio::task::block_in_place(|| reconciled(&world, words));
                assert!(ran.status.success(), "{what}: {ran:?}");
                last = wait_for(daemon.store(), "A-1", settled(kind)).await;
            }
            assert_eq!(last.state, way.state, "{what}");
            assert_eq!(last.order_id.unwrap().as_str(), id, "{what}");
            let bank = world.bank.bank().order(&id).unwrap();
            assert_eq!((bank.status, bank.deposited_minor, bank.refunded_minor), way.bank, "{what}");
            let (asked, effects) = done_at(&world);
            let effects: Vec<_> =
                effects.into_iter().filter(|effect| !matches!(effect, Effect::Registered | Effect::Held)).collect();
            assert_eq!((&asked[..], &effects[..]), (way.asked, way.effects), "{what}");
            daemon.stop().await;
        }
    }
}

/// The documents' own cart (registerOrderPreAuth, "Request example"), and everything else that has a place on both
/// wires.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_with_everything_in_it_is_the_same_order_at_the_bank() {
    let full = sale(&json!({
        "fail_url": "https://shop.example/fail", "language": "en", "page_view": "MOBILE", "client_id": "117",
        "email": "ivan@example.com", "tax_system": 0, "features": ["FORCE_TDS"], "session_timeout_secs": 600,
        "billing_payer_data": {"billingCity": "Nizhny Novgorod", "billingCountry": "RU"},
        "additional_ofd_params": {
            "agent_info.type": 7, "supplier_info.phones": ["+79123456788", "+79123456789"], "client.email": "a@b.example",
        },
        "order_bundle": {
            "customerDetails": {
                "phone": "+79123456789", "inn": "516974792202", "passport": "4507 443564",
                "deliveryInfo": {"country": "RU", "city": "Moscow", "postAddress": "Arbat 1"},
            },
            "cartItems": {"items": [
                {"positionId": 1, "name": "SMALL <&> ж", "itemCode": "270_235.00", "itemPrice": 4_000,
                    "itemDetails": {"itemDetailsParams": [{"name": "colour", "value": "red"}]},
                    "quantity": {"value": 1.5, "measure": "kg"}, "tax": {"taxType": 0, "taxSum": 0},
                    "itemAttributes": {"attributes": [
                        {"name": "paymentMethod", "value": 1}, {"name": "paymentObject", "value": 1},
                        {"name": "agent_info.type", "value": 7},
                        {"name": "supplier_info.phones", "value": "+79123456789"},
                    ]}},
                {"positionId": 2, "name": "LARGE", "itemCode": "271", "itemPrice": 4_000, "itemAmount": 4_000,
                    "quantity": {"value": 1, "measure": "pcs"}},
            ]},
        },
    }));
    let mut kept = Vec::new();
    for wire in BOTH {
        let (world, daemon) = opened(wire, Settings::default(), HASTE).await;
        let id = registered(&daemon, &full).await;
        world.bank.bank().pay(&id).unwrap();
        wait_for(daemon.store(), "A-1", settled(Kind::Completion)).await;
        let shown = tokio::task::block_in_place(|| reconciled(&world, &["order", "show", "A-1", "--raw"]));
        let answer: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let members = [
            "orderNumber",
            "orderStatus",
            "amount",
            "currency",
            "orderDescription",
            "merchantOrderParams",
            "orderBundle",
            "paymentAmountInfo",
            "bindingInfo",
        ];
        kept.push(members.map(|name| (name, answer[name].clone())));
        let view = world.bank.bank().order(&id).unwrap();
        assert_eq!((view.two_phase, view.deposited_minor, view.currency), (true, 10_000, "643"), "{wire:?}");
        daemon.stop().await;
    }
    let [rest, soap] = &kept[..] else { panic!("two wires") };
    for (rest, soap) in rest.iter().zip(soap) {
        assert_eq!(rest, soap);
    }
    assert!(
        rest.iter().any(|(name, value)| *name == "orderBundle" && value["cartItems"]["items"][1]["name"] == "LARGE")
    );
}

/// What is kept of an answer has one shape: a script that reads `--raw` reads it over either wire. The same order, with
/// all that can be said of one, is asked about over both.
#[tokio::test(flavor = "multi_thread")]
async fn both_wires_keep_the_same_document_of_the_same_order() {
    let full = sale(&json!({
        "email": "ivan@example.com", "client_id": "117", "post_address": "Arbat 1",
        "params": {"sbrf_spasibo:amount_bonus": "1000"},
        "order_bundle": {
            "orderCreationDate": "2026-11-20T14:03:05",
            "customerDetails": {"phone": "+79123456789", "inn": "516974792202",
                "deliveryInfo": {"country": "RU", "city": "Moscow", "postAddress": "Arbat 1"}},
            "cartItems": {"items": [{"positionId": 1, "name": "SMALL", "itemCode": "270", "itemPrice": 4_000,
                "itemCurrency": "643", "quantity": {"value": 2.5, "measure": "kg"}, "tax": {"taxType": 6, "taxSum": 0},
                "itemDetails": {"itemDetailsParams": [{"name": "colour", "value": "red"}]},
                "itemAttributes": {"attributes": [{"name": "supplier_info.inn", "value": "287381373424"}]}}]},
        },
    }));
    let (world, daemon) = opened(Wire::Rest, Settings::default(), HASTE).await;
    let id = registered(&daemon, &full).await;
    world.bank.bank().pay(&id).unwrap();
    wait_for(daemon.store(), "A-1", settled(Kind::Completion)).await;
    daemon.stop().await;

    let mut kept = Vec::new();
    for wire in BOTH {
        let word = if wire == Wire::Soap { "soap" } else { "rest" };
        let gateway = if wire == Wire::Soap { world.bank.soap_url() } else { world.bank.rest_url() };
        let reader = World::new(Settings::default(), &format!("protocol = \"{word}\"\n{HASTE}")).await;
        let daemon = Daemon::start(reader.config_behind(&gateway)).await.unwrap();
        add(daemon.store(), vec![order("A-1", 10_000)]).await;
        wait_for(daemon.store(), "A-1", |found| found.order.state != State::Pending).await;
        let shown = tokio::task::block_in_place(|| reconciled(&reader, &["order", "show", "A-1", "--raw"]));
        kept.push(serde_json::from_slice::<Value>(&shown.stdout).unwrap());
        daemon.stop().await;
    }
    let [mut rest, soap] = <[Value; 2]>::try_from(kept).unwrap();
    assert!(rest["date"].is_i64() && rest["loyaltyInfos"][0]["paymentBonus"]["successful"] == true, "{rest}");
    // REST has the masked number twice, SOAP's type has it once.
    assert_eq!(
        rest["cardAuthInfo"].as_object_mut().unwrap().remove("pan"),
        Some(soap["cardAuthInfo"]["maskedPan"].clone())
    );
    assert_eq!(rest, soap);
}

/// What the bank says to it, by its code, and that the order waits.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_does_not_know_or_does_not_let_in_is_heard_the_same() {
    for wire in BOTH {
        for (login, code) in [("shop-api:any", "errorCode 6"), ("shop-api:another", "errorCode 5")] {
            let settings = Settings { login: Some(login.parse().unwrap()), ..Settings::default() };
            let (world, daemon) = opened(wire, settings, HASTE).await;
            add(daemon.store(), vec![order("nobody", 10_000)]).await;
            let heard = |found: &OrderWithOperation| found.order.heard.is_some();
            let found = wait_for(daemon.store(), "nobody", heard).await;
            let words = found.heard.unwrap().words;
            assert!(words.starts_with(code), "{wire:?} {login}: {words}");
            assert_eq!(found.state, State::Pending, "{wire:?} {login}");
            assert_eq!(done_at(&world), (Vec::new(), Vec::new()), "{wire:?} {login}");
            daemon.stop().await;
        }
    }
}

/// A number that is taken is asked about, and what the bank refuses is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_refused_the_same() {
    for wire in BOTH {
        let (world, daemon) = opened(wire, Settings::default(), HASTE).await;
        world.register("A-1", 501);
        let (status, problem) = ask(daemon.address(), "POST /v1/registrations", &sale(&json!({}))).await;
        assert_eq!((status, &problem["type"]), (422, &json!("urn:reconciled:problem:not_registered")), "{wire:?}");
        assert!(problem["detail"].as_str().unwrap().contains("501"), "{wire:?}: {problem}");
        daemon.store().order(&shop(), "A-1").await.unwrap_err();

        let elsewhere = json!({ "order_number": "A-2", "phone": "+79123456789" });
        let (status, answer) = ask(daemon.address(), "POST /v1/registrations", &sale(&elsewhere)).await;
        match wire {
            Wire::Rest => assert_eq!(status, 201, "{answer}"),
            Wire::Soap => assert!(status == 422 && answer.to_string().contains("SOAP interface"), "{answer}"),
        }
        daemon.stop().await;
    }
}

/// SOAP has no request to decline an order: none is ordered, and one that was ordered over REST ends unsent after a
/// reload.
#[tokio::test(flavor = "multi_thread")]
async fn a_decline_is_not_ordered_over_soap_and_one_ordered_before_ends_unsent() {
    const DECLINE: [&str; 5] = ["order", "decline", "A-1", "--reason", "sold out"];
    let (world, daemon) = opened(Wire::Soap, Settings::default(), HASTE).await;
    world.register("A-1", 10_000);
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    wait_for(daemon.store(), "A-1", |found| found.order.view.is_some()).await;
    let ran = tokio::task::block_in_place(|| reconciled(&world, &DECLINE));
    let words = String::from_utf8_lossy(&ran.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ran.status.code(), Some(1), "{words}");
    assert!(words.contains("no request for a decline") && words.contains("in the bank's console"), "{words}");
    let word = json!({ "reason": "sold out", "by": "olga" });
    let (status, problem) = ask(daemon.address(), "POST /v1/orders/shop/A-1/decline", &word).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:reconciled:problem:without_request")), "{problem}");
    assert_eq!(daemon.store().order(&shop(), "A-1").await.unwrap().operation, None);
    daemon.stop().await;

    let over_rest = std::fs::read_to_string(world.path()).unwrap();
    let over_rest = over_rest.replace("protocol = \"soap\"", "protocol = \"rest\"");
    std::fs::write(world.path(), over_rest.replace(&world.bank.soap_url(), &world.bank.rest_url())).unwrap();
    let ran = tokio::task::block_in_place(|| reconciled(&world, &DECLINE));
    assert!(ran.status.success(), "{ran:?}");
    let daemon = Daemon::start(world.config_behind(&world.bank.soap_url())).await.unwrap();
    let ended = |found: &OrderWithOperation| {
        found.operation.as_ref().is_some_and(|operation| operation.state == OperationState::Withdrawn)
    };
    wait_for(daemon.store(), "A-1", ended).await;
    let operation = daemon.store().order(&shop(), "A-1").await.unwrap().operation.unwrap();
    assert!(operation.note.unwrap().starts_with("not sent: the bank's SOAP interface has no request"));
    assert_eq!((operation.attempt, operation.sent_at), (0, None));
    let witness = std::fs::read_to_string(world.directory.path().join("data/reconciled.db.witness"));
    assert!(!witness.unwrap().contains("\tdecline\t"));
    daemon.stop().await;
}
