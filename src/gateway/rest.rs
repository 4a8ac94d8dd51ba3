//! What a REST answer says: bytes to one of the three classes.

use crate::domain::bank::{
    BankAmounts, BankStatus, BankView, CompletionAnswer, PaymentSystem, Refusal, StatusAnswer, Unknown, UnknownKind,
};
use crate::domain::money::{AMOUNT_MAX, Currency};
use crate::domain::order::OrderId;
use crate::domain::time::Timestamp;

use super::codes::{self, CompletionCode, StatusCode};
use super::json::{self, AmountInfo, Completion, Frame, Status};
use super::scrub::{self, Scrubber};
use super::transport::{Reply, of_kind};

/// Reads an answer to getOrderStatusExtended.do.
pub(super) fn read_status(reply: Reply, scrubber: &Scrubber) -> StatusAnswer {
    match reply.and_then(|body| framed::<Status>(&body)) {
        Err(unknown) => StatusAnswer::Unknown(unknown),
        Ok((frame, status)) => classify_status(&frame, &status, scrubber),
    }
}

pub(super) fn framed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<(Frame, T), Unknown> {
    let frame = json::parse(body).map_err(unreadable)?;
    json::parse(body).map(|answer| (frame, answer)).map_err(unreadable)
}

fn classify_status(frame: &Frame, status: &Status, scrubber: &Scrubber) -> StatusAnswer {
    // 2 means "declined because of payment data", and some banks send it along with the order's status.
    let code = frame.code().filter(|code| *code != 2 || status.order_status.is_none());
    match (codes::of_status(code), status.order_status) {
        (StatusCode::Answered, Some(number)) => match view(status, number, scrubber) {
            Ok(view) => StatusAnswer::Known(Box::new(view)),
            Err(why) => StatusAnswer::Unknown(unreadable(why)),
        },
        (StatusCode::Answered, None) => StatusAnswer::Unknown(unreadable("no orderStatus and no error".to_owned())),
        (StatusCode::Refused, _) => StatusAnswer::Refused(refusal(frame, scrubber)),
        (StatusCode::Unknown, _) => StatusAnswer::Unknown(system_error(frame, scrubber)),
    }
}

pub(super) fn view(status: &Status, number: i64, scrubber: &Scrubber) -> Result<BankView, String> {
    Ok(BankView {
        order_number: status.order_number.clone().filter(|number| !number.is_empty()),
        order_id: order_id(status)?,
        status: BankStatus::from_number(within(number, STATUS_MAX, "orderStatus")?),
        action_code: status.action_code.filter(|code| code.abs() <= ACTION_CODE_MAX),
        amount: status.amount.map(|amount| within(amount, AMOUNT_MAX, "amount")).transpose()?,
        currency: status.currency.map(currency).transpose()?,
        amounts: status.payment_amount_info.as_ref().map(amounts).transpose()?.flatten(),
        authorised_at: json::moment_ms(&status.auth_date_time)
            .filter(|ms| MOMENTS_MS.contains(ms))
            .map(Timestamp::from_millis),
        payment_system: payment_system(status, scrubber),
        chargeback: status.chargeback,
        autocompletion_at: autocompletion_at(status),
    })
}

/// A name in its own right: what reads like a secret of ours, or like no name, is left out.
fn payment_system(status: &Status, scrubber: &Scrubber) -> Option<PaymentSystem> {
    let written = status.card_auth_info.0.as_deref()?;
    PaymentSystem::new(written).filter(|_| scrubber.clean(written) == written)
}

/// Where an answer might carry it is not confirmed: at the top, among the attributes, or among the shop's own parameters.
fn autocompletion_at(status: &Status) -> Option<Timestamp> {
    const NAME: &str = "autocompletionDate";
    let among = |list| json::named(list, NAME);
    let written = [Some(&status.autocompletion_date), among(&status.attributes), among(&status.merchant_order_params)];
    let ms = written.into_iter().flatten().find_map(json::moment_ms)?;
    // A number that is no moment of this century is none at all.
    MOMENTS_MS.contains(&ms).then_some(Timestamp::from_millis(ms))
}

/// From 2000 to 2096. Beyond it no deadline is to be counted from a moment; nor is a card number kept that stands in its
/// place: those of 12 digits are less than the first, and longer ones are no less than the last.
const MOMENTS_MS: std::ops::Range<i64> = 946_684_800_000..4_000_000_000_000;

/// The documents give it one digit (`N1`); three leave room for what a newer gateway may add.
const STATUS_MAX: i64 = 999;

/// Codes of up to six digits are met; one more is room, and anything beyond is left out, since no decision rests on it.
const ACTION_CODE_MAX: i64 = 9_999_999;

/// A number in its range. Beyond it, it is not repeated: sixteen digits could be a card's.
fn within(number: i64, max: i64, what: &str) -> Result<i64, String> {
    let fits = (0..=max).contains(&number);
    fits.then_some(number).ok_or_else(|| format!("{what} is not between 0 and {max}"))
}

fn order_id(status: &Status) -> Result<Option<OrderId>, String> {
    let Some(text) = json::md_order(&status.attributes).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    if scrub::mask_card_numbers(text) != text && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("mdOrder looks like a card number".to_owned());
    }
    OrderId::new(text).map(Some).map_err(|_| "mdOrder is not an id of 1 to 64 visible characters".to_owned())
}

fn currency(code: i64) -> Result<Currency, String> {
    let known = u16::try_from(code).ok().and_then(|code| Currency::from_numeric(code).ok());
    known.ok_or_else(|| "the currency is none we know".to_owned())
}

/// All three or none: a sum that is missing cannot be told from zero.
fn amounts(info: &AmountInfo) -> Result<Option<BankAmounts>, String> {
    let (Some(approved), Some(deposited), Some(refunded)) =
        (info.approved_amount, info.deposited_amount, info.refunded_amount)
    else {
        return Ok(None);
    };
    Ok(Some(BankAmounts {
        approved: within(approved, AMOUNT_MAX, "approvedAmount")?,
        deposited: within(deposited, AMOUNT_MAX, "depositedAmount")?,
        refunded: within(refunded, AMOUNT_MAX, "refundedAmount")?,
    }))
}

/// Reads an answer to autoCompletion.do.
pub(super) fn read_completion(reply: Reply, scrubber: &Scrubber) -> CompletionAnswer {
    match reply {
        Err(unknown) if unknown.kind == UnknownKind::Unreachable => CompletionAnswer::NotSent(unknown),
        Err(unknown) => CompletionAnswer::Unknown(unknown),
        Ok(body) => match framed::<Completion>(&body) {
            Ok((frame, completion)) => classify_completion(&frame, &completion, scrubber),
            Err(unknown) => CompletionAnswer::Unknown(unknown),
        },
    }
}

fn classify_completion(frame: &Frame, completion: &Completion, scrubber: &Scrubber) -> CompletionAnswer {
    let all_successful = completion.operations.iter().all(|operation| operation.successful == Some(true));
    // Without a code there must at least be operations: an empty object acknowledges nothing.
    let says_something = frame.code().is_some() || !completion.operations.is_empty();
    match codes::of_completion(frame.code()) {
        CompletionCode::Accepted if all_successful && says_something => CompletionAnswer::Acknowledged,
        CompletionCode::Accepted if all_successful => {
            CompletionAnswer::Unknown(unreadable("the answer holds neither a code nor an operation".to_owned()))
        }
        CompletionCode::Accepted => {
            CompletionAnswer::Unknown(unreadable("an operation of the answer was not successful".to_owned()))
        }
        CompletionCode::Refused => CompletionAnswer::Refused(refusal(frame, scrubber)),
        CompletionCode::Unknown => CompletionAnswer::Unknown(system_error(frame, scrubber)),
    }
}

/// Reads an answer to reverse.do, which is a frame and nothing else.
pub(super) fn read_reversal(reply: Reply, scrubber: &Scrubber) -> CompletionAnswer {
    match reply {
        Err(unknown) if unknown.kind == UnknownKind::Unreachable => CompletionAnswer::NotSent(unknown),
        Err(unknown) => CompletionAnswer::Unknown(unknown),
        Ok(body) => match json::parse::<Frame>(&body) {
            Ok(frame) => classify_reversal(&frame, scrubber),
            Err(why) => CompletionAnswer::Unknown(unreadable(why)),
        },
    }
}

fn classify_reversal(frame: &Frame, scrubber: &Scrubber) -> CompletionAnswer {
    match codes::of_reversal(frame.code()) {
        CompletionCode::Accepted => CompletionAnswer::Acknowledged,
        CompletionCode::Refused => CompletionAnswer::Refused(refusal(frame, scrubber)),
        CompletionCode::Unknown if frame.code().is_none() => {
            CompletionAnswer::Unknown(unreadable("the answer holds no code".to_owned()))
        }
        CompletionCode::Unknown => CompletionAnswer::Unknown(system_error(frame, scrubber)),
    }
}

pub(super) fn refusal(frame: &Frame, scrubber: &Scrubber) -> Refusal {
    Refusal { code: frame.code().unwrap_or_default(), message: scrubber.clean(frame.message()) }
}

/// A code of more than three digits (`ANS..3`) is none, and is not repeated: it could be anything.
pub(super) fn system_error(frame: &Frame, scrubber: &Scrubber) -> Unknown {
    let detail = match frame.code() {
        Some(-999..=999) => refusal(frame, scrubber).to_string(),
        _ => format!("an errorCode beyond three digits: {}", scrubber.clean(frame.message())),
    };
    of_kind(UnknownKind::SystemError, detail)
}

const fn unreadable(why: String) -> Unknown {
    of_kind(UnknownKind::Unreadable, why)
}

#[cfg(test)]
mod tests;
