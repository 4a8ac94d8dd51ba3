//! Deadlines of holds, and what is seen after an end: the real daemon and the sandbox across a socket.

use std::time::Duration;

use ::reconciled::daemon::Daemon;
use ::reconciled::domain::event::EventKind as Kind;
use ::reconciled::domain::operation::{OperationKind, OperationState};
use ::reconciled::domain::order::{NewOrder, State};
use ::reconciled::sandbox::{CardSystem, Effect, Entry, FaultKind, FaultRule, Operation, Settings};

use crate::fixture::{World, add, in_time, kinds, order, wait_for, wait_for_state};
use crate::schedule::{get, reconciled, with_completion};

/// Completed on release only, and a deadline one second after the hold.
fn at_the_deadline(act: &str) -> String {
    with_completion("when = \"release\"")
        + &format!(
            "[merchant.hold]\nlifetime = \"1m\"\nwarn_at = [\"59s\"]\nact_before = \"59s\"\nat_deadline = \"{act}\"\n"
        )
}

/// Ended orders are looked at every second for a while.
fn with_late_looks() -> String {
    with_completion("when = \"release\"")
        .replace("backoff = ", "late = [\"1s\", \"2s\", \"3s\", \"5s\", \"8s\"]\nbackoff = ")
}

/// A two-phase order that a buyer has paid.
async fn held(world: &World, daemon: &Daemon, number: &str) {
    let id = world.register_two_phase(number, 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order(number, 10_000)]).await;
}

/// How often a reversal was asked of the bank, and how often one took effect.
fn reversals(world: &World) -> (usize, usize) {
    let ledger = world.bank.bank().ledger();
    let asked = |entry: &Entry| matches!(entry, Entry::Request(request) if request.operation == Operation::Reversal);
    let done = |entry: &Entry| matches!(entry, Entry::Effect(effect) if effect.effect == Effect::Reversed);
    (ledger.iter().filter(|line| asked(&line.entry)).count(), ledger.iter().filter(|line| done(&line.entry)).count())
}

fn is_settled(found: &::reconciled::store::OrderWithOperation) -> bool {
    found.operation.as_ref().is_some_and(|operation| !operation.state.is_open())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_nothing_completes_is_reversed_at_its_deadline() {
    let world = World::new(Settings::default(), &at_the_deadline("reverse")).await;
    let daemon = world.daemon().await;
    held(&world, &daemon, "A-1").await;
    let found = wait_for(daemon.store(), "A-1", is_settled).await;
    assert_eq!((found.state, reversals(&world), world.completions("A-1")), (State::Reversed, (1, 1), (0, 0)));
    let stored = daemon.store().order(&found.merchant, "A-1").await.unwrap();
    let operation = stored.operation.unwrap();
    assert_eq!((operation.kind, operation.state), (OperationKind::Reversal, OperationState::Confirmed));
    let told = kinds(daemon.store(), &found).await;
    let journey =
        [Kind::ReversalIntended, Kind::ReversalSent, Kind::ReversalAnswered, Kind::Changed, Kind::ReversalConfirmed];
    let journey_told: Vec<_> = told.iter().copied().filter(|kind| journey[..].contains(kind)).skip(1).collect();
    assert_eq!(journey_told, journey, "{told:?}");

    let metrics = get(&daemon.address().to_string(), "/metrics");
    for line in [
        "reconciled_reversals_total{merchant=\"shop\",state=\"confirmed\"} 1",
        "reconciled_completions_total{merchant=\"shop\",state=\"confirmed\"} 0",
        "reconciled_gateway_requests_total{answer=\"known\",merchant=\"shop\",operation=\"reversal\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let shown = reconciled(&world, &["order", "show", "A-1"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("Its reversal") && shown.contains("reversal_confirmed"), "{shown}");
    daemon.stop().await;
}

/// R3, R5, R6 and R12 hold for a reversal as for a completion: whatever the answer was, only a read settles it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversals_outcome_is_what_the_bank_shows_whatever_it_answered() {
    let on_reversal = |kind| FaultRule::always(kind).on(Operation::Reversal).times(1);
    let table = [
        ("the answer is lost", FaultKind::TimeoutAfterEffect { ms: 10 }, (1, 1)),
        ("the request is lost", FaultKind::TimeoutBeforeEffect { ms: 10 }, (2, 1)),
        ("acknowledged, and not done", FaultKind::FalseSuccess, (2, 1)),
        ("refused, and done", FaultKind::FalseRefusal, (1, 1)),
    ];
    for (what, fault, expected) in table {
        let settings = Settings { faults: vec![on_reversal(fault)], ..Settings::default() };
        let world = World::new(settings, &at_the_deadline("reverse")).await;
        let daemon = world.daemon().await;
        held(&world, &daemon, "A-1").await;
        let found = wait_for(daemon.store(), "A-1", is_settled).await;
        assert_eq!((found.state, reversals(&world)), (State::Reversed, expected), "{what}");
        daemon.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_nothing_completes_goes_to_review_at_its_deadline() {
    let world = World::new(Settings::default(), &at_the_deadline("review")).await;
    let daemon = world.daemon().await;
    held(&world, &daemon, "A-1").await;
    let found = wait_for_state(daemon.store(), "A-1", State::Review).await;
    let code = found.review.as_ref().map(|review| review.code.clone()).unwrap();
    assert!(code.starts_with("hold_near_lapse:"), "{code}");
    assert_eq!((reversals(&world), world.completions("A-1")), ((0, 0), (0, 0)));

    // Who accepts that has settled this deadline: the order is held, and waits for its release without an end.
    let accepted =
        reconciled(&world, &["review", "resolve", "A-1", "--as", "bank", "--reason", "the shop ships today"]);
    assert!(accepted.status.success(), "{accepted:?}");
    let held = wait_for_state(daemon.store(), "A-1", State::Held).await;
    assert_eq!((held.deadline_at, held.complete_at), (None, None));
    assert!(reconciled(&world, &["order", "release", "A-1"]).status.success());
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_completed_at_its_deadline_unless_it_is_parked() {
    let world = World::new(Settings::default(), &at_the_deadline("complete")).await;
    let daemon = world.daemon().await;
    add(daemon.store(), vec![order("parked", 10_000), order("free", 10_000)]).await;
    assert!(reconciled(&world, &["order", "park", "parked"]).status.success());
    for number in ["parked", "free"] {
        let id = world.register_two_phase(number, 10_000);
        world.bank.bank().pay(&id).unwrap();
    }
    wait_for_state(daemon.store(), "free", State::Deposited).await;
    wait_for_state(daemon.store(), "parked", State::Review).await;
    assert_eq!((world.completions("free"), world.completions("parked")), ((1, 1), (0, 0)));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_lives_as_long_as_the_cards_payment_system_says() {
    let tables = with_completion("when = \"release\"")
        + "[merchant.hold]\nlifetime = \"5d\"\nby_system = { MIR = \"3d\", visa = \"9d\" }\n";
    let world = World::new(Settings::default(), &tables).await;
    let daemon = world.daemon().await;
    let days = |days: u64| Duration::from_secs(days * 86_400);
    // Mastercard is not listed, so the shortest of all counts.
    let table = [("mir", CardSystem::Mir, 3), ("visa", CardSystem::Visa, 9), ("other", CardSystem::Mastercard, 3)];
    for (number, card, lifetime) in table {
        let id = world.register_two_phase(number, 10_000);
        world.bank.bank().pay_with(&id, card).unwrap();
        add(daemon.store(), vec![order(number, 10_000)]).await;
        let found = wait_for_state(daemon.store(), number, State::Held).await;
        let hold = found.hold.unwrap();
        assert_eq!(hold.lapses_at, hold.begun_at.plus(days(lifetime)), "{number}");
        assert!(found.payment_system.is_some(), "{number}");
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_approval_is_named_and_goes_to_review() {
    let world = World::new(Settings::default(), &with_late_looks()).await;
    let daemon = world.daemon().await;
    let id = world.register("A-1", 10_000);
    world.bank.bank().decline(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    wait_for_state(daemon.store(), "A-1", State::Declined).await;
    world.bank.bank().approve_late(&id).unwrap();
    let found = wait_for_state(daemon.store(), "A-1", State::Review).await;
    assert_eq!(kinds(daemon.store(), &found).await[2..], [Kind::LateApproval, Kind::ReviewOpened]);
    assert_eq!(found.review.map(|review| review.code).as_deref(), Some("another_end:declined:2"));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chargeback_is_named_and_goes_to_review_once() {
    let world = World::new(Settings::default(), &with_late_looks()).await;
    let daemon = world.daemon().await;
    let id = world.register("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    world.bank.bank().charge_back(&id).unwrap();
    let found = wait_for_state(daemon.store(), "A-1", State::Review).await;
    assert_eq!(found.review.as_ref().map(|review| review.code.as_str()), Some("chargeback"));
    let accepted = reconciled(&world, &["review", "resolve", "A-1", "--as", "bank", "--reason", "the bank was right"]);
    assert!(accepted.status.success(), "{accepted:?}");
    wait_for(daemon.store(), "A-1", |found| {
        found.order.state == State::Deposited
            && found.order.heard.as_ref().is_some_and(|heard| heard.at > found.order.state_since)
    })
    .await;
    let told = kinds(daemon.store(), &found).await;
    assert_eq!(told[2..], [Kind::Chargeback, Kind::ReviewOpened, Kind::ReviewResolved]);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_with_the_banks_own_schedule_is_told_shown_and_counted() {
    let world = World::new(Settings::default(), &with_completion("when = \"release\"")).await;
    let daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let soon = ::reconciled::clock::Clock::host().now().plus(Duration::from_secs(3_600));
    add(daemon.store(), vec![NewOrder { autocompletion_at: Some(soon), ..order("A-1", 10_000) }]).await;
    let found = wait_for_state(daemon.store(), "A-1", State::Held).await;
    let told = async {
        while !kinds(daemon.store(), &found).await.contains(&Kind::AutocompletionConflict) {
            tokio::task::yield_now().await;
        }
    };
    in_time(told).await;
    let metrics = get(&daemon.address().to_string(), "/metrics");
    assert!(metrics.contains("reconciled_autocompletion_conflicts{merchant=\"shop\"} 1"), "{metrics}");
    let why = reconciled(&world, &["order", "why", "A-1"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("The bank would complete it by itself"), "{why}");
    daemon.stop().await;
}
