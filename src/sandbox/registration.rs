//! What a store wants when it registers an order, whichever wire it used.

use super::currency::{Currency, ROUBLE};
use super::errors::Language;

/// The end of the parameter's name by which a store says how many points the buyer gives.
const POINTS_PARAM: &str = ":amount_bonus";

/// As many as an amount of N..12 can be.
const POINTS_MAX: i64 = 999_999_999_999;

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
    /// When the bank shall take the hold by itself, in epoch milliseconds.
    pub autocompletion_at_ms: Option<i64>,
    /// When the bank shall let the hold go by itself, in epoch milliseconds.
    pub auto_reverse_at_ms: Option<i64>,
    /// Where the callbacks about this order's payment go instead of the store's usual address.
    pub callback_url: Option<String>,
    /// The store that sells, when another registers for it.
    pub merchant_login: Option<String>,
    /// The buyer, as the store knows him.
    pub client_id: Option<String>,
    /// The card the buyer bound before.
    pub binding_id: Option<String>,
    /// What the store asks for beside the usual.
    pub features: Vec<String>,
    /// Who pays, as the store has it: `payerData`.
    pub payer: Payer,
    /// The cart, as it was sent and checked.
    pub order_bundle: Option<serde_json::Value>,
}

/// How the buyer can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payer {
    /// `email`.
    pub email: Option<String>,
    /// `phone`.
    pub phone: Option<String>,
    /// `postAddress`.
    pub post_address: Option<String>,
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
            autocompletion_at_ms: None,
            auto_reverse_at_ms: None,
            callback_url: None,
            merchant_login: None,
            client_id: None,
            binding_id: None,
            features: Vec::new(),
            payer: Payer::default(),
            order_bundle: None,
        }
    }

    /// The same as a two-phase order.
    #[must_use]
    pub fn two_phase(self) -> Registration {
        Registration { two_phase: true, ..self }
    }

    /// The same, to be paid with so many points of a programme beside the money.
    #[must_use]
    pub fn with_points(mut self, programme: &str, points: i64) -> Registration {
        self.params.push((format!("{programme}{POINTS_PARAM}"), points.to_string()));
        self
    }

    /// The points that go with the money, by programme: `sbrf_spasibo:amount_bonus` in the documents' examples.
    pub(super) fn points(&self) -> Vec<(String, i64)> {
        let points = self.params.iter().filter_map(|(name, value)| {
            let programme = name.strip_suffix(POINTS_PARAM).filter(|programme| !programme.is_empty())?;
            let points = value.parse().ok().filter(|points| (1..=POINTS_MAX).contains(points))?;
            Some((programme.to_owned(), points))
        });
        points.collect()
    }

    /// Whether a feature was asked for.
    pub(super) fn has_feature(&self, feature: &str) -> bool {
        self.features.iter().any(|asked| asked == feature)
    }
}

/// How long an order waits for its buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// As the bank is set up.
    Default,
    /// `sessionTimeoutSecs`.
    Seconds(u64),
    /// `expirationDate`, in epoch milliseconds.
    Until(i64),
}
