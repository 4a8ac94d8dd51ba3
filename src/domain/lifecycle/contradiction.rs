//! The ways in which money can contradict itself: their codes, their words, and what people have decided about them.

use crate::domain::bank::BankStatus;
use crate::domain::money::for_people;
use crate::domain::operation::times;
use crate::domain::order::{Order, ReviewReason, State};
use crate::domain::time::Timestamp;

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
    pub(in crate::domain) const OURS: &'static str = "ours:";

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

/// The lines of what people have decided about it.
fn decided(order: &Order) -> impl Iterator<Item = &str> {
    order.accepted.as_deref().unwrap_or_default().lines()
}

/// The bank's text in a code, which must not look like two.
fn on_one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
