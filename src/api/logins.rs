//! `GET /v1/logins` and `POST /v1/logins/{merchant}/resume`: logins that a bank refuses, and a person's word that one
//! of them is let in again.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Context;
use super::body::{self, ACT_MAX_BYTES};
use super::openapi::words;
use super::problem::Problem;
use crate::domain::event::Cause;
use crate::domain::login::LoginRefusal;
use crate::domain::order::MerchantId;
use crate::store::StoreError;

/// The longest reason and name, in characters: they stand in the database for ever.
const WORDS_MAX: usize = 64;

/// As `reconciled login show --json` prints it.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Logins")]
pub(super) struct LoginsView {
    #[schemars(with = "words::Moment")]
    at: String,
    refused: Vec<RefusalView>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "LoginRefusal")]
struct RefusalView {
    #[schemars(with = "words::Merchant")]
    merchant: String,
    #[schemars(with = "words::Moment")]
    since: String,
    request: String,
    words: String,
}

/// Who says that a login is let in again, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Resume")]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    #[schemars(with = "words::ShortText")]
    by: String,
    #[schemars(with = "words::ShortText")]
    reason: String,
}

impl RefusalView {
    fn of(refusal: LoginRefusal) -> Self {
        let LoginRefusal { merchant, since, request, words, fingerprint: _ } = refusal;
        Self { merchant: merchant.to_string(), since: since.to_string(), request, words }
    }
}

/// `GET /v1/logins`.
pub(super) async fn show(State(shared): Context) -> Result<Json<LoginsView>, Problem> {
    let api = &shared.api;
    let _turn = shared.turn().await?;
    let refused = api.store.login_refusals().await;
    let refused = refused.map_err(|error: StoreError| Problem::of_store(&error, &api.metrics))?;
    Ok(Json(LoginsView {
        at: api.clock.now().to_string(),
        refused: refused.into_iter().map(RefusalView::of).collect(),
    }))
}

/// `POST /v1/logins/{merchant}/resume`, with `{"by": "...", "reason": "..."}`.
pub(super) async fn resume(
    State(shared): Context,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<LoginsView>, Problem> {
    let text = body::text(&headers, body, ACT_MAX_BYTES).await?;
    let Resume { by, reason } = serde_json::from_str(&text).map_err(|_| {
        Problem::bad_request("send {\"by\": \"who says so\", \"reason\": \"why the bank lets it in again\"}")
    })?;
    for (name, words) in [("by", &by), ("reason", &reason)] {
        let length = words.trim().chars().count();
        if !(1..=WORDS_MAX).contains(&length) || words.contains(char::is_control) {
            return Err(Problem::bad_request(format!("{name}: give 1 to {WORDS_MAX} characters on one line")));
        }
    }
    let merchant = path.ok().and_then(|Path(name)| MerchantId::new(&name).ok());
    let merchant = merchant.ok_or_else(|| Problem::not_found("there is no merchant of this name"))?;
    let api = &shared.api;
    let cause = Cause::Operator(by.trim().to_owned());
    {
        let _turn = shared.turn().await?;
        let lifted = api.store.resume_login(&merchant, cause, reason.trim().to_owned(), api.clock.now()).await;
        if lifted.map_err(|error| Problem::of_store(&error, &api.metrics))?.is_none() {
            let detail = format!("the login of {merchant} is not refused");
            return Err(Problem::named(StatusCode::CONFLICT, "login_not_refused", "Nothing to resume", detail));
        }
    }
    show(State(shared)).await
}
