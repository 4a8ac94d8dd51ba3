//! Serving: connections, their limits, and stopping in time.
//!
//! hyper is driven directly because `axum::serve` has no header timeout and takes 300 kB of headers. Whatever is sent
//! here, the daemon's own work must not notice: every wait has an end and every buffer a size.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Enough for every honest request line and header; orders go in the body.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Header lines of a request: a browser behind two proxies sends some thirty.
const HEADERS_MAX: usize = 64;

/// After a failed accept (out of file descriptors): long enough not to spin, short enough not to be noticed.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How long and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once; the rest wait in the kernel's queue. Far below the usual 1024 open files.
    pub(super) connections: usize,
    /// From a connection's beginning, or its latest answer, to the end of the next request's headers.
    pub(super) headers_within: Duration,
    /// From the end of a request's headers to its answer, its body and its wait for the database included.
    pub(super) request_within: Duration,
    /// A connection's life. hyper has no limit for a caller that does not read its answer; this is it.
    pub(super) life: Duration,
    /// What is in hand at a stop may finish within this.
    pub(super) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            headers_within: Duration::from_secs(5),
            // Five seconds more than events are waited for.
            request_within: Duration::from_secs(35),
            life: Duration::from_secs(300),
            grace: Duration::from_secs(5),
        }
    }
}

/// Accepts and serves until told to stop, then lets what is in hand finish within the grace.
pub(super) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                failing = false;
                connections.spawn(converse(stream, place, router.clone(), stop.clone(), limits));
            }
            Err(error) => {
                // Once per burst: what exhausts descriptors must not fill the log as well.
                if !failing {
                    tracing::warn!(%error, "The HTTP face could not accept a connection");
                }
                failing = true;
                sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns once the face is told to stop; one whose daemon is gone has stopped too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are small and complete: waiting to fill a packet would only delay them. A failure is the caller's, who
    // has gone already, and no reason to accept the next one later.
    let _ = stream.set_nodelay(true);
    Ok((stream, place))
}

/// One connection from its first request to its end. It holds its place until then.
async fn converse(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    router: Router,
    mut stop: watch::Receiver<bool>,
    limits: Limits,
) {
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.headers_within)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    tokio::select! {
        // A broken connection is the caller's news, and it has no way to hear ours.
        _ = &mut connection => return,
        () = stopped(&mut stop) => {}
        () = sleep(limits.life) => {}
    }
    connection.as_mut().graceful_shutdown();
    let grace = async {
        stopped(&mut stop).await;
        sleep(limits.grace).await;
    };
    tokio::select! {
        _ = connection => {}
        // Cut by dropping it. A change that was already handed to the store is made all the same.
        () = grace => {}
        () = sleep(limits.request_within) => {}
    }
}
