//! How a command fails: a sentence for the person, an exit code for the script.
//!
//! The codes are few because scripts branch on few things: was the call wrong, the configuration, or the matter itself.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::output::inert;
use crate::config::ConfigError;
use crate::store::{LockError, OpenError, StoreError};

/// The command did what it was asked.
pub(super) const OK: u8 = 0;
/// It did not, or not with everything.
const FAILURE: u8 = 1;
/// It was called wrongly (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;
/// The configuration is missing or wrong (`EX_CONFIG`).
const CONFIGURATION: u8 = 78;

/// Why a command ends without having done what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// It was called wrongly.
    Usage(String),
    /// The configuration is missing or wrong.
    Config(Box<ConfigError>),
    /// The matter itself did not go well.
    Failed(String),
    /// Likewise, and the person has been told already; holds the exit code.
    Told(u8),
    /// Whoever read our output has gone (`| head`): they have what they wanted, so nothing is said.
    Unread,
}

impl Failure {
    /// A failure of the matter itself.
    pub fn failed(words: impl Into<String>) -> Self {
        Self::Failed(words.into())
    }

    /// Some of what was asked did not go well, and each has been told.
    pub(super) const fn told() -> Self {
        Self::Told(FAILURE)
    }

    /// The configuration is wrong, and that has been told.
    pub(super) const fn told_of_config() -> Self {
        Self::Told(CONFIGURATION)
    }

    /// Says on stderr what is wrong, unless it has been said, and gives the exit code.
    pub fn tell(self) -> ExitCode {
        let (code, words) = match self {
            Self::Usage(words) => (USAGE, words),
            Self::Config(error) => (CONFIGURATION, error.to_string()),
            Self::Failed(words) => (FAILURE, words),
            Self::Told(code) => (code, String::new()),
            Self::Unread => (OK, String::new()),
        };
        if !words.is_empty() {
            complain(&words);
        }
        ExitCode::from(code)
    }
}

/// Writes `error: words` to stderr; when nobody reads that, there is nobody to tell.
pub(super) fn complain(words: &str) {
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {}", inert(words));
}

/// Says what came of clap's refusal, or shows the help that was asked for.
pub(super) fn of_arguments(error: &clap::Error) -> ExitCode {
    // Broken pipe: nobody reads the help any more.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { OK })
}

/// What the daemon ends with; a wrong configuration keeps its exit code. The causes are those of contexts: an error of
/// ours tells its cause in its own words and has no `source()` besides, else the cause would be told twice.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<ConfigError>() {
            Ok(error) => Self::from(error),
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            // What was handed in is wrong, and not the database.
            StoreError::Passed(_) => Self::Usage(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// What could not be written to stdout.
pub(super) fn unwritten(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Failed(format!("cannot write the output: {error}")),
    }
}
