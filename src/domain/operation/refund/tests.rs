//! What a read makes of a refund, and of a decline beside it.

use std::time::Duration;

use super::super::super::bank::{BankAmounts, BankStatus, BankView, StatusAnswer, UnknownKind};
use super::super::super::booked::Booked;
use super::super::super::fixtures::{
    HOUR, MINUTE, NOW, PRICE, bare, in_doubt, intended, known, order, part, plain, seen, settle, unknown, view,
};
use super::super::super::order::{Order, State};
use super::super::{CompletionAmount, Operation, OperationKind, OperationState, SettlePolicy, Step, after_read};

const WHOLE: CompletionAmount = CompletionAmount::Whole;

fn taken(refunded: i64) -> BankView {
    let status = if refunded == 0 { BankStatus::Deposited } else { BankStatus::Refunded };
    view(status, [PRICE, PRICE, refunded])
}

fn of_kind(kind: OperationKind, operation: Operation) -> Operation {
    Operation { kind, ordered: true, ..operation }
}

fn refund(amount: CompletionAmount) -> Operation {
    of_kind(OperationKind::Refund, intended(amount))
}

/// A refund that was sent `ago`, when the bank showed `before` given back.
fn sent(amount: CompletionAmount, before: i64, ago: Duration) -> Operation {
    let left = if amount == WHOLE { Some(PRICE - before) } else { in_doubt(amount, ago).expected_minor };
    let operation = of_kind(OperationKind::Refund, in_doubt(amount, ago));
    Operation { refunded_before: Some(before), expected_minor: left, ..operation }
}

/// An order of which the bank showed this before.
fn order_shown(state: State, before: BankView) -> Order {
    Order { view: Some(seen(before)), ..order(state) }
}

fn read(operation: &Operation, order: &Order, shown: BankView, policy: &SettlePolicy) -> String {
    in_words(&after_read(operation, order, &known(shown), &Booked::default(), policy, NOW))
}

fn in_words(step: &Step) -> String {
    match step {
        Step::Send { expected_minor } => format!("send {expected_minor}"),
        Step::Confirm { moved_minor } => format!("confirmed {moved_minor}"),
        Step::Settle { state, .. } => state.as_str().to_owned(),
        Step::RefusedByBank { .. } => "refused by the bank".to_owned(),
        Step::Contradict(found) => format!("contradicted {}", found.code()),
        Step::Escalate(found) => format!("person {}", found.code()),
        Step::AskAgain { agreeing_reads, .. } => format!("ask, {agreeing_reads} agree"),
    }
}

#[test]
fn before_a_send_two_reads_show_what_is_left() {
    let part_of_it = || part(4_000);
    let table = [
        // what is shown now, what was shown before, the sum, what is done
        ("agreed", taken(0), taken(0), part_of_it(), "send 4000"),
        ("all of it", taken(0), taken(0), WHOLE, "send 10000"),
        ("all that is left", taken(4_000), taken(4_000), WHOLE, "send 6000"),
        ("exactly what is left", taken(6_000), taken(6_000), part_of_it(), "send 4000"),
        ("more than is left", taken(6_001), taken(6_001), part_of_it(), "withdrawn"),
        ("nothing is left", taken(PRICE), taken(PRICE), WHOLE, "withdrawn"),
        ("another sum than before", taken(1_000), taken(0), part_of_it(), "ask, 0 agree"),
        ("without sums", bare(BankStatus::Deposited), taken(0), part_of_it(), "ask, 0 agree"),
        ("held, an older answer", plain(BankStatus::Held), taken(0), part_of_it(), "ask, 0 agree"),
        ("reversed", plain(BankStatus::Reversed), taken(0), part_of_it(), "withdrawn"),
    ];
    for (name, now, before, amount, expected) in table {
        let state = if before.status == BankStatus::Refunded { State::Refunded } else { State::Deposited };
        let found = read(&refund(amount), &order_shown(state, before), now, &settle());
        assert_eq!(found, expected, "{name}");
    }
    let mut charged_back = taken(0);
    charged_back.chargeback = Some(true);
    let accepted =
        Order { accepted: Some("chargeback".to_owned()), ..order_shown(State::Deposited, charged_back.clone()) };
    assert_eq!(read(&refund(WHOLE), &accepted, charged_back.clone(), &settle()), "withdrawn", "it would pay twice");
    let unseen = order_shown(State::Deposited, taken(0));
    assert_eq!(read(&refund(WHOLE), &unseen, charged_back, &settle()), "contradicted chargeback");
    let in_review = order_shown(State::Review, taken(0));
    assert_eq!(read(&refund(WHOLE), &in_review, taken(0), &settle()), "withdrawn");
    let mut no_id = order_shown(State::Deposited, taken(0));
    no_id.order_id = None;
    assert_eq!(read(&refund(WHOLE), &no_id, taken(0), &settle()), "ask, 0 agree");
}

#[test]
fn after_a_send_only_a_growth_by_exactly_the_refund_confirms() {
    let table = [
        // given back before, and now; what is done of a part of 40.00
        (0, 4_000, "confirmed 4000"),
        (3_000, 7_000, "confirmed 4000"),
        (0, 3_000, "person refunded_another_amount:4000:3000"),
        (0, 7_000, "person refunded_another_amount:4000:7000"),
        (3_000, 4_000, "person refunded_another_amount:4000:1000"),
        (3_000, 0, "ask, 0 agree"),
        (0, 0, "ask, 0 agree"),
    ];
    for (before, now, expected) in table {
        let order = order_shown(State::Deposited, taken(before));
        let found = read(&sent(part(4_000), before, MINUTE), &order, taken(now), &settle());
        assert_eq!(found, expected, "{before} and {now}");
    }
    let order = order_shown(State::Deposited, taken(0));
    let found = read(&sent(part(4_000), 0, HOUR), &order, plain(BankStatus::Reversed), &settle());
    assert_eq!(found, "person another_end:deposited:3");
    let outside_our_book = Operation { refunded_before: None, ..sent(part(4_000), 0, HOUR) };
    assert_eq!(read(&outside_our_book, &order, taken(4_000), &settle()), "person still_unrefunded_after_send:1");
}

/// R12: a part of unknown outcome is a person's, unless the bank tells refunds apart; all that is left may go again.
#[test]
fn what_shows_no_effect_is_sent_again_only_where_it_cannot_go_twice() {
    let tools = SettlePolicy { refund_tools: true, ..settle() };
    let never = SettlePolicy { resend_whole: false, ..settle() };
    let table = [
        ("a part", part(4_000), settle(), 1, "person still_unrefunded_after_send:1"),
        ("a part with tools", part(4_000), tools.clone(), 1, "send 4000"),
        ("a part with tools, often enough", part(4_000), tools, 3, "person still_unrefunded_after_send:3"),
        ("all of it", WHOLE, settle(), 1, "send 10000"),
        ("all of it, never again", WHOLE, never, 1, "person still_unrefunded_after_send:1"),
    ];
    let order = order_shown(State::Deposited, taken(0));
    for (name, amount, policy, attempt, expected) in table {
        let long_ago = Operation { attempt, ..sent(amount, 0, HOUR) };
        assert_eq!(read(&long_ago, &order, taken(0), &policy), "ask, 1 agree", "{name}: one read is not enough");
        let agreed = Operation { agreeing_reads: 1, ..long_ago };
        assert_eq!(read(&agreed, &order, taken(0), &policy), expected, "{name}");
        let fresh = Operation { agreeing_reads: 1, attempt, ..sent(amount, 0, MINUTE) };
        assert_eq!(read(&fresh, &order, taken(0), &policy), "ask, 0 agree", "{name}: not quiet yet");
        let refused = Operation { unknown_sends: 0, ..fresh };
        assert_eq!(read(&refused, &order, taken(0), &policy), "refused by the bank", "{name}");
    }
}

#[test]
fn the_tools_are_the_same_at_every_attempt_and_say_what_the_read_showed() {
    let policy = SettlePolicy { refund_tools: true, ..settle() };
    let (order, first) = (order_shown(State::Deposited, taken(0)), refund(part(4_000)));
    let again = Operation { attempt: 2, state: OperationState::InDoubt, ..first.clone() };
    let tools = super::tools(&first, &order, &policy).unwrap();
    assert_eq!(Some(&tools), super::tools(&again, &order, &policy).as_ref());
    assert_eq!((tools.expected_deposited, tools.external_id.len() <= 36), (PRICE, true), "{tools:?}");
    assert_eq!(super::tools(&first, &order, &settle()), None);
}

#[test]
fn a_decline_is_settled_by_the_status_and_whoever_pays_first_wins() {
    let registered = || plain(BankStatus::Registered);
    let before = of_kind(OperationKind::Decline, intended(WHOLE));
    let order = order_shown(State::Pending, registered());
    let table = [
        ("nobody has paid", registered(), "send 10000", "ask, 0 agree"),
        ("the buyer is at it", plain(BankStatus::InAuthentication), "ask, 0 agree", "ask, 0 agree"),
        ("held", plain(BankStatus::Held), "withdrawn", "refused"),
        ("taken", plain(BankStatus::Deposited), "withdrawn", "refused"),
        ("declined", plain(BankStatus::Declined), "withdrawn", "confirmed 10000"),
        ("reversed, as older banks say", plain(BankStatus::Reversed), "withdrawn", "confirmed 10000"),
        ("a number nobody knows", bare(BankStatus::Other(8)), "ask, 0 agree", "ask, 0 agree"),
    ];
    let after = of_kind(OperationKind::Decline, in_doubt(WHOLE, MINUTE));
    for (name, shown, unsent, sent) in table {
        assert_eq!(read(&before, &order, shown.clone(), &settle()), unsent, "{name}, before");
        assert_eq!(read(&after, &order, shown, &settle()), sent, "{name}, after");
    }
    let never_seen = Order { view: None, ..order.clone() };
    assert_eq!(read(&before, &never_seen, registered(), &settle()), "ask, 0 agree", "one read is not enough");
    let quiet = Operation { agreeing_reads: 1, ..of_kind(OperationKind::Decline, in_doubt(WHOLE, HOUR)) };
    assert_eq!(read(&quiet, &order, registered(), &settle()), "send 10000");
    let often = Operation { attempt: 3, ..quiet.clone() };
    assert_eq!(read(&often, &order, registered(), &settle()), "person still_open_after_decline:3");
    let refused = Operation { unknown_sends: 0, ..quiet };
    assert_eq!(read(&refused, &order, registered(), &settle()), "refused", "it waits for its buyer, as before");
}

#[test]
fn what_the_wire_has_no_request_for_ends_unsent_whatever_the_bank_answers() {
    let soap = SettlePolicy { without_request: &[OperationKind::Decline], ..settle() };
    let order = order_shown(State::Pending, plain(BankStatus::Registered));
    let before = of_kind(OperationKind::Decline, intended(WHOLE));
    for answer in [known(plain(BankStatus::Registered)), StatusAnswer::Unknown(unknown(UnknownKind::Timeout))] {
        let step = after_read(&before, &order, &answer, &Booked::default(), &soap, NOW);
        let Step::Settle { state: OperationState::Withdrawn, why } = step else { panic!("{step:?}") };
        assert!(why.starts_with("not sent: ") && why.contains("no request for a decline"), "{why}");
    }
    // It went over REST before, and shows no effect: a person decides, for it cannot go again.
    let quiet = Operation { agreeing_reads: 1, ..of_kind(OperationKind::Decline, in_doubt(WHOLE, HOUR)) };
    let shown = plain(BankStatus::Registered);
    assert_eq!(read(&quiet, &order, shown, &soap), "person still_open_after_decline:1");
}

#[test]
fn an_answer_that_tells_nothing_settles_nothing() {
    let nothing = || StatusAnswer::Unknown(unknown(UnknownKind::Timeout));
    let order = order_shown(State::Deposited, taken(0));
    for operation in [refund(WHOLE), sent(part(4_000), 0, HOUR)] {
        let step = after_read(&operation, &order, &nothing(), &Booked::default(), &settle(), NOW);
        assert!(matches!(step, Step::AskAgain { .. }), "{step:?}");
    }
}

/// The price of 100.00 was 70.00 in money and 30.00 in points; `refund.do` gives back money alone.
#[test]
fn no_more_is_asked_for_than_the_money_of_an_order_paid_partly_with_points() {
    let points = |deposited, refunded| Some(BankAmounts { approved: 3_000, deposited, refunded });
    let table = [
        // given back in all, points taken and given back, the sum, what is done
        ("all of it", 0, points(3_000, 0), WHOLE, "withdrawn"),
        ("all of its money", 0, points(3_000, 0), part(7_000), "send 7000"),
        ("more than its money", 0, points(3_000, 0), part(7_001), "withdrawn"),
        ("the rest of its money", 4_000, points(3_000, 0), part(3_000), "send 3000"),
        ("more than the rest of it", 4_000, points(3_000, 0), part(3_001), "withdrawn"),
        ("all that is left, the points are back", 3_000, points(3_000, 3_000), WHOLE, "send 7000"),
        ("all of it, no point was taken", 0, points(0, 0), WHOLE, "send 10000"),
    ];
    for (name, refunded, counted_points, amount, expected) in table {
        let shown = BankView { counted_points, ..taken(refunded) };
        let state = if refunded == 0 { State::Deposited } else { State::Refunded };
        let order = order_shown(state, taken(refunded));
        assert_eq!(read(&refund(amount), &order, shown.clone(), &settle()), expected, "{name}");
        let quiet = Operation { agreeing_reads: 1, ..sent(amount, refunded, HOUR) };
        let tools = SettlePolicy { refund_tools: true, ..settle() };
        let again = read(&quiet, &order, shown, &tools);
        assert_eq!(again == "person still_unrefunded_after_send:1", expected == "withdrawn", "{name}, again: {again}");
    }
    let mixed =
        BankView { amount: Some(7_000), points: points(3_000, 0), ..view(BankStatus::Deposited, [7_000, 7_000, 0]) };
    let beside = mixed.beside(order(State::Deposited).amount);
    let found = after_read(
        &refund(WHOLE),
        &order_shown(State::Deposited, taken(0)),
        &known(beside),
        &Booked::default(),
        &settle(),
        NOW,
    );
    let Step::Settle { why, .. } = found else { panic!("{found:?}") };
    assert!(why.contains("70.00") && why.contains("30.00") && why.contains("console"), "{why}");
}
