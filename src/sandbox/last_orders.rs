//! `getLastOrdersForMerchants.do`: a store's orders of a time, page by page.

use serde::Serialize;

use super::contract::Contract;
use super::errors::{self, Language, Refusal};
use super::moscow;
use super::order::Order;
use super::params::Params;
use super::register::digits;
use super::status::{self, StatusAnswer};

/// One page. Its errorCode is a number where those inside are text.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastOrdersAnswer {
    error_code: u8,
    error_message: &'static str,
    order_statuses: Vec<StatusAnswer>,
    total_count: usize,
    page: usize,
    page_size: usize,
}

/// As many as one page may have; a longer one is cut to it.
const SIZE_MAX: i64 = 200;

/// `paymentState` as `transactionStates` lists it.
const STATES: [&str; 6] = ["CREATED", "APPROVED", "DEPOSITED", "DECLINED", "REVERSED", "REFUNDED"];

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    page: usize,
    size: usize,
    from_ms: i64,
    to_ms: i64,
    states: Vec<String>,
    merchants: Vec<String>,
    by_creation: bool,
}

/// Reads the request; size, both ends and the states are mandatory, and the first page is meant where none is named.
pub(super) fn parse(params: &Params) -> Result<Wanted, Refusal> {
    let number = |name, longest| match params.get(name) {
        None => Err(errors::FIELD_EMPTY),
        Some(text) => digits(text, longest).ok_or(errors::VALUE_WRONG),
    };
    let moment = |name| match params.get(name) {
        None => Err(errors::FIELD_EMPTY),
        Some(text) => moscow::from_digits(text).ok_or(errors::VALUE_WRONG),
    };
    let page = params.get("page").map_or(Ok(0), |_| number("page", 9))?;
    let size = number("size", 9)?;
    let states = list(params, "transactionStates");
    if states.is_empty() {
        return Err(errors::FIELD_EMPTY);
    }
    if size == 0 || states.iter().any(|state| !STATES.contains(&state.as_str())) {
        return Err(errors::VALUE_WRONG);
    }
    Ok(Wanted {
        page: usize::try_from(page).map_err(|_| errors::VALUE_WRONG)?,
        size: usize::try_from(size.min(SIZE_MAX)).map_err(|_| errors::VALUE_WRONG)?,
        from_ms: moment("from")?,
        to_ms: moment("to")?,
        states,
        merchants: list(params, "merchants"),
        by_creation: params.get("searchByCreatedDate").is_some_and(|text| text.eq_ignore_ascii_case("true")),
    })
}

/// Values parted by commas, in however many parameters of the name.
fn list(params: &Params, name: &str) -> Vec<String> {
    let parts = params.all(name).flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

impl Wanted {
    /// By the date of payment an order that nobody has paid cannot be found.
    fn takes(&self, order: &Order) -> bool {
        let date_ms = if self.by_creation {
            Some(order.registered_at_ms)
        } else {
            order.state.payment().map(|payment| payment.at_ms)
        };
        let registration = &order.registration;
        let seller = registration.merchant_login.as_deref().unwrap_or(&registration.login);
        date_ms.is_some_and(|at_ms| (self.from_ms..=self.to_ms).contains(&at_ms))
            && self.states.iter().any(|state| state == order.state.payment_state())
            && (self.merchants.is_empty() || self.merchants.iter().any(|merchant| merchant == seller))
    }

    /// The page of these orders, oldest first, so that what comes anew moves nobody to another page.
    pub(super) fn page<'a>(
        &self,
        orders: impl Iterator<Item = &'a Order>,
        contract: &Contract,
        language: Language,
    ) -> LastOrdersAnswer {
        let first = self.page.saturating_mul(self.size);
        let mut total_count = 0;
        let mut order_statuses = Vec::new();
        for order in orders.filter(|order| self.takes(order)) {
            if total_count >= first && order_statuses.len() < self.size {
                order_statuses.push(status::answer(order, contract, language));
            }
            total_count += 1;
        }
        LastOrdersAnswer {
            error_code: 0,
            error_message: errors::SUCCESS.text(language),
            order_statuses,
            total_count,
            page: self.page,
            page_size: self.size,
        }
    }
}
