//! The journal's words: what happened to an order, why, and what it made of it.
//!
//! Events are append-only. They are the audit trail, and the feed from which the shop hears.

use super::operation::OperationKind;
use super::order::{MerchantId, OrderNumber, State};
use super::time::Timestamp;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The order entered the queue.
    Added,
    /// The bank knew it, the queue did not, and it entered the queue.
    Discovered,
    /// Its state changed without contradiction.
    Changed,
    /// It went to review.
    ReviewOpened,
    /// A person's word took it out of review.
    ReviewResolved,
    /// A person proposed a way out of review, and a second one is asked for.
    ResolutionProposed,
    /// That was taken back.
    ResolutionWithdrawn,
    /// The bank showed a status number the documents do not define.
    StatusUnrecognised,
    /// Its hold is near its lapse.
    HoldAtRisk,
    /// An operator took it out of the schedule.
    Parked,
    /// An operator, or the shop, released its completion.
    Released,
    /// Changed settings made its completion due at another time.
    Rescheduled,
    /// A completion is due and was decided.
    CompletionIntended,
    /// It was written in doubt, to be sent at once.
    CompletionSent,
    /// The bank's answer to it, which confirms nothing.
    CompletionAnswered,
    /// A read showed the intended amount deposited.
    CompletionConfirmed,
    /// It did not happen.
    CompletionRefused,
    /// It was taken back before anything was sent.
    CompletionWithdrawn,
    /// The bank shows another outcome than was intended.
    CompletionContradicted,
    /// Its outcome stays unknown; a person has to decide.
    CompletionEscalated,
    /// Its money was stopped: nothing is sent for it.
    MoneyStopped,
    /// Its money was started again.
    MoneyStarted,
    /// A reversal is due and was decided.
    ReversalIntended,
    /// It was written in doubt, to be sent at once.
    ReversalSent,
    /// The bank's answer to it, which confirms nothing.
    ReversalAnswered,
    /// A read showed the hold gone and nothing deposited.
    ReversalConfirmed,
    /// It did not happen.
    ReversalRefused,
    /// It was taken back before anything was sent.
    ReversalWithdrawn,
    /// The bank shows another outcome than was intended.
    ReversalContradicted,
    /// Its outcome stays unknown; a person has to decide.
    ReversalEscalated,
    /// What we know of the hold, or of the clock, gives it another deadline.
    DeadlineChanged,
    /// The gateway would complete it by itself, against our plan.
    AutocompletionConflict,
    /// Declined, and the bank shows it paid after all.
    LateApproval,
    /// Money went back, in part or whole, or more of it than before.
    Refunded,
    /// Deposited, and the bank shows it reversed.
    ReversedLate,
    /// The buyer's bank takes the money back.
    Chargeback,
    /// A refund was ordered.
    RefundIntended,
    /// It was written in doubt, to be sent at once.
    RefundSent,
    /// The bank's answer to it, which confirms nothing.
    RefundAnswered,
    /// The bank shows exactly that much given back.
    RefundConfirmed,
    /// It did not happen.
    RefundRefused,
    /// It was taken back before anything was sent.
    RefundWithdrawn,
    /// The bank shows another outcome than was intended.
    RefundContradicted,
    /// Its outcome stays unknown; a person has to decide.
    RefundEscalated,
    /// A decline was ordered.
    DeclineIntended,
    /// It was written in doubt, to be sent at once.
    DeclineSent,
    /// The bank's answer to it, which confirms nothing.
    DeclineAnswered,
    /// The bank shows the order closed.
    DeclineConfirmed,
    /// It did not happen.
    DeclineRefused,
    /// It was taken back before anything was sent.
    DeclineWithdrawn,
    /// The bank shows another outcome than was intended.
    DeclineContradicted,
    /// Its outcome stays unknown; a person has to decide.
    DeclineEscalated,
}

/// The stages of an operation's journey, whatever its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Due and decided.
    Intended,
    /// Written in doubt, to be sent at once.
    Sent,
    /// The bank answered, which confirms nothing.
    Answered,
    /// A read showed what was intended.
    Confirmed,
    /// It did not happen.
    Refused,
    /// Taken back before anything was sent.
    Withdrawn,
    /// The bank shows another outcome.
    Contradicted,
    /// The outcome stays unknown.
    Escalated,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 52] = [
        Self::Added,
        Self::Discovered,
        Self::Changed,
        Self::ReviewOpened,
        Self::ReviewResolved,
        Self::ResolutionProposed,
        Self::ResolutionWithdrawn,
        Self::StatusUnrecognised,
        Self::HoldAtRisk,
        Self::Parked,
        Self::Released,
        Self::Rescheduled,
        Self::CompletionIntended,
        Self::CompletionSent,
        Self::CompletionAnswered,
        Self::CompletionConfirmed,
        Self::CompletionRefused,
        Self::CompletionWithdrawn,
        Self::CompletionContradicted,
        Self::CompletionEscalated,
        Self::MoneyStopped,
        Self::MoneyStarted,
        Self::ReversalIntended,
        Self::ReversalSent,
        Self::ReversalAnswered,
        Self::ReversalConfirmed,
        Self::ReversalRefused,
        Self::ReversalWithdrawn,
        Self::ReversalContradicted,
        Self::ReversalEscalated,
        Self::DeadlineChanged,
        Self::AutocompletionConflict,
        Self::LateApproval,
        Self::Refunded,
        Self::ReversedLate,
        Self::Chargeback,
        Self::RefundIntended,
        Self::RefundSent,
        Self::RefundAnswered,
        Self::RefundConfirmed,
        Self::RefundRefused,
        Self::RefundWithdrawn,
        Self::RefundContradicted,
        Self::RefundEscalated,
        Self::DeclineIntended,
        Self::DeclineSent,
        Self::DeclineAnswered,
        Self::DeclineConfirmed,
        Self::DeclineRefused,
        Self::DeclineWithdrawn,
        Self::DeclineContradicted,
        Self::DeclineEscalated,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Discovered => "discovered",
            Self::Changed => "changed",
            Self::ReviewOpened => "review_opened",
            Self::ReviewResolved => "review_resolved",
            Self::ResolutionProposed => "resolution_proposed",
            Self::ResolutionWithdrawn => "resolution_withdrawn",
            Self::StatusUnrecognised => "status_unrecognised",
            Self::HoldAtRisk => "hold_at_risk",
            Self::Parked => "parked",
            Self::Released => "released",
            Self::Rescheduled => "rescheduled",
            Self::CompletionIntended => "completion_intended",
            Self::CompletionSent => "completion_sent",
            Self::CompletionAnswered => "completion_answered",
            Self::CompletionConfirmed => "completion_confirmed",
            Self::CompletionRefused => "completion_refused",
            Self::CompletionWithdrawn => "completion_withdrawn",
            Self::CompletionContradicted => "completion_contradicted",
            Self::CompletionEscalated => "completion_escalated",
            Self::MoneyStopped => "money_stopped",
            Self::MoneyStarted => "money_started",
            Self::ReversalIntended => "reversal_intended",
            Self::ReversalSent => "reversal_sent",
            Self::ReversalAnswered => "reversal_answered",
            Self::ReversalConfirmed => "reversal_confirmed",
            Self::ReversalRefused => "reversal_refused",
            Self::ReversalWithdrawn => "reversal_withdrawn",
            Self::ReversalContradicted => "reversal_contradicted",
            Self::ReversalEscalated => "reversal_escalated",
            Self::DeadlineChanged => "deadline_changed",
            Self::AutocompletionConflict => "autocompletion_conflict",
            Self::LateApproval => "late_approval",
            Self::Refunded => "refunded",
            Self::ReversedLate => "reversed_late",
            Self::Chargeback => "chargeback",
            Self::RefundIntended => "refund_intended",
            Self::RefundSent => "refund_sent",
            Self::RefundAnswered => "refund_answered",
            Self::RefundConfirmed => "refund_confirmed",
            Self::RefundRefused => "refund_refused",
            Self::RefundWithdrawn => "refund_withdrawn",
            Self::RefundContradicted => "refund_contradicted",
            Self::RefundEscalated => "refund_escalated",
            Self::DeclineIntended => "decline_intended",
            Self::DeclineSent => "decline_sent",
            Self::DeclineAnswered => "decline_answered",
            Self::DeclineConfirmed => "decline_confirmed",
            Self::DeclineRefused => "decline_refused",
            Self::DeclineWithdrawn => "decline_withdrawn",
            Self::DeclineContradicted => "decline_contradicted",
            Self::DeclineEscalated => "decline_escalated",
        }
    }

    /// The kind that tells a stage of an operation's journey: one word for each, so that the shop filters by it.
    pub const fn of(operation: OperationKind, stage: Stage) -> Self {
        match (operation, stage) {
            (OperationKind::Completion, Stage::Intended) => Self::CompletionIntended,
            (OperationKind::Completion, Stage::Sent) => Self::CompletionSent,
            (OperationKind::Completion, Stage::Answered) => Self::CompletionAnswered,
            (OperationKind::Completion, Stage::Confirmed) => Self::CompletionConfirmed,
            (OperationKind::Completion, Stage::Refused) => Self::CompletionRefused,
            (OperationKind::Completion, Stage::Withdrawn) => Self::CompletionWithdrawn,
            (OperationKind::Completion, Stage::Contradicted) => Self::CompletionContradicted,
            (OperationKind::Completion, Stage::Escalated) => Self::CompletionEscalated,
            (OperationKind::Reversal, Stage::Intended) => Self::ReversalIntended,
            (OperationKind::Reversal, Stage::Sent) => Self::ReversalSent,
            (OperationKind::Reversal, Stage::Answered) => Self::ReversalAnswered,
            (OperationKind::Reversal, Stage::Confirmed) => Self::ReversalConfirmed,
            (OperationKind::Reversal, Stage::Refused) => Self::ReversalRefused,
            (OperationKind::Reversal, Stage::Withdrawn) => Self::ReversalWithdrawn,
            (OperationKind::Reversal, Stage::Contradicted) => Self::ReversalContradicted,
            (OperationKind::Reversal, Stage::Escalated) => Self::ReversalEscalated,
            (OperationKind::Refund, Stage::Intended) => Self::RefundIntended,
            (OperationKind::Refund, Stage::Sent) => Self::RefundSent,
            (OperationKind::Refund, Stage::Answered) => Self::RefundAnswered,
            (OperationKind::Refund, Stage::Confirmed) => Self::RefundConfirmed,
            (OperationKind::Refund, Stage::Refused) => Self::RefundRefused,
            (OperationKind::Refund, Stage::Withdrawn) => Self::RefundWithdrawn,
            (OperationKind::Refund, Stage::Contradicted) => Self::RefundContradicted,
            (OperationKind::Refund, Stage::Escalated) => Self::RefundEscalated,
            (OperationKind::Decline, Stage::Intended) => Self::DeclineIntended,
            (OperationKind::Decline, Stage::Sent) => Self::DeclineSent,
            (OperationKind::Decline, Stage::Answered) => Self::DeclineAnswered,
            (OperationKind::Decline, Stage::Confirmed) => Self::DeclineConfirmed,
            (OperationKind::Decline, Stage::Refused) => Self::DeclineRefused,
            (OperationKind::Decline, Stage::Withdrawn) => Self::DeclineWithdrawn,
            (OperationKind::Decline, Stage::Contradicted) => Self::DeclineContradicted,
            (OperationKind::Decline, Stage::Escalated) => Self::DeclineEscalated,
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What made it happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A look at the bank.
    Look,
    /// The completion schedule.
    Schedule,
    /// The shop, through the API or an import.
    Shop,
    /// The check of the seals on our own rows.
    Seal,
    /// The bank named it, by a callback or in its list.
    Discovery,
    /// A person, by name.
    Operator(String),
}

impl Cause {
    /// `look`, `schedule`, `shop`, `seal`, `discovery` or `operator:NAME`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Look => "look".to_owned(),
            Self::Schedule => "schedule".to_owned(),
            Self::Shop => "shop".to_owned(),
            Self::Seal => "seal".to_owned(),
            Self::Discovery => "discovery".to_owned(),
            Self::Operator(name) => format!("operator:{name}"),
        }
    }
}

/// An event about to be written; the store adds its number, time and order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// What made it happen.
    pub cause: Cause,
    /// The order's state before.
    pub before: State,
    /// And after.
    pub after: State,
    /// In words, the gateway's among them.
    pub detail: String,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number: ascending, never used again.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// Whose order.
    pub merchant: MerchantId,
    /// Which order.
    pub number: OrderNumber,
    /// What happened.
    pub kind: EventKind,
    /// What made it happen, as [`Cause::to_text`] wrote it.
    pub cause: String,
    /// The order's state before.
    pub before: State,
    /// And after.
    pub after: State,
    /// In words.
    pub detail: String,
}
