//! A bank that tells the truth and takes whatever it is asked to take, at once or minutes later, with no cap and no
//! memory of having done so: at most one effect is then the daemon's own merit.

use std::time::Duration;

use proptest::prelude::*;

use super::super::bank::{BankStatus, BankView, CompletionAnswer, StatusAnswer, UnknownKind};
use super::super::fixtures::{self, PRICE, known};
use super::super::holds::CompletionSchedule;
use super::super::operation::{CompletionAmount, OperationState};
use super::super::order::State;
use super::super::polling::Jitter;
use super::super::time::Timestamp;
use super::{Sent, World, entered};

/// What becomes of one exchange.
#[derive(Clone, Debug)]
struct Fate {
    /// The status answer is lost.
    question_lost: bool,
    /// The send takes effect after so many milliseconds, if it does.
    effect_after_ms: Option<u64>,
    /// What the daemon hears of the send.
    heard: Heard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Acknowledged,
    Nothing,
    Crash,
    /// Nothing left the host, so there is no effect whatever the fate says.
    NotSent,
}

/// Effects that are on their way or have come, each with its moment and its sum.
#[derive(Default)]
struct Ledger(Vec<(Timestamp, i64)>);

impl Ledger {
    fn taken(&self, now: Timestamp) -> i64 {
        self.0.iter().filter(|(at, _)| *at <= now).map(|(_, minor)| minor).sum()
    }

    fn view(&self, now: Timestamp) -> BankView {
        match self.taken(now) {
            0 => fixtures::plain(BankStatus::Held),
            taken => fixtures::view(BankStatus::Deposited, [PRICE, taken, 0]),
        }
    }
}

fn a_fate(effect_at_most: Duration) -> impl Strategy<Value = Fate> {
    let at_most = u64::try_from(effect_at_most.as_millis()).unwrap();
    let heard = prop_oneof![
        2 => Just(Heard::Acknowledged),
        3 => Just(Heard::Nothing),
        2 => Just(Heard::Crash),
        2 => Just(Heard::NotSent),
    ];
    (proptest::bool::weighted(0.2), proptest::option::of(0..at_most), heard)
        .prop_map(|(question_lost, effect_after_ms, heard)| Fate { question_lost, effect_after_ms, heard })
}

fn drive(part: Option<i64>, fates: Vec<Fate>) {
    let mut policy = fixtures::policy();
    policy.schedule = CompletionSchedule::After(Duration::ZERO);
    let completion = part.map_or(CompletionAmount::Whole, fixtures::part);
    let intended = part.unwrap_or(PRICE);
    let mut world = World::new(policy, entered(completion, Some(fixtures::order_id("id-1"))));
    let mut ledger = Ledger::default();
    for fate in fates {
        let due = [world.open.as_ref().map(|open| open.next_step_at), world.planned(), world.order.next_look_at];
        world.now = world.now.max(due.into_iter().flatten().next().unwrap_or(world.now));
        let (answer, attempt) = (answer(&fate, &ledger, world.now), attempts(&world));
        world.due(&answer, &sent(fate.heard), Jitter::new(500));
        if attempts(&world) > attempt
            && fate.heard != Heard::NotSent
            && let Some(after) = fate.effect_after_ms
        {
            ledger.0.push((world.now.plus(Duration::from_millis(after)), intended));
        }
        assert!(ledger.0.len() <= 1, "the bank took it {} times", ledger.0.len());
        assert!(
            world.order.state != State::Deposited || ledger.taken(world.now) == intended,
            "deposited here, and not there"
        );
    }
}

fn answer(fate: &Fate, ledger: &Ledger, now: Timestamp) -> StatusAnswer {
    if fate.question_lost {
        StatusAnswer::Unknown(fixtures::unknown(UnknownKind::Timeout))
    } else {
        known(ledger.view(now))
    }
}

fn sent(heard: Heard) -> Sent {
    match heard {
        Heard::Acknowledged => Sent::Answered(CompletionAnswer::Acknowledged),
        Heard::Nothing => Sent::Answered(CompletionAnswer::Unknown(fixtures::unknown(UnknownKind::Timeout))),
        Heard::NotSent => Sent::Answered(CompletionAnswer::NotSent(fixtures::unknown(UnknownKind::Unreachable))),
        Heard::Crash => Sent::Crashed,
    }
}

fn attempts(world: &World) -> u32 {
    world.open.as_ref().filter(|open| open.state != OperationState::Withdrawn).map_or(0, |open| open.attempt)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bank_that_takes_whatever_it_is_asked_to_take_takes_once(
        part in proptest::option::of(1..=PRICE),
        fates in proptest::collection::vec(a_fate(fixtures::MINUTE * 15), 1..60),
    ) {
        drive(part, fates);
    }
}
