//! `order review`: what stands in review, what both sides say, and the way out.

use std::path::Path;

use serde::Serialize;

use super::super::desk::{Desk, operator, reason};
use super::super::failure::Failure;
use super::super::output::{Output, Table, remark};
use super::acts::perform;
use super::document::OrderDocument;
use super::merchant_id;
use crate::config::MerchantConfig;
use crate::domain::acts;
use crate::domain::money::for_people;
use crate::domain::operation::{Operation, OperationState};
use crate::domain::order::{MerchantId, Order, State};
use crate::domain::time::{Timestamp, in_words};
use crate::store::{ListFilter, OrderWithOperation};

/// `reconciled order review`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An order goes to review when its money contradicts itself. Find out what is true in the bank's \
                        console first: accepting takes the bank's latest view as true, in your name."
)]
pub(in super::super) struct Review {
    /// The order to show or accept; without it, all that stand in review are listed
    number: Option<String>,
    /// Whose orders
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    merchant: Option<MerchantId>,
    /// Take the bank's latest view as true, and the order out of review
    #[arg(long, requires = "number", requires = "reason")]
    accept: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", requires = "accept", value_parser = reason)]
    reason: Option<String>,
    /// Print one JSON array, or the accepted order as one JSON object
    #[arg(long)]
    json: bool,
}

impl Review {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        match (&self.number, self.reason.clone().filter(|_| self.accept)) {
            (Some(number), Some(reason)) => self.accept(&desk, number, reason, output).await,
            (Some(number), None) => {
                let (found, _) = desk.order(number, self.merchant.as_ref()).await?;
                if found.order.state != State::Review {
                    let (number, state) = (&found.order.number, found.order.state);
                    return Err(Failure::failed(format!("order {number} is {state}, not in review")));
                }
                self.print(&desk, &[found], output)
            }
            (None, _) => self.print(&desk, &self.in_review(&desk).await?, output),
        }
    }

    async fn accept(&self, desk: &Desk, number: &str, reason: String, output: &Output) -> Result<(), Failure> {
        let (found, merchant) = desk.order(number, self.merchant.as_ref()).await?;
        let (policy, cause, now) = (merchant.policy(), operator(), desk.now);
        let after =
            perform(desk, &found, move |order, open| acts::accept(order, open, &reason, &policy, cause, now)).await?;
        if self.json {
            return output.json(&OrderDocument::from(&after));
        }
        let lets_completion_go = open(&found).is_some();
        output.line(format!(
            "Order {} is accepted. It is {}.",
            after.order.number,
            consequence(&after.order, lets_completion_go, desk)
        ))
    }

    /// Everything in review, page by page: none of it may be left out.
    async fn in_review(&self, desk: &Desk) -> Result<Vec<OrderWithOperation>, Failure> {
        if let Some(id) = &self.merchant {
            desk.merchant(id)?;
        }
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

    fn print(&self, desk: &Desk, found: &[OrderWithOperation], output: &Output) -> Result<(), Failure> {
        if self.json {
            let document = |found| Document {
                order: OrderDocument::from(found),
                accepting_makes_it: becomes(found, desk).map(|after| after.state.as_str()),
            };
            return output.json(&found.iter().map(document).collect::<Vec<_>>());
        }
        if found.is_empty() {
            remark("Nothing stands in review.");
        }
        for (position, found) in found.iter().enumerate() {
            let gap = if position == 0 { "" } else { "\n" };
            let order = &found.order;
            let age = in_words(desk.now.since(order.state_since));
            output.heading(format!("{gap}Order {} of {}, in review for {age}", order.number, order.merchant))?;
            output.table(sides(found, desk))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    order: OrderDocument<'a>,
    /// The state it would have when what the bank shows were accepted.
    accepting_makes_it: Option<&'static str>,
}

/// What both sides say, and the way out.
fn sides(found: &OrderWithOperation, desk: &Desk) -> Table {
    let order = &found.order;
    let mut facts = Table::facts();
    facts.fact("why", order.review.as_ref().map_or("no reason was recorded", |review| &review.sentence));
    facts.fact("we have", for_people(order.amount.minor(), order.currency));
    if let Some(open) = open(found) {
        facts.fact("we sent", sent(open, order, desk));
    }
    facts.fact("the bank has", theirs(order, desk));
    let several = desk.config.merchants.len() > 1;
    let merchant = if several { format!(" --merchant {}", order.merchant) } else { String::new() };
    facts.fact("to accept it", format!("reconciled order review {}{merchant} --accept --reason \"...\"", order.number));
    if let Some(after) = becomes(found, desk) {
        facts.fact("which makes it", consequence(&after, open(found).is_some(), desk));
    }
    facts
}

fn open(found: &OrderWithOperation) -> Option<&Operation> {
    found.operation.as_ref().filter(|operation| operation.state.is_open())
}

fn sent(open: &Operation, order: &Order, desk: &Desk) -> String {
    let sum = open.expected_minor.map_or("the whole hold".to_owned(), |minor| for_people(minor, order.currency));
    match (open.state, open.sent_at) {
        (OperationState::InDoubt, Some(at)) => {
            format!("a completion of {sum}, at {}; its outcome is not known", local(at, order, desk))
        }
        _ => format!("nothing yet; a completion of {sum} is due"),
    }
}

fn theirs(order: &Order, desk: &Desk) -> String {
    let Some(seen) = &order.view else {
        return "shown nothing yet".to_owned();
    };
    let currency = seen.view.currency.unwrap_or(order.currency);
    let sum = |minor| for_people(minor, currency);
    let price = seen.view.amount.map(|minor| format!(", {}", sum(minor))).unwrap_or_default();
    let amounts = seen.view.amounts.map(|amounts| {
        format!(
            "; approved {}, deposited {}, refunded {}",
            sum(amounts.approved),
            sum(amounts.deposited),
            sum(amounts.refunded)
        )
    });
    let amounts = amounts.unwrap_or_default();
    format!("{}{price}{amounts} ({})", seen.view.status, local(seen.seen_at, order, desk))
}

fn local(at: Timestamp, order: &Order, desk: &Desk) -> String {
    desk.config.merchant(&order.merchant).map_or_else(|| at.to_string(), |merchant| merchant.zone.for_people(at))
}

/// What follows from accepting, said before it is done: it may be that money moves at once.
fn consequence(after: &Order, lets_completion_go: bool, desk: &Desk) -> String {
    let completion = match after.complete_at {
        Some(at) if at <= desk.now => "; its completion is due at once".to_owned(),
        Some(at) => format!("; its completion is due at {}", local(at, after, desk)),
        None if lets_completion_go => {
            "; the completion is taken to have had no effect, and the order is parked".to_owned()
        }
        None => String::new(),
    };
    format!("{}{completion}", after.state)
}

/// The order as it would be when what the bank shows were accepted: the same rule, only not written.
fn becomes(found: &OrderWithOperation, desk: &Desk) -> Option<Order> {
    let policy = desk.config.merchant(&found.order.merchant).map(MerchantConfig::policy)?;
    let act = acts::accept(&found.order, open(found), "", &policy, operator(), desk.now).ok()?;
    Some(act.order)
}
