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
use super::{AFTER_STORE_ERROR, HEART_LIMIT, log, told_to_stop};

/// Warnings written in one round at most; the next round comes soon.
const ROUND_MAX: usize = 100;

/// Works until told to stop.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let at_least_every = desk.shared.setting.rhythm.watch;
    let heart = desk.shared.progress.heart(format!("watchman of {}", desk.merchant), at_least_every + HEART_LIMIT);
    let mut bell = desk.shared.store.bell();
    loop {
        heart.beat();
        let wait = watch_once(&desk).await.unwrap_or_else(|error| {
            tracing::error!(%error, merchant = %desk.merchant, "Cannot warn of holds near their lapse");
            desk.shared.metrics.store_error("watchman");
            AFTER_STORE_ERROR
        });
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            Ok(()) = bell.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Warns of what is near, and says how long nothing else is.
async fn watch_once(desk: &Desk) -> Result<Duration, StoreError> {
    warn_of_lapses(desk).await?;
    let at_least_every = desk.shared.setting.rhythm.watch;
    let next = desk.shared.store.next_unwarned_lapse(&desk.merchant).await?;
    let near_at = next.map(|lapse| lapse.minus(desk.policy.holds.warn_before));
    Ok(near_at.map_or(at_least_every, |at| at.since(desk.shared.clock().now()).min(at_least_every)))
}

async fn warn_of_lapses(desk: &Desk) -> Result<(), StoreError> {
    let now = desk.shared.clock().now();
    let until = now.plus(desk.policy.holds.warn_before);
    for near in desk.shared.store.unwarned_lapses(&desk.merchant, until, ROUND_MAX).await? {
        let event = warning(&near.order, desk, now);
        desk.shared.store.record_lapse_warning(near.order.key, event.clone(), now).await?;
        log::event(&near.order, &event);
    }
    Ok(())
}

fn warning(order: &Order, desk: &Desk, now: crate::domain::time::Timestamp) -> NewEvent {
    let lapses_at = order.hold.map_or(now, |hold| hold.lapses_at);
    let next = match (order.parked, order.complete_at) {
        (true, _) => "it is parked".to_owned(),
        (false, Some(at)) => format!("its completion is due at {}", desk.policy.zone.for_people(at)),
        (false, None) => "it waits for its release".to_owned(),
    };
    let detail = if lapses_at > now {
        format!("the hold lapses in {}; {next}", in_words(lapses_at.since(now)))
    } else {
        format!("the hold should have lapsed {} ago; {next}", in_words(now.since(lapses_at)))
    };
    NewEvent { kind: EventKind::HoldAtRisk, cause: Cause::Schedule, before: order.state, after: order.state, detail }
}
