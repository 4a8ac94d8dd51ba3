//! The watchman: tells of holds near their lapse, once at each level, well before; and of plans that a clock which was
//! wrong has left behind.
//!
//! A hold that nobody completes is money the merchant never gets; the gauge of the next lapse says when, this says
//! which. And what is planned a year ahead by a clock that stepped is silent: nothing else would notice it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::completion;
use crate::domain::event::{Cause, EventKind, NewEvent};
use crate::domain::holds::{self, CLOCK_TOLERANCE, level_word};
use crate::domain::operation::Operation;
use crate::domain::order::{Order, State};
use crate::domain::polling;
use crate::domain::time::{Timestamp, in_words};
use crate::store::{Amendment, Horizon, OperationChange, PulledIn, StoreError};

use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, log, told_to_stop};

/// Warnings and corrections written in one round at most; the next round comes soon.
const ROUND_MAX: usize = 100;

/// Works until told to stop.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let at_least_every = desk.shared.setting.rhythm.watch;
    let heart = desk.shared.progress.heart(format!("watchman of {}", desk.merchant), at_least_every + HEART_LIMIT);
    let mut bell = desk.shared.store.bell();
    let mut swept: Option<Instant> = None;
    loop {
        heart.beat();
        if swept.is_none_or(|swept| swept.elapsed() >= at_least_every) {
            swept = Some(Instant::now());
            if let Err(error) = sweep(&desk).await {
                tracing::error!(%error, merchant = %desk.merchant, "Cannot sweep for what is planned too far ahead");
                desk.shared.metrics.store_error("watchman");
            }
        }
        let wait = watch_once(&desk).await.unwrap_or_else(|error| {
            tracing::error!(%error, merchant = %desk.merchant, "Cannot warn of holds near their lapse");
            desk.shared.metrics.store_error("watchman");
            AFTER_STORE_ERROR
        });
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = bell.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Warns of what is near, and says how long nothing else is.
async fn watch_once(desk: &Desk) -> Result<Duration, StoreError> {
    warn_of_lapses(desk).await?;
    let mut wait = desk.shared.setting.rhythm.watch;
    for (level, warnings) in levels(desk) {
        if let Some(lapse) = desk.shared.store.next_unwarned_lapse(&desk.merchant, warnings).await? {
            wait = wait.min(lapse.minus(level).since(desk.shared.clock().now()));
        }
    }
    Ok(wait)
}

/// Each level with how many warnings were given once it was told of, the most urgent first: a hold that has earned
/// several at once is told of by the last alone.
fn levels(desk: &Desk) -> impl Iterator<Item = (Duration, u32)> {
    desk.policy.holds.warn_at.iter().copied().zip(1..).collect::<Vec<_>>().into_iter().rev()
}

async fn warn_of_lapses(desk: &Desk) -> Result<(), StoreError> {
    let now = desk.shared.clock().now();
    for (level, warnings) in levels(desk) {
        let until = now.plus(level);
        for near in desk.shared.store.unwarned_lapses(&desk.merchant, until, warnings, ROUND_MAX).await? {
            warn(desk, &near.order, now).await?;
        }
    }
    Ok(())
}

async fn warn(desk: &Desk, order: &Order, now: Timestamp) -> Result<(), StoreError> {
    let policy = Arc::clone(&desk.policy);
    let decide = move |order: &Order, _: Option<&Operation>| {
        // Whatever changed since the list was read: the row says whether there is still something to tell.
        let hold = order.hold.filter(|_| holds::stands(order));
        let earned = hold.map_or(0, |hold| policy.holds.warnings_earned(hold, now));
        let level = usize::try_from(earned).ok().and_then(|earned| policy.holds.warn_at.get(earned.checked_sub(1)?));
        match level {
            Some(level) if earned > order.lapse_warnings => {
                let event = warning(order, *level, &policy.zone, now);
                let next = Order { lapse_warnings: earned, ..order.clone() };
                Amendment::of_event(Some(next), OperationChange::None, event)
            }
            _ => Amendment::nothing(None),
        }
    };
    if let Some(event) = desk.shared.store.amend(order.key, now, decide).await? {
        log::event(order, &event);
    }
    Ok(())
}

fn warning(order: &Order, level: Duration, zone: &crate::domain::calendar::Zone, now: Timestamp) -> NewEvent {
    let lapses_at = order.hold.map_or(now, |hold| hold.lapses_at);
    let next = match (order.state, order.parked, order.complete_at, order.deadline_at) {
        (State::Review, ..) => "it stands in review".to_owned(),
        (_, true, ..) => "it is parked".to_owned(),
        (_, false, Some(at), _) => format!("its completion is due at {}", zone.for_people(at)),
        (_, false, None, Some(at)) => format!("nothing completes it before {}", zone.for_people(at)),
        (_, false, None, None) => "it waits for its release".to_owned(),
    };
    let level = level_word(level);
    let detail = if lapses_at > now {
        format!("within {level}: the hold lapses in {}; {next}", in_words(lapses_at.since(now)))
    } else {
        format!("within {level}: the hold should have lapsed {} ago; {next}", in_words(now.since(lapses_at)))
    };
    NewEvent { kind: EventKind::HoldAtRisk, cause: Cause::Schedule, before: order.state, after: order.state, detail }
}

/// Makes due what is planned beyond every bound, and counts holds anew that lie in the future.
async fn sweep(desk: &Desk) -> Result<(), StoreError> {
    let now = desk.shared.clock().now();
    let (looks, settle) = (&desk.policy.looks, &desk.policy.settle);
    let horizon = Horizon {
        looks: [State::Pending, State::Held, State::Review]
            .map(|state| (state, now.plus(polling::bound(looks, state))))
            .to_vec(),
        late_looks: now.plus(polling::bound(looks, State::Deposited)),
        steps: now.plus(settle.bound()),
    };
    let PulledIn { looks, steps } = desk.shared.store.pull_in(&desk.merchant, horizon, now).await?;
    if looks + steps > 0 {
        tracing::warn!(merchant = %desk.merchant, looks, steps, "The clock was wrong, or settings changed: {looks} looks and {steps} steps were planned too far ahead, and are due now");
        desk.shared.metrics.pulled_in(&desk.merchant, u64::try_from(looks + steps).unwrap_or(u64::MAX));
    }
    let until = now.plus(CLOCK_TOLERANCE);
    for found in desk.shared.store.holds_seen_after(&desk.merchant, until, ROUND_MAX).await? {
        correct(desk, &found.order, now).await?;
    }
    Ok(())
}

async fn correct(desk: &Desk, order: &Order, now: Timestamp) -> Result<(), StoreError> {
    let policy = Arc::clone(&desk.policy);
    let decide = move |order: &Order, open: Option<&Operation>| {
        // What an open operation has begun goes on as it was intended.
        let planned = completion::planned_anew(order, &policy, now).filter(|_| open.is_none());
        planned.map_or(Amendment::nothing(None), |(order, event)| {
            Amendment::of_event(Some(order), OperationChange::None, event)
        })
    };
    if let Some(event) = desk.shared.store.amend(order.key, now, decide).await? {
        log::event(order, &event);
    }
    Ok(())
}
