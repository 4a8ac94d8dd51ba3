//! `review show`: both sides beside one another, what was sent, the journal's end, and the ways out.

use std::path::Path;

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::order::Which;
use super::super::output::{Output, Table, Tint, cell, tinted};
use super::document::ShownDocument;
use super::{as_way, command, must_be_in_review, open};
use crate::config::MerchantConfig;
use crate::domain::calendar::Zone;
use crate::domain::event::{Cause, Event};
use crate::domain::journey::Policy;
use crate::domain::money::for_people;
use crate::domain::operation::{CompletionAmount, Operation, OperationState};
use crate::domain::order::Order;
use crate::domain::review::advice::{advice, kind_of, lapses_at};
use crate::domain::review::proposal::Proposal;
use crate::domain::review::sides::{Line, sides};
use crate::domain::review::{self, Sends, Way};
use crate::domain::time::{Timestamp, in_words};
use crate::store::OrderWithOperation;

/// Lines of the journal that are shown: what led to the review; `order show` has all.
const JOURNAL_LINES: usize = 6;

/// `reconciled review show`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Lines in which the two sides differ are marked with ≠. See what is true in the bank's console \
                        before you decide."
)]
pub(in super::super) struct Show {
    #[command(flatten)]
    which: Which,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All that is shown of a review.
pub(super) struct Review<'a> {
    pub(super) found: &'a OrderWithOperation,
    pub(super) merchant: &'a MerchantConfig,
    pub(super) policy: Policy,
    pub(super) events: Vec<Event>,
    pub(super) proposal: Option<Proposal>,
    pub(super) now: Timestamp,
}

/// A way out, and what it would make of the order.
pub(super) struct Exit {
    pub(super) way: Way,
    /// The order and what may be sent then, or why the way is not open.
    pub(super) leads_to: Result<(Order, Sends), String>,
}

impl Review<'_> {
    pub(super) fn lines(&self) -> Vec<Line> {
        sides(&self.found.order, self.found.operation.as_ref(), &self.merchant.zone)
    }

    /// Every way, by the rule that `resolve` goes by, only not written.
    pub(super) fn exits(&self) -> Vec<Exit> {
        let order = &self.found.order;
        let nobody = || Cause::Operator(String::new());
        let exit = |way| {
            let act = review::resolve(order, open(self.found), way, "", &self.policy, nobody(), self.now);
            let leads_to = act.map(|act| (act.order.clone(), Sends::after(&act.order, &self.policy)));
            Exit { way, leads_to: leads_to.map_err(|refused| refused.to_string()) }
        };
        Way::ALL.map(exit).into_iter().collect()
    }

    /// What waits for a second person, and why it cannot be confirmed any more, if it cannot.
    pub(super) fn proposal(&self) -> Option<(&Proposal, Option<String>)> {
        let proposal = self.proposal.as_ref()?;
        let standing = proposal.standing(&self.found.order, open(self.found), self.now);
        Some((proposal, standing.err().map(|gone| gone.to_string())))
    }
}

/// A part of what is printed.
pub(super) enum Part {
    Heading(String),
    Line(String),
    Table(Table),
}

impl Show {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        must_be_in_review(&found.order)?;
        let events = desk.store.events_of(found.order.key).await?;
        let proposal = desk.store.proposal(found.order.key).await?;
        let review = Review { found: &found, merchant, policy: merchant.policy(), events, proposal, now: desk.now };
        if self.json {
            return output.json(&ShownDocument::of(&review));
        }
        let commands = |what: &str| command(&found.order, what, &desk);
        for part in parts(&review, commands) {
            match part {
                Part::Heading(words) => output.heading(words)?,
                Part::Line(words) => output.line(words)?,
                Part::Table(table) => output.table(table)?,
            }
        }
        Ok(())
    }
}

/// All of it, in the order in which a person decides.
pub(super) fn parts(review: &Review<'_>, command: impl Fn(&str) -> String) -> Vec<Part> {
    let (order, zone) = (&review.found.order, &review.merchant.zone);
    let age = in_words(review.now.since(order.state_since));
    let heading = |words: String| Part::Heading(format!("\n{words}"));
    let mut parts = vec![
        Part::Heading(format!("Order {} of {}, in review for {age}", order.number, order.merchant)),
        Part::Table(reason(order, review.now)),
        heading("Both sides".to_owned()),
        Part::Table(both_sides(&review.lines())),
    ];
    if let Some(operation) = &review.found.operation {
        parts.push(heading("What we sent".to_owned()));
        parts.push(Part::Table(sent(operation, order, zone)));
    }
    parts.push(heading(format!("Journal, its end ({})", zone.name())));
    parts.push(Part::Table(journal(&review.events, zone)));
    parts.push(heading("Ways out".to_owned()));
    parts.push(Part::Table(ways(&review.exits(), zone, review.now)));
    let advice = advice(kind_of(order));
    parts.push(heading(format!("We would take `{}`", advice.way.as_str())));
    parts.push(Part::Table(sentence(&format!("{}.", advice.why))));
    parts.extend(to_type(review, command));
    parts
}

/// Words that fold within their margin.
fn sentence(words: &str) -> Table {
    let mut table = Table::facts();
    table.row(vec![cell(words)]);
    table
}

fn reason(order: &Order, now: Timestamp) -> Table {
    let mut facts = Table::facts();
    let no_reason = "no reason was recorded";
    facts.row(vec![
        tinted("why", Tint::Faint),
        tinted(order.review.as_ref().map_or(no_reason, |review| &review.sentence), Tint::Bad),
    ]);
    facts.fact("code", order.review.as_ref().map_or("none", |review| &review.code));
    facts.fact("order id", order.order_id.as_ref().map_or("not known yet", |id| id.as_str()));
    if let Some(at) = lapses_at(order) {
        let when = if at > now { format!("in {}", in_words(at.since(now))) } else { "by now".to_owned() };
        facts.fact("hold lapses", when);
    }
    facts
}

fn both_sides(lines: &[Line]) -> Table {
    let mut table = Table::new(&["", "", "WE HAVE", "THE BANK SHOWS"]);
    for line in lines {
        let (mark, tint) = if line.differs { ("≠", Tint::Bad) } else { ("", Tint::Plain) };
        table.row(vec![
            tinted(mark, tint),
            tinted(line.what, Tint::Faint),
            tinted(&line.ours, tint),
            tinted(&line.theirs, tint),
        ]);
    }
    table
}

fn sent(operation: &Operation, order: &Order, zone: &Zone) -> Table {
    let mut facts = Table::facts();
    let state = match operation.state {
        OperationState::InDoubt => "in doubt: its outcome is not known",
        other => other.as_str(),
    };
    facts.fact("completion", state);
    let takes = match operation.amount {
        CompletionAmount::Whole => "the whole hold".to_owned(),
        CompletionAmount::Exactly(amount) => for_people(amount.minor(), order.currency),
    };
    facts.fact("takes", takes);
    if let Some(minor) = operation.expected_minor {
        facts.fact("expected", format!("{} taken afterwards", for_people(minor, order.currency)));
    }
    match operation.sent_at {
        Some(at) => facts.fact("sent", format!("attempt {}, {}", operation.attempt, zone.for_people(at))),
        None => facts.fact("sent", "never"),
    }
    if let Some(at) = operation.answered_at {
        facts.fact("answered", zone.for_people(at));
    }
    if operation.state.is_open() {
        facts.fact("asked next", zone.for_people(operation.next_step_at));
    }
    if let Some(note) = &operation.note {
        facts.fact("note", note);
    }
    facts
}

fn journal(events: &[Event], zone: &Zone) -> Table {
    let mut table = Table::facts();
    for event in events.iter().skip(events.len().saturating_sub(JOURNAL_LINES)) {
        let cause = event.cause.strip_prefix("operator:").unwrap_or(&event.cause);
        table.row(vec![
            tinted(zone.for_people(event.at), Tint::Faint),
            cell(format!("{} by {cause}: {}", event.kind.as_str(), event.detail)),
        ]);
    }
    table
}

fn ways(exits: &[Exit], zone: &Zone, now: Timestamp) -> Table {
    let mut table = Table::facts();
    for exit in exits {
        let leads_to = match &exit.leads_to {
            Ok((order, sends)) => {
                let parked = if order.parked { ", parked" } else { "" };
                cell(format!(
                    "{}: it becomes {}{parked}; {}",
                    exit.way.meaning(),
                    order.state,
                    money(*sends, zone, now)
                ))
            }
            Err(refused) => tinted(format!("not open: {refused}"), Tint::Faint),
        };
        table.row(vec![tinted(exit.way.as_str(), Tint::Plain), leads_to]);
    }
    table
}

/// What may be sent afterwards, in words.
pub(super) fn money(sends: Sends, zone: &Zone, now: Timestamp) -> String {
    match sends {
        Sends::Never => "nothing is sent unasked".to_owned(),
        Sends::OnceHeld => "money may move once it is held, by the merchant's settings".to_owned(),
        Sends::At(at) if at <= now => "a completion is due at once, after a last look at the bank".to_owned(),
        Sends::At(at) => format!("a completion is due at {}", zone.for_people(at)),
        Sends::ReversalAt(at) if at <= now => "its hold is let go at once, after a last look at the bank".to_owned(),
        Sends::Ordered(kind) => format!("the {} goes at once, after two looks at the bank that agree", kind.as_str()),
        Sends::ReversalAt(at) => format!("its hold is let go at {}, unless it is released", zone.for_people(at)),
    }
}

/// The command lines for what can be done now.
fn to_type(review: &Review<'_>, command: impl Fn(&str) -> String) -> Vec<Part> {
    let mut parts = Vec::new();
    let standing = review.proposal();
    if let Some((proposal, gone)) = &standing {
        let since = in_words(review.now.since(proposal.at));
        parts.push(Part::Heading(format!("\n{} proposed `{}` {since} ago", proposal.by, proposal.what)));
        let within = in_words(proposal.lapses_at().since(review.now));
        let next = match gone {
            Some(gone) => format!("It cannot be confirmed: {gone}."),
            None => format!("A second person confirms it within {within}:"),
        };
        parts.extend([Part::Table(sentence(&proposal.reason)), Part::Table(sentence(&next))]);
        parts.extend(gone.is_none().then(|| Part::Line(command("--confirm"))));
        parts.push(Part::Line(command("--withdraw")));
    }
    if standing.is_none_or(|(_, gone)| gone.is_some()) {
        parts.push(Part::Heading("\nTo decide (--dry-run shows what it would change)".to_owned()));
        for exit in review.exits().into_iter().filter(|exit| exit.leads_to.is_ok()) {
            parts.push(Part::Line(command(&as_way(exit.way))));
        }
    }
    parts
}

#[cfg(test)]
mod tests;
