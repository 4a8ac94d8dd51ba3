//! `reconciled`: what became of every order's money.

pub mod domain;
pub mod sandbox;
