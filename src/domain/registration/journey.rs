//! A registration's way from the intent to the bank's word: pure decisions, as tables can test them.
//!
//! ```text
//! intended ─(1) synced─▶ in_doubt ─(2) send─▶ answer ── order id ───────▶ registered, and queued in the same commit
//!    ▲                      │ ▲                  ├───── the bank's word ──▶ refused
//!    │                      │ └──────────────────┴ none, or errorCode 1
//!    └─ never heard of it ──┴─ ASK by number ── there, and the amount agrees ▶ registered, without its form URL
//!                                            ├─ there, and it does not ──────▶ refused
//!                                            └─ not to be asked by number: sent again, and then a person's
//! ```
//!
//! No money moves, and the bank takes a number once: sending again after the bank said that it knows no such order can
//! at worst be answered with errorCode 1, which is asked about like any other doubt.
//!
//! A token may ask by the gateway's id alone, so a lost answer cannot be asked for. It is sent again: where the first
//! never came there, that registers it; where it did, errorCode 1 proves so, and a person names the order. Were a bank
//! to take the number twice, nobody holds the payment page of the first, so nobody can pay it, and it lapses.

mod person;

pub use person::{Found, SettleError, settled_by_person};

use std::fmt;
use std::time::Duration;

use super::{Request, Table, Terms, Tree};
use crate::domain::bank::{Refusal, StatusAnswer, UNKNOWN_ORDER, Unknown};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{Kind, MerchantId, NewOrder, Order, OrderId, OrderNumber};
use crate::domain::time::Timestamp;

/// How long a registration is tried: the gateway's own default for a payment session. The buyer for whom it was meant
/// has gone by then. What is in doubt still is a person's from then on.
pub const TRIED_FOR: Duration = Duration::from_secs(1_200);

/// The first wait after a step that told nothing; it doubles each time. A shop waits for the answer.
const WAIT: Duration = Duration::from_millis(500);

/// The longest wait, once nobody can be waiting any more.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The wait once nobody waits for it any more: what the bank tells of late still settles it, and the budget is others'.
const WAIT_IN_PEACE: Duration = Duration::from_secs(600);

/// Steps in a row that told nothing before it is worth a word in the log: by then a minute is over.
pub const WORTH_A_WORD: u32 = 7;

/// `errorCode` 1 of a question by number: this login may ask by the gateway's id alone.
const NOT_BY_NUMBER: i64 = 1;

/// `errorCode` 1 of a registration: the number is taken, or is none.
pub const NUMBER_TAKEN: i64 = 1;

/// Where a registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Written down; to be sent.
    Intended,
    /// It was sent, or was about to be, and its outcome is not known.
    InDoubt,
    /// The bank has the order, and so has our queue.
    Registered,
    /// The bank does not have it, or has another one of its number.
    Refused,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Intended, Self::InDoubt, Self::Registered, Self::Refused];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::InDoubt => "in_doubt",
            Self::Registered => "registered",
            Self::Refused => "refused",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nothing more is to come of it.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Registered | Self::Refused)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The row id of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationKey(pub i64);

/// A registration as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Our row.
    pub key: RegistrationKey,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The shop's number.
    pub number: OrderNumber,
    /// The price.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The request as a document; without personal data once it is settled, and gone after a while.
    pub document: Option<String>,
    /// Where it stands.
    pub state: State,
    /// How often it was sent, or was about to be.
    pub attempt: u32,
    /// Whether a send may have come to the bank without our hearing of it.
    pub doubtful: bool,
    /// Steps in a row that told nothing.
    pub unknown_in_a_row: u32,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When it was last sent.
    pub sent_at: Option<Timestamp>,
    /// When the next step is due; `None` once it is settled.
    pub next_step_at: Option<Timestamp>,
    /// Since when a person is called: it is in doubt, and asking does not end that.
    pub stuck_since: Option<Timestamp>,
    /// The gateway's id of the order.
    pub order_id: Option<OrderId>,
    /// The payment page.
    pub form_url: Option<String>,
    /// The bank's `errorCode`, where it refused.
    pub refusal_code: Option<i64>,
    /// The latest word, for people.
    pub note: Option<String>,
}

/// What the bank answers to a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterAnswer {
    /// It has the order.
    Registered {
        /// The gateway's id.
        order_id: OrderId,
        /// The payment page; a login may have no right to one.
        form_url: Option<String>,
    },
    /// Its word about our request, errorCode 1 among them.
    Refused(Refusal),
    /// No byte of the request left.
    NotSent(Unknown),
    /// Everything else: the bank may have the order.
    Unknown(Unknown),
}

/// What is to be done for a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write it in doubt and send it.
    Send,
    /// Ask for its number.
    Ask,
    /// It is settled.
    Nothing,
}

/// What is due for it at `now`.
pub fn next_step(row: &Registration, now: Timestamp) -> Step {
    match row.state {
        // Nobody waits for it any more, and still it is asked about before it is given up: a row out of a database that
        // was put back does not know what was sent after it was copied.
        State::Intended if now.since(row.created_at) >= TRIED_FOR => Step::Ask,
        State::Intended => Step::Send,
        State::InDoubt => Step::Ask,
        State::Registered | State::Refused => Step::Nothing,
    }
}

/// The row right before its send: in doubt until an answer says otherwise. Due at once, for whoever finds it later:
/// while it is being sent it is claimed.
#[must_use]
pub fn begun(row: &Registration, now: Timestamp) -> Registration {
    Registration {
        state: State::InDoubt,
        attempt: row.attempt.saturating_add(1),
        sent_at: Some(now),
        next_step_at: Some(now),
        ..row.clone()
    }
}

/// The row after an answer to its send.
#[must_use]
pub fn after_answer(row: &Registration, answer: &RegisterAnswer, now: Timestamp) -> Registration {
    match answer {
        RegisterAnswer::Registered { order_id, form_url } => Registration {
            order_id: Some(order_id.clone()),
            form_url: form_url.clone(),
            note: form_url.is_none().then(|| NO_FORM_URL.to_owned()),
            ..settled(row, State::Registered)
        },
        RegisterAnswer::Refused(refusal) if refusal.code == NUMBER_TAKEN => Registration {
            refusal_code: Some(refusal.code),
            note: Some(refusal.to_string()),
            next_step_at: Some(now),
            ..row.clone()
        },
        // The bank's word is about this send. An earlier one that may have come to it is asked about first.
        RegisterAnswer::Refused(refusal) if row.doubtful => Registration {
            refusal_code: Some(refusal.code),
            note: Some(refusal.to_string()),
            next_step_at: Some(now),
            ..row.clone()
        },
        RegisterAnswer::Refused(refusal) => Registration {
            refusal_code: Some(refusal.code),
            note: Some(refusal.to_string()),
            ..settled(row, State::Refused)
        },
        RegisterAnswer::NotSent(unknown) => Registration {
            // What is proven not sent is to be sent; an earlier send that may have come there is asked about first.
            state: if row.doubtful { State::InDoubt } else { State::Intended },
            note: Some(unknown.to_string()),
            ..told_nothing(row, unknown, now)
        },
        RegisterAnswer::Unknown(unknown) => Registration {
            doubtful: true,
            note: Some(format!("whether the bank has the order is not known: {unknown}")),
            ..told_nothing(row, unknown, now)
        },
    }
}

/// The row after the bank was asked for its number. What may be there and is in doubt for too long calls a person, and
/// is asked about on.
#[must_use]
pub fn after_look(row: &Registration, answer: &StatusAnswer, now: Timestamp) -> Registration {
    let after = looked(row, answer, now);
    let is_late = now.since(row.created_at) >= TRIED_FOR && !after.state.is_settled();
    let may_be_there = row.doubtful || row.state == State::InDoubt;
    if is_late && may_be_there || after.stuck_since.is_some() {
        person::called(after, now)
    } else if is_late {
        Registration { next_step_at: Some(now.plus(WAIT_IN_PEACE)), ..after }
    } else {
        after
    }
}

fn looked(row: &Registration, answer: &StatusAnswer, now: Timestamp) -> Registration {
    let strange = |words: &str| Registration { note: Some(words.to_owned()), ..later(row, WAIT_MAX, now) };
    match answer {
        StatusAnswer::Known(view) => {
            if view.order_number.as_deref().is_some_and(|number| number != row.number.as_str()) {
                return strange("asked for its number, the bank told of another order");
            }
            let Some(amount) = view.amount else {
                return strange("the bank has an order of this number and does not say its amount");
            };
            let currency = view.currency.unwrap_or(row.currency);
            if (amount, currency) == (row.amount.minor(), row.currency) {
                return Registration {
                    order_id: view.order_id.clone(),
                    refusal_code: None,
                    note: Some(FORM_URL_LOST.to_owned()),
                    ..settled(row, State::Registered)
                };
            }
            let note = format!(
                "the bank has another order of this number, of {amount} minor units in {}; give this one its own number",
                currency.alpha()
            );
            Registration { refusal_code: Some(NUMBER_TAKEN), note: Some(note), ..settled(row, State::Refused) }
        }
        StatusAnswer::Refused(refusal) if refusal.code == UNKNOWN_ORDER => absent(row, now),
        StatusAnswer::Refused(refusal) if refusal.code == NOT_BY_NUMBER => unasked(row, now),
        StatusAnswer::Refused(refusal) => {
            Registration { note: Some(format!("asked for its number: {refusal}")), ..later(row, wait(row), now) }
        }
        StatusAnswer::Unknown(unknown) => {
            Registration { note: Some(format!("asked for its number: {unknown}")), ..told_nothing(row, unknown, now) }
        }
    }
}

/// The login may not ask by number, so only sending again can tell whether the bank has the order.
fn unasked(row: &Registration, now: Timestamp) -> Registration {
    match row.refusal_code {
        None if now.since(row.created_at) < TRIED_FOR => Registration {
            state: State::Intended,
            doubtful: true,
            note: Some("the login may not ask the bank by number; it is sent again".to_owned()),
            ..later(row, wait(row), now)
        },
        None if row.state == State::Intended && !row.doubtful => given_up(row),
        // Everything that was sent was answered, and this was the answer.
        Some(_) if !row.doubtful => {
            let words = row.note.as_deref().unwrap_or("the number is taken");
            let note = format!(
                "{words}; the login may not ask which order that is (a token asks by the gateway's id alone): give this one \
                 its own number"
            );
            Registration { note: Some(note), ..settled(row, State::Refused) }
        }
        found => {
            let has = if found == Some(NUMBER_TAKEN) { "the bank has an order of this number, and " } else { "" };
            let note = format!(
                "an answer was lost; {has}the login may not ask by number (a token asks by the gateway's id alone)"
            );
            person::called(Registration { note: Some(note), ..later(row, WAIT_MAX, now) }, now)
        }
    }
}

/// The row of a registration whose order came into the queue with its gateway id by another way: the shop's word, a
/// callback that was asked about, or the bank's own list. `None` where that is another order.
pub fn found_queued(row: &Registration, queued: &Order) -> Option<Registration> {
    let order_id = queued.order_id.clone()?;
    let is_ours = (queued.amount, queued.currency) == (row.amount, row.currency);
    is_ours.then(|| Registration {
        order_id: Some(order_id),
        refusal_code: None,
        note: Some(FORM_URL_LOST.to_owned()),
        ..settled(row, State::Registered)
    })
}

/// The bank knows no such order.
fn absent(row: &Registration, now: Timestamp) -> Registration {
    match row.refusal_code {
        Some(code) => {
            let words = row.note.clone().unwrap_or_else(|| format!("errorCode {code}"));
            let note = format!("{words}; and it knows no order of this number");
            Registration { note: Some(note), ..settled(row, State::Refused) }
        }
        None if now.since(row.created_at) >= TRIED_FOR => given_up(row),
        None => Registration {
            state: State::Intended,
            doubtful: true,
            note: Some("the bank knows no order of this number; it is sent again".to_owned()),
            ..later(row, wait(row), now)
        },
    }
}

/// A registration that nobody waits for any more, and that never came to the bank as far as the bank knows.
fn given_up(row: &Registration) -> Registration {
    let tried = super::super::time::in_words(TRIED_FOR);
    let heard = row.note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
    let note =
        format!("the bank could not be made to take it within {tried}{heard}; hand it in again if it is still wanted");
    Registration { note: Some(note), ..settled(row, State::Refused) }
}

/// The words of a row whose document cannot be read: nothing can be sent from it.
#[must_use]
pub fn unreadable(row: &Registration) -> Registration {
    let note = "what was to be sent cannot be read any more; hand it in again".to_owned();
    Registration { note: Some(note), ..settled(row, State::Refused) }
}

/// What was handed in. It was checked then, and what has passed since is for the bank to say.
pub fn request_of(row: &Registration) -> Option<Request> {
    let tree = Tree::from_json(row.document.as_deref()?).ok()?;
    let terms = Terms { table: Table::RegisterDo, number_max: usize::MAX, currency: row.currency, now: None };
    super::read(&tree, &terms).ok()
}

/// The order that enters the queue with a registration the bank has.
pub fn order_of(row: &Registration, request: Option<&Request>) -> NewOrder {
    NewOrder {
        merchant: row.merchant.clone(),
        number: row.number.clone(),
        order_id: row.order_id.clone(),
        amount: row.amount,
        currency: row.currency,
        expires_at: request.and_then(|request| request.expires_at(row.sent_at.unwrap_or(row.created_at))),
        completion: request.map_or(crate::domain::operation::CompletionAmount::Whole, |request| request.completion),
        autocompletion_at: request.and_then(|request| request.autocompletion_at),
        kind: request.map(|request| Kind::of(request.two_phase)),
    }
}

/// A form URL that the bank did not give.
const NO_FORM_URL: &str = "the bank gave no form URL: this login has no right to one";

/// A form URL that was lost with the answer that held it.
pub const FORM_URL_LOST: &str = "the order is registered, but the bank's answer with its form URL was lost, and the bank \
                                 does not tell it again: register the sale anew under another number if the buyer waits";

fn settled(row: &Registration, state: State) -> Registration {
    Registration { state, next_step_at: None, unknown_in_a_row: 0, stuck_since: None, ..row.clone() }
}

fn told_nothing(row: &Registration, unknown: &Unknown, now: Timestamp) -> Registration {
    later(row, unknown.retry_after.unwrap_or_default().clamp(wait(row), WAIT_MAX), now)
}

fn later(row: &Registration, wait: Duration, now: Timestamp) -> Registration {
    Registration {
        next_step_at: Some(now.plus(wait)),
        unknown_in_a_row: row.unknown_in_a_row.saturating_add(1),
        ..row.clone()
    }
}

/// Half a second, doubled for every step that told nothing.
fn wait(row: &Registration) -> Duration {
    WAIT.saturating_mul(2_u32.saturating_pow(row.unknown_in_a_row)).min(WAIT_MAX)
}

#[cfg(test)]
mod tests;
