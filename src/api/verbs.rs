//! Reversing, refunding, declining: what a person orders for an order's money besides its completion.
//!
//! As with a word about a review, the token says which shop asks and the request which person, and why.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Context;
use super::body::{self, ACT_MAX_BYTES};
use super::openapi::words;
use super::problem::Problem;
use super::review_views::DecidedView;
use super::reviews::{decided, said_by, within};
use crate::domain::money::Amount;
use crate::domain::review::proposal::{Ask, Proposed, Word};
use crate::domain::verbs::Verb;
use crate::store::ClaimId;

type OrderPath = Result<Path<(String, String)>, PathRejection>;

/// What is ordered, as it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Ordered")]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the request")]
pub(super) struct RawOrder {
    #[schemars(with = "Option<words::Minor>")]
    amount: Option<i64>,
    #[serde(default)]
    take_back: bool,
    #[serde(default)]
    confirm: bool,
    #[serde(default)]
    withdraw: bool,
    #[schemars(with = "words::Reason")]
    reason: String,
    #[schemars(with = "words::ShortText")]
    by: String,
    #[serde(default)]
    dry_run: bool,
}

impl RawOrder {
    fn read(text: &str, verb: Verb) -> Result<(Word, bool), Problem> {
        let raw: Self = serde_json::from_str(text)
            .map_err(|error| Problem::bad_request(format!("this does not say what is ordered: {error}")))?;
        let verb = match (verb, raw.amount) {
            (verb, None) => verb,
            (Verb::Refund(_), Some(minor)) => {
                let amount = Amount::new(minor).map_err(|error| Problem::bad_request(format!("amount: {error}")))?;
                Verb::Refund(Some(amount))
            }
            (_, Some(_)) => return Err(Problem::bad_request("amount: only a refund has one")),
        };
        let ask = match (raw.take_back, raw.confirm, raw.withdraw) {
            (false, false, false) => Ask::Do(Proposed::Verb(verb)),
            (true, false, false) if raw.amount.is_none() => Ask::Do(Proposed::Verb(Verb::TakeBack)),
            (false, true, false) if raw.amount.is_none() => Ask::Confirm,
            (false, false, true) if raw.amount.is_none() => Ask::Withdraw,
            _ => {
                let detail = "say at most one of `take_back`, `confirm` and `withdraw`, and no amount beside it";
                return Err(Problem::bad_request(detail));
            }
        };
        let reason = within("reason", &raw.reason, super::reviews::REASON_MAX)?;
        let (by, cause) = said_by(&raw.by)?;
        Ok((Word { ask, reason, by, cause }, raw.dry_run))
    }
}

/// `POST .../reverse`: the hold is let go.
pub(super) async fn reverse(
    context: Context,
    claim: Option<Extension<ClaimId>>,
    path: OrderPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DecidedView>, Problem> {
    ordered(context, claim, path, headers, body, Verb::Reverse).await
}

/// `POST .../refund`, with `{"amount": N}` to give back less than all that is left.
pub(super) async fn refund(
    context: Context,
    claim: Option<Extension<ClaimId>>,
    path: OrderPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DecidedView>, Problem> {
    ordered(context, claim, path, headers, body, Verb::Refund(None)).await
}

/// `POST .../decline`: the order is closed before anybody pays.
pub(super) async fn decline(
    context: Context,
    claim: Option<Extension<ClaimId>>,
    path: OrderPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DecidedView>, Problem> {
    ordered(context, claim, path, headers, body, Verb::Decline).await
}

async fn ordered(
    State(shared): Context,
    claim: Option<Extension<ClaimId>>,
    path: OrderPath,
    headers: HeaderMap,
    body: Body,
    verb: Verb,
) -> Result<Json<DecidedView>, Problem> {
    let text = body::text(&headers, body, ACT_MAX_BYTES).await?;
    let (word, dry_run) = RawOrder::read(&text, verb)?;
    decided(&shared, claim, path, word, dry_run).await
}
