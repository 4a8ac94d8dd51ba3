//! What an end, as we have it and as the bank shows it, differs by: our sum and the bank's.
//!
//! Every order is for 100.00 RUB unless its line says otherwise. The bank's three sums are approved, deposited,
//! refunded.
#![expect(clippy::inconsistent_digit_grouping, reason = "100_00 reads as 100.00")]

use super::super::fixtures::order;
use super::*;
use crate::domain::bank::BankStatus as Bank;
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::OperationState as Op;

/// Our sum and the bank's; `None` where nothing differs.
type Expected = Option<(i64, Option<i64>)>;

fn check(table: Vec<(&str, Candidate, Expected)>) {
    for (what, candidate, expected) in table {
        let found = difference(&candidate).map(|found| (found.our_minor, found.bank_minor));
        assert_eq!(found, expected, "{what}");
    }
}

fn exactly(minor: i64) -> CompletionAmount {
    CompletionAmount::Exactly(Amount::new(minor).unwrap())
}

#[test]
fn an_end_with_the_intended_sums_differs_by_nothing() {
    let deposited = || order("1", State::Deposited);
    let refunded = || order("1", State::Refunded);
    check(vec![
        ("paid in one phase", deposited().bank(Bank::Deposited, [100_00, 100_00, 0]), None),
        (
            "completed with exactly the intended part",
            deposited().bank(Bank::Deposited, [100_00, 60_00, 0]).completion(Op::Confirmed, 60_00, 1),
            None,
        ),
        (
            "a clerk completed the intended part before we sent anything",
            deposited().bank(Bank::Deposited, [100_00, 60_00, 0]).completion(Op::Withdrawn, 60_00, 0),
            None,
        ),
        (
            "the shop asked for a part, and the bank completed that part by itself",
            deposited().with(|order| order.completion = exactly(60_00)).bank(Bank::Deposited, [100_00, 60_00, 0]),
            None,
        ),
        (
            "refunded in part; this bank leaves the deposited sum as it was",
            refunded().bank(Bank::Refunded, [100_00, 100_00, 30_00]),
            None,
        ),
        (
            "refunded in part; this bank takes the refund off the deposited sum",
            refunded().bank(Bank::Refunded, [100_00, 70_00, 30_00]),
            None,
        ),
        ("refunded in whole, left as it was", refunded().bank(Bank::Refunded, [100_00, 100_00, 100_00]), None),
        ("refunded in whole, taken off", refunded().bank(Bank::Refunded, [100_00, 0, 100_00]), None),
        (
            "a part was completed, and a part of that refunded",
            refunded().bank(Bank::Refunded, [100_00, 60_00, 10_00]).completion(Op::Confirmed, 60_00, 1),
            None,
        ),
        ("the hold was let go", order("1", State::Reversed).bank(Bank::Reversed, [100_00, 0, 0]), None),
        ("declined", order("1", State::Declined).bank(Bank::Declined, [0, 0, 0]), None),
        (
            "a response version without sums: nothing can be compared",
            deposited().bank(Bank::Deposited, [0, 0, 0]).but(|view| view.amounts = None),
            None,
        ),
        ("ended before the bank was ever heard", order("1", State::Declined), None),
    ]);
}

#[test]
fn an_end_with_other_sums_is_a_difference() {
    let deposited = || order("1", State::Deposited);
    let refunded = || order("1", State::Refunded);
    check(vec![
        (
            "somebody else deposited less",
            deposited().bank(Bank::Deposited, [100_00, 40_00, 0]).completion(Op::Withdrawn, 100_00, 0),
            Some((100_00, Some(40_00))),
        ),
        (
            "somebody else deposited all where a part was intended",
            deposited().bank(Bank::Deposited, [100_00, 100_00, 0]).completion(Op::Withdrawn, 60_00, 0),
            Some((60_00, Some(100_00))),
        ),
        (
            "the bank refused our part, and somebody deposited all",
            deposited().bank(Bank::Deposited, [100_00, 100_00, 0]).completion(Op::Refused, 60_00, 1),
            Some((60_00, Some(100_00))),
        ),
        (
            "deposited, and the latest view is a stale one that shows nothing taken",
            deposited().bank(Bank::Held, [100_00, 0, 0]),
            Some((100_00, Some(0))),
        ),
        (
            "deposited, and the bank has given something back without saying refunded",
            deposited().bank(Bank::Deposited, [100_00, 100_00, 25_00]),
            Some((0, Some(25_00))),
        ),
        (
            "refunded, of a deposit that was too small to begin with",
            refunded().bank(Bank::Refunded, [100_00, 50_00, 10_00]),
            Some((100_00, Some(50_00))),
        ),
        (
            "more was refunded than was taken",
            refunded().bank(Bank::Refunded, [100_00, 100_00, 120_00]),
            Some((100_00, Some(120_00))),
        ),
        (
            "reversed, and yet the bank shows money taken",
            order("1", State::Reversed).bank(Bank::Reversed, [100_00, 100_00, 0]),
            Some((0, Some(100_00))),
        ),
        (
            "declined, and yet the bank shows money taken",
            order("1", State::Declined).bank(Bank::Declined, [100_00, 100_00, 0]),
            Some((0, Some(100_00))),
        ),
        (
            "the bank has another price: the sums that follow from it are not listed again",
            deposited().bank(Bank::Deposited, [90_00, 90_00, 0]).but(|view| view.amount = Some(90_00)),
            Some((100_00, Some(90_00))),
        ),
        (
            "the bank has another currency: its sums stand beside none of ours",
            deposited()
                .bank(Bank::Deposited, [100_00, 100_00, 0])
                .but(|view| view.currency = Currency::from_numeric(840).ok()),
            Some((100_00, None)),
        ),
    ]);
}

#[test]
fn what_a_person_has_accepted_is_no_difference_any_more_and_the_next_one_is() {
    let deposited = |minor| order("1", State::Deposited).bank(Bank::Deposited, [100_00, minor, 0]);
    let at_90 = |candidate: Candidate| candidate.but(|view| view.amount = Some(90_00));
    check(vec![
        ("this deposit was accepted", deposited(40_00).accepted("completed_with_another_amount:10000:4000"), None),
        (
            "another deposit was",
            deposited(50_00).accepted("completed_with_another_amount:10000:4000"),
            Some((100_00, Some(50_00))),
        ),
        (
            "the bank's price was accepted, so it is what a whole completion takes",
            at_90(deposited(90_00)).accepted("amount_differs:10000:9000"),
            None,
        ),
        (
            "the bank's price was accepted, and less than that was taken",
            at_90(deposited(80_00)).accepted("amount_differs:10000:9000"),
            Some((90_00, Some(80_00))),
        ),
        (
            "the bank's currency was accepted",
            deposited(100_00)
                .but(|view| view.currency = Currency::from_numeric(840).ok())
                .accepted("currency_differs:643:840"),
            None,
        ),
        (
            "money on an order we had reversed was accepted",
            order("1", State::Reversed).bank(Bank::Deposited, [100_00, 100_00, 0]).accepted("another_end:reversed:2"),
            None,
        ),
    ]);
}

#[test]
fn a_difference_says_what_the_bank_shows() {
    let dollars = order("1", State::Deposited)
        .bank(Bank::Deposited, [100_00, 100_00, 0])
        .but(|view| view.currency = Currency::from_numeric(840).ok());
    let table = [
        (
            order("1", State::Deposited).bank(Bank::Deposited, [100_00, 40_00, 0]),
            "deposited: ours 100.00 RUB, the bank's 40.00 RUB; the bank shows it deposited",
        ),
        (dollars, "currency: ours 100.00 RUB, the bank's 100.00 USD"),
    ];
    for (candidate, words) in table {
        assert_eq!(difference(&candidate).unwrap().words, words);
    }
}
