//! What systemd is told: ready, reloading, stopping, a status line, and a watchdog that is fed only while work goes on.
//!
//! Outside systemd every call is a no-op. A word that cannot be delivered is logged and forgotten: the daemon does not
//! depend on it.

use std::time::Duration;

use sd_notify::NotifyState;

/// Start-up is over, and `status` says in a line what the daemon does.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(moment) => tell(&[NotifyState::Reloading, moment]),
        Err(error) => tracing::debug!(%error, "Cannot read the monotonic clock for systemd"),
    }
}

/// What the daemon does just now, in a line.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// The daemon stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Work goes on.
pub fn feed_watchdog() {
    tell(&[NotifyState::Watchdog]);
}

/// How often the watchdog wants to be fed, half its limit; `None` when there is none.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "Cannot tell systemd");
    }
}
