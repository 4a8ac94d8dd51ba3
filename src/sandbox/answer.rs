//! What the bank says, before a wire spells it.

use serde::Serialize;

use super::errors::{self, Language, Refusal};
use super::register::RegisterAnswer;
use super::status::StatusAnswer;

/// What the bank says, before a wire spells it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Registered(RegisterAnswer),
    Status(Box<StatusAnswer>),
    Completed(CompletionAnswer),
    Reversed(ReversalAnswer),
    Refused(RefusedAnswer),
}

/// The acknowledgement of a reversal: nothing but a code, and that a number where other answers have a text.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReversalAnswer {
    error_code: u8,
    error_message: &'static str,
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

/// The documents' example has no message, their table calls it mandatory; clients expect it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletionAnswer {
    operations: [CompletedOperation; 1],
    error_code: &'static str,
    error_message: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct CompletedOperation {
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

    /// The acknowledgement of a completion; `number` makes its ids unique.
    pub(super) fn completed(amount_minor: i64, number: u64, language: Language) -> Answer {
        Answer::Completed(CompletionAnswer {
            operations: [CompletedOperation {
                pc_id: 2_699_000 + number,
                operation: "PAYMENT",
                amount: amount_minor,
                successful: true,
                transaction_id: number.to_string(),
            }],
            error_code: "0",
            error_message: errors::SUCCESS.text(language),
        })
    }

    /// The acknowledgement of a reversal.
    pub(super) fn reversed(language: Language) -> Answer {
        Answer::Reversed(ReversalAnswer { error_code: 0, error_message: errors::SUCCESS.text(language) })
    }

    /// `errorCode`, 0 for everything that went well.
    pub(super) fn error_code(&self) -> u8 {
        match self {
            Answer::Refused(refused) => refused.code,
            Answer::Registered(_) | Answer::Status(_) | Answer::Completed(_) | Answer::Reversed(_) => 0,
        }
    }
}
