//! What is wrong with a configuration, told so that a person can mend all of it in one go.
//!
//! Values are shown, secrets never: a value comes here only through `raw`, which withholds whatever may be
//! one. The text of a line that is not TOML is shown up to its `=` for the same reason.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line it stands on, from 1; that of its table when the key is missing.
    pub line: Option<usize>,
    /// Where: `merchant.shop.budget.requests`, or `merchant[1].name` for the first merchant as long as it has no name.
    pub key: String,
    /// What was written there; empty when nothing was, and `(not shown)` where it may be a secret.
    pub value: String,
    /// What to write instead, and why.
    pub remedy: String,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The file is not TOML.
    NotToml {
        /// The file.
        path: PathBuf,
        /// Each mistake with its line, column and a caret under it.
        mistakes: Vec<String>,
    },
    /// It is TOML, and says what cannot be meant.
    Problems {
        /// The file.
        path: PathBuf,
        /// Every mistake, in the order of the file.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// The mistakes of a file that is TOML; empty for the other kinds.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Problems { problems, .. } => problems,
            Self::Unreadable { .. } | Self::NotToml { .. } => &[],
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, cause, remedy } => {
                write!(f, "cannot read {}: {cause}\n    {remedy}", path.display())
            }
            Self::NotToml { path, mistakes } => {
                write!(f, "{} is not TOML:\n\n{}", path.display(), mistakes.join("\n\n"))
            }
            Self::Problems { path, problems } => {
                let noun = if problems.len() == 1 { "problem" } else { "problems" };
                write!(f, "{} has {} {noun}:", path.display(), problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n\n{problem}"))
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match self.value.as_str() {
            "" => write!(f, "{} is missing", self.key)?,
            value => write!(f, "{} = {value}", self.key)?,
        }
        write!(f, "\n    {}", self.remedy)
    }
}

/// A syntax mistake with its line, column and a caret under it.
pub(super) fn mistake(source: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    let Some(span) = error.span() else {
        return message.to_owned();
    };
    let before = source.get(..span.start).unwrap_or(source);
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count());
    let shown = without_value(source.split('\n').nth(line).unwrap_or(""));
    let number = (line + 1).to_string();
    let gutter = " ".repeat(number.len());
    format!(
        "line {number}, column {}: {message}\n{gutter} |\n{number} | {shown}\n{gutter} | {}^",
        column + 1,
        " ".repeat(column)
    )
}

/// A line up to its `=`, and a table's header up to a quote: the mistake may sit in a secret, or in the misspelt key of
/// one.
fn without_value(line: &str) -> String {
    match line.split_once('=') {
        Some((key, _)) => format!("{key}= ..."),
        None if line.trim_start().starts_with('[') => {
            line.split(['"', '\'']).next().unwrap_or("").trim_end().to_owned()
        }
        None => "...".to_owned(),
    }
}
