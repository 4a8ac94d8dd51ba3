//! Stops and what the guard counts: exact in one commit, over a day that rolls, and never forgotten.

use crate::domain::booked::Booked;
use crate::domain::event::EventKind;
use crate::domain::guard::{self, BRAKE, GuardPolicy, NewStop, Scope, Standing};
use crate::domain::operation::{CompletionAmount, NewOperation, OperationKind, OperationState};

use super::super::{LastDay, MoneyFigures, Starting, Stopping};
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn ivan() -> Cause {
    Cause::Operator("ivan".to_owned())
}

pub(super) async fn stop(store: &Store, scope: &Scope) -> Stopping {
    store.stop_money(scope.clone(), ivan(), "odd sums".to_owned(), NOW).await.unwrap()
}

pub(super) async fn start(store: &Store, scope: &Scope) -> Starting {
    store.start_money(scope.clone(), ivan(), "the bank explained".to_owned(), NOW.plus(MINUTE)).await.unwrap()
}

/// An order of `merchant` with an open completion.
pub(super) async fn to_be_completed(store: &Store, text: &str, merchant: &str, currency: Currency) -> Order {
    let merchant = MerchantId::new(merchant).unwrap();
    let new = NewOrder { merchant: merchant.clone(), currency, ..new_order(text) };
    assert_eq!(add(store, vec![new]).await, [Added::New]);
    let fresh = store.order(&merchant, text).await.unwrap().order;
    hold(store, &fresh, Some(NOW), NOW.plus(DAY * 5)).await;
    intend(store, &fresh, NOW).await;
    fresh
}

/// An order of `merchant` with an open refund of `minor`.
async fn to_be_refunded(store: &Store, text: &str, merchant: &str, currency: Currency, minor: i64) -> Order {
    let merchant = MerchantId::new(merchant).unwrap();
    let new = NewOrder { merchant: merchant.clone(), currency, ..new_order(text) };
    assert_eq!(add(store, vec![new]).await, [Added::New]);
    let fresh = store.order(&merchant, text).await.unwrap().order;
    let amount = CompletionAmount::Exactly(Amount::new(minor).unwrap());
    let new = NewOperation { kind: OperationKind::Refund, amount, intended_at: NOW, ordered: true };
    let opened = store.amend(fresh.key, NOW, move |_, _| Amendment {
        operation: OperationChange::Open(new),
        ..Amendment::nothing(())
    });
    opened.await.unwrap();
    fresh
}

/// Writes the open completion of an order as `change` leaves it.
pub(super) async fn operate(store: &Store, order: &Order, change: impl FnOnce(&mut Operation) + Send + 'static) {
    let changed = store.amend(order.key, NOW, move |_, open| {
        let mut next = open.unwrap().clone();
        change(&mut next);
        Amendment { operation: OperationChange::Update(next), ..Amendment::nothing(()) }
    });
    changed.await.unwrap();
}

pub(super) fn send(operation: &mut Operation, minor: i64, at: Timestamp) {
    operation.state = OperationState::InDoubt;
    operation.attempt = 1;
    operation.unknown_sends = 1;
    operation.expected_minor = Some(minor);
    operation.sent_at = Some(at);
}

async fn standing_of(store: &Store, order: &Order) -> Standing {
    let open = store.order(&order.merchant, order.number.as_str()).await.unwrap().operation.unwrap();
    store.standing(order, Some(open.key), NOW).await.unwrap()
}

/// Sends 100.00 if the policy lets it; whether it did.
async fn try_to_send(store: Store, order: Order, policy: GuardPolicy) -> bool {
    let decide = move |order: &Order, open: Option<&Operation>, standing: &Standing| {
        let may = guard::may_send(&policy, standing, 10_000, order.currency).is_ok();
        let mut next = open.unwrap().clone();
        if may {
            send(&mut next, 10_000, NOW);
        }
        Amendment { operation: OperationChange::Update(next), ..Amendment::nothing(may) }
    };
    store.amend_guarded(order.key, NOW, decide).await.unwrap()
}

/// The writer is kept busy while all of them are handed in, so that one commit holds them.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_sends_decided_in_one_commit_only_as_many_go_as_there_is_room_for() {
    let table = [
        (GuardPolicy { in_doubt_max: 1, daily_max_minor: 1_000_000, brake: true }, 1),
        (GuardPolicy { in_doubt_max: 3, daily_max_minor: 1_000_000, brake: true }, 3),
        (GuardPolicy { in_doubt_max: 100, daily_max_minor: 29_999, brake: true }, 2),
    ];
    for (policy, room) in table {
        let file = File::new();
        let store = file.open();
        let mut orders = Vec::new();
        for number in 0..5 {
            orders.push(to_be_completed(&store, &format!("A-{number}"), "shop", Currency::RUB).await);
        }
        let (reached, is_reached) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let (busy, key) = (store.clone(), orders[0].key);
        let blocker = tokio::spawn(async move {
            let wait = move |_: &Order, _: Option<&Operation>| {
                reached.send(()).unwrap();
                may_go_on.recv().unwrap();
                Amendment::nothing(())
            };
            busy.amend(key, NOW, wait).await.unwrap();
        });
        tokio::task::spawn_blocking(move || is_reached.recv().unwrap()).await.unwrap();
        let mut sends = tokio::task::JoinSet::new();
        for order in orders {
            sends.spawn(try_to_send(store.clone(), order, policy.clone()));
        }
        tokio::task::yield_now().await;
        go_on.send(()).unwrap();
        blocker.await.unwrap();
        let sent = sends.join_all().await.into_iter().filter(|sent| *sent).count();
        assert_eq!(sent, room, "{policy:?}");
    }
}

/// A reader's answer may be older than a stop; what the transaction of the send reads is not.
#[tokio::test]
async fn a_stop_is_seen_in_the_transaction_of_the_send() {
    let policy = GuardPolicy { in_doubt_max: 3, daily_max_minor: 1_000_000, brake: true };
    let scopes: [fn(&Order) -> Scope; 3] = [|_| Scope::All, |_| Scope::Merchant(shop()), Scope::of_order];
    for scope_of in scopes {
        let file = File::new();
        let store = file.open();
        let order = to_be_completed(&store, "A-1", "shop", Currency::RUB).await;
        let scope = scope_of(&order);
        stop(&store, &scope).await;
        assert!(!try_to_send(store.clone(), order.clone(), policy.clone()).await, "{scope} is stopped");
        start(&store, &scope).await;
        assert!(try_to_send(store.clone(), order, policy.clone()).await, "{scope} is started");
    }
}

#[tokio::test]
async fn what_is_counted_is_the_merchants_and_in_the_orders_currency_and_not_the_asker_itself() {
    let file = File::new();
    let store = file.open();
    let asker = to_be_completed(&store, "asker", "shop", Currency::RUB).await;
    let euro = Currency::from_numeric(978).unwrap();
    for (text, merchant, currency, minor) in [
        ("mine", "shop", Currency::RUB, 1_000),
        ("in euro", "shop", euro, 20_000),
        ("another's", "other", Currency::RUB, 300_000),
    ] {
        let order = to_be_completed(&store, text, merchant, currency).await;
        operate(&store, &order, move |operation| send(operation, minor, NOW)).await;
    }
    let expected = Standing { in_doubt: 2, sent_minor: 1_000, ..Standing::default() };
    assert_eq!(standing_of(&store, &asker).await, expected);
    operate(&store, &asker, |operation| send(operation, 5_000, NOW)).await;
    assert_eq!(standing_of(&store, &asker).await, expected, "what asks does not count against itself");
    let figures = store.money_figures(&shop(), NOW).await.unwrap();
    let day = |currency, sent_minor, refunded_minor| LastDay { currency, sent_minor, refunded_minor };
    let last_day = vec![day(Currency::RUB, 6_000, 0), day(euro, 20_000, 0)];
    assert_eq!(figures, MoneyFigures { in_doubt: 3, last_day });
    let nothing = store.money_figures(&MerchantId::new("third").unwrap(), NOW).await.unwrap();
    assert_eq!(nothing.last_day_or_zero(euro), [day(euro, 0, 0)]);
}

/// A flood of refunds has its own limit, so a person has to see how much of that is used.
#[tokio::test]
async fn what_is_given_back_is_counted_beside_what_is_taken_and_not_in_it() {
    let file = File::new();
    let store = file.open();
    let euro = Currency::from_numeric(978).unwrap();
    let taken = to_be_completed(&store, "taken", "shop", Currency::RUB).await;
    operate(&store, &taken, |operation| send(operation, 1_000, NOW)).await;
    for (text, merchant, currency, minor, at) in [
        ("given back", "shop", Currency::RUB, 4_000, NOW),
        ("given back in euro", "shop", euro, 500, NOW),
        ("given back a day ago", "shop", Currency::RUB, 7_000, NOW.minus(DAY)),
        ("another's", "other", Currency::RUB, 9_000, NOW),
    ] {
        let order = to_be_refunded(&store, text, merchant, currency, minor).await;
        operate(&store, &order, move |operation| send(operation, minor, at)).await;
    }
    let figures = store.money_figures(&shop(), NOW).await.unwrap();
    let day = |currency, sent_minor, refunded_minor| LastDay { currency, sent_minor, refunded_minor };
    assert_eq!(figures.last_day, [day(Currency::RUB, 1_000, 4_000), day(euro, 0, 500)]);
    assert_eq!(figures.largest_minor(), 4_000, "the one that is nearest to its limit");
}

/// When it was sent and what became of it, and whether it counts.
#[tokio::test]
async fn the_day_rolls_and_counts_all_but_what_is_proven_not_sent() {
    use OperationState::{Confirmed, Contradicted, InDoubt, Intended, Refused, Withdrawn};
    let table = [
        (NOW.minus(DAY), InDoubt, false),
        (NOW.minus(DAY).plus(Duration::from_millis(1)), InDoubt, true),
        // A clock that stepped back hides nothing.
        (NOW.plus(MINUTE), InDoubt, true),
        (NOW, Confirmed, true),
        (NOW, Contradicted, true),
        (NOW, Refused, true),
        (NOW, Intended, false),
        (NOW, Withdrawn, false),
    ];
    for (at, state, counts) in table {
        let file = File::new();
        let store = file.open();
        let asker = to_be_completed(&store, "asker", "shop", Currency::RUB).await;
        let other = to_be_completed(&store, "other", "shop", Currency::RUB).await;
        operate(&store, &other, move |operation| {
            send(operation, 700, at);
            operation.unknown_sends = u32::from(state != Intended);
            operation.state = state;
        })
        .await;
        let found = standing_of(&store, &asker).await.sent_minor;
        assert_eq!(found, if counts { 700 } else { 0 }, "{at}, {state:?}");
    }
}

#[tokio::test]
async fn a_stop_is_in_force_until_it_is_lifted_and_both_are_remembered() {
    let file = File::new();
    let store = file.open();
    let order = to_be_completed(&store, "A-1", "shop", Currency::RUB).await;
    let other = to_be_completed(&store, "A-2", "other", Currency::RUB).await;
    let scopes = [Scope::All, Scope::Merchant(shop()), Scope::of_order(&order)];
    for scope in scopes.iter().rev() {
        assert_eq!(stop(&store, scope).await, Stopping::Stopped);
        let again = stop(&store, scope).await;
        assert!(matches!(&again, Stopping::StoppedBefore(present) if present.scope == *scope), "{again:?}");
    }
    let stops = store.money_stops().await.unwrap();
    assert_eq!(stops.iter().map(|stop| &stop.scope).collect::<Vec<_>>(), scopes.iter().collect::<Vec<_>>());
    assert_eq!((stops[0].by.as_str(), stops[0].since, &stops[0].lifted), ("operator:ivan", NOW, &None));
    assert_eq!(standing_of(&store, &order).await.stops, stops, "the widest first");
    assert_eq!(standing_of(&store, &other).await.stops, stops[..1]);
    assert_eq!(store.money_stop_of(&other).await.unwrap().as_ref(), stops.first());

    for (scope, stop) in scopes.iter().zip(&stops) {
        assert_eq!(start(&store, scope).await, Starting::Lifted(stop.clone()));
        assert_eq!(start(&store, scope).await, Starting::NotStopped);
    }
    assert_eq!(store.money_stops().await.unwrap(), []);
    let lifted = store.money_stop(stops[0].key).await.unwrap().unwrap().lifted.unwrap();
    assert_eq!((lifted.by.as_str(), lifted.reason.as_str()), ("operator:ivan", "the bank explained"));
    assert_eq!(stop(&store, &Scope::All).await, Stopping::Stopped, "and again");
    let kinds: Vec<_> = store.events_of(order.key).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Added, EventKind::MoneyStopped, EventKind::MoneyStarted]);
}

#[tokio::test]
async fn an_operation_trips_the_brake_once_with_the_change_that_it_comes_with() {
    let file = File::new();
    let store = file.open();
    let order = to_be_completed(&store, "A-1", "shop", Currency::RUB).await;
    let key = operation(&store, "A-1").await.unwrap().key;
    let contradict = async |refused: bool| {
        let brake = NewStop {
            scope: Scope::Merchant(shop()),
            by: BRAKE.to_owned(),
            reason: "after a send for order A-1".to_owned(),
            tripped_by: Some(key),
        };
        let decide = move |order: &Order, _: Option<&Operation>| {
            // A row of an older version is refused, and its brake with it.
            let stale = Order { version: order.version - 1, ..order.clone() };
            Amendment { order: refused.then_some(stale), brake: Some(brake), ..Amendment::nothing(()) }
        };
        store.amend(order.key, NOW, decide).await
    };
    assert!(contradict(true).await.is_err());
    assert_eq!(store.money_stops().await.unwrap(), []);
    contradict(false).await.unwrap();
    contradict(false).await.unwrap();
    let stops = store.money_stops().await.unwrap();
    assert_eq!(stops.iter().map(|stop| stop.by.as_str()).collect::<Vec<_>>(), [BRAKE]);
    start(&store, &Scope::Merchant(shop())).await;
    contradict(false).await.unwrap();
    assert_eq!(store.money_stops().await.unwrap(), [], "a person has seen it");
}

/// Whoever stopped the money for another reason must not let it go unaware.
#[tokio::test]
async fn a_persons_stop_gives_way_to_the_brake() {
    let file = File::new();
    let store = file.open();
    let order = to_be_completed(&store, "A-1", "shop", Currency::RUB).await;
    let tripped_by = Some(operation(&store, "A-1").await.unwrap().key);
    let scope = Scope::Merchant(shop());
    stop(&store, &scope).await;
    let before = store.money_stops().await.unwrap().remove(0);
    let brake = NewStop { scope: scope.clone(), by: BRAKE.to_owned(), reason: "odd".to_owned(), tripped_by };
    let decide = move |_: &Order, _: Option<&Operation>| Amendment { brake: Some(brake), ..Amendment::nothing(()) };
    store.amend(order.key, NOW, decide).await.unwrap();
    let stops = store.money_stops().await.unwrap();
    assert_eq!(stops.iter().map(|stop| stop.by.as_str()).collect::<Vec<_>>(), [BRAKE]);
    let lifted = store.money_stop(before.key).await.unwrap().unwrap().lifted.unwrap();
    assert_eq!((lifted.by.as_str(), lifted.reason.as_str()), (BRAKE, "the brake took its place"));
}

#[tokio::test]
async fn a_stops_row_is_one_that_the_types_know_and_is_only_ever_lifted() {
    let file = File::new();
    let store = file.open();
    let order = to_be_completed(&store, "A-1", "shop", Currency::RUB).await;
    stop(&store, &Scope::of_order(&order)).await;
    let raw = file.raw();
    let check = |sql: &str, refused_with: Option<&str>| {
        raw.execute_batch("BEGIN IMMEDIATE").unwrap();
        let outcome = raw.execute(sql, []).map_err(|error| error.to_string());
        raw.execute_batch("ROLLBACK").unwrap();
        match (outcome, refused_with) {
            (Ok(changed), None) => assert_eq!(changed, 1, "{sql}"),
            (Err(error), Some(words)) => assert!(error.contains(words), "{sql}: {error}"),
            (outcome, expected) => panic!("{sql}: {outcome:?}, expected {expected:?}"),
        }
    };
    let insert = |columns: &str, values: &str| {
        format!("INSERT INTO money_stops (at_ms, by, reason, {columns}) VALUES (1, 'operator:x', 'r', {values})")
    };
    let check_failed = Some("CHECK constraint failed");
    let once = Some("UNIQUE constraint failed");
    for (columns, values, refused) in [
        ("scope", "'all'", None),
        ("scope, merchant", "'all', 'shop'", check_failed),
        ("scope", "'merchant'", check_failed),
        ("scope, merchant", "'merchant', 'shop'", None),
        ("scope, merchant", "'order', 'shop'", check_failed),
        ("scope, merchant, order_key", "'merchant', 'shop', 1", check_failed),
        ("scope, merchant, order_key", "'order', 'shop', 1", once),
        ("scope, merchant, operation_key", "'merchant', 'shop', 1", check_failed),
        ("scope, lifted_at_ms", "'all', 1", check_failed),
        ("scope", "'some'", check_failed),
    ] {
        check(&insert(columns, values), refused);
    }
    let only_lifted = Some("a stop is only ever lifted, once");
    let lift = "UPDATE money_stops SET lifted_at_ms = 2, lifted_by = 'operator:x', lifted_reason = 'r'";
    check(lift, None);
    check(&format!("{lift}, reason = 'another'"), only_lifted);
    check("UPDATE money_stops SET by = 'operator:y'", only_lifted);
    check("UPDATE money_stops SET reason = reason", only_lifted);
    check("DELETE FROM money_stops", Some("stops are never deleted"));
    raw.execute(lift, []).unwrap();
    check(lift, only_lifted);
    check("UPDATE money_stops SET lifted_at_ms = NULL, lifted_by = NULL, lifted_reason = NULL", only_lifted);
    check("DELETE FROM money_stops", Some("stops are never deleted"));
}

/// What was confirmed stands against every later read of the same order, and of no other.
#[tokio::test]
async fn what_was_confirmed_as_given_back_is_told_to_whoever_decides_about_the_order() {
    let file = File::new();
    let store = file.open();
    let order = to_be_refunded(&store, "A-1", "shop", Currency::RUB, 1_000).await;
    let another = to_be_refunded(&store, "A-2", "shop", Currency::RUB, 1_000).await;
    let none = Booked::default();
    let table = [
        (OperationState::InDoubt, Booked { shown_back: 400, ..none }),
        (OperationState::Confirmed, Booked { given_back: 1_000, shown_back: 1_400, ..none }),
    ];
    for (state, expected) in table {
        let change = move |operation: &mut Operation| {
            send(operation, 1_000, NOW);
            (operation.state, operation.refunded_before) = (state, Some(400));
        };
        operate(&store, &order, change).await;
        assert_eq!(store.standing(&order, None, NOW).await.unwrap().booked, expected, "{state:?}");
        assert_eq!(store.standing(&another, None, NOW).await.unwrap().booked, none);
    }
    let taken = to_be_completed(&store, "A-3", "shop", Currency::RUB).await;
    operate(&store, &taken, |operation| {
        send(operation, 7_000, NOW);
        operation.state = OperationState::Confirmed;
    })
    .await;
    assert_eq!(store.standing(&taken, None, NOW).await.unwrap().booked, Booked { taken: 7_000, ..none });
}
