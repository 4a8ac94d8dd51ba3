//! Where the configuration says that the database is, and what guards it.

use secrecy::ExposeSecret;

use crate::config::{Config, SealKeys};
use crate::store::{Keys, Place, SealKey};

/// The place of `config`'s database.
pub fn place(config: &Config) -> Place {
    let beside = Place::at(&config.database);
    let keys = match &config.integrity.keys {
        SealKeys::Beside => Keys::Beside,
        SealKeys::Unread(why) => Keys::Unread(why.clone()),
        SealKeys::Given(secrets) => {
            let mut keys = secrets.iter().map(|secret| SealKey::new(secret.expose_secret()));
            keys.next().map_or(Keys::Beside, |first| Keys::Given { first, older: keys.collect() })
        }
    };
    let witness = config.integrity.witness.clone().unwrap_or_else(|| beside.witness.clone());
    Place { keys, witness, ..beside }
}
