//! An answer's frame, and the answers that are little more than one: codes and words (`protocol` reference, section 1.1).
//!
//! No value of the bank's is repeated in an error.

use serde::de::Deserializer;
use serde::{Deserialize, de};
use serde_json::Value;

use super::tree;

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
        let nested = || self.error.as_ref().and_then(|error| error.message.as_deref());
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
pub(super) struct CompletionOperation {
    #[serde(default, deserialize_with = "truth")]
    pub(super) successful: Option<bool>,
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

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(tree::truth(&Value::deserialize(deserializer)?))
}

/// SOAP has no lists: of one operation it makes one object.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CompletionOperation>, D::Error> {
    let operations = match Value::deserialize(deserializer)? {
        Value::Array(operations) => operations,
        one => vec![one],
    };
    let read = |operation| CompletionOperation::deserialize(operation).map_err(|_| de::Error::custom("no operation"));
    operations.into_iter().map(read).collect()
}
