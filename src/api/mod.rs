//! The HTTP face: the shop hands in orders, asks after them and releases or parks them; Prometheus and systemd's
//! neighbours ask how the daemon fares.
//!
//! It reads and writes rows and never speaks to the bank; whoever has an order registered waits here, for a bounded
//! while, until the daemon has. What was answered with 200 or 201 is on disk. Everything under `/v1` needs a bearer
//! token with the scope of its route, and the bank's callbacks their checksum; every refusal is an RFC 9457 problem
//! with what to do about it. One page, at `/`, shows a person at a glance how it stands. What it does not do: TLS,
//! which is a proxy's work.
//!
//! Read in this order: this file, `routes` (every route), `orders`, `registrations` and `acts` (what the shop does),
//! `views` (what it reads), `events` (the feed), `money`, `reviews` with `review_views` (a person's word), `verbs`
//! (what a person orders), `logins`, `callbacks`, `page`, `scrape` and `health`, then what all of them stand on:
//! `auth`, `idempotency`, `body`, `lines`, `problem`, `server`; `openapi` describes all of it.

mod acts;
mod auth;
mod body;
mod callbacks;
mod events;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod health;
mod idempotency;
mod lines;
mod logins;
mod money;
mod openapi;
mod orders;
mod page;
mod problem;
mod registrations;
mod review_list;
mod review_views;
mod reviews;
mod routes;
mod scrape;
mod server;
mod verbs;
mod views;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, watch};

use problem::Problem;
use routes::{Needs, Route};
use server::Limits;
pub use views::event_document;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::time::in_words;
use crate::domain::token::Scope;
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::store::Store;

/// Requests of the shop that may be at the database at once. The store has four readers and one writer for everybody:
/// two and a scrape leave one to the daemon, whatever comes in here; `/readyz` asks for a 1 and is gone.
const TURNS: usize = 2;

/// Requests with orders that may be at the writer at once: it takes what has come while the disk synced in one commit, so
/// that many at a time cost little more than one.
const WRITING_TURNS: usize = 64;

/// Requests that may wait for either at once. Each keeps a connection, of which there are 256 for everybody; whoever
/// comes then is told to come again (429).
const WAITING: usize = 96;

/// Requests with lines of orders that may be read at once: their bodies are the longest there are.
const BULKS: usize = 2;

/// Requests that may wait for events at once. Each keeps a connection, of which there are 256 for everybody.
const FOLLOWERS: usize = 64;

/// What the HTTP face works with.
#[derive(Clone, Debug)]
pub struct Api {
    /// The queue.
    pub store: Store,
    /// The settings as they are now; a reload is seen by the next request.
    pub config: watch::Receiver<Arc<Config>>,
    /// What is counted, and what is scraped.
    pub metrics: Metrics,
    /// What `/healthz` and `/readyz` rest on.
    pub progress: Progress,
    /// The present moment.
    pub clock: Clock,
}

/// Serves until `stop` is true, then finishes what is in hand within a few seconds. A `stop` whose sender is gone stops
/// too.
pub async fn serve(listener: TcpListener, api: Api, stop: watch::Receiver<bool>) {
    let limits = Limits::default();
    server::serve(listener, router(api, limits.request_within, stop.clone()), stop, limits).await;
}

/// What the handlers share.
struct Shared {
    api: Api,
    /// See [`TURNS`].
    turns: Semaphore,
    /// See [`WRITING_TURNS`].
    writing_turns: Semaphore,
    /// See [`WAITING`].
    waiting: Semaphore,
    /// See [`BULKS`].
    bulks: Semaphore,
    /// See [`FOLLOWERS`].
    followers: Arc<Semaphore>,
    /// See [`idempotency::KEYED`].
    keyed: Arc<Semaphore>,
    /// Of these, requests with lines, whose bodies are kept until they are done: see [`BULKS`].
    keyed_bulks: Arc<Semaphore>,
    /// Which requests with keys are worked on.
    in_hand: Arc<idempotency::InHand>,
    /// Whether the daemon stops: whoever waits for events is let go then.
    stop: watch::Receiver<bool>,
    /// Held while a scrape reads the queue: two at once would only read the same figures twice.
    scrape: Mutex<()>,
    /// Held while a callback is at the database.
    callback: Mutex<()>,
    /// Callbacks that were refused, so that the log tells of them now and then.
    refused_callbacks: callbacks::Untold,
    /// The description of it all, for programs.
    document: openapi::Kept,
    /// Who may ask, besides whoever has the configuration's token.
    tokens: auth::Tokens,
}

impl Shared {
    fn new(api: Api, stop: watch::Receiver<bool>) -> Self {
        Self {
            api,
            turns: Semaphore::new(TURNS),
            writing_turns: Semaphore::new(WRITING_TURNS),
            waiting: Semaphore::new(WAITING),
            bulks: Semaphore::new(BULKS),
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
            keyed: Arc::new(Semaphore::new(idempotency::KEYED)),
            keyed_bulks: Arc::new(Semaphore::new(BULKS)),
            in_hand: Arc::default(),
            stop,
            scrape: Mutex::default(),
            callback: Mutex::default(),
            refused_callbacks: callbacks::Untold::default(),
            document: openapi::Kept::default(),
            tokens: auth::Tokens::default(),
        }
    }

    /// Waits for a turn at the database.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.turn_of(&self.turns).await
    }

    /// Waits for a turn to hand orders to the database's writer.
    async fn writing_turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.turn_of(&self.writing_turns).await
    }

    async fn turn_of<'turns>(&self, turns: &'turns Semaphore) -> Result<SemaphorePermit<'turns>, Problem> {
        if let Ok(turn) = turns.try_acquire() {
            return Ok(turn);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| {
            Problem::overloaded("as many requests wait for the database as may, and nothing of this one was done")
        })?;
        turns.acquire().await.map_err(|_| Problem::unavailable("the daemon is stopping; try again in a while"))
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns once the daemon stops.
    async fn stopped(&self) {
        // An error means that whoever could tell is gone, which is a stop.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.api.config.borrow())
    }
}

type Context = State<Arc<Shared>>;

fn router(api: Api, request_within: Duration, stop: watch::Receiver<bool>) -> Router {
    let shared = Arc::new(Shared::new(api, stop));
    let (mut v1, mut open) = (Router::new(), Router::new());
    for route in routes::all() {
        let is_keyed = route.takes_key();
        let Route { path, needs, serve, .. } = route;
        let serve = match needs {
            Needs::Token(scope) => {
                let serve = if is_keyed { keyed(&shared, scope, serve) } else { serve };
                serve.route_layer(from_fn(move |request, next| auth::require_scope(scope, request, next)))
            }
            Needs::TokenIfAsked => {
                serve.route_layer(from_fn_with_state(Arc::clone(&shared), auth::require_for_metrics))
            }
            Needs::Checksum | Needs::Nothing => serve,
        };
        match path.strip_prefix("/v1") {
            Some(inner) => v1 = v1.route(inner, serve),
            None => open = open.route(path, serve),
        }
    }
    // The token is asked for in front of all of it, its 404s included.
    let v1 = v1
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(&shared), auth::require_token));
    open.nest("/v1", v1)
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(move |request, next| in_time(request_within, request, next)))
        .with_state(shared)
}

fn keyed(shared: &Arc<Shared>, scope: Scope, serve: MethodRouter<Arc<Shared>>) -> MethodRouter<Arc<Shared>> {
    let (shared, is_money) = (Arc::clone(shared), scope == Scope::Money);
    serve.route_layer(from_fn(move |request, next| idempotency::once(Arc::clone(&shared), is_money, request, next)))
}

async fn no_such_path() -> Problem {
    Problem::not_found("nothing is served at this path")
}

async fn no_such_method(request: Request) -> Problem {
    Problem::method_not_allowed(request.method())
}

async fn in_time(request_within: Duration, request: Request, next: Next) -> Response {
    tokio::time::timeout(request_within, next.run(request)).await.unwrap_or_else(|_| {
        let within = in_words(request_within);
        let detail = format!("not done within {within}; it may have happened all the same, and asking again is safe");
        Problem::unavailable(detail).into_response()
    })
}
