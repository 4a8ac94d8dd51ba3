//! A review with an operation in doubt: what lets go of it, and what it then counts as.

use super::*;

/// R12: a completion in doubt is let go only after the bank was heard when it counted as quiet.
#[test]
fn a_view_from_before_the_quiet_time_releases_nothing() {
    let found = Contradiction::StillHeldAfterSend { attempts: 1 };
    let mut before = reviewed(&found, State::Held, Some(plain(BankStatus::Held)));
    let quiet = in_doubt(CompletionAmount::Whole, HOUR);
    let quiet_at = quiet.quiet_at(policy().settle.quiet).unwrap();
    before.view.as_mut().unwrap().seen_at = quiet_at.minus(MINUTE);
    let early = resolved(&before, Some(&quiet), Way::Complete).unwrap_err();
    assert_eq!(early, ReviewError::NotHeardSince(quiet_at));
    before.view.as_mut().unwrap().seen_at = quiet_at;
    assert!(resolved(&before, Some(&quiet), Way::Complete).is_ok());
}

/// A view older than the send, or heard while the send may still take effect, says nothing about the send; not even one
/// that shows it taken.
#[test]
fn the_bank_is_believed_of_a_completion_in_doubt_only_as_heard_after_its_quiet_time() {
    let sent = in_doubt(CompletionAmount::Whole, HOUR);
    let (sent_at, quiet_at) = (sent.sent_at.unwrap(), sent.quiet_at(policy().settle.quiet).unwrap());
    let answered = Operation { answered_at: Some(sent_at.plus(MINUTE)), ..sent.clone() };
    let adopted = Operation { answered_at: Some(NOW), ..sent.clone() };
    let unheard = |at| Some(ReviewError::NotHeardSince(at));
    let restarted = NOW.plus(policy().settle.quiet);
    let table = [
        ("nothing heard", &sent, None, unheard(quiet_at)),
        ("heard before the send", &sent, Some(sent_at.minus(MINUTE)), unheard(quiet_at)),
        ("heard just after it", &sent, Some(sent_at.plus(MINUTE)), unheard(quiet_at)),
        ("heard just before it is quiet", &sent, Some(quiet_at.minus(Duration::from_millis(1))), unheard(quiet_at)),
        ("heard as it became quiet", &sent, Some(quiet_at), None),
        ("heard long after", &sent, Some(NOW), None),
        ("quiet only after its answer", &answered, Some(quiet_at), unheard(quiet_at.plus(MINUTE))),
        ("adopted this moment", &adopted, Some(NOW), Some(ReviewError::NotQuiet(restarted))),
    ];
    for status in [BankStatus::Held, BankStatus::Deposited, BankStatus::Reversed] {
        for (what, open, seen_at, refused) in &table {
            let found = Contradiction::SentOutsideBook { expected: PRICE };
            let view = seen_at.map(|seen_at| SeenView { view: plain(status), seen_at });
            let before = Order { view, ..reviewed(&found, State::Held, None) };
            assert_eq!(resolved(&before, Some(*open), Way::Bank).err(), *refused, "{what}, {status}");
            if status == BankStatus::Held && refused.is_some() {
                assert!(resolved(&before, Some(*open), Way::Complete).is_err(), "{what}: nor is it sent again");
            }
        }
    }
    let told = ReviewError::NotHeardSince(quiet_at).to_string();
    assert!(told.contains(&quiet_at.to_string()) && told.contains("a look comes by itself"), "{told}");
}

/// Money that has moved is never booked as money that has not.
#[test]
fn a_completion_in_doubt_ends_as_the_banks_view_has_it() {
    use BankStatus::{Declined, Deposited, Held, Other, Refunded, Registered, Reversed};
    use OperationState::{Confirmed, Contradicted, Refused};
    let in_dollars = BankView { currency: Some(Currency::from_numeric(840).unwrap()), ..plain(Deposited) };
    let without_sums = |status| BankView { amounts: None, ..plain(status) };
    let whole = CompletionAmount::Whole;
    let table = [
        ("deposited as intended", whole, plain(Deposited), Confirmed),
        ("a part as intended", part(7_000), view(Deposited, [PRICE, 7_000, 0]), Confirmed),
        ("the whole for a part", part(7_000), plain(Deposited), Contradicted),
        ("less than intended", whole, view(Deposited, [PRICE, 9_000, 0]), Contradicted),
        ("deposited with nothing", whole, view(Deposited, [0, 0, 0]), Contradicted),
        ("deposited without sums", whole, without_sums(Deposited), Contradicted),
        ("deposited in another currency", whole, in_dollars, Contradicted),
        ("refunded after it", whole, plain(Refunded), Confirmed),
        ("refunded after another sum", whole, view(Refunded, [PRICE, 9_000, 9_000]), Contradicted),
        ("reversed, nothing taken", whole, plain(Reversed), Refused),
        ("reversed after it was taken", whole, view(Reversed, [PRICE, PRICE, 0]), Confirmed),
        ("declined, nothing taken", whole, plain(Declined), Refused),
        ("held untouched", whole, plain(Held), Refused),
        ("held without sums", whole, without_sums(Held), Refused),
        ("held and taken", whole, view(Held, [PRICE, PRICE, 0]), Contradicted),
        ("held, given back", whole, view(Held, [PRICE, 0, 1]), Contradicted),
        ("not paid", whole, plain(Registered), Refused),
        ("unknown, nothing taken", whole, plain(Other(9)), Refused),
    ];
    for (what, amount, view, state) in table {
        let found = Contradiction::SentOutsideBook { expected: PRICE };
        let before = reviewed(&found, State::Held, Some(view));
        let act = resolved(&before, Some(&in_doubt(amount, HOUR)), Way::Bank).unwrap();
        assert_eq!(act.operation.map(|operation| operation.state), Some(state), "{what}");
        assert!(act.order.parked && !Sends::after(&act.order, &policy()).may_move_money(), "{what}");
    }
}

/// The bug: a reversal was booked as if it had been a completion, confirmed where the money was taken.
#[test]
fn regression_a_reversal_in_doubt_is_confirmed_by_a_hold_let_go_alone() {
    use BankStatus::{Declined, Deposited, Held, Refunded, Reversed};
    use OperationState::{Confirmed, Contradicted, Refused};
    let table = [
        ("let go", plain(Reversed), Confirmed),
        ("declined", plain(Declined), Confirmed),
        ("taken whole", plain(Deposited), Contradicted),
        ("taken and given back", plain(Refunded), Contradicted),
        ("let go after it was taken", view(Reversed, [PRICE, PRICE, 0]), Contradicted),
        ("held untouched", plain(Held), Refused),
    ];
    for (what, view, state) in table {
        let found = Contradiction::StillHeldAfterReversal { attempts: 1 };
        let sent = Operation { kind: OperationKind::Reversal, ..in_doubt(CompletionAmount::Whole, HOUR) };
        let act = resolved(&reviewed(&found, State::Held, Some(view)), Some(&sent), Way::Bank).unwrap();
        assert_eq!(act.operation.map(|operation| operation.state), Some(state), "{what}");
    }
}
