//! An order's life over the REST wire.

use super::*;

#[tokio::test]
async fn an_order_goes_from_registration_to_completion_over_the_wire() {
    let sandbox = bank().await;
    let form = "orderNumber=A-1&amount=900&returnUrl=https%3A%2F%2Fshop.example%2F";
    let registered = ask(&sandbox, "registerPreAuth.do", form).await;
    let id = registered["orderId"].as_str().unwrap().to_owned();
    assert_eq!(
        registered["formUrl"],
        format!("http://bank.test/payment/merchants/sandbox/payment_ru.html?mdOrder={id}")
    );
    sandbox.bank().pay(&id).unwrap();
    let status = ask(&sandbox, "getOrderStatusExtended.do", "orderNumber=A-1").await;
    assert_eq!(status["orderStatus"], 1);
    let form = format!("orderId={id}&compositeCompletionAmount=500");
    assert_eq!(ask(&sandbox, "autoCompletion.do", &form).await["errorCode"], "0");
    assert_eq!(ask(&sandbox, "autoCompletion.do", &form).await["errorCode"], "7");
    let order = sandbox.bank().order(&id).unwrap();
    assert_eq!((order.status, order.deposited_minor, order.deposits), (2, 500, 1));
    let effects: Vec<_> = requests(&sandbox).iter().map(|request| request.took_effect).collect();
    assert_eq!(effects, [Some(true), None, Some(true), Some(false)]);
    let named = |request: &RequestEntry| {
        request.order_id.as_ref() == Some(&id) && request.order_number.as_deref() == Some("A-1")
    };
    assert!(requests(&sandbox).iter().all(named), "a line names its order both ways");
}

#[tokio::test]
async fn parameters_are_found_wherever_a_client_puts_them() {
    let sandbox = bank().await;
    held(&sandbox, "A-1");
    let path = format!("/payment/rest/getOrderStatusExtended.do?{SHOP}&orderNumber=A-1");
    for head in [
        format!("GET {path} HTTP/1.1"),
        format!("POST {path} HTTP/1.1"),
        format!("POST {path} HTTP/1.1\r\nContent-Type: application/json"),
    ] {
        let answer = send(&sandbox, &head, "").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("content-type: text/plain;charset=UTF-8\r\n"), "{answer}");
        assert!(answer.contains(r#""orderStatus":1"#), "{answer}");
    }
}

#[tokio::test]
async fn the_wrong_login_gets_code_5_and_no_secret_reaches_the_ledger() {
    let settings = Settings { login: Some("shop:other".parse().unwrap()), ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let answer = ask(&sandbox, "getOrderStatusExtended.do", "orderNumber=A-1&language=en").await;
    assert_eq!(answer, serde_json::json!({"errorCode": "5", "errorMessage": "Access denied"}));
    let nobody = get(&sandbox, "/payment/rest/getOrderStatusExtended.do?orderNumber=A-1").await;
    assert!(nobody.contains("[userName] or [password] or [token] is empty"), "{nobody}");
    let ledger = get(&sandbox, "/sandbox/ledger").await;
    assert!(ledger.contains(r#""login":"shop""#) && !ledger.contains("secret"), "{ledger}");
}

#[tokio::test]
async fn what_is_unknown_or_too_long_is_refused_by_http() {
    let sandbox = bank().await;
    assert!(get(&sandbox, "/payment/rest/transfer.do").await.starts_with("HTTP/1.1 404"));
    let head = "POST /payment/rest/register.do HTTP/1.1";
    let answer = send(&sandbox, head, &"x".repeat(crate::sandbox::rest::BODY_BYTES_MAX + 1)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(requests(&sandbox).is_empty());
}

#[tokio::test]
async fn buyers_come_think_and_act() {
    let buyers = Buyers {
        behaviour: Behaviour { pay_percent: 100, decline_percent: 0, secure_percent: 50, median_divisor: 1_000 },
        .."1000/s".parse().unwrap()
    };
    let session_timeout = Duration::from_secs(10);
    let settings = Settings { buyers: Some(buyers), session_timeout, ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    for number in 0..20 {
        sandbox.bank().register(Registration::new("shop", &number.to_string(), 100)).unwrap();
    }
    until(|| sandbox.bank().orders().iter().all(|order| order.status == 2)).await;
    sandbox.stop().await;
}
