//! What a merchant's callbacks are taken for, as the daemon last noted it: so that a restart does not begin anew, and
//! for whoever reads beside it.

use rusqlite::{OptionalExtension, params};

use crate::domain::order::MerchantId;
use crate::domain::polling::{Standing, StoredCallbacks};

use super::{Store, StoreError, rows};

impl Store {
    /// What is known of a merchant's callbacks. `None` when nothing was written, or by a version that counted
    /// otherwise.
    pub async fn callbacks(&self, merchant: &MerchantId) -> Result<Option<StoredCallbacks>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT standing, since_ms, numbers FROM callbacks WHERE merchant = ?1";
                let mut statement = connection.prepare_cached(sql)?;
                let written: Option<(String, i64, String)> = statement
                    .query_row([merchant.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()?;
                Ok(written.and_then(|(standing, since, numbers)| {
                    let (standing, since) = (Standing::parse(&standing)?, rows::at(since));
                    Some(StoredCallbacks { standing, since, numbers: serde_json::from_str(&numbers).ok()? })
                }))
            })
            .await
    }

    /// Writes down what is known of a merchant's callbacks; `None` when it takes none.
    pub async fn keep_callbacks(
        &self,
        merchant: &MerchantId,
        known: Option<StoredCallbacks>,
    ) -> Result<(), StoreError> {
        let merchant = merchant.clone();
        self.writer
            .write(move |connection| {
                let Some(StoredCallbacks { standing, since, numbers }) = known else {
                    let sql = "DELETE FROM callbacks WHERE merchant = ?1";
                    return connection.prepare_cached(sql)?.execute([merchant.as_str()]).map(drop).map_err(Into::into);
                };
                let Ok(numbers) = serde_json::to_string(&numbers) else { return Ok(()) };
                let sql = "INSERT INTO callbacks (merchant, standing, since_ms, numbers) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT (merchant) DO UPDATE SET standing = excluded.standing, since_ms = excluded.since_ms,
                        numbers = excluded.numbers";
                let values = params![merchant.as_str(), standing.as_str(), since.as_millis(), numbers];
                connection.prepare_cached(sql)?.execute(values)?;
                Ok(())
            })
            .await
    }
}
