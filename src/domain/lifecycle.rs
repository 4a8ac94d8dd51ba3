//! What an answer makes of an order: one total match of what we hold against what the bank shows.
//!
//! Identity comes first (is it our order, our amount, our currency?), then the amounts must agree with the status, then
//! the pair of states decides. Going backwards is a stale read: counted, and it decides nothing.

mod contradiction;
mod kind;

pub use contradiction::Contradiction;
pub use kind::ContradictionKind;

use super::bank::{BankStatus, BankView};
use super::booked::{self, Booked};
use super::order::{Order, State};

/// What a bank view means for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// As we had it.
    Unchanged,
    /// A new state, without contradiction.
    Became(State),
    /// The bank shows an earlier state than it did before: counted, decides nothing.
    Stale,
    /// A status number the documents do not define: kept, shown and looked at again.
    Unrecognised(i64),
    /// Money contradicts itself: a person decides.
    Contradiction(Contradiction),
}

/// What `view` makes of `order`. Total: every pair of states has its line.
pub fn judge(order: &Order, view: &BankView) -> Judgement {
    match (contradiction(order, view), transition(order.state, view.status)) {
        // The status goes backwards: such an answer is older than what we have, whatever it says besides.
        (Some(Contradiction::Chargeback), Judgement::Stale) => Judgement::Stale,
        (Some(found), _) => Judgement::Contradiction(found),
        (None, _) if went_backwards(order, view) => Judgement::Stale,
        // Decided for our book: the bank has gone on showing what a person held to be wrong.
        (None, Judgement::Contradiction(found)) if found.is_accepted(order) => Judgement::Unchanged,
        (None, judged) => judged,
    }
}

/// Whether less is shown given back than before, or an order in review in an earlier state than it was already: a
/// person would accept what is no longer so. Anywhere else the pair of states tells.
fn went_backwards(order: &Order, theirs: &BankView) -> bool {
    let seen = order.view.as_ref().filter(|_| order.state == State::Review);
    seen.is_some_and(|seen| transition(state_of(seen.view.status), theirs.status) == Judgement::Stale)
        || booked::falls_short(order, theirs, &Booked::default()).is_some()
}

/// Our state of an order that the bank shows so.
pub const fn state_of(status: BankStatus) -> State {
    match status {
        BankStatus::Registered | BankStatus::InAuthentication | BankStatus::Other(_) => State::Pending,
        BankStatus::Held => State::Held,
        BankStatus::Deposited => State::Deposited,
        BankStatus::Reversed => State::Reversed,
        BankStatus::Refunded => State::Refunded,
        BankStatus::Declined => State::Declined,
    }
}

/// The first way in which `view` contradicts `order` that nobody has accepted yet: an acceptance covers what it names
/// and hides nothing else.
pub fn contradiction(order: &Order, view: &BankView) -> Option<Contradiction> {
    contradictions(order, view).find(|found| !found.is_accepted(order))
}

/// Every way in which `view` contradicts `order`, accepted or not: identity first, then the sums.
pub fn contradictions(order: &Order, view: &BankView) -> impl Iterator<Item = Contradiction> {
    let not_ours = [another_number(order, view), another_id(order, view), another_currency(order, view)];
    let sums = [
        another_amount(order, view),
        taken_while_held(view),
        another_hold(order, view),
        taken(order, view),
        charged_back(view),
    ];
    not_ours.into_iter().chain(sums).flatten()
}

/// Whether the answer is about another order, another price or another currency, and nobody has accepted that.
pub fn identity_contradiction(order: &Order, view: &BankView) -> Option<Contradiction> {
    let mut found = [not_ours(order, view), another_amount(order, view)].into_iter().flatten();
    found.find(|found| !found.is_accepted(order))
}

/// Whether the answer is about another order or another currency, accepted or not: no money moves on such an answer
/// (R4).
pub fn not_ours(order: &Order, view: &BankView) -> Option<Contradiction> {
    another_number(order, view).or_else(|| another_id(order, view)).or_else(|| another_currency(order, view))
}

// What the bank left out contradicts nothing.

fn another_number(order: &Order, view: &BankView) -> Option<Contradiction> {
    let theirs = view.order_number.as_deref().filter(|theirs| *theirs != order.number.as_str())?;
    Some(Contradiction::AnotherOrderNumber { theirs: theirs.chars().take(64).collect() })
}

fn another_id(order: &Order, view: &BankView) -> Option<Contradiction> {
    let (ours, theirs) = order.order_id.as_ref().zip(view.order_id.as_ref())?;
    // Some banks write the same id in capitals here and in small letters there.
    let same = ours.as_str().eq_ignore_ascii_case(theirs.as_str());
    (!same).then(|| Contradiction::AnotherOrderId { theirs: theirs.as_str().to_owned() })
}

fn another_currency(order: &Order, view: &BankView) -> Option<Contradiction> {
    let theirs = view.currency.filter(|theirs| *theirs != order.currency)?;
    Some(Contradiction::CurrencyDiffers { ours: order.currency.numeric(), theirs: theirs.numeric() })
}

fn another_amount(order: &Order, view: &BankView) -> Option<Contradiction> {
    let theirs = view.amount.filter(|theirs| *theirs != order.amount.minor())?;
    Some(Contradiction::AmountDiffers { ours: order.amount.minor(), theirs })
}

// Whether the sums the bank shows can be true of its own status.

fn taken_while_held(view: &BankView) -> Option<Contradiction> {
    let deposited = view.amounts?.deposited;
    (view.status == BankStatus::Held && deposited != 0).then_some(Contradiction::DepositedWhileHeld { deposited })
}

fn another_hold(order: &Order, view: &BankView) -> Option<Contradiction> {
    let (ours, approved) = (order.amount.minor(), view.amounts?.approved);
    (view.status == BankStatus::Held && approved != ours).then_some(Contradiction::ApprovedDiffers { ours, approved })
}

fn taken(order: &Order, view: &BankView) -> Option<Contradiction> {
    let (ours, deposited) = (order.amount.minor(), view.amounts?.deposited);
    let possible = (1..=ours).contains(&deposited);
    (view.status == BankStatus::Deposited && !possible)
        .then_some(Contradiction::DepositedImpossible { ours, deposited })
}

fn charged_back(view: &BankView) -> Option<Contradiction> {
    (view.chargeback == Some(true)).then_some(Contradiction::Chargeback)
}

fn transition(ours: State, theirs: BankStatus) -> Judgement {
    use BankStatus as Bank;
    use Judgement::{Became, Stale, Unchanged, Unrecognised};
    let another_end = || Judgement::Contradiction(Contradiction::AnotherEnd { ours, theirs });
    match (ours, theirs) {
        (_, Bank::Other(number)) => Unrecognised(number),
        // A person decides; the view is kept beside the order.
        (State::Review, _) => Unchanged,

        (State::Pending, Bank::Registered | Bank::InAuthentication) => Unchanged,
        (State::Pending, Bank::Held) => Became(State::Held),
        (State::Pending | State::Held, Bank::Deposited) => Became(State::Deposited),
        (State::Pending | State::Held, Bank::Reversed) => Became(State::Reversed),
        (State::Pending | State::Held, Bank::Refunded) => Became(State::Refunded),
        (State::Pending, Bank::Declined) => Became(State::Declined),

        (State::Held, Bank::Held) => Unchanged,
        (State::Held, Bank::Declined) => another_end(),

        (State::Deposited, Bank::Deposited) => Unchanged,
        (State::Deposited, Bank::Refunded) => Became(State::Refunded),
        // Nobody here did it: we reverse holds, never what was taken.
        (State::Deposited, Bank::Reversed | Bank::Declined) => another_end(),

        (State::Refunded, Bank::Refunded) => Unchanged,
        (State::Refunded, Bank::Reversed | Bank::Declined) => another_end(),

        // Banks differ in the number they give to "cancelled before payment": 3 and 6 are the same end.
        (State::Reversed | State::Declined, Bank::Reversed | Bank::Declined) => Unchanged,
        (State::Reversed, Bank::Deposited | Bank::Refunded) => another_end(),
        // A late approval: the shop was told that nothing was paid.
        (State::Declined, Bank::Held | Bank::Deposited | Bank::Refunded) => another_end(),

        (
            State::Held | State::Deposited | State::Refunded | State::Reversed | State::Declined,
            Bank::Registered | Bank::InAuthentication,
        )
        | (State::Deposited | State::Refunded | State::Reversed, Bank::Held)
        | (State::Refunded, Bank::Deposited) => Stale,
    }
}

#[cfg(test)]
mod tests;
