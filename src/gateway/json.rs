//! The gateway's JSON as it is met in the wild: numbers as strings, strings as numbers, objects where lists were, and
//! keys that come and go (`protocol` reference, section 1.1).
//!
//! Only what decisions need is read; of card data nothing but the payment system's name. No value of the bank's is repeated in an error.

mod card;

use serde::de::Deserializer;
use serde::{Deserialize, de};
use serde_json::Value;

use card::CardSystem;

/// An answer's frame, whatever the method. Parsed beside the method's own part rather than flattened into it: flattening
/// loses the name of the field that was wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Frame {
    #[serde(default, alias = "ErrorCode", deserialize_with = "integer")]
    pub(super) error_code: Option<i64>,
    #[serde(default, alias = "ErrorMessage", deserialize_with = "text")]
    pub(super) error_message: Option<String>,
    /// Some endpoints nest both.
    #[serde(default)]
    pub(super) error: Option<NestedError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NestedError {
    #[serde(default, deserialize_with = "integer")]
    pub(super) code: Option<i64>,
    #[serde(default, alias = "description", deserialize_with = "text")]
    pub(super) message: Option<String>,
}

impl Frame {
    pub(super) fn code(&self) -> Option<i64> {
        self.error_code.or_else(|| self.error.as_ref().and_then(|error| error.code))
    }

    /// As the bank wrote it: it may be anything, our own password included.
    pub(super) fn message(&self) -> &str {
        let nested = || self.error.as_ref().and_then(|error| error.message.as_deref());
        self.error_message.as_deref().or_else(nested).unwrap_or("no message")
    }
}

/// getOrderStatusExtended.do: what a decision rests on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
pub(super) struct Status {
    #[serde(default, alias = "OrderNumber", deserialize_with = "text")]
    pub(super) order_number: Option<String>,
    #[serde(default, alias = "OrderStatus", deserialize_with = "integer")]
    pub(super) order_status: Option<i64>,
    #[serde(default, deserialize_with = "integer")]
    pub(super) action_code: Option<i64>,
    #[serde(default, alias = "Amount", deserialize_with = "integer")]
    pub(super) amount: Option<i64>,
    #[serde(default, deserialize_with = "integer")]
    pub(super) currency: Option<i64>,
    #[serde(default)]
    pub(super) auth_date_time: Value,
    #[serde(default)]
    pub(super) attributes: Value,
    #[serde(default)]
    pub(super) payment_amount_info: Option<AmountInfo>,
    /// Card data: the payment system's name is all that is read of it.
    #[serde(default)]
    pub(super) card_auth_info: CardSystem,
    #[serde(default, deserialize_with = "truth")]
    pub(super) chargeback: Option<bool>,
    #[serde(default)]
    pub(super) autocompletion_date: Value,
    #[serde(default)]
    pub(super) merchant_order_params: Value,
    #[serde(default)]
    pub(super) loyalty_info: Value,
    #[serde(default)]
    pub(super) loyalty_infos: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
pub(super) struct AmountInfo {
    #[serde(default, deserialize_with = "integer")]
    pub(super) approved_amount: Option<i64>,
    #[serde(default, deserialize_with = "integer")]
    pub(super) deposited_amount: Option<i64>,
    #[serde(default, deserialize_with = "integer")]
    pub(super) refunded_amount: Option<i64>,
}

/// autoCompletion.do.
#[derive(Debug, Deserialize)]
pub(super) struct Completion {
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) operations: Vec<CompletionOperation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletionOperation {
    #[serde(default, deserialize_with = "truth")]
    pub(super) successful: Option<bool>,
    #[serde(default)]
    pub(super) operation: Value,
    #[serde(default)]
    pub(super) amount: Value,
    #[serde(default)]
    pub(super) pc_id: Value,
    #[serde(default)]
    pub(super) transaction_id: Value,
}

/// Points by programme: `loyaltyInfo` has one, `loyaltyInfos` all of them.
pub(super) fn programmes<'a>(info: &'a Value, infos: &'a Value) -> Vec<&'a Value> {
    let list = |value: &'a Value| match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(_) => vec![value],
        _ => Vec::new(),
    };
    let all: Vec<_> = list(infos);
    if all.is_empty() { list(info) } else { all }
}

/// A whole number, or one in a text; nothing where it is neither.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// register.do and registerPreAuth.do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registered {
    /// Texts or nothing: a number in their place is no id that can be asked about.
    #[serde(default, deserialize_with = "padded")]
    pub(super) order_id: Option<String>,
    #[serde(default, deserialize_with = "padded")]
    pub(super) form_url: Option<String>,
}

/// Parses an object; the error names the place, never the value.
pub(super) fn parse<T: de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| describe(&error, body))?;
    json.end().map_err(|_| "something follows the JSON object".to_owned())?;
    Ok(value)
}

fn describe(error: &serde_path_to_error::Error<serde_json::Error>, body: &[u8]) -> String {
    let looks_like_html = body.trim_ascii_start().starts_with(b"<");
    match error.inner().classify() {
        _ if looks_like_html => "HTML instead of JSON".to_owned(),
        serde_json::error::Category::Data => format!("the type of `{}` is not one the gateway uses", error.path()),
        serde_json::error::Category::Eof => "the JSON is cut off".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON".to_owned(),
    }
}

/// `mdOrder`, the gateway's order id, among `attributes:[{"name":..,"value":..}]`.
pub(super) fn md_order(attributes: &Value) -> Option<&str> {
    named(attributes, "mdOrder")?.as_str().map(str::trim)
}

/// The value of a name in such a list; nothing where it is not one. A list of one may stand there without its list: an
/// element of SOAP does not say that it could be repeated.
pub(super) fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    let is_named = |item: &&Value| item.get("name").and_then(Value::as_str) == Some(name);
    match list.as_array() {
        Some(items) => items.iter().find(is_named)?.get("value"),
        None => Some(list).filter(is_named)?.get("value"),
    }
}

/// Milliseconds since 1970 from a number, a number in a string, or `2017-12-12T12:12:12` in Moscow time.
pub(super) fn moment_ms(value: &Value) -> Option<i64> {
    if let Some(ms) = value.as_i64() {
        return Some(ms);
    }
    let text = value.as_str()?.trim();
    let moscow = jiff::tz::TimeZone::fixed(jiff::tz::offset(3));
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(moscow).ok().map(|at| at.timestamp());
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(civil);
    text.parse().ok().or_else(|| moment.map(jiff::Timestamp::as_millisecond))
}

fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_i64().map(Some).ok_or_else(|| de::Error::custom("not a whole number")),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| de::Error::custom("not a whole number")),
        _ => Err(de::Error::custom("not a number")),
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned())),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(de::Error::custom("not a text")),
    }
}

/// A text, without the blanks and line ends that some gateways put around it.
fn padded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        _ => Err(de::Error::custom("not a text")),
    }
}

/// A list, or the one that stands there without its list, as SOAP has it.
fn one_or_many<'de, D: Deserializer<'de>, T: de::DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let wrong = |_| de::Error::custom("not a list of operations");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.into_iter().map(|item| serde_json::from_value(item).map_err(wrong)).collect(),
        one => serde_json::from_value(one).map(|one| vec![one]).map_err(wrong),
    }
}

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(truth) => Ok(Some(truth)),
        Value::String(text) => Ok(text.trim().parse().ok()),
        _ => Ok(None),
    }
}
