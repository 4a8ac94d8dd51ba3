//! The handle everybody holds: the payment page, the wires, the buyers, the control room and tests.
//!
//! One std mutex guards book and faults: every section is short and never awaits, and one lock makes a request's effect
//! and its ledger line one fact.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::book::{Book, Key, RefundWish, Terms};
use super::clock::{Clock, millis};
use super::contract::{Contract, Contracts, TooManyContracts};
use super::draw::{Faults, TooManyRules};
use super::errors::{self, Refusal};
use super::faults::FaultRule;
use super::ledger::LedgerLine;
use super::mint::Card;
use super::operation::Operation;
use super::order::Order;
use super::order_view::OrderView;
use super::payment::CardSystem;
use super::post::{Letter, Post};
use super::registration::Registration;
use super::settings::{Login, Settings};

/// A cloneable handle on the bank behind a running sandbox.
#[derive(Debug, Clone)]
pub struct Bank {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    clock: Clock,
    pub(super) login: Option<Login>,
    last_orders: bool,
    /// Rung at every registration, for buyers who wait.
    pub(super) registered: Notify,
    /// Rung whenever the vault was open, for the courier: only then can there be a new letter.
    posted: Notify,
    vault: Mutex<Vault>,
}

#[derive(Debug)]
pub(super) struct Vault {
    pub(super) book: Book,
    pub(super) faults: Faults,
}

impl Bank {
    pub(super) fn new(settings: &Settings) -> Bank {
        Bank::with_clock(settings, Clock::wall())
    }

    /// A bank in tokio's time, its clock showing `start_ms` now.
    pub(super) fn virtual_from(settings: &Settings, start_ms: i64) -> Bank {
        Bank::with_clock(settings, Clock::virtual_from(start_ms))
    }

    fn with_clock(settings: &Settings, clock: Clock) -> Bank {
        let terms = Terms {
            session_ms: millis(settings.session_timeout),
            hold_ms: millis(settings.hold_lifetime),
            order_number_max: settings.order_number_max,
            part_after_part: settings.part_after_part,
            attempts_max: settings.payment_attempts,
            called_off_is_reversed: settings.called_off_is_reversed,
        };
        let contracts = Contracts { usual: settings.contract.clone(), by_login: settings.contracts.clone() };
        let post = Post::new(contracts, millis(settings.callback_first_wait));
        let vault = Vault {
            book: Book::new(terms, post, settings.seed),
            // Another stream than the book's, so that adding a fault does not change the order ids.
            faults: Faults::new(settings.faults.clone(), !settings.seed),
        };
        Bank {
            inner: Arc::new(Inner {
                clock,
                login: settings.login.clone(),
                last_orders: settings.last_orders,
                registered: Notify::new(),
                posted: Notify::new(),
                vault: Mutex::new(vault),
            }),
        }
    }

    /// Lets `ms` pass at once, where time is virtual.
    pub(super) fn pass(&self, ms: i64) {
        self.inner.clock.pass(ms);
    }

    /// The bank's clock, in epoch milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// Registers an order without a wire between; fields are taken as they are.
    pub fn register(&self, registration: Registration) -> Result<OrderView, Refusal> {
        if registration.amount_minor <= 0 {
            return Err(errors::AMOUNT_WRONG);
        }
        let view = {
            let (mut vault, now_ms) = self.vault();
            vault.book.register(registration, now_ms, None)?.view()
        };
        self.inner.registered.notify_one();
        Ok(view)
    }

    /// A buyer pays: a two-phase order is held, a one-phase order deposited.
    pub fn pay(&self, order_id: &str) -> Result<OrderView, Refusal> {
        self.pay_with(order_id, CardSystem::default())
    }

    /// As [`Bank::pay`], with a card of this payment system.
    pub fn pay_with(&self, order_id: &str, card: CardSystem) -> Result<OrderView, Refusal> {
        let card = Card { system: card, three_ds: false };
        let (mut vault, now_ms) = self.vault();
        vault.book.pay(Key::Id(order_id), card, now_ms).map(Order::view)
    }

    /// The issuer asks the buyer for a code: the order is in authentication until he gives it or does not.
    pub fn challenge(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.challenge(Key::Id(order_id), now_ms).map(Order::view)
    }

    /// The buyer gives the right code, and pays.
    pub fn authenticate(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let card = Card { three_ds: true, ..Card::default() };
        let (mut vault, now_ms) = self.vault();
        vault.book.pay(Key::Id(order_id), card, now_ms).map(Order::view)
    }

    /// The issuer refuses one attempt; the buyer may try again until he has no attempt left.
    pub fn fail_attempt(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.fail_attempt(Key::Id(order_id), now_ms).map(Order::view)
    }

    /// The issuer's agreement arrives after the order was declined: it was paid after all.
    pub fn approve_late(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.approve_late(Key::Id(order_id), now_ms).map(Order::view)
    }

    /// The buyer's bank takes back what was deposited.
    pub fn charge_back(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.charge_back(Key::Id(order_id), now_ms).map(Order::view)
    }

    /// The issuer declines the buyer for good, whatever attempts he had left.
    pub fn decline(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.decline(Key::Id(order_id), now_ms).map(Order::view)
    }

    /// The buyer leaves the page and does not come back: the session will time out.
    pub fn walk_away(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.walk_away(Key::Id(order_id), now_ms).map(Order::view)
    }

    /// A clerk in the bank's console takes a held amount, as a store would; 0 means all of it.
    pub fn deposit(&self, order_id: &str, minor: i64) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.complete(Key::Id(order_id), minor, now_ms, None).map(Order::view)
    }

    /// A clerk lets a hold go.
    pub fn reverse(&self, order_id: &str) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        vault.book.reverse(Key::Id(order_id), now_ms, None).map(Order::view)
    }

    /// A clerk gives money back; 0 means all that is left.
    pub fn refund(&self, order_id: &str, minor: i64) -> Result<OrderView, Refusal> {
        let (mut vault, now_ms) = self.vault();
        let wish =
            RefundWish { composite: false, asked_minor: minor, external_id: None, expected_deposited_minor: None };
        vault.book.refund(Key::Id(order_id), wish, now_ms, None).map(|(order, _)| order.view())
    }

    /// One order of the bank's book, by order id.
    pub fn order(&self, order_id: &str) -> Option<OrderView> {
        self.find(order_id).map(|order| order.view())
    }

    /// The bank's book, oldest order first.
    pub fn orders(&self) -> Vec<OrderView> {
        let (mut vault, now_ms) = self.vault();
        vault.book.orders(now_ms).iter().map(Order::view).collect()
    }

    /// The whole ledger, oldest line first.
    pub fn ledger(&self) -> Vec<LedgerLine> {
        self.ledger_after(0, usize::MAX)
    }

    /// Up to `limit` lines of the ledger after line `seq`.
    pub fn ledger_after(&self, seq: u64, limit: usize) -> Vec<LedgerLine> {
        let (mut vault, now_ms) = self.vault();
        vault.book.settle(now_ms);
        vault.book.ledger.after(seq, limit)
    }

    /// Adds one fault rule; a full list (a thousand rules) takes no more.
    pub fn add_fault(&self, rule: FaultRule) -> Result<(), TooManyRules> {
        self.add_faults(vec![rule])
    }

    /// Adds all of these fault rules or, when they are too many, none.
    pub fn add_faults(&self, rules: Vec<FaultRule>) -> Result<(), TooManyRules> {
        self.vault().0.faults.add(rules)
    }

    /// The fault rules in force, with the counts they have left.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.vault().0.faults.rules().to_vec()
    }

    /// Ends all faults; requests already struck go their course.
    pub fn clear_faults(&self) {
        self.vault().0.faults.clear();
    }

    /// Whether this gateway has a request at all.
    pub(super) fn serves(&self, operation: Operation) -> bool {
        operation != Operation::LastOrders || self.inner.last_orders
    }

    /// How often the buyer of this order may still try.
    pub(super) fn attempts_left(&self, order: &Order) -> u8 {
        self.peek().book.terms.attempts_max.saturating_sub(order.failed_attempts)
    }

    /// Sets what is agreed with one store, from now on.
    pub fn set_contract(&self, login: &str, contract: Contract) -> Result<(), TooManyContracts> {
        self.vault().0.book.post.contracts.set(login.to_owned(), contract)
    }

    /// What is agreed with one store.
    pub fn contract(&self, login: &str) -> Contract {
        self.vault().0.book.post.contracts.of(login).clone()
    }

    /// The contracts of the stores that have one of their own, and the usual one under an empty name.
    pub fn contracts(&self) -> BTreeMap<String, Contract> {
        let vault = self.peek();
        let contracts = &vault.book.post.contracts;
        let usual = (String::new(), contracts.usual.clone());
        contracts.by_login.clone().into_iter().chain([usual]).collect()
    }

    /// The callbacks that were written, oldest first, with what became of them.
    pub fn callbacks(&self) -> Vec<Letter> {
        let (mut vault, now_ms) = self.vault();
        vault.book.settle(now_ms);
        vault.book.post.letters()
    }

    /// Takes the callback that has been due longest.
    pub(super) fn take_letter(&self) -> Option<Letter> {
        let (mut vault, now_ms) = (self.peek(), self.now_ms());
        vault.book.settle(now_ms);
        vault.book.post.take_due(now_ms)
    }

    /// Says what became of a callback that was taken.
    pub(super) fn settle_letter(&self, seq: u64, outcome: Result<(), String>) {
        let (mut vault, now_ms) = (self.peek(), self.now_ms());
        vault.book.post.settle(seq, outcome, now_ms);
    }

    /// When there may be a callback to take without anybody opening the vault before.
    pub(super) fn next_letter_ms(&self) -> Option<i64> {
        let vault = self.peek();
        let run_out = vault.book.next_run_out_ms();
        let due = vault.book.post.next_due_ms();
        run_out.into_iter().chain(due).min()
    }

    /// Returns when the vault has been open since the last call.
    pub(super) async fn posted(&self) {
        self.inner.posted.notified().await;
    }

    /// The user name of the only login let in, if one was set; else everybody is.
    pub(super) fn only_login(&self) -> Option<&str> {
        self.inner.login.as_ref().map(|login| login.user_name.as_str())
    }

    pub(super) fn find(&self, order_id: &str) -> Option<Order> {
        let (mut vault, now_ms) = self.vault();
        vault.book.find(Key::Id(order_id), now_ms).ok().cloned()
    }

    /// The newest orders, newest first, and how many there are.
    pub(super) fn newest(&self, most: usize) -> (Vec<Order>, usize) {
        let (mut vault, now_ms) = self.vault();
        let orders = vault.book.orders(now_ms);
        (orders.iter().rev().take(most).cloned().collect(), orders.len())
    }

    /// The oldest order that no virtual buyer has visited.
    pub(super) fn visit(&self) -> Option<Order> {
        let (mut vault, now_ms) = self.vault();
        vault.book.visit(now_ms).cloned()
    }

    /// Returns when an order has been registered since the last call.
    pub(super) async fn registered(&self) {
        self.inner.registered.notified().await;
    }

    /// The vault, and the moment it was opened. A panic elsewhere leaves at worst a half-written line, so poison is
    /// ignored.
    pub(super) fn vault(&self) -> (MutexGuard<'_, Vault>, i64) {
        let vault = self.peek();
        self.inner.posted.notify_one();
        (vault, self.now_ms())
    }

    /// The vault without the courier's bell: for the courier.
    fn peek(&self) -> MutexGuard<'_, Vault> {
        self.inner.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_buyer_after_another_moves_orders_through_the_handle() {
        let bank = Bank::new(&Settings::default());
        let id = bank.register(Registration::new("shop", "A-1", 900)).unwrap().order_id;
        assert_eq!(bank.register(Registration::new("shop", "A-0", 0)).unwrap_err(), errors::AMOUNT_WRONG);
        let paid = bank.pay(&id).unwrap();
        assert_eq!((paid.status, paid.deposits, paid.deposited_minor), (2, 1, 900));
        assert_eq!(bank.decline(&id).unwrap_err(), errors::WRONG_STATE);
        assert_eq!(bank.walk_away("nobody").unwrap_err(), errors::UNKNOWN_ORDER);
        assert_eq!(bank.orders(), [paid]);
    }
}
