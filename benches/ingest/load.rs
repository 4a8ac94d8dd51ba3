//! Clients that hand in orders, and what they were told.

use std::fmt;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use crate::common::{Connection, Daemon, rate, us_each};

/// How orders are handed in.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// A thousand in an array, the most there may be.
    Array,
    /// Ten thousand lines, the most there may be.
    Lines,
    /// One in each request.
    Single,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "arrays of 1000",
            Self::Lines => "10000 lines",
            Self::Single => "one by one",
        })
    }
}

impl Form {
    const fn orders(self) -> u64 {
        match self {
            Self::Array => 1_000,
            Self::Lines => 10_000,
            Self::Single => 1,
        }
    }

    /// As many at once as a shop may have: of lines no more are let in.
    const fn connections(self) -> usize {
        match self {
            Self::Array => 4,
            Self::Lines => 2,
            Self::Single => 64,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Array | Self::Single => "application/json",
            Self::Lines => "application/x-ndjson",
        }
    }

    fn body(self, numbers: Range<u64>) -> String {
        let orders = numbers.map(order);
        match self {
            Self::Array => format!("[{}]", orders.collect::<Vec<_>>().join(",")),
            Self::Lines | Self::Single => orders.collect::<Vec<_>>().join("\n"),
        }
    }
}

/// How many orders an answer says were added.
fn added(answer: &[u8]) -> usize {
    let word = b"\"result\":\"added\"";
    answer.windows(word.len()).filter(|window| window == word).count()
}

/// An order as a shop hands it in that has registered it: the bank's ids come in no order.
pub(crate) fn order(nth: u64) -> String {
    let (high, low) = (scattered(nth), scattered(!nth));
    let mut text =
        format!("{{\"merchant\":\"shop\",\"order_number\":\"B-{nth}\",\"amount\":{},", 10_000 + nth % 90_000);
    // Writing into a text cannot fail.
    let _ = write!(
        text,
        "\"order_id\":\"{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\"}}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
    text
}

/// The order of a number; none of another shop's.
pub(crate) fn nth_of(number: &str) -> Option<u64> {
    number.strip_prefix("B-")?.parse().ok()
}

/// The output function of SplitMix64: no two numbers have one.
const fn scattered(nth: u64) -> u64 {
    let mixed = nth.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// All that was handed in.
#[derive(Default)]
pub(crate) struct Load {
    next: Arc<AtomicU64>,
    pub(crate) acknowledged: Vec<u64>,
}

/// What came of one round.
pub(crate) struct Round {
    form: Form,
    orders: usize,
    took: Duration,
    daemon_cpu: Duration,
    /// How long requests took, ascending.
    waits: Vec<Duration>,
    /// Answered otherwise than that all were added.
    refused: usize,
}

impl Round {
    pub(crate) const HEADING: &str =
        "file    form            orders  per second  daemon's CPU us/order  request p50 ms   p99 ms   max ms  refused";

    pub(crate) fn rate(&self) -> f64 {
        rate(self.orders, self.took)
    }

    pub(crate) fn line(&self) -> String {
        let wait = |per_mille: usize| {
            let nth = (self.waits.len() * per_mille / 1_000).min(self.waits.len().saturating_sub(1));
            self.waits.get(nth).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        let cpu = us_each(self.orders, self.daemon_cpu);
        format!(
            "{:14} {:7}  {:10.0}  {cpu:21.1}  {:14.1}  {:7.1}  {:7.1}  {:7}",
            self.form.to_string(),
            self.orders,
            self.rate(),
            wait(500),
            wait(990),
            wait(1_000),
            self.refused
        )
    }
}

/// What one connection was told.
#[derive(Default)]
struct Told {
    acknowledged: Vec<u64>,
    waits: Vec<Duration>,
    refused: usize,
}

impl Load {
    /// As many orders as are taken in `each`.
    pub(crate) async fn round(&mut self, daemon: &Daemon, form: Form, each: Duration) -> Result<Round> {
        let (begun, before) = (Instant::now(), daemon.figures()?.cpu);
        let mut clients = JoinSet::new();
        self.begin(&mut clients, daemon.address, form, move || begun.elapsed() < each);
        let mut round =
            Round { form, orders: 0, took: each, daemon_cpu: Duration::ZERO, waits: Vec::new(), refused: 0 };
        while let Some(told) = clients.join_next().await {
            let (told, fate) = told?;
            fate?;
            round.orders += told.acknowledged.len();
            round.refused += told.refused;
            round.waits.extend(told.waits);
            self.acknowledged.extend(told.acknowledged);
        }
        round.took = begun.elapsed();
        round.daemon_cpu = daemon.figures()?.cpu.saturating_sub(before);
        round.waits.sort_unstable();
        Ok(round)
    }

    /// At least `more` orders, as fast as it goes.
    pub(crate) async fn fill(&mut self, daemon: &Daemon, more: usize) -> Result<()> {
        let end = self.next.load(Ordering::Relaxed) + more as u64;
        let (next, mut clients) = (Arc::clone(&self.next), JoinSet::new());
        self.begin(&mut clients, daemon.address, Form::Lines, move || next.load(Ordering::Relaxed) < end);
        while let Some(told) = clients.join_next().await {
            let (told, fate) = told?;
            fate?;
            self.acknowledged.extend(told.acknowledged);
        }
        Ok(())
    }

    /// Every form at once, until the daemon is killed in the middle of it.
    pub(crate) async fn until_killed(&mut self, daemon: Daemon, after: Duration) -> Result<()> {
        let mut clients = JoinSet::new();
        for form in [Form::Array, Form::Lines, Form::Single] {
            self.begin(&mut clients, daemon.address, form, || true);
        }
        tokio::time::sleep(after).await;
        daemon.kill()?;
        while let Some(told) = clients.join_next().await {
            let (told, fate) = told?;
            ensure!(fate.is_err(), "a client ended before the daemon was killed");
            self.acknowledged.extend(told.acknowledged);
        }
        Ok(())
    }

    fn begin(
        &self,
        clients: &mut JoinSet<(Told, Result<()>)>,
        address: SocketAddr,
        form: Form,
        goes_on: impl Fn() -> bool + Clone + Send + 'static,
    ) {
        for _ in 0..form.connections() {
            let (next, goes_on) = (Arc::clone(&self.next), goes_on.clone());
            clients.spawn(async move {
                let mut told = Told::default();
                let fate = converse(address, form, &next, goes_on, &mut told).await;
                (told, fate)
            });
        }
    }
}

async fn converse(
    address: SocketAddr,
    form: Form,
    next: &AtomicU64,
    goes_on: impl Fn() -> bool,
    told: &mut Told,
) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    while goes_on() {
        let from = next.fetch_add(form.orders(), Ordering::Relaxed);
        let numbers = from..from + form.orders();
        let body = form.body(numbers.clone());
        let begun = Instant::now();
        let (status, answer) = connection.post(form.kind(), &body).await.context("no answer")?;
        told.waits.push(begun.elapsed());
        if matches!(status, 200 | 201) && added(answer) as u64 == form.orders() {
            told.acknowledged.extend(numbers);
        } else {
            told.refused += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}
