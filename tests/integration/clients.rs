//! Clients and SOAP stacks that nobody here wrote, in other languages, against the sandbox: each runs the script of its
//! name in `tests/clients`, which `tests/clients/install` provides for.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reconciled::sandbox::{Sandbox, Settings};

const USER: &str = "shop-api";
const PASSWORD: &str = "sec<r>et";

/// Where `tests/clients/install` puts what others wrote.
fn libraries() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("clients")
}

/// A program that finds them.
pub(crate) fn foreign(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("NODE_PATH", libraries().join("node_modules")).env("PYTHONPATH", libraries().join("python"));
    command
}

/// Whether `program` is here and `probe` succeeds; a clear word if not. Past the harness, which keeps to itself what a
/// test that passes prints.
pub(crate) fn is_here(program: &str, probe: [&str; 2]) -> bool {
    let found = foreign(program).args(probe).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let here = found.is_ok_and(|status| status.success());
    if !here {
        let remedy = if program == "php" { "install php-cli and php-soap" } else { "run tests/clients/install" };
        let word = format!("SKIPPED: {program} cannot {} ({remedy})\n", probe[1]);
        std::io::stderr().write_all(word.as_bytes()).unwrap();
    }
    here
}

/// The path of a file in `tests/clients`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Runs a script against a sandbox of its own, and is its buyer.
async fn conducted(program: &'static str, probe: [&'static str; 2], name: &'static str) {
    if !is_here(program, probe) {
        return;
    }
    let login = format!("{USER}:{PASSWORD}").parse().unwrap();
    let sandbox = Sandbox::start(Settings { login: Some(login), ..Settings::default() }).await.unwrap();
    let base = format!("http://{}/payment", sandbox.addr());
    let bank = sandbox.bank().clone();
    let conduct = move || {
        let mut check = foreign(program)
            .arg(script(name))
            .args([&base, USER, PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut hand = check.stdin.take().unwrap();
        let mut last = String::new();
        for line in BufReader::new(check.stdout.take().unwrap()).lines() {
            last = line.unwrap();
            if let Some(order_id) = last.strip_prefix("pay ") {
                bank.pay(order_id).unwrap();
                hand.write_all(b"paid\n").unwrap();
            }
        }
        let mut complaint = String::new();
        check.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert!(check.wait().unwrap().success(), "{name}: {last}\n{complaint}");
        assert!(last.ends_with("requests answered"), "{name}: {last}");
    };
    tokio::task::spawn_blocking(conduct).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sberbank_acquiring_of_npm_is_served() {
    conducted("node", ["-e", "require('sberbank-acquiring')"], "sberbank_acquiring_check.cjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alfabank_of_npm_is_served() {
    conducted("node", ["-e", "require('alfabank')"], "alfabank_check.cjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sber_payments_of_pypi_is_served() {
    conducted("python3", ["-c", "import sber_payments"], "sber_payments_check.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_of_npm_calls_every_request() {
    conducted("node", ["-e", "require('soap')"], "soap_check.cjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zeep_of_pypi_calls_every_request() {
    conducted("python3", ["-c", "import zeep"], "zeep_check.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn php_calls_every_request() {
    conducted("php", ["-r", "new SoapHeader('a', 'b');"], "soap_check.php").await;
}
