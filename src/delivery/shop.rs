//! A shop in virtual time: what is told there where there is no network, in the simulation and in tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Message;
use crate::domain::delivery::Outcome;
use crate::domain::time::Timestamp;

/// How a shop answers, and after how long.
type Answers = dyn Fn(&Message, Timestamp) -> (Duration, Outcome) + Send + Sync;

/// A shop that is a function. Cheap to clone.
#[derive(Clone)]
pub struct Shop(Arc<Answers>);

impl Shop {
    /// One that answers so.
    pub fn new(answers: impl Fn(&Message, Timestamp) -> (Duration, Outcome) + Send + Sync + 'static) -> Self {
        Self(Arc::new(answers))
    }

    pub(super) async fn tell(&self, message: &Message, now: Timestamp) -> Outcome {
        let (after, outcome) = (self.0)(message, now);
        tokio::time::sleep(after).await;
        outcome
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop").finish_non_exhaustive()
    }
}
