//! The bank without an address: it lives in virtual time and serves pipes, one connection each.
//!
//! For simulations: the same routes, bytes and broken connections as over the network. A reset is a pipe that is
//! dropped, since a pipe has nothing ruder.

use axum::Router;
use tokio::io::DuplexStream;
use tokio::sync::watch;

use super::bank::Bank;
use super::rest;
use super::settings::Settings;
use super::soap;
use super::transport::{self, Stopping};

/// As much as a socket takes before its reader reads.
const PIPE_BYTES: usize = 64 * 1024;

/// A bank for one simulation. Dropping it ends what is in hand.
#[derive(Debug)]
pub struct InProcess {
    bank: Bank,
    router: Router,
    stop: watch::Sender<bool>,
}

impl InProcess {
    /// Opens the bank in tokio's time, its clock showing `start_ms`. Address and buyers of the settings go unused: who
    /// simulates sends his own.
    pub fn open(settings: &Settings, start_ms: i64) -> InProcess {
        let bank = Bank::virtual_from(settings, start_ms);
        let (stop, stopped) = watch::channel(false);
        let stopping = Stopping(stopped);
        let router = rest::routes(bank.clone(), stopping.clone(), "bank".to_owned());
        let router = router.merge(soap::routes(bank.clone(), stopping, "bank".to_owned()));
        InProcess { bank, router, stop }
    }

    /// A new connection; the bank serves its other end until either side lets go.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let stopping = Stopping(self.stop.subscribe());
        tokio::spawn(transport::converse_over_pipe(theirs, self.router.clone(), self.bank.clone(), stopping));
        ours
    }

    /// Lets `ms` pass for the bank at once, as they pass for everybody while a host is suspended.
    pub fn pass(&self, ms: i64) {
        self.bank.pass(ms);
    }

    /// The bank behind the pipes.
    pub fn bank(&self) -> &Bank {
        &self.bank
    }
}
