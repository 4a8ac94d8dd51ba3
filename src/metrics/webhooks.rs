//! How the shop is told: what came of each try, and what its endpoints have not taken.

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec};

use crate::domain::delivery::{EndpointName, Verdict};
use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;

use super::family::Family;
use super::{Metrics, seconds, whole};

const ENDPOINT: [&str; 2] = ["merchant", "endpoint"];

/// How an endpoint stands at one moment, to be set as gauges.
#[derive(Clone, Debug)]
pub struct EndpointGauges {
    /// Events that it has not taken, and when the oldest happened.
    pub backlog: (u64, Option<Timestamp>),
    /// Events that were given up.
    pub given_up: u64,
    /// Since when it takes nothing.
    pub down_since: Option<Timestamp>,
    /// Whether it wants no more.
    pub is_disabled: bool,
}

/// The counter and the gauges.
#[derive(Clone, Debug)]
pub(super) struct Webhooks {
    deliveries: IntCounterVec,
    backlog: IntGaugeVec,
    oldest: GaugeVec,
    given_up: IntGaugeVec,
    down_since: GaugeVec,
    disabled: IntGaugeVec,
}

impl Webhooks {
    pub(super) fn new(of: &Family<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            deliveries: of.counters(
                "reconciled_webhook_deliveries_total",
                "Times an endpoint of the shop's was told an event, by what came of it.",
                &[ENDPOINT[0], ENDPOINT[1], "verdict"],
            )?,
            backlog: of.gauges(
                "reconciled_webhook_backlog",
                "Events that an endpoint has not taken; what was not looked through yet counts whole.",
                &ENDPOINT,
            )?,
            oldest: of.floats(
                "reconciled_webhook_oldest_timestamp_seconds",
                "When the oldest event happened that an endpoint has not taken; 0 when there is none.",
                &ENDPOINT,
            )?,
            given_up: of.gauges(
                "reconciled_webhook_given_up",
                "Events that an endpoint was told for three days in vain, of the last 90 days; a replay takes them away.",
                &ENDPOINT,
            )?,
            down_since: of.floats(
                "reconciled_webhook_down_timestamp_seconds",
                "Since when an endpoint takes nothing; 0 while it does.",
                &ENDPOINT,
            )?,
            disabled: of.gauges(
                "reconciled_webhook_disabled",
                "1 while an endpoint is told nothing, because it answered 410; else 0.",
                &ENDPOINT,
            )?,
        })
    }
}

impl Metrics {
    /// Makes every series of an endpoint exist.
    pub fn start_endpoint_at_zero(&self, merchant: &MerchantId, endpoint: &EndpointName) {
        for verdict in Verdict::ALL {
            let labels = [merchant.as_str(), endpoint.as_str(), verdict.as_str()];
            let _ = self.webhooks.deliveries.with_label_values(&labels);
        }
    }

    /// An endpoint was told an event.
    pub fn told(&self, merchant: &MerchantId, endpoint: &EndpointName, verdict: Verdict) {
        self.webhooks.deliveries.with_label_values(&[merchant.as_str(), endpoint.as_str(), verdict.as_str()]).inc();
    }

    /// Sets an endpoint's gauges.
    pub fn set_endpoint(&self, merchant: &MerchantId, endpoint: &EndpointName, gauges: &EndpointGauges) {
        let labels = [merchant.as_str(), endpoint.as_str()];
        let of = &self.webhooks;
        of.backlog.with_label_values(&labels).set(whole(gauges.backlog.0));
        of.oldest.with_label_values(&labels).set(seconds(gauges.backlog.1));
        of.given_up.with_label_values(&labels).set(whole(gauges.given_up));
        of.down_since.with_label_values(&labels).set(seconds(gauges.down_since));
        of.disabled.with_label_values(&labels).set(i64::from(gauges.is_disabled));
    }

    /// Forgets the gauges of every endpoint: the next scrape sets those that the configuration names.
    pub fn forget_endpoints(&self) {
        let of = &self.webhooks;
        for gauge in [&of.backlog, &of.given_up, &of.disabled] {
            gauge.reset();
        }
        for gauge in [&of.oldest, &of.down_since] {
            gauge.reset();
        }
    }
}
