//! Seals: what was altered goes to a person, what cannot be read stands in nobody's way, and keys change.

use std::collections::HashSet;

use super::super::{Horizon, Keys, ListFilter, OpenError, OrderWithOperation, Place, PulledIn, SealKey, StoreError};
use super::*;
use crate::domain::operation::{OperationState, SettlePolicy};
use crate::domain::polling::{self, LookPolicy, Pending};

const KEY_A: &str = "the first key of the tests, long enough";
const KEY_B: &str = "the second key of the tests, long enough";

impl File {
    fn with_keys(&self, first: &str, older: &[&str]) -> Place {
        let older = older.iter().map(|key| SealKey::new(key)).collect();
        Place { keys: Keys::Given { first: SealKey::new(first), older }, ..Place::at(&self.path()) }
    }

    fn alter(&self, sql: &str) {
        let raw = self.raw();
        raw.pragma_update(None, "ignore_check_constraints", true).unwrap();
        assert!(raw.execute(sql, []).unwrap() > 0, "nothing to alter: {sql}");
    }
}

async fn due(store: &Store) -> Vec<OrderWithOperation> {
    let mut due = store.due_looks(&shop(), NOW, 10).await.unwrap();
    due.extend(store.due_completions(&shop(), NOW, &HashSet::new(), 10).await.unwrap());
    due
}

fn sent(open: &Operation) -> Operation {
    Operation {
        state: OperationState::InDoubt,
        attempt: open.attempt + 1,
        unknown_sends: open.unknown_sends + 1,
        expected_minor: Some(10_000),
        sent_at: Some(NOW),
        ..open.clone()
    }
}

async fn send(store: &Store, order: &Order) {
    let written = store.amend(order.key, NOW, |_, open| Amendment {
        operation: OperationChange::Update(sent(open.unwrap())),
        ..Amendment::nothing(())
    });
    written.await.unwrap();
}

/// The codes under which orders stand in review.
async fn review_code(store: &Store, text: &str) -> Option<String> {
    order(store, text).await.review.map(|review| review.code)
}

#[tokio::test]
async fn an_altered_money_column_brings_its_order_before_a_person_and_keeps_nobody_waiting() {
    let table = [
        "UPDATE orders SET amount_minor = amount_minor + 1 WHERE order_number = 'A-1'",
        "UPDATE orders SET complete_amount_minor = 5 WHERE order_number = 'A-1'",
        "UPDATE orders SET currency = 840 WHERE order_number = 'A-1'",
        "UPDATE orders SET order_id = 'another' WHERE order_number = 'A-1'",
        "UPDATE orders SET version = version + 1 WHERE order_number = 'A-1'",
        "UPDATE orders SET parked = 1, complete_at_ms = NULL WHERE order_number = 'A-1'",
        "UPDATE orders SET accepted_code = 'amount_differs:1:2' WHERE order_number = 'A-1'",
        "UPDATE orders SET lapses_at_ms = lapses_at_ms + 1 WHERE order_number = 'A-1'",
        "UPDATE orders SET held_at_first_ms = 1 WHERE order_number = 'A-1'",
        "UPDATE orders SET hold_begun_at_ms = 1 WHERE order_number = 'A-1'",
        "UPDATE orders SET complete_at_ms = NULL, deadline_at_ms = next_look_at_ms WHERE order_number = 'A-1'",
        "UPDATE orders SET seal = NULL WHERE order_number = 'A-1'",
        "UPDATE orders SET seal = zeroblob(36) WHERE order_number = 'A-1'",
        "UPDATE orders SET seal = (SELECT seal FROM orders WHERE order_number = 'A-2') WHERE order_number = 'A-1'",
    ];
    for sql in table {
        let file = File::new();
        let store = file.open();
        for text in ["A-1", "A-2"] {
            let fresh = added(&store, text).await;
            hold(&store, &fresh, None, NOW.plus(MINUTE)).await;
        }
        file.alter(sql);
        assert_eq!(
            review_code(&store, "A-1").await.as_deref(),
            Some("row_altered"),
            "{sql}: shown before it is written"
        );
        let found = due(&store).await;
        let states: Vec<_> = found.iter().map(|found| (found.order.number.as_str(), found.order.state)).collect();
        assert_eq!(states, [("A-1", State::Review), ("A-2", State::Held)], "{sql}");
        let raw: String =
            file.raw().query_row("SELECT state FROM orders WHERE order_number = 'A-1'", [], |row| row.get(0)).unwrap();
        assert_eq!(raw, "review", "{sql}");
        let after = order(&store, "A-1").await;
        change(&store, &after, |order| order.unknown_in_a_row = 1).await;
    }
}

/// Whether or not the order has a completion, whose own row is sound.
#[tokio::test]
async fn nobody_decides_on_an_altered_row() {
    for has_completion in [false, true] {
        let file = File::new();
        let store = file.open();
        let fresh = added(&store, "A-1").await;
        if has_completion {
            hold(&store, &fresh, Some(NOW), NOW.plus(MINUTE)).await;
            intend(&store, &fresh, NOW).await;
        }
        file.alter("UPDATE orders SET amount_minor = 7");
        let outcome = store.amend(fresh.key, NOW, |_, _| -> Amendment<()> { panic!("it was handed over") }).await;
        assert!(matches!(outcome, Err(StoreError::Altered)), "{outcome:?}");
        assert_eq!(review_code(&store, "A-1").await.as_deref(), Some("row_altered"));
        let events = store.events_of(fresh.key).await.unwrap();
        assert_eq!(events.last().map(|event| event.cause.as_str()), Some("seal"));
    }
}

/// An operation's amount, or the number of its sends: what was not sent is taken back, what may have been stays in
/// doubt.
#[tokio::test]
async fn an_altered_completion_is_not_sent() {
    let table = [
        (false, "amount_minor = 5", OperationState::Withdrawn),
        (true, "unknown_sends = 0", OperationState::InDoubt),
        (true, "expected_minor = 1", OperationState::InDoubt),
        (true, "witness_seq = NULL", OperationState::InDoubt),
        (true, "sent_at_ms = 1", OperationState::InDoubt),
    ];
    for (is_sent, change, left) in table {
        let file = File::new();
        let store = file.open();
        let held = added(&store, "A-1").await;
        hold(&store, &held, Some(NOW), NOW.plus(MINUTE)).await;
        intend(&store, &held, NOW).await;
        if is_sent {
            send(&store, &held).await;
        }
        file.alter(&format!("UPDATE operations SET {change}"));
        let _ = due(&store).await;
        let found = store.order(&shop(), "A-1").await.unwrap();
        assert_eq!((found.order.state, found.order.complete_at), (State::Review, None), "{change}");
        assert_eq!(found.operation.map(|operation| operation.state), Some(left), "{change}");
        // Sealed as it stands: the next reader finds it sound.
        let again = store.amend(held.key, NOW, |_, _| Amendment::nothing(())).await;
        assert!(again.is_ok(), "{change}: {again:?}");
    }
}

#[tokio::test]
async fn the_round_finds_what_nobody_reads() {
    let file = File::new();
    let store = file.open();
    let ended = added(&store, "ended").await;
    change(&store, &ended, |order| (order.state, order.next_look_at) = (State::Deposited, None)).await;
    let settled = added(&store, "settled").await;
    for _ in 0..2 {
        intend(&store, &settled, NOW).await;
        let open = operation(&store, "settled").await.unwrap();
        let withdrawn = OperationChange::Update(Operation { state: OperationState::Withdrawn, ..open });
        let written =
            store.amend(settled.key, NOW, |_, _| Amendment { operation: withdrawn, ..Amendment::nothing(()) });
        written.await.unwrap();
    }
    let checked = store.check_rows(NOW).await.unwrap();
    assert_eq!((checked.rows, checked.altered, checked.resealed), (4, 0, 0));
    file.alter("UPDATE orders SET amount_minor = 7 WHERE order_number = 'ended'");
    // The first of two: the latest is the one that is loaded with its order.
    file.alter("UPDATE operations SET amount_minor = 7 WHERE id = (SELECT min(id) FROM operations)");
    assert_eq!(store.check_rows(NOW).await.unwrap().altered, 2);
    for text in ["ended", "settled"] {
        assert_eq!(review_code(&store, text).await.as_deref(), Some("row_altered"), "{text}");
    }
    assert_eq!(store.check_rows(NOW).await.unwrap().altered, 0, "sealed as they stand");
}

/// The bug: one row that the types do not know kept every order of its merchant from being looked at.
#[tokio::test]
async fn regression_a_row_that_cannot_be_read_stands_in_nobodys_way() {
    let table = [
        "UPDATE orders SET state = 'lost' WHERE order_number = 'poison'",
        "UPDATE orders SET order_id = 'with a blank' WHERE order_number = 'poison'",
        "UPDATE orders SET currency = 1 WHERE order_number = 'poison'",
        "UPDATE orders SET bank_seen_at_ms = 1, bank_status = 1, bank_currency = 70000 WHERE order_number = 'poison'",
        "UPDATE operations SET state = 'lost'",
        // It can be read, and yet not be written: the file refuses a completion above the amount.
        "UPDATE orders SET complete_amount_minor = 10001 WHERE order_number = 'poison'",
    ];
    for (sql, is_deadline) in table.into_iter().flat_map(|sql| [(sql, false), (sql, true)]) {
        let file = File::new();
        let store = file.open();
        let poison = added(&store, "poison").await;
        hold(&store, &poison, Some(NOW), NOW.plus(MINUTE)).await;
        if is_deadline {
            change(&store, &poison, |order| (order.complete_at, order.deadline_at) = (None, Some(NOW))).await;
        }
        if sql.contains("operations") {
            intend(&store, &poison, NOW).await;
        }
        let good = added(&store, "good").await;
        hold(&store, &good, Some(NOW), NOW.plus(MINUTE)).await;
        file.alter(sql);
        let looks = store.due_looks(&shop(), NOW, 1).await.unwrap();
        assert_eq!(looks.iter().map(|found| found.order.number.as_str()).collect::<Vec<_>>(), ["good"], "{sql}");
        let completions = store.due_completions(&shop(), NOW, &HashSet::new(), 1).await.unwrap();
        assert_eq!(completions.iter().map(|found| found.order.number.as_str()).collect::<Vec<_>>(), ["good"], "{sql}");
        change(&store, &good, |order| (order.next_look_at, order.complete_at) = (Some(NOW.plus(MINUTE)), None)).await;
        assert!(
            store.next_look_after(&shop(), NOW.minus(MINUTE)).await.unwrap() >= Some(NOW.plus(MINUTE)),
            "{sql}: it is not due for ever"
        );
        let next = store.upcoming(&shop()).await.unwrap().first();
        assert!(next.is_none_or(|at| at > NOW), "{sql}: nor is its completion");
        assert_eq!(store.unreadable(), 1, "{sql}");
        assert!(store.figures(&shop(), NOW, &[]).await.is_ok(), "{sql}");
        let listed = store.list_orders(ListFilter { limit: 10, ..Default::default() }).await.unwrap();
        assert!(listed.iter().any(|found| found.order.number.as_str() == "good"), "{sql}");
    }
}

/// The bug: a page with a row that cannot be read was shorter than it may be, and was taken for the last one.
#[tokio::test]
async fn regression_a_row_that_cannot_be_read_ends_no_list() {
    let file = File::new();
    let store = file.open();
    for number in ["a", "poison", "b", "c"] {
        added(&store, number).await;
    }
    file.alter("UPDATE orders SET currency = 1 WHERE order_number = 'poison'");
    let mut after = None;
    for expected in [&["a", "b"][..], &["c"]] {
        let page = store.list_orders(ListFilter { after, limit: 2, ..Default::default() }).await.unwrap();
        assert_eq!(page.iter().map(|found| found.order.number.as_str()).collect::<Vec<_>>(), expected);
        after = page.last().map(|last| last.order.key);
    }
}

/// The bug: what cannot be read was put off further than any plan reaches, so the next sweep took it for the work of a
/// wrong clock, said so, and made it due again.
#[tokio::test]
async fn regression_what_is_left_alone_is_not_taken_for_the_work_of_a_wrong_clock() {
    let nothing = Duration::ZERO;
    let looks = LookPolicy {
        pending: Pending::Tiers(Vec::new()),
        pending_old: nothing,
        trust_callbacks: true,
        held: nothing,
        review: nothing,
        late: Vec::new(),
        payment_time: nothing,
        backoff: nothing,
        backoff_max: nothing,
    };
    let settle = SettlePolicy {
        quiet: nothing,
        resend_whole: true,
        refund_tools: false,
        without_request: &[],
        attempts_max: 1,
        ask_every: nothing,
        ask_every_max: nothing,
    };
    let horizon = Horizon {
        looks: [State::Pending, State::Held, State::Review]
            .map(|state| (state, NOW.plus(polling::bound(&looks, state))))
            .to_vec(),
        late_looks: NOW.plus(polling::bound(&looks, State::Deposited)),
        steps: NOW.plus(settle.bound()),
    };
    for state in [State::Pending, State::Held, State::Deposited] {
        let file = File::new();
        let store = file.open();
        let poison = added(&store, "poison").await;
        hold(&store, &poison, Some(NOW), NOW.plus(MINUTE * 60)).await;
        intend(&store, &order(&store, "poison").await, NOW).await;
        change(&store, &order(&store, "poison").await, move |order| (order.state, order.complete_at) = (state, None))
            .await;
        file.alter("UPDATE orders SET currency = 1");
        assert_eq!(store.due_completions(&shop(), NOW, &HashSet::new(), 1).await.unwrap(), [], "{state}");
        assert_eq!(store.unreadable(), 1, "{state}");
        let pulled = store.pull_in(&shop(), horizon.clone(), NOW).await.unwrap();
        assert_eq!(pulled, PulledIn::default(), "{state}: even with the shortest settings there are");
        let left: [i64; 2] = file
            .raw()
            .query_row(
                "SELECT next_look_at_ms, next_step_at_ms FROM orders JOIN operations ON orders.id = order_key",
                [],
                |row| Ok([row.get(0)?, row.get(1)?]),
            )
            .unwrap();
        assert_eq!(left, [NOW.plus(polling::LEFT_ALONE_FOR).as_millis(); 2], "{state}");
    }
}

#[tokio::test]
async fn keys_change_one_behind_the_other() {
    let file = File::new();
    let store = Store::open_or_create(file.with_keys(KEY_A, &[])).unwrap();
    added(&store, "A-1").await;
    let unknown = Store::open(file.with_keys(KEY_B, &[])).map(drop).unwrap_err();
    assert!(matches!(unknown, OpenError::KeyUnknown(_)), "{unknown}");

    let rotating = Store::open(file.with_keys(KEY_B, &[KEY_A])).unwrap();
    assert_eq!(order(&rotating, "A-1").await.state, State::Pending);
    added(&rotating, "A-2").await;
    assert_eq!(rotating.check_rows(NOW).await.unwrap().resealed, 1);
    assert_eq!(rotating.check_rows(NOW).await.unwrap().resealed, 0);

    let rotated = Store::open(file.with_keys(KEY_B, &[])).unwrap();
    for text in ["A-1", "A-2"] {
        assert_eq!(order(&rotated, text).await.state, State::Pending, "{text}");
    }
    let old = Store::open(file.with_keys(KEY_A, &[])).map(drop).unwrap_err();
    assert!(matches!(old, OpenError::KeyUnknown(_)), "{old}");
}

#[tokio::test]
async fn a_lost_key_is_told_and_rows_are_sealed_anew_on_a_persons_word_alone() {
    let file = File::new();
    let store = file.open();
    added(&store, "A-1").await;
    drop(store);
    std::fs::remove_file(keys::path_of(&file.path())).unwrap();
    let lost = Store::open(&file.path()).map(drop).unwrap_err();
    assert!(matches!(lost, OpenError::KeyLost(_)) && lost.to_string().contains("--lost-key"), "{lost}");
    assert!(!keys::path_of(&file.path()).exists(), "no other one is made in its place");
    let store = Store::open(Place { lost_key: true, ..Place::at(&file.path()) }).unwrap();
    assert_eq!(order(&store, "A-1").await.state, State::Pending);
    drop(store);
    assert_eq!(order(&file.open(), "A-1").await.state, State::Pending);
}

#[tokio::test]
async fn without_a_key_rows_are_read_and_none_is_written() {
    let file = File::new();
    added(&file.open(), "A-1").await;
    let blind = Store::open(Place { keys: Keys::Unread("it is the daemon's".to_owned()), ..Place::at(&file.path()) });
    let blind = blind.unwrap();
    assert_eq!(order(&blind, "A-1").await.state, State::Pending);
    let refused = blind.add_orders(vec![new_order("A-2")], Cause::Shop, NOW).await.unwrap_err();
    assert!(matches!(&refused, StoreError::KeyNeeded(why) if why == "it is the daemon's"), "{refused}");
    assert_eq!(blind.orders_numbered("A-2").await.unwrap(), [], "nothing of it is left");
}

/// A database of the first version, as it was shipped: its rows have no seals.
fn first_version(file: &File) {
    let raw = file.raw();
    raw.execute_batch(include_str!("../migrations/0001_orders.sql")).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    raw.pragma_update(None, "application_id", 0x7263_6e64).unwrap();
    raw.execute(
        "INSERT INTO orders (merchant, order_number, amount_minor, currency, state, state_since_ms, created_at_ms,
            next_look_at_ms) VALUES ('shop', 'A-1', 10000, 643, 'pending', 1, 1, 1)",
        [],
    )
    .unwrap();
}

#[tokio::test]
async fn rows_from_before_the_seals_are_sealed_once() {
    let file = File::new();
    first_version(&file);
    let blind = Place { keys: Keys::Unread("it is the daemon's".to_owned()), ..Place::at(&file.path()) };
    let lock = Lock::take(&file.path(), "a daemon").unwrap();
    let refused = Store::open_under(&lock, blind, NOW);
    assert!(matches!(refused, Err(OpenError::KeyNeeded { .. })), "nothing is migrated without a key");
    drop(lock);
    let store = file.open_upgraded();
    assert_eq!(order(&store, "A-1").await.state, State::Pending);
    assert_eq!(store.check_rows(NOW).await.unwrap().altered, 0);
    file.alter("UPDATE orders SET seal = NULL");
    drop(store);
    assert_eq!(review_code(&file.open(), "A-1").await.as_deref(), Some("row_altered"), "not sealed a second time");
}

#[test]
fn the_key_beside_the_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::at_rest();
    let key = keys::path_of(&file.path());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    let text = std::fs::read_to_string(&key).unwrap();
    assert_eq!(text.trim_end().len(), 64);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = Store::open(&file.path()).map(drop).unwrap_err();
    assert!(matches!(open, OpenError::Key { .. }) && open.to_string().contains("chmod 600"), "{open}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&key, &text[..20]).unwrap();
    assert!(Store::open(&file.path()).map(drop).unwrap_err().to_string().contains("cut short"));
}
