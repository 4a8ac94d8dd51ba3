//! The steward: looks for room when the disk was full, and keeps the ballast that is let go when it fills up.

use tokio::sync::watch;

use super::{HEART_LIMIT, Shared, told_to_stop};

/// Works until told to stop.
pub(super) async fn run(shared: Shared, mut stop: watch::Receiver<bool>) {
    let heart = shared.progress.heart("steward".to_owned(), HEART_LIMIT);
    loop {
        heart.beat();
        if shared.store.disk_is_full() {
            let store = shared.store.clone();
            // Most often there is no room yet, which is no news: the store has said so, and the gauge goes on saying it.
            let _ = shared.setting.errands.run(move || store.look_for_room()).await;
        }
        // The shop waits for this when there is room again, and asking the disk costs next to nothing.
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(shared.setting.rhythm.looks) => {}
        }
    }
}
