//! From an answer, as the REST interface would say it in JSON, to the message of SOAP.
//!
//! The type of the answer says what is an attribute, what an element, and in which order; what it does not know is left
//! out.

use serde_json::{Map, Value};

use super::fault::SOAP;
use super::moscow;
use super::schema::{Field, Kind, Occurs, Service, Type, Verb};
use super::xml::Writer;

/// The whole message with an answer.
pub(super) fn answer(service: &Service, verb: &Verb, said: &Value) -> String {
    message(service, verb, |out| spell(out, "return", said, Kind::Complex(verb.answer)))
}

/// The message of this verb with whatever `inside` writes.
pub(super) fn message(service: &Service, verb: &Verb, inside: impl FnOnce(&mut Writer)) -> String {
    let wrapper = format!("ns1:{}Response", verb.name);
    let mut out = Writer::default();
    out.start("soap:Envelope");
    out.attribute("xmlns:soap", SOAP);
    out.inside();
    out.start("soap:Body");
    out.inside();
    out.start(&wrapper);
    out.attribute("xmlns:ns1", service.namespace);
    out.inside();
    inside(&mut out);
    out.end(&wrapper);
    out.end("soap:Body");
    out.end("soap:Envelope");
    out.finish()
}

fn spell(out: &mut Writer, name: &str, value: &Value, kind: Kind) {
    match (kind, value) {
        (Kind::Complex(of), Value::Object(members)) => structure(out, name, members, of),
        (Kind::Complex(_), _) => {}
        (simple, value) => {
            if let Some(text) = scalar(value, simple) {
                out.line(name, &text);
            }
        }
    }
}

fn structure(out: &mut Writer, name: &str, members: &Map<String, Value>, of: &Type) {
    out.start(name);
    for attribute in of.attributes {
        if let Some(text) = find(members, attribute.name).and_then(|value| scalar(value, attribute.kind)) {
            out.attribute(attribute.name, &text);
        }
    }
    let text = of.text.and_then(|kind| scalar(members.get("value")?, kind));
    let elements: Vec<_> = of.elements.iter().filter_map(|field| Some((field, find(members, field.name)?))).collect();
    if text.is_none() && elements.is_empty() {
        return out.nothing();
    }
    out.inside();
    if let Some(text) = text {
        out.text(&text);
    }
    for (field, value) in elements {
        repeat(out, field, value);
    }
    out.end(name);
}

fn repeat(out: &mut Writer, field: &Field, value: &Value) {
    match value {
        Value::Array(all) if field.occurs == Occurs::AnyNumber => {
            for each in all {
                spell(out, field.name, each, field.kind);
            }
        }
        one => spell(out, field.name, one, field.kind),
    }
}

/// A member by its name. `getOrderStatus.do` is alone in beginning some with a capital letter, and early versions of
/// the status have the masked number of a card under another name only.
fn find<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let same = || (name == "maskedPan").then(|| members.get("pan")).flatten();
    let capital = || {
        let (first, rest) = name.split_at_checked(1)?;
        members.get(&format!("{}{rest}", first.to_ascii_uppercase()))
    };
    members.get(name).or_else(capital).or_else(same).filter(|value| !value.is_null())
}

fn scalar(value: &Value, kind: Kind) -> Option<String> {
    match (kind, value) {
        (Kind::Moment | Kind::MomentText, Value::Number(ms)) => moscow::written(ms.as_i64()?),
        (_, Value::String(text)) => Some(text.clone()),
        (_, Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        (_, Value::Null | Value::Array(_) | Value::Object(_)) => None,
    }
}
