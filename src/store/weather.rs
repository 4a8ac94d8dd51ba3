//! What the weather is at each merchant's bank, as the daemon last noted it, for whoever reads beside it. Nothing rests
//! on it: the breaker lives in the daemon.

use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;
use crate::domain::weather::Weather;

use super::connection::Connection;
use super::{Store, StoreError, meta, rows};

/// A bank that tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Whose.
    pub merchant: MerchantId,
    /// Since when.
    pub since: Timestamp,
    /// What the matter is.
    pub class: Weather,
    /// What the answer was that settled it.
    pub words: String,
}

impl Store {
    /// Notes that the bank of `merchant` tells nothing, since when and why; or that it tells something.
    pub async fn note_weather(
        &self,
        merchant: &MerchantId,
        incident: Option<(Timestamp, Weather, String)>,
    ) -> Result<(), StoreError> {
        let merchant = merchant.clone();
        let text = incident.map(|(since, class, words)| {
            format!("{} {} {}", since.as_millis(), class.as_str(), rows::shortened(&words))
        });
        self.writer
            .write(move |connection: &Connection| Ok(meta::set_weather(connection, &merchant, text.as_deref())?))
            .await
    }

    /// The banks that tell nothing, by merchant.
    pub async fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        let noted = self.readers.read(|connection| Ok(meta::weather(connection)?)).await?;
        Ok(noted.into_iter().filter_map(|(merchant, text)| read(&merchant, &text)).collect())
    }
}

/// What cannot be read was written by another version, and tells nothing.
fn read(merchant: &str, text: &str) -> Option<Incident> {
    let mut parts = text.splitn(3, ' ');
    let since = parts.next()?.parse().ok().map(Timestamp::from_millis)?;
    let class = Weather::parse(parts.next()?)?;
    let words = parts.next()?.to_owned();
    Some(Incident { merchant: MerchantId::new(merchant).ok()?, since, class, words })
}
