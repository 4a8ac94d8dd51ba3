//! The daily quota over days, with crashes: whatever happens, no 24 hours have more.

use super::super::Pace;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn no_24_hours_have_more_than_the_quota_whoever_crashes_when() {
    const DAILY: u32 = 1_000;
    let file = File::new();
    let store = file.open();
    let mut sent: Vec<(Timestamp, u32)> = Vec::new();
    let (mut now, mut block) = (NOW, None);
    for round in 0_u32..900 {
        // Between a minute and twelve, and more is wanted than there is, but for one day.
        now = now.plus(MINUTE * (1 + round * 7 % 12));
        let unspent = block.take().filter(|_| !round.is_multiple_of(5));
        let until = now.plus(MINUTE * 11);
        let taken = store.take_requests(&shop(), DAILY, 20, unspent, until, now).await.unwrap();
        assert_eq!(taken.id.is_some(), taken.requests > 0);
        let spent = if (300..400).contains(&round) { 1 } else { taken.requests * (round % 4) / 3 }.min(taken.requests);
        // At once, or at the last moment.
        let at = if round.is_multiple_of(2) { now } else { until };
        sent.push((at, spent));
        block = taken.id.map(|id| (id, taken.requests - spent));
    }
    sent.sort_unstable();
    let mut fullest = 0;
    for (first, (from, _)) in sent.iter().enumerate() {
        let within = sent.iter().skip(first).take_while(|(at, _)| *at < from.plus(DAY));
        let sum: u32 = within.map(|(_, spent)| *spent).sum();
        assert!(sum <= DAILY, "{sum} in the 24 hours from {from}");
        fullest = fullest.max(sum);
    }
    assert!(fullest > DAILY * 3 / 4, "only {fullest} of it are ever used");
    assert!(store.requests_of_the_day(&shop(), now).await.unwrap() <= DAILY.into());
    assert_eq!(store.requests_of_the_day(&shop(), now.plus(DAY * 2)).await.unwrap(), 0);
}

/// Else a quota that was counted while the clock stood in another year would be used up until then.
#[tokio::test]
async fn what_a_clock_that_went_ahead_wrote_counts_for_a_day_and_no_longer() {
    let file = File::new();
    let store = file.open();
    let take = |wanted, now: Timestamp| {
        let (store, merchant) = (store.clone(), shop());
        async move { store.take_requests(&merchant, 100, wanted, None, now.plus(MINUTE), now).await.unwrap().requests }
    };
    assert_eq!(take(80, NOW.plus(DAY * 400)).await, 80);
    assert_eq!(take(80, NOW).await, 20, "they may have been sent just now");
    assert_eq!(take(80, NOW.plus(DAY + MINUTE)).await, 80);
}

#[tokio::test]
async fn how_a_bank_is_spared_is_there_for_whoever_asks() {
    let file = File::new();
    let store = file.open();
    assert_eq!(store.pace(&shop()).await.unwrap(), None);
    let pace = Pace { since: NOW, borne_per_mille: 500, is_used_up: true };
    for pace in [Some(pace), Some(Pace { borne_per_mille: 1_000, ..pace }), None] {
        store.note_pace(&shop(), pace).await.unwrap();
        assert_eq!(store.pace(&shop()).await.unwrap(), pace);
    }
}
