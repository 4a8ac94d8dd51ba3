//! What both sides say of an order in review, line by line, with the lines that differ marked.

use super::super::bank::BankStatus;
use super::super::calendar::Zone;
use super::super::lifecycle::ContradictionKind as Kind;
use super::super::lifecycle::state_of;
use super::super::money::{Currency, for_people};
use super::super::operation::Operation;
use super::super::order::{Order, SeenView, State};
use super::advice::kind_of;

/// One thing of which both sides have something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub what: &'static str,
    /// What we hold.
    pub ours: String,
    /// What the bank shows.
    pub theirs: String,
    /// Whether the two contradict each other.
    pub differs: bool,
}

/// What stands where a side has nothing to say.
const NOTHING: &str = "-";

/// Both sides, as of the bank's latest view; times by the merchant's clock.
pub fn sides(order: &Order, operation: Option<&Operation>, zone: &Zone) -> Vec<Line> {
    let seen = order.view.as_ref();
    let mut lines: Vec<Line> = identity(order).into_iter().collect();
    lines.extend([state(order, seen), price(order, seen), currency(order, seen)]);
    lines.extend([held(order, seen), taken(order, operation, seen), given_back(order, seen)]);
    lines.push(Line {
        what: "as of",
        ours: zone.for_people(order.state_since),
        theirs: seen.map_or(NOTHING.to_owned(), |seen| zone.for_people(seen.seen_at)),
        differs: false,
    });
    lines
}

/// Told only when it is what the review is about: the view is kept without what it said of another order.
fn identity(order: &Order) -> Option<Line> {
    let said = order.review.as_ref().and_then(|review| review.code.split_once(':')).map(|(_, said)| said.to_owned())?;
    let id = || order.order_id.as_ref().map_or("not known yet".to_owned(), ToString::to_string);
    let (what, ours, theirs) = match kind_of(order)? {
        Kind::AnotherOrderNumber => ("order number", order.number.to_string(), said),
        Kind::AnotherOrderId => ("order id", id(), said),
        Kind::OrderIdTaken => ("order id", id(), format!("the id of order {said}")),
        _ => return None,
    };
    Some(Line { what, ours, theirs, differs: true })
}

fn state(order: &Order, seen: Option<&SeenView>) -> Line {
    let same = |ours: State, theirs: State| {
        let cancelled = |state| matches!(state, State::Reversed | State::Declined);
        ours == theirs || (cancelled(ours) && cancelled(theirs))
    };
    let theirs = seen.map(|seen| seen.view.status);
    Line {
        what: "state",
        ours: order.before_review.map_or("not on record".to_owned(), |before| format!("{before}, before the review")),
        theirs: theirs.map_or("nothing yet".to_owned(), |status| status.to_string()),
        differs: order.before_review.zip(theirs).is_some_and(|(ours, theirs)| !same(ours, state_of(theirs))),
    }
}

fn price(order: &Order, seen: Option<&SeenView>) -> Line {
    sums("price", order, Some(order.amount.minor()), seen, seen.and_then(|seen| seen.view.amount), true)
}

fn currency(order: &Order, seen: Option<&SeenView>) -> Line {
    let words = |currency: Currency| format!("{} ({currency})", currency.alpha());
    let theirs = seen.and_then(|seen| seen.view.currency);
    Line {
        what: "currency",
        ours: words(order.currency),
        theirs: theirs.map_or(NOTHING.to_owned(), words),
        differs: theirs.is_some_and(|theirs| theirs != order.currency),
    }
}

fn held(order: &Order, seen: Option<&SeenView>) -> Line {
    let ours = order.hold.map(|_| order.amount.minor());
    let shows_hold = seen.is_some_and(|seen| seen.view.status == BankStatus::Held);
    let theirs = seen.and_then(|seen| seen.view.amounts).map(|amounts| amounts.approved);
    let differs = shows_hold && theirs != Some(order.amount.minor());
    Line { differs: differs && theirs.is_some(), ..sums("held", order, ours, seen, theirs, false) }
}

/// What should have been taken: what a completion was sent for, else what our state says.
fn taken(order: &Order, operation: Option<&Operation>, seen: Option<&SeenView>) -> Line {
    let sent = operation.filter(|operation| operation.attempt > 0).and_then(|operation| operation.expected_minor);
    let ours = sent.or(match order.before_review {
        Some(State::Deposited) => Some(order.amount.minor()),
        Some(State::Pending | State::Held | State::Reversed | State::Declined) => Some(0),
        Some(State::Refunded | State::Review) | None => None,
    });
    sums("taken", order, ours, seen, seen.and_then(|seen| seen.view.amounts).map(|amounts| amounts.deposited), true)
}

fn given_back(order: &Order, seen: Option<&SeenView>) -> Line {
    let ours = if order.before_review == Some(State::Refunded) { None } else { Some(0) };
    sums("given back", order, ours, seen, seen.and_then(|seen| seen.view.amounts).map(|amounts| amounts.refunded), true)
}

/// Two sums, each in the currency of its side.
fn sums(
    what: &'static str,
    order: &Order,
    ours: Option<i64>,
    seen: Option<&SeenView>,
    theirs: Option<i64>,
    compared: bool,
) -> Line {
    let currency = seen.and_then(|seen| seen.view.currency).unwrap_or(order.currency);
    let words = |minor: Option<i64>, currency| minor.map_or(NOTHING.to_owned(), |minor| for_people(minor, currency));
    Line {
        what,
        ours: words(ours, order.currency),
        theirs: words(theirs, currency),
        differs: compared && ours.zip(theirs).is_some_and(|(ours, theirs)| ours != theirs),
    }
}
