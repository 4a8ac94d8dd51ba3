//! Reviews over HTTP: what is read, what is tried, what is done, and by whom.

use serde_json::{Value, json};

use super::Face;
use crate::domain::bank::{BankAmounts, BankStatus, BankView};
use crate::domain::money::Currency;
use crate::domain::order::{Hold, MerchantId, Order, ReviewReason, SeenView, State};
use crate::store::Amendment;

const PATH: &str = "/v1/reviews/shop/A-1";

/// A face with A-1 of `shop` in review: held for 10.50, and the bank has it for 10.00.
pub(super) async fn with_review() -> Face {
    let face = Face::open().await;
    let added = face.post("/v1/orders", r#"{"merchant": "shop", "order_number": "A-1", "amount": 1050}"#).await;
    assert_eq!(added.status, 201);
    let (key, now) = (stored(&face).await.key, face.api.clock.now());
    let view = BankView {
        order_number: None,
        order_id: None,
        status: BankStatus::Held,
        action_code: None,
        amount: Some(1_000),
        currency: Some(Currency::RUB),
        amounts: Some(BankAmounts { approved: 1_000, deposited: 0, refunded: 0 }),
        points: None,
        counted_points: None,
        authorised_at: None,
        payment_system: None,
        chargeback: None,
        autocompletion_at: None,
    };
    let decide = move |order: &Order, _: Option<&_>| {
        let order = Order {
            state: State::Review,
            hold: Some(Hold {
                held_at: now,
                begun_at: now,
                lapses_at: now.plus(std::time::Duration::from_secs(3_600)),
            }),
            view: Some(SeenView { view, seen_at: now }),
            review: Some(ReviewReason {
                code: "amount_differs:1050:1000".to_owned(),
                sentence: "<b>10</b>".to_owned(),
            }),
            before_review: Some(State::Held),
            ..order.clone()
        };
        Amendment { order: Some(order), ..Amendment::nothing(()) }
    };
    face.api.store.amend(key, now, decide).await.unwrap();
    face
}

async fn stored(face: &Face) -> Order {
    face.api.store.order(&MerchantId::new("shop").unwrap(), "A-1").await.unwrap().order
}

async fn says(face: &Face, body: &Value) -> (u16, Value) {
    let answer = face.post(&format!("{PATH}/resolve"), &body.to_string()).await;
    let value = if answer.status == 200 { answer.json() } else { answer.problem() };
    (answer.status, value)
}

#[tokio::test]
async fn a_review_is_listed_and_shown_with_both_sides_and_its_ways_out() {
    let face = with_review().await;
    let listed = face.get("/v1/reviews?merchant=shop").await.json();
    assert_eq!((&listed["reviews"][0]["order_number"], &listed["next"]), (&json!("A-1"), &Value::Null));
    assert_eq!(
        (&listed["reviews"][0]["at_stake"], &listed["reviews"][0]["advice"]["way"]),
        (&json!(1000), &json!("bank"))
    );
    assert_eq!(face.get("/v1/reviews?merchant=kiosk").await.json()["reviews"], json!([]));
    let shown = face.get(PATH).await.json();
    let line =
        |what: &str| shown["sides"].as_array().unwrap().iter().find(|line| line["what"] == what).unwrap().clone();
    assert_eq!(line("price"), json!({"what": "price", "ours": "10.50 RUB", "bank": "10.00 RUB", "differs": true}));
    assert_eq!(line("state")["differs"], false);
    let ways: Vec<_> = shown["ways"].as_array().unwrap().iter().map(|way| (&way["way"], &way["state"])).collect();
    let [held, none] = [json!("held"), Value::Null];
    // It has no gateway's id, without which nothing can be completed.
    assert_eq!(ways, [(&json!("bank"), &held), (&json!("ours"), &held), (&json!("complete"), &none)]);
}

#[tokio::test]
async fn reviews_come_in_pages_the_most_urgent_first() {
    let face = with_review().await;
    // Without a hold the larger sum goes first, and of equal ones the older.
    for (number, minor) in [("B-1", 100), ("B-2", 300), ("B-3", 200), ("B-4", 300)] {
        let body = json!({ "merchant": "shop", "order_number": number, "amount": minor });
        assert_eq!(face.post("/v1/orders", &body.to_string()).await.status, 201);
        let key = face.api.store.order(&MerchantId::new("shop").unwrap(), number).await.unwrap().order.key;
        let decide = |order: &Order, _: Option<&_>| {
            let review =
                Some(ReviewReason { code: "amount_differs:1:2".to_owned(), sentence: "It differs.".to_owned() });
            let order = Order { state: State::Review, review, before_review: Some(State::Pending), ..order.clone() };
            Amendment { order: Some(order), ..Amendment::nothing(()) }
        };
        face.api.store.amend(key, face.api.clock.now(), decide).await.unwrap();
    }
    for (limit, expected) in [
        (1, "A-1 | B-2 | B-4 | B-3 | B-1"),
        (2, "A-1 B-2 | B-4 B-3 | B-1"),
        (5, "A-1 B-2 B-4 B-3 B-1"),
        (1_000, "A-1 B-2 B-4 B-3 B-1"),
    ] {
        let (mut pages, mut after) = (Vec::new(), String::new());
        loop {
            let page = face.get(&format!("/v1/reviews?merchant=shop&limit={limit}{after}")).await.json();
            let numbers = page["reviews"].as_array().unwrap().iter();
            pages.push(
                numbers.map(|review| review["order_number"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" "),
            );
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(pages.join(" | "), expected, "{limit}");
    }
    let beyond = face.get("/v1/reviews?after=rx_643_1_1_1").await.json();
    assert_eq!(beyond["reviews"][0]["order_number"], Value::Null);
    for query in ["limit=0", "limit=1001", "after=o1", "after=r", "after=rx_643_-1_1_1", "after=rx_643_1_1_1_1"] {
        let answer = face.get(&format!("/v1/reviews?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        answer.problem();
    }
}

#[tokio::test]
async fn a_word_is_tried_without_a_trace_and_then_done_in_a_persons_name() {
    let face = with_review().await;
    let before = stored(&face).await;
    let word = |dry_run| json!({"as": "bank", "reason": "ticket 17", "by": "ann", "dry_run": dry_run});
    let (status, tried) = says(&face, &word(true)).await;
    assert_eq!((status, &tried["outcome"], &tried["dry_run"]), (200, &json!("done"), &json!(true)));
    assert_eq!(stored(&face).await, before);
    let (status, done) = says(&face, &word(false)).await;
    assert_eq!((status, &done["event"]["cause"]), (200, &json!("operator:ann (api)")));
    assert_eq!(tried["changes"][0], done["changes"][0]);
    assert_eq!(tried["changes"][0], json!({"column": "state", "before": "review", "after": "held"}));
    assert_eq!(stored(&face).await.state, State::Held);
    let (status, refused) = says(&face, &word(false)).await;
    assert_eq!((status, &refused["type"]), (409, &json!("urn:reconciled:problem:not_in_review")));
    assert_eq!(face.get(PATH).await.status, 409);
}

#[tokio::test]
async fn a_word_that_cannot_be_meant_changes_nothing() {
    let face = with_review().await;
    let before = stored(&face).await;
    let table = [
        (json!({"as": "bank", "reason": "so"}), 400),
        (json!({"as": "bank", "by": "ann"}), 400),
        (json!({"as": "bank", "by": "ann", "reason": " "}), 400),
        (json!({"as": "bank", "by": "ann\n", "reason": "a\nb"}), 400),
        (json!({"as": "guess", "by": "ann", "reason": "so"}), 400),
        (json!({"by": "ann", "reason": "so"}), 400),
        (json!({"as": "bank", "confirm": true, "by": "ann", "reason": "so"}), 400),
        (json!({"as": "bank", "by": "ann", "reason": "so", "force": true}), 400),
        (json!({"as": "complete", "by": "ann", "reason": "so"}), 409),
        (json!({"confirm": true, "by": "ann", "reason": "so"}), 409),
    ];
    for (body, expected) in table {
        assert_eq!(says(&face, &body).await.0, expected, "{body}");
    }
    let open = face.request(&format!("POST {PATH}/resolve"), "content-type: application/json\r\n", "{}").await;
    assert_eq!(open.status, 401);
    assert_eq!(face.get("/v1/reviews/shop/A-2").await.status, 404);
    assert_eq!(face.get("/v1/reviews?merchnat=shop").await.status, 400);
    assert_eq!(stored(&face).await, before);
}
