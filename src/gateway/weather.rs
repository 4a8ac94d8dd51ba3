//! The sky over one login: what class of answers comes, and the breaker that they turn.
//!
//! Every answer of the gateway passes by here before anybody decides anything about it, so that one which is heard
//! while the breaker opens is known for what it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::domain::time::Timestamp;
use crate::domain::weather::{Breaker, Leave, Prober, Turn, Weather};

/// A time in which the bank tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Since when.
    pub since: Timestamp,
    /// When the first came of the answers that it was told by.
    pub failing_since: Instant,
    /// What the matter was when it began.
    pub class: Weather,
    /// In the words of the answer that settled it.
    pub words: String,
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sky(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    begun: Instant,
    /// A std mutex: held to turn it, never across an await.
    present: Mutex<Present>,
    /// Both wake in the order of waiting, so that a simulated day is the same each time.
    turned: Arc<Notify>,
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Present {
    breaker: Breaker,
    latest: Option<Weather>,
    incident: Option<Incident>,
}

/// Leave to ask. Where it is leave to probe, nobody else has it until this is dropped or an answer was heard.
#[derive(Debug)]
#[must_use]
pub struct Leaving(Option<Sky>);

impl Leaving {
    /// Whether it is the probe.
    pub const fn is_probe(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(sky) = &self.0 {
            sky.present().breaker.probe_over();
            sky.0.freed.notify_waiters();
        }
    }
}

impl Sky {
    /// A clear one.
    pub fn clear() -> Self {
        Self(Arc::new(Shared {
            begun: Instant::now(),
            present: Mutex::default(),
            turned: Arc::default(),
            freed: Arc::default(),
        }))
    }

    /// Leave for `by` to ask now; or how long there is none, unless it clears up before.
    pub fn leave(&self, by: Prober) -> Result<Leaving, Duration> {
        match self.present().breaker.leave(by, self.0.begun.elapsed()) {
            Leave::Free => Ok(Leaving(None)),
            Leave::Probe => Ok(Leaving(Some(self.clone()))),
            Leave::Wait(wait) => Err(wait),
        }
    }

    /// How long there is no leave for `by`, as far as known.
    pub fn wait(&self, by: Prober) -> Duration {
        self.present().breaker.wait(by, self.0.begun.elapsed())
    }

    /// Whether what was given leave before may still be asked: a probe may, and anything while the breaker is closed.
    pub fn still_lets(&self, leaving: &Leaving) -> bool {
        leaving.is_probe() || !self.is_open()
    }

    /// Whether nothing but probes is asked.
    pub fn is_open(&self) -> bool {
        self.present().breaker.is_open()
    }

    /// Whether not even a probe is out.
    pub fn is_still(&self) -> bool {
        let present = self.present();
        present.breaker.is_open() && !present.breaker.is_probing()
    }

    /// What is the matter, while it is.
    pub fn incident(&self) -> Option<Incident> {
        self.present().incident.clone()
    }

    /// The class of the latest answer.
    pub fn latest(&self) -> Option<Weather> {
        self.present().latest
    }

    /// Returns when it turns, from this call on.
    pub fn turned(&self) -> impl Future<Output = ()> + use<> {
        Arc::clone(&self.0.turned).notified_owned()
    }

    /// Returns when there may be leave where there was none, from this call on: a probe has ended, or it closed.
    pub fn freed(&self) -> impl Future<Output = ()> + use<> {
        Arc::clone(&self.0.freed).notified_owned()
    }

    /// Takes note of an answer, heard at `now`, to a question that was asked at `asked`; its class is none where the
    /// bank was not asked. `words` are what it said.
    pub fn heard(&self, class: Option<Weather>, words: impl FnOnce() -> String, asked: Instant, now: Timestamp) {
        let Some(class) = class else { return };
        let running = |at: Instant| at.saturating_duration_since(self.0.begun);
        let mut present = self.present();
        present.latest = Some(class);
        // Told while the lock is held: two that turn it one after the other are told in their order.
        match present.breaker.heard(class, running(asked), running(Instant::now())) {
            Turn::Nothing => {}
            Turn::Opened(first) => {
                let failing_since = self.0.begun + first;
                present.incident = Some(Incident { since: now, failing_since, class, words: words() });
                self.0.turned.notify_waiters();
            }
            Turn::Closed(_) => {
                present.incident = None;
                self.0.turned.notify_waiters();
                self.0.freed.notify_waiters();
            }
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.0.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
