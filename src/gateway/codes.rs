//! `errorCode` by method: which codes are the bank's word, and which tell nothing.
//!
//! The default is *unknown* (rule R3): a code that is not listed decides nothing.

/// What a status answer's `errorCode` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusCode {
    /// The question was answered.
    Answered,
    /// The bank's word about the question.
    Refused,
    /// System error, or a code the documents do not list.
    Unknown,
}

/// getOrderStatusExtended.do, error codes: 1 to 4 and 6 concern the request; 5 is access or a wrong value; 7 is a system
/// error or "being processed". A missing code means that there was no error.
pub(super) const fn of_status(code: Option<i64>) -> StatusCode {
    match code {
        None | Some(0) => StatusCode::Answered,
        Some(1..=6) => StatusCode::Refused,
        Some(_) => StatusCode::Unknown,
    }
}

/// What a completion's `errorCode` says, or a reversal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompletionCode {
    /// Accepted, if every operation says so too.
    Accepted,
    /// 5 or 6: believed once a read shows nothing deposited.
    Refused,
    /// 7 is two things at once, wrong state and system error; any other tells nothing either.
    Unknown,
}

/// autoCompletion.do: only "errorCode" is documented; 0, 5, 6 and 7 as in its kin (`protocol` reference, section 4.3).
pub(super) const fn of_completion(code: Option<i64>) -> CompletionCode {
    match code {
        None | Some(0) => CompletionCode::Accepted,
        Some(5 | 6) => CompletionCode::Refused,
        Some(_) => CompletionCode::Unknown,
    }
}

/// reverse.do: 5 and 6 refuse; 7 is "invalid operation for current status" and a system error at once, and the hold may
/// be gone (`protocol` reference, section 4.3). refund.do and decline.do have the same table: their 7 is "wrong state", "more
/// than was debited" and a system error at once.
pub(super) const fn of_reversal(code: Option<i64>) -> CompletionCode {
    match code {
        Some(0) => CompletionCode::Accepted,
        Some(5 | 6) => CompletionCode::Refused,
        // There is nothing beside the code that could acknowledge it.
        None | Some(_) => CompletionCode::Unknown,
    }
}
