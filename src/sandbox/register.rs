//! `register.do` and `registerPreAuth.do`: from parameters to a checked registration, and the answer.
//!
//! Parsed here and never checked again. What changes nothing at this bank (pageView, postAddress, taxSystem, the data
//! for tax offices) is checked all the same, since a bank would refuse it; parameters it does not know are not looked
//! at.

use std::collections::BTreeMap;

use serde::Serialize;

use super::book::Terms;
use super::cart;
use super::currency::{Currency, ROUBLE};
use super::errors::{self, Language, Refusal};
use super::moscow;
use super::ofd;
use super::params::Params;
use super::registration::{Lifetime, Payer, Registration};

/// Success carries no errorCode at the legacy gateway.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisterAnswer {
    pub(super) order_id: String,
    pub(super) form_url: String,
}

/// A one-phase registration, checked in the order of the documents' table, so that the first thing wrong is the one
/// reported.
pub(super) fn parse(params: &Params, login: &str, terms: &Terms, now_ms: i64) -> Result<Registration, Refusal> {
    let features = features(params)?;
    let order_number = order_number(params, terms.order_number_max, &features)?;
    let amount_minor = amount(params)?;
    let currency = match params.get("currency") {
        Some(number) => Currency::by_number(number).ok_or(errors::UNKNOWN_CURRENCY)?,
        None => ROUBLE,
    };
    let return_url = return_url(params)?;
    tax_system(params)?;
    if let Some(object) = ofd::object(params, "additionalOfdParams")? {
        ofd::check_receipt(&object)?;
    }
    if let Some(object) = ofd::object(params, "billingPayerData")? {
        ofd::check_billing(&object)?;
    }
    Ok(Registration {
        login: login.to_owned(),
        order_number,
        amount_minor,
        currency,
        two_phase: false,
        return_url,
        fail_url: url_text(params, "failUrl")?.map(str::to_owned),
        description: description(params)?,
        language: Language::from_code(params.get("language")),
        lifetime: lifetime(params, now_ms)?,
        params: json_params(params)?,
        autocompletion_at_ms: None,
        auto_reverse_at_ms: None,
        callback_url: callback_url(params)?,
        merchant_login: owned(params, "merchantLogin", 255)?,
        client_id: owned(params, "clientId", 255)?,
        binding_id: owned(params, "bindingId", 255)?,
        features,
        payer: payer(params)?,
        order_bundle: cart::parse(params, amount_minor, currency)?,
    })
}

/// The same for a two-phase order, which alone may say when its hold shall end.
pub(super) fn parse_pre_auth(
    params: &Params,
    login: &str,
    terms: &Terms,
    now_ms: i64,
) -> Result<Registration, Refusal> {
    let registration = parse(params, login, terms, now_ms)?;
    let moment = |name| match params.get(name).map(moscow::from_iso) {
        None => Ok(None),
        Some(Some(at_ms)) if at_ms > now_ms => Ok(Some(at_ms)),
        Some(_) => Err(errors::VALUE_WRONG),
    };
    let (autocompletion_at_ms, auto_reverse_at_ms) = (moment("autocompletionDate")?, moment("autoReverseDate")?);
    Ok(Registration { autocompletion_at_ms, auto_reverse_at_ms, ..registration }.two_phase())
}

/// A store that lets the gateway number its orders says so by a feature; the empty number is then filled by the book.
fn order_number(params: &Params, longest: usize, features: &[String]) -> Result<String, Refusal> {
    let Some(number) = params.get("orderNumber") else {
        let generated = features.iter().any(|feature| feature == "FORCE_GENERATE_ORDERNUMBER");
        return if generated { Ok(String::new()) } else { Err(errors::NUMBER_EMPTY) };
    };
    let too_long = number.chars().count() > longest;
    if too_long || number.chars().any(char::is_control) {
        return Err(errors::WRONG_NUMBER);
    }
    Ok(number.to_owned())
}

/// N..12 and positive. Twelve digits always fit an `i64`.
fn amount(params: &Params) -> Result<i64, Refusal> {
    let text = params.get("amount").ok_or(errors::AMOUNT_EMPTY)?;
    match digits(text, 12) {
        Some(amount_minor) if amount_minor > 0 => Ok(amount_minor),
        Some(_) | None => Err(errors::AMOUNT_WRONG),
    }
}

/// A number written in at most `longest` ASCII digits and nothing else.
pub(super) fn digits(text: &str, longest: usize) -> Option<i64> {
    let plain = text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn return_url(params: &Params) -> Result<String, Refusal> {
    let url = url_text(params, "returnUrl")?.ok_or(errors::RETURN_URL_EMPTY)?;
    if has_scheme(url) { Ok(url.to_owned()) } else { Err(errors::RETURN_URL_RELATIVE) }
}

/// A URL as text that can stand in a header.
fn url_text<'a>(params: &'a Params, name: &'a str) -> Result<Option<&'a str>, Refusal> {
    match text(params, name, 512)? {
        Some(url) if url.chars().any(char::is_control) => Err(errors::VALUE_WRONG),
        url => Ok(url),
    }
}

/// `https://`, `myshop://`: any scheme, since apps register their own, but not one that makes a link run as a script.
pub(super) fn has_scheme(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && !scheme.eq_ignore_ascii_case("javascript")
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn text<'a>(params: &'a Params, name: &'a str, longest: usize) -> Result<Option<&'a str>, Refusal> {
    match params.get(name) {
        Some(value) if value.chars().count() > longest => Err(errors::VALUE_WRONG),
        value => Ok(value),
    }
}

/// expirationDate wins over sessionTimeoutSecs, which is then not even looked at.
fn lifetime(params: &Params, now_ms: i64) -> Result<Lifetime, Refusal> {
    if let Some(date) = params.get("expirationDate") {
        return match moscow::from_iso(date) {
            Some(at_ms) if at_ms > now_ms => Ok(Lifetime::Until(at_ms)),
            Some(_) | None => Err(errors::VALUE_WRONG),
        };
    }
    match params.get("sessionTimeoutSecs") {
        None => Ok(Lifetime::Default),
        Some(text) => digits(text, 10)
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|&seconds| seconds > 0)
            .map(Lifetime::Seconds)
            .ok_or(errors::VALUE_WRONG),
    }
}

/// Percent and plus signs and line breaks are forbidden: processing takes none.
fn description(params: &Params) -> Result<String, Refusal> {
    match text(params, "description", 598)? {
        Some(text) if text.contains(['%', '+', '\r', '\n']) => Err(errors::VALUE_WRONG),
        text => Ok(text.unwrap_or_default().to_owned()),
    }
}

fn owned(params: &Params, name: &str, longest: usize) -> Result<Option<String>, Refusal> {
    Ok(text(params, name, longest)?.map(str::to_owned))
}

fn callback_url(params: &Params) -> Result<Option<String>, Refusal> {
    match url_text(params, "dynamicCallbackUrl")? {
        Some(url) if !has_scheme(url) => Err(errors::VALUE_WRONG),
        url => Ok(url.map(str::to_owned)),
    }
}

fn payer(params: &Params) -> Result<Payer, Refusal> {
    let phone = owned(params, "phone", 12)?;
    if phone.as_deref().is_some_and(|phone| !is_phone(phone, 12)) {
        return Err(errors::VALUE_WRONG);
    }
    let (email, post_address) = (owned(params, "email", 40)?, owned(params, "postAddress", 255)?);
    Ok(Payer { email, phone, post_address })
}

/// Digits, perhaps after a plus sign, in at most `longest` characters.
pub(super) fn is_phone(text: &str, longest: usize) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    text.len() <= longest && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// 0 general, 1 and 2 simplified, 3 imputed, 4 agricultural, 5 patent.
fn tax_system(params: &Params) -> Result<(), Refusal> {
    match params.get("taxSystem").map(|text| digits(text, 2)) {
        None | Some(Some(0..=5)) => Ok(()),
        Some(_) => Err(errors::VALUE_WRONG),
    }
}

/// What the gateway's own description lists; VERIFY needs a permission that no store has here.
const FEATURES: [&str; 14] = [
    "FIXED_BINDING",
    "BINDING_NOT_NEEDED",
    "FIXED_BONUS_AMOUNT",
    "FORCE_TDS",
    "FORCE_SSL",
    "FRAUD_FORCE_TDS",
    "FRAUD_FORCE_SSL",
    "AUTO_PAYMENT",
    "FORCE_NO_CVC",
    "FORCE_FULL_TDS",
    "SKIP_PAYER_EMAIL_NOTIFY",
    "SKIP_PAYER_PHONE_NOTIFY",
    "FORCE_GENERATE_ORDERNUMBER",
    "PAY_BY_CLIENT",
];

/// Repeated, or in one parameter with semicolons between, as the new gateway has it.
fn features(params: &Params) -> Result<Vec<String>, Refusal> {
    let mut features = Vec::new();
    let asked = params.all("features").flat_map(|text| text.split([';', ','])).map(str::trim);
    for feature in asked.filter(|feature| !feature.is_empty()) {
        if feature == "VERIFY" {
            return Err(errors::VERIFY_FORBIDDEN);
        }
        if !FEATURES.contains(&feature) {
            return Err(errors::FEATURES_WRONG);
        }
        if !features.iter().any(|known| known == feature) {
            features.push(feature.to_owned());
        }
    }
    Ok(features)
}

/// One flat JSON object, or `null`, as some clients write none; values that are not text come back as their JSON text.
fn json_params(params: &Params) -> Result<Vec<(String, String)>, Refusal> {
    let Some(text) = params.get("jsonParams") else {
        return Ok(Vec::new());
    };
    let object: Option<BTreeMap<String, serde_json::Value>> =
        serde_json::from_str(text).map_err(|_| errors::VALUE_WRONG)?;
    let as_text = |value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(object.into_iter().flatten().map(|(name, value)| (name, as_text(value))).collect())
}

#[cfg(test)]
mod tests;
