//! Drawing faults: at most one per request, by seeded chance, so that the same seed and the same requests meet the same
//! faults.
//!
//! It decides whether and which; it does not know what a fault does.

use super::Operation;
use super::faults::{FaultKind, FaultRule};
use super::probability::Probability;

/// More rules than a person writes, few enough to look through at every request.
pub(super) const RULES_MAX: usize = 1_000;

/// The rules in force and the chance they are drawn by.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
    chance: fastrand::Rng,
}

/// What of a request and its order matters to the rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) operation: Operation,
    pub(super) order_id: Option<&'a str>,
    pub(super) order_number: Option<&'a str>,
    /// The order has been in another state before.
    pub(super) has_earlier_state: bool,
    /// The bank has another order to confuse it with.
    pub(super) has_others: bool,
}

/// There are as many rules as the bank keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are already {RULES_MAX} fault rules: clear them first")]
pub struct TooManyRules;

impl Faults {
    /// Rules from the settings, and their seed.
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Faults {
        Faults { rules, chance: fastrand::Rng::with_seed(seed) }
    }

    /// Adds all of them or none.
    pub(super) fn add(&mut self, rules: Vec<FaultRule>) -> Result<(), TooManyRules> {
        if self.rules.len() + rules.len() > RULES_MAX {
            return Err(TooManyRules);
        }
        self.rules.extend(rules);
        Ok(())
    }

    /// Forgets every rule.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules still in force, with the counts they have left.
    pub(super) fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    /// The fault this request meets, if any; its count is used up.
    pub(super) fn draw(&mut self, met: Circumstances<'_>) -> Option<FaultKind> {
        let matching = (0..self.rules.len()).filter(|&index| self.rules[index].matches(met));
        let index = self.pick(&matching.collect::<Vec<_>>())?;
        let kind = self.rules[index].kind.clone();
        self.use_up(index);
        Some(kind)
    }

    /// A rule that always strikes comes first, in the order of writing. The others share one wheel of a million parts,
    /// so that each has exactly its probability; where they claim more than the wheel, they share it in proportion.
    fn pick(&mut self, matching: &[usize]) -> Option<usize> {
        let rules = &self.rules;
        let ppm = |&index: &usize| u64::from(rules[index].probability.ppm());
        let certain = u64::from(Probability::CERTAIN.ppm());
        if let Some(index) = matching.iter().find(|index| ppm(index) == certain) {
            return Some(*index);
        }
        let claimed: u64 = matching.iter().map(ppm).sum();
        if claimed == 0 {
            return None;
        }
        let mut drawn = self.chance.u64(..claimed.max(certain));
        for index in matching {
            let part = u64::from(self.rules[*index].probability.ppm());
            if drawn < part {
                return Some(*index);
            }
            drawn -= part;
        }
        None
    }

    fn use_up(&mut self, index: usize) {
        let Some(count) = &mut self.rules[index].count else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.rules.remove(index);
        }
    }

    /// A number below `end` for those who carry a drawn fault out.
    pub(super) fn choose(&mut self, end: usize) -> usize {
        self.chance.usize(..end.max(1))
    }
}

impl FaultRule {
    fn matches(&self, met: Circumstances<'_>) -> bool {
        let named = |order: &str| met.order_id == Some(order) || met.order_number == Some(order);
        let possible = match self.kind {
            FaultKind::StaleStatus => met.has_earlier_state,
            FaultKind::WrongOrder => met.has_others,
            FaultKind::WrongAmount { .. } => met.order_id.is_some(),
            FaultKind::Delay { .. }
            | FaultKind::TimeoutBeforeEffect { .. }
            | FaultKind::TimeoutAfterEffect { .. }
            | FaultKind::TooManyRequests { .. }
            | FaultKind::Error500 { .. }
            | FaultKind::Error503 { .. }
            | FaultKind::Reset { .. }
            | FaultKind::Garbage { .. }
            | FaultKind::FalseSuccess
            | FaultKind::FalseRefusal => true,
        };
        possible
            && self.kind.can_strike(met.operation)
            && self.operation.is_none_or(|operation| operation == met.operation)
            && self.order.as_deref().is_none_or(named)
    }
}

impl FaultKind {
    /// Whether this kind makes sense for an operation at all.
    pub(super) fn can_strike(&self, operation: Operation) -> bool {
        match self {
            FaultKind::WrongOrder | FaultKind::WrongAmount { .. } | FaultKind::StaleStatus => {
                operation == Operation::Status
            }
            FaultKind::FalseSuccess | FaultKind::FalseRefusal => {
                operation.changes_orders() && !matches!(operation, Operation::Register | Operation::RegisterPreAuth)
            }
            FaultKind::Delay { .. }
            | FaultKind::TimeoutBeforeEffect { .. }
            | FaultKind::TimeoutAfterEffect { .. }
            | FaultKind::TooManyRequests { .. }
            | FaultKind::Error500 { .. }
            | FaultKind::Error503 { .. }
            | FaultKind::Reset { .. }
            | FaultKind::Garbage { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::sandbox::faults::{FaultName, Moment};

    fn about(operation: Operation) -> Circumstances<'static> {
        Circumstances {
            operation,
            order_id: Some("id"),
            order_number: Some("A-1"),
            has_earlier_state: true,
            has_others: true,
        }
    }

    fn error_500() -> FaultRule {
        FaultRule::always(FaultKind::Error500 { effect: Moment::Before })
    }

    #[test]
    fn a_rule_strikes_what_it_names_and_as_often_as_it_says() {
        let rules = vec![error_500().on(Operation::Status).for_order("A-1").times(2)];
        let mut faults = Faults::new(rules, 1);
        let other = Circumstances { order_number: Some("A-2"), ..about(Operation::Status) };
        assert_eq!(faults.draw(about(Operation::Completion)), None);
        assert_eq!(faults.draw(other), None);
        assert!(faults.draw(about(Operation::Status)).is_some());
        assert_eq!(faults.rules()[0].count, Some(1));
        assert!(faults.draw(about(Operation::Status)).is_some());
        assert_eq!((faults.draw(about(Operation::Status)), faults.rules().len()), (None, 0));
    }

    #[test]
    fn a_storm_strikes_each_kind_about_as_often_as_asked() {
        let mut faults = Faults::new(FaultRule::storm(Probability::percent(10)), 1);
        let mut seen: HashMap<Option<FaultName>, u32> = HashMap::new();
        for _ in 0..10_000 {
            let drawn = faults.draw(about(Operation::Status));
            *seen.entry(drawn.map(|kind| kind.name())).or_default() += 1;
        }
        assert!(
            (400..600).contains(&seen[&None]),
            "nine kinds of ten per cent, and one of five, leave a twentieth: {seen:?}"
        );
        for name in [FaultName::Delay, FaultName::Garbage, FaultName::Reset, FaultName::StaleStatus] {
            assert!((800..1_200).contains(&seen[&Some(name)]), "{name:?}: {seen:?}");
        }
        assert!(!seen.contains_key(&Some(FaultName::FalseSuccess)));
    }

    #[test]
    fn the_same_seed_draws_the_same_faults() {
        let run = |seed| {
            let mut faults = Faults::new(FaultRule::storm(Probability::percent(5)), seed);
            let draws = (0..100).map(|_| faults.draw(about(Operation::Completion)));
            draws.collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }

    #[test]
    fn certainty_goes_before_chance() {
        let mut rules = FaultRule::storm(Probability::percent(10));
        rules.push(error_500());
        let mut faults = Faults::new(rules, 1);
        for _ in 0..50 {
            let drawn = faults.draw(about(Operation::Status)).unwrap();
            assert_eq!(drawn.name(), FaultName::Error500);
        }
    }

    #[test]
    fn nothing_is_stale_before_it_changed_and_a_full_list_takes_no_more() {
        let mut faults = Faults::new(vec![FaultRule::always(FaultKind::StaleStatus)], 1);
        let unchanged = Circumstances { has_earlier_state: false, ..about(Operation::Status) };
        assert_eq!(faults.draw(unchanged), None);
        assert_eq!(faults.add(vec![error_500(); RULES_MAX]), Err(TooManyRules));
        assert_eq!(faults.rules().len(), 1);
    }
}
