//! The policy on workloads, against the optimum and against fixed intervals; and the budget, in every window.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use super::findings::fullest;
use super::*;
use crate::config::Budget;

/// As many a second as the bank allows.
fn budget(rate: f64) -> Budget {
    Budget {
        period: Duration::from_secs_f64(1.0 / rate),
        burst: NonZeroU32::MIN.saturating_add(4),
        in_flight: NonZeroUsize::MIN.saturating_add(15),
        reserve: 0,
        daily: None,
    }
}

fn run_with(workload: &Arc<Workload>, rate: f64, schedule: Option<Schedule>) -> Findings {
    run(&Task {
        workload: Arc::clone(workload),
        budget: budget(rate),
        schedule,
        outage: None,
        callbacks: Callbacks::default(),
    })
    .unwrap()
}

/// A tenth of what the benchmark takes, and as much room: with fewer orders less can be learned.
#[test]
fn a_day_of_cards_is_noticed_nearly_as_soon_as_can_be_and_sooner_than_by_any_interval() {
    let workload = Arc::new(Shape::Card.draw(2_000, 3));
    let rate = 0.1;
    let learned = run_with(&workload, rate, None);
    let best = optimum(&workload, learned.looks_per_order, 1);
    assert!(learned.mean_s < best.mean_s * 1.3, "{learned:?} {best:?}");
    assert!(learned.never_noticed == 0.0 && learned.budget_used > 0.85, "{learned:?}");
    for every in [60, 300] {
        let fixed = run_with(&workload, rate, Some(Schedule::fixed(Duration::from_secs(every))));
        let is_as_cheap = fixed.looks <= learned.looks;
        assert!(fixed.mean_s > learned.mean_s, "every {every} s, as cheap: {is_as_cheap}: {fixed:?} {learned:?}");
    }
}

/// Every order is paid an hour after its page should have closed. The bug: nothing was learned of what comes so late, and
/// looks went on getting rarer, with two thirds of the budget left.
#[test]
fn regression_payments_long_after_a_page_should_have_closed_are_learned() {
    let late = |nth: i64| {
        let registered_ms = nth * 43_200;
        let (expires_ms, outcome_ms) = (registered_ms + 1_200_000, registered_ms + 5_000_000);
        Case { registered_ms, expires_ms, outcome: Outcome::Paid, outcome_ms }
    };
    let workload = Arc::new(Workload::new((0..2_000).map(late).collect()));
    let found = run_with(&workload, 0.16, None);
    assert!(found.mean_s < 400.0 && found.never_noticed == 0.0, "{found:?}");
}

#[test]
fn the_budget_holds_in_every_window_whatever_the_day_brings() {
    for (shape, rate) in [(Shape::Flash, 0.03), (Shape::Card, 0.5), (Shape::Abandoned, 0.03)] {
        let found = run_with(&Arc::new(shape.draw(300, 5)), rate, None);
        assert!(found.worst_window_ratio <= 1.000_001, "{}: {found:?}", shape.as_str());
        assert!(found.never_noticed == 0.0, "{}: {found:?}", shape.as_str());
    }
}

/// Twelve hours in which nobody answers; then whatever is overdue is noticed within the backlog divided by the budget,
/// twice over since new orders come meanwhile.
#[test]
fn after_an_outage_of_half_a_day_the_backlog_is_worked_off_within_the_budget() {
    let workload = Arc::new(Shape::Card.draw(400, 9));
    let (from, to) = (3_600_000, 46_800_000);
    let task = Task {
        workload: Arc::clone(&workload),
        budget: budget(0.2),
        schedule: None,
        outage: Some((from, to)),
        callbacks: Callbacks::default(),
    };
    let found = run(&task).unwrap();
    assert!(found.never_noticed == 0.0 && found.worst_window_ratio <= 1.000_001, "{found:?}");
    let backlog = workload.cases().iter().filter(|case| case.outcome_ms >= from && case.outcome_ms < to).count();
    let longest_s = 43_200.0 + 2.0 * super::findings::count(backlog) / 0.2;
    assert!(found.worst_s < longest_s, "{found:?}, {backlog} came meanwhile");
}

#[test]
fn a_schedule_that_ends_leaves_orders_behind_and_says_so() {
    let workload = Arc::new(Shape::Abandoned.draw(200, 1));
    let schedule = Schedule { delays: vec![Duration::from_secs(60); 3], repeat: None, stop_after: None };
    let found = run_with(&workload, 1.0, Some(schedule));
    assert!(found.never_noticed > 0.5, "{found:?}");
}

#[test]
fn a_run_again_finds_the_same() {
    let workload = Arc::new(Shape::App.draw(500, 2));
    assert_eq!(run_with(&workload, 0.05, None), run_with(&workload, 0.05, None));
}

#[test]
fn the_fullest_window_is_found() {
    let every_second: Vec<i64> = (0..100).map(|nth| nth * 1_000).collect();
    let at_once = [0, 0, 0, 0, 0, 0];
    let (even, _) = fullest(&every_second, 1.0, 1.0);
    let (burst, window) = fullest(&at_once, 5.0, 1.0);
    assert!((even - 1.0).abs() < 1e-9, "{even}");
    assert!((burst - 1.2).abs() < 1e-9 && window.requests == 6, "{burst} {window:?}");
    let (none, _) = fullest(&[], 5.0, 1.0);
    assert!(none == 0.0, "{none}");
}

/// Six within half a second are one too many, though no more than a second, or none at all, would allow.
#[test]
fn no_length_of_window_is_left_out() {
    let (ratio, window) = fullest(&[0, 100, 200, 300, 400, 500, 9_000], 5.0, 1.0);
    assert!((ratio - 6.0 / 5.5).abs() < 1e-9 && window.requests == 6, "{ratio} {window:?}");
    let mut random = fastrand::Rng::with_seed(4);
    for case in 0..200 {
        let mut asked: Vec<i64> = (0..random.usize(1..40)).map(|_| random.i64(0..20_000)).collect();
        asked.sort_unstable();
        let (burst, rate) = (1.0 + f64::from(random.u8(0..5)), 0.1 + random.f64() * 3.0);
        let mut most = 0.0_f64;
        for (from, begin) in asked.iter().enumerate() {
            for (to, end) in asked.iter().enumerate().skip(from) {
                let seconds = super::findings::float(end - begin) / 1_000.0;
                most = most.max(super::findings::count(to - from + 1) / (burst + rate * seconds));
            }
        }
        let (found, _) = fullest(&asked, burst, rate);
        assert!((found - most).abs() < 1e-9, "{case}: {found} instead of {most}: {asked:?}");
    }
}

/// Seconds since 1970, as most systems write them: half a century without an order is not waited for.
#[test]
fn it_does_not_matter_from_when_a_file_counts_its_seconds() {
    const DAYS_MS: i64 = 20_513 * 86_400_000;
    let workload = Shape::Card.draw(200, 5);
    let later = workload.cases().iter().map(|case| Case {
        registered_ms: case.registered_ms + DAYS_MS,
        expires_ms: case.expires_ms + DAYS_MS,
        outcome_ms: case.outcome_ms + DAYS_MS,
        outcome: case.outcome,
    });
    let later = Workload::new(later.collect());
    let day = |workload: Workload, from_ms: i64| {
        let outage = Some((from_ms + 30_000_000, from_ms + 31_000_000));
        let callbacks = Callbacks { share: 1.0, until_ms: Some(from_ms + 50_000_000) };
        run(&Task { workload: Arc::new(workload), budget: budget(0.02), schedule: None, outage, callbacks }).unwrap()
    };
    let (first, second) = (day(workload, 0), day(later, DAYS_MS));
    let figures = |found: &Findings| (found.looks, found.mean_s, found.p99_s, found.budget_used, found.worst_window);
    assert_eq!(figures(&first), figures(&second));
}

#[test]
fn no_more_than_the_whole_budget_is_used_however_few_orders_and_however_crowded() {
    let case = |registered_ms, after_ms| Case {
        registered_ms,
        expires_ms: registered_ms + 1_200_000,
        outcome_ms: registered_ms + after_ms,
        outcome: Outcome::Paid,
    };
    let sale = (0..500).map(|nth| case(70_000_000, nth * 1_000)).collect();
    for (name, cases) in [("one order", vec![case(5_000, 75_000)]), ("all at once", sale)] {
        let found = run_with(&Arc::new(Workload::new(cases)), 0.5, None);
        assert!(found.budget_used > 0.0 && found.budget_used <= 1.0, "{name}: {found:?}");
    }
}

#[test]
fn a_workload_is_read_and_what_is_wrong_is_named_with_its_line() {
    const HEAD: &str = "order,registered_at_s,expires_at_s,outcome_at_s,outcome\n";
    let read = |rows: &str| Workload::read(format!("{HEAD}{rows}").as_bytes());
    let workload = read("b,10.5,,20.25,paid\na,1,61,,expired\n").unwrap();
    let [a, b] = workload.cases() else { panic!("{workload:?}") };
    assert_eq!((a.registered_ms, a.expires_ms, a.outcome_ms, a.outcome), (1_000, 61_000, 61_000, Outcome::Expired));
    assert_eq!((b.registered_ms, b.expires_ms, b.outcome_ms, b.outcome), (10_500, 1_210_500, 20_250, Outcome::Paid));
    let capitals = read("a,1,61,61,DECLINED\nb,1,61,60,Declined\nc,1,61,9,PAID\nd,1,61,,None\n").unwrap();
    let outcomes: Vec<Outcome> = capitals.cases().iter().map(|case| case.outcome).collect();
    // The bank's word for a page that closed unpaid is a refusal.
    assert_eq!(outcomes, [Outcome::Expired, Outcome::Declined, Outcome::Paid, Outcome::Expired]);
    for (case, rows, named) in [
        ("no order", "", "no order"),
        ("no time", "a,x,,1,paid\n", "line 2: `x` is no time"),
        ("not registered", "a,1,,2,paid\nb,,,1,paid\n", "line 3: registered_at_s is empty"),
        ("an outcome of its own", "a,1,,2,perhaps\n", "line 2: `perhaps` is no outcome"),
        ("paid, and not when", "a,1,,,paid\n", "line 2: outcome_at_s is empty"),
        ("before it was registered", "a,5,,2,paid\n", "line 2: it ends before"),
        ("a column less", "a,5,,2\n", "line 2"),
    ] {
        let words = read(rows).map_or_else(|error| error.to_string(), |read| format!("{read:?}"));
        assert!(words.contains(named), "{case}: {words}");
    }
    let words = Workload::read("order,outcome\n".as_bytes()).unwrap_err().to_string();
    assert!(words.contains("there is no column registered_at_s"), "{words}");
}

#[test]
fn a_schedule_is_found_by_its_name() {
    const LIST: &str = r#"[{"id": "a", "delays_s": [1, 2], "repeat_s": 5, "stop_after_s": 20}, {"id": "b"}]"#;
    let schedule = Schedule::read(LIST, "a").unwrap();
    let waits: Vec<Option<u64>> =
        (0..4).map(|looks| schedule.wait(looks, Duration::from_secs(10)).map(|wait| wait.as_secs())).collect();
    assert_eq!(waits, [Some(1), Some(2), Some(5), Some(5)]);
    assert_eq!(schedule.wait(9, Duration::from_secs(16)), None, "beyond its end");
    assert_eq!(Schedule::read(LIST, "c").unwrap_err().to_string(), "it has no schedule `c`; it has a, b");
}

/// A shop of two thousand orders a day, at six or seven looks an order.
fn with_callbacks(shape: Shape, callbacks: Callbacks) -> Findings {
    let workload = Arc::new(shape.draw(2_000, 3));
    run(&Task { workload, budget: budget(0.16), schedule: None, outage: None, callbacks }).unwrap()
}

/// Of which share of payments the bank tells, and which share of the looks is left at most.
#[test]
fn callbacks_thin_the_looks_and_no_outcome_is_noticed_later() {
    let table: [(Shape, &[(f64, f64)]); 3] = [
        (Shape::Card, &[(1.0, 0.2), (0.99, 0.35), (0.95, 0.65)]),
        (Shape::App, &[(1.0, 0.2)]),
        // A payment every six minutes: it takes an hour until callbacks are trusted.
        (Shape::Abandoned, &[(1.0, 0.25)]),
    ];
    for (shape, shares) in table {
        let without = with_callbacks(shape, Callbacks::default());
        for (share, left) in shares {
            let with = with_callbacks(shape, Callbacks { share: *share, until_ms: None });
            let case = format!("{} {share}: {without:?} {with:?}", shape.as_str());
            assert!(super::findings::count(with.looks) <= super::findings::count(without.looks) * left, "{case}");
            assert!(with.p99_s <= without.p99_s && with.mean_s < without.mean_s, "{case}");
            assert!(with.never_noticed == 0.0 && with.worst_window_ratio <= 1.000_001, "{case}");
        }
    }
}

/// Every plan over the ages of a few outcomes, by trying all of them.
#[test]
fn no_plan_is_better_than_the_optimum() {
    let ages = [4_000, 9_000, 9_500, 30_000, 31_000, 70_000, 200_000, 600_000, 600_000, 600_000];
    let cases =
        ages.map(|outcome_ms| Case { registered_ms: 0, expires_ms: 600_000, outcome_ms, outcome: Outcome::Paid });
    let workload = Workload::new(cases.to_vec());
    let distinct: Vec<i64> = ages[..8].to_vec();
    let mut reached = 0;
    for chosen in 0_u32..1 << 7 {
        let looks: Vec<i64> =
            (0..8).filter(|nth| *nth == 7 || chosen & (1 << nth) != 0).map(|nth| distinct[nth]).collect();
        let noticed = ages.map(|age| looks.iter().position(|look| *look >= age).unwrap());
        let asked: usize = noticed.iter().map(|nth| nth + 1).sum();
        let waited: i64 = ages.iter().zip(noticed).map(|(age, nth)| looks[nth] - age).sum();
        let (per_order, mean_s) = (super::findings::count(asked) / 10.0, super::findings::float(waited) / 10_000.0);
        let best = optimum(&workload, per_order, 1);
        assert!(best.mean_s <= mean_s + 1e-6, "{looks:?}: {best:?} is worse than {mean_s}");
        reached += u32::from((best.mean_s - mean_s).abs() < 1e-6);
    }
    assert!(reached >= 3, "some plans are the best there are: {reached}");
}

#[test]
fn what_a_schedule_costs_is_what_the_engine_finds_when_nothing_limits_it() {
    let workload = Arc::new(Shape::App.draw(300, 4));
    for schedule in
        [Schedule::fixed(Duration::from_secs(60)), Schedule::read(PEERS, "hyperswitch_psync_default").unwrap()]
    {
        let (found, counted) = (run_with(&workload, 1_000.0, Some(schedule.clone())), sent(&workload, &schedule));
        assert!(found.looks.abs_diff(counted.looks) * 100 <= counted.looks, "{found:?} {counted:?}");
        assert!((found.mean_s - counted.mean_s).abs() < 1.0, "{found:?} {counted:?}");
        assert!((found.never_noticed - counted.never_noticed).abs() < 0.01, "{found:?} {counted:?}");
    }
}

/// Who foresees by the very orders is the optimum; and nobody within a budget is below its bound.
#[test]
fn what_is_foreseen_is_no_better_than_hindsight_and_no_run_is_below_the_bound() {
    let (rate, workload, truth) = (0.02, Arc::new(Shape::Flash.draw(150, 6)), Shape::Flash.draw(1_500, 7));
    let found = run_with(&workload, rate, None);
    let looks = found.looks_per_order;
    let (best, itself) = (optimum(&workload, looks, 1), foreseen(&workload, &workload, looks, 1));
    assert!((best.mean_s - itself.mean_s).abs() < best.mean_s * 0.01, "{best:?} {itself:?}");
    let known = foreseen(&workload, &truth, looks, 1);
    assert!(known.mean_s >= best.mean_s * 0.999, "{known:?} {best:?}");
    let bound = limited(&workload, &workload, Limit { rate, burst: 5.0, looks, stretches_s: &[300.0] }, 1);
    assert!(bound > best.mean_s * 0.9 && bound <= found.mean_s, "{bound} {best:?} {found:?}");
}
