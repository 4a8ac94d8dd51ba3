//! `review resolve`: a person's word, or what it would do.

use std::path::Path;

use super::super::desk::{Desk, operator, operator_name, reason, reason_or_none};
use super::super::failure::Failure;
use super::super::order::Which;
use super::super::output::Output;
use super::document::DecidedDocument;
use super::spoken::{spoken, tell};
use crate::domain::review::Way;
use crate::domain::review::proposal::{Ask, Proposed, Word};

/// `reconciled review resolve`.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["way", "confirm", "withdraw"]),
    after_help = "Ways out:\n  bank      the bank's latest view is true; of a completion in doubt too, once it is quiet\n  \
                  ours      our book stands, the answer that contradicted it was wrong\n  \
                  complete  as the bank shows it, and its completion is released again\n\n\
                  With `four_eyes` in the configuration, a way after which money may move is proposed first; a second \
                  person, by another name, confirms it."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(in super::super) struct Resolve {
    #[command(flatten)]
    which: Which,
    /// The way out: bank, ours or complete
    #[arg(long = "as", value_name = "WAY", value_parser = ways())]
    way: Option<Way>,
    /// Confirm what another person proposed
    #[arg(long)]
    confirm: bool,
    /// Take back what was proposed
    #[arg(long)]
    withdraw: bool,
    /// Why, for the journal; a dry run needs none
    #[arg(long, value_name = "TEXT", value_parser = reason, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Show what it would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn ways() -> impl clap::builder::TypedValueParser<Value = Way> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Way::ALL.map(Way::as_str))
        .try_map(|word| Way::parse(&word).ok_or("there is no such way out"))
}

impl Resolve {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        let word = Word {
            ask: self.ask(),
            reason: reason_or_none(self.reason.as_deref()),
            by: operator_name(),
            cause: operator(),
        };
        let decision = spoken(&desk, &found, merchant, word, self.dry_run).await?;
        if self.json {
            return output.json(&DecidedDocument::of(&decision, self.dry_run));
        }
        tell(&decision, &found.order, merchant, self.dry_run, &desk, output)
    }

    fn ask(&self) -> Ask {
        match self.way {
            Some(way) => Ask::Do(Proposed::Way(way)),
            None if self.confirm => Ask::Confirm,
            None => Ask::Withdraw,
        }
    }
}
