//! A crash between each pair of steps (money safety, section 3), and what becomes of the order: the table is the
//! documentation.
//!
//! A debug binary dies by itself at the points that `RECONCILED_DIE_AT` names. Where the crash is a matter of bytes on
//! the wire, a relay between daemon and bank lets so many of them through and the daemon is killed there. Then another
//! daemon is started on what is left, and everything has to come to its end: never two deposits, confirmed only what
//! the bank shows, nothing silent.

use std::os::unix::process::ExitStatusExt;

use reconciled::domain::money::Amount;
use reconciled::domain::operation::{CompletionAmount, OperationState};
use reconciled::domain::order::State;
use reconciled::sandbox::{FaultKind, FaultRule, Moment, Operation, Settings};
use reconciled::store::Store;

use crate::child::{Process, wire_order};
use crate::fixture::{HASTE, World, in_time, kinds, shop, wait_for};
use crate::hostile::{Deed, Front};
use crate::judge::{Promise, book_of_the_living, violations};

const AMOUNT: i64 = 10_000;
const PART: i64 = 7_000;

/// What a process that aborted ended by.
const SIGABRT: i32 = 6;

/// Where the first daemon dies.
enum Crash {
    /// At a point of peril, by its name.
    At(&'static str),
    /// At a point of peril, while the bank does this to the completion.
    AtWhile(&'static str, FaultKind),
    /// Killed when the bank has all but so many bytes of the completion's request; the rest never arrives.
    MidWrite(usize),
    /// Killed when the bank has read the whole request, which then goes like this.
    AfterWrite(FaultKind),
}

/// What became of it, once another daemon was started.
struct Outcome {
    /// Completion requests that reached the bank, of both daemons together.
    asked: usize,
    state: State,
    operation: OperationState,
}

/// The money was taken once, by one request.
const DONE: Outcome = Outcome { asked: 1, state: State::Deposited, operation: OperationState::Confirmed };
/// Nothing had come of the first send, and after the quiet time it was sent again.
const DONE_AGAIN: Outcome = Outcome { asked: 2, ..DONE };
/// Whether the part was taken cannot be told from absence: a person decides, and the bank is asked on.
const REVIEW: Outcome = Outcome { asked: 0, state: State::Review, operation: OperationState::InDoubt };
const REVIEW_ASKED: Outcome = Outcome { asked: 1, ..REVIEW };

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(debug_assertions), ignore = "a release binary does not die where it is told")]
async fn a_crash_at_any_point_ends_in_one_deposit_or_with_a_person() {
    let late = FaultKind::Delay { ms: 300, effect: Moment::Before };
    let taken = FaultKind::TimeoutAfterEffect { ms: 60_000 };
    let not_taken = FaultKind::TimeoutBeforeEffect { ms: 60_000 };
    let table = [
        // point, what becomes of a whole amount, what becomes of a part
        ("asked, before the intent's commit", Crash::At("before_intent"), DONE, DONE),
        ("intent on disk, nothing sent", Crash::At("after_intent"), DONE, REVIEW),
        ("witnessed, nothing sent", Crash::At("after_witness"), DONE, REVIEW),
        ("killed in the midst of the request", Crash::MidWrite(10), DONE, REVIEW),
        ("request read, effect at once", Crash::AfterWrite(taken.clone()), DONE, DONE),
        ("request read, effect a little later", Crash::AfterWrite(late), DONE, DONE),
        ("request read, never an effect", Crash::AfterWrite(not_taken), DONE_AGAIN, REVIEW_ASKED),
        ("answered, answer not written", Crash::At("after_answer"), DONE, DONE),
        ("no answer in time, not written", Crash::AtWhile("after_answer", taken), DONE, DONE),
        (
            "acknowledged without effect",
            Crash::AtWhile("after_answer", FaultKind::FalseSuccess),
            DONE_AGAIN,
            REVIEW_ASKED,
        ),
        ("refused, and yet taken", Crash::AtWhile("after_answer", FaultKind::FalseRefusal), DONE, DONE),
        ("answer written, no read has settled it", Crash::At("before_settling"), DONE, DONE),
        ("settled by a read", Crash::At("after_settling"), DONE, DONE),
        ("told to stop", Crash::At("stopping"), DONE, DONE),
    ];
    for (name, crash, whole, part) in &table {
        let exactly = CompletionAmount::Exactly(Amount::new(PART).unwrap());
        tokio::join!(check(name, crash, CompletionAmount::Whole, whole), check(name, crash, exactly, part));
    }
}

async fn check(name: &str, crash: &Crash, completion: CompletionAmount, expected: &Outcome) {
    let name = format!("{name}, {completion:?}");
    let world = World::new(Settings::default(), HASTE).await;
    let front = Front::start(world.bank.addr()).await;
    let config = world.config_behind(&front.rest_url());
    let id = world.register_two_phase("A-1", AMOUNT);
    world.bank.bank().pay(&id).unwrap();
    crash_there(&world, &front, &id, crash, completion).await;

    let _second = Process::start(&config.path).drained();
    let store = Store::open(&config.database).unwrap();
    // The two stand in the same commit, so whoever has the state has all of it.
    let found = wait_for(&store, "A-1", |found| {
        found.order.state == expected.state
            && found.operation.as_ref().is_some_and(|operation| operation.state == expected.operation)
    })
    .await;
    assert_eq!(world.completions("A-1").0, expected.asked, "{name}: requests");
    let deposited = match (expected.state, completion) {
        (State::Deposited, CompletionAmount::Whole) => AMOUNT,
        (State::Deposited, CompletionAmount::Exactly(_)) => PART,
        _ => 0,
    };
    let at_bank = world.bank.bank().order(&id).unwrap();
    assert_eq!((at_bank.deposited_minor, i64::from(at_bank.deposits)), (deposited, deposited.signum()), "{name}");
    let part = match completion {
        CompletionAmount::Whole => None,
        CompletionAmount::Exactly(_) => Some(PART),
    };
    let told = [("A-1".to_owned(), Promise { amount: AMOUNT, part })].into();
    let book = book_of_the_living(&config.database);
    let broken = violations(&told, &book, &world.bank.bank().ledger(), &world.bank.bank().orders());
    assert!(broken.is_empty(), "{name}: {broken:?}");
    assert!(kinds(&store, &found).await.len() > 2, "{name}: the journal tells what happened");
    if expected.state == State::Review {
        assert!(store.order(&shop(), "A-1").await.unwrap().order.next_look_at.is_some(), "{name}: asked on");
    }
}

/// The first daemon takes the order, and dies.
async fn crash_there(world: &World, front: &Front, id: &str, crash: &Crash, completion: CompletionAmount) {
    let point = match crash {
        Crash::At(point) | Crash::AtWhile(point, _) => Some(*point),
        Crash::MidWrite(_) | Crash::AfterWrite(_) => None,
    };
    if let Crash::AtWhile(_, fault) | Crash::AfterWrite(fault) = crash {
        let rule = FaultRule::always(fault.clone()).on(Operation::Completion).times(1);
        world.bank.bank().add_fault(rule).unwrap();
    }
    if let Crash::MidWrite(bytes) = crash {
        front.next(Operation::Completion, "A-1", id, Deed::CutRequest(*bytes));
    }
    let environment: Vec<_> = point.map(|point| ("RECONCILED_DIE_AT", point)).into_iter().collect();
    let mut first = Process::start_with(&world.path(), &environment);
    let mut order = wire_order("A-1", AMOUNT);
    if let CompletionAmount::Exactly(part) = completion {
        order["complete_amount"] = part.minor().into();
    }
    assert_eq!(first.post_order(&order).0, 201);
    match crash {
        Crash::At("stopping") => {
            // In the midst of it: the completion is at the bank, its answer is not here.
            in_time(front.seen(Operation::Completion, 1)).await;
            first.signal("-TERM");
        }
        Crash::At(_) | Crash::AtWhile(..) => {}
        Crash::MidWrite(_) => {
            in_time(front.seen(Operation::Completion, 1)).await;
            return first.kill_hard();
        }
        Crash::AfterWrite(_) => {
            in_time(world.asked_to_complete("A-1")).await;
            return first.kill_hard();
        }
    }
    assert_eq!(first.end().signal(), Some(SIGABRT), "it dies at {point:?}");
}
