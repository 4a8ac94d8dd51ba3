//! Reviews in JSON: the shape scripts rely on. Names, sums and times are as in an order's document.

use serde::Serialize;

use super::super::order::document::{EventDocument, OrderDocument};
use super::show::Review;
use crate::domain::review::Sends;
use crate::domain::review::advice::{advice, at_stake, kind_of, lapses_at};
use crate::domain::review::proposal::{Decision, Proposal};
use crate::domain::review::sides::Line;
use crate::domain::time::Timestamp;
use crate::store::OrderWithOperation;

/// A review in the list: the order, and what to take up first.
#[derive(Debug, Serialize)]
pub(super) struct ListedDocument<'a> {
    #[serde(flatten)]
    order: OrderDocument<'a>,
    at_stake: i64,
    at_stake_currency: String,
    /// When the hold is lost; null when none stands.
    hold_lapses_at: Option<String>,
    advice: AdviceDocument,
}

#[derive(Debug, Serialize)]
struct AdviceDocument {
    way: &'static str,
    why: &'static str,
}

impl<'a> From<&'a OrderWithOperation> for ListedDocument<'a> {
    fn from(found: &'a OrderWithOperation) -> Self {
        let (minor, currency) = at_stake(&found.order);
        let advice = advice(kind_of(&found.order));
        Self {
            order: OrderDocument::from(found),
            at_stake: minor,
            at_stake_currency: currency.to_string(),
            hold_lapses_at: text(lapses_at(&found.order)),
            advice: AdviceDocument { way: advice.way.as_str(), why: advice.why },
        }
    }
}

/// A review with both sides, its ways out and the order's journal.
#[derive(Debug, Serialize)]
pub(super) struct ShownDocument<'a> {
    #[serde(flatten)]
    listed: ListedDocument<'a>,
    sides: Vec<LineDocument>,
    ways: Vec<WayDocument>,
    proposal: Option<ProposalDocument>,
    events: Vec<EventDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct LineDocument {
    what: &'static str,
    ours: String,
    bank: String,
    differs: bool,
}

#[derive(Debug, Serialize)]
struct WayDocument {
    way: &'static str,
    /// Why it is not open; null when it is.
    refused: Option<String>,
    /// The state it leads to.
    state: Option<&'static str>,
    sends: Option<SendsDocument>,
}

/// Whether money may move, and from when.
#[derive(Debug, Serialize)]
struct SendsDocument {
    may_move_money: bool,
    /// Null when it waits for the hold, goes at once, or nothing may be sent.
    at: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProposalDocument {
    what: String,
    reason: String,
    by: String,
    at: String,
    lapses_at: String,
    /// Why it cannot be confirmed; null when it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl<'a> ShownDocument<'a> {
    pub(super) fn of(review: &'a Review<'a>) -> Self {
        let line = |Line { what, ours, theirs, differs }| LineDocument { what, ours, bank: theirs, differs };
        let ways = review.exits().into_iter().map(|exit| match exit.leads_to {
            Ok((order, sends)) => WayDocument {
                way: exit.way.as_str(),
                refused: None,
                state: Some(order.state.as_str()),
                sends: Some(sends.into()),
            },
            Err(refused) => WayDocument { way: exit.way.as_str(), refused: Some(refused), state: None, sends: None },
        });
        Self {
            listed: ListedDocument::from(review.found),
            sides: review.lines().into_iter().map(line).collect(),
            ways: ways.collect(),
            proposal: review.proposal().map(|(proposal, refused)| ProposalDocument::of(proposal, refused)),
            events: review.events.iter().map(EventDocument::from).collect(),
        }
    }
}

/// What a person's word did, or would do.
#[derive(Debug, Serialize)]
pub(in super::super) struct DecidedDocument<'a> {
    outcome: &'static str,
    dry_run: bool,
    state: &'static str,
    changes: Vec<ChangeDocument<'a>>,
    event: DecidedEventDocument<'a>,
    sends: SendsDocument,
    proposal: Option<ProposalDocument>,
}

#[derive(Debug, Serialize)]
struct ChangeDocument<'a> {
    column: &'static str,
    before: &'a str,
    after: &'a str,
}

#[derive(Debug, Serialize)]
struct DecidedEventDocument<'a> {
    kind: &'static str,
    cause: String,
    detail: &'a str,
}

impl<'a> DecidedDocument<'a> {
    pub(in super::super) fn of(decision: &'a Decision, dry_run: bool) -> Self {
        let event = &decision.event;
        let changes = decision.changes.iter();
        Self {
            outcome: decision.outcome.as_str(),
            dry_run,
            state: event.after.as_str(),
            changes: changes
                .map(|change| ChangeDocument { column: change.column, before: &change.before, after: &change.after })
                .collect(),
            event: DecidedEventDocument {
                kind: event.kind.as_str(),
                cause: event.cause.to_text(),
                detail: &event.detail,
            },
            sends: decision.sends.into(),
            proposal: decision.proposal.as_ref().map(|proposal| ProposalDocument::of(proposal, None)),
        }
    }
}

impl ProposalDocument {
    fn of(proposal: &Proposal, refused: Option<String>) -> Self {
        Self {
            what: proposal.what.to_string(),
            reason: proposal.reason.clone(),
            by: proposal.by.clone(),
            at: proposal.at.to_string(),
            lapses_at: proposal.lapses_at().to_string(),
            refused,
        }
    }
}

impl From<Sends> for SendsDocument {
    fn from(sends: Sends) -> Self {
        let at = match sends {
            Sends::At(at) | Sends::ReversalAt(at) => Some(at),
            Sends::Never | Sends::OnceHeld | Sends::Ordered(_) => None,
        };
        Self { may_move_money: sends.may_move_money(), at: text(at) }
    }
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
