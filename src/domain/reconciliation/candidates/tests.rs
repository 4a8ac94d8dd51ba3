//! What an order, as we have it and as the bank shows it, is worth in the report: kinds, with our sum and the bank's.
//!
//! Every order is for 100.00 RUB unless its line says otherwise. The bank's three sums are approved, deposited,
//! refunded. Which ends differ is [`super::figures`]'s table.
#![expect(clippy::inconsistent_digit_grouping, reason = "100_00 reads as 100.00")]

use super::super::fixtures::{NOW, ago, order, with_yardstick};
use super::*;
use crate::domain::bank::BankStatus as Bank;
use crate::domain::money::Currency;
use FindingKind::{Differs, Held, InDoubt, InReview, Lapsing, Stuck};
use OperationState as Op;

type Expected = &'static [(FindingKind, i64, Option<i64>)];

/// Nothing.
const NO_LINE: Expected = &[];

fn found(candidate: &Candidate) -> Vec<Finding> {
    with_yardstick(|yardstick| findings(std::slice::from_ref(candidate), yardstick, NOW))
}

fn check(table: Vec<(&str, Candidate, Expected)>) {
    for (what, candidate, expected) in table {
        let found = found(&candidate);
        let figures: Vec<_> = found.iter().map(|line| (line.kind, line.our_minor, line.bank_minor)).collect();
        assert_eq!(figures, expected, "{what}: {found:#?}");
    }
}

fn detail(candidate: &Candidate, kind: FindingKind) -> String {
    let lines = found(candidate);
    lines.into_iter().find(|line| line.kind == kind).unwrap().detail
}

#[test]
fn an_order_in_review_has_the_sums_that_contradict_and_no_second_line_for_them() {
    let review = || order("1", State::Review).because("why");
    check(vec![
        ("no view", review(), &[(InReview, 100_00, None)]),
        ("no reason was recorded: listed all the same", order("1", State::Review), &[(InReview, 100_00, None)]),
        (
            "another price",
            review().bank(Bank::Registered, [0, 0, 0]).but(|view| view.amount = Some(90_00)),
            &[(InReview, 100_00, Some(90_00))],
        ),
        ("held less", review().bank(Bank::Held, [90_00, 0, 0]), &[(InReview, 100_00, Some(90_00))]),
        (
            "held, and yet something was taken",
            review().bank(Bank::Held, [100_00, 10_00, 0]),
            &[(InReview, 0, Some(10_00))],
        ),
        (
            "our completion of a part, and all was taken",
            review().bank(Bank::Deposited, [100_00, 100_00, 0]).completion(Op::Contradicted, 60_00, 1),
            &[(InReview, 60_00, Some(100_00))],
        ),
        (
            "declined, and yet something was taken",
            review().bank(Bank::Declined, [0, 100_00, 0]),
            &[(InReview, 0, Some(100_00))],
        ),
        (
            "another currency: its sums stand beside none of ours",
            review().bank(Bank::Held, [1, 0, 0]).but(|view| view.currency = Currency::from_numeric(840).ok()),
            &[(InReview, 100_00, None)],
        ),
        (
            "its hold is far from its lapse",
            review().bank(Bank::Held, [100_00, 0, 0]).lapses_in(72),
            &[(InReview, 100_00, Some(100_00))],
        ),
        (
            "its hold is near its lapse: the bank lets it go whatever we think of it",
            review().bank(Bank::Held, [100_00, 0, 0]).lapses_in(5),
            &[(InReview, 100_00, Some(100_00)), (Lapsing, 100_00, Some(100_00))],
        ),
        (
            "its hold is gone",
            review().bank(Bank::Deposited, [100_00, 100_00, 0]).lapses_in(5),
            &[(InReview, 100_00, Some(100_00))],
        ),
    ]);
}

#[test]
fn holds_are_listed_and_near_their_lapse_or_without_one_they_are_at_risk() {
    let held = || order("1", State::Held).bank(Bank::Held, [100_00, 0, 0]);
    check(vec![
        ("far from its lapse", held().lapses_in(25), &[(Held, 100_00, Some(100_00))]),
        ("a day before it", held().lapses_in(24), &[(Lapsing, 100_00, Some(100_00))]),
        ("after it", held().lapses_in(-3), &[(Lapsing, 100_00, Some(100_00))]),
        ("no lapse is known", held(), &[(Lapsing, 100_00, Some(100_00))]),
        (
            "a smaller hold that a person accepted",
            held().bank(Bank::Held, [90_00, 0, 0]).lapses_in(72).accepted("approved_differs:10000:9000"),
            &[(Held, 100_00, Some(90_00))],
        ),
    ]);
    let table = [
        (held().lapses_in(72), "waits for its release; lapses in 3d"),
        (held().lapses_in(72).with(|order| order.parked = true), "parked by an operator; lapses in 3d"),
        (held().lapses_in(72).with(|order| order.complete_at = Some(ago(-6))), "completion in 6h; lapses in 3d"),
        (held().lapses_in(72).with(|order| order.complete_at = Some(ago(1))), "completion is due; lapses in 3d"),
        (
            held().lapses_in(72).with(|order| order.complete_at = Some(ago(1))).completion(Op::InDoubt, 100_00, 1),
            "its completion is in doubt; lapses in 3d",
        ),
    ];
    for (candidate, words) in table {
        assert_eq!(detail(&candidate, Held), words);
    }
    assert_eq!(detail(&held().lapses_in(-3), Lapsing), "waits for its release; should have lapsed 3h ago");
}

#[test]
fn a_completion_in_doubt_has_what_was_sent_and_what_was_seen_since() {
    let sent = || order("1", State::Held).bank(Bank::Held, [100_00, 0, 0]).lapses_in(72);
    let in_doubt = |attempt| sent().completion(Op::InDoubt, 60_00, attempt);
    check(vec![
        (
            "the bank was asked since, and shows nothing taken",
            in_doubt(1),
            &[(InDoubt, 60_00, Some(0)), (Held, 100_00, Some(100_00))],
        ),
        (
            "the bank was not heard since: an earlier view says nothing about it",
            in_doubt(1).with(|order| order.view.as_mut().unwrap().seen_at = ago(4)),
            &[(InDoubt, 60_00, None), (Held, 100_00, Some(100_00))],
        ),
        ("settled", sent().completion(Op::Refused, 60_00, 1), &[(Held, 100_00, Some(100_00))]),
        ("not sent yet", sent().completion(Op::Intended, 60_00, 0), &[(Held, 100_00, Some(100_00))]),
        (
            "in review since, and still in doubt: two matters",
            in_doubt(5).with(|order| order.state = State::Review).because("why"),
            &[(InReview, 100_00, Some(100_00)), (InDoubt, 60_00, Some(0))],
        ),
    ]);
    let table = [(1, "once"), (2, "twice"), (3, "3 times")];
    for (attempt, times) in table {
        let words = format!("a completion of 60.00 RUB was sent {times}; the outcome is not known yet (no answer)");
        assert_eq!(detail(&in_doubt(attempt), InDoubt), words);
    }
}

#[test]
fn an_order_without_outcome_is_stuck_some_time_after_its_payment_time() {
    let pending =
        |expired_hours_ago| order("1", State::Pending).with(|order| order.expires_at = Some(ago(expired_hours_ago)));
    let registered = |hours| pending(hours).bank(Bank::Registered, [0, 0, 0]);
    check(vec![
        ("its payment page is open", pending(-1), NO_LINE),
        ("it closed five hours ago", registered(5), NO_LINE),
        ("it closed six hours ago", registered(6), &[(Stuck, 100_00, Some(100_00))]),
        ("the bank never showed it", pending(6), &[(Stuck, 100_00, None)]),
        (
            "nobody knows when it closes: by the merchant's payment time",
            order("1", State::Pending),
            &[(Stuck, 100_00, None)],
        ),
        (
            "stuck, and with another price: two matters",
            registered(6).but(|view| view.amount = Some(90_00)),
            &[(Differs, 100_00, Some(90_00)), (Stuck, 100_00, Some(90_00))],
        ),
    ]);
    let unheard = pending(30).with(|order| order.unknown_in_a_row = 14);
    let table = [
        (registered(6), "the bank shows it registered; its payment time ran out 6h ago"),
        (
            unheard,
            "the bank has not shown it yet; its payment time ran out 1d 6h ago; the last 14 answers told nothing",
        ),
    ];
    for (candidate, words) in table {
        assert_eq!(detail(&candidate, Stuck), words);
    }
}

#[test]
fn lines_come_by_kind_then_age_then_number() {
    let held = |number, hours| {
        let candidate = order(number, State::Held).lapses_in(72);
        candidate.with(|order| order.state_since = ago(hours))
    };
    let candidates = [held("b", 1), held("c", 5), held("a", 1), order("z", State::Review)];
    let found = with_yardstick(|yardstick| findings(&candidates, yardstick, NOW));
    let numbers: Vec<_> = found.iter().map(|line| line.number.as_str()).collect();
    assert_eq!(numbers, ["z", "c", "a", "b"]);
}
