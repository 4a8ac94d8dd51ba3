//! What a day brings, moment by moment: an outage, and callbacks that stop.

use std::num::{NonZeroU32, NonZeroUsize};

use super::super::findings::quantile;
use super::*;
use crate::daemon::Purpose;
use crate::domain::polling::Standing;
use crate::simulation::looks::{Case, Shape};

const HOUR_MS: i64 = 3_600_000;

fn noticed(task: &Task) -> Noticed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(simulate(task))
}

/// A day of 200 orders at six requests a minute, of which twelve hours have no bank.
#[test]
fn an_outage_of_twelve_hours_costs_probes_alone_and_is_worked_off_within_the_budget() {
    let (from, to) = (HOUR_MS, 13 * HOUR_MS);
    let period = Duration::from_secs(10);
    let (burst, in_flight) = (NonZeroU32::new(5).unwrap(), NonZeroUsize::new(16).unwrap());
    let workload = Arc::new(Shape::Card.draw(200, 1));
    let budget = Budget { period, burst, in_flight, reserve: 0, daily: None };
    let task = Task {
        workload: Arc::clone(&workload),
        budget,
        schedule: None,
        outage: Some((from, to)),
        callbacks: Callbacks::default(),
    };
    let noticed = noticed(&task);
    // A probe is given up after ten seconds, and the next one comes half a minute later.
    let probes = noticed.asked_ms.iter().filter(|at| (from..to).contains(*at)).count();
    assert!((1_000..=1_110).contains(&probes), "{probes} requests in the outage");
    assert_eq!(noticed.delays_ms.len(), workload.cases().len(), "nothing is lost");
    let backlog: Vec<i64> = noticed
        .delays_ms
        .iter()
        .zip(&noticed.known_at)
        .filter(|(delay, at)| **at >= to && *at - *delay < to)
        .map(|(_, at)| *at)
        .collect();
    let last = backlog.iter().max().unwrap();
    // Until the next probe; then one look for each that was overdue, and for the few that come meanwhile.
    let allowed = 40_500 + i64::try_from(backlog.len()).unwrap() * 10_000 * 5 / 4;
    assert!(backlog.len() > 80 && last - to <= allowed, "{} within {} ms of {allowed}", backlog.len(), last - to);
}

/// Orders in doubt are asked about without end, by as many at once as there are places. The bug: no look left then, for
/// minutes, however long its order had been due: it waited for something to be saved up, which money never left it.
#[test]
fn regression_outcomes_are_noticed_however_much_money_there_is_to_ask_about() {
    let (burst, in_flight) = (NonZeroU32::new(20).unwrap(), NonZeroUsize::new(8).unwrap());
    let budget = Budget { period: Duration::from_millis(500), burst, in_flight, reserve: 20, daily: None };
    let workload = Arc::new(Shape::Card.draw(200, 1));
    let task = Task { workload, budget, schedule: None, outage: None, callbacks: Callbacks::default() };
    let question = async |pacer: &Pacer| {
        loop {
            let permit = pacer.permit(Purpose::Money).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(permit);
        }
    };
    let beside_money = async |pacer: &Pacer| {
        tokio::join!(question(pacer), question(pacer), question(pacer), question(pacer), question(pacer));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let noticed = runtime.block_on(simulate_beside(&task, beside_money));
    assert_eq!(noticed.delays_ms.len(), task.workload.cases().len());
    // A tenth of two a second is a look every five seconds, and orders come every seven minutes.
    let worst = noticed.delays_ms.iter().max().unwrap();
    assert!(*worst < 300_000, "noticed after {worst} ms");
}

/// Six orders in doubt, each asked about every two minutes, take every other turn of six a minute and empty what the
/// start has not filled yet. The bug: looks waited for two minutes each until something had been saved up.
#[test]
fn regression_looks_take_the_turns_that_money_leaves_while_something_is_saved_up() {
    let (burst, in_flight) = (NonZeroU32::new(20).unwrap(), NonZeroUsize::new(8).unwrap());
    let budget = Budget { period: Duration::from_secs(10), burst, in_flight, reserve: 20, daily: None };
    let paid = Case { registered_ms: 0, expires_ms: 1_200_000, outcome: Outcome::Paid, outcome_ms: 1 };
    let workload = Arc::new(Workload::new(vec![paid; 60]));
    let task = Task { workload, budget, schedule: None, outage: None, callbacks: Callbacks::default() };
    let in_doubt = async |pacer: &Pacer| {
        loop {
            let asked_at = Instant::now();
            for _ in 0..6 {
                drop(pacer.permit(Purpose::Money).await);
            }
            tokio::time::sleep_until(asked_at + Duration::from_secs(120)).await;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let noticed = runtime.block_on(simulate_beside(&task, in_doubt));
    let looks = noticed.asked_ms.iter().filter(|at| **at < 360_000).count();
    // Of 36 turns money takes 18, and four fill what is kept for it. Every other of the rest is saved at most.
    assert!(looks >= 7, "{looks} looks in six minutes");
}

/// Seconds until outcomes were noticed that came from a moment on: half of them, and 99 in a hundred.
fn noticed_within(noticed: &Noticed, from_ms: i64) -> [f64; 2] {
    let known = noticed.delays_ms.iter().zip(&noticed.known_at);
    let mut delays_ms: Vec<i64> =
        known.filter(|(delay, at)| **at - **delay >= from_ms).map(|(delay, _)| *delay).collect();
    delays_ms.sort_unstable();
    [500, 990].map(|per_mille| quantile(&delays_ms, per_mille))
}

/// At noon the callbacks stop. A payment comes every seventy seconds: after five of them there is doubt, after three
/// that looks found the alert, once; and the afternoon is as it would have been without callbacks.
#[test]
fn when_callbacks_stop_looks_come_back_within_minutes_and_one_alert_is_raised() {
    const NOON_MS: i64 = 12 * HOUR_MS;
    const APART_MS: i64 = 70_000;
    let workload = Arc::new(Shape::Card.draw(2_000, 3));
    let (burst, in_flight) = (NonZeroU32::new(5).unwrap(), NonZeroUsize::new(16).unwrap());
    let budget = Budget { period: Duration::from_secs_f64(6.25), burst, in_flight, reserve: 0, daily: None };
    let day =
        |callbacks| noticed(&Task { workload: Arc::clone(&workload), budget, schedule: None, outage: None, callbacks });
    let without = day(Callbacks::default());
    for share in [1.0, 0.99] {
        let with = day(Callbacks { share, until_ms: Some(NOON_MS) });
        let since_noon: Vec<(i64, Standing)> = with.turns.iter().filter(|(at, _)| *at > NOON_MS).copied().collect();
        let [(doubted_ms, Standing::Doubted), (stopped_ms, Standing::Stopped)] = *since_noon.as_slice() else {
            panic!("{share}: {since_noon:?}");
        };
        assert!(doubted_ms - NOON_MS <= 6 * APART_MS, "{share}: doubted after {} ms", doubted_ms - NOON_MS);
        assert!(stopped_ms - doubted_ms <= 6 * APART_MS, "{share}: stopped {} ms later", stopped_ms - doubted_ms);
        let alerts = with.turns.iter().filter(|(_, standing)| *standing == Standing::Stopped).count();
        assert_eq!(alerts, 1, "{share}: {:?}", with.turns);
        let [of_half, of_99] = noticed_within(&with, doubted_ms);
        let [of_half_without, of_99_without] = noticed_within(&without, doubted_ms);
        assert!(of_half <= of_half_without * 1.2, "{share}: half within {of_half} s, and {of_half_without} s without");
        assert!(of_99 <= of_99_without * 1.2, "{share}: 99 % within {of_99} s, and {of_99_without} s without");
    }
}

/// Three days at a bank that counts by the day and burst at will: no 24 hours hold more than the quota, most of it is
/// used, and every outcome is noticed.
#[test]
fn no_day_holds_more_than_its_quota() {
    const DAILY: u32 = 400;
    let day = |nth: i64| {
        let later = nth * 24 * HOUR_MS;
        let drawn = Shape::Card.draw(200, nth.unsigned_abs()).cases().to_vec();
        drawn.into_iter().map(move |case| Case {
            registered_ms: case.registered_ms + later,
            expires_ms: case.expires_ms + later,
            outcome_ms: case.outcome_ms + later,
            ..case
        })
    };
    let workload = Arc::new(Workload::new((0..3).flat_map(day).collect()));
    let (burst, in_flight) = (NonZeroU32::new(50).unwrap(), NonZeroUsize::new(16).unwrap());
    let period = Duration::from_millis(20);
    let budget = Budget { period, burst, in_flight, reserve: 0, daily: NonZeroU32::new(DAILY) };
    let callbacks = Callbacks::default();
    let noticed = noticed(&Task { workload: Arc::clone(&workload), budget, schedule: None, outage: None, callbacks });
    assert_eq!(noticed.delays_ms.len(), workload.cases().len(), "nothing is lost");
    let asked = &noticed.asked_ms;
    let within =
        |from: &i64| asked.partition_point(|at| *at < from + 24 * HOUR_MS) - asked.partition_point(|at| at < from);
    let most = asked.iter().map(within).max().unwrap();
    assert!(most <= DAILY as usize, "{most} requests in 24 hours");
    assert!(asked.len() > 3 * DAILY as usize * 8 / 10, "{} requests in three days", asked.len());
}
