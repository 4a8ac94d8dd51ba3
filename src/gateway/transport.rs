//! Bytes to the bank and back: POST over TLS, every limit in place, and nothing done twice.
//!
//! There are two wires beneath one face: the network, and the pipes of a simulation.
//!
//! It knows which failures prove that nothing was sent: DNS, connect and TLS. After that every error leaves the outcome
//! unknown (a reset, measured, had often been read by the server).

mod in_process;
#[cfg(test)]
mod names;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

pub use in_process::{Connecting, Connector};

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Proxy, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;

use super::last_word::{self, AskLastWord};
use super::request::{Encoded, Request};
use super::{rest, soap};
use crate::config::{ClientCertificate, GatewayConfig, Protocol};
use crate::domain::bank::{Unknown, UnknownKind};
use crate::domain::time::Timestamp;

/// A status answer with a full cart is some tens of kilobytes; beyond this it is not an answer.
const BODY_MAX: usize = 1 << 20;

/// Header lines of an answer. A gateway behind its balancers sends some twenty; each more is work, and none of them is
/// read but three.
const HEADERS_MAX: usize = 64;

/// Names and values of an answer's header together, in bytes: cookies and security policies of a bank's front have a
/// few thousand. The HTTP library takes no such limit for the network: it holds 400 kB of a head at most, and what is
/// above this is not believed.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Idle connections kept for looks; more would outnumber the looks in flight.
const IDLE_MAX: usize = 8;

/// Gateways close idle connections after a minute or so; we let go first, so that fewer looks meet a closed one.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// Why a merchant's transport cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The extra root certificate is no PEM certificate.
    #[error("extra_root: {0}; give a PEM file with at least one certificate")]
    ExtraRoot(String),
    /// The certificate that the bank knows us by cannot be used.
    #[error("client_certificate: {0}; give the certificate and its own key, both in PEM")]
    Client(String),
    /// The proxy's address cannot be used.
    #[error("proxy: {0}")]
    Proxy(String),
    /// TLS or the HTTP client could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// What carries the bytes.
#[derive(Clone)]
pub enum Wire {
    /// Sockets and TLS.
    Network,
    /// Pipes to a bank in this process.
    InProcess(Connector),
}

/// One login's way to the bank.
pub(super) struct Transport {
    clients: Clients,
    config: GatewayConfig,
}

enum Clients {
    Network {
        /// For looks: connections are kept.
        looks: Client,
        /// For money: a fresh connection each time, so that nothing is sent into a connection the bank has given up.
        money: Client,
    },
    InProcess(Connector),
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Network => "Network",
            Self::InProcess(_) => "InProcess",
        })
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("url", &self.config.url).finish_non_exhaustive()
    }
}

/// What came back: a whole body with HTTP 200, or the reason why nothing can be read.
pub(super) type Reply = Result<Vec<u8>, Unknown>;

/// A reply, with the bank's own time where its answer told it.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) reply: Reply,
    /// The `Date` of the answer's head, whatever came of the rest.
    pub(super) date: Option<Timestamp>,
    /// The body of an HTTP 500 from a SOAP gateway, which may be a fault.
    pub(super) fault: Option<Vec<u8>>,
    /// Whether the bank says that it has too much to do: 429 or 503.
    pub(super) too_many: bool,
}

impl Heard {
    /// A whole body with HTTP 200.
    #[cfg(any(test, fuzzing))]
    pub(super) const fn whole(body: Vec<u8>) -> Self {
        Self { reply: Ok(body), date: None, fault: None, too_many: false }
    }

    /// HTTP 500 with this body.
    #[cfg(any(test, fuzzing))]
    pub(super) fn fault(body: Vec<u8>) -> Self {
        Self { fault: Some(body), ..Self::nothing(of_kind(UnknownKind::ServerError, "HTTP 500".to_owned())) }
    }

    /// Nothing that has a date.
    const fn nothing(why: Unknown) -> Self {
        Self { reply: Err(why), date: None, fault: None, too_many: false }
    }
}

impl Transport {
    pub(super) fn new(config: &GatewayConfig, wire: &Wire) -> Result<Self, TransportError> {
        let clients = match wire {
            Wire::Network => Clients::network(config)?,
            Wire::InProcess(connector) => Clients::InProcess(Arc::clone(connector)),
        };
        Ok(Self { clients, config: config.clone() })
    }

    /// Sends `request` in the words of the bank's wire: a look over a connection that may be an older one, and whatever
    /// changes something over a fresh one, after the last word.
    pub(super) async fn post(&self, request: &Request<'_>) -> Heard {
        let encoded = match &self.config.protocol {
            Protocol::Rest => Ok(rest::encode(request, &self.config)),
            Protocol::Soap { .. } => soap::encode(request, &self.config),
        };
        let encoded = match encoded {
            Ok(encoded) => encoded,
            Err(no_word) => return Heard::nothing(of_kind(UnknownKind::Withheld, no_word.to_string())),
        };
        match (&self.clients, request.changes_something()) {
            (Clients::Network { looks, .. }, false) => post(looks, encoded).await,
            (Clients::Network { money, .. }, true) => post(money, encoded).await,
            (Clients::InProcess(connector), false) => {
                Box::pin(in_process::post(connector, &self.config, encoded, ready(Ok(())))).await
            }
            (Clients::InProcess(connector), true) => {
                Box::pin(in_process::post(connector, &self.config, encoded, last_word::ask())).await
            }
        }
    }

    /// Which wire the bank speaks.
    pub(super) const fn protocol(&self) -> &Protocol {
        &self.config.protocol
    }
}

impl Clients {
    fn network(config: &GatewayConfig) -> Result<Self, TransportError> {
        Self::network_as(config, |client| client)
    }

    /// Each client as `dressed` leaves it: what concerns both of them alike.
    fn network_as(
        config: &GatewayConfig,
        dressed: impl Fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, TransportError> {
        let tls = tls(config.extra_roots_pem.as_deref(), config.client.as_ref())?;
        let proxy = config.proxy.as_deref().map(Proxy::all).transpose();
        let proxy = proxy.map_err(|error| TransportError::Proxy(words(&error)))?;
        let client = |idle| {
            let client = Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .http1_only()
                .http1_max_headers(HEADERS_MAX)
                .redirect(Policy::none())
                .referer(false)
                .no_proxy()
                .retry(reqwest::retry::never())
                .connect_timeout(config.connect_timeout)
                .timeout(config.request_timeout)
                .pool_max_idle_per_host(idle)
                .pool_idle_timeout(IDLE_FOR);
            // What the environment names is never asked; what the configuration names is the only way out.
            match &proxy {
                Some(proxy) => client.proxy(proxy.clone()),
                None => client,
            }
        };
        let built = |client: ClientBuilder| dressed(client).build().map_err(|error| TransportError::Tls(words(&error)));
        Ok(Self::Network { looks: built(client(IDLE_MAX))?, money: built(client(0).connector_layer(AskLastWord))? })
    }
}

async fn post(client: &Client, encoded: Encoded) -> Heard {
    let may_fault = encoded.soap_action.is_some();
    let mut request = client.post(encoded.url).header(CONTENT_TYPE, encoded.content_type);
    if let Some(action) = encoded.soap_action {
        request = request.header(SOAP_ACTION, action);
    }
    let response = match request.body(encoded.body).send().await {
        Ok(response) => response,
        Err(error) => return Heard::nothing(unknown(&error)),
    };
    if let Some(why) = too_long_a_head(response.headers()) {
        return Heard::nothing(why);
    }
    let date = date_of(response.headers());
    match response.status() {
        StatusCode::OK => Heard { reply: whole_body(response).await, date, fault: None, too_many: false },
        status => {
            let reply = Err(from_status(status, response.headers()));
            let is_read = may_fault && status == StatusCode::INTERNAL_SERVER_ERROR;
            let fault = if is_read { whole_body(response).await.ok() } else { None };
            Heard { reply, date, fault, too_many: is_too_many(status) }
        }
    }
}

/// What is wrong with a head that no bank sends.
fn too_long_a_head(headers: &HeaderMap) -> Option<Unknown> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len())).sum();
    (bytes > HEAD_BYTES_MAX)
        .then(|| of_kind(UnknownKind::Unreadable, format!("the head is longer than {HEAD_BYTES_MAX} bytes")))
}

/// SOAP 1.1 wants this header; the gateway's services expect it empty.
const SOAP_ACTION: &str = "SOAPAction";

fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    headers.get("date").and_then(|value| value.to_str().ok()).and_then(http_date)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7); a date in another form tells nothing.
fn http_date(value: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// The body, as long as it stays within its limit.
async fn whole_body(mut response: reqwest::Response) -> Reply {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unknown(&error))? {
        if body.len().saturating_add(chunk.len()) > BODY_MAX {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn too_long() -> Unknown {
    of_kind(UnknownKind::Unreadable, format!("the body is longer than {BODY_MAX} bytes"))
}

fn unknown(error: &reqwest::Error) -> Unknown {
    let kind = match error {
        error if error.is_connect() => why_not_connected(error),
        error if error.is_timeout() => UnknownKind::Timeout,
        _ => UnknownKind::Broken,
    };
    of_kind(kind, words(error))
}

/// An I/O error names its own cause, and passes over what it carries.
fn why_not_connected(error: &reqwest::Error) -> UnknownKind {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(found) = cause {
        if found.is::<last_word::Withheld>() {
            return UnknownKind::Withheld;
        }
        let carried = found.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if found.is::<rustls::Error>() || matches!(carried, Some(carried) if carried.is::<rustls::Error>()) {
            return UnknownKind::Tls;
        }
        cause = carried.map(|carried| carried as &(dyn std::error::Error + 'static)).or_else(|| found.source());
    }
    UnknownKind::Unreachable
}

fn from_status(status: StatusCode, headers: &HeaderMap) -> Unknown {
    let kind = match status.as_u16() {
        401 | 403 | 407 => UnknownKind::Denied,
        429 => UnknownKind::Throttled,
        500..=599 => UnknownKind::ServerError,
        _ => UnknownKind::HttpStatus,
    };
    Unknown { kind, detail: format!("HTTP {}", status.as_u16()), retry_after: retry_after(headers) }
}

/// Whether a status says that the bank has too much to do.
fn is_too_many(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// How long the bank asks to be left alone. A date is told by the bank's clock, so it is measured against the `Date` of
/// the same answer; without that it would set the bank's clock against ours, and is left to our own backoff.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?;
    seconds(value).or_else(|| {
        let (until, now) = (http_date(value.trim())?, date_of(headers)?);
        Some(until.since(now))
    })
}

/// `Retry-After` in whole seconds.
pub(super) fn seconds(value: &str) -> Option<Duration> {
    value.trim().parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
}

pub(super) const fn of_kind(kind: UnknownKind, detail: String) -> Unknown {
    Unknown { kind, detail, retry_after: None }
}

/// An error and its causes, without the URL: the causes say what happened, the address is in the configuration.
fn words(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut words = Vec::new();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    match words.pop() {
        Some(root) => root,
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => "the request failed".to_owned(),
    }
}

/// rustls on ring, with the bundled public roots and the merchant's own: a host without a certificate store works the
/// same, and the national root that these banks use can be added without switching verification off.
fn tls(
    extra_roots_pem: Option<&[u8]>,
    client: Option<&ClientCertificate>,
) -> Result<rustls::ClientConfig, TransportError> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra_roots_pem.map(certificates).transpose()?.unwrap_or_default() {
        roots.add(certificate).map_err(|error| TransportError::ExtraRoot(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Tls(error.to_string()))?;
    let trusting = versions.with_root_certificates(roots);
    let Some(ClientCertificate { chain_pem, key_pem }) = client else {
        return Ok(trusting.with_no_client_auth());
    };
    // The errors name a place in the PEM, and never what stands there.
    let wrong = |error: &dyn std::fmt::Display| TransportError::Client(error.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem).collect();
    let chain = chain.map_err(|error| wrong(&error))?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.expose_secret().as_bytes())
        .map_err(|_| TransportError::Client("its private key cannot be read".to_owned()))?;
    trusting.with_client_auth_cert(chain, key).map_err(|error| wrong(&error))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(TransportError::ExtraRoot("no certificate found".to_owned())),
        Err(error) => Err(TransportError::ExtraRoot(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn how_long_the_bank_asks_to_be_left_alone_is_told_in_seconds_or_by_its_own_clock() {
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let table = [
            (Some("7"), None, Some(7)),
            (Some(" 120 "), Some(DATE), Some(120)),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), Some(DATE), Some(30)),
            (Some("Sun, 06 Nov 1994 08:49:07 GMT"), Some(DATE), Some(0)),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), None, None),
            (Some("soon"), Some(DATE), None),
            (Some("-1"), Some(DATE), None),
            (None, Some(DATE), None),
        ];
        for (asked, date, wait) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in [("retry-after", asked), ("date", date)] {
                headers.extend(value.map(|value| (HeaderName::from_static(name), HeaderValue::from_static(value))));
            }
            assert_eq!(retry_after(&headers), wait.map(Duration::from_secs), "{asked:?} at {date:?}");
        }
    }

    #[test]
    fn the_banks_time_is_read_from_the_date_of_its_answer() {
        let table = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777_000)),
            ("Sun, 22 Nov 2026 00:00:00 GMT", Some(1_795_305_600_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("yesterday", None),
            ("", None),
        ];
        for (value, ms) in table {
            assert_eq!(http_date(value), ms.map(Timestamp::from_millis), "{value:?}");
        }
    }
}
