//! The faults of a seed: each kind off, rare, frequent or every other time, independently of the others.
//!
//! Drawing every kind at the same rate would let the frequent ones hide what the rare ones do.

use crate::sandbox::{AmountPart, FaultKind, FaultRule, Moment, Probability};

/// How often a kind strikes that strikes at all, in parts per million.
const RATES: [u32; 5] = [10_000, 10_000, 100_000, 100_000, 500_000];

/// The same for answers that are well-formed and untrue: each sends its order to a person, and where most orders are
/// with people, nothing else is tried any more.
const LIES: [u32; 2] = [500, 5_000];

/// Of all kinds together, in parts per million: a bank that fails nine times in ten makes the same look be asked again
/// and again, and nothing else happens. Kinds beyond it are rare ones.
const ALL_MAX: u32 = 600_000;

/// The longest that the bank lets a request lie before it takes effect. Below every merchant's quiet time: what takes
/// effect later than that is outside of what anybody can be safe from (the assumption *quiet*).
const DELAY_MAX_MS: u64 = 120_000;

/// What banks and the boxes before them write into `Retry-After`.
const RETRY_AFTER: [Option<&str>; 6] =
    [None, Some("2"), Some("60"), Some("-1"), Some("1000000000"), Some("Wed, 21 Oct 2037 07:28:00 GMT")];

/// A seed's fault rules.
pub(super) fn draw(chance: &mut fastrand::Rng) -> Vec<FaultRule> {
    // A fault-free bank is a seed worth having too: all that goes wrong then is our own.
    if chance.u8(..10) == 0 {
        return Vec::new();
    }
    let percent_on = chance.choice([10, 30, 60]).unwrap_or(10_u32);
    let (mut rules, mut left) = (Vec::new(), ALL_MAX);
    for kind in kinds(chance) {
        let rates = if is_lie(&kind) { &LIES[..] } else { &RATES[..] };
        let rate = rates[chance.usize(..rates.len())];
        if chance.u32(..100) < percent_on {
            let rate = if rate > left { RATES[0] } else { rate };
            left = left.saturating_sub(rate);
            rules.push(FaultRule::always(kind).with_probability(Probability::per_million(rate)));
        }
    }
    rules
}

const fn is_lie(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::WrongOrder | FaultKind::WrongAmount { .. })
}

fn kinds(chance: &mut fastrand::Rng) -> Vec<FaultKind> {
    use FaultKind as Kind;
    let (before, after) = (Moment::Before, Moment::After);
    let retry_after = chance.choice(RETRY_AFTER).flatten().map(str::to_owned);
    let off = chance.i64(2..500);
    let mut ms = |max| chance.u64(1..=max);
    vec![
        Kind::Delay { ms: ms(DELAY_MAX_MS), effect: before },
        Kind::Delay { ms: ms(DELAY_MAX_MS), effect: after },
        Kind::TimeoutBeforeEffect { ms: ms(DELAY_MAX_MS) },
        Kind::TimeoutAfterEffect { ms: ms(DELAY_MAX_MS) },
        Kind::TooManyRequests { retry_after },
        Kind::Error500 { effect: before },
        Kind::Error500 { effect: after },
        Kind::Error503 { effect: before },
        Kind::Reset { effect: before },
        Kind::Reset { effect: after },
        Kind::Garbage { shape: None, effect: before },
        Kind::Garbage { shape: None, effect: after },
        Kind::WrongOrder,
        Kind::WrongAmount { part: AmountPart::Amount, off_by_minor: off },
        Kind::WrongAmount { part: AmountPart::Approved, off_by_minor: -off },
        // More than any order of a simulation costs: a sum that could be true would be one that the bank invents.
        Kind::WrongAmount { part: AmountPart::Deposited, off_by_minor: 1_000_000_000 },
        Kind::StaleStatus,
        Kind::FalseSuccess,
        Kind::FalseRefusal,
    ]
}
