//! Discovery: an order that the bank knows and the queue does not, and what an answer about it makes of that.

use std::time::Duration;

use super::bank::{BankStatus, BankView, StatusAnswer, UNKNOWN_ORDER};
use super::money::{Amount, Currency};
use super::operation::CompletionAmount;
use super::order::{Kind, MerchantId, NewOrder, OrderNumber};

/// How often the bank is asked about an order that it does not know: right after a registration it may not show it yet.
const ASKS_OF_UNKNOWN: u32 = 3;

/// How often in all. A day of a bank that tells nothing has more than enough of the longest waits.
const ASKS_MAX: u32 = 150;

/// The wait after the first answer that told nothing; it doubles.
const WAIT: Duration = Duration::from_secs(10);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// What is asked of an order that enters the queue in this way, as of one that the shop hands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whose orders.
    pub merchant: MerchantId,
    /// The currency of an answer that does not say.
    pub currency: Currency,
    /// The longest number.
    pub number_max: usize,
}

/// What becomes of a question about an unknown order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovered {
    /// It is an order of ours.
    Order(Box<NewOrder>),
    /// Nothing was told: it is asked again after this long.
    Later(Duration),
    /// It is not asked again, and why.
    Never(String),
}

/// What `answer` makes of it, after `asks` earlier questions.
pub fn after_answer(answer: &StatusAnswer, terms: &Terms, asks: u32) -> Discovered {
    let later = || WAIT.saturating_mul(1 << asks.min(8)).min(WAIT_MAX);
    match answer {
        StatusAnswer::Known(view) => {
            of_view(view, terms).map_or_else(Discovered::Never, |order| Discovered::Order(Box::new(order)))
        }
        StatusAnswer::Refused(refusal) if refusal.code == UNKNOWN_ORDER && asks + 1 < ASKS_OF_UNKNOWN => {
            Discovered::Later(later())
        }
        StatusAnswer::Refused(refusal) => Discovered::Never(refusal.to_string()),
        StatusAnswer::Unknown(unknown) if asks + 1 < ASKS_MAX => {
            Discovered::Later(later().max(unknown.retry_after.unwrap_or_default().min(WAIT_MAX)))
        }
        StatusAnswer::Unknown(unknown) => Discovered::Never(unknown.to_string()),
    }
}

/// The order that a view shows, if all that is needed of it is there.
pub fn of_view(view: &BankView, terms: &Terms) -> Result<NewOrder, String> {
    let number = view.order_number.as_deref().ok_or("the answer has no order number that can be kept")?;
    let amount = view.amount.ok_or("the answer has no amount")?;
    Ok(NewOrder {
        merchant: terms.merchant.clone(),
        number: OrderNumber::new(number, terms.number_max).map_err(|error| error.to_string())?,
        order_id: view.order_id.clone(),
        amount: Amount::new(amount).map_err(|error| error.to_string())?,
        currency: view.currency.unwrap_or(terms.currency),
        expires_at: None,
        completion: CompletionAmount::Whole,
        autocompletion_at: view.autocompletion_at,
        kind: (view.status == BankStatus::Held).then_some(Kind::TwoPhase),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bank::{Refusal, Unknown, UnknownKind};
    use crate::domain::order::OrderId;

    fn terms() -> Terms {
        Terms { merchant: MerchantId::new("shop").unwrap(), currency: Currency::RUB, number_max: 32 }
    }

    fn view() -> BankView {
        BankView {
            order_number: Some("A-1".to_owned()),
            order_id: Some(OrderId::new("b-1").unwrap()),
            status: BankStatus::Deposited,
            action_code: Some(0),
            amount: Some(10_000),
            currency: None,
            amounts: None,
            points: None,
            counted_points: None,
            authorised_at: None,
            payment_system: None,
            chargeback: None,
            autocompletion_at: None,
        }
    }

    #[test]
    fn an_order_enters_with_what_the_bank_shows_and_nothing_is_guessed() {
        let found = of_view(&view(), &terms()).unwrap();
        assert_eq!((found.number.as_str(), found.amount.minor(), found.currency), ("A-1", 10_000, Currency::RUB));
        let odd = [
            BankView { order_number: None, ..view() },
            BankView { order_number: Some("x".repeat(33)), ..view() },
            BankView { amount: None, ..view() },
            BankView { amount: Some(0), ..view() },
        ];
        for view in odd {
            assert!(of_view(&view, &terms()).is_err(), "{view:?}");
        }
    }

    #[test]
    fn an_unknown_order_is_asked_about_a_few_times_and_a_silent_bank_for_a_day() {
        let unknown = StatusAnswer::Refused(Refusal { code: 6, message: String::new() });
        let silent = |retry_after| {
            let kind = UnknownKind::Throttled;
            StatusAnswer::Unknown(Unknown { kind, detail: String::new(), retry_after })
        };
        let after = |answer: &StatusAnswer, asks| after_answer(answer, &terms(), asks);
        assert_eq!(after(&unknown, 0), Discovered::Later(WAIT));
        assert_eq!(after(&unknown, 1), Discovered::Later(WAIT * 2));
        assert!(matches!(after(&unknown, 2), Discovered::Never(_)));
        assert_eq!(after(&silent(None), 30), Discovered::Later(WAIT_MAX));
        assert_eq!(after(&silent(Some(Duration::from_secs(60))), 0), Discovered::Later(Duration::from_secs(60)));
        assert!(matches!(after(&silent(None), ASKS_MAX), Discovered::Never(_)));
        let refused = StatusAnswer::Refused(Refusal { code: 5, message: String::new() });
        assert!(matches!(after(&refused, 0), Discovered::Never(_)));
        assert!(matches!(after(&StatusAnswer::Known(Box::new(view())), 0), Discovered::Order(_)));
    }
}
