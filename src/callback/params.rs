//! The parameters of a callback, as they were received: names and values in bytes, since the checksum is over bytes.

/// Parameters at most: the documents name about twenty, and a console switches on some more.
pub const COUNT_MAX: usize = 64;

/// The longest value, in bytes after decoding: a checksum of the longest key has 2048 hexadecimal digits.
pub const VALUE_MAX: usize = 4096;

/// The longest name, in bytes: those of the documents have about thirty.
const NAME_MAX: usize = 128;

/// What is received and not signed: the checksum itself, and the name of the key it was made with.
const UNSIGNED: [&str; 2] = ["checksum", "sign_alias"];

/// Why bytes are no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// More than a bank sends.
    #[error("it has more than {COUNT_MAX} parameters")]
    TooMany,
    /// A name or a value longer than a bank's.
    #[error("a parameter is longer than any of the bank's")]
    TooLong,
    /// One name twice: which of the two counts would be a guess.
    #[error("it names a parameter twice")]
    Twice,
    /// A name with `;` in it, with which two different callbacks could have one signed text.
    #[error("a parameter's name has a character that no name of the bank's has")]
    Name,
}

/// Names with their values, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params(Vec<(Vec<u8>, Vec<u8>)>);

impl Params {
    /// What stands in a request's query and in its form, both in `application/x-www-form-urlencoded`.
    pub fn read(query: &[u8], form: &[u8]) -> Result<Self, Malformed> {
        let mut found = Vec::new();
        let pairs = |text: &'_ [u8]| text.split(|byte| *byte == b'&').map(<[u8]>::to_vec).collect::<Vec<_>>();
        for pair in [query, form].into_iter().flat_map(|text| pairs(bounded(text))).filter(|pair| !pair.is_empty()) {
            let split = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at(split.unwrap_or(pair.len()));
            let (name, value) = (decoded(name), decoded(value.get(1..).unwrap_or_default()));
            if found.len() >= COUNT_MAX {
                return Err(Malformed::TooMany);
            }
            if name.len() > NAME_MAX || value.len() > VALUE_MAX {
                return Err(Malformed::TooLong);
            }
            if name.is_empty() || name.iter().any(|byte| *byte == b';' || byte.is_ascii_control()) {
                return Err(Malformed::Name);
            }
            found.push((name, value));
        }
        found.sort();
        if found.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other)) {
            return Err(Malformed::Twice);
        }
        Ok(Self(found))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    /// What the checksum is over: `name;value;` of every parameter but the checksum and its key's name, by name.
    pub fn signed_text(&self) -> Vec<u8> {
        let signed = |(name, _): &&(Vec<u8>, Vec<u8>)| !UNSIGNED.iter().any(|left_out| left_out.as_bytes() == name);
        let mut text = Vec::new();
        for (name, value) in self.0.iter().filter(signed) {
            for part in [name, value] {
                text.extend_from_slice(part);
                text.push(b';');
            }
        }
        text
    }
}

/// Whoever serves requests bounds them; what is longer all the same is not walked through.
fn bounded(text: &[u8]) -> &[u8] {
    const TEXT_MAX: usize = COUNT_MAX * (NAME_MAX + VALUE_MAX) * 3;
    text.get(..TEXT_MAX).unwrap_or(text)
}

/// `+` is a space and `%41` an A; a `%` with anything else behind it stands for itself.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let escaped = || match behind {
            [high, low, ..] => Some((hex_digit(*high)? << 4) | hex_digit(*low)?),
            _ => None,
        };
        match (first, if *first == b'%' { escaped() } else { None }) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            (b'+', None) => bytes.push(b' '),
            (byte, None) => bytes.push(*byte),
        }
    }
    bytes
}

/// The value of a hexadecimal digit, of either case.
pub(super) fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
