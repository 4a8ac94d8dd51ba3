//! Releasing and parking: what the shop may decide about an order's completion.
//!
//! An act is checked against the row it changes, in the same transaction, and only writes rows: whether and when the
//! bank is asked to complete stays the daemon's decision. What was sent cannot be taken back and answers 409.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};

use super::auth::Caller;
use super::body::{self, ACT_MAX_BYTES};
use super::idempotency::reply_of;
use super::orders::find;
use super::problem::Problem;
use super::views::OrderView;
use super::{Context, Shared};
use crate::config::MerchantConfig;
use crate::domain::acts::{self, Act, ActError};
use crate::domain::journey::Policy;
use crate::domain::operation::Operation;
use crate::domain::order::Order;
use crate::intake;
use crate::store::{Amendment, ClaimId, Replying};

type OrderPath = Result<Path<(String, String)>, PathRejection>;

/// `POST .../release`, with `{"amount": N}` to complete less than the whole.
pub(super) async fn release(
    State(shared): Context,
    Extension(caller): Extension<Caller>,
    claim: Option<Extension<ClaimId>>,
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
        acts::release(order, open, amount, "", &policy, caller.cause(), now)
    };
    perform(&shared, &order, claim, decide).await
}

/// `POST .../park`: no completion until it is released.
pub(super) async fn park(
    State(shared): Context,
    Extension(caller): Extension<Caller>,
    claim: Option<Extension<ClaimId>>,
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
    let decide =
        move |order: &Order, open: Option<&Operation>| acts::park(order, open, policy.as_ref(), caller.cause());
    perform(&shared, &order, claim, decide).await
}

pub(super) fn policy_of(shared: &Shared, order: &Order) -> Result<Policy, Problem> {
    let config = shared.config();
    config.merchant(&order.merchant).map(MerchantConfig::policy).ok_or_else(|| {
        let detail = format!("the merchant {} is no longer in the configuration, so nothing completes", order.merchant);
        Problem::named(StatusCode::CONFLICT, "unknown_merchant", "The order's merchant is gone", detail)
    })
}

/// Writes what `decide` makes of the order, and answers with the order as it stands on disk.
async fn perform<F>(
    shared: &Shared,
    order: &Order,
    claim: Option<Extension<ClaimId>>,
    decide: F,
) -> Result<Json<OrderView>, Problem>
where
    F: FnOnce(&Order, Option<&Operation>) -> Result<Act, ActError> + Send + 'static,
{
    let api = &shared.api;
    let store_error = |error| Problem::of_store(&error, &api.metrics);
    let amend = api.store.amend(order.key, api.clock.now(), move |order, open| {
        let amendment = Amendment::of_act(decide(order, open));
        let claim = claim.filter(|_| amendment.value.is_ok());
        let reply = claim.map(|Extension(claim)| Replying::new(claim, |after| reply_of(&OrderView::of(after))));
        Amendment { reply, ..amendment }
    });
    amend.await.map_err(store_error)?.map_err(|refused| Problem::of_act(&refused))?;
    let after = api.store.order(&order.merchant, order.number.as_str()).await.map_err(store_error)?;
    Ok(Json(OrderView::of(&after)))
}
