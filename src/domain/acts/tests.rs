//! What people may do to orders, and what it makes of them.

use super::super::bank::BankView;
use super::super::fixtures::{
    DAY, HOUR, MINUTE, NOW, PRICE, amount, in_doubt, intended, order, part, plain, policy, seen, view,
};
use super::super::holds::CompletionSchedule;
use super::super::order::ReviewReason;
use super::*;

fn someone() -> Cause {
    Cause::Operator("ann".to_owned())
}

fn on_release() -> Policy {
    Policy { schedule: CompletionSchedule::OnRelease, ..policy() }
}

fn released(order: &Order, open: Option<&Operation>, part: Option<i64>) -> Result<Act, ActError> {
    release(order, open, part.map(amount), &on_release(), someone(), NOW)
}

fn accepted(order: &Order, open: Option<&Operation>) -> Result<Act, ActError> {
    accept(order, open, "the console says so", &policy(), someone(), NOW)
}

/// The three acts on an order in each state; `-` is a refusal by name.
#[test]
fn each_act_fits_some_states_and_is_refused_in_the_others() {
    let table = [
        (State::Pending, "done", "done", "not in review"),
        (State::Held, "done", "scheduled", "not in review"),
        (State::Deposited, "ended", "ended", "not in review"),
        (State::Reversed, "ended", "ended", "not in review"),
        (State::Refunded, "ended", "ended", "not in review"),
        (State::Declined, "ended", "ended", "not in review"),
        (State::Review, "in review", "in review", "done"),
    ];
    for (state, parking, releasing, accepting) in table {
        let order = order(state);
        assert_eq!(in_words(&park(&order, None, someone())), parking, "park {state}");
        assert_eq!(in_words(&released(&order, None, None)), releasing, "release {state}");
        assert_eq!(in_words(&accepted(&order, None)), accepting, "accept {state}");
    }
}

/// R10: what was sent is not taken back, changed or scheduled anew.
#[test]
fn a_completion_in_doubt_binds_everybody() {
    let (order, sent) = (order(State::Held), in_doubt(CompletionAmount::Whole, MINUTE));
    assert_eq!(in_words(&park(&order, Some(&sent), someone())), "in doubt");
    assert_eq!(in_words(&released(&order, Some(&sent), None)), "in doubt");
    assert_eq!(in_words(&released(&order, Some(&sent), Some(1))), "in doubt");
    let unsent = intended(CompletionAmount::Whole);
    assert_eq!(in_words(&released(&order, Some(&unsent), Some(1))), "scheduled");
}

fn in_words(act: &Result<Act, ActError>) -> &'static str {
    match act {
        Ok(_) => "done",
        Err(ActError::Ended(_)) => "ended",
        Err(ActError::InDoubt) => "in doubt",
        Err(ActError::NotQuiet(_)) => "not quiet",
        Err(ActError::InReview) => "in review",
        Err(ActError::NotInReview(_)) => "not in review",
        Err(ActError::AlreadyParked) => "parked",
        Err(ActError::AlreadyScheduled) => "scheduled",
        Err(ActError::AboveAmount { .. }) => "above the amount",
    }
}

#[test]
fn parking_takes_back_what_was_only_intended() {
    let before = Order { released_at: Some(NOW), ..order(State::Held) };
    let act = park(&before, Some(&intended(CompletionAmount::Whole)), someone()).unwrap();
    assert_eq!((act.order.parked, act.order.complete_at, act.order.released_at), (true, None, None));
    assert_eq!(act.operation.map(|operation| operation.state), Some(OperationState::Withdrawn));
    assert_eq!((act.event.kind, act.event.cause), (EventKind::Parked, someone()));
    assert_eq!(in_words(&park(&act.order, None, someone())), "parked");
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
        assert_eq!(act.event.detail, words);
    }
    assert_eq!(in_words(&released(&waiting(), None, Some(PRICE + 1))), "above the amount");
    let early = released(&order(State::Pending), None, None).unwrap().order;
    assert_eq!((early.complete_at, early.released_at), (None, Some(NOW)), "due as soon as it is held");
}

/// Where the bank has it is where it goes; what is scheduled then follows the policy.
#[test]
fn an_accepted_review_follows_the_banks_latest_view() {
    use super::super::bank::BankStatus::{
        Declined, Deposited, Held, InAuthentication, Other, Refunded, Registered, Reversed,
    };
    let table = [
        (None, State::Pending),
        (Some(Registered), State::Pending),
        (Some(InAuthentication), State::Pending),
        (Some(Other(9)), State::Pending),
        (Some(Held), State::Held),
        (Some(Deposited), State::Deposited),
        (Some(Reversed), State::Reversed),
        (Some(Refunded), State::Refunded),
        (Some(Declined), State::Declined),
    ];
    for (status, state) in table {
        let before = Order { view: status.map(|status| seen(plain(status))), ..order(State::Review) };
        let act = accepted(&before, None).unwrap();
        assert_eq!((act.order.state, act.order.review), (state, None), "{status:?}");
        assert_eq!(act.order.next_look_at, Some(NOW), "{status:?}: looked at once more, at once");
        assert_eq!(act.order.complete_at, (state == State::Held).then(|| NOW.plus(DAY)), "{status:?}");
        assert_eq!((act.event.kind, act.event.before), (EventKind::ReviewResolved, State::Review), "{status:?}");
    }
}

/// R12: released by a person with evidence; and even then nothing is sent unasked.
#[test]
fn accepting_ends_what_is_in_doubt_and_leaves_the_hold_parked() {
    let before = Order { view: Some(seen(plain(BankStatus::Held))), ..order(State::Review) };
    let act = accepted(&before, Some(&in_doubt(CompletionAmount::Whole, HOUR))).unwrap();
    assert_eq!((act.order.state, act.order.parked, act.order.complete_at), (State::Held, true, None));
    assert_eq!(act.operation.map(|operation| operation.state), Some(OperationState::Refused));
}

/// The bug: whoever accepted that the bank refuses had the same request sent again within the second.
#[test]
fn regression_accepting_a_refusal_does_not_send_again() {
    let review = Some(ReviewReason { code: "completion_refused".to_owned(), sentence: "it refused".to_owned() });
    let act =
        accepted(&Order { review, view: Some(seen(plain(BankStatus::Held))), ..order(State::Review) }, None).unwrap();
    assert_eq!((act.order.state, act.order.parked, act.order.complete_at), (State::Held, true, None));
}

/// What is accepted is what is true, not what to send: the figures may be the altered ones, the money taken already.
#[test]
fn accepting_an_altered_row_or_a_send_outside_the_book_leaves_the_hold_parked() {
    for found in [Contradiction::RowAltered { row: "its row" }, Contradiction::SentOutsideBook { expected: PRICE }] {
        let held = Order { view: Some(seen(plain(BankStatus::Held))), ..order(State::Held) };
        let review = Some(found.reason(&held));
        let act = accepted(&Order { review, state: State::Review, ..held }, None).unwrap();
        assert_eq!((act.order.state, act.order.parked, act.order.complete_at), (State::Held, true, None), "{found:?}");
    }
}

/// The bug: accepting the price brought the order back with the hold, and accepting the hold brought back the price.
#[test]
fn regression_one_acceptance_covers_all_that_the_view_contradicts() {
    let theirs = BankView { amount: Some(9_000), ..view(BankStatus::Held, [9_000, 0, 0]) };
    let review = Some(ReviewReason { code: "amount_differs:10000:9000".to_owned(), sentence: "90".to_owned() });
    let act = accepted(&Order { review, view: Some(seen(theirs.clone())), ..order(State::Review) }, None).unwrap();
    assert_eq!(act.order.accepted.as_deref(), Some("amount_differs:10000:9000\napproved_differs:10000:9000"));
    assert_eq!(lifecycle::judge(&act.order, &theirs), lifecycle::Judgement::Unchanged);
}
