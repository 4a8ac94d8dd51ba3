//! A money operation's journey, decided: what a read of the bank makes of a completion, or a reversal, that is open.
//!
//! ```text
//! intended ─(1) synced─▶ in_doubt{attempt, sent_at} ─(2) send─▶ answer ─(3) settle by a read─▶ confirmed | refused
//! ```
//!
//! The bank is asked before every send, the first included, so there is one function for both: [`after_read`]. A crash
//! and a timeout leave the same row, `in_doubt`, and come back through the same function; there is no recovery path.
//! What it returns is a [`Step`]; [`crate::daemon`] performs it and [`crate::store`] writes it down first.

mod decline;
mod refund;
mod settle;

pub use refund::{RefundTools, left_minor, tools};
pub use settle::{after_read, without_request};
pub(super) use settle::{ask_again, withdraw};

use std::time::Duration;

use super::bank::Unknown;
use super::guard;
use super::lifecycle::Contradiction;
use super::money::Amount;
use super::order::OrderKey;
use super::polling;
use super::time::Timestamp;

/// What an operation does to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// Takes a hold, whole or in part (autoCompletion.do).
    Completion,
    /// Lets it go, always whole (reverse.do).
    Reversal,
    /// Gives back what was taken, all that is left of it or less (refund.do).
    Refund,
    /// Closes an order that nobody has paid (decline.do): no money moves.
    Decline,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Completion, Self::Reversal, Self::Refund, Self::Decline];

    /// The word for it: in the database, the API, metrics and sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Reversal => "reversal",
            Self::Refund => "refund",
            Self::Decline => "decline",
        }
    }

    /// What it does, for a sentence: `complete it in the bank's console`.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Completion => "complete",
            Self::Reversal => "reverse",
            Self::Refund => "refund",
            Self::Decline => "decline",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a completion takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionAmount {
    /// All that is held. The only value that becomes the wire's 0, which means *everything*; no arithmetic makes it.
    Whole,
    /// This much and no more.
    Exactly(Amount),
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationState {
    /// Decided; nothing was sent.
    Intended,
    /// Written before a send; stays until a read settles it.
    InDoubt,
    /// A read showed the intended amount deposited or given back, or the hold or the order gone as intended.
    Confirmed,
    /// It did not happen, and a read showed so.
    Refused,
    /// Taken back before anything was sent.
    Withdrawn,
    /// The bank shows another outcome than the intended one; the order stands in review.
    Contradicted,
}

impl OperationState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Intended, Self::InDoubt, Self::Confirmed, Self::Refused, Self::Withdrawn, Self::Contradicted];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::InDoubt => "in_doubt",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Contradicted => "contradicted",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether something is still to be done about it.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Intended | Self::InDoubt => true,
            Self::Confirmed | Self::Refused | Self::Withdrawn | Self::Contradicted => false,
        }
    }
}

/// The row id of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationKey(pub i64);

/// An operation as it is first written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// What it does.
    pub kind: OperationKind,
    /// What it takes, lets go or gives back: a reversal and a decline are always whole.
    pub amount: CompletionAmount,
    /// When it was decided.
    pub intended_at: Timestamp,
    /// Whether a person ordered it: then it waits for no schedule and no deadline.
    pub ordered: bool,
}

/// An operation as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its row.
    pub key: OperationKey,
    /// The order whose money it moves.
    pub order: OrderKey,
    /// What it does; never changes.
    pub kind: OperationKind,
    /// What it takes, lets go or gives back; never changes after the first send. A whole refund is all that is left.
    pub amount: CompletionAmount,
    /// Whether a person ordered it.
    pub ordered: bool,
    /// Where it stands.
    pub state: OperationState,
    /// How many times it was sent.
    pub attempt: u32,
    /// Of these, how many may have had an effect: neither refused nor proven not sent.
    pub unknown_sends: u32,
    /// Minor units that must stand deposited for a completion to be confirmed, that a reversal lets go, or by which a
    /// refund lets the sum that was given back grow; known from the read before the first send.
    pub expected_minor: Option<i64>,
    /// Of a refund: minor units that had been given back already, by the read before its first send.
    pub refunded_before: Option<i64>,
    /// When it was decided.
    pub intended_at: Timestamp,
    /// When the latest send was written down.
    pub sent_at: Option<Timestamp>,
    /// When its answer, or its time-out, was known: no byte of it leaves any more.
    pub answered_at: Option<Timestamp>,
    /// Reads in a row, after the quiet time, that agreed that nothing has happened.
    pub agreeing_reads: u32,
    /// How often the bank was asked since the latest send.
    pub asks: u32,
    /// When the next step is due.
    pub next_step_at: Timestamp,
    /// What the latest answer or step was, for people.
    pub note: Option<String>,
}

impl Operation {
    /// Whether the last try found as many outcomes unknown as may be, and nothing else in its way.
    pub fn waits_for_room(&self) -> bool {
        let note = self.note.as_deref().filter(|_| self.state == OperationState::Intended);
        note.is_some_and(|note| note.starts_with(guard::NOT_SENT) && note.contains(guard::FOR_ROOM))
    }

    /// When the latest send counts as quiet: `quiet` after the last moment at which a byte of it may have left. `None`
    /// before the first send.
    pub fn quiet_at(&self, quiet: Duration) -> Option<Timestamp> {
        // The later of the two: a clock that stepped back in between dates the answer before its own question.
        self.answered_at.max(self.sent_at).map(|last| last.plus(quiet))
    }

    /// Whether the latest send became quiet between a question and its answer, or may have, the clock having stepped
    /// back in between. What the bank said then may be older than the effect, so it must not be one of the reads that
    /// agree that there is none.
    pub fn became_quiet_between(&self, asked_at: Timestamp, now: Timestamp, quiet: Duration) -> bool {
        let quiet_at = self.quiet_at(quiet);
        quiet_at.is_some_and(|quiet_at| now < asked_at || (asked_at < quiet_at && quiet_at <= now))
    }
}

/// How operations are settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlePolicy {
    /// After this long without an effect a request is taken to have none. Minutes, unless you know your bank.
    pub quiet: Duration,
    /// Whether a whole completion may be sent again once it was quiet long enough.
    pub resend_whole: bool,
    /// Whether the bank knows a refund by the id we give it, and carries none out twice: then one that is a part may be
    /// sent again as well.
    pub refund_tools: bool,
    /// Kinds that the bank's wire has no request for: none of these is ever sent.
    pub without_request: &'static [OperationKind],
    /// Sends at most, before a person is asked.
    pub attempts_max: u32,
    /// First wait between two questions; doubles up to [`Self::ask_every_max`].
    pub ask_every: Duration,
    /// Longest wait between two questions.
    pub ask_every_max: Duration,
}

impl SettlePolicy {
    /// Whether the bank's wire has a request for it.
    pub fn has_request(&self, kind: OperationKind) -> bool {
        !self.without_request.contains(&kind)
    }

    /// Whether what was quiet for long enough may go once more, as far as the settings and the wire are concerned.
    pub(super) fn may_go_again(&self, operation: &Operation) -> bool {
        operation.attempt < self.attempts_max && self.has_request(operation.kind)
    }

    /// Doubles from `ask_every` to `ask_every_max` with each of the `times` before.
    pub(super) fn wait_after(&self, times: u32) -> Duration {
        let factor = 1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX);
        self.ask_every.saturating_mul(factor).min(self.ask_every_max)
    }

    /// The longest an open operation waits for its next step: whatever is planned later was planned by a clock that was
    /// wrong, or by other settings.
    pub fn bound(&self) -> Duration {
        self.ask_every_max.max(ASK_IN_PEACE).max(guard::HELD_FOR).max(polling::LEFT_ALONE_FOR)
    }

    /// How long the gateway asked us to wait, as far as that is within our own bound.
    pub(super) fn asked_to_wait(&self, unknown: &Unknown) -> Duration {
        unknown.retry_after.unwrap_or(Duration::ZERO).min(self.ask_every_max)
    }
}

/// How long a question waits that cannot get an answer of use.
pub(super) const ASK_IN_PEACE: Duration = Duration::from_secs(60);

/// Reads that must agree that nothing happened before anything is sent again (R12).
pub const AGREEING_READS: u32 = 2;

/// What is to be done about an open operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write the intent, sync, send. `expected_minor` must be deposited, let go or given back for it to count as done.
    Send {
        /// Minor units concerned.
        expected_minor: i64,
    },
    /// The bank shows what was intended.
    Confirm {
        /// Minor units deposited, let go or given back.
        moved_minor: i64,
    },
    /// It did not happen and will not: the order goes where the view says.
    Settle {
        /// [`OperationState::Refused`], or [`OperationState::Withdrawn`] when nothing had been sent.
        state: OperationState,
        /// Why, for people.
        why: String,
    },
    /// The bank refused it, and nothing has moved: a person decides.
    RefusedByBank {
        /// The bank's word.
        why: String,
    },
    /// Money contradicts itself: the order goes to review and the operation ends there.
    Contradict(Contradiction),
    /// A person has to decide while the outcome stays unknown: the order goes to review, the operation stays in doubt
    /// and the bank is still asked.
    Escalate(Contradiction),
    /// Ask again later.
    AskAgain {
        /// When.
        at: Timestamp,
        /// Reads that now agree.
        agreeing_reads: u32,
        /// What is waited for, for people.
        why: String,
    },
}

/// How often something was sent, for a sentence.
pub fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

#[cfg(test)]
mod tests;
