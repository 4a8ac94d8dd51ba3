//! What is wrong with a registration: a word for programs, the field's path, and a sentence for whoever mends it.

use std::fmt;

/// Problems told of one registration: somebody who sends a thousand wrong lines would be answered with a multiple of it.
const TOLD_MAX: usize = 64;

/// What of a shop's own text is repeated in a sentence, in characters: enough to find it, too little to fill a log.
const SHOWN_MAX: usize = 64;

/// The kinds of problems. Their words are stable: shops branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// Something that the bank cannot do without.
    Missing,
    /// A field that registrations do not have.
    UnknownField,
    /// A field that is given twice.
    DuplicateField,
    /// A value of another kind than the field's.
    WrongType,
    /// Longer than the bank takes.
    TooLong,
    /// Shorter than the bank takes.
    TooShort,
    /// A character that cannot stand there.
    ForbiddenCharacter,
    /// A number outside its range.
    OutOfRange,
    /// A text that has not the form of its field.
    WrongForm,
    /// No such currency.
    UnknownCurrency,
    /// A moment that cannot be read.
    NotATime,
    /// A moment that has passed.
    Past,
    /// An address without its scheme, or without anything behind it.
    NotAUrl,
    /// Two fields that contradict each other.
    Contradiction,
    /// The lines of the cart are not worth the amount.
    SumDiffers,
}

impl Flaw {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::UnknownField => "unknown_field",
            Self::DuplicateField => "duplicate_field",
            Self::WrongType => "wrong_type",
            Self::TooLong => "too_long",
            Self::TooShort => "too_short",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::OutOfRange => "out_of_range",
            Self::WrongForm => "wrong_form",
            Self::UnknownCurrency => "unknown_currency",
            Self::NotATime => "not_a_time",
            Self::Past => "past",
            Self::NotAUrl => "not_a_url",
            Self::Contradiction => "contradiction",
            Self::SumDiffers => "sum_differs",
        }
    }
}

/// One thing that is wrong with a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// For programs.
    pub flaw: Flaw,
    /// The field's path, such as `order_bundle.cartItems.items[2].itemPrice`; empty when it is the whole.
    pub path: String,
    /// What is wrong and what to write instead.
    pub sentence: String,
}

/// `description: "%" cannot stand there; ...`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.sentence),
            path => write!(f, "{}: {}", path.escape_debug(), self.sentence),
        }
    }
}

/// Every problem found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes one. A field whose first problem is known already gets no second one.
    pub(super) fn note(&mut self, flaw: Flaw, path: impl Into<String>, sentence: impl Into<String>) {
        let path = path.into();
        if self.0.len() < TOLD_MAX && !self.0.iter().any(|known| known.path == path) {
            self.0.push(Problem { flaw, path, sentence: sentence.into() });
        }
    }

    /// Whether something is wrong with the field at `path`, or below it.
    pub(super) fn concern(&self, path: &str) -> bool {
        self.0.iter().any(|known| known.path.starts_with(path))
    }

    /// Whether there is none of another kind.
    pub(super) fn are_all(&self, flaw: Flaw) -> bool {
        self.0.iter().all(|known| known.flaw == flaw)
    }

    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

/// A shop's text inside a sentence: in quotes, control characters escaped, shortened.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// A name of the shop's inside a path: shortened, since it may be anything.
pub(super) fn named(name: &str) -> String {
    name.chars().take(SHOWN_MAX).collect()
}
