//! What is asked of `[merchant.callbacks]`: what the bank's callbacks are checked with, and what an unknown order of
//! theirs does.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::raw::{NOT_SHOWN, Noted, Section};
use super::secrets::{self, Surroundings};
use crate::callback::{Hash, Key};

/// The longest file with a key, in bytes: a certificate of the longest key has a quarter of it.
const PEM_MAX: u64 = 1 << 16;

/// How a merchant's callbacks are taken.
#[derive(Clone, Debug)]
pub struct CallbackConfig {
    /// What they are checked with.
    pub key: Key,
    /// Whether one about an order that is not in the queue makes the bank be asked for it.
    pub discover: bool,
}

/// How a checksum is made.
#[derive(Clone, Copy)]
enum Scheme {
    Hmac(Hash),
    Rsa(Hash),
}

/// Reads the table; `None` when callbacks are not taken. `is_real` says that real money is behind the gateway.
pub(super) fn callbacks(
    section: &mut Section<'_, '_>,
    around: &Surroundings<'_>,
    is_real: bool,
) -> Result<Option<CallbackConfig>, Noted> {
    let scheme = section.parsed("checksum", scheme).transpose();
    let secret = secrets::secret(section, "secret", around).transpose();
    let public_key = section.text("public_key").transpose();
    let discover = section.parsed_or("unknown", false, |text| match text {
        "ignore" => Ok(false),
        "discover" => Ok(true),
        _ => Err("write \"ignore\" or \"discover\"".to_owned()),
    });
    let (scheme, secret, public_key) = (scheme?.flatten(), secret?, public_key?);
    let key = match (scheme, secret, public_key) {
        (None, None, None) => return Ok(None),
        (None, _, _) => return Err(section.problem("checksum", "say how the bank makes it, such as \"hmac-sha256\"")),
        (Some(Scheme::Hmac(_)), _, Some(_)) => {
            return Err(section.problem("public_key", "an HMAC has a secret and no public key; leave it out"));
        }
        (Some(Scheme::Rsa(_)), Some(_), _) => {
            let remedy = "a signature has a public key and no secret; leave it out";
            return Err(section.problem_showing("secret", NOT_SHOWN, remedy));
        }
        (Some(Scheme::Hmac(_)), None, None) => {
            return Err(section.problem("secret", "refer to the secret of the bank's console"));
        }
        (Some(Scheme::Rsa(_)), None, None) => {
            return Err(section.problem("public_key", "name the PEM file with the bank's public key or certificate"));
        }
        (Some(Scheme::Hmac(_)), Some(secret), None) if secret.is_public && is_real => {
            let remedy = "a public secret is for a sandbox on a loopback address; refer to a secret";
            return Err(section.problem_showing("secret", NOT_SHOWN, remedy));
        }
        (Some(Scheme::Hmac(hash)), Some(secret), None) => Key::hmac(hash, &secret.text),
        (Some(Scheme::Rsa(hash)), None, Some(path)) => {
            let path = around.directory.join(path);
            let key = read(&path).and_then(|pem| Key::rsa(hash, &pem));
            key.map_err(|wrong| section.problem("public_key", format!("{}: {wrong}", path.display())))?
        }
    };
    Ok(Some(CallbackConfig { key, discover }))
}

fn scheme(text: &str) -> Result<Option<Scheme>, String> {
    Ok(Some(match text {
        "off" => return Ok(None),
        "hmac-sha256" => Scheme::Hmac(Hash::Sha256),
        "hmac-sha384" => Scheme::Hmac(Hash::Sha384),
        "hmac-sha512" => Scheme::Hmac(Hash::Sha512),
        "rsa-sha256" => Scheme::Rsa(Hash::Sha256),
        "rsa-sha384" => Scheme::Rsa(Hash::Sha384),
        "rsa-sha512" => Scheme::Rsa(Hash::Sha512),
        _ => return Err("write \"off\", or hmac- or rsa- with sha256, sha384 or sha512: \"rsa-sha512\"".to_owned()),
    }))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| error.to_string();
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("not a plain file".to_owned());
    }
    let mut pem = Vec::new();
    fs::File::open(path).map_err(unreadable)?.take(PEM_MAX).read_to_end(&mut pem).map_err(unreadable)?;
    Ok(pem)
}
