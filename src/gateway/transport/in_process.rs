//! The wire of a simulation: the same HTTP, through pipes instead of sockets.
//!
//! It speaks real HTTP/1.1 to a server in the same process, over a fresh connection each time. Limits and classes are
//! those of the network: a connection that is not made proves that nothing was sent, and after that every error leaves
//! the outcome unknown.

use std::pin::{Pin, pin};
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::time::timeout;

use crate::config::GatewayConfig;
use crate::domain::bank::{Unknown, UnknownKind};

use super::{BODY_MAX, Heard, Reply, date_of, from_status, of_kind, too_long};

/// A connection in the making, or the reason why there is none.
pub type Connecting = Pin<Box<dyn Future<Output = std::io::Result<DuplexStream>> + Send>>;

/// Whoever opens connections to the bank of a simulation.
pub type Connector = Arc<dyn Fn() -> Connecting + Send + Sync>;

type Pipe = TokioIo<DuplexStream>;

/// Posts `form` to `path` of the bank behind `connector`.
/// `last_word` is awaited once the connection stands.
pub(super) async fn post(
    connector: &Connector,
    config: &GatewayConfig,
    url: &str,
    form: &[(&str, &str)],
    last_word: impl Future<Output = Result<(), String>>,
) -> Heard {
    let exchange = connect_and_post(connector, config, url, form, last_word);
    let heard = timeout(config.request_timeout, exchange).await;
    let heard = heard.unwrap_or_else(|_| Err(of_kind(UnknownKind::Timeout, "no answer in time".to_owned())));
    heard.unwrap_or_else(|unknown| Heard { reply: Err(unknown), date: None })
}

async fn connect_and_post(
    connector: &Connector,
    config: &GatewayConfig,
    url: &str,
    form: &[(&str, &str)],
    last_word: impl Future<Output = Result<(), String>>,
) -> Result<Heard, Unknown> {
    let unreachable = |why: String| of_kind(UnknownKind::Unreachable, why);
    let stream = match timeout(config.connect_timeout, connector()).await {
        Ok(connected) => connected.map_err(|error| unreachable(error.to_string()))?,
        Err(_) => return Err(unreachable("no connection in time".to_owned())),
    };
    last_word.await.map_err(unreachable)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let request = request(url, form)?;
    drive(connection, exchange(sender, request)).await
}

fn request(url: &str, form: &[(&str, &str)]) -> Result<Request<Full<Bytes>>, Unknown> {
    let (host, path) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap_or(("", url));
    Request::post(format!("/{path}"))
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(encoded(form))))
        .map_err(|error| of_kind(UnknownKind::Unreachable, error.to_string()))
}

/// Runs the connection beside the exchange and in the same task: whoever is dropped takes both with him.
async fn drive(
    connection: Connection<Pipe, Full<Bytes>>,
    exchange: impl Future<Output = Result<Heard, Unknown>>,
) -> Result<Heard, Unknown> {
    let mut exchange = pin!(exchange);
    tokio::select! {
        biased;
        heard = &mut exchange => return heard,
        _ = connection => {}
    }
    // The connection has ended; what it delivered before is still to be read.
    exchange.await
}

async fn exchange(mut sender: SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Result<Heard, Unknown> {
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let date = date_of(response.headers());
    let reply = match response.status() {
        StatusCode::OK => whole_body(response).await,
        status => Err(from_status(status, response.headers())),
    };
    Ok(Heard { reply, date })
}

async fn whole_body(mut response: Response<Incoming>) -> Reply {
    let mut body = Vec::new();
    while let Some(frame) = response.body_mut().frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let chunk = frame.data_ref().map(AsRef::as_ref).unwrap_or_default();
        if body.len().saturating_add(chunk.len()) > BODY_MAX {
            return Err(too_long());
        }
        body.extend_from_slice(chunk);
    }
    Ok(body)
}

fn broken(error: &hyper::Error) -> Unknown {
    of_kind(UnknownKind::Broken, error.to_string())
}

/// `application/x-www-form-urlencoded`.
fn encoded(form: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in form {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(value: &str, text: &mut String) {
    use std::fmt::Write;
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => text.push(char::from(byte)),
            b' ' => text.push('+'),
            // Writing into a text cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_as_a_browser_would() {
        assert_eq!(encoded(&[("a b", "1&2=3"), ("number", "№1")]), "a+b=1%262%3D3&number=%E2%84%961");
    }
}
