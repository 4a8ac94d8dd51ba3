//! `Idempotency-Key`: a request with a key of the caller's is worked on once, and whoever sends it again hears the same
//! answer, byte for byte (the IETF draft `draft-ietf-httpapi-idempotency-key-header`).
//!
//! A row claims the key before the request is worked on, in a task of its own: a caller that goes away, which is when it
//! sends again, stops nothing half-way. The answer is kept with the row for a day. 5xx and 429 are not, nor what is only
//! so for now ([`Provisional`]), nor what is too long: the key is let go, and the request may be worked on again.
//!
//! A process that dies leaves claims without an answer. They lock nobody out: who works on what is known in memory alone,
//! so such a request is worked on again. That is safe for each kind:
//!
//! * orders, one or many, and registrations are known by their numbers: what was recorded `exists`, a registration is the
//!   one that it was, and nothing is done twice;
//! * releasing, parking, reversing, refunding, declining and resolving keep their answer in the transaction that changes
//!   the order ([`Replying`](crate::store::Replying)): a claim without one has changed nothing, and the order it is worked
//!   on with is read anew;
//! * a login that was let in again is not refused any more, so a second word finds nothing to do.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Shared;
use super::auth::Caller;
use super::body::{self, ORDERS_MAX_BYTES};
use super::lines::LINES_MAX_BYTES;
use super::openapi::describe::Schemas;
use super::problem::Problem;
use crate::domain::claim::{Reply, RequestKey};
use crate::domain::token::TokenName;
use crate::store::{ClaimId, Claimed, Fingerprint, NewClaim, REPLY_MAX_BYTES, fingerprint};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Requests with keys that are worked on at once at most, whether their callers are still there or not: as many as may be
/// at the database's writer, or wait for it.
pub(super) const KEYED: usize = super::WRITING_TURNS + super::WAITING;

/// Marks an answer that is only so for now, so that whoever sends the request again hears how it stands then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Provisional;

/// Who asks by which key.
type Whose = (Option<TokenName>, RequestKey);

/// The requests with keys that are worked on just now.
#[derive(Debug, Default)]
pub(super) struct InHand(Mutex<BTreeMap<Whose, Fingerprint>>);

impl InHand {
    /// Takes a request in hand, unless it is, or its key is another's that is.
    fn take(self: &Arc<Self>, whose: Whose, of: Fingerprint) -> Result<Taken, Problem> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(whose.clone()) {
            Entry::Occupied(other) if *other.get() != of => Err(other_request()),
            Entry::Occupied(_) => Err(in_hand()),
            Entry::Vacant(place) => {
                place.insert(of);
                Ok(Taken { all: Arc::clone(self), whose })
            }
        }
    }
}

/// A request in hand; dropped, it is not any more.
struct Taken {
    all: Arc<InHand>,
    whose: Whose,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.whose);
    }
}

/// Lets a request without a key through as it is, and works on one with a key once.
pub(super) async fn once(
    shared: Arc<Shared>,
    is_money: bool,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key(request.headers())? else { return Ok(next.run(request).await) };
    let (mut parts, body) = request.into_parts();
    let token = parts.extensions.get::<Caller>().and_then(Caller::token);
    let (max_bytes, room) = match body::kind(&parts.headers) {
        body::Kind::Lines => (LINES_MAX_BYTES, Some(&shared.keyed_bulks)),
        body::Kind::Json | body::Kind::Other => (ORDERS_MAX_BYTES, None),
    };
    let busy = |_| Problem::overloaded("as many requests with keys are worked on as may be at once; this one was not");
    let room = room.map(|room| Arc::clone(room).try_acquire_owned()).transpose().map_err(busy)?;
    let bytes = body::whole(&parts.headers, body, max_bytes).await?;
    let place = Arc::clone(&shared.keyed).try_acquire_owned().map_err(busy)?;
    let fingerprint = fingerprint(parts.method.as_str(), parts.uri.path(), &bytes);
    let taken = shared.in_hand.take((token.clone(), key.clone()), fingerprint)?;
    let new = NewClaim { token, key, fingerprint, is_money };
    let work = tokio::spawn(async move {
        let _held = (taken, place, room);
        let claimed = shared.api.store.claim(new, shared.api.clock.now()).await;
        let claim = match claimed.map_err(|error| Problem::of_store(&error, &shared.api.metrics))? {
            Claimed::Ours(claim) => claim,
            Claimed::Replied(reply) => return told(reply),
            Claimed::OtherRequest => return Err(other_request()),
            Claimed::TooMany => return Err(too_many()),
        };
        parts.extensions.insert(claim);
        let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
        keep(&shared, claim, answer).await
    });
    let gone = |_| Problem::unavailable("it is not known what this came to; send it again with the same key");
    work.await.map_err(gone)?
}

/// The reply to a request that has a key, in JSON, as the answer itself is.
pub(super) fn reply_of(view: &impl Serialize) -> Reply {
    Reply {
        status: StatusCode::OK.as_u16(),
        content_type: Some("application/json".to_owned()),
        location: None,
        // Of texts and numbers alone, so it can be written.
        body: serde_json::to_vec(view).unwrap_or_default(),
    }
}

/// Keeps an answer, or lets its key go. The caller is told what is kept: of what changed an order that is what was kept
/// with the change.
async fn keep(shared: &Shared, claim: ClaimId, answer: Response) -> Result<Response, Problem> {
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await;
    let body = body.map_err(|_| Problem::unavailable("the answer ended before it was whole; send it again"))?;
    let (status, store) = (parts.status, &shared.api.store);
    let is_final = !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS;
    if is_final && parts.extensions.get::<Provisional>().is_none() && body.len() <= REPLY_MAX_BYTES {
        let text =
            |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        let (content_type, location) = (text(header::CONTENT_TYPE), text(header::LOCATION));
        let reply = Reply { status: status.as_u16(), content_type, location, body: body.to_vec() };
        match store.keep_reply(claim, reply).await {
            Ok(kept) => return told(kept),
            // The request is done, and its caller hears so; who sends it again hears what a new one would.
            Err(error) => note(shared, &error),
        }
    } else if let Err(error) = store.give_claim_up(claim).await {
        note(shared, &error);
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn note(shared: &Shared, error: &crate::store::StoreError) {
    shared.api.metrics.store_error("api");
    tracing::error!(%error, "The answer to a request with a key cannot be kept");
}

fn told(reply: Reply) -> Result<Response, Problem> {
    let unreadable = || Problem::unavailable("the answer that is kept cannot be read; the daemon's log says why");
    let status = StatusCode::from_u16(reply.status).map_err(|_| unreadable())?;
    let mut response = (status, Bytes::from(reply.body)).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, reply.content_type), (header::LOCATION, reply.location)] {
        if let Some(value) = value {
            headers.insert(name, HeaderValue::from_str(&value).map_err(|_| unreadable())?);
        }
    }
    Ok(response)
}

fn key(headers: &HeaderMap) -> Result<Option<RequestKey>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let detail = match RequestKey::from_header(value.as_bytes()) {
        Ok(key) if values.next().is_none() => return Ok(Some(key)),
        Ok(_) => "there is more than one; a request has one key".to_owned(),
        Err(error) => format!("{error}; a UUID does well"),
    };
    Err(Problem::named(StatusCode::BAD_REQUEST, "not_a_key", "The Idempotency-Key is none", detail))
}

fn in_hand() -> Problem {
    let detail =
        "a request with this Idempotency-Key is being worked on; send it again in a moment, and hear what it came to";
    Problem::named(StatusCode::CONFLICT, "key_in_hand", "The request is being worked on", detail)
}

fn other_request() -> Problem {
    let detail = "this Idempotency-Key is that of another request of the last 24 hours: another path, or another body; \
                  give this one a key of its own, or send the other one as it was";
    Problem::named(StatusCode::UNPROCESSABLE_ENTITY, "key_of_another_request", "The key is another request's", detail)
}

fn too_many() -> Problem {
    let detail = "as many keys of requests about money are kept as may be, each for 24 hours, and nothing was done; see how \
                  the order stands, and send it without a key if it is still wanted";
    Problem::named(StatusCode::SERVICE_UNAVAILABLE, "too_many_keys", "Too many keys", detail)
}

/// The header, as it is described. Without an example: a key that is copied is another request's.
pub(super) fn parameter(_: &mut Schemas) -> serde_json::Value {
    serde_json::json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "A key of the caller's choosing, such as a UUID, that is this request's alone. Sent again with it within \
                        24 hours, the request is not done again, and the answer is the first one's, byte for byte; 5xx and \
                        429, a registration whose outcome is not known yet, lines of which some are `not_recorded`, and \
                        answers of more than 128 KiB are not kept, and what was sent may then be sent again. Bare, or as a \
                        quoted string. Each token's keys are its own.",
        "schema": {
            "type": "string",
            "pattern": r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#,
        },
    })
}
