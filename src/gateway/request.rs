//! Everything a merchant's bank is asked, apart from any wire: a closed set, one variant for each request.
//!
//! [`super::rest`] and [`super::soap`] each put all of them into their own words, so that a new request is a compile
//! error in both until somebody has said how it is written there, or that this wire has no word for it.

use std::num::NonZeroI64;

use crate::domain::operation::CompletionAmount;
use crate::domain::order::{OrderId, OrderNumber};
use crate::domain::registration::Request as Registration;
use crate::domain::time::Timestamp;

use super::last_orders::LastOrders;

/// A request to the bank, without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Register an order (register, or registerPreAuth for two phases).
    Register(&'a Registration),
    /// What became of an order (getOrderStatusExtended).
    Status {
        /// Which.
        order: Named<'a>,
    },
    /// Take a hold, in money and points (autoCompletion).
    AutoCompletion {
        /// Whose hold.
        order_id: &'a OrderId,
        /// How much of both together.
        amount: CompletionAmount,
    },
    /// Take a hold, in money: for banks that know no composite completion (deposit).
    Deposit {
        /// Whose hold.
        order_id: &'a OrderId,
        /// How much of it.
        amount: CompletionAmount,
    },
    /// Let a hold go, whole (reverse).
    Reverse {
        /// Whose hold.
        order_id: &'a OrderId,
    },
    /// Give back what was deposited, or a part of it (refund).
    Refund {
        /// Of which order.
        order_id: &'a OrderId,
        /// How much, in minor units. The wire's 0, which gives everything back, is never sent.
        minor: NonZeroI64,
        /// Our own name for this refund: the bank answers a second request by it with the first one's refund.
        external_refund_id: Option<&'a str>,
        /// Refund only while this much stands deposited, in minor units.
        expected_deposited_minor: Option<i64>,
    },
    /// Cancel an order that nobody has paid (decline).
    Decline {
        /// By the gateway's id.
        order_id: &'a OrderId,
        /// And by the shop's number: some banks want both, and the others take both.
        order_number: &'a OrderNumber,
    },
    /// The orders of a while, page by page (getLastOrdersForMerchants).
    LastOrders(LastOrders),
}

/// An order by one of its two names: a gateway that is given both goes by the id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// By the gateway's id.
    Id(&'a OrderId),
    /// By the shop's number.
    Number(&'a OrderNumber),
}

impl Request<'_> {
    /// Whether it changes anything at the bank: then it gets a connection of its own, and a last word before it.
    pub const fn changes_something(&self) -> bool {
        match self {
            Self::Status { .. } | Self::LastOrders(_) => false,
            Self::Register(_)
            | Self::AutoCompletion { .. }
            | Self::Deposit { .. }
            | Self::Reverse { .. }
            | Self::Refund { .. }
            | Self::Decline { .. } => true,
        }
    }
}

/// A completion's amount on either wire, where 0 means *everything*: only [`CompletionAmount::Whole`] becomes it.
pub(super) fn completion_amount(amount: CompletionAmount) -> String {
    match amount {
        CompletionAmount::Whole => "0".to_owned(),
        CompletionAmount::Exactly(amount) => amount.minor().to_string(),
    }
}

/// The zone of every date in a request: Moscow, as the documents put it, and never another.
pub(super) fn in_moscow(at: Timestamp) -> jiff::civil::DateTime {
    let moscow = jiff::tz::TimeZone::fixed(jiff::tz::offset(3));
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default().to_zoned(moscow).datetime()
}

/// A request in the words of a wire, credentials in its body: nothing here is shown or kept.
pub(super) struct Encoded {
    /// Where it goes. It never holds a credential: a URL ends up in logs.
    pub(super) url: String,
    /// `Content-Type`.
    pub(super) content_type: &'static str,
    /// `SOAPAction`, which a SOAP gateway wants to see, and sees empty.
    pub(super) soap_action: Option<&'static str>,
    /// The body.
    pub(super) body: String,
}

/// The wire has no word for the request, or for a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sent: the bank's SOAP interface has no {0}; it has it in REST, or in its console")]
pub(super) struct NoWord(pub(super) &'static str);
