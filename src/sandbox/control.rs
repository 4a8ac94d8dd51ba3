//! The control room, `/sandbox/*`: what the real bank would never show or allow.
//!
//! The ledger, the book and the callbacks to read, fault rules and the stores' contracts to set. No credentials: a
//! sandbox belongs on loopback.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use hyper::body::Frame;
use serde::Deserialize;

use super::bank::Bank;
use super::contract::Contract;
use super::faults::FaultRule;
use super::ledger::LedgerLine;
use super::order_view::OrderView;
use super::post::Letter;
use super::rest::BODY_BYTES_MAX;

/// The routes below `/sandbox/`.
pub(super) fn routes(bank: Bank) -> Router {
    Router::new()
        .route("/sandbox/ledger", get(ledger))
        .route("/sandbox/orders", get(orders))
        .route("/sandbox/callbacks", get(callbacks))
        .route("/sandbox/contracts", get(contracts))
        .route("/sandbox/contracts/{login}", put(set_contract))
        .route("/sandbox/faults", get(faults).post(add_faults).delete(clear_faults))
        .with_state(bank)
}

/// Where to begin reading the ledger.
#[derive(Debug, Deserialize)]
struct From {
    /// The last line already read.
    #[serde(default)]
    after: u64,
}

async fn ledger(State(bank): State<Bank>, Query(from): Query<From>) -> Response {
    let lines = LedgerBody { bank, read: from.after };
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(lines)).into_response()
}

async fn orders(State(bank): State<Bank>) -> Json<Vec<OrderView>> {
    Json(bank.orders())
}

async fn callbacks(State(bank): State<Bank>) -> Json<Vec<Letter>> {
    Json(bank.callbacks())
}

async fn contracts(State(bank): State<Bank>) -> Json<BTreeMap<String, Contract>> {
    Json(bank.contracts())
}

/// Sets one store's contract; what the body leaves out is as usual.
async fn set_contract(State(bank): State<Bank>, Path(login): Path<String>, body: Body) -> Response {
    let Ok(text) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return bad("the body is longer than 64 KiB");
    };
    let read =
        serde_json::from_slice::<Contract>(&text).map_err(|error| format!("the contract cannot be read: {error}"));
    let set = read.and_then(|contract| bank.set_contract(&login, contract).map_err(|error| error.to_string()));
    match set {
        Ok(()) => Json(bank.contract(&login)).into_response(),
        Err(sentence) => bad(&sentence),
    }
}

async fn faults(State(bank): State<Bank>) -> Json<Vec<FaultRule>> {
    Json(bank.faults())
}

async fn clear_faults(State(bank): State<Bank>) -> StatusCode {
    bank.clear_faults();
    StatusCode::NO_CONTENT
}

/// One rule or an array of them; answers with all rules now in force.
async fn add_faults(State(bank): State<Bank>, body: Body) -> Response {
    let Ok(text) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return bad("the body is longer than 64 KiB: send the rules in several requests");
    };
    let added = parse(&text).and_then(|rules| bank.add_faults(rules).map_err(|error| error.to_string()));
    match added {
        Ok(()) => Json(bank.faults()).into_response(),
        Err(sentence) => bad(&sentence),
    }
}

fn bad(sentence: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{sentence}\n")).into_response()
}

/// Tries the form that the first character announces, so that a mistake is reported in the terms of that form.
fn parse(text: &[u8]) -> Result<Vec<FaultRule>, String> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let parsed = match first {
        Some(b'[') => serde_json::from_slice(text),
        _ => serde_json::from_slice(text).map(|rule| vec![rule]),
    };
    parsed.map_err(|error| format!("the fault rule cannot be read: {error}"))
}

/// The ledger as a body that reads on in portions, so that a long ledger neither holds the bank's lock for long nor
/// stands in memory twice.
struct LedgerBody {
    bank: Bank,
    read: u64,
}

/// A quarter of a megabyte of text.
const LINES_PER_PORTION: usize = 1_000;

impl hyper::body::Body for LedgerBody {
    type Data = Bytes;
    type Error = serde_json::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, serde_json::Error>>> {
        let lines = self.bank.ledger_after(self.read, LINES_PER_PORTION);
        let Some(last) = lines.last() else {
            return Poll::Ready(None);
        };
        self.read = last.seq;
        Poll::Ready(Some(spell(&lines).map(|text| Frame::data(text.into()))))
    }
}

fn spell(lines: &[LedgerLine]) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}
