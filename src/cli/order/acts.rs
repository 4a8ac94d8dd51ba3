//! `order release` and `order park`: an operator's word about an order's completion.
//!
//! The act is decided by the domain against the row as it is in the same transaction, and written to the journal with
//! the operator's name. Nothing is sent from here.

use std::path::Path;

use super::super::desk::{Desk, operator, operator_name, reason};
use super::super::failure::Failure;
use super::super::output::Output;
use super::super::review::document::DecidedDocument;
use super::super::review::spoken::{spoken, tell};
use super::Which;
use super::document::OrderDocument;
use crate::config::MerchantConfig;
use crate::domain::acts::{self, Act, ActError};
use crate::domain::money::{Amount, AmountError};
use crate::domain::operation::Operation;
use crate::domain::order::{Order, State};
use crate::domain::review::proposal::{Ask, Proposed, Word};
use crate::domain::time::Timestamp;
use crate::store::{Amendment, OrderWithOperation};

/// `reconciled order release`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Release {
    #[command(flatten)]
    which: Which,
    /// Complete this much, in minor units; otherwise what was said before: the whole, if nothing was
    #[arg(long, value_name = "MINOR", value_parser = amount, allow_hyphen_values = true)]
    amount: Option<Amount>,
    /// Why, for the journal; needed where two people release
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
    /// Confirm the release that another person proposed
    #[arg(long, requires = "reason", conflicts_with = "amount")]
    confirm: bool,
    /// Print the order as one JSON object; where two people release, what was decided
    #[arg(long)]
    json: bool,
}

/// `reconciled order park`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Park {
    #[command(flatten)]
    which: Which,
    /// Print the order as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn amount(text: &str) -> Result<Amount, String> {
    let minor: i64 = text.parse().map_err(|_| "give whole minor units (kopecks): 10.50 is written 1050".to_owned())?;
    Amount::new(minor).map_err(|error: AmountError| error.to_string())
}

impl Release {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        if self.confirm || merchant.review.four_eyes {
            return self.with_four_eyes(&desk, &found, merchant, output).await;
        }
        let (policy, cause, now, amount) = (merchant.policy(), operator(), desk.now, self.amount);
        let reason = self.reason.unwrap_or_default();
        let act = move |order: &Order, open: Option<&Operation>| {
            acts::release(order, open, amount, &reason, &policy, cause, now)
        };
        let after = perform(&desk, &found, act).await?;
        if self.json {
            return output.json(&OrderDocument::from(&after));
        }
        output.line(format!(
            "Order {} is released; {}.",
            after.order.number,
            completed(&after.order, merchant, desk.now)
        ))?;
        desk.remark_idle();
        Ok(())
    }

    /// One person proposes the release, a second one confirms it.
    async fn with_four_eyes(
        self,
        desk: &Desk,
        found: &OrderWithOperation,
        merchant: &MerchantConfig,
        output: &Output,
    ) -> Result<(), Failure> {
        let Some(reason) = self.reason else {
            return Err(Failure::Usage(format!(
                "{} lets money move on two people's word (`four_eyes`); say why with --reason, and a second person \
                 confirms it with --confirm",
                merchant.id
            )));
        };
        let ask = if self.confirm { Ask::Confirm } else { Ask::Do(Proposed::Release(self.amount)) };
        let word = Word { ask, reason, by: operator_name(), cause: operator() };
        let decision = spoken(desk, found, merchant, word, false).await?;
        if self.json {
            return output.json(&DecidedDocument::of(&decision, false));
        }
        tell(&decision, &found.order, merchant, false, desk, output)
    }
}

impl Park {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        let (policy, cause) = (merchant.policy(), operator());
        let act = move |order: &Order, open: Option<&Operation>| acts::park(order, open, Some(&policy), cause);
        let after = perform(&desk, &found, act).await?;
        if self.json {
            return output.json(&OrderDocument::from(&after));
        }
        let number = &after.order.number;
        output.line(format!("Order {number} is parked: nothing is taken until it is released."))
    }
}

/// When a released order is completed.
fn completed(order: &Order, merchant: &MerchantConfig, now: Timestamp) -> String {
    match (order.state, order.complete_at) {
        (State::Pending, _) => "it is completed once it is held".to_owned(),
        (_, Some(at)) if at <= now => "its completion is due at once".to_owned(),
        (_, Some(at)) => format!("its completion is due at {}", merchant.zone.for_people(at)),
        (_, None) => "its completion is not planned".to_owned(),
    }
}

/// Decides `act` against the order as it is now and writes it; the order as it is then.
pub(super) async fn perform<F>(desk: &Desk, found: &OrderWithOperation, act: F) -> Result<OrderWithOperation, Failure>
where
    F: FnOnce(&Order, Option<&Operation>) -> Result<Act, ActError> + Send + 'static,
{
    let order = &found.order;
    let decide = |order: &Order, open: Option<&Operation>| Amendment::of_act(act(order, open));
    let done = desk.store.amend(order.key, desk.now, decide).await?;
    done.map_err(|refused| Failure::failed(format!("order {} stays as it is: {refused}", order.number)))?;
    Ok(desk.store.order(&order.merchant, order.number.as_str()).await?)
}
