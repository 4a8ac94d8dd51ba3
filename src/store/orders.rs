//! Taking orders into the queue, and finding them again.

use rusqlite::{OptionalExtension, params};

use crate::domain::event::{Cause, EventKind, NewEvent};
use crate::domain::operation::{Operation, OperationKey};
use crate::domain::order::{Kind, MerchantId, NewOrder, OrderId, OrderKey, OrderNumber, State};
use crate::domain::time::Timestamp;

use super::columns::{select_operation, select_order};
use super::connection::Connection;
use super::loaded::{self, Found, Loaded, select_orders};
use super::seal::ORDERS;
use super::{OrderWithOperation, Store, StoreError, doubt, events, registrations, rows, witnessed};

/// Orders returned in one page at most.
const PAGE_MAX: u32 = 1_000;

/// What became of one order that was handed in. Repeating a request yields a word, not a surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is queued.
    New,
    /// It is queued, and in review at once: the witness has a send for it, made before the database was lost.
    NewInReview,
    /// It was queued before, the same in number, amount and currency.
    Exists,
    /// Another order has its number, in the queue or on its way there, being registered.
    ExistsWithDifferentAmount {
        /// That one's amount, in minor units.
        amount_minor: i64,
    },
    /// Another order has its gateway id.
    OrderIdTaken {
        /// That order's number.
        by: OrderNumber,
    },
}

impl Added {
    /// The word for it, in the HTTP API and for scripts. Of an order that is in review at once, that is told beside it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::New | Self::NewInReview => "added",
            Self::Exists => "exists",
            Self::ExistsWithDifferentAmount { .. } => "exists_with_different_amount",
            Self::OrderIdTaken { .. } => "order_id_taken",
        }
    }

    /// The amount of the order that has the number already, in minor units.
    pub const fn queued_amount(&self) -> Option<i64> {
        match self {
            Self::ExistsWithDifferentAmount { amount_minor } => Some(*amount_minor),
            _ => None,
        }
    }

    /// The order that has the gateway id already.
    pub const fn taken_by(&self) -> Option<&OrderNumber> {
        match self {
            Self::OrderIdTaken { by } => Some(by),
            _ => None,
        }
    }
}

impl Added {
    /// Whether the order is in the queue by this, and was not before.
    pub const fn is_new(&self) -> bool {
        matches!(self, Self::New | Self::NewInReview)
    }
}

/// Which orders to list.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Of this merchant only.
    pub merchant: Option<MerchantId>,
    /// In this state only.
    pub state: Option<State>,
    /// After this row, for paging.
    pub after: Option<OrderKey>,
    /// At most this many; at most 1000.
    pub limit: u32,
}

impl Store {
    /// Queues orders, all in one transaction: each is on disk, or has its word, when this returns. The first look is
    /// due at once. While the disk is full none are taken: what room is left is for those that are here.
    pub async fn add_orders(
        &self,
        orders: Vec<NewOrder>,
        cause: Cause,
        now: Timestamp,
    ) -> Result<Vec<Added>, StoreError> {
        if self.disk_is_full() {
            return Err(StoreError::DiskFull("new orders wait until there is room".to_owned()));
        }
        let instance = self.instance.clone();
        let added = self
            .writer
            .write(move |connection| {
                orders.iter().map(|order| add_order(connection, order, &cause, &instance, now)).collect()
            })
            .await;
        self.ring();
        self.registration_bell.ring();
        added
    }

    /// An order by its number, with its open or latest operation.
    pub async fn order(&self, merchant: &MerchantId, number: &str) -> Result<OrderWithOperation, StoreError> {
        let (merchant, number) = (merchant.clone(), number.to_owned());
        self.readers
            .read(move |connection| {
                find_order(connection, &merchant, &number)?
                    .ok_or_else(|| StoreError::NoSuchOrder { merchant: merchant.as_str().to_owned(), number })
            })
            .await
            .map(Loaded::presented)
    }

    /// Every order with this number, whatever merchant it is of.
    pub async fn orders_numbered(&self, number: &str) -> Result<Vec<OrderWithOperation>, StoreError> {
        let number = number.to_owned();
        let sql = select_order!("FROM orders WHERE order_number = ?1");
        let found = self.readers.read(move |connection| select_orders(connection, sql, [number], usize::MAX)).await?;
        Ok(self.presented(found))
    }

    /// A page of completions, settled ones too, in the order in which they were intended; at most 1000.
    pub async fn operations_after(&self, after: OperationKey) -> Result<Vec<Operation>, StoreError> {
        self.readers
            .read(move |connection| {
                let mut statement = connection
                    .prepare_cached(select_operation!("FROM operations WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
                let mut found = statement.query(params![after.0, PAGE_MAX])?;
                let mut operations = Vec::new();
                while let Some(row) = found.next()? {
                    operations.push(rows::operation(connection, row)?.value);
                }
                Ok(operations)
            })
            .await
    }

    /// A page of orders in the order in which they entered the queue. It is shorter than it may be only where nothing is
    /// behind it: what cannot be read takes no place in it.
    pub async fn list_orders(&self, filter: ListFilter) -> Result<Vec<OrderWithOperation>, StoreError> {
        let found: Found = self
            .readers
            .read(move |connection| {
                select_orders(
                    connection,
                    select_order!(
                        "FROM orders WHERE (?1 IS NULL OR merchant = ?1) AND (?2 IS NULL OR state = ?2)
                        AND id > ?3 ORDER BY id"
                    ),
                    params![
                        filter.merchant.as_ref().map(MerchantId::as_str),
                        filter.state.map(State::as_str),
                        filter.after.map_or(0, |key| key.0),
                    ],
                    filter.limit.clamp(1, PAGE_MAX) as usize,
                )
            })
            .await?;
        Ok(self.presented(found))
    }
}

pub(super) fn find_order(
    connection: &Connection,
    merchant: &MerchantId,
    number: &str,
) -> Result<Option<Loaded>, StoreError> {
    let mut statement =
        connection.prepare_cached(select_order!("FROM orders WHERE merchant = ?1 AND order_number = ?2"))?;
    let mut found = statement.query(params![merchant.as_str(), number])?;
    let order = found.next()?.map(|row| rows::order(connection, row)).transpose()?;
    order.map(|order| loaded::with_operation(connection, order)).transpose()
}

pub(super) fn add_order(
    connection: &Connection,
    new: &NewOrder,
    cause: &Cause,
    instance: &str,
    now: Timestamp,
) -> Result<Added, StoreError> {
    if let Some(Loaded { order: present, .. }) = find_order(connection, &new.merchant, new.number.as_str())? {
        let same = present.amount == new.amount && present.currency == new.currency;
        let amount_minor = present.amount.minor();
        return Ok(if same { Added::Exists } else { Added::ExistsWithDifferentAmount { amount_minor } });
    }
    if *cause != Cause::Discovery
        && let Some(amount_minor) = registrations::other_price(connection, new)?
    {
        return Ok(Added::ExistsWithDifferentAmount { amount_minor });
    }
    if let Some(by) = new.order_id.as_ref().map(|id| owner_of(connection, &new.merchant, id)).transpose()?.flatten() {
        return Ok(Added::OrderIdTaken { by });
    }
    insert_order(connection, new, *cause == Cause::Discovery, now)?;
    let key = OrderKey(connection.last_insert_rowid());
    connection.ring().seal(connection, &ORDERS, key.0)?;
    let (kind, detail) = match cause {
        Cause::Discovery => {
            (EventKind::Discovered, "the bank knew it, and the queue did not; a hold waits for a release")
        }
        _ => (EventKind::Added, "entered the queue"),
    };
    let (before, after) = (State::Pending, State::Pending);
    let event = NewEvent { kind, cause: cause.clone(), before, after, detail: detail.to_owned() };
    events::append(connection, key, now, &[event])?;
    registrations::hint(connection, new, now)?;
    // Lost with an earlier database, and sent for by then: it is in doubt before anybody can look at it.
    if let Some(outside) = witnessed::take(connection, new)? {
        doubt::contest(connection, loaded::load(connection, key)?, &outside, cause, instance, now)?;
        return Ok(Added::NewInReview);
    }
    Ok(Added::New)
}

/// The number of the order that has this gateway id.
pub(super) fn owner_of(
    connection: &Connection,
    merchant: &MerchantId,
    order_id: &OrderId,
) -> Result<Option<OrderNumber>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT order_number FROM orders WHERE merchant = ?1 AND order_id = ?2")?;
    let number = statement.query_row([merchant.as_str(), order_id.as_str()], |row| row.get(0)).optional()?;
    Ok(number.map(OrderNumber::from_stored))
}

/// What was discovered is parked: nobody has said that its hold is to be taken.
fn insert_order(connection: &Connection, new: &NewOrder, parked: bool, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO orders (merchant, order_number, order_id, amount_minor, currency, state, state_since_ms,
                created_at_ms, expires_at_ms, complete_amount_minor, next_look_at_ms, autocompletion_at_ms, parked,
                two_phase)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?6, ?7, ?8, ?6, ?9, ?10, ?11)",
        )?
        .execute(params![
            new.merchant.as_str(),
            new.number.as_str(),
            new.order_id.as_ref().map(OrderId::as_str),
            new.amount.minor(),
            new.currency.numeric(),
            now.as_millis(),
            new.expires_at.map(Timestamp::as_millis),
            rows::completion_minor(new.completion),
            new.autocompletion_at.map(Timestamp::as_millis),
            parked,
            new.kind.map(Kind::is_two_phase),
        ])?;
    Ok(())
}
