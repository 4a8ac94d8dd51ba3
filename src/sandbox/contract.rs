//! What the bank has agreed with one store: the version of its status answers, and where and how it is called back.
//!
//! Values only. At the real gateway support sets these; here the settings do, and the control room while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::seal::Seal;

/// The newest version of the status answer that any public document names.
pub const NEWEST_STATUS_VERSION: u8 = 46;

/// The terms of one store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Contract {
    /// Which set of fields `getOrderStatusExtended` answers with: 1 has no amounts beside the order's own, 46 has all.
    pub status_version: u8,
    /// Whether the status answer lists `operations`; only some gateways can.
    pub operations: bool,
    /// Whether `depositedAmount` shrinks with every refund. No document shows an order after one;
    /// `expectedDepositedAmount` is compared with what is shown, and guards against a second refund only where it
    /// shrinks.
    pub deposited_net_of_refunds: bool,
    /// Where the store is called back, if it is; an order's `dynamicCallbackUrl` is used even without.
    pub callback: Callback,
}

impl Default for Contract {
    fn default() -> Self {
        Contract {
            status_version: NEWEST_STATUS_VERSION,
            operations: true,
            deposited_net_of_refunds: false,
            callback: Callback::default(),
        }
    }
}

/// How a store is called back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Callback {
    /// The store's usual address, `http://` only: the sandbox speaks no TLS.
    pub url: Option<String>,
    /// In the query or in a form.
    pub method: CallbackMethod,
    /// What proves that it comes from the bank. It is told to nobody again.
    #[serde(skip_serializing)]
    pub seal: Seal,
    /// Whether the order's amount goes along, as where the store's console asks for it.
    pub amount: bool,
}

/// By which method a callback is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallbackMethod {
    /// Everything in the query: the gateway's usual way.
    #[default]
    Get,
    /// Everything in a form.
    Post,
}

/// The contracts of all stores.
#[derive(Debug, Clone, Default)]
pub(super) struct Contracts {
    /// For a store that has none of its own.
    pub(super) usual: Contract,
    pub(super) by_login: BTreeMap<String, Contract>,
}

/// More stores than a test has.
const CONTRACTS_MAX: usize = 1_000;

/// The bank keeps no more contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are already {CONTRACTS_MAX} contracts")]
pub struct TooManyContracts;

impl Contracts {
    /// The contract of a store.
    pub(super) fn of(&self, login: &str) -> &Contract {
        self.by_login.get(login).unwrap_or(&self.usual)
    }

    /// Sets one store's contract.
    pub(super) fn set(&mut self, login: String, contract: Contract) -> Result<(), TooManyContracts> {
        if self.by_login.len() >= CONTRACTS_MAX && !self.by_login.contains_key(&login) {
            return Err(TooManyContracts);
        }
        self.by_login.insert(login, contract);
        Ok(())
    }
}
