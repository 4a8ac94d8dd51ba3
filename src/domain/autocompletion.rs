//! The gateway's own schedule (`autocompletionDate`): when it would complete a hold by itself, against our plan.
//!
//! It cannot be taken back through any request we know, only noticed: whoever plans something else for the hold has to
//! be faster, or change it in the bank's console.

use super::holds;
use super::operation::CompletionAmount;
use super::order::{Order, State};
use super::time::Timestamp;

/// In which way the gateway's own schedule is against our plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Money contradicts itself, and a person has not decided yet.
    InReview,
    /// Somebody parked it.
    Parked,
    /// It waits for its release, or is to be reversed.
    NothingPlanned,
    /// Ours takes a part, the gateway takes all.
    Part,
    /// Ours is planned for later.
    BeforeOurs,
}

impl Conflict {
    /// What is planned here instead, for the end of a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::InReview => "although it stands in review",
            Self::Parked => "although it is parked",
            Self::NothingPlanned => "although no completion is planned here before the hold lapses",
            Self::Part => "and takes the whole, of which we take a part",
            Self::BeforeOurs => "before our own completion is due",
        }
    }
}

/// How the gateway's own schedule is against what is planned for a hold that stands, with its moment.
pub fn conflict(order: &Order) -> Option<(Timestamp, Conflict)> {
    let at = order.autocompletion_at.filter(|_| holds::stands(order))?;
    let found = match (order.state, order.complete_at) {
        (State::Review, _) => Conflict::InReview,
        _ if order.parked => Conflict::Parked,
        (_, None) => Conflict::NothingPlanned,
        _ if order.completion != CompletionAmount::Whole => Conflict::Part,
        (_, Some(ours)) if ours > at => Conflict::BeforeOurs,
        _ => return None,
    };
    Some((at, found))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{DAY, HOUR, NOW, order, part};
    use super::*;

    #[test]
    fn the_gateways_own_schedule_is_against_whatever_is_planned_otherwise() {
        let held = || Order { complete_at: Some(NOW.plus(DAY)), ..order(State::Held) };
        let at = |at: Timestamp, order: Order| Order { autocompletion_at: Some(at), ..order };
        let late = NOW.plus(DAY * 2);
        let table = [
            ("no schedule of its own", held(), None),
            ("after ours", at(late, held()), None),
            ("before ours", at(NOW.plus(HOUR), held()), Some(Conflict::BeforeOurs)),
            ("at the same time", at(NOW.plus(DAY), held()), None),
            ("parked", at(late, Order { parked: true, complete_at: None, ..held() }), Some(Conflict::Parked)),
            ("not released", at(late, Order { complete_at: None, ..held() }), Some(Conflict::NothingPlanned)),
            ("a part", at(late, Order { completion: part(9_000), ..held() }), Some(Conflict::Part)),
            ("not held", at(late, order(State::Pending)), None),
            ("taken", at(late, order(State::Deposited)), None),
        ];
        for (what, order, expected) in table {
            assert_eq!(conflict(&order).map(|(_, found)| found), expected, "{what}");
        }
    }
}
