//! An answer as a tree, and the one reader of both wires: numbers as strings, strings as numbers, one object where a
//! list is usual, text beside attributes (`protocol` reference, section 1.1).
//!
//! REST's JSON is parsed here; of SOAP's XML the same tree is made, where an attribute and a child that holds text
//! alone are string members, a child with more is an object with its text as `value`, and repeated children are a list.
//! No value of the bank's is repeated in an error.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Objects and lists within each other. The documents have seven; beyond this it is not an answer.
const DEPTH_MAX: usize = 32;

/// Values in one answer. A cart of a hundred lines has some three thousand; each takes up some dozens of bytes, so that
/// a body within its limit cannot become many times as large in memory.
const VALUES_MAX: usize = 50_000;

/// Parses one JSON object or list, whatever its encoding: banks are known to send Windows-1251 in a description, and no
/// decision rests on one.
pub(super) fn parse(body: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body));
    let mut json = serde_json::Deserializer::from_str(&text);
    let left = Cell::new(VALUES_MAX);
    let tree = Bounded { depth: 0, left: &left }.deserialize(&mut json).map_err(|error| describe(&error, &text))?;
    json.end().map_err(|_| "something follows the JSON object".to_owned())?;
    Ok(tree)
}

fn describe(error: &serde_json::Error, text: &str) -> String {
    match error.classify() {
        _ if text.trim_start().starts_with('<') => "HTML instead of JSON".to_owned(),
        // Of the reader's own words, and so of none of the bank's.
        serde_json::error::Category::Data => error.to_string(),
        serde_json::error::Category::Eof => "the JSON is cut off".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON".to_owned(),
    }
}

/// A value at its depth; each counts against what is left.
struct Bounded<'a> {
    depth: usize,
    left: &'a Cell<usize>,
}

impl Bounded<'_> {
    fn inner<E: Error>(&self) -> Result<Bounded<'_>, E> {
        let depth = self.depth + 1;
        if depth > DEPTH_MAX {
            return Err(E::custom("the JSON is nested too deep"));
        }
        Ok(Bounded { depth, left: self.left })
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(D::Error::custom("the JSON has too many values")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.inner()?)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice in one object"));
            }
        }
        Ok(Value::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }
}

static NOTHING: Value = Value::Null;

/// The member of a name; null where there is none.
pub(super) fn at<'a>(tree: &'a Value, name: &str) -> &'a Value {
    tree.get(name).unwrap_or(&NOTHING)
}

/// The member of one of two names, which mean the same; that both stand there is an error.
pub(super) fn either<'a>(tree: &'a Value, name: &str, alias: &str) -> Result<&'a Value, String> {
    match (at(tree, name), at(tree, alias)) {
        (found, Value::Null) | (Value::Null, found) => Ok(found),
        _ => Err(format!("`{name}` stands twice")),
    }
}

/// A value without what an XML element may have around it.
fn plain(value: &Value) -> &Value {
    match value {
        Value::Object(element) => match element.get("value") {
            Some(text @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => text,
            // An element without text, such as one with `xsi:nil`.
            None if element.values().all(Value::is_string) && element.contains_key("nil") => &NOTHING,
            _ => value,
        },
        _ => value,
    }
}

/// A whole number, or its digits; an empty text is none.
pub(super) fn integer(value: &Value) -> Result<Option<i64>, NotThat> {
    match plain(value) {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_i64().map(Some).ok_or(NotThat),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| NotThat),
        _ => Err(NotThat),
    }
}

/// A text, or a number as one.
pub(super) fn text(value: &Value) -> Result<Option<String>, NotThat> {
    match plain(value) {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned())),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(NotThat),
    }
}

/// A value is not of its type. What it is, is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotThat;

/// A member is not of its type, for people.
pub(super) fn wrong_type(name: &str) -> String {
    format!("the type of `{name}` is not one the gateway uses")
}

/// A text that is there; whatever else stands there is none.
pub(super) fn words(value: &Value) -> Option<String> {
    text(value).ok().flatten().filter(|text| !text.is_empty())
}

/// `true`, or the word for it.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match plain(value) {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Milliseconds since 1970 from a number, a number in a string, `2017-12-12T12:12:12` in Moscow time, or the same with
/// an offset.
pub(super) fn moment_ms(value: &Value) -> Option<i64> {
    let value = plain(value);
    if let Some(ms) = value.as_i64() {
        return Some(ms);
    }
    let text = value.as_str()?.trim();
    let moscow = jiff::tz::TimeZone::fixed(jiff::tz::offset(3));
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(moscow).ok().map(|at| at.timestamp());
    let moment = || text.parse::<jiff::Timestamp>().ok().or_else(civil).map(jiff::Timestamp::as_millisecond);
    text.parse().ok().or_else(moment)
}

/// An object with something in it; of a list with one, that one.
pub(super) fn object(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(object) if !object.is_empty() => Some(value),
        Value::Array(list) if list.len() == 1 => list.first().filter(|only| only.is_object()).and_then(object),
        _ => None,
    }
}

/// The objects of a list, or the one that stands in its place.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(object) if !object.is_empty() => std::slice::from_ref(value),
        _ => &[],
    };
    items.iter().filter(|item| item.is_object())
}

/// The value of a name in `[{"name":..,"value":..}]`.
pub(super) fn named<'a>(pairs: &'a Value, name: &str) -> Option<&'a Value> {
    list(pairs).find(|pair| at(pair, "name").as_str() == Some(name))?.get("value")
}

#[cfg(test)]
mod tests;
