//! What was decided by other settings, before a restart or a reload, is decided by the present ones.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::domain::completion;
use crate::domain::operation::Operation;
use crate::domain::order::{Order, OrderKey};
use crate::store::{Amendment, OperationChange, StoreError};

use super::super::log;
use super::super::merchant::Desk;

/// What other settings held back, before a restart or a reload, the present ones may let go.
pub(super) async fn try_held_back(desk: &Desk) {
    let tried = desk.shared.store.try_held_back(&desk.merchant, desk.shared.clock().now()).await;
    if let Err(error) = tried {
        tracing::error!(%error, merchant = %desk.merchant, "Cannot make due what was held back; it is tried after its while");
        desk.shared.metrics.store_error("completer");
    }
}

/// Orders planned anew in one go; all of them share a commit.
const PLAN_PAGE: usize = 500;

/// What was planned by other settings, before a restart or a reload, is planned by the present ones.
pub(super) async fn plan_anew(desk: &Desk) {
    let mut after = OrderKey(0);
    loop {
        let page = match desk.shared.store.plannable(&desk.merchant, after, PLAN_PAGE).await {
            Ok(page) => page,
            Err(error) => return cannot_plan(desk, &error),
        };
        let Some(last) = page.last() else { return };
        after = last.order.key;
        let mut writes = JoinSet::new();
        for order in page.into_iter().map(|found| found.order) {
            if completion::planned_anew(&order, &desk.policy, desk.shared.clock().now()).is_some() {
                writes.spawn(write_plan(desk.clone(), order));
            }
        }
        while let Some(Ok(written)) = writes.join_next().await {
            if let Err(error) = written {
                return cannot_plan(desk, &error);
            }
        }
    }
}

async fn write_plan(desk: Desk, order: Order) -> Result<(), StoreError> {
    let (policy, now) = (Arc::clone(&desk.policy), desk.shared.clock().now());
    let decide = move |order: &Order, open: Option<&Operation>| {
        let planned = completion::planned_anew(order, &policy, now).filter(|_| open.is_none());
        planned.map_or(Amendment::nothing(None), |(order, event)| {
            Amendment::of_event(Some(order), OperationChange::None, event)
        })
    };
    if let Some(event) = desk.shared.store.amend(order.key, now, decide).await? {
        log::event(&order, &event);
    }
    Ok(())
}

fn cannot_plan(desk: &Desk, error: &StoreError) {
    tracing::error!(%error, merchant = %desk.merchant, "Cannot plan completions anew; each is checked when it is due");
    desk.shared.metrics.store_error("completer");
}
