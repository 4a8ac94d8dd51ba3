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
    /// `refund.do`.
    #[serde(rename = "refund")]
    Refund,
    /// `decline.do`.
    #[serde(rename = "decline")]
    Decline,
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
            "refund.do" => Some(Operation::Refund),
            "decline.do" => Some(Operation::Decline),
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
            | Operation::Refund
            | Operation::Decline => true,
            Operation::Status => false,
        }
    }
}
