//! What is wrong with an order: a word for programs, a field, and a sentence for whoever mends it.

use std::fmt;

use super::raw::{FIELDS, Field, RawOrder, Written};

/// What of a shop's own text is repeated in a sentence, in characters: enough to find it, too little to fill a log.
const SHOWN_MAX: usize = 64;

/// The kinds of problems. Their words are stable: shops branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemCode {
    /// A field that an order cannot be without.
    Missing,
    /// A field, or column, that orders do not have.
    UnknownField,
    /// A field that is given twice.
    DuplicateField,
    /// A value of another kind than the field's.
    WrongType,
    /// No such merchant in the configuration.
    UnknownMerchant,
    /// A name that is too long.
    TooLong,
    /// A name with a character that cannot stand there.
    ForbiddenCharacter,
    /// An amount that is no whole number of minor units.
    NotMinorUnits,
    /// An amount of nothing.
    AmountZero,
    /// An amount below zero.
    AmountNegative,
    /// An amount of more than twelve digits.
    AmountTooLarge,
    /// No such currency.
    UnknownCurrency,
    /// A moment that cannot be read.
    NotATime,
    /// A completion of more than the amount.
    CompletionAboveAmount,
    /// Something else where an order's JSON object belongs.
    NotAnObject,
    /// Not JSON.
    NotJson,
    /// A row with more or fewer values than columns, or one that is no CSV.
    NotARow,
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// A line longer than an order can be.
    LineTooLong,
}

impl ProblemCode {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::UnknownField => "unknown_field",
            Self::DuplicateField => "duplicate_field",
            Self::WrongType => "wrong_type",
            Self::UnknownMerchant => "unknown_merchant",
            Self::TooLong => "too_long",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::NotMinorUnits => "not_minor_units",
            Self::AmountZero => "amount_zero",
            Self::AmountNegative => "amount_negative",
            Self::AmountTooLarge => "amount_too_large",
            Self::UnknownCurrency => "unknown_currency",
            Self::NotATime => "not_a_time",
            Self::CompletionAboveAmount => "completion_above_amount",
            Self::NotAnObject => "not_an_object",
            Self::NotJson => "not_json",
            Self::NotARow => "not_a_row",
            Self::NotUtf8 => "not_utf8",
            Self::LineTooLong => "line_too_long",
        }
    }
}

/// One thing that is wrong with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// For programs.
    pub code: ProblemCode,
    /// The field as the shop wrote it; `None` when it is the whole line.
    pub field: Option<String>,
    /// What is wrong and what to write instead.
    pub sentence: String,
}

impl Problem {
    pub(super) fn new(code: ProblemCode, field: Field, sentence: impl Into<String>) -> Self {
        Self { code, field: Some(field.as_str().to_owned()), sentence: sentence.into() }
    }

    pub(super) fn missing(field: Field, remedy: impl fmt::Display) -> Self {
        Self::new(ProblemCode::Missing, field, format!("the {} is missing; {remedy}", field.as_str()))
    }

    pub(super) fn unknown_field(name: &str) -> Self {
        let known = FIELDS.map(Field::as_str).join(", ");
        let sentence = format!("orders have no {}; they have: {known}", shown(name));
        Self { code: ProblemCode::UnknownField, field: Some(shortened(name)), sentence }
    }

    pub(super) fn not_of_a_release(field: Field) -> Self {
        let sentence = format!("a release has no {}; it may have an amount, to complete less", field.as_str());
        Self::new(ProblemCode::UnknownField, field, sentence)
    }

    pub(super) fn duplicate(field: Field) -> Self {
        let sentence = format!("{} is given twice; give it once, lest the wrong one be believed", field.as_str());
        Self::new(ProblemCode::DuplicateField, field, sentence)
    }

    /// What the JSON reader says: where, and what it expected there. It repeats nothing of the text but a wrong
    /// character.
    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        Self::of_line(ProblemCode::NotJson, format!("this is not JSON: {error}"))
    }

    pub(super) fn of_line(code: ProblemCode, sentence: impl Into<String>) -> Self {
        Self { code, field: None, sentence: sentence.into() }
    }
}

/// `amount: 10.50 is not a whole number; ...`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{}: {}", field.escape_debug(), self.sentence),
            None => f.write_str(&self.sentence),
        }
    }
}

/// Why an order is refused: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The order's number as far as it can be read, so that the shop knows which one is meant.
    pub order_number: Option<String>,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Rejection {
    pub(super) fn unread(problem: Problem) -> Self {
        Self { order_number: None, problems: vec![problem] }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            let separator = if position == 0 { "" } else { " | " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}

/// Takes problems aside while the rest of an order is checked.
pub(super) struct Collector(Vec<Problem>);

impl Collector {
    pub(super) const fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// The value, or nothing and one problem more. A field whose first problem is known already gets no second one, and
    /// what is no object at all has no fields to be missed.
    pub(super) fn note<T>(&mut self, checked: Result<T, Problem>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(problem) => {
                if !self.0.iter().any(|known| known.field.is_none() || known.field == problem.field) {
                    self.0.push(problem);
                }
                None
            }
        }
    }

    /// The order if nothing is wrong with it, else the refusal.
    pub(super) fn settle<T>(self, order: Option<T>, raw: &RawOrder) -> Result<T, Rejection> {
        let order_number = match raw.get(Field::OrderNumber) {
            Some(Written::Text(number)) => Some(shortened(number)),
            Some(Written::Integer(_) | Written::Fraction(_) | Written::Other(_)) | None => None,
        };
        let refused = Rejection { order_number, problems: self.0 };
        order.filter(|_| refused.problems.is_empty()).ok_or(refused)
    }
}

/// A shop's text inside a sentence: in quotes, control characters escaped, shortened.
pub(super) fn shown(text: &str) -> String {
    format!("{:?}", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
