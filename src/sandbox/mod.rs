//! A small bank.
