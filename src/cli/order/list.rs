//! `order list`: which orders there are, oldest first, with what each waits for.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::output::{Cell, Output, Table, Tint, cell, counted, remark, state_cell, tinted};
use super::document::OrderDocument;
use super::merchant_id;
use crate::domain::money::for_people;
use crate::domain::operation::OperationState;
use crate::domain::order::{MerchantId, State};
use crate::domain::time::{Timestamp, in_words};
use crate::store::{ListFilter, OrderWithOperation};

/// `reconciled order list`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct List {
    /// Of this merchant only
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    merchant: Option<MerchantId>,
    /// In this state only
    #[arg(long, value_parser = states())]
    state: Option<State>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

fn states() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(State::ALL.map(State::as_str))
        .try_map(|word| State::parse(&word).ok_or("there is no such state"))
}

impl List {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        if let Some(id) = &self.merchant {
            desk.merchant(id)?;
        }
        let (found, is_all) = self.read(&desk).await?;
        if self.json {
            return output.json(&found.iter().map(OrderDocument::from).collect::<Vec<_>>());
        }
        if found.is_empty() {
            remark("There are no such orders.");
            return Ok(());
        }
        output.table(self.table(&found, &desk))?;
        if !is_all {
            remark(&format!("These are the oldest {}; --limit shows more.", self.limit));
        }
        Ok(())
    }

    /// The orders, and whether there are no more. The store hands out pages.
    async fn read(&self, desk: &Desk) -> Result<(Vec<OrderWithOperation>, bool), Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut found: Vec<OrderWithOperation> = Vec::new();
        loop {
            let missing = u32::try_from(limit - found.len()).unwrap_or(u32::MAX);
            let page = desk
                .store
                .list_orders(ListFilter {
                    merchant: self.merchant.clone(),
                    state: self.state,
                    after: found.last().map(|last| last.order.key),
                    // One more than is shown tells whether there are more.
                    limit: missing.saturating_add(1),
                })
                .await?;
            if page.is_empty() {
                return Ok((found, true));
            }
            found.extend(page);
            if found.len() > limit {
                found.truncate(limit);
                return Ok((found, false));
            }
        }
    }

    /// The merchant has a column where there are several to tell apart.
    fn table(&self, found: &[OrderWithOperation], desk: &Desk) -> Table {
        let several = self.merchant.is_none() && desk.config.merchants.len() > 1;
        let header: &[_] = if several {
            &["MERCHANT", "ORDER", "AMOUNT", "STATE", "FOR", "NOTE"]
        } else {
            &["ORDER", "AMOUNT", "STATE", "FOR", "NOTE"]
        };
        let mut table = Table::new(header).align_right(&[header.len() - 4]);
        for found in found {
            let merchant = several.then(|| cell(&found.order.merchant));
            table.row(merchant.into_iter().chain(row(found, desk.now)).collect());
        }
        table
    }
}

fn row(found: &OrderWithOperation, now: Timestamp) -> [Cell; 5] {
    let order = &found.order;
    [
        cell(&order.number),
        cell(for_people(order.amount.minor(), order.currency)),
        state_cell(order.state),
        cell(in_words(now.since(order.state_since))),
        note(found, now),
    ]
}

/// The one thing most worth knowing of an order.
fn note(found: &OrderWithOperation, now: Timestamp) -> Cell {
    let order = &found.order;
    let open = found.operation.as_ref().map(|operation| (operation.state, operation.kind.as_str()));
    let in_a_while = |at: Timestamp| in_words(at.since(now));
    if let Some(review) = &order.review {
        return tinted(&review.sentence, Tint::Bad);
    }
    match (open, order.state, order.complete_at) {
        (Some((OperationState::InDoubt, kind)), _, _) => tinted(format!("{kind} in doubt"), Tint::Warning),
        (Some((OperationState::Intended, kind)), _, _) => cell(format!("{kind} at work")),
        (_, State::Held | State::Pending, _) if order.parked => tinted("parked", Tint::Warning),
        (_, State::Held, Some(at)) if at <= now => cell("completion due"),
        (_, State::Held, Some(at)) => cell(format!("completion in {}", in_a_while(at))),
        (_, State::Held, None) => tinted("waits for its release", Tint::Warning),
        (_, State::Pending, _) if order.unknown_in_a_row > 0 => {
            tinted(format!("{} that told nothing", counted(order.unknown_in_a_row, "answer")), Tint::Warning)
        }
        _ => cell(""),
    }
}
