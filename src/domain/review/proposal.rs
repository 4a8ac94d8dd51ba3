//! Four eyes: a way out of review after which money may move, and a release, is one person's proposal until a second
//! one confirms it. A release is asked twice too, since a way out that parks the hold and a release would come to the
//! same.
//!
//! A proposal rests on what its maker saw. A look that shows the same again leaves it standing; whatever else a person
//! decides by has to be as it was.

use std::fmt;
use std::time::Duration;

use super::super::acts::{self, Act};
use super::super::difference::{self, Change};
use super::super::event::{Cause, EventKind, NewEvent};
use super::super::journey::Policy;
use super::super::money::{Amount, Currency};
use super::super::operation::Operation;
use super::super::order::{Order, OrderId, State};
use super::super::time::Timestamp;
use super::super::verbs::{self, Verb};
use super::{ReviewError, Sends, Way, resolve};

/// How long a proposal waits: whoever confirms later decides on another day's facts.
pub const LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// What can be proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// A way out of review.
    Way(Way),
    /// That the completion is released, of this sum or of what the order said before.
    Release(Option<Amount>),
    /// What a person orders besides.
    Verb(Verb),
}

impl Proposed {
    /// The word of a release; a sum in minor units follows it, if there is one.
    const RELEASE: &'static str = "release";

    /// What a word says, as [`fmt::Display`] wrote it.
    pub fn parse(word: &str) -> Option<Self> {
        match word.split_once(' ') {
            Some((Self::RELEASE, minor)) => {
                let amount = minor.parse().ok().and_then(|minor| Amount::new(minor).ok())?;
                Some(Self::Release(Some(amount)))
            }
            Some((verb, minor)) => Verb::parse(verb, Some(minor.parse().ok()?)).map(Self::Verb),
            None if word == Self::RELEASE => Some(Self::Release(None)),
            None => Way::parse(word).map(Self::Way).or_else(|| Verb::parse(word, None).map(Self::Verb)),
        }
    }
}

/// The word for it: `bank`, `release`, `release 500`.
impl fmt::Display for Proposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Way(way) => f.write_str(way.as_str()),
            Self::Release(None) => f.write_str(Self::RELEASE),
            Self::Release(Some(amount)) => write!(f, "{} {}", Self::RELEASE, amount.minor()),
            Self::Verb(verb) => verb.fmt(f),
        }
    }
}

/// What waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What.
    pub what: Proposed,
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
        order.order_id.as_ref().map(OrderId::as_str),
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
            view.currency.map(Currency::numeric),
            amounts.map(|amounts| [amounts.approved, amounts.deposited, amounts.refunded])
        )
    });
    let completion = open.map(|open| format!("{} {} {}", open.key.0, open.state.as_str(), open.attempt));
    format!("{order}; bank {bank:?}; completion {completion:?}")
}

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// This.
    Do(Proposed),
    /// What another person proposed.
    Confirm,
    /// That what was proposed is taken back.
    Withdraw,
}

/// What a person says about an order.
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
    /// It is done.
    Done,
    /// It waits for a second person.
    Proposed,
    /// What was proposed is taken back.
    Withdrawn,
}

impl Outcome {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Proposed => "proposed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What a person's word makes of an order: rows, event and proposal to write, and the difference to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What came of it.
    pub outcome: Outcome,
    /// The rows and event of what is done; `None` while nothing is.
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

/// Decides a person's word about an order. With `four_eyes`, that after which money may move is only proposed.
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
        Ask::Do(what) => {
            let done = done(act(order, open, what, &word.reason, policy, word, now)?, policy);
            if !four_eyes || !done.sends.may_move_money() {
                return Ok(done);
            }
            if let Some(first) = standing.filter(|first| first.standing(order, open, now).is_ok()) {
                return Err(ReviewError::ProposedAlready { by: first.by.clone(), what: first.what });
            }
            Ok(proposed(order, open, what, word, done, now))
        }
        Ask::Confirm => {
            let first = standing.ok_or(ReviewError::NothingProposed)?;
            first.standing(order, open, now)?;
            if first.by == word.by {
                return Err(ReviewError::SameName(word.by.clone()));
            }
            let reason =
                format!("{}; proposed by {}, confirmed by {}: {}", first.reason, first.by, word.by, word.reason);
            Ok(done(act(order, open, first.what, &reason, policy, word, now)?, policy))
        }
        Ask::Withdraw => {
            let first = standing.ok_or(ReviewError::NothingProposed)?;
            let words = format!("`{}`, which {} proposed ({})", first.what, first.by, word.reason);
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

fn act(
    order: &Order,
    open: Option<&Operation>,
    what: Proposed,
    reason: &str,
    policy: &Policy,
    word: &Word,
    now: Timestamp,
) -> Result<Act, ReviewError> {
    let cause = word.cause.clone();
    match what {
        Proposed::Way(way) => resolve(order, open, way, reason, policy, cause, now),
        Proposed::Release(amount) => {
            let act = acts::release(order, open, amount, reason, policy, cause, now);
            act.map_err(ReviewError::NotReleasable)
        }
        Proposed::Verb(verb) => {
            let act = verbs::order_verb(order, open, verb, reason, policy, cause, now);
            act.map_err(ReviewError::NotReleasable)
        }
    }
}

fn done(act: Act, policy: &Policy) -> Decision {
    Decision {
        outcome: Outcome::Done,
        event: act.event.clone(),
        changes: act.changes.clone(),
        sends: act.opens.map_or_else(|| Sends::after(&act.order, policy), |opens| Sends::Ordered(opens.kind)),
        act: Some(act),
        proposal: None,
    }
}

fn proposed(
    order: &Order,
    open: Option<&Operation>,
    what: Proposed,
    word: &Word,
    done: Decision,
    now: Timestamp,
) -> Decision {
    let proposal = Proposal {
        what,
        reason: word.reason.clone(),
        by: word.by.clone(),
        at: now,
        version: order.version,
        basis: basis(order, open),
    };
    let difference = difference::in_words(&done.changes);
    let words = format!("`{what}` ({}); confirmed, it would change {difference}", word.reason);
    let event = beside(order, EventKind::ResolutionProposed, word, words);
    Decision { outcome: Outcome::Proposed, act: None, event, proposal: Some(proposal), ..done }
}

/// An event that leaves the order where it stands.
fn beside(order: &Order, kind: EventKind, word: &Word, detail: String) -> NewEvent {
    NewEvent { kind, cause: word.cause.clone(), before: order.state, after: order.state, detail }
}

#[cfg(test)]
mod tests;
