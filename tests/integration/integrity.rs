//! A restored, copied or lost database with the real binary: nothing is sent until a person adopts it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use reconciled::domain::operation::OperationState;
use reconciled::domain::order::State;
use reconciled::store::OrderWithOperation;
use rusqlite::Connection;
use serde_json::Value;

use crate::child::post_order;
use crate::fixture::{wait_for, wait_for_state};
use crate::host::Host;

struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    /// What was logged before it was ready.
    said: String,
    address: String,
}

impl Host {
    /// Starts the daemon and reads its log up to the line that says it is ready.
    fn start(&self) -> Running {
        let mut child = self.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut running = Running { child, log, said: String::new(), address: String::new() };
        while running.address.is_empty() {
            let mut line = String::new();
            assert!(running.log.read_line(&mut line).unwrap() > 0, "the log ended after:\n{}", running.said);
            let value: Value = serde_json::from_str(&line).unwrap_or_default();
            value["address"].as_str().unwrap_or_default().clone_into(&mut running.address);
            running.said += &line;
        }
        running
    }

    fn json(&self, args: &[&str]) -> Value {
        let (code, out, err) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {err}");
        serde_json::from_str(&out).unwrap()
    }
}

impl Running {
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        // Read to the end, or a full pipe would keep it from stopping.
        std::io::copy(&mut self.log, &mut std::io::sink()).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    fn get(&self, path: &str) -> String {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The witness is written before the first byte leaves (R8): where it cannot be, nothing leaves.
#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_cannot_be_witnessed_does_not_leave() {
    let host = Host::new().await;
    let running = host.start();
    let mut witness = host.database().into_os_string();
    witness.push(".witness");
    let text = std::fs::read_to_string(&witness).unwrap();
    std::fs::write(&witness, text + "somebody else's line\n").unwrap();
    host.paid("A-1", None);
    let frozen = |found: &OrderWithOperation| {
        let note = found.operation.as_ref().and_then(|operation| operation.note.as_deref());
        note.is_some_and(|note| note.contains("frozen"))
    };
    wait_for(&host.store(), "A-1", frozen).await;
    assert_eq!(host.world.completions("A-1"), (0, 0));
    running.stop();
}

fn remove(database: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_sends_nothing_until_it_is_adopted_and_never_twice() {
    let host = Host::new().await;
    let running = host.start();
    host.paid("before", None);
    host.completed("before").await;
    running.stop();
    host.paid("part", Some("7000"));
    let backup = host.world.directory.path().join("backup.db");
    let raw = rusqlite::Connection::open(host.database()).unwrap();
    raw.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    drop(raw);

    let running = host.start();
    host.completed("part").await;
    running.stop();
    assert_eq!(host.world.completions("part"), (1, 1));
    remove(&host.database());
    std::fs::copy(&backup, host.database()).unwrap();

    let running = host.start();
    let log = &running.said;
    assert!(log.contains("Money is frozen") && log.contains("orders: part of shop"), "{log}");
    host.paid("frozen", None);
    // The looks go on: both are seen at the bank, and one of them as due.
    let held_back = |found: &OrderWithOperation| {
        found
            .operation
            .as_ref()
            .is_some_and(|operation| operation.note.as_deref().is_some_and(|note| note.contains("frozen")))
    };
    wait_for(&host.store(), "frozen", held_back).await;
    wait_for_state(&host.store(), "part", State::Deposited).await;
    assert!(running.get("/metrics").contains("\nreconciled_money_frozen 1\n"));
    assert!(running.get("/readyz").starts_with("HTTP/1.1 200"));
    let status = host.json(&["status", "--json"]);
    assert!(status["money_frozen"]["why"].as_str().unwrap().contains("part of shop"), "{status}");
    assert_eq!(host.json(&["money", "show", "--json"])["money_frozen"], status["money_frozen"]);
    let (_, shown, _) = host.run(&["money", "show"]);
    assert!(shown.contains("MONEY IS FROZEN") && !shown.contains("goes"), "{shown}");
    let (code, _, err) = host.run(&["adopt", "--reason", "too early"]);
    assert!(code == 1 && err.contains("another daemon works on this database"), "{err}");
    running.stop();
    assert_eq!((host.world.completions("frozen"), host.world.completions("part")), ((0, 0), (1, 1)));

    let dry = host.json(&["adopt", "--dry-run", "--json"]);
    assert_eq!((&dry["adopted"], &dry["sends"][0]["becomes"]), (&Value::from(false), &Value::from("review")), "{dry}");
    assert_eq!((&dry["sends"][0]["order_number"], &dry["sends"][0]["expected_minor"]), (&"part".into(), &7_000.into()));
    let (code, out, err) = host.run(&["adopt", "--reason", "restored after a bad disk"]);
    assert!(code == 0 && out.contains("Adopted at"), "{out}{err}");
    let after = host.store().order(&crate::fixture::shop(), "part").await.unwrap().order;
    assert_eq!((after.state, after.review.unwrap().code.as_str()), (State::Review, "sent_outside_book:7000"));
    let doubt = host.store().order(&crate::fixture::shop(), "part").await.unwrap().operation.unwrap();
    assert_eq!((doubt.state, doubt.attempt, doubt.unknown_sends), (OperationState::InDoubt, 1, 1));
    assert!(doubt.answered_at > doubt.sent_at, "quiet only a while after the adoption: {doubt:?}");
    let (_, why, _) = host.run(&["order", "why", "part"]);
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(why.contains("Nothing more is sent for it until a person decides"), "{why}");

    let running = host.start();
    let log = &running.said;
    assert!(!log.contains("Money is frozen"), "{log}");
    host.paid("after", None);
    host.completed("after").await;
    // Asked about like any other, it is settled by what the bank shows; its order waits for a person all the same.
    host.completed("part").await;
    assert_eq!(host.world.completions("part"), (1, 1), "never a second time");
    let (code, _, err) = host.run(&["review", "resolve", "part", "--as", "bank", "--reason", "the console shows it"]);
    assert_eq!(code, 0, "{err}");
    wait_for_state(&host.store(), "part", State::Deposited).await;
    running.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_and_a_database_begun_anew_send_nothing() {
    type Meanwhile = fn(&Path);
    let table: [(&str, Meanwhile, &str); 2] = [
        (
            "a copy in the place of the original",
            |database| {
                let copy = database.with_extension("copy");
                std::fs::copy(database, &copy).unwrap();
                std::fs::rename(&copy, database).unwrap();
            },
            "this database is a copy",
        ),
        ("removed", remove, "orders: first of shop"),
    ];
    for (case, meanwhile, words) in table {
        let host = Host::new().await;
        let running = host.start();
        host.paid("first", None);
        host.completed("first").await;
        running.stop();
        meanwhile(&host.database());
        let running = host.start();
        let log = &running.said;
        assert!(log.contains("Money is frozen") && log.contains(words), "{case}: {log}");
        host.paid("second", None);
        wait_for(&host.store(), "second", |found| {
            found
                .operation
                .as_ref()
                .and_then(|operation| operation.note.as_deref())
                .is_some_and(|note| note.contains("frozen"))
        })
        .await;
        running.stop();
        assert_eq!(host.world.completions("second"), (0, 0), "{case}");
        assert_eq!(host.json(&["adopt", "--reason", "it is the only one", "--json"])["adopted"], true, "{case}");
        let running = host.start();
        host.completed("second").await;
        running.stop();
        if case != "removed" {
            continue;
        }
        // The order that was lost with the database was sent for: handed in again, it is asked about and never sent.
        let (code, out, err) = host.run(&["order", "add", "--number", "first", "--amount", "10000"]);
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == 0 && out.contains("It stands in review at once: the witness has a send"), "{out}{err}");
        let doubt = host.store().order(&crate::fixture::shop(), "first").await.unwrap().operation.unwrap();
        assert_eq!((doubt.state, doubt.unknown_sends), (OperationState::InDoubt, 1), "before anybody has looked");
        let running = host.start();
        host.completed("first").await;
        running.stop();
        assert_eq!(host.world.completions("first"), (1, 1), "never a second time");
    }
}

/// Whoever hands in an order that was sent for before must not take `added` for `nothing has happened yet`.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_lost_is_told_to_be_in_review_whichever_way_it_comes_back() {
    let host = Host::new().await;
    let running = host.start();
    let numbers = ["typed", "imported", "posted", "batched"];
    for number in numbers {
        host.paid(number, None);
    }
    for number in numbers {
        host.completed(number).await;
    }
    running.stop();
    remove(&host.database());
    host.start().stop();
    assert_eq!(host.json(&["adopt", "--reason", "begun anew", "--json"])["adopted"], true);

    let typed = host.json(&["order", "add", "--number", "typed", "--amount", "10000", "--json"]);
    assert_eq!((&typed["result"], &typed["in_review"]), (&"added".into(), &true.into()), "{typed}");
    let again = host.json(&["order", "add", "--number", "typed", "--amount", "10000", "--json"]);
    assert_eq!((&again["result"], &again["in_review"]), (&"exists".into(), &Value::Null), "{again}");
    let file = host.world.directory.path().join("orders.csv");
    std::fs::write(&file, "order_number,amount\nimported,10000\nnew,10000\n").unwrap();
    let (code, out, err) = host.run(&["order", "import", file.to_str().unwrap()]);
    assert!(code == 0 && out.contains("2 added, 0 queued before") && out.contains("1 stand in review"), "{out}{err}");
    assert!(err.contains("line 2, order imported of shop: in review at once"), "{err}");

    let running = host.start();
    let address = running.address.parse().unwrap();
    let order = |number: &str| serde_json::json!({ "merchant": "shop", "order_number": number, "amount": 10_000 });
    let (status, posted) = post_order(address, &order("posted")).unwrap();
    assert_eq!((status, &posted["result"], &posted["in_review"]), (201, &"added".into(), &true.into()), "{posted}");
    let batch = serde_json::json!([order("batched"), order("fresh")]);
    let (_, batch) = post_order(address, &batch).unwrap();
    let results = &batch["results"];
    assert_eq!((&results[0]["in_review"], &results[1]["in_review"]), (&true.into(), &Value::Null), "{batch}");
    for number in numbers {
        host.completed(number).await;
        assert_eq!(host.world.completions(number), (1, 1), "{number}");
    }
    running.stop();
}

/// A row that somebody edited by hand is not sent, and the others are.
#[tokio::test(flavor = "multi_thread")]
async fn a_hand_edit_goes_to_review_and_nothing_is_sent_for_it() {
    let host = Host::new().await;
    host.paid("edited", Some("5000"));
    host.paid("sound", None);
    let raw = rusqlite::Connection::open(host.database()).unwrap();
    raw.execute("UPDATE orders SET complete_amount_minor = 9000 WHERE order_number = 'edited'", []).unwrap();
    drop(raw);
    let running = host.start();
    let found = wait_for_state(&host.store(), "edited", State::Review).await;
    assert_eq!(found.review.unwrap().code, "row_altered");
    host.completed("sound").await;
    assert_eq!(host.world.completions("edited"), (0, 0));
    running.stop();
}

/// Whoever has no key can look, and is told what to do instead of writing.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_daemons_credential_the_command_line_reads_and_says_how_to_write() {
    let host = Host::new().await;
    let credentials = host.world.directory.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("seal-key"), "0123456789abcdef0123456789abcdef").unwrap();
    let keys = "[integrity]\nkeys = [{ credential = \"seal-key\" }]\n\n[[merchant]]";
    std::fs::write(&host.config, host.world.toml().replacen("[[merchant]]", keys, 1)).unwrap();
    let add = ["order", "add", "--number", "A-1", "--amount", "100"];
    let inside = host.command(&add).env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap();
    assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stderr));
    let (code, out, err) = host.run(&["order", "list"]);
    assert!(code == 0 && out.contains("A-1"), "{out}{err}");
    for refused in [
        &["order", "add", "--number", "A-2", "--amount", "100"][..],
        &["order", "park", "A-1"],
        &["adopt", "--dry-run"],
    ] {
        let (code, out, err) = host.run(refused);
        assert!(
            code == 1 && err.contains("seal-key") && err.contains("through the HTTP API"),
            "{refused:?}: {out}{err}"
        );
    }
}

/// The bug: it took the lock, and so brought an earlier version's file up to date, which has no way back; and where
/// there was no database it began one.
#[tokio::test(flavor = "multi_thread")]
async fn regression_a_dry_run_of_an_adoption_changes_nothing() {
    let host = Host::new().await;
    let (code, out, err) = host.run(&["adopt", "--dry-run"]);
    assert!(code == 1 && err.contains("there is no database"), "{out}{err}");
    assert!(!host.database().exists());

    std::fs::create_dir_all(host.database().parent().unwrap()).unwrap();
    let old = Connection::open(host.database()).unwrap();
    old.execute_batch(include_str!("../../src/store/migrations/0001_orders.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.pragma_update(None, "application_id", 0x7263_6e64).unwrap();
    let (code, out, err) = host.run(&["adopt", "--dry-run"]);
    assert!(code == 1 && err.contains("restart the daemon with this version first"), "{out}{err}");
    assert_eq!(old.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap(), 1);
}
