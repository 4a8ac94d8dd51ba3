//! What the bank's callbacks are taken for: taken in, told of, and what it means for looks.
//!
//! Whether they are trusted is decided in [`crate::domain::polling`]. That they have stopped is told once, not once for
//! every order.

use crate::domain::polling::{Callbacks, Standing};
use crate::store::StoreError;

use super::AFTER_STORE_ERROR;
use super::merchant::Desk;
use super::poller::brief;

/// Orders planned anew in one write.
const ROUND_MAX: usize = 1_000;

/// Orders planned anew at most, the youngest first; the others are looked at as they are planned, within their bound.
const PLANNED_MAX: usize = 50_000;

/// Takes in the callbacks that came, and counts which outcomes were told.
pub(super) fn hear(desk: &Desk) {
    let came = desk.shared.store.take_hints(&desk.merchant);
    let mut almanac = desk.lore.lock();
    for (order, at) in came {
        almanac.callbacks().came(order, at);
    }
    let outcomes = almanac.callbacks().outcomes();
    drop(almanac);
    if desk.takes_callbacks {
        desk.shared.metrics.outcomes(&desk.merchant, outcomes);
    }
}

/// Takes up what was known before the last stop; of a merchant who takes no callbacks, nothing is.
pub(super) async fn recall(desk: &Desk) -> Callbacks {
    let (store, now) = (&desk.shared.store, desk.shared.clock().now());
    let stored = match store.callbacks(&desk.merchant).await {
        Ok(stored) => stored,
        Err(error) => {
            tracing::warn!(%error, merchant = %desk.merchant, "Cannot read what the callbacks of {}'s bank were taken for; it is learned again", desk.merchant);
            desk.shared.metrics.store_error("poller");
            None
        }
    };
    // Those that came while nobody listened are lost.
    drop(store.take_hints(&desk.merchant));
    let stored = stored.filter(|_| desk.takes_callbacks);
    let known = stored.and_then(|stored| Callbacks::restored(&stored, now)).unwrap_or_else(|| Callbacks::new(now));
    desk.shared.metrics.set_callbacks(&desk.merchant, known.standing());
    known
}

/// Writes down what is known.
pub(super) async fn remember(desk: &Desk) {
    let known = desk.lore.lock().callbacks().stored();
    let kept = desk.shared.store.keep_callbacks(&desk.merchant, desk.takes_callbacks.then_some(known)).await;
    if let Err(error) = kept {
        tracing::warn!(%error, merchant = %desk.merchant, "Cannot write down what the callbacks of {}'s bank are taken for", desk.merchant);
        desk.shared.metrics.store_error("poller");
    }
}

/// Callbacks were taken for `before`, and are for `after` now.
pub(super) async fn turned(desk: &Desk, before: Standing, after: Standing) {
    let merchant = &desk.merchant;
    desk.shared.metrics.set_callbacks(merchant, after);
    match (before, after) {
        (_, Standing::Stopped) => {
            tracing::warn!(%merchant, "The callbacks of {merchant}'s bank have stopped: looks find payments that none told of. Orders are looked at as if there were none; see whether the bank sends them, and what refuses them");
        }
        (Standing::Stopped, Standing::Trusted) => {
            tracing::info!(%merchant, "The callbacks of {merchant}'s bank come again, and prove true");
        }
        (Standing::Unproven, Standing::Trusted) => {
            tracing::info!(%merchant, "The callbacks of {merchant}'s bank prove true: learned looks thin out while they do");
        }
        _ => tracing::debug!(%merchant, "The callbacks of {merchant}'s bank are {} now", after.as_str()),
    }
    if let Err(error) = plan_anew(desk, before).await {
        tracing::error!(%error, %merchant, "Cannot plan looks anew without callbacks; they come as they are planned");
        desk.shared.metrics.store_error("poller");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
    remember(desk).await;
}

/// What was planned while callbacks were trusted comes too late without them.
async fn plan_anew(desk: &Desk, before: Standing) -> Result<(), StoreError> {
    if before != Standing::Trusted || !desk.policy.looks.trust_callbacks {
        return Ok(());
    }
    let (store, now) = (&desk.shared.store, desk.shared.clock().now());
    let planned = store.pending_briefly(&desk.merchant, now, PLANNED_MAX).await?;
    let briefly = planned.into_iter().map(|due| brief(&desk.policy.looks, due));
    let sooner = |due| Some((due, desk.lore.sooner(&due, now)?));
    let looks: Vec<_> = briefly.filter_map(sooner).map(|(due, sooner)| (due.key, due.due_at, sooner)).collect();
    for round in looks.chunks(ROUND_MAX) {
        store.plan_looks_anew(round.to_vec()).await?;
    }
    Ok(())
}
