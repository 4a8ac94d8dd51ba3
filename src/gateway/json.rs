//! An answer's frame, and the answers that are little more than one: codes and words (`protocol` reference, section
//! 1.1).
//!
//! No value of the bank's is repeated in an error.

use serde::de::Deserializer;
use serde::{Deserialize, de};
use serde_json::Value;

use super::tree;

/// An answer's frame, whatever the method. Parsed beside the method's own part rather than flattened into it:
/// flattening loses the name of the field that was wrong.
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
    #[serde(default, deserialize_with = "text")]
    pub(super) message: Option<String>,
    /// Not another name of the message: both may be there.
    #[serde(default, deserialize_with = "text")]
    pub(super) description: Option<String>,
}

impl Frame {
    /// The frame of a tree.
    pub(super) fn of(tree: &Value) -> Result<Self, String> {
        let wrong = |error: serde_path_to_error::Error<serde_json::Error>| tree::wrong_type(&error.path().to_string());
        if !tree.is_object() {
            return Err("not a JSON object".to_owned());
        }
        serde_path_to_error::deserialize(tree).map_err(wrong)
    }

    pub(super) fn code(&self) -> Option<i64> {
        self.error_code.or_else(|| self.error.as_ref().and_then(|error| error.code))
    }

    /// As the bank wrote it: it may be anything, our own password included.
    pub(super) fn message(&self) -> &str {
        let nested = || {
            let error = self.error.as_ref()?;
            error.message.as_deref().or(error.description.as_deref())
        };
        self.error_message.as_deref().or_else(nested).unwrap_or("no message")
    }
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

fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    tree::integer(&Value::deserialize(deserializer)?).map_err(|_| de::Error::custom("not a whole number"))
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    tree::text(&Value::deserialize(deserializer)?).map_err(|_| de::Error::custom("not a text"))
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
    Ok(tree::truth(&Value::deserialize(deserializer)?))
}
