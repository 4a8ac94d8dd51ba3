//! Reading orders as the shop writes them: one JSON object, or a file of JSON lines or CSV rows.
//!
//! The API and the command line read orders through here, so an order means the same whichever way it comes. Everything
//! wrong with one order is told at once, each problem with a stable word, its field and what to write instead; a wrong
//! order never takes its neighbours with it. What this does not do: look into the database (whether an order exists is
//! the store's word), or guess at amounts: only whole minor units are read.
//!
//! Read in this order: [`check`] (what is asked of an order), [`raw`] (what can be written at all), [`problem`],
//! [`mod@file`] (line by line), [`registration`] (orders that the bank is to hear of first).

#![deny(clippy::float_arithmetic)]

pub mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod problem;
pub mod raw;
pub mod registration;

#[cfg(test)]
mod tests;

pub use file::{Format, HeadError, Line, Mapping, OrderFile};
pub use problem::{Problem, ProblemCode, Rejection};
pub use raw::{FIELDS, Field, RawOrder};

use crate::config::{Config, MerchantConfig};
use crate::domain::money::{Amount, AmountError, Currency};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{Kind, MerchantId, NameError, NewOrder, ORDER_NUMBER_MAX, OrderId, OrderNumber};
use crate::domain::time::Timestamp;

use problem::{Collector, shown};
use raw::Written;

/// Reads one order written as a JSON object and checks it.
pub fn from_json(text: &str, config: &Config) -> Result<NewOrder, Rejection> {
    match serde_json::from_str::<RawOrder>(text) {
        Ok(raw) => check(&raw, config),
        Err(error) => Err(Rejection::unread(Problem::not_json(&error))),
    }
}

/// Reads what a release may say: nothing, or a JSON object with the `amount` that is to be completed.
pub fn release_from_json(text: &str) -> Result<Option<Amount>, Rejection> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let raw: RawOrder = serde_json::from_str(text).map_err(|error| Rejection::unread(Problem::not_json(&error)))?;
    let mut problems = Collector::new(raw.problems.clone());
    for field in raw.fields().filter(|field| *field != Field::Amount) {
        problems.note::<()>(Err(Problem::not_of_a_release(field)));
    }
    let part = problems.note(amount(&raw, Field::Amount));
    problems.settle(part, &raw)
}

/// Checks an order against the settings of its merchant. A refusal names everything that is wrong with it.
pub fn check(raw: &RawOrder, config: &Config) -> Result<NewOrder, Rejection> {
    let mut problems = Collector::new(raw.problems.clone());
    let order = gather(raw, config, &mut problems);
    problems.settle(order, raw)
}

/// Every field is read before the first one that is missing ends it.
fn gather(raw: &RawOrder, config: &Config, problems: &mut Collector) -> Option<NewOrder> {
    let merchant = problems.note(merchant(raw, config));
    let number = problems.note(order_number(raw, merchant));
    let order_id = problems.note(order_id(raw));
    let amount = problems.note(required_amount(raw));
    let currency = problems.note(currency(raw, merchant));
    let expires_at = problems.note(expires_at(raw));
    let completion = problems.note(completion(raw, amount));
    let autocompletion_at = problems.note(autocompletion_at(raw));
    let kind = problems.note(kind(raw));
    Some(NewOrder {
        merchant: merchant?.id.clone(),
        number: number?,
        order_id: order_id?,
        amount: amount?,
        currency: currency?,
        expires_at: expires_at?,
        completion: completion?,
        autocompletion_at: autocompletion_at?,
        kind: kind?,
    })
}

fn merchant<'a>(raw: &RawOrder, config: &'a Config) -> Result<&'a MerchantConfig, Problem> {
    let field = Field::Merchant;
    let names = || config.merchants.iter().map(|merchant| merchant.id.as_str()).collect::<Vec<_>>().join(", ");
    let Some(name) = text(raw, field)? else {
        return match config.merchants.as_slice() {
            [only] => Ok(only),
            _ => Err(Problem::missing(field, format!("there are several; name one of: {}", names()))),
        };
    };
    let found = MerchantId::new(name).ok().and_then(|id| config.merchant(&id));
    found.ok_or_else(|| {
        let sentence = format!("the merchant {} is not in the configuration; it has: {}", shown(name), names());
        Problem::new(ProblemCode::UnknownMerchant, field, sentence)
    })
}

fn order_number(raw: &RawOrder, merchant: Option<&MerchantConfig>) -> Result<OrderNumber, Problem> {
    let field = Field::OrderNumber;
    let max = merchant.map_or(ORDER_NUMBER_MAX, |merchant| merchant.order_number_max);
    let number = text(raw, field)?.ok_or_else(|| Problem::missing(field, "give the shop's own number of the order"))?;
    OrderNumber::new(number, max).map_err(|error| bad_name(field, &error))
}

fn order_id(raw: &RawOrder) -> Result<Option<OrderId>, Problem> {
    let field = Field::OrderId;
    text(raw, field)?.map(OrderId::new).transpose().map_err(|error| bad_name(field, &error))
}

fn required_amount(raw: &RawOrder) -> Result<Amount, Problem> {
    let field = Field::Amount;
    amount(raw, field)?.ok_or_else(|| Problem::missing(field, "give the price in minor units (kopecks)"))
}

fn amount(raw: &RawOrder, field: Field) -> Result<Option<Amount>, Problem> {
    let Some(written) = raw.get(field) else {
        return Ok(None);
    };
    let minor = match written {
        Written::Integer(minor) => *minor,
        Written::Text(text) => whole_number(text).ok_or_else(|| not_minor_units(field, text))?,
        Written::Fraction(text) => return Err(not_minor_units(field, text)),
        Written::Other(what) => return Err(wrong_type(field, "a whole number", what)),
    };
    // More than an i64 holds is too large, or negative, all the more.
    let fits = i64::try_from(minor).unwrap_or(if minor < 0 { i64::MIN } else { i64::MAX });
    Amount::new(fits).map(Some).map_err(|error| bad_amount(field, minor, &error))
}

/// An optional sign and digits, nothing else: `1 000` and `1,000` mean different sums to different people.
fn whole_number(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain {
        return None;
    }
    // Forty digits and more are too many for an amount whatever they are.
    Some(text.parse().unwrap_or(if text.starts_with('-') { i128::MIN } else { i128::MAX }))
}

fn currency(raw: &RawOrder, merchant: Option<&MerchantConfig>) -> Result<Currency, Problem> {
    let field = Field::Currency;
    let read = match raw.get(field) {
        // Without a merchant the order is refused anyway, and not for its currency.
        None => Ok(merchant.map_or(Currency::RUB, |merchant| merchant.currency)),
        Some(Written::Integer(code)) => Currency::parse(&code.to_string()),
        Some(Written::Text(text)) => Currency::parse(text),
        Some(Written::Fraction(what) | Written::Other(what)) => {
            return Err(wrong_type(field, "a code such as \"643\" or \"RUB\"", what));
        }
    };
    read.map_err(|error| Problem::new(ProblemCode::UnknownCurrency, field, error.to_string()))
}

fn expires_at(raw: &RawOrder) -> Result<Option<Timestamp>, Problem> {
    let field = Field::ExpiresAt;
    let Some(written) = text(raw, field)? else {
        return Ok(None);
    };
    let moment = written.parse::<jiff::Timestamp>().map_err(|_| {
        let sentence =
            format!("{} is not a moment; write RFC 3339 with its offset: 2026-11-20T14:03:05Z", shown(written));
        Problem::new(ProblemCode::NotATime, field, sentence)
    })?;
    Ok(Some(Timestamp::from_millis(moment.as_millisecond())))
}

/// The gateway's own form has 19 characters and no zone: Moscow's clock is meant, which has stood still at UTC+3
/// since 2014.
fn autocompletion_at(raw: &RawOrder) -> Result<Option<Timestamp>, Problem> {
    let field = Field::AutocompletionDate;
    let Some(written) = text(raw, field)? else {
        return Ok(None);
    };
    let moscow = jiff::tz::TimeZone::fixed(jiff::tz::offset(3));
    let of_the_gateway = || jiff::civil::DateTime::strptime("%Y-%m-%dT%H:%M:%S", written).ok()?.to_zoned(moscow).ok();
    let moment = written.parse::<jiff::Timestamp>().ok().or_else(|| of_the_gateway().map(|at| at.timestamp()));
    let moment = moment.ok_or_else(|| {
        let sentence = format!(
            "{} is not a moment; write it as at the registration, 2026-11-20T14:03:05 in Moscow time, or with an offset",
            shown(written)
        );
        Problem::new(ProblemCode::NotATime, field, sentence)
    })?;
    Ok(Some(Timestamp::from_millis(moment.as_millisecond())))
}

/// Said, or told by what only a hold has; else a look tells.
fn kind(raw: &RawOrder) -> Result<Option<Kind>, Problem> {
    let field = Field::TwoPhase;
    let is_held_first = [Field::CompleteAmount, Field::AutocompletionDate].iter().any(|of| raw.get(*of).is_some());
    match raw.get(field) {
        None => Ok(is_held_first.then_some(Kind::TwoPhase)),
        Some(Written::Other(word) | Written::Text(word)) if word == "true" => Ok(Some(Kind::TwoPhase)),
        Some(Written::Other(word) | Written::Text(word)) if word == "false" => Ok(Some(Kind::OnePhase)),
        Some(Written::Integer(number)) => Err(wrong_type(field, "true or false", &number.to_string())),
        Some(Written::Other(what) | Written::Text(what) | Written::Fraction(what)) => {
            Err(wrong_type(field, "true or false", what))
        }
    }
}

fn completion(raw: &RawOrder, price: Option<Amount>) -> Result<CompletionAmount, Problem> {
    let field = Field::CompleteAmount;
    let Some(part) = amount(raw, field)? else {
        return Ok(CompletionAmount::Whole);
    };
    match price.filter(|price| part > *price) {
        None => Ok(CompletionAmount::Exactly(part)),
        Some(price) => {
            let (part, price) = (part.minor(), price.minor());
            let sentence =
                format!("a completion of {part} is above the amount {price}; leave it out to take the whole");
            Err(Problem::new(ProblemCode::CompletionAboveAmount, field, sentence))
        }
    }
}

fn text(raw: &RawOrder, field: Field) -> Result<Option<&str>, Problem> {
    match raw.get(field) {
        None => Ok(None),
        Some(Written::Text(text)) => Ok(Some(text)),
        Some(Written::Integer(number)) => Err(wrong_type(field, "text in quotes", &number.to_string())),
        Some(Written::Fraction(what) | Written::Other(what)) => Err(wrong_type(field, "text in quotes", what)),
    }
}

fn bad_name(field: Field, error: &NameError) -> Problem {
    let code = match error {
        NameError::Empty(_) => ProblemCode::Missing,
        NameError::TooLong { .. } => ProblemCode::TooLong,
        NameError::Forbidden { .. } => ProblemCode::ForbiddenCharacter,
    };
    Problem::new(code, field, error.to_string())
}

fn bad_amount(field: Field, minor: i128, error: &AmountError) -> Problem {
    let (code, sentence) = match error {
        AmountError::Zero => (ProblemCode::AmountZero, error.to_string()),
        AmountError::Negative(_) => {
            (ProblemCode::AmountNegative, format!("{minor} is negative; give minor units (kopecks), at least 1"))
        }
        AmountError::TooLarge(_) => {
            (ProblemCode::AmountTooLarge, format!("{minor} has more than 12 digits, the most that the gateway takes"))
        }
    };
    Problem::new(code, field, sentence)
}

fn not_minor_units(field: Field, found: &str) -> Problem {
    let sentence = format!(
        "{} is not a whole number; amounts are in minor units (kopecks), without a point: 10.50 is written 1050",
        shown(found)
    );
    Problem::new(ProblemCode::NotMinorUnits, field, sentence)
}

fn wrong_type(field: Field, wanted: &str, found: &str) -> Problem {
    Problem::new(ProblemCode::WrongType, field, format!("{} stands where {wanted} belongs", shown(found)))
}
