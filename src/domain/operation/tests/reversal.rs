//! A reversal, sent and settled on the same terms as a completion.

use super::*;

#[test]
fn a_reversal_is_sent_on_the_same_terms_as_a_completion() {
    use BankStatus::{Declined, Deposited, Held, Refunded, Registered, Reversed};
    let smaller = || view(Held, [9_000, 0, 0]);
    check([
        ("held", reversing(), "send, 10000 expected"),
        ("registered", reversing().hears(plain(Registered)), "ask in 5 s, 0 agree"),
        ("taken by somebody else", reversing().hears(plain(Deposited)), "withdrawn"),
        ("gone already", reversing().hears(plain(Reversed)), "withdrawn"),
        ("given back", reversing().hears(plain(Refunded)), "withdrawn"),
        ("declined", reversing().hears(plain(Declined)), "withdrawn"),
        ("held and taken", reversing().hears(view(Held, [10_000, 1, 0])), "review: deposited_while_held:1"),
        ("no sums", reversing().hears(bare(Held)), "ask in 5 s, 0 agree"),
        ("another hold", reversing().hears(smaller()), "review: approved_differs:10000:9000"),
        (
            "another hold, accepted",
            reversing().accepted("approved_differs:10000:9000").hears(smaller()),
            "send, 9000 expected",
        ),
        (
            "not due any more",
            reversing().with(|case| case.order.deadline_at = Some(NOW.plus(MINUTE))),
            "ask in 60 s, 0 agree",
        ),
        ("its completion planned by now", reversing().with(|case| case.order.complete_at = Some(NOW)), "withdrawn"),
        ("parked", reversing().with(|case| case.order.parked = true), "withdrawn"),
        ("in review", reversing().with(|case| *case.order = order(State::Review)), "withdrawn"),
    ]);
}

#[test]
fn a_sent_reversal_is_settled_by_what_the_bank_shows() {
    use BankStatus::{Declined, Deposited, Held, InAuthentication, Other, Refunded, Registered, Reversed};
    let sent = || reversed(MINUTE);
    check([
        ("gone", sent().hears(plain(Reversed)), "confirmed, 10000"),
        ("gone, without sums", sent().hears(bare(Reversed)), "confirmed, 10000"),
        ("gone, by its other number", sent().hears(plain(Declined)), "confirmed, 10000"),
        ("taken", sent().hears(plain(Deposited)), "review: taken_instead_of_reversed:10000"),
        ("taken in part", sent().hears(view(Deposited, [10_000, 60, 0])), "review: taken_instead_of_reversed:60"),
        ("taken, without sums", sent().hears(bare(Deposited)), "review: taken_instead_of_reversed:0"),
        ("taken and given back", sent().hears(plain(Refunded)), "review: taken_instead_of_reversed:10000"),
        ("taken, then gone", sent().hears(view(Reversed, [0, 7, 0])), "review: taken_instead_of_reversed:7"),
        ("still held", sent(), "ask in 5 s, 0 agree"),
        ("still held, without sums", sent().hears(bare(Held)), "ask in 5 s, 0 agree"),
        ("held and taken", sent().hears(view(Held, [10_000, 5, 0])), "review, still in doubt: deposited_while_held:5"),
        ("registered", sent().hears(plain(Registered)), "ask in 5 s, 0 agree"),
        ("in authentication", sent().hears(plain(InAuthentication)), "ask in 5 s, 0 agree"),
        ("a status of no document", sent().hears(plain(Other(9))), "ask in 5 s, 0 agree"),
        (
            "another order's",
            sent().hears(BankView { order_number: Some("A-2".to_owned()), ..plain(Reversed) }),
            "review, still in doubt: another_order_number:A-2",
        ),
    ]);
}

#[test]
fn a_reversal_is_sent_again_only_when_quiet_and_read_twice() {
    let agreed = || reversed(HOUR).with(|case| case.operation.agreeing_reads = 1);
    let attempts = |case: &mut Case| (case.operation.attempt, case.operation.unknown_sends) = (3, 3);
    let refused = |case: &mut Case| case.operation.unknown_sends = 0;
    check([
        ("quiet, first read", reversed(HOUR), "ask in 5 s, 1 agree"),
        ("quiet, second read", agreed(), "send, 10000 expected"),
        ("attempts exhausted", agreed().with(attempts), "review, still in doubt: still_held_after_reversal:3"),
        (
            "never to be sent again",
            agreed().with(|case| case.policy.resend_whole = false),
            "review, still in doubt: still_held_after_reversal:1",
        ),
        (
            "parked meanwhile",
            agreed().with(|case| case.order.parked = true),
            "review, still in doubt: still_held_after_reversal:1",
        ),
        ("refused, and still held", reversed(SECOND).with(refused), "refused by the bank"),
        ("refused, and gone", reversed(SECOND).with(refused).hears(plain(BankStatus::Reversed)), "confirmed, 10000"),
    ]);
}
