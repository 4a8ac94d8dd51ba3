//! The poller: asks what became of each order when its look is due, and writes down what came of it.
//!
//! Looks are idempotent, so the claim on an order lives in memory: a look that a crash cut short is simply due again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::domain::event::NewEvent;
use crate::domain::journey::{self, LookOutcome};
use crate::domain::order::{Order, OrderKey};
use crate::domain::polling::Jitter;
use crate::domain::time::Timestamp;
use crate::domain::timekeeping;
use crate::gateway::{Purpose, Told};
use crate::progress::Heart;
use crate::store::{Amendment, StoreError};

use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, log, login, told_to_stop};

/// Orders claimed for each one in flight: the next is ready when a place comes free.
const CLAIMS_PER_PLACE: usize = 2;

/// Works until told to stop; then finishes the looks that are in hand.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let mut poller = Poller {
        claims_max: desk.looks_max.saturating_mul(CLAIMS_PER_PLACE),
        heart: desk.shared.progress.heart(format!("poller of {}", desk.merchant), HEART_LIMIT),
        claimed: HashSet::new(),
        looks: JoinSet::new(),
        stop: stop.clone(),
        desk,
    };
    let mut bell = poller.desk.shared.store.bell();
    loop {
        poller.heart.beat();
        poller.claim_due().await;
        let wait = poller.until_next_due().await;
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            Some(done) = poller.looks.join_next() => poller.release(done),
            () = bell.changed() => {}
            () = poller.desk.gateway.login().reopened() => {}
            () = tokio::time::sleep(wait) => {}
        }
        poller.release_finished();
    }
    while let Some(done) = poller.looks.join_next().await {
        poller.release(done);
    }
}

struct Poller {
    desk: Desk,
    claims_max: usize,
    heart: Heart,
    claimed: HashSet<OrderKey>,
    looks: JoinSet<OrderKey>,
    stop: watch::Receiver<bool>,
}

impl Poller {
    /// Claims what is due, as far as there is room, and sets a look at it going.
    async fn claim_due(&mut self) {
        // Half at a time, so that one reading of the database serves several looks.
        if self.claimed.len() > self.claims_max / 2 || self.desk.gateway.login().is_closed() {
            return;
        }
        let (store, now) = (&self.desk.shared.store, self.desk.shared.clock().now());
        // The claimed ones are due too, until their looks are written.
        match store.due_looks(&self.desk.merchant, now, self.claims_max + self.claimed.len()).await {
            Ok(due) => due.into_iter().for_each(|due| self.claim(due.order)),
            Err(error) => self.could_not_read(&error).await,
        }
    }

    fn claim(&mut self, order: Order) {
        if self.claimed.len() < self.claims_max && self.claimed.insert(order.key) {
            self.looks.spawn(look(self.desk.clone(), order, self.stop.clone()));
        }
    }

    /// How long nothing is due. While all places are claimed, only a finished look makes room.
    async fn until_next_due(&self) -> Duration {
        let at_least_every = self.desk.shared.setting.rhythm.looks;
        if self.claimed.len() > self.claims_max / 2 || self.desk.gateway.login().is_closed() {
            return at_least_every;
        }
        let now = self.desk.shared.clock().now();
        match self.desk.shared.store.next_look_at(&self.desk.merchant).await {
            // Due and claimed already: its end wakes us.
            Ok(Some(at)) if at <= now && !self.claimed.is_empty() => at_least_every,
            Ok(Some(at)) => at.since(now).min(at_least_every),
            Ok(None) => at_least_every,
            Err(_) => AFTER_STORE_ERROR,
        }
    }

    fn release_finished(&mut self) {
        while let Some(done) = self.looks.try_join_next() {
            self.release(done);
        }
    }

    fn release(&mut self, done: Result<OrderKey, tokio::task::JoinError>) {
        match done {
            Ok(key) => {
                self.claimed.remove(&key);
            }
            Err(error) => {
                tracing::error!(%error, "A look broke off; its order is due again");
                // Which one it was is not known any more: those still in hand are merely looked at once more.
                self.claimed.clear();
            }
        }
    }

    async fn could_not_read(&self, error: &StoreError) {
        tracing::error!(%error, merchant = %self.desk.merchant, "Cannot read what is due");
        self.desk.shared.metrics.store_error("poller");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
}

async fn look(desk: Desk, order: Order, mut stop: watch::Receiver<bool>) -> OrderKey {
    let key = order.key;
    let permit = tokio::select! {
        biased;
        () = told_to_stop(&mut stop) => return key,
        permit = desk.gateway.pacer().permit(Purpose::Look) => permit,
    };
    // Refused while this look waited for its turn: it stays due.
    if desk.gateway.login().is_closed() {
        return key;
    }
    let asked_at = desk.shared.clock().now();
    let told = desk.gateway.status(&order, permit).await;
    login::note(&desk).await;
    desk.silence.note(&told.answer);
    if let Err(error) = write_down(&desk, &order, told, asked_at).await {
        tracing::error!(%error, merchant = %desk.merchant, order.number = %order.number, "Cannot write down a look at order {}", order.number);
        desk.shared.metrics.store_error("poller");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
    key
}

async fn write_down(desk: &Desk, order: &Order, told: Told, asked_at: Timestamp) -> Result<(), StoreError> {
    let Told { answer, whole } = told;
    let now = desk.shared.clock().now();
    let (policy, jitter) = (Arc::clone(&desk.policy), Jitter::new(fastrand::u16(..)));
    let doubt = desk.shared.timekeeper.may_send(&desk.merchant).err();
    let decide = move |order: &Order, open: Option<&_>| {
        // While an operation is open its owner is the completer, and this answer is older than what it knows.
        if open.is_some() {
            return Amendment::nothing(None);
        }
        let mut looked = journey::after_look(order, &answer, &policy, now, jitter);
        if let Some(hidden) = timekeeping::first_seen_in_doubt(order.state, looked.order.state, doubt) {
            looked = journey::after_look(order, &hidden, &policy, now, jitter);
        }
        let told = Some((looked.outcome, looked.events.clone()));
        let answer = whole.and_then(|whole| whole.kept).filter(|_| looked.order.saw_at(now));
        Amendment { order: Some(looked.order), events: looked.events, answer, ..Amendment::nothing(told) }
    };
    if let Some((outcome, events)) = desk.shared.store.amend_after_look(order.key, asked_at, now, decide).await? {
        desk.shared.metrics.look(&desk.merchant, outcome);
        tell(order, outcome, &events);
    }
    Ok(())
}

fn tell(order: &Order, outcome: LookOutcome, events: &[NewEvent]) {
    if events.is_empty() {
        tracing::debug!(merchant = %order.merchant, order.number = %order.number, outcome = outcome.as_str(), "Looked at order {}", order.number);
    }
    for event in events {
        log::event(order, event);
    }
}
