//! `GET /v1/money`: what is stopped or frozen, and how much of the guard's limits is used. It only tells: stopping and
//! starting are an operator's, at the command line.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use super::openapi::words;
use super::problem::Problem;
use crate::config::MerchantConfig;
use crate::domain::guard::Stop;
use crate::domain::order::MerchantId;
use crate::store::{Freeze, LastDay, MoneyFigures, StoreError};

/// As `reconciled money show --json` prints it.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Money")]
pub(super) struct MoneyView {
    #[schemars(with = "words::Moment")]
    at: String,
    money_frozen: Option<FreezeView>,
    stops: Vec<StopView>,
    merchants: Vec<MerchantView>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Freeze")]
struct FreezeView {
    #[schemars(with = "Option<words::Moment>")]
    since: Option<String>,
    why: String,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Stop")]
struct StopView {
    #[schemars(with = "words::StopScope")]
    scope: &'static str,
    #[schemars(with = "Option<words::Merchant>")]
    merchant: Option<String>,
    order_number: Option<String>,
    #[schemars(with = "words::Moment")]
    since: String,
    by: String,
    reason: String,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "MerchantMoney")]
struct MerchantView {
    #[schemars(with = "words::Merchant")]
    name: String,
    stopped: bool,
    in_doubt: u64,
    in_doubt_max: u32,
    sent_last_day: Vec<SentView>,
    brake: bool,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "SentLastDay")]
struct SentView {
    #[schemars(with = "words::CurrencyCode")]
    currency: String,
    sent_minor: i64,
    refunded_minor: i64,
    /// Of each of the two by itself.
    max_minor: i64,
}

/// `GET /v1/money`.
pub(super) async fn show(State(shared): Context) -> Result<Json<MoneyView>, Problem> {
    let (config, api) = (shared.config(), &shared.api);
    let store_error = |error: StoreError| Problem::of_store(&error, &api.metrics);
    let now = api.clock.now();
    let _turn = shared.turn().await?;
    let stops = api.store.money_stops().await.map_err(store_error)?;
    let mut merchants = Vec::with_capacity(config.merchants.len());
    for merchant in &config.merchants {
        let figures = api.store.money_figures(&merchant.id, now).await.map_err(store_error)?;
        merchants.push(MerchantView::of(merchant, &figures, &stops));
    }
    let freeze = api.store.freeze().await.map_err(store_error)?;
    let stops = stops.iter().map(StopView::of).collect();
    Ok(Json(MoneyView { at: now.to_string(), money_frozen: freeze.map(FreezeView::of), stops, merchants }))
}

impl FreezeView {
    fn of(Freeze { since, why }: Freeze) -> Self {
        Self { since: since.map(|since| since.to_string()), why }
    }
}

impl StopView {
    fn of(stop: &Stop) -> Self {
        Self {
            scope: stop.scope.as_str(),
            merchant: stop.scope.merchant().map(MerchantId::to_string),
            order_number: stop.scope.order().map(|(_, number)| number.to_string()),
            since: stop.since.to_string(),
            by: stop.by.clone(),
            reason: stop.reason.clone(),
        }
    }
}

impl MerchantView {
    fn of(merchant: &MerchantConfig, figures: &MoneyFigures, stops: &[Stop]) -> Self {
        let policy = &merchant.money;
        let line = |LastDay { currency, sent_minor, refunded_minor }| SentView {
            currency: currency.to_string(),
            sent_minor,
            refunded_minor,
            max_minor: policy.daily_max_minor,
        };
        let sent = figures.last_day_or_zero(merchant.currency).into_iter().map(line);
        Self {
            name: merchant.id.to_string(),
            stopped: stops.iter().any(|stop| stop.scope.covers(&merchant.id)),
            in_doubt: figures.in_doubt,
            in_doubt_max: policy.in_doubt_max,
            sent_last_day: sent.collect(),
            brake: policy.brake,
        }
    }
}
