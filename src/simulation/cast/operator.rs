//! The merchant's operator, a careful person: accepts a review only where the bank's own book says the same as ours,
//! parks and releases holds, stops money and starts it again, and lifts the brake once the book has been looked at.

use std::sync::Arc;

use crate::domain::acts::{self, Act};
use crate::domain::bank::BankStatus;
use crate::domain::event::Cause;
use crate::domain::guard::{BRAKE, Scope, Stop};
use crate::domain::lifecycle;
use crate::domain::operation::Operation;
use crate::domain::order::{Order, State};
use crate::domain::review::{self, ReviewError, Way};
use crate::sandbox::OrderView;
use crate::store::{Amendment, ListFilter, Starting, Stopping, Store};

use super::super::evidence::{ActKind, ToldAct, ToldStop};
use super::super::plan::{HOUR, Stopped};
use super::super::world::World;
use super::{Deed, register};

/// More orders than this in one state are not met in a simulation.
const SEEN_MAX: u32 = 1_000;

/// Looks at the brake, at what stands in review, and at what is held.
pub(super) async fn round(world: &mut World) {
    let Some(store) = world.store().cloned() else { return };
    for stop in store.money_stops().await.unwrap_or_default() {
        if stop.by == BRAKE {
            look_at_brake(world, &store, stop).await;
        }
    }
    if !world.plan.tends {
        return;
    }
    register::settle_stuck(world, &store).await;
    for order in in_state(&store, State::Review).await {
        if world.chance.u8(..100) < 70 {
            review(world, &store, &order).await;
        }
    }
    for order in in_state(&store, State::Held).await {
        hold(world, &store, &order).await;
    }
}

/// The brake stays until the next round now and then.
async fn look_at_brake(world: &mut World, store: &Store, stop: Stop) {
    // Since when exactly only our own clock says, which may have been set.
    told_stopped(world, &stop.scope);
    if world.chance.u8(..100) < 80 {
        start(world, store, stop.scope, "has looked at the bank's book").await;
    }
}

pub(super) async fn stop_money(world: &mut World, of: Stopped) {
    let Some(store) = world.store().cloned() else { return };
    let Some(scope) = scope_of(world, &store, of).await else { return };
    let (cause, now) = (Cause::Operator("olga".to_owned()), world.clock.now());
    let stopping = store.stop_money(scope.clone(), cause, "for the auditors".to_owned(), now).await;
    if let Ok(Stopping::Stopped | Stopping::StoppedBefore(_)) = &stopping {
        told_stopped(world, &scope);
    }
    let words = stopping.map_or_else(|error| error.to_string(), |_| "done".to_owned());
    world.note("operator", &format!("stops {scope}: {words}"));
}

/// Starts what was stopped, or comes back for it when the daemon is down.
pub(super) async fn start_money(world: &mut World, of: Stopped) {
    let Some(store) = world.store().cloned() else { return world.after(HOUR, Deed::StartMoney(of)) };
    if let Some(scope) = scope_of(world, &store, of).await {
        start(world, &store, scope, "the auditors are gone").await;
    }
}

/// The last thing that people do: nothing stays stopped.
pub(super) async fn start_all_money(world: &mut World) {
    let Some(store) = world.store().cloned() else { return };
    for stop in store.money_stops().await.unwrap_or_default() {
        start(world, &store, stop.scope, "everybody goes home").await;
    }
}

async fn start(world: &mut World, store: &Store, scope: Scope, reason: &str) {
    let (cause, now) = (Cause::Operator("olga".to_owned()), world.clock.now());
    // From the moment it is asked for, money may move.
    told_started(world, &scope);
    let words = match store.start_money(scope.clone(), cause, reason.to_owned(), now).await {
        Ok(Starting::Lifted(_)) => "done".to_owned(),
        Ok(Starting::NotStopped) => "was not stopped".to_owned(),
        Err(error) => error.to_string(),
    };
    world.note("operator", &format!("starts {scope}: {words}"));
}

async fn scope_of(world: &World, store: &Store, of: Stopped) -> Option<Scope> {
    let merchant = world.merchant().id.clone();
    match of {
        Stopped::All => Some(Scope::All),
        Stopped::Merchant => Some(Scope::Merchant(merchant)),
        Stopped::Order(index) => {
            let found = store.order(&merchant, &world.plan.orders.get(index)?.number).await.ok()?;
            Some(Scope::of_order(&found.order))
        }
    }
}

/// A database that was put back sends nothing until it is adopted.
pub(super) fn told_frozen(world: &mut World) {
    told(world, FROZEN.to_owned(), None);
}

pub(super) fn told_unfrozen(world: &mut World) {
    untold(world, FROZEN);
}

const FROZEN: &str = "what an old copy knows";

fn told_stopped(world: &mut World, scope: &Scope) {
    let number = scope.order().map(|(_, number)| number.as_str().to_owned());
    told(world, scope.to_string(), number);
}

fn told(world: &mut World, scope: String, number: Option<String>) {
    let from_ms = world.now_ms();
    if !world.evidence.stops.iter().any(|stop| stop.scope == scope && stop.until_ms.is_none()) {
        world.evidence.stops.push(ToldStop { from_ms, until_ms: None, scope, number });
    }
}

fn told_started(world: &mut World, scope: &Scope) {
    untold(world, &scope.to_string());
}

fn untold(world: &mut World, scope: &str) {
    let until_ms = world.now_ms();
    for stop in world.evidence.stops.iter_mut().filter(|stop| stop.scope == scope && stop.until_ms.is_none()) {
        stop.until_ms = Some(until_ms);
    }
}

async fn in_state(store: &Store, state: State) -> Vec<Order> {
    let filter = ListFilter { state: Some(state), limit: SEEN_MAX, ..ListFilter::default() };
    let found = store.list_orders(filter).await.unwrap_or_default();
    found.into_iter().map(|found| found.order).collect()
}

async fn review(world: &mut World, store: &Store, order: &Order) {
    let Some(truth) = bank_order(world, order) else { return };
    let Some(way) = way_out(world, order, &truth) else { return };
    let (policy, now) = (Arc::new(world.merchant().policy()), world.clock.now());
    let decide = move |order: &Order, open: Option<&Operation>| -> Result<Act, ReviewError> {
        let by = Cause::Operator("olga".to_owned());
        review::resolve(order, open, way, "as in the bank's console", &policy, by, now)
    };
    let verb = match way {
        Way::Bank => "takes the bank's word for",
        Way::Ours => "stands by our book of",
        Way::Complete => "releases after review",
    };
    let done = act(world, store, order, verb, decide).await;
    if done && way == Way::Complete {
        tell(world, order, ActKind::Release);
    }
}

/// The bank's word where its book says the same; our book where the book says what the order was before; the completion
/// once more, now and then, where the book shows an untouched hold.
fn way_out(world: &mut World, order: &Order, truth: &OrderView) -> Option<Way> {
    let completes = world.chance.u8(..100) < 30;
    if agrees(order, truth) {
        let is_untouched = truth.status == 1 && truth.deposited_minor == 0;
        return Some(if completes && is_untouched { Way::Complete } else { Way::Bank });
    }
    let before = order.before_review.filter(|_| order.view.is_some())?;
    let is_as_before = BankStatus::from_number(i64::from(truth.status));
    (lifecycle::state_of(is_as_before) == before).then_some(Way::Ours)
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

pub(super) fn tell(world: &mut World, order: &Order, kind: ActKind) {
    let (at_ms, number) = (world.now_ms(), order.number.as_str().to_owned());
    world.evidence.acts.push(ToldAct { at_ms, number, kind });
}
