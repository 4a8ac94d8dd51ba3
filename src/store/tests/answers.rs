//! The bank's whole answers: written where they differ, read back, and forgotten in time.

use super::*;
use crate::domain::answer::{KEPT_MAX, KeptAnswer};
use crate::store::SeenAnswer;

const DAY: Duration = Duration::from_secs(86_400);

fn an_answer(text: &str) -> KeptAnswer {
    KeptAnswer::new(text.to_owned()).unwrap()
}

async fn heard(store: &Store, order: &Order, at: Timestamp, text: &str) {
    let answer = Some(an_answer(text));
    store.amend(order.key, at, move |_, _| Amendment { answer, ..Amendment::nothing(()) }).await.unwrap();
}

#[tokio::test]
async fn an_answer_is_written_where_it_says_something_new() {
    let file = File::new();
    let store = file.open();
    let order = added(&store, "A-1").await;
    assert_eq!(store.answer_of(order.key).await.unwrap(), None);

    let seen = |at, text| Some(SeenAnswer { seen_at: at, answer: an_answer(text) });
    heard(&store, &order, NOW, r#"{"orderStatus":0}"#).await;
    heard(&store, &order, NOW.plus(MINUTE), r#"{"orderStatus":0}"#).await;
    assert_eq!(store.answer_of(order.key).await.unwrap(), seen(NOW, r#"{"orderStatus":0}"#));

    heard(&store, &order, NOW.plus(MINUTE), r#"{"orderStatus":1}"#).await;
    assert_eq!(store.answer_of(order.key).await.unwrap(), seen(NOW.plus(MINUTE), r#"{"orderStatus":1}"#));
}

/// The write amplification that must not be: the same answer again changes no page of the file.
#[tokio::test]
async fn the_same_answer_again_writes_nothing() {
    let file = File::new();
    let store = file.open();
    let order = added(&store, "A-1").await;
    let long = format!(r#"{{"orderDescription":"{}"}}"#, "x".repeat(20_000));
    heard(&store, &order, NOW, &long).await;
    let raw = file.raw();
    let version = |raw: &Connection| raw.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version(&raw);
    heard(&store, &order, NOW.plus(MINUTE), &long).await;
    assert_eq!(version(&raw), before);
    heard(&store, &order, NOW.plus(MINUTE), "{}").await;
    assert_ne!(version(&raw), before);
}

#[tokio::test]
async fn answers_are_forgotten_a_while_after_the_end_and_not_before() {
    let file = File::new();
    let store = file.open();
    let table = [
        // What it is, since when in days, its answer's age in days, and whether it is forgotten after 90.
        ("ended", State::Deposited, 91, 91, true),
        ("ended-late", State::Refunded, 89, 200, false),
        ("looked-at-late", State::Reversed, 200, 89, false),
        ("declined", State::Declined, 91, 91, true),
        ("open", State::Pending, 200, 200, false),
    ];
    for (number, state, since, age, _) in table {
        let order = added(&store, number).await;
        heard(&store, &order, NOW.minus(DAY * age), "{}").await;
        let since = NOW.minus(DAY * since);
        change(&store, &order, move |order| (order.state, order.state_since) = (state, since)).await;
    }
    assert_eq!(store.forget_answers(DAY * 90, NOW).await.unwrap(), 2);
    assert_eq!(store.forget_answers(DAY * 90, NOW).await.unwrap(), 0);
    for (number, _, _, _, forgotten) in table {
        let order = super::order(&store, number).await;
        assert_eq!(store.answer_of(order.key).await.unwrap().is_none(), forgotten, "{number}");
    }
}

#[test]
fn an_answer_beyond_its_bound_is_none() {
    assert!(KeptAnswer::new("x".repeat(KEPT_MAX)).is_some());
    assert_eq!(KeptAnswer::new("x".repeat(KEPT_MAX + 1)), None);
}
