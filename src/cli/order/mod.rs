//! The commands about orders: they read and write rows, and what follows from that is the daemon's.
//!
//! `document` is how an order looks in JSON; each other file is a command.

mod acts;
mod add;
pub(super) mod document;
mod import;
mod list;
mod moved;
mod register;
mod show;
mod verbs;
mod why;

use std::path::Path;

use clap::Subcommand;

use super::failure::Failure;
use super::output::Output;
use crate::domain::order::{MerchantId, NameError};

/// What can be asked about orders.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Queue one order
    Add(add::Add),
    /// Have an order registered at the bank and queued, and print its payment page
    Register(register::Register),
    /// Queue the orders of a file
    Import(import::Import),
    /// List orders, oldest first
    List(list::List),
    /// Show all that is known of an order, and what the bank last said
    Show(show::Show),
    /// Tell in plain words how an order came to where it stands, and what comes next
    Why(why::Why),
    /// Let a held order be completed
    Release(acts::Release),
    /// Take an order out of the completion schedule until it is released
    Park(acts::Park),
    /// Let a hold go, whole
    Reverse(verbs::Reverse),
    /// Give back what was taken, all that is left of it or less
    Refund(verbs::Refund),
    /// Close an order that nobody has paid
    Decline(verbs::Decline),
    /// Moved to `reconciled review`
    #[command(hide = true)]
    Review(moved::Review),
}

impl Command {
    /// Does what was asked, with the configuration at `config`.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(config, output).await,
            Self::Register(register) => register.run(config, output).await,
            Self::Import(import) => import.run(config, output).await,
            Self::List(list) => list.run(config, output).await,
            Self::Show(show) => show.run(config, output).await,
            Self::Why(why) => why.run(config, output).await,
            Self::Release(release) => release.run(config, output).await,
            Self::Park(park) => park.run(config, output).await,
            Self::Reverse(reverse) => reverse.run(config, output).await,
            Self::Refund(refund) => refund.run(config, output).await,
            Self::Decline(decline) => decline.run(config, output).await,
            Self::Review(review) => review.run(),
        }
    }
}

/// Which order is meant.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The shop's number of the order
    pub(super) number: String,
    /// Whose order; needed when several merchants have one of that number
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    pub(super) merchant: Option<MerchantId>,
}

pub(super) fn merchant_id(text: &str) -> Result<MerchantId, NameError> {
    MerchantId::new(text)
}
