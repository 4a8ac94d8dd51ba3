//! A business day's report, as a value: what moved, what stands open, and every line a person should read.
//!
//! The store hands in counted totals and the orders that may be worth a line; [`findings`] decides which are, and with
//! which figures. Nothing here is rendered: that is [`crate::report`]'s subject, so HTML, CSV and JSON can only ever
//! show the same value.

mod candidates;
mod figures;
#[cfg(test)]
pub(crate) mod fixtures;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use candidates::{Candidate, Yardstick, findings, holds_left, is_stuck};

use super::calendar::{BusinessDay, Zone};
use super::chain::Head;
use super::guard::Stop;
use super::holds::level_word;
use super::money::Currency;
use super::order::{MerchantId, OrderId, OrderNumber, State};
use super::time::Timestamp;

/// One merchant's business day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose day.
    pub merchant: MerchantId,
    /// Which day.
    pub day: BusinessDay,
    /// The zone its times are shown in.
    pub zone: Zone,
    /// When the books were read.
    pub drawn_at: Timestamp,
    /// Stops in force when the books were read that concern the merchant, the widest first.
    pub stops: Vec<Stop>,
    /// Orders that entered the queue on the day, by the state they have now.
    pub entered: Vec<Total>,
    /// Orders that came to their end on the day.
    pub ended: Vec<Total>,
    /// Every order that is not at an end.
    pub standing: Vec<Total>,
    /// Holds that stand, by the time they have left.
    pub holds: Vec<HoldsLeft>,
    /// What a person should read, by kind and then by age, oldest first.
    pub findings: Vec<Finding>,
    /// The journal's head at the end of the day, every merchant's events together; `None` before the first event, and
    /// until those of an earlier version are chained.
    pub head: Option<Head>,
}

impl Report {
    /// The totals of `group`, in the order of a life and then by currency, whatever order the store had them in.
    pub fn totals(&self, group: TotalGroup) -> Vec<Total> {
        let mut totals = match group {
            TotalGroup::Entered => self.entered.clone(),
            TotalGroup::Ended => self.ended.clone(),
            TotalGroup::Standing => self.standing.clone(),
        };
        totals.sort_by_key(|total| (total.state, total.currency));
        totals
    }

    /// The lines of `kind`, oldest first.
    pub fn findings_of(&self, kind: FindingKind) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.kind == kind)
    }

    /// How many orders need a person. An order with two lines is one order.
    pub fn orders_for_a_person(&self) -> usize {
        let lines = self.findings.iter().filter(|finding| finding.kind.needs_a_person());
        lines.map(|finding| &finding.number).collect::<BTreeSet<_>>().len()
    }
}

/// What a total counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TotalGroup {
    /// Orders that entered the queue on the day.
    Entered,
    /// Orders that came to their end on the day.
    Ended,
    /// Orders that are not at an end.
    Standing,
}

impl TotalGroup {
    /// Every group, in the order of a report.
    pub const ALL: [Self; 3] = [Self::Entered, Self::Ended, Self::Standing];

    /// The word for it in CSV and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entered => "entered",
            Self::Ended => "ended",
            Self::Standing => "standing",
        }
    }
}

/// Orders of one state and currency, counted and added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The state.
    pub state: State,
    /// The currency; sums of two are never added.
    pub currency: Currency,
    /// How many.
    pub count: u64,
    /// Their prices, in minor units.
    pub amount_minor: i64,
    /// What the bank's latest views show as deposited, in minor units.
    pub deposited_minor: i64,
    /// What they show as refunded, in minor units.
    pub refunded_minor: i64,
}

/// How much time a hold has left, as the levels of the warnings part it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeLeft {
    /// None: it should have lapsed.
    Lapsed,
    /// No more than this, and more than the next narrower level.
    Within(Duration),
    /// More than the widest level.
    Later,
}

impl TimeLeft {
    /// The word for it: `lapsed`, `48h`, `later`.
    pub fn word(self) -> String {
        match self {
            Self::Lapsed => "lapsed".to_owned(),
            Self::Within(level) => level_word(level),
            Self::Later => "later".to_owned(),
        }
    }
}

/// Holds that stand with so much time left, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldsLeft {
    /// How much time.
    pub time_left: TimeLeft,
    /// The currency; sums of two are never added.
    pub currency: Currency,
    /// How many.
    pub count: u64,
    /// Their prices in minor units; `None` when they do not fit.
    pub amount_minor: Option<i64>,
}

/// The totals of one currency, added up over all states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The currency.
    pub currency: Currency,
    /// How many orders.
    pub count: u64,
    /// Their prices in minor units; `None` when they do not fit, since a wrong sum is worse than none.
    pub amount_minor: Option<i64>,
    /// What was deposited, likewise.
    pub deposited_minor: Option<i64>,
    /// What was refunded, likewise.
    pub refunded_minor: Option<i64>,
}

/// `totals` added up, a line for each currency.
pub fn sums(totals: &[Total]) -> Vec<Sum> {
    let mut by_currency: BTreeMap<Currency, Sum> = BTreeMap::new();
    for total in totals {
        let sum = by_currency.entry(total.currency).or_insert_with(|| Sum::zero(total.currency));
        sum.add(total);
    }
    by_currency.into_values().collect()
}

impl Sum {
    const fn zero(currency: Currency) -> Self {
        Self { currency, count: 0, amount_minor: Some(0), deposited_minor: Some(0), refunded_minor: Some(0) }
    }

    fn add(&mut self, total: &Total) {
        let plus = |sum: Option<i64>, more: i64| sum.and_then(|sum| sum.checked_add(more));
        self.count = self.count.saturating_add(total.count);
        self.amount_minor = plus(self.amount_minor, total.amount_minor);
        self.deposited_minor = plus(self.deposited_minor, total.deposited_minor);
        self.refunded_minor = plus(self.refunded_minor, total.refunded_minor);
    }
}

/// Why an order has a line in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Money contradicts itself.
    InReview,
    /// A completion's outcome is not known.
    InDoubt,
    /// A hold lapses soon, or should have lapsed.
    Lapsing,
    /// The bank's own schedule completes a hold against what is planned here.
    Autocompletion,
    /// A sum differs between our record and the bank's latest view.
    Differs,
    /// No outcome long after the payment time ran out.
    Stuck,
    /// Held, and not near its lapse.
    Held,
}

impl FindingKind {
    /// Every kind, the most urgent first.
    pub const ALL: [Self; 7] =
        [Self::InReview, Self::InDoubt, Self::Lapsing, Self::Autocompletion, Self::Differs, Self::Stuck, Self::Held];

    /// The word for it in CSV, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InReview => "in_review",
            Self::InDoubt => "in_doubt",
            Self::Lapsing => "lapsing",
            Self::Autocompletion => "autocompletion",
            Self::Differs => "differs",
            Self::Stuck => "stuck",
            Self::Held => "held",
        }
    }

    /// Whether a person has to do something. An operation in doubt is still asked about, and goes to review by itself
    /// when asking does not help; a hold that is far from its lapse is only listed.
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::InReview | Self::Lapsing | Self::Autocompletion | Self::Differs | Self::Stuck => true,
            Self::InDoubt | Self::Held => false,
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Why it is here.
    pub kind: FindingKind,
    /// The shop's number.
    pub number: OrderNumber,
    /// The gateway's id, when known.
    pub order_id: Option<OrderId>,
    /// What we hold to be true.
    pub state: State,
    /// What the sum should be by our record, in minor units: the price, what should have been taken, or nothing.
    pub our_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// The sum that the bank's latest view has in its place, in minor units; `None` when it shows none in our currency.
    pub bank_minor: Option<i64>,
    /// Since when it stands so.
    pub since: Timestamp,
    /// When a hold lapses.
    pub deadline: Option<Timestamp>,
    /// What to know and what to do, in a sentence.
    pub detail: String,
}

impl Finding {
    /// The bank's sum less ours: below zero, the bank has less than we do.
    pub fn difference_minor(&self) -> Option<i64> {
        self.bank_minor?.checked_sub(self.our_minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_kept_apart_by_currency_and_are_absent_rather_than_wrong() {
        let euro = Currency::from_numeric(978).unwrap();
        let total = |state, currency, amount_minor| Total {
            state,
            currency,
            count: 2,
            amount_minor,
            deposited_minor: 5,
            refunded_minor: 1,
        };
        let totals = [
            total(State::Pending, Currency::RUB, 100),
            total(State::Held, euro, i64::MAX),
            total(State::Deposited, Currency::RUB, 50),
            total(State::Deposited, euro, 1),
        ];
        let shown: Vec<_> = sums(&totals)
            .iter()
            .map(|sum| (sum.currency.alpha(), sum.count, sum.amount_minor, sum.deposited_minor))
            .collect();
        assert_eq!(shown, [("RUB", 4, Some(150), Some(10)), ("EUR", 4, None, Some(10))]);
    }
}
