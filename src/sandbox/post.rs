//! Callbacks as letters: what they say, to whom, and when to try again. The courier carries them.
//!
//! Pure but for the list it keeps. A letter is written in the same stroke as the change it tells of, so that none is
//! lost or told of what did not happen.

use std::collections::VecDeque;

use serde::Serialize;

use super::contract::{CallbackMethod, Contracts};
use super::ledger::Effect;
use super::order::Order;

/// Two hours of a busy bank; the oldest go first, delivered or not.
const LETTERS_MAX: usize = 10_000;

/// With the wait doubling each time the last comes after some ten minutes; the real gateway also has a most.
pub(super) const ATTEMPTS_MAX: u32 = 8;

/// A callback to one store, delivered or under way.
#[derive(Debug, Clone, Serialize)]
pub struct Letter {
    /// 1, 2, 3, ...
    pub seq: u64,
    /// The order's id.
    pub order_id: String,
    /// Where it goes.
    pub url: String,
    /// How.
    pub method: CallbackMethod,
    /// What it says, the checksum included.
    pub parameters: Vec<(String, String)>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; `None` once it was delivered or given up.
    pub next_at_ms: Option<i64>,
    /// Whether the store answered 200.
    pub delivered: bool,
    /// What became of the last attempt.
    pub outcome: Option<String>,
    /// Whether an attempt is under way.
    #[serde(skip)]
    under_way: bool,
}

/// The letters, and the contracts that say where they go.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) contracts: Contracts,
    /// How long after a first attempt the second follows.
    first_wait_ms: i64,
    letters: VecDeque<Letter>,
    written: u64,
}

impl Post {
    pub(super) fn new(contracts: Contracts, first_wait_ms: i64) -> Post {
        Post { contracts, first_wait_ms, letters: VecDeque::new(), written: 0 }
    }

    /// Writes the letter about a change, if its store is told of such changes. The money-less ones tell of none.
    pub(super) fn announce(&mut self, order: &Order, effect: Effect, at_ms: i64) {
        let Some((operation, success)) = event(order, effect) else {
            return;
        };
        let registration = &order.registration;
        let callback = &self.contracts.of(&registration.login).callback;
        let Some(url) = registration.callback_url.as_ref().or(callback.url.as_ref()) else {
            return;
        };
        let mut parameters = vec![
            ("mdOrder".to_owned(), order.id.clone()),
            ("orderNumber".to_owned(), registration.order_number.clone()),
            ("operation".to_owned(), operation.to_owned()),
            ("status".to_owned(), u8::from(success).to_string()),
            ("callbackCreationDate".to_owned(), creation_date(at_ms)),
        ];
        if callback.amount {
            parameters.push(("amount".to_owned(), registration.amount_minor.to_string()));
        }
        callback.seal.put_on(&mut parameters);
        self.written += 1;
        let letter = Letter {
            seq: self.written,
            order_id: order.id.clone(),
            url: url.clone(),
            method: callback.method,
            parameters,
            attempts: 0,
            next_at_ms: Some(at_ms),
            delivered: false,
            outcome: None,
            under_way: false,
        };
        if self.letters.len() == LETTERS_MAX {
            self.letters.pop_front();
        }
        self.letters.push_back(letter);
    }

    /// Takes the letter that has been due longest.
    pub(super) fn take_due(&mut self, now_ms: i64) -> Option<Letter> {
        let due = |letter: &&mut Letter| !letter.under_way && letter.next_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        let letter = self.letters.iter_mut().filter(due).min_by_key(|letter| (letter.next_at_ms, letter.seq))?;
        letter.under_way = true;
        letter.attempts += 1;
        Some(letter.clone())
    }

    /// When the next letter is due.
    pub(super) fn next_due_ms(&self) -> Option<i64> {
        self.letters.iter().filter(|letter| !letter.under_way).filter_map(|letter| letter.next_at_ms).min()
    }

    /// What became of an attempt. Whatever is not 200 is tried again, after twice the wait each time.
    pub(super) fn settle(&mut self, seq: u64, outcome: Result<(), String>, now_ms: i64) {
        let Some(letter) = self.letters.iter_mut().find(|letter| letter.seq == seq) else {
            return;
        };
        letter.under_way = false;
        letter.delivered = outcome.is_ok();
        letter.next_at_ms = match &outcome {
            Ok(()) => None,
            Err(_) if letter.attempts >= ATTEMPTS_MAX => None,
            Err(_) => {
                let wait_ms = self.first_wait_ms.saturating_mul(1 << letter.attempts.saturating_sub(1).min(16));
                Some(now_ms.saturating_add(wait_ms))
            }
        };
        letter.outcome = Some(outcome.map_or_else(|words| words, |()| "200".to_owned()));
    }

    /// Every letter that is kept, oldest first.
    pub(super) fn letters(&self) -> Vec<Letter> {
        self.letters.iter().cloned().collect()
    }
}

/// `operation`, and whether it went well. A payment that failed is the same operation with status 0.
fn event(order: &Order, effect: Effect) -> Option<(&'static str, bool)> {
    let payment = if order.registration.two_phase { "approved" } else { "deposited" };
    match effect {
        Effect::Held => Some(("approved", true)),
        Effect::Deposited | Effect::Completed => Some(("deposited", true)),
        Effect::AttemptFailed | Effect::Declined | Effect::CalledOff => Some((payment, false)),
        // Stores have logged it with status 0.
        Effect::Expired => Some(("declinedByTimeout", false)),
        Effect::Lapsed | Effect::Reversed => Some(("reversed", true)),
        Effect::Refunded => Some(("refunded", true)),
        Effect::Registered | Effect::Challenged | Effect::ChargedBack => None,
    }
}

/// `Mon Jan 31 21:46:52 MSK 2022`.
fn creation_date(at_ms: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    jiff::tz::offset(3).to_datetime(moment).strftime("%a %b %d %H:%M:%S MSK %Y").to_string()
}

#[cfg(test)]
mod tests;
