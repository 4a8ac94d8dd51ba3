//! The steward: looks for room when the disk was full, keeps the ballast that is let go when it fills up, and forgets
//! the bank's whole answers, and the keys of requests, once they have been kept long enough.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{HEART_LIMIT, Shared, told_to_stop};
use crate::config::Config;
use crate::store::{FORGET_BATCH, StoreError};

/// How often answers and keys are forgotten: they were kept for a day at least, and an hour more or less is nothing
/// beside it.
const FORGETTING_EVERY: Duration = Duration::from_secs(3_600);

/// Works until told to stop.
pub(super) async fn run(shared: Shared, config: watch::Receiver<Arc<Config>>, mut stop: watch::Receiver<bool>) {
    let heart = shared.progress.heart("steward".to_owned(), HEART_LIMIT);
    let mut forgetting_at = Instant::now();
    loop {
        heart.beat();
        if shared.store.disk_is_full() {
            let store = shared.store.clone();
            // Most often there is no room yet, which is no news: the store has said so, and the gauge goes on saying
            // it.
            let _ = shared.setting.errands.run(move || store.look_for_room()).await;
        }
        if Instant::now() >= forgetting_at && !shared.store.disk_is_full() {
            let after = config.borrow().retention.answers;
            match forget(&shared, after).await {
                // After the looks that waited for the writer.
                Ok(Forgotten::MayBeMore) => {}
                Ok(Forgotten::All) => forgetting_at = Instant::now() + FORGETTING_EVERY,
                Err(error) => {
                    tracing::error!(%error, "Cannot remove the bank's old answers and the old keys of requests; in an hour again");
                    shared.metrics.store_error("steward");
                    forgetting_at = Instant::now() + FORGETTING_EVERY;
                }
            }
        }
        // The shop waits for this when there is room again, and asking the disk costs next to nothing.
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(shared.setting.rhythm.looks) => {}
        }
    }
}

/// Whether all is forgotten that was kept long enough.
enum Forgotten {
    All,
    MayBeMore,
}

async fn forget(shared: &Shared, after: Duration) -> Result<Forgotten, StoreError> {
    let now = shared.clock().now();
    let keys = shared.store.forget_claims(now).await?;
    let forgotten = shared.store.forget_answers(after, now).await?;
    if forgotten > 0 {
        tracing::info!(answers = forgotten, "Removed {forgotten} of the bank's old answers");
    }
    Ok(if keys.max(forgotten) < FORGET_BATCH { Forgotten::All } else { Forgotten::MayBeMore })
}
