//! Where an endpoint may be: which addresses are the internet's, and which lead back into our own house.
//!
//! Whoever writes the configuration is trusted, but a name in it may be pointed elsewhere by whoever keeps the name: at
//! this host's own services, at the neighbours' or at a cloud's metadata, which hands out keys to whoever asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// On the internet.
    Public,
    /// On this host or in a private network: a shop may be there if its merchant says so.
    Private,
    /// Where no shop ever is: links without a router, which is where metadata services are, groups of hosts, addresses
    /// that lead nowhere or are set aside.
    Never,
}

/// Where one endpoint may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On the internet alone.
    Public,
    /// There, on this host and in private networks.
    Anywhere,
    /// On this host and in private networks alone: what goes there is not encrypted.
    Private,
}

impl Reach {
    /// Whether an endpoint may be at `address`.
    pub fn includes(self, address: IpAddr) -> bool {
        match (self, Region::of(address)) {
            (_, Region::Never) => false,
            (Self::Public, region) => region == Region::Public,
            (Self::Anywhere, _) => true,
            (Self::Private, region) => region == Region::Private,
        }
    }
}

impl Region {
    /// The region of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Region {
    match address.octets() {
        [127 | 10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Region::Private,
        // Alibaba's metadata service, in the midst of what providers share among their customers.
        [100, 100, 100, 200] => Region::Never,
        [100, 64..=127, ..] => Region::Private,
        [0 | 224..=255, ..] | [169, 254, ..] => Region::Never,
        // Set aside: for protocols, documentation and benchmarks.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18 | 19, ..] => Region::Never,
        _ => Region::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Region {
    /// The metadata service of AWS.
    const METADATA: [u16; 8] = [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254];
    match address.segments() {
        METADATA => Region::Never,
        [0, 0, 0, 0, 0, 0, 0, 1] => Region::Private,
        // An IPv4 address in other clothes: mapped, compatible, translated (NAT64) or tunnelled (6to4).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => of_v4(embedded(high, low)),
        [0xfc00..=0xfdff, ..] => Region::Private,
        // Global addresses but for documentation, benchmarks and Teredo.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Region::Never,
        [0x2000..=0x3fff, ..] => Region::Public,
        _ => Region::Never,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}
