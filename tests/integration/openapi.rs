//! A fuzzer that nobody here wrote reads `/openapi.json` and asks the daemon whatever it allows, and much that it
//! forbids: no answer may be a 5xx, none may be other than described, what is described is taken and what is not is
//! refused.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use reconciled::daemon::Daemon;
use reconciled::domain::order::State;
use reconciled::sandbox::Settings;

use crate::clients::{foreign, is_here, script};
use crate::fixture::{HASTE, TOKEN, World, add, order, wait_for_state};

/// It is patient with a machine that has much to do; this is only where a run that hangs is cut.
const RUN_WITHIN: Duration = Duration::from_secs(900);

/// Runs the fuzzer with its settings and `more`, with few examples: what is rare is found by longer runs by hand.
async fn fuzzed(world: &World, daemon: &Daemon, more: &str, arguments: &[&str]) {
    let settings: PathBuf = world.directory.path().join("schemathesis.toml");
    let text = std::fs::read_to_string(script("schemathesis.toml")).unwrap();
    std::fs::write(&settings, format!("{text}\n{more}")).unwrap();
    let mut command = foreign("python3");
    command
        .args(["-c", "from schemathesis.cli import schemathesis; schemathesis()", "--config-file"])
        .arg(&settings)
        .args(["run", &format!("http://{}/openapi.json", daemon.address())])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--checks", "all", "--continue-on-failure", "--no-color", "--generation-database", "none"])
        .args(arguments)
        .current_dir(world.directory.path());
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = tokio::time::timeout(RUN_WITHIN, run).await.unwrap().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{told}");
    assert!(told.contains("generated"), "nothing was asked: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_of_pypi_finds_nothing() {
    if !is_here("python3", ["-c", "import schemathesis"]) {
        return;
    }
    let callbacks = "[merchant.callbacks]\nchecksum = \"hmac-sha256\"\nsecret = { public = \"123\" }\n";
    let registration = "[merchant.registration]\nwait = \"1s\"\n";
    let haste = HASTE.replace("quiet = \"1s\"", "quiet = \"5s\"");
    let world = World::new(Settings::default(), &format!("{haste}{callbacks}{registration}")).await.patient("5s");
    let daemon = world.daemon().await;
    // Everything once, of orders that are mostly not there.
    fuzzed(&world, &daemon, "", &["--max-examples", "3"]).await;
    // Then of one that is, and is paid: what a person orders for its money reaches the book.
    let id = world.register("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    let of_order = "[parameters]\nmerchant = \"shop\"\norder_number = \"A-1\"\n";
    let paths = ["--include-path-regex", "^/v1/orders/", "--phases", "fuzzing", "--max-examples", "30"];
    fuzzed(&world, &daemon, of_order, &paths).await;
    daemon.stop().await;
}
