//! The sandbox over a real socket: raw bytes in, raw bytes out, so that no client library smooths anything over.

mod callbacks;
mod clients;
mod faults;
mod pages;
mod rest;
mod soap;

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
    let request = format!("{head}\r\nHost: bank.test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn get(sandbox: &Sandbox, path: &str) -> String {
    send(sandbox, &format!("GET {path} HTTP/1.1"), "").await.unwrap()
}

/// A REST request by form POST; the JSON that came back.
async fn ask(sandbox: &Sandbox, verb: &str, form: &str) -> serde_json::Value {
    let head = format!("POST /payment/rest/{verb} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded");
    let answer = send(sandbox, &head, &format!("{SHOP}&{form}")).await.unwrap();
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

/// Looks again and again until it is so; a minute is more than any machine is busy with other things.
async fn until(so: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < give_up, "waited in vain");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The id of a fresh registered order.
fn registered(sandbox: &Sandbox, order: Registration) -> String {
    sandbox.bank().register(order).unwrap().order_id
}
