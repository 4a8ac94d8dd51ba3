//! `/metrics`: the queue's gauges are computed from the database when Prometheus asks, zeros included.
//!
//! When the database cannot be read the scrape fails as a whole: Prometheus notices a target that is down, but not a
//! gauge that stands still.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::problem::Problem;
use super::{Api, Context, Shared};
use crate::config::MerchantConfig;
use crate::domain::holds::level_word;
use crate::domain::operation::OperationState;
use crate::domain::order::State as OrderState;
use crate::domain::time::Timestamp;
use crate::metrics::{EndpointGauges, QueueGauges};
use crate::store::{Figures, MoneyFigures, StoreError};

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`, one at a time.
pub(super) async fn scrape(State(shared): Context) -> Result<impl IntoResponse, Problem> {
    let _alone = shared.scrape.lock().await;
    let api = &shared.api;
    for merchant in &shared.config().merchants {
        let gauges = read(api, merchant).await.map_err(|error| Problem::of_store(&error, &api.metrics))?;
        api.metrics.set_queue(&gauges);
    }
    set_endpoints(&shared).await.map_err(|error| Problem::of_store(&error, &api.metrics))?;
    api.metrics.set_disk_full(api.store.disk_is_full());
    let freeze = api.store.freeze().await.map_err(|error| Problem::of_store(&error, &api.metrics))?;
    api.metrics.set_integrity(freeze.is_some(), api.store.unreadable());
    let text = api.metrics.encode().map_err(|error| {
        tracing::error!(%error, "The metrics could not be written out");
        Problem::unavailable("the metrics could not be written out; the daemon's log says why")
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], text))
}

/// How the shops' endpoints stand, as far as the configuration names them.
async fn set_endpoints(shared: &Shared) -> Result<(), StoreError> {
    let (config, metrics) = (shared.config(), &shared.api.metrics);
    let all = shared.api.store.endpoint_figures().await?;
    metrics.forget_endpoints();
    for merchant in &config.merchants {
        for webhook in &merchant.webhooks {
            let Some(found) = all.iter().find(|found| found.is(&merchant.id, &webhook.name)) else { continue };
            let gauges = EndpointGauges {
                backlog: (found.backlog.count, found.backlog.oldest),
                given_up: found.given_up.count,
                down_since: found.down_since,
                is_disabled: found.disabled.is_some(),
            };
            metrics.set_endpoint(&merchant.id, &webhook.name, &gauges);
        }
    }
    Ok(())
}

async fn read(api: &Api, merchant: &MerchantConfig) -> Result<QueueGauges, StoreError> {
    let now = api.clock.now();
    let figures = api.store.figures(&merchant.id, now, &merchant.holds.warn_at).await?;
    let money = api.store.money_figures(&merchant.id, now).await?;
    let stopped = api.store.money_stops().await?.iter().any(|stop| stop.scope.covers(&merchant.id));
    let login_refused = api.store.login_refusal(&merchant.id).await?.is_some();
    Ok(QueueGauges { login_refused, ..gauges(merchant, &figures, &money, stopped, now) })
}

fn gauges(
    merchant: &MerchantConfig,
    figures: &Figures,
    money: &MoneyFigures,
    money_stopped: bool,
    now: Timestamp,
) -> QueueGauges {
    let order_group = |state| {
        let group = figures.orders_in(state);
        (state, group.count, group.oldest)
    };
    let operation_group = |state| {
        let group = figures.operations_in(state);
        (state, group.count, group.oldest)
    };
    QueueGauges {
        merchant: merchant.id.clone(),
        orders: OrderState::ALL.map(order_group).to_vec(),
        operations: OperationState::ALL.map(operation_group).to_vec(),
        next_lapse: figures.next_lapse,
        holds_at_risk: figures.holds_at_risk.iter().map(|(level, count)| (level_word(*level), *count)).collect(),
        autocompletion_conflicts: figures.autocompletion_conflicts,
        overdue_looks: figures.overdue_looks.count,
        overdue_completions: figures.overdue_completions.count,
        look_lag: figures.overdue_looks.oldest.map(|oldest| now.since(oldest)).unwrap_or_default(),
        parked: figures.parked,
        unanswered: figures.unanswered,
        registrations: (figures.registrations.count, figures.registrations.oldest),
        stuck_registrations: figures.stuck_registrations.count,
        last_report_at: figures.last_report_at,
        money_stopped,
        login_refused: false,
        daily_sum_used_per_mille: merchant.money.daily_used_per_mille(money.largest_minor()),
    }
}
