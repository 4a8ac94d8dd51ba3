//! Tells the log when money is stopped and when it is let go again, whoever did it and from which process.
//!
//! It holds nothing back: every send reads the stops itself.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::guard::{self, Lifting, Stop, StopKey};
use crate::domain::time::in_words;
use crate::store::{Listener, StoreError};

use super::{AFTER_STORE_ERROR, HEART_LIMIT, Shared, told_to_stop};

/// What has been told.
#[derive(Default)]
struct Told {
    /// The stops in force when they were read last.
    in_force: Vec<Stop>,
    /// The latest row then; `None` before the first reading.
    latest: Option<StopKey>,
}

/// Works until told to stop.
pub(super) async fn run(shared: Shared, mut stop: watch::Receiver<bool>) {
    let heart = shared.progress.heart("watch over stops".to_owned(), HEART_LIMIT);
    let mut bell = shared.store.bell();
    let mut told = Told::default();
    loop {
        heart.beat();
        let wait = match tell_news(&shared, &mut told).await {
            Ok(()) => shared.setting.rhythm.vigil,
            Err(error) => {
                tracing::error!(%error, "Cannot read which money is stopped; nothing is sent while that is so");
                shared.metrics.store_error("stops");
                AFTER_STORE_ERROR
            }
        };
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = rung(&mut bell) => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The bell, no more often than a few times a second: under load it rings with every order.
async fn rung(bell: &mut Listener) {
    const AT_MOST_EVERY: Duration = Duration::from_millis(250);
    tokio::time::sleep(AT_MOST_EVERY).await;
    bell.changed().await;
}

/// Tells what has happened since the last reading: one that was stopped and let go in between is told as well.
async fn tell_news(shared: &Shared, told: &mut Told) -> Result<(), StoreError> {
    let (found, latest) = shared.store.money_stops_since(told.latest).await?;
    let mut lifted = Vec::new();
    for before in told.in_force.iter().filter(|before| !found.iter().any(|stop| stop.key == before.key)) {
        lifted.extend(shared.store.money_stop(before.key).await?);
    }
    for stop in lifted {
        tell_lifted(&stop);
    }
    for stop in found.iter().filter(|stop| !told.in_force.iter().any(|before| before.key == stop.key)) {
        tell_stopped(stop);
        tell_lifted(stop);
    }
    let in_force = found.into_iter().filter(|stop| stop.lifted.is_none()).collect();
    *told = Told { in_force, latest: Some(latest) };
    Ok(())
}

fn tell_stopped(stop: &Stop) {
    let (scope, who, reason) = (&stop.scope, guard::who(&stop.by), &stop.reason);
    tracing::warn!(scope = scope.as_str(), by = %stop.by, since = %stop.since, "Stopped: {scope}, by {who}: {reason}. Nothing of it is sent until `reconciled money start{}`", scope.as_arguments());
}

fn tell_lifted(stop: &Stop) {
    // A stop that gave way to the brake ends nothing: the brake's own is told.
    let Some(Lifting { at, by, reason }) = stop.lifted.as_ref().filter(|lifted| lifted.by != guard::BRAKE) else {
        return;
    };
    let (scope, who, stood) = (&stop.scope, guard::who(by), in_words(at.since(stop.since)));
    tracing::warn!(scope = scope.as_str(), %by, "Started again: {scope}, by {who} after {stood}: {reason}");
}
