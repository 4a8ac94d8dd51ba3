//! An order as one JSON object: the shape scripts rely on, apart from the domain so that neither binds the other.
//!
//! The members are named as in the HTTP API. Amounts are whole minor units, currencies ISO 4217 codes as text, times
//! RFC 3339 in UTC, and every member is always there, null when there is nothing to say.

use serde::Serialize;

use crate::domain::autocompletion;
use crate::domain::bank::PaymentSystem;
use crate::domain::event::Event;
use crate::domain::money::Currency;
use crate::domain::operation::{CompletionAmount, Operation};
use crate::domain::order::{Order, OrderId, SeenView};
use crate::domain::time::Timestamp;
use crate::store::OrderWithOperation;

/// An order as it stands.
#[derive(Debug, Serialize)]
pub(in super::super) struct OrderDocument<'a> {
    merchant: &'a str,
    order_number: &'a str,
    order_id: Option<&'a str>,
    amount: i64,
    currency: String,
    currency_alpha: &'static str,
    state: &'static str,
    state_since: String,
    created_at: String,
    expires_at: Option<String>,
    /// What a completion takes; null is the whole.
    complete_amount: Option<i64>,
    parked: bool,
    released_at: Option<String>,
    held_at: Option<String>,
    lapses_at: Option<String>,
    complete_at: Option<String>,
    /// When the policy acts on a hold that nothing completes in time.
    deadline_at: Option<String>,
    /// When the gateway completes it by itself, as far as known.
    autocompletion_at: Option<String>,
    /// Whether that is against what is planned here.
    autocompletion_conflict: bool,
    next_look_at: Option<String>,
    heard: Option<HeardDocument<'a>>,
    unknown_in_a_row: u32,
    bank: Option<BankDocument>,
    review: Option<ReviewDocument<'a>>,
    accepted: Option<&'a str>,
    operation: Option<OperationDocument<'a>>,
}

/// The latest answer to a look, in words.
#[derive(Debug, Serialize)]
struct HeardDocument<'a> {
    at: String,
    words: &'a str,
}

/// The bank's latest word.
#[derive(Debug, Serialize)]
struct BankDocument {
    seen_at: String,
    status: String,
    order_status: i64,
    action_code: Option<i64>,
    amount: Option<i64>,
    currency: Option<String>,
    approved: Option<i64>,
    deposited: Option<i64>,
    refunded: Option<i64>,
    /// Points of bonus programmes; contained in the sums above where both together make up the price.
    points_approved: Option<i64>,
    points_deposited: Option<i64>,
    points_refunded: Option<i64>,
    authorised_at: Option<String>,
    payment_system: Option<String>,
    chargeback: Option<bool>,
}

/// Why the order stands in review.
#[derive(Debug, Serialize)]
struct ReviewDocument<'a> {
    code: &'a str,
    sentence: &'a str,
}

/// The order's open completion or reversal, or else its latest one.
#[derive(Debug, Serialize)]
struct OperationDocument<'a> {
    kind: &'static str,
    state: &'static str,
    /// What it takes; null is the whole.
    amount: Option<i64>,
    /// What must stand deposited for it to be confirmed.
    expected_amount: Option<i64>,
    attempt: u32,
    intended_at: String,
    sent_at: Option<String>,
    /// When the bank is asked next; null once it is settled.
    next_step_at: Option<String>,
    note: Option<&'a str>,
}

/// One line of the journal.
#[derive(Debug, Serialize)]
pub(in super::super) struct EventDocument<'a> {
    seq: i64,
    at: String,
    kind: &'static str,
    cause: &'a str,
    state_before: &'static str,
    state_after: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a OrderWithOperation> for OrderDocument<'a> {
    fn from(found: &'a OrderWithOperation) -> Self {
        let order = &found.order;
        Self {
            merchant: order.merchant.as_str(),
            order_number: order.number.as_str(),
            order_id: order.order_id.as_ref().map(OrderId::as_str),
            amount: order.amount.minor(),
            currency: order.currency.to_string(),
            currency_alpha: order.currency.alpha(),
            state: order.state.as_str(),
            state_since: order.state_since.to_string(),
            created_at: order.created_at.to_string(),
            expires_at: text(order.expires_at),
            complete_amount: minor(order.completion),
            parked: order.parked,
            released_at: text(order.released_at),
            held_at: text(order.hold.map(|hold| hold.held_at)),
            lapses_at: text(order.hold.map(|hold| hold.lapses_at)),
            complete_at: text(order.complete_at),
            deadline_at: text(order.deadline_at),
            autocompletion_at: text(order.autocompletion_at),
            autocompletion_conflict: autocompletion::conflict(order).is_some(),
            next_look_at: text(order.next_look_at),
            heard: heard(order),
            unknown_in_a_row: order.unknown_in_a_row,
            bank: order.view.as_ref().map(BankDocument::from),
            review: review(order),
            accepted: order.accepted.as_deref(),
            operation: found.operation.as_ref().map(OperationDocument::from),
        }
    }
}

fn heard(order: &Order) -> Option<HeardDocument<'_>> {
    order.heard.as_ref().map(|heard| HeardDocument { at: heard.at.to_string(), words: &heard.words })
}

fn review(order: &Order) -> Option<ReviewDocument<'_>> {
    order.review.as_ref().map(|review| ReviewDocument { code: &review.code, sentence: &review.sentence })
}

impl From<&SeenView> for BankDocument {
    fn from(seen: &SeenView) -> Self {
        let view = &seen.view;
        Self {
            seen_at: seen.seen_at.to_string(),
            status: view.status.to_string(),
            order_status: view.status.number(),
            action_code: view.action_code,
            amount: view.amount,
            currency: view.currency.as_ref().map(Currency::to_string),
            approved: view.amounts.map(|amounts| amounts.approved),
            deposited: view.amounts.map(|amounts| amounts.deposited),
            refunded: view.amounts.map(|amounts| amounts.refunded),
            points_approved: view.points.map(|points| points.approved),
            points_deposited: view.points.map(|points| points.deposited),
            points_refunded: view.points.map(|points| points.refunded),
            authorised_at: text(view.authorised_at),
            payment_system: view.payment_system.as_ref().map(PaymentSystem::to_string),
            chargeback: view.chargeback,
        }
    }
}

impl<'a> From<&'a Operation> for OperationDocument<'a> {
    fn from(operation: &'a Operation) -> Self {
        Self {
            kind: operation.kind.as_str(),
            state: operation.state.as_str(),
            amount: minor(operation.amount),
            expected_amount: operation.expected_minor,
            attempt: operation.attempt,
            intended_at: operation.intended_at.to_string(),
            sent_at: text(operation.sent_at),
            next_step_at: text(Some(operation.next_step_at).filter(|_| operation.state.is_open())),
            note: operation.note.as_deref(),
        }
    }
}

impl<'a> From<&'a Event> for EventDocument<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            seq: event.seq,
            at: event.at.to_string(),
            kind: event.kind.as_str(),
            cause: &event.cause,
            state_before: event.before.as_str(),
            state_after: event.after.as_str(),
            detail: &event.detail,
        }
    }
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn minor(amount: CompletionAmount) -> Option<i64> {
    match amount {
        CompletionAmount::Whole => None,
        CompletionAmount::Exactly(amount) => Some(amount.minor()),
    }
}
