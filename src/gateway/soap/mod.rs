//! SOAP 1.1: the other wire of the same requests. Envelopes go out; what comes back is turned into the very JSON that
//! REST would have answered, so that one reader reads both ([`super::rest`]).
//!
//! The names are the same on both wires, whether SOAP has them as attributes or as child elements. An attribute, or an
//! element with nothing but text in it, becomes a text member; an element with more, an object; one that is repeated, a
//! list; and text beside attributes, the member `value`.

mod envelope;
mod node;
mod registration;
mod tree;

pub(super) use envelope::encode;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::request::Request;
use super::rest;
use super::scrub::Scrubber;
use super::transport::{Heard, Reply, of_kind};
use crate::domain::bank::{Unknown, UnknownKind};
use crate::domain::weather;
use tree::Element;

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// The gateway's two services: composite completions have one of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Merchant,
    Loyalty,
}

impl Service {
    const fn of(request: &Request<'_>) -> Self {
        match request {
            Request::AutoCompletion { .. } => Self::Loyalty,
            Request::Register(_)
            | Request::Status { .. }
            | Request::Deposit { .. }
            | Request::Reverse { .. }
            | Request::Refund { .. }
            | Request::Decline { .. }
            | Request::LastOrders(_) => Self::Merchant,
        }
    }

    const fn namespace(self) -> &'static str {
        match self {
            Self::Merchant => "http://engine.paymentgate.ru/webservices/merchant",
            Self::Loyalty => "http://engine.paymentgate.ru/webservices/merchant/loyalty",
        }
    }
}

/// The operation's name; its answer is wrapped in the same name with `Response` behind it.
const fn operation(request: &Request<'_>) -> &'static str {
    match request {
        Request::Register(registration) if registration.two_phase => "registerOrderPreAuth",
        Request::Register(_) => "registerOrder",
        Request::Status { .. } => "getOrderStatusExtended",
        Request::AutoCompletion { .. } => "autoCompletion",
        Request::Deposit { .. } => "depositOrder",
        Request::Reverse { .. } => "reverseOrder",
        Request::Refund { .. } => "refundOrder",
        Request::Decline { .. } => "decline",
        Request::LastOrders(_) => "getLastOrdersForMerchants",
    }
}

/// The answer to `request`, as REST would have given it. A fault stays what HTTP says of it, unknown; but one that says
/// that our login was not let in is the errorCode 5 of REST: the header is read before the body is handed on, and even
/// so such a refusal of money is believed only once a read shows that nothing happened.
pub(super) fn reply(heard: Heard, request: &Request<'_>, scrubber: &Scrubber) -> Reply {
    match (heard.reply, heard.fault) {
        (Ok(body), _) => match answer(&body, request) {
            Ok(Answer::Return(value)) => Ok(value.to_string().into_bytes()),
            Ok(Answer::Fault(fault)) => {
                let kind = fault.kind(UnknownKind::SystemError);
                fault.judged(scrubber, |detail| of_kind(kind, detail))
            }
            Err(why) => Err(rest::no_answer(&body, why)),
        },
        (Err(unknown), None) => Err(unknown),
        (Err(unknown), Some(body)) => match answer(&body, request) {
            Ok(Answer::Fault(fault)) => {
                let (status, kind) = (unknown.detail.clone(), fault.kind(unknown.kind));
                fault.judged(scrubber, |detail| Unknown { kind, detail: format!("{status}, {detail}"), ..unknown })
            }
            // Whatever else stands in the body of an HTTP error, the request failed.
            Ok(Answer::Return(_)) | Err(_) => Err(unknown),
        },
    }
}

/// What is in an envelope.
enum Answer {
    Return(Value),
    Fault(Fault),
}

/// A SOAP 1.1 fault.
struct Fault {
    code: String,
    text: String,
}

impl Fault {
    fn of(element: &Element) -> Self {
        let text = |name: &str| {
            let found = element.children.iter().find(|child| child.name == name);
            found.map(|child| child.text.trim().to_owned()).unwrap_or_default()
        };
        Self { code: text("faultcode"), text: text("faultstring") }
    }

    /// Of which kind it is where it does not say that the bank is being worked on.
    fn kind(&self, otherwise: UnknownKind) -> UnknownKind {
        if weather::tells_of_works(&self.text) { UnknownKind::Maintenance } else { otherwise }
    }

    fn judged(self, scrubber: &Scrubber, unknown: impl FnOnce(String) -> Unknown) -> Reply {
        if self.is_about_our_login() {
            let refusal = serde_json::json!({ "errorCode": "5", "errorMessage": self.text });
            return Ok(refusal.to_string().into_bytes());
        }
        Err(unknown(format!("SOAP fault: {}", scrubber.clean(&self.text))))
    }

    /// The fault codes of WS-Security about a header that was not accepted. By their local names, since stacks differ
    /// in the prefix; and never by the text, which anybody may write.
    fn is_about_our_login(&self) -> bool {
        let local = self.code.rsplit(':').next().unwrap_or_default();
        ["FailedAuthentication", "InvalidSecurity", "InvalidSecurityToken", "SecurityTokenUnavailable"].contains(&local)
    }
}

fn answer(body: &[u8], request: &Request<'_>) -> Result<Answer, String> {
    let envelope = tree::parse(body)?;
    if !is(&envelope, Some(ENVELOPE), "Envelope") {
        return Err("the XML is no SOAP envelope".to_owned());
    }
    let content = only(envelope.children.iter().filter(|child| is(child, Some(ENVELOPE), "Body")), "Body")?;
    let content = only(content.children.iter(), "element in the Body")?;
    if is(content, Some(ENVELOPE), "Fault") {
        return Ok(Answer::Fault(Fault::of(content)));
    }
    let (service, wrapper) = (Service::of(request), format!("{}Response", operation(request)));
    if !is(content, Some(service.namespace()), &wrapper) {
        return Err(format!("the answer is no {wrapper} of its namespace"));
    }
    let returned = only(content.children.iter(), "return")?;
    // The loyalty service names its parts otherwise for each operation, and no answer of its was ever published.
    if returned.name != "return" && service == Service::Merchant {
        return Err("the answer has no return".to_owned());
    }
    if returned.namespace.as_deref().is_some_and(|namespace| namespace != service.namespace()) {
        return Err("the return is of a namespace that is not the gateway's".to_owned());
    }
    object(returned, service).map(Answer::Return)
}

fn is(element: &Element, namespace: Option<&str>, name: &str) -> bool {
    element.namespace.as_deref() == namespace && element.name == name
}

/// The one there is: two answers are none.
fn only<'a>(mut found: impl Iterator<Item = &'a Element>, what: &str) -> Result<&'a Element, String> {
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(format!("the answer has no {what}")),
        (Some(_), Some(_)) => Err(format!("the answer has more than one {what}")),
    }
}

fn object(element: &Element, service: Service) -> Result<Value, String> {
    let mut members = Map::new();
    for (name, value) in &element.attributes {
        enter(&mut members, name, Value::String(value.clone()))?;
    }
    let ours = |child: &&Element| child.namespace.as_deref().is_none_or(|found| found == service.namespace());
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for child in element.children.iter().filter(ours) {
        lists.entry(&child.name).or_default().push(value(child, service)?);
    }
    for (name, mut list) in lists {
        let value = if list.len() == 1 { list.pop().unwrap_or_default() } else { Value::Array(list) };
        enter(&mut members, name, value)?;
    }
    let text = element.text.trim();
    if !text.is_empty() {
        enter(&mut members, "value", Value::String(text.to_owned()))?;
    }
    Ok(Value::Object(members))
}

fn value(element: &Element, service: Service) -> Result<Value, String> {
    if element.attributes.is_empty() && element.children.is_empty() {
        return Ok(Value::String(element.text.trim().to_owned()));
    }
    object(element, service)
}

/// A name that stands there both ways would be one of two truths.
fn enter(members: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), String> {
    match members.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err("a name is there as an attribute and as an element".to_owned()),
    }
}
