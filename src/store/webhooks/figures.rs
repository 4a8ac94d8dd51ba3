//! How endpoints stand: what they have not taken, and what was given up.

use rusqlite::params;

use crate::domain::delivery::EndpointName;
use crate::domain::event::Event;
use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;

use super::{Disabled, EndpointKey, disabled, moment};
use crate::store::{Group, Store, StoreError, events, rows};

/// How an endpoint stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointFigures {
    /// Its row.
    pub key: EndpointKey,
    /// Whose.
    pub merchant: MerchantId,
    /// Its name.
    pub name: String,
    /// Events that it has not taken, and when the oldest happened. What was not looked through yet counts whole.
    pub backlog: Group,
    /// Events that were told in vain for three days, and since when the oldest of them is given up.
    pub given_up: Group,
    /// Since when it takes nothing.
    pub down_since: Option<Timestamp>,
    /// That it wants no more.
    pub disabled: Option<Disabled>,
    /// What came of the latest try of the oldest event that waits.
    pub words: Option<String>,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The event.
    pub event: Event,
    /// When it was given up.
    pub at: Timestamp,
    /// How often it was told.
    pub failures: u32,
    /// What came of the latest try.
    pub words: Option<String>,
}

/// Those of a merchant, or of all of them.
const FIGURES: &str = "SELECT e.id, e.merchant, e.name, e.down_since_ms, e.disabled_at_ms, e.disabled_words,
        (SELECT count(*) FROM webhook_deliveries WHERE endpoint = e.id AND given_up_at_ms IS NULL),
        (SELECT at_ms FROM events WHERE seq =
            (SELECT min(seq) FROM webhook_deliveries WHERE endpoint = e.id AND given_up_at_ms IS NULL)),
        (SELECT coalesce(max(seq), 0) FROM events) - e.cursor_seq,
        (SELECT at_ms FROM events WHERE seq > e.cursor_seq ORDER BY seq LIMIT 1),
        (SELECT count(*) FROM webhook_deliveries WHERE endpoint = e.id AND given_up_at_ms IS NOT NULL),
        (SELECT min(given_up_at_ms) FROM webhook_deliveries WHERE endpoint = e.id AND given_up_at_ms IS NOT NULL),
        (SELECT words FROM webhook_deliveries WHERE endpoint = e.id AND given_up_at_ms IS NULL AND words IS NOT NULL
            ORDER BY seq LIMIT 1)
     FROM webhook_endpoints AS e ORDER BY e.merchant, e.name";

impl Store {
    /// How every endpoint that was ever told something stands, those that the configuration no longer names among them.
    pub async fn endpoint_figures(&self) -> Result<Vec<EndpointFigures>, StoreError> {
        self.readers
            .read(|connection| {
                let mut statement = connection.prepare_cached(FIGURES)?;
                let mut found = statement.query([])?;
                let mut figures = Vec::new();
                while let Some(row) = found.next()? {
                    let (waiting, ahead) = (row.get::<_, u64>(6)?, row.get::<_, i64>(8)?);
                    let oldest = [moment(row, 7)?, moment(row, 9)?].into_iter().flatten().min();
                    figures.push(EndpointFigures {
                        key: EndpointKey(row.get(0)?),
                        merchant: rows::merchant(row, "merchant")?,
                        name: row.get(2)?,
                        backlog: Group {
                            count: waiting.saturating_add(u64::try_from(ahead).unwrap_or_default()),
                            oldest,
                        },
                        given_up: Group { count: row.get(10)?, oldest: moment(row, 11)? },
                        down_since: moment(row, 3)?,
                        disabled: disabled(row, 4, 5)?,
                        words: row.get(12)?,
                    });
                }
                Ok(figures)
            })
            .await
    }

    /// Up to `limit` events of an endpoint that were given up, the latest first.
    pub async fn given_up(&self, key: EndpointKey, limit: usize) -> Result<Vec<GivenUp>, StoreError> {
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT seq, given_up_at_ms, failures, words FROM webhook_deliveries
                     WHERE endpoint = ?1 AND given_up_at_ms IS NOT NULL ORDER BY given_up_at_ms DESC, seq DESC LIMIT ?2",
                )?;
                let mut found = statement.query(params![key.0, limit])?;
                let mut given_up = Vec::new();
                while let Some(row) = found.next()? {
                    let Some(event) = events::one(connection, row.get(0)?)? else { continue };
                    let at = rows::at(row.get(1)?);
                    given_up.push(GivenUp { event, at, failures: row.get(2)?, words: row.get(3)? });
                }
                Ok(given_up)
            })
            .await
    }
}

impl EndpointFigures {
    /// Whether this is the endpoint `name` of `merchant`.
    pub fn is(&self, merchant: &MerchantId, name: &EndpointName) -> bool {
        self.merchant == *merchant && self.name == name.as_str()
    }
}
