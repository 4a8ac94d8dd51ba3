//! Refusals as RFC 9457 problem details: a word for programs, a sentence for people, never a cause that is only ours.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::openapi::words;
use crate::domain::acts::ActError;
use crate::domain::registration;
use crate::domain::review::ReviewError;
use crate::intake::{self, Rejection};
use crate::metrics::Metrics;
use crate::store::StoreError;

/// Who asks the store, in `reconciled_store_errors_total`.
const WORKER: &str = "api";

/// A refusal on its way to the caller.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Problem")]
pub(super) struct Problem {
    /// `about:blank` where the status says all, else `urn:reconciled:problem:WORD`.
    #[serde(rename = "type")]
    #[schemars(with = "words::ProblemType")]
    kind: String,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    #[schemars(with = "u16", range(min = 400, max = 599))]
    status: StatusCode,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FieldProblem>,
}

/// One of several things that are wrong with an order.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "FieldProblem")]
pub(super) struct FieldProblem {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    detail: String,
}

impl From<registration::Problem> for FieldProblem {
    fn from(problem: registration::Problem) -> Self {
        let field = Some(problem.path).filter(|path| !path.is_empty());
        Self { code: problem.flaw.as_str(), field, detail: problem.sentence }
    }
}

impl From<intake::Problem> for FieldProblem {
    fn from(problem: intake::Problem) -> Self {
        Self { code: problem.code.as_str(), field: problem.field, detail: problem.sentence }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A refusal whose status says all.
    fn plain(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        Self { kind: "about:blank".to_owned(), title, status, detail: detail.into(), problems: Vec::new() }
    }

    /// A refusal that a program may want to tell from others of its status.
    pub(super) fn named(status: StatusCode, word: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:reconciled:problem:{word}");
        Self { kind, title, ..Self::plain(status, detail) }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::UNAUTHORIZED, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn method_not_allowed(method: &Method) -> Self {
        let detail = format!("{method} is not served at this path; the Allow header names what is");
        Self::plain(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub(super) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::plain(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// More is asked at once than is done at once; nothing of this request was.
    pub(super) fn overloaded(detail: impl Into<String>) -> Self {
        let detail = format!("{}; send it again in a moment", detail.into());
        Self::named(StatusCode::TOO_MANY_REQUESTS, "overloaded", "Too much at once", detail)
    }

    /// The same as what is wrong with one of several.
    pub(super) fn of_one(&self, code: &'static str) -> FieldProblem {
        FieldProblem { code, field: None, detail: self.detail.clone() }
    }

    /// 503 and not 507: whoever sends again after the one does so by habit, and knows the header that says when.
    pub(super) fn disk_full(detail: impl Into<String>) -> Self {
        Self::named(StatusCode::SERVICE_UNAVAILABLE, "disk_full", "The disk is full", detail)
    }

    /// An order, or a release, that cannot be read as one.
    pub(super) fn refused(rejection: Rejection) -> Self {
        let (status, word, title) = match rejection.problems.as_slice() {
            [only] if only.code == intake::ProblemCode::NotJson => {
                (StatusCode::BAD_REQUEST, "not_json", "The body is not JSON")
            }
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "refused", "The request was read and is refused"),
        };
        let detail = rejection.to_string();
        let problems = rejection.problems.into_iter().map(FieldProblem::from).collect();
        Self { problems, ..Self::named(status, word, title, detail) }
    }

    /// A registration in which the checks found something.
    pub(super) fn of_registration(refused: intake::registration::Refused) -> Self {
        let detail = refused.to_string();
        let (status, word, title) = match refused {
            intake::registration::Refused::NotJson(_) => (StatusCode::BAD_REQUEST, "not_json", "The body is not JSON"),
            intake::registration::Refused::Problems(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "refused", "The request was read and is refused")
            }
        };
        let problems = refused.into_problems().into_iter().map(FieldProblem::from).collect();
        Self { problems, ..Self::named(status, word, title, detail) }
    }

    /// A refusal that several fields have to do with.
    pub(super) fn of_fields(self, code: &'static str, fields: Vec<String>, detail: &str) -> Self {
        let problem = |field| FieldProblem { code, field: Some(field), detail: detail.to_owned() };
        Self { problems: fields.into_iter().map(problem).collect(), ..self }
    }

    /// An act that the order's state does not allow.
    pub(super) fn of_act(error: &ActError) -> Self {
        let word = match error {
            ActError::Ended(_) => "ended",
            ActError::InDoubt(_) => "in_doubt",
            ActError::ReversalIntended => "reversal_intended",
            ActError::InReview => "in_review",
            ActError::AlreadyParked => "already_parked",
            ActError::AlreadyScheduled => "already_scheduled",
            ActError::AboveAmount { .. } => "completion_above_amount",
            ActError::OperationOpen(_) => "operation_open",
            ActError::NotHeld(_) => "not_held",
            ActError::NotUnpaid(_) => "not_unpaid",
            ActError::NothingTaken(_) => "nothing_taken",
            ActError::AboveLeft { .. } => "refund_above_left",
            ActError::ChargedBack => "charged_back",
            ActError::NoSums => "no_sums",
            ActError::WithoutRequest(_) => "without_request",
            ActError::NothingOrdered => "nothing_ordered",
        };
        Self::named(StatusCode::CONFLICT, word, "The order does not allow it", error.to_string())
    }

    /// A way out of review that is not open, or not to this person.
    pub(super) fn of_review(error: &ReviewError) -> Self {
        let word = match error {
            ReviewError::NotReleasable(refused) => return Self::of_act(refused),
            ReviewError::NotInReview(_) => "not_in_review",
            ReviewError::NotQuiet(_) => "not_quiet",
            ReviewError::NotHeardSince(_) => "not_heard_since",
            ReviewError::InDoubt => "in_doubt",
            ReviewError::NothingBefore => "nothing_before",
            ReviewError::NotUntouched(_) => "not_untouched",
            ReviewError::SameName(_) => "same_name",
            ReviewError::NothingProposed => "nothing_proposed",
            ReviewError::ProposedAlready { .. } => "proposed_already",
            ReviewError::Lapsed { .. } => "proposal_lapsed",
            ReviewError::Changed(_) => "order_changed",
        };
        Self::named(StatusCode::CONFLICT, word, "The review does not allow it", error.to_string())
    }

    /// What the store could not do. The caller hears what to do, the log hears why.
    pub(super) fn of_store(error: &StoreError, metrics: &Metrics) -> Self {
        if let StoreError::NoSuchOrder { .. } = error {
            return Self::not_found(error.to_string());
        }
        if let StoreError::Passed(problems) = error {
            return Self::of_registration(intake::registration::Refused::Problems(problems.clone()));
        }
        metrics.store_error(WORKER);
        tracing::error!(%error, "The database did not do what the API asked");
        match error {
            StoreError::CommitUncertain(_) | StoreError::Stopped => {
                let detail = "it is not known whether this is recorded; send it again once the daemon has restarted, \
                              which is safe";
                Self::named(StatusCode::SERVICE_UNAVAILABLE, "not_recorded", "Not known to be recorded", detail)
            }
            StoreError::DiskFull(_) => Self::disk_full(
                "the disk of the daemon's database is full, and this is not acknowledged; send it again in a while, which \
                 is safe: the daemon goes on by itself once there is room",
            ),
            StoreError::Refused(_) => {
                Self::unavailable("the database did not take it, nothing is recorded; send it again in a while")
            }
            StoreError::Altered => {
                let detail = "the order's row was changed by something other than the daemon; it went to review, and \
                              nothing was done";
                Self::named(StatusCode::CONFLICT, "altered", "The order does not allow it", detail)
            }
            StoreError::ClockInDoubt(_) => {
                Self::named(StatusCode::CONFLICT, "clock_in_doubt", "The clock cannot be believed", error.to_string())
            }
            // None of these is asked through the API, or it was answered above.
            StoreError::KeyNeeded(_)
            | StoreError::Passed(_)
            | StoreError::MoneyFrozen(_)
            | StoreError::Unwitnessed(_)
            | StoreError::TooManyUnknown { .. } => {
                Self::unavailable("the daemon may not do this just now; its log says why")
            }
            StoreError::Unreadable { .. } | StoreError::NoSuchOrder { .. } => {
                let detail =
                    "the database holds something this version does not understand; the daemon's log says what";
                Self::plain(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.status {
            StatusCode::UNAUTHORIZED => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5")),
            StatusCode::TOO_MANY_REQUESTS => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1")),
            _ => None,
        };
        response
    }
}
