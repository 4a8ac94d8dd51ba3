//! What a REST answer says: bytes to one of the three classes.

use crate::domain::bank::{
    BankAmounts, BankStatus, BankView, CompletionAnswer, Refusal, StatusAnswer, Unknown, UnknownKind,
};
use crate::domain::money::Currency;
use crate::domain::order::OrderId;
use crate::domain::time::Timestamp;

use super::codes::{self, CompletionCode, StatusCode};
use super::json::{self, AmountInfo, Completion, Frame, Status};
use super::transport::{Reply, of_kind};

/// Reads an answer to getOrderStatusExtended.do.
pub(super) fn read_status(reply: Reply) -> StatusAnswer {
    match reply.and_then(|body| json::parse::<Status>(&body).map_err(unreadable)) {
        Err(unknown) => StatusAnswer::Unknown(unknown),
        Ok(status) => classify_status(&status),
    }
}

fn classify_status(status: &Status) -> StatusAnswer {
    // 2 means "declined because of payment data", and some banks send it along with the order's status.
    let code = status.frame.code().filter(|code| *code != 2 || status.order_status.is_none());
    match (codes::of_status(code), status.order_status) {
        (StatusCode::Answered, Some(number)) => match view(status, number) {
            Ok(view) => StatusAnswer::Known(Box::new(view)),
            Err(why) => StatusAnswer::Unknown(unreadable(why)),
        },
        (StatusCode::Answered, None) => StatusAnswer::Unknown(unreadable("no orderStatus and no error".to_owned())),
        (StatusCode::Refused, _) => StatusAnswer::Refused(refusal(&status.frame)),
        (StatusCode::Unknown, _) => StatusAnswer::Unknown(system_error(&status.frame)),
    }
}

fn view(status: &Status, number: i64) -> Result<BankView, String> {
    let order_id = json::md_order(&status.attributes).filter(|id| !id.is_empty());
    Ok(BankView {
        order_number: status.order_number.clone().filter(|number| !number.is_empty()),
        order_id: order_id.map(OrderId::new).transpose().map_err(|error| format!("mdOrder: {error}"))?,
        status: BankStatus::from_number(number),
        action_code: status.action_code,
        amount: status.amount,
        currency: status.currency.map(currency).transpose()?,
        amounts: status.payment_amount_info.as_ref().and_then(amounts),
        authorised_at: json::moment_ms(&status.auth_date_time).map(Timestamp::from_millis),
    })
}

fn currency(code: i64) -> Result<Currency, String> {
    let known = u16::try_from(code).ok().and_then(|code| Currency::from_numeric(code).ok());
    known.ok_or_else(|| format!("currency {code} is none we know"))
}

/// All three or none: a sum that is missing cannot be told from zero.
fn amounts(info: &AmountInfo) -> Option<BankAmounts> {
    Some(BankAmounts {
        approved: info.approved_amount?,
        deposited: info.deposited_amount?,
        refunded: info.refunded_amount?,
    })
}

/// Reads an answer to autoCompletion.do.
pub(super) fn read_completion(reply: Reply) -> CompletionAnswer {
    match reply {
        Err(unknown) if unknown.kind == UnknownKind::Unreachable => CompletionAnswer::NotSent(unknown),
        Err(unknown) => CompletionAnswer::Unknown(unknown),
        Ok(body) => match json::parse::<Completion>(&body) {
            Ok(completion) => classify_completion(&completion),
            Err(why) => CompletionAnswer::Unknown(unreadable(why)),
        },
    }
}

fn classify_completion(completion: &Completion) -> CompletionAnswer {
    let all_successful = completion.operations.iter().all(|operation| operation.successful == Some(true));
    // Without a code there must at least be operations: an empty object acknowledges nothing.
    let says_something = completion.frame.code().is_some() || !completion.operations.is_empty();
    match codes::of_completion(completion.frame.code()) {
        CompletionCode::Accepted if all_successful && says_something => CompletionAnswer::Acknowledged,
        CompletionCode::Accepted => {
            CompletionAnswer::Unknown(unreadable("an operation of the answer was not successful".to_owned()))
        }
        CompletionCode::Refused => CompletionAnswer::Refused(refusal(&completion.frame)),
        CompletionCode::Unknown => CompletionAnswer::Unknown(system_error(&completion.frame)),
    }
}

fn refusal(frame: &Frame) -> Refusal {
    Refusal { code: frame.code().unwrap_or_default(), message: frame.message() }
}

fn system_error(frame: &Frame) -> Unknown {
    of_kind(UnknownKind::SystemError, refusal(frame).to_string())
}

const fn unreadable(why: String) -> Unknown {
    of_kind(UnknownKind::Unreadable, why)
}

#[cfg(test)]
mod tests;
