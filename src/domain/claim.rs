//! A caller's own key for a request (`Idempotency-Key`), and the reply that is kept under it: whoever sends the request
//! again hears what it came to, and it is not done twice.

use std::fmt;

/// The longest key, in characters: a UUID has 36, and what is longer than this is no key but a text.
const KEY_MAX: usize = 255;

/// A key of a caller's choosing, of visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(String);

/// What was sent is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 1 to {KEY_MAX} visible ASCII characters, as they are or as a quoted string")]
pub struct KeyError;

impl RequestKey {
    /// Reads a key as it stands in a header: bare, as most clients send it, or in quotes with `\"` and `\\` in them, as
    /// the draft of the IETF has it (`sf-string`). Both forms name the same key.
    pub fn from_header(value: &[u8]) -> Result<Self, KeyError> {
        let text = match value {
            [b'"', quoted @ .., b'"'] => unescaped(quoted).ok_or(KeyError)?,
            [b'"', ..] => return Err(KeyError),
            bare => bare.to_vec(),
        };
        let is_key = (1..=KEY_MAX).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        // Nothing but ASCII is left, so it is a text.
        String::from_utf8(text).ok().filter(|_| is_key).map(Self).ok_or(KeyError)
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What stands between the quotes, if it is all of one string.
fn unescaped(quoted: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = quoted.iter().copied();
    let mut text = Vec::with_capacity(quoted.len());
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'\\' => bytes.next().filter(|escaped| matches!(escaped, b'"' | b'\\'))?,
            b'"' => return None,
            plain => plain,
        });
    }
    Some(text)
}

/// What a request was answered with, as far as it is told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// What the body is.
    pub content_type: Option<String>,
    /// Where what came of it can be asked after.
    pub location: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_bare_or_in_quotes() {
        let longest = "k".repeat(KEY_MAX);
        for (header, expected) in [
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", Some("8e03978e-40d5-43dd-bc93-6894a57f9324")),
            ("\"8e03978e\"", Some("8e03978e")),
            ("a\"b", Some("a\"b")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            (longest.as_str(), Some(longest.as_str())),
            (&format!("\"{longest}\""), Some(longest.as_str())),
            (&format!("{longest}k"), None),
            ("", None),
            ("\"\"", None),
            ("\"", None),
            ("\"open", None),
            ("\"a\"b\"", None),
            ("\"a\";b=1", None),
            (r#""a\b""#, None),
            (r#""a\""#, None),
            ("two words", None),
            ("\"two words\"", None),
            ("a\tb", None),
            ("a\u{7f}", None),
            ("ключ", None),
        ] {
            let read = RequestKey::from_header(header.as_bytes());
            assert_eq!(read.as_ref().ok().map(RequestKey::as_str), expected, "{header:?}");
        }
    }
}
