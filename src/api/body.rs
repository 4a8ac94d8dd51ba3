//! Reading a request's body: JSON, bounded, and an array of orders without holding more of them than are taken.

use std::error::Error;
use std::fmt;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::problem::Problem;
use crate::intake::RawOrder;

/// The longest body with orders: a thousand of them at a kilobyte each.
pub(super) const ORDERS_MAX_BYTES: usize = 1024 * 1024;

/// The longest body of an act: an amount.
pub(super) const ACT_MAX_BYTES: usize = 4 * 1024;

/// Orders in one request at most: they go into one transaction, for which the daemon's own writes wait.
pub(super) const BATCH_MAX: usize = 1_000;

/// The body as text. An empty one may come without a content type.
pub(super) async fn text(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<String, Problem> {
    let bytes = whole(headers, body, max_bytes).await?;
    if !bytes.is_empty() && kind(headers) != Kind::Json {
        let detail = "the body is not declared to be JSON; send `Content-Type: application/json`";
        return Err(Problem::unsupported_media_type(detail));
    }
    String::from_utf8(bytes.into())
        .map_err(|_| Problem::bad_request("the body is not UTF-8; Windows-1251 is likely where Russian text is in it"))
}

/// The body as it came.
pub(super) async fn whole(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    if declared_bytes(headers).is_some_and(|bytes| bytes > max_bytes as u64) {
        return Err(too_large(max_bytes));
    }
    to_bytes(body, max_bytes).await.map_err(|error| match error.source() {
        Some(source) if source.is::<LengthLimitError>() => too_large(max_bytes),
        _ => Problem::bad_request("the body ended before it was whole"),
    })
}

fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(max_bytes: usize) -> Problem {
    Problem::too_large(format!("the body has more than {max_bytes} bytes; send less at a time"))
}

/// What a body is declared to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One JSON value.
    Json,
    /// A JSON object on each line.
    Lines,
    /// Something else, or nothing is said.
    Other,
}

/// The names under which JSON lines go about; none is registered.
const LINES: [&str; 4] = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];

/// What the headers declare.
pub(super) fn kind(headers: &HeaderMap) -> Kind {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = declared.split(';').next().unwrap_or("").trim();
    match essence {
        json if json.eq_ignore_ascii_case("application/json") => Kind::Json,
        lines if LINES.iter().any(|name| lines.eq_ignore_ascii_case(name)) => Kind::Lines,
        _ => Kind::Other,
    }
}

/// The orders of an array: at most [`BATCH_MAX`] are kept, all are counted.
pub(super) struct Batch {
    /// The first ones.
    pub(super) orders: Vec<RawOrder>,
    /// How many there are.
    pub(super) count: usize,
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of orders")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Batch, A::Error> {
        let mut orders = Vec::new();
        while orders.len() < BATCH_MAX {
            match items.next_element()? {
                Some(order) => orders.push(order),
                None => return Ok(Batch { count: orders.len(), orders }),
            }
        }
        let mut count = orders.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Batch { orders, count })
    }
}
