//! What is asked of the file as a whole, and the way from its text to a [`Config`].

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::merchant::{Taken, merchant};
use super::raw::{self, NOT_SHOWN, Noted, Notes, Section};
use super::secrets::{self, Reading, Secret, Surroundings};
use super::values::{self, Limits};
use super::{Config, ConfigError, MerchantConfig};

const GRACE: Limits<Duration> = Limits {
    min: Duration::from_secs(1),
    max: Duration::from_secs(600),
    why: "an answer in flight needs a moment, and a host that shuts down does not wait longer",
};

/// How many merchants one process serves: each has its own connections and timers.
const MERCHANTS_MAX: usize = 100;

/// The shortest API token, in characters: whoever guesses it moves money.
const API_TOKEN_MIN: usize = 16;

const MERCHANT_FORM: &str = "begin every merchant with a line [[merchant]], in two pairs of brackets";

/// Reads `source`, the text of the file at `path`.
pub(super) fn config(
    path: &Path,
    source: &str,
    env: &dyn Fn(&str) -> Option<OsString>,
    reading: Reading,
) -> Result<Config, ConfigError> {
    let table = raw::parse(path, source)?;
    let mut notes = Notes::new(source);
    let around = Surroundings { directory: path.parent().unwrap_or(path), env, reading };
    let config = outermost(&mut Section::outermost(&table, &mut notes), path, &around);
    let problems = notes.into_problems();
    match config {
        Ok(config) if problems.is_empty() => Ok(config),
        _ => Err(ConfigError::Problems { path: path.to_owned(), problems }),
    }
}

fn outermost(section: &mut Section<'_, '_>, path: &Path, around: &Surroundings<'_>) -> Result<Config, Noted> {
    let database = file(section, "database", around.directory, "name the database file");
    let reports = file(section, "reports", around.directory, "name the directory of the nightly reports");
    let listen = section.parsed_or("listen", SocketAddr::from(([127, 0, 0, 1], 9642)), |text| {
        let form = |_| "give an address and a port, such as \"127.0.0.1:9642\"".to_owned();
        text.parse::<SocketAddr>().map_err(form)
    });
    let api_token = secrets::secret(section, "api_token", around).transpose();
    let shutdown_grace = section.duration_or("shutdown_grace", Duration::from_secs(30), &GRACE);
    let merchants = merchants(section, around);
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
        listen,
        api_token: api_token?.map(|token| token.text),
        shutdown_grace,
        merchants: merchants?,
    })
}

fn file(section: &mut Section<'_, '_>, key: &'static str, directory: &Path, remedy: &str) -> Result<PathBuf, Noted> {
    section.required(key, remedy, |text| match text {
        "" => Err(remedy.to_owned()),
        text => Ok(directory.join(text)),
    })
}

fn merchants(section: &mut Section<'_, '_>, around: &Surroundings<'_>) -> Result<Vec<MerchantConfig>, Noted> {
    let mut taken = Taken::default();
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
    let is_local = |url: &str| values::address(url).is_ok_and(|address| address.is_loopback);
    merchants.iter().all(|merchant| is_local(&merchant.gateway.url))
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
