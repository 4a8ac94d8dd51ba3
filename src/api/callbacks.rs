//! `GET` and `POST /callbacks/{merchant}`: the bank tells that something happened to an order.
//!
//! Authentication is the checksum, so no token is asked for. A good callback makes a look due and does nothing else:
//! what it says of the order is not even read (R11). So duplicates, late ones and those that come in another order are
//! harmless, and a forged one changes nothing but a counter. The answer waits for the database and never for the bank,
//! which sends again whatever is not answered with 200.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use tokio::time::Instant;

use super::problem::Problem;
use super::{Context, Shared};
use crate::callback::{self, Callback, Refused};
use crate::config::CallbackConfig;
use crate::domain::order::MerchantId;
use crate::metrics::CallbackOutcome;
use crate::store::{Hinted, StoreError};

/// The longest form: the parameters of a callback, each escaped, with a signature of the longest key.
const FORM_MAX_BYTES: usize = 16 * 1024;

/// How often it is logged that callbacks of a merchant are refused: anybody can send them.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Refused callbacks that were not told yet.
#[derive(Debug, Default)]
pub(super) struct Untold(Mutex<BTreeMap<MerchantId, (Option<Instant>, u64)>>);

impl Untold {
    /// Counts one more; how many there were since the last was told, if it is time to tell.
    fn count(&self, merchant: &MerchantId) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, count) = all.entry(merchant.clone()).or_default();
        *count = count.saturating_add(1);
        if told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
            return None;
        }
        *told = Some(Instant::now());
        Some(std::mem::take(count))
    }
}

/// `GET` and `POST /callbacks/{merchant}`.
pub(super) async fn receive(
    State(shared): Context,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    body: Body,
) -> Result<StatusCode, Problem> {
    let nothing_here = || Problem::not_found("nothing is served at this path");
    let name = path.ok().and_then(|Path(name)| MerchantId::new(&name).ok()).ok_or_else(nothing_here)?;
    let config = shared.config();
    let merchant = config.merchant(&name).ok_or_else(nothing_here)?;
    let settings = merchant.callbacks.as_ref().ok_or_else(nothing_here)?;
    let count = |outcome| shared.api.metrics.callback(&name, outcome);
    let query = uri.query().unwrap_or_default().as_bytes();
    let form = to_bytes(body, FORM_MAX_BYTES).await.map_err(|_| {
        count(CallbackOutcome::Malformed);
        Problem::too_large(format!("the form was cut off, or has more than {FORM_MAX_BYTES} bytes"))
    })?;
    match callback::read(query, &form, &settings.key) {
        Ok(callback) => {
            let outcome = heed(&shared, &name, settings, &callback).await.map_err(|error| {
                count(CallbackOutcome::Failed);
                Problem::of_store(&error, &shared.api.metrics)
            })?;
            count(outcome);
            tracing::debug!(merchant = %name, outcome = outcome.as_str(), "A callback of {name}'s bank");
            Ok(StatusCode::OK)
        }
        Err(refused) => {
            let (outcome, problem) = refusal(refused);
            count(outcome);
            if let Some(count) = shared.refused_callbacks.count(&name) {
                tracing::warn!(merchant = %name, count, outcome = outcome.as_str(), "Refused {count} callback(s) for {name}: the latest is {}. Its checksum is made with another key or hash than `callbacks` has, or somebody else sends them", outcome.as_str());
            }
            Err(problem)
        }
    }
}

fn refusal(refused: Refused) -> (CallbackOutcome, Problem) {
    match refused {
        Refused::Malformed(why) => (CallbackOutcome::Malformed, Problem::bad_request(why.to_string())),
        Refused::Forged => {
            let detail = "the checksum is missing, or not that of the parameters";
            let problem = Problem::named(StatusCode::FORBIDDEN, "forged_callback", "Not the bank's", detail);
            (CallbackOutcome::Forged, problem)
        }
    }
}

/// Makes a look due at the order that a callback names, or has the bank asked whether there is such an order.
async fn heed(
    shared: &Shared,
    merchant: &MerchantId,
    settings: &CallbackConfig,
    callback: &Callback,
) -> Result<CallbackOutcome, StoreError> {
    let Callback { order_id, order_number } = callback;
    if order_id.is_none() && order_number.is_none() {
        return Ok(CallbackOutcome::NoOrder);
    }
    // One at a time of those at the database: however many callbacks come, the shop's requests have their turn.
    let _alone = shared.callback.lock().await;
    let _turn = shared.turns.acquire().await.map_err(|_| StoreError::Stopped)?;
    let (store, now) = (&shared.api.store, shared.api.clock.now());
    match store.hint(merchant, order_id.as_ref(), order_number.as_ref(), now).await? {
        Hinted::Sooner => Ok(CallbackOutcome::Hinted),
        Hinted::AsPlanned => Ok(CallbackOutcome::AsPlanned),
        Hinted::Unknown => match order_id.as_ref().filter(|_| settings.discover) {
            Some(order_id) => {
                store.note_discovery(merchant, order_id, now).await?;
                Ok(CallbackOutcome::Discovery)
            }
            None => Ok(CallbackOutcome::UnknownOrder),
        },
    }
}
