//! `review list`: what stands in review, the most urgent first.

use std::path::Path;

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::order::merchant_id;
use super::super::output::{Cell, Output, Table, Tint, cell, remark, tinted};
use super::document::ListedDocument;
use crate::domain::money::for_people;
use crate::domain::order::{MerchantId, State};
use crate::domain::review::advice::{advice, at_stake, by_urgency, kind_in_words, kind_of, lapses_at};
use crate::domain::time::{Timestamp, in_words};
use crate::store::{ListFilter, OrderWithOperation};

/// `reconciled review list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Holds come first, by the time they lapse; then the largest sums. An empty list is no failure.")]
pub(in super::super) struct List {
    /// Of this merchant only
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    merchant: Option<MerchantId>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        if let Some(id) = &self.merchant {
            desk.merchant(id)?;
        }
        let mut found = self.read(&desk).await?;
        by_urgency(&mut found, |found| &found.order);
        if self.json {
            return output.json(&found.iter().map(ListedDocument::from).collect::<Vec<_>>());
        }
        if found.is_empty() {
            remark("Nothing stands in review.");
            return Ok(());
        }
        output.table(self.table(&found, &desk))?;
        remark("What both sides say, and the ways out: reconciled review show ORDER");
        Ok(())
    }

    /// Everything in review, page by page: none of it may be left out.
    async fn read(&self, desk: &Desk) -> Result<Vec<OrderWithOperation>, Failure> {
        let mut all: Vec<OrderWithOperation> = Vec::new();
        loop {
            let filter = ListFilter {
                merchant: self.merchant.clone(),
                state: Some(State::Review),
                after: all.last().map(|last| last.order.key),
                limit: u32::MAX,
            };
            let page = desk.store.list_orders(filter).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// The merchant stands beside the number where there are several to tell apart.
    fn table(&self, found: &[OrderWithOperation], desk: &Desk) -> Table {
        let several = self.merchant.is_none() && desk.config.merchants.len() > 1;
        let header = ["ORDER", "FOR", "AMOUNT", "AT STAKE", "LAPSES", "WHY, AND THE WAY OUT"];
        // Names and reasons fold on a narrow terminal; sums and times are read in one piece.
        let mut table = Table::new(&header).align_right(&[2, 3]).unfolded(&[1, 2, 3, 4]);
        for found in found {
            table.row(row(found, several, desk.now));
        }
        table
    }
}

fn row(found: &OrderWithOperation, several: bool, now: Timestamp) -> Vec<Cell> {
    let order = &found.order;
    let (minor, currency) = at_stake(order);
    let is_whole = (minor, currency) == (order.amount.minor(), order.currency);
    let merchant = if several { format!(" of {}", order.merchant) } else { String::new() };
    vec![
        cell(format!("{}{merchant}", order.number)),
        cell(in_words(now.since(order.state_since))),
        cell(for_people(order.amount.minor(), order.currency)),
        cell(if is_whole { "all".to_owned() } else { for_people(minor, currency) }),
        lapses_at(order).map_or(cell(""), |at| lapse(at, now)),
        tinted(format!("{}: {}", kind_in_words(order), advice(kind_of(order)).way.as_str()), Tint::Bad),
    ]
}

fn lapse(at: Timestamp, now: Timestamp) -> Cell {
    if at > now { cell(in_words(at.since(now))) } else { tinted("lapsed", Tint::Bad) }
}
