//! Requests and answers of SOAP beside what the REST wire would have of them, and whatever else may come in.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The request of the documents' example, shortened, with everything else that a registration can have.
const REGISTRATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:mer="http://engine.paymentgate.ru/webservices/merchant" xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
  <soapenv:Header>
    <wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" soapenv:mustUnderstand="1">
      <wsse:UsernameToken>
        <wsse:Username>shop-api</wsse:Username>
        <wsse:Password Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText">sec&amp;ret</wsse:Password>
      </wsse:UsernameToken>
    </wsse:Security>
  </soapenv:Header>
  <soapenv:Body>
    <mer:registerOrderPreAuth>
      <order merchantOrderNumber="A-1" amount="23500" description="TwoPhase. ATOL" currency="643" language="en"
        pageView="MOBILE" sessionTimeoutSecs="600" taxSystem="0" bindingId="b-1"
        expirationDate="2033-05-18T06:33:20" autocompletionDate="2033-05-18T03:33:20Z">
        <returnUrl> http://kzntest.ru/index.html
        </returnUrl>
        <failUrl>http://kzntest.ru/fail.html</failUrl>
        <merchantLogin>child</merchantLogin>
        <params name="email" value="a@shop.example"/>
        <params name="n" value="&lt;1&gt;"/>
        <clientId>117</clientId>
        <orderBundle>
          <orderCreationDate>2033-05-18T06:33:20</orderCreationDate>
          <customerDetails>
            <phone>+79123456789</phone><inn>516974792202</inn><passport>4507 443564</passport>
            <deliveryInfo><country>RU</country></deliveryInfo>
          </customerDetails>
          <!-- Contents of the cart -->
          <cartItems>
            <items positionId="1">
              <name>"SMALL"</name>
              <itemDetails><itemDetailsParams name="colour">red</itemDetailsParams></itemDetails>
              <quantity measure="0">1.5</quantity>
              <itemCode>270_235.00</itemCode>
              <itemPrice>23500</itemPrice>
              <tax><taxType>0</taxType><taxSum>0</taxSum></tax>
              <itemAttributes>
                <attributes name="paymentMethod">1</attributes>
                <attributes name="markQuantity.numerator">1</attributes>
              </itemAttributes>
            </items>
          </cartItems>
        </orderBundle>
        <features><feature>FORCE_TDS</feature><feature>AUTO_PAYMENT</feature></features>
        <additionalOfdParams>
          <params name="agent_info.type" value="7"/><params name="cashier">Anna</params><cashier_inn>516974792202</cashier_inn><client><email>a@b</email></client>
        </additionalOfdParams>
        <billingPayerData><billingCity>Kazan</billingCity></billingPayerData>
        <somethingNew>1</somethingNew>
      </order>
    </mer:registerOrderPreAuth>
  </soapenv:Body>
</soapenv:Envelope>"#;

fn call(text: &str) -> Call {
    let read = read(&MERCHANT, text.as_bytes(), "http://bank".to_owned(), None);
    read.map_or_else(|fault| panic!("{fault:?}"), |(_, call)| call)
}

fn fault(text: &str) -> String {
    let read = read(&MERCHANT, text.as_bytes(), "http://bank".to_owned(), None);
    read.map(|_| ()).unwrap_err().written()
}

/// An envelope without a header.
fn enveloped(body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{}"><s:Body>{body}</s:Body></s:Envelope>"#,
        MERCHANT.namespace
    )
}

#[test]
fn a_registration_has_the_parameters_that_rest_would_have() {
    let call = call(REGISTRATION);
    assert_eq!(call.operation, crate::sandbox::Operation::RegisterPreAuth);
    for (name, expected) in [
        ("userName", "shop-api"),
        ("password", "sec&ret"),
        ("orderNumber", "A-1"),
        ("amount", "23500"),
        ("description", "TwoPhase. ATOL"),
        ("currency", "643"),
        ("language", "en"),
        ("pageView", "MOBILE"),
        ("sessionTimeoutSecs", "600"),
        ("taxSystem", "0"),
        ("bindingId", "b-1"),
        ("expirationDate", "2033-05-18T06:33:20"),
        ("autocompletionDate", "2033-05-18T06:33:20"),
        ("returnUrl", "http://kzntest.ru/index.html"),
        ("failUrl", "http://kzntest.ru/fail.html"),
        ("merchantLogin", "child"),
        ("clientId", "117"),
    ] {
        assert_eq!(call.params.get(name), Some(expected), "{name}");
    }
    assert_eq!(call.params.all("features").collect::<Vec<_>>(), ["FORCE_TDS", "AUTO_PAYMENT"]);
    let structured = |name| serde_json::from_str::<Value>(call.params.get(name).unwrap()).unwrap();
    assert_eq!(structured("jsonParams"), json!({"email": "a@shop.example", "n": "<1>"}));
    assert_eq!(structured("billingPayerData"), json!({"billingCity": "Kazan"}));
    assert_eq!(
        structured("additionalOfdParams"),
        json!({
            "agent_info.type": "7", "cashier": "Anna", "cashier_inn": "516974792202", "client": {"email": "a@b"},
        })
    );
    assert_eq!(
        structured("orderBundle"),
        json!({
            "orderCreationDate": "2033-05-18T06:33:20",
            "customerDetails": {
                "phone": "+79123456789", "inn": "516974792202", "passport": "4507 443564",
                "deliveryInfo": {"country": "RU"},
            },
            "cartItems": {"items": [{
                "positionId": "1", "name": "\"SMALL\"",
                "itemDetails": {"itemDetailsParams": [{"name": "colour", "value": "red"}]},
                "quantity": {"measure": "0", "value": 1.5},
                "itemCode": "270_235.00", "itemPrice": 23500,
                "tax": {"taxType": 0, "taxSum": 0},
                "itemAttributes": {"attributes": [
                    {"name": "paymentMethod", "value": "1"},
                    {"name": "markQuantity.numerator", "value": "1"},
                ]},
            }]},
        })
    );
    assert_eq!(call.params.get("somethingNew"), None, "what is not known is passed over");
}

#[test]
fn requests_are_found_whatever_the_prefix_and_only_without_a_namespace_below() {
    let namespace = MERCHANT.namespace;
    let quick_start = enveloped(
        r#"<m:getOrderStatusExtended><order orderId="942e" language="en"><!--Optional:-->
           <merchantOrderNumber> </merchantOrderNumber></order></m:getOrderStatusExtended>"#,
    );
    let asked = call(&quick_start);
    assert_eq!((asked.params.get("orderId"), asked.params.get("orderNumber")), (Some("942e"), None));
    let by_default = enveloped(&format!(
        r#"<getOrderStatusExtended xmlns="{namespace}"><order xmlns=""><merchantOrderNumber>A-1</merchantOrderNumber></order></getOrderStatusExtended>"#
    ));
    assert_eq!(call(&by_default).params.get("orderNumber"), Some("A-1"));
    let qualified = enveloped(r#"<m:registerOrder><m:order amount="1"/></m:registerOrder>"#);
    assert!(fault(&qualified).contains(&format!("Unexpected element {{{namespace}}}order found.  Expected order.")));
    let nothing = enveloped("<m:registerOrder/>");
    assert_eq!(call(&nothing).params.get("amount"), None, "the verb says what is missing");
}

#[test]
fn what_is_wrong_with_a_message_is_a_fault() {
    let not_known = "was not recognized.  (Does it exist in service WSDL?)";
    let other_version = enveloped("<m:registerOrder/>").replace(fault::SOAP, "http://www.w3.org/2003/05/soap-envelope");
    let strange = enveloped("<m:registerOrder/>")
        .replace("<s:Body>", r#"<s:Header><a:b xmlns:a="urn:x" s:mustUnderstand="1"/></s:Header><s:Body>"#);
    for (text, code, words) in [
        (enveloped("<m:transferOrder/>"), "soap:Client", not_known),
        (enveloped("<registerOrder/>"), "soap:Client", not_known),
        (enveloped("<m:autoCompletion/>"), "soap:Client", not_known),
        (enveloped("<m:registerOrder>"), "soap:Client", "Error reading XMLStreamReader"),
        (format!("<!DOCTYPE a>{}", enveloped("<m:registerOrder/>")), "soap:Client", "document type"),
        (enveloped(""), "soap:Client", "The SOAP body is empty"),
        (String::new(), "soap:Client", "Error reading XMLStreamReader"),
        ("<a/>".to_owned(), "soap:Client", "There is no SOAP envelope"),
        (other_version, "soap:VersionMismatch", "is expected"),
        (strange, "soap:MustUnderstand", "MustUnderstand headers: [{urn:x}b] are not understood."),
    ] {
        let fault = fault(&text);
        assert!(fault.contains(&format!("<faultcode>{code}</faultcode>")) && fault.contains(words), "{text}: {fault}");
    }
}

#[test]
fn an_answer_has_the_order_of_the_schema_and_the_dates_of_moscow() {
    let said = json!({
        "errorCode": "0", "errorMessage": "Success", "orderNumber": "0s7a84sPe49", "orderStatus": 2, "actionCode": 0,
        "actionCodeDescription": "Request processed successfully", "amount": 33000, "currency": "643",
        "date": 1_384_347_062_785_i64, "orderDescription": " ", "merchantOrderParams": [],
        "attributes": [{"value": "942e8534", "name": "mdOrder"}],
        "cardAuthInfo": {
            "pan": "411111**1111", "expiration": "201512", "cardholderName": "Ivan", "approvalCode": "123456",
            "secureAuthInfo": {"eci": "05", "threeDSInfo": {"xid": "x", "cavv": "c"}},
        },
        "authDateTime": 1_384_347_062_898_i64, "terminalId": "111113", "authRefNum": "111111111111",
        "paymentAmountInfo": {"refundedAmount": 100, "paymentState": "REFUNDED", "approvedAmount": 33000, "depositedAmount": 33000},
        "bankInfo": {"bankName": "TEST CARD", "bankCountryCode": "RU", "bankCountryName": "Russian Federation"},
        "loyaltyInfos": [{"loyaltyName": "x", "paymentBonus": {"pcId": "1", "successful": true}}],
        "refunds": [{"date": 1_384_347_062_898_i64, "amount": 60}, {"date": "2013", "amount": 40}],
        "chargeback": false, "paymentWay": "CARD", "notInTheSchema": {"a": 1}, "ip": null,
    });
    let verb = MERCHANT.verb("getOrderStatusExtended").unwrap();
    let expected = [
        r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>"#,
        r#"<ns1:getOrderStatusExtendedResponse xmlns:ns1="http://engine.paymentgate.ru/webservices/merchant">"#,
        r#"<return orderNumber="0s7a84sPe49" orderStatus="2" actionCode="0" actionCodeDescription="Request processed successfully""#,
        r#" amount="33000" currency="643" date="2013-11-13T15:51:02.785+03:00" orderDescription=" " errorCode="0" errorMessage="Success">"#,
        r#"<attributes name="mdOrder" value="942e8534"/>"#,
        r#"<cardAuthInfo maskedPan="411111**1111" expiration="201512" cardholderName="Ivan" approvalCode="123456">"#,
        "<secureAuthInfo><eci>05</eci><threeDSInfo><cavv>c</cavv><xid>x</xid></threeDSInfo></secureAuthInfo></cardAuthInfo>",
        "<authDateTime>2013-11-13T15:51:02.898+03:00</authDateTime><terminalId>111113</terminalId><authRefNum>111111111111</authRefNum>",
        r#"<paymentAmountInfo paymentState="REFUNDED" approvedAmount="33000" depositedAmount="33000" refundedAmount="100"/>"#,
        r#"<bankInfo bankName="TEST CARD" bankCountryCode="RU" bankCountryName="Russian Federation"/>"#,
        r#"<loyaltyInfos loyaltyName="x"><paymentBonus pcId="1" successful="true"/></loyaltyInfos>"#,
        r#"<refunds amount="60" date="2013-11-13T15:51:02.898+03:00"/><refunds amount="40" date="2013"/>"#,
        "<chargeback>false</chargeback><paymentWay>CARD</paymentWay></return>",
        "</ns1:getOrderStatusExtendedResponse></soap:Body></soap:Envelope>",
    ];
    assert_eq!(spell::answer(&MERCHANT, verb, &said), expected.concat());
}

#[test]
fn the_names_of_the_older_status_begin_small() {
    let said = json!({"ErrorCode": "2", "ErrorMessage": "no", "OrderStatus": 6, "authCode": 2, "Pan": "4111**1111"});
    let text = spell::message(&MERCHANT, &MERCHANT.verbs[2], |_| {});
    assert!(text.contains("<ns1:getOrderStatusResponse "), "{text}");
    let text = spell::answer(&MERCHANT, &MERCHANT.verbs[2], &said);
    let expected = r#"<return orderStatus="6" pan="4111**1111" authCode="2" errorCode="2" errorMessage="no"/>"#;
    assert!(text.contains(expected), "{text}");
}

#[test]
fn every_type_that_a_wsdl_names_is_in_it() {
    for service in [&MERCHANT, &LOYALTY] {
        let inner = wsdl::inner(service);
        let root = xml::read(inner.as_bytes()).ok().unwrap();
        assert!(root.is("http://schemas.xmlsoap.org/wsdl/", "definitions"));
        for kind in ["type=\"ns1:", "message=\"ns1:"] {
            for name in inner.split(kind).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_eq!(inner.matches(&format!("name=\"{name}\">")).count().min(1), 1, "{name} in {}", service.path);
            }
        }
        let outer = wsdl::outer(service, "http://bank/x");
        assert!(outer.contains(&format!("http://bank/x?wsdl={}.wsdl", service.name)), "{outer}");
        for verb in service.verbs {
            assert!(inner.contains(verb.name) && outer.contains(verb.name), "{}", verb.name);
        }
    }
}

#[test]
fn a_refusal_for_want_of_a_login_is_worded_as_the_gateway_words_it() {
    let empty = Fault::turned_away(errors::CREDENTIALS_EMPTY).written();
    assert!(empty.contains("An error was discovered processing the &lt;wsse:Security&gt; header"), "{empty}");
    let wrong = Fault::turned_away(errors::ACCESS_DENIED).written();
    assert!(wrong.contains("ns1:FailedAuthentication</faultcode>"), "{wrong}");
}

/// Pieces of envelopes, put together in any way.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(REGISTRATION[..120].to_owned()),
        Just("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">".to_owned()),
        Just("<s:Body>".to_owned()),
        Just("<m:registerOrder xmlns:m=\"http://engine.paymentgate.ru/webservices/merchant\">".to_owned()),
        Just("<order amount=\"1\">".to_owned()),
        Just("</order></m:registerOrder></s:Body></s:Envelope>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("&#x10FFFF;".to_owned()),
        Just("<!DOCTYPE a [<!ENTITY b \"&c;\">]>".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_are_a_request_or_get_a_readable_fault(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..400), pieces()]) {
        hold(&bytes);
    }
}
