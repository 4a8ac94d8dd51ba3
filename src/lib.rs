//! `reconciled`: what became of every order's money.

pub mod clock;
pub mod domain;
pub mod sandbox;
pub mod store;
