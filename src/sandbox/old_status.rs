//! The answer of `getOrderStatus.do`, the older request: most names begin with a capital, and less is told.

use serde::Serialize;

use super::contract::Contract;
use super::errors::{self, Language};
use super::order::{Decline, Order, State};
use super::status::{BUYER_IP, MASKED_PAN, attempted, deposited_amount};

/// A found order, as the older request shows it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OldStatusAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<&'static str>,
    #[serde(rename = "cardholderName", skip_serializing_if = "Option::is_none")]
    cardholder_name: Option<&'static str>,
    #[serde(rename = "depositAmount")]
    deposit_amount: i64,
    currency: &'static str,
    #[serde(rename = "approvalCode", skip_serializing_if = "Option::is_none")]
    approval_code: Option<String>,
    /// Obsolete, and always 2.
    #[serde(rename = "authCode")]
    auth_code: u8,
    #[serde(rename = "clientId", skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(rename = "bindingId", skip_serializing_if = "Option::is_none")]
    binding_id: Option<String>,
    #[serde(rename = "ErrorCode")]
    error_code: &'static str,
    #[serde(rename = "ErrorMessage")]
    error_message: &'static str,
    #[serde(rename = "OrderStatus")]
    order_status: u8,
    #[serde(rename = "OrderNumber")]
    order_number: String,
    #[serde(rename = "Pan", skip_serializing_if = "Option::is_none")]
    pan: Option<&'static str>,
    #[serde(rename = "Amount")]
    amount: i64,
    #[serde(rename = "Ip", skip_serializing_if = "Option::is_none")]
    ip: Option<&'static str>,
}

/// The answer about an order as it stands. A card that was refused is code 2, although the request itself went well.
pub(super) fn answer(order: &Order, contract: &Contract, language: Language) -> OldStatusAnswer {
    let refused = matches!(order.state, State::Declined { reason: Decline::ByIssuer | Decline::AttemptsExhausted, .. });
    let said = if refused { errors::PAYMENT_DECLINED } else { errors::SUCCESS };
    let attempted = attempted(order);
    OldStatusAnswer {
        expiration: attempted.then_some("203412"),
        cardholder_name: attempted.then_some("CARDHOLDER NAME"),
        deposit_amount: deposited_amount(order, contract),
        currency: order.registration.currency.number,
        approval_code: order.state.payment().map(|payment| payment.approval_code.clone()),
        auth_code: 2,
        client_id: order.registration.client_id.clone(),
        binding_id: order.binding_id.clone(),
        error_code: if refused { "2" } else { "0" },
        error_message: said.text(language),
        order_status: order.state.status(),
        order_number: order.registration.order_number.clone(),
        pan: attempted.then_some(MASKED_PAN),
        amount: order.registration.amount_minor,
        ip: attempted.then_some(BUYER_IP),
    }
}
