//! A SOAP stack that nobody here wrote, driven by the sandbox's own WSDLs.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use reconciled::sandbox::{Sandbox, Settings};

/// Whether `python3` can be started and has zeep.
fn zeep_is_here() -> bool {
    let found =
        Command::new("python3").args(["-c", "import zeep"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn zeep_calls_every_request_of_the_sandbox() {
    if !zeep_is_here() {
        // Past the harness, which keeps to itself what a test that passes prints.
        writeln!(std::io::stderr(), "SKIPPED: python3 with zeep is not here (pip install zeep)").unwrap();
        return;
    }
    let settings = Settings { login: Some("shop-api:sec<r>et".parse().unwrap()), ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let (merchant, loyalty) = (sandbox.soap_url(), sandbox.soap_loyalty_url());
    let bank = sandbox.bank().clone();
    tokio::task::spawn_blocking(move || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/soap/zeep_check.py");
        let mut check = Command::new("python3")
            .args([script, &merchant, &loyalty, "shop-api", "sec<r>et"])
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
        assert!(check.wait().unwrap().success(), "{complaint}");
        assert!(last.ends_with("requests answered"), "{last}");
    })
    .await
    .unwrap();
}
