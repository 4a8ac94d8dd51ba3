//! The checker: what clients were told, our database and the bank's ledger, held against each other.
//!
//! Every check gives a sentence for each order that breaks it; a right history gives none. The bank's ledger is the
//! judge: what it does not hold did not happen. The database is read from a copy, so that the daemon that starts next
//! finds its files as the last one left them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use reconciled::sandbox::{AnswerClass, Effect, EffectEntry, Entry, LedgerLine, Operation, OrderView, RequestEntry};
use reconciled::store::{Journal, Verdict};
use rusqlite::{Connection, OpenFlags, Row};

/// What a shop was told is recorded: its completion takes `intended` minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) amount: i64,
    /// `Some` when less than the whole is to be taken.
    pub(crate) part: Option<i64>,
}

/// An order's rows, as far as money is concerned.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) amount: i64,
    pub(crate) part: Option<i64>,
    pub(crate) state: String,
    pub(crate) review: Option<String>,
    pub(crate) next_look_at_ms: Option<i64>,
    pub(crate) operation: Option<KeptOperation>,
    /// When each send was written down.
    pub(crate) sent_at_ms: Vec<i64>,
}

/// The latest operation of an order.
#[derive(Debug)]
pub(crate) struct KeptOperation {
    pub(crate) state: String,
    pub(crate) part: Option<i64>,
    pub(crate) expected: Option<i64>,
    pub(crate) sent_at_ms: Option<i64>,
    /// Why it waits, for whoever reads a failed test.
    pub(crate) note: Option<String>,
}

impl Kept {
    /// At an end, or in a person's hands, with nothing left to be found out.
    pub(crate) fn is_settled(&self) -> bool {
        let ended = ["deposited", "reversed", "refunded", "declined"].contains(&self.state.as_str());
        let open = self.operation.as_ref().is_some_and(KeptOperation::is_open);
        (ended && !open) || self.state == "review"
    }
}

impl KeptOperation {
    pub(crate) fn is_open(&self) -> bool {
        self.state == "intended" || self.state == "in_doubt"
    }
}

/// The book of a daemon that is not running, by order number.
pub(crate) fn book_of_the_dead(database: &Path) -> HashMap<String, Kept> {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{suffix}", database.display()));
        if from.exists() {
            std::fs::copy(&from, format!("{}{suffix}", copy.display())).unwrap();
        }
    }
    let connection = Connection::open(&copy).unwrap();
    // Killed before its first start had made the tables: nobody was told anything.
    if !connection.table_exists(None, "orders").unwrap() {
        return HashMap::new();
    }
    let journal = Journal::open(&copy).unwrap().walk(None).unwrap().finish().unwrap();
    assert!(matches!(journal, Verdict::Whole(_)), "{journal:?}");
    read_book(&connection)
}

/// The book of a daemon that runs.
pub(crate) fn book_of_the_living(database: &Path) -> HashMap<String, Kept> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    read_book(&connection)
}

/// Everything is read in one transaction, so that rows and events agree.
fn read_book(connection: &Connection) -> HashMap<String, Kept> {
    connection.execute_batch("BEGIN").unwrap();
    let mut orders = connection
        .prepare(
            "SELECT o.id, o.order_number, o.amount_minor, o.complete_amount_minor, o.state, o.review_code,
                    o.next_look_at_ms, p.state, p.amount_minor, p.expected_minor, p.sent_at_ms, p.note
             FROM orders o
             LEFT JOIN operations p ON p.id = (SELECT max(id) FROM operations WHERE order_key = o.id AND kind = 'completion')",
        )
        .unwrap();
    let mut sends: HashMap<i64, Vec<i64>> = HashMap::new();
    let mut events =
        connection.prepare("SELECT order_key, at_ms FROM events WHERE kind = 'completion_sent' ORDER BY seq").unwrap();
    for sent in events.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap() {
        let (order, at_ms) = sent.unwrap();
        sends.entry(order).or_default().push(at_ms);
    }
    let found = orders.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, kept(row)?))).unwrap();
    let with_sends = |found: rusqlite::Result<(i64, String, Kept)>| {
        let (id, number, kept) = found.unwrap();
        (number, Kept { sent_at_ms: sends.remove(&id).unwrap_or_default(), ..kept })
    };
    found.map(with_sends).collect()
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let operation = row.get::<_, Option<String>>(7)?.map(|state| {
        Ok::<_, rusqlite::Error>(KeptOperation {
            state,
            part: row.get(8)?,
            expected: row.get(9)?,
            sent_at_ms: row.get(10)?,
            note: row.get(11)?,
        })
    });
    Ok(Kept {
        amount: row.get(2)?,
        part: row.get(3)?,
        state: row.get(4)?,
        review: row.get(5)?,
        next_look_at_ms: row.get(6)?,
        operation: operation.transpose()?,
        sent_at_ms: Vec::new(),
    })
}

/// What the bank's ledger holds of one order.
#[derive(Debug, Default)]
struct AtBank {
    /// When each completion request arrived, and what it asked for; 0 is the whole hold.
    asked: Vec<(i64, Option<i64>)>,
    /// What each completion took.
    taken: Vec<i64>,
}

fn at_bank(ledger: &[LedgerLine]) -> HashMap<&str, AtBank> {
    let mut orders: HashMap<&str, AtBank> = HashMap::new();
    for line in ledger {
        match &line.entry {
            Entry::Request(request) if request.operation == Operation::Completion => {
                let number = request.order_number.as_deref().unwrap_or("an order that the bank does not know");
                orders.entry(number).or_default().asked.push((line.at_ms, request.asked_minor));
            }
            Entry::Effect(effect) if effect.effect == Effect::Completed => {
                orders.entry(&effect.order_number).or_default().taken.push(effect.amount_minor);
            }
            Entry::Request(_) | Entry::Effect(_) => {}
        }
    }
    orders
}

/// Every sentence is a broken promise.
pub(crate) fn violations(
    told: &HashMap<String, Promise>,
    book: &HashMap<String, Kept>,
    ledger: &[LedgerLine],
    orders: &[OrderView],
) -> Vec<String> {
    let mut found = Vec::new();
    for (number, promise) in told {
        match book.get(number) {
            None => found.push(format!("{number}: acknowledged, and lost")),
            Some(kept) if (kept.amount, kept.part) != (promise.amount, promise.part) => {
                found.push(format!("{number}: {promise:?} was acknowledged, {kept:?} is kept"));
            }
            Some(_) => {}
        }
    }
    for (number, at_bank) in at_bank(ledger) {
        match book.get(number) {
            None => found.push(format!("{number}: the bank was asked to complete what we do not know: {at_bank:?}")),
            Some(kept) => found.extend(of_money(kept, &at_bank).map(|words| format!("{number}: {words}; {kept:?}"))),
        }
    }
    let deposited: HashMap<&str, i64> =
        orders.iter().map(|order| (order.order_number.as_str(), order.deposited_minor)).collect();
    for (number, kept) in book {
        found.extend(
            of_words(kept, deposited.get(number.as_str()).copied()).map(|words| format!("{number}: {words}; {kept:?}")),
        );
    }
    found
}

/// What was asked of the bank and what it did, against what was written before.
fn of_money<'a>(kept: &'a Kept, at_bank: &'a AtBank) -> impl Iterator<Item = String> + 'a {
    let intended = kept.part.unwrap_or(kept.amount);
    let wire = kept.part.unwrap_or(0);
    // Each request needs a send of its own that was written down before it arrived.
    let unwritten = at_bank.asked.iter().enumerate().filter_map(move |(nth, (at_ms, asked))| {
        let written = kept.sent_at_ms.get(nth).is_some_and(|sent_at_ms| sent_at_ms <= at_ms);
        (!written || *asked != Some(wire))
            .then(|| format!("completion request {} for {asked:?} joins no written intent", nth + 1))
    });
    let sum: i64 = at_bank.taken.iter().sum();
    let checks = [
        (at_bank.taken.len() > 1, "more than one effect"),
        (sum > intended, "more was taken than was intended"),
        (kept.part.is_some() && at_bank.asked.len() > 1, "a part was sent again"),
    ];
    unwritten.chain(checks.into_iter().filter(|(broken, _)| *broken).map(|(_, words)| words.to_owned()))
}

/// What our book says, against what the bank has.
fn of_words(kept: &Kept, deposited: Option<i64>) -> impl Iterator<Item = String> {
    let operation = kept.operation.as_ref();
    let confirmed = operation.is_some_and(|operation| operation.state == "confirmed");
    let as_intended = operation.is_some_and(|operation| operation.expected == deposited && operation.part == kept.part);
    let ended = ["deposited", "reversed", "refunded", "declined"].contains(&kept.state.as_str());
    let checks = [
        (confirmed && !as_intended, "confirmed, and the bank has another sum"),
        (kept.state == "deposited" && deposited == Some(0), "deposited in our book alone"),
        (!ended && kept.next_look_at_ms.is_none(), "neither at an end nor due"),
        (kept.state == "review" && kept.review.is_none(), "in review without a reason"),
    ];
    checks.into_iter().filter(|(broken, _)| *broken).map(|(_, words)| words.to_owned())
}

/// What the judge calls it, and how it comes to be.
type Broken = (&'static str, fn(&mut History));

/// A judge that notices nothing proves nothing: one right history, and what each wrong one is called.
#[test]
fn every_broken_promise_is_noticed() {
    let right = History::right();
    assert_eq!(right.judged(), Vec::<String>::new());
    let table: [Broken; 11] = [
        ("acknowledged, and lost", |it| it.book.clear()),
        ("was acknowledged", |it| it.kept().amount = 1),
        ("what we do not know", |it| it.ledger.push(request(7_000, 3_000, "B-1"))),
        ("request 1 for Some(0) joins no written intent", |it| it.ledger[0] = request(2_000, 0, "A-1")),
        ("request 1 for Some(7001) joins no written intent", |it| it.ledger[0] = request(2_000, 7_001, "A-1")),
        ("request 1 for Some(7000) joins no written intent", |it| it.kept().sent_at_ms = vec![2_001]),
        ("request 2 for Some(7000) joins no written intent", |it| it.ledger.push(request(3_000, 7_000, "A-1"))),
        ("a part was sent again", |it| {
            it.kept().sent_at_ms.push(2_500);
            it.ledger.push(request(3_000, 7_000, "A-1"));
        }),
        ("more than one effect", |it| it.ledger.push(effect(7_000))),
        ("more was taken than was intended", |it| it.ledger[1] = effect(7_001)),
        ("neither at an end nor due", |it| it.kept().state = "held".to_owned()),
    ];
    for (words, break_it) in table {
        let mut history = History::right();
        break_it(&mut history);
        let found = history.judged();
        assert!(found.iter().any(|found| found.contains(words)), "{words}: {found:?}");
    }
    assert!(History { deposited: 7_001, ..History::right() }.judged()[0].contains("the bank has another sum"));
    assert!(History { deposited: 0, ..History::right() }.judged().iter().any(|it| it.contains("in our book alone")));
}

struct History {
    book: HashMap<String, Kept>,
    ledger: Vec<LedgerLine>,
    deposited: i64,
}

impl History {
    /// 7 000 of 10 000 were to be taken, once, and were.
    fn right() -> Self {
        let operation = KeptOperation {
            state: "confirmed".to_owned(),
            part: Some(7_000),
            expected: Some(7_000),
            sent_at_ms: Some(1_999),
            note: None,
        };
        let kept = Kept {
            amount: 10_000,
            part: Some(7_000),
            state: "deposited".to_owned(),
            review: None,
            next_look_at_ms: None,
            operation: Some(operation),
            sent_at_ms: vec![1_999],
        };
        let ledger = vec![request(2_000, 7_000, "A-1"), effect(7_000)];
        Self { book: [("A-1".to_owned(), kept)].into(), ledger, deposited: 7_000 }
    }

    fn kept(&mut self) -> &mut Kept {
        self.book.get_mut("A-1").unwrap()
    }

    fn judged(&self) -> Vec<String> {
        let told = [("A-1".to_owned(), Promise { amount: 10_000, part: Some(7_000) })].into();
        let order = OrderView {
            order_id: "id".to_owned(),
            order_number: "A-1".to_owned(),
            login: "shop".to_owned(),
            amount_minor: 10_000,
            currency: "643",
            two_phase: true,
            status: 2,
            approved_minor: 10_000,
            deposited_minor: self.deposited,
            refunded_minor: 0,
            points_approved: 0,
            points_deposited: 0,
            points_refunded: 0,
            charged_back: false,
            deposits: 1,
            refunds: 0,
            failed_attempts: 0,
            registered_at_ms: 0,
            paid_at_ms: None,
            runs_out_at_ms: None,
            ended_at_ms: None,
        };
        violations(&told, &self.book, &self.ledger, &[order])
    }
}

fn request(at_ms: i64, asked_minor: i64, number: &str) -> LedgerLine {
    let entry = Entry::Request(RequestEntry {
        operation: Operation::Completion,
        order_id: None,
        order_number: Some(number.to_owned()),
        login: None,
        asked_minor: Some(asked_minor),
        answer: AnswerClass::Ok,
        error_code: None,
        took_effect: None,
        fault: None,
    });
    LedgerLine { seq: 0, at_ms, entry }
}

fn effect(amount_minor: i64) -> LedgerLine {
    let entry = Entry::Effect(EffectEntry {
        effect: Effect::Completed,
        order_id: "id".to_owned(),
        order_number: "A-1".to_owned(),
        amount_minor,
        request: Some(1),
    });
    LedgerLine { seq: 0, at_ms: 2_000, entry }
}
