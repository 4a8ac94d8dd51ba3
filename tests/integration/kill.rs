//! `kill -9` at any moment: the real binary is killed again and again on the same database while orders flow and the
//! bank misbehaves, and the checker looks at what is left each time.
//!
//! A dozen kills in every run; `RECONCILED_KILLS=300 cargo test --release --test integration kill -- --nocapture` is
//! the long one. Most kills are steered to where they hurt: into the time between a send's intent and its settling.
//! Where they truly fell is read from the database and the ledger afterwards, and a campaign that mostly missed fails.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reconciled::sandbox::{
    AnswerClass, Bank, Effect, Entry, FaultKind, FaultRule, LedgerLine, Moment, Operation, Probability, Registration,
    Settings,
};

use crate::child::{Process, command, post_order, wire_order};
use crate::fixture::{HASTE, LOGIN, World};
use crate::judge::{Kept, Promise, book_of_the_dead, book_of_the_living, violations};

/// In every run of the tests.
const KILLS: usize = 12;

/// Fewer kills than this between an intent and its settling, and the campaign has tried nothing. A dozen are too few for
/// a share: there it is one.
const PERCENT_BETWEEN: usize = 20;
const CAMPAIGN: usize = 100;

/// A send is waited for so long, on a busy machine: some lives have none.
const SENDS_WITHIN: Duration = Duration::from_secs(5);

/// How long the last daemon may take to bring every order to an end or to a person, on a busy machine.
const SETTLES_WITHIN: Duration = Duration::from_secs(120);

/// Where a kill fell, seen from the send that it hurt most; the later one here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Fall {
    /// While it started: nothing of its own was written.
    Starting,
    /// No completion was open.
    Idle,
    /// A completion was intended; nothing of it was sent by this process.
    Intended,
    /// What was in doubt had been sent by an earlier process.
    OlderDoubt,
    /// Between intent and settling: the bank has answered, or hung up, and no read has settled it.
    Unsettled,
    /// Between intent and settling: the bank has the request and has not answered.
    AtTheBank,
    /// Between intent and settling: the intent is written, the bank has seen no request.
    Unsent,
}

impl Fall {
    const ALL: [Self; 7] =
        [Self::Starting, Self::Idle, Self::Intended, Self::OlderDoubt, Self::Unsettled, Self::AtTheBank, Self::Unsent];

    fn is_between(self) -> bool {
        matches!(self, Self::Unsettled | Self::AtTheBank | Self::Unsent)
    }
}

impl std::fmt::Display for Fall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Starting => "while it started",
            Self::Idle => "nothing open",
            Self::Intended => "intended, nothing sent",
            Self::OlderDoubt => "in doubt since an earlier life",
            Self::Unsettled => "between: answered or hung up, not settled",
            Self::AtTheBank => "between: at the bank, not answered",
            Self::Unsent => "between: intent written, not at the bank",
        })
    }
}

/// What a kill waits for.
#[derive(Clone, Copy, Debug)]
enum Aim {
    /// A little after the process was started.
    Start,
    /// Any moment.
    Random,
    /// A completion request that is at the bank just now.
    Send,
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_at_any_moment_breaks_no_promise() {
    let kills = std::env::var("RECONCILED_KILLS").ok().map_or(KILLS, |count| count.parse().unwrap());
    let seed = std::env::var("RECONCILED_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("{kills} kills, RECONCILED_SEED={seed}");
    let settings = Settings { seed, faults: faults(), ..Settings::default() };
    // As many in doubt as may be, so that they do not keep the others from being sent: one kill in six leaves a part of
    // which nobody can tell, which waits for a person. And a sum that no day reaches: a long campaign completes for some
    // millions.
    let haste = HASTE.replace("in_doubt = 50", "in_doubt = 1000\ndaily_sum = \"100000000.00\"");
    let world = World::new(settings, &format!("{haste}in_flight = 16\n")).await;
    let config = world.config();
    let bank = world.bank.bank().clone();
    let campaign = move || {
        let mut campaign = Campaign::new(config, bank, seed);
        let begun = Instant::now();
        (0..kills).for_each(|nth| campaign.kill_once(nth));
        let took = begun.elapsed();
        campaign.settle();
        campaign.tell(took);
    };
    tokio::task::spawn_blocking(campaign).await.unwrap();
}

/// A daemon that is killed while it makes its database leaves one that the next start takes.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_at_the_very_first_start_leaves_a_database_that_the_next_start_takes() {
    for _ in 0..KILLS {
        let world = World::new(Settings::default(), HASTE).await;
        let path = world.config().path;
        let mut child = command(&path).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(fastrand::u64(..30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let next = Process::start(&path);
        assert_eq!(next.post_order(&wire_order("A-1", 100)).0, 201);
    }
}

/// What goes wrong at the bank while the daemon dies. Late effects come well within the second that this merchant takes
/// for quiet: the rules rest on that (money safety, section 1).
fn faults() -> Vec<FaultRule> {
    let (before, after) = (Moment::Before, Moment::After);
    let completions = [
        (FaultKind::Delay { ms: 60, effect: before }, 20),
        (FaultKind::Delay { ms: 250, effect: before }, 10),
        (FaultKind::Delay { ms: 150, effect: after }, 20),
        (FaultKind::TimeoutBeforeEffect { ms: 700 }, 5),
        (FaultKind::TimeoutAfterEffect { ms: 700 }, 5),
        (FaultKind::Reset { effect: before }, 4),
        (FaultKind::Reset { effect: after }, 4),
        (FaultKind::Error500 { effect: after }, 4),
        (FaultKind::Error503 { effect: before }, 4),
        (FaultKind::TooManyRequests { retry_after: Some("1".to_owned()) }, 2),
        (FaultKind::Garbage { shape: None, effect: after }, 4),
        (FaultKind::FalseSuccess, 4),
        (FaultKind::FalseRefusal, 4),
    ];
    let looks = [
        (FaultKind::Delay { ms: 100, effect: before }, 5),
        (FaultKind::StaleStatus, 5),
        (FaultKind::Error500 { effect: before }, 3),
        (FaultKind::Garbage { shape: None, effect: before }, 3),
        (FaultKind::Reset { effect: before }, 3),
    ];
    let rule = |operation| {
        move |(kind, percent)| FaultRule::always(kind).on(operation).with_probability(Probability::percent(percent))
    };
    let looks = looks.into_iter().map(rule(Operation::Status));
    completions.into_iter().map(rule(Operation::Completion)).chain(looks).collect()
}

struct Campaign {
    config: reconciled::config::Config,
    bank: Bank,
    chance: fastrand::Rng,
    /// What clients were told is recorded.
    told: Arc<Mutex<HashMap<String, Promise>>>,
    registered: usize,
    falls: HashMap<Fall, usize>,
}

impl Campaign {
    fn new(config: reconciled::config::Config, bank: Bank, seed: u64) -> Self {
        Self {
            config,
            bank,
            chance: fastrand::Rng::with_seed(seed),
            told: Arc::default(),
            registered: 0,
            falls: HashMap::new(),
        }
    }

    /// One life of the daemon, ended in its midst.
    fn kill_once(&mut self, nth: usize) {
        let aim = match nth % 10 {
            0 => Aim::Start,
            1..4 => Aim::Random,
            _ => Aim::Send,
        };
        match aim {
            Aim::Start => self.kill_at_start(),
            Aim::Random | Aim::Send => self.kill_at_work(aim),
        }
        self.check(&book_of_the_dead(&self.config.database));
    }

    fn kill_at_start(&mut self) {
        let mut child = command(&self.config.path).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(self.chance.u64(..15_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        *self.falls.entry(Fall::Starting).or_default() += 1;
    }

    fn kill_at_work(&mut self, aim: Aim) {
        let seen = self.bank.ledger().last().map_or(0, |line| line.seq);
        let began_at_ms = self.bank.now_ms();
        let mut process = Process::start(&self.config.path).drained();
        let till = self.open_till(&process);
        match aim {
            Aim::Send => {
                self.wait_for_a_send(seen);
                // Sometimes at once, sometimes when the answer is there.
                std::thread::sleep(Duration::from_millis(self.chance.choice([0, 0, 2, 10, 40, 120]).unwrap_or(0)));
            }
            Aim::Start | Aim::Random => std::thread::sleep(Duration::from_millis(self.chance.u64(..300))),
        }
        assert!(process.child.try_wait().unwrap().is_none(), "the daemon ended by itself");
        process.kill_hard();
        let ledger = self.bank.ledger_after(seen, usize::MAX);
        till.join().unwrap();
        let fall = where_it_fell(began_at_ms, &ledger, &book_of_the_dead(&self.config.database));
        *self.falls.entry(fall).or_default() += 1;
    }

    /// Registers a few orders at the bank, lets their buyers pay, and hands them over while the daemon works and dies.
    fn open_till(&mut self, process: &Process) -> JoinHandle<()> {
        let orders: Vec<_> = (0..self.chance.usize(1..5)).map(|_| self.register()).collect();
        let (address, told) = (process.address, Arc::clone(&self.told));
        std::thread::spawn(move || {
            for (number, promise) in orders {
                let mut order = wire_order(&number, promise.amount);
                if let Some(part) = promise.part {
                    order["complete_amount"] = part.into();
                }
                match post_order(address, &order) {
                    Some((201, _)) => told.lock().unwrap().insert(number, promise),
                    // Gone before it answered: recorded or not, both are right.
                    None => return,
                    Some(refused) => panic!("{number}: {refused:?}"),
                };
            }
        })
    }

    fn register(&mut self) -> (String, Promise) {
        self.registered += 1;
        let number = format!("K-{}", self.registered);
        let amount = self.chance.i64(100..1_000_000);
        let part = (self.chance.u8(..3) == 0).then(|| self.chance.i64(1..amount));
        let registration = Registration::new(LOGIN, &number, amount);
        let one_phase = part.is_none() && self.chance.u8(..6) == 0;
        let registration = if one_phase { registration } else { registration.two_phase() };
        let id = self.bank.register(registration).unwrap().order_id;
        self.bank.pay(&id).unwrap();
        (number, Promise { amount, part })
    }

    /// Until a completion that came after line `seen` waits for its answer, or none comes for a while.
    fn wait_for_a_send(&self, seen: u64) {
        let begun = Instant::now();
        let under_way = |line: &LedgerLine| {
            matches!(&line.entry, Entry::Request(request)
                if request.operation == Operation::Completion && request.answer == AnswerClass::Open)
        };
        while !self.bank.ledger_after(seen, usize::MAX).iter().any(under_way) && begun.elapsed() < SENDS_WITHIN {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn check(&self, book: &HashMap<String, Kept>) {
        let found = violations(&self.told.lock().unwrap(), book, &self.bank.ledger(), &self.bank.orders());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// The bank is sane again: the last daemon brings everything to an end or to a person.
    fn settle(&self) {
        self.bank.clear_faults();
        let _process = Process::start(&self.config.path).drained();
        let begun = Instant::now();
        loop {
            let book = book_of_the_living(&self.config.database);
            let open: Vec<_> = book.iter().filter(|(_, kept)| !kept.is_settled()).collect();
            if open.is_empty() {
                return self.check(&book);
            }
            let notes = || open.iter().map(|(_, kept)| kept.operation.as_ref().map(|it| &it.note)).collect::<Vec<_>>();
            assert!(begun.elapsed() < SETTLES_WITHIN, "still open: {open:#?}\n{:#?}", notes());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Prints the figures, and fails a campaign that tried nothing.
    fn tell(&self, took: Duration) {
        let book = book_of_the_dead(&self.config.database);
        let ledger = self.bank.ledger();
        let requests = ledger.iter().filter(
            |line| matches!(&line.entry, Entry::Request(request) if request.operation == Operation::Completion),
        );
        let taken = ledger
            .iter()
            .filter(|line| matches!(&line.entry, Entry::Effect(effect) if effect.effect == Effect::Completed));
        let kills: usize = self.falls.values().sum();
        let between: usize = Fall::ALL.iter().filter(|fall| fall.is_between()).map(|fall| self.fell(*fall)).sum();
        println!("{kills} kills in {took:.1?}; {between} of them between an intent and its settling:");
        for fall in Fall::ALL {
            println!("  {fall:<42} {}", self.fell(fall));
        }
        println!(
            "{} orders acknowledged, {} kept, {} in review; {} completion requests at the bank, {} took effect",
            self.told.lock().unwrap().len(),
            book.len(),
            book.values().filter(|kept| kept.state == "review").count(),
            requests.count(),
            taken.count(),
        );
        let wanted = if kills < CAMPAIGN { 1 } else { (kills * PERCENT_BETWEEN).div_ceil(100) };
        assert!(between >= wanted, "vacuous: {between} of {kills} kills hit a send");
    }

    fn fell(&self, fall: Fall) -> usize {
        self.falls.get(&fall).copied().unwrap_or(0)
    }
}

/// Where a kill fell, told by what the process left: a send of its own comes first, the least finished one before
/// others.
fn where_it_fell(began_at_ms: i64, ledger: &[LedgerLine], book: &HashMap<String, Kept>) -> Fall {
    let open =
        book.iter().filter_map(|(number, kept)| Some((number, kept.operation.as_ref().filter(|it| it.is_open())?)));
    open.map(|(number, operation)| match operation.sent_at_ms {
        _ if operation.state == "intended" => Fall::Intended,
        Some(sent_at_ms) if sent_at_ms >= began_at_ms => match answer_since(ledger, number, sent_at_ms) {
            None => Fall::Unsent,
            Some(AnswerClass::Open) => Fall::AtTheBank,
            Some(_) => Fall::Unsettled,
        },
        _ => Fall::OlderDoubt,
    })
    .max()
    .unwrap_or(Fall::Idle)
}

/// What the bank answered to the completion that was sent at `sent_at_ms`; `None` when it has not come.
fn answer_since(ledger: &[LedgerLine], number: &str, sent_at_ms: i64) -> Option<AnswerClass> {
    ledger.iter().rev().find_map(|line| match &line.entry {
        Entry::Request(request) if request.operation == Operation::Completion && line.at_ms >= sent_at_ms => {
            (request.order_number.as_deref() == Some(number)).then_some(request.answer)
        }
        Entry::Request(_) | Entry::Effect(_) => None,
    })
}
