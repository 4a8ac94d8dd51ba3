//! What is asked of `[retention]`: how long what people read now and then stays in the database.

use std::time::Duration;

use super::raw::Section;
use super::values::Limits;

/// A quarter: as long as a buyer usually may dispute a payment, and shops reconcile by the month.
const ANSWERS: Duration = Duration::from_secs(90 * 86_400);

const LIMITS: Limits<Duration> = Limits {
    min: Duration::from_secs(86_400),
    max: Duration::from_secs(3_650 * 86_400),
    why: "by the next day somebody may still ask what the bank said, and ten years is longer than any book is kept",
};

/// How long what is not needed for money stays in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// The bank's whole answers, after the order's end: 1 day to 10 years.
    pub answers: Duration,
}

/// Reads the table.
pub(super) fn retention(section: &mut Section<'_, '_>) -> RetentionConfig {
    RetentionConfig { answers: section.duration_or("answers", ANSWERS, &LIMITS) }
}
