//! The steward: looks for room when the disk was full, and keeps the ballast that is let go when it fills up.

use std::time::Duration;

use tokio::sync::watch;

use super::{HEART_LIMIT, Shared, told_to_stop};

/// The shop waits for this when there is room again, and asking the disk costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Works until told to stop.
pub(super) async fn run(shared: Shared, mut stop: watch::Receiver<bool>) {
    let heart = shared.progress.heart("steward".to_owned(), HEART_LIMIT);
    loop {
        heart.beat();
        if shared.store.disk_is_full() {
            let store = shared.store.clone();
            // Most often there is no room yet, which is no news: the store has said so, and the gauge goes on saying it.
            let _ = tokio::task::spawn_blocking(move || store.look_for_room()).await;
        }
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
