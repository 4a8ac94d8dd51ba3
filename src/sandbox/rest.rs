//! The REST wire: `/payment/rest/*.do` in, JSON text out.
//!
//! GET, form POST, or POST with everything in the query; the answer is JSON called `text/plain`, as the old gateway
//! calls it. An exchange runs as its own task, so that a client who gives up cannot take back what it has asked for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{self, Body};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;

use super::admission::Admission;
use super::answer::Answer;
use super::bank::Bank;
use super::call::Call;
use super::course::Ending;
use super::errors;
use super::faults::Garbage;
use super::operation::Operation;
use super::params::Params;
use super::transport::{HangUp, Stopping};

/// Forms of a shop are a few kilobytes; a cart may be ten times that.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// Exchanges outlive their connections while a fault holds them, so connections do not bound them.
const EXCHANGES_MAX: usize = 4_096;

/// What every request to a wire needs.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) bank: Bank,
    stopping: Stopping,
    exchanges: Arc<Semaphore>,
    /// The address clients use when they do not say which.
    pub(super) authority: String,
}

/// How a wire spells the ends of an exchange that reach the caller as bytes of its own.
pub(super) trait Speech: Send + Sync + 'static {
    /// An answer, honest or not.
    fn answer(&self, call: &Call, admission: &Admission, answer: Option<&Answer>) -> Response;

    /// Rubbish in the place of an answer.
    fn garbage(&self, shape: Garbage, call: &Call, answer: Option<&Answer>) -> Response;
}

impl Wire {
    pub(super) fn new(bank: Bank, stopping: Stopping, authority: String) -> Wire {
        Wire { bank, stopping, exchanges: Arc::new(Semaphore::new(EXCHANGES_MAX)), authority }
    }

    /// Conducts one exchange to its end.
    pub(super) async fn conduct(self, call: Call, speech: impl Speech) -> Response {
        let Ok(permit) = self.exchanges.acquire_owned().await else {
            return HangUp::Close.into_response();
        };
        let (bank, stopping) = (self.bank, self.stopping);
        let conducted = tokio::spawn(async move {
            let _permit = permit;
            stopping.cut_short(conduct(bank, call, speech)).await
        });
        // A stopped or crashed exchange is one that was never answered.
        conducted.await.ok().flatten().unwrap_or_else(|| HangUp::Close.into_response())
    }
}

/// The routes below `/payment/rest/`.
pub(super) fn routes(bank: Bank, stopping: Stopping, authority: String) -> Router {
    let wire = Wire::new(bank, stopping, authority);
    Router::new().route("/payment/rest/{verb}", get(exchange).post(exchange)).with_state(wire)
}

async fn exchange(State(wire): State<Wire>, Path(verb): Path<String>, request: Request) -> Response {
    let known = Operation::from_rest(&verb);
    let Some(operation) = known.filter(|operation| wire.bank.serves(*operation)) else {
        return html(StatusCode::NOT_FOUND, "Not Found");
    };
    let call = match read(operation, request, &wire.authority).await {
        Ok(call) => call,
        Err(status) => return html(status, "The request cannot be read"),
    };
    wire.conduct(call, RestSpeech).await
}

/// JSON.
struct RestSpeech;

impl Speech for RestSpeech {
    fn answer(&self, _call: &Call, _admission: &Admission, answer: Option<&Answer>) -> Response {
        spell(answer)
    }

    fn garbage(&self, shape: Garbage, _call: &Call, answer: Option<&Answer>) -> Response {
        garbage(shape, answer)
    }
}

async fn read(operation: Operation, request: Request, authority: &str) -> Result<Call, StatusCode> {
    let (head, body) = request.into_parts();
    let body = body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(Call {
        operation,
        params: Params::merge(head.uri.query().unwrap_or_default(), &body),
        origin: origin(&head.headers, authority),
    })
}

/// Scheme and authority under which the client reached the bank.
pub(super) fn origin(headers: &HeaderMap, authority: &str) -> String {
    format!("http://{}", host(headers).unwrap_or(authority))
}

/// The Host the client used, so that the payment page's address works from where the client is.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(host)
}

/// Follows the course that was drawn for this exchange.
async fn conduct(bank: Bank, call: Call, speech: impl Speech) -> Response {
    let admission = bank.admit(&call);
    wait(admission.course.before).await;
    let answer = bank.carry_out(&call, &admission);
    wait(admission.course.after).await;
    end(&speech, &call, &admission, answer.as_ref())
}

/// A wait of nothing must not cost a turn of the timer.
async fn wait(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

fn end(speech: &impl Speech, call: &Call, admission: &Admission, answer: Option<&Answer>) -> Response {
    let language = call.language();
    let spell = |answer| speech.answer(call, admission, answer);
    match &admission.course.ending {
        Ending::Answer => spell(answer),
        Ending::Error { status, retry_after } => error(*status, retry_after.as_deref()),
        Ending::Garbage(shape) => speech.garbage(*shape, call, answer),
        Ending::Close => HangUp::Close.into_response(),
        Ending::Reset => HangUp::Reset.into_response(),
        Ending::FalseSuccess => spell(Some(&match call.operation {
            Operation::Completion | Operation::AutoRefund => {
                let claimed = ("PAYMENT", call.asked_minor().unwrap_or_default());
                Answer::composite(&[claimed], admission.request, language)
            }
            _ => Answer::acknowledged(language),
        })),
        Ending::FalseRefusal => spell(Some(&Answer::refused(errors::WRONG_STATE, language))),
    }
}

fn spell(answer: Option<&Answer>) -> Response {
    plain(json(answer))
}

fn json(answer: Option<&Answer>) -> String {
    answer
        .and_then(|answer| serde_json::to_string(answer).ok())
        .unwrap_or_else(|| r#"{"errorCode":"7","errorMessage":"System error"}"#.to_owned())
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain;charset=UTF-8")], text).into_response()
}

fn error(status: u16, retry_after: Option<&str>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = html(status, status.canonical_reason().unwrap_or("Error"));
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn html(status: StatusCode, words: &'static str) -> Response {
    let page = format!("<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>\n");
    (status, [(header::CONTENT_TYPE, "text/html;charset=UTF-8")], page).into_response()
}

pub(super) fn garbage(shape: Garbage, answer: Option<&Answer>) -> Response {
    match shape {
        Garbage::Html => html(StatusCode::OK, "Technical works are in progress"),
        Garbage::Truncated => plain(first_half(&json(answer))),
        Garbage::WrongTypes => plain(
            r#"{"errorCode":{"value":0},"orderNumber":17,"orderStatus":"two","actionCode":null,"amount":"12,50","currency":["RUB"],"orderId":false,"operations":{}}"#
                .to_owned(),
        ),
        Garbage::Empty => Body::empty().into_response(),
    }
}

pub(super) fn first_half(text: &str) -> String {
    text.chars().take(text.chars().count() / 2).collect()
}
