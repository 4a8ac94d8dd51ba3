//! Queries about all orders together: what people and policies forbid, the budget, backlogs, the report, and the
//! journal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::event::EventKind;
use crate::domain::guard;
use crate::domain::order::State;
use crate::store::Verdict;

use super::super::evidence::{Asked, Backlog, Evidence, Send, is_sent};
use super::super::network::LATENCY_MAX_MS;
use super::{OfAll, Rows, Terms, cases};

/// Queries about all of them.
pub(super) const QUERIES: [(&str, OfAll); 9] = [
    ("sent_while_stopped", sent_while_stopped),
    ("too_many_in_doubt", too_many_in_doubt),
    ("above_the_daily_sum", above_the_daily_sum),
    ("over_budget", over_budget),
    ("backlog_not_worked_off", backlog_not_worked_off),
    ("second_daemon_let_in", second_daemon_let_in),
    ("daemon_failed", daemon_failed),
    ("report_differs_from_ledger", report_differs_from_ledger),
    ("journal_not_whole", journal_not_whole),
];

/// What people know to be stopped is not sent.
fn sent_while_stopped(evidence: &Evidence, _: &Terms<'_>) -> Rows {
    let sends = evidence.asked.iter().filter(|asked| asked.send.is_some());
    let stop_of = |asked: &Asked| {
        evidence.stops.iter().find(|stop| {
            let is_meant = stop.number.as_ref().is_none_or(|number| *number == asked.number);
            // Within the moment of either it may have been before or after.
            is_meant && stop.from_ms < asked.at_ms && stop.until_ms.is_none_or(|until| asked.at_ms < until)
        })
    };
    sends
        .filter_map(|asked| Some((asked, stop_of(asked)?)))
        .map(|(asked, stop)| {
            format!("{} at {}, and {} was stopped at {}", asked.number, asked.at_ms, stop.scope, stop.from_ms)
        })
        .collect()
}

/// Nothing is sent while as many other orders are in doubt as may be (R7). The journal is read in its own order, which
/// no clock can disturb: a send and its event are one transaction. What an adoption brought into doubt has no such
/// event, so the journal shows rather too few.
fn too_many_in_doubt(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let most = terms.merchant.money.in_doubt_max;
    let count = |numbers: &mut dyn Iterator<Item = &str>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        numbers.for_each(|number| *counts.entry(number.to_owned()).or_default() += 1);
        counts
    };
    let sends = evidence.asked.iter().filter(|asked| asked.send.is_some());
    let reached = count(&mut sends.map(|asked| asked.number.as_str()));
    let written = count(&mut evidence.intents.iter().map(|intent| intent.number.as_str()));
    // An answer may say that nothing left the host, which ends the doubt; not where the bank has seen every send.
    let may_have_stayed = |number: &str| reached.get(number) < written.get(number);
    let mut in_doubt: BTreeSet<&str> = BTreeSet::new();
    let mut rows = Vec::new();
    for seen in &evidence.events {
        let number = seen.event.number.as_str();
        match seen.event.kind {
            kind if is_sent(kind) => {
                let others = in_doubt.iter().filter(|other| **other != number).count();
                if u32::try_from(others).is_ok_and(|others| others >= most) {
                    rows.push(format!("{number} at {}, with {others} in doubt, and {most} may be", seen.at_ms));
                }
                in_doubt.insert(number);
            }
            EventKind::CompletionAnswered
            | EventKind::ReversalAnswered
            | EventKind::RefundAnswered
            | EventKind::DeclineAnswered
                if !may_have_stayed(number) => {}
            EventKind::CompletionAnswered
            | EventKind::ReversalAnswered
            | EventKind::CompletionConfirmed
            | EventKind::ReversalConfirmed
            | EventKind::CompletionRefused
            | EventKind::ReversalRefused
            | EventKind::CompletionWithdrawn
            | EventKind::ReversalWithdrawn
            | EventKind::CompletionContradicted
            | EventKind::ReversalContradicted
            | EventKind::RefundAnswered
            | EventKind::RefundConfirmed
            | EventKind::RefundRefused
            | EventKind::RefundWithdrawn
            | EventKind::RefundContradicted
            | EventKind::DeclineAnswered
            | EventKind::DeclineConfirmed
            | EventKind::DeclineRefused
            | EventKind::DeclineWithdrawn
            | EventKind::DeclineContradicted
            | EventKind::ReviewResolved => {
                in_doubt.remove(number);
            }
            _ => {}
        }
    }
    rows
}

const TAKEN: &str = "taken";
const GIVEN_BACK: &str = "given back";

/// No more is sent in any 24 hours than the merchant allows, neither to take nor to give back. The day is that of the
/// intents, which the ways to the bank may bring nearer to each other: a retry put off to the very end of the day has
/// arrived a few milliseconds inside of it.
fn above_the_daily_sum(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let day_ms = guard::DAY.saturating_sub(Duration::from_millis(LATENCY_MAX_MS));
    let day_ms = i64::try_from(day_ms.as_millis()).unwrap_or(i64::MAX);
    let most = terms.merchant.money.daily_max_minor;
    let prices: BTreeMap<&str, i64> =
        evidence.orders.iter().map(|found| (found.order.number.as_str(), found.order.amount.minor())).collect();
    let minor_of = |asked: &Asked| match asked.send {
        Some(Send::Completion(0)) => Some((TAKEN, prices.get(asked.number.as_str()).copied().unwrap_or_default())),
        Some(Send::Completion(minor)) => Some((TAKEN, minor)),
        Some(Send::Refund(minor)) => Some((GIVEN_BACK, minor)),
        Some(Send::Reversal | Send::Decline) | None => None,
    };
    let mut rows = Vec::new();
    for way in [TAKEN, GIVEN_BACK] {
        let of_way = |asked| minor_of(asked).filter(|(of, _)| *of == way).map(|(_, minor)| (asked, minor));
        let sends: Vec<(&Asked, i64)> = evidence.asked.iter().filter_map(of_way).collect();
        for (nth, (last, _)) in sends.iter().enumerate() {
            let window =
                sends.iter().take(nth + 1).filter(|(asked, _)| asked.at_ms > last.at_ms.saturating_sub(day_ms));
            // One that is sent again counts once, from its latest send. A completion is its order's only one; of
            // refunds there may be several, and those of one sum are taken for one here.
            let by_order: BTreeMap<(&str, i64), i64> = window
                .map(|(asked, minor)| ((asked.number.as_str(), if way == TAKEN { 0 } else { *minor }), *minor))
                .collect();
            let sum = by_order.values().copied().fold(0_i64, i64::saturating_add);
            if sum > most {
                rows.push(format!("{sum} were {way} in the day before {}, and {most} may be", last.at_ms));
            }
        }
    }
    rows
}

/// In every window no more requests than the budget allows; they may be shifted by the way to the bank.
fn over_budget(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let budget = &terms.merchant.budget;
    let period = i128::try_from(budget.period.as_micros()).unwrap_or(i128::MAX);
    let slack = period * i128::from(budget.burst.get() - 1) + i128::from(LATENCY_MAX_MS) * 1_000 + period / 100;
    // The moment by which the requests so far would have been sent at an even pace.
    let mut even = 0_i128;
    let mut rows = Vec::new();
    for asked in &evidence.asked {
        let at = i128::from(asked.at_ms) * 1_000;
        if even - at > slack {
            rows.push(format!("a request at {} came {} µs too soon", asked.at_ms, even - at - slack));
        }
        even = even.max(at) + period;
    }
    rows
}

/// After an outage every overdue order is looked at within backlog ÷ budget, what is in flight, and what faults have cost
/// since. A look that hung when the outage ended counts once it is written down, though the bank never saw it: it is not
/// overdue any more. What we wrote has our clock's time, which may be a year from the bank's.
fn backlog_not_worked_off(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let mut rows = Vec::new();
    for backlog in evidence.backlogs.iter().filter(|backlog| backlog.until_ms <= terms.now_ms) {
        let from = evidence.asked.partition_point(|asked| asked.at_ms < backlog.from_ms);
        let until = evidence.asked.partition_point(|asked| asked.at_ms <= backlog.until_ms);
        let asked = evidence.asked.get(from..until).unwrap_or_default();
        let window = terms.ours(backlog.from_ms)..=terms.ours(backlog.until_ms);
        let written = evidence.orders.iter().map(|found| &found.order);
        let written = written.filter(|order| order.heard.as_ref().is_some_and(|heard| window.contains(&heard.at)));
        let asked = asked.iter().map(|asked| asked.number.as_str());
        let looked: BTreeSet<&str> =
            asked.chain(written.map(|order| order.number.as_str())).chain(put_off(evidence, backlog, terms)).collect();
        let unseen = backlog.numbers.iter().filter(|number| !looked.contains(number.as_str()));
        let (from, until) = (backlog.from_ms, backlog.until_ms);
        rows.extend(unseen.map(|number| format!("{number} was overdue at {from}, and not looked at by {until}")));
    }
    rows
}

/// What the guard holds back is put off, or goes to a person, without a question to the bank; and so is a look that is
/// not worth its price any more, which another query holds to its state's bound.
fn put_off<'a>(evidence: &'a Evidence, backlog: &'a Backlog, terms: &Terms<'_>) -> impl Iterator<Item = &'a str> {
    let from = terms.ours(backlog.from_ms);
    let moved = evidence.orders.iter().filter(move |found| {
        let step = found.operation.as_ref().filter(|operation| operation.state.is_open());
        let look = found.order.next_look_at.filter(|_| found.order.state == State::Pending);
        step.map(|operation| operation.next_step_at).or(look).is_some_and(|at| at > from)
    });
    let told = evidence.events.iter().filter(|seen| seen.at_ms >= backlog.from_ms);
    moved.map(|found| found.order.number.as_str()).chain(told.map(|seen| seen.event.number.as_str()))
}

/// One mouth.
fn second_daemon_let_in(evidence: &Evidence, _: &Terms<'_>) -> Rows {
    let let_in = evidence.rivals.iter().filter(|(_, is_let_in)| *is_let_in);
    let_in.map(|(at_ms, _)| format!("at {at_ms}")).collect()
}

/// A daemon starts after every crash, and does not give up.
fn daemon_failed(evidence: &Evidence, _: &Terms<'_>) -> Rows {
    evidence.failures.iter().map(|(at_ms, why)| format!("at {at_ms}: {why}")).collect()
}

/// What the reports of all days say was taken is what the ledger says of the same orders.
fn report_differs_from_ledger(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let Some(reported) = evidence.reported_minor else { return Vec::new() };
    let mut ledger = 0_i64;
    for case in cases(evidence).values() {
        let Some(order) = case.order.filter(|order| order.state.is_end()) else { continue };
        let seen = order.view.as_ref().and_then(|seen| Some((seen.seen_at, seen.view.amounts?.deposited)));
        let deposited = case.deposited_until(terms.now_ms);
        // Not looked at since the bank's last change, or answered with a stale copy: the book is behind, not wrong.
        ledger += match seen {
            Some((_, ours)) if deposited.contains(&ours) || case.is_misled => ours,
            _ => deposited.last().copied().unwrap_or_default(),
        };
    }
    if reported == ledger { Vec::new() } else { vec![format!("the reports say {reported}, the ledger {ledger}")] }
}

/// Whatever crashed and whatever was put back, each event follows from the one before it.
fn journal_not_whole(evidence: &Evidence, _: &Terms<'_>) -> Rows {
    let found = evidence.journal.iter().filter(|verdict| !matches!(verdict, Ok(Verdict::Whole(_))));
    found.map(|verdict| format!("{verdict:?}")).collect()
}
