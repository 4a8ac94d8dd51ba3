//! The checker: queries over the evidence, each of which must return no row.
//!
//! Most ask about one order (`of_order`), about what people ordered for it (`of_verbs`), or about its registration
//! (`of_registrations`), some about all of them (`of_all`), or about what the shop heard (`of_hearing`).
//! None knows how the daemon works, only what must hold.

mod of_all;
mod of_hearing;
mod of_order;
mod of_registrations;
mod of_verbs;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::MerchantConfig;
use crate::domain::operation::{Operation, OperationKind, OperationState};
use crate::domain::order::Order;
use crate::domain::registration::journey::Registration;
use crate::domain::time::Timestamp;
use crate::domain::verbs::Verb;
use crate::sandbox::{Effect, FaultName};

use super::evidence::{
    ActKind, Asked, BankEffect, Evidence, Intended, Intent, Refund, SeenEvent, Told, ToldAct, Witnessed,
};

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

impl Terms<'_> {
    /// What our clock shows, as it goes now, at a moment of the bank's.
    fn ours(&self, at_ms: i64) -> Timestamp {
        Timestamp::from_millis(self.wall.as_millis().saturating_sub(self.now_ms.saturating_sub(at_ms)))
    }
}

/// All that is known of one order.
#[derive(Debug, Default)]
pub(super) struct Case<'a> {
    told: Option<Told>,
    handed_in: Option<Told>,
    /// Handed in to a database that an older copy took the place of, and not since.
    is_forgotten: bool,
    registration: Option<&'a Registration>,
    order: Option<&'a Order>,
    operations: Vec<&'a Operation>,
    intended: Vec<&'a Intended>,
    /// By when each was decided, the earliest first.
    refunds: Vec<(i64, Refund)>,
    witnessed: Vec<&'a Witnessed>,
    events: Vec<&'a SeenEvent>,
    intents: Vec<&'a Intent>,
    sends: Vec<&'a Asked>,
    /// When the bank last had a question or a send about it.
    asked_at: Option<i64>,
    effects: Vec<&'a BankEffect>,
    acts: Vec<&'a ToldAct>,
    /// The bank invented a sum in some answer about it.
    is_misled: bool,
}

type Rows = Vec<String>;

type OfOrder = fn(&Case<'_>, &Terms<'_>) -> Rows;
type OfAll = fn(&Evidence, &Terms<'_>) -> Rows;

/// Asks every query.
pub(super) fn check(evidence: &Evidence, terms: &Terms<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, case) in &cases(evidence) {
        for (query, ask) in of_order::QUERIES.into_iter().chain(of_verbs::QUERIES).chain(of_registrations::QUERIES) {
            let rows = ask(case, terms).into_iter();
            violations.extend(rows.map(|row| Violation { query, order: (*number).to_owned(), row }));
        }
    }
    for (query, ask) in of_all::QUERIES.into_iter().chain(of_hearing::QUERIES) {
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
    for (number, told) in &evidence.handed_in {
        cases.entry(number).or_default().handed_in = Some(*told);
    }
    for number in &evidence.forgotten {
        cases.entry(number).or_default().is_forgotten = true;
    }
    for registration in &evidence.registrations {
        cases.entry(registration.number.as_str()).or_default().registration = Some(registration);
    }
    for seen in &evidence.events {
        cases.entry(seen.event.number.as_str()).or_default().events.push(seen);
    }
    for intended in &evidence.intended {
        cases.entry(&intended.number).or_default().intended.push(intended);
    }
    for ((number, at_ms), refund) in &evidence.refunds {
        cases.entry(number).or_default().refunds.push((*at_ms, *refund));
    }
    for witnessed in &evidence.witnessed {
        cases.entry(&witnessed.what.number).or_default().witnessed.push(witnessed);
    }
    for intent in &evidence.intents {
        cases.entry(&intent.number).or_default().intents.push(intent);
    }
    for asked in &evidence.asked {
        let case = cases.entry(&asked.number).or_default();
        case.asked_at = Some(asked.at_ms);
        if asked.send.is_some() {
            case.sends.push(asked);
        } else if asked.fault == Some(FaultName::WrongAmount) {
            case.is_misled = true;
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
        let moved =
            |effect: &&&BankEffect| matches!(effect.effect, Effect::Completed | Effect::Reversed | Effect::CalledOff);
        self.effects.iter().filter(|effect| effect.is_ours()).filter(moved)
    }

    /// What requests of ours gave back.
    fn refunds_of_ours(&self) -> impl Iterator<Item = &&BankEffect> {
        self.effects.iter().filter(|effect| effect.is_ours() && effect.effect == Effect::Refunded)
    }

    /// What people had ordered last until `ms`, and when; `None` where that was taken back.
    fn in_force(&self, ms: i64) -> Option<(i64, Verb)> {
        let until = self.acts.iter().take_while(|act| act.at_ms <= ms);
        let ordered = until.filter_map(|act| match act.kind {
            ActKind::Order(verb) => Some((act.at_ms, verb)),
            ActKind::Park | ActKind::Release => None,
        });
        // Taken back at this very moment it may have been sent before.
        ordered
            .filter(|(at, verb)| *verb != Verb::TakeBack || *at < ms)
            .last()
            .filter(|(_, verb)| *verb != Verb::TakeBack)
    }

    /// What stood deposited at the bank after each change until `ms`; before the first there was nothing.
    fn deposited_until(&self, ms: i64) -> Vec<i64> {
        self.sums_until(ms, |effect| matches!(effect, Effect::Completed | Effect::Deposited))
    }

    /// What stood given back, likewise.
    fn refunded_until(&self, ms: i64) -> Vec<i64> {
        self.sums_until(ms, |effect| effect == Effect::Refunded)
    }

    fn sums_until(&self, ms: i64, counts: impl Fn(Effect) -> bool) -> Vec<i64> {
        let mut sums: Vec<i64> = vec![0];
        for effect in self.effects.iter().filter(|effect| counts(effect.effect) && effect.at_ms <= ms) {
            sums.push(sums.last().copied().unwrap_or_default().saturating_add(effect.amount_minor));
        }
        sums
    }
}

#[cfg(test)]
pub(super) mod tests;
