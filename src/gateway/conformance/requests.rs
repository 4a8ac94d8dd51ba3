//! Golden requests: byte for byte, credentials in the body and nowhere else.

use super::*;
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::OrderNumber;
use crate::domain::registration::{Request as Registration, Table, Terms, Tree, read};
use crate::domain::time::Timestamp;
use crate::gateway::last_orders::LastOrders;
use crate::gateway::request::{Encoded, Named, NoWord, Request};
use crate::gateway::{rest, soap as soap_wire};

const REST_LOGIN: &str = "userName=shop-api&password=p%26%3Css%22w%270%3Ed+%2B%25";

const MERCHANT: &str = "http://engine.paymentgate.ru/webservices/merchant";
const LOYALTY: &str = "http://engine.paymentgate.ru/webservices/merchant/loyalty";

fn envelope(namespace: &str, body: &str) -> String {
    let header = concat!(
        "<soapenv:Header><wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/",
        "oasis-200401-wss-wssecurity-secext-1.0.xsd\"><wsse:UsernameToken>",
        "<wsse:Username>shop-api</wsse:Username><wsse:Password Type=\"http://docs.oasis-open.org/wss/2004/01/",
        "oasis-200401-wss-username-token-profile-1.0#PasswordText\">p&amp;&lt;ss&quot;w&apos;0&gt;d +%</wsse:Password>",
        "</wsse:UsernameToken></wsse:Security></soapenv:Header>"
    );
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:mer=\"{namespace}\">{header}\
         <soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

/// A request, its REST path and own fields, and its envelope's namespace and body.
type Row<'a> = (Request<'a>, &'static str, &'static str, Result<(&'static str, &'static str), NoWord>);

#[test]
#[expect(clippy::too_many_lines, reason = "one table of every request")]
fn each_request_is_written_as_the_documents_have_it() {
    let (id, number) = (order_id(), OrderNumber::new("A-1&<2>", 32).unwrap());
    let order_id = &id;
    let part = CompletionAmount::Exactly(Amount::new(6_535).unwrap());
    let minor = std::num::NonZeroI64::new(100).unwrap();
    let at = Timestamp::from_millis(1_795_165_200_000);
    let last = LastOrders { page: 2, from: at, to: at.plus(Duration::from_secs(86_399)) };
    let table: [Row<'_>; 11] = [
        (
            Request::Status { order: Named::Id(order_id) },
            "getOrderStatusExtended.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&language=ru",
            Ok((
                MERCHANT,
                "<mer:getOrderStatusExtended><order orderId=\"b6f698e1-fb8d-7b6d-8f56-130700ef5d58\" language=\"ru\">\
                 </order></mer:getOrderStatusExtended>",
            )),
        ),
        (
            Request::Status { order: Named::Number(&number) },
            "getOrderStatusExtended.do",
            "orderNumber=A-1%26%3C2%3E&language=ru",
            Ok((
                MERCHANT,
                "<mer:getOrderStatusExtended><order language=\"ru\"><merchantOrderNumber>A-1&amp;&lt;2&gt;\
                 </merchantOrderNumber></order></mer:getOrderStatusExtended>",
            )),
        ),
        (
            Request::AutoCompletion { order_id, amount: CompletionAmount::Whole },
            "autoCompletion.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&compositeCompletionAmount=0",
            Ok((
                LOYALTY,
                "<mer:autoCompletion><autoCompletionRequest orderId=\"b6f698e1-fb8d-7b6d-8f56-130700ef5d58\" \
                 compositeCompletionAmount=\"0\" language=\"ru\"></autoCompletionRequest></mer:autoCompletion>",
            )),
        ),
        (
            Request::AutoCompletion { order_id, amount: part },
            "autoCompletion.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&compositeCompletionAmount=6535",
            Ok((
                LOYALTY,
                "<mer:autoCompletion><autoCompletionRequest orderId=\"b6f698e1-fb8d-7b6d-8f56-130700ef5d58\" \
                 compositeCompletionAmount=\"6535\" language=\"ru\"></autoCompletionRequest></mer:autoCompletion>",
            )),
        ),
        (
            Request::Deposit { order_id, amount: CompletionAmount::Whole },
            "deposit.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&amount=0",
            Ok((
                MERCHANT,
                "<mer:depositOrder><order orderId=\"b6f698e1-fb8d-7b6d-8f56-130700ef5d58\" depositAmount=\"0\" \
                 language=\"ru\"></order></mer:depositOrder>",
            )),
        ),
        (
            Request::Deposit { order_id, amount: part },
            "deposit.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&amount=6535",
            Ok((
                MERCHANT,
                "<mer:depositOrder><order orderId=\"b6f698e1-fb8d-7b6d-8f56-130700ef5d58\" depositAmount=\"6535\" \
                 language=\"ru\"></order></mer:depositOrder>",
            )),
        ),
        (
            Request::Reverse { order_id },
            "reverse.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58",
            Ok((
                MERCHANT,
                "<mer:reverseOrder><order orderId=\"b6f698e1-fb8d-7b6d-8f56-130700ef5d58\" language=\"ru\"></order>\
                 </mer:reverseOrder>",
            )),
        ),
        (
            Request::Refund { order_id, minor, external_refund_id: None, expected_deposited_minor: Some(300) },
            "refund.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&amount=100&expectedDepositedAmount=300",
            Ok((
                MERCHANT,
                "<mer:refundOrder><order orderId=\"b6f698e1-fb8d-7b6d-8f56-130700ef5d58\" refundAmount=\"100\" \
                 language=\"ru\"><expectedDepositedAmount>300</expectedDepositedAmount></order></mer:refundOrder>",
            )),
        ),
        (
            Request::Refund { order_id, minor, external_refund_id: Some("r-1"), expected_deposited_minor: None },
            "refund.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&amount=100&externalRefundId=r-1",
            Err(NoWord("externalRefundId")),
        ),
        (
            Request::Decline { order_id, order_number: &number },
            "decline.do",
            "orderId=b6f698e1-fb8d-7b6d-8f56-130700ef5d58&orderNumber=A-1%26%3C2%3E&language=ru",
            Err(NoWord("decline")),
        ),
        (
            Request::LastOrders(last),
            "getLastOrdersForMerchants.do",
            "language=ru&page=2&size=50&from=20261120120000&to=20261121115959&transactionStates=CREATED%2CAPPROVED%2C\
             DEPOSITED%2CDECLINED%2CREVERSED%2CREFUNDED&merchants=&searchByCreatedDate=true",
            Ok((
                MERCHANT,
                "<mer:getLastOrdersForMerchants><request><page>2</page><size>50</size>\
                 <from>2026-11-20T12:00:00+03:00</from><to>2026-11-21T11:59:59+03:00</to><transactionStates>\
                 <transactionStates>CREATED</transactionStates><transactionStates>APPROVED</transactionStates>\
                 <transactionStates>DEPOSITED</transactionStates><transactionStates>DECLINED</transactionStates>\
                 <transactionStates>REVERSED</transactionStates><transactionStates>REFUNDED</transactionStates>\
                 </transactionStates><merchants></merchants><searchByCreatedDate>true</searchByCreatedDate></request>\
                 </mer:getLastOrdersForMerchants>",
            )),
        ),
    ];
    for (request, path, fields, expected) in table {
        let form = rest::encode(&request, &config(Protocol::Rest));
        assert_eq!(form.url, format!("https://bank.example/payment/rest/{path}"));
        assert_eq!(form.body, format!("{REST_LOGIN}&{fields}"), "{request:?}");
        assert_eq!((form.content_type, form.soap_action), ("application/x-www-form-urlencoded", None));
        let encoded = soap_wire::encode(&request, &soap());
        match (encoded, expected) {
            (Ok(Encoded { url, content_type, soap_action, body }), Ok((namespace, expected))) => {
                assert_eq!(body, envelope(namespace, expected), "{request:?}");
                let service = if namespace == LOYALTY { "merchant-loyalty-ws" } else { "merchant-ws" };
                assert_eq!(url, format!("https://bank.example/payment/webservices/{service}"));
                assert_eq!((content_type, soap_action), ("text/xml; charset=utf-8", Some("\"\"")));
            }
            (Err(no_word), Err(expected)) => assert_eq!(no_word, expected, "{request:?}"),
            (encoded, _) => panic!("{request:?}: {:?}", encoded.map(|encoded| encoded.body)),
        }
    }
}

#[test]
fn a_token_goes_where_a_login_would() {
    let token = Credentials::Token(SecretString::from("t&k".to_owned()));
    let id = order_id();
    let request = Request::Reverse { order_id: &id };
    let form = rest::encode(&request, &GatewayConfig { credentials: token.clone(), ..config(Protocol::Rest) });
    assert_eq!(form.body, format!("token=t%26k&orderId={}", id.as_str()));
    assert!(soap_wire::encode(&request, &GatewayConfig { credentials: token, ..soap() }).is_err());
}

/// The loyalty service is where composite completions are; nothing else is sent there, and they nowhere else.
#[test]
fn without_a_loyalty_service_a_composite_completion_is_not_sent() {
    let id = order_id();
    let without = GatewayConfig { protocol: Protocol::Soap { loyalty_url: None }, ..soap() };
    let amount = CompletionAmount::Whole;
    assert!(soap_wire::encode(&Request::AutoCompletion { order_id: &id, amount }, &without).is_err());
    assert!(soap_wire::encode(&Request::Deposit { order_id: &id, amount }, &without).is_ok());
}

#[test]
fn a_word_that_soap_lacks_says_so() {
    let words = NoWord("decline").to_string();
    assert_eq!(words, "not sent: the bank's SOAP interface has no decline; it has it in REST, or in its console");
}

/// Whatever the password, and whatever goes with it.
#[test]
fn no_address_holds_a_credential() {
    let id = order_id();
    for request in [Request::Status { order: Named::Id(&id) }, Request::Reverse { order_id: &id }] {
        for config in [config(Protocol::Rest), soap()] {
            let encoded = match config.protocol {
                Protocol::Rest => rest::encode(&request, &config),
                Protocol::Soap { .. } => soap_wire::encode(&request, &config).unwrap(),
            };
            assert!(!encoded.url.contains(['?', '@', '&']) && !encoded.url.contains("shop-api"), "{}", encoded.url);
        }
    }
}

fn registration(json: &str) -> Registration {
    let terms = Terms { table: Table::RegisterDo, number_max: 32, currency: Currency::RUB, now: None };
    read(&Tree::from_json(json).unwrap(), &terms).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What is registered, the operation, and its order. The last row is the documents' own example, as far as it goes,
/// with everything else that has a place (registerOrderPreAuth, "Request example").
#[test]
fn a_registration_is_written_as_the_documents_have_it() {
    let table = [
        (
            r#"{"order_number": "A-1&<2>", "amount": 7035, "return_url": "http://yoursite.com/?a=1&b=2",
                "session_timeout_secs": 600, "description": "\"Чай\" & <co>", "params": {"a\"": "'<1>'", "b": ""}}"#,
            "registerOrder",
            "<order merchantOrderNumber=\"A-1&amp;&lt;2&gt;\" description=\"&quot;Чай&quot; &amp; &lt;co&gt;\" \
             amount=\"7035\" currency=\"643\" sessionTimeoutSecs=\"600\">\
             <returnUrl>http://yoursite.com/?a=1&amp;b=2</returnUrl>\
             <params name=\"a&quot;\" value=\"&apos;&lt;1&gt;&apos;\"></params><params name=\"b\" value=\"\"></params>\
             </order>",
        ),
        (
            r#"{"order_number": "7", "amount": 23500, "return_url": "http://kzntest.ru/index.html", "two_phase": true,
                "fail_url": "http://kzntest.ru/fail.html", "language": "EN", "page_view": "MOBILE", "client_id": "117",
                "merchant_login": "merch_child", "email": "a@b", "binding_id": "b-1", "tax_system": 0,
                "expiration_date": "2014-09-08T14:14:14", "autocompletion_date": "2025-12-29T10:02:51Z",
                "features": ["AUTO_PAYMENT", "FORCE_TDS"], "complete_amount": 5000,
                "billing_payer_data": {"billingCity": "Nizhny Novgorod", "billingCountry": "RU"},
                "additional_ofd_params": {"agent_info.type": 7, "supplier_info.phones": ["+7912345678", "+7912345679"]},
                "order_bundle": {"orderCreationDate": "2026-11-20T14:03:05",
                    "customerDetails": {"phone": "+79123456789", "inn": "516974792202", "passport": "4507 443564",
                        "deliveryInfo": {"country": "RU", "city": "Moscow", "postAddress": "Arbat 1"}},
                    "cartItems": {"items": [{"positionId": 1, "name": "SMALL", "itemCode": "270_235.00",
                        "itemDetails": {"itemDetailsParams": [{"name": "colour", "value": "red"}]},
                        "quantity": {"value": 1, "measure": "0"}, "itemPrice": 23500, "itemAmount": 23500,
                        "itemCurrency": "643", "tax": {"taxType": 0, "taxSum": 0}, "itemAttributes": {"attributes": [
                            {"name": "paymentMethod", "value": 1},
                            {"name": "supplier_info.phones", "value": ["+79123456789", "+79123456780"]}]}}]}}}"#,
            "registerOrderPreAuth",
            "<order merchantOrderNumber=\"7\" amount=\"23500\" currency=\"643\" language=\"en\" pageView=\"MOBILE\" \
             taxSystem=\"0\" bindingId=\"b-1\" expirationDate=\"2014-09-08T14:14:14\" \
             autocompletionDate=\"2025-12-29T13:02:51\">\
             <returnUrl>http://kzntest.ru/index.html</returnUrl><failUrl>http://kzntest.ru/fail.html</failUrl>\
             <merchantLogin>merch_child</merchantLogin><email>a@b</email><clientId>117</clientId>\
             <orderBundle><orderCreationDate>2026-11-20T14:03:05</orderCreationDate>\
             <customerDetails><phone>+79123456789</phone><deliveryInfo><country>RU</country><city>Moscow</city>\
             <postAddress>Arbat 1</postAddress></deliveryInfo><passport>4507 443564</passport><inn>516974792202</inn>\
             </customerDetails><cartItems><items positionId=\"1\"><name>SMALL</name>\
             <itemDetails><itemDetailsParams name=\"colour\">red</itemDetailsParams></itemDetails>\
             <quantity measure=\"0\">1</quantity><itemAmount>23500</itemAmount><itemCurrency>643</itemCurrency>\
             <itemCode>270_235.00</itemCode><tax><taxType>0</taxType><taxSum>0</taxSum></tax><itemPrice>23500</itemPrice>\
             <itemAttributes><attributes name=\"paymentMethod\">1</attributes>\
             <attributes name=\"supplier_info.phones\">+79123456789</attributes>\
             <attributes name=\"supplier_info.phones\">+79123456780</attributes></itemAttributes></items></cartItems>\
             </orderBundle><features><feature>AUTO_PAYMENT</feature><feature>FORCE_TDS</feature></features>\
             <additionalOfdParams><agent_info.type>7</agent_info.type>\
             <supplier_info.phones>+7912345678</supplier_info.phones>\
             <supplier_info.phones>+7912345679</supplier_info.phones></additionalOfdParams>\
             <billingPayerData><billingCity>Nizhny Novgorod</billingCity><billingCountry>RU</billingCountry>\
             </billingPayerData></order>",
        ),
    ];
    for (json, operation, order) in table {
        let asked = registration(json);
        let encoded = soap_wire::encode(&Request::Register(&asked), &soap()).unwrap();
        assert_eq!(encoded.body, envelope(MERCHANT, &format!("<mer:{operation}>{order}</mer:{operation}>")));
        assert_eq!(encoded.url, "https://bank.example/payment/webservices/merchant-ws");
    }
}

/// They are refused as they are handed in; what was accepted while the merchant spoke REST is not sent without them.
#[test]
fn a_registration_with_a_field_that_soap_lacks_is_not_sent() {
    let table = [
        (r#""phone": "+79123456789""#, NoWord("phone of an order")),
        (r#""dynamic_callback_url": "https://a/c""#, NoWord("dynamicCallbackUrl")),
    ];
    for (member, expected) in table {
        let asked =
            registration(&format!(r#"{{"order_number": "A-1", "amount": 1, "return_url": "https://a", {member}}}"#));
        assert_eq!(soap_wire::encode(&Request::Register(&asked), &soap()).err(), Some(expected), "{member}");
    }
}
