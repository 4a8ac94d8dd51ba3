//! Changing an order: load, decide, write, in one transaction.

use rusqlite::Connection;

use crate::domain::acts::{Act, ActError};
use crate::domain::completion;
use crate::domain::event::NewEvent;
use crate::domain::guard::{NewStop, Standing};
use crate::domain::journey;
use crate::domain::operation::{NewOperation, Operation, OperationState};
use crate::domain::order::{Order, OrderKey};
use crate::domain::time::Timestamp;

use super::{Store, StoreError, events, money, orders, rows};

/// What a decision wants written. Rows and events are of one order and go into one transaction.
#[derive(Debug)]
pub struct Amendment<T> {
    /// The order's row, when it changes.
    pub order: Option<Order>,
    /// What becomes of its operation.
    pub operation: OperationChange,
    /// What the journal says of it.
    pub events: Vec<NewEvent>,
    /// The brake, when the change trips it.
    pub brake: Option<NewStop>,
    /// What the caller hears once all of it is on disk.
    pub value: T,
}

/// What becomes of an order's operation.
#[derive(Debug)]
pub enum OperationChange {
    /// It stays, or there is none.
    None,
    /// One is opened.
    Open(NewOperation),
    /// The open one changes.
    Update(Operation),
}

impl<T> Amendment<T> {
    /// Nothing is written.
    pub const fn nothing(value: T) -> Self {
        Self { order: None, operation: OperationChange::None, events: Vec::new(), brake: None, value }
    }
}

impl Amendment<Option<NewEvent>> {
    /// A change that is one event in the journal, which the caller hears of once it is on disk.
    pub fn of_event(order: Option<Order>, operation: OperationChange, event: NewEvent) -> Self {
        Self { order, operation, events: vec![event.clone()], brake: None, value: Some(event) }
    }
}

impl Amendment<Result<(), ActError>> {
    /// What a person's act wants written; a refused one writes nothing.
    pub fn of_act(act: Result<Act, ActError>) -> Self {
        match act {
            Ok(act) => Self {
                order: Some(act.order),
                operation: act.operation.map_or(OperationChange::None, OperationChange::Update),
                events: vec![act.event],
                brake: None,
                value: Ok(()),
            },
            Err(refused) => Self::nothing(Err(refused)),
        }
    }
}

impl Store {
    /// Hands the order and its open operation to `decide`, writes what comes back, and returns its value once that is on
    /// disk. `decide` runs on the writer's thread, so it must be pure and quick.
    pub async fn amend<T, F>(&self, key: OrderKey, now: Timestamp, decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Order, Option<&Operation>) -> Amendment<T> + Send + 'static,
    {
        let instance = self.instance.clone();
        let change = move |connection: &Connection| {
            let (order, open) = load(connection, key)?;
            let amendment = decide(&order, open.as_ref());
            write(connection, &order, open.as_ref(), amendment, &instance, now)
        };
        self.amended(change).await
    }

    /// As [`Self::amend`], for a decision that may begin a send: `decide` is also handed how the money stands, as read
    /// in this very transaction. There is one writer, so of two sends for which there is room for one, one is held.
    pub async fn amend_guarded<T, F>(&self, key: OrderKey, now: Timestamp, decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Order, Option<&Operation>, &Standing) -> Amendment<T> + Send + 'static,
    {
        let instance = self.instance.clone();
        let change = move |connection: &Connection| {
            let (order, open) = load(connection, key)?;
            let standing = money::standing(connection, &order, open.as_ref().map(|open| open.key), now)?;
            let amendment = decide(&order, open.as_ref(), &standing);
            write(connection, &order, open.as_ref(), amendment, &instance, now)
        };
        self.amended(change).await
    }

    async fn amended<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<(T, bool), StoreError> + Send + 'static,
    {
        let (value, notable) = self.writer.write(change).await?;
        // A look that found nothing new makes nothing due for anybody else.
        if notable {
            self.ring();
        }
        Ok(value)
    }
}

/// An order and its open operation.
fn load(connection: &Connection, key: OrderKey) -> Result<(Order, Option<Operation>), StoreError> {
    let open = rows::load_operation(connection, key)?.filter(|operation| operation.state.is_open());
    Ok((rows::load_order(connection, key)?, open))
}

/// Writes `amendment`; its value, and whether others may want to hear of it.
fn write<T>(
    connection: &Connection,
    order: &Order,
    open: Option<&Operation>,
    amendment: Amendment<T>,
    instance: &str,
    now: Timestamp,
) -> Result<(T, bool), StoreError> {
    let key = order.key;
    let amendment = refuse_taken_id(connection, order, open, amendment, now)?;
    match &amendment.operation {
        OperationChange::None => {}
        OperationChange::Open(new) => rows::insert_operation(connection, key, *new, instance)?,
        OperationChange::Update(operation) => {
            rows::update_operation(connection, operation, instance, now)?;
            let was_in_doubt = open.is_some_and(|open| open.state == OperationState::InDoubt);
            if was_in_doubt && operation.state != OperationState::InDoubt {
                money::make_room(connection, &order.merchant, now)?;
            }
        }
    }
    if let Some(order) = &amendment.order {
        rows::update_order(connection, order)?;
    }
    events::append(connection, key, now, &amendment.events)?;
    if let Some(stop) = &amendment.brake {
        money::trip_brake(connection, stop, now)?;
    }
    Ok((amendment.value, !amendment.events.is_empty()))
}

/// Two orders cannot have one gateway id: an answer that says so is a contradiction, and nothing else of it is believed.
fn refuse_taken_id<T>(
    connection: &Connection,
    before: &Order,
    open: Option<&Operation>,
    amendment: Amendment<T>,
    now: Timestamp,
) -> Result<Amendment<T>, StoreError> {
    let Some(after) = amendment.order.as_ref().filter(|after| after.order_id != before.order_id) else {
        return Ok(amendment);
    };
    let owner = after.order_id.as_ref().map(|id| orders::owner_of(connection, &before.merchant, id)).transpose()?;
    match owner.flatten() {
        None => Ok(amendment),
        Some(by) => {
            let (mut order, event) = journey::order_id_taken(before, after, &by, now);
            let mut events: Vec<NewEvent> = event.into_iter().collect();
            // Left as it was, the operation would be due at once, and again after the same answer, for ever.
            let operation = open.map_or(OperationChange::None, |open| {
                let (operation, event) = completion::order_id_taken(&mut order, open, now);
                events.extend(event);
                OperationChange::Update(operation)
            });
            Ok(Amendment { order: Some(order), operation, events, ..amendment })
        }
    }
}
