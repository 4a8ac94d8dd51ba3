//! Releasing and parking.

use serde_json::{Value, json};

use super::{Face, TOKEN, config};
use crate::domain::operation::{CompletionAmount, NewOperation, OperationKind, OperationState};
use crate::domain::order::{Hold, MerchantId, Order, State};
use crate::store::{Amendment, OperationChange, OrderWithOperation};

const A1: &str = r#"{"merchant": "shop", "order_number": "A-1", "amount": 1050}"#;

/// A face with one order, A-1 of `shop`, of 10.50.
async fn with_order() -> Face {
    let face = Face::open().await;
    assert_eq!(face.post("/v1/orders", A1).await.status, 201);
    face
}

async fn stored(face: &Face) -> OrderWithOperation {
    face.api.store.order(&MerchantId::new("shop").unwrap(), "A-1").await.unwrap()
}

/// Makes the row what a test needs, as the daemon would.
async fn amend(face: &Face, change: impl FnOnce(&mut Order) + Send + 'static, operation: OperationChange) {
    let (key, now) = (stored(face).await.order.key, face.api.clock.now());
    let decide = move |order: &Order, _: Option<&_>| {
        let mut order = order.clone();
        change(&mut order);
        Amendment { order: Some(order), operation, ..Amendment::nothing(()) }
    };
    face.api.store.amend(key, now, decide).await.unwrap();
}

fn hold(face: &Face) -> impl FnOnce(&mut Order) + Send + 'static {
    let now = face.api.clock.now();
    move |order| {
        order.state = State::Held;
        order.hold =
            Some(Hold { held_at: now, begun_at: now, lapses_at: now.plus(std::time::Duration::from_secs(3_600)) });
    }
}

async fn act(face: &Face, act: &str, body: &str) -> (u16, Value) {
    let answer = face.post(&format!("/v1/orders/shop/A-1/{act}"), body).await;
    let value = if answer.status == 200 { answer.json() } else { answer.problem() };
    (answer.status, value)
}

#[tokio::test]
async fn a_held_order_is_parked_and_released() {
    let face = with_order().await;
    amend(&face, hold(&face), OperationChange::None).await;
    let (status, order) = act(&face, "park", "").await;
    assert_eq!((status, &order["parked"], &order["complete_at"]), (200, &json!(true), &Value::Null));
    let (status, refused) = act(&face, "park", "{}").await;
    assert_eq!((status, &refused["type"]), (409, &json!("urn:reconciled:problem:already_parked")));
    let (status, order) = act(&face, "release", r#"{"amount": 1000}"#).await;
    assert_eq!((status, &order["parked"], &order["complete_amount"]), (200, &json!(false), &json!(1000)));
    assert!(order["complete_at"].is_string() && order["released_at"].is_string(), "{order}");
    let (status, refused) = act(&face, "release", "").await;
    assert_eq!((status, &refused["type"]), (409, &json!("urn:reconciled:problem:already_scheduled")));
    let events = face.get("/v1/orders/shop/A-1").await.json()["events"].clone();
    let kinds: Vec<&str> = events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["added", "parked", "released"]);
    assert_eq!(events[2]["cause"], "shop");
}

#[tokio::test]
async fn what_was_sent_cannot_be_taken_back() {
    let face = with_order().await;
    let now = face.api.clock.now();
    let intended = NewOperation {
        kind: OperationKind::Completion,
        amount: CompletionAmount::Whole,
        intended_at: now,
        ordered: false,
    };
    amend(&face, hold(&face), OperationChange::Open(intended)).await;
    let mut operation = stored(&face).await.operation.unwrap();
    operation.state = OperationState::InDoubt;
    (operation.attempt, operation.sent_at, operation.expected_minor) = (1, Some(now), Some(1050));
    amend(&face, |_| {}, OperationChange::Update(operation)).await;
    for what in ["park", "release"] {
        let (status, refused) = act(&face, what, "").await;
        assert_eq!((status, &refused["type"]), (409, &json!("urn:reconciled:problem:in_doubt")), "{what}");
    }
    let order = face.get("/v1/orders/shop/A-1").await.json();
    assert_eq!((&order["operation"]["state"], &order["operation"]["amount"]), (&json!("in_doubt"), &Value::Null));
}

/// A hold that is about to be let go is not said to be scheduled, and what is named as the way out is one.
#[tokio::test]
async fn what_is_about_to_be_reversed_is_parked_before_it_is_released() {
    let face = with_order().await;
    let now = face.api.clock.now();
    let intended = NewOperation {
        kind: OperationKind::Reversal,
        amount: CompletionAmount::Whole,
        intended_at: now,
        ordered: false,
    };
    amend(&face, hold(&face), OperationChange::Open(intended)).await;
    let (status, refused) = act(&face, "release", "").await;
    assert_eq!((status, &refused["type"]), (409, &json!("urn:reconciled:problem:reversal_intended")));
    assert!(refused["detail"].as_str().unwrap().contains("park it"), "{refused}");
    for what in ["park", "release"] {
        assert_eq!(act(&face, what, "").await.0, 200, "{what}");
    }
    let found = stored(&face).await;
    assert_eq!(found.operation.map(|operation| operation.state), Some(OperationState::Withdrawn));
    assert!(found.order.released_at.is_some());
}

#[tokio::test]
async fn an_act_that_cannot_be_meant_changes_nothing() {
    let face = with_order().await;
    let before = stored(&face).await;
    let table = [
        ("release", r#"{"amount": 1051}"#, 409),
        ("release", r#"{"amount": 0}"#, 422),
        ("release", r#"{"amount": 10.5}"#, 422),
        ("release", r#"{"amount": 1, "amount": 2}"#, 422),
        ("release", r#"{"sum": 1}"#, 422),
        ("release", r#"{"currency": "RUB"}"#, 422),
        ("release", "[]", 422),
        ("release", "{", 400),
        ("park", r#"{"amount": 1}"#, 400),
    ];
    for (what, body, expected) in table {
        assert_eq!(act(&face, what, body).await.0, expected, "{what} {body}");
    }
    let answer = face.post("/v1/orders/shop/A-2/park", "").await;
    assert_eq!(answer.status, 404);
    answer.problem();
    assert_eq!(stored(&face).await, before);
}

#[tokio::test]
async fn an_order_at_its_end_or_of_a_merchant_that_is_gone_is_left_alone() {
    let face = with_order().await;
    let mut gone = config(&face.directory, &format!("api_token = {{ public = \"{TOKEN}\" }}"));
    gone.merchants.retain(|merchant| merchant.id.as_str() != "shop");
    face.reload.send_replace(gone.into());
    let (status, refused) = act(&face, "release", "").await;
    assert_eq!((status, &refused["type"]), (409, &json!("urn:reconciled:problem:unknown_merchant")));
    amend(&face, |order| order.state = State::Declined, OperationChange::None).await;
    let (status, refused) = act(&face, "park", "").await;
    assert_eq!((status, &refused["type"]), (409, &json!("urn:reconciled:problem:ended")));
}
