//! Buyers: they pay, are declined, or come too late.

use std::time::Duration;

use super::super::plan::Buyer;
use super::super::world::World;
use super::Deed;

/// The longest that a clerk waits before he touches an order.
const CLERK_WITHIN_MS: u64 = 3 * 86_400_000;

pub(super) fn decide(world: &mut World, index: usize) {
    let Some(id) = world.order_ids[index].clone() else { return };
    let order = &world.plan.orders[index];
    let (number, buyer, card) = (order.number.clone(), order.buyer, order.card);
    let (done, deed) = match buyer {
        Buyer::Pays(_) => (world.bank().pay_with(&id, card), "paid"),
        Buyer::IsDeclined(_) => (world.bank().decline(&id), "was declined for"),
        Buyer::Leaves => return,
    };
    let Err(refusal) = done else {
        world.note("buyer", &format!("{deed} {number}"));
        return attract_clerk(world, index);
    };
    world.note("buyer", &format!("came too late for {number}: {refusal}"));
}

/// Some of what was paid is touched in the bank's console later.
fn attract_clerk(world: &mut World, index: usize) {
    let percent = world.plan.clerk_percent;
    if world.chance.u8(..100) < percent {
        let wait = world.chance.u64(..CLERK_WITHIN_MS);
        world.after(Duration::from_millis(wait), Deed::Touch(index));
    }
    if world.chance.u8(..100) < percent {
        let wait = world.chance.u64(..CLERK_WITHIN_MS * 3);
        world.after(Duration::from_millis(wait), Deed::GiveBack(index));
    }
}
