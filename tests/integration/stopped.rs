//! A daemon that is stopped (SIGSTOP, a debugger, a frozen host) between asking the bank and sending to it: what was
//! true then need not be true when it goes on, so nothing is sent on it.
//!
//! Ten minutes cannot be waited for; a little longer than a read counts as fresh shows the same.

use std::sync::Arc;
use std::time::Duration;

use reconciled::clock::Clock;
use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::domain::operation::OperationState;
use reconciled::domain::order::{Order, State};
use reconciled::sandbox::{Operation, Settings};
use reconciled::store::{Amendment, OrderWithOperation, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

use crate::child::{Process, run_to_its_end, wire_order};
use crate::fixture::{HASTE, LOGIN, World, add, in_time, order, shop, wait_for, wait_for_state};
use crate::hostile::{Deed, Front};
use crate::tls_faults::{Presents, Roots, SecureFront, behind_tls};

/// Longer than the five seconds for which a read counts as fresh.
const STOPPED_FOR: Duration = Duration::from_millis(5_500);

/// The answer to the question before the send lies in the socket of a process that does not run. Meanwhile a clerk
/// completes the order, and a second daemon wants its place.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_on_an_answer_that_came_while_the_process_was_stopped() {
    let world = World::new(Settings::default(), HASTE).await;
    let front = Front::start(world.bank.addr()).await;
    let config = world.config_behind(&front.rest_url());
    // The question must still be waited for when the process is stopped, however long it takes to stop it; and when it
    // goes on, so that nothing but its age speaks against the answer.
    let patient = std::fs::read_to_string(&config.path).unwrap().replace("_timeout = \"500ms\"", "_timeout = \"30s\"");
    std::fs::write(&config.path, patient.replace("quiet = \"1s\"", "quiet = \"60s\"")).unwrap();
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let answer = Arc::new(Notify::new());
    front.next(Operation::Status, "A-1", &id, Deed::Pass);
    front.next(Operation::Status, "A-1", &id, Deed::Later(Arc::clone(&answer)));
    let process = Process::start(&config.path).drained();
    assert_eq!(process.post_order(&wire_order("A-1", 10_000)).0, 201);
    in_time(front.seen(Operation::Status, 2)).await;

    process.signal("-STOP");
    answer.notify_one();
    clerk_completes(&world, &id).await;
    let second = run_to_its_end(&config.path);
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(words.contains(&format!("pid {}", process.child.id())), "the lock is kept by the stopped one: {words}");
    tokio::time::sleep(STOPPED_FOR).await;
    process.signal("-CONT");

    let store = Store::open(&config.database).unwrap();
    wait_for_state(&store, "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1), "the clerk's, and none of ours");
}

/// The intent is written, the connection is being made, and then the process does not run. Meanwhile a clerk completes
/// the order, and the bank is ready to hear us.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_when_the_process_was_stopped_between_intent_and_first_byte() {
    let on_release = HASTE.replace("when = \"after\"\ndelay = \"100ms\"", "when = \"release\"");
    let world = World::new(Settings::default(), &on_release).await;
    let roots = Roots::new();
    let front = SecureFront::start(world.bank.addr(), roots.good()).await;
    let config = behind_tls(&world, &front, &roots);
    let slower = std::fs::read_to_string(&config).unwrap().replace("_timeout = \"500ms\"", "_timeout = \"4s\"");
    std::fs::write(&config, slower.replace("quiet = \"1s\"", "quiet = \"5s\"")).unwrap();
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let process = Process::start(&config).drained();
    assert_eq!(process.post_order(&wire_order("A-1", 10_000)).0, 201);
    let store = Store::open(&world.config().database).unwrap();
    wait_for_state(&store, "A-1", State::Held).await;

    // Looks go on over the connections they have; the completion takes a new one.
    let handshake = Arc::new(Notify::new());
    *front.presents.lock().unwrap() = Presents::Later(Arc::clone(&handshake), Box::new(roots.good()));
    let released = process.request("POST /v1/orders/shop/A-1/release", "{}").unwrap();
    assert!(released.starts_with("HTTP/1.1 200"), "{released}");
    let in_doubt = |found: &OrderWithOperation| {
        found.operation.as_ref().is_some_and(|operation| operation.state == OperationState::InDoubt)
    };
    wait_for(&store, "A-1", in_doubt).await;
    process.signal("-STOP");
    *front.presents.lock().unwrap() = roots.good();
    handshake.notify_waiters();
    clerk_completes(&world, &id).await;
    tokio::time::sleep(STOPPED_FOR).await;
    process.signal("-CONT");

    wait_for_state(&store, "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1), "the clerk's, and none of ours");
}

/// Whoever else writes keeps the intent waiting for longer than a read counts as fresh: the send is called back, and
/// made on another read.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_when_the_intent_was_long_in_coming() {
    let world = World::new(Settings::default(), HASTE).await;
    let front = Front::start(world.bank.addr()).await;
    let patient = std::fs::read_to_string(world.config_behind(&front.rest_url()).path).unwrap();
    let patient = patient.replace("_timeout = \"500ms\"", "_timeout = \"10s\"");
    std::fs::write(world.path(), patient.replace("quiet = \"1s\"", "quiet = \"20s\"")).unwrap();
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let answer = Arc::new(Notify::new());
    front.next(Operation::Status, "A-1", &id, Deed::Pass);
    front.next(Operation::Status, "A-1", &id, Deed::Later(Arc::clone(&answer)));
    let daemon = Daemon::start(Config::load(&world.path()).unwrap()).await.unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    in_time(front.seen(Operation::Status, 2)).await;

    let (store, key) = (daemon.store().clone(), daemon.store().order(&shop(), "A-1").await.unwrap().order.key);
    let (reached, is_reached) = oneshot::channel();
    let write_for_long = move |_: &Order, _: Option<&_>| {
        reached.send(()).unwrap();
        std::thread::sleep(STOPPED_FOR);
        Amendment::nothing(())
    };
    let busy = tokio::spawn(async move { store.amend(key, Clock::host().now(), write_for_long).await.unwrap() });
    is_reached.await.unwrap();
    answer.notify_one();
    busy.await.unwrap();

    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    let sent = daemon.store().order(&shop(), "A-1").await.unwrap().operation.unwrap();
    assert_eq!((sent.attempt, world.completions("A-1")), (2, (1, 1)), "called back once, and sent once");
    daemon.stop().await;
}

/// In the bank's console, which to the bank is the merchant as well.
async fn clerk_completes(world: &World, id: &str) {
    let form = format!("userName={LOGIN}&password=any&orderId={id}&compositeCompletionAmount=0");
    let mut stream = TcpStream::connect(world.bank.addr()).await.unwrap();
    let request = format!(
        "POST /payment/rest/autoCompletion.do HTTP/1.1\r\nhost: bank\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains(r#""errorCode":"0""#), "{answer}");
}
