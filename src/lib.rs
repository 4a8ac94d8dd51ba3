//! `reconciled`: what became of every order's money.

pub mod clock;
pub mod config;
pub mod domain;
pub mod gateway;
pub mod metrics;
pub mod sandbox;
pub mod store;
