//! The sweep: what is planned further ahead than any plan reaches was written by a clock that was wrong, and is due
//! now.
//!
//! A wall clock that was a year ahead for a minute leaves looks behind that are due in a year, and nobody would notice:
//! an order that is not due is not overdue.

use rusqlite::{named_params, params};

use crate::domain::order::{MerchantId, State};
use crate::domain::time::Timestamp;

use super::columns::select_order;
use super::connection::Connection;
use super::loaded::select_orders;
use super::{OrderWithOperation, Store, StoreError};

/// How far ahead anything of a merchant may be planned, as moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The latest moment at which an order of each open state is looked at.
    pub looks: Vec<(State, Timestamp)>,
    /// The latest moment at which an order at an end is looked at.
    pub late_looks: Timestamp,
    /// The latest moment of an open operation's next step.
    pub steps: Timestamp,
}

/// What was pulled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PulledIn {
    /// Looks that are due now.
    pub looks: usize,
    /// Steps of operations that are due now.
    pub steps: usize,
}

// Both name their index: the other one would walk over every ended order that still has a late look ahead, or over
// every order that ever ended.

pub(super) const PULL_IN_OPEN: &str = "UPDATE orders INDEXED BY orders_by_state
    SET next_look_at_ms = :now
    WHERE merchant = :merchant AND state = :state AND next_look_at_ms > :horizon";

pub(super) const PULL_IN_ENDED: &str = "UPDATE orders INDEXED BY orders_by_next_look
    SET next_look_at_ms = :now
    WHERE merchant = :merchant AND next_look_at_ms > :horizon
        AND state IN ('deposited', 'reversed', 'refunded', 'declined')";

pub(super) const PULL_IN_STEPS: &str = "UPDATE operations SET next_step_at_ms = :now
    WHERE merchant = :merchant AND state IN ('intended', 'in_doubt') AND next_step_at_ms > :horizon";

pub(super) const FUTURE_HOLDS: &str = select_order!(
    "FROM orders WHERE merchant = ?1 AND state = 'held' AND held_at_ms > ?2 ORDER BY held_at_ms LIMIT ?3"
);

impl Store {
    /// Makes due at `now` whatever of a merchant is planned beyond `horizon`.
    pub async fn pull_in(
        &self,
        merchant: &MerchantId,
        horizon: Horizon,
        now: Timestamp,
    ) -> Result<PulledIn, StoreError> {
        let merchant = merchant.clone();
        let pulled = self.writer.write(move |connection| pull_in(connection, &merchant, &horizon, now)).await?;
        if pulled != PulledIn::default() {
            self.ring();
        }
        Ok(pulled)
    }

    /// Up to `limit` held orders whose hold was first seen after `until`, the nearest first.
    pub async fn holds_seen_after(
        &self,
        merchant: &MerchantId,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<OrderWithOperation>, StoreError> {
        let merchant = merchant.clone();
        let found = self
            .readers
            .read(move |connection| {
                let values = params![merchant.as_str(), until.as_millis(), limit];
                select_orders(connection, FUTURE_HOLDS, values, limit)
            })
            .await?;
        Ok(self.presented(found))
    }
}

fn pull_in(
    connection: &Connection,
    merchant: &MerchantId,
    horizon: &Horizon,
    now: Timestamp,
) -> Result<PulledIn, StoreError> {
    let (merchant, now) = (merchant.as_str(), now.as_millis());
    let mut pulled = PulledIn::default();
    for (state, latest) in &horizon.looks {
        pulled.looks += connection.prepare_cached(PULL_IN_OPEN)?.execute(named_params! {
            ":merchant": merchant, ":now": now, ":state": state.as_str(), ":horizon": latest.as_millis(),
        })?;
    }
    pulled.looks += connection.prepare_cached(PULL_IN_ENDED)?.execute(named_params! {
        ":merchant": merchant, ":now": now, ":horizon": horizon.late_looks.as_millis(),
    })?;
    pulled.steps = connection.prepare_cached(PULL_IN_STEPS)?.execute(named_params! {
        ":merchant": merchant, ":now": now, ":horizon": horizon.steps.as_millis(),
    })?;
    Ok(pulled)
}
