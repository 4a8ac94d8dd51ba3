//! The whole of it in virtual time: the real daemon on a real database, against the sandbox's bank, through months of
//! bad luck in a second.
//!
//! ```text
//!             ┌──────────── world: one seed, one thread, one runtime whose clock stands still while all wait ─────────┐
//!  seed ─▶ plan ─▶ agenda ─▶ cast: shop, buyers, clerk, operator, rival                                               │
//!             │                │ rows            │ book                                                               │
//!             │   crash,       ▼                 ▼                                                                    │
//!             │   restart ─▶ daemon ──HTTP over pipes──▶ bank (faults, outages)                                       │
//!             └───────────────┬──────────────────┬────────────────────────────────────────────────────────────────────┘
//!                     our database          the ledger   and what clients were told ─▶ evidence ─▶ checker, cover, log
//! ```
//!
//! A seed fixes everything: the merchant's policy, the orders, what each actor does and when, which faults strike how
//! often (a swarm: some kinds not at all, some every other time), where the process dies. Running a seed again gives
//! the same log, byte for byte. The checker is a set of queries over what clients were told, our database and the
//! bank's ledger; each must find nothing.
//!
//! Some orders are registered by their shop, and told to the daemon; some the daemon registers. Only the HTTP face is
//! left out: the shop and the operator write rows as it does. Nothing here decides anything about money.
//!
//! Where a seed has an endpoint of the shop's, the daemon tells it what happens, and it is away for days, or fails, as
//! such are; what it heard is evidence too.
//!
//! Read in this order: `plan` (with `policy` and `swarm`), `world`, `cast`, `endpoint`, `evidence`, `checker`, `cover`,
//! `log`, `run` (one seed), `campaign` (many).

mod backlog;
mod campaign;
mod cast;
mod checker;
mod cover;
mod endpoint;
mod evidence;
mod log;
pub mod looks;
mod network;
mod plan;
mod policy;
mod reaper;
mod run;
mod swarm;
#[cfg(test)]
mod tests;
mod world;

pub use campaign::{Campaign, Findings, Progress, Task};
pub use checker::Violation;
pub use cover::Cover;
pub use run::{Outcome, replay};

/// How much of a life is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Days.
    pub days: u32,
    /// Orders.
    pub orders: usize,
    /// Misfortunes beyond the usual.
    pub extras: Extras,
}

/// Misfortunes that may be left out, to see what the others do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Old copies of the database are put back.
    pub restored_backups: bool,
    /// The host's wall clock is set forward and back, and the host sleeps.
    pub clock_steps: bool,
}
