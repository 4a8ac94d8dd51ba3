//! The poller: asks what became of each order when its look is due, and writes down what came of it.
//!
//! Looks are idempotent, so the claim on an order lives in memory: a look that a crash cut short is simply due again.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::event::NewEvent;
use crate::domain::journey::{self, LookOutcome};
use crate::domain::order::{Kind, Order};
use crate::domain::polling::{
    Almanac, Due, Found, History, Jitter, Lesson, LookPolicy, Page, Pending, Price, Standing,
};
use crate::domain::time::Timestamp;
use crate::domain::timekeeping;
use crate::domain::weather::Weather;
use crate::gateway::{LoginGate, Permit, Told};
use crate::store::{Amendment, DueLook, Listener, StoreError};

use super::looks::{Bell, Book, Engine};
use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, callbacks, log, login, weather};

/// Works until told to stop; then finishes the looks that are in hand.
pub(super) async fn run(desk: Desk, stop: watch::Receiver<bool>) {
    let heart = desk.shared.progress.heart(format!("poller of {}", desk.merchant), HEART_LIMIT);
    let looking = Looking { desk: desk.clone(), stop: stop.clone() };
    let engine = Engine::new(looking, desk.lore.clone(), desk.gateway.sky().clone(), desk.shared.setting.rhythm.looks);
    let bell = LooksBell { bell: desk.shared.store.bell(), login: desk.gateway.login() };
    let is_open = || !desk.gateway.login().is_closed();
    recall(&desk).await;
    engine.run(desk.gateway.pacer(), bell, is_open, || heart.beat(), stop).await;
    remember(&desk).await;
}

/// The engine's orders are the database's, and the bank answers.
#[derive(Clone)]
struct Looking {
    desk: Desk,
    stop: watch::Receiver<bool>,
}

struct LooksBell<'a> {
    bell: Listener,
    login: &'a LoginGate,
}

impl Bell for LooksBell<'_> {
    async fn rings(&mut self) {
        tokio::select! {
            () = self.bell.changed() => {}
            () = self.login.reopened() => {}
        }
    }
}

impl Looking {
    async fn could_not_read(&self, error: &StoreError) {
        tracing::error!(%error, merchant = %self.desk.merchant, "Cannot read what is due");
        self.desk.shared.metrics.store_error("poller");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
}

impl Book for Looking {
    fn now(&self) -> Timestamp {
        self.desk.shared.clock().now()
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Option<Vec<Due>> {
        let looks = &self.desk.policy.looks;
        match self.desk.shared.store.due_briefly(&self.desk.merchant, now, limit).await {
            Ok(due) => Some(due.into_iter().map(|due| brief(looks, due)).collect()),
            Err(error) => {
                self.could_not_read(&error).await;
                None
            }
        }
    }

    async fn next_due(&self, after: Timestamp) -> Option<Timestamp> {
        match self.desk.shared.store.next_look_after(&self.desk.merchant, after).await {
            Ok(next) => next,
            Err(error) => {
                self.could_not_read(&error).await;
                None
            }
        }
    }

    async fn put_off(&self, looks: Vec<(Due, Timestamp)>) {
        let looks = looks.into_iter().map(|(due, later)| (due.key, due.due_at, later)).collect();
        if let Err(error) = self.desk.shared.store.plan_looks_anew(looks).await {
            self.could_not_read(&error).await;
        }
    }

    fn hear(&self) {
        callbacks::hear(&self.desk);
    }

    async fn turned(&self, before: Standing, after: Standing) {
        callbacks::turned(&self.desk, before, after).await;
    }

    async fn renewed(&self) {
        remember(&self.desk).await;
    }

    async fn look(&self, due: Due, permit: Permit) {
        if *self.stop.borrow() {
            return;
        }
        match self.desk.shared.store.due_look(due.key, self.now()).await {
            Ok(Some(order)) => look(&self.desk, order, permit).await,
            // Looked at by somebody else meanwhile, or taken up by the completer.
            Ok(None) => {}
            Err(error) => self.could_not_read(&error).await,
        }
    }
}

pub(super) fn brief(looks: &LookPolicy, due: DueLook) -> Due {
    let closes_at = due.expires_at.unwrap_or_else(|| due.created_at.plus(looks.payment_time));
    Due {
        key: due.key,
        state: due.state,
        kind: due.kind,
        page: Page { opened_at: due.created_at, closes_at },
        open_at: due.told_at.unwrap_or(due.created_at),
        due_at: due.due_at,
        is_hinted: due.is_hinted,
    }
}

async fn look(desk: &Desk, order: Order, permit: Permit) {
    // Refused, or grown dark, while this look waited for its turn: it stays due.
    if desk.gateway.login().is_closed() || desk.gateway.sky().is_still() {
        return;
    }
    let asked_at = desk.shared.clock().now();
    let told = desk.gateway.status(&order, permit).await;
    login::note(desk).await;
    desk.silence.note(&told.answer, desk.gateway.sky());
    if weather::holds_nothing_against_it(desk, &told.answer) {
        return;
    }
    if let Err(error) = write_down(desk, &order, told, asked_at).await {
        tracing::error!(%error, merchant = %desk.merchant, order.number = %order.number, "Cannot write down a look at order {}", order.number);
        desk.shared.metrics.store_error("poller");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
}

async fn write_down(desk: &Desk, order: &Order, told: Told, asked_at: Timestamp) -> Result<(), StoreError> {
    let Told { answer, whole } = told;
    let (now, heard, class) = (desk.shared.clock().now(), Instant::now(), Weather::of_status(&answer));
    let moment = whole.as_ref().and_then(|whole| whole.answer.dates.of_payment());
    let (policy, jitter) = (Arc::clone(&desk.policy), Jitter::new(fastrand::u16(..)));
    let learned = desk.lore.of_order(order);
    let doubt = desk.shared.timekeeper.may_send(&desk.merchant).err();
    let decide = move |order: &Order, open: Option<&_>| {
        // While an operation is open its owner is the completer, and this answer is older than what it knows.
        if open.is_some() {
            return Amendment::nothing(None);
        }
        let outlook = learned.outlook(jitter);
        let mut looked = journey::after_look(order, &answer, &policy, now, outlook);
        if let Some(hidden) = timekeeping::first_seen_in_doubt(order.state, looked.order.state, doubt) {
            looked = journey::after_look(order, &hidden, &policy, now, outlook);
        }
        let lesson = Lesson::of(&policy.looks, order, looked.order.state, moment, now);
        let found = Found::of(&policy.looks, order, looked.order.state, moment, now);
        let told = Some((looked.outcome, looked.events.clone(), lesson, found));
        let answer = whole.and_then(|whole| whole.kept).filter(|_| looked.order.saw_at(now));
        Amendment { order: Some(looked.order), events: looked.events, answer, ..Amendment::nothing(told) }
    };
    let written = desk.shared.store.amend_after_look(order.key, asked_at, now, decide).await?;
    if let Some((outcome, events, lesson, found)) = written {
        desk.shared.metrics.look(&desk.merchant, outcome);
        tell(order, outcome, &events);
        if let Some((kind, lesson)) = lesson {
            desk.lore.learn(kind, lesson, now);
        }
        if class.is_some_and(Weather::tells_something) {
            callbacks::hear(desk);
            desk.lore.looked(order.key, found, asked_at, now);
        }
        weather::note(desk, order.key, class, heard, now).await;
    }
    Ok(())
}

/// Takes up what was learned before the last stop.
async fn recall(desk: &Desk) {
    let callbacks = callbacks::recall(desk).await;
    if desk.policy.looks.pending == Pending::Learned {
        recall_ages(desk).await;
    }
    *desk.lore.lock().callbacks() = callbacks;
}

async fn recall_ages(desk: &Desk) {
    let (store, now) = (&desk.shared.store, desk.shared.clock().now());
    let mut histories = [History::new(now), History::new(now)];
    let mut price = Price::default();
    for (history, kind) in histories.iter_mut().zip(Kind::ALL) {
        match store.almanac(&desk.merchant, kind).await {
            Ok(Some(kept)) => (*history, price) = kept,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, merchant = %desk.merchant, "Cannot read what was learned about outcomes; it is learned again");
                desk.shared.metrics.store_error("poller");
            }
        }
    }
    *desk.lore.lock() = Almanac::new(histories, price, now);
}

/// Writes down what was learned, so that a restart does not begin anew. Lost, it is learned again.
async fn remember(desk: &Desk) {
    callbacks::remember(desk).await;
    if desk.policy.looks.pending != Pending::Learned {
        return;
    }
    let (histories, price) = {
        let almanac = desk.lore.lock();
        (almanac.histories().map(Clone::clone), almanac.price())
    };
    for (history, kind) in histories.iter().zip(Kind::ALL) {
        if let Err(error) = desk.shared.store.keep_almanac(&desk.merchant, kind, history, price).await {
            tracing::warn!(%error, merchant = %desk.merchant, "Cannot write down what was learned about outcomes");
            desk.shared.metrics.store_error("poller");
        }
    }
}

fn tell(order: &Order, outcome: LookOutcome, events: &[NewEvent]) {
    if events.is_empty() {
        tracing::debug!(merchant = %order.merchant, order.number = %order.number, outcome = outcome.as_str(), "Looked at order {}", order.number);
    }
    for event in events {
        log::event(order, event);
    }
}
