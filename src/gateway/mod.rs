//! The one mouth: everything that is said to a merchant's bank, and how its answers are read.
//!
//! A [`Gateway`] speaks for one merchant's login. Nothing is sent without a [`Permit`] of its [`Pacer`], so budget and
//! in-flight limit cannot be bypassed. Answers come back in three classes: known, refused, unknown; the default is
//! unknown. What to do about an answer is decided elsewhere.
//!
//! It never retries, follows no redirect, honours no proxy variable, and opens a fresh connection for money.

mod codes;
mod json;
mod pacer;
mod rest;
mod scrub;
mod transport;

pub use pacer::{Pacer, Permit, Purpose};
pub use transport::TransportError;

use std::time::Instant;

use crate::config::{Budget, Credentials, GatewayConfig};
use crate::domain::bank::{CompletionAnswer, StatusAnswer};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{MerchantId, Order, OrderId};
use crate::metrics::{Answer, Metrics, Operation};

use scrub::Scrubber;
use transport::Transport;

/// One merchant's way to the bank.
#[derive(Debug)]
pub struct Gateway {
    merchant: MerchantId,
    transport: Transport,
    scrubber: Scrubber,
    pacer: Pacer,
    metrics: Metrics,
}

impl Gateway {
    /// A gateway for `merchant`. Nothing is sent yet.
    pub fn new(
        merchant: MerchantId,
        config: &GatewayConfig,
        budget: &Budget,
        metrics: Metrics,
    ) -> Result<Self, TransportError> {
        let secret = match &config.credentials {
            Credentials::Login { password, .. } => password,
            Credentials::Token(token) => token,
        };
        Ok(Self {
            merchant,
            transport: Transport::new(config)?,
            scrubber: Scrubber::new(secret),
            pacer: Pacer::new(budget),
            metrics,
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
        let begun = Instant::now();
        let reply = self.transport.post_status(question).await;
        let answer = self.without_strangers(order, rest::read_status(reply, &self.scrubber));
        drop(permit);
        self.metrics.gateway_request(&self.merchant, Operation::Status, Answer::of_status(&answer), begun.elapsed());
        answer
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
    /// before this is called; whatever comes back, only a status read confirms it.
    pub async fn complete(&self, order_id: &OrderId, amount: CompletionAmount, permit: Permit) -> CompletionAnswer {
        let begun = Instant::now();
        let answer = rest::read_completion(self.transport.post_completion(order_id, amount).await, &self.scrubber);
        drop(permit);
        let class = Answer::of_completion(&answer);
        self.metrics.gateway_request(&self.merchant, Operation::Completion, class, begun.elapsed());
        answer
    }

    /// Lets a hold go, whole (reverse.do). The same holds as for [`Self::complete`].
    pub async fn reverse(&self, order_id: &OrderId, permit: Permit) -> CompletionAnswer {
        let begun = Instant::now();
        let answer = rest::read_reversal(self.transport.post_reversal(order_id).await, &self.scrubber);
        drop(permit);
        let class = Answer::of_completion(&answer);
        self.metrics.gateway_request(&self.merchant, Operation::Reversal, class, begun.elapsed());
        answer
    }
}
