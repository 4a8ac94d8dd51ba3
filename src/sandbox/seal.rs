//! The checksum of a callback: HMAC-SHA256 with a key both sides know, or the bank's RSA signature.
//!
//! Every parameter but the checksum itself and `sign_alias`, sorted by name, as `name;value;`; the result in upper-case
//! hexadecimal.

use std::fmt;
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};
use ring::{error, hmac};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

use super::params::hex_digit;

/// What proves that a callback comes from the bank.
#[derive(Clone, Default, Deserialize)]
#[serde(try_from = "RawSeal")]
pub enum Seal {
    /// Nothing: such callbacks carry no checksum.
    #[default]
    None,
    /// HMAC-SHA256 under this key.
    Hmac(String),
    /// A signature by the bank's key.
    Rsa {
        /// The bank's key.
        key: Arc<RsaKeyPair>,
        /// Which hash is signed.
        hash: RsaHash,
    },
}

/// The hash under an RSA signature. The documents' sample signs SHA-512 and calls it SHA-256; here both are to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RsaHash {
    /// SHA-256.
    Sha256,
    /// SHA-512, as in the documents' sample.
    #[default]
    Sha512,
}

/// A seal as it is written: `{"hmac_key": "..."}`, or `{"rsa_key": "PEM", "hash": "sha512"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeal {
    hmac_key: Option<String>,
    rsa_key: Option<String>,
    #[serde(default)]
    hash: RsaHash,
}

/// A key that is none. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealFormat {
    /// Not a key.
    #[error("the RSA key is not a PKCS#8 private key of 2048 to 4096 bits in PEM")]
    RsaKey,
    /// Neither or both.
    #[error("give either hmac_key or rsa_key, and not an empty one")]
    OneKey,
}

impl TryFrom<RawSeal> for Seal {
    type Error = SealFormat;

    fn try_from(raw: RawSeal) -> Result<Seal, SealFormat> {
        match (raw.hmac_key, raw.rsa_key) {
            (Some(key), None) if !key.is_empty() => Ok(Seal::Hmac(key)),
            (None, Some(pem)) => Seal::rsa(&pem, raw.hash),
            _ => Err(SealFormat::OneKey),
        }
    }
}

/// Which kind, never the key.
impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Seal::None => "None",
            Seal::Hmac(_) => "Hmac",
            Seal::Rsa { .. } => "Rsa",
        })
    }
}

impl Seal {
    /// A signing seal from a PKCS#8 private key in PEM.
    pub fn rsa(pem: &str, hash: RsaHash) -> Result<Seal, SealFormat> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| SealFormat::RsaKey)?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| SealFormat::RsaKey)?;
        Ok(Seal::Rsa { key: Arc::new(key), hash })
    }

    /// Adds what belongs to the seal: `sign_alias` for a signature, and `checksum`, if there is one.
    pub(super) fn put_on(&self, parameters: &mut Vec<(String, String)>) {
        let sealed = canonical(parameters);
        let checksum = match self {
            Seal::None => return,
            Seal::Hmac(key) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
                hex(hmac::sign(&key, sealed.as_bytes()).as_ref())
            }
            Seal::Rsa { key, hash } => {
                // The alias of the documents' sample, whatever the hash.
                parameters.push(("sign_alias".to_owned(), "SHA-256 with RSA".to_owned()));
                match sign(key, *hash, sealed.as_bytes()) {
                    Ok(signature) => hex(&signature),
                    Err(_) => return,
                }
            }
        };
        parameters.push(("checksum".to_owned(), checksum));
    }
}

fn sign(key: &RsaKeyPair, hash: RsaHash, text: &[u8]) -> Result<Vec<u8>, error::Unspecified> {
    let padding: &dyn RsaEncoding = match hash {
        RsaHash::Sha256 => &RSA_PKCS1_SHA256,
        RsaHash::Sha512 => &RSA_PKCS1_SHA512,
    };
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(padding, &SystemRandom::new(), text, &mut signature)?;
    Ok(signature)
}

/// What is sealed.
fn canonical(parameters: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort();
    sorted.iter().flat_map(|(name, value)| [&**name, ";", &**value, ";"]).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests;
