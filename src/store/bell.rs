//! The bell: rings after every change that may have made something due.
//!
//! Whoever waited first is woken first. `tokio::sync::watch` wakes in an order that it draws from the host's entropy, and
//! a simulation of one seed would have several logs.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Who rings. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<Rope>);

#[derive(Debug, Default)]
struct Rope {
    rung: AtomicU64,
    waiting: Notify,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.0.rung.fetch_add(1, Ordering::SeqCst);
        self.0.waiting.notify_waiters();
    }

    /// Hears what is rung from now on.
    pub(super) fn listen(&self) -> Listener {
        Listener { rope: Arc::clone(&self.0), heard: self.0.rung.load(Ordering::SeqCst) }
    }
}

/// Who hears it.
#[derive(Clone, Debug)]
pub struct Listener {
    rope: Arc<Rope>,
    heard: u64,
}

impl Listener {
    /// Returns once it was rung since the last time this returned; at once when it was already.
    pub async fn changed(&mut self) {
        let mut ringing = pin!(self.rope.waiting.notified());
        // In line before the count is read, so that no ring falls between the two.
        ringing.as_mut().enable();
        if self.rope.rung.load(Ordering::SeqCst) == self.heard {
            ringing.await;
        }
        self.heard = self.rope.rung.load(Ordering::SeqCst);
    }
}
