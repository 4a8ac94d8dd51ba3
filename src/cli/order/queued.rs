//! What became of an order that was handed in: the store's word, for scripts and for people.

use serde::Serialize;

use crate::domain::money::for_people;
use crate::domain::order::NewOrder;
use crate::store::Added;

/// The word for it, as in the HTTP API.
#[derive(Debug, Serialize)]
pub(super) struct Word {
    pub(super) result: &'static str,
    /// Whether it went to review at once: money was sent for it before the database was lost. Missing where it did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_review: bool,
    /// The amount of the order that has the number already.
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_amount: Option<i64>,
    /// The order that has the gateway's id already.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_by: Option<String>,
}

impl Word {
    /// Of an order that could not be read.
    pub(super) const REFUSED: Self = Self { result: "refused", in_review: false, queued_amount: None, taken_by: None };
}

impl From<&Added> for Word {
    fn from(added: &Added) -> Self {
        let plain = |result| Self { result, in_review: false, queued_amount: None, taken_by: None };
        match added {
            Added::New => plain("added"),
            Added::NewInReview => Self { in_review: true, ..plain("added") },
            Added::Exists => plain("exists"),
            Added::ExistsWithDifferentAmount { amount_minor } => {
                Self { queued_amount: Some(*amount_minor), ..plain("exists_with_different_amount") }
            }
            Added::OrderIdTaken { by } => Self { taken_by: Some(by.to_string()), ..plain("order_id_taken") },
        }
    }
}

/// Why `order` was not queued, in a sentence; `None` when it is.
pub(super) fn refusal(order: &NewOrder, added: &Added) -> Option<String> {
    match added {
        Added::New | Added::NewInReview | Added::Exists => None,
        Added::ExistsWithDifferentAmount { amount_minor } if *amount_minor == order.amount.minor() => {
            let which = format!("{} --merchant {}", order.number, order.merchant);
            Some(format!("its number is queued already in another currency; `reconciled order show {which}`"))
        }
        Added::ExistsWithDifferentAmount { amount_minor } => Some(format!(
            "its number is queued already with {}, not {}; an order never changes its price, so give this one another \
             number",
            for_people(*amount_minor, order.currency),
            for_people(order.amount.minor(), order.currency)
        )),
        Added::OrderIdTaken { by } => {
            Some(format!("its gateway id belongs to order {by} here; one of the two has the wrong id"))
        }
    }
}
