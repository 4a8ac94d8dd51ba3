//! Settling by reads: what the bank shows, and what that makes of a completion, or a reversal, before a send and after
//! one; of a refund and a decline that is said beside it, with the same words.
//!
//! Before a send whatever speaks against it ends the operation. After one only what the bank shows does; everything
//! else keeps it in doubt, asks again, and calls a person when asking does not help.

use super::super::bank::{BankAmounts, BankStatus, BankView, StatusAnswer, Unknown};
use super::super::booked::{self, Booked};
use super::super::lifecycle::{self, Contradiction};
use super::super::order::{Order, State};
use super::super::time::Timestamp;
use super::{
    AGREEING_READS, CompletionAmount, Operation, OperationKind, OperationState, SettlePolicy, Step, decline, refund,
};

/// What a read of the bank makes of an open operation.
///
/// Presence settles, absence never does: "still held" only plans the next question, until it was quiet long enough
/// and two reads agree (R5, R12).
pub fn after_read(
    operation: &Operation,
    order: &Order,
    answer: &StatusAnswer,
    booked: &Booked,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    // Whatever the bank shows: the settings are others than when it was ordered, and it would be tried for ever.
    if operation.state == OperationState::Intended && !policy.has_request(operation.kind) {
        return withdraw(without_request(operation.kind));
    }
    let view = match answer {
        StatusAnswer::Known(view) => view,
        StatusAnswer::Refused(refusal) => return ask_again(operation, policy, now, refusal.to_string()),
        StatusAnswer::Unknown(unknown) => return ask_after_unknown(operation, policy, now, unknown),
    };
    match operation.state {
        OperationState::Intended => before_send(operation, order, view, booked, policy, now),
        _ => match lifecycle::identity_contradiction(order, view) {
            Some(found) => Step::Escalate(found),
            None => match booked::falls_short(order, view, booked) {
                Some(found) => booked::ask_the_bank_again(operation, order, found, policy, now),
                None => after_send(operation, order, view, policy, now),
            },
        },
    }
}

/// Nothing has been sent, or provably nothing has left: whatever speaks against sending ends the operation here.
fn before_send(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    booked: &Booked,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    if let Some(found) = lifecycle::contradiction(order, view) {
        return Step::Contradict(found);
    }
    if let Some(found) = booked::falls_short(order, view, booked) {
        return booked::ask_the_bank_again(operation, order, found, policy, now);
    }
    match operation.kind {
        OperationKind::Completion | OperationKind::Reversal => {}
        OperationKind::Refund => return refund::before_send(operation, order, view, policy, now),
        OperationKind::Decline => return decline::before_send(operation, order, view, policy, now),
    }
    match view.status {
        BankStatus::Held => held_before_send(operation, order, view, policy, now),
        BankStatus::Deposited => withdraw("the bank shows it deposited already, by somebody else".to_owned()),
        BankStatus::Refunded => withdraw("the bank shows it refunded already".to_owned()),
        BankStatus::Reversed => withdraw("the bank let the hold go".to_owned()),
        BankStatus::Declined => withdraw("the bank shows it declined".to_owned()),
        BankStatus::Registered | BankStatus::InAuthentication | BankStatus::Other(_) => {
            ask_again(operation, policy, now, format!("the bank shows {}, not held", view.status))
        }
    }
}

fn held_before_send(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    // Who orders a reversal parks the hold, so that nothing completes it, and waits for no deadline.
    let is_ordered = operation.ordered && operation.kind == OperationKind::Reversal;
    let stands = may_be_completed(order) || (is_ordered && order.state == State::Held);
    if !stands {
        return withdraw(format!(
            "the order is {} here by now",
            if order.parked { "parked" } else { order.state.as_str() }
        ));
    }
    let due_at = match operation.kind {
        _ if is_ordered => None,
        OperationKind::Completion => order.complete_at,
        OperationKind::Reversal if order.complete_at.is_some() => {
            return withdraw("a completion is planned in time by now".to_owned());
        }
        OperationKind::Reversal | OperationKind::Refund | OperationKind::Decline => order.deadline_at,
    };
    // The clock that made it due may have been ahead, and has been put right since; or an answer told of a card whose
    // holds live longer.
    if let Some(at) = due_at.filter(|at| *at > now) {
        // Nobody else looks at it meanwhile.
        let at = at.min(now.plus(policy.bound()));
        return Step::AskAgain { at, agreeing_reads: 0, why: NOT_DUE.to_owned() };
    }
    let Some(amounts) = view.amounts else {
        return ask_again(operation, policy, now, NO_AMOUNTS.to_owned());
    };
    // A row in doubt says that the request may have left; without the id it cannot.
    if order.order_id.is_none() {
        return ask_again(operation, policy, now, NO_ORDER_ID.to_owned());
    }
    match lifecycle::not_ours(order, view).map_or_else(|| sendable(operation, order, view, amounts), Err) {
        // Nothing that cannot be undone rests on one answer: an earlier one must have shown the same hold.
        Ok(_) if !agrees_with_earlier(order, view, amounts) => one_more_read(policy, now, "the bank shows the hold"),
        Ok(expected_minor) => Step::Send { expected_minor },
        // Accepted as true, and yet nothing that money may be sent on: raising it again would tell nothing new.
        Err(found) if found.is_accepted(order) => {
            withdraw(format!("{}; {} it in the bank's console", found.reason(order).sentence, operation.kind.verb()))
        }
        Err(found) => Step::Contradict(found),
    }
}

pub(super) fn one_more_read(policy: &SettlePolicy, now: Timestamp, shown: &str) -> Step {
    let why = format!("{shown}; one more read must agree before anything is sent");
    Step::AskAgain { at: now.plus(policy.ask_every), agreeing_reads: 0, why }
}

pub(in super::super) fn withdraw(why: String) -> Step {
    Step::Settle { state: OperationState::Withdrawn, why }
}

/// Neither in review nor at an end nor parked in the meantime.
fn may_be_completed(order: &Order) -> bool {
    order.state == State::Held && !order.parked
}

/// Whether the view that was stored before this one showed the same hold with the same sums.
fn agrees_with_earlier(order: &Order, view: &BankView, amounts: BankAmounts) -> bool {
    order.view.as_ref().is_some_and(|earlier| {
        let earlier = &earlier.view;
        earlier.status == BankStatus::Held
            && earlier.amounts == Some(amounts)
            && earlier.points == view.points
            && earlier.amount == view.amount
            && earlier.currency == view.currency
    })
}

/// R4: held, enough approved, nothing deposited. Returns what must stand deposited, or be let go, afterwards. A part is
/// a part of what was paid in all, points included; the whole is known by its money.
fn sendable(operation: &Operation, order: &Order, view: &BankView, amounts: BankAmounts) -> Result<i64, Contradiction> {
    let expected_minor = match operation.amount {
        CompletionAmount::Whole => amounts.approved,
        CompletionAmount::Exactly(amount) => amount.minor(),
    };
    if amounts.deposited != 0 || amounts.refunded != 0 {
        return Err(Contradiction::DepositedWhileHeld { deposited: amounts.deposited });
    }
    let held = amounts.approved.saturating_add(view.points.map_or(0, |points| points.approved));
    if held < expected_minor || amounts.approved > order.amount.minor() || amounts.approved <= 0 {
        return Err(Contradiction::ApprovedDiffers { ours: order.amount.minor(), approved: amounts.approved });
    }
    Ok(expected_minor)
}

/// As [`sendable`], for a whole completion that may have been sent before: the hold must be what it was then (R10).
fn sendable_again(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    amounts: BankAmounts,
) -> Result<i64, Contradiction> {
    if let Some(found) = lifecycle::contradiction(order, view) {
        return Err(found);
    }
    let expected_minor = sendable(operation, order, view, amounts)?;
    match operation.expected_minor {
        Some(before) if before != expected_minor => {
            Err(Contradiction::ApprovedDiffers { ours: order.amount.minor(), approved: amounts.approved })
        }
        _ => Ok(expected_minor),
    }
}

fn after_send(operation: &Operation, order: &Order, view: &BankView, policy: &SettlePolicy, now: Timestamp) -> Step {
    match operation.kind {
        OperationKind::Completion => after_completion(operation, order, view, policy, now),
        OperationKind::Reversal => after_reversal(operation, order, view, policy, now),
        OperationKind::Refund => refund::after_send(operation, order, view, policy, now),
        OperationKind::Decline => decline::after_send(operation, order, view, policy, now),
    }
}

/// The mirror of a completion: gone with nothing taken is what was intended, and taken is somebody else's doing.
fn after_reversal(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    let deposited = view.amounts.map(|amounts| amounts.deposited);
    match (view.status, view.amounts) {
        (BankStatus::Deposited | BankStatus::Refunded, _) => {
            Step::Contradict(Contradiction::TakenInsteadOfReversed { deposited: deposited.unwrap_or(0) })
        }
        (BankStatus::Reversed | BankStatus::Declined, Some(amounts)) if amounts.deposited != 0 => {
            Step::Contradict(Contradiction::TakenInsteadOfReversed { deposited: amounts.deposited })
        }
        // The status is the outcome here: there is no sum that would have to stand beside it.
        (BankStatus::Reversed | BankStatus::Declined, _) => {
            Step::Confirm { moved_minor: operation.expected_minor.unwrap_or(0) }
        }
        (BankStatus::Held, None) => ask_again(operation, policy, now, NO_AMOUNTS.to_owned()),
        (BankStatus::Held, Some(amounts)) if amounts.deposited != 0 => {
            Step::Escalate(Contradiction::DepositedWhileHeld { deposited: amounts.deposited })
        }
        (BankStatus::Held, Some(amounts)) => still_held(operation, order, view, amounts, policy, now),
        (BankStatus::Registered | BankStatus::InAuthentication | BankStatus::Other(_), _) => {
            ask_again(operation, policy, now, format!("the bank shows {}", view.status))
        }
    }
}

fn after_completion(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    let refused = |why: &str| Step::Settle { state: OperationState::Refused, why: why.to_owned() };
    match (view.status, view.amounts) {
        (BankStatus::Deposited | BankStatus::Refunded, Some(amounts)) => deposited(operation, view, amounts),
        // Reversed after it was taken: the money did move, so the book must not say that it did not.
        (BankStatus::Reversed | BankStatus::Declined, Some(amounts)) if amounts.deposited != 0 => {
            deposited(operation, view, amounts)
        }
        (BankStatus::Deposited | BankStatus::Refunded | BankStatus::Held, None) => {
            ask_again(operation, policy, now, NO_AMOUNTS.to_owned())
        }
        (BankStatus::Held, Some(amounts)) if amounts.deposited != 0 => {
            Step::Escalate(Contradiction::DepositedWhileHeld { deposited: amounts.deposited })
        }
        (BankStatus::Held, Some(amounts)) => still_held(operation, order, view, amounts, policy, now),
        (BankStatus::Reversed, _) => refused("the bank let the hold go"),
        (BankStatus::Declined, _) => refused("the bank shows it declined"),
        (BankStatus::Registered | BankStatus::InAuthentication | BankStatus::Other(_), _) => {
            ask_again(operation, policy, now, format!("the bank shows {}", view.status))
        }
    }
}

/// R6: confirmed only by a read with the intended amount. The bank divides a part between money and points by itself,
/// so it is there if the two together are.
fn deposited(operation: &Operation, view: &BankView, amounts: BankAmounts) -> Step {
    let points = match operation.amount {
        CompletionAmount::Whole => 0,
        CompletionAmount::Exactly(_) => view.points.map_or(0, |points| points.deposited),
    };
    match operation.expected_minor {
        Some(expected) if amounts.deposited == expected => Step::Confirm { moved_minor: amounts.deposited },
        Some(expected) if amounts.deposited.saturating_add(points) == expected => {
            Step::Confirm { moved_minor: expected }
        }
        expected => Step::Contradict(Contradiction::CompletedWithAnotherAmount {
            intended: expected.unwrap_or(0),
            deposited: amounts.deposited,
        }),
    }
}

fn still_held(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    amounts: BankAmounts,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    if operation.unknown_sends == 0 {
        let why = operation.note.clone().unwrap_or_else(|| "the bank refused it".to_owned());
        return Step::RefusedByBank { why };
    }
    let wait = waits_for_quiet(operation, policy, now, "it held");
    wait.unwrap_or_else(|| quiet_long_enough(operation, order, view, amounts, policy))
}

/// The next question about what was sent and shows no effect; `None` once it was quiet long enough and the reads agree.
pub(super) fn waits_for_quiet(
    operation: &Operation,
    policy: &SettlePolicy,
    now: Timestamp,
    shown: &str,
) -> Option<Step> {
    let quiet_until = operation.quiet_at(policy.quiet).unwrap_or_else(|| now.plus(policy.quiet));
    if now < quiet_until {
        let wait = now.plus(policy.wait_after(operation.asks));
        let why = format!("sent, and the bank still shows {shown}; it may yet take effect");
        return Some(Step::AskAgain { at: wait.min(quiet_until), agreeing_reads: 0, why });
    }
    let agreeing_reads = operation.agreeing_reads.saturating_add(1);
    let why = "quiet long enough; one more read must agree that nothing happened".to_owned();
    (agreeing_reads < AGREEING_READS).then(|| Step::AskAgain { at: now.plus(policy.ask_every), agreeing_reads, why })
}

/// R12: what concerns the whole hold may go once more; anything else is a person's to decide, and stays in doubt until
/// then.
fn quiet_long_enough(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    amounts: BankAmounts,
    policy: &SettlePolicy,
) -> Step {
    let may_resend = policy.resend_whole
        && operation.amount == CompletionAmount::Whole
        && policy.may_go_again(operation)
        && order.state == State::Held
        && (!order.parked || operation.ordered);
    if !may_resend {
        let attempts = operation.attempt;
        return Step::Escalate(match operation.kind {
            OperationKind::Reversal => Contradiction::StillHeldAfterReversal { attempts },
            OperationKind::Completion | OperationKind::Refund | OperationKind::Decline => {
                Contradiction::StillHeldAfterSend { attempts }
            }
        });
    }
    match sendable_again(operation, order, view, amounts) {
        Ok(expected_minor) => Step::Send { expected_minor },
        Err(found) => Step::Escalate(found),
    }
}

pub(super) const NO_AMOUNTS: &str = "the answer carries no paymentAmountInfo, so nothing can be verified; ask the bank for response version 03 or newer";

/// What cannot be sent over the bank's wire, and where it can be done.
pub fn without_request(kind: OperationKind) -> String {
    let (name, verb) = (kind.as_str(), kind.verb());
    format!(
        "not sent: the bank's SOAP interface has no request for a {name}; {verb} it in the bank's console, or give the \
         merchant protocol = \"rest\" where the bank offers it"
    )
}

const NOT_DUE: &str = "it is not due yet by the clock as it goes now";

pub(super) const NO_ORDER_ID: &str = "the gateway's order id is not known yet, and nothing can be sent without it";

/// A read that neither settles nor agrees: those before it count no more, since they must agree in a row.
pub(in super::super) fn ask_again(operation: &Operation, policy: &SettlePolicy, now: Timestamp, why: String) -> Step {
    Step::AskAgain { at: now.plus(policy.wait_after(operation.asks)), agreeing_reads: 0, why }
}

/// Nothing was read, so whatever agreed before still does.
fn ask_after_unknown(operation: &Operation, policy: &SettlePolicy, now: Timestamp, unknown: &Unknown) -> Step {
    let wait = policy.wait_after(operation.asks).max(policy.asked_to_wait(unknown));
    Step::AskAgain { at: now.plus(wait), agreeing_reads: operation.agreeing_reads, why: unknown.to_string() }
}
