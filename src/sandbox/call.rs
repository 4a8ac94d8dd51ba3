//! One request, read off its wire and not yet judged.

use super::book::Key;
use super::errors::Language;
use super::operation::Operation;
use super::params::Params;
use super::register::digits;

/// One request, read off its wire.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) params: Params,
    /// Scheme and authority under which the caller reached the bank, for the address of the payment page.
    pub(super) origin: String,
}

impl Call {
    pub(super) fn language(&self) -> Language {
        Language::from_code(self.params.get("language"))
    }

    /// The order a store names; its id has priority over its number.
    pub(super) fn key<'a>(&'a self, login: &'a str) -> Option<Key<'a>> {
        let by_id = self.params.get("orderId").map(|id| Key::StoreId { login, id });
        by_id.or_else(|| self.number_key(login))
    }

    /// Whoever moves money names the order's id; registration knows no ids.
    fn number_key<'a>(&'a self, login: &'a str) -> Option<Key<'a>> {
        match self.operation {
            Operation::Completion
            | Operation::Reversal
            | Operation::OldStatus
            | Operation::Deposit
            | Operation::Refund
            | Operation::AutoRefund
            | Operation::LastOrders => None,
            Operation::Register | Operation::RegisterPreAuth | Operation::Status | Operation::Decline => {
                let number = self.params.get("orderNumber")?;
                Some(Key::Number { login, number })
            }
        }
    }

    /// The amount the request carries, if it is one.
    pub(super) fn asked_minor(&self) -> Option<i64> {
        match self.operation {
            Operation::Register | Operation::RegisterPreAuth => digits(self.params.get("amount")?, 12),
            Operation::Completion => digits(self.params.get("compositeCompletionAmount")?, 20),
            Operation::Deposit | Operation::Refund => digits(self.params.get("amount")?, 12),
            Operation::AutoRefund => digits(self.composite_refund()?, 20),
            Operation::Reversal
            | Operation::Status
            | Operation::OldStatus
            | Operation::Decline
            | Operation::LastOrders => None,
        }
    }

    /// No document names the parameter of the legacy gateway; the new one says `compositeAmount`, so both are taken.
    pub(super) fn composite_refund(&self) -> Option<&str> {
        self.params.get("compositeRefundAmount").or_else(|| self.params.get("compositeAmount"))
    }
}
