//! A completion's rows, and a reversal's: what is written before and after each step of its journey.
//!
//! [`operation::after_read`] decides the step; here it becomes rows and events. The order of writes is the safety: the
//! row is `in_doubt`, and synced, before the first byte leaves, and whoever holds the result of [`after_ask`] may send
//! only after that commit succeeded.

use super::bank::{self, CompletionAnswer, StatusAnswer};
use super::booked;
use super::event::{Cause, EventKind, NewEvent, Stage};
use super::guard::{self, Held, NewStop, Standing};
use super::holds::{self, DeadlineAct, Plan};
use super::journey::{self, LookOutcome, Policy};
use super::lifecycle::{self, Contradiction};
use super::money::for_people;
use super::operation::{
    self, ASK_IN_PEACE, CompletionAmount, NewOperation, Operation, OperationKind, OperationState, SettlePolicy, Step,
};
use super::order::{Order, SeenView, State};
use super::polling::{self, Jitter};
use super::time::Timestamp;
use super::timekeeping;

/// The row of a held order that changed settings, or a clock that was set right, give another plan; `None` when it
/// stays as it was planned.
pub fn planned_anew(order: &Order, policy: &Policy, now: Timestamp) -> Option<(Order, NewEvent)> {
    let hold = order.hold.filter(|_| order.state == State::Held)?;
    let believed = holds::believed_again(hold, order, now);
    let corrected = holds::corrected(hold, now);
    let held_at_first = match (believed, corrected) {
        (Some(_), _) => None,
        (None, Some(_)) => order.held_at_first.or(Some(hold.held_at)),
        (None, None) => order.held_at_first,
    };
    let hold =
        holds::counted_anew(&policy.holds, believed.or(corrected).unwrap_or(hold), order.payment_system.as_ref());
    let Plan { complete_at, deadline_at } = holds::plan(&policy.holds, &policy.schedule, &policy.zone, order, hold);
    let mut next = Order { held_at_first, complete_at, deadline_at, ..order.clone() };
    let moved = journey::set_hold(&mut next, hold, &policy.holds, now);
    if next == *order {
        return None;
    }
    let time = |at| policy.zone.for_people(at);
    let planned = match (complete_at, deadline_at) {
        (Some(at), _) => format!("its completion is due at {}", time(at)),
        (None, Some(at)) => format!("nothing completes it before {}", time(at)),
        (None, None) => "it waits for its release".to_owned(),
    };
    let (kind, words) = match (corrected, moved) {
        _ if believed.is_some() => {
            let words = format!("the clock has come to {} again, when the hold was first seen; ", time(hold.held_at));
            (EventKind::DeadlineChanged, words)
        }
        (Some(_), _) => (EventKind::DeadlineChanged, "the hold lay in the future, and counts from now; ".to_owned()),
        (None, true) => {
            let words = format!("the merchant's settings let the hold lapse at {}; ", time(hold.lapses_at));
            (EventKind::DeadlineChanged, words)
        }
        (None, false) => (EventKind::Rescheduled, "by the merchant's settings ".to_owned()),
    };
    let event = of_order(order, kind, Cause::Schedule, words + &planned);
    Some((next, event))
}

/// What is written when the deadline of a hold has come that nothing completes in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtDeadline {
    /// A reversal is opened.
    Reverse(NewOperation, NewEvent),
    /// The order's row, in review.
    Review(Box<Order>, NewEvent),
}

/// What becomes of `order` at its deadline; `None` before it, and for an order that has none.
pub fn at_deadline(order: &Order, policy: &Policy, now: Timestamp) -> Option<AtDeadline> {
    let hold = order.hold.filter(|_| order.state == State::Held)?;
    order.deadline_at.filter(|at| *at <= now)?;
    match holds::at_deadline(&policy.holds, order) {
        DeadlineAct::Reverse => {
            let words = format!("the hold lapses at {}; its reversal is due", policy.zone.for_people(hold.lapses_at));
            let event = of_order(order, EventKind::ReversalIntended, Cause::Schedule, words);
            let amount = CompletionAmount::Whole;
            let kind = OperationKind::Reversal;
            Some(AtDeadline::Reverse(NewOperation { kind, amount, intended_at: now, ordered: false }, event))
        }
        DeadlineAct::Review => {
            let mut next = order.clone();
            let event = journey::open_review(&mut next, &holds::near_lapse(hold), Cause::Schedule, now)?;
            // A person needs the bank's latest word, and a held order's look may be later than a review's bound.
            next.next_look_at = Some(now);
            Some(AtDeadline::Review(Box::new(next), event))
        }
    }
}

/// A completion that became due: its row, and the event.
pub fn intend(order: &Order, now: Timestamp) -> (NewOperation, NewEvent) {
    let words = match order.completion {
        CompletionAmount::Whole => "a completion of the whole hold is due".to_owned(),
        CompletionAmount::Exactly(amount) => {
            format!("a completion of {} is due", for_people(amount.minor(), order.currency))
        }
    };
    let event = of_order(order, EventKind::CompletionIntended, Cause::Schedule, words);
    let kind = OperationKind::Completion;
    (NewOperation { kind, amount: order.completion, intended_at: now, ordered: false }, event)
}

/// What asking the bank made of an open operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The order's row to write.
    pub order: Order,
    /// The operation's row to write.
    pub operation: Operation,
    /// The events to write with them.
    pub events: Vec<NewEvent>,
    /// What kind of look the question was, for the metrics.
    pub outcome: LookOutcome,
    /// Whether the operation is to be sent once these rows are committed.
    pub send: bool,
    /// Why it is not, although everything else speaks for it.
    pub held: Option<Held>,
    /// The stop to write with them: the brake.
    pub brake: Option<NewStop>,
}

/// What the bank's answer makes of an open operation and its order, with the money as it is `standing`.
pub fn after_ask(
    order: &Order,
    operation: &Operation,
    answer: &StatusAnswer,
    standing: &Standing,
    policy: &Policy,
    now: Timestamp,
    jitter: Jitter,
) -> Asked {
    let mut looked = journey::after_look(order, answer, policy, now, jitter);
    let hidden = timekeeping::first_seen_in_doubt(order.state, looked.order.state, standing.clock);
    let answer = hidden.as_ref().unwrap_or(answer);
    if hidden.is_some() {
        // The order whose decline somebody wants may be found paid instead.
        looked = journey::after_look(order, answer, policy, now, jitter);
    }
    let older = booked::older(order, answer, &standing.booked);
    if let Some(view) = older {
        looked = journey::after_older_look(order, view, policy, now, jitter);
    }
    let step = operation::after_read(operation, order, answer, &standing.booked, &policy.settle, now);
    let mut asked = Asked {
        order: looked.order,
        operation: Operation { asks: operation.asks.saturating_add(1), ..operation.clone() },
        events: looked.events,
        outcome: looked.outcome,
        send: false,
        held: None,
        brake: tripped(order, operation, answer, &step, policy),
    };
    perform(&mut asked, step, standing, policy, now);
    if let Some(view) = older.filter(|_| order.state != State::Review && asked.order.state == State::Review) {
        // It has gone on for too long, and is what the person who decides has to see.
        asked.order.view = Some(SeenView { view: view.clone(), seen_at: now });
    }
    // A review opened above counts from now: its bound is the review's, not the held order's.
    asked.order.next_look_at =
        polling::next_look(&policy.looks, &asked.order, now, jitter).or(asked.order.next_look_at);
    asked
}

fn perform(asked: &mut Asked, step: Step, standing: &Standing, policy: &Policy, now: Timestamp) {
    let kind = asked.operation.kind;
    match step {
        Step::Send { expected_minor } => {
            let taken_minor = taken_minor(kind, expected_minor);
            match guard::may_send(&policy.guard, standing, taken_minor, asked.order.currency) {
                Ok(()) => begin_send(asked, expected_minor, now),
                Err(held) => {
                    asked.operation = put_off(&asked.order, &asked.operation, &held, &policy.settle, now);
                    asked.held = Some(held);
                }
            }
        }
        Step::Confirm { moved_minor } => {
            let sum = for_people(moved_minor, asked.order.currency);
            let words = match kind {
                OperationKind::Completion => format!("the bank shows {sum} deposited, as intended"),
                OperationKind::Reversal => format!("the bank let {sum} go, as intended"),
                OperationKind::Refund => format!("the bank shows {sum} more given back, as intended"),
                OperationKind::Decline => "the bank shows it closed, and nobody has paid, as intended".to_owned(),
            };
            close(asked, OperationState::Confirmed, Stage::Confirmed, words, now);
            undone(asked, policy, now);
        }
        Step::Settle { state: OperationState::Withdrawn, why } => {
            close(asked, OperationState::Withdrawn, Stage::Withdrawn, why, now);
            undone(asked, policy, now);
        }
        Step::Settle { state, why } => {
            close(asked, state, Stage::Refused, why, now);
            undone(asked, policy, now);
        }
        Step::RefusedByBank { why } => {
            close(asked, OperationState::Refused, Stage::Refused, why.clone(), now);
            let found = match kind {
                OperationKind::Completion | OperationKind::Decline => Contradiction::CompletionRefused { why },
                OperationKind::Reversal => Contradiction::ReversalRefused { why },
                OperationKind::Refund => Contradiction::RefundRefused { why },
            };
            review(asked, &found, now);
        }
        Step::Contradict(found) => {
            let words = found.reason(&asked.order).sentence;
            close(asked, OperationState::Contradicted, Stage::Contradicted, words, now);
            review(asked, &found, now);
        }
        Step::Escalate(found) => escalate(asked, &found, &policy.settle, now),
        Step::AskAgain { at, agreeing_reads, why } => {
            asked.operation.next_step_at = at;
            asked.operation.agreeing_reads = agreeing_reads;
            // The bank's word of a refusal is what a person will want to read, whatever the questions after it met.
            if !is_refused(&asked.operation) {
                asked.operation.note = Some(why);
            }
        }
    }
}

/// The brake, when the answer contradicts our book or our completion after a send.
fn tripped(
    order: &Order,
    operation: &Operation,
    answer: &StatusAnswer,
    step: &Step,
    policy: &Policy,
) -> Option<NewStop> {
    let of_step = match step {
        Step::Contradict(found) | Step::Escalate(found) => Some(found.clone()),
        _ => None,
    };
    let of_view = match answer {
        StatusAnswer::Known(view) => lifecycle::contradiction(order, view),
        StatusAnswer::Refused(_) | StatusAnswer::Unknown(_) => None,
    };
    let was_sent = operation.state == OperationState::InDoubt;
    let mut found = of_step.into_iter().chain(of_view).filter(|_| was_sent);
    found.find_map(|found| guard::brake(&policy.guard, order, operation.key, &found))
}

/// An open completion whose send is held back: it stays what it is, says why, and is tried again after a while, or when
/// a look at its order is due, which nobody else does meanwhile. What was sent before is asked about as often as ever:
/// questions are never held back.
pub fn put_off(order: &Order, operation: &Operation, held: &Held, policy: &SettlePolicy, now: Timestamp) -> Operation {
    let again = now.plus(match operation.state {
        OperationState::InDoubt => held.wait().min(policy.ask_every_max),
        _ => held.wait(),
    });
    let next_step_at = order.next_look_at.filter(|look| *look > now).map_or(again, |look| look.min(again));
    Operation { next_step_at, note: Some(held.to_string()), ..operation.clone() }
}

/// What an operation that was not sent yet will take at most, before a read has said how much is held.
pub const fn asked_minor(order: &Order, operation: &Operation) -> i64 {
    let minor = match operation.amount {
        CompletionAmount::Whole => order.amount.minor(),
        CompletionAmount::Exactly(amount) => amount.minor(),
    };
    taken_minor(operation.kind, minor)
}

/// What of `minor` counts against the daily sum of its kind: a reversal and a decline take nothing, and are not counted
/// once they are sent either.
const fn taken_minor(kind: OperationKind, minor: i64) -> i64 {
    match kind {
        OperationKind::Completion | OperationKind::Refund => minor,
        OperationKind::Reversal | OperationKind::Decline => 0,
    }
}

/// Whether every send was refused by the bank: only a read is missing that shows nothing deposited.
fn is_refused(operation: &Operation) -> bool {
    operation.state == OperationState::InDoubt && operation.unknown_sends == 0
}

fn begin_send(asked: &mut Asked, expected_minor: i64, now: Timestamp) {
    let shown = asked.order.view.as_ref().and_then(|seen| seen.view.amounts);
    let operation = &mut asked.operation;
    if operation.kind == OperationKind::Refund && operation.unknown_sends == 0 {
        // What the read before the send showed is what the refund is measured from; one that may be on its way stays
        // measured as it was.
        operation.refunded_before = shown.map(|amounts| amounts.refunded);
    }
    operation.state = OperationState::InDoubt;
    operation.attempt = operation.attempt.saturating_add(1);
    operation.unknown_sends = operation.unknown_sends.saturating_add(1);
    operation.expected_minor = Some(expected_minor);
    operation.sent_at = Some(now);
    operation.answered_at = None;
    operation.agreeing_reads = 0;
    operation.asks = 0;
    operation.next_step_at = now;
    operation.note = Some("sent; no answer yet".to_owned());
    asked.send = true;
    let sum = for_people(expected_minor, asked.order.currency);
    let words = format!("attempt {}, {sum} expected", asked.operation.attempt);
    let kind = EventKind::of(asked.operation.kind, Stage::Sent);
    asked.events.push(of_order(&asked.order, kind, Cause::Schedule, words));
}

fn close(asked: &mut Asked, state: OperationState, stage: Stage, words: String, now: Timestamp) {
    asked.operation.state = state;
    asked.operation.next_step_at = now;
    asked.operation.note = Some(words.clone());
    (asked.order.complete_at, asked.order.deadline_at) = (None, None);
    let kind = EventKind::of(asked.operation.kind, stage);
    asked.events.push(of_order(&asked.order, kind, Cause::Look, words));
}

/// What has ended and leaves a hold behind (it was taken back, or a person had held our book to be right against the
/// very answer that ended it) is not tried again by itself, so nothing completes that hold in time: a reversal's
/// deadline has come already, and a completion's is still to come.
fn undone(asked: &mut Asked, policy: &Policy, now: Timestamp) {
    let Some(hold) = asked.order.hold.filter(|_| asked.order.state == State::Held) else { return };
    let near_lapse = holds::near_lapse(hold);
    match asked.operation.kind {
        _ if near_lapse.is_accepted(&asked.order) => {}
        // Paid in the meantime, or not let go: it was parked by whoever ordered that, so nothing completes it.
        OperationKind::Decline | OperationKind::Refund => journey::plan(&mut asked.order, policy),
        OperationKind::Reversal if asked.operation.ordered => journey::plan(&mut asked.order, policy),
        OperationKind::Completion => asked.order.deadline_at = Some(hold.lapses_at.minus(policy.holds.act_before)),
        OperationKind::Reversal => review(asked, &near_lapse, now),
    }
}

fn review(asked: &mut Asked, found: &Contradiction, now: Timestamp) {
    asked.events.extend(journey::open_review(&mut asked.order, found, Cause::Look, now));
}

/// The order goes to review while the question stays open: a person has been called, and the bank is asked on at the
/// longest interval, so that a late effect is still noticed.
fn escalate(asked: &mut Asked, found: &Contradiction, policy: &SettlePolicy, now: Timestamp) {
    let words = found.reason(&asked.order).sentence;
    if asked.order.state != State::Review {
        let kind = EventKind::of(asked.operation.kind, Stage::Escalated);
        asked.events.push(of_order(&asked.order, kind, Cause::Look, words.clone()));
    }
    review(asked, found, now);
    asked.operation.note = Some(words);
    asked.operation.next_step_at = now.plus(policy.ask_every_max);
}

/// What the bank's answer to the send itself makes of the operation. It never confirms: the next question is due at
/// once, and decides.
pub fn after_answer(
    order: &Order,
    operation: &Operation,
    answer: &CompletionAnswer,
    policy: &Policy,
    now: Timestamp,
) -> (Operation, NewEvent) {
    let mut next = operation.clone();
    next.next_step_at = now;
    let words = match answer {
        CompletionAnswer::Acknowledged => {
            next.answered_at = Some(now);
            "acknowledged; a read will verify it".to_owned()
        }
        CompletionAnswer::Itemised(parts) => {
            next.answered_at = Some(now);
            format!("acknowledged; a read will verify it ({})", bank::parts_in_words(parts))
        }
        CompletionAnswer::Refused(refusal) => {
            next.unknown_sends = next.unknown_sends.saturating_sub(1);
            format!("refused with {refusal}")
        }
        CompletionAnswer::NotSent(unknown) => {
            not_sent(&mut next, policy, now);
            format!("nothing left this host ({})", unknown.detail)
        }
        CompletionAnswer::Unknown(unknown) => {
            // Only now is it certain that no byte will leave any more: the quiet time counts from here.
            next.answered_at = Some(now);
            next.next_step_at = now.plus(policy.settle.asked_to_wait(unknown));
            format!("outcome unknown ({unknown})")
        }
    };
    next.note = Some(words.clone());
    (next, of_order(order, EventKind::of(operation.kind, Stage::Answered), Cause::Schedule, words))
}

/// What an answer makes of its order by itself: of money and points one was done and the other not, and no read of the
/// money tells of the points. The operation stays in doubt until a read settles it.
pub fn partly_done(order: &Order, answer: &CompletionAnswer, now: Timestamp) -> Option<(Order, NewEvent)> {
    let CompletionAnswer::Itemised(parts) = answer else { return None };
    if parts.iter().all(|part| part.successful) {
        return None;
    }
    let mut next = order.clone();
    let found = Contradiction::PartUnsuccessful { parts: bank::parts_in_words(parts) };
    let event = journey::open_review(&mut next, &found, Cause::Schedule, now)?;
    Some((next, event))
}

/// Proven not sent. Without an earlier send of unknown outcome the operation is merely intended again; the bank is
/// asked before the next send either way. The wait doubles with the attempts: every one of them is two lines in the
/// journal, and the questions between them are answered, so nothing else would slow them down.
fn not_sent(operation: &mut Operation, policy: &Policy, now: Timestamp) {
    operation.unknown_sends = operation.unknown_sends.saturating_sub(1);
    operation.next_step_at = now.plus(policy.settle.wait_after(operation.attempt.saturating_sub(1)));
    if operation.unknown_sends == 0 {
        operation.state = OperationState::Intended;
    }
}

/// What becomes of an open operation when the bank gave its order the id of another order of ours. The rows are those
/// that [`journey::order_id_taken`] made: nothing of that answer is believed, and nothing can be sent without an id.
pub fn order_id_taken(order: &mut Order, operation: &Operation, now: Timestamp) -> (Operation, Option<NewEvent>) {
    let mut next = Operation { asks: operation.asks.saturating_add(1), ..operation.clone() };
    if operation.state != OperationState::Intended {
        // Something was sent, so the order had its id; were it ever otherwise, the question would be asked in peace.
        next.next_step_at = now.plus(ASK_IN_PEACE);
        return (next, None);
    }
    let why = "the bank gives the order the id of another; nothing was sent".to_owned();
    (next.state, next.next_step_at, next.note) = (OperationState::Withdrawn, now, Some(why.clone()));
    (order.complete_at, order.deadline_at) = (None, None);
    let event = of_order(order, EventKind::of(operation.kind, Stage::Withdrawn), Cause::Look, why);
    (next, Some(event))
}

fn of_order(order: &Order, kind: EventKind, cause: Cause, detail: String) -> NewEvent {
    NewEvent { kind, cause, before: order.state, after: order.state, detail }
}

#[cfg(test)]
mod tests;
