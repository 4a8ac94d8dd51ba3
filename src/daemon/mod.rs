//! The daemon: the only place where store, gateway, reports and HTTP are wired together.
//!
//! Per merchant there are seven workers: the `poller` looks at orders, the `registrar` registers what shops hand in,
//! the `completer` takes held amounts, or lets them go at their deadline, the `watchman` warns of holds near their
//! lapse and of clocks that went astray, the doorkeeper (`login`) sends nothing with a login that the bank refuses, the
//! `purser` counts the daily quota of requests, and the forecaster (`weather`) tells when the bank tells nothing. Where
//! it is wanted, the `discoverer` and the `surveyor` ask the bank for orders that the queue does not have, and each
//! endpoint of the shop's has a `notifier`, which tells it what the journal says. For all merchants there are the
//! `reporter`, the `spooler` of files of orders, the `steward` of a full disk, the `checker` of the rows' seals, the
//! HTTP face, and `stops`, which tells the log of the kill switch. Each worker reads what is due from the database,
//! does it, writes down what came of it, and sleeps until the next thing is due, a bell rings or a bounded while has
//! passed. None of them holds anything that a crash could lose.
//!
//! Starting takes the lock before it opens the database, and stopping finishes what is in hand within a bounded time.

mod callbacks;
mod completer;
mod checker;
mod discoverer;
pub mod draw;
mod held;
mod log;
pub(crate) mod looks;
mod login;
mod merchant;
mod notifier;
mod parts;
pub(crate) mod peril;
mod place;
mod poller;
mod purser;
mod registrar;
mod reporter;
mod schedule;
mod silence;
mod spooler;
mod steward;
mod stops;
mod surveyor;
pub mod tally;
mod unserved;
mod watchman;
mod weather;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::{self, Api};
use crate::clock::Clock;
use crate::config::{Change, Config, MerchantConfig, changes};
use crate::delivery::MessengerError;
pub(crate) use crate::delivery::{Message, Shop};
use crate::domain::delivery::EndpointName;
use crate::domain::order::MerchantId;
pub(crate) use crate::gateway::{Block, Connecting, Connector, Pacer, Permit, Purpose, Sky, Wire};
use crate::gateway::{Gateway, TransportError};
use crate::metrics::Metrics;
use crate::progress::{Phase, Progress};
use crate::store::{Figures, Lock, LockError, OpenError, Store, StoreError};
use crate::timekeeper::Timekeeper;

use merchant::{MerchantWorkers, SharedBudgets};
pub use place::place;
use schedule::{MinuteBell, ScheduleError};

pub(crate) use parts::{Errands, Parts, Rhythm, Setting};
pub(crate) use purser::{ON_ITS_WAY, SPENT_WITHIN};

/// Why the daemon did not start. Nothing was sent, and nothing was changed that was not ours.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another daemon works on the database.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error(transparent)]
    Store(StoreError),
    /// Somebody listens there already, or we may not.
    #[error("cannot listen on {address}: {cause}; mend `listen` in the configuration")]
    Listen {
        /// The address of the configuration.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// The database does not take what a start writes.
    #[error("cannot note in the database that nothing in doubt is still being sent: {0}")]
    Doubt(StoreError),
    /// A merchant's connection cannot be set up.
    #[error("merchant {merchant}: {cause}")]
    Gateway {
        /// Which.
        merchant: MerchantId,
        /// Why.
        cause: TransportError,
    },
    /// An endpoint of the shop's cannot be told anything.
    #[error("merchant {merchant}, webhook {endpoint}: {cause}")]
    Webhook {
        /// Whose.
        merchant: MerchantId,
        /// Which.
        endpoint: EndpointName,
        /// Why.
        cause: MessengerError,
    },
    /// The minute bell cannot be set up.
    #[error("cannot set up the cron schedule: {0}")]
    Schedule(ScheduleError),
    /// Two metrics have one name, or the like.
    #[error("cannot set up the metrics: {0}")]
    Metrics(prometheus::Error),
}

/// What became of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything in hand was finished.
    Finished,
    /// The grace ran out; what was in hand is found again at the next start.
    GraceOver,
}

/// A daemon at work.
#[derive(Debug)]
pub struct Daemon {
    config: watch::Sender<Arc<Config>>,
    shared: Shared,
    address: SocketAddr,
    merchants: Vec<MerchantWorkers>,
    /// Workers that serve every merchant.
    common: JoinSet<&'static str>,
    stop: watch::Sender<bool>,
    bell: MinuteBell,
    /// Let go last: one mouth at a time.
    _lock: Lock,
}

/// What every worker is handed.
#[derive(Clone, Debug)]
struct Shared {
    store: Store,
    metrics: Metrics,
    progress: Progress,
    timekeeper: Timekeeper,
    setting: Setting,
    budgets: SharedBudgets,
}

impl Shared {
    const fn clock(&self) -> &Clock {
        &self.setting.clock
    }
}

impl Daemon {
    /// Takes the lock, opens the database, listens, and sets every worker to work.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let parts = Parts::of_host(&config).await?;
        let listener = listen(config.listen).await?;
        Self::assemble(config, parts, Some(listener)).await
    }

    /// Sets every worker to work on `parts`; without a listener there is no HTTP face.
    pub(crate) async fn assemble(
        config: Config,
        parts: Parts,
        listener: Option<TcpListener>,
    ) -> Result<Self, StartError> {
        let Parts { lock, store, bell, setting } = parts;
        store.note_senders_gone(setting.clock.now()).await.map_err(StartError::Doubt)?;
        let names: Vec<MerchantId> = config.merchants.iter().map(|merchant| merchant.id.clone()).collect();
        let metrics = Metrics::new(&names, setting.clock.now()).map_err(StartError::Metrics)?;
        let journal_until = store.journal_until().await.map_err(StartError::Store)?;
        let timekeeper = Timekeeper::begin(setting.clock.clone(), config.clock_tolerance, journal_until);
        let shared = Shared {
            store,
            metrics,
            progress: Progress::default(),
            timekeeper,
            setting,
            budgets: SharedBudgets::default(),
        };
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok()).unwrap_or(config.listen);
        unserved::tell(&shared, &config).await;
        let merchants = start_merchants(&config, &shared, &bell).await?;
        let config = watch::Sender::new(Arc::new(config));
        let stop = watch::Sender::new(false);
        let common = start_common(&config, &shared, &bell, &stop, listener);
        shared.progress.enter(Phase::Ready);
        Ok(Self { config, shared, address, merchants, common, stop, bell, _lock: lock })
    }

    /// Where the HTTP face listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database.
    pub const fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The metrics.
    pub const fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Whether the work goes on.
    pub const fn progress(&self) -> &Progress {
        &self.shared.progress
    }

    /// Each merchant's queue in figures. A merchant whose figures cannot be read is left out: this is for a status
    /// line.
    pub async fn figures(&self) -> Vec<Figures> {
        let config = Arc::clone(&self.config.borrow());
        let now = self.shared.clock().now();
        let mut all = Vec::new();
        for merchant in &config.merchants {
            all.extend(self.shared.store.figures(&merchant.id, now, &merchant.holds.warn_at).await.ok());
        }
        all
    }

    /// Applies a newly read configuration: merchants whose settings changed finish what is in hand and go on with the
    /// new ones. What needs a restart is named and left as it was. On an error nothing is changed.
    pub async fn reload(&mut self, mut new: Config) -> Result<Vec<Change>, StartError> {
        let old = Arc::clone(&self.config.borrow());
        let changes = changes(&old, &new);
        (new.database, new.listen, new.integrity) = (old.database.clone(), old.listen, old.integrity.clone());
        let changed = new.merchants.iter().filter(|merchant| !unchanged(&old, &new, &merchant.id));
        let fresh = set_up(changed, &self.shared).await?;
        let leaving = |workers: &mut MerchantWorkers| !unchanged(&old, &new, workers.merchant());
        merchant::stop_all(self.merchants.extract_if(.., leaving).collect(), old.shutdown_grace).await;
        for gone in old.merchants.iter().filter(|merchant| new.merchant(&merchant.id).is_none()) {
            self.shared.metrics.forget(&gone.id);
            self.shared.timekeeper.forget(&gone.id);
        }
        for (merchant, way) in fresh {
            self.shared.metrics.start_at_zero(&merchant.id);
            self.merchants.push(MerchantWorkers::start(merchant, way, &self.shared, &self.bell));
        }
        unserved::tell(&self.shared, &new).await;
        self.config.send_replace(Arc::new(new));
        Ok(changes)
    }

    /// Returns once the daemon can no longer do its work: the database takes no more changes, or a worker ended
    /// although nobody stopped it. The process then has to end; the next one finds everything where it was.
    pub async fn failed(&mut self) -> String {
        let ended = async {
            loop {
                if let Some(worker) = self.common.join_next().await {
                    return worker.map_or_else(|error| error.to_string(), str::to_owned);
                }
                std::future::pending::<()>().await;
            }
        };
        let merchants = merchant::any_ended(&mut self.merchants);
        tokio::select! {
            biased;
            () = self.shared.store.failed() => "the database takes no more changes".to_owned(),
            worker = ended => format!("the {worker} stopped unexpectedly"),
            worker = merchants => format!("the {worker} stopped unexpectedly"),
        }
    }

    /// Stops what is new, finishes what is in hand, and says which of the two endings it was.
    pub async fn stop(mut self) -> Stopped {
        let grace = self.config.borrow().shutdown_grace;
        self.shared.progress.enter(Phase::Stopping);
        self.stop.send_replace(true);
        let finish = async {
            let merchants = std::mem::take(&mut self.merchants);
            merchant::stop_all(merchants, grace).await;
            while self.common.join_next().await.is_some() {}
        };
        let finished = tokio::time::timeout(grace, finish).await;
        self.bell.stop().await;
        match finished {
            Ok(()) => Stopped::Finished,
            Err(_) => Stopped::GraceOver,
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|cause| StartError::Listen { address, cause })
}

async fn start_merchants(
    config: &Config,
    shared: &Shared,
    bell: &MinuteBell,
) -> Result<Vec<MerchantWorkers>, StartError> {
    // Every gateway is set up before the first worker starts: a start that fails has sent nothing.
    let ready = set_up(config.merchants.iter(), shared).await?;
    let start = |(merchant, way)| MerchantWorkers::start(merchant, way, shared, bell);
    Ok(ready.into_iter().map(start).collect())
}

/// A merchant's settings with its way to the bank.
type ReadyMerchant<'a> = (&'a MerchantConfig, Way);

/// A merchant's way to its bank, the login it goes with, and the ways to its shop.
type Way = (Gateway, login::Login, Vec<notifier::Endpoint>);

async fn set_up<'a>(
    merchants: impl Iterator<Item = &'a MerchantConfig>,
    shared: &Shared,
) -> Result<Vec<ReadyMerchant<'a>>, StartError> {
    let mut ready = Vec::new();
    for merchant in merchants {
        let gateway = merchant::gateway(merchant, shared)?;
        let login = login::examine(merchant, &gateway, shared).await.map_err(StartError::Store)?;
        ready.push((merchant, (gateway, login, merchant::endpoints(merchant, shared).await?)));
    }
    Ok(ready)
}

fn unchanged(old: &Config, new: &Config, merchant: &MerchantId) -> bool {
    match (old.merchant(merchant), new.merchant(merchant)) {
        (Some(old), Some(new)) => old.same_as(new),
        _ => false,
    }
}

fn start_common(
    config: &watch::Sender<Arc<Config>>,
    shared: &Shared,
    bell: &MinuteBell,
    stop: &watch::Sender<bool>,
    listener: Option<TcpListener>,
) -> JoinSet<&'static str> {
    let mut common = JoinSet::new();
    let api = Api {
        store: shared.store.clone(),
        config: config.subscribe(),
        metrics: shared.metrics.clone(),
        progress: shared.progress.clone(),
        clock: shared.clock().clone(),
    };
    if let Some(listener) = listener {
        let stopped = stop.subscribe();
        common.spawn(async move {
            api::serve(listener, api, stopped).await;
            "HTTP server"
        });
    }
    let (at_watch, stopped) = (shared.clone(), stop.subscribe());
    common.spawn(async move {
        watch_clock(&at_watch, stopped).await;
        "watch over the clock"
    });
    let (at_check, stopped) = (shared.clone(), stop.subscribe());
    common.spawn(async move {
        checker::run(at_check, stopped).await;
        "checker of rows"
    });
    let reporter = reporter::Reporter { shared: shared.clone(), config: config.subscribe() };
    let (ticks, stopped) = (bell.subscribe(), stop.subscribe());
    common.spawn(async move {
        reporter.run(ticks, stopped).await;
        "reporter"
    });
    let (at_stops, stopped) = (shared.clone(), stop.subscribe());
    common.spawn(async move {
        stops::run(at_stops, stopped).await;
        "watch over stops"
    });
    let (for_spooler, its_config, stopped) = (shared.clone(), config.subscribe(), stop.subscribe());
    common.spawn(async move {
        spooler::run(for_spooler, its_config, stopped).await;
        "spooler"
    });
    let (for_steward, its_config, stopped) = (shared.clone(), config.subscribe(), stop.subscribe());
    common.spawn(async move {
        steward::run(for_steward, its_config, stopped).await;
        "steward"
    });
    common
}

async fn watch_clock(shared: &Shared, mut stop: watch::Receiver<bool>) {
    // What an earlier process noted may be so still.
    let mut noted = None;
    loop {
        shared.timekeeper.compare();
        let doubt = shared.timekeeper.doubt();
        shared.metrics.set_clock_in_doubt(doubt.is_some());
        let words = doubt.map(|doubt| doubt.to_string());
        if noted.as_ref() != Some(&words) && (words.is_some() || shared.timekeeper.is_vouched()) {
            match shared.store.note_clock_doubt(words.clone()).await {
                Ok(()) => noted = Some(words),
                Err(error) => tracing::error!(%error, "Cannot note whether the clock may be believed"),
            }
        }
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(shared.setting.rhythm.vigil) => {}
        }
    }
}

/// Returns when the daemon is told to stop, or whoever could tell it is gone.
async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// How long a worker waits after the database refused it something, so that it neither spins nor gives up.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(1);

/// A loop that has not come round for this long is stalled: it waits for nothing longer than a few seconds, except for
/// the database, whose own timeout is below this.
const HEART_LIMIT: Duration = Duration::from_secs(30);
