//! `sandbox`: the small bank as a program of its own, until Ctrl-C.
//!
//! Its first line holds the REST address, so that a script can read where it listens when it was given port 0.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use super::failure::Failure;
use super::output::{Output, Table};
use super::signals;
use crate::config;
use crate::sandbox::{Buyers, Callback, Contract, Login, NEWEST_STATUS_VERSION, Sandbox, Seal, Settings};

/// `reconciled sandbox`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Nothing is kept: orders, ledger and faults are gone when it closes.")]
pub(super) struct Open {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8642")]
    listen: SocketAddr,
    /// The only login let in; without it, every login is, each as a store of its own
    #[arg(long, value_name = "USER:PASSWORD")]
    login: Option<Login>,
    /// Virtual buyers who come to pay, such as 5/s, 0.5/s or 30/m
    #[arg(long, value_name = "RATE")]
    buyers: Option<Buyers>,
    /// Fixes order ids, faults and buyers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How long a payment page stays open
    #[arg(long, value_name = "DURATION", default_value = "20m", value_parser = lasting)]
    session_timeout: Duration,
    /// How long a hold lasts before the bank lets it go
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = lasting)]
    hold_lifetime: Duration,
    /// Which set of fields the status answer has, from 1 (the barest) to 46
    #[arg(long, value_name = "N", default_value_t = NEWEST_STATUS_VERSION, value_parser = clap::value_parser!(u8).range(1..=46))]
    status_version: u8,
    /// Where every store is called back, as far as its orders do not say otherwise; http only
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// A file with the key of the callbacks' HMAC-SHA256 checksum; without it they carry none
    #[arg(long, value_name = "FILE")]
    callback_key: Option<PathBuf>,
}

fn lasting(text: &str) -> Result<Duration, String> {
    match config::duration(text) {
        Some(duration) if duration > Duration::ZERO => Ok(duration),
        _ => Err("write it in whole d, h, m, s or ms, the larger first, such as 20m or 1h30m".to_owned()),
    }
}

impl Open {
    /// Opens the sandbox and closes it again when this process is asked to end.
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let mut signals =
            signals::listen().map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
        let listen = self.listen;
        let sandbox = Sandbox::start(self.settings()?).await.map_err(|error| not_open(listen, &error))?;
        welcome(&sandbox, output)?;
        // Whatever is asked: a terminal that hangs up wants it closed too.
        signals.recv().await;
        sandbox.stop().await;
        output.line("\nThe sandbox is closed.")
    }

    fn settings(self) -> Result<Settings, Failure> {
        let seal = self.callback_key.as_deref().map_or(Ok(Seal::None), key)?;
        let callback = Callback { url: self.callback_url, seal, ..Callback::default() };
        Ok(Settings {
            contract: Contract { status_version: self.status_version, callback, ..Contract::default() },
            listen: self.listen,
            login: self.login,
            seed: self.seed,
            buyers: self.buyers,
            session_timeout: self.session_timeout,
            hold_lifetime: self.hold_lifetime,
            ..Settings::default()
        })
    }
}

/// The key as the file has it, without the line's end.
fn key(file: &Path) -> Result<Seal, Failure> {
    let unread = |why: &dyn fmt::Display| Failure::failed(format!("cannot take a key from {}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| unread(&error))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(unread(&"it is empty")),
        key => Ok(Seal::Hmac(key.to_owned())),
    }
}

fn not_open(listen: SocketAddr, error: &io::Error) -> Failure {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "; another program listens there: give another port, or 0 for a free one",
        io::ErrorKind::PermissionDenied => "; ports below 1024 are root's: give another port",
        io::ErrorKind::AddrNotAvailable => "; give an address of this host, such as 127.0.0.1:8642",
        _ => "",
    };
    Failure::failed(format!("cannot listen on {listen}: {error}{remedy}"))
}

fn welcome(sandbox: &Sandbox, output: &Output) -> Result<(), Failure> {
    let rest = sandbox.rest_url();
    let base = rest.strip_suffix("payment/rest/").unwrap_or(&rest);
    output.heading(format!("The sandbox is open at {rest}"))?;
    let mut facts = Table::facts();
    facts.fact("soap", format!("{} (?wsdl describes it)", sandbox.soap_url()));
    facts.fact("soap, points", sandbox.soap_loyalty_url());
    facts.fact("pages", format!("{base} (orders and their payment pages, in a browser)"));
    facts.fact("ledger", format!("{base}sandbox/ledger (what was asked, and what it did)"));
    facts.fact("orders", format!("{base}sandbox/orders"));
    facts.fact("callbacks", format!("{base}sandbox/callbacks (what the stores were told, and whether they listened)"));
    facts.fact("faults", format!("{base}sandbox/faults (POST a rule to make it fail)"));
    output.table(facts)?;
    output.line("No money moves here, and nothing is kept. Ctrl-C closes it.")
}
