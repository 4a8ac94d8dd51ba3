//! Secrets stand in the file by reference only: a systemd credential, a file, an environment variable.
//!
//! `{ public = "..." }` is for the sandbox: a password everybody may read, allowed where no real money is. What a
//! reference leads to is never shown, and neither is what stands where a reference belongs.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use toml::de::DeValue;

use super::raw::{NOT_SHOWN, Noted, Section};

/// The longest secret, in bytes: tokens have some dozens; what is longer is another file.
const SECRET_MAX: usize = 4096;

/// The longest private key, in bytes: one of 8192 bits has six thousand in PEM.
const PEM_MAX: usize = 16_384;

const FORM: &str = "a secret never stands in this file; refer to it: { credential = \"name\" } for systemd's \
                    LoadCredential, { file = \"/path\" } of mode 600, or { env = \"NAME\" }";

/// Which secrets are read. One that is not read stands for itself by its reference, so that two of them still differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Every one: what speaks to a bank needs them.
    Everything,
    /// All but systemd's credentials, which it hands to the daemon alone.
    NoCredentials,
    /// None: the command line works on the database, and whoever uses it need not be able to read them.
    NoSecrets,
}

/// What references lead through.
pub(super) struct Surroundings<'a> {
    /// The directory of the file, from which relative paths start.
    pub(super) directory: &'a Path,
    /// Looks up an environment variable.
    pub(super) env: &'a dyn Fn(&str) -> Option<OsString>,
    /// Which of them are followed.
    pub(super) reading: Reading,
}

/// A resolved secret.
#[derive(Debug)]
pub(super) struct Secret {
    /// Its text.
    pub(super) text: SecretString,
    /// Whether it stands in the file for everybody to read.
    pub(super) is_public: bool,
    /// Whether it is the secret itself, and not its reference in its place.
    pub(super) was_read: bool,
}

impl Reading {
    fn includes(self, kind: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::NoCredentials => kind != "credential",
            Self::NoSecrets => false,
        }
    }
}

/// The secret referred to at `key`.
pub(super) fn secret(
    section: &mut Section<'_, '_>,
    key: &'static str,
    around: &Surroundings<'_>,
) -> Option<Result<Secret, Noted>> {
    let value = section.take(key)?;
    Some(follow(value.get_ref(), around).map_err(|wrong| section.problem_showing(key, wrong.shown, wrong.remedy)))
}

/// The private key referred to at `key`: PEM, and so of several lines.
pub(super) fn private_key(
    section: &mut Section<'_, '_>,
    key: &'static str,
    around: &Surroundings<'_>,
) -> Option<Result<Secret, Noted>> {
    let value = section.take(key)?;
    let found = follow_as(value.get_ref(), around, checked_pem);
    Some(found.map_err(|wrong| section.problem_showing(key, wrong.shown, wrong.remedy)))
}

/// What is wrong with a reference, and how it is shown.
pub(super) struct Wrong {
    pub(super) shown: String,
    pub(super) remedy: String,
}

/// The secret that `value` refers to.
pub(super) fn follow(value: &DeValue<'_>, around: &Surroundings<'_>) -> Result<Secret, Wrong> {
    follow_as(value, around, checked)
}

fn follow_as(
    value: &DeValue<'_>,
    around: &Surroundings<'_>,
    checked: impl Fn(&str) -> Result<SecretString, String>,
) -> Result<Secret, Wrong> {
    let Some((kind, name)) = reference(value) else {
        return Err(Wrong { shown: NOT_SHOWN.to_owned(), remedy: FORM.to_owned() });
    };
    let was_read = kind == "public" || around.reading.includes(kind);
    let found = match kind {
        "public" => Ok(name.to_owned()),
        kind if !was_read => Ok(format!("{kind} {name:?}, which was not read")),
        kind => resolve(kind, name, around),
    };
    let shown = match kind {
        "public" => NOT_SHOWN.to_owned(),
        kind => format!("{{ {kind} = {name:?} }}"),
    };
    // What stands for a secret that was not read has none of its form.
    let fit = |text: String| if was_read { checked(&text) } else { Ok(SecretString::from(text)) };
    match found.and_then(fit) {
        Ok(text) => Ok(Secret { text, is_public: kind == "public", was_read }),
        Err(remedy) => Err(Wrong { shown, remedy }),
    }
}

/// The kind of a reference and what it names.
fn reference<'a>(value: &'a DeValue<'_>) -> Option<(&'static str, &'a str)> {
    let table = value.as_table().filter(|table| table.len() == 1)?;
    ["credential", "file", "env", "public"]
        .into_iter()
        .find_map(|kind| Some((kind, table.get(kind)?.get_ref().as_str()?)))
}

fn resolve(kind: &str, name: &str, around: &Surroundings<'_>) -> Result<String, String> {
    match kind {
        "credential" => credential(name, around),
        "file" => private_file(&around.directory.join(name)),
        _ => variable(name, around),
    }
}

/// A file that systemd put where this service alone can read it. Its mode says nothing: where the service has its own
/// user, access is granted by an ACL, which shows as a group's right.
fn credential(name: &str, around: &Surroundings<'_>) -> Result<String, String> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err("give the credential's name as the unit has it: no path, no leading dot".to_owned());
    }
    let Some(directory) = (around.env)("CREDENTIALS_DIRECTORY") else {
        return Err(format!(
            "CREDENTIALS_DIRECTORY is not set: start the daemon by systemd, with LoadCredential={name}:/path in its \
             unit, or refer to a file"
        ));
    };
    let path = PathBuf::from(directory).join(name);
    let missing = |error: io::Error| format!("{error}; add LoadCredential={name}:/path to the unit");
    open(&path).and_then(|(_, file)| text(file)).map_err(missing)
}

/// A file that nobody but its owner may read.
fn private_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("{}: {error}; let the daemon's user own it, chmod 600", path.display());
    let (mode, file) = open(path).map_err(unreadable)?;
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(format!("its mode is {mode:03o}, so others can read it; chmod 600 {path}"));
    }
    text(file).map_err(unreadable)
}

fn variable(name: &str, around: &Surroundings<'_>) -> Result<String, String> {
    match (around.env)(name).map(OsString::into_string) {
        Some(Ok(text)) => Ok(text),
        Some(Err(_)) => Err(format!("{name} is not UTF-8 text")),
        None => Err(format!("{name} is not set in the daemon's environment")),
    }
}

/// The mode of a plain file, and the file. Whatever else has that name is refused before it is opened, since opening a
/// pipe may wait for ever; the mode is that of the file opened, not of what bore its name a moment ago.
fn open(path: &Path) -> io::Result<(u32, fs::File)> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a plain file"));
    }
    let file = fs::File::open(path)?;
    Ok((file.metadata()?.permissions().mode() & 0o777, file))
}

fn text(file: fs::File) -> io::Result<String> {
    // One more than the longest with its line's end: enough to see that it is too long.
    let mut text = String::with_capacity(PEM_MAX + 3);
    file.take(PEM_MAX as u64 + 3).read_to_string(&mut text)?;
    Ok(text)
}

/// A secret without the line's end that editors put behind it.
fn checked(text: &str) -> Result<SecretString, String> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("the secret is empty; write it there".to_owned());
    }
    if line.len() > SECRET_MAX {
        return Err(format!("the secret is longer than {SECRET_MAX} bytes; is this another file?"));
    }
    if line.contains(char::is_control) {
        return Err("the secret has several lines or control characters; write it there alone, on one line".to_owned());
    }
    Ok(SecretString::from(line))
}

/// A private key in PEM. Whether it fits its certificate is the TLS stack's to judge.
fn checked_pem(text: &str) -> Result<SecretString, String> {
    if text.len() > PEM_MAX {
        return Err(format!("the key is longer than {PEM_MAX} bytes; is this another file?"));
    }
    if text.contains("ENCRYPTED") {
        return Err(
            "the key is encrypted, and nobody is there to type its password; decrypt it: openssl pkey".to_owned()
        );
    }
    if !text.contains("PRIVATE KEY-----") {
        return Err("it has no private key in PEM; convert it: openssl pkey -inform der".to_owned());
    }
    Ok(SecretString::from(text))
}
