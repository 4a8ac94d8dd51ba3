//! What an answer says: bytes, or the tree made of another wire's, to one of the three classes.

use serde_json::Value;

use crate::domain::answer::{BankAnswer, KeptAnswer};
use crate::domain::bank::{CompletionAnswer, Refusal, StatusAnswer, Unknown, UnknownKind};

use super::codes::{self, CompletionCode, StatusCode};
use super::json::{self, Completion, Frame};
use super::scrub::Scrubber;
use super::transport::{Reply, of_kind};
use super::{answer, mask, tree};

/// What a status request told: its class, and all that an answer about an order holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What decisions rest on.
    pub answer: StatusAnswer,
    /// The whole of it, where it knows the order.
    pub whole: Option<Box<Whole>>,
}

/// An answer about an order, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Every field by its name.
    pub answer: BankAnswer,
    /// As it is kept and shown; `None` where it is too long for that.
    pub kept: Option<KeptAnswer>,
}

impl From<StatusAnswer> for Told {
    fn from(answer: StatusAnswer) -> Self {
        Self { answer, whole: None }
    }
}

/// Reads an answer to getOrderStatusExtended.do.
pub(super) fn read_status(reply: Reply, scrubber: &Scrubber) -> Told {
    let tree = reply.and_then(|body| tree::parse(&body).map_err(unreadable));
    match tree.map(|tree| status_of(&tree, scrubber)) {
        Ok(told) => told,
        Err(unknown) => StatusAnswer::Unknown(unknown).into(),
    }
}

/// The same of a tree.
pub(super) fn status_of(tree: &Value, scrubber: &Scrubber) -> Told {
    let read = Frame::of(tree).and_then(|frame| Ok((frame, answer::status_number(tree)?)));
    let (frame, number) = match read {
        Ok(read) => read,
        Err(why) => return StatusAnswer::Unknown(unreadable(why)).into(),
    };
    // 2 means "declined because of payment data", and some banks send it along with the order's status.
    let code = frame.code().filter(|code| *code != 2 || number.is_none());
    match (codes::of_status(code), number) {
        (StatusCode::Answered, Some(number)) => known(tree, number, scrubber),
        (StatusCode::Answered, None) => {
            StatusAnswer::Unknown(unreadable("no orderStatus and no error".to_owned())).into()
        }
        (StatusCode::Refused, _) => StatusAnswer::Refused(refusal(&frame, scrubber)).into(),
        (StatusCode::Unknown, _) => StatusAnswer::Unknown(system_error(&frame, scrubber)).into(),
    }
}

fn known(tree: &Value, number: i64, scrubber: &Scrubber) -> Told {
    let masked = mask::masked(tree, scrubber);
    match answer::read(tree, &masked, number) {
        Ok(answer) => Told {
            answer: StatusAnswer::Known(Box::new(answer.view())),
            whole: Some(Box::new(Whole { answer, kept: mask::kept(masked) })),
        },
        Err(why) => StatusAnswer::Unknown(unreadable(why)).into(),
    }
}

fn framed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<(Frame, T), Unknown> {
    let frame = json::parse(body).map_err(unreadable)?;
    json::parse(body).map(|answer| (frame, answer)).map_err(unreadable)
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

fn refusal(frame: &Frame, scrubber: &Scrubber) -> Refusal {
    Refusal { code: frame.code().unwrap_or_default(), message: scrubber.clean(frame.message()) }
}

/// A code of more than three digits (`ANS..3`) is none, and is not repeated: it could be anything.
fn system_error(frame: &Frame, scrubber: &Scrubber) -> Unknown {
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
