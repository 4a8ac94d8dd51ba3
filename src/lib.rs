//! `reconciled`: what became of every order's money.

pub mod domain;
pub mod report;
pub mod sandbox;
