//! A merchant with a bank: the sandbox across a real socket, the daemon on a real database in a temporary directory.
//!
//! Waiting is for a signal, the store's bell, never for a while; the limit only ends a test that would hang.

use std::time::Duration;

use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::event::{Cause, Event, EventKind};
use reconciled::domain::money::{Amount, Currency};
use reconciled::domain::operation::CompletionAmount;
use reconciled::domain::order::{MerchantId, NewOrder, Order, OrderNumber, State};
use reconciled::sandbox::{Registration, Sandbox, Settings};
use reconciled::store::{Added, OrderWithOperation, Store};
use tempfile::TempDir;

/// Ends a test that would hang; no test waits this long when the code is right.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The login of every merchant here, and the token of the HTTP face.
pub(crate) const LOGIN: &str = "shop-api";
pub(crate) const TOKEN: &str = "a-token-of-the-tests";

/// A bank and a place for a merchant's files.
pub(crate) struct World {
    pub(crate) bank: Sandbox,
    pub(crate) directory: TempDir,
    merchant_tables: String,
    timeout: &'static str,
}

impl World {
    /// A bank with `settings`, and a merchant whose tables are `merchant_tables`, TOML below `[[merchant]]`.
    pub(crate) async fn new(settings: Settings, merchant_tables: &str) -> Self {
        let bank = Sandbox::start(settings).await.unwrap();
        Self {
            bank,
            directory: tempfile::tempdir().unwrap(),
            merchant_tables: merchant_tables.to_owned(),
            timeout: "500ms",
        }
    }

    /// Waits for the bank's answers for `timeout`: on a busy machine an answer that comes may take longer than usual.
    /// `quiet` must be no shorter.
    pub(crate) fn patient(self, timeout: &'static str) -> Self {
        Self { timeout, ..self }
    }

    /// The configuration file's text.
    pub(crate) fn toml(&self) -> String {
        toml(&self.bank.rest_url(), self.timeout, &self.merchant_tables)
    }

    /// The configuration as read from its file.
    pub(crate) fn config(&self) -> Config {
        self.config_behind(&self.bank.rest_url())
    }

    /// As [`Self::config`], with the bank behind something else at `gateway`.
    pub(crate) fn config_behind(&self, gateway: &str) -> Config {
        std::fs::write(self.path(), toml(gateway, self.timeout, &self.merchant_tables)).unwrap();
        Config::load(&self.path()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The configuration file.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("reconciled.toml")
    }

    pub(crate) async fn daemon(&self) -> Daemon {
        Daemon::start(self.config()).await.unwrap()
    }

    /// Registers an order at the bank and returns its gateway id.
    pub(crate) fn register(&self, number: &str, amount: i64) -> String {
        self.bank.bank().register(Registration::new(LOGIN, number, amount)).unwrap().order_id
    }

    /// Registers a two-phase order at the bank and returns its gateway id.
    pub(crate) fn register_two_phase(&self, number: &str, amount: i64) -> String {
        self.bank.bank().register(Registration::new(LOGIN, number, amount).two_phase()).unwrap().order_id
    }

    /// Returns once the bank was asked to complete an order.
    pub(crate) async fn asked_to_complete(&self, number: &str) {
        until(|| self.completions(number).0 > 0).await;
    }

    /// The order of each status request, in the order in which they came.
    pub(crate) fn asked_about(&self) -> Vec<String> {
        use reconciled::sandbox::{Entry, Operation};
        let of_status = |line: reconciled::sandbox::LedgerLine| match line.entry {
            Entry::Request(request) if request.operation == Operation::Status => request.order_number,
            Entry::Request(_) | Entry::Effect(_) => None,
        };
        self.bank.bank().ledger().into_iter().filter_map(of_status).collect()
    }

    /// How often a completion was asked of the bank, and how often one took effect.
    pub(crate) fn completions(&self, number: &str) -> (usize, usize) {
        use reconciled::sandbox::{Effect, Entry, Operation};
        let ledger = self.bank.bank().ledger();
        let of_order = |found: &Option<String>| found.as_deref() == Some(number);
        let asked = ledger.iter().filter(|line| {
            matches!(&line.entry, Entry::Request(request)
                if request.operation == Operation::Completion && of_order(&request.order_number))
        });
        let done = ledger.iter().filter(|line| {
            matches!(&line.entry, Entry::Effect(effect) if effect.effect == Effect::Completed && effect.order_number == number)
        });
        (asked.count(), done.count())
    }
}

fn toml(gateway: &str, timeout: &str, merchant_tables: &str) -> String {
    format!(
        r#"database = "data/reconciled.db"
reports = "reports"
listen = "127.0.0.1:0"
api_token = {{ public = "{TOKEN}" }}
shutdown_grace = "10s"

[[merchant]]
name = "shop"
gateway = "{gateway}"
user_name = "{LOGIN}"
password = {{ public = "any" }}
zone = "Europe/Moscow"
connect_timeout = "{timeout}"
request_timeout = "{timeout}"
{merchant_tables}"#
    )
}

/// Policies with everything due at once: looks every tenth of a second, completions as soon as an order is held, and a
/// bank taken to be quiet after a second.
pub(crate) const HASTE: &str = r#"
[merchant.budget]
requests = "200/s"
burst = 20
in_flight = 8
[merchant.looks]
pending = [{ until_age = "1h", every = "100ms" }]
pending_old = "1s"
held = "200ms"
review = "200ms"
backoff = "100ms"
backoff_max = "200ms"
[merchant.money]
in_doubt = 50
[merchant.completion]
when = "after"
delay = "100ms"
quiet = "1s"
ask_every = "100ms"
ask_every_max = "200ms"
"#;

pub(crate) fn shop() -> MerchantId {
    MerchantId::new("shop").unwrap()
}

/// An order of the shop, in roubles.
pub(crate) fn order(number: &str, amount: i64) -> NewOrder {
    NewOrder {
        merchant: shop(),
        number: OrderNumber::new(number, 32).unwrap(),
        order_id: None,
        amount: Amount::new(amount).unwrap(),
        currency: Currency::RUB,
        expires_at: None,
        completion: CompletionAmount::Whole,
        autocompletion_at: None,
        kind: None,
    }
}

/// Queues orders through `store`.
pub(crate) async fn add(store: &Store, orders: Vec<NewOrder>) {
    let count = orders.len();
    let added = store.add_orders(orders, Cause::Shop, reconciled::clock::Clock::host().now()).await.unwrap();
    assert_eq!(added, vec![Added::New; count]);
}

/// Ends a test that waits for what does not come.
pub(crate) async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, waiting).await.unwrap()
}

/// Returns once something holds that has no bell, such as the bank's ledger: it is read again and again.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until `seen` is true of an order.
pub(crate) async fn wait_for(store: &Store, number: &str, seen: impl Fn(&OrderWithOperation) -> bool) -> Order {
    let mut bell = store.bell();
    let waiting = async {
        loop {
            let found = store.order(&shop(), number).await.unwrap();
            if seen(&found) {
                return found.order;
            }
            // Looks that find nothing new do not ring, so the store is read again now and then.
            let _ = tokio::time::timeout(Duration::from_millis(50), bell.changed()).await;
        }
    };
    let Ok(order) = tokio::time::timeout(LIMIT, waiting).await else {
        panic!("order {number} stands at {:#?}", store.order(&shop(), number).await);
    };
    order
}

pub(crate) async fn wait_for_state(store: &Store, number: &str, state: State) -> Order {
    wait_for(store, number, |found| found.order.state == state).await
}

/// The kinds of everything that happened to an order, oldest first.
pub(crate) async fn kinds(store: &Store, order: &Order) -> Vec<EventKind> {
    let events: Vec<Event> = store.events_of(order.key).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}
