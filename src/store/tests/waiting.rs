//! What is held back, and what makes it due again: a start, a free place, a hint, other settings.

use std::collections::HashSet;

use crate::domain::guard::{self, Held, Scope};
use crate::domain::operation::OperationState;
use crate::domain::timekeeping::Doubt;

use super::super::Hinted;
use super::money::{operate, send, start, stop, to_be_completed};
use super::*;

#[tokio::test]
async fn what_waited_for_a_start_is_due_at_once_and_nothing_else() {
    let file = File::new();
    let store = file.open();
    let (waits, asked) = (
        to_be_completed(&store, "waits", "shop", Currency::RUB).await,
        to_be_completed(&store, "in doubt", "shop", Currency::RUB).await,
    );
    let later = NOW.plus(MINUTE * 5);
    operate(&store, &waits, move |operation| operation.next_step_at = later).await;
    operate(&store, &asked, move |operation| {
        send(operation, 700, NOW);
        operation.next_step_at = later;
    })
    .await;
    stop(&store, &Scope::Merchant(shop())).await;
    start(&store, &Scope::Merchant(shop())).await;
    assert_eq!(operation(&store, "waits").await.unwrap().next_step_at, NOW.plus(MINUTE));
    assert_eq!(operation(&store, "in doubt").await.unwrap().next_step_at, later);
}

/// The bug: a completion that a stop kept from being sent once more was left to its own wait when the money was
/// started.
#[tokio::test]
async fn regression_what_waits_to_be_sent_again_is_due_with_the_start_as_well() {
    let file = File::new();
    let store = file.open();
    let order = to_be_completed(&store, "again", "shop", Currency::RUB).await;
    let scope = Scope::Merchant(shop());
    stop(&store, &scope).await;
    let held = Held::by_stop(&store.money_stops().await.unwrap()[0]);
    operate(&store, &order, move |operation| {
        send(operation, 700, NOW);
        wait(operation, &held);
    })
    .await;
    start(&store, &scope).await;
    assert_eq!(operation(&store, "again").await.unwrap().next_step_at, NOW.plus(MINUTE));
}

fn full() -> Held {
    Held::InDoubtFull { in_doubt: 1, max: 1 }
}

fn wait(operation: &mut Operation, held: &Held) {
    operation.next_step_at = NOW.plus(guard::HELD_FOR);
    operation.note = Some(held.to_string());
}

/// What has an operation that is due; planned alone, an order would be due as well.
async fn due(store: &Store) -> Vec<String> {
    let mut due = store.due_completions(&shop(), NOW, &HashSet::new(), 10).await.unwrap();
    due.retain(|found| found.operation.as_ref().is_some_and(|operation| operation.state.is_open()));
    due.into_iter().map(|found| found.order.number.as_str().to_owned()).collect()
}

/// The bug: a place that came free was given to the earliest lapses, whatever these waited for. Two orders that were
/// stopped took every place, and whatever waited for one went on waiting.
#[tokio::test]
async fn regression_a_place_goes_to_what_waits_for_it_and_is_passed_on_by_what_does_not_take_it() {
    let file = File::new();
    let store = file.open();
    let in_doubt = to_be_completed(&store, "in doubt", "shop", Currency::RUB).await;
    operate(&store, &in_doubt, |operation| {
        send(operation, 700, NOW);
        wait(operation, &full());
    })
    .await;
    let stopped = |order: &Order| Held::Stopped {
        scope: Scope::of_order(order),
        by: "operator:ann".to_owned(),
        reason: "odd".to_owned(),
    };
    let mut waiting = Vec::new();
    for (minutes, (text, is_stopped)) in (0..).zip([
        ("stopped", true),
        ("as well", true),
        ("1st", false),
        ("2nd", false),
        ("3rd", false),
        ("4th", false),
    ]) {
        let order = to_be_completed(&store, text, "shop", Currency::RUB).await;
        change(&store, &order, move |order| order.hold.as_mut().unwrap().lapses_at = NOW.plus(MINUTE * minutes)).await;
        let held = if is_stopped { stopped(&order) } else { full() };
        operate(&store, &order, move |operation| wait(operation, &held)).await;
        waiting.push(order);
    }
    assert_eq!(due(&store).await, [""; 0]);
    operate(&store, &in_doubt, |operation| operation.state = OperationState::Confirmed).await;
    assert_eq!(due(&store).await, ["1st", "2nd"]);
    // Found full once more: it still waits, and nothing is passed on.
    operate(&store, &waiting[3], |operation| wait(operation, &full())).await;
    assert_eq!(due(&store).await, ["1st"]);
    // Sent: it has taken its place.
    operate(&store, &waiting[3], |operation| {
        send(operation, 700, NOW);
        operation.next_step_at = NOW.plus(guard::HELD_FOR);
    })
    .await;
    assert_eq!(due(&store).await, ["1st"]);
    // In the way of all is a stop, so the place is of no use to anybody.
    stop(&store, &Scope::Merchant(shop())).await;
    let held = Held::by_stop(&store.money_stops().await.unwrap()[0]);
    operate(&store, &waiting[2], move |operation| wait(operation, &held)).await;
    assert_eq!(due(&store).await, [""; 0]);
    start(&store, &Scope::Merchant(shop())).await;
    let hold_back = async |order: &Order, held: Held, wait: Duration| {
        let change = move |operation: &mut Operation| {
            operation.next_step_at = NOW.plus(wait);
            operation.note = Some(held.to_string());
        };
        operate(&store, order, change).await;
    };
    for order in &waiting[2..] {
        hold_back(order, full(), guard::HELD_FOR).await;
    }
    // The clock is in doubt: it is tried again in a minute, and keeps its place till then.
    let clock = Held::Clock(Doubt::Jumped(1));
    let wait = clock.wait();
    hold_back(&waiting[2], clock, wait).await;
    assert_eq!(due(&store).await, [""; 0]);
    // Taken back, as somebody else had completed it.
    hold_back(&waiting[2], full(), guard::HELD_FOR).await;
    operate(&store, &waiting[2], |operation| operation.state = OperationState::Withdrawn).await;
    assert_eq!(due(&store).await, ["3rd", "4th"]);
}

/// What is held back for any reason, and nothing that waits for its own sake.
#[tokio::test]
async fn what_was_held_back_is_tried_when_the_settings_may_have_changed() {
    let file = File::new();
    let store = file.open();
    for (text, note) in
        [("full", Some(full().to_string())), ("the bank asked for time", Some("busy".to_owned())), ("new", None)]
    {
        let order = to_be_completed(&store, text, "shop", Currency::RUB).await;
        operate(&store, &order, move |operation| {
            wait(operation, &full());
            operation.note = note;
        })
        .await;
    }
    store.try_held_back(&MerchantId::new("other").unwrap(), NOW).await.unwrap();
    assert_eq!(due(&store).await, [""; 0]);
    store.try_held_back(&shop(), NOW).await.unwrap();
    assert_eq!(due(&store).await, ["full"]);
}

/// A stop holds sends back and no looks: while an operation is open nobody else looks at its order.
#[tokio::test]
async fn a_hint_makes_what_is_held_back_ask() {
    let file = File::new();
    let store = file.open();
    let held = full().to_string();
    for (text, note, asks) in [("held back", Some(held.as_str()), true), ("asked to wait", Some("busy"), false)] {
        let order = to_be_completed(&store, text, "shop", Currency::RUB).await;
        let note = note.map(str::to_owned);
        operate(&store, &order, move |operation| {
            wait(operation, &full());
            operation.note = note;
        })
        .await;
        change(&store, &order, |order| order.next_look_at = Some(NOW.plus(guard::HELD_FOR))).await;
        assert_eq!(store.hint(&shop(), None, Some(&order.number), NOW).await.unwrap(), Hinted::Sooner);
        assert_eq!(due(&store).await.contains(&text.to_owned()), asks, "{text}");
    }
}

/// The bug: what had failed for the weather was made due again, which is no event, and nobody was rung for: whoever had
/// gone to sleep until it was to be asked again slept on when the bank was back.
#[tokio::test]
async fn regression_what_a_change_without_an_event_makes_due_is_rung_for() {
    let file = File::new();
    let store = file.open();
    let look = to_be_completed(&store, "look", "shop", Currency::RUB).await;
    let step = to_be_completed(&store, "step", "shop", Currency::RUB).await;
    let mut bell = store.bell();
    let mut has_rung = async || tokio::time::timeout(Duration::ZERO, bell.changed()).await.is_ok();
    for (case, at, is_rung) in [
        ("planned", NOW.plus(MINUTE), false),
        ("planned for later", NOW.plus(MINUTE * 2), false),
        ("sooner, and not yet", NOW.plus(MINUTE), false),
        ("due", NOW, true),
        ("due as before", NOW, false),
    ] {
        change(&store, &look, move |order| order.next_look_at = Some(at)).await;
        assert_eq!(has_rung().await, is_rung, "a look, {case}");
        operate(&store, &step, move |operation| operation.next_step_at = at).await;
        assert_eq!(has_rung().await, is_rung, "a step, {case}");
    }
    // Whoever passes a place on wakes those to whom he passes it.
    operate(&store, &step, |operation| wait(operation, &full())).await;
    operate(&store, &look, |operation| wait(operation, &full())).await;
    assert!(!has_rung().await);
    operate(&store, &step, |operation| operation.state = OperationState::Withdrawn).await;
    assert_eq!((due(&store).await, has_rung().await), (vec!["look".to_owned()], true));
}
