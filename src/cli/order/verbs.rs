//! `order reverse`, `order refund` and `order decline`: what an operator orders for an order's money besides its
//! completion.
//!
//! Written to the journal with the operator's name and reason; the daemon carries it out, after two looks at the bank
//! that agree. Nothing is sent from here.

use std::path::Path;

use super::super::desk::{Desk, operator, operator_name, reason, reason_or_none};
use super::super::failure::Failure;
use super::super::output::Output;
use super::super::review::document::DecidedDocument;
use super::super::review::spoken::{spoken, tell};
use super::Which;
use super::acts::amount;
use crate::domain::money::Amount;
use crate::domain::review::proposal::{Ask, Proposed, Word};
use crate::domain::verbs::Verb;

/// What all three are given.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Said {
    #[command(flatten)]
    which: Which,
    /// Why, for the journal; a dry run needs none
    #[arg(long, value_name = "TEXT", value_parser = reason, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Take back what was ordered and not sent yet
    #[arg(long, conflicts_with = "confirm")]
    take_back: bool,
    /// Confirm what another person proposed, where two people decide
    #[arg(long)]
    confirm: bool,
    /// Show what it would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was decided as one JSON object
    #[arg(long)]
    json: bool,
}

/// `reconciled order reverse`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Reverse {
    #[command(flatten)]
    said: Said,
}

/// `reconciled order refund`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "One refund of an order goes at a time, and the next one once the bank shows it. A refund whose \
                        outcome stays unknown is never sent again by itself, unless it gives back all that is left or \
                        the bank tells refunds apart (`refund_tools`): it goes to review."
)]
pub(in super::super) struct Refund {
    #[command(flatten)]
    said: Said,
    /// Give back this much, in minor units; otherwise all that is left
    #[arg(long, value_name = "MINOR", value_parser = amount, allow_hyphen_values = true,
          conflicts_with_all = ["take_back", "confirm"])]
    amount: Option<Amount>,
}

/// `reconciled order decline`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Decline {
    #[command(flatten)]
    said: Said,
}

impl Reverse {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        self.said.run(Verb::Reverse, config, output).await
    }
}

impl Refund {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        self.said.run(Verb::Refund(self.amount), config, output).await
    }
}

impl Decline {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        self.said.run(Verb::Decline, config, output).await
    }
}

impl Said {
    async fn run(self, verb: Verb, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        let ask = match (self.confirm, self.take_back) {
            (true, _) => Ask::Confirm,
            (false, true) => Ask::Do(Proposed::Verb(Verb::TakeBack)),
            (false, false) => Ask::Do(Proposed::Verb(verb)),
        };
        let word = Word { ask, reason: reason_or_none(self.reason.as_deref()), by: operator_name(), cause: operator() };
        let decision = spoken(&desk, &found, merchant, word, self.dry_run).await?;
        if self.json {
            return output.json(&DecidedDocument::of(&decision, self.dry_run));
        }
        tell(&decision, &found.order, merchant, self.dry_run, &desk, output)
    }
}
