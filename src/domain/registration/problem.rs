//! What is wrong with a registration: a word for programs, the field's path, and a sentence for whoever mends it.

use std::fmt;

/// Problems told of one registration: somebody who sends a thousand wrong lines would be answered with a multiple of
/// it.
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
pub(super) struct Problems {
    found: Vec<Problem>,
    /// Whether the fields of an object were listed: once is enough, since there may be some dozens.
    has_listed: bool,
}

impl Problems {
    /// Notes one. A field whose first problem is known already gets no second one.
    pub(super) fn note(&mut self, flaw: Flaw, path: impl Into<String>, sentence: impl Into<String>) {
        let path = path.into();
        if self.found.len() < TOLD_MAX && !self.found.iter().any(|known| known.path == path) {
            self.found.push(Problem { flaw, path, sentence: sentence.into() });
        }
    }

    /// Notes that there is no field `name` among `known`, and which one may be meant.
    pub(super) fn note_unknown(&mut self, path: String, name: &str, known: &[&'static str]) {
        const NONE: &str = "there is no such field here";
        let sentence = match nearest(name, known) {
            Some(near) => format!("{NONE}; the nearest is {near}"),
            None if self.has_listed => NONE.to_owned(),
            None => {
                self.has_listed = true;
                format!("{NONE}; there are: {}", known.join(", "))
            }
        };
        self.note(Flaw::UnknownField, path, sentence);
    }

    /// Whether something is wrong with the field at `path`, or below it.
    pub(super) fn concern(&self, path: &str) -> bool {
        self.found.iter().any(|known| known.path.starts_with(path))
    }

    /// Whether there is none of another kind.
    pub(super) fn are_all(&self, flaw: Flaw) -> bool {
        self.found.iter().all(|known| known.flaw == flaw)
    }

    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.found
    }
}

/// The field that may be meant by `name`: the bank's own spelling of it, or one with a slip of the pen or two in it.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    // No field is longer, and whatever is compared costs its length.
    if name.len() > SHOWN_MAX {
        return None;
    }
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let meant = plain(name);
    let distances = known.iter().map(|known| (distance(&meant, &plain(known)), *known));
    let (distance, found) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= meant.chars().count() / 4).then_some(found)
}

/// How many characters must be put in, taken out or changed to make `to` of `from`.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, c) in from.chars().enumerate() {
        let mut next = vec![done + 1];
        for (position, (other, above)) in to.iter().zip(row.windows(2)).enumerate() {
            let [diagonal, above] = *above else { continue };
            let left = next.get(position).copied().unwrap_or(usize::MAX);
            let changed = diagonal + usize::from(c != *other);
            next.push(changed.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
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
