//! Registering orders at the bank: the intent is written here, the daemon sends it, and the shop waits a bounded while.
//!
//! A repeated request yields the same order and form URL, so a shop that got no answer sends again.

use std::fmt::Write;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use super::auth::Caller;
use super::body;
use super::idempotency::Provisional;
use super::openapi::words;
use super::problem::Problem;
use super::{Context, Shared};
use crate::domain::event::Cause;
use crate::domain::order::{MerchantId, OrderId};
use crate::domain::registration::journey::{Registration, State as Standing};
use crate::domain::registration::{Tree, differences};
use crate::intake;
use crate::store::{Intended, NewRegistration};

/// The longest body of a registration: a cart of a hundred marked lines has some sixty kilobytes.
const REGISTRATION_MAX_BYTES: usize = 256 * 1024;

/// When a shop may ask again after an answer that decides nothing.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("1");

/// `POST /v1/registrations`.
pub(super) async fn register(
    State(shared): Context,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let text = body::text(&headers, body, REGISTRATION_MAX_BYTES).await?;
    let config = shared.config();
    let now = shared.api.clock.now();
    let (merchant, request) = intake::registration::from_json(&text, &config, now).map_err(Problem::of_registration)?;
    // From before the intent on, so that no ring is missed.
    let mut bell = shared.api.store.registration_bell();
    let new = NewRegistration { merchant: merchant.id.clone(), request };
    let (row, is_new) = intend(&shared, new, caller.cause()).await?;
    let until = Instant::now() + merchant.registration.wait;
    let mut row = row;
    while !row.state.is_settled() {
        let rung = tokio::time::timeout_at(until, bell.changed()).await;
        row = read(&shared, &row.merchant, row.number.as_str()).await?.unwrap_or(row);
        if rung.is_err() {
            break;
        }
    }
    answer(&row, is_new)
}

async fn intend(shared: &Shared, new: NewRegistration, cause: Cause) -> Result<(Registration, bool), Problem> {
    let number = new.request.number.clone();
    let _turn = shared.turn().await?;
    let intended = shared.api.store.intend_registration(new, cause, shared.api.clock.now()).await;
    match intended.map_err(|error| Problem::of_store(&error, &shared.api.metrics))? {
        Intended::New(row) => Ok((row, true)),
        Intended::Again(row) => Ok((row, false)),
        Intended::Other { registration, new } => Err(other(&registration, &new)),
        Intended::Queued => {
            let detail = format!(
                "the order {number} is queued, and was not registered through here; give the new one its own number"
            );
            Err(Problem::named(StatusCode::CONFLICT, "number_taken", "The number belongs to another order", detail))
        }
        Intended::TooMany => {
            let detail = "too many registrations wait for the bank; this one is not recorded, send it again in a while";
            Err(Problem::unavailable(detail))
        }
    }
}

/// The difference by fields: values are the shop's own, and it knows them.
fn other(known: &Registration, new: &Tree) -> Problem {
    let kept = known.document.as_deref().and_then(|text| Tree::from_json(text).ok());
    let fields = kept.map(|kept| differences(&kept, new)).unwrap_or_default();
    let where_to = if fields.is_empty() {
        "in what is not kept of it, such as who the buyer is".to_owned()
    } else {
        format!("in {}", fields.join(", "))
    };
    let number = &known.number;
    let detail = format!(
        "the order {number} was handed in before and differs {where_to}; a number is registered once: give the new one \
         its own"
    );
    let title = "The number belongs to a registration with other content";
    Problem::named(StatusCode::CONFLICT, "registered_with_other_content", title, detail).of_fields(
        "differs",
        fields,
        "it was handed in with another value",
    )
}

/// `GET /v1/registrations/{merchant}/{order_number}`.
pub(super) async fn show(
    State(shared): Context,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<RegistrationView>, Problem> {
    let Path((merchant, number)) = path.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let unknown = || Problem::not_found("no registration of this merchant and number is known here");
    let merchant = MerchantId::new(&merchant).map_err(|_| unknown())?;
    let found = read(&shared, &merchant, &number).await?;
    found.map(|row| Json(RegistrationView::of(&row))).ok_or_else(unknown)
}

/// A turn is held for the read alone: whoever waits for the bank keeps nobody from the database.
async fn read(shared: &Shared, merchant: &MerchantId, number: &str) -> Result<Option<Registration>, Problem> {
    let _turn = shared.turn().await?;
    let found = shared.api.store.registration(merchant, number).await;
    found.map_err(|error| Problem::of_store(&error, &shared.api.metrics))
}

fn answer(row: &Registration, is_new: bool) -> Result<Response, Problem> {
    let location = location(row);
    let status = match row.state {
        Standing::Registered if is_new => StatusCode::CREATED,
        Standing::Registered => StatusCode::OK,
        Standing::Intended | Standing::InDoubt => StatusCode::ACCEPTED,
        Standing::Refused => {
            let detail = row.note.clone().unwrap_or_else(|| "the bank refused it".to_owned());
            let title = "The order is not registered";
            return Err(Problem::named(StatusCode::UNPROCESSABLE_ENTITY, "not_registered", title, detail));
        }
    };
    let mut response = (status, Json(RegistrationView::of(row))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if status == StatusCode::ACCEPTED {
        response.headers_mut().insert(header::RETRY_AFTER, ASK_AGAIN);
        response.extensions_mut().insert(Provisional);
    }
    Ok(response)
}

/// Where the registration can be asked after: a number may hold anything that can be printed.
fn location(row: &Registration) -> String {
    let mut path = format!("/v1/registrations/{}/", row.merchant);
    for byte in row.number.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// A registration as it stands.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "RegistrationStanding")]
pub(super) struct RegistrationView {
    #[schemars(with = "words::Merchant")]
    merchant: String,
    order_number: String,
    amount: i64,
    #[schemars(with = "words::CurrencyCode")]
    currency: String,
    #[schemars(with = "words::RegistrationState")]
    state: &'static str,
    /// The gateway's id of the order.
    order_id: Option<String>,
    /// Where the buyer pays; null where the bank gave none, or its answer was lost.
    form_url: Option<String>,
    /// The bank's `errorCode`, where it refused.
    refusal_code: Option<i64>,
    /// The latest word, for people.
    note: Option<String>,
    /// Since when a person is called for it: the bank does not tell whether it has the order.
    #[schemars(with = "Option<words::Moment>")]
    stuck_since: Option<String>,
    attempts: u32,
    #[schemars(with = "words::Moment")]
    created_at: String,
    /// When it was last sent.
    #[schemars(with = "Option<words::Moment>")]
    sent_at: Option<String>,
}

impl RegistrationView {
    fn of(row: &Registration) -> Self {
        Self {
            merchant: row.merchant.to_string(),
            order_number: row.number.to_string(),
            amount: row.amount.minor(),
            currency: row.currency.to_string(),
            state: row.state.as_str(),
            order_id: row.order_id.as_ref().map(OrderId::to_string),
            form_url: row.form_url.clone(),
            refusal_code: row.refusal_code,
            note: row.note.clone(),
            stuck_since: row.stuck_since.map(|since| since.to_string()),
            attempts: row.attempt,
            created_at: row.created_at.to_string(),
            sent_at: row.sent_at.map(|at| at.to_string()),
        }
    }
}
