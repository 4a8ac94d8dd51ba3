//! Orders line by line: `POST /v1/orders` with `Content-Type: application/x-ndjson`.
//!
//! What a night's export is handed in with. Lines are queued a thousand at a time, each on disk or with its word before
//! the next thousand is begun, and the answer has a line for every one: a wrong line is refused alone. Where the
//! database fails half-way, the lines from there on say so, and the same request may be sent again.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Shared;
use super::body::{self, BATCH_MAX};
use super::idempotency::Provisional;
use super::orders::record;
use super::problem::Problem;
use super::views::AddedView;
use crate::domain::event::Cause;
use crate::domain::order::NewOrder;
use crate::intake::{Format, Line, OrderFile};

/// Lines in one request at most.
const LINES_MAX: usize = 10_000;

/// The longest body: as many orders of some eight hundred bytes. With as many requests at once as are let in
/// ([`super::BULKS`]), sixteen megabytes.
pub(super) const LINES_MAX_BYTES: usize = 8 * 1024 * 1024;

/// What became of one line.
#[derive(Debug, Serialize)]
struct LineView {
    /// Its number in the body, from 1.
    line: u64,
    #[serde(flatten)]
    order: AddedView,
}

/// Queues the orders of `body`.
pub(super) async fn add(shared: &Shared, headers: &HeaderMap, body: Body, cause: Cause) -> Result<Response, Problem> {
    let _room = shared.bulks.try_acquire().map_err(|_| {
        Problem::overloaded(
            "as many requests with lines are being read as may be at once; nothing of this one was read",
        )
    })?;
    let bytes = body::whole(headers, body, LINES_MAX_BYTES).await?;
    let count = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    if count > LINES_MAX {
        let detail = format!("{count} lines at once; at most {LINES_MAX} are taken, none of these was");
        return Err(Problem::too_large(detail));
    }
    let config = shared.config();
    // Of JSON lines there is no header that could be wrong.
    let lines = OrderFile::new(&*bytes, Format::JsonLines, &config)
        .map_err(|error| Problem::bad_request(error.to_string()))?
        .collect::<Result<Vec<Line>, _>>()
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let mut answer = Answer::default();
    for (nth, batch) in lines.chunks(BATCH_MAX).enumerate() {
        if let Err(problem) = queue(shared, batch, &cause, &mut answer).await {
            if answer.text.is_empty() {
                return Err(problem);
            }
            lines.iter().skip(nth * BATCH_MAX).for_each(|line| answer.not_recorded(line, &problem));
            answer.is_cut_short = true;
            break;
        }
    }
    let mut response = ([(header::CONTENT_TYPE, "application/x-ndjson")], answer.text).into_response();
    if answer.is_cut_short {
        response.extensions_mut().insert(Provisional);
    }
    Ok(response)
}

async fn queue(shared: &Shared, batch: &[Line], cause: &Cause, answer: &mut Answer) -> Result<(), Problem> {
    let good: Vec<NewOrder> = batch.iter().filter_map(|line| line.order.as_ref().ok().cloned()).collect();
    let mut added = record(shared, good, cause.clone()).await?.into_iter();
    for line in batch {
        let view = match &line.order {
            Ok(order) => added.next().map(|added| AddedView::of(order, &added)),
            Err(rejection) => Some(AddedView::refused(rejection.clone())),
        };
        if let Some(order) = view {
            answer.push(&LineView { line: line.number, order });
        }
    }
    Ok(())
}

/// The answer so far.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    /// Whether some lines are not recorded that may be when they come again.
    is_cut_short: bool,
}

impl Answer {
    fn push(&mut self, view: &LineView) {
        // Of texts and numbers alone, so it can be written.
        self.text.push_str(&serde_json::to_string(view).unwrap_or_default());
        self.text.push('\n');
    }

    fn not_recorded(&mut self, line: &Line, problem: &Problem) {
        let order = match &line.order {
            Ok(order) => AddedView::not_recorded(order, problem),
            Err(rejection) => AddedView::refused(rejection.clone()),
        };
        self.push(&LineView { line: line.number, order });
    }
}
