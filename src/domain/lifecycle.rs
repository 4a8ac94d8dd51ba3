//! What an answer makes of an order: one total match of what we hold against what the bank shows.
//!
//! Identity comes first (is it our order, our amount, our currency?), then the amounts must agree with the status, then
//! the pair of states decides. Going backwards is a stale read: counted, and it decides nothing.

use super::bank::{BankStatus, BankView};
use super::money::for_people;
use super::order::{Order, ReviewReason, State};

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

/// The ways in which money can contradict itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// The answer is about another order number.
    AnotherOrderNumber {
        /// The number the bank repeated.
        theirs: String,
    },
    /// The answer is about another order id.
    AnotherOrderId {
        /// The id the bank repeated.
        theirs: String,
    },
    /// The bank gives this order the id that another of ours has.
    OrderIdTaken {
        /// That order's number.
        by: String,
    },
    /// The bank knows the order with another price.
    AmountDiffers {
        /// Our price in minor units.
        ours: i64,
        /// Theirs.
        theirs: i64,
    },
    /// The bank knows the order in another currency.
    CurrencyDiffers {
        /// Our ISO 4217 numeric code.
        ours: u16,
        /// Theirs.
        theirs: u16,
    },
    /// Another sum is held than was ordered.
    ApprovedDiffers {
        /// Our price in minor units.
        ours: i64,
        /// Minor units held.
        approved: i64,
    },
    /// More was taken than was ordered, or nothing although the status says so.
    DepositedImpossible {
        /// Our price in minor units.
        ours: i64,
        /// Minor units taken.
        deposited: i64,
    },
    /// Held, and yet something was taken.
    DepositedWhileHeld {
        /// Minor units taken.
        deposited: i64,
    },
    /// Our completion intended another sum than the bank took.
    CompletedWithAnotherAmount {
        /// Minor units intended.
        intended: i64,
        /// Minor units taken.
        deposited: i64,
    },
    /// A completion was sent, long ago by now, and the bank still shows the hold.
    StillHeldAfterSend {
        /// How often it was sent.
        attempts: u32,
    },
    /// The bank refused the completion of a hold it shows.
    CompletionRefused {
        /// The bank's word.
        why: String,
    },
    /// Our book had the order at an end, and the bank shows another.
    AnotherEnd {
        /// What we held to be true.
        ours: State,
        /// What the bank shows.
        theirs: BankStatus,
    },
}

impl Contradiction {
    /// A stable word with the figures in it: an operator who accepts this one has not accepted the next.
    pub fn code(&self) -> String {
        match self {
            Self::AnotherOrderNumber { theirs } => format!("another_order_number:{theirs}"),
            Self::AnotherOrderId { theirs } => format!("another_order_id:{theirs}"),
            Self::OrderIdTaken { by } => format!("order_id_taken:{by}"),
            Self::AmountDiffers { ours, theirs } => format!("amount_differs:{ours}:{theirs}"),
            Self::CurrencyDiffers { ours, theirs } => format!("currency_differs:{ours}:{theirs}"),
            Self::ApprovedDiffers { ours, approved } => format!("approved_differs:{ours}:{approved}"),
            Self::DepositedImpossible { ours, deposited } => format!("deposited_impossible:{ours}:{deposited}"),
            Self::DepositedWhileHeld { deposited } => format!("deposited_while_held:{deposited}"),
            Self::CompletedWithAnotherAmount { intended, deposited } => {
                format!("completed_with_another_amount:{intended}:{deposited}")
            }
            Self::StillHeldAfterSend { attempts } => format!("still_held_after_send:{attempts}"),
            Self::CompletionRefused { .. } => "completion_refused".to_owned(),
            Self::AnotherEnd { ours, theirs } => format!("another_end:{ours}:{}", theirs.number()),
        }
    }

    /// Why the order stands in review, with the sums in `order`'s currency.
    pub fn reason(&self, order: &Order) -> ReviewReason {
        ReviewReason { code: self.code(), sentence: self.sentence(order) }
    }

    fn sentence(&self, order: &Order) -> String {
        let sum = |minor: i64| for_people(minor, order.currency);
        match self {
            Self::AnotherOrderNumber { theirs } => format!("the bank answered about order number {theirs:?}, not ours"),
            Self::AnotherOrderId { theirs } => format!("the bank answered about order id {theirs:?}, not ours"),
            Self::OrderIdTaken { by } => {
                format!("the bank gives it the order id that order {by:?} has here")
            }
            Self::AmountDiffers { ours, theirs } => {
                format!("we have {}, the bank has {}", sum(*ours), sum(*theirs))
            }
            Self::CurrencyDiffers { ours, theirs } => {
                format!("we have currency {ours}, the bank has {theirs}")
            }
            Self::ApprovedDiffers { ours, approved } => {
                format!("the order is for {}, and the bank holds {}", sum(*ours), sum(*approved))
            }
            Self::DepositedImpossible { ours, deposited } => {
                format!("the order is for {}, and the bank says it is deposited with {}", sum(*ours), sum(*deposited))
            }
            Self::DepositedWhileHeld { deposited } => {
                format!("the bank shows it held and yet {} deposited", sum(*deposited))
            }
            Self::CompletedWithAnotherAmount { intended, deposited } => {
                format!("we completed {}, and the bank deposited {}", sum(*intended), sum(*deposited))
            }
            Self::StillHeldAfterSend { attempts } => {
                format!(
                    "a completion was sent ({attempts} times), its outcome is unknown, and the bank still shows the hold"
                )
            }
            Self::CompletionRefused { why } => format!("the bank refused to complete the hold: {why}"),
            Self::AnotherEnd { ours, theirs } => format!("we had it {ours}, and the bank shows it {theirs}"),
        }
    }
}

/// What `view` makes of `order`. Total: every pair of states has its line.
pub fn judge(order: &Order, view: &BankView) -> Judgement {
    let accepted = |found: &Contradiction| order.accepted.as_deref() == Some(found.code().as_str());
    let contradiction = identity_contradiction(order, view).or_else(|| amount_contradiction(order, view));
    match contradiction.filter(|found| !accepted(found)) {
        Some(contradiction) => Judgement::Contradiction(contradiction),
        None => transition(order.state, view.status),
    }
}

/// Whether the answer is about another order, another price or another currency. What the bank left out contradicts
/// nothing.
pub fn identity_contradiction(order: &Order, view: &BankView) -> Option<Contradiction> {
    if let Some(theirs) = view.order_number.as_deref().filter(|theirs| *theirs != order.number.as_str()) {
        return Some(Contradiction::AnotherOrderNumber { theirs: theirs.chars().take(64).collect() });
    }
    if let (Some(ours), Some(theirs)) = (&order.order_id, &view.order_id)
        && ours != theirs
    {
        return Some(Contradiction::AnotherOrderId { theirs: theirs.as_str().to_owned() });
    }
    if let Some(theirs) = view.amount.filter(|theirs| *theirs != order.amount.minor()) {
        return Some(Contradiction::AmountDiffers { ours: order.amount.minor(), theirs });
    }
    let theirs = view.currency.filter(|theirs| *theirs != order.currency)?;
    Some(Contradiction::CurrencyDiffers { ours: order.currency.numeric(), theirs: theirs.numeric() })
}

/// Whether the sums the bank shows can be true of its own status.
fn amount_contradiction(order: &Order, view: &BankView) -> Option<Contradiction> {
    let amounts = view.amounts?;
    let ours = order.amount.minor();
    match view.status {
        BankStatus::Held if amounts.deposited != 0 => {
            Some(Contradiction::DepositedWhileHeld { deposited: amounts.deposited })
        }
        BankStatus::Held if amounts.approved != ours => {
            Some(Contradiction::ApprovedDiffers { ours, approved: amounts.approved })
        }
        BankStatus::Deposited if amounts.deposited <= 0 || amounts.deposited > ours => {
            Some(Contradiction::DepositedImpossible { ours, deposited: amounts.deposited })
        }
        _ => None,
    }
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
        (State::Deposited, Bank::Reversed) => Became(State::Reversed),
        (State::Deposited, Bank::Declined) => another_end(),

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
