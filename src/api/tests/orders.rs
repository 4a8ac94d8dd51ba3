//! Handing in orders and asking after them.

use serde_json::{Value, json};

use super::{Face, TOKEN, authorization, config};
use crate::domain::answer::KeptAnswer;
use crate::domain::event::{Cause, EventKind, NewEvent};
use crate::domain::operation::Operation;
use crate::domain::order::{MerchantId, Order};
use crate::store::Amendment;

const A1: &str = r#"{"merchant": "shop", "order_number": "A-1", "amount": 1050}"#;

#[tokio::test]
async fn nothing_under_v1_is_answered_without_the_token() {
    let face = Face::open().await;
    let table = [
        ("", 401),
        ("authorization: Bearer\r\n", 401),
        ("authorization: Bearer \r\n", 401),
        ("authorization: Basic YTpi\r\n", 401),
        (&authorization("another token of some length"), 401),
        (&authorization(&TOKEN[1..]), 401),
        (&authorization(&format!("{TOKEN}s")), 401),
        (&authorization(TOKEN), 200),
        (&authorization(TOKEN).replace("Bearer", "bearer"), 200),
    ];
    for (headers, status) in table {
        let answer = face.request("GET /v1/orders", headers, "").await;
        assert_eq!(answer.status, status, "{headers:?}");
        if status == 401 {
            answer.problem();
            assert!(answer.head.contains("www-authenticate: Bearer"), "{answer:?}");
        }
    }
    for line in ["GET /v1/nothing", "DELETE /v1/orders", "POST /v1/orders", "POST /v1/orders/shop/A/release"] {
        assert_eq!(face.request(line, "", "").await.status, 401, "{line}");
    }
    for path in ["/metrics", "/healthz"] {
        assert_eq!(face.request(&format!("GET {path}"), "", "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn without_a_token_in_the_configuration_the_api_is_closed() {
    let face = Face::open().await;
    face.reload.send_replace(config(&face.directory, "").into());
    let answer = face.post("/v1/orders", A1).await;
    assert_eq!(answer.status, 403);
    assert!(answer.problem()["detail"].as_str().unwrap().contains("`api_token`"), "{answer:?}");
}

#[tokio::test]
async fn an_order_is_taken_once_and_readable_at_once() {
    let face = Face::open().await;
    let table = [
        (A1, 201, "added"),
        (A1, 200, "exists"),
        (
            r#"{"merchant": "kiosk", "order_number": "A-1", "amount": 7, "currency": "EUR", "order_id": "id-1"}"#,
            201,
            "added",
        ),
    ];
    for (body, status, result) in table {
        let answer = face.post("/v1/orders", body).await;
        assert_eq!((answer.status, &answer.json()["result"]), (status, &json!(result)), "{answer:?}");
        let order = face.get("/v1/orders/shop/A-1").await.json();
        assert_eq!((&order["state"], &order["amount"]), (&json!("pending"), &json!(1050)));
    }
    let order = face.get("/v1/orders/kiosk/A-1").await.json();
    assert_eq!((&order["currency"], &order["currency_alpha"]), (&json!("978"), &json!("EUR")));
    assert_eq!((&order["order_id"], &order["operation"]), (&json!("id-1"), &Value::Null));
    let events = order["events"].as_array().unwrap();
    assert_eq!((events.len(), &events[0]["kind"], &events[0]["cause"]), (1, &json!("added"), &json!("shop")));
    assert!(events[0]["at"].as_str().unwrap().ends_with('Z'));
}

/// Whatever went on with an order for years, it is read by pages.
#[tokio::test]
async fn an_orders_journal_comes_in_pages() {
    let face = Face::open().await;
    face.post("/v1/orders", A1).await;
    let found = face.api.store.order(&MerchantId::new("shop").unwrap(), "A-1").await.unwrap();
    let restless = |order: &Order, _: Option<&Operation>| {
        let (before, after) = (order.state, order.state);
        let parked = NewEvent { kind: EventKind::Parked, cause: Cause::Shop, before, after, detail: String::new() };
        Amendment { events: vec![parked; 1_100], ..Amendment::nothing(()) }
    };
    face.api.store.amend(found.order.key, face.api.clock.now(), restless).await.unwrap();
    let (mut path, mut counts, mut last) = ("/v1/orders/shop/A-1".to_owned(), Vec::new(), 0);
    loop {
        let page = face.get(&path).await.json();
        let events = page["events"].as_array().unwrap();
        counts.push(events.len());
        for event in events {
            assert!(event["seq"].as_i64().unwrap() > last, "{event}");
            last = event["seq"].as_i64().unwrap();
        }
        let Some(next) = page["events_next"].as_i64() else { break };
        path = format!("/v1/orders/shop/A-1?events_after={next}");
    }
    assert_eq!(counts, [1_000, 101]);
    for wrong in ["events_after=x", "events_after=-1", "after=1"] {
        assert_eq!(face.get(&format!("/v1/orders/shop/A-1?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_banks_answer_is_read_whole_once_there_is_one() {
    const PATH: &str = "/v1/orders/shop/A-1/answer";
    let face = Face::open().await;
    face.post("/v1/orders", A1).await;

    let none = face.get(PATH).await;
    assert_eq!(none.status, 404);
    assert!(none.problem()["detail"].as_str().unwrap().contains("no answer of the bank"), "{none:?}");
    let (merchant, now) = (MerchantId::new("shop").unwrap(), face.api.clock.now());
    let key = face.api.store.order(&merchant, "A-1").await.unwrap().order.key;
    let answer = KeptAnswer::new(r#"{"orderStatus":1,"paymentWay":"CARD"}"#.to_owned());
    let heard = |_: &Order, _: Option<&_>| Amendment { answer, ..Amendment::nothing(()) };
    face.api.store.amend(key, now, heard).await.unwrap();
    let found = face.get(PATH).await.json();
    assert_eq!(found, json!({"seen_at": now.to_string(), "answer": {"orderStatus": 1, "paymentWay": "CARD"}}));
    assert_eq!(face.get("/v1/orders/shop/B-1/answer").await.status, 404);
    assert_eq!(face.request(&format!("GET {PATH}"), "", "").await.status, 401);
}

#[tokio::test]
async fn an_order_that_meets_another_is_a_conflict() {
    let face = Face::open().await;
    face.post("/v1/orders", r#"{"merchant": "shop", "order_number": "A-1", "amount": 1050, "order_id": "id-1"}"#).await;
    let table = [
        (r#"{"merchant": "shop", "order_number": "A-1", "amount": 1051}"#, "exists_with_different_amount"),
        (
            r#"{"merchant": "shop", "order_number": "A-1", "amount": 1050, "currency": "EUR"}"#,
            "exists_with_different_amount",
        ),
        (r#"{"merchant": "shop", "order_number": "A-2", "amount": 1, "order_id": "id-1"}"#, "order_id_taken"),
    ];
    for (body, word) in table {
        let answer = face.post("/v1/orders", body).await;
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(answer.problem()["type"], format!("urn:reconciled:problem:{word}"));
        let answer = face.post("/v1/orders", &format!("[{body}]")).await;
        assert_eq!((answer.status, &answer.json()["results"][0]["result"]), (200, &json!(word)));
    }
    assert_eq!(face.get("/v1/orders/shop/A-2").await.status, 404);
}

#[tokio::test]
async fn an_order_is_refused_with_everything_that_is_wrong_with_it() {
    let face = Face::open().await;
    let body = r#"{"merchant": "shop", "order_number": "", "amount": 10.5, "currency": "gold", "color": 1}"#;
    let answer = face.post("/v1/orders", body).await;
    assert_eq!(answer.status, 422);
    let problem = answer.problem();
    let words: Vec<(&str, &str)> = problem["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["field"].as_str().unwrap(), problem["code"].as_str().unwrap()))
        .collect();
    let expected = [
        ("color", "unknown_field"),
        ("order_number", "missing"),
        ("amount", "not_minor_units"),
        ("currency", "unknown_currency"),
    ];
    assert_eq!(words, expected);
    assert_eq!(face.get("/v1/orders").await.json()["orders"], json!([]));
}

#[tokio::test]
async fn a_refused_order_takes_nothing_of_its_neighbours_with_it() {
    let face = Face::open().await;
    let body = r#" [
        {"merchant": "shop", "order_number": "B-1", "amount": 1},
        {"merchant": "shop", "order_number": "B-2", "amount": 1.5},
        null,
        {"merchant": "shop", "order_number": "B-1", "amount": 1},
        {"merchant": "shop", "order_number": "B-1", "amount": 2},
        {"merchant": "kiosk", "order_number": "B-1", "amount": 2}
    ]"#;
    let answer = face.post("/v1/orders", body).await;
    assert_eq!(answer.status, 200);
    let results = answer.json()["results"].as_array().unwrap().clone();
    let words: Vec<&str> = results.iter().map(|result| result["result"].as_str().unwrap()).collect();
    assert_eq!(words, ["added", "refused", "refused", "exists", "exists_with_different_amount", "added"]);
    assert_eq!((&results[1]["order_number"], &results[1]["problems"][0]["field"]), (&json!("B-2"), &json!("amount")));
    assert_eq!(results[4]["queued_amount"], 1);
    let metrics = face.get("/metrics").await.body;
    assert!(metrics.contains("reconciled_orders_added_total{merchant=\"shop\"} 1\n"), "{metrics}");
    assert!(metrics.contains("reconciled_orders_added_total{merchant=\"kiosk\"} 1\n"), "{metrics}");
    assert_eq!(face.post("/v1/orders", "[]").await.json(), json!({"results": []}));
}

#[tokio::test]
async fn a_thousand_orders_are_taken_at_once_and_one_more_is_not() {
    let face = Face::open().await;
    let orders = |count: usize| {
        let order = |number: usize| format!(r#"{{"merchant": "shop", "order_number": "C-{number}", "amount": 1}}"#);
        format!("[{}]", (0..count).map(order).collect::<Vec<_>>().join(","))
    };
    let answer = face.post("/v1/orders", &orders(1_001)).await;
    assert_eq!(answer.status, 413);
    answer.problem();
    let answer = face.post("/v1/orders", &orders(1_000)).await;
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1_000);
    let page = face.get("/v1/orders?limit=1000").await.json();
    assert_eq!(page["orders"].as_array().unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_list_comes_in_pages_that_miss_nothing() {
    let face = Face::open().await;
    let order = |number| format!(r#"{{"merchant": "shop", "order_number": "D-{number}", "amount": 1}}"#);
    let orders: Vec<String> = (0..5).map(order).collect();
    face.post("/v1/orders", &format!("[{}]", orders.join(","))).await;
    face.post("/v1/orders", r#"{"merchant": "kiosk", "order_number": "E", "amount": 1}"#).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = face.get(&format!("/v1/orders?merchant=shop&state=pending&limit=2{after}")).await.json();
        let numbers = page["orders"].as_array().unwrap().iter().map(|order| order["order_number"].to_string());
        seen.extend(numbers);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.join(" "), r#""D-0" "D-1" "D-2" "D-3" "D-4""#);
    assert_eq!(face.get("/v1/orders?state=held").await.json(), json!({"orders": [], "next": null}));
}

#[tokio::test]
async fn questions_that_cannot_be_meant_are_refused() {
    let face = Face::open().await;
    for query in
        ["state=paid", "limit=0", "limit=1001", "limit=x", "after=7", "after=o-1", "merchant=Ä", "merchan=shop"]
    {
        let answer = face.get(&format!("/v1/orders?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        answer.problem();
    }
    for path in ["/v1/orders/shop/none", "/v1/orders/Shop/A", "/v1/orders/other/A"] {
        let answer = face.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.problem();
    }
    let answer = face.get("/v1/orders/shop/%FF").await;
    assert_eq!(answer.status, 400);
    answer.problem();
}

#[tokio::test]
async fn an_order_number_may_be_anything_printable() {
    let face = Face::open().await;
    let body = json!({"merchant": "shop", "order_number": "заказ №1/2 50%?", "amount": 1}).to_string();
    assert_eq!(face.post("/v1/orders", &body).await.status, 201);
    let path = "/v1/orders/shop/%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7%20%E2%84%961%2F2%2050%25%3F";
    assert_eq!(face.get(path).await.json()["order_number"], "заказ №1/2 50%?");
}
