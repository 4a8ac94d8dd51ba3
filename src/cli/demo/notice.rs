//! How long outcomes stayed unnoticed: from the bank's own moment of an outcome to our book's.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::event::{Event, EventKind};
use crate::domain::order::State;
use crate::domain::time::Timestamp;
use crate::sandbox::OrderView;

use super::stage::Stage;

/// Events read at a time.
const PAGE: u32 = 1_000;

/// Reads the journal on from where it stopped, so that a long demo does not read it anew for every picture.
#[derive(Default)]
pub(super) struct Journal {
    read_up_to: i64,
    noticed: HashMap<String, Timestamp>,
    latest: Option<Event>,
}

/// How long outcomes stayed unnoticed, in seconds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Notice {
    /// Outcomes noticed.
    count: usize,
    mean: f64,
    p95: f64,
    worst: f64,
}

impl Journal {
    /// Reads what is new. An order's outcome is noticed when it ceases to be pending.
    pub(super) async fn read_on(&mut self, stage: &Stage) -> anyhow::Result<()> {
        loop {
            let page = stage.store().events_after(self.read_up_to, PAGE).await?;
            let Some(last) = page.last().cloned() else { return Ok(()) };
            self.read_up_to = last.seq;
            self.latest = Some(last);
            let outcome = |event: &&Event| event.kind == EventKind::Changed && event.before == State::Pending;
            for event in page.iter().filter(outcome) {
                self.noticed.entry(event.number.to_string()).or_insert(event.at);
            }
        }
    }

    /// The latest event, in words.
    pub(super) fn latest_in_words(&self) -> String {
        self.latest.as_ref().map_or_else(String::new, |event| {
            let kind = event.kind.as_str().replace('_', " ");
            format!("order {} {kind}: {}", event.number, event.detail)
        })
    }

    /// From each outcome at the bank (paid, held, declined, expired) to the moment our book had it.
    pub(super) fn notice(&self, bank: &HashMap<String, OrderView>) -> Notice {
        let delay = |(number, at): (&String, &Timestamp)| {
            let order = bank.get(number)?;
            let outcome = order.paid_at_ms.or(order.ended_at_ms)?;
            Some(at.since(Timestamp::from_millis(outcome)).as_secs_f64())
        };
        Notice::of(self.noticed.iter().filter_map(delay).collect())
    }
}

impl Notice {
    fn of(mut delays: Vec<f64>) -> Self {
        delays.sort_by(f64::total_cmp);
        let Some(worst) = delays.last().copied() else { return Self::default() };
        let count = delays.len();
        let p95 = delays.get((count * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(worst);
        #[expect(clippy::cast_precision_loss, reason = "a demo's orders are few")]
        let mean = delays.iter().sum::<f64>() / count as f64;
        Self { count, mean: rounded(mean), p95: rounded(p95), worst: rounded(worst) }
    }

    pub(super) fn in_words(&self) -> String {
        match self.count {
            0 => "no outcome yet".to_owned(),
            count => format!("{count} outcomes after {:.2} s on average, 95 % within {:.2} s", self.mean, self.p95),
        }
    }
}

/// To the millisecond: the clocks tell no more.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}
