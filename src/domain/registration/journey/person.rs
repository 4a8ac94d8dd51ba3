//! Registrations that a person has to settle: the bank cannot be made to tell whether it has the order.

use super::{Registration, State, TRIED_FOR, WAIT_IN_PEACE, settled};
use crate::domain::order::OrderId;
use crate::domain::time::{Timestamp, in_words};

/// What a person found in the bank's console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The order, with this gateway id.
    Order(OrderId),
    /// No order of the number.
    Nothing,
}

/// Why a registration is not a person's to settle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// Nothing is open about it.
    #[error("it is {0} already")]
    Settled(State),
    /// The daemon is at it, and may be sending it at this moment.
    #[error(
        "it is not stuck: the daemon is at it, and calls a person where the bank tells nothing for {}",
        in_words(TRIED_FOR)
    )]
    NotStuck,
}

/// The row once a person is called. It is never sent again: what a person will find at the bank must not change.
pub(super) fn called(row: Registration, now: Timestamp) -> Registration {
    Registration {
        state: State::InDoubt,
        stuck_since: row.stuck_since.or(Some(now)),
        next_step_at: Some(now.plus(WAIT_IN_PEACE)),
        ..row
    }
}

/// The row after a person's word: who it was, and why, stand in its note.
pub fn settled_by_person(
    row: &Registration,
    found: &Found,
    by: &str,
    reason: &str,
) -> Result<Registration, SettleError> {
    if row.state.is_settled() {
        return Err(SettleError::Settled(row.state));
    }
    if row.stuck_since.is_none() {
        return Err(SettleError::NotStuck);
    }
    Ok(match found {
        Found::Order(order_id) => Registration {
            order_id: Some(order_id.clone()),
            refusal_code: None,
            note: Some(format!("{by} found it at the bank ({reason}); the answer with its form URL was lost")),
            ..settled(row, State::Registered)
        },
        Found::Nothing => Registration {
            note: Some(format!(
                "{by} found no order of this number at the bank ({reason}); hand it in again if it is still wanted"
            )),
            ..settled(row, State::Refused)
        },
    })
}
