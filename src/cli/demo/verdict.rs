//! The end of the demo: the daemon's book against the bank's ledger, line by line.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::domain::operation::OperationState;
use crate::domain::order::State;
use crate::sandbox::{Effect, Entry, OrderView};
use crate::store::{ListFilter, OrderWithOperation};

use super::notice::{Journal, Notice};
use super::stage::Stage;

/// Differences printed at most; the first ones tell.
const SHOWN_MAX: usize = 20;

/// What the comparison came to.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    /// Orders in the daemon's book.
    orders: usize,
    /// Of these, at an end.
    ended: usize,
    /// With a completion whose outcome is not known.
    in_doubt: usize,
    /// In review.
    in_review: usize,
    /// Every settled line the same in both books, and every order in both.
    pub(super) books_equal: bool,
    /// Orders whose completion took effect more than once at the bank.
    completed_twice: usize,
    /// From the bank's outcome to our book's.
    notice_seconds: Notice,
    /// Our book by state.
    states: BTreeMap<&'static str, usize>,
    /// Requests the bank received.
    requests: usize,
    /// Completions the bank was asked for, and those that took effect.
    completions: Completions,
    /// What is not settled, and why.
    unsettled: Vec<Unsettled>,
    /// Lines that differ.
    differences: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Completions {
    asked: usize,
    done: usize,
}

#[derive(Debug, Serialize)]
struct Unsettled {
    order_number: String,
    state: &'static str,
    reason: String,
}

/// Whether nothing is expected to change any more: whatever is open waits for a person, and what the bank last showed
/// of it is what the bank has.
pub(super) async fn is_settled(stage: &Stage) -> bool {
    let Ok(book) = book(stage).await else { return false };
    let bank = stage.bank_by_number();
    // An order of the bank's that is not in the book yet is still on its way from the shop.
    book.len() >= bank.len() && book.iter().all(|line| has_come_to_rest(line, bank.get(line.order.number.as_str())))
}

fn has_come_to_rest(line: &OrderWithOperation, bank: Option<&OrderView>) -> bool {
    let doubt = line.operation.as_ref().is_some_and(|operation| operation.state.is_open());
    match line.order.state {
        State::Deposited | State::Reversed | State::Refunded | State::Declined => !doubt,
        // Buyers have come and gone, and the bank has made up its mind.
        State::Review => bank.is_none_or(|bank| !matches!(bank.status, 0 | 5)),
        State::Pending | State::Held => false,
    }
}

impl Verdict {
    pub(super) async fn reach(stage: &Stage) -> anyhow::Result<Self> {
        let (book, bank) = (book(stage).await?, stage.bank_by_number());
        let mut journal = Journal::default();
        journal.read_on(stage).await?;
        let (requests, completions, completed_twice) = from_ledger(stage);
        let differences = differences(&book, &bank);
        let mut states = BTreeMap::new();
        for line in &book {
            *states.entry(line.order.state.as_str()).or_insert(0) += 1;
        }
        Ok(Self {
            orders: book.len(),
            ended: book.iter().filter(|line| line.order.state.is_end()).count(),
            in_doubt: book.iter().filter(|line| in_doubt(line)).count(),
            in_review: book.iter().filter(|line| line.order.state == State::Review).count(),
            books_equal: differences.is_empty(),
            completed_twice,
            notice_seconds: journal.notice(&bank),
            states,
            requests,
            completions,
            unsettled: book.iter().filter_map(unsettled).collect(),
            differences,
        })
    }
}

async fn book(stage: &Stage) -> anyhow::Result<Vec<OrderWithOperation>> {
    let mut all: Vec<OrderWithOperation> = Vec::new();
    loop {
        let after = all.last().map(|line| line.order.key);
        let page = stage.store().list_orders(ListFilter { after, limit: 1_000, ..ListFilter::default() }).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn in_doubt(line: &OrderWithOperation) -> bool {
    line.operation.as_ref().is_some_and(|operation| operation.state == OperationState::InDoubt)
}

fn unsettled(line: &OrderWithOperation) -> Option<Unsettled> {
    let reason = match (&line.order.review, &line.operation) {
        (Some(review), _) => review.sentence.clone(),
        (None, Some(operation)) if in_doubt(line) => operation.note.clone().unwrap_or_default(),
        _ => return None,
    };
    Some(Unsettled { order_number: line.order.number.to_string(), state: line.order.state.as_str(), reason })
}

/// Every line that differs. What stands in review or in doubt says so itself and is not compared.
fn differences(book: &[OrderWithOperation], bank: &HashMap<String, OrderView>) -> Vec<String> {
    let known: HashMap<&str, &OrderWithOperation> =
        book.iter().map(|line| (line.order.number.as_str(), line)).collect();
    let missing_here = bank.keys().filter(|number| !known.contains_key(number.as_str()));
    let mut all: Vec<String> =
        missing_here.map(|number| format!("{number}: the bank has it, our book does not")).collect();
    let compared = book.iter().filter(|line| unsettled(line).is_none());
    all.extend(compared.filter_map(|line| difference(line, bank.get(line.order.number.as_str()))));
    all.sort();
    all
}

fn difference(line: &OrderWithOperation, bank: Option<&OrderView>) -> Option<String> {
    let (order, number) = (&line.order, &line.order.number);
    let Some(bank) = bank else {
        return Some(format!("{number}: our book has it, the bank does not"));
    };
    let amounts = order.view.as_ref().and_then(|seen| seen.view.amounts);
    let ours = (order.state, order.amount.minor(), amounts.map_or(0, |amounts| amounts.deposited));
    let theirs = (state_of(bank.status), bank.amount_minor, bank.deposited_minor);
    (ours != theirs).then(|| format!("{number}: ours {ours:?}, the bank's {theirs:?} (state, amount, deposited)"))
}

const fn state_of(status: u8) -> State {
    match status {
        1 => State::Held,
        2 => State::Deposited,
        3 => State::Reversed,
        4 => State::Refunded,
        6 => State::Declined,
        _ => State::Pending,
    }
}

/// Requests in all, completions asked and done, and orders completed more than once.
fn from_ledger(stage: &Stage) -> (usize, Completions, usize) {
    let (mut requests, mut asked) = (0, 0);
    let mut done: HashMap<String, usize> = HashMap::new();
    for line in stage.bank().ledger() {
        match line.entry {
            Entry::Request(request) => {
                requests += 1;
                asked += usize::from(request.operation == crate::sandbox::Operation::Completion);
            }
            Entry::Effect(effect) if effect.effect == Effect::Completed => {
                *done.entry(effect.order_number).or_default() += 1;
            }
            Entry::Effect(_) => {}
        }
    }
    let twice = done.values().filter(|times| **times > 1).count();
    (requests, Completions { asked, done: done.values().sum() }, twice)
}

/// Prints the verdict.
pub(super) fn show(verdict: &Verdict, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(verdict)?);
        return Ok(());
    }
    let (green, red) = (anstyle::AnsiColor::Green.on_default().bold(), anstyle::AnsiColor::Red.on_default().bold());
    let states: Vec<String> = verdict.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    anstream::println!("\n  {} orders: {}", verdict.orders, states.join(", "));
    anstream::println!("  noticed   {}", verdict.notice_seconds.in_words());
    anstream::println!(
        "  completed {} of {} asked for; {} completed twice",
        verdict.completions.done,
        verdict.completions.asked,
        verdict.completed_twice
    );
    anstream::println!("  requests  {} at the bank", verdict.requests);
    for line in verdict.unsettled.iter().take(SHOWN_MAX) {
        anstream::println!("  {} stands in {}: {}", line.order_number, line.state, line.reason);
    }
    more(verdict.unsettled.len());
    for line in verdict.differences.iter().take(SHOWN_MAX) {
        anstream::println!("  {red}differs{red:#}   {line}");
    }
    more(verdict.differences.len());
    if verdict.books_equal {
        let waiting = match verdict.unsettled.len() {
            0 => String::new(),
            count => format!("; {count} more stand where they stand until a person has decided"),
        };
        anstream::println!("\n  {green}The daemon's book and the bank's ledger agree, line by line{waiting}.{green:#}");
    } else {
        anstream::println!("\n  {red}The books differ in {} lines.{red:#}", verdict.differences.len());
    }
    Ok(())
}

fn more(count: usize) {
    if let Some(rest) = count.checked_sub(SHOWN_MAX).filter(|rest| *rest > 0) {
        anstream::println!("  ... and {rest} more; --json has them all");
    }
}
