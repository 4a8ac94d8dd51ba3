//! Workloads of several shapes, drawn from a seed.

use super::workload::{Case, Outcome, Workload};

/// How buyers behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Cards: six in ten pay, half of them within 75 seconds.
    Card,
    /// A bank's app: seven in ten pay, half of them within four minutes.
    App,
    /// Carts that nearly everybody leaves.
    Abandoned,
    /// A sale at noon that brings a fifth of the day within half an hour.
    Flash,
    /// From noon on buyers take five times as long, and fewer pay.
    Shift,
    /// Pages that stay open for a day.
    Long,
}

const DAY_S: f64 = 86_400.0;
const NOON_S: f64 = 43_200.0;

/// Of those who pay: half by this age in seconds, how widely spread, and how many pay.
#[derive(Clone, Copy)]
struct Buyers {
    median_s: f64,
    spread: f64,
    pay: f64,
    session_s: f64,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 6] = [Self::Card, Self::App, Self::Abandoned, Self::Flash, Self::Shift, Self::Long];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::App => "app",
            Self::Abandoned => "abandoned",
            Self::Flash => "flash",
            Self::Shift => "shift",
            Self::Long => "long",
        }
    }

    /// The shape of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == word)
    }

    /// A day of `orders` orders.
    pub fn draw(self, orders: usize, seed: u64) -> Workload {
        let mut random = fastrand::Rng::with_seed(seed);
        Workload::new((0..orders).map(|_| self.case(&mut random)).collect())
    }

    fn case(self, random: &mut fastrand::Rng) -> Case {
        let is_in_sale = self == Self::Flash && random.f64() < 0.2;
        let at_s = if is_in_sale { NOON_S + random.f64() * 1_800.0 } else { random.f64() * DAY_S };
        let buyers = self.buyers(at_s);
        let pays_after_s = buyers.median_s * (buyers.spread * normal(random)).exp();
        let is_paid = random.f64() < buyers.pay && pays_after_s < buyers.session_s;
        let registered_ms = ms(at_s);
        let expires_ms = registered_ms + ms(buyers.session_s);
        let (outcome, outcome_ms) =
            if is_paid { (Outcome::Paid, registered_ms + ms(pays_after_s)) } else { (Outcome::Expired, expires_ms) };
        Case { registered_ms, expires_ms, outcome_ms, outcome }
    }

    fn buyers(self, at_s: f64) -> Buyers {
        let card = Buyers { median_s: 75.0, spread: 0.9, pay: 0.62, session_s: 1_200.0 };
        match self {
            Self::Card | Self::Flash => card,
            Self::App => Buyers { median_s: 240.0, spread: 1.0, pay: 0.7, ..card },
            Self::Abandoned => Buyers { pay: 0.12, ..card },
            Self::Shift if at_s < NOON_S => card,
            Self::Shift => Buyers { median_s: 400.0, pay: 0.4, ..card },
            Self::Long => Buyers { median_s: 300.0, spread: 1.6, pay: 0.7, session_s: DAY_S },
        }
    }
}

/// Box and Muller's.
fn normal(random: &mut fastrand::Rng) -> f64 {
    let (one, other) = (random.f64().max(f64::MIN_POSITIVE), random.f64());
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}

/// Seconds of a workload, in milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "a workload lasts days, not thousands of years")]
fn ms(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}
