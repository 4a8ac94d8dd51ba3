//! `order import`: the orders of a file, line by line, however long it is.
//!
//! A wrong line is refused alone, with its number and everything that is wrong with it; the others are queued. The file
//! is never held whole: lines are queued in batches, each on disk before the next is read, and since adding an order
//! again changes nothing, an import that was cut short is simply repeated.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::output::{Output, remark};
use super::queued::{Word, refusal};
use crate::clock::Clock;
use crate::config::{Config, Reading};
use crate::domain::event::Cause;
use crate::domain::order::NewOrder;
use crate::intake::{self, Line, OrderFile, Rejection};
use crate::store::Added;

/// Orders in one transaction: enough that the sync is not what takes time, few enough that the daemon beside it is not
/// kept waiting.
const BATCH: usize = 1_000;

/// Refusals listed in the JSON summary at most; all are counted, and all are on stderr.
const REFUSALS_MAX: usize = 10_000;

/// `reconciled order import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "JSON lines: {\"order_number\": \"A-1\", \"amount\": 1050}\n\
                        CSV:        a header with such names, in any order, then a row for every order\n\
                        Names:      merchant, order_number, amount (minor units), currency, order_id, expires_at,\n\
                        \x20           complete_amount, autocompletion_date, two_phase; all but order_number and amount may be left\n\
                        \x20           out\n\n\
                        Importing a file again changes nothing.")]
pub(in super::super) struct Import {
    /// The file, or - for the standard input
    file: PathBuf,
    /// How it is written; told by the ending of the name otherwise
    #[arg(long, value_enum)]
    format: Option<Format>,
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

/// What became of the lines.
#[derive(Debug, Default, Serialize)]
struct Summary {
    dry_run: bool,
    added: u64,
    /// Of these, how many went to review at once: money was sent for them before the database was lost.
    in_review: u64,
    exists: u64,
    refused: u64,
    refusals: Vec<Refusal>,
}

#[derive(Debug, Serialize)]
struct Refusal {
    line: u64,
    order_number: Option<String>,
    #[serde(flatten)]
    word: Word,
    problems: Vec<ProblemDocument>,
}

#[derive(Debug, Serialize)]
struct ProblemDocument {
    code: &'static str,
    field: Option<String>,
    sentence: String,
}

impl Import {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let format = self.format()?;
        let bar = self.progress_bar();
        let reader = self.reader(&bar)?;
        let summary = if self.dry_run {
            let config = Config::load_partly(config, Reading::NoSecrets)?;
            let mut work = Work { desk: None, bar: &bar, summary: Summary { dry_run: true, ..Summary::default() } };
            work.read(self.lines(reader, format, &config)?).await?;
            work.summary
        } else {
            let desk = Desk::open_or_create(config)?;
            let mut work = Work { desk: Some(&desk), bar: &bar, summary: Summary::default() };
            work.read(self.lines(reader, format, &desk.config)?).await?;
            work.summary
        };
        bar.finish_and_clear();
        self.tell(&summary, output)?;
        if summary.refused > 0 { Err(Failure::told()) } else { Ok(()) }
    }

    fn format(&self) -> Result<intake::Format, Failure> {
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
        OrderFile::new(reader, format, config)
            .map_err(|error| Failure::failed(format!("{}: {error}", self.file.display())))
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
        for line in batch {
            match line.order {
                Ok(order) => {
                    if let Some(added) = added.next() {
                        self.count(line.number, &order, &added);
                    }
                }
                Err(rejection) => self.refuse(Refusal::unread(line.number, rejection)),
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

    fn count(&mut self, line: u64, order: &NewOrder, added: &Added) {
        let word = Word::from(added);
        match refusal(order, added) {
            Some(sentence) => self.refuse(Refusal::of(line, order, word, sentence)),
            None if word.result == "exists" => self.summary.exists += 1,
            None => {
                self.summary.added += 1;
                if *added == Added::NewInReview {
                    self.summary.in_review += 1;
                    let (number, merchant) = (&order.number, &order.merchant);
                    self.bar
                        .suspend(|| remark(&format!("line {line}, order {number} of {merchant}: in review at once")));
                }
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.summary.refused += 1;
        self.bar.suspend(|| remark(&refusal.sentence()));
        if self.summary.refusals.len() < REFUSALS_MAX {
            self.summary.refusals.push(refusal);
        }
    }

    fn cut_short(&self, why: &str) -> Failure {
        self.bar.abandon();
        let Summary { added, exists, .. } = self.summary;
        Failure::failed(format!(
            "{why}\n       {added} added and {exists} queued before by then; import the file again once that is \
             mended"
        ))
    }
}

impl Refusal {
    /// Of a line that holds no order.
    fn unread(line: u64, rejection: Rejection) -> Self {
        let document = |problem: intake::Problem| ProblemDocument {
            code: problem.code.as_str(),
            field: problem.field,
            sentence: problem.sentence,
        };
        let problems = rejection.problems.into_iter().map(document).collect();
        Self { line, order_number: rejection.order_number, word: Word::REFUSED, problems }
    }

    /// Of an order that does not fit to what is queued.
    fn of(line: u64, order: &NewOrder, word: Word, sentence: String) -> Self {
        let problems = vec![ProblemDocument { code: word.result, field: None, sentence }];
        Self { line, order_number: Some(order.number.to_string()), word, problems }
    }

    /// `line 7, order A-1: amount: ...`
    fn sentence(&self) -> String {
        let number = self.order_number.as_ref().map(|number| format!(", order {number}")).unwrap_or_default();
        let problem = |problem: &ProblemDocument| match &problem.field {
            Some(field) => format!("{field}: {}", problem.sentence),
            None => problem.sentence.clone(),
        };
        let problems: Vec<_> = self.problems.iter().map(problem).collect();
        format!("line {}{number}: {}", self.line, problems.join(" | "))
    }
}
