//! What the demo is played on: the bank, the daemon, and their files.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use crate::config::Config;
use crate::daemon::Daemon;
use crate::domain::order::MerchantId;
use crate::sandbox::{Bank, Buyers, Login, OrderView, Sandbox, Settings};
use crate::store::Store;

use super::Demo;

pub(super) const MERCHANT: &str = "demo";
pub(super) const USER_NAME: &str = "demo-api";
pub(super) const PASSWORD: &str = "not-a-secret";
pub(super) const TOKEN: &str = "not-a-secret-either";

/// How long a buyer has to pay: the bank's twenty minutes, squeezed.
const PAYMENT_TIME: Duration = Duration::from_secs(8);

/// How long the bank keeps a hold: its five days, squeezed. Longer than a storm delays a completion.
const HOLD_LIFETIME: Duration = Duration::from_secs(120);

/// Bank and daemon at work.
pub(super) struct Stage {
    bank: Sandbox,
    daemon: Daemon,
    config: Config,
    merchant: MerchantId,
    files: Files,
}

/// A directory that goes away with the demo, or one to keep.
enum Files {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Files {
    fn new(keep: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = keep else {
            return Ok(Self::Temporary(tempfile::tempdir().context("cannot make a temporary directory")?));
        };
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the directory {}", path.display()))?;
        anyhow::ensure!(
            std::fs::read_dir(path)?.next().is_none(),
            "the directory {} is not empty; name a new one",
            path.display()
        );
        Ok(Self::Kept(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Kept(path) => path,
        }
    }
}

impl Stage {
    pub(super) async fn set(demo: &Demo) -> anyhow::Result<Self> {
        let files = Files::new(demo.keep.as_deref())?;
        super::super::logging::start_to_file(&files.path().join("daemon.log"))?;
        let bank = Sandbox::start(bank_settings(demo)?).await.context("cannot start the sandbox bank")?;
        let path = files.path().join("reconciled.toml");
        std::fs::write(&path, configuration(&bank.rest_url())).context("cannot write the demo's configuration")?;
        let config = Config::load(&path)?;
        let daemon = Daemon::start(config.clone()).await?;
        Ok(Self { bank, daemon, config, merchant: MerchantId::new(MERCHANT)?, files })
    }

    pub(super) fn bank(&self) -> &Bank {
        self.bank.bank()
    }

    /// The bank's book.
    pub(super) fn bank_by_number(&self) -> HashMap<String, OrderView> {
        self.bank().orders().into_iter().map(|order| (order.order_number.clone(), order)).collect()
    }

    pub(super) fn bank_address(&self) -> String {
        format!("http://{}/", self.bank.addr())
    }

    pub(super) fn bank_socket(&self) -> SocketAddr {
        self.bank.addr()
    }

    pub(super) const fn daemon_socket(&self) -> SocketAddr {
        self.daemon.address()
    }

    pub(super) fn rest_url(&self) -> String {
        self.bank.rest_url()
    }

    pub(super) fn daemon_address(&self) -> String {
        format!("http://{}/", self.daemon.address())
    }

    pub(super) fn store(&self) -> &Store {
        self.daemon.store()
    }

    pub(super) const fn merchant(&self) -> &MerchantId {
        &self.merchant
    }

    pub(super) fn directory(&self) -> &Path {
        self.files.path()
    }

    pub(super) fn is_kept(&self) -> bool {
        matches!(self.files, Files::Kept(_))
    }

    /// Requests a second that the daemon may send.
    pub(super) fn requests_per_second(&self) -> u128 {
        let period = self.config.merchants.first().map_or(Duration::from_secs(1), |merchant| merchant.budget.period);
        Duration::from_secs(1).as_nanos() / period.as_nanos().max(1)
    }

    /// Share of the budget used in the last minute, per mille.
    pub(super) fn budget_used_per_mille(&self) -> u64 {
        self.daemon.metrics().budgets_used().first().map_or(0, |(_, used)| *used)
    }

    /// Nobody pays any more.
    pub(super) fn send_buyers_home(&self) {
        self.bank.send_buyers_home();
    }

    pub(super) async fn strike(self) {
        let _ = self.daemon.stop().await;
        self.bank.stop().await;
    }
}

fn bank_settings(demo: &Demo) -> anyhow::Result<Settings> {
    let login = Login { user_name: USER_NAME.to_owned(), password: PASSWORD.to_owned() };
    // As many buyers as orders, and a few more, so that none waits for long.
    let buyers = Buyers::from_str(&format!("{}/s", demo.rate.saturating_mul(2)))?;
    Ok(Settings {
        login: Some(login),
        seed: demo.seed,
        buyers: Some(buyers),
        session_timeout: PAYMENT_TIME,
        hold_lifetime: HOLD_LIFETIME,
        faults: demo.faults.rules(),
        ..Settings::default()
    })
}

/// The daemon's configuration, as a merchant would write it but for the haste.
fn configuration(gateway: &str) -> String {
    format!(
        r#"# The demo's configuration: a merchant's own has hours where this has seconds.
database = "reconciled.db"
reports = "reports"
listen = "127.0.0.1:0"
api_token = {{ public = "{TOKEN}" }}

[[merchant]]
name = "{MERCHANT}"
gateway = "{gateway}"
user_name = "{USER_NAME}"
password = {{ public = "{PASSWORD}" }}
connect_timeout = "500ms"
request_timeout = "900ms"

[merchant.budget]
requests = "100/s"
burst = 10
in_flight = 32

[merchant.looks]
pending = [{{ until_age = "5s", every = "700ms" }}, {{ until_age = "1m", every = "1s" }}]
pending_old = "2s"
held = "2s"
review = "1s"
late = ["1h"]
payment_time = "10s"
backoff = "200ms"
backoff_max = "800ms"

[merchant.completion]
when = "after"
delay = "2s"
quiet = "4s"
ask_every = "200ms"
ask_every_max = "800ms"
in_flight = 16

# A storm's bank answers about other orders and with other sums on purpose: with the brake on, or as few in doubt as a
# merchant should begin with, the demo would show one stop and nothing after it.
[merchant.money]
in_doubt = 1000
daily_sum = "9999999999.99"
brake = false

[merchant.hold]
lifetime = "110s"
warn_at = ["30s"]
"#
    )
}
