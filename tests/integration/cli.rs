//! The command line as a shell meets it: arguments in, text, JSON and exit codes out. No bank is near.

mod check;
mod import;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const SHOP: &str = r#"database = "data/reconciled.db"
reports = "reports"
[[merchant]]
name = "shop"
gateway = "https://bank.example/rest/"
user_name = "shop-api"
password = { credential = "only-the-daemon-has-it" }
"#;

const SECOND: &str = r#"[[merchant]]
name = "books"
gateway = "https://bank.example/rest/"
user_name = "books-api"
password = { env = "NOT_SET_HERE" }
"#;

/// A host with a configuration, as an operator's shell sees it.
struct Host {
    directory: TempDir,
}

/// What came of a command.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Host {
    fn new() -> Self {
        Self::configured(SHOP)
    }

    fn configured(source: &str) -> Self {
        let host = Self { directory: tempfile::tempdir().unwrap() };
        host.file("reconciled.toml", source);
        host
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.args(args).current_dir(self.directory.path());
        command.env_clear().env("USER", "ivan").env("RECONCILED_CONFIG", "reconciled.toml");
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    /// Expects success, and what was printed.
    fn done(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
        ran.stdout
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.done(args)).unwrap()
    }

    fn with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }

    fn add(&self, number: &str, amount: &str) -> Ran {
        self.run(&["order", "add", "--number", number, "--amount", amount])
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn exit_codes_tell_scripts_what_kind_of_failure_it_was() {
    let host = Host::new();
    let check = |args: &[&str], code: i32| {
        let ran = host.run(args);
        assert_eq!(ran.code, code, "{args:?}: {}{}", ran.stdout, ran.stderr);
        assert!(code == 0 || !ran.stderr.is_empty(), "{args:?} fails without a word");
    };
    check(&["--help"], 0);
    check(&["--version"], 0);
    check(&["help", "order", "import"], 0);
    check(&[], 64);
    check(&["no-such-command"], 64);
    check(&["order", "list", "--state", "no-such-state"], 64);
    check(&["order", "list", "--limit", "0"], 64);
    check(&["order", "review", "A-1", "--accept"], 64);
    check(&["review", "resolve", "A-1", "--as", "bank"], 64);
    check(&["review", "resolve", "A-1", "--reason", "so"], 64);
    check(&["review", "resolve", "A-1", "--as", "bank", "--reason", " "], 64);
    check(&["review", "resolve", "A-1", "--as", "guess", "--reason", "so"], 64);
    check(&["review", "resolve", "A-1", "--as", "bank", "--confirm", "--reason", "so"], 64);
    check(&["report", "--day", "20.11.2026"], 64);
    check(&["verify", "--head", "48211"], 64);
    check(&["sandbox", "--buyers", "many"], 64);
    check(&["--config", "no-such-file", "status"], 78);
    check(&["order", "list"], 1);
    check(&["status"], 1);
    check(&["verify"], 1);
    check(&["check"], 0);
}

#[test]
fn an_order_is_added_once() {
    let host = Host::new();
    let first = host.add("A-1", "123450");
    assert_eq!((first.code, first.stdout.as_str()), (0, "Order A-1 of shop is queued, for 1 234.50 RUB.\n"));
    assert!(first.stderr.contains("No daemon is at work"), "{}", first.stderr);
    let again = host.add("A-1", "123450");
    assert_eq!((again.code, again.stdout.as_str()), (0, "Order A-1 of shop was queued before, the same.\n"));
    let other = host.add("A-1", "5");
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("queued already with 1 234.50 RUB, not 0.05 RUB"), "{}", other.stderr);
    let args = ["order", "add", "--number", "A-1", "--amount", "5", "--json"];
    let document: Value = serde_json::from_str(&host.run(&args).stdout).unwrap();
    assert_eq!(document["result"], "exists_with_different_amount");
    assert_eq!(document["queued_amount"], 123_450);
}

#[test]
fn what_is_no_order_is_refused_with_the_reason() {
    let host = Host::new();
    let long = "x".repeat(33);
    let check = |args: &[&str], words: &str| {
        let ran = host.run(&[&["order", "add"], args].concat());
        assert_eq!(ran.code, 64, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{args:?}: {}", ran.stderr);
    };
    check(&["--number", &long, "--amount", "1"], "33 characters; at most 32");
    check(&["--number", "A", "--amount", "0"], "the amount is zero");
    check(&["--number", "A", "--amount", "-1"], "negative");
    check(&["--number", "A", "--amount", "1234567890123"], "more than 12 digits");
    check(&["--number", "A", "--amount", "10.50"], "10.50 is written 1050");
    check(&["--number", "A", "--amount", "1", "--currency", "ZZZ"], "unknown currency `ZZZ`");
    check(&["--number", "A", "--amount", "1", "--complete-amount", "2"], "above the amount");
    check(&["--number", "A", "--amount", "1", "--expires-at", "soon"], "RFC 3339");
    check(&["--number", "A", "--amount", "1", "--merchant", "nobody"], "it has: shop");
    check(&["--number", "A", "--amount", "0", "--currency", "ZZZ"], "unknown currency");
    assert_eq!(host.json(&["order", "list", "--json"]), json!([]));
}

#[test]
fn a_pipe_gets_plain_text() {
    let host = Host::new();
    host.add("A-1", "100");
    let list = host.done(&["order", "list"]);
    assert!(list.starts_with("ORDER    AMOUNT  STATE    FOR"), "{list}");
    for command in [&["order", "show", "A-1"][..], &["order", "why", "A-1"], &["status"], &["verify"], &["check"]] {
        let text = host.done(command);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('─'), "{text:?}");
    }
}

#[test]
fn an_order_is_shown_and_explained() {
    let host = Host::new();
    host.run(&["order", "add", "--number", "A-1", "--amount", "1000", "--complete-amount", "900"]);
    let order = host.json(&["order", "show", "A-1", "--json"]);
    assert_eq!(order["order_number"], "A-1");
    assert_eq!((&order["amount"], &order["complete_amount"]), (&json!(1_000), &json!(900)));
    assert_eq!((&order["currency"], &order["state"], &order["bank"]), (&json!("643"), &json!("pending"), &Value::Null));
    assert_eq!((&order["events"][0]["kind"], &order["events"][0]["cause"]), (&json!("added"), &json!("operator:ivan")));
    let why = host.done(&["order", "why", "A-1"]);
    for said in
        ["ivan handed it in, for 10.00 RUB.", "It waits for the first look at the bank.", "No daemon is at work"]
    {
        assert!(why.contains(said), "{said}: {why}");
    }
    assert_eq!(host.json(&["order", "why", "A-1", "--json"])["present"][0], "It waits for the first look at the bank.");
    let raw = host.run(&["order", "show", "A-1", "--raw"]);
    assert!(raw.code == 1 && raw.stderr.contains("the bank has not told anything about it yet"), "{}", raw.stderr);
    let unknown = host.run(&["order", "show", "A-2"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("no order \"A-2\" is known here; searched: shop"), "{}", unknown.stderr);
}

#[test]
fn an_operators_acts_are_remembered_by_name() {
    let host = Host::new();
    host.add("A-1", "1000");
    assert!(host.done(&["order", "park", "A-1"]).contains("A-1 is parked"));
    let again = host.run(&["order", "park", "A-1"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("parked already"), "{}", again.stderr);
    let above = host.run(&["order", "release", "A-1", "--amount", "1001"]);
    assert_eq!(above.code, 1);
    assert!(above.stderr.contains("above the order's 1000"), "{}", above.stderr);
    assert_eq!(host.run(&["order", "release", "A-1", "--amount", "0"]).code, 64);
    let released = host.json(&["order", "release", "A-1", "--amount", "500", "--json"]);
    assert_eq!((&released["parked"], &released["complete_amount"]), (&json!(false), &json!(500)));
    let events = host.json(&["order", "show", "A-1", "--json"])["events"].clone();
    let kinds: Vec<_> = events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["added", "parked", "released"]);
    assert_eq!(events[2]["cause"], "operator:ivan");
    let moved = host.run(&["order", "review", "A-1", "--accept", "--reason", "why not"]);
    assert!(moved.stderr.contains("review resolve A-1 --as bank --reason"), "{}", moved.stderr);
}

#[test]
fn whoever_became_root_keeps_their_name() {
    let host = Host::new();
    let args = ["order", "add", "--number", "A-1", "--amount", "1"];
    let mut command = host.command(&args);
    assert!(command.env("USER", "root").env("SUDO_USER", "maria").output().unwrap().status.success());
    assert_eq!(host.json(&["order", "show", "A-1", "--json"])["events"][0]["cause"], "operator:maria");
}

#[test]
fn of_several_merchants_one_is_named_where_it_matters() {
    let host = Host::configured(&format!("{SHOP}{SECOND}"));
    let add = |merchant| ["order", "add", "--number", "A-1", "--amount", "1", "--merchant", merchant];
    let unnamed = host.add("A-1", "1");
    assert_eq!(unnamed.code, 64);
    assert!(unnamed.stderr.contains("shop, books"), "{}", unnamed.stderr);
    host.done(&add("shop"));
    assert!(host.done(&["order", "show", "A-1"]).contains("Order A-1 of shop"), "one order needs no merchant");
    host.done(&add("books"));
    let ambiguous = host.run(&["order", "park", "A-1"]);
    assert_eq!(ambiguous.code, 64);
    assert!(ambiguous.stderr.contains("--merchant"), "{}", ambiguous.stderr);
    assert_eq!(host.json(&["order", "park", "A-1", "--merchant", "books", "--json"])["merchant"], "books");
    assert_eq!(host.run(&["order", "list", "--merchant", "nobody"]).code, 64);
    assert!(host.done(&["order", "list"]).starts_with("MERCHANT"));
    assert_eq!(host.json(&["order", "list", "--merchant", "shop", "--json"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_report_is_drawn_into_files() {
    let host = Host::new();
    host.add("A-1", "1000");
    let words = host.done(&["report", "--day", "2020-01-31", "--out", "drawn"]);
    assert!(words.contains("Report of shop for 2020-01-31") && words.contains("1 order, 10.00 RUB"), "{words}");
    for name in ["2020-01-31.html", "2020-01-31.csv", "2020-01-31-totals.csv", "2020-01-31.json"] {
        assert!(host.directory.path().join("drawn/shop").join(name).is_file(), "{name}");
    }
    let document = host.json(&["report", "--json"]);
    assert_eq!((&document["schema"], &document["merchant"]), (&json!("reconciled.report/1"), &json!("shop")));
    assert!(!host.directory.path().join("reports").exists(), "--json alone writes no files");
    let early = host.run(&["report", "--day", "2999-01-01"]);
    assert_eq!(early.code, 64);
    assert!(early.stderr.contains("yet to come"), "{}", early.stderr);
}

#[test]
fn status_counts_every_state() {
    let host = Host::new();
    host.add("A-1", "1000");
    let status = host.json(&["status", "--json"]);
    assert_eq!(status["daemon"], Value::Null);
    let orders = status["merchants"][0]["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 7, "zeros included");
    assert_eq!((&orders[0]["state"], &orders[0]["count"]), (&json!("pending"), &json!(1)));
    assert!(host.done(&["status"]).contains("not at work"));
}

#[test]
fn money_is_stopped_and_started_without_a_daemon() {
    let host = Host::configured(&format!("{SHOP}{SECOND}"));
    let none = host.run(&["money", "stop", "--reason", "x"]);
    assert_eq!(none.code, 1, "{}", none.stderr);
    host.done(&["order", "add", "--number", "A-1", "--amount", "1000", "--merchant", "shop"]);
    for wrong in [
        &["money", "stop"][..],
        &["money", "stop", "--reason", "  "],
        &["money", "stop", "--order", "A-1", "--reason", "x"],
        &["money", "stop", "--merchant", "nobody", "--reason", "x"],
        &["money", "stop", "--merchant", "nobody", "--order", "A-1", "--reason", "x"],
    ] {
        assert_eq!(host.run(wrong).code, 64, "{wrong:?}");
    }
    let unknown = host.run(&["money", "stop", "--merchant", "books", "--order", "A-1", "--reason", "x"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("no order \"A-1\" is known here"), "{}", unknown.stderr);
    assert!(host.done(&["money", "show"]).contains("nothing"));

    host.done(&["money", "stop", "--reason", "odd sums"]);
    let of_order = ["--merchant", "shop", "--order", "A-1", "--reason", "disputed"];
    host.done(&[&["money", "stop"][..], &of_order].concat());
    let shown = host.json(&["money", "show", "--json"]);
    let scopes: Vec<_> =
        shown["stops"].as_array().unwrap().iter().map(|stop| stop["scope"].as_str().unwrap()).collect();
    assert_eq!(scopes, ["all", "order"]);
    assert_eq!(
        (&shown["stops"][1]["order_number"], &shown["stops"][1]["by"]),
        (&json!("A-1"), &json!("operator:ivan"))
    );
    let stopped: Vec<_> = shown["merchants"].as_array().unwrap().iter().map(|merchant| &merchant["stopped"]).collect();
    assert_eq!(stopped, [&json!(true), &json!(true)]);
    let status = host.json(&["status", "--json"]);
    assert_eq!(status["money_stops"], shown["stops"]);

    let narrow = host.run(&["money", "start", "--merchant", "books", "--reason", "why not"]);
    assert_eq!(narrow.code, 1);
    assert!(narrow.stderr.contains("no stop of the money of books; in force is: all money"), "{}", narrow.stderr);
    let started = host.run(&[&["money", "start"][..], &of_order].concat());
    assert_eq!(
        (started.code, started.stdout.as_str()),
        (0, "Started: the money of order A-1 of shop, stopped by ivan: disputed. What waited is due at once.\n")
    );
    assert!(started.stderr.contains("Still in force: all money"), "{}", started.stderr);
    assert!(started.stderr.contains("No daemon is at work"), "{}", started.stderr);
    host.done(&["money", "start", "--reason", "explained"]);
    assert_eq!(host.json(&["status", "--json"])["money_stops"], json!([]));
    let events = host.json(&["order", "show", "A-1", "--merchant", "shop", "--json"])["events"].clone();
    let kinds: Vec<_> = events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["added", "money_stopped", "money_started"]);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let host = Host::new();
    let mut child =
        host.command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Closed before anything can be written to it.
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn shells_and_man_know_every_command() {
    let host = Host::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(host.done(&["completions", shell]).contains("import"), "{shell}");
    }
    assert!(host.done(&["man"]).starts_with(".ie"), "a manual page is roff");
    host.done(&["man", "--out", "pages"]);
    assert!(host.directory.path().join("pages/reconciled-order-import.1").is_file());
}

#[test]
fn the_sandbox_says_on_its_first_line_where_it_is_and_closes_when_asked() {
    let host = Host::new();
    let mut child = host.command(&["sandbox", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    let url = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    assert!(url.ends_with("/payment/rest/"), "{first}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("The sandbox is closed."), "{rest}");
}

#[test]
fn a_simulation_says_what_it_found_and_replays_a_seed_to_the_same_log() {
    let host = Host::new();
    let found = host.json(&["simulate", "--seeds", "3", "--days", "5", "--orders", "8", "--json"]);
    assert_eq!((&found["seeds"], &found["violations"]), (&json!(3), &json!([])));
    assert!(found["completions"].is_u64() && found["faults"].is_object() && found["pairs_covered"].is_u64(), "{found}");
    let replay = || host.done(&["simulate", "--seed", "2", "--days", "5", "--orders", "8"]);
    let log = replay();
    assert!(log.contains("seed 2: ") && log.contains(" log "), "{log}");
    assert_eq!(log, replay());
}

#[test]
fn a_simulated_day_takes_times_as_people_write_them_and_refuses_what_it_would_pass_over() {
    let host = Host::new();
    let day = ["simulate", "--shape", "card", "--orders", "60", "--requests-per-second", "0.05", "--json"];
    let of_day = |more: &[&str]| host.json(&[&day, more].concat());
    let outage = of_day(&["--outage", "8h..20h"]);
    assert_eq!(outage, of_day(&["--outage", "28800..72000"]));
    assert!(outage["worst_s"].as_f64().unwrap() > 3_600.0 && outage["never_noticed"] == json!(0.0), "{outage}");
    assert_eq!(of_day(&["--policy", "fixed:5m"]), of_day(&["--policy", "fixed:300"]));
    for (case, arguments) in [
        ("an outage that ends before it begins", &["--shape", "card", "--outage", "20h..8h"] as &[&str]),
        ("no policy", &["--shape", "card", "--policy", "sometimes"]),
        ("no interval", &["--shape", "card", "--policy", "fixed:0"]),
        ("a schedule without a name", &["--shape", "card", "--policy", "schedule:list.json"]),
        ("a policy for no workload", &["--policy", "fixed:60"]),
        ("an outage of no workload", &["--outage", "8h..20h"]),
        ("a rate for no workload", &["--requests-per-second", "2"]),
        ("a picture of no workload", &["--svg", "looks.svg"]),
        ("a number of orders beside a workload", &["--workload", "orders.csv", "--orders", "5"]),
        ("seeds beside a workload", &["--workload", "orders.csv", "--seeds", "5"]),
    ] {
        let refused = host.run(&[&["simulate"], arguments].concat());
        assert_eq!(refused.code, 64, "{case}: {}", refused.stderr);
    }
}

#[test]
fn a_release_takes_two_people_where_the_merchant_says_so() {
    let host = Host::configured(&format!(
        "{SHOP}[merchant.review]\nfour_eyes = true\n[merchant.completion]\nwhen = \"release\"\n"
    ));
    host.add("A-1", "1000");
    let alone = host.run(&["order", "release", "A-1"]);
    assert_eq!(alone.code, 64);
    assert!(alone.stderr.contains("two people"), "{}", alone.stderr);
    let proposed = host.json(&["order", "release", "A-1", "--amount", "500", "--reason", "goods are sent", "--json"]);
    assert_eq!((&proposed["outcome"], &proposed["proposal"]["what"]), (&json!("proposed"), &json!("release 500")));
    assert_eq!(host.json(&["order", "show", "A-1", "--json"])["released_at"], Value::Null);
    let confirm = ["order", "release", "A-1", "--confirm", "--reason", "seen the waybill"];
    let same = host.run(&confirm);
    assert_eq!(same.code, 1);
    assert!(same.stderr.contains("a second person"), "{}", same.stderr);
    let mut second = host.command(&confirm);
    assert!(second.env("USER", "maria").output().unwrap().status.success());
    let released = host.json(&["order", "show", "A-1", "--json"]);
    assert_eq!(released["complete_amount"], json!(500));
    let event = &released["events"][2];
    assert_eq!((&event["kind"], &event["cause"]), (&json!("released"), &json!("operator:maria")));
    let detail = event["detail"].as_str().unwrap();
    assert!(detail.contains("proposed by ivan, confirmed by maria") && detail.contains("to be taken"), "{detail}");
}
