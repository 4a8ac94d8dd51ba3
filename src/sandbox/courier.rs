//! The task that carries callbacks to the stores, over HTTP.
//!
//! It sleeps until a letter is due or the bank was used; several are under way at a time, so that one store that hangs
//! does not keep the others waiting. What a store answers beside its status is not read.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::bank::Bank;
use super::contract::CallbackMethod;
use super::params::escape;
use super::post::Letter;
use super::transport::Stopping;

/// Letters under way at a time.
const UNDER_WAY_MAX: usize = 32;

/// A store that has not answered by then has not listened.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// It looks by itself this often at the latest: a due moment may be set while it is not looking.
const LOOK_EVERY_MS: i64 = 1_000;

/// Carries letters until the sandbox stops.
pub(super) async fn run(bank: Bank, stopping: Stopping) {
    let carriers = Arc::new(Semaphore::new(UNDER_WAY_MAX));
    let mut under_way = JoinSet::new();
    let carrying = async {
        loop {
            let Ok(carrier) = Arc::clone(&carriers).acquire_owned().await else {
                return;
            };
            while under_way.try_join_next().is_some() {}
            let letter = next(&bank).await;
            let bank = bank.clone();
            under_way.spawn(async move {
                let outcome = deliver(&letter).await;
                if let Err(reason) = &outcome {
                    tracing::debug!(order.id = %letter.order_id, %reason, "A callback did not arrive");
                }
                bank.settle_letter(letter.seq, outcome);
                drop(carrier);
            });
        }
    };
    stopping.cut_short(carrying).await;
}

/// The next letter, once one is due.
async fn next(bank: &Bank) -> Letter {
    loop {
        if let Some(letter) = bank.take_letter() {
            return letter;
        }
        let now_ms = bank.now_ms();
        let wait_ms = bank.next_letter_ms().map_or(LOOK_EVERY_MS, |at_ms| at_ms - now_ms).clamp(1, LOOK_EVERY_MS);
        let wait = Duration::from_millis(wait_ms.unsigned_abs());
        tokio::select! {
            biased;
            () = bank.posted() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One attempt: `Ok` when the store answered 200, else what happened.
async fn deliver(letter: &Letter) -> Result<(), String> {
    let status = match tokio::time::timeout(ANSWER_WITHIN, exchange(letter)).await {
        Ok(answered) => answered?,
        Err(_) => return Err("no answer in time".to_owned()),
    };
    if status == StatusCode::OK { Ok(()) } else { Err(status.as_u16().to_string()) }
}

async fn exchange(letter: &Letter) -> Result<StatusCode, String> {
    let uri: Uri = letter.url.parse().map_err(|_| "the address is no URL".to_owned())?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
    let authority = authority.ok_or_else(|| "only http:// is spoken here".to_owned())?;
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let request = request(letter, &uri, authority.as_str()).map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok(answer.status())
    };
    let mut connection = std::pin::pin!(connection);
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        biased;
        status = &mut asked => status,
        ended = &mut connection => match ended {
            // The connection may end in the same turn in which the answer has come.
            Ok(()) => asked.await,
            Err(error) => Err(error.to_string()),
        },
    }
}

fn request(letter: &Letter, uri: &Uri, authority: &str) -> Result<Request<Body>, axum::http::Error> {
    let form = form(&letter.parameters);
    let path = uri.path();
    let builder = Request::builder().header(header::HOST, authority).header(header::CONNECTION, "close");
    match letter.method {
        CallbackMethod::Get => {
            let query = uri.query().map_or_else(|| form.clone(), |query| format!("{query}&{form}"));
            builder.method(Method::GET).uri(format!("{path}?{query}")).body(Body::empty())
        }
        CallbackMethod::Post => {
            let target = uri.path_and_query().map_or(path, |target| target.as_str());
            let content_type = "application/x-www-form-urlencoded; charset=UTF-8";
            builder
                .method(Method::POST)
                .uri(target)
                .header(header::CONTENT_TYPE, content_type)
                .header(header::CONTENT_LENGTH, form.len())
                .body(Body::from(form))
        }
    }
}

/// `a=1&b=x%20y`.
fn form(parameters: &[(String, String)]) -> String {
    let value = |text: &str| escape(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let pairs: Vec<_> = parameters.iter().map(|(name, text)| format!("{}={}", value(name), value(text))).collect();
    pairs.join("&")
}
