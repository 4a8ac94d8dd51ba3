//! What callers read of reviews. Names, sums and times are as in an order's view.

use serde::Serialize;

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

/// Everything in review.
#[derive(Debug, Serialize)]
pub(super) struct ReviewsView {
    reviews: Vec<ListedReview>,
    /// Whether there are no more than these.
    is_all: bool,
}

impl ReviewsView {
    pub(super) fn of(found: &[OrderWithOperation], is_all: bool) -> Self {
        Self { reviews: found.iter().map(ListedReview::of).collect(), is_all }
    }
}

/// A review: the order, and what to take up first.
#[derive(Debug, Serialize)]
struct ListedReview {
    #[serde(flatten)]
    order: OrderView,
    at_stake: i64,
    at_stake_currency: String,
    /// When the hold is lost; null when none stands.
    hold_lapses_at: Option<String>,
    advice: AdviceView,
}

#[derive(Debug, Serialize)]
struct AdviceView {
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
#[derive(Debug, Serialize)]
pub(super) struct ShownReview {
    #[serde(flatten)]
    listed: ListedReview,
    sides: Vec<LineView>,
    ways: Vec<WayView>,
    proposal: Option<ProposalView>,
}

#[derive(Debug, Serialize)]
struct LineView {
    what: &'static str,
    ours: String,
    bank: String,
    differs: bool,
}

#[derive(Debug, Serialize)]
struct WayView {
    way: &'static str,
    /// Why it is not open; null when it is.
    refused: Option<String>,
    /// The state it leads to.
    state: Option<&'static str>,
    sends: Option<SendsView>,
}

/// Whether money may move, and from when.
#[derive(Debug, Serialize)]
struct SendsView {
    may_move_money: bool,
    /// Null when it waits for the hold, or nothing may be sent.
    at: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProposalView {
    what: String,
    reason: String,
    by: String,
    at: String,
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
#[derive(Debug, Serialize)]
pub(super) struct DecidedView {
    outcome: &'static str,
    dry_run: bool,
    state: &'static str,
    changes: Vec<ChangeView>,
    event: DecidedEventView,
    sends: SendsView,
    proposal: Option<ProposalView>,
}

#[derive(Debug, Serialize)]
struct ChangeView {
    column: &'static str,
    before: String,
    after: String,
}

#[derive(Debug, Serialize)]
struct DecidedEventView {
    kind: &'static str,
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
