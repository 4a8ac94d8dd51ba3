//! Orders and what becomes of them: drawn from a shape, or read from a file.

use std::io::Read;

/// What becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is paid.
    Paid,
    /// The bank refuses it for good.
    Declined,
    /// Nobody pays until its page closes.
    Expired,
}

/// One order. Times are milliseconds since the workload's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// When it is registered.
    pub registered_ms: i64,
    /// When its page closes.
    pub expires_ms: i64,
    /// When the bank knows what became of it.
    pub outcome_ms: i64,
    /// What did.
    pub outcome: Outcome,
}

/// Orders, the earliest registered first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    cases: Vec<Case>,
}

/// A line of a workload that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// Not CSV, or not with these columns.
    #[error("line {line}: {cause}; write the columns order,registered_at_s,expires_at_s,outcome_at_s,outcome")]
    Csv {
        /// Counted from 1.
        line: u64,
        /// Why.
        cause: String,
    },
    /// It has no order.
    #[error("there is no order in it")]
    Empty,
}

/// More would not fit into memory with what is noted of each.
const CASES_MAX: usize = 5_000_000;

impl Workload {
    /// A workload of these orders.
    pub fn new(mut cases: Vec<Case>) -> Self {
        cases.sort_by_key(|case| case.registered_ms);
        Self { cases }
    }

    /// Reads `order,registered_at_s,expires_at_s,outcome_at_s,outcome`, in any order of columns. Times are seconds,
    /// with up to three decimals; without an `expires_at_s` the page closes after twenty minutes; an outcome is `paid`,
    /// `held` or `deposited`, `declined`, or `expired` or `abandoned`, which is at the page's end where it has no time,
    /// in capitals or not. What is declined no sooner than its page closes has expired.
    pub fn read(source: impl Read) -> Result<Self, WorkloadError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(source);
        let wrong = |line: u64, cause: String| WorkloadError::Csv { line, cause };
        let header = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
        let column = |name: &str| {
            header
                .iter()
                .position(|found| found.trim_start_matches('\u{feff}') == name)
                .ok_or_else(|| wrong(1, format!("there is no column {name}")))
        };
        let (registered, expires) = (column("registered_at_s")?, column("expires_at_s")?);
        let (outcome_at, outcome) = (column("outcome_at_s")?, column("outcome")?);
        let mut cases = Vec::new();
        for record in reader.records() {
            let record =
                record.map_err(|error| wrong(error.position().map_or(0, csv::Position::line), error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let field = |nth: usize| record.get(nth).unwrap_or_default();
            let time = |nth: usize| match field(nth) {
                "" => Ok(None),
                text => millis(text).map(Some).ok_or_else(|| wrong(line, format!("`{text}` is no time in seconds"))),
            };
            let registered_ms = time(registered)?.ok_or_else(|| wrong(line, "registered_at_s is empty".to_owned()))?;
            let expires_ms = time(expires)?.unwrap_or(registered_ms + 1_200_000);
            let outcome = match field(outcome).to_ascii_lowercase().as_str() {
                "paid" | "held" | "deposited" | "approved" => Outcome::Paid,
                "declined" | "refused" | "failed" => Outcome::Declined,
                "expired" | "abandoned" | "unpaid" | "none" | "" => Outcome::Expired,
                _ => {
                    let found = field(outcome);
                    return Err(wrong(line, format!("`{found}` is no outcome: paid, declined or expired")));
                }
            };
            let outcome_ms = match (outcome, time(outcome_at)?) {
                (_, Some(at)) => at,
                (Outcome::Expired, None) => expires_ms,
                (_, None) => return Err(wrong(line, "outcome_at_s is empty".to_owned())),
            };
            if expires_ms < registered_ms || outcome_ms < registered_ms {
                return Err(wrong(line, "it ends before it is registered: expires_at_s and outcome_at_s are no earlier than registered_at_s".to_owned()));
            }
            if cases.len() >= CASES_MAX {
                return Err(wrong(line, format!("more than {CASES_MAX} orders")));
            }
            // The bank's word for a page that closed unpaid is that the order was declined.
            let outcome =
                if outcome == Outcome::Declined && outcome_ms >= expires_ms { Outcome::Expired } else { outcome };
            cases.push(Case { registered_ms, expires_ms, outcome_ms, outcome });
        }
        if cases.is_empty() { Err(WorkloadError::Empty) } else { Ok(Self::new(cases)) }
    }

    /// Its orders.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// When the first is registered and the last comes to its outcome.
    pub fn span_ms(&self) -> (i64, i64) {
        let begins = self.cases.first().map_or(0, |case| case.registered_ms);
        (begins, self.cases.iter().map(|case| case.outcome_ms).fold(begins, i64::max))
    }

    /// From the first registration to the last, in milliseconds, and at least a second.
    pub fn length_ms(&self) -> i64 {
        let ends = self.cases.first().zip(self.cases.last());
        ends.map_or(0, |(first, last)| last.registered_ms - first.registered_ms).max(1_000)
    }
}

/// Seconds with up to three decimals, without a float: the file's figures are the simulation's to the millisecond.
fn millis(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let is_plain =
        !whole.is_empty() && [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let whole: i64 = whole.parse().ok().filter(|_| is_plain && whole.len() <= 12)?;
    whole.checked_mul(1_000)?.checked_add(digits.parse().ok()?)
}
