//! `webhook list`, `test`, `replay` and `enable`: whom of the shop's the daemon tells what happened, and how that goes.
//!
//! Nothing is sent from here: what is asked for is a row, which the daemon sees within a second. So a test goes the way
//! that everything goes, with the keys and from the place of the daemon.

mod show;

use std::path::Path;
use std::time::Duration;

use clap::Subcommand;

use super::desk::{Desk, operator_name};
use super::failure::Failure;
use super::output::{Output, counted, remark};
use crate::config::{MerchantConfig, WebhookConfig, as_written, duration};
use crate::domain::delivery::{EndpointName, Verdict};
use crate::domain::order::{MerchantId, NameError, ORDER_NUMBER_LONGEST, OrderNumber};
use crate::domain::time::Timestamp;
use crate::store::NewReplay;

pub(super) use show::{EndpointDocument, waiting};

/// How long the daemon may take to see a test that was asked for, beside the endpoint's own time.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// How often it is asked whether the test was done.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// What can be done about endpoints.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show every endpoint: where it is, what it has not taken yet, and what was given up
    List(show::List),
    /// Have the daemon tell an endpoint a test, and say what came of it
    Test(Which),
    /// Tell an endpoint again what it was told, or what was given up, under the ids it had
    Replay(Replay),
    /// Bring back an endpoint that answered 410; it goes on where it stood
    Enable(Which),
}

/// An endpoint by its name.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The endpoint's name
    #[arg(value_name = "NAME", value_parser = endpoint_name)]
    name: EndpointName,
    /// Whose; needed where several merchants have an endpoint of this name
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    merchant: Option<MerchantId>,
}

/// `reconciled webhook replay`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(super) struct Replay {
    #[command(flatten)]
    which: Which,
    /// What happened since a moment (2026-11-20T09:00:00Z), or in the last while (2d, 1h30m)
    #[arg(long, value_name = "WHEN", value_parser = Since::parse, group = "what")]
    since: Option<Since>,
    /// Only what was given up
    #[arg(long, group = "what")]
    given_up: bool,
    /// Only this order's events
    #[arg(long, value_name = "NUMBER", value_parser = order_number, group = "what")]
    order: Option<OrderNumber>,
}

/// Since when.
#[derive(Clone, Copy, Debug)]
enum Since {
    Moment(Timestamp),
    Ago(Duration),
}

impl Since {
    fn parse(text: &str) -> Result<Self, String> {
        let ago = duration(text).map(Self::Ago);
        let found = ago.or_else(|| Timestamp::parse(text).map(Self::Moment));
        found.ok_or_else(|| "give a moment such as 2026-11-20T09:00:00Z, or how long ago, such as 2d".to_owned())
    }

    fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Moment(moment) => moment,
            Self::Ago(while_) => now.minus(while_),
        }
    }
}

fn merchant_id(text: &str) -> Result<MerchantId, NameError> {
    MerchantId::new(text)
}

fn endpoint_name(text: &str) -> Result<EndpointName, NameError> {
    EndpointName::new(text)
}

fn order_number(text: &str) -> Result<OrderNumber, NameError> {
    OrderNumber::new(text, ORDER_NUMBER_LONGEST)
}

impl Command {
    /// Does what was asked, with the configuration at `config`.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        match self {
            Self::List(list) => list.run(&desk, output).await,
            Self::Test(which) => test(&which, &desk, output).await,
            Self::Replay(replay) => replay.run(&desk, output).await,
            Self::Enable(which) => enable(&which, &desk, output).await,
        }
    }
}

impl Which {
    /// The one that is meant.
    fn find<'a>(&self, desk: &'a Desk) -> Result<(&'a MerchantConfig, &'a WebhookConfig), Failure> {
        if let Some(merchant) = &self.merchant {
            desk.merchant(merchant)?;
        }
        let of_whom =
            desk.config.merchants.iter().filter(|merchant| self.merchant.as_ref().is_none_or(|id| *id == merchant.id));
        let named = |merchant: &'a MerchantConfig| {
            let found = merchant.webhooks.iter().find(|webhook| webhook.name == self.name);
            found.map(|webhook| (merchant, webhook))
        };
        let found: Vec<_> = of_whom.filter_map(named).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => {
                let (name, path) = (&self.name, desk.config.path.display());
                Err(Failure::Usage(format!(
                    "{path} has no endpoint {name}; `reconciled webhook list` shows those it has"
                )))
            }
            several => {
                let names: Vec<_> = several.iter().map(|(merchant, _)| merchant.id.as_str()).collect();
                let (name, names) = (&self.name, names.join(", "));
                Err(Failure::Usage(format!(
                    "several merchants have an endpoint {name}; say which with --merchant: {names}"
                )))
            }
        }
    }

    /// The daemon makes an endpoint's row when it first works with it.
    fn never_seen(&self) -> Failure {
        let name = &self.name;
        Failure::failed(format!("no daemon has worked with endpoint {name} yet; start it, or reload its configuration"))
    }
}

async fn test(which: &Which, desk: &Desk, output: &Output) -> Result<(), Failure> {
    let (merchant, webhook) = which.find(desk)?;
    if desk.holder().is_none() {
        let words =
            "no daemon is at work on this database, and nothing but the daemon speaks to the shop; start it first";
        return Err(Failure::failed(words.to_owned()));
    }
    let asked = desk.store.ask_for_test(&merchant.id, &webhook.name, desk.now).await?;
    let number = asked.ok_or_else(|| which.never_seen())?;
    let within = SEEN_WITHIN + webhook.timeout;
    let told = async {
        loop {
            if let Some(outcome) = desk.store.test_outcome(number).await? {
                return Ok::<_, Failure>(outcome);
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
    };
    let (name, place) = (&webhook.name, webhook.whereabouts());
    match tokio::time::timeout(within, told).await {
        Ok(Ok(outcome)) if outcome.verdict == Verdict::Delivered.as_str() => {
            output.line(format!("Endpoint {name} of {}, {place}, took the test: {}.", merchant.id, outcome.words))
        }
        Ok(Ok(outcome)) => Err(Failure::failed(format!(
            "endpoint {name} of {}, {place}, did not take the test ({}): {}",
            merchant.id, outcome.verdict, outcome.words
        ))),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(Failure::failed(format!(
            "the daemon has not done the test within {}; see its log, and whether it has been reloaded since the endpoint \
             entered the configuration",
            as_written(within)
        ))),
    }
}

async fn enable(which: &Which, desk: &Desk, output: &Output) -> Result<(), Failure> {
    let (merchant, webhook) = which.find(desk)?;
    let name = &webhook.name;
    match desk.store.enable_endpoint(&merchant.id, name).await? {
        Some(true) => {
            remark_idle(desk);
            output.line(format!("Endpoint {name} of {} is told again, from where it stood.", merchant.id))
        }
        Some(false) => output.line(format!("Endpoint {name} of {} was not disabled.", merchant.id)),
        None => Err(which.never_seen()),
    }
}

impl Replay {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let (merchant, webhook) = self.which.find(desk)?;
        let new = NewReplay {
            since: self.since.map(|since| since.at(desk.now)),
            given_up_only: self.given_up,
            number: self.order.clone(),
            by: operator_name(),
        };
        let asked = desk.store.ask_for_replay(&merchant.id, &webhook.name, new, desk.now).await?;
        let name = &webhook.name;
        match asked.ok_or_else(|| self.which.never_seen())? {
            0 => output.line(format!("Nothing to tell endpoint {name} of {} again.", merchant.id)),
            events => {
                remark_idle(desk);
                let events = counted(events, "event");
                let filtered = if self.given_up { "" } else { ", as far as it is told such at all" };
                output.line(format!("Endpoint {name} of {} is told {events} again{filtered}.", merchant.id))
            }
        }
    }
}

fn remark_idle(desk: &Desk) {
    if desk.holder().is_none() {
        remark("No daemon is at work on this database; nothing is told until one is started.");
    }
}
