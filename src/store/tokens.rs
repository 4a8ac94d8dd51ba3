//! Tokens of the HTTP face: their digests, and what they let do. The token itself is made here, shown once, and kept
//! nowhere.

use std::fmt::Write as _;

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{OptionalExtension, Row, params};
use secrecy::SecretString;

use crate::domain::time::Timestamp;
use crate::domain::token::{Grant, Scope, TokenName};

use super::connection::Connection;
use super::{Store, StoreError, rows};

/// Tokens in force at once at most: each request is compared with all of them.
pub const TOKENS_MAX: usize = 64;

/// 256 bits: nobody guesses them, so that their digest needs no salt and no slowness.
const TOKEN_BYTES: usize = 32;

/// What a token begins with, so that whoever finds one in a log or a repository knows what it is.
const PREFIX: &str = "rcnd_";

/// A token in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// What it lets do.
    pub grant: Grant,
    /// Its SHA-256.
    pub digest: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// And by whom.
    pub created_by: String,
}

impl KnownToken {
    /// The SHA-256 of what was shown.
    pub fn digest_of(shown: &[u8]) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, shown).as_ref());
        bytes
    }
}

/// What became of a wish for a token.
#[derive(Debug)]
pub enum Granting {
    /// It is in force; this is the only time that anybody sees it.
    Granted(SecretString),
    /// The name is in use.
    NameTaken,
    /// There are [`TOKENS_MAX`] already.
    TooMany,
}

impl Store {
    /// Makes a token and puts it in force.
    pub async fn grant_token(&self, grant: Grant, by: &str, now: Timestamp) -> Result<Granting, StoreError> {
        let token = random_token()?;
        let digest = KnownToken::digest_of(token.as_bytes());
        let by = by.to_owned();
        self.writer
            .write(move |connection| {
                let present = in_force(connection)?;
                if present.iter().any(|known| known.grant.name == grant.name) {
                    return Ok(Granting::NameTaken);
                }
                if present.len() >= TOKENS_MAX {
                    return Ok(Granting::TooMany);
                }
                connection
                    .prepare_cached(
                        "INSERT INTO tokens (name, digest, scopes, created_at_ms, created_by, expires_at_ms)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        grant.name.as_str(),
                        digest,
                        grant.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
                        now.as_millis(),
                        by,
                        grant.expires_at.map(Timestamp::as_millis),
                    ])?;
                Ok(Granting::Granted(SecretString::from(token)))
            })
            .await
    }

    /// Takes a token out of force; `None` when there is none of this name.
    pub async fn revoke_token(
        &self,
        name: &TokenName,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<KnownToken>, StoreError> {
        let (name, by) = (name.clone(), by.to_owned());
        self.writer
            .write(move |connection| {
                let found = {
                    let sql = format!("{SELECTED} AND name = ?1");
                    let mut statement = connection.prepare_cached(&sql)?;
                    let found = statement.query_row([name.as_str()], |row| Ok(token(row))).optional()?;
                    found.transpose()?
                };
                if found.is_some() {
                    connection
                        .prepare_cached(
                            "UPDATE tokens SET revoked_at_ms = ?2, revoked_by = ?3
                             WHERE name = ?1 AND revoked_at_ms IS NULL",
                        )?
                        .execute(params![name.as_str(), now.as_millis(), by])?;
                }
                Ok(found)
            })
            .await
    }

    /// The tokens that were not revoked, by name; some may have run out.
    pub async fn tokens(&self) -> Result<Vec<KnownToken>, StoreError> {
        self.readers.read(in_force).await
    }
}

const SELECTED: &str = "SELECT name, digest, scopes, created_at_ms, created_by, expires_at_ms FROM tokens
    WHERE revoked_at_ms IS NULL";

fn in_force(connection: &Connection) -> Result<Vec<KnownToken>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECTED} ORDER BY name"))?;
    let mut found = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(token(row)?);
    }
    Ok(all)
}

fn token(row: &Row<'_>) -> Result<KnownToken, StoreError> {
    let (name, scopes): (String, String) = (row.get("name")?, row.get("scopes")?);
    let expires_at: Option<i64> = row.get("expires_at_ms")?;
    let scope = |word: &str| Scope::parse(word).ok_or_else(|| rows::unreadable("token scope", word));
    Ok(KnownToken {
        grant: Grant {
            name: TokenName::new(&name).map_err(|_| rows::unreadable("token name", &name))?,
            scopes: scopes.split(' ').map(scope).collect::<Result<_, _>>()?,
            expires_at: expires_at.map(rows::at),
        },
        digest: row.get("digest")?,
        created_at: rows::at(row.get("created_at_ms")?),
        created_by: row.get("created_by")?,
    })
}

fn random_token() -> Result<String, StoreError> {
    let mut bytes = [0; TOKEN_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::Refused("the system gives no random bytes".to_owned()))?;
    Ok(bytes.iter().fold(PREFIX.to_owned(), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
