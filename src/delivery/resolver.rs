//! Names to addresses, of which those are left out where the endpoint may not be.
//!
//! The name is looked up for each connection, and what is connected to is what was judged here: whoever keeps the name
//! cannot show one address to a check and another to the connection.

use std::fmt;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::delivery::address::Reach;

/// The host's own resolver, and what of its answers counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver {
    pub(super) reach: Reach,
}

/// A name leads to addresses alone where the endpoint may not be.
#[derive(Debug)]
pub(super) struct Forbidden {
    reach: Reach,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reach {
            Reach::Public => "its name leads to no address of the internet; if the shop is in a private network, say allow_private = true",
            Reach::Anywhere => "its name leads to no address where a shop may be",
            Reach::Private => "its name does not lead to this host or a private network; use https",
        })
    }
}

impl std::error::Error for Forbidden {}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(allowed(found, reach)?.into_iter()) as Addrs)
        })
    }
}

/// Those of `found` where the endpoint may be.
pub(super) fn allowed(mut found: Vec<SocketAddr>, reach: Reach) -> Result<Vec<SocketAddr>, Forbidden> {
    let was_found = !found.is_empty();
    found.retain(|address| reach.includes(address.ip()));
    if was_found && found.is_empty() { Err(Forbidden { reach }) } else { Ok(found) }
}
