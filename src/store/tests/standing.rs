//! Starts: what the database, its home and its witness say together, on real files.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Instant;

use super::super::{Becomes, Lock, OpenError, Place, StoreError};
use super::*;
use crate::domain::event::EventKind;
use crate::domain::operation::OperationState;

/// A database under its lock, as the daemon has it.
pub(super) struct Started {
    pub(super) store: Store,
    _lock: Lock,
}

pub(super) fn start(database: &Path) -> Started {
    let lock = Lock::take(database, "a test").unwrap();
    let store = Store::open_under(&lock, database, NOW).unwrap();
    Started { store, _lock: lock }
}

pub(super) fn witness(file: &File) -> PathBuf {
    Place::at(&file.path()).witness
}

pub(super) async fn held(store: &Store, text: &str) -> Order {
    let fresh = added(store, text).await;
    hold(store, &fresh, Some(NOW), NOW.plus(MINUTE * 60)).await;
    intend(store, &fresh, NOW).await;
    fresh
}

/// Writes the intent of a send.
pub(super) async fn write_intent(store: &Store, order: &Order) -> Result<(), StoreError> {
    store
        .amend(order.key, NOW, |order, open| {
            let open = open.unwrap();
            let operation = Operation {
                state: OperationState::InDoubt,
                attempt: open.attempt + 1,
                unknown_sends: open.unknown_sends + 1,
                expected_minor: Some(10_000),
                sent_at: Some(NOW),
                ..open.clone()
            };
            let order = Some(order.clone());
            Amendment { order, operation: OperationChange::Update(operation), ..Amendment::nothing(()) }
        })
        .await
}

/// A whole send: its intent, its line, and what is written behind it.
pub(super) async fn send(store: &Store, text: &str) {
    let order = held(store, text).await;
    write_intent(store, &order).await.unwrap();
    store.bear_witness(order.key, NOW).await.unwrap();
    let answered = store.amend(order.key, NOW, |_, open| Amendment {
        operation: OperationChange::Update(open.unwrap().clone()),
        ..Amendment::nothing(())
    });
    answered.await.unwrap();
}

/// A copy of the database as a backup makes it.
pub(super) fn back_up(file: &File, to: &Path) {
    file.raw().execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
}

/// Waits until no store of this process has the database open. One that was dropped closes it when its threads have
/// ended, and then takes the `-wal` beside it away, which may be another's by then.
fn at_rest(file: &File) {
    let (path, until) = (file.path(), Instant::now() + Duration::from_secs(120));
    let is_ours = |fd: io::Result<fs::DirEntry>| fs::read_link(fd.unwrap().path()).is_ok_and(|opened| opened == path);
    while fs::read_dir("/proc/self/fd").unwrap().any(is_ours) {
        assert!(Instant::now() < until, "the database stays open");
        thread::yield_now();
    }
}

pub(super) fn remove(file: &File) {
    at_rest(file);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(file.directory.path().join(format!("reconciled.db{suffix}")));
    }
}

pub(super) fn restore(file: &File, from: &Path) {
    remove(file);
    fs::copy(from, file.path()).unwrap();
}

/// What happens while the daemon is down, after one send, a backup and another send.
type Meanwhile = fn(&File, &Path);

#[tokio::test]
async fn money_moves_only_where_database_home_and_witness_agree() {
    let table: [(&str, Meanwhile, Option<&str>); 9] = [
        ("nothing", |_, _| {}, None),
        ("an old backup is restored", |file, backup| restore(file, backup), Some("orders: A-2 of shop")),
        ("the database is removed", |file, _| remove(file), Some("orders: A-1 of shop, A-2 of shop")),
        (
            "a new backup is restored",
            |file, _| {
                let copy = file.directory.path().join("copy");
                back_up(file, &copy);
                restore(file, &copy);
            },
            Some("this database is a copy"),
        ),
        ("the witness is removed", |file, _| fs::remove_file(witness(file)).unwrap(), Some("the witness is missing")),
        (
            "the witness loses its last line",
            |file, _| {
                let text = fs::read_to_string(witness(file)).unwrap();
                let last = text.trim_end().rfind('\n').unwrap();
                fs::write(witness(file), &text[..=last]).unwrap();
            },
            Some("lacks lines"),
        ),
        (
            "a line of the witness is changed",
            |file, _| {
                let text = fs::read_to_string(witness(file)).unwrap();
                fs::write(witness(file), text.replacen("A-1", "B-1", 1)).unwrap();
            },
            Some("line 2 of the witness does not follow"),
        ),
        (
            "the witness is another's",
            |file, _| {
                let other = File::new();
                drop(start(&other.path()));
                fs::copy(witness(&other), witness(file)).unwrap();
            },
            Some("lacks lines"),
        ),
        (
            "the witness cannot be read",
            |file, _| {
                fs::remove_file(witness(file)).unwrap();
                fs::create_dir(witness(file)).unwrap();
            },
            Some("cannot be read"),
        ),
    ];
    for (case, meanwhile, frozen) in table {
        let file = File::new();
        let backup = file.directory.path().join("backup");
        let first = start(&file.path());
        send(&first.store, "A-1").await;
        back_up(&file, &backup);
        send(&first.store, "A-2").await;
        drop(first);
        meanwhile(&file, &backup);

        let second = start(&file.path());
        let freeze = second.store.freeze().await.unwrap();
        match (&freeze, frozen) {
            (None, None) => {}
            (Some(freeze), Some(words)) => assert!(freeze.why.contains(words), "{case}: {}", freeze.why),
            _ => panic!("{case}: {freeze:?}"),
        }
        let next = held(&second.store, "A-9").await;
        let outcome = write_intent(&second.store, &next).await;
        assert_eq!(matches!(outcome, Err(StoreError::MoneyFrozen(_))), frozen.is_some(), "{case}: {outcome:?}");
        let left = operation(&second.store, "A-9").await.unwrap();
        assert_eq!(left.state == OperationState::Intended, frozen.is_some(), "{case}");
        assert_eq!(left.next_step_at > NOW, frozen.is_some(), "{case}: asked about later");
        drop(second);

        let third = start(&file.path());
        assert_eq!(third.store.freeze().await.unwrap().is_some(), frozen.is_some(), "{case}: it stays");
        if frozen.is_none() {
            continue;
        }
        if fs::metadata(witness(&file)).is_ok_and(|found| found.is_dir()) {
            fs::remove_dir(witness(&file)).unwrap();
        }
        third.store.adopt("ann", "the bank's console was read", NOW).await.unwrap();
        drop(third);
        let fourth = start(&file.path());
        assert_eq!(fourth.store.freeze().await.unwrap(), None, "{case}: adopted");
        let next = order(&fourth.store, "A-9").await;
        write_intent(&fourth.store, &next).await.unwrap();
        fourth.store.bear_witness(next.key, NOW).await.unwrap();
        drop(fourth);
        assert_eq!(start(&file.path()).store.freeze().await.unwrap(), None, "{case}: and it goes on");
    }
}

#[tokio::test]
async fn a_copy_beside_the_original_is_frozen_and_the_original_is_not() {
    let file = File::new();
    let first = start(&file.path());
    send(&first.store, "A-1").await;
    let clone = File::new();
    for suffix in ["", "-wal"] {
        let name = format!("reconciled.db{suffix}");
        let _ = fs::copy(file.directory.path().join(&name), clone.directory.path().join(&name));
    }
    for name in ["reconciled.db.key", "reconciled.db.witness"] {
        fs::copy(file.directory.path().join(name), clone.directory.path().join(name)).unwrap();
    }
    let freeze = start(&clone.path()).store.freeze().await.unwrap().unwrap();
    assert!(freeze.why.contains("its file is not the one it was made in"), "{}", freeze.why);
    assert_eq!(freeze.since, Some(NOW));
    assert_eq!(first.store.freeze().await.unwrap(), None);
}

/// What the witness knows and a restored database does not goes to a person, whatever the database had of it.
#[tokio::test]
async fn adopting_puts_what_was_sent_since_before_a_person() {
    let file = File::new();
    let backup = file.directory.path().join("backup");
    let first = start(&file.path());
    let intended = held(&first.store, "intended").await;
    let in_doubt = held(&first.store, "in-doubt").await;
    write_intent(&first.store, &in_doubt).await.unwrap();
    first.store.bear_witness(in_doubt.key, NOW).await.unwrap();
    added(&first.store, "quiet").await;
    back_up(&file, &backup);
    write_intent(&first.store, &intended).await.unwrap();
    first.store.bear_witness(intended.key, NOW).await.unwrap();
    write_intent(&first.store, &in_doubt).await.unwrap();
    first.store.bear_witness(in_doubt.key, NOW).await.unwrap();
    send(&first.store, "later").await;
    drop(first);
    restore(&file, &backup);

    let second = start(&file.path());
    let adoption = second.store.adoption().await.unwrap();
    let sends: Vec<_> = adoption.sends.iter().map(|send| (send.sent.order_number.as_str(), send.becomes)).collect();
    assert_eq!(sends, [("intended", Becomes::Review), ("in-doubt", Becomes::Review), ("later", Becomes::NotKnown)]);
    assert!(!adoption.begins_anew);
    let adopted_at = NOW.plus(MINUTE);
    second.store.adopt("ann", "restored on purpose", adopted_at).await.unwrap();
    // What was only intended was taken back, and what was sent stands in its place; what was in doubt goes on.
    let rows_and_sends = |text: &str| -> [i64; 4] {
        let sql =
            "SELECT count(*), sum(attempt), sum(unknown_sends), max(operations.state = 'withdrawn') FROM operations
             JOIN orders ON orders.id = order_key WHERE order_number = ?1";
        let row = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
        file.raw().query_row(sql, [text], row).unwrap()
    };
    let table: [(_, [i64; 4]); 2] = [("intended", [2, 1, 1, 1]), ("in-doubt", [1, 2, 2, 0])];
    for (text, rows) in table {
        assert_eq!(rows_and_sends(text), rows, "{text}");
        let found = second.store.order(&shop(), text).await.unwrap();
        let code = found.order.review.as_ref().map(|review| review.code.as_str());
        assert_eq!((found.order.state, code), (State::Review, Some("sent_outside_book:10000")), "{text}");
        assert_eq!(found.order.before_review, Some(State::Held), "{text}");
        let operation = found.operation.unwrap();
        assert_eq!((operation.state, operation.expected_minor), (OperationState::InDoubt, Some(10_000)), "{text}");
        assert_eq!(
            (operation.sent_at, operation.answered_at),
            (Some(NOW), Some(adopted_at)),
            "{text}: quiet from the adoption on"
        );
        let events = second.store.events_of(found.order.key).await.unwrap();
        let opened = events.iter().find(|event| event.kind == EventKind::ReviewOpened).unwrap();
        assert_eq!(opened.cause, "operator:ann", "{text}");
    }
    assert_eq!(order(&second.store, "quiet").await.state, State::Pending);
    let lines = fs::read_to_string(witness(&file)).unwrap();
    assert!(lines.lines().last().unwrap().contains("\tann\trestored on purpose\t"), "{lines}");
    drop(second);
    assert_eq!(start(&file.path()).store.adoption().await.unwrap().sends, [], "they are known now");
}

/// The bug: nobody could adopt a backup in which an order whose completion was sent since still waited for its release,
/// because its deadline went with it into review.
#[tokio::test]
async fn regression_a_hold_that_waited_for_its_release_in_the_backup_is_adopted() {
    let file = File::new();
    let backup = file.directory.path().join("backup");
    let first = start(&file.path());
    let waits = added(&first.store, "waits").await;
    hold(&first.store, &waits, None, NOW.plus(MINUTE * 60)).await;
    change(&first.store, &waits, |order| order.deadline_at = Some(NOW.plus(MINUTE))).await;
    back_up(&file, &backup);
    intend(&first.store, &waits, NOW).await;
    write_intent(&first.store, &waits).await.unwrap();
    first.store.bear_witness(waits.key, NOW).await.unwrap();
    drop(first);
    restore(&file, &backup);

    let second = start(&file.path());
    second.store.adopt("ann", "restored on purpose", NOW).await.unwrap();
    let found = second.store.order(&shop(), "waits").await.unwrap();
    assert_eq!((found.order.state, found.order.deadline_at), (State::Review, None));
    assert_eq!(found.operation.map(|operation| operation.state), Some(OperationState::InDoubt));
}

/// A broken witness is kept for whoever wants to know, and another one is begun.
#[tokio::test]
async fn a_witness_that_cannot_go_on_is_kept_aside() {
    let file = File::new();
    let first = start(&file.path());
    send(&first.store, "A-1").await;
    drop(first);
    let text = fs::read_to_string(witness(&file)).unwrap().replacen("A-1", "B-1", 1);
    fs::write(witness(&file), format!("{text}sent\tnot a line\n")).unwrap();
    let second = start(&file.path());
    assert!(second.store.adoption().await.unwrap().begins_anew);
    second.store.adopt("ann", "found a bad disk", NOW).await.unwrap();
    let kept = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains("witness.until-2026-11-20T09-00-00");
    let kept = fs::read_dir(file.directory.path()).unwrap().map(Result::unwrap).find(kept).unwrap();
    assert!(fs::read_to_string(kept.path()).unwrap().contains("B-1"));
    assert!(fs::read_to_string(witness(&file)).unwrap().starts_with("begun\t1\t"));
}

/// A crash between the intent and its line, and one in the middle of the line: holes and torn ends are what crashes
/// leave.
#[tokio::test]
async fn what_a_crash_leaves_is_no_reason_to_freeze() {
    let file = File::new();
    let first = start(&file.path());
    send(&first.store, "A-1").await;
    let unwitnessed = held(&first.store, "A-2").await;
    write_intent(&first.store, &unwitnessed).await.unwrap();
    drop(first);
    let second = start(&file.path());
    assert_eq!(second.store.freeze().await.unwrap(), None, "a hole");
    send(&second.store, "A-3").await;
    let torn = held(&second.store, "A-4").await;
    write_intent(&second.store, &torn).await.unwrap();
    drop(second);
    let whole = fs::read_to_string(witness(&file)).unwrap();
    fs::write(witness(&file), format!("{whole}sent\t4\t2026-11-20T0")).unwrap();
    let third = start(&file.path());
    assert_eq!(third.store.freeze().await.unwrap(), None, "a torn line");
    assert_eq!(fs::read_to_string(witness(&file)).unwrap(), whole, "cut off");
    send(&third.store, "A-5").await;
    drop(third);
    assert_eq!(start(&file.path()).store.freeze().await.unwrap(), None);
}

#[tokio::test]
async fn a_send_without_its_line_does_not_leave_and_freezes_money() {
    let file = File::new();
    let started = start(&file.path());
    let (first, second) = (held(&started.store, "A-1").await, held(&started.store, "A-2").await);
    write_intent(&started.store, &first).await.unwrap();
    fs::remove_file(witness(&file)).unwrap();
    let refused = started.store.bear_witness(first.key, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unwitnessed(_)), "{refused}");
    let freeze = started.store.freeze().await.unwrap().unwrap();
    assert!(freeze.why.contains("could not be written to the witness"), "{}", freeze.why);
    let refused = write_intent(&started.store, &second).await.unwrap_err();
    assert!(matches!(refused, StoreError::MoneyFrozen(_)), "{refused}");
}

/// Whoever does not hold the lock sends nothing, whatever it writes.
#[tokio::test]
async fn without_the_lock_there_is_no_witness() {
    let file = File::new();
    let store = file.open();
    let order = held(&store, "A-1").await;
    write_intent(&store, &order).await.unwrap();
    assert!(matches!(store.bear_witness(order.key, NOW).await, Err(StoreError::Unwitnessed(_))));
    assert!(matches!(store.adoption().await, Err(StoreError::Refused(_))));
}

#[test]
fn a_witness_that_cannot_be_begun_is_a_mistake_of_the_configuration() {
    let file = File::new();
    fs::write(file.directory.path().join("file"), "").unwrap();
    let place = Place { witness: file.directory.path().join("file/witness"), ..Place::at(&file.path()) };
    let lock = Lock::take(&file.path(), "a test").unwrap();
    let refused = Store::open_under(&lock, place, NOW).map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::Witness { .. }) && refused.to_string().contains("[integrity]"), "{refused}");
}

/// The bug: a sender stopped for the quiet time, then killed, was judged quiet at once, with its request still in the
/// network's buffers.
#[tokio::test]
async fn regression_what_is_found_in_doubt_is_quiet_only_a_while_after_the_start() {
    let quiet = MINUTE * 15;
    let file = File::new();
    let first = start(&file.path());
    for text in ["stopped", "answered", "altered"] {
        let fresh = held(&first.store, text).await;
        write_intent(&first.store, &fresh).await.unwrap();
    }
    let key = order(&first.store, "answered").await.key;
    let answer = first.store.amend(key, NOW, |_, open| Amendment {
        operation: OperationChange::Update(Operation { answered_at: Some(NOW), ..open.unwrap().clone() }),
        ..Amendment::nothing(())
    });
    answer.await.unwrap();
    drop(first);
    let sql =
        "UPDATE operations SET expected_minor = 9 WHERE order_key = (SELECT id FROM orders WHERE order_number = ?1)";
    file.raw().execute(sql, ["altered"]).unwrap();

    let second = start(&file.path());
    let started_at = NOW.plus(quiet);
    assert_eq!(second.store.note_senders_gone(started_at).await.unwrap(), 1);
    let quiet_at = async |text| operation(&second.store, text).await.unwrap().quiet_at(quiet).unwrap();
    assert_eq!(quiet_at("stopped").await, started_at.plus(quiet), "counted from the start");
    assert_eq!(quiet_at("answered").await, NOW.plus(quiet), "known before");
    let found = operation(&second.store, "stopped").await.unwrap();
    assert_eq!((found.state, found.unknown_sends), (OperationState::InDoubt, 1), "asked about, and not sent (R2)");
    assert_eq!(second.store.note_senders_gone(started_at).await.unwrap(), 0, "once");
    let checked = second.store.check_rows(started_at).await.unwrap();
    assert_eq!(checked.altered, 1, "the note neither breaks a seal nor mends one: {checked:?}");
}
