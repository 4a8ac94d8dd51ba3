//! Where log lines go: to standard error, in words on a terminal, as JSON lines elsewhere.
//!
//! `RECONCILED_LOG` chooses what is logged: a level (`debug`), or targets with levels
//! (`info,reconciled::gateway=debug`).

use std::fs::File;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
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

/// Our own lines from `info` on, the libraries' from `warn` on.
fn targets() -> anyhow::Result<Targets> {
    match std::env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => text.parse().map_err(|error| {
            anyhow::anyhow!("{VARIABLE}={text:?} is no filter ({error}); give a level such as `debug`")
        }),
        _ => Ok(Targets::new().with_default(LevelFilter::WARN).with_target("reconciled", LevelFilter::INFO)),
    }
}
