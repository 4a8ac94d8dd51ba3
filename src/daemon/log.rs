//! What the journal gets, the log gets too: one event, one line, logged where it was written down.

use crate::domain::event::{EventKind, NewEvent};
use crate::domain::order::Order;

/// Logs an event that is on disk. What needs a person is a warning.
pub(super) fn event(order: &Order, event: &NewEvent) {
    let (kind, number, detail) = (event.kind.as_str(), &order.number, &event.detail);
    let (before, after) = (event.before.as_str(), event.after.as_str());
    if needs_a_person(event.kind) {
        tracing::warn!(merchant = %order.merchant, order.number = %number, kind, before, after, "Order {number}: {kind}: {detail}");
    } else {
        tracing::info!(merchant = %order.merchant, order.number = %number, kind, before, after, "Order {number}: {kind}: {detail}");
    }
}

const fn needs_a_person(kind: EventKind) -> bool {
    match kind {
        EventKind::ReviewOpened
        | EventKind::ResolutionProposed
        | EventKind::StatusUnrecognised
        | EventKind::HoldAtRisk
        | EventKind::CompletionRefused
        | EventKind::CompletionContradicted
        | EventKind::CompletionEscalated
        | EventKind::MoneyStopped
        | EventKind::ReversalRefused
        | EventKind::ReversalContradicted
        | EventKind::ReversalEscalated
        | EventKind::RefundRefused
        | EventKind::RefundWithdrawn
        | EventKind::RefundContradicted
        | EventKind::RefundEscalated
        | EventKind::DeclineRefused
        | EventKind::DeclineContradicted
        | EventKind::DeclineEscalated
        | EventKind::AutocompletionConflict
        | EventKind::LateApproval
        | EventKind::ReversedLate
        | EventKind::Chargeback => true,
        EventKind::Added
        | EventKind::Discovered
        | EventKind::Changed
        | EventKind::ReviewResolved
        | EventKind::ResolutionWithdrawn
        | EventKind::Parked
        | EventKind::Released
        | EventKind::Rescheduled
        | EventKind::CompletionIntended
        | EventKind::CompletionSent
        | EventKind::CompletionAnswered
        | EventKind::CompletionConfirmed
        | EventKind::CompletionWithdrawn
        | EventKind::MoneyStarted
        | EventKind::ReversalIntended
        | EventKind::ReversalSent
        | EventKind::ReversalAnswered
        | EventKind::ReversalConfirmed
        | EventKind::ReversalWithdrawn
        | EventKind::RefundIntended
        | EventKind::RefundSent
        | EventKind::RefundAnswered
        | EventKind::RefundConfirmed
        | EventKind::DeclineIntended
        | EventKind::DeclineSent
        | EventKind::DeclineAnswered
        | EventKind::DeclineConfirmed
        | EventKind::DeclineWithdrawn
        | EventKind::DeadlineChanged
        | EventKind::Refunded => false,
    }
}
