//! The task that sends virtual buyers to waiting orders.
//!
//! One task, one list of what is due next; it sleeps until an arrival, a registration or a decision. Everything random
//! comes from the seed, drawn in the order in which buyers take orders.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::bank::Bank;
use super::buyers::{Buyers, Deed};
use super::order::Order;
use super::payment::CardSystem;
use super::transport::Stopping;

/// Buyers who find no order wait for the next, but a shop that opens late must not meet a crowd that came all night.
const WAITING_MAX: u32 = 100;

/// The card is at hand by then.
const AGAIN_FASTER: u32 = 4;

/// Sends buyers until the sandbox stops.
pub(super) async fn run(bank: Bank, buyers: Buyers, seed: u64, mut stopping: Stopping) {
    let mut arrivals = arrivals(buyers.interval);
    let mut crowd = Crowd {
        bank: bank.clone(),
        buyers,
        chance: fastrand::Rng::with_seed(seed),
        waiting: 0,
        deciding: BinaryHeap::new(),
        taken: 0,
    };
    loop {
        let next = crowd.next_decision();
        tokio::select! {
            biased;
            () = stopping.stopped() => return,
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => crowd.decide(),
            _ = arrivals.tick() => crowd.arrive(),
            () = bank.registered() => crowd.take_orders(),
        }
    }
}

fn arrivals(every: Duration) -> Interval {
    let mut arrivals = interval(every);
    arrivals.set_missed_tick_behavior(MissedTickBehavior::Burst);
    arrivals
}

struct Crowd {
    bank: Bank,
    buyers: Buyers,
    chance: fastrand::Rng,
    /// Buyers without an order.
    waiting: u32,
    /// Buyers before a payment page, the next to decide first.
    deciding: BinaryHeap<Reverse<Decision>>,
    /// Orders taken so far; makes the order of simultaneous decisions that of arrival.
    taken: u64,
}

/// Ordered by its fields from the first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Decision {
    at: Instant,
    turn: u64,
    order_id: String,
    deed: Deed,
}

impl Crowd {
    fn next_decision(&self) -> Option<Instant> {
        self.deciding.peek().map(|Reverse(next)| next.at)
    }

    fn arrive(&mut self) {
        self.waiting = (self.waiting + 1).min(WAITING_MAX);
        self.take_orders();
    }

    fn take_orders(&mut self) {
        while self.waiting > 0 {
            let Some(order) = self.bank.visit() else {
                return;
            };
            self.waiting -= 1;
            self.take(&order);
        }
    }

    fn take(&mut self, order: &Order) {
        let behaviour = self.buyers.behaviour;
        let thinking = behaviour.thinking(session(order), &mut self.chance);
        let deed = behaviour.deed(&mut self.chance);
        self.decide_after(thinking, order.id.clone(), deed);
    }

    fn decide_after(&mut self, thinking: Duration, order_id: String, deed: Deed) {
        self.taken += 1;
        let at = Instant::now() + thinking;
        self.deciding.push(Reverse(Decision { at, turn: self.taken, order_id, deed }));
    }

    /// Whoever is asked for a code, or refused, acts again soon: the session goes on.
    fn decide_soon(&mut self, order_id: &str, deed: Deed) {
        let Some(order) = self.bank.find(order_id) else {
            return;
        };
        let thinking = self.buyers.behaviour.thinking(session(&order), &mut self.chance) / AGAIN_FASTER;
        self.decide_after(thinking, order_id.to_owned(), deed);
    }

    /// A buyer who thought too long, or whose order somebody else paid, is refused like a person at the page.
    fn decide(&mut self) {
        let Some(Reverse(decision)) = self.deciding.pop() else {
            return;
        };
        let done = match decision.deed {
            Deed::Pay => {
                let card = CardSystem::ALL[self.chance.usize(..CardSystem::ALL.len())];
                self.bank.pay_with(&decision.order_id, card)
            }
            Deed::PaySecurely => self.bank.challenge(&decision.order_id),
            Deed::Confirm => self.bank.authenticate(&decision.order_id),
            Deed::Decline => self.bank.fail_attempt(&decision.order_id),
            Deed::WalkAway => self.bank.walk_away(&decision.order_id),
        };
        match (done, decision.deed) {
            (Ok(_), Deed::PaySecurely) => self.decide_soon(&decision.order_id, Deed::Confirm),
            // Without money on the card he tries as often as the bank lets him.
            (Ok(view), Deed::Decline) if view.status == 0 => self.decide_soon(&decision.order_id, Deed::Decline),
            (Ok(_), _) => {}
            (Err(refusal), _) => {
                tracing::debug!(order.id = %decision.order_id, %refusal, "A virtual buyer came too late");
            }
        }
    }
}

/// How long this order's session is from beginning to end.
fn session(order: &Order) -> Duration {
    let ends_at_ms = order.state.runs_out_at_ms().unwrap_or(order.registered_at_ms);
    let length_ms = ends_at_ms.saturating_sub(order.registered_at_ms);
    Duration::from_millis(u64::try_from(length_ms).unwrap_or_default())
}
