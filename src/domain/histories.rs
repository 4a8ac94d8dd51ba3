//! Random histories of answers, crashes and people's acts, driven through the pure functions as the shell drives them.
//!
//! The bank here says anything at all, true or not; what must hold of every history is asserted after every move. A
//! bank that tells the truth, and does whatever it is asked, stands in [`honest`].

mod honest;
mod strategies;

use std::time::Duration;

use proptest::prelude::*;

use super::acts;
use super::bank::{BankStatus, CompletionAnswer, StatusAnswer};
use super::completion::{self, AtDeadline};
use super::event::{Cause, NewEvent};
use super::fixtures::{self, NOW, amount};
use super::guard::Standing;
use super::holds;
use super::journey::{self, Policy};
use super::operation::{CompletionAmount, NewOperation, Operation, OperationKey, OperationKind, OperationState};
use super::order::{Order, OrderId, State};
use super::polling::{self, Jitter};
use super::review::{self, Way};
use super::time::Timestamp;
use strategies::{a_history, a_policy};

/// What happens next.
#[derive(Clone, Debug)]
enum Move {
    /// Whatever is due is done, at the moment it is due, and the bank says this.
    Due {
        answer: StatusAnswer,
        sent: Sent,
        jitter: u16,
    },
    /// The clock goes on.
    Pass(Duration),
    /// The clock on the wall is set, and the sweep that follows finds what it left behind.
    Set(Clock),
    Park,
    Release(Option<i64>),
    Resolve(Way),
}

/// Where a clock on the wall may be set to.
#[derive(Clone, Copy, Debug)]
enum Clock {
    On(Duration),
    Back(Duration),
    To(Timestamp),
}

/// What becomes of a completion that is sent, if one is.
#[derive(Clone, Debug)]
enum Sent {
    Answered(CompletionAnswer),
    /// The process ends, before the send or after it: the row is the same.
    Crashed,
}

/// The rows, as a store would keep them, and what was sent so far.
struct World {
    policy: Policy,
    now: Timestamp,
    order: Order,
    open: Option<Operation>,
    /// How many operations there were.
    operations: i64,
    /// Of the open operation: sends that may have reached the bank.
    may_have_left: u32,
    /// Of these, neither refused nor proven not sent.
    unknown: u32,
}

impl World {
    fn new(policy: Policy, order: Order) -> Self {
        Self { policy, now: NOW, order, open: None, operations: 0, may_have_left: 0, unknown: 0 }
    }

    fn perform(&mut self, next: Move) {
        match next {
            Move::Pass(while_) => self.now = self.now.plus(while_),
            Move::Set(clock) => self.set(clock),
            Move::Due { answer, sent, jitter } => self.due(&answer, &sent, Jitter::new(jitter)),
            Move::Park => {
                let parked = acts::park(&self.order, self.open.as_ref(), Some(&self.policy), someone());
                self.act(parked);
            }
            Move::Release(part) => {
                let part = part.map(amount);
                let released =
                    acts::release(&self.order, self.open.as_ref(), part, "", &self.policy, someone(), self.now);
                self.act(released);
            }
            Move::Resolve(way) => {
                let open = self.open.as_ref();
                let resolved = review::resolve(&self.order, open, way, "seen", &self.policy, someone(), self.now);
                self.act(resolved);
            }
        }
        self.rows_are_allowed();
        self.nothing_is_silent();
    }

    fn set(&mut self, clock: Clock) {
        self.now = match clock {
            Clock::On(step) => self.now.plus(step),
            Clock::Back(step) => self.now.minus(step),
            Clock::To(moment) => moment,
        };
        self.sweep();
    }

    /// As the watchman does it.
    fn sweep(&mut self) {
        let bound = polling::bound(&self.policy.looks, self.order.state);
        self.order.next_look_at =
            self.order.next_look_at.map(|at| if at > self.now.plus(bound) { self.now } else { at });
        if let Some(open) = &mut self.open
            && open.next_step_at > self.now.plus(self.policy.settle.bound())
        {
            open.next_step_at = self.now;
        }
        let lies_ahead = self.order.hold.is_some_and(|hold| holds::corrected(hold, self.now).is_some());
        if self.open.is_none()
            && lies_ahead
            && let Some((order, event)) = completion::planned_anew(&self.order, &self.policy, self.now)
        {
            let before = std::mem::replace(&mut self.order, order);
            self.journal_tells(&before, &[event]);
        }
    }

    /// Every order is at an end, or due no later than its state's bound, or in review and asked about: whatever the
    /// bank said, people did and clocks showed.
    fn nothing_is_silent(&self) {
        let order = &self.order;
        if let Some(open) = &self.open {
            let latest = self.now.plus(self.policy.settle.bound());
            assert!(open.next_step_at <= latest, "open, and not asked about for too long");
            return;
        }
        let latest = self.now.plus(polling::bound(&self.policy.looks, order.state));
        match order.next_look_at {
            Some(at) => assert!(at <= latest, "{} and not looked at for too long", order.state),
            None => assert!(order.state.is_end(), "{} and never looked at again", order.state),
        }
        if let Some(hold) = order.hold.filter(|_| order.state == State::Held) {
            let is_planned = order.complete_at.or(order.deadline_at).is_some();
            assert!(is_planned || holds::near_lapse(hold).is_accepted(order), "held, and nothing is planned for it");
            let is_in_time = order.deadline_at.is_none_or(|at| at < hold.lapses_at);
            assert!(is_in_time, "the policy acts only after the lapse");
        }
    }

    /// Does what is due first: a step of a completion, a completion's beginning, or a look.
    fn due(&mut self, answer: &StatusAnswer, sent: &Sent, jitter: Jitter) {
        if let Some(open) = self.open.clone() {
            self.now = self.now.max(open.next_step_at);
            self.step(&open, answer, sent, jitter);
        } else if let Some(at) = self.planned().filter(|at| self.order.next_look_at.is_none_or(|look| *at <= look)) {
            self.now = self.now.max(at);
            if self.order.complete_at.is_some() { self.intend() } else { self.deadline() }
        } else if let Some(at) = self.order.next_look_at {
            self.now = self.now.max(at);
            self.look(answer, jitter);
        }
    }

    fn planned(&self) -> Option<Timestamp> {
        self.order.complete_at.or(self.order.deadline_at)
    }

    fn deadline(&mut self) {
        let before = self.order.clone();
        match completion::at_deadline(&before, &self.policy, self.now) {
            Some(AtDeadline::Reverse(new, event)) => {
                assert!(!before.parked, "the policy overruled a person");
                self.open(new, event);
            }
            Some(AtDeadline::Review(order, event)) => {
                self.order = *order;
                self.journal_tells(&before, &[event]);
            }
            None => panic!("a deadline at which nothing happens"),
        }
    }

    fn intend(&mut self) {
        let (new, event) = completion::intend(&self.order, self.now);
        self.open(new, event);
    }

    fn open(&mut self, new: NewOperation, event: NewEvent) {
        let NewOperation { kind, amount, intended_at, ordered } = new;
        self.operations += 1;
        let key = OperationKey(self.operations);
        let fresh = fixtures::intended(amount);
        self.open = Some(Operation { key, kind, ordered, intended_at, next_step_at: intended_at, ..fresh });
        (self.may_have_left, self.unknown) = (0, 0);
        self.journal_tells(&self.order.clone(), &[event]);
    }

    fn look(&mut self, answer: &StatusAnswer, jitter: Jitter) {
        let before = self.order.clone();
        let looked = journey::after_look(&before, answer, &self.policy, self.now, jitter);
        self.order = looked.order;
        self.journal_tells(&before, &looked.events);
        self.is_looked_at_again();
        if !matches!(answer, StatusAnswer::Known(_)) {
            assert_eq!(self.order.state, before.state, "an answer that tells nothing changed the state");
            assert_eq!(self.order.view, before.view, "an answer that tells nothing replaced the bank's word");
        }
    }

    fn step(&mut self, open: &Operation, answer: &StatusAnswer, sent: &Sent, jitter: Jitter) {
        let before = self.order.clone();
        let asked = completion::after_ask(&before, open, answer, &Standing::default(), &self.policy, self.now, jitter);
        self.order = asked.order.clone();
        self.journal_tells(&before, &asked.events);
        self.is_looked_at_again();
        assert_eq!((asked.operation.kind, asked.operation.amount), (open.kind, open.amount), "another operation");
        if !matches!(answer, StatusAnswer::Known(_)) {
            assert_eq!(self.order.state, before.state, "an answer that tells nothing changed the state");
            assert_eq!(asked.operation.state, open.state, "an answer that tells nothing changed the operation");
        }
        if asked.operation.state == OperationState::Confirmed {
            match open.kind {
                OperationKind::Completion => {
                    assert_eq!(deposited(answer), open.expected_minor, "confirmed without a read that shows it");
                }
                OperationKind::Reversal => assert_eq!(deposited(answer).unwrap_or(0), 0, "reversed, and yet taken"),
                OperationKind::Refund | OperationKind::Decline => panic!("nobody here orders one"),
            }
            assert!(open.attempt > 0, "confirmed, and never sent");
        }
        if asked.send {
            self.send_is_allowed(&before, open, &asked.operation, answer);
        } else {
            assert_eq!(asked.operation.attempt, open.attempt, "an attempt was counted and nothing sent");
        }
        self.open = Some(asked.operation).filter(|operation| operation.state.is_open());
        if asked.send {
            self.answered(sent);
        }
        self.is_asked_again();
    }

    fn send_is_allowed(&self, before: &Order, open: &Operation, written: &Operation, answer: &StatusAnswer) {
        for order in [before, &self.order] {
            assert_eq!(order.state, State::Held, "sent for an order that is not held");
            assert!(!order.parked, "sent for a parked order");
        }
        let earlier = before.view.as_ref().map(|seen| (seen.view.status, seen.view.amounts));
        let StatusAnswer::Known(view) = answer else { panic!("sent without a read") };
        if self.may_have_left == 0 {
            assert_eq!(earlier, Some((view.status, view.amounts)), "sent on one read alone");
        }
        assert!(before.order_id.is_some(), "written in doubt, and nothing can be sent without an id");
        assert_eq!((written.state, written.attempt), (OperationState::InDoubt, open.attempt + 1));
        assert_eq!(written.sent_at, Some(self.now));
        let amounts = view.amounts.unwrap();
        assert_eq!((view.status, amounts.deposited, amounts.refunded), (BankStatus::Held, 0, 0));
        let intended = written.expected_minor.unwrap();
        assert!(intended <= amounts.approved && intended <= self.order.amount.minor(), "more than is held");
        if self.may_have_left > 0 {
            assert!(self.policy.settle.resend_whole && open.amount == CompletionAmount::Whole, "a part was sent twice");
            assert!(self.now >= open.quiet_at(self.policy.settle.quiet).unwrap(), "sent again too soon");
            assert_eq!(written.expected_minor, open.expected_minor, "another sum than at the first send");
        }
    }

    fn answered(&mut self, sent: &Sent) {
        self.may_have_left += 1;
        self.unknown += 1;
        assert_eq!(self.open.as_ref().map(|open| open.unknown_sends), Some(self.unknown), "a send was not counted");
        assert!(self.may_have_left <= self.policy.settle.attempts_max, "sent too often");
        let Sent::Answered(answer) = sent else { return };
        let open = self.open.clone().unwrap();
        let (next, event) = completion::after_answer(&self.order, &open, answer, &self.policy, self.now);
        assert!(next.state.is_open(), "an answer settled what only a read may settle");
        assert_eq!(next.attempt, open.attempt);
        match answer {
            CompletionAnswer::NotSent(_) => self.may_have_left -= 1,
            CompletionAnswer::Acknowledged
            | CompletionAnswer::Itemised(_)
            | CompletionAnswer::Refused(_)
            | CompletionAnswer::Unknown(_) => {
                assert_eq!(next.state, OperationState::InDoubt);
            }
        }
        if matches!(answer, CompletionAnswer::NotSent(_) | CompletionAnswer::Refused(_)) {
            self.unknown -= 1;
        }
        assert_eq!(next.unknown_sends, self.unknown, "a send of unknown outcome was forgotten");
        self.open = Some(next);
        self.journal_tells(&self.order.clone(), &[event]);
    }

    fn act<E>(&mut self, act: Result<acts::Act, E>) {
        let Ok(act) = act else { return };
        let before = std::mem::replace(&mut self.order, act.order);
        self.journal_tells(&before, &[act.event]);
        if let Some(operation) = act.operation {
            let open = self.open.clone().unwrap();
            assert!(!operation.state.is_open());
            let taken_back = operation.state == OperationState::Withdrawn;
            assert!(!taken_back || open.state == OperationState::Intended, "what was sent was taken back");
            self.open = None;
        }
    }

    /// Every change of state is told, in the order in which it happened.
    fn journal_tells(&self, before: &Order, events: &[NewEvent]) {
        let mut state = before.state;
        for event in events {
            assert_eq!(event.before, state, "the journal's chain is broken at {event:?}");
            state = event.after;
        }
        assert_eq!(state, self.order.state, "a change that the journal does not tell");
    }

    /// Nothing is silent: an order that is not at an end is looked at within its bound, one at an end on its late days.
    fn is_looked_at_again(&self) {
        let looks = &self.policy.looks;
        let longest = polling::bound(looks, self.order.state);
        if let Some(at) = self.order.next_look_at {
            assert!(at > self.now, "a look in the past");
            assert!(at <= self.now.plus(longest), "{} is not looked at for too long", self.order.state);
        } else {
            assert!(self.order.state.is_end(), "{} and never looked at again", self.order.state);
            let last = looks.late.last().map(|last| self.order.state_since.plus(*last));
            assert!(last.is_none_or(|last| self.now >= last), "a late look was left out");
        }
    }

    fn is_asked_again(&self) {
        let longest = self.policy.settle.bound();
        if let Some(open) = &self.open {
            assert!(open.next_step_at <= self.now.plus(longest), "in doubt, and not asked about for too long");
        }
    }

    /// What the schema's CHECKs demand: a row that breaks one could not be written, and its order would stand still.
    fn rows_are_allowed(&self) {
        let order = &self.order;
        assert!(order.state.is_end() || order.next_look_at.is_some());
        assert_eq!(order.state == State::Review, order.review.is_some());
        assert_eq!(order.state == State::Review, order.before_review.is_some());
        assert!(order.state != State::Held || order.hold.is_some());
        assert!(order.complete_at.is_none() || (order.state == State::Held && !order.parked));
        assert!(order.deadline_at.is_none() || (order.state == State::Held && order.complete_at.is_none()));
        let Some(open) = &self.open else { return };
        assert_eq!(open.attempt == 0, open.sent_at.is_none());
        assert!(open.attempt == 0 || open.expected_minor.is_some_and(|minor| minor > 0));
        assert!(open.unknown_sends <= open.attempt);
        match open.state {
            OperationState::Intended => assert_eq!(open.unknown_sends, 0),
            _ => assert!(open.attempt > 0),
        }
    }
}

fn someone() -> Cause {
    Cause::Operator("someone".to_owned())
}

fn deposited(answer: &StatusAnswer) -> Option<i64> {
    match answer {
        StatusAnswer::Known(view) => view.amounts.map(|amounts| amounts.deposited),
        StatusAnswer::Refused(_) | StatusAnswer::Unknown(_) => None,
    }
}

/// An order as the shop hands it in.
fn entered(completion: CompletionAmount, order_id: Option<OrderId>) -> Order {
    Order { completion, order_id, created_at: NOW, state_since: NOW, ..fixtures::order(State::Pending) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_bank_says_and_people_do_the_rules_hold(
        policy in a_policy(),
        (part, has_id) in (proptest::option::of(1..=fixtures::PRICE), any::<bool>()),
        history in a_history(),
    ) {
        let completion = part.map_or(CompletionAmount::Whole, fixtures::part);
        let mut world = World::new(policy, entered(completion, has_id.then(|| fixtures::order_id("id-1"))));
        for next in history {
            world.perform(next);
        }
    }
}
