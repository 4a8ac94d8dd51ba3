//! Virtual buyers as values: how often one comes, how long he thinks, what he then does.
//!
//! The task that sends them is `crowd`; here is no time and no bank.

use std::str::FromStr;
use std::time::Duration;

/// Who comes to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buyers {
    /// Time between two arrivals.
    pub interval: Duration,
    /// What they do.
    pub behaviour: Behaviour,
}

/// How a buyer decides. What is left of a hundred per cent walks away and lets the session time out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// Per cent who pay.
    pub pay_percent: u8,
    /// Per cent whom their bank declines.
    pub decline_percent: u8,
    /// Per cent of those who pay whose bank asks for a code first.
    pub secure_percent: u8,
    /// Half of them decide within the session divided by this.
    pub median_divisor: u32,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            pay_percent: 70,
            decline_percent: 10,
            secure_percent: 30,
            // Of the usual twenty minutes: a hundred seconds to find the card and type its number.
            median_divisor: 12,
        }
    }
}

/// What one buyer does in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Pay,
    /// Pay, and be asked for a code.
    PaySecurely,
    /// Give the code that was asked for.
    Confirm,
    Decline,
    WalkAway,
}

impl Behaviour {
    /// One buyer's decision.
    pub(super) fn deed(self, chance: &mut fastrand::Rng) -> Deed {
        let drawn = chance.u8(..100);
        if drawn < self.pay_percent {
            if chance.u8(..100) < self.secure_percent { Deed::PaySecurely } else { Deed::Pay }
        } else if drawn < self.pay_percent.saturating_add(self.decline_percent) {
            Deed::Decline
        } else {
            Deed::WalkAway
        }
    }

    /// How long one buyer thinks: log-normal about the median, so that one in three hundred outlives his session.
    pub(super) fn thinking(self, session: Duration, chance: &mut fastrand::Rng) -> Duration {
        let median = session / self.median_divisor.max(1);
        // Twelve uniform draws less their mean are as good a normal one as a crowd needs.
        let normal = (0..12).map(|_| chance.f64()).sum::<f64>() - 6.0;
        let spread = (normal * 0.9).exp();
        median.mul_f64(spread)
    }
}

/// A rate that was not written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rate of buyers: write them per second or per minute, such as 5/s, 0.5/s or 30/m, at most 1000/s")]
pub struct BuyersFormat(String);

impl FromStr for Buyers {
    type Err = BuyersFormat;

    /// `5/s`, `0.5/s`, `30/m`, with the usual behaviour.
    fn from_str(text: &str) -> Result<Self, BuyersFormat> {
        let interval = interval(text).ok_or_else(|| BuyersFormat(text.to_owned()))?;
        let behaviour = Behaviour::default();
        Ok(Buyers { interval, behaviour })
    }
}

fn interval(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_once('/')?;
    let unit = match unit {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        _ => return None,
    };
    let thousandths = thousandths(count)?;
    let nanos = unit.as_nanos().checked_mul(1_000)?.checked_div(thousandths.into())?;
    let interval = Duration::from_nanos(u64::try_from(nanos).ok()?);
    // The timer ticks in milliseconds.
    (interval >= Duration::from_millis(1)).then_some(interval)
}

/// A decimal with at most three places, in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(1_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        let check = |text: &str, millis: u64| {
            let buyers: Buyers = text.parse().unwrap();
            assert_eq!(buyers.interval, Duration::from_millis(millis), "{text}");
        };
        check("5/s", 200);
        check("0.5/s", 2_000);
        check("30/m", 2_000);
        check("1000/s", 1);
        for bad in ["", "5", "5/h", "/s", "0/s", "-1/s", "1001/s", "1.2345/s", ".5/s", "5./s"] {
            assert!(bad.parse::<Buyers>().is_err(), "{bad}");
        }
    }

    #[test]
    fn buyers_do_what_their_behaviour_says_about_as_often_as_it_says() {
        let mut chance = fastrand::Rng::with_seed(1);
        let behaviour = Behaviour::default();
        let deeds: Vec<_> = (0..1_000).map(|_| behaviour.deed(&mut chance)).collect();
        let count = |deed| deeds.iter().filter(|&&done| done == deed).count();
        assert!((650..750).contains(&(count(Deed::Pay) + count(Deed::PaySecurely))));
        assert!((150..270).contains(&count(Deed::PaySecurely)));
        assert!((70..130).contains(&count(Deed::Decline)));
        assert!((150..250).contains(&count(Deed::WalkAway)));
    }

    #[test]
    fn half_decide_within_a_twelfth_of_the_session_and_a_few_take_too_long() {
        let mut chance = fastrand::Rng::with_seed(1);
        let session = Duration::from_secs(1_200);
        let mut thinking = |_| Behaviour::default().thinking(session, &mut chance);
        let mut times: Vec<_> = (0..10_000).map(&mut thinking).collect();
        times.sort();
        assert!((90..110).contains(&times[5_000].as_secs()));
        let late = times.iter().filter(|&&time| time > session).count();
        assert!((1..100).contains(&late), "{late}");
    }
}
