//! What a name service that is slow, silent or flapping makes of a request: nothing is sent to a name that was not
//! found, and nothing is found out by asking twice.
//!
//! The real binary asks the host's resolver, which no test can bend without changing the host, so the clients are tried
//! here, as they are but for who answers them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use super::super::request::Named;
use super::*;
use crate::config::{CompletionMethod, Credentials};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{OrderId, OrderNumber};

/// What the name service does with a question.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// The bank's address, after a while.
    Slowly,
    /// The bank's address.
    Bank,
    /// An address at which nobody listens.
    Nobody,
    /// Both, the one at which nobody listens first.
    NobodyThenBank,
    /// That there is no such name.
    Missing,
    /// A name without addresses.
    Empty,
    /// Nothing, for longer than anybody waits.
    Silence,
}

use Says::{Bank, Empty, Missing, Nobody, NobodyThenBank, Silence, Slowly};

/// A while that a request waits for without harm.
const SLOW: Duration = Duration::from_millis(50);

/// Longer than [`SLOW`] by far: what is slow is not late.
const PATIENT: Duration = Duration::from_secs(20);

/// For those who wait in vain.
const IMPATIENT: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Names {
    bank: SocketAddr,
    nobody: SocketAddr,
    /// Bound to `nobody`, and never listening.
    _closed: TcpSocket,
    says: Mutex<VecDeque<Says>>,
    asked: AtomicUsize,
    /// Set when an answer was given.
    answered: AtomicBool,
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let says = self.says.lock().unwrap().pop_front().expect("one question for each request");
        self.answered.store(true, Ordering::SeqCst);
        let (bank, nobody) = (self.bank, self.nobody);
        Box::pin(async move {
            let found = match says {
                Bank => vec![bank],
                Slowly => {
                    tokio::time::sleep(SLOW).await;
                    vec![bank]
                }
                Nobody => vec![nobody],
                NobodyThenBank => vec![nobody, bank],
                Missing => return Err("no such name".into()),
                Empty => Vec::new(),
                Silence => std::future::pending().await,
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A bank that answers `{}` to each request and closes; how many it was sent.
async fn bank() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, read) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&read);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            if stream.read(&mut bytes).await.is_ok_and(|length| length > 0) {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
            }
        }
    });
    (address, read)
}

async fn transport(says: &[Says], connect_timeout: Duration) -> (Transport, Arc<Names>, Arc<AtomicUsize>) {
    let (bank, read) = bank().await;
    // A port that is let go may be a neighbour's a moment later.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = closed.local_addr().unwrap();
    let says = Mutex::new(says.iter().copied().collect());
    let names = Arc::new(Names {
        bank,
        nobody,
        _closed: closed,
        says,
        asked: AtomicUsize::new(0),
        answered: AtomicBool::new(false),
    });
    let config = GatewayConfig {
        url: "http://bank.test/".to_owned(),
        protocol: Protocol::Rest,
        completion_method: CompletionMethod::AutoCompletion,
        credentials: Credentials::Login { user_name: "shop-api".to_owned(), password: SecretString::from("p") },
        extra_roots_pem: None,
        client: None,
        proxy: None,
        language: "ru".to_owned(),
        connect_timeout,
        request_timeout: PATIENT,
    };
    let clients = Clients::network_as(&config, |client| client.dns_resolver(Arc::clone(&names))).unwrap();
    (Transport { clients, config }, names, read)
}

async fn complete(transport: &Transport, last_word: Result<(), String>) -> Reply {
    let order_id = &OrderId::new("id-1").unwrap();
    let request = Request::AutoCompletion { order_id, amount: CompletionAmount::Whole };
    last_word::with(Box::pin(ready(last_word)), transport.post(&request)).await.reply
}

fn class(reply: &Reply) -> Result<(), UnknownKind> {
    reply.as_ref().map(drop).map_err(|unknown| unknown.kind)
}

/// Each row is a name service's word on one question after the other, and what becomes of the request behind each.
#[tokio::test]
async fn a_request_without_an_address_is_provably_not_sent() {
    const READ: Result<(), UnknownKind> = Ok(());
    const NOT_SENT: Result<(), UnknownKind> = Err(UnknownKind::Unreachable);
    type Row<'a> = (&'a str, Duration, &'a [(Says, Result<(), UnknownKind>)]);
    let table: [Row<'_>; 9] = [
        ("as it should be", PATIENT, &[(Bank, READ)]),
        ("slow", PATIENT, &[(Slowly, READ), (Slowly, READ)]),
        ("slower than the time to connect", IMPATIENT, &[(Silence, NOT_SENT)]),
        ("missing", PATIENT, &[(Missing, NOT_SENT)]),
        ("a name without addresses", PATIENT, &[(Empty, NOT_SENT)]),
        ("one address of two is dead", PATIENT, &[(NobodyThenBank, READ)]),
        (
            "flapping between found and missing",
            PATIENT,
            &[(Bank, READ), (Missing, NOT_SENT), (Bank, READ), (Empty, NOT_SENT), (Bank, READ)],
        ),
        (
            "flapping between the bank and a dead address",
            PATIENT,
            &[(Nobody, NOT_SENT), (Bank, READ), (Nobody, NOT_SENT), (Slowly, READ)],
        ),
        ("flapping between found and silent", IMPATIENT, &[(Silence, NOT_SENT), (Bank, READ), (Silence, NOT_SENT)]),
    ];
    let number = OrderNumber::new("A-1", 32).unwrap();
    for (case, connect_timeout, questions) in table {
        for is_money in [false, true] {
            let says: Vec<Says> = questions.iter().map(|(says, _)| *says).collect();
            let (transport, names, read) = transport(&says, connect_timeout).await;
            let mut sent = 0;
            for (nth, (_, expected)) in questions.iter().enumerate() {
                let reply = if is_money {
                    complete(&transport, Ok(())).await
                } else {
                    transport.post(&Request::Status { order: Named::Number(&number) }).await.reply
                };
                assert_eq!(class(&reply), *expected, "{case}, request {nth}, money: {is_money}: {reply:?}");
                sent += usize::from(expected.is_ok());
                assert_eq!(read.load(Ordering::SeqCst), sent, "{case}, request {nth}, money: {is_money}");
                // One question for each: nothing in the stack asks, or sends, once more.
                assert_eq!(names.asked.load(Ordering::SeqCst), nth + 1, "{case}, money: {is_money}");
            }
        }
    }
}

/// The wait for a name is a wait like any other before the first byte: who stops money meanwhile is heard.
#[tokio::test]
async fn a_stop_that_comes_while_the_name_is_looked_up_is_heard() {
    let (transport, names, read) = transport(&[Slowly], PATIENT).await;
    let seen = Arc::clone(&names);
    let last_word = Box::pin(async move {
        assert!(seen.answered.load(Ordering::SeqCst), "asked behind the name service, not before it");
        Err("not sent: ivan stopped all money".to_owned())
    });
    let order_id = &OrderId::new("id-1").unwrap();
    let request = Request::AutoCompletion { order_id, amount: CompletionAmount::Whole };
    let refused = last_word::with(last_word, transport.post(&request)).await.reply.unwrap_err();
    assert_eq!((refused.kind, refused.detail.as_str()), (UnknownKind::Withheld, "not sent: ivan stopped all money"));
    assert_eq!(read.load(Ordering::SeqCst), 0);
}
