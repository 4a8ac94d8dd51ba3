//! `simulate`: the whole of it in virtual time, against a bank and a host that misbehave, seed after seed.
//!
//! It touches neither the configuration nor any bank; its databases live in memory and are gone when it ends.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

mod chart;
mod looks;

use super::failure::Failure;
use super::output::Output;
use crate::simulation::{self, Campaign, Cover, Extent, Extras, Findings, Outcome, Progress, Task, Violation};

/// `reconciled simulate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The daemon, its database and the sandbox's bank are the real ones; time is not. Orders are paid, \
                  completed and doubted through weeks of timeouts, lies, outages and crashes, and a checker asks \
                  whether what clients were told, our books and the bank's ledger agree. A seed that fails is \
                  printed, and `--seed N` runs it again to the same log, byte for byte."
)]
pub(super) struct Simulate {
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    from: u64,
    /// How many days each seed lives
    #[arg(long, value_name = "N", default_value = "30")]
    days: NonZeroU32,
    /// How many orders each seed has (100), or a day of a shape (20000)
    #[arg(long, value_name = "N")]
    orders: Option<NonZeroUsize>,
    /// Run this seed alone and print its log and the log's hash
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "from", "threads", "json"])]
    seed: Option<u64>,
    /// Misfortunes to leave out
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    without: Vec<Extra>,
    /// Threads, each with a seed of its own; all cores without it
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    looks: looks::Looks,
}

/// What may be left out of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Extra {
    /// Old copies of the database are put back, and adopted
    RestoredBackups,
    /// The host's wall clock is set forward and back, and the host sleeps
    ClockSteps,
}

impl Simulate {
    /// Runs the seeds; fails when a query returned a row.
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        if self.looks.is_asked_for() {
            return self.looks.run(self.orders, self.json, output).await;
        }
        let extras = Extras {
            restored_backups: !self.without.contains(&Extra::RestoredBackups),
            clock_steps: !self.without.contains(&Extra::ClockSteps),
        };
        let extent = Extent { days: self.days.get(), orders: self.orders.map_or(100, NonZeroUsize::get), extras };
        match self.seed {
            Some(seed) => replay(seed, extent, output).await,
            None => self.campaign(extent, output).await,
        }
    }

    async fn campaign(&self, extent: Extent, output: &Output) -> Result<(), Failure> {
        let threads = self.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let task = Task { first: self.from, seeds: self.seeds, extent, threads };
        let begun = Instant::now();
        let bar = Bar(bar(self.seeds));
        let findings = aside(move || {
            let findings = Campaign::new(task, &bar).run();
            bar.0.finish_and_clear();
            findings
        })
        .await?;
        if self.json {
            output.json(&Document::of(&findings))?;
        } else {
            tell(&findings, task, begun.elapsed(), output)?;
        }
        agreed(findings.violations.is_empty() && findings.broken.is_empty())
    }
}

async fn replay(seed: u64, extent: Extent, output: &Output) -> Result<(), Failure> {
    let replayed = aside(move || simulation::replay(seed, extent)).await?;
    let (outcome, log) = replayed.map_err(|error| Failure::failed(format!("{error:#}")))?;
    output.write(&log)?;
    output.line(said_of_seed(&outcome))?;
    agreed(outcome.violations.is_empty())
}

/// Hours of computing have no place on a thread that others wait for.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::failed(format!("the simulation broke off: {error}")))
}

fn agreed(agreed: bool) -> Result<(), Failure> {
    if agreed { Ok(()) } else { Err(Failure::told()) }
}

#[derive(Debug)]
struct Bar(ProgressBar);

impl Progress for Bar {
    fn one_more(&self) {
        self.0.inc(1);
    }
}

fn bar(seeds: u64) -> ProgressBar {
    let bar = ProgressBar::new(seeds);
    // The template is a constant; were it wrong, the default bar would do.
    let style = ProgressStyle::with_template("{bar:32} {pos} of {len} seeds, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn said_of_seed(outcome: &Outcome) -> String {
    let mut words = format!(
        "seed {}: {} orders, {} completions, {} reversals, {} refunds, {} declines, {} registrations, {} requests, {} violations, log {:016x}",
        outcome.seed,
        outcome.orders,
        outcome.completions,
        outcome.reversals,
        outcome.refunds,
        outcome.declines,
        outcome.registrations,
        outcome.requests,
        outcome.violations.len(),
        outcome.hash
    );
    for violation in &outcome.violations {
        words.push('\n');
        words.push_str(&said(outcome.seed, violation));
    }
    words
}

fn said(seed: u64, violation: &Violation) -> String {
    let Violation { query, order, row } = violation;
    let order = if order.is_empty() { "all orders" } else { order };
    format!("VIOLATION seed {seed}, {order}, {query}: {row}")
}

/// Rows of one seed that are printed; what follows is mostly the same.
const ROWS_MAX: usize = 20;

fn tell(findings: &Findings, task: Task, took: Duration, output: &Output) -> Result<(), Failure> {
    let per_minute = u128::from(findings.seeds) * 60_000 / took.as_millis().max(1);
    output.heading(format!("{} seeds of {} days, from seed {}", findings.seeds, task.extent.days, task.first))?;
    output.line(format!(
        "{per_minute} seeds a minute on {} threads; {} orders, {} requests, {} sends, log {:016x}",
        task.threads, findings.orders, findings.requests, findings.sends, findings.hash
    ))?;
    output.line(format!("completions  {}", findings.completions))?;
    output.line(format!("reversals    {}", findings.reversals))?;
    output.line(format!("refunds      {}", findings.refunds))?;
    output.line(format!("declines     {}", findings.declines))?;
    output.line(format!("registered   {}", findings.registrations))?;
    output.line(format!("in review    {} orders at the ends", findings.reviews))?;
    output.line(format!("lives ended  {}", counted(&findings.ends)))?;
    output.line(format!("faults       {}", counted(&findings.faults)))?;
    output.line(format!("pairs        {} of {} covered", findings.cover.covered(), Cover::possible()))?;
    for pair in findings.cover.missing() {
        output.line(format!("             never: {pair}"))?;
    }
    let violations: usize = findings.violations.values().map(Vec::len).sum();
    output.line(format!("violations   {violations}"))?;
    for (seed, found) in &findings.violations {
        for violation in found.iter().take(ROWS_MAX) {
            output.line(said(*seed, violation))?;
        }
        if found.len() > ROWS_MAX {
            output.line(format!("and {} more of seed {seed}", found.len() - ROWS_MAX))?;
        }
    }
    for (seed, why) in &findings.broken {
        output.line(format!("seed {seed} could not be run: {why}"))?;
    }
    Ok(())
}

fn counted(figures: &BTreeMap<&'static str, u64>) -> String {
    let figures: Vec<String> = figures.iter().map(|(what, count)| format!("{what} {count}")).collect();
    if figures.is_empty() { "none".to_owned() } else { figures.join(", ") }
}

/// The findings for a script.
#[derive(Debug, Serialize)]
struct Document<'a> {
    seeds: u64,
    orders: u64,
    completions: u64,
    reversals: u64,
    refunds: u64,
    declines: u64,
    registrations: u64,
    requests: u64,
    sends: u64,
    reviews: u64,
    ends: &'a BTreeMap<&'static str, u64>,
    faults: &'a BTreeMap<&'static str, u64>,
    pairs_covered: usize,
    pairs_possible: usize,
    pairs_missing: Vec<String>,
    violations: Vec<Found<'a>>,
    broken: &'a BTreeMap<u64, String>,
    hash: String,
}

#[derive(Debug, Serialize)]
struct Found<'a> {
    seed: u64,
    query: &'a str,
    order: &'a str,
    row: &'a str,
}

impl<'a> Document<'a> {
    fn of(findings: &'a Findings) -> Self {
        let row = |seed: u64, violation: &'a Violation| {
            let Violation { query, order, row } = violation;
            Found { seed, query, order, row }
        };
        let violations = findings.violations.iter();
        Self {
            seeds: findings.seeds,
            orders: findings.orders,
            completions: findings.completions,
            reversals: findings.reversals,
            refunds: findings.refunds,
            declines: findings.declines,
            registrations: findings.registrations,
            requests: findings.requests,
            sends: findings.sends,
            reviews: findings.reviews,
            ends: &findings.ends,
            faults: &findings.faults,
            pairs_covered: findings.cover.covered(),
            pairs_possible: Cover::possible(),
            pairs_missing: findings.cover.missing(),
            violations: violations.flat_map(|(seed, found)| found.iter().map(move |found| row(*seed, found))).collect(),
            broken: &findings.broken,
            hash: format!("{:016x}", findings.hash),
        }
    }
}
