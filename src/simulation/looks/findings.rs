//! What a simulation found.

use serde::Serialize;

/// What came of a workload under a policy and a budget. Seconds are from the moment that the bank knew an outcome to
/// the moment that we did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// Orders of the workload.
    pub orders: usize,
    /// Requests sent.
    pub looks: usize,
    /// Requests for each order.
    pub looks_per_order: f64,
    /// Seconds until an outcome was noticed, on average over those that were.
    pub mean_s: f64,
    /// Half of them sooner.
    pub p50_s: f64,
    /// 95 in a hundred sooner.
    pub p95_s: f64,
    /// 99 in a hundred sooner.
    pub p99_s: f64,
    /// The longest.
    pub worst_s: f64,
    /// The share of orders of whose outcome nobody heard.
    pub never_noticed: f64,
    /// Requests as a share of what the budget allows from the first registration to the last.
    pub budget_used: f64,
    /// The fullest window as a share of burst + rate × t: 1 is the limit.
    pub worst_window_ratio: f64,
    /// And which that was.
    pub worst_window: Window,
    /// When callbacks were taken for something else than before, and what.
    pub callbacks: Vec<Turn>,
}

/// What callbacks were taken for from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// In seconds of the workload.
    pub at_s: f64,
    /// `trusted`, `doubted` or `stopped`.
    pub standing: &'static str,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Window {
    /// Its length in seconds.
    pub seconds: f64,
    /// Requests in it.
    pub requests: usize,
}

/// The fullest window, among those that begin with a request and are as long as one of these, in milliseconds: what is
/// more than the budget allows is so in a short one, since a long one only adds them up.
const LENGTHS_MS: [i64; 10] = [0, 200, 1_000, 2_000, 5_000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000];

/// The fullest window of requests at these moments, in milliseconds, ascending; and how full it is.
pub(super) fn fullest(asked_ms: &[i64], burst: f64, rate: f64) -> (f64, Window) {
    let mut fullest = (0.0, Window::default());
    for length_ms in LENGTHS_MS {
        let mut to = 0;
        for (from, begin) in asked_ms.iter().enumerate() {
            while asked_ms.get(to).is_some_and(|at| *at <= begin + length_ms) {
                to += 1;
            }
            let requests = to - from;
            let seconds = float(length_ms) / 1_000.0;
            let ratio = count(requests) / (burst + rate * seconds);
            if ratio > fullest.0 {
                fullest = (ratio, Window { seconds, requests });
            }
        }
    }
    fullest
}

/// The value below which so many per mille of `sorted` lie; zero of none.
pub(super) fn quantile(sorted: &[i64], per_mille: usize) -> f64 {
    let nth = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
    sorted.get(nth).copied().map_or(0.0, |ms| float(ms) / 1_000.0)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of days, and counts of orders")]
pub(super) const fn float(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of orders")]
pub(super) const fn count(value: usize) -> f64 {
    value as f64
}
