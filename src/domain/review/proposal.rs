//! Four eyes: a way out after which money may move is one person's proposal until a second one confirms it.
//!
//! A proposal rests on what its maker saw. A look that shows the same again leaves it standing; whatever else a person
//! decides by has to be as it was.

use std::time::Duration;

use super::super::acts::Act;
use super::super::difference::{self, Change};
use super::super::event::{Cause, EventKind, NewEvent};
use super::super::journey::Policy;
use super::super::operation::Operation;
use super::super::order::{Order, State};
use super::super::time::Timestamp;
use super::{ReviewError, Sends, Way, resolve};

/// How long a proposal waits: whoever confirms later decides on another day's facts.
pub const LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// A way out that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which way.
    pub way: Way,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The order's version then.
    pub version: i64,
    /// What it rests on, as [`basis`] had it.
    pub basis: String,
}

impl Proposal {
    /// When it lapses by itself.
    pub fn lapses_at(&self) -> Timestamp {
        self.at.plus(LASTS)
    }

    /// Whether it can still be confirmed: not too old, and made for the order as it stands.
    pub fn standing(&self, order: &Order, open: Option<&Operation>, now: Timestamp) -> Result<(), ReviewError> {
        if now >= self.lapses_at() {
            return Err(ReviewError::Lapsed { by: self.by.clone(), at: self.lapses_at() });
        }
        if self.basis != basis(order, open) {
            return Err(ReviewError::Changed(self.by.clone()));
        }
        Ok(())
    }
}

/// All that a person decides by, on one line: compared, never read. The moments of looks are left out.
pub fn basis(order: &Order, open: Option<&Operation>) -> String {
    let view = order.view.as_ref().map(|seen| &seen.view);
    let amounts = view.and_then(|view| view.amounts);
    let order = format!(
        "{} {:?} {:?} {:?} {:?} {:?} {} {:?} {:?}",
        order.state,
        order.review.as_ref().map(|review| review.code.as_str()),
        order.before_review.map(State::as_str),
        order.order_id.as_ref().map(|id| id.as_str()),
        order.hold.map(|hold| hold.lapses_at.as_millis()),
        order.completion,
        order.parked,
        order.released_at.map(Timestamp::as_millis),
        order.accepted,
    );
    let bank = view.map(|view| {
        format!(
            "{} {:?} {:?} {:?}",
            view.status.number(),
            view.amount,
            view.currency.map(|currency| currency.numeric()),
            amounts.map(|amounts| [amounts.approved, amounts.deposited, amounts.refunded])
        )
    });
    let completion = open.map(|open| format!("{} {} {}", open.key.0, open.state.as_str(), open.attempt));
    format!("{order}; bank {bank:?}; completion {completion:?}")
}

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// This way out.
    Resolve(Way),
    /// What another person proposed.
    Confirm,
    /// That what was proposed is taken back.
    Withdraw,
}

/// What a person says about a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What is asked for.
    pub ask: Ask,
    /// Why.
    pub reason: String,
    /// The person's name, by which two are told apart.
    pub by: String,
    /// The same for the journal.
    pub cause: Cause,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The order is out of review.
    Resolved,
    /// The way out waits for a second person.
    Proposed,
    /// What was proposed is taken back.
    Withdrawn,
}

impl Outcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Proposed => "proposed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What a person's word makes of a review: rows, event and proposal to write, and the difference to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What came of it.
    pub outcome: Outcome,
    /// The rows and event that take the order out of review; `None` while it stays there.
    pub act: Option<Act>,
    /// The event.
    pub event: NewEvent,
    /// What changes; of a proposal, what will once it is confirmed.
    pub changes: Vec<Change>,
    /// Whether money may move then.
    pub sends: Sends,
    /// What waits for a second person afterwards.
    pub proposal: Option<Proposal>,
}

/// Decides a person's word about a review. With `four_eyes`, a way out after which money may move is only proposed.
pub fn decide(
    order: &Order,
    open: Option<&Operation>,
    standing: Option<&Proposal>,
    word: &Word,
    policy: &Policy,
    four_eyes: bool,
    now: Timestamp,
) -> Result<Decision, ReviewError> {
    match word.ask {
        Ask::Resolve(way) => {
            let act = resolve(order, open, way, &word.reason, policy, word.cause.clone(), now)?;
            let resolved = resolved(act, policy);
            if !four_eyes || !resolved.sends.may_move_money() {
                return Ok(resolved);
            }
            if let Some(first) = standing.filter(|first| first.standing(order, open, now).is_ok()) {
                return Err(ReviewError::ProposedAlready { by: first.by.clone(), way: first.way });
            }
            Ok(proposed(order, open, way, word, resolved, now))
        }
        Ask::Confirm => {
            let first = standing.ok_or(ReviewError::NothingProposed)?;
            first.standing(order, open, now)?;
            if first.by == word.by {
                return Err(ReviewError::SameName(word.by.clone()));
            }
            let reason =
                format!("{}; proposed by {}, confirmed by {}: {}", first.reason, first.by, word.by, word.reason);
            let act = resolve(order, open, first.way, &reason, policy, word.cause.clone(), now)?;
            Ok(resolved(act, policy))
        }
        Ask::Withdraw => {
            let first = standing.ok_or(ReviewError::NothingProposed)?;
            let words = format!("`{}`, which {} proposed ({})", first.way.as_str(), first.by, word.reason);
            Ok(Decision {
                outcome: Outcome::Withdrawn,
                act: None,
                event: beside(order, EventKind::ResolutionWithdrawn, word, words),
                changes: Vec::new(),
                sends: Sends::Never,
                proposal: None,
            })
        }
    }
}

fn resolved(act: Act, policy: &Policy) -> Decision {
    Decision {
        outcome: Outcome::Resolved,
        event: act.event.clone(),
        changes: act.changes.clone(),
        sends: Sends::after(&act.order, policy),
        act: Some(act),
        proposal: None,
    }
}

fn proposed(
    order: &Order,
    open: Option<&Operation>,
    way: Way,
    word: &Word,
    resolved: Decision,
    now: Timestamp,
) -> Decision {
    let proposal = Proposal {
        way,
        reason: word.reason.clone(),
        by: word.by.clone(),
        at: now,
        version: order.version,
        basis: basis(order, open),
    };
    let difference = difference::in_words(&resolved.changes);
    let words = format!("`{}` ({}); confirmed, it would change {difference}", way.as_str(), word.reason);
    let event = beside(order, EventKind::ResolutionProposed, word, words);
    Decision { outcome: Outcome::Proposed, act: None, event, proposal: Some(proposal), ..resolved }
}

/// An event that leaves the order where it stands.
fn beside(order: &Order, kind: EventKind, word: &Word, detail: String) -> NewEvent {
    NewEvent { kind, cause: word.cause.clone(), before: order.state, after: order.state, detail }
}

#[cfg(test)]
mod tests;
