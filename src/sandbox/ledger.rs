//! The bank's ledger: every request that reached it and every effect on an order, in the order they happened.
//!
//! It is the judge in tests: what it does not hold did not happen. A request's line is opened when the request arrives
//! and completed once with its answer, so that a request still hanging is seen too. Passwords and tokens never enter.

use std::collections::VecDeque;

use serde::Serialize;

use super::{FaultName, Operation};

/// About 250 MB at the longest lines, and more than two days of five requests a second; a test that outlives this reads
/// the ledger in parts. The oldest lines go first, which the gap before the first `seq` shows.
const LINES_MAX: usize = 1_000_000;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerLine {
    /// 1, 2, 3, ...: the order in which things happened.
    pub seq: u64,
    /// When: for a request its arrival, for an effect the exact moment it is dated.
    pub at_ms: i64,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// Somebody asked the bank something.
    Request(RequestEntry),
    /// An order changed.
    Effect(EffectEntry),
}

/// One request over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestEntry {
    /// What was asked.
    pub operation: Operation,
    /// The order id, as asked or as found.
    pub order_id: Option<String>,
    /// The order number, as asked or as found.
    pub order_number: Option<String>,
    /// `userName`, or `token` when one was used; never the secret beside it.
    pub login: Option<String>,
    /// The amount asked for, where a request carries one; 0 in a completion means the whole hold.
    pub asked_minor: Option<i64>,
    /// What the caller was told.
    pub answer: AnswerClass,
    /// The honest `errorCode`, even if the caller never saw it.
    pub error_code: Option<u8>,
    /// For requests that change orders: whether this one did.
    pub took_effect: Option<bool>,
    /// The fault this request met.
    pub fault: Option<FaultName>,
}

/// What a caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerClass {
    /// Not answered yet.
    Open,
    /// The truth: done or found.
    Ok,
    /// The truth: refused with an `errorCode`.
    Refused,
    /// Well-formed and untrue.
    Misleading,
    /// 429 or 5xx.
    HttpError,
    /// 200 with something unreadable.
    Garbage,
    /// Nothing: the connection was closed.
    NoAnswer,
}

/// One change of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectEntry {
    /// What happened.
    pub effect: Effect,
    /// The order's id.
    pub order_id: String,
    /// The order's number.
    pub order_number: String,
    /// The money concerned.
    pub amount_minor: i64,
    /// The request that caused it; `None` for buyers and for time running out.
    pub request: Option<u64>,
}

/// The changes an order can undergo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A store registered it.
    Registered,
    /// A buyer's money was held (two-phase).
    Held,
    /// A buyer's money was taken at once (one-phase).
    Deposited,
    /// The issuer asked the buyer for a code (3-D Secure).
    Challenged,
    /// The issuer refused an attempt, and the buyer may try again.
    AttemptFailed,
    /// The issuer declined for good.
    Declined,
    /// The store called an unpaid order off.
    CalledOff,
    /// The payment time ran out.
    Expired,
    /// The bank let the hold go.
    Lapsed,
    /// A held amount was taken, whole or in part.
    Completed,
    /// A hold was let go, by the store or by a clerk.
    Reversed,
    /// The store or a clerk gave money back, all of it or some.
    Refunded,
    /// The buyer's bank took the money back.
    ChargedBack,
}

/// The lines, newest last.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lines: VecDeque<LedgerLine>,
    written: u64,
}

impl Ledger {
    /// Appends a line and gives its number.
    pub(super) fn write(&mut self, at_ms: i64, entry: Entry) -> u64 {
        self.written += 1;
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(LedgerLine { seq: self.written, at_ms, entry });
        self.written
    }

    /// The open line of a request, to be completed; `None` once it has been dropped for age.
    pub(super) fn request(&mut self, seq: u64) -> Option<&mut RequestEntry> {
        let index = self.index_after(seq.checked_sub(1)?);
        match &mut self.lines.get_mut(index)?.entry {
            Entry::Request(request) => Some(request),
            Entry::Effect(_) => None,
        }
    }

    /// Up to `limit` lines that follow line `seq`.
    pub(super) fn after(&self, seq: u64, limit: usize) -> Vec<LedgerLine> {
        let lines = self.lines.iter().skip(self.index_after(seq));
        lines.take(limit).cloned().collect()
    }

    fn index_after(&self, seq: u64) -> usize {
        let dropped = self.written - self.lines.len() as u64;
        usize::try_from(seq.saturating_sub(dropped)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(number: &str) -> Entry {
        Entry::Effect(EffectEntry {
            effect: Effect::Registered,
            order_id: "id".to_owned(),
            order_number: number.to_owned(),
            amount_minor: 100,
            request: None,
        })
    }

    #[test]
    fn lines_are_numbered_and_read_in_parts() {
        let mut ledger = Ledger::default();
        for number in ["a", "b", "c"] {
            ledger.write(7, effect(number));
        }
        let seqs = |after, limit| {
            let lines = ledger.after(after, limit);
            lines.iter().map(|line| line.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(0, 10), [1, 2, 3]);
        assert_eq!(seqs(1, 1), [2]);
        assert!(seqs(3, 10).is_empty());
        assert!(seqs(u64::MAX, 10).is_empty());
    }

    #[test]
    fn a_line_is_one_flat_json_object() {
        let mut ledger = Ledger::default();
        ledger.write(7, effect("a"));
        assert_eq!(
            serde_json::to_string(&ledger.after(0, 1)[0]).unwrap(),
            r#"{"seq":1,"at_ms":7,"kind":"effect","effect":"registered","order_id":"id","order_number":"a","amount_minor":100,"request":null}"#
        );
    }
}
