//! What is shown while the demo plays: a few lines that stay in place on a terminal, and now and then a line elsewhere.

use std::time::Duration;

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::domain::operation::OperationState;
use crate::domain::order::State;
use crate::store::Figures;

use super::stage::Stage;
use super::verdict::Notice;

/// How often a line is printed where nothing stays in place.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The demo's face.
pub(super) struct Screen {
    shown: bool,
    in_place: Option<Lines>,
    last_line: Instant,
}

struct Lines {
    bank: ProgressBar,
    book: ProgressBar,
    notice: ProgressBar,
    budget: ProgressBar,
}

impl Screen {
    pub(super) fn new(shown: bool, terminal: bool) -> Self {
        let in_place = (shown && terminal).then(Lines::new);
        Self { shown, in_place, last_line: Instant::now() }
    }

    /// Says what is on stage, and where to look.
    pub(super) fn open(&self, stage: &Stage) {
        if !self.shown {
            return;
        }
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        anstream::println!(
            "{bold}reconciled demo{bold:#} — a bank, a shop, its buyers and the daemon, on this host alone\n"
        );
        anstream::println!("  bank     {}   {dim}open it and pay an order yourself{dim:#}", stage.bank_address());
        anstream::println!("  daemon   {}metrics   {dim}also /healthz and /readyz{dim:#}", stage.daemon_address());
        anstream::println!("  files    {}\n", stage.directory().display());
    }

    /// Draws the present state of things.
    pub(super) async fn draw(&mut self, stage: &Stage) {
        if !self.shown {
            return;
        }
        let Ok(scene) = Scene::look(stage).await else { return };
        match &self.in_place {
            Some(lines) => lines.draw(&scene),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                println!("{} | {} | {} | {}", scene.bank, scene.book, scene.notice, scene.budget);
            }
            None => {}
        }
    }

    /// A word in between.
    pub(super) fn note(&self, words: &str) {
        match &self.in_place {
            Some(lines) => lines.bank.println(words),
            None if self.shown => println!("{words}"),
            None => {}
        }
    }

    /// Leaves the last picture standing.
    pub(super) fn close(&self) {
        if let Some(lines) = &self.in_place {
            for bar in [&lines.bank, &lines.book, &lines.notice, &lines.budget] {
                bar.abandon();
            }
        }
    }
}

impl Lines {
    fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let line = |name: &'static str| {
            let style = ProgressStyle::with_template("  {prefix:<9.bold} {msg}");
            let bar = all.add(ProgressBar::no_length());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(name);
            bar
        };
        Self { bank: line("bank"), book: line("book"), notice: line("notice"), budget: line("budget") }
    }

    fn draw(&self, scene: &Scene) {
        self.bank.set_message(scene.bank.clone());
        self.book.set_message(scene.book.clone());
        self.notice.set_message(scene.notice.clone());
        self.budget.set_message(scene.budget.clone());
    }
}

/// The present state of things, in words.
struct Scene {
    bank: String,
    book: String,
    notice: String,
    budget: String,
}

impl Scene {
    async fn look(stage: &Stage) -> anyhow::Result<Self> {
        let now = crate::clock::Clock.now();
        let figures = stage.store().figures(stage.merchant(), now, now).await?;
        let notice = Notice::measure(stage).await?;
        Ok(Self { bank: bank(stage), book: book(&figures), notice: notice.in_words(), budget: budget(stage) })
    }
}

/// What the bank knows: the truth the book is to catch up with.
fn bank(stage: &Stage) -> String {
    let orders = stage.bank().orders();
    let of = |status: &[u8]| orders.iter().filter(|order| status.contains(&order.status)).count();
    format!(
        "{} registered: {} open, {} held, {} deposited, {} declined or expired, {} let go",
        orders.len(),
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
    format!("{}.{} % of {} requests/s, last minute", used / 10, used % 10, stage.requests_per_second())
}
