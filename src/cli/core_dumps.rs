//! No core dumps: passwords and keys are in memory, and a core file carries them away.
//!
//! The unit says so too (`LimitCORE=0`), but not every daemon is started by it, and a limit does not bind a handler
//! that the kernel pipes the core to. A process that is not dumpable is not piped either, and nobody else of its user
//! may read its memory.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids them for this process.
pub(super) fn forbid() -> std::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_that_forbids_them_has_none() {
        super::forbid().unwrap();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    }
}
