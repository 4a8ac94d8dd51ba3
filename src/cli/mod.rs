//! The command line: what is asked for, by whom it is done, and the exit code.
//!
//! The commands work on the database directly, so they work while the daemon is down and beside it while it is up. None
//! of them reaches the bank: they write rows, and the daemon, which alone holds the lock, does the rest.
//!
//! Read in this order: this file, `order` (the family of most commands), `review`, then `money`, `login`, `token`,
//! `webhook`, `status`, `adopt`, `report`, `verify`, `check`, `sandbox`, `simulate`, `man`; `desk` opens what they all
//! need, `output` prints, `failure` says what went wrong.

mod adopt;
mod check;
mod core_dumps;
mod demo;
mod desk;
mod failure;
mod logging;
mod login;
mod man;
mod money;
mod order;
mod output;
mod registration;
mod report;
mod review;
mod run;
mod sandbox;
mod signals;
mod simulate;
mod status;
mod token;
mod verify;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

use output::Output;

/// What this process was called with.
#[derive(Debug, Parser)]
#[command(
    name = "reconciled",
    version,
    about = "Knows, for every order a merchant sent to the bank, what became of the money",
    after_help = "Exit codes: 0 done, 1 failed, 64 called wrongly, 78 configuration wrong.",
    max_term_width = 100
)]
pub struct Args {
    /// The configuration file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "RECONCILED_CONFIG",
        default_value = "/etc/reconciled/reconciled.toml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

/// The commands, in the order in which somebody new meets them.
#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole of it on this host: a bank, a shop, its buyers and the daemon
    Demo(demo::Demo),
    /// Run the daemon, until a signal stops it
    Run,
    /// Say what the configuration means, or all that is wrong with it
    Check(check::Check),
    /// Work with orders: add, register, import, list, show, explain, release, park, reverse, refund, decline
    #[command(subcommand)]
    Order(order::Command),
    /// List registrations that are not settled, and settle those of which the bank tells nothing
    #[command(subcommand)]
    Registration(registration::Command),
    /// Stop and start the sending of money, and show how it stands
    #[command(subcommand)]
    Money(money::Command),
    /// Show logins that a bank refuses, and use them again
    #[command(subcommand)]
    Login(login::Command),
    /// Say who may ask the HTTP face, and for what
    #[command(subcommand)]
    Token(token::Command),
    /// See whom of the shop's is told what happened, test it, and tell it again
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Decide where money contradicts itself: what both sides say, and the ways out
    #[command(subcommand)]
    Review(review::Command),
    /// Say on one screen whether all is well, what needs a person first
    Status(status::Status),
    /// Vouch for a restored, moved or copied database, so that money may move again
    Adopt(adopt::Adopt),
    /// Draw a business day's report
    Report(report::Draw),
    /// Say whether the journal is still what was written, or which event is the first that is not
    Verify(verify::Verify),
    /// Open a small bank on this host, to try everything without money
    Sandbox(sandbox::Open),
    /// Run the daemon through months of bad luck in virtual time, and check every book
    Simulate(simulate::Simulate),
    /// Print a script that completes these commands in a shell
    Completions(man::Completions),
    /// Print the manual page, or write the pages of all commands
    Man(man::Man),
}

impl Args {
    /// Reads the arguments of this process. A mistake in them, and help that was asked for, is told here.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| failure::of_arguments(&error))
    }
}

/// Does what was asked for.
pub async fn run(args: Args) -> ExitCode {
    let Args { config, command } = args;
    let output = Output::new();
    if let Err(error) = signals::outlive_file_limit() {
        return Failure::failed(format!("cannot listen for signals: {error}")).tell();
    }
    let done = match command {
        Command::Run => run::run(&config).await.map_err(Failure::from),
        Command::Demo(demo) => demo::run(demo).await.map_err(Failure::from).and_then(books_agree),
        Command::Check(check) => check.run(&config, &output),
        Command::Order(order) => order.run(&config, &output).await,
        Command::Registration(registration) => registration.run(&config, &output).await,
        Command::Money(money) => money.run(&config, &output).await,
        Command::Login(login) => login.run(&config, &output).await,
        Command::Token(token) => token.run(&config, &output).await,
        Command::Webhook(webhook) => webhook.run(&config, &output).await,
        Command::Review(review) => review.run(&config, &output).await,
        Command::Status(status) => status.run(&config, &output).await,
        Command::Adopt(adopt) => adopt.run(&config, &output).await,
        Command::Report(draw) => draw.run(&config, &output).await,
        Command::Verify(verify) => verify.run(&config, &output).await,
        Command::Sandbox(open) => open.run(&output).await,
        Command::Simulate(simulate) => simulate.run(&output).await,
        Command::Completions(completions) => completions.run(&output),
        Command::Man(man) => man.run(&output),
    };
    match done {
        Ok(()) => ExitCode::from(failure::OK),
        Err(failure) => failure.tell(),
    }
}

/// The demo has shown where they do not.
fn books_agree(agree: bool) -> Result<(), Failure> {
    if agree { Ok(()) } else { Err(Failure::told()) }
}
