//! References lead to secrets, and no mistake shows one.

use secrecy::ExposeSecret;

use super::*;

const PASSWORD: &str = "merchant.shop.password";

/// The password that `reference` leads to.
fn password(host: &Host, reference: &str) -> String {
    let config = host.loaded(&[(PASSWORD, reference)]);
    match &config.merchants[0].gateway.credentials {
        Credentials::Login { password, .. } => password.expose_secret().to_owned(),
        Credentials::Token(_) => panic!("a login was written"),
    }
}

/// What is shown of `reference`, and the remedy.
fn refused(host: &Host, reference: &str) -> (String, String) {
    let problems = host.problems(&[(PASSWORD, reference)]);
    let [problem] = problems.as_slice() else {
        panic!("{reference}: not one problem but {problems:#?}");
    };
    assert_eq!(problem.key, PASSWORD);
    (problem.value.clone(), problem.remedy.clone())
}

#[test]
fn a_reference_leads_to_a_secret() {
    let mut host = Host::new();
    host.env.insert("SHOP".to_owned(), "from the environment".into());
    assert_eq!(password(&host, r#"{ credential = "shop-password" }"#), CANARY);
    assert_eq!(password(&host, r#"{ env = "SHOP" }"#), "from the environment");
    let file = |content: &str| {
        host.file("secret", content, 0o400);
        let found = password(&host, r#"{ file = "secret" }"#);
        fs::remove_file(host.path("secret")).unwrap();
        found
    };
    assert_eq!(file("plain"), "plain");
    assert_eq!(file("one line\n"), "one line");
    assert_eq!(file("one line\r\n"), "one line");
    assert_eq!(file(&"x".repeat(4096)).len(), 4096);
    assert_eq!(file(&("x".repeat(4096) + "\r\n")).len(), 4096);
}

#[test]
fn a_token_stands_for_a_login() {
    let changed =
        [("merchant.shop.user_name", ""), (PASSWORD, ""), ("merchant.shop.token", r#"{ credential = "api-token" }"#)];
    let config = Host::new().loaded(&changed);
    assert!(
        matches!(&config.merchants[0].gateway.credentials, Credentials::Token(token) if token.expose_secret() == CANARY)
    );
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let host = Host::new();
    for (mode, shown) in [(0o644, "644"), (0o640, "640"), (0o602, "602")] {
        host.file("secret", CANARY, mode);
        let (value, remedy) = refused(&host, r#"{ file = "secret" }"#);
        assert_eq!(value, r#"{ file = "secret" }"#);
        assert!(remedy.contains(&format!("its mode is {shown}")), "{remedy}");
        assert!(remedy.contains(&format!("chmod 600 {}", host.path("secret").display())), "{remedy}");
    }
}

#[test]
fn a_reference_that_leads_nowhere_says_what_to_do() {
    let mut host = Host::new();
    let check = |host: &Host, reference: &str, expected: &str| {
        let (value, remedy) = refused(host, reference);
        assert_eq!(value, reference);
        assert!(remedy.contains(expected), "{reference}: {remedy}");
    };
    check(&host, r#"{ credential = "other" }"#, "LoadCredential=other:/path");
    check(&host, r#"{ credential = "../shop-password" }"#, "no path");
    check(&host, r#"{ credential = "" }"#, "no path");
    check(&host, r#"{ credential = "other/password" }"#, "no path");
    check(&host, r#"{ file = "none" }"#, "let the daemon's user own it");
    check(&host, r#"{ file = "." }"#, "not a plain file");
    check(&host, r#"{ env = "NONE" }"#, "NONE is not set");
    host.env.remove("CREDENTIALS_DIRECTORY");
    check(&host, r#"{ credential = "shop-password" }"#, "CREDENTIALS_DIRECTORY is not set");
}

#[test]
fn a_text_that_cannot_be_a_secret_is_refused() {
    let host = Host::new();
    let check = |content: &[u8], expected: &str| {
        host.file("secret", content, 0o600);
        let (_, remedy) = refused(&host, r#"{ file = "secret" }"#);
        assert!(remedy.contains(expected), "{remedy}");
    };
    check(b"", "empty");
    check(b"\n", "empty");
    check(&[b'x'; 4097], "longer than 4096");
    check(&[b'x'; 9999], "longer than 4096");
    check(format!("{CANARY}\nsecond\n").as_bytes(), "several lines");
    check(b"\xff\xfe", "UTF-8");
}

/// What stands where a reference belongs may be the secret itself.
#[test]
fn a_secret_written_out_is_refused_and_not_shown() {
    let host = Host::new();
    for wrong in [
        format!("{CANARY:?}"),
        format!("{{ plain = {CANARY:?} }}"),
        format!("{{ env = [{CANARY:?}] }}"),
        format!("{{ env = \"A\", file = {CANARY:?} }}"),
        format!("[{CANARY:?}]"),
        format!("{{ public = {CANARY:?} }}"),
        "7".to_owned(),
    ] {
        let (value, remedy) = refused(&host, &wrong);
        assert_eq!(value, "(not shown)", "{wrong}");
        assert!(remedy.contains("refer to"), "{wrong}: {remedy}");
    }
}

/// Keys misspelt, values in the wrong place, addresses with a password in them.
#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    let host = Host::new();
    let canary = format!("{CANARY:?}");
    let table = format!("{{ password = {CANARY:?} }}");
    let address = format!("\"https://shop:{CANARY}@bank.example/\"");
    let query = format!("\"https://bank.example/?password={CANARY}\"");
    let wrong: [(&str, &str); 6] = [
        ("merchant.shop.pasword", &canary),
        ("merchant.shop.budget.password", &canary),
        ("merchant.shop.user_name", &table),
        ("merchant.shop.budget", &table),
        ("merchant.shop.gateway", &address),
        ("merchant.shop.gateway", &query),
    ];
    for (key, value) in wrong {
        assert_eq!(host.problems(&[(key, value)]).len(), 1, "{key} = {value}");
    }
}

#[test]
fn a_public_password_is_for_the_sandbox() {
    let mut host = Host::new();
    let public = r#"{ public = "sandbox" }"#;
    let local = ("merchant.shop.gateway", r#""http://127.0.0.1:8642/payment/rest/""#);
    assert!(host.problems(&[local, (PASSWORD, public), ("api_token", public)]).is_empty());

    let (_, remedy) = refused(&host, public);
    assert!(remedy.contains("sandbox on a loopback address"), "{remedy}");
    for more in [vec![("api_token", public)], vec![local, ("api_token", public), ("listen", r#""0.0.0.0:1""#)]] {
        let problems = host.problems(&more);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].key, "api_token");
    }

    host.env.insert("SHORT".to_owned(), "guessable".into());
    let problems = host.problems(&[("api_token", r#"{ env = "SHORT" }"#)]);
    assert!(problems[0].remedy.contains("at least 16 characters"), "{problems:?}");
}

/// The command line seals rows as the daemon does, so it reads these keys where it may, and is told why where it may
/// not.
#[test]
fn keys_of_seals_are_read_by_whoever_may() {
    let none = |_: &str| None;
    let mut host = Host::new();
    let key = host.file("seal-key", "0123456789abcdef0123456789abcdef", 0o600);
    let in_file = format!("[{{ file = {:?} }}]", key.display());
    let as_credential = r#"[{ credential = "seal-key" }]"#.to_owned();
    let in_environment = r#"[{ env = "SEAL_KEY" }]"#.to_owned();
    host.env.insert("SEAL_KEY".to_owned(), "0123456789abcdef0123456789abcdef".into());
    for (keys, told) in [(&in_file, None), (&as_credential, Some("LoadCredential=seal-key"))] {
        let path = host.file("reconciled.toml", written(&[("integrity.keys", keys)]), 0o600);
        let config = Config::read(&path, &none, Reading::NoSecrets).unwrap_or_else(|error| panic!("{error}"));
        match (&config.integrity.keys, told) {
            (SealKeys::Given(keys), None) => assert_eq!(keys.len(), 1),
            (SealKeys::Unread(why), Some(words)) => {
                assert!(why.contains(words) && why.contains("HTTP API"), "{why}");
            }
            (found, _) => panic!("{keys}: {found:?}"),
        }
    }
    let both = format!("[{}, {}]", &in_environment[1..in_environment.len() - 1], &in_file[1..in_file.len() - 1]);
    let SealKeys::Given(keys) = host.loaded(&[("integrity.keys", &both)]).integrity.keys else {
        panic!("both are there")
    };
    assert_eq!(keys.len(), 2);
    assert!(!format!("{keys:?}").contains("0123456789"));
}

/// Whoever lists orders on a merchant's host is not the daemon, and has none of its secrets.
#[test]
fn a_configuration_is_read_without_its_secrets() {
    let none = |_: &str| None;
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reconciled.toml");
    let read = |reading| Config::read(&sample, &none, reading);
    assert_eq!(read(Reading::Everything).unwrap_err().problems().len(), 2);
    for reading in [Reading::NoCredentials, Reading::NoSecrets] {
        assert!(read(reading).is_ok(), "{reading:?}");
    }
    let host = Host::new();
    let source = written(&[("api_token", r#"{ env = "NOT_SET" }"#)]);
    let path = host.file("reconciled.toml", source, 0o600);
    assert_eq!(Config::read(&path, &none, Reading::NoCredentials).unwrap_err().problems().len(), 1);
    assert!(Config::read(&path, &none, Reading::NoSecrets).is_ok());
}
