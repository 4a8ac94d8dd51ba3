//! The minute bell: the only user of tokio-cron-scheduler, and of chrono through it.
//!
//! It is a bell and nothing more. Its jobs freeze a zone to the offset of their creation, skip what was due while the
//! process was down, and overlap; so what is due is computed in the merchant's zone, kept in the database, and only
//! looked at when this rings. In a simulation it rings on tokio's time, since cron knows only the host's.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
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
    ringer: Ringer,
    rung: watch::Receiver<u64>,
}

enum Ringer {
    Cron(JobScheduler),
    /// One task; it ends with the bell.
    Simulated(JoinSet<()>),
}

impl MinuteBell {
    pub(super) async fn start() -> Result<Self, ScheduleError> {
        let scheduler = JobScheduler::new().await?;
        let (ring, rung) = watch::channel(0_u64);
        let job = Job::new(EVERY_MINUTE, move |_, _| ring.send_modify(|count| *count = count.wrapping_add(1)))?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { ringer: Ringer::Cron(scheduler), rung })
    }

    /// Rings every so often on tokio's time.
    pub(super) fn simulated(every: Duration) -> Self {
        let (ring, rung) = watch::channel(0_u64);
        let mut ringer = JoinSet::new();
        ringer.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                ring.send_modify(|count| *count = count.wrapping_add(1));
            }
        });
        Self { ringer: Ringer::Simulated(ringer), rung }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.rung.clone()
    }

    pub(super) async fn stop(self) {
        match self.ringer {
            Ringer::Cron(mut scheduler) => {
                if let Err(error) = scheduler.shutdown().await {
                    tracing::debug!(%error, "The cron scheduler did not stop by itself");
                }
            }
            Ringer::Simulated(mut ringer) => ringer.shutdown().await,
        }
    }
}

impl std::fmt::Debug for MinuteBell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MinuteBell").finish_non_exhaustive()
    }
}
