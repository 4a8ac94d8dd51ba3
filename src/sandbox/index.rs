//! The front page, which an integrator opens first: the address to configure, the newest orders, and the way to
//! everything else.
//!
//! It shows the book to whoever asks, as the rest of the control room does.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use super::bank::Bank;
use super::order::{Decline, Order, State as OrderState};
use super::page::show_template;
use super::params::escape;
use super::rest::origin;
use super::verbs::payment_path;

/// As many as a person looks through.
const ORDERS_SHOWN: usize = 50;

/// The route of the front page.
pub(super) fn routes(bank: Bank, authority: String) -> Router {
    Router::new().route("/", get(show)).with_state((bank, authority))
}

#[derive(Template)]
#[template(path = "bank.html")]
struct FrontPage {
    origin: String,
    open: bool,
    example: Example,
    faults: usize,
    orders: Vec<Row>,
    total: usize,
}

/// Who asks in the examples.
struct Example {
    user_name: String,
    password: &'static str,
}

/// One order in the table.
struct Row {
    number: String,
    amount: String,
    state: &'static str,
    registered: String,
    login: String,
    payment_path: String,
    /// Only where any password will do: the real one does not belong on a page.
    status_path: Option<String>,
}

async fn show(State((bank, authority)): State<(Bank, String)>, headers: HeaderMap) -> Response {
    let open = bank.only_login().is_none();
    let (orders, total) = bank.newest(ORDERS_SHOWN);
    show_template(&FrontPage {
        origin: origin(&headers, &authority),
        open,
        example: example(bank.only_login()),
        faults: bank.faults().len(),
        orders: orders.iter().map(|order| row(order, open)).collect(),
        total,
    })
}

/// A login that is let in. The real password does not belong on a page, so whoever copies the example fills it in.
fn example(only: Option<&str>) -> Example {
    match only {
        Some(user_name) => Example { user_name: form_value(user_name), password: "PASSWORD" },
        None => Example { user_name: "shop-api".to_owned(), password: "secret" },
    }
}

fn row(order: &Order, open: bool) -> Row {
    let registration = &order.registration;
    Row {
        number: registration.order_number.clone(),
        amount: registration.currency.format(registration.amount_minor, '.'),
        state: state(&order.state),
        registered: moment(order.registered_at_ms),
        login: registration.login.clone(),
        payment_path: payment_path(order),
        status_path: open.then(|| status_path(order)),
    }
}

fn status_path(order: &Order) -> String {
    let login = form_value(&order.registration.login);
    format!("/payment/rest/getOrderStatusExtended.do?userName={login}&password=any&language=en&orderId={}", order.id)
}

/// Fit for a URL and for a form.
fn form_value(text: &str) -> String {
    escape(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn state(state: &OrderState) -> &'static str {
    match state {
        OrderState::Registered { .. } => "registered",
        OrderState::Authenticating { .. } => "in authentication",
        OrderState::Held { .. } => "held",
        OrderState::Deposited { .. } if state.status() == 2 => "deposited",
        OrderState::Deposited { .. } => "refunded",
        OrderState::Declined { reason: Decline::ByIssuer | Decline::AttemptsExhausted, .. } => "declined",
        OrderState::Declined { reason: Decline::ByStore { .. }, .. } => "called off",
        OrderState::Declined { reason: Decline::TimeRanOut, .. } => "declined, time ran out",
        OrderState::Reversed { .. } => "reversed",
    }
}

fn moment(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}
