//! The one mouth: everything that is said to a merchant's bank, and how its answers are read.
//!
//! A [`Gateway`] speaks for one merchant's login. Nothing is sent without a [`Permit`] of its [`Pacer`], so budget and
//! in-flight limit cannot be bypassed. Answers come back in three classes: known, refused, unknown; the default is
//! unknown. What to do about an answer is decided elsewhere.
//!
//! It never retries, follows no redirect, honours no proxy variable, and opens a fresh connection for money.

mod answer;
mod codes;
#[cfg(test)]
mod conformance;
mod echoes;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod json;
mod last_orders;
mod last_word;
mod login;
mod mask;
mod pacer;
mod register;
mod request;
mod rest;
mod scrub;
mod shape;
mod soap;
mod transport;
mod tree;
mod weather;

pub use last_orders::{LastOrders, LastOrdersAnswer, PAGE_SIZE as LAST_ORDERS_PAGE};
pub use login::LoginGate;
pub use pacer::daily::Block;
pub use pacer::shared::SharedBudget;
pub use pacer::{Pacer, Permit, Purpose};
pub use request::{Named, Request};
pub use rest::{Told, Whole};
pub use transport::TransportError;
pub use transport::{Connecting, Connector, Wire};
pub use weather::{Incident, Leaving, Sky};

use std::num::NonZeroI64;

use tokio::time::Instant;

use crate::config::{CompletionMethod, Credentials, GatewayConfig, Protocol};
use crate::domain::bank::{CompletionAnswer, StatusAnswer};
use crate::domain::login::Request as Asked;
use crate::domain::operation::{CompletionAmount, RefundTools};
use crate::domain::order::{MerchantId, Order, OrderId, OrderNumber};
use crate::domain::timekeeping::Moment;
use crate::domain::weather::Weather;
use crate::metrics::{Answer, Metrics, Operation};
use crate::timekeeper::Timekeeper;

use echoes::Echoes;
use scrub::Scrubber;
use transport::{Heard, Reply, Transport};

/// One merchant's way to the bank.
#[derive(Debug)]
pub struct Gateway {
    merchant: MerchantId,
    transport: Transport,
    completion_method: CompletionMethod,
    scrubber: Scrubber,
    echoes: Echoes,
    pacer: Pacer,
    login: LoginGate,
    sky: Sky,
    metrics: Metrics,
    timekeeper: Timekeeper,
}

impl Gateway {
    /// A gateway for `merchant`, which sends as `pacer` lets it. Nothing is sent yet.
    pub fn new(
        merchant: MerchantId,
        config: &GatewayConfig,
        pacer: Pacer,
        wire: &Wire,
        metrics: Metrics,
        timekeeper: Timekeeper,
    ) -> Result<Self, TransportError> {
        let secret = match &config.credentials {
            Credentials::Login { password, .. } => password,
            Credentials::Token(token) => token,
        };
        Ok(Self {
            merchant,
            transport: Transport::new(config, wire)?,
            completion_method: config.completion_method,
            scrubber: Scrubber::new(secret),
            echoes: Echoes::default(),
            pacer,
            login: LoginGate::open(),
            sky: Sky::clear(),
            metrics,
            timekeeper,
        })
    }

    /// The merchant's pacer.
    pub const fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Whether the bank lets its login in.
    pub const fn login(&self) -> &LoginGate {
        &self.login
    }

    /// Whether the bank tells anything at all.
    pub const fn sky(&self) -> &Sky {
        &self.sky
    }

    /// Asks what became of `order`: by its order id or, while that is unknown, by its number
    /// (getOrderStatusExtended).
    pub async fn status(&self, order: &Order, permit: Permit) -> Told {
        let named = order.order_id.as_ref().map_or(Named::Number(&order.number), Named::Id);
        self.about(order, self.ask(named, permit).await)
    }

    /// Asks whether the bank knows an order that the queue does not have, by the gateway's id.
    pub async fn discover(&self, order_id: &OrderId, permit: Permit) -> StatusAnswer {
        let mut answer = self.ask(Named::Id(order_id), permit).await.answer;
        if let StatusAnswer::Known(view) = &mut answer {
            // It becomes an order's number for good: what reads like a secret or a card number is none.
            let is_asked = view.order_id.as_ref().is_none_or(|found| found == order_id);
            let is_kept = |number: &String| is_asked && self.scrubber.clean(number) == *number;
            view.order_number = view.order_number.take().filter(is_kept);
            view.order_id = view.order_id.take().or_else(|| Some(order_id.clone()));
        }
        answer
    }

    /// A page of the bank's own list of orders (getLastOrdersForMerchants).
    pub async fn last_orders(&self, asked_for: LastOrders, permit: Permit) -> LastOrdersAnswer {
        if let Some(unasked) = self.login.unasked() {
            return LastOrdersAnswer::Unknown(unasked);
        }
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let request = Request::LastOrders(asked_for);
        let reply = self.heard(self.transport.post(&request).await, &request, (begun, asked));
        let answer = last_orders::read(reply, &self.scrubber);
        if let LastOrdersAnswer::Refused(refusal) = &answer {
            self.login.heard(Asked::LastOrders, refusal);
        }
        match &answer {
            LastOrdersAnswer::Page { .. } => self.overhead(Some(Weather::Known), String::new, begun),
            LastOrdersAnswer::Refused(refusal) => {
                self.overhead(Some(Weather::of_refusal(Asked::LastOrders, refusal)), || refusal.to_string(), begun);
            }
            // Newer gateways do not know this request: what they answer to it is no weather.
            LastOrdersAnswer::Unknown(unknown) => {
                let class = Weather::of_unknown(unknown).filter(|class| *class != Weather::Faulty);
                self.overhead(class, || unknown.to_string(), begun);
            }
        }
        drop(permit);
        let class = match &answer {
            LastOrdersAnswer::Page { .. } => Answer::Known,
            LastOrdersAnswer::Refused(_) => Answer::Refused,
            LastOrdersAnswer::Unknown(unknown) => Answer::Unknown(unknown.kind),
        };
        self.metrics.gateway_request(&self.merchant, Operation::LastOrders, class, begun.elapsed());
        answer
    }

    async fn ask(&self, order: Named<'_>, permit: Permit) -> Told {
        if let Some(unasked) = self.login.unasked() {
            return StatusAnswer::Unknown(unasked).into();
        }
        let request = Request::Status { order };
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let reply = self.heard(self.transport.post(&request).await, &request, (begun, asked));
        let told = self.echoes.told(reply, |reply| rest::read_status(reply, &self.scrubber));
        self.login.heard_status(&told.answer);
        self.overhead(Weather::of_status(&told.answer), || words_of(&told.answer), begun);
        drop(permit);
        let class = Answer::of_status(&told.answer);
        self.metrics.gateway_request(&self.merchant, Operation::Status, class, begun.elapsed());
        told
    }

    /// Tells the sky of an answer to a question that was asked at `asked`.
    fn overhead(&self, class: Option<Weather>, words: impl FnOnce() -> String, asked: Instant) {
        self.sky.heard(class, words, asked, self.timekeeper.moment().wall);
    }

    /// The reply, in REST's words whatever the wire; the bank's own time in it goes to whoever watches ours (R9).
    /// One that says "too many" goes to the pacer first of all: the next request waits for what it asks.
    fn heard(&self, heard: Heard, request: &Request<'_>, (begun, asked): (Instant, Moment)) -> Reply {
        if heard.too_many {
            let retry_after = heard.reply.as_ref().err().and_then(|unknown| unknown.retry_after);
            self.pacer.too_many(begun, retry_after);
        }
        if let Some(date) = heard.date {
            self.timekeeper.heard(&self.merchant, date, asked);
        }
        match self.transport.protocol() {
            Protocol::Rest => heard.reply,
            Protocol::Soap { .. } => soap::reply(heard, request, &self.scrubber),
        }
    }

    /// The answer as it is about `order`: its sums stand beside our price. Numbers and ids that are not the order's own
    /// will be shown to people, and could be anything.
    fn about(&self, order: &Order, mut told: Told) -> Told {
        let strange = |number: &String| number != order.number.as_str();
        if let StatusAnswer::Known(view) = told.answer {
            let mut view = view.beside(order.amount);
            if let Some(number) = view.order_number.take_if(|number| strange(number)) {
                view.order_number = Some(self.scrubber.clean(&number));
            }
            told.answer = StatusAnswer::Known(Box::new(view));
        }
        if let Some(whole) = &mut told.whole
            && let Some(number) = whole.answer.order_number.take_if(|number| strange(number))
        {
            whole.answer.order_number = Some(self.scrubber.clean(&number));
        }
        told
    }

    /// Completes a hold, whole or less, by the merchant's method (autoCompletion, deposit). The caller has written the
    /// operation in doubt, and synced, before this is called; whatever comes back, only a status read confirms it.
    /// `last_word` is awaited once the connection stands: what it refuses is [not sent](CompletionAnswer::NotSent).
    pub async fn complete(
        &self,
        order_id: &OrderId,
        amount: CompletionAmount,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        match self.completion_method {
            CompletionMethod::AutoCompletion => {
                let request = Request::AutoCompletion { order_id, amount };
                self.move_money(Operation::Completion, &request, rest::read_completion, permit, last_word).await
            }
            CompletionMethod::Deposit => {
                let request = Request::Deposit { order_id, amount };
                self.move_money(Operation::Completion, &request, rest::read_bare, permit, last_word).await
            }
        }
    }

    /// Lets a hold go, whole (reverse). The same holds as for [`Self::complete`].
    pub async fn reverse(
        &self,
        order_id: &OrderId,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let request = Request::Reverse { order_id };
        self.move_money(Operation::Reversal, &request, rest::read_bare, permit, last_word).await
    }

    /// Gives money back, this much (refund.do). The same holds as for [`Self::complete`].
    pub async fn refund(
        &self,
        order_id: &OrderId,
        minor: NonZeroI64,
        tools: Option<&RefundTools>,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let (external_refund_id, expected_deposited_minor) =
            tools.map(|tools| (tools.external_id.as_str(), tools.expected_deposited)).unzip();
        let request = Request::Refund { order_id, minor, external_refund_id, expected_deposited_minor };
        self.move_money(Operation::Refund, &request, rest::read_bare, permit, last_word).await
    }

    /// Closes an order that nobody has paid (decline.do). The same holds as for [`Self::complete`].
    pub async fn decline(
        &self,
        order_id: &OrderId,
        order_number: &OrderNumber,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let request = Request::Decline { order_id, order_number };
        self.move_money(Operation::Decline, &request, rest::read_bare, permit, last_word).await
    }

    async fn move_money(
        &self,
        operation: Operation,
        request: &Request<'_>,
        read: impl FnOnce(Reply, &Scrubber) -> CompletionAnswer,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        if let Some(unasked) = self.login.unasked() {
            return CompletionAnswer::NotSent(unasked);
        }
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let heard = last_word::with(Box::pin(last_word), self.transport.post(request)).await;
        let answer = read(self.heard(heard, request, (begun, asked)), &self.scrubber);
        self.login.heard_send(asked_for(operation), &answer);
        self.overhead(Weather::of_send(asked_for(operation), &answer), || in_words(&answer), begun);
        drop(permit);
        self.metrics.gateway_request(&self.merchant, operation, Answer::of_completion(&answer), begun.elapsed());
        answer
    }
}

/// What an answer says that tells nothing.
fn words_of(answer: &StatusAnswer) -> String {
    match answer {
        StatusAnswer::Known(_) => String::new(),
        StatusAnswer::Refused(refusal) => refusal.to_string(),
        StatusAnswer::Unknown(unknown) => unknown.to_string(),
    }
}

/// What an answer to a send says that tells nothing.
fn in_words(answer: &CompletionAnswer) -> String {
    match answer {
        CompletionAnswer::Acknowledged | CompletionAnswer::Itemised(_) => String::new(),
        CompletionAnswer::Refused(refusal) => refusal.to_string(),
        CompletionAnswer::NotSent(unknown) | CompletionAnswer::Unknown(unknown) => unknown.to_string(),
    }
}

/// What a login was used for, in the words of whoever counts its refusals.
const fn asked_for(operation: Operation) -> Asked {
    match operation {
        Operation::Status => Asked::Status,
        Operation::Completion => Asked::Completion,
        Operation::Reversal => Asked::Reversal,
        Operation::Registration => Asked::Registration,
        Operation::Refund => Asked::Refund,
        Operation::Decline => Asked::Decline,
        Operation::LastOrders => Asked::LastOrders,
    }
}
