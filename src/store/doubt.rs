//! Sends whose sender is gone: those found in doubt at a start, and those that only the witness has. Nobody who is left
//! knows when their last byte left, so their quiet time counts from the moment at which that is certain to be over.

use rusqlite::params;

use crate::domain::contested::{self, OutsideSend};
use crate::domain::money::Amount;
use crate::domain::operation::{CompletionAmount, NewOperation, Operation, OperationKind};
use crate::domain::order::Order;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::seal::{OPERATIONS, Seal};
use super::witness::Sent;
use super::{Store, StoreError, rows};

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

/// Makes a send that only the witness has, the latest of `sends` of `order`, its open completion, in doubt. `open` is what
/// is in doubt of the order already. A line whose sums are impossible makes none: its order is in review all the same.
pub(super) fn take_in(
    connection: &Connection,
    order: &Order,
    open: Option<&Operation>,
    sent: &Sent,
    sends: u32,
    instance: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(outside) = outside(sent, sends, now) else { return Ok(()) };
    let row = match open {
        Some(open) if outside.is_of(open) => open.clone(),
        _ => {
            if let Some(open) = open {
                rows::update_operation(connection, &contested::ended_outside(open), instance, now)?;
            }
            let new = NewOperation { kind: outside.kind, amount: outside.amount, intended_at: outside.sent_at };
            rows::insert_operation(connection, order.key, new, instance)?;
            let inserted = rows::load_operation(connection, order.key)?.map(|inserted| inserted.value);
            inserted.ok_or_else(|| rows::unreadable("operation of order row", &order.key.0.to_string()))?
        }
    };
    rows::number_send(connection, row.key, sent.seq)?;
    rows::update_operation(connection, &outside.in_doubt(&row, now), instance, now)
}

fn outside(sent: &Sent, sends: u32, now: Timestamp) -> Option<OutsideSend> {
    let amount = match sent.amount_minor {
        None => CompletionAmount::Whole,
        Some(minor) => CompletionAmount::Exactly(Amount::new(minor).ok()?),
    };
    let expected_minor = Amount::new(sent.expected_minor).ok()?.minor();
    let sent_at = Timestamp::parse(&sent.at).unwrap_or(now);
    let kind = OperationKind::parse(&sent.kind)?;
    Some(OutsideSend { kind, amount, attempt: sent.attempt, sends, expected_minor, sent_at })
}
