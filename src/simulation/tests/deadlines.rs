//! What the money waits for goes before everything else that does, however much of that there is.

use std::time::Duration;

use super::super::network::Weather;
use super::super::world::World;
use super::super::{Extent, log, plan, policy};
use super::SHORT;
use crate::domain::event::Cause;
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{NewOrder, OrderNumber, State};
use crate::sandbox::{Effect, Entry, LedgerLine, Registration};

const MINUTE: Duration = Duration::from_secs(60);

/// Five requests a second, and holds that are completed five minutes before they lapse.
const SHOP: &str = r#"
database = "reconciled.db"
reports = "reports"
listen = "127.0.0.1:0"

[[merchant]]
name = "shop"
gateway = "http://127.0.0.1:1/payment/rest/"
user_name = "shop-api"
password = { public = "not-a-secret" }
request_timeout = "5s"

[merchant.budget]
requests = "5/s"
burst = 1
in_flight = 4

[merchant.completion]
when = "release"

[merchant.hold]
lifetime = "1h"
warn_at = ["10m"]
act_before = "5m"
at_deadline = "complete"
"#;

const BACKLOG: usize = 100_000;
const PRICE: i64 = 10_000;

/// The bank is gone for five minutes in which a shop hands in a hundred thousand orders and a hold's deadline passes;
/// another's comes while they are worked off, which takes the budget hours.
#[test]
fn a_hundred_thousand_overdue_orders_do_not_delay_a_holds_deadline() {
    let mut plan = plan::Plan::draw(1, Extent { orders: 1, ..SHORT });
    plan.policy = policy::PolicyPlan { toml: SHOP.to_owned(), on_release: true };
    (plan.faults, plan.peril_percent, plan.hold_lifetime) = (Vec::new(), 0, plan::HOUR);
    plan.endpoint = None;
    let directory = tempfile::tempdir().unwrap();
    fastrand::seed(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(1, plan, directory.path(), log::Log::hashing()).unwrap();
        world.start().await;
        let begun = tokio::time::Instant::now();
        let at = async |minutes: u32| tokio::time::sleep_until(begun + MINUTE * minutes).await;
        let bank_ms = |minutes: u32| super::super::world::START_MS + i64::from(minutes) * 60_000;
        hold(&world, "H-outage").await;
        at(5).await;
        hold(&world, "H-backlog").await;
        at(53).await;
        world.network.turn(Weather::Silent);
        for page in 0..BACKLOG / 1_000 {
            let numbers: Vec<String> = (0..1_000).map(|nth| format!("B-{page}-{nth}")).collect();
            for number in &numbers {
                world.bank().register(Registration::new("shop-api", number, PRICE)).unwrap();
            }
            add(&world, numbers.iter().map(|number| order(number)).collect()).await;
        }
        at(58).await;
        world.network.turn(Weather::Fair);
        at(61).await;

        let ledger = world.bank().ledger();
        let completed = |number: &str| {
            let is_it = |line: &&LedgerLine| {
                matches!(&line.entry, Entry::Effect(effect)
                    if effect.effect == Effect::Completed && effect.order_number == number)
            };
            ledger.iter().find(is_it).map(|line| line.at_ms)
        };
        let soon = |due_ms: i64| due_ms..due_ms + 40_000;
        // As soon as a probe can tell that the bank is back, and as soon as it is due.
        assert!(soon(bank_ms(58)).contains(&completed("H-outage").unwrap()));
        assert!(soon(bank_ms(60)).contains(&completed("H-backlog").unwrap()));

        let requests: Vec<i64> = ledger
            .iter()
            .filter(|line| matches!(line.entry, Entry::Request(_)) && line.at_ms >= bank_ms(58))
            .map(|line| line.at_ms)
            .collect();
        let lasted_ms = requests.last().unwrap() - requests.first().unwrap();
        let allowed = usize::try_from(lasted_ms / 200).unwrap() + 2;
        assert!(requests.len() < BACKLOG / 10, "the backlog is worked off still: {}", requests.len());
        assert!((allowed * 9 / 10..=allowed).contains(&requests.len()), "{} of {allowed}", requests.len());
    });
}

/// A hold that the daemon knows of.
async fn hold(world: &World, number: &str) {
    let registered = world.bank().register(Registration::new("shop-api", number, PRICE).two_phase()).unwrap();
    world.bank().pay(&registered.order_id).unwrap();
    add(world, vec![order(number)]).await;
    let store = world.store().unwrap();
    let mut bell = store.bell();
    while store.order(&world.merchant().id, number).await.unwrap().order.state != State::Held {
        bell.changed().await;
    }
}

async fn add(world: &World, orders: Vec<NewOrder>) {
    let now = world.clock.now();
    world.store().unwrap().add_orders(orders, Cause::Shop, now).await.unwrap();
}

fn order(number: &str) -> NewOrder {
    NewOrder {
        merchant: crate::domain::order::MerchantId::new("shop").unwrap(),
        number: OrderNumber::new(number, 32).unwrap(),
        order_id: None,
        amount: Amount::new(PRICE).unwrap(),
        currency: Currency::RUB,
        expires_at: None,
        completion: CompletionAmount::Whole,
        autocompletion_at: None,
        kind: None,
    }
}
