//! A file of any size, taken at the command line and by the spool.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::common::{Daemon, Figures, PROGRAM, Place, rate};
use crate::load::order;

/// Every so many lines one is torn in the middle.
const TORN_EVERY: u64 = 100_000;

/// How often the memory of what runs is looked at, and whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Memory that a file of any size may take.
const MEMORY_MAX: u64 = 256 * 1024 * 1024;

/// Imports a file of `bytes`, once at the command line and once by the spool, each into a database of its own.
pub(crate) async fn measure(bytes: u64) -> Result<ExitCode> {
    let place = Place::new().await?;
    let config = place.configure("", "")?;
    let file = place.path("orders.jsonl");
    let (lines, torn) = write(&file, bytes)?;
    println!("{} MB in {lines} lines, of which {torn} are torn", bytes / 1_000_000);
    let by_command = import(&config, &file)?;
    println!("{}", by_command.line("order import", usize::try_from(lines)?));
    drop(place);

    let place = Place::new().await?;
    let config = place.configure("spool = \"spool\"", "")?;
    std::fs::create_dir_all(place.path("spool"))?;
    write(&place.path("spool/orders.jsonl"), bytes)?;
    let by_spool = spooled(&place, &config).await?;
    println!("{}", by_spool.line("spool", usize::try_from(lines)?));

    let mut is_well = true;
    for taken in [by_command, by_spool] {
        is_well &= taken.added == lines - torn && taken.refused == torn && taken.peak_bytes <= MEMORY_MAX;
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of a file.
struct Taken {
    added: u64,
    refused: u64,
    took: Duration,
    peak_bytes: u64,
}

impl Taken {
    fn line(&self, by: &str, lines: usize) -> String {
        let (seconds, peak) = (self.took.as_secs_f64(), self.peak_bytes / 1_000_000);
        let rate = rate(lines, self.took);
        let Self { added, refused, .. } = self;
        format!("{by}: {added} added, {refused} refused in {seconds:.1} s, {rate:.0} lines a second, at most {peak} MB")
    }

    fn of(summary: &serde_json::Value, took: Duration, peak_bytes: u64) -> Result<Self> {
        let count = |name: &str| summary[name].as_u64().with_context(|| format!("no {name}"));
        Ok(Self { added: count("added")?, refused: count("refused")?, took, peak_bytes })
    }
}

/// How many lines it has, and how many of them are torn.
fn write(path: &Path, bytes: u64) -> Result<(u64, u64)> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut lines, mut torn, mut written) = (0, 0, 0);
    while written < bytes {
        let mut line = order(lines);
        lines += 1;
        if lines % TORN_EVERY == 0 {
            line.truncate(line.len() / 2);
            torn += 1;
        }
        writeln!(file, "{line}")?;
        written += line.len() as u64 + 1;
    }
    file.into_inner()?.sync_all()?;
    Ok((lines, torn))
}

fn import(config: &Path, file: &Path) -> Result<Taken> {
    let begun = Instant::now();
    let mut command = Command::new(PROGRAM);
    command.args(["order", "import", "--json", "--config"]).arg(config).arg(file);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut out = child.stdout.take().context("no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let mut peak_bytes = 0;
    while child.try_wait()?.is_none() {
        // It may have ended in between.
        peak_bytes = Figures::of(child.id()).map_or(peak_bytes, |figures| figures.peak_bytes.max(peak_bytes));
        std::thread::sleep(LOOK_EVERY);
    }
    let took = begun.elapsed();
    let text = reading.join().ok().context("the output was not read")??;
    Taken::of(&serde_json::from_str(&text)?, took, peak_bytes)
}

async fn spooled(place: &Place, config: &Path) -> Result<Taken> {
    let daemon = Daemon::start(config)?;
    let begun = Instant::now();
    // One torn line is enough for it.
    let report = place.path("spool/failed/orders.jsonl.report.json");
    while !report.exists() {
        ensure!(!place.path("spool/done").exists(), "it was taken for whole");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let (took, peak_bytes) = (begun.elapsed(), daemon.figures()?.peak_bytes);
    Taken::of(&serde_json::from_slice(&std::fs::read(&report)?)?, took, peak_bytes)
}
