//! Days of a shop's outages in virtual time: the real notifier on a real database, and a shop that answers as it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{Target, WebhookConfig};
use crate::daemon::peril::Perils;
use crate::daemon::{Errands, Rhythm, Setting, SharedBudgets, Wire};
use crate::delivery::Shop;
use crate::domain::delivery::{EndpointName, Filter, RETRY_FOR, Verdict};
use crate::domain::event::{Cause, EventKind, NewEvent};
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{NewOrder, OrderNumber, State};
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::store::{Added, Amendment, EndpointFigures, Lock, NewReplay, Place, Store};
use crate::timekeeper::Timekeeper;

use super::*;

/// 2026-11-20T09:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_795_165_200_000);

const MINUTE: Duration = Duration::from_secs(60);
/// How often a notifier looks by itself: seldom, since days go by here.
const LOOK_EVERY: Duration = Duration::from_secs(30);

const HOUR: Duration = Duration::from_secs(3_600);

/// What a shop has heard, in the order in which it took it: ids, and the event's number and order.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(String, i64, String)>>>);

/// Whether a shop takes an event now, how long it thinks, and what it says.
type Judge = dyn Fn(&Said, Timestamp) -> (Duration, Outcome) + Send + Sync;

/// What a shop is told of.
struct Said {
    number: String,
}

struct World {
    _directory: TempDir,
    _lock: Lock,
    shared: Shared,
}

fn shop() -> MerchantId {
    MerchantId::new("shop").unwrap()
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome { verdict, words: verdict.as_str().to_owned(), retry_after: None }
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reconciled.db");
        let lock = Lock::take(&path, "a test").unwrap();
        let clock = Clock::simulated(START);
        let store = Store::open_simulated(&lock, Place::at(&path), START).unwrap();
        let rhythm = Rhythm { looks: MINUTE, watch: MINUTE, reports: MINUTE, vigil: LOOK_EVERY };
        let setting = Setting {
            clock: clock.clone(),
            wire: Wire::Network,
            perils: Perils::default(),
            rhythm,
            errands: Errands::Here,
            shop: None,
        };
        let shared = Shared {
            store,
            metrics: Metrics::new(&[shop()], START).unwrap(),
            progress: Progress::default(),
            timekeeper: Timekeeper::begin(clock, MINUTE, None),
            setting,
            budgets: SharedBudgets::default(),
        };
        Self { _directory: directory, _lock: lock, shared }
    }

    fn now(&self) -> Timestamp {
        self.shared.clock().now()
    }

    /// Sets a notifier to work for an endpoint that is `at` a place of this name.
    fn notify(
        &self,
        name: &str,
        at: &str,
        heard: &Heard,
        judge: impl Fn(&Said, Timestamp) -> (Duration, Outcome) + Send + Sync + 'static,
    ) -> Work {
        let config = WebhookConfig {
            name: EndpointName::new(name).unwrap(),
            target: Target::Command(vec![at.to_owned()]),
            filter: Filter::default(),
            timeout: MINUTE,
            in_flight: NonZeroUsize::new(4).unwrap(),
        };
        let endpoint = Endpoint { config, messenger: Arc::new(heard.listening(Box::new(judge))) };
        let stop = watch::Sender::new(false);
        let (shared, told) = (self.shared.clone(), stop.subscribe());
        Work { task: tokio::spawn(run(shop(), endpoint, shared, told)), stop }
    }

    async fn add(&self, number: &str) {
        let new = NewOrder {
            merchant: shop(),
            number: OrderNumber::new(number, 32).unwrap(),
            order_id: None,
            amount: Amount::new(100).unwrap(),
            currency: Currency::RUB,
            expires_at: None,
            completion: CompletionAmount::Whole,
            autocompletion_at: None,
            kind: None,
        };
        assert_eq!(self.shared.store.add_orders(vec![new], Cause::Shop, self.now()).await.unwrap(), [Added::New]);
    }

    /// Something happens to an order.
    async fn happens(&self, number: &str, words: &str) {
        let order = self.shared.store.order(&shop(), number).await.unwrap().order;
        let event = NewEvent {
            kind: EventKind::Changed,
            cause: Cause::Look,
            before: State::Pending,
            after: State::Pending,
            detail: words.to_owned(),
        };
        let amended = self.shared.store.amend(order.key, self.now(), move |_, _| Amendment {
            events: vec![event.clone()],
            ..Amendment::nothing(())
        });
        amended.await.unwrap();
    }

    /// Every event of the journal by its order.
    async fn journal(&self) -> BTreeMap<String, Vec<i64>> {
        let mut all: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut after = 0;
        loop {
            let events = self.shared.store.events_after(after, 1_000).await.unwrap();
            let Some(last) = events.last() else { return all };
            after = last.seq;
            for event in events {
                all.entry(event.number.to_string()).or_default().push(event.seq);
            }
        }
    }

    async fn figures(&self, name: &str) -> EndpointFigures {
        let all = self.shared.store.endpoint_figures().await.unwrap();
        all.into_iter().find(|found| found.name == name).unwrap()
    }

    /// Waits, in virtual time, until nothing is left to tell.
    async fn all_told(&self, name: &str) {
        while self.figures(name).await.backlog.count > 0 {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }

    /// The endpoint has been opened: it begins at the journal's end as it was.
    async fn opened(&self, name: &str) {
        let is_there = |all: Vec<EndpointFigures>| all.iter().any(|found| found.name == name);
        while !is_there(self.shared.store.endpoint_figures().await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn replay(&self, name: &str, new: NewReplay) -> Option<u64> {
        self.shared.store.ask_for_replay(&shop(), &EndpointName::new(name).unwrap(), new, self.now()).await.unwrap()
    }
}

/// A notifier at work.
struct Work {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Work {
    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }

    /// Gone from one moment to the next.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Heard {
    fn listening(&self, judge: Box<Judge>) -> Messenger {
        let heard = self.clone();
        Messenger::to_a_shop(Shop::new(move |message, now| {
            let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            let (seq, number) = (body["data"]["seq"].as_i64().unwrap(), body["data"]["order_number"].as_str().unwrap());
            let said = Said { number: number.to_owned() };
            let (after, outcome) = judge(&said, now);
            if outcome.verdict == Verdict::Delivered {
                heard.0.lock().unwrap().push((message.id.clone(), seq, said.number));
            }
            (after, outcome)
        }))
    }

    fn seqs(&self) -> Vec<i64> {
        self.0.lock().unwrap().iter().map(|(_, seq, _)| *seq).collect()
    }

    /// What a shop makes of it that throws away what it has seen, by its id: each order's events in their order.
    fn by_order(&self) -> BTreeMap<String, Vec<i64>> {
        let (mut seen, mut all) = (BTreeSet::new(), BTreeMap::<String, Vec<i64>>::new());
        for (id, seq, number) in self.0.lock().unwrap().iter() {
            if seen.insert(id.clone()) {
                all.entry(number.clone()).or_default().push(*seq);
            }
        }
        all
    }
}

/// The promise: a shop that is away for three days, and fails at random before and after, hears everything that happened,
/// of each order in its order, though the daemon is killed now and then.
#[tokio::test(start_paused = true)]
async fn three_days_away_and_one_in_ten_fails_and_every_order_is_told_to_its_end_in_order() {
    const ORDERS: usize = 300;
    let (world, heard) = (World::new(), Heard::default());
    let mut chance = fastrand::Rng::with_seed(6);
    let tries = Arc::new(Mutex::new(fastrand::Rng::with_seed(7)));
    let (gone, back) = (START.plus(HOUR), START.plus(HOUR * 73));
    let notify = || {
        let tries = Arc::clone(&tries);
        world.notify("shop", "/here", &heard, move |_, now| {
            let fails = tries.lock().unwrap().u8(..100) < 10;
            let verdict = match () {
                () if now >= gone && now < back => Verdict::Unreachable,
                () if fails => Verdict::Failed,
                () => Verdict::Delivered,
            };
            (Duration::from_millis(40), outcome(verdict))
        })
    };
    let mut work = notify();
    world.opened("shop").await;
    for nth in 0..ORDERS {
        world.add(&format!("A-{nth}")).await;
    }
    // Some four events for each, before, during and after the outage; the last of them is the final state.
    while world.now() < START.plus(HOUR * 74) {
        let number = format!("A-{}", chance.usize(..ORDERS));
        world.happens(&number, "something").await;
        if chance.u8(..100) < 2 {
            work.kill().await;
            work = notify();
        }
        tokio::time::sleep(Duration::from_secs(chance.u64(60..500))).await;
    }
    for nth in 0..ORDERS {
        world.happens(&format!("A-{nth}"), "its end").await;
    }
    world.all_told("shop").await;
    work.stop().await;
    assert_eq!(world.figures("shop").await.given_up.count, 0);
    let journal = world.journal().await;
    assert!(journal.values().map(Vec::len).sum::<usize>() > ORDERS * 5, "a journal of some length");
    assert_eq!(heard.by_order(), journal);
}

/// An endpoint is told what happens from when it is first seen, and what happened while nobody told it.
#[tokio::test(start_paused = true)]
async fn an_endpoint_begins_at_the_journals_end_and_goes_on_where_it_stood() {
    let (world, heard) = (World::new(), Heard::default());
    world.add("A").await;
    let takes = |_: &Said, _: Timestamp| (Duration::ZERO, outcome(Verdict::Delivered));
    let work = world.notify("shop", "/here", &heard, takes);
    world.opened("shop").await;
    world.happens("A", "seen").await;
    world.all_told("shop").await;
    work.stop().await;
    assert_eq!(heard.seqs(), [2]);
    world.happens("A", "while it was out of the configuration").await;
    tokio::time::sleep(HOUR * 24 * 30).await;
    let work = world.notify("shop", "/elsewhere", &heard, takes);
    world.all_told("shop").await;
    assert_eq!(heard.seqs(), [2, 3]);
    work.stop().await;
}

/// What goes through leaves no row, and what was told is not told again after a stop.
#[tokio::test(start_paused = true)]
async fn a_stop_writes_down_what_was_told() {
    let (world, heard) = (World::new(), Heard::default());
    let takes = |_: &Said, _: Timestamp| (Duration::from_millis(300), outcome(Verdict::Delivered));
    let work = world.notify("shop", "/here", &heard, takes);
    world.opened("shop").await;
    for number in ["A", "B", "C"] {
        world.add(number).await;
    }
    while heard.seqs().len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    work.stop().await;
    assert_eq!(world.figures("shop").await.backlog.count, 0);
    let work = world.notify("shop", "/here", &heard, takes);
    tokio::time::sleep(MINUTE).await;
    work.stop().await;
    assert_eq!(heard.seqs(), [1, 2, 3]);
}

/// A host that sleeps, or whose clock is set ahead, tries nothing in that time: it does not count against an event.
#[tokio::test(start_paused = true)]
async fn a_host_that_sleeps_for_days_gives_nothing_up() {
    let (world, heard) = (World::new(), Heard::default());
    let woken = START.plus(HOUR * 90);
    let work = world.notify("shop", "/here", &heard, move |_, now| {
        let is_there = now >= woken.plus(HOUR);
        (Duration::from_secs(5), outcome(if is_there { Verdict::Delivered } else { Verdict::Unreachable }))
    });
    world.opened("shop").await;
    for number in ["A", "B", "C", "D"] {
        world.add(number).await;
    }
    tokio::time::sleep(HOUR).await;
    world.shared.clock().step(i64::try_from(woken.since(world.now()).as_millis()).unwrap());
    world.all_told("shop").await;
    work.stop().await;
    assert_eq!(heard.by_order(), world.journal().await);
    assert_eq!(world.figures("shop").await.given_up.count, 0);
}

/// An order that no shop would take is given up after three days, never silently, and keeps no other order waiting.
#[tokio::test(start_paused = true)]
async fn what_is_never_taken_is_given_up_and_told_again_when_asked_for() {
    let (world, heard) = (World::new(), Heard::default());
    let is_mended = Arc::new(Mutex::new(false));
    let mended = Arc::clone(&is_mended);
    let work = world.notify("shop", "/here", &heard, move |said, _| {
        let takes = said.number != "bad" || *mended.lock().unwrap();
        (Duration::ZERO, outcome(if takes { Verdict::Delivered } else { Verdict::Refused }))
    });
    world.opened("shop").await;
    world.add("bad").await;
    for nth in 0..70 {
        world.add(&format!("good-{nth}")).await;
        tokio::time::sleep(HOUR).await;
    }
    assert_eq!(heard.seqs(), (2..=71).collect::<Vec<_>>(), "in time");
    assert_eq!((world.figures("shop").await.backlog.count, world.figures("shop").await.given_up.count), (1, 0));
    tokio::time::sleep(HOUR * 6).await;
    let figures = world.figures("shop").await;
    assert_eq!((figures.backlog.count, figures.given_up.count, figures.down_since), (0, 1, None));
    let given_up = world.shared.store.given_up(figures.key, 10).await.unwrap();
    assert_eq!((given_up[0].event.seq, given_up[0].words.as_deref()), (1, Some("refused")));
    *is_mended.lock().unwrap() = true;
    let all = NewReplay { since: None, given_up_only: true, number: None, by: "ivan".to_owned() };
    assert_eq!(world.replay("shop", all.clone()).await, Some(1));
    tokio::time::sleep(MINUTE).await;
    assert_eq!(heard.seqs().last(), Some(&1));
    assert_eq!(world.figures("shop").await.given_up.count, 0);
    assert_eq!(world.replay("shop", all).await, Some(0));
    assert_eq!(
        world.replay("nobody", NewReplay { since: None, given_up_only: true, number: None, by: String::new() }).await,
        None
    );
    work.stop().await;
}

/// An endpoint that is dead is given up on, too, and slows no other.
#[tokio::test(start_paused = true)]
async fn a_dead_endpoint_is_given_up_on_and_slows_no_other() {
    let (world, heard, never) = (World::new(), Heard::default(), Heard::default());
    let dead = world.notify("dead", "/gone", &never, |_, _| (MINUTE, outcome(Verdict::TimedOut)));
    let alive = world.notify("alive", "/here", &heard, |_, _| (Duration::ZERO, outcome(Verdict::Delivered)));
    for name in ["dead", "alive"] {
        world.opened(name).await;
    }
    for nth in 0..50 {
        world.add(&format!("A-{nth}")).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(heard.seqs().len(), nth + 1);
    }
    let figures = world.figures("dead").await;
    assert_eq!((figures.backlog.count, figures.given_up.count), (50, 0));
    tokio::time::sleep(HOUR).await;
    assert!(world.figures("dead").await.down_since.is_some());
    tokio::time::sleep(RETRY_FOR + MINUTE * 30).await;
    let figures = world.figures("dead").await;
    assert_eq!((figures.backlog.count, figures.given_up.count), (0, 50));
    dead.stop().await;
    alive.stop().await;
}

/// 410: nothing more is told until somebody brings the endpoint back, or it is at another place.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_wants_no_more_is_told_nothing_until_it_is_brought_back() {
    let name = EndpointName::new("shop").unwrap();
    for by_hand in [true, false] {
        let (world, heard) = (World::new(), Heard::default());
        let tries = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&tries);
        let gone = move |_: &Said, _: Timestamp| {
            *counted.lock().unwrap() += 1;
            let is_first = *counted.lock().unwrap() == 1;
            (Duration::ZERO, outcome(if is_first { Verdict::Gone } else { Verdict::Delivered }))
        };
        let mut work = world.notify("shop", "/here", &heard, gone.clone());
        world.opened("shop").await;
        world.add("A").await;
        tokio::time::sleep(HOUR * 24 * 5).await;
        world.happens("A", "while it is disabled").await;
        // A restart brings nothing back.
        work.kill().await;
        work = world.notify("shop", "/here", &heard, gone.clone());
        tokio::time::sleep(MINUTE).await;
        assert_eq!(*tries.lock().unwrap(), 1);
        assert_eq!(world.figures("shop").await.disabled.map(|disabled| disabled.words), Some("gone".to_owned()));
        if by_hand {
            assert_eq!(world.shared.store.enable_endpoint(&shop(), &name).await.unwrap(), Some(true));
            assert_eq!(world.shared.store.enable_endpoint(&shop(), &name).await.unwrap(), Some(false));
        } else {
            work.stop().await;
            work = world.notify("shop", "/elsewhere", &heard, gone);
        }
        world.all_told("shop").await;
        assert_eq!(heard.seqs(), [1, 2], "by hand: {by_hand}");
        work.stop().await;
    }
}

/// What is told again has the id it had, and of each order the order it had.
#[tokio::test(start_paused = true)]
async fn a_replay_tells_again_what_was_told_since_and_beside_it_what_happens() {
    let (world, heard) = (World::new(), Heard::default());
    let takes = |_: &Said, _: Timestamp| (Duration::from_millis(1), outcome(Verdict::Delivered));
    let work = world.notify("shop", "/here", &heard, takes);
    world.opened("shop").await;
    let mut since = START;
    for nth in 0..1_500 {
        if nth == 300 {
            tokio::time::sleep(HOUR).await;
            since = world.now();
        }
        world.add(&format!("A-{nth}")).await;
    }
    world.all_told("shop").await;
    let first: Vec<_> = heard.0.lock().unwrap().clone();
    assert_eq!(first.len(), 1_500);
    let all = NewReplay { since: Some(since), given_up_only: false, number: None, by: "ivan".to_owned() };
    assert_eq!(world.replay("shop", all.clone()).await, Some(1_200));
    tokio::time::sleep(LOOK_EVERY).await;
    world.add("meanwhile").await;
    tokio::time::sleep(MINUTE).await;
    let again: Vec<_> = heard.0.lock().unwrap()[1_500..].to_vec();
    let ids = |told: &[(String, i64, String)]| told.iter().map(|(id, ..)| id.clone()).collect::<BTreeSet<_>>();
    let mut expected = ids(&first[300..]);
    expected.extend(again.iter().filter(|(.., number)| number == "meanwhile").map(|(id, ..)| id.clone()));
    assert_eq!((again.len(), ids(&again)), (1_201, expected));
    let one = NewReplay { number: Some(OrderNumber::new("A-7", 32).unwrap()), since: None, ..all };
    assert_eq!(world.replay("shop", one).await, Some(1_501));
    tokio::time::sleep(MINUTE).await;
    assert_eq!(heard.seqs()[2_701..], [8]);
    work.stop().await;
}

/// Told at least once, and rarely twice: what is told while the daemon dies is told again.
#[tokio::test(start_paused = true)]
async fn a_crash_tells_again_what_was_told_since_the_last_checkpoint_and_no_more() {
    let (world, heard) = (World::new(), Heard::default());
    let takes = |_: &Said, _: Timestamp| (Duration::from_millis(1), outcome(Verdict::Delivered));
    let mut work = world.notify("shop", "/here", &heard, takes);
    world.opened("shop").await;
    for nth in 0..100 {
        world.add(&format!("A-{nth}")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        if nth % 10 == 9 {
            work.kill().await;
            work = world.notify("shop", "/here", &heard, takes);
        }
    }
    world.all_told("shop").await;
    work.stop().await;
    assert_eq!(heard.by_order(), world.journal().await);
    let told = heard.seqs().len();
    assert!((100..=180).contains(&told), "{told}");
}
