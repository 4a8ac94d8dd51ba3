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

/// getOrderStatusExtended.do, error codes: 1 to 4 and 6 concern the request; 5 is access or a wrong value; 7 is a
/// system error or "being processed". A missing code means that there was no error.
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

/// reverse.do and deposit.do: 5 and 6 refuse; 7 is "invalid operation for current status" (of a deposit also "less than
/// one rouble") and a system error at once, and the hold may be gone (`protocol` reference, section 4.3). refund.do and
/// decline.do have the same table: their 7 is "wrong state", "more than was debited" and a system error at once.
pub(super) const fn of_bare(code: Option<i64>) -> CompletionCode {
    match code {
        Some(0) => CompletionCode::Accepted,
        Some(5 | 6) => CompletionCode::Refused,
        // There is nothing beside the code that could acknowledge it.
        None | Some(_) => CompletionCode::Unknown,
    }
}

/// What a registration's `errorCode` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegisterCode {
    /// Registered, if there is an order id.
    Registered,
    /// The bank's word about the request; 1 is asked about all the same.
    Refused,
    /// 7, a system error, or a code the documents do not list.
    Unknown,
}

/// register.do and registerOrderPreAuth, error codes: 1 the number, 3 the currency, 4 something missing, 5 access or a
/// wrong value, 8 the cart, 12 an empty amount (`protocol` reference, section 4.3), 13 and 14 the features. None of
/// them registers.
pub(super) const fn of_registration(code: Option<i64>) -> RegisterCode {
    match code {
        None | Some(0) => RegisterCode::Registered,
        Some(1 | 3 | 4 | 5 | 8 | 12 | 13 | 14) => RegisterCode::Refused,
        Some(_) => RegisterCode::Unknown,
    }
}
