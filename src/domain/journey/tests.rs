//! What a look makes of an order's row.

use std::time::Duration;

use super::super::bank::{BankStatus, Unknown, UnknownKind};
use super::super::fixtures::{
    DAY, HOUR, NOW, PRICE, bare, known, order, order_id, plain, policy, refusal, seen, unknown, view,
};
use super::super::polling::Jitter;
use super::*;

fn look(order: &Order, answer: &StatusAnswer) -> Looked {
    after_look(order, answer, &policy(), NOW, Jitter::new(500))
}

fn nothing(kind: UnknownKind) -> StatusAnswer {
    StatusAnswer::Unknown(unknown(kind))
}

/// Our state, the answer, and: the outcome, the state after it, the event if there is one, seconds to the next look.
#[test]
fn an_answer_becomes_a_row_an_event_and_a_next_look() {
    use BankStatus::{Declined, Deposited, Held, Registered};
    use EventKind::{Changed, ReviewOpened, StatusUnrecognised};
    use LookOutcome as Was;
    let table = [
        (State::Pending, known(plain(Registered)), Was::Unchanged, State::Pending, None, 300),
        (State::Pending, known(plain(Held)), Was::Changed, State::Held, Some(Changed), 600),
        (State::Pending, known(plain(Deposited)), Was::Changed, State::Deposited, Some(Changed), 3_600),
        (State::Pending, known(plain(Declined)), Was::Changed, State::Declined, Some(Changed), 3_600),
        (
            State::Pending,
            known(plain(BankStatus::Other(9))),
            Was::Unrecognised,
            State::Pending,
            Some(StatusUnrecognised),
            300,
        ),
        (State::Pending, known(view(Held, [1, 0, 0])), Was::Contradiction, State::Review, Some(ReviewOpened), 3_600),
        (State::Pending, StatusAnswer::Refused(refusal(6)), Was::Refused, State::Pending, None, 300),
        (State::Pending, nothing(UnknownKind::Timeout), Was::Unknown, State::Pending, None, 5),
        (State::Held, known(plain(Registered)), Was::Stale, State::Held, None, 600),
        (State::Held, nothing(UnknownKind::ServerError), Was::Unknown, State::Held, None, 5),
        (State::Review, known(plain(Deposited)), Was::Unchanged, State::Review, None, 3_600),
        // Half an hour after its end, an hour's late look is still to come.
        (State::Deposited, known(plain(Deposited)), Was::Unchanged, State::Deposited, None, 1_800),
    ];
    for (state, answer, outcome, after, event, seconds) in table {
        let looked = look(&order(state), &answer);
        let told: Vec<_> = looked.events.iter().map(|event| (event.kind, event.before, event.after)).collect();
        assert_eq!((looked.outcome, looked.order.state), (outcome, after), "{state}, {answer:?}");
        assert_eq!(told, event.map(|kind| (kind, state, after)).into_iter().collect::<Vec<_>>(), "{state}, {answer:?}");
        assert_eq!(looked.order.next_look_at.map(|at| at.since(NOW).as_secs()), Some(seconds), "{state}, {answer:?}");
        assert!(looked.order.heard.is_some_and(|heard| heard.at == NOW));
    }
}

#[test]
fn a_hold_comes_with_its_deadline_and_its_completion() {
    let looked = look(&order(State::Pending), &known(plain(BankStatus::Held))).order;
    assert_eq!(looked.hold.map(|hold| (hold.held_at, hold.lapses_at)), Some((NOW, NOW.plus(DAY * 5))));
    assert_eq!((looked.complete_at, looked.state_since), (Some(NOW.plus(DAY)), NOW));
    let parked = look(&Order { parked: true, ..order(State::Pending) }, &known(plain(BankStatus::Held))).order;
    assert_eq!((parked.state, parked.complete_at), (State::Held, None));
}

#[test]
fn unknown_answers_back_off_and_any_answer_ends_that() {
    let mut order = order(State::Pending);
    let mut waits = Vec::new();
    for _ in 0..9 {
        order = look(&order, &nothing(UnknownKind::Timeout)).order;
        waits.push(order.next_look_at.unwrap().since(NOW).as_secs());
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    assert_eq!(look(&order, &known(plain(BankStatus::Registered))).order.unknown_in_a_row, 0);
    assert_eq!(look(&order, &StatusAnswer::Refused(refusal(6))).order.unknown_in_a_row, 0);
}

#[test]
fn only_a_view_of_ours_and_of_now_is_kept() {
    let before = Order { view: Some(seen(plain(BankStatus::Deposited))), order_id: None, ..order(State::Deposited) };
    let kept = |looked: &Looked| looked.order.view.as_ref().map(|seen| seen.view.status);
    let stale = look(&before, &known(plain(BankStatus::Held)));
    assert_eq!((kept(&stale), &stale.order.order_id), (Some(BankStatus::Deposited), &None));
    let another = BankView { order_number: Some("A-2".to_owned()), ..plain(BankStatus::Refunded) };
    let another = look(&before, &known(another));
    assert_eq!((kept(&another), &another.order.order_id), (Some(BankStatus::Deposited), &None));
    let fresh = look(&before, &known(plain(BankStatus::Refunded)));
    assert_eq!((kept(&fresh), fresh.order.order_id), (Some(BankStatus::Refunded), Some(order_id("id-1"))));
}

#[test]
fn an_odd_status_is_told_once_and_a_review_keeps_its_first_reason() {
    let odd = known(plain(BankStatus::Other(9)));
    let first = look(&order(State::Held), &odd);
    assert_eq!((first.events.len(), look(&first.order, &odd).events.len()), (1, 0));
    let first = look(&order(State::Held), &known(view(BankStatus::Held, [1, 0, 0])));
    let second = look(&first.order, &known(view(BankStatus::Held, [PRICE, 7, 0])));
    assert_eq!((second.outcome, &second.events[..]), (LookOutcome::Contradiction, &[][..]));
    assert_eq!(second.order.review, first.order.review);
}

#[test]
fn an_id_that_another_order_has_is_not_believed_nor_anything_beside_it() {
    let before = Order { order_id: None, ..order(State::Pending) };
    let after = look(&before, &known(plain(BankStatus::Deposited))).order;
    let by = OrderNumber::new("A-9", 32).unwrap();
    let (next, event) = order_id_taken(&before, &after, &by, NOW);
    assert_eq!((next.state, next.order_id.as_ref(), next.view.as_ref()), (State::Review, None, None));
    assert_eq!(event.map(|event| event.kind), Some(EventKind::ReviewOpened));
    assert_eq!(next.next_look_at, after.next_look_at);
}

/// The bug: the next look brought it back, and accepting it never took the order out of review.
#[test]
fn regression_an_accepted_id_of_another_order_is_not_raised_again() {
    let before = Order { order_id: None, accepted: Some("order_id_taken:A-9".to_owned()), ..order(State::Pending) };
    let after = look(&before, &known(plain(BankStatus::Deposited))).order;
    let (next, event) = order_id_taken(&before, &after, &OrderNumber::new("A-9", 32).unwrap(), NOW);
    assert_eq!((next.state, event, next.order_id), (State::Pending, None, None));
    assert!(next.next_look_at > Some(NOW));
}

#[test]
fn a_gateway_that_asks_to_wait_is_obeyed_within_our_bound() {
    for (asked, seconds) in [(0, 5), (30, 30), (600, 600), (1_000_000, 600)] {
        let retry_after = Some(Duration::from_secs(asked));
        let answer = StatusAnswer::Unknown(Unknown { retry_after, ..unknown(UnknownKind::Throttled) });
        let next = look(&order(State::Pending), &answer).order.next_look_at;
        assert_eq!(next.map(|at| at.since(NOW).as_secs()), Some(seconds), "asked for {asked} s");
    }
}

/// Our end, what the bank showed before and shows now, and the events in order, with the state after the last.
type Late<'a> = (&'a str, State, Option<BankView>, BankView, &'a [EventKind], State);

#[test]
fn what_is_seen_after_an_end_has_a_name() {
    use BankStatus::{Declined, Deposited, Held, Refunded, Registered, Reversed};
    use EventKind::{Chargeback, LateApproval, Refunded as GoneBack, ReversedLate, ReviewOpened};
    let charged = |view: BankView| BankView { chargeback: Some(true), ..view };
    let gone_back = |minor| view(Refunded, [PRICE, PRICE, minor]);
    let table: [Late<'_>; 19] = [
        ("approved late", State::Declined, None, plain(Held), &[LateApproval, ReviewOpened], State::Review),
        ("paid late", State::Declined, None, plain(Deposited), &[LateApproval, ReviewOpened], State::Review),
        ("paid late and refunded", State::Declined, None, gone_back(5), &[LateApproval, ReviewOpened], State::Review),
        ("refunded", State::Deposited, None, gone_back(5), &[GoneBack], State::Refunded),
        ("refunded, more", State::Refunded, Some(gone_back(5)), gone_back(9), &[GoneBack], State::Refunded),
        ("refunded, the same", State::Refunded, Some(gone_back(5)), gone_back(5), &[], State::Refunded),
        (
            "refunded in part, by its sum alone",
            State::Deposited,
            Some(plain(Deposited)),
            view(Deposited, [PRICE, PRICE, 5]),
            &[GoneBack],
            State::Deposited,
        ),
        ("refunded, sums unknown", State::Deposited, None, bare(Refunded), &[GoneBack], State::Refunded),
        ("reversed", State::Deposited, None, plain(Reversed), &[ReversedLate, ReviewOpened], State::Review),
        (
            "refunded, then reversed",
            State::Refunded,
            None,
            plain(Reversed),
            &[ReversedLate, ReviewOpened],
            State::Review,
        ),
        ("charged back", State::Deposited, None, charged(plain(Deposited)), &[Chargeback, ReviewOpened], State::Review),
        (
            "charged back when refunded",
            State::Refunded,
            None,
            charged(gone_back(5)),
            &[Chargeback, ReviewOpened],
            State::Review,
        ),
        (
            "charged back, seen before",
            State::Review,
            Some(charged(plain(Deposited))),
            charged(plain(Deposited)),
            &[],
            State::Review,
        ),
        ("charged back in review", State::Review, None, charged(plain(Deposited)), &[Chargeback], State::Review),
        ("the same end", State::Declined, None, plain(Declined), &[], State::Declined),
        ("stale: registered", State::Deposited, None, plain(Registered), &[], State::Deposited),
        ("stale: held, though charged back", State::Deposited, None, charged(plain(Held)), &[], State::Deposited),
        ("stale: a refund forgotten", State::Refunded, None, plain(Deposited), &[], State::Refunded),
        ("stale: declined, then registered", State::Declined, None, plain(Registered), &[], State::Declined),
    ];
    for (what, state, earlier, view, kinds, after) in table {
        let looked = look(&Order { view: earlier.map(seen), ..order(state) }, &known(view));
        let told: Vec<_> = looked.events.iter().map(|event| event.kind).collect();
        assert_eq!((told.as_slice(), looked.order.state), (kinds, after), "{what}");
        let mut state = state;
        for event in &looked.events {
            assert_eq!(event.before, state, "{what}: the chain is broken");
            state = event.after;
        }
        assert_eq!(state, after, "{what}");
    }
}

/// A read that goes backwards is counted, and everything about the order stays as it was but the next look.
#[test]
fn a_stale_read_decides_nothing_at_any_end() {
    use BankStatus::{Deposited, Held, InAuthentication, Registered};
    let table = [
        (State::Held, &[Registered, InAuthentication][..]),
        (State::Deposited, &[Registered, InAuthentication, Held]),
        (State::Reversed, &[Registered, InAuthentication, Held]),
        (State::Refunded, &[Registered, InAuthentication, Held, Deposited]),
        (State::Declined, &[Registered, InAuthentication]),
    ];
    for (state, backwards) in table {
        for status in backwards {
            let before = order(state);
            let looked = look(&before, &known(plain(*status)));
            assert_eq!((looked.outcome, looked.events.len()), (LookOutcome::Stale, 0), "{state}, {status}");
            let Order { next_look_at, heard, .. } = looked.order.clone();
            assert_eq!(looked.order, Order { next_look_at, heard, ..before }, "{state}, {status}");
        }
    }
}

/// The series begins at the end that was seen last: a refund a year later is looked after as a payment is.
#[test]
fn late_looks_are_counted_from_the_end() {
    for (before, status) in [
        (State::Deposited, BankStatus::Refunded),
        (State::Pending, BankStatus::Declined),
        (State::Held, BankStatus::Reversed),
    ] {
        let mut order = Order { state_since: NOW.minus(DAY * 365), ..order(before) };
        let mut now = NOW;
        let mut ages = Vec::new();
        loop {
            order = after_look(&order, &known(plain(status)), &policy(), now, Jitter::new(0)).order;
            let Some(next) = order.next_look_at else { break };
            assert_eq!(order.state_since, NOW);
            ages.push(next.since(NOW));
            now = next;
        }
        assert_eq!(ages, [HOUR, DAY, DAY * 7], "{before} to {status}");
    }
}

#[test]
fn an_answer_that_names_the_payment_system_gives_the_hold_its_own_deadline() {
    let mut policy = policy();
    let system = |name| super::super::bank::PaymentSystem::new(name);
    policy.holds.by_system = [("visa", 9), ("mir", 3)].map(|(name, days)| (system(name).unwrap(), DAY * days)).into();
    let card_of = |name| known(BankView { payment_system: system(name), ..plain(BankStatus::Held) });
    let look = |order: &Order, answer: &StatusAnswer| after_look(order, answer, &policy, NOW, Jitter::new(500));
    let kinds = |looked: &Looked| looked.events.iter().map(|event| event.kind).collect::<Vec<_>>();

    let unnamed = look(&order(State::Pending), &known(plain(BankStatus::Held)));
    assert_eq!(unnamed.order.hold.map(|hold| hold.lapses_at), Some(NOW.plus(DAY * 3)), "the shortest of all");
    let warned = Order { lapse_warnings: 2, ..unnamed.order };
    let named = look(&warned, &card_of("VISA"));
    assert_eq!(named.order.hold.map(|hold| hold.lapses_at), Some(NOW.plus(DAY * 9)));
    assert_eq!((kinds(&named), named.order.lapse_warnings), (vec![EventKind::DeadlineChanged], 0));
    let again = look(&named.order, &card_of("visa"));
    assert_eq!((kinds(&again), again.order.hold), (vec![], named.order.hold), "once");
    let same = look(&warned, &card_of("MIR"));
    assert_eq!((kinds(&same), same.order.payment_system), (vec![], system("mir")), "no other deadline, no event");
    let at_once = look(&order(State::Pending), &card_of("VISA"));
    assert_eq!(
        (kinds(&at_once), at_once.order.hold.map(|hold| hold.lapses_at)),
        (vec![EventKind::Changed], Some(NOW.plus(DAY * 9)))
    );
}

#[test]
fn a_conflict_with_the_gateways_own_schedule_is_told_once_for_each_of_its_values() {
    let shows = |at| known(BankView { autocompletion_at: at, ..plain(BankStatus::Held) });
    let kinds = |looked: &Looked| looked.events.iter().map(|event| event.kind).collect::<Vec<_>>();
    let held = || Order { complete_at: Some(NOW.plus(DAY)), ..order(State::Held) };
    let first = look(&held(), &shows(Some(NOW.plus(HOUR))));
    assert_eq!(kinds(&first), [EventKind::AutocompletionConflict]);
    let again = look(&first.order, &shows(Some(NOW.plus(HOUR))));
    assert_eq!(kinds(&again), []);
    let left_out = look(&again.order, &shows(None));
    assert_eq!((kinds(&left_out), left_out.order.autocompletion_at), (vec![], Some(NOW.plus(HOUR))), "kept");
    assert_eq!(kinds(&look(&left_out.order, &shows(Some(NOW.plus(HOUR * 2))))), [EventKind::AutocompletionConflict]);
    assert_eq!(kinds(&look(&held(), &shows(Some(NOW.plus(DAY * 2))))), [], "ours comes first");
}

/// R11: a schedule, whoever's it is, only says when to look; what came of it is what the bank shows then.
#[test]
fn the_gateways_own_schedule_is_no_proof_that_it_kept_to_it() {
    let due = Order { autocompletion_at: Some(NOW.minus(HOUR)), ..order(State::Held) };
    for (shown, expected) in [
        (BankStatus::Held, State::Held),
        (BankStatus::Deposited, State::Deposited),
        (BankStatus::Reversed, State::Reversed),
    ] {
        assert_eq!(look(&due, &known(plain(shown))).order.state, expected, "{shown}");
    }
    assert_eq!(look(&due, &nothing(UnknownKind::Timeout)).order.state, State::Held);
}
