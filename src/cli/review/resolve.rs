//! `review resolve`: a person's word, or what it would do.

use std::path::Path;

use super::super::desk::{Desk, operator, operator_name};
use super::super::failure::Failure;
use super::super::order::Which;
use super::super::output::{Output, Table, cell};
use super::document::DecidedDocument;
use super::open;
use super::show::money;
use crate::config::MerchantConfig;
use crate::domain::review::proposal::{Ask, Decision, LASTS, Outcome, Word, decide};
use crate::domain::review::{ReviewError, Way};
use crate::domain::time::in_words;
use crate::store::{Amendment, OrderWithOperation};

/// The longest reason that is kept, in characters: it stands in the journal for ever.
const REASON_MAX: usize = 400;

/// `reconciled review resolve`.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["way", "confirm", "withdraw"]),
    after_help = "Ways out:\n  bank      the bank's latest view is true; a completion in doubt is taken to have had no effect\n  \
                  ours      our book stands, the answer that contradicted it was wrong\n  \
                  complete  as the bank shows it, and its completion is released again\n\n\
                  With `four_eyes` in the configuration, a way after which money may move is proposed first; a second \
                  person, by another name, confirms it."
)]
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
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
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

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say why, for whoever reads the journal later".to_owned()),
        1..=REASON_MAX => Ok(text.to_owned()),
        _ => Err(format!("say it in at most {REASON_MAX} characters")),
    }
}

impl Resolve {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        let word = Word { ask: self.ask(), reason: self.reason.clone(), by: operator_name(), cause: operator() };
        let decided = if self.dry_run {
            let standing = desk.store.proposal(found.order.key).await?;
            let four_eyes = merchant.review.four_eyes;
            decide(&found.order, open(&found), standing.as_ref(), &word, &merchant.policy(), four_eyes, desk.now)
        } else {
            perform(&desk, &found, merchant, word).await?
        };
        let number = &found.order.number;
        let decision =
            decided.map_err(|refused| Failure::failed(format!("order {number} stays in review: {refused}")))?;
        if self.json {
            return output.json(&DecidedDocument::of(&decision, self.dry_run));
        }
        self.tell(&decision, merchant, &desk, output)
    }

    fn ask(&self) -> Ask {
        match self.way {
            Some(way) => Ask::Resolve(way),
            None if self.confirm => Ask::Confirm,
            None => Ask::Withdraw,
        }
    }

    /// The same before and after the fact.
    fn tell(
        &self,
        decision: &Decision,
        merchant: &MerchantConfig,
        desk: &Desk,
        output: &Output,
    ) -> Result<(), Failure> {
        let number = &self.which.number;
        let after = decision.event.after;
        if self.dry_run {
            output.heading("Nothing is written. It would be so:")?;
        }
        output.heading(match decision.outcome {
            Outcome::Resolved => format!("Order {number} is out of review: {after}"),
            Outcome::Proposed => format!("Order {number}: proposed, to be confirmed by a second person"),
            Outcome::Withdrawn => format!("Order {number}: what was proposed is taken back"),
        })?;
        if decision.outcome == Outcome::Proposed {
            output.line(format!("Within {}; it changes then:", in_words(LASTS)))?;
        }
        if !decision.changes.is_empty() {
            let mut table = Table::new(&["", "COLUMN", "BEFORE", "AFTER"]);
            for change in &decision.changes {
                table.row(vec![cell(""), cell(change.column), cell(&change.before), cell(&change.after)]);
            }
            output.table(table)?;
        }
        let event = &decision.event;
        let mut facts = Table::facts();
        facts.fact("journal", format!("{} by {}: {}", event.kind.as_str(), event.cause.to_text(), event.detail));
        let money = money(decision.sends, &merchant.zone, desk.now);
        match decision.outcome {
            Outcome::Resolved => facts.fact("money", money),
            Outcome::Proposed => facts.fact("money", format!("once it is confirmed, {money}")),
            Outcome::Withdrawn => {}
        }
        output.table(facts)?;
        if decision.outcome == Outcome::Resolved && decision.sends.may_move_money() && !self.dry_run {
            desk.remark_idle();
        }
        Ok(())
    }
}

/// Decides against the order as it is in the same transaction, and writes it.
async fn perform(
    desk: &Desk,
    found: &OrderWithOperation,
    merchant: &MerchantConfig,
    word: Word,
) -> Result<Result<Decision, ReviewError>, Failure> {
    let (policy, four_eyes, now) = (merchant.policy(), merchant.review.four_eyes, desk.now);
    let done = desk.store.amend_review(found.order.key, now, move |order, open, standing| {
        Amendment::of_decision(decide(order, open, standing, &word, &policy, four_eyes, now), standing)
    });
    Ok(done.await?)
}
