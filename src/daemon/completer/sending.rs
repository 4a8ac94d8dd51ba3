//! The send itself: what stands between an intent that is on disk and its answer that is written down.

use std::num::NonZeroI64;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::bank::{CompletionAnswer, Unknown, UnknownKind};
use crate::domain::completion;
use crate::domain::event::NewEvent;
use crate::domain::journey::Policy;
use crate::domain::operation::{self, Operation, OperationKind, OperationState};
use crate::domain::order::{Order, OrderId};
use crate::domain::time::Timestamp;
use crate::gateway::Permit;
use crate::store::{Amendment, OperationChange, StoreError};

use super::super::merchant::Desk;
use super::super::peril::Peril;
use super::super::{held, log, login};

/// How old a read may be when the send it allows is written down, and how long the first byte may take after that. The
/// process may have been stopped or the host suspended in between, and what was true then need not be true now.
pub(super) const FRESH: Duration = Duration::from_secs(5);

/// An operation whose intent is on disk, written by this very call: nobody else may send it.
pub(super) struct Send {
    pub(super) order: Order,
    pub(super) order_id: OrderId,
    pub(super) operation: Operation,
}

/// Writes down in the witness that it sends, sends, and writes down the answer. Whatever it is, the operation stays in
/// doubt until a read settles it; unless it is called back at the last moment, when nothing is sent at all.
pub(super) async fn carry_out(desk: &Desk, send: Send, leave: Permit, writing: Instant) -> Result<(), StoreError> {
    desk.shared.setting.perils.pass(Peril::AfterIntent).await;
    let answer = deliver(desk, &send, leave, writing).await;
    login::note(desk).await;
    desk.shared.setting.perils.pass(Peril::AfterAnswer).await;
    let now = desk.shared.clock().now();
    let events = desk.shared.store.amend(send.order.key, now, answered(answer, Arc::clone(&desk.policy), now)).await?;
    for event in &events {
        log::event(&send.order, event);
    }
    desk.shared.setting.perils.pass(Peril::BeforeSettling).await;
    Ok(())
}

async fn deliver(desk: &Desk, send: &Send, leave: Permit, writing: Instant) -> CompletionAnswer {
    let not_sent =
        |detail| CompletionAnswer::NotSent(Unknown { kind: UnknownKind::Withheld, detail, retry_after: None });
    if let Err(error) = desk.shared.store.bear_witness(send.order.key, desk.shared.clock().now()).await {
        return not_sent(error.to_string());
    }
    desk.shared.setting.perils.pass(Peril::AfterWitness).await;
    if let Err(why) = still_fresh(desk, &send.order, writing).await {
        return not_sent(why);
    }
    // Connecting may take seconds, so a stop is looked for again right before the first byte.
    let last_word = held::not_stopped(desk.clone(), send.order.clone());
    let (gateway, Send { order, order_id, operation }) = (&desk.gateway, send);
    match operation.kind {
        OperationKind::Completion => gateway.complete(order_id, operation.amount, leave, last_word).await,
        OperationKind::Reversal => gateway.reverse(order_id, leave, last_word).await,
        OperationKind::Decline => gateway.decline(order_id, &order.number, leave, last_word).await,
        OperationKind::Refund => {
            let Some(minor) = operation.expected_minor.and_then(NonZeroI64::new) else {
                return not_sent("its sum is not known".to_owned());
            };
            let tools = operation::tools(operation, order, &desk.policy.settle);
            gateway.refund(order_id, minor, tools.as_ref(), leave, last_word).await
        }
    }
}

/// What speaks against connecting for a send whose intent is on disk: a stop that came since, or too long a while,
/// which is measured after the stops were read, since they may have been long in coming.
async fn still_fresh(desk: &Desk, order: &Order, writing: Instant) -> Result<(), String> {
    held::not_stopped(desk.clone(), order.clone()).await?;
    if writing.elapsed() > FRESH {
        return Err("too long passed between the intent and its sending".to_owned());
    }
    Ok(())
}

fn answered(
    answer: CompletionAnswer,
    policy: Arc<Policy>,
    now: Timestamp,
) -> impl FnOnce(&Order, Option<&Operation>) -> Amendment<Vec<NewEvent>> {
    move |order, open| {
        let Some(open) = open.filter(|open| open.state == OperationState::InDoubt) else {
            return Amendment::nothing(Vec::new());
        };
        let (operation, event) = completion::after_answer(order, open, &answer, &policy, now);
        let (reviewed, opened) = completion::partly_done(order, &answer, now).unzip();
        let events: Vec<_> = std::iter::once(event).chain(opened).collect();
        let (order, operation) = (reviewed, OperationChange::Update(operation));
        Amendment { order, operation, events: events.clone(), ..Amendment::nothing(events) }
    }
}
