//! How fast orders are taken in, and that what was acknowledged is there: `cargo bench --bench ingest`.
//!
//! The real daemon, on a real file and with its own durability, beside clients on real sockets that share its cores:
//! first on an empty file, then on one with many orders, in arrays, in lines, and one by one. Then it is killed while all
//! of that goes on, started again, and every order that it ever acknowledged is looked for. Ends with 1 where one is
//! missing, or a goal is missed.
//!
//! After `--`: `--filled N`, orders in the second file (1000000); `--rounds N` (3) of `--seconds N` (5) each; `--short`
//! for a few seconds altogether. `file BYTES`, such as `file 1000000000`, instead imports a file of that size, at the
//! command line and by the spool, and says how much memory it took.

#[path = "../common/mod.rs"]
mod common;
mod file;
mod load;

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reconciled::domain::order::OrderKey;
use reconciled::store::{ListFilter, Store};

use common::{Daemon, Place, median};
use load::{Form, Load, Round};

/// Orders a second that there must be in batches, and one by one.
const GOALS: [(Form, f64); 3] = [(Form::Array, 5_000.0), (Form::Lines, 5_000.0), (Form::Single, 1_000.0)];

/// How long everything goes on before the daemon is killed.
const KILLED_AFTER: Duration = Duration::from_secs(3);

fn main() -> Result<ExitCode> {
    let wanted = Wanted::read(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match wanted.file_bytes {
            Some(bytes) => file::measure(bytes).await,
            None => measure(&wanted).await,
        }
    })
}

/// What the arguments ask for.
struct Wanted {
    filled: usize,
    rounds: usize,
    each: Duration,
    file_bytes: Option<u64>,
}

impl Wanted {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut wanted = Self { filled: 1_000_000, rounds: 3, each: Duration::from_secs(5), file_bytes: None };
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<u64> {
                let number = arguments.next().with_context(|| format!("{argument} wants a number"))?;
                number.parse().with_context(|| format!("{argument} {number}"))
            };
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--filled" => wanted.filled = usize::try_from(number()?)?,
                "--rounds" => wanted.rounds = usize::try_from(number()?)?,
                "--seconds" => wanted.each = Duration::from_secs(number()?),
                "--short" => (wanted.filled, wanted.rounds, wanted.each) = (20_000, 1, Duration::from_secs(1)),
                "file" => wanted.file_bytes = Some(number()?),
                unknown => anyhow::bail!("`{unknown}` is no argument"),
            }
        }
        Ok(wanted)
    }
}

async fn measure(wanted: &Wanted) -> Result<ExitCode> {
    let place = Place::new().await?;
    let config = place.configure("", "")?;
    let daemon = Daemon::start(&config)?;
    let mut load = Load::default();
    println!("{}", Round::HEADING);
    let mut has_missed = rounds(wanted, &daemon, &mut load, "empty").await?;
    if wanted.filled > load.acknowledged.len() {
        let begun = Instant::now();
        let more = wanted.filled - load.acknowledged.len();
        load.fill(&daemon, more).await?;
        println!("{} orders are there now, the last {more} in {:.1?}", load.acknowledged.len(), begun.elapsed());
        has_missed |= rounds(wanted, &daemon, &mut load, "filled").await?;
    }
    println!("at most {} MB of memory", daemon.figures()?.peak_bytes / 1_000_000);
    let before = load.acknowledged.len();
    load.until_killed(daemon, KILLED_AFTER).await?;
    println!("killed in the middle; {} more had been acknowledged", load.acknowledged.len() - before);
    let daemon = Daemon::start(&config)?;
    let missing = missing(&place, &load.acknowledged).await?;
    drop(daemon);
    println!("{missing} of {} acknowledged orders are missing", load.acknowledged.len());
    Ok(if has_missed || missing > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Some rounds of each form; whether a goal was missed.
async fn rounds(wanted: &Wanted, daemon: &Daemon, load: &mut Load, file: &str) -> Result<bool> {
    let mut has_missed = false;
    for (form, goal) in GOALS {
        let mut rates = Vec::new();
        for _ in 0..wanted.rounds {
            let round = load.round(daemon, form, wanted.each).await?;
            println!("{file:7} {}", round.line());
            rates.push(round.rate());
        }
        let (best, middle) = (rates.iter().copied().fold(0.0, f64::max), median(rates));
        let verdict = if middle < goal { "MISSED" } else { "met" };
        has_missed |= middle < goal;
        println!("{file:7} {form}: {middle:.0} a second, at best {best:.0}; the goal of {goal:.0} is {verdict}");
    }
    Ok(has_missed)
}

/// How many of `acknowledged` are not in the database.
async fn missing(place: &Place, acknowledged: &[u64]) -> Result<usize> {
    let store = Store::open(&place.database())?;
    let (mut present, mut after) = (HashSet::with_capacity(acknowledged.len()), OrderKey(0));
    loop {
        let filter = ListFilter { after: Some(after), limit: 1_000, ..ListFilter::default() };
        let page = store.list_orders(filter).await?;
        present.extend(page.iter().filter_map(|found| load::nth_of(found.order.number.as_str())));
        match page.last() {
            Some(last) => after = last.order.key,
            None => break,
        }
    }
    Ok(acknowledged.iter().filter(|nth| !present.contains(nth)).count())
}
