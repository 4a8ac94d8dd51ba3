//! A successful authorisation, and the points that went with the money.

/// A successful authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payment {
    pub(super) at_ms: i64,
    pub(super) approval_code: String,
    pub(super) reference: String,
    /// Whose card it was.
    pub(super) card: CardSystem,
    /// Whether the issuer asked the buyer for a code.
    pub(super) three_ds: bool,
    /// What was paid in points beside the money, one entry for each programme.
    pub(super) points: Vec<Points>,
}

/// Points of one loyalty programme in one order. They come on top of the order's amount: in the documents' example of a
/// partial completion 100000 of money and 200 points are on hold, 90000 are asked for, and of the 10200 that go back 20
/// are points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Points {
    pub(super) programme: String,
    pub(super) approved: i64,
    pub(super) deposited: i64,
    pub(super) refunded: i64,
}

/// A payment system, as a card carries its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CardSystem {
    /// What most test cards are.
    #[default]
    Visa,
    /// Mastercard.
    Mastercard,
    /// Mir, the national one.
    Mir,
}

impl CardSystem {
    /// All of them.
    pub(super) const ALL: [CardSystem; 3] = [CardSystem::Visa, CardSystem::Mastercard, CardSystem::Mir];

    /// `paymentSystem`.
    pub(super) fn wire(self) -> &'static str {
        match self {
            CardSystem::Visa => "VISA",
            CardSystem::Mastercard => "MASTERCARD",
            CardSystem::Mir => "MIR",
        }
    }
}

impl Payment {
    /// All points on hold, of whatever programme.
    pub(super) fn points_approved(&self) -> i64 {
        self.points.iter().map(|points| points.approved).fold(0, i64::saturating_add)
    }

    /// All points taken.
    pub(super) fn points_deposited(&self) -> i64 {
        self.points.iter().map(|points| points.deposited).fold(0, i64::saturating_add)
    }

    /// All points given back.
    pub(super) fn points_refunded(&self) -> i64 {
        self.points.iter().map(|points| points.refunded).fold(0, i64::saturating_add)
    }

    /// The same with all its points taken.
    pub(super) fn points_taken(mut self) -> Payment {
        for points in &mut self.points {
            points.deposited = points.approved;
        }
        self
    }
}

/// `part * share / whole`, rounded down, where `share <= whole`.
pub(super) fn proportion(part: i64, share: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    i64::try_from(i128::from(part) * i128::from(share) / i128::from(whole)).unwrap_or(0)
}
