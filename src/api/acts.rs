//! Releasing and parking: what the shop may decide about an order's completion.
//!
//! An act is checked against the row it changes, in the same transaction, and only writes rows: whether and when the
//! bank is asked to complete stays the daemon's decision. What was sent cannot be taken back and answers 409.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};

use super::body::{self, ACT_MAX_BYTES};
use super::orders::find;
use super::problem::Problem;
use super::views::OrderView;
use super::{Context, Shared};
use crate::config::MerchantConfig;
use crate::domain::acts::{self, Act, ActError};
use crate::domain::event::Cause;
use crate::domain::journey::Policy;
use crate::domain::operation::Operation;
use crate::domain::order::Order;
use crate::intake;
use crate::store::Amendment;

type OrderPath = Result<Path<(String, String)>, PathRejection>;

/// `POST .../release`, with `{"amount": N}` to complete less than the whole.
pub(super) async fn release(
    State(shared): Context,
    path: OrderPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<OrderView>, Problem> {
    let text = body::text(&headers, body, ACT_MAX_BYTES).await?;
    let amount = intake::release_from_json(&text).map_err(Problem::refused)?;
    let now = shared.api.clock.now();
    let _turn = shared.turn().await?;
    let order = find(&shared, path).await?.order;
    let policy = policy_of(&shared, &order)?;
    let decide = move |order: &Order, open: Option<&Operation>| {
        acts::release(order, open, amount, "", &policy, Cause::Shop, now)
    };
    perform(&shared, &order, decide).await
}

/// `POST .../park`: no completion until it is released.
pub(super) async fn park(
    State(shared): Context,
    path: OrderPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<OrderView>, Problem> {
    let text = body::text(&headers, body, ACT_MAX_BYTES).await?;
    if !matches!(text.trim(), "" | "{}") {
        return Err(Problem::bad_request("parking an order needs no body, and nothing in it would be heeded"));
    }
    let _turn = shared.turn().await?;
    let order = find(&shared, path).await?.order;
    let policy = policy_of(&shared, &order).ok();
    let decide = move |order: &Order, open: Option<&Operation>| acts::park(order, open, policy.as_ref(), Cause::Shop);
    perform(&shared, &order, decide).await
}

pub(super) fn policy_of(shared: &Shared, order: &Order) -> Result<Policy, Problem> {
    let config = shared.config();
    config.merchant(&order.merchant).map(MerchantConfig::policy).ok_or_else(|| {
        let detail = format!("the merchant {} is no longer in the configuration, so nothing completes", order.merchant);
        Problem::named(StatusCode::CONFLICT, "unknown_merchant", "The order's merchant is gone", detail)
    })
}

/// Writes what `decide` makes of the order, and answers with the order as it stands on disk.
async fn perform<F>(shared: &Shared, order: &Order, decide: F) -> Result<Json<OrderView>, Problem>
where
    F: FnOnce(&Order, Option<&Operation>) -> Result<Act, ActError> + Send + 'static,
{
    let api = &shared.api;
    let store_error = |error| Problem::of_store(&error, &api.metrics);
    let amend = api.store.amend(order.key, api.clock.now(), |order, open| Amendment::of_act(decide(order, open)));
    amend.await.map_err(store_error)?.map_err(|refused| Problem::of_act(&refused))?;
    let after = api.store.order(&order.merchant, order.number.as_str()).await.map_err(store_error)?;
    Ok(Json(OrderView::of(&after)))
}
