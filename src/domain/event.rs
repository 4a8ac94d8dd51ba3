//! The journal's words: what happened to an order, why, and what it made of it.
//!
//! Events are append-only. They are the audit trail, and the feed from which the shop hears.

use super::operation::OperationKind;
use super::order::{MerchantId, OrderNumber, State};
use super::time::Timestamp;
use super::token::TokenName;

/// The kinds with their meanings and words, once: the enum, the list and both functions are made of this one table.
macro_rules! kinds {
    ($(#[doc = $meaning:literal] $kind:ident = $word:literal,)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $(#[doc = $meaning] $kind,)+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$kind),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)+
                }
            }

            /// What it means, for whoever reads the feed's description.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$kind => $meaning.trim_ascii(),)+
                }
            }
        }
    };
}

kinds! {
    /// The order entered the queue.
    Added = "added",
    /// The bank knew it, the queue did not, and it entered the queue.
    Discovered = "discovered",
    /// Its state changed without contradiction.
    Changed = "changed",
    /// It went to review.
    ReviewOpened = "review_opened",
    /// A person's word took it out of review.
    ReviewResolved = "review_resolved",
    /// A person proposed a way out of review, and a second one is asked for.
    ResolutionProposed = "resolution_proposed",
    /// That was taken back.
    ResolutionWithdrawn = "resolution_withdrawn",
    /// The bank showed a status number the documents do not define.
    StatusUnrecognised = "status_unrecognised",
    /// Its hold is near its lapse.
    HoldAtRisk = "hold_at_risk",
    /// An operator took it out of the schedule.
    Parked = "parked",
    /// An operator, or the shop, released its completion.
    Released = "released",
    /// Changed settings made its completion due at another time.
    Rescheduled = "rescheduled",
    /// A completion is due and was decided.
    CompletionIntended = "completion_intended",
    /// It was written in doubt, to be sent at once.
    CompletionSent = "completion_sent",
    /// The bank's answer to it, which confirms nothing.
    CompletionAnswered = "completion_answered",
    /// A read showed the intended amount deposited.
    CompletionConfirmed = "completion_confirmed",
    /// It did not happen.
    CompletionRefused = "completion_refused",
    /// It was taken back before anything was sent.
    CompletionWithdrawn = "completion_withdrawn",
    /// The bank shows another outcome than was intended.
    CompletionContradicted = "completion_contradicted",
    /// Its outcome stays unknown; a person has to decide.
    CompletionEscalated = "completion_escalated",
    /// Its money was stopped: nothing is sent for it.
    MoneyStopped = "money_stopped",
    /// Its money was started again.
    MoneyStarted = "money_started",
    /// A reversal is due and was decided.
    ReversalIntended = "reversal_intended",
    /// It was written in doubt, to be sent at once.
    ReversalSent = "reversal_sent",
    /// The bank's answer to it, which confirms nothing.
    ReversalAnswered = "reversal_answered",
    /// A read showed the hold gone and nothing deposited.
    ReversalConfirmed = "reversal_confirmed",
    /// It did not happen.
    ReversalRefused = "reversal_refused",
    /// It was taken back before anything was sent.
    ReversalWithdrawn = "reversal_withdrawn",
    /// The bank shows another outcome than was intended.
    ReversalContradicted = "reversal_contradicted",
    /// Its outcome stays unknown; a person has to decide.
    ReversalEscalated = "reversal_escalated",
    /// What we know of the hold, or of the clock, gives it another deadline.
    DeadlineChanged = "deadline_changed",
    /// The gateway would complete it by itself, against our plan.
    AutocompletionConflict = "autocompletion_conflict",
    /// Declined, and the bank shows it paid after all.
    LateApproval = "late_approval",
    /// Money went back, in part or whole, or more of it than before.
    Refunded = "refunded",
    /// Deposited, and the bank shows it reversed.
    ReversedLate = "reversed_late",
    /// The buyer's bank takes the money back.
    Chargeback = "chargeback",
    /// A refund was ordered.
    RefundIntended = "refund_intended",
    /// It was written in doubt, to be sent at once.
    RefundSent = "refund_sent",
    /// The bank's answer to it, which confirms nothing.
    RefundAnswered = "refund_answered",
    /// The bank shows exactly that much given back.
    RefundConfirmed = "refund_confirmed",
    /// It did not happen.
    RefundRefused = "refund_refused",
    /// It was taken back before anything was sent.
    RefundWithdrawn = "refund_withdrawn",
    /// The bank shows another outcome than was intended.
    RefundContradicted = "refund_contradicted",
    /// Its outcome stays unknown; a person has to decide.
    RefundEscalated = "refund_escalated",
    /// A decline was ordered.
    DeclineIntended = "decline_intended",
    /// It was written in doubt, to be sent at once.
    DeclineSent = "decline_sent",
    /// The bank's answer to it, which confirms nothing.
    DeclineAnswered = "decline_answered",
    /// The bank shows the order closed.
    DeclineConfirmed = "decline_confirmed",
    /// It did not happen.
    DeclineRefused = "decline_refused",
    /// It was taken back before anything was sent.
    DeclineWithdrawn = "decline_withdrawn",
    /// The bank shows another outcome than was intended.
    DeclineContradicted = "decline_contradicted",
    /// Its outcome stays unknown; a person has to decide.
    DeclineEscalated = "decline_escalated",
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
    /// A look at the bank that its callback asked for: what the callback said was not believed, and what the look found
    /// is told.
    Callback,
    /// The completion schedule.
    Schedule,
    /// The shop, through the API or an import.
    Shop,
    /// The shop, with a token of this name.
    ShopAs(TokenName),
    /// The check of the seals on our own rows.
    Seal,
    /// The bank named it, by a callback or in its list.
    Discovery,
    /// A person, by name.
    Operator(String),
}

impl Cause {
    /// `look`, `callback`, `schedule`, `shop`, `shop:TOKEN`, `seal`, `discovery` or `operator:NAME`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Look => "look".to_owned(),
            Self::Callback => "callback".to_owned(),
            Self::Schedule => "schedule".to_owned(),
            Self::Shop => "shop".to_owned(),
            Self::ShopAs(token) => format!("shop:{token}"),
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
