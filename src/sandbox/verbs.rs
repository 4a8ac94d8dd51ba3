//! What the gateway can be asked, and what it answers, apart from any wire.
//!
//! A wire turns its bytes into a `Call` and an `Answer` into its bytes; what happens in between is here and in
//! the book.

use super::answer::Answer;
use super::book::{Book, Key, RefundWish};
use super::call::Call;
use super::course::Twist;
use super::credentials::TOKEN;
use super::errors::{self, Refusal};
use super::faults::AmountPart;
use super::last_orders;
use super::old_status;
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
        Operation::OldStatus => old_status(book, asked),
        Operation::Deposit => deposit(book, asked),
        Operation::Refund => refund(book, asked),
        Operation::AutoRefund => refund_composite(book, asked),
        Operation::Decline => decline(book, asked),
        Operation::LastOrders => last_orders(book, asked),
    };
    done.unwrap_or_else(|refusal| refuse(refusal, asked.call))
}

/// A refusal, spelled as the request's other answers are.
pub(super) fn refuse(refusal: Refusal, call: &Call) -> Answer {
    match call.operation {
        Operation::OldStatus => Answer::old_refused(refusal, call.language()),
        _ => Answer::refused(refusal, call.language()),
    }
}

fn register(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let registration = register::parse(&asked.call.params, asked.login, &book.terms, asked.now_ms)?;
    enter(book, asked, registration)
}

fn register_pre_auth(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let registration = register::parse_pre_auth(&asked.call.params, asked.login, &book.terms, asked.now_ms)?;
    enter(book, asked, registration)
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
    // Whoever asks with a token names the order by its id.
    if asked.login == TOKEN && matches!(key, Key::Number { .. }) {
        return Err(errors::ORDER_NOT_NAMED);
    }
    let order = book.find(key, asked.now_ms)?.clone();
    let shown = match (twist, &order.earlier) {
        (Some(Twist::Stale), Some(earlier)) => Order { state: earlier.clone(), ..order },
        (Some(Twist::AnotherOrder), _) => book.another(&order.id).cloned().unwrap_or(order),
        (Some(Twist::Stale | Twist::Amount { .. }) | None, _) => order,
    };
    let mut answer = status::answer(&shown, book.post.contracts.of(asked.login), asked.call.language());
    if let Some(Twist::Amount { part, off_by_minor }) = twist {
        bend(&mut answer, part, off_by_minor);
    }
    Ok(Answer::Status(Box::new(answer)))
}

fn bend(answer: &mut StatusAnswer, part: AmountPart, off_by_minor: i64) {
    let amount = match (part, &mut answer.payment_amount_info) {
        (AmountPart::Approved, Some(amounts)) => &mut amounts.approved_amount,
        (AmountPart::Deposited, Some(amounts)) => &mut amounts.deposited_amount,
        // Where a version shows no other amount, the only one is bent.
        (AmountPart::Amount, _) | (_, None) => &mut answer.amount,
    };
    *amount = amount.saturating_add(off_by_minor);
}

fn old_status(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let key = asked.call.key(asked.login).ok_or(errors::ORDER_ID_EMPTY)?;
    let order = book.find(key, asked.now_ms)?.clone();
    let contract = book.post.contracts.of(asked.login);
    Ok(Answer::OldStatus(Box::new(old_status::answer(&order, contract, asked.call.language()))))
}

fn complete(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::FIELD_EMPTY)?;
    let amount = call.params.get("compositeCompletionAmount").ok_or(errors::FIELD_EMPTY)?;
    let asked_minor = completion_amount(amount)?;
    let order = book.complete(key, asked_minor, now_ms, Some(request))?;
    Ok(Answer::composite(&completion_operations(order), request, call.language()))
}

/// What points processing did: it took the points and counted the money for new ones, or where only a part was taken,
/// it gave points back and counted less, as in the documents' example. Without points there is the payment alone.
fn completion_operations(order: &Order) -> Vec<(&'static str, i64)> {
    let points = order.state.payment().filter(|payment| !payment.points.is_empty());
    let money = order.deposited_minor();
    match points.map(|payment| (payment.points_approved(), payment.points_deposited())) {
        None => vec![("PAYMENT", money)],
        Some((approved, deposited)) if money == order.approved_minor() && approved == deposited => {
            vec![("PAYMENT", deposited), ("AWARD", money)]
        }
        Some((approved, deposited)) => {
            vec![("REFUND_PAYMENT", approved - deposited), ("REFUND_AWARD", order.approved_minor() - money)]
        }
    }
}

/// Less than a rouble the gateway does not deposit.
const DEPOSIT_LEAST: i64 = 100;

/// 0 takes the whole hold. Where points are involved only a composite completion knows what to do with them.
fn deposit(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::ORDER_ID_EMPTY)?;
    let asked_minor = money(call, "amount")?;
    if (1..DEPOSIT_LEAST).contains(&asked_minor) {
        return Err(errors::BELOW_ONE_ROUBLE);
    }
    let order = book.find(key, now_ms)?;
    if order.state.payment().is_some_and(|payment| !payment.points.is_empty()) {
        return Err(errors::POINTS_INVOLVED);
    }
    book.complete(key, asked_minor, now_ms, Some(request))?;
    Ok(Answer::acknowledged(call.language()))
}

/// The whole hold alone: partial reversals need a right of their own, and this bank gives none.
fn reverse(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::FIELD_EMPTY)?;
    if call.params.get("amount").is_some() {
        let asked_minor = money(call, "amount")?;
        if asked_minor != 0 && asked_minor != book.find(key, now_ms)?.approved_minor() {
            return Err(errors::PART_NOT_REVERSIBLE);
        }
    }
    book.reverse(key, now_ms, Some(request))?;
    Ok(Answer::acknowledged(call.language()))
}

/// Several, up to what was deposited; 0 is all that is left. One that the store has named before is not done again.
fn refund(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::ORDER_ID_EMPTY)?;
    let external_id = call.params.get("externalRefundId");
    if external_id.is_some_and(|id| id.chars().count() > 36) {
        return Err(errors::VALUE_WRONG);
    }
    let expected = call.params.get("expectedDepositedAmount");
    let expected_deposited_minor = match expected.map(|text| digits(text, 12)) {
        Some(None) => return Err(errors::VALUE_WRONG),
        Some(expected) => expected,
        None => None,
    };
    let wish =
        RefundWish { composite: false, asked_minor: money(call, "amount")?, external_id, expected_deposited_minor };
    let before = book.find(key, now_ms)?.movements.len();
    let (order, _) = book.refund(key, wish, now_ms, Some(request))?;
    let language = call.language();
    Ok(if order.movements.len() == before {
        Answer::acknowledged_again(language)
    } else {
        Answer::acknowledged(language)
    })
}

/// Money and points together.
fn refund_composite(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::FIELD_EMPTY)?;
    let asked_minor = digits(call.composite_refund().ok_or(errors::FIELD_EMPTY)?, 20).ok_or(errors::AMOUNT_WRONG)?;
    let wish = RefundWish { composite: true, asked_minor, external_id: None, expected_deposited_minor: None };
    let (order, made) = book.refund(key, wish, now_ms, Some(request))?;
    let operations = order
        .movements
        .get(made)
        .map(|movement| [("REFUND_PAYMENT", movement.points), ("REFUND_AWARD", movement.amount_minor)]);
    Ok(Answer::composite(&operations.into_iter().flatten().collect::<Vec<_>>(), request, call.language()))
}

/// `decline.do`: only what nobody has paid.
fn decline(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let Asked { call, login, request, now_ms } = asked;
    let key = call.key(login).ok_or(errors::ORDER_NOT_NAMED)?;
    book.call_off(key, now_ms, Some(request))?;
    Ok(Answer::acknowledged(call.language()))
}

fn last_orders(book: &mut Book, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let wanted = last_orders::parse(&asked.call.params)?;
    let contract = book.post.contracts.of(asked.login).clone();
    let orders = book.of_store(asked.login, asked.now_ms);
    Ok(Answer::LastOrders(wanted.page(orders, &contract, asked.call.language())))
}

/// N..12, mandatory.
fn money(call: &Call, name: &str) -> Result<i64, Refusal> {
    let text = call.params.get(name).ok_or(errors::FIELD_EMPTY)?;
    digits(text, 12).ok_or(errors::AMOUNT_WRONG)
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
mod tests;
