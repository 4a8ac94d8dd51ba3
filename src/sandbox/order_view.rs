//! What outsiders may see of an order.

use serde::Serialize;

use super::order::{Order, State};
use super::payment::Payment;

/// One order as the bank's book has it: what a judge compares everybody else's records with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// The gateway's id.
    pub order_id: String,
    /// The store's number.
    pub order_number: String,
    /// The store.
    pub login: String,
    /// Minor units, as registered.
    pub amount_minor: i64,
    /// ISO 4217 number.
    pub currency: &'static str,
    /// Whether paying holds rather than takes.
    pub two_phase: bool,
    /// `orderStatus`: 0 registered, 1 held, 2 deposited, 3 reversed, 4 refunded, 5 in authentication, 6 declined.
    pub status: u8,
    /// Held or authorised.
    pub approved_minor: i64,
    /// Taken.
    pub deposited_minor: i64,
    /// Given back.
    pub refunded_minor: i64,
    /// Points held or authorised, of all programmes.
    pub points_approved: i64,
    /// Points taken.
    pub points_deposited: i64,
    /// Points given back.
    pub points_refunded: i64,
    /// How many times a deposit took effect.
    pub deposits: u32,
    /// How many times money was given back.
    pub refunds: usize,
    /// How many payment attempts the issuer refused.
    pub failed_attempts: u8,
    /// Whether the buyer's bank takes the money back.
    pub charged_back: bool,
    /// When the store registered it.
    pub registered_at_ms: i64,
    /// When a buyer's payment was authorised.
    pub paid_at_ms: Option<i64>,
    /// When the session expires or the hold ends by itself, while either can.
    pub runs_out_at_ms: Option<i64>,
    /// When it was deposited, declined or reversed.
    pub ended_at_ms: Option<i64>,
}

impl Order {
    /// What outsiders may see of it.
    pub(super) fn view(&self) -> OrderView {
        let ended_at_ms = match self.state {
            State::Deposited { at_ms, .. } | State::Declined { at_ms, .. } | State::Reversed { at_ms, .. } => {
                Some(at_ms)
            }
            State::Registered { .. } | State::Authenticating { .. } | State::Held { .. } => None,
        };
        let payment = self.state.payment();
        OrderView {
            order_id: self.id.clone(),
            order_number: self.registration.order_number.clone(),
            login: self.registration.login.clone(),
            amount_minor: self.registration.amount_minor,
            currency: self.registration.currency.number,
            two_phase: self.registration.two_phase,
            status: self.state.status(),
            approved_minor: self.approved_minor(),
            deposited_minor: self.deposited_minor(),
            refunded_minor: self.refunded_minor(),
            points_approved: payment.map_or(0, Payment::points_approved),
            points_deposited: payment.map_or(0, Payment::points_deposited),
            points_refunded: payment.map_or(0, Payment::points_refunded),
            deposits: self.deposits,
            refunds: self.refunds().count(),
            failed_attempts: self.failed_attempts,
            charged_back: self.charged_back,
            registered_at_ms: self.registered_at_ms,
            paid_at_ms: payment.map(|payment| payment.at_ms),
            runs_out_at_ms: self.state.runs_out_at_ms(),
            ended_at_ms,
        }
    }
}
