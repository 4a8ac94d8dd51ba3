//! How the daemon fares: `/healthz` (does its work go round?) and `/readyz` (can it be given work?).

use std::time::Duration;

use axum::extract::State;

use super::Context;
use super::problem::Problem;
use crate::domain::time::in_words;
use crate::progress::{Phase, Stalled};

/// A database that answers later than this is not ready for a shop that waits.
const PING_WITHIN: Duration = Duration::from_secs(1);

/// `GET /healthz`: asks nobody, so that it answers when everything else stands still.
pub(super) async fn alive(State(shared): Context) -> Result<&'static str, Problem> {
    let stalled = shared.api.progress.stalled();
    if stalled.is_empty() {
        return Ok("ok\n");
    }
    let who = |stalled: &Stalled| format!("{} has not come round for {}", stalled.worker, in_words(stalled.silent_for));
    Err(Problem::unavailable(stalled.iter().map(who).collect::<Vec<_>>().join("; ")))
}

/// `GET /readyz`.
pub(super) async fn ready(State(shared): Context) -> Result<&'static str, Problem> {
    match shared.api.progress.phase() {
        Phase::Ready => {}
        Phase::Starting => return Err(Problem::unavailable("the daemon is starting")),
        Phase::Stopping => return Err(Problem::unavailable("the daemon is stopping")),
    }
    if shared.api.store.disk_is_full() {
        return Err(Problem::disk_full(
            "the disk of the database is full; no new orders are taken until there is room",
        ));
    }
    match tokio::time::timeout(PING_WITHIN, shared.api.store.ping()).await {
        Ok(Ok(())) => Ok("ready\n"),
        Ok(Err(error)) => Err(Problem::of_store(&error, &shared.api.metrics)),
        Err(_) => Err(Problem::unavailable("the database did not answer within 1 s")),
    }
}
