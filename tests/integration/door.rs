//! What comes in at the door, and who is not let in: callbacks, discovery, a login that the bank refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reconciled::clock::Clock;
use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::event::{Cause, EventKind as Kind};
use reconciled::domain::order::State;
use reconciled::sandbox::Settings;
use reconciled::store::Store;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::child::{Process, says};
use crate::fixture::{HASTE, World, add, in_time, kinds, order, shop, wait_for, wait_for_state};
use crate::verbs::{done, refused as refused_by_cli};

/// A bank that can be told to let nobody in; else it is the sandbox behind it.
pub(crate) struct Gatekeeper {
    address: std::net::SocketAddr,
    refuses: Arc<AtomicBool>,
    /// Requests that were refused.
    refused: Arc<AtomicUsize>,
}

impl Gatekeeper {
    pub(crate) async fn start(bank: std::net::SocketAddr, message: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (refuses, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (now, count) = (Arc::clone(&refuses), Arc::clone(&refused));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (now, count) = (Arc::clone(&now), Arc::clone(&count));
                tokio::spawn(converse(stream, bank, now, count, message));
            }
        });
        Self { address, refuses, refused }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/payment/rest/", self.address)
    }

    pub(crate) fn refuse(&self, refuse: bool) {
        self.refuses.store(refuse, Ordering::SeqCst);
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// One request, whole, and its answer; then the connection is closed.
async fn converse(
    mut stream: TcpStream,
    bank: std::net::SocketAddr,
    refuses: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    message: &str,
) {
    let Some(request) = read_whole(&mut stream).await else { return };
    if refuses.load(Ordering::SeqCst) {
        count.fetch_add(1, Ordering::SeqCst);
        let body = format!("{{\"errorCode\":\"5\",\"errorMessage\":\"{message}\"}}");
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        return;
    }
    pass_on(stream, bank, &request).await;
}

/// One request; `None` where it breaks off.
pub(crate) async fn read_whole(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            body.len() >= length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
        });
        if whole {
            return Some(String::from_utf8(request).unwrap());
        }
        if read == 0 {
            return None;
        }
    }
}

/// Hands a request on to the bank, and its answer back.
pub(crate) async fn pass_on(mut stream: TcpStream, bank: std::net::SocketAddr, request: &str) {
    let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let mut behind = TcpStream::connect(bank).await.unwrap();
    behind.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = behind.read_to_end(&mut answer).await;
    let _ = stream.write_all(&answer).await;
}

/// One look at a time, so that what is in flight with the refused one does not blur the count.
fn one_at_a_time() -> String {
    HASTE.replace("in_flight = 8", "in_flight = 1")
}

async fn refused(daemon: &Daemon) {
    is_refused(daemon.store()).await;
}

pub(crate) async fn get(daemon: &Daemon, path: &str) -> String {
    let mut stream = TcpStream::connect(daemon.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Time for looks that come every tenth of a second to come, if they came.
pub(crate) async fn a_while() {
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
}

pub(crate) fn with_password(world: &World, gateway: &Gatekeeper, password: &str) -> Config {
    let text = world.toml().replace(&world.bank.rest_url(), &gateway.url());
    std::fs::write(world.path(), text.replace("public = \"any\"", &format!("public = \"{password}\""))).unwrap();
    Config::load(&world.path()).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_used_no_more_until_its_credentials_are_others() {
    let world = World::new(Settings::default(), &one_at_a_time()).await;
    let bank = Gatekeeper::start(world.bank.addr(), "Access denied").await;
    let config = with_password(&world, &bank, "old");
    bank.refuse(true);
    let daemon = Daemon::start(config.clone()).await.unwrap();
    for number in ["A-1", "A-2", "A-3"] {
        world.register(number, 10_000);
        add(daemon.store(), vec![order(number, 10_000)]).await;
    }
    refused(&daemon).await;
    a_while().await;
    assert_eq!(bank.refused(), 1, "one request was refused, and none came after it");
    // No state changes by it, and what is due stays due.
    for number in ["A-1", "A-2", "A-3"] {
        let found = daemon.store().order(&shop(), number).await.unwrap().order;
        assert_eq!((found.state, kinds(daemon.store(), &found).await), (State::Pending, vec![Kind::Added]));
    }
    daemon.stop().await;

    // Not by a restart either, nor by a reload that changes something else.
    let mut daemon = Daemon::start(config).await.unwrap();
    let reloaded = with_password(&world, &bank, "old");
    let other = Config { merchants: reloaded.merchants.iter().cloned().map(faster).collect(), ..reloaded };
    daemon.reload(other).await.unwrap();
    a_while().await;
    assert_eq!(bank.refused(), 1, "refused after a restart");

    // Other credentials are tried, and the old ones not once more.
    bank.refuse(false);
    daemon.reload(with_password(&world, &bank, "new")).await.unwrap();
    wait_for(daemon.store(), "A-3", |found| found.order.view.is_some()).await;
    assert_eq!(daemon.store().login_refusal(&shop()).await.unwrap(), None);
    assert_eq!(bank.refused(), 1);
    daemon.stop().await;
}

fn faster(merchant: reconciled::config::MerchantConfig) -> reconciled::config::MerchantConfig {
    let request_timeout = std::time::Duration::from_millis(600);
    let gateway = reconciled::config::GatewayConfig { request_timeout, ..merchant.gateway };
    reconciled::config::MerchantConfig { gateway, ..merchant }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_word_lets_a_login_in_again_and_a_second_refusal_stops_it_again() {
    let world = World::new(Settings::default(), &one_at_a_time()).await;
    let bank = Gatekeeper::start(world.bank.addr(), "Пользователь должен сменить пароль").await;
    let daemon = Daemon::start(with_password(&world, &bank, "any")).await.unwrap();
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    bank.refuse(true);
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    refused(&daemon).await;
    let metrics = get(&daemon, "/metrics").await;
    assert!(metrics.contains("reconciled_login_refused{merchant=\"shop\"} 1"), "{metrics}");
    assert!(get(&daemon, "/").await.contains("reconciled login resume shop"));
    let resume = || async {
        let cause = Cause::Operator("ivan".to_owned());
        daemon
            .store()
            .resume_login(&shop(), cause, "changed at the bank".to_owned(), Clock::host().now())
            .await
            .unwrap()
    };
    assert!(resume().await.is_some_and(|lifted| lifted.words.contains("сменить")));
    let again = async {
        while bank.refused() < 2 {
            tokio::task::yield_now().await;
        }
    };
    in_time(again).await;
    refused(&daemon).await;
    a_while().await;
    assert_eq!((bank.refused(), world.completions("A-1")), (2, (0, 0)));
    bank.refuse(false);
    resume().await;
    // Money moves again too.
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1));
    assert!(get(&daemon, "/metrics").await.contains("reconciled_login_refused{merchant=\"shop\"} 0"));
    daemon.stop().await;
}

/// The whole of it with the real binary: what SIGHUP does, and what a person can say at the command line and over HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_goes_again_by_new_credentials_or_a_persons_word_and_by_nothing_else() {
    let world = World::new(Settings::default(), &one_at_a_time()).await;
    let bank = Gatekeeper::start(world.bank.addr(), "Access denied").await;
    let config = with_password(&world, &bank, "old");
    let mut process = Process::start(&config.path);
    let store = Store::open(&config.database).unwrap();
    let resume = "POST /v1/logins/shop/resume";
    let word = json!({ "by": "olga", "reason": "the bank unlocked it" }).to_string();
    let early = process.request(resume, &word).unwrap();
    assert!(early.starts_with("HTTP/1.1 409 ") && early.contains("login_not_refused"), "{early}");
    let words = refused_by_cli(&world, &["login", "resume", "shop", "--reason", "too early"]);
    assert!(words.contains("nothing to resume: the login of shop is not refused"), "{words}");

    world.register("A-1", 10_000);
    bank.refuse(true);
    add(&store, vec![order("A-1", 10_000)]).await;
    is_refused(&store).await;
    // What is the same, and what is other than the credentials, is no reason to knock again.
    process.signal("-HUP");
    process.read_until(says("nothing changed"));
    let text = std::fs::read_to_string(&config.path).unwrap();
    std::fs::write(&config.path, text.replace("requests = \"200/s\"", "requests = \"100/s\"")).unwrap();
    process.signal("-HUP");
    process.read_until(|line| line["key"] == "merchant.shop.budget.requests");
    a_while().await;
    assert_eq!(bank.refused(), 1, "the same credentials are not tried again");
    let listed: Value = serde_json::from_str(&done(&world, &["login", "show", "--json"])).unwrap();
    assert_eq!(
        (&listed["refused"][0]["merchant"], &listed["refused"][0]["words"]),
        (&json!("shop"), &json!("errorCode 5: Access denied"))
    );

    // Others are, by themselves.
    bank.refuse(false);
    with_password(&world, &bank, "new");
    process.signal("-HUP");
    process.read_until(|line| line["key"] == "merchant.shop.password (content)");
    wait_for(&store, "A-1", |found| found.order.view.is_some()).await;
    assert_eq!((store.login_refusal(&shop()).await.unwrap(), bank.refused()), (None, 1));

    // A word at the command line is tried once, and a refusal closes the gate again.
    bank.refuse(true);
    is_refused(&store).await;
    let before = bank.refused();
    let said = done(&world, &["login", "resume", "shop", "--reason", "they say it works"]);
    assert!(said.contains("The login of shop is used again") && said.contains("Access denied"), "{said}");
    let again = async {
        while bank.refused() == before {
            tokio::task::yield_now().await;
        }
    };
    in_time(again).await;
    is_refused(&store).await;
    a_while().await;
    assert_eq!(bank.refused(), before + 1);

    // Over HTTP, where it takes the token, a name and a reason.
    let address = process.address;
    let without_token = move || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "{resume} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(without_token().starts_with("HTTP/1.1 401 "));
    for wrong in ["{}", r#"{"by":"olga"}"#, r#"{"by":"olga","reason":" "}"#, r#"{"by":"olga","reason":"a\nb"}"#] {
        let answer = process.request(resume, wrong).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{wrong}: {answer}");
    }
    let nobody = process.request("POST /v1/logins/nobody/resume", &word).unwrap();
    assert!(nobody.starts_with("HTTP/1.1 409 ") || nobody.starts_with("HTTP/1.1 404 "), "{nobody}");
    bank.refuse(false);
    let resumed = process.request(resume, &word).unwrap();
    assert!(resumed.starts_with("HTTP/1.1 200 ") && resumed.contains("\"refused\":[]"), "{resumed}");
    let seen_at = |order: &reconciled::domain::order::Order| order.view.as_ref().map(|seen| seen.seen_at);
    let before = seen_at(&store.order(&shop(), "A-1").await.unwrap().order);
    wait_for(&store, "A-1", |found| seen_at(&found.order) > before).await;
}

pub(crate) async fn is_refused(store: &Store) {
    let waiting = async {
        while store.login_refusal(&shop()).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    in_time(waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_order_of_a_callback_is_asked_about_and_queued() {
    let tables = format!(
        "{HASTE}[merchant.callbacks]\nchecksum = \"hmac-sha256\"\nsecret = {{ public = \"123\" }}\nunknown = \"discover\"\n"
    );
    let world = World::new(Settings::default(), &tables).await;
    let daemon = world.daemon().await;
    let id = world.register("B-1", 12_300);
    world.bank.bank().pay(&id).unwrap();
    let params = format!("mdOrder;{id};operation;deposited;status;1;");
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"123"), params.as_bytes());
    let checksum = tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
    let query = format!("mdOrder={id}&operation=deposited&status=1&checksum={checksum}");
    let answer = get(&daemon, &format!("/callbacks/shop?{query}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let queued = async {
        while daemon.store().order(&shop(), "B-1").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    in_time(queued).await;
    let found = wait_for_state(daemon.store(), "B-1", State::Deposited).await;
    assert_eq!((found.amount.minor(), found.order_id.map(|id| id.to_string())), (12_300, Some(id)));
    let events = daemon.store().events_of(found.key).await.unwrap();
    assert_eq!((events[0].kind, events[0].cause.as_str()), (Kind::Discovered, "discovery"));
    daemon.stop().await;
}
