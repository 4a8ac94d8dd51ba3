//! The watchman: tells of holds near their lapse, once each, well before.
//!
//! A hold that nobody completes is money the merchant never gets; the gauge of the next lapse says when, this says which.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::event::{Cause, EventKind, NewEvent};
use crate::domain::order::Order;
use crate::domain::time::in_words;
use crate::store::StoreError;

use super::merchant::Desk;
use super::{HEART_LIMIT, log, told_to_stop};

/// Warnings written in one round at most; the next round comes soon.
const ROUND_MAX: usize = 100;

/// Works until told to stop.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let interval = interval(desk.policy.holds.warn_before);
    let heart = desk.shared.progress.heart(format!("watchman of {}", desk.merchant), interval + HEART_LIMIT);
    loop {
        heart.beat();
        if let Err(error) = warn_of_lapses(&desk).await {
            tracing::error!(%error, merchant = %desk.merchant, "Cannot warn of holds near their lapse");
            desk.shared.metrics.store_error("watchman");
        }
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

/// Often enough that a warning is late by a tenth of its lead at most, and by a minute at most.
fn interval(warn_before: Duration) -> Duration {
    (warn_before / 10).clamp(Duration::from_secs(1), Duration::from_secs(60))
}

async fn warn_of_lapses(desk: &Desk) -> Result<(), StoreError> {
    let now = desk.shared.clock.now();
    let until = now.plus(desk.policy.holds.warn_before);
    for near in desk.shared.store.unwarned_lapses(&desk.merchant, until, ROUND_MAX).await? {
        let event = warning(&near.order, now);
        log::event(&near.order, &event);
        desk.shared.store.record_lapse_warning(near.order.key, event, now).await?;
    }
    Ok(())
}

fn warning(order: &Order, now: crate::domain::time::Timestamp) -> NewEvent {
    let lapses_at = order.hold.map_or(now, |hold| hold.lapses_at);
    let next = match (order.parked, order.complete_at) {
        (true, _) => "it is parked".to_owned(),
        (false, Some(at)) => format!("its completion is due at {at}"),
        (false, None) => "it waits for its release".to_owned(),
    };
    let detail = if lapses_at > now {
        format!("the hold lapses in {}; {next}", in_words(lapses_at.since(now)))
    } else {
        format!("the hold should have lapsed {} ago; {next}", in_words(now.since(lapses_at)))
    };
    NewEvent { kind: EventKind::HoldAtRisk, cause: Cause::Schedule, before: order.state, after: order.state, detail }
}
