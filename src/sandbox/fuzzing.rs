//! What is promised of the sandbox's wires: form parameters and fault rules, and envelopes.

use super::faults::FaultRule;
use super::params::{Params, escape};
use super::soap;

/// A form, and a fault rule.
pub(crate) fn wire(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let form = format!("first=1&value={}", escape(&text, plain));
    let expected = Some(text.as_ref()).filter(|text| !text.is_empty());
    assert_eq!(Params::merge("", form.as_bytes()).get("value"), expected, "it reads the same again");
    let params = Params::merge(&text, bytes);
    assert!(params.all("a").all(|value| !value.is_empty()), "an empty value is none");
    if let Ok(rule) = serde_json::from_slice::<FaultRule>(bytes) {
        let again = serde_json::to_vec(&rule).ok().and_then(|json| serde_json::from_slice(&json).ok());
        assert_eq!(again, Some(rule), "it reads the same again");
    }
}

/// An envelope, for either service.
pub(crate) fn soap(bytes: &[u8]) {
    soap::hold(bytes);
}
