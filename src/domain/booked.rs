//! What our book is certain of about an order's money, and reads that fall short of it: they are older than the book.
//!
//! A bank may answer from a copy that lags behind. Two such answers agree with each other, so that agreement alone does
//! not make a read true. But what was confirmed as taken or given back stays so, and what was once shown given back
//! does: a read that shows less is stale and decides nothing, neither a send nor an outcome. One that goes on showing
//! less is for a person, since no copy lags for that long: the bank took a refund back, or our book is wrong.

use std::time::Duration;

use super::bank::{BankStatus, BankView, StatusAnswer};
use super::lifecycle::{self, Contradiction};
use super::operation::{self, Operation, OperationKind, OperationState, SettlePolicy, Step};
use super::order::Order;
use super::time::Timestamp;

/// How long a bank may answer with less than our book is certain of before a person is called about what is open:
/// several times the lag of any copy that serves payments.
pub const OLDER_FOR: Duration = Duration::from_secs(3_600);

/// How many questions about an open operation come before that: an hour in which nobody asked says nothing.
const OLDER_ASKS: u32 = 8;

/// The same for a look at an order with nothing open: one look alone has to tell, and nothing waits for it.
const OLDER_FOR_A_LOOK: Duration = Duration::from_secs(86_400);

/// Sums that our book has confirmed by reads. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Minor units that a confirmed completion took, points included.
    pub taken: i64,
    /// Minor units of all confirmed refunds.
    pub given_back: i64,
    /// The most that had been given back when one of them was measured, with that one.
    pub shown_back: i64,
}

/// What of an operation counts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it does.
    pub kind: OperationKind,
    /// Where it stands.
    pub state: OperationState,
    /// As [`Operation::expected_minor`].
    pub expected_minor: Option<i64>,
    /// As [`Operation::refunded_before`].
    pub refunded_before: Option<i64>,
}

impl Entry {
    /// That of an operation.
    pub const fn of(operation: &Operation) -> Self {
        let Operation { kind, state, expected_minor, refunded_before, .. } = *operation;
        Self { kind, state, expected_minor, refunded_before }
    }
}

impl Booked {
    /// With one more of the order's operations.
    #[must_use]
    pub fn and(self, entry: Entry) -> Self {
        let confirmed =
            if entry.state == OperationState::Confirmed { entry.expected_minor.unwrap_or(0).max(0) } else { 0 };
        // Whatever became of a refund, two reads had shown what it is measured from.
        let shown_back = entry.refunded_before.map_or(0, |before| before.saturating_add(confirmed));
        match entry.kind {
            OperationKind::Completion => Self { taken: self.taken.max(confirmed), ..self },
            OperationKind::Refund => Self {
                given_back: self.given_back.saturating_add(confirmed),
                shown_back: self.shown_back.max(shown_back),
                ..self
            },
            OperationKind::Reversal | OperationKind::Decline => self,
        }
    }
}

/// In what `view` falls short of what our book is certain of about `order`; `None` where it does not, where it shows no
/// sums, and where a person took that very shortfall as true.
///
/// An order that the bank reversed or declined is at another end, whatever its sums: no older answer looks like that.
pub fn falls_short(order: &Order, view: &BankView, booked: &Booked) -> Option<Contradiction> {
    let ended = matches!(view.status, BankStatus::Reversed | BankStatus::Declined);
    let amounts = view.amounts.filter(|_| !ended)?;
    let seen = order.view.as_ref().and_then(|seen| seen.view.amounts).map_or(0, |amounts| amounts.refunded);
    let back = seen.max(booked.given_back).max(booked.shown_back);
    // Banks differ in whether a refund lowers the deposited sum, and may divide one between money and points.
    let points = view.points.map_or(0, |points| points.deposited.saturating_add(points.refunded));
    let taken = amounts.deposited.saturating_add(amounts.refunded).saturating_add(points);
    let less_back = Contradiction::LessGivenBack { ours: back, theirs: amounts.refunded };
    let less_taken = Contradiction::LessTaken { ours: booked.taken, theirs: taken };
    let short = [(amounts.refunded < back, less_back), (taken < booked.taken, less_taken)];
    short.into_iter().find_map(|(is_short, found)| (is_short && !found.is_taken_as_true(order)).then_some(found))
}

/// The view in an answer that contradicts nothing and is older than our book.
pub(super) fn older<'a>(order: &Order, answer: &'a StatusAnswer, booked: &Booked) -> Option<&'a BankView> {
    let StatusAnswer::Known(view) = answer else { return None };
    let is_older = lifecycle::contradiction(order, view).is_none() && falls_short(order, view, booked).is_some();
    is_older.then_some(view)
}

/// What becomes of an open operation whose order the bank shows with less than our book is certain of.
pub(super) fn ask_the_bank_again(
    operation: &Operation,
    order: &Order,
    found: Contradiction,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    let why = format!("{}; older than our book, so it decides nothing", found.reason(order).sentence);
    let for_long = shown_otherwise_for(order, now) >= OLDER_FOR && operation.asks >= OLDER_ASKS;
    match operation.state {
        _ if !for_long => operation::ask_again(operation, policy, now, why),
        // A person held our book to be right, and the bank cannot be asked before a send.
        OperationState::Intended if found.is_accepted(order) => operation::withdraw(why),
        OperationState::Intended => Step::Contradict(found),
        _ => Step::Escalate(found),
    }
}

/// What a look makes of such an answer: a contradiction once the bank has not been seen otherwise for a day.
pub(super) fn after_a_look(order: &Order, view: &BankView, now: Timestamp) -> Option<Contradiction> {
    let is_settled = matches!(view.status, BankStatus::Deposited | BankStatus::Refunded);
    let for_long = shown_otherwise_for(order, now) >= OLDER_FOR_A_LOOK;
    let found = falls_short(order, view, &Booked::default()).filter(|_| is_settled && for_long)?;
    (!found.is_accepted(order)).then_some(found)
}

/// How long ago the latest view was that was not older than our book.
fn shown_otherwise_for(order: &Order, now: Timestamp) -> Duration {
    order.view.as_ref().map_or(Duration::MAX, |seen| now.since(seen.seen_at))
}

#[cfg(test)]
mod tests;
