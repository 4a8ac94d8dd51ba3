//! What is asked of `[[merchant.webhook]]`: whom of the shop's the journal is told, which of it, and how.
//!
//! An endpoint is an address, with the keys that sign what it is told, or a program on this host. Whether the name in an
//! address leads to where a shop may be is asked again whenever it is looked up, since that may change; here the rest is
//! checked.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;
use toml::de::DeValue;
use url::{Host, Url};

use super::merchant::certificates;
use super::raw::{NOT_SHOWN, Noted, Section};
use super::secrets::{self, Reading, Secret, Surroundings, Wrong};
use super::values::Limits;
use crate::domain::delivery::address::Reach;
use crate::domain::delivery::{EndpointName, Filter};
use crate::domain::event::EventKind;
use crate::domain::order::State;

const TIMEOUT: Limits<Duration> = Limits {
    min: Duration::from_secs(1),
    max: Duration::from_secs(60),
    why: "in less no shop abroad can answer, and one that works for longer should answer first",
};
const COMMAND_TIMEOUT: Limits<Duration> = Limits {
    min: Duration::from_secs(1),
    max: Duration::from_secs(600),
    why: "in less no interpreter starts, and what takes longer belongs into a queue of the shop's own",
};
const IN_FLIGHT: Limits<u32> =
    Limits { min: 1, max: 64, why: "each holds a connection, and more would be an attack on the shop" };
const COMMAND_IN_FLIGHT: Limits<u32> =
    Limits { min: 1, max: 16, why: "each is a process, and the unit's memory is for all of them together" };

/// Endpoints of one merchant at most: each reads the journal for itself and keeps its own connections.
const ENDPOINTS_MAX: usize = 100;

/// Keys of one endpoint at most: the one in use, and the one that takes its place.
const KEYS_MAX: usize = 2;

/// The lengths of a key in bytes, as the Standard Webhooks have it.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The longest address, in characters: what is longer no proxy on the way takes.
const URL_MAX: usize = 2_048;

/// Words of a command at most, and the longest of them in bytes: a program's name and a few options.
const WORDS_MAX: usize = 32;
const WORD_MAX: usize = 1_024;

const KEY_FORM: &str = "a key is whsec_ and 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)";

const KEYS_FORM: &str =
    "refer to one key, or to two while one takes the other's place: keys = [{ credential = \"shop-webhook\" }]";

const COMMAND_FORM: &str =
    "give the program by its whole path and its arguments: [\"/usr/local/bin/tell-shop\", \"--quick\"]";

/// Whom of the shop's the journal is told.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Its name, unique for the merchant.
    pub name: EndpointName,
    /// Where it is.
    pub target: Target,
    /// Which events it is told.
    pub filter: Filter,
    /// The longest wait for its answer: 1 s to 1 min; for a program's end up to 10 min.
    pub timeout: Duration,
    /// How many events it may be told at once: 1 to 64, or 16 programs.
    pub in_flight: NonZeroUsize,
}

/// Where an endpoint is.
#[derive(Clone, Debug)]
pub enum Target {
    /// At an address.
    Address(AddressConfig),
    /// A program on this host, by its whole path, and its arguments.
    Command(Vec<String>),
}

/// An endpoint's address. `Debug` shows no key.
#[derive(Clone, Debug)]
pub struct AddressConfig {
    /// The whole of it: https, or http within `reach`. It has no credentials.
    pub url: String,
    /// Where its name may lead to.
    pub reach: Reach,
    /// What signs: one or two keys, each `whsec_` and base64.
    pub keys: Vec<SecretString>,
    /// Certificates trusted beside the public roots, as PEM.
    pub extra_roots_pem: Option<Vec<u8>>,
}

impl WebhookConfig {
    /// Where it is, for people: what stands behind the host may be half a secret.
    pub fn whereabouts(&self) -> String {
        match &self.target {
            Target::Address(address) => origin(&address.url),
            Target::Command(words) => words.first().cloned().unwrap_or_default(),
        }
    }
}

fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// Reads the list; none is as good as an empty one.
pub(super) fn webhooks(section: &mut Section<'_, '_>, around: &Surroundings<'_>) -> Result<Vec<WebhookConfig>, Noted> {
    const FORM: &str = "begin every endpoint with a line [[merchant.webhook]], in two pairs of brackets";
    let mut names = Vec::new();
    let each = |section: &mut Section<'_, '_>| webhook(section, around, &mut names);
    let found = section.each("webhook", FORM, each).unwrap_or_else(|| Ok(Vec::new()))?;
    if found.len() > ENDPOINTS_MAX {
        let remedy = format!("give at most {ENDPOINTS_MAX}: each of them reads the whole journal");
        return Err(section.problem_showing("webhook", NOT_SHOWN, remedy));
    }
    Ok(found)
}

fn webhook(
    section: &mut Section<'_, '_>,
    around: &Surroundings<'_>,
    names: &mut Vec<EndpointName>,
) -> Result<WebhookConfig, Noted> {
    let name = section.required("name", "name the endpoint with a-z, 0-9, _ and -: metrics call it so", |text| {
        let name = EndpointName::new(text).map_err(|error| error.to_string().replace("merchant name", "name"))?;
        if names.contains(&name) {
            return Err("give every endpoint its own name; another one of this merchant has this already".to_owned());
        }
        Ok(name)
    });
    names.extend(name.as_ref().ok().cloned());
    let command = command(section, around);
    let is_command = command.is_some();
    let address = address(section, around, is_command);
    let filter = filter(section);
    let (limits, usual) = if is_command { (&COMMAND_TIMEOUT, 30) } else { (&TIMEOUT, 15) };
    let timeout = section.duration_or("timeout", Duration::from_secs(usual), limits);
    let (limits, usual) = if is_command { (&COMMAND_IN_FLIGHT, 2) } else { (&IN_FLIGHT, 4) };
    let in_flight = usize::try_from(section.integer_or("in_flight", usual, limits)).ok();
    let target = match (command, address) {
        (Some(command), None) => Target::Command(command?),
        (None, Some(address)) => Target::Address(address?),
        (Some(_), Some(_)) => return Err(section.problem("command", "give either url or command, never both")),
        (None, None) => {
            return Err(section.problem("url", "give the shop's address for this, or a command that tells the shop"));
        }
    };
    let (name, filter) = (name?, filter?);
    Ok(WebhookConfig {
        name,
        target,
        filter,
        timeout,
        in_flight: in_flight.and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN),
    })
}

/// A program and its arguments. It must be there: what is misspelt would fail for three days. The command line, which may
/// be somebody's who cannot see it, does not look.
fn command(section: &mut Section<'_, '_>, around: &Surroundings<'_>) -> Option<Result<Vec<String>, Noted>> {
    let words = section.texts("command", COMMAND_FORM, |word| Ok(word.to_owned()))?;
    Some(words.and_then(|words| {
        let wrong = match words.first() {
            None => Some(COMMAND_FORM.to_owned()),
            Some(program) if !program.starts_with('/') => Some(COMMAND_FORM.to_owned()),
            Some(program) if around.reading != Reading::NoSecrets && !Path::new(program).is_file() => {
                Some(format!("there is no program {program:?} that this process can see; name one by its whole path"))
            }
            Some(_) if words.len() > WORDS_MAX => Some(format!("give at most {WORDS_MAX} words")),
            Some(_) if words.iter().any(|word| word.len() > WORD_MAX || word.contains('\0')) => {
                Some(format!("give words of at most {WORD_MAX} bytes, and no zero byte"))
            }
            Some(_) => None,
        };
        wrong.map_or(Ok(words), |remedy| Err(section.problem("command", remedy)))
    }))
}

/// The address with all that belongs to it; for a command there is nothing of the kind.
fn address(
    section: &mut Section<'_, '_>,
    around: &Surroundings<'_>,
    is_command: bool,
) -> Option<Result<AddressConfig, Noted>> {
    let allow_private = section.flag_or("allow_private", false);
    let url = section.text("url");
    let keys = section.take("keys");
    let extra_roots_pem = section.parsed("extra_root", |text| certificates(&around.directory.join(text))).transpose();
    if is_command && url.is_none() {
        section.relation(&["keys"], keys.is_none(), "a command is not signed for; leave the keys out");
        section.relation(&["allow_private"], !allow_private, "a command has no address; leave it out");
        return None;
    }
    let url = url?.and_then(|text| {
        endpoint(text, allow_private).map_err(|remedy| {
            let shown = if text.contains(['@', '?']) { NOT_SHOWN.to_owned() } else { format!("{text:?}") };
            section.problem_showing("url", shown, remedy)
        })
    });
    let is_here = url.as_ref().is_ok_and(|url| url.is_here);
    let keys = signing_keys(section, keys, around, is_here);
    Some((|| {
        let Endpoint { url, reach, .. } = url?;
        Ok(AddressConfig { url, reach, keys: keys?, extra_roots_pem: extra_roots_pem? })
    })())
}

/// An address that was read.
struct Endpoint {
    url: String,
    reach: Reach,
    /// Whether it is on this host.
    is_here: bool,
}

fn endpoint(text: &str, allow_private: bool) -> Result<Endpoint, String> {
    const FORM: &str = "give the shop's whole address, such as \"https://shop.example/hooks/reconciled\"";
    if text.len() > URL_MAX {
        return Err(format!("give an address of at most {URL_MAX} characters"));
    }
    let url = Url::parse(text).map_err(|error| format!("{error}; {FORM}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("take the credentials out of the address: what is sent is signed, which proves more".to_owned());
    }
    if url.fragment().is_some() {
        return Err("end the address before its fragment, which is never sent".to_owned());
    }
    let reach = match (url.scheme(), allow_private) {
        ("https", false) => Reach::Public,
        ("https", true) => Reach::Anywhere,
        ("http", true) => Reach::Private,
        ("http", false) => {
            return Err("use https: http is for this host and private networks, with allow_private = true".to_owned());
        }
        _ => return Err("begin the address with https://".to_owned()),
    };
    let host = url.host().ok_or(FORM)?;
    let is_local_name = |name: &str| name == "localhost" || name.ends_with(".localhost");
    let (literal, is_here) = match host {
        Host::Domain(name) => (None, is_local_name(name.trim_end_matches('.'))),
        Host::Ipv4(address) => (Some(IpAddr::V4(address)), address.is_loopback()),
        Host::Ipv6(address) => (Some(IpAddr::V6(address)), address.is_loopback()),
    };
    if is_here && reach == Reach::Public {
        return Err("this is an address of this host itself; if the shop is here, say allow_private = true".to_owned());
    }
    if let Some(address) = literal.filter(|address| !reach.includes(*address)) {
        return Err(match reach {
            Reach::Private => format!("{address} is not in a private network; use https"),
            Reach::Public if Reach::Anywhere.includes(address) => {
                format!("{address} is in a private network; if the shop is there, say allow_private = true")
            }
            Reach::Public | Reach::Anywhere => format!("no shop is at {address}; {FORM}"),
        });
    }
    Ok(Endpoint { url: url.into(), reach, is_here })
}

fn signing_keys(
    section: &mut Section<'_, '_>,
    written: Option<&Spanned<DeValue<'_>>>,
    around: &Surroundings<'_>,
    is_here: bool,
) -> Result<Vec<SecretString>, Noted> {
    let items = written.and_then(|value| value.get_ref().as_array());
    let Some(items) = items.filter(|items| (1..=KEYS_MAX).contains(&items.len())) else {
        let shown = if written.is_some() { NOT_SHOWN } else { "" };
        return Err(section.problem_showing("keys", shown, KEYS_FORM));
    };
    let mut keys = Vec::new();
    for item in items {
        match secrets::follow(item.get_ref(), around).and_then(|secret| fit(secret, is_here)) {
            Ok(key) => keys.push(key),
            Err(Wrong { shown, remedy }) => return Err(section.problem_showing("keys", shown, remedy)),
        }
    }
    Ok(keys)
}

fn fit(secret: Secret, is_here: bool) -> Result<SecretString, Wrong> {
    let wrong = |remedy: &str| Err(Wrong { shown: NOT_SHOWN.to_owned(), remedy: remedy.to_owned() });
    if secret.is_public && !is_here {
        return wrong("with a public key anybody could sign; refer to a secret, or tell a shop on this very host");
    }
    if secret.was_read && key_bytes(&secret.text).is_none() {
        return wrong(KEY_FORM);
    }
    Ok(secret.text)
}

/// The bytes of a key: `whsec_` and base64.
pub fn key_bytes(key: &SecretString) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(key.expose_secret().strip_prefix("whsec_")?).ok()?;
    KEY_BYTES.contains(&bytes.len()).then_some(bytes)
}

fn filter(section: &mut Section<'_, '_>) -> Result<Filter, Noted> {
    const KINDS: &str = "write a list of kinds, such as [\"changed\", \"refunded\"]";
    const STATES: &str = "write a list of states, such as [\"deposited\", \"refunded\"]";
    let kind = |word: &str| {
        EventKind::parse(word).ok_or_else(|| unknown("kind", word, &EventKind::ALL.map(EventKind::as_str)))
    };
    let state = |word: &str| State::parse(word).ok_or_else(|| unknown("state", word, &State::ALL.map(State::as_str)));
    let kinds = section.texts("kinds", KINDS, kind).transpose();
    let states = section.texts("states", STATES, state).transpose();
    let changes_only = section.flag_or("changes_only", false);
    Ok(Filter { kinds: kinds?.unwrap_or_default(), states: states?.unwrap_or_default(), changes_only })
}

fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let word: String = word.chars().take(32).collect();
    format!("there is no {what} {word:?}; there are: {}", known.join(", "))
}
