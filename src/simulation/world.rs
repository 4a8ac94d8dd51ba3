//! The world of one seed: the bank, the daemon's life, the agenda, and what is known of all of it.
//!
//! One task does one deed after the other, each at its moment; what the daemon does in between is its own. A crash
//! drops the daemon with all its tasks and its database connections, and leaves its files as they are.

use std::collections::HashSet;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::{Config, MerchantConfig};
use crate::daemon::peril::{Peril, Perils};
use crate::daemon::{self, Daemon, Errands, Parts, Rhythm, Setting, StartError, Wire};
use crate::domain::order::State;
use crate::domain::time::Timestamp;
use crate::sandbox::{Bank, InProcess, Settings};
use crate::store::{Lock, Store};

use super::backlog::{lost_to_faults, worked_off_within};
use super::cast::Deed;
use super::checker::{self, Terms, Violation};
use super::endpoint::{self, Endpoint};
use super::evidence::{self, Backlog, Evidence};
use super::log::Log;
use super::network::Network;
use super::plan::{ClockStep, Plan};
use super::reaper::Reaper;

/// 2026-03-01T00:00:00Z: the days that follow have a change of clocks in them.
pub(super) const START_MS: i64 = 1_772_323_200_000;

/// Bells are not lost here, so loops need not look by themselves more often than this.
const RHYTHM: Rhythm = Rhythm {
    looks: Duration::from_secs(6 * 3_600),
    watch: Duration::from_secs(6 * 3_600),
    reports: Duration::from_secs(24 * 3_600),
    vigil: Duration::from_secs(3_600),
};

/// The cron bell, which rings each minute on a host.
const RING_EVERY: Duration = Duration::from_secs(3_600);

/// A sweep takes a moment; the watchman begins a life with one.
const SWEEP: Duration = Duration::from_secs(60);

/// Tasks that were dropped need a turn each to go; nothing else happens within it.
const BURIAL: Duration = Duration::from_millis(1);

/// One seed's world.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) plan: Plan,
    pub(super) bank: Arc<InProcess>,
    pub(super) network: Arc<Network>,
    /// The shop's, where it has one.
    endpoint: Option<Endpoint>,
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) chance: fastrand::Rng,
    pub(super) log: Log,
    pub(super) evidence: Evidence,
    pub(super) violations: BTreeSet<Violation>,
    /// How the daemon's lives ended.
    pub(super) ends: BTreeMap<&'static str, u64>,
    /// The gateway's ids of the orders, in the plan's order.
    pub(super) order_ids: Vec<Option<String>>,
    pub(super) backup: Option<Backup>,
    /// How many old copies were put back.
    pub(super) restores: u32,
    daemon: Option<Daemon>,
    /// The dead daemon's way to its database, until its books have been read: cheaper than opening it once more.
    estate: Option<Store>,
    /// Counts the daemon's lives.
    lives: u64,
    agenda: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    begun: Instant,
    deaths: (mpsc::UnboundedSender<Peril>, mpsc::UnboundedReceiver<Peril>),
    /// When the books were read last.
    checked_ms: i64,
    /// By then the watchman has made due what a clock that was set had planned too far ahead.
    swept_at: Duration,
}

/// A copy of the database files.
#[derive(Debug)]
pub(super) struct Backup {
    pub(super) at_ms: i64,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// A deed and its moment, in milliseconds since the beginning; those of one moment in the order in which they were
/// written down.
#[derive(Debug)]
struct Entry {
    at_ms: u64,
    turn: u64,
    deed: Deed,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.turn == other.turn
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ms, self.turn).cmp(&(other.at_ms, other.turn))
    }
}

/// What comes next.
pub(super) enum Next {
    /// A deed's moment has come.
    Deed(Deed),
    /// The daemon died at a point of peril.
    Death(Peril),
    /// The daemon gave up.
    GaveUp(String),
    /// Nothing more.
    End,
}

impl World {
    /// A world in `directory`, which is empty. Must be called within a runtime whose time is paused.
    pub(super) fn new(seed: u64, plan: Plan, directory: &Path, log: Log) -> anyhow::Result<Self> {
        let path = directory.join("reconciled.toml");
        let toml = plan.policy.toml.clone() + plan.endpoint.as_ref().map_or("", |_| endpoint::TABLE);
        std::fs::write(&path, toml).context("cannot write the configuration")?;
        let config = Config::load_with(&path, &|_| None)?;
        let settings = Settings {
            seed,
            hold_lifetime: plan.hold_lifetime,
            part_after_part: plan.part_after_part,
            called_off_is_reversed: plan.called_off_is_reversed,
            faults: plan.faults.clone(),
            ..Settings::default()
        };
        Ok(Self {
            seed,
            bank: Arc::new(InProcess::open(&settings, START_MS)),
            network: Arc::default(),
            endpoint: plan.endpoint.clone().map(|endpoint| Endpoint::open(seed, endpoint)),
            config,
            clock: Clock::simulated(Timestamp::from_millis(START_MS)),
            // Another stream than the plan's.
            chance: fastrand::Rng::with_seed(!seed),
            log,
            evidence: Evidence::default(),
            violations: BTreeSet::new(),
            // A point at which nobody died shows as zero.
            ends: Peril::ALL.into_iter().map(|peril| (peril.as_str(), 0)).collect(),
            order_ids: vec![None; plan.orders.len()],
            backup: None,
            restores: 0,
            daemon: None,
            estate: None,
            lives: 0,
            agenda: BinaryHeap::new(),
            entries: 0,
            begun: Instant::now(),
            deaths: mpsc::unbounded_channel(),
            checked_ms: START_MS,
            swept_at: Duration::ZERO,
            plan,
        })
    }

    pub(super) fn bank(&self) -> &Bank {
        self.bank.bank()
    }

    pub(super) fn merchant(&self) -> &MerchantConfig {
        &self.config.merchants[0]
    }

    /// The bank's clock, which nobody sets.
    pub(super) fn now_ms(&self) -> i64 {
        self.bank().now_ms()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn is_calm(&self) -> bool {
        self.elapsed() >= self.plan.calm_from
    }

    /// Writes a line of the log.
    pub(super) fn note(&mut self, who: &str, words: &str) {
        let at_ms = self.now_ms() - START_MS;
        self.log.line(at_ms, who, words);
    }

    /// Puts a deed on the agenda.
    pub(super) fn at(&mut self, at: Duration, deed: Deed) {
        self.entries += 1;
        let at_ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        self.agenda.push(Reverse(Entry { at_ms, turn: self.entries, deed }));
    }

    /// The same, so long from now.
    pub(super) fn after(&mut self, wait: Duration, deed: Deed) {
        self.at(self.elapsed() + wait, deed);
    }

    /// Waits for what comes next.
    pub(super) async fn next(&mut self) -> Next {
        let ends_at = self.begun + self.plan.ends_at;
        let due = self.agenda.peek().map(|Reverse(entry)| self.begun + Duration::from_millis(entry.at_ms));
        let wake_at = due.map_or(ends_at, |due| due.min(ends_at));
        let gave_up = async {
            match &mut self.daemon {
                Some(daemon) => daemon.failed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(peril) = self.deaths.1.recv() => return Next::Death(peril),
            why = gave_up => return Next::GaveUp(why),
            () = tokio::time::sleep_until(wake_at) => {}
        }
        match self.agenda.pop() {
            Some(Reverse(entry)) if Duration::from_millis(entry.at_ms) <= self.plan.ends_at => Next::Deed(entry.deed),
            _ => Next::End,
        }
    }

    /// The daemon's store, while it lives.
    pub(super) fn store(&self) -> Option<&Store> {
        self.daemon.as_ref().map(Daemon::store)
    }

    pub(super) fn is_up(&self) -> bool {
        self.daemon.is_some()
    }

    /// Counts everything that interrupts the daemon.
    pub(super) const fn lives(&self) -> u64 {
        self.lives
    }

    /// Starts the daemon, as systemd would.
    pub(super) async fn start(&mut self) {
        if self.is_up() {
            return;
        }
        self.lives += 1;
        let percent = if self.is_calm() { 0 } else { self.plan.peril_percent };
        let reaper = Reaper::new(self.seed ^ (self.lives << 32), percent, self.deaths.0.clone());
        match self.assemble(Perils::watched(Arc::new(reaper))).await {
            Ok(daemon) => {
                self.daemon = Some(daemon);
                if self.elapsed() < self.swept_at {
                    self.swept_at = self.elapsed() + SWEEP;
                }
                self.note("daemon", "started");
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    async fn assemble(&self, perils: Perils) -> Result<Daemon, StartError> {
        let wire = Wire::InProcess(self.network.connector(&self.bank));
        let shop = self.endpoint.as_ref().map(Endpoint::shop);
        let setting = Setting { clock: self.clock.clone(), wire, perils, rhythm: RHYTHM, errands: Errands::Here, shop };
        let parts = Parts::simulated(&self.config, RING_EVERY, setting)?;
        Daemon::assemble(self.config.clone(), parts, None).await
    }

    /// Another daemon on the same database; whether it was let in.
    pub(super) async fn start_rival(&mut self) -> bool {
        let rival = self.assemble(Perils::default()).await;
        let is_let_in = rival.is_ok();
        self.evidence.rivals.push((self.now_ms(), is_let_in));
        is_let_in
    }

    pub(super) fn failed(&mut self, why: &str) {
        self.note("daemon", &format!("failed: {why}"));
        self.evidence.failures.push((self.now_ms(), why.to_owned()));
    }

    /// The daemon is gone from one moment to the next.
    pub(super) async fn crash(&mut self, how: &'static str) {
        let Some(dead) = self.daemon.take() else { return };
        self.estate = Some(dead.store().clone());
        drop(dead);
        tokio::time::sleep(BURIAL).await;
        // Whoever else came to a point of peril died with it.
        while self.deaths.1.try_recv().is_ok() {}
        *self.ends.entry(how).or_default() += 1;
        self.note("daemon", &format!("died: {how}"));
    }

    /// The daemon is asked to stop, and does so unless it dies over it.
    pub(super) async fn stop(&mut self) {
        let Some(daemon) = self.daemon.take() else { return };
        let stopped = tokio::select! {
            biased;
            Some(peril) = self.deaths.1.recv() => Err(peril),
            stopped = daemon.stop() => Ok(stopped),
        };
        tokio::time::sleep(BURIAL).await;
        while self.deaths.1.try_recv().is_ok() {}
        let how = stopped.map_or_else(Peril::as_str, |_| "stopped in order");
        *self.ends.entry(how).or_default() += 1;
        self.note("daemon", &format!("stopped: {how}"));
    }

    /// Sets the host's clock, or lets the host sleep. What was due by the old clock need not be by the new one.
    pub(super) fn step_clock(&mut self, step: ClockStep) {
        self.lives += 1;
        // A loop may sleep on as its old hour told it to, which on a host is for two seconds at most and here for hours;
        // it may wake just before a sweep is due, and then sleep as long again.
        self.swept_at = self.elapsed() + RHYTHM.watch * 2 + SWEEP;
        match step {
            ClockStep::Set(ms) => {
                self.clock.step(ms);
                self.note("host", &format!("its clock is set by {ms} ms"));
            }
            ClockStep::Suspend(ms) => {
                self.clock.step(ms);
                self.bank.pass(ms);
                self.note("host", &format!("slept for {ms} ms"));
            }
        }
    }

    /// Whether the host's clock is ever set: our own times are then no evidence.
    pub(super) fn clock_is_set(&self) -> bool {
        self.plan.clock_steps.iter().any(|(_, step)| matches!(step, ClockStep::Set(_)))
    }

    /// Reads everything that is new and asks the checker.
    pub(super) async fn check(&mut self) {
        let now_ms = self.now_ms();
        self.evidence.gather_ledger(self.bank.bank(), START_MS, &mut self.log);
        if let Some(endpoint) = &self.endpoint {
            self.evidence.gather_heard(endpoint.take_heard(), &mut self.log);
        }
        let store = match self.store().cloned().or_else(|| self.estate.take()) {
            Some(store) => Ok(store),
            None => Store::open_simulated_beside(&self.config.database),
        };
        let store = match store {
            Ok(store) => store,
            Err(error) => return self.failed(&error.to_string()),
        };
        // A clock that was set makes our own times worthless as evidence: all that is known is between which checks.
        let (is_set, before_ms) = (self.clock_is_set(), self.checked_ms);
        let merchant = self.merchant().id.clone();
        let true_ms = |ms: i64| if is_set { (before_ms, now_ms) } else { (ms, ms) };
        self.checked_ms = now_ms;
        let gathered = self.evidence.gather_books(&store, &merchant, START_MS, true_ms, &mut self.log).await;
        if let Err(error) = gathered {
            return self.failed(&error.to_string());
        }
        // Missing before the first daemon has begun it.
        let witness = std::fs::read_to_string(daemon::place(&self.config).witness).unwrap_or_default();
        self.evidence.witnessed = evidence::witnessed(&witness);
        let terms = Terms {
            merchant: self.merchant(),
            now_ms,
            wall: self.clock.now(),
            calm: self.elapsed().saturating_sub(self.plan.calm_from),
            clock_is_set: self.clock_is_set(),
            is_swept: self.elapsed() >= self.swept_at,
        };
        let found = checker::check(&self.evidence, &terms);
        for violation in found {
            if self.violations.insert(violation.clone()) {
                let Violation { query, order, row } = violation;
                self.log.line(now_ms - START_MS, "CHECKER", &format!("{query} {order}: {row}"));
            }
        }
    }

    /// Remembers what is overdue now that daemon and bank can both work, and when all of it must have been looked at.
    pub(super) async fn note_backlog(&mut self) {
        // Until a clock that was set is swept up after, a loop may sleep as its old hour told it to.
        let is_swept = self.elapsed() >= self.swept_at;
        let Some(store) = self.store().filter(|_| self.network.is_fair() && is_swept).cloned() else {
            return;
        };
        let (merchant, now) = (self.merchant(), self.clock.now());
        let looks = store.due_looks(&merchant.id, now, usize::MAX >> 1).await.unwrap_or_default();
        let completions =
            store.due_completions(&merchant.id, now, &HashSet::new(), usize::MAX >> 1).await.unwrap_or_default();
        if looks.is_empty() && completions.is_empty() {
            return;
        }
        // Found held, it may be due at once, and then goes before what else is overdue.
        let may_be_found = looks.iter().filter(|found| found.order.state == State::Pending).count();
        // What is to be registered goes before what is looked at, and may be found held as well.
        let registrations = store.list_registrations(&merchant.id, usize::MAX >> 1).await.unwrap_or_default().len();
        let wait = worked_off_within(merchant, looks.len(), completions.len() + may_be_found + registrations);
        let due = looks.into_iter().chain(completions);
        let numbers = due.map(|found| found.order.number.as_str().to_owned()).collect();
        let from_ms = self.now_ms();
        let until_ms = from_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        let backlog = Backlog { from_ms, until_ms, numbers };
        self.after(wait, Deed::JudgeBacklog { backlog, life: self.lives });
    }

    /// When `backlog` must have been worked off, by what the requests since have met.
    pub(super) fn must_be_worked_off_at(&mut self, backlog: &Backlog) -> i64 {
        self.evidence.gather_ledger(self.bank.bank(), START_MS, &mut self.log);
        let from = self.evidence.asked.partition_point(|asked| asked.at_ms < backlog.from_ms);
        let lost = lost_to_faults(self.merchant(), self.evidence.asked.iter().skip(from));
        backlog.until_ms.saturating_add(i64::try_from(lost.as_millis()).unwrap_or(i64::MAX))
    }

    /// Adopts the database, as the command line does while no daemon works with it; what became of it in words.
    pub(super) async fn adopt(&mut self) -> Result<String, String> {
        let words = |error: &dyn std::error::Error| error.to_string();
        let now = self.clock.now();
        let lock = Lock::take(&self.config.database, "adopt").map_err(|error| words(&error))?;
        let store = Store::open_simulated(&lock, daemon::place(&self.config), now).map_err(|error| words(&error))?;
        let adoption = store.adoption().await.map_err(|error| words(&error))?;
        if adoption.freeze.is_none() {
            return Ok("nothing was frozen".to_owned());
        }
        store.adopt("olga", "put back", now).await.map_err(|error| words(&error))?;
        Ok(format!("the database is adopted; {} sends were unknown to it", adoption.sends.len()))
    }

    /// Copies the database files. Nobody may have them open.
    pub(super) fn take_backup(&mut self) -> std::io::Result<()> {
        let mut files = Vec::new();
        for path in database_files(&self.config.database) {
            if path.exists() {
                files.push((path.clone(), std::fs::read(&path)?));
            }
        }
        self.backup = Some(Backup { at_ms: self.now_ms(), files });
        Ok(())
    }

    /// Puts `backup` in the place of the database files. Nobody may have them open.
    pub(super) fn restore(&mut self, backup: &Backup) -> std::io::Result<()> {
        for path in database_files(&self.config.database) {
            if path.exists() {
                std::fs::remove_file(&path)?;
            }
        }
        backup.files.iter().try_for_each(|(path, bytes)| std::fs::write(path, bytes))
    }
}

fn database_files(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}
