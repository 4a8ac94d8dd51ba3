//! The budget in every window: whoever asks, gives up or starts anew, whenever he does.

use proptest::prelude::*;
use tokio::task::JoinSet;

use super::*;

/// Between any two permits, those two included, there are at most `burst` and what the time between them is worth;
/// from the start there is no burst, since the bucket begins empty.
pub(super) fn check_windows(permits: &[Duration], period: Duration, burst: u32) {
    let worth = |time: Duration| usize::try_from(time.as_nanos() / period.as_nanos()).unwrap();
    let burst = usize::try_from(burst).unwrap();
    for (last, end) in permits.iter().enumerate() {
        assert!(last < worth(*end), "{} permits by {end:?} after the start", last + 1);
        for (first, begin) in permits[..=last].iter().enumerate() {
            let (count, time) = (last - first + 1, end.checked_sub(*begin).unwrap());
            assert!(count <= burst + worth(time), "{count} permits in {time:?} with {period:?} and {burst}");
        }
    }
}

/// Something that happens while others wait.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many ask for leave; each gives up after `patience` milliseconds, and keeps its place for `answer`.
    Ask {
        many: usize,
        purpose: Purpose,
        patience: u64,
        answer: u64,
    },
    Pass(u64),
    /// The bank has too much to do.
    TooMany(Option<u64>),
    /// The process ends, and the next one begins at once.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let purpose = prop_oneof![Just(Purpose::Look), Just(Purpose::Register), Just(Purpose::Money), Just(Purpose::Send)];
    prop_oneof![
        6 => (1_usize..20, purpose, 0_u64..20_000, 0_u64..500)
            .prop_map(|(many, purpose, patience, answer)| Step::Ask { many, purpose, patience, answer }),
        4 => (0_u64..3_000).prop_map(Step::Pass),
        1 => proptest::option::of(0_u64..5).prop_map(Step::TooMany),
        1 => Just(Step::Restart),
    ]
}

/// When leave was given, since the first start.
async fn given(budget: Budget, steps: Vec<Step>) -> Vec<Duration> {
    let begun = Instant::now();
    let given = Arc::new(Mutex::new(Vec::new()));
    let mut pacer = Arc::new(Pacer::new(&budget));
    let mut asking = JoinSet::new();
    for step in steps {
        match step {
            Step::Ask { many, purpose, patience, answer } => {
                for _ in 0..many {
                    let (pacer, given) = (Arc::clone(&pacer), Arc::clone(&given));
                    asking.spawn(async move {
                        if let Ok(permit) = timeout(Duration::from_millis(patience), pacer.permit(purpose)).await {
                            given.lock().unwrap().push(begun.elapsed());
                            tokio::time::sleep(Duration::from_millis(answer)).await;
                            drop(permit);
                        }
                    });
                }
                settle().await;
            }
            Step::Pass(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Step::TooMany(seconds) => pacer.too_many(Instant::now(), seconds.map(Duration::from_secs)),
            Step::Restart => {
                asking.shutdown().await;
                pacer = Arc::new(Pacer::new(&budget));
            }
        }
    }
    while asking.join_next().await.is_some() {}
    let mut given = std::mem::take(&mut *given.lock().unwrap());
    given.sort_unstable();
    given
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_window_holds_more_than_the_burst_and_what_its_time_is_worth(
        period_us in prop_oneof![Just(200_000_u64), Just(20_000), Just(2_000), 1_000_u64..3_000_000],
        burst in 1_u32..8,
        in_flight in 1_usize..6,
        reserve in 0_u32..=90,
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let period = Duration::from_micros(period_us);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let permits = runtime.block_on(given(budget(period, burst, in_flight, reserve), steps));
        check_windows(&permits, period, burst);
    }
}

/// At the usual burst, with work all the time: nearly all that is allowed is used, and no second has more than two per
/// cent above the rate, the first and that after a pause included.
#[tokio::test(start_paused = true)]
async fn what_is_allowed_is_used_and_no_second_is_much_too_full() {
    for rate in [5_u32, 50, 500] {
        let (period, rate) = (SECOND / rate, usize::try_from(rate).unwrap());
        let pacer = Pacer::new(&budget(period, Budget::usual_burst(period).get(), 4, Budget::RESERVE));
        let mut permits = Vec::new();
        let begun = Instant::now();
        for _ in 0..rate * 60 {
            drop(permit(&pacer, Purpose::Look).await);
            permits.push(begun.elapsed());
        }
        let used = rate * usize::try_from(begun.elapsed().as_millis()).unwrap() / 1_000;
        assert!(permits.len() * 100 >= used * 98, "{} of {used} at {rate}/s", permits.len());
        tokio::time::sleep(SECOND * 60).await;
        for _ in 0..rate * 3 {
            drop(permit(&pacer, Purpose::Money).await);
            permits.push(begun.elapsed());
        }
        for (first, at) in permits.iter().enumerate() {
            let second = permits.iter().skip(first).take_while(|permit| **permit < *at + SECOND).count();
            assert!(second * 100 <= rate * 102, "{second} in a second at {rate}/s");
        }
    }
}
