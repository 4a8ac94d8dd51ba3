//! The requests this bank knows.

use serde::{Deserialize, Serialize};

/// The requests this bank knows, named as the gateway names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// `register.do`.
    #[serde(rename = "register")]
    Register,
    /// `registerPreAuth.do`.
    #[serde(rename = "registerPreAuth")]
    RegisterPreAuth,
    /// `getOrderStatusExtended.do`.
    #[serde(rename = "getOrderStatusExtended", alias = "status")]
    Status,
    /// `autoCompletion.do`.
    #[serde(rename = "autoCompletion", alias = "completion")]
    Completion,
    /// `reverse.do`.
    #[serde(rename = "reverse", alias = "reversal")]
    Reversal,
    /// `getOrderStatus.do`, the older one.
    #[serde(rename = "getOrderStatus")]
    OldStatus,
    /// `deposit.do`: completion where no points are involved.
    #[serde(rename = "deposit")]
    Deposit,
    /// `refund.do`.
    #[serde(rename = "refund")]
    Refund,
    /// `autoRefund.do`: money and points together.
    #[serde(rename = "autoRefund")]
    AutoRefund,
    /// `decline.do`: the store calls an unpaid order off.
    #[serde(rename = "decline")]
    Decline,
    /// `getLastOrdersForMerchants.do`.
    #[serde(rename = "getLastOrdersForMerchants", alias = "last_orders")]
    LastOrders,
}

impl Operation {
    /// From the last part of a REST address.
    pub(super) fn from_rest(verb: &str) -> Option<Operation> {
        match verb {
            "register.do" => Some(Operation::Register),
            "registerPreAuth.do" => Some(Operation::RegisterPreAuth),
            "getOrderStatusExtended.do" => Some(Operation::Status),
            "autoCompletion.do" => Some(Operation::Completion),
            "reverse.do" => Some(Operation::Reversal),
            "getOrderStatus.do" => Some(Operation::OldStatus),
            "deposit.do" => Some(Operation::Deposit),
            "refund.do" => Some(Operation::Refund),
            "autoRefund.do" => Some(Operation::AutoRefund),
            "decline.do" => Some(Operation::Decline),
            "getLastOrdersForMerchants.do" => Some(Operation::LastOrders),
            _ => None,
        }
    }

    /// Whether it can change an order.
    pub(super) fn changes_orders(self) -> bool {
        match self {
            Operation::Register
            | Operation::RegisterPreAuth
            | Operation::Completion
            | Operation::Reversal
            | Operation::Deposit
            | Operation::Refund
            | Operation::AutoRefund
            | Operation::Decline => true,
            Operation::Status | Operation::OldStatus | Operation::LastOrders => false,
        }
    }
}
