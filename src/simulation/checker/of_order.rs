//! Queries about one order: what was sent for it, what the bank did, and where it stands.

use std::time::Duration;

use crate::domain::event::EventKind;
use crate::domain::holds::{AtDeadline, CompletionSchedule};
use crate::domain::operation::{Operation, OperationKind, OperationState};
use crate::domain::order::State;
use crate::domain::time::Timestamp;
use crate::domain::verbs::Verb;
use crate::sandbox::Effect;

use super::super::evidence::{ActKind, Asked, Intended, Send, ToldAct, Witnessed};
use super::of_verbs::is_ordered;
use super::{Case, OfOrder, Rows, Terms};

/// Queries about one order.
pub(super) const QUERIES: [(&str, OfOrder); 16] = [
    ("two_effects_of_ours", two_effects_of_ours),
    ("sent_without_intent", sent_without_intent),
    ("sent_without_witness", sent_without_witness),
    ("sum_above_intent", sum_above_intent),
    ("confirmed_without_deposit", confirmed_without_deposit),
    ("confirmed_without_letting_go", confirmed_without_letting_go),
    ("sent_after_parking", sent_after_parking),
    ("two_open_operations", two_open_operations),
    ("acknowledged_and_lost", acknowledged_and_lost),
    ("silent", silent),
    ("overdue", overdue),
    ("unseen", unseen),
    ("forbidden_transition", forbidden_transition),
    ("early", early),
    ("unsettled", unsettled),
    ("book_differs_from_bank", book_differs_from_bank),
];

/// At most one effect of ours per order.
fn two_effects_of_ours(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    case.effects_of_ours()
        .skip(1)
        .map(|effect| format!("another {} were taken or let go at {}", effect.amount_minor, effect.at_ms))
        .collect()
}

/// Every request that moves money joins one written intent of the same kind and amount.
fn sent_without_intent(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let is_known = |send: Send| {
        let is_summed = match send {
            Send::Refund(asked) => case.refunds.iter().any(|(_, refund)| refund.minor == asked),
            Send::Completion(_) | Send::Reversal | Send::Decline => true,
        };
        is_summed && case.intended.iter().any(|intended| is_same(send, intended))
    };
    let mut rows = Vec::new();
    for (nth, request) in case.sends.iter().enumerate() {
        let written = case.intents.iter().filter(|intent| intent.at_ms <= request.at_ms).count();
        if written <= nth {
            rows.push(format!("request {} at {} found {written} intents written", nth + 1, request.at_ms));
        }
        if let Some(send) = request.send.filter(|send| !is_known(*send)) {
            rows.push(format!("request {} at {} asked for {send:?}, which nothing intends", nth + 1, request.at_ms));
        }
    }
    rows
}

/// Every request that moves money joins a line of the witness that was written before it and says the same; and every
/// line joins an intent.
fn sent_without_witness(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let mut rows = Vec::new();
    for (nth, request) in case.sends.iter().enumerate() {
        // A clock that was set tells nothing of before and after.
        let before = |line: &&&Witnessed| terms.clock_is_set || line.at_ms <= request.at_ms;
        let lines = case.witnessed.iter().filter(before).count();
        let says_the_same = request.send.is_some_and(|send| case.witnessed.iter().any(|line| is_witnessed(send, line)));
        if lines <= nth || !says_the_same {
            rows.push(format!(
                "{:?} at {} is number {}, and the witness has {lines}",
                request.send,
                request.at_ms,
                nth + 1
            ));
        }
    }
    if case.witnessed.len() > case.intents.len() {
        rows.push(format!("the witness has {} sends, and {} were intended", case.witnessed.len(), case.intents.len()));
    }
    rows
}

fn is_witnessed(send: Send, line: &Witnessed) -> bool {
    let is_summed = match send {
        Send::Refund(asked) => line.expected_minor == asked,
        Send::Completion(_) | Send::Reversal | Send::Decline => true,
    };
    is_summed && is_same(send, &line.what)
}

fn is_same(send: Send, intended: &Intended) -> bool {
    match (send, intended.kind) {
        (Send::Reversal, kind) => kind == OperationKind::Reversal,
        (Send::Decline, kind) => kind == OperationKind::Decline,
        // The wire's 0 is the whole.
        (Send::Completion(asked), OperationKind::Completion) => asked == intended.minor.unwrap_or(0),
        // Of all that is left the request says how much that is.
        (Send::Refund(asked), OperationKind::Refund) => intended.minor.is_none_or(|minor| minor == asked),
        (Send::Completion(_) | Send::Refund(_), _) => false,
    }
}

/// What we took is never more than was intended.
fn sum_above_intent(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let ours = case.effects_of_ours().filter(|effect| effect.effect == Effect::Completed);
    let taken = ours.fold(0_i64, |sum, effect| sum.saturating_add(effect.amount_minor));
    // A database that was put back may not know the order any more; the bank took it for the price it was told.
    let registered = case.effects.iter().find(|effect| effect.effect == Effect::Registered);
    let price = registered.map_or(0, |effect| effect.amount_minor);
    let completions = case.intended.iter().filter(|intended| intended.kind == OperationKind::Completion);
    let intended = completions.map(|intended| intended.minor.unwrap_or(price));
    let most = intended.max().unwrap_or(0);
    if taken > most { vec![format!("{taken} were taken, {most} intended")] } else { Vec::new() }
}

/// Confirmed is only what stood deposited as intended, at some moment before.
fn confirmed_without_deposit(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let confirmed = case.confirmed(OperationKind::Completion);
    let at = case.events.iter().filter(|seen| seen.event.kind == EventKind::CompletionConfirmed);
    confirmed
        .zip(at)
        .filter_map(|(operation, seen)| {
            let deposited = case.deposited_until(seen.at_ms);
            let expected = operation.expected_minor.unwrap_or_default();
            (!deposited.contains(&expected) || expected == 0)
                .then(|| format!("confirmed {expected} at {}, the bank had taken {deposited:?}", seen.at_ms))
        })
        .collect()
}

/// A reversal is confirmed only once the hold is gone.
fn confirmed_without_letting_go(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let at = case.events.iter().filter(|seen| seen.event.kind == EventKind::ReversalConfirmed);
    let is_gone = |ms: i64| {
        let ended = case.effects.iter().filter(|effect| matches!(effect.effect, Effect::Reversed | Effect::Lapsed));
        ended.filter(|effect| effect.at_ms <= ms).count() > 0
    };
    let reversals = case.confirmed(OperationKind::Reversal).zip(at);
    reversals
        .filter(|(_, seen)| !is_gone(seen.at_ms))
        .map(|(_, seen)| format!("a reversal is confirmed at {}, and the bank still had the hold", seen.at_ms))
        .collect()
}

/// What was taken back is not sent; nor is anything completed that somebody wanted gone, whatever came of that. What
/// was ordered since is another matter.
fn sent_after_parking(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let is_parked = |request: &Asked| {
        let plans = |act: &&&ToldAct| match act.kind {
            ActKind::Park | ActKind::Release | ActKind::Order(Verb::Reverse | Verb::Decline) => true,
            ActKind::Order(Verb::Refund(_) | Verb::TakeBack) => false,
        };
        let Some(act) = case.acts.iter().filter(plans).rfind(|act| act.at_ms < request.at_ms) else { return false };
        // A reversal and a decline park the order, and are themselves what may be sent.
        let is_ordered_since =
            || is_ordered(case, request) && case.in_force(request.at_ms).is_some_and(|(at_ms, _)| at_ms >= act.at_ms);
        act.kind != ActKind::Release && !is_ordered_since()
    };
    case.sends
        .iter()
        .filter(|request| is_parked(request))
        .map(|request| format!("parked, and {:?} came at {}", request.send, request.at_ms))
        .collect()
}

/// At most one open operation per order.
fn two_open_operations(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let open = case.operations.iter().filter(|operation| operation.state.is_open()).count();
    if open > 1 { vec![format!("{open} operations are open")] } else { Vec::new() }
}

/// What was acknowledged is there, and as it was acknowledged.
fn acknowledged_and_lost(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    match (case.told, case.order) {
        (Some(told), None) => vec![format!("acknowledged at {}, and unknown", told.at_ms)],
        (Some(told), Some(order)) if order.amount.minor() != told.amount_minor => {
            vec![format!("acknowledged with {}, kept with {}", told.amount_minor, order.amount.minor())]
        }
        _ => Vec::new(),
    }
}

/// Whatever is not at an end has a next look no later than its state's bound; an open operation its next step.
fn silent(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let Some(order) = case.order.filter(|_| terms.is_swept) else { return Vec::new() };
    let Some(bound) = bound(order.state, terms) else { return Vec::new() };
    let mut rows = Vec::new();
    match order.next_look_at {
        None => rows.push(format!("{} without a next look", order.state)),
        Some(at) if at.since(terms.wall) > bound => {
            rows.push(format!("{}, and the next look is {:?} away", order.state, at.since(terms.wall)));
        }
        Some(_) => {}
    }
    let settle = &terms.merchant.completion.settle;
    let step_bound = settle.ask_every_max.max(Duration::from_secs(60)) + Duration::from_secs(1);
    for operation in case.operations.iter().filter(|operation| operation.state.is_open()) {
        let wait = operation.next_step_at.since(terms.wall);
        if wait > step_bound {
            rows.push(format!("{}, and the next step is {wait:?} away", operation.state.as_str()));
        }
    }
    rows
}

/// How long an order in `state` may wait for its next look; none is needed for one that is at an end.
fn bound(state: State, terms: &Terms<'_>) -> Option<Duration> {
    let looks = &terms.merchant.looks;
    let tiers = looks.pending.tiers().iter().map(|tier| tier.every);
    let usual = match state {
        State::Pending => tiers.chain([looks.pending_old]).max().unwrap_or_default(),
        State::Held => looks.held,
        State::Review => looks.review,
        State::Deposited | State::Reversed | State::Refunded | State::Declined => return None,
    };
    // Up to a tenth more of jitter.
    Some(usual.max(looks.backoff_max).mul_f64(1.1) + Duration::from_secs(1))
}

/// In calm weather whatever is not at an end is asked about within its state's bound: a look that is put off each time
/// it falls due is never overdue, nor ever far away.
fn unseen(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let Some(order) = case.order else { return Vec::new() };
    let Some(bound) = bound(order.state, terms).map(|bound| bound + patience(terms)) else { return Vec::new() };
    let from_ms = terms.now_ms.saturating_sub(i64::try_from(bound.as_millis()).unwrap_or(i64::MAX));
    let is_news = case.events.first().is_none_or(|seen| seen.at_ms >= from_ms);
    if terms.calm <= bound || is_news || case.asked_at.is_some_and(|at| at >= from_ms) {
        return Vec::new();
    }
    vec![format!("{}, and not asked about for {bound:?}", order.state)]
}

/// When the backlog of the whole queue must be done with, with nothing in its way.
fn patience(terms: &Terms<'_>) -> Duration {
    terms.merchant.budget.period * 600 + Duration::from_secs(600)
}

/// In calm weather nothing stays overdue.
fn overdue(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let patience = patience(terms);
    let Some(order) = case.order.filter(|_| terms.calm > patience) else { return Vec::new() };
    let late = |at: Timestamp| terms.wall.since(at) > patience;
    let open = case.operations.iter().find(|operation| operation.state.is_open());
    let mut rows = Vec::new();
    match open {
        Some(operation) if late(operation.next_step_at) => {
            rows.push(format!("{}, its step due since {}", operation.state.as_str(), operation.next_step_at));
        }
        Some(_) => {}
        None => {
            if let Some(at) = order.next_look_at.filter(|at| late(*at)) {
                rows.push(format!("{}, its look due since {at}", order.state));
            }
            if let Some(at) = order.complete_at.filter(|at| late(*at)) {
                rows.push(format!("{}, its completion due since {at}", order.state));
            }
        }
    }
    rows
}

/// Only the changes of the lifecycle, each from where the last one ended.
fn forbidden_transition(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let mut stood = State::Pending;
    let mut rows = Vec::new();
    for seen in &case.events {
        let (before, after) = (seen.event.before, seen.event.after);
        let by_person = seen.event.kind == EventKind::ReviewResolved;
        if before != stood || !(is_allowed(before, after) || by_person) {
            rows.push(format!(
                "{} at {}: {before} to {after}, and stood {stood}",
                seen.event.kind.as_str(),
                seen.at_ms
            ));
        }
        stood = after;
    }
    if let Some(order) = case.order.filter(|order| order.state != stood) {
        rows.push(format!("the row says {}, the journal {stood}", order.state));
    }
    rows
}

fn is_allowed(before: State, after: State) -> bool {
    use State::{Declined, Deposited, Held, Pending, Refunded, Reversed, Review};
    match (before, after) {
        (before, after) if before == after => true,
        // Only a person's word takes an order out of review.
        (Review, _) => false,
        (_, Review) => true,
        (Pending, Held | Deposited | Reversed | Refunded | Declined) => true,
        (Held, Deposited | Reversed | Refunded) => true,
        (Deposited, Refunded | Reversed) => true,
        _ => false,
    }
}

/// Nothing is completed before it is due, or released, or its deadline has come; nothing reversed before that.
fn early(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let held = case.effects.iter().find(|effect| effect.effect == Effect::Held).map(|effect| effect.at_ms);
    let released = case.acts.iter().find(|act| act.kind == ActKind::Release).map(|act| act.at_ms);
    let due = match (&terms.merchant.completion.schedule, held) {
        (_, None) => None,
        (CompletionSchedule::After(delay), Some(held)) => Some(Timestamp::from_millis(held).plus(*delay)),
        (CompletionSchedule::Window(pattern), Some(held)) => {
            pattern.next_after(&terms.merchant.zone, Timestamp::from_millis(held))
        }
        (CompletionSchedule::OnRelease, Some(held)) => {
            released.map(|released| Timestamp::from_millis(released.max(held)))
        }
    };
    let holds = &terms.merchant.holds;
    let acts_after = holds.shortest_lifetime().saturating_sub(holds.act_before);
    let deadline = |act| {
        let held = held.filter(|_| holds.at_deadline == act)?;
        Some(Timestamp::from_millis(held).plus(acts_after))
    };
    let due = [due, deadline(AtDeadline::Complete)].into_iter().flatten().min();
    let due_of = |request: &Asked| match request.send {
        // At the deadline, or when somebody ordered it.
        Some(Send::Reversal) => {
            let ordered = case.in_force(request.at_ms).filter(|(_, verb)| *verb == Verb::Reverse);
            let ordered = ordered.map(|(at_ms, _)| Timestamp::from_millis(at_ms));
            [deadline(AtDeadline::Reverse), ordered].into_iter().flatten().min()
        }
        _ => due,
    };
    // A refund and a decline have no schedule but an order's.
    let is_scheduled = |request: &&&Asked| matches!(request.send, Some(Send::Completion(_) | Send::Reversal));
    let is_early = |request: &&&Asked| due_of(request).is_none_or(|due| request.at_ms < due.as_millis());
    let words = |request: &Asked| due_of(request).map_or("never".to_owned(), |due| due.to_string());
    case.sends
        .iter()
        .filter(is_scheduled)
        .filter(is_early)
        .map(|request| format!("sent at {}, due {}", Timestamp::from_millis(request.at_ms), words(request)))
        .collect()
}

/// Longer than that no doubt lasts without a person being called: every send and its quiet time, and room.
const DOUBT_MAX: Duration = Duration::from_secs(12 * 3_600);

/// In calm weather every doubt ends, or stands before a person.
fn unsettled(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let in_review = case.order.is_some_and(|order| order.state == State::Review);
    let old = |operation: &&&Operation| {
        operation.state == OperationState::InDoubt
            && operation.intended_at.plus(DOUBT_MAX) < terms.wall
            && terms.calm > DOUBT_MAX
    };
    let doubts = case.operations.iter().filter(old).filter(|_| !in_review);
    doubts.map(|operation| format!("in doubt since {}", operation.intended_at)).collect()
}

/// An order at an end that was looked at after the bank's last change shows what the ledger says. An order about which
/// the bank invented a sum is left out: what it invents within what is possible cannot be told from the truth.
fn book_differs_from_bank(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let Some((order, seen)) = case.order.and_then(|order| order.view.as_ref().map(|seen| (order, seen))) else {
        return Vec::new();
    };
    let Some(amounts) = seen.view.amounts.filter(|_| order.state.is_end() && !case.is_misled) else {
        return Vec::new();
    };
    // A stale answer shows an earlier moment, never one that was not.
    let (deposited, refunded) = (case.deposited_until(terms.now_ms), case.refunded_until(terms.now_ms));
    let mut rows = Vec::new();
    if !deposited.contains(&amounts.deposited) {
        rows.push(format!("our book says {} deposited, the bank had {deposited:?}", amounts.deposited));
    }
    if !refunded.contains(&amounts.refunded) {
        rows.push(format!("our book says {} given back, the bank had {refunded:?}", amounts.refunded));
    }
    rows
}
