//! Several logins on one budget.

use super::*;

/// Asks `count` times, a look every `every`, and says how long each waited for its leave.
async fn waits(pacer: Arc<Pacer>, every: Duration, count: usize) -> Vec<Duration> {
    let mut asking = Vec::new();
    for _ in 0..count {
        let pacer = Arc::clone(&pacer);
        asking.push(tokio::spawn(async move {
            let begun = Instant::now();
            drop(permit(&pacer, Purpose::Look).await);
            begun.elapsed()
        }));
        tokio::time::sleep(every).await;
    }
    let mut waits = Vec::new();
    for asked in asking {
        waits.push(asked.await.unwrap());
    }
    waits.sort_unstable();
    waits
}

/// Both have a budget of their own; one has a hundred times the looks of the other, and more than all of them.
#[tokio::test(start_paused = true)]
async fn a_login_with_a_hundred_times_the_load_does_not_move_anothers_waits() {
    const COUNT: usize = 300;
    // The small one's own limit is two a second, and its looks come in flurries: what it waits for is itself.
    let (own, flurry) = (budget(SECOND / 2, 1, 8, 20), SECOND * 5);
    let mut p99 = Vec::new();
    for load in [0, 100] {
        let shared = SharedBudget::new(SECOND / 20, NonZeroU32::MIN);
        let small = Arc::new(Pacer::sharing(&own, &shared));
        let large = Arc::new(Pacer::sharing(&budget(SECOND / 100, 5, 16, 20), &shared));
        let other = tokio::spawn(waits(
            Arc::clone(&large),
            flurry / 10 / load.max(1),
            COUNT * 10 * usize::try_from(load).unwrap(),
        ));
        let mut own_waits = Vec::new();
        for _ in 0..COUNT / 10 {
            own_waits.extend(waits(Arc::clone(&small), Duration::ZERO, 10).await);
            tokio::time::sleep(flurry).await;
        }
        own_waits.sort_unstable();
        p99.push(own_waits[own_waits.len() * 99 / 100]);
        other.abort();
        if load > 0 {
            let used = small.served() + large.served();
            assert!(
                large.served() > used * 7 / 10,
                "the rest of it goes to whoever has work: {} of {used}",
                large.served()
            );
        }
    }
    assert!(p99[1] * 10 <= p99[0] * 11, "p99 moved from {:?} to {:?}", p99[0], p99[1]);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_in_turn_and_within_both_limits() {
    let shared = SharedBudget::new(SECOND / 10, NonZeroU32::new(2).unwrap());
    let logins: Vec<_> = (0..3).map(|_| Arc::new(Pacer::sharing(&budget(SECOND / 8, 1, 4, 0), &shared))).collect();
    let begun = Instant::now();
    let permits = Arc::new(Mutex::new(Vec::new()));
    for (login, many) in logins.iter().zip([4_000, 400, 400]) {
        for _ in 0..many {
            let (login, permits) = (Arc::clone(login), Arc::clone(&permits));
            tokio::spawn(async move {
                drop(permit(&login, Purpose::Look).await);
                permits.lock().unwrap().push(begun.elapsed());
            });
        }
    }
    tokio::time::sleep(SECOND * 60).await;
    let served: Vec<_> = logins.iter().map(|login| login.served()).collect();
    assert!(served.iter().all(|served| (195..=201).contains(served)), "{served:?} of about 594");
    windows::check_windows(&permits.lock().unwrap(), SECOND / 10, 2);
    drop(logins);
}

/// A question of one login's money does not wait for the others' looks, however many.
#[tokio::test(start_paused = true)]
async fn money_of_any_login_goes_before_looks_of_all() {
    let shared = SharedBudget::new(SECOND, NonZeroU32::MIN);
    let own = budget(Duration::from_millis(10), 5, 4, 0);
    let logins: Vec<_> = (0..10).map(|_| Arc::new(Pacer::sharing(&own, &shared))).collect();
    tokio::time::sleep(SECOND / 10).await;
    let (tell, served) = mpsc::unbounded_channel();
    for login in &logins {
        wait(login, Purpose::Look, "look", &tell);
    }
    settle().await;
    wait(&logins[9], Purpose::Money, "question", &tell);
    wait(&logins[8], Purpose::Send, "send", &tell);
    settle().await;
    assert_eq!(names(served, 3).await, ["send", "question", "look"]);
}

/// Whoever is told to stop while it is his turn holds nobody up.
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_given_up_passes_on() {
    let shared = SharedBudget::new(SECOND, NonZeroU32::MIN);
    let own = budget(Duration::from_millis(10), 5, 4, 0);
    let [one, other] = [(); 2].map(|()| Arc::new(Pacer::sharing(&own, &shared)));
    tokio::time::sleep(SECOND / 10).await;
    let first = tokio::spawn({
        let one = Arc::clone(&one);
        async move { one.permit(Purpose::Look).await }
    });
    settle().await;
    let (tell, served) = mpsc::unbounded_channel();
    wait(&other, Purpose::Look, "other", &tell);
    settle().await;
    first.abort();
    drop(one);
    let begun = Instant::now();
    assert_eq!(names(served, 1).await, ["other"]);
    assert!(begun.elapsed() <= SECOND * 2);
}
