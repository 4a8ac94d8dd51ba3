//! The one mouth: everything that is said to a merchant's bank, and how its answers are read.
//!
//! A [`Gateway`] speaks for one merchant's login. Nothing is sent without a [`Permit`] of its [`Pacer`], so budget and
//! in-flight limit cannot be bypassed. Answers come back in three classes: known, refused, unknown; the default is
//! unknown. What to do about an answer is decided elsewhere.
//!
//! It never retries, follows no redirect, honours no proxy variable, and opens a fresh connection for money.

mod codes;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod json;
mod last_orders;
mod last_word;
mod login;
mod pacer;
mod rest;
mod scrub;
mod transport;

pub use last_orders::{LastOrders, LastOrdersAnswer, PAGE_SIZE as LAST_ORDERS_PAGE};
pub use login::LoginGate;
pub use pacer::{Pacer, Permit, Purpose};
pub use transport::TransportError;
pub use transport::{Connecting, Connector, Wire};

use tokio::time::Instant;

use crate::config::{Budget, Credentials, GatewayConfig};
use crate::domain::bank::{CompletionAnswer, StatusAnswer};
use crate::domain::login::Request;
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{MerchantId, Order, OrderId};
use crate::domain::timekeeping::Moment;
use crate::metrics::{Answer, Metrics, Operation};
use crate::timekeeper::Timekeeper;

use scrub::Scrubber;
use transport::{Heard, Reply, Transport};

/// One merchant's way to the bank.
#[derive(Debug)]
pub struct Gateway {
    merchant: MerchantId,
    transport: Transport,
    scrubber: Scrubber,
    pacer: Pacer,
    login: LoginGate,
    metrics: Metrics,
    timekeeper: Timekeeper,
}

impl Gateway {
    /// A gateway for `merchant`. Nothing is sent yet.
    pub fn new(
        merchant: MerchantId,
        config: &GatewayConfig,
        budget: &Budget,
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
            scrubber: Scrubber::new(secret),
            pacer: Pacer::new(budget),
            login: LoginGate::open(),
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

    /// Asks what became of `order`: by its order id or, while that is unknown, by its number
    /// (getOrderStatusExtended.do).
    pub async fn status(&self, order: &Order, permit: Permit) -> StatusAnswer {
        let question = match &order.order_id {
            Some(id) => ("orderId", id.as_str()),
            None => ("orderNumber", order.number.as_str()),
        };
        let answer = self.ask(question, permit).await;
        self.without_strangers(order, answer)
    }

    /// Asks whether the bank knows an order that the queue does not have, by the gateway's id.
    pub async fn discover(&self, order_id: &OrderId, permit: Permit) -> StatusAnswer {
        let mut answer = self.ask(("orderId", order_id.as_str()), permit).await;
        if let StatusAnswer::Known(view) = &mut answer {
            // It becomes an order's number for good: what reads like a secret or a card number is none.
            let is_asked = view.order_id.as_ref().is_none_or(|found| found == order_id);
            let is_kept = |number: &String| is_asked && self.scrubber.clean(number) == *number;
            view.order_number = view.order_number.take().filter(is_kept);
            view.order_id = view.order_id.take().or_else(|| Some(order_id.clone()));
        }
        answer
    }

    /// A page of the bank's own list of orders (getLastOrdersForMerchants.do).
    pub async fn last_orders(&self, request: LastOrders, permit: Permit) -> LastOrdersAnswer {
        if let Some(unasked) = self.login.unasked() {
            return LastOrdersAnswer::Unknown(unasked);
        }
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let form = last_orders::form(request);
        let reply = self.told_time(self.transport.post_last_orders(&form).await, asked);
        let answer = last_orders::read(reply, &self.scrubber);
        if let LastOrdersAnswer::Refused(refusal) = &answer {
            self.login.heard(Request::LastOrders, refusal);
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

    async fn ask(&self, question: (&str, &str), permit: Permit) -> StatusAnswer {
        if let Some(unasked) = self.login.unasked() {
            return StatusAnswer::Unknown(unasked);
        }
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let reply = self.told_time(self.transport.post_status(question).await, asked);
        let answer = rest::read_status(reply, &self.scrubber);
        self.login.heard_status(&answer);
        drop(permit);
        self.metrics.gateway_request(&self.merchant, Operation::Status, Answer::of_status(&answer), begun.elapsed());
        answer
    }

    /// The reply; the bank's own time in it goes to whoever watches ours (R9).
    fn told_time(&self, heard: Heard, asked: Moment) -> Reply {
        if let Some(date) = heard.date {
            self.timekeeper.heard(&self.merchant, date, asked);
        }
        heard.reply
    }

    /// Numbers and ids that are not the order's own will be shown to people, and could be anything.
    fn without_strangers(&self, order: &Order, mut answer: StatusAnswer) -> StatusAnswer {
        if let StatusAnswer::Known(view) = &mut answer {
            let strange = |number: &String| number != order.number.as_str();
            if let Some(number) = view.order_number.take_if(|number| strange(number)) {
                view.order_number = Some(self.scrubber.clean(&number));
            }
        }
        answer
    }

    /// Completes a hold, whole or less (autoCompletion.do). The caller has written the operation in doubt, and synced,
    /// before this is called; whatever comes back, only a status read confirms it. `last_word` is awaited once the
    /// connection stands: what it refuses is [not sent](CompletionAnswer::NotSent).
    pub async fn complete(
        &self,
        order_id: &OrderId,
        amount: CompletionAmount,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let posting = self.transport.post_completion(order_id, amount);
        self.move_money((Operation::Completion, Request::Completion), posting, rest::read_completion, permit, last_word)
            .await
    }

    /// Lets a hold go, whole (reverse.do). The same holds as for [`Self::complete`].
    pub async fn reverse(
        &self,
        order_id: &OrderId,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let posting = self.transport.post_reversal(order_id);
        self.move_money((Operation::Reversal, Request::Reversal), posting, rest::read_reversal, permit, last_word).await
    }

    async fn move_money(
        &self,
        (operation, request): (Operation, Request),
        posting: impl Future<Output = Heard>,
        read: impl FnOnce(Reply, &Scrubber) -> CompletionAnswer,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        if let Some(unasked) = self.login.unasked() {
            return CompletionAnswer::NotSent(unasked);
        }
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let heard = last_word::with(Box::pin(last_word), posting).await;
        let answer = read(self.told_time(heard, asked), &self.scrubber);
        self.login.heard_send(request, &answer);
        drop(permit);
        self.metrics.gateway_request(&self.merchant, operation, Answer::of_completion(&answer), begun.elapsed());
        answer
    }
}
