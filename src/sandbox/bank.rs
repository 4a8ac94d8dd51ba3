//! The handle everybody holds: the payment page, the wires, the buyers, the control room and tests.
//!
//! One std mutex guards book and faults: every section is short and never awaits, and one lock makes a request's effect and
//! its ledger line one fact.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::book::{Book, Key, Terms};
use super::clock::{Clock, millis};
use super::course::Course;
use super::draw::{Circumstances, Faults, TooManyRules};
use super::errors::{self, Refusal};
use super::faults::{FaultKind, FaultRule, Garbage};
use super::ledger::{AnswerClass, Entry, LedgerLine, RequestEntry};
use super::order::{Order, OrderView, Registration};
use super::params::Params;
use super::settings::{Login, Settings};
use super::verbs::{self, Answer, Call};

/// A cloneable handle on the bank behind a running sandbox.
#[derive(Debug, Clone)]
pub struct Bank {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    login: Option<Login>,
    /// Rung at every registration, for buyers who wait.
    registered: Notify,
    vault: Mutex<Vault>,
}

#[derive(Debug)]
struct Vault {
    book: Book,
    faults: Faults,
}

/// A request that was let in: its line in the ledger, who asks, and the course it will take.
#[derive(Debug)]
pub(super) struct Admission {
    request: u64,
    login: Result<String, Refusal>,
    pub(super) course: Course,
}

impl Bank {
    pub(super) fn new(settings: &Settings) -> Bank {
        let terms = Terms {
            session_ms: millis(settings.session_timeout),
            hold_ms: millis(settings.hold_lifetime),
            order_number_max: settings.order_number_max,
        };
        let vault = Vault {
            book: Book::new(terms, settings.seed),
            // Another stream than the book's, so that adding a fault does not change the order ids.
            faults: Faults::new(settings.faults.clone(), !settings.seed),
        };
        Bank {
            inner: Arc::new(Inner {
                clock: Clock::default(),
                login: settings.login.clone(),
                registered: Notify::new(),
                vault: Mutex::new(vault),
            }),
        }
    }

    /// The bank's clock, in epoch milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// Registers an order without a wire between; fields are taken as they are.
    pub fn register(&self, registration: Registration) -> Result<OrderView, Refusal> {
        if registration.amount_minor <= 0 {
            return Err(errors::AMOUNT_WRONG);
        }
        let view = {
            let (mut vault, now_ms) = self.vault();
            vault.book.register(registration, now_ms, None)?.view()
        };
        self.inner.registered.notify_one();
        Ok(view)
    }

    /// A buyer pays: a two-phase order is held, a one-phase order deposited.
    pub fn pay(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.pay(Key::Id(order_id), now_ms).map(Order::view)
    }

    /// The issuer declines the buyer.
    pub fn decline(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault
            .book
            .decline(Key::Id(order_id), now_ms)
            .map(Order::view)
    }

    /// The buyer leaves the page and does not come back: the session will time out.
    pub fn walk_away(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault
            .book
            .walk_away(Key::Id(order_id), now_ms)
            .map(Order::view)
    }

    /// One order of the bank's book, by order id.
    pub fn order(&self, order_id: &str) -> Option<OrderView> {
        self.find(order_id).map(|order| order.view())
    }

    /// The bank's book, oldest order first.
    pub fn orders(&self) -> Vec<OrderView> {
        let (mut vault, now_ms) = self.vault();
        vault.book.orders(now_ms).iter().map(Order::view).collect()
    }

    /// The whole ledger, oldest line first.
    pub fn ledger(&self) -> Vec<LedgerLine> {
        self.ledger_after(0, usize::MAX)
    }

    /// Up to `limit` lines of the ledger after line `seq`.
    pub fn ledger_after(&self, seq: u64, limit: usize) -> Vec<LedgerLine> {
        let (mut vault, now_ms) = self.vault();
        vault.book.settle(now_ms);
        vault.book.ledger.after(seq, limit)
    }

    /// Adds one fault rule; a full list (a thousand rules) takes no more.
    pub fn add_fault(&self, rule: FaultRule) -> Result<(), TooManyRules> {
        self.add_faults(vec![rule])
    }

    /// Adds all of these fault rules or, when they are too many, none.
    pub fn add_faults(&self, rules: Vec<FaultRule>) -> Result<(), TooManyRules> {
        self.vault().0.faults.add(rules)
    }

    /// The fault rules in force, with the counts they have left.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.vault().0.faults.rules().to_vec()
    }

    /// Ends all faults; requests already struck go their course.
    pub fn clear_faults(&self) {
        self.vault().0.faults.clear();
    }

    /// Whether no login was set.
    pub(super) fn lets_anybody_in(&self) -> bool {
        self.inner.login.is_none()
    }

    pub(super) fn find(&self, order_id: &str) -> Option<Order> {
        let (mut vault, now_ms) = self.vault();
        vault.book.find(Key::Id(order_id), now_ms).ok().cloned()
    }

    /// The newest orders, newest first, and how many there are.
    pub(super) fn newest(&self, most: usize) -> (Vec<Order>, usize) {
        let (mut vault, now_ms) = self.vault();
        let orders = vault.book.orders(now_ms);
        (
            orders.iter().rev().take(most).cloned().collect(),
            orders.len(),
        )
    }

    /// The oldest order that no virtual buyer has visited.
    pub(super) fn visit(&self) -> Option<Order> {
        let (mut vault, now_ms) = self.vault();
        vault.book.visit(now_ms).cloned()
    }

    /// Returns when an order has been registered since the last call.
    pub(super) async fn registered(&self) {
        self.inner.registered.notified().await;
    }

    /// Opens the ledger's line for a request that has arrived and draws its fault.
    pub(super) fn admit(&self, call: &Call) -> Admission {
        let login = credentials(&call.params, self.inner.login.as_ref());
        let (mut vault, now_ms) = self.vault();
        let fault = vault.draw(call, &login, now_ms);
        let entry = request_entry(call, &login, fault.as_ref());
        let request = vault.book.ledger.write(now_ms, Entry::Request(entry));
        let course = fault.map_or(Course::HONEST, |kind| vault.course(&kind));
        Admission {
            request,
            login,
            course,
        }
    }

    /// Carries a request out as far as its course lets it and completes its ledger line in the same stroke.
    pub(super) fn carry_out(&self, call: &Call, admission: &Admission) -> Option<Answer> {
        let (mut vault, now_ms) = self.vault();
        let course = &admission.course;
        let answer = course
            .takes_effect
            .then(|| vault.perform(call, admission, now_ms));
        let took_effect = answer
            .as_ref()
            .is_some_and(|answer| answer.error_code() == 0);
        if let Some(line) = vault.book.ledger.request(admission.request) {
            line.error_code = answer.as_ref().map(Answer::error_code);
            line.answer = course.answer_class(line.error_code);
            line.took_effect = call.operation.changes_orders().then_some(took_effect);
            if let Some(Answer::Registered(registered)) = &answer {
                line.order_id = Some(registered.order_id.clone());
            }
        }
        drop(vault);
        if let Some(Answer::Registered(_)) = answer {
            self.inner.registered.notify_one();
        }
        answer
    }

    /// A request's own number, for answers that are made up.
    pub(super) fn number(admission: &Admission) -> u64 {
        admission.request
    }

    /// The vault, and the moment it was opened. A panic elsewhere leaves at worst a half-written line, so poison is ignored.
    fn vault(&self) -> (MutexGuard<'_, Vault>, i64) {
        let vault = self
            .inner
            .vault
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (vault, self.now_ms())
    }
}

impl Vault {
    fn draw(
        &mut self,
        call: &Call,
        login: &Result<String, Refusal>,
        now_ms: i64,
    ) -> Option<FaultKind> {
        self.book.settle(now_ms);
        let key = login.as_deref().ok().and_then(|login| call.key(login));
        let order = key.and_then(|key| self.book.find(key, now_ms).ok().cloned());
        self.faults.draw(Circumstances {
            operation: call.operation,
            order_id: order
                .as_ref()
                .map(|order| &*order.id)
                .or(call.params.get("orderId")),
            order_number: order
                .as_ref()
                .map(|order| &*order.registration.order_number)
                .or(call.params.get("orderNumber")),
            has_earlier_state: order.as_ref().is_some_and(|order| order.earlier.is_some()),
            has_others: order
                .as_ref()
                .is_some_and(|order| self.book.another(&order.id).is_some()),
        })
    }

    fn course(&mut self, kind: &FaultKind) -> Course {
        let shapes = [
            Garbage::Html,
            Garbage::Truncated,
            Garbage::WrongTypes,
            Garbage::Empty,
        ];
        let drawn = match kind {
            FaultKind::Garbage { shape: None, .. } => shapes[self.faults.choose(shapes.len())],
            _ => Garbage::Html,
        };
        Course::under(kind, drawn)
    }

    fn perform(&mut self, call: &Call, admission: &Admission, now_ms: i64) -> Answer {
        let (request, twist) = (admission.request, admission.course.twist);
        match &admission.login {
            Ok(login) => verbs::perform(&mut self.book, call, login, request, now_ms, twist),
            Err(refusal) => Answer::refused(*refusal, call.language()),
        }
    }
}

/// Longer texts in the ledger would let a client fill the bank's memory with one field.
const TEXT_MAX: usize = 64;

fn request_entry(
    call: &Call,
    login: &Result<String, Refusal>,
    fault: Option<&FaultKind>,
) -> RequestEntry {
    let text = |name| {
        call.params
            .get(name)
            .map(|text| text.chars().take(TEXT_MAX).collect())
    };
    RequestEntry {
        operation: call.operation,
        order_id: text("orderId"),
        order_number: text("orderNumber"),
        login: login.as_ref().ok().cloned().or_else(|| text("userName")),
        asked_minor: call.asked_minor(),
        answer: AnswerClass::Open,
        error_code: None,
        took_effect: None,
        fault: fault.map(FaultKind::name),
    }
}

/// Who asks: the login, or the word `token` for every token, since a token is itself the secret.
fn credentials(params: &Params, only: Option<&Login>) -> Result<String, Refusal> {
    let given = (
        params.get("userName"),
        params.get("password"),
        params.get("token"),
    );
    let login = match (given, only) {
        ((Some(user), Some(_), _), None) if user.chars().count() <= TEXT_MAX => user,
        ((Some(user), Some(password), _), Some(only))
            if user == only.user_name && password == only.password =>
        {
            user
        }
        ((Some(_), Some(_), _), _) | ((_, _, Some(_)), Some(_)) => {
            return Err(errors::ACCESS_DENIED);
        }
        ((_, _, Some(_)), None) => "token",
        ((_, _, None), _) => return Err(errors::CREDENTIALS_EMPTY),
    };
    Ok(login.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_a_login_or_a_token() {
        let only: Login = "shop:secret".parse().unwrap();
        let check = |query: &str, only: Option<&Login>, expected: Result<&str, Refusal>| {
            let found = credentials(&Params::merge(query, b""), only);
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{query}");
        };
        check("userName=shop&password=x", None, Ok("shop"));
        check("token=abc", None, Ok("token"));
        check("userName=shop", None, Err(errors::CREDENTIALS_EMPTY));
        check("", None, Err(errors::CREDENTIALS_EMPTY));
        check("userName=shop&password=secret", Some(&only), Ok("shop"));
        check(
            "userName=shop&password=x",
            Some(&only),
            Err(errors::ACCESS_DENIED),
        );
        check("token=abc", Some(&only), Err(errors::ACCESS_DENIED));
        check("", Some(&only), Err(errors::CREDENTIALS_EMPTY));
    }

    #[test]
    fn one_buyer_after_another_moves_orders_through_the_handle() {
        let bank = Bank::new(&Settings::default());
        let id = bank
            .register(Registration::new("shop", "A-1", 900))
            .unwrap()
            .order_id;
        assert_eq!(
            bank.register(Registration::new("shop", "A-0", 0))
                .unwrap_err(),
            errors::AMOUNT_WRONG
        );
        let paid = bank.pay(&id).unwrap();
        assert_eq!(
            (paid.status, paid.deposits, paid.deposited_minor),
            (2, 1, 900)
        );
        assert_eq!(bank.decline(&id).unwrap_err(), errors::WRONG_STATE);
        assert_eq!(bank.walk_away("nobody").unwrap_err(), errors::UNKNOWN_ORDER);
        assert_eq!(bank.orders(), [paid]);
    }
}
