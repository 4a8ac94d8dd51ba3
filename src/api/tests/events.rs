//! The feed: pages, waiting for one, and the stream.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Face, TOKEN, authorization};

/// Hands in orders of `merchant` by these numbers.
async fn add(face: &Face, merchant: &str, numbers: &[&str]) {
    for number in numbers {
        let order = json!({ "merchant": merchant, "order_number": number, "amount": 100 });
        assert_eq!(face.post("/v1/orders", &order.to_string()).await.status, 201, "{number}");
    }
}

/// Order numbers of a page, what to ask after next, and whether there was more.
fn told(page: &Value) -> (Vec<&str>, i64, bool) {
    let events = page["events"].as_array().unwrap();
    let numbers = events.iter().map(|event| event["order_number"].as_str().unwrap()).collect();
    (numbers, page["next"].as_i64().unwrap(), page["more"].as_bool().unwrap())
}

#[tokio::test]
async fn the_journal_is_read_page_by_page_from_wherever_one_was() {
    let face = Face::open().await;
    add(&face, "shop", &["A-1", "A-2"]).await;
    add(&face, "kiosk", &["K-1"]).await;
    add(&face, "shop", &["A-3"]).await;
    let table: [(&str, &[&str], i64, bool); 9] = [
        ("", &["A-1", "A-2", "K-1", "A-3"], 4, false),
        ("?after=0&limit=2", &["A-1", "A-2"], 2, true),
        ("?after=2&limit=2", &["K-1", "A-3"], 4, true),
        ("?after=4", &[], 4, false),
        ("?merchant=kiosk", &["K-1"], 4, false),
        ("?merchant=shop&after=1", &["A-2", "A-3"], 4, false),
        ("?kind=added,changed", &["A-1", "A-2", "K-1", "A-3"], 4, false),
        ("?kind=changed", &[], 4, false),
        ("?merchant=nobody&wait=0s", &[], 4, false),
    ];
    for (query, numbers, next, more) in table {
        let answer = face.get(&format!("/v1/events{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        assert_eq!(told(&answer.json()), (numbers.to_vec(), next, more), "{query}");
    }
    let first = &face.get("/v1/events?limit=1").await.json()["events"][0];
    let expected = json!({
        "seq": 1, "at": first["at"], "merchant": "shop", "order_number": "A-1", "kind": "added", "cause": "shop",
        "state_before": "pending", "state_after": "pending", "detail": first["detail"],
    });
    assert_eq!(*first, expected);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_with_what_can() {
    let face = Face::open().await;
    add(&face, "shop", &["A-1"]).await;
    let table = [
        ("after=one", 400, "after"),
        ("after=-1", 400, "after"),
        ("limit=0", 400, "1 to 1000"),
        ("limit=1001", 400, "1 to 1000"),
        ("kind=sold", 400, "completion_confirmed"),
        ("merchant=a%20b", 400, "merchant"),
        ("wait=31s", 400, "30s"),
        ("wait=soon", 400, "30s"),
        ("since=1", 400, "since"),
        ("after=2", 409, "ends at 1"),
    ];
    for (query, status, words) in table {
        let answer = face.get(&format!("/v1/events?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        let detail = answer.problem()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{query}: {detail}");
    }
}

#[tokio::test]
async fn whoever_waits_hears_at_once_and_whoever_waits_in_vain_hears_that() {
    let face = Face::open().await;
    let (waited, ()) = tokio::join!(face.get("/v1/events?after=0&merchant=shop&wait=30s"), async {
        // What does not concern it does not end its wait.
        add(&face, "kiosk", &["K-1"]).await;
        add(&face, "shop", &["A-1"]).await;
    });
    assert_eq!(told(&waited.json()), (vec!["A-1"], 2, false));
    let in_vain = face.get("/v1/events?after=2&wait=10ms").await;
    assert_eq!(told(&in_vain.json()), (vec![], 2, false));
}

/// Reads until `text` has come, and gives back all that has.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut got = String::new();
    let mut buffer = [0; 4_096];
    while !got.contains(text) {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await;
        let read = read.unwrap_or_else(|_| panic!("{text:?} does not come; came: {got:?}")).unwrap();
        assert!(read > 0, "ended before {text:?}: {got:?}");
        got.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    got
}

async fn stream(face: &Face, query: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(face.address).await.unwrap();
    let request = format!(
        "GET /v1/events{query} HTTP/1.1\r\nhost: test\r\naccept: text/event-stream\r\n{}{headers}\r\n",
        authorization(TOKEN)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_stream_tells_what_was_and_what_comes_and_is_gone_on_with_after_the_last_number() {
    let face = Face::open().await;
    add(&face, "shop", &["A-1", "A-2"]).await;
    let mut first = stream(&face, "?after=1", "").await;
    let got = read_until(&mut first, "\"A-2\"").await;
    assert!(got.starts_with("HTTP/1.1 200") && got.contains("content-type: text/event-stream"), "{got}");
    assert!(got.contains("id: 2\nevent: added\ndata: {") && !got.contains("\"A-1\""), "{got}");
    add(&face, "shop", &["A-3"]).await;
    read_until(&mut first, "id: 3\n").await;
    drop(first);

    add(&face, "shop", &["A-4"]).await;
    let mut second = stream(&face, "?after=0", "last-event-id: 3\r\n").await;
    let got = read_until(&mut second, "\"A-4\"").await;
    assert!(!got.contains("\"A-3\""), "{got}");
}

/// A stop does not wait for those who follow, and they hear an end that is one.
#[tokio::test]
async fn a_stop_lets_everybody_go() {
    let face = Face::open().await;
    let mut following = stream(&face, "", "").await;
    read_until(&mut following, "retry: 1000").await;
    let waiting = face.get("/v1/events?after=0&wait=30s");
    let stop = async {
        // Both are there: the second has its place once the first reads on.
        add(&face, "kiosk", &["K-1"]).await;
        read_until(&mut following, "\"K-1\"").await;
        face.stop.send_replace(true);
        let mut rest = Vec::new();
        following.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    };
    let (waited, ()) = tokio::join!(waiting, stop);
    assert_eq!(waited.status, 200);
    face.serving.await.unwrap();
}
