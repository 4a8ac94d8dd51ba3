//! Candidates for tests, said in a few words: an order for 100.00 RUB, and what became of it.
#![expect(clippy::inconsistent_digit_grouping, reason = "100_00 reads as 100.00")]

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::bank::{BankAmounts, BankStatus, BankView};
use super::super::holds::{AtDeadline, HoldPolicy};
use super::super::money::{Amount, Currency};
use super::super::operation::{CompletionAmount, Operation, OperationKey, OperationKind, OperationState};
use super::super::order::{Hold, MerchantId, Order, OrderId, OrderKey, OrderNumber, ReviewReason, SeenView, State};
use super::super::polling::{LookPolicy, Pending};
use super::super::time::Timestamp;
use super::{Candidate, Yardstick};

/// 2026-11-20T21:05:00Z: five past midnight in Moscow, when a day's report is drawn.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_208_700_000);

/// A moment `hours` before [`NOW`]; below zero, after it.
pub(crate) fn ago(hours: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - hours * 3_600_000)
}

/// 100.00 RUB, entered a day before [`NOW`], in `state` for the last two hours; the bank has not shown it yet.
pub(crate) fn order(number: &str, state: State) -> Candidate {
    let order = Order {
        key: OrderKey(1),
        version: 1,
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new(number, 64).unwrap(),
        order_id: None,
        amount: Amount::new(100_00).unwrap(),
        currency: Currency::RUB,
        state,
        state_since: ago(2),
        created_at: ago(24),
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
    };
    Candidate { order, operation: None }
}

impl Candidate {
    /// The bank shows it so, with the price as we have it: approved, deposited, refunded.
    pub(crate) fn bank(mut self, status: BankStatus, [approved, deposited, refunded]: [i64; 3]) -> Self {
        let view = BankView {
            order_number: Some(self.order.number.as_str().to_owned()),
            order_id: self.order.order_id.clone(),
            status,
            action_code: None,
            amount: Some(self.order.amount.minor()),
            currency: Some(self.order.currency),
            amounts: Some(BankAmounts { approved, deposited, refunded }),
            points: None,
            counted_points: None,
            authorised_at: None,
            payment_system: None,
            chargeback: None,
            autocompletion_at: None,
        };
        self.order.view = Some(SeenView { view, seen_at: ago(1) });
        self
    }

    /// Changes the bank's view.
    pub(crate) fn but(mut self, change: impl FnOnce(&mut BankView)) -> Self {
        change(&mut self.order.view.as_mut().unwrap().view);
        self
    }

    /// Changes the order.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Order)) -> Self {
        change(&mut self.order);
        self
    }

    /// Held ten hours ago; lapses in `hours`.
    pub(crate) fn lapses_in(self, hours: i64) -> Self {
        let hold = Hold { held_at: ago(10), begun_at: ago(10), lapses_at: ago(-hours) };
        self.with(|order| order.hold = Some(hold))
    }

    /// It has the gateway's id `id`.
    pub(crate) fn id(self, id: &str) -> Self {
        self.with(|order| order.order_id = Some(OrderId::new(id).unwrap()))
    }

    /// In review for `sentence`.
    pub(crate) fn because(self, sentence: &str) -> Self {
        let reason = ReviewReason { code: "some_code".to_owned(), sentence: sentence.to_owned() };
        self.with(|order| order.review = Some(reason))
    }

    /// A person has accepted the contradiction `code`.
    pub(crate) fn accepted(self, code: &str) -> Self {
        self.with(|order| order.accepted = Some(code.to_owned()))
    }

    /// Its completion takes `minor` and has been sent `attempt` times, three hours ago.
    pub(crate) fn completion(mut self, state: OperationState, minor: i64, attempt: u32) -> Self {
        let is_sent = attempt > 0;
        self.operation = Some(Operation {
            key: OperationKey(1),
            order: self.order.key,
            kind: OperationKind::Completion,
            amount: CompletionAmount::Exactly(Amount::new(minor).unwrap()),
            ordered: false,
            state,
            attempt,
            unknown_sends: attempt,
            expected_minor: is_sent.then_some(minor),
            refunded_before: None,
            intended_at: ago(4),
            sent_at: is_sent.then_some(ago(3)),
            answered_at: None,
            agreeing_reads: 0,
            asks: 0,
            next_step_at: NOW,
            note: None,
        });
        self
    }
}

/// Payment pages are open for 20 minutes; stuck is what has no outcome 6 hours later; holds are at risk in their last
/// day.
pub(crate) fn with_yardstick<T>(measure: impl FnOnce(Yardstick<'_>) -> T) -> T {
    let hours = |count: u64| Duration::from_secs(count * 3_600);
    let looks = LookPolicy {
        pending: Pending::Tiers(Vec::new()),
        pending_old: hours(1),
        trust_callbacks: true,
        held: hours(1),
        review: hours(1),
        late: Vec::new(),
        payment_time: Duration::from_secs(20 * 60),
        backoff: Duration::from_secs(5),
        backoff_max: hours(1),
    };
    let holds = HoldPolicy {
        lifetime: hours(24 * 7),
        by_system: BTreeMap::new(),
        warn_at: vec![hours(24), hours(6)],
        act_before: hours(3),
        at_deadline: AtDeadline::Review,
    };
    measure(Yardstick { looks: &looks, holds: &holds, stuck_after: hours(6) })
}
