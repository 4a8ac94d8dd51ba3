//! `token add`, `list` and `revoke` beside a daemon that runs: what is written there is in force without a restart.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reconciled::sandbox::Settings;
use serde_json::{Value, json};

use crate::child::{Process, request_with, wire_order};
use crate::fixture::{HASTE, World, in_time};

/// What the command line printed and said.
fn token(config: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    command.arg("token").args(arguments).arg("--config").arg(config).env_remove("SUDO_USER").env("USER", "ivan");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// What a request with a token is answered with.
fn status(process: &Process, what: &str, token: &str, body: &str) -> u16 {
    let answer = request_with(process.address, what, token, "", body).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Returns once that is the answer: what the daemon knows of tokens is half a second old at most.
async fn comes_to(process: &Process, token: &str, expected: u16) {
    in_time(async {
        while status(process, "GET /v1/orders", token, "") != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_force_from_its_making_to_its_revocation() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let process = Process::start(&config).drained();
    let reader = token(&config, &["add", "reader", "--scope", "orders:read"]).unwrap();
    let till = token(&config, &["add", "till", "--scope", "orders:write,orders:read", "--expires", "90d"]).unwrap();
    comes_to(&process, &reader, 200).await;
    comes_to(&process, &till, 200).await;

    // Each lets do what it is for, and nothing else.
    let order = wire_order("A-1", 100).to_string();
    let table = [
        ("POST /v1/orders", &reader, order.as_str(), 403),
        ("POST /v1/orders", &till, &order, 201),
        ("GET /v1/orders/shop/A-1", &reader, "", 200),
        ("POST /v1/orders/shop/A-1/release", &till, "", 403),
        ("GET /v1/money", &reader, "", 403),
    ];
    for (what, token, body, expected) in table {
        assert_eq!(status(&process, what, token, body), expected, "{what}");
    }
    // It is known who it was.
    let shown = request_with(process.address, "GET /v1/orders/shop/A-1", &reader, "", "").unwrap();
    assert!(shown.contains("\"cause\":\"shop:till\""), "{shown}");

    let listed: Value = serde_json::from_str(&token(&config, &["list", "--json"]).unwrap()).unwrap();
    let of = |known: &Value| json!([known["name"], known["scopes"], known["created_by"], known["in_force"]]);
    let tokens: Vec<Value> = listed["tokens"].as_array().unwrap().iter().map(of).collect();
    let expected = [
        json!(["reader", ["orders:read"], "ivan", true]),
        json!(["till", ["orders:write", "orders:read"], "ivan", true]),
    ];
    assert_eq!(tokens, expected);

    assert!(token(&config, &["add", "reader", "--scope", "money"]).unwrap_err().contains("revoke it first"));
    token(&config, &["revoke", "reader"]).unwrap();
    comes_to(&process, &reader, 401).await;
    assert_eq!(status(&process, "GET /v1/orders", &till, ""), 200, "the other one goes on");
    assert!(token(&config, &["revoke", "reader"]).unwrap_err().contains("no token named reader"));
    let again = token(&config, &["add", "reader", "--scope", "orders:read"]).unwrap();
    assert_ne!(again, reader);
    comes_to(&process, &again, 200).await;
    assert_eq!(status(&process, "GET /v1/orders", &reader, ""), 401, "the old one stays out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_runs_out_by_itself() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let process = Process::start(&config).drained();
    // Long enough to be seen in force by a machine that has much to do.
    let short = token(&config, &["add", "short", "--scope", "orders:read", "--expires", "3s"]).unwrap();
    comes_to(&process, &short, 401).await;
    in_time(async {
        let until_out = async || {
            let answer = request_with(process.address, "GET /v1/orders", &short, "", "").unwrap();
            answer.contains("short has run out")
        };
        while !until_out().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(token(&config, &["list"]).unwrap().contains("has run out"));
    for refused in ["0s", "yesterday", "2001-01-01T00:00:00Z"] {
        let said = token(&config, &["add", "other", "--scope", "orders:read", "--expires", refused]).unwrap_err();
        assert!(said.contains("--expires"), "{refused}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_kept_nowhere() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config().path;
    let process = Process::start(&config).drained();
    let shown = token(&config, &["add", "till", "--scope", "orders:read"]).unwrap();
    comes_to(&process, &shown, 200).await;
    assert_eq!((shown.lines().count(), shown.starts_with("rcnd_")), (1, true), "it can be kept by a redirection");
    for arguments in [["list"].as_slice(), &["list", "--json"]] {
        assert!(!token(&config, arguments).unwrap().contains(&shown));
    }
    let mut files = vec![world.directory.path().to_owned()];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes.windows(shown.len()).any(|window| window == shown.as_bytes());
            assert!(!is_there, "{}", path.display());
            read += 1;
        }
    }
    assert!(read > 3, "the database and what lies beside it were read: {read}");
}
