//! What is asked of the file as a whole, and the way from its text to a [`Config`].

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use toml::de::DeTable;

use super::error::mistake;
use super::integrity::integrity;
use super::merchant::{Taken, merchant, shared_budget};
use super::raw::{NOT_SHOWN, Noted, Notes, Section};
use super::retention::retention;
use super::secrets::{self, Reading, Secret, Surroundings};
use super::values::{self, Limits};
use super::{Config, ConfigError, MerchantConfig, SharedBudgetConfig};

const GRACE: Limits<Duration> = Limits {
    min: Duration::from_secs(1),
    max: Duration::from_secs(600),
    why: "an answer in flight needs a moment, and a host that shuts down does not wait longer",
};

const TOLERANCE: Limits<Duration> = Limits {
    min: Duration::from_secs(5),
    max: Duration::from_secs(3_600),
    why: "an answer takes a moment and dates are cut to the second; an hour apart is another time zone, not a clock",
};

/// The longest configuration read, in bytes: a hundred merchants with a comment on every key need a tenth of it. What
/// is longer is some other file.
const FILE_MAX: u64 = 1 << 20;

/// How many merchants one process serves: each has its own connections and timers.
const MERCHANTS_MAX: usize = 100;

/// The shortest API token, in characters: whoever guesses it moves money.
const API_TOKEN_MIN: usize = 16;

const MERCHANT_FORM: &str = "begin every merchant with a line [[merchant]], in two pairs of brackets";

const BUDGET_FORM: &str = "begin every shared budget with a line [[budget]], in two pairs of brackets";

/// Reads the file at `path`.
pub(super) fn config(
    path: &Path,
    env: &dyn Fn(&str) -> Option<OsString>,
    reading: Reading,
) -> Result<Config, ConfigError> {
    config_of(path, &read(path)?, env, reading)
}

/// Reads `source` as if it stood in the file at `path`.
pub(super) fn config_of(
    path: &Path,
    source: &str,
    env: &dyn Fn(&str) -> Option<OsString>,
    reading: Reading,
) -> Result<Config, ConfigError> {
    let table = parse(path, source)?;
    let mut notes = Notes::new(source);
    let around = Surroundings { directory: path.parent().unwrap_or(path), env, reading };
    let config = outermost(&mut Section::outermost(&table, &mut notes), path, &around);
    let problems = notes.into_problems();
    match config {
        Ok(config) if problems.is_empty() => Ok(config),
        _ => Err(ConfigError::Problems { path: path.to_owned(), problems }),
    }
}

/// The text of the file at `path`.
fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |cause: io::Error| ConfigError::Unreadable {
        path: path.to_owned(),
        remedy: match cause.kind() {
            io::ErrorKind::NotFound => "name the file with --config, or copy config/reconciled.toml there and edit it",
            io::ErrorKind::PermissionDenied => "let the daemon's user read it: chown root:reconciled, chmod 640",
            io::ErrorKind::InvalidData => "save it as UTF-8 text",
            _ => "check that it is a plain file of at most 1 MiB on a healthy disk",
        },
        cause,
    };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_MAX {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(text)
}

/// The file's outermost table, as TOML has it.
fn parse<'a>(path: &Path, source: &'a str) -> Result<DeTable<'a>, ConfigError> {
    let (table, mut errors) = DeTable::parse_recoverable(source);
    if errors.is_empty() {
        return Ok(table.into_inner());
    }
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    Err(ConfigError::NotToml {
        path: path.to_owned(),
        mistakes: errors.iter().map(|error| mistake(source, error)).collect(),
    })
}

fn outermost(section: &mut Section<'_, '_>, path: &Path, around: &Surroundings<'_>) -> Result<Config, Noted> {
    let database = file(section, "database", around.directory, "name the database file");
    let reports = file(section, "reports", around.directory, "name the directory of the nightly reports");
    let spool = section.parsed("spool", |text| match text {
        "" => Err("name the directory that files of orders are taken from, or leave the key out".to_owned()),
        text => Ok(around.directory.join(text)),
    });
    let listen = section.parsed_or("listen", SocketAddr::from(([127, 0, 0, 1], 9642)), |text| {
        let form = |_| "give an address and a port, such as \"127.0.0.1:9642\"".to_owned();
        text.parse::<SocketAddr>().map_err(form)
    });
    let api_token = secrets::secret(section, "api_token", around).transpose();
    let metrics_want_token = section.flag_or("metrics_want_token", false);
    let shutdown_grace = section.duration_or("shutdown_grace", Duration::from_secs(30), &GRACE);
    let clock_tolerance = section.duration_or("clock_tolerance", Duration::from_secs(120), &TOLERANCE);
    let integrity = section.section("integrity", |section| integrity(section, around));
    let retention = section.section("retention", retention);
    let budgets = budgets(section);
    let merchants = merchants(section, around, budgets.as_ref().map(Vec::as_slice).unwrap_or_default());
    section.refuse_unknown();
    let is_sandbox = merchants.as_ref().is_ok_and(|merchants| listen.ip().is_loopback() && are_local(merchants));
    match &api_token {
        Ok(Some(token)) => token_is_fit(section, token, is_sandbox || merchants.is_err()),
        Ok(None) if !listen.ip().is_loopback() => {
            section.problem("api_token", "listen is open to other hosts; set a token, or listen on 127.0.0.1");
        }
        Ok(None) | Err(_) => {}
    }
    Ok(Config {
        path: path.to_owned(),
        database: database?,
        reports: reports?,
        spool: spool.transpose()?,
        listen,
        api_token: api_token?.map(|token| token.text),
        metrics_want_token,
        shutdown_grace,
        clock_tolerance,
        integrity: integrity?,
        retention,
        budgets: budgets?,
        merchants: merchants?,
    })
}

fn file(section: &mut Section<'_, '_>, key: &'static str, directory: &Path, remedy: &str) -> Result<PathBuf, Noted> {
    section.required(key, remedy, |text| match text {
        "" => Err(remedy.to_owned()),
        text => Ok(directory.join(text)),
    })
}

/// The budgets that merchants share; none is as good as an empty list.
fn budgets(section: &mut Section<'_, '_>) -> Result<Vec<SharedBudgetConfig>, Noted> {
    let mut names = Vec::new();
    let each = |section: &mut Section<'_, '_>| shared_budget(section, &mut names);
    let found = section.each("budget", BUDGET_FORM, each).unwrap_or_else(|| Ok(Vec::new()))?;
    if found.len() > MERCHANTS_MAX {
        return Err(
            section.problem("budget", format!("give at most {MERCHANTS_MAX}, as many as there may be merchants"))
        );
    }
    Ok(found)
}

fn merchants(
    section: &mut Section<'_, '_>,
    around: &Surroundings<'_>,
    budgets: &[SharedBudgetConfig],
) -> Result<Vec<MerchantConfig>, Noted> {
    let mut taken = Taken::of(budgets);
    let each = |section: &mut Section<'_, '_>| merchant(section, around, &mut taken);
    match section.each("merchant", MERCHANT_FORM, each) {
        None => Err(section.problem("merchant", MERCHANT_FORM)),
        Some(Ok(merchants)) if merchants.is_empty() => Err(section.problem("merchant", MERCHANT_FORM)),
        Some(Ok(merchants)) if merchants.len() > MERCHANTS_MAX => {
            let remedy =
                format!("give at most {MERCHANTS_MAX}; run another process, with its own database, for the rest");
            Err(section.problem("merchant", remedy))
        }
        Some(found) => found,
    }
}

fn are_local(merchants: &[MerchantConfig]) -> bool {
    merchants.iter().flat_map(|merchant| merchant.gateway.urls()).all(values::is_local)
}

/// A public token opens no door behind which real money is, nor one that other hosts can reach.
fn token_is_fit(section: &mut Section<'_, '_>, token: &Secret, is_sandbox: bool) {
    if token.is_public && !is_sandbox {
        let remedy =
            "a public token is for a sandbox: listen and every gateway on a loopback address; refer to a secret";
        section.problem_showing("api_token", NOT_SHOWN, remedy);
    }
    if !token.is_public && token.was_read && length(&token.text) < API_TOKEN_MIN {
        let remedy =
            format!("whoever guesses it moves money; give at least {API_TOKEN_MIN} characters: openssl rand -hex 32");
        section.problem_showing("api_token", NOT_SHOWN, remedy);
    }
}

fn length(secret: &SecretString) -> usize {
    secret.expose_secret().chars().count()
}
