//! The closed sets that label metrics: what was asked of the gateway, and the class of its answer.

use crate::domain::bank::{CompletionAnswer, StatusAnswer, UnknownKind};
use crate::domain::registration::journey::RegisterAnswer;

/// A request to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// getOrderStatusExtended.do
    Status,
    /// autoCompletion.do
    Completion,
    /// reverse.do
    Reversal,
    /// register.do or registerPreAuth.do
    Registration,
    /// refund.do
    Refund,
    /// decline.do
    Decline,
    /// getLastOrdersForMerchants.do
    LastOrders,
}

impl Operation {
    pub(super) const ALL: [Self; 7] = [
        Self::Status,
        Self::Completion,
        Self::Reversal,
        Self::Registration,
        Self::Refund,
        Self::Decline,
        Self::LastOrders,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Completion => "completion",
            Self::Reversal => "reversal",
            Self::Registration => "registration",
            Self::Refund => "refund",
            Self::Decline => "decline",
            Self::LastOrders => "last_orders",
        }
    }
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// A look comes sooner for it.
    Hinted,
    /// A look was due anyway.
    AsPlanned,
    /// It names an order that is not in the queue.
    UnknownOrder,
    /// Likewise, and the bank is asked about it.
    Discovery,
    /// It names no order.
    NoOrder,
    /// Its checksum is not the bank's.
    Forged,
    /// It cannot be read.
    Malformed,
    /// The database did not take it.
    Failed,
}

impl CallbackOutcome {
    pub(super) const ALL: [Self; 8] = [
        Self::Hinted,
        Self::AsPlanned,
        Self::UnknownOrder,
        Self::Discovery,
        Self::NoOrder,
        Self::Forged,
        Self::Malformed,
        Self::Failed,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hinted => "hinted",
            Self::AsPlanned => "as_planned",
            Self::UnknownOrder => "unknown_order",
            Self::Discovery => "discovery",
            Self::NoOrder => "no_order",
            Self::Forged => "forged",
            Self::Malformed => "malformed",
            Self::Failed => "failed",
        }
    }
}

/// The class of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A bank view, an acknowledged completion or reversal, or a registered order.
    Known,
    /// The bank's word about our request.
    Refused,
    /// Nothing that decides anything, by kind.
    Unknown(UnknownKind),
}

impl Answer {
    /// The class of a status answer.
    pub const fn of_status(answer: &StatusAnswer) -> Self {
        match answer {
            StatusAnswer::Known(_) => Self::Known,
            StatusAnswer::Refused(_) => Self::Refused,
            StatusAnswer::Unknown(unknown) => Self::Unknown(unknown.kind),
        }
    }

    /// The class of a completion's answer, or a reversal's.
    pub const fn of_completion(answer: &CompletionAnswer) -> Self {
        match answer {
            CompletionAnswer::Acknowledged | CompletionAnswer::Itemised(_) => Self::Known,
            CompletionAnswer::Refused(_) => Self::Refused,
            CompletionAnswer::NotSent(unknown) | CompletionAnswer::Unknown(unknown) => Self::Unknown(unknown.kind),
        }
    }

    /// The class of a registration's answer.
    pub const fn of_registration(answer: &RegisterAnswer) -> Self {
        match answer {
            RegisterAnswer::Registered { .. } => Self::Known,
            RegisterAnswer::Refused(_) => Self::Refused,
            RegisterAnswer::NotSent(unknown) | RegisterAnswer::Unknown(unknown) => Self::Unknown(unknown.kind),
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Refused => "refused",
            Self::Unknown(kind) => kind.as_str(),
        }
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::Known, Self::Refused].into_iter().chain(UnknownKind::ALL.into_iter().map(Self::Unknown))
    }
}
