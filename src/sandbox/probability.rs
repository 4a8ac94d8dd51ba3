//! How often something happens, in parts per million.
//!
//! Integers, so that drawing is exact and the same everywhere; the fraction people write (0.1) exists only at the edge.

use serde::{Deserialize, Serialize};

/// Parts per million, 0 to 1 000 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability {
    ppm: u32,
}

/// A number that is no probability.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("probability is {0}: write a number from 0 (never) to 1 (always), such as 0.1")]
pub struct NotAProbability(f64);

const MILLION: u32 = 1_000_000;

impl Probability {
    /// Always.
    pub const CERTAIN: Probability = Probability { ppm: MILLION };

    /// Whole percents; above 100 counts as 100.
    pub const fn percent(percent: u32) -> Probability {
        let percent = if percent > 100 { 100 } else { percent };
        Probability { ppm: percent * 10_000 }
    }

    /// Parts per million; above a million counts as always.
    pub const fn per_million(ppm: u32) -> Probability {
        Probability { ppm: if ppm > MILLION { MILLION } else { ppm } }
    }

    /// Parts per million.
    pub const fn ppm(self) -> u32 {
        self.ppm
    }

    /// Half of it.
    pub(super) const fn half(self) -> Probability {
        Probability { ppm: self.ppm / 2 }
    }
}

impl TryFrom<f64> for Probability {
    type Error = NotAProbability;

    fn try_from(fraction: f64) -> Result<Self, NotAProbability> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(NotAProbability(fraction));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the fraction lies in 0..=1, so the product lies in 0..=1_000_000"
        )]
        let ppm = (fraction * f64::from(MILLION)).round() as u32;
        Ok(Probability { ppm })
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> f64 {
        f64::from(probability.ppm) / f64::from(MILLION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_become_parts_per_million_and_back() {
        let check = |fraction: f64, ppm| {
            let probability = Probability::try_from(fraction).unwrap();
            assert_eq!(probability.ppm(), ppm);
            assert!((f64::from(probability) - fraction).abs() < 1e-6);
        };
        check(0.0, 0);
        check(0.1, 100_000);
        check(1.0, 1_000_000);
        assert_eq!(Probability::percent(10).ppm(), 100_000);
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Probability::try_from(bad).is_err(), "{bad}");
        }
    }
}
