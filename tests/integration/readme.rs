//! What the README shows from zero to a webhook works as it stands there, but for the ports: two shops that hear, three
//! that have an order registered, and a file from cron. What is not on this machine is skipped with a word.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reconciled::clock::Clock;
use reconciled::sandbox::{Registration, Sandbox, Settings};
use ring::hmac;

use crate::child::{Process, request_with};
use crate::fixture::{in_time, until};

/// The key as `config/sandbox.toml` has it.
const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// The block of the chapter that begins so.
fn block(language: &str, beginning: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let chapter = readme.split_once("\n## From zero to a webhook\n").unwrap().1;
    let chapter = chapter.split_once("\n## ").unwrap().0;
    let fence = format!("\n```{language}\n{beginning}");
    let (_, rest) = chapter.split_once(&fence).unwrap_or_else(|| panic!("{fence}"));
    format!("{beginning}{}\n", rest.split_once("\n```\n").unwrap().0)
}

/// `text` with `what`, which must be in it, as `with`.
fn replaced(text: &str, what: &str, with: &str) -> String {
    assert!(text.contains(what), "{what} is not in\n{text}");
    text.replace(what, with)
}

fn has(program: &str, version: &str) -> bool {
    let found = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has = found.is_ok_and(|status| status.success());
    if !has {
        let word = format!("SKIPPED: {program} is not here, so the README's examples with it are not tried\n");
        std::io::stderr().write_all(word.as_bytes()).unwrap();
    }
    has
}

/// A shop in a process of its own, ended when it is dropped, and the lines that it printed.
struct Shop {
    child: Child,
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Shop {
    fn python() -> Self {
        let serve = "HTTPServer((\"127.0.0.1\", 8000), Hook).serve_forever()";
        let told = "server = HTTPServer((\"127.0.0.1\", 0), Hook)\nprint(server.server_port, flush=True)\nserver.serve_forever()";
        let program = replaced(&block("python", "# hook.py\n"), serve, told);
        let mut command = Command::new("python3");
        let mut child = command.args(["-c", &program]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        Self { child, port, heard: gathered(lines) }
    }

    fn php(directory: &Path) -> Self {
        let script = directory.join("hook.php");
        std::fs::write(&script, block("php", "<?php // hook.php\n")).unwrap();
        let mut command = Command::new("php");
        command.args(["-S", "127.0.0.1:0"]).arg(&script);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
        // [..] PHP 8.2.36 Development Server (http://127.0.0.1:42467) started
        let started = told.by_ref().map_while(Result::ok).find(|line| line.ends_with(" started")).unwrap();
        let port = started.rsplit_once(':').unwrap().1.split_once(')').unwrap().0.parse().unwrap();
        drop(gathered(told));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, port, heard: gathered(lines) }
    }

    fn table(&self, name: &str) -> String {
        let Self { port, .. } = self;
        format!(
            "[[merchant.webhook]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/\"\nallow_private = true\n\
             keys = [{{ public = \"whsec_{KEY}\" }}]\n"
        )
    }

    async fn hears(&self, words: &str) {
        in_time(until(|| self.heard.lock().unwrap().iter().any(|line| line.ends_with(words)))).await;
    }

    /// What it answers to an event that is signed with `key` at so many seconds from now.
    fn answers(&self, key: &str, at: i64) -> String {
        let body =
            r#"{"type":"order.changed","data":{"order_number":"X-1","kind":"changed","state_after":"deposited"}}"#;
        let at = Clock::host().now().as_millis() / 1_000 + at;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap());
        let tag = STANDARD.encode(hmac::sign(&key, format!("evt_x.{at}.{body}").as_bytes()));
        let headers =
            format!("webhook-id: evt_x\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,AAAA v1,{tag}\r\n");
        let answer = request_with(([127, 0, 0, 1], self.port).into(), "POST /", "none", &headers, body).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }
}

/// What is printed, as it comes.
fn gathered(lines: impl Iterator<Item = std::io::Result<String>> + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let gathered = Arc::clone(&all);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            gathered.lock().unwrap().push(line);
        }
    });
    all
}

/// Runs an example to its end; what it printed.
fn ran(program: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_zero_to_a_webhook() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let (python, php, curl) = (has("python3", "--version"), has("php", "--version"), has("curl", "--version"));
    let mut shops = Vec::new();
    shops.extend(python.then(|| ("site", Shop::python())));
    shops.extend(php.then(|| ("other", Shop::php(here))));

    let sandbox = Sandbox::start(Settings::default()).await.unwrap();
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/sandbox.toml")).unwrap();
    assert!(sample.contains(&format!("keys = [{{ public = \"whsec_{KEY}\" }}]")));
    let (settings, _) = sample.split_once("[[merchant.webhook]]").unwrap();
    let settings = replaced(settings, "127.0.0.1:8642", &sandbox.addr().to_string());
    let settings = replaced(&settings, "127.0.0.1:9642", "127.0.0.1:0");
    let tables: Vec<_> = shops.iter().map(|(name, shop)| shop.table(name)).collect();
    let config = here.join("config/sandbox.toml");
    std::fs::create_dir(here.join("config")).unwrap();
    std::fs::write(&config, format!("{settings}{}", tables.concat())).unwrap();
    let daemon = Process::start(&config).drained();
    let example =
        |language, beginning| replaced(&block(language, beginning), "127.0.0.1:9642", &daemon.address.to_string());

    // Each has an order registered, and prints where its buyer pays.
    let mut numbers = Vec::new();
    let mut registered = |number: &'static str, printed: String| {
        let order = sandbox.bank().orders().into_iter().find(|order| order.order_number == number).unwrap();
        assert!(printed.contains("http://") && printed.contains(&order.order_id), "{number}: {printed}");
        sandbox.bank().pay(&order.order_id).unwrap();
        numbers.push(number);
    };
    if curl {
        registered("C-1", ran("sh", &["-c", &example("sh", "curl ")], here));
    }
    if python {
        registered("P-1", ran("python3", &["-c", &example("python", "import json, urllib.request\n")], here));
    }
    if php {
        std::fs::write(here.join("order.php"), example("php", "<?php\n$order")).unwrap();
        registered("H-1", ran("php", &["order.php"], here));
    }
    // The bank knows it already; the daemon hears of it by a file.
    let new = Registration::new("sandbox", "S-1", 150_000);
    sandbox.bank().pay(&sandbox.bank().register(new).unwrap().order_id).unwrap();
    in_time(until(|| here.join("sandbox-data/spool").is_dir())).await;
    std::fs::write(here.join("hand-orders-over"), block("sh", "#!/bin/sh -e\n")).unwrap();
    ran("sh", &["-e", "hand-orders-over"], here);
    numbers.push("S-1");

    let tested = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        let output = command.args(["webhook", "test", name, "--config"]).arg(&config).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for (name, shop) in &shops {
        tested(name);
        for number in &numbers {
            shop.hears(&format!(" {number} changed deposited")).await;
        }
        let table = [
            ("ours", KEY, 0, "204"),
            ("old", KEY, -600, "401"),
            ("early", KEY, 600, "401"),
            ("forged", "QUJD", 0, "401"),
        ];
        for (case, key, at, expected) in table {
            assert_eq!(shop.answers(key, at), expected, "{case}");
        }
    }
}
