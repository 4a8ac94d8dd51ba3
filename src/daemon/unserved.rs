//! Orders of a merchant that the configuration no longer names: nobody looks at them, and nothing may be silent.

use crate::config::Config;

use super::Shared;

/// Says which merchants have open orders and are not served, in the log and in a metric.
pub(super) async fn tell(shared: &Shared, config: &Config) {
    let open = match shared.store.open_orders().await {
        Ok(open) => open,
        Err(error) => {
            tracing::error!(%error, "Cannot read whose orders are open");
            return shared.metrics.store_error("daemon");
        }
    };
    let unserved = || open.iter().filter(|(merchant, _)| config.merchant(merchant).is_none());
    for (merchant, count) in unserved() {
        tracing::warn!(%merchant, count, "{count} open order(s) of {merchant} are not looked at: the configuration does not name {merchant}. Put its [[merchant]] table back until they are at an end");
    }
    shared.metrics.set_unserved(unserved().map(|(_, count)| *count).sum());
}
