//! The shop: registers orders at the bank and hands them to the daemon, over HTTP like any shop.
//!
//! It owns no retry machinery worth the name, as shops do not: a registration that failed is tried again under the same
//! number, and "this number is registered already" is an answer like any other.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Demo;
use super::stage::{MERCHANT, PASSWORD, Stage, TOKEN, USER_NAME};

/// How long the shop waits for an answer before it tries again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tries of one registration; in a storm, nine of ten fail at most.
const TRIES: usize = 60;

/// A shop that opens at once and closes after its last order.
pub(super) struct Shop {
    rest_url: String,
    bank: SocketAddr,
    daemon: SocketAddr,
    orders: Option<u32>,
    every: Duration,
    random: fastrand::Rng,
}

/// One cart at the till.
#[derive(Clone)]
struct Cart {
    number: String,
    amount_minor: i64,
    two_phase: bool,
}

impl Shop {
    pub(super) fn of(stage: &Stage, demo: &Demo) -> Self {
        Self {
            rest_url: stage.rest_url(),
            bank: stage.bank_socket(),
            daemon: stage.daemon_socket(),
            orders: demo.orders,
            every: Duration::from_secs(1) / demo.rate,
            random: fastrand::Rng::with_seed(demo.seed),
        }
    }

    /// Registers orders at an even pace, each in a task of its own, until there are enough.
    pub(super) async fn trade(mut self) {
        let mut carts = JoinSet::new();
        let mut pace = tokio::time::interval(self.every);
        for number in 1..=self.orders.unwrap_or(u32::MAX) {
            pace.tick().await;
            let cart = self.next_cart(number);
            let till = Till { rest_url: self.rest_url.clone(), bank: self.bank, daemon: self.daemon };
            carts.spawn(async move { till.sell(cart).await });
            while carts.try_join_next().is_some() {}
        }
        while carts.join_next().await.is_some() {}
    }

    /// Half of the carts are paid in two phases, as shops do that ship later.
    fn next_cart(&mut self, number: u32) -> Cart {
        Cart {
            number: format!("DEMO-{number:05}"),
            amount_minor: self.random.i64(10_000..2_000_000),
            two_phase: self.random.bool(),
        }
    }
}

/// Where one cart is sold.
struct Till {
    rest_url: String,
    bank: SocketAddr,
    daemon: SocketAddr,
}

impl Till {
    async fn sell(self, cart: Cart) {
        let mut order_id = None;
        for _ in 0..TRIES {
            match self.register(&cart).await {
                Ok(Registered::With(id)) => order_id = Some(id),
                Ok(Registered::Before) => {}
                Err(_) => continue,
            }
            break;
        }
        if let Err(error) = self.hand_over(&cart, order_id).await {
            tracing::error!(error = %format!("{error:#}"), order.number = cart.number, "The shop could not hand over order {}", cart.number);
        }
    }

    async fn register(&self, cart: &Cart) -> anyhow::Result<Registered> {
        let method = if cart.two_phase { "registerPreAuth.do" } else { "register.do" };
        let body = format!(
            "userName={USER_NAME}&password={PASSWORD}&orderNumber={}&amount={}&currency=643&returnUrl=http%3A%2F%2Fshop.example%2Fthanks",
            cart.number, cart.amount_minor
        );
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{method}", self.rest_url))
            .header("host", self.bank.to_string())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(body)))?;
        let answer = exchange(self.bank, request).await?;
        match (answer["orderId"].as_str(), answer["errorCode"].as_str()) {
            (Some(id), _) => Ok(Registered::With(id.to_owned())),
            (None, Some("1")) => Ok(Registered::Before),
            _ => anyhow::bail!("not registered"),
        }
    }

    async fn hand_over(&self, cart: &Cart, order_id: Option<String>) -> anyhow::Result<()> {
        let order = json!({
            "merchant": MERCHANT,
            "order_number": cart.number,
            "amount": cart.amount_minor,
            "currency": "RUB",
            "order_id": order_id,
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/orders")
            .header("host", self.daemon.to_string())
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(order.to_string())))?;
        exchange(self.daemon, request).await.map(drop)
    }
}

enum Registered {
    /// With this gateway id.
    With(String),
    /// By an earlier try whose answer was lost.
    Before,
}

/// One request on a connection of its own, and its JSON answer.
async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<Value> {
    let exchange = async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let (status, body) = (response.status(), response.into_body().collect().await?.to_bytes());
        connection.abort();
        anyhow::ensure!(status.is_success(), "HTTP {status}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).context("not JSON")
    };
    tokio::time::timeout(PATIENCE, exchange).await.context("no answer in time")?
}
