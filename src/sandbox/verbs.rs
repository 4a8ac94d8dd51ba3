//! What the gateway can be asked, and what it answers, apart from any wire.
//!
//! A wire (REST today) turns its bytes into a `Call` and an `Answer` into its bytes; what happens in between is here and in
//! the book.

use super::answer::Answer;
use super::book::Book;
use super::call::Call;
use super::course::Twist;
use super::errors::{self, Refusal};
use super::faults::AmountPart;
use super::operation::Operation;
use super::order::Order;
use super::register::{self, RegisterAnswer, digits};
use super::registration::Registration;
use super::status::{self, StatusAnswer};

/// A call by somebody who was let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    /// The store that asks.
    pub(super) login: &'a str,
    /// The request's line in the ledger.
    pub(super) request: u64,
    pub(super) now_ms: i64,
}

/// Does what a call asks and answers it; `twist` is how a misbehaving bank bends a status.
pub(super) fn perform(book: &mut Book, asked: Asked<'_>, twist: Option<Twist>) -> Answer {
    let done = match asked.call.operation {
        Operation::Register => register(book, asked),
        Operation::RegisterPreAuth => register_pre_auth(book, asked),
        Operation::Status => status(book, asked, twist),
        Operation::Completion => complete(book, asked),
        Operation::Reversal => reverse(book, asked),
        Operation::Refund => refund(book, asked),
        Operation::Decline => decline(book, asked),
    };
    done.unwrap_or_else(|refusal| Answer::refused(refusal, asked.call.language()))
}

fn register(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let registration = registration(book, asked)?;
    enter(book, asked, registration)
}

fn register_pre_auth(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let registration = registration(book, asked)?.two_phase();
    enter(book, asked, registration)
}

fn registration(book: &Book, asked: Asked<'_>) -> Result<Registration, Refusal> {
    register::parse(&asked.call.params, asked.login, &book.terms, asked.now_ms)
}

fn enter(book: &mut Book, asked: Asked<'_>, registration: Registration) -> Result<Answer, Refusal> {
    let order = book.register(registration, asked.now_ms, Some(asked.request))?;
    Ok(Answer::Registered(RegisterAnswer {
        order_id: order.id.clone(),
        form_url: format!("{}{}", asked.call.origin, payment_path(order)),
    }))
}

/// Where the buyer pays, in the gateway's own shape.
pub(super) fn payment_path(order: &Order) -> String {
    let language = order.registration.language.code();
    format!("/payment/merchants/sandbox/payment_{language}.html?mdOrder={}", order.id)
}

fn status(book: &mut Book, asked: Asked<'_>, twist: Option<Twist>) -> Result<Answer, Refusal> {
    let key = asked.call.key(asked.login).ok_or(errors::ORDER_NOT_NAMED)?;
    let order = book.find(key, asked.now_ms)?.clone();
    let shown = match (twist, &order.earlier) {
        (Some(Twist::Stale), Some(earlier)) => Order { state: earlier.clone(), ..order },
        (Some(Twist::AnotherOrder), _) => book.another(&order.id).cloned().unwrap_or(order),
        (Some(Twist::Stale | Twist::Amount { .. }) | None, _) => order,
    };
    let mut answer = status::answer(&shown, asked.call.language());
    if let Some(Twist::Amount { part, off_by_minor }) = twist {
        bend(&mut answer, part, off_by_minor);
    }
    Ok(Answer::Status(Box::new(answer)))
}

fn bend(answer: &mut StatusAnswer, part: AmountPart, off_by_minor: i64) {
    let amount = match part {
        AmountPart::Amount => &mut answer.amount,
        AmountPart::Approved => &mut answer.payment_amount_info.approved_amount,
        AmountPart::Deposited => &mut answer.payment_amount_info.deposited_amount,
    };
    *amount = amount.saturating_add(off_by_minor);
}

fn complete(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::FIELD_EMPTY)?;
    let amount = call.params.get("compositeCompletionAmount").ok_or(errors::FIELD_EMPTY)?;
    let asked_minor = completion_amount(amount)?;
    let order = book.complete(key, asked_minor, now_ms, Some(request))?;
    Ok(Answer::completed(order.deposited_minor(), request, call.language()))
}

/// Without an amount: partial reversals need a right of their own, and this bank gives none.
fn reverse(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::FIELD_EMPTY)?;
    book.reverse(key, now_ms, Some(request))?;
    Ok(Answer::reversed(call.language()))
}

/// 0 is all that is left. A refund whose `externalRefundId` is known is answered as the first one was, and an
/// `expectedDepositedAmount` that is no longer so refuses it.
fn refund(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::FIELD_EMPTY)?;
    let minor = digits(call.params.get("amount").ok_or(errors::FIELD_EMPTY)?, 12).ok_or(errors::AMOUNT_WRONG)?;
    let order = book.find(key, now_ms)?;
    let external_id = call.params.get("externalRefundId");
    if external_id.is_some_and(|id| order.knows_refund(id)) {
        return Ok(Answer::reversed(call.language()));
    }
    let left_minor = order.deposited_minor().saturating_sub(order.refunded_minor());
    if let Some(expected) = call.params.get("expectedDepositedAmount")
        && digits(expected, 12) != Some(order.deposited_minor())
    {
        return Err(errors::WRONG_STATE);
    }
    let minor = if minor == 0 { left_minor } else { minor };
    book.refund(key, minor, external_id, now_ms, Some(request))?;
    Ok(Answer::reversed(call.language()))
}

fn decline(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::FIELD_EMPTY)?;
    book.decline(key, now_ms, Some(request))?;
    Ok(Answer::reversed(call.language()))
}

/// N..20: a number too long for `i64` is well-formed, and above any hold.
fn completion_amount(text: &str) -> Result<i64, Refusal> {
    let plain = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    match digits(text, 20) {
        Some(asked_minor) => Ok(asked_minor),
        None if plain => Err(errors::ABOVE_HOLD),
        None => Err(errors::AMOUNT_WRONG),
    }
}

#[cfg(test)]
mod tests {
    use super::super::book::{Key, Terms};
    use super::super::order::CardSystem;
    use super::super::params::Params;
    use super::*;

    const TERMS: Terms =
        Terms { session_ms: 1_200_000, hold_ms: 600_000, order_number_max: 32, part_after_part: false };

    /// A bank with one held order of 900.
    fn bank() -> (Book, String) {
        let mut book = Book::new(TERMS, 1);
        let registration = Registration::new("shop", "A-1", 900).two_phase();
        let id = book.register(registration, 1_000, None).unwrap().id.clone();
        book.pay(Key::Id(&id), CardSystem::Visa, 2_000).unwrap();
        (book, id)
    }

    fn ask(book: &mut Book, operation: Operation, query: &str, twist: Option<Twist>) -> serde_json::Value {
        let call = Call { operation, params: Params::merge(query, b""), origin: "http://bank".to_owned() };
        let asked = Asked { call: &call, login: "shop", request: 42, now_ms: 3_000 };
        let answer = perform(book, asked, twist);
        serde_json::to_value(answer).unwrap()
    }

    #[test]
    fn a_completion_is_judged_by_order_amount_and_state() {
        let check = |query: &str, code: &str, deposited| {
            let (mut book, id) = bank();
            let query = query.replace("ID", &id);
            let answer = ask(&mut book, Operation::Completion, &query, None);
            assert_eq!(answer["errorCode"], code, "{query}");
            let order = book.find(Key::Id(&id), 3_000).unwrap();
            assert_eq!(order.deposited_minor(), deposited, "{query}");
        };
        check("orderId=ID&compositeCompletionAmount=0", "0", 900);
        check("orderId=ID&compositeCompletionAmount=500", "0", 500);
        check("orderId=ID&compositeCompletionAmount=901", "5", 0);
        check("orderId=ID&compositeCompletionAmount=99999999999999999999", "5", 0);
        check("orderId=ID&compositeCompletionAmount=-1", "5", 0);
        check("orderId=ID", "5", 0);
        check("compositeCompletionAmount=0", "5", 0);
        check("orderNumber=A-1&compositeCompletionAmount=0", "5", 0);
        check("orderId=nobody&compositeCompletionAmount=0", "6", 0);
    }

    #[test]
    fn a_second_completion_is_refused() {
        let (mut book, id) = bank();
        let query = format!("orderId={id}&compositeCompletionAmount=500");
        let first = ask(&mut book, Operation::Completion, &query, None);
        let operation = &first["operations"][0];
        assert_eq!((&operation["amount"], &operation["successful"]), (&500.into(), &true.into()));
        assert!(operation["pcId"].is_u64() && operation["transactionId"].is_string());
        let second = ask(&mut book, Operation::Completion, &query, None);
        assert_eq!(second["errorCode"], "7");
        assert_eq!(second["errorMessage"], "Платёж должен быть в корректном состоянии");
    }

    #[test]
    fn only_a_hold_is_reversed_and_only_once() {
        let check = |query: &str, code: i64, status: u8| {
            let (mut book, id) = bank();
            let query = query.replace("ID", &id);
            let answer = ask(&mut book, Operation::Reversal, &query, None);
            let found = answer["errorCode"].as_i64().or_else(|| answer["errorCode"].as_str()?.parse().ok());
            assert_eq!(found, Some(code), "{query}: {answer}");
            assert_eq!(book.find(Key::Id(&id), 3_000).unwrap().state.status(), status, "{query}");
        };
        check("orderId=ID", 0, 3);
        check("orderNumber=A-1", 5, 1);
        check("", 5, 1);
        check("orderId=nobody", 6, 1);
        let (mut book, id) = bank();
        let query = format!("orderId={id}");
        ask(&mut book, Operation::Reversal, &query, None);
        assert_eq!(ask(&mut book, Operation::Reversal, &query, None)["errorCode"], "7");
        let completion = format!("{query}&compositeCompletionAmount=0");
        assert_eq!(ask(&mut book, Operation::Completion, &completion, None)["errorCode"], "7");
        let (mut book, id) = bank();
        ask(&mut book, Operation::Completion, &format!("orderId={id}&compositeCompletionAmount=0"), None);
        assert_eq!(ask(&mut book, Operation::Reversal, &format!("orderId={id}"), None)["errorCode"], "7");
    }

    #[test]
    fn status_finds_by_id_before_number_and_misses_without_a_status() {
        let (mut book, id) = bank();
        let found = ask(&mut book, Operation::Status, &format!("orderId={id}&orderNumber=B-9"), None);
        assert_eq!((&found["orderStatus"], &found["orderNumber"]), (&1.into(), &"A-1".into()));
        let by_number = ask(&mut book, Operation::Status, "orderNumber=A-1", None);
        assert_eq!(by_number["attributes"][0]["value"], *id);
        let missing = ask(&mut book, Operation::Status, "orderNumber=B-9&language=en", None);
        assert_eq!(missing, serde_json::json!({"errorCode": "6", "errorMessage": "Unregistered OrderId"}));
        assert_eq!(ask(&mut book, Operation::Status, "", None)["errorCode"], "4");
    }

    #[test]
    fn twists_bend_the_answer_and_not_the_book() {
        let (mut book, id) = bank();
        book.register(Registration::new("shop", "A-2", 5), 2_500, None).unwrap();
        let query = format!("orderId={id}");
        let mut bent = |twist| ask(&mut book, Operation::Status, &query, Some(twist));
        assert_eq!(bent(Twist::Stale)["orderStatus"], 0);
        assert_eq!(bent(Twist::AnotherOrder)["orderNumber"], "A-2");
        let part = AmountPart::Approved;
        let amounts = &bent(Twist::Amount { part, off_by_minor: -100 })["paymentAmountInfo"];
        assert_eq!(amounts["approvedAmount"], 800);
        assert_eq!(book.find(Key::Id(&id), 3_000).unwrap().approved_minor(), 900);
    }

    #[test]
    fn a_registration_is_answered_without_an_error_code() {
        let (mut book, _) = bank();
        let query = "orderNumber=C-1&amount=100&returnUrl=https://shop.example/&language=en";
        let answer = ask(&mut book, Operation::RegisterPreAuth, query, None);
        let id = answer["orderId"].as_str().unwrap();
        assert_eq!(answer["formUrl"], format!("http://bank/payment/merchants/sandbox/payment_en.html?mdOrder={id}"));
        assert!(answer.get("errorCode").is_none());
        assert!(book.find(Key::Id(id), 3_000).unwrap().registration.two_phase);
        assert_eq!(ask(&mut book, Operation::Register, query, None)["errorCode"], "1");
    }
}
