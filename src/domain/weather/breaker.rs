//! The breaker of one login: whether the bank tells anything at all, and if not, who may find out whether it does
//! again.
//!
//! Closed: everybody asks. Open: nobody does, until a probe is due. Probing: one question is out. Whatever tells
//! something closes it. Times are running times, which nobody can set.

use std::time::Duration;

use super::Weather;

/// What an answer weighs that tells nothing and is the weather for sure.
const STORM: u32 = 4;

/// What it weighs where it may be a fault of the order that was asked about: several such orders in a row are met.
const FAULT: u32 = 1;

/// It opens at this weight in a row: five failures that are the weather for sure. With every third answer lost, so many
/// in a row are one in some hundred; and if it opens for them, the probe closes it after a second.
const ALL_AT_ONCE: u32 = 5 * STORM;

/// And at this one, where nothing told anything for [`A_WHILE`] either: who asks rarely is not to ask five times.
const OVER_A_WHILE: u32 = 3 * STORM;
const A_WHILE: Duration = Duration::from_secs(10);

/// What lies further apart is no row.
const APART: Duration = Duration::from_secs(120);

/// The first probe comes so soon; the wait doubles with each that fails.
const FIRST_PROBE: Duration = Duration::from_secs(1);

/// And is no longer than this: so much later than the bank, at most, do we know that it is over.
pub const LAST_PROBE: Duration = Duration::from_secs(30);

/// Who sent the latest probe leaves the next one to the others for so long: a question that fails by itself must not
/// stand for the weather for ever.
const AFTER_YOU: Duration = Duration::from_millis(200);

/// While a probe is out the others need not look again before this: its end is told.
const WHILE_PROBING: Duration = LAST_PROBE;

/// Who probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prober {
    /// A question about money; it has the first probe.
    Money,
    /// A look, and whatever else is asked.
    Look,
}

/// Whether a question may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It may.
    Free,
    /// It is the probe: nobody else asks until it is answered, or given up.
    Probe,
    /// Not before so long a while.
    Wait(Duration),
}

/// What an answer turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Nothing,
    /// It is open now, for answers of which the first came then.
    Opened(Duration),
    /// It is closed again, after so long.
    Closed(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { since: Duration, probe_at: Duration, wait: Duration },
    Probing { since: Duration, probe_at: Duration, wait: Duration, asked: Duration },
}

/// Failures with nothing told between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    weight: u32,
    first: Duration,
    latest: Duration,
}

/// The breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    state: State,
    row: Option<Row>,
    latest_prober: Prober,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, row: None, latest_prober: Prober::Look }
    }
}

impl Breaker {
    /// Whether nothing but probes is asked.
    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether a probe is out.
    pub const fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing { .. })
    }

    /// Whether `by` may ask at `now`. Leave to probe is given once, and holds until an answer is heard or the probe is
    /// [given up](Self::probe_over).
    pub fn leave(&mut self, by: Prober, now: Duration) -> Leave {
        let not_yet = self.wait(by, now);
        match self.state {
            State::Closed => Leave::Free,
            State::Open { since, probe_at, wait } if not_yet.is_zero() => {
                self.latest_prober = by;
                self.state = State::Probing { since, probe_at, wait, asked: now };
                Leave::Probe
            }
            State::Open { .. } | State::Probing { .. } => Leave::Wait(not_yet),
        }
    }

    /// How long there is no leave for `by` to ask, as far as known at `now`.
    pub fn wait(&self, by: Prober, now: Duration) -> Duration {
        match self.state {
            State::Closed => Duration::ZERO,
            State::Probing { .. } => WHILE_PROBING,
            State::Open { probe_at, .. } => {
                let after_others = if by == self.latest_prober { AFTER_YOU } else { Duration::ZERO };
                probe_at.saturating_add(after_others).saturating_sub(now)
            }
        }
    }

    /// The probe ended. One that was never asked is due again at once.
    pub const fn probe_over(&mut self) {
        if let State::Probing { since, probe_at, wait, .. } = self.state {
            self.state = State::Open { since, probe_at, wait };
        }
    }

    /// Takes note of an answer at `now` to a question of `asked`.
    pub fn heard(&mut self, weather: Weather, asked: Duration, now: Duration) -> Turn {
        if weather.tells_something() {
            return self.told(now);
        }
        match self.state {
            State::Closed => self.failed(weather, now),
            // Asked before it opened: it says what is known.
            State::Open { .. } => Turn::Nothing,
            State::Probing { since, wait, asked: probed, .. } => {
                if asked >= probed {
                    let wait = wait.saturating_mul(2).min(LAST_PROBE);
                    self.state = State::Open { since, probe_at: now.saturating_add(wait), wait };
                }
                Turn::Nothing
            }
        }
    }

    fn told(&mut self, now: Duration) -> Turn {
        self.row = None;
        match self.state {
            State::Closed => Turn::Nothing,
            State::Open { since, .. } | State::Probing { since, .. } => {
                (self.state, self.latest_prober) = (State::Closed, Prober::Look);
                Turn::Closed(now.saturating_sub(since))
            }
        }
    }

    fn failed(&mut self, weather: Weather, now: Duration) -> Turn {
        let weight = match weather {
            // Whoever throttles answers, and the budget sees to it.
            Weather::Known | Weather::Refused | Weather::Throttled => return Turn::Nothing,
            Weather::Faulty => FAULT,
            Weather::Maintenance | Weather::Slow | Weather::Unreachable | Weather::Tls | Weather::Denied => STORM,
        };
        let before = self.row.filter(|row| now.saturating_sub(row.latest) <= APART);
        let first = before.map_or(now, |row| row.first);
        let weight = before.map_or(0, |row| row.weight).saturating_add(weight);
        self.row = Some(Row { weight, first, latest: now });
        let takes_long = weight >= OVER_A_WHILE && now.saturating_sub(first) >= A_WHILE;
        if weight < ALL_AT_ONCE && !takes_long {
            return Turn::Nothing;
        }
        let probe_at = now.saturating_add(FIRST_PROBE);
        self.state = State::Open { since: now, probe_at, wait: FIRST_PROBE };
        self.row = None;
        Turn::Opened(first)
    }
}

#[cfg(test)]
mod tests;
