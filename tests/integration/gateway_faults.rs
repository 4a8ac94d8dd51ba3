//! Every line of the list of gateway faults (money safety, section 6) as a row: what the bank does to a status and to a
//! completion, what the gateway makes of it, and that the daemon goes on and settles once the bank is sane.
//!
//! The rows are tried twice: on the gateway alone, for the class of the answer, and all at once on the real binary, for
//! what becomes of the orders and of its memory. A name service that is slow or flaps is tried beside the gateway's
//! clients (`src/gateway/transport/names.rs`): the real binary asks the host's, which no test can bend.

mod untrue;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reconciled::clock::Clock;
use reconciled::config::{Budget, Config, GatewayConfig};
use reconciled::daemon::Daemon;
use reconciled::domain::bank::{CompletionAnswer, StatusAnswer, Unknown, UnknownKind};
use reconciled::domain::money::Amount;
use reconciled::domain::operation::CompletionAmount;
use reconciled::domain::order::{NewOrder, Order, OrderId, State};
use reconciled::gateway::{Gateway, Pacer, Purpose, Wire};
use reconciled::metrics::Metrics;
use reconciled::sandbox::{Operation, Registration, Settings};
use reconciled::store::{Amendment, Store};
use reconciled::timekeeper::Timekeeper;

use crate::child::{Process, wire_order};
use crate::fixture::{HASTE, LOGIN, World, add, in_time, order, shop, wait_for, wait_for_state};
use crate::hostile::{Deed, Front, ok, response};
use crate::judge::{Promise, book_of_the_living, violations};

const AMOUNT: i64 = 10_000;
const PART: i64 = 7_000;

/// More than the daemon needs for a hundred orders, and less than any of the bodies that never end.
const MEMORY_MAX: u64 = 128 << 20;

/// What the gateway makes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// A bank view, or an acknowledgement: read as usual.
    Read,
    /// The bank's word.
    Refused,
    /// It decides nothing.
    Unknown(UnknownKind),
}

use Class::{Read, Refused, Unknown as Tells};
use UnknownKind::{Broken, Denied, HttpStatus, Maintenance, ServerError, SystemError, Throttled, Timeout, Unreadable};

/// One fault: its name, what happens on the wire, the class of a status and of a completion that met it.
struct Row {
    name: &'static str,
    deed: Deed,
    status: Class,
    completion: Class,
}

fn row(name: &'static str, deed: Deed, status: Class, completion: Class) -> Row {
    Row { name, deed, status, completion }
}

/// A fault of which neither answer tells anything.
fn nothing(name: &'static str, deed: Deed, kind: UnknownKind) -> Row {
    row(name, deed, Tells(kind), Tells(kind))
}

fn rows(elsewhere: SocketAddr) -> Vec<Row> {
    let said = |bytes: Vec<u8>| Deed::Say(bytes);
    let body = |text: &str| Deed::Say(ok(text.as_bytes()));
    let mut rows = vec![
        nothing("latency beyond the timeout, before the effect", Deed::BlackHole, Timeout),
        nothing("latency beyond the timeout, after the effect", Deed::Silence, Timeout),
        nothing("an answer that drips", Deed::Drip, Timeout),
        nothing("reset after the head", Deed::ResetAtHead, Broken),
        nothing("reset in the body", Deed::ResetInBody, Broken),
        nothing("closed without a byte", said(Vec::new()), Broken),
        nothing("bytes that are no HTTP", said(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Broken),
        nothing("HTML with 200", body("<html><body>Technical works</body></html>"), Maintenance),
        nothing("an empty body", body(""), Unreadable),
        nothing("malformed", body("{errorCode: 0}"), Unreadable),
        nothing("something after the object", Deed::Bend(|text| ok(format!("{text}{text}").as_bytes())), Unreadable),
        nothing("truncated", Deed::Bend(|text| ok(&text.as_bytes()[..text.len() / 2])), Unreadable),
        nothing("shorter than it says", Deed::Bend(cut_short), Broken),
        nothing(
            "wrong types",
            body(r#"{"errorCode":{"value":0},"orderNumber":[1],"orderStatus":"two","operations":{}}"#),
            Unreadable,
        ),
        nothing("duplicate keys", Deed::Bend(|text| with_first(text, r#""errorCode":"0","#)), Unreadable),
        nothing("nested 100 000 deep", Deed::Say(ok(deep().as_bytes())), Unreadable),
        nothing("invalid UTF-8", said(ok(b"{\"errorCode\":\"0\",\"errorMessage\":\"\xff\xfe\"}")), Unreadable),
        nothing("XML entities", body(BILLION_LAUGHS), Unreadable),
        nothing("a body of 1 GiB", Deed::Endless { head: GIBIBYTE, piece: vec![b' '; 65_536] }, Unreadable),
        nothing("chunks without end", Deed::Endless { head: CHUNKS, piece: chunk() }, Unreadable),
        nothing("headers without end", Deed::Endless { head: "HTTP/1.1 200 OK\r\n", piece: header() }, Broken),
        nothing("10 000 headers", Deed::Bend(|text| response("200 OK", &headers(10_000), text.as_bytes())), Broken),
        nothing(
            "more headers than any bank sends",
            Deed::Bend(|text| response("200 OK", &headers(62), text.as_bytes())),
            Broken,
        ),
        row("as many as may be", Deed::Bend(|text| response("200 OK", &headers(61), text.as_bytes())), Read, Read),
        nothing(
            "one header of 70 000 bytes",
            Deed::Bend(|text| response("200 OK", &long(70_000), text.as_bytes())),
            Unreadable,
        ),
        row("one of 60 000", Deed::Bend(|text| response("200 OK", &long(60_000), text.as_bytes())), Read, Read),
        nothing("a compressed bomb", said(response("200 OK", "content-encoding: gzip\r\n", &bomb())), Unreadable),
        nothing("errorCode 7 without effect", body(r#"{"errorCode":"7","errorMessage":"System error"}"#), SystemError),
        nothing("errorCode 7 with effect", Deed::Bend(|_| ok(br#"{"errorCode":"7"}"#)), SystemError),
        nothing("an errorCode nobody documents", Deed::Bend(|_| ok(br#"{"errorCode":"42"}"#)), SystemError),
        // Of the order: one of the login closes the gate for all that follow, and has tests of its own.
        row("errorCode 5", body(r#"{"errorCode":"5","errorMessage":"[orderId] is empty"}"#), Refused, Refused),
        row("errorCode 0 without effect", body(r#"{"errorCode":"0"}"#), Tells(Unreadable), Read),
        row("a byte order mark", Deed::Bend(|text| ok(format!("\u{feff}{text}").as_bytes())), Read, Read),
        row("Date an hour ahead", Deed::Bend(|text| response("200 OK", FUTURE, text.as_bytes())), Read, Read),
        row("an operation not successful", Deed::Bend(unsuccessful), Read, Tells(Unreadable)),
    ];
    for status in ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
        rows.push(nothing(status, said(response(status, "", b"<html></html>")), ServerError));
    }
    for status in ["401 Unauthorized", "403 Forbidden"] {
        rows.push(nothing(status, said(response(status, "", b"<html></html>")), Denied));
    }
    for status in ["400 Bad Request", "404 Not Found", "201 Created", "206 Partial Content"] {
        rows.push(nothing(status, said(response(status, "", br#"{"errorCode":"0"}"#)), HttpStatus));
    }
    for value in ["7", "-5", "1000000000", "garbage", "Wed, 21 Oct 2099 07:28:00 GMT", ""] {
        let header = format!("retry-after: {value}\r\n");
        rows.push(nothing("429, Retry-After", said(response("429 Too Many Requests", &header, b"")), Throttled));
    }
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let header = format!("location: http://{elsewhere}/payment/rest/autoCompletion.do\r\n");
        rows.push(nothing(status, said(response(status, &header, b"")), HttpStatus));
    }
    rows
}

const GIBIBYTE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1073741824\r\n\r\n";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
const FUTURE: &str = "date: Sun, 22 Nov 2099 02:37:00 GMT\r\n";
const BILLION_LAUGHS: &str = r#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>"#;

fn cut_short(text: &str) -> Vec<u8> {
    let mut whole = ok(text.as_bytes());
    whole.truncate(whole.len() - 1);
    whole
}

fn with_first(text: &str, field: &str) -> Vec<u8> {
    ok(text.replacen('{', &format!("{{{field}"), 1).as_bytes())
}

fn unsuccessful(text: &str) -> Vec<u8> {
    ok(text.replace(r#""successful":true"#, r#""successful":false"#).as_bytes())
}

fn deep() -> String {
    format!(r#"{{"errorCode":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000))
}

fn chunk() -> Vec<u8> {
    [b"10000\r\n".as_slice(), &b" ".repeat(65_536), b"\r\n"].concat()
}

/// So many header lines, beside the three that every answer here has.
fn headers(count: usize) -> String {
    "x-more: 1\r\n".repeat(count)
}

fn long(bytes: usize) -> String {
    format!("x-policy: {}\r\n", "x".repeat(bytes))
}

fn header() -> Vec<u8> {
    b"x-more: 0123456789012345678901234567890123456789\r\n".repeat(1_000)
}

/// A mebibyte less a little that a gzip reader would make 160 MiB of: one byte, repeated by 13 bits for every 258.
fn bomb() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.low_first(0b011, 3); // The last block, in the fixed codes.
    bits.high_first(0b0011_0000, 8); // The byte 0.
    for _ in 0..640_000 {
        bits.high_first(0b1100_0101, 8); // 258 bytes ...
        bits.high_first(0, 5); // ... that begin one byte back.
    }
    bits.high_first(0, 7); // The end of the block.
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], bits.bytes.as_slice()].concat()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        *self.bytes.last_mut().unwrap() |= u8::from(bit) << (self.used % 8);
        self.used += 1;
    }

    fn low_first(&mut self, value: u32, count: u32) {
        (0..count).for_each(|bit| self.push(value >> bit & 1 == 1));
    }

    fn high_first(&mut self, value: u32, count: u32) {
        (0..count).rev().for_each(|bit| self.push(value >> bit & 1 == 1));
    }
}

/// Where a redirect leads: nobody must ever come.
struct Elsewhere {
    address: SocketAddr,
    came: Arc<AtomicUsize>,
}

impl Elsewhere {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&came);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, came }
    }

    fn assert_untouched(&self) {
        assert_eq!(self.came.load(Ordering::SeqCst), 0, "a redirect was followed");
    }
}

/// A gateway without a daemon.
pub(crate) struct Mouth {
    gateway: Gateway,
    /// Beside the gateway's own, which keeps to what a bank asks for.
    pacer: Pacer,
    store: Store,
}

impl Mouth {
    pub(crate) fn new(world: &World, url: &str) -> Self {
        let config = world.config();
        let merchant = &config.merchants[0];
        Self::with(world, &GatewayConfig { url: url.to_owned(), ..merchant.gateway.clone() })
    }

    pub(crate) fn with(world: &World, config: &GatewayConfig) -> Self {
        let clock = Clock::host();
        let metrics = Metrics::new(&[shop()], clock.now()).unwrap();
        let timekeeper = Timekeeper::begin(clock, world.config().clock_tolerance, None);
        let budget = Budget {
            period: Duration::from_millis(1),
            burst: NonZeroU32::new(100).unwrap(),
            in_flight: NonZeroUsize::new(8).unwrap(),
            reserve: 0,
            daily: None,
        };
        let gateway = Gateway::new(shop(), config, Pacer::new(&budget), &Wire::Network, metrics, timekeeper).unwrap();
        let store = Store::open_or_create(&world.config().database).unwrap();
        Self { gateway, pacer: Pacer::new(&budget), store }
    }

    pub(crate) async fn order(&self, number: &str) -> Order {
        add(&self.store, vec![order(number, AMOUNT)]).await;
        self.store.order(&shop(), number).await.unwrap().order
    }

    pub(crate) async fn status(&self, order: &Order) -> StatusAnswer {
        self.gateway.status(order, self.pacer.permit(Purpose::Look).await).await.answer
    }

    pub(crate) async fn complete(&self, id: &str) -> CompletionAnswer {
        let permit = self.pacer.permit(Purpose::Money).await;
        self.gateway.complete(&OrderId::new(id).unwrap(), CompletionAmount::Whole, permit, async { Ok(()) }).await
    }
}

fn of_status(answer: &StatusAnswer) -> Class {
    match answer {
        StatusAnswer::Known(_) => Read,
        StatusAnswer::Refused(_) => Refused,
        StatusAnswer::Unknown(unknown) => Tells(unknown.kind),
    }
}

/// `NotSent` is no class of an answer: here a connection was made every time.
fn of_completion(answer: &CompletionAnswer) -> Class {
    match answer {
        CompletionAnswer::Acknowledged | CompletionAnswer::Itemised(_) => Read,
        CompletionAnswer::Refused(_) => Refused,
        CompletionAnswer::Unknown(unknown) => Tells(unknown.kind),
        CompletionAnswer::NotSent(why) => panic!("{why}: it may have been sent"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_class_of_an_answer_is_unknown_unless_it_can_be_read() {
    let world = World::new(Settings::default(), &HASTE.replace("quiet = \"1s\"", "quiet = \"2s\"")).await.patient("2s");
    let front = Front::start(world.bank.addr()).await;
    let elsewhere = Elsewhere::open().await;
    let mouth = Mouth::new(&world, &front.rest_url());
    for (nth, row) in rows(elsewhere.address).into_iter().enumerate() {
        let number = format!("A-{nth}");
        let id = world.register_two_phase(&number, AMOUNT);
        world.bank.bank().pay(&id).unwrap();
        let order = mouth.order(&number).await;
        front.next(Operation::Status, &number, &id, row.deed.clone());
        front.next(Operation::Completion, &number, &id, row.deed.clone());
        let (status, completion) = (mouth.status(&order).await, mouth.complete(&id).await);
        assert_eq!(of_status(&status), row.status, "{}: {status:?}", row.name);
        assert_eq!(of_completion(&completion), row.completion, "{}: {completion:?}", row.name);
    }
    elsewhere.assert_untouched();
}

/// It may break before the connector has it, when provably nothing was sent, or after, when nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_reset_when_accepted_is_never_taken_for_an_answer() {
    let world = World::new(Settings::default(), HASTE).await;
    let front = Front::start(world.bank.addr()).await;
    let mouth = Mouth::new(&world, &front.rest_url());
    let id = world.register_two_phase("A-1", AMOUNT);
    let order = mouth.order("A-1").await;
    for _ in 0..20 {
        front.reset_next_at_accept();
        let status = of_status(&mouth.status(&order).await);
        assert!([Tells(Broken), Tells(UnknownKind::Unreachable)].contains(&status), "{status:?}");
        front.reset_next_at_accept();
        let completion = mouth.complete(&id).await;
        assert!(
            matches!(completion, CompletionAnswer::NotSent(_)) || of_completion(&completion) == Tells(Broken),
            "{completion:?}"
        );
    }
    assert_eq!(world.completions("A-1"), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_connected_was_not_sent() {
    let world = World::new(Settings::default(), HASTE).await;
    // Bound and never listening: a port that is let go may be a neighbour's a moment later.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = nobody.local_addr().unwrap();
    let table = [
        ("refused", format!("http://{closed}/payment/rest/")),
        ("no such name", "https://bank.invalid/payment/rest/".to_owned()),
    ];
    for (name, url) in table {
        let mouth = Mouth::new(&world, &url);
        let order = mouth.order(&name.replace(' ', "-")).await;
        assert_eq!(of_status(&mouth.status(&order).await), Tells(UnknownKind::Unreachable), "{name}");
        let completion = mouth.complete("3ff6962a-7dcc-4283-ab50-a6d7dd3386fe").await;
        assert!(matches!(completion, CompletionAnswer::NotSent(_)), "{name}: {completion:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_whole_seconds_or_nothing() {
    let world = World::new(Settings::default(), HASTE).await;
    let front = Front::start(world.bank.addr()).await;
    let mouth = Mouth::new(&world, &front.rest_url());
    let order = mouth.order("A-1").await;
    let table = [
        ("7", Some(7)),
        (" 7 ", Some(7)),
        ("1000000000", Some(1_000_000_000)),
        ("-5", None),
        ("99999999999999999999", None),
        ("7.5", None),
        ("garbage", None),
        ("", None),
        // A date would set the bank's clock against ours.
        ("Wed, 21 Oct 2099 07:28:00 GMT", None),
    ];
    for (value, seconds) in table {
        let header = format!("retry-after: {value}\r\n");
        let bytes = response("429 Too Many Requests", &header, b"");
        front.next(Operation::Status, "A-1", "none", Deed::Say(bytes));
        let StatusAnswer::Unknown(Unknown { retry_after, .. }) = mouth.status(&order).await else { panic!("{value}") };
        assert_eq!(retry_after, seconds.map(Duration::from_secs), "{value:?}");
    }
    let pacer = mouth.gateway.pacer();
    assert!(pacer.is_throttled() && pacer.borne_per_mille() < 100, "each of them halves the rate");
}

/// Whoever sets a proxy for the whole host does not mean to hand it the shop's password.
#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_of_the_environment_is_asked() {
    let world = World::new(Settings::default(), HASTE).await;
    let proxy = Elsewhere::open().await;
    let address = format!("http://{}", proxy.address);
    let variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let environment = variables.map(|name| (name, address.as_str()));
    let config = world.config();
    let process = Process::start_with(&config.path, &environment).drained();
    admit(&world, &process, "A-1", None);
    wait_for_state(&Store::open(&config.database).unwrap(), "A-1", State::Deposited).await;
    assert_eq!(proxy.came.load(Ordering::SeqCst), 0, "the proxy was asked");
}

/// An order whose first status and first completion meet a fault, and where it ends.
struct Patient {
    name: String,
    number: String,
    id: String,
    part: Option<i64>,
    ends: State,
}

/// Every fault at once on the real binary: whole amounts are taken once, parts too or a person is called, and memory
/// stays within bounds.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_goes_on_through_every_fault_and_settles() {
    let tables = format!("{}in_flight = 8\n", HASTE.replace("quiet = \"1s\"", "quiet = \"2s\""));
    let world = World::new(Settings::default(), &tables).await.patient("2s");
    let front = Front::start(world.bank.addr()).await;
    let elsewhere = Elsewhere::open().await;
    let config = world.config_behind(&front.rest_url());
    let process = Process::start(&config.path).drained();
    let mut patients = Vec::new();
    // What Retry-After asks for is kept to, for minutes at that: the pacer's tests leap over them.
    let rows = rows(elsewhere.address).into_iter().filter(|row| row.name != "429, Retry-After");
    for (nth, row) in rows.enumerate() {
        for part in [None, Some(PART)] {
            let number = format!("{}-{nth}", if part.is_some() { "P" } else { "W" });
            let id = admit(&world, &process, &number, part);
            front.next(Operation::Status, &number, &id, row.deed.clone());
            front.next(Operation::Completion, &number, &id, row.deed.clone());
            let ends = end_of(&row, part);
            patients.push(Patient { name: format!("{}, {number}", row.name), number, id, part, ends });
        }
    }
    let store = Store::open(&config.database).unwrap();
    for Patient { name, number, id, part, ends } in &patients {
        wait_for_state(&store, number, *ends).await;
        let taken = if *ends == State::Deposited { part.unwrap_or(AMOUNT) } else { 0 };
        assert_eq!(world.bank.bank().order(id).unwrap().deposited_minor, taken, "{name}");
    }
    let told = patients.iter().map(|it| (it.number.clone(), Promise { amount: AMOUNT, part: it.part })).collect();
    let book = book_of_the_living(&config.database);
    let broken = violations(&told, &book, &world.bank.bank().ledger(), &world.bank.bank().orders());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(front.left_over(), Vec::<String>::new(), "faults that nobody met");
    assert!(process.peak_memory() < MEMORY_MAX, "{} bytes", process.peak_memory());
    elsewhere.assert_untouched();
}

/// Registers an order at the bank, pays it, and hands it over.
fn admit(world: &World, process: &Process, number: &str, part: Option<i64>) -> String {
    let bank = world.bank.bank();
    let id = bank.register(Registration::new(LOGIN, number, AMOUNT).two_phase()).unwrap().order_id;
    bank.pay(&id).unwrap();
    let mut order = wire_order(number, AMOUNT);
    if let Some(part) = part {
        order["complete_amount"] = part.into();
    }
    assert_eq!(process.post_order(&order).0, 201);
    id
}

/// A whole amount may be sent again; a part whose first request has had no effect is a person's, and so is whatever the
/// bank refused.
fn end_of(row: &Row, part: Option<i64>) -> State {
    let takes_effect = match row.deed {
        Deed::Bend(_) | Deed::ResetInBody | Deed::Drip | Deed::Silence | Deed::Pass | Deed::Later(_) => true,
        Deed::Say(_) | Deed::ResetAtHead | Deed::BlackHole | Deed::Endless { .. } | Deed::CutRequest(_) => false,
    };
    if takes_effect || (part.is_none() && row.completion != Refused) { State::Deposited } else { State::Review }
}

/// After an outage everything overdue is looked at once before anything is looked at twice, and as fast as the budget
/// allows.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_worked_off_in_as_many_requests_as_it_has_orders() {
    const BACKLOG: usize = 300;
    // One at a time and patient, so that requests arrive as they were sent, also on a busy machine.
    let world = World::new(Settings::default(), &HASTE.replace("in_flight = 8", "in_flight = 1")).await;
    let patient = world.toml().replace("_timeout = \"500ms\"", "_timeout = \"20s\"");
    let store = Store::open_or_create(&world.config().database).unwrap();
    let numbers: Vec<String> = (0..BACKLOG).map(|nth| format!("B-{nth}")).collect();
    for number in &numbers {
        world.register(number, AMOUNT);
    }
    let part = CompletionAmount::Exactly(Amount::new(PART).unwrap());
    let orders = numbers.iter().map(|number| NewOrder { completion: part, ..order(number, AMOUNT) });
    add(&store, orders.collect()).await;
    drop(store);

    std::fs::write(world.path(), patient.replace("quiet = \"1s\"", "quiet = \"20s\"")).unwrap();
    let daemon = Daemon::start(Config::load(&world.path()).unwrap()).await.unwrap();
    for number in &numbers {
        wait_for(daemon.store(), number, |found| found.order.view.is_some()).await;
    }
    daemon.stop().await;
    let asked = world.asked_about();
    let first_look_at_last = numbers.iter().map(|number| asked.iter().position(|it| it == number).unwrap()).max();
    let requests = first_look_at_last.unwrap() + 1;
    assert_eq!(requests, BACKLOG, "an order was looked at twice before every order was looked at once");
}
