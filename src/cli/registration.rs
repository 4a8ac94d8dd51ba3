//! `registration list` and `registration settle`: registrations whose outcome at the bank is open, and a person's word
//! about those that the bank cannot be made to tell of.

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;

use super::desk::{self, Desk, operator, operator_name};
use super::failure::Failure;
use super::order::Which;
use super::output::{Output, Table, Tint, cell, remark, tinted};
use crate::domain::money::for_people;
use crate::domain::order::{MerchantId, NameError, OrderId};
use crate::domain::registration::journey::{Found, Registration, State};
use crate::domain::time::in_words;
use crate::store::PersonsWord;

/// Registrations shown of a merchant: more are not settled one by one.
const LIST_MAX: usize = 1_000;

/// What can be done about registrations.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List what is not settled, what a person has to settle first
    List(List),
    /// Say what the bank's console shows of a stuck registration
    #[command(
        after_help = "An order that is named enters the queue, and the bank is asked about it by that id. Where there \
                            is none, the registration ends and its number may be handed in again."
    )]
    Settle(Settle),
}

/// `reconciled registration list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Whose; everybody's otherwise
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    merchant: Option<MerchantId>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `reconciled registration settle`.
#[derive(Debug, clap::Args)]
pub(super) struct Settle {
    #[command(flatten)]
    which: Which,
    /// The gateway's id of the order, as the bank's console shows it
    #[arg(long, value_name = "ID", value_parser = order_id, required_unless_present = "none", conflicts_with = "none")]
    order_id: Option<OrderId>,
    /// The bank's console shows no order of this number
    #[arg(long)]
    none: bool,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", value_parser = desk::reason)]
    reason: String,
}

fn merchant_id(text: &str) -> Result<MerchantId, NameError> {
    MerchantId::new(text)
}

fn order_id(text: &str) -> Result<OrderId, NameError> {
    OrderId::new(text)
}

impl Command {
    /// Does what was asked, with the configuration at `config`.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        match self {
            Self::List(list) => list.run(&desk, output).await,
            Self::Settle(settle) => settle.run(&desk, output).await,
        }
    }
}

impl List {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        if let Some(merchant) = &self.merchant {
            desk.merchant(merchant)?;
        }
        let mut found = Vec::new();
        for merchant in &desk.config.merchants {
            if self.merchant.as_ref().is_none_or(|asked| *asked == merchant.id) {
                found.extend(desk.store.list_registrations(&merchant.id, LIST_MAX).await?);
            }
        }
        if self.json {
            let registrations = found.iter().map(Line::from).collect();
            return output.json(&Document { at: desk.now.to_string(), registrations });
        }
        if found.is_empty() {
            return output.line("Every registration is settled.");
        }
        let mut table = Table::new(&["ORDER", "MERCHANT", "AMOUNT", "STATE", "FOR", "LATEST WORD"]);
        for row in &found {
            let state = match row.stuck_since {
                Some(_) => tinted("stuck", Tint::Bad),
                None => cell(row.state),
            };
            table.row(vec![
                cell(&row.number),
                cell(&row.merchant),
                cell(for_people(row.amount.minor(), row.currency)),
                state,
                cell(in_words(desk.now.since(row.created_at))),
                cell(row.note.as_deref().unwrap_or("none yet")),
            ]);
        }
        output.table(table)?;
        if found.iter().any(|row| row.stuck_since.is_some()) {
            remark(
                "For what is stuck, see the bank's console, then: reconciled registration settle ORDER, with --order-id or --none",
            );
        }
        Ok(())
    }
}

impl Settle {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let number = &self.which.number;
        let merchant = &desk.merchant_or_only(self.which.merchant.as_ref())?.id;
        let Some(row) = desk.store.registration(merchant, number).await? else {
            return Err(Failure::failed(format!("no registration of {merchant} is known with the number {number}")));
        };
        let found = self.order_id.map_or(Found::Nothing, Found::Order);
        let word = PersonsWord { found, cause: operator(), name: operator_name(), reason: self.reason };
        let settled = desk.store.settle_registration(row.key, word, desk.now).await?;
        let row = settled
            .map_err(|refused| Failure::failed(format!("the registration of {number} stays as it is: {refused}")))?;
        match (row.state, &row.order_id) {
            (State::Registered, Some(id)) => {
                output
                    .line(format!("Order {number} of {merchant} is registered and queued, with the order id {id}."))?;
                desk.remark_idle();
                Ok(())
            }
            _ => output
                .line(format!("Order {number} of {merchant} is not registered; its number may be handed in again.")),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    at: String,
    registrations: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    merchant: &'a str,
    order_number: &'a str,
    amount: i64,
    currency: String,
    state: &'static str,
    created_at: String,
    stuck_since: Option<String>,
    attempts: u32,
    note: Option<&'a str>,
}

impl<'a> From<&'a Registration> for Line<'a> {
    fn from(row: &'a Registration) -> Self {
        Self {
            merchant: row.merchant.as_str(),
            order_number: row.number.as_str(),
            amount: row.amount.minor(),
            currency: row.currency.to_string(),
            state: row.state.as_str(),
            created_at: row.created_at.to_string(),
            stuck_since: row.stuck_since.map(|since| since.to_string()),
            attempts: row.attempt,
            note: row.note.as_deref(),
        }
    }
}
