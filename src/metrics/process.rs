//! The process itself, read from /proc when it is scraped.

use prometheus::{Counter, IntGauge};

use crate::domain::time::Timestamp;

use super::family::Family;
use super::{seconds, whole};

/// Fewer lines than the crate's own collector, and fractions of CPU
/// seconds besides.
#[derive(Clone, Debug)]
pub(super) struct ProcessGauges {
    cpu_seconds: Counter,
    resident_bytes: IntGauge,
    open_fds: IntGauge,
}

impl ProcessGauges {
    pub(super) fn new(of: &Family<'_>, started_at: Timestamp) -> Result<Self, prometheus::Error> {
        let build = of.gauges("reconciled_build_info", "The version that runs.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let started = of.float("process_start_time_seconds", "When the process started.")?;
        started.set(seconds(Some(started_at)));
        Ok(Self {
            cpu_seconds: of.counter("process_cpu_seconds_total", "CPU time used by the process.")?,
            resident_bytes: of.whole("process_resident_memory_bytes", "Memory of the process that is in RAM.")?,
            open_fds: of.whole("process_open_fds", "File descriptors that the process has open.")?,
        })
    }

    /// Leaves a gauge as it was where /proc does not answer.
    pub(super) fn read(&self) {
        if let Some(cpu) = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_seconds(&stat)) {
            self.cpu_seconds.inc_by((cpu - self.cpu_seconds.get()).max(0.0));
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kib) = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(first_number) {
            self.resident_bytes.set(kib.saturating_mul(1_024));
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            self.open_fds.set(whole(open.count() as u64));
        }
    }
}

/// User and system time, fields 14 and 15 of /proc/self/stat, in clock ticks of a hundredth of a second on every Linux.
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field, the program's name in brackets, may hold blanks.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some((f64::from(ticks()?) + f64::from(ticks()?)) / 100.0)
}

fn first_number(text: &str) -> Option<i64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}
