//! A request's way through the bank: let in with a line in the ledger and a fault drawn, then carried out.
//!
//! Between the two steps a fault may let time pass; each step by itself is one stroke under the bank's lock.

use super::answer::Answer;
use super::bank::{Bank, Vault};
use super::call::Call;
use super::course::Course;
use super::credentials::credentials;
use super::draw::Circumstances;
use super::errors::Refusal;
use super::faults::{FaultKind, Garbage};
use super::ledger::{AnswerClass, Entry, RequestEntry};
use super::order::Order;
use super::verbs::{self, Asked};

/// A request that was let in: its line in the ledger, who asks, and the course it will take.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) request: u64,
    login: Result<String, Refusal>,
    pub(super) course: Course,
}

impl Admission {
    /// Why the asker was not let in, if he was not.
    pub(super) fn turned_away(&self) -> Option<Refusal> {
        self.login.as_ref().err().copied()
    }
}

impl Bank {
    /// Opens the ledger's line for a request that has arrived and draws its fault.
    pub(super) fn admit(&self, call: &Call) -> Admission {
        let login = credentials(&call.params, self.inner.login.as_ref());
        let (mut vault, now_ms) = self.vault();
        let order = vault.meant(call, &login, now_ms);
        let fault = vault.draw(call, order.as_ref());
        let entry = request_entry(call, &login, order.as_ref(), fault.as_ref());
        let request = vault.book.ledger.write(now_ms, Entry::Request(entry));
        let course = fault.map_or(Course::HONEST, |kind| vault.course(&kind));
        Admission { request, login, course }
    }

    /// Carries a request out as far as its course lets it and completes its ledger line in the same stroke.
    pub(super) fn carry_out(&self, call: &Call, admission: &Admission) -> Option<Answer> {
        let (mut vault, now_ms) = self.vault();
        let course = &admission.course;
        let answer = course.takes_effect.then(|| vault.perform(call, admission, now_ms));
        let took_effect = answer.as_ref().is_some_and(Answer::is_of_an_effect);
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
}

impl Vault {
    /// The order a call is about, if its store has it.
    fn meant(&mut self, call: &Call, login: &Result<String, Refusal>, now_ms: i64) -> Option<Order> {
        self.book.settle(now_ms);
        let key = call.key(login.as_deref().ok()?)?;
        self.book.find(key, now_ms).ok().cloned()
    }

    fn draw(&mut self, call: &Call, order: Option<&Order>) -> Option<FaultKind> {
        let id = order.map(|order| &*order.id);
        let number = order.map(|order| &*order.registration.order_number);
        self.faults.draw(Circumstances {
            operation: call.operation,
            order_id: id.or(call.params.get("orderId")),
            order_number: number.or(call.params.get("orderNumber")),
            has_earlier_state: order.is_some_and(|order| order.earlier.is_some()),
            has_others: id.is_some_and(|id| self.book.another(id).is_some()),
        })
    }

    fn course(&mut self, kind: &FaultKind) -> Course {
        let shapes = [Garbage::Html, Garbage::Truncated, Garbage::WrongTypes, Garbage::Empty];
        let drawn = match kind {
            FaultKind::Garbage { shape: None, .. } => shapes[self.faults.choose(shapes.len())],
            _ => Garbage::Html,
        };
        Course::under(kind, drawn)
    }

    fn perform(&mut self, call: &Call, admission: &Admission, now_ms: i64) -> Answer {
        let request = admission.request;
        match &admission.login {
            Ok(login) => {
                let asked = Asked { call, login, request, now_ms };
                verbs::perform(&mut self.book, asked, admission.course.twist)
            }
            Err(refusal) => verbs::refuse(*refusal, call),
        }
    }
}

/// Longer texts in the ledger would let a client fill the bank's memory with one field.
const TEXT_MAX: usize = 64;

fn request_entry(
    call: &Call,
    login: &Result<String, Refusal>,
    order: Option<&Order>,
    fault: Option<&FaultKind>,
) -> RequestEntry {
    let asked = |name| call.params.get(name).map(|text| text.chars().take(TEXT_MAX).collect());
    let id = order.map(|order| order.id.clone());
    let number = order.map(|order| order.registration.order_number.clone());
    RequestEntry {
        operation: call.operation,
        order_id: id.or_else(|| asked("orderId")),
        order_number: number.or_else(|| asked("orderNumber")),
        login: login.as_ref().ok().cloned().or_else(|| asked("userName")),
        asked_minor: call.asked_minor(),
        answer: AnswerClass::Open,
        error_code: None,
        took_effect: None,
        fault: fault.map(FaultKind::name),
    }
}
