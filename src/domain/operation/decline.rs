//! A decline, settled by reads: it closes an order that nobody has paid, and no money moves. Whoever pays first wins.

use super::super::bank::{BankStatus, BankView};
use super::super::lifecycle::{self, Contradiction};
use super::super::order::{Order, State};
use super::super::time::Timestamp;
use super::settle::{NO_ORDER_ID, ask_again, one_more_read, waits_for_quiet, withdraw};
use super::{Operation, OperationState, SettlePolicy, Step};

/// Nothing has been sent. The view contradicts nothing that nobody has accepted.
pub(super) fn before_send(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    if order.state != State::Pending {
        return withdraw(format!("the order is {} here by now", order.state));
    }
    match view.status {
        BankStatus::Registered => {}
        BankStatus::Held | BankStatus::Deposited | BankStatus::Refunded => {
            return withdraw(format!("the bank shows it {}: it was paid before it could be declined", view.status));
        }
        BankStatus::Reversed | BankStatus::Declined => return withdraw(format!("the bank shows it {}", view.status)),
        // The buyer is at it: whatever comes of that comes soon.
        BankStatus::InAuthentication | BankStatus::Other(_) => {
            return ask_again(operation, policy, now, format!("the bank shows {}, not registered", view.status));
        }
    }
    if let Some(found) = lifecycle::not_ours(order, view) {
        return withdraw(format!("{}; decline it in the bank's console", found.reason(order).sentence));
    }
    if view.amounts.is_some_and(|amounts| amounts.approved != 0 || amounts.deposited != 0) {
        let why = "the bank shows it registered, and yet a sum held or taken".to_owned();
        return ask_again(operation, policy, now, why);
    }
    if order.order_id.is_none() {
        return ask_again(operation, policy, now, NO_ORDER_ID.to_owned());
    }
    let agrees = order.view.as_ref().is_some_and(|earlier| earlier.view.status == BankStatus::Registered);
    if agrees {
        Step::Send { expected_minor: order.amount.minor() }
    } else {
        one_more_read(policy, now, "the bank shows that nobody has paid")
    }
}

/// It was sent: the status tells, and no sum has to stand beside it.
pub(super) fn after_send(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    let deposited = view.amounts.map_or(0, |amounts| amounts.deposited);
    match view.status {
        BankStatus::Reversed | BankStatus::Declined if deposited == 0 => {
            Step::Confirm { moved_minor: operation.expected_minor.unwrap_or(0) }
        }
        // A payment is presence: no decline undoes one. A sum under such an end is the look's to contradict.
        _ if deposited != 0 => {
            refused(format!("the bank shows it {}: it was paid before it was declined", view.status))
        }
        BankStatus::Held | BankStatus::Deposited | BankStatus::Refunded => {
            refused(format!("the bank shows it {}: it was paid before it was declined", view.status))
        }
        BankStatus::Registered => still_registered(operation, order, view, policy, now),
        BankStatus::InAuthentication | BankStatus::Reversed | BankStatus::Declined | BankStatus::Other(_) => {
            ask_again(operation, policy, now, format!("the bank shows {}", view.status))
        }
    }
}

fn still_registered(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    if operation.unknown_sends == 0 {
        // Nothing is lost and nothing moved: the order waits for its buyer, as before.
        return refused(operation.note.clone().unwrap_or_else(|| "the bank refused it".to_owned()));
    }
    if let Some(wait) = waits_for_quiet(operation, policy, now, "it registered") {
        return wait;
    }
    let may_resend = policy.resend_whole
        && policy.may_go_again(operation)
        && order.state == State::Pending
        && lifecycle::not_ours(order, view).is_none();
    match operation.expected_minor {
        Some(expected_minor) if may_resend => Step::Send { expected_minor },
        _ => Step::Escalate(Contradiction::StillOpenAfterDecline { attempts: operation.attempt }),
    }
}

fn refused(why: String) -> Step {
    Step::Settle { state: OperationState::Refused, why }
}
