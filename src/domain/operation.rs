//! A money operation's journey, decided: what a read of the bank makes of a completion that is open.
//!
//! ```text
//! intended ─(1) synced─▶ in_doubt{attempt, sent_at} ─(2) send─▶ answer ─(3) settle by a read─▶ confirmed | refused
//! ```
//!
//! The bank is asked before every send, the first included, so there is one function for both: [`after_read`]. A crash
//! and a timeout leave the same row, `in_doubt`, and come back through the same function; there is no recovery path.
//! What it returns is a [`Step`]; [`crate::daemon`] performs it and [`crate::store`] writes it down first.

use std::time::Duration;

use super::bank::{BankAmounts, BankStatus, BankView, StatusAnswer, Unknown};
use super::lifecycle::{self, Contradiction};
use super::money::Amount;
use super::order::{Order, OrderKey, State};
use super::time::Timestamp;

/// What a completion takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionAmount {
    /// All that is held. The only value that becomes the wire's 0, which means *everything*; no arithmetic makes it.
    Whole,
    /// This much and no more.
    Exactly(Amount),
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationState {
    /// Decided; nothing was sent.
    Intended,
    /// Written before a send; stays until a read settles it.
    InDoubt,
    /// A read showed the intended amount deposited.
    Confirmed,
    /// It did not happen, and a read showed so.
    Refused,
    /// Taken back before anything was sent.
    Withdrawn,
    /// The bank shows another outcome than the intended one; the order stands in review.
    Contradicted,
}

impl OperationState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Intended, Self::InDoubt, Self::Confirmed, Self::Refused, Self::Withdrawn, Self::Contradicted];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::InDoubt => "in_doubt",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Contradicted => "contradicted",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether something is still to be done about it.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Intended | Self::InDoubt => true,
            Self::Confirmed | Self::Refused | Self::Withdrawn | Self::Contradicted => false,
        }
    }
}

/// The row id of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationKey(pub i64);

/// A completion as it is first written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// What it takes.
    pub amount: CompletionAmount,
    /// When it was decided.
    pub intended_at: Timestamp,
}

/// A completion as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its row.
    pub key: OperationKey,
    /// The order whose money it moves.
    pub order: OrderKey,
    /// What it takes; never changes after the first send.
    pub amount: CompletionAmount,
    /// Where it stands.
    pub state: OperationState,
    /// How many times it was sent.
    pub attempt: u32,
    /// Of these, how many may have had an effect: neither refused nor proven not sent.
    pub unknown_sends: u32,
    /// Minor units that must stand deposited for it to be confirmed; known from the read before the first send.
    pub expected_minor: Option<i64>,
    /// When it was decided.
    pub intended_at: Timestamp,
    /// When the latest send was written down.
    pub sent_at: Option<Timestamp>,
    /// Reads in a row, after the quiet time, that agreed that nothing has happened.
    pub agreeing_reads: u32,
    /// How often the bank was asked since the latest send.
    pub asks: u32,
    /// When the next step is due.
    pub next_step_at: Timestamp,
    /// What the latest answer or step was, for people.
    pub note: Option<String>,
}

/// How completions are settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlePolicy {
    /// After this long without an effect a request is taken to have none. Minutes, unless you know your bank.
    pub quiet: Duration,
    /// Whether a whole completion may be sent again once it was quiet long enough.
    pub resend_whole: bool,
    /// Sends at most, before a person is asked.
    pub attempts_max: u32,
    /// First wait between two questions; doubles up to [`Self::ask_every_max`].
    pub ask_every: Duration,
    /// Longest wait between two questions.
    pub ask_every_max: Duration,
}

/// Reads that must agree that nothing happened before anything is sent again (R12).
pub const AGREEING_READS: u32 = 2;

/// What is to be done about an open operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write the intent, sync, send. `expected_minor` must be deposited for it to count as done.
    Send {
        /// Minor units the bank must show afterwards.
        expected_minor: i64,
    },
    /// The bank shows what was intended.
    Confirm {
        /// Minor units deposited.
        deposited_minor: i64,
    },
    /// It did not happen and will not: the order goes where the view says.
    Settle {
        /// [`OperationState::Refused`], or [`OperationState::Withdrawn`] when nothing had been sent.
        state: OperationState,
        /// Why, for people.
        why: String,
    },
    /// The bank refused it, nothing is deposited: the hold stands, a person decides.
    RefusedByBank {
        /// The bank's word.
        why: String,
    },
    /// Money contradicts itself: the order goes to review and the operation ends there.
    Contradict(Contradiction),
    /// A person has to decide while the outcome stays unknown: the order goes to review, the operation stays in doubt
    /// and the bank is still asked.
    Escalate(Contradiction),
    /// Ask again later.
    AskAgain {
        /// When.
        at: Timestamp,
        /// Reads that now agree.
        agreeing_reads: u32,
        /// What is waited for, for people.
        why: String,
    },
}

/// What a read of the bank makes of an open operation.
///
/// Presence settles, absence never does: "still held" only plans the next question, until it was quiet long enough
/// and two reads agree (R5, R12).
pub fn after_read(
    operation: &Operation,
    order: &Order,
    answer: &StatusAnswer,
    policy: &SettlePolicy,
    now: Timestamp,
) -> Step {
    let view = match answer {
        StatusAnswer::Known(view) => view,
        StatusAnswer::Refused(refusal) => return ask_again(operation, policy, now, refusal.to_string()),
        StatusAnswer::Unknown(unknown) => return ask_after_unknown(operation, policy, now, unknown),
    };
    match operation.state {
        OperationState::Intended => before_send(operation, order, view, policy, now),
        _ => match lifecycle::identity_contradiction(order, view) {
            Some(found) => Step::Escalate(found),
            None => after_send(operation, order, view, policy, now),
        },
    }
}

/// Nothing has been sent, or provably nothing has left: whatever speaks against sending ends the operation here.
fn before_send(operation: &Operation, order: &Order, view: &BankView, policy: &SettlePolicy, now: Timestamp) -> Step {
    if let Some(found) = lifecycle::contradiction(order, view) {
        return Step::Contradict(found);
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
    if !may_be_completed(order) {
        return withdraw(format!(
            "the order is {} here by now",
            if order.parked { "parked" } else { order.state.as_str() }
        ));
    }
    let Some(amounts) = view.amounts else {
        return ask_again(operation, policy, now, NO_AMOUNTS.to_owned());
    };
    // A row in doubt says that the request may have left; without the id it cannot.
    if order.order_id.is_none() {
        return ask_again(operation, policy, now, NO_ORDER_ID.to_owned());
    }
    match lifecycle::not_ours(order, view).map_or_else(|| sendable(operation, order, amounts), Err) {
        Ok(expected_minor) => Step::Send { expected_minor },
        // Accepted as true, and yet nothing that money may be sent on: raising it again would tell nothing new.
        Err(found) if found.is_accepted(order) => {
            withdraw(format!("{}; complete it in the bank's console", found.reason(order).sentence))
        }
        Err(found) => Step::Contradict(found),
    }
}

fn withdraw(why: String) -> Step {
    Step::Settle { state: OperationState::Withdrawn, why }
}

/// Neither in review nor at an end nor parked in the meantime.
fn may_be_completed(order: &Order) -> bool {
    order.state == State::Held && !order.parked
}

/// R4: held, enough approved, nothing deposited. Returns what must stand deposited afterwards.
fn sendable(operation: &Operation, order: &Order, amounts: BankAmounts) -> Result<i64, Contradiction> {
    let expected_minor = match operation.amount {
        CompletionAmount::Whole => amounts.approved,
        CompletionAmount::Exactly(amount) => amount.minor(),
    };
    if amounts.deposited != 0 || amounts.refunded != 0 {
        return Err(Contradiction::DepositedWhileHeld { deposited: amounts.deposited });
    }
    if amounts.approved < expected_minor || amounts.approved > order.amount.minor() || amounts.approved <= 0 {
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
    let expected_minor = sendable(operation, order, amounts)?;
    match operation.expected_minor {
        Some(before) if before != expected_minor => {
            Err(Contradiction::ApprovedDiffers { ours: order.amount.minor(), approved: amounts.approved })
        }
        _ => Ok(expected_minor),
    }
}

fn after_send(operation: &Operation, order: &Order, view: &BankView, policy: &SettlePolicy, now: Timestamp) -> Step {
    let refused = |why: &str| Step::Settle { state: OperationState::Refused, why: why.to_owned() };
    match (view.status, view.amounts) {
        (BankStatus::Deposited | BankStatus::Refunded, Some(amounts)) => deposited(operation, amounts),
        // Reversed after it was taken: the money did move, so the book must not say that it did not.
        (BankStatus::Reversed | BankStatus::Declined, Some(amounts)) if amounts.deposited != 0 => {
            deposited(operation, amounts)
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

/// R6: confirmed only by a read with the intended amount.
fn deposited(operation: &Operation, amounts: BankAmounts) -> Step {
    match operation.expected_minor {
        Some(expected) if amounts.deposited == expected => Step::Confirm { deposited_minor: amounts.deposited },
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
    let quiet_until = operation.sent_at.unwrap_or(now).plus(policy.quiet);
    if now < quiet_until {
        let wait = now.plus(policy.wait_after(operation.asks));
        return Step::AskAgain {
            at: wait.min(quiet_until),
            agreeing_reads: 0,
            why: "sent, and the bank still shows it held; it may yet take effect".to_owned(),
        };
    }
    let agreeing_reads = operation.agreeing_reads.saturating_add(1);
    if agreeing_reads < AGREEING_READS {
        return Step::AskAgain {
            at: now.plus(policy.ask_every),
            agreeing_reads,
            why: "quiet long enough; one more read must agree that nothing happened".to_owned(),
        };
    }
    quiet_long_enough(operation, order, view, amounts, policy)
}

/// R12: a whole completion may go once more; anything else is a person's to decide, and stays in doubt until then.
fn quiet_long_enough(
    operation: &Operation,
    order: &Order,
    view: &BankView,
    amounts: BankAmounts,
    policy: &SettlePolicy,
) -> Step {
    let may_resend = policy.resend_whole
        && operation.amount == CompletionAmount::Whole
        && operation.attempt < policy.attempts_max
        && may_be_completed(order);
    if !may_resend {
        return Step::Escalate(Contradiction::StillHeldAfterSend { attempts: operation.attempt });
    }
    match sendable_again(operation, order, view, amounts) {
        Ok(expected_minor) => Step::Send { expected_minor },
        Err(found) => Step::Escalate(found),
    }
}

const NO_AMOUNTS: &str = "the answer carries no paymentAmountInfo, so nothing can be verified; ask the bank for response version 03 or newer";

const NO_ORDER_ID: &str = "the gateway's order id is not known yet, and a completion needs it";

/// A read that neither settles nor agrees: those before it count no more, since they must agree in a row.
fn ask_again(operation: &Operation, policy: &SettlePolicy, now: Timestamp, why: String) -> Step {
    Step::AskAgain { at: now.plus(policy.wait_after(operation.asks)), agreeing_reads: 0, why }
}

/// Nothing was read, so whatever agreed before still does.
fn ask_after_unknown(operation: &Operation, policy: &SettlePolicy, now: Timestamp, unknown: &Unknown) -> Step {
    let wait = policy.wait_after(operation.asks).max(policy.asked_to_wait(unknown));
    Step::AskAgain { at: now.plus(wait), agreeing_reads: operation.agreeing_reads, why: unknown.to_string() }
}

impl SettlePolicy {
    /// Doubles from `ask_every` to `ask_every_max` with each of the `times` before.
    pub(super) fn wait_after(&self, times: u32) -> Duration {
        let factor = 1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX);
        self.ask_every.saturating_mul(factor).min(self.ask_every_max)
    }

    /// How long the gateway asked us to wait, as far as that is within our own bound.
    pub(super) fn asked_to_wait(&self, unknown: &Unknown) -> Duration {
        unknown.retry_after.unwrap_or(Duration::ZERO).min(self.ask_every_max)
    }
}

#[cfg(test)]
mod tests;
