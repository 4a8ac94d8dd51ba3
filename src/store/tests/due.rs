//! What is due, in which order, and that finding it out does not walk over every order there ever was.

use std::collections::HashSet;

use crate::domain::operation::OperationState;
use crate::domain::order::ReviewReason;

use super::super::answers::FORGET;
use super::super::claims::{COUNT_MONEY, FORGET_CLAIMS, TRIM_LONG};
use super::super::due::{DUE_COMPLETIONS, DUE_DEADLINES, DUE_LOOKS, NEXT_LOOK, UNWARNED_LAPSES, UPCOMING};
use super::super::figures::{AUTOCOMPLETION_CONFLICTS, LATEST_ANSWER};
use super::super::looks::{DUE_BRIEFLY, ONE_DUE, PENDING_BRIEFLY};
use super::super::money::{IN_DOUBT, MAKE_DUE, MAKE_ROOM, SENT_IN_A_DAY, STOPS_OF_ORDER, TRY_HELD_BACK};
use super::super::registrations::{
    DUE_REGISTRATIONS, FORGET_DOCUMENTS, LAST_REGISTRATION, LIST_REGISTRATIONS, NEXT_REGISTRATION, OPEN_REGISTRATIONS,
};
use super::super::sweep::{FUTURE_HOLDS, PULL_IN_ENDED, PULL_IN_OPEN};
use super::super::witnessed::TAKE;
use super::super::{OrderWithOperation, SCHEMA_VERSION};
use super::*;

fn numbers(found: &[OrderWithOperation]) -> Vec<&str> {
    found.iter().map(|found| found.order.number.as_str()).collect()
}

#[tokio::test]
async fn looks_come_oldest_due_first_and_orders_with_an_open_operation_are_the_completers() {
    let file = File::new();
    let store = file.open();
    for (text, minutes) in [("third", 3), ("first", 1), ("second", 2), ("later", 9), ("completing", 0)] {
        let fresh = added(&store, text).await;
        change(&store, &fresh, move |order| order.next_look_at = Some(NOW.plus(MINUTE * minutes))).await;
    }
    let completing = order(&store, "completing").await;
    intend(&store, &completing, NOW).await;
    let due = store.due_looks(&shop(), NOW.plus(MINUTE * 3), 10).await.unwrap();
    assert_eq!(numbers(&due), ["first", "second", "third"]);
    assert_eq!(numbers(&store.due_looks(&shop(), NOW.plus(MINUTE * 3), 2).await.unwrap()), ["first", "second"]);
    assert_eq!(store.next_look_after(&shop(), NOW.minus(MINUTE)).await.unwrap(), Some(NOW.plus(MINUTE)));
    let other = MerchantId::new("other").unwrap();
    assert_eq!(store.due_looks(&other, NOW.plus(MINUTE * 9), 10).await.unwrap(), []);
}

#[tokio::test]
async fn an_order_is_the_pollers_again_once_its_operation_is_settled() {
    let file = File::new();
    let store = file.open();
    let fresh = added(&store, "A-1").await;
    intend(&store, &fresh, NOW).await;
    assert_eq!(store.next_look_after(&shop(), NOW.minus(MINUTE)).await.unwrap(), None);
    let open = operation(&store, "A-1").await.unwrap();
    let operation = OperationChange::Update(Operation { state: OperationState::Withdrawn, ..open });
    store.amend(fresh.key, NOW, |_, _| Amendment { operation, ..Amendment::nothing(()) }).await.unwrap();
    assert_eq!(numbers(&store.due_looks(&shop(), NOW, 10).await.unwrap()), ["A-1"]);
}

#[tokio::test]
async fn completions_come_with_the_earliest_lapse_first() {
    let file = File::new();
    let store = file.open();
    let later = NOW.plus(MINUTE * 60);
    for (text, complete_at, lapses) in [
        ("second", Some(NOW), 2),
        ("first", Some(NOW), 1),
        ("not due", Some(later), 0),
        ("not planned", None, 0),
        ("open, due", Some(NOW), 3),
        ("open, asked later", Some(NOW), 0),
        ("in review, due", Some(NOW), 1),
        ("in review, due longer", Some(NOW), 4),
    ] {
        let fresh = added(&store, text).await;
        hold(&store, &fresh, complete_at, NOW.plus(MINUTE * (100 + lapses))).await;
    }
    let (due, asked_later) = (order(&store, "open, due").await, order(&store, "open, asked later").await);
    intend(&store, &due, NOW).await;
    intend(&store, &asked_later, later).await;
    for (text, at) in [("in review, due", NOW), ("in review, due longer", NOW.minus(MINUTE))] {
        intend(&store, &order(&store, text).await, at).await;
        let open = order(&store, text).await;
        let reason = ReviewReason { code: "in_doubt".to_owned(), sentence: "in doubt".to_owned() };
        change(&store, &open, |order| {
            (order.state, order.review, order.complete_at) = (State::Review, Some(reason), None);
        })
        .await;
    }
    let found = store.due_completions(&shop(), NOW, &HashSet::new(), 10).await.unwrap();
    assert_eq!(numbers(&found), ["first", "second", "open, due", "in review, due longer", "in review, due"]);
    assert_eq!(numbers(&store.due_completions(&shop(), NOW, &HashSet::new(), 1).await.unwrap()), ["first"]);
    assert_eq!(store.upcoming(&shop()).await.unwrap().first(), Some(NOW.minus(MINUTE)));
    let other = MerchantId::new("other").unwrap();
    assert_eq!(store.due_completions(&other, later, &HashSet::new(), 10).await.unwrap(), []);
    assert_eq!(store.upcoming(&other).await.unwrap().first(), None);
}

#[tokio::test]
async fn a_lapse_is_due_until_as_many_warnings_were_given() {
    let file = File::new();
    let store = file.open();
    for (text, lapses) in [("soon", 1), ("sooner", 0), ("far", 600)] {
        let fresh = added(&store, text).await;
        hold(&store, &fresh, None, NOW.plus(MINUTE * lapses)).await;
    }
    let until = NOW.plus(MINUTE * 60);
    let near = store.unwarned_lapses(&shop(), until, 1, 10).await.unwrap();
    assert_eq!(numbers(&near), ["sooner", "soon"]);
    assert_eq!(store.next_unwarned_lapse(&shop(), 1).await.unwrap(), Some(NOW));
    let warned = |order: &Order, _: Option<&Operation>| Amendment {
        order: Some(Order { lapse_warnings: 1, ..order.clone() }),
        ..Amendment::nothing(())
    };
    store.amend(near[0].order.key, NOW, warned).await.unwrap();
    assert_eq!(numbers(&store.unwarned_lapses(&shop(), until, 1, 10).await.unwrap()), ["soon"]);
    assert_eq!(numbers(&store.unwarned_lapses(&shop(), until, 2, 10).await.unwrap()), ["sooner", "soon"]);
    assert_eq!(store.next_unwarned_lapse(&shop(), 1).await.unwrap(), Some(NOW.plus(MINUTE)));
}

/// Each query, and the ways by which it may come to a row of `orders`: by a range of its own index, or by row id.
#[test]
fn no_query_of_what_is_due_walks_over_all_orders() {
    let by_id = "SEARCH orders USING INTEGER PRIMARY KEY (rowid=?)";
    let table: [(&str, usize, &[&str]); 15] = [
        (FORGET, 2, &[by_id]),
        (DUE_LOOKS, 3, &["SEARCH orders USING INDEX orders_by_next_look (merchant=? AND next_look_at_ms<?)"]),
        (DUE_BRIEFLY, 3, &["SEARCH orders USING INDEX orders_by_next_look (merchant=? AND next_look_at_ms<?)"]),
        (PENDING_BRIEFLY, 3, &["SEARCH orders USING INDEX orders_by_state (merchant=? AND state=?)"]),
        (ONE_DUE, 2, &[by_id]),
        (NEXT_LOOK, 2, &["SEARCH orders USING COVERING INDEX orders_by_next_look (merchant=? AND next_look_at_ms>?)"]),
        (
            DUE_COMPLETIONS,
            3,
            &[
                "SEARCH orders USING COVERING INDEX orders_by_completion (merchant=? AND complete_at_ms<?)",
                "SEARCH orders USING COVERING INDEX orders_by_deadline (merchant=? AND deadline_at_ms<?)",
                by_id,
            ],
        ),
        (DUE_DEADLINES, 3, &["SEARCH orders USING INDEX orders_by_deadline (merchant=? AND deadline_at_ms<?)"]),
        (
            UPCOMING,
            1,
            &[
                "SEARCH orders USING COVERING INDEX orders_by_completion (merchant=? AND complete_at_ms>?)",
                "SEARCH orders USING COVERING INDEX orders_by_deadline (merchant=? AND deadline_at_ms>?)",
                by_id,
            ],
        ),
        (
            UNWARNED_LAPSES,
            4,
            &["SEARCH orders USING INDEX orders_by_lapse (merchant=? AND lapses_at_ms>? AND lapses_at_ms<?)"],
        ),
        (FUTURE_HOLDS, 3, &["SEARCH orders USING INDEX orders_by_hold (merchant=? AND held_at_ms>?)"]),
        (PULL_IN_OPEN, 4, &["SEARCH orders USING INDEX orders_by_state (merchant=? AND state=?)"]),
        (PULL_IN_ENDED, 3, &["SEARCH orders USING INDEX orders_by_next_look (merchant=? AND next_look_at_ms>?)"]),
        (AUTOCOMPLETION_CONFLICTS, 1, &["SEARCH orders USING INDEX orders_by_autocompletion (merchant=?)"]),
        (
            LATEST_ANSWER,
            2,
            &[
                "SEARCH orders USING INDEX orders_by_state (merchant=? AND state=?)",
                "SEARCH orders USING INDEX orders_by_state (merchant=? AND state=? AND state_since_ms>?)",
            ],
        ),
    ];
    let file = File::at_rest();
    let raw = file.raw();
    assert_eq!(SCHEMA_VERSION, 17, "a migration may have changed the indexes: read the plans again");
    for (sql, parameters, ways) in table {
        let plan = plan(&raw, sql, parameters);
        let of_orders: Vec<_> = plan.iter().filter(|line| line.contains(" orders")).collect();
        assert!(!of_orders.is_empty(), "{plan:#?}");
        for line in of_orders {
            assert!(ways.contains(&line.as_str()), "{sql}\n{line}");
        }
        assert!(!plan.iter().any(|line| line.starts_with("SCAN operations")), "{plan:#?}");
    }
}

/// What the guard asks before every send, what makes due what it held back, and what is asked of the witness's orders
/// with every order that is added. SQLite calls it a scan when it walks over an index of what is open, and that is
/// little.
#[test]
fn no_query_of_the_guard_walks_over_all_operations_or_stops() {
    let in_force = "SEARCH money_stops USING INDEX money_stops_in_force (scope=? AND <expr>=? AND <expr>=?)";
    let by_id = "SEARCH orders USING INTEGER PRIMARY KEY (rowid=?)";
    let table: [(&str, usize, &[&str]); 7] = [
        (STOPS_OF_ORDER, 2, &[in_force, "SEARCH orders USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"]),
        (IN_DOUBT, 2, &["SEARCH operations USING COVERING INDEX operations_by_state (merchant=? AND state=?)"]),
        (
            SENT_IN_A_DAY,
            4,
            &[
                "SEARCH operations USING COVERING INDEX operations_by_send (merchant=? AND sent_at_ms>?)",
                "SEARCH operations USING INTEGER PRIMARY KEY (rowid=?)",
                by_id,
            ],
        ),
        (
            MAKE_ROOM,
            3,
            &[
                "SEARCH operations USING INDEX operations_by_state (merchant=? AND state=?)",
                "SEARCH operations USING INTEGER PRIMARY KEY (rowid=?)",
                by_id,
            ],
        ),
        (MAKE_DUE, 4, &["SCAN operations USING INDEX operations_open"]),
        (TRY_HELD_BACK, 3, &["SEARCH operations USING INDEX operations_due (merchant=? AND next_step_at_ms>?)"]),
        (
            TAKE,
            3,
            &[
                "SEARCH witnessed USING COVERING INDEX witnessed_by_number (merchant=? AND order_number=?)",
                "SEARCH witnessed USING COVERING INDEX witnessed_by_order_id (merchant=? AND order_id=?)",
                "SEARCH witnessed USING INTEGER PRIMARY KEY (rowid=?)",
            ],
        ),
    ];
    let file = File::at_rest();
    let raw = file.raw();
    for (sql, parameters, ways) in table {
        let plan = plan(&raw, sql, parameters);
        for line in plan.iter().filter(|line| line.starts_with("SCAN") || line.starts_with("SEARCH")) {
            assert!(ways.contains(&line.as_str()), "{sql}\n{plan:#?}");
        }
    }
}

/// What the registrar asks in every round.
#[test]
fn no_query_of_the_registrar_walks_over_all_registrations() {
    let file = File::at_rest();
    let raw = file.raw();
    for (sql, parameters) in [
        (DUE_REGISTRATIONS, 4),
        (NEXT_REGISTRATION, 1),
        (LAST_REGISTRATION, 1),
        (OPEN_REGISTRATIONS, 1),
        (LIST_REGISTRATIONS, 2),
        (FORGET_DOCUMENTS, 3),
    ] {
        let plan = plan(&raw, sql, parameters);
        let ways = ["INDEX registrations_due", "INDEX registrations_kept", "INTEGER PRIMARY KEY"];
        for line in plan.iter().filter(|line| line.starts_with("SCAN") || line.starts_with("SEARCH")) {
            assert!(line.starts_with("SEARCH") && ways.iter().any(|way| line.contains(way)), "{sql}\n{plan:#?}");
        }
    }
}

/// What is asked with every request that has a key, and once an hour.
#[test]
fn no_query_of_the_keys_walks_over_all_of_them() {
    let file = File::at_rest();
    let raw = file.raw();
    for (sql, parameters, way) in [
        (FORGET_CLAIMS, 2, "INDEX request_keys_by_age"),
        (COUNT_MONEY, 0, "INDEX request_keys_of_money"),
        (TRIM_LONG, 1, "INDEX request_keys_with_long_replies"),
    ] {
        let plan = plan(&raw, sql, parameters);
        for line in plan.iter().filter(|line| line.starts_with("SCAN") || line.starts_with("SEARCH")) {
            assert!(line.contains(way) || line.contains("INTEGER PRIMARY KEY"), "{sql}\n{plan:#?}");
        }
    }
}

fn plan(raw: &Connection, sql: &str, parameters: usize) -> Vec<String> {
    let mut statement = raw.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = rusqlite::params_from_iter(std::iter::repeat_n(1, parameters));
    statement.query_map(values, |row| row.get("detail")).unwrap().map(Result::unwrap).collect()
}
