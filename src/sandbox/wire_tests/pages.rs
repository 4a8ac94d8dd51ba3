//! The payment page, the front page and the control room.

use super::*;

#[tokio::test]
async fn the_control_room_sets_lists_and_clears_faults() {
    let sandbox = bank().await;
    let post = "POST /sandbox/faults HTTP/1.1";
    let set = send(&sandbox, post, r#"{"kind":"delay","ms":5,"probability":0.25}"#).await.unwrap();
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    send(&sandbox, post, r#" [{"kind":"reset","count":2},{"kind":"wrong_order"}]"#).await.unwrap();
    let listed = get(&sandbox, "/sandbox/faults").await;
    assert!(
        listed.ends_with(
            r#"[{"kind":"delay","probability":0.25,"ms":5,"effect":"before"},{"kind":"reset","count":2,"probability":1.0,"effect":"before"},{"kind":"wrong_order","probability":1.0}]"#
        ),
        "{listed}"
    );
    let bad = send(&sandbox, post, r#"{"kind":"delay"}"#).await.unwrap();
    assert!(bad.starts_with("HTTP/1.1 400") && bad.contains("ms is missing"), "{bad}");
    let cleared = send(&sandbox, "DELETE /sandbox/faults HTTP/1.1", "").await.unwrap();
    assert!(cleared.starts_with("HTTP/1.1 204"), "{cleared}");
    assert!(sandbox.bank().faults().is_empty());
}

#[tokio::test]
async fn the_ledger_and_the_book_are_read_over_http() {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    let ledger = get(&sandbox, "/sandbox/ledger?after=1").await;
    assert!(ledger.contains("content-type: application/x-ndjson"), "{ledger}");
    assert!(ledger.contains(r#"{"seq":2,"#) && ledger.contains(r#""effect":"held""#), "{ledger}");
    assert!(!ledger.contains(r#""effect":"registered""#), "{ledger}");
    let orders = get(&sandbox, "/sandbox/orders").await;
    let (_, body) = orders.split_once("\r\n\r\n").unwrap();
    let orders: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&orders[0]["order_id"], &orders[0]["approved_minor"]), (&id.into(), &900.into()));
}

/// Presses a button on an order's payment page.
async fn press(sandbox: &Sandbox, id: &str, deed: &str) -> String {
    let head = "POST /payment/merchants/sandbox/payment_en.html HTTP/1.1";
    send(sandbox, head, &format!("mdOrder={id}&deed={deed}")).await.unwrap()
}

#[tokio::test]
async fn a_person_pays_is_declined_or_walks_away() {
    let sandbox = bank().await;
    let shop = "location: https://shop.example/thanks?orderId=";
    let held = registered(&sandbox, Registration::new("shop", "A-1", 100).two_phase());
    assert!(press(&sandbox, &held, "pay").await.contains(shop));
    let declined = registered(&sandbox, Registration::new("shop", "A-2", 100));
    let page = "location: /payment/merchants/sandbox/payment_en.html?mdOrder=";
    for _ in 0..2 {
        assert!(press(&sandbox, &declined, "decline").await.contains(page), "he may try again");
    }
    assert!(press(&sandbox, &declined, "decline").await.contains(shop), "three attempts, and no more");
    let left = registered(&sandbox, Registration::new("shop", "A-3", 100));
    assert!(press(&sandbox, &left, "leave").await.contains("You left without paying"));
    let statuses: Vec<_> = sandbox.bank().orders().iter().map(|order| order.status).collect();
    assert_eq!(statuses, [1, 6, 0]);
    let again = press(&sandbox, &held, "pay").await;
    assert!(again.contains("location: /payment/merchants/sandbox/payment_en.html?mdOrder="), "{again}");
    assert!(press(&sandbox, &left, "dance").await.starts_with("HTTP/1.1 400"));
    assert!(press(&sandbox, "nobody", "pay").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn the_payment_page_shows_the_order_and_escapes_it() {
    let sandbox = bank().await;
    let mut order = Registration::new("shop", "<b>1</b>", 123_450);
    order.description = "<script>alert(1)</script>".to_owned();
    let id = registered(&sandbox, order);
    let path = |language| format!("/payment/merchants/sandbox/payment_{language}.html?mdOrder={id}");
    let russian = get(&sandbox, &path("ru")).await;
    assert!(russian.contains("1\u{a0}234,50\u{a0}₽") && russian.contains("Оплатить"), "{russian}");
    assert!(!russian.contains("<b>1") && !russian.contains("<script>alert"), "{russian}");
    let english = get(&sandbox, &path("en")).await;
    assert!(english.contains("1\u{a0}234.50\u{a0}₽") && english.contains("20:00"), "{english}");
    assert!(get(&sandbox, &path("de")).await.starts_with("HTTP/1.1 404"));
    sandbox.bank().pay(&id).unwrap();
    assert!(get(&sandbox, &path("ru")).await.contains("Заказ оплачен"));
}

#[tokio::test]
async fn the_front_page_leads_everywhere_and_shows_no_password() {
    let sandbox = bank().await;
    registered(&sandbox, Registration::new("shop & co", "A-1", 100));
    let page = get(&sandbox, "/").await;
    for words in [
        "http://bank.test/payment/rest/",
        "/payment/merchants/sandbox/payment_ru.html?mdOrder=",
        "userName=shop%20%26%20co&",
        "href=\"/sandbox/ledger\"",
        "<td>registered</td>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let login = Some("shop:hunter2".parse().unwrap());
    let closed = Sandbox::start(Settings { login, ..Settings::default() }).await.unwrap();
    registered(&closed, Registration::new("shop", "A-1", 100));
    let page = get(&closed, "/").await;
    assert!(!page.contains("hunter2"));
    assert!(page.contains("-d userName=shop -d password=PASSWORD"), "the example is let in: {page}");
}

#[tokio::test]
async fn attempts_are_counted_down_on_the_page() {
    let sandbox = bank().await;
    let id = registered(&sandbox, Registration::new("shop", "A-1", 100).with_points("sbrf_spasibo", 30));
    let path = format!("/payment/merchants/sandbox/payment_en.html?mdOrder={id}");
    let fresh = get(&sandbox, &path).await;
    assert!(fresh.contains("<dd>3</dd>") && !fresh.contains("insufficient funds"), "{fresh}");
    assert!(fresh.contains("+ 30 points (sbrf_spasibo)"), "{fresh}");
    press(&sandbox, &id, "decline").await;
    let tried = get(&sandbox, &path).await;
    assert!(tried.contains("<dd>2</dd>") && tried.contains("insufficient funds"), "{tried}");
    assert_eq!(sandbox.bank().order(&id).unwrap().status, 0);
    assert!(press(&sandbox, &id, "pay").await.contains("location: https://shop.example/"));
    assert_eq!(sandbox.bank().order(&id).unwrap().points_deposited, 30);
}

#[tokio::test]
async fn the_issuer_asks_for_a_code_and_the_order_waits_in_authentication() {
    let sandbox = bank().await;
    let page = "location: /payment/merchants/sandbox/payment_en.html?mdOrder=";
    let id = registered(&sandbox, Registration::new("shop", "A-1", 100).two_phase());
    let status = || sandbox.bank().order(&id).unwrap().status;
    assert!(press(&sandbox, &id, "secure").await.contains(page));
    let path = format!("/payment/merchants/sandbox/payment_en.html?mdOrder={id}");
    assert!(get(&sandbox, &path).await.contains("asks for a confirmation code"));
    assert_eq!(status(), 5);
    assert!(press(&sandbox, &id, "fail").await.contains(page), "a wrong code costs an attempt");
    assert_eq!((status(), sandbox.bank().order(&id).unwrap().failed_attempts), (0, 1));
    press(&sandbox, &id, "secure").await;
    assert!(press(&sandbox, &id, "confirm").await.contains("location: https://shop.example/"));
    assert_eq!(status(), 1);
    let features = vec!["FORCE_TDS".to_owned()];
    let forced = registered(&sandbox, Registration { features, ..Registration::new("shop", "A-2", 100) });
    assert!(press(&sandbox, &forced, "pay").await.starts_with("HTTP/1.1 400"), "the store wants the code");
}

#[tokio::test]
async fn a_contract_is_set_and_its_key_is_not_told() {
    let sandbox = bank().await;
    let put = "PUT /sandbox/contracts/shop HTTP/1.1";
    let body = r#"{"status_version":4,"callback":{"url":"http://127.0.0.1:9/cb","method":"post","seal":{"hmac_key":"hunter2"}}}"#;
    let set = send(&sandbox, put, body).await.unwrap();
    assert!(set.starts_with("HTTP/1.1 200") && set.contains(r#""status_version":4"#), "{set}");
    let listed = get(&sandbox, "/sandbox/contracts").await;
    assert!(listed.contains("127.0.0.1:9") && !listed.contains("hunter2"), "{listed}");
    let bad = send(&sandbox, put, r#"{"status":4}"#).await.unwrap();
    assert!(bad.starts_with("HTTP/1.1 400") && bad.contains("unknown field"), "{bad}");
    held(&sandbox, "A-1");
    let status = ask(&sandbox, "getOrderStatusExtended.do", "orderNumber=A-1").await;
    assert!(status.get("paymentWay").is_none() && status.get("paymentAmountInfo").is_some(), "{status}");
}
