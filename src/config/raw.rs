//! The file as written: tables and values with their places in it, and a note of every mistake found in them.
//!
//! Deserializing into structs would stop at the first mistake, and its messages may quote a secret that was written
//! where none belongs. So the sections here are asked key by key. A section remembers what it was asked for; whatever
//! else stands in it is an unknown key.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::values::{Limits, duration_within};

/// What stands for a value that may be a secret.
pub(super) const NOT_SHOWN: &str = "(not shown)";

/// The longest value shown, in characters: enough to recognise it.
const SHOWN_MAX: usize = 80;

/// Proof that a [`Problem`] was noted: a value that is not there cannot pass unnoticed.
#[derive(Debug)]
pub(super) struct Noted(());

/// Every problem found so far.
pub(super) struct Notes<'a> {
    source: &'a str,
    problems: Vec<Problem>,
}

/// A table of the file, or an empty one where the file has none.
pub(super) struct Section<'a, 'n> {
    path: String,
    line: Option<usize>,
    entries: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
    notes: &'n mut Notes<'a>,
}

impl<'a> Notes<'a> {
    /// No problem yet in `source`.
    pub(super) const fn new(source: &'a str) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// The problems in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        self.problems
    }

    fn line(&self, value: &Spanned<DeValue<'_>>) -> usize {
        let before = self.source.get(..value.span().start).unwrap_or("");
        before.matches('\n').count() + 1
    }

    /// A value as it was written: plain ones only, since a table or a list may hold anything, a secret included.
    fn shown(&self, value: &Spanned<DeValue<'_>>) -> String {
        let plain = |value: &DeValue<'_>| !value.is_table() && !value.is_array();
        match value.get_ref() {
            DeValue::Table(_) => return "a table".to_owned(),
            DeValue::Array(items) if !items.iter().all(|item| plain(item.get_ref())) => return "a list".to_owned(),
            _ => {}
        }
        let written = self.source.get(value.span()).unwrap_or("");
        let mut shown: String = written.chars().take(SHOWN_MAX).collect();
        if shown.len() < written.len() {
            shown.push_str("...");
        }
        shown.replace(char::is_control, " ")
    }
}

impl<'a, 'n> Section<'a, 'n> {
    /// The outermost table.
    pub(super) const fn outermost(table: &'a DeTable<'a>, notes: &'n mut Notes<'a>) -> Self {
        Self { path: String::new(), line: None, entries: Some(table), asked: Vec::new(), notes }
    }

    /// From now on its keys are named after `path`.
    pub(super) fn rename(&mut self, path: String) {
        self.path = path;
    }

    /// What stands at `key`, which from now on is a known key.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.find(key)
    }

    /// Notes a problem with what stands at `key`, or with nothing standing there. A dotted key reaches into tables.
    pub(super) fn problem(&mut self, key: &str, remedy: impl Into<String>) -> Noted {
        let value = self.find(key).map_or_else(String::new, |value| self.notes.shown(value));
        self.problem_showing(key, value, remedy)
    }

    /// Notes a problem, and shows `value` in place of what stands at `key`.
    pub(super) fn problem_showing(&mut self, key: &str, value: impl Into<String>, remedy: impl Into<String>) -> Noted {
        let line = self.find(key).map(|value| self.notes.line(value)).or(self.line);
        self.notes.problems.push(Problem { line, key: self.full(key), value: value.into(), remedy: remedy.into() });
        Noted(())
    }

    /// Notes a problem with `key` unless `holds`, or one of the `keys` it depends on is wrong by itself.
    pub(super) fn relation(&mut self, keys: &[&str], holds: bool, remedy: impl Into<String>) {
        let is_wrong = |key: &&str| {
            let full = self.full(key);
            self.notes.problems.iter().any(|problem| problem.key == full)
        };
        if !holds && !keys.iter().any(is_wrong) {
            let written = keys.iter().find(|key| self.find(key).is_some());
            self.problem(written.or(keys.first()).unwrap_or(&""), remedy);
        }
    }

    /// The text at `key`.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Result<&'a str, Noted>> {
        let value = self.take(key)?;
        Some(match value.get_ref() {
            DeValue::String(text) => Ok(text.as_ref()),
            _ => Err(self.problem(key, "write a text in quotes")),
        })
    }

    /// The text at `key`, parsed.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Result<T, Noted>> {
        let text = self.text(key)?;
        Some(text.and_then(|text| parse(text).map_err(|remedy| self.problem(key, remedy))))
    }

    /// The text at `key`, parsed; `default` when there is none, or a wrong one was noted.
    pub(super) fn parsed_or<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        self.parsed(key, parse).and_then(Result::ok).unwrap_or(default)
    }

    /// The text at `key`, parsed; its absence is a problem.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        remedy: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Noted> {
        match self.parsed(key, parse) {
            Some(found) => found,
            None => Err(self.problem(key, remedy)),
        }
    }

    /// The duration at `key`.
    pub(super) fn duration_or(&mut self, key: &'static str, default: Duration, limits: &Limits<Duration>) -> Duration {
        self.parsed_or(key, default, |text| duration_within(text, limits))
    }

    /// The durations listed at `key`.
    pub(super) fn durations(&mut self, key: &'static str, limits: &Limits<Duration>) -> Option<Vec<Duration>> {
        let value = self.take(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.problem(key, "write a list, such as [\"1h\", \"1d\"]");
            return None;
        };
        let each = |item: &Spanned<DeValue<'_>>| match item.get_ref().as_str() {
            Some(text) => duration_within(text, limits),
            None => Err("write each duration in quotes, such as \"1h\"".to_owned()),
        };
        match items.iter().map(each).collect() {
            Ok(durations) => Some(durations),
            Err(remedy) => {
                self.problem(key, remedy);
                None
            }
        }
    }

    /// The texts listed at `key`, each parsed; `form` says how a list is written.
    pub(super) fn texts<T>(
        &mut self,
        key: &'static str,
        form: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Result<Vec<T>, Noted>> {
        let value = self.take(key)?;
        let Some(items) = value.get_ref().as_array() else {
            return Some(Err(self.problem_showing(key, NOT_SHOWN, form)));
        };
        let each =
            |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().ok_or_else(|| form.to_owned()).and_then(&parse);
        let found: Result<Vec<T>, String> = items.iter().map(each).collect();
        Some(found.map_err(|remedy| self.problem(key, remedy)))
    }

    /// The durations of the table at `key`, each under a name of its own that `name` reads.
    pub(super) fn durations_by<K: Ord>(
        &mut self,
        key: &'static str,
        limits: &Limits<Duration>,
        name: impl Fn(&str) -> Result<K, String>,
    ) -> BTreeMap<K, Duration> {
        let Some(value) = self.take(key) else { return BTreeMap::new() };
        let Some(entries) = value.get_ref().as_table() else {
            self.problem(key, "write a table, such as { visa = \"7d\", mir = \"5d\" }");
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for (written, value) in entries {
            let written = written.get_ref().as_ref();
            let read = name(written).and_then(|name| {
                let text = value.get_ref().as_str().ok_or("write the duration in quotes, such as \"7d\"")?;
                Ok((name, duration_within(text, limits)?))
            });
            match read {
                Ok((name, duration)) if !found.contains_key(&name) => drop(found.insert(name, duration)),
                Ok(_) => drop(self.problem(&format!("{key}.{written}"), "name it once: capitals make no difference")),
                Err(remedy) => drop(self.problem(&format!("{key}.{written}"), remedy)),
            }
        }
        found
    }

    /// Refuses a key of an earlier version, and names what took its place.
    pub(super) fn replaced(&mut self, key: &'static str, remedy: &str) {
        if self.find(key).is_some() {
            self.asked.push(key);
            self.problem(key, remedy);
        }
    }

    /// The whole number at `key`.
    pub(super) fn integer_or(&mut self, key: &'static str, default: u32, limits: &Limits<u32>) -> u32 {
        self.integer(key, limits).unwrap_or(default)
    }

    /// The whole number at `key`; `None` when there is none, or a wrong one was noted.
    pub(super) fn integer(&mut self, key: &'static str, limits: &Limits<u32>) -> Option<u32> {
        let value = self.take(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|integer| u32::from_str_radix(integer.as_str(), integer.radix()).ok());
        if let Some(number) = number.filter(|number| limits.contain(number)) {
            return Some(number);
        }
        self.problem(key, format!("give a whole number from {limits}"));
        None
    }

    /// The `true` or `false` at `key`.
    pub(super) fn flag_or(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.take(key) else {
            return default;
        };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.problem(key, "write true or false, without quotes");
            default
        })
    }

    /// Reads the table at `key`, and refuses what stands in it unasked for. A missing table is an empty one.
    pub(super) fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'a, '_>) -> T) -> T {
        let value = self.take(key);
        let entries = value.and_then(|value| value.get_ref().as_table());
        if value.is_some() && entries.is_none() {
            let header = self.full(key);
            self.problem_showing(key, NOT_SHOWN, format!("write it as a table, under a line [{header}]"));
        }
        let path = self.full(key);
        self.inner(path, value, entries, read)
    }

    /// Reads every table of the list at `key`; `None` when there is no list.
    pub(super) fn each<T>(
        &mut self,
        key: &'static str,
        remedy: &str,
        mut read: impl FnMut(&mut Section<'a, '_>) -> Result<T, Noted>,
    ) -> Option<Result<Vec<T>, Noted>> {
        let value = self.take(key)?;
        let Some(items) = value.get_ref().as_array() else {
            return Some(Err(self.problem_showing(key, NOT_SHOWN, remedy)));
        };
        let mut all = Ok(Vec::new());
        for (position, item) in items.iter().enumerate() {
            let path = format!("{}[{}]", self.full(key), position + 1);
            let Some(entries) = item.get_ref().as_table() else {
                return Some(Err(self.problem_showing(key, NOT_SHOWN, remedy)));
            };
            let read = self.inner(path, Some(item), Some(entries), &mut read);
            all = all.and_then(|mut all: Vec<T>| {
                all.push(read?);
                Ok(all)
            });
        }
        Some(all)
    }

    /// Refuses every key that was not asked for. Called once all were.
    pub(super) fn refuse_unknown(&mut self) {
        let unknown: Vec<_> = self
            .entries
            .iter()
            .flat_map(|entries| entries.keys())
            .filter(|key| !self.asked.contains(&key.get_ref().as_ref()))
            .collect();
        for key in unknown {
            let remedy = format!("no such key; known here: {}", self.asked.join(", "));
            let line = self.notes.source.get(..key.span().start).unwrap_or("").matches('\n').count() + 1;
            self.notes.problems.push(Problem {
                line: Some(line),
                key: self.full(key.get_ref()),
                value: NOT_SHOWN.to_owned(),
                remedy,
            });
        }
    }

    fn inner<T>(
        &mut self,
        path: String,
        value: Option<&'a Spanned<DeValue<'a>>>,
        entries: Option<&'a DeTable<'a>>,
        read: impl FnOnce(&mut Section<'a, '_>) -> T,
    ) -> T {
        let mut inner = Section {
            path,
            line: value.map(|value| self.notes.line(value)).or(self.line),
            entries,
            asked: Vec::new(),
            notes: self.notes,
        };
        let out = read(&mut inner);
        inner.refuse_unknown();
        out
    }

    fn find(&self, dotted: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let (key, rest) = dotted.split_once('.').map_or((dotted, None), |(key, rest)| (key, Some(rest)));
        let value = self.entries?.get(key)?;
        match rest {
            None => Some(value),
            Some(rest) => value.get_ref().as_table()?.get(rest),
        }
    }

    fn full(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }
}
