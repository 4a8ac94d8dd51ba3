//! The journal's chain as people meet it: a head, which stands for every event up to one.
//!
//! Each event has a hash over its row and over the hash before it, so one of them vouches for all that came before.
//! Whoever wrote a head down, in a report on paper say, can tell later whether the journal up to there is still what it
//! was. How the hash is computed, and what it does not prove, is the store's to say ([`crate::store`]).

use std::fmt;

/// Bytes of a hash.
const LENGTH: usize = 32;

/// The hash of an event, and so of all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventHash([u8; LENGTH]);

impl EventHash {
    /// What stands before the first event.
    pub const ORIGIN: Self = Self([0; LENGTH]);

    /// The hash of these bytes.
    pub const fn new(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// Reads what [`fmt::Display`] wrote, in letters of either case.
    fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != LENGTH || !rest.is_empty() {
            return None;
        }
        let mut bytes = [0; LENGTH];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// 64 hexadecimal digits.
impl fmt::Display for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The journal up to an event: the event's number and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The event's number.
    pub seq: i64,
    /// Its hash.
    pub hash: EventHash,
}

impl Head {
    /// Reads `48211:9f86d0...`, as a report shows it.
    pub fn parse(text: &str) -> Result<Self, NotAHead> {
        let (seq, hash) = text.trim().split_once(':').ok_or(NotAHead)?;
        let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or(NotAHead)?;
        Ok(Self { seq, hash: EventHash::parse(hash).ok_or(NotAHead)? })
    }
}

/// `48211:9f86d0...`
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// A text that is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the head as a report shows it: the event's number, a colon, and 64 hexadecimal digits")]
pub struct NotAHead;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_as_it_was_written_and_nothing_else_is_one() {
        let digits = "00ff".repeat(16);
        let head = Head {
            seq: 48_211,
            hash: EventHash::new(std::array::from_fn(|place| if place % 2 == 0 { 0 } else { 255 })),
        };
        assert_eq!(head.to_string(), format!("48211:{digits}"));
        for text in [format!("48211:{digits}"), format!(" 48211:{}\n", digits.to_uppercase())] {
            assert_eq!(Head::parse(&text), Ok(head), "{text:?}");
        }
        let short = digits.get(1..).unwrap();
        for text in [
            String::new(),
            digits.clone(),
            format!(":{digits}"),
            format!("-1:{digits}"),
            format!("0:{digits}"),
            format!("1.0:{digits}"),
            format!("9223372036854775808:{digits}"),
            format!("1:{short}"),
            format!("1:{digits}0"),
            format!("1:+{short}"),
            format!("1:g{short}"),
            format!("1:{digits}:"),
        ] {
            assert_eq!(Head::parse(&text), Err(NotAHead), "{text:?}");
        }
    }
}
