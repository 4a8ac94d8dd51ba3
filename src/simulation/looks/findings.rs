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
    /// Requests from the first registration to the last outcome, as a share of the burst + rate × t of that time, or of
    /// the daily quota where that is less.
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

/// Every step comes nearer, and after a handful none comes any more: this is for floats that would waver for ever.
const STEPS_MAX: usize = 50;

/// The fullest of all windows of requests at these moments, in milliseconds, ascending; and how full it is. A fullest
/// one begins and ends with a request. Of a fullness it is seen in one pass whether any window is beyond it, and the one
/// that is furthest beyond gives the next (Dinkelbach's way): no length of window is left out.
pub(super) fn fullest(asked_ms: &[i64], burst: f64, rate: f64) -> (f64, Window) {
    let begin = asked_ms.first().copied().unwrap_or_default();
    let mut fullest = (0.0, Window::default());
    for _ in 0..STEPS_MAX {
        let (ratio, _) = fullest;
        let (mut from, mut from_level) = ((0, 0.0), f64::INFINITY);
        let (mut most, mut best) = (0.0, None);
        for (nth, at) in asked_ms.iter().enumerate() {
            let at = float(at - begin) / 1_000.0;
            let level = count(nth) - ratio * rate * at;
            if level < from_level {
                (from, from_level) = ((nth, at), level);
            }
            let beyond = level - from_level + 1.0 - ratio * burst;
            if beyond > most {
                (most, best) = (beyond, Some(Window { seconds: at - from.1, requests: nth - from.0 + 1 }));
            }
        }
        let Some(window) = best else { break };
        let filled = count(window.requests) / (burst + rate * window.seconds);
        if filled <= ratio {
            break;
        }
        fullest = (filled, window);
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
