//! The command line as a shell meets it: arguments in, text, JSON and exit codes out. No bank is near.

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
    check(&["sandbox", "--buyers", "many"], 64);
    check(&["--config", "no-such-file", "status"], 78);
    check(&["order", "list"], 1);
    check(&["status"], 1);
    check(&["check"], 0);
}

#[test]
fn check_names_every_problem_at_once() {
    let host = Host::configured("databse = 1\nlisten = \"here\"\n[[merchant]]\nname = \"Shop\"\n");
    let ran = host.run(&["check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (78, ""));
    for key in
        ["databse", "database is missing", "reports is missing", "listen", "merchant[1].name", "gateway is missing"]
    {
        assert!(ran.stderr.contains(key), "{key}: {}", ran.stderr);
    }
    let ran = host.run(&["check", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &document["in_order"]), (78, &json!(false)));
    assert!(document["problems"].as_array().unwrap().len() > 5, "{document}");
}

#[test]
fn check_says_what_the_configuration_means() {
    let host = Host::new();
    let words = host.done(&["check"]);
    for said in ["Merchant shop", "https://bank.example/rest/ as shop-api", "Europe/Moscow", "next 20"] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert_eq!(host.json(&["check", "--json"])["merchants"][0]["name"], "shop");
    assert!(!words.contains("order_id"), "a login finds orders by their number too: {words}");
    let login = "user_name = \"shop-api\"\npassword = { credential = \"only-the-daemon-has-it\" }";
    let by_token = Host::configured(&SHOP.replace(login, "token = { credential = \"only-the-daemon-has-it\" }"));
    let words = by_token.done(&["check"]);
    assert!(words.contains("by token") && words.contains("hand every order over with its order_id"), "{words}");
}

/// Each line says what is used of the bank, and what is not.
#[test]
fn check_says_what_of_the_bank_is_used() {
    let one_line = |host: &Host| host.done(&["check"]).split_whitespace().collect::<Vec<_>>().join(" ");
    let words = one_line(&Host::new());
    for said in [
        "answers the bank's whole answers are kept for 90d after an order's end",
        "wire REST; composite completion, money and points",
        "TLS the public roots are trusted; a certificate of ours: none",
        "proxy none; that of the environment is not asked",
        "registrations wait 10s for the bank's word; what was asked is kept 30d after it",
        "refunds not told apart by the bank",
        "callbacks not taken",
        "discovery off",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let more = "completion_method = \"deposit\"\nrefund_tools = true\nproxy = \"http://proxy.example:3128\"\n\
                extra_root = \"root.pem\"\n[merchant.registration]\nwait = \"5s\"\nkeep = \"1d\"\n[merchant.callbacks]\n\
                checksum = \"hmac-sha512\"\nsecret = { credential = \"only-the-daemon-has-it\" }\nunknown = \"discover\"\n\
                [merchant.discovery]\nevery = \"1h\"\n[retention]\nanswers = \"30d\"\n";
    let host = Host::configured(&format!("{SHOP}{more}"));
    let root = rcgen::generate_simple_self_signed(["bank.example".to_owned()]).unwrap().cert.pem();
    host.file("root.pem", &root);
    let words = one_line(&host);
    for said in [
        "are kept for 30d",
        "REST; deposit, money alone",
        "the public roots and one of extra_root are trusted",
        "proxy http://proxy.example:3128",
        "registrations wait 5s for the bank's word; what was asked is kept 1d after it",
        "refunds told apart by our id",
        "at /callbacks/shop, checksum hmac-sha512; one of an order that is not queued makes the bank be asked for it",
        "asked for every 1h",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let merchant = &host.json(&["check", "--json"])["merchants"][0];
    let [protocol, method, callbacks, discovery] =
        ["protocol", "completion_method", "callbacks", "discovery"].map(|name| &merchant[name]);
    assert_eq!(
        (protocol, method, callbacks, discovery),
        (&json!("rest"), &json!("deposit"), &json!("hmac-sha512"), &json!(true))
    );
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
fn an_import_refuses_lines_and_keeps_the_rest() {
    let host = Host::new();
    host.add("A-1", "100");
    host.add("A-2", "100");
    let lines = [
        r#"{"order_number": "B-1", "amount": 1000, "complete_amount": 900}"#,
        r#"{"order_number": "A-2", "amount": 7}"#,
        r#"{"order_number": "B-2", "amount": 0}"#,
        "",
        "not json",
        r#"{"order_number": "A-1", "amount": 100}"#,
        r#"{"order_number": "A-1", "amount": 7}"#,
        r#"{"order_number": "B-3", "amount": 2000}"#,
    ];
    host.file("orders.jsonl", &lines.join("\n"));
    let ran = host.run(&["order", "import", "orders.jsonl"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "2 added, 1 queued before, 4 refused.\n"));
    let refusals = [
        "line 2, order A-2: its number is queued already",
        "line 3, order B-2: amount: the amount is zero",
        "line 5: this is not JSON",
        "line 7, order A-1: its number is queued already",
    ];
    let told: Vec<_> = ran.stderr.lines().filter(|line| line.contains("line ")).collect();
    assert_eq!(told.len(), refusals.len(), "{}", ran.stderr);
    for (told, refusal) in told.iter().zip(refusals) {
        assert!(told.contains(refusal), "in the order of the file, {refusal}: {}", ran.stderr);
    }
    let again = host.run(&["order", "import", "orders.jsonl", "--json"]);
    let summary: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&summary["added"], &summary["exists"], &summary["refused"]), (&json!(0), &json!(3), &json!(4)));
    assert_eq!(summary["refusals"][1]["line"], 3);
    assert_eq!(summary["refusals"][1]["problems"][0]["code"], "amount_zero");
    let conflict = summary["refusals"].as_array().unwrap().iter().find(|refusal| refusal["line"] == 7).unwrap();
    assert_eq!(conflict["result"], "exists_with_different_amount");
}

#[test]
fn an_import_reads_a_pipe_and_batches() {
    let host = Host::new();
    let rows = (0..2_500).map(|n| format!("C-{n};{}\n", n + 1)).collect::<Vec<_>>().concat();
    let sheet = format!("\u{feff}order_number;amount\n{rows}");
    let dry = host.with_input(&["order", "import", "-", "--format", "csv", "--dry-run"], &sheet);
    assert_eq!((dry.code, dry.stderr.as_str()), (0, ""));
    assert_eq!(host.run(&["order", "list"]).code, 1, "a dry run creates no database");
    let ran = host.with_input(&["order", "import", "-", "--format", "csv"], &sheet);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "2500 added, 0 queued before, 0 refused.\n", "")
    );
    assert_eq!(host.json(&["order", "list", "--limit", "9999", "--json"]).as_array().unwrap().len(), 2_500);
    let short = host.run(&["order", "list", "--limit", "3"]);
    assert_eq!(short.stdout.lines().count(), 4, "{}", short.stdout);
    assert!(short.stderr.contains("oldest 3"), "{}", short.stderr);
}

#[test]
fn an_import_that_cannot_be_read_says_why() {
    let host = Host::new();
    host.file("orders.txt", "");
    host.file("bad.csv", "number,amount\n1,2\n");
    let check = |args: &[&str], code: i32, words: &str| {
        let ran = host.run(&[&["order", "import"], args].concat());
        assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{args:?}: {}", ran.stderr);
    };
    check(&["orders.txt"], 64, "--format");
    check(&["-"], 64, "--format");
    check(&["gone.csv"], 1, "cannot read gone.csv");
    check(&["bad.csv"], 1, "order_number");
}

#[test]
fn a_pipe_gets_plain_text() {
    let host = Host::new();
    host.add("A-1", "100");
    let list = host.done(&["order", "list"]);
    assert!(list.starts_with("ORDER    AMOUNT  STATE    FOR"), "{list}");
    for command in [&["order", "show", "A-1"][..], &["order", "why", "A-1"], &["status"], &["check"]] {
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
