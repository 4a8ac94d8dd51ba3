//! The status answer, version by version.

use super::super::registration::{Payer, Registration};
use super::*;

fn order(state: State) -> Order {
    Order::new("aefe".to_owned(), Registration::new("shop", "order#2", 1_000), 1_531_643_056_391, state)
}

/// As a store sees it whose contract says nothing special.
fn json(state: State) -> serde_json::Value {
    shown_as(&order(state), 46)
}

fn shown_as(order: &Order, status_version: u8) -> serde_json::Value {
    let contract = Contract { status_version, operations: false, ..Contract::default() };
    serde_json::to_value(answer(order, &contract, Language::Ru)).unwrap()
}

fn payment() -> Payment {
    let (approval_code, reference) = ("123456".to_owned(), "580849427803".to_owned());
    Payment { at_ms: 5, approval_code, reference, card: CardSystem::Mir, three_ds: true, points: Vec::new() }
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
    assert_eq!(shown_as(&order(State::Registered { expires_at_ms: 1 }), 15), expected);
}

#[test]
fn a_deposited_order_shows_card_masked_dates_and_amounts() {
    let payment = payment();
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

#[test]
fn each_version_adds_its_fields_to_those_before() {
    let mut paid = order(State::Deposited { payment: payment(), amount_minor: 600, refunded_minor: 100, at_ms: 9 });
    paid.registration.payer = Payer { email: Some("a@b.example".to_owned()), ..Payer::default() };
    paid.registration.order_bundle = Some(serde_json::json!({
        "customerDetails": {"email": "a@b.example", "contact": "x"},
        "cartItems": {"items": [{"positionId": "1", "itemDetails": {}}]},
    }));
    if let State::Deposited { payment, .. } = &mut paid.state {
        let programme = "sbrf_spasibo".to_owned();
        payment.points.push(super::super::payment::Points { programme, approved: 300, deposited: 300, refunded: 0 });
    }
    paid.movements.push(Movement {
        at_ms: 9,
        kind: super::super::order::MovementKind::Refund,
        amount_minor: 100,
        points: 0,
        reference: "1".to_owned(),
        approval_code: "2".to_owned(),
        external_id: Some("R-1".to_owned()),
    });
    // The first version that shows it, and the last.
    for (path, first, last) in [
        ("/orderNumber", 1, 46),
        ("/cardAuthInfo/pan", 1, 46),
        ("/cardAuthInfo/secureAuthInfo/threeDSInfo/cavv", 1, 46),
        ("/authDateTime", 2, 46),
        ("/authRefNum", 2, 46),
        ("/terminalId", 2, 46),
        ("/paymentAmountInfo/depositedAmount", 3, 46),
        ("/bankInfo/bankName", 3, 46),
        ("/orderBundle/cartItems/items/0/positionId", 3, 46),
        ("/orderBundle/customerDetails/contact", 4, 46),
        ("/orderBundle/cartItems/items/0/itemDetails", 4, 46),
        ("/loyaltyInfo/paymentBonus/approvedAmountBonus", 4, 14),
        ("/refunds/0/amount", 5, 46),
        ("/chargeback", 6, 46),
        ("/cardAuthInfo/maskedPan", 8, 46),
        ("/cardAuthInfo/paymentSystem", 8, 46),
        ("/paymentWay", 9, 46),
        ("/depositedDate", 10, 46),
        ("/refundedDate", 12, 46),
        ("/payerData/email", 13, 46),
        ("/transactionAttributes/0/name", 14, 46),
        ("/loyaltyInfos/0/awardBonus/approvedAmountAward", 15, 46),
        ("/feUtrnno", 16, 46),
        ("/paymentAmountInfo/totalAmount", 18, 46),
        ("/refunds/0/externalRefundId", 21, 46),
    ] {
        for version in 1..=46 {
            let there = shown_as(&paid, version).pointer(path).is_some();
            assert_eq!(there, (first..=last).contains(&version), "{path} in {version}");
        }
    }
}

#[test]
fn a_failed_attempt_shows_its_code_and_is_not_the_end() {
    let mut order = order(State::Registered { expires_at_ms: 1 });
    order.failed_attempts = 1;
    let shown = shown_as(&order, 46);
    assert_eq!((&shown["orderStatus"], &shown["actionCode"]), (&0.into(), &116.into()));
    order.state = State::Authenticating { expires_at_ms: 1 };
    assert_eq!(shown_as(&order, 46)["orderStatus"], 5);
    order.state = State::Declined { reason: Decline::AttemptsExhausted, at_ms: 2 };
    let shown = shown_as(&order, 46);
    assert_eq!((&shown["orderStatus"], &shown["actionCode"]), (&6.into(), &(-2013).into()));
}
