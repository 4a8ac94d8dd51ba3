//! The clock rule (R9): when the host's clock may be believed for money.
//!
//! The wall clock is compared with the time the process has run, and with the `Date` of the bank's own answers. A jump,
//! or a disagreement, stops sends until the bank's clock agrees again; looks go on. Never early is the rule: late is
//! safe. What a wrong clock wrote meanwhile (holds in the future, looks far ahead) is mended by the sweep over
//! [`super::polling`]'s bounds, not here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bank::{StatusAnswer, Unknown, UnknownKind};
use super::order::{MerchantId, State};
use super::time::{Timestamp, in_words};

/// The two clocks of a host, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What the clock on the wall says.
    pub wall: Timestamp,
    /// How long the process has run, by a clock nobody can set.
    pub running: Duration,
}

/// The smallest difference between the two clocks that counts as a jump. Reading them takes microseconds; a machine
/// that is merely busy stays far below.
const STEP: Duration = Duration::from_secs(2);

/// How far the wall clock may drift while it is being slewed: time daemons correct at most one part in two thousand.
const SLEW_PER_MILLE: u32 = 1;

/// After a jump, where no bank tells its time: so long without another, and the clock is believed again.
const CALM: Duration = Duration::from_secs(15 * 60);

/// While the clock is in doubt, a merchant's bank is asked the time so often, whatever waits: each waiting completion
/// asking for itself would leave no request for anything else. Every look tells the time as well, so this is for who has
/// none due; a clock that is wrong for days would cost them more than it is worth to be told sooner.
const ASK_THE_TIME: Duration = Duration::from_secs(300);

/// What speaks against the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It went this many milliseconds further than the process has run, or back.
    Jumped(i64),
    /// At the start it was this many milliseconds behind the latest entry of the journal.
    BehindJournal(i64),
    /// A bank's clock is this many milliseconds ahead of it, or behind.
    Disagrees(i64),
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = |ms: &i64| in_words(Duration::from_millis(ms.unsigned_abs()));
        match self {
            Self::Jumped(ms) if *ms < 0 => write!(f, "the host's clock jumped back by {}", by(ms)),
            Self::Jumped(ms) => write!(f, "the host's clock jumped ahead by {}", by(ms)),
            Self::BehindJournal(ms) => write!(f, "the host's clock is {} behind the journal's latest entry", by(ms)),
            Self::Disagrees(ms) if *ms < 0 => write!(f, "the bank's clock is {} behind the host's", by(ms)),
            Self::Disagrees(ms) => write!(f, "the bank's clock is {} ahead of the host's", by(ms)),
        }
    }
}

/// The answer that is taken instead of one by which an order goes from `before` to `after`, while something speaks
/// against the clock; `None` where it may be believed as it is.
///
/// A hold first seen by a clock that may be behind would have its completion due too early, so it is not taken for one
/// yet: the bank is asked again, and the answer that ends the doubt shows it. Whoever asked it for what, this holds.
pub fn first_seen_in_doubt(before: State, after: State, doubt: Option<Doubt>) -> Option<StatusAnswer> {
    let doubt = doubt.filter(|_| after == State::Held && before != State::Held)?;
    let detail = format!("the bank shows it held, but since when cannot be told: {doubt}");
    Some(StatusAnswer::Unknown(Unknown { kind: UnknownKind::Unreadable, detail, retry_after: None }))
}

/// What is known of the host's clock.
#[derive(Clone, Debug)]
pub struct Timekeeping {
    tolerance: Duration,
    latest: Moment,
    /// A jump nobody has vouched for since, and when it was seen.
    jumped: Option<(Doubt, Duration)>,
    /// The latest word of each merchant's bank, where it disagrees.
    disagreeing: BTreeMap<MerchantId, i64>,
    /// Whether a bank's clock has agreed since the watch began.
    vouched: bool,
    /// When each merchant's bank was last asked for nothing but the time.
    asked: BTreeMap<MerchantId, Duration>,
}

impl Timekeeping {
    /// Begins to watch. `journal_until` is the latest moment the database knows of; the bank's clock may differ from
    /// the host's by `tolerance`.
    pub fn begin(tolerance: Duration, journal_until: Option<Timestamp>, now: Moment) -> Self {
        let behind = journal_until.map_or(Duration::ZERO, |until| until.since(now.wall));
        let doubt = (behind > tolerance).then(|| (Doubt::BehindJournal(millis(behind)), now.running));
        Self {
            tolerance,
            latest: now,
            jumped: doubt,
            disagreeing: BTreeMap::new(),
            vouched: false,
            asked: BTreeMap::new(),
        }
    }

    /// Compares the two clocks. Returns a jump that was not known before.
    pub fn compare(&mut self, now: Moment) -> Option<Doubt> {
        let ran = now.running.saturating_sub(self.latest.running);
        let walked = now.wall.as_millis().saturating_sub(self.latest.wall.as_millis());
        let jumped = walked.saturating_sub(millis(ran));
        self.latest = now;
        let allowed = STEP + ran / 1_000 * SLEW_PER_MILLE;
        if jumped.unsigned_abs() <= allowed.as_millis().try_into().unwrap_or(u64::MAX) {
            return None;
        }
        let doubt = Doubt::Jumped(jumped);
        self.jumped = Some((doubt, now.running));
        Some(doubt)
    }

    /// Takes note of the `Date` of an answer of `merchant`'s bank, heard at `now` to a question asked at `asked`.
    /// Returns a disagreement that was not known before.
    pub fn heard(&mut self, merchant: &MerchantId, date: Timestamp, asked: Moment, now: Moment) -> Option<Doubt> {
        let jumped = self.compare(now);
        // A whole second is all the header tells, and the answer was written at some moment between the two.
        let ahead = date.since(now.wall.plus(self.tolerance));
        let behind = asked.wall.minus(self.tolerance).since(date.plus(Duration::from_secs(1)));
        let off = if ahead > Duration::ZERO {
            date.as_millis().saturating_sub(now.wall.as_millis())
        } else if behind > Duration::ZERO {
            date.as_millis().saturating_sub(asked.wall.as_millis())
        } else {
            self.disagreeing.remove(merchant);
            self.vouched = true;
            // Only an answer to a question asked after the jump vouches for the clock as it is now.
            self.jumped.take_if(|(_, seen)| *seen <= asked.running);
            return jumped;
        };
        let known = self.disagreeing.insert(merchant.clone(), off).is_some();
        jumped.or((!known).then_some(Doubt::Disagrees(off)))
    }

    /// Whether money of `merchant` may be sent at `now`; what speaks against it otherwise.
    pub fn may_send(&mut self, merchant: &MerchantId, now: Moment) -> Result<(), Doubt> {
        self.compare(now);
        if let Some(off) = self.disagreeing.get(merchant) {
            return Err(Doubt::Disagrees(*off));
        }
        self.jumped.take_if(|(_, seen)| now.running >= seen.saturating_add(CALM));
        self.jumped.map_or(Ok(()), |(doubt, _)| Err(doubt))
    }

    /// Whether something that only waits for the clock may ask the bank at `now`; whoever hears yes does.
    pub fn take_turn(&mut self, merchant: &MerchantId, now: Moment) -> bool {
        let is_due = self.asked.get(merchant).is_none_or(|asked| now.running >= asked.saturating_add(ASK_THE_TIME));
        if is_due {
            self.asked.insert(merchant.clone(), now.running);
        }
        is_due
    }

    /// Whether the clock is known to be right again: what an earlier process found against it stands until a bank has
    /// agreed with it, or, where none tells its time, for a while.
    pub fn is_vouched(&self, now: Moment) -> bool {
        self.doubt().is_none() && (self.vouched || now.running >= CALM)
    }

    /// What speaks against the clock for any merchant.
    pub fn doubt(&self) -> Option<Doubt> {
        let disagreeing = self.disagreeing.values().next().map(|off| Doubt::Disagrees(*off));
        self.jumped.map(|(doubt, _)| doubt).or(disagreeing)
    }

    /// Forgets a merchant that is no longer served.
    pub fn forget(&mut self, merchant: &MerchantId) {
        self.disagreeing.remove(merchant);
        self.asked.remove(merchant);
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
