//! `order add`: one order, typed by hand or by a script.

use std::path::Path;

use serde::Serialize;

use super::super::desk::{Desk, operator};
use super::super::failure::Failure;
use super::super::output::Output;
use crate::daemon::tally::{Word, refusal};
use crate::domain::money::for_people;
use crate::domain::order::NewOrder;
use crate::intake::{Field, RawOrder, check};
use crate::store::Added;

/// `reconciled order add`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Adding an order again changes nothing, so a script may repeat what it is not sure of.")]
pub(in super::super) struct Add {
    /// The shop's number of the order
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    number: String,
    /// Its price in minor units: 10.50 is written 1050
    #[arg(long, value_name = "MINOR", allow_hyphen_values = true)]
    amount: String,
    /// Whose order; needed when there are several merchants
    #[arg(long, value_name = "NAME")]
    merchant: Option<String>,
    /// Its currency, such as RUB or 643; the merchant's otherwise
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// The gateway's id of the order, when it is known
    #[arg(long, value_name = "ID")]
    order_id: Option<String>,
    /// When its payment page closes, such as 2026-11-20T14:03:05Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Complete only this much of it, in minor units; the whole otherwise
    #[arg(long, value_name = "MINOR", allow_hyphen_values = true)]
    complete_amount: Option<String>,
    /// When the bank completes its hold by itself, as registered: 2026-11-20T14:03:05 in Moscow time, or with an offset
    #[arg(long, value_name = "TIME")]
    autocompletion_date: Option<String>,
    /// Its money is held first and taken later (registerPreAuth.do); it is learned apart when such orders are paid
    #[arg(long)]
    two_phase: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    merchant: &'a str,
    order_number: &'a str,
    #[serde(flatten)]
    word: Word,
}

impl Add {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open_or_create(config)?;
        let order = check(&self.raw(), &desk.config).map_err(|rejection| {
            let problems: Vec<_> = rejection.problems.iter().map(ToString::to_string).collect();
            Failure::Usage(format!("this is no order: {}", problems.join("\n       ")))
        })?;
        let added = desk.store.add_orders(vec![order.clone()], operator(), desk.now).await?;
        let Some(added) = added.first() else {
            return Err(Failure::failed("the database did not say what became of the order"));
        };
        let refusal = refusal(&order, added);
        if self.json {
            let (merchant, order_number) = (order.merchant.as_str(), order.number.as_str());
            output.json(&Document { merchant, order_number, word: Word::from(added) })?;
            return if refusal.is_some() { Err(Failure::told()) } else { Ok(()) };
        }
        let (number, merchant) = (&order.number, &order.merchant);
        match (refusal, added) {
            (Some(why), _) => Err(Failure::failed(format!("order {number} was not queued: {why}"))),
            (None, Added::New | Added::NewInReview) => queued(&desk, &order, output).await,
            (None, _) => output.line(format!("Order {number} of {merchant} was queued before, the same.")),
        }
    }

    fn raw(&self) -> RawOrder {
        let text = |option: &'_ Option<String>| option.clone().unwrap_or_default();
        let texts = [
            (Field::Merchant, text(&self.merchant)),
            (Field::OrderNumber, self.number.clone()),
            (Field::Amount, self.amount.clone()),
            (Field::Currency, text(&self.currency)),
            (Field::OrderId, text(&self.order_id)),
            (Field::ExpiresAt, text(&self.expires_at)),
            (Field::CompleteAmount, text(&self.complete_amount)),
            (Field::AutocompletionDate, text(&self.autocompletion_date)),
            (Field::TwoPhase, if self.two_phase { "true".to_owned() } else { String::new() }),
        ];
        RawOrder::from_texts(texts.iter().map(|(field, text)| (*field, text.as_str())))
    }
}

async fn queued(desk: &Desk, order: &NewOrder, output: &Output) -> Result<(), Failure> {
    let sum = for_people(order.amount.minor(), order.currency);
    let (number, merchant) = (&order.number, &order.merchant);
    output.line(format!("Order {number} of {merchant} is queued, for {sum}."))?;
    // Sent for before the database was lost: see the store's `Added::NewInReview`.
    if let Some(review) = desk.store.order(merchant, number.as_str()).await?.order.review {
        let remedy = format!("reconciled review show {number} --merchant {merchant}");
        output.line(format!("It stands in review at once: {}. What to do: {remedy}", review.sentence))?;
    }
    desk.remark_idle();
    Ok(())
}
