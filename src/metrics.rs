//! Every metric: name, help and labels, in one place.
//!
//! Counters and histograms count what happened in this process. Gauges that describe the queue are set from the
//! database when they are scraped, zeros included, so that every state always has a series. Labels are closed sets:
//! merchant, state, operation, answer, outcome, verdict, a hold's warning times, an endpoint's name; never an order.
//! Moments are exported as timestamps, so that an age keeps growing when something hangs.

mod counted;
mod family;
mod labels;
mod process;
mod queue;
mod weather;
mod webhooks;

pub use labels::{Answer, CallbackOutcome, Operation};
pub use queue::QueueGauges;
pub use weather::Overhead;
pub use webhooks::EndpointGauges;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::{Encoder, GaugeVec, IntGauge, IntGaugeVec, Registry, TextEncoder};

use crate::domain::guard::Held;
use crate::domain::journey::LookOutcome;
use crate::domain::operation::OperationState;
use crate::domain::order::{MerchantId, State};
use crate::domain::polling::{Outcomes, Standing};
use crate::domain::registration::journey::State as RegistrationState;
use crate::domain::time::Timestamp;

use counted::Counted;
use family::Family;
use process::ProcessGauges;
use queue::Queue;
use weather::WeatherGauges;
use webhooks::Webhooks;

/// The registry and everything in it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    counted: Counted,
    queue: Queue,
    budget_used: GaugeVec,
    budget_borne: GaugeVec,
    quota_used_up: IntGaugeVec,
    callbacks_trusted: IntGaugeVec,
    callbacks_stopped: IntGaugeVec,
    unserved: IntGauge,
    clock_in_doubt: IntGauge,
    disk_full: IntGauge,
    money_frozen: IntGauge,
    rows_unreadable: IntGauge,
    budget_probes: BudgetProbes,
    weather: WeatherGauges,
    webhooks: Webhooks,
    process: ProcessGauges,
}

impl Metrics {
    /// A registry with every metric in it, and every series of `merchants` at zero.
    pub fn new(merchants: &[MerchantId], started_at: Timestamp) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let of = Family { registry: &registry };
        let metrics = Self {
            counted: Counted::new(&of)?,
            queue: Queue::new(&of)?,
            budget_used: of.floats(
                "reconciled_gateway_budget_used_ratio",
                "Share of the request budget used in the last minute.",
                &["merchant"],
            )?,
            budget_borne: of.floats(
                "reconciled_gateway_budget_borne_ratio",
                "Share of the request budget that the bank bears: below 1 after it answered 429 or 503, and climbing back.",
                &["merchant"],
            )?,
            quota_used_up: of.gauges(
                "reconciled_gateway_quota_used_up",
                "1 while looks wait because the daily quota is used up but for what is kept for money.",
                &["merchant"],
            )?,
            callbacks_trusted: of.gauges(
                "reconciled_callbacks_trusted",
                "1 while the bank's callbacks prove true, so that learned looks may thin out.",
                &["merchant"],
            )?,
            callbacks_stopped: of.gauges(
                "reconciled_callbacks_stopped",
                "1 from when callbacks that proved true come no more until they do again; looks find what they told.",
                &["merchant"],
            )?,
            unserved: of.whole(
                "reconciled_orders_unserved",
                "Open orders of merchants that the configuration does not name: nobody looks at them.",
            )?,
            clock_in_doubt: of.whole(
                "reconciled_clock_in_doubt",
                "1 while no money is sent because the host's clock jumped or a bank's differs from it.",
            )?,
            disk_full: of
                .whole("reconciled_disk_full", "1 while the disk of the database is full: no new orders are taken.")?,
            money_frozen: of.whole(
                "reconciled_money_frozen",
                "1 while no money moves, because the database, its home and its witness disagree; see reconciled adopt.",
            )?,
            rows_unreadable: of.whole(
                "reconciled_rows_unreadable",
                "Orders whose rows in the database cannot be read; nothing is done about them.",
            )?,
            budget_probes: BudgetProbes::default(),
            weather: WeatherGauges::new(&of)?,
            webhooks: Webhooks::new(&of)?,
            process: ProcessGauges::new(&of, started_at)?,
            registry: registry.clone(),
        };
        for merchant in merchants {
            metrics.start_at_zero(merchant);
        }
        Ok(metrics)
    }

    /// Makes every series of a merchant exist, so that a rate or an alert never meets a missing one.
    pub fn start_at_zero(&self, merchant: &MerchantId) {
        let name = merchant.as_str();
        for operation in Operation::ALL {
            let _ = self.counted.gateway_seconds.with_label_values(&[name, operation.as_str()]);
            for answer in Answer::all() {
                let _ = self.counted.gateway_requests.with_label_values(&[name, operation.as_str(), answer.as_str()]);
            }
        }
        for outcome in LookOutcome::ALL {
            let _ = self.counted.looks.with_label_values(&[name, outcome.as_str()]);
        }
        for state in OperationState::ALL.into_iter().filter(|state| !state.is_open()) {
            let _ = self.counted.completions.with_label_values(&[name, state.as_str()]);
            let _ = self.counted.reversals.with_label_values(&[name, state.as_str()]);
        }
        for reason in Held::WORDS {
            let _ = self.counted.sends_held.with_label_values(&[name, reason]);
        }
        for state in RegistrationState::ALL.into_iter().filter(|state| state.is_settled()) {
            let _ = self.counted.registrations.with_label_values(&[name, state.as_str()]);
        }
        for outcome in CallbackOutcome::ALL {
            let _ = self.counted.callbacks.with_label_values(&[name, outcome.as_str()]);
        }
        self.weather.start_at_zero(merchant);
        self.outcomes(merchant, Outcomes::default());
        self.set_callbacks(merchant, Standing::Unproven);
        let _ = self.counted.orders_added.with_label_values(&[name]);
        let _ = self.counted.report_failures.with_label_values(&[name]);
        let _ = self.counted.pulled_in.with_label_values(&[name]);
    }

    /// How many open orders belong to merchants that are not configured.
    pub fn set_unserved(&self, count: u64) {
        self.unserved.set(whole(count));
    }

    /// What a merchant's callbacks are taken for.
    pub fn set_callbacks(&self, merchant: &MerchantId, standing: Standing) {
        let is = |what| i64::from(standing == what);
        self.callbacks_trusted.with_label_values(&[merchant.as_str()]).set(is(Standing::Trusted));
        self.callbacks_stopped.with_label_values(&[merchant.as_str()]).set(is(Standing::Stopped));
    }

    /// Whether something speaks against the host's clock, so that no money is sent.
    pub fn set_clock_in_doubt(&self, in_doubt: bool) {
        self.clock_in_doubt.set(in_doubt.into());
    }

    /// Whether money is frozen, and how many orders' rows cannot be read.
    pub fn set_integrity(&self, is_frozen: bool, unreadable: u64) {
        self.money_frozen.set(i64::from(is_frozen));
        self.rows_unreadable.set(whole(unreadable));
    }

    /// A merchant is served no longer: its gauges would go on showing what once was. What was counted stays counted.
    pub fn forget(&self, merchant: &MerchantId) {
        let name = merchant.as_str();
        self.budget_probes.lock().remove(merchant);
        self.weather.forget(merchant);
        self.queue.forget_risk(merchant, |_| true);
        for state in State::ALL {
            let _ = self.queue.orders.remove_label_values(&[name, state.as_str()]);
            let _ = self.queue.orders_oldest.remove_label_values(&[name, state.as_str()]);
        }
        for state in OperationState::ALL {
            let _ = self.queue.operations.remove_label_values(&[name, state.as_str()]);
            let _ = self.queue.operations_oldest.remove_label_values(&[name, state.as_str()]);
        }
        for gauge in [
            &self.queue.next_lapse,
            &self.queue.look_lag,
            &self.queue.last_report,
            &self.queue.daily_sum_used,
            &self.budget_used,
            &self.budget_borne,
        ] {
            let _ = gauge.remove_label_values(&[name]);
        }
        for gauge in [
            &self.queue.autocompletion_conflicts,
            &self.queue.overdue_looks,
            &self.queue.overdue_completions,
            &self.queue.parked,
            &self.queue.unanswered,
            &self.queue.money_stopped,
            &self.queue.login_refused,
            &self.quota_used_up,
            &self.callbacks_trusted,
            &self.callbacks_stopped,
        ] {
            let _ = gauge.remove_label_values(&[name]);
        }
    }

    /// Whether the database's disk is full.
    pub fn set_disk_full(&self, full: bool) {
        self.disk_full.set(i64::from(full));
    }

    /// Asks `probe` at every scrape how `merchant`'s budget stands.
    pub fn watch_budget(&self, merchant: MerchantId, probe: impl Fn() -> BudgetReading + Send + Sync + 'static) {
        self.budget_probes.lock().insert(merchant, Arc::new(probe));
    }

    /// The share of each merchant's budget that was used in the last minute, per mille.
    pub fn budgets_used(&self) -> Vec<(MerchantId, u64)> {
        self.budgets().map(|(merchant, reading)| (merchant, reading.used_per_mille)).collect()
    }

    fn budgets(&self) -> impl Iterator<Item = (MerchantId, BudgetReading)> {
        let probes = self.budget_probes.lock().clone();
        probes.into_iter().map(|(merchant, probe)| (merchant, probe()))
    }

    /// The text that Prometheus reads.
    pub fn encode(&self) -> Result<String, prometheus::Error> {
        self.process.read();
        self.weather.read();
        for (merchant, reading) in self.budgets() {
            let BudgetReading { used_per_mille, borne_per_mille, is_used_up } = reading;
            self.budget_used.with_label_values(&[merchant.as_str()]).set(per_mille(used_per_mille));
            self.budget_borne.with_label_values(&[merchant.as_str()]).set(per_mille(borne_per_mille));
            self.quota_used_up.with_label_values(&[merchant.as_str()]).set(is_used_up.into());
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// How a merchant's budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetReading {
    /// The share of it that was used in the last minute, per mille.
    pub used_per_mille: u64,
    /// The share of it that the bank bears, per mille.
    pub borne_per_mille: u64,
    /// Whether looks wait because the daily quota is used up.
    pub is_used_up: bool,
}

impl Default for BudgetReading {
    /// Nothing was used, and the bank did not complain.
    fn default() -> Self {
        Self { used_per_mille: 0, borne_per_mille: 1_000, is_used_up: false }
    }
}

type Probe = Arc<dyn Fn() -> BudgetReading + Send + Sync>;

/// How much of each budget is used, asked of its pacer.
#[derive(Clone, Default)]
struct BudgetProbes(Arc<Mutex<BTreeMap<MerchantId, Probe>>>);

impl BudgetProbes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<MerchantId, Probe>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BudgetProbes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().keys()).finish()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a moment in seconds fits a float to the microsecond until 2255")]
fn seconds(moment: Option<Timestamp>) -> f64 {
    moment.map_or(0.0, |moment| moment.as_millis() as f64 / 1_000.0)
}

#[expect(clippy::cast_precision_loss, reason = "a share of a budget is a small number")]
fn per_mille(share: u64) -> f64 {
    share as f64 / 1_000.0
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
