//! What is promised of the bank's answers, whatever bytes they are.

use std::time::Duration;

use secrecy::SecretString;

use super::answer::MOMENTS_MS;
use super::register;
use super::request::{Named, Request};
use super::rest::{Whole, read_completion, read_status};
use super::scrub::{Scrubber, has_card_number, mask_card_numbers};
use super::{codes, soap, transport};
use crate::domain::answer::{BankAnswer, KEPT_MAX, KeptAnswer};
use crate::domain::bank::{CompletionAnswer, PartDone, Refusal, StatusAnswer, Unknown};
use crate::domain::money::AMOUNT_MAX;
use crate::domain::operation::CompletionAmount;
use crate::domain::order::OrderId;
use crate::domain::registration::journey::RegisterAnswer;

const SECRET: &str = "hunter22";

fn a_scrubber() -> Scrubber {
    Scrubber::new(&SecretString::from(SECRET.to_owned()))
}

/// Fit to be kept: no secret, no card number, nothing long, nothing that nobody sees.
fn assert_clean(text: &str) {
    assert!(!text.to_lowercase().contains(SECRET), "a secret came through");
    assert_eq!(mask_card_numbers(text), text, "a card number came through");
    let digits = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    assert!(digits < Some(12), "twelve digits came through");
    assert!(text.chars().count() <= 300 && !text.contains(char::is_control));
}

fn assert_refusal(refusal: &Refusal, listed: std::ops::RangeInclusive<i64>) {
    assert!(listed.contains(&refusal.code), "a code that is not listed is no refusal");
    assert_clean(&refusal.message);
}

fn assert_unknown(unknown: &Unknown) {
    assert_clean(&unknown.detail);
    assert_eq!(unknown.retry_after, None, "a body asks for no wait");
}

/// getOrderStatusExtended.do.
pub(crate) fn status_answer(bytes: &[u8]) {
    let told = read_status(Ok(bytes.to_vec()), &a_scrubber());
    if let Some(whole) = &told.whole {
        assert!(matches!(told.answer, StatusAnswer::Known(_)), "a whole answer that knows no order");
        assert_whole(whole);
    }
    match told.answer {
        StatusAnswer::Refused(refusal) => assert_refusal(&refusal, 1..=6),
        StatusAnswer::Unknown(unknown) => assert_unknown(&unknown),
        StatusAnswer::Known(view) => {
            assert!((0..=999).contains(&view.status.number()));
            assert!(view.action_code.is_none_or(|code| code.abs() <= 9_999_999));
            let sums = [view.amounts, view.points].into_iter().flatten();
            let all = sums.flat_map(|sums| [sums.approved, sums.deposited, sums.refunded]).chain(view.amount);
            all.for_each(|sum| assert!((0..=AMOUNT_MAX).contains(&sum), "a sum beyond what the gateway takes"));
            if let Some(id) = &view.order_id {
                assert_eq!(OrderId::new(id.as_str()).as_ref(), Ok(id), "it reads the same again");
            }
            // So that no card number passes for one.
            let at_ms = view.authorised_at.map(crate::domain::time::Timestamp::as_millis);
            assert!(at_ms.is_none_or(|ms| (946_684_800_000..4_000_000_000_000).contains(&ms)), "no moment of ours");
        }
    }
}

/// register.do and registerPreAuth.do.
pub(crate) fn registration_answer(bytes: &[u8]) {
    match register::read(Ok(bytes.to_vec()), &a_scrubber()) {
        RegisterAnswer::Refused(refusal) => assert_refusal(&refusal, 1..=14),
        RegisterAnswer::Unknown(unknown) => assert_unknown(&unknown),
        RegisterAnswer::NotSent(_) => assert!(bytes.is_empty(), "what was answered was sent"),
        RegisterAnswer::Registered { order_id, form_url } => {
            assert_eq!(OrderId::new(order_id.as_str()).as_ref(), Ok(&order_id), "it reads the same again");
            if let Some(url) = form_url {
                assert!(
                    url.starts_with("http") && url.len() <= 2_048 && url.bytes().all(|byte| byte.is_ascii_graphic())
                );
                assert!(!url.to_lowercase().contains(SECRET), "a secret came through");
            }
        }
    }
}

/// Any bytes that a SOAP gateway could answer with, to each request that is read: one of the three classes, soon, and
/// in no more memory than the body's limits allow.
pub(crate) fn soap_answer(bytes: &[u8]) {
    let (id, scrubber) = (OrderId::new("b6f698e1-fb8d-7b6d-8f56-130700ef5d58"), a_scrubber());
    let Ok(order_id) = &id else { return };
    let amount = CompletionAmount::Whole;
    let status = Request::Status { order: Named::Id(order_id) };
    let (whole, bare) = (Request::AutoCompletion { order_id, amount }, Request::Deposit { order_id, amount });
    for request in [status, whole, bare] {
        for heard in [transport::Heard::whole(bytes.to_vec()), transport::Heard::fault(bytes.to_vec())] {
            let is_error = heard.fault.is_some();
            let Err(unknown) = soap::reply(heard, &request, &scrubber).map(|json| {
                // What comes of it is REST's answer, and keeps the promises of one.
                match request {
                    Request::Status { .. } => status_answer(&json),
                    _ => completion_answer(&json),
                }
                let code = serde_json::from_slice::<Again>(&json).map(|again| again.code.to_string());
                assert!(!is_error || code.is_ok_and(|code| code == "\"5\""), "HTTP 500 was read as an answer");
            }) else {
                continue;
            };
            assert_unknown(&unknown);
        }
    }
}

/// What is kept is JSON of a bounded length, without secrets, and without more digits in a row than a moment has; what
/// `Debug` shows of the rest has no secret either. The order's own number and id are compared, and kept elsewhere.
fn assert_whole(whole: &Whole) {
    let kept = whole.kept.as_ref().map_or("{}", KeptAnswer::as_str);
    assert!(kept.len() <= KEPT_MAX, "too long to be kept");
    assert!(serde_json::from_str::<serde_json::Value>(kept).is_ok(), "kept, and no JSON");
    // The code of a mark has digits of its own.
    let marks = kept.to_lowercase().contains("nomenclature");
    let runs = kept.split(|c: char| !c.is_ascii_digit());
    assert!(runs.clone().all(|run| run.len() <= 13 || marks && !has_card_number(run)), "more digits than a moment has");
    let is_moment = |run: &str| marks || run.parse().is_ok_and(|ms| MOMENTS_MS.contains(&ms));
    assert!(runs.filter(|run| run.len() == 13).all(is_moment), "thirteen digits that are no moment");
    let cleaned = BankAnswer { order_number: None, order_id: None, ..whole.answer.clone() };
    for text in [kept.to_owned(), format!("{cleaned:?}")] {
        assert!(!text.to_lowercase().contains(SECRET), "a secret came through");
    }
}

/// autoCompletion.do.
pub(crate) fn completion_answer(bytes: &[u8]) {
    match read_completion(Ok(bytes.to_vec()), &a_scrubber()) {
        CompletionAnswer::Refused(refusal) => assert_refusal(&refusal, 5..=6),
        CompletionAnswer::Unknown(unknown) => assert_unknown(&unknown),
        CompletionAnswer::NotSent(_) => assert!(bytes.is_empty() && !bytes.is_empty(), "an answer proves a sending"),
        CompletionAnswer::Acknowledged => assert_acknowledged(bytes),
        CompletionAnswer::Itemised(parts) => {
            assert_accepted(bytes);
            assert_parts(&parts);
        }
    }
}

/// What is kept of each: ids, a name and a sum, or nothing.
fn assert_parts(parts: &[PartDone]) {
    assert!((1..=16).contains(&parts.len()));
    for part in parts {
        [&part.operation, &part.pc_id, &part.transaction_id].into_iter().flatten().for_each(|text| assert_clean(text));
        assert!(part.amount.is_none_or(|amount| (0..=AMOUNT_MAX).contains(&amount)));
    }
}

/// An acknowledgement, read once more. Whatever else it holds may be in any encoding: nobody keeps it, and banks are
/// known to send Windows-1251 in a description.
#[derive(serde::Deserialize)]
struct Again {
    #[serde(default, alias = "ErrorCode", rename = "errorCode")]
    code: serde_json::Value,
    #[serde(default)]
    operations: serde_json::Value,
}

/// No code but 0, and no operation.
fn assert_acknowledged(bytes: &[u8]) {
    let Some(answer) = assert_accepted(bytes) else { return };
    let none = answer.operations.is_null() || answer.operations.as_array().is_some_and(Vec::is_empty);
    assert!(none, "acknowledged, and its operations forgotten");
}

/// No code but 0.
fn assert_accepted(bytes: &[u8]) -> Option<Again> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let read: Result<Again, _> = serde_json::from_slice(text);
    assert!(read.is_ok(), "acknowledged by what is no JSON");
    let answer = read.ok()?;
    // As XML has it: an element with its text beside attributes.
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let plain = |value: &serde_json::Value| match value.get("value") {
        Some(inner) if value.is_object() => text(inner),
        _ if value.get("nil").is_some() => String::new(),
        _ => text(value),
    };
    let code = plain(&answer.code);
    let is_zero = ["", "null"].contains(&code.trim()) || code.trim().parse() == Ok(0);
    assert!(is_zero, "acknowledged with errorCode {code}");
    Some(answer)
}

/// Only what is listed tells anything (R3).
pub(crate) fn error_code(bytes: &[u8]) {
    let code = std::str::from_utf8(bytes).ok().and_then(|text| text.trim().parse().ok());
    match code {
        None | Some(0) => {
            assert_eq!(codes::of_status(code), codes::StatusCode::Answered);
            assert_eq!(codes::of_completion(code), codes::CompletionCode::Accepted);
        }
        Some(number) => {
            let status =
                if (1..=6).contains(&number) { codes::StatusCode::Refused } else { codes::StatusCode::Unknown };
            assert_eq!(codes::of_status(code), status);
            let refused = number == 5 || number == 6;
            let completion = if refused { codes::CompletionCode::Refused } else { codes::CompletionCode::Unknown };
            assert_eq!(codes::of_completion(code), completion);
        }
    }
}

/// Whole seconds or nothing.
pub(crate) fn retry_after(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(wait) = transport::seconds(text) {
        assert!(wait <= Duration::from_secs(u32::MAX.into()) && wait.subsec_nanos() == 0);
        let digits = text.trim().trim_start_matches('+').trim_start_matches('0');
        assert_eq!(digits, wait.as_secs().to_string().trim_start_matches('0'), "it reads the same again");
    }
}

/// Any text of the bank's.
pub(crate) fn scrubber(bytes: &[u8]) {
    let clean = a_scrubber().clean(&String::from_utf8_lossy(bytes));
    assert_clean(&clean);
    assert!(clean.chars().count() <= 200);
}
