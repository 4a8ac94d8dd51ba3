//! Runs of the simulation, as many at once as there are cores.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reconciled::config::Budget;
use reconciled::simulation::looks::{Callbacks, Findings, Task, Workload, run};

/// Requests that may be saved up.
pub(crate) const BURST: f64 = 5.0;

/// The daemon's own policy at so many requests a second.
pub(crate) fn learned(workload: &Arc<Workload>, rate: f64) -> std::io::Result<Findings> {
    at(workload, rate, None)
}

/// As many at once as anybody may want: others' schedules are not limited either.
const AMPLE: f64 = 50.0;

/// The daemon's own policy with so many requests in any 24 hours, whenever it likes.
pub(crate) fn within(workload: &Arc<Workload>, daily: NonZeroU32) -> std::io::Result<Findings> {
    at(workload, AMPLE, Some(daily))
}

fn at(workload: &Arc<Workload>, rate: f64, daily: Option<NonZeroU32>) -> std::io::Result<Findings> {
    let budget = Budget {
        period: Duration::from_secs_f64(1.0 / rate),
        burst: NonZeroU32::MIN.saturating_add(4),
        in_flight: NonZeroUsize::MIN.saturating_add(15),
        reserve: 0,
        daily,
    };
    run(&Task { workload: Arc::clone(workload), budget, schedule: None, outage: None, callbacks: Callbacks::default() })
}

/// What `work` makes of each, in their order.
pub(crate) fn at_once<T: Sync, R: Send>(
    wanted: &[T],
    work: impl Fn(&T) -> std::io::Result<R> + Sync,
) -> std::io::Result<Vec<R>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let Some(wanted) = wanted.get(nth) else { break };
                    let made = work(wanted);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((nth, made));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(nth, _)| *nth);
    done.into_iter().map(|(_, made)| made).collect()
}
