//! What the bank gets to read of a request that is called back when its connection stands: nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::super::request::{Named, Request};
use super::super::transport::{Reply, Transport, Wire};
use super::*;
use crate::config::{CompletionMethod, Credentials, GatewayConfig, Protocol};
use crate::domain::bank::UnknownKind;
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{OrderId, OrderNumber};

fn config(address: std::net::SocketAddr) -> GatewayConfig {
    GatewayConfig {
        url: format!("http://{address}/"),
        protocol: Protocol::Rest,
        completion_method: CompletionMethod::AutoCompletion,
        credentials: Credentials::Login { user_name: "shop-api".to_owned(), password: SecretString::from("p") },
        extra_roots_pem: None,
        client: None,
        proxy: None,
        language: "ru".to_owned(),
        connect_timeout: Duration::from_secs(20),
        request_timeout: Duration::from_secs(20),
    }
}

/// A bank that answers `{}` to the first request it is sent; what it read, once the connection is over.
async fn bank() -> (std::net::SocketAddr, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = [0; 4096];
        let length = stream.read(&mut read).await.unwrap_or(0);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
        tell.send(String::from_utf8_lossy(&read[..length]).into_owned()).unwrap();
    });
    (address, told)
}

async fn complete(transport: &Transport) -> Reply {
    let order_id = &OrderId::new("id-1").unwrap();
    transport.post(&Request::AutoCompletion { order_id, amount: CompletionAmount::Whole }).await.reply
}

#[tokio::test]
async fn a_request_goes_only_with_its_last_word() {
    let refused = || Err("not sent: ivan stopped all money".to_owned());
    let table = [
        (Some(Ok(())), Ok(())),
        (Some(refused()), Err("not sent: ivan stopped all money")),
        (None, Err("nobody was asked for the last word")),
    ];
    for (word, expected) in table {
        let (address, read) = bank().await;
        let transport = Transport::new(&config(address), &Wire::Network).unwrap();
        let reply = match word {
            Some(word) => with(Box::pin(async { word }), complete(&transport)).await,
            None => complete(&transport).await,
        };
        let read = read.await.unwrap();
        match expected {
            Ok(()) => {
                assert_eq!(reply.unwrap(), b"{}");
                assert!(read.starts_with("POST /autoCompletion.do"), "{read}");
            }
            Err(why) => {
                let unknown = reply.unwrap_err();
                assert_eq!((unknown.kind, unknown.detail.as_str()), (UnknownKind::Withheld, why));
                assert_eq!(read, "", "not a byte");
            }
        }
    }
}

/// Looks go without: they move nothing.
#[tokio::test]
async fn a_look_needs_no_last_word() {
    let (address, read) = bank().await;
    let transport = Transport::new(&config(address), &Wire::Network).unwrap();
    let number = OrderNumber::new("A-1", 32).unwrap();
    transport.post(&Request::Status { order: Named::Number(&number) }).await.reply.unwrap();
    assert!(read.await.unwrap().starts_with("POST /getOrderStatusExtended.do"));
}

/// A connection that was kept would be taken without anybody being asked, and may be one that the bank has given up.
#[tokio::test]
async fn money_never_takes_a_connection_that_was_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = Transport::new(&config(listener.local_addr().unwrap()), &Wire::Network).unwrap();
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(answer_and_keep(stream));
        }
    });
    for request in 1..=5 {
        with(Box::pin(async { Ok(()) }), complete(&transport)).await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), request);
    }
}

/// Answers `{}` to every completion, and leaves the connection open.
async fn answer_and_keep(mut stream: tokio::net::TcpStream) {
    let mut request = Vec::new();
    while stream.read_buf(&mut request).await.is_ok_and(|length| length > 0) {
        if request.ends_with(b"compositeCompletionAmount=0") {
            request.clear();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        }
    }
}
