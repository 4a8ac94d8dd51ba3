//! The feed: the journal by its numbers, for a shop that asks (`GET /v1/events`).
//!
//! A page at once, a page as soon as there is one (`wait`), or a stream (`Accept: text/event-stream`). Whoever keeps
//! the last number it has worked through, and asks after that, misses nothing and hears nothing twice.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::openapi::words;
use super::problem::Problem;
use super::views::{EventsView, FeedEventView};
use super::{Context, Shared};
use crate::config::values;
use crate::domain::event::EventKind;
use crate::domain::order::MerchantId;
use crate::store::{EventFilter, EventPage, Listener, StoreError};

/// Events in a page when the caller does not say.
const PAGE: u32 = 100;

/// Events in a page at most; the store's own limit.
const PAGE_MAX: u32 = 1_000;

/// The longest that a page may be waited for: proxies cut what is silent for a minute.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What another process writes (a person at the command line) rings no bell here, so it is looked for so often.
const ANOTHERS_WITHIN: Duration = Duration::from_secs(1);

/// A stream that has nothing to say says so this often, so that neither end takes the other for gone.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// A stream ends by itself before its connection does, and the caller asks on after the last number.
const STREAM_LIFE: Duration = Duration::from_secs(240);

/// Events between two looks whether the caller still reads.
const STREAM_PAGE: u32 = 100;

/// What `GET /v1/events` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "EventsAsked")]
#[serde(deny_unknown_fields)]
pub(super) struct FeedQuery {
    #[schemars(with = "Option<words::EventNumber>")]
    after: Option<String>,
    #[schemars(with = "Option<words::PageLimit>")]
    limit: Option<u32>,
    #[schemars(with = "Option<words::Merchant>")]
    merchant: Option<String>,
    #[schemars(with = "Vec<words::EventKind>")]
    kind: Option<String>,
    #[schemars(with = "Option<words::Wait>")]
    wait: Option<String>,
}

/// `GET /v1/events`.
pub(super) async fn feed(
    State(shared): Context,
    query: Result<Query<FeedQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let wait = query.wait.as_deref().map_or(Ok(Duration::ZERO), wait)?;
    let streams = wants_stream(&headers);
    let mut filter = filter(&query)?;
    if let Some(last) = headers.get("last-event-id").filter(|_| streams) {
        filter.after = last.to_str().ok().and_then(|text| number("after", text).ok()).ok_or_else(bad_last_id)?;
    }
    let end = read(&shared, shared.api.store.journal_end()).await?;
    if filter.after > end {
        return Err(beyond_the_end(filter.after, end));
    }
    if streams {
        return stream(shared, filter);
    }
    let _place = if wait.is_zero() { None } else { Some(place(&shared)?) };
    let page = first_page(&shared, filter, Instant::now() + wait).await?;
    Ok(Json(EventsView::of(&page)).into_response())
}

fn filter(query: &FeedQuery) -> Result<EventFilter, Problem> {
    let merchant = query.merchant.as_deref().map(MerchantId::new).transpose();
    let merchant = merchant.map_err(|error| Problem::bad_request(format!("merchant: {error}")))?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: {limit} is not within 1 to {PAGE_MAX}")));
    }
    let words = query.kind.as_deref().unwrap_or("").split(',').map(str::trim).filter(|word| !word.is_empty());
    let kinds = words.map(|word| EventKind::parse(word).ok_or_else(|| unknown_kind(word))).collect::<Result<_, _>>()?;
    let after = query.after.as_deref().map_or(Ok(0), |text| number("after", text))?;
    Ok(EventFilter { after, limit, merchant, kinds })
}

/// The number of an event, after which is asked by this parameter.
pub(super) fn number(parameter: &str, text: &str) -> Result<i64, Problem> {
    let seq = text.parse::<i64>().ok().filter(|seq| *seq >= 0);
    let detail = || format!("{parameter}: this is no number of an event; leave it out to begin at the first");
    seq.ok_or_else(|| Problem::bad_request(detail()))
}

fn bad_last_id() -> Problem {
    Problem::bad_request("Last-Event-ID: this is no number of an event; leave it out to begin where `after` says")
}

fn wait(text: &str) -> Result<Duration, Problem> {
    values::duration(text).filter(|wait| *wait <= WAIT_MAX).ok_or_else(|| {
        let most = values::as_written(WAIT_MAX);
        Problem::bad_request(format!("wait: this is no time of at most {most}, as in `wait={most}`"))
    })
}

fn unknown_kind(word: &str) -> Problem {
    let known: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let word = word.get(..32).unwrap_or(word);
    Problem::bad_request(format!("kind: there is no {word:?}; there are: {}", known.join(", ")))
}

/// An older copy of the database was put back, or it is another one: to wait for the number to come again would be to
/// miss whatever comes before it.
fn beyond_the_end(after: i64, end: i64) -> Problem {
    let detail = format!(
        "after: the journal ends at {end}, before {after}; the database was put back from an older copy, or is another \
         one. Ask for the orders' states (`GET /v1/orders`), and go on after {end}"
    );
    Problem::named(StatusCode::CONFLICT, "beyond_the_end", "The journal does not go so far", detail)
}

/// What may wait at once is limited, so that it never takes all connections.
fn place(shared: &Arc<Shared>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(&shared.followers).try_acquire_owned().map_err(|_| {
        let detail = "as many wait for events as may; ask without `wait`, or again in a while";
        Problem::named(StatusCode::SERVICE_UNAVAILABLE, "too_many_followers", "Too many follow the journal", detail)
    })
}

async fn read<T>(shared: &Shared, read: impl Future<Output = Result<T, StoreError>>) -> Result<T, Problem> {
    let _turn = shared.turn().await?;
    read.await.map_err(|error| Problem::of_store(&error, &shared.api.metrics))
}

/// The first page with something in it, or what there is at `until`.
async fn first_page(shared: &Shared, mut filter: EventFilter, until: Instant) -> Result<EventPage, Problem> {
    let mut bell = shared.api.store.journal_bell();
    loop {
        let page = read(shared, shared.api.store.events_page(filter.clone())).await?;
        if !page.events.is_empty() || Instant::now() >= until || shared.is_stopping() {
            return Ok(page);
        }
        filter.after = page.next;
        if page.is_end {
            news(shared, &mut bell, until).await;
        }
    }
}

/// Returns once there may be more in the journal, at the latest at `until`.
async fn news(shared: &Shared, bell: &mut Listener, until: Instant) {
    let until = until.min(Instant::now() + ANOTHERS_WITHIN);
    tokio::select! {
        _ = timeout_at(until, bell.changed()) => {}
        () = shared.stopped() => {}
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| one.trim().starts_with("text/event-stream"))
}

fn stream(shared: Arc<Shared>, filter: EventFilter) -> Result<Response, Problem> {
    let place = place(&shared)?;
    // One piece at a time: a caller that does not read keeps the writer waiting, and nothing piles up.
    let (sender, body) = Channel::<Bytes>::new(1);
    tokio::spawn(async move {
        follow(&shared, EventFilter { limit: STREAM_PAGE, ..filter }, sender).await;
        drop(place);
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::new(body)).into_response())
}

/// Writes events as they come, until the caller is gone, the daemon stops, or the stream has lived long enough.
async fn follow(shared: &Shared, mut filter: EventFilter, mut to: Sender<Bytes>) {
    let ends_at = Instant::now() + STREAM_LIFE;
    let mut bell = shared.api.store.journal_bell();
    let mut silent_since = Instant::now();
    // So soon a caller that was cut off asks again.
    let mut text = "retry: 1000\n\n".to_owned();
    while Instant::now() < ends_at && !shared.is_stopping() {
        // What cannot be read now is told by the log; the caller asks again after its last number.
        let Ok(page) = read(shared, shared.api.store.events_page(filter.clone())).await else { return };
        for event in &page.events {
            let data = serde_json::to_string(&FeedEventView::of(event)).unwrap_or_default();
            // Writing into a text cannot fail.
            let _ = write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.kind.as_str());
        }
        filter.after = page.next;
        if text.is_empty() && silent_since.elapsed() >= SIGN_OF_LIFE {
            ":\n\n".clone_into(&mut text);
        }
        if !text.is_empty() {
            silent_since = Instant::now();
            let sent = timeout_at(ends_at, to.send_data(Bytes::from(std::mem::take(&mut text)))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
        if page.is_end {
            news(shared, &mut bell, ends_at).await;
        }
    }
}
