//! What a read of the bank makes of a completion: tables read off the rules of money safety.

mod reversal;

use super::super::bank::{BankStatus, BankView, StatusAnswer, Unknown, UnknownKind};
use super::super::booked::Booked;
use super::super::fixtures::{
    HOUR, MINUTE, NOW, PRICE, bare, in_doubt, intended, known, order, part, plain, refusal, reversal, seen, settle,
    unknown, view,
};
use super::super::money::Currency;
use super::super::order::{Order, State};
use super::*;

const WHOLE: CompletionAmount = CompletionAmount::Whole;
const SECOND: Duration = Duration::from_secs(1);

/// A completion, its order and the bank's answer; changed from case to case.
#[derive(Clone)]
struct Case {
    operation: Operation,
    /// On the heap: tables of cases are large.
    order: Box<Order>,
    answer: StatusAnswer,
    policy: SettlePolicy,
}

/// A completion that nobody has sent, and a bank that shows the hold as it should be.
fn before(amount: CompletionAmount) -> Case {
    Case {
        operation: intended(amount),
        order: Box::new(order(State::Held)),
        answer: known(plain(BankStatus::Held)),
        policy: settle(),
    }
}

/// A completion that was sent `ago`, and a bank that shows the hold as if nothing had happened.
fn sent(amount: CompletionAmount, ago: Duration) -> Case {
    Case { operation: in_doubt(amount, ago), ..before(amount) }
}

/// Sent an hour ago, and one read since has agreed that nothing happened.
fn agreed(amount: CompletionAmount) -> Case {
    sent(amount, HOUR).with(|case| case.operation.agreeing_reads = 1)
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// A bank that shows this, and showed it before.
    fn hears(mut self, view: BankView) -> Self {
        self.order.view = Some(seen(view.clone()));
        self.answers(known(view))
    }

    fn answers(mut self, answer: StatusAnswer) -> Self {
        self.answer = answer;
        self
    }

    fn accepted(self, codes: &str) -> Self {
        self.with(|case| case.order.accepted = Some(codes.to_owned()))
    }
}

fn check(table: impl IntoIterator<Item = (&'static str, Case, &'static str)>) {
    for (what, case, expected) in table {
        let step = after_read(&case.operation, &case.order, &case.answer, &Booked::default(), &case.policy, NOW);
        assert_eq!(in_words(step), expected, "{what}");
    }
}

fn in_words(step: Step) -> String {
    match step {
        Step::Send { expected_minor } => format!("send, {expected_minor} expected"),
        Step::Confirm { moved_minor } => format!("confirmed, {moved_minor}"),
        Step::Settle { state, .. } => state.as_str().to_owned(),
        Step::RefusedByBank { .. } => "refused by the bank".to_owned(),
        Step::Contradict(found) => format!("review: {}", found.code()),
        Step::Escalate(found) => format!("review, still in doubt: {}", found.code()),
        Step::AskAgain { at, agreeing_reads, .. } => {
            format!("ask in {} s, {agreeing_reads} agree", at.since(NOW).as_secs())
        }
    }
}

#[test]
fn nothing_is_sent_unless_a_fresh_read_shows_the_whole_hold_untouched() {
    use BankStatus::{Declined, Deposited, Held, InAuthentication, Other, Refunded, Registered, Reversed};
    check([
        ("held, whole", before(WHOLE), "send, 10000 expected"),
        ("held, part", before(part(7_000)), "send, 7000 expected"),
        ("held, a part that is all of it", before(part(PRICE)), "send, 10000 expected"),
        ("registered", before(WHOLE).hears(plain(Registered)), "ask in 5 s, 0 agree"),
        ("in authentication", before(WHOLE).hears(plain(InAuthentication)), "ask in 5 s, 0 agree"),
        ("deposited by somebody else", before(WHOLE).hears(plain(Deposited)), "withdrawn"),
        ("a part deposited by somebody else", before(WHOLE).hears(view(Deposited, [10_000, 60, 0])), "withdrawn"),
        ("reversed", before(WHOLE).hears(plain(Reversed)), "withdrawn"),
        ("refunded", before(WHOLE).hears(plain(Refunded)), "withdrawn"),
        ("declined", before(WHOLE).hears(plain(Declined)), "withdrawn"),
        ("a status of no document", before(WHOLE).hears(plain(Other(9))), "ask in 5 s, 0 agree"),
        ("less held", before(WHOLE).hears(view(Held, [9_000, 0, 0])), "review: approved_differs:10000:9000"),
        ("more held", before(WHOLE).hears(view(Held, [10_001, 0, 0])), "review: approved_differs:10000:10001"),
        (
            "less held, enough for the part",
            before(part(7_000)).hears(view(Held, [9_000, 0, 0])),
            "review: approved_differs:10000:9000",
        ),
        ("held and taken", before(WHOLE).hears(view(Held, [10_000, 1, 0])), "review: deposited_while_held:1"),
        ("held and given back", before(WHOLE).hears(view(Held, [10_000, 0, 1])), "review: deposited_while_held:0"),
        ("no sums", before(WHOLE).hears(bare(Held)), "ask in 5 s, 0 agree"),
        ("deposited without sums", before(WHOLE).hears(bare(Deposited)), "withdrawn"),
    ]);
}

/// The price is what is paid in money; points come on top, and the bank divides a part between the two by itself.
#[test]
fn a_part_of_an_order_paid_in_points_is_a_part_of_both() {
    use BankStatus::{Deposited, Held};
    let with_points = |approved, deposited, view: BankView| {
        let points = Some(super::super::bank::BankAmounts { approved, deposited, refunded: 0 });
        BankView { points, ..view }
    };
    let held = || with_points(200, 0, plain(Held));
    let taken = |money, points| with_points(200, points, view(Deposited, [10_000, money, 0]));
    let sent_part = |view: BankView| sent(part(7_000), HOUR).hears(view);
    check([
        ("held, whole", before(WHOLE).hears(held()), "send, 10000 expected"),
        ("held, part", before(part(7_000)).hears(held()), "send, 7000 expected"),
        ("whole", sent(WHOLE, HOUR).hears(taken(10_000, 200)), "confirmed, 10000"),
        ("part, in both", sent_part(taken(6_860, 140)), "confirmed, 7000"),
        ("part, in money alone", sent_part(taken(7_000, 0)), "confirmed, 7000"),
        ("part, less of both", sent_part(taken(6_860, 100)), "review: completed_with_another_amount:7000:6860"),
        (
            "part, whose points nobody tells of",
            sent_part(view(Deposited, [10_000, 6_860, 0])),
            "review: completed_with_another_amount:7000:6860",
        ),
        (
            "the whole is known by its money",
            sent(WHOLE, HOUR).hears(taken(9_800, 200)),
            "review: completed_with_another_amount:10000:9800",
        ),
    ]);
}

#[test]
fn nothing_is_sent_on_an_answer_about_something_else() {
    let held = || plain(BankStatus::Held);
    let dollars = Currency::from_numeric(840).unwrap();
    let number = BankView { order_number: Some("A-2".to_owned()), ..held() };
    let id = BankView { order_id: Some(super::super::fixtures::order_id("id-2")), ..held() };
    let currency = BankView { currency: Some(dollars), ..held() };
    let price = BankView { amount: Some(9_000), ..view(BankStatus::Held, [9_000, 0, 0]) };
    check([
        ("another number", before(WHOLE).hears(number.clone()), "review: another_order_number:A-2"),
        ("another id", before(WHOLE).hears(id.clone()), "review: another_order_id:id-2"),
        ("another currency", before(WHOLE).hears(currency.clone()), "review: currency_differs:643:840"),
        ("another price", before(WHOLE).hears(price), "review: amount_differs:10000:9000"),
        ("another number, sent", sent(WHOLE, HOUR).hears(number), "review, still in doubt: another_order_number:A-2"),
        ("another id, sent", agreed(WHOLE).hears(id), "review, still in doubt: another_order_id:id-2"),
        ("another currency, sent", agreed(WHOLE).hears(currency), "review, still in doubt: currency_differs:643:840"),
        (
            "another order's deposit settles nothing",
            sent(WHOLE, HOUR).hears(BankView { order_number: Some("A-2".to_owned()), ..plain(BankStatus::Deposited) }),
            "review, still in doubt: another_order_number:A-2",
        ),
    ]);
}

/// What a person accepted is not raised again; what R4 demands is demanded all the same.
#[test]
fn an_acceptance_lets_a_smaller_hold_be_taken_and_never_another_orders() {
    let smaller = || view(BankStatus::Held, [9_000, 0, 0]);
    let (hold, price) = ("approved_differs:10000:9000", "amount_differs:10000:9000\napproved_differs:10000:9000");
    let at_90 = BankView { amount: Some(9_000), ..smaller() };
    let number = BankView { order_number: Some("A-2".to_owned()), ..plain(BankStatus::Held) };
    let currency = BankView { currency: Some(Currency::from_numeric(840).unwrap()), ..plain(BankStatus::Held) };
    let larger = view(BankStatus::Held, [10_001, 0, 0]);
    let taken = view(BankStatus::Held, [10_000, 1, 0]);
    check([
        ("a smaller hold, whole", before(WHOLE).accepted(hold).hears(smaller()), "send, 9000 expected"),
        ("a smaller hold, a part of it", before(part(7_000)).accepted(hold).hears(smaller()), "send, 7000 expected"),
        ("a smaller hold, more than it", before(part(9_500)).accepted(hold).hears(smaller()), "withdrawn"),
        ("the bank's price and its hold", before(WHOLE).accepted(price).hears(at_90), "send, 9000 expected"),
        ("a larger hold", before(WHOLE).accepted("approved_differs:10000:10001").hears(larger), "withdrawn"),
        ("something taken", before(WHOLE).accepted("deposited_while_held:1").hears(taken), "withdrawn"),
        ("another number", before(WHOLE).accepted("another_order_number:A-2").hears(number), "withdrawn"),
        ("another currency", before(WHOLE).accepted("currency_differs:643:840").hears(currency), "withdrawn"),
    ]);
}

/// A clock that was ahead opened it; put right, it must not be sent early.
#[test]
fn a_completion_that_a_wrong_clock_made_due_waits_for_its_hour() {
    let due_in = |wait: Duration| move |case: &mut Case| case.order.complete_at = Some(NOW.plus(wait));
    check([
        ("due now", before(WHOLE).with(due_in(Duration::ZERO)), "send, 10000 expected"),
        ("due in an hour", before(WHOLE).with(due_in(HOUR)), "ask in 1800 s, 0 agree"),
        ("let go meanwhile", before(WHOLE).with(due_in(HOUR)).hears(plain(BankStatus::Reversed)), "withdrawn"),
    ]);
}

#[test]
fn nothing_is_sent_for_an_order_that_is_no_longer_to_be_completed() {
    let gone = |state| move |case: &mut Case| *case.order = order(state);
    check([
        ("parked", before(WHOLE).with(|case| case.order.parked = true), "withdrawn"),
        ("in review", before(WHOLE).with(gone(State::Review)), "withdrawn"),
        ("deposited here, a stale hold there", before(WHOLE).with(gone(State::Deposited)), "withdrawn"),
        ("reversed here, a stale hold there", before(WHOLE).with(gone(State::Reversed)), "withdrawn"),
        (
            "parked, and quiet",
            agreed(WHOLE).with(|case| case.order.parked = true),
            "review, still in doubt: still_held_after_send:1",
        ),
        (
            "in review, and quiet",
            agreed(WHOLE).with(gone(State::Review)),
            "review, still in doubt: still_held_after_send:1",
        ),
        (
            "in review, and done after all",
            agreed(WHOLE).with(gone(State::Review)).hears(plain(BankStatus::Deposited)),
            "confirmed, 10000",
        ),
    ]);
}

/// A row in doubt says that the request may have left. Without an id it cannot leave, and the row would lie.
#[test]
fn nothing_is_written_in_doubt_while_the_order_id_is_unknown() {
    let nameless = |case: &mut Case| case.order.order_id = None;
    let no_id = || BankView { order_id: None, ..plain(BankStatus::Held) };
    check([
        ("the answer has none either", before(WHOLE).with(nameless).hears(no_id()), "ask in 5 s, 0 agree"),
        ("learned from this answer, sent on the next", before(WHOLE).with(nameless), "ask in 5 s, 0 agree"),
        ("known, and left out of the answer", before(WHOLE).hears(no_id()), "send, 10000 expected"),
    ]);
}

/// R5 and R6: presence settles, an acknowledgement or an absence never does.
#[test]
fn after_a_send_only_what_the_bank_shows_settles_it() {
    use BankStatus::{Declined, Deposited, Held, InAuthentication, Other, Refunded, Registered, Reversed};
    let whole = || sent(WHOLE, MINUTE);
    let some = || sent(part(7_000), MINUTE);
    check([
        ("deposited as intended", whole().hears(plain(Deposited)), "confirmed, 10000"),
        ("the part deposited", some().hears(view(Deposited, [10_000, 7_000, 0])), "confirmed, 7000"),
        (
            "all deposited instead of the part",
            some().hears(plain(Deposited)),
            "review: completed_with_another_amount:7000:10000",
        ),
        (
            "less deposited",
            whole().hears(view(Deposited, [10_000, 1, 0])),
            "review: completed_with_another_amount:10000:1",
        ),
        ("deposited without sums", whole().hears(bare(Deposited)), "ask in 5 s, 0 agree"),
        ("taken and given back", whole().hears(plain(Refunded)), "confirmed, 10000"),
        (
            "another sum given back",
            whole().hears(view(Refunded, [10_000, 1, 1])),
            "review: completed_with_another_amount:10000:1",
        ),
        ("reversed", whole().hears(plain(Reversed)), "refused"),
        ("reversed, without sums", whole().hears(bare(Reversed)), "refused"),
        ("taken, then reversed", whole().hears(view(Reversed, [10_000, 10_000, 0])), "confirmed, 10000"),
        ("declined", whole().hears(plain(Declined)), "refused"),
        ("registered", whole().hears(plain(Registered)), "ask in 5 s, 0 agree"),
        ("in authentication", whole().hears(plain(InAuthentication)), "ask in 5 s, 0 agree"),
        ("a status of no document", whole().hears(plain(Other(9))), "ask in 5 s, 0 agree"),
        ("still held", whole(), "ask in 5 s, 0 agree"),
        ("still held, without sums", whole().hears(bare(Held)), "ask in 5 s, 0 agree"),
        ("held and taken", whole().hears(view(Held, [10_000, 5, 0])), "review, still in doubt: deposited_while_held:5"),
    ]);
}

/// R12: quiet long enough and two agreeing reads, whole amounts only.
#[test]
fn still_held_is_sent_again_only_when_whole_and_quiet_and_read_twice() {
    let never = |case: &mut Case| case.policy.resend_whole = false;
    let attempts =
        |count| move |case: &mut Case| (case.operation.attempt, case.operation.unknown_sends) = (count, count);
    let asked = |count| move |case: &mut Case| case.operation.asks = count;
    check([
        ("just sent", sent(WHOLE, Duration::ZERO), "ask in 5 s, 0 agree"),
        ("asked four times", sent(WHOLE, MINUTE).with(asked(4)), "ask in 80 s, 0 agree"),
        ("asked often", sent(WHOLE, MINUTE).with(asked(40)), "ask in 300 s, 0 agree"),
        ("nearly quiet: asked as soon as it is", sent(WHOLE, SECOND * 899).with(asked(4)), "ask in 1 s, 0 agree"),
        (
            "agreed before it was quiet",
            agreed(WHOLE).with(|case| case.operation.sent_at = Some(NOW)),
            "ask in 5 s, 0 agree",
        ),
        ("quiet, first read", sent(WHOLE, MINUTE * 15), "ask in 5 s, 1 agree"),
        ("quiet, second read", agreed(WHOLE), "send, 10000 expected"),
        ("quiet, second read, second attempt", agreed(WHOLE).with(attempts(2)), "send, 10000 expected"),
        ("attempts exhausted", agreed(WHOLE).with(attempts(3)), "review, still in doubt: still_held_after_send:3"),
        ("never to be sent again", agreed(WHOLE).with(never), "review, still in doubt: still_held_after_send:1"),
        ("a part, first read", sent(part(7_000), HOUR), "ask in 5 s, 1 agree"),
        ("a part", agreed(part(7_000)), "review, still in doubt: still_held_after_send:1"),
        ("a part that is all of it", agreed(part(PRICE)), "review, still in doubt: still_held_after_send:1"),
    ]);
}

/// R10: what is taken the second time is what was taken the first.
#[test]
fn a_hold_that_changed_meanwhile_is_not_sent_again() {
    let smaller = || view(BankStatus::Held, [9_000, 0, 0]);
    let code = "approved_differs:10000:9000";
    check([
        ("smaller", agreed(WHOLE).hears(smaller()), "review, still in doubt: approved_differs:10000:9000"),
        (
            "smaller, and accepted",
            agreed(WHOLE).accepted(code).hears(smaller()),
            "review, still in doubt: approved_differs:10000:9000",
        ),
        (
            "given back meanwhile",
            agreed(WHOLE).hears(view(BankStatus::Held, [10_000, 0, 5])),
            "review, still in doubt: deposited_while_held:0",
        ),
        (
            "smaller from the first",
            agreed(WHOLE).accepted(code).hears(smaller()).with(|case| case.operation.expected_minor = Some(9_000)),
            "send, 9000 expected",
        ),
    ]);
}

/// R3: what tells nothing changes nothing; a read that tells something else breaks the row of those that agreed.
#[test]
fn answers_that_do_not_settle_only_plan_the_next_question() {
    let nothing = |kind| StatusAnswer::Unknown(unknown(kind));
    let wait = |seconds| {
        let retry_after = Some(SECOND * seconds);
        StatusAnswer::Unknown(Unknown { retry_after, ..unknown(UnknownKind::Throttled) })
    };
    for kind in UnknownKind::ALL {
        check([
            ("unknown, before", before(WHOLE).answers(nothing(kind)), "ask in 5 s, 0 agree"),
            ("unknown, between two reads that agree", agreed(WHOLE).answers(nothing(kind)), "ask in 5 s, 1 agree"),
        ]);
    }
    check([
        ("refused, before", before(WHOLE).answers(StatusAnswer::Refused(refusal(6))), "ask in 5 s, 0 agree"),
        ("refused, after", agreed(WHOLE).answers(StatusAnswer::Refused(refusal(6))), "ask in 5 s, 0 agree"),
        ("a stale read between", agreed(WHOLE).hears(plain(BankStatus::Registered)), "ask in 5 s, 0 agree"),
        ("no sums between", agreed(WHOLE).hears(bare(BankStatus::Held)), "ask in 5 s, 0 agree"),
        ("asked to wait", sent(WHOLE, MINUTE).answers(wait(60)), "ask in 60 s, 0 agree"),
        ("asked to wait less than we do", sent(WHOLE, MINUTE).answers(wait(1)), "ask in 5 s, 0 agree"),
        ("asked to wait for ever", sent(WHOLE, MINUTE).answers(wait(1_000_000)), "ask in 300 s, 0 agree"),
    ]);
}

/// 5 and 6 are refusals only when a read shows nothing deposited.
#[test]
fn a_refusal_is_believed_only_beside_a_read_of_the_hold() {
    let refused = |amount| sent(amount, SECOND).with(|case| case.operation.unknown_sends = 0);
    let twice = || refused(WHOLE).with(|case| (case.operation.attempt, case.operation.unknown_sends) = (2, 1));
    check([
        ("still held", refused(WHOLE), "refused by the bank"),
        ("a part, still held", refused(part(7_000)), "refused by the bank"),
        ("deposited all the same", refused(WHOLE).hears(plain(BankStatus::Deposited)), "confirmed, 10000"),
        (
            "another sum",
            refused(part(7_000)).hears(plain(BankStatus::Deposited)),
            "review: completed_with_another_amount:7000:10000",
        ),
        ("no sums", refused(WHOLE).hears(bare(BankStatus::Held)), "ask in 5 s, 0 agree"),
        ("an earlier one may yet have an effect", twice(), "ask in 5 s, 0 agree"),
    ]);
}

/// Proven not sent: the row is intended again, and the same question decides.
#[test]
fn what_provably_never_left_may_be_sent_again_even_in_part() {
    let unsent = |amount| {
        sent(amount, SECOND).with(|case| {
            case.operation.state = OperationState::Intended;
            case.operation.unknown_sends = 0;
        })
    };
    check([
        ("whole", unsent(WHOLE), "send, 10000 expected"),
        ("part", unsent(part(7_000)), "send, 7000 expected"),
        ("deposited meanwhile", unsent(part(7_000)).hears(plain(BankStatus::Deposited)), "withdrawn"),
    ]);
}

/// The clock stepped back between the send and its answer: the quiet time must not count from before the send.
#[test]
fn an_answer_dated_before_its_send_makes_nothing_quiet_earlier() {
    let answered = |ago: Duration| sent(WHOLE, MINUTE).with(|case| case.operation.answered_at = Some(NOW.minus(ago)));
    check([
        ("answered after a while", answered(SECOND * 30), "ask in 5 s, 0 agree"),
        ("answered ten hours before it was sent", answered(HOUR * 10), "ask in 5 s, 0 agree"),
    ]);
}

/// R12: the reads that agree are asked for after the quiet time, not only written down after it.
#[test]
fn a_question_from_before_the_quiet_times_end_cannot_agree() {
    let operation = in_doubt(WHOLE, MINUTE * 15);
    let straddles = |asked_at, now| operation.became_quiet_between(asked_at, now, settle().quiet);
    let table = [
        ("before, and answered before", NOW.minus(SECOND * 2), NOW.minus(SECOND), false),
        ("before, and answered at its end", NOW.minus(SECOND), NOW, true),
        ("before, and answered after", NOW.minus(SECOND), NOW.plus(SECOND), true),
        ("at its end", NOW, NOW.plus(SECOND), false),
        ("after, by a clock that was ahead", NOW.plus(HOUR), NOW.plus(SECOND), true),
    ];
    for (what, asked_at, now, expected) in table {
        assert_eq!(straddles(asked_at, now), expected, "{what}");
    }
    assert!(!intended(WHOLE).became_quiet_between(NOW, NOW.plus(HOUR), settle().quiet), "nothing was sent");
}

/// Nothing that cannot be undone rests on one answer.
#[test]
fn a_first_send_needs_an_earlier_view_that_showed_the_same_hold() {
    let earlier = |view: Option<BankView>| move |case: &mut Case| case.order.view = view.map(seen);
    let held = |sums| view(BankStatus::Held, sums);
    let unsent = || {
        sent(WHOLE, SECOND).with(|case| {
            case.operation.state = OperationState::Intended;
            case.operation.unknown_sends = 0;
        })
    };
    let in_euro = BankView { currency: Some(Currency::from_numeric(978).unwrap()), ..plain(BankStatus::Held) };
    check([
        ("nothing was seen before", before(WHOLE).with(earlier(None)), "ask in 5 s, 0 agree"),
        ("the same", before(WHOLE).with(earlier(Some(plain(BankStatus::Held)))), "send, 10000 expected"),
        ("registered", before(WHOLE).with(earlier(Some(plain(BankStatus::Registered)))), "ask in 5 s, 0 agree"),
        ("without sums", before(WHOLE).with(earlier(Some(bare(BankStatus::Held)))), "ask in 5 s, 0 agree"),
        ("another hold", before(WHOLE).with(earlier(Some(held([9_000, 0, 0])))), "ask in 5 s, 0 agree"),
        ("another currency", before(WHOLE).with(earlier(Some(in_euro))), "ask in 5 s, 0 agree"),
        ("a part", before(part(7_000)).with(earlier(None)), "ask in 5 s, 0 agree"),
        ("a reversal", reversing().with(earlier(None)), "ask in 5 s, 0 agree"),
        ("again, provably never sent", unsent().with(earlier(None)), "ask in 5 s, 0 agree"),
        // Two reads have agreed by then in any case.
        ("again, quiet long enough", agreed(WHOLE).with(earlier(None)), "send, 10000 expected"),
    ]);
}

/// A reversal that nobody has sent, and a bank that shows the hold as it should be.
fn reversing() -> Case {
    before(WHOLE).with(|case| {
        case.operation = reversal();
        (case.order.complete_at, case.order.deadline_at) = (None, Some(NOW));
    })
}

/// A reversal that was sent `ago`, and a bank that shows the hold as if nothing had happened.
fn reversed(ago: Duration) -> Case {
    let sent = Operation { kind: OperationKind::Reversal, ..in_doubt(WHOLE, ago) };
    before(WHOLE).with(|case| case.operation = sent)
}
