//! Signals of the operating system, as messages: stop, and read the configuration again.
//!
//! A first SIGTERM or SIGINT stops gracefully; a second ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use tokio::sync::mpsc;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// How a process that was told twice to stop exits: 128 and the number of SIGTERM, as a shell reports it.
const EXIT_AT_ONCE: i32 = 128 + SIGTERM;

/// A limit on the size of files then fails a write, which is told and survived, and no longer kills the process without
/// a word.
pub(super) fn outlive_file_limit() -> io::Result<()> {
    flag::register(SIGXFSZ, Arc::default()).map(drop)
}

/// Starts listening for signals.
pub(super) fn listen() -> io::Result<mpsc::UnboundedReceiver<Asked>> {
    let asked_before = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag down and raises it, the second finds it up.
        flag::register_conditional_shutdown(signal, EXIT_AT_ONCE, Arc::clone(&asked_before))?;
        flag::register(signal, Arc::clone(&asked_before))?;
    }
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let (tell, told) = mpsc::unbounded_channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let asked = if signal == SIGHUP { Asked::Reload } else { Asked::Stop };
            if tell.send(asked).is_err() {
                return;
            }
        }
    })?;
    Ok(told)
}
