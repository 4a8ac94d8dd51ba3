//! What the completer does about a send that is held back (R7): it spends no question on it, writes down why, counts
//! it, and looks for a stop once more before the first byte. Whether it is held back is decided in
//! [`crate::domain::guard`].

use std::sync::Arc;

use crate::domain::completion;
use crate::domain::guard::{self, Held, Standing};
use crate::domain::operation::{Operation, OperationState};
use crate::domain::order::Order;
use crate::domain::timekeeping::Doubt;
use crate::store::{Amendment, OperationChange, StoreError};

use super::merchant::Desk;

/// Whether a question about a completion can be spared: it was not sent, and no look at its order is due.
pub(super) fn may_be_unasked(desk: &Desk, order: &Order, operation: &Operation) -> bool {
    let look_is_due = order.next_look_at.is_none_or(|at| at <= desk.shared.clock().now());
    operation.state == OperationState::Intended && !look_is_due
}

/// Why nothing need be asked about a completion now: it was not sent, could not be, and no look at its order is due.
/// What only the clock holds back asks in turn, since the bank's answer is what ends the doubt.
pub(super) fn unasked(desk: &Desk, order: &Order, operation: &Operation, standing: &Standing) -> Option<Held> {
    if !may_be_unasked(desk, order, operation) {
        return None;
    }
    let asked_minor = completion::asked_minor(order, operation);
    let standing = Standing { clock: clock_doubt(desk), ..standing.clone() };
    let held = guard::may_send(&desk.policy.guard, &standing, asked_minor, order.currency).err()?;
    let asks = matches!(held, Held::Clock(_)) && desk.shared.timekeeper.take_turn(&desk.merchant);
    (!asks).then_some(held)
}

/// Writes down that a completion, or a reversal, waits, and why.
pub(super) async fn put_off(desk: &Desk, order: &Order, held: Held) -> Result<(), StoreError> {
    let now = desk.shared.clock().now();
    let (written, policy) = (held.clone(), Arc::clone(&desk.policy));
    let decide = move |order: &Order, open: Option<&Operation>| {
        let Some(open) = open.filter(|open| open.state == OperationState::Intended) else {
            return Amendment::nothing(None);
        };
        let next = completion::put_off(order, open, &written, &policy.settle, now);
        let is_news = open.note != next.note;
        Amendment { operation: OperationChange::Update(next), ..Amendment::nothing(Some(is_news)) }
    };
    if let Some(is_news) = desk.shared.store.amend(order.key, now, decide).await? {
        tell(desk, order, &held, is_news);
    }
    Ok(())
}

/// Counts every time, and logs once: a stop of some hours would else fill the log. The stop itself was a warning.
pub(super) fn tell(desk: &Desk, order: &Order, held: &Held, is_news: bool) {
    desk.shared.metrics.send_held(&desk.merchant, held.as_str());
    if is_news {
        tracing::info!(merchant = %desk.merchant, order.number = %order.number, held = held.as_str(), "What is due for order {} waits: {held}", order.number);
    }
}

/// What speaks against the clock for this merchant's money (R9).
pub(super) fn clock_doubt(desk: &Desk) -> Option<Doubt> {
    desk.shared.timekeeper.may_send(&desk.merchant).err()
}

/// Whether no stop applies to `order` at this moment, the login is let in, and the clock is what it was. One small
/// query, cheap beside a send.
pub(super) async fn not_stopped(desk: Desk, order: Order) -> Result<(), String> {
    if let Some(doubt) = clock_doubt(&desk) {
        let held = Held::Clock(doubt);
        tell(&desk, &order, &held, true);
        return Err(held.to_string());
    }
    if let Some(refused) = desk.gateway.login().refused() {
        return Err(format!("the bank refuses the login ({})", refused.words));
    }
    match desk.shared.store.money_stop_of(&order).await {
        Ok(None) => Ok(()),
        Ok(Some(stop)) => {
            let held = Held::by_stop(&stop);
            tell(&desk, &order, &held, true);
            Err(held.to_string())
        }
        // What cannot be read may be a stop.
        Err(error) => Err(format!("the stops cannot be read ({error})")),
    }
}
