//! Where a database is, and what guards it.

use std::path::{Path, PathBuf};

use super::seal::SealKey;
use super::witness;

/// A database's file, the keys of its rows' seals, and its witness.
#[derive(Clone, Debug)]
pub struct Place {
    /// The database file.
    pub database: PathBuf,
    /// The keys.
    pub keys: Keys,
    /// The witness.
    pub witness: PathBuf,
    /// Whether rows sealed with a key that is lost are sealed anew as they stand, on a person's word.
    pub lost_key: bool,
}

/// The keys of the rows' seals.
#[derive(Clone, Debug)]
pub enum Keys {
    /// In a file beside the database, made when it is missing.
    Beside,
    /// These: the first signs, all are accepted.
    Given {
        /// Signs.
        first: SealKey,
        /// Accepted besides.
        older: Vec<SealKey>,
    },
    /// They cannot be read here, and why: rows are read unchecked, and none can be written.
    Unread(String),
}

impl Place {
    /// The database at `database`, with its key and its witness beside it.
    pub fn at(database: &Path) -> Self {
        Self { database: database.to_owned(), keys: Keys::Beside, witness: witness::beside(database), lost_key: false }
    }
}

impl From<&Path> for Place {
    fn from(database: &Path) -> Self {
        Self::at(database)
    }
}

impl From<&PathBuf> for Place {
    fn from(database: &PathBuf) -> Self {
        Self::at(database)
    }
}

impl From<&Self> for Place {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}
