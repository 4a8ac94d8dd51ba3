//! What a deadline makes of a hold, and what a changed setting or clock makes of its plan.

use super::*;

#[test]
fn a_deadline_acts_when_it_has_come_and_never_over_a_person() {
    use holds::AtDeadline::{Complete, Reverse, Review};
    let deadline = waiting().deadline_at.unwrap();
    let parked = || Order { parked: true, ..waiting() };
    let in_review = || Order { deadline_at: None, ..order(State::Review) };
    let table = [
        ("before it", Reverse, waiting(), deadline.minus(MINUTE), "nothing"),
        ("to be reversed", Reverse, waiting(), deadline, "reversal"),
        ("to be reviewed", Review, waiting(), deadline, "review"),
        ("to be completed, and that was taken back", Complete, waiting(), deadline, "review"),
        ("parked, to be reversed", Reverse, parked(), deadline, "review"),
        ("parked, to be completed", Complete, parked(), deadline, "review"),
        ("long after", Reverse, waiting(), deadline.plus(HOUR * 24 * 365), "reversal"),
        ("without a deadline", Reverse, order(State::Held), deadline, "nothing"),
        ("in review", Reverse, in_review(), deadline, "nothing"),
    ];
    for (what, act, order, now, expected) in table {
        let found = match at_deadline(&order, &on_release(act), now) {
            None => "nothing",
            Some(AtDeadline::Reverse(new, event)) => {
                assert_eq!((new.kind, new.amount), (OperationKind::Reversal, WHOLE), "{what}");
                assert_eq!((event.kind, event.after), (EventKind::ReversalIntended, State::Held), "{what}");
                "reversal"
            }
            Some(AtDeadline::Review(next, event)) => {
                assert_eq!(next.next_look_at, Some(now), "{what}");
                assert_eq!((next.state, next.deadline_at, next.complete_at), (State::Review, None, None), "{what}");
                assert!(next.review.unwrap().code.starts_with("hold_near_lapse:"), "{what}");
                assert_eq!(event.kind, EventKind::ReviewOpened, "{what}");
                "review"
            }
        };
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn changed_settings_and_a_clock_set_right_plan_a_hold_anew() {
    use holds::AtDeadline::{Complete, Review};
    let longer = |act| {
        let mut policy = on_release(act);
        policy.holds.lifetime = HOUR * 24 * 9;
        policy
    };
    let deadline = waiting().deadline_at;
    let later = deadline.map(|at| at.plus(HOUR * 24 * 4));
    let from_now = Some(NOW.minus(HOUR * 2).plus(HOUR * 24 * 5).minus(HOUR * 3));
    let table = [
        ("as it was", on_release(Review), NOW, None),
        ("another margin's act", on_release(Complete), NOW, Some((EventKind::Rescheduled, deadline, None))),
        ("another lifetime", longer(Review), NOW, Some((EventKind::DeadlineChanged, None, later))),
        (
            "the clock set back",
            on_release(Review),
            NOW.minus(HOUR * 2),
            Some((EventKind::DeadlineChanged, None, from_now)),
        ),
    ];
    for (what, policy, now, expected) in table {
        let planned = planned_anew(&waiting(), &policy, now);
        let found = planned.map(|(order, event)| (event.kind, order.complete_at, order.deadline_at));
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(planned_anew(&order(State::Review), &longer(Review), NOW), None, "a person decides first");
}

/// What leaves a hold behind with nothing planned would let it lapse in silence.
#[test]
fn what_was_taken_back_leaves_a_deadline_or_a_review() {
    let code = "approved_differs:10000:10001";
    let larger = || view(BankStatus::Held, [10_001, 0, 0]);
    let accepted = |order: Order| Order { accepted: Some(code.to_owned()), ..order };
    let completion = ask(&accepted(order(State::Held)), &intended(WHOLE), larger());
    let deadline = waiting().deadline_at;
    assert_eq!((completion.order.state, completion.order.complete_at), (State::Held, None));
    assert_eq!(completion.order.deadline_at, deadline);
    let reversed = ask(&accepted(at_its_deadline()), &reversal(), larger());
    assert_eq!((reversed.operation.state, reversed.order.state), (OperationState::Withdrawn, State::Review));
    assert_eq!(kinds(&reversed.events), [EventKind::ReversalWithdrawn, EventKind::ReviewOpened]);
}
