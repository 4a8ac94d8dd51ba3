//! The reporter: writes each merchant's report of the night, and catches up on nights that were missed.
//!
//! Which slot was done last stands in the database; the cron bell only makes it look. A report that cannot be written
//! is due again at the next bell.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::config::{Config, MerchantConfig};
use crate::domain::calendar::BusinessDay;
use crate::domain::time::Timestamp;
use crate::report;

use super::{HEART_LIMIT, Shared, draw, told_to_stop};

/// Nights caught up in one go for one merchant; the next bell goes on from there.
const CATCH_UP_MAX: usize = 31;

pub(super) struct Reporter {
    pub(super) shared: Shared,
    pub(super) config: watch::Receiver<Arc<Config>>,
}

impl Reporter {
    /// Works until told to stop.
    pub(super) async fn run(mut self, mut ticks: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        let at_least_every = self.shared.setting.rhythm.reports;
        let heart = self.shared.progress.heart("reporter".to_owned(), at_least_every + HEART_LIMIT);
        loop {
            heart.beat();
            let config = Arc::clone(&self.config.borrow_and_update());
            for merchant in &config.merchants {
                self.catch_up(merchant, &config.reports).await;
                heart.beat();
            }
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return,
                Ok(()) = ticks.changed() => {}
                Ok(()) = self.config.changed() => {}
                () = tokio::time::sleep(at_least_every) => {}
            }
        }
    }

    /// Writes every report that is due, the oldest night first.
    async fn catch_up(&self, merchant: &MerchantConfig, directory: &Path) {
        for _ in 0..CATCH_UP_MAX {
            match self.write_next(merchant, directory).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(error = %format!("{error:#}"), merchant = %merchant.id, "Cannot write the report of {}; it stays due", merchant.id);
                    self.shared.metrics.report_failure(&merchant.id);
                    return;
                }
            }
        }
    }

    /// Writes the oldest report that is due; whether there was one.
    async fn write_next(&self, merchant: &MerchantConfig, directory: &Path) -> anyhow::Result<bool> {
        let (store, now) = (&self.shared.store, self.shared.clock().now());
        let last = store.last_report_slot(&merchant.id, now).await?;
        let Some(slot) = due_slot(merchant, last, now) else {
            return Ok(false);
        };
        let day = BusinessDay::last_ended(slot, &merchant.zone, merchant.report.cut_off)?;
        let date = day.date;
        let report = draw::draw(store, merchant, day, now).await?;
        let directory = directory.to_owned();
        let (findings, written) = self
            .shared
            .setting
            .errands
            .run(move || (report.findings.len(), report::write(&report, &directory)))
            .await?;
        let page = written?.html;
        store.record_report(&merchant.id, slot, now).await?;
        tracing::info!(merchant = %merchant.id, %date, findings, page = %page.display(), "Report of {} for {date} written", merchant.id);
        Ok(true)
    }
}

/// The first nightly slot after `last`, if it has come.
fn due_slot(merchant: &MerchantConfig, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
    merchant.report.at.next_after(&merchant.zone, last).filter(|slot| *slot <= now)
}
