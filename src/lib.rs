//! `reconciled`: what became of every order's money.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod gateway;
pub mod intake;
pub mod metrics;
pub mod progress;
pub mod report;
pub mod sandbox;
pub mod store;
pub mod systemd;
