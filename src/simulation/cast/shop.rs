//! The shop: registers orders at the bank and tells the daemon, through the API while it is up, and with the command
//! line's import now and then while it is not.

use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::event::Cause;
use crate::intake;
use crate::sandbox::Registration;
use crate::store::{Added, Store};

use super::super::evidence::Told;
use super::super::plan::Buyer;
use super::super::policy::LOGIN;
use super::super::world::World;
use super::Deed;

pub(super) fn register(world: &mut World, index: usize) {
    let order = world.plan.orders[index].clone();
    let amount_minor = order.taken_before.filter(|_| order.through_us).unwrap_or(order.amount_minor);
    let registration = Registration::new(LOGIN, &order.number, amount_minor);
    let registration = if order.two_phase { registration.two_phase() } else { registration };
    match world.bank().register(registration) {
        Ok(view) => world.order_ids[index] = Some(view.order_id),
        Err(refusal) => return world.note("shop", &format!("cannot register {}: {refusal}", order.number)),
    }
    world.note("shop", &format!("registered {}", order.number));
    if let Some(wait) = order.told_after.filter(|_| !order.through_us) {
        world.after(wait, Deed::Tell(index));
    }
    expect_buyer(world, index);
}

/// What people do once the bank has the order.
pub(super) fn expect_buyer(world: &mut World, index: usize) {
    let order = world.plan.orders[index].clone();
    for after in order.regrets {
        world.after(after, Deed::Regret(index));
    }
    match order.buyer {
        Buyer::Pays(after) | Buyer::IsDeclined(after) => world.after(after, Deed::Decide(index)),
        Buyer::Leaves => {}
    }
}

pub(super) async fn tell(world: &mut World, index: usize) {
    let order = world.plan.orders[index].clone();
    let Some(answer) = tell_of(world, index, order.amount_minor).await else {
        // Refused or cut off: a shop tries again until it is told.
        let wait = Duration::from_secs(world.chance.u64(30..900));
        return world.after(wait, Deed::Tell(index));
    };
    if answer.is_new() || answer == Added::Exists {
        let told = Told { at_ms: world.now_ms(), amount_minor: order.amount_minor };
        world.evidence.told.entry(order.number).or_insert(told);
    }
    if let Some(amount_minor) = order.told_again {
        let wait = Duration::from_secs(world.chance.u64(1..100_000));
        world.after(wait, Deed::TellAgain(index, amount_minor));
    }
}

pub(super) async fn tell_again(world: &mut World, index: usize, amount_minor: i64) {
    // Whatever the answer is, it is only a word: the order stands as it was told first.
    let _ = tell_of(world, index, amount_minor).await;
}

/// Tells of an order; `None` when nobody heard, or nobody knows.
async fn tell_of(world: &mut World, index: usize, amount_minor: i64) -> Option<Added> {
    let order = &world.plan.orders[index];
    let mut json = format!("{{\"order_number\": \"{}\", \"amount\": {amount_minor}", order.number);
    if let Some(complete_minor) = order.complete_minor {
        // Writing into a text cannot fail.
        let _ = write!(json, ", \"complete_amount\": {complete_minor}");
    }
    if let Some(id) = world.order_ids[index].as_ref().filter(|_| order.tells_id) {
        let _ = write!(json, ", \"order_id\": \"{id}\"");
    }
    json.push('}');
    let number = order.number.clone();
    let checked = match intake::from_json(&json, &world.config) {
        Ok(checked) => checked,
        Err(rejection) => {
            world.note("shop", &format!("{number} is rejected: {rejection:?}"));
            return None;
        }
    };
    let store = store(world)?;
    let added = store.add_orders(vec![checked], Cause::Shop, world.clock.now()).await;
    let words = match &added {
        Ok(added) => format!("told {number} with {amount_minor}: {added:?}"),
        Err(error) => format!("told {number} with {amount_minor}: {error}"),
    };
    world.note("shop", &words);
    added.ok()?.pop()
}

/// The daemon's store, or, sometimes, the one that the command line opens.
pub(super) fn store(world: &mut World) -> Option<Store> {
    if let Some(store) = world.store() {
        return Some(store.clone());
    }
    let imports = world.chance.u8(..4) == 0;
    imports.then(|| Store::open_simulated_beside(&world.config.database).ok())?
}
