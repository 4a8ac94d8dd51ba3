//! Orders in great number: killed in the middle of it, and more of them than may wait.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use reconciled::sandbox::Settings;
use reconciled::store::Store;

use crate::child::{Process, post_order, wire_order};
use crate::fixture::{HASTE, TOKEN, World, in_time, shop, until};

/// Lines in each body.
const LINES: usize = 300;

/// Whoever hands in orders one by one.
const SINGLE_CLIENTS: usize = 4;

/// The numbers of what was acknowledged.
type Acknowledged = Arc<Mutex<Vec<String>>>;

/// Whatever is in hand is cut off at any point of it; what was answered is there.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_middle_loses_nothing_that_was_acknowledged() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    let process = Process::start(&config.path).drained();
    let (single, lines) = (Acknowledged::default(), Acknowledged::default());
    let mut clients = Vec::new();
    for client in 0..SINGLE_CLIENTS {
        let (address, told) = (process.address, Arc::clone(&single));
        clients.push(std::thread::spawn(move || one_by_one(address, client, &told)));
    }
    let (address, told) = (process.address, Arc::clone(&lines));
    clients.push(std::thread::spawn(move || line_by_line(address, &told)));
    let count = |told: &Acknowledged| told.lock().unwrap().len();
    in_time(until(|| count(&single) >= 200 && count(&lines) >= 3 * LINES)).await;
    // They go on until nobody answers.
    process.kill_hard();
    for client in clients {
        client.join().unwrap();
    }
    let restarted = Process::start(&config.path).drained();
    let store = Store::open(&config.database).unwrap();
    let acknowledged = [&single, &lines].map(|told| std::mem::take(&mut *told.lock().unwrap())).concat();
    for number in acknowledged {
        assert!(store.order(&shop(), &number).await.is_ok(), "{number} was acknowledged, and is gone");
    }
    // What was in hand may be sent again, as if nothing had been.
    let mut shop_again = Lines::connect(restarted.address).unwrap();
    let (words, _) = shop_again.post(0).unwrap();
    assert_eq!(words, vec!["exists"; LINES]);
}

fn one_by_one(address: SocketAddr, client: usize, told: &Acknowledged) {
    for nth in 0.. {
        let number = format!("S-{client}-{nth}");
        match post_order(address, &wire_order(&number, 100)) {
            Some((201, _)) => told.lock().unwrap().push(number),
            // Cut off with half an answer, or none.
            _ => return,
        }
    }
}

fn line_by_line(address: SocketAddr, told: &Acknowledged) {
    let Some(mut shop) = Lines::connect(address) else { return };
    for nth in 0.. {
        let Some((words, numbers)) = shop.post(nth) else { return };
        assert_eq!(words, vec!["added"; LINES]);
        told.lock().unwrap().extend(numbers);
    }
}

/// A kept-alive connection that hands in lines.
struct Lines(TcpStream);

impl Lines {
    fn connect(address: SocketAddr) -> Option<Self> {
        TcpStream::connect(address).ok().map(Self)
    }

    /// The words for the lines of a body, and their numbers; `None` when the daemon is gone before it has said all.
    fn post(&mut self, nth: usize) -> Option<(Vec<String>, Vec<String>)> {
        let numbers: Vec<String> = (0..LINES).map(|line| format!("L-{nth}-{line}")).collect();
        let body: Vec<String> = numbers.iter().map(|number| wire_order(number, 100).to_string()).collect();
        let (_, answer) = exchange(&mut self.0, "application/x-ndjson", &body.join("\n"))?;
        let word = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["result"].clone();
        let words = answer.lines().map(|line| word(line).as_str().unwrap().to_owned()).collect();
        Some((words, numbers))
    }
}

/// More orders, one by one, than may be at the writer and wait for it: those that come then are told to come again, at
/// once and with nothing done, and the others are taken.
#[tokio::test(flavor = "multi_thread")]
async fn single_orders_that_come_while_the_writer_is_overloaded_are_told_to_come_again() {
    // As many as are let in, and then some; below the connections that there may be.
    const LET_IN: usize = 64 + 96;
    const TOO_MANY: usize = 40;
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let database = world.directory.path().join("data/reconciled.db");
    // Another process that writes: what the daemon is handed stays in its hand.
    let other = rusqlite::Connection::open(&database).unwrap();
    other.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (address, refused) = (daemon.address(), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..LET_IN + TOO_MANY)
        .map(|nth| {
            let refused = Arc::clone(&refused);
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let number = format!("O-{nth}");
                let (head, body) =
                    exchange(&mut stream, "application/json", &wire_order(&number, 100).to_string()).unwrap();
                let is_refused = head.starts_with("HTTP/1.1 429 ");
                refused.fetch_add(usize::from(is_refused), Ordering::SeqCst);
                (number, head, body)
            })
        })
        .collect();
    // The writer gives up waiting for the other process after a while, and on a busy machine lets one more in for each
    // time.
    in_time(until(|| refused.load(Ordering::SeqCst) >= TOO_MANY / 2)).await;
    other.execute_batch("ROLLBACK").unwrap();
    let (mut taken, mut again) = (0, Vec::new());
    for client in clients {
        let (number, head, body) = client.join().unwrap();
        if head.starts_with("HTTP/1.1 429 ") {
            assert!(head.contains("\r\nretry-after: 1\r\n"), "{head}");
            assert!(body.contains("urn:reconciled:problem:overloaded"), "{body}");
            assert!(daemon.store().order(&shop(), &number).await.is_err(), "{number} was refused, and is there");
            again.push(number);
        } else if head.starts_with("HTTP/1.1 201 ") {
            assert!(daemon.store().order(&shop(), &number).await.is_ok(), "{number} was acknowledged, and is gone");
            taken += 1;
        } else {
            assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        }
    }
    assert!((TOO_MANY / 2..=TOO_MANY).contains(&again.len()), "{} were refused", again.len());
    assert!(taken > 0);
    for number in again {
        let posted = tokio::task::block_in_place(|| post_order(address, &wire_order(&number, 100)));
        assert_eq!(posted.map(|(status, _)| status), Some(201), "{number}");
    }
    daemon.stop().await;
}

/// A request and its answer, head and body; `None` when the daemon is gone before the answer is whole.
fn exchange(stream: &mut TcpStream, kind: &str, body: &str) -> Option<(String, String)> {
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: {kind}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).ok()?;
    let (mut answer, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        answer.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if body.len() >= length {
            return Some((format!("{head}\r\n"), body.to_owned()));
        }
    }
}
