//! The weather at a bank's gateway: of which class an answer is, and whether anything is told at all ([`Breaker`]).
//!
//! An order's journey needs known, refused or unknown; people, alerts and the breaker want to know what is the matter.
//! The class never decides anything about an order.

mod breaker;
mod spared;

pub use breaker::{Breaker, LAST_PROBE, Leave, Prober, Turn};
pub use spared::spared;

use super::bank::{CompletionAnswer, Refusal, StatusAnswer, Unknown, UnknownKind};
use super::login::{OfLogin, Request, of_login};
use super::registration::journey::RegisterAnswer;

/// The class of an answer: a closed set, since it labels a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weather {
    /// It tells what was asked.
    Known,
    /// The bank's word about our request.
    Refused,
    /// We ask too often.
    Throttled,
    /// The gateway is being worked on, or what stands behind it is gone.
    Maintenance,
    /// No answer in time.
    Slow,
    /// No connection, or one that broke.
    Unreachable,
    /// No TLS that we trust.
    Tls,
    /// We are not let in.
    Denied,
    /// It tells nothing, in another way: a system error, or what cannot be read. It may be of this one order.
    Faulty,
}

impl Weather {
    /// Every class.
    pub const ALL: [Self; 9] = [
        Self::Known,
        Self::Refused,
        Self::Throttled,
        Self::Maintenance,
        Self::Slow,
        Self::Unreachable,
        Self::Tls,
        Self::Denied,
        Self::Faulty,
    ];

    /// The word for it in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Maintenance => "maintenance",
            Self::Slow => "slow",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Denied => "denied",
            Self::Faulty => "faulty",
        }
    }

    /// The class of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|weather| weather.as_str() == word)
    }

    /// What is the matter with the bank, in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Known => "it answers",
            Self::Refused => "it refuses what is asked",
            Self::Throttled => "it is asked too often",
            Self::Maintenance => "it is being worked on",
            Self::Slow => "it does not answer in time",
            Self::Unreachable => "it cannot be reached",
            Self::Tls => "its TLS is not to be trusted",
            Self::Denied => "it does not let us in",
            Self::Faulty => "its answers tell nothing",
        }
    }

    /// Whether such an answer tells something: that the bank works, if nothing else.
    pub const fn tells_something(self) -> bool {
        matches!(self, Self::Known | Self::Refused)
    }

    /// Whether it is the weather for sure, and no fault of the order that was asked about: then nothing is held against
    /// that order.
    pub const fn is_no_orders_fault(self) -> bool {
        match self {
            Self::Maintenance | Self::Slow | Self::Unreachable | Self::Tls | Self::Denied => true,
            Self::Known | Self::Refused | Self::Throttled | Self::Faulty => false,
        }
    }

    /// The class of a status answer.
    pub fn of_status(answer: &StatusAnswer) -> Option<Self> {
        match answer {
            StatusAnswer::Known(_) => Some(Self::Known),
            StatusAnswer::Refused(refusal) => Some(Self::of_refusal(Request::Status, refusal)),
            StatusAnswer::Unknown(unknown) => Self::of_unknown(unknown),
        }
    }

    /// The class of an answer to a send, made with `request`.
    pub fn of_send(request: Request, answer: &CompletionAnswer) -> Option<Self> {
        match answer {
            CompletionAnswer::Acknowledged | CompletionAnswer::Itemised(_) => Some(Self::Known),
            CompletionAnswer::Refused(refusal) => Some(Self::of_refusal(request, refusal)),
            CompletionAnswer::NotSent(unknown) | CompletionAnswer::Unknown(unknown) => Self::of_unknown(unknown),
        }
    }

    /// The class of a registration's answer.
    pub fn of_registration(answer: &RegisterAnswer) -> Option<Self> {
        match answer {
            RegisterAnswer::Registered { .. } => Some(Self::Known),
            RegisterAnswer::Refused(refusal) => Some(Self::of_refusal(Request::Registration, refusal)),
            RegisterAnswer::NotSent(unknown) | RegisterAnswer::Unknown(unknown) => Self::of_unknown(unknown),
        }
    }

    /// The class of a refusal.
    pub fn of_refusal(request: Request, refusal: &Refusal) -> Self {
        match of_login(request, refusal) {
            OfLogin::Refused => Self::Denied,
            OfLogin::Suspect | OfLogin::Nothing => Self::Refused,
        }
    }

    /// The class of an answer that tells nothing; none where the bank was not asked.
    pub const fn of_unknown(unknown: &Unknown) -> Option<Self> {
        Some(match unknown.kind {
            UnknownKind::Withheld => return None,
            UnknownKind::Unreachable | UnknownKind::Broken => Self::Unreachable,
            UnknownKind::Tls => Self::Tls,
            UnknownKind::Timeout => Self::Slow,
            UnknownKind::Throttled => Self::Throttled,
            UnknownKind::Denied => Self::Denied,
            UnknownKind::Maintenance | UnknownKind::ServerError => Self::Maintenance,
            UnknownKind::HttpStatus | UnknownKind::Unreadable | UnknownKind::SystemError => Self::Faulty,
        })
    }
}

/// So much of a body is looked at: a page says at its head that it is one.
const HEAD: usize = 2_048;

/// Whether a body that is no answer is a page for people, or a text that says that the bank is being worked on. No
/// documented answer is either.
pub fn is_page(body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(body.get(..HEAD).unwrap_or(body));
    let small = head.trim_start_matches('\u{feff}').trim_start().to_lowercase();
    // XHTML may begin with a declaration; an XML answer has no html in it.
    let is_html = small.starts_with('<') && (small.contains("<html") || small.contains("<!doctype html"));
    is_html || tells_of_works(&small)
}

/// Whether a text of the bank's says that it is being worked on, in the languages that gateways answer in.
pub fn tells_of_works(text: &str) -> bool {
    let small = text.to_lowercase();
    WORKS.iter().any(|part| small.contains(part))
}

/// In small letters, and long enough to stand in no other message of the documents.
const WORKS: [&str; 12] = [
    "maintenance",
    "technical works",
    "technical work in progress",
    "temporarily unavailable",
    "temporarily not available",
    "service unavailable",
    "технические работы",
    "технических работ",
    "техническое обслуживание",
    "временно недоступ",
    "регламентные работы",
    "профилактические работы",
];

#[cfg(test)]
mod tests;
