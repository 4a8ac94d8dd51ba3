//! What is asked of `[integrity]`: the keys that seal money rows, and where the witness is.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::raw::{NOT_SHOWN, Noted, Section};
use super::secrets::{self, Reading, Secret, Surroundings, Wrong};

/// The shortest key, in characters: a MAC is as strong as its key, and `openssl rand -hex 32` prints 64.
const KEY_MIN: usize = 32;

/// Keys at most: one that signs, and those before it, of which a rotation leaves one.
const KEYS_MAX: usize = 8;

const FORM: &str = "write a list of references, the key that seals first: keys = [{ credential = \"seal-key\" }]";

/// What guards the database's rows and its sends.
#[derive(Clone, Debug)]
pub struct IntegrityConfig {
    /// The keys that seal money rows.
    pub keys: SealKeys,
    /// The witness's file, absolute; `None` is the one beside the database.
    pub witness: Option<PathBuf>,
}

/// The keys that seal money rows. `Debug` shows none.
#[derive(Clone, Debug)]
pub enum SealKeys {
    /// None is configured: the one in the file beside the database.
    Beside,
    /// These: the first seals, all are accepted.
    Given(Vec<SecretString>),
    /// They are configured, and cannot be read by this process; why, for people.
    Unread(String),
}

/// Reads the table.
pub(super) fn integrity(section: &mut Section<'_, '_>, around: &Surroundings<'_>) -> Result<IntegrityConfig, Noted> {
    let keys = keys(section, around);
    let witness = section.parsed("witness", |text| match text {
        "" => Err("name the witness's file, or leave the key out".to_owned()),
        text => Ok(around.directory.join(text)),
    });
    Ok(IntegrityConfig { keys: keys?, witness: witness.transpose()? })
}

fn keys(section: &mut Section<'_, '_>, around: &Surroundings<'_>) -> Result<SealKeys, Noted> {
    let Some(value) = section.take("keys") else {
        return Ok(SealKeys::Beside);
    };
    let Some(items) = value.get_ref().as_array().filter(|items| (1..=KEYS_MAX).contains(&items.len())) else {
        return Err(section.problem_showing("keys", NOT_SHOWN, format!("{FORM}; at most {KEYS_MAX}")));
    };
    // The command line seals rows too, so it reads these even where it reads no other secret; if it may.
    let is_lenient = around.reading == Reading::NoSecrets;
    let reading = if is_lenient { Reading::Everything } else { around.reading };
    let around = Surroundings { reading, ..*around };
    let mut given = Vec::new();
    for item in items {
        match secrets::follow(item.get_ref(), &around).and_then(fit) {
            Ok(secret) if secret.was_read => given.push(secret.text),
            Ok(_) => return Ok(SealKeys::Unread("a credential of systemd, which was not read".to_owned())),
            Err(Wrong { shown, remedy }) if is_lenient => return Ok(SealKeys::Unread(unread(&shown, &remedy))),
            Err(Wrong { shown, remedy }) => return Err(section.problem_showing("keys", shown, remedy)),
        }
    }
    Ok(SealKeys::Given(given))
}

fn fit(secret: Secret) -> Result<Secret, Wrong> {
    let wrong = |remedy: String| Err(Wrong { shown: NOT_SHOWN.to_owned(), remedy });
    if secret.is_public {
        return wrong("a key that everybody may read guards nothing; refer to a secret".to_owned());
    }
    if secret.was_read && secret.text.expose_secret().chars().count() < KEY_MIN {
        return wrong(format!("give at least {KEY_MIN} characters: openssl rand -hex 32"));
    }
    Ok(secret)
}

fn unread(shown: &str, remedy: &str) -> String {
    format!(
        "the key {shown} under [integrity] cannot be read here ({remedy}); do this through the HTTP API, which has the \
         key, or let `keys` refer to a file that you may read too"
    )
}
