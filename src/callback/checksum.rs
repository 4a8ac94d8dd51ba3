//! Checksums: HMAC with a secret that the shop shares with the bank, or the bank's RSA signature.
//!
//! The bank's example signs with SHA-512 and calls it `SHA-256 with RSA`, so the hash is the configuration's word and
//! never the request's.

use std::fmt;

use ring::hmac;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use secrecy::{ExposeSecret, SecretString};

use super::params::hex_digit;

/// What is signed is hashed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    const fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    /// PKCS#1 v1.5, of keys from 2048 bits on: what is shorter is not worth a signature any more.
    fn rsa(self) -> &'static dyn SignatureVerificationAlgorithm {
        match self {
            Self::Sha256 => webpki::ring::RSA_PKCS1_2048_8192_SHA256,
            Self::Sha384 => webpki::ring::RSA_PKCS1_2048_8192_SHA384,
            Self::Sha512 => webpki::ring::RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

/// What a merchant's callbacks are checked with. `Debug` shows no secret.
#[derive(Clone)]
pub enum Key {
    /// A secret shared with the bank.
    Hmac(Hash, hmac::Key),
    /// The bank's public key.
    Rsa(Hash, PublicKey),
}

/// A public key, as a certificate or by itself, in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// By itself.
    Bare(Vec<u8>),
    /// In a certificate. Who issued it, and until when, is not asked: it was given to us as the bank's.
    Certified(Vec<u8>),
}

impl Key {
    /// The key of a shared secret.
    pub fn hmac(hash: Hash, secret: &SecretString) -> Self {
        Self::Hmac(hash, hmac::Key::new(hash.hmac(), secret.expose_secret().as_bytes()))
    }

    /// The key in a PEM file: a public key, or a certificate.
    pub fn rsa(hash: Hash, pem: &[u8]) -> Result<Self, String> {
        let bare = SubjectPublicKeyInfoDer::from_pem_slice(pem).map(|key| PublicKey::Bare(key.to_vec()));
        let certified = || CertificateDer::from_pem_slice(pem).map(|found| PublicKey::Certified(found.to_vec()));
        let key = bare.or_else(|_| certified()).map_err(|_| "it has neither a PUBLIC KEY nor a CERTIFICATE in PEM")?;
        // A signature that is none tells a key that cannot be used from one that can.
        match key.verify(hash, b"", &[0; 256]) {
            Err(webpki::Error::InvalidSignatureForPublicKey) => Ok(Self::Rsa(hash, key)),
            Ok(()) | Err(_) => Err("its key is no RSA key of 2048 bits or more".to_owned()),
        }
    }

    /// How the checksum is made, in the configuration's word.
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Hmac(Hash::Sha256, _) => "hmac-sha256",
            Self::Hmac(Hash::Sha384, _) => "hmac-sha384",
            Self::Hmac(Hash::Sha512, _) => "hmac-sha512",
            Self::Rsa(Hash::Sha256, _) => "rsa-sha256",
            Self::Rsa(Hash::Sha384, _) => "rsa-sha384",
            Self::Rsa(Hash::Sha512, _) => "rsa-sha512",
        }
    }

    /// Whether `other` accepts what this one does.
    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hmac(hash, key), Self::Hmac(other_hash, other)) => {
                let tag = hmac::sign(key, b"the same key");
                hash == other_hash && hmac::verify(other, b"the same key", tag.as_ref()).is_ok()
            }
            (Self::Rsa(hash, key), Self::Rsa(other_hash, other)) => hash == other_hash && key == other,
            (Self::Hmac(..), Self::Rsa(..)) | (Self::Rsa(..), Self::Hmac(..)) => false,
        }
    }

    /// Whether `checksum`, in hexadecimal digits of either case, is that of `text`. The time it takes tells nothing of
    /// the right one.
    pub fn verifies(&self, text: &[u8], checksum: &[u8]) -> bool {
        let Some(found) = from_hex(checksum) else { return false };
        match self {
            Self::Hmac(_, key) => hmac::verify(key, text, &found).is_ok(),
            Self::Rsa(hash, key) => key.verify(*hash, text, &found).is_ok(),
        }
    }
}

impl PublicKey {
    fn verify(&self, hash: Hash, text: &[u8], signature: &[u8]) -> Result<(), webpki::Error> {
        match self {
            Self::Bare(key) => {
                let key = SubjectPublicKeyInfoDer::from(key.as_slice());
                webpki::RawPublicKeyEntity::try_from(&key)?.verify_signature(hash.rsa(), text, signature)
            }
            Self::Certified(certificate) => {
                let certificate = CertificateDer::from(certificate.as_slice());
                webpki::EndEntityCert::try_from(&certificate)?.verify_signature(hash.rsa(), text, signature)
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmac(hash, _) => f.debug_tuple("Hmac").field(hash).finish_non_exhaustive(),
            Self::Rsa(hash, key) => f.debug_tuple("Rsa").field(hash).field(key).finish(),
        }
    }
}

/// The longest checksum, in bytes: a signature of the longest key, 8192 bits.
const CHECKSUM_MAX: usize = 1024;

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() > CHECKSUM_MAX * 2 || !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some((hex_digit(*high)? << 4) | hex_digit(*low)?),
            _ => None,
        })
        .collect()
}
