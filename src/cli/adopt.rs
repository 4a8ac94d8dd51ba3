//! `adopt`: a person vouches for a database that was restored, moved, copied or begun anew, and money may move again.
//!
//! Takes the daemon's lock, so the daemon must be stopped: what it would do meanwhile is what is decided here.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;

use super::desk::{operator_name, own_uid, reason, refuse_strangers_file};
use super::failure::Failure;
use super::output::{Output, Table, Tint, cell, remark, tinted};
use crate::clock::Clock;
use crate::config::{Config, Reading, SealKeys};
use crate::daemon;
use crate::domain::time::Timestamp;
use crate::store::{Adoption, Becomes, Lock, Store, UnknownSend};

/// `reconciled adopt`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Money is frozen when the database, the file it was made in and the witness of its sends disagree: after a \
                  restore, a move to another host, a copy. Make sure that no other daemon works with the same accounts \
                  before you adopt. Every order of the queue of which something was sent that the database does not know \
                  goes to review; the others are remembered, and go to review \
                  should they be added. Whoever puts a backup back stops the \
                  daemon first, and takes away the NAME-wal and NAME-shm of the database that it replaces."
)]
pub(super) struct Adopt {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Why it may be trusted, for the journal and the witness
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run", value_parser = reason)]
    reason: Option<String>,
    /// The key that sealed the rows is lost: seal every row as it stands
    #[arg(long, conflicts_with = "dry_run")]
    lost_key: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Adopt {
    pub(super) async fn run(&self, path: &Path, output: &Output) -> Result<(), Failure> {
        let config = Config::load_partly(path, Reading::NoSecrets)?;
        refuse_without_key(&config)?;
        refuse_stranger(&config.database)?;
        let (who, now) = (operator_name(), Clock::host().now());
        let lock = Lock::take(&config.database, &format!("adopt by {who}, pid {}", std::process::id()))?;
        let mut place = daemon::place(&config);
        place.lost_key = self.lost_key;
        if self.dry_run {
            // Under the lock the schema is brought up to date, or a database begun, and there is no way back from
            // either.
            drop(Store::open(&place)?);
        }
        let store = Store::open_under(&lock, place, now)?;
        let adoption = store.adoption().await?;
        let is_needed = adoption.freeze.is_some() || self.lost_key;
        let adopted = match &self.reason {
            Some(reason) if is_needed && !self.dry_run => {
                store.adopt(&who, reason, now).await?;
                true
            }
            _ => false,
        };
        if self.json {
            return output.json(&Document::of(&adoption, adopted));
        }
        tell(&adoption, adopted, now, output)
    }
}

/// A key that is the daemon's alone is handed over as the daemon gets it.
fn refuse_without_key(config: &Config) -> Result<(), Failure> {
    let SealKeys::Unread(why) = &config.integrity.keys else {
        return Ok(());
    };
    Err(Failure::failed(format!(
        "adopting seals rows: {why}. Where the key is a credential, run this as systemd runs the daemon: systemd-run \
         --pipe --wait --uid=reconciled -p LoadCredential=NAME:/path reconciled adopt ..."
    )))
}

/// A witness, or a lock, of another user's could not be used by the daemon.
fn refuse_stranger(database: &Path) -> Result<(), Failure> {
    refuse_strangers_file(database)?;
    match database.metadata() {
        Ok(found) if found.uid() != own_uid() => Err(Failure::failed(format!(
            "the database {} belongs to another user (uid {}); do this as that user: sudo -u reconciled reconciled adopt",
            database.display(),
            found.uid()
        ))),
        _ => Ok(()),
    }
}

fn tell(adoption: &Adoption, adopted: bool, now: Timestamp, output: &Output) -> Result<(), Failure> {
    match &adoption.freeze {
        Some(freeze) => {
            let since = freeze.since.map_or_else(String::new, |since| format!(" since {since}"));
            output.heading(format!("Money is frozen{since}"))?;
            output.line(&freeze.why)?;
        }
        None => output.line("Money is not frozen.")?,
    }
    let known =
        |finding: &&String| adoption.freeze.as_ref().is_none_or(|freeze| !freeze.why.contains(finding.as_str()));
    for finding in adoption.findings.iter().filter(known) {
        output.line(finding)?;
    }
    if !adoption.sends.is_empty() {
        output.heading("\nSent, and not known to this database")?;
        let mut table = Table::facts();
        for send in &adoption.sends {
            table.row(row(send));
        }
        output.table(table)?;
    }
    if adoption.begins_anew {
        output.line("\nThe witness cannot go on as it is: a new one is begun, and this one kept aside.")?;
    }
    if adopted {
        output.line(format!("\nAdopted at {now}. Money moves again once the daemon is started."))?;
    } else if adoption.freeze.is_some() {
        remark("Nothing was changed. To adopt it: reconciled adopt --reason \"...\"");
    }
    Ok(())
}

fn row(send: &UnknownSend) -> Vec<super::output::Cell> {
    let sent = &send.sent;
    let amount = sent.amount_minor.map_or_else(|| "whole".to_owned(), |minor| minor.to_string());
    let before = sent.refunded_before_minor.map_or_else(String::new, |minor| format!(" after {minor} given back"));
    let what = format!("{} of {amount}{before}, {} expected, attempt {}", sent.kind, sent.expected_minor, sent.attempt);
    let becomes = match send.becomes {
        Becomes::Review => tinted("goes to review", Tint::Warning),
        Becomes::NotKnown => {
            let words = format!(
                "not in the queue; remembered once adopted, and in review when it is added: reconciled order add --number \
                 {} --merchant {} ...",
                sent.order_number, sent.merchant
            );
            tinted(words, Tint::Bad)
        }
    };
    vec![cell(&sent.at), cell(format!("{} of {}", sent.order_number, sent.merchant)), cell(what), becomes]
}

#[derive(Serialize)]
struct Document<'a> {
    /// Why money was frozen when this was asked; null when it was not.
    frozen: Option<&'a str>,
    since: Option<String>,
    /// What is wrong at present.
    findings: &'a [String],
    /// What was sent and is not known to this database.
    sends: Vec<SendDocument<'a>>,
    /// Whether the witness is begun anew.
    witness_begins_anew: bool,
    /// Whether it was adopted now.
    adopted: bool,
}

#[derive(Serialize)]
struct SendDocument<'a> {
    seq: i64,
    at: &'a str,
    merchant: &'a str,
    order_number: &'a str,
    order_id: &'a str,
    kind: &'a str,
    /// Null is the whole hold.
    amount_minor: Option<i64>,
    expected_minor: i64,
    attempt: u32,
    /// Of a refund: what had been given back before it; null where the line does not say.
    refunded_before_minor: Option<i64>,
    /// `review`, or `not_known` when the queue does not have the order: then it goes to review once it is added.
    becomes: &'static str,
}

impl<'a> Document<'a> {
    fn of(adoption: &'a Adoption, adopted: bool) -> Self {
        let freeze = adoption.freeze.as_ref();
        Self {
            frozen: freeze.map(|freeze| freeze.why.as_str()),
            since: freeze.and_then(|freeze| freeze.since).map(|since| since.to_string()),
            findings: &adoption.findings,
            sends: adoption.sends.iter().map(SendDocument::from).collect(),
            witness_begins_anew: adoption.begins_anew,
            adopted,
        }
    }
}

impl<'a> From<&'a UnknownSend> for SendDocument<'a> {
    fn from(UnknownSend { sent, becomes }: &'a UnknownSend) -> Self {
        Self {
            seq: sent.seq,
            at: &sent.at,
            merchant: &sent.merchant,
            order_number: &sent.order_number,
            order_id: &sent.order_id,
            kind: &sent.kind,
            amount_minor: sent.amount_minor,
            expected_minor: sent.expected_minor,
            attempt: sent.attempt,
            refunded_before_minor: sent.refunded_before_minor,
            becomes: match becomes {
                Becomes::Review => "review",
                Becomes::NotKnown => "not_known",
            },
        }
    }
}
