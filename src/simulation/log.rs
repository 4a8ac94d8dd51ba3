//! The log of a seed: every deed, every line of the bank's ledger, every event of our journal, and its hash.
//!
//! Two runs of a seed must give the same bytes. It is kept only when somebody wants to read it.

/// Takes lines.
#[derive(Debug)]
pub(super) struct Log {
    hash: u64,
    kept: Option<String>,
}

/// FNV-1a, 64 bit: it tells two logs apart, and nobody forges one.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl Log {
    /// A log that only hashes.
    pub(super) const fn hashing() -> Self {
        Self { hash: OFFSET, kept: None }
    }

    /// A log that keeps its lines as well.
    pub(super) const fn keeping() -> Self {
        Self { hash: OFFSET, kept: Some(String::new()) }
    }

    /// Takes a line that happened so many milliseconds after the beginning.
    pub(super) fn line(&mut self, at_ms: i64, who: &str, words: &str) {
        let line = format!("{at_ms:>11} {who:<8} {words}\n");
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
        if let Some(kept) = &mut self.kept {
            kept.push_str(&line);
        }
    }

    /// The hash of all lines so far.
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines, when they were kept.
    pub(super) fn into_kept(self) -> Option<String> {
        self.kept
    }
}
