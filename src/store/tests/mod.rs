//! The store on a real file in a temporary directory, with raw SQL beside it where the types would not go.

mod adding;
mod amending;
mod answers;
mod books;
mod chain;
mod claims;
mod due;
mod file;
mod looks;
mod money;
mod pace;
mod reviews;
mod room;
mod schema;
mod seals;
mod standing;
mod sweep;
mod upgrade;
mod waiting;
mod witnessed;

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::domain::event::Cause;
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::{CompletionAmount, NewOperation, Operation, OperationKind};
use crate::domain::order::{Hold, MerchantId, NewOrder, Order, OrderId, OrderNumber, State};
use crate::domain::time::Timestamp;

use super::home::Home;
use super::seal::Ring;
use super::{Added, Amendment, Lock, OperationChange, Store, keys, migrate};

/// 2026-11-20T09:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

const MINUTE: Duration = Duration::from_secs(60);

/// A database that goes with its directory.
struct File {
    directory: TempDir,
}

impl File {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("reconciled.db")
    }

    /// A database at rest. A store that is dropped closes its file when its thread has ended, which nobody can wait
    /// for.
    fn at_rest() -> Self {
        let file = Self::new();
        let mut raw = file.raw();
        raw.pragma_update(None, "journal_mode", "WAL").unwrap();
        let ring = Ring::Keys { first: keys::make(&file.path(), &file.path()).unwrap(), older: Vec::new() };
        migrate::to_latest(&mut raw, &ring, &Home::of(&file.path()).unwrap()).unwrap();
        file
    }

    fn open(&self) -> Store {
        Store::open_or_create(&self.path()).unwrap()
    }

    /// As a daemon does at its start, which alone brings a schema up to date; and then as everybody.
    fn open_upgraded(&self) -> Store {
        let lock = Lock::take(&self.path(), "a daemon").unwrap();
        drop(Store::open_under(&lock, &self.path(), NOW).unwrap());
        self.open()
    }

    /// A connection that goes around the store.
    fn raw(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        connection
    }
}

fn shop() -> MerchantId {
    MerchantId::new("shop").unwrap()
}

fn number(text: &str) -> OrderNumber {
    OrderNumber::new(text, 32).unwrap()
}

fn order_id(text: &str) -> OrderId {
    OrderId::new(text).unwrap()
}

/// An order of the shop for 100.00 RUB.
fn new_order(text: &str) -> NewOrder {
    NewOrder {
        merchant: shop(),
        number: number(text),
        order_id: None,
        amount: Amount::new(10_000).unwrap(),
        currency: Currency::RUB,
        expires_at: None,
        completion: CompletionAmount::Whole,
        autocompletion_at: None,
        kind: None,
    }
}

async fn add(store: &Store, orders: Vec<NewOrder>) -> Vec<Added> {
    store.add_orders(orders, Cause::Shop, NOW).await.unwrap()
}

async fn added(store: &Store, text: &str) -> Order {
    assert_eq!(add(store, vec![new_order(text)]).await, [Added::New]);
    order(store, text).await
}

async fn order(store: &Store, text: &str) -> Order {
    store.order(&shop(), text).await.unwrap().order
}

async fn operation(store: &Store, text: &str) -> Option<Operation> {
    store.order(&shop(), text).await.unwrap().operation
}

/// Writes an order's row as `change` leaves it.
async fn change(store: &Store, order: &Order, change: impl FnOnce(&mut Order) + Send + 'static) {
    let changed = store.amend(order.key, NOW, move |order, _| {
        let mut next = order.clone();
        change(&mut next);
        Amendment { order: Some(next), ..Amendment::nothing(()) }
    });
    changed.await.unwrap();
}

/// Puts an order on hold, to be completed at `complete_at`, until `lapses_at`.
async fn hold(store: &Store, order: &Order, complete_at: Option<Timestamp>, lapses_at: Timestamp) {
    let held = move |order: &mut Order| {
        order.state = State::Held;
        order.hold = Some(Hold { held_at: NOW, begun_at: NOW, lapses_at });
        order.complete_at = complete_at;
        order.next_look_at = Some(NOW);
    };
    change(store, order, held).await;
}

/// Opens a completion of an order, its first step due at `at`.
async fn intend(store: &Store, order: &Order, at: Timestamp) {
    let new = NewOperation {
        kind: OperationKind::Completion,
        amount: CompletionAmount::Whole,
        intended_at: at,
        ordered: false,
    };
    let opened = store.amend(order.key, at, move |_, _| Amendment {
        operation: OperationChange::Open(new),
        ..Amendment::nothing(())
    });
    opened.await.unwrap();
}
