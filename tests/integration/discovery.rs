//! Orders that the bank knows and the queue does not: by the bank's own list, page by page, and by a callback that
//! names one. The sandbox answers across a real socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::event::EventKind as Kind;
use reconciled::domain::order::State;
use reconciled::sandbox::Settings;
use reconciled::store::ListFilter;
use tokio::net::TcpListener;

use crate::child::{Process, says};
use crate::door::{a_while, get, pass_on, read_whole};
use crate::fixture::{HASTE, World, add, in_time, kinds, order, shop, wait_for_state};
use crate::verbs::done;

/// The bank, some while later: orders of the last minutes are left to the shop, so a list that was asked for up to then
/// would be empty. What was asked for is counted, and all but the end of the time goes through as it is.
struct Later {
    address: SocketAddr,
    /// The forms of the requests for the list.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Later {
    /// In front of `bank`; `answer` is given in the list's stead.
    async fn start(bank: SocketAddr, answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let heard = Arc::clone(&heard);
                tokio::spawn(async move {
                    let Some(request) = read_whole(&mut stream).await else { return };
                    let (head, form) = request.split_once("\r\n\r\n").unwrap();
                    if !head.contains("getLastOrdersForMerchants.do") {
                        return pass_on(stream, bank, &request).await;
                    }
                    heard.lock().unwrap().push(form.to_owned());
                    if let Some(body) = answer {
                        let length = body.len();
                        let answer =
                            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
                        return;
                    }
                    let to = value(form, "to");
                    let later = request.replace(&format!("to={to}"), "to=21001231235959");
                    assert_eq!((later.len(), to.len()), (request.len(), 14), "{form}");
                    pass_on(stream, bank, &later).await;
                });
            }
        });
        Self { address, asked }
    }

    fn config(&self, world: &World) -> Config {
        world.config_behind(&format!("http://{}/payment/rest/", self.address))
    }

    /// The pages that were asked for, in their order.
    fn pages(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|form| value(form, "page")).collect()
    }
}

fn value(form: &str, name: &str) -> String {
    let found = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("{name} in {form}")).to_owned()
}

fn surveyed() -> String {
    format!("{HASTE}[merchant.discovery]\nevery = \"5m\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_lists_is_queued_page_by_page_and_parked_and_what_is_here_stays_as_it_is() {
    let world = World::new(Settings::default(), &surveyed()).await;
    for nth in 0..120 {
        let id = world.register_two_phase(&format!("D-{nth}"), 10_000);
        if nth < 10 {
            world.bank.bank().pay(&id).unwrap();
        }
    }
    let bank = Later::start(world.bank.addr(), None).await;
    let config = bank.config(&world);
    done(&world, &["order", "add", "--number", "D-5", "--amount", "10000"]);
    let daemon = Daemon::start(config).await.unwrap();
    let listed = async {
        let all = || ListFilter { limit: 1_000, ..ListFilter::default() };
        while daemon.store().list_orders(all()).await.unwrap().len() < 120 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    in_time(listed).await;
    assert_eq!(bank.pages(), ["0", "1", "2"]);

    // Nobody said that its hold is to be taken, though holds of this shop are taken at once.
    let found = wait_for_state(daemon.store(), "D-0", State::Held).await;
    assert_eq!((found.parked, kinds(daemon.store(), &found).await[0]), (true, Kind::Discovered));
    let ours = wait_for_state(daemon.store(), "D-5", State::Deposited).await;
    assert_eq!((ours.parked, kinds(daemon.store(), &ours).await[0]), (false, Kind::Added));
    assert_eq!((world.completions("D-0"), world.completions("D-5")), ((0, 0), (1, 1)));
    done(&world, &["order", "release", "D-0"]);
    wait_for_state(daemon.store(), "D-0", State::Deposited).await;
    assert_eq!(bank.pages().len(), 3, "the next round is due in five minutes");
    daemon.stop().await;
}

/// Newer gateways have no such list: looks go on as if nobody had asked for it, and it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_without_the_list_is_asked_once_in_a_round_and_loses_nothing_by_it() {
    let table = [
        ("404", Settings { last_orders: false, ..Settings::default() }, None),
        ("refused", Settings::default(), Some(r#"{"errorCode":7,"errorMessage":"System error"}"#)),
        ("unreadable", Settings::default(), Some("<html>moved</html>")),
    ];
    for (case, settings, answer) in table {
        let world = World::new(settings, &surveyed()).await;
        let bank = Later::start(world.bank.addr(), answer).await;
        let mut process = Process::start(&bank.config(&world).path);
        let told = process.read_until(says("does not list its orders"));
        assert_eq!(told["level"], "WARN", "{told}");
        let process = process.drained();
        world.bank.bank().pay(&world.register("A-1", 10_000)).unwrap();
        let store = reconciled::store::Store::open(&world.directory.path().join("data/reconciled.db")).unwrap();
        add(&store, vec![order("A-1", 10_000)]).await;
        wait_for_state(&store, "A-1", State::Deposited).await;
        a_while().await;
        assert_eq!(bank.pages(), ["0"], "{case}: asked again when the next round is due, and not before");
        assert_eq!(store.login_refusal(&shop()).await.unwrap(), None, "{case}: it says nothing about the login");
        // By a restart it is not due sooner.
        drop(process);
        let _process = Process::start(&bank.config(&world).path).drained();
        a_while().await;
        assert_eq!(bank.pages().len(), 1, "{case}");
    }
}

/// Only where the merchant said so does a callback make the bank be asked about an order that is not in the queue.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_about_an_unknown_order_asks_nobody_unless_it_is_configured() {
    for (unknown, is_asked) in [("", false), ("unknown = \"ignore\"\n", false), ("unknown = \"discover\"\n", true)] {
        let keys = "checksum = \"hmac-sha256\"\nsecret = { public = \"123\" }\n";
        let world = World::new(Settings::default(), &format!("{HASTE}[merchant.callbacks]\n{keys}{unknown}")).await;
        let daemon = world.daemon().await;
        let id = world.register("B-1", 12_300);
        let params = format!("mdOrder;{id};operation;deposited;status;1;");
        let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"123"), params.as_bytes());
        let checksum = tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
        let query =
            |checksum: &str| format!("/callbacks/shop?mdOrder={id}&operation=deposited&status=1&checksum={checksum}");
        let forged = get(&daemon, &query(&checksum.replace(['A', '1'], "0"))).await;
        assert!(forged.starts_with("HTTP/1.1 403 "), "{forged}");
        assert!(get(&daemon, &query(&checksum)).await.starts_with("HTTP/1.1 200 "), "{unknown}");
        if is_asked {
            let queued = async {
                while daemon.store().order(&shop(), "B-1").await.is_err() {
                    tokio::task::yield_now().await;
                }
            };
            in_time(queued).await;
        } else {
            a_while().await;
            assert!(daemon.store().order(&shop(), "B-1").await.is_err(), "{unknown}");
            assert_eq!(world.asked_about(), [""; 0], "{unknown}: the bank was not asked");
            let metrics = get(&daemon, "/metrics").await;
            assert!(metrics.contains("outcome=\"unknown_order\"} 1"), "{metrics}");
        }
        daemon.stop().await;
    }
}
