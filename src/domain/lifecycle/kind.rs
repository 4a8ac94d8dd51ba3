//! The ways in which money can contradict itself, without their figures: what a review's code begins with.

use super::Contradiction;

/// What kind of contradiction it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContradictionKind {
    /// The answer is about another order number.
    AnotherOrderNumber,
    /// The answer is about another order id.
    AnotherOrderId,
    /// The bank gives the order the id that another of ours has.
    OrderIdTaken,
    /// The bank knows the order with another price.
    AmountDiffers,
    /// The bank knows the order in another currency.
    CurrencyDiffers,
    /// Another sum is held than was ordered.
    ApprovedDiffers,
    /// More was taken than was ordered, or nothing although the status says so.
    DepositedImpossible,
    /// Held, and yet something was taken.
    DepositedWhileHeld,
    /// Our completion intended another sum than the bank took.
    CompletedWithAnotherAmount,
    /// A completion was sent, long ago by now, and the bank still shows the hold.
    StillHeldAfterSend,
    /// The bank did a part of a completion, and another part not.
    PartUnsuccessful,
    /// The bank refused the completion of a hold it shows.
    CompletionRefused,
    /// A reversal was sent, long ago by now, and the bank still shows the hold.
    StillHeldAfterReversal,
    /// The bank refused the reversal of a hold it shows.
    ReversalRefused,
    /// It was to be reversed, and the bank took it.
    TakenInsteadOfReversed,
    /// A refund was sent, long ago by now, and nothing was given back.
    StillUnrefundedAfterSend,
    /// The bank refused a refund.
    RefundRefused,
    /// The bank gave back another sum than our refund.
    RefundedAnotherAmount,
    /// The bank goes on showing less given back than our book is certain of.
    LessGivenBack,
    /// The bank goes on showing less taken than our book has confirmed.
    LessTaken,
    /// A decline was sent, long ago by now, and the order is still open.
    StillOpenAfterDecline,
    /// The hold is near its lapse, and nothing is planned.
    HoldNearLapse,
    /// The buyer's bank takes the money back.
    Chargeback,
    /// Our book had the order at an end, and the bank shows another.
    AnotherEnd,
    /// A row in our database is not what this program wrote.
    RowAltered,
    /// A completion was sent that our database does not know.
    SentOutsideBook,
}

impl ContradictionKind {
    /// Every kind.
    pub const ALL: [Self; 26] = [
        Self::AnotherOrderNumber,
        Self::AnotherOrderId,
        Self::OrderIdTaken,
        Self::AmountDiffers,
        Self::CurrencyDiffers,
        Self::ApprovedDiffers,
        Self::DepositedImpossible,
        Self::DepositedWhileHeld,
        Self::CompletedWithAnotherAmount,
        Self::StillHeldAfterSend,
        Self::PartUnsuccessful,
        Self::CompletionRefused,
        Self::StillHeldAfterReversal,
        Self::ReversalRefused,
        Self::TakenInsteadOfReversed,
        Self::StillUnrefundedAfterSend,
        Self::RefundRefused,
        Self::RefundedAnotherAmount,
        Self::LessGivenBack,
        Self::LessTaken,
        Self::StillOpenAfterDecline,
        Self::HoldNearLapse,
        Self::Chargeback,
        Self::AnotherEnd,
        Self::RowAltered,
        Self::SentOutsideBook,
    ];

    /// The word for it: in codes, the API and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnotherOrderNumber => "another_order_number",
            Self::AnotherOrderId => "another_order_id",
            Self::OrderIdTaken => "order_id_taken",
            Self::AmountDiffers => "amount_differs",
            Self::CurrencyDiffers => "currency_differs",
            Self::ApprovedDiffers => "approved_differs",
            Self::DepositedImpossible => "deposited_impossible",
            Self::DepositedWhileHeld => "deposited_while_held",
            Self::CompletedWithAnotherAmount => "completed_with_another_amount",
            Self::StillHeldAfterSend => "still_held_after_send",
            Self::PartUnsuccessful => "part_unsuccessful",
            Self::CompletionRefused => "completion_refused",
            Self::StillHeldAfterReversal => "still_held_after_reversal",
            Self::ReversalRefused => "reversal_refused",
            Self::TakenInsteadOfReversed => "taken_instead_of_reversed",
            Self::StillUnrefundedAfterSend => "still_unrefunded_after_send",
            Self::RefundRefused => "refund_refused",
            Self::RefundedAnotherAmount => "refunded_another_amount",
            Self::LessGivenBack => "less_given_back",
            Self::LessTaken => "less_taken",
            Self::StillOpenAfterDecline => "still_open_after_decline",
            Self::HoldNearLapse => "hold_near_lapse",
            Self::Chargeback => "chargeback",
            Self::AnotherEnd => "another_end",
            Self::RowAltered => "row_altered",
            Self::SentOutsideBook => "sent_outside_book",
        }
    }

    /// In a few words, for a list.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AnotherOrderNumber => "another order number",
            Self::AnotherOrderId => "another order id",
            Self::OrderIdTaken => "another order's id",
            Self::AmountDiffers => "another price",
            Self::CurrencyDiffers => "another currency",
            Self::ApprovedDiffers => "another sum held",
            Self::DepositedImpossible => "impossible sum taken",
            Self::DepositedWhileHeld => "taken while held",
            Self::CompletedWithAnotherAmount => "another sum completed",
            Self::StillHeldAfterSend => "held after a send",
            Self::PartUnsuccessful => "a part unsuccessful",
            Self::CompletionRefused => "completion refused",
            Self::StillHeldAfterReversal => "held after a reversal",
            Self::ReversalRefused => "reversal refused",
            Self::TakenInsteadOfReversed => "taken, not reversed",
            Self::StillUnrefundedAfterSend => "unknown refund",
            Self::RefundRefused => "refund refused",
            Self::RefundedAnotherAmount => "another sum refunded",
            Self::LessGivenBack => "less given back",
            Self::LessTaken => "less taken",
            Self::StillOpenAfterDecline => "open after a decline",
            Self::HoldNearLapse => "hold near its lapse",
            Self::Chargeback => "chargeback",
            Self::AnotherEnd => "another end",
            Self::RowAltered => "row altered",
            Self::SentOutsideBook => "sent outside our book",
        }
    }

    /// Whether an order stays parked when a review of this kind is decided for either side: that says what is true, and
    /// what to send then is for a person to say.
    pub const fn keeps_parked(self) -> bool {
        matches!(
            self,
            Self::CompletionRefused
                | Self::ReversalRefused
                | Self::LessTaken
                | Self::RowAltered
                | Self::SentOutsideBook
        )
    }

    /// The kind of a review's code, which is its word and then its figures; `None` of a code this version does not
    /// know.
    pub fn of_code(code: &str) -> Option<Self> {
        let word = code.split(':').next()?;
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Contradiction {
    /// Its kind.
    pub const fn kind(&self) -> ContradictionKind {
        match self {
            Self::AnotherOrderNumber { .. } => ContradictionKind::AnotherOrderNumber,
            Self::AnotherOrderId { .. } => ContradictionKind::AnotherOrderId,
            Self::OrderIdTaken { .. } => ContradictionKind::OrderIdTaken,
            Self::AmountDiffers { .. } => ContradictionKind::AmountDiffers,
            Self::CurrencyDiffers { .. } => ContradictionKind::CurrencyDiffers,
            Self::ApprovedDiffers { .. } => ContradictionKind::ApprovedDiffers,
            Self::DepositedImpossible { .. } => ContradictionKind::DepositedImpossible,
            Self::DepositedWhileHeld { .. } => ContradictionKind::DepositedWhileHeld,
            Self::CompletedWithAnotherAmount { .. } => ContradictionKind::CompletedWithAnotherAmount,
            Self::StillHeldAfterSend { .. } => ContradictionKind::StillHeldAfterSend,
            Self::PartUnsuccessful { .. } => ContradictionKind::PartUnsuccessful,
            Self::CompletionRefused { .. } => ContradictionKind::CompletionRefused,
            Self::StillHeldAfterReversal { .. } => ContradictionKind::StillHeldAfterReversal,
            Self::ReversalRefused { .. } => ContradictionKind::ReversalRefused,
            Self::TakenInsteadOfReversed { .. } => ContradictionKind::TakenInsteadOfReversed,
            Self::StillUnrefundedAfterSend { .. } => ContradictionKind::StillUnrefundedAfterSend,
            Self::RefundRefused { .. } => ContradictionKind::RefundRefused,
            Self::RefundedAnotherAmount { .. } => ContradictionKind::RefundedAnotherAmount,
            Self::LessGivenBack { .. } => ContradictionKind::LessGivenBack,
            Self::LessTaken { .. } => ContradictionKind::LessTaken,
            Self::StillOpenAfterDecline { .. } => ContradictionKind::StillOpenAfterDecline,
            Self::HoldNearLapse { .. } => ContradictionKind::HoldNearLapse,
            Self::Chargeback => ContradictionKind::Chargeback,
            Self::AnotherEnd { .. } => ContradictionKind::AnotherEnd,
            Self::RowAltered { .. } => ContradictionKind::RowAltered,
            Self::SentOutsideBook { .. } => ContradictionKind::SentOutsideBook,
        }
    }
}
