//! A completion's rows, step by step.

mod deadline;

use std::time::Duration;

use super::super::bank::{BankStatus, BankView, UnknownKind};
use super::super::fixtures::{
    HOUR, MINUTE, NOW, PRICE, in_doubt, intended, known, order, order_id, part, plain, policy, refusal, reversal,
    unknown, view,
};
use super::super::money::Currency;
use super::*;

const WHOLE: CompletionAmount = CompletionAmount::Whole;

fn ask(order: &Order, operation: &Operation, view: BankView) -> Asked {
    after_ask(order, operation, &known(view), &Standing::default(), &policy(), NOW, Jitter::new(500))
}

fn kinds(events: &[NewEvent]) -> Vec<EventKind> {
    events.iter().map(|event| event.kind).collect()
}

#[test]
fn what_is_intended_is_what_the_order_says() {
    for (completion, words) in
        [(WHOLE, "a completion of the whole hold is due"), (part(7_000), "a completion of 70.00 RUB is due")]
    {
        let (new, event) = intend(&Order { completion, ..order(State::Held) }, NOW);
        assert_eq!(
            new,
            NewOperation { kind: OperationKind::Completion, amount: completion, intended_at: NOW, ordered: false }
        );
        assert_eq!((event.kind, event.detail.as_str()), (EventKind::CompletionIntended, words));
    }
}

/// R1: what is committed before the first byte says everything about the send.
#[test]
fn the_row_is_in_doubt_with_its_attempt_before_anything_leaves() {
    let before = Operation { asks: 4, agreeing_reads: 1, ..intended(part(7_000)) };
    let asked = ask(&order(State::Held), &before, plain(BankStatus::Held));
    assert!(asked.send);
    let expected = Operation {
        state: OperationState::InDoubt,
        attempt: 1,
        unknown_sends: 1,
        expected_minor: Some(7_000),
        sent_at: Some(NOW),
        answered_at: None,
        agreeing_reads: 0,
        asks: 0,
        next_step_at: NOW,
        note: Some("sent; no answer yet".to_owned()),
        ..before
    };
    assert_eq!(asked.operation, expected);
    assert_eq!(kinds(&asked.events), [EventKind::CompletionSent]);
    assert_eq!(asked.order.state, State::Held);
}

/// R9: whoever wanted an unpaid order declined must not have it completed early because it was paid first. Found while
/// the clock is in doubt, the hold is dated by nobody, and the decline waits.
#[test]
fn a_hold_that_a_decline_finds_is_not_first_seen_by_a_clock_in_doubt() {
    let decline = Operation { kind: OperationKind::Decline, ordered: true, ..intended(WHOLE) };
    let pending = order(State::Pending);
    let behind = Standing { clock: Some(timekeeping::Doubt::Disagrees(86_400_000)), ..Standing::default() };
    for (case, standing, state, hold, left) in [
        ("a clock that is believed", Standing::default(), State::Held, Some(NOW), OperationState::Withdrawn),
        ("a clock that is a day behind", behind, State::Pending, None, OperationState::Intended),
    ] {
        let answer = known(plain(BankStatus::Held));
        let asked = after_ask(&pending, &decline, &answer, &standing, &policy(), NOW, Jitter::new(500));
        let found = (asked.order.state, asked.order.hold.map(|hold| hold.held_at), asked.operation.state);
        assert_eq!(found, (state, hold, left), "{case}");
        assert!(!asked.send, "{case}");
    }
}

/// An open completion, the bank's view, and where that leaves the operation, the order and the journal.
type Row<'a> = (&'a str, Operation, BankView, OperationState, State, &'a [EventKind]);

#[test]
fn a_read_settles_order_and_operation_together() {
    use EventKind::{
        Changed, CompletionConfirmed, CompletionContradicted, CompletionEscalated, CompletionRefused,
        CompletionWithdrawn, ReviewOpened,
    };
    let whole = || in_doubt(WHOLE, MINUTE);
    let refused = Operation { unknown_sends: 0, ..whole() };
    let quiet = Operation { agreeing_reads: 1, ..in_doubt(part(7_000), MINUTE * 15) };
    let table: [Row<'_>; 10] = [
        (
            "done",
            whole(),
            plain(BankStatus::Deposited),
            OperationState::Confirmed,
            State::Deposited,
            &[Changed, CompletionConfirmed],
        ),
        (
            "let go",
            whole(),
            plain(BankStatus::Reversed),
            OperationState::Refused,
            State::Reversed,
            &[Changed, CompletionRefused],
        ),
        (
            "refused",
            refused,
            plain(BankStatus::Held),
            OperationState::Refused,
            State::Review,
            &[CompletionRefused, ReviewOpened],
        ),
        (
            "another sum",
            whole(),
            view(BankStatus::Deposited, [PRICE, 1, 0]),
            OperationState::Contradicted,
            State::Review,
            &[Changed, CompletionContradicted, ReviewOpened],
        ),
        (
            "quiet, a part",
            quiet,
            plain(BankStatus::Held),
            OperationState::InDoubt,
            State::Review,
            &[CompletionEscalated, ReviewOpened],
        ),
        (
            "taken meanwhile",
            intended(WHOLE),
            plain(BankStatus::Deposited),
            OperationState::Withdrawn,
            State::Deposited,
            &[Changed, CompletionWithdrawn],
        ),
        (
            "declined meanwhile",
            intended(WHOLE),
            plain(BankStatus::Declined),
            OperationState::Withdrawn,
            State::Review,
            &[ReviewOpened, CompletionWithdrawn],
        ),
        (
            "another hold",
            intended(WHOLE),
            view(BankStatus::Held, [9_000, 0, 0]),
            OperationState::Contradicted,
            State::Review,
            &[ReviewOpened, CompletionContradicted],
        ),
        ("still held", whole(), plain(BankStatus::Held), OperationState::InDoubt, State::Held, &[]),
        ("not held yet", intended(WHOLE), plain(BankStatus::Registered), OperationState::Intended, State::Held, &[]),
    ];
    for (what, operation, view, operation_state, state, events) in table {
        let asked = ask(&order(State::Held), &operation, view);
        assert_eq!((asked.operation.state, asked.order.state), (operation_state, state), "{what}");
        assert_eq!(kinds(&asked.events), events, "{what}");
        assert!(!asked.send, "{what}");
        assert_eq!(asked.operation.asks, operation.asks + 1, "{what}");
        let planned = asked.order.complete_at.is_some();
        assert_eq!(planned, state == State::Held, "{what}: an end of the operation plans no other");
    }
}

/// The bug: the sums that were enough for a send put the order into review in the same write.
#[test]
fn regression_an_order_that_goes_to_review_is_not_completed_by_the_same_answer() {
    for amount in [WHOLE, part(7_000), part(9_000)] {
        let asked = ask(&order(State::Held), &intended(amount), view(BankStatus::Held, [9_000, 0, 0]));
        assert_eq!((asked.send, asked.order.state), (false, State::Review), "{amount:?}");
    }
}

/// The bug: the row was written in doubt, and the shell, without an id, sent nothing.
#[test]
fn regression_an_order_without_id_learns_it_before_anything_is_in_doubt() {
    let nameless = Order { order_id: None, ..order(State::Held) };
    let asked = ask(&nameless, &intended(part(7_000)), plain(BankStatus::Held));
    assert_eq!((asked.send, asked.operation.state, asked.operation.attempt), (false, OperationState::Intended, 0));
    let asked = ask(&asked.order, &asked.operation, plain(BankStatus::Held));
    assert_eq!((asked.send, asked.order.order_id), (true, Some(order_id("id-1"))));
}

#[test]
fn an_order_called_to_review_while_in_doubt_is_asked_about_at_the_longest_interval() {
    let quiet = Operation { agreeing_reads: 1, ..in_doubt(part(7_000), MINUTE * 15) };
    let first = ask(&order(State::Held), &quiet, plain(BankStatus::Held));
    let again = ask(&first.order, &first.operation, plain(BankStatus::Held));
    for asked in [&first, &again] {
        assert_eq!(asked.operation.next_step_at, NOW.plus(MINUTE * 5));
    }
    assert_eq!((again.order.state, kinds(&again.events)), (State::Review, Vec::new()), "told once");
}

/// No answer to the send confirms or ends it: the answer, the state after it, sends that count, and the next question.
#[test]
fn the_answer_to_the_send_itself_settles_nothing() {
    use CompletionAnswer::{Acknowledged, NotSent, Refused, Unknown};
    let first = || in_doubt(WHOLE, Duration::ZERO);
    let second = || Operation { attempt: 2, unknown_sends: 2, ..first() };
    let late = || Operation { attempt: 9, ..first() };
    let wait = |seconds| super::super::bank::Unknown {
        retry_after: Some(Duration::from_secs(seconds)),
        ..unknown(UnknownKind::Throttled)
    };
    let (doubt, intended) = (OperationState::InDoubt, OperationState::Intended);
    let table = [
        ("acknowledged", first(), Acknowledged, doubt, 1, 0),
        ("refused", first(), Refused(refusal(5)), doubt, 0, 0),
        ("refused, an earlier one unknown", second(), Refused(refusal(6)), doubt, 1, 0),
        ("lost", first(), Unknown(unknown(UnknownKind::Timeout)), doubt, 1, 0),
        ("throttled", first(), Unknown(wait(30)), doubt, 1, 30),
        ("throttled for ever", first(), Unknown(wait(1_000_000)), doubt, 1, 300),
        ("never left", first(), NotSent(unknown(UnknownKind::Unreachable)), intended, 0, 5),
        ("never left, an earlier one unknown", second(), NotSent(unknown(UnknownKind::Unreachable)), doubt, 1, 10),
        ("never left, for the ninth time", late(), NotSent(unknown(UnknownKind::Unreachable)), intended, 0, 300),
    ];
    for (what, operation, answer, state, unknown_sends, seconds) in table {
        let (next, event) = after_answer(&order(State::Held), &operation, &answer, &policy(), NOW);
        assert_eq!((next.state, next.unknown_sends), (state, unknown_sends), "{what}");
        assert_eq!(next.next_step_at.since(NOW).as_secs(), seconds, "{what}");
        assert_eq!((next.attempt, next.amount), (operation.attempt, operation.amount), "{what}");
        assert_eq!((event.kind, event.after), (EventKind::CompletionAnswered, State::Held), "{what}");
    }
}

/// The bug: the order went to review, and its completion stayed due at once, for ever.
#[test]
fn regression_a_completion_whose_order_has_the_id_of_another_is_taken_back() {
    let mut rows = order(State::Held);
    let (next, event) = order_id_taken(&mut rows, &intended(WHOLE), NOW);
    assert_eq!((next.state, rows.complete_at), (OperationState::Withdrawn, None));
    assert_eq!(event.map(|event| event.kind), Some(EventKind::CompletionWithdrawn));
    let (next, event) = order_id_taken(&mut rows, &in_doubt(WHOLE, MINUTE), NOW);
    assert_eq!((next.state, next.next_step_at, event), (OperationState::InDoubt, NOW.plus(MINUTE), None));
}

/// The bug: a process that was stopped between the intent and the send counted the quiet time from the intent, and sent
/// a second time while the first request could still take effect.
#[test]
fn regression_the_quiet_time_counts_from_the_answer() {
    let sent_long_ago = in_doubt(WHOLE, MINUTE * 60);
    let timed_out = CompletionAnswer::Unknown(unknown(UnknownKind::Timeout));
    let (mut operation, _) = after_answer(&order(State::Held), &sent_long_ago, &timed_out, &policy(), NOW);
    assert_eq!(operation.sent_at, sent_long_ago.sent_at, "when it was written down stays what it was");
    operation.agreeing_reads = 1;
    let asked = ask(&order(State::Held), &operation, plain(BankStatus::Held));
    assert_eq!((asked.send, asked.operation.agreeing_reads), (false, 0), "only now does the quiet time begin");
    let never_answered = Operation { agreeing_reads: 1, ..sent_long_ago };
    assert!(ask(&order(State::Held), &never_answered, plain(BankStatus::Held)).send);
}

/// The bug: the bank's word of a refusal was lost to whatever the questions after it met.
#[test]
fn regression_a_refusal_is_told_in_the_banks_words() {
    let refused = CompletionAnswer::Refused(refusal(5));
    let (operation, _) = after_answer(&order(State::Held), &in_doubt(WHOLE, MINUTE), &refused, &policy(), NOW);
    let lost = StatusAnswer::Unknown(unknown(UnknownKind::Timeout));
    let asked =
        after_ask(&order(State::Held), &operation, &lost, &Standing::default(), &policy(), NOW, Jitter::new(500));
    let asked = ask(&asked.order, &asked.operation, plain(BankStatus::Held));
    assert_eq!(asked.operation.state, OperationState::Refused);
    assert!(asked.order.review.unwrap().sentence.contains("errorCode 5"));
}

/// A first send, and one more of a whole completion that was quiet: the row stays what it was, and says why.
#[test]
fn a_send_that_is_held_back_leaves_the_row_as_it_was_and_is_tried_again() {
    let full = Standing { in_doubt: 3, ..Standing::default() };
    let again = Operation { agreeing_reads: 1, ..in_doubt(WHOLE, MINUTE * 15) };
    // The next look at its order comes before it is tried again for its own sake; what was sent before is asked about
    // as often as if nothing held it back.
    for (before, wait) in [(intended(WHOLE), MINUTE * 10), (again, policy().settle.ask_every_max)] {
        let held = known(plain(BankStatus::Held));
        let ask = |standing: &Standing| {
            after_ask(&order(State::Held), &before, &held, standing, &policy(), NOW, Jitter::new(500))
        };
        assert!(ask(&Standing::default()).send);
        let asked = ask(&full);
        assert_eq!((asked.send, kinds(&asked.events)), (false, vec![]));
        assert_eq!(asked.held, Some(Held::InDoubtFull { in_doubt: 3, max: 3 }));
        let expected = Operation {
            asks: before.asks + 1,
            next_step_at: NOW.plus(wait),
            note: asked.held.as_ref().map(Held::to_string),
            ..before.clone()
        };
        assert_eq!(asked.operation, expected);
        assert_eq!(asked.order.heard.map(|heard| heard.at), Some(NOW), "the look counts");
    }
}

/// What the bank shows, before a send and after one, and the code of what trips the brake.
#[test]
fn the_first_contradiction_after_a_send_trips_the_brake() {
    let dollars = |view: BankView| BankView { currency: Currency::from_numeric(840).ok(), ..view };
    let table = [
        ("as intended", plain(BankStatus::Deposited), None),
        ("still held", plain(BankStatus::Held), None),
        ("let go", plain(BankStatus::Reversed), None),
        ("declined", plain(BankStatus::Declined), None),
        ("another sum", view(BankStatus::Deposited, [PRICE, 1, 0]), Some("we completed 100.00 RUB")),
        ("nothing of it", view(BankStatus::Deposited, [PRICE, 0, 0]), Some("we completed 100.00 RUB")),
        ("while held", view(BankStatus::Held, [PRICE, 1, 0]), Some("held and yet 0.01 RUB deposited")),
        ("another hold", view(BankStatus::Held, [9_000, 0, 0]), Some("the bank holds 90.00 RUB")),
        ("in dollars", dollars(plain(BankStatus::Deposited)), Some("the bank has 840")),
        (
            "another price",
            BankView { amount: Some(1), ..plain(BankStatus::Held) },
            Some("we have 100.00 RUB, the bank has 0.01 RUB"),
        ),
        (
            "another order",
            BankView { order_number: Some("B-2".to_owned()), ..plain(BankStatus::Deposited) },
            Some("the bank answered about order number"),
        ),
    ];
    for (name, view, reason) in table {
        let after = ask(&order(State::Held), &in_doubt(WHOLE, MINUTE), view.clone()).brake;
        assert_eq!(after.is_some(), reason.is_some(), "{name}: {after:?}");
        assert!(after.is_none_or(|stop| stop.reason.contains(reason.unwrap())), "{name}");
        assert_eq!(ask(&order(State::Held), &intended(WHOLE), view).brake, None, "{name}: nothing was sent");
    }
    let quiet = Operation { agreeing_reads: 1, ..in_doubt(part(7_000), MINUTE * 15) };
    assert_eq!(ask(&order(State::Held), &quiet, plain(BankStatus::Held)).brake, None, "quiet, a part");
    let refused = Operation { unknown_sends: 0, ..in_doubt(WHOLE, MINUTE) };
    assert_eq!(ask(&order(State::Held), &refused, plain(BankStatus::Held)).brake, None, "refused by the bank");
}

/// A shop whose holds wait for their release, with `act` at their deadline.
fn on_release(act: holds::AtDeadline) -> Policy {
    let mut policy = policy();
    policy.schedule = holds::CompletionSchedule::OnRelease;
    policy.holds.at_deadline = act;
    policy
}

/// Held for half an hour, five days to live: the deadline is three hours before.
fn waiting() -> Order {
    let held = Order { complete_at: None, ..order(State::Held) };
    let hold = held.hold.unwrap();
    Order { deadline_at: Some(hold.lapses_at.minus(HOUR * 3)), ..held }
}

fn at_its_deadline() -> Order {
    Order { deadline_at: Some(NOW), ..waiting() }
}

#[test]
fn a_reversal_is_told_in_words_of_its_own() {
    use EventKind::{
        Changed, ReversalConfirmed, ReversalContradicted, ReversalEscalated, ReversalRefused, ReversalSent,
        ReviewOpened,
    };
    let sent = || Operation { kind: OperationKind::Reversal, ..in_doubt(WHOLE, MINUTE) };
    let quiet = || Operation { agreeing_reads: 1, attempt: 3, unknown_sends: 3, ..sent() };
    let refused = || Operation { unknown_sends: 0, ..sent() };
    let quiet = Operation { sent_at: Some(NOW.minus(HOUR)), ..quiet() };
    let table: [Row<'_>; 6] = [
        ("sent", reversal(), plain(BankStatus::Held), OperationState::InDoubt, State::Held, &[ReversalSent]),
        (
            "gone",
            sent(),
            plain(BankStatus::Reversed),
            OperationState::Confirmed,
            State::Reversed,
            &[Changed, ReversalConfirmed],
        ),
        (
            "refused",
            refused(),
            plain(BankStatus::Held),
            OperationState::Refused,
            State::Review,
            &[ReversalRefused, ReviewOpened],
        ),
        (
            "taken",
            sent(),
            plain(BankStatus::Deposited),
            OperationState::Contradicted,
            State::Review,
            &[Changed, ReversalContradicted, ReviewOpened],
        ),
        (
            "quiet, and sent too often",
            quiet,
            plain(BankStatus::Held),
            OperationState::InDoubt,
            State::Review,
            &[ReversalEscalated, ReviewOpened],
        ),
        ("still held", sent(), plain(BankStatus::Held), OperationState::InDoubt, State::Held, &[]),
    ];
    for (what, operation, view, operation_state, state, events) in table {
        let asked = ask(&at_its_deadline(), &operation, view);
        assert_eq!((asked.operation.state, asked.order.state), (operation_state, state), "{what}");
        assert_eq!(kinds(&asked.events), events, "{what}");
        let (next, event) = after_answer(&waiting(), &sent(), &CompletionAnswer::Acknowledged, &policy(), NOW);
        assert_eq!((next.state, event.kind), (OperationState::InDoubt, EventKind::ReversalAnswered), "{what}");
    }
}

/// The clock goes back by a year and comes right again: the hold counts from where it began, and nothing is due early.
#[test]
fn a_clock_that_was_wrong_for_a_while_makes_nothing_due_early() {
    let year = HOUR * 24 * 365;
    for act in [holds::AtDeadline::Review, holds::AtDeadline::Complete, holds::AtDeadline::Reverse] {
        for schedule in [holds::CompletionSchedule::OnRelease, holds::CompletionSchedule::After(HOUR * 24)] {
            let policy = Policy { schedule, ..on_release(act) };
            let held = planned_anew(&waiting(), &policy, NOW).map_or_else(waiting, |(order, _)| order);
            let (wrong, _) = planned_anew(&held, &policy, NOW.minus(year)).unwrap();
            assert_eq!(wrong.hold.map(|hold| hold.held_at), Some(NOW.minus(year)));
            let (right, event) = planned_anew(&wrong, &policy, NOW.plus(HOUR)).unwrap();
            assert_eq!(event.kind, EventKind::DeadlineChanged);
            assert_eq!((right.hold, right.held_at_first), (held.hold, None));
            assert_eq!((right.complete_at, right.deadline_at), (held.complete_at, held.deadline_at));
        }
    }
}

/// What a reversal lets go is not counted as sent, so neither may it be held back by what was.
#[test]
fn regression_a_reversal_needs_no_room_in_the_daily_sum() {
    let full = Standing { sent_minor: policy().guard.daily_max_minor, ..Standing::default() };
    let held = known(plain(BankStatus::Held));
    let ask = |order: &Order, operation| after_ask(order, &operation, &held, &full, &policy(), NOW, Jitter::new(500));
    assert!(ask(&at_its_deadline(), reversal()).send);
    assert_eq!(ask(&order(State::Held), intended(WHOLE)).held.map(|held| held.as_str()), Some("daily_sum"));
    assert_eq!(asked_minor(&at_its_deadline(), &reversal()), 0);
}

/// No read of the money tells of the points, so a person has to know; the operation stays for a read to settle.
#[test]
fn an_answer_of_which_a_part_was_not_done_goes_to_review() {
    let part = |operation: &str, successful| crate::domain::bank::PartDone {
        operation: Some(operation.to_owned()),
        amount: Some(20),
        pc_id: None,
        transaction_id: Some("1642".to_owned()),
        successful,
    };
    let (all, half) = (vec![part("PAYMENT", true)], vec![part("PAYMENT", false), part("AWARD", true)]);
    let held = order(State::Held);
    assert_eq!(partly_done(&held, &CompletionAnswer::Itemised(all.clone()), NOW), None);
    assert_eq!(partly_done(&held, &CompletionAnswer::Acknowledged, NOW), None);
    let (reviewed, event) = partly_done(&held, &CompletionAnswer::Itemised(half), NOW).unwrap();
    assert_eq!((reviewed.state, event.kind), (State::Review, EventKind::ReviewOpened));
    let words = "the bank accepted the completion and did not do all of it: PAYMENT of 20, transactionId 1642, not \
                 successful; AWARD of 20, transactionId 1642";
    assert_eq!(reviewed.review.unwrap().sentence, words);
    let (operation, event) =
        after_answer(&held, &in_doubt(WHOLE, MINUTE), &CompletionAnswer::Itemised(all), &policy(), NOW);
    assert_eq!((operation.state, operation.answered_at), (OperationState::InDoubt, Some(NOW)));
    assert_eq!(event.detail, "acknowledged; a read will verify it (PAYMENT of 20, transactionId 1642)");
}
