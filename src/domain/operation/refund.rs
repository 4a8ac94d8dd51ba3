//! A refund, settled by reads: before a send, something must be left of what was taken; after one, the sum that was
//! given back must have grown by exactly the refund.
//!
//! A refund looks like a part whatever it is: nothing in the bank's answer says whose it was. So one of unknown outcome
//! is sent again only where a second one could not harm: all that is left, since no bank gives back more than was
//! taken, or where the bank knows it by our id.

use super::super::bank::{BankAmounts, BankStatus, BankView};
use super::super::lifecycle::{self, Contradiction};
use super::super::money::for_people;
use super::super::order::{Order, State};
use super::super::time::Timestamp;
use super::settle::{NO_AMOUNTS, NO_ORDER_ID, ask_again, one_more_read, waits_for_quiet, withdraw};
use super::{CompletionAmount, Operation, SettlePolicy, Step};

/// By what a bank that has the tools tells a refund from the same one asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundTools {
    /// Our id of it, the same at every attempt: a refund with an id that the bank knows is not carried out again.
    pub external_id: String,
    /// What must stand deposited for it to be carried out.
    pub expected_deposited: i64,
}

/// The tools of a refund that is about to be sent; `None` where the bank has none, or showed no sums.
pub fn tools(operation: &Operation, order: &Order, policy: &SettlePolicy) -> Option<RefundTools> {
    let amounts = order.view.as_ref().filter(|_| policy.refund_tools)?.view.amounts?;
    // At most 35 of the 36 characters that the id may have. The moment keeps it apart from that of a database that was
    // restored and counts its rows again.
    let external_id = format!("r{}-{}", operation.key.0, operation.intended_at.as_millis());
    Some(RefundTools { external_id, expected_deposited: amounts.deposited })
}

/// What is left to give back of what the bank shows taken. Banks differ in whether a refund lowers the deposited sum;
/// the stricter reading counts, since the other one could give back twice.
pub fn left_minor(amounts: BankAmounts) -> i64 {
    amounts.deposited.saturating_sub(amounts.refunded).max(0)
}

/// Nothing has been sent. The view contradicts nothing that nobody has accepted.
pub(super) fn before_send(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    if !matches!(order.state, State::Deposited | State::Refunded) {
        return withdraw(format!("the order is {} here by now", order.state));
    }
    match view.status {
        BankStatus::Deposited | BankStatus::Refunded => {}
        BankStatus::Reversed | BankStatus::Declined => return withdraw(format!("the bank shows it {}", view.status)),
        BankStatus::Registered | BankStatus::InAuthentication | BankStatus::Held | BankStatus::Other(_) => {
            return ask_again(operation, policy, now, format!("the bank shows {}, not deposited", view.status));
        }
    }
    if view.chargeback == Some(true) {
        return withdraw("the buyer's bank takes the money back already, and a refund would pay twice".to_owned());
    }
    if let Some(found) = lifecycle::not_ours(order, view) {
        return withdraw(format!("{}; refund it in the bank's console", found.reason(order).sentence));
    }
    let Some(amounts) = view.amounts else {
        return ask_again(operation, policy, now, NO_AMOUNTS.to_owned());
    };
    if order.order_id.is_none() {
        return ask_again(operation, policy, now, NO_ORDER_ID.to_owned());
    }
    let Some(expected_minor) = sendable(operation, view, amounts) else {
        return withdraw(not_left(order, view, amounts));
    };
    if shows_the_same(order, view, amounts) {
        Step::Send { expected_minor }
    } else {
        one_more_read(policy, now, "the bank shows what was taken")
    }
}

/// What is given back; `None` where that is more than what is left, or more than what is left in money: the request
/// gives back money alone, and of an order paid partly with points the sums have both in them.
fn sendable(operation: &Operation, view: &BankView, amounts: BankAmounts) -> Option<i64> {
    let left = left_minor(amounts);
    let asked = match operation.amount {
        CompletionAmount::Whole => left,
        CompletionAmount::Exactly(amount) => amount.minor(),
    };
    (asked > 0 && asked <= left.saturating_sub(points_left(view))).then_some(asked)
}

/// What of the sums is points that were taken, and have not all gone back.
fn points_left(view: &BankView) -> i64 {
    view.counted_points.map_or(0, left_minor)
}

fn not_left(order: &Order, view: &BankView, amounts: BankAmounts) -> String {
    let sum = |minor: i64| for_people(minor, order.currency);
    let (left, points) = (left_minor(amounts), points_left(view));
    if points == 0 {
        return format!("the bank shows {} left to give back, and the refund is above that", sum(left));
    }
    format!(
        "the bank shows {} left to give back in money and {} in points, and a refund is asked for in money alone: order \
         one of no more than that, and give the points back in the bank's console",
        sum(left.saturating_sub(points).max(0)),
        sum(points)
    )
}

/// Whether the view that was stored before this one showed the same sums.
fn shows_the_same(order: &Order, view: &BankView, amounts: BankAmounts) -> bool {
    order.view.as_ref().is_some_and(|earlier| {
        let earlier = &earlier.view;
        earlier.status == view.status && earlier.amounts == Some(amounts) && earlier.currency == view.currency
    })
}

/// It was sent: what was given back since tells.
pub(super) fn after_send(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    let shown = || format!("the bank shows {}", view.status);
    let amounts = match (view.status, view.amounts) {
        (BankStatus::Deposited | BankStatus::Refunded | BankStatus::Reversed | BankStatus::Declined, Some(amounts)) => {
            amounts
        }
        (BankStatus::Deposited | BankStatus::Refunded, None) => {
            return ask_again(operation, policy, now, NO_AMOUNTS.to_owned());
        }
        (BankStatus::Reversed | BankStatus::Declined, None) => return another_end(order, view),
        _ => return ask_again(operation, policy, now, shown()),
    };
    let intended = operation.expected_minor.unwrap_or(0);
    let Some(before) = operation.refunded_before else {
        // Sent outside our book: what had been given back by then is not known, so no sum can tell.
        return Step::Escalate(Contradiction::StillUnrefundedAfterSend { attempts: operation.attempt });
    };
    let refunded = amounts.refunded.saturating_sub(before);
    match refunded {
        _ if refunded == intended => Step::Confirm { moved_minor: refunded },
        _ if refunded <= 0 && matches!(view.status, BankStatus::Reversed | BankStatus::Declined) => {
            another_end(order, view)
        }
        _ if refunded < 0 => {
            ask_again(operation, policy, now, "the bank shows less given back than before, so this is older".to_owned())
        }
        0 => still_unrefunded(operation, order, view, amounts, policy, now),
        // Somebody else gave something back. Ours may still come on top of it, so it stays in doubt.
        refunded => Step::Escalate(Contradiction::RefundedAnotherAmount { intended, refunded }),
    }
}

fn another_end(order: &Order, view: &BankView) -> Step {
    Step::Escalate(Contradiction::AnotherEnd { ours: order.state, theirs: view.status })
}

fn still_unrefunded(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    amounts: BankAmounts,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    if operation.unknown_sends == 0 {
        let why = operation.note.clone().unwrap_or_else(|| "the bank refused it".to_owned());
        return Step::RefusedByBank { why };
    }
    if let Some(wait) = waits_for_quiet(operation, policy, now, "nothing given back") {
        return wait;
    }
    let harmless = policy.refund_tools || (policy.resend_whole && operation.amount == CompletionAmount::Whole);
    let may_resend = harmless
        && policy.may_go_again(operation)
        && matches!(order.state, State::Deposited | State::Refunded)
        && view.chargeback != Some(true)
        && lifecycle::not_ours(order, view).is_none();
    match (sendable(operation, view, amounts), operation.expected_minor) {
        (Some(again), Some(before)) if may_resend && again == before => Step::Send { expected_minor: again },
        _ => Step::Escalate(Contradiction::StillUnrefundedAfterSend { attempts: operation.attempt }),
    }
}

#[cfg(test)]
mod tests;
