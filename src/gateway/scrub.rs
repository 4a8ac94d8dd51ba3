//! What is taken out of the bank's free text before anybody keeps it: our own secrets, and whatever looks like a card
//! number.
//!
//! An `errorMessage` may repeat what was sent to it, or hold anything at all. It is kept for people, in the database,
//! the log and the API, so it passes through here first.

use secrecy::{ExposeSecret, SecretString};

/// A card number has 12 to 19 digits (`N12..19`, getOrderStatusExtended.do, cardAuthInfo).
const CARD_DIGITS_MIN: usize = 12;

/// Shorter secrets would be found everywhere; the configuration warns of nothing, and a bank's password is longer.
const SECRET_MIN: usize = 4;

/// The longest text that is kept.
const TEXT_MAX: usize = 200;

/// Takes secrets and card numbers out of text.
#[derive(Clone)]
pub(super) struct Scrubber {
    /// Each secret as it is, and as a form body and an envelope carry it.
    secrets: Vec<SecretString>,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}

impl Scrubber {
    /// A scrubber that knows `secret`.
    pub(super) fn new(secret: &SecretString) -> Self {
        let plain = secret.expose_secret();
        let forms = [
            plain.to_owned(),
            form_encoded(plain),
            form_encoded(plain).replace('+', "%20"),
            quick_xml::escape::escape(plain).into_owned(),
            quick_xml::escape::partial_escape(plain).into_owned(),
        ];
        let mut known: Vec<String> = forms.into_iter().filter(|form| form.len() >= SECRET_MIN).collect();
        known.sort_unstable();
        known.dedup();
        Self { secrets: known.into_iter().map(SecretString::from).collect() }
    }

    /// Whether a secret of ours stands in `text`.
    pub(super) fn finds_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| replace_any_case(text, secret) != text)
    }

    /// `text` without secrets, card numbers and characters that nobody sees, shortened.
    pub(super) fn clean(&self, text: &str) -> String {
        self.clean_to(text, TEXT_MAX)
    }

    /// The same, with a length of the caller's.
    pub(super) fn clean_to(&self, text: &str, max: usize) -> String {
        mask_card_numbers(&self.visible(text)).chars().take(max).collect()
    }

    /// `text` without secrets and characters that nobody sees, shortened: for what is no card number for certain.
    pub(super) fn without_secrets(&self, text: &str, max: usize) -> String {
        self.visible(text).chars().take(max).collect()
    }

    fn visible(&self, text: &str) -> String {
        let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        self.secrets.iter().fold(visible, |text, secret| replace_any_case(&text, secret))
    }

    /// Whether cleaning would leave `text` as it is. Most texts of an answer are so, and this copies nothing.
    pub(super) fn leaves(&self, text: &str, max: usize) -> bool {
        let holds = |secret: &SecretString| {
            let secret = secret.expose_secret().as_bytes();
            text.as_bytes().windows(secret.len()).any(|part| part.eq_ignore_ascii_case(secret))
        };
        text.len() <= max
            && text.bytes().filter(u8::is_ascii_digit).count() < CARD_DIGITS_MIN
            && !text.chars().any(is_invisible)
            && !self.secrets.iter().any(holds)
    }
}

fn replace_any_case(text: &str, secret: &SecretString) -> String {
    let secret = secret.expose_secret();
    let (lower, wanted) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = lower.get(from..).and_then(|rest| rest.find(&wanted)) {
        clean.push_str(text.get(from..from + found).unwrap_or_default());
        clean.push_str("[secret]");
        from += found + wanted.len();
    }
    clean.push_str(text.get(from..).unwrap_or_default());
    clean
}

/// Runs of 12 and more digits, single blanks, dashes and dots between them included, keep their last four.
pub(super) fn mask_card_numbers(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(character) = characters.get(at) {
        let run = run_of_digits(&characters, at);
        let digits = characters.get(at..run).unwrap_or_default().iter().filter(|c| c.is_ascii_digit()).count();
        if digits >= CARD_DIGITS_MIN {
            masked.push_str("****");
            masked.extend(characters.get(run - 4..run).unwrap_or_default().iter().filter(|c| c.is_ascii_digit()));
            at = run;
        } else if run > at {
            masked.extend(characters.get(at..run).unwrap_or_default());
            at = run;
        } else {
            masked.push(*character);
            at += 1;
        }
    }
    masked
}

/// Whether `text`, which should be a number of the processing's, could be a card number instead. Twelve digits are
/// usual there; and the groups of a UUID are no card number's, though dashes are between them.
pub(super) fn may_be_card_number(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut longest = 0;
    while at < characters.len() {
        let run = run_of_digits(&characters, at).max(at + 1);
        let digits = characters.get(at..run).unwrap_or_default().iter().filter(|c| c.is_ascii_digit()).count();
        longest = longest.max(digits);
        at = run;
    }
    longest > CARD_DIGITS_MIN && !is_uuid(text)
}

/// The fewest digits of a payment card in use, and the most.
const LUHN_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether a run of digits in `text` has the length and the check digit of a card number: for what has long numbers of
/// its own, and letters beside them.
pub(super) fn has_card_number(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let end = run_of_digits(&characters, at).max(at + 1);
        let digits: Vec<u32> =
            characters.get(at..end).unwrap_or_default().iter().filter_map(|c| c.to_digit(10)).collect();
        if LUHN_DIGITS.contains(&digits.len()) && passes_luhn(&digits) {
            return true;
        }
        at = end;
    }
    false
}

/// ISO/IEC 7812: every second digit from the right is doubled, and all of them come to a multiple of ten.
fn passes_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match digit * 2 {
            _ if place % 2 == 0 => *digit,
            doubled if doubled > 9 => doubled - 9,
            doubled => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let is_hex = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_hex && has_letter && groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
}

/// Where the run of digits that begins at `at` ends; `at` itself when none does.
fn run_of_digits(characters: &[char], at: usize) -> usize {
    let mut end = at;
    let digit_at = |index: usize| characters.get(index).is_some_and(char::is_ascii_digit);
    while digit_at(end) {
        end += 1;
        let separated = characters.get(end).is_some_and(|c| matches!(c, ' ' | '-' | '.' | '\u{a0}'));
        if separated && digit_at(end + 1) {
            end += 1;
        }
    }
    end
}

/// Control characters, and those that turn the reading direction or take no room.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// As `application/x-www-form-urlencoded` writes it.
fn form_encoded(plain: &str) -> String {
    let encode = |byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    plain.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banks_text_keeps_neither_secrets_nor_card_numbers() {
        let scrubber = Scrubber::new(&SecretString::from("pa ss/w0rd".to_owned()));
        let table = [
            ("Access denied", "Access denied"),
            ("login shop, password pa ss/w0rd!", "login shop, password [secret]!"),
            ("password=pa+ss%2Fw0rd&x", "password=[secret]&x"),
            ("password=pa%20ss%2fw0rd&x", "password=[secret]&x"),
            ("card 4111111111111111 declined", "card ****1111 declined"),
            ("card 4111 1111 1111 1111 declined", "card ****1111 declined"),
            ("card 4111-1111-1111-1111", "card ****1111"),
            ("order 12345678901 of 2026-11-20", "order 12345678901 of 2026-11-20"),
            ("a\u{202e}b\nc", "abc"),
        ];
        for (text, clean) in table {
            assert_eq!(scrubber.clean(text), clean);
        }
        assert!(scrubber.clean(&"x".repeat(10_000)).len() <= TEXT_MAX);
    }
}
