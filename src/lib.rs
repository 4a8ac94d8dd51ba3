//! `reconciled`: what became of every order's money.

pub mod sandbox;
