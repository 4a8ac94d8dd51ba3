//! Where a registration stands after each answer: the table is the documentation.

use super::*;
use crate::domain::bank::{BankStatus, BankView, UnknownKind};

const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

fn row() -> Registration {
    Registration {
        key: RegistrationKey(1),
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new("A-1", 32).unwrap(),
        amount: Amount::new(100).unwrap(),
        currency: Currency::RUB,
        document: None,
        state: State::Intended,
        attempt: 0,
        doubtful: false,
        unknown_in_a_row: 0,
        created_at: NOW,
        sent_at: None,
        next_step_at: Some(NOW),
        stuck_since: None,
        order_id: None,
        form_url: None,
        refusal_code: None,
        note: None,
    }
}

fn unknown(kind: UnknownKind, retry_after: Option<u64>) -> Unknown {
    Unknown { kind, detail: "x".to_owned(), retry_after: retry_after.map(Duration::from_secs) }
}

fn refused(code: i64) -> Refusal {
    Refusal { code, message: "no".to_owned() }
}

fn view(amount: Option<i64>, currency: u16, number: &str) -> StatusAnswer {
    StatusAnswer::Known(Box::new(BankView {
        order_number: Some(number.to_owned()),
        order_id: Some(OrderId::new("id-1").unwrap()),
        status: BankStatus::Registered,
        action_code: Some(-100),
        amount,
        currency: Some(Currency::from_numeric(currency).unwrap()),
        amounts: None,
        counted_points: None,
        authorised_at: None,
        payment_system: None,
        chargeback: None,
        autocompletion_at: None,
        points: None,
    }))
}

#[test]
fn an_answer_to_a_send_settles_it_or_leaves_it_to_be_asked_about() {
    let registered = RegisterAnswer::Registered { order_id: OrderId::new("id").unwrap(), form_url: None };
    let broken = || RegisterAnswer::Unknown(unknown(UnknownKind::Broken, None));
    let unreachable = || RegisterAnswer::NotSent(unknown(UnknownKind::Unreachable, None));
    // the answer, whether an earlier send is in doubt, and what stands then: state, step, in doubt
    let table = [
        ("registered", registered.clone(), false, State::Registered, Step::Nothing, false),
        ("registered after all", registered, true, State::Registered, Step::Nothing, true),
        ("refused", RegisterAnswer::Refused(refused(14)), false, State::Refused, Step::Nothing, false),
        (
            "refused, an earlier one in doubt",
            RegisterAnswer::Refused(refused(14)),
            true,
            State::InDoubt,
            Step::Ask,
            true,
        ),
        ("the number is taken", RegisterAnswer::Refused(refused(1)), false, State::InDoubt, Step::Ask, false),
        (
            "the number is taken, perhaps by us",
            RegisterAnswer::Refused(refused(1)),
            true,
            State::InDoubt,
            Step::Ask,
            true,
        ),
        ("lost", broken(), false, State::InDoubt, Step::Ask, true),
        ("not sent", unreachable(), false, State::Intended, Step::Send, false),
        ("not sent, an earlier one in doubt", unreachable(), true, State::InDoubt, Step::Ask, true),
    ];
    for (case, answer, doubtful, state, step, in_doubt) in table {
        let begun = begun(&Registration { doubtful, ..row() }, NOW);
        assert_eq!((begun.state, begun.attempt, begun.sent_at), (State::InDoubt, 1, Some(NOW)), "{case}");
        let after = after_answer(&begun, &answer, NOW);
        assert_eq!((after.state, next_step(&after, NOW), after.doubtful), (state, step, in_doubt), "{case}");
        assert_eq!(after.next_step_at.is_none(), state.is_settled(), "{case}");
    }
}

#[test]
fn a_question_by_number_settles_it_or_sends_it_again() {
    let in_doubt = Registration { doubtful: true, ..begun(&row(), NOW) };
    let taken = Registration { refusal_code: Some(1), note: Some("errorCode 1: no".to_owned()), ..in_doubt.clone() };
    let heard = Registration { doubtful: false, ..taken.clone() };
    let absent = || StatusAnswer::Refused(refused(UNKNOWN_ORDER));
    let late = NOW.plus(TRIED_FOR);
    // what stood, the bank's word, when, and what stands then
    let table = [
        ("it is ours", &in_doubt, view(Some(100), 643, "A-1"), NOW, State::Registered),
        ("ours, long after", &in_doubt, view(Some(100), 643, "A-1"), late, State::Registered),
        ("a taken number is ours", &taken, view(Some(100), 643, "A-1"), NOW, State::Registered),
        ("another amount", &in_doubt, view(Some(101), 643, "A-1"), NOW, State::Refused),
        ("another currency", &in_doubt, view(Some(100), 978, "A-1"), NOW, State::Refused),
        ("no amount", &in_doubt, view(None, 643, "A-1"), NOW, State::InDoubt),
        ("another order", &in_doubt, view(Some(100), 643, "B-1"), NOW, State::InDoubt),
        ("never heard of", &in_doubt, absent(), NOW, State::Intended),
        ("never heard of, and nobody waits", &in_doubt, absent(), late, State::Refused),
        ("taken, and never heard of: no number", &taken, absent(), NOW, State::Refused),
        ("not to be asked by number", &in_doubt, StatusAnswer::Refused(refused(1)), NOW, State::Intended),
        ("not to be asked, long after", &in_doubt, StatusAnswer::Refused(refused(1)), late, State::InDoubt),
        ("taken, and not to be asked", &taken, StatusAnswer::Refused(refused(1)), NOW, State::InDoubt),
        ("taken by another, for all was heard", &heard, StatusAnswer::Refused(refused(1)), NOW, State::Refused),
        ("access denied", &in_doubt, StatusAnswer::Refused(refused(5)), late, State::InDoubt),
        ("no answer", &in_doubt, StatusAnswer::Unknown(unknown(UnknownKind::Timeout, None)), late, State::InDoubt),
    ];
    for (case, before, answer, now, state) in table {
        let after = after_look(before, &answer, now);
        assert_eq!(after.state, state, "{case}");
        assert_eq!(after.next_step_at.is_none(), state.is_settled(), "{case}");
        // Whatever is in doubt when nobody waits for it any more is a person's.
        let is_stuck = state == State::InDoubt && (now == late || case == "taken, and not to be asked");
        assert_eq!(after.stuck_since, is_stuck.then_some(now), "{case}");
        assert!(after.note.is_some() && after.form_url.is_none(), "{case}");
        assert!(state != State::Registered || after.refusal_code.is_none(), "{case}");
    }
}

#[test]
fn waits_double_and_have_an_end() {
    let mut row = begun(&row(), NOW);
    let mut waits = Vec::new();
    for _ in 0..9 {
        row = after_look(&row, &StatusAnswer::Unknown(unknown(UnknownKind::Timeout, None)), NOW);
        waits.push(row.next_step_at.unwrap().since(NOW).as_millis());
    }
    assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    let told = |seconds| RegisterAnswer::Unknown(unknown(UnknownKind::Throttled, Some(seconds)));
    for (seconds, waited) in [(0, 500), (5, 5_000), (u64::from(u32::MAX), 60_000)] {
        let after = after_answer(&begun(&self::row(), NOW), &told(seconds), NOW);
        assert_eq!(after.next_step_at.unwrap().since(NOW).as_millis(), waited, "{seconds}");
    }
}

#[test]
fn what_nobody_took_for_the_life_of_a_session_is_given_up_with_a_word() {
    let (before, late) = (NOW.plus(TRIED_FOR).minus(Duration::from_millis(1)), NOW.plus(TRIED_FOR));
    assert_eq!((next_step(&row(), before), next_step(&row(), late)), (Step::Send, Step::Ask));
    // What is in doubt is asked about for as long as it takes.
    assert_eq!(next_step(&begun(&row(), NOW), late), Step::Ask);
    for (case, answer) in [("never heard of", UNKNOWN_ORDER), ("not to be asked by number", NOT_BY_NUMBER)] {
        let given_up = after_look(&row(), &StatusAnswer::Refused(refused(answer)), late);
        assert_eq!((given_up.state, given_up.next_step_at), (State::Refused, None), "{case}");
        assert!(given_up.note.unwrap().contains("20m"), "{case}");
    }
    // The bank is out of reach: nothing was sent, so no person is called; it is asked about until it answers.
    let silence = StatusAnswer::Unknown(unknown(UnknownKind::Timeout, None));
    let unheard = after_look(&row(), &silence, late);
    assert_eq!((unheard.state, unheard.stuck_since), (State::Intended, None));
    assert_eq!(unheard.next_step_at, Some(late.plus(WAIT_IN_PEACE)));
}

/// The bug: a database was put back that had been copied between the intent and its send, and the row in it was given
/// up without a question while the bank had the order.
#[test]
fn regression_what_was_never_sent_as_far_as_we_know_is_asked_about_before_it_is_given_up() {
    let late = NOW.plus(TRIED_FOR);
    assert_eq!(next_step(&row(), late), Step::Ask);
    assert_eq!(after_look(&row(), &view(Some(100), 643, "A-1"), late).state, State::Registered);
}

/// A login that may not ask by number learns from sending again; what that cannot tell is a person's, and is never sent
/// again.
#[test]
fn what_may_not_be_asked_about_is_sent_again_and_then_a_persons() {
    let not_by_number = || StatusAnswer::Refused(refused(1));
    let lost = RegisterAnswer::Unknown(unknown(UnknownKind::Timeout, None));
    let first = after_look(&after_answer(&begun(&row(), NOW), &lost, NOW), &not_by_number(), NOW);
    assert_eq!((next_step(&first, NOW), first.doubtful), (Step::Send, true));
    // Too late to be sent, and too doubtful to be given up.
    assert_eq!(next_step(&first, NOW.plus(TRIED_FOR)), Step::Ask);

    let second = after_answer(&begun(&first, NOW), &RegisterAnswer::Refused(refused(NUMBER_TAKEN)), NOW);
    assert_eq!((second.attempt, next_step(&second, NOW)), (2, Step::Ask));
    let mut stuck = after_look(&second, &not_by_number(), NOW);
    assert_eq!(stuck.stuck_since, Some(NOW));
    assert!(stuck.note.as_deref().unwrap().contains("the bank has an order of this number"), "{stuck:?}");
    for later in [NOW.plus(WAIT_IN_PEACE), NOW.plus(TRIED_FOR * 100)] {
        assert_eq!(next_step(&stuck, later), Step::Ask);
        stuck = after_look(&stuck, &not_by_number(), later);
        assert_eq!((stuck.stuck_since, stuck.next_step_at), (Some(NOW), Some(later.plus(WAIT_IN_PEACE))));
    }
    // The bank's word still settles it.
    let found = after_look(&stuck, &view(Some(100), 643, "A-1"), NOW);
    assert_eq!((found.state, found.stuck_since), (State::Registered, None));
}

#[test]
fn a_persons_word_settles_what_is_stuck_and_nothing_else() {
    let stuck = person::called(begun(&row(), NOW), NOW);
    let id = OrderId::new("id-7").unwrap();
    let told = |row: &Registration, found: Found| settled_by_person(row, &found, "olga", "ticket 7");
    let named = told(&stuck, Found::Order(id.clone())).unwrap();
    assert_eq!((named.state, named.order_id, named.stuck_since), (State::Registered, Some(id.clone()), None));
    let none = told(&stuck, Found::Nothing).unwrap();
    assert_eq!((none.state, none.next_step_at), (State::Refused, None));
    for note in [named.note, none.note] {
        assert!(note.as_deref().unwrap().contains("olga") && note.unwrap().contains("ticket 7"));
    }
    assert_eq!(told(&begun(&row(), NOW), Found::Nothing), Err(SettleError::NotStuck));
    let settled = Registration { state: State::Refused, ..stuck };
    assert_eq!(told(&settled, Found::Order(id)), Err(SettleError::Settled(State::Refused)));
}
