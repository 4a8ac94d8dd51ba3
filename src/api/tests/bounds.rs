//! What must not get through, and what must not matter.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Face, Limits, TOKEN, authorization};

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let face = Face::open().await;
    let json = format!("{}content-type: application/json\r\n", authorization(TOKEN));
    let form = format!("{}content-type: application/x-www-form-urlencoded\r\n", authorization(TOKEN));
    let table = [
        ("POST /v1/orders", json.as_str(), "{", 400),
        ("POST /v1/orders", &json, "", 400),
        ("POST /v1/orders", &json, "[{}", 400),
        ("POST /v1/orders", &json, "[] []", 400),
        ("POST /v1/orders", &json, "null", 422),
        ("POST /v1/orders", &form, "{}", 415),
        ("POST /v1/orders", &authorization(TOKEN), "{}", 415),
        ("PUT /v1/orders", &json, "{}", 405),
        ("DELETE /v1/orders/shop/A-1", &json, "", 405),
        ("GET /v1/orders/shop/A-1/park", &json, "", 405),
        ("POST /metrics", "", "", 405),
        ("GET /v1/order", &json, "", 404),
        ("GET /v1/orders/", &json, "", 404),
        ("POST /", "", "", 405),
        ("GET /nothing", "", "", 404),
    ];
    for (line, headers, body, status) in table {
        let answer = face.request(line, headers, body).await;
        assert_eq!(answer.status, status, "{line} {body}\n{answer:?}");
        answer.problem();
        assert_eq!(answer.head.contains("\r\nallow: "), status == 405, "{line} {body}\n{answer:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read_to_its_end() {
    let face = Face::open().await;
    let head = |path: &str| {
        let headers = format!("host: test\r\ncontent-type: application/json\r\n{}", authorization(TOKEN));
        format!("POST {path} HTTP/1.1\r\n{headers}")
    };
    for (path, length) in
        [("/v1/orders", 1_048_577_u64), ("/v1/orders", 1 << 50), ("/v1/orders/shop/A-1/release", 4_097)]
    {
        let answer = face.exchange(format!("{}content-length: {length}\r\n\r\n", head(path)).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path} {length}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    // Without a declared length it is counted as it comes.
    let chunk = format!("1001\r\n{}\r\n", " ".repeat(4_097));
    let chunked = format!("{}transfer-encoding: chunked\r\n\r\n{chunk}", head("/v1/orders/shop/A-1/release"));
    let answer = face.exchange(chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn headers_have_a_size_and_an_end() {
    let limits = Limits { headers_within: Duration::from_millis(50), ..Limits::default() };
    let face = Face::open_with(limits).await;
    let large = format!("GET /healthz HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    let mut stream = TcpStream::connect(face.address).await.unwrap();
    let mut answer = Vec::new();
    // The rest of it may meet a connection that is closed already.
    let _ = stream.write_all(large.as_bytes()).await;
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    // One that never ends is cut; so is one that is never begun.
    for bytes in ["GET /healthz HTTP/1.1\r\nhost: te", ""] {
        let answer = face.exchange(bytes.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert_eq!(face.get("/healthz").await.status, 200);
}

/// Many short ones cost more than their bytes.
#[tokio::test]
async fn headers_have_a_number() {
    let face = Face::open().await;
    for (count, status) in [(61, "200 OK"), (63, "431 "), (1_000, "431 "), (10_000, "431 ")] {
        let more = "x: 1\r\n".repeat(count);
        let request = format!("GET /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{more}\r\n");
        let mut stream = TcpStream::connect(face.address).await.unwrap();
        let mut answer = Vec::new();
        // The rest of it may meet a connection that is closed already, and then the answer may be lost with it.
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let is_cut = count == 10_000 && answer.is_empty();
        assert!(is_cut || answer.starts_with(&format!("HTTP/1.1 {status}")), "{count}: {answer}");
    }
    assert_eq!(face.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn callers_that_hang_around_do_not_keep_others_out_for_long() {
    let limits = Limits { connections: 2, headers_within: Duration::from_millis(50), ..Limits::default() };
    let face = Face::open_with(limits).await;
    let mut idle = Vec::new();
    for _ in 0..6 {
        idle.push(TcpStream::connect(face.address).await.unwrap());
    }
    assert_eq!(face.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = Limits { request_within: Duration::from_millis(50), ..Limits::default() };
    let face = Face::open_with(limits).await;
    let mut stream = begun(&face).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("asking again is safe"), "{answer}");
}

#[tokio::test]
async fn a_connection_does_not_live_for_ever() {
    let face = Face::open_with(Limits { life: Duration::from_millis(50), ..Limits::default() }).await;
    let answer = face.exchange(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert!(answer.ends_with("ok\n"), "kept alive, and closed all the same: {answer}");
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_hand_and_cuts_what_does_not_end() {
    let limits = Limits { grace: Duration::from_millis(200), ..Limits::default() };
    let face = Face::open_with(limits).await;
    let mut in_hand = begun(&face).await;
    let mut endless = begun(&face).await;
    face.stop.send_replace(true);
    in_hand.write_all(b"}").await.unwrap();
    let mut answer = String::new();
    in_hand.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    face.serving.await.unwrap();
    let mut rest = Vec::new();
    let _ = endless.read_to_end(&mut rest).await;
    assert_eq!(rest, b"", "cut without an answer");
    assert!(TcpStream::connect(face.address).await.is_err());
}

/// A request that the face has begun to read and whose body lacks one byte.
async fn begun(face: &Face) -> TcpStream {
    let mut stream = TcpStream::connect(face.address).await.unwrap();
    let headers = format!("host: test\r\ncontent-type: application/json\r\n{}", authorization(TOKEN));
    let head = format!("POST /v1/orders HTTP/1.1\r\n{headers}content-length: 2\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{").await.unwrap();
    stream
}
