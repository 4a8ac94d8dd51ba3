//! An order that is not to pay for the weather.

use super::super::operation::Operation;
use super::super::order::Order;
use super::super::time::Timestamp;

/// The rows as if the latest `times` answers, the last of them heard at `heard_at`, had not been heard, and due at `now`:
/// they told nothing, and what looked like an order's own trouble was the weather. `None` where something else was heard
/// of it since, or it told something.
pub fn spared(
    order: &Order,
    open: Option<&Operation>,
    times: u32,
    heard_at: Timestamp,
    now: Timestamp,
) -> Option<(Order, Option<Operation>)> {
    let is_that_answer = order.heard.as_ref().is_some_and(|heard| heard.at == heard_at);
    if !is_that_answer || order.unknown_in_a_row == 0 {
        return None;
    }
    let operation = open.map(|operation| Operation {
        asks: operation.asks.saturating_sub(times),
        next_step_at: operation.next_step_at.min(now),
        ..operation.clone()
    });
    // While an operation is open its step is what is asked next.
    let next_look_at = order.next_look_at.map(|at| if open.is_some() { at } else { at.min(now) });
    let order = Order { unknown_in_a_row: order.unknown_in_a_row.saturating_sub(times), next_look_at, ..order.clone() };
    Some((order, operation))
}

#[cfg(test)]
mod tests;
