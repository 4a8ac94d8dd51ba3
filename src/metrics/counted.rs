//! What happened in this process: counters, and how long the gateway took.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec};

use crate::domain::journey::LookOutcome;
use crate::domain::operation::{OperationKind, OperationState};
use crate::domain::order::MerchantId;
use crate::domain::polling::Outcomes;
use crate::domain::registration::journey::State as RegistrationState;

use super::family::Family;
use super::{Answer, CallbackOutcome, Metrics, Operation};

/// Whether a callback told of an outcome.
const CAME: &str = "came";
const MISSING: &str = "missing";

/// The counters.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) gateway_requests: IntCounterVec,
    pub(super) gateway_seconds: HistogramVec,
    pub(super) looks: IntCounterVec,
    pub(super) completions: IntCounterVec,
    pub(super) reversals: IntCounterVec,
    pub(super) refunds: IntCounterVec,
    pub(super) declines: IntCounterVec,
    pub(super) pulled_in: IntCounterVec,
    pub(super) orders_added: IntCounterVec,
    pub(super) registrations: IntCounterVec,
    pub(super) callbacks: IntCounterVec,
    pub(super) outcomes: IntCounterVec,
    pub(super) sends_held: IntCounterVec,
    pub(super) store_errors: IntCounterVec,
    pub(super) report_failures: IntCounterVec,
}

impl Counted {
    pub(super) fn new(of: &Family<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
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
            reversals: of.counters(
                "reconciled_reversals_total",
                "Reversals that were settled, by the state they ended in.",
                &["merchant", "state"],
            )?,
            refunds: of.counters(
                "reconciled_refunds_total",
                "Refunds that were settled, by the state they ended in.",
                &["merchant", "state"],
            )?,
            declines: of.counters(
                "reconciled_declines_total",
                "Declines that were settled, by the state they ended in.",
                &["merchant", "state"],
            )?,
            pulled_in: of.counters(
                "reconciled_looks_pulled_in_total",
                "Looks and steps that were planned further ahead than any plan reaches, and were made due at once.",
                &["merchant"],
            )?,
            orders_added: of.counters(
                "reconciled_orders_added_total",
                "Orders that entered the queue through this process.",
                &["merchant"],
            )?,
            registrations: of.counters(
                "reconciled_registrations_total",
                "Registrations that were settled, by the state they ended in.",
                &["merchant", "state"],
            )?,
            callbacks: of.counters(
                "reconciled_callbacks_total",
                "Callbacks of the bank by what became of them; forged ones change nothing else.",
                &["merchant", "outcome"],
            )?,
            outcomes: of.counters(
                "reconciled_outcomes_total",
                "Payments and refusals by whether a callback told of them within a minute of the look that found them.",
                &["merchant", "callback"],
            )?,
            sends_held: of.counters(
                "reconciled_sends_held_total",
                "Times a completion that was due was not sent, by what held it back; each is tried again.",
                &["merchant", "reason"],
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
        })
    }
}

impl Metrics {
    /// A request was answered, or not, after `elapsed`.
    pub fn gateway_request(&self, merchant: &MerchantId, operation: Operation, answer: Answer, elapsed: Duration) {
        let (name, operation) = (merchant.as_str(), operation.as_str());
        self.counted.gateway_requests.with_label_values(&[name, operation, answer.as_str()]).inc();
        self.counted.gateway_seconds.with_label_values(&[name, operation]).observe(elapsed.as_secs_f64());
    }

    /// A look was written down.
    pub fn look(&self, merchant: &MerchantId, outcome: LookOutcome) {
        self.counted.looks.with_label_values(&[merchant.as_str(), outcome.as_str()]).inc();
    }

    /// An operation was settled.
    pub fn settled(&self, merchant: &MerchantId, kind: OperationKind, state: OperationState) {
        let counted = match kind {
            OperationKind::Completion => &self.counted.completions,
            OperationKind::Reversal => &self.counted.reversals,
            OperationKind::Refund => &self.counted.refunds,
            OperationKind::Decline => &self.counted.declines,
        };
        counted.with_label_values(&[merchant.as_str(), state.as_str()]).inc();
    }

    /// Looks or steps were made due at once, because a clock that was wrong had planned them too far ahead.
    pub fn pulled_in(&self, merchant: &MerchantId, count: u64) {
        self.counted.pulled_in.with_label_values(&[merchant.as_str()]).inc_by(count);
    }

    /// A completion was held back, by [`Held::as_str`](crate::domain::guard::Held::as_str).
    pub fn send_held(&self, merchant: &MerchantId, reason: &'static str) {
        self.counted.sends_held.with_label_values(&[merchant.as_str(), reason]).inc();
    }

    /// A callback came.
    pub fn callback(&self, merchant: &MerchantId, outcome: CallbackOutcome) {
        self.counted.callbacks.with_label_values(&[merchant.as_str(), outcome.as_str()]).inc();
    }

    /// Outcomes were told by callbacks, or not.
    pub fn outcomes(&self, merchant: &MerchantId, outcomes: Outcomes) {
        let name = merchant.as_str();
        self.counted.outcomes.with_label_values(&[name, CAME]).inc_by(outcomes.told);
        self.counted.outcomes.with_label_values(&[name, MISSING]).inc_by(outcomes.untold);
    }

    /// Orders entered the queue.
    pub fn orders_added(&self, merchant: &MerchantId, count: u64) {
        self.counted.orders_added.with_label_values(&[merchant.as_str()]).inc_by(count);
    }

    /// A registration was settled.
    pub fn registration_settled(&self, merchant: &MerchantId, state: RegistrationState) {
        self.counted.registrations.with_label_values(&[merchant.as_str(), state.as_str()]).inc();
    }

    /// The database refused something that `worker` asked.
    pub fn store_error(&self, worker: &'static str) {
        self.counted.store_errors.with_label_values(&[worker]).inc();
    }

    /// A nightly report could not be written.
    pub fn report_failure(&self, merchant: &MerchantId) {
        self.counted.report_failures.with_label_values(&[merchant.as_str()]).inc();
    }
}
