//! Refused logins: which merchants' credentials nothing is sent with, since when and why, and who let them go again.

use rusqlite::{Row, params};
use secrecy::{ExposeSecret, SecretString};

use crate::domain::event::Cause;
use crate::domain::login::{CREDENTIALS_CHANGED, LoginRefusal, Refused};
use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::{Store, StoreError, rows};

impl Store {
    /// A merchant's credentials as a word that tells whether two of them are the same, and nothing else: a MAC under
    /// the key that seals rows.
    pub async fn fingerprint(&self, credentials: SecretString) -> Result<String, StoreError> {
        self.readers
            .read(move |connection| Ok(connection.ring().first()?.fingerprint(credentials.expose_secret().as_bytes())))
            .await
    }

    /// Writes down that a merchant's login was refused, which from now on every process heeds. One that stands already
    /// stays as it is.
    pub async fn refuse_login(
        &self,
        merchant: &MerchantId,
        fingerprint: &str,
        refused: Refused,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (merchant, fingerprint) = (merchant.clone(), fingerprint.to_owned());
        self.writer
            .write(move |connection| {
                let present = in_force(connection, &merchant)?;
                if present.as_ref().is_some_and(|present| present.fingerprint == fingerprint) {
                    return Ok(());
                }
                // Of other credentials: those are gone.
                if present.is_some() {
                    lift(connection, &merchant, CREDENTIALS_CHANGED, CREDENTIALS_CHANGED, now)?;
                }
                connection
                    .prepare_cached(
                        "INSERT INTO login_refusals (merchant, fingerprint, at_ms, request, words)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![
                        merchant.as_str(),
                        fingerprint,
                        now.as_millis(),
                        refused.request.as_str(),
                        refused.words
                    ])?;
                Ok(())
            })
            .await
    }

    /// The refusal in force of a merchant's login.
    pub async fn login_refusal(&self, merchant: &MerchantId) -> Result<Option<LoginRefusal>, StoreError> {
        let merchant = merchant.clone();
        self.readers.read(move |connection| in_force(connection, &merchant)).await
    }

    /// Whether the latest refusal of these credentials was lifted by a person.
    pub async fn login_was_resumed(&self, merchant: &MerchantId, fingerprint: &str) -> Result<bool, StoreError> {
        let (merchant, fingerprint) = (merchant.clone(), fingerprint.to_owned());
        self.readers
            .read(move |connection| {
                let sql = "SELECT lifted_by FROM login_refusals WHERE merchant = ?1 AND fingerprint = ?2
                    ORDER BY id DESC LIMIT 1";
                let mut statement = connection.prepare_cached(sql)?;
                let mut found = statement.query(params![merchant.as_str(), fingerprint])?;
                let by: Option<String> = found.next()?.map(|row| row.get(0)).transpose()?.flatten();
                Ok(by.is_some_and(|by| by != CREDENTIALS_CHANGED))
            })
            .await
    }

    /// Every refusal in force, the oldest first.
    pub async fn login_refusals(&self) -> Result<Vec<LoginRefusal>, StoreError> {
        self.readers
            .read(|connection| {
                let sql = "SELECT * FROM login_refusals WHERE lifted_at_ms IS NULL ORDER BY id";
                let mut statement = connection.prepare_cached(sql)?;
                let mut found = statement.query([])?;
                let mut refusals = Vec::new();
                while let Some(row) = found.next()? {
                    refusals.push(refusal(row)?);
                }
                Ok(refusals)
            })
            .await
    }

    /// Lifts the refusal of a merchant's login, on a person's word; what was lifted, if one stood.
    pub async fn resume_login(
        &self,
        merchant: &MerchantId,
        cause: Cause,
        reason: String,
        now: Timestamp,
    ) -> Result<Option<LoginRefusal>, StoreError> {
        self.lift_login(merchant, cause.to_text(), reason, now).await
    }

    /// Lifts it because the credentials are others now.
    pub async fn login_changed(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
    ) -> Result<Option<LoginRefusal>, StoreError> {
        let word = || CREDENTIALS_CHANGED.to_owned();
        self.lift_login(merchant, word(), word(), now).await
    }

    async fn lift_login(
        &self,
        merchant: &MerchantId,
        by: String,
        reason: String,
        now: Timestamp,
    ) -> Result<Option<LoginRefusal>, StoreError> {
        let merchant = merchant.clone();
        let lifted = self
            .writer
            .write(move |connection| {
                let present = in_force(connection, &merchant)?;
                if present.is_some() {
                    lift(connection, &merchant, &by, &reason, now)?;
                }
                Ok(present)
            })
            .await;
        self.ring();
        lifted
    }
}

fn in_force(connection: &Connection, merchant: &MerchantId) -> Result<Option<LoginRefusal>, StoreError> {
    let sql = "SELECT * FROM login_refusals WHERE merchant = ?1 AND lifted_at_ms IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([merchant.as_str()])?;
    found.next()?.map(refusal).transpose()
}

fn refusal(row: &Row<'_>) -> Result<LoginRefusal, StoreError> {
    Ok(LoginRefusal {
        merchant: rows::merchant(row, "merchant")?,
        fingerprint: row.get("fingerprint")?,
        since: rows::at(row.get("at_ms")?),
        request: row.get("request")?,
        words: row.get("words")?,
    })
}

fn lift(
    connection: &Connection,
    merchant: &MerchantId,
    by: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE login_refusals SET lifted_at_ms = ?2, lifted_by = ?3, lifted_reason = ?4
             WHERE merchant = ?1 AND lifted_at_ms IS NULL",
        )?
        .execute(params![merchant.as_str(), now.as_millis(), by, rows::shortened(reason)])?;
    Ok(())
}
