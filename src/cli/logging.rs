//! Where log lines go: to standard error, in words on a terminal, as JSON lines elsewhere.
//!
//! `RECONCILED_LOG` chooses what is logged: a level for our own lines (`debug`), or targets with levels
//! (`info,reconciled::gateway=debug`). The libraries' lines are in their own words, so they have to be asked for by
//! name.

use std::fs::File;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that chooses what is logged.
const VARIABLE: &str = "RECONCILED_LOG";

/// Sets up logging for a daemon. The error names what is wrong with the variable.
pub(super) fn start() -> anyhow::Result<()> {
    let targets = targets()?;
    let registry = tracing_subscriber::registry().with(targets);
    if stderr().is_terminal() {
        registry.with(tracing_subscriber::fmt::layer().with_writer(stderr).with_target(false)).try_init()?;
    } else {
        let layer = tracing_subscriber::fmt::layer().with_writer(stderr).json().flatten_event(true);
        registry.with(layer.with_current_span(false).with_span_list(false)).try_init()?;
    }
    Ok(())
}

/// Sets up logging into a new file, for the demo, whose terminal has better things to show.
pub(super) fn start_to_file(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write the log {}", path.display()))?;
    let layer = tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_ansi(false).with_target(false);
    tracing_subscriber::registry().with(targets()?).with(layer).try_init()?;
    Ok(())
}

fn targets() -> anyhow::Result<Targets> {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    targets_of(&text)
        .map_err(|error| anyhow::anyhow!("{VARIABLE}={text:?} is no filter ({error}); give a level such as `debug`"))
}

/// Our own lines from the level given on, else from `info`; the libraries' from `warn` on, unless they are named or
/// nobody wants to hear so much of us either.
fn targets_of(text: &str) -> Result<Targets, ParseError> {
    let asked: Targets = if text.trim().is_empty() { Targets::new() } else { text.parse()? };
    let ours = asked.default_level().unwrap_or(LevelFilter::INFO);
    let usual = Targets::new().with_default(ours.min(LevelFilter::WARN)).with_target("reconciled", ours);
    Ok(usual.with_targets(asked.iter().map(|(target, level)| (target.to_owned(), level))))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    const OURS: &str = "reconciled::daemon::poller";
    const GATEWAY: &str = "reconciled::gateway";
    const SCHEDULER: &str = "tokio_cron_scheduler";

    /// The bug: `info` let in the scheduler's "Uninited".
    #[test]
    fn a_level_is_for_our_own_lines() {
        let table = [
            ("", [Some(Level::INFO), Some(Level::INFO), Some(Level::WARN)]),
            (" info ", [Some(Level::INFO), Some(Level::INFO), Some(Level::WARN)]),
            ("trace", [Some(Level::TRACE), Some(Level::TRACE), Some(Level::WARN)]),
            ("error", [Some(Level::ERROR), Some(Level::ERROR), Some(Level::ERROR)]),
            ("off", [None, None, None]),
            ("reconciled::gateway=debug", [Some(Level::INFO), Some(Level::DEBUG), Some(Level::WARN)]),
            ("warn,reconciled::gateway=debug", [Some(Level::WARN), Some(Level::DEBUG), Some(Level::WARN)]),
            ("tokio_cron_scheduler=info", [Some(Level::INFO), Some(Level::INFO), Some(Level::INFO)]),
        ];
        for (text, expected) in table {
            let targets = targets_of(text).unwrap();
            assert_eq!([OURS, GATEWAY, SCHEDULER].map(|target| most(&targets, target)), expected, "{text:?}");
        }
        assert!(targets_of("reconciled=loud").is_err());
    }

    /// The most that is let through of a target.
    fn most(targets: &Targets, target: &str) -> Option<Level> {
        let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
        levels.into_iter().find(|level| targets.would_enable(target, level))
    }
}
