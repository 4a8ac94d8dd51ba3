//! The journal's chain with the real binary: the daemon writes it, reports have its head, and `verify` names the first
//! event that is not what was written.

use rusqlite::Connection;
use serde_json::Value;

use crate::child::Process;
use crate::fixture::{in_time, until};
use crate::host::Host;

impl Host {
    /// What `verify --json` says, and its exit code. Nothing else is said in a pipe.
    fn verify(&self, args: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.run(&[&["verify", "--json"], args].concat());
        assert_eq!(err, "", "{args:?}");
        (code, serde_json::from_str(&out).unwrap())
    }

    /// The head of a journal that is whole.
    fn head(&self) -> String {
        let (code, document) = self.verify(&[]);
        assert_eq!((code, &document["whole"]), (0, &Value::Bool(true)), "{document}");
        document["head"].as_str().unwrap().to_owned()
    }

    /// Has the daemon complete a hold, which is a journey of many events.
    async fn complete(&self, number: &str) {
        self.paid(number, None);
        self.completed(number).await;
    }

    fn raw(&self) -> Connection {
        Connection::open(self.database()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_writes_a_chain_whose_head_stands_in_reports_and_holds_through_a_crash() {
    let host = Host::new().await;
    let daemon = Process::start(&host.config).drained();
    host.complete("A-1").await;
    let head = host.head();
    let (_, document) = host.verify(&[]);
    assert!(document["events"].as_i64() >= Some(5) && document["events"] == document["last"], "{document}");
    assert_eq!((&document["first"], &document["fault"]), (&1.into(), &Value::Null), "{document}");
    let (code, out, err) = host.run(&["verify", "--head", &head]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("The journal is whole: every event is what was written.\n"), "{out}");
    assert!(out.contains(&format!("head        {head}\n")) && out.contains("head given  agrees, at event "), "{out}");

    let merchant = &host.world.config().merchants[0];
    let today = merchant.zone.local(reconciled::clock::Clock::host().now()).date().to_string();
    let (code, report, err) = host.run(&["report", "--day", &today, "--json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&report).unwrap();
    let drawn = report["journal_head"].as_str().unwrap();

    daemon.kill_hard();
    assert_eq!(host.verify(&["--head", drawn]).0, 0);
    let daemon = Process::start(&host.config).drained();
    host.complete("A-2").await;
    for before in [&*head, drawn] {
        let (code, document) = host.verify(&["--head", before]);
        assert!(code == 0 && document["head"] != *before, "{document}");
    }
    drop(daemon);
    for wrong in ["", "7", "7:00", &drawn[1..].replace(':', "")] {
        assert_eq!(host.run(&["verify", "--head", wrong]).0, 64, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_wrong_event_is_named_with_its_time_and_what_to_do() {
    let host = Host::new().await;
    let daemon = Process::start(&host.config).drained();
    host.complete("A-1").await;
    daemon.kill_hard();
    let head = host.head();
    let raw = host.raw();
    let at: i64 = raw.query_row("SELECT at_ms FROM events WHERE seq = 2", [], |row| row.get(0)).unwrap();
    let at = reconciled::domain::time::Timestamp::from_millis(at).to_string();
    raw.execute_batch("DROP TRIGGER events_are_not_changed; UPDATE events SET detail = 'nothing' WHERE seq = 2")
        .unwrap();
    let (code, out, err) = host.run(&["verify"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.starts_with(&format!("error: event 2 of {at} was altered: ")), "{err}");
    assert!(err.contains("compare it from there on with a backup"), "{err}");
    let (code, document) = host.verify(&["--head", &head]);
    let fault = &document["fault"];
    assert_eq!((code, &document["whole"], &document["head"]), (1, &Value::Bool(false), &Value::Null), "{document}");
    assert_eq!((&fault["what"], &fault["seq"], &fault["at"]), (&"altered".into(), &2.into(), &at.into()), "{fault}");

    // The daemon goes on all the same, and so does the chain; what is wrong stays named.
    let daemon = Process::start(&host.config).drained();
    host.complete("A-2").await;
    drop(daemon);
    assert_eq!(host.verify(&[]).1["fault"]["seq"], 2);
}

/// A copy from before is whole in itself; what was written down since tells that it is a copy.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_put_back_is_whole_and_lacks_a_later_head() {
    let host = Host::new().await;
    let daemon = Process::start(&host.config).drained();
    host.complete("A-1").await;
    let backup = host.world.directory.path().join("backup.db");
    host.raw().execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    let early = host.head();
    host.complete("A-2").await;
    daemon.kill_hard();
    let late = host.head();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", host.database().display()));
    }
    std::fs::copy(&backup, host.database()).unwrap();
    assert_eq!(host.verify(&["--head", &early]).0, 0);
    let (code, document) = host.verify(&["--head", &late]);
    assert_eq!((code, &document["fault"]["what"]), (1, &"missing".into()), "{document}");
    let last = early.split_once(':').unwrap().0.parse::<i64>().unwrap();
    assert_eq!(
        (&document["fault"]["seq"], &document["fault"]["until"]),
        (&(last + 1).into(), &late.split_once(':').unwrap().0.parse::<i64>().unwrap().into(),)
    );
    let (code, out, err) = host.run(&["adopt", "--reason", "restored after a bad disk"]);
    assert_eq!(code, 0, "{out}{err}");
    let daemon = Process::start(&host.config).drained();
    host.complete("A-3").await;
    host.complete("A-4").await;
    drop(daemon);
    assert_eq!(host.verify(&["--head", &early]).0, 0);
    let (code, document) = host.verify(&["--head", &late]);
    assert_eq!((code, &document["fault"]["what"]), (1, &"head_differs".into()), "{document}");
}

/// A file from before there was a chain, with a journal in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_earlier_version_is_chained_by_the_daemon() {
    let host = Host::new().await;
    std::fs::create_dir_all(host.database().parent().unwrap()).unwrap();
    let old = host.raw();
    old.execute_batch(include_str!("../../src/store/migrations/0001_orders.sql")).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1; PRAGMA application_id = 0x72636e64;
         INSERT INTO orders (merchant, order_number, amount_minor, currency, state, state_since_ms, created_at_ms)
            VALUES ('shop', 'old', 100, 643, 'declined', 1, 1);
         INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
            VALUES (1, 1, 'added', 'shop', 'pending', 'pending', 'entered the queue'),
                   (2, 1, 'changed', 'look', 'pending', 'declined', 'the bank shows it declined')",
    )
    .unwrap();
    drop(old);
    let (code, _, err) = host.run(&["verify"]);
    assert!(code == 1 && err.contains("restart the daemon with this version first"), "{err}");
    let _daemon = Process::start(&host.config).drained();
    // It says so in its log, which may be before it is ready.
    in_time(until(|| host.verify(&[]).1["whole"] == true)).await;
    assert_eq!(host.verify(&[]).1["events"], 2);
}
