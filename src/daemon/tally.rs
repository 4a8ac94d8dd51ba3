//! What became of orders that were handed in, one or a file of them: the store's word, for scripts and for people.

use serde::Serialize;

use crate::domain::money::for_people;
use crate::domain::order::NewOrder;
use crate::intake::{self, Line, Rejection};
use crate::store::Added;

/// Refusals listed at most; all are counted.
const REFUSALS_MAX: usize = 10_000;

/// The word for it, as in the HTTP API.
#[derive(Debug, Serialize)]
pub struct Word {
    /// The word.
    pub result: &'static str,
    /// Whether it went to review at once: money was sent for it before the database was lost. Missing where it did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_review: bool,
    /// The amount of the order that has the number already.
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_amount: Option<i64>,
    /// The order that has the gateway's id already.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_by: Option<String>,
}

impl Word {
    /// Of an order that could not be read.
    const REFUSED: Self = Self { result: "refused", in_review: false, queued_amount: None, taken_by: None };
}

impl From<&Added> for Word {
    fn from(added: &Added) -> Self {
        Self {
            result: added.as_str(),
            in_review: *added == Added::NewInReview,
            queued_amount: added.queued_amount(),
            taken_by: added.taken_by().map(ToString::to_string),
        }
    }
}

/// Why `order` was not queued, in a sentence; `None` when it is.
pub fn refusal(order: &NewOrder, added: &Added) -> Option<String> {
    match added {
        Added::New | Added::NewInReview | Added::Exists => None,
        Added::ExistsWithDifferentAmount { amount_minor } if *amount_minor == order.amount.minor() => {
            let which = format!("{} --merchant {}", order.number, order.merchant);
            Some(format!("its number is queued already in another currency; `reconciled order show {which}`"))
        }
        Added::ExistsWithDifferentAmount { amount_minor } => Some(format!(
            "its number is queued already with {}, not {}; an order never changes its price, so give this one another \
             number",
            for_people(*amount_minor, order.currency),
            for_people(order.amount.minor(), order.currency)
        )),
        Added::OrderIdTaken { by } => {
            Some(format!("its gateway id belongs to order {by} here; one of the two has the wrong id"))
        }
    }
}

/// What became of the lines of a file.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Queued now.
    pub added: u64,
    /// Of these, how many went to review at once: money was sent for them before the database was lost.
    pub in_review: u64,
    /// Queued before, the same.
    pub exists: u64,
    /// Neither.
    pub refused: u64,
    /// Why, of the first ten thousand.
    pub refusals: Vec<Refusal>,
}

/// A line that was not queued, and why.
#[derive(Debug, Serialize)]
pub struct Refusal {
    line: u64,
    order_number: Option<String>,
    #[serde(flatten)]
    word: Word,
    problems: Vec<ProblemDocument>,
}

/// One thing that is wrong with a line.
#[derive(Debug, Serialize)]
pub struct ProblemDocument {
    code: &'static str,
    field: Option<String>,
    sentence: String,
}

impl Summary {
    /// Counts in what became of `line`: what the store said of its order, where it holds one. Returns what is to be told
    /// of it.
    pub fn count(&mut self, line: Line, added: Option<&Added>) -> Option<String> {
        let (order, added) = match (line.order, added) {
            (Err(rejection), _) => return Some(self.refuse(Refusal::unread(line.number, rejection))),
            (Ok(_), None) => return None,
            (Ok(order), Some(added)) => (order, added),
        };
        if let Some(sentence) = refusal(&order, added) {
            return Some(self.refuse(Refusal::of(line.number, &order, Word::from(added), sentence)));
        }
        match added {
            Added::Exists => self.exists += 1,
            Added::NewInReview => {
                (self.added, self.in_review) = (self.added + 1, self.in_review + 1);
                let (number, merchant) = (&order.number, &order.merchant);
                return Some(format!("line {}, order {number} of {merchant}: in review at once", line.number));
            }
            _ => self.added += 1,
        }
        None
    }

    fn refuse(&mut self, refusal: Refusal) -> String {
        self.refused += 1;
        let sentence = refusal.sentence();
        if self.refusals.len() < REFUSALS_MAX {
            self.refusals.push(refusal);
        }
        sentence
    }
}

impl Refusal {
    /// Of a line that holds no order.
    fn unread(line: u64, rejection: Rejection) -> Self {
        let document = |problem: intake::Problem| ProblemDocument {
            code: problem.code.as_str(),
            field: problem.field,
            sentence: problem.sentence,
        };
        let problems = rejection.problems.into_iter().map(document).collect();
        Self { line, order_number: rejection.order_number, word: Word::REFUSED, problems }
    }

    /// Of an order that does not fit to what is queued.
    fn of(line: u64, order: &NewOrder, word: Word, sentence: String) -> Self {
        let problems = vec![ProblemDocument { code: word.result, field: None, sentence }];
        Self { line, order_number: Some(order.number.to_string()), word, problems }
    }

    /// `line 7, order A-1: amount: ...`
    fn sentence(&self) -> String {
        let number = self.order_number.as_ref().map(|number| format!(", order {number}")).unwrap_or_default();
        let problem = |problem: &ProblemDocument| match &problem.field {
            Some(field) => format!("{field}: {}", problem.sentence),
            None => problem.sentence.clone(),
        };
        let problems: Vec<_> = self.problems.iter().map(problem).collect();
        format!("line {}{number}: {}", self.line, problems.join(" | "))
    }
}
