//! Every metric: name, help and labels, in one place.
//!
//! Counters and histograms count what happened in this process. Gauges that describe the queue are set from the database
//! when they are scraped, zeros included, so that every state always has a series. Labels are closed sets: merchant,
//! state, operation, answer, outcome; never an order. Moments are exported as timestamps, so that an age keeps growing
//! when something hangs.

mod family;
mod labels;
mod process;

pub use labels::{Answer, Operation};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::{Encoder, GaugeVec, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder};

use crate::domain::journey::LookOutcome;
use crate::domain::operation::OperationState;
use crate::domain::order::{MerchantId, State};
use crate::domain::time::Timestamp;

use family::Family;
use process::ProcessGauges;

/// A merchant's queue at one moment, to be set as gauges.
#[derive(Clone, Debug)]
pub struct QueueGauges {
    /// Whose.
    pub merchant: MerchantId,
    /// Count and since when the oldest stands so, for every state of orders.
    pub orders: Vec<(State, u64, Option<Timestamp>)>,
    /// The same for operations.
    pub operations: Vec<(OperationState, u64, Option<Timestamp>)>,
    /// The earliest lapse of a hold.
    pub next_lapse: Option<Timestamp>,
    /// Holds that lapse within the merchant's warning time.
    pub holds_at_risk: u64,
    /// Looks that are due.
    pub overdue_looks: u64,
    /// Completions that are due.
    pub overdue_completions: u64,
    /// How late the most overdue look is.
    pub look_lag: Duration,
    /// Orders parked by an operator.
    pub parked: u64,
    /// Orders whose latest answer told nothing.
    pub unanswered: u64,
    /// When the latest report was written.
    pub last_report_at: Option<Timestamp>,
}

/// The registry and everything in it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    gateway_requests: IntCounterVec,
    gateway_seconds: HistogramVec,
    looks: IntCounterVec,
    completions: IntCounterVec,
    orders_added: IntCounterVec,
    store_errors: IntCounterVec,
    report_failures: IntCounterVec,
    orders: IntGaugeVec,
    orders_oldest: GaugeVec,
    operations: IntGaugeVec,
    operations_oldest: GaugeVec,
    next_lapse: GaugeVec,
    holds_at_risk: IntGaugeVec,
    overdue_looks: IntGaugeVec,
    overdue_completions: IntGaugeVec,
    look_lag: GaugeVec,
    parked: IntGaugeVec,
    unanswered: IntGaugeVec,
    last_report: GaugeVec,
    budget_used: GaugeVec,
    unserved: IntGauge,
    budget_probes: BudgetProbes,
    process: ProcessGauges,
}

impl Metrics {
    /// A registry with every metric in it, and every series of `merchants` at zero.
    pub fn new(merchants: &[MerchantId], started_at: Timestamp) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let of = Family { registry: &registry };
        let metrics = Self {
            gateway_requests: of.counters(
                "reconciled_gateway_requests_total",
                "Requests to the gateway by operation and class of answer.",
                &["merchant", "operation", "answer"],
            )?,
            gateway_seconds: of.histograms(
                "reconciled_gateway_request_duration_seconds",
                "Time from sending a request to its whole answer.",
                &["merchant", "operation"],
            )?,
            looks: of.counters(
                "reconciled_looks_total",
                "Looks by what they made of the order.",
                &["merchant", "outcome"],
            )?,
            completions: of.counters(
                "reconciled_completions_total",
                "Completions that were settled, by the state they ended in.",
                &["merchant", "state"],
            )?,
            orders_added: of.counters(
                "reconciled_orders_added_total",
                "Orders that entered the queue through this process.",
                &["merchant"],
            )?,
            store_errors: of.counters(
                "reconciled_store_errors_total",
                "Changes or reads that the database refused, by the worker that asked.",
                &["worker"],
            )?,
            report_failures: of.counters(
                "reconciled_report_failures_total",
                "Nightly reports that could not be written.",
                &["merchant"],
            )?,
            orders: of.gauges("reconciled_orders", "Orders by state.", &["merchant", "state"])?,
            orders_oldest: of.floats(
                "reconciled_orders_oldest_timestamp_seconds",
                "Since when the oldest order of a state stands so; 0 when there is none.",
                &["merchant", "state"],
            )?,
            operations: of.gauges("reconciled_operations", "Completions by state.", &["merchant", "state"])?,
            operations_oldest: of.floats(
                "reconciled_operations_oldest_timestamp_seconds",
                "Since when the oldest completion of a state stands so; 0 when there is none.",
                &["merchant", "state"],
            )?,
            next_lapse: of.floats(
                "reconciled_hold_next_lapse_timestamp_seconds",
                "When the next hold lapses; 0 when nothing is held.",
                &["merchant"],
            )?,
            holds_at_risk: of.gauges(
                "reconciled_holds_at_risk",
                "Holds that lapse within the merchant's warning time, or should have lapsed.",
                &["merchant"],
            )?,
            overdue_looks: of.gauges("reconciled_looks_overdue", "Looks that are due and not done.", &["merchant"])?,
            overdue_completions: of.gauges(
                "reconciled_completions_overdue",
                "Completions that are due and not settled.",
                &["merchant"],
            )?,
            look_lag: of.floats("reconciled_look_lag_seconds", "How late the most overdue look is.", &["merchant"])?,
            parked: of.gauges(
                "reconciled_orders_parked",
                "Open orders that an operator took out of the completion schedule.",
                &["merchant"],
            )?,
            unanswered: of.gauges(
                "reconciled_orders_unanswered",
                "Orders whose latest answer from the bank told nothing, or refused to.",
                &["merchant"],
            )?,
            last_report: of.floats(
                "reconciled_report_last_success_timestamp_seconds",
                "When the latest nightly report was written; 0 before the first.",
                &["merchant"],
            )?,
            budget_used: of.floats(
                "reconciled_gateway_budget_used_ratio",
                "Share of the request budget used in the last minute.",
                &["merchant"],
            )?,
            unserved: of.whole(
                "reconciled_orders_unserved",
                "Open orders of merchants that the configuration does not name: nobody looks at them.",
            )?,
            budget_probes: BudgetProbes::default(),
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
            let _ = self.gateway_seconds.with_label_values(&[name, operation.as_str()]);
            for answer in Answer::all() {
                let _ = self.gateway_requests.with_label_values(&[name, operation.as_str(), answer.as_str()]);
            }
        }
        for outcome in LookOutcome::ALL {
            let _ = self.looks.with_label_values(&[name, outcome.as_str()]);
        }
        for state in OperationState::ALL.into_iter().filter(|state| !state.is_open()) {
            let _ = self.completions.with_label_values(&[name, state.as_str()]);
        }
        let _ = self.orders_added.with_label_values(&[name]);
        let _ = self.report_failures.with_label_values(&[name]);
    }

    /// A request was answered, or not, after `elapsed`.
    pub fn gateway_request(&self, merchant: &MerchantId, operation: Operation, answer: Answer, elapsed: Duration) {
        let (name, operation) = (merchant.as_str(), operation.as_str());
        self.gateway_requests.with_label_values(&[name, operation, answer.as_str()]).inc();
        self.gateway_seconds.with_label_values(&[name, operation]).observe(elapsed.as_secs_f64());
    }

    /// A look was written down.
    pub fn look(&self, merchant: &MerchantId, outcome: LookOutcome) {
        self.looks.with_label_values(&[merchant.as_str(), outcome.as_str()]).inc();
    }

    /// A completion was settled.
    pub fn completion(&self, merchant: &MerchantId, state: OperationState) {
        self.completions.with_label_values(&[merchant.as_str(), state.as_str()]).inc();
    }

    /// Orders entered the queue.
    pub fn orders_added(&self, merchant: &MerchantId, count: u64) {
        self.orders_added.with_label_values(&[merchant.as_str()]).inc_by(count);
    }

    /// The database refused something that `worker` asked.
    pub fn store_error(&self, worker: &'static str) {
        self.store_errors.with_label_values(&[worker]).inc();
    }

    /// A nightly report could not be written.
    pub fn report_failure(&self, merchant: &MerchantId) {
        self.report_failures.with_label_values(&[merchant.as_str()]).inc();
    }

    /// How many open orders belong to merchants that are not configured.
    pub fn set_unserved(&self, count: u64) {
        self.unserved.set(whole(count));
    }

    /// A merchant is served no longer: its gauges would go on showing what once was. What was counted stays counted.
    pub fn forget(&self, merchant: &MerchantId) {
        let name = merchant.as_str();
        self.budget_probes.lock().remove(merchant);
        for state in State::ALL {
            let _ = self.orders.remove_label_values(&[name, state.as_str()]);
            let _ = self.orders_oldest.remove_label_values(&[name, state.as_str()]);
        }
        for state in OperationState::ALL {
            let _ = self.operations.remove_label_values(&[name, state.as_str()]);
            let _ = self.operations_oldest.remove_label_values(&[name, state.as_str()]);
        }
        for gauge in [&self.next_lapse, &self.look_lag, &self.last_report, &self.budget_used] {
            let _ = gauge.remove_label_values(&[name]);
        }
        for gauge in
            [&self.holds_at_risk, &self.overdue_looks, &self.overdue_completions, &self.parked, &self.unanswered]
        {
            let _ = gauge.remove_label_values(&[name]);
        }
    }

    /// Asks `probe` at every scrape which share of `merchant`'s budget was used in the last minute, per mille.
    pub fn watch_budget(&self, merchant: MerchantId, probe: impl Fn() -> u64 + Send + Sync + 'static) {
        self.budget_probes.lock().insert(merchant, Arc::new(probe));
    }

    /// The share of each merchant's budget that was used in the last minute, per mille.
    pub fn budgets_used(&self) -> Vec<(MerchantId, u64)> {
        self.budget_probes.lock().iter().map(|(merchant, probe)| (merchant.clone(), probe())).collect()
    }

    /// Sets a merchant's queue gauges; a state that is not named stands at zero.
    pub fn set_queue(&self, queue: &QueueGauges) {
        let name = queue.merchant.as_str();
        for state in State::ALL {
            let found = queue.orders.iter().find(|(found, ..)| *found == state);
            let (count, oldest) = found.map_or((0, None), |(_, count, oldest)| (*count, *oldest));
            self.orders.with_label_values(&[name, state.as_str()]).set(whole(count));
            self.orders_oldest.with_label_values(&[name, state.as_str()]).set(seconds(oldest));
        }
        for state in OperationState::ALL {
            let found = queue.operations.iter().find(|(found, ..)| *found == state);
            let (count, oldest) = found.map_or((0, None), |(_, count, oldest)| (*count, *oldest));
            self.operations.with_label_values(&[name, state.as_str()]).set(whole(count));
            self.operations_oldest.with_label_values(&[name, state.as_str()]).set(seconds(oldest));
        }
        self.next_lapse.with_label_values(&[name]).set(seconds(queue.next_lapse));
        self.holds_at_risk.with_label_values(&[name]).set(whole(queue.holds_at_risk));
        self.overdue_looks.with_label_values(&[name]).set(whole(queue.overdue_looks));
        self.overdue_completions.with_label_values(&[name]).set(whole(queue.overdue_completions));
        self.look_lag.with_label_values(&[name]).set(queue.look_lag.as_secs_f64());
        self.parked.with_label_values(&[name]).set(whole(queue.parked));
        self.unanswered.with_label_values(&[name]).set(whole(queue.unanswered));
        self.last_report.with_label_values(&[name]).set(seconds(queue.last_report_at));
    }

    /// The text that Prometheus reads.
    pub fn encode(&self) -> Result<String, prometheus::Error> {
        self.process.read();
        for (merchant, used_per_mille) in self.budgets_used() {
            self.budget_used.with_label_values(&[merchant.as_str()]).set(per_mille(used_per_mille));
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

type Probe = Arc<dyn Fn() -> u64 + Send + Sync>;

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
