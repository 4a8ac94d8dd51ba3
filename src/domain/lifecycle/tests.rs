//! What the bank's word makes of what we hold to be true, as tables.

use super::super::bank::BankAmounts;
use super::super::fixtures::{PRICE, bare, order, order_id, plain, seen, view};
use super::super::money::Currency;
use super::*;

/// The columns of the matrix: every status of the documents, and one they do not define.
const COLUMNS: [BankStatus; 8] = [
    BankStatus::Registered,
    BankStatus::InAuthentication,
    BankStatus::Held,
    BankStatus::Deposited,
    BankStatus::Reversed,
    BankStatus::Refunded,
    BankStatus::Declined,
    BankStatus::Other(9),
];

/// What becomes of an order in each of our states when the bank shows each of its own.
#[test]
fn every_pair_of_states_has_its_outcome() {
    let table = [
        //                 registered  in auth.  held      deposited  reversed   refunded   declined   9
        (State::Pending, ["same", "same", "held", "deposited", "reversed", "refunded", "declined", "odd"]),
        (State::Held, ["stale", "stale", "same", "deposited", "reversed", "refunded", "review", "odd"]),
        (State::Deposited, ["stale", "stale", "stale", "same", "review", "refunded", "review", "odd"]),
        (State::Reversed, ["stale", "stale", "stale", "review", "same", "review", "same", "odd"]),
        (State::Refunded, ["stale", "stale", "stale", "stale", "review", "same", "review", "odd"]),
        (State::Declined, ["stale", "stale", "review", "review", "same", "review", "same", "odd"]),
        (State::Review, ["same", "same", "same", "same", "same", "same", "same", "odd"]),
    ];
    assert_eq!(table.map(|(ours, _)| ours), State::ALL);
    for (ours, row) in table {
        for (theirs, expected) in COLUMNS.into_iter().zip(row) {
            check_pair(ours, theirs, expected);
        }
    }
}

/// The bug: in review a stale view took the newer one's place, and whoever accepted it had the order completed anew.
#[test]
fn regression_a_view_that_goes_backwards_counts_for_nothing_in_review_either() {
    let table = [
        (BankStatus::Deposited, BankStatus::Held, Judgement::Stale),
        (BankStatus::Deposited, BankStatus::Registered, Judgement::Stale),
        (BankStatus::Refunded, BankStatus::Deposited, Judgement::Stale),
        (BankStatus::Held, BankStatus::Held, Judgement::Unchanged),
        (BankStatus::Held, BankStatus::Deposited, Judgement::Unchanged),
        (BankStatus::Declined, BankStatus::Held, Judgement::Unchanged),
        (BankStatus::Deposited, BankStatus::Other(9), Judgement::Unrecognised(9)),
    ];
    for (before, theirs, expected) in table {
        let order = Order { view: Some(seen(plain(before))), ..order(State::Review) };
        assert_eq!(judge(&order, &plain(theirs)), expected, "the bank showed it {before}, and now {theirs}");
    }
}

/// With sums and without: what the bank leaves out changes no outcome.
fn check_pair(ours: State, theirs: BankStatus, expected: &str) {
    for view in [plain(theirs), bare(theirs)] {
        let outcome = match judge(&order(ours), &view) {
            Judgement::Unchanged => "same",
            Judgement::Stale => "stale",
            Judgement::Unrecognised(number) => {
                assert_eq!(number, 9);
                "odd"
            }
            Judgement::Became(state) => state.as_str(),
            Judgement::Contradiction(found) => {
                assert_eq!(found, Contradiction::AnotherEnd { ours, theirs });
                "review"
            }
        };
        assert_eq!(outcome, expected, "we have it {ours}, the bank shows it {theirs}");
    }
}

/// Changes a view of a held order in one respect.
type Change = fn(&mut BankView);

#[test]
fn an_answer_about_something_else_is_a_contradiction_and_what_is_left_out_is_none() {
    let table: [(&str, Change, Option<&str>); 9] = [
        ("as we have it", |_| (), None),
        ("another number", |view| view.order_number = Some("A-2".to_owned()), Some("another_order_number:A-2")),
        ("no number", |view| view.order_number = None, None),
        ("another id", |view| view.order_id = Some(order_id("id-2")), Some("another_order_id:id-2")),
        ("no id", |view| view.order_id = None, None),
        ("another price", |view| view.amount = Some(9_000), Some("amount_differs:10000:9000")),
        ("no price", |view| view.amount = None, None),
        (
            "another currency",
            |view| view.currency = Some(Currency::from_numeric(840).unwrap()),
            Some("currency_differs:643:840"),
        ),
        ("no currency", |view| view.currency = None, None),
    ];
    for (what, change, expected) in table {
        check_contradiction(what, BankStatus::Held, [PRICE, 0, 0], change, None, expected);
    }
}

#[test]
fn an_id_we_do_not_know_yet_is_learned_and_contradicts_nothing() {
    let ours = Order { order_id: None, ..order(State::Held) };
    assert_eq!(judge(&ours, &plain(BankStatus::Held)), Judgement::Unchanged);
}

#[test]
fn sums_must_be_true_of_the_status_they_come_with() {
    let table = [
        ("held as ordered", BankStatus::Held, [10_000, 0, 0], None),
        ("held, less", BankStatus::Held, [9_999, 0, 0], Some("approved_differs:10000:9999")),
        ("held, more", BankStatus::Held, [10_001, 0, 0], Some("approved_differs:10000:10001")),
        ("held, nothing", BankStatus::Held, [0, 0, 0], Some("approved_differs:10000:0")),
        ("held, and taken", BankStatus::Held, [10_000, 1, 0], Some("deposited_while_held:1")),
        ("taken whole", BankStatus::Deposited, [10_000, 10_000, 0], None),
        ("taken in part", BankStatus::Deposited, [10_000, 1, 0], None),
        ("taken, nothing", BankStatus::Deposited, [10_000, 0, 0], Some("deposited_impossible:10000:0")),
        ("taken, below zero", BankStatus::Deposited, [10_000, -1, 0], Some("deposited_impossible:10000:-1")),
        ("taken, more", BankStatus::Deposited, [10_001, 10_001, 0], Some("deposited_impossible:10000:10001")),
        ("given back", BankStatus::Refunded, [10_000, 10_000, 4_000], None),
        ("reversed", BankStatus::Reversed, [0, 0, 0], None),
        ("registered", BankStatus::Registered, [0, 0, 0], None),
    ];
    for (what, status, sums, expected) in table {
        check_contradiction(what, status, sums, |_| (), None, expected);
    }
}

/// A case, the bank's sums, what else differs, what was accepted, and what is raised.
type Accepted = (&'static str, [i64; 3], Change, &'static str, Option<&'static str>);

/// A person accepts figures, not a kind of contradiction, and nothing besides them.
#[test]
fn what_was_accepted_is_not_raised_again_and_the_next_one_is() {
    let at_90: Change = |view| view.amount = Some(9_000);
    let both = "amount_differs:10000:9000\napproved_differs:10000:9000";
    let (price, hold) = ("amount_differs:10000:9000", "approved_differs:10000:9000");
    let table: [Accepted; 7] = [
        ("the hold accepted", [9_000, 0, 0], |_| (), hold, None),
        ("the hold accepted, now another", [8_000, 0, 0], |_| (), hold, Some("approved_differs:10000:8000")),
        ("the price accepted, the hold too", [9_000, 0, 0], at_90, both, None),
        ("the price accepted hides no smaller hold", [9_000, 0, 0], at_90, price, Some(hold)),
        ("the price accepted hides no money taken", [10_000, 7, 0], at_90, price, Some("deposited_while_held:7")),
        ("the hold accepted hides no other price", [9_000, 0, 0], at_90, hold, Some(price)),
        ("half a code accepts nothing", [9_000, 0, 0], |_| (), "approved_differs:10000:90", Some(hold)),
    ];
    for (what, sums, change, accepted, expected) in table {
        check_contradiction(what, BankStatus::Held, sums, change, Some(accepted), expected);
    }
}

fn check_contradiction(
    what: &str,
    status: BankStatus,
    [approved, deposited, refunded]: [i64; 3],
    change: Change,
    accepted: Option<&str>,
    expected: Option<&str>,
) {
    for ours in State::ALL.into_iter().filter(|state| *state != State::Review) {
        let ours = Order { accepted: accepted.map(str::to_owned), ..order(ours) };
        let mut theirs = view(status, [approved, deposited, refunded]);
        change(&mut theirs);
        assert_eq!(theirs.amounts, Some(BankAmounts { approved, deposited, refunded }));
        let found = match judge(&ours, &theirs) {
            Judgement::Contradiction(Contradiction::AnotherEnd { .. }) => None,
            Judgement::Contradiction(found) => Some(found.code()),
            _ => None,
        };
        assert_eq!(found.as_deref(), expected, "{what}, in {}", ours.state);
    }
}

#[test]
fn the_banks_text_cannot_pose_as_a_second_acceptance() {
    let theirs = "x\namount_differs:10000:1".to_owned();
    assert_eq!(Contradiction::AnotherOrderNumber { theirs }.code().lines().count(), 1);
}

#[test]
fn a_reason_is_a_sentence_with_the_sums_in_it() {
    let found = Contradiction::ApprovedDiffers { ours: PRICE, approved: 9_000 };
    let reason = found.reason(&order(State::Held));
    assert_eq!(reason.sentence, "the order is for 100.00 RUB, and the bank holds 90.00 RUB");
}

#[test]
fn a_send_is_counted_in_words() {
    for (attempts, times) in [(1, "once"), (2, "twice"), (3, "3 times")] {
        let reason = Contradiction::StillHeldAfterSend { attempts }.reason(&order(State::Held));
        assert!(reason.sentence.starts_with(&format!("a completion was sent {times}, ")), "{}", reason.sentence);
    }
}

/// The bank goes on showing an end that a person held to be wrong: no news. Another end is.
#[test]
fn an_end_that_was_decided_for_our_book_is_not_raised_again() {
    let declined = Order { accepted: Some("ours:another_end:declined:2".to_owned()), ..order(State::Declined) };
    assert_eq!(judge(&declined, &plain(BankStatus::Deposited)), Judgement::Unchanged);
    let theirs = BankStatus::Refunded;
    let another = Contradiction::AnotherEnd { ours: State::Declined, theirs };
    assert_eq!(judge(&declined, &plain(theirs)), Judgement::Contradiction(another));
}
