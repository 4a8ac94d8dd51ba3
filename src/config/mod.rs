//! What an administrator decides: a TOML file, read into values nobody needs to check again.
//!
//! The file is read whole and every mistake in it is told at once ([`ConfigError`]), each with its key, its value and
//! what to write instead. Secrets stand in it only by reference and are resolved here; no error and no `Debug` shows
//! one. What this module does not do: watch the file, apply a change, open the database, or create a directory — `run`
//! creates the missing parents of `database` and `reports`.
//!
//! Read in this order: this file (what comes out), `check`, `merchant` and `policies` (what is asked of every key, and
//! why), `values` (how a text becomes a value), `secrets`, `integrity`, `retention`, `webhooks`, `raw` (the file as
//! written), `error`, [`changes()`].

mod callbacks;
mod changes;
mod check;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod integrity;
mod merchant;
mod policies;
mod raw;
mod retention;
mod secrets;
pub(crate) mod values;
mod webhooks;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

pub use self::callbacks::CallbackConfig;
pub use self::changes::{Change, Effect, changes};
pub use self::error::{ConfigError, Problem};
pub use self::integrity::{IntegrityConfig, SealKeys};
pub use self::retention::RetentionConfig;
pub use self::secrets::Reading;
pub use self::values::{as_written, duration};
pub use self::webhooks::{AddressConfig, Target, WebhookConfig, key_bytes};

use crate::domain::calendar::{CronPattern, Zone};
use crate::domain::guard::GuardPolicy;
use crate::domain::holds::{CompletionSchedule, HoldPolicy};
use crate::domain::journey::Policy;
use crate::domain::money::Currency;
use crate::domain::operation::SettlePolicy;
use crate::domain::order::MerchantId;
use crate::domain::polling::LookPolicy;

/// Everything an administrator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from, absolute.
    pub path: PathBuf,
    /// The database file, absolute. Its directory need not exist yet.
    pub database: PathBuf,
    /// The directory of the nightly reports, absolute. It need not exist yet.
    pub reports: PathBuf,
    /// The directory that files of orders are taken from, absolute.
    pub spool: Option<PathBuf>,
    /// Where the HTTP face listens; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// The bearer token of the HTTP face; without one, nothing that needs it is served.
    pub api_token: Option<SecretString>,
    /// Whether the metrics want a token with the scope `metrics`.
    pub metrics_want_token: bool,
    /// How long a stop waits for what is in hand: 1 s to 10 min.
    pub shutdown_grace: Duration,
    /// How far a bank's clock may differ from the host's before no money is sent: 5 s to 1 h.
    pub clock_tolerance: Duration,
    /// What guards the database's rows and its sends.
    pub integrity: IntegrityConfig,
    /// How long what is not needed for money stays in the database.
    pub retention: RetentionConfig,
    /// Budgets that several merchants share, in the order of the file: at most 100, their names unique.
    pub budgets: Vec<SharedBudgetConfig>,
    /// The merchants in the order of the file: 1 to 100, their names unique.
    pub merchants: Vec<MerchantConfig>,
}

/// One gateway account: its credentials, budget, zone and policies.
#[derive(Clone, Debug)]
pub struct MerchantConfig {
    /// Its name, unique in the file.
    pub id: MerchantId,
    /// Where its bank is and how we are known there.
    pub gateway: GatewayConfig,
    /// The currency of an order that does not say.
    pub currency: Currency,
    /// The zone of its business days and cron patterns.
    pub zone: Zone,
    /// The longest order number in characters: 32 to 36.
    pub order_number_max: usize,
    /// How many requests its bank is asked to bear.
    pub budget: Budget,
    /// The budget that it shares with others.
    pub shared_budget: Option<SharedBudgetConfig>,
    /// When orders are looked at.
    pub looks: LookPolicy,
    /// When and how held orders are completed.
    pub completion: CompletionConfig,
    /// What holds a send back.
    pub money: GuardPolicy,
    /// How long its bank keeps a hold.
    pub holds: HoldPolicy,
    /// The nightly report.
    pub report: ReportConfig,
    /// How reviews are resolved.
    pub review: ReviewConfig,
    /// How orders are registered.
    pub registration: RegistrationConfig,
    /// How often the bank's own list is asked for orders that the queue does not have: 5 min to 1 d; never without it.
    pub discovery_every: Option<Duration>,
    /// What the bank's callbacks are checked with; without it there is no address for them.
    pub callbacks: Option<CallbackConfig>,
    /// Whom of the shop's the journal is told: at most 100, their names unique.
    pub webhooks: Vec<WebhookConfig>,
}

/// How a merchant's orders are registered at its bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationConfig {
    /// How long a request waits for the bank's word before it is answered without: 100 ms to 20 s.
    pub wait: Duration,
    /// How long the document of a settled registration is kept: 1 min to 400 days.
    pub keep: Duration,
}

/// How a merchant's reviews are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewConfig {
    /// Whether a way out after which money may move, and an operator's release, takes two people.
    pub four_eyes: bool,
}

/// Where a merchant's bank is and how we are known there.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The whole prefix of its requests, ending in `/`, or the address of its SOAP service: https, or http to a
    /// loopback host. It has no credentials, query or fragment.
    pub url: String,
    /// Which wire it speaks there.
    pub protocol: Protocol,
    /// What takes a hold there.
    pub completion_method: CompletionMethod,
    /// How we are known there.
    pub credentials: Credentials,
    /// Certificates trusted beside the public roots, as PEM.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// The certificate that the bank knows us by, where it asks for one.
    pub client: Option<ClientCertificate>,
    /// The proxy that requests go through: `http` or `https`, without path. None is taken from the environment.
    pub proxy: Option<String>,
    /// The language of the bank's messages: two lower-case letters.
    pub language: String,
    /// The longest wait for a connection: 100 ms to 2 min, never above [`Self::request_timeout`].
    pub connect_timeout: Duration,
    /// The longest wait for a whole answer: 100 ms to 2 min.
    pub request_timeout: Duration,
}

impl GatewayConfig {
    /// Every address that credentials are sent to.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let loyalty_url = match &self.protocol {
            Protocol::Rest => None,
            Protocol::Soap { loyalty_url } => loyalty_url.as_deref(),
        };
        std::iter::once(self.url.as_str()).chain(loyalty_url)
    }
}

/// Which of the gateway's two wires a merchant's bank is spoken to over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Forms out, JSON back.
    Rest,
    /// Envelopes both ways, SOAP 1.1. The login is a user name and a password, never a token.
    Soap {
        /// The loyalty service's address, as [`GatewayConfig::url`]: composite completions are there and nowhere else,
        /// so it is known wherever they are the merchant's method.
        loyalty_url: Option<String>,
    },
}

impl Protocol {
    /// The word for it in the file.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Soap { .. } => "soap",
        }
    }
}

/// Which request takes a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionMethod {
    /// The composite completion, in money and points (autoCompletion).
    AutoCompletion,
    /// In money alone, for banks that do not know the other (deposit).
    Deposit,
}

impl CompletionMethod {
    /// The word for it in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AutoCompletion => "auto_completion",
            Self::Deposit => "deposit",
        }
    }

    /// The method of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::AutoCompletion, Self::Deposit].into_iter().find(|method| method.as_str() == word)
    }
}

/// What a bank knows a client by in TLS. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, and those that lead from it to its root, as PEM.
    pub chain_pem: Vec<u8>,
    /// Its private key, as PEM.
    pub key_pem: SecretString,
}

/// How a merchant is known at its bank. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The service login of the documents.
    Login {
        /// `userName`.
        user_name: String,
        /// `password`.
        password: SecretString,
    },
    /// `token`, which some banks give instead.
    Token(SecretString),
}

/// How many requests a merchant's bank is asked to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// One request per this long: 1 ms to 1 h, rounded up so that the written rate is never exceeded.
    pub period: Duration,
    /// How many unused requests may be saved up: 1 to 1000.
    pub burst: NonZeroU32,
    /// How many requests may wait for an answer at once: 1 to 64.
    pub in_flight: NonZeroUsize,
    /// How much of what can be saved up is kept for money and deadlines, in per cent: 0 to 90.
    pub reserve: u32,
    /// How many requests may be sent in any 24 hours: 100 to a hundred million.
    pub daily: Option<NonZeroU32>,
}

/// A budget that several merchants of one gateway host share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedBudgetConfig {
    /// Its name, unique among them: made as a merchant's.
    pub name: String,
    /// As [`Budget::period`], for all of them together.
    pub period: Duration,
    /// As [`Budget::burst`].
    pub burst: NonZeroU32,
}

impl Budget {
    /// What is kept for money and deadlines unless somebody says otherwise, in per cent: one of the usual four places
    /// in flight, and of a day's requests what a shop's completions take, two each, where most orders take several
    /// looks.
    pub const RESERVE: u32 = 20;

    /// What may be saved up of a request every `period` unless somebody says otherwise: one, and one more for every
    /// fifty a second. Whatever was saved up, no second then has more than two per cent above the rate.
    pub fn usual_burst(period: Duration) -> NonZeroU32 {
        let more = Duration::from_millis(20).as_nanos() / period.as_nanos().max(1);
        u32::try_from(more).map_or(NonZeroU32::MIN, |more| NonZeroU32::MIN.saturating_add(more))
    }
}

/// When and how held orders are completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionConfig {
    /// When.
    pub schedule: CompletionSchedule,
    /// How a sent completion is settled.
    pub settle: SettlePolicy,
    /// How many completions of the merchant may be at work at once: 1 to 64.
    pub in_flight: NonZeroUsize,
}

/// The nightly report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportConfig {
    /// When it is drawn, in the merchant's zone.
    pub at: CronPattern,
    /// When a business day ends, by the clock on the wall.
    pub cut_off: jiff::civil::Time,
    /// How long after its payment time ran out an order without outcome counts as stuck: 1 s to 30 d.
    pub stuck_after: Duration,
}

impl Config {
    /// Reads the file at `path`, with the environment of this process.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(path, &|name| std::env::var_os(name))
    }

    /// Reads the file at `path`; `env` looks up an environment variable. Tests hand in their own.
    pub fn load_with(path: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        Self::read(path, env, Reading::Everything)
    }

    /// Reads the file at `path` for somebody who may not see all of its secrets; those are left out as `reading` says,
    /// so nothing that comes of it can speak to a bank.
    pub fn load_partly(path: &Path, reading: Reading) -> Result<Self, ConfigError> {
        Self::read(path, &|name| std::env::var_os(name), reading)
    }

    fn read(path: &Path, env: &dyn Fn(&str) -> Option<OsString>, reading: Reading) -> Result<Self, ConfigError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        check::config(&path, env, reading)
    }

    /// Reads `text` as if it stood in the file at `path`.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of_text(path: &Path, text: &str) -> Result<Self, ConfigError> {
        check::config_of(path, text, &|_| None, Reading::Everything)
    }

    /// The merchant named `id`.
    pub fn merchant(&self, id: &MerchantId) -> Option<&MerchantConfig> {
        self.merchants.iter().find(|merchant| merchant.id == *id)
    }
}

impl MerchantConfig {
    /// The policies on which decisions about its orders depend.
    pub fn policy(&self) -> Policy {
        Policy {
            looks: self.looks.clone(),
            holds: self.holds.clone(),
            schedule: self.completion.schedule.clone(),
            settle: self.completion.settle.clone(),
            guard: self.money.clone(),
            zone: self.zone.clone(),
        }
    }
}
