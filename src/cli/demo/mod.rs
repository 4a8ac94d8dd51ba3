//! `reconciled demo`: a bank, a shop, its buyers and the daemon on this host, with hours squeezed into seconds.
//!
//! Nothing is pretended: the sandbox is a server on loopback, the shop registers orders there over HTTP and hands them
//! to the daemon's own API, buyers pay, decline or walk away, and the daemon does its whole job from a configuration
//! file like any other. At the end its book is laid against the bank's, line by line.
//!
//! Read in this order: this file (the play), `stage` (what is set up), `shop` (who registers orders), `notice` (how
//! long outcomes stay unnoticed), `screen` (what is shown meanwhile), `verdict` (the books, compared).

mod notice;
mod screen;
mod shop;
mod stage;
mod verdict;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::sandbox::Probability;

use super::signals::{self, Asked};

use screen::Screen;

use stage::Stage;
use verdict::Verdict;

/// After the last order was registered, its payment time, hold and completion take some seconds; a storm many more.
const SETTLE_AT_MOST: Duration = Duration::from_secs(300);

/// After Ctrl-C the daemon may still finish what the bank has already decided.
const SETTLE_AFTER_INTERRUPT: Duration = Duration::from_secs(15);

/// How often the screen is drawn.
const FRAME: Duration = Duration::from_millis(200);

type Signals = mpsc::UnboundedReceiver<Asked>;

/// What `reconciled demo` is asked to show.
#[derive(clap::Args, Debug, Clone)]
pub(super) struct Demo {
    /// End after this many orders, with a summary; without it, Ctrl-C ends the demo.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders: Option<u32>,
    /// Orders the shop registers per second.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    rate: u32,
    /// Make the bank misbehave: `storm` is every fault at 10 % of the requests.
    #[arg(long, value_enum, default_value_t = Faults::None)]
    faults: Faults,
    /// Fixes who buys what, and which requests go wrong.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the configuration, database and log in this directory, which must be new or empty.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print the summary as one JSON object, and nothing else.
    #[arg(long)]
    json: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Faults {
    /// The bank behaves.
    None,
    /// Every kind of fault at 10 % of the requests.
    Storm,
}

impl Faults {
    fn rules(self) -> Vec<crate::sandbox::FaultRule> {
        match self {
            Self::None => Vec::new(),
            Self::Storm => crate::sandbox::FaultRule::storm(Probability::percent(10)),
        }
    }
}

/// Plays the demo; whether the books agree at its end.
pub(super) async fn run(demo: Demo) -> anyhow::Result<bool> {
    let mut signals = signals::listen()?;
    let stage = Stage::set(&demo).await?;
    let mut screen = Screen::open(&stage, &demo, std::io::stdout().is_terminal());
    let shop = tokio::spawn(shop::Shop::of(&stage, &demo).trade());
    let interrupted = play(&stage, &mut screen, &shop, &mut signals).await;
    shop.abort();
    if interrupted {
        stage.send_buyers_home();
        screen
            .note("Stopping: no new orders; the daemon finishes what the bank has decided. Ctrl-C again ends at once.");
        settle(&stage, &mut screen, SETTLE_AFTER_INTERRUPT).await;
    }
    screen.close();
    let verdict = Verdict::reach(&stage).await?;
    verdict::show(&verdict, demo.json)?;
    if stage.is_kept() && !demo.json {
        println!("  Configuration, database and log are kept in {}", stage.directory().display());
    }
    stage.strike().await;
    Ok(verdict.books_equal)
}

/// Until the shop has registered its last order and everything is settled; whether Ctrl-C came before that.
async fn play(stage: &Stage, screen: &mut Screen, shop: &JoinHandle<()>, signals: &mut Signals) -> bool {
    while !shop.is_finished() {
        screen.draw(stage).await;
        tokio::select! {
            _ = signals.recv() => return true,
            () = tokio::time::sleep(FRAME) => {}
        }
    }
    tokio::select! {
        _ = signals.recv() => true,
        () = settle(stage, screen, SETTLE_AT_MOST) => false,
    }
}

/// Until nothing is expected to change any more, `limit` at most.
async fn settle(stage: &Stage, screen: &mut Screen, limit: Duration) {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        screen.draw(stage).await;
        if verdict::is_settled(stage).await {
            return;
        }
        tokio::time::sleep(FRAME).await;
    }
}
