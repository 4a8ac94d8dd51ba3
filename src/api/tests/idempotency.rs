//! `Idempotency-Key`: done once, and answered alike however often it is sent.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Face, TOKEN, authorization};
use crate::domain::claim::RequestKey;
use crate::domain::order::{Hold, MerchantId, Order, State};
use crate::domain::token::Scope;
use crate::store::{Amendment, Claimed, NewClaim, fingerprint};

const ORDERS: &str = "/v1/orders";

fn order(number: &str) -> String {
    json!({ "merchant": "shop", "order_number": number, "amount": 1050 }).to_string()
}

fn lines(count: usize) -> String {
    (0..count).map(|nth| order(&format!("L-{nth}")) + "\n").collect()
}

impl Face {
    async fn keyed(&self, key: &str, path: &str, body: &str) -> Answer {
        self.keyed_as(TOKEN, key, "application/json", path, body).await
    }

    async fn keyed_as(&self, token: &str, key: &str, kind: &str, path: &str, body: &str) -> Answer {
        let headers = format!("{}content-type: {kind}\r\nidempotency-key: {key}\r\n", authorization(token));
        self.request(&format!("POST {path}"), &headers, body).await
    }

    /// Claims a key for a request and leaves it, as a process that dies does.
    async fn claim_and_die(&self, key: &str, path: &str, body: &str) -> Claimed {
        let key = RequestKey::from_header(key.as_bytes()).unwrap();
        let fingerprint = fingerprint("POST", path.strip_prefix("/v1").unwrap(), body.as_bytes());
        let new = NewClaim { token: None, key, fingerprint, is_money: path != ORDERS };
        self.api.store.claim(new, self.api.clock.now()).await.unwrap()
    }

    /// An order that is held, to be completed once it is released.
    async fn with_held(number: &str) -> Self {
        let face = Self::open().await;
        assert_eq!(face.post(ORDERS, &order(number)).await.status, 201);
        let now = face.api.clock.now();
        let key = face.api.store.order(&MerchantId::new("shop").unwrap(), number).await.unwrap().order.key;
        let lapses_at = now.plus(Duration::from_secs(3_600));
        let decide = move |order: &Order, _: Option<&_>| {
            let hold = Some(Hold { held_at: now, begun_at: now, lapses_at });
            let order = Order { state: State::Held, hold, ..order.clone() };
            Amendment { order: Some(order), ..Amendment::nothing(()) }
        };
        face.api.store.amend(key, now, decide).await.unwrap();
        face
    }

    async fn kinds(&self, number: &str) -> Vec<String> {
        let shown = self.get(&format!("/v1/orders/shop/{number}")).await.json();
        let kind = |event: &Value| event["kind"].as_str().unwrap().to_owned();
        shown["events"].as_array().unwrap().iter().map(kind).collect()
    }
}

fn refused_as(answer: &Answer, status: u16, word: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.problem()["type"], format!("urn:reconciled:problem:{word}"));
}

/// Two requests after one another with the same key, and whether the second one has the first one's answer.
#[tokio::test]
async fn a_request_that_is_sent_again_has_the_same_answer() {
    let face = Face::open().await;
    let (json, ndjson) = ("application/json", "application/x-ndjson");
    let (one, changed, array, no_order) =
        (order("A-1"), order("A-2"), format!("[{}]", order("A-3")), "{\"amount\": 1}");
    let (few, many) = (lines(3), lines(3_000));
    let table = [
        ("an order", json, one.as_str(), 201, one.as_str(), "the same"),
        ("another order", json, &one, 200, &changed, "another"),
        ("an array", json, &array, 200, &array, "the same"),
        ("lines", ndjson, &few, 200, &few, "the same"),
        ("lines whose answer is too long to be kept", ndjson, &many, 200, &many, "done again"),
        ("no JSON", json, "{", 400, "{", "the same"),
        ("no order", json, no_order, 422, no_order, "the same"),
    ];
    for (nth, (case, kind, first, status, second, expected)) in table.into_iter().enumerate() {
        let key = format!("key-{nth}");
        let before = face.keyed_as(TOKEN, &key, kind, ORDERS, first).await;
        assert_eq!(before.status, status, "{case}: {before:?}");
        let after = face.keyed_as(TOKEN, &key, kind, ORDERS, second).await;
        match expected {
            "the same" => {
                assert_eq!((after.status, &after.body), (status, &before.body), "{case}");
                let kind = |answer: &Answer| {
                    answer.head.lines().find(|line| line.starts_with("content-type:")).map(str::to_owned)
                };
                assert_eq!(kind(&after), kind(&before), "{case}");
            }
            "another" => refused_as(&after, 422, "key_of_another_request"),
            _ => assert_eq!((after.status, after.body.contains("exists")), (status, true), "{case}"),
        }
    }
    // Without a key it is asked anew, and the quoted form is the same key.
    assert_eq!(face.post(ORDERS, &one).await.status, 200);
    assert_eq!(face.keyed("\"key-0\"", ORDERS, &one).await.status, 201);
    // A key is one of all routes.
    refused_as(&face.keyed("key-0", "/v1/orders/shop/A-1/park", "").await, 422, "key_of_another_request");
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_is_done() {
    let face = Face::open().await;
    for key in ["", "\"\"", "\"open", "two words", "\u{43a}", &"k".repeat(256), "a\r\nidempotency-key: b"] {
        refused_as(&face.keyed(key, ORDERS, &order("A-1")).await, 400, "not_a_key");
    }
    assert_eq!(face.get("/v1/orders/shop/A-1").await.status, 404);
    // Nobody reads it where nothing is done.
    let headers = format!("{}idempotency-key: two words\r\n", authorization(TOKEN));
    assert_eq!(face.request("GET /v1/orders", &headers, "").await.status, 200);
}

#[tokio::test]
async fn a_key_is_its_tokens_own() {
    let face = Face::open().await;
    let till = face.grant("till", &[Scope::OrdersWrite], None).await;
    let json = "application/json";
    assert_eq!(face.keyed("key", ORDERS, &order("A-1")).await.status, 201);
    assert_eq!(face.keyed_as(&till, "key", json, ORDERS, &order("A-2")).await.status, 201);
    assert_eq!(face.keyed_as(&till, "key", json, ORDERS, &order("A-2")).await.status, 201);
    // The scope is asked for before the key.
    assert_eq!(face.keyed_as(&till, "key", json, "/v1/orders/shop/A-1/park", "").await.status, 403);
}

/// The face answers after a while that it does not know yet, since no daemon asks the bank here.
#[tokio::test]
async fn a_request_in_hand_is_not_done_twice_at_once() {
    let face = Face::open().await;
    let path = "/v1/registrations";
    let body = json!({ "merchant": "shop", "order_number": "R-1", "amount": 5, "return_url": "https://shop.example/" });
    let body = body.to_string();
    let again = async {
        while face.get("/v1/registrations/shop/R-1").await.status != 200 {
            tokio::task::yield_now().await;
        }
        refused_as(&face.keyed("key", path, &body).await, 409, "key_in_hand");
        refused_as(&face.keyed("key", path, "{}").await, 422, "key_of_another_request");
        assert_eq!(face.keyed("another", ORDERS, &order("A-1")).await.status, 201, "others go on");
    };
    let (first, ()) = tokio::join!(face.keyed("key", path, &body), again);
    assert_eq!(first.status, 202, "{first:?}");
    // What is only so for now is not kept.
    refused_as(&face.keyed("key", path, "{").await, 400, "not_json");
}

#[tokio::test]
async fn of_two_at_once_one_is_worked_on() {
    let face = Face::open().await;
    for nth in 0..20 {
        let (key, body) = (format!("key-{nth}"), order(&format!("A-{nth}")));
        let (one, other) = tokio::join!(face.keyed(&key, ORDERS, &body), face.keyed(&key, ORDERS, &body));
        let (first, second) = if one.status == 201 { (one, other) } else { (other, one) };
        assert_eq!(first.status, 201, "{first:?}");
        match second.status {
            409 => refused_as(&second, 409, "key_in_hand"),
            _ => assert_eq!((second.status, &second.body), (201, &first.body)),
        }
    }
}

/// A caller that goes away stops nothing half-way.
#[tokio::test]
async fn what_was_begun_is_done_though_its_caller_is_gone() {
    use tokio::io::AsyncWriteExt;
    let face = Face::open().await;
    let body = order("A-1");
    let head = format!(
        "POST {ORDERS} HTTP/1.1\r\nhost: test\r\n{}content-type: application/json\r\nidempotency-key: key\r\ncontent-length: {}\r\n\r\n",
        authorization(TOKEN),
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(face.address).await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    drop(stream);
    let answer = loop {
        let answer = face.keyed("key", ORDERS, &body).await;
        if answer.status != 409 {
            break answer;
        }
    };
    // Whether the first one was read before its caller was gone nobody knows: once it is done in either case.
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(face.kinds("A-1").await, ["added"]);
}

/// A claim without an answer is of a process that died, and locks nobody out.
#[tokio::test]
async fn a_claim_of_an_earlier_life_is_taken_over() {
    let face = Face::open().await;
    assert!(matches!(face.claim_and_die("key", ORDERS, &order("A-1")).await, Claimed::Ours(_)));
    refused_as(&face.keyed("key", ORDERS, &order("A-2")).await, 422, "key_of_another_request");
    // It had not come to it, or it had: both are answered, and the order is there once.
    assert_eq!(face.keyed("key", ORDERS, &order("A-1")).await.status, 201);
    face.claim_and_die("other", ORDERS, &order("A-1")).await;
    let exists = face.keyed("other", ORDERS, &order("A-1")).await;
    assert_eq!((exists.status, exists.json()["result"].as_str()), (200, Some("exists")));
    assert_eq!(face.kinds("A-1").await, ["added"]);
}

/// The answer is on disk with what it tells of: after that a crash before it is sent changes nothing.
#[tokio::test]
async fn an_act_and_its_answer_are_one_commit() {
    let face = Face::with_held("A-1").await;
    let (park, release) = ("/v1/orders/shop/A-1/park", "/v1/orders/shop/A-1/release");
    let parked = face.keyed("park", park, "").await;
    assert_eq!((parked.status, parked.json()["parked"].clone()), (200, json!(true)));
    let released = face.keyed("release", release, "{\"amount\": 1000}").await;
    assert_eq!((released.status, released.json()["complete_amount"].clone()), (200, json!(1000)));
    // As they were, though the order is another one by now.
    for (key, path, body, first) in [("park", park, "", &parked), ("release", release, "{\"amount\": 1000}", &released)]
    {
        let again = face.keyed(key, path, body).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "{key}");
        // Whoever takes the claim over finds the answer there.
        assert!(matches!(face.claim_and_die(key, path, body).await, Claimed::Replied(_)), "{key}");
    }
    assert_eq!(face.kinds("A-1").await, ["added", "parked", "released"]);
    // A refusal changes nothing, and is kept as well.
    let words = json!({ "by": "ivan", "reason": "asked" }).to_string();
    for _ in 0..2 {
        let refused = face.keyed("refund", "/v1/orders/shop/A-1/refund", &words).await;
        refused_as(&refused, 409, "nothing_taken");
    }
    let reversed = face.keyed("reverse", "/v1/orders/shop/A-1/reverse", &words).await;
    assert_eq!(reversed.status, 200, "{reversed:?}");
    assert_eq!(face.keyed("reverse", "/v1/orders/shop/A-1/reverse", &words).await.body, reversed.body);
}
