//! An order as written, before anything is checked but the names of its fields.
//!
//! Any JSON value can be read as one, so that in an array of orders a wrong one is refused alone and with all its
//! problems. It is read by hand rather than derived: a derived reader stops at the first problem, takes the last of two
//! equal keys in a map, or turns numbers into floats on the way. A fraction is kept only to be shown.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::problem::{Problem, ProblemCode};

/// Unknown and repeated names told of one order: somebody who sends thousands would be answered with a multiple of it.
const NAMES_TOLD_MAX: usize = 16;

/// The fields of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Whose it is; may be left out when there is one merchant only.
    Merchant,
    /// The shop's number.
    OrderNumber,
    /// The price in minor units.
    Amount,
    /// ISO 4217, numeric or letters; the merchant's when left out.
    Currency,
    /// The gateway's id.
    OrderId,
    /// When the payment page closes, RFC 3339.
    ExpiresAt,
    /// What a completion takes, when it is less than the whole.
    CompleteAmount,
    /// When the gateway completes the hold by itself, as registered: Moscow time, or with an offset.
    AutocompletionDate,
    /// Whether the money is held first (registerPreAuth.do).
    TwoPhase,
}

/// Every field, in the order in which people write them.
pub const FIELDS: [Field; 9] = [
    Field::Merchant,
    Field::OrderNumber,
    Field::Amount,
    Field::Currency,
    Field::OrderId,
    Field::ExpiresAt,
    Field::CompleteAmount,
    Field::AutocompletionDate,
    Field::TwoPhase,
];

impl Field {
    /// Its name, as a JSON key and as a column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::OrderNumber => "order_number",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::OrderId => "order_id",
            Self::ExpiresAt => "expires_at",
            Self::CompleteAmount => "complete_amount",
            Self::AutocompletionDate => "autocompletion_date",
            Self::TwoPhase => "two_phase",
        }
    }

    /// The field of a name.
    pub fn parse(name: &str) -> Option<Self> {
        FIELDS.into_iter().find(|field| field.as_str() == name)
    }
}

/// A value as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A whole number.
    Integer(i128),
    /// Text; from CSV, everything is.
    Text(String),
    /// A number with a point or an exponent, or one too long for anything, for showing.
    Fraction(String),
    /// Nothing that any field takes, described.
    Other(String),
}

/// An order as written. Built from JSON by serde, or from texts by [`RawOrder::from_texts`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOrder {
    fields: Vec<(Field, Written)>,
    /// Fields that are unknown or given twice.
    pub(super) problems: Vec<Problem>,
}

impl RawOrder {
    /// An order whose values are texts: a row, or the arguments of a command. An empty text is a value left out.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = (Field, &'a str)>) -> Self {
        let mut raw = Self::default();
        for (field, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            raw.put(field, Written::Text(text.to_owned()));
        }
        raw
    }

    pub(super) fn get(&self, wanted: Field) -> Option<&Written> {
        self.fields.iter().find(|(field, _)| *field == wanted).map(|(_, written)| written)
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        self.fields.iter().map(|(field, _)| *field)
    }

    fn put(&mut self, field: Field, written: Written) {
        if self.get(field).is_some() {
            self.complain(Problem::duplicate(field));
        } else {
            self.fields.push((field, written));
        }
    }

    fn complain(&mut self, problem: Problem) {
        if self.problems.len() < NAMES_TOLD_MAX {
            self.problems.push(problem);
        }
    }

    fn not_an_object(found: &str) -> Self {
        let sentence =
            format!("{found} stands where an order belongs: write {{\"order_number\": ..., \"amount\": ...}}");
        Self { fields: Vec::new(), problems: vec![Problem::of_line(ProblemCode::NotAnObject, sentence)] }
    }
}

impl<'de> Deserialize<'de> for RawOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match deserializer.deserialize_any(AnyValue)? {
            Json::Object(raw) => raw,
            Json::Null => Self::not_an_object("null"),
            Json::Plain(Written::Integer(_) | Written::Fraction(_)) => Self::not_an_object("a number"),
            Json::Plain(Written::Text(_)) => Self::not_an_object("a text"),
            Json::Plain(Written::Other(what)) => Self::not_an_object(&what),
        })
    }
}

/// Any JSON value, as far as an order is concerned.
enum Json {
    Null,
    Plain(Written),
    Object(RawOrder),
}

impl Json {
    /// As the value of a field; null is a value left out.
    fn written(self) -> Option<Written> {
        match self {
            Self::Null => None,
            Self::Plain(written) => Some(written),
            Self::Object(_) => Some(Written::Other("an object".to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

/// Reads whatever comes; only broken JSON is an error.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an order")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Plain(Written::Other(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Plain(Written::Integer(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Plain(Written::Integer(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Plain(Written::Fraction(format!("{value:?}"))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Plain(Written::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Plain(Written::Other("a list".to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut raw = RawOrder::default();
        while let Some(name) = entries.next_key::<String>()? {
            let Some(field) = Field::parse(&name) else {
                entries.next_value::<IgnoredAny>()?;
                raw.complain(Problem::unknown_field(&name));
                continue;
            };
            if let Some(written) = entries.next_value::<Json>()?.written() {
                raw.put(field, written);
            }
        }
        Ok(Json::Object(raw))
    }
}
