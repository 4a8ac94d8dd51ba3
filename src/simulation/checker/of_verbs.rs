//! Queries about what people ordered for one order: that nothing of the kind is done unasked, nor more than was asked
//! for, nor twice.

use crate::domain::event::EventKind;
use crate::domain::operation::OperationKind;
use crate::domain::verbs::Verb;
use crate::sandbox::Effect;

use super::super::evidence::{Asked, BankEffect, Refund, Send};
use super::{Case, OfOrder, Rows, Terms};

/// Queries about what people ordered.
pub(super) const QUERIES: [(&str, OfOrder); 6] = [
    ("sent_without_order", sent_without_order),
    ("refunded_without_intent", refunded_without_intent),
    ("two_effects_of_one_refund", two_effects_of_one_refund),
    ("refunded_above_deposited", refunded_above_deposited),
    ("confirmed_without_giving_back", confirmed_without_giving_back),
    ("confirmed_without_closing", confirmed_without_closing),
];

/// Whether a person had ordered by then what a request asks for.
pub(super) fn is_ordered(case: &Case<'_>, request: &Asked) -> bool {
    let Some((_, verb)) = case.in_force(request.at_ms) else { return false };
    match (verb, request.send) {
        // The sum of all that is left is a read's to say.
        (Verb::Refund(asked), Some(Send::Refund(sent))) => asked.is_none_or(|asked| asked.minor() == sent),
        (Verb::Decline, Some(Send::Decline)) | (Verb::Reverse, Some(Send::Reversal)) => true,
        _ => false,
    }
}

/// A refund and a decline are sent only where a person ordered them, and did not take that back before they were sent.
fn sent_without_order(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let only_ordered = |request: &&&Asked| matches!(request.send, Some(Send::Refund(_) | Send::Decline));
    let sends = case.sends.iter().filter(only_ordered).filter(|request| !is_ordered(case, request));
    sends
        .map(|request| {
            format!("{:?} at {}, and {:?} was in force", request.send, request.at_ms, case.in_force(request.at_ms))
        })
        .collect()
}

/// What we gave back joins a written refund of the same sum, and a line of the witness from before it.
fn refunded_without_intent(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    // A clock that was set tells nothing of before and after.
    let is_before = |at_ms: i64, effect: &BankEffect| terms.clock_is_set || at_ms <= effect.at_ms;
    let is_written = |effect: &BankEffect| {
        case.refunds.iter().any(|(at_ms, refund)| refund.minor == effect.amount_minor && is_before(*at_ms, effect))
    };
    let is_witnessed = |effect: &BankEffect| {
        case.witnessed.iter().any(|line| {
            line.what.kind == OperationKind::Refund
                && line.expected_minor == effect.amount_minor
                && is_before(line.at_ms, effect)
        })
    };
    let unasked = case.refunds_of_ours().filter(|effect| !(is_written(effect) && is_witnessed(effect)));
    unasked.map(|effect| format!("{} were given back at {}", effect.amount_minor, effect.at_ms)).collect()
}

/// The refund of which a request was a send: the latest that had been decided by then, since one is open at a time.
fn refund_of<'a>(case: &'a Case<'_>, at_ms: i64) -> Option<&'a (i64, Refund)> {
    case.refunds.iter().rfind(|(decided_ms, _)| *decided_ms <= at_ms)
}

/// At most one effect of ours per refund that was ordered. Without a clock that tells which is whose, at most as many
/// of a sum as there were refunds of it.
fn two_effects_of_one_refund(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let mut rows = Vec::new();
    let mut carried_out: Vec<i64> = Vec::new();
    for (nth, effect) in case.refunds_of_ours().enumerate() {
        let minor = effect.amount_minor;
        let refunds = case.refunds.iter().filter(|(_, refund)| refund.minor == minor).count();
        let so_far = case.refunds_of_ours().take(nth + 1).filter(|other| other.amount_minor == minor).count();
        if so_far > refunds {
            rows.push(format!("{minor} were given back {so_far} times until {}, for {refunds} refunds", effect.at_ms));
        }
        let request = case.sends.iter().find(|request| Some(request.seq) == effect.request);
        let refund = request.and_then(|request| refund_of(case, request.at_ms)).filter(|_| !terms.clock_is_set);
        if let Some((decided_ms, _)) = refund {
            if carried_out.contains(decided_ms) {
                rows.push(format!("the refund of {decided_ms} gave back {minor} once more at {}", effect.at_ms));
            }
            carried_out.push(*decided_ms);
        }
    }
    rows
}

/// We never give back more than was taken, nor ask for it: what our earlier refunds gave back counts against each.
fn refunded_above_deposited(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let deposited = |ms: i64| case.deposited_until(ms).last().copied().unwrap_or_default();
    let given_back = |before_ms: i64| {
        let earlier = case.refunds_of_ours().filter(|effect| effect.at_ms < before_ms);
        earlier.fold(0_i64, |sum, effect| sum.saturating_add(effect.amount_minor))
    };
    let mut rows = Vec::new();
    let (refunded, taken) = (given_back(i64::MAX), deposited(terms.now_ms));
    if refunded > taken {
        rows.push(format!("{refunded} were given back, {taken} taken"));
    }
    for request in &case.sends {
        let Some(Send::Refund(asked)) = request.send else { continue };
        let Some((decided_ms, _)) = refund_of(case, request.at_ms).filter(|_| !terms.clock_is_set) else { continue };
        let (earlier, taken) = (given_back(*decided_ms), deposited(request.at_ms));
        if asked.saturating_add(earlier) > taken {
            rows.push(format!("{asked} were asked back at {}, after {earlier}, and {taken} taken", request.at_ms));
        }
    }
    rows
}

/// A refund is confirmed only once what was given back has grown by its sum.
fn confirmed_without_giving_back(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let at = case.events.iter().filter(|seen| seen.event.kind == EventKind::RefundConfirmed);
    let mut rows = Vec::new();
    for (operation, seen) in case.confirmed(OperationKind::Refund).zip(at) {
        let refunded = case.refunded_until(seen.at_ms);
        let sums = operation.expected_minor.zip(operation.refunded_before);
        let sum = sums.map(|(minor, before)| before.saturating_add(minor));
        if !sum.is_some_and(|sum| sum > 0 && refunded.contains(&sum)) {
            rows.push(format!("confirmed {sum:?} at {}, the bank had given back {refunded:?}", seen.at_ms));
        }
    }
    rows
}

/// A decline is confirmed only once the order is closed.
fn confirmed_without_closing(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let is_closed = |ms: i64| {
        let ends = |effect: &&&BankEffect| {
            matches!(
                effect.effect,
                Effect::CalledOff | Effect::Declined | Effect::Expired | Effect::Reversed | Effect::Lapsed
            )
        };
        case.effects.iter().filter(ends).any(|effect| effect.at_ms <= ms)
    };
    let at = case.events.iter().filter(|seen| seen.event.kind == EventKind::DeclineConfirmed);
    let declines = case.confirmed(OperationKind::Decline).zip(at);
    declines
        .filter(|(_, seen)| !is_closed(seen.at_ms))
        .map(|(_, seen)| format!("a decline is confirmed at {}, and the bank still had the order open", seen.at_ms))
        .collect()
}
