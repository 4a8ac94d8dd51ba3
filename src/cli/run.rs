//! `reconciled run`: the daemon, from its configuration to its last word to systemd.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::config::{Config, ConfigError, Effect};
use crate::daemon::{Daemon, Stopped};
use crate::domain::order::State;
use crate::systemd;

use super::core_dumps;
use super::logging;
use super::signals::{self, Asked};

/// How often the status line is written when there is no watchdog to feed.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// Runs the daemon until a signal stops it.
pub(super) async fn run(path: &Path) -> anyhow::Result<()> {
    // Before the first secret is read.
    let kept = core_dumps::forbid();
    let config = Config::load(path)?;
    logging::start()?;
    if let Err(error) = kept {
        tracing::warn!(%error, "Core dumps cannot be forbidden; one would have the bank's passwords in it");
    }
    let signals = signals::listen()?;
    let merchants = config.merchants.len();
    let path = config.path.clone();
    let daemon = Daemon::start(config).await?;
    let address = daemon.address();
    tracing::info!(%address, merchants, version = env!("CARGO_PKG_VERSION"), "Ready: {merchants} merchant(s), HTTP on {address}");
    systemd::ready(&status_line(&daemon).await);
    At { path, daemon, signals }.work().await
}

/// The daemon at work, and who may interrupt it.
struct At {
    path: PathBuf,
    daemon: Daemon,
    signals: mpsc::UnboundedReceiver<Asked>,
}

impl At {
    async fn work(mut self) -> anyhow::Result<()> {
        let mut rounds = tokio::time::interval(systemd::watchdog_interval().unwrap_or(STATUS_EVERY));
        loop {
            tokio::select! {
                asked = self.signals.recv() => match asked {
                    Some(Asked::Reload) => self.reload().await,
                    Some(Asked::Stop) | None => break,
                },
                why = self.daemon.failed() => {
                    tracing::error!("Stopping: {why}");
                    self.stop().await;
                    anyhow::bail!("{why}");
                }
                _ = rounds.tick() => self.report_progress().await,
            }
        }
        tracing::info!("Stopping: finishing what is in hand");
        self.stop().await;
        Ok(())
    }

    /// Feeds the watchdog only while every worker makes progress.
    async fn report_progress(&self) {
        let stalled = self.daemon.progress().stalled();
        for stalled in &stalled {
            tracing::error!(worker = %stalled.worker, silent_s = stalled.silent_for.as_secs(), "The {} is stalled", stalled.worker);
        }
        if stalled.is_empty() {
            systemd::feed_watchdog();
            systemd::status(&status_line(&self.daemon).await);
        }
    }

    /// Says what changed, or why nothing did.
    async fn reload(&mut self) {
        systemd::reloading();
        match Config::load(&self.path) {
            Ok(config) => self.apply(config).await,
            Err(error) => {
                tracing::error!("The configuration was not reloaded, and the old one goes on: {}", one_line(&error));
            }
        }
        systemd::ready(&status_line(&self.daemon).await);
    }

    async fn apply(&mut self, config: Config) {
        match self.daemon.reload(config).await {
            Ok(changes) if changes.is_empty() => tracing::info!("The configuration was reloaded; nothing changed"),
            Ok(changes) => {
                for change in changes {
                    match change.effect {
                        Effect::AtOnce => {
                            tracing::info!(key = %change.key, "The configuration was reloaded: `{}` changed", change.key);
                        }
                        Effect::NeedsRestart => {
                            tracing::warn!(key = %change.key, "`{}` changed, which takes a restart", change.key);
                        }
                    }
                }
            }
            Err(error) => tracing::error!(%error, "The configuration was not reloaded, and the old one goes on"),
        }
    }

    async fn stop(self) {
        systemd::stopping();
        match self.daemon.stop().await {
            Stopped::Finished => tracing::info!("Stopped; everything in hand was finished"),
            Stopped::GraceOver => {
                tracing::warn!("Stopped; the grace ran out, and what was in hand is found again at the next start");
            }
        }
    }
}

/// A log line is one line.
fn one_line(error: &ConfigError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What `systemctl status` shows.
async fn status_line(daemon: &Daemon) -> String {
    let mut counts = [0_u64; State::ALL.len()];
    for figures in daemon.figures().await {
        for (count, state) in counts.iter_mut().zip(State::ALL) {
            *count = count.saturating_add(figures.orders_in(state).count);
        }
    }
    let open = State::ALL.into_iter().zip(counts).filter(|(state, _)| !state.is_end());
    let words: Vec<String> = open.map(|(state, count)| format!("{count} {state}")).collect();
    words.join(", ")
}
