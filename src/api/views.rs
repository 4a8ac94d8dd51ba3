//! What callers read: orders, operations and events as JSON.
//!
//! Amounts are whole minor units, currencies ISO 4217 codes as text, times RFC 3339 in UTC. Fields without a value are
//! null rather than missing, so that a shop sees what there could be. Nothing here is a secret.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::openapi::words;
use super::problem::{FieldProblem, Problem};
use crate::domain::autocompletion;
use crate::domain::bank::PaymentSystem;
use crate::domain::event::Event;
use crate::domain::money::Currency;
use crate::domain::operation::{CompletionAmount, Operation};
use crate::domain::order::{NewOrder, Order, OrderId, SeenView};
use crate::domain::time::Timestamp;
use crate::intake::Rejection;
use crate::store::{Added, EventPage, OrderWithOperation, SeenAnswer};

/// What became of one order that was handed in.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Added")]
pub(super) struct AddedView {
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<String>,
    order_number: Option<String>,
    #[schemars(with = "words::AddedResult")]
    result: &'static str,
    /// Whether it went to review at once: money was sent for it before the database was lost. Missing where it did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_review: bool,
    /// The amount of the order that has the number already.
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_amount: Option<i64>,
    /// The order that has the gateway's id already.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_by: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FieldProblem>,
}

impl AddedView {
    pub(super) fn of(order: &NewOrder, added: &Added) -> Self {
        let (merchant, number) = (order.merchant.to_string(), order.number.to_string());
        Self {
            merchant: Some(merchant),
            order_number: Some(number),
            result: added.as_str(),
            in_review: *added == Added::NewInReview,
            queued_amount: added.queued_amount(),
            taken_by: added.taken_by().map(ToString::to_string),
            problems: Vec::new(),
        }
    }

    /// The database failed before it was this one's turn, or while it was.
    pub(super) fn not_recorded(order: &NewOrder, problem: &Problem) -> Self {
        Self {
            merchant: Some(order.merchant.to_string()),
            order_number: Some(order.number.to_string()),
            result: "not_recorded",
            in_review: false,
            queued_amount: None,
            taken_by: None,
            problems: vec![problem.of_one("not_recorded")],
        }
    }

    pub(super) fn refused(rejection: Rejection) -> Self {
        Self {
            merchant: None,
            order_number: rejection.order_number,
            result: "refused",
            in_review: false,
            queued_amount: None,
            taken_by: None,
            problems: rejection.problems.into_iter().map(FieldProblem::from).collect(),
        }
    }
}

/// What became of an array of orders, in its order.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "AddedOrders")]
pub(super) struct BatchView {
    pub(super) results: Vec<AddedView>,
}

/// A page of orders.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "OrderPage")]
pub(super) struct PageView {
    pub(super) orders: Vec<OrderView>,
    /// What `after` takes for the next page; null when this may be the last one.
    pub(super) next: Option<String>,
}

/// An order as it stands.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Order")]
pub(super) struct OrderView {
    #[schemars(with = "words::Merchant")]
    merchant: String,
    order_number: String,
    order_id: Option<String>,
    amount: i64,
    #[schemars(with = "words::CurrencyCode")]
    currency: String,
    currency_alpha: &'static str,
    #[schemars(with = "words::OrderState")]
    state: &'static str,
    #[schemars(with = "words::Moment")]
    state_since: String,
    #[schemars(with = "words::Moment")]
    created_at: String,
    #[schemars(with = "Option<words::Moment>")]
    expires_at: Option<String>,
    /// What a completion takes; null is the whole.
    complete_amount: Option<i64>,
    parked: bool,
    #[schemars(with = "Option<words::Moment>")]
    released_at: Option<String>,
    #[schemars(with = "Option<words::Moment>")]
    held_at: Option<String>,
    #[schemars(with = "Option<words::Moment>")]
    lapses_at: Option<String>,
    #[schemars(with = "Option<words::Moment>")]
    complete_at: Option<String>,
    /// When the policy acts on a hold that nothing completes in time.
    #[schemars(with = "Option<words::Moment>")]
    deadline_at: Option<String>,
    /// When the gateway completes it by itself, as far as known.
    #[schemars(with = "Option<words::Moment>")]
    autocompletion_at: Option<String>,
    /// Whether that is against what is planned here.
    autocompletion_conflict: bool,
    #[schemars(with = "Option<words::Moment>")]
    next_look_at: Option<String>,
    heard: Option<HeardView>,
    bank: Option<BankView>,
    review: Option<ReviewView>,
    operation: Option<OperationView>,
}

impl OrderView {
    pub(super) fn of(found: &OrderWithOperation) -> Self {
        let order = &found.order;
        Self {
            merchant: order.merchant.to_string(),
            order_number: order.number.to_string(),
            order_id: order.order_id.as_ref().map(OrderId::to_string),
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
            bank: order.view.as_ref().map(BankView::of),
            review: review(order),
            operation: found.operation.as_ref().map(OperationView::of),
        }
    }
}

/// The latest answer to a look, in words.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Heard")]
struct HeardView {
    #[schemars(with = "words::Moment")]
    at: String,
    words: String,
}

fn heard(order: &Order) -> Option<HeardView> {
    order.heard.as_ref().map(|heard| HeardView { at: heard.at.to_string(), words: heard.words.clone() })
}

/// Why the order stands in review.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "ReviewReason")]
struct ReviewView {
    code: String,
    sentence: String,
}

fn review(order: &Order) -> Option<ReviewView> {
    let reason = order.review.as_ref()?;
    Some(ReviewView { code: reason.code.clone(), sentence: reason.sentence.clone() })
}

/// The bank's latest word.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "BankWord")]
struct BankView {
    #[schemars(with = "words::Moment")]
    seen_at: String,
    status: String,
    order_status: i64,
    action_code: Option<i64>,
    amount: Option<i64>,
    #[schemars(with = "Option<words::CurrencyCode>")]
    currency: Option<String>,
    approved: Option<i64>,
    deposited: Option<i64>,
    refunded: Option<i64>,
    /// Points of bonus programmes; contained in the sums above where both together make up the price.
    points_approved: Option<i64>,
    points_deposited: Option<i64>,
    points_refunded: Option<i64>,
    #[schemars(with = "Option<words::Moment>")]
    authorised_at: Option<String>,
    payment_system: Option<String>,
    chargeback: Option<bool>,
}

impl BankView {
    fn of(seen: &SeenView) -> Self {
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

/// The bank's latest answer, whole: its own members, with card data masked or left out.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "BankAnswer")]
pub(super) struct AnswerView {
    /// When it was first heard as it is.
    #[schemars(with = "words::Moment")]
    seen_at: String,
    answer: Value,
}

impl AnswerView {
    /// `None` where what is kept is no JSON, which this program never writes.
    pub(super) fn of(seen: &SeenAnswer) -> Option<Self> {
        let answer = serde_json::from_str(seen.answer.as_str()).ok()?;
        Some(Self { seen_at: seen.seen_at.to_string(), answer })
    }
}

/// The order's open completion or reversal, or else its latest one.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Operation")]
struct OperationView {
    #[schemars(with = "words::OperationKind")]
    kind: &'static str,
    #[schemars(with = "words::OperationState")]
    state: &'static str,
    /// What it takes; null is the whole.
    amount: Option<i64>,
    attempt: u32,
    #[schemars(with = "words::Moment")]
    intended_at: String,
    #[schemars(with = "Option<words::Moment>")]
    sent_at: Option<String>,
    /// When the bank is asked next; null once it is settled.
    #[schemars(with = "Option<words::Moment>")]
    next_step_at: Option<String>,
    note: Option<String>,
}

impl OperationView {
    fn of(operation: &Operation) -> Self {
        Self {
            kind: operation.kind.as_str(),
            state: operation.state.as_str(),
            amount: minor(operation.amount),
            attempt: operation.attempt,
            intended_at: operation.intended_at.to_string(),
            sent_at: text(operation.sent_at),
            next_step_at: text(Some(operation.next_step_at).filter(|_| operation.state.is_open())),
            note: operation.note.clone(),
        }
    }
}

/// An order with what happened to it, oldest first: a thousand events, and where to ask for more.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "OrderWithEvents")]
pub(super) struct OrderWithEvents {
    #[serde(flatten)]
    order: OrderView,
    events: Vec<EventView>,
    /// What to ask for more `events_after`; null at the end.
    #[schemars(range(min = 1))]
    events_next: Option<i64>,
}

impl OrderWithEvents {
    pub(super) fn of(found: &OrderWithOperation, events: &[Event], next: Option<i64>) -> Self {
        let events = events.iter().map(EventView::of).collect();
        Self { order: OrderView::of(found), events, events_next: next }
    }
}

/// One line of the journal.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "OrderEvent")]
struct EventView {
    #[schemars(range(min = 1))]
    seq: i64,
    #[schemars(with = "words::Moment")]
    at: String,
    #[schemars(with = "words::EventKind")]
    kind: &'static str,
    #[schemars(with = "words::EventCause")]
    cause: String,
    #[schemars(with = "words::OrderState")]
    state_before: &'static str,
    #[schemars(with = "words::OrderState")]
    state_after: &'static str,
    detail: String,
}

impl EventView {
    fn of(event: &Event) -> Self {
        Self {
            seq: event.seq,
            at: event.at.to_string(),
            kind: event.kind.as_str(),
            cause: event.cause.clone(),
            state_before: event.before.as_str(),
            state_after: event.after.as_str(),
            detail: event.detail.clone(),
        }
    }
}

/// A stretch of the feed.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "EventPage")]
pub(super) struct EventsView {
    events: Vec<FeedEventView>,
    /// What to ask after next.
    next: i64,
    /// Whether there was more when this was answered.
    more: bool,
}

impl EventsView {
    pub(super) fn of(page: &EventPage) -> Self {
        Self { events: page.events.iter().map(FeedEventView::of).collect(), next: page.next, more: !page.is_end }
    }
}

/// A line of the journal, and whose it is.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Event")]
pub(super) struct FeedEventView {
    #[schemars(with = "words::Merchant")]
    merchant: String,
    order_number: String,
    #[serde(flatten)]
    event: EventView,
}

impl FeedEventView {
    pub(super) fn of(event: &Event) -> Self {
        let (merchant, order_number) = (event.merchant.to_string(), event.number.to_string());
        Self { merchant, order_number, event: EventView::of(event) }
    }
}

/// An event as the feed shows it, for whoever tells the shop.
pub fn event_document(event: &Event) -> serde_json::Value {
    // Texts and numbers under texts: nothing in it that JSON does not have.
    serde_json::to_value(FeedEventView::of(event)).unwrap_or_default()
}

fn text(moment: Option<Timestamp>) -> Option<String> {
    moment.as_ref().map(Timestamp::to_string)
}

fn minor(completion: CompletionAmount) -> Option<i64> {
    match completion {
        CompletionAmount::Whole => None,
        CompletionAmount::Exactly(amount) => Some(amount.minor()),
    }
}
