//! A bank that does not answer, or lets nobody in: told once, and again as it lasts, and told when it is over.
//!
//! One incident, not one per order. It decides nothing; every order backs off by itself. What the breaker stands open
//! for is told by [`super::weather`], and not here as well.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::bank::{StatusAnswer, UNKNOWN_ORDER};
use crate::domain::order::MerchantId;
use crate::gateway::Sky;

/// Answers in a row that tell nothing before it is worth a word; fewer are the weather of every network.
const WORTH_A_WORD: u32 = 5;

/// Counts a merchant's answers that tell nothing.
#[derive(Debug)]
pub(super) struct Silence {
    merchant: MerchantId,
    in_a_row: AtomicU32,
}

impl Silence {
    pub(super) const fn new(merchant: MerchantId) -> Self {
        Self { merchant, in_a_row: AtomicU32::new(0) }
    }

    /// Takes note of an answer under a `sky`. The words come at 5, 10, 20, 40 ... in a row.
    pub(super) fn note(&self, answer: &StatusAnswer, sky: &Sky) {
        if sky.is_open() {
            return;
        }
        let Some(words) = complaint(answer) else {
            if self.in_a_row.swap(0, Ordering::Relaxed) >= WORTH_A_WORD {
                tracing::info!(merchant = %self.merchant, "The bank answers {} again", self.merchant);
            }
            return;
        };
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let doubled = in_a_row.is_multiple_of(WORTH_A_WORD) && (in_a_row / WORTH_A_WORD).is_power_of_two();
        if doubled {
            tracing::warn!(merchant = %self.merchant, in_a_row, "The bank does not answer {}: {words}", self.merchant);
        }
    }
}

/// What is wrong with an answer; an order that the bank does not know yet is none of it.
fn complaint(answer: &StatusAnswer) -> Option<String> {
    match answer {
        StatusAnswer::Known(_) => None,
        StatusAnswer::Refused(refusal) if refusal.code == UNKNOWN_ORDER => None,
        StatusAnswer::Refused(refusal) => Some(refusal.to_string()),
        StatusAnswer::Unknown(unknown) => Some(unknown.to_string()),
    }
}
