//! What a bank may say, in random proportions: mostly a plausible life of an order, with everything else between.

use std::time::Duration;

use proptest::prelude::*;

use super::super::bank::{
    BankAmounts, BankStatus, BankView, CompletionAnswer, PaymentSystem, StatusAnswer, Unknown, UnknownKind,
};
use super::super::calendar::CronPattern;
use super::super::fixtures::{self, PRICE};
use super::super::holds::{AtDeadline, CompletionSchedule};
use super::super::journey::Policy;
use super::super::money::Currency;
use super::super::operation::SettlePolicy;
use super::super::review::Way;
use super::super::time::Timestamp;
use super::{Clock, Move, Sent};

pub(super) fn a_policy() -> impl Strategy<Value = Policy> {
    let schedule = prop_oneof![
        Just(CompletionSchedule::After(Duration::ZERO)),
        Just(CompletionSchedule::After(fixtures::HOUR)),
        Just(CompletionSchedule::OnRelease),
        Just(CompletionSchedule::Window(Box::new(CronPattern::parse("0 3 * * *").unwrap()))),
    ];
    let late = prop_oneof![Just(Vec::new()), Just(fixtures::looks().late)];
    let at_deadline = prop_oneof![Just(AtDeadline::Review), Just(AtDeadline::Complete), Just(AtDeadline::Reverse)];
    let settle = (any::<bool>(), 1..4_u32);
    (schedule, settle, late, at_deadline).prop_map(|(schedule, (resend_whole, attempts_max), late, at_deadline)| {
        let mut policy = fixtures::policy();
        policy.settle = SettlePolicy { resend_whole, attempts_max, ..policy.settle };
        (policy.schedule, policy.looks.late) = (schedule, late);
        let by_system = [("visa", 7), ("mir", 1)].map(|(name, days)| (name, fixtures::DAY * days));
        policy.holds.by_system =
            by_system.into_iter().filter_map(|(name, life)| Some((PaymentSystem::new(name)?, life))).collect();
        policy.holds.at_deadline = at_deadline;
        policy
    })
}

pub(super) fn a_history() -> impl Strategy<Value = Vec<Move>> {
    proptest::collection::vec(a_move(), 1..80)
}

fn a_move() -> impl Strategy<Value = Move> {
    let due =
        (an_answer(), a_send(), any::<u16>()).prop_map(|(answer, sent, jitter)| Move::Due { answer, sent, jitter });
    prop_oneof![
        20 => due,
        2 => (0..7_200_u64).prop_map(|seconds| Move::Pass(Duration::from_secs(seconds))),
        1 => a_clock().prop_map(Move::Set),
        1 => Just(Move::Park),
        1 => proptest::option::of(1..=PRICE).prop_map(Move::Release),
        3 => proptest::sample::select(&Way::ALL[..]).prop_map(Move::Resolve),
    ]
}

/// An hour, a year, and the days at which clocks that lost their time begin again.
fn a_clock() -> impl Strategy<Value = Clock> {
    let (hour, year) = (fixtures::HOUR, fixtures::DAY * 365);
    prop_oneof![
        Just(Clock::On(hour)),
        Just(Clock::Back(hour)),
        Just(Clock::On(year)),
        Just(Clock::Back(year)),
        Just(Clock::To(Timestamp::from_millis(0))),
        Just(Clock::To(Timestamp::from_millis(2_147_483_648_000))),
        Just(Clock::To(fixtures::NOW)),
    ]
}

fn an_answer() -> impl Strategy<Value = StatusAnswer> {
    prop_oneof![
        10 => Just(fixtures::plain(BankStatus::Held)).prop_map(fixtures::known),
        6 => a_view().prop_map(fixtures::known),
        2 => an_unknown().prop_map(StatusAnswer::Unknown),
        1 => (1..7_i64).prop_map(|code| StatusAnswer::Refused(fixtures::refusal(code))),
    ]
}

fn a_view() -> impl Strategy<Value = BankView> {
    let odd = (
        proptest::option::weighted(0.1, Just("A-2".to_owned())),
        proptest::option::weighted(0.1, Just(fixtures::order_id("id-2"))),
        proptest::option::weighted(0.1, Just(9_000)),
        proptest::option::weighted(0.1, Just(Currency::from_numeric(840).unwrap())),
        any::<[bool; 4]>(),
    );
    let besides = (
        proptest::option::of(proptest::sample::select(vec!["VISA", "MIR", "UNION_PAY", "?"])),
        proptest::option::weighted(0.1, any::<bool>()),
        proptest::option::weighted(
            0.1,
            (0..20_u64).prop_map(|days| fixtures::NOW.plus(fixtures::DAY * u32::try_from(days).unwrap())),
        ),
    );
    (a_status(), some_amounts(), odd, besides).prop_map(|(status, amounts, odd, besides)| {
        let (number, id, price, currency, left_out) = odd;
        let (system, chargeback, autocompletion_at) = besides;
        let plain = fixtures::plain(status);
        let [no_number, no_id, no_price, no_currency] = left_out;
        BankView {
            order_number: number.or(plain.order_number).filter(|_| !no_number),
            order_id: id.or(plain.order_id).filter(|_| !no_id),
            amount: price.or(plain.amount).filter(|_| !no_price),
            currency: currency.or(plain.currency).filter(|_| !no_currency),
            amounts: amounts.unwrap_or(plain.amounts),
            points: None,
            payment_system: system.and_then(PaymentSystem::new),
            chargeback,
            autocompletion_at,
            ..fixtures::plain(status)
        }
    })
}

fn a_status() -> impl Strategy<Value = BankStatus> {
    prop_oneof![
        1 => Just(BankStatus::Registered),
        1 => Just(BankStatus::InAuthentication),
        8 => Just(BankStatus::Held),
        3 => Just(BankStatus::Deposited),
        1 => Just(BankStatus::Reversed),
        1 => Just(BankStatus::Refunded),
        1 => Just(BankStatus::Declined),
        1 => Just(BankStatus::Other(9)),
    ]
}

/// `None`: those that belong to the status.
fn some_amounts() -> impl Strategy<Value = Option<Option<BankAmounts>>> {
    let sum = || prop_oneof![3 => Just(0), 3 => Just(PRICE), 2 => 1..PRICE, 1 => Just(-1), 1 => Just(PRICE + 1)];
    let any_sums = (sum(), sum(), sum())
        .prop_map(|(approved, deposited, refunded)| Some(Some(BankAmounts { approved, deposited, refunded })));
    prop_oneof![6 => Just(None), 1 => Just(Some(None)), 3 => any_sums]
}

fn a_send() -> impl Strategy<Value = Sent> {
    prop_oneof![
        2 => Just(Sent::Answered(CompletionAnswer::Acknowledged)),
        1 => Just(Sent::Answered(CompletionAnswer::Refused(fixtures::refusal(5)))),
        2 => an_unknown().prop_map(|unknown| Sent::Answered(CompletionAnswer::NotSent(unknown))),
        3 => an_unknown().prop_map(|unknown| Sent::Answered(CompletionAnswer::Unknown(unknown))),
        3 => Just(Sent::Crashed),
    ]
}

fn an_unknown() -> impl Strategy<Value = Unknown> {
    let retry_after = proptest::option::of((0..u64::MAX / 2).prop_map(Duration::from_millis));
    (proptest::sample::select(&UnknownKind::ALL[..]), retry_after)
        .prop_map(|(kind, retry_after)| Unknown { retry_after, ..fixtures::unknown(kind) })
}
