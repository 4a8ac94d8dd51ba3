//! Fault rules: which requests go wrong, how often, and in which way.
//!
//! This file is the rules as values and as JSON; `draw` decides when one strikes and `course` what it then does.

use serde::{Deserialize, Serialize};

use super::Operation;
use super::fault_json::RawRule;
use super::probability::Probability;

/// One rule: a kind of fault and the requests it may strike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawRule", into = "RawRule")]
pub struct FaultRule {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only requests of this operation.
    pub operation: Option<Operation>,
    /// Only requests about this order, named by its number or its id.
    pub order: Option<String>,
    /// How many times it may still strike; `None` is without end.
    pub count: Option<u64>,
    /// How often it strikes a request it could strike.
    pub probability: Probability,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The answer is late. With `Moment::Before` the effect is late too, and comes even if the caller has given up by
    /// then.
    Delay {
        /// For how long.
        ms: u64,
        /// Whether the waiting comes before or after the effect.
        effect: Moment,
    },
    /// Nothing happens, nothing is answered, and after `ms` the connection is closed.
    TimeoutBeforeEffect {
        /// How long the request hangs.
        ms: u64,
    },
    /// The request takes effect at once, but its answer never comes; after `ms` the connection is closed.
    TimeoutAfterEffect {
        /// How long the request hangs.
        ms: u64,
    },
    /// 429 without effect.
    TooManyRequests {
        /// `Retry-After`, word for word; no such header when absent.
        retry_after: Option<String>,
    },
    /// 500 with an HTML page.
    Error500 {
        /// Whether it strikes before or after the effect.
        effect: Moment,
    },
    /// 503 with an HTML page.
    Error503 {
        /// Whether it strikes before or after the effect.
        effect: Moment,
    },
    /// The connection is reset without a byte of answer.
    Reset {
        /// Whether it strikes before or after the effect.
        effect: Moment,
    },
    /// 200 with something that is not the answer.
    Garbage {
        /// Which rubbish; `None` draws one each time.
        shape: Option<Garbage>,
        /// Whether it strikes before or after the effect.
        effect: Moment,
    },
    /// The answer about another order of this bank.
    WrongOrder,
    /// A status answer with one of its amounts changed.
    WrongAmount {
        /// Which amount.
        part: AmountPart,
        /// By how much.
        off_by_minor: i64,
    },
    /// The status as it was before the order's last change.
    StaleStatus,
    /// A completion or reversal is acknowledged and did not happen.
    FalseSuccess,
    /// A completion or reversal is refused with errorCode 7 and did happen.
    FalseRefusal,
}

/// Before or after the request takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before.
    Before,
    /// After.
    After,
}

/// Ways in which a body can be rubbish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    /// An HTML page, as a proxy in front of the bank would show.
    Html,
    /// The honest JSON, cut in the middle.
    Truncated,
    /// Well-formed JSON whose fields have other types than they should.
    WrongTypes,
    /// Nothing at all.
    Empty,
}

/// The amounts in a status answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountPart {
    /// `amount`.
    Amount,
    /// `paymentAmountInfo.approvedAmount`.
    Approved,
    /// `paymentAmountInfo.depositedAmount`.
    Deposited,
}

/// The name of a kind, as rules and the ledger write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is described at the kind of the same name")]
pub enum FaultName {
    Delay,
    TimeoutBeforeEffect,
    TimeoutAfterEffect,
    TooManyRequests,
    #[serde(rename = "error_500")]
    Error500,
    #[serde(rename = "error_503")]
    Error503,
    Reset,
    Garbage,
    WrongOrder,
    WrongAmount,
    StaleStatus,
    FalseSuccess,
    FalseRefusal,
}

impl FaultKind {
    /// Its name.
    pub fn name(&self) -> FaultName {
        match self {
            FaultKind::Delay { .. } => FaultName::Delay,
            FaultKind::TimeoutBeforeEffect { .. } => FaultName::TimeoutBeforeEffect,
            FaultKind::TimeoutAfterEffect { .. } => FaultName::TimeoutAfterEffect,
            FaultKind::TooManyRequests { .. } => FaultName::TooManyRequests,
            FaultKind::Error500 { .. } => FaultName::Error500,
            FaultKind::Error503 { .. } => FaultName::Error503,
            FaultKind::Reset { .. } => FaultName::Reset,
            FaultKind::Garbage { .. } => FaultName::Garbage,
            FaultKind::WrongOrder => FaultName::WrongOrder,
            FaultKind::WrongAmount { .. } => FaultName::WrongAmount,
            FaultKind::StaleStatus => FaultName::StaleStatus,
            FaultKind::FalseSuccess => FaultName::FalseSuccess,
            FaultKind::FalseRefusal => FaultName::FalseRefusal,
        }
    }
}

impl FaultRule {
    /// A rule that strikes every request the kind applies to; narrow it with the methods below.
    pub fn always(kind: FaultKind) -> FaultRule {
        FaultRule { kind, operation: None, order: None, count: None, probability: Probability::CERTAIN }
    }

    /// The same, for one operation.
    #[must_use]
    pub fn on(self, operation: Operation) -> FaultRule {
        let operation = Some(operation);
        FaultRule { operation, ..self }
    }

    /// The same, for one order by number or id.
    #[must_use]
    pub fn for_order(self, order: &str) -> FaultRule {
        let order = Some(order.to_owned());
        FaultRule { order, ..self }
    }

    /// The same, at most `count` times.
    #[must_use]
    pub fn times(self, count: u64) -> FaultRule {
        let count = Some(count);
        FaultRule { count, ..self }
    }

    /// The same, now and then.
    #[must_use]
    pub fn with_probability(self, probability: Probability) -> FaultRule {
        FaultRule { probability, ..self }
    }

    /// Every kind of fault, each at about this probability on the requests it can strike.
    ///
    /// Variants of one misfortune (500 and 503, reset before and after the effect) share it, and a wrong sum has half
    /// of it, so that at ten per cent one status request in twenty still gets an answer that is true and in time, and
    /// one in ten a true one that is late. The waits are short, a few seconds, because a storm is watched by people.
    pub fn storm(probability: Probability) -> Vec<FaultRule> {
        use FaultKind as K;
        let half = probability.half();
        let (before, after) = (Moment::Before, Moment::After);
        let part = AmountPart::Approved;
        let kinds = [
            (K::Delay { ms: 700, effect: before }, probability),
            (K::TimeoutBeforeEffect { ms: 3_000 }, probability),
            (K::TimeoutAfterEffect { ms: 3_000 }, probability),
            (K::TooManyRequests { retry_after: Some("1".to_owned()) }, probability),
            (K::Error500 { effect: after }, half),
            (K::Error503 { effect: before }, half),
            (K::Reset { effect: before }, half),
            (K::Reset { effect: after }, half),
            (K::Garbage { shape: None, effect: after }, probability),
            (K::WrongOrder, probability),
            (K::WrongAmount { part, off_by_minor: 1 }, half),
            (K::StaleStatus, probability),
            (K::FalseSuccess, probability),
            (K::FalseRefusal, probability),
        ];
        let rule = |(kind, probability)| FaultRule::always(kind).with_probability(probability);
        kinds.into_iter().map(rule).collect()
    }
}
