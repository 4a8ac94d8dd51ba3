//! What is promised of a callback, whatever is sent to its address.

use secrecy::SecretString;

use super::params::{COUNT_MAX, Params, VALUE_MAX};
use super::{Hash, Key, read};

/// A query, and behind the first line's end a form: no bytes pass for the bank's unless they carry the checksum of what
/// they say.
pub(crate) fn callback(bytes: &[u8]) {
    let split = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (query, form) = bytes.split_at(split);
    let form = form.get(1..).unwrap_or_default();
    let key = Key::hmac(Hash::Sha256, &SecretString::from("123".to_owned()));
    let accepted = read(query, form, &key);
    let Ok(params) = Params::read(query, form) else {
        assert!(accepted.is_err(), "accepted what cannot be read");
        return;
    };
    let text = params.signed_text();
    assert!(text.len() <= COUNT_MAX * (VALUE_MAX + 200), "the signed text has no bound");
    if let Ok(callback) = accepted {
        let signed = String::from_utf8_lossy(&text).into_owned();
        let said = [callback.order_id.map(|id| id.to_string()), callback.order_number.map(|number| number.to_string())];
        for value in said.into_iter().flatten() {
            assert!(signed.contains(&value), "what is read is not what was signed");
        }
    }
    // In the other place it is the same callback.
    assert_eq!(Params::read(form, query).as_ref(), Ok(&params));
}
