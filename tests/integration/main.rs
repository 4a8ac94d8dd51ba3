//! The real thing: daemon, database, sandbox and command line, each across its real border.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod cli;
mod fixture;
mod house;
mod integrity;
mod journey;
mod process;
mod reload;
mod report;
mod review;
mod schedule;
