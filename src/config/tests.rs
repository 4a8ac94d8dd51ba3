//! The configuration as an administrator meets it: samples, mistakes, secrets, reloads.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::domain::polling::Tier;

/// A secret that no error may show.
const CANARY: &str = "canary-hunter2-0123456789";

/// A directory with a configuration, secrets and an environment of its own.
struct Host {
    directory: TempDir,
    env: BTreeMap<String, OsString>,
}

impl Host {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let credentials = directory.path().join("credentials");
        fs::create_dir(&credentials).unwrap();
        for name in ["api-token", "shop-password"] {
            fs::write(credentials.join(name), format!("{CANARY}\n")).unwrap();
        }
        let env = BTreeMap::from([("CREDENTIALS_DIRECTORY".to_owned(), credentials.into_os_string())]);
        Self { directory, env }
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn load(&self, source: &str) -> Result<Config, ConfigError> {
        let path = self.file("reconciled.toml", source.as_bytes(), 0o600);
        self.load_file(&path)
    }

    fn load_file(&self, path: &Path) -> Result<Config, ConfigError> {
        Config::load_with(path, &|name| self.env.get(name).cloned())
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

#[test]
fn the_samples_are_whole() {
    let host = Host::new();
    for name in ["reconciled.toml", "sandbox.toml"] {
        if let Err(error) = host.load_file(&sample(name)) {
            panic!("{error}");
        }
    }
}

/// Whoever lists orders on a merchant's host is not the daemon, and has none of its secrets.
#[test]
fn a_configuration_is_read_without_its_secrets() {
    let none = |_: &str| None;
    let read = |reading| Config::read(&sample("reconciled.toml"), &none, reading);
    assert_eq!(read(Reading::Everything).unwrap_err().problems().len(), 2);
    for reading in [Reading::NoCredentials, Reading::NoSecrets] {
        assert!(read(reading).is_ok(), "{reading:?}");
    }
    let host = Host::new();
    let source = fs::read_to_string(sample("reconciled.toml")).unwrap();
    let source = source.replace("{ credential = \"api-token\" }", "{ env = \"NOT_SET\" }");
    let path = host.file("reconciled.toml", source.as_bytes(), 0o600);
    assert_eq!(Config::read(&path, &none, Reading::NoCredentials).unwrap_err().problems().len(), 1);
    assert!(Config::read(&path, &none, Reading::NoSecrets).is_ok());
}
