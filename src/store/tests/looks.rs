//! What is read to plan looks anew, and what is kept of callbacks.

use super::*;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::order::Kind;
use crate::domain::polling::{Standing, StoredCallbacks};
use crate::store::Hinted;

/// What is written down of an order, and whether its look is planned anew when callbacks stop, to be due now.
#[tokio::test]
async fn pending_orders_whose_look_lies_ahead_are_planned_anew() {
    let file = File::new();
    let store = file.open();
    let (later, one, two) = (NOW.plus(MINUTE), Some(Kind::OnePhase), Some(Kind::TwoPhase));
    let table = [
        ("one-phase", one, State::Pending, 0, Some(later), true),
        ("two-phase", two, State::Pending, 0, Some(later), true),
        ("nobody said", None, State::Pending, 0, Some(later), true),
        ("due anyway", None, State::Pending, 0, Some(NOW), false),
        ("the bank told nothing", None, State::Pending, 2, Some(later), false),
        ("at an end", None, State::Deposited, 0, Some(later), false),
        ("never again", None, State::Declined, 0, None, false),
    ];
    for (text, kind, state, unknown, next_look_at, _) in table {
        add(&store, vec![NewOrder { kind, ..new_order(text) }]).await;
        let row = order(&store, text).await;
        assert_eq!(row.kind, kind, "{text}");
        let planned = move |order: &mut Order| {
            (order.state, order.unknown_in_a_row, order.next_look_at) = (state, unknown, next_look_at);
        };
        change(&store, &row, planned).await;
    }
    let found = store.pending_briefly(&shop(), NOW, 10).await.unwrap();
    store.plan_looks_anew(found.iter().map(|due| (due.key, due.due_at, NOW)).collect()).await.unwrap();
    for (text, kind, _, _, next_look_at, is_planned_anew) in table {
        let row = order(&store, text).await;
        let due = found.iter().find(|due| due.key == row.key);
        assert_eq!(due.map(|due| (due.kind, due.due_at)), is_planned_anew.then_some((kind, later)), "{text}");
        assert_eq!(row.next_look_at, if is_planned_anew { Some(NOW) } else { next_look_at }, "{text}");
    }
    assert_eq!(store.pending_briefly(&shop(), NOW, 2).await.unwrap(), []);
}

/// Each is taken once, and by the merchant whose it is.
#[tokio::test]
async fn hints_are_taken_in_once() {
    let file = File::new();
    let store = file.open();
    let [first, second] = [added(&store, "A-1").await, added(&store, "A-2").await];
    let other = MerchantId::new("other").unwrap();
    assert_eq!(store.hint(&shop(), None, Some(&first.number), NOW).await.unwrap(), Hinted::AsPlanned);
    store.hint(&shop(), None, Some(&second.number), NOW.plus(MINUTE)).await.unwrap();
    assert_eq!(store.hint(&other, None, Some(&first.number), NOW).await.unwrap(), Hinted::Unknown);
    assert_eq!(store.take_hints(&other), []);
    assert_eq!(store.take_hints(&shop()), [(first.key, NOW), (second.key, NOW.plus(MINUTE))]);
    assert_eq!(store.take_hints(&shop()), []);
}

/// When the next look at an order is planned, how often the bank told nothing before, when a callback comes, when the
/// look is asked, all in seconds, and what the journal says made it.
#[tokio::test]
async fn what_a_callback_asked_for_has_that_cause() {
    let file = File::new();
    let store = file.open();
    let table = [
        ("nobody called", 10, 0, None, 10, "look"),
        ("a callback pulled it forward", 3_600, 0, Some(10), 11, "callback"),
        ("it waited for the budget", 3_600, 0, Some(10), 900, "callback"),
        ("it was due, and went first", 5, 0, Some(10), 11, "callback"),
        ("asked before the callback came", 10, 0, Some(12), 11, "look"),
        ("the bank's backoff stood", 3_600, 2, Some(10), 3_600, "look"),
    ];
    let at = |seconds: u64| NOW.plus(Duration::from_secs(seconds));
    let cause = async |order: &Order| store.events_of(order.key).await.unwrap().pop().unwrap().cause;
    let found = |order: &Order, _: Option<&Operation>| {
        let event =
            |cause, kind| NewEvent { kind, cause, before: order.state, after: order.state, detail: String::new() };
        let looked = Order { next_look_at: Some(NOW.plus(MINUTE * 600)), unknown_in_a_row: 0, ..order.clone() };
        let events =
            vec![event(Cause::Schedule, EventKind::CompletionIntended), event(Cause::Look, EventKind::Changed)];
        Amendment { order: Some(looked), events, ..Amendment::nothing(()) }
    };
    for (case, planned, unknown, hinted, asked, expected) in table {
        let row = added(&store, case).await;
        let plan = move |order: &mut Order| (order.next_look_at, order.unknown_in_a_row) = (Some(at(planned)), unknown);
        change(&store, &row, plan).await;
        if let Some(hinted) = hinted {
            store.hint(&shop(), None, Some(&row.number), at(hinted)).await.unwrap();
        }
        store.amend_after_look(row.key, at(asked), at(asked + 1), found).await.unwrap();
        assert_eq!(cause(&row).await, expected, "{case}");
        let before = store.events_of(row.key).await.unwrap();
        assert_eq!(before[1].cause, "schedule", "{case}");
        // The look after one that came too early is the callback's; any other is nobody's.
        let again = if case.starts_with("asked before") { "callback" } else { "look" };
        store.amend_after_look(row.key, at(asked + 7), at(asked + 7), found).await.unwrap();
        assert_eq!(cause(&row).await, again, "{case}, once more");
    }
    // What found nothing is as idle as any.
    let row = added(&store, "idle").await;
    change(&store, &row, move |order| order.next_look_at = Some(at(3_600))).await;
    store.hint(&shop(), None, Some(&row.number), at(10)).await.unwrap();
    let before = order(&store, "idle").await;
    let idle = move |order: &Order, _: Option<&Operation>| {
        let order = Order { next_look_at: Some(at(7_200)), ..order.clone() };
        Amendment { order: Some(order), ..Amendment::nothing(()) }
    };
    store.amend_after_look(row.key, at(11), at(11), idle).await.unwrap();
    assert_eq!(order(&store, "idle").await, Order { next_look_at: Some(at(7_200)), ..before });
    assert_eq!(store.check_rows(NOW).await.unwrap().altered, 0);
}

#[tokio::test]
async fn what_callbacks_are_taken_for_is_kept_until_none_are_taken() {
    let file = File::new();
    let store = file.open();
    assert_eq!(store.callbacks(&shop()).await.unwrap(), None);
    for standing in Standing::ALL {
        let known = StoredCallbacks { standing, since: NOW, numbers: vec![1.0, 0.25, 3.5, 1e-9] };
        store.keep_callbacks(&shop(), Some(known.clone())).await.unwrap();
        assert_eq!(file.open().callbacks(&shop()).await.unwrap(), Some(known));
    }
    file.raw().execute("UPDATE callbacks SET numbers = 'of another version'", []).unwrap();
    assert_eq!(store.callbacks(&shop()).await.unwrap(), None);
    store.keep_callbacks(&shop(), None).await.unwrap();
    let left: i64 = file.raw().query_row("SELECT count(*) FROM callbacks", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}
