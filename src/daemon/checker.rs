//! The round through all rows: at the start, and once a day; and before the first, the chain of the journal where it is
//! of an earlier version and has none.
//!
//! A row is checked whenever it is read, but an order at its end is hardly ever read. And after a rotation this is what
//! seals with the new key, so that the old one can be taken away.

use std::time::Duration;

use tokio::sync::watch;

use super::{Shared, told_to_stop};

/// How often. A round over a million rows takes some seconds of one core.
const EVERY: Duration = Duration::from_secs(86_400);

/// Works until told to stop.
pub(super) async fn run(shared: Shared, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = look_through(&shared) => {}
        }
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn look_through(shared: &Shared) {
    chain_backlog(shared).await;
    round(shared).await;
}

/// Cut short, it goes on at the next start.
async fn chain_backlog(shared: &Shared) {
    match shared.store.chain_backlog().await {
        Ok(0) => {}
        Ok(events) => tracing::info!(
            events,
            "Chained the {events} event(s) of the journal that are of an earlier version: `reconciled verify` walks \
             through all of it from now on"
        ),
        Err(error) => {
            tracing::error!(%error, "Cannot chain the journal's events of an earlier version; tomorrow, or at the next start, again");
            shared.metrics.store_error("checker");
        }
    }
}

async fn round(shared: &Shared) {
    match shared.store.check_rows(shared.clock().now()).await {
        Ok(checked) => tracing::info!(
            rows = checked.rows,
            resealed = checked.resealed,
            altered = checked.altered,
            unreadable = checked.unreadable,
            "Checked the seals of {} row(s): {} altered, {} unreadable, {} sealed anew with the present key",
            checked.rows,
            checked.altered,
            checked.unreadable,
            checked.resealed
        ),
        Err(error) => {
            tracing::error!(%error, "Cannot check the rows' seals; tomorrow, or at the next start, again");
            shared.metrics.store_error("checker");
        }
    }
}
