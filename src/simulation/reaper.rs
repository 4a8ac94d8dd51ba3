//! Death at a point of peril: the process comes to a named point between two steps of a money operation, and goes no
//! further.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::daemon::peril::{Peril, Watcher};

/// Decides at each point whether the process dies there. One for each life.
#[derive(Debug)]
pub(super) struct Reaper {
    /// A std mutex: held to draw a number.
    fate: Mutex<Fate>,
    percent: u8,
    deaths: mpsc::UnboundedSender<Peril>,
}

#[derive(Debug)]
struct Fate {
    chance: fastrand::Rng,
    /// A dead process passes no point any more.
    is_dead: bool,
}

impl Reaper {
    /// A reaper that takes `percent` of those who pass, and tells `deaths` where.
    pub(super) fn new(seed: u64, percent: u8, deaths: mpsc::UnboundedSender<Peril>) -> Self {
        let chance = fastrand::Rng::with_seed(seed);
        Self { fate: Mutex::new(Fate { chance, is_dead: false }), percent, deaths }
    }
}

impl Watcher for Reaper {
    fn ends_at(&self, peril: Peril) -> bool {
        let mut fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        if !fate.is_dead && fate.chance.u8(..100) < self.percent {
            fate.is_dead = true;
            // Whoever would bury it is gone only when the simulation is over.
            let _ = self.deaths.send(peril);
        }
        fate.is_dead
    }
}
