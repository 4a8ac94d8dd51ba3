//! Serving: connections, their limits, hanging up without an answer, and stopping in time.
//!
//! hyper is driven directly because `axum::serve` has neither a header timeout nor a way to close a connection without
//! answering.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::DATE;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::bank::Bank;

/// As many as a busy test opens, and far below the usual limit of 1024 open files.
const CONNECTIONS_MAX: usize = 512;

/// A client that dribbles its headers longer than this is not one.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);

/// Enough for every honest request line and header; a form goes in the body.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Header lines of a request: client libraries send about ten, a browser behind proxies some thirty.
const HEADERS_MAX: usize = 64;

/// What is in hand when the sandbox stops may finish within this; hanging requests are cut.
const GRACE: Duration = Duration::from_millis(300);

/// After a failed accept (out of file descriptors): long enough not to spin, short enough not to be noticed.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Tells when the sandbox stops.
#[derive(Debug, Clone)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

impl Stopping {
    /// Returns once the sandbox is told to stop; a sandbox that was dropped has stopped too.
    pub(super) async fn stopped(&mut self) {
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }

    /// The future's output, or nothing if the sandbox stops first.
    pub(super) async fn cut_short<T>(mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.stopped() => None,
        }
    }
}

/// An answer that is none: the connection is closed without a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HangUp {
    /// In order (FIN).
    #[error("hung up")]
    Close,
    /// At once (RST).
    #[error("reset")]
    Reset,
}

/// Travels through the router as an empty response that carries the wish; it never reaches the wire.
impl IntoResponse for HangUp {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

/// Accepts and serves until told to stop, then lets what is in hand finish within the grace.
pub(super) async fn serve(listener: TcpListener, router: Router, bank: Bank, mut stopping: Stopping) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.stopped() => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let (router, bank, stopping) = (router.clone(), bank.clone(), stopping.clone());
                connections.spawn(async move {
                    converse(stream, router, bank, stopping).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "The sandbox could not accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next connection, once there is a place for it; the rest wait in the kernel's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are small and complete: waiting to fill a packet would only slow a test down.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

/// One connection from its first request to its end.
async fn converse(stream: TcpStream, router: Router, bank: Bank, stopping: Stopping) {
    if let Some(stream) = converse_until_reset(stream, router, bank, stopping).await
        && let Err(error) = stream.set_zero_linger()
    {
        tracing::debug!(%error, "A connection was closed where a reset was wanted");
    }
}

/// The same over a pipe, where dropping it is the only reset there is.
pub(super) async fn converse_over_pipe(stream: DuplexStream, router: Router, bank: Bank, stopping: Stopping) {
    drop(converse_until_reset(stream, router, bank, stopping).await);
}

/// Serves one connection; gives its stream back when it is to be reset.
async fn converse_until_reset<S>(stream: S, router: Router, bank: Bank, mut stopping: Stopping) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = Answering { router: TowerToHyperService::new(router), bank };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = stopping.stopped() => {
            Pin::new(&mut connection).graceful_shutdown();
            // Cut by dropping the connection; what it was doing has its ledger line.
            let _ = tokio::time::timeout(GRACE, pin!(&mut connection)).await;
            return None;
        }
    };
    ended.is_err_and(|error| wanted_reset(&error)).then(|| connection.into_parts().io.into_inner())
}

fn wanted_reset(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    cause == Some(&HangUp::Reset)
}

/// The router, except that a response which is a wish to hang up becomes an error: hyper then closes without a byte.
/// Its answers are dated by the bank's own clock, which in a simulation is not the host's.
#[derive(Clone)]
struct Answering {
    router: TowerToHyperService<Router>,
    bank: Bank,
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response;
    type Error = HangUp;
    type Future = Pin<Box<dyn Future<Output = Result<Response, HangUp>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (answer, bank) = (self.router.call(request), self.bank.clone());
        Box::pin(async move {
            let mut response = answer.await.unwrap_or_else(|never: Infallible| match never {});
            if let Some(hang_up) = response.extensions().get::<HangUp>() {
                return Err(*hang_up);
            }
            response.headers_mut().extend(dated(bank.now_ms()).map(|date| (DATE, date)));
            Ok(response)
        })
    }
}

/// The value of a `Date` header.
fn dated(now_ms: i64) -> Option<HeaderValue> {
    let now = jiff::Timestamp::from_millisecond(now_ms).ok()?;
    HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}
