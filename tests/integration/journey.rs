//! An order's journey from the queue to its end, and a completion's through every kind of answer.

use reconciled::domain::event::EventKind as Kind;
use reconciled::domain::money::Amount;
use reconciled::domain::operation::{CompletionAmount, OperationState};
use reconciled::domain::order::{NewOrder, OrderId, State};
use reconciled::sandbox::{FaultKind, FaultRule, Moment, Operation, Settings};

use crate::fixture::{HASTE, World, add, kinds, order, wait_for, wait_for_state};

#[tokio::test(flavor = "multi_thread")]
async fn one_phase_orders_come_to_the_end_the_bank_shows() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let (paid, declined) = (world.register("paid", 15_000), world.register("declined", 15_000));
    add(daemon.store(), vec![order("paid", 15_000), order("declined", 15_000)]).await;
    world.bank.bank().pay(&paid).unwrap();
    world.bank.bank().decline(&declined).unwrap();
    let found = wait_for_state(daemon.store(), "paid", State::Deposited).await;
    assert_eq!(found.order_id.as_ref().map(OrderId::as_str), Some(paid.as_str()), "the id is learned from the answer");
    wait_for_state(daemon.store(), "declined", State::Declined).await;
    assert_eq!(kinds(daemon.store(), &found).await, [Kind::Added, Kind::Changed]);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_the_bank_does_not_know_yet_is_asked_for_again() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("early", 100)]).await;
    wait_for(daemon.store(), "early", |found| {
        found.order.heard.as_ref().is_some_and(|heard| heard.words.contains('6'))
    })
    .await;
    let id = world.register("early", 100);
    world.bank.bank().pay(&id).unwrap();
    wait_for_state(daemon.store(), "early", State::Deposited).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn held_orders_are_completed_whole_or_less() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    // 65.35: in a binary fraction a little less, so a float on the way would lose a minor unit.
    let part = CompletionAmount::Exactly(Amount::new(6_535).unwrap());
    add(daemon.store(), vec![order("whole", 10_000), NewOrder { completion: part, ..order("part", 10_000) }]).await;
    for number in ["whole", "part"] {
        let id = world.register_two_phase(number, 10_000);
        world.bank.bank().pay(&id).unwrap();
    }
    for (number, deposited) in [("whole", 10_000), ("part", 6_535)] {
        let confirmed = |found: &reconciled::store::OrderWithOperation| {
            found.operation.as_ref().is_some_and(|operation| operation.state == OperationState::Confirmed)
        };
        let found = wait_for(daemon.store(), number, confirmed).await;
        assert_eq!(found.state, State::Deposited);
        assert_eq!(found.view.unwrap().view.amounts.unwrap().deposited, deposited);
        assert_eq!(world.completions(number), (1, 1));
    }
    daemon.stop().await;
}

/// What the bank does to the request, and how often it is then asked and how often it acts.
#[tokio::test(flavor = "multi_thread")]
async fn a_completion_whose_answer_is_lost_is_asked_about_and_never_done_twice() {
    let table = [
        ("after", FaultKind::TimeoutAfterEffect { ms: 2_000 }, 1),
        ("before", FaultKind::TimeoutBeforeEffect { ms: 2_000 }, 2),
        ("reset-after", FaultKind::Reset { effect: Moment::After }, 1),
        ("reset-before", FaultKind::Reset { effect: Moment::Before }, 2),
        ("500-after", FaultKind::Error500 { effect: Moment::After }, 1),
        ("500-before", FaultKind::Error500 { effect: Moment::Before }, 2),
        ("429", FaultKind::TooManyRequests { retry_after: None }, 2),
        ("false-success", FaultKind::FalseSuccess, 2),
        ("false-refusal", FaultKind::FalseRefusal, 1),
    ];
    let world = World::new(Settings::default(), HASTE).await;
    for (number, fault, _) in &table {
        let rule = FaultRule::always(fault.clone()).on(Operation::Completion).for_order(number).times(1);
        world.bank.bank().add_fault(rule).unwrap();
    }
    let daemon = world.daemon().await;
    for (number, ..) in &table {
        let id = world.register_two_phase(number, 10_000);
        world.bank.bank().pay(&id).unwrap();
        add(daemon.store(), vec![order(number, 10_000)]).await;
    }
    for (number, _, asked) in table {
        wait_for_state(daemon.store(), number, State::Deposited).await;
        assert_eq!(world.completions(number), (asked, 1), "{number}");
    }
    daemon.stop().await;
}
