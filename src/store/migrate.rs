//! The schema's versions: numbered files, never edited once shipped. All that a file lacks is applied in one
//! transaction, at whose end every row is sealed: what a migration writes into a sealed row has its seal when anybody
//! can see it.

use rusqlite::{Connection, TransactionBehavior};

use std::collections::BTreeSet;

use super::StoreError;
use super::home::Home;
use super::meta::{self, Meta};
use super::seal::{OPERATIONS, ORDERS, Ring, Seal, Sealed};

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_orders.sql"),
    include_str!("migrations/0002_holds.sql"),
    include_str!("migrations/0003_money_guard.sql"),
    include_str!("migrations/0004_seals.sql"),
    include_str!("migrations/0005_reviews.sql"),
    include_str!("migrations/0006_witnessed.sql"),
    include_str!("migrations/0007_answers.sql"),
    include_str!("migrations/0008_registrations.sql"),
    include_str!("migrations/0009_verbs.sql"),
    include_str!("migrations/0010_logins.sql"),
    include_str!("migrations/0011_stuck_registrations.sql"),
    include_str!("migrations/0012_almanacs.sql"),
    include_str!("migrations/0013_pace.sql"),
    include_str!("migrations/0014_webhooks.sql"),
    include_str!("migrations/0015_tokens.sql"),
    include_str!("migrations/0016_request_keys.sql"),
    include_str!("migrations/0017_journal_chain.sql"),
];

/// The schema this program writes: the number of the last migration.
pub const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Marks the file as ours (`PRAGMA application_id`): "rcnd".
const APPLICATION_ID: i64 = 0x7263_6e64;

/// Why a database's schema cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Written by a newer program.
    #[error(
        "its schema is version {found}, and this program knows versions up to {known}; it was left untouched. Run the newer program, or restore a backup made before the upgrade"
    )]
    Newer {
        /// The version in the file.
        found: i64,
        /// The newest we know.
        known: usize,
    },
    /// Not ours.
    #[error(
        "it belongs to another program (application_id {0}); it was left untouched. Mend `database` in the configuration"
    )]
    Foreign(i64),
    /// Rows that are there cannot be sealed.
    #[error("its rows cannot be sealed: {0}")]
    Unsealed(StoreError),
    /// SQLite's word.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrateError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

/// Refuses a schema newer than this program, and another program's file, before anything is written.
pub(super) fn refuse_newer(connection: &Connection) -> Result<(), MigrateError> {
    let found = user_version(connection)?;
    if usize::try_from(found).map_or(true, |found| found > SCHEMA_VERSION) {
        return Err(MigrateError::Newer { found, known: SCHEMA_VERSION });
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(MigrateError::Foreign(application));
    }
    Ok(())
}

/// Whether the file's rows have seals.
pub(super) fn is_sealed(connection: &Connection) -> Result<bool, MigrateError> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))? > 0)
}

/// The file's version, when it does not have every migration.
pub(super) fn outdated(connection: &Connection) -> Result<Option<i64>, MigrateError> {
    let found = user_version(connection)?;
    Ok(usize::try_from(found).is_ok_and(|found| found < SCHEMA_VERSION).then_some(found))
}

/// Applies every migration the file does not have yet, and seals every row; but rows that were altered before are left
/// as they are, so that they are found. `home` is where the file is.
pub(super) fn to_latest(connection: &mut Connection, ring: &Ring, home: &Home) -> Result<(), MigrateError> {
    if outdated(connection)?.is_none() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read under the write lock: another process may have migrated in between.
    let present = usize::try_from(user_version(&transaction)?).unwrap_or(0);
    let was_sealed = is_sealed(&transaction)?;
    let altered = if was_sealed { altered(&transaction, ring) } else { Ok(BTreeSet::new()) };
    let altered = altered.map_err(MigrateError::Unsealed)?;
    for migration in MIGRATIONS.iter().skip(present) {
        transaction.execute_batch(migration)?;
    }
    if present < SCHEMA_VERSION {
        seal_but(&transaction, ring, &altered).map_err(MigrateError::Unsealed)?;
        if !was_sealed {
            meta::set(&transaction, Meta::Home, &home.to_text())?;
        }
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(transaction.commit()?)
}

/// Rows by their table and id.
type Rows = BTreeSet<(&'static str, i64)>;

/// Seals every row as it stands.
pub(super) fn seal_all(connection: &Connection, ring: &Ring) -> Result<(), StoreError> {
    seal_but(connection, ring, &Rows::new())
}

fn seal_but(connection: &Connection, ring: &Ring, altered: &Rows) -> Result<(), StoreError> {
    for of in [&ORDERS, &OPERATIONS] {
        let left = ids(connection, of)?.into_iter().filter(|id| !altered.contains(&(of.table, *id)));
        left.into_iter().try_for_each(|id| ring.seal(connection, of, id))?;
    }
    meta::add_seal_key(connection, &ring.first()?.id())?;
    Ok(())
}

fn altered(connection: &Connection, ring: &Ring) -> Result<Rows, StoreError> {
    let mut altered = Rows::new();
    for of in [&ORDERS, &OPERATIONS] {
        let mut statement = connection.prepare(&of.select_present(connection)?)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if ring.check(row, of)? == Seal::Altered {
                altered.insert((of.table, row.get("id")?));
            }
        }
    }
    Ok(altered)
}

fn ids(connection: &Connection, of: &Sealed) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT id FROM {}", of.table))?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

fn user_version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
