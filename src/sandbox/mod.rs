//! A small bank, run as a real HTTP server, that stands in for the payment gateway in tests, in the demo and for
//! integrators.
//!
//! It is an independent reading of the bank's documents: it imports nothing from the rest of the crate, so that a
//! misreading in the client cannot hide in its own test double. It moves no money, keeps nothing on disk, and knows no
//! more of the gateway than the part that is used.
//!
//! In reading order:
//!
//! - `registration`, `order` (with `payment` and `order_view`), `book`, `ledger`: what the bank keeps, pure but for the
//!   seed in `mint`; `currency`, `moscow` and `clock` beside them
//! - `contract` and `post`: what is agreed with each store, and the callbacks it gets, sealed by `seal`, carried by
//!   `courier`
//! - `operation`, `call`, `answer`, `verbs`: what it can be asked and what it says, apart from any wire; `register`
//!   (with `cart` and `ofd`), `status` (with `loyalty`), `old_status` and `last_orders` are the long ones, `errors` its
//!   refusals
//! - `faults`, `fault_json`, `probability`: rules for going wrong; `draw` decides whether, `course` how
//! - `bank`: the handle that ties these together under one lock; `admission`: a request's way through it, with
//!   `credentials`
//! - `params` and `rest`: the one wire, `soap` the other; `transport` serves both
//! - `page` (with `page_words`, `return_url`), `index`, `control`: what people open
//! - `buyers`, `crowd`: who the virtual buyers are, and the task that sends them
//! - `settings`, and here the running server; `in_process` is the one of a simulation

mod admission;
mod answer;
mod bank;
mod book;
mod buyers;
mod call;
mod cart;
mod clock;
mod contract;
mod control;
mod courier;
mod course;
mod credentials;
mod crowd;
mod currency;
mod draw;
mod errors;
mod fault_json;
mod faults;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod in_process;
mod index;
mod last_orders;
mod ledger;
mod loyalty;
mod mint;
mod moscow;
mod old_status;
mod ofd;
mod operation;
mod order;
mod order_view;
mod page;
mod page_words;
mod params;
mod payment;
mod post;
mod probability;
mod register;
mod registration;
mod rest;
mod return_url;
mod seal;
mod settings;
mod soap;
mod status;
mod transport;
mod verbs;

#[cfg(test)]
mod wire_tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use bank::Bank;
pub use buyers::{Behaviour, Buyers, BuyersFormat};
pub use contract::{Callback, CallbackMethod, Contract, NEWEST_STATUS_VERSION, TooManyContracts};
pub use currency::Currency;
pub use draw::TooManyRules;
pub use errors::{Language, Refusal};
pub use faults::{AmountPart, FaultKind, FaultName, FaultRule, Garbage, Moment};
pub use in_process::InProcess;
pub use ledger::{AnswerClass, Effect, EffectEntry, Entry, LedgerLine, RequestEntry};
pub use operation::Operation;
pub use order_view::OrderView;
pub use payment::CardSystem;
pub use post::Letter;
pub use probability::{NotAProbability, Probability};
pub use registration::{Lifetime, Payer, Registration};
pub use seal::{RsaHash, Seal, SealFormat};
pub use settings::{Login, LoginFormat, Settings};

use transport::Stopping;

/// A running sandbox. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Sandbox {
    addr: SocketAddr,
    bank: Bank,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    courier: JoinHandle<()>,
    crowd: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Opens the bank; it serves from the moment this returns.
    pub async fn start(settings: Settings) -> io::Result<Sandbox> {
        let listener = TcpListener::bind(settings.listen).await?;
        let addr = listener.local_addr()?;
        let bank = Bank::new(&settings);
        let (stop, stopped) = watch::channel(false);
        let stopping = Stopping(stopped);
        let authority = reachable(addr).to_string();
        let router = index::routes(bank.clone(), authority.clone())
            .merge(rest::routes(bank.clone(), stopping.clone(), authority.clone()))
            .merge(soap::routes(bank.clone(), stopping.clone(), authority))
            .merge(page::routes(bank.clone()))
            .merge(control::routes(bank.clone()));
        let server = tokio::spawn(transport::serve(listener, router, bank.clone(), stopping.clone()));
        let courier = tokio::spawn(courier::run(bank.clone(), stopping.clone()));
        let crowd = settings.buyers.map(|buyers| {
            let run = crowd::run(bank.clone(), buyers, settings.seed, stopping);
            tokio::spawn(run)
        });
        Ok(Sandbox { addr, bank, stop, server, courier, crowd })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base of the REST requests, as a client's configuration wants it.
    pub fn rest_url(&self) -> String {
        format!("http://{}/payment/rest/", reachable(self.addr))
    }

    /// The address of the SOAP service, as a client's configuration wants it; `?wsdl` behind it describes it.
    pub fn soap_url(&self) -> String {
        format!("http://{}{}", reachable(self.addr), soap::merchant_address())
    }

    /// The address of the SOAP service for orders with points.
    pub fn soap_loyalty_url(&self) -> String {
        format!("http://{}{}", reachable(self.addr), soap::loyalty_address())
    }

    /// The bank behind the server.
    pub fn bank(&self) -> &Bank {
        &self.bank
    }

    /// Sends the virtual buyers away: what they have not decided by now stays undecided.
    pub fn send_buyers_home(&self) {
        if let Some(crowd) = &self.crowd {
            crowd.abort();
        }
    }

    /// Stops listening, lets what is in hand finish within a third of a second and cuts what hangs.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let crowd = async {
            match self.crowd {
                Some(crowd) => crowd.await,
                None => Ok(()),
            }
        };
        for ended in <[_; 3]>::from(tokio::join!(self.server, self.courier, crowd)) {
            // Buyers who were sent home have not ended badly.
            if let Err(error) = ended.or_else(|error| if error.is_cancelled() { Ok(()) } else { Err(error) }) {
                tracing::error!(%error, "A task of the sandbox ended badly");
            }
        }
    }
}

/// Where a client on this host reaches a server that listens everywhere.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}
