//! Holds: when the bank will let one go, and when its completion is due.

use std::time::Duration;

use super::bank::BankStatus;
use super::calendar::{CronPattern, Zone};
use super::order::{Hold, Order, State};
use super::time::Timestamp;

/// How a merchant's holds are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldPolicy {
    /// How long this bank keeps a hold. No public document says; ask yours.
    pub lifetime: Duration,
    /// How long before the lapse a hold is said to be at risk.
    pub warn_before: Duration,
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
pub fn hold(policy: &HoldPolicy, authorised_at: Option<Timestamp>, now: Timestamp) -> Hold {
    let begun_at = authorised_at.map_or(now, |authorised| authorised.min(now));
    Hold { held_at: now, lapses_at: begun_at.plus(policy.lifetime) }
}

/// When the completion of a held order is due; `None` while it is parked or waits for its release.
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

/// Whether the bank holds the money, as far as we know: a hold that is ours to complete, or one in review that the bank's
/// latest word still shows. Of any other order a remembered hold is history, and nothing will lapse.
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
    now >= hold.lapses_at.minus(policy.warn_before)
}

#[cfg(test)]
mod tests;
