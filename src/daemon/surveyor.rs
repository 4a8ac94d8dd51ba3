//! The surveyor: pages through the bank's own list of orders now and then, and queues those that the queue does not have.
//! Its requests are looks, within the same budget.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::discovery::{Terms, of_view};
use crate::domain::time::Timestamp;
use crate::gateway::{LAST_ORDERS_PAGE, LastOrders, LastOrdersAnswer, Purpose};
use crate::store::StoreError;

use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, discoverer, login, told_to_stop};

/// How far back the first round goes.
const FIRST: Duration = Duration::from_secs(24 * 60 * 60);

/// How much of the time before is asked about again: clocks differ, and the bank may list an order late.
const OVERLAP: Duration = Duration::from_secs(60 * 60);

/// Orders of this moment are left to the shop, which hands them in as it registers them, with what it wants done.
const LEFT_TO_THE_SHOP: Duration = Duration::from_secs(10 * 60);

/// Pages of one round: fifty thousand orders. A list that goes on beyond it is taken for one that repeats itself.
const PAGES_MAX: usize = 1_000;

/// Works until told to stop.
pub(super) async fn run(desk: Desk, terms: Terms, every: Duration, mut stop: watch::Receiver<bool>) {
    let at_least_every = desk.shared.setting.rhythm.watch;
    let heart = desk.shared.progress.heart(format!("surveyor of {}", desk.merchant), at_least_every + HEART_LIMIT);
    loop {
        heart.beat();
        let round = async {
            survey(&desk, &terms, every).await.map_or_else(
                |error| {
                    tracing::error!(%error, merchant = %desk.merchant, "Cannot page through the orders of the bank");
                    desk.shared.metrics.store_error("surveyor");
                    AFTER_STORE_ERROR
                },
                |()| at_least_every,
            )
        };
        let mut round = pin!(round);
        let wait = loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return,
                wait = &mut round => break wait,
                // A small budget, or a slow bank, may hold a request up for longer than a heart may stand still.
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

/// One round, if one is due. A page that tells nothing ends it, and the next one begins where it did.
async fn survey(desk: &Desk, terms: &Terms, every: Duration) -> Result<(), StoreError> {
    let (store, now) = (&desk.shared.store, desk.shared.clock().now());
    let before = store.discovery_round(&desk.merchant).await?;
    if before.is_some_and(|round| round.next_at > now && round.next_at <= now.plus(every)) {
        return Ok(());
    }
    let until = before.map(|round| round.until);
    let from = until.map_or(now.minus(FIRST), |until| until.minus(OVERLAP));
    let to = now.minus(LEFT_TO_THE_SHOP);
    let done = page_through(desk, terms, from, to).await?;
    let reached = if done { to } else { until.unwrap_or(now.minus(FIRST)) };
    store.record_discovery_round(&desk.merchant, reached, now.plus(every)).await
}

/// Whether every page was read.
async fn page_through(desk: &Desk, terms: &Terms, from: Timestamp, to: Timestamp) -> Result<bool, StoreError> {
    for page in 0..PAGES_MAX {
        let permit = desk.gateway.pacer().permit(Purpose::Look).await;
        if desk.gateway.login().is_closed() {
            return Ok(false);
        }
        let answer = desk.gateway.last_orders(LastOrders { from, to, page }, permit).await;
        login::note(desk).await;
        let why = match answer {
            LastOrdersAnswer::Page { orders, count } => {
                let found = orders.iter().filter_map(|view| of_view(view, terms).ok()).collect();
                discoverer::enqueue(desk, found).await?;
                if count < LAST_ORDERS_PAGE {
                    return Ok(true);
                }
                continue;
            }
            LastOrdersAnswer::Refused(refusal) => refusal.to_string(),
            LastOrdersAnswer::Unknown(unknown) => unknown.to_string(),
        };
        tracing::warn!(merchant = %desk.merchant, "The bank does not list its orders ({why}); it is asked again in a while. Newer gateways cannot: then take `discovery` out of the configuration");
        return Ok(false);
    }
    tracing::warn!(merchant = %desk.merchant, "The bank's list of orders does not end after {PAGES_MAX} pages");
    Ok(false)
}
