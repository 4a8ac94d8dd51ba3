//! Counts and ages for `/metrics` and `status`: computed from the rows when asked, zeros included by the caller.

use std::time::Duration;

use rusqlite::params;

use crate::domain::operation::OperationState;
use crate::domain::order::{Heard, MerchantId, State};
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::due::standing_hold;
use super::registrations::OPEN_REGISTRATIONS;
use super::{Store, StoreError, rows};

/// How many of something there are, and since when the oldest stands so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// Since when the oldest stands so.
    pub oldest: Option<Timestamp>,
}

/// One merchant's queue in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Orders by state; a state without any is missing here.
    pub orders: Vec<(State, Group)>,
    /// Operations by state; open ones only count from their latest send, or intent.
    pub operations: Vec<(OperationState, Group)>,
    /// The earliest lapse among held orders.
    pub next_lapse: Option<Timestamp>,
    /// Holds that lapse within each of the widths asked about, or should have lapsed: each counts those of the narrower
    /// ones too.
    pub holds_at_risk: Vec<(Duration, u64)>,
    /// Holds that the gateway would complete by itself, against what is planned here.
    pub autocompletion_conflicts: u64,
    /// Looks that are due, and since when the oldest is.
    pub overdue_looks: Group,
    /// Completions and deadlines of holds that are due, and since when the oldest is.
    pub overdue_completions: Group,
    /// Orders taken out of the schedule by an operator.
    pub parked: u64,
    /// Orders whose latest answer told nothing, or refused to.
    pub unanswered: u64,
    /// Registrations that are not settled, and since when the oldest is here.
    pub registrations: Group,
    /// Those of them that a person has to settle, and since when the oldest is stuck.
    pub stuck_registrations: Group,
    /// When the latest report was written.
    pub last_report_at: Option<Timestamp>,
}

impl Figures {
    /// Holds within the widest of the widths asked about.
    pub fn at_risk(&self) -> u64 {
        self.holds_at_risk.iter().map(|(_, count)| *count).max().unwrap_or_default()
    }

    /// The group of a state; empty when there is none.
    pub fn orders_in(&self, state: State) -> Group {
        self.orders.iter().find(|(found, _)| *found == state).map(|(_, group)| *group).unwrap_or_default()
    }

    /// The group of an operation's state; empty when there is none.
    pub fn operations_in(&self, state: OperationState) -> Group {
        self.operations.iter().find(|(found, _)| *found == state).map(|(_, group)| *group).unwrap_or_default()
    }
}

/// The bank's latest answer about any of a merchant's orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestAnswer {
    /// The answer.
    pub heard: Heard,
    /// How many answers about that order in a row told nothing, this one included; zero when it told something.
    pub told_nothing: u32,
}

/// Two ranges of an index: open orders, and those that came to their end of late, since ended orders are kept for years
/// and an answer that was heard before was followed by another.
pub(super) const LATEST_ANSWER: &str = "SELECT heard_at_ms, heard, unknown_in_a_row FROM (
        SELECT heard_at_ms, heard, unknown_in_a_row FROM orders
            WHERE merchant = ?1 AND state IN ('pending', 'held', 'review') AND heard_at_ms IS NOT NULL
        UNION ALL
        SELECT heard_at_ms, heard, unknown_in_a_row FROM orders
            WHERE merchant = ?1 AND state IN ('deposited', 'reversed', 'refunded', 'declined')
                AND state_since_ms >= ?2 AND heard_at_ms IS NOT NULL)
     ORDER BY heard_at_ms DESC LIMIT 1";

impl Store {
    /// The bank's latest answer about an order of a merchant's that is open, or came to its end after `since`.
    pub async fn latest_answer(
        &self,
        merchant: &MerchantId,
        since: Timestamp,
    ) -> Result<Option<LatestAnswer>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(LATEST_ANSWER)?;
                let mut found = statement.query(params![merchant.as_str(), since.as_millis()])?;
                let Some(row) = found.next()? else {
                    return Ok(None);
                };
                let heard = Heard { at: rows::at(row.get(0)?), words: row.get(1)? };
                Ok(Some(LatestAnswer { heard, told_nothing: row.get(2)? }))
            })
            .await
    }

    /// A merchant's figures at `now`; holds that lapse within each of `risk_levels` count as at risk.
    pub async fn figures(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        risk_levels: &[Duration],
    ) -> Result<Figures, StoreError> {
        let (merchant, risk_levels) = (merchant.clone(), risk_levels.to_vec());
        self.readers.read(move |connection| figures(connection, &merchant, now, &risk_levels)).await
    }

    /// Open orders, and orders with an open operation, by merchant: those of a merchant that nobody serves must be
    /// told.
    pub async fn open_orders(&self) -> Result<Vec<(MerchantId, u64)>, StoreError> {
        self.readers
            .read(|connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT merchant, count(*) FROM (
                        SELECT merchant FROM orders WHERE state IN ('pending', 'held', 'review')
                            OR id IN (SELECT order_key FROM operations WHERE state IN ('intended', 'in_doubt'))
                        UNION ALL SELECT merchant FROM registrations WHERE next_step_at_ms IS NOT NULL)
                     GROUP BY merchant",
                )?;
                let mut found = statement.query([])?;
                let mut open = Vec::new();
                while let Some(row) = found.next()? {
                    if let Ok(merchant) = rows::merchant(row, "merchant") {
                        open.push((merchant, row.get(1)?));
                    }
                }
                Ok(open)
            })
            .await
    }

    /// Whether the database answers: what `/readyz` rests on.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.readers.read(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }
}

const NEXT_LAPSE: &str = concat!("SELECT min(lapses_at_ms) FROM orders WHERE merchant = ?1 AND ", standing_hold!());

const HOLDS_AT_RISK: &str = concat!(
    "SELECT count(*), min(lapses_at_ms) FROM orders WHERE merchant = ?1 AND lapses_at_ms <= ?2 AND ",
    standing_hold!()
);

/// In the words of [`crate::domain::autocompletion::conflict`].
pub(super) const AUTOCOMPLETION_CONFLICTS: &str = "SELECT count(*) FROM orders INDEXED BY orders_by_autocompletion WHERE merchant = ?1
    AND autocompletion_at_ms IS NOT NULL AND (state = 'held' OR (state = 'review' AND bank_status = 1))
    AND lapses_at_ms IS NOT NULL AND (state = 'review' OR parked = 1 OR complete_amount_minor IS NOT NULL OR complete_at_ms IS NULL
        OR complete_at_ms > autocompletion_at_ms)";

fn figures(
    connection: &Connection,
    merchant: &MerchantId,
    now: Timestamp,
    risk_levels: &[Duration],
) -> Result<Figures, StoreError> {
    let name = merchant.as_str();
    let (registrations, stuck_registrations) = registration_groups(connection, name)?;
    let at_risk = |level: &Duration| Ok((*level, group(connection, HOLDS_AT_RISK, name, now.plus(*level))?.count));
    Ok(Figures {
        orders: order_groups(connection, name)?,
        operations: operation_groups(connection, name)?,
        next_lapse: moment(connection, NEXT_LAPSE, name)?,
        holds_at_risk: risk_levels.iter().map(at_risk).collect::<Result<_, StoreError>>()?,
        autocompletion_conflicts: count(connection, AUTOCOMPLETION_CONFLICTS, name)?,
        overdue_looks: group(
            connection,
            "SELECT count(*), min(next_look_at_ms) FROM orders WHERE merchant = ?1 AND next_look_at_ms <= ?2
                AND NOT EXISTS (SELECT 1 FROM operations
                    WHERE order_key = orders.id AND state IN ('intended', 'in_doubt'))",
            name,
            now,
        )?,
        overdue_completions: group(
            connection,
            "SELECT count(*), min(at_ms) FROM (
                SELECT complete_at_ms AS at_ms FROM orders WHERE merchant = ?1 AND complete_at_ms <= ?2
                UNION ALL
                SELECT deadline_at_ms FROM orders WHERE merchant = ?1 AND deadline_at_ms <= ?2)",
            name,
            now,
        )?,
        parked: count(
            connection,
            "SELECT count(*) FROM orders WHERE merchant = ?1 AND parked = 1 AND state IN ('pending', 'held')",
            name,
        )?,
        unanswered: count(
            connection,
            "SELECT count(*) FROM orders WHERE merchant = ?1 AND unknown_in_a_row > 0",
            name,
        )?,
        registrations,
        stuck_registrations,
        last_report_at: moment(
            connection,
            "SELECT max(last_success_ms) FROM report_schedule WHERE merchant = ?1",
            name,
        )?,
    })
}

/// All that are open, and those that are stuck.
fn registration_groups(connection: &Connection, merchant: &str) -> Result<(Group, Group), StoreError> {
    let mut statement = connection.prepare_cached(OPEN_REGISTRATIONS)?;
    let groups = statement.query_row([merchant], |row| {
        let since = |column| row.get::<_, Option<i64>>(column).map(|ms| ms.map(rows::at));
        let open = Group { count: row.get(0)?, oldest: since(1)? };
        Ok((open, Group { count: row.get(2)?, oldest: since(3)? }))
    })?;
    Ok(groups)
}

fn order_groups(connection: &Connection, merchant: &str) -> Result<Vec<(State, Group)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT state, count(*), min(state_since_ms) FROM orders WHERE merchant = ?1 GROUP BY state")?;
    let mut found = statement.query([merchant])?;
    let mut groups = Vec::new();
    while let Some(row) = found.next()? {
        // A word that the types do not know is counted among the rows that cannot be read.
        let Ok(state) = rows::state(row, "state") else { continue };
        groups.push((state, Group { count: row.get(1)?, oldest: row.get::<_, Option<i64>>(2)?.map(rows::at) }));
    }
    Ok(groups)
}

/// Counted from an index alone; since when is asked only of open ones, of which there are few, for settled ones are
/// kept for years.
fn operation_groups(connection: &Connection, merchant: &str) -> Result<Vec<(OperationState, Group)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT state, count(*) FROM operations WHERE merchant = ?1 GROUP BY state")?;
    let mut found = statement.query([merchant])?;
    let mut groups = Vec::new();
    while let Some(row) = found.next()? {
        let word: String = row.get(0)?;
        let Some(state) = OperationState::parse(&word) else { continue };
        let oldest = if state.is_open() { oldest_operation(connection, merchant, state)? } else { None };
        groups.push((state, Group { count: row.get(1)?, oldest }));
    }
    Ok(groups)
}

fn oldest_operation(
    connection: &Connection,
    merchant: &str,
    state: OperationState,
) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT min(coalesce(sent_at_ms, intended_at_ms)) FROM operations WHERE merchant = ?1 AND state = ?2",
    )?;
    let oldest: Option<i64> = statement.query_row([merchant, state.as_str()], |row| row.get(0))?;
    Ok(oldest.map(rows::at))
}

fn group(connection: &Connection, sql: &str, merchant: &str, until: Timestamp) -> Result<Group, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let group = statement.query_row(params![merchant, until.as_millis()], |row| {
        Ok(Group { count: row.get(0)?, oldest: row.get::<_, Option<i64>>(1)?.map(rows::at) })
    })?;
    Ok(group)
}

fn count(connection: &Connection, sql: &str, merchant: &str) -> Result<u64, StoreError> {
    Ok(connection.prepare_cached(sql)?.query_row([merchant], |row| row.get(0))?)
}

fn moment(connection: &Connection, sql: &str, merchant: &str) -> Result<Option<Timestamp>, StoreError> {
    let ms: Option<i64> = connection.prepare_cached(sql)?.query_row([merchant], |row| row.get(0))?;
    Ok(ms.map(rows::at))
}
