//! Which faults struck in which situation: a pair that never came up was never tested.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::event::EventKind;
use crate::domain::order::State;
use crate::sandbox::FaultName;

use super::evidence::{Asked, Evidence, SeenEvent, Send, is_sent};

/// Where an order and what is done about its money stand when a request is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Situation {
    /// Looked at.
    Look(State),
    /// Asked about before the first send.
    Intended,
    /// Asked about after a send.
    InDoubt,
    /// Asked about after a send, while a person is called.
    InDoubtInReview,
    /// The completion itself.
    Send,
    /// The reversal itself.
    SendReversal,
    /// The refund itself.
    SendRefund,
    /// The decline itself.
    SendDecline,
    /// A registration.
    Register,
}

/// Faults of a look, and of a question about a completion.
const OF_STATUS: [FaultName; 11] = [
    FaultName::Delay,
    FaultName::TimeoutBeforeEffect,
    FaultName::TimeoutAfterEffect,
    FaultName::TooManyRequests,
    FaultName::Error500,
    FaultName::Error503,
    FaultName::Reset,
    FaultName::Garbage,
    FaultName::WrongOrder,
    FaultName::WrongAmount,
    FaultName::StaleStatus,
];

/// Faults of a send, whatever it is.
const OF_SEND: [FaultName; 10] = [
    FaultName::Delay,
    FaultName::TimeoutBeforeEffect,
    FaultName::TimeoutAfterEffect,
    FaultName::TooManyRequests,
    FaultName::Error500,
    FaultName::Error503,
    FaultName::Reset,
    FaultName::Garbage,
    FaultName::FalseSuccess,
    FaultName::FalseRefusal,
];

/// Faults of a registration.
const OF_REGISTRATION: [FaultName; 8] = [
    FaultName::Delay,
    FaultName::TimeoutBeforeEffect,
    FaultName::TimeoutAfterEffect,
    FaultName::TooManyRequests,
    FaultName::Error500,
    FaultName::Error503,
    FaultName::Reset,
    FaultName::Garbage,
];

/// The pairs that came up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    pairs: BTreeSet<(Situation, &'static str)>,
}

impl Cover {
    /// What `evidence` covers.
    pub(super) fn of(evidence: &Evidence) -> Self {
        let mut events: BTreeMap<&str, Vec<&SeenEvent>> = BTreeMap::new();
        for seen in &evidence.events {
            events.entry(seen.event.number.as_str()).or_default().push(seen);
        }
        let struck = evidence.asked.iter().filter_map(|asked| {
            let situation = situation(asked, events.get(asked.number.as_str()).map_or(&[], Vec::as_slice));
            Some((situation, word(asked.fault?)))
        });
        Self { pairs: struck.collect() }
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.pairs.extend(&other.pairs);
    }

    /// How many pairs came up.
    pub fn covered(&self) -> usize {
        self.pairs.len()
    }

    /// How many there are.
    pub fn possible() -> usize {
        all().count()
    }

    /// Those that did not come up, in words.
    pub fn missing(&self) -> Vec<String> {
        all().filter(|pair| !self.pairs.contains(pair)).map(|(situation, fault)| said(situation, fault)).collect()
    }
}

fn all() -> impl Iterator<Item = (Situation, &'static str)> {
    let asked = State::ALL.map(Situation::Look).into_iter().chain([
        Situation::Intended,
        Situation::InDoubt,
        Situation::InDoubtInReview,
    ]);
    let of_status = asked.flat_map(|situation| OF_STATUS.map(|fault| (situation, word(fault))));
    let sends = [Situation::Send, Situation::SendReversal, Situation::SendRefund, Situation::SendDecline];
    let of_send = sends.into_iter().flat_map(|send| OF_SEND.map(|fault| (send, word(fault))));
    of_status.chain(of_send).chain(OF_REGISTRATION.map(|fault| (Situation::Register, word(fault))))
}

/// Where the order stood just before the request arrived: what is written at that very moment follows from its answer.
fn situation(asked: &Asked, events: &[&SeenEvent]) -> Situation {
    match asked.send {
        Some(Send::Completion(_)) => return Situation::Send,
        Some(Send::Reversal) => return Situation::SendReversal,
        Some(Send::Refund(_)) => return Situation::SendRefund,
        Some(Send::Decline) => return Situation::SendDecline,
        None if asked.registers => return Situation::Register,
        None => {}
    }
    let (mut state, mut open) = (State::Pending, None);
    for seen in events.iter().take_while(|seen| seen.at_ms < asked.at_ms) {
        state = seen.event.after;
        open = match seen.event.kind {
            EventKind::CompletionIntended
            | EventKind::ReversalIntended
            | EventKind::RefundIntended
            | EventKind::DeclineIntended => Some(Situation::Intended),
            kind if is_sent(kind) => Some(Situation::InDoubt),
            EventKind::CompletionConfirmed
            | EventKind::CompletionRefused
            | EventKind::CompletionWithdrawn
            | EventKind::CompletionContradicted
            | EventKind::ReversalConfirmed
            | EventKind::ReversalRefused
            | EventKind::ReversalWithdrawn
            | EventKind::ReversalContradicted
            | EventKind::RefundConfirmed
            | EventKind::RefundRefused
            | EventKind::RefundWithdrawn
            | EventKind::RefundContradicted
            | EventKind::DeclineConfirmed
            | EventKind::DeclineRefused
            | EventKind::DeclineWithdrawn
            | EventKind::DeclineContradicted
            | EventKind::Parked
            | EventKind::ReviewResolved => None,
            _ => open,
        };
    }
    match (open, state) {
        (Some(_), State::Review) => Situation::InDoubtInReview,
        (Some(open), _) => open,
        (None, state) => Situation::Look(state),
    }
}

fn said(situation: Situation, fault: &str) -> String {
    let words = match situation {
        Situation::Look(state) => format!("look at {state}"),
        Situation::Intended => "question before a send".to_owned(),
        Situation::InDoubt => "question after a send".to_owned(),
        Situation::InDoubtInReview => "question after a send, in review".to_owned(),
        Situation::Send => "send".to_owned(),
        Situation::SendReversal => "send of a reversal".to_owned(),
        Situation::SendRefund => "send of a refund".to_owned(),
        Situation::SendDecline => "send of a decline".to_owned(),
        Situation::Register => "registration".to_owned(),
    };
    format!("{words} × {fault}")
}

/// The ledger's word for a fault.
pub(super) const fn word(fault: FaultName) -> &'static str {
    match fault {
        FaultName::Delay => "delay",
        FaultName::TimeoutBeforeEffect => "timeout_before_effect",
        FaultName::TimeoutAfterEffect => "timeout_after_effect",
        FaultName::TooManyRequests => "too_many_requests",
        FaultName::Error500 => "error_500",
        FaultName::Error503 => "error_503",
        FaultName::Reset => "reset",
        FaultName::Garbage => "garbage",
        FaultName::WrongOrder => "wrong_order",
        FaultName::WrongAmount => "wrong_amount",
        FaultName::StaleStatus => "stale_status",
        FaultName::FalseSuccess => "false_success",
        FaultName::FalseRefusal => "false_refusal",
    }
}
