//! What a look, or a question about a send, writes that found nothing new: a few columns, of which money depends on
//! none, so that seal and version stay.

use rusqlite::params;

use crate::domain::bank::BankView;
use crate::domain::operation::Operation;
use crate::domain::order::Order;
use crate::domain::time::Timestamp;

use super::StoreError;
use super::connection::Connection;
use super::rows::shortened;

/// Whether nothing that is written is different but that the bank was asked once more, how often it told nothing, and
/// when it is asked next.
pub(super) fn is_a_look_alone(before: &Order, after: &Order) -> bool {
    let is_seen_as_before = match (&before.view, &after.view) {
        (None, None) => true,
        (Some(before), Some(after)) => is_written_alike(&before.view, &after.view),
        _ => false,
    };
    let heard_before = Order {
        next_look_at: before.next_look_at,
        unknown_in_a_row: before.unknown_in_a_row,
        heard: before.heard.clone(),
        view: before.view.clone(),
        ..after.clone()
    };
    is_seen_as_before && heard_before == *before
}

/// Whether a row of one is that of the other. What the order itself has is compared with it.
fn is_written_alike(one: &BankView, other: &BankView) -> bool {
    let BankView {
        order_number: _,
        order_id: _,
        status,
        action_code,
        amount,
        currency,
        amounts,
        points,
        counted_points: _,
        authorised_at,
        payment_system: _,
        chargeback,
        autocompletion_at: _,
    } = one;
    (status, action_code, amount, currency) == (&other.status, &other.action_code, &other.amount, &other.currency)
        && (amounts, points, authorised_at) == (&other.amounts, &other.points, &other.authorised_at)
        && *chargeback == other.chargeback
}

/// What [`super::rows::update_order`] does, where [`is_a_look_alone`]. Most looks find nothing, and SQLite writes the
/// entries of every index that has one of the columns named, changed or not: here of one. The version and the seal
/// stay, since nothing that money depends on has changed: whoever read the row before has read what stands there.
pub(super) fn note_look(connection: &Connection, order: &Order) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE orders SET next_look_at_ms = ?3, heard_at_ms = ?4, heard = ?5, bank_seen_at_ms = ?6,
                unknown_in_a_row = ?7
             WHERE id = ?1 AND version = ?2",
        )?
        .execute(params![
            order.key.0,
            order.version,
            order.next_look_at.map(Timestamp::as_millis),
            order.heard.as_ref().map(|heard| heard.at.as_millis()),
            order.heard.as_ref().map(|heard| shortened(&heard.words)),
            order.view.as_ref().map(|seen| seen.seen_at.as_millis()),
            order.unknown_in_a_row,
        ])?;
    one_changed(changed)
}

pub(super) fn one_changed(changed: usize) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Refused("the order changed in the meantime".to_owned())),
    }
}

/// Whether nothing that is sealed is different: it was asked about once more, or put off.
pub(super) fn is_an_ask_alone(before: &Operation, after: &Operation) -> bool {
    let asked_before = Operation {
        agreeing_reads: before.agreeing_reads,
        asks: before.asks,
        next_step_at: before.next_step_at,
        note: before.note.clone(),
        ..after.clone()
    };
    asked_before == *before
}

/// What [`super::rows::update_operation`] does, where [`is_an_ask_alone`]: the seal stays.
pub(super) fn note_ask(connection: &Connection, operation: &Operation, instance: &str) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE operations SET instance = ?2, agreeing_reads = ?3, asks = ?4, next_step_at_ms = ?5, note = ?6
             WHERE id = ?1 AND settled_at_ms IS NULL",
        )?
        .execute(params![
            operation.key.0,
            instance,
            operation.agreeing_reads,
            operation.asks,
            operation.next_step_at.as_millis(),
            operation.note.as_deref().map(shortened),
        ])?;
    one_unsettled(changed)
}

pub(super) fn one_unsettled(changed: usize) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Refused("the operation was settled in the meantime".to_owned())),
    }
}
