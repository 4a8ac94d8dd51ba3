//! `register.do` and `registerPreAuth.do`: from parameters to a checked registration, and the answer.
//!
//! Parsed here and never checked again. Parameters that change nothing at this bank (pageView, clientId, email, ...) are
//! accepted and forgotten.

use std::collections::BTreeMap;

use serde::Serialize;

use super::book::Terms;
use super::currency::{Currency, ROUBLE};
use super::errors::{self, Language, Refusal};
use super::params::Params;
use super::registration::{Lifetime, Registration};

/// Success carries no errorCode at the legacy gateway.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisterAnswer {
    pub(super) order_id: String,
    pub(super) form_url: String,
}

/// A one-phase registration, checked in the order of the documents' table, so that the first thing wrong is the one
/// reported. Both verbs take the same parameters.
pub(super) fn parse(params: &Params, login: &str, terms: &Terms, now_ms: i64) -> Result<Registration, Refusal> {
    let order_number = order_number(params, terms.order_number_max)?;
    let amount_minor = amount(params)?;
    let currency = match params.get("currency") {
        Some(number) => Currency::by_number(number).ok_or(errors::UNKNOWN_CURRENCY)?,
        None => ROUBLE,
    };
    features(params)?;
    Ok(Registration {
        login: login.to_owned(),
        order_number,
        amount_minor,
        currency,
        two_phase: false,
        return_url: return_url(params)?,
        fail_url: url_text(params, "failUrl")?.map(str::to_owned),
        description: text(params, "description", 598)?.unwrap_or_default().to_owned(),
        language: Language::from_code(params.get("language")),
        lifetime: lifetime(params, now_ms)?,
        params: json_params(params)?,
    })
}

fn order_number(params: &Params, longest: usize) -> Result<String, Refusal> {
    let number = params.get("orderNumber").ok_or(errors::NUMBER_EMPTY)?;
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
        return match moscow_ms(date) {
            Some(at_ms) if at_ms > now_ms => Ok(Lifetime::Until(at_ms)),
            Some(_) | None => Err(errors::VALUE_WRONG),
        };
    }
    match params.get("sessionTimeoutSecs") {
        None => Ok(Lifetime::Default),
        Some(text) => digits(text, 10)
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|&seconds| seconds > 0)
            .map(Lifetime::Seconds)
            .ok_or(errors::VALUE_WRONG),
    }
}

/// `yyyy-MM-ddTHH:mm:ss` in Moscow time. Moscow has kept UTC+3 since 2014 and orders lie in the future, so the offset is
/// fixed and no zone database is needed.
fn moscow_ms(text: &str) -> Option<i64> {
    if text.len() != "2014-09-08T14:14:14".len() {
        return None;
    }
    let civil = jiff::civil::DateTime::strptime("%Y-%m-%dT%H:%M:%S", text).ok()?;
    let moment = jiff::tz::offset(3).to_timestamp(civil).ok()?;
    Some(moment.as_millisecond())
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

fn features(params: &Params) -> Result<(), Refusal> {
    for feature in params.all("features") {
        if feature == "VERIFY" {
            return Err(errors::VERIFY_FORBIDDEN);
        }
        if !FEATURES.contains(&feature) {
            return Err(errors::FEATURES_WRONG);
        }
    }
    Ok(())
}

/// One flat JSON object; values that are not text come back as their JSON text.
fn json_params(params: &Params) -> Result<Vec<(String, String)>, Refusal> {
    let Some(text) = params.get("jsonParams") else {
        return Ok(Vec::new());
    };
    let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).map_err(|_| errors::VALUE_WRONG)?;
    let as_text = |value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(object.into_iter().map(|(name, value)| (name, as_text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { session_ms: 1, hold_ms: 1, order_number_max: 32, part_after_part: false };
    const GOOD: &str = "orderNumber=A-1&amount=100&returnUrl=https://shop.example/";

    fn parsed(extra: &str) -> Result<Registration, Refusal> {
        // The first value wins, so what is added goes before what is good.
        let params = Params::merge(&format!("{extra}&{GOOD}"), b"");
        parse(&params, "shop", &TERMS, 1_700_000_000_000)
    }

    fn without(name: &str) -> Result<Registration, Refusal> {
        let left: Vec<_> = GOOD.split('&').filter(|pair| !pair.starts_with(name)).collect();
        parse(&Params::merge(&left.join("&"), b""), "shop", &TERMS, 0)
    }

    #[test]
    fn what_is_missing_is_code_4() {
        assert_eq!(without("orderNumber").unwrap_err(), errors::NUMBER_EMPTY);
        assert_eq!(without("amount").unwrap_err(), errors::AMOUNT_EMPTY);
        assert_eq!(without("returnUrl").unwrap_err(), errors::RETURN_URL_EMPTY);
    }

    #[test]
    fn what_is_wrong_has_its_code() {
        let check = |extra: &str, refusal| assert_eq!(parsed(extra).unwrap_err(), refusal, "{extra}");
        check("orderNumber=123456789012345678901234567890123", errors::WRONG_NUMBER);
        check("orderNumber=a%0Ab", errors::WRONG_NUMBER);
        for amount in ["0", "-1", "1.5", "1234567890123", "%2B5", "12,00"] {
            check(&format!("amount={amount}"), errors::AMOUNT_WRONG);
        }
        check("currency=999", errors::UNKNOWN_CURRENCY);
        check("currency=RUB", errors::UNKNOWN_CURRENCY);
        check("returnUrl=/thanks", errors::RETURN_URL_RELATIVE);
        check("returnUrl=shop.example", errors::RETURN_URL_RELATIVE);
        check("sessionTimeoutSecs=0", errors::VALUE_WRONG);
        check("sessionTimeoutSecs=20m", errors::VALUE_WRONG);
        check("expirationDate=2014-09-08T14:14:14", errors::VALUE_WRONG);
        check("expirationDate=2044-09-08", errors::VALUE_WRONG);
        check("expirationDate=2044-09-08T14:14:14Z", errors::VALUE_WRONG);
        check("jsonParams=[1]", errors::VALUE_WRONG);
        check("features=VERIFY", errors::VERIFY_FORBIDDEN);
        check("features=AUTO_PAYMENT&features=X", errors::FEATURES_WRONG);
    }

    #[test]
    fn what_is_good_is_taken_over() {
        let plain = parsed("").unwrap();
        assert_eq!((plain.amount_minor, plain.currency, plain.lifetime), (100, ROUBLE, Lifetime::Default));
        let rich = parsed(
            "amount=999999999999&currency=978&language=en&sessionTimeoutSecs=60&jsonParams={\"a\":\"b\",\"n\":1}",
        )
        .unwrap();
        assert_eq!(rich.amount_minor, 999_999_999_999);
        assert_eq!((rich.currency.number, rich.language), ("978", Language::En));
        assert_eq!(rich.lifetime, Lifetime::Seconds(60));
        let pairs: Vec<_> = rich.params.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(pairs, [("a", "b"), ("n", "1")]);
    }

    #[test]
    fn an_expiration_date_is_moscow_time_and_wins() {
        let order = parsed("sessionTimeoutSecs=bad&expirationDate=2033-05-18T06:33:20").unwrap();
        assert_eq!(order.lifetime, Lifetime::Until(2_000_000_000_000));
    }

    #[test]
    fn a_scheme_is_a_scheme() {
        assert!(has_scheme("https://a") && has_scheme("my-shop://back"));
        for bad in ["", "https://", "//a", "1a://b", "javascript:alert(1)", "JavaScript://%0aalert(1)", "a b://c"] {
            assert!(!has_scheme(bad), "{bad}");
        }
    }
}
