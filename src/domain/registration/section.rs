//! Asking a written object name by name: whatever stands in it unasked for is told, as is everything that is wrong.

use super::problem::{Flaw, Problems, named, shown};
use super::rules::{Named, Rule};
use super::tree::Tree;

/// An object of the registration, by its path.
pub(super) struct Section<'a, 'p> {
    path: String,
    entries: &'a [(String, Tree)],
    asked: Vec<&'static str>,
    pub(super) problems: &'p mut Problems,
}

impl<'a, 'p> Section<'a, 'p> {
    /// The object at `path`; anything else there is a problem.
    pub(super) fn of(tree: &'a Tree, path: String, problems: &'p mut Problems) -> Option<Self> {
        match tree {
            Tree::Object(entries) => Some(Self { path, entries, asked: Vec::new(), problems }),
            other => {
                problems.note(Flaw::WrongType, path, format!("{} stands where an object belongs", other.kind()));
                None
            }
        }
    }

    /// The whole path of a name.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn note(&mut self, flaw: Flaw, name: &str, sentence: impl Into<String>) {
        let path = self.at(name);
        self.problems.note(flaw, path, sentence);
    }

    /// What stands at `name`; null is a value left out.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a Tree> {
        self.asked.push(name);
        let mut found = self.entries.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() {
            self.note(Flaw::DuplicateField, name, "it is given twice; give it once, lest the wrong one be believed");
        }
        first.filter(|value| **value != Tree::Null)
    }

    /// Whether something stands at `name`.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, value)| known == name && *value != Tree::Null)
    }

    /// As [`Self::take`]; its absence is a problem.
    pub(super) fn required(&mut self, name: &'static str, remedy: &str) -> Option<&'a Tree> {
        let found = self.take(name);
        if found.is_none() {
            self.missing(name, remedy);
        }
        found
    }

    pub(super) fn missing(&mut self, name: &str, remedy: &str) {
        self.note(Flaw::Missing, name, format!("it is missing; {remedy}"));
    }

    /// The text at `name`, as `rule` wants it.
    pub(super) fn text(&mut self, name: &'static str, rule: Rule) -> Option<String> {
        let value = self.take(name)?;
        let path = self.at(name);
        text_of(value, &path, rule, self.problems)
    }

    /// Likewise; its absence is a problem.
    pub(super) fn required_text(&mut self, name: &'static str, rule: Rule, remedy: &str) -> Option<String> {
        let value = self.required(name, remedy)?;
        let path = self.at(name);
        text_of(value, &path, rule, self.problems)
    }

    /// The whole number at `name`, as a number or in digits.
    pub(super) fn number(&mut self, name: &'static str, min: i64, max: i64) -> Option<i64> {
        let value = self.take(name)?;
        let read = match value {
            Tree::Integer(number) => Some(*number),
            Tree::Text(text) if is_digits(text) => Some(text.parse().unwrap_or(i128::MAX)),
            Tree::Text(text) | Tree::Fraction(text) => {
                self.note(Flaw::WrongType, name, format!("{} is no whole number", shown(text)));
                return None;
            }
            other => {
                self.note(Flaw::WrongType, name, format!("{} stands where a whole number belongs", other.kind()));
                return None;
            }
        };
        let fits = read.and_then(|number| i64::try_from(number).ok()).filter(|number| (min..=max).contains(number));
        if fits.is_none() {
            self.note(Flaw::OutOfRange, name, format!("it is not within {min} to {max}"));
        }
        fits
    }

    /// The `true` or `false` at `name`.
    pub(super) fn truth(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Tree::Truth(truth) => Some(*truth),
            Tree::Text(text) if text == "true" => Some(true),
            Tree::Text(text) if text == "false" => Some(false),
            other => {
                self.note(Flaw::WrongType, name, format!("{} stands where true or false belongs", other.kind()));
                None
            }
        }
    }

    /// The object at `name`, read by `read`; what stands in it unasked for is told.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'a, '_>) -> T) -> Option<T> {
        let value = self.take(name)?;
        let path = self.at(name);
        let mut inner = Section::of(value, path, self.problems)?;
        let out = read(&mut inner);
        inner.refuse_unknown();
        Some(out)
    }

    /// Every object of the list at `name`; one that stands alone is a list of one.
    pub(super) fn each<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Section<'a, '_>) -> T,
    ) -> Option<Vec<T>> {
        let value = self.take(name)?;
        let items = match value {
            Tree::List(items) => items.as_slice(),
            alone => std::slice::from_ref(alone),
        };
        let mut all = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let path = format!("{}[{position}]", self.at(name));
            if let Some(mut inner) = Section::of(item, path, self.problems) {
                all.push(read(&mut inner));
                inner.refuse_unknown();
            }
        }
        Some(all)
    }

    /// The values of every name of a table, in the table's order.
    pub(super) fn table(&mut self, table: &[Named]) -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        for Named { name, rule, listed } in table {
            let Some(value) = self.take(name) else { continue };
            let path = self.at(name);
            let values = texts_of(value, &path, *rule, *listed, self.problems);
            if !values.is_empty() {
                found.push(((*name).to_owned(), values));
            }
        }
        found
    }

    /// Names that nobody chose beforehand, each with a plain value; null is a value left out.
    pub(super) fn free(&mut self, rule: Rule) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for (name, value) in self.entries {
            let path = self.at(&named(name));
            if name.trim().is_empty() {
                self.problems.note(Flaw::Missing, path, "a name is empty; every parameter has one");
            } else if found.iter().any(|(known, _)| known == name) {
                let sentence = "it is given twice; give it once, lest the wrong one be believed";
                self.problems.note(Flaw::DuplicateField, path, sentence);
            } else if *value != Tree::Null
                && let Some(text) = text_of(value, &path, rule, self.problems)
            {
                found.push((name.clone(), text));
            }
        }
        found
    }

    /// Told once everything was asked for.
    pub(super) fn refuse_unknown(&mut self) {
        for (name, _) in self.entries {
            if !self.asked.contains(&name.as_str()) {
                let path = self.at(&named(name));
                self.problems.note_unknown(path, name, &self.asked);
            }
        }
    }
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One text, or the several of a list where the bank takes several.
pub(super) fn texts_of(value: &Tree, path: &str, rule: Rule, listed: bool, problems: &mut Problems) -> Vec<String> {
    match value {
        Tree::List(items) if listed => {
            let each = |(position, item)| text_of(item, &format!("{path}[{position}]"), rule, problems);
            items.iter().enumerate().filter_map(each).collect()
        }
        other => text_of(other, path, rule, problems).into_iter().collect(),
    }
}

/// A text as `rule` wants it. A number or a truth stands for its own text: shops write `"positionId": 1`.
pub(super) fn text_of(value: &Tree, path: &str, rule: Rule, problems: &mut Problems) -> Option<String> {
    let text = match value {
        Tree::Text(text) => text.clone(),
        Tree::Integer(number) => number.to_string(),
        Tree::Truth(truth) => truth.to_string(),
        Tree::Fraction(number) => number.clone(),
        Tree::Null | Tree::List(_) | Tree::Object(_) => {
            problems.note(Flaw::WrongType, path, format!("{} stands where a text belongs", value.kind()));
            return None;
        }
    };
    let (length, Rule { class, min, max }) = (text.chars().count(), rule);
    let wrong = if length > max {
        Some((Flaw::TooLong, format!("it has {length} characters; the bank takes {max} at most")))
    } else if length < min {
        Some((Flaw::TooShort, format!("it has {length} characters; the bank wants {min} at least")))
    } else if let Some(found) = class.stranger(&text) {
        Some((Flaw::ForbiddenCharacter, format!("{found:?} cannot stand there; {}", class.remedy())))
    } else if !class.has_form(&text) {
        Some((Flaw::WrongForm, format!("{} has not the form of its field; {}", shown(&text), class.remedy())))
    } else {
        None
    };
    match wrong {
        None => Some(text),
        Some((flaw, sentence)) => {
            problems.note(flaw, path, sentence);
            None
        }
    }
}
