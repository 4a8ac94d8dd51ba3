//! What of an answer may be kept: its own tree, without card data, without secrets, and within a size.
//!
//! What is known by its name goes by its name: of `cardAuthInfo` only what is listed here stays, and a value whose name
//! says that it is a code, a track, an expiry or a holder is left out wherever it stands. Everything else goes by its
//! look: whatever could be a card number keeps its last four digits. What is a number of another kind by its name (a
//! reference, a taxpayer's number, the code of a mark) is looked at less strictly, and a card number does not pass
//! under such a name either.

use serde_json::{Map, Value};

use crate::domain::answer::{KEPT_MAX, KeptAnswer};
use crate::domain::money::AMOUNT_MAX;

use super::answer::MOMENTS_MS;
use super::scrub::{self, Scrubber};

/// The longest text within an answer, in characters. Descriptions have 598, addresses 255.
const TEXT_MAX: usize = 1024;

/// What stands for what is not kept.
const LEFT_OUT: &str = "(not kept)";

/// What stands for a member that would make the answer longer than is kept.
const TOO_LONG: &str = "(not kept: too long)";

/// Members that hold a card number, in small letters.
const PANS: [&str; 5] = ["pan", "maskedpan", "cardnumber", "maskednumber", "cardmask"];

/// Members that are not kept wherever they stand, in small letters.
const SECRETS: [&str; 27] = [
    "cvc",
    "cvv",
    "cvc2",
    "cvv2",
    "csc",
    "pin",
    "pinblock",
    "track",
    "track1",
    "track2",
    "track1data",
    "track2data",
    "trackdata",
    "cavv",
    "xid",
    "cryptogram",
    "expiration",
    "expiry",
    "expirydate",
    "expirationyear",
    "expirationmonth",
    "cardholder",
    "cardholdername",
    "paymenttoken",
    "password",
    "username",
    "token",
];

/// What of `cardAuthInfo`, and of what stands in it, is kept besides the masked number, in small letters.
const OF_CARD: [&str; 13] = [
    "paymentsystem",
    "product",
    "productcategory",
    "corporatecard",
    "approvalcode",
    "secureauthinfo",
    "eci",
    "paresstatus",
    "veresstatus",
    "parescheckstatus",
    "authtypeindicator",
    "threedsinfo",
    "threedsprotocolversion",
];

/// Numbers of the processing's and the shop's own, in small letters: twelve digits are usual there (a retrieval
/// reference number has them), so only more than that are taken for a card number.
const REFERENCES: [&str; 25] = [
    "authrefnum",
    "referencenumber",
    "terminalid",
    "mdorder",
    "orderid",
    "ordernumber",
    "transactionid",
    "pcid",
    "bindingid",
    "clientid",
    "externalrefundid",
    "approvalcode",
    "feutrnno",
    "itemcode",
    "positionid",
    "phone",
    // Taxpayers' numbers have ten or twelve digits.
    "inn",
    "client.inn",
    "cashier_inn",
    "supplier_info.inn",
    "agent_info.mtoperator.inn",
    "mtoperatorinn",
    "passport",
    "client.passport_number",
    "declaration_number",
];

/// Codes of marked goods, in small letters: fourteen digits of the goods and a serial number, with nothing between
/// them, so that their digits are as many as a card number's. Among them whatever could be a card number's own digits
/// is taken for one: 13 to 19 in a row with the check digit of Luhn. One code in ten is masked for that without need.
const MARKS: [&str; 1] = ["nomenclature"];

/// `tree` as it may be kept and shown.
pub(super) fn masked(tree: &Value, scrubber: &Scrubber) -> Value {
    Mask { scrubber }.value("", tree, false)
}

/// A masked tree as it is kept; `None` where there is no way to make it short enough.
pub(super) fn kept(mut masked: Value) -> Option<KeptAnswer> {
    let text = masked.to_string();
    let mut length = text.len();
    if length <= KEPT_MAX {
        return KeptAnswer::new(text);
    }
    let members = masked.as_object_mut()?;
    let mut sizes: Vec<(usize, String)> =
        members.iter().map(|(name, value)| (value.to_string().len(), name.clone())).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    for (size, name) in sizes {
        if length <= KEPT_MAX || size <= TOO_LONG.len() + 2 {
            break;
        }
        length -= size - (TOO_LONG.len() + 2);
        members.insert(name, TOO_LONG.into());
    }
    KeptAnswer::new(masked.to_string())
}

struct Mask<'a> {
    scrubber: &'a Scrubber,
}

impl Mask<'_> {
    fn value(&self, name: &str, value: &Value, is_card: bool) -> Value {
        let lower = name.to_ascii_lowercase();
        let is = |names: &[&str]| names.contains(&lower.as_str());
        match value {
            Value::Null | Value::Bool(_) if !is(&SECRETS) => value.clone(),
            _ if is(&PANS) => masked_pan(value).into(),
            _ if is(&SECRETS) || (is_card && !name.is_empty() && !is(&OF_CARD)) => LEFT_OUT.into(),
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => {
                let digits = number.to_string();
                let may_stay = number.as_i64().is_some_and(|number| is_quantity(&lower, number));
                let text = if may_stay { digits.clone() } else { self.text(&lower, &digits) };
                if text == digits { value.clone() } else { text.into() }
            }
            Value::String(text) => self.text(&lower, text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(name, item, is_card)).collect(),
            Value::Object(members) => self.object(members, is_card || lower == "cardauthinfo"),
        }
    }

    /// A pair of a name and a value is a member of that name.
    fn object(&self, members: &Map<String, Value>, is_card: bool) -> Value {
        let pair = members.get("name").and_then(Value::as_str);
        let masked = members.iter().map(|(name, value)| {
            let goes_by = pair.filter(|_| name == "value").unwrap_or(name);
            (self.text("", name), self.value(goes_by, value, is_card))
        });
        Value::Object(masked.collect())
    }

    fn text(&self, name: &str, text: &str) -> String {
        if self.scrubber.leaves(text, TEXT_MAX) {
            return text.to_owned();
        }
        // Judged as it would be kept: what stood between digits and cannot be seen is gone by then.
        let shown = self.scrubber.without_secrets(text, TEXT_MAX);
        // As a number is written: a hundred noughts before it are no sum's, and could be anything.
        let number = shown.trim().parse::<i64>().ok().filter(|number| number.to_string() == shown.trim());
        let is_quantity = number.is_some_and(|number| is_quantity(name, number));
        let is_reference = REFERENCES.contains(&name) && !scrub::may_be_card_number(&shown);
        let is_mark = MARKS.contains(&name) && !scrub::has_card_number(&shown);
        if is_quantity || is_reference || is_mark {
            return shown;
        }
        self.scrubber.clean_to(text, TEXT_MAX)
    }
}

/// Whether a number of twelve digits or more is what its name says: a moment, or a sum.
fn is_quantity(name: &str, number: i64) -> bool {
    let is_moment = (name.ends_with("date") || name.ends_with("datetime")) && MOMENTS_MS.contains(&number);
    let is_sum =
        ["amount", "bonus", "award"].iter().any(|end| name.ends_with(end)) && (0..=AMOUNT_MAX).contains(&number);
    is_moment || is_sum
}

/// What stands where a card number does, once masked: six digits in front at most, or eight where the bank says so, and
/// four behind, as the bank writes it; of anything else the last four.
fn masked_pan(value: &Value) -> String {
    let written = value.as_str().map(str::trim).unwrap_or_default();
    let mut runs = written.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    let (front, back, more) = (runs.next(), runs.next(), runs.next());
    let is_plain = written.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | 'X' | 'x' | ' '));
    let is_masked = front.is_none_or(|run| run.len() <= 8) && back.is_none_or(|run| run.len() <= 4) && more.is_none();
    let has_mask = written.contains(['*', 'X', 'x']);
    if is_plain && is_masked && has_mask && written.len() <= 24 {
        return written.to_owned();
    }
    let digits: Vec<char> = written.chars().filter(char::is_ascii_digit).collect();
    let last = digits.get(digits.len().saturating_sub(4)..).filter(|_| digits.len() >= 12).unwrap_or_default();
    format!("****{}", last.iter().collect::<String>())
}

#[cfg(test)]
mod tests;
