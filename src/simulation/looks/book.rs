//! The engine's orders, in memory; and a bank that answers at once, or is out.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::run::Policy;
use super::workload::{Outcome, Workload};
use crate::clock::Clock;
use crate::daemon::looks::{Bell, Book, Lore};
use crate::daemon::{Permit, Sky};
use crate::domain::order::{Kind, OrderKey, State};
use crate::domain::polling::{self, Due, Found, Jitter, Lesson, LookPolicy, Page, Standing};
use crate::domain::time::Timestamp;
use crate::domain::weather::Weather;
use crate::store::HINTED_LOOKS_EVERY;

/// How long the bank takes to answer.
const ANSWERS_WITHIN: Duration = Duration::from_millis(80);

/// How long an answer is waited for that does not come.
const GIVES_UP_AFTER: Duration = Duration::from_secs(10);

/// A workload's orders in the queue, and what was noticed of them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Books {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    /// The workload's second 0.
    start: Timestamp,
    workload: Arc<Workload>,
    policy: Policy,
    looks: LookPolicy,
    lore: Lore,
    sky: Sky,
    /// Milliseconds of the workload in which nobody answers.
    outage: Option<(i64, i64)>,
    changed: watch::Sender<()>,
    /// A std mutex: held to change a row, never across an await.
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    queue: BTreeSet<(i64, usize)>,
    orders: Vec<Row>,
    random: fastrand::Rng,
    noticed: Noticed,
}

#[derive(Clone, Copy)]
struct Row {
    due_ms: i64,
    open_ms: i64,
    looks: usize,
    /// A callback came that no look has answered.
    is_hinted: bool,
}

/// What was noticed.
#[derive(Clone, Debug, Default)]
pub(super) struct Noticed {
    /// From each outcome to its notice, in milliseconds.
    pub(super) delays_ms: Vec<i64>,
    /// When each was noticed, in milliseconds of the workload.
    pub(super) known_at: Vec<i64>,
    /// When each request was sent, in milliseconds of the workload.
    pub(super) asked_ms: Vec<i64>,
    /// What callbacks were taken for, and since when, in milliseconds of the workload.
    pub(super) turns: Vec<(i64, Standing)>,
}

impl Books {
    pub(super) fn new(
        workload: Arc<Workload>,
        policy: Policy,
        looks: LookPolicy,
        (lore, sky): (Lore, Sky),
        (clock, start): (Clock, Timestamp),
        outage: Option<(i64, i64)>,
    ) -> Self {
        let rows = Mutex::new(Rows { random: fastrand::Rng::with_seed(1), ..Rows::default() });
        let changed = watch::Sender::new(());
        Self { shared: Arc::new(Shared { clock, start, workload, policy, looks, lore, sky, outage, changed, rows }) }
    }

    /// Rings when an order has come, or was planned anew.
    pub(super) fn bell(&self) -> ChangedBell {
        ChangedBell(self.shared.changed.subscribe())
    }

    /// Takes the next order into the queue, as the shop hands it over.
    pub(super) fn take(&self, nth: usize) {
        let shared = &self.shared;
        let Some(case) = shared.workload.cases().get(nth) else { return };
        let mut rows = self.lock();
        let first = self.next(nth, case.registered_ms, 0, &mut rows.random);
        let row = Row { due_ms: first.unwrap_or(i64::MAX), open_ms: case.registered_ms, looks: 0, is_hinted: false };
        rows.orders.push(row);
        if first.is_some() {
            rows.queue.insert((row.due_ms, nth));
        }
        drop(rows);
        shared.changed.send_replace(());
    }

    /// The bank tells that something became of an order.
    pub(super) fn tell(&self, nth: usize) {
        let now_ms = self.now_ms();
        let mut rows = self.lock();
        let Some(row) = rows.orders.get_mut(nth) else { return };
        self.shared.lore.came(key(nth), self.shared.clock.now());
        if row.due_ms == i64::MAX {
            return;
        }
        row.is_hinted = true;
        let heard_ms = if row.looks > 0 { row.open_ms } else { i64::MIN };
        let soonest = heard_ms.saturating_add(i64::try_from(HINTED_LOOKS_EVERY.as_millis()).unwrap_or(i64::MAX));
        let due_ms = row.due_ms.min(now_ms.max(soonest));
        self.plan(&mut rows, nth, Some(due_ms));
    }

    /// What was noticed so far.
    pub(super) fn noticed(&self) -> Noticed {
        let rows = self.lock();
        rows.noticed.clone()
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.shared.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        self.shared.clock.now().as_millis() - self.shared.start.as_millis()
    }

    fn at(&self, ms: i64) -> Timestamp {
        Timestamp::from_millis(self.shared.start.as_millis() + ms)
    }

    fn page(&self, nth: usize) -> Option<Page> {
        let case = self.shared.workload.cases().get(nth)?;
        Some(Page { opened_at: self.at(case.registered_ms), closes_at: self.at(case.expires_ms) })
    }

    fn brief(&self, nth: usize, row: &Row, page: Page, due_ms: i64) -> Due {
        Due {
            key: key(nth),
            state: State::Pending,
            kind: Some(Kind::OnePhase),
            page,
            open_at: self.at(row.open_ms),
            due_at: self.at(due_ms),
            is_hinted: row.is_hinted,
        }
    }

    /// When an order is looked at next that was found open at `now_ms`.
    fn next(&self, nth: usize, now_ms: i64, looks: usize, random: &mut fastrand::Rng) -> Option<i64> {
        let (shared, now) = (&self.shared, self.at(now_ms));
        let page = self.page(nth)?;
        match &shared.policy {
            Policy::Learned => {
                let learned = shared.lore.of(State::Pending, Some(Kind::OnePhase), page);
                let jitter = Jitter::new(random.u16(..));
                let next = polling::next_pending(&shared.looks, page, now, learned.outlook(jitter));
                Some(next.as_millis() - shared.start.as_millis())
            }
            Policy::Schedule(schedule) => {
                let wait = schedule.wait(looks, now.since(page.opened_at))?;
                Some(now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
            }
        }
    }

    /// Nobody answers: asked again later, as any unknown answer has it.
    fn unanswered(&self, nth: usize) {
        let now_ms = self.now_ms();
        let mut rows = self.lock();
        let wait = rows.random.i64(4_500..5_500);
        self.plan(&mut rows, nth, Some(now_ms + wait));
    }

    fn answered(&self, nth: usize, asked_ms: i64) {
        let Some(case) = self.shared.workload.cases().get(nth) else { return };
        let now_ms = self.now_ms();
        let mut rows = self.lock();
        let rows = &mut *rows;
        let Some(row) = rows.orders.get_mut(nth) else { return };
        row.looks += 1;
        row.is_hinted = false;
        let found = match (now_ms >= case.outcome_ms, case.outcome) {
            (false, _) => Found::Nothing,
            (true, Outcome::Expired) => Found::Uncounted,
            (true, outcome) => Found::Outcome { is_paid: outcome == Outcome::Paid, after: self.at(case.outcome_ms) },
        };
        self.shared.lore.looked(key(nth), found, self.at(asked_ms), self.at(now_ms));
        if now_ms >= case.outcome_ms {
            rows.noticed.delays_ms.push(now_ms - case.outcome_ms);
            rows.noticed.known_at.push(now_ms);
            let open_ms = row.open_ms;
            self.plan(rows, nth, None);
            self.learn(nth, open_ms, now_ms);
            return;
        }
        let open_ms = std::mem::replace(&mut row.open_ms, now_ms);
        let looks = row.looks;
        if let Some(page) = self.page(nth) {
            let now = self.at(now_ms);
            self.shared.lore.learn(Some(Kind::OnePhase), Lesson::open(page, self.at(open_ms), now), now);
        }
        let mut random = rows.random.clone();
        let next = self.next(nth, now_ms, looks, &mut random);
        rows.random = random;
        self.plan(rows, nth, next);
    }

    fn learn(&self, nth: usize, open_ms: i64, now_ms: i64) {
        let (Some(case), Some(page)) = (self.shared.workload.cases().get(nth), self.page(nth)) else { return };
        let (open_at, now) = (self.at(open_ms), self.at(now_ms));
        let lesson = match case.outcome {
            // The bank's answer has the time of the payment.
            Outcome::Paid => Lesson::at(page, open_at, self.at(case.outcome_ms)),
            Outcome::Declined => Lesson::between(page, open_at, now),
            Outcome::Expired => Lesson::closed(page, open_at, now),
        };
        self.shared.lore.learn(Some(Kind::OnePhase), lesson, now);
    }

    fn plan(&self, rows: &mut Rows, nth: usize, next: Option<i64>) {
        let Some(row) = rows.orders.get_mut(nth) else { return };
        rows.queue.remove(&(row.due_ms, nth));
        row.due_ms = next.unwrap_or(i64::MAX);
        if let Some(at) = next {
            rows.queue.insert((at, nth));
        }
        self.shared.changed.send_replace(());
    }
}

fn key(nth: usize) -> OrderKey {
    OrderKey(i64::try_from(nth).unwrap_or(i64::MAX))
}

impl Book for Books {
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Option<Vec<Due>> {
        let until_ms = now.as_millis() - self.shared.start.as_millis();
        let rows = self.lock();
        let due = rows.queue.iter().take_while(|(at, _)| *at <= until_ms).take(limit);
        let due = due.filter_map(|(at, nth)| Some(self.brief(*nth, rows.orders.get(*nth)?, self.page(*nth)?, *at)));
        Some(due.collect())
    }

    async fn next_due(&self, after: Timestamp) -> Option<Timestamp> {
        let after_ms = after.as_millis() - self.shared.start.as_millis();
        self.lock().queue.range((after_ms + 1, 0)..).next().map(|(at, _)| self.at(*at))
    }

    async fn put_off(&self, looks: Vec<(Due, Timestamp)>) {
        let mut rows = self.lock();
        for (due, later) in looks {
            let Ok(nth) = usize::try_from(due.key.0) else { continue };
            self.plan(&mut rows, nth, Some(later.as_millis() - self.shared.start.as_millis()));
        }
    }

    fn hear(&self) {}

    async fn turned(&self, _: Standing, after: Standing) {
        let (now_ms, now) = (self.now_ms(), self.shared.clock.now());
        let mut rows = self.lock();
        rows.noticed.turns.push((now_ms, after));
        if after == Standing::Trusted {
            return;
        }
        for (due_ms, nth) in rows.queue.clone() {
            let (Some(row), Some(page)) = (rows.orders.get(nth), self.page(nth)) else { continue };
            let due = self.brief(nth, row, page, due_ms);
            if let Some(at) = self.shared.lore.sooner(&due, now) {
                self.plan(&mut rows, nth, Some(at.as_millis() - self.shared.start.as_millis()));
            }
        }
    }

    async fn renewed(&self) {}

    async fn look(&self, due: Due, permit: Permit) {
        let Ok(nth) = usize::try_from(due.key.0) else { return };
        if self.shared.sky.is_still() {
            return;
        }
        let (asked, asked_ms) = (Instant::now(), self.now_ms());
        self.lock().noticed.asked_ms.push(asked_ms);
        let is_out = self.shared.outage.is_some_and(|(from, to)| (from..to).contains(&asked_ms));
        tokio::time::sleep(if is_out { GIVES_UP_AFTER } else { ANSWERS_WITHIN }).await;
        drop(permit);
        let weather = if is_out { Weather::Slow } else { Weather::Known };
        self.shared.sky.heard(Some(weather), || "no answer in time".to_owned(), asked, self.now());
        match is_out {
            false => self.answered(nth, asked_ms),
            // It stays due.
            true if self.shared.sky.is_open() => {}
            true => self.unanswered(nth),
        }
    }
}

/// Rings when the queue has changed.
pub(super) struct ChangedBell(watch::Receiver<()>);

impl Bell for ChangedBell {
    async fn rings(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
