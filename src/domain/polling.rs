//! When to look again: a pure policy by state and age, with jitter as an argument.
//!
//! No order is ever dropped: whatever its age, an open order has a next look no later than its state's bound, and an
//! order at an end is looked at on its late days, since refunds, reversals and late approvals still happen.

use std::time::Duration;

use super::order::{Order, State};
use super::time::Timestamp;

/// How often a merchant's orders are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookPolicy {
    /// Intervals for pending orders by age; the first whose `until_age` is not reached applies.
    pub pending: Vec<Tier>,
    /// Interval for pending orders older than every tier: they are never given up.
    pub pending_old: Duration,
    /// Interval for held orders: a clerk may reverse one, or the bank let it go.
    pub held: Duration,
    /// Interval for orders in review, whose latest view a person needs.
    pub review: Duration,
    /// Ages since its end at which an ended order is looked at once more, ascending.
    pub late: Vec<Duration>,
    /// How long after registration the payment page closes when the order does not say.
    pub payment_time: Duration,
    /// First wait after an unknown answer; doubles up to [`Self::backoff_max`].
    pub backoff: Duration,
    /// Longest wait after unknown answers.
    pub backoff_max: Duration,
}

/// One step of the intervals by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Applies to orders younger than this.
    pub until_age: Duration,
    /// The interval.
    pub every: Duration,
}

/// How long an order that cannot be read is left alone, its look and its operation's step: long enough not to be in the
/// way, short enough that a mended one is soon noticed. Nobody can read its merchant's settings into it, so it is
/// within every bound, whatever these are: put off for longer, it would be taken for what a wrong clock left behind,
/// and be due again at once.
pub const LEFT_ALONE_FOR: Duration = Duration::from_secs(300);

/// The longest that an order in `state` waits for its next look, spread included: whatever is planned later was planned
/// by a clock that was wrong, or by other settings. Nothing is silent for longer, as long as the daemon works.
pub fn bound(policy: &LookPolicy, state: State) -> Duration {
    let regular = match state {
        State::Pending => policy.pending.iter().map(|tier| tier.every).fold(policy.pending_old, Duration::max),
        State::Held => policy.held,
        State::Review => policy.review,
        // Counted from the end, and so an upper bound of what is still to come.
        State::Deposited | State::Reversed | State::Refunded | State::Declined => {
            policy.late.last().copied().unwrap_or_default()
        }
    };
    Jitter::LATEST.spread(regular.max(policy.backoff_max)).max(LEFT_ALONE_FOR)
}

/// How long after the payment time ran out the bank is asked: it closes the order then, and the look right after is
/// worth most.
const AFTER_EXPIRY: Duration = Duration::from_secs(2);

/// A random number that spreads looks: 0 to 999 per mille, drawn by the shell.
#[derive(Clone, Copy, Debug)]
pub struct Jitter(u16);

impl Jitter {
    /// Spreads latest of all: no draw comes later.
    const LATEST: Self = Self(1000);

    /// Takes any number; only its remainder by 1000 counts.
    pub const fn new(random: u16) -> Self {
        Self(random % 1000)
    }

    /// `interval` and up to a tenth more or less.
    fn spread(self, interval: Duration) -> Duration {
        interval.saturating_mul(u32::from(9_000 + self.0 * 2)) / 10_000
    }
}

/// When `order` is looked at next after an answer that told something (a refusal is one). `None`: nothing is expected
/// any more.
pub fn next_look(policy: &LookPolicy, order: &Order, now: Timestamp, jitter: Jitter) -> Option<Timestamp> {
    let in_a_while = |interval| Some(now.plus(jitter.spread(interval)));
    match order.state {
        State::Pending => Some(next_pending(policy, order, now, jitter)),
        State::Held => in_a_while(policy.held),
        State::Review => in_a_while(policy.review),
        State::Deposited | State::Reversed | State::Refunded | State::Declined => next_late(policy, order, now),
    }
}

/// When `order` is looked at next after an answer that told nothing, or refused to: backs off, and never sooner than
/// the gateway asked, as long as it asked for less than the bound.
pub fn next_look_backing_off(
    policy: &LookPolicy,
    order: &Order,
    asked_to_wait: Duration,
    now: Timestamp,
    jitter: Jitter,
) -> Timestamp {
    let doubled = 1_u32.checked_shl(order.unknown_in_a_row.min(16)).unwrap_or(u32::MAX);
    let wait = policy.backoff.saturating_mul(doubled).min(policy.backoff_max);
    now.plus(jitter.spread(wait).max(asked_to_wait.min(policy.backoff_max)))
}

/// When the payment page of `order` closes.
pub fn expires_at(policy: &LookPolicy, order: &Order) -> Timestamp {
    order.expires_at.unwrap_or_else(|| order.created_at.plus(policy.payment_time))
}

fn next_pending(policy: &LookPolicy, order: &Order, now: Timestamp, jitter: Jitter) -> Timestamp {
    let age = now.since(order.created_at);
    let tier = policy.pending.iter().find(|tier| age < tier.until_age);
    let next = now.plus(jitter.spread(tier.map_or(policy.pending_old, |tier| tier.every)));
    let right_after_expiry = expires_at(policy, order).plus(AFTER_EXPIRY);
    if now < right_after_expiry { next.min(right_after_expiry) } else { next }
}

/// Counted from the end, or from now when that lies in the future: a clock that was wrong wrote it, or is wrong now.
fn next_late(policy: &LookPolicy, order: &Order, now: Timestamp) -> Option<Timestamp> {
    let ended_at = order.state_since.min(now);
    policy.late.iter().map(|age| ended_at.plus(*age)).find(|at| *at > now)
}

#[cfg(test)]
mod tests;
