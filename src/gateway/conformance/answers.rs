//! Each answer over both wires, and the one value that both must end in.

use super::*;
use crate::domain::bank::{BankStatus, CompletionAnswer, PaymentSystem, StatusAnswer, Unknown, UnknownKind};
use crate::domain::operation::CompletionAmount;
use crate::domain::time::Timestamp;
use crate::gateway::request::{Named, Request};
use crate::gateway::scrub::Scrubber;
use crate::gateway::transport::Heard;
use crate::gateway::{rest, soap};

const MERCHANT: &str = "http://engine.paymentgate.ru/webservices/merchant";
const LOYALTY: &str = "http://engine.paymentgate.ru/webservices/merchant/loyalty";

fn scrubber() -> Scrubber {
    Scrubber::new(&SecretString::from(PASSWORD.to_owned()))
}

fn envelope(namespace: &str, operation: &str, returned: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <ns1:{operation}Response xmlns:ns1=\"{namespace}\">{returned}</ns1:{operation}Response></soap:Body></soap:Envelope>"
    )
}

fn of_status(returned: &str) -> String {
    envelope(MERCHANT, "getOrderStatusExtended", returned)
}

fn heard(body: &str) -> Heard {
    Heard::whole(body.as_bytes().to_vec())
}

/// HTTP 500 with `body`.
fn failed(body: &str) -> Heard {
    Heard::fault(body.as_bytes().to_vec())
}

fn rest_status(json: &str) -> StatusAnswer {
    rest::read_status(Ok(json.as_bytes().to_vec()), &scrubber()).answer
}

fn soap_status(heard: Heard) -> StatusAnswer {
    let id = order_id();
    let request = Request::Status { order: Named::Id(&id) };
    rest::read_status(soap::reply(heard, &request, &scrubber()), &scrubber()).answer
}

fn soap_completion(heard: Heard) -> CompletionAnswer {
    let id = order_id();
    let request = Request::AutoCompletion { order_id: &id, amount: CompletionAmount::Whole };
    rest::read_completion(soap::reply(heard, &request, &scrubber()), &scrubber())
}

fn soap_deposit(heard: Heard) -> CompletionAnswer {
    let id = order_id();
    let request = Request::Deposit { order_id: &id, amount: CompletionAmount::Whole };
    rest::read_bare(soap::reply(heard, &request, &scrubber()), &scrubber())
}

/// An order's answer on both wires: REST's members, and SOAP's attributes and elements.
const STATUSES: [(&str, &str, &str, BankStatus); 7] = [
    (
        "unpaid",
        r#"{"errorCode":"0","errorMessage":"Успешно","orderNumber":"7","orderStatus":0,"actionCode":-100,
            "actionCodeDescription":"","amount":1000,"currency":"643","date":1531643056391,"merchantOrderParams":[],
            "attributes":[{"name":"mdOrder","value":"b6f698e1-fb8d-7b6d-8f56-130700ef5d58"}],"terminalId":"123456",
            "paymentAmountInfo":{"paymentState":"CREATED","approvedAmount":0,"depositedAmount":0,"refundedAmount":0},
            "bankInfo":{"bankCountryCode":"UNKNOWN"}}"#,
        r#"<return errorCode="0" errorMessage="Успешно" orderNumber="7" orderStatus="0" actionCode="-100"
            actionCodeDescription="" amount="1000" currency="643" date="2018-07-15T11:37:36.391+03:00">
            <attributes name="mdOrder" value="b6f698e1-fb8d-7b6d-8f56-130700ef5d58"/><terminalId>123456</terminalId>
            <paymentAmountInfo paymentState="CREATED" approvedAmount="0" depositedAmount="0" refundedAmount="0"/>
            <bankInfo bankCountryCode="UNKNOWN"/></return>"#,
        BankStatus::Registered,
    ),
    (
        "held",
        r#"{"errorCode":"0","orderNumber":"7","orderStatus":1,"actionCode":0,"amount":33000,"currency":"643",
            "authDateTime":1384347062898,"cardAuthInfo":{"maskedPan":"411111**1111","paymentSystem":"VISA"},
            "attributes":[{"name":"mdOrder","value":"b6f698e1-fb8d-7b6d-8f56-130700ef5d58"},{"name":"a","value":"b"}],
            "merchantOrderParams":[{"name":"autocompletionDate","value":"2026-11-20T12:00:00"}],
            "paymentAmountInfo":{"approvedAmount":33000,"depositedAmount":0,"refundedAmount":0},"chargeback":false}"#,
        r#"<return orderNumber="7" orderStatus="1" actionCode="0" amount="33000" currency="643" errorCode="0">
            <merchantOrderParams name="autocompletionDate" value="2026-11-20T12:00:00"/>
            <attributes name="mdOrder" value="b6f698e1-fb8d-7b6d-8f56-130700ef5d58"/><attributes name="a" value="b"/>
            <cardAuthInfo maskedPan="411111**1111" paymentSystem="VISA"><secureAuthInfo><eci>5</eci></secureAuthInfo>
            </cardAuthInfo><authDateTime>2013-11-13T16:51:02.898+04:00</authDateTime>
            <paymentAmountInfo paymentState="APPROVED" approvedAmount="33000" depositedAmount="0" refundedAmount="0"/>
            <chargeback>false</chargeback></return>"#,
        BankStatus::Held,
    ),
    (
        "deposited",
        r#"{"errorCode":"0","orderNumber":"0s7a84sPe49","orderStatus":2,"actionCode":0,"amount":33000,"currency":"643",
            "paymentAmountInfo":{"approvedAmount":33000,"depositedAmount":33000,"refundedAmount":0}}"#,
        r#"<return orderNumber="0s7a84sPe49" orderStatus="2" actionCode="0" amount="33000" currency="643"
            orderDescription=" " errorCode="0" errorMessage="Success"><paymentAmountInfo paymentState="DEPOSITED"
            approvedAmount="33000" depositedAmount="33000" refundedAmount="0"/></return>"#,
        BankStatus::Deposited,
    ),
    (
        "reversed",
        r#"{"errorCode":"0","orderNumber":"7","orderStatus":3,"actionCode":0,"amount":100,"currency":"643"}"#,
        r#"<return errorCode="0" orderNumber="7" orderStatus="3" actionCode="0" amount="100" currency="643"/>"#,
        BankStatus::Reversed,
    ),
    (
        "refunded in part",
        r#"{"errorCode":"0","orderNumber":"7","orderStatus":4,"actionCode":0,"amount":100,"currency":"643",
            "refunds":[{"amount":40}],
            "paymentAmountInfo":{"approvedAmount":100,"depositedAmount":60,"refundedAmount":40}}"#,
        r#"<return errorCode="0" orderNumber="7" orderStatus="4" actionCode="0" amount="100" currency="643">
            <paymentAmountInfo approvedAmount="100" depositedAmount="60" refundedAmount="40"/>
            <refunds amount="40"/></return>"#,
        BankStatus::Refunded,
    ),
    (
        "declined because the time ran out",
        r#"{"errorCode":"0","orderNumber":"7","orderStatus":6,"actionCode":-2007,"amount":100,"currency":"643"}"#,
        r#"<return errorCode="0" orderNumber="7" orderStatus="6" actionCode="-2007" amount="100" currency="643"/>"#,
        BankStatus::Declined,
    ),
    (
        "a status that no document has",
        r#"{"errorCode":"0","orderNumber":"7","orderStatus":9,"amount":100}"#,
        r#"<return errorCode="0" orderNumber="7" orderStatus="9" amount="100"/>"#,
        BankStatus::Other(9),
    ),
];

#[test]
fn an_order_is_the_same_order_on_both_wires() {
    for (what, json, returned, status) in STATUSES {
        let by_rest = rest_status(json);
        assert!(matches!(&by_rest, StatusAnswer::Known(view) if view.status == status), "{what}: {by_rest:?}");
        assert_eq!(soap_status(heard(&of_status(returned))), by_rest, "{what}");
    }
}

#[test]
fn the_held_order_above_says_all_that_is_read_of_one() {
    let StatusAnswer::Known(view) = soap_status(heard(&of_status(STATUSES[1].2))) else { panic!("not read") };
    assert_eq!(view.authorised_at, Some(Timestamp::from_millis(1_384_347_062_898)));
    assert_eq!(view.autocompletion_at, Some(Timestamp::from_millis(1_795_165_200_000)));
    assert_eq!(view.payment_system.as_ref().map(PaymentSystem::as_str), Some("visa"));
    assert_eq!(view.order_id, Some(order_id()));
}

#[test]
fn the_banks_word_is_the_same_word_on_both_wires() {
    let table = [
        ("unknown order", "6", "Заказ не найден"),
        ("access denied", "5", "Access denied"),
        ("neither id nor number", "1", "[orderId] or [orderNumber] expected"),
        ("system error", "7", "System error"),
        ("a code that no document has", "99", "?"),
    ];
    for (what, code, message) in table {
        let attributes = format!("errorCode=\"{code}\" errorMessage=\"{message}\"");
        let json = format!("{{\"errorCode\":\"{code}\",\"errorMessage\":\"{message}\"}}");
        let by_rest = rest_status(&json);
        assert!(!matches!(by_rest, StatusAnswer::Known(_)), "{what}");
        assert_eq!(soap_status(heard(&of_status(&format!("<return {attributes}/>")))), by_rest, "{what}");

        let returned = format!("<return {attributes}/>");
        let body = json.into_bytes();
        let by_rest = rest::read_completion(Ok(body.clone()), &scrubber());
        assert_eq!(soap_completion(heard(&envelope(LOYALTY, "autoCompletion", &returned))), by_rest, "{what}");
        let by_rest = rest::read_bare(Ok(body), &scrubber());
        assert_eq!(soap_deposit(heard(&envelope(MERCHANT, "depositOrder", &returned))), by_rest, "{what}");
    }
}

const AUTHENTICATION: [&str; 2] = ["wsse:FailedAuthentication", "ns1:InvalidSecurity"];

fn fault(code: &str, text: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>{code}</faultcode>\
         <faultstring>{text}</faultstring></s:Fault></s:Body></s:Envelope>"
    )
}

/// Whether it is by HTTP 500, as it should be, or by 200.
#[test]
fn a_fault_is_unknown_unless_it_is_about_our_login() {
    for answer in [heard, failed] {
        for code in AUTHENTICATION {
            let body = fault(code, "The security token could not be authenticated or authorized");
            let refused = |code: i64| code == 5;
            assert!(matches!(soap_status(answer(&body)), StatusAnswer::Refused(word) if refused(word.code)), "{code}");
            assert!(
                matches!(soap_completion(answer(&body)), CompletionAnswer::Refused(word) if refused(word.code)),
                "{code}"
            );
        }
        for code in ["soap:Server", "soap:Client", "", "FailedAuthentication:Server"] {
            let body = fault(code, "FailedAuthentication, says anybody");
            assert!(matches!(soap_status(answer(&body)), StatusAnswer::Unknown(_)), "{code}");
            assert!(matches!(soap_completion(answer(&body)), CompletionAnswer::Unknown(_)), "{code}");
        }
    }
}

#[test]
fn a_fault_says_what_it_is_without_our_password() {
    let text = "no: p&amp;&lt;ss\"w'0>d +% of 4111 1111 1111 1111";
    let StatusAnswer::Unknown(Unknown { kind, detail, .. }) = soap_status(failed(&fault("soap:Server", text))) else {
        panic!("not unknown")
    };
    assert_eq!((kind, detail.as_str()), (UnknownKind::ServerError, "HTTP 500, SOAP fault: no: [secret] of ****1111"));
    let twice_escaped = "p&amp;amp;&amp;lt;ss&amp;quot;w&amp;apos;0&amp;gt;d +%";
    let refused = soap_status(failed(&fault("wsse:FailedAuthentication", twice_escaped)));
    assert!(matches!(refused, StatusAnswer::Refused(word) if word.message == "[secret]"));
}

/// A 500 whose body looks like an answer is no answer.
#[test]
fn an_http_error_is_unknown_whatever_its_body_says() {
    let body = of_status(STATUSES[2].2);
    assert!(matches!(soap_status(failed(&body)), StatusAnswer::Unknown(why) if why.kind == UnknownKind::ServerError));
    let body = envelope(LOYALTY, "autoCompletion", "<return errorCode=\"0\"/>");
    assert!(matches!(soap_completion(failed(&body)), CompletionAnswer::Unknown(_)));
    assert!(matches!(soap_completion(heard(&body)), CompletionAnswer::Acknowledged));
}

#[test]
fn what_is_no_answer_is_unknown() {
    let paid = of_status(STATUSES[2].2);
    let doctype = |entity: &str| {
        let returned = "<return errorCode=\"0\" orderStatus=\"2\"><orderNumber>&a;</orderNumber></return>";
        format!("<!DOCTYPE x [<!ENTITY a {entity}>]>{}", of_status(returned))
    };
    let many_attributes: Vec<_> = (0..80).map(|nth| format!("a{nth}=\"\"")).collect();
    let table = [
        ("nothing", String::new()),
        ("garbage", "errorCode=0&orderStatus=2".to_owned()),
        ("JSON", STATUSES[2].1.to_owned()),
        ("HTML", "<html><body>maintenance</body></html>".to_owned()),
        ("cut off", paid[..paid.len() - 20].to_owned()),
        ("something behind", format!("{paid}{paid}")),
        ("text behind", format!("{paid}text")),
        ("another namespace", paid.replace(MERCHANT, LOYALTY)),
        ("no namespace", paid.replace(&format!(" xmlns:ns1=\"{MERCHANT}\""), "")),
        (
            "SOAP 1.2",
            paid.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
        ),
        ("another operation", paid.replace("getOrderStatusExtendedResponse", "getOrderStatusResponse")),
        ("the request itself", paid.replace("getOrderStatusExtendedResponse", "getOrderStatusExtended")),
        ("two returns", of_status(&format!("{0}{0}", STATUSES[2].2))),
        ("no return", of_status("")),
        ("a return without anything", of_status("<return/>")),
        ("a return of another name", of_status("<result errorCode=\"0\" orderStatus=\"2\"/>")),
        ("a return of another namespace", of_status("<return xmlns=\"urn:x\" errorCode=\"0\" orderStatus=\"2\"/>")),
        ("two bodies", paid.replace("</soap:Body>", "</soap:Body><soap:Body/>")),
        ("an attribute twice", of_status("<return orderStatus=\"2\" orderStatus=\"2\"/>")),
        ("an element twice", of_status("<return><orderStatus>2</orderStatus><orderStatus>1</orderStatus></return>")),
        ("both ways", of_status("<return orderStatus=\"2\"><orderStatus>2</orderStatus></return>")),
        ("an entity of its own", doctype("\"7\"")),
        ("an entity from outside", doctype("SYSTEM \"file:///etc/passwd\"")),
        (
            "an entity without a document type",
            of_status("<return orderStatus=\"2\"><orderNumber>&a;</orderNumber></return>"),
        ),
        ("such an attribute", of_status("<return orderStatus=\"2\" orderNumber=\"&a;\"/>")),
        ("a processing instruction", format!("<?go there?>{paid}")),
        ("too deep", of_status(&format!("<return>{}{}</return>", "<a>".repeat(40), "</a>".repeat(40)))),
        ("too many elements", of_status(&format!("<return orderStatus=\"2\">{}</return>", "<a/>".repeat(20_001)))),
        ("too many attributes", of_status(&format!("<return orderStatus=\"2\" {}/>", many_attributes.join(" ")))),
        ("not UTF-8", String::new()),
    ];
    for (what, body) in table {
        let bytes = if what == "not UTF-8" { vec![0xff, 0xfe, 0x3c] } else { body.into_bytes() };
        let answer = soap_status(Heard::whole(bytes));
        let StatusAnswer::Unknown(unknown) = answer else { panic!("{what}: {answer:?}") };
        let kind = if what == "HTML" { UnknownKind::Maintenance } else { UnknownKind::Unreadable };
        assert_eq!(unknown.kind, kind, "{what}: {unknown}");
    }
}

/// Stacks differ in what they write, and mean the same.
#[test]
fn prefixes_comments_and_padding_make_no_difference() {
    let (_, _, returned, _) = STATUSES[2];
    let plain = soap_status(heard(&of_status(returned)));
    let forms = [
        of_status(returned).replace("soap:", "S:").replace("xmlns:soap", "xmlns:S").replace("ns1", "ans"),
        format!("\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- a comment -->\n{}\n", of_status(returned)),
        of_status(returned).replace("<soap:Body>", "<soap:Header><x xmlns=\"urn:y\"/></soap:Header>\n <soap:Body>\n"),
        of_status(returned).replace("<return ", "<return xmlns=\"\" xmlns:xsi=\"urn:xsi\" xsi:type=\"ns1:x\" "),
        of_status(returned).replace("<return ", &format!("<return xmlns=\"{MERCHANT}\" ")),
        of_status(returned)
            .replace("<paymentAmountInfo", "<y:orderStatus xmlns:y=\"urn:y\">6</y:orderStatus><paymentAmountInfo"),
        of_status(returned)
            .replace("orderStatus=\"2\"", "")
            .replace("<paymentAmountInfo", "<orderStatus> <![CDATA[2]]>\n</orderStatus><paymentAmountInfo"),
        of_status(returned).replace("0s7a84sPe49", "0s7a84s&#80;e&#x34;9"),
    ];
    for form in forms {
        assert_eq!(soap_status(heard(&form)), plain, "{form}");
    }
}

/// What the documents show of autoCompletion.do, and the same as the loyalty service would say it.
#[test]
fn a_completion_in_points_is_the_same_on_both_wires() {
    let json = r#"{"operations":[{"pcId":2699110,"operation":"REFUND_PAYMENT","amount":20,"successful":true,
        "transactionId":"1642"},{"pcId":2699111,"operation":"REFUND_AWARD","amount":10180,"successful":true,
        "transactionId":"1643"}],"errorCode":"0"}"#;
    let operation = |id: &str, kind: &str, amount: &str, successful: &str| {
        format!(
            "<operations pcId=\"{id}\" operation=\"{kind}\" amount=\"{amount}\" successful=\"{successful}\" \
             transactionId=\"{}\"/>",
            if id == "2699111" { "1643" } else { "1642" }
        )
    };
    let two =
        operation("2699110", "REFUND_PAYMENT", "20", "true") + &operation("2699111", "REFUND_AWARD", "10180", "true");
    let soap = |operations: &str, part: &str| {
        envelope(LOYALTY, "autoCompletion", &format!("<{part} errorCode=\"0\">{operations}</{part}>"))
    };
    let by_rest = rest::read_completion(Ok(json.as_bytes().to_vec()), &scrubber());
    let CompletionAnswer::Itemised(parts) = &by_rest else { panic!("{by_rest:?}") };
    let words: Vec<_> = parts.iter().map(ToString::to_string).collect();
    let expected = [
        "REFUND_PAYMENT of 20, pcId 2699110, transactionId 1642",
        "REFUND_AWARD of 10180, pcId 2699111, transactionId 1643",
    ];
    assert_eq!(words, expected);
    // The loyalty service's answer was never published: its part may be called otherwise.
    for part in ["return", "autoCompletionResponse"] {
        assert_eq!(soap_completion(heard(&soap(&two, part))), by_rest, "{part}");
    }
    let one = operation("2699110", "PAYMENT", "20", "true");
    let done = |answer| matches!(answer, CompletionAnswer::Itemised(parts) if parts.iter().all(|part| part.successful));
    assert!(done(soap_completion(heard(&soap(&one, "return")))));
    let failed = operation("2699110", "PAYMENT", "20", "false");
    for operations in [failed.clone(), two + &failed] {
        assert!(!done(soap_completion(heard(&soap(&operations, "return")))));
    }
}

/// As the manual prints it, padding and all.
#[test]
fn the_manuals_own_sample_is_read() {
    let sample = r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
<ns1:getOrderStatusExtendedResponse xmlns:ns1="http://engine.paymentgate.ru/webservices/merchant">
<return orderNumber="0s7a84sPe49" orderStatus="2" actionCode="0" actionCodeDescription="Request processed successfully" amount="33000" currency="643" date="2013-11-13T16:51:02.785+04:00" orderDescription=" " errorCode="0" errorMessage="Success">
<attributes name="mdOrder" value="942e8534-ac73-4e3c-96c6-f6cc448018f7"/>
<cardAuthInfo maskedPan="411111**1111" expiration="201512" cardholderName="Ivan" approvalCode="123456"/>
<authDateTime>2013-11-13T16:51:02.898+04:00</authDateTime><terminalId>111113</terminalId><authRefNum>111111111111</authRefNum>
<paymentAmountInfo paymentState="DEPOSITED" approvedAmount="33000" depositedAmount="33000" refundedAmount="0"/>
<bankInfo bankName="TEST CARD" bankCountryCode="RU" bankCountryName="Russian Federation"/></return>
</ns1:getOrderStatusExtendedResponse></soap:Body></soap:Envelope>"#;
    let StatusAnswer::Known(view) = soap_status(heard(sample)) else { panic!("not read") };
    assert_eq!(view.status, BankStatus::Deposited);
    assert_eq!(view.order_id.unwrap().as_str(), "942e8534-ac73-4e3c-96c6-f6cc448018f7");
    assert_eq!(view.amounts.unwrap().deposited, 33_000);
}

/// As long as a body may be, of whatever a reader could stumble over: it ends, and is no answer.
#[test]
fn the_largest_bodies_are_no_answer() {
    const BODY: usize = 1 << 20;
    let pieces = [
        "<a/>",
        "<a>",
        "</a>",
        "<",
        "&",
        "&lt;",
        "&#60;",
        " a=\"\"",
        " xmlns:a=\"b\"",
        "<a xmlns:a=\"b\">",
        "<!--",
        "<![CDATA[]]>",
        "]]>",
        "<!DOCTYPE a [<!ENTITY b \"&b;&b;\">]>",
        "<?a?>",
        "\0",
    ];
    for piece in pieces {
        let many = piece.repeat(BODY / piece.len());
        for body in
            [many.clone(), of_status(&format!("<return>{many}</return>")), of_status(&format!("<return{many}/>"))]
        {
            let answer = soap_status(heard(&body));
            assert!(matches!(answer, StatusAnswer::Unknown(_)), "{piece:?}: {answer:?}");
        }
    }
}

/// Any bytes at all, and envelopes bent at any place, to each request: one of the three classes, clean.
mod any {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{MERCHANT, STATUSES, envelope};
    use crate::gateway::fuzzing::soap_answer;

    proptest! {
        #[test]
        fn bytes_end_in_one_of_the_three_classes(bytes in vec(any::<u8>(), 0..512)) {
            soap_answer(&bytes);
        }

        #[test]
        fn bent_envelopes_end_in_one_of_the_three_classes(
            which in 0..STATUSES.len(),
            at in any::<prop::sample::Index>(),
            gone in 0_usize..40,
            put in vec(prop_oneof![any::<u8>(), Just(b'<'), Just(b'>'), Just(b'"'), Just(b'&'), Just(b'/')], 0..20),
        ) {
            let mut bytes = envelope(MERCHANT, "getOrderStatusExtended", STATUSES[which].2).into_bytes();
            let from = at.index(bytes.len());
            let until = (from + gone).min(bytes.len());
            bytes.splice(from..until, put);
            soap_answer(&bytes);
        }
    }
}
