//! The course an exchange takes when a fault strikes it: when it waits, whether it takes effect, how it ends.
//!
//! A total match turns each kind of fault into such a course, so that whoever conducts exchanges knows only courses and
//! no kinds.

use std::time::Duration;

use super::faults::{AmountPart, FaultKind, Garbage, Moment};
use super::ledger::AnswerClass;

/// How one exchange goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    /// Wait before anything happens.
    pub(super) before: Duration,
    /// Whether the request is carried out.
    pub(super) takes_effect: bool,
    /// How the answer is bent.
    pub(super) twist: Option<Twist>,
    /// Wait between the effect and the end.
    pub(super) after: Duration,
    /// What the caller gets.
    pub(super) ending: Ending,
}

/// Ways to bend a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    AnotherOrder,
    Amount { part: AmountPart, off_by_minor: i64 },
    Stale,
}

/// What the caller gets in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer.
    Answer,
    /// An HTTP error with a page.
    Error { status: u16, retry_after: Option<String> },
    /// 200 with rubbish.
    Garbage(Garbage),
    /// No byte; the connection is closed in order.
    Close,
    /// No byte; the connection is reset.
    Reset,
    /// "Completed", whatever happened.
    FalseSuccess,
    /// "Refused", whatever happened.
    FalseRefusal,
}

impl Course {
    /// The course of an exchange that no fault strikes.
    pub(super) const HONEST: Course = Course {
        before: Duration::ZERO,
        takes_effect: true,
        twist: None,
        after: Duration::ZERO,
        ending: Ending::Answer,
    };

    /// The course under a fault; `drawn_garbage` is used where the rule leaves the rubbish to chance.
    pub(super) fn under(fault: &FaultKind, drawn_garbage: Garbage) -> Course {
        match fault {
            FaultKind::Delay { ms, effect } => Course::delayed(*ms, *effect),
            FaultKind::TimeoutBeforeEffect { ms } => {
                Course { after: Duration::from_millis(*ms), ..Course::ending(Ending::Close, Moment::Before) }
            }
            FaultKind::TimeoutAfterEffect { ms } => {
                Course { after: Duration::from_millis(*ms), ..Course::ending(Ending::Close, Moment::After) }
            }
            FaultKind::TooManyRequests { retry_after } => {
                let retry_after = retry_after.clone();
                Course::ending(Ending::Error { status: 429, retry_after }, Moment::Before)
            }
            FaultKind::Error500 { effect } => Course::ending(Ending::error(500), *effect),
            FaultKind::Error503 { effect } => Course::ending(Ending::error(503), *effect),
            FaultKind::Reset { effect } => Course::ending(Ending::Reset, *effect),
            FaultKind::Garbage { shape, effect } => {
                Course::ending(Ending::Garbage(shape.unwrap_or(drawn_garbage)), *effect)
            }
            FaultKind::WrongOrder => Course::twisted(Twist::AnotherOrder),
            FaultKind::WrongAmount { part, off_by_minor } => {
                Course::twisted(Twist::Amount { part: *part, off_by_minor: *off_by_minor })
            }
            FaultKind::StaleStatus => Course::twisted(Twist::Stale),
            FaultKind::FalseSuccess => Course::ending(Ending::FalseSuccess, Moment::Before),
            FaultKind::FalseRefusal => Course::ending(Ending::FalseRefusal, Moment::After),
        }
    }

    fn delayed(ms: u64, effect: Moment) -> Course {
        let wait = Duration::from_millis(ms);
        match effect {
            Moment::Before => Course { before: wait, ..Course::HONEST },
            Moment::After => Course { after: wait, ..Course::HONEST },
        }
    }

    fn twisted(twist: Twist) -> Course {
        Course { twist: Some(twist), ..Course::HONEST }
    }

    fn ending(ending: Ending, strikes: Moment) -> Course {
        let takes_effect = strikes == Moment::After;
        Course { takes_effect, ending, ..Course::HONEST }
    }

    /// What the caller is told, in the ledger's words; `error_code` is the honest one.
    pub(super) fn answer_class(&self, error_code: Option<u8>) -> AnswerClass {
        match &self.ending {
            Ending::Answer if self.twist.is_some() => AnswerClass::Misleading,
            Ending::Answer if error_code == Some(0) => AnswerClass::Ok,
            Ending::Answer => AnswerClass::Refused,
            Ending::Error { .. } => AnswerClass::HttpError,
            Ending::Garbage(_) => AnswerClass::Garbage,
            Ending::Close | Ending::Reset => AnswerClass::NoAnswer,
            Ending::FalseSuccess | Ending::FalseRefusal => AnswerClass::Misleading,
        }
    }
}

impl Ending {
    fn error(status: u16) -> Ending {
        Ending::Error { status, retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AnswerClass::{Garbage as Rubbish, HttpError, Misleading, NoAnswer, Ok};
    use Moment::{After, Before};

    #[test]
    fn before_and_after_decide_whether_a_fault_spares_the_effect() {
        let check = |kind: FaultKind, takes_effect: bool, class: AnswerClass| {
            let course = Course::under(&kind, Garbage::Html);
            assert_eq!(course.takes_effect, takes_effect, "{kind:?}");
            assert_eq!(course.answer_class(Some(0)), class, "{kind:?}");
        };
        check(FaultKind::Delay { ms: 1, effect: Before }, true, Ok);
        check(FaultKind::TimeoutBeforeEffect { ms: 1 }, false, NoAnswer);
        check(FaultKind::TimeoutAfterEffect { ms: 1 }, true, NoAnswer);
        check(FaultKind::TooManyRequests { retry_after: None }, false, HttpError);
        check(FaultKind::Error500 { effect: After }, true, HttpError);
        check(FaultKind::Error503 { effect: Before }, false, HttpError);
        check(FaultKind::Reset { effect: Before }, false, NoAnswer);
        check(FaultKind::Reset { effect: After }, true, NoAnswer);
        check(FaultKind::Garbage { shape: None, effect: After }, true, Rubbish);
        check(FaultKind::StaleStatus, true, Misleading);
        check(FaultKind::FalseSuccess, false, Misleading);
        check(FaultKind::FalseRefusal, true, Misleading);
    }
}
