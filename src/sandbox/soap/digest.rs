//! The password that is not said: `Base64(SHA-1(nonce + created + password))`, as WS-Security has it.
//!
//! SHA-1 because the profile of 2004 knows no other. How old a token is and whether it was used before is not looked
//! at: a sandbox has nothing to steal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// What a client proves its password with.
pub(super) struct Proof {
    pub(super) digest: String,
    pub(super) nonce: String,
    pub(super) created: String,
}

impl Proof {
    /// Whether it was made from this password.
    pub(super) fn is_of(&self, password: &str) -> bool {
        let (Ok(nonce), Ok(given)) = (STANDARD.decode(&self.nonce), STANDARD.decode(&self.digest)) else {
            return false;
        };
        let mut sha = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        for part in [&nonce, self.created.as_bytes(), password.as_bytes()] {
            sha.update(part);
        }
        sha.finish().as_ref() == given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hashlib.
    #[test]
    fn a_digest_is_of_one_password_nonce_and_moment() {
        let token = |nonce: &str, created: &str| Proof {
            digest: "yrpqjdL8Jr1G0MOa1bsQHfF6iuw=".to_owned(),
            nonce: nonce.to_owned(),
            created: created.to_owned(),
        };
        let (nonce, created) = ("MDEyMzQ1Njc4OWFiY2RlZg==", "2033-05-18T03:33:20Z");
        assert!(token(nonce, created).is_of("secret"));
        assert!(!token(nonce, created).is_of("Secret"));
        assert!(!token(nonce, "2033-05-18T03:33:21Z").is_of("secret"));
        assert!(!token("", created).is_of("secret"));
        assert!(!token("%", created).is_of("secret"));
    }
}
