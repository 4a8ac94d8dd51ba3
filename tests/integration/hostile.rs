//! A front before the bank that misbehaves on the wire: raw bytes, resets, answers without end.
//!
//! It reads one request from each connection. What no deed is planned for goes through to the bank behind it, and the
//! bank's answer goes back, so that a daemon works with it as with the bank itself.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reconciled::sandbox::Operation;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// What the front does to one request.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// These bytes come back, whatever they are; the bank hears nothing.
    Say(Vec<u8>),
    /// The bank does it, and what this makes of its answer's body comes back.
    Bend(fn(&str) -> Vec<u8>),
    /// As if nothing were planned.
    Pass,
    /// The bank does it, and then the connection is reset in the middle of the answer's body.
    ResetInBody,
    /// The connection is reset once the request's head has come.
    ResetAtHead,
    /// Nothing comes back, for as long as the caller waits; the bank hears nothing.
    BlackHole,
    /// The bank does it, and nothing comes back, for as long as the caller waits.
    Silence,
    /// The bank does it, and its answer comes back a byte at a time, slower than anybody waits.
    Drip,
    /// The bank does it, and its answer comes back once it is told to.
    Later(Arc<Notify>),
    /// The head, and then the same bytes again and again, until the caller hangs up.
    Endless { head: &'static str, piece: Vec<u8> },
    /// The bank gets all but so many bytes of the request, and then nothing more; the caller hears nothing.
    CutRequest(usize),
}

/// A bank's address that lies in front of the true one.
pub(crate) struct Front {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    bank: SocketAddr,
    deeds: Mutex<VecDeque<Planned>>,
    resets_at_accept: AtomicUsize,
    status_seen: watch::Sender<usize>,
    completions_seen: watch::Sender<usize>,
}

struct Planned {
    operation: Operation,
    /// The order's number or its id; either may stand in the request.
    order: [String; 2],
    deed: Deed,
}

impl Front {
    pub(crate) async fn start(bank: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            bank,
            deeds: Mutex::default(),
            resets_at_accept: AtomicUsize::new(0),
            status_seen: watch::Sender::new(0),
            completions_seen: watch::Sender::new(0),
        });
        let served = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn rest_url(&self) -> String {
        format!("http://{}/payment/rest/", self.address)
    }

    /// Does `deed` to the next request of `operation` about this order for which nothing else is planned.
    pub(crate) fn next(&self, operation: Operation, number: &str, id: &str, deed: Deed) {
        let order = [format!("orderNumber={number}&"), format!("orderId={id}&")];
        self.shared.deeds.lock().unwrap().push_back(Planned { operation, order, deed });
    }

    /// Resets the next connection as soon as it is accepted, whoever comes.
    pub(crate) fn reset_next_at_accept(&self) {
        self.shared.resets_at_accept.fetch_add(1, Ordering::SeqCst);
    }

    /// What is planned and was not done.
    pub(crate) fn left_over(&self) -> Vec<String> {
        self.shared.deeds.lock().unwrap().iter().map(|planned| format!("{:?}", planned.order)).collect()
    }

    /// Returns once `count` requests of `operation` were read.
    pub(crate) async fn seen(&self, operation: Operation, count: usize) {
        let mut seen = self.shared.seen(operation).subscribe();
        seen.wait_for(|seen| *seen >= count).await.unwrap();
    }
}

impl Shared {
    fn seen(&self, operation: Operation) -> &watch::Sender<usize> {
        if operation == Operation::Completion { &self.completions_seen } else { &self.status_seen }
    }

    fn plan(&self, operation: Operation, request: &[u8]) -> Option<Deed> {
        // So that a parameter at the end ends like the others.
        let text = format!("{}&", String::from_utf8_lossy(request));
        let mut deeds = self.deeds.lock().unwrap();
        let named = |planned: &Planned| planned.order.iter().any(|order| text.contains(order));
        let at = deeds.iter().position(|planned| planned.operation == operation && named(planned))?;
        deeds.remove(at).map(|planned| planned.deed)
    }

    fn resets_at_accept(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.resets_at_accept.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }
}

/// One request and what becomes of it. Errors are the caller's going away, which ends it.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    if shared.resets_at_accept() {
        return reset(stream);
    }
    let Some(request) = read_request(&mut stream).await else { return };
    let operation = operation_of(&request);
    let deed = shared.plan(operation, &request);
    if let Some(Deed::CutRequest(bytes)) = deed {
        cut(&shared, &request, bytes).await;
        shared.seen(operation).send_modify(|count| *count += 1);
        return hold(stream).await;
    }
    shared.seen(operation).send_modify(|count| *count += 1);
    match deed {
        None | Some(Deed::Pass) => {
            let answer = ask(shared.bank, &request).await;
            let _ = stream.write_all(&answer).await;
        }
        Some(deed) => misbehave(stream, &shared, &request, deed).await,
    }
}

async fn misbehave(mut stream: TcpStream, shared: &Shared, request: &[u8], deed: Deed) {
    match deed {
        Deed::Say(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Deed::Bend(bend) => {
            let answer = ask(shared.bank, request).await;
            let _ = stream.write_all(&bend(body_of(&answer))).await;
            let _ = stream.shutdown().await;
        }
        Deed::ResetInBody => {
            let answer = ask(shared.bank, request).await;
            let _ = stream.write_all(&answer[..answer.len() - 5]).await;
            let _ = stream.flush().await;
            reset(stream);
        }
        Deed::ResetAtHead => reset(stream),
        Deed::Silence => {
            ask(shared.bank, request).await;
            hold(stream).await;
        }
        Deed::Later(told) => {
            let answer = ask(shared.bank, request).await;
            told.notified().await;
            let _ = stream.write_all(&answer).await;
        }
        Deed::BlackHole | Deed::CutRequest(_) | Deed::Pass => hold(stream).await,
        Deed::Drip => {
            for byte in ask(shared.bank, request).await {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Deed::Endless { head, piece } => {
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&piece).await.is_ok() {}
        }
    }
}

/// Closes with a reset instead of in order.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

/// Until the caller hangs up.
async fn hold(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1]).await;
}

/// The head and body of the one request; `None` when the caller went before it was whole.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
            if body.len() >= length.trim().parse().unwrap() {
                return Some(request);
            }
        }
    }
}

fn operation_of(request: &[u8]) -> Operation {
    let line = request.split(|byte| *byte == b'\r').next().unwrap();
    let is_completion = String::from_utf8_lossy(line).contains("autoCompletion.do");
    if is_completion { Operation::Completion } else { Operation::Status }
}

/// The request with the wish that the bank hang up after its answer, so that the answer is whatever comes until then.
fn of_one_exchange(request: &[u8]) -> Vec<u8> {
    let end_of_line = request.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
    let (line, rest) = request.split_at(end_of_line);
    [line, b"connection: close\r\n", rest].concat()
}

async fn ask(bank: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(bank).await.unwrap();
    stream.write_all(&of_one_exchange(request)).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

async fn cut(shared: &Shared, request: &[u8], bytes: usize) {
    let mut stream = TcpStream::connect(shared.bank).await.unwrap();
    stream.write_all(&request[..request.len() - bytes]).await.unwrap();
    // In order: the bank reads all that came before it learns that no more will.
    stream.shutdown().await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

fn body_of(answer: &[u8]) -> &str {
    let text = std::str::from_utf8(answer).unwrap();
    text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// `200 OK` with `body`, as raw bytes.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    response("200 OK", "", body)
}

/// A response with `status`, further header lines, and `body`.
pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain;charset=UTF-8\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
