//! The bank's book: every order, found by id or by number, with the ledger written in the same stroke as each change.
//!
//! Time comes in as `now_ms`; sessions and holds that ran out are settled first at every access, dated to the exact
//! moment they ended, so that nobody ever sees an order alive beyond its time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use super::errors::{self, Refusal};
use super::ledger::{Effect, EffectEntry, Entry, Ledger};
use super::mint::{Card, Mint};
use super::order::{HoldEnd, Movement, MovementKind, Order, State};
use super::payment::Payment;
use super::post::Post;
use super::registration::{Lifetime, Registration};
use super::status::deposited_amount;

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
    /// How often a buyer may try to pay.
    pub(super) attempts_max: u8,
    /// Whether an order that its store calls off is shown reversed rather than declined.
    pub(super) called_off_is_reversed: bool,
}

/// A store's refund of a dispute about every line of a large cart is far below; more would be a loop.
const MOVEMENTS_MAX: usize = 1_000;

/// What a store wants back.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefundWish<'a> {
    /// Money, or money and points together.
    pub(super) composite: bool,
    /// 0 is all that is left.
    pub(super) asked_minor: i64,
    /// The store's own id: one it has used before for this order is that same refund.
    pub(super) external_id: Option<&'a str>,
    /// Refund only while the store is shown so much as deposited.
    pub(super) expected_deposited_minor: Option<i64>,
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
    pub(super) post: Post,
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
    pub(super) fn new(terms: Terms, post: Post, seed: u64) -> Book {
        Book {
            ledger: Ledger::default(),
            terms,
            post,
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

    /// When the next session or hold may end.
    pub(super) fn next_run_out_ms(&self) -> Option<i64> {
        self.run_outs.peek().map(|Reverse((due_ms, _))| *due_ms)
    }

    fn run_out(&mut self, index: usize, due_ms: i64) {
        let state = &self.orders[index].state;
        if state.runs_out_at_ms() != Some(due_ms) {
            return;
        }
        let effect = match state {
            State::Registered { .. } | State::Authenticating { .. } => Effect::Expired,
            State::Held { end: HoldEnd::Lapse, .. } => Effect::Lapsed,
            State::Held { end: HoldEnd::Completion, .. } => Effect::Completed,
            State::Held { end: HoldEnd::Reversal, .. } => Effect::Reversed,
            State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => return,
        };
        let amount_minor = self.orders[index].registration.amount_minor;
        if let Some(next) = state.run_out(amount_minor) {
            self.change(index, next, due_ms);
            self.record(index, effect, amount_minor, due_ms, None);
        }
    }

    /// Registers an order, unless its store has used the number before.
    pub(super) fn register(
        &mut self,
        mut registration: Registration,
        now_ms: i64,
        request: Option<u64>,
    ) -> Result<&Order, Refusal> {
        self.settle(now_ms);
        if registration.order_number.is_empty() {
            registration.order_number = self.fresh_number(&registration.login);
        }
        let key = (registration.login.clone(), registration.order_number.clone());
        if self.by_number.contains_key(&key) {
            return Err(errors::DUPLICATE);
        }
        if self.orders.len() >= ORDERS_MAX {
            return Err(errors::SYSTEM_ERROR);
        }
        let expires_at_ms = self.expiry(registration.lifetime, now_ms);
        let index = self.orders.len();
        let order = Order::new(self.mint.fresh_id(), registration, now_ms, State::Registered { expires_at_ms });
        self.by_number.insert(key, index);
        self.by_id.insert(order.id.clone(), index);
        self.run_outs.push(Reverse((expires_at_ms, index)));
        self.unvisited.push_back(index);
        let amount_minor = order.registration.amount_minor;
        self.orders.push(order);
        self.record(index, Effect::Registered, amount_minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// A number for a store that leaves numbering to the gateway.
    fn fresh_number(&self, login: &str) -> String {
        let mut number = 1_000_001 + self.orders.len();
        while self.by_number.contains_key(&(login.to_owned(), number.to_string())) {
            number += 1;
        }
        number.to_string()
    }

    /// A buyer pays.
    pub(super) fn pay(&mut self, key: Key<'_>, card: Card, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let points = self.orders[index].registration.points();
        let payment = self.mint.authorise(card, &points, now_ms);
        let next = self.orders[index].paid(payment, self.terms.hold_ms)?;
        self.bind(index);
        Ok(self.authorise(index, next, now_ms))
    }

    /// The card is bound to a buyer whom the store names, unless it wants no binding or used one.
    fn bind(&mut self, index: usize) {
        let registration = &self.orders[index].registration;
        let binding = match (&registration.binding_id, &registration.client_id) {
            (Some(used), _) => Some(used.clone()),
            (None, Some(_)) if !registration.has_feature("BINDING_NOT_NEEDED") => Some(self.mint.fresh_id()),
            (None, _) => None,
        };
        self.orders[index].binding_id = binding;
    }

    /// The issuer asks the buyer for a code.
    pub(super) fn challenge(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let next = self.orders[index].challenged()?;
        let amount_minor = self.orders[index].registration.amount_minor;
        self.change(index, next, now_ms);
        self.record(index, Effect::Challenged, amount_minor, now_ms, None);
        Ok(&self.orders[index])
    }

    /// The issuer refuses one attempt; after the last the order is declined.
    pub(super) fn fail_attempt(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let next = self.orders[index].attempt_failed(now_ms, self.terms.attempts_max)?;
        let effect = if next.is_open() { Effect::AttemptFailed } else { Effect::Declined };
        let amount_minor = self.orders[index].registration.amount_minor;
        self.orders[index].failed_attempts = self.orders[index].failed_attempts.saturating_add(1);
        self.change(index, next, now_ms);
        self.record(index, effect, amount_minor, now_ms, None);
        Ok(&self.orders[index])
    }

    /// A store calls an order off that nobody has paid.
    pub(super) fn call_off(&mut self, key: Key<'_>, now_ms: i64, request: Option<u64>) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let next = self.orders[index].called_off(now_ms, self.terms.called_off_is_reversed)?;
        let amount_minor = self.orders[index].registration.amount_minor;
        self.change(index, next, now_ms);
        self.record(index, Effect::CalledOff, amount_minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// The issuer's agreement arrives after the order was closed.
    pub(super) fn approve_late(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let points = self.orders[index].registration.points();
        let payment = self.mint.authorise(Card::default(), &points, now_ms);
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

    /// A store lets a hold go, or a clerk does, who asks by no request. It may be asked once: a reversal that was
    /// refused spoils every later one.
    pub(super) fn reverse(&mut self, key: Key<'_>, now_ms: i64, request: Option<u64>) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let order = &mut self.orders[index];
        if order.reversal_failed {
            return Err(errors::REVERSAL_IMPOSSIBLE);
        }
        let next = order.reversed(now_ms).inspect_err(|_| order.reversal_failed = true)?;
        let amount_minor = order.registration.amount_minor;
        self.change(index, next, now_ms);
        self.record(index, Effect::Reversed, amount_minor, now_ms, request);
        Ok(&self.orders[index])
    }

    /// The issuer declines a buyer.
    pub(super) fn decline(&mut self, key: Key<'_>, now_ms: i64) -> Result<&Order, Refusal> {
        let index = self.index(key, now_ms)?;
        let next = self.orders[index].declined(now_ms)?;
        let amount_minor = self.orders[index].registration.amount_minor;
        self.change(index, next, now_ms);
        self.record(index, Effect::Declined, amount_minor, now_ms, None);
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

    /// A store gives money back, or a clerk does. Gives the order and the number of the movement that did it: of the
    /// earlier one, where the store asks again for a refund it has named before.
    pub(super) fn refund(
        &mut self,
        key: Key<'_>,
        wish: RefundWish<'_>,
        now_ms: i64,
        request: Option<u64>,
    ) -> Result<(&Order, usize), Refusal> {
        let index = self.index(key, now_ms)?;
        let order = &self.orders[index];
        let known =
            |movement: &Movement| wish.external_id.is_some() && movement.external_id.as_deref() == wish.external_id;
        if let Some(earlier) = order.movements.iter().position(known) {
            return Ok((&self.orders[index], earlier));
        }
        let shown_minor = deposited_amount(order, self.post.contracts.of(&order.registration.login));
        if wish.expected_deposited_minor.is_some_and(|expected| expected != shown_minor) {
            return Err(errors::DEPOSIT_NOT_AS_EXPECTED);
        }
        if order.movements.len() >= MOVEMENTS_MAX {
            return Err(errors::SYSTEM_ERROR);
        }
        let next = if wish.composite {
            let asked = if wish.asked_minor == 0 { order.refundable_composite() } else { wish.asked_minor };
            order.refunded_composite(asked, now_ms)?
        } else {
            let asked = if wish.asked_minor == 0 { order.refundable_minor() } else { wish.asked_minor };
            order.refunded(asked, now_ms)?
        };
        let before_minor = order.refunded_minor();
        self.change(index, next, now_ms);
        let minor = self.orders[index].refunded_minor() - before_minor;
        self.record(index, Effect::Refunded, minor, now_ms, request);
        let made = self.orders[index].movements.len().saturating_sub(1);
        if let Some(movement) = self.orders[index].movements.get_mut(made) {
            movement.external_id = wish.external_id.map(str::to_owned);
        }
        Ok((&self.orders[index], made))
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

    /// The orders of one store, oldest first, as they are now.
    pub(super) fn of_store<'a>(&'a mut self, login: &'a str, now_ms: i64) -> impl Iterator<Item = &'a Order> {
        self.settle(now_ms);
        self.orders.iter().filter(move |order| order.registration.login == login)
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
        if next.status() == 2 {
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
        self.move_money(index, effect, amount_minor, at_ms);
        self.post.announce(&self.orders[index], effect, at_ms);
    }

    /// Adds what was done to the order's `operations`.
    fn move_money(&mut self, index: usize, effect: Effect, amount_minor: i64, at_ms: i64) {
        let order = &self.orders[index];
        let kind = match effect {
            Effect::Held => MovementKind::PreAuthorization,
            Effect::Deposited => MovementKind::Authorization,
            Effect::Completed => MovementKind::Completion,
            Effect::Reversed | Effect::Lapsed => MovementKind::Reversal,
            Effect::Refunded => MovementKind::Refund,
            Effect::Registered
            | Effect::Challenged
            | Effect::AttemptFailed
            | Effect::Declined
            | Effect::CalledOff
            | Effect::Expired
            | Effect::ChargedBack => return,
        };
        let points_before = order.earlier.as_ref().and_then(State::payment).map_or(0, Payment::points_refunded);
        let payment = order.state.payment();
        let points = payment.map_or(0, |payment| match kind {
            MovementKind::Completion => payment.points_deposited(),
            MovementKind::Refund => payment.points_refunded() - points_before,
            MovementKind::Authorization | MovementKind::PreAuthorization | MovementKind::Reversal => {
                payment.points_approved()
            }
        });
        let approval_code = payment.map(|payment| payment.approval_code.clone()).unwrap_or_default();
        let first = matches!(kind, MovementKind::Authorization | MovementKind::PreAuthorization);
        let authorised = payment.filter(|_| first).map(|payment| payment.reference.clone());
        // Not minted: what is done with one order must not change the ids of the next.
        let reference = authorised
            .unwrap_or_else(|| format!("{:012}", 580_000_000_000 + index * MOVEMENTS_MAX + order.movements.len()));
        let external_id = None;
        let movement = Movement { at_ms, kind, amount_minor, points, reference, approval_code, external_id };
        self.orders[index].movements.push(movement);
    }

    fn expiry(&self, lifetime: Lifetime, now_ms: i64) -> i64 {
        match lifetime {
            Lifetime::Default => now_ms.saturating_add(self.terms.session_ms),
            Lifetime::Seconds(seconds) => now_ms.saturating_add_unsigned(seconds.saturating_mul(1_000)),
            Lifetime::Until(at_ms) => at_ms,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
