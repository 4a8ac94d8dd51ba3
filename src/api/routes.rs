//! Every route of the HTTP face: its path, who may ask, who answers, and how it is described.
//!
//! The router and the OpenAPI document are both made of this one table.

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use std::sync::Arc;

use super::money::MoneyView;
use super::openapi::describe::Operation;
use super::openapi::{self, written};
use super::registrations::RegistrationView;
use super::review_views::{DecidedView, ReviewsView, ShownReview};
use super::views::{AddedView, AnswerView, BatchView, EventsView, OrderView, OrderWithEvents, PageView};
use super::{
    Shared, acts, callbacks, events, health, logins, money, orders, page, registrations, review_list, reviews, scrape,
    verbs,
};
use crate::domain::token::Scope;

/// What whoever asks must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// The bank's checksum over its parameters.
    Checksum,
    /// A token with this scope.
    Token(Scope),
    /// A token with the scope `metrics`, where the configuration says so.
    TokenIfAsked,
}

/// One method at one path.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    pub(super) needs: Needs,
    pub(super) serve: MethodRouter<Arc<Shared>>,
    pub(super) operation: Operation,
}

impl Route {
    fn get<H, T>(path: &'static str, needs: Needs, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        Self::new("get", path, needs, routing::get(handler), operation)
    }

    fn post<H, T>(path: &'static str, needs: Needs, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        Self::new("post", path, needs, routing::post(handler), operation)
    }

    /// See [`takes_key`].
    pub(super) fn takes_key(&self) -> bool {
        takes_key(self.method, self.needs)
    }

    fn new(
        method: &'static str,
        path: &'static str,
        needs: Needs,
        serve: MethodRouter<Arc<Shared>>,
        operation: Operation,
    ) -> Self {
        let operation = match needs {
            Needs::Token(_) | Needs::TokenIfAsked => operation
                .refused(401, "No token was shown, or none that is known here and in force.")
                .refused(403, "The token has not the scope that is wanted, or no token is known here at all."),
            Needs::Checksum => operation.refused(403, "The checksum is missing, or not that of the parameters."),
            Needs::Nothing => operation,
        };
        let operation = if takes_key(method, needs) { operation.keyed() } else { operation };
        Self { path, method, needs, serve, operation }
    }
}

/// Whether whoever asks may give the request a key: what is posted with a token does something.
fn takes_key(method: &str, needs: Needs) -> bool {
    method == "post" && matches!(needs, Needs::Token(_))
}

const READ: Needs = Needs::Token(Scope::OrdersRead);
const WRITE: Needs = Needs::Token(Scope::OrdersWrite);
const MONEY: Needs = Needs::Token(Scope::Money);

/// All of them, in the order in which they are told.
pub(super) fn all() -> Vec<Route> {
    [of_orders(), of_completions(), of_verbs(), of_registrations(), of_persons(), of_the_bank(), of_the_daemon()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_orders() -> Vec<Route> {
    let list = Operation::new("listOrders", "Orders, in the order in which they entered the queue, a page at a time")
        .query::<orders::ListQuery>()
        .answers::<PageView>(200, "A page; `next` asks for the one behind it.");
    let add = Operation::new("addOrders", "Hand in an order, or several")
        .words(
            "What is answered with 200 or 201 is on disk. An order that is handed in again is `exists`, so a shop that got \
             no answer sends again. Of an array, or of lines, each order is taken or refused by itself.",
        )
        .body(written::orders)
        .or_body(NDJSON, written::order_lines)
        .answers::<AddedView>(201, "The order is queued.")
        .answers_as(200, "The order was queued before; or what became of each of several.", "application/json", |schemas| {
            let of_each = [schemas.answered::<AddedView>(), schemas.answered::<BatchView>()];
            serde_json::json!({ "anyOf": of_each })
        })
        .or_as(NDJSON, written::added_lines)
        .refused(409, "The number, or the gateway's id, belongs to another order.")
        .refused(422, "It was read, and is no order: `problems` name everything that is wrong.")
        .refused(429, OVERLOADED);
    let show = Operation::new("showOrder", "An order with its operation and its journal")
        .of_order()
        .query::<orders::ShowQuery>()
        .answers::<OrderWithEvents>(200, "The order as it stands.");
    let answer = Operation::new("showAnswer", "What the bank said last about an order, whole, without card data")
        .of_order()
        .answers::<AnswerView>(200, "The bank's own members.");
    let feed = Operation::new("listEvents", "The journal: what happened, by its numbers")
        .words(
            "Whoever keeps the last number it has worked through, and asks after it, misses nothing and hears nothing \
             twice. With `wait` a page is answered as soon as there is something in it; with `Accept: text/event-stream` \
             events come as they happen.",
        )
        .query::<events::FeedQuery>()
        .parameter(last_event_id)
        .answers::<EventsView>(200, "A stretch of the journal; `next` is what to ask after.")
        .or_as("text/event-stream", |_| {
            serde_json::json!({ "type": "string", "description": "`id`, `event` (the kind) and `data` (an `Event`)." })
        })
        .refused(409, "The journal does not go so far: the database was put back from an older copy, or is another one.");
    vec![
        Route::get("/v1/orders", READ, orders::list, list),
        Route::post("/v1/orders", WRITE, orders::add, add),
        Route::get("/v1/orders/{merchant}/{order_number}", READ, orders::show, show),
        Route::get("/v1/orders/{merchant}/{order_number}/answer", READ, orders::answer, answer),
        Route::get("/v1/events", READ, events::feed, feed),
    ]
}

/// Orders, or what became of them, one in each line.
const NDJSON: &str = "application/x-ndjson";

const OVERLOADED: &str = "Too much is asked at once; nothing of this was taken.";

fn last_event_id(_: &mut openapi::describe::Schemas) -> serde_json::Value {
    serde_json::json!({
        "name": "Last-Event-ID",
        "in": "header",
        "required": false,
        "description": "Of a stream: the number of the latest event that was heard. It goes before `after`.",
        "schema": { "type": "string" },
    })
}

fn of_completions() -> Vec<Route> {
    let release = Operation::new("releaseOrder", "Have a held order completed, whole or in part")
        .of_order()
        .optional_body(written::release)
        .answers::<OrderView>(200, "The order as it stands now.")
        .refused(409, "The order's state does not allow it.")
        .refused(422, "It was read, and is no release: `problems` say why.");
    let park = Operation::new("parkOrder", "Keep a held order from being completed until it is released")
        .of_order()
        .optional_body(written::nothing)
        .answers::<OrderView>(200, "The order as it stands now.")
        .refused(409, "The order's state does not allow it.");
    vec![
        Route::post("/v1/orders/{merchant}/{order_number}/release", MONEY, acts::release, release),
        Route::post("/v1/orders/{merchant}/{order_number}/park", MONEY, acts::park, park),
    ]
}

fn of_verbs() -> Vec<Route> {
    let verb = |id, summary| {
        Operation::new(id, summary)
            .words(
                "Where two persons are asked for, the first one proposes and the second confirms. With `dry_run` it is \
                 only told what would come of it.",
            )
            .of_order()
            .answers::<DecidedView>(200, "What it did, or would do.")
            .refused(409, "The order's state, or the review, does not allow it.")
    };
    let reverse = verb("reverseOrder", "Let a hold go").body(written::ordered);
    let refund = verb("refundOrder", "Give money back, all that is left or less").body(written::ordered_refund);
    let decline = verb("declineOrder", "Close an order before anybody pays").body(written::ordered);
    vec![
        Route::post("/v1/orders/{merchant}/{order_number}/reverse", MONEY, verbs::reverse, reverse),
        Route::post("/v1/orders/{merchant}/{order_number}/refund", MONEY, verbs::refund, refund),
        Route::post("/v1/orders/{merchant}/{order_number}/decline", MONEY, verbs::decline, decline),
    ]
}

fn of_registrations() -> Vec<Route> {
    let location = "Where it can be asked after.";
    let register = Operation::new("registerOrder", "Have an order registered at the bank, and queue it")
        .words(
            "The answer waits for the bank a bounded while. The same registration again yields the same order and form \
             URL, so a shop that got no answer sends again.",
        )
        .body(written::registration)
        .answers::<RegistrationView>(201, "The bank has the order.")
        .with_header("Location", location)
        .answers::<RegistrationView>(200, "It was registered before, as it is now.")
        .with_header("Location", location)
        .answers::<RegistrationView>(202, "It is not known yet whether the bank has it; ask again.")
        .with_header("Location", location)
        .with_header("Retry-After", "In so many seconds.")
        .refused(409, "The number belongs to another order, or to a registration with other content.")
        .refused(422, "It was read and is refused, here or by the bank: `problems` and `detail` say why.")
        .refused(429, OVERLOADED);
    let show = Operation::new("showRegistration", "A registration as it stands")
        .of_order()
        .answers::<RegistrationView>(200, "The registration as it stands.");
    vec![
        Route::post("/v1/registrations", WRITE, registrations::register, register),
        Route::get("/v1/registrations/{merchant}/{order_number}", READ, registrations::show, show),
    ]
}

/// What is asked and said by those who watch over it all.
fn of_persons() -> Vec<Route> {
    let money = Operation::new("showMoney", "What is stopped or frozen, and how much of the limits is used")
        .answers::<MoneyView>(200, "As `reconciled money show --json` prints it.");
    let logins = Operation::new("showLogins", "Logins that a bank refuses")
        .answers::<logins::LoginsView>(200, "As `reconciled login show --json` prints it.");
    let resume = Operation::new("resumeLogin", "Say that a bank lets a login in again")
        .of_merchant()
        .body(openapi::describe::Schemas::read::<logins::Resume>)
        .answers::<logins::LoginsView>(200, "Logins that are still refused.")
        .refused(409, "The login is not refused.");
    let list = Operation::new("listReviews", "Orders in review, what is most urgent first, a page at a time")
        .query::<review_list::ListQuery>()
        .answers::<ReviewsView>(200, "A page; `next` asks for the one behind it.");
    let show = Operation::new("showReview", "What both sides say of an order in review, and its ways out")
        .of_order()
        .answers::<ShownReview>(200, "The review as it stands.")
        .refused(409, "The order is not in review, or its merchant is gone.");
    let resolve = Operation::new("resolveReview", "A person's word about an order in review")
        .of_order()
        .body(written::review_word)
        .answers::<DecidedView>(200, "What it did, or would do.")
        .refused(409, "The review does not allow it.");
    vec![
        Route::get("/v1/money", MONEY, money::show, money),
        Route::get("/v1/logins", READ, logins::show, logins),
        Route::post("/v1/logins/{merchant}/resume", MONEY, logins::resume, resume),
        Route::get("/v1/reviews", READ, review_list::list, list),
        Route::get("/v1/reviews/{merchant}/{order_number}", READ, reviews::show, show),
        Route::post("/v1/reviews/{merchant}/{order_number}/resolve", MONEY, reviews::resolve, resolve),
    ]
}

fn of_the_bank() -> Vec<Route> {
    let callback = |id| {
        Operation::new(id, "The bank tells that something happened to an order")
            .words(
                "A hint: it makes a look due, whatever it says. The checksum is over all parameters, in the query or in a \
                 form.",
            )
            .of_merchant()
            .parameter(checksum)
            .answers_nothing(200, "It was heard.")
            .refused(400, "These are no parameters of the bank's.")
            .refused(413, "It is longer than any of the bank's.")
    };
    vec![
        Route::get("/callbacks/{merchant}", Needs::Checksum, callbacks::receive, callback("hearCallback")),
        Route::post("/callbacks/{merchant}", Needs::Checksum, callbacks::receive, callback("hearPostedCallback")),
    ]
}

fn checksum(_: &mut openapi::describe::Schemas) -> serde_json::Value {
    serde_json::json!({
        "name": "checksum",
        "in": "query",
        "required": false,
        "description": "Over all other parameters, such as `mdOrder`, `orderNumber`, `operation` and `status`; it may stand \
                        in the form as well.",
        "schema": { "type": "string" },
    })
}

/// How it fares.
fn of_the_daemon() -> Vec<Route> {
    let plain = |id, summary, words| Operation::new(id, summary).answers_as(200, words, "text/plain", text);
    let document = Operation::new("showDescription", "This document").answers_as(
        200,
        "OpenAPI 3.1.",
        "application/json",
        |_| serde_json::json!({ "type": "object" }),
    );
    let page = Operation::new("showPage", "How it stands, for a person").answers_as(200, "A page.", "text/html", text);
    let style = Operation::new("showStyle", "The page's style").answers_as(200, "A style sheet.", "text/css", text);
    vec![
        Route::get("/openapi.json", Needs::Nothing, openapi::show, document),
        Route::get("/", Needs::Nothing, page::page, page),
        Route::get("/page.css", Needs::Nothing, page::style, style),
        Route::get(
            "/metrics",
            Needs::TokenIfAsked,
            scrape::scrape,
            plain("scrapeMetrics", "The metrics, for Prometheus", "Prometheus's text format."),
        ),
        Route::get(
            "/healthz",
            Needs::Nothing,
            health::alive,
            plain("showHealth", "Whether the daemon's work goes round", "It does."),
        ),
        Route::get(
            "/readyz",
            Needs::Nothing,
            health::ready,
            plain("showReadiness", "Whether the daemon can be given work", "It can."),
        ),
    ]
}

fn text(_: &mut openapi::describe::Schemas) -> serde_json::Value {
    serde_json::json!({ "type": "string" })
}
