//! `order show`: every column of an order that says something, the bank's side, its completion, its journal.

use std::path::Path;

use serde::Serialize;

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::output::{Output, Table, cell, counted, remark};
use super::Which;
use super::document::{EventDocument, OrderDocument};
use crate::domain::autocompletion;
use crate::domain::calendar::Zone;
use crate::domain::event::Event;
use crate::domain::money::for_people;
use crate::domain::operation::{CompletionAmount, Operation, OperationKind};
use crate::domain::order::{Order, SeenView};
use crate::domain::time::{Timestamp, in_words};

/// `reconciled order show`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct Show {
    #[command(flatten)]
    which: Which,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print the bank's latest answer whole, as JSON; card data is masked or left out
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    order: OrderDocument<'a>,
    events: Vec<EventDocument<'a>>,
}

impl Show {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let (found, merchant) = desk.order(&self.which.number, self.which.merchant.as_ref()).await?;
        if self.raw {
            return raw(&desk, &found.order, &merchant.zone, output).await;
        }
        let events = desk.store.events_of(found.order.key).await?;
        if self.json {
            let events = events.iter().map(EventDocument::from).collect();
            return output.json(&Document { order: OrderDocument::from(&found), events });
        }
        let (order, zone) = (&found.order, &merchant.zone);
        output.heading(format!("Order {} of {}", order.number, order.merchant))?;
        output.table(ours(order, zone, desk.now))?;
        output.heading("\nThe bank")?;
        output.table(theirs(order, zone))?;
        if let Some(operation) = &found.operation {
            output.heading(format!("\nIts {}", operation.kind.as_str()))?;
            output.table(completion(operation, order, zone))?;
        }
        output.heading(format!("\nJournal ({})", zone.name()))?;
        output.table(journal(&events, zone))
    }
}

/// The bank's own members; when they were heard is said beside, so that what is printed stays the bank's.
async fn raw(desk: &Desk, order: &Order, zone: &Zone, output: &Output) -> Result<(), Failure> {
    let Some(seen) = desk.store.answer_of(order.key).await? else {
        let why = if order.state.is_end() {
            "; answers are removed a while after an order's end (answers under [retention])"
        } else {
            "; the bank has not told anything about it yet"
        };
        return Err(Failure::failed(format!("no answer of the bank about order {} is kept{why}", order.number)));
    };
    let answer: serde_json::Value = serde_json::from_str(seen.answer.as_str())
        .map_err(|error| Failure::failed(format!("the answer in the database is no JSON: {error}")))?;
    remark(&format!("As the bank has said since {}.", zone.for_people(seen.seen_at)));
    output.json(&answer)
}

fn ours(order: &Order, zone: &Zone, now: Timestamp) -> Table {
    let time = |at| zone.for_people(at);
    let mut facts = Table::facts();
    facts.fact(
        "state",
        format!("{}, since {} ({})", order.state, time(order.state_since), in_words(now.since(order.state_since))),
    );
    facts.fact("amount", for_people(order.amount.minor(), order.currency));
    if let CompletionAmount::Exactly(part) = order.completion {
        facts.fact("to be taken", for_people(part.minor(), order.currency));
    }
    if let Some(review) = &order.review {
        facts.fact("in review", format!("{} ({})", review.sentence, review.code));
    }
    if let Some(accepted) = &order.accepted {
        facts.fact("accepted", accepted);
    }
    facts.fact("entered", time(order.created_at));
    let moments = [
        ("page closes", order.expires_at),
        ("held", order.hold.map(|hold| hold.held_at)),
        ("hold lapses", order.hold.map(|hold| hold.lapses_at)),
        ("released", order.released_at),
        ("completion due", order.complete_at),
        ("deadline", order.deadline_at),
        ("bank completes", order.autocompletion_at),
        ("next look", order.next_look_at),
    ];
    for (name, at) in moments {
        if let Some(at) = at {
            facts.fact(name, time(at));
        }
    }
    if let Some((_, conflict)) = autocompletion::conflict(order) {
        facts.fact("conflict", format!("the bank would complete it by itself, {}", conflict.in_words()));
    }
    if order.parked {
        facts.fact("parked", "yes: no completion until it is released");
    }
    facts
}

fn theirs(order: &Order, zone: &Zone) -> Table {
    let mut facts = Table::facts();
    facts.fact("order id", order.order_id.as_ref().map_or("not known yet", |id| id.as_str()));
    match &order.view {
        None => facts.fact("shows", "nothing yet"),
        Some(seen) => view(&mut facts, seen, order, zone),
    }
    if let Some(heard) = &order.heard {
        facts.fact("last said", format!("{} ({})", heard.words, zone.for_people(heard.at)));
    }
    if order.unknown_in_a_row > 0 {
        facts.fact("told nothing", format!("{} in a row", counted(order.unknown_in_a_row, "answer")));
    }
    facts
}

fn view(facts: &mut Table, seen: &SeenView, order: &Order, zone: &Zone) {
    let view = &seen.view;
    let currency = view.currency.unwrap_or(order.currency);
    facts.fact("shows", format!("{} ({})", view.status, zone.for_people(seen.seen_at)));
    if let Some(amount) = view.amount {
        facts.fact("its amount", for_people(amount, currency));
    }
    if let Some(amounts) = view.amounts {
        facts.fact("approved", for_people(amounts.approved, currency));
        facts.fact("deposited", for_people(amounts.deposited, currency));
        facts.fact("refunded", for_people(amounts.refunded, currency));
    }
    if let Some(points) = view.points.filter(|points| points.approved != 0) {
        let sum = |minor| for_people(minor, currency);
        let (approved, deposited, refunded) = (sum(points.approved), sum(points.deposited), sum(points.refunded));
        facts.fact("points", format!("{approved} approved, {deposited} taken, {refunded} given back"));
    }
    if let Some(code) = view.action_code {
        facts.fact("actionCode", code);
    }
    if let Some(at) = view.authorised_at {
        facts.fact("authorised", zone.for_people(at));
    }
    if let Some(system) = &order.payment_system {
        facts.fact("card of", system);
    }
    if view.chargeback == Some(true) {
        facts.fact("chargeback", "yes");
    }
}

fn completion(operation: &Operation, order: &Order, zone: &Zone) -> Table {
    let mut facts = Table::facts();
    facts.fact("state", operation.state.as_str());
    facts.fact(
        match operation.kind {
            OperationKind::Completion => "takes",
            OperationKind::Reversal => "lets go",
            OperationKind::Refund => "gives back",
            OperationKind::Decline => "closes",
        },
        match operation.amount {
            CompletionAmount::Whole if operation.kind == OperationKind::Refund => "all that is left".to_owned(),
            CompletionAmount::Whole if operation.kind == OperationKind::Decline => "the order".to_owned(),
            CompletionAmount::Whole => "the whole hold".to_owned(),
            CompletionAmount::Exactly(amount) => for_people(amount.minor(), order.currency),
        },
    );
    if let Some(expected) = operation.expected_minor {
        facts.fact("expected", for_people(expected, order.currency));
    }
    facts.fact("decided", zone.for_people(operation.intended_at));
    if let Some(at) = operation.sent_at {
        facts.fact("sent", format!("{} (attempt {})", zone.for_people(at), operation.attempt));
    }
    if operation.state.is_open() {
        facts.fact("next step", zone.for_people(operation.next_step_at));
    }
    if let Some(note) = &operation.note {
        facts.fact("note", note);
    }
    facts
}

fn journal(events: &[Event], zone: &Zone) -> Table {
    let mut table = Table::facts();
    for event in events {
        table.row(vec![
            cell(zone.for_people(event.at)),
            cell(event.kind.as_str()),
            cell(&event.cause),
            cell(event.after),
            cell(&event.detail),
        ]);
    }
    table
}
