//! `order import`: lines that are orders and lines that are none, from a file and from a pipe.

use super::*;

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
    check(&["bad.csv"], 1, "--column FIELD=number");
    check(&["bad.csv", "--column", "number=order_number"], 64, "there is no field \"number\"");
    check(&["bad.csv", "--column", "order_number"], 64, "FIELD=NAME");
    check(&["bad.csv", "--column", "amount=a", "--column", "amount=b"], 64, "names amount twice");
    check(&["bad.csv", "--column", "order_number=Number"], 1, "the header has no column \"Number\"");
    check(&["-", "--format", "jsonl", "--ignore-other-columns"], 64, "JSON lines have no columns");
    check(&["bad.csv", "--from-line", "0"], 64, "0");
}

/// A shop's own export, gone on with where it was cut short.
#[test]
fn an_export_of_the_shops_is_imported_as_it_is() {
    let host = Host::new();
    host.file("export.csv", "Order No;Customer;Kopecks\nE-1;Ann;100\nE-2;=cmd;200\nE-3;Олег;300\n");
    let named = ["--column", "order_number=Order No", "--column", "amount=Kopecks", "--ignore-other-columns"];
    let import = |more: &[&str]| host.run(&[&["order", "import", "export.csv"], &named[..], more].concat());
    assert_eq!(import(&["--from-line", "3"]).stdout, "2 added, 0 queued before, 0 refused.\n");
    assert_eq!(import(&[]).stdout, "1 added, 2 queued before, 0 refused.\n");
    let listed = host.json(&["order", "list", "--json"]);
    let numbers: Vec<_> = listed.as_array().unwrap().iter().map(|order| order["order_number"].clone()).collect();
    assert_eq!(numbers, ["E-2", "E-3", "E-1"]);
}
