//! The SOAP wire: `/payment/webservices/merchant-ws` and its loyalty sister, SOAP 1.1, rpc/literal.
//!
//! It is another spelling of the REST wire: a request becomes the parameters of the REST verb that does the same, goes
//! the same way through the bank, with the same line in the ledger and the same faults, and the answer, as JSON would
//! have it, becomes XML. What is wrong with an order is an `errorCode` with HTTP 200; what is wrong with the message or
//! with who sends it is a SOAP fault with HTTP 500.
//!
//! In reading order: `services` (what is offered), `schema` and `types` (of what shape), `wsdl` (how a client is told),
//! `envelope` (with `digest`), `asked` (in), `spell`, `fault` (out); `xml` and `moscow` below.

mod asked;
mod digest;
mod envelope;
mod fault;
mod moscow;
mod schema;
mod services;
mod spell;
mod types;
mod wsdl;
mod xml;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use super::admission::Admission;
use super::answer::Answer;
use super::bank::Bank;
use super::call::Call;
use super::course::Ending;
use super::errors;
use super::faults::Garbage;
use super::params::Params;
use super::rest::{self, Speech, Wire};
use super::settings::Login;
use super::transport::Stopping;
use fault::Fault;
use schema::{Service, Verb};
use services::{LOYALTY, MERCHANT};

/// XML says in two bytes what a form says in one.
const BODY_BYTES_MAX: usize = 2 * rest::BODY_BYTES_MAX;

/// The routes below `/payment/webservices/`.
pub(super) fn routes(bank: Bank, stopping: Stopping, authority: String) -> Router {
    let wire = Wire::new(bank, stopping, authority);
    let door = |service: &'static Service| {
        let told = move |State(wire): State<Wire>, request: Request| async move { tell(service, &wire, &request) };
        let asked = move |State(wire): State<Wire>, request: Request| exchange(service, wire, request);
        (address(service), get(told).post(asked))
    };
    let ((merchant, merchant_door), (loyalty, loyalty_door)) = (door(&MERCHANT), door(&LOYALTY));
    Router::new().route(&merchant, merchant_door).route(&loyalty, loyalty_door).with_state(wire)
}

/// The path of the service for orders.
pub(super) fn merchant_address() -> String {
    address(&MERCHANT)
}

/// The path of the service for orders with points.
pub(super) fn loyalty_address() -> String {
    address(&LOYALTY)
}

fn address(service: &Service) -> String {
    format!("/payment/webservices/{}", service.path)
}

/// The WSDLs, for whoever asks without an envelope.
fn tell(service: &Service, wire: &Wire, request: &Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let endpoint = || format!("{}{}", rest::origin(request.headers(), &wire.authority), address(service));
    match query.split_once('=').map_or((query, ""), |(name, value)| (name, value)) {
        (name, "") if name.eq_ignore_ascii_case("wsdl") => xml(StatusCode::OK, wsdl::outer(service, &endpoint())),
        (name, value) if name.eq_ignore_ascii_case("wsdl") && value == wsdl::inner_name(service) => {
            xml(StatusCode::OK, wsdl::inner(service))
        }
        _ => refused(&Fault::client("There is nothing to GET here but ?wsdl")),
    }
}

async fn exchange(service: &'static Service, wire: Wire, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let origin = rest::origin(&head.headers, &wire.authority);
    let asked = match body::to_bytes(body, BODY_BYTES_MAX).await {
        Ok(bytes) => read(service, &bytes, origin, wire.bank.inner.login.as_ref()),
        Err(_) => Err(Fault::client("The message is too long or was cut off")),
    };
    match asked {
        Ok((verb, call)) => wire.conduct(call, SoapSpeech { service, verb }).await,
        Err(fault) => refused(&fault),
    }
}

/// The request in an envelope.
fn read(
    service: &'static Service,
    bytes: &[u8],
    origin: String,
    only: Option<&Login>,
) -> Result<(&'static Verb, Call), Fault> {
    let envelope = envelope::open(bytes)?;
    let asked = &envelope.asked;
    let known = service.verb(&asked.name).filter(|_| asked.namespace == service.namespace);
    let verb = known.ok_or_else(|| {
        Fault::client(format!(
            "Message part {{{}}}{} was not recognized.  (Does it exist in service WSDL?)",
            asked.namespace, asked.name
        ))
    })?;
    let mut parameters = asked::parameters(verb, asked)?;
    if let Some(token) = envelope.token {
        let (user_name, password) = token.in_plain_text(only);
        parameters.push(("userName".to_owned(), user_name));
        parameters.push(("password".to_owned(), password));
    }
    Ok((verb, Call { operation: verb.operation, params: Params::of(parameters), origin }))
}

/// How SOAP spells the ends of an exchange.
struct SoapSpeech {
    service: &'static Service,
    verb: &'static Verb,
}

impl Speech for SoapSpeech {
    fn answer(&self, call: &Call, admission: &Admission, answer: Option<&Answer>) -> Response {
        // Nobody who was turned away gets a business answer, but for a lie that was ordered.
        match admission.turned_away().filter(|_| admission.course.ending == Ending::Answer) {
            Some(refusal) => refused(&Fault::turned_away(refusal)),
            None => xml(StatusCode::OK, self.spelled(call, answer)),
        }
    }

    fn garbage(&self, shape: Garbage, call: &Call, answer: Option<&Answer>) -> Response {
        match shape {
            Garbage::Html | Garbage::Empty => rest::garbage(shape, answer),
            Garbage::Truncated => xml(StatusCode::OK, rest::first_half(&self.spelled(call, answer))),
            Garbage::WrongTypes => {
                let text = spell::message(self.service, self.verb, |out| {
                    out.start("return");
                    for (name, value) in
                        [("errorCode", "none"), ("orderStatus", "two"), ("amount", "12,50"), ("orderNumber", "")]
                    {
                        out.attribute(name, value);
                    }
                    out.inside();
                    out.line("paymentAmountInfo", "APPROVED");
                    out.line("operations", "false");
                    out.end("return");
                });
                xml(StatusCode::OK, text)
            }
        }
    }
}

impl SoapSpeech {
    /// The answer as XML. Every answer of SOAP has a code and words beside it, a registration that went well too.
    fn spelled(&self, call: &Call, answer: Option<&Answer>) -> String {
        let spelled = answer.and_then(|answer| serde_json::to_value(answer).ok());
        let Some(Value::Object(mut said)) = spelled else {
            let system_error = Answer::refused(errors::SYSTEM_ERROR, call.language());
            let said = serde_json::to_value(system_error).unwrap_or_default();
            return spell::answer(self.service, self.verb, &said);
        };
        if !said.contains_key("errorCode") && !said.contains_key("ErrorCode") {
            said.insert("errorCode".to_owned(), "0".into());
            said.insert("errorMessage".to_owned(), errors::SUCCESS.text(call.language()).into());
        }
        spell::answer(self.service, self.verb, &Value::Object(said))
    }
}

fn refused(fault: &Fault) -> Response {
    xml(StatusCode::INTERNAL_SERVER_ERROR, fault.written())
}

fn xml(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml;charset=UTF-8")], text).into_response()
}

/// What is promised of any bytes at all: they are a request, or there is a fault for them that can be read.
#[cfg(any(test, fuzzing))]
pub(super) fn hold(bytes: &[u8]) {
    for service in [&MERCHANT, &LOYALTY] {
        match read(service, bytes, "http://bank".to_owned(), None) {
            Ok((verb, call)) => {
                assert_eq!(verb.operation, call.operation);
                assert!(call.params.all("orderBundle").all(|text| serde_json::from_str::<Value>(text).is_ok()));
            }
            Err(fault) => {
                let written = fault.written();
                let read = xml::read(written.as_bytes());
                assert!(read.is_ok_and(|root| root.is(fault::SOAP, "Envelope")), "{written}");
            }
        }
    }
}
