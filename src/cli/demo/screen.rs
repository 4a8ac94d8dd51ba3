//! What is shown while the demo plays: a few lines that stay in place on a terminal, and now and then a line elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::domain::operation::OperationState;
use crate::domain::order::State;
use crate::sandbox::OrderView;
use crate::store::Figures;

use super::Demo;
use super::notice::Journal;
use super::stage::Stage;

/// How often a line is printed where nothing stays in place.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The demo's face.
pub(super) struct Screen {
    face: Face,
    journal: Journal,
}

enum Face {
    /// `--json`: the summary alone.
    Silent,
    /// In a pipe: a line now and then.
    Plain { last_line: Instant },
    /// On a terminal: lines that stay in place.
    InPlace(Lines),
}

struct Lines {
    orders: ProgressBar,
    bank: ProgressBar,
    book: ProgressBar,
    noticed: ProgressBar,
    budget: ProgressBar,
    latest: ProgressBar,
}

impl Screen {
    /// Says what is on stage and where to look, and makes room for what follows.
    pub(super) fn open(stage: &Stage, demo: &Demo, terminal: bool) -> Self {
        let face = match (demo.json, terminal) {
            (true, _) => Face::Silent,
            (false, false) => Face::Plain { last_line: Instant::now() },
            (false, true) => {
                introduce(stage);
                Face::InPlace(Lines::new(demo.orders))
            }
        };
        Self { face, journal: Journal::default() }
    }

    /// Draws the present state of things.
    pub(super) async fn draw(&mut self, stage: &Stage) {
        if matches!(self.face, Face::Silent) {
            return;
        }
        let Ok(scene) = Scene::look(stage, &mut self.journal).await else { return };
        match &mut self.face {
            Face::Silent => {}
            Face::InPlace(lines) => lines.draw(&scene),
            Face::Plain { last_line } if last_line.elapsed() >= LINE_EVERY => {
                *last_line = Instant::now();
                println!("bank: {} | book: {} | noticed: {}", scene.bank, scene.book, scene.noticed);
            }
            Face::Plain { .. } => {}
        }
    }

    /// A word in between.
    pub(super) fn note(&self, words: &str) {
        match &self.face {
            Face::InPlace(lines) => lines.orders.println(words),
            Face::Plain { .. } => println!("{words}"),
            Face::Silent => {}
        }
    }

    /// Leaves the last picture standing.
    pub(super) fn close(&self) {
        if let Face::InPlace(lines) = &self.face {
            lines.all().into_iter().for_each(ProgressBar::abandon);
            println!();
        }
    }
}

fn introduce(stage: &Stage) {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    anstream::println!(
        "{bold}reconciled demo{bold:#}: a bank, a shop, its buyers and the daemon, on this host alone\n"
    );
    anstream::println!("  bank     {}   {dim}open it, and pay an order yourself{dim:#}", stage.bank_address());
    anstream::println!("  daemon   {}metrics   {dim}also /healthz and /readyz{dim:#}", stage.daemon_address());
    anstream::println!("  files    {}", stage.directory().display());
    anstream::println!(
        "\n  {dim}Buyers have 8 s to pay, decline or walk away. Half of the orders are two-phase: held,"
    );
    anstream::println!(
        "  and completed by the daemon after 2 s. Ctrl-C ends the demo with both books compared.{dim:#}\n"
    );
}

impl Lines {
    fn new(orders: Option<u32>) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let line = |name: &'static str, template: &str, length: Option<u64>| {
            // Hidden until it has its place, or it would draw itself once where it does not belong.
            let bar = ProgressBar::hidden();
            bar.set_length(length.unwrap_or(0));
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_prefix(name);
            all.add(bar)
        };
        let words = |name| line(name, "  {prefix:<8.bold} {wide_msg}", None);
        Self {
            orders: match orders {
                Some(count) => line("orders", "  {prefix:<8.bold} {bar:40.green} {pos}/{len}", Some(count.into())),
                None => line("orders", "  {prefix:<8.bold} {pos}", None),
            },
            bank: words("bank"),
            book: words("book"),
            noticed: words("noticed"),
            budget: words("budget"),
            latest: words("latest"),
        }
    }

    fn all(&self) -> [&ProgressBar; 6] {
        [&self.orders, &self.bank, &self.book, &self.noticed, &self.budget, &self.latest]
    }

    fn draw(&self, scene: &Scene) {
        self.orders.set_position(scene.ended);
        self.bank.set_message(scene.bank.clone());
        self.book.set_message(scene.book.clone());
        self.noticed.set_message(scene.noticed.clone());
        self.budget.set_message(scene.budget.clone());
        self.latest.set_message(scene.latest.clone());
    }
}

/// The present state of things, in words.
struct Scene {
    /// Orders at an end in our book.
    ended: u64,
    bank: String,
    book: String,
    noticed: String,
    budget: String,
    latest: String,
}

impl Scene {
    async fn look(stage: &Stage, journal: &mut Journal) -> anyhow::Result<Self> {
        let now = crate::clock::Clock::host().now();
        let figures = stage.store().figures(stage.merchant(), now, &[]).await?;
        journal.read_on(stage).await?;
        let bank_book = stage.bank_by_number();
        let ends = State::ALL.into_iter().filter(|state| state.is_end());
        Ok(Self {
            ended: ends.map(|state| figures.orders_in(state).count).sum(),
            bank: bank(&bank_book),
            book: book(&figures),
            noticed: journal.notice(&bank_book).in_words(),
            budget: budget(stage),
            latest: journal.latest_in_words(),
        })
    }
}

/// What the bank knows: the truth the book is to catch up with.
fn bank(book: &HashMap<String, OrderView>) -> String {
    let of = |status: &[u8]| book.values().filter(|order| status.contains(&order.status)).count();
    format!(
        "{} registered: {} open, {} held, {} deposited, {} declined or expired, {} let go",
        book.len(),
        of(&[0, 5]),
        of(&[1]),
        of(&[2]),
        of(&[6]),
        of(&[3, 4]),
    )
}

fn book(figures: &Figures) -> String {
    let of = |state: State| figures.orders_in(state).count;
    let doubt = figures.operations_in(OperationState::InDoubt).count;
    let (red, yellow) = (AnsiColor::Red.on_default(), AnsiColor::Yellow.on_default());
    format!(
        "{} pending, {} held, {} deposited, {} declined, {}, {}",
        of(State::Pending),
        of(State::Held),
        of(State::Deposited),
        of(State::Declined),
        coloured(yellow, doubt, "in doubt"),
        coloured(red, of(State::Review), "in review"),
    )
}

/// Colour where there is something to see.
fn coloured(style: Style, count: u64, what: &str) -> String {
    let plain = format!("{count} {what}");
    let wanted = count > 0 && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted { format!("{style}{plain}{style:#}") } else { plain }
}

fn budget(stage: &Stage) -> String {
    let used = stage.budget_used_per_mille();
    format!("{}.{} % of {} requests/s in the last minute", used / 10, used % 10, stage.requests_per_second())
}
