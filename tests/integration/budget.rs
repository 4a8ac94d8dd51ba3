//! The request budget at a bank that counts: a daily quota that is used up, and two logins that share one budget.

use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::order::{MerchantId, NewOrder, State};
use reconciled::sandbox::{Entry, Registration, RequestEntry, Settings};
use reconciled::store::Store;
use serde_json::{Value, json};

use crate::child::{Process, says, wire_order};
use crate::fixture::{HASTE, LOGIN, World, add, in_time, order, shop, until, wait_for_state};
use crate::registration::sale;
use crate::schedule::reconciled;

const USED_UP: &str = "The daily quota of shop is used up but for what is kept for money";

/// Whatever the bank was asked, with the moment at which it came.
fn requests(world: &World) -> Vec<(i64, RequestEntry)> {
    let of_request = |line: reconciled::sandbox::LedgerLine| match line.entry {
        Entry::Request(request) => Some((line.at_ms, request)),
        Entry::Effect(_) => None,
    };
    world.bank.bank().ledger().into_iter().filter_map(of_request).collect()
}

/// Of a hundred requests a day looks take eighty. Whatever comes after that, a restart included, is money's; but for a
/// registration, which has half of what is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_daily_quota_that_is_used_up_leaves_what_is_kept_for_money_and_nothing_else() {
    const DAILY: usize = 100;
    const FOR_LOOKS: usize = 80;
    let on_release = HASTE.replace("when = \"after\"\ndelay = \"100ms\"", "when = \"release\"");
    let world = World::new(Settings::default(), &on_release.replace("burst = 20", "burst = 20\ndaily = 100")).await;
    let config = world.config();
    for number in ["H-1", "H-2"] {
        world.bank.bank().pay(&world.register_two_phase(number, 10_000)).unwrap();
    }
    let open = ["O-1", "O-2", "O-3"];
    for number in open {
        world.register(number, 10_000);
    }
    let mut process = Process::start(&config.path);
    for number in ["H-1", "H-2"].iter().chain(&open) {
        assert_eq!(process.post_order(&wire_order(number, 10_000)).0, 201);
    }
    let used_up = process.read_until(says(USED_UP));
    assert_eq!(used_up["level"], "WARN");
    // Leave for the last look was given; it may be on its way.
    in_time(until(|| requests(&world).len() == FOR_LOOKS)).await;
    let looks_at_open = || world.asked_about().into_iter().filter(|number| open.contains(&number.as_str())).count();
    let looked = looks_at_open();

    let metrics = process.request("GET /metrics", "").unwrap();
    assert!(metrics.contains("reconciled_gateway_quota_used_up{merchant=\"shop\"} 1"), "{metrics}");
    let status = |arguments: &[&str]| String::from_utf8(reconciled(&world, arguments).stdout).unwrap();
    let document: Value = serde_json::from_str(&status(&["status", "--json"])).unwrap();
    let quota = &document["merchants"][0]["daily_quota"];
    assert_eq!((&quota["requests"], &quota["is_used_up"]), (&json!(DAILY), &json!(true)), "{document:#}");
    let words = status(&["status"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("daily quota used up but for what is kept for money"), "{words}");

    let store = Store::open(&config.database).unwrap();
    let completes = async |process: &Process, number: &str| {
        let released = process.request(&format!("POST /v1/orders/shop/{number}/release"), "{}").unwrap();
        assert!(released.starts_with("HTTP/1.1 200"), "{released}");
        wait_for_state(&store, number, State::Deposited).await;
        assert_eq!(world.completions(number), (1, 1));
    };
    completes(&process, "H-1").await;
    let registered = process.request("POST /v1/registrations", &sale("R-1", 10_000).to_string()).unwrap();
    assert!(registered.starts_with("HTTP/1.1 201"), "{registered}");
    process.signal("-TERM");
    process.read_until(|line| {
        assert!(!says(USED_UP)(line), "it was told before: {line}");
        says("everything in hand was finished")(line)
    });

    let mut process = Process::start(&config.path);
    process.read_until(says(USED_UP));
    completes(&process, "H-2").await;
    assert_eq!(looks_at_open(), looked, "looks that were due all the while");
    let looks_at_registered = world.asked_about().into_iter().filter(|number| number == "R-1").count();
    assert_eq!(looks_at_registered, 0);
    assert!(requests(&world).len() <= DAILY, "{}", requests(&world).len());
}

/// Each may send two hundred a second, and both together fifty. One request at a time each, so what arrives is at most
/// one request each apart from what was given leave.
#[tokio::test(flavor = "multi_thread")]
async fn two_merchants_that_share_a_budget_never_exceed_it_together() {
    const ORDERS: usize = 20;
    const REQUESTS: usize = 200;
    const PERIOD_MS: i64 = 20;
    const BURST: i64 = 5;
    const ON_THEIR_WAY: i64 = 2;
    let sharing = HASTE.replace("in_flight = 8", "in_flight = 1\nshared = \"bank\"");
    let world = World::new(Settings::default(), &sharing).await;
    let patient = world.toml().replace("_timeout = \"500ms\"", "_timeout = \"20s\"");
    let first = patient.replace("quiet = \"1s\"", "quiet = \"20s\"");
    let (_, table) = first.split_once("[[merchant]]").unwrap();
    let second = table.replace("name = \"shop\"", "name = \"other\"").replace(LOGIN, "other-api");
    let shared = format!("[[budget]]\nname = \"bank\"\nrequests = \"50/s\"\nburst = {BURST}\n");
    std::fs::write(world.path(), format!("{first}\n[[merchant]]{second}\n{shared}")).unwrap();
    let config = Config::load(&world.path()).unwrap();
    let store = Store::open_or_create(&config.database).unwrap();
    for (merchant, login) in [(shop(), LOGIN), (MerchantId::new("other").unwrap(), "other-api")] {
        let numbers: Vec<String> = (0..ORDERS).map(|nth| format!("{merchant}-{nth}")).collect();
        for number in &numbers {
            world.bank.bank().register(Registration::new(login, number, 10_000)).unwrap();
        }
        let orders = numbers.iter().map(|number| NewOrder { merchant: merchant.clone(), ..order(number, 10_000) });
        add(&store, orders.collect()).await;
    }
    drop(store);
    let daemon = Daemon::start(config).await.unwrap();
    in_time(until(|| requests(&world).len() >= REQUESTS)).await;
    daemon.stop().await;

    let came = requests(&world);
    for (nth, (from, _)) in came.iter().enumerate() {
        for (count, (to, _)) in (1_i64..).zip(&came[nth..]) {
            let sooner_ms = (count - BURST - ON_THEIR_WAY) * PERIOD_MS - (to - from + 1);
            assert!(sooner_ms <= 0, "{count} requests within {} ms", to - from);
        }
    }
    for login in [LOGIN, "other-api"] {
        let count = came.iter().filter(|(_, request)| request.login.as_deref() == Some(login)).count();
        assert!(count >= came.len() / 3, "{count} of {} are {login}'s", came.len());
    }
}
