//! The minute bell: the only user of tokio-cron-scheduler, and of chrono through it.
//!
//! It is a bell and nothing more. Its jobs freeze a zone to the offset of their creation, skip what was due while the
//! process was down, and overlap; so what is due is computed in the merchant's zone, kept in the database, and only
//! looked at when this rings.

use tokio::sync::watch;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// At the first second of every minute.
const EVERY_MINUTE: &str = "0 * * * * *";

/// Why there is no bell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(JobSchedulerError);

impl From<JobSchedulerError> for ScheduleError {
    fn from(cause: JobSchedulerError) -> Self {
        Self(cause)
    }
}

/// Rings once a minute until it is stopped.
pub(super) struct MinuteBell {
    scheduler: JobScheduler,
    rung: watch::Receiver<u64>,
}

impl MinuteBell {
    pub(super) async fn start() -> Result<Self, ScheduleError> {
        let scheduler = JobScheduler::new().await?;
        let (ring, rung) = watch::channel(0_u64);
        let job = Job::new(EVERY_MINUTE, move |_, _| ring.send_modify(|count| *count = count.wrapping_add(1)))?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, rung })
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.rung.clone()
    }

    pub(super) async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!(%error, "The cron scheduler did not stop by itself");
        }
    }
}

impl std::fmt::Debug for MinuteBell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MinuteBell").finish_non_exhaustive()
    }
}
