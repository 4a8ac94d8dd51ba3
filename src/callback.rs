//! A bank's callback: what it says, and whether the bank said it.
//!
//! The gateway tells the shop of an operation by a request with its parameters in the query or in a form. A checksum
//! over all of them is its only proof. Whatever a callback says, it is a hint (R11): it makes a look due, and the look
//! tells.
//!
//! Read in this order: [`params`] (what was received), [`checksum`] (who sent it), then this file (what is read of it).

pub mod checksum;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod params;

#[cfg(test)]
mod tests;

pub use checksum::{Hash, Key};
pub use params::{Malformed, Params};

use crate::domain::order::{ORDER_NUMBER_LONGEST, OrderId, OrderNumber};

/// What a callback of the bank's names. Its `operation` and `status` are left unread: only a look tells what became of
/// an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// `mdOrder`: the gateway's id. Callbacks about a stored card alone have none.
    pub order_id: Option<OrderId>,
    /// `orderNumber`: the shop's.
    pub order_number: Option<OrderNumber>,
}

/// Why a request is no callback of the bank's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read as parameters.
    Malformed(Malformed),
    /// Its checksum is missing, or not that of its parameters.
    Forged,
}

/// Reads what a request carried in its query and in its form, and holds it to `key`.
pub fn read(query: &[u8], form: &[u8], key: &Key) -> Result<Callback, Refused> {
    let params = Params::read(query, form).map_err(Refused::Malformed)?;
    let checksum = params.get("checksum").ok_or(Refused::Forged)?;
    if !key.verifies(&params.signed_text(), checksum) {
        return Err(Refused::Forged);
    }
    let text = |name| params.get(name).and_then(|value| std::str::from_utf8(value).ok());
    Ok(Callback {
        order_id: text("mdOrder").and_then(|id| OrderId::new(id).ok()),
        order_number: text("orderNumber").and_then(|number| OrderNumber::new(number, ORDER_NUMBER_LONGEST).ok()),
    })
}
