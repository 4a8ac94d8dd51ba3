//! The sandbox over a real socket: raw bytes in, raw bytes out, so that no client library smooths anything over.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const SHOP: &str = "userName=shop&password=secret";

async fn bank() -> Sandbox {
    Sandbox::start(Settings::default()).await.unwrap()
}

/// One request on a connection of its own; whatever comes back until the connection closes.
async fn send(sandbox: &Sandbox, head: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(sandbox.addr()).await?;
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: bank.test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn get(sandbox: &Sandbox, path: &str) -> String {
    send(sandbox, &format!("GET {path} HTTP/1.1"), "")
        .await
        .unwrap()
}

/// A REST request by form POST; the JSON that came back.
async fn rest(sandbox: &Sandbox, verb: &str, form: &str) -> serde_json::Value {
    let head = format!(
        "POST /payment/rest/{verb} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded"
    );
    let answer = send(sandbox, &head, &format!("{SHOP}&{form}"))
        .await
        .unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
}

/// The id of a fresh held order of 900.
fn held(sandbox: &Sandbox, number: &str) -> String {
    let order = Registration::new("shop", number, 900).two_phase();
    let id = sandbox.bank().register(order).unwrap().order_id;
    sandbox.bank().pay(&id).unwrap();
    id
}

fn requests(sandbox: &Sandbox) -> Vec<RequestEntry> {
    let entries = sandbox.bank().ledger().into_iter().map(|line| line.entry);
    entries
        .filter_map(|entry| match entry {
            Entry::Request(request) => Some(request),
            Entry::Effect(_) => None,
        })
        .collect()
}

#[tokio::test]
async fn an_order_goes_from_registration_to_completion_over_the_wire() {
    let sandbox = bank().await;
    let form = "orderNumber=A-1&amount=900&returnUrl=https%3A%2F%2Fshop.example%2F";
    let registered = rest(&sandbox, "registerPreAuth.do", form).await;
    let id = registered["orderId"].as_str().unwrap().to_owned();
    assert_eq!(
        registered["formUrl"],
        format!("http://bank.test/payment/merchants/sandbox/payment_ru.html?mdOrder={id}")
    );
    sandbox.bank().pay(&id).unwrap();
    let status = rest(&sandbox, "getOrderStatusExtended.do", "orderNumber=A-1").await;
    assert_eq!(status["orderStatus"], 1);
    let form = format!("orderId={id}&compositeCompletionAmount=500");
    assert_eq!(
        rest(&sandbox, "autoCompletion.do", &form).await["errorCode"],
        "0"
    );
    assert_eq!(
        rest(&sandbox, "autoCompletion.do", &form).await["errorCode"],
        "7"
    );
    let order = sandbox.bank().order(&id).unwrap();
    assert_eq!(
        (order.status, order.deposited_minor, order.deposits),
        (2, 500, 1)
    );
    let effects: Vec<_> = requests(&sandbox)
        .iter()
        .map(|request| request.took_effect)
        .collect();
    assert_eq!(effects, [Some(true), None, Some(true), Some(false)]);
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
        assert!(
            answer.contains("content-type: text/plain;charset=UTF-8\r\n"),
            "{answer}"
        );
        assert!(answer.contains(r#""orderStatus":1"#), "{answer}");
    }
}

#[tokio::test]
async fn the_wrong_login_gets_code_5_and_no_secret_reaches_the_ledger() {
    let settings = Settings {
        login: Some("shop:other".parse().unwrap()),
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let answer = rest(
        &sandbox,
        "getOrderStatusExtended.do",
        "orderNumber=A-1&language=en",
    )
    .await;
    assert_eq!(
        answer,
        serde_json::json!({"errorCode": "5", "errorMessage": "Access denied"})
    );
    let nobody = get(
        &sandbox,
        "/payment/rest/getOrderStatusExtended.do?orderNumber=A-1",
    )
    .await;
    assert!(
        nobody.contains("[userName] or [password] or [token] is empty"),
        "{nobody}"
    );
    let ledger = get(&sandbox, "/sandbox/ledger").await;
    assert!(
        ledger.contains(r#""login":"shop""#) && !ledger.contains("secret"),
        "{ledger}"
    );
}

#[tokio::test]
async fn what_is_unknown_or_too_long_is_refused_by_http() {
    let sandbox = bank().await;
    assert!(
        get(&sandbox, "/payment/rest/transfer.do")
            .await
            .starts_with("HTTP/1.1 404")
    );
    let head = "POST /payment/rest/register.do HTTP/1.1";
    let answer = send(&sandbox, head, &"x".repeat(rest::BODY_BYTES_MAX + 1))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(requests(&sandbox).is_empty());
}

/// Sends one completion under a fault: what the caller read (nothing when the bank hung up, `None` when it was reset), and
/// whether the money was taken.
async fn complete_under(fault: FaultKind) -> (Option<String>, bool, RequestEntry) {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    sandbox
        .bank()
        .add_fault(FaultRule::always(fault).times(1))
        .unwrap();
    let head = "POST /payment/rest/autoCompletion.do HTTP/1.1";
    let form = format!("{SHOP}&orderId={id}&compositeCompletionAmount=0");
    let answer = send(&sandbox, head, &form).await.ok();
    let deposited = sandbox.bank().order(&id).unwrap().deposits == 1;
    assert!(sandbox.bank().faults().is_empty(), "the fault is used up");
    (answer, deposited, requests(&sandbox).remove(0))
}

/// What a caller can be told.
enum Told {
    /// An answer with these words in it.
    Words(&'static str),
    /// Nothing: the bank hung up.
    Nothing,
    /// Nothing: the bank reset the connection.
    Reset,
}

async fn check(fault: FaultKind, told: Told, deposited: bool, class: AnswerClass) {
    let name = fault.name();
    let (answer, did, line) = complete_under(fault).await;
    match (told, answer.as_deref()) {
        (Told::Words(words), Some(answer)) => assert!(answer.contains(words), "{name:?}: {answer}"),
        (Told::Nothing, Some("")) | (Told::Reset, None) => {}
        (_, answer) => panic!("{name:?}: {answer:?}"),
    }
    assert_eq!(did, deposited, "{name:?}");
    assert_eq!((line.fault, line.answer), (Some(name), class));
    assert_eq!(
        (line.asked_minor, line.took_effect),
        (Some(0), Some(deposited)),
        "{name:?}"
    );
}

#[tokio::test]
async fn faults_end_a_completion_as_they_say() {
    use AnswerClass::{HttpError, Misleading, NoAnswer, Ok};
    use FaultKind as K;
    use Moment::{After, Before};
    use Told::{Nothing, Reset, Words};
    let retry_after = Some("7".to_owned());
    let retry_told = Words("retry-after: 7\r\n");
    let (success, refusal) = (r#""errorCode":"0""#, r#""errorCode":"7""#);
    check(K::TimeoutBeforeEffect { ms: 1 }, Nothing, false, NoAnswer).await;
    check(K::TimeoutAfterEffect { ms: 1 }, Nothing, true, NoAnswer).await;
    check(K::Reset { effect: Before }, Reset, false, NoAnswer).await;
    check(K::Reset { effect: After }, Reset, true, NoAnswer).await;
    check(
        K::TooManyRequests { retry_after },
        retry_told,
        false,
        HttpError,
    )
    .await;
    check(
        K::Error500 { effect: After },
        Words("HTTP/1.1 500"),
        true,
        HttpError,
    )
    .await;
    check(
        K::Error503 { effect: Before },
        Words("HTTP/1.1 503"),
        false,
        HttpError,
    )
    .await;
    check(
        K::Delay {
            ms: 1,
            effect: Before,
        },
        Words(success),
        true,
        Ok,
    )
    .await;
    check(K::FalseSuccess, Words(success), false, Misleading).await;
    check(K::FalseRefusal, Words(refusal), true, Misleading).await;
}

#[tokio::test]
async fn garbage_has_four_shapes() {
    for (shape, words) in [
        (Garbage::Html, "<html>"),
        (Garbage::Truncated, r#"{"operations""#),
        (Garbage::WrongTypes, r#""orderStatus":"two""#),
        (Garbage::Empty, "content-length: 0"),
    ] {
        let shape = Some(shape);
        let effect = Moment::After;
        check(
            FaultKind::Garbage { shape, effect },
            Told::Words(words),
            true,
            AnswerClass::Garbage,
        )
        .await;
    }
}

#[tokio::test]
async fn a_late_effect_comes_although_its_caller_has_left() {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    let late = FaultKind::Delay {
        ms: 50,
        effect: Moment::Before,
    };
    sandbox.bank().add_fault(FaultRule::always(late)).unwrap();
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    let path =
        format!("/payment/rest/autoCompletion.do?{SHOP}&orderId={id}&compositeCompletionAmount=0");
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: bank\r\n\r\n").as_bytes())
        .await
        .unwrap();
    until(|| !requests(&sandbox).is_empty()).await;
    drop(stream);
    assert_eq!(requests(&sandbox)[0].answer, AnswerClass::Open);
    until(|| sandbox.bank().order(&id).unwrap().deposits == 1).await;
    assert_eq!(requests(&sandbox)[0].answer, AnswerClass::Ok);
}

/// Looks again and again until it is so, for at most five seconds.
async fn until(so: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(5);
    while !so() {
        assert!(Instant::now() < give_up, "waited in vain");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_what_hangs() {
    let sandbox = bank().await;
    let hanging = FaultKind::TimeoutBeforeEffect { ms: 600_000 };
    sandbox
        .bank()
        .add_fault(FaultRule::always(hanging))
        .unwrap();
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    let mut idle = TcpStream::connect(sandbox.addr()).await.unwrap();
    let request = format!(
        "GET /payment/rest/getOrderStatusExtended.do?{SHOP} HTTP/1.1\r\nHost: bank\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    until(|| !requests(&sandbox).is_empty()).await;
    let asked = Instant::now();
    sandbox.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(1));
    let mut rest = Vec::new();
    assert_eq!(
        stream.read_to_end(&mut rest).await.unwrap_or(0),
        0,
        "no answer"
    );
    assert_eq!(idle.read_to_end(&mut rest).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn the_control_room_sets_lists_and_clears_faults() {
    let sandbox = bank().await;
    let post = "POST /sandbox/faults HTTP/1.1";
    let set = send(
        &sandbox,
        post,
        r#"{"kind":"delay","ms":5,"probability":0.25}"#,
    )
    .await
    .unwrap();
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    send(
        &sandbox,
        post,
        r#" [{"kind":"reset","count":2},{"kind":"wrong_order"}]"#,
    )
    .await
    .unwrap();
    let listed = get(&sandbox, "/sandbox/faults").await;
    assert!(
        listed.ends_with(
            r#"[{"kind":"delay","probability":0.25,"ms":5,"effect":"before"},{"kind":"reset","count":2,"probability":1.0,"effect":"before"},{"kind":"wrong_order","probability":1.0}]"#
        ),
        "{listed}"
    );
    let bad = send(&sandbox, post, r#"{"kind":"delay"}"#).await.unwrap();
    assert!(
        bad.starts_with("HTTP/1.1 400") && bad.contains("ms is missing"),
        "{bad}"
    );
    let cleared = send(&sandbox, "DELETE /sandbox/faults HTTP/1.1", "")
        .await
        .unwrap();
    assert!(cleared.starts_with("HTTP/1.1 204"), "{cleared}");
    assert!(sandbox.bank().faults().is_empty());
}

#[tokio::test]
async fn the_ledger_and_the_book_are_read_over_http() {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    let ledger = get(&sandbox, "/sandbox/ledger?after=1").await;
    assert!(
        ledger.contains("content-type: application/x-ndjson"),
        "{ledger}"
    );
    assert!(
        ledger.contains(r#"{"seq":2,"#) && ledger.contains(r#""effect":"held""#),
        "{ledger}"
    );
    assert!(!ledger.contains(r#""effect":"registered""#), "{ledger}");
    let orders = get(&sandbox, "/sandbox/orders").await;
    let (_, body) = orders.split_once("\r\n\r\n").unwrap();
    let orders: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&orders[0]["order_id"], &orders[0]["approved_minor"]),
        (&id.into(), &900.into())
    );
}

/// Presses a button on an order's payment page.
async fn press(sandbox: &Sandbox, id: &str, deed: &str) -> String {
    let head = "POST /payment/merchants/sandbox/payment_en.html HTTP/1.1";
    send(sandbox, head, &format!("mdOrder={id}&deed={deed}"))
        .await
        .unwrap()
}

/// The id of a fresh registered order.
fn registered(sandbox: &Sandbox, order: Registration) -> String {
    sandbox.bank().register(order).unwrap().order_id
}

#[tokio::test]
async fn a_person_pays_is_declined_or_walks_away() {
    let sandbox = bank().await;
    let shop = "location: https://shop.example/thanks?orderId=";
    let held = registered(&sandbox, Registration::new("shop", "A-1", 100).two_phase());
    assert!(press(&sandbox, &held, "pay").await.contains(shop));
    let declined = registered(&sandbox, Registration::new("shop", "A-2", 100));
    assert!(press(&sandbox, &declined, "decline").await.contains(shop));
    let left = registered(&sandbox, Registration::new("shop", "A-3", 100));
    assert!(
        press(&sandbox, &left, "leave")
            .await
            .contains("You left without paying")
    );
    let statuses: Vec<_> = sandbox
        .bank()
        .orders()
        .iter()
        .map(|order| order.status)
        .collect();
    assert_eq!(statuses, [1, 6, 0]);
    let again = press(&sandbox, &held, "pay").await;
    assert!(
        again.contains("location: /payment/merchants/sandbox/payment_en.html?mdOrder="),
        "{again}"
    );
    assert!(
        press(&sandbox, &left, "dance")
            .await
            .starts_with("HTTP/1.1 400")
    );
    assert!(
        press(&sandbox, "nobody", "pay")
            .await
            .starts_with("HTTP/1.1 404")
    );
}

#[tokio::test]
async fn the_payment_page_shows_the_order_and_escapes_it() {
    let sandbox = bank().await;
    let mut order = Registration::new("shop", "<b>1</b>", 123_450);
    order.description = "<script>alert(1)</script>".to_owned();
    let id = registered(&sandbox, order);
    let path =
        |language| format!("/payment/merchants/sandbox/payment_{language}.html?mdOrder={id}");
    let russian = get(&sandbox, &path("ru")).await;
    assert!(
        russian.contains("1\u{a0}234,50\u{a0}₽") && russian.contains("Оплатить"),
        "{russian}"
    );
    assert!(
        !russian.contains("<b>1") && !russian.contains("<script>alert"),
        "{russian}"
    );
    let english = get(&sandbox, &path("en")).await;
    assert!(
        english.contains("1\u{a0}234.50\u{a0}₽") && english.contains("20:00"),
        "{english}"
    );
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
    let closed = Sandbox::start(Settings {
        login,
        ..Settings::default()
    })
    .await
    .unwrap();
    registered(&closed, Registration::new("shop", "A-1", 100));
    assert!(!get(&closed, "/").await.contains("hunter2"));
}

#[tokio::test]
async fn buyers_come_think_and_act() {
    let buyers = Buyers {
        behaviour: Behaviour {
            pay_percent: 100,
            decline_percent: 0,
            median_divisor: 1_000,
        },
        .."1000/s".parse().unwrap()
    };
    let session_timeout = Duration::from_secs(10);
    let settings = Settings {
        buyers: Some(buyers),
        session_timeout,
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    for number in 0..20 {
        sandbox
            .bank()
            .register(Registration::new("shop", &number.to_string(), 100))
            .unwrap();
    }
    until(|| {
        sandbox
            .bank()
            .orders()
            .iter()
            .all(|order| order.status == 2)
    })
    .await;
    sandbox.stop().await;
}
