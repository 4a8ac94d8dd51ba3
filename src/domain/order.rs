//! An order: what the shop sold, and what we know became of its money.

use std::fmt;

use super::bank::{BankView, PaymentSystem};
use super::money::{Amount, Currency};
use super::operation::CompletionAmount;
use super::time::Timestamp;

/// The longest order number of the documents (`ANS..32`); some banks allow 36, so the merchant's setting decides.
pub const ORDER_NUMBER_MAX: usize = 32;

/// The longest that any bank takes.
pub const ORDER_NUMBER_LONGEST: usize = 36;

/// The longest gateway order id: `AN..64` in getOrderStatusExtended.do, `ANS36` elsewhere.
const ORDER_ID_MAX: usize = 64;

/// The longest merchant name: it is a metric label and a directory name.
const MERCHANT_ID_MAX: usize = 32;

/// A merchant by the name the configuration gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MerchantId(String);

/// The shop's own number of an order, unique per merchant: our idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(String);

/// The gateway's id of an order (`orderId`, `mdOrder`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(String);

/// Why a text is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// Longer than the gateway takes.
    #[error("the {what} has {length} characters; at most {max} are allowed")]
    TooLong {
        /// What it would have named.
        what: &'static str,
        /// Its length in characters.
        length: usize,
        /// The longest allowed.
        max: usize,
    },
    /// A character that cannot stand there.
    #[error("the {what} contains {found:?}; {remedy}")]
    Forbidden {
        /// What it would have named.
        what: &'static str,
        /// The first character that does not fit.
        found: char,
        /// What would fit.
        remedy: &'static str,
    },
}

impl MerchantId {
    /// Lower-case letters, digits, `_` and `-`, 1 to 32 characters: it names a metric label and a directory.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        checked("merchant name", text, MERCHANT_ID_MAX, fits, "use a-z, 0-9, _ and -").map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OrderNumber {
    /// 1 to `max` printable characters, none of them white space at either end.
    pub fn new(text: &str, max: usize) -> Result<Self, NameError> {
        let what = "order number";
        if text.trim() != text {
            return Err(NameError::Forbidden { what, found: ' ', remedy: "take away the white space around it" });
        }
        checked(what, text, max, |c| !c.is_control(), "use printable characters").map(Self)
    }

    /// A number that was checked when it was stored.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OrderId {
    /// 1 to 64 visible ASCII characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked("order id", text, ORDER_ID_MAX, |c| c.is_ascii_graphic(), "use the id as the gateway gave it").map(Self)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(
    what: &'static str,
    text: &str,
    max: usize,
    fits: impl Fn(char) -> bool,
    remedy: &'static str,
) -> Result<String, NameError> {
    let length = text.chars().count();
    if length == 0 {
        return Err(NameError::Empty(what));
    }
    if length > max {
        return Err(NameError::TooLong { what, length, max });
    }
    match text.chars().find(|c| !fits(*c)) {
        Some(found) => Err(NameError::Forbidden { what, found, remedy }),
        None => Ok(text.to_owned()),
    }
}

macro_rules! displayed_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}
displayed_as_text!(MerchantId, OrderNumber, OrderId);

/// What we hold to be true of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No outcome yet: not seen at the bank, registered, or in authentication.
    Pending,
    /// Two-phase: the amount is held on the card.
    Held,
    /// The money was taken.
    Deposited,
    /// The authorisation was cancelled before the money was taken, or the hold lapsed.
    Reversed,
    /// Money went back, in part or whole.
    Refunded,
    /// Refused, or the payment time ran out.
    Declined,
    /// Money contradicts itself; only a person's recorded word takes it out.
    Review,
}

impl State {
    /// Every state, in the order of a life. Metrics and reports have a series for each.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Held, Self::Deposited, Self::Reversed, Self::Refunded, Self::Declined, Self::Review];

    /// The word for it: in the database, the API, metrics and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Deposited => "deposited",
            Self::Reversed => "reversed",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
            Self::Review => "review",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the order is at an end: nothing more is expected, though a refund may still come.
    pub const fn is_end(self) -> bool {
        match self {
            Self::Deposited | Self::Reversed | Self::Refunded | Self::Declined => true,
            Self::Pending | Self::Held | Self::Review => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How an order is paid: buyers are as quick either way, but banks are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The money is taken at once.
    OnePhase,
    /// It is held first.
    TwoPhase,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::OnePhase, Self::TwoPhase];

    /// The word for it in the database and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnePhase => "one_phase",
            Self::TwoPhase => "two_phase",
        }
    }

    /// The kind of an order that is two-phase, or not.
    pub const fn of(two_phase: bool) -> Self {
        if two_phase { Self::TwoPhase } else { Self::OnePhase }
    }

    /// Whether the money is held first.
    pub const fn is_two_phase(self) -> bool {
        matches!(self, Self::TwoPhase)
    }
}

/// An order as it enters the queue, already checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Whose it is.
    pub merchant: MerchantId,
    /// The shop's number.
    pub number: OrderNumber,
    /// The gateway's id, when the shop kept it.
    pub order_id: Option<OrderId>,
    /// The price.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// When the payment page closes, when the shop knows it.
    pub expires_at: Option<Timestamp>,
    /// What a completion shall take.
    pub completion: CompletionAmount,
    /// When the gateway completes it by itself, when the shop asked it to.
    pub autocompletion_at: Option<Timestamp>,
    /// How it is paid, where somebody said so.
    pub kind: Option<Kind>,
}

/// A hold: money set aside on the card, with the moment the bank will let it go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// When we first saw it: completions are due from here.
    pub held_at: Timestamp,
    /// When its life began: the bank's own time of authorisation where that is earlier than our first sight of it.
    /// Kept, because a later answer may name the card's payment system, and with it another lifetime.
    pub begun_at: Timestamp,
    /// When it is taken to lapse.
    pub lapses_at: Timestamp,
}

/// An order as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our row.
    pub key: OrderKey,
    /// Counts every change; a compare-and-set on it is the last check before money moves.
    pub version: i64,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The shop's number.
    pub number: OrderNumber,
    /// The gateway's id; learned from the first answer when the shop did not give it.
    pub order_id: Option<OrderId>,
    /// The price.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// What we hold to be true.
    pub state: State,
    /// Since when.
    pub state_since: Timestamp,
    /// When it entered the queue.
    pub created_at: Timestamp,
    /// When its payment page closes, as far as known.
    pub expires_at: Option<Timestamp>,
    /// What a completion shall take.
    pub completion: CompletionAmount,
    /// Set by an operator: no completion until released.
    pub parked: bool,
    /// When an operator released it.
    pub released_at: Option<Timestamp>,
    /// The hold, once there is one.
    pub hold: Option<Hold>,
    /// When the hold was first seen by a clock whose word was replaced since, because it lay in the future: should the
    /// clock come to that moment after all, it is believed again.
    pub held_at_first: Option<Timestamp>,
    /// When a completion is due; `None` while none is planned.
    pub complete_at: Option<Timestamp>,
    /// When the policy acts on a hold that no completion takes in time; `None` when one does, or nothing is held.
    pub deadline_at: Option<Timestamp>,
    /// How many of the warnings before its lapse were given.
    pub lapse_warnings: u32,
    /// The card's payment system, once an answer named it.
    pub payment_system: Option<PaymentSystem>,
    /// When the gateway completes it by itself, as the shop said or an answer showed.
    pub autocompletion_at: Option<Timestamp>,
    /// The value of [`Self::autocompletion_at`] whose conflict with our plan the journal has told.
    pub autocompletion_told: Option<Timestamp>,
    /// How it is paid: as somebody said, or the bank has shown.
    pub kind: Option<Kind>,
    /// When it is looked at next; `None` when nothing more is expected.
    pub next_look_at: Option<Timestamp>,
    /// How many answers in a row were unknown.
    pub unknown_in_a_row: u32,
    /// The latest answer, in words.
    pub heard: Option<Heard>,
    /// The bank's latest word.
    pub view: Option<SeenView>,
    /// Why it stands in review: a contradiction's code and sentence.
    pub review: Option<ReviewReason>,
    /// What it was before it went to review, where that is on record: what our book stands for.
    pub before_review: Option<State>,
    /// The codes of the contradictions an operator has accepted, one a line; the same ones are not raised again.
    pub accepted: Option<String>,
}

/// The row id of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey(pub i64);

/// The latest answer to a look, whatever it was worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When.
    pub at: Timestamp,
    /// In words, for people.
    pub words: String,
}

impl Order {
    /// Whether its view was heard at `at`: what a look at that moment brought was worth keeping.
    pub fn saw_at(&self, at: Timestamp) -> bool {
        self.view.as_ref().is_some_and(|seen| seen.seen_at == at)
    }
}

/// The bank's word and when it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenView {
    /// What it said.
    pub view: BankView,
    /// When.
    pub seen_at: Timestamp,
}

/// Why an order stands in review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewReason {
    /// Stable, with the figures that contradict: what an acceptance is compared with.
    pub code: String,
    /// A sentence for the person who has to decide.
    pub sentence: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_numbers_are_bounded_and_printable() {
        let long = "x".repeat(33);
        let table: [(&str, usize, bool); 9] = [
            ("A-1", 32, true),
            ("", 32, false),
            (&long, 32, false),
            (&long, 36, true),
            ("заказ №1", 32, true),
            (" A", 32, false),
            ("A\n1", 32, false),
            ("A\u{0}", 32, false),
            ("=cmd()", 32, true),
        ];
        for (text, max, fits) in table {
            assert_eq!(OrderNumber::new(text, max).is_ok(), fits, "{text:?}");
        }
    }

    #[test]
    fn merchant_names_are_fit_for_a_label_and_a_directory() {
        for (text, fits) in [("shop", true), ("shop-2_x", true), ("Shop", false), ("../x", false), ("", false)] {
            assert_eq!(MerchantId::new(text).is_ok(), fits, "{text:?}");
        }
    }

    #[test]
    fn every_state_is_found_by_its_word() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
