//! The way out that we would take, for each contradiction, and what is at stake: advice for the person who decides.

use std::cmp::Reverse;

use super::super::bank::{BankStatus, BankView};
use super::super::holds;
use super::super::lifecycle::ContradictionKind;
use super::super::money::Currency;
use super::super::order::{Order, OrderKey};
use super::super::time::Timestamp;
use super::Way;

/// A way out, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Which way.
    pub way: Way,
    /// Why, in a sentence.
    pub why: &'static str,
}

/// What we would do about a review. Total: no contradiction is without advice. `None` is a reason that this version
/// does not know, which an older or newer one wrote.
pub const fn advice(kind: Option<ContradictionKind>) -> Advice {
    use ContradictionKind as Kind;
    let (way, why) = match kind {
        Some(Kind::AnotherOrderNumber | Kind::AnotherOrderId) => {
            (Way::Ours, "an answer about another order says nothing of this one; tell the bank that it mixes them up")
        }
        Some(Kind::OrderIdTaken) => {
            (Way::Ours, "the id belongs to another order here; see in the console which of the two it is")
        }
        Some(Kind::AmountDiffers) => {
            (Way::Bank, "the buyer sees and pays the bank's price; see that the shop agrees to it")
        }
        Some(Kind::CurrencyDiffers) => {
            (Way::Bank, "the buyer pays in the bank's currency, and we complete nothing in another one")
        }
        Some(Kind::ApprovedDiffers) => {
            (Way::Bank, "no more can be taken than the bank holds; see that the shop agrees to that sum")
        }
        Some(Kind::DepositedImpossible) => {
            (Way::Bank, "what was taken is the bank's to know; give back in its console what was too much")
        }
        Some(Kind::DepositedWhileHeld) => {
            (Way::Bank, "something was taken already, and we complete nothing on top of it; end it in the console")
        }
        Some(Kind::CompletedWithAnotherAmount) => {
            (Way::Bank, "the money has moved; settle the difference with the buyer or the bank")
        }
        Some(Kind::StillHeldAfterSend) => (
            Way::Complete,
            "the request was quiet long enough; if the console shows no completion either, send it again",
        ),
        Some(Kind::PartUnsuccessful) => {
            (Way::Bank, "see in the console what became of the money and of the points; what stands there is true")
        }
        Some(Kind::CompletionRefused) => {
            (Way::Bank, "the hold stands, and stays parked until the bank's reason is gone and somebody releases it")
        }
        Some(Kind::StillHeldAfterReversal) => (
            Way::Bank,
            "the request was quiet long enough; the hold stays parked, and lapses, or is let go in the console",
        ),
        Some(Kind::ReversalRefused) => {
            (Way::Bank, "the hold stands, and stays parked; let it go in the console, or release its completion")
        }
        Some(Kind::TakenInsteadOfReversed) => {
            (Way::Bank, "the money has moved; give it back in the console if the buyer is not to pay")
        }
        Some(Kind::StillUnrefundedAfterSend) => (
            Way::Bank,
            "the request was quiet long enough; if the console shows no refund either, order it again once it is out of \
             review",
        ),
        Some(Kind::RefundRefused) => {
            (Way::Bank, "nothing went back; once the bank's reason is gone, order the refund again")
        }
        Some(Kind::RefundedAnotherAmount) => {
            (Way::Bank, "somebody else gave money back too; see in the console which refunds there are")
        }
        Some(Kind::LessGivenBack) => {
            (Way::Bank, "see in the console whether a refund was taken back; the bank's sum is what the buyer has")
        }
        Some(Kind::LessTaken) => {
            (Way::Bank, "see in the console what became of the money that was taken; the bank's sum is what there is")
        }
        Some(Kind::StillOpenAfterDecline) => {
            (Way::Bank, "nobody has paid, and the order closes by itself when its payment time is over")
        }
        Some(Kind::HoldNearLapse) => {
            (Way::Complete, "it lapses soon: take it now, or let it go in the console; doing nothing loses the money")
        }
        Some(Kind::Chargeback) => {
            (Way::Bank, "answer the chargeback at the bank; the book says then what the bank shows")
        }
        Some(Kind::AnotherEnd) => {
            (Way::Bank, "the bank's end is what the buyer's account shows; tell the shop what changed")
        }
        Some(Kind::RowAltered) => (
            Way::Bank,
            "compare the sums with the shop's and the bank's console; `bank` if the bank has it right, `ours` if the row \
             does, and find out who writes to the file",
        ),
        Some(Kind::SentOutsideBook) => {
            (Way::Bank, "the money may have been taken; once the bank shows what became of it, that is what is true")
        }
        None => (Way::Bank, "this version does not know the reason; see in the console what is true"),
    };
    Advice { way, why }
}

/// The kind of an order's review.
pub fn kind_of(order: &Order) -> Option<ContradictionKind> {
    ContradictionKind::of_code(&order.review.as_ref()?.code)
}

/// The kind in a few words.
pub fn kind_in_words(order: &Order) -> &'static str {
    kind_of(order).map_or("a reason unknown here", ContradictionKind::in_words)
}

/// The sum that is at stake, and its currency: what the bank holds or took, else the larger of the two prices.
pub fn at_stake(order: &Order) -> (i64, Currency) {
    let ours = (order.amount.minor(), order.currency);
    let Some(view) = order.view.as_ref().map(|seen| &seen.view) else { return ours };
    let currency = view.currency.unwrap_or(order.currency);
    match moved(view) {
        Some(minor) => (minor, currency),
        None if currency == order.currency => (view.amount.unwrap_or(0).max(order.amount.minor()), currency),
        None => ours,
    }
}

fn moved(view: &BankView) -> Option<i64> {
    let amounts = view.amounts?;
    // Of a hold that stands what is still held is at stake too, however much was taken of it.
    let minor = match view.status {
        BankStatus::Held => amounts.approved.max(amounts.deposited),
        _ => amounts.deposited,
    };
    Some(minor).filter(|minor| *minor > 0)
}

/// When the money at stake is lost by waiting: the lapse of a hold that stands.
pub fn lapses_at(order: &Order) -> Option<Timestamp> {
    order.hold.filter(|_| holds::stands(order)).map(|hold| hold.lapses_at)
}

/// When a person should take a review up: the smaller, the sooner. Holds by their lapse, then by the sum at stake, each
/// currency by itself, then the oldest. No two orders have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    /// When the hold is lost; the end of time where none stands.
    pub lapses_at: Timestamp,
    /// Of the sum, by its number.
    pub currency: u16,
    /// The sum, of which more is sooner.
    pub at_stake: Reverse<i64>,
    /// Since when it stands so.
    pub since: Timestamp,
    /// Which it is.
    pub order: OrderKey,
}

impl Urgency {
    /// Of an order in review.
    pub fn of(order: &Order) -> Self {
        let (minor, currency) = at_stake(order);
        Self {
            lapses_at: lapses_at(order).unwrap_or(Timestamp::from_millis(i64::MAX)),
            currency: currency.numeric(),
            at_stake: Reverse(minor),
            since: order.state_since,
            order: order.key,
        }
    }
}

/// Sorts what a person should take up first to the front.
pub fn by_urgency<T>(reviews: &mut [T], order_of: impl Fn(&T) -> &Order) {
    reviews.sort_by_key(|review| Urgency::of(order_of(review)));
}
