//! One shape of an answer for whoever reads what is kept of it: numbers, lists and moments as the documents' own JSON
//! has them, whichever wire it came over.
//!
//! XML knows neither number nor list: of SOAP every value is a text, and a list of one is the one. And gateways differ
//! in JSON, too (`protocol` reference, section 1.1). No decision rests on this form; what is not of its type stays as
//! the bank wrote it, and so does whatever the documents do not name.

use serde_json::{Map, Number, Value};

use super::answer::MOMENTS_MS;
use super::tree;

/// Digits of a number with a point at most: no more come through a float unchanged, and a card number has more.
const FRACTION_DIGITS_MAX: usize = 11;

/// What a member is in the documents' JSON (getOrderStatusExtended.do, tables and examples).
#[derive(Clone, Copy)]
enum Kind {
    /// A whole number.
    Number,
    /// A number that may have a point.
    Fraction,
    /// A text, of digits even.
    Text,
    /// `true` or `false`.
    Truth,
    /// Milliseconds since 1970.
    Moment,
    /// An object.
    Block,
    /// A list of objects.
    List,
}

use Kind::{Block, Fraction, List, Moment, Number as Whole, Text, Truth};

/// The members of each block; the first is the answer itself.
const SHAPES: [(&str, &[(&str, Kind)]); 22] = [
    (
        "",
        &[
            ("errorCode", Text),
            ("orderNumber", Text),
            ("orderStatus", Whole),
            ("actionCode", Whole),
            ("originalActionCode", Text),
            ("amount", Whole),
            ("currency", Text),
            ("date", Moment),
            ("depositedDate", Moment),
            ("refundedDate", Moment),
            ("reversedDate", Moment),
            ("authDateTime", Moment),
            ("authRefNum", Text),
            ("terminalId", Text),
            ("feUtrnno", Whole),
            ("chargeback", Truth),
            ("merchantOrderParams", List),
            ("transactionAttributes", List),
            ("attributes", List),
            ("cardAuthInfo", Block),
            ("bindingInfo", Block),
            ("paymentAmountInfo", Block),
            ("bankInfo", Block),
            ("payerData", Block),
            ("loyaltyInfo", Block),
            ("loyaltyInfos", List),
            ("orderBundle", Block),
            ("refunds", List),
            ("operations", List),
        ],
    ),
    ("cardAuthInfo", &[("approvalCode", Text), ("secureAuthInfo", Block)]),
    ("secureAuthInfo", &[("eci", Text), ("threeDSInfo", Block)]),
    ("bindingInfo", &[("clientId", Text), ("bindingId", Text)]),
    (
        "paymentAmountInfo",
        &[
            ("approvedAmount", Whole),
            ("depositedAmount", Whole),
            ("refundedAmount", Whole),
            ("feeAmount", Whole),
            ("totalAmount", Whole),
        ],
    ),
    ("payerData", &[("phone", Text)]),
    ("loyaltyInfo", LOYALTY),
    ("loyaltyInfos", LOYALTY),
    (
        "paymentBonus",
        &[
            ("approvedAmountBonus", Whole),
            ("depositedAmountBonus", Whole),
            ("refundedAmountBonus", Whole),
            ("pcId", Text),
            ("successful", Truth),
        ],
    ),
    (
        "awardBonus",
        &[
            ("approvedAmountAward", Whole),
            ("depositedAmountAward", Whole),
            ("refundedAmountAward", Whole),
            ("pcId", Text),
            ("successful", Truth),
        ],
    ),
    (
        "refunds",
        &[
            ("date", Moment),
            ("amount", Whole),
            ("actionCode", Whole),
            ("approvalCode", Text),
            ("referenceNumber", Text),
            ("externalRefundId", Text),
        ],
    ),
    (
        "operations",
        &[
            ("date", Moment),
            ("amount", Whole),
            ("amountBonus", Whole),
            ("actionCode", Whole),
            ("approvalCode", Text),
            ("referenceNumber", Text),
            ("externalRefundId", Text),
            ("pcId", Text),
            ("successful", Truth),
        ],
    ),
    (
        "orderBundle",
        &[("orderCreationDate", Moment), ("customerDetails", Block), ("cartItems", Block), ("loyalties", List)],
    ),
    ("customerDetails", &[("phone", Text), ("passport", Text), ("inn", Text), ("deliveryInfo", Block)]),
    ("cartItems", &[("items", List)]),
    (
        "items",
        &[
            ("positionId", Text),
            ("itemDetails", Block),
            ("quantity", Block),
            ("itemAmount", Whole),
            ("depositedItemAmount", Whole),
            ("itemCurrency", Whole),
            ("itemCode", Text),
            ("itemPrice", Whole),
            ("tax", Block),
            ("discount", Block),
            ("itemAttributes", Block),
        ],
    ),
    ("itemDetails", &[("itemDetailsParams", List)]),
    ("quantity", &[("value", Fraction), ("measure", Text)]),
    ("tax", &[("taxType", Whole), ("taxSum", Whole)]),
    ("discount", &[("discountValue", Text)]),
    ("itemAttributes", &[("attributes", List)]),
    ("loyalties", &[("positionId", Text), ("bonusAmountForCredit", Whole), ("bonusAmountForDebit", Whole)]),
];

const LOYALTY: &[(&str, Kind)] = &[("loyaltyName", Text), ("paymentBonus", Block), ("awardBonus", Block)];

/// Lists that the documents' JSON always has. In XML a list without anything in it is not there.
const ALWAYS: [&str; 2] = ["merchantOrderParams", "attributes"];

/// A masked answer in that shape. Only what came through the mask is read, so nothing that it took out comes back.
pub(super) fn shaped(mut answer: Value) -> Value {
    if let Value::Object(members) = &mut answer {
        shape_members("", members);
        for name in ALWAYS {
            members.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        }
    }
    answer
}

fn shape_members(of: &str, members: &mut Map<String, Value>) {
    let Some((_, shapes)) = SHAPES.iter().find(|(name, _)| *name == of) else { return };
    for (name, kind) in *shapes {
        if let Some(member) = members.get_mut(*name) {
            let value = std::mem::take(member);
            *member = shape(name, value, *kind);
        }
    }
}

fn shape(name: &str, value: Value, kind: Kind) -> Value {
    match kind {
        List => Value::Array(items(name, value).into_iter().map(|item| block(name, item)).collect()),
        Block => match items(name, value) {
            mut one if one.len() == 1 => block(name, one.pop().unwrap_or_default()),
            none if none.is_empty() => Value::Object(Map::new()),
            several => Value::Array(several),
        },
        scalar => plain(&value, scalar).unwrap_or(value),
    }
}

/// What a list holds, whether it stands there as one, alone, or within an element of its own name.
fn items(name: &str, value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        // An empty element.
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::Object(mut members) if members.len() == 1 && members.contains_key(name) => {
            items(name, members.remove(name).unwrap_or_default())
        }
        alone => vec![alone],
    }
}

fn block(name: &str, mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        shape_members(name, members);
    }
    value
}

/// The value as its kind has it; nothing where it is none of that kind, or would lose something, such as a nought in
/// front.
fn plain(value: &Value, kind: Kind) -> Option<Value> {
    // Text beside attributes is the member `value` of an object.
    let inner = value.get("value").filter(|inner| !inner.is_object() && !inner.is_array());
    let value = inner.unwrap_or(value);
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    match kind {
        Text => Some(text.into()),
        Truth => text.parse::<bool>().ok().map(Value::from),
        Whole => text.parse::<i64>().ok().filter(|number| number.to_string() == text).map(Value::from),
        Fraction if text.bytes().filter(u8::is_ascii_digit).count() > FRACTION_DIGITS_MAX => None,
        Fraction => plain(value, Whole).or_else(|| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let number = text.parse().ok().filter(|_| is_number).and_then(Number::from_f64)?;
            Some(Value::Number(number))
        }),
        Moment => tree::moment_ms(value).filter(|ms| MOMENTS_MS.contains(ms)).map(Value::from),
        Block | List => None,
    }
}

#[cfg(test)]
mod tests;
