//! The stories as people read them, all of one evening in Moscow.
#![expect(clippy::inconsistent_digit_grouping, reason = "1_234_50 reads as 1 234.50")]

mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::domain::bank::{BankAmounts, BankStatus, BankView};
use crate::domain::calendar::Zone;
use crate::domain::guard::{GuardPolicy, Held, NOT_SENT, Scope, Standing, Stop, StopKey};
use crate::domain::holds::{AtDeadline, CompletionSchedule, HoldPolicy};
use crate::domain::lifecycle::Contradiction;
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::{OperationKey, OperationKind, SettlePolicy};
use crate::domain::order::{Heard, Hold, MerchantId, OrderKey, OrderNumber, ReviewReason, SeenView};
use crate::domain::polling::{LookPolicy, Pending};
use crate::domain::timekeeping::Doubt;

/// `minutes` after 18:00 in Moscow on 2026-11-20.
fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_795_186_800_000 + minutes * 60_000)
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

fn policy() -> Policy {
    Policy {
        looks: LookPolicy {
            pending: Pending::Tiers(Vec::new()),
            pending_old: minutes(60),
            trust_callbacks: true,
            held: minutes(10),
            review: minutes(60),
            late: vec![minutes(60)],
            payment_time: minutes(20),
            backoff: minutes(1),
            backoff_max: minutes(10),
        },
        holds: HoldPolicy {
            lifetime: minutes(5 * 1_440),
            by_system: BTreeMap::new(),
            warn_at: vec![minutes(1_440), minutes(360)],
            act_before: minutes(180),
            at_deadline: AtDeadline::Review,
        },
        schedule: CompletionSchedule::OnRelease,
        settle: SettlePolicy {
            quiet: minutes(15),
            resend_whole: true,
            refund_tools: false,
            without_request: &[],
            attempts_max: 3,
            ask_every: minutes(1),
            ask_every_max: minutes(5),
        },
        guard: GuardPolicy { in_doubt_max: 3, daily_max_minor: 100_000_000, brake: true },
        zone: Zone::parse("Europe/Moscow").unwrap(),
    }
}

fn order(state: State) -> Order {
    Order {
        key: OrderKey(1),
        version: 1,
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new("A-1", 32).unwrap(),
        order_id: None,
        amount: Amount::new(1_234_50).unwrap(),
        currency: Currency::RUB,
        state,
        state_since: at(0),
        created_at: at(0),
        expires_at: None,
        completion: CompletionAmount::Whole,
        parked: false,
        released_at: None,
        hold: None,
        complete_at: None,
        held_at_first: None,
        deadline_at: None,
        lapse_warnings: 0,
        payment_system: None,
        autocompletion_at: None,
        autocompletion_told: None,
        kind: None,
        next_look_at: None,
        unknown_in_a_row: 0,
        heard: None,
        view: None,
        review: None,
        before_review: None,
        accepted: None,
    }
}

fn held() -> Order {
    let hold = Hold { held_at: at(3), begun_at: at(3), lapses_at: at(3 + 5 * 1_440) };
    let heard = Heard { at: at(3), words: "the bank shows it held".to_owned() };
    Order { hold: Some(hold), heard: Some(heard), next_look_at: Some(at(13)), ..order(State::Held) }
}

fn seen(status: BankStatus, action_code: Option<i64>, deposited: i64) -> SeenView {
    let amounts = BankAmounts { approved: 1_234_50, deposited, refunded: 0 };
    let view = BankView {
        order_number: None,
        order_id: None,
        status,
        action_code,
        amount: Some(1_234_50),
        currency: Some(Currency::RUB),
        amounts: Some(amounts),
        points: None,
        counted_points: None,
        authorised_at: None,
        payment_system: None,
        chargeback: None,
        autocompletion_at: None,
    };
    SeenView { view, seen_at: at(3) }
}

fn operation(state: OperationState, attempt: u32) -> Operation {
    Operation {
        key: OperationKey(1),
        order: OrderKey(1),
        kind: OperationKind::Completion,
        amount: CompletionAmount::Whole,
        ordered: false,
        state,
        attempt,
        unknown_sends: attempt,
        expected_minor: (attempt > 0).then_some(1_234_50),
        refunded_before: None,
        intended_at: at(4),
        sent_at: (attempt > 0).then_some(at(5)),
        answered_at: None,
        agreeing_reads: 0,
        asks: 0,
        next_step_at: at(6),
        note: (attempt > 0).then(|| "outcome unknown (timeout: no answer in 20s)".to_owned()),
    }
}

fn event(minute: i64, kind: EventKind, cause: &str, after: State, detail: &str) -> Event {
    Event {
        seq: minute,
        at: at(minute),
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new("A-1", 32).unwrap(),
        kind,
        cause: cause.to_owned(),
        before: State::Pending,
        after,
        detail: detail.to_owned(),
    }
}

/// What a person reads at 18:05.
fn check(order: &Order, operation: Option<&Operation>, events: &[Event], expected: &str) {
    let policy = policy();
    let story = tell(order, operation, events, &policy, &Standing::default(), at(5));
    let line = |moment: &Moment| format!("{} {}\n", policy.zone.for_people(moment.at), moment.words);
    let past: String = story.past.iter().map(line).collect();
    let next: String = story.next.iter().map(line).collect();
    assert_eq!(format!("{past}--\n{}\n--\n{next}", story.present.join("\n")), expected);
}

#[test]
fn an_order_nobody_has_asked_about() {
    let order = Order { next_look_at: Some(at(0)), ..order(State::Pending) };
    let added = event(0, EventKind::Added, "shop", State::Pending, "entered the queue");
    check(
        &order,
        None,
        &[added],
        "\
2026-11-20 18:00:00 The shop handed it in, for 1 234.50 RUB.
--
It waits for the first look at the bank.
--
2026-11-20 18:00:00 The bank is asked how it stands.
2026-11-20 18:20:00 Its payment page closes; the bank is asked right after.
",
    );
}

#[test]
fn an_order_the_bank_does_not_answer_about() {
    let heard = Heard { at: at(4), words: "timeout: no answer in 20s".to_owned() };
    let order = Order {
        expires_at: Some(at(2)),
        next_look_at: Some(at(7)),
        unknown_in_a_row: 3,
        heard: Some(heard),
        ..order(State::Pending)
    };
    check(
        &order,
        None,
        &[],
        "\
--
The bank has not shown it yet.
Its payment page closed at 2026-11-20 18:02:00 (3m ago), so an outcome is overdue.
The bank's latest answer, at 2026-11-20 18:04:00: timeout: no answer in 20s. The last 3 answers told nothing, so the waits between them grow.
--
2026-11-20 18:07:00 The bank is asked how it stands.
",
    );
}

#[test]
fn a_hold_that_waits_for_its_release() {
    let events = [
        event(0, EventKind::Added, "operator:ivan", State::Pending, "entered the queue"),
        event(3, EventKind::Changed, "look", State::Held, "the bank shows it held"),
    ];
    check(
        &held(),
        None,
        &events,
        "\
2026-11-20 18:00:00 ivan handed it in, for 1 234.50 RUB.
2026-11-20 18:03:00 It became held: the bank shows it held.
--
1 234.50 RUB is held on the buyer's card, and not taken yet.
Its completion waits for a release by the shop or an operator. To release it: reconciled order release A-1 --merchant shop
The bank's latest answer, at 2026-11-20 18:03:00: the bank shows it held.
--
2026-11-20 18:13:00 The bank is asked how it stands.
2026-11-24 18:03:00 If it is still held by then, the hold is at risk: the 24h warning.
2026-11-25 18:03:00 The bank lets the hold go, and the money is the buyer's again.
",
    );
}

/// The bug: our price was said to be held where a person had accepted that the bank holds less.
#[test]
fn a_hold_is_told_with_the_sum_that_the_bank_holds() {
    let says = |view: Option<SeenView>| {
        tell(&Order { view, ..held() }, None, &[], &policy(), &Standing::default(), at(5)).present[0].clone()
    };
    let less = |amounts| {
        let mut seen = seen(BankStatus::Held, None, 0);
        (seen.view.amount, seen.view.amounts) = (Some(1_000_00), amounts);
        Some(seen)
    };
    let amounts = BankAmounts { approved: 900_00, deposited: 0, refunded: 0 };
    assert_eq!(says(less(Some(amounts))), "900.00 RUB is held on the buyer's card, and not taken yet.");
    assert_eq!(says(less(None)), "1 000.00 RUB is held on the buyer's card, and not taken yet.");
    assert_eq!(says(None), "1 234.50 RUB is held on the buyer's card, and not taken yet.");
}

#[test]
fn a_released_hold_of_which_a_part_is_taken() {
    let part = Amount::new(1_000_00).unwrap();
    let order = Order { complete_at: Some(at(9)), completion: CompletionAmount::Exactly(part), heard: None, ..held() };
    let released =
        event(4, EventKind::Released, "operator:ivan", State::Held, "released to complete 100000 minor units");
    check(
        &order,
        None,
        &[released],
        "\
2026-11-20 18:04:00 ivan let it be completed: released to complete 100000 minor units.
--
1 234.50 RUB is held on the buyer's card, and not taken yet.
It waits for the time of its completion, which takes 1 000.00 RUB.
--
2026-11-20 18:09:00 A completion of 1 000.00 RUB is due; the bank is asked before it is sent.
2026-11-20 18:13:00 The bank is asked how it stands.
2026-11-24 18:03:00 If it is still held by then, the hold is at risk: the 24h warning.
2026-11-25 18:03:00 The bank lets the hold go, and the money is the buyer's again.
",
    );
}

#[test]
fn a_completion_in_doubt() {
    let events = [
        event(4, EventKind::CompletionIntended, "schedule", State::Held, "a completion of the whole hold is due"),
        event(5, EventKind::CompletionSent, "schedule", State::Held, "attempt 1, 123450 minor units expected"),
    ];
    check(
        &Order { heard: None, complete_at: Some(at(4)), ..held() },
        Some(&operation(OperationState::InDoubt, 1)),
        &events,
        "\
2026-11-20 18:04:00 Its time had come: a completion of the whole hold is due.
2026-11-20 18:05:00 The completion was written down and sent: attempt 1, 123450 minor units expected.
--
1 234.50 RUB is held on the buyer's card, and not taken yet.
A completion of 1 234.50 RUB was sent, the 1st time at 2026-11-20 18:05:00, and its outcome is not known yet. The bank is asked until it shows. Latest: outcome unknown (timeout: no answer in 20s).
--
2026-11-20 18:06:00 The bank is asked what became of the completion.
2026-11-20 18:20:00 If the bank still shows the hold by then, the completion is taken to have had no effect, and sent again.
2026-11-24 18:03:00 If it is still held by then, the hold is at risk: the 24h warning.
2026-11-25 18:03:00 The bank lets the hold go, and the money is the buyer's again.
",
    );
}

#[test]
fn an_order_in_review() {
    let sentence = "we have 1 234.50 RUB, the bank has 1 234.51 RUB".to_owned();
    let order = Order {
        review: Some(ReviewReason { code: "amount_differs:123450:123451".to_owned(), sentence }),
        next_look_at: Some(at(60)),
        ..order(State::Review)
    };
    check(
        &order,
        None,
        &[],
        "\
--
Money contradicts itself: we have 1 234.50 RUB, the bank has 1 234.51 RUB.
Until a person decides, nothing is sent to the bank for it. See what is true in the bank's console.
What both sides say, and the ways out: reconciled review show A-1 --merchant shop
--
2026-11-20 19:00:00 The bank is asked once more, so that whoever decides has its latest word.
",
    );
}

#[test]
fn a_hold_that_is_reversed_at_its_deadline_though_the_bank_would_complete_it() {
    let mut reversing = policy();
    reversing.holds.at_deadline = AtDeadline::Reverse;
    let deadline_at = Some(at(3 + 5 * 1_440 - 180));
    let order = Order { deadline_at, autocompletion_at: Some(at(60)), next_look_at: None, ..held() };
    let story = tell(&order, None, &[], &reversing, &Standing::default(), at(5));
    let next: Vec<_> = story.next.iter().map(|moment| moment.words.as_str()).collect();
    let expected = [
        "The bank completes it by itself, as it was told at the registration.",
        "If it is still held by then, the hold is at risk: the 24h warning.",
        "If nothing completes it by then, it is reversed; the bank is asked before.",
        "The bank lets the hold go, and the money is the buyer's again.",
    ];
    assert_eq!(next, expected);
    let conflict = "The bank would complete it by itself at 2026-11-20 19:00:00, although no completion is planned here \
                    before the hold lapses: mend that in its console.";
    assert!(story.present.iter().any(|said| said == conflict), "{:?}", story.present);
    let sent = Operation { kind: OperationKind::Reversal, ..operation(OperationState::InDoubt, 1) };
    let story = tell(&order, Some(&sent), &[], &reversing, &Standing::default(), at(5));
    assert!(story.present.iter().any(|said| said.starts_with("A reversal of 1 234.50 RUB was sent")), "{story:?}");
    assert!(story.next.iter().any(|moment| moment.words == "The bank is asked what became of the reversal."));
}

/// What to do differs with what is doubted: the bank's word, our own row, or our own memory.
#[test]
fn what_a_person_has_to_do_about_a_row_or_a_send_that_nobody_here_wrote() {
    let table = [
        (
            Contradiction::RowAltered { row: "its row" },
            "Money contradicts itself: its row in the database was changed by something other than this program: a money \
             column of order A-1 does not match its seal.",
            "Compare every figure with the shop's books and the bank's console",
        ),
        (
            Contradiction::SentOutsideBook { expected: 1_234_50 },
            "Money contradicts itself: the witness has a send for 1 234.50 RUB that this database does not know: \
             the money may have moved.",
            "See in the bank's console whether the money was taken",
        ),
    ];
    for (found, why, what_to_do) in table {
        let order = Order { review: Some(found.reason(&order(State::Held))), ..order(State::Review) };
        let said = tell(&order, None, &[], &policy(), &Standing::default(), at(0)).present;
        assert_eq!(said.first().map(String::as_str), Some(why));
        assert!(said.iter().any(|said| said.contains(what_to_do)), "{said:?}");
        assert!(said.iter().any(|said| said.contains("stays parked until it is released")), "{said:?}");
    }
}

/// The bug: the lapse of a hold, and its alert, were promised for money that the bank had taken already.
#[test]
fn a_hold_in_review_lapses_only_while_the_bank_shows_it() {
    let lapse = |status| {
        let review = Order { view: Some(seen(status, None, 0)), next_look_at: None, ..held() };
        let story = tell(&Order { state: State::Review, ..review }, None, &[], &policy(), &Standing::default(), at(5));
        story.next.into_iter().map(|moment| moment.words).collect::<Vec<_>>()
    };
    let stands = [
        "If it is still held by then, the hold is at risk: the 24h warning.",
        "The bank lets the hold go, and the money is the buyer's again.",
    ];
    assert_eq!(lapse(BankStatus::Held), stands);
    assert_eq!(lapse(BankStatus::Deposited), [""; 0]);
}

#[test]
fn orders_at_their_ends() {
    let table = [
        (
            State::Deposited,
            seen(BankStatus::Deposited, Some(0), 1_000_00),
            "1 000.00 RUB was taken. The order is at its end.",
        ),
        (
            State::Declined,
            seen(BankStatus::Declined, Some(-2007), 0),
            "The payment time ran out and nothing was paid. The order is at its end.",
        ),
        (
            State::Declined,
            seen(BankStatus::Declined, Some(116), 0),
            "The payment was declined (actionCode 116). The order is at its end.",
        ),
        (
            State::Reversed,
            seen(BankStatus::Reversed, None, 0),
            "The payment was cancelled and nothing was taken. The order is at its end.",
        ),
    ];
    for (state, view, words) in table {
        check(&Order { view: Some(view), ..order(state) }, None, &[], &format!("--\n{words}\n--\n"));
    }
}
