//! With all the rules nothing breaks; without any one of them something does.

use std::fmt::Write as _;

use super::explore::explore;
use super::faults::Fault;
use super::properties::Property;
use super::rows::Take;
use super::world::{Left, Setting};

const NOTHING: Left =
    Left { crashes: 0, quiets: 0, acts: 0, others: 0, backups: 0, clock_jumps: 0, unreachable: 0, callbacks: 0 };

const fn whole(name: &'static str, left: Left) -> Setting {
    Setting {
        name,
        take: Take::Whole,
        resend_whole: true,
        two_processes: false,
        neighbour: false,
        effects_may_be_late: false,
        left,
    }
}

/// Three tenths, so that the bank could take them twice.
const fn part(name: &'static str, left: Left) -> Setting {
    Setting { take: Take::Units(3), ..whole(name, left) }
}

const TWO_PROCESSES: Setting = Setting {
    two_processes: true,
    ..whole("a whole, two processes", Left { crashes: 2, quiets: 2, others: 1, unreachable: 1, ..NOTHING })
};

const PART: Setting =
    part("a part, and people", Left { crashes: 2, quiets: 2, others: 1, acts: 2, unreachable: 1, ..NOTHING });

const LATE: Setting = Setting {
    effects_may_be_late: true,
    ..part("a part, with effects after the quiet time", Left { crashes: 1, quiets: 2, others: 1, ..NOTHING })
};

const WHOLE: Setting = whole("a whole, sent again", Left { crashes: 1, quiets: 3, others: 1, acts: 1, ..NOTHING });

const ONLY_ONCE: Setting = Setting {
    resend_whole: false,
    ..whole("a whole, never sent again", Left { crashes: 1, quiets: 2, others: 1, acts: 3, ..NOTHING })
};

const CLOCKS: Setting = whole("wrong clocks", Left { crashes: 1, quiets: 2, clock_jumps: 2, ..NOTHING });

const BACKUP: Setting =
    part("a restored backup", Left { crashes: 1, quiets: 1, backups: 1, acts: 2, others: 1, ..NOTHING });

const BACKUP_ALONE: Setting =
    part("a restored backup, and nothing else", Left { crashes: 1, backups: 1, acts: 2, ..NOTHING });

const NEIGHBOUR: Setting = Setting {
    neighbour: true,
    ..part("another order of the merchant", Left { crashes: 1, quiets: 1, acts: 3, others: 1, ..NOTHING })
};

const CALLBACK: Setting = part("a callback", Left { callbacks: 1, ..NOTHING });

/// Explores `setting` with all the rules, every promise watched in every state, of which there are `at_least` so many.
fn nothing_breaks(setting: &Setting, at_least: usize) {
    let explored = explore(setting, None, &Property::ALL);
    println!("{}: {} states", setting.name, explored.states);
    if let Some(breach) = explored.breach {
        panic!("{}: {}", setting.name, breach.told());
    }
    assert!(explored.states >= at_least, "{}: only {} states", setting.name, explored.states);
}

#[test]
fn two_processes_never_complete_twice_between_them() {
    nothing_breaks(&TWO_PROCESSES, 20_000);
}

#[test]
fn a_part_is_taken_once_whatever_crashes_clerks_and_operators_do() {
    nothing_breaks(&PART, 300_000);
}

#[test]
fn a_part_is_taken_once_even_if_effects_come_after_the_quiet_time() {
    nothing_breaks(&LATE, 10_000);
}

#[test]
fn a_whole_is_taken_once_though_it_is_sent_again() {
    nothing_breaks(&WHOLE, 20_000);
}

#[test]
fn a_whole_that_is_never_sent_again_comes_before_a_person() {
    nothing_breaks(&ONLY_ONCE, 40_000);
}

#[test]
fn a_wrong_clock_makes_nothing_early_and_nothing_twice() {
    nothing_breaks(&CLOCKS, 20_000);
}

#[test]
fn a_restored_backup_takes_nothing_twice() {
    nothing_breaks(&BACKUP, 300_000);
}

#[test]
fn one_order_in_doubt_holds_up_the_next_and_a_contradiction_stops_them() {
    nothing_breaks(&NEIGHBOUR, 50_000);
}

/// Each rule, taken away; where that is noticed, and by which promise alone. What it costs is printed as a path, a
/// shortest one.
#[test]
fn without_any_one_rule_a_promise_breaks() {
    use Fault as F;
    use Property as P;
    let table = [
        ("R0", F::NoLock, TWO_PROCESSES, P::TwoEffects),
        ("R1", F::SendsBeforeItWrites, PART, P::TwoEffects),
        ("R1", F::TrustsAFailedCommit, PART, P::TwoEffects),
        ("R2", F::RecoverySends, PART, P::TwoEffects),
        ("R3", F::TimeoutIsNotSent, PART, P::TwoEffects),
        ("R3", F::SevenIsARefusal, PART, P::DeniedFalsely),
        ("R4", F::NoReadBeforeASend, PART, P::SentUnasked),
        ("R4", F::NoVersion, PART, P::SentThoughTakenBack),
        ("R4", F::SendsOnAnOldRead, PART, P::SentUnasked),
        ("R5", F::AbsenceSettles, PART, P::TwoEffects),
        ("R6", F::AcknowledgementConfirms, PART, P::ConfirmedFalsely),
        ("R7", F::NoCap, NEIGHBOUR, P::TooManyInDoubt),
        ("R7", F::NoBrake, NEIGHBOUR, P::SentUnderTheBrake),
        ("R8", F::NoWitness, BACKUP_ALONE, P::TwoEffects),
        ("R8", F::WitnessAfterTheSend, BACKUP_ALONE, P::TwoEffects),
        ("R8", F::AdoptForgetsTheDoubt, BACKUP_ALONE, P::TwoEffects),
        ("R9", F::SendsByAWrongClock, CLOCKS, P::SentEarly),
        ("R9", F::JudgesByAWrongClock, CLOCKS, P::TwoEffects),
        ("R10", F::ParksInDoubt, PART, P::DeniedFalsely),
        ("R10", F::ChangesASentSum, PART, P::MoreThanWanted),
        ("R11", F::BelievesCallbacks, CALLBACK, P::EndedFalsely),
        ("R12", F::SendsAPartAgain, LATE, P::TwoEffects),
        ("R12", F::NoQuietTime, WHOLE, P::TwoEffects),
        ("R12", F::OneReadIsEnough, WHOLE, P::TwoEffects),
        ("R12", F::CountsAnOldAnswer, WHOLE, P::TwoEffects),
        ("R12", F::ReleasesBeforeQuiet, BACKUP_ALONE, P::TwoEffects),
    ];
    let mut alive = String::new();
    for (rule, fault, setting, property) in table {
        let explored = explore(&setting, Some(fault), &[property]);
        match explored.breach {
            Some(breach) => println!("{rule} {fault:?}, {}: {}", setting.name, breach.told()),
            None => writeln!(alive, "{rule} {fault:?}, {}: {} states", setting.name, explored.states).unwrap(),
        }
    }
    assert!(alive.is_empty(), "not caught:\n{alive}");
}
