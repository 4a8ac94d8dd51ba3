//! The names of the steps, and their words in a path.

use std::fmt;

use super::desk::Answer;
use super::rows::{Clock, Take};
use super::world::Who;

/// A step, for the path that leads to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    HourComes,
    QuietTimePasses,
    ClockJumps(Clock),
    Starts(Who),
    Crashes(Who),
    Intends(Who),
    Asks(Who, Reply),
    Looks(Who, Reply),
    GivesUp(Who),
    Writes(Who, Commit),
    Witnesses(Who),
    Checks(Who),
    CannotConnect(Who),
    Leaves(Who),
    Hears(Who, Answer),
    NotesAnswer(Who),
    TakesEffect,
    IsLost,
    OthersTake(u8),
    OthersLetGo,
    OthersRefund,
    CallbackArrives,
    Parks,
    Releases(Option<Take>),
    Accepts,
    BacksUp,
    Restores,
    Adopts,
    NeighbourSends,
    NeighbourSettles,
    NeighbourContradicts,
    ReleasesTheBrake,
}

/// What an answer to a question is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    True,
    Stale,
    Nothing,
}

/// How a commit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    Well,
    ErrorAndThere,
    ErrorAndNotThere,
}

/// A line of a path.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HourComes => f.write_str("the hour of the completion comes"),
            Self::QuietTimePasses => f.write_str("the quiet time passes"),
            Self::ClockJumps(Clock::Right) => f.write_str("the clock is put right"),
            Self::ClockJumps(Clock::Ahead) => f.write_str("the clock jumps ahead"),
            Self::ClockJumps(Clock::Behind) => f.write_str("the clock falls behind"),
            Self::Starts(who) => write!(f, "{who:?} starts"),
            Self::Crashes(who) => write!(f, "{who:?} crashes"),
            Self::Intends(who) => write!(f, "{who:?} opens the completion"),
            Self::Asks(who, reply) => write!(f, "{who:?} asks the bank: {reply}"),
            Self::Looks(who, reply) => write!(f, "{who:?} looks at the order: {reply}"),
            Self::GivesUp(who) => write!(f, "{who:?} drops the answer and sends nothing"),
            Self::Writes(who, commit) => write!(f, "{who:?} writes what the answer makes of the rows{commit}"),
            Self::Witnesses(who) => write!(f, "{who:?} adds the send to the witness"),
            Self::Checks(who) => write!(f, "{who:?} checks the time once more"),
            Self::CannotConnect(who) => write!(f, "{who:?} cannot connect"),
            Self::Leaves(who) => write!(f, "{who:?} SENDS"),
            Self::Hears(who, Answer::Nothing) => write!(f, "{who:?} hears nothing in time"),
            Self::Hears(who, answer) => write!(f, "{who:?} hears {answer:?}"),
            Self::NotesAnswer(who) => write!(f, "{who:?} writes the answer down"),
            Self::TakesEffect => f.write_str("a request TAKES EFFECT at the bank"),
            Self::IsLost => f.write_str("a request comes to nothing"),
            Self::OthersTake(sum) => write!(f, "a clerk, or the bank's schedule, takes {sum} tenths"),
            Self::OthersLetGo => f.write_str("a clerk reverses the hold, or it lapses"),
            Self::OthersRefund => f.write_str("a clerk gives the money back"),
            Self::CallbackArrives => f.write_str("a forged callback says it is deposited"),
            Self::Parks => f.write_str("the operator parks it"),
            Self::Releases(None) => f.write_str("the operator releases it"),
            Self::Releases(Some(take)) => write!(f, "the operator releases it with {} tenths", take.units()),
            Self::Accepts => f.write_str("the operator accepts the bank's view"),
            Self::BacksUp => f.write_str("a backup is taken"),
            Self::Restores => f.write_str("the backup is RESTORED"),
            Self::Adopts => f.write_str("the operator adopts the restored database"),
            Self::NeighbourSends => f.write_str("another order's completion is sent"),
            Self::NeighbourSettles => f.write_str("another order's completion is settled"),
            Self::NeighbourContradicts => f.write_str("another order's completion contradicts the bank"),
            Self::ReleasesTheBrake => f.write_str("the operator releases the brake"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "the truth",
            Self::Stale => "what was true before",
            Self::Nothing => "no answer",
        })
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Well => "",
            Self::ErrorAndThere => "; the commit fails, and is on disk",
            Self::ErrorAndNotThere => "; the commit fails, and is not on disk",
        })
    }
}
