//! What there is: gauges that describe the queue, set from the database when they are scraped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{GaugeVec, IntGaugeVec};

use crate::domain::operation::OperationState;
use crate::domain::order::{MerchantId, State};
use crate::domain::time::Timestamp;

use super::family::Family;
use super::{Metrics, per_mille, seconds, whole};

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
    /// Holds that lapse within each of the merchant's warning times, by its word.
    pub holds_at_risk: Vec<(String, u64)>,
    /// Holds that the gateway would complete by itself, against what is planned here.
    pub autocompletion_conflicts: u64,
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
    /// Registrations that are not settled, and since when the oldest is here.
    pub registrations: (u64, Option<Timestamp>),
    /// Those of them that a person has to settle.
    pub stuck_registrations: u64,
    /// When the latest report was written.
    pub last_report_at: Option<Timestamp>,
    /// Whether none of the merchant's money moves.
    pub money_stopped: bool,
    /// Whether the bank refuses its login, and nothing is sent.
    pub login_refused: bool,
    /// How much of the daily sum is sent, per mille, in the currency that is nearest to it.
    pub daily_sum_used_per_mille: u64,
}

/// The gauges.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) orders: IntGaugeVec,
    pub(super) orders_oldest: GaugeVec,
    pub(super) operations: IntGaugeVec,
    pub(super) operations_oldest: GaugeVec,
    pub(super) next_lapse: GaugeVec,
    pub(super) holds_at_risk: IntGaugeVec,
    /// Which levels each merchant has series for: they come from the configuration, and a reload may change them.
    pub(super) risk_levels: Arc<Mutex<BTreeMap<MerchantId, Vec<String>>>>,
    pub(super) autocompletion_conflicts: IntGaugeVec,
    pub(super) overdue_looks: IntGaugeVec,
    pub(super) overdue_completions: IntGaugeVec,
    pub(super) look_lag: GaugeVec,
    pub(super) parked: IntGaugeVec,
    pub(super) unanswered: IntGaugeVec,
    pub(super) registrations: IntGaugeVec,
    pub(super) registrations_oldest: GaugeVec,
    pub(super) registrations_stuck: IntGaugeVec,
    pub(super) last_report: GaugeVec,
    pub(super) money_stopped: IntGaugeVec,
    pub(super) login_refused: IntGaugeVec,
    pub(super) daily_sum_used: GaugeVec,
}

impl Queue {
    pub(super) fn new(of: &Family<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            orders: of.gauges("reconciled_orders", "Orders by state.", &["merchant", "state"])?,
            orders_oldest: of.floats(
                "reconciled_orders_oldest_timestamp_seconds",
                "Since when the oldest order of a state stands so; 0 when there is none.",
                &["merchant", "state"],
            )?,
            operations: of.gauges(
                "reconciled_operations",
                "Completions and reversals by state.",
                &["merchant", "state"],
            )?,
            operations_oldest: of.floats(
                "reconciled_operations_oldest_timestamp_seconds",
                "Since when the oldest completion or reversal of a state stands so; 0 when there is none.",
                &["merchant", "state"],
            )?,
            next_lapse: of.floats(
                "reconciled_hold_next_lapse_timestamp_seconds",
                "When the next hold lapses; 0 when nothing is held.",
                &["merchant"],
            )?,
            holds_at_risk: of.gauges(
                "reconciled_holds_at_risk",
                "Holds that lapse within each of the merchant's warning times, or should have lapsed.",
                &["merchant", "within"],
            )?,
            risk_levels: Arc::default(),
            autocompletion_conflicts: of.gauges(
                "reconciled_autocompletion_conflicts",
                "Holds that the gateway would complete by itself, against what is planned here.",
                &["merchant"],
            )?,
            overdue_looks: of.gauges("reconciled_looks_overdue", "Looks that are due and not done.", &["merchant"])?,
            overdue_completions: of.gauges(
                "reconciled_completions_overdue",
                "Completions and deadlines of holds that are due and not settled.",
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
            registrations: of.gauges(
                "reconciled_registrations_open",
                "Registrations whose outcome at the bank is not settled.",
                &["merchant"],
            )?,
            registrations_oldest: of.floats(
                "reconciled_registrations_open_oldest_timestamp_seconds",
                "Since when the oldest registration that is not settled is here; 0 when there is none.",
                &["merchant"],
            )?,
            registrations_stuck: of.gauges(
                "reconciled_registrations_stuck",
                "Registrations of which the bank does not tell whether it has them: a person has to settle them.",
                &["merchant"],
            )?,
            last_report: of.floats(
                "reconciled_report_last_success_timestamp_seconds",
                "When the latest nightly report was written; 0 before the first.",
                &["merchant"],
            )?,
            money_stopped: of.gauges(
                "reconciled_money_stopped",
                "1 while no completion of the merchant is sent, because a person or the brake stopped it; else 0.",
                &["merchant"],
            )?,
            login_refused: of.gauges(
                "reconciled_login_refused",
                "1 while nothing is sent for the merchant, because the bank refuses its login; else 0.",
                &["merchant"],
            )?,
            daily_sum_used: of.floats(
                "reconciled_money_daily_sum_used_ratio",
                "Share of the daily sum that was sent to be taken, or to be given back, in the last 24 hours: whichever is nearest to it.",
                &["merchant"],
            )?,
        })
    }
}

impl Queue {
    /// Sets the series of `levels`, and takes away those of levels that are no longer configured.
    fn set_risk(&self, merchant: &MerchantId, levels: &[(String, u64)]) {
        self.forget_risk(merchant, |word| !levels.iter().any(|(level, _)| level == word));
        for (level, count) in levels {
            self.holds_at_risk.with_label_values(&[merchant.as_str(), level]).set(whole(*count));
        }
        let words = levels.iter().map(|(level, _)| level.clone()).collect();
        self.risk_levels.lock().unwrap_or_else(PoisonError::into_inner).insert(merchant.clone(), words);
    }

    /// Takes away the series of the levels that are `gone`.
    pub(super) fn forget_risk(&self, merchant: &MerchantId, gone: impl Fn(&str) -> bool) {
        let known = self.risk_levels.lock().unwrap_or_else(PoisonError::into_inner).remove(merchant);
        for word in known.unwrap_or_default().iter().filter(|word| gone(word)) {
            let _ = self.holds_at_risk.remove_label_values(&[merchant.as_str(), word]);
        }
    }
}

impl Metrics {
    /// Sets a merchant's queue gauges; a state that is not named stands at zero.
    pub fn set_queue(&self, queue: &QueueGauges) {
        let name = queue.merchant.as_str();
        for state in State::ALL {
            let found = queue.orders.iter().find(|(found, ..)| *found == state);
            let (count, oldest) = found.map_or((0, None), |(_, count, oldest)| (*count, *oldest));
            self.queue.orders.with_label_values(&[name, state.as_str()]).set(whole(count));
            self.queue.orders_oldest.with_label_values(&[name, state.as_str()]).set(seconds(oldest));
        }
        for state in OperationState::ALL {
            let found = queue.operations.iter().find(|(found, ..)| *found == state);
            let (count, oldest) = found.map_or((0, None), |(_, count, oldest)| (*count, *oldest));
            self.queue.operations.with_label_values(&[name, state.as_str()]).set(whole(count));
            self.queue.operations_oldest.with_label_values(&[name, state.as_str()]).set(seconds(oldest));
        }
        self.queue.next_lapse.with_label_values(&[name]).set(seconds(queue.next_lapse));
        self.queue.set_risk(&queue.merchant, &queue.holds_at_risk);
        self.queue.autocompletion_conflicts.with_label_values(&[name]).set(whole(queue.autocompletion_conflicts));
        self.queue.overdue_looks.with_label_values(&[name]).set(whole(queue.overdue_looks));
        self.queue.overdue_completions.with_label_values(&[name]).set(whole(queue.overdue_completions));
        self.queue.look_lag.with_label_values(&[name]).set(queue.look_lag.as_secs_f64());
        self.queue.parked.with_label_values(&[name]).set(whole(queue.parked));
        self.queue.unanswered.with_label_values(&[name]).set(whole(queue.unanswered));
        self.queue.registrations.with_label_values(&[name]).set(whole(queue.registrations.0));
        self.queue.registrations_oldest.with_label_values(&[name]).set(seconds(queue.registrations.1));
        self.queue.registrations_stuck.with_label_values(&[name]).set(whole(queue.stuck_registrations));
        self.queue.last_report.with_label_values(&[name]).set(seconds(queue.last_report_at));
        self.queue.money_stopped.with_label_values(&[name]).set(i64::from(queue.money_stopped));
        self.queue.login_refused.with_label_values(&[name]).set(i64::from(queue.login_refused));
        self.queue.daily_sum_used.with_label_values(&[name]).set(per_mille(queue.daily_sum_used_per_mille));
    }
}
