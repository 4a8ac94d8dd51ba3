//! The purser: takes requests of the daily quota, block by block, before any of them is sent; and tells when fewer
//! requests are sent than the budget allows, because the bank has too much to do or the quota is used up.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::gateway::Block;
use crate::store::{Pace, StoreError};

use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, told_to_stop};

/// A block is spent within this long; what is left is taken back then.
pub(crate) const SPENT_WITHIN: Duration = Duration::from_secs(10 * 60);

/// A request that has its leave is on its way within this long: for so long after its time a block still counts.
pub(crate) const ON_ITS_WAY: Duration = Duration::from_secs(60);

/// A quota that is used up is told of once in this long.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// While something is amiss, it is looked at this often.
const AMISS_EVERY: Duration = Duration::from_secs(5);

/// The same while all is well, and the heart beats.
const WELL_EVERY: Duration = Duration::from_secs(60);

/// What the bank bears climbs with every second: it is written down when it is so much else.
const STEP_PER_MILLE: u32 = 200;

/// Works until told to stop.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let heart = desk.shared.progress.heart(format!("purser of {}", desk.merchant), WELL_EVERY + HEART_LIMIT);
    let mut purse = Purse { desk: &desk, block: None, unspent: 0, told: Told::NothingYet, used_up_told: None };
    loop {
        heart.beat();
        let wait = purse.look_after().await.unwrap_or_else(|error| {
            tracing::error!(%error, merchant = %desk.merchant, "Cannot write down what is counted of the daily quota");
            desk.shared.metrics.store_error("purser");
            AFTER_STORE_ERROR
        });
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            () = desk.gateway.pacer().wants_attention() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    if let Err(error) = purse.close().await {
        tracing::error!(%error, merchant = %desk.merchant, "Cannot write down what is counted of the daily quota");
    }
}

/// What was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// A row may stand from an earlier process.
    NothingYet,
    Well,
    Amiss(Pace),
}

struct Purse<'a> {
    desk: &'a Desk,
    /// The block that is spent now.
    block: Option<i64>,
    /// What is left of it and was given back.
    unspent: u32,
    told: Told,
    /// When it was told that the quota is used up.
    used_up_told: Option<Instant>,
}

impl Purse<'_> {
    /// Fills the purse where it is empty, tells what is new, and says how long nothing else is.
    async fn look_after(&mut self) -> Result<Duration, StoreError> {
        self.fill().await?;
        let (pacer, now) = (self.desk.gateway.pacer(), self.desk.shared.clock().now());
        let (borne, is_used_up) = (pacer.borne_per_mille(), pacer.is_used_up());
        let is_amiss = is_used_up || pacer.is_throttled();
        let before = match self.told {
            Told::Amiss(pace) => Some(pace),
            Told::Well | Told::NothingYet => None,
        };
        // Since when it is amiss in this way.
        let same = before.filter(|pace| (pace.is_used_up, is_throttled(*pace)) == (is_used_up, borne < 1_000));
        let near = same.filter(|pace| pace.borne_per_mille.abs_diff(borne) < STEP_PER_MILLE);
        let borne_per_mille = near.map_or(borne, |pace| pace.borne_per_mille);
        let since = same.map_or(now, |pace| pace.since);
        let told = if is_amiss { Told::Amiss(Pace { since, borne_per_mille, is_used_up }) } else { Told::Well };
        if told != self.told {
            let row = is_amiss.then_some(Pace { since, borne_per_mille, is_used_up });
            self.desk.shared.store.note_pace(&self.desk.merchant, row).await?;
            self.tell(before, row);
            self.told = told;
        }
        Ok(if is_amiss { AMISS_EVERY } else { self.desk.shared.setting.rhythm.looks.max(WELL_EVERY) })
    }

    /// Leaves a whole block to those who finish what they have in hand, and takes the notice down.
    async fn close(&mut self) -> Result<(), StoreError> {
        if let Some((daily, wanted)) = self.desk.gateway.pacer().daily_block() {
            self.take(daily, wanted).await?;
        }
        self.desk.shared.store.note_pace(&self.desk.merchant, None).await
    }

    async fn fill(&mut self) -> Result<(), StoreError> {
        let pacer = self.desk.gateway.pacer();
        match pacer.daily_block() {
            Some((daily, wanted)) if pacer.wants_block() => self.take(daily, wanted).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn take(&mut self, daily: NonZeroU32, wanted: u32) -> Result<(), StoreError> {
        let (desk, pacer) = (self.desk, self.desk.gateway.pacer());
        let (begun, now) = (Instant::now(), desk.shared.clock().now());
        self.unspent = self.unspent.saturating_add(pacer.give_back());
        let unspent = self.block.map(|id| (id, self.unspent));
        let until = now.plus(SPENT_WITHIN + ON_ITS_WAY);
        let store = &desk.shared.store;
        let taken = store.take_requests(&desk.merchant, daily.get(), wanted, unspent, until, now).await?;
        // Not before: where it could not be written down, it is given back with the next.
        (self.block, self.unspent) = (taken.id, 0);
        pacer.fill(Block { requests: taken.requests, beyond: taken.beyond, until: begun + SPENT_WITHIN });
        Ok(())
    }

    /// Once when it begins, and once when it is over; of the quota once a day.
    fn tell(&mut self, before: Option<Pace>, now: Option<Pace>) {
        let merchant = &self.desk.merchant;
        let is_news = self.used_up_told.is_none_or(|told| told.elapsed() >= DAY);
        if now.is_some_and(|pace| pace.is_used_up) && is_news {
            self.used_up_told = Some(Instant::now());
            tracing::warn!(%merchant, "The daily quota of {merchant} is used up but for what is kept for money: looks wait until the requests of yesterday are a day old");
        }
        match (before.is_some_and(is_throttled), now.is_some_and(is_throttled)) {
            (false, true) => {
                tracing::warn!(%merchant, "The bank of {merchant} has too much to do (429 or 503): fewer requests are sent until it bears them again");
            }
            (true, false) => tracing::info!(%merchant, "The bank of {merchant} bears the whole budget again"),
            (true, true) | (false, false) => {}
        }
    }
}

const fn is_throttled(pace: Pace) -> bool {
    pace.borne_per_mille < 1_000
}
