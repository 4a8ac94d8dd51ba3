//! What callers read of reviews. Names, sums and times are as in an order's view.

use schemars::JsonSchema;
use serde::Serialize;

use super::openapi::words;
use super::views::OrderView;
use crate::domain::event::Cause;
use crate::domain::journey::Policy;
use crate::domain::operation::Operation;
use crate::domain::review::advice::{Advice, advice, at_stake, kind_of, lapses_at};
use crate::domain::review::proposal::{Decision, Proposal};
use crate::domain::review::sides::{Line, sides};
use crate::domain::review::{self, Sends, Way};
use crate::domain::time::Timestamp;
use crate::store::OrderWithOperation;

/// A page of what is in review.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Reviews")]
pub(super) struct ReviewsView {
    reviews: Vec<ListedReview>,
    /// What to ask `after` for the next page; null when there is none.
    #[schemars(with = "Option<words::ReviewCursor>")]
    next: Option<String>,
}

impl ReviewsView {
    pub(super) fn of(found: &[OrderWithOperation], next: Option<String>) -> Self {
        Self { reviews: found.iter().map(ListedReview::of).collect(), next }
    }
}

/// A review: the order, and what to take up first.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "ListedReview")]
struct ListedReview {
    #[serde(flatten)]
    order: OrderView,
    at_stake: i64,
    #[schemars(with = "words::CurrencyCode")]
    at_stake_currency: String,
    /// When the hold is lost; null when none stands.
    #[schemars(with = "Option<words::Moment>")]
    hold_lapses_at: Option<String>,
    advice: AdviceView,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Advice")]
struct AdviceView {
    #[schemars(with = "words::WayWord")]
    way: &'static str,
    why: &'static str,
}

impl ListedReview {
    fn of(found: &OrderWithOperation) -> Self {
        let (minor, currency) = at_stake(&found.order);
        let Advice { way, why } = advice(kind_of(&found.order));
        Self {
            order: OrderView::of(found),
            at_stake: minor,
            at_stake_currency: currency.to_string(),
            hold_lapses_at: lapses_at(&found.order).map(|at| at.to_string()),
            advice: AdviceView { way: way.as_str(), why },
        }
    }
}

/// A review with both sides and its ways out.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Review")]
pub(super) struct ShownReview {
    #[serde(flatten)]
    listed: ListedReview,
    sides: Vec<LineView>,
    ways: Vec<WayView>,
    proposal: Option<ProposalView>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "ReviewLine")]
struct LineView {
    what: &'static str,
    ours: String,
    bank: String,
    differs: bool,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "WayOut")]
struct WayView {
    #[schemars(with = "words::WayWord")]
    way: &'static str,
    /// Why it is not open; null when it is.
    refused: Option<String>,
    /// The state it leads to.
    #[schemars(with = "Option<words::OrderState>")]
    state: Option<&'static str>,
    sends: Option<SendsView>,
}

/// Whether money may move, and from when.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Sends")]
struct SendsView {
    may_move_money: bool,
    /// Null when it waits for the hold, or nothing may be sent.
    #[schemars(with = "Option<words::Moment>")]
    at: Option<String>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Proposal")]
struct ProposalView {
    what: String,
    reason: String,
    by: String,
    #[schemars(with = "words::Moment")]
    at: String,
    #[schemars(with = "words::Moment")]
    lapses_at: String,
    /// Why it cannot be confirmed; null when it can.
    refused: Option<String>,
}

impl ShownReview {
    pub(super) fn of(found: &OrderWithOperation, proposal: Option<&Proposal>, policy: &Policy, now: Timestamp) -> Self {
        let (order, open) = (&found.order, open(found));
        let line = |Line { what, ours, theirs, differs }| LineView { what, ours, bank: theirs, differs };
        // By the rule that a real word goes by, only not written.
        let leads_to = |way| review::resolve(order, open, way, "", policy, Cause::Shop, now);
        let way = |way: Way| match leads_to(way) {
            Ok(act) => {
                let sends = Sends::after(&act.order, policy);
                WayView {
                    way: way.as_str(),
                    refused: None,
                    state: Some(act.order.state.as_str()),
                    sends: Some(sends.into()),
                }
            }
            Err(refused) => WayView { way: way.as_str(), refused: Some(refused.to_string()), state: None, sends: None },
        };
        let standing = |proposal: &Proposal| proposal.standing(order, open, now).err().map(|gone| gone.to_string());
        Self {
            listed: ListedReview::of(found),
            sides: sides(order, found.operation.as_ref(), &policy.zone).into_iter().map(line).collect(),
            ways: Way::ALL.map(way).into_iter().collect(),
            proposal: proposal.map(|proposal| ProposalView::of(proposal, standing(proposal))),
        }
    }
}

/// What a person's word did, or would do.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Decided")]
pub(super) struct DecidedView {
    #[schemars(with = "words::DecisionOutcome")]
    outcome: &'static str,
    dry_run: bool,
    #[schemars(with = "words::OrderState")]
    state: &'static str,
    changes: Vec<ChangeView>,
    event: DecidedEventView,
    sends: SendsView,
    proposal: Option<ProposalView>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Change")]
struct ChangeView {
    column: &'static str,
    before: String,
    after: String,
}

#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "DecidedEvent")]
struct DecidedEventView {
    #[schemars(with = "words::EventKind")]
    kind: &'static str,
    #[schemars(with = "words::EventCause")]
    cause: String,
    detail: String,
}

impl DecidedView {
    pub(super) fn of(decision: &Decision, dry_run: bool) -> Self {
        let event = &decision.event;
        let changes = decision.changes.iter().cloned();
        Self {
            outcome: decision.outcome.as_str(),
            dry_run,
            state: event.after.as_str(),
            changes: changes
                .map(|change| ChangeView { column: change.column, before: change.before, after: change.after })
                .collect(),
            event: DecidedEventView {
                kind: event.kind.as_str(),
                cause: event.cause.to_text(),
                detail: event.detail.clone(),
            },
            sends: decision.sends.into(),
            proposal: decision.proposal.as_ref().map(|proposal| ProposalView::of(proposal, None)),
        }
    }
}

impl ProposalView {
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

impl From<Sends> for SendsView {
    fn from(sends: Sends) -> Self {
        let at = match sends {
            Sends::At(at) | Sends::ReversalAt(at) => Some(at.to_string()),
            Sends::Never | Sends::OnceHeld | Sends::Ordered(_) => None,
        };
        Self { may_move_money: sends.may_move_money(), at }
    }
}

/// The order's operation, while it is open.
pub(super) fn open(found: &OrderWithOperation) -> Option<&Operation> {
    found.operation.as_ref().filter(|operation| operation.state.is_open())
}
