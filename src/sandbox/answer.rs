//! What the bank says, before a wire spells it.

use serde::Serialize;

use super::errors::{self, Language, Refusal};
use super::last_orders::LastOrdersAnswer;
use super::old_status::OldStatusAnswer;
use super::register::RegisterAnswer;
use super::status::StatusAnswer;

/// What the bank says, before a wire spells it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Registered(RegisterAnswer),
    Status(Box<StatusAnswer>),
    OldStatus(Box<OldStatusAnswer>),
    LastOrders(LastOrdersAnswer),
    /// Of `autoCompletion` and `autoRefund`.
    Composite(CompositeAnswer),
    Acknowledged(Acknowledgement),
    Refused(RefusedAnswer),
    /// A refusal of the older status request, which writes its names large.
    OldRefused(OldRefusedAnswer),
}

/// Nothing but a code: of a deposit, a reversal, a refund, a decline. One document's examples have a number here, but
/// the older gateways say a text, and that is what typed clients read.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Acknowledgement {
    error_code: &'static str,
    error_message: &'static str,
    /// Whether it only repeats an earlier one.
    #[serde(skip)]
    again: bool,
}

/// A refusal in the language of its request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefusedAnswer {
    #[serde(skip)]
    pub(super) code: u8,
    error_code: String,
    error_message: &'static str,
}

/// The same with the older request's names.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OldRefusedAnswer {
    #[serde(skip)]
    code: u8,
    #[serde(rename = "ErrorCode")]
    error_code: String,
    #[serde(rename = "ErrorMessage")]
    error_message: &'static str,
}

/// The documents' example has no message, their table calls it mandatory; clients expect it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompositeAnswer {
    operations: Vec<PointsOperation>,
    error_code: &'static str,
    error_message: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct PointsOperation {
    pc_id: u64,
    operation: &'static str,
    amount: i64,
    successful: bool,
    transaction_id: String,
}

impl Answer {
    pub(super) fn refused(refusal: Refusal, language: Language) -> Answer {
        Answer::Refused(RefusedAnswer {
            code: refusal.code,
            error_code: refusal.code.to_string(),
            error_message: refusal.text(language),
        })
    }

    /// As [`Answer::refused`], of the older status request.
    pub(super) fn old_refused(refusal: Refusal, language: Language) -> Answer {
        Answer::OldRefused(OldRefusedAnswer {
            code: refusal.code,
            error_code: refusal.code.to_string(),
            error_message: refusal.text(language),
        })
    }

    /// The acknowledgement of a completion or refund with the points' operations it took; `number` makes their ids
    /// unique.
    pub(super) fn composite(operations: &[(&'static str, i64)], number: u64, language: Language) -> Answer {
        let line = |(place, (operation, amount)): (u64, &(&'static str, i64))| PointsOperation {
            pc_id: 2_699_000 + 10 * number + place,
            operation,
            amount: *amount,
            successful: true,
            transaction_id: (10 * number + place).to_string(),
        };
        Answer::Composite(CompositeAnswer {
            operations: (0..).zip(operations).map(line).collect(),
            error_code: "0",
            error_message: errors::SUCCESS.text(language),
        })
    }

    /// The acknowledgement of what moved money and no points.
    pub(super) fn acknowledged(language: Language) -> Answer {
        let error_message = errors::SUCCESS.text(language);
        Answer::Acknowledged(Acknowledgement { error_code: "0", error_message, again: false })
    }

    /// The acknowledgement of what was done before.
    pub(super) fn acknowledged_again(language: Language) -> Answer {
        let error_message = errors::SUCCESS.text(language);
        Answer::Acknowledged(Acknowledgement { error_code: "0", error_message, again: true })
    }

    /// `errorCode`, 0 for everything that went well.
    pub(super) fn error_code(&self) -> u8 {
        match self {
            Answer::Refused(refused) => refused.code,
            Answer::OldRefused(refused) => refused.code,
            Answer::Registered(_)
            | Answer::Status(_)
            | Answer::OldStatus(_)
            | Answer::LastOrders(_)
            | Answer::Composite(_)
            | Answer::Acknowledged(_) => 0,
        }
    }

    /// Whether it stands for something that was done now.
    pub(super) fn is_of_an_effect(&self) -> bool {
        self.error_code() == 0 && !matches!(self, Answer::Acknowledged(Acknowledgement { again: true, .. }))
    }
}
