//! Sends whose sender is gone: those found in doubt at a start, and those that only the witness has. Nobody who is left
//! knows when their last byte left, so their quiet time counts from the moment at which that is certain to be over.

use rusqlite::params;

use crate::domain::contested::{self, OutsideSend};
use crate::domain::event::Cause;
use crate::domain::lifecycle::Contradiction;
use crate::domain::money::Amount;
use crate::domain::operation::{
    CompletionAmount, NewOperation, Operation, OperationKey, OperationKind, OperationState,
};
use crate::domain::order::{Order, OrderKey};
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::loaded::{self, Loaded};
use super::seal::{OPERATIONS, Seal};
use super::witness::Sent;
use super::{Store, StoreError, events, quarantine, rows};

impl Store {
    /// Notes that nothing found in doubt is on its way out of this host any more: whoever was sending it held the lock
    /// that this process holds now. A send that was stopped in the middle for longer than the quiet time would else be
    /// judged quiet at once. Returns how many there were.
    pub async fn note_senders_gone(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.writer.write(move |connection| note_senders_gone(connection, now)).await
    }
}

fn note_senders_gone(connection: &Connection, now: Timestamp) -> Result<usize, StoreError> {
    let mut statement =
        connection.prepare_cached(&OPERATIONS.select("WHERE state = 'in_doubt' AND answered_at_ms IS NULL"))?;
    let mut found = statement.query([])?;
    let mut left: Vec<i64> = Vec::new();
    while let Some(row) = found.next()? {
        // Sealed here, an altered row would look as if nobody had touched it; it goes to review as it is.
        if connection.ring().check(row, &OPERATIONS)? != Seal::Altered {
            left.push(row.get("id")?);
        }
    }
    drop(found);
    for id in &left {
        connection
            .prepare_cached("UPDATE operations SET answered_at_ms = ?2 WHERE id = ?1")?
            .execute(params![id, now.as_millis()])?;
        connection.ring().seal(connection, &OPERATIONS, *id)?;
    }
    Ok(left.len())
}

/// What only the witness has of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outside {
    /// The latest of its sends.
    pub(super) sent: Sent,
    /// How many there are.
    pub(super) sends: u32,
    /// By when whoever sent it was gone: at the adoption, made under the sender's lock.
    pub(super) gone_at: Timestamp,
}

impl Outside {
    /// When the latest was sent, as far as the line can be read.
    pub(super) fn sent_at(&self) -> Timestamp {
        Timestamp::parse(&self.sent.at).unwrap_or(self.gone_at)
    }

    /// Both as of one order: the latest of them, and as many as there are.
    pub(super) fn and(self, other: Self) -> Self {
        let (sends, gone_at) = (self.sends.saturating_add(other.sends), self.gone_at.max(other.gone_at));
        let latest = if self.sent.seq <= other.sent.seq { other } else { self };
        Self { sends, gone_at, ..latest }
    }

    fn send(&self) -> Option<OutsideSend> {
        let sent = &self.sent;
        let amount = match sent.amount_minor {
            None => CompletionAmount::Whole,
            Some(minor) => CompletionAmount::Exactly(Amount::new(minor).ok()?),
        };
        let expected_minor = Amount::new(sent.expected_minor).ok()?.minor();
        let (kind, sends) = (OperationKind::parse(&sent.kind)?, self.sends);
        let refunded_before = sent.refunded_before_minor.filter(|minor| kind == OperationKind::Refund && *minor >= 0);
        let (attempt, sent_at) = (sent.attempt, self.sent_at());
        Some(OutsideSend { kind, amount, attempt, sends, expected_minor, refunded_before, sent_at })
    }
}

/// Puts the order that was found before a person, with what only the witness has of it as its open completion.
pub(super) fn contest(
    connection: &Connection,
    mut found: Loaded,
    outside: &Outside,
    cause: &Cause,
    instance: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if found.altered.is_some() {
        // Written below, it would be sealed as if nobody had touched it.
        quarantine::quarantine(connection, found.order.key, now)?;
        found = loaded::load(connection, found.order.key)?;
    }
    let open = found.operation.as_ref().filter(|operation| operation.state.is_open());
    let why = Contradiction::SentOutsideBook { expected: outside.sent.expected_minor };
    let contested = contested::put_before_a_person(&found.order, open, &why, cause.clone(), now);
    if let Some(operation) = &contested.operation {
        rows::withdraw_operation(connection, operation, now)?;
    }
    let in_doubt = open.filter(|open| open.state == OperationState::InDoubt);
    take_in(connection, &contested.order, in_doubt, outside, instance, now)?;
    rows::update_order(connection, &contested.order)?;
    events::append(connection, found.order.key, now, &contested.events)
}

/// Whether a refund fits what the bank took, beside those that are confirmed or in doubt, without `same`: a copy that was
/// put back may have settled by a read what was sent again after it was made, and the two would be one refund counted
/// twice.
fn has_room(
    connection: &Connection,
    order: OrderKey,
    same: Option<OperationKey>,
    expected_minor: i64,
) -> Result<bool, StoreError> {
    let sql = "SELECT max(amount_minor, coalesce(bank_deposited_minor, 0)) - (
            SELECT coalesce(sum(expected_minor), 0) FROM operations
            WHERE order_key = ?1 AND kind = 'refund' AND id IS NOT ?2 AND state IN ('in_doubt', 'confirmed'))
         FROM orders WHERE id = ?1";
    let values = params![order.0, same.map(|same| same.0)];
    let room: i64 = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    Ok(expected_minor <= room)
}

/// Makes a send that only the witness has of `order` its open completion, in doubt. `open` is what is in doubt of the
/// order already. A line whose sums are impossible, by themselves or beside what the book has, makes none: its order is
/// in review all the same.
fn take_in(
    connection: &Connection,
    order: &Order,
    open: Option<&Operation>,
    outside: &Outside,
    instance: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(send) = outside.send() else { return Ok(()) };
    let same = open.filter(|open| send.is_of(open)).map(|open| open.key);
    if send.kind == OperationKind::Refund && !has_room(connection, order.key, same, send.expected_minor)? {
        return Ok(());
    }
    let row = match open {
        Some(open) if send.is_of(open) => open.clone(),
        _ => {
            if let Some(open) = open {
                rows::update_operation(connection, &contested::ended_outside(open), instance, now)?;
            }
            let new = NewOperation {
                kind: send.kind,
                amount: send.amount,
                intended_at: send.sent_at,
                ordered: send.is_ordered(),
            };
            rows::insert_operation(connection, order.key, new, instance)?;
            let inserted = rows::load_operation(connection, order.key)?.map(|inserted| inserted.value);
            inserted.ok_or_else(|| rows::unreadable("operation of order row", &order.key.0.to_string()))?
        }
    };
    rows::number_send(connection, row.key, outside.sent.seq)?;
    rows::update_operation(connection, &send.in_doubt(&row, outside.gone_at, now), instance, now)
}
