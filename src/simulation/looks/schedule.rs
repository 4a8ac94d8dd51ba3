//! Schedules of other systems, to be compared with.

use std::time::Duration;

use serde::Deserialize;

/// Schedules of other payment systems and job queues, as their sources have them, with where each was found.
pub const PEERS: &str = include_str!("peers.json");

/// A fixed list of waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The waits, from registration and from look to look.
    pub delays: Vec<Duration>,
    /// The wait after the last of them; without it, nobody looks any more.
    pub repeat: Option<Duration>,
    /// So long after registration nobody looks any more.
    pub stop_after: Option<Duration>,
}

/// Why a schedule cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Not a list of schedules.
    #[error("it is no list of schedules: {0}")]
    Json(serde_json::Error),
    /// None of that name.
    #[error("it has no schedule `{wanted}`; it has {known}")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    delays_s: Vec<u64>,
    repeat_s: Option<u64>,
    stop_after_s: Option<u64>,
}

impl Schedule {
    /// The same wait for ever.
    pub fn fixed(every: Duration) -> Self {
        Self { delays: vec![every], repeat: Some(every), stop_after: None }
    }

    /// The names in such a list.
    pub fn ids(json: &str) -> Result<Vec<String>, ScheduleError> {
        let listed: Vec<Listed> = serde_json::from_str(json).map_err(ScheduleError::Json)?;
        Ok(listed.into_iter().map(|listed| listed.id).collect())
    }

    /// The schedule `id` of a JSON list of objects with `id`, `delays_s`, `repeat_s` and `stop_after_s`.
    pub fn read(json: &str, id: &str) -> Result<Self, ScheduleError> {
        let listed: Vec<Listed> = serde_json::from_str(json).map_err(ScheduleError::Json)?;
        let known = || listed.iter().map(|listed| listed.id.as_str()).collect::<Vec<_>>().join(", ");
        let Some(found) = listed.iter().find(|listed| listed.id == id) else {
            return Err(ScheduleError::Unknown { wanted: id.to_owned(), known: known() });
        };
        Ok(Self {
            delays: found.delays_s.iter().copied().map(Duration::from_secs).collect(),
            repeat: found.repeat_s.map(Duration::from_secs),
            stop_after: found.stop_after_s.map(Duration::from_secs),
        })
    }

    /// The wait before the look after `looks` looks at an order of `age`; `None` when there is none.
    pub fn wait(&self, looks: usize, age: Duration) -> Option<Duration> {
        let wait = self.delays.get(looks).copied().or(self.repeat)?;
        // A schedule that repeats at once would ask for ever in one moment.
        let wait = if looks > 0 { wait.max(Duration::from_secs(1)) } else { wait };
        let is_over = self.stop_after.is_some_and(|most| age + wait > most);
        (!is_over).then_some(wait)
    }
}
