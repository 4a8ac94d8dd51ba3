//! The daemon over SOAP, and over REST by deposit, from the hold to the end: against a bank of canned answers, since
//! what is tried here is the way there and back.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::event::EventKind as Kind;
use reconciled::domain::money::Amount;
use reconciled::domain::operation::{CompletionAmount, OperationState};
use reconciled::domain::order::{NewOrder, State};
use reconciled::store::OrderWithOperation;

use crate::fixture::{HASTE, LOGIN, add, order, wait_for};

const MERCHANT: &str = "http://engine.paymentgate.ru/webservices/merchant";
const LOYALTY: &str = "http://engine.paymentgate.ru/webservices/merchant/loyalty";
const PASSWORD: &str = "a<secret>&of'ours\"";
const ID: &str = "b6f698e1-fb8d-7b6d-8f56-130700ef5d58";

/// What the bank does with a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Takes the money, and says so.
    Done,
    /// Takes the money, and says that the points were not taken.
    WithoutPoints,
    /// Takes the money, and breaks down.
    FaultAfterEffect,
}

/// A bank with one order, of 98.00 in money and 2.00 in points.
#[derive(Debug)]
struct Bank {
    answer: Answer,
    /// What was taken of both together; nothing yet.
    taken: Option<(i64, i64)>,
    /// Each request's path and body.
    read: Vec<(String, String)>,
    /// Whether a `SOAPAction` came with every envelope.
    actions: Vec<bool>,
}

type Till = Arc<Mutex<Bank>>;

/// Starts it; its address, without a path.
async fn bank(answer: Answer) -> (String, Till) {
    let till = Arc::new(Mutex::new(Bank { answer, taken: None, read: Vec::new(), actions: Vec::new() }));
    let router = axum::Router::new()
        .route("/ws/merchant-ws", post(soap))
        .route("/ws/merchant-loyalty-ws", post(soap))
        .route("/rest/{method}", post(rest))
        .with_state(Arc::clone(&till));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let serving =
                http1::Builder::new().serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
            tokio::spawn(serving);
        }
    });
    (format!("http://{address}"), till)
}

/// The number in `body` behind `name`.
fn number(body: &str, name: &str) -> i64 {
    let (_, rest) = body.split_once(name).unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

impl Bank {
    /// Takes `amount` of both together, points last; 0 is everything.
    fn take(&mut self, amount: i64) {
        let money = if amount == 0 { 9_800 } else { amount * 98 / 100 };
        self.taken = Some((money, if amount == 0 { 200 } else { amount - money }));
    }
}

async fn soap(Shared(till): Shared<Till>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let mut bank = till.lock().unwrap();
    bank.read.push((uri.to_string(), body.clone()));
    bank.actions.push(headers.get("soapaction").is_some_and(|action| action == "\"\""));
    if !body.contains(&format!("<wsse:Username>{LOGIN}</wsse:Username>")) {
        return fault("wsse:FailedAuthentication");
    }
    if body.contains(":getOrderStatusExtended>") {
        let (status, (money, points)) = bank.taken.map_or((1, (0, 0)), |taken| (2, taken));
        let returned = format!(
            "<return errorCode=\"0\" orderNumber=\"A-1\" orderStatus=\"{status}\" actionCode=\"0\" amount=\"9800\" \
             currency=\"643\"><attributes name=\"mdOrder\" value=\"{ID}\"/><paymentAmountInfo approvedAmount=\"9800\" \
             depositedAmount=\"{money}\" refundedAmount=\"0\"/><loyaltyInfos loyaltyName=\"sbrf_spasibo\"><paymentBonus \
             approvedAmountBonus=\"200\" depositedAmountBonus=\"{points}\" refundedAmountBonus=\"0\"/></loyaltyInfos></return>"
        );
        return (StatusCode::OK, envelope(MERCHANT, "getOrderStatusExtended", &returned));
    }
    let (operation, namespace, amount) = if body.contains(":autoCompletion>") {
        ("autoCompletion", LOYALTY, number(&body, "compositeCompletionAmount=\""))
    } else {
        ("depositOrder", MERCHANT, number(&body, "depositAmount=\""))
    };
    bank.take(amount);
    let done = bank.answer == Answer::Done;
    let operations = format!(
        "<operations pcId=\"1\" operation=\"PAYMENT\" amount=\"200\" successful=\"{done}\" transactionId=\"1642\"/>\
         <operations pcId=\"2\" operation=\"AWARD\" amount=\"9800\" successful=\"true\" transactionId=\"1643\"/>"
    );
    let operations = if operation == "depositOrder" { String::new() } else { operations };
    let returned = format!("<return errorCode=\"0\">{operations}</return>");
    match bank.answer {
        Answer::FaultAfterEffect => fault("soap:Server"),
        Answer::Done | Answer::WithoutPoints => (StatusCode::OK, envelope(namespace, operation, &returned)),
    }
}

fn envelope(namespace: &str, operation: &str, returned: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><a:{operation}Response \
         xmlns:a=\"{namespace}\">{returned}</a:{operation}Response></s:Body></s:Envelope>"
    )
}

fn fault(code: &str) -> (StatusCode, String) {
    let fault = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>{code}</faultcode>\
         <faultstring>not for a&lt;secret&gt;&amp;of'ours\"</faultstring></s:Fault></s:Body></s:Envelope>"
    );
    (StatusCode::INTERNAL_SERVER_ERROR, fault)
}

async fn rest(Shared(till): Shared<Till>, uri: Uri, body: Bytes) -> String {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let mut bank = till.lock().unwrap();
    bank.read.push((uri.to_string(), body.clone()));
    if uri.path().ends_with("/getOrderStatusExtended.do") {
        let (status, (money, _)) = bank.taken.map_or((1, (0, 0)), |taken| (2, taken));
        return format!(
            r#"{{"errorCode":"0","orderNumber":"A-1","orderStatus":{status},"amount":9800,"currency":"643",
                "attributes":[{{"name":"mdOrder","value":"{ID}"}}],"paymentAmountInfo":{{"approvedAmount":9800,
                "depositedAmount":{money},"refundedAmount":0}}}}"#
        );
    }
    assert_eq!(uri.path(), "/rest/deposit.do");
    bank.take(number(&body, "&amount="));
    r#"{"errorCode":0}"#.to_owned()
}

/// A daemon for a merchant whose bank is at `gateway`, with `keys` besides.
async fn daemon(directory: &std::path::Path, gateway: &str, user_name: &str, keys: &str) -> Daemon {
    let toml = format!(
        r#"database = "data/reconciled.db"
reports = "reports"
listen = "127.0.0.1:0"
api_token = {{ public = "a-token-of-the-tests" }}

[[merchant]]
name = "shop"
gateway = "{gateway}"
user_name = "{user_name}"
password = {{ public = '''{PASSWORD}''' }}
connect_timeout = "500ms"
request_timeout = "500ms"
{keys}
{HASTE}"#
    );
    let path = directory.join("reconciled.toml");
    std::fs::write(&path, toml).unwrap();
    Daemon::start(Config::load(&path).unwrap_or_else(|error| panic!("{error}"))).await.unwrap()
}

fn confirmed(found: &OrderWithOperation) -> bool {
    found.operation.as_ref().is_some_and(|operation| operation.state == OperationState::Confirmed)
}

/// How the order is completed, what the bank does, which path is asked for it, and where the order ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_completed_over_either_wire_and_by_either_request() {
    use Answer::{Done, FaultAfterEffect, WithoutPoints};
    let (whole, part) = (CompletionAmount::Whole, CompletionAmount::Exactly(Amount::new(5_000).unwrap()));
    let soap = "protocol = \"soap\"";
    let by_soap_deposit = "protocol = \"soap\"\ncompletion_method = \"deposit\"";
    let deposit = "completion_method = \"deposit\"";
    let (ws, loyalty) = ("/ws/merchant-ws", "/ws/merchant-loyalty-ws");
    let table = [
        ("composite", soap, ws, whole, Done, loyalty, State::Deposited),
        ("a part in money and points", soap, ws, part, Done, loyalty, State::Deposited),
        ("asked about after a fault", soap, ws, whole, FaultAfterEffect, loyalty, State::Deposited),
        ("points not taken", soap, ws, whole, WithoutPoints, loyalty, State::Review),
        ("depositOrder", by_soap_deposit, ws, whole, Done, ws, State::Deposited),
        ("deposit.do", deposit, "/rest/", whole, Done, "/rest/deposit.do", State::Deposited),
    ];
    for (what, keys, path, amount, answer, completed_at, end) in table {
        let (address, till) = bank(answer).await;
        let directory = tempfile::tempdir().unwrap();
        let daemon = daemon(directory.path(), &format!("{address}{path}"), LOGIN, keys).await;
        add(daemon.store(), vec![NewOrder { completion: amount, ..order("A-1", 9_800) }]).await;
        let found = wait_for(daemon.store(), "A-1", confirmed).await;
        assert_eq!(found.state, end, "{what}");
        let told: Vec<_> = daemon.store().events_of(found.key).await.unwrap();
        let answered = told.iter().find(|event| event.kind == Kind::CompletionAnswered).unwrap();
        match answer {
            FaultAfterEffect => assert_eq!(
                answered.detail, "outcome unknown (server_error: HTTP 500, SOAP fault: not for [secret])",
                "{what}"
            ),
            _ if completed_at == loyalty => {
                assert!(answered.detail.contains("AWARD of 9800, pcId 2"), "{what}: {answered:?}");
            }
            _ => assert_eq!(answered.detail, "acknowledged; a read will verify it", "{what}"),
        }
        daemon.stop().await;
        let bank = till.lock().unwrap();
        let is_completion =
            |body: &str| ["mer:autoCompletion", "mer:depositOrder"].iter().any(|word| body.contains(word));
        let completions: Vec<_> = bank
            .read
            .iter()
            .filter(|(path, body)| path.ends_with("deposit.do") || is_completion(body))
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(completions, [completed_at], "{what}");
        assert!(bank.actions.iter().all(|action| *action), "{what}");
        assert!(bank.read.iter().all(|(path, _)| !path.contains('?')), "{what}");
    }
}

/// A login that is not let in is the bank's word, not its silence; and nothing is sent but questions.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_soap_does_not_let_in_is_told_without_the_password() {
    let (address, till) = bank(Answer::Done).await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = format!("{address}/ws/merchant-ws");
    let daemon = daemon(directory.path(), &gateway, "stranger", "protocol = \"soap\"").await;
    add(daemon.store(), vec![order("A-1", 9_800)]).await;
    let heard = |found: &OrderWithOperation| found.order.heard.is_some();
    let found = wait_for(daemon.store(), "A-1", heard).await;
    assert_eq!(found.state, State::Pending);
    assert_eq!(found.heard.unwrap().words, "errorCode 5: not for [secret]");
    daemon.stop().await;
    assert_eq!(till.lock().unwrap().taken, None);
    for entry in walk(directory.path()) {
        // The database takes its log away as it closes.
        let Ok(bytes) = std::fs::read(&entry) else { continue };
        let is_config = entry.ends_with("reconciled.toml");
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(is_config || !(holds(PASSWORD.as_bytes()) || holds(b"a&lt;secret")), "{}", entry.display());
    }
}

/// Every file below `directory`.
fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}
