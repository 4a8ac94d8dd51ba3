//! The discoverer: asks the bank about orders that a callback named and the queue does not have, and queues those that
//! it knows. Its questions are looks, within the same budget.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::discovery::{Discovered, Terms, after_answer};
use crate::domain::event::Cause;
use crate::domain::order::NewOrder;
use crate::domain::weather::Prober;
use crate::gateway::Purpose;
use crate::store::{Added, Discovery, StoreError};

use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, login, told_to_stop, weather};

/// Questions of one round; the next one comes at once while there is more.
const ROUND_MAX: usize = 20;

/// Works until told to stop.
pub(super) async fn run(desk: Desk, terms: Terms, mut stop: watch::Receiver<bool>) {
    let at_least_every = desk.shared.setting.rhythm.looks;
    let heart = desk.shared.progress.heart(format!("discoverer of {}", desk.merchant), at_least_every + HEART_LIMIT);
    loop {
        heart.beat();
        let round = async {
            let asked = ask_due(&desk, &terms).await;
            asked.unwrap_or_else(|error| {
                tracing::error!(%error, merchant = %desk.merchant, "Cannot ask about orders that the bank may know");
                desk.shared.metrics.store_error("discoverer");
                AFTER_STORE_ERROR
            })
        };
        let mut round = pin!(round);
        let wait = loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return,
                wait = &mut round => break wait,
                // A small budget, or a slow bank, may hold a question up for longer than a heart may stand still.
                () = tokio::time::sleep(HEART_LIMIT / 3) => heart.beat(),
            }
        };
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Asks about what is due, and says how long nothing else is.
async fn ask_due(desk: &Desk, terms: &Terms) -> Result<Duration, StoreError> {
    let at_least_every = desk.shared.setting.rhythm.looks;
    let due = desk.shared.store.due_discoveries(&desk.merchant, desk.shared.clock().now(), ROUND_MAX).await?;
    let is_full = due.len() == ROUND_MAX;
    for discovery in due {
        let Ok(leaving) = desk.gateway.sky().leave(Prober::Look) else { return Ok(at_least_every) };
        let permit = desk.gateway.pacer().permit(Purpose::Look).await;
        if desk.gateway.login().is_closed() || !desk.gateway.sky().still_lets(&leaving) {
            return Ok(at_least_every);
        }
        let answer = desk.gateway.discover(&discovery.order_id, permit).await;
        login::note(desk).await;
        // It was the login that was refused, or the weather: the question waits with everything else.
        if desk.gateway.login().is_closed() || weather::holds_nothing_against_it(desk, &answer) {
            return Ok(at_least_every);
        }
        heed(desk, &discovery, after_answer(&answer, terms, discovery.asks)).await?;
    }
    Ok(if is_full { Duration::ZERO } else { at_least_every })
}

async fn heed(desk: &Desk, discovery: &Discovery, discovered: Discovered) -> Result<(), StoreError> {
    let (store, id) = (&desk.shared.store, &discovery.order_id);
    let next = match discovered {
        Discovered::Order(order) => {
            enqueue(desk, vec![*order]).await?;
            None
        }
        Discovered::Later(wait) => Some(desk.shared.clock().now().plus(wait)),
        Discovered::Never(why) => {
            tracing::warn!(merchant = %desk.merchant, order_id = %id, "A callback named order id {id}, which is not in the queue and cannot be found: {why}");
            None
        }
    };
    store.settle_discovery(&desk.merchant, id, next).await
}

/// Queues what the bank knows; what is here already stays as it is.
pub(super) async fn enqueue(desk: &Desk, orders: Vec<NewOrder>) -> Result<(), StoreError> {
    let numbers: Vec<_> = orders.iter().map(|order| order.number.clone()).collect();
    let added = desk.shared.store.add_orders(orders, Cause::Discovery, desk.shared.clock().now()).await?;
    for (number, added) in numbers.iter().zip(added) {
        match added {
            Added::New => {
                desk.shared.metrics.orders_added(&desk.merchant, 1);
                tracing::info!(merchant = %desk.merchant, order.number = %number, "Order {number}: discovered: the bank knew it, and the queue did not");
            }
            Added::NewInReview => {
                desk.shared.metrics.orders_added(&desk.merchant, 1);
                tracing::warn!(merchant = %desk.merchant, order.number = %number, "Order {number}: discovered, and in review: the witness has a send for it");
            }
            Added::Exists => {}
            Added::ExistsWithDifferentAmount { amount_minor } => {
                tracing::warn!(merchant = %desk.merchant, order.number = %number, "The bank has order {number} under another order id and with another amount than the {amount_minor} that the queue has");
            }
            Added::OrderIdTaken { by } => {
                tracing::warn!(merchant = %desk.merchant, order.number = %number, "The bank calls order {by} of the queue {number}");
            }
        }
    }
    Ok(())
}
