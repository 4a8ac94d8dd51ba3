//! How fast the shop hears of events, and that a dead endpoint slows no other: `cargo bench --bench delivery`.
//!
//! The journal is filled while the daemon is down, so that what is measured is the telling alone; then it starts, and
//! shops on real sockets take what it tells. Ends with 1 where a fast endpoint beside a dead one has less than nine
//! tenths of what it has without.
//!
//! After `--`: `--events N` (20000) in each round; `--rounds N` (3).

#[path = "../common/mod.rs"]
mod common;
mod shop;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reconciled::clock::Clock;
use reconciled::domain::event::Cause;
use reconciled::domain::money::{Amount, Currency};
use reconciled::domain::operation::CompletionAmount;
use reconciled::domain::order::{MerchantId, NewOrder, OrderNumber};
use reconciled::store::Store;

use common::{Connection, Daemon, Place, median, us_each};
use shop::{Manner, Shop};

/// What a fast endpoint has beside a dead one, of what it has without.
const RATIO: f64 = 0.9;

/// Orders in one transaction, as everywhere.
const BATCH: usize = 1_000;

/// A round that takes longer is none.
const LIMIT: Duration = Duration::from_secs(300);

/// The endpoints of each measurement; the first is what is measured.
const CASES: [(&str, &[Manner]); 4] = [
    ("one fast", &[Manner::Fast]),
    ("one fast, one dead", &[Manner::Fast, Manner::Dead]),
    ("three fast", &[Manner::Fast, Manner::Fast, Manner::Fast]),
    ("three fast, one dead", &[Manner::Fast, Manner::Fast, Manner::Fast, Manner::Dead]),
];

fn main() -> Result<ExitCode> {
    let wanted = Wanted::read(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(&wanted))
}

/// What the arguments ask for.
struct Wanted {
    events: usize,
    rounds: usize,
}

impl Wanted {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut wanted = Self { events: 20_000, rounds: 3 };
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<usize> {
                let number = arguments.next().with_context(|| format!("{argument} wants a number"))?;
                number.parse().with_context(|| format!("{argument} {number}"))
            };
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--events" => wanted.events = number()?,
                "--rounds" => wanted.rounds = number()?,
                unknown => anyhow::bail!("`{unknown}` is no argument"),
            }
        }
        Ok(wanted)
    }
}

async fn measure(wanted: &Wanted) -> Result<ExitCode> {
    println!("endpoints               events a second, each  daemon's CPU us/delivery  MB of memory");
    let mut rates = CASES.map(|_| Vec::new());
    // In turn, so that whatever else the machine does disturbs all of them alike.
    for _ in 0..wanted.rounds {
        for ((name, manners), rates) in CASES.iter().zip(&mut rates) {
            let round = round(manners, wanted.events).await?;
            println!("{name:22}  {:21.0}  {:24.1}  {:12}", round.rate, round.cpu_us, round.peak_mb);
            rates.push(round.rate);
        }
    }
    let mut has_missed = false;
    let [alone, beside, three, three_beside] = rates.map(median);
    for (name, without, with) in [("one", alone, beside), ("three", three, three_beside)] {
        let ratio = with / without;
        has_missed |= ratio < RATIO;
        println!("{name} fast: {without:.0} a second without a dead one, {with:.0} with it: {ratio:.2} of it");
    }
    Ok(if has_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

struct Round {
    /// What the first endpoint was told a second.
    rate: f64,
    /// Of all that was taken.
    cpu_us: f64,
    peak_mb: u64,
}

async fn round(manners: &[Manner], events: usize) -> Result<Round> {
    let place = Place::new().await?;
    let mut shops = Vec::new();
    for manner in manners {
        shops.push(Shop::open(*manner).await?);
    }
    let tables: Vec<String> = shops.iter().enumerate().map(|(nth, shop)| shop.table(nth)).collect();
    let config = place.configure("", &tables.concat())?;
    // An endpoint hears what comes after it was first seen.
    let daemon = Daemon::start(&config)?;
    let (status, _) = Connection::open(daemon.address).await?.post("application/x-ndjson", "").await?;
    ensure!(status == 200, "the daemon says {status}");
    daemon.kill()?;
    fill(&place, events).await?;
    let daemon = Daemon::start(&config)?;
    let fast: Vec<&Shop> = shops.iter().filter(|shop| shop.manner == Manner::Fast).collect();
    let before = loop {
        if fast.iter().any(|shop| shop.heard() > 0) {
            break daemon.figures()?.cpu;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    for shop in &fast {
        tokio::time::timeout(LIMIT, shop.until_heard(events)).await.context("not all was told in time")?;
    }
    let after = daemon.figures()?;
    let rate = fast.first().map(|shop| shop.rate()).context("nobody is measured")?;
    let cpu_us = us_each(events * fast.len(), after.cpu.saturating_sub(before));
    Ok(Round { rate, cpu_us, peak_mb: after.peak_bytes / 1_000_000 })
}

/// As many events, each of an order of its own.
async fn fill(place: &Place, events: usize) -> Result<()> {
    let store = Store::open(&place.database())?;
    let numbers: Vec<usize> = (0..events).collect();
    for batch in numbers.chunks(BATCH) {
        let orders = batch.iter().map(|nth| order(*nth)).collect::<Result<Vec<_>>>()?;
        store.add_orders(orders, Cause::Shop, Clock::host().now()).await?;
    }
    Ok(())
}

fn order(nth: usize) -> Result<NewOrder> {
    Ok(NewOrder {
        merchant: MerchantId::new("shop")?,
        number: OrderNumber::new(&format!("D-{nth}"), 32)?,
        order_id: None,
        amount: Amount::new(10_000)?,
        currency: Currency::RUB,
        expires_at: None,
        completion: CompletionAmount::Whole,
        autocompletion_at: None,
        kind: None,
    })
}
