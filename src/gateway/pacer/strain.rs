//! What a bank that says "too many" does to the rate: pure, times in, times out.
//!
//! The rate is halved with every such answer and climbs back by as much each second, so that it comes to lie near what
//! the bank bears, and several who share a bank come to lie there together. What `Retry-After` asks for is kept to.

use std::time::Duration;

/// In per mille of what the budget allows.
const WHOLE: u32 = 1_000;

/// The rate is never less than this share of the budget: a bank that is away is found back within seconds of its
/// return.
const LEAST: u32 = 31;

/// Two minutes from nothing to the whole: as long as banks' own counters usually look back, and twice.
const CLIMB_PER_SECOND: u64 = 8;

/// No request waits longer for the rate alone, unless the budget itself is slower: however bad it is, once a minute is
/// asked.
const SPACING_MAX: Duration = Duration::from_secs(60);

/// No bank holds us off for longer: a hold's deadline does not wait for a mistyped header.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// How much one login's bank bears just now. Times count from any start that stays the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strain {
    /// The share of the budget at `since`, from where it climbs.
    share: u32,
    since: Duration,
    cut_at: Option<Duration>,
    /// The bank asked to be left alone until then.
    not_before: Duration,
}

impl Strain {
    pub(super) const NONE: Self =
        Self { share: WHOLE, since: Duration::ZERO, cut_at: None, not_before: Duration::ZERO };

    /// Takes in that the bank says "too many" to a request that was sent at `sent_at`. What was in flight when the rate
    /// was last cut tells the same once more and cuts nothing.
    pub(super) fn too_many(&mut self, sent_at: Duration, retry_after: Option<Duration>, now: Duration) {
        let wait = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        if self.cut_at.is_none_or(|cut_at| sent_at > cut_at) {
            self.share = (self.share(now) / 2).max(LEAST);
            self.cut_at = Some(now);
            self.since = now;
        }
        if !wait.is_zero() {
            self.not_before = self.not_before.max(now.saturating_add(wait));
        }
    }

    /// The share of the budget that may be used now, in per mille. It does not climb while the bank is left alone.
    pub(super) fn share(&self, now: Duration) -> u32 {
        let climbing = now.saturating_sub(self.since.max(self.not_before));
        let climbed = u64::try_from(climbing.as_millis()).unwrap_or(u64::MAX).saturating_mul(CLIMB_PER_SECOND) / 1_000;
        u32::try_from(climbed).unwrap_or(WHOLE).saturating_add(self.share).min(WHOLE)
    }

    /// Whether less than the budget may be used.
    pub(super) fn is_felt(&self, now: Duration) -> bool {
        self.share(now) < WHOLE || now < self.not_before
    }

    /// The time each request takes now, where the budget gives it `period`.
    pub(super) fn spacing(&self, period: Duration, now: Duration) -> Duration {
        let spaced = period.saturating_mul(WHOLE) / self.share(now).max(1);
        spaced.min(period.max(SPACING_MAX))
    }

    /// How long the next request waits, after one at `last`.
    pub(super) fn wait(&self, last: Option<Duration>, period: Duration, now: Duration) -> Duration {
        let for_the_rate = match last {
            Some(last) if self.share(now) < WHOLE => last.saturating_add(self.spacing(period, now)),
            Some(_) | None => Duration::ZERO,
        };
        for_the_rate.max(self.not_before).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// When it was sent, and when it was answered.
    type Heard = &'static [(u64, u64)];

    /// What is heard when, of requests sent when, and the share of the budget after it.
    #[test]
    fn it_is_halved_by_news_and_climbs_by_the_second() {
        let table: [(&str, Heard, u64, u32); 9] = [
            ("nothing was heard", &[], 100, 1_000),
            ("once", &[(9, 10)], 10, 500),
            ("a second later", &[(9, 10)], 11, 508),
            ("half a minute later", &[(9, 10)], 40, 740),
            ("whole again after a good minute", &[(9, 10)], 73, 1_000),
            ("what was in flight tells nothing new", &[(9, 10), (8, 11), (10, 12)], 12, 516),
            ("what was sent after the cut does", &[(9, 10), (11, 12)], 12, 258),
            ("it has a floor", &[(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)], 16, 31),
            (
                "and comes back from there within about two minutes",
                &[(1, 2), (3, 4), (5, 6), (7, 8), (9, 10)],
                132,
                1_000,
            ),
        ];
        for (name, heard, now, share) in table {
            let mut strain = Strain::NONE;
            for (sent_at, at) in heard {
                strain.too_many(s(*sent_at), None, s(*at));
            }
            assert_eq!(strain.share(s(now)), share, "{name}");
            assert_eq!(strain.is_felt(s(now)), share < 1_000, "{name}");
        }
    }

    #[test]
    fn retry_after_is_kept_to_up_to_a_bound() {
        let table = [
            ("none", None, 10, 10),
            ("seconds", Some(s(7)), 10, 17),
            ("longer than a deadline may wait", Some(s(86_400)), 10, 310),
        ];
        for (name, retry_after, at, until) in table {
            let mut strain = Strain::NONE;
            strain.too_many(s(9), retry_after, s(at));
            assert_eq!(s(at) + strain.wait(None, s(1), s(at)), s(until), "{name}");
            assert_eq!(strain.share(s(until)), 500, "{name}: it climbs from then on");
        }
        let mut strain = Strain::NONE;
        strain.too_many(s(9), Some(s(60)), s(10));
        strain.too_many(s(9), Some(s(1)), s(11));
        assert_eq!(strain.wait(None, s(1), s(11)), s(59), "a shorter word of one in flight takes nothing back");
    }

    #[test]
    fn requests_stand_further_apart_while_it_is_felt() {
        let mut strain = Strain::NONE;
        assert_eq!(strain.wait(Some(s(10)), s(1), s(10)), Duration::ZERO, "the bucket paces, and it alone");
        strain.too_many(s(9), None, s(10));
        assert_eq!(strain.wait(Some(s(10)), s(1), s(10)), s(2), "half the rate");
        for at in [20, 30, 40, 50, 60, 70] {
            strain.too_many(s(at - 1), None, s(at));
        }
        assert!(strain.spacing(s(4), s(70)) <= s(60), "once a minute at the least");
        assert_eq!(strain.spacing(s(3_600), s(70)), s(3_600), "no slower than a budget that is slower by itself");
    }
}
