//! Seals: a keyed MAC over the money columns of a row, checked whenever the row is read.
//!
//! A flipped bit in an amount passes SQLite's own `integrity_check`, and a hand edit passes every CHECK. A seal notices
//! both. It does not notice a whole row put back to what it once was, seal included: that is the witness's work.
//!
//! `ring` and not `hmac` with `sha2`: rustls has it in the tree already, so no further code handles keys.
//!
//! What is sealed is encoded with its length before every part ([`Encoding`]). A column that is NULL is left out, so
//! one that is added later, NULL at first, leaves every seal as it is: name it in [`columns`].

use std::fmt;

use ring::hmac;
use rusqlite::{Connection, Row};

use super::StoreError;
use super::columns;
use super::encoding::Encoding;

/// A table whose rows are sealed, and its columns that money depends on.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) table: &'static str,
    columns: &'static [(usize, &'static str)],
}

/// `orders`.
pub(super) const ORDERS: Sealed = Sealed { table: "orders", columns: columns::Order::SEALED };

/// `operations`.
pub(super) const OPERATIONS: Sealed = Sealed { table: "operations", columns: columns::Operation::SEALED };

impl Sealed {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(_, name)| *name)
    }

    /// `SELECT` with what is sealed and the seal, all that [`Ring::check`] wants; what follows begins with `FROM`,
    /// which is left out here.
    pub(super) fn select(&self, rest: &str) -> String {
        format!("SELECT {}, seal FROM {} {rest}", self.names().collect::<Vec<_>>().join(", "), self.table)
    }

    /// The same of a file that may not have every column yet: those are as NULL.
    pub(super) fn select_present(&self, connection: &Connection) -> Result<String, StoreError> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let present = statement.query_map([self.table], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let is_there = |name: &str| present.iter().any(|there| there == name);
        let of = |name: &str| if is_there(name) { name.to_owned() } else { format!("NULL AS {name}") };
        let columns: Vec<String> = self.names().map(of).collect();
        Ok(format!("SELECT {}, seal FROM {}", columns.join(", "), self.table))
    }
}

/// Bytes of a key's id at the front of a seal: several keys may be live, and which one it was is told by these.
const ID_LENGTH: usize = 4;

/// A key, with its id. Its `Debug` shows the id alone.
#[derive(Clone)]
pub struct SealKey {
    id: [u8; ID_LENGTH],
    key: hmac::Key,
}

impl SealKey {
    /// The key of a secret text.
    pub fn new(secret: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mut id = [0; ID_LENGTH];
        let tag = hmac::sign(&key, b"the id of a key that seals rows");
        id.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Self { id, key }
    }

    /// Its id, as the database notes it.
    pub(super) fn id(&self) -> String {
        hex(&self.id)
    }

    /// What tells whether two secrets are the same, and nothing else of them.
    pub(super) fn fingerprint(&self, secret: &[u8]) -> String {
        let message = [b"the fingerprint of a login\n", secret].concat();
        hex(hmac::sign(&self.key, &message).as_ref())
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let tag = hmac::sign(&self.key, message);
        self.id.iter().chain(tag.as_ref()).copied().collect()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealKey").field(&self.id()).finish()
    }
}

/// The keys at hand.
#[derive(Clone, Debug)]
pub(super) enum Ring {
    /// The first signs, all are accepted.
    Keys {
        /// Signs.
        first: SealKey,
        /// Accepted besides: those before it.
        older: Vec<SealKey>,
    },
    /// None, and why: rows are read unchecked, and nothing can be written.
    None(String),
}

/// What a seal says of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// The row is what was sealed; with the first key, or one before it.
    Intact {
        /// Sealed by an older key.
        is_old: bool,
    },
    /// It is not, or there is no seal.
    Altered,
    /// There is no key to tell.
    Unchecked,
}

impl Ring {
    /// Whether `id`, as the database notes it, is of a key at hand.
    pub(super) fn has(&self, id: &str) -> bool {
        match self {
            Self::Keys { first, older } => std::iter::once(first).chain(older).any(|key| key.id() == id),
            Self::None(_) => false,
        }
    }

    /// The key that signs.
    pub(super) fn first(&self) -> Result<&SealKey, StoreError> {
        match self {
            Self::Keys { first, .. } => Ok(first),
            Self::None(why) => Err(StoreError::KeyNeeded(why.clone())),
        }
    }

    /// What the seal of `row` says of it. The row has what is sealed first, and the seal last.
    pub(super) fn check(&self, row: &Row<'_>, of: &Sealed) -> Result<Seal, StoreError> {
        let Self::Keys { first, older } = self else {
            return Ok(Seal::Unchecked);
        };
        let last = row.as_ref().column_count().saturating_sub(1);
        let Some((id, tag)) = row.get_ref(last)?.as_blob().ok().and_then(|seal| seal.split_at_checked(ID_LENGTH))
        else {
            return Ok(Seal::Altered);
        };
        let Some(key) = std::iter::once(first).chain(older).find(|key| key.id == id) else {
            return Ok(Seal::Altered);
        };
        let message = encode(row, of)?;
        Ok(match hmac::verify(&key.key, &message, tag) {
            Ok(()) => Seal::Intact { is_old: key.id != first.id },
            Err(_) => Seal::Altered,
        })
    }

    /// Seals the row `id` as it stands.
    pub(super) fn seal(&self, connection: &Connection, of: &Sealed, id: i64) -> Result<(), StoreError> {
        let first = self.first()?;
        let table = of.table;
        let message = connection.prepare_cached(&of.select("WHERE id = ?1"))?.query_row([id], |row| encode(row, of))?;
        connection
            .prepare_cached(&format!("UPDATE {table} SET seal = ?2 WHERE id = ?1"))?
            .execute(rusqlite::params![id, first.sign(&message)])?;
        Ok(())
    }
}

/// The money columns of a row.
fn encode(row: &Row<'_>, of: &Sealed) -> Result<Vec<u8>, rusqlite::Error> {
    let mut encoding = Encoding::of(of.table);
    for (place, column) in of.columns {
        encoding.add(column, row.get_ref(*place)?);
    }
    Ok(encoding.into_bytes())
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
