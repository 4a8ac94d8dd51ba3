//! What a sandbox is started with.
//!
//! Only values: nothing here reads arguments or files, that is the business of whoever starts the sandbox.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use super::contract::Contract;
use super::{Buyers, FaultRule};

/// How the bank is set up. `Settings::default()` is a bank on a free loopback port that lets anybody in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The only login let in; `None` lets in every login with any password, each as a store of its own.
    pub login: Option<Login>,
    /// Fixes order ids, faults and buyers.
    pub seed: u64,
    /// Virtual buyers, if any shall come.
    pub buyers: Option<Buyers>,
    /// How long a buyer has to pay when the registration does not say.
    pub session_timeout: Duration,
    /// How long a hold lasts before the bank lets it go.
    pub hold_lifetime: Duration,
    /// The longest order number taken: 32 in the legacy gateway, 36 in later ones.
    pub order_number_max: usize,
    /// Whether a hold may be completed more than once, part after part, up to what is held: some gateways do, and there
    /// a completion that is sent twice takes money twice.
    pub part_after_part: bool,
    /// How often a buyer may try to pay before his order is closed.
    pub payment_attempts: u8,
    /// Whether an order that its store calls off (`decline.do`) is shown reversed, as at the legacy gateway, rather
    /// than declined.
    pub called_off_is_reversed: bool,
    /// Whether `getLastOrdersForMerchants.do` is there; newer gateways dropped it.
    pub last_orders: bool,
    /// What is agreed with a store that has no contract of its own.
    pub contract: Contract,
    /// The stores that have one.
    pub contracts: BTreeMap<String, Contract>,
    /// How long after a callback that failed the next attempt follows; the wait doubles each time.
    pub callback_first_wait: Duration,
    /// Faults in force from the start.
    pub faults: Vec<FaultRule>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            login: None,
            seed: 0,
            buyers: None,
            // The gateway's documented default, 20 minutes.
            session_timeout: Duration::from_secs(1_200),
            // No bank publishes a number; a week is the order of magnitude that card schemes allow.
            hold_lifetime: Duration::from_secs(7 * 24 * 3_600),
            order_number_max: 32,
            part_after_part: false,
            // Every order has three, says one gateway.
            payment_attempts: 3,
            called_off_is_reversed: true,
            last_orders: true,
            contract: Contract::default(),
            contracts: BTreeMap::new(),
            // No gateway publishes its schedule but one (a minute): short enough to be watched.
            callback_first_wait: Duration::from_secs(5),
            faults: Vec::new(),
        }
    }
}

/// The credentials of one store.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// `userName` of every request.
    pub user_name: String,
    /// `password` of every request.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

/// A login was not written as `USER:PASSWORD`. The text is not repeated: half of it is a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a login is written USER:PASSWORD, and neither half may be empty")]
pub struct LoginFormat;

impl FromStr for Login {
    type Err = LoginFormat;

    /// The first colon divides, so that a password may contain colons.
    fn from_str(text: &str) -> Result<Self, LoginFormat> {
        let (user_name, password) = text.split_once(':').ok_or(LoginFormat)?;
        if user_name.is_empty() || password.is_empty() {
            return Err(LoginFormat);
        }
        Ok(Login { user_name: user_name.to_owned(), password: password.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_divides_a_login() {
        let login: Login = "shop-api:a:b".parse().unwrap();
        assert_eq!((&*login.user_name, &*login.password), ("shop-api", "a:b"));
        for bad in ["", "shop-api", ":secret", "shop-api:"] {
            assert_eq!(bad.parse::<Login>(), Err(LoginFormat), "{bad}");
        }
    }

    #[test]
    fn a_login_never_shows_its_password() {
        let login: Login = "shop-api:hunter2".parse().unwrap();
        let shown = format!("{login:?} {:?}", Settings { login: Some(login.clone()), ..Settings::default() });
        assert!(shown.contains("shop-api") && !shown.contains("hunter2"), "{shown}");
    }
}
