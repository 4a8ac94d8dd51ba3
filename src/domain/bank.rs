//! What the bank can say, after the wire has been read: views, refusals, and the answers that decide nothing.
//!
//! The class of an answer that is not listed here is *unknown*, and unknown never changes a status.

use std::fmt;
use std::time::Duration;

use super::money::{Amount, Currency};
use super::order::OrderId;
use super::time::Timestamp;

/// `orderStatus` (getOrderStatusExtended.do, response parameters).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BankStatus {
    /// 0: known to the gateway, nobody has paid.
    Registered,
    /// 1: the amount is held.
    Held,
    /// 2: the money was taken.
    Deposited,
    /// 3: the authorisation was cancelled.
    Reversed,
    /// 4: money went back, in part or whole.
    Refunded,
    /// 5: 3-D Secure is running at the issuer.
    InAuthentication,
    /// 6: refused, or the payment time ran out.
    Declined,
    /// A number the documents do not define: kept, shown and looked at again.
    Other(i64),
}

impl BankStatus {
    /// The status of the wire's number.
    pub const fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Registered,
            1 => Self::Held,
            2 => Self::Deposited,
            3 => Self::Reversed,
            4 => Self::Refunded,
            5 => Self::InAuthentication,
            6 => Self::Declined,
            other => Self::Other(other),
        }
    }

    /// The wire's number.
    pub const fn number(self) -> i64 {
        match self {
            Self::Registered => 0,
            Self::Held => 1,
            Self::Deposited => 2,
            Self::Reversed => 3,
            Self::Refunded => 4,
            Self::InAuthentication => 5,
            Self::Declined => 6,
            Self::Other(number) => number,
        }
    }
}

/// In words, with the number where it has no word.
impl fmt::Display for BankStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered => f.pad("registered"),
            Self::Held => f.pad("held"),
            Self::Deposited => f.pad("deposited"),
            Self::Reversed => f.pad("reversed"),
            Self::Refunded => f.pad("refunded"),
            Self::InAuthentication => f.pad("in authentication"),
            Self::Declined => f.pad("declined"),
            Self::Other(number) => write!(f, "orderStatus {number}"),
        }
    }
}

/// `paymentAmountInfo`: absent below response version 03, which the bank sets per merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BankAmounts {
    /// Minor units held or authorised.
    pub approved: i64,
    /// Minor units taken.
    pub deposited: i64,
    /// Minor units given back.
    pub refunded: i64,
}

impl BankAmounts {
    /// Each with the other's; none where a sum is beyond all amounts.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            approved: self.approved.checked_add(other.approved)?,
            deposited: self.deposited.checked_add(other.deposited)?,
            refunded: self.refunded.checked_add(other.refunded)?,
        })
    }
}

/// The card's payment system (`cardAuthInfo.paymentSystem`), such as `visa`: in small letters, since banks differ in
/// that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentSystem(String);

/// The longest name of a payment system: the longest known has sixteen characters.
const PAYMENT_SYSTEM_MAX: usize = 24;

impl PaymentSystem {
    /// A letter, then letters, digits, `_` and `-`, 24 characters at most: whatever else stands there is no name, and
    /// could be anything.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let is_name = text.len() <= PAYMENT_SYSTEM_MAX
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(fits);
        is_name.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The name, in small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PaymentSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One answer of getOrderStatusExtended.do about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankView {
    /// The shop's number, as the bank repeats it.
    pub order_number: Option<String>,
    /// The gateway's id: `mdOrder` among the attributes.
    pub order_id: Option<OrderId>,
    /// Where the order stands.
    pub status: BankStatus,
    /// Why, as the processing puts it; -2007 is "the payment time ran out".
    pub action_code: Option<i64>,
    /// The price in minor units.
    pub amount: Option<i64>,
    /// Its currency.
    pub currency: Option<Currency>,
    /// What was held, taken and given back.
    pub amounts: Option<BankAmounts>,
    /// The points of bonus programmes that it was paid with beside the money, in minor units; see [`Self::beside`].
    pub points: Option<BankAmounts>,
    /// The points that its sums have in them by now, told by the answer itself and not kept beside the order: see
    /// [`Self::beside`].
    pub counted_points: Option<BankAmounts>,
    /// `authDateTime`: when the buyer's bank agreed.
    pub authorised_at: Option<Timestamp>,
    /// Whose card it is: it decides how long the hold lives.
    pub payment_system: Option<PaymentSystem>,
    /// Whether the buyer's bank takes the money back; absent below response version 06.
    pub chargeback: Option<bool>,
    /// When the gateway completes the hold by itself. That answers show it is not confirmed; where one does, it counts.
    pub autocompletion_at: Option<Timestamp>,
}

impl BankView {
    /// It, with its sums as they stand beside `price`: what every decision compares.
    ///
    /// In the documents' examples `amount` and `paymentAmountInfo` are the money alone, and points come on top. Whether
    /// a shop's price is with the points or without them is not written anywhere, so the bank's own figures tell: where
    /// its money and its points make up the price, every sum becomes money plus points, as the composite amount of a
    /// completion is; else they stay the money's alone. At most one of the two readings agrees with a price, and once
    /// read so, it stays so.
    #[must_use]
    pub fn beside(self, price: Amount) -> Self {
        let Some(points) = self.points.filter(|points| points.approved > 0) else { return self };
        let makes_up = |money: i64| money.checked_add(points.approved) == Some(price.minor());
        let is_without_points = self.amount.is_some_and(makes_up);
        let is_composite = is_without_points || self.amounts.is_some_and(|sums| makes_up(sums.approved));
        if !is_composite {
            return self;
        }
        Self {
            amount: if is_without_points { Some(price.minor()) } else { self.amount },
            amounts: self.amounts.and_then(|money| money.plus(points)),
            // Counted already: whoever adds them to the sums adds those that are still apart.
            points: None,
            counted_points: Some(points),
            ..self
        }
    }
}

/// The action code of an order whose payment time ran out.
pub const PAYMENT_TIME_RAN_OUT: i64 = -2007;

/// The bank's word about our request: it will not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `errorCode`.
    pub code: i64,
    /// `errorMessage`, shortened; for people only, its wording varies.
    pub message: String,
}

/// `errorCode` 6 of a status request: the gateway knows no such order.
pub const UNKNOWN_ORDER: i64 = 6;

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "errorCode {}: {}", self.code, self.message)
    }
}

/// Why an answer tells nothing about the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Of what kind it was.
    pub kind: UnknownKind,
    /// What was seen, for the log and for `order why`; no body, no secret.
    pub detail: String,
    /// How long the gateway asked us to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

/// The kinds of answers that tell nothing: a closed set, since it labels a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnknownKind {
    /// No connection was made: nothing was sent.
    Unreachable,
    /// A connection was made, and TLS was not agreed upon: nothing was sent.
    Tls,
    /// We held it back ourselves: nothing was sent, and it says nothing about the bank.
    Withheld,
    /// No answer in time.
    Timeout,
    /// The connection broke before the answer was whole.
    Broken,
    /// 429.
    Throttled,
    /// 401, 403 or 407: we are not let in.
    Denied,
    /// A page or a text in place of an answer, which says that the bank is being worked on; whatever HTTP says of it.
    Maintenance,
    /// 5xx.
    ServerError,
    /// 3xx, which is never followed, or another 4xx.
    HttpStatus,
    /// Not the JSON of the documents: HTML, truncated, too large, wrong types.
    Unreadable,
    /// `errorCode` 7, or a code the documents do not list.
    SystemError,
}

impl UnknownKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Unreachable,
        Self::Tls,
        Self::Withheld,
        Self::Timeout,
        Self::Broken,
        Self::Throttled,
        Self::Denied,
        Self::Maintenance,
        Self::ServerError,
        Self::HttpStatus,
        Self::Unreadable,
        Self::SystemError,
    ];

    /// The word for it in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Withheld => "withheld",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Maintenance => "maintenance",
            Self::ServerError => "server_error",
            Self::HttpStatus => "http_status",
            Self::Unreadable => "unreadable",
            Self::SystemError => "system_error",
        }
    }

    /// Whether it proves that no byte of the request left.
    pub const fn never_left(self) -> bool {
        matches!(self, Self::Unreachable | Self::Tls | Self::Withheld)
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.detail)
    }
}

/// An answer to getOrderStatusExtended.do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusAnswer {
    /// A bank view.
    Known(Box<BankView>),
    /// The bank's word about our request: 1, 4, 5 or 6.
    Refused(Refusal),
    /// Everything else.
    Unknown(Unknown),
}

/// An answer to autoCompletion.do or reverse.do. None of them confirms anything: only a status read does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionAnswer {
    /// errorCode 0, and no operations.
    Acknowledged,
    /// errorCode 0, and what was done in points and for them, one by one.
    Itemised(Vec<PartDone>),
    /// 5 or 6; believed once a read shows nothing deposited.
    Refused(Refusal),
    /// No byte of the request left: DNS, connect or TLS failed.
    NotSent(Unknown),
    /// Everything else: the money may have moved.
    Unknown(Unknown),
}

/// One of the `operations` of a composite completion: what it did in points, or for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDone {
    /// `operation`: `PAYMENT`, `AWARD`, ...
    pub operation: Option<String>,
    /// `amount`, in points.
    pub amount: Option<i64>,
    /// `pcId`, the loyalty processing's id of it.
    pub pc_id: Option<String>,
    /// `transactionId`, the gateway's.
    pub transaction_id: Option<String>,
    /// `successful`; anything but a clear yes is none.
    pub successful: bool,
}

/// In words, with what is known of it.
impl fmt::Display for PartDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation.as_deref().unwrap_or("an operation"))?;
        if let Some(amount) = self.amount {
            write!(f, " of {amount}")?;
        }
        let ids = [("pcId", &self.pc_id), ("transactionId", &self.transaction_id)];
        for (name, id) in ids {
            if let Some(id) = id {
                write!(f, ", {name} {id}")?;
            }
        }
        f.write_str(if self.successful { "" } else { ", not successful" })
    }
}

/// A list of them in words.
pub(super) fn parts_in_words(parts: &[PartDone]) -> String {
    parts.iter().map(PartDone::to_string).collect::<Vec<_>>().join("; ")
}
