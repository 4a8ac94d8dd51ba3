//! Tells the log when money is stopped and when it is let go again, whoever did it and from which process.
//!
//! It holds nothing back: every send reads the stops itself.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::guard::{self, Lifting, Stop};
use crate::domain::time::in_words;
use crate::store::StoreError;

use super::{AFTER_STORE_ERROR, HEART_LIMIT, Shared, told_to_stop};

/// Works until told to stop.
pub(super) async fn run(shared: Shared, mut stop: watch::Receiver<bool>) {
    let heart = shared.progress.heart("watch over stops".to_owned(), HEART_LIMIT);
    let mut bell = shared.store.bell();
    let mut known = Vec::new();
    loop {
        heart.beat();
        let wait = match tell_changes(&shared, &known).await {
            Ok(in_force) => {
                known = in_force;
                shared.setting.rhythm.vigil
            }
            Err(error) => {
                tracing::error!(%error, "Cannot read which money is stopped; nothing is sent while that is so");
                shared.metrics.store_error("stops");
                AFTER_STORE_ERROR
            }
        };
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            Ok(()) = rung(&mut bell) => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The bell, no more often than a few times a second: under load it rings with every order.
async fn rung(bell: &mut watch::Receiver<u64>) -> Result<(), watch::error::RecvError> {
    const AT_MOST_EVERY: Duration = Duration::from_millis(250);
    tokio::time::sleep(AT_MOST_EVERY).await;
    bell.changed().await
}

/// Tells what changed since `known` were in force; those that are now.
async fn tell_changes(shared: &Shared, known: &[Stop]) -> Result<Vec<Stop>, StoreError> {
    let in_force = shared.store.money_stops().await?;
    for stop in in_force.iter().filter(|stop| !known.contains(stop)) {
        let (scope, who, reason) = (&stop.scope, guard::who(&stop.by), &stop.reason);
        tracing::warn!(scope = scope.as_str(), by = %stop.by, since = %stop.since, "Stopped: {scope}, by {who}: {reason}. Nothing of it is sent until `reconciled money start`");
    }
    for gone in known.iter().filter(|stop| !in_force.contains(stop)) {
        let lifted = shared.store.money_stop(gone.key).await?.and_then(|stop| stop.lifted);
        tell_lifted(gone, lifted.as_ref());
    }
    Ok(in_force)
}

fn tell_lifted(stop: &Stop, lifted: Option<&Lifting>) {
    let scope = &stop.scope;
    let how = lifted.map_or_else(String::new, |lifted| {
        let stood = in_words(lifted.at.since(stop.since));
        format!(", by {} after {stood}: {}", guard::who(&lifted.by), lifted.reason)
    });
    tracing::warn!(scope = scope.as_str(), by = lifted.map(|lifted| &*lifted.by), "Started again: {scope}{how}");
}
