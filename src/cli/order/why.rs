//! `order why`: the order's story, told to a person who does not know the machine.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::output::{Output, Table, cell};
use super::Which;
use crate::domain::calendar::Zone;
use crate::domain::guard::Standing;
use crate::domain::money::for_people;
use crate::domain::operation::Operation;
use crate::domain::order::Order;
use crate::domain::story::{self, Moment, Story};
use crate::domain::time::Timestamp;
use crate::domain::timekeeping::{self, Timekeeping};

/// `reconciled order why`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Why {
    #[command(flatten)]
    which: Which,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        let events = desk.store.events_of(found.order.key).await?;
        let (order, zone) = (&found.order, &merchant.zone);
        let standing = standing(&desk, order, found.operation.as_ref()).await?;
        let story = story::tell(order, found.operation.as_ref(), &events, &merchant.policy(), &standing, desk.now);
        if self.json {
            return output.json(&Document::of(&story, order.number.as_str(), order.state.as_str()));
        }
        let price = for_people(order.amount.minor(), order.currency);
        output.heading(format!("Order {} of {}, {price}: {}", order.number, order.merchant, order.state))?;
        output.heading(format!("\nWhat happened ({})", zone.name()))?;
        output.table(moments(&story.past, zone))?;
        output.heading("\nHow it stands")?;
        output.table(sentences(&story.present))?;
        output.heading("\nWhat comes next")?;
        if story.next.is_empty() {
            return output.line("  Nothing more is expected.");
        }
        output.table(expected(&story.next, zone, desk.now))?;
        if desk.holder().is_none() {
            output.line("\nNo daemon is at work on this database, so none of this happens until one is started.")?;
        }
        Ok(())
    }
}

/// How the money of `order` stands. Of the clock only what the journal tells is known here: whatever else speaks
/// against it is known to the daemon, which writes it down with what it holds back.
async fn standing(desk: &Desk, order: &Order, operation: Option<&Operation>) -> Result<Standing, Failure> {
    let open = operation.filter(|operation| operation.state.is_open()).map(|open| open.key);
    let standing = desk.store.standing(order, open, desk.now).await?;
    let moment = timekeeping::Moment { wall: desk.now, running: Duration::ZERO };
    let journal_until = desk.store.journal_until().await?;
    let clock = Timekeeping::begin(desk.config.clock_tolerance, journal_until, moment).doubt();
    Ok(Standing { clock, ..standing })
}

fn moments(moments: &[Moment], zone: &Zone) -> Table {
    let mut table = Table::facts();
    for moment in moments {
        table.row(vec![cell(zone.for_people(moment.at)), cell(&moment.words)]);
    }
    table
}

fn sentences(sentences: &[String]) -> Table {
    let mut table = Table::facts();
    for sentence in sentences {
        table.row(vec![cell(sentence)]);
    }
    table
}

/// What is past is due: it waits for its turn.
fn expected(moments: &[Moment], zone: &Zone, now: Timestamp) -> Table {
    let mut table = Table::facts();
    for moment in moments {
        let when = if moment.at <= now { "now".to_owned() } else { zone.for_people(moment.at) };
        table.row(vec![cell(when), cell(&moment.words)]);
    }
    table
}

#[derive(Serialize)]
struct Document<'a> {
    order_number: &'a str,
    state: &'a str,
    past: Vec<MomentDocument<'a>>,
    present: &'a [String],
    next: Vec<MomentDocument<'a>>,
}

#[derive(Serialize)]
struct MomentDocument<'a> {
    at: String,
    words: &'a str,
}

impl<'a> Document<'a> {
    fn of(story: &'a Story, order_number: &'a str, state: &'a str) -> Self {
        let moment = |moment: &'a Moment| MomentDocument { at: moment.at.to_string(), words: &moment.words };
        Self {
            order_number,
            state,
            past: story.past.iter().map(moment).collect(),
            present: &story.present,
            next: story.next.iter().map(moment).collect(),
        }
    }
}
