//! What people regret: a buyer who changes his mind, a shop that has nothing to sell. The operator orders what the
//! order's state asks for, as the API does it, and now and then what it does not allow: somebody always tries.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::event::Cause;
use crate::domain::money::Amount;
use crate::domain::operation::Operation;
use crate::domain::order::{Order, State};
use crate::domain::review::proposal::{self, Ask, Proposed, Word};
use crate::domain::verbs::{self, Verb};
use crate::store::{Amendment, Store};

use super::super::evidence::ActKind;
use super::super::plan::HOUR;
use super::super::world::World;
use super::{Deed, operator};

/// The longest until what was ordered is regretted itself.
const TAKEN_BACK_WITHIN_MS: u64 = 2 * 3_600_000;

/// Orders what is wanted, or comes back for it when the daemon is down.
pub(super) async fn regret(world: &mut World, index: usize) {
    if world.is_calm() {
        return;
    }
    let Some((store, order)) = order_of(world, index).await else {
        return world.after(HOUR, Deed::Regret(index));
    };
    for verb in wanted(world, &order) {
        if !say(world, &store, &order, verb).await {
            continue;
        }
        if world.chance.u8(..100) < 15 {
            let wait = world.chance.u64(..TAKEN_BACK_WITHIN_MS);
            world.after(Duration::from_millis(wait), Deed::TakeBack(index));
        }
    }
}

pub(super) async fn take_back(world: &mut World, index: usize) {
    if let Some((store, order)) = order_of(world, index).await.filter(|_| !world.is_calm()) {
        say(world, &store, &order, Verb::TakeBack).await;
    }
}

/// The daemon's store and the order as it stands there; `None` while the daemon is down, or does not know it.
async fn order_of(world: &World, index: usize) -> Option<(Store, Order)> {
    let store = world.store()?.clone();
    let found = store.order(&world.merchant().id, &world.plan.orders.get(index)?.number).await.ok()?;
    Some((store, found.order))
}

fn wanted(world: &mut World, order: &Order) -> Vec<Verb> {
    if world.chance.u8(..100) < 5 {
        return vec![[Verb::Reverse, Verb::Decline, Verb::Refund(None)][world.chance.usize(..3)]];
    }
    match order.state {
        State::Pending => vec![Verb::Decline],
        State::Held => vec![Verb::Reverse],
        State::Deposited | State::Refunded => refunds(world, order),
        State::Reversed | State::Declined | State::Review => Vec::new(),
    }
}

/// All that is left, a part of it, two at once, or more than there is.
fn refunds(world: &mut World, order: &Order) -> Vec<Verb> {
    let left = verbs::left_of(order).unwrap_or_default().max(1);
    let mut part = || Verb::Refund(Amount::new(world.chance.i64(1..=left)).ok());
    let (one, another) = (part(), part());
    match world.chance.u8(..10) {
        0..4 => vec![Verb::Refund(None)],
        4..7 => vec![one],
        7 => vec![one, another],
        8 => vec![one, Verb::Refund(None)],
        _ => vec![Verb::Refund(Amount::new(left.saturating_add(1)).ok())],
    }
}

/// Says it to the daemon; whether that was acknowledged.
async fn say(world: &mut World, store: &Store, order: &Order, verb: Verb) -> bool {
    let (policy, now) = (Arc::new(world.merchant().policy()), world.clock.now());
    let (by, cause) = ("olga".to_owned(), Cause::Operator("olga".to_owned()));
    let word = Word { ask: Ask::Do(Proposed::Verb(verb)), reason: "the buyer called".to_owned(), by, cause };
    let decide = move |order: &Order, open: Option<&Operation>, standing: Option<&proposal::Proposal>| {
        let decided = proposal::decide(order, open, standing, &word, &policy, false, now);
        Amendment::of_decision(decided, standing)
    };
    let words = match store.amend_review(order.key, now, decide).await {
        Ok(Ok(_)) => {
            world.note("operator", &format!("orders for {}: {verb}", order.number));
            operator::tell(world, order, ActKind::Order(verb));
            return true;
        }
        Ok(Err(refused)) => refused.to_string(),
        Err(error) => error.to_string(),
    };
    world.note("operator", &format!("orders for {}: {verb}: {words}", order.number));
    false
}
