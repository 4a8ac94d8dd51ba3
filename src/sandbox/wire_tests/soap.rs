//! SOAP over a real socket: exact envelopes, faults with their status, and the same misfortunes as over REST.

use super::*;

const MERCHANT: &str = "http://engine.paymentgate.ru/webservices/merchant";
const LOYALTY: &str = "http://engine.paymentgate.ru/webservices/merchant/loyalty";

/// The header of the login that every other wire test has too.
fn security(password: &str) -> String {
    let namespace = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    format!(
        r#"<wsse:Security xmlns:wsse="{namespace}"><wsse:UsernameToken><wsse:Username>shop</wsse:Username><wsse:Password>{password}</wsse:Password></wsse:UsernameToken></wsse:Security>"#
    )
}

fn envelope(namespace: &str, header: &str, body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="{namespace}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

async fn post(sandbox: &Sandbox, service: &str, envelope: &str) -> io::Result<String> {
    let head = format!(
        "POST /payment/webservices/{service} HTTP/1.1\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \"\""
    );
    send(sandbox, &head, envelope).await
}

/// What a request of the shop got: the status line and the body.
async fn soap(sandbox: &Sandbox, namespace: &str, body: &str) -> (String, String) {
    let service = if namespace == LOYALTY { "merchant-loyalty-ws" } else { "merchant-ws" };
    parts(&post(sandbox, service, &envelope(namespace, &security("secret"), body)).await.unwrap())
}

fn parts(answer: &str) -> (String, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: text/xml;charset=UTF-8"), "{head}");
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// The message with this return.
fn answered(namespace: &str, operation: &str, returned: &str) -> (String, String) {
    let body = format!(
        r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><ns1:{operation}Response xmlns:ns1="{namespace}">{returned}</ns1:{operation}Response></soap:Body></soap:Envelope>"#
    );
    ("HTTP/1.1 200 OK".to_owned(), body)
}

#[tokio::test]
async fn an_order_goes_from_registration_to_completion_over_soap() {
    let sandbox = bank().await;
    let body = r#"<m:registerOrderPreAuth><order merchantOrderNumber="A-1" amount="900" language="en"><returnUrl>https://shop.example/</returnUrl></order></m:registerOrderPreAuth>"#;
    let registered = soap(&sandbox, MERCHANT, body).await;
    let id = sandbox.bank().orders()[0].order_id.clone();
    let url = format!("http://bank.test/payment/merchants/sandbox/payment_en.html?mdOrder={id}");
    let returned =
        format!(r#"<return orderId="{id}" errorCode="0" errorMessage="Success"><formUrl>{url}</formUrl></return>"#);
    assert_eq!(registered, answered(MERCHANT, "registerOrderPreAuth", &returned));
    let again = r#"<return errorCode="1" errorMessage="An order with this number has already been processed"/>"#;
    assert_eq!(soap(&sandbox, MERCHANT, body).await, answered(MERCHANT, "registerOrderPreAuth", again));

    sandbox.bank().pay(&id).unwrap();
    let body = "<m:getOrderStatusExtended><order language=\"en\"><merchantOrderNumber>A-1</merchantOrderNumber></order></m:getOrderStatusExtended>";
    let (status, held) = soap(&sandbox, MERCHANT, body).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(held.contains(r#"<return orderNumber="A-1" orderStatus="1" actionCode="0""#), "{held}");
    assert!(held.contains(&format!(r#"<attributes name="mdOrder" value="{id}"/>"#)), "{held}");
    assert!(held.contains(r#"paymentState="APPROVED" approvedAmount="900" depositedAmount="0""#), "{held}");
    assert!(held.contains("+03:00\""), "{held}");

    let body = format!(
        r#"<m:autoCompletion><autoCompletionRequest orderId="{id}" compositeCompletionAmount="500" language="en"/></m:autoCompletion>"#
    );
    let (_, completed) = soap(&sandbox, LOYALTY, &body).await;
    assert!(completed.contains(r#"<return errorCode="0" errorMessage="Success"><operations pcId=""#), "{completed}");
    assert!(completed.contains(r#"amount="500" successful="true"/></return>"#), "{completed}");
    let refused = r#"<return errorCode="7" errorMessage="The payment must be in a correct state"/>"#;
    assert_eq!(soap(&sandbox, LOYALTY, &body).await, answered(LOYALTY, "autoCompletion", refused));
    let order = sandbox.bank().order(&id).unwrap();
    assert_eq!((order.status, order.deposited_minor, order.deposits), (2, 500, 1));
    let effects: Vec<_> = requests(&sandbox).iter().map(|request| request.took_effect).collect();
    assert_eq!(effects, [Some(true), Some(false), None, Some(true), Some(false)]);
}

#[tokio::test]
async fn an_order_that_nobody_knows_is_a_business_error() {
    let sandbox = bank().await;
    let body = r#"<m:getOrderStatusExtended><order orderId="nobody" language="en"/></m:getOrderStatusExtended>"#;
    let returned = r#"<return errorCode="6" errorMessage="Unregistered OrderId"/>"#;
    assert_eq!(soap(&sandbox, MERCHANT, body).await, answered(MERCHANT, "getOrderStatusExtended", returned));
}

#[tokio::test]
async fn who_is_not_let_in_gets_a_fault_and_a_line_in_the_ledger() {
    let settings = Settings { login: Some("shop:secret".parse().unwrap()), ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let body = r#"<m:getOrderStatusExtended><order orderId="nobody"/></m:getOrderStatusExtended>"#;
    let fault = |code: &str, words: &str| {
        let namespace = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
        let body = format!(
            r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode xmlns:ns1="{namespace}">ns1:{code}</faultcode><faultstring>{words}</faultstring></soap:Fault></soap:Body></soap:Envelope>"#
        );
        ("HTTP/1.1 500 Internal Server Error".to_owned(), body)
    };
    let digest = security("x").replace("<wsse:Password>", r#"<wsse:Password Type="urn:x#PasswordDigest">"#);
    let header = "An error was discovered processing the &lt;wsse:Security&gt; header";
    let token = "The security token could not be authenticated or authorized";
    for (security, expected) in [
        (String::new(), fault("InvalidSecurity", header)),
        (digest, fault("FailedAuthentication", token)),
        (security("wrong"), fault("FailedAuthentication", token)),
    ] {
        let answer = post(&sandbox, "merchant-ws", &envelope(MERCHANT, &security, body)).await.unwrap();
        assert_eq!(parts(&answer), expected);
    }
    let codes: Vec<_> = requests(&sandbox).iter().map(|request| (request.error_code, request.answer)).collect();
    assert_eq!(codes, [(Some(5), AnswerClass::Refused); 3]);
    let ledger = get(&sandbox, "/sandbox/ledger").await;
    assert!(!ledger.contains("secret") && !ledger.contains("wrong"), "{ledger}");
}

#[tokio::test]
async fn what_is_no_request_is_a_fault_and_never_reaches_the_bank() {
    let sandbox = bank().await;
    let transfer = envelope(MERCHANT, &security("secret"), "<m:transferOrder/>");
    let long = "<".repeat(2 * crate::sandbox::rest::BODY_BYTES_MAX + 1);
    for (service, text) in
        [("merchant-ws", &*transfer), ("merchant-ws", ""), ("merchant-loyalty-ws", "{}"), ("merchant-ws", &long)]
    {
        let (status, body) = parts(&post(&sandbox, service, text).await.unwrap());
        assert_eq!(status, "HTTP/1.1 500 Internal Server Error");
        assert!(body.contains("<faultcode>soap:Client</faultcode>"), "{body}");
    }
    assert!(requests(&sandbox).is_empty());
}

#[tokio::test]
async fn the_wsdl_comes_in_two_parts_with_the_address_it_was_asked_at() {
    let sandbox = bank().await;
    let (status, outer) = parts(&get(&sandbox, "/payment/webservices/merchant-ws?wsdl").await);
    assert_eq!(status, "HTTP/1.1 200 OK");
    let inner = "http://bank.test/payment/webservices/merchant-ws?wsdl=MerchantService.wsdl";
    assert!(outer.contains(&format!(r#"<wsdl:import location="{inner}" namespace="{MERCHANT}"/>"#)), "{outer}");
    assert!(
        outer.contains(r#"<soap:address location="http://bank.test/payment/webservices/merchant-ws"/>"#),
        "{outer}"
    );
    let (_, inner) = parts(&get(&sandbox, "/payment/webservices/merchant-ws?wsdl=MerchantService.wsdl").await);
    assert!(inner.contains(r#"<wsdl:portType name="MerchantService">"#), "{inner}");
    let loyalty = "/payment/webservices/merchant-loyalty-ws?WSDL=MerchantLoyaltyService.wsdl";
    let (_, loyalty) = parts(&get(&sandbox, loyalty).await);
    assert!(
        loyalty.contains(r#"<wsdl:part name="autoCompletionRequest" type="ns1:autoCompletionRequest"/>"#),
        "{loyalty}"
    );
    let (status, _) = parts(&get(&sandbox, "/payment/webservices/merchant-ws?wsdl=other.wsdl").await);
    assert_eq!(status, "HTTP/1.1 500 Internal Server Error");
}

/// Sends one completion under a fault: what the caller read and whether the money was taken.
async fn complete_under(fault: FaultKind) -> (Option<String>, bool, RequestEntry) {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    sandbox.bank().add_fault(FaultRule::always(fault).on(Operation::Completion).times(1)).unwrap();
    let body = format!(
        r#"<m:autoCompletion><autoCompletionRequest orderId="{id}" compositeCompletionAmount="0" language="en"/></m:autoCompletion>"#
    );
    let envelope = envelope(LOYALTY, &security("secret"), &body);
    let answer = post(&sandbox, "merchant-loyalty-ws", &envelope).await.ok();
    let deposited = sandbox.bank().order(&id).unwrap().deposits == 1;
    (answer, deposited, requests(&sandbox).remove(0))
}

#[tokio::test]
async fn the_same_misfortunes_happen_over_soap() {
    use FaultKind as K;
    use Moment::{After, Before};
    let garbage = |shape| K::Garbage { shape: Some(shape), effect: After };
    let nothing = "";
    for (fault, words, deposited) in [
        (K::TimeoutBeforeEffect { ms: 1 }, Some(nothing), false),
        (K::TimeoutAfterEffect { ms: 1 }, Some(nothing), true),
        (K::Reset { effect: After }, None, true),
        (K::Error500 { effect: After }, Some("HTTP/1.1 500"), true),
        (K::Error503 { effect: Before }, Some("HTTP/1.1 503"), false),
        (K::Delay { ms: 1, effect: Before }, Some(r#"<return errorCode="0""#), true),
        (K::FalseSuccess, Some(r#"<return errorCode="0""#), false),
        (K::FalseRefusal, Some(r#"<return errorCode="7" errorMessage="The payment must"#), true),
        (garbage(Garbage::Html), Some("<html>"), true),
        (garbage(Garbage::Truncated), Some("<ns1:autoCompletionResponse"), true),
        (garbage(Garbage::WrongTypes), Some(r#"orderStatus="two""#), true),
        (garbage(Garbage::Empty), Some("content-length: 0"), true),
    ] {
        let name = fault.name();
        let (answer, did, line) = complete_under(fault).await;
        match (words, answer.as_deref()) {
            (Some(""), Some("")) | (None, None) => {}
            (Some(words), Some(answer)) => assert!(!words.is_empty() && answer.contains(words), "{name:?}: {answer}"),
            (_, answer) => panic!("{name:?}: {answer:?}"),
        }
        assert_eq!((did, line.fault), (deposited, Some(name)), "{name:?}");
    }
}

#[tokio::test]
async fn a_bent_status_is_bent_over_soap_too() {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    let bent = FaultKind::WrongAmount { part: AmountPart::Approved, off_by_minor: -100 };
    sandbox.bank().add_fault(FaultRule::always(bent).times(1)).unwrap();
    let body = format!(r#"<m:getOrderStatusExtended><order orderId="{id}"/></m:getOrderStatusExtended>"#);
    assert!(soap(&sandbox, MERCHANT, &body).await.1.contains(r#"approvedAmount="800""#));
    assert!(soap(&sandbox, MERCHANT, &body).await.1.contains(r#"approvedAmount="900""#));
}
