//! What people proposed, which waits for a second person. What came of each stands in the journal.

use rusqlite::{Connection, Row, params};

use crate::domain::order::OrderKey;
use crate::domain::review::proposal::{Proposal, Proposed};
use crate::domain::time::Timestamp;

use super::{Store, StoreError, rows};

impl Store {
    /// What waits for a second person on an order, lapsed or not.
    pub async fn proposal(&self, order: OrderKey) -> Result<Option<Proposal>, StoreError> {
        self.readers.read(move |connection| load(connection, order)).await
    }
}

pub(super) fn load(connection: &Connection, order: OrderKey) -> Result<Option<Proposal>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM proposals WHERE order_key = ?1")?;
    let mut found = statement.query([order.0])?;
    found.next()?.map(proposal).transpose()
}

fn proposal(row: &Row<'_>) -> Result<Proposal, StoreError> {
    let what: String = row.get("what")?;
    Ok(Proposal {
        what: Proposed::parse(&what).ok_or_else(|| rows::unreadable("proposal", &what))?,
        reason: row.get("reason")?,
        by: row.get("proposed_by")?,
        at: rows::at(row.get("proposed_at_ms")?),
        version: row.get("version")?,
        basis: row.get("basis")?,
    })
}

/// Writes what stands from now on; `None` takes away what stood.
pub(super) fn put(connection: &Connection, order: OrderKey, proposal: Option<&Proposal>) -> Result<(), StoreError> {
    let Some(proposal) = proposal else {
        connection.prepare_cached("DELETE FROM proposals WHERE order_key = ?1")?.execute([order.0])?;
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO proposals (order_key, version, basis, what, reason, proposed_by, proposed_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            order.0,
            proposal.version,
            proposal.basis,
            proposal.what.to_string(),
            proposal.reason,
            proposal.by,
            Timestamp::as_millis(proposal.at),
        ])?;
    Ok(())
}
