//! Holds: when the bank will let one go, when its completion is due, and what is done when none comes in time.
//!
//! All of it is computed from facts alone: when the hold was seen, when the bank says it was authorised, whose card it
//! is. Where a fact is missing the strictest assumption stands in for it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bank::{BankStatus, PaymentSystem};
use super::calendar::{CronPattern, Zone};
use super::lifecycle::Contradiction;
use super::order::{Hold, Order, State};
use super::time::Timestamp;

/// How a merchant's holds are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldPolicy {
    /// How long this bank keeps a hold. No public document says; ask yours.
    pub lifetime: Duration,
    /// How long it keeps one on a card of these payment systems.
    pub by_system: BTreeMap<PaymentSystem, Duration>,
    /// How long before the lapse it is said, once each, that the hold is at risk: descending, and never empty.
    pub warn_at: Vec<Duration>,
    /// How long before the lapse the policy acts on a hold that nothing completes in time.
    pub act_before: Duration,
    /// What it does then.
    pub at_deadline: AtDeadline,
}

/// What is done with a hold that nothing completes before its lapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtDeadline {
    /// A person decides.
    Review,
    /// It is completed then, rather than lost.
    Complete,
    /// It is reversed, so that the buyer has the money back at once.
    Reverse,
}

impl AtDeadline {
    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Complete => "complete",
            Self::Reverse => "reverse",
        }
    }
}

impl HoldPolicy {
    /// How long a hold on a card of `system` lives. Unknown, or not listed: the shortest of all that is known, since a
    /// deadline that comes too early costs a warning, and one too late costs the money.
    pub fn lifetime_of(&self, system: Option<&PaymentSystem>) -> Duration {
        system.and_then(|system| self.by_system.get(system)).copied().unwrap_or_else(|| self.shortest_lifetime())
    }

    /// The shortest lifetime of all.
    pub fn shortest_lifetime(&self) -> Duration {
        self.by_system.values().copied().fold(self.lifetime, Duration::min)
    }

    /// The widest warning: from here on a hold is at risk.
    pub fn first_warning(&self) -> Duration {
        self.warn_at.first().copied().unwrap_or(Duration::ZERO)
    }

    /// How many warnings a hold has earned by `now`.
    pub fn warnings_earned(&self, hold: Hold, now: Timestamp) -> u32 {
        let earned = self.warn_at.iter().filter(|level| now >= hold.lapses_at.minus(**level)).count();
        u32::try_from(earned).unwrap_or(u32::MAX)
    }
}

/// A warning's width as one word, for labels, events and reports: `48h`, `90m`, `30s`. Never `2d`: a person compares
/// the levels with one another.
pub fn level_word(level: Duration) -> String {
    let seconds = level.as_secs();
    match (seconds % 3_600, seconds % 60, level.subsec_millis()) {
        (0, _, 0) if seconds > 0 => format!("{}h", seconds / 3_600),
        (_, 0, 0) if seconds > 0 => format!("{}m", seconds / 60),
        (_, _, 0) => format!("{seconds}s"),
        _ => format!("{}ms", level.as_millis()),
    }
}

/// When held orders are completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionSchedule {
    /// This long after the hold.
    After(Duration),
    /// At the first slot of this pattern after the hold, in the merchant's zone.
    Window(Box<CronPattern>),
    /// Only once an operator, or the shop, releases the order.
    OnRelease,
}

/// The hold of an order first seen held now. The bank's own time of authorisation is believed only where it makes the
/// deadline earlier; it never makes a completion due, since a time in another zone or unit would make it due too early.
pub fn hold(
    policy: &HoldPolicy,
    system: Option<&PaymentSystem>,
    authorised_at: Option<Timestamp>,
    now: Timestamp,
) -> Hold {
    let begun_at = authorised_at.map_or(now, |authorised| authorised.min(now));
    Hold { held_at: now, begun_at, lapses_at: begun_at.plus(policy.lifetime_of(system)) }
}

/// The hold with its deadline as the present facts and settings have it.
pub fn counted_anew(policy: &HoldPolicy, hold: Hold, system: Option<&PaymentSystem>) -> Hold {
    Hold { lapses_at: hold.begun_at.plus(policy.lifetime_of(system)), ..hold }
}

/// The longest life that any hold may be said to have: card schemes let one live days to weeks.
pub const LONGEST_LIFE: Duration = Duration::from_secs(60 * 86_400);

/// How far ahead of the present clock a hold may have been seen: clocks are set by seconds every day.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// The hold as it can be true at `now`: one that lies in the future was written by a clock that was wrong then, or the
/// clock is wrong now. Counted from now, its completion comes no earlier than the schedule says by this clock, and its
/// deadline is the stricter of the two.
pub fn corrected(hold: Hold, now: Timestamp) -> Option<Hold> {
    (hold.held_at > now.plus(CLOCK_TOLERANCE)).then(|| Hold { held_at: now, begun_at: hold.begun_at.min(now), ..hold })
}

/// The hold as it was first seen, once the clock has come to that moment after all: it was right then, and wrong when
/// the hold was corrected. Without this the hold would count from the wrong past, and be completed too early.
pub fn believed_again(hold: Hold, order: &Order, now: Timestamp) -> Option<Hold> {
    let held_at = order.held_at_first.filter(|first| *first <= now)?;
    let authorised_at = order.view.as_ref().and_then(|seen| seen.view.authorised_at);
    let begun_at = authorised_at.map_or(held_at, |authorised| authorised.min(held_at));
    Some(Hold { held_at, begun_at, ..hold })
}

/// What is planned for a hold. At most one of the two: a completion that comes in time leaves nothing to decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// When its completion is due.
    pub complete_at: Option<Timestamp>,
    /// When the policy acts because no completion comes in time.
    pub deadline_at: Option<Timestamp>,
}

/// What is planned for `order` with its `hold`: the schedule's completion if it comes before the lapse, else the
/// policy's act at its margin. A parked hold is a person's word, and never completed by the policy; whoever has said
/// that a hold near its lapse shall stay as it is has settled that deadline.
pub fn plan(policy: &HoldPolicy, schedule: &CompletionSchedule, zone: &Zone, order: &Order, hold: Hold) -> Plan {
    let scheduled = complete_at(schedule, zone, order, hold);
    let act_at = hold.lapses_at.minus(policy.act_before);
    if near_lapse(hold).is_accepted(order) {
        return Plan { complete_at: scheduled, deadline_at: None };
    }
    if policy.at_deadline == AtDeadline::Complete && !order.parked {
        return Plan { complete_at: Some(scheduled.map_or(act_at, |at| at.min(act_at))), deadline_at: None };
    }
    match scheduled.filter(|at| *at < hold.lapses_at) {
        Some(in_time) => Plan { complete_at: Some(in_time), deadline_at: None },
        None => Plan { complete_at: None, deadline_at: Some(act_at) },
    }
}

/// What is done at the deadline of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlineAct {
    /// It is reversed.
    Reverse,
    /// It goes to review.
    Review,
}

/// What is done at the deadline of `order`. A completion that the policy wanted was planned before, and has no
/// deadline: where one stands all the same, the completion was tried and taken back, so a person decides.
pub fn at_deadline(policy: &HoldPolicy, order: &Order) -> DeadlineAct {
    match policy.at_deadline {
        AtDeadline::Reverse if !order.parked => DeadlineAct::Reverse,
        AtDeadline::Reverse | AtDeadline::Review | AtDeadline::Complete => DeadlineAct::Review,
    }
}

/// The reason of the review of a hold that nothing completes in time. Its code has the lapse in it: with another
/// deadline it is another matter.
pub const fn near_lapse(hold: Hold) -> Contradiction {
    Contradiction::HoldNearLapse { lapses_at: hold.lapses_at }
}

/// When the schedule makes the completion of a held order due; `None` while it is parked or waits for its release.
pub fn complete_at(schedule: &CompletionSchedule, zone: &Zone, order: &Order, hold: Hold) -> Option<Timestamp> {
    if order.parked {
        return None;
    }
    match schedule {
        CompletionSchedule::After(delay) => Some(hold.held_at.plus(*delay)),
        // A hold that was released after it had been parked waits for the next slot, not for one that has gone by.
        CompletionSchedule::Window(pattern) => {
            let from = order.released_at.map_or(hold.held_at, |released| released.max(hold.held_at));
            pattern.next_after(zone, from)
        }
        CompletionSchedule::OnRelease => order.released_at.map(|released| released.max(hold.held_at)),
    }
}

/// Whether the bank holds the money, as far as we know: a hold that is ours to complete, or one in review that the
/// bank's latest word still shows. Of any other order a remembered hold is history, and nothing will lapse.
pub fn stands(order: &Order) -> bool {
    let shown_held = || order.view.as_ref().is_some_and(|seen| seen.view.status == BankStatus::Held);
    match order.state {
        State::Held => true,
        State::Review => order.hold.is_some() && shown_held(),
        State::Pending | State::Deposited | State::Reversed | State::Refunded | State::Declined => false,
    }
}

/// Whether a hold is so near its lapse that somebody should know.
pub fn at_risk(policy: &HoldPolicy, hold: Hold, now: Timestamp) -> bool {
    now >= hold.lapses_at.minus(policy.first_warning())
}

#[cfg(test)]
mod tests;
