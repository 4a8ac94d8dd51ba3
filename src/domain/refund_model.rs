//! Refunds, explored: every order in which reads, sends, crashes, a wire that delays and loses, clerks, people and the
//! quiet time can meet over one order of which ten units were taken.
//!
//! The decisions are the real ones. What the shell does around them (the lock, the commit before the first byte, the
//! version, the witness) is the same for every kind of operation, and [`protocol_model`](super::protocol_model)
//! explores it. Assumed here as there: the quiet time, where a setting does not do without it; one late read of each
//! change, where a setting does not allow for a bank that lags (then a read that is not older than our book may still
//! be late, and what a clerk or a person does on such a read is left out); and a
//! bank that gives back no more than was taken, though it carries out one refund twice if it is asked twice.

mod explore;

use std::collections::{HashSet, VecDeque};

use super::bank::{BankStatus, CompletionAnswer, StatusAnswer, UnknownKind};
use super::booked::{Booked, Entry};
use super::completion;
use super::event::Cause;
use super::fixtures::{self, HOUR, NOW, PRICE};
use super::guard::Standing;
use super::journey::{self, Policy};
use super::lifecycle::Contradiction;
use super::operation::{CompletionAmount, Operation, OperationKey, OperationKind, OperationState};
use super::order::{Order, ReviewReason, SeenView, State};
use super::polling::Jitter;
use super::review::{self, Way};
use super::verbs::{self, Verb};

/// What was taken, in units of which a clerk gives back three and a person wants four.
const TAKEN: u8 = 10;
const CLERKS: u8 = 3;
const PART: u8 = 4;
const UNIT: i64 = PRICE / TAKEN as i64;

#[derive(Clone, Copy, Debug)]
struct Setting {
    name: &'static str,
    /// `None` is all that is left.
    sum: Option<u8>,
    /// Whether the bank tells refunds apart by our id, and whether we are told that it does.
    bank_has_tools: bool,
    we_use_tools: bool,
    slow: Slow,
    left: Left,
}

/// What may be slow at the bank beyond what is assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slow {
    Nothing,
    /// A request may take effect even after the quiet time.
    Effects,
    /// It may answer as it stood before its latest change any number of times, and not once.
    Answers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Left {
    orders: u8,
    accepts: u8,
    clerks: u8,
    quiets: u8,
    crashes: u8,
    /// Connections that fail before a byte has left.
    unreachable: u8,
}

/// A rule left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// "Nothing given back" is taken for "never sent".
    AbsenceSettles,
    /// Whatever was given back confirms.
    AnyGrowthConfirms,
    /// What a refund is measured from is read anew at every question.
    MeasuredAnew,
    /// A second refund is ordered beside one that is open.
    TwoAtOnce,
    /// A part is sent again though the bank does not tell refunds apart.
    SendsAPartAgain,
    /// A time-out is taken for "nothing left".
    TimeoutIsNotSent,
    /// Two reads that agree are believed, though they show less given back than our book is certain of.
    BelievesOlderReads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    /// One refund was carried out twice.
    Twice,
    /// More went back at our word than people wanted.
    MoreThanWanted,
    /// Confirmed, and not carried out.
    ConfirmedFalsely,
    /// Denied, and carried out.
    DeniedFalsely,
}

const ALL: [Property; 4] =
    [Property::Twice, Property::MoreThanWanted, Property::ConfirmedFalsely, Property::DeniedFalsely];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct World {
    /// What the bank gave back, what it showed before, and whether it has answered with that since.
    refunded: u8,
    before: u8,
    was_late: bool,
    /// Requests that have left, each with its operation.
    wire: [Option<(u8, u8)>; 2],
    /// How often each operation was carried out, and what went back at our word.
    effects: [u8; 3],
    ours: u8,
    wanted: u8,
    order: OrderRow,
    operations: [Option<OperationRow>; 3],
    /// The intent is on disk by this process's own commit, and nothing has left; or it waits for the answer.
    errand: Option<Errand>,
    left: Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Errand {
    Written,
    /// For the answer to the request at this place of the wire.
    Waiting(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OrderRow {
    state: State,
    /// What the stored view shows given back, and whether the quiet time has passed since.
    seen: u8,
    seen_long_ago: bool,
    parked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OperationRow {
    state: OperationState,
    attempt: u8,
    unknown: u8,
    expected: Option<u8>,
    measured_from: Option<u8>,
    /// Whether the quiet time has passed since.
    sent: Option<bool>,
    answered: Option<bool>,
    agreeing: u8,
}

impl World {
    fn new(setting: &Setting) -> Self {
        let order = OrderRow { state: State::Deposited, seen: 0, seen_long_ago: true, parked: false };
        Self {
            refunded: 0,
            before: 0,
            was_late: true,
            wire: [None; 2],
            effects: [0; 3],
            ours: 0,
            wanted: 0,
            order,
            operations: [None; 3],
            errand: None,
            left: setting.left,
        }
    }

    /// The latest operation: no other is ever open.
    fn latest(&self) -> Option<usize> {
        self.operations.iter().rposition(Option::is_some)
    }

    fn open(&self) -> Option<(usize, OperationRow)> {
        let at = self.latest()?;
        self.operations[at].filter(|row| row.state.is_open()).map(|row| (at, row))
    }

    fn shows(&mut self, refunded: u8) {
        (self.before, self.refunded, self.was_late) = (self.refunded, refunded, false);
    }

    fn broken(&self) -> Option<Property> {
        let rows = || self.operations.iter().zip(self.effects).filter_map(|(row, effects)| Some(((*row)?, effects)));
        let denied = |state| matches!(state, OperationState::Refused | OperationState::Withdrawn);
        [
            (Property::Twice, self.effects.iter().any(|effects| *effects > 1)),
            (Property::MoreThanWanted, self.ours > self.wanted),
            (
                Property::ConfirmedFalsely,
                rows().any(|(row, effects)| row.state == OperationState::Confirmed && effects == 0),
            ),
            (Property::DeniedFalsely, rows().any(|(row, effects)| denied(row.state) && effects > 0)),
        ]
        .into_iter()
        .find_map(|(property, broken)| broken.then_some(property))
    }
}

/// Asks the real decisions.
struct Desk<'a> {
    setting: &'a Setting,
    fault: Option<Fault>,
    policy: Policy,
}

impl<'a> Desk<'a> {
    fn new(setting: &'a Setting, fault: Option<Fault>) -> Self {
        let mut policy = fixtures::policy();
        policy.settle.refund_tools = setting.we_use_tools || fault == Some(Fault::SendsAPartAgain);
        policy.settle.attempts_max = 2;
        Self { setting, fault, policy }
    }

    fn order(row: OrderRow) -> Order {
        let view = view(row.seen);
        let found = Contradiction::RefundedAnotherAmount { intended: 1, refunded: 2 };
        let reason = ReviewReason { code: found.code(), sentence: String::new() };
        Order {
            parked: row.parked,
            view: Some(SeenView { view, seen_at: if row.seen_long_ago { NOW.minus(HOUR * 2) } else { NOW } }),
            review: (row.state == State::Review).then_some(reason),
            before_review: (row.state == State::Review).then_some(State::Deposited),
            ..fixtures::order(row.state)
        }
    }

    fn order_row(order: &Order) -> OrderRow {
        let seen = order.view.as_ref().unwrap();
        OrderRow {
            state: order.state,
            seen: units(seen.view.amounts.unwrap().refunded),
            seen_long_ago: seen.seen_at != NOW,
            parked: order.parked,
        }
    }

    fn amount(&self) -> CompletionAmount {
        self.setting.sum.map_or(CompletionAmount::Whole, |sum| fixtures::part(i64::from(sum) * UNIT))
    }

    fn operation(&self, at: usize, row: &OperationRow) -> Operation {
        let stamp = |long_ago: bool| if long_ago { NOW.minus(HOUR) } else { NOW };
        Operation {
            key: OperationKey(i64::try_from(at).unwrap()),
            kind: OperationKind::Refund,
            ordered: true,
            state: row.state,
            attempt: row.attempt.into(),
            unknown_sends: row.unknown.into(),
            expected_minor: row.expected.map(|units| i64::from(units) * UNIT),
            refunded_before: row.measured_from.map(|units| i64::from(units) * UNIT),
            sent_at: row.sent.map(stamp),
            answered_at: row.answered.map(stamp),
            agreeing_reads: row.agreeing.into(),
            // As often as it takes to call a person.
            asks: 20,
            ..fixtures::intended(self.amount())
        }
    }

    /// A question and its answer, written down. Whether it is to be sent.
    fn asked(&self, world: &mut World, answer: Option<u8>) -> bool {
        if self.fault == Some(Fault::BelievesOlderReads) && answer.is_some_and(|answer| answer < world.order.seen) {
            world.order.seen = answer.unwrap_or_default();
            return false;
        }
        let Some((at, row)) = world.open() else {
            let (before, heard) = (Self::order(world.order), status(answer));
            let looked = journey::after_look(&before, &heard, &self.policy, NOW, Jitter::new(500));
            world.order = Self::order_row(&looked.order);
            return false;
        };
        let mut open = self.operation(at, &row);
        self.misread(&mut open, answer);
        let order = Self::order(world.order);
        let heard = status(answer);
        let standing = Standing { booked: self.booked(world), ..Standing::default() };
        let asked = completion::after_ask(&order, &open, &heard, &standing, &self.policy, NOW, Jitter::new(500));
        world.order = Self::order_row(&asked.order);
        world.operations[at] = Some(row_of(&asked.operation));
        asked.send
    }

    fn booked(&self, world: &World) -> Booked {
        let all = world.operations.iter().enumerate().filter_map(|(at, row)| Some(self.operation(at, row.as_ref()?)));
        let forgets = self.fault == Some(Fault::BelievesOlderReads);
        all.filter(|_| !forgets).fold(Booked::default(), |booked, operation| booked.and(Entry::of(&operation)))
    }

    fn misread(&self, open: &mut Operation, answer: Option<u8>) {
        let Some(answer) = answer.filter(|_| open.state == OperationState::InDoubt) else { return };
        let shown = i64::from(answer) * UNIT;
        match self.fault {
            Some(Fault::AbsenceSettles) if open.refunded_before == Some(shown) => {
                (open.state, open.unknown_sends) = (OperationState::Intended, 0);
            }
            Some(Fault::AnyGrowthConfirms) if open.refunded_before < Some(shown) => {
                open.expected_minor = open.refunded_before.map(|before| shown - before);
            }
            Some(Fault::MeasuredAnew) => open.refunded_before = Some(shown),
            _ => {}
        }
    }

    fn answered(&self, world: &mut World, answer: &CompletionAnswer) {
        let Some((at, row)) = world.open().filter(|(_, row)| row.state == OperationState::InDoubt) else { return };
        let order = Self::order(world.order);
        let not_sent = CompletionAnswer::NotSent(fixtures::unknown(UnknownKind::Unreachable));
        let misread = self.fault == Some(Fault::TimeoutIsNotSent) && matches!(answer, CompletionAnswer::Unknown(_));
        let answer = if misread { &not_sent } else { answer };
        let (next, _) = completion::after_answer(&order, &self.operation(at, &row), answer, &self.policy, NOW);
        world.operations[at] = Some(row_of(&next));
    }

    /// A person orders a refund.
    fn orders(&self, world: &World) -> Option<World> {
        let at = world.latest().map_or(0, |at| at + 1);
        let left = Left { orders: world.left.orders.checked_sub(1)?, ..world.left };
        if at >= world.operations.len() {
            return None;
        }
        let open = world.open().map(|(at, row)| self.operation(at, &row));
        let seen = open.as_ref().filter(|_| self.fault != Some(Fault::TwoAtOnce));
        let verb = Verb::Refund(self.setting.sum.map(|sum| fixtures::amount(i64::from(sum) * UNIT)));
        let act =
            verbs::order_verb(&Self::order(world.order), seen, verb, "asked", &self.policy, someone(), NOW).ok()?;
        let new = act.opens?;
        let mut then = World { left, ..*world };
        // Beside one that was open the mutant forgets that one, and so would a table without its index.
        let fresh = Operation { kind: new.kind, ordered: new.ordered, ..fixtures::intended(new.amount) };
        then.operations[at] = Some(row_of(&fresh));
        then.wanted = match self.setting.sum {
            // A refund that is known not to have happened may be ordered anew, and is not wanted twice.
            Some(sum) => then.ours_of_those_that_count() + sum,
            None => TAKEN,
        };
        Some(then)
    }

    /// A person takes the bank's view as true.
    fn accepts(&self, world: &World) -> Option<World> {
        let left = Left { accepts: world.left.accepts.checked_sub(1)?, ..world.left };
        let open = world.open().map(|(at, row)| (at, self.operation(at, &row)));
        let order = Self::order(world.order);
        let operation = open.as_ref().map(|(_, operation)| operation);
        let act = review::resolve(&order, operation, Way::Bank, "seen", &self.policy, someone(), NOW).ok()?;
        let mut then = World { left, order: Self::order_row(&act.order), ..*world };
        if let (Some((at, _)), Some(operation)) = (open, act.operation) {
            then.operations[at] = Some(row_of(&operation));
        }
        Some(then)
    }

    fn steps(&self, world: &World) -> Vec<(&'static str, World)> {
        let mut next: Vec<(&'static str, World)> = Vec::new();
        let mut push = |step, act: &dyn Fn(&mut World)| {
            let mut then = *world;
            act(&mut then);
            next.push((step, then));
        };
        match world.errand {
            None => {
                let stale = Some(world.before).filter(|_| self.setting.slow == Slow::Answers || !world.was_late);
                for (step, answer) in [("reads the truth", Some(world.refunded)), ("reads what was", stale)] {
                    let Some(answer) = answer else { continue };
                    push(step, &|then| {
                        then.was_late |= step == "reads what was";
                        if self.asked(then, Some(answer)) {
                            then.errand = Some(Errand::Written);
                        }
                    });
                }
            }
            Some(Errand::Written) => {
                if let (Some(place), Some((at, row))) = (world.wire.iter().position(Option::is_none), world.open()) {
                    let request = Some((u8::try_from(at).unwrap(), row.expected.unwrap()));
                    push("sends", &|then| (then.wire[place], then.errand) = (request, Some(Errand::Waiting(place))));
                }
                let unreachable = world.left.unreachable.checked_sub(1);
                let mut push_if = |left: Option<u8>, step, act: &dyn Fn(&mut World, u8)| {
                    if let Some(left) = left {
                        push(step, &|then| act(then, left));
                    }
                };
                push_if(unreachable, "cannot connect", &|then, left| {
                    (then.errand, then.left.unreachable) = (None, left);
                    let unreachable = fixtures::unknown(UnknownKind::Unreachable);
                    self.answered(then, &CompletionAnswer::NotSent(unreachable));
                });
            }
            Some(Errand::Waiting(_)) => push("hears nothing", &|then| {
                then.errand = None;
                self.answered(then, &CompletionAnswer::Unknown(fixtures::unknown(UnknownKind::Timeout)));
            }),
        }
        if let Some(crashes) = world.left.crashes.checked_sub(1).filter(|_| world.errand.is_some()) {
            push("crashes", &|then| (then.errand, then.left.crashes) = (None, crashes));
        }
        for (place, request) in world.wire.iter().enumerate() {
            let Some((at, sum)) = *request else { continue };
            push("the request is lost", &|then| then.wire[place] = None);
            push("the request takes effect", &|then| {
                then.wire[place] = None;
                let known = self.setting.bank_has_tools && then.effects[usize::from(at)] > 0;
                if !known && then.refunded + sum <= TAKEN {
                    then.effects[usize::from(at)] += 1;
                    then.ours += sum;
                    then.shows(then.refunded + sum);
                }
                if then.errand == Some(Errand::Waiting(place)) {
                    then.errand = None;
                    self.answered(then, &CompletionAnswer::Acknowledged);
                }
            });
            push("the request is refused", &|then| {
                then.wire[place] = None;
                if then.errand == Some(Errand::Waiting(place)) {
                    then.errand = None;
                    self.answered(then, &CompletionAnswer::Refused(fixtures::refusal(5)));
                }
            });
        }
        let may_be_quiet = self.setting.slow == Slow::Effects || world.wire.iter().all(Option::is_none);
        if let Some(quiets) = world.left.quiets.checked_sub(1).filter(|_| may_be_quiet && world.errand.is_none()) {
            push("it is quiet", &|then| {
                (then.left.quiets, then.order.seen_long_ago) = (quiets, true);
                for row in then.operations.iter_mut().flatten() {
                    (row.sent, row.answered) = (row.sent.map(|_| true), row.answered.map(|_| true));
                }
            });
        }
        if let Some(clerks) = world.left.clerks.checked_sub(1).filter(|_| world.refunded + CLERKS <= TAKEN) {
            push("a clerk gives something back", &|then| {
                then.left.clerks = clerks;
                then.shows(then.refunded + CLERKS);
            });
        }
        if world.errand.is_none() {
            next.extend(self.orders(world).map(|then| ("a refund is ordered", then)));
            next.extend(self.accepts(world).map(|then| ("a person takes the bank's word", then)));
        }
        next
    }
}

impl World {
    /// What went back by refunds that are not denied, or may have.
    fn ours_of_those_that_count(&self) -> u8 {
        let counts = |row: &OperationRow| !matches!(row.state, OperationState::Refused | OperationState::Withdrawn);
        let sums = self.operations.iter().flatten().filter(|row| counts(row)).filter_map(|row| row.expected);
        sums.sum()
    }
}

fn row_of(operation: &Operation) -> OperationRow {
    let small = |count: u32| u8::try_from(count).unwrap();
    OperationRow {
        state: operation.state,
        attempt: small(operation.attempt),
        unknown: small(operation.unknown_sends),
        expected: operation.expected_minor.map(units),
        measured_from: operation.refunded_before.map(units),
        sent: operation.sent_at.map(|at| at != NOW),
        answered: operation.answered_at.map(|at| at != NOW),
        agreeing: small(operation.agreeing_reads),
    }
}

fn units(minor: i64) -> u8 {
    u8::try_from(minor / UNIT).unwrap()
}

fn view(refunded: u8) -> super::bank::BankView {
    let status = if refunded == 0 { BankStatus::Deposited } else { BankStatus::Refunded };
    fixtures::view(status, [PRICE, PRICE, i64::from(refunded) * UNIT])
}

fn status(refunded: Option<u8>) -> StatusAnswer {
    let nothing = || StatusAnswer::Unknown(fixtures::unknown(UnknownKind::Timeout));
    refunded.map_or_else(nothing, |refunded| fixtures::known(view(refunded)))
}

fn someone() -> Cause {
    Cause::Operator("someone".to_owned())
}
