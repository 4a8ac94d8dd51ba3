//! The journal's chain: written in whatever commits there are, it is the same; whatever is done to the file, the first
//! event that is not what was written is named, and orders go on meanwhile.

use proptest::prelude::*;
use rusqlite::types::ValueRef;

use super::*;
use crate::domain::chain::{EventHash, Head};
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::order::OrderKey;
use crate::store::writer::in_savepoint;
use crate::store::{Fault, Journal, OpenError, StoreError, Stretch, Verdict, Wrong, chain, events};

/// What a walk through the journal of `file` comes to.
fn verdict(file: &File, head: Option<Head>) -> Verdict {
    Journal::open(&file.path()).unwrap().walk(head).unwrap().finish().unwrap()
}

/// The head of a journal that is whole.
fn head(file: &File) -> Head {
    match verdict(file, None) {
        Verdict::Whole(Some(Stretch { first: 1, head })) => head,
        other => panic!("{other:?}"),
    }
}

fn at(seq: i64) -> Timestamp {
    NOW.plus(MINUTE * u32::try_from(seq - 1).unwrap())
}

fn fault(seq: i64, wrong: Wrong) -> Verdict {
    Verdict::Broken(Fault { seq, at: Some(at(seq)), wrong })
}

fn missing(seq: i64, until: i64) -> Verdict {
    Verdict::Broken(Fault { seq, at: (seq > 1).then(|| at(seq - 1)), wrong: Wrong::Missing { until } })
}

const BEGINNING: Verdict = Verdict::Broken(Fault { seq: 0, at: None, wrong: Wrong::Beginning });

/// A journal of six events, a minute and an order apart.
async fn six() -> (File, Store) {
    let file = File::new();
    let store = file.open();
    for seq in 1..=6 {
        store.add_orders(vec![new_order(&format!("A-{seq}"))], Cause::Shop, at(seq)).await.unwrap();
    }
    (file, store)
}

/// A connection that goes around the store, and waits for no disk.
fn unsynced(file: &File) -> Connection {
    let raw = file.raw();
    raw.pragma_update(None, "synchronous", "OFF").unwrap();
    raw
}

/// Another file with the same in it.
fn copy_of(file: &File) -> File {
    let copy = File::new();
    unsynced(file).execute("VACUUM INTO ?1", [copy.path().to_str().unwrap()]).unwrap();
    std::fs::copy(keys::path_of(&file.path()), keys::path_of(&copy.path())).unwrap();
    copy
}

/// As somebody who has the file and means it: no trigger and no check is in the way.
fn tamper(file: &File, sql: &str) {
    let raw = unsynced(file);
    raw.execute_batch(
        "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_deleted;
         DROP TRIGGER journal_chain_is_not_changed; DROP TRIGGER journal_chain_is_not_deleted;
         PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0",
    )
    .unwrap();
    raw.execute_batch(sql).unwrap();
}

const INSERT: &str = "INSERT INTO events (seq, at_ms, order_key, kind, cause, state_before, state_after, detail)";

/// Exchanges events `a` and `b`.
fn swap(table: &str, a: i64, b: i64) -> String {
    format!(
        "UPDATE {table} SET seq = -1 WHERE seq = {a}; UPDATE {table} SET seq = {a} WHERE seq = {b};
         UPDATE {table} SET seq = {b} WHERE seq = -1;"
    )
}

#[tokio::test]
async fn whatever_is_done_to_the_journal_its_first_wrong_event_is_named_and_stays_so() {
    let (last_and_link, gone) =
        ("DELETE FROM events WHERE seq = 6; DELETE FROM journal_chain WHERE seq = 6", "zeroblob(32)");
    let moved_up = format!(
        "UPDATE events SET seq = -seq - 1 WHERE seq >= 3; UPDATE events SET seq = -seq WHERE seq < 0;
         {INSERT} VALUES (3, {}, 1, 'released', 'shop', 'held', 'held', 'put in')",
        at(3).as_millis()
    );
    let appended =
        format!("{INSERT} VALUES (7, {}, 1, 'released', 'shop', 'held', 'held', 'put in')", at(7).as_millis());
    let before = format!("{INSERT} VALUES (0, {}, 1, 'released', 'shop', 'held', 'held', 'put in')", at(1).as_millis());
    let out_of_order = |stands_at| Wrong::OutOfOrder { stands_at };
    let later = Verdict::Broken(Fault { seq: 3, at: Some(at(4)), wrong: Wrong::Altered });
    let table = [
        ("UPDATE events SET at_ms = at_ms + 60000 WHERE seq = 3".to_owned(), later),
        ("UPDATE events SET order_key = 1 WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET kind = 'released' WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET cause = 'look' WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET state_before = 'held' WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET state_after = 'held' WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET detail = detail || ' ' WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET detail = CAST(x'ff' AS TEXT) WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET cause = kind, kind = cause WHERE seq = 3".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET detail = '' WHERE seq IN (3, 5)".to_owned(), fault(3, Wrong::Altered)),
        ("UPDATE events SET detail = '' WHERE seq = 1".to_owned(), fault(1, Wrong::Altered)),
        ("UPDATE events SET detail = '' WHERE seq = 6".to_owned(), fault(6, Wrong::Altered)),
        ("UPDATE events SET seq = 99 WHERE seq = 3".to_owned(), missing(3, 3)),
        ("DELETE FROM events WHERE seq = 3".to_owned(), missing(3, 3)),
        ("DELETE FROM events WHERE seq IN (3, 4)".to_owned(), missing(3, 4)),
        ("DELETE FROM events WHERE seq = 1".to_owned(), missing(1, 1)),
        ("DELETE FROM events WHERE seq = 6".to_owned(), missing(6, 6)),
        ("DELETE FROM events WHERE seq >= 5".to_owned(), missing(5, 6)),
        ("DELETE FROM events".to_owned(), missing(1, 6)),
        ("DELETE FROM events; DELETE FROM journal_chain WHERE seq > 0".to_owned(), missing(1, 6)),
        (last_and_link.to_owned(), missing(6, 6)),
        (format!("{last_and_link}; DELETE FROM sqlite_sequence WHERE name = 'orders'"), missing(6, 6)),
        (swap("events", 3, 4), Verdict::Broken(Fault { seq: 3, at: Some(at(4)), wrong: out_of_order(4) })),
        (swap("events", 2, 5), Verdict::Broken(Fault { seq: 2, at: Some(at(5)), wrong: out_of_order(5) })),
        (
            swap("events", 2, 5) + &swap("journal_chain", 2, 5),
            Verdict::Broken(Fault { seq: 2, at: Some(at(5)), wrong: out_of_order(5) }),
        ),
        (swap("journal_chain", 2, 5), fault(2, Wrong::HashAltered)),
        (moved_up, fault(3, out_of_order(4))),
        (appended, fault(7, Wrong::NotChained)),
        (before, Verdict::Broken(Fault { seq: 0, at: Some(at(1)), wrong: Wrong::NotChained })),
        (format!("UPDATE journal_chain SET hash = {gone} WHERE seq = 3"), fault(3, Wrong::HashAltered)),
        ("UPDATE journal_chain SET hash = x'00' WHERE seq = 3".to_owned(), fault(3, Wrong::HashAltered)),
        (format!("UPDATE journal_chain SET hash = {gone} WHERE seq = 6"), fault(6, Wrong::Altered)),
        ("DELETE FROM journal_chain WHERE seq = 3".to_owned(), fault(3, Wrong::NotChained)),
        ("DELETE FROM journal_chain WHERE seq = 6".to_owned(), fault(6, Wrong::NotChained)),
        ("DELETE FROM journal_chain".to_owned(), BEGINNING),
        ("UPDATE journal_chain SET hash = randomblob(32) WHERE seq = 0".to_owned(), BEGINNING),
        ("DELETE FROM journal_chain WHERE seq = 0".to_owned(), BEGINNING),
        ("INSERT INTO journal_chain VALUES (-1, randomblob(32))".to_owned(), BEGINNING),
        ("DELETE FROM events WHERE seq <= 2; DELETE FROM journal_chain WHERE seq < 2".to_owned(), missing(1, 2)),
    ];
    let (sound, _store) = six().await;
    for (sql, expected) in table {
        let file = copy_of(&sound);
        tamper(&file, &sql);
        assert_eq!(verdict(&file, None), expected, "{sql}");
        let later = ["later", "later still"].map(new_order).into();
        file.open().add_orders(later, Cause::Shop, at(9)).await.unwrap();
        assert_eq!(verdict(&file, None), expected, "{sql}: then orders came");
    }
}

/// Where the end was cut off with all that the file has to tell it by, only a head from elsewhere does.
#[tokio::test]
async fn a_head_that_was_written_down_tells_what_the_file_alone_cannot() {
    let (file, store) = six().await;
    let head_of_six = head(&file);
    assert_eq!(head_of_six.seq, 6);
    assert!(matches!(verdict(&file, Some(head_of_six)), Verdict::Whole(Some(_))));
    let other = Head { hash: EventHash::new([7; 32]), ..head_of_six };
    assert_eq!(verdict(&file, Some(other)), fault(6, Wrong::HeadDiffers { found: head_of_six.hash }));
    assert_eq!(verdict(&file, Some(Head { seq: 9, ..head_of_six })), missing(7, 9));

    tamper(
        &file,
        "DELETE FROM events WHERE seq > 4; DELETE FROM journal_chain WHERE seq > 4;
         UPDATE sqlite_sequence SET seq = 4 WHERE name = 'events'",
    );
    assert_eq!(head(&file).seq, 4);
    assert_eq!(verdict(&file, Some(head_of_six)), missing(5, 6));
    for number in ["B-5", "B-6"] {
        store.add_orders(vec![new_order(number)], Cause::Shop, at(6)).await.unwrap();
    }
    let made_anew = head(&file);
    assert_eq!(made_anew.seq, 6);
    assert_eq!(verdict(&file, Some(head_of_six)), fault(6, Wrong::HeadDiffers { found: made_anew.hash }));
}

/// The limit of it, so that nobody takes it for more: there is no key in the chain.
#[tokio::test]
async fn whoever_makes_the_whole_chain_anew_is_found_by_a_head_from_elsewhere_alone() {
    let (file, _store) = six().await;
    let before = head(&file);
    tamper(&file, "UPDATE events SET detail = 'never happened' WHERE seq = 2; DELETE FROM journal_chain WHERE seq > 0");
    let raw = file.raw();
    let mut statement = raw.prepare(&format!("SELECT {} FROM events ORDER BY seq", chain::columns())).unwrap();
    let (mut found, mut last) = (statement.query([]).unwrap(), EventHash::ORIGIN);
    while let Some(row) = found.next().unwrap() {
        last = chain::hash(&last, &chain::values(row).unwrap());
        let link = (row.get::<_, i64>(0).unwrap(), last.as_bytes());
        raw.execute("INSERT INTO journal_chain (seq, hash) VALUES (?1, ?2)", link).unwrap();
    }
    assert_eq!(head(&file), Head { hash: last, ..before });
    assert_eq!(verdict(&file, Some(before)), fault(6, Wrong::HeadDiffers { found: last }));
}

/// Computed by another program from what the documentation says: whoever checks a journal by it comes to the same.
#[tokio::test]
async fn a_hash_is_what_the_documentation_says() {
    let file = File::new();
    let store = file.open();
    added(&store, "A-1").await;
    assert_eq!(head(&file).to_string(), "1:9d8252bd8e7edabf28bf3719cb1ffd2be17cc77b5f2047d5dc8db5506229c76a");
    let second = store.add_orders(vec![new_order("A-2")], Cause::Operator("Мария".to_owned()), NOW.plus(MINUTE));
    second.await.unwrap();
    assert_eq!(head(&file).to_string(), "2:a599b9c313b1854a57f8c10ca01dbe59a45b64403e585c64115941ee20123988");
}

/// What one change tells, and whether it is taken back.
#[derive(Clone, Debug)]
struct Change {
    events: usize,
    fails: bool,
}

/// Writes each of `commits` in a transaction, which is taken back as a whole where its flag says so.
async fn write(store: &Store, order: OrderKey, commits: &[(Vec<Change>, bool)]) {
    let mut told = 0;
    for (changes, fails) in commits.iter().cloned() {
        let written = store.writer.write(move |connection| {
            let mut kept = told;
            for change in changes {
                let details = (kept..kept + change.events).map(|nth| event(&format!("the event {nth}")));
                let details: Vec<NewEvent> = details.collect();
                let done = in_savepoint(connection, |connection| {
                    events::append(connection, order, NOW, &details)?;
                    if change.fails { Err(StoreError::Stopped) } else { Ok(()) }
                });
                kept += if done.is_ok() { change.events } else { 0 };
            }
            if fails { Err(StoreError::Stopped) } else { Ok(kept) }
        });
        told = written.await.unwrap_or(told);
    }
}

fn event(detail: &str) -> NewEvent {
    let (before, after) = (State::Pending, State::Pending);
    NewEvent { kind: EventKind::Parked, cause: Cause::Shop, before, after, detail: detail.to_owned() }
}

/// How many events are left of `commits`.
fn left(commits: &[(Vec<Change>, bool)]) -> usize {
    let changes = commits.iter().filter(|(_, fails)| !fails).flat_map(|(changes, _)| changes);
    changes.filter(|change| !change.fails).map(|change| change.events).sum()
}

/// The head of a new journal with `commits` in it.
fn head_of(commits: &[(Vec<Change>, bool)]) -> Head {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let file = File::new();
        let store = file.open();
        let order = added(&store, "A-1").await;
        write(&store, order.key, commits).await;
        head(&file)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn however_events_are_grouped_and_whatever_is_taken_back_the_head_is_the_same(
        commits in prop::collection::vec(
            (prop::collection::vec((0..4_usize, prop::bool::weighted(0.3)), 0..5), prop::bool::weighted(0.2)),
            0..6,
        ),
    ) {
        let change = |(events, fails)| Change { events, fails };
        let commits: Vec<(Vec<Change>, bool)> =
            commits.into_iter().map(|(changes, fails)| (changes.into_iter().map(change).collect(), fails)).collect();
        let at_once = vec![(vec![Change { events: left(&commits), fails: false }], false)];
        prop_assert_eq!(head_of(&commits), head_of(&at_once));
    }
}

/// A journal of a file from before there was a chain, so long that it takes more than one batch.
async fn of_earlier_version() -> (File, Lock) {
    let (file, store) = six().await;
    drop(store);
    let raw = file.raw();
    raw.execute_batch("DROP TABLE journal_chain; PRAGMA user_version = 16").unwrap();
    raw.execute_batch(
        "WITH RECURSIVE nth(n) AS (SELECT 7 UNION ALL SELECT n + 1 FROM nth WHERE n < 2500)
         INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
         SELECT n, 1 + n % 6, 'parked', 'shop', 'pending', 'pending', 'event ' || n FROM nth",
    )
    .unwrap();
    let lock = Lock::take(&file.path(), "a daemon").unwrap();
    (file, lock)
}

/// The head that a journal must have, computed at once from its rows.
fn head_by_rows(file: &File) -> Head {
    let raw = file.raw();
    let mut statement = raw.prepare(&format!("SELECT {} FROM events ORDER BY seq", chain::columns())).unwrap();
    let (mut found, mut head) = (statement.query([]).unwrap(), Head { seq: 0, hash: EventHash::ORIGIN });
    while let Some(row) = found.next().unwrap() {
        let values = chain::values(row).unwrap();
        head = Head { seq: row.get(0).unwrap(), hash: chain::hash(&head.hash, &values) };
    }
    head
}

#[tokio::test]
async fn a_journal_of_an_earlier_version_is_chained_while_the_daemon_works_and_after_a_crash_from_where_it_was() {
    let (file, lock) = of_earlier_version().await;
    assert!(matches!(Journal::open(&file.path()), Err(OpenError::Outdated { found: 16, .. })));
    let daemon = Store::open_under(&lock, &file.path(), NOW).unwrap();
    assert_eq!(verdict(&file, None), Verdict::Unfinished { chained: 0, last: 2_500 });
    // Work goes on: what comes now has to wait for what was there before.
    added(&daemon, "meanwhile").await;
    assert_eq!(verdict(&file, None), Verdict::Unfinished { chained: 0, last: 2_501 });
    assert_eq!(daemon.writer.write(chain::chain_batch).await.unwrap(), 1_000);
    assert_eq!(verdict(&file, None), Verdict::Unfinished { chained: 1_000, last: 2_501 });
    drop((daemon, lock));

    let lock = Lock::take(&file.path(), "the next daemon").unwrap();
    let daemon = Store::open_under(&lock, &file.path(), NOW).unwrap();
    let beside = file.open();
    added(&beside, "at the command line").await;
    assert_eq!(daemon.chain_backlog().await.unwrap(), 1_502);
    assert_eq!(head(&file), head_by_rows(&file));
    assert_eq!(daemon.chain_backlog().await.unwrap(), 0);
    for (store, number) in [(&daemon, "B-1"), (&beside, "B-2")] {
        added(store, number).await;
        assert_eq!(head(&file), head_by_rows(&file));
    }
    assert_eq!(head(&file).seq, 2_504);
}

/// While old events wait for their links, one that is altered among those that have theirs is named all the same.
#[tokio::test]
async fn what_is_chained_of_a_journal_of_an_earlier_version_is_guarded_already() {
    let (file, lock) = of_earlier_version().await;
    let daemon = Store::open_under(&lock, &file.path(), NOW).unwrap();
    daemon.writer.write(chain::chain_batch).await.unwrap();
    tamper(&file, "UPDATE events SET detail = '' WHERE seq IN (6, 1500)");
    assert_eq!(verdict(&file, None), fault(6, Wrong::Altered));
    file.raw().execute("UPDATE events SET detail = 'entered the queue' WHERE seq = 6", []).unwrap();
    assert_eq!(verdict(&file, None), Verdict::Unfinished { chained: 1_000, last: 2_500 });
}

/// Nobody waits for it and it waits for nobody: another process is in the middle of a change.
#[tokio::test]
async fn a_walk_sees_what_is_committed_and_writes_nothing() {
    let (file, store) = six().await;
    let head_of_six = head(&file);
    let raw = file.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    raw.execute_batch(&format!("{INSERT} VALUES (7, 1, 1, 'released', 'shop', 'held', 'held', 'not committed')"))
        .unwrap();
    let journal = Journal::open(&file.path()).unwrap();
    let mut walk = journal.walk(None).unwrap();
    raw.execute_batch("ROLLBACK").unwrap();
    // What comes after the walk has begun is left out.
    added(&store, "A-7").await;
    let whole = Verdict::Whole(Some(Stretch { first: 1, head: head_of_six }));
    assert_eq!((walk.total(), walk.step().unwrap(), walk.checked()), (6, Some(whole), 6));
    let copy = file.directory.path().join("backup.db");
    raw.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let backup = Journal::open(&copy).unwrap();
    let stretch = Stretch { first: 1, head: head(&file) };
    assert_eq!(backup.walk(Some(head_of_six)).unwrap().finish().unwrap(), Verdict::Whole(Some(stretch)));
    assert_eq!(stretch.events(), 7);
}

#[tokio::test]
async fn an_empty_journal_is_whole_and_what_is_no_database_of_ours_has_none() {
    let file = File::new();
    assert!(matches!(Journal::open(&file.path()), Err(OpenError::Missing(_))));
    let store = file.open();
    assert_eq!(verdict(&file, None), Verdict::Whole(None));
    let head = Head { seq: 1, hash: EventHash::new([1; 32]) };
    assert_eq!(verdict(&file, Some(head)), missing(1, 1));
    drop(store);
    let other = file.directory.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert!(matches!(Journal::open(&other), Err(OpenError::Schema { .. })));
}

/// The head of a day is that of the last event whose time is before the day's end, whatever the clock did in between.
#[tokio::test]
async fn a_days_head_is_that_of_its_last_event() {
    let file = File::new();
    let store = file.open();
    // In the fourth minute the clock is a day ahead, and set right afterwards.
    let minutes = [1, 2, 2, 3, 1_444, 5, 6];
    let mut hashes = Vec::new();
    for (nth, minute) in minutes.into_iter().enumerate() {
        let orders = vec![new_order(&format!("A-{nth}"))];
        store.add_orders(orders, Cause::Shop, NOW.plus(MINUTE * minute)).await.unwrap();
        hashes.push(head(&file));
    }
    let table =
        [(0, None), (1, None), (2, Some(0)), (3, Some(2)), (4, Some(3)), (5, Some(3)), (6, Some(5)), (1_500, Some(6))];
    for (until, expected) in table {
        let date = jiff::civil::date(2026, 11, 20);
        let day = crate::domain::calendar::BusinessDay { date, from: NOW, until: NOW.plus(MINUTE * until) };
        let found = store.day_books(&shop(), &day).await.unwrap().head;
        assert_eq!(found, expected.map(|nth: usize| hashes[nth]), "until minute {until}");
    }
}

#[test]
fn every_value_of_an_event_is_part_of_its_hash() {
    let event = [1, 2, 3].map(ValueRef::Integer).into_iter().chain(["a", "b", "c", "d", "e"].map(ValueRef::from));
    let event: Vec<ValueRef<'_>> = event.collect();
    let of = |event: &[ValueRef<'_>]| chain::hash(&EventHash::ORIGIN, event.try_into().unwrap());
    for place in 0..event.len() {
        let mut other = event.clone();
        other[place] = ValueRef::Integer(9);
        assert_ne!(of(&other), of(&event), "{place}");
    }
    assert_ne!(
        chain::hash(&of(&event), event[..].try_into().unwrap()),
        of(&event),
        "nor is the hash before it left out"
    );
}
