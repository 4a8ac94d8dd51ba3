//! What the shop is told, and when: an endpoint takes the journal's events, each order's in their order.
//!
//! An event that an endpoint does not take is told again, later and later, for three days; then it is given up, which is
//! written down and never silent. An endpoint that takes nothing from several orders is down: one event at a time asks
//! whether it is there again, and when it is, everything that waited goes at once. [`backlog`] decides all of it.

pub mod address;
pub mod backlog;

#[cfg(test)]
mod tests;

pub use backlog::{Backlog, Settled};

use std::fmt;
use std::time::Duration;

use super::event::{Event, EventKind};
use super::order::{MerchantId, NameError, OrderNumber, State};
use super::time::Timestamp;

/// How long an event is told again, from the first time on: three days, and so much more that whatever failed when a
/// shop went away for three days is told a dozen times after it came back.
pub const RETRY_FOR: Duration = Duration::from_secs(75 * 60 * 60);

/// The wait after the first failure; it doubles up to the longest.
const BACKOFF_FIRST: Duration = Duration::from_secs(5);

/// The longest wait: a shop that came back hears from us within it, and one request in it is no burden.
const BACKOFF_MAX: Duration = Duration::from_secs(15 * 60);

/// The longest that an endpoint may ask to be left alone (`Retry-After`): more would leave too few tries at the end of
/// three days, and a slip of its pen would silence it for a year.
pub const ASKED_MAX: Duration = Duration::from_secs(60 * 60);

/// Endpoints are down once events of so many orders failed and none went through since: what fails for one order alone
/// says nothing of the others.
const DOWN_AFTER: usize = 3;

/// Events that wait beside an endpoint's place in the journal at most; further ones wait in the journal itself. Enough
/// for a thousand orders at once, and little to read at a start.
pub const WINDOW: usize = 1_000;

/// Nobody waits so long between two tries. Where it is longer nobody was there to try: the daemon was not at work, or the
/// endpoint was not in the configuration or was disabled. That time does not count against an event.
pub const UNTRIED_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// An endpoint by the name the configuration gives it, unique for its merchant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName(MerchantId);

impl EndpointName {
    /// As a merchant's name: it is a metric's label too.
    pub fn new(text: &str) -> Result<Self, NameError> {
        MerchantId::new(text).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which of its merchant's events an endpoint is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of these kinds; none is all.
    pub kinds: Vec<EventKind>,
    /// After which the order stands so; none is all.
    pub states: Vec<State>,
    /// Only where the order's state is another one than before.
    pub changes_only: bool,
}

impl Filter {
    /// Whether it is told `event`.
    pub fn takes(&self, event: &Event) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.states.is_empty() || self.states.contains(&event.after))
            && (!self.changes_only || event.before != event.after)
    }
}

/// What came of telling an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It took it: a 2xx, or a program's exit code 0.
    Delivered,
    /// It wants no more, ever: 410.
    Gone,
    /// It has too much to do: 429, or 503.
    Throttled,
    /// It points elsewhere, where nobody follows: 3xx.
    Redirected,
    /// It says that the fault is ours: another 4xx, or whatever is no answer.
    Refused,
    /// It failed: another 5xx, or a program's other exit code.
    Failed,
    /// It did not answer, or end, in time.
    TimedOut,
    /// It was not reached, or broke off; or a program could not be started.
    Unreachable,
    /// Its name leads to an address where no shop may be.
    Forbidden,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Delivered,
        Self::Gone,
        Self::Throttled,
        Self::Redirected,
        Self::Refused,
        Self::Failed,
        Self::TimedOut,
        Self::Unreachable,
        Self::Forbidden,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::Throttled => "throttled",
            Self::Redirected => "redirected",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Forbidden => "forbidden",
        }
    }

    /// The verdict of an answer's HTTP status.
    pub const fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            300..=399 => Self::Redirected,
            410 => Self::Gone,
            429 | 503 => Self::Throttled,
            500..=599 => Self::Failed,
            _ => Self::Refused,
        }
    }
}

/// What came of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// In a word.
    pub verdict: Verdict,
    /// In words for people, without address or secret.
    pub words: String,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// An event that an endpoint has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event's number.
    pub seq: i64,
    /// Whose it is: an order's later events wait for its earlier ones.
    pub number: OrderNumber,
    /// Since when it waits beside the endpoint's place in the journal.
    pub admitted_at: Timestamp,
    /// When it was told first; `None` before.
    pub first_tried_at: Option<Timestamp>,
    /// How often it was told in vain.
    pub failures: u32,
    /// When it is told next.
    pub next_try_at: Timestamp,
    /// What came of the latest try.
    pub words: Option<String>,
}

impl Delivery {
    /// One that was never tried, due at once.
    pub const fn new(seq: i64, number: OrderNumber, now: Timestamp) -> Self {
        Self { seq, number, admitted_at: now, first_tried_at: None, failures: 0, next_try_at: now, words: None }
    }

    /// The same as if it were new: the time in which nobody was there to try does not count.
    #[must_use]
    pub fn anew(self, now: Timestamp) -> Self {
        Self { words: self.words, ..Self::new(self.seq, self.number, now) }
    }
}

/// The wait after `failures` in a row, between the half and the whole of what doubles each time: `random` spreads it, by
/// its remainder by 1000.
pub fn backoff(failures: u32, random: u16) -> Duration {
    let doubled =
        BACKOFF_FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1).min(16)).unwrap_or(u32::MAX));
    doubled.min(BACKOFF_MAX).saturating_mul(1_000 + u32::from(random % 1_000)) / 2_000
}

/// The wait that an endpoint asks for, as far as it is granted: never none at all, and never more than [`ASKED_MAX`].
pub fn granted(asked: Duration) -> Duration {
    asked.clamp(BACKOFF_FIRST, ASKED_MAX)
}
