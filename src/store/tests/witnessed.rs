//! Orders that were lost with their database, sent for by then, and handed in again.

use std::collections::HashSet;

use std::fs;

use super::super::witnessed::REMEMBERED_MAX;
use super::super::{Becomes, OrderWithOperation, StoreError};
use super::standing::{back_up, held, remove, restore, send, start, witness, write_intent};
use super::*;
use crate::domain::event::EventKind;
use crate::domain::holds;
use crate::domain::operation::{CompletionAmount, NewOperation, OperationKind, OperationState};

const QUIET: Duration = Duration::from_secs(15 * 60);

fn remembered(file: &File) -> Vec<String> {
    let raw = file.raw();
    let mut statement = raw.prepare("SELECT order_number FROM witnessed ORDER BY order_number").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

async fn found(store: &Store, text: &str) -> OrderWithOperation {
    store.order(&shop(), text).await.unwrap()
}

/// The bug: what the witness named of an order that the queue had lost was forgotten, so the order, handed in again,
/// was sent for as if nothing had been.
#[tokio::test]
async fn regression_an_order_that_was_lost_is_in_doubt_from_the_moment_it_is_added() {
    let file = File::new();
    let backup = file.directory.path().join("backup");
    let first = start(&file.path());
    back_up(&file, &backup);
    send(&first.store, "lost").await;
    let twice = held(&first.store, "twice").await;
    for _ in 0..2 {
        write_intent(&first.store, &twice).await.unwrap();
        first.store.bear_witness(twice.key, NOW).await.unwrap();
    }
    let by_id = NewOrder { order_id: Some(order_id("id-1")), ..new_order("by id") };
    assert_eq!(add(&first.store, vec![by_id]).await, [Added::New]);
    hold(&first.store, &order(&first.store, "by id").await, Some(NOW), NOW.plus(MINUTE * 60)).await;
    intend(&first.store, &order(&first.store, "by id").await, NOW).await;
    let kept = order(&first.store, "by id").await;
    write_intent(&first.store, &kept).await.unwrap();
    first.store.bear_witness(kept.key, NOW).await.unwrap();
    drop(first);
    restore(&file, &backup);

    let second = start(&file.path());
    let adoption = second.store.adoption().await.unwrap();
    assert!(adoption.sends.iter().all(|send| send.becomes == Becomes::NotKnown), "{adoption:?}");
    let adopted_at = NOW.plus(MINUTE);
    second.store.adopt("ann", "restored on purpose", adopted_at).await.unwrap();
    drop(second);
    assert_eq!(remembered(&file), ["by id", "lost", "twice"]);

    // Whoever adds orders need not be the daemon, and may do so after any number of starts.
    let third = start(&file.path());
    assert_eq!(third.store.freeze().await.unwrap(), None);
    let added_at = adopted_at.plus(MINUTE * 2);
    let another_number = NewOrder { order_id: Some(order_id("id-1")), ..new_order("another number") };
    let batch = vec![new_order("lost"), new_order("twice"), another_number, new_order("new")];
    let added = file.open().add_orders(batch, Cause::Shop, added_at).await.unwrap();
    assert_eq!(added, [Added::NewInReview, Added::NewInReview, Added::NewInReview, Added::New]);
    for (text, sends) in [("lost", 1), ("twice", 2), ("another number", 1)] {
        let OrderWithOperation { order, operation } = found(&third.store, text).await;
        let code = order.review.as_ref().map(|review| review.code.as_str());
        assert_eq!((order.state, code), (State::Review, Some("sent_outside_book:10000")), "{text}");
        assert_eq!(order.before_review, Some(State::Pending), "{text}");
        let open = operation.unwrap();
        assert_eq!((open.state, open.unknown_sends, open.attempt), (OperationState::InDoubt, sends, sends), "{text}");
        assert_eq!((open.sent_at, open.expected_minor), (Some(NOW), Some(10_000)), "{text}");
        assert_eq!(open.next_step_at, added_at, "{text}: the bank is asked at once");
        assert_eq!(open.quiet_at(QUIET), Some(adopted_at.plus(QUIET)), "{text}: quiet from the adoption on");
        let kinds: Vec<_> = third.store.events_of(order.key).await.unwrap().iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Added, EventKind::ReviewOpened], "{text}");
    }
    let due = third.store.due_completions(&shop(), added_at, &HashSet::new(), 10).await.unwrap();
    assert_eq!(due.len(), 3, "each is the completer's to ask about");
    let new = found(&third.store, "new").await;
    assert_eq!((new.order.state, new.operation), (State::Pending, None));
    assert_eq!(remembered(&file), [""; 0], "each is its order's now");
    assert_eq!(third.store.check_rows(added_at).await.unwrap().altered, 0);
    let again = third.store.add_orders(vec![new_order("lost")], Cause::Shop, added_at).await.unwrap();
    assert_eq!(again, [Added::Exists]);
}

/// A line whose time cannot be read counts from the adoption, one whose sums are impossible puts its order before a
/// person all the same, and a time after the adoption counts from itself.
#[tokio::test]
async fn a_line_without_sense_is_no_reason_to_send() {
    let table: [(&str, &str, &str, Option<Timestamp>); 4] = [
        ("as it was", "2026-11-20T09:00:00.000Z", "whole\t10000", Some(NOW.plus(MINUTE).plus(QUIET))),
        ("a time without sense", "yesterday", "whole\t10000", Some(NOW.plus(MINUTE).plus(QUIET))),
        ("a later time", "2026-11-20T09:30:00.000Z", "whole\t10000", Some(NOW.plus(MINUTE * 30).plus(QUIET))),
        ("sums without sense", "2026-11-20T09:00:00.000Z", "-1\t-1", None),
    ];
    for (case, at, sums, quiet_at) in table {
        let file = File::new();
        drop(start(&file.path()));
        let text = fs::read_to_string(witness(&file)).unwrap();
        // The chain is broken by it, which is one more reason to ask a person, and none to forget the line.
        let line = format!("sent\t1\t{at}\tshop\tA-1\tid-1\tcompletion\t{sums}\t1\t0\t0\n");
        fs::write(witness(&file), format!("{text}{line}{line}")).unwrap();
        let second = start(&file.path());
        second.store.adopt("ann", "looked at the console", NOW.plus(MINUTE)).await.unwrap();
        let added = second.store.add_orders(vec![new_order("A-1")], Cause::Shop, NOW.plus(MINUTE * 2)).await.unwrap();
        assert_eq!(added, [Added::NewInReview], "{case}");
        let OrderWithOperation { order, operation } = found(&second.store, "A-1").await;
        assert_eq!(order.state, State::Review, "{case}");
        assert_eq!(operation.and_then(|open| open.quiet_at(QUIET)), quiet_at, "{case}");
    }
}

/// What is remembered has a bound, and what is beyond it is not forgotten either.
#[tokio::test]
async fn more_than_can_be_remembered_is_not_adopted() {
    let file = File::new();
    let first = start(&file.path());
    send(&first.store, "A-1").await;
    drop(first);
    remove(&file);
    let second = start(&file.path());
    let full = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO witnessed (merchant, order_number, order_id, seq, kind, expected_minor, attempt, sends, sent_at_ms,
            adopted_at_ms) SELECT 'shop', 'full-' || i, '', i, 'completion', 1, 1, 1, 1, 1 FROM n";
    file.raw().execute(full, [REMEMBERED_MAX]).unwrap();
    let lines = fs::read_to_string(witness(&file)).unwrap();
    let refused = second.store.adopt("ann", "begun anew", NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooManyUnknown { .. }), "{refused}");
    assert!(second.store.freeze().await.unwrap().is_some(), "money stays frozen");
    assert_eq!(fs::read_to_string(witness(&file)).unwrap(), lines, "nothing was vouched for");
    // The way out that is named.
    added(&second.store, "A-1").await;
    second.store.adopt("ann", "begun anew", NOW).await.unwrap();
    assert_eq!(order(&second.store, "A-1").await.state, State::Review);
}

/// A send is forgotten once its hold cannot stand any more, by the time of a later send and not by the clock's word
/// alone.
#[tokio::test]
async fn what_is_remembered_is_forgotten_once_its_hold_is_over() {
    let (life, second) = (holds::LONGEST_LIFE, Duration::from_secs(1));
    let table = [
        ("nothing was sent since", None, true),
        ("sent while it may stand", Some(NOW.plus(life)), true),
        ("sent after its life", Some(NOW.plus(life).plus(second)), false),
    ];
    for (case, sent_at, is_kept) in table {
        let file = File::new();
        let first = start(&file.path());
        send(&first.store, "A-1").await;
        drop(first);
        remove(&file);
        let second = start(&file.path());
        second.store.adopt("ann", "begun anew", NOW).await.unwrap();
        assert_eq!(remembered(&file), ["A-1"], "{case}");
        if let Some(sent_at) = sent_at {
            let later = held(&second.store, "later").await;
            write_intent(&second.store, &later).await.unwrap();
            let sent = move |_: &Order, open: Option<&Operation>| Amendment {
                operation: OperationChange::Update(Operation { sent_at: Some(sent_at), ..open.unwrap().clone() }),
                ..Amendment::nothing(())
            };
            second.store.amend(later.key, NOW, sent).await.unwrap();
        }
        second.store.check_rows(NOW.plus(life * 10)).await.unwrap();
        assert_eq!(remembered(&file).len(), usize::from(is_kept), "{case}");
    }
}

/// Sends a refund of 10.00, with `before` given back until then.
async fn refund(store: &Store, order: &Order, before: i64) {
    let amount = CompletionAmount::Exactly(Amount::new(1_000).unwrap());
    let new = NewOperation { kind: OperationKind::Refund, amount, intended_at: NOW, ordered: true };
    let opened = store.amend(order.key, NOW, move |_, _| Amendment {
        operation: OperationChange::Open(new),
        ..Amendment::nothing(())
    });
    opened.await.unwrap();
    let sent = store.amend(order.key, NOW, move |_, open| {
        let sent = Operation {
            state: OperationState::InDoubt,
            attempt: 1,
            unknown_sends: 1,
            expected_minor: Some(1_000),
            refunded_before: Some(before),
            sent_at: Some(NOW),
            ..open.unwrap().clone()
        };
        Amendment { operation: OperationChange::Update(sent), ..Amendment::nothing(()) }
    });
    sent.await.unwrap();
    store.bear_witness(order.key, NOW).await.unwrap();
}

/// Of two refunds of one sum a backup has the first, or none: the second is measured from what had been given back
/// before it, or what the first one gave back would be taken for its effect.
#[tokio::test]
async fn a_refund_that_only_the_witness_has_is_measured_from_what_had_been_given_back_before_it() {
    for backup_has_the_first in [false, true] {
        let file = File::new();
        let backup = file.directory.path().join("backup");
        let first = start(&file.path());
        let order = added(&first.store, "A-1").await;
        if backup_has_the_first {
            refund(&first.store, &order, 0).await;
            back_up(&file, &backup);
        } else {
            back_up(&file, &backup);
            refund(&first.store, &order, 0).await;
        }
        let confirmed = first.store.amend(order.key, NOW, |_, open| {
            let confirmed = Operation { state: OperationState::Confirmed, ..open.unwrap().clone() };
            Amendment { operation: OperationChange::Update(confirmed), ..Amendment::nothing(()) }
        });
        confirmed.await.unwrap();
        refund(&first.store, &order, 1_000).await;
        drop(first);
        restore(&file, &backup);

        let second = start(&file.path());
        let adoption = second.store.adoption().await.unwrap();
        let before: Vec<_> = adoption.sends.iter().map(|send| send.sent.refunded_before_minor).collect();
        let both = [Some(0), Some(1_000)];
        assert_eq!(before, if backup_has_the_first { &both[1..] } else { &both[..] });
        second.store.adopt("ann", "restored", NOW.plus(MINUTE)).await.unwrap();
        let open = found(&second.store, "A-1").await.operation.unwrap();
        assert_eq!((open.kind, open.state, open.ordered), (OperationKind::Refund, OperationState::InDoubt, true));
        assert_eq!((open.refunded_before, open.expected_minor), (Some(1_000), Some(1_000)));
        let raw = file.raw();
        let mut states = raw.prepare("SELECT state FROM operations ORDER BY id").unwrap();
        let states: Vec<String> = states.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let expected = if backup_has_the_first { &["contradicted", "in_doubt"][..] } else { &["in_doubt"] };
        assert_eq!(states, expected, "two refunds are two");
    }
}

/// A backup that has the first send of a refund in doubt, and settles it by a read: what the bank shows is the effect of
/// the send after it. Both together are more than was taken, and that must not keep the database from being adopted.
#[tokio::test]
async fn a_refund_that_was_settled_already_is_not_taken_in_beside_itself() {
    let file = File::new();
    let backup = file.directory.path().join("backup");
    let first = start(&file.path());
    let price = Amount::new(1_500).unwrap();
    add(&first.store, vec![NewOrder { amount: price, ..new_order("A-1") }]).await;
    let order = order(&first.store, "A-1").await;
    refund(&first.store, &order, 0).await;
    back_up(&file, &backup);
    let again = first.store.amend(order.key, NOW, |_, open| {
        let sent = Operation { attempt: 2, unknown_sends: 2, ..open.unwrap().clone() };
        Amendment { operation: OperationChange::Update(sent), ..Amendment::nothing(()) }
    });
    again.await.unwrap();
    first.store.bear_witness(order.key, NOW).await.unwrap();
    drop(first);
    restore(&file, &backup);

    let second = start(&file.path());
    let settled = second.store.amend(order.key, NOW, |_, open| {
        let confirmed = Operation { state: OperationState::Confirmed, ..open.unwrap().clone() };
        Amendment { operation: OperationChange::Update(confirmed), ..Amendment::nothing(()) }
    });
    settled.await.unwrap();
    second.store.adopt("ann", "restored", NOW.plus(MINUTE)).await.unwrap();
    assert!(second.store.freeze().await.unwrap().is_none(), "it is adopted");
    let found = found(&second.store, "A-1").await;
    assert_eq!(found.order.state, State::Review, "a person is asked about the send that our book lacks");
    assert_eq!(found.operation.unwrap().state, OperationState::Confirmed, "nothing is open that could be sent");
}
