//! A database of an earlier version, with rows in it, becomes one of this version and loses nothing.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::domain::event::EventKind;
use crate::domain::operation::OperationState;

use super::super::SCHEMA_VERSION;
use super::*;

const FIRST: &str = include_str!("../migrations/0001_orders.sql");

/// An order in every state, holds warned of and not, an operation in every state, and a journal.
const ROWS: &str = "
    INSERT INTO orders (id, merchant, order_number, amount_minor, currency, state, state_since_ms, created_at_ms,
            next_look_at_ms, held_at_ms, lapses_at_ms, lapse_warned, complete_at_ms, parked, bank_seen_at_ms, bank_status,
            bank_authorised_at_ms, review_code, review_sentence)
    VALUES (1, 'shop', 'pending',  100, 643, 'pending',  1, 1, 9, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL),
           (2, 'shop', 'held',     100, 643, 'held',     1, 1, 9, 50,   90,   1, 70,   0, 60,   1,    40,   NULL, NULL),
           (3, 'shop', 'parked',   100, 643, 'held',     1, 1, 9, 50,   90,   0, NULL, 1, 60,   1,    55,   NULL, NULL),
           (4, 'shop', 'review',   100, 643, 'review',   1, 1, 9, 50,   90,   0, NULL, 0, 60,   1,    NULL, 'x',  'y'),
           (5, 'shop', 'declined', 100, 643, 'declined', 1, 1, NULL, NULL, NULL, 0, NULL, 0, 60, 6,   NULL, NULL, NULL);
    INSERT INTO operations (id, order_key, merchant, kind, amount_minor, state, attempt, unknown_sends, expected_minor,
            instance, intended_at_ms, sent_at_ms, answered_at_ms, settled_at_ms, agreeing_reads, asks, next_step_at_ms, note)
    VALUES (3, 2, 'shop', 'completion', NULL, 'refused',      1, 0, 100, 'a', 51, 52, 53, 54,   1, 2, 55, 'no'),
           (5, 2, 'shop', 'completion', 70,   'in_doubt',     2, 1, 70,  'b', 61, 62, 63, NULL, 1, 2, 65, NULL),
           (6, 3, 'shop', 'completion', NULL, 'withdrawn',    0, 0, NULL, 'b', 61, NULL, NULL, 64, 0, 0, 65, 'parked'),
           (7, 4, 'shop', 'completion', NULL, 'contradicted', 1, 1, 100, 'b', 61, 62, 63, 64,   0, 3, 65, 'odd');
    INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
    VALUES (1, 1, 'added', 'shop', 'pending', 'pending', 'entered the queue'),
           (2, 2, 'changed', 'look', 'pending', 'held', 'the bank shows it held');
    INSERT INTO report_schedule VALUES ('shop', 7, 8);";

fn of_version_1() -> File {
    let file = File::new();
    let raw = file.raw();
    raw.pragma_update(None, "journal_mode", "WAL").unwrap();
    raw.execute_batch(FIRST).unwrap();
    raw.execute_batch(ROWS).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    raw.pragma_update(None, "application_id", 0x7263_6e64).unwrap();
    file
}

/// Everything of a table that both versions have, row by row.
fn rows(raw: &Connection, columns: &str, table: &str) -> Vec<Vec<rusqlite::types::Value>> {
    let mut statement = raw.prepare(&format!("SELECT {columns} FROM {table} ORDER BY 1")).unwrap();
    let width = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..width).map(|index| row.get(index)).collect();
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// Indexes and triggers with their text: a table that was made anew must have all of them again.
fn attached(raw: &Connection) -> BTreeMap<String, String> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL";
    let mut statement = raw.prepare(sql).unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn version_1_with_rows_in_it_loses_nothing() {
    let file = of_version_1();
    let raw = file.raw();
    let orders =
        "id, version, merchant, order_number, amount_minor, state, held_at_ms, lapses_at_ms, complete_at_ms, parked";
    let operations = "id, order_key, merchant, kind, amount_minor, state, attempt, unknown_sends, expected_minor, instance, \
                      intended_at_ms, sent_at_ms, answered_at_ms, settled_at_ms, agreeing_reads, asks, next_step_at_ms, note";
    let tables = [(orders, "orders"), (operations, "operations"), ("*", "events"), ("*", "report_schedule")];
    let before = tables.map(|(columns, table)| rows(&raw, columns, table));
    let attached_before = attached(&raw);
    drop(raw);
    drop(file.open_upgraded());
    let raw = file.raw();
    assert_eq!(tables.map(|(columns, table)| rows(&raw, columns, table)), before);
    for (name, sql) in attached_before {
        assert_eq!(attached(&raw).get(&name), Some(&sql), "{name}");
    }
    let version: usize = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
    assert_eq!(rows(&raw, "*", "pragma_foreign_key_check"), Vec::<Vec<_>>::new());
    let healthy: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(healthy, "ok");
    let sequence: i64 =
        raw.query_row("SELECT seq FROM sqlite_sequence WHERE name = 'events'", [], |row| row.get(0)).unwrap();
    assert_eq!(sequence, 2, "an event's number is never used again");
}

/// What is new is filled from what was known, and the rows are rows of the types.
#[tokio::test]
async fn what_version_2_knows_besides_comes_from_the_rows() {
    let file = of_version_1();
    let store = file.open_upgraded();
    let table = [("held", 40, 1), ("parked", 50, 0), ("review", 50, 0)];
    for (number, begun, warnings) in table {
        let order = store.order(&shop(), number).await.unwrap().order;
        let hold = order.hold.unwrap();
        assert_eq!((hold.held_at.as_millis(), hold.lapses_at.as_millis()), (50, 90), "{number}");
        assert_eq!((hold.begun_at.as_millis(), order.lapse_warnings), (begun, warnings), "{number}");
        assert_eq!((order.deadline_at, order.payment_system), (None, None), "{number}: planned when the daemon starts");
    }
    let held = store.order(&shop(), "held").await.unwrap();
    let open = held.operation.unwrap();
    assert_eq!((open.kind, open.state, open.attempt), (OperationKind::Completion, OperationState::InDoubt, 2));
    let kinds: Vec<_> = store.events_after(0, 10).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Added, EventKind::Changed]);
}

#[tokio::test]
async fn a_database_made_anew_and_one_that_was_upgraded_are_the_same() {
    let (upgraded, fresh) = (of_version_1(), File::new());
    drop((upgraded.open_upgraded(), fresh.open()));
    let schema = |file: &File| rows(&file.raw(), "name, sql", "sqlite_schema");
    assert_eq!(schema(&upgraded), schema(&fresh));
}

/// The bug: `status` of a new version, asked before the daemon was restarted, brought the schema up to date underneath
/// the old one. That went on without seals and witness, and the next start found every order it had touched altered.
#[tokio::test]
async fn regression_nobody_but_the_daemon_brings_the_schema_up_to_date() {
    let file = of_version_1();
    let schema = |file: &File| rows(&file.raw(), "name, sql", "sqlite_schema");
    let before = schema(&file);
    for opened in [Store::open(&file.path()), Store::open_or_create(&file.path())] {
        let words = opened.unwrap_err().to_string();
        assert!(words.contains("an earlier version (1,") && words.contains("restart the daemon"), "{words}");
    }
    assert_eq!(schema(&file), before);
    assert_eq!(file.open_upgraded().orders_numbered("held").await.unwrap().len(), 1);
}

/// Stops refer to operations, so both tables move: the brake's stop still names the operation that tripped it, and what
/// a stop may not do it still may not.
#[test]
fn a_stop_keeps_its_operation_when_operations_are_made_anew() {
    let raw = Connection::open_in_memory().unwrap();
    raw.pragma_update(None, "foreign_keys", true).unwrap();
    let before = [
        FIRST,
        ROWS,
        include_str!("../migrations/0002_holds.sql"),
        include_str!("../migrations/0003_money_guard.sql"),
        include_str!("../migrations/0004_seals.sql"),
        include_str!("../migrations/0005_reviews.sql"),
        include_str!("../migrations/0006_witnessed.sql"),
        "UPDATE operations SET seal = x'0102', witness_seq = 7 WHERE id = 7;
         INSERT INTO money_stops (scope, merchant, at_ms, by, reason, operation_key)
            VALUES ('merchant', 'shop', 1, 'brake', 'odd', 7)",
    ];
    for sql in before {
        raw.execute_batch(sql).unwrap();
    }
    let columns = "id, order_key, kind, amount_minor, state, attempt, expected_minor, seal, witness_seq";
    let (operations, stops) = (rows(&raw, columns, "operations"), rows(&raw, "*", "money_stops"));
    let attached_before = attached(&raw);
    raw.execute_batch(&format!("BEGIN; {}; COMMIT", include_str!("../migrations/0009_verbs.sql"))).unwrap();
    assert_eq!((rows(&raw, columns, "operations"), rows(&raw, "*", "money_stops")), (operations, stops));
    for (name, sql) in attached_before {
        assert_eq!(attached(&raw).get(&name), Some(&sql), "{name}");
    }
    assert_eq!(rows(&raw, "*", "pragma_foreign_key_check"), Vec::<Vec<_>>::new());
    for refused in
        ["DELETE FROM money_stops", "UPDATE money_stops SET reason = 'x'", "DELETE FROM operations WHERE id = 7"]
    {
        assert!(raw.execute_batch(refused).is_err(), "{refused}");
    }
}

/// Whatever a read said, no send is written down with which an order would give back more than was taken.
#[test]
fn refunds_above_what_was_taken_cannot_be_written_down() {
    let file = File::new();
    drop(file.open());
    let raw = file.raw();
    raw.execute_batch(
        "INSERT INTO orders (id, merchant, order_number, amount_minor, currency, state, state_since_ms, created_at_ms)
            VALUES (1, 'shop', 'A-1', 100, 643, 'deposited', 1, 1);
         INSERT INTO operations (id, order_key, merchant, kind, amount_minor, state, instance, intended_at_ms,
                next_step_at_ms) VALUES (1, 1, 'shop', 'refund', 60, 'intended', 'a', 1, 1);
         UPDATE operations SET state = 'in_doubt', attempt = 1, unknown_sends = 1, expected_minor = 60, sent_at_ms = 2;
         UPDATE operations SET attempt = 2, unknown_sends = 2;
         UPDATE operations SET state = 'confirmed', settled_at_ms = 3;
         INSERT INTO operations (id, order_key, merchant, kind, amount_minor, state, instance, intended_at_ms,
                next_step_at_ms) VALUES (2, 1, 'shop', 'refund', 41, 'intended', 'a', 1, 1);",
    )
    .unwrap();
    let send = |minor: i64| {
        raw.execute_batch(&format!(
            "UPDATE operations SET state = 'in_doubt', attempt = 1, unknown_sends = 1, expected_minor = {minor},
                sent_at_ms = 4 WHERE id = 2"
        ))
    };
    assert!(send(41).unwrap_err().to_string().contains("refunds above what was taken"));
    let second = "INSERT INTO operations (order_key, merchant, kind, amount_minor, state, instance, intended_at_ms,
                    next_step_at_ms) VALUES (1, 'shop', 'refund', 1, 'intended', 'a', 1, 1)";
    assert!(raw.execute_batch(second).is_err(), "one is open at a time");
    send(40).unwrap();
    let above = "INSERT INTO operations (order_key, merchant, kind, amount_minor, state, instance, intended_at_ms,
                    settled_at_ms, next_step_at_ms) VALUES (1, 'shop', 'refund', 101, 'withdrawn', 'a', 1, 1, 1)";
    assert!(raw.execute_batch(above).unwrap_err().to_string().contains("above what was taken"));
}
