//! The surveyor: pages through the bank's own list of orders now and then, and queues those that the queue does not
//! have. Its requests are looks, within the same budget.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::discovery::{Terms, of_view};
use crate::domain::time::Timestamp;
use crate::domain::weather::Prober;
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

/// What a round came to.
#[derive(Debug, PartialEq, Eq)]
enum Round {
    /// It is not time yet, or nothing may be asked.
    None,
    /// Every page was read.
    Listed,
    /// The bank does not list its orders, and why, as far as it says.
    NotListed(String),
}

/// What was told of a bank that does not list its orders. One that dropped the request would else be complained of with
/// every round, for ever.
#[derive(Debug, Default)]
struct Complaint(Option<String>);

impl Complaint {
    /// Why the bank does not list its orders, where that is news.
    fn news(&mut self, round: Round) -> Option<&str> {
        match round {
            Round::None => None,
            Round::Listed => {
                self.0 = None;
                None
            }
            Round::NotListed(_) if self.0.is_some() => None,
            Round::NotListed(why) => Some(self.0.insert(why)),
        }
    }
}

/// Works until told to stop.
pub(super) async fn run(desk: Desk, terms: Terms, every: Duration, mut stop: watch::Receiver<bool>) {
    let at_least_every = desk.shared.setting.rhythm.watch;
    let heart = desk.shared.progress.heart(format!("surveyor of {}", desk.merchant), at_least_every + HEART_LIMIT);
    let mut complaint = Complaint::default();
    loop {
        heart.beat();
        let mut round = pin!(survey(&desk, &terms, every));
        let done = loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return,
                done = &mut round => break done,
                // A small budget, or a slow bank, may hold a request up for longer than a heart may stand still.
                () = tokio::time::sleep(HEART_LIMIT / 3) => heart.beat(),
            }
        };
        let wait = match done {
            Ok(round) => {
                if let Some(why) = complaint.news(round) {
                    tracing::warn!(merchant = %desk.merchant, "The bank does not list its orders ({why}); it is asked again in a while, and this is not said again. Newer gateways cannot: then take `discovery` out of the configuration");
                }
                at_least_every
            }
            Err(error) => {
                tracing::error!(%error, merchant = %desk.merchant, "Cannot page through the orders of the bank");
                desk.shared.metrics.store_error("surveyor");
                AFTER_STORE_ERROR
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
async fn survey(desk: &Desk, terms: &Terms, every: Duration) -> Result<Round, StoreError> {
    let (store, now) = (&desk.shared.store, desk.shared.clock().now());
    let before = store.discovery_round(&desk.merchant).await?;
    if before.is_some_and(|round| round.next_at > now && round.next_at <= now.plus(every)) {
        return Ok(Round::None);
    }
    let until = before.map(|round| round.until);
    let from = until.map_or(now.minus(FIRST), |until| until.minus(OVERLAP));
    let to = now.minus(LEFT_TO_THE_SHOP);
    let round = page_through(desk, terms, from, to).await?;
    let reached = if round == Round::Listed { to } else { until.unwrap_or(now.minus(FIRST)) };
    store.record_discovery_round(&desk.merchant, reached, now.plus(every)).await?;
    Ok(round)
}

async fn page_through(desk: &Desk, terms: &Terms, from: Timestamp, to: Timestamp) -> Result<Round, StoreError> {
    for page in 0..PAGES_MAX {
        let Ok(leaving) = desk.gateway.sky().leave(Prober::Look) else { return Ok(Round::None) };
        let permit = desk.gateway.pacer().permit(Purpose::Look).await;
        if desk.gateway.login().is_closed() || !desk.gateway.sky().still_lets(&leaving) {
            return Ok(Round::None);
        }
        let answer = desk.gateway.last_orders(LastOrders { from, to, page }, permit).await;
        login::note(desk).await;
        return match answer {
            LastOrdersAnswer::Page { orders, count } => {
                let found = orders.iter().filter_map(|view| of_view(view, terms).ok()).collect();
                discoverer::enqueue(desk, found).await?;
                if count < LAST_ORDERS_PAGE {
                    return Ok(Round::Listed);
                }
                continue;
            }
            LastOrdersAnswer::Refused(refusal) => Ok(Round::NotListed(refusal.to_string())),
            LastOrdersAnswer::Unknown(unknown) => Ok(Round::NotListed(unknown.to_string())),
        };
    }
    Ok(Round::NotListed(format!("its list does not end after {PAGES_MAX} pages")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bank that dropped the request answers 404 for ever, and one that was mended and fails again is news again.
    #[test]
    fn a_bank_that_does_not_list_its_orders_is_complained_of_once() {
        let not = |why: &str| Round::NotListed(why.to_owned());
        let table = [
            (not("HTTP 404"), Some("HTTP 404")),
            (not("HTTP 404"), None),
            (Round::None, None),
            (not("HTTP 503"), None),
            (Round::Listed, None),
            (not("HTTP 503"), Some("HTTP 503")),
        ];
        let mut complaint = Complaint::default();
        for (nth, (round, told)) in table.into_iter().enumerate() {
            assert_eq!(complaint.news(round), told, "round {nth}");
        }
    }
}
