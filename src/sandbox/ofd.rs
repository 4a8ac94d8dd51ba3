//! What a receipt needs beside the cart, `additionalOfdParams`, and `billingPayerData`: JSON objects in one parameter
//! each.
//!
//! Names come with dots or as objects within objects; both are the same. Only lengths and classes are checked: this
//! bank prints no receipts.

use serde_json::{Map, Value};

use super::errors::{self, Refusal};
use super::params::Params;

/// What a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Anything of at most so many characters.
    Text(usize),
    /// Anything of at most so many bytes.
    Bytes(usize),
    /// At most so many digits.
    Digits(usize),
    /// Ten to twelve digits: a taxpayer's number.
    Inn,
    /// One phone number of at most so many characters, or several.
    Phones(usize),
    /// A whole number in this range.
    Range(i64, i64),
}

impl Class {
    pub(super) fn takes(self, text: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Class::Text(longest) => text.chars().count() <= longest,
            Class::Bytes(longest) => text.len() <= longest,
            Class::Digits(longest) => text.len() <= longest && digits(text),
            Class::Inn => (10..=12).contains(&text.len()) && digits(text),
            Class::Phones(longest) => text.split(',').all(|phone| super::register::is_phone(phone.trim(), longest)),
            Class::Range(least, most) => {
                digits(text) && text.parse().is_ok_and(|number: i64| (least..=most).contains(&number))
            }
        }
    }
}

/// The rows of the documents' table of `additionalOfdParams`. Those of `operatingCheckProps` are there without a text,
/// and so without a length: as long as the longest row. The letter case of any is not held against a store.
const RECEIPT: [(&str, Class); 32] = [
    ("agent_info.type", Class::Range(1, 7)),
    ("agent_info.paying.operation", Class::Text(24)),
    ("agent_info.paying.phones", Class::Phones(19)),
    ("agent_info.paymentsOperator.phones", Class::Phones(19)),
    ("agent_info.MTOperator.address", Class::Text(256)),
    ("agent_info.MTOperator.inn", Class::Inn),
    ("agent_info.MTOperator.name", Class::Text(64)),
    ("agent_info.MTOperator.phones", Class::Phones(19)),
    ("supplier_info.phones", Class::Phones(19)),
    ("cashier", Class::Text(256)),
    ("additional_check_props", Class::Text(16)),
    ("additional_user_props.name", Class::Text(24)),
    ("additional_user_props.value", Class::Text(24)),
    ("cashier_inn", Class::Digits(12)),
    ("client.address", Class::Text(256)),
    ("client.birth_date", Class::Text(10)),
    ("client.citizenship", Class::Digits(3)),
    ("client.document_code", Class::Digits(2)),
    ("client.passport_number", Class::Text(11)),
    ("client.email", Class::Text(64)),
    ("client.phone", Class::Phones(19)),
    ("client.inn", Class::Digits(12)),
    ("client.name", Class::Text(256)),
    ("operatingCheckProps", Class::Text(256)),
    ("operatingCheckProps.name", Class::Text(256)),
    ("operatingCheckProps.timestamp", Class::Text(256)),
    ("operatingCheckProps.value", Class::Text(256)),
    ("sectoralCheckProps.date", Class::Text(10)),
    ("sectoralCheckProps.federalId", Class::Text(256)),
    ("sectoralCheckProps.number", Class::Text(32)),
    ("sectoralCheckProps.value", Class::Text(256)),
    ("supplier_info.name", Class::Text(256)),
];

/// The rows of the table of `billingPayerData`, all AN..50.
const BILLING: [&str; 7] = [
    "billingCity",
    "billingCountry",
    "billingAddressLine1",
    "billingAddressLine2",
    "billingAddressLine3",
    "billingPostalCode",
    "billingState",
];

/// A parameter that holds one JSON object.
pub(super) fn object(params: &Params, name: &str) -> Result<Option<Map<String, Value>>, Refusal> {
    let object = params.get(name).map(serde_json::from_str);
    object.transpose().map_err(|_| errors::VALUE_WRONG)
}

/// Exactly one of the buyer's e-mail and phone, when either is there, and every row as its table says.
pub(super) fn check_receipt(object: &Map<String, Value>) -> Result<(), Refusal> {
    let mut rows = Vec::new();
    flatten("", object, &mut rows);
    let known = |name: &str| RECEIPT.iter().find(|(row, _)| row.eq_ignore_ascii_case(name)).map(|(_, class)| *class);
    let has = |name: &str| rows.iter().any(|(row, _)| row.eq_ignore_ascii_case(name));
    let wrong = rows.iter().any(|(name, value)| known(name).is_some_and(|class| !class.takes(value)));
    if wrong || (has("client.email") && has("client.phone")) {
        return Err(errors::VALUE_WRONG);
    }
    Ok(())
}

/// Every row of at most fifty characters.
pub(super) fn check_billing(object: &Map<String, Value>) -> Result<(), Refusal> {
    let fits =
        |name: &str| object.get(name).is_none_or(|value| plain(value).is_some_and(|text| text.chars().count() <= 50));
    if BILLING.into_iter().all(fits) { Ok(()) } else { Err(errors::VALUE_WRONG) }
}

/// Text and numbers as text; lists with commas between.
fn flatten(prefix: &str, object: &Map<String, Value>, rows: &mut Vec<(String, String)>) {
    for (name, value) in object {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(inner) => flatten(&name, inner, rows),
            Value::Array(items) => rows.push((name, items.iter().filter_map(plain).collect::<Vec<_>>().join(","))),
            value => rows.push((name, plain(value).unwrap_or_default())),
        }
    }
}

/// Text or a number, as text.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
