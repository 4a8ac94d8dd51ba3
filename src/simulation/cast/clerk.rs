//! A clerk in the bank's console: takes, reverses and refunds without asking anybody.

use super::super::world::World;

/// Takes the whole hold or a part of it, or lets it go.
pub(super) fn touch(world: &mut World, index: usize) {
    let Some(id) = world.order_ids[index].clone() else { return };
    if world.is_calm() {
        return;
    }
    let order = &world.plan.orders[index];
    let (number, amount_minor) = (order.number.clone(), order.amount_minor);
    let part = world.chance.i64(1..=amount_minor);
    let (done, deed) = match world.chance.u8(..3) {
        0 => (world.bank().deposit(&id, 0), "took all of".to_owned()),
        1 => (world.bank().deposit(&id, part), format!("took {part} of")),
        _ => (world.bank().reverse(&id), "reversed".to_owned()),
    };
    if done.is_ok() {
        world.note("clerk", &format!("{deed} {number}"));
    }
}

/// Gives money back.
pub(super) fn give_back(world: &mut World, index: usize) {
    let Some(id) = world.order_ids[index].clone() else { return };
    if world.is_calm() {
        return;
    }
    let number = world.plan.orders[index].number.clone();
    let taken = world.bank().order(&id).map_or(0, |order| order.deposited_minor - order.refunded_minor);
    if taken > 0 {
        let minor = world.chance.i64(1..=taken);
        if world.bank().refund(&id, minor).is_ok() {
            world.note("clerk", &format!("gave back {minor} of {number}"));
        }
    }
}
