//! `verify`: whether the journal is still what was written, and which event is the first that is not.
//!
//! Opens the database to read its journal alone, so it takes neither the key nor the daemon's rest.

use std::io::{self, IsTerminal};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::failure::Failure;
use super::output::{Output, Table};
use crate::config::{Config, Reading};
use crate::domain::chain::Head;
use crate::domain::time::Timestamp;
use crate::store::{Fault, Journal, Stretch, Unread, Verdict, Wrong};

/// `reconciled verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every event of the journal has a hash over what it says and over the hash before it. Without --head it is \
                  known that the events agree with their hashes; whoever can write all of the file could have made \
                  both anew. The head that a report shows was written down when nobody knew yet what one would like to \
                  change: with it, it is known that every event up to there is the one of that day."
)]
pub(super) struct Verify {
    /// A head that was written down before, as a report shows it: the journal must have it still
    #[arg(long, value_name = "SEQ:HASH", value_parser = Head::parse)]
    head: Option<Head>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Walks through the journal; fails where an event is not what was written.
    pub(super) async fn run(self, path: &Path, output: &Output) -> Result<(), Failure> {
        let config = Config::load_partly(path, Reading::NoSecrets)?;
        let head = self.head;
        let walked = tokio::task::spawn_blocking(move || walk(&config.database, head)).await;
        let verdict = walked.map_err(|error| Failure::failed(format!("the walk broke off: {error}")))??;
        if self.json {
            output.json(&Document::of(&verdict))?;
        }
        match verdict {
            Verdict::Whole(_) if self.json => Ok(()),
            _ if self.json => Err(Failure::told()),
            Verdict::Whole(stretch) => tell(stretch, head, output),
            Verdict::Broken(fault) => Err(Failure::failed(said(&fault))),
            Verdict::Unfinished { chained, last } => Err(Failure::failed(unfinished(chained, last))),
        }
    }
}

fn walk(database: &Path, head: Option<Head>) -> Result<Verdict, Failure> {
    let journal = Journal::open(database)?;
    let unread = |error: Unread| Failure::failed(error.to_string());
    let mut walk = journal.walk(head).map_err(unread)?;
    let bar = progress_bar(walk.total());
    let verdict = loop {
        if let Some(verdict) = walk.step().map_err(unread)? {
            break verdict;
        }
        bar.set_position(walk.checked());
    };
    bar.finish_and_clear();
    Ok(verdict)
}

/// Quiet unless a person watches.
fn progress_bar(events: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The template is a constant; were it wrong, the default bar would do.
    let style = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} events, {eta} left");
    ProgressBar::new(events).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn tell(stretch: Option<Stretch>, head: Option<Head>, output: &Output) -> Result<(), Failure> {
    let Some(stretch) = stretch else {
        return output.line("The journal is whole: there is no event in it yet.");
    };
    output.heading("The journal is whole: every event is what was written.")?;
    // In one piece, to be copied.
    let mut facts = Table::facts().unfolded(&[0, 1]);
    facts.fact("events", stretch.events());
    facts.fact("first", stretch.first);
    facts.fact("last", stretch.head.seq);
    facts.fact("head", stretch.head);
    if let Some(head) = head {
        facts.fact("head given", format!("agrees, at event {}", head.seq));
    }
    output.table(facts)
}

/// What is wrong, where, and what to do.
fn said(fault: &Fault) -> String {
    format!("{}\n       {}", found(fault), remedy(fault.wrong))
}

fn found(fault: &Fault) -> String {
    let seq = fault.seq;
    let at = fault.at.map_or_else(String::new, |at| format!(" of {at}"));
    let before = match fault.at {
        Some(at) => format!("; the one before it is of {at}"),
        None => String::new(),
    };
    match fault.wrong {
        Wrong::Altered => {
            format!("event {seq}{at} was altered: what it says, or its hash, is not what was written")
        }
        Wrong::HashAltered => {
            format!("the hash of event {seq}{at} was altered; the event itself says what was written")
        }
        Wrong::Missing { until } if until == seq => format!("event {seq} is missing{before}"),
        Wrong::Missing { until } => format!("events {seq} to {until} are missing{before}"),
        Wrong::NotChained => {
            format!(
                "event {seq}{at} has no place in the chain: something else wrote it, such as a hand or an earlier version that \
                 was still at work, or its hash was taken out"
            )
        }
        Wrong::OutOfOrder { stands_at } => {
            format!("event {seq}{at} is out of order: what was written under this number stands under {stands_at}")
        }
        Wrong::HeadDiffers { found } => format!(
            "the head differs at event {seq}{at}, whose hash is {found} here: every event up to it agrees with its hash, so \
             they were made anew since that head was written down, or an older copy of the database was put back"
        ),
        Wrong::Beginning => "what the chain begins with was altered or taken out".to_owned(),
    }
}

const fn remedy(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::HeadDiffers { .. } => {
            "Is the head copied in full, and of a report of this database? Heads of other days tell from when on it differs; \
             a backup of before then has the events as they were"
        }
        Wrong::Altered
        | Wrong::HashAltered
        | Wrong::Missing { .. }
        | Wrong::NotChained
        | Wrong::OutOfOrder { .. }
        | Wrong::Beginning => {
            "Every event before it is what was written. Keep a copy of the database as it is, and compare it from there on with \
             a backup, under the same numbers; what the shop was told shows it too. Nothing mends the chain in place: what is \
             wrong stays named"
        }
    }
}

fn unfinished(chained: i64, last: i64) -> String {
    format!(
        "the journal is of an earlier version, and its events behind {chained} are not chained yet, up to {last}; those before \
         are what was written\n       The daemon chains them while it works: start it, and ask again when its log says so"
    )
}

/// The verdict for a script.
#[derive(Serialize)]
struct Document {
    whole: bool,
    /// How many events there are; null unless it is whole.
    events: Option<u64>,
    first: Option<i64>,
    last: Option<i64>,
    /// The head of today, to be written down; null where there is none.
    head: Option<String>,
    fault: Option<FaultDocument>,
    /// The last event that has a hash, where the daemon has yet to give those behind it theirs.
    chained: Option<i64>,
}

/// The first event that is not what was written.
#[derive(Serialize)]
struct FaultDocument {
    /// `altered`, `hash_altered`, `missing`, `not_chained`, `out_of_order`, `head_differs` or `beginning`.
    what: &'static str,
    seq: i64,
    /// Its time; of a missing one, that of the event before it.
    at: Option<String>,
    at_ms: Option<i64>,
    /// Of missing ones, the last.
    until: Option<i64>,
    /// The number under which it stands now.
    stands_at: Option<i64>,
    words: String,
}

impl Document {
    fn of(verdict: &Verdict) -> Self {
        let nothing =
            Self { whole: false, events: None, first: None, last: None, head: None, fault: None, chained: None };
        match verdict {
            Verdict::Whole(None) => Self { whole: true, events: Some(0), ..nothing },
            Verdict::Whole(Some(stretch)) => Self {
                whole: true,
                events: Some(stretch.events()),
                first: Some(stretch.first),
                last: Some(stretch.head.seq),
                head: Some(stretch.head.to_string()),
                ..nothing
            },
            Verdict::Broken(fault) => Self { fault: Some(FaultDocument::of(fault)), ..nothing },
            Verdict::Unfinished { chained, last } => Self { last: Some(*last), chained: Some(*chained), ..nothing },
        }
    }
}

impl FaultDocument {
    fn of(fault: &Fault) -> Self {
        let (what, until, stands_at) = match fault.wrong {
            Wrong::Altered => ("altered", None, None),
            Wrong::HashAltered => ("hash_altered", None, None),
            Wrong::Missing { until } => ("missing", Some(until), None),
            Wrong::NotChained => ("not_chained", None, None),
            Wrong::OutOfOrder { stands_at } => ("out_of_order", None, Some(stands_at)),
            Wrong::HeadDiffers { .. } => ("head_differs", None, None),
            Wrong::Beginning => ("beginning", None, None),
        };
        Self {
            what,
            seq: fault.seq,
            at: fault.at.map(|at| at.to_string()),
            at_ms: fault.at.map(Timestamp::as_millis),
            until,
            stands_at,
            words: found(fault),
        }
    }
}
