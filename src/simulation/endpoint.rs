//! The shop's endpoint, where a seed has one: away for days, failing at random, slow, full, or silent about what it took.
//!
//! Its bad luck is drawn from streams of its own, so that a seed without one is the seed that it was.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::Shop;
use crate::domain::delivery::{Outcome, Verdict};

use super::plan::{DAY, HOUR, MINUTE, one_of, within};

/// One seed in so many has an endpoint: each costs some tenths of a seed's time.
const ONE_IN: u64 = 4;

/// What stands behind the merchant's table.
pub(super) const TABLE: &str = r#"
[[merchant.webhook]]
name = "site"
url = "http://127.0.0.1:1/heard"
allow_private = true
keys = [{ public = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" }]
"#;

/// The longest that a shop may be away and still hear everything: what the daemon promises.
const AWAY_MAX: Duration = Duration::from_secs(72 * 3_600);

/// How long the daemon waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How an endpoint will be.
#[derive(Clone, Debug)]
pub(super) struct EndpointPlan {
    /// From when to when it is away, counted from the beginning.
    away: Vec<(Duration, Duration)>,
    /// How often it fails, in per cent.
    fails: u8,
    /// How often it takes a while.
    is_slow: u8,
    /// How often it takes an event, and its answer is lost.
    is_lost: u8,
    /// How often it has too much to do, and asks for time.
    is_full: u8,
    /// All this ends then.
    until: Duration,
}

/// What it heard.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// So many milliseconds after the beginning, of a clock that goes on whatever the host's does.
    pub(super) after_ms: i64,
    pub(super) id: String,
    pub(super) number: String,
    pub(super) body: Vec<u8>,
    /// Whether it took it, whatever it said.
    pub(super) is_taken: bool,
    /// What came of it, as the daemon sees it.
    pub(super) verdict: Verdict,
}

/// An endpoint at work.
pub(super) struct Endpoint {
    shop: Shop,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

/// The endpoint of `seed`, if it has one.
pub(super) fn draw(seed: u64, calm_from: Duration) -> Option<EndpointPlan> {
    if seed % ONE_IN != 1 {
        return None;
    }
    let mut chance = fastrand::Rng::with_seed(seed.rotate_left(32));
    let chance = &mut chance;
    Some(EndpointPlan {
        away: away(calm_from, chance),
        fails: one_of([0, 10, 10, 40], chance),
        is_slow: one_of([0, 5, 30], chance),
        is_lost: one_of([0, 2, 10], chance),
        is_full: one_of([0, 0, 2], chance),
        until: calm_from,
    })
}

/// A shop is away for minutes, or over a long weekend. Two absences of which the later begins when the earlier ends would
/// be one that is longer than may be.
fn away(calm_from: Duration, chance: &mut fastrand::Rng) -> Vec<(Duration, Duration)> {
    let mut all: Vec<(Duration, Duration)> = Vec::new();
    for _ in 0..one_of([0, 1, 1, 3], chance) {
        let longest = one_of([MINUTE * 10, HOUR * 6, DAY, AWAY_MAX, AWAY_MAX], chance).min(calm_from / 2);
        let from = within(calm_from.saturating_sub(longest), chance);
        let until = from + longest / 2 + within(longest / 2, chance);
        if all.iter().all(|other| until + HOUR < other.0 || other.1 + HOUR < from) {
            all.push((from, until));
        }
    }
    all
}

impl Endpoint {
    /// Opens it. Must be called within a runtime whose time is paused.
    pub(super) fn open(seed: u64, plan: EndpointPlan) -> Self {
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (hears, begun) = (Arc::clone(&heard), Instant::now());
        let chance = Mutex::new(fastrand::Rng::with_seed(!seed.rotate_left(32)));
        let shop = Shop::new(move |message, _| {
            let after = begun.elapsed();
            let mut chance = chance.lock().unwrap_or_else(PoisonError::into_inner);
            let Answer { wait, verdict, is_taken, retry_after } = plan.answer(after, &mut chance);
            hears.lock().unwrap_or_else(PoisonError::into_inner).push(Heard {
                after_ms: i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
                id: message.id.clone(),
                number: number(&message.body),
                body: message.body.clone(),
                is_taken,
                verdict,
            });
            (wait, Outcome { verdict, words: verdict.as_str().to_owned(), retry_after })
        });
        Self { shop, heard }
    }

    /// Whom a daemon tells.
    pub(super) fn shop(&self) -> Shop {
        self.shop.clone()
    }

    /// What it has heard since this was asked last.
    pub(super) fn take_heard(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What an endpoint does with an event.
struct Answer {
    wait: Duration,
    verdict: Verdict,
    is_taken: bool,
    retry_after: Option<Duration>,
}

impl EndpointPlan {
    fn answer(&self, after: Duration, chance: &mut fastrand::Rng) -> Answer {
        let quickly = Duration::from_millis(chance.u64(1..=200));
        let not_taken = |wait, verdict| Answer { wait, verdict, is_taken: false, retry_after: None };
        let taken = |wait, verdict| Answer { is_taken: true, ..not_taken(wait, verdict) };
        if after >= self.until {
            return taken(quickly, Verdict::Delivered);
        }
        if self.away.iter().any(|(from, until)| (*from..*until).contains(&after)) {
            // Refused at once, or not answered at all.
            return if chance.bool() {
                not_taken(quickly, Verdict::Unreachable)
            } else {
                not_taken(TIMEOUT, Verdict::TimedOut)
            };
        }
        let mut happens = |percent: u8| chance.u8(..100) < percent;
        if happens(self.fails) {
            return not_taken(quickly, Verdict::Failed);
        }
        if happens(self.is_full) {
            let asked = Duration::from_secs(chance.u64(1..7_200));
            return Answer { retry_after: Some(asked), ..not_taken(quickly, Verdict::Throttled) };
        }
        if happens(self.is_lost) {
            return taken(TIMEOUT, Verdict::TimedOut);
        }
        let wait = if happens(self.is_slow) { within(TIMEOUT, chance) } else { quickly };
        taken(wait, Verdict::Delivered)
    }
}

/// Whose event it is.
fn number(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body["data"]["order_number"].as_str().unwrap_or_default().to_owned()
}
