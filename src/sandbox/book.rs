//! The bank's book: every order, found by id or by number, with the ledger written in the same stroke as each change.
//!
//! Time comes in as `now_ms`; sessions and holds that ran out are settled first at every access, dated to the exact moment
//! they ended, so that nobody ever sees an order alive beyond its time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use super::errors::{self, Refusal};
use super::ledger::{Effect, EffectEntry, Entry, Ledger};
use super::mint::Mint;
use super::order::{CardSystem, Order, State};
use super::registration::{Lifetime, Registration};

/// Half a gigabyte of orders at most; more than any demo or test registers in one run.
const ORDERS_MAX: usize = 500_000;

/// The terms on which this bank deals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) session_ms: i64,
    pub(super) hold_ms: i64,
    pub(super) order_number_max: usize,
    /// Whether a hold may be completed more than once, part after part.
    pub(super) part_after_part: bool,
}

/// Which order is meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    /// By order id, whosever it is: the payment page and the control room.
    Id(&'a str),
    /// By order id, as one store sees it: another store's order does not exist for it.
    StoreId { login: &'a str, id: &'a str },
    /// By a store's own number.
    Number { login: &'a str, number: &'a str },
}

/// All orders and the ledger.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) ledger: Ledger,
    pub(super) terms: Terms,
    orders: Vec<Order>,
    by_id: HashMap<String, usize>,
    by_number: HashMap<(String, String), usize>,
    /// When states run out, soonest first; an entry that its order has outgrown is skipped.
    run_outs: BinaryHeap<Reverse<(i64, usize)>>,
    /// Registered and not yet visited by a virtual buyer, oldest first.
    unvisited: VecDeque<usize>,
    mint: Mint,
}

impl Book {
    /// An empty book; `seed` fixes the ids and codes that will be given out.
    pub(super) fn new(terms: Terms, seed: u64) -> Book {
        Book {
            ledger: Ledger::default(),
            terms,
            orders: Vec::new(),
            by_id: HashMap::new(),
            by_number: HashMap::new(),
            run_outs: BinaryHeap::new(),
            unvisited: VecDeque::new(),
            mint: Mint::new(seed),
        }
    }

    /// Ends every session and hold whose time has come.
    pub(super) fn settle(&mut self, now_ms: i64) {
        while let Some(&Reverse((due_ms, index))) = self.run_outs.peek() {
            if due_ms > now_ms {
                return;
            }
            self.run_outs.pop();
            self.run_out(index, due_ms);
        }
    }

    fn run_out(&mut self, index: usize, due_ms: i64) {
        let state = &self.orders[index].state;
        if state.runs_out_at_ms() != Some(due_ms) {
            return;
        }
        let effect = match state {
            State::Registered { .. } => Effect::Expired,
            State::Held { .. } => Effect::Lapsed,
            State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => return,
        };
        if let Some(next) = state.run_out() {
            let amount_minor = self.orders[index].registration.amount_minor;
            self.change(index, next, due_ms);
            self.record(index, effect, amount_minor, due_ms, None);
        }
    }

    /// Registers an order, unless its store has used the number before.
    pub(super) fn register(
        &mut self,
        registration: Registration,
        now_ms: i64,
        request: Option<u64>,
    ) -> Result<&Order, Refusal> {
        self.settle(now_ms);
        let key = (registration.login.clone(), registration.order_number.clone());
        if self.by_number.contains_key(&key) {
            return Err(errors::DUPLICATE);
        }
        if self.orders.len() >= ORDERS_MAX {
            return Err(errors::SYSTEM_ERROR);
        }
        let expires_at_ms = self.expiry(registration.lifetime, now_ms);
        let index = self.orders.len();
        let order = Order {
            id: self.mint.fresh_id(),
            registered_at_ms: now_ms,
            state: State::Registered { expires_at_ms },
            earlier: None,
            deposits: 0,
            charged_back: false,
            refund_ids: Vec::new(),
            registration,
        };
        self.by_number.insert(key, index);
        self.by_id.insert(order.id.clone(), index);
        self.run_outs.push(Reverse((expires_at_ms, index)));
        self.unvisited.push_back(index);
        let amount_minor = order.registration.amount_minor;
        self.orders.push(order);
        self.record(index, Effect::Registered, amount_minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// A buyer pays.
    pub(super) fn pay(&mut self, key: Key<'_>, card: CardSystem, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let payment = self.mint.authorise(card, now_ms);
        let next = self.orders[index].paid(payment, self.terms.hold_ms)?;
        Ok(self.authorise(index, next, now_ms))
    }

    /// The issuer's agreement arrives after the order was closed.
    pub(super) fn approve_late(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let payment = self.mint.authorise(CardSystem::default(), now_ms);
        let next = self.orders[index].approved_late(payment, self.terms.hold_ms)?;
        Ok(self.authorise(index, next, now_ms))
    }

    fn authorise(&mut self, index: usize, next: State, now_ms: i64) -> &Order {
        let effect = if let State::Held { .. } = next { Effect::Held } else { Effect::Deposited };
        let amount_minor = self.orders[index].registration.amount_minor;
        self.change(index, next, now_ms);
        self.record(index, effect, amount_minor, now_ms, None);
        &self.orders[index]
    }

    /// The buyer's bank takes back what was deposited.
    pub(super) fn charge_back(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let State::Deposited { amount_minor, .. } = self.orders[index].state else {
            return Err(errors::WRONG_STATE);
        };
        self.orders[index].charged_back = true;
        self.record(index, Effect::ChargedBack, amount_minor, now_ms, None);
        Ok(&self.orders[index])
    }

    /// A store lets a hold go, or a clerk does, who asks by no request.
    pub(super) fn reverse(&mut self, key: Key<'_>, now_ms: i64, request: Option<u64>) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let next = self.orders[index].reversed(now_ms)?;
        let amount_minor = self.orders[index].registration.amount_minor;
        self.change(index, next, now_ms);
        self.record(index, Effect::Reversed, amount_minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// The issuer declines a buyer, or a store closes what nobody has paid.
    pub(super) fn decline(&mut self, key: Key<'_>, now_ms: i64, request: Option<u64>) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let next = self.orders[index].declined(now_ms)?;
        let amount_minor = self.orders[index].registration.amount_minor;
        self.change(index, next, now_ms);
        self.record(index, Effect::Declined, amount_minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// A buyer leaves without deciding: nothing happens, and no virtual buyer takes the order up again.
    pub(super) fn walk_away(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        self.unvisited.retain(|&waiting| waiting != index);
        Ok(&self.orders[index])
    }

    /// A store takes a held amount; 0 means all of it. Gives the order and what was taken.
    pub(super) fn complete(
        &mut self,
        key: Key<'_>,
        asked_minor: i64,
        now_ms: i64,
        request: Option<u64>,
    ) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let before_minor = self.orders[index].deposited_minor();
        let next = self.orders[index].completed(asked_minor, now_ms, self.terms.part_after_part)?;
        self.change(index, next, now_ms);
        let taken_minor = self.orders[index].deposited_minor() - before_minor;
        self.record(index, Effect::Completed, taken_minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// A clerk gives money back, or a store does, by its own id or without.
    pub(super) fn refund(
        &mut self,
        key: Key<'_>,
        minor: i64,
        external_id: Option<&str>,
        now_ms: i64,
        request: Option<u64>,
    ) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let next = self.orders[index].refunded(minor, now_ms)?;
        self.change(index, next, now_ms);
        self.orders[index].refund_ids.extend(external_id.map(str::to_owned));
        self.record(index, Effect::Refunded, minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// One order, as it is now.
    pub(super) fn find(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        Ok(&self.orders[index])
    }

    /// All orders, oldest first, as they are now.
    pub(super) fn orders(&mut self, now_ms: i64) -> &[Order] {
        self.settle(now_ms);
        &self.orders
    }

    /// Some order that is not this one, for a bank that mixes up its answers.
    pub(super) fn another(&self, id: &str) -> Option<&Order> {
        self.orders.iter().rev().find(|order| order.id != id)
    }

    /// The oldest registered order that no virtual buyer has visited; it counts as visited from now on.
    pub(super) fn visit(&mut self, now_ms: i64) -> Option<&Order> {
        self.settle(now_ms);
        while let Some(index) = self.unvisited.pop_front() {
            if let State::Registered { .. } = self.orders[index].state {
                return Some(&self.orders[index]);
            }
        }
        None
    }

    fn index(&mut self, key: Key<'_>, now_ms: i64) -> Result<usize, Refusal> {
        self.settle(now_ms);
        let found = match key {
            Key::Id(id) | Key::StoreId { id, .. } => self.by_id.get(id),
            Key::Number { login, number } => self.by_number.get(&(login.to_owned(), number.to_owned())),
        };
        let index = found.copied().ok_or(errors::UNKNOWN_ORDER)?;
        match key {
            Key::StoreId { login, .. } if self.orders[index].registration.login != login => Err(errors::UNKNOWN_ORDER),
            Key::Id(_) | Key::StoreId { .. } | Key::Number { .. } => Ok(index),
        }
    }

    fn change(&mut self, index: usize, next: State, at_ms: i64) {
        debug_assert!(at_ms >= self.orders[index].registered_at_ms);
        if let Some(due_ms) = next.runs_out_at_ms() {
            self.run_outs.push(Reverse((due_ms, index)));
        }
        let order = &mut self.orders[index];
        if let State::Deposited { refunded_minor: 0, .. } = next {
            order.deposits += 1;
        }
        order.earlier = Some(std::mem::replace(&mut order.state, next));
    }

    fn record(&mut self, index: usize, effect: Effect, amount_minor: i64, at_ms: i64, request: Option<u64>) {
        let order = &self.orders[index];
        let entry = Entry::Effect(EffectEntry {
            effect,
            order_id: order.id.clone(),
            order_number: order.registration.order_number.clone(),
            amount_minor,
            request,
        });
        self.ledger.write(at_ms, entry);
    }

    fn expiry(&self, lifetime: Lifetime, now_ms: i64) -> i64 {
        match lifetime {
            Lifetime::Default => now_ms.saturating_add(self.terms.session_ms),
            Lifetime::Seconds(seconds) => now_ms.saturating_add(i64::from(seconds) * 1_000),
            Lifetime::Until(at_ms) => at_ms,
        }
    }
}

#[cfg(test)]
mod tests;
