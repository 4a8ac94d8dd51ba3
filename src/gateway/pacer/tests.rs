//! The budget on tokio's paused clock: it stands still until everybody waits, and then leaps to whoever is due first.

use std::num::{NonZeroU32, NonZeroUsize};

use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;

mod sharing;
mod windows;

const SECOND: Duration = Duration::from_secs(1);

/// Ends a test that would wait for ever; the clock leaps, so it takes no time.
const LIMIT: Duration = Duration::from_secs(86_400);

fn pacer(period: Duration, burst: u32, in_flight: usize) -> Arc<Pacer> {
    Arc::new(Pacer::new(&budget(period, burst, in_flight, 0)))
}

fn budget(period: Duration, burst: u32, in_flight: usize, reserve: u32) -> Budget {
    let (burst, in_flight) = (NonZeroU32::new(burst).unwrap(), NonZeroUsize::new(in_flight).unwrap());
    Budget { period, burst, in_flight, reserve, daily: None }
}

async fn permit(pacer: &Pacer, purpose: Purpose) -> Permit {
    timeout(LIMIT, pacer.permit(purpose)).await.expect("nobody is ever served")
}

/// Sets a request waiting, which tells its name once it is served and gives its place back.
fn wait(pacer: &Arc<Pacer>, purpose: Purpose, name: &'static str, served: &mpsc::UnboundedSender<&'static str>) {
    let (pacer, served) = (Arc::clone(pacer), served.clone());
    tokio::spawn(async move {
        let permit = permit(&pacer, purpose).await;
        served.send(name).unwrap();
        drop(permit);
    });
}

/// Lets every task run as far as it gets without the clock.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

async fn names(mut served: mpsc::UnboundedReceiver<&'static str>, count: usize) -> Vec<&'static str> {
    let mut names = Vec::new();
    while names.len() < count {
        names.push(timeout(LIMIT, served.recv()).await.expect("not all are served").unwrap());
    }
    names
}

/// A shop waits for its registration, and no money does: after what moves money, before what only looks.
#[tokio::test(start_paused = true)]
async fn registrations_come_after_money_and_before_looks() {
    let pacer = pacer(SECOND, 1, 4);
    let (served, all) = mpsc::unbounded_channel();
    let waiting = [
        (Purpose::Look, "look"),
        (Purpose::Register, "registration"),
        (Purpose::Money, "question"),
        (Purpose::Send, "send"),
    ];
    for (purpose, name) in waiting {
        wait(&pacer, purpose, name, &served);
        settle().await;
    }
    assert_eq!(names(all, 4).await, ["send", "question", "registration", "look"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_saved_up_is_there_at_once_and_no_more_of_it() {
    let pacer = pacer(SECOND, 3, 8);
    tokio::time::sleep(SECOND * 100).await;
    let start = Instant::now();
    let mut waits = Vec::new();
    for _ in 0..5 {
        drop(permit(&pacer, Purpose::Look).await);
        waits.push(start.elapsed().as_secs());
    }
    assert_eq!(waits, [0, 0, 0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn money_overtakes_looks_that_wait_for_the_budget() {
    let pacer = pacer(SECOND, 1, 8);
    let (served, serving) = mpsc::unbounded_channel();
    for _ in 0..3 {
        wait(&pacer, Purpose::Look, "look", &served);
    }
    settle().await;
    wait(&pacer, Purpose::Money, "money", &served);
    wait(&pacer, Purpose::Money, "money", &served);
    assert_eq!(names(serving, 5).await, ["money", "money", "look", "look", "look"]);
}

/// The bug: places were given in the order in which they were asked for, and looks that had asked before went first.
#[tokio::test(start_paused = true)]
async fn regression_money_overtakes_looks_that_wait_for_a_place() {
    let pacer = pacer(Duration::from_millis(1), 100, 2);
    tokio::time::sleep(SECOND).await;
    let in_flight = [permit(&pacer, Purpose::Look).await, permit(&pacer, Purpose::Look).await];
    let (served, serving) = mpsc::unbounded_channel();
    for _ in 0..4 {
        wait(&pacer, Purpose::Look, "look", &served);
    }
    settle().await;
    wait(&pacer, Purpose::Money, "money", &served);
    settle().await;
    drop(in_flight);
    assert_eq!(names(serving, 5).await, ["money", "look", "look", "look", "look"]);
}

#[tokio::test(start_paused = true)]
async fn looks_in_every_place_hold_money_up_no_longer_than_their_answers_take() {
    let pacer = pacer(Duration::from_millis(10), 4, 4);
    let (served, serving) = mpsc::unbounded_channel();
    let start = Instant::now();
    for _ in 0..200 {
        let (pacer, served) = (Arc::clone(&pacer), served.clone());
        tokio::spawn(async move {
            let permit = permit(&pacer, Purpose::Look).await;
            tokio::time::sleep(SECOND * 2).await;
            drop(permit);
            served.send("look").unwrap();
        });
    }
    tokio::time::sleep(SECOND).await;
    let money = permit(&pacer, Purpose::Money).await;
    assert!(start.elapsed() <= SECOND * 3, "money waited until {:?}", start.elapsed());
    drop(money);
    assert_eq!(names(serving, 200).await.len(), 200, "and all of them are served in the end");
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_there_are_places() {
    let pacer = pacer(Duration::from_millis(1), 100, 2);
    let held = [permit(&pacer, Purpose::Look).await, permit(&pacer, Purpose::Money).await];
    for purpose in [Purpose::Look, Purpose::Money] {
        assert!(timeout(SECOND * 60, pacer.permit(purpose)).await.is_err(), "{purpose:?} found a third place");
    }
    drop(held);
    drop(permit(&pacer, Purpose::Look).await);
}

/// Neither the budget, nor a place, nor the looks' patience with money that has gone away.
#[tokio::test(start_paused = true)]
async fn giving_up_a_wait_costs_nothing() {
    let pacer = pacer(SECOND, 1, 1);
    let start = Instant::now();
    for purpose in [Purpose::Look, Purpose::Money, Purpose::Look, Purpose::Money] {
        assert!(timeout(Duration::from_millis(200), pacer.permit(purpose)).await.is_err());
    }
    let held = permit(&pacer, Purpose::Look).await;
    assert_eq!(start.elapsed().as_secs(), 1, "the first permit is there when it would have been");
    for purpose in [Purpose::Money, Purpose::Look] {
        assert!(timeout(SECOND * 10, pacer.permit(purpose)).await.is_err(), "the only place is taken");
    }
    drop(held);
    let start = Instant::now();
    drop(permit(&pacer, Purpose::Look).await);
    assert_eq!(start.elapsed(), Duration::ZERO, "one was saved up while the place was taken");
}

#[tokio::test(start_paused = true)]
async fn a_look_waits_no_longer_once_the_money_before_it_has_given_up() {
    let pacer = pacer(SECOND, 1, 1);
    let held = permit(&pacer, Purpose::Look).await;
    let (served, serving) = mpsc::unbounded_channel();
    let money = tokio::spawn({
        let pacer = Arc::clone(&pacer);
        async move { pacer.permit(Purpose::Money).await }
    });
    settle().await;
    wait(&pacer, Purpose::Look, "look", &served);
    settle().await;
    money.abort();
    drop(held);
    assert_eq!(names(serving, 1).await, ["look"]);
}

#[tokio::test(start_paused = true)]
async fn the_share_of_the_last_minute_follows_what_was_used() {
    let pacer = pacer(Duration::from_millis(100), 1, 8);
    assert_eq!(pacer.used_per_mille(), 0);
    for _ in 0..300 {
        drop(permit(&pacer, Purpose::Look).await);
    }
    let half = pacer.used_per_mille();
    assert!((490..=500).contains(&half), "300 of 600 in the last minute: {half}");
    for _ in 0..900 {
        drop(permit(&pacer, Purpose::Look).await);
    }
    let full = pacer.used_per_mille();
    assert!((970..=1_000).contains(&full), "as many as the budget allows: {full}");
    tokio::time::sleep(SECOND * 30).await;
    let half = pacer.used_per_mille();
    assert!((480..=520).contains(&half), "half a minute later: {half}");
    tokio::time::sleep(SECOND * 31).await;
    assert_eq!(pacer.used_per_mille(), 0, "a minute later");
    tokio::time::sleep(SECOND * 10_000).await;
    assert_eq!(pacer.used_per_mille(), 0);
}

/// Every question takes one permit, and every send one more soon after. Did they queue alike, three orders on a small
/// budget would each find its answer grown old by the time of its send, ask again, and never be completed.
#[tokio::test(start_paused = true)]
async fn a_send_does_not_wait_behind_the_questions_of_others() {
    let pacer = pacer(SECOND * 10, 1, 4);
    let (tell, served) = mpsc::unbounded_channel();
    for name in ["question 1", "question 2", "question 3"] {
        wait(&pacer, Purpose::Money, name, &tell);
    }
    settle().await;
    wait(&pacer, Purpose::Send, "send", &tell);
    assert_eq!(names(served, 4).await[0], "send");
}

/// Money without end, and a look and a registration still have their turns: one in ten each. The bug: they were to leave
/// alone what is kept for money, which was never there, because money took every request as soon as it was due.
#[tokio::test(start_paused = true)]
async fn regression_looks_and_registrations_are_not_starved_by_money() {
    for (requests, burst, reserve) in [(SECOND / 200, 20, 20), (SECOND / 5, 2, 20), (SECOND * 10, 1, 50)] {
        let pacer = Arc::new(Pacer::new(&budget(requests, burst, 8, reserve)));
        let (tell, mut served) = mpsc::unbounded_channel();
        for purpose in [Purpose::Money, Purpose::Look, Purpose::Register] {
            for _ in 0..50 {
                let (pacer, tell) = (Arc::clone(&pacer), tell.clone());
                tokio::spawn(async move {
                    loop {
                        drop(permit(&pacer, purpose).await);
                        if tell.send(purpose).is_err() {
                            return;
                        }
                    }
                });
            }
        }
        let mut served_to = [0; 4];
        for _ in 0..1_200 {
            served_to[served.recv().await.unwrap() as usize] += 1;
        }
        let [looks, registrations, money, _] = served_to;
        assert!((100..=120).contains(&looks), "{requests:?}: {served_to:?}");
        assert!((100..=120).contains(&registrations), "{requests:?}: {served_to:?}");
        assert!(money >= 960, "{requests:?}: {served_to:?}");
    }
}

/// Looks that go on without end, and all that is waited for comes to whoever asks for money: saved-up requests, and a
/// place in flight while the bank takes its time to answer.
#[tokio::test(start_paused = true)]
async fn looks_never_take_what_is_kept_for_money() {
    let pacer = Arc::new(Pacer::new(&budget(SECOND / 10, 20, 4, 20)));
    for _ in 0..50 {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move {
            loop {
                let permit = permit(&pacer, Purpose::Look).await;
                tokio::time::sleep(SECOND / 10).await;
                drop(permit);
            }
        });
    }
    for _ in 0..10 {
        tokio::time::sleep(SECOND * 30).await;
        let begun = Instant::now();
        for _ in 0..4 {
            drop(permit(&pacer, Purpose::Money).await);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "a fifth of twenty is saved up for money");
    }
    let pacer = Arc::new(Pacer::new(&budget(SECOND / 10, 20, 4, 20)));
    tokio::time::sleep(SECOND * 30).await;
    let mut looks = Vec::new();
    for _ in 0..3 {
        looks.push(permit(&pacer, Purpose::Look).await);
    }
    assert!(timeout(SECOND, pacer.permit(Purpose::Look)).await.is_err(), "the fourth place is not theirs");
    drop(permit(&pacer, Purpose::Money).await);
}

/// What a bank asks for when it has too much to do is kept to by everybody, and money is first when it is over.
#[tokio::test(start_paused = true)]
async fn a_bank_that_has_too_much_to_do_is_left_alone_and_money_goes_first_after() {
    let pacer = pacer(SECOND, 1, 4);
    drop(permit(&pacer, Purpose::Look).await);
    let (tell, mut served) = mpsc::unbounded_channel();
    wait(&pacer, Purpose::Look, "look", &tell);
    settle().await;
    let begun = Instant::now();
    pacer.too_many(begun, Some(SECOND * 30));
    assert!(pacer.is_throttled());
    wait(&pacer, Purpose::Money, "money", &tell);
    assert_eq!(timeout(LIMIT, served.recv()).await.unwrap(), Some("money"));
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(timeout(LIMIT, served.recv()).await.unwrap(), Some("look"));
    assert_eq!(begun.elapsed().as_secs(), 32, "at half the rate");
    assert!(pacer.borne_per_mille() < 1_000 && pacer.period() > SECOND);
    tokio::time::sleep(SECOND * 120).await;
    assert!(!pacer.is_throttled());
    assert_eq!(pacer.borne_per_mille(), 1_000, "and it climbs back");
}

/// A hundred requests a day, a fifth of them for money: looks stop at the eightieth, registrations at the ninetieth,
/// and money goes on to the last. Nothing leaves before its block is written down.
#[tokio::test(start_paused = true)]
async fn looks_leave_the_day_what_is_kept_for_money() {
    let daily = NonZeroU32::new(100);
    let pacer = Pacer::new(&Budget { daily, ..budget(Duration::from_millis(10), 1, 4, 20) });
    let give = |requests, beyond| pacer.fill(Block { requests, beyond, until: Instant::now() + SECOND * 600 });
    let served = async |purpose| timeout(SECOND * 30, pacer.permit(purpose)).await.is_ok();
    assert!(!served(Purpose::Send).await && pacer.wants_block(), "before there is a block");
    give(1, 99);
    assert!(served(Purpose::Look).await && !pacer.is_used_up());
    assert!(!served(Purpose::Look).await && pacer.wants_block(), "before the next");
    give(1, 19);
    assert!(!served(Purpose::Look).await && pacer.is_used_up());
    for purpose in [Purpose::Register, Purpose::Money] {
        give(1, 19);
        assert!(served(purpose).await, "{purpose:?}");
    }
    give(1, 9);
    assert!(!served(Purpose::Register).await);
    assert!(served(Purpose::Send).await);
    give(0, 0);
    assert!(!served(Purpose::Send).await && pacer.is_used_up(), "the day is over for everybody");
    assert_eq!(pacer.give_back(), 0);
    give(1, 20);
    assert!(!served(Purpose::Look).await, "one alone is not worth beginning again");
    give(1, 90);
    assert!(served(Purpose::Look).await && !pacer.is_used_up());
    give(1, 90);
    tokio::time::sleep(SECOND * 600).await;
    assert!(!served(Purpose::Look).await, "what was not spent in its time is given back");
    assert_eq!(pacer.give_back(), 1);
    assert!(pacer.period() > SECOND * 1_000, "and looks are planned to last the day");
}

/// A quota that is used up, and whoever fills it, which does so whenever it is told to. The bug: each block that was no
/// use to a look that waited had it ask again, which called for the next block, as fast as the disk could write them.
#[tokio::test(start_paused = true)]
async fn regression_a_quota_that_is_used_up_is_not_asked_for_again_and_again() {
    let daily = NonZeroU32::new(100);
    let pacer = Pacer::new(&Budget { daily, ..budget(Duration::from_millis(10), 1, 4, 20) });
    for (requests, beyond, waits_for) in [(0, 0, Purpose::Send), (1, 19, Purpose::Look)] {
        pacer.fill(Block { requests: 1, beyond: 90, until: Instant::now() + SECOND * 600 });
        assert!(timeout(SECOND, pacer.permit(Purpose::Look)).await.is_ok());
        let mut blocks = 0;
        let fill = async {
            while blocks < 100 {
                pacer.wants_attention().await;
                blocks += 1;
                pacer.give_back();
                pacer.fill(Block { requests, beyond, until: Instant::now() + SECOND * 600 });
            }
        };
        tokio::select! {
            _ = pacer.permit(waits_for) => panic!("there is nothing for {waits_for:?}"),
            () = fill => {}
            () = tokio::time::sleep(SECOND * 5) => {}
        }
        assert!(blocks <= 2, "{blocks} blocks for {waits_for:?} that waits");
    }
}

/// Money waits for the first request that there is, and registrations for the first that is not kept from them, however
/// little that is: looks alone wait for more.
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_quota_goes_on_as_soon_as_there_is_something_for_him() {
    let daily = NonZeroU32::new(100);
    let table = [
        (Purpose::Send, [(0, 0), (0, 0)], (1, 0)),
        (Purpose::Money, [(0, 0), (0, 0)], (1, 0)),
        (Purpose::Register, [(0, 0), (1, 9)], (1, 10)),
        (Purpose::Look, [(0, 0), (1, 19)], (1, 21)),
    ];
    for (purpose, too_little, enough) in table {
        let pacer = Pacer::new(&Budget { daily, ..budget(Duration::from_millis(10), 1, 4, 20) });
        let give = |(requests, beyond)| {
            pacer.fill(Block { requests, beyond, until: Instant::now() + SECOND * 600 });
        };
        let mut waits = pin!(pacer.permit(purpose));
        for block in too_little {
            assert!(timeout(SECOND, waits.as_mut()).await.is_err(), "{purpose:?} before {block:?}");
            pacer.give_back();
            give(block);
        }
        assert!(timeout(SECOND, waits.as_mut()).await.is_err(), "{purpose:?} before {enough:?}");
        pacer.give_back();
        give(enough);
        assert!(timeout(SECOND, waits).await.is_ok(), "{purpose:?} with {enough:?}");
    }
}
