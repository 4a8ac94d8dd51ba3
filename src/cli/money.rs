//! `money stop`, `money start` and `money show`: the kill switch, and how the money stands against its limits.
//!
//! A stop is a row in the database, so it works whether the daemon runs or not. The daemon reads it before every send;
//! questions to the bank go on.

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;

use super::desk::{Desk, operator};
use super::failure::Failure;
use super::output::{Output, Table, Tint, cell, remark, tinted};
use super::status::FreezeDocument;
use crate::config::MerchantConfig;
use crate::domain::guard::{self, Scope, Stop};
use crate::domain::money::for_people;
use crate::domain::order::{MerchantId, NameError};
use crate::domain::time::{Timestamp, in_words};
use crate::store::{Freeze, LastDay, MoneyFigures, Starting, Stopping};

/// The longest reason, in characters: every completion that waits repeats it in its note, which has to have room for
/// it.
const REASON_MAX: usize = 250;

/// What can be done about money.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Stop sending: everything, a merchant's money or an order's
    #[command(after_help = "What was sent already cannot be called back; the bank is asked on what became of it.")]
    Stop(Switch),
    /// Let go what was stopped, by a person or by the brake
    Start(Switch),
    /// Show what is stopped, since when, by whom and why, and how much of the limits is used
    Show(Show),
}

/// `reconciled money stop` and `reconciled money start`.
#[derive(Debug, clap::Args)]
pub(super) struct Switch {
    /// Whose money; without it, everybody's
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    merchant: Option<MerchantId>,
    /// The money of this order alone
    #[arg(long, value_name = "NUMBER", requires = "merchant")]
    order: Option<String>,
    /// Why, for whoever meets the stop later
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

/// `reconciled money show`.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn merchant_id(text: &str) -> Result<MerchantId, NameError> {
    MerchantId::new(text)
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say why, for whoever meets the stop later".to_owned()),
        1..=REASON_MAX => Ok(text.to_owned()),
        _ => Err(format!("say it in at most {REASON_MAX} characters")),
    }
}

impl Command {
    /// Does what was asked, with the configuration at `config`.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        match self {
            Self::Stop(switch) => stop(switch, &desk, output).await,
            Self::Start(switch) => start(switch, &desk, output).await,
            Self::Show(show) => show.run(&desk, output).await,
        }
    }
}

/// Stopping twice is no failure: what was wanted is so.
async fn stop(switch: Switch, desk: &Desk, output: &Output) -> Result<(), Failure> {
    if let Some(merchant) = &switch.merchant {
        // A slip of the pen must not look like a stop.
        desk.merchant(merchant)?;
    }
    let scope = scope(&switch, desk).await?;
    match desk.store.stop_money(scope.clone(), operator(), switch.reason, desk.now).await? {
        Stopping::Stopped => {
            output.line(format!("Stopped: {scope}. Nothing of it is sent from now on; the bank is asked on."))
        }
        Stopping::StoppedBefore(stop) => {
            output.line(format!("Stopped already, and left as it was: {}.", told(&stop, desk.now)))
        }
    }
}

async fn start(switch: Switch, desk: &Desk, output: &Output) -> Result<(), Failure> {
    let scope = scope(&switch, desk).await?;
    let started = desk.store.start_money(scope.clone(), operator(), switch.reason, desk.now).await?;
    let still = still_in_force(desk, &scope).await?;
    let Starting::Lifted(lifted) = started else {
        let hint = still.first().map_or_else(String::new, |stop| format!("; in force is: {}", told(stop, desk.now)));
        return Err(Failure::failed(format!("nothing to start: there is no stop of {scope}{hint}")));
    };
    let (who, reason) = (guard::who(&lifted.by), &lifted.reason);
    output.line(format!("Started: {scope}, stopped by {who}: {reason}. What waited is due at once."))?;
    for stop in still {
        remark(&format!("Still in force: {}.", told(&stop, desk.now)));
    }
    if desk.holder().is_none() {
        remark("No daemon is at work on this database; nothing is sent until one is started.");
    }
    Ok(())
}

/// A merchant that the configuration no longer names can be let go all the same.
async fn scope(switch: &Switch, desk: &Desk) -> Result<Scope, Failure> {
    Ok(match (&switch.merchant, &switch.order) {
        (None, _) => Scope::All,
        (Some(merchant), None) => Scope::Merchant(merchant.clone()),
        (Some(merchant), Some(number)) => Scope::of_order(&desk.order(number, Some(merchant)).await?.0.order),
    })
}

/// The stops under which some of `scope` still does not move.
async fn still_in_force(desk: &Desk, scope: &Scope) -> Result<Vec<Stop>, Failure> {
    let mut stops = desk.store.money_stops().await?;
    stops.retain(|stop| scope.merchant().is_none_or(|merchant| stop.scope.covers(merchant)));
    Ok(stops)
}

/// A stop in a sentence.
fn told(stop: &Stop, now: Timestamp) -> String {
    let (scope, who, reason) = (&stop.scope, guard::who(&stop.by), &stop.reason);
    format!("{scope}, for {}, by {who}: {reason}", in_words(now.since(stop.since)))
}

impl Show {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let stops = desk.store.money_stops().await?;
        let mut counted = Vec::new();
        for merchant in &desk.config.merchants {
            counted.push((merchant, desk.store.money_figures(&merchant.id, desk.now).await?));
        }
        let freeze = desk.store.freeze().await?;
        if self.json {
            return output.json(&Document::of(freeze.as_ref(), &stops, &counted, desk.now));
        }
        if let Some(freeze) = &freeze {
            output.heading("MONEY IS FROZEN")?;
            output.line(format!("  {}", freeze.why))?;
            output.line("  Stop the daemon, and see what `reconciled adopt --dry-run` says.\n")?;
        }
        output.heading("Stopped")?;
        output.table(stopped(&stops, desk.now))?;
        for (merchant, figures) in &counted {
            output.heading(format!("\nMerchant {}", merchant.id))?;
            output.table(limits(merchant, figures, &stops, freeze.is_some()))?;
        }
        Ok(())
    }
}

/// Every stop in force, for `money show` and for `status`.
pub(super) fn stopped(stops: &[Stop], now: Timestamp) -> Table {
    let mut table = Table::facts();
    for stop in stops {
        table.row(vec![
            tinted(&stop.scope, Tint::Bad),
            cell(format!("for {}, since {}", in_words(now.since(stop.since)), stop.since)),
            cell(format!("by {}", guard::who(&stop.by))),
            cell(&stop.reason),
        ]);
    }
    if table.is_empty() {
        table.row(vec![tinted("nothing", Tint::Good)]);
    }
    table
}

fn limits(merchant: &MerchantConfig, figures: &MoneyFigures, stops: &[Stop], is_frozen: bool) -> Table {
    let policy = &merchant.money;
    let mut facts = Table::facts();
    let is_stopped = stops.iter().any(|stop| stop.scope.covers(&merchant.id));
    let goes = match (is_stopped, is_frozen) {
        (true, _) => tinted("stopped", Tint::Bad),
        (false, true) => tinted("frozen", Tint::Bad),
        (false, false) => tinted("goes", Tint::Good),
    };
    facts.row(vec![tinted("money", Tint::Faint), goes]);
    facts.fact("in doubt", format!("{} of {}", figures.in_doubt, policy.in_doubt_max));
    for LastDay { currency, sent_minor, refunded_minor } in figures.last_day_or_zero(merchant.currency) {
        let of_limit =
            |minor| format!("{} of {}", for_people(minor, currency), for_people(policy.daily_max_minor, currency));
        facts.fact("sent in 24 hours", of_limit(sent_minor));
        facts.fact("refunded in 24 hours", of_limit(refunded_minor));
    }
    facts.fact("brake", if policy.brake { "on" } else { "off" });
    facts
}

/// As `GET /v1/money` answers.
#[derive(Serialize)]
struct Document<'a> {
    at: String,
    money_frozen: Option<FreezeDocument<'a>>,
    stops: Vec<StopDocument<'a>>,
    merchants: Vec<MerchantDocument<'a>>,
}

/// A stop in force, for `money show` and for `status`.
#[derive(Serialize)]
pub(super) struct StopDocument<'a> {
    scope: &'static str,
    merchant: Option<&'a str>,
    order_number: Option<&'a str>,
    since: String,
    by: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct MerchantDocument<'a> {
    name: &'a str,
    stopped: bool,
    in_doubt: u64,
    in_doubt_max: u32,
    /// A line for every currency in which something was sent, and for the merchant's own.
    sent_last_day: Vec<SentDocument>,
    brake: bool,
}

#[derive(Serialize)]
struct SentDocument {
    currency: String,
    sent_minor: i64,
    refunded_minor: i64,
    /// Of each of the two by itself.
    max_minor: i64,
}

impl<'a> Document<'a> {
    fn of(
        freeze: Option<&'a Freeze>,
        stops: &'a [Stop],
        counted: &[(&'a MerchantConfig, MoneyFigures)],
        now: Timestamp,
    ) -> Self {
        let merchant = |(merchant, figures): &(&'a MerchantConfig, MoneyFigures)| MerchantDocument {
            name: merchant.id.as_str(),
            stopped: stops.iter().any(|stop| stop.scope.covers(&merchant.id)),
            in_doubt: figures.in_doubt,
            in_doubt_max: merchant.money.in_doubt_max,
            sent_last_day: sent(merchant, figures),
            brake: merchant.money.brake,
        };
        Self {
            at: now.to_string(),
            money_frozen: freeze.map(FreezeDocument::from),
            stops: stops.iter().map(StopDocument::from).collect(),
            merchants: counted.iter().map(merchant).collect(),
        }
    }
}

fn sent(merchant: &MerchantConfig, figures: &MoneyFigures) -> Vec<SentDocument> {
    let max_minor = merchant.money.daily_max_minor;
    let line = |LastDay { currency, sent_minor, refunded_minor }| SentDocument {
        currency: ToString::to_string(&currency),
        sent_minor,
        refunded_minor,
        max_minor,
    };
    figures.last_day_or_zero(merchant.currency).into_iter().map(line).collect()
}

impl<'a> From<&'a Stop> for StopDocument<'a> {
    fn from(stop: &'a Stop) -> Self {
        Self {
            scope: stop.scope.as_str(),
            merchant: stop.scope.merchant().map(MerchantId::as_str),
            order_number: stop.scope.order().map(|(_, number)| number.as_str()),
            since: stop.since.to_string(),
            by: &stop.by,
            reason: &stop.reason,
        }
    }
}
