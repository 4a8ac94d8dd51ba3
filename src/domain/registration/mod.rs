//! Registering an order at the bank: what is asked of it, and how it goes (register.do, registerPreAuth.do).
//!
//! A registration is written down before it is sent, and the bank takes a number once. So a lost answer, a crash and a
//! number that the bank calls a duplicate are one state, and one question by the number ends it ([`journey`]). What is
//! lost with an answer is the address of the payment page: nothing else can tell it, and nothing here makes one up.
//!
//! Everything that can be checked is checked before anything is sent, and every problem is told at once ([`read()`]).
//! The parameters have the bank's names in our spelling; what the bank takes as one JSON text (`order_bundle`,
//! `additional_ofd_params`, `billing_payer_data`) is written as the bank writes it.

#![deny(clippy::float_arithmetic)]

mod cart;
mod decimal;
mod document;
pub mod journey;
mod ofd;
mod problem;
mod read;
mod rules;
mod section;
mod tree;

#[cfg(test)]
mod tests;

pub use cart::{CartItem, OrderBundle, Values};
pub use decimal::Quantity;
pub use document::{differences, moscow, values, without_personal_data};
pub use problem::{Flaw, Problem};
pub use read::{Table, Terms, passed, read};
pub use tree::Tree;

use std::time::Duration;

use super::money::{Amount, Currency};
use super::operation::CompletionAmount;
use super::order::OrderNumber;
use super::time::Timestamp;

/// Everything that a shop can ask the bank for when it registers an order, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The shop's number.
    pub number: OrderNumber,
    /// The price.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Whether the amount is held first and taken later (registerPreAuth.do).
    pub two_phase: bool,
    /// What a completion shall take; ours alone, the bank does not hear of it.
    pub completion: CompletionAmount,
    /// Where the buyer goes after paying.
    pub return_url: String,
    /// Where the buyer goes after a payment that failed.
    pub fail_url: Option<String>,
    /// Where the bank reports this order's payment.
    pub dynamic_callback_url: Option<String>,
    /// For the buyer, and for the bank's statements.
    pub description: Option<String>,
    /// Of the payment page.
    pub language: Option<String>,
    /// Which payment page.
    pub page_view: Option<String>,
    /// The buyer's id in the shop, for cards the bank keeps.
    pub client_id: Option<String>,
    /// The child merchant for which the order is registered.
    pub merchant_login: Option<String>,
    /// The shop's own parameters.
    pub params: Vec<(String, String)>,
    /// How long the buyer may take.
    pub life: Option<Life>,
    /// A card that the bank keeps.
    pub binding_id: Option<String>,
    /// Features, such as `FORCE_TDS`.
    pub features: Vec<String>,
    /// The buyer's.
    pub email: Option<String>,
    /// The buyer's.
    pub phone: Option<String>,
    /// The buyer's.
    pub post_address: Option<String>,
    /// The shop's tax system.
    pub tax_system: Option<u8>,
    /// When the bank completes the hold by itself.
    pub autocompletion_at: Option<Timestamp>,
    /// The buyer's address as the issuer knows it.
    pub billing_payer_data: Values,
    /// What the receipt says besides.
    pub additional_ofd_params: Values,
    /// The cart.
    pub order_bundle: Option<OrderBundle>,
}

/// How long an order waits for its payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// So many seconds from its registration.
    Seconds(u64),
    /// Until then.
    Until(Timestamp),
}

impl Request {
    /// When the payment page closes if the order is registered at `now`; `None` when the merchant's settings at the
    /// bank decide.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.life? {
            Life::Seconds(seconds) => Some(now.plus(Duration::from_secs(seconds))),
            Life::Until(at) => Some(at),
        }
    }
}
