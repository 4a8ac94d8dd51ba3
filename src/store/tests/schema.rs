//! What the types forbid, the file refuses: the command line, and whoever has a shell, write to it too.

use rusqlite::Connection;

use crate::domain::operation::OperationState;

use super::*;

/// A file with an order, a held one with an open completion, and an event.
async fn with_rows() -> (File, Connection) {
    let file = File::new();
    let store = file.open();
    added(&store, "pending").await;
    let held = added(&store, "held").await;
    hold(&store, &held, Some(NOW), NOW.plus(MINUTE)).await;
    intend(&store, &held, NOW).await;
    let raw = file.raw();
    (file, raw)
}

/// Tries `sql` and takes it back; the error in words, if there was one.
fn attempt(raw: &Connection, sql: &str) -> Result<(), String> {
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcome = raw.execute(sql, []).map_err(|error| error.to_string());
    raw.execute_batch("ROLLBACK").unwrap();
    outcome.map(|changed| assert!(changed > 0, "nothing to change: {sql}"))
}

fn check(raw: &Connection, sql: &str, refused_with: Option<&str>) {
    match (attempt(raw, sql), refused_with) {
        (Ok(()), None) => {}
        (Err(error), Some(words)) => assert!(error.contains(words), "{sql}: {error}"),
        (outcome, expected) => panic!("{sql}: {outcome:?}, expected {expected:?}"),
    }
}

#[tokio::test]
async fn an_orders_row_is_one_that_the_types_know() {
    let (_file, raw) = with_rows().await;
    let check_failed = Some("CHECK constraint failed");
    let table = [
        ("pending", "state = 'lost'", check_failed),
        ("pending", "state = 'deposited', next_look_at_ms = NULL", None),
        ("pending", "next_look_at_ms = NULL", check_failed),
        ("held", "next_look_at_ms = NULL", check_failed),
        ("pending", "state = 'review', review_code = 'x', review_sentence = 'x'", None),
        ("pending", "state = 'review', review_code = 'x', review_sentence = 'x', next_look_at_ms = NULL", check_failed),
        ("pending", "state = 'review'", check_failed),
        ("pending", "review_code = 'x', review_sentence = 'x'", check_failed),
        ("pending", "state = 'review', review_code = 'x'", check_failed),
        ("pending", "state_before_review = 'pending'", check_failed),
        ("pending", "state = 'review', review_code = 'x', review_sentence = 'x', state_before_review = 'held'", None),
        (
            "pending",
            "state = 'review', review_code = 'x', review_sentence = 'x', state_before_review = 'review'",
            check_failed,
        ),
        ("pending", "state = 'held'", check_failed),
        ("held", "lapses_at_ms = NULL", check_failed),
        ("pending", "complete_at_ms = 1", check_failed),
        ("held", "parked = 1", check_failed),
        ("held", "parked = 1, complete_at_ms = NULL", None),
        ("held", "parked = 2, complete_at_ms = NULL", check_failed),
        ("pending", "deadline_at_ms = 1", check_failed),
        ("held", "deadline_at_ms = 1", check_failed),
        ("held", "deadline_at_ms = 1, complete_at_ms = NULL", None),
        ("held", "lapse_warnings = -1", check_failed),
        ("held", "lapse_warnings = NULL", Some("NOT NULL constraint failed")),
        ("held", "payment_system = ''", check_failed),
        ("held", "bank_chargeback = 2", check_failed),
        ("pending", "amount_minor = 0", check_failed),
        ("pending", "amount_minor = 999999999999", None),
        ("pending", "amount_minor = 1000000000000", check_failed),
        ("pending", "amount_minor = 99.5", Some("cannot store REAL value in INTEGER column")),
        ("pending", "complete_amount_minor = 0", check_failed),
        ("pending", "complete_amount_minor = amount_minor", None),
        ("pending", "complete_amount_minor = amount_minor + 1", check_failed),
        ("pending", "currency = 0", check_failed),
        ("pending", "order_number = ''", check_failed),
        ("pending", "order_number = 'held'", Some("UNIQUE constraint failed")),
        ("pending", "order_id = ''", check_failed),
        ("pending", "bank_status = 1", check_failed),
        ("pending", "bank_status = 1, bank_seen_at_ms = 1", None),
        ("pending", "bank_approved_minor = 1", check_failed),
        ("pending", "bank_approved_minor = 1, bank_deposited_minor = 1", check_failed),
        ("pending", "unknown_in_a_row = -1", check_failed),
    ];
    for (order, change, refused) in table {
        check(&raw, &format!("UPDATE orders SET {change} WHERE order_number = '{order}'"), refused);
    }
    check(&raw, "DELETE FROM orders WHERE order_number = 'held'", Some("FOREIGN KEY constraint failed"));
}

#[tokio::test]
async fn two_orders_of_a_merchant_cannot_have_one_gateway_id() {
    let (_file, raw) = with_rows().await;
    check(&raw, "UPDATE orders SET order_id = 'same'", Some("UNIQUE constraint failed"));
}

#[tokio::test]
async fn an_operations_row_is_one_that_the_types_know() {
    let (_file, raw) = with_rows().await;
    let check_failed = Some("CHECK constraint failed");
    let sent = "attempt = 1, sent_at_ms = 1, expected_minor = 5";
    let table = [
        ("state = 'in_doubt'", check_failed),
        ("state = 'in_doubt', attempt = 1, expected_minor = 5", check_failed),
        ("state = 'in_doubt', attempt = 1, sent_at_ms = 1", check_failed),
        (&format!("state = 'in_doubt', unknown_sends = 1, {sent}"), None),
        (&format!("state = 'in_doubt', unknown_sends = 2, {sent}"), check_failed),
        (&format!("unknown_sends = 1, {sent}"), check_failed),
        (sent, None),
        ("state = 'withdrawn'", check_failed),
        ("state = 'withdrawn', settled_at_ms = 1", None),
        ("settled_at_ms = 1", check_failed),
        ("state = 'lost', settled_at_ms = 1", check_failed),
        ("kind = 'theft'", check_failed),
        ("kind = 'reversal', amount_minor = NULL", None),
        ("kind = 'reversal', amount_minor = 5", check_failed),
        ("amount_minor = 0", check_failed),
        ("expected_minor = 0", check_failed),
        ("order_key = 99", Some("FOREIGN KEY constraint failed")),
    ];
    for (change, refused) in table {
        check(&raw, &format!("UPDATE operations SET {change}"), refused);
    }
}

#[tokio::test]
async fn every_word_of_the_types_is_one_of_the_file() {
    let (_file, raw) = with_rows().await;
    for state in State::ALL {
        let word = state.as_str();
        let review = if state == State::Review { "'x'" } else { "NULL" };
        let rest = format!("review_code = {review}, review_sentence = {review}, held_at_ms = 1, lapses_at_ms = 1");
        check(&raw, &format!("UPDATE orders SET state = '{word}', {rest} WHERE order_number = 'pending'"), None);
    }
    for state in OperationState::ALL {
        let word = state.as_str();
        let settled = if state.is_open() { "NULL" } else { "1" };
        let rest = format!("settled_at_ms = {settled}, attempt = 1, sent_at_ms = 1, expected_minor = 5");
        check(&raw, &format!("UPDATE operations SET state = '{word}', {rest}"), None);
    }
}

/// R10: an amount never changes after the first send.
#[tokio::test]
async fn what_was_sent_cannot_be_changed() {
    let (_file, raw) = with_rows().await;
    check(&raw, "UPDATE operations SET amount_minor = 7", None);
    raw.execute(
        "UPDATE operations SET state = 'in_doubt', attempt = 1, unknown_sends = 1, sent_at_ms = 1, expected_minor = 5",
        [],
    )
    .unwrap();
    let refused = Some("what was sent cannot be changed");
    check(&raw, "UPDATE operations SET amount_minor = 7", refused);
    check(&raw, "UPDATE operations SET kind = 'reversal'", refused);
    check(&raw, "UPDATE operations SET order_key = (SELECT id FROM orders WHERE order_number = 'pending')", refused);
    check(&raw, "UPDATE operations SET amount_minor = amount_minor, note = 'the same'", None);
}

#[tokio::test]
async fn an_order_has_one_open_operation_at_most() {
    let (_file, raw) = with_rows().await;
    let another = |state, settled| {
        format!(
            "INSERT INTO operations (order_key, merchant, kind, state, instance, intended_at_ms, next_step_at_ms, settled_at_ms)
             SELECT order_key, merchant, kind, '{state}', instance, 1, 1, {settled} FROM operations"
        )
    };
    check(&raw, &another("intended", "NULL"), Some("UNIQUE constraint failed: operations.order_key"));
    check(&raw, &another("withdrawn", "1"), None);
}

#[tokio::test]
async fn the_journal_is_append_only() {
    let (_file, raw) = with_rows().await;
    let refused = Some("the journal is append-only");
    check(&raw, "UPDATE events SET detail = 'never happened'", refused);
    check(&raw, "UPDATE events SET at_ms = at_ms", refused);
    check(&raw, "DELETE FROM events", refused);
}
