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
mod last_word;
mod pacer;
mod refund;
mod rest;
mod scrub;
mod transport;

pub use pacer::{Pacer, Permit, Purpose};
pub use transport::TransportError;
pub use transport::{Connecting, Connector, Wire};

use std::num::NonZeroI64;

use tokio::time::Instant;

use crate::config::{Budget, Credentials, GatewayConfig};
use crate::domain::bank::{CompletionAnswer, StatusAnswer};
use crate::domain::operation::{CompletionAmount, RefundTools};
use crate::domain::order::{MerchantId, Order, OrderId, OrderNumber};
use crate::domain::timekeeping::Moment;
use crate::metrics::{Answer, Metrics, Operation};
use crate::timekeeper::Timekeeper;

use refund::{Decline, Refund};
use scrub::Scrubber;
use transport::{Heard, Reply, Transport};

/// One merchant's way to the bank.
#[derive(Debug)]
pub struct Gateway {
    merchant: MerchantId,
    transport: Transport,
    scrubber: Scrubber,
    pacer: Pacer,
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
            metrics,
            timekeeper,
        })
    }

    /// The merchant's pacer.
    pub const fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Asks what became of `order`: by its order id or, while that is unknown, by its number
    /// (getOrderStatusExtended.do).
    pub async fn status(&self, order: &Order, permit: Permit) -> StatusAnswer {
        let question = match &order.order_id {
            Some(id) => ("orderId", id.as_str()),
            None => ("orderNumber", order.number.as_str()),
        };
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let reply = self.told_time(self.transport.post_status(question).await, asked);
        let answer = self.without_strangers(order, rest::read_status(reply, &self.scrubber));
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
        self.move_money(Operation::Completion, posting, rest::read_completion, permit, last_word).await
    }

    /// Lets a hold go, whole (reverse.do). The same holds as for [`Self::complete`].
    pub async fn reverse(
        &self,
        order_id: &OrderId,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let posting = self.transport.post_reversal(order_id);
        self.move_money(Operation::Reversal, posting, rest::read_reversal, permit, last_word).await
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
        let posting = self.transport.post_refund(refund::of_refund(&Refund { order_id, minor, tools }));
        self.move_money(Operation::Refund, posting, rest::read_reversal, permit, last_word).await
    }

    /// Closes an order that nobody has paid (decline.do). The same holds as for [`Self::complete`].
    pub async fn decline(
        &self,
        order_id: &OrderId,
        order_number: &OrderNumber,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let posting = self.transport.post_decline(refund::of_decline(&Decline { order_id, order_number }));
        self.move_money(Operation::Decline, posting, rest::read_reversal, permit, last_word).await
    }

    async fn move_money(
        &self,
        operation: Operation,
        posting: impl Future<Output = Heard>,
        read: impl FnOnce(Reply, &Scrubber) -> CompletionAnswer,
        permit: Permit,
        last_word: impl Future<Output = Result<(), String>> + Send + 'static,
    ) -> CompletionAnswer {
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let heard = last_word::with(Box::pin(last_word), posting).await;
        let answer = read(self.told_time(heard, asked), &self.scrubber);
        drop(permit);
        self.metrics.gateway_request(&self.merchant, operation, Answer::of_completion(&answer), begun.elapsed());
        answer
    }
}
