//! Many seeds on all cores: one thread each, and a runtime of its own for every seed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Extent;
use super::checker::Violation;
use super::cover::Cover;
use super::run::{self, Outcome};

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The first seed.
    pub first: u64,
    /// How many.
    pub seeds: u64,
    /// How much of each.
    pub extent: Extent,
    /// Threads.
    pub threads: usize,
}

/// Runs a task.
#[derive(Debug)]
pub struct Campaign<'a> {
    task: Task,
    next: AtomicU64,
    /// A std mutex: held to add a seed's figures.
    findings: Mutex<Findings>,
    told: &'a (dyn Progress + Sync),
}

/// Whoever wants to know how far it is.
pub trait Progress: std::fmt::Debug {
    /// One more seed is done.
    fn one_more(&self);
}

/// What came of all seeds.
#[derive(Debug, Default)]
pub struct Findings {
    /// Seeds that were run.
    pub seeds: u64,
    /// Orders that the daemon acknowledged.
    pub orders: u64,
    /// Holds that completions of ours took.
    pub completions: u64,
    /// Holds that reversals of ours let go.
    pub reversals: u64,
    /// Refunds of ours that gave something back.
    pub refunds: u64,
    /// Orders that declines of ours closed.
    pub declines: u64,
    /// Orders that the bank registered for us.
    pub registrations: u64,
    /// Requests that reached the bank.
    pub requests: u64,
    /// What moves money among them.
    pub sends: u64,
    /// Orders in review at the ends.
    pub reviews: u64,
    /// How the daemon's lives ended.
    pub ends: BTreeMap<&'static str, u64>,
    /// Requests struck by each kind of fault.
    pub faults: BTreeMap<&'static str, u64>,
    /// Situations and the faults that struck in them.
    pub cover: Cover,
    /// What the checker found, by seed.
    pub violations: BTreeMap<u64, Vec<Violation>>,
    /// Seeds that could not be run, and why.
    pub broken: BTreeMap<u64, String>,
    /// All logs' hashes in one, whatever the order in which they came.
    pub hash: u64,
}

impl<'a> Campaign<'a> {
    /// A campaign that tells `told` of every seed.
    pub fn new(task: Task, told: &'a (dyn Progress + Sync)) -> Self {
        Self { task, next: AtomicU64::new(0), findings: Mutex::default(), told }
    }

    /// Runs all seeds; returns when the last is done.
    pub fn run(self) -> Findings {
        std::thread::scope(|scope| {
            for _ in 0..self.task.threads.max(1) {
                scope.spawn(|| self.work());
            }
        });
        self.findings.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            if nth >= self.task.seeds {
                return;
            }
            let seed = self.task.first.wrapping_add(nth);
            let outcome = run::run(seed, self.task.extent);
            self.findings.lock().unwrap_or_else(PoisonError::into_inner).take(seed, outcome);
            self.told.one_more();
        }
    }
}

impl Findings {
    fn take(&mut self, seed: u64, outcome: anyhow::Result<Outcome>) {
        self.seeds += 1;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.broken.insert(seed, format!("{error:#}"));
                return;
            }
        };
        self.orders += outcome.orders;
        self.completions += outcome.completions;
        self.reversals += outcome.reversals;
        self.refunds += outcome.refunds;
        self.declines += outcome.declines;
        self.registrations += outcome.registrations;
        self.requests += outcome.requests;
        self.sends += outcome.sends;
        self.reviews += outcome.reviews;
        add(&mut self.ends, outcome.ends);
        add(&mut self.faults, outcome.faults);
        self.cover.add(&outcome.cover);
        self.hash ^= outcome.hash;
        if !outcome.violations.is_empty() {
            self.violations.insert(seed, outcome.violations);
        }
    }
}

fn add(sum: &mut BTreeMap<&'static str, u64>, figures: BTreeMap<&'static str, u64>) {
    for (what, count) in figures {
        *sum.entry(what).or_default() += count;
    }
}
