//! Values for the domain's tests, said in a few words: an order for 100.00 RUB, a bank view, a completion.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bank::{BankAmounts, BankStatus, BankView, Refusal, StatusAnswer, Unknown, UnknownKind};
use super::calendar::Zone;
use super::guard::GuardPolicy;
use super::holds::{AtDeadline, CompletionSchedule, HoldPolicy};
use super::journey::Policy;
use super::money::{Amount, Currency};
use super::operation::{CompletionAmount, Operation, OperationKey, OperationKind, OperationState, SettlePolicy};
use super::order::{Hold, MerchantId, Order, OrderId, OrderKey, OrderNumber, ReviewReason, SeenView, State};
use super::polling::{LookPolicy, Pending, Tier};
use super::time::Timestamp;

/// 2026-11-20T09:00:00Z: noon in Moscow.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

/// The price of every order here, in minor units.
pub(super) const PRICE: i64 = 10_000;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// An order for 100.00 RUB that entered an hour ago and has been in `state` for half of it, with what belongs to that
/// state.
pub(super) fn order(state: State) -> Order {
    let since = NOW.minus(HOUR / 2);
    let hold = Hold { held_at: since, begun_at: since, lapses_at: since.plus(DAY * 5) };
    let review = ReviewReason { code: "still_held_after_send:1".to_owned(), sentence: "it contradicts".to_owned() };
    Order {
        key: OrderKey(1),
        version: 1,
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new("A-1", 32).unwrap(),
        order_id: Some(order_id("id-1")),
        amount: amount(PRICE),
        currency: Currency::RUB,
        state,
        state_since: since,
        created_at: NOW.minus(HOUR),
        expires_at: None,
        completion: CompletionAmount::Whole,
        parked: false,
        released_at: None,
        hold: (state == State::Held).then_some(hold),
        complete_at: (state == State::Held).then_some(NOW),
        held_at_first: None,
        deadline_at: None,
        lapse_warnings: 0,
        payment_system: None,
        autocompletion_at: None,
        autocompletion_told: None,
        kind: None,
        next_look_at: Some(NOW),
        unknown_in_a_row: 0,
        heard: None,
        view: (state == State::Held).then(|| seen(plain(BankStatus::Held))),
        review: (state == State::Review).then_some(review),
        before_review: (state == State::Review).then_some(State::Held),
        accepted: None,
    }
}

pub(super) fn order_id(text: &str) -> OrderId {
    OrderId::new(text).unwrap()
}

pub(super) fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

pub(super) fn part(minor: i64) -> CompletionAmount {
    CompletionAmount::Exactly(amount(minor))
}

/// The bank's view of that order: approved, deposited, refunded.
pub(super) fn view(status: BankStatus, [approved, deposited, refunded]: [i64; 3]) -> BankView {
    BankView {
        order_number: Some("A-1".to_owned()),
        order_id: Some(order_id("id-1")),
        status,
        action_code: Some(0),
        amount: Some(PRICE),
        currency: Some(Currency::RUB),
        amounts: Some(BankAmounts { approved, deposited, refunded }),
        points: None,
        counted_points: None,
        authorised_at: None,
        payment_system: None,
        chargeback: None,
        autocompletion_at: None,
    }
}

/// A view without `paymentAmountInfo`, as response versions below 03 are.
pub(super) fn bare(status: BankStatus) -> BankView {
    BankView { amounts: None, ..view(status, [0, 0, 0]) }
}

/// A view with the sums that belong to its status.
pub(super) fn plain(status: BankStatus) -> BankView {
    let sums = match status {
        BankStatus::Held => [PRICE, 0, 0],
        BankStatus::Deposited => [PRICE, PRICE, 0],
        BankStatus::Refunded => [PRICE, PRICE, PRICE],
        _ => [0, 0, 0],
    };
    view(status, sums)
}

pub(super) fn known(view: BankView) -> StatusAnswer {
    StatusAnswer::Known(Box::new(view))
}

pub(super) fn refusal(code: i64) -> Refusal {
    Refusal { code, message: "no".to_owned() }
}

pub(super) fn unknown(kind: UnknownKind) -> Unknown {
    Unknown { kind, detail: "nothing".to_owned(), retry_after: None }
}

pub(super) fn seen(view: BankView) -> SeenView {
    SeenView { view, seen_at: NOW }
}

/// A completion that was decided and not sent.
pub(super) fn intended(amount: CompletionAmount) -> Operation {
    Operation {
        key: OperationKey(1),
        order: OrderKey(1),
        kind: OperationKind::Completion,
        amount,
        ordered: false,
        state: OperationState::Intended,
        attempt: 0,
        unknown_sends: 0,
        expected_minor: None,
        refunded_before: None,
        intended_at: NOW.minus(HOUR),
        sent_at: None,
        answered_at: None,
        agreeing_reads: 0,
        asks: 0,
        next_step_at: NOW,
        note: None,
    }
}

/// A reversal that was decided and not sent.
pub(super) fn reversal() -> Operation {
    Operation { kind: OperationKind::Reversal, ..intended(CompletionAmount::Whole) }
}

/// A completion that was sent once, `ago`, and whose outcome is not known.
pub(super) fn in_doubt(amount: CompletionAmount, ago: Duration) -> Operation {
    let expected = match amount {
        CompletionAmount::Whole => PRICE,
        CompletionAmount::Exactly(amount) => amount.minor(),
    };
    Operation {
        state: OperationState::InDoubt,
        attempt: 1,
        unknown_sends: 1,
        expected_minor: Some(expected),
        sent_at: Some(NOW.minus(ago)),
        answered_at: None,
        ..intended(amount)
    }
}

/// Quiet for fifteen minutes, three attempts, questions after five seconds to five minutes.
pub(super) fn settle() -> SettlePolicy {
    SettlePolicy {
        quiet: MINUTE * 15,
        resend_whole: true,
        refund_tools: false,
        without_request: &[],
        attempts_max: 3,
        ask_every: Duration::from_secs(5),
        ask_every_max: MINUTE * 5,
    }
}

/// Three in doubt, 1 000.00 RUB a day, the brake on.
pub(super) fn guard() -> GuardPolicy {
    GuardPolicy { in_doubt_max: 3, daily_max_minor: 100_000, brake: true }
}

/// The policies of a shop whose holds are completed a day after they were made.
pub(super) fn policy() -> Policy {
    Policy {
        looks: looks(),
        holds: holds(),
        schedule: CompletionSchedule::After(DAY),
        settle: settle(),
        guard: guard(),
        zone: Zone::parse("Europe/Moscow").unwrap(),
    }
}

/// Five days on any card, warnings two days, a day and six hours before, review three hours before.
pub(super) fn holds() -> HoldPolicy {
    HoldPolicy {
        lifetime: DAY * 5,
        by_system: BTreeMap::new(),
        warn_at: vec![DAY * 2, DAY, HOUR * 6],
        act_before: HOUR * 3,
        at_deadline: AtDeadline::Review,
    }
}

/// Pending orders every 10 s for two minutes, then every 30 s for twenty, then every 5 min; held ones every 10 min.
pub(super) fn looks() -> LookPolicy {
    let tier = |until_age, every| Tier { until_age, every };
    LookPolicy {
        pending: Pending::Tiers(vec![
            tier(MINUTE * 2, Duration::from_secs(10)),
            tier(MINUTE * 20, Duration::from_secs(30)),
        ]),
        pending_old: MINUTE * 5,
        trust_callbacks: true,
        held: MINUTE * 10,
        review: HOUR,
        late: vec![HOUR, DAY, DAY * 7],
        payment_time: MINUTE * 20,
        backoff: Duration::from_secs(5),
        backoff_max: MINUTE * 10,
    }
}
