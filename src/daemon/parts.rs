//! What a daemon is put together from: on a host from the real things, in a simulation from others of the same kind.

use std::time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::Shop;
use crate::gateway::Wire;
use crate::store::{Lock, LockError, Store};

use super::StartError;
use super::peril::Perils;
use super::place::place;
use super::schedule::MinuteBell;

/// Everything that differs between a host and a simulation.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(super) lock: Lock,
    pub(super) store: Store,
    pub(super) bell: MinuteBell,
    pub(super) setting: Setting,
}

/// What its workers are told of the world they work in.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) clock: Clock,
    pub(crate) wire: Wire,
    pub(crate) perils: Perils,
    pub(crate) rhythm: Rhythm,
    pub(crate) errands: Errands,
    /// Who hears what every endpoint is told, where there is no network.
    pub(crate) shop: Option<Shop>,
}

/// How often loops look by themselves. A bell may be lost, and another process's changes do not ring here: a lost bell
/// must cost seconds, not an order. Where no bell is ever lost, they need not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// Poller and completer.
    pub(crate) looks: Duration,
    /// The watchman.
    pub(crate) watch: Duration,
    /// The reporter, should the cron bell fall silent.
    pub(crate) reports: Duration,
    /// The watches over the clock and over stops, and the notifiers: two jumps that cancel out within this time go
    /// unseen, and a stop, or a wish of an endpoint, that another process wrote is told in the log, or seen to, within
    /// it.
    pub(crate) vigil: Duration,
}

/// Where work is done that would hold up the other tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errands {
    /// On a thread beside them.
    OnThreads,
    /// Right here: a thread knows nothing of virtual time.
    Here,
}

impl Rhythm {
    const ON_A_HOST: Self = Self {
        looks: Duration::from_secs(2),
        watch: Duration::from_secs(30),
        reports: Duration::from_secs(90),
        vigil: Duration::from_secs(1),
    };
}

impl Errands {
    pub(super) async fn run<T: Send + 'static>(
        self,
        errand: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        match self {
            Self::OnThreads => tokio::task::spawn_blocking(errand).await,
            Self::Here => Ok(errand()),
        }
    }
}

impl Parts {
    /// Those of a host: its clock, its network, threads, and the cron bell. The lock is taken before the database is
    /// opened (R0).
    pub(super) async fn of_host(config: &Config) -> Result<Self, StartError> {
        let clock = Clock::host();
        let lock = Self::lock(config, &clock)?;
        let store = Store::open_under(&lock, place(config), clock.now())?;
        let bell = MinuteBell::start().await.map_err(StartError::Schedule)?;
        let (wire, perils, rhythm) = (Wire::Network, Perils::default(), Rhythm::ON_A_HOST);
        let setting = Setting { clock, wire, perils, rhythm, errands: Errands::OnThreads, shop: None };
        Ok(Self { lock, store, bell, setting })
    }

    /// Those of a simulation. Must be called within a runtime whose time is paused.
    pub(crate) fn simulated(config: &Config, ring_every: Duration, setting: Setting) -> Result<Self, StartError> {
        let lock = Self::lock(config, &setting.clock)?;
        let store = Store::open_simulated(&lock, place(config), setting.clock.now())?;
        Ok(Self { lock, store, bell: MinuteBell::simulated(ring_every), setting })
    }

    fn lock(config: &Config, clock: &Clock) -> Result<Lock, LockError> {
        Lock::take(&config.database, &format!("pid {}, since {}", std::process::id(), clock.now()))
    }
}
