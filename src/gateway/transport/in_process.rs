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

use super::{
    BODY_MAX, Encoded, HEAD_BYTES_MAX, HEADERS_MAX, Heard, Reply, SOAP_ACTION, date_of, from_status, is_too_many,
    of_kind, too_long,
};

/// A connection in the making, or the reason why there is none.
pub type Connecting = Pin<Box<dyn Future<Output = std::io::Result<DuplexStream>> + Send>>;

/// Whoever opens connections to the bank of a simulation.
pub type Connector = Arc<dyn Fn() -> Connecting + Send + Sync>;

type Pipe = TokioIo<DuplexStream>;

/// Posts to the bank behind `connector`.
/// `last_word` is awaited once the connection stands.
pub(super) async fn post(
    connector: &Connector,
    config: &GatewayConfig,
    encoded: Encoded,
    last_word: impl Future<Output = Result<(), String>>,
) -> Heard {
    let exchange = connect_and_post(connector, config, encoded, last_word);
    let heard = timeout(config.request_timeout, exchange).await;
    let heard = heard.unwrap_or_else(|_| Err(of_kind(UnknownKind::Timeout, "no answer in time".to_owned())));
    heard.unwrap_or_else(Heard::nothing)
}

async fn connect_and_post(
    connector: &Connector,
    config: &GatewayConfig,
    encoded: Encoded,
    last_word: impl Future<Output = Result<(), String>>,
) -> Result<Heard, Unknown> {
    let unreachable = |why: String| of_kind(UnknownKind::Unreachable, why);
    let stream = match timeout(config.connect_timeout, connector()).await {
        Ok(connected) => connected.map_err(|error| unreachable(error.to_string()))?,
        Err(_) => return Err(unreachable("no connection in time".to_owned())),
    };
    last_word.await.map_err(|why| of_kind(UnknownKind::Withheld, why))?;
    // The same limits as on the network, where they are to be had.
    let mut client = http1::Builder::new();
    client.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let (sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let may_fault = encoded.soap_action.is_some();
    let request = request(encoded)?;
    drive(connection, exchange(sender, request, may_fault)).await
}

fn request(encoded: Encoded) -> Result<Request<Full<Bytes>>, Unknown> {
    let url = &encoded.url;
    let (host, path) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap_or(("", url));
    let mut request = Request::post(format!("/{path}")).header(HOST, host).header(CONTENT_TYPE, encoded.content_type);
    if let Some(action) = encoded.soap_action {
        request = request.header(SOAP_ACTION, action);
    }
    request
        .body(Full::new(Bytes::from(encoded.body)))
        .map_err(|error| of_kind(UnknownKind::Withheld, error.to_string()))
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

async fn exchange(
    mut sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    may_fault: bool,
) -> Result<Heard, Unknown> {
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let date = date_of(response.headers());
    Ok(match response.status() {
        StatusCode::OK => Heard { reply: whole_body(response).await, date, fault: None, too_many: false },
        status => {
            let reply = Err(from_status(status, response.headers()));
            let is_read = may_fault && status == StatusCode::INTERNAL_SERVER_ERROR;
            let fault = if is_read { whole_body(response).await.ok() } else { None };
            Heard { reply, date, fault, too_many: is_too_many(status) }
        }
    })
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
