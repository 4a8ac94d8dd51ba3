//! REST: forms out, and what an answer says: bytes, or the tree made of another wire's, to one of the three classes.

mod form;

pub(super) use form::encode;

use serde_json::Value;

use crate::domain::answer::{BankAnswer, KeptAnswer};
use crate::domain::bank::{CompletionAnswer, PartDone, Refusal, StatusAnswer, Unknown, UnknownKind};
use crate::domain::money::AMOUNT_MAX;
use crate::domain::weather;

use super::codes::{self, CompletionCode, StatusCode};
use super::json::{self, Completion, CompletionOperation, Frame};
use super::scrub::Scrubber;
use super::transport::{Reply, of_kind};
use super::{answer, mask, shape, tree};

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
    let tree = reply.and_then(|body| tree::parse(&body).map_err(|why| no_answer(&body, why)));
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
            whole: Some(Box::new(Whole { answer, kept: mask::kept(shape::shaped(masked)) })),
        },
        Err(why) => StatusAnswer::Unknown(unreadable(why)).into(),
    }
}

pub(super) fn framed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<(Frame, T), Unknown> {
    let frame = json::parse(body).map_err(|why| no_answer(body, why))?;
    json::parse(body).map(|answer| (frame, answer)).map_err(|why| no_answer(body, why))
}

/// Reads an answer to autoCompletion.do.
pub(super) fn read_completion(reply: Reply, scrubber: &Scrubber) -> CompletionAnswer {
    match reply {
        Err(unknown) if unknown.kind.never_left() => CompletionAnswer::NotSent(unknown),
        Err(unknown) => CompletionAnswer::Unknown(unknown),
        Ok(body) => match framed::<Completion>(&body) {
            Ok((frame, completion)) => classify_completion(&frame, &completion, scrubber),
            Err(unknown) => CompletionAnswer::Unknown(unknown),
        },
    }
}

fn classify_completion(frame: &Frame, completion: &Completion, scrubber: &Scrubber) -> CompletionAnswer {
    match codes::of_completion(frame.code()) {
        CompletionCode::Accepted if completion.operations.len() > PARTS_MAX => {
            CompletionAnswer::Unknown(unreadable(format!("the answer holds more than {PARTS_MAX} operations")))
        }
        CompletionCode::Accepted if !completion.operations.is_empty() => {
            itemised(completion.operations.iter().map(|part| part_done(part, scrubber)).collect())
        }
        // Without a code there must at least be operations: an empty object acknowledges nothing.
        CompletionCode::Accepted if frame.code().is_none() => {
            CompletionAnswer::Unknown(unreadable("the answer holds neither a code nor an operation".to_owned()))
        }
        CompletionCode::Accepted => CompletionAnswer::Acknowledged,
        CompletionCode::Refused => CompletionAnswer::Refused(refusal(frame, scrubber)),
        CompletionCode::Unknown => CompletionAnswer::Unknown(system_error(frame, scrubber)),
    }
}

/// If none of the operations succeeded, nothing was acknowledged; if some did, both are to be known.
fn itemised(parts: Vec<PartDone>) -> CompletionAnswer {
    if parts.iter().any(|part| part.successful) {
        return CompletionAnswer::Itemised(parts);
    }
    let words: Vec<_> = parts.iter().map(PartDone::to_string).collect();
    let words: String = words.join("; ").chars().take(WORDS_MAX).collect();
    CompletionAnswer::Unknown(unreadable(format!("no operation of the answer was successful: {words}")))
}

/// The longest that is told of operations without success; whoever wants more looks into the bank's console.
const WORDS_MAX: usize = 200;

/// The operations that are believed to belong to one completion: one for the points and one for the award of each
/// programme, of which there are two.
const PARTS_MAX: usize = 16;

/// The longest text kept of an operation's: the gateway's own ids have 36 characters.
const PART_TEXT_MAX: usize = 40;

/// Ids and names that could be anything else are left out; the operation itself is not.
fn part_done(part: &CompletionOperation, scrubber: &Scrubber) -> PartDone {
    let text = |value: &serde_json::Value| {
        let text = value.as_i64().map(|number| number.to_string()).or_else(|| value.as_str().map(str::to_owned))?;
        let text = text.trim();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let fits = (1..=PART_TEXT_MAX).contains(&text.len()) && text.chars().all(is_plain);
        (fits && scrubber.clean(text) == text).then(|| text.to_owned())
    };
    PartDone {
        operation: text(&part.operation),
        amount: json::number(&part.amount).filter(|amount| (0..=AMOUNT_MAX).contains(amount)),
        pc_id: text(&part.pc_id),
        transaction_id: text(&part.transaction_id),
        successful: part.successful == Some(true),
    }
}

/// Reads an answer to reverse.do, deposit.do, refund.do or decline.do, which is a frame and nothing else.
pub(super) fn read_bare(reply: Reply, scrubber: &Scrubber) -> CompletionAnswer {
    match reply {
        Err(unknown) if unknown.kind.never_left() => CompletionAnswer::NotSent(unknown),
        Err(unknown) => CompletionAnswer::Unknown(unknown),
        Ok(body) => match json::parse::<Frame>(&body) {
            Ok(frame) => classify_bare(&frame, scrubber),
            Err(why) => CompletionAnswer::Unknown(no_answer(&body, why)),
        },
    }
}

fn classify_bare(frame: &Frame, scrubber: &Scrubber) -> CompletionAnswer {
    match codes::of_bare(frame.code()) {
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
    let works = weather::tells_of_works(frame.message());
    of_kind(if works { UnknownKind::Maintenance } else { UnknownKind::SystemError }, detail)
}

/// A body that is no answer: a page, or a text, of a bank that is being worked on, or something else.
pub(super) fn no_answer(body: &[u8], why: String) -> Unknown {
    let is_page = weather::is_page(body);
    of_kind(if is_page { UnknownKind::Maintenance } else { UnknownKind::Unreadable }, why)
}

pub(super) const fn unreadable(why: String) -> Unknown {
    of_kind(UnknownKind::Unreadable, why)
}

#[cfg(test)]
mod tests;
