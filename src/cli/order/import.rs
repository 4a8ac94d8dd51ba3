//! `order import`: the orders of a file, line by line, however long it is.
//!
//! A wrong line is refused alone, with its number and everything that is wrong with it; the others are queued. The file
//! is never held whole: lines are queued in batches, each on disk before the next is read, and since adding an order
//! again changes nothing, an import that was cut short is simply repeated, or gone on with from the line it tells.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::output::{Output, remark};
use crate::clock::Clock;
use crate::config::{Config, Reading};
use crate::daemon::tally::Summary;
use crate::domain::event::Cause;
use crate::domain::order::NewOrder;
use crate::intake::{self, FIELDS, Field, Line, Mapping, OrderFile};
use crate::store::Added;

/// Orders in one transaction: enough that the sync is not what takes time, few enough that the daemon beside it is not
/// kept waiting.
const BATCH: usize = 1_000;

/// `reconciled order import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "JSON lines: {\"order_number\": \"A-1\", \"amount\": 1050}\n\
                        CSV:        a header with such names, in any order, then a row for every order\n\
                        Names:      merchant, order_number, amount (minor units), currency, order_id, expires_at,\n\
                        \x20           complete_amount, autocompletion_date, two_phase; all but order_number and amount may be left\n\
                        \x20           out\n\n\
                        A file of your shop's: --column order_number=\"Order No\" --column amount=Kopecks --ignore-other-columns\n\n\
                        Importing a file again changes nothing.")]
pub(in super::super) struct Import {
    /// The file, or - for the standard input
    file: PathBuf,
    /// How it is written; told by the ending of the name otherwise
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Which column of a CSV file holds a field: order_number="Order No"; once for each that has a name of its own
    #[arg(long = "column", value_name = "FIELD=NAME", value_parser = column)]
    columns: Vec<(Field, String)>,
    /// Pass over columns that are nothing of an order's; a misspelt one would be passed over, too
    #[arg(long)]
    ignore_other_columns: bool,
    /// Go on with an import that was cut short: lines before this one were queued
    #[arg(long, value_name = "LINE", value_parser = clap::value_parser!(u64).range(1..))]
    from_line: Option<u64>,
    /// Read and check every line, and queue nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON object per line
    #[value(alias = "ndjson")]
    Jsonl,
    /// A header, then one row per order
    Csv,
}

/// A field and its column's name.
fn column(text: &str) -> Result<(Field, String), String> {
    let known = || FIELDS.map(Field::as_str).join(", ");
    let (field, name) = text.split_once('=').ok_or("write it as FIELD=NAME, the field first")?;
    let found =
        Field::parse(field.trim()).ok_or_else(|| format!("there is no field {field:?}; there are: {}", known()))?;
    let name = name.trim();
    if name.is_empty() { Err(format!("the column of {field} needs a name")) } else { Ok((found, name.to_owned())) }
}

impl Import {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let format = self.format()?;
        let bar = self.progress_bar();
        let reader = self.reader(&bar)?;
        let summary = if self.dry_run {
            let config = Config::load_partly(config, Reading::NoSecrets)?;
            let mut work = Work {
                desk: None,
                bar: &bar,
                summary: Summary { dry_run: true, ..Summary::default() },
                next_line: self.from_line.unwrap_or(1),
            };
            work.read(self.lines(reader, format, &config)?).await?;
            work.summary
        } else {
            let desk = Desk::open_or_create(config)?;
            let mut work = Work {
                desk: Some(&desk),
                bar: &bar,
                summary: Summary::default(),
                next_line: self.from_line.unwrap_or(1),
            };
            work.read(self.lines(reader, format, &desk.config)?).await?;
            work.summary
        };
        bar.finish_and_clear();
        self.tell(&summary, output)?;
        if summary.refused > 0 { Err(Failure::told()) } else { Ok(()) }
    }

    fn format(&self) -> Result<intake::Format, Failure> {
        let format = self.format_told()?;
        let is_mapped = !self.columns.is_empty() || self.ignore_other_columns;
        if is_mapped && format == intake::Format::JsonLines {
            let words = "JSON lines have no columns; --column and --ignore-other-columns are for CSV";
            return Err(Failure::Usage(words.to_owned()));
        }
        if let Some((field, _)) = self.columns.iter().enumerate().find_map(|(nth, (field, name))| {
            self.columns.iter().take(nth).any(|(other, _)| other == field).then_some((field, name))
        }) {
            return Err(Failure::Usage(format!("--column names {} twice", field.as_str())));
        }
        Ok(format)
    }

    fn format_told(&self) -> Result<intake::Format, Failure> {
        let ending = self.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match (self.format, ending.as_str()) {
            (Some(Format::Jsonl), _) | (None, "jsonl" | "ndjson") => Ok(intake::Format::JsonLines),
            (Some(Format::Csv), _) | (None, "csv") => Ok(intake::Format::Csv),
            (None, _) => {
                Err(Failure::Usage("the name does not tell how it is written; give --format jsonl or csv".to_owned()))
            }
        }
    }

    fn is_stdin(&self) -> bool {
        self.file.as_os_str() == "-"
    }

    /// By bytes, since nobody knows how many lines there are. Quiet unless a person watches.
    fn progress_bar(&self) -> ProgressBar {
        let length = std::fs::metadata(&self.file).ok().map(|found| found.len()).filter(|_| !self.is_stdin());
        let (Some(length), true) = (length, io::stderr().is_terminal()) else {
            return ProgressBar::hidden();
        };
        let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left  {msg}");
        ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    fn reader(&self, bar: &ProgressBar) -> Result<Box<dyn BufRead>, Failure> {
        if self.is_stdin() {
            return Ok(Box::new(io::stdin().lock()));
        }
        let file = File::open(&self.file)
            .map_err(|error| Failure::failed(format!("cannot read {}: {error}", self.file.display())))?;
        Ok(Box::new(BufReader::new(bar.wrap_read(file))))
    }

    fn lines<'a>(
        &self,
        reader: Box<dyn BufRead>,
        format: intake::Format,
        config: &'a Config,
    ) -> Result<OrderFile<'a, Box<dyn BufRead>>, Failure> {
        let mapping = Mapping { columns: self.columns.clone(), ignores_others: self.ignore_other_columns };
        let mut lines = OrderFile::mapped(reader, format, &mapping, config)
            .map_err(|error| Failure::failed(format!("{}: {error}", self.file.display())))?;
        lines
            .skip_to(self.from_line.unwrap_or(1))
            .map_err(|error| Failure::failed(format!("cannot read {}: {error}", self.file.display())))?;
        Ok(lines)
    }

    fn tell(&self, summary: &Summary, output: &Output) -> Result<(), Failure> {
        if self.json {
            return output.json(summary);
        }
        let Summary { added, in_review, exists, refused, .. } = summary;
        if self.dry_run {
            return output.line(format!("{added} fit to be queued, {refused} refused; nothing was written."));
        }
        output.line(format!("{added} added, {exists} queued before, {refused} refused."))?;
        if *in_review > 0 {
            output.line(format!(
                "Of those added, {in_review} stand in review at once: the witness has sends for them that this database \
                 does not know. What to do: reconciled review list"
            ))?;
        }
        Ok(())
    }
}

/// An import at work.
struct Work<'a> {
    /// `None` for a dry run.
    desk: Option<&'a Desk>,
    bar: &'a ProgressBar,
    summary: Summary,
    /// The first line of which it is not known that it is on disk.
    next_line: u64,
}

impl Work<'_> {
    async fn read(&mut self, lines: OrderFile<'_, Box<dyn BufRead>>) -> Result<(), Failure> {
        let mut batch = Vec::with_capacity(BATCH);
        for line in lines {
            batch.push(line.map_err(|error| self.cut_short(&format!("the file cannot be read on: {error}")))?);
            if batch.len() == BATCH {
                self.queue(std::mem::take(&mut batch)).await?;
            }
        }
        self.queue(batch).await
    }

    /// Lines that cannot be read wait for those that can, so that whatever is refused is told in the order of the file.
    async fn queue(&mut self, batch: Vec<Line>) -> Result<(), Failure> {
        let orders = batch.iter().filter_map(|line| line.order.as_ref().ok()).cloned().collect();
        let mut added = self.add(orders).await?.into_iter();
        self.next_line = batch.last().map_or(self.next_line, |line| line.number + 1);
        for line in batch {
            let added = if line.order.is_ok() { added.next() } else { None };
            if let Some(words) = self.summary.count(line, added.as_ref()) {
                self.bar.suspend(|| remark(&words));
            }
        }
        self.bar.set_message(format!("{} added, {} queued before", self.summary.added, self.summary.exists));
        Ok(())
    }

    /// What became of each of `orders`; a dry run takes every one for new.
    async fn add(&self, orders: Vec<NewOrder>) -> Result<Vec<Added>, Failure> {
        let Some(desk) = self.desk else {
            return Ok(orders.iter().map(|_| Added::New).collect());
        };
        let added = desk.store.add_orders(orders, Cause::Shop, Clock::host().now()).await;
        added.map_err(|error| self.cut_short(&error.to_string()))
    }

    fn cut_short(&self, why: &str) -> Failure {
        self.bar.abandon();
        let Summary { added, exists, .. } = self.summary;
        Failure::failed(format!(
            "{why}\n       {added} added and {exists} queued before by then; import the file again once that is \
             mended, or go on with --from-line {}",
            self.next_line
        ))
    }
}
