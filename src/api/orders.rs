//! Handing in orders, and asking after them.
//!
//! A repeated request yields a word, not a surprise, so a shop that got no answer sends again. In an array, a refused
//! order takes nothing of the others with it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Deserialize;

use super::auth::Caller;
use super::body::{self, BATCH_MAX, Batch, ORDERS_MAX_BYTES};
use super::events::number;
use super::openapi::words;
use super::problem::Problem;
use super::views::{AddedView, AnswerView, BatchView, OrderView, OrderWithEvents, PageView};
use super::{Context, Shared, lines};
use crate::domain::event::Cause;
use crate::domain::order::{MerchantId, NewOrder, OrderKey, OrderNumber, State as OrderState};
use crate::intake::{self, Rejection};
use crate::metrics::Metrics;
use crate::store::{Added, ListFilter, OrderWithOperation};

/// Orders in a page when the caller does not say.
const PAGE: u32 = 100;

/// Orders in a page at most; the store's own limit.
const PAGE_MAX: u32 = 1_000;

/// `POST /v1/orders`: one object, an array of them, or one on each line.
pub(super) async fn add(
    State(shared): Context,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if body::kind(&headers) == body::Kind::Lines {
        return lines::add(&shared, &headers, body, caller.cause()).await;
    }
    let text = body::text(&headers, body, ORDERS_MAX_BYTES).await?;
    if text.trim_start().starts_with('[') {
        add_batch(&shared, &text, caller.cause()).await.map(|answer| Json(answer).into_response())
    } else {
        add_one(&shared, &text, caller.cause()).await
    }
}

async fn add_one(shared: &Shared, text: &str, cause: Cause) -> Result<Response, Problem> {
    let order = intake::from_json(text, &shared.config()).map_err(Problem::refused)?;
    let added = record(shared, vec![order.clone()], cause).await?;
    let Some(added) = added.into_iter().next() else {
        return Err(Problem::unavailable("the database gave no word for the order; send it again"));
    };
    let status = match &added {
        Added::New | Added::NewInReview => StatusCode::CREATED,
        Added::Exists => StatusCode::OK,
        Added::ExistsWithDifferentAmount { amount_minor } => return Err(different_amount(&order, *amount_minor)),
        Added::OrderIdTaken { by } => return Err(order_id_taken(by)),
    };
    Ok((status, Json(AddedView::of(&order, &added))).into_response())
}

fn different_amount(order: &NewOrder, queued_minor: i64) -> Problem {
    let (number, asked_minor) = (&order.number, order.amount.minor());
    let difference = if queued_minor == asked_minor {
        "in another currency".to_owned()
    } else {
        format!("with {queued_minor} minor units, not {asked_minor}")
    };
    let detail =
        format!("the order {number} is queued {difference}; a price never changes: give the new one its own number");
    let title = "The number belongs to an order with another amount";
    Problem::named(StatusCode::CONFLICT, "exists_with_different_amount", title, detail)
}

fn order_id_taken(by: &OrderNumber) -> Problem {
    let detail = format!("the order_id belongs to the order {by}; the gateway gives one to one order only");
    Problem::named(StatusCode::CONFLICT, "order_id_taken", "The gateway's id belongs to another order", detail)
}

async fn add_batch(shared: &Shared, text: &str, cause: Cause) -> Result<BatchView, Problem> {
    let batch: Batch = serde_json::from_str(text).map_err(|error| {
        Problem::named(
            StatusCode::BAD_REQUEST,
            "not_json",
            "The body is not JSON",
            format!("this is not JSON: {error}"),
        )
    })?;
    if batch.count > BATCH_MAX {
        let detail = format!("{} orders at once; at most {BATCH_MAX} are taken, none of these was", batch.count);
        return Err(Problem::too_large(detail));
    }
    let config = shared.config();
    let checked: Vec<Result<NewOrder, Rejection>> =
        batch.orders.iter().map(|raw| intake::check(raw, &config)).collect();
    let good: Vec<NewOrder> = checked.iter().filter_map(|order| order.as_ref().ok().cloned()).collect();
    let mut added = record(shared, good, cause).await?.into_iter();
    let results = checked.into_iter().filter_map(|order| match order {
        Ok(order) => added.next().map(|added| AddedView::of(&order, &added)),
        Err(rejection) => Some(AddedView::refused(rejection)),
    });
    Ok(BatchView { results: results.collect() })
}

/// Returns once every order is on disk or has its word.
pub(super) async fn record(shared: &Shared, orders: Vec<NewOrder>, cause: Cause) -> Result<Vec<Added>, Problem> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let merchants: Vec<MerchantId> = orders.iter().map(|order| order.merchant.clone()).collect();
    let api = &shared.api;
    let _turn = shared.writing_turn().await?;
    let added = api.store.add_orders(orders, cause, api.clock.now()).await;
    let added = added.map_err(|error| Problem::of_store(&error, &api.metrics))?;
    count_new(&api.metrics, &merchants, &added);
    Ok(added)
}

fn count_new(metrics: &Metrics, merchants: &[MerchantId], added: &[Added]) {
    let mut counts: BTreeMap<&MerchantId, u64> = BTreeMap::new();
    for (merchant, _) in merchants.iter().zip(added).filter(|(_, added)| added.is_new()) {
        *counts.entry(merchant).or_default() += 1;
    }
    for (merchant, count) in counts {
        metrics.orders_added(merchant, count);
    }
}

/// What `GET /v1/orders` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "OrdersAsked")]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    #[schemars(with = "Option<words::Merchant>")]
    merchant: Option<String>,
    #[schemars(with = "Option<words::OrderState>")]
    state: Option<String>,
    #[schemars(with = "Option<words::PageLimit>")]
    limit: Option<u32>,
    #[schemars(with = "Option<words::Cursor>")]
    after: Option<String>,
}

/// `GET /v1/orders`: in the order in which they entered the queue, a page at a time.
pub(super) async fn list(
    State(shared): Context,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<PageView>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let filter = filter(&query)?;
    let limit = filter.limit;
    let _turn = shared.turn().await?;
    let found = shared.api.store.list_orders(filter).await;
    let found = found.map_err(|error| Problem::of_store(&error, &shared.api.metrics))?;
    let full = found.len() >= limit as usize;
    let next = found.last().filter(|_| full).map(|last| cursor(last.order.key));
    Ok(Json(PageView { orders: found.iter().map(OrderView::of).collect(), next }))
}

fn filter(query: &ListQuery) -> Result<ListFilter, Problem> {
    let merchant = query.merchant.as_deref().map(MerchantId::new).transpose();
    let merchant = merchant.map_err(|error| Problem::bad_request(format!("merchant: {error}")))?;
    let state = query.state.as_deref().map(|word| OrderState::parse(word).ok_or_else(|| unknown_state(word)));
    let after = query.after.as_deref().map(|text| from_cursor(text).ok_or_else(bad_cursor));
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: {limit} is not within 1 to {PAGE_MAX}")));
    }
    Ok(ListFilter { merchant, state: state.transpose()?, after: after.transpose()?, limit })
}

fn unknown_state(word: &str) -> Problem {
    let known = OrderState::ALL.map(OrderState::as_str).join(", ");
    Problem::bad_request(format!("state: there is no {:?}; there are: {known}", word.get(..32).unwrap_or(word)))
}

fn bad_cursor() -> Problem {
    Problem::bad_request("after: this is not the `next` of a page before; leave it out to begin at the first order")
}

/// Opaque to the caller: today the row, in hexadecimal so that nobody counts with it.
fn cursor(key: OrderKey) -> String {
    format!("o{:x}", key.0)
}

fn from_cursor(text: &str) -> Option<OrderKey> {
    let key = i64::from_str_radix(text.strip_prefix('o')?, 16).ok()?;
    Some(OrderKey(key)).filter(|key| key.0 >= 0)
}

/// What `GET /v1/orders/{merchant}/{order_number}` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "OrderAsked")]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    #[schemars(with = "Option<words::EventNumber>")]
    events_after: Option<String>,
}

/// `GET /v1/orders/{merchant}/{order_number}`: the order, its operation, and a page of its journal.
pub(super) async fn show(
    State(shared): Context,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<ShowQuery>, QueryRejection>,
) -> Result<Json<OrderWithEvents>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let after = query.events_after.as_deref().map_or(Ok(0), |text| number("events_after", text))?;
    let _turn = shared.turn().await?;
    let found = find(&shared, path).await?;
    let events = shared.api.store.events_of_after(found.order.key, after, PAGE_MAX).await;
    let events = events.map_err(|error| Problem::of_store(&error, &shared.api.metrics))?;
    let full = events.len() >= PAGE_MAX as usize;
    let next = events.last().filter(|_| full).map(|last| last.seq);
    Ok(Json(OrderWithEvents::of(&found, &events, next)))
}

/// `GET /v1/orders/{merchant}/{order_number}/answer`: what the bank said last, whole.
pub(super) async fn answer(
    State(shared): Context,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<AnswerView>, Problem> {
    let _turn = shared.turn().await?;
    let found = find(&shared, path).await?;
    let seen = shared.api.store.answer_of(found.order.key).await;
    let seen = seen.map_err(|error| Problem::of_store(&error, &shared.api.metrics))?;
    let view = seen.as_ref().and_then(AnswerView::of);
    let none =
        "no answer of the bank about this order is kept: it has told nothing yet, or the order's end is long ago";
    view.map(Json).ok_or_else(|| Problem::not_found(none))
}

/// The order that a path names. The caller holds a turn.
pub(super) async fn find(
    shared: &Shared,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<OrderWithOperation, Problem> {
    let Path((merchant, number)) = path.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let unknown = || Problem::not_found("no merchant of this name, so no order of it, is known here");
    let merchant = MerchantId::new(&merchant).map_err(|_| unknown())?;
    let found = shared.api.store.order(&merchant, &number).await;
    found.map_err(|error| Problem::of_store(&error, &shared.api.metrics))
}
