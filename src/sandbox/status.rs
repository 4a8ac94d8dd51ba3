//! The answer of `getOrderStatusExtended.do`, with the gateway's quirks.
//!
//! Amounts, dates (epoch ms) and statuses are numbers, errorCode and currency are text, the order id stands only in
//! `attributes`, and an unpaid order has neither card nor buyer's address. Which fields there are depends on the
//! version in the store's contract. No real card exists here: the one shown is the schemes' published test number,
//! masked.

use serde::Serialize;

use super::contract::Contract;
use super::errors::{self, Language};
use super::loyalty::{LoyaltyInfo, loyalty};
use super::order::{Decline, Movement, Order, State};
use super::payment::{CardSystem, Payment};

/// A found order, as the wire shows it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusAnswer {
    error_code: &'static str,
    error_message: &'static str,
    order_number: String,
    order_status: u8,
    action_code: i32,
    action_code_description: &'static str,
    pub(super) amount: i64,
    currency: &'static str,
    date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposited_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed_date: Option<i64>,
    order_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<&'static str>,
    merchant_order_params: Vec<NameValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_attributes: Option<Vec<NameValue>>,
    attributes: [NameValue; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    card_auth_info: Option<CardAuthInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_info: Option<BindingInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_date_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_ref_num: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payment_amount_info: Option<PaymentAmountInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_info: Option<BankInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_data: Option<PayerData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_bundle: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loyalty_info: Option<LoyaltyInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loyalty_infos: Option<Vec<LoyaltyInfo>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operations: Vec<OperationLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chargeback: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_way: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fe_utrnno: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avs_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_error_message: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct NameValue {
    name: String,
    value: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct CardAuthInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    masked_pan: Option<&'static str>,
    expiration: &'static str,
    cardholder_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_system: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secure_auth_info: Option<SecureAuthInfo>,
    pan: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecureAuthInfo {
    eci: &'static str,
    #[serde(rename = "threeDSInfo")]
    three_ds_info: ThreeDsInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pa_res_status: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct ThreeDsInfo {
    cavv: &'static str,
    xid: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct BindingInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_id: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentAmountInfo {
    payment_state: &'static str,
    pub(super) approved_amount: i64,
    pub(super) deposited_amount: i64,
    refunded_amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fee_amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_amount: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "they are the wire's names")]
struct BankInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_name: Option<&'static str>,
    bank_country_code: &'static str,
    bank_country_name: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct PayerData {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_address: Option<String>,
}

/// `refunds[]`. Its date is text, as one gateway documents it; other dates are numbers.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundLine {
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_refund_id: Option<String>,
    approval_code: String,
    action_code: u8,
    reference_number: String,
    amount: i64,
}

/// `operations[]`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationLine {
    date: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    amount: i64,
    reference_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_refund_id: Option<String>,
    approval_code: String,
    action_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_bonus: Option<i64>,
}

/// Some buyer's address, from the block reserved for documentation.
pub(super) const BUYER_IP: &str = "203.0.113.17";

/// The published test number, masked as the gateway masks.
pub(super) const MASKED_PAN: &str = "411111**1111";

/// The answer about an order as it stands.
pub(super) fn answer(order: &Order, contract: &Contract, language: Language) -> StatusAnswer {
    let registration = &order.registration;
    let version = contract.status_version;
    // From which version on a field is there: the documents' tables, and for what they leave out their two examples.
    let from = |first: u8| version >= first;
    let (action_code, action_code_description) = action(order, language);
    let dates = EndingDates::of(order);
    let payment = order.state.payment();
    let attempted = attempted(order);
    let loyalties = payment.map(|payment| loyalty(order, payment)).unwrap_or_default();
    StatusAnswer {
        error_code: "0",
        error_message: errors::SUCCESS.text(language),
        order_number: registration.order_number.clone(),
        order_status: order.state.status(),
        action_code,
        action_code_description,
        amount: registration.amount_minor,
        currency: registration.currency.number,
        date: order.registered_at_ms,
        deposited_date: dates.deposited.filter(|_| from(10)),
        refunded_date: dates.refunded.filter(|_| from(12)),
        reversed_date: dates.reversed.filter(|_| from(12)),
        order_description: registration.description.clone(),
        ip: attempted.then_some(BUYER_IP),
        merchant_order_params: registration.params.iter().map(pair).collect(),
        transaction_attributes: (attempted && from(14)).then(transaction_attributes),
        attributes: [NameValue { name: "mdOrder".to_owned(), value: order.id.clone() }],
        card_auth_info: attempted.then(|| card(payment, version)),
        binding_info: binding(order),
        auth_date_time: payment.map(|payment| payment.at_ms).filter(|_| from(2)),
        terminal_id: from(2).then_some("123456"),
        auth_ref_num: payment.map(|payment| payment.reference.clone()).filter(|_| from(2)),
        payment_amount_info: from(3).then(|| amounts(order, contract)),
        bank_info: from(3).then(|| bank(attempted, language)),
        payer_data: payer(order).filter(|_| from(13)),
        order_bundle: registration.order_bundle.as_ref().filter(|_| from(3)).map(|bundle| shown(bundle, version)),
        loyalty_info: loyalties.first().filter(|_| from(4) && !from(15)).cloned(),
        loyalty_infos: (from(15) && !loyalties.is_empty()).then_some(loyalties),
        refunds: if from(5) { refunds(order, version) } else { Vec::new() },
        operations: if contract.operations { operations(order) } else { Vec::new() },
        chargeback: (attempted && from(6)).then_some(order.charged_back),
        payment_way: (attempted && from(9)).then(|| payment_way(order)),
        fe_utrnno: payment.filter(|_| from(16)).and_then(|payment| payment.reference.parse().ok()),
        avs_code: (attempted && from(19)).then_some("-"),
        display_error_message: (attempted && from(33) && action_code != 0).then_some(action_code_description),
    }
}

fn pair((name, value): &(String, String)) -> NameValue {
    NameValue { name: name.clone(), value: value.clone() }
}

fn transaction_attributes() -> Vec<NameValue> {
    vec![NameValue { name: "merchantIp".to_owned(), value: BUYER_IP.to_owned() }]
}

/// Whether a card was ever tried.
pub(super) fn attempted(order: &Order) -> bool {
    let declined = matches!(
        order.state,
        State::Declined { reason: Decline::ByIssuer | Decline::AttemptsExhausted, .. } | State::Authenticating { .. }
    );
    declined || order.state.payment().is_some() || order.failed_attempts > 0
}

/// actionCode and what it says. -100 is "nobody has tried to pay yet"; after a failed attempt it tells of that one, and
/// is not final while the order is open.
pub(super) fn action(order: &Order, language: Language) -> (i32, &'static str) {
    let (code, ru, en) = match &order.state {
        State::Registered { .. } if order.failed_attempts == 0 => (-100, "", ""),
        State::Registered { .. } | State::Declined { reason: Decline::ByIssuer, .. } => {
            (116, "Недостаточно средств на карте", "Insufficient funds on the card")
        }
        State::Authenticating { .. } => (-9000, "Начало транзакции", "The transaction has begun"),
        State::Held { .. } | State::Deposited { .. } | State::Reversed { .. } => {
            (0, "Запрос успешно обработан", "Request processed successfully")
        }
        State::Declined { reason: Decline::AttemptsExhausted, .. } => {
            (-2013, "Исчерпаны попытки оплаты", "The payment attempts are exhausted")
        }
        State::Declined { reason: Decline::TimeRanOut, .. } => {
            (-2007, "Время сессии истекло", "The session time has expired")
        }
        State::Declined { reason: Decline::ByStore { .. }, .. } => (4005, "Отказ мерчанта", "Declined by the merchant"),
    };
    match language {
        Language::Ru => (code, ru),
        Language::En => (code, en),
    }
}

/// depositedDate, refundedDate and reversedDate.
#[derive(Default)]
struct EndingDates {
    deposited: Option<i64>,
    refunded: Option<i64>,
    reversed: Option<i64>,
}

impl EndingDates {
    fn of(order: &Order) -> EndingDates {
        match &order.state {
            State::Deposited { at_ms, .. } if order.state.status() == 4 => {
                let taken = order.movements.iter().rfind(|movement| movement.kind.takes());
                let deposited = Some(taken.map_or(*at_ms, |movement| movement.at_ms));
                EndingDates { deposited, refunded: Some(*at_ms), reversed: None }
            }
            State::Deposited { at_ms, .. } => EndingDates { deposited: Some(*at_ms), ..EndingDates::default() },
            State::Reversed { at_ms, .. } => EndingDates { reversed: Some(*at_ms), ..EndingDates::default() },
            State::Registered { .. } | State::Authenticating { .. } | State::Held { .. } | State::Declined { .. } => {
                EndingDates::default()
            }
        }
    }
}

fn card(payment: Option<&Payment>, version: u8) -> CardAuthInfo {
    let system = payment.map_or(CardSystem::default(), |payment| payment.card);
    let secure = payment.filter(|payment| payment.three_ds).map(|_| SecureAuthInfo {
        eci: "5",
        three_ds_info: ThreeDsInfo { cavv: "AAABCSIIEQAAAAAAEAAAAAAAAAA=", xid: "MDAwMDAwMDEzNTIwNzI1OTk5NDE=" },
        pa_res_status: (version >= 7).then_some("Y"),
    });
    CardAuthInfo {
        masked_pan: (version >= 8).then_some(MASKED_PAN),
        expiration: "203412",
        cardholder_name: "CARDHOLDER NAME",
        approval_code: payment.map(|payment| payment.approval_code.clone()),
        payment_system: (version >= 8).then_some(system.wire()),
        product: (version >= 8).then_some("CLASSIC"),
        secure_auth_info: secure,
        pan: MASKED_PAN,
    }
}

fn binding(order: &Order) -> Option<BindingInfo> {
    let client_id = order.registration.client_id.clone();
    let binding_id = order.binding_id.clone();
    (client_id.is_some() || binding_id.is_some()).then_some(BindingInfo { client_id, binding_id })
}

fn payment_way(order: &Order) -> &'static str {
    if order.registration.binding_id.is_some() { "CARD_BINDING" } else { "CARD" }
}

fn payer(order: &Order) -> Option<PayerData> {
    let payer = order.registration.payer.clone();
    let given = payer.email.is_some() || payer.phone.is_some() || payer.post_address.is_some();
    given.then_some(PayerData { email: payer.email, phone: payer.phone, post_address: payer.post_address })
}

fn amounts(order: &Order, contract: &Contract) -> PaymentAmountInfo {
    let version = contract.status_version;
    let paid = order.state.payment().is_some();
    let total = order.registration.amount_minor;
    PaymentAmountInfo {
        payment_state: order.state.payment_state(),
        approved_amount: order.approved_minor(),
        deposited_amount: deposited_amount(order, contract),
        refunded_amount: order.refunded_minor(),
        fee_amount: (paid && version >= 11).then_some(0),
        total_amount: (version >= 18).then_some(total),
    }
}

/// `depositedAmount`, as this store is shown it.
pub(super) fn deposited_amount(order: &Order, contract: &Contract) -> i64 {
    if contract.deposited_net_of_refunds { order.refundable_minor() } else { order.deposited_minor() }
}

/// The cart as it was sent, less what an older version does not know.
fn shown(bundle: &serde_json::Value, version: u8) -> serde_json::Value {
    let mut bundle = bundle.clone();
    if version < 4 {
        if let Some(details) = bundle.get_mut("customerDetails").and_then(serde_json::Value::as_object_mut) {
            details.remove("contact");
            details.remove("deliveryInfo");
        }
        let items = bundle.pointer_mut("/cartItems/items").and_then(serde_json::Value::as_array_mut);
        for item in items.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
            item.remove("itemDetails");
        }
    }
    bundle
}

/// None while a stale copy shows a time before any.
fn refunds(order: &Order, version: u8) -> Vec<RefundLine> {
    let line = |refund: &Movement| RefundLine {
        date: refund.at_ms.to_string(),
        external_refund_id: refund.external_id.clone().filter(|_| version >= 21),
        approval_code: refund.approval_code.clone(),
        action_code: 0,
        reference_number: refund.reference.clone(),
        amount: refund.amount_minor,
    };
    let refunded = order.state.status() == 4;
    order.refunds().filter(|_| refunded).map(line).collect()
}

fn operations(order: &Order) -> Vec<OperationLine> {
    let line = |movement: &Movement| OperationLine {
        date: movement.at_ms,
        kind: movement.kind.wire(),
        amount: movement.amount_minor,
        reference_number: movement.reference.clone(),
        external_refund_id: movement.external_id.clone(),
        approval_code: movement.approval_code.clone(),
        action_code: 0,
        amount_bonus: (movement.points != 0).then_some(movement.points),
    };
    order.movements.iter().map(line).collect()
}

fn bank(attempted: bool, language: Language) -> BankInfo {
    let (bank_name, bank_country_code, ru, en) = if attempted {
        (Some("TEST CARD"), "RU", "Россия", "Russian Federation")
    } else {
        (None, "UNKNOWN", "<Неизвестно>", "<Unknown>")
    };
    BankInfo {
        bank_name,
        bank_country_code,
        bank_country_name: match language {
            Language::Ru => ru,
            Language::En => en,
        },
    }
}

#[cfg(test)]
mod tests;
