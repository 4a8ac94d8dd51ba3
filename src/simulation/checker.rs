//! The checker: queries over the evidence, each of which must return no row.
//!
//! Most ask about one order, some about all of them. None knows how the daemon works, only what must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::MerchantConfig;
use crate::domain::event::EventKind;
use crate::domain::guard;
use crate::domain::holds::{AtDeadline, CompletionSchedule};
use crate::domain::operation::{Operation, OperationKind, OperationState};
use crate::domain::order::{Order, State};
use crate::domain::time::Timestamp;
use crate::sandbox::{Effect, FaultName};

use super::evidence::{
    ActKind, Asked, Backlog, BankEffect, Evidence, Intended, Intent, SeenEvent, Send, Told, ToldAct, Witnessed,
};
use super::network::LATENCY_MAX_MS;

/// A row that a query returned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The query's name.
    pub query: &'static str,
    /// The order's number; empty when it is about all of them.
    pub order: String,
    /// The row.
    pub row: String,
}

/// When a check is made, and by what it judges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    pub(super) merchant: &'a MerchantConfig,
    /// On the bank's clock.
    pub(super) now_ms: i64,
    /// On ours.
    pub(super) wall: Timestamp,
    /// For so long faults, crashes and people have rested: what is due must have been done.
    pub(super) calm: Duration,
    /// Whether our clock is ever set.
    pub(super) clock_is_set: bool,
    /// What a clock that was set had planned too far ahead must be due again.
    pub(super) is_swept: bool,
}

/// All that is known of one order.
#[derive(Debug, Default)]
pub(super) struct Case<'a> {
    told: Option<Told>,
    order: Option<&'a Order>,
    operations: Vec<&'a Operation>,
    intended: Vec<&'a Intended>,
    witnessed: Vec<&'a Witnessed>,
    events: Vec<&'a SeenEvent>,
    intents: Vec<&'a Intent>,
    sends: Vec<&'a Asked>,
    effects: Vec<&'a BankEffect>,
    acts: Vec<&'a ToldAct>,
    /// The bank invented a sum in some answer about it.
    is_misled: bool,
}

type Rows = Vec<String>;

type OfOrder = fn(&Case<'_>, &Terms<'_>) -> Rows;
type OfAll = fn(&Evidence, &Terms<'_>) -> Rows;

/// Queries about one order.
const OF_ORDER: [(&str, OfOrder); 15] = [
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
    ("forbidden_transition", forbidden_transition),
    ("early", early),
    ("unsettled", unsettled),
    ("book_differs_from_bank", book_differs_from_bank),
];

/// Queries about all of them.
const OF_ALL: [(&str, OfAll); 7] = [
    ("sent_while_stopped", sent_while_stopped),
    ("above_the_daily_sum", above_the_daily_sum),
    ("over_budget", over_budget),
    ("backlog_not_worked_off", backlog_not_worked_off),
    ("second_daemon_let_in", second_daemon_let_in),
    ("daemon_failed", daemon_failed),
    ("report_differs_from_ledger", report_differs_from_ledger),
];

/// Asks every query.
pub(super) fn check(evidence: &Evidence, terms: &Terms<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, case) in &cases(evidence) {
        for (query, ask) in OF_ORDER {
            let rows = ask(case, terms).into_iter();
            violations.extend(rows.map(|row| Violation { query, order: (*number).to_owned(), row }));
        }
    }
    for (query, ask) in OF_ALL {
        let rows = ask(evidence, terms).into_iter();
        violations.extend(rows.map(|row| Violation { query, order: String::new(), row }));
    }
    violations
}

fn cases(evidence: &Evidence) -> BTreeMap<&str, Case<'_>> {
    let mut cases: BTreeMap<&str, Case<'_>> = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    for found in &evidence.orders {
        let number = found.order.number.as_str();
        numbers.insert(found.order.key, number);
        cases.entry(number).or_default().order = Some(&found.order);
    }
    for operation in &evidence.operations {
        if let Some(number) = numbers.get(&operation.order) {
            cases.entry(*number).or_default().operations.push(operation);
        }
    }
    for (number, told) in &evidence.told {
        cases.entry(number).or_default().told = Some(*told);
    }
    for seen in &evidence.events {
        cases.entry(seen.event.number.as_str()).or_default().events.push(seen);
    }
    for intended in &evidence.intended {
        cases.entry(&intended.number).or_default().intended.push(intended);
    }
    for witnessed in &evidence.witnessed {
        cases.entry(&witnessed.what.number).or_default().witnessed.push(witnessed);
    }
    for intent in &evidence.intents {
        cases.entry(&intent.number).or_default().intents.push(intent);
    }
    for asked in &evidence.asked {
        if asked.send.is_some() {
            cases.entry(&asked.number).or_default().sends.push(asked);
        } else if asked.fault == Some(FaultName::WrongAmount) {
            cases.entry(&asked.number).or_default().is_misled = true;
        }
    }
    for effect in &evidence.effects {
        cases.entry(&effect.number).or_default().effects.push(effect);
    }
    for act in &evidence.acts {
        cases.entry(&act.number).or_default().acts.push(act);
    }
    cases
}

impl Case<'_> {
    fn confirmed(&self, kind: OperationKind) -> impl Iterator<Item = &&Operation> {
        let confirmed = self.operations.iter().filter(|operation| operation.state == OperationState::Confirmed);
        confirmed.filter(move |operation| operation.kind == kind)
    }

    fn effects_of_ours(&self) -> impl Iterator<Item = &&BankEffect> {
        let moved = |effect: &&&BankEffect| matches!(effect.effect, Effect::Completed | Effect::Reversed);
        self.effects.iter().filter(|effect| effect.is_ours).filter(moved)
    }

    /// What stood deposited at the bank after each change until `ms`; before the first there was nothing.
    fn deposited_until(&self, ms: i64) -> Vec<i64> {
        let mut sums: Vec<i64> = vec![0];
        let taken = |effect: &&&BankEffect| matches!(effect.effect, Effect::Completed | Effect::Deposited);
        for effect in self.effects.iter().filter(taken).filter(|effect| effect.at_ms <= ms) {
            sums.push(sums.last().copied().unwrap_or_default().saturating_add(effect.amount_minor));
        }
        sums
    }
}

/// At most one effect of ours per order.
fn two_effects_of_ours(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    case.effects_of_ours()
        .skip(1)
        .map(|effect| format!("another {} were taken or let go at {}", effect.amount_minor, effect.at_ms))
        .collect()
}

/// Every request that moves money joins one written intent of the same kind and amount.
fn sent_without_intent(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let is_known = |send: Send| case.intended.iter().any(|intended| is_same(send, intended));
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
        let says_the_same =
            request.send.is_some_and(|send| case.witnessed.iter().any(|line| is_same(send, &line.what)));
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

fn is_same(send: Send, intended: &Intended) -> bool {
    match (send, intended.kind) {
        (Send::Reversal, kind) => kind == OperationKind::Reversal,
        (Send::Completion(_), OperationKind::Reversal) => false,
        // The wire's 0 is the whole.
        (Send::Completion(asked), OperationKind::Completion) => asked == intended.minor.unwrap_or(0),
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

/// What was taken back is not sent.
fn sent_after_parking(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let is_parked = |ms: i64| {
        let last = case.acts.iter().rfind(|act| act.at_ms < ms);
        last.is_some_and(|act| act.kind == ActKind::Park)
    };
    case.sends
        .iter()
        .filter(|request| is_parked(request.at_ms))
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
    let looks = &terms.merchant.looks;
    let tiers = looks.pending.iter().map(|tier| tier.every);
    let usual = match order.state {
        State::Pending => tiers.chain([looks.pending_old]).max().unwrap_or_default(),
        State::Held => looks.held,
        State::Review => looks.review,
        State::Deposited | State::Reversed | State::Refunded | State::Declined => return Vec::new(),
    };
    // Up to a tenth more of jitter.
    let bound = usual.max(looks.backoff_max).mul_f64(1.1) + Duration::from_secs(1);
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
        Some(Send::Reversal) => deadline(AtDeadline::Reverse),
        _ => due,
    };
    let is_early = |request: &&&Asked| due_of(request).is_none_or(|due| request.at_ms < due.as_millis());
    let words = |request: &Asked| due_of(request).map_or("never".to_owned(), |due| due.to_string());
    case.sends
        .iter()
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
    let deposited = case.deposited_until(terms.now_ms);
    if deposited.contains(&amounts.deposited) {
        return Vec::new();
    }
    vec![format!("our book says {} deposited, the bank had {deposited:?}", amounts.deposited)]
}

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

/// No more is sent in any 24 hours than the merchant allows.
fn above_the_daily_sum(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let day_ms = i64::try_from(guard::DAY.as_millis()).unwrap_or(i64::MAX);
    let most = terms.merchant.money.daily_max_minor;
    let prices: BTreeMap<&str, i64> =
        evidence.orders.iter().map(|found| (found.order.number.as_str(), found.order.amount.minor())).collect();
    let minor_of = |asked: &Asked| match asked.send {
        Some(Send::Completion(0)) => prices.get(asked.number.as_str()).copied().unwrap_or_default(),
        Some(Send::Completion(minor)) => minor,
        Some(Send::Reversal) | None => 0,
    };
    let sends: Vec<&Asked> =
        evidence.asked.iter().filter(|asked| matches!(asked.send, Some(Send::Completion(_)))).collect();
    let mut rows = Vec::new();
    for (nth, last) in sends.iter().enumerate() {
        // One that is sent again counts once, from its latest send.
        let window = sends.iter().take(nth + 1).filter(|asked| asked.at_ms > last.at_ms.saturating_sub(day_ms));
        let by_order: BTreeMap<&str, i64> = window.map(|asked| (asked.number.as_str(), minor_of(asked))).collect();
        let sum = by_order.values().copied().fold(0_i64, i64::saturating_add);
        if sum > most {
            rows.push(format!("{sum} were sent in the day before {}, and {most} may be", last.at_ms));
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

/// After an outage every overdue order is looked at within backlog ÷ budget, and what is in flight. A look that hung when
/// the outage ended counts once it is written down, though the bank never saw it: it is not overdue any more.
fn backlog_not_worked_off(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let mut rows = Vec::new();
    for backlog in evidence.backlogs.iter().filter(|backlog| backlog.until_ms <= terms.now_ms) {
        let from = evidence.asked.partition_point(|asked| asked.at_ms < backlog.from_ms);
        let until = evidence.asked.partition_point(|asked| asked.at_ms <= backlog.until_ms);
        let asked = evidence.asked.get(from..until).unwrap_or_default();
        let window = backlog.from_ms..=backlog.until_ms;
        let written = evidence.orders.iter().map(|found| &found.order);
        let written =
            written.filter(|order| order.heard.as_ref().is_some_and(|heard| window.contains(&heard.at.as_millis())));
        let asked = asked.iter().map(|asked| asked.number.as_str());
        let looked: BTreeSet<&str> =
            asked.chain(written.map(|order| order.number.as_str())).chain(put_off(evidence, backlog, terms)).collect();
        let unseen = backlog.numbers.iter().filter(|number| !looked.contains(number.as_str()));
        let (from, until) = (backlog.from_ms, backlog.until_ms);
        rows.extend(unseen.map(|number| format!("{number} was overdue at {from}, and not looked at by {until}")));
    }
    rows
}

/// What the guard holds back is put off, or goes to a person, without a question to the bank.
fn put_off<'a>(evidence: &'a Evidence, backlog: &'a Backlog, terms: &Terms<'_>) -> impl Iterator<Item = &'a str> {
    let ago = Duration::from_millis(u64::try_from(terms.now_ms.saturating_sub(backlog.from_ms)).unwrap_or(0));
    let from = terms.wall.minus(ago);
    let moved = evidence.orders.iter().filter(move |found| {
        found.operation.as_ref().is_some_and(|operation| operation.state.is_open() && operation.next_step_at > from)
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

#[cfg(test)]
mod tests;
