//! The parameters of one request, wherever the client put them.
//!
//! Clients send them in the query, in a form body, or in the query of a POST whose body is empty and whose Content-Type
//! claims JSON; so the query and the body are merged and the Content-Type is not looked at.

use std::fmt;

/// Name and value pairs; the query's first, as a servlet would order them.
#[derive(Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

/// Names only: values include the password.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Params {
    /// Merges a query string and a form body.
    pub(super) fn merge(query: &str, body: &[u8]) -> Params {
        let mut pairs = pairs(query.as_bytes());
        pairs.extend(self::pairs(body));
        Params(pairs)
    }

    /// What another wire than that of forms has said.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Params {
        Params(pairs)
    }

    /// The first value that is not empty: an empty parameter counts as one not passed.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let named = |(key, value): &&(String, String)| key == name && !value.is_empty();
        self.0.iter().find(named).map(|(_, value)| &**value)
    }

    /// Every value of a parameter that may repeat.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }
}

/// `a=1&b=%D1%8F+c`; a pair without `=` has an empty value.
fn pairs(text: &[u8]) -> Vec<(String, String)> {
    text.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let cut = pair.iter().position(|&byte| byte == b'=');
            let (name, value) = pair.split_at(cut.unwrap_or(pair.len()));
            (decode(name), decode(value.get(1..).unwrap_or_default()))
        })
        .collect()
}

/// Undoes form encoding; a stray `%` stands for itself, and what is not UTF-8 is replaced.
fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escaped = (byte == b'%').then(|| text.get(at + 1..at + 3).and_then(hex)).flatten();
        bytes.push(match (byte, escaped) {
            (_, Some(escaped)) => escaped,
            (b'+', None) => b' ',
            (byte, None) => byte,
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The opposite: every byte that may not stay as it is becomes `%XX`.
pub(super) fn escape(text: &str, may_stay: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if may_stay(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
    }
    escaped
}

/// One upper-case hexadecimal digit of a value below sixteen.
pub(super) fn hex_digit(value: u8) -> char {
    let digit = char::from_digit(value.into(), 16).unwrap_or('0');
    digit.to_ascii_uppercase()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_body_are_one_and_the_query_speaks_first() {
        let params = Params::merge("a=1&b=&features=X", b"a=2&b=3&features=Y&c");
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.get("b"), Some("3"), "an empty value is no value");
        assert_eq!(params.get("c"), None);
        assert_eq!(params.all("features").collect::<Vec<_>>(), ["X", "Y"]);
    }

    #[test]
    fn form_encoding_is_undone() {
        let check = |encoded: &str, decoded: &str| assert_eq!(decode(encoded.as_bytes()), decoded);
        check("a+b%20c", "a b c");
        check("%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7", "заказ");
        check("100%", "100%");
        check("%zz%4", "%zz%4");
        check("%+1", "% 1");
        check("%ff", "\u{fffd}");
    }

    #[test]
    fn values_do_not_show_in_debug_output() {
        let params = Params::merge("userName=shop&password=hunter2", b"");
        assert_eq!(format!("{params:?}"), r#"["userName", "password"]"#);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_encoded_comes_back_from_query_and_body_alike(name in "\\PC{1,20}", value in "\\PC{0,60}") {
            let encoded = format!("x=1&{}={}&y", escape(&name, |_| false), escape(&value, |byte| byte.is_ascii_alphabetic()));
            let expected = Some(value.as_str()).filter(|value| !value.is_empty());
            for params in [Params::merge(&encoded, b""), Params::merge("", encoded.as_bytes())] {
                let found = params.get(&name);
                proptest::prop_assert!(found == expected || name == "x", "{:?}", found);
            }
        }

        #[test]
        fn any_bytes_are_some_parameters(query in "\\PC{0,80}", body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let params = Params::merge(&query, &body);
            proptest::prop_assert!(params.all("a").all(|value| !value.is_empty()));
        }
    }
}
