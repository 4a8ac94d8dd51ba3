//! The answer of `getOrderStatusExtended.do`, with the gateway's quirks.
//!
//! Amounts, dates (epoch ms) and statuses are numbers, errorCode and currency are text, the order id stands only in
//! `attributes`, and an unpaid order has neither card nor buyer's address. No real card exists here: the one shown is the
//! schemes' published test number, masked.

use serde::Serialize;

use super::errors::{self, Language};
use super::order::{CardSystem, Decline, Order, State};

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
    pub(super) currency: &'static str,
    date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposited_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed_date: Option<i64>,
    order_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<&'static str>,
    merchant_order_params: Vec<NameValue>,
    attributes: [NameValue; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    card_auth_info: Option<CardAuthInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_date_time: Option<i64>,
    terminal_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_ref_num: Option<String>,
    pub(super) payment_amount_info: PaymentAmountInfo,
    bank_info: BankInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    chargeback: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_way: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct NameValue {
    name: String,
    value: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct CardAuthInfo {
    masked_pan: &'static str,
    expiration: &'static str,
    cardholder_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_code: Option<String>,
    payment_system: &'static str,
    pan: &'static str,
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

/// Some buyer's address, from the block reserved for documentation.
const BUYER_IP: &str = "203.0.113.17";

/// The answer about an order as it stands.
pub(super) fn answer(order: &Order, language: Language) -> StatusAnswer {
    let registration = &order.registration;
    let (action_code, action_code_description) = action(&order.state, language);
    let (deposited_date, reversed_date) = ending_dates(&order.state);
    let payment = order.state.payment();
    let attempted = payment.is_some() || declined_by_issuer(&order.state);
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
        deposited_date,
        reversed_date,
        order_description: registration.description.clone(),
        ip: attempted.then_some(BUYER_IP),
        merchant_order_params: registration.params.iter().map(pair).collect(),
        attributes: [NameValue { name: "mdOrder".to_owned(), value: order.id.clone() }],
        card_auth_info: attempted.then(|| card(&order.state)),
        auth_date_time: payment.map(|payment| payment.at_ms),
        terminal_id: "123456",
        auth_ref_num: payment.map(|payment| payment.reference.clone()),
        payment_amount_info: amounts(order),
        bank_info: bank(attempted, language),
        chargeback: attempted.then_some(order.charged_back),
        payment_way: attempted.then_some("CARD"),
    }
}

fn pair((name, value): &(String, String)) -> NameValue {
    NameValue { name: name.clone(), value: value.clone() }
}

fn declined_by_issuer(state: &State) -> bool {
    matches!(state, State::Declined { reason: Decline::ByIssuer, .. })
}

/// actionCode and what it says. -100 is "nobody has tried to pay yet".
fn action(state: &State, language: Language) -> (i32, &'static str) {
    let (code, ru, en) = match state {
        State::Registered { .. } => (-100, "", ""),
        State::Held { .. } | State::Deposited { .. } | State::Reversed { .. } => {
            (0, "Запрос успешно обработан", "Request processed successfully")
        }
        State::Declined { reason: Decline::ByIssuer, .. } => {
            (116, "Недостаточно средств на карте", "Insufficient funds on the card")
        }
        State::Declined { reason: Decline::TimeRanOut, .. } => {
            (-2007, "Время сессии истекло", "The session time has expired")
        }
    };
    match language {
        Language::Ru => (code, ru),
        Language::En => (code, en),
    }
}

/// depositedDate and reversedDate.
fn ending_dates(state: &State) -> (Option<i64>, Option<i64>) {
    match state {
        State::Deposited { at_ms, .. } => (Some(*at_ms), None),
        State::Reversed { at_ms, .. } => (None, Some(*at_ms)),
        State::Registered { .. } | State::Held { .. } | State::Declined { .. } => (None, None),
    }
}

fn card(state: &State) -> CardAuthInfo {
    CardAuthInfo {
        masked_pan: "411111**1111",
        expiration: "203412",
        cardholder_name: "CARDHOLDER NAME",
        approval_code: state.payment().map(|payment| payment.approval_code.clone()),
        payment_system: state.payment().map_or(CardSystem::default(), |payment| payment.card).wire(),
        pan: "411111**1111",
    }
}

fn amounts(order: &Order) -> PaymentAmountInfo {
    let (payment_state, paid) = match &order.state {
        State::Registered { .. } => ("CREATED", false),
        State::Held { .. } => ("APPROVED", true),
        State::Deposited { .. } => ("DEPOSITED", true),
        State::Declined { .. } => ("DECLINED", false),
        State::Reversed { .. } => ("REVERSED", true),
    };
    PaymentAmountInfo {
        payment_state,
        approved_amount: order.approved_minor(),
        deposited_amount: order.deposited_minor(),
        refunded_amount: order.refunded_minor(),
        fee_amount: paid.then_some(0),
    }
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
mod tests {
    use super::super::order::Payment;
    use super::super::registration::Registration;
    use super::*;

    fn json(state: State) -> serde_json::Value {
        let order = Order {
            id: "aefe".to_owned(),
            registration: Registration::new("shop", "order#2", 1_000),
            registered_at_ms: 1_531_643_056_391,
            state,
            earlier: None,
            deposits: 0,
            charged_back: false,
            refund_ids: Vec::new(),
        };
        serde_json::to_value(answer(&order, Language::Ru)).unwrap()
    }

    #[test]
    fn an_unpaid_order_is_shown_as_the_gateway_showed_one() {
        let mut expected = serde_json::json!({
            "errorCode": "0", "errorMessage": "Успешно", "orderNumber": "order#2", "orderStatus": 0,
            "actionCode": -100, "actionCodeDescription": "", "amount": 1000, "currency": "643",
            "date": 1_531_643_056_391_i64, "merchantOrderParams": [],
            "attributes": [{"name": "mdOrder", "value": "aefe"}], "terminalId": "123456",
            "paymentAmountInfo": {"paymentState": "CREATED", "approvedAmount": 0, "depositedAmount": 0, "refundedAmount": 0},
            "bankInfo": {"bankCountryCode": "UNKNOWN", "bankCountryName": "<Неизвестно>"},
        });
        expected["orderDescription"] = "".into();
        assert_eq!(json(State::Registered { expires_at_ms: 1 }), expected);
    }

    #[test]
    fn a_deposited_order_shows_card_masked_dates_and_amounts() {
        let (approval_code, reference) = ("123456".to_owned(), "580849427803".to_owned());
        let payment = Payment { at_ms: 5, approval_code, reference, card: CardSystem::Mir };
        let shown = json(State::Deposited { payment, amount_minor: 600, refunded_minor: 0, at_ms: 9 });
        assert_eq!(shown["orderStatus"], 2);
        assert_eq!((&shown["authDateTime"], &shown["depositedDate"]), (&5.into(), &9.into()));
        assert_eq!(shown["cardAuthInfo"]["pan"], shown["cardAuthInfo"]["maskedPan"]);
        assert_eq!(shown["paymentAmountInfo"]["approvedAmount"], 1000);
        assert_eq!(shown["paymentAmountInfo"]["depositedAmount"], 600);
        assert_eq!((&shown["chargeback"], &shown["cardAuthInfo"]["paymentSystem"]), (&false.into(), &"MIR".into()));
    }

    #[test]
    fn an_expired_session_says_so() {
        let shown = json(State::Declined { reason: Decline::TimeRanOut, at_ms: 9 });
        assert_eq!((&shown["orderStatus"], &shown["actionCode"]), (&6.into(), &(-2007).into()));
        assert_eq!(shown["paymentAmountInfo"]["paymentState"], "DECLINED");
        assert!(shown.get("cardAuthInfo").is_none() && shown.get("ip").is_none());
    }
}
