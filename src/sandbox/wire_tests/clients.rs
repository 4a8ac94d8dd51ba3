//! The ways in which public client libraries ask, each request as such a library puts it on the wire.

use super::*;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const JSON: &str = "Content-Type: application/json";

/// The body of the answer as JSON, whatever it calls itself.
async fn said(sandbox: &Sandbox, head: &str, body: &str) -> serde_json::Value {
    let answer = send(sandbox, head, body).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
}

/// Everything a library registers with, encoded as its language does.
const REGISTRATION: &str = "amount=15000&orderNumber=NUMBER&returnUrl=https%3A%2F%2Fshop.example%2Fthanks%3Fa%3D1&failUrl=https%3A%2F%2Fshop.example%2Ffail&currency=643&language=en&description=Order%20one&clientId=117&pageView=MOBILE&sessionTimeoutSecs=600&email=a%40b.example&phone=79991234567&taxSystem=0&jsonParams=%7B%22k%22%3A%22v%22%7D&features=FORCE_SSL";

#[tokio::test]
async fn every_style_registers_asks_and_moves_money() {
    let sandbox = bank().await;
    for (place, style) in ["get", "form", "query and empty body", "query, JSON type"].into_iter().enumerate() {
        let ask = async |verb: &str, text: &str| {
            let path = format!("/payment/rest/{verb}");
            let all = format!("{SHOP}&{text}");
            match style {
                "get" => said(&sandbox, &format!("GET {path}?{all} HTTP/1.1"), "").await,
                "form" => said(&sandbox, &format!("POST {path} HTTP/1.1\r\n{FORM}"), &all).await,
                "query and empty body" => said(&sandbox, &format!("POST {path}?{all} HTTP/1.1\r\n{FORM}"), "").await,
                _ => said(&sandbox, &format!("POST {path}?{all} HTTP/1.1\r\n{JSON}"), "").await,
            }
        };
        let number = format!("N-{place}");
        let registration = REGISTRATION.replace("NUMBER", &number);
        let registered = ask("registerPreAuth.do", &registration).await;
        assert!(registered.get("errorCode").is_none(), "{style}: {registered}");
        let id = registered["orderId"].as_str().unwrap().to_owned();
        assert!(registered["formUrl"].as_str().unwrap().ends_with(&format!("payment_en.html?mdOrder={id}")));
        assert_eq!(ask("registerPreAuth.do", &registration).await["errorCode"], "1", "{style}");
        sandbox.bank().pay(&id).unwrap();
        let status = ask("getOrderStatusExtended.do", &format!("orderId={id}")).await;
        assert_eq!((&status["orderStatus"], &status["errorCode"]), (&1.into(), &"0".into()), "{style}");
        assert_eq!(
            (&status["bindingInfo"]["clientId"], &status["payerData"]["phone"]),
            (&"117".into(), &"79991234567".into())
        );
        assert!(status["bindingInfo"]["bindingId"].is_string(), "{style}");
        assert_eq!(status["merchantOrderParams"][0]["value"], "v", "{style}");
        assert_eq!(ask("deposit.do", &format!("orderId={id}&amount=10000")).await["errorCode"], "0", "{style}");
        let refund = format!("orderId={id}&amount=4000&externalRefundId=R-{place}");
        assert_eq!(ask("refund.do", &refund).await["errorCode"], "0", "{style}");
        assert_eq!(ask("refund.do", &refund).await["errorCode"], "0", "{style}");
        let status = ask("getOrderStatusExtended.do", &format!("orderNumber={number}")).await;
        assert_eq!(
            (&status["orderStatus"], &status["paymentAmountInfo"]["refundedAmount"]),
            (&4.into(), &4_000.into())
        );
        assert_eq!(ask("getOrderStatus.do", &format!("orderId={id}")).await["OrderStatus"], 4, "{style}");
        let wanted = "page=0&size=10&from=20200101000000&to=20991231235959&transactionStates=REFUNDED&merchants=";
        assert_eq!(ask("getLastOrdersForMerchants.do", wanted).await["totalCount"], place + 1, "{style}");
        let first = ask("getLastOrdersForMerchants.do", wanted.trim_start_matches("page=0&")).await;
        assert_eq!((&first["page"], &first["totalCount"]), (&0.into(), &(place + 1).into()), "{style}");
    }
    let effects = requests(&sandbox).iter().filter(|request| request.took_effect == Some(true)).count();
    assert_eq!(effects, 4 * 3, "a registration, a deposit and a refund each; what is repeated has no effect");
}

#[tokio::test]
async fn a_gateway_without_last_orders_has_no_such_page() {
    let sandbox = Sandbox::start(Settings { last_orders: false, ..Settings::default() }).await.unwrap();
    let answer = get(&sandbox, &format!("/payment/rest/getLastOrdersForMerchants.do?{SHOP}")).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn a_token_names_orders_by_their_id_alone() {
    let sandbox = bank().await;
    let path = "/payment/rest/register.do?token=abc&orderNumber=T-1&amount=100&returnUrl=https://shop.example";
    let registered = said(&sandbox, &format!("GET {path} HTTP/1.1"), "").await;
    let id = registered["orderId"].as_str().unwrap();
    let by = |what: &str| format!("GET /payment/rest/getOrderStatusExtended.do?token=abc&{what} HTTP/1.1");
    assert_eq!(said(&sandbox, &by(&format!("orderId={id}")), "").await["orderStatus"], 0);
    assert_eq!(said(&sandbox, &by("orderNumber=T-1"), "").await["errorCode"], "1");
}

/// Far more than any library sends, and a library that sends them is heard no further.
#[tokio::test]
async fn headers_have_a_number() {
    let sandbox = bank().await;
    let asks = async |count: usize| {
        let more = "\r\nx: 1".repeat(count);
        let head = format!("GET /payment/rest/getOrderStatusExtended.do?{SHOP}&orderNumber=none HTTP/1.1{more}");
        // What is sent behind the limit may meet a connection that is closed already.
        send(&sandbox, &head, "").await.unwrap_or_default()
    };
    assert!(asks(61).await.starts_with("HTTP/1.1 200 OK"));
    for count in [62, 10_000] {
        let answer = asks(count).await;
        let is_cut = count == 10_000 && answer.is_empty();
        assert!(is_cut || answer.starts_with("HTTP/1.1 431 "), "{count}: {answer}");
    }
}
