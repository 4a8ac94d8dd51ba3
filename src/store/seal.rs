//! Seals: a keyed MAC over the money columns of a row, checked whenever the row is read.
//!
//! A flipped bit in an amount passes SQLite's own `integrity_check`, and a hand edit passes every CHECK. A seal notices
//! both. It does not notice a whole row put back to what it once was, seal included: that is the witness's work.
//!
//! `ring` and not `hmac` with `sha2`: rustls has it in the tree already, so no further code handles keys.
//!
//! What is sealed is written with its length before every part, so that no two rows have one encoding. A column that is
//! NULL is left out, so one that is added later, NULL at first, leaves every seal as it is: name it in the list.

use std::fmt;

use ring::hmac;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::StoreError;

/// A table whose rows are sealed, and its columns that money depends on.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) table: &'static str,
    columns: &'static [&'static str],
}

/// `orders`.
pub(super) const ORDERS: Sealed = Sealed {
    table: "orders",
    columns: &[
        "id",
        "version",
        "merchant",
        "order_number",
        "order_id",
        "amount_minor",
        "currency",
        "state",
        "complete_amount_minor",
        "parked",
        "released_at_ms",
        "held_at_ms",
        "held_at_first_ms",
        "hold_begun_at_ms",
        "lapses_at_ms",
        "complete_at_ms",
        "deadline_at_ms",
        "review_code",
        "accepted_code",
        "state_before_review",
    ],
};

/// `operations`.
pub(super) const OPERATIONS: Sealed = Sealed {
    table: "operations",
    columns: &[
        "id",
        "order_key",
        "kind",
        "amount_minor",
        "state",
        "attempt",
        "unknown_sends",
        "expected_minor",
        "sent_at_ms",
        "answered_at_ms",
        "witness_seq",
    ],
};

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

    /// What the seal of `row`, which has every column of its table, says of it.
    pub(super) fn check(&self, row: &Row<'_>, of: &Sealed) -> Result<Seal, StoreError> {
        let Self::Keys { first, older } = self else {
            return Ok(Seal::Unchecked);
        };
        let Some((id, tag)) = row.get_ref("seal")?.as_blob().ok().and_then(|seal| seal.split_at_checked(ID_LENGTH))
        else {
            return Ok(Seal::Altered);
        };
        let Some(key) = std::iter::once(first).chain(older).find(|key| key.id == id) else {
            return Ok(Seal::Altered);
        };
        let message = encode(row, of);
        Ok(match hmac::verify(&key.key, &message, tag) {
            Ok(()) => Seal::Intact { is_old: key.id != first.id },
            Err(_) => Seal::Altered,
        })
    }

    /// Seals the row `id` as it stands.
    pub(super) fn seal(&self, connection: &Connection, of: &Sealed, id: i64) -> Result<(), StoreError> {
        let first = self.first()?;
        let table = of.table;
        let message = connection
            .prepare_cached(&format!("SELECT * FROM {table} WHERE id = ?1"))?
            .query_row([id], |row| Ok(encode(row, of)))?;
        connection
            .prepare_cached(&format!("UPDATE {table} SET seal = ?2 WHERE id = ?1"))?
            .execute(rusqlite::params![id, first.sign(&message)])?;
        Ok(())
    }
}

/// The money columns of a row, each by its name, with lengths before them; NULLs are left out.
fn encode(row: &Row<'_>, of: &Sealed) -> Vec<u8> {
    let mut message = Vec::with_capacity(512);
    push(&mut message, of.table.as_bytes());
    for column in of.columns {
        let number;
        // A column that is not there yet, because the row is checked on the way to the schema that has it, is as NULL.
        let Ok(found) = row.get_ref(*column) else { continue };
        let (kind, value) = match found {
            ValueRef::Null => continue,
            ValueRef::Integer(integer) => {
                number = integer.to_be_bytes();
                (b'i', number.as_slice())
            }
            ValueRef::Real(real) => {
                number = real.to_bits().to_be_bytes();
                (b'r', number.as_slice())
            }
            ValueRef::Text(text) => (b't', text),
            ValueRef::Blob(blob) => (b'b', blob),
        };
        push(&mut message, column.as_bytes());
        message.push(kind);
        push(&mut message, value);
    }
    message
}

fn push(message: &mut Vec<u8>, part: &[u8]) {
    message.extend_from_slice(&(part.len() as u64).to_be_bytes());
    message.extend_from_slice(part);
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
