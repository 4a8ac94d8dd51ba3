//! Where the model asks the real decision functions. Nothing is decided here: rows go in, rows come out, and each
//! answer is remembered, since the same few thousand questions come up millions of times.

use std::collections::HashMap;

use super::super::acts::{self, Act};
use super::super::bank::{CompletionAnswer, StatusAnswer, UnknownKind};
use super::super::completion;
use super::super::event::Cause;
use super::super::fixtures;
use super::super::guard::Standing;
use super::super::journey::{self, Policy};
use super::super::lifecycle::Contradiction;
use super::super::operation::{Operation, OperationState};
use super::super::order::{Order, State};
use super::super::polling::Jitter;
use super::super::review::{self, Way};
use super::faults::Fault;
use super::quick::Quick;
use super::rows::{Codes, Face, OperationRow, Rows, Stamp, Take, Wall};

/// What is wanted of the decision functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// A completion is due.
    Intend,
    /// The bank was asked about an open completion; `None` is an answer that tells nothing.
    Asked(Option<Face>),
    /// What came back of a send.
    Answered(Answer),
    /// A look at an order without an open completion.
    Looked(Option<Face>),
    /// A start plans anew.
    Plan,
    Park,
    Release(Option<Take>),
    Accept,
    /// A restored database takes over what the witness shows beyond it: so many lines, the last of this sum.
    Adopt {
        lines: u8,
        take: Take,
    },
}

/// What the daemon hears of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Acknowledged,
    /// errorCode 6.
    Refused,
    /// errorCode 7.
    Seven,
    /// No answer in time.
    Nothing,
    /// Proven: no byte left.
    NotSent,
}

/// The rows to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided {
    pub(super) rows: Rows,
    pub(super) send: bool,
    /// The order's row is written, so its version counts up.
    pub(super) order_written: bool,
}

pub(super) struct Desk {
    policy: Policy,
    fault: Option<Fault>,
    codes: Codes,
    known: HashMap<(Rows, Question, Wall), Option<Decided>, Quick>,
}

impl Desk {
    pub(super) fn new(resend_whole: bool, fault: Option<Fault>) -> Self {
        let mut policy = fixtures::policy();
        policy.settle.resend_whole = resend_whole;
        policy.settle.attempts_max = 2;
        if fault == Some(Fault::NoQuietTime) {
            policy.settle.quiet = std::time::Duration::ZERO;
        }
        Self { policy, fault, codes: Codes::default(), known: HashMap::default() }
    }

    /// `None`: nothing is written.
    pub(super) fn decide(&mut self, rows: Rows, question: Question, wall: Wall) -> Option<Decided> {
        if let Some(known) = self.known.get(&(rows, question, wall)) {
            return *known;
        }
        let decided = self.ask_the_domain(rows, question, wall);
        self.known.insert((rows, question, wall), decided);
        decided
    }

    /// Whether the quiet time of the open completion ended after the question was `asked`.
    pub(super) fn became_quiet_since(&self, rows: Rows, asked: Stamp, wall: Wall) -> bool {
        let quiet = self.policy.settle.quiet;
        rows.open().is_some_and(|open| open.real().became_quiet_between(asked.real(), wall.now(), quiet))
    }

    fn ask_the_domain(&mut self, rows: Rows, question: Question, wall: Wall) -> Option<Decided> {
        let order = self.codes.order(&rows.order, wall);
        let open = rows.open().map(|open| open.real());
        match question {
            Question::Intend => self.intend(rows, &order, open.as_ref(), wall),
            Question::Asked(face) => Some(self.asked(rows, &order, open?, face, wall)),
            Question::Answered(answer) => self.answered(rows, &order, &open?, answer, wall),
            Question::Looked(face) => self.looked(rows, &order, open.as_ref(), face, wall),
            Question::Plan => self.plan(rows, &order, open.as_ref(), wall),
            Question::Park => {
                let seen = open.map(|open| self.not_in_doubt(open));
                self.act(rows, acts::park(&order, seen.as_ref(), Some(&self.policy), someone()))
            }
            Question::Release(take) => self.release(rows, &order, open.as_ref(), take, wall),
            Question::Accept => {
                let mut policy = self.policy.clone();
                if self.fault == Some(Fault::ReleasesBeforeQuiet) {
                    policy.settle.quiet = std::time::Duration::ZERO;
                }
                self.act(
                    rows,
                    review::resolve(&order, open.as_ref(), Way::Bank, "seen", &policy, someone(), wall.now()),
                )
            }
            Question::Adopt { lines, take } => Some(self.adopt(rows, order, lines, take, wall)),
        }
    }

    /// As the shell does it: what is due, is not parked and has nothing open.
    fn intend(&mut self, rows: Rows, order: &Order, open: Option<&Operation>, wall: Wall) -> Option<Decided> {
        let now = wall.now();
        let due = order.state == State::Held && !order.parked && order.complete_at.is_some_and(|at| at <= now);
        if !due || open.is_some() {
            return None;
        }
        let (new, _) = completion::intend(order, now);
        let fresh = fixtures::intended(new.amount);
        Some(self.written(rows, Some(order), Some(&fresh)))
    }

    fn asked(&mut self, rows: Rows, order: &Order, open: Operation, face: Option<Face>, wall: Wall) -> Decided {
        let before = open.clone();
        let open = self.misread(open, face);
        let mut asked = completion::after_ask(
            order,
            &open,
            &status(face),
            &Standing::default(),
            &self.policy,
            wall.now(),
            Jitter::new(500),
        );
        if self.fault == Some(Fault::SendsAPartAgain) {
            asked.operation.amount = before.amount;
            asked.operation.expected_minor = before.expected_minor.or(asked.operation.expected_minor);
        }
        let mut decided = self.written(rows, Some(&asked.order), Some(&asked.operation));
        decided.send = asked.send;
        decided.rows.sends += u8::from(asked.send);
        decided
    }

    /// What a mutant takes the row in doubt for.
    fn misread(&self, open: Operation, face: Option<Face>) -> Operation {
        let in_doubt = open.state == OperationState::InDoubt;
        match self.fault {
            Some(Fault::AbsenceSettles) if in_doubt && face == Some(Face::HELD) => {
                Operation { state: OperationState::Intended, unknown_sends: 0, ..open }
            }
            Some(Fault::OneReadIsEnough) if in_doubt => Operation { agreeing_reads: 1, ..open },
            Some(Fault::SendsAPartAgain) if in_doubt => Operation {
                amount: Take::Whole.real(),
                expected_minor: open.expected_minor.filter(|_| face != Some(Face::HELD)),
                ..open
            },
            _ => open,
        }
    }

    fn answered(&mut self, rows: Rows, order: &Order, open: &Operation, answer: Answer, wall: Wall) -> Option<Decided> {
        if open.state != OperationState::InDoubt {
            return None;
        }
        let (mut next, _) = completion::after_answer(order, open, &self.heard(answer), &self.policy, wall.now());
        let mut order = order.clone();
        if self.fault == Some(Fault::AcknowledgementConfirms) && answer == Answer::Acknowledged {
            next.state = OperationState::Confirmed;
            order.state = State::Deposited;
            order.complete_at = None;
        }
        let mut decided = self.written(rows, Some(&order), Some(&next));
        decided.order_written = false;
        Some(decided)
    }

    fn heard(&self, answer: Answer) -> CompletionAnswer {
        let unknown = |kind| CompletionAnswer::Unknown(fixtures::unknown(kind));
        let not_sent = || CompletionAnswer::NotSent(fixtures::unknown(UnknownKind::Unreachable));
        let refused = || CompletionAnswer::Refused(fixtures::refusal(6));
        match answer {
            Answer::Acknowledged => CompletionAnswer::Acknowledged,
            Answer::Refused => refused(),
            Answer::Seven if self.fault == Some(Fault::SevenIsARefusal) => refused(),
            Answer::Seven => unknown(UnknownKind::SystemError),
            Answer::Nothing if self.fault == Some(Fault::TimeoutIsNotSent) => not_sent(),
            Answer::Nothing => unknown(UnknownKind::Timeout),
            Answer::NotSent => not_sent(),
        }
    }

    fn looked(
        &mut self,
        rows: Rows,
        order: &Order,
        open: Option<&Operation>,
        face: Option<Face>,
        wall: Wall,
    ) -> Option<Decided> {
        if open.is_some() {
            return None;
        }
        let looked = journey::after_look(order, &status(face), &self.policy, wall.now(), Jitter::new(500));
        Some(self.written(rows, Some(&looked.order), None))
    }

    fn plan(&mut self, rows: Rows, order: &Order, open: Option<&Operation>, wall: Wall) -> Option<Decided> {
        let (next, _) = completion::planned_anew(order, &self.policy, wall.now()).filter(|_| open.is_none())?;
        Some(self.written(rows, Some(&next), None))
    }

    fn release(
        &mut self,
        rows: Rows,
        order: &Order,
        open: Option<&Operation>,
        take: Option<Take>,
        wall: Wall,
    ) -> Option<Decided> {
        if let (Some(Fault::ChangesASentSum), Some(_), Some(take)) = (self.fault, rows.in_doubt(), take) {
            let mut rows = rows;
            (rows.order.take, rows.operation) = (take, Some(OperationRow::new(take)));
            return Some(Decided { rows, send: false, order_written: true });
        }
        let amount = take.map(|take| fixtures::amount(i64::from(take.units()) * fixtures::PRICE / 10));
        self.act(rows, acts::release(order, open, amount, "", &self.policy, someone(), wall.now()))
    }

    fn not_in_doubt(&self, open: Operation) -> Operation {
        match self.fault {
            Some(Fault::ParksInDoubt) => Operation { state: OperationState::Intended, ..open },
            _ => open,
        }
    }

    fn act<E>(&mut self, rows: Rows, act: Result<Act, E>) -> Option<Decided> {
        let act = act.ok()?;
        Some(self.written(rows, Some(&act.order), act.operation.as_ref()))
    }

    /// The order goes to review, and what the witness shows was sent is in doubt again: the sum and the number of sends
    /// are the witness's. The quiet time counts from now, since a line of the witness is older than its send.
    fn adopt(&mut self, rows: Rows, mut order: Order, lines: u8, take: Take, wall: Wall) -> Decided {
        let found = Contradiction::StillHeldAfterSend { attempts: u32::from(lines) };
        journey::open_review(&mut order, &found, Cause::Look, wall.now());
        let mut decided = self.written(rows, Some(&order), None);
        let missed = lines - rows.sends;
        decided.rows.sends = lines;
        if self.fault == Some(Fault::AdoptForgetsTheDoubt) {
            return decided;
        }
        let known = rows.in_doubt();
        decided.rows.operation = Some(OperationRow {
            state: OperationState::InDoubt,
            attempt: known.map_or(0, |known| known.attempt) + missed,
            unknown_sends: known.map_or(0, |known| known.unknown_sends) + missed,
            expected: Some(take.units()),
            sent: Some(Stamp { long_ago: false, clock: wall.clock }),
            ..OperationRow::new(take)
        });
        decided
    }

    /// The rows as they stand once `order` and `operation` are written; what the schema would refuse is a bug here.
    fn written(&mut self, rows: Rows, order: Option<&Order>, operation: Option<&Operation>) -> Decided {
        if let Some(order) = order {
            assert!(order.state.is_end() || order.next_look_at.is_some(), "never looked at again: {order:?}");
            assert_eq!(order.state == State::Review, order.review.is_some());
            assert!(order.complete_at.is_none() || (order.state == State::Held && !order.parked));
        }
        let rows = Rows {
            order: order.map_or(rows.order, |order| self.codes.order_row(order)),
            operation: operation.map(OperationRow::of).or(rows.operation),
            ..rows
        };
        Decided { rows, send: false, order_written: order.is_some() }
    }
}

fn status(face: Option<Face>) -> StatusAnswer {
    match face {
        Some(face) => fixtures::known(face.real()),
        None => StatusAnswer::Unknown(fixtures::unknown(UnknownKind::Timeout)),
    }
}

fn someone() -> Cause {
    Cause::Operator("someone".to_owned())
}
