//! `loyaltyInfo` and `loyaltyInfos`: what became of an order's points.

use serde::Serialize;

use super::order::{Order, State};
use super::payment::{Payment, Points};

/// One programme's points in one order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoyaltyInfo {
    loyalty_name: String,
    payment_bonus: PaymentBonus,
    award_bonus: AwardBonus,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentBonus {
    approved_amount_bonus: i64,
    deposited_amount_bonus: i64,
    refunded_amount_bonus: i64,
    pc_id: String,
    successful: bool,
    payment_operation: &'static str,
}

/// What new points are counted on: the money.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct AwardBonus {
    approved_amount_award: i64,
    deposited_amount_award: i64,
    refunded_amount_award: i64,
    pc_id: String,
    successful: bool,
    payment_operation: &'static str,
}

/// One entry for each programme that was used.
pub(super) fn loyalty(order: &Order, payment: &Payment) -> Vec<LoyaltyInfo> {
    let (paid, awarded) = match &order.state {
        State::Reversed { .. } => ("REVERSE", "REVERSE"),
        state if state.status() == 4 => ("REFUND_PAYMENT", "REFUND_AWARD"),
        _ => ("PAYMENT", "AWARD"),
    };
    let info = |(place, points): (u64, &Points)| LoyaltyInfo {
        loyalty_name: points.programme.clone(),
        payment_bonus: PaymentBonus {
            approved_amount_bonus: if paid == "REVERSE" { 0 } else { points.approved },
            deposited_amount_bonus: points.deposited,
            refunded_amount_bonus: points.refunded,
            pc_id: pc_id(payment, 2 * place),
            successful: true,
            payment_operation: paid,
        },
        award_bonus: AwardBonus {
            approved_amount_award: order.approved_minor(),
            deposited_amount_award: order.deposited_minor(),
            refunded_amount_award: order.refunded_minor(),
            pc_id: pc_id(payment, 2 * place + 1),
            successful: true,
            payment_operation: awarded,
        },
    };
    (0..).zip(&payment.points).map(info).collect()
}

/// Processing numbers its operations; here the numbers follow from the payment's.
pub(super) fn pc_id(payment: &Payment, place: u64) -> String {
    let first = payment.reference.parse::<u64>().unwrap_or_default() % 90_000_000;
    (10_000_000 + first + place).to_string()
}
