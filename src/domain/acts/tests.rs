//! What people may do to orders, and what it makes of them.

use super::super::fixtures::{MINUTE, NOW, PRICE, amount, in_doubt, intended, order, part, policy, reversal};
use super::super::holds::{CompletionSchedule, HoldPolicy};
use super::*;

fn someone() -> Cause {
    Cause::Operator("ann".to_owned())
}

fn on_release() -> Policy {
    Policy { schedule: CompletionSchedule::OnRelease, ..policy() }
}

fn released(order: &Order, open: Option<&Operation>, part: Option<i64>) -> Result<Act, ActError> {
    release(order, open, part.map(amount), "", &on_release(), someone(), NOW)
}

/// Both acts on an order in each state.
#[test]
fn each_act_fits_some_states_and_is_refused_in_the_others() {
    let table = [
        (State::Pending, "done", "done"),
        (State::Held, "done", "scheduled"),
        (State::Deposited, "ended", "ended"),
        (State::Reversed, "ended", "ended"),
        (State::Refunded, "ended", "ended"),
        (State::Declined, "ended", "ended"),
        (State::Review, "in review", "in review"),
    ];
    for (state, parking, releasing) in table {
        let order = order(state);
        assert_eq!(in_words(&park(&order, None, Some(&policy()), someone())), parking, "park {state}");
        assert_eq!(in_words(&released(&order, None, None)), releasing, "release {state}");
    }
}

/// R10: what was sent is not taken back, changed or scheduled anew.
#[test]
fn a_completion_in_doubt_binds_everybody() {
    let (order, sent) = (order(State::Held), in_doubt(CompletionAmount::Whole, MINUTE));
    assert_eq!(in_words(&park(&order, Some(&sent), Some(&policy()), someone())), "in doubt");
    assert_eq!(in_words(&released(&order, Some(&sent), None)), "in doubt");
    assert_eq!(in_words(&released(&order, Some(&sent), Some(1))), "in doubt");
    let unsent = intended(CompletionAmount::Whole);
    assert_eq!(in_words(&released(&order, Some(&unsent), Some(1))), "scheduled");
}

/// The bug: a release of a hold that was about to be let go was told that its completion was scheduled already.
#[test]
fn regression_a_hold_that_is_about_to_be_let_go_is_not_told_to_be_scheduled() {
    let (held, sent) = (order(State::Held), in_doubt(CompletionAmount::Whole, MINUTE));
    let table = [
        (intended(CompletionAmount::Whole), ActError::AlreadyScheduled, "park it first"),
        (reversal(), ActError::ReversalIntended, "park it, which takes the reversal back, then release it"),
        (sent.clone(), ActError::InDoubt(OperationKind::Completion), "a completion was sent"),
        (
            Operation { kind: OperationKind::Reversal, ..sent },
            ActError::InDoubt(OperationKind::Reversal),
            "a reversal was sent",
        ),
    ];
    for (open, refused, words) in table {
        for part in [None, Some(1)] {
            assert_eq!(released(&held, Some(&open), part), Err(refused.clone()));
        }
        assert!(refused.to_string().contains(words), "{refused}");
    }
    // The remedy that is named is open.
    let reversing = Policy { holds: HoldPolicy { at_deadline: AtDeadline::Reverse, ..policy().holds }, ..on_release() };
    let parked = park(&held, Some(&reversal()), Some(&reversing), someone()).unwrap();
    assert_eq!(parked.operation.map(|operation| operation.state), Some(OperationState::Withdrawn));
    let released = release(&parked.order, None, None, "", &reversing, someone(), NOW).unwrap().order;
    assert_eq!((released.complete_at, released.deadline_at), (Some(NOW), None));
}

fn in_words(act: &Result<Act, ActError>) -> &'static str {
    match act {
        Ok(_) => "done",
        Err(ActError::Ended(_)) => "ended",
        Err(ActError::InDoubt(_)) => "in doubt",
        Err(ActError::ReversalIntended) => "to be reversed",
        Err(ActError::InReview) => "in review",
        Err(ActError::AlreadyParked) => "parked",
        Err(ActError::AlreadyScheduled) => "scheduled",
        Err(ActError::AboveAmount { .. }) => "above the amount",
        Err(refused) => panic!("of another act: {refused}"),
    }
}

#[test]
fn parking_takes_back_what_was_only_intended() {
    let before = Order { released_at: Some(NOW), ..order(State::Held) };
    let act = park(&before, Some(&intended(CompletionAmount::Whole)), Some(&policy()), someone()).unwrap();
    assert_eq!((act.order.parked, act.order.complete_at, act.order.released_at), (true, None, None));
    assert_eq!(act.operation.map(|operation| operation.state), Some(OperationState::Withdrawn));
    assert_eq!((act.event.kind, act.event.cause), (EventKind::Parked, someone()));
    let told = "taken out of the completion schedule; parked no → yes, released 2026-11-20T09:00:00.000Z → none, \
                completion due 2026-11-20T09:00:00.000Z → none, deadline none → 2026-11-25T05:30:00.000Z, completion \
                intended → withdrawn, completion's note none → parked before anything was sent";
    assert_eq!(act.event.detail, told);
    assert_eq!(in_words(&park(&act.order, None, Some(&policy()), someone())), "parked");
}

#[test]
fn a_release_schedules_the_hold_for_all_of_it_or_less() {
    let waiting = || Order { complete_at: None, parked: true, ..order(State::Held) };
    let table = [
        (None, CompletionAmount::Whole, "released to complete the whole hold"),
        (Some(7_000), part(7_000), "released to complete 70.00 RUB"),
        (Some(PRICE), part(PRICE), "released to complete 100.00 RUB"),
    ];
    for (asked, completion, words) in table {
        let act = released(&waiting(), None, asked).unwrap();
        assert_eq!((act.order.parked, act.order.completion), (false, completion));
        assert_eq!((act.order.complete_at, act.order.released_at), (Some(NOW), Some(NOW)));
        let (said, changed) = act.event.detail.split_once("; ").unwrap();
        assert_eq!(said, words);
        assert!(changed.contains("parked yes → no") && changed.contains("completion due none → "), "{changed}");
    }
    assert_eq!(in_words(&released(&waiting(), None, Some(PRICE + 1))), "above the amount");
    let early = released(&order(State::Pending), None, None).unwrap().order;
    assert_eq!((early.complete_at, early.released_at), (None, Some(NOW)), "due as soon as it is held");
}
