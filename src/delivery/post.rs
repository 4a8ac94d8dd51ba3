//! Over the network: a signed POST, as the Standard Webhooks have it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use ring::hmac;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::{AddressConfig, key_bytes};
use crate::domain::delivery::{Outcome, Verdict};
use crate::domain::time::Timestamp;

use super::resolver::{Forbidden, Resolver};
use super::{Message, MessengerError};

/// How much of an answer's body is read, in bytes: nothing in it counts, but a connection whose answer was read whole is
/// used again.
const BODY_READ: usize = 16 * 1024;

/// Header lines of an answer; a shop behind its proxies sends some twenty.
const HEADERS_MAX: usize = 64;

/// The longest wait for a connection, within the wait for the whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shops close idle connections after a minute or so; we let go first.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// One endpoint's address, and what signs there.
#[derive(Debug)]
pub(super) struct Post {
    client: Client,
    url: String,
    keys: Vec<hmac::Key>,
}

impl Post {
    pub(super) fn new(config: &AddressConfig, timeout: Duration) -> Result<Self, MessengerError> {
        let bytes = config.keys.iter().map(|key| key_bytes(key).ok_or(MessengerError::Key));
        let keys = bytes.map(|bytes| Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes?))).collect::<Result<_, _>>()?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls(config.extra_roots_pem.as_deref())?)
            .dns_resolver(Arc::new(Resolver { reach: config.reach }))
            .user_agent(concat!("reconciled/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .http1_max_headers(HEADERS_MAX)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .pool_idle_timeout(IDLE_FOR)
            .build()
            .map_err(|error| MessengerError::Tls(words(&error)))?;
        Ok(Self { client, url: config.url.clone(), keys })
    }

    pub(super) async fn tell(&self, message: &Message, now: Timestamp) -> Outcome {
        let timestamp = now.as_millis().div_euclid(1_000);
        let request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", message.signature(timestamp, &self.keys))
            .body(message.body.clone());
        match request.send().await {
            Ok(response) => judged(response, now).await,
            Err(error) => Outcome { verdict: unsent(&error), words: words(&error), retry_after: None },
        }
    }
}

async fn judged(mut response: Response, now: Timestamp) -> Outcome {
    let status = response.status().as_u16();
    let (verdict, retry_after) = (Verdict::of_status(status), retry_after(response.headers(), now));
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > BODY_READ {
            break;
        }
    }
    let words = match verdict {
        Verdict::Redirected => format!("HTTP {status}: redirects are not followed; give the address it is at"),
        _ => format!("HTTP {status}"),
    };
    Outcome { verdict, words, retry_after }
}

fn unsent(error: &reqwest::Error) -> Verdict {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(found) = cause {
        if found.is::<Forbidden>() {
            return Verdict::Forbidden;
        }
        cause = found.source();
    }
    if error.is_timeout() { Verdict::TimedOut } else { Verdict::Unreachable }
}

/// The innermost cause, without the URL: the address is in the configuration, and may be half a secret.
fn words(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut innermost = None;
    while let Some(found) = cause {
        innermost = Some(found.to_string());
        cause = found.source();
    }
    match innermost {
        Some(words) => words,
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => "the request failed".to_owned(),
    }
}

/// How long an endpoint asks to be left alone: in seconds, or until a date, which is measured against the `Date` of the
/// same answer, or else against `now`.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text("retry-after")?;
    if let Ok(seconds) = asked.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let there = text("date").and_then(http_date).unwrap_or(now);
    Some(http_date(asked)?.since(there))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
fn http_date(value: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

/// rustls on ring, with the bundled public roots and the endpoint's own.
fn tls(extra_roots_pem: Option<&[u8]>) -> Result<rustls::ClientConfig, MessengerError> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let extra = extra_roots_pem.unwrap_or_default();
    for certificate in CertificateDer::pem_slice_iter(extra) {
        let certificate = certificate.map_err(|error| MessengerError::ExtraRoot(error.to_string()))?;
        roots.add(certificate).map_err(|error| MessengerError::ExtraRoot(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| MessengerError::Tls(error.to_string()))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
