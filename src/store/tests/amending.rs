//! Changing an order: rows and events together or not at all.

use std::collections::HashSet;

use crate::domain::bank::{BankStatus, BankView, PaymentSystem};
use crate::domain::event::EventKind;
use crate::domain::operation::OperationState;
use crate::domain::order::{Heard, Kind, SeenView};

use super::super::{StoreError, idle};
use super::*;

/// What the bank said, as far as a row keeps it.
fn a_view() -> BankView {
    BankView {
        order_number: None,
        order_id: Some(order_id("id-1")),
        status: BankStatus::Other(42),
        action_code: Some(-2_007),
        amount: Some(9_000),
        currency: Some(Currency::RUB),
        amounts: Some(crate::domain::bank::BankAmounts { approved: 1, deposited: 2, refunded: 3 }),
        points: None,
        counted_points: None,
        authorised_at: Some(NOW),
        payment_system: PaymentSystem::new("MIR"),
        chargeback: Some(false),
        autocompletion_at: Some(NOW),
    }
}

/// A row goes to the file and comes back as it was, every column of it.
#[tokio::test]
async fn a_row_comes_back_as_it_was_written() {
    let file = File::new();
    let store = file.open();
    let before = added(&store, "A-1").await;
    hold(&store, &before, None, NOW.plus(MINUTE)).await;
    let view = a_view();
    let held = order(&store, "A-1").await;
    let written = Order {
        order_id: Some(order_id("id-1")),
        completion: CompletionAmount::Exactly(Amount::new(7_000).unwrap()),
        parked: true,
        released_at: Some(NOW),
        unknown_in_a_row: 3,
        heard: Some(Heard { at: NOW, words: "held".to_owned() }),
        view: Some(SeenView { view, seen_at: NOW }),
        accepted: Some("one:1\ntwo:2".to_owned()),
        deadline_at: Some(NOW.plus(MINUTE)),
        lapse_warnings: 2,
        held_at_first: Some(NOW.plus(MINUTE)),
        payment_system: PaymentSystem::new("MIR"),
        autocompletion_at: Some(NOW),
        autocompletion_told: Some(NOW),
        kind: Some(Kind::TwoPhase),
        ..held
    };
    let expected = Order { version: written.version + 1, ..written.clone() };
    change(&store, &before, move |order| *order = written).await;
    assert_eq!(order(&store, "A-1").await, expected);
}

/// Most looks find nothing, and write a few columns alone: whatever else is different must not be among them, and is
/// counted as a version.
#[tokio::test]
async fn a_look_that_finds_nothing_writes_what_it_says_and_anything_else_writes_all() {
    type Change = fn(&mut Order);
    let file = File::new();
    let store = file.open();
    let before = added(&store, "A-1").await;
    let first = a_view();
    let shown = move |order: &mut Order| {
        order.order_id = first.order_id.clone();
        order.payment_system = first.payment_system.clone();
        order.autocompletion_at = first.autocompletion_at;
        order.view = Some(SeenView { view: first, seen_at: NOW });
    };
    change(&store, &before, shown).await;
    let table: [(&str, bool, Change); 7] = [
        ("when it is looked at next", true, |order| order.next_look_at = Some(NOW.plus(MINUTE))),
        ("what was heard", true, |order| order.heard = Some(Heard { at: NOW, words: "registered".to_owned() })),
        ("seen again", true, |order| {
            let seen = order.view.as_mut().unwrap();
            seen.seen_at = NOW.plus(MINUTE);
            seen.view.order_number = Some("A-1".to_owned());
        }),
        ("an unknown answer", true, |order| order.unknown_in_a_row += 1),
        ("another status", false, |order| order.view.as_mut().unwrap().view.status = BankStatus::Held),
        ("another sum", false, |order| order.view.as_mut().unwrap().view.amount = Some(9_001)),
        ("parked", false, |order| order.parked = true),
    ];
    for (what, is_alone, act) in table {
        let before = order(&store, "A-1").await;
        let mut after = before.clone();
        act(&mut after);
        assert_eq!(idle::is_a_look_alone(&before, &after), is_alone, "{what}");
        change(&store, &before, act).await;
        if let Some(seen) = &mut after.view {
            seen.view.order_number = None;
        }
        let version = before.version + i64::from(!is_alone);
        assert_eq!(order(&store, "A-1").await, Order { version, ..after }, "{what}");
    }
}

/// The same of an operation: whatever is sealed is sealed anew when it changes, and nothing else need be.
#[tokio::test]
async fn a_question_that_finds_nothing_leaves_the_seal() {
    type Change = fn(&mut Operation);
    let file = File::new();
    let store = file.open();
    let held = added(&store, "A-1").await;
    intend(&store, &held, NOW).await;
    let table: [(&str, bool, Change); 6] = [
        ("when it is asked about next", true, |operation| operation.next_step_at = NOW.plus(MINUTE)),
        ("how often it was asked about", true, |operation| operation.asks += 1),
        ("a read that agrees", true, |operation| operation.agreeing_reads += 1),
        ("words", true, |operation| operation.note = Some("still held".to_owned())),
        ("its sum", false, |operation| operation.expected_minor = Some(9_000)),
        ("where it stands", false, |operation| operation.state = OperationState::Withdrawn),
    ];
    for (what, is_alone, act) in table {
        let before = operation(&store, "A-1").await.unwrap();
        let seal = || file.raw().query_row("SELECT seal FROM operations", [], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let (sealed, mut after) = (seal(), before.clone());
        act(&mut after);
        assert_eq!(idle::is_an_ask_alone(&before, &after), is_alone, "{what}");
        let operation_after = OperationChange::Update(after.clone());
        let amendment = Amendment { operation: operation_after, ..Amendment::nothing(()) };
        store.amend(held.key, NOW, move |_, _| amendment).await.unwrap();
        assert_eq!(operation(&store, "A-1").await, Some(after), "{what}: and it reads as intact");
        assert_eq!(seal() == sealed, is_alone, "{what}");
    }
}

/// R4: a row that changed since it was read is not overwritten.
#[tokio::test]
async fn a_row_that_changed_meanwhile_is_not_overwritten() {
    let file = File::new();
    let store = file.open();
    let stale = added(&store, "A-1").await;
    change(&store, &stale, |order| order.parked = true).await;
    let late = stale.clone();
    let outcome =
        store.amend(stale.key, NOW, move |_, _| Amendment { order: Some(late), ..Amendment::nothing(()) }).await;
    assert!(matches!(outcome, Err(StoreError::Refused(words)) if words == "the order changed in the meantime"));
    assert!(order(&store, "A-1").await.parked);
}

#[tokio::test]
async fn a_settled_operation_stays_as_it_was_settled() {
    let file = File::new();
    let store = file.open();
    let held = added(&store, "A-1").await;
    intend(&store, &held, NOW).await;
    let open = operation(&store, "A-1").await.unwrap();
    let settle = |state| {
        let operation = OperationChange::Update(Operation { state, ..open.clone() });
        store.amend(held.key, NOW, move |_, _| Amendment { operation, ..Amendment::nothing(()) })
    };
    settle(OperationState::Withdrawn).await.unwrap();
    let outcome = settle(OperationState::Refused).await;
    assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    assert_eq!(operation(&store, "A-1").await.map(|operation| operation.state), Some(OperationState::Withdrawn));
}

/// The bank gives two orders one id: neither the id nor anything else of that answer is believed.
#[tokio::test]
async fn an_id_that_another_order_has_leads_to_review() {
    let file = File::new();
    let store = file.open();
    add(&store, vec![NewOrder { order_id: Some(order_id("id-1")), ..new_order("owner") }]).await;
    let late = added(&store, "late").await;
    change(&store, &late, |order| {
        order.order_id = Some(order_id("id-1"));
        order.state = State::Deposited;
        order.next_look_at = Some(NOW.plus(MINUTE));
    })
    .await;
    let late = order(&store, "late").await;
    assert_eq!((late.state, late.order_id), (State::Review, None));
    assert_eq!(late.review.map(|review| review.code).as_deref(), Some("order_id_taken:owner"));
    assert_eq!(late.next_look_at, Some(NOW.plus(MINUTE)), "looked at when the answer said so");
    let events = store.events_of(late.key).await.unwrap();
    assert_eq!(events.last().map(|event| event.kind), Some(EventKind::ReviewOpened));
    assert_eq!(order(&store, "owner").await.state, State::Pending);
}

/// The bug: the answer was refused and the operation left as it was, due at once: the same question at money's
/// priority, without end.
#[tokio::test]
async fn regression_a_completion_is_not_due_for_ever_when_its_order_has_the_id_of_another() {
    let file = File::new();
    let store = file.open();
    add(&store, vec![NewOrder { order_id: Some(order_id("id-1")), ..new_order("owner") }]).await;
    let held = added(&store, "held").await;
    hold(&store, &held, Some(NOW), NOW.plus(MINUTE)).await;
    intend(&store, &held, NOW).await;
    change(&store, &held, |order| order.order_id = Some(order_id("id-1"))).await;
    let found = store.order(&shop(), "held").await.unwrap();
    assert_eq!((found.order.state, found.order.complete_at), (State::Review, None));
    assert_eq!(found.operation.map(|operation| operation.state), Some(OperationState::Withdrawn));
    assert_eq!(store.due_completions(&shop(), NOW.plus(MINUTE), &HashSet::new(), 10).await.unwrap(), []);
    assert_eq!(store.upcoming(&shop()).await.unwrap().first(), None);
    let kinds: Vec<_> = store.events_of(held.key).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Added, EventKind::ReviewOpened, EventKind::CompletionWithdrawn]);
}
