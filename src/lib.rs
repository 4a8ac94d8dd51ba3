//! `reconciled`: what became of every order's money.

pub mod config;
pub mod domain;
pub mod sandbox;
