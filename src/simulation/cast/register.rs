//! The shop that leaves it to us to register its orders: it hands them in, asks what became of that, and hands in again
//! what was refused; and the operator, who settles what the bank tells nothing of.

use std::time::Duration;

use crate::domain::event::Cause;
use crate::domain::order::OrderId;
use crate::domain::registration::journey::{Found, Registration, State};
use crate::intake;
use crate::store::{Intended, NewRegistration, PersonsWord, Store};

use super::super::evidence::Told;
use super::super::world::World;
use super::{Deed, shop};

/// A number that the bank is to know already is taken before.
pub(super) const NOT_BEFORE: Duration = Duration::from_secs(60);

/// The longest a shop waits between two questions about a registration.
const ASKED_WITHIN: Duration = Duration::from_secs(4 * 3_600);

/// Registrations that stand open at once are fewer.
const OPEN_MAX: usize = 1_000;

/// Hands an order in to be registered, as the API does it.
pub(super) async fn hand_in(world: &mut World, index: usize) {
    let order = world.plan.orders[index].clone();
    let is_heard = written(world, index).await;
    if !is_heard {
        let wait = Duration::from_secs(world.chance.u64(30..900));
        return world.after(wait, Deed::HandIn(index));
    }
    let told = Told { at_ms: world.now_ms(), amount_minor: order.amount_minor };
    world.evidence.handed_in.entry(order.number).or_insert(told);
    world.after(Duration::from_secs(3), Deed::AskAfter(index, 0));
}

/// Whether the daemon has the registration by now.
async fn written(world: &mut World, index: usize) -> bool {
    let order = world.plan.orders[index].clone();
    let number = &order.number;
    // Nothing is completed that was taken at once.
    let amounts = match order.complete_minor.filter(|_| order.two_phase) {
        Some(complete_minor) => format!("{}, \"complete_amount\": {complete_minor}", order.amount_minor),
        None => order.amount_minor.to_string(),
    };
    let json = format!(
        "{{\"order_number\": \"{number}\", \"amount\": {amounts}, \"two_phase\": {}, \"return_url\": \
         \"https://shop.example/thanks\", \"email\": \"buyer@shop.example\"}}",
        order.two_phase
    );
    let now = world.clock.now();
    let request = match intake::registration::from_json(&json, &world.config, now) {
        Ok((_, request)) => request,
        Err(rejection) => {
            world.failed(&format!("{number} is rejected: {rejection:?}"));
            return false;
        }
    };
    let Some(store) = shop::store(world) else { return false };
    let new = NewRegistration { merchant: world.merchant().id.clone(), request };
    let intended = store.intend_registration(new, Cause::Shop, now).await;
    let words = match &intended {
        Ok(Intended::New(_)) => "it is to be registered".to_owned(),
        Ok(Intended::Again(row)) => format!("it is {} already", row.state),
        Ok(Intended::Other { .. }) => "another one is here".to_owned(),
        Ok(Intended::Queued) => "it is queued".to_owned(),
        Ok(Intended::TooMany) => "too many wait".to_owned(),
        Err(error) => error.to_string(),
    };
    world.note("shop", &format!("hands in {number}: {words}"));
    matches!(intended, Ok(Intended::New(_) | Intended::Again(_)))
}

/// Asks what became of a registration, and lets the buyer pay once the bank has it.
pub(super) async fn ask_after(world: &mut World, index: usize, times: u32) {
    let order = world.plan.orders[index].clone();
    let wait = Duration::from_secs(5).saturating_mul(2_u32.saturating_pow(times)).min(ASKED_WITHIN);
    let again = Deed::AskAfter(index, times.saturating_add(1));
    let Some(row) = row(world, &order.number).await else {
        // The daemon is down, or works with an old copy that never heard of it: then it is handed in again.
        return world.after(wait, again);
    };
    match row.state {
        State::Intended | State::InDoubt => world.after(wait, again),
        State::Refused => {
            if world.chance.u8(..100) < 60 && !world.is_calm() {
                let wait = Duration::from_secs(world.chance.u64(60..20_000));
                world.after(wait, Deed::HandIn(index));
            }
        }
        State::Registered => {
            let told = Told { at_ms: world.now_ms(), amount_minor: order.amount_minor };
            world.evidence.told.entry(order.number.clone()).or_insert(told);
            if world.order_ids[index].is_none() {
                world.order_ids[index] = row.order_id.map(|id| id.as_str().to_owned());
                shop::expect_buyer(world, index);
            }
            if let Some(amount_minor) = order.told_again {
                let wait = Duration::from_secs(world.chance.u64(1..100_000));
                world.after(wait, Deed::TellAgain(index, amount_minor));
            }
        }
    }
}

async fn row(world: &World, number: &str) -> Option<Registration> {
    let store = world.store()?.clone();
    store.registration(&world.merchant().id, number).await.ok()?
}

/// The operator looks for what is stuck in the bank's own book.
pub(super) async fn settle_stuck(world: &mut World, store: &Store) {
    let merchant = world.merchant().id.clone();
    let open = store.list_registrations(&merchant, OPEN_MAX).await.unwrap_or_default();
    for row in open.into_iter().filter(|row| row.stuck_since.is_some()) {
        if world.chance.u8(..100) < 50 {
            continue;
        }
        let number = row.number.as_str();
        let there = world.bank().orders().into_iter().find(|order| order.order_number == number);
        let found = match there.map(|order| OrderId::new(&order.order_id)) {
            Some(Ok(id)) => Found::Order(id),
            _ => Found::Nothing,
        };
        let (cause, name) = (Cause::Operator("olga".to_owned()), "olga".to_owned());
        let words = format!("{found:?}");
        let word = PersonsWord { found, cause, name, reason: "as in the bank's console".to_owned() };
        let settled = match store.settle_registration(row.key, word, world.clock.now()).await {
            Ok(Ok(row)) => row.state.to_string(),
            Ok(Err(refused)) => refused.to_string(),
            Err(error) => error.to_string(),
        };
        world.note("operator", &format!("finds for the registration {number}: {words}: {settled}"));
    }
}
