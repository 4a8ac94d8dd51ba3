//! Callbacks over real sockets: a shop that listens, one that fails, one that is not there.

use std::collections::BTreeMap;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

use super::super::courier::ANSWER_WITHIN;
use super::*;

/// A shop that answers its visitors with these statuses, one after the other, and passes on what they said.
async fn shop(statuses: &'static [u16]) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/cb?from=bank", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !whole(&request) {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "the bank hung up");
            }
            let answer = format!("HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            tell.send(String::from_utf8(request).unwrap()).unwrap();
        }
    });
    (address, told)
}

/// Whether the head and as much as it announces have come.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

async fn bank_calling(url: &str, method: CallbackMethod) -> Sandbox {
    let seal = Seal::Hmac("123".to_owned());
    let callback = Callback { url: Some(url.to_owned()), method, seal, amount: true };
    let contract = Contract { callback, ..Contract::default() };
    let callback_first_wait = Duration::from_millis(5);
    Sandbox::start(Settings { contract, callback_first_wait, ..Settings::default() }).await.unwrap()
}

/// The parameters of a request by GET or by form.
fn parameters(request: &str) -> BTreeMap<String, String> {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let (_, query) = head.split(' ').nth(1).unwrap().split_once('?').unwrap();
    let text = if body.is_empty() { query } else { body };
    let decoded = |text: &str| text.replace("%20", " ").replace("%3A", ":");
    text.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (n.to_owned(), decoded(v))).collect()
}

#[tokio::test]
async fn a_shop_is_told_by_get_and_by_post() {
    for method in [CallbackMethod::Get, CallbackMethod::Post] {
        let (url, mut told) = shop(&[200, 200]).await;
        let sandbox = bank_calling(&url, method).await;
        let id = held(&sandbox, "A 1");
        let request = told.recv().await.unwrap();
        let verb = if method == CallbackMethod::Get { "GET /cb?from=bank&mdOrder=" } else { "POST /cb?from=bank HTTP" };
        assert!(request.starts_with(verb), "{request}");
        let said = parameters(&request);
        let value = |name: &str| said[name].as_str();
        assert_eq!((value("mdOrder"), value("orderNumber"), value("amount")), (&*id, "A 1", "900"));
        assert_eq!((value("operation"), value("status")), ("approved", "1"));
        assert_eq!(value("checksum").len(), 64);
        sandbox.bank().deposit(&id, 0).unwrap();
        assert_eq!(parameters(&told.recv().await.unwrap())["operation"], "deposited");
        until(|| sandbox.bank().callbacks().iter().all(|letter| letter.delivered)).await;
    }
}

#[tokio::test]
async fn a_shop_that_fails_is_told_again_the_same() {
    let (url, mut told) = shop(&[500, 302, 200]).await;
    let sandbox = bank_calling(&url, CallbackMethod::Get).await;
    held(&sandbox, "A-1");
    let first = told.recv().await.unwrap();
    assert_eq!(told.recv().await.unwrap(), first);
    assert_eq!(told.recv().await.unwrap(), first);
    until(|| sandbox.bank().callbacks()[0].delivered).await;
    assert_eq!(sandbox.bank().callbacks()[0].attempts, 3);
}

#[tokio::test]
async fn a_shop_that_cannot_be_told_is_given_up_and_stopping_does_not_wait_for_it() {
    // Bound and never listening: a port that is let go may be a neighbour's a moment later.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = format!("http://{}/", closed.local_addr().unwrap());
    for url in [&*nobody, "https://127.0.0.1/", "not a url", "http://"] {
        let contract =
            Contract { callback: Callback { url: Some(url.to_owned()), ..Callback::default() }, ..Contract::default() };
        let callback_first_wait = Duration::from_millis(1);
        let settings = Settings { contract, callback_first_wait, ..Settings::default() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        held(&sandbox, "A-1");
        until(|| sandbox.bank().callbacks()[0].next_at_ms.is_none()).await;
        let letter = &sandbox.bank().callbacks()[0];
        assert!(!letter.delivered && letter.outcome.is_some(), "{letter:?}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox = bank_calling(&format!("http://{}/", silent.local_addr().unwrap()), CallbackMethod::Get).await;
    held(&sandbox, "A-1");
    let _visitor = silent.accept().await.unwrap();
    tokio::time::timeout(ANSWER_WITHIN / 2, sandbox.stop()).await.unwrap();
}

#[tokio::test]
async fn a_session_that_times_out_is_told_by_itself() {
    let (url, mut told) = shop(&[200]).await;
    let sandbox = bank_calling(&url, CallbackMethod::Get).await;
    let order = Registration { lifetime: Lifetime::Seconds(1), ..Registration::new("shop", "A-1", 900) };
    registered(&sandbox, order);
    let said = parameters(&told.recv().await.unwrap());
    assert_eq!((said["operation"].as_str(), said["status"].as_str()), ("declinedByTimeout", "0"));
}
