//! Four eyes: who may say what, and when what was proposed no longer stands.

use super::super::super::bank::{BankStatus, BankView};
use super::super::super::fixtures::{HOUR, MINUTE, NOW, amount, in_doubt, order, plain, policy, seen};
use super::super::super::operation::CompletionAmount;
use super::super::super::order::{Hold, SeenView};
use super::*;

/// Held before its review, and held still: `bank` lets its completion become due.
fn in_review() -> Order {
    let hold = Hold { held_at: NOW, begun_at: NOW, lapses_at: NOW.plus(LASTS * 5) };
    Order { view: Some(seen(plain(BankStatus::Held))), hold: Some(hold), ..order(State::Review) }
}

fn word(ask: Ask, by: &str) -> Word {
    Word { ask, reason: format!("{by} says so"), by: by.to_owned(), cause: Cause::Operator(by.to_owned()) }
}

fn said(
    order: &Order,
    standing: Option<&Proposal>,
    ask: Ask,
    by: &str,
    now: Timestamp,
) -> Result<Decision, ReviewError> {
    decide(order, None, standing, &word(ask, by), &policy(), true, now)
}

fn proposal() -> Proposal {
    said(&in_review(), None, Ask::Do(Proposed::Way(Way::Bank)), "ann", NOW).unwrap().proposal.unwrap()
}

#[test]
fn a_way_that_may_let_money_move_is_proposed_first_and_done_by_the_second() {
    let order = in_review();
    let first = said(&order, None, Ask::Do(Proposed::Way(Way::Bank)), "ann", NOW).unwrap();
    assert_eq!((first.outcome, &first.act), (Outcome::Proposed, &None));
    assert_eq!((first.event.kind, first.event.after), (EventKind::ResolutionProposed, State::Review));
    assert!(first.event.detail.contains("ann says so") && first.event.detail.contains("state review → held"));
    assert!(first.changes.iter().any(|change| change.column == "state"), "what it would change is shown");
    let proposal = first.proposal.unwrap();
    assert_eq!((proposal.what, proposal.by.as_str(), proposal.version), (Proposed::Way(Way::Bank), "ann", 1));
    let second = said(&order, Some(&proposal), Ask::Confirm, "bob", NOW.plus(HOUR)).unwrap();
    assert_eq!((second.outcome, second.proposal), (Outcome::Done, None));
    assert_eq!(second.act.unwrap().order.state, State::Held);
    for words in ["ann says so", "proposed by ann", "confirmed by bob", "bob says so"] {
        assert!(second.event.detail.contains(words), "{words}: {}", second.event.detail);
    }
}

#[test]
fn a_way_after_which_nothing_is_sent_takes_one_person() {
    let declined = Order { view: Some(seen(plain(BankStatus::Declined))), ..in_review() };
    let table = [
        ("money may move", in_review(), true, Outcome::Proposed),
        ("money may move, and two eyes do", in_review(), false, Outcome::Done),
        ("nothing is held any more", declined, true, Outcome::Done),
    ];
    for (what, order, four_eyes, outcome) in table {
        let word = word(Ask::Do(Proposed::Way(Way::Bank)), "ann");
        let decision = decide(&order, None, None, &word, &policy(), four_eyes, NOW).unwrap();
        assert_eq!(decision.outcome, outcome, "{what}");
    }
    // The completion in doubt is let go and the hold stays parked.
    let quiet = in_doubt(CompletionAmount::Whole, HOUR);
    let word = word(Ask::Do(Proposed::Way(Way::Bank)), "ann");
    let decision = decide(&in_review(), Some(&quiet), None, &word, &policy(), true, NOW).unwrap();
    assert_eq!((decision.outcome, decision.sends), (Outcome::Done, Sends::Never));
}

/// What changed about the order since, who confirms, when, and what comes of it.
#[test]
fn a_proposal_is_confirmed_by_another_person_in_time_and_for_the_same_order() {
    let with_view = |view: BankView| Order { view: Some(seen(view)), ..in_review() };
    let smaller = BankView { amount: Some(9_000), ..plain(BankStatus::Held) };
    let soon = NOW.plus(MINUTE);
    let looked_at = Order {
        version: 9,
        view: Some(SeenView { seen_at: soon, view: plain(BankStatus::Held) }),
        next_look_at: Some(soon),
        unknown_in_a_row: 1,
        ..in_review()
    };
    let table = [
        ("nothing changed", in_review(), "bob", soon, "done"),
        ("looks that showed the same", looked_at, "bob", soon, "done"),
        ("the same person", in_review(), "ann", soon, "same name"),
        ("another price at the bank", with_view(smaller), "bob", soon, "changed"),
        ("another status at the bank", with_view(plain(BankStatus::Deposited)), "bob", soon, "changed"),
        ("parked meanwhile", Order { parked: true, ..in_review() }, "bob", soon, "changed"),
        ("out of review meanwhile", order(State::Held), "bob", soon, "changed"),
        ("just in time", in_review(), "bob", NOW.plus(LASTS).minus(MINUTE), "done"),
        ("a day later", in_review(), "bob", NOW.plus(LASTS), "lapsed"),
    ];
    for (what, order, by, now, expected) in table {
        let outcome = match said(&order, Some(&proposal()), Ask::Confirm, by, now) {
            Ok(decision) => decision.outcome.as_str(),
            Err(ReviewError::SameName(_)) => "same name",
            Err(ReviewError::Changed(_)) => "changed",
            Err(ReviewError::Lapsed { .. }) => "lapsed",
            Err(other) => panic!("{what}: {other}"),
        };
        assert_eq!(outcome, expected, "{what}");
    }
}

#[test]
fn one_proposal_stands_until_it_lapses_or_is_taken_back() {
    let (order, first) = (in_review(), proposal());
    let again = said(&order, Some(&first), Ask::Do(Proposed::Way(Way::Ours)), "bob", NOW.plus(HOUR)).unwrap_err();
    assert_eq!(again, ReviewError::ProposedAlready { by: "ann".to_owned(), what: Proposed::Way(Way::Bank) });
    let late = said(&order, Some(&first), Ask::Do(Proposed::Way(Way::Ours)), "bob", NOW.plus(LASTS)).unwrap();
    assert_eq!(late.proposal.map(|proposal| proposal.by).as_deref(), Some("bob"), "a lapsed one is replaced");
    let back = said(&order, Some(&first), Ask::Withdraw, "ann", NOW).unwrap();
    assert_eq!((back.outcome, back.proposal), (Outcome::Withdrawn, None));
    assert_eq!((back.event.kind, back.event.after), (EventKind::ResolutionWithdrawn, State::Review));
    for ask in [Ask::Confirm, Ask::Withdraw] {
        assert_eq!(said(&order, None, ask, "bob", NOW).unwrap_err(), ReviewError::NothingProposed);
    }
}

/// A way out that parks the hold, and then a release, would be one person's word about money.
#[test]
fn a_release_is_asked_twice_too() {
    let parked = Order { parked: true, complete_at: None, ..order(State::Held) };
    let release = Ask::Do(Proposed::Release(Some(amount(7_000))));
    let first = said(&parked, None, release, "ann", NOW).unwrap();
    assert_eq!((first.outcome, &first.act), (Outcome::Proposed, &None));
    let proposal = first.proposal.unwrap();
    let second = said(&parked, Some(&proposal), Ask::Confirm, "bob", NOW).unwrap();
    assert_eq!((second.outcome, second.event.kind), (Outcome::Done, EventKind::Released));
    let after = second.act.unwrap().order;
    assert_eq!((after.parked, after.completion), (false, CompletionAmount::Exactly(amount(7_000))));
    let refused = said(&order(State::Deposited), None, release, "ann", NOW).unwrap_err();
    assert!(matches!(refused, ReviewError::NotReleasable(_)), "{refused}");
}

#[test]
fn what_is_proposed_is_found_by_its_word() {
    let ways = Way::ALL.map(Proposed::Way);
    let releases = [Proposed::Release(None), Proposed::Release(Some(amount(500)))];
    for what in ways.into_iter().chain(releases) {
        assert_eq!(Proposed::parse(&what.to_string()), Some(what));
    }
    for word in ["", "guess", "release 0", "release x", "bank 5", "release 5 5"] {
        assert_eq!(Proposed::parse(word), None, "{word:?}");
    }
}
