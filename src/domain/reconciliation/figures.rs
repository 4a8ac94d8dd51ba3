//! Our sums beside the bank's: which two belong together, and whether they differ.
//!
//! Two currencies are never compared, and what a person has accepted differs no more. Sums of an order that is still on
//! its way are [`lifecycle`](super::super::lifecycle)'s to judge at every look; here the ends are measured, as they
//! stand when the day is over.

use super::super::bank::{BankAmounts, BankStatus, BankView};
use super::super::lifecycle::Contradiction;
use super::super::money::for_people;
use super::super::operation::{CompletionAmount, OperationKind};
use super::super::order::{Order, State};
use super::Candidate;

/// Our sum and the bank's, of the kind the bank's status speaks of: what is held, what was taken, else the price.
pub(super) fn figures(candidate: &Candidate) -> (i64, Option<i64>) {
    let order = &candidate.order;
    let price = order.amount.minor();
    let view = order.view.as_ref().and_then(|seen| in_our_currency(order, &seen.view));
    let Some(view) = view else { return (price, None) };
    if view.amount.is_some_and(|theirs| theirs != price) {
        return (price, view.amount);
    }
    match (view.status, view.amounts) {
        (BankStatus::Held, Some(amounts)) if amounts.deposited != 0 => (0, Some(amounts.deposited)),
        (BankStatus::Held, Some(amounts)) => (price, Some(amounts.approved)),
        (BankStatus::Deposited | BankStatus::Refunded, Some(amounts)) => {
            let intended = intended_minor(candidate);
            (intended, Some(taken_minor(amounts, intended)))
        }
        (BankStatus::Reversed | BankStatus::Declined, Some(amounts)) if amounts.deposited != 0 => {
            (0, Some(amounts.deposited))
        }
        _ => (price, view.amount),
    }
}

/// The view, unless its sums are of another currency: two currencies are never compared.
pub(super) fn in_our_currency<'a>(order: &Order, view: &'a BankView) -> Option<&'a BankView> {
    view.currency.is_none_or(|theirs| theirs == order.currency).then_some(view)
}

/// What was taken in all. Banks differ in whether a refund lowers the deposited sum, and no document says; if either
/// reading is what was intended, nothing is missing.
fn taken_minor(amounts: BankAmounts, intended: i64) -> i64 {
    let before_refunds = amounts.deposited.saturating_add(amounts.refunded);
    if before_refunds == intended { before_refunds } else { amounts.deposited }
}

/// What should have been taken, by the latest recorded intention: the completion's sum, else the order's.
pub(super) fn intended_minor(candidate: &Candidate) -> i64 {
    // What a reversal intended is that nothing is taken; whoever takes it all the same takes what the order says.
    let operation = candidate.operation.as_ref().filter(|operation| operation.kind == OperationKind::Completion);
    let sent = operation.and_then(|operation| operation.expected_minor);
    let amount = operation.map_or(candidate.order.completion, |operation| operation.amount);
    match (sent, amount) {
        (Some(expected), _) => expected,
        (None, CompletionAmount::Exactly(amount)) => amount.minor(),
        (None, CompletionAmount::Whole) => whole_minor(&candidate.order),
    }
}

/// The price, or the bank's when a person has accepted that it has another.
fn whole_minor(order: &Order) -> i64 {
    let ours = order.amount.minor();
    let theirs = order.view.as_ref().and_then(|seen| seen.view.amount);
    let taken_as_true = |theirs: &i64| Contradiction::AmountDiffers { ours, theirs: *theirs }.is_taken_as_true(order);
    theirs.filter(taken_as_true).unwrap_or(ours)
}

/// A sum that our record and the bank's latest view do not agree on.
pub(super) struct Difference {
    pub(super) our_minor: i64,
    pub(super) bank_minor: Option<i64>,
    pub(super) words: String,
    /// What a person may have accepted: then it is no news.
    is_accepted: bool,
}

/// The first unaccepted difference: it explains those after it.
pub(super) fn difference(candidate: &Candidate) -> Option<Difference> {
    let order = &candidate.order;
    let view = &order.view.as_ref()?.view;
    let news = |found: &Difference| !found.is_accepted;
    if in_our_currency(order, view).is_none() {
        return currency_differs(order, view).filter(news);
    }
    let in_price = price_differs(order, view).filter(news);
    in_price.or_else(|| taken_differs(candidate, view).filter(news))
}

fn currency_differs(order: &Order, view: &BankView) -> Option<Difference> {
    let theirs = view.currency.filter(|theirs| *theirs != order.currency)?;
    let our_minor = order.amount.minor();
    let bank_has = view.amount.map_or_else(|| theirs.alpha().to_owned(), |minor| for_people(minor, theirs));
    let contradiction = Contradiction::CurrencyDiffers { ours: order.currency.numeric(), theirs: theirs.numeric() };
    Some(Difference {
        our_minor,
        bank_minor: None,
        words: format!("currency: ours {}, the bank's {bank_has}", for_people(our_minor, order.currency)),
        is_accepted: contradiction.is_accepted(order),
    })
}

fn price_differs(order: &Order, view: &BankView) -> Option<Difference> {
    let ours = order.amount.minor();
    let theirs = view.amount.filter(|theirs| *theirs != ours)?;
    Some(Difference {
        is_accepted: Contradiction::AmountDiffers { ours, theirs }.is_accepted(order),
        ..of_sums(order, "price", ours, theirs)
    })
}

/// What was taken or given back, measured by the end we have recorded.
fn taken_differs(candidate: &Candidate, view: &BankView) -> Option<Difference> {
    let order = &candidate.order;
    let amounts = view.amounts?;
    let intended = intended_minor(candidate);
    let taken = taken_minor(amounts, intended);
    let found = match order.state {
        State::Deposited | State::Refunded if taken != intended => {
            of_sums(order, "deposited", intended, amounts.deposited)
        }
        State::Deposited if amounts.refunded != 0 => of_sums(order, "refunded", 0, amounts.refunded),
        State::Refunded if amounts.refunded > intended => of_sums(order, "refunded", intended, amounts.refunded),
        State::Reversed | State::Declined if amounts.deposited != 0 => {
            of_sums(order, "deposited", 0, amounts.deposited)
        }
        State::Deposited | State::Refunded | State::Reversed | State::Declined => return None,
        State::Pending | State::Held | State::Review => return None,
    };
    let contradictions = [
        Contradiction::CompletedWithAnotherAmount { intended, deposited: amounts.deposited },
        Contradiction::DepositedImpossible { ours: order.amount.minor(), deposited: amounts.deposited },
        Contradiction::AnotherEnd { ours: order.state, theirs: view.status },
    ];
    Some(Difference {
        words: format!("{}; the bank shows it {}", found.words, view.status),
        is_accepted: contradictions.iter().any(|found| found.is_accepted(order)),
        ..found
    })
}

fn of_sums(order: &Order, what: &str, our_minor: i64, bank_minor: i64) -> Difference {
    let sum = |minor| for_people(minor, order.currency);
    Difference {
        our_minor,
        bank_minor: Some(bank_minor),
        words: format!("{what}: ours {}, the bank's {}", sum(our_minor), sum(bank_minor)),
        is_accepted: false,
    }
}

#[cfg(test)]
mod tests;
