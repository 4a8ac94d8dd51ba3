//! What would hold a send back, by the guard's own rule: nothing is promised that the money, as it stands, does not
//! allow.
//!
//! The clock of a daemon at work is known to that daemon alone, so what it wrote down the last time counts as well.

use super::super::completion;
use super::super::guard::{self, Held, Standing};
use super::super::journey::Policy;
use super::super::operation::{CompletionAmount, Operation, OperationState};
use super::super::order::Order;

/// How the money stands for whatever an order's story promises.
#[derive(Clone, Copy, Debug)]
pub(super) struct Money<'a> {
    pub(super) policy: &'a Policy,
    pub(super) standing: &'a Standing,
}

impl Money<'_> {
    /// What holds the next send of `open` back.
    pub(super) fn holds_back(&self, order: &Order, open: &Operation) -> Option<Held> {
        self.holds_back_minor(order, completion::asked_minor(order, open))
    }

    /// What would hold the completion back that is planned for `order`.
    pub(super) fn holds_back_completion(&self, order: &Order) -> Option<Held> {
        let asked_minor = match order.completion {
            CompletionAmount::Whole => order.amount.minor(),
            CompletionAmount::Exactly(amount) => amount.minor(),
        };
        self.holds_back_minor(order, asked_minor)
    }

    /// What would hold the reversal back that is done at its deadline: it takes nothing.
    pub(super) fn holds_back_reversal(&self, order: &Order) -> Option<Held> {
        self.holds_back_minor(order, 0)
    }

    fn holds_back_minor(&self, order: &Order, asked_minor: i64) -> Option<Held> {
        guard::may_send(&self.policy.guard, self.standing, asked_minor, order.currency).err()
    }
}

/// What held a send that was not begun back when the daemon last tried, as it wrote that down.
pub(super) fn held_back_before(open: &Operation) -> Option<&str> {
    let note = open.note.as_deref().filter(|_| open.state == OperationState::Intended)?;
    note.strip_prefix(guard::NOT_SENT)
}

/// Behind a promise of something still to come: what stands in its way now may be over by then.
pub(super) fn would_wait(held: Option<&Held>) -> String {
    held.map(|held| format!(" As the money stands now, it would wait: {}.", held.why())).unwrap_or_default()
}
