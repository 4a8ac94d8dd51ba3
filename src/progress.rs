//! Whether the daemon's work goes on: a heart for each worker, and the phase of its life.
//!
//! A heart beats when its worker has gone once through its loop, not when the process answers. A worker whose heart has
//! not beaten for longer than its limit is stalled: `/healthz` says so, and systemd's watchdog is no longer fed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Where the daemon is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not yet ready.
    Starting,
    /// At work.
    Ready,
    /// Finishing what is in hand.
    Stopping,
}

/// Everybody's hearts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Progress {
    /// A std mutex: held to look at a map of some dozens of hearts, never across an await.
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    phase: Phase,
    hearts: BTreeMap<String, Beat>,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    at: Instant,
    limit: Duration,
}

/// A worker that has not come round for longer than its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stalled {
    /// Which.
    pub worker: String,
    /// For how long.
    pub silent_for: Duration,
}

/// One worker's heart; taken out of the list when it is dropped, since a worker that ended is not stalled.
#[derive(Debug)]
pub struct Heart {
    worker: String,
    progress: Progress,
}

impl Default for Progress {
    fn default() -> Self {
        Self { shared: Arc::new(Mutex::new(Shared { phase: Phase::Starting, hearts: BTreeMap::new() })) }
    }
}

impl Progress {
    /// A heart for `worker`, which promises to beat at least every `limit`.
    pub fn heart(&self, worker: String, limit: Duration) -> Heart {
        self.lock().hearts.insert(worker.clone(), Beat { at: Instant::now(), limit });
        Heart { worker, progress: self.clone() }
    }

    /// The workers that are stalled just now.
    pub fn stalled(&self) -> Vec<Stalled> {
        let silent = |(worker, beat): (&String, &Beat)| {
            let silent_for = beat.at.elapsed();
            (silent_for > beat.limit).then(|| Stalled { worker: worker.clone(), silent_for })
        };
        self.lock().hearts.iter().filter_map(silent).collect()
    }

    /// Where the daemon is in its life.
    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Says where the daemon is in its life.
    pub fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heart {
    /// The worker has come round.
    pub fn beat(&self) {
        if let Some(beat) = self.progress.lock().hearts.get_mut(&self.worker) {
            beat.at = Instant::now();
        }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.progress.lock().hearts.remove(&self.worker);
    }
}
