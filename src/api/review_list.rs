//! `GET /v1/reviews`: what stands in review, the most urgent first, a page at a time.
//!
//! How urgent an order is the store does not know, so a page is found by going through all that is in review. What goes
//! on is how urgent the last one of a page was: whoever asks after it is told of everything that is less so.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use schemars::JsonSchema;
use serde::Deserialize;

use super::openapi::words;
use super::problem::Problem;
use super::review_views::ReviewsView;
use super::{Context, Shared};
use crate::domain::order::{MerchantId, OrderKey, State as OrderState};
use crate::domain::review::advice::{Urgency, by_urgency};
use crate::domain::time::Timestamp;
use crate::store::{ListFilter, OrderWithOperation};

/// Reviews in a page when the caller does not say.
const PAGE: usize = 100;

/// Reviews in a page at most, as of orders.
const PAGE_MAX: usize = 1_000;

/// Orders that are read at once; the store's own limit.
const READ_AT_ONCE: u32 = 1_000;

/// What `GET /v1/reviews` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ReviewsAsked")]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    #[schemars(with = "Option<words::Merchant>")]
    merchant: Option<String>,
    #[schemars(with = "Option<words::PageLimit>")]
    limit: Option<usize>,
    #[schemars(with = "Option<words::ReviewCursor>")]
    after: Option<String>,
}

/// `GET /v1/reviews`.
pub(super) async fn list(
    State(shared): Context,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<ReviewsView>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let merchant = query.merchant.as_deref().map(MerchantId::new).transpose();
    let merchant = merchant.map_err(|error| Problem::bad_request(format!("merchant: {error}")))?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: {limit} is not within 1 to {PAGE_MAX}")));
    }
    let after = query.after.as_deref().map(|text| from_cursor(text).ok_or_else(bad_cursor)).transpose()?;
    let (found, is_all) = most_urgent(&shared, merchant, after, limit).await?;
    let next = found.last().filter(|_| !is_all).map(|last| cursor(&Urgency::of(&last.order)));
    Ok(Json(ReviewsView::of(&found, next)))
}

/// The first `limit` of those behind `after`, and whether there are no more. Not many more than these are ever held.
async fn most_urgent(
    shared: &Shared,
    merchant: Option<MerchantId>,
    after: Option<Urgency>,
    limit: usize,
) -> Result<(Vec<OrderWithOperation>, bool), Problem> {
    let mut filter = ListFilter { merchant, state: Some(OrderState::Review), after: None, limit: READ_AT_ONCE };
    let (mut first, mut is_all) = (Vec::new(), true);
    loop {
        let page = {
            let _turn = shared.turn().await?;
            let page = shared.api.store.list_orders(filter.clone()).await;
            page.map_err(|error| Problem::of_store(&error, &shared.api.metrics))?
        };
        filter.after = page.last().map(|last| last.order.key);
        let is_last = page.len() < READ_AT_ONCE as usize;
        first.extend(page.into_iter().filter(|found| after.is_none_or(|after| Urgency::of(&found.order) > after)));
        by_urgency(&mut first, |found| &found.order);
        is_all &= first.len() <= limit;
        first.truncate(limit);
        if is_last {
            return Ok((first, is_all));
        }
    }
}

/// Opaque to the caller: the parts of the urgency, and `x` where no hold stands.
fn cursor(urgency: &Urgency) -> String {
    let Urgency { lapses_at, currency, at_stake: Reverse(minor), since, order } = urgency;
    let lapse = Some(lapses_at.as_millis()).filter(|ms| *ms != i64::MAX).map_or("x".to_owned(), |ms| ms.to_string());
    format!("r{lapse}_{currency:03}_{minor}_{}_{}", since.as_millis(), order.0)
}

fn from_cursor(text: &str) -> Option<Urgency> {
    let parts: Vec<&str> = text.strip_prefix('r')?.split('_').collect();
    let [lapse, currency, minor, since, order] = *parts else { return None };
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    Some(Urgency {
        lapses_at: Timestamp::from_millis(if lapse == "x" { i64::MAX } else { number(lapse)? }),
        currency: currency.parse().ok()?,
        at_stake: Reverse(number(minor)?),
        since: Timestamp::from_millis(number(since)?),
        order: OrderKey(number(order)?),
    })
}

fn bad_cursor() -> Problem {
    Problem::bad_request("after: this is not the `next` of a page before; leave it out to begin at the most urgent")
}
