//! What an answer makes of an order: one total match of what we hold against what the bank shows.
//!
//! Identity comes first (is it our order, our amount, our currency?), then the amounts must agree with the status, then
//! the pair of states decides. Going backwards is a stale read: counted, and it decides nothing.

mod kind;

pub use kind::ContradictionKind;

use super::bank::{BankStatus, BankView};
use super::booked::{self, Booked};
use super::money::for_people;
use super::operation::times;
use super::order::{Order, ReviewReason, State};
use super::time::Timestamp;

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
    /// The bank did a part of a completion, in money or points, and another part not.
    PartUnsuccessful {
        /// What the bank says of each.
        parts: String,
    },
    /// The bank refused the completion of a hold it shows.
    CompletionRefused {
        /// The bank's word.
        why: String,
    },
    /// A reversal was sent, long ago by now, and the bank still shows the hold.
    StillHeldAfterReversal {
        /// How often it was sent.
        attempts: u32,
    },
    /// The bank refused to reverse a hold it shows.
    ReversalRefused {
        /// The bank's word.
        why: String,
    },
    /// Our reversal was on its way, and the bank shows the money taken: somebody completed the order.
    TakenInsteadOfReversed {
        /// Minor units taken.
        deposited: i64,
    },
    /// A refund was sent, long ago by now, and the bank shows nothing given back since.
    StillUnrefundedAfterSend {
        /// How often it was sent.
        attempts: u32,
    },
    /// The bank refused to give back what it shows taken.
    RefundRefused {
        /// The bank's word.
        why: String,
    },
    /// A refund of ours was on its way, and the bank gave back another sum than that.
    RefundedAnotherAmount {
        /// Minor units intended.
        intended: i64,
        /// Minor units given back since the send.
        refunded: i64,
    },
    /// The bank goes on showing less given back than our book is certain of.
    LessGivenBack {
        /// Minor units that were confirmed, or shown before.
        ours: i64,
        /// Minor units shown.
        theirs: i64,
    },
    /// The bank goes on showing less taken than our book has confirmed.
    LessTaken {
        /// Minor units confirmed.
        ours: i64,
        /// Minor units shown, what was given back of them included.
        theirs: i64,
    },
    /// A decline was sent, long ago by now, and the bank still shows the order open.
    StillOpenAfterDecline {
        /// How often it was sent.
        attempts: u32,
    },
    /// Nothing completes the hold before it lapses, and no policy says what to do.
    HoldNearLapse {
        /// When it is taken to lapse.
        lapses_at: Timestamp,
    },
    /// The buyer's bank takes the money back.
    Chargeback,
    /// Our book had the order at an end, and the bank shows another.
    AnotherEnd {
        /// What we held to be true.
        ours: State,
        /// What the bank shows.
        theirs: BankStatus,
    },
    /// A row in our database is not what this program wrote.
    RowAltered {
        /// Which of the order's rows.
        row: &'static str,
    },
    /// A completion of it was sent that our database does not know: it is older than that, or another one.
    SentOutsideBook {
        /// Minor units that were expected to stand deposited.
        expected: i64,
    },
}

impl Contradiction {
    /// What precedes the code of a contradiction in which a person held our book to be right.
    pub(super) const OURS: &'static str = "ours:";

    /// A stable word with the figures in it: an operator who accepts this one has not accepted the next.
    pub fn code(&self) -> String {
        let word = self.kind().as_str();
        match self {
            Self::AnotherOrderNumber { theirs } => format!("{word}:{}", on_one_line(theirs)),
            Self::AnotherOrderId { theirs } => format!("{word}:{theirs}"),
            Self::OrderIdTaken { by } => format!("{word}:{by}"),
            Self::AmountDiffers { ours, theirs } => format!("{word}:{ours}:{theirs}"),
            Self::CurrencyDiffers { ours, theirs } => format!("{word}:{ours}:{theirs}"),
            Self::ApprovedDiffers { ours, approved } => format!("{word}:{ours}:{approved}"),
            Self::DepositedImpossible { ours, deposited } => format!("{word}:{ours}:{deposited}"),
            Self::DepositedWhileHeld { deposited } => format!("{word}:{deposited}"),
            Self::CompletedWithAnotherAmount { intended, deposited } => format!("{word}:{intended}:{deposited}"),
            Self::StillHeldAfterSend { attempts } => format!("{word}:{attempts}"),
            Self::PartUnsuccessful { .. }
            | Self::CompletionRefused { .. }
            | Self::ReversalRefused { .. }
            | Self::RefundRefused { .. }
            | Self::Chargeback => word.to_owned(),
            Self::StillHeldAfterReversal { attempts }
            | Self::StillUnrefundedAfterSend { attempts }
            | Self::StillOpenAfterDecline { attempts } => format!("{word}:{attempts}"),
            Self::RefundedAnotherAmount { intended, refunded } => format!("{word}:{intended}:{refunded}"),
            Self::LessGivenBack { ours, theirs } | Self::LessTaken { ours, theirs } => {
                format!("{word}:{ours}:{theirs}")
            }
            Self::TakenInsteadOfReversed { deposited } => format!("{word}:{deposited}"),
            Self::HoldNearLapse { lapses_at } => format!("{word}:{}", lapses_at.as_millis()),
            Self::AnotherEnd { ours, theirs } => format!("{word}:{ours}:{}", theirs.number()),
            Self::RowAltered { .. } => word.to_owned(),
            Self::SentOutsideBook { expected } => format!("{word}:{expected}"),
        }
    }

    /// Whether it stops the merchant's money when it comes up after a send: the bank and we do not mean the same order
    /// or the same sum, so the next send may go wrong in the same way. That the bank was silent, refused, or ended the
    /// order otherwise, says nothing of the kind: those settle, or wait for a person, one by one.
    pub const fn trips_brake(&self) -> bool {
        match self {
            Self::AnotherOrderNumber { .. }
            | Self::AnotherOrderId { .. }
            | Self::OrderIdTaken { .. }
            | Self::AmountDiffers { .. }
            | Self::CurrencyDiffers { .. }
            | Self::ApprovedDiffers { .. }
            | Self::DepositedImpossible { .. }
            | Self::DepositedWhileHeld { .. }
            | Self::CompletedWithAnotherAmount { .. }
            | Self::RefundedAnotherAmount { .. }
            | Self::TakenInsteadOfReversed { .. } => true,
            Self::StillHeldAfterSend { .. }
            | Self::PartUnsuccessful { .. }
            | Self::CompletionRefused { .. }
            | Self::StillHeldAfterReversal { .. }
            | Self::ReversalRefused { .. }
            | Self::StillUnrefundedAfterSend { .. }
            | Self::RefundRefused { .. }
            | Self::LessGivenBack { .. }
            | Self::LessTaken { .. }
            | Self::StillOpenAfterDecline { .. }
            | Self::HoldNearLapse { .. }
            | Self::Chargeback
            | Self::RowAltered { .. }
            | Self::SentOutsideBook { .. }
            | Self::AnotherEnd { .. } => false,
        }
    }

    /// Whether a person has decided this very contradiction, figures included, for whichever side: it is no news then.
    /// [`Order::accepted`] has a code a line.
    pub fn is_accepted(&self, order: &Order) -> bool {
        let code = self.code();
        decided(order).any(|line| line.strip_prefix(Self::OURS).unwrap_or(line) == code)
    }

    /// Whether a person has decided it for the bank: its figures are the true ones.
    pub fn is_taken_as_true(&self, order: &Order) -> bool {
        let code = self.code();
        decided(order).any(|line| line == code)
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
                let sent = times(*attempts);
                format!("a completion was sent {sent}, its outcome is unknown, and the bank still shows the hold")
            }
            Self::PartUnsuccessful { parts } => {
                format!("the bank accepted the completion and did not do all of it: {parts}")
            }
            Self::CompletionRefused { why } => format!("the bank refused to complete the hold: {why}"),
            Self::StillHeldAfterReversal { attempts } => {
                let sent = times(*attempts);
                format!("a reversal was sent {sent}, its outcome is unknown, and the bank still shows the hold")
            }
            Self::ReversalRefused { why } => format!("the bank refused to reverse the hold: {why}"),
            Self::StillUnrefundedAfterSend { attempts } => {
                let sent = times(*attempts);
                format!("a refund was sent {sent}, its outcome is unknown, and the bank shows nothing given back since")
            }
            Self::RefundRefused { why } => format!("the bank refused the refund: {why}"),
            Self::RefundedAnotherAmount { intended, refunded } => {
                format!("we were giving {} back, and the bank gave back {}", sum(*intended), sum(*refunded))
            }
            Self::LessGivenBack { ours, theirs } => {
                format!("the bank had given {} back, and shows {} given back", sum(*ours), sum(*theirs))
            }
            Self::LessTaken { ours, theirs } => {
                format!("the bank had taken {}, and shows {} taken", sum(*ours), sum(*theirs))
            }
            Self::StillOpenAfterDecline { attempts } => {
                let sent = times(*attempts);
                format!("a decline was sent {sent}, its outcome is unknown, and the bank still waits for the buyer")
            }
            Self::TakenInsteadOfReversed { deposited } => {
                format!("we were reversing it, and the bank deposited {}", sum(*deposited))
            }
            Self::HoldNearLapse { lapses_at } => {
                format!("the hold lapses at {lapses_at}, and nothing completes it before; complete or reverse it")
            }
            Self::Chargeback => "the bank shows a chargeback: the buyer's bank takes the money back".to_owned(),
            Self::AnotherEnd { ours, theirs } => format!("we had it {ours}, and the bank shows it {theirs}"),
            Self::RowAltered { row } => format!(
                "{row} in the database was changed by something other than this program: a money column of order {} \
                 does not match its seal",
                order.number
            ),
            Self::SentOutsideBook { expected } => format!(
                "the witness has a send for {} that this database does not know: the money may have moved",
                sum(*expected)
            ),
        }
    }
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

/// The lines of what people have decided about it.
fn decided(order: &Order) -> impl Iterator<Item = &str> {
    order.accepted.as_deref().unwrap_or_default().lines()
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

/// The bank's text in a code, which must not look like two.
fn on_one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
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
