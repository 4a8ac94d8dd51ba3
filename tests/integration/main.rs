//! The real thing: daemon, database, sandbox and command line, each across its real border.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod answers;
mod both_wires;
mod budget;
mod callbacks;
mod child;
mod cli;
mod clients;
mod crash_points;
mod discovery;
mod door;
mod fixture;
mod foreign_bank;
mod gateway_faults;
mod held_back;
mod hostile;
mod holds;
mod house;
mod integrity;
mod journey;
mod judge;
mod kill;
mod money;
mod outage;
mod process;
mod registration;
mod reload;
mod report;
mod review;
mod schedule;
mod stopped;
mod tls_faults;
mod verbs;
mod storage;
mod wires;
