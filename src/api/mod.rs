//! The HTTP face: the shop hands in orders, asks after them and releases or parks them; Prometheus and systemd's
//! neighbours ask how the daemon fares.
//!
//! It reads and writes rows and never speaks to the bank; whoever has an order registered waits here, for a bounded
//! while, until the daemon has. What was answered with 200 or 201 is on disk. Everything under `/v1` needs the bearer
//! token, and the bank's callbacks their checksum; every refusal is an RFC 9457 problem with what to do about it. One
//! page, at `/`, shows a person at a glance how it stands. What it does not do: TLS, which is a proxy's work.
//!
//! Read in this order: this file (the routes), `orders`, `registrations` and `acts` (what the shop does), `views` (what
//! it reads), `events` (the feed), `money`, `reviews` with `review_views` (a person's word), `verbs` (what a person orders), `logins`,
//! `callbacks`, `page`, `scrape` and `health`, then what all of them stand on: `auth`,
//! `body`, `problem`, `server`.

mod acts;
mod auth;
mod body;
mod callbacks;
mod events;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod health;
mod logins;
mod money;
mod orders;
mod page;
mod problem;
mod registrations;
mod review_views;
mod reviews;
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
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, watch};

use problem::Problem;
use server::Limits;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::time::in_words;
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::store::Store;

/// Requests of the shop that may be at the database at once. The store has four readers and one writer for everybody:
/// two and a scrape leave one to the daemon, whatever comes in here; `/readyz` asks for a 1 and is gone.
const TURNS: usize = 2;

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
    /// See [`FOLLOWERS`].
    followers: Arc<Semaphore>,
    /// Whether the daemon stops: whoever waits for events is let go then.
    stop: watch::Receiver<bool>,
    /// Held while a scrape reads the queue: two at once would only read the same figures twice.
    scrape: Mutex<()>,
    /// Held while a callback is at the database.
    callback: Mutex<()>,
    /// Callbacks that were refused, so that the log tells of them now and then.
    refused_callbacks: callbacks::Untold,
}

impl Shared {
    /// Waits for a turn at the database.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.turns.acquire().await.map_err(|_| Problem::unavailable("the daemon is stopping; try again in a while"))
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
    let shared = Arc::new(Shared {
        api,
        turns: Semaphore::new(TURNS),
        followers: Arc::new(Semaphore::new(FOLLOWERS)),
        stop,
        scrape: Mutex::default(),
        callback: Mutex::default(),
        refused_callbacks: callbacks::Untold::default(),
    });
    Router::new()
        .nest("/v1", v1(&shared))
        .route("/callbacks/{merchant}", get(callbacks::receive).post(callbacks::receive))
        .route("/", get(page::page))
        .route("/page.css", get(page::style))
        .route("/metrics", get(scrape::scrape))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(move |request, next| in_time(request_within, request, next)))
        .with_state(shared)
}

/// The token is asked for in front of all of it, its 404s included: a route added here cannot be forgotten there.
fn v1(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/orders", post(orders::add).get(orders::list))
        .route("/orders/{merchant}/{order_number}", get(orders::show))
        .route("/orders/{merchant}/{order_number}/answer", get(orders::answer))
        .route("/orders/{merchant}/{order_number}/release", post(acts::release))
        .route("/orders/{merchant}/{order_number}/park", post(acts::park))
        .route("/orders/{merchant}/{order_number}/reverse", post(verbs::reverse))
        .route("/orders/{merchant}/{order_number}/refund", post(verbs::refund))
        .route("/orders/{merchant}/{order_number}/decline", post(verbs::decline))
        .route("/events", get(events::feed))
        .route("/registrations", post(registrations::register))
        .route("/registrations/{merchant}/{order_number}", get(registrations::show))
        .route("/money", get(money::show))
        .route("/logins", get(logins::show))
        .route("/logins/{merchant}/resume", post(logins::resume))
        .route("/reviews", get(reviews::list))
        .route("/reviews/{merchant}/{order_number}", get(reviews::show))
        .route("/reviews/{merchant}/{order_number}/resolve", post(reviews::resolve))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(shared), auth::require_token))
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
