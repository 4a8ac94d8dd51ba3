//! The payment page, where a person is the buyer: pay, with the issuer's code or without, be declined, or walk away.
//!
//! Server-rendered and self-contained; the only script counts the remaining time down, and all works without it. It
//! asks for no card, since there is none, and for no login, as the gateway's page does not: whoever has the address is
//! the buyer.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::bank::Bank;
use super::errors::Language;
use super::order::{Decline, Order, State as OrderState};
use super::order_view::OrderView;
use super::page_words::Words;
use super::params::Params;
use super::return_url;

/// The routes of the payment page.
pub(super) fn routes(bank: Bank) -> Router {
    Router::new().route("/payment/merchants/sandbox/{page}", get(show).post(press)).with_state(bank)
}

/// The page as the buyer sees it.
#[derive(Template)]
#[template(path = "payment.html")]
struct PaymentPage {
    words: &'static Words,
    order_id: String,
    number: String,
    description: String,
    amount: String,
    points: Vec<(String, i64)>,
    two_phase: bool,
    back: String,
    stage: Stage,
}

/// How far the payment is.
enum Stage {
    /// It can be paid.
    Open { clock: Countdown, attempts: Attempts, secure: Secure },
    /// The issuer waits for a code.
    Challenge { clock: Countdown },
    /// The buyer has just left.
    Left,
    /// It is over.
    Ended(&'static str),
}

/// The time that is left, for the script and for people.
struct Countdown {
    seconds: i64,
    face: String,
}

/// How often it was tried, and how often it can be.
struct Attempts {
    failed: u8,
    left: u8,
}

/// Whether the issuer asks for a code, as far as the store decides it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secure {
    Never,
    Perhaps,
    Always,
}

impl Secure {
    fn of(order: &Order) -> Secure {
        let registration = &order.registration;
        if registration.has_feature("FORCE_TDS") || registration.has_feature("FORCE_FULL_TDS") {
            Secure::Always
        } else if registration.has_feature("FORCE_SSL") {
            Secure::Never
        } else {
            Secure::Perhaps
        }
    }

    fn offers_plain(self) -> bool {
        self != Secure::Always
    }

    fn offers_secure(self) -> bool {
        self != Secure::Never
    }
}

async fn show(State(bank): State<Bank>, Path(page): Path<String>, RawQuery(query): RawQuery) -> Response {
    let Some(language) = language_of(&page) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let params = Params::merge(query.as_deref().unwrap_or_default(), b"");
    match params.get("mdOrder").and_then(|id| bank.find(id)) {
        Some(order) => {
            let stage = stage(&bank, &order, language);
            render(&order, language, stage)
        }
        None => unknown(language),
    }
}

/// Does what the button says, then sends the buyer on; a button pressed too late shows the page as it now is.
async fn press(State(bank): State<Bank>, Path(page): Path<String>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let Some(language) = language_of(&page) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let params = Params::merge(query.as_deref().unwrap_or_default(), &body);
    let Some(order) = params.get("mdOrder").and_then(|id| bank.find(id)) else {
        return unknown(language);
    };
    let registration = &order.registration;
    let paid = |_| return_url::after_payment(registration, &order.id);
    let here = || format!("/payment/merchants/sandbox/{page}?mdOrder={}", order.id);
    // While he can try again the buyer stays on the page.
    let refused = |view: OrderView| {
        if view.status == 0 { here() } else { return_url::after_failure(registration, &order.id) }
    };
    let secure = Secure::of(&order);
    let done = match params.get("deed") {
        Some("pay") if secure.offers_plain() => bank.pay(&order.id).map(paid),
        Some("secure") if secure.offers_secure() => bank.challenge(&order.id).map(|_| here()),
        Some("confirm") => bank.authenticate(&order.id).map(paid),
        Some("decline" | "fail") => bank.fail_attempt(&order.id).map(refused),
        Some("leave") => return leave(&bank, &order, language),
        Some(_) | None => return StatusCode::BAD_REQUEST.into_response(),
    };
    let next = done.unwrap_or_else(|_| here());
    (StatusCode::SEE_OTHER, [(header::LOCATION, next)]).into_response()
}

/// Leaving changes nothing at the bank, so it is answered with a page rather than a redirect to one.
fn leave(bank: &Bank, order: &Order, language: Language) -> Response {
    match (bank.walk_away(&order.id), &order.state) {
        (Ok(_), OrderState::Registered { .. } | OrderState::Authenticating { .. }) => {
            render(order, language, Stage::Left)
        }
        _ => render(order, language, stage(bank, order, language)),
    }
}

fn language_of(page: &str) -> Option<Language> {
    match page {
        "payment_ru.html" => Some(Language::Ru),
        "payment_en.html" => Some(Language::En),
        _ => None,
    }
}

fn stage(bank: &Bank, order: &Order, language: Language) -> Stage {
    let words = Words::of(language);
    match &order.state {
        OrderState::Registered { expires_at_ms } => Stage::Open {
            clock: countdown(*expires_at_ms, bank.now_ms()),
            attempts: Attempts { failed: order.failed_attempts, left: bank.attempts_left(order) },
            secure: Secure::of(order),
        },
        OrderState::Authenticating { expires_at_ms } => {
            Stage::Challenge { clock: countdown(*expires_at_ms, bank.now_ms()) }
        }
        OrderState::Held { .. } => Stage::Ended(words.held),
        OrderState::Deposited { .. } => Stage::Ended(words.deposited),
        OrderState::Declined { reason: Decline::ByIssuer, .. } => Stage::Ended(words.declined),
        OrderState::Declined { reason: Decline::AttemptsExhausted, .. } => Stage::Ended(words.exhausted),
        OrderState::Declined { reason: Decline::TimeRanOut, .. } => Stage::Ended(words.expired),
        OrderState::Declined { reason: Decline::ByStore { .. }, .. } => Stage::Ended(words.called_off),
        OrderState::Reversed { .. } => Stage::Ended(words.reversed),
    }
}

/// Rounded up: while a moment is left, the page must not show zero.
fn countdown(expires_at_ms: i64, now_ms: i64) -> Countdown {
    let seconds = (expires_at_ms - now_ms).max(0).saturating_add(999) / 1_000;
    Countdown { seconds, face: clock_face(seconds) }
}

/// `19:59`, or `1:00:00` from an hour on; the script on the page writes the same.
fn clock_face(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn render(order: &Order, language: Language, stage: Stage) -> Response {
    let registration = &order.registration;
    let back = match order.state {
        OrderState::Declined { .. } => return_url::after_failure(registration, &order.id),
        OrderState::Registered { .. }
        | OrderState::Authenticating { .. }
        | OrderState::Held { .. }
        | OrderState::Deposited { .. }
        | OrderState::Reversed { .. } => return_url::after_payment(registration, &order.id),
    };
    let page = PaymentPage {
        words: Words::of(language),
        order_id: order.id.clone(),
        number: registration.order_number.clone(),
        description: registration.description.clone(),
        amount: registration.currency.format(registration.amount_minor, language.decimal_mark()),
        points: registration.points(),
        two_phase: registration.two_phase,
        back,
        stage,
    };
    show_template(&page)
}

/// A page as a response that no browser keeps: it is out of date the moment somebody pays.
pub(super) fn show_template(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => ([(header::CACHE_CONTROL, "no-store")], Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "A page of the sandbox could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn unknown(language: Language) -> Response {
    let sentence = super::errors::UNKNOWN_ORDER.text(language);
    (StatusCode::NOT_FOUND, sentence).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_reads_like_a_clock() {
        let check = |seconds, face: &str| assert_eq!(clock_face(seconds), face);
        check(0, "0:00");
        check(59, "0:59");
        check(1_200, "20:00");
        check(3_600, "1:00:00");
        check(90_061, "25:01:01");
    }
}
