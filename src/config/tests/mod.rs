//! The configuration as an administrator meets it: samples and defaults here, then mistakes and how they
//! are told, secrets, reloads.

mod problems;
mod reload;
mod secret;
mod told;
mod webhooks;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::domain::polling::{Pending, Tier};

/// A secret that no error and no `Debug` may show.
const CANARY: &str = "canary-hunter2-0123456789";

/// What must be written, and no more.
const LEAST: [(&str, &str); 6] = [
    ("database", r#""queue.db""#),
    ("reports", r#""reports""#),
    ("merchant.shop.name", r#""shop""#),
    ("merchant.shop.gateway", r#""https://bank.example/rest/""#),
    ("merchant.shop.user_name", r#""shop-api""#),
    ("merchant.shop.password", r#"{ credential = "shop-password" }"#),
];

/// A file with the least in it, and `changed` on top: an empty value takes a key away.
fn written(changed: &[(&str, &str)]) -> String {
    let kept = LEAST.iter().filter(|(key, _)| !changed.iter().any(|(other, _)| key == other));
    let present = kept.chain(changed).filter(|(_, value)| !value.is_empty());
    let (mut top, mut merchant) = (Vec::new(), vec!["[[merchant]]\n".to_owned()]);
    for (key, value) in present {
        match key.strip_prefix("merchant.shop.") {
            Some(key) => merchant.push(format!("{key} = {value}\n")),
            None => top.push(format!("{key} = {value}\n")),
        }
    }
    top.concat() + &merchant.concat()
}

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

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn load(&self, source: &str) -> Result<Config, ConfigError> {
        let path = self.file("reconciled.toml", source, 0o600);
        self.load_file(&path)
    }

    /// Whatever comes of it, the canary is not in it.
    fn load_file(&self, path: &Path) -> Result<Config, ConfigError> {
        let loaded = Config::load_with(path, &|name| self.env.get(name).cloned());
        let mut shown = format!("{loaded:?}");
        if let Err(error) = &loaded {
            shown += &error.to_string();
        }
        assert!(!shown.contains(CANARY), "a secret is shown: {shown}");
        loaded
    }

    fn loaded(&self, changed: &[(&str, &str)]) -> Config {
        self.load(&written(changed)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is wrong with the file of `changed`.
    fn problems(&self, changed: &[(&str, &str)]) -> Vec<Problem> {
        match self.load(&written(changed)) {
            Ok(_) => Vec::new(),
            Err(ConfigError::Problems { problems, .. }) => problems,
            Err(error) => panic!("{error}"),
        }
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

/// The complete sample with every default written out.
fn sample_with_defaults() -> String {
    let source = fs::read_to_string(sample("reconciled.toml")).unwrap();
    let is_commented_out = |rest: &str| rest.starts_with("    ") || rest.starts_with(|c: char| !c.is_whitespace());
    let line = |line: &str| match line.strip_prefix('#').filter(|rest| is_commented_out(rest)) {
        // These have no default.
        Some(rest)
            if ["token", "extra_root", "by_system", "loyalty_gateway"].iter().any(|key| rest.starts_with(key)) =>
        {
            String::new()
        }
        Some(rest) => format!("{rest}\n"),
        None => format!("{line}\n"),
    };
    source.lines().map(line).collect()
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

#[test]
fn the_sample_shows_the_defaults() {
    let host = Host::new();
    let source = sample_with_defaults();
    assert!(source.contains("\nattempts = 3\n") && source.contains("\npending = \"learned\"\n"));
    let shown = host.load(&source).unwrap_or_else(|error| panic!("{error}"));
    let short = host.load(&fs::read_to_string(sample("reconciled.toml")).unwrap()).unwrap();
    assert_eq!(changes(&short, &shown), []);
}

/// A key that the code asks for and the sample does not explain is found by misspelling one beside it.
#[test]
fn the_sample_has_every_key() {
    let source = fs::read_to_string(sample("reconciled.toml")).unwrap();
    let wrong = [
        ("typo", "1"),
        ("integrity.typo", "1"),
        ("merchant.shop.typo", "1"),
        ("merchant.shop.budget.typo", "1"),
        ("merchant.shop.looks.typo", "1"),
        ("merchant.shop.completion.typo", "1"),
        ("merchant.shop.money.typo", "1"),
        ("merchant.shop.hold.typo", "1"),
        ("merchant.shop.report.typo", "1"),
        ("merchant.shop.callbacks.typo", "1"),
        ("merchant.shop.discovery.typo", "1"),
        ("merchant.shop.registration.typo", "1"),
        ("merchant.shop.review.typo", "1"),
        ("merchant.shop.webhook", r#"[{ name = "site", command = ["/bin/sh"], typo = 1 }]"#),
        ("retention.typo", "1"),
    ];
    let problems = Host::new().problems(&wrong);
    assert_eq!(problems.len(), wrong.len());
    for problem in problems {
        let (_, known) = problem.remedy.split_once("known here: ").unwrap();
        for key in known.split(", ") {
            let is_there = [
                format!("\n{key} = "),
                format!("\n#{key} = "),
                format!("\n[merchant.{key}]"),
                format!("\n[{key}]"),
                format!(", such as {key} = "),
                format!("\n[[merchant.{key}]]"),
                format!("\n#   [[merchant.{key}]]"),
                format!("\n#   {key} = "),
            ]
            .iter()
            .any(|line| source.contains(line));
            assert!(is_there || key == "merchant", "{key} is not in the sample");
        }
    }
}

#[test]
fn the_least_has_the_defaults_of_the_documents() {
    let host = Host::new();
    let config = host.loaded(&[]);
    assert_eq!(config.path, host.path("reconciled.toml"));
    assert_eq!(config.database, host.path("queue.db"));
    assert_eq!(config.reports, host.path("reports"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:9642");
    assert!(config.api_token.is_none());
    assert_eq!(config.shutdown_grace, Duration::from_secs(30));
    let [merchant] = config.merchants.as_slice() else {
        panic!("one merchant");
    };
    assert_eq!(merchant.gateway.url, "https://bank.example/rest/");
    assert_eq!(merchant.gateway.protocol, Protocol::Rest);
    assert_eq!(merchant.gateway.completion_method, CompletionMethod::AutoCompletion);
    assert_eq!(merchant.gateway.language, "ru");
    assert_eq!(merchant.gateway.connect_timeout, Duration::from_secs(5));
    assert_eq!(merchant.gateway.request_timeout, Duration::from_secs(20));
    assert_eq!(merchant.gateway.extra_roots_pem, None);
    assert_eq!(merchant.currency, Currency::RUB);
    assert_eq!(merchant.zone.name(), "Europe/Moscow");
    assert_eq!(merchant.order_number_max, 32);
    assert_eq!(merchant.budget.period, Duration::from_millis(200));
    assert_eq!((merchant.budget.burst.get(), merchant.budget.in_flight.get()), (1, 4));
    assert_eq!((merchant.budget.reserve, merchant.budget.daily), (20, None));
    assert_eq!((merchant.shared_budget.as_ref(), config.budgets.len()), (None, 0));
    assert_eq!(merchant.completion.schedule, CompletionSchedule::OnRelease);
    assert_eq!(merchant.completion.in_flight.get(), 3);
    assert_eq!(merchant.completion.settle.quiet, Duration::from_secs(900));
    assert!(merchant.completion.settle.resend_whole);
    assert_eq!(merchant.completion.settle.attempts_max, 3);
    assert_eq!((merchant.money.in_doubt_max, merchant.money.daily_max_minor), (3, 100_000_000));
    assert!(merchant.money.brake);
    assert_eq!(merchant.holds.lifetime, Duration::from_secs(5 * 86_400));
    assert_eq!(merchant.report.at.as_str(), "15 3 * * *");
    assert_eq!(merchant.report.cut_off, jiff::civil::Time::midnight());
}

#[test]
fn what_is_written_arrives() {
    let host = Host::new();
    host.file("root.pem", "-----BEGIN CERTIFICATE-----\n", 0o644);
    let config = host.loaded(&[
        ("listen", r#""[::1]:0""#),
        ("api_token", r#"{ credential = "api-token" }"#),
        ("shutdown_grace", r#""5s""#),
        ("merchant.shop.extra_root", r#""root.pem""#),
        ("merchant.shop.currency", r#""978""#),
        ("merchant.shop.zone", r#""Asia/Vladivostok""#),
        ("merchant.shop.order_number_max", "0x24"),
        ("merchant.shop.looks.pending", r#"[{ until_age = "1m", every = "100ms" }]"#),
        ("merchant.shop.looks.late", "[]"),
        ("merchant.shop.completion.when", r#""window""#),
        ("merchant.shop.completion.cron", r#""0 3 * * 1-5""#),
        ("merchant.shop.completion.resend", r#""never""#),
        ("merchant.shop.money.in_doubt", "50"),
        ("merchant.shop.money.daily_sum", r#""5000.50""#),
        ("merchant.shop.money.brake", "false"),
        ("merchant.shop.report.cut_off", r#""21:30""#),
    ]);
    let merchant = &config.merchants[0];
    assert_eq!(config.listen.to_string(), "[::1]:0");
    assert!(config.api_token.is_some());
    assert_eq!(config.shutdown_grace, Duration::from_secs(5));
    assert!(merchant.gateway.extra_roots_pem.is_some());
    assert_eq!(merchant.currency.alpha(), "EUR");
    assert_eq!(merchant.zone.name(), "Asia/Vladivostok");
    assert_eq!(merchant.order_number_max, 36);
    let tier = Tier { until_age: Duration::from_secs(60), every: Duration::from_millis(100) };
    assert_eq!(merchant.looks.pending, Pending::Tiers(vec![tier]));
    assert!(merchant.looks.late.is_empty());
    assert!(
        matches!(&merchant.completion.schedule, CompletionSchedule::Window(cron) if cron.as_str() == "0 3 * * 1-5")
    );
    assert!(!merchant.completion.settle.resend_whole);
    assert_eq!((merchant.money.in_doubt_max, merchant.money.daily_max_minor), (50, 500_050));
    assert!(!merchant.money.brake);
    assert_eq!(merchant.report.cut_off, jiff::civil::time(21, 30, 0, 0));
}

/// Over SOAP there are two services, and the second is found beside the first.
#[test]
fn the_soap_services_are_where_they_are_said_to_be() {
    let host = Host::new();
    let gateway = |name: &str| format!("\"https://bank.example/ws/{name}\"");
    let loaded = |gateway: &str, more: &[(&'static str, &'static str)]| {
        let soap = [("merchant.shop.protocol", r#""soap""#), ("merchant.shop.gateway", gateway)];
        let config = host.loaded(&[soap.as_slice(), more].concat());
        let urls: Vec<_> = config.merchants[0].gateway.urls().map(str::to_owned).collect();
        urls.join(" ")
    };
    let both = "https://bank.example/ws/merchant-ws https://bank.example/ws/merchant-loyalty-ws";
    assert_eq!(loaded(&gateway("merchant-ws"), &[]), both);
    let loyalty = [("merchant.shop.loyalty_gateway", r#""https://other.example/points""#)];
    assert_eq!(loaded(&gateway("merchant"), &loyalty), "https://bank.example/ws/merchant https://other.example/points");
    let deposit = [("merchant.shop.completion_method", r#""deposit""#)];
    assert_eq!(loaded(&gateway("merchant"), &deposit), "https://bank.example/ws/merchant");
}

#[test]
fn merchants_share_a_budget_by_its_name() {
    let host = Host::new();
    let source = fs::read_to_string(sample("reconciled.toml")).unwrap();
    let sharing = |requests: &str| {
        let source = source.replace("\n[merchant.budget]\n", "\n[merchant.budget]\nshared = \"bank\"\n");
        host.load(&format!("{source}\n[[budget]]\nname = \"bank\"\nrequests = \"{requests}\"\n")).unwrap()
    };
    let (slow, fast) = (sharing("10/s"), sharing("100/s"));
    let shared = slow.merchants[0].shared_budget.as_ref().unwrap();
    assert_eq!((shared.name.as_str(), shared.period, shared.burst.get()), ("bank", Duration::from_millis(100), 1));
    assert_eq!(fast.budgets[0].burst.get(), 3, "two per cent of the rate, and one");
    let changed: Vec<_> = changes(&slow, &fast).into_iter().map(|change| change.key).collect();
    assert_eq!(changed, ["merchant.shop.budget.shared (content)"], "its merchants go on with the new one");
}
