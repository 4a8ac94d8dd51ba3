//! What may be ordered, of an order in every state; and what it makes of the rows.

use super::super::bank::BankStatus;
use super::super::fixtures::{
    NOW, PRICE, amount, bare, in_doubt, intended, order, plain, policy, reversal, seen, view,
};
use super::*;

fn someone() -> Cause {
    Cause::Operator("ivan".to_owned())
}

fn ordered(order: &Order, open: Option<&Operation>, verb: Verb) -> Result<Act, ActError> {
    order_verb(order, open, verb, "asked for", &policy(), someone(), NOW)
}

/// An order in `state` that the bank shows with these sums.
fn shown(state: State, sums: [i64; 3]) -> Order {
    let status = if sums[2] > 0 { BankStatus::Refunded } else { BankStatus::Deposited };
    Order { view: Some(seen(view(status, sums))), ..order(state) }
}

fn in_words(act: &Result<Act, ActError>) -> String {
    match act {
        Ok(act) => act.opens.map_or("taken back".to_owned(), |opens| format!("opens a {}", opens.kind.as_str())),
        Err(ActError::InDoubt(_)) => "in doubt".to_owned(),
        Err(ActError::InReview) => "in review".to_owned(),
        Err(ActError::OperationOpen(_)) => "open".to_owned(),
        Err(ActError::NotHeld(_)) => "not held".to_owned(),
        Err(ActError::NotUnpaid(_)) => "not unpaid".to_owned(),
        Err(ActError::NothingTaken(_)) => "nothing taken".to_owned(),
        Err(ActError::AboveLeft { left, .. }) => format!("{left} left"),
        Err(ActError::ChargedBack) => "charged back".to_owned(),
        Err(ActError::NoSums) => "no sums".to_owned(),
        Err(ActError::NothingOrdered) => "nothing ordered".to_owned(),
        Err(other) => panic!("of another act: {other}"),
    }
}

#[test]
fn each_state_allows_the_verb_that_belongs_to_it_and_names_the_others() {
    let taken = |state| shown(state, [PRICE, PRICE, 0]);
    let part_refunded = shown(State::Refunded, [PRICE, PRICE, 4_000]);
    let table = [
        // the order, then reverse, refund, decline
        (order(State::Pending), ["not held", "nothing taken", "opens a decline"]),
        (order(State::Held), ["opens a reversal", "nothing taken", "not unpaid"]),
        (taken(State::Deposited), ["not held", "opens a refund", "not unpaid"]),
        (part_refunded, ["not held", "opens a refund", "not unpaid"]),
        (shown(State::Refunded, [PRICE; 3]), ["not held", "0 left", "not unpaid"]),
        (order(State::Reversed), ["not held", "nothing taken", "not unpaid"]),
        (order(State::Declined), ["not held", "nothing taken", "not unpaid"]),
        (order(State::Review), ["in review"; 3]),
    ];
    for (order, expected) in table {
        let found =
            [Verb::Reverse, Verb::Refund(None), Verb::Decline].map(|verb| in_words(&ordered(&order, None, verb)));
        assert_eq!(found, expected, "{}", order.state);
        if let Err(refused) = ordered(&order, None, Verb::Refund(None)) {
            let words = refused.to_string();
            let names_a_way =
                words.contains("`order reverse`") || words.contains("left") || words.contains("review show");
            assert!(names_a_way, "{words}");
        }
    }
}

#[test]
fn what_the_wire_has_no_request_for_is_not_ordered_and_the_remedy_is_named() {
    let mut soap = policy();
    soap.settle.without_request = &[OperationKind::Decline];
    let over_soap = |order: &Order, open: Option<&Operation>, verb| {
        order_verb(order, open, verb, "asked for", &soap, someone(), NOW)
    };
    let refused = over_soap(&order(State::Pending), None, Verb::Decline).unwrap_err();
    assert_eq!(refused, ActError::WithoutRequest(OperationKind::Decline));
    let words = refused.to_string();
    for remedy in ["SOAP interface has no request for a decline", "bank's console", "protocol = \"rest\""] {
        assert!(words.contains(remedy), "{words}");
    }
    assert!(over_soap(&order(State::Held), None, Verb::Reverse).is_ok());
    // Ordered over REST, before a reload: it can still be taken back.
    let ordered = Operation { kind: OperationKind::Decline, ordered: true, ..intended(CompletionAmount::Whole) };
    assert!(over_soap(&order(State::Pending), Some(&ordered), Verb::TakeBack).is_ok());
}

#[test]
fn a_refund_is_never_above_what_is_left() {
    let deposited = |sums| shown(State::Deposited, sums);
    let table = [
        (deposited([PRICE, PRICE, 0]), 1, "opens a refund"),
        (deposited([PRICE, PRICE, 0]), PRICE, "opens a refund"),
        (deposited([PRICE, PRICE, 0]), PRICE + 1, "10000 left"),
        (deposited([PRICE, 7_000, 0]), 7_001, "7000 left"),
        (shown(State::Refunded, [PRICE, PRICE, 4_000]), 6_000, "opens a refund"),
        (shown(State::Refunded, [PRICE, PRICE, 4_000]), 6_001, "6000 left"),
        // A bank that lowers the deposited sum: the stricter reading counts.
        (shown(State::Refunded, [PRICE, 4_000, 6_000]), 1, "0 left"),
    ];
    for (order, minor, expected) in table {
        let verb = Verb::Refund(Some(amount(minor)));
        assert_eq!(in_words(&ordered(&order, None, verb)), expected, "{minor} of {:?}", left_of(&order));
    }
    let bare = Order { view: Some(seen(bare(BankStatus::Deposited))), ..order(State::Deposited) };
    assert_eq!(in_words(&ordered(&bare, None, Verb::Refund(None))), "no sums");
    let mut charged_back = plain(BankStatus::Deposited);
    charged_back.chargeback = Some(true);
    let charged_back = Order { view: Some(seen(charged_back)), ..order(State::Deposited) };
    assert_eq!(in_words(&ordered(&charged_back, None, Verb::Refund(None))), "charged back");
}

#[test]
fn nothing_is_ordered_beside_what_is_open_and_what_was_sent_is_not_taken_back() {
    let ordered_reversal = Operation { ordered: true, ..reversal() };
    let sent = Operation { ordered: true, ..in_doubt(CompletionAmount::Whole, std::time::Duration::ZERO) };
    let table = [
        (None, "opens a reversal", "nothing ordered"),
        (Some(intended(CompletionAmount::Whole)), "open", "nothing ordered"),
        (Some(reversal()), "open", "nothing ordered"),
        (Some(ordered_reversal), "open", "taken back"),
        (Some(sent), "in doubt", "in doubt"),
    ];
    for (open, again, back) in table {
        let held = order(State::Held);
        assert_eq!(in_words(&ordered(&held, open.as_ref(), Verb::Reverse)), again, "{open:?}");
        assert_eq!(in_words(&ordered(&held, open.as_ref(), Verb::TakeBack)), back, "{open:?}");
    }
}

/// Whatever comes of it, nothing completes an order that somebody wanted gone; a refund leaves the order as it is.
#[test]
fn what_is_to_be_gone_is_parked_and_the_journal_says_who_and_why() {
    let act = ordered(&order(State::Held), None, Verb::Reverse).unwrap();
    assert_eq!((act.order.parked, act.order.complete_at), (true, None));
    assert_eq!((act.event.kind, act.event.cause.clone()), (EventKind::ReversalIntended, someone()));
    assert!(
        act.event.detail.starts_with("the reversal of its hold is ordered (asked for); parked no → yes"),
        "{act:?}"
    );
    let decline = ordered(&order(State::Pending), None, Verb::Decline).unwrap();
    let words = "its decline before anybody pays is ordered (asked for)";
    assert!(decline.event.detail.starts_with(words), "{decline:?}");
    let opens = NewOperation {
        kind: OperationKind::Reversal,
        amount: CompletionAmount::Whole,
        intended_at: NOW,
        ordered: true,
    };
    assert_eq!((act.opens, act.operation), (Some(opens), None));
    let act = ordered(&order(State::Pending), None, Verb::Decline).unwrap();
    assert!(act.order.parked);
    let deposited = shown(State::Deposited, [PRICE, PRICE, 0]);
    let act = ordered(&deposited, None, Verb::Refund(Some(amount(500)))).unwrap();
    assert_eq!((&act.order, act.event.kind), (&deposited, EventKind::RefundIntended));
    assert_eq!(act.event.detail, "a refund of 5.00 RUB is ordered (asked for)");
}

#[test]
fn every_verb_is_read_as_it_was_written() {
    for verb in [Verb::Reverse, Verb::Refund(None), Verb::Refund(Some(amount(500))), Verb::Decline, Verb::TakeBack] {
        let written = verb.to_string();
        let (word, minor) =
            written.split_once(' ').map_or((written.as_str(), None), |(word, minor)| (word, Some(minor)));
        assert_eq!(Verb::parse(word, minor.map(|minor| minor.parse().unwrap())), Some(verb));
    }
    for (word, minor) in [("refund", Some(0)), ("reverse", Some(5)), ("complete", None)] {
        assert_eq!(Verb::parse(word, minor), None, "{word} {minor:?}");
    }
}
