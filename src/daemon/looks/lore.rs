//! What was learned of a merchant's orders, and what a look at each that is due is worth by it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::order::{Kind, Order, OrderKey, State};
use crate::domain::polling::{
    self, Almanac, Due, Found, History, Jitter, Lesson, LookPolicy, Merit, Outlook, Page, Pending, Plans, Price, Tariff,
};
use crate::domain::time::Timestamp;

/// What was learned of one merchant's orders, for whoever plans a look. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Lore {
    pub(super) policy: Arc<LookPolicy>,
    /// A std mutex: held to look something up or for some milliseconds to plan anew, never across an await.
    almanac: Arc<Mutex<Almanac>>,
}

/// What was learned that concerns one order.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    plans: Option<Arc<Plans>>,
    tariff: Tariff,
}

impl Learned {
    /// The outlook of a look just made.
    pub(crate) fn outlook(&self, jitter: Jitter) -> Outlook<'_> {
        match &self.plans {
            Some(plans) => Outlook::learned(plans, self.tariff, jitter),
            None => jitter.into(),
        }
    }
}

impl Lore {
    pub(crate) fn new(policy: LookPolicy, almanac: Almanac) -> Self {
        Self { policy: Arc::new(policy), almanac: Arc::new(Mutex::new(almanac)) }
    }

    /// Before anything was learned.
    pub(crate) fn of_nothing(policy: LookPolicy, now: Timestamp) -> Self {
        Self::new(policy, Almanac::new([History::new(now), History::new(now)], Price::default(), now))
    }

    /// What concerns an order with this payment page.
    pub(crate) fn of(&self, state: State, kind: Option<Kind>, page: Page) -> Learned {
        let mut almanac = self.lock();
        let tariff = almanac.tariff(&self.policy);
        Learned { plans: self.plans(&mut almanac, state, kind, page), tariff }
    }

    fn plans(&self, almanac: &mut Almanac, state: State, kind: Option<Kind>, page: Page) -> Option<Arc<Plans>> {
        let is_learned = state == State::Pending && self.policy.pending == Pending::Learned;
        is_learned.then(|| {
            let kind = kind.unwrap_or_else(|| almanac.usual());
            almanac.plans(kind, page.session())
        })
    }

    /// What concerns `order`.
    pub(crate) fn of_order(&self, order: &Order) -> Learned {
        self.of(order.state, order.kind, Page::of(&self.policy, order))
    }

    /// Takes in what a look has shown.
    pub(crate) fn learn(&self, kind: Option<Kind>, lesson: Lesson, now: Timestamp) {
        self.lock().learn(kind, lesson, now);
    }

    /// A callback about an order came at `at`.
    pub(crate) fn came(&self, order: OrderKey, at: Timestamp) {
        self.lock().callbacks().came(order, at);
    }

    /// A look that was asked at `asked_at` found this.
    pub(crate) fn looked(&self, order: OrderKey, found: Found, asked_at: Timestamp, now: Timestamp) {
        self.lock().callbacks().looked(order, found, asked_at, now);
    }

    /// When a pending order is to be looked at by what looks cost now, where that is sooner than it is planned.
    pub(crate) fn sooner(&self, due: &Due, now: Timestamp) -> Option<Timestamp> {
        let learned = self.of(due.state, due.kind, due.page);
        let open_at = due.believed_at(now).open_at.min(now);
        let planned = polling::next_pending(&self.policy, due.page, open_at, learned.outlook(Jitter::EVEN)).max(now);
        (due.state == State::Pending && planned < due.due_at).then_some(planned)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Almanac> {
        self.almanac.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of `due` that are worth their price, the most worthy last; and those that are not, with when they will be.
    pub(super) fn ranked(&self, due: Vec<Due>, now: Timestamp) -> Ranked {
        let mut ranked = Ranked::default();
        let mut almanac = self.lock();
        let tariff = almanac.tariff(&self.policy);
        // Neighbours are mostly alike: what was learned of the one concerns the other.
        let mut of_last = None;
        for due in due {
            let like = (due.state, due.kind, due.page.session());
            let plans = match of_last.take() {
                Some((known, plans)) if known == like => plans,
                _ => self.plans(&mut almanac, due.state, due.kind, due.page),
            };
            let (_, plans) = of_last.insert((like, plans));
            match polling::merit(&self.policy, &due, now, plans.as_deref(), tariff) {
                Merit::Worth(worth) => ranked.worthy.push((worth, due)),
                Merit::NotBefore(later, worth) => ranked.not_yet.push((due, later, worth)),
            }
        }
        drop(almanac);
        // Of those worth the same, the one that has been due longest.
        ranked.worthy.sort_unstable_by(|(one, by_one), (other, by_other)| {
            one.total_cmp(other).then_with(|| by_other.due_at.cmp(&by_one.due_at))
        });
        ranked
    }
}

/// What is due, told apart by whether it is worth its price.
#[derive(Debug, Default)]
pub(super) struct Ranked {
    pub(super) worthy: Vec<(f64, Due)>,
    /// When each is worth its price, and what it is worth now.
    pub(super) not_yet: Vec<(Due, Timestamp, f64)>,
}

impl Ranked {
    /// What the best is worth, where none is worth its price.
    pub(super) fn best_not_yet(&self) -> Option<f64> {
        let worths = self.not_yet.iter().map(|(.., worth)| *worth);
        self.worthy.is_empty().then(|| worths.max_by(f64::total_cmp)).flatten()
    }
}
