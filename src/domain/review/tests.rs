//! Every way out of every review, with every completion there may be.

mod in_doubt;

use super::super::bank::BankView;
use super::super::booked::Booked;
use super::super::fixtures::{
    DAY, HOUR, MINUTE, NOW, PRICE, in_doubt, intended, known, order, part, plain, policy, seen, view,
};
use super::super::lifecycle::Judgement;
use super::super::money::Currency;
use super::super::operation::{OperationKind, Step, after_read};
use super::super::order::{Hold, SeenView};
use super::advice::{advice, at_stake};
use super::*;
use std::time::Duration;

fn someone() -> Cause {
    Cause::Operator("ann".to_owned())
}

fn resolved(order: &Order, open: Option<&Operation>, way: Way) -> Result<Act, ReviewError> {
    resolve(order, open, way, "the console says so", &policy(), someone(), NOW)
}

/// An order that was held, or at an end, when `found` took it to review.
fn reviewed(found: &Contradiction, before: State, view: Option<BankView>) -> Order {
    let hold = Hold { held_at: NOW.minus(HOUR), begun_at: NOW.minus(HOUR), lapses_at: NOW.plus(DAY) };
    let order = Order { view: view.map(seen), hold: Some(hold), before_review: Some(before), ..order(State::Review) };
    let review = Some(found.reason(&order));
    Order { review, ..order }
}

/// A contradiction of each kind, what the order was before, and what the bank shows.
fn one_of_each() -> Vec<(Contradiction, State, Option<BankView>)> {
    use BankStatus::{Deposited, Held};
    let held = |sums| Some(view(Held, sums));
    let text = |text: &str| text.to_owned();
    let at_90 = BankView { amount: Some(9_000), ..view(Held, [9_000, 0, 0]) };
    let in_dollars = BankView { currency: Some(Currency::from_numeric(840).unwrap()), ..plain(Held) };
    vec![
        (Contradiction::AnotherOrderNumber { theirs: text("A-2") }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::AnotherOrderId { theirs: text("id-2") }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::OrderIdTaken { by: text("A-9") }, State::Pending, None),
        (Contradiction::AmountDiffers { ours: PRICE, theirs: 9_000 }, State::Held, Some(at_90)),
        (Contradiction::CurrencyDiffers { ours: 643, theirs: 840 }, State::Held, Some(in_dollars)),
        (Contradiction::ApprovedDiffers { ours: PRICE, approved: PRICE + 1 }, State::Held, held([PRICE + 1, 0, 0])),
        (
            Contradiction::DepositedImpossible { ours: PRICE, deposited: 0 },
            State::Held,
            Some(view(Deposited, [0, 0, 0])),
        ),
        (Contradiction::DepositedWhileHeld { deposited: 7 }, State::Held, held([PRICE, 7, 0])),
        (
            Contradiction::CompletedWithAnotherAmount { intended: PRICE, deposited: 9_000 },
            State::Held,
            Some(view(Deposited, [PRICE, 9_000, 0])),
        ),
        (Contradiction::StillHeldAfterSend { attempts: 1 }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::PartUnsuccessful { parts: text("PAYMENT") }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::CompletionRefused { why: text("no") }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::StillHeldAfterReversal { attempts: 1 }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::ReversalRefused { why: "errorCode 5".to_owned() }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::TakenInsteadOfReversed { deposited: PRICE }, State::Held, Some(plain(Deposited))),
        (Contradiction::StillUnrefundedAfterSend { attempts: 1 }, State::Deposited, Some(plain(Deposited))),
        (Contradiction::RefundRefused { why: text("no") }, State::Deposited, Some(plain(Deposited))),
        (
            Contradiction::RefundedAnotherAmount { intended: 100, refunded: 40 },
            State::Deposited,
            Some(view(BankStatus::Refunded, [PRICE, PRICE, 40])),
        ),
        (
            Contradiction::LessGivenBack { ours: 100, theirs: 40 },
            State::Refunded,
            Some(view(BankStatus::Refunded, [PRICE, PRICE, 40])),
        ),
        (Contradiction::LessTaken { ours: PRICE, theirs: 0 }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::StillOpenAfterDecline { attempts: 1 }, State::Pending, Some(plain(BankStatus::Registered))),
        (Contradiction::HoldNearLapse { lapses_at: NOW.plus(HOUR) }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::Chargeback, State::Deposited, Some(BankView { chargeback: Some(true), ..plain(Deposited) })),
        (
            Contradiction::AnotherEnd { ours: State::Declined, theirs: Deposited },
            State::Declined,
            Some(plain(Deposited)),
        ),
        (Contradiction::RowAltered { row: "its row" }, State::Held, held([PRICE, 0, 0])),
        (Contradiction::SentOutsideBook { expected: PRICE }, State::Held, held([PRICE, 0, 0])),
    ]
}

/// The bank's way with each completion where the money was taken.
const DEPOSITED: [&str; 4] = ["deposited", "deposited, parked", "not quiet", "deposited, parked"];

/// Way by way, for each completion: none, intended, in doubt and not quiet yet, in doubt and quiet.
#[test]
fn every_way_out_of_every_review_with_every_completion() {
    use ContradictionKind as Kind;
    let due = "held, due";
    let parked = "held, parked";
    let [early, doubt, sums] = ["not quiet", "in doubt", "no completion"];
    let table = [
        (Kind::AnotherOrderNumber, [due, parked, early, parked], [due, due, early, doubt], [due, due, early, due]),
        (Kind::AnotherOrderId, [due, parked, early, parked], [due, due, early, doubt], [due, due, early, due]),
        (
            Kind::OrderIdTaken,
            ["pending", "pending, parked", early, "not heard"],
            ["pending", "pending", early, doubt],
            [sums, sums, early, sums],
        ),
        (Kind::AmountDiffers, [due, parked, early, parked], [due, due, early, doubt], [due, due, early, due]),
        (Kind::CurrencyDiffers, [due, parked, early, parked], [due, due, early, doubt], [sums, sums, early, sums]),
        (Kind::ApprovedDiffers, [due, parked, early, parked], [due, due, early, doubt], [sums, sums, early, sums]),
        (
            Kind::DepositedImpossible,
            ["deposited", "deposited, parked", early, "deposited, parked"],
            [due, due, early, doubt],
            [sums, sums, early, sums],
        ),
        (Kind::DepositedWhileHeld, [due, parked, early, parked], [due, due, early, doubt], [sums, sums, early, sums]),
        (
            Kind::CompletedWithAnotherAmount,
            ["deposited", "deposited, parked", early, "deposited, parked"],
            [due, due, early, doubt],
            [sums, sums, early, sums],
        ),
        (Kind::StillHeldAfterSend, [due, parked, early, parked], [due, due, early, doubt], [due, due, early, due]),
        (Kind::PartUnsuccessful, [due, parked, early, parked], [due, due, early, doubt], [due, due, early, due]),
        (Kind::CompletionRefused, [parked; 4], [parked, parked, early, doubt], [due, due, early, due]),
        (Kind::StillHeldAfterReversal, [due, parked, early, parked], [due, due, early, doubt], [due, due, early, due]),
        (Kind::ReversalRefused, [parked; 4], [parked, parked, early, doubt], [due, due, early, due]),
        (
            Kind::TakenInsteadOfReversed,
            ["deposited", "deposited, parked", early, "deposited, parked"],
            [due, due, early, doubt],
            [sums, sums, early, sums],
        ),
        (
            Kind::StillUnrefundedAfterSend,
            DEPOSITED,
            ["deposited", "deposited", early, doubt],
            [sums, sums, early, sums],
        ),
        (Kind::RefundRefused, DEPOSITED, ["deposited", "deposited", early, doubt], [sums, sums, early, sums]),
        (
            Kind::RefundedAnotherAmount,
            ["refunded", "refunded, parked", early, "refunded, parked"],
            ["deposited", "deposited", early, doubt],
            [sums, sums, early, sums],
        ),
        (
            Kind::LessGivenBack,
            ["refunded", "refunded, parked", early, "refunded, parked"],
            ["refunded", "refunded", early, doubt],
            [sums, sums, early, sums],
        ),
        (Kind::LessTaken, [parked; 4], [parked, parked, early, doubt], [due, due, early, due]),
        (
            Kind::StillOpenAfterDecline,
            ["pending", "pending, parked", early, "pending, parked"],
            ["pending", "pending", early, doubt],
            [sums, sums, early, sums],
        ),
        (Kind::HoldNearLapse, [due, parked, early, parked], [due, due, early, doubt], [due, due, early, due]),
        (
            Kind::Chargeback,
            ["deposited", "deposited, parked", early, "deposited, parked"],
            ["deposited", "deposited", early, doubt],
            [sums, sums, early, sums],
        ),
        (
            Kind::AnotherEnd,
            ["deposited", "deposited, parked", early, "deposited, parked"],
            ["declined", "declined", early, doubt],
            [sums, sums, early, sums],
        ),
        // What is true was said, not what to send: the figures may be the altered ones, the money taken already.
        (Kind::RowAltered, [parked; 4], [parked, parked, early, doubt], [due, due, early, due]),
        (Kind::SentOutsideBook, [parked; 4], [parked, parked, early, doubt], [due, due, early, due]),
    ];
    assert_eq!(table.map(|(kind, ..)| kind), ContradictionKind::ALL);
    for ((found, before, view), (kind, bank, ours, complete)) in one_of_each().into_iter().zip(table) {
        assert_eq!(found.kind(), kind);
        let order = reviewed(&found, before, view);
        for (way, expected) in Way::ALL.into_iter().zip([bank, ours, complete]) {
            for (open, expected) in completions().iter().zip(expected) {
                // A refusal leaves no completion that is not quiet: the bank's word made it so.
                let expected = if open.1 == "fresh" { early } else { expected };
                let outcome = resolved(&order, open.0.as_ref(), way);
                assert_eq!(in_words(&outcome), expected, "{kind:?}, {way:?}, {}", open.1);
                told_and_settled(&order, open.0.as_ref(), way, outcome);
            }
        }
    }
}

fn completions() -> [(Option<Operation>, &'static str); 4] {
    [
        (None, "none"),
        (Some(intended(CompletionAmount::Whole)), "intended"),
        (Some(in_doubt(CompletionAmount::Whole, MINUTE)), "fresh"),
        (Some(in_doubt(CompletionAmount::Whole, HOUR)), "quiet"),
    ]
}

fn in_words(outcome: &Result<Act, ReviewError>) -> String {
    match outcome {
        Ok(act) => {
            let due = if act.order.complete_at.is_some() { ", due" } else { "" };
            let parked = if act.order.parked { ", parked" } else { "" };
            format!("{}{due}{parked}", act.order.state)
        }
        Err(ReviewError::NotQuiet(_)) => "not quiet".to_owned(),
        Err(ReviewError::NotHeardSince(_)) => "not heard".to_owned(),
        Err(ReviewError::InDoubt) => "in doubt".to_owned(),
        Err(ReviewError::NotUntouched(_)) => "no completion".to_owned(),
        Err(other) => other.to_string(),
    }
}

/// Whatever way is taken: the order is out of review and looked at, its completion is settled, the journal tells who,
/// why and what, and the same answer does not bring it back.
fn told_and_settled(before: &Order, open: Option<&Operation>, way: Way, outcome: Result<Act, ReviewError>) {
    let Ok(act) = outcome else { return };
    let after = &act.order;
    assert_eq!((&after.review, after.before_review, after.next_look_at), (&None, None, Some(NOW)));
    assert_eq!(
        (act.event.kind, act.event.before, act.event.after),
        (EventKind::ReviewResolved, State::Review, after.state)
    );
    assert_eq!(act.event.cause, someone());
    for words in ["the console says so", way.as_str(), &format!("state review → {}", after.state)] {
        assert!(act.event.detail.contains(words), "{words}: {}", act.event.detail);
    }
    let settled = act.operation.as_ref().map(|operation| operation.state);
    assert_eq!(
        settled,
        open.map(|open| match open.state {
            OperationState::Intended => OperationState::Withdrawn,
            _ if matches!(after.state, State::Deposited | State::Refunded) => shown_taken(before, open),
            _ if before.view.as_ref().is_some_and(|seen| seen.view.amounts.unwrap().deposited != 0) => {
                OperationState::Contradicted
            }
            _ => OperationState::Refused,
        })
    );
    if let Some(seen) = &before.view {
        let again = lifecycle::judge(after, &seen.view);
        assert!(!matches!(again, Judgement::Contradiction(_)), "{way:?}: {again:?}");
    }
    if Sends::after(after, &policy()).may_move_money() {
        assert!(matches!(after.state, State::Held | State::Pending) && !after.parked);
    }
}

/// What a completion is whose order the bank shows deposited: never one that did not happen.
fn shown_taken(order: &Order, open: &Operation) -> OperationState {
    let deposited = order.view.as_ref().and_then(|seen| seen.view.amounts).map(|amounts| amounts.deposited);
    if deposited == open.expected_minor { OperationState::Confirmed } else { OperationState::Contradicted }
}

/// What `complete` allows, the next read that shows the same sends; so both go by one rule.
#[test]
fn what_is_released_to_be_completed_is_sent_after_the_next_read() {
    let at_90 = || BankView { amount: Some(9_000), ..view(BankStatus::Held, [9_000, 0, 0]) };
    let table = [
        ("the whole hold", CompletionAmount::Whole, plain(BankStatus::Held), true),
        ("a part of it", part(7_000), plain(BankStatus::Held), true),
        ("all of a smaller hold", CompletionAmount::Whole, at_90(), true),
        ("more than a smaller hold", part(9_500), at_90(), false),
        ("of a larger hold", CompletionAmount::Whole, view(BankStatus::Held, [PRICE + 1, 0, 0]), false),
        ("of nothing held", CompletionAmount::Whole, view(BankStatus::Held, [0, 0, 0]), false),
        ("where something was taken", CompletionAmount::Whole, view(BankStatus::Held, [PRICE, 1, 0]), false),
        ("where something was given back", CompletionAmount::Whole, view(BankStatus::Held, [PRICE, 0, 1]), false),
        ("where it is taken", CompletionAmount::Whole, plain(BankStatus::Deposited), false),
        ("without sums", CompletionAmount::Whole, BankView { amounts: None, ..plain(BankStatus::Held) }, false),
    ];
    for (what, completion, view, allowed) in table {
        let found = Contradiction::StillHeldAfterSend { attempts: 1 };
        let before = Order { completion, ..reviewed(&found, State::Held, Some(view.clone())) };
        let outcome = resolved(&before, Some(&in_doubt(completion, HOUR)), Way::Complete);
        assert_eq!(outcome.is_ok(), allowed, "{what}");
        let order = outcome.map_or_else(|_| Order { state: State::Held, review: None, ..before }, |act| act.order);
        let due = order.complete_at.unwrap_or(NOW);
        let step = after_read(&intended(completion), &order, &known(view), &Booked::default(), &policy().settle, due);
        assert_eq!(matches!(step, Step::Send { .. }), allowed, "{what}: {step:?}");
    }
}

/// The bug: a hold that the policy lets go at its deadline was shown as one of which nothing is sent unasked, and
/// needed one person's word alone.
#[test]
fn regression_what_the_policy_does_at_a_deadline_is_told_and_takes_two() {
    use super::super::holds::AtDeadline::{Complete, Reverse, Review};
    let deadline = Some(NOW.plus(HOUR));
    let held = || Order { complete_at: None, deadline_at: deadline, ..order(State::Held) };
    let table = [
        ("to be reversed", held(), Reverse, Sends::ReversalAt(NOW.plus(HOUR))),
        ("parked", Order { parked: true, ..held() }, Reverse, Sends::Never),
        ("to be reviewed", held(), Review, Sends::Never),
        ("not held yet, to be completed", order(State::Pending), Complete, Sends::OnceHeld),
        ("not held yet, to be reversed", order(State::Pending), Reverse, Sends::OnceHeld),
        ("not held yet, and parked", Order { parked: true, ..order(State::Pending) }, Complete, Sends::Never),
        ("not held yet, to be reviewed", order(State::Pending), Review, Sends::Never),
    ];
    for (what, order, at_deadline, expected) in table {
        let mut policy = Policy { schedule: CompletionSchedule::OnRelease, ..policy() };
        policy.holds.at_deadline = at_deadline;
        let sends = Sends::after(&order, &policy);
        assert_eq!((sends, sends.may_move_money()), (expected, expected != Sends::Never), "{what}");
    }
}

#[test]
fn our_book_needs_a_record_of_what_it_was() {
    let found = Contradiction::AmountDiffers { ours: PRICE, theirs: 9_000 };
    let known = reviewed(&found, State::Held, None);
    let table = [
        ("as it is", known.clone(), None),
        ("before unknown", Order { before_review: None, ..known.clone() }, Some(ReviewError::NothingBefore)),
        ("held without a hold", Order { hold: None, ..known }, Some(ReviewError::NothingBefore)),
        ("not in review", order(State::Held), Some(ReviewError::NotInReview(State::Held))),
    ];
    for (what, order, refused) in table {
        assert_eq!(resolved(&order, None, Way::Ours).err(), refused, "{what}");
    }
}

/// The bank shows now one wrong thing, now another: deciding the second does not bring back the first.
#[test]
fn what_was_decided_for_our_book_stays_decided() {
    let first = Contradiction::AmountDiffers { ours: PRICE, theirs: 9_000 };
    let second = Contradiction::CurrencyDiffers { ours: 643, theirs: 840 };
    let after = resolved(&reviewed(&first, State::Held, None), None, Way::Ours).unwrap().order;
    assert!(first.is_accepted(&after) && !first.is_taken_as_true(&after));
    let again = Order { accepted: after.accepted, ..reviewed(&second, State::Held, None) };
    let after = resolved(&again, None, Way::Ours).unwrap().order;
    assert_eq!(after.accepted.as_deref(), Some("ours:amount_differs:10000:9000\nours:currency_differs:643:840"));
    let other_figures = Contradiction::AmountDiffers { ours: PRICE, theirs: 8_000 };
    assert!(first.is_accepted(&after) && second.is_accepted(&after) && !other_figures.is_accepted(&after));
}

/// Where the bank has it is where it goes; what is scheduled then follows the policy.
#[test]
fn the_banks_view_taken_as_true_leads_where_it_shows() {
    use BankStatus::{Declined, Deposited, Held, InAuthentication, Other, Refunded, Registered, Reversed};
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
        let act = resolved(&before, None, Way::Bank).unwrap();
        assert_eq!((act.order.state, act.order.review), (state, None), "{status:?}");
        assert_eq!(act.order.complete_at, (state == State::Held).then(|| NOW.plus(DAY)), "{status:?}");
    }
}

/// The bug: whoever accepted that the bank refuses had the same request sent again within the second.
#[test]
fn regression_accepting_a_refusal_does_not_send_again() {
    let found = Contradiction::CompletionRefused { why: "no".to_owned() };
    let before = reviewed(&found, State::Held, Some(plain(BankStatus::Held)));
    let act = resolved(&before, None, Way::Bank).unwrap();
    assert_eq!((act.order.state, act.order.parked, act.order.complete_at), (State::Held, true, None));
}

/// The bug: accepting the price brought the order back with the hold, and accepting the hold brought back the price.
#[test]
fn regression_one_decision_covers_all_that_the_view_contradicts() {
    let theirs = BankView { amount: Some(9_000), ..view(BankStatus::Held, [9_000, 0, 0]) };
    let found = Contradiction::AmountDiffers { ours: PRICE, theirs: 9_000 };
    let act = resolved(&reviewed(&found, State::Held, Some(theirs.clone())), None, Way::Bank).unwrap();
    assert_eq!(act.order.accepted.as_deref(), Some("amount_differs:10000:9000\napproved_differs:10000:9000"));
    assert_eq!(lifecycle::judge(&act.order, &theirs), Judgement::Unchanged);
}

#[test]
fn every_code_is_of_its_kind_and_every_kind_has_advice() {
    for (found, ..) in one_of_each() {
        assert_eq!(ContradictionKind::of_code(&found.code()), Some(found.kind()), "{found:?}");
    }
    assert_eq!(ContradictionKind::of_code("no_such_code:1"), None);
    let ways: Vec<_> = ContradictionKind::ALL.map(|kind| advice(Some(kind)).way.as_str()).into_iter().collect();
    assert_eq!(
        ways,
        [
            "ours", "ours", "ours", "bank", "bank", "bank", "bank", "bank", "bank", "complete", "bank", "bank", "bank",
            "bank", "bank", "bank", "bank", "bank", "bank", "bank", "bank", "complete", "bank", "bank", "bank", "bank"
        ]
    );
}

#[test]
fn every_way_is_found_by_its_word() {
    for way in Way::ALL {
        assert_eq!(Way::parse(way.as_str()), Some(way));
    }
}

/// What the bank shows as approved and deposited, and the sum a person is told is at stake.
#[test]
fn what_a_hold_still_holds_is_at_stake_however_much_was_taken_of_it() {
    let table = [
        ("nothing known", None, PRICE),
        ("held", Some((BankStatus::Held, [PRICE, 0, 0])), PRICE),
        ("held, and a tenth of it taken", Some((BankStatus::Held, [PRICE, 1_000, 0])), PRICE),
        ("a tenth taken", Some((BankStatus::Deposited, [PRICE, 1_000, 0])), 1_000),
        ("nothing taken", Some((BankStatus::Deposited, [PRICE, 0, 0])), PRICE),
    ];
    for (what, shown, expected) in table {
        let view = shown.map(|(status, amounts)| SeenView { view: view(status, amounts), seen_at: NOW });
        let order = Order { view, ..order(State::Review) };
        assert_eq!(at_stake(&order).0, expected, "{what}");
    }
}
