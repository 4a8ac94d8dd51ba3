//! Changing an order: load, decide, write, in one transaction.

use rusqlite::Connection;

use crate::domain::acts::{Act, ActError};
use crate::domain::completion;
use crate::domain::event::NewEvent;
use crate::domain::journey;
use crate::domain::operation::{NewOperation, Operation};
use crate::domain::order::{Order, OrderKey};
use crate::domain::review::ReviewError;
use crate::domain::review::proposal::{Decision, Proposal};
use crate::domain::time::Timestamp;

use super::{Store, StoreError, events, orders, proposals, rows};

/// What a decision wants written. Rows and events are of one order and go into one transaction.
#[derive(Debug)]
pub struct Amendment<T> {
    /// The order's row, when it changes.
    pub order: Option<Order>,
    /// What becomes of its operation.
    pub operation: OperationChange,
    /// What the journal says of it.
    pub events: Vec<NewEvent>,
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
        Self { order: None, operation: OperationChange::None, events: Vec::new(), value }
    }
}

impl Amendment<Option<NewEvent>> {
    /// A change that is one event in the journal, which the caller hears of once it is on disk.
    pub fn of_event(order: Option<Order>, operation: OperationChange, event: NewEvent) -> Self {
        Self { order, operation, events: vec![event.clone()], value: Some(event) }
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
                value: Ok(()),
            },
            Err(refused) => Self::nothing(Err(refused)),
        }
    }
}

impl Amendment<Result<Decision, ReviewError>> {
    /// What a person's word about a review wants written, and what waits for a second person afterwards; a refused one
    /// writes nothing.
    pub fn of_decision(
        decided: Result<Decision, ReviewError>,
        standing: Option<&Proposal>,
    ) -> (Self, Option<Proposal>) {
        match decided {
            Ok(decision) => {
                let act = decision.act.clone();
                let operation = act.as_ref().and_then(|act| act.operation.clone());
                let amendment = Self {
                    order: act.map(|act| act.order),
                    operation: operation.map_or(OperationChange::None, OperationChange::Update),
                    events: vec![decision.event.clone()],
                    value: Ok(decision.clone()),
                };
                (amendment, decision.proposal)
            }
            Err(refused) => (Self::nothing(Err(refused)), standing.cloned()),
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
        let (value, notable) = self
            .writer
            .write(move |connection| {
                let order = rows::load_order(connection, key)?;
                let open = rows::load_operation(connection, key)?.filter(|operation| operation.state.is_open());
                let amendment = decide(&order, open.as_ref());
                apply(connection, &order, open.as_ref(), amendment, &instance, now)
            })
            .await?;
        // A look that found nothing new makes nothing due for anybody else.
        if notable {
            self.ring();
        }
        Ok(value)
    }

    /// As [`Self::amend`], with the order's proposal beside it: `decide` says as well what of it stands afterwards.
    pub async fn amend_review<T, F>(&self, key: OrderKey, now: Timestamp, decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Order, Option<&Operation>, Option<&Proposal>) -> (Amendment<T>, Option<Proposal>) + Send + 'static,
    {
        let instance = self.instance.clone();
        let (value, notable) = self
            .writer
            .write(move |connection| {
                let order = rows::load_order(connection, key)?;
                let open = rows::load_operation(connection, key)?.filter(|operation| operation.state.is_open());
                let standing = proposals::load(connection, key)?;
                let (amendment, afterwards) = decide(&order, open.as_ref(), standing.as_ref());
                if afterwards != standing {
                    proposals::put(connection, key, afterwards.as_ref())?;
                }
                apply(connection, &order, open.as_ref(), amendment, &instance, now)
            })
            .await?;
        if notable {
            self.ring();
        }
        Ok(value)
    }
}

/// Writes what was decided; the value, and whether the journal tells of it.
fn apply<T>(
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
        OperationChange::Update(operation) => rows::update_operation(connection, operation, instance, now)?,
    }
    if let Some(order) = &amendment.order {
        rows::update_order(connection, order)?;
    }
    events::append(connection, key, now, &amendment.events)?;
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
