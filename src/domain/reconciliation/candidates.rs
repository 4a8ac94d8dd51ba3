//! Which orders are worth a line in the report, and with which figures.
//!
//! One function for each kind of line; an order may earn several, but one matter never two of them: what a review is
//! about is not listed again as a difference. Deciding what happens to an order is
//! [`lifecycle`](super::super::lifecycle)'s subject; here it is only described.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::autocompletion;
use super::super::holds::{self, HoldPolicy};
use super::super::money::{Currency, for_people};
use super::super::operation::{Operation, OperationKind, OperationState, times};
use super::super::order::{Order, State};
use super::super::polling::{self, LookPolicy};
use super::super::time::{Timestamp, in_words};
use super::figures::{self, figures, in_our_currency, intended_minor};
use super::{Finding, FindingKind, HoldsLeft, TimeLeft};

/// An order with its latest completion, as the store hands it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The order.
    pub order: Order,
    /// Its open completion, or the latest settled one.
    pub operation: Option<Operation>,
}

/// What of a merchant's settings the report depends on.
#[derive(Clone, Copy, Debug)]
pub struct Yardstick<'a> {
    /// For payment times.
    pub looks: &'a LookPolicy,
    /// For lapses.
    pub holds: &'a HoldPolicy,
    /// How long after the payment time ran out an order without outcome counts as stuck.
    pub stuck_after: Duration,
}

/// Every line that `candidates` are worth, by kind and then by age, oldest first.
pub fn findings(candidates: &[Candidate], yardstick: Yardstick<'_>, now: Timestamp) -> Vec<Finding> {
    let of_one = |candidate| findings_of(candidate, yardstick, now);
    let mut all: Vec<Finding> = candidates.iter().flat_map(of_one).collect();
    all.sort_by(|a, b| (a.kind, a.since, &a.number).cmp(&(b.kind, b.since, &b.number)));
    all
}

/// Whether an order has no outcome although its payment time ran out long ago.
pub fn is_stuck(order: &Order, yardstick: Yardstick<'_>, now: Timestamp) -> bool {
    order.state == State::Pending && now >= polling::expires_at(yardstick.looks, order).plus(yardstick.stuck_after)
}

fn findings_of(candidate: &Candidate, yardstick: Yardstick<'_>, now: Timestamp) -> impl Iterator<Item = Finding> {
    let lines = [
        in_review(candidate),
        in_doubt(candidate),
        hold(candidate, yardstick.holds, now),
        own_schedule(candidate, now),
        differs(candidate),
        stuck(candidate, yardstick, now),
    ];
    lines.into_iter().flatten()
}

fn in_review(candidate: &Candidate) -> Option<Finding> {
    let order = &candidate.order;
    if order.state != State::Review {
        return None;
    }
    // A review without a reason should not exist; it is listed all the same, since nothing is ever silent.
    let detail = match &order.review {
        Some(reason) => reason.sentence.clone(),
        None => "no reason was recorded; its events tell what happened".to_owned(),
    };
    Some(finding(FindingKind::InReview, candidate, detail))
}

fn in_doubt(candidate: &Candidate) -> Option<Finding> {
    let is_in_doubt = |operation: &&Operation| operation.state == OperationState::InDoubt;
    let operation = candidate.operation.as_ref().filter(is_in_doubt)?;
    let since = operation.sent_at.unwrap_or(operation.intended_at);
    let our_minor = match operation.kind {
        OperationKind::Completion | OperationKind::Refund => intended_minor(candidate),
        // Nothing is to be taken.
        OperationKind::Reversal | OperationKind::Decline => 0,
    };
    let concerned = operation.expected_minor.unwrap_or_else(|| intended_minor(candidate));
    let note = operation.note.as_deref().unwrap_or("no answer");
    let detail = format!(
        "a {} of {} was sent {}; the outcome is not known yet ({note})",
        operation.kind.as_str(),
        for_people(concerned, candidate.order.currency),
        times(operation.attempt)
    );
    Some(Finding {
        our_minor,
        bank_minor: deposited_after(&candidate.order, since),
        since,
        ..finding(FindingKind::InDoubt, candidate, detail)
    })
}

/// What the bank shows deposited, if it was heard after `sent_at`: an earlier view says nothing about what was sent.
fn deposited_after(order: &Order, sent_at: Timestamp) -> Option<i64> {
    let seen = order.view.as_ref().filter(|seen| seen.seen_at >= sent_at)?;
    Some(in_our_currency(order, &seen.view)?.amounts?.deposited)
}

/// A hold is listed while it stands, and at risk in review too: the bank lets it go whatever we think of it.
fn hold(candidate: &Candidate, policy: &HoldPolicy, now: Timestamp) -> Option<Finding> {
    let order = &candidate.order;
    if !holds::stands(order) {
        return None;
    }
    let what = awaited(candidate, now);
    let Some(hold) = order.hold else {
        let detail = format!("{what}; when it lapses is not known");
        return Some(finding(FindingKind::Lapsing, candidate, detail));
    };
    let kind = match (holds::at_risk(policy, hold, now), order.state) {
        (true, _) => FindingKind::Lapsing,
        (false, State::Held) => FindingKind::Held,
        (false, _) => return None,
    };
    let detail = if now >= hold.lapses_at {
        format!("{what}; should have lapsed {} ago", in_words(now.since(hold.lapses_at)))
    } else {
        format!("{what}; lapses in {}", in_words(hold.lapses_at.since(now)))
    };
    Some(finding(kind, candidate, detail))
}

/// What a hold waits for.
fn awaited(candidate: &Candidate, now: Timestamp) -> String {
    let order = &candidate.order;
    let is_in_doubt = |operation: &&Operation| operation.state == OperationState::InDoubt;
    if let Some(operation) = candidate.operation.as_ref().filter(is_in_doubt) {
        return format!("its {} is in doubt", operation.kind.as_str());
    }
    if order.state == State::Review {
        return "in review, so nothing completes it".to_owned();
    }
    match (order.complete_at, order.parked) {
        (_, true) => "parked by an operator".to_owned(),
        (Some(at), _) if at <= now => "completion is due".to_owned(),
        (Some(at), _) => format!("completion in {}", in_words(at.since(now))),
        (None, _) => "waits for its release".to_owned(),
    }
}

/// The gateway's own schedule is against ours, and no request of ours can change it.
fn own_schedule(candidate: &Candidate, now: Timestamp) -> Option<Finding> {
    let (at, conflict) = autocompletion::conflict(&candidate.order)?;
    let when = if at > now {
        format!("in {}", in_words(at.since(now)))
    } else {
        format!("{} ago already", in_words(now.since(at)))
    };
    let detail = format!("the bank completes it by itself {when}, {}", conflict.in_words());
    Some(finding(FindingKind::Autocompletion, candidate, detail))
}

/// Holds that stand, by the time that is left until their lapse: for each level of the merchant's warnings, the most
/// urgent first, and by currency.
pub fn holds_left(candidates: &[Candidate], policy: &HoldPolicy, now: Timestamp) -> Vec<HoldsLeft> {
    let mut left: BTreeMap<(TimeLeft, Currency), HoldsLeft> = BTreeMap::new();
    for order in candidates.iter().map(|candidate| &candidate.order).filter(|order| holds::stands(order)) {
        let Some(hold) = order.hold else { continue };
        let within = policy.warn_at.iter().rev().find(|level| now >= hold.lapses_at.minus(**level));
        let time_left = match within {
            _ if now >= hold.lapses_at => TimeLeft::Lapsed,
            Some(level) => TimeLeft::Within(*level),
            None => TimeLeft::Later,
        };
        let currency = order.currency;
        let sum = left.entry((time_left, currency)).or_insert(HoldsLeft {
            time_left,
            currency,
            count: 0,
            amount_minor: Some(0),
        });
        sum.count = sum.count.saturating_add(1);
        sum.amount_minor = sum.amount_minor.and_then(|minor| minor.checked_add(order.amount.minor()));
    }
    left.into_values().collect()
}

fn stuck(candidate: &Candidate, yardstick: Yardstick<'_>, now: Timestamp) -> Option<Finding> {
    let order = &candidate.order;
    if !is_stuck(order, yardstick, now) {
        return None;
    }
    let shown = match &order.view {
        Some(seen) => format!("the bank shows it {}", seen.view.status),
        None => "the bank has not shown it yet".to_owned(),
    };
    let ran_out = now.since(polling::expires_at(yardstick.looks, order));
    let unknown = match order.unknown_in_a_row {
        0 => String::new(),
        1 => "; the last answer told nothing".to_owned(),
        n => format!("; the last {n} answers told nothing"),
    };
    let detail = format!("{shown}; its payment time ran out {} ago{unknown}", in_words(ran_out));
    Some(finding(FindingKind::Stuck, candidate, detail))
}

/// A line with what every kind has in common.
fn finding(kind: FindingKind, candidate: &Candidate, detail: String) -> Finding {
    let order = &candidate.order;
    let (our_minor, bank_minor) = figures(candidate);
    Finding {
        kind,
        number: order.number.clone(),
        order_id: order.order_id.clone(),
        state: order.state,
        our_minor,
        currency: order.currency,
        bank_minor,
        since: order.state_since,
        deadline: order.hold.map(|hold| hold.lapses_at).filter(|_| holds::stands(order)),
        detail,
    }
}

/// One matter, one line: in review, the review's line names the same sums.
fn differs(candidate: &Candidate) -> Option<Finding> {
    if candidate.order.state == State::Review {
        return None;
    }
    let found = figures::difference(candidate)?;
    Some(Finding {
        our_minor: found.our_minor,
        bank_minor: found.bank_minor,
        ..finding(FindingKind::Differs, candidate, found.words)
    })
}

#[cfg(test)]
mod tests;
