//! The merchant's operator, a careful person: accepts a review only where the bank's own book says the same as ours,
//! parks and releases holds.

use std::sync::Arc;

use crate::domain::acts::{self, Act};
use crate::domain::event::Cause;
use crate::domain::operation::Operation;
use crate::domain::order::{Order, State};
use crate::domain::review::{self, Way};
use crate::sandbox::OrderView;
use crate::store::{Amendment, ListFilter, Store};

use super::super::evidence::{ActKind, ToldAct};
use super::super::world::World;

/// More orders than this in one state are not met in a simulation.
const SEEN_MAX: u32 = 1_000;

/// Looks at what stands in review, and at what is held.
pub(super) async fn round(world: &mut World) {
    let Some(store) = world.store().cloned() else { return };
    for order in in_state(&store, State::Review).await {
        if world.chance.u8(..100) < 70 {
            review(world, &store, &order).await;
        }
    }
    for order in in_state(&store, State::Held).await {
        hold(world, &store, &order).await;
    }
}

async fn in_state(store: &Store, state: State) -> Vec<Order> {
    let filter = ListFilter { state: Some(state), limit: SEEN_MAX, ..ListFilter::default() };
    let found = store.list_orders(filter).await.unwrap_or_default();
    found.into_iter().map(|found| found.order).collect()
}

async fn review(world: &mut World, store: &Store, order: &Order) {
    if !bank_order(world, order).is_some_and(|truth| agrees(order, &truth)) {
        return;
    }
    let (policy, now) = (Arc::new(world.merchant().policy()), world.clock.now());
    let decide = move |order: &Order, open: Option<&Operation>| {
        let by = Cause::Operator("olga".to_owned());
        review::resolve(order, open, Way::Bank, "as in the bank's console", &policy, by, now)
    };
    act(world, store, order, "accepts", decide).await;
}

/// The bank's book about an order of ours.
fn bank_order(world: &World, order: &Order) -> Option<OrderView> {
    let index = world.plan.orders.iter().position(|planned| planned.number == order.number.as_str())?;
    world.bank().order(world.order_ids[index].as_deref()?)
}

/// Whether what we saw last is what the bank's book says now.
fn agrees(order: &Order, truth: &OrderView) -> bool {
    let Some(seen) = &order.view else { return false };
    let status = seen.view.status.number() == i64::from(truth.status);
    let sums = seen.view.amounts.is_some_and(|amounts| {
        (amounts.approved, amounts.deposited, amounts.refunded)
            == (truth.approved_minor, truth.deposited_minor, truth.refunded_minor)
    });
    status && sums && seen.view.amount == Some(truth.amount_minor)
}

async fn hold(world: &mut World, store: &Store, order: &Order) {
    let parks = world.chance.u8(..100) < world.plan.park_percent;
    let releases = world.chance.u8(..100) < 60;
    if !order.parked && parks {
        let policy = world.merchant().policy();
        let decide = move |order: &Order, open: Option<&Operation>| acts::park(order, open, Some(&policy), Cause::Shop);
        if act(world, store, order, "parks", decide).await {
            tell(world, order, ActKind::Park);
        }
    } else if releases && (order.parked || (world.plan.policy.on_release && order.complete_at.is_none())) {
        let (policy, now) = (Arc::new(world.merchant().policy()), world.clock.now());
        let decide = move |order: &Order, open: Option<&Operation>| {
            acts::release(order, open, None, "", &policy, Cause::Shop, now)
        };
        if act(world, store, order, "releases", decide).await {
            tell(world, order, ActKind::Release);
        }
    }
}

/// Does an act; whether it was acknowledged.
async fn act<F, E>(world: &mut World, store: &Store, order: &Order, verb: &str, decide: F) -> bool
where
    F: FnOnce(&Order, Option<&Operation>) -> Result<Act, E> + Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    let amend = store.amend(order.key, world.clock.now(), |order, open| Amendment::of_act(decide(order, open)));
    let words = match amend.await {
        Ok(Ok(())) => {
            world.note("operator", &format!("{verb} {}", order.number));
            return true;
        }
        Ok(Err(refused)) => refused.to_string(),
        Err(error) => error.to_string(),
    };
    world.note("operator", &format!("{verb} {}: {words}", order.number));
    false
}

fn tell(world: &mut World, order: &Order, kind: ActKind) {
    let (at_ms, number) = (world.now_ms(), order.number.as_str().to_owned());
    world.evidence.acts.push(ToldAct { at_ms, number, kind });
}
