//! What a store wants when it registers an order, whichever wire it used.

use super::currency::{Currency, ROUBLE};
use super::errors::Language;

/// What a store asks for when it registers an order, already checked.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The store: its `userName`. Order numbers are unique within a store.
    pub login: String,
    /// The store's own number of the order.
    pub order_number: String,
    /// Minor units, positive.
    pub amount_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// `registerPreAuth.do` rather than `register.do`.
    pub two_phase: bool,
    /// Where the buyer goes after paying.
    pub return_url: String,
    /// Where the buyer goes after failing to pay, if elsewhere.
    pub fail_url: Option<String>,
    /// Free text.
    pub description: String,
    /// Language of the payment page.
    pub language: Language,
    /// How long the buyer may take.
    pub lifetime: Lifetime,
    /// `jsonParams`, as they come back in `merchantOrderParams`.
    pub params: Vec<(String, String)>,
}

impl Registration {
    /// A one-phase order in roubles; the other fields may be set afterwards.
    pub fn new(login: &str, order_number: &str, amount_minor: i64) -> Registration {
        Registration {
            login: login.to_owned(),
            order_number: order_number.to_owned(),
            amount_minor,
            currency: ROUBLE,
            two_phase: false,
            return_url: "https://shop.example/thanks".to_owned(),
            fail_url: None,
            description: String::new(),
            language: Language::Ru,
            lifetime: Lifetime::Default,
            params: Vec::new(),
        }
    }

    /// The same as a two-phase order.
    #[must_use]
    pub fn two_phase(self) -> Registration {
        Registration { two_phase: true, ..self }
    }
}

/// How long an order waits for its buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// As the bank is set up.
    Default,
    /// `sessionTimeoutSecs`.
    Seconds(u32),
    /// `expirationDate`, in epoch milliseconds.
    Until(i64),
}
