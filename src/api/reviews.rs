//! A review: what both sides say, the ways out, and a person's word about it.
//!
//! The token says which shop asks, not which person: whoever decides is named in the request, and the journal says that
//! the name came through here.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Deserialize;

use super::acts::policy_of;
use super::body::{self, ACT_MAX_BYTES};
use super::idempotency::reply_of;
use super::openapi::words;
use super::orders::find;
use super::problem::Problem;
use super::review_views::{DecidedView, ShownReview, open};
use super::{Context, Shared};
use crate::config::MerchantConfig;
use crate::domain::event::Cause;
use crate::domain::order::{Order, State as OrderState};
use crate::domain::review::proposal::{Ask, Proposed, Word, decide};
use crate::domain::review::{ReviewError, Way};
use crate::store::{Amendment, ClaimId, Replying};

/// The longest name of whoever decides, in characters, as on the command line.
const NAME_MAX: usize = 64;

/// The longest reason that is kept, in characters: it stands in the journal for ever.
pub(super) const REASON_MAX: usize = 400;

/// `GET /v1/reviews/{merchant}/{order_number}`.
pub(super) async fn show(
    State(shared): Context,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<ShownReview>, Problem> {
    let _turn = shared.turn().await?;
    let found = find(&shared, path).await?;
    if found.order.state != OrderState::Review {
        return Err(Problem::of_review(&ReviewError::NotInReview(found.order.state)));
    }
    let policy = policy_of(&shared, &found.order)?;
    let proposal = shared.api.store.proposal(found.order.key).await;
    let proposal = proposal.map_err(|error| Problem::of_store(&error, &shared.api.metrics))?;
    Ok(Json(ShownReview::of(&found, proposal.as_ref(), &policy, shared.api.clock.now())))
}

/// A person's word, as it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ReviewWord")]
#[serde(deny_unknown_fields)]
pub(super) struct RawWord {
    #[serde(rename = "as")]
    #[schemars(with = "Option<words::WayWord>")]
    way: Option<String>,
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

impl RawWord {
    fn read(text: &str) -> Result<(Word, bool), Problem> {
        let raw: Self = serde_json::from_str(text)
            .map_err(|error| Problem::bad_request(format!("this is no word about a review: {error}")))?;
        let known = || Way::ALL.map(Way::as_str).join(", ");
        let ask = match (raw.way.as_deref().map(Way::parse), raw.confirm, raw.withdraw) {
            (Some(Some(way)), false, false) => Ask::Do(Proposed::Way(way)),
            (Some(None), false, false) => return Err(Problem::bad_request(format!("as: there are only {}", known()))),
            (None, true, false) => Ask::Confirm,
            (None, false, true) => Ask::Withdraw,
            _ => {
                let detail = format!("say one of: `as` with {}; `confirm`: true; `withdraw`: true", known());
                return Err(Problem::bad_request(detail));
            }
        };
        let reason = within("reason", &raw.reason, REASON_MAX)?;
        let (by, cause) = said_by(&raw.by)?;
        Ok((Word { ask, reason, by, cause }, raw.dry_run))
    }
}

/// Who decides, by name, and as the journal has it.
pub(super) fn said_by(name: &str) -> Result<(String, Cause), Problem> {
    let by = within("by", name, NAME_MAX)?;
    let cause = Cause::Operator(format!("{by} (api)"));
    Ok((by, cause))
}

/// A text for the journal: something, on one line, and not too much.
pub(super) fn within(field: &str, text: &str, max: usize) -> Result<String, Problem> {
    let text = text.trim();
    if !(1..=max).contains(&text.chars().count()) || text.contains(char::is_control) {
        return Err(Problem::bad_request(format!("{field}: give 1 to {max} printable characters")));
    }
    Ok(text.to_owned())
}

/// `POST /v1/reviews/{merchant}/{order_number}/resolve`.
pub(super) async fn resolve(
    State(shared): Context,
    claim: Option<Extension<ClaimId>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DecidedView>, Problem> {
    let text = body::text(&headers, body, ACT_MAX_BYTES).await?;
    let (word, dry_run) = RawWord::read(&text)?;
    decided(&shared, claim, path, word, dry_run).await
}

/// Decides against the order as it is in the same transaction, and writes it; a dry run decides against what was read.
pub(super) async fn decided(
    shared: &Shared,
    claim: Option<Extension<ClaimId>>,
    path: Result<Path<(String, String)>, PathRejection>,
    word: Word,
    dry_run: bool,
) -> Result<Json<DecidedView>, Problem> {
    let (api, now) = (&shared.api, shared.api.clock.now());
    let store_error = |error| Problem::of_store(&error, &api.metrics);
    let _turn = shared.turn().await?;
    let found = find(shared, path).await?;
    let (policy, four_eyes) = (policy_of(shared, &found.order)?, four_eyes(shared, &found.order));
    let decided = if dry_run {
        let standing = api.store.proposal(found.order.key).await.map_err(store_error)?;
        decide(&found.order, open(&found), standing.as_ref(), &word, &policy, four_eyes, now)
    } else {
        let amended = api.store.amend_review(found.order.key, now, move |order, open, standing| {
            let decided = decide(order, open, standing, &word, &policy, four_eyes, now);
            let reply = decided.as_ref().ok().map(|decision| reply_of(&DecidedView::of(decision, false)));
            let reply = claim.zip(reply).map(|(Extension(claim), reply)| Replying::new(claim, |_| reply));
            let (amendment, afterwards) = Amendment::of_decision(decided, standing);
            (Amendment { reply, ..amendment }, afterwards)
        });
        amended.await.map_err(store_error)?
    };
    let decision = decided.map_err(|refused| Problem::of_review(&refused))?;
    Ok(Json(DecidedView::of(&decision, dry_run)))
}

fn four_eyes(shared: &Shared, order: &Order) -> bool {
    let config = shared.config();
    config.merchant(&order.merchant).is_some_and(|merchant: &MerchantConfig| merchant.review.four_eyes)
}
