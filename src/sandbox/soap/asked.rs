//! From the element of a request to the parameters of the REST verb that does the same.
//!
//! The type of the request guides the reading. What it does not know is passed over, and an attribute is taken for an
//! element and the other way round: of some parameters no document says which they are.

use serde_json::{Map, Value};

use super::fault::Fault;
use super::moscow;
use super::schema::{Field, Kind, Occurs, Type, Verb};
use super::xml::Element;

/// The parameters of a request, by their REST names. A part that is missing has said nothing.
pub(super) fn parameters(verb: &Verb, asked: &Element) -> Result<Vec<(String, String)>, Fault> {
    let Some(part) = asked.plain(verb.part).next() else {
        return match asked.children.first() {
            Some(other) => Err(Fault::client(format!(
                "Unexpected element {{{}}}{} found.  Expected {}.",
                other.namespace, other.name, verb.part
            ))),
            None => Ok(Vec::new()),
        };
    };
    let mut parameters = Vec::new();
    for (name, value) in members(part, verb.request) {
        let name = rest_name(&name);
        match (name, value) {
            ("additionalOfdParams", _) => {
                let bag = part.plain("additionalOfdParams").next().map(bag).unwrap_or_default();
                parameters.push((name.to_owned(), Value::Object(bag).to_string()));
            }
            ("jsonParams", Value::Array(pairs)) => {
                let object: Map<_, _> = pairs.iter().filter_map(pair).collect();
                parameters.push((name.to_owned(), Value::Object(object).to_string()));
            }
            ("features", list) => {
                let each = words(&list, "feature").into_iter().map(|feature| (name.to_owned(), feature));
                parameters.extend(each);
            }
            ("transactionStates" | "merchants", list) => {
                parameters.push((name.to_owned(), words(&list, name).join(",")));
            }
            ("from" | "to", Value::String(moment)) => {
                parameters.push((name.to_owned(), moment.chars().filter(char::is_ascii_digit).collect()));
            }
            (_, Value::String(text)) => parameters.push((name.to_owned(), text)),
            (_, other) => parameters.push((name.to_owned(), other.to_string())),
        }
    }
    Ok(parameters)
}

/// The two interfaces of the gateway disagree in a few names.
fn rest_name(name: &str) -> &str {
    match name {
        "merchantOrderNumber" => "orderNumber",
        "depositAmount" | "refundAmount" => "amount",
        "params" => "jsonParams",
        same => same,
    }
}

fn pair(param: &Value) -> Option<(String, Value)> {
    let name = param.get("name")?.as_str()?;
    Some((name.to_owned(), param.get("value").cloned().unwrap_or_default()))
}

/// The words of a list within an element of its own.
fn words(list: &Value, of: &str) -> Vec<String> {
    let words = list.get(of).and_then(Value::as_array).into_iter().flatten();
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Names and values, whichever way they are put: `<x name="a" value="b"/>`, `<x name="a">b</x>` or `<a>b</a>`. A name
/// that comes again has all of its values, and one with elements in it is a bag of its own.
fn bag(element: &Element) -> Map<String, Value> {
    let mut found = Map::new();
    for child in &element.children {
        let name = child.attribute("name").unwrap_or(&child.name).to_owned();
        let value = match child.attribute("value") {
            None if !child.children.is_empty() => Value::Object(bag(child)),
            given => Value::from(given.unwrap_or(child.text())),
        };
        match found.get_mut(&name) {
            None => drop(found.insert(name, value)),
            Some(Value::Array(all)) => all.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    found
}

/// What an element says, as the JSON of the REST requests would say it.
fn members(element: &Element, of: &'static Type) -> Vec<(String, Value)> {
    let fields = of.attributes.iter().chain(of.elements);
    let text =
        of.text.filter(|_| !element.text().is_empty()).map(|kind| ("value".to_owned(), scalar(element.text(), kind)));
    let named = fields.filter_map(|field| Some((field.name.to_owned(), member(element, field)?)));
    named.chain(text).collect()
}

fn member(element: &Element, field: &Field) -> Option<Value> {
    let mut children = element.plain(field.name);
    if field.occurs == Occurs::AnyNumber {
        let all: Vec<_> = children.map(|child| value(child, field.kind)).collect();
        return (!all.is_empty()).then_some(Value::Array(all));
    }
    // What has parts of its own is an element whatever is missing in the documents.
    let written = element.attribute(field.name).filter(|_| !matches!(field.kind, Kind::Complex(_)));
    let attribute = written.map(|text| scalar(text.trim(), field.kind));
    attribute.or_else(|| children.next().map(|child| value(child, field.kind)))
}

fn value(element: &Element, kind: Kind) -> Value {
    match kind {
        Kind::Complex(of) => Value::Object(members(element, of).into_iter().collect()),
        simple => scalar(element.text(), simple),
    }
}

/// A number where one is meant and written; everything else stays text, and the verb judges it.
fn scalar(text: &str, kind: Kind) -> Value {
    let number = match kind {
        Kind::Int | Kind::Long => text.parse::<i64>().ok().map(Value::from),
        Kind::Decimal => serde_json::from_str::<serde_json::Number>(text).ok().map(Value::from),
        Kind::Boolean => {
            matches!(text, "true" | "1").then_some(true).or((text == "false").then_some(false)).map(Value::from)
        }
        Kind::Moment => Some(Value::from(moscow::without_zone(text))),
        Kind::Text | Kind::MomentText | Kind::Words(_) | Kind::Complex(_) => None,
    };
    number.unwrap_or_else(|| Value::from(text))
}
