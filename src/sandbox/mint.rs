//! What the bank makes up: order ids, approval codes and references, all from the seed.

use super::payment::{CardSystem, Payment, Points};

/// The card a buyer uses, as far as anybody asks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Card {
    pub(super) system: CardSystem,
    /// Whether its issuer asked for a code.
    pub(super) three_ds: bool,
}

/// The source of everything random in the book.
#[derive(Debug)]
pub(super) struct Mint {
    chance: fastrand::Rng,
}

impl Mint {
    pub(super) fn new(seed: u64) -> Mint {
        let chance = fastrand::Rng::with_seed(seed);
        Mint { chance }
    }

    /// The issuer's word that a payment is good.
    pub(super) fn authorise(&mut self, card: Card, points: &[(String, i64)], at_ms: i64) -> Payment {
        let on_hold = |(programme, approved): &(String, i64)| Points {
            programme: programme.clone(),
            approved: *approved,
            deposited: 0,
            refunded: 0,
        };
        Payment {
            at_ms,
            card: card.system,
            three_ds: card.three_ds,
            points: points.iter().map(on_hold).collect(),
            approval_code: format!("{:06}", self.chance.u32(..1_000_000)),
            reference: format!("{:012}", self.chance.u64(..1_000_000_000_000)),
        }
    }

    /// 36 characters in the shape of a random UUID, as the gateway's ids are.
    pub(super) fn fresh_id(&mut self) -> String {
        let high = self.chance.u64(..) & !0xf000 | 0x4000;
        let low = self.chance.u64(..) >> 2 | 1 << 63;
        let (time, middle, version) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
        let (variant, node) = (low >> 48, low & 0xffff_ffff_ffff);
        format!("{time:08x}-{middle:04x}-{version:04x}-{variant:04x}-{node:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_uuids_and_follow_the_seed() {
        let id = |seed| Mint::new(seed).fresh_id();
        assert_eq!(id(7), id(7));
        assert_ne!(id(7), id(8));
        let parts: Vec<usize> = id(7).split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&id(7)[14..15], "4");
    }
}
