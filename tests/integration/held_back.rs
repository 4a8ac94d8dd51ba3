//! What a person orders goes the way of a completion, so whatever holds that back holds these back as well: a stop of
//! any width, a database that is not the one that sent, a login that the bank refuses. The real binary, over real
//! sockets.

use std::path::Path;

use reconciled::domain::operation::{OperationKind, OperationState};
use reconciled::domain::order::State;
use reconciled::sandbox::{Effect, Operation as Request, Settings};
use reconciled::store::{OrderWithOperation, Store};

use crate::child::Process;
use crate::door::{Gatekeeper, a_while, is_refused, with_password};
use crate::fixture::{World, add, order, shop, wait_for, wait_for_state};
use crate::verbs::{done, is, on_release, refunds, sent, waits};

/// Each order, what is ordered for it, and the kind of that.
const ORDERED: [(&str, &str, OperationKind); 3] = [
    ("taken", "refund", OperationKind::Refund),
    ("held", "reverse", OperationKind::Reversal),
    ("unpaid", "decline", OperationKind::Decline),
];

/// Brings three orders to where each can be acted upon.
async fn three_orders(world: &World, store: &Store) {
    world.bank.bank().pay(&world.register("taken", 10_000)).unwrap();
    world.bank.bank().pay(&world.register_two_phase("held", 10_000)).unwrap();
    world.register("unpaid", 10_000);
    add(store, ORDERED.map(|(number, ..)| order(number, 10_000)).into()).await;
    wait_for_state(store, "taken", State::Deposited).await;
    wait_for_state(store, "held", State::Held).await;
    wait_for(store, "unpaid", |found| found.order.view.is_some()).await;
}

fn order_all(world: &World) {
    for (number, verb, _) in ORDERED {
        done(world, &["order", verb, number, "--reason", "asked for"]);
    }
}

/// What was asked of the bank of each, and what took effect.
fn moved(world: &World) -> [(usize, usize); 3] {
    let (reversals, declines) =
        (sent(world, Request::Reversal, Effect::Reversed), sent(world, Request::Decline, Effect::CalledOff));
    [refunds(world), reversals, declines]
}

/// Returns once what happens at the bank meanwhile is known here.
async fn looks_go_on(world: &World, store: &Store) {
    world.bank.bank().pay(&world.register("bystander", 10_000)).unwrap();
    add(store, vec![order("bystander", 10_000)]).await;
    wait_for_state(store, "bystander", State::Deposited).await;
}

async fn all_go(world: &World, store: &Store) {
    for (number, _, kind) in ORDERED {
        wait_for(store, number, is(kind, OperationState::Confirmed)).await;
    }
    assert_eq!(moved(world), [(1, 1); 3], "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_any_width_holds_back_what_is_ordered_until_it_is_lifted() {
    let table: [(&str, &[&[&str]]); 3] = [
        ("ivan stopped all money", &[&[]]),
        ("ivan stopped the money of shop", &[&["--merchant", "shop"]]),
        (
            "ivan stopped the money of order",
            &[
                &["--merchant", "shop", "--order", "taken"],
                &["--merchant", "shop", "--order", "held"],
                &["--merchant", "shop", "--order", "unpaid"],
            ],
        ),
    ];
    for (words, scopes) in table {
        let world = World::new(Settings::default(), &on_release()).await;
        let config = world.config();
        let _process = Process::start(&config.path).drained();
        let store = Store::open(&config.database).unwrap();
        three_orders(&world, &store).await;
        for scope in scopes {
            done(&world, &[&["money", "stop", "--reason", "odd sums"], *scope].concat());
        }
        order_all(&world);
        for (number, ..) in ORDERED {
            wait_for(&store, number, waits(words)).await;
        }
        looks_go_on(&world, &store).await;
        assert_eq!(moved(&world), [(0, 0); 3], "{words}");
        for scope in scopes {
            done(&world, &[&["money", "start", "--reason", "settled"], *scope].concat());
        }
        all_go(&world, &store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_database_holds_back_what_is_ordered_until_it_is_adopted() {
    let world = World::new(Settings::default(), &on_release()).await;
    let config = world.config();
    let process = Process::start(&config.path).drained();
    three_orders(&world, &Store::open(&config.database).unwrap()).await;
    stop(process);
    let copy = config.database.with_extension("copy");
    rusqlite::Connection::open(&config.database).unwrap().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    at_rest(&config.database);
    std::fs::rename(&copy, &config.database).unwrap();

    let process = Process::start(&config.path).drained();
    let store = Store::open(&config.database).unwrap();
    assert!(store.freeze().await.unwrap().is_some_and(|freeze| freeze.why.contains("this database is a copy")));
    order_all(&world);
    for (number, ..) in ORDERED {
        wait_for(&store, number, waits("money is frozen")).await;
    }
    looks_go_on(&world, &store).await;
    assert_eq!(moved(&world), [(0, 0); 3]);
    stop(process);
    done(&world, &["adopt", "--reason", "the only one there is"]);
    let _process = Process::start(&config.path).drained();
    all_go(&world, &store).await;
}

/// Nobody knocks where the login is refused, so no look goes on either.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_holds_back_what_is_ordered_until_it_is_resumed() {
    let tables = on_release().replace("in_flight = 8", "in_flight = 1");
    let world = World::new(Settings::default(), &tables).await;
    let bank = Gatekeeper::start(world.bank.addr(), "Access denied").await;
    let config = with_password(&world, &bank, "any");
    let _process = Process::start(&config.path).drained();
    let store = Store::open(&config.database).unwrap();
    three_orders(&world, &store).await;
    bank.refuse(true);
    is_refused(&store).await;
    order_all(&world);
    a_while().await;
    assert_eq!((bank.refused(), moved(&world)), (1, [(0, 0); 3]), "one request was refused, and none came after it");
    let unsent = |found: &OrderWithOperation| {
        found.operation.as_ref().is_some_and(|open| open.state == OperationState::Intended && open.attempt == 0)
    };
    for (number, ..) in ORDERED {
        assert!(unsent(&store.order(&shop(), number).await.unwrap()), "{number}");
    }
    bank.refuse(false);
    done(&world, &["login", "resume", "shop", "--reason", "unlocked by the bank"]);
    all_go(&world, &store).await;
}

fn stop(mut process: Process) {
    process.signal("-TERM");
    assert!(process.end().success());
}

/// Waits until no store of this process has the database open, and takes away what it leaves beside it: one that was
/// dropped closes it when its threads have ended.
fn at_rest(database: &Path) {
    let until = std::time::Instant::now() + crate::fixture::LIMIT;
    let is_ours = |fd: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_link(fd.unwrap().path()).is_ok_and(|opened| opened == database)
    };
    while std::fs::read_dir("/proc/self/fd").unwrap().any(is_ours) {
        assert!(std::time::Instant::now() < until, "the database stays open");
        std::thread::yield_now();
    }
    for suffix in ["-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}
