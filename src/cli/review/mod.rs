//! The commands about reviews: where a person sees what both sides say, and decides.
//!
//! `list` says what to take up first, `show` lays both sides beside one another, `resolve` does what a person says, or
//! only shows what it would do; `spoken` is that word itself, which a release shares. `document` is how all of it looks
//! in JSON.

pub(super) mod document;
mod list;
mod resolve;
mod show;
pub(super) mod spoken;

use std::path::Path;

use clap::Subcommand;

use super::desk::Desk;
use super::failure::Failure;
use super::output::Output;
use crate::domain::operation::Operation;
use crate::domain::order::{Order, State};
use crate::domain::review::Way;
use crate::store::OrderWithOperation;

/// What can be asked about reviews.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List what stands in review, what is most urgent first
    List(list::List),
    /// Show what both sides say of an order, the ways out, and the commands for them
    Show(show::Show),
    /// Take an order out of review, or show what that would do
    Resolve(resolve::Resolve),
}

impl Command {
    /// Does what was asked, with the configuration at `config`.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(config, output).await,
            Self::Show(show) => show.run(config, output).await,
            Self::Resolve(resolve) => resolve.run(config, output).await,
        }
    }
}

fn open(found: &OrderWithOperation) -> Option<&Operation> {
    found.operation.as_ref().filter(|operation| operation.state.is_open())
}

fn must_be_in_review(order: &Order) -> Result<(), Failure> {
    if order.state == State::Review {
        return Ok(());
    }
    Err(Failure::failed(format!("order {} is {}, not in review", order.number, order.state)))
}

/// The command that does `what` to the order, as it is typed into a shell.
fn command(order: &Order, what: &str, desk: &Desk) -> String {
    let merchant =
        if desk.config.merchants.len() > 1 { format!(" --merchant {}", order.merchant) } else { String::new() };
    typed(order.number.as_str(), &merchant, what)
}

fn typed(number: &str, merchant: &str, what: &str) -> String {
    // A number that begins with a dash would be taken for an option.
    let number = if number.starts_with('-') { format!("-- {}", word(number)) } else { word(number) };
    format!("reconciled review resolve {what} --reason \"...\"{merchant} {number}")
}

/// `text` as one word of a shell's.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:+@%,".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn as_way(way: Way) -> String {
    format!("--as {}", way.as_str())
}

#[cfg(test)]
mod tests {
    use super::typed;

    #[test]
    fn a_number_is_one_word_whatever_is_in_it() {
        let table = [
            ("A-1", "A-1"),
            ("Заказ-7", "Заказ-7"),
            ("заказ №1", "'заказ №1'"),
            ("$(rm -rf)", "'$(rm -rf)'"),
            ("it's", r"'it'\''s'"),
            ("--as", "-- --as"),
        ];
        for (number, written) in table {
            let expected = format!("reconciled review resolve --as bank --reason \"...\" {written}");
            assert_eq!(typed(number, "", "--as bank"), expected);
        }
    }
}
