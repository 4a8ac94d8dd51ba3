//! What is promised of the sandbox's wires: form parameters, the registrations, carts and lists they ask for, fault
//! rules, and envelopes.

use super::book::Terms;
use super::faults::FaultRule;
use super::params::{Params, escape};
use super::soap;
use super::{cart, currency, last_orders, register};

/// The usual ones.
const TERMS: Terms = Terms {
    session_ms: 1_200_000,
    hold_ms: 600_000,
    order_number_max: 32,
    part_after_part: false,
    attempts_max: 3,
    called_off_is_reversed: true,
};

/// A form, what it may ask for, a cart, and a fault rule.
pub(crate) fn wire(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let form = format!("first=1&value={}", escape(&text, plain));
    let expected = Some(text.as_ref()).filter(|text| !text.is_empty());
    assert_eq!(Params::merge("", form.as_bytes()).get("value"), expected, "it reads the same again");
    let params = Params::merge(&text, bytes);
    assert!(params.all("a").all(|value| !value.is_empty()), "an empty value is none");
    if let Ok(order) = register::parse_pre_auth(&params, "shop", &TERMS, 0) {
        assert!(order.amount_minor > 0 && order.order_number.chars().count() <= 32, "it is within its table");
    }
    let bundle = format!("orderBundle={}", escape(&text, plain));
    if let Ok(cart) = cart::parse(&Params::merge(&bundle, b""), 100, currency::ROUBLE) {
        assert_eq!(cart.is_none(), text.is_empty(), "a cart that was taken is kept");
    }
    let _ = last_orders::parse(&params);
    if let Ok(rule) = serde_json::from_slice::<FaultRule>(bytes) {
        let again = serde_json::to_vec(&rule).ok().and_then(|json| serde_json::from_slice(&json).ok());
        assert_eq!(again, Some(rule), "it reads the same again");
    }
}

/// An envelope, for either service.
pub(crate) fn soap(bytes: &[u8]) {
    soap::hold(bytes);
}
