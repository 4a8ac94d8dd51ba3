//! What a registration looks like on the wire, and how its answers are read.

use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::domain::bank::Refusal;
use crate::domain::money::Currency;
use crate::domain::registration::{Table, Terms, read as read_request};

fn request(json: &str) -> Request {
    let terms = Terms { table: Table::RegisterDo, number_max: 32, currency: Currency::RUB, now: None };
    read_request(&Tree::from_json(json).unwrap(), &terms).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn scrubber() -> Scrubber {
    Scrubber::new(&SecretString::from("top-secret".to_owned()))
}

/// The documents' own example (register.do, "POST request example"), as far as it is no other's number.
#[test]
fn every_parameter_has_the_banks_name() {
    let request = request(
        r#"{"order_number": "87654321", "amount": 7035, "return_url": "http://yoursite.com", "fail_url": "https://a/f",
            "dynamic_callback_url": "https://a/c", "description": "d", "language": "RU", "page_view": "DESKTOP",
            "client_id": "c-1", "merchant_login": "merch_child", "params": {"n": 1, "a": "b"}, "binding_id": "b-1",
            "expiration_date": "2014-09-08T14:14:14", "features": ["AUTO_PAYMENT", "FORCE_TDS"], "email": "a@b",
            "phone": "+79123456789", "tax_system": 0, "two_phase": true, "autocompletion_date": "2025-12-29T10:02:51Z",
            "complete_amount": 5000,
            "billing_payer_data": {"billingCity": "Nizhny Novgorod"},
            "additional_ofd_params": {"cashier": "Ivan", "agent_info.type": 7, "supplier_info.phones": ["+7912345678", "+7912345679"]},
            "order_bundle": {"customerDetails": {"phone": "+79123456789", "deliveryInfo": {"country": "RU", "city": "Moscow",
                "postAddress": "Arbat 1"}}, "cartItems": {"items": [{"positionId": 1, "name": "SMALL", "itemCode": "270",
                "quantity": {"value": 1.5, "measure": "kg"}, "itemPrice": 4690, "tax": {"taxType": 0, "taxSum": 0},
                "itemAttributes": {"attributes": [{"name": "paymentMethod", "value": 1}]}}]}}}"#,
    );
    let expected = [
        ("orderNumber", "87654321"),
        ("amount", "7035"),
        ("currency", "643"),
        ("returnUrl", "http://yoursite.com"),
        ("failUrl", "https://a/f"),
        ("dynamicCallbackUrl", "https://a/c"),
        ("description", "d"),
        ("language", "ru"),
        ("pageView", "DESKTOP"),
        ("clientId", "c-1"),
        ("merchantLogin", "merch_child"),
        ("bindingId", "b-1"),
        ("email", "a@b"),
        ("phone", "+79123456789"),
        ("jsonParams", r#"{"a":"b","n":"1"}"#),
        ("expirationDate", "2014-09-08T14:14:14"),
        ("features", "AUTO_PAYMENT"),
        ("features", "FORCE_TDS"),
        ("taxSystem", "0"),
        ("autocompletionDate", "2025-12-29T13:02:51"),
        ("billingPayerData", r#"{"billingCity":"Nizhny Novgorod"}"#),
        (
            "additionalOfdParams",
            r#"{"agent_info.type":"7","cashier":"Ivan","supplier_info.phones":["+7912345678","+7912345679"]}"#,
        ),
        (
            "orderBundle",
            r#"{"cartItems":{"items":[{"itemAttributes":{"attributes":[{"name":"paymentMethod","value":"1"}]},"itemCode":"270","itemPrice":4690,"name":"SMALL","positionId":"1","quantity":{"measure":"kg","value":1.5},"tax":{"taxSum":0,"taxType":"0"}}]},"customerDetails":{"deliveryInfo":{"city":"Moscow","country":"RU","postAddress":"Arbat 1"},"phone":"+79123456789"}}"#,
        ),
    ];
    let fields = fields(&request);
    assert_eq!(fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>(), expected);
    assert_eq!(method(&request), "registerPreAuth.do");
}

#[test]
fn what_is_left_out_is_not_sent() {
    let request = request(r#"{"order_number": "1", "amount": 1, "return_url": "https://a"}"#);
    let names: Vec<_> = fields(&request).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["orderNumber", "amount", "currency", "returnUrl"]);
    assert_eq!(method(&request), "register.do");
}

#[test]
fn an_answer_is_of_one_of_three_classes() {
    let url = "https://3dsec.sberbank.ru/payment/merchants/test/payment_ru.html?mdOrder=70906e55";
    let registered = |form_url: Option<&str>| RegisterAnswer::Registered {
        order_id: OrderId::new("70906e55").unwrap(),
        form_url: form_url.map(str::to_owned),
    };
    let refused = |code, message: &str| RegisterAnswer::Refused(Refusal { code, message: message.to_owned() });
    let table = [
        (format!(r#"{{"orderId":"70906e55","formUrl":"{url}"}}"#), Some(registered(Some(url)))),
        (format!(r#"{{"errorCode":"0","orderId":" 70906e55\n","formUrl":"\n {url} "}}"#), Some(registered(Some(url)))),
        (r#"{"errorCode":0,"orderId":"70906e55"}"#.to_owned(), Some(registered(None))),
        (r#"{"orderId":"70906e55","formUrl":"javascript:alert(1)"}"#.to_owned(), Some(registered(None))),
        (r#"{"errorCode":"1","errorMessage":"duplicate"}"#.to_owned(), Some(refused(1, "duplicate"))),
        (r#"{"errorCode":14,"errorMessage":"features"}"#.to_owned(), Some(refused(14, "features"))),
        (r#"{"errorCode":"5","errorMessage":"top-secret"}"#.to_owned(), Some(refused(5, "[secret]"))),
        (r#"{"errorCode":"7","errorMessage":"System error"}"#.to_owned(), None),
        (r#"{"errorCode":"77"}"#.to_owned(), None),
        (r#"{"errorCode":"0"}"#.to_owned(), None),
        (r#"{"orderId":""}"#.to_owned(), None),
        (r#"{"orderId":7}"#.to_owned(), None),
        (r#"{"orderId":"4111111111111111"}"#.to_owned(), None),
        (r#"{"orderId":"70906e55","formUrl":"https://a/?p=top-secret"}"#.to_owned(), Some(registered(None))),
        (r#"{"orderId":"a b"}"#.to_owned(), None),
        ("{}".to_owned(), None),
        ("<html>".to_owned(), None),
        (String::new(), None),
    ];
    for (body, expected) in table {
        let answer = read(Ok(body.clone().into_bytes()), &scrubber());
        match expected {
            Some(expected) => assert_eq!(answer, expected, "{body}"),
            None => assert!(matches!(answer, RegisterAnswer::Unknown(_)), "{body}: {answer:?}"),
        }
    }
}

proptest! {
    /// Whatever the bytes are: an order is believed registered only with an id that can be asked about.
    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        if let RegisterAnswer::Registered { order_id, .. } = read(Ok(bytes), &scrubber()) {
            prop_assert!(!order_id.as_str().is_empty());
        }
    }
}
