//! The weather at each merchant's gateway, asked of whoever knows it when the metrics are scraped.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::{GaugeVec, IntGaugeVec};

use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;
use crate::domain::weather::Weather;

use super::family::Family;
use super::{Metrics, seconds};

/// What the weather is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overhead {
    /// The class of the latest answer.
    pub latest: Option<Weather>,
    /// Since when the bank tells nothing, while it does not.
    pub since: Option<Timestamp>,
}

type Probe = Arc<dyn Fn() -> Option<Overhead> + Send + Sync>;

/// The gauges, and who knows what they show.
#[derive(Clone)]
pub(super) struct WeatherGauges {
    class: IntGaugeVec,
    incident: GaugeVec,
    probes: Arc<Mutex<BTreeMap<MerchantId, Probe>>>,
}

impl WeatherGauges {
    pub(super) fn new(of: &Family<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            class: of.gauges(
                "reconciled_gateway_weather",
                "1 for the class of the gateway's latest answer, 0 for the others.",
                &["merchant", "class"],
            )?,
            incident: of.floats(
                "reconciled_gateway_incident_start_timestamp_seconds",
                "Since when the gateway tells nothing, so that only probes are sent; 0 while it answers.",
                &["merchant"],
            )?,
            probes: Arc::default(),
        })
    }

    pub(super) fn start_at_zero(&self, merchant: &MerchantId) {
        self.set(merchant, Overhead { latest: None, since: None });
    }

    pub(super) fn forget(&self, merchant: &MerchantId) {
        self.lock().remove(merchant);
        for class in Weather::ALL {
            let _ = self.class.remove_label_values(&[merchant.as_str(), class.as_str()]);
        }
        let _ = self.incident.remove_label_values(&[merchant.as_str()]);
    }

    pub(super) fn read(&self) {
        for (merchant, probe) in self.lock().iter() {
            if let Some(overhead) = probe() {
                self.set(merchant, overhead);
            }
        }
    }

    fn set(&self, merchant: &MerchantId, overhead: Overhead) {
        let name = merchant.as_str();
        for class in Weather::ALL {
            let is_it = overhead.latest == Some(class);
            self.class.with_label_values(&[name, class.as_str()]).set(is_it.into());
        }
        self.incident.with_label_values(&[name]).set(seconds(overhead.since));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<MerchantId, Probe>> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WeatherGauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().keys()).finish()
    }
}

impl Metrics {
    /// Asks `probe` at every scrape what the weather is at the gateway of `merchant`.
    pub fn watch_weather(&self, merchant: MerchantId, probe: impl Fn() -> Option<Overhead> + Send + Sync + 'static) {
        self.weather.lock().insert(merchant, Arc::new(probe));
    }
}
