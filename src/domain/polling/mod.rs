//! When to look again: a pure policy by state and age, with jitter as an argument.
//!
//! A pending order is looked at when that shortens the expected time until an outcome is noticed by more than the look
//! costs. What is to be expected the merchant's own orders teach ([`History`]); when to look is found by a dynamic
//! programme over it ([`Plans`]); and the price of a look is steered so that the budget is just spent ([`Price`]). All
//! three are kept by an [`Almanac`]. Who would rather write the intervals himself writes them by age
//! ([`Pending::Tiers`]).
//!
//! While the bank's callbacks prove true, a look at an order that may be paid finds only what they did not tell, and is
//! dearer ([`Callbacks`]): looks become rare, and come back by themselves when callbacks stop.
//!
//! Under overload everybody's looks become rarer by the same rule: what is due is served in the order of its
//! worth.
//!
//! No order is ever dropped: whatever its age, an open order has a next look no later than its state's bound, and an
//! order at an end is looked at on its late days, since refunds, reversals and late approvals still happen.

#![expect(clippy::float_arithmetic, reason = "chances, and seconds of waiting: there is no money here")]

mod ages;
mod almanac;
mod callbacks;
mod history;
mod plan;
mod price;

pub use almanac::Almanac;
pub use callbacks::{Callbacks, Found, GRACE, Outcomes, Standing, StoredCallbacks, Tariff};
pub use history::{Hazard, History, Lesson};
pub use plan::{Costs, Plans, grid};
pub use price::{Price, Spending, Unreached};

use std::time::Duration;

use super::order::{Kind, Order, OrderKey, State};
use super::time::Timestamp;

/// How often a merchant's orders are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookPolicy {
    /// How it is decided when pending orders are looked at.
    pub pending: Pending,
    /// Interval for pending orders older than every tier, and the longest where it is learned: they are never given up.
    pub pending_old: Duration,
    /// Whether learned looks thin out while the bank's callbacks prove true.
    pub trust_callbacks: bool,
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

/// How it is decided when pending orders are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    /// By what the merchant's own orders have taught.
    Learned,
    /// Intervals by age; the first whose `until_age` is not reached applies.
    Tiers(Vec<Tier>),
}

impl Pending {
    /// The intervals by age, where they are written down.
    pub fn tiers(&self) -> &[Tier] {
        match self {
            Self::Learned => &[],
            Self::Tiers(tiers) => tiers,
        }
    }
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
        State::Pending => policy.pending.tiers().iter().map(|tier| tier.every).fold(policy.pending_old, Duration::max),
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

/// The same where it is learned how long the bank takes: the soonest that is tried.
const FIRST_AFTER_CLOSING: Duration = Duration::from_millis(20);

/// A look on one of the late days may wait so long before it is twice as urgent.
const LATE_WITHIN: Duration = Duration::from_secs(3_600);

/// A random number that spreads looks: 0 to 999 per mille, drawn by the shell.
#[derive(Clone, Copy, Debug)]
pub struct Jitter(u16);

impl Jitter {
    /// Spreads latest of all: no draw comes later.
    const LATEST: Self = Self(1000);

    /// Spreads nothing.
    pub const EVEN: Self = Self(500);

    /// Takes any number; only its remainder by 1000 counts.
    pub const fn new(random: u16) -> Self {
        Self(random % 1000)
    }

    /// `interval` and up to a tenth more or less.
    fn spread(self, interval: Duration) -> Duration {
        interval.saturating_mul(u32::from(9_000 + self.0 * 2)) / 10_000
    }
}

/// What a next look depends on besides the order: chance, and what was learned.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    jitter: Jitter,
    learned: Option<(&'a Plans, Tariff)>,
}

impl<'a> Outlook<'a> {
    /// With the plans for an order's kind and session, and what a look costs.
    pub const fn learned(plans: &'a Plans, tariff: Tariff, jitter: Jitter) -> Self {
        Self { jitter, learned: Some((plans, tariff)) }
    }
}

/// Nothing was learned, or nothing that concerns the order.
impl From<Jitter> for Outlook<'_> {
    fn from(jitter: Jitter) -> Self {
        Self { jitter, learned: None }
    }
}

/// When `order` is looked at next after an answer that told something (a refusal is one). `None`: nothing is expected
/// any more.
pub fn next_look<'a>(
    policy: &LookPolicy,
    order: &Order,
    now: Timestamp,
    outlook: impl Into<Outlook<'a>>,
) -> Option<Timestamp> {
    let outlook = outlook.into();
    let in_a_while = |interval| Some(now.plus(outlook.jitter.spread(interval)));
    match order.state {
        State::Pending => Some(next_pending(policy, Page::of(policy, order), now, outlook)),
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
    outlook: Outlook<'_>,
) -> Timestamp {
    let doubled = 1_u32.checked_shl(order.unknown_in_a_row.min(16)).unwrap_or(u32::MAX);
    let wait = policy.backoff.saturating_mul(doubled).min(policy.backoff_max);
    now.plus(outlook.jitter.spread(wait).max(asked_to_wait.min(policy.backoff_max)))
}

/// When the payment page of `order` closes.
pub fn expires_at(policy: &LookPolicy, order: &Order) -> Timestamp {
    order.expires_at.unwrap_or_else(|| order.created_at.plus(policy.payment_time))
}

/// When a payment page opened and when it closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// When the order was registered, as far as known.
    pub opened_at: Timestamp,
    /// When nobody can pay any more.
    pub closes_at: Timestamp,
}

impl Page {
    /// The page of `order`.
    pub fn of(policy: &LookPolicy, order: &Order) -> Self {
        Self { opened_at: order.created_at, closes_at: expires_at(policy, order) }
    }

    /// The age of its order, in seconds.
    fn age(self, at: Timestamp) -> f64 {
        at.since(self.opened_at).as_secs_f64()
    }

    /// How long it is open.
    pub fn session(self) -> Duration {
        self.closes_at.since(self.opened_at)
    }

    /// Whether a clock was ahead when it was written down, so that nobody can tell how old its order is.
    pub fn is_of_the_future(self, now: Timestamp) -> bool {
        self.opened_at > now
    }
}

/// When a pending order is looked at next that was found open at `now`. One of the future is new when its time comes,
/// and waits for it no longer than an old one does, nor than a page is open: it may have been paid or closed by then.
pub fn next_pending<'a>(policy: &LookPolicy, page: Page, now: Timestamp, outlook: impl Into<Outlook<'a>>) -> Timestamp {
    let outlook = outlook.into();
    let from = now.max(page.opened_at);
    let spread = |wait: Duration| outlook.jitter.spread(wait);
    let next = match (&policy.pending, outlook.learned) {
        (Pending::Learned, Some((plans, tariff))) => {
            planned(plans, page, from, tariff, outlook.jitter).min(from.plus(spread(policy.pending_old)))
        }
        (pending, _) => {
            let age = from.since(page.opened_at);
            let tier = pending.tiers().iter().find(|tier| age < tier.until_age);
            let next = from.plus(spread(tier.map_or(policy.pending_old, |tier| tier.every)));
            let right_after = page.closes_at.plus(AFTER_EXPIRY);
            if from < right_after { next.min(right_after) } else { next }
        }
    };
    if !page.is_of_the_future(now) {
        return next;
    }
    // What the bank says of its end may lie before what that clock says of its beginning.
    let session = page.session().max(SHORTEST_SESSION);
    next.min(now.plus(spread(policy.pending_old.min(session))))
}

/// No page is taken to be open for less.
const SHORTEST_SESSION: Duration = Duration::from_secs(60);

/// The plans' next look. One that waits for the page to close comes when it has; any other is spread a little, and
/// neither before it was worth its price nor much later.
fn planned(plans: &Plans, page: Page, now: Timestamp, tariff: Tariff, jitter: Jitter) -> Timestamp {
    let age = age_in(plans, page, now);
    let closes_at = plans.closes_at();
    let once_closed = || plans.next(age.max(closes_at), tariff.closed.seconds());
    let next = if age < closes_at { plans.next(age, tariff.open.seconds()) } else { once_closed() };
    // Nobody tells of a page that closed, so the look right after is worth what it is without callbacks.
    let next = if age < closes_at && next > closes_at && tariff.thinned() > 1.0 { once_closed() } else { next };
    if age < closes_at && next > closes_at {
        return page.closes_at.plus(Duration::from_secs_f64(next - closes_at));
    }
    let wait = now.plus(jitter.spread(Duration::try_from_secs_f64(next - age).unwrap_or(Duration::MAX)));
    // Plans are shared by sessions that are nearly as long: no look lies just before a page closes that was meant for
    // after.
    if now < page.closes_at && wait > page.closes_at { page.closes_at.plus(FIRST_AFTER_CLOSING) } else { wait }
}

/// The age of an order at `now` in its plans, which may be for pages that are open a little longer or shorter.
fn age_in(plans: &Plans, page: Page, now: Timestamp) -> f64 {
    if now < page.closes_at {
        now.since(page.opened_at).as_secs_f64().min(plans.closes_at())
    } else {
        plans.closes_at() + now.since(page.closes_at).as_secs_f64()
    }
}

/// An order whose look is due, as far as its turn depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub key: OrderKey,
    /// What we hold to be true.
    pub state: State,
    /// How it is paid, where somebody said so.
    pub kind: Option<Kind>,
    /// Its payment page.
    pub page: Page,
    /// When the bank last said that it was open; its registration where it never did.
    pub open_at: Timestamp,
    /// Since when its look is due.
    pub due_at: Timestamp,
    /// Somebody said that a look is worth it now (R11).
    pub is_hinted: bool,
}

impl Due {
    /// As it can be believed at `now`: what a clock that was ahead says of the last look says nothing.
    #[must_use]
    pub fn believed_at(self, now: Timestamp) -> Self {
        let open_at = if self.open_at > now { self.page.opened_at } else { self.open_at };
        Self { open_at, ..self }
    }
}

/// What is not worth this share of the price is put off. Less than the whole, since prices waver.
const WORTH_IT: f64 = 0.8;

/// A look that is worth it in a moment is not put off and put off again.
const PUT_OFF_LEAST: Duration = Duration::from_secs(1);

/// What speaks for a look that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Merit {
    /// Worth so much, in seconds of delay: the most goes first.
    Worth(f64),
    /// Worth less than its price, which it is worth then.
    NotBefore(Timestamp, f64),
}

/// Whether a look that is due is worth its price `now`. What has no plans, or no age, is.
pub fn merit(policy: &LookPolicy, due: &Due, now: Timestamp, learned: Option<&Plans>, tariff: Tariff) -> Merit {
    let due = due.believed_at(now);
    let learned = learned.filter(|_| !due.page.is_of_the_future(now));
    let worth = worth(policy, &due, now, learned, tariff);
    match learned {
        Some(plans) if worth < tariff.closed.seconds() * WORTH_IT => {
            let outlook = Outlook::learned(plans, tariff, Jitter::EVEN);
            let later = next_pending(policy, due.page, due.open_at, outlook);
            Merit::NotBefore(later.max(now.plus(PUT_OFF_LEAST)), worth)
        }
        _ => Merit::Worth(worth),
    }
}

/// Since when, or from when on, a look is due by its state's bound, whatever it finds.
pub fn late_since(policy: &LookPolicy, due: &Due) -> Timestamp {
    match due.state {
        State::Pending => due.open_at.plus(policy.pending_old).max(due.due_at),
        _ => due.due_at,
    }
}

/// What a look at an order is worth now, in seconds of delay, where looks cost by `tariff`. Everything but a pending
/// order is worth its price when it is due, and the more the longer it has waited, so that nothing waits for ever.
fn worth(policy: &LookPolicy, due: &Due, now: Timestamp, learned: Option<&Plans>, tariff: Tariff) -> f64 {
    if due.is_hinted {
        return f64::INFINITY;
    }
    let every = match due.state {
        State::Pending => policy.pending_old,
        State::Held => policy.held,
        State::Review => policy.review,
        State::Deposited | State::Reversed | State::Refunded | State::Declined => LATE_WITHIN,
    };
    let late_since = if learned.is_some() { late_since(policy, due) } else { due.due_at };
    let regular = if late_since <= now {
        tariff.closed.seconds() * (1.0 + now.since(late_since).as_secs_f64() / every.as_secs_f64().max(1.0))
    } else {
        0.0
    };
    // Of what a look would find while the page is open, callbacks would have told the most.
    let share = if now < due.page.closes_at { tariff.thinned().recip() } else { 1.0 };
    // Plans are finer than what is due, which is of whole milliseconds.
    let soon = now.plus(Duration::from_millis(1));
    let learned = learned
        .filter(|_| due.state == State::Pending)
        .map_or(0.0, |plans| share * plans.worth(age_in(plans, due.page, due.open_at), age_in(plans, due.page, soon)));
    learned.max(regular)
}

/// Counted from the end, or from now when that lies in the future: a clock that was wrong wrote it, or is wrong now.
fn next_late(policy: &LookPolicy, order: &Order, now: Timestamp) -> Option<Timestamp> {
    let ended_at = order.state_since.min(now);
    policy.late.iter().map(|age| ended_at.plus(*age)).find(|at| *at > now)
}

#[cfg(test)]
mod tests;
