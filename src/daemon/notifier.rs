//! The notifier: tells one endpoint of the shop's what the journal says, at least once, each order's events in order.
//!
//! The journal is the queue. The endpoint's place in it, and the few events beside it that were not taken, stand in the
//! database; what came of many tries is written down at once, so a crash tells some events again, under the same id, and
//! loses none. Every endpoint has a notifier of its own, so one that is dead slows no other. What is told when is decided
//! by [`Backlog`]; [`shelf`] keeps what is to be written down, and [`errands`] does what a person asks for.

mod errands;
mod shelf;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use crate::api;
use crate::config::WebhookConfig;
use crate::delivery::{Message, Messenger};
use crate::domain::delivery::{Backlog, Delivery, Outcome, Settled, UNTRIED_MAX};
use crate::domain::event::Event;
use crate::domain::order::MerchantId;
use crate::domain::time::{Timestamp, in_words};
use crate::store::{EndpointKey, EventFilter, Replay, StoreError};

use super::{AFTER_STORE_ERROR, HEART_LIMIT, Shared, told_to_stop};
use shelf::Shelf;

/// What came of many tries is written down together so often: a crash tells again what was told since.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);

/// The journal is read so often at most, however often it rings: under load it does with every commit.
const READ_EVERY: Duration = Duration::from_millis(20);

/// Events read from the journal at once.
const PAGE: u32 = 200;

/// Events kept at hand until it is their turn, as many as are read before what was read has gone: a page of the journal,
/// and one of what is told again. What waits for longer is read once more.
const AT_HAND_MAX: usize = 2 * PAGE as usize;

/// A stop waits so long for what is under way: what is cut off is told again after the next start.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// An endpoint, and whoever tells it.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) config: WebhookConfig,
    pub(super) messenger: Arc<Messenger>,
}

/// One endpoint's notifier at work.
struct Notifier {
    merchant: MerchantId,
    config: WebhookConfig,
    messenger: Arc<Messenger>,
    shared: Shared,
    key: EndpointKey,
    /// Up to where the journal was looked through.
    cursor: i64,
    backlog: Backlog,
    shelf: Shelf,
    /// When somebody was last there to try.
    there_at: Timestamp,
    /// Events at hand.
    at_hand: BTreeMap<i64, Event>,
    under_way: JoinSet<Told>,
    /// It wants no more.
    is_disabled: bool,
    /// What is being told again.
    replay: Option<Replay>,
    /// A test that is under way.
    test: Option<i64>,
    testing: JoinSet<Result<(), StoreError>>,
    /// When the journal is read next.
    read_at: Instant,
    /// When a person's wishes are read next.
    look_at: Instant,
}

/// What came of telling an event; no outcome where it could not be read.
struct Told {
    seq: i64,
    outcome: Result<Outcome, StoreError>,
}

/// Works until told to stop.
pub(super) async fn run(merchant: MerchantId, endpoint: Endpoint, shared: Shared, mut stop: watch::Receiver<bool>) {
    let name = format!("notifier of {merchant}/{}", endpoint.config.name);
    let heart = shared.progress.heart(name, HEART_LIMIT + FINISH_WITHIN);
    let mut notifier = loop {
        match Notifier::open(&merchant, &endpoint, &shared).await {
            Ok(notifier) => break notifier,
            Err(error) => tell_store_error(&shared, &error),
        }
        heart.beat();
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(AFTER_STORE_ERROR) => {}
        }
    };
    let mut bell = shared.store.journal_bell();
    loop {
        heart.beat();
        let wake = match notifier.step().await {
            Ok(wake) => wake,
            Err(error) => {
                tell_store_error(&shared, &error);
                notifier.rest();
                Instant::now() + AFTER_STORE_ERROR
            }
        };
        let settled = tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            Some(told) = notifier.under_way.join_next() => notifier.settle(told).await,
            Some(tested) = notifier.testing.join_next() => notifier.tested(tested),
            () = bell.changed() => { notifier.read_soon(); Ok(()) }
            () = sleep_until(wake) => Ok(()),
        };
        if let Err(Broken) = settled {
            return;
        }
    }
    notifier.finish().await;
}

/// A task ended otherwise than by its end, which none does: the daemon stops, and the next one tells it again.
struct Broken;

impl From<JoinError> for Broken {
    fn from(_: JoinError) -> Self {
        Self
    }
}

fn tell_store_error(shared: &Shared, error: &StoreError) {
    tracing::error!(%error, "The database does not take, or give, what the shop is to be told; it is told later");
    shared.metrics.store_error("notifier");
}

impl Notifier {
    async fn open(merchant: &MerchantId, endpoint: &Endpoint, shared: &Shared) -> Result<Self, StoreError> {
        let Endpoint { config, messenger } = endpoint;
        shared.metrics.start_endpoint_at_zero(merchant, &config.name);
        let state = shared.store.open_endpoint(merchant, &config.name, Messenger::place(config)).await?;
        let now = shared.clock().now();
        let mut shelf = Shelf::of(&state);
        let mut backlog = Backlog::of(state.waiting, state.down_since);
        // Nobody was there to try it: that time is not the endpoint's.
        if state.tried_at.is_none_or(|tried_at| now.since(tried_at) > UNTRIED_MAX) && !backlog.is_empty() {
            backlog.begin_anew(now);
            shelf.all_changed(&backlog);
        }
        Ok(Self {
            merchant: merchant.clone(),
            config: config.clone(),
            messenger: Arc::clone(messenger),
            shared: shared.clone(),
            key: state.key,
            cursor: state.cursor,
            backlog,
            shelf,
            there_at: now,
            at_hand: BTreeMap::new(),
            under_way: JoinSet::new(),
            is_disabled: state.disabled.is_some(),
            replay: None,
            test: None,
            testing: JoinSet::new(),
            read_at: Instant::now(),
            look_at: Instant::now(),
        })
    }

    /// Does what there is to do now, and says when there is more at the latest.
    async fn step(&mut self) -> Result<Instant, StoreError> {
        if Instant::now() >= self.look_at {
            self.look_at_wishes().await?;
            self.look_at = Instant::now() + self.look_every();
            self.read_at = self.read_at.min(Instant::now());
        }
        self.leave_out_a_gap(self.shared.clock().now());
        if !self.is_disabled {
            self.send();
            // Further ones are read once those that were read have gone: by ones and twos, as they go, the journal
            // would be read as often as there are events in it.
            if self.has_place() {
                self.fill().await?;
                self.send();
            }
        }
        if self.shelf.is_due(Instant::now()) {
            self.keep().await?;
        }
        Ok(self.wake())
    }

    /// A host that slept, and a clock that was set ahead, try nothing in that time, so it does not count against an
    /// event.
    fn leave_out_a_gap(&mut self, now: Timestamp) {
        let since = std::mem::replace(&mut self.there_at, now);
        if now.since(since) > UNTRIED_MAX && !self.backlog.is_empty() {
            self.backlog.begin_anew(now);
            self.shelf.all_changed(&self.backlog);
        }
    }

    fn wake(&self) -> Instant {
        let mut wake = self.look_at;
        if let Some(at) = self.shelf.due_at() {
            wake = wake.min(at);
        }
        if self.is_disabled || !self.has_place() {
            return wake;
        }
        if self.backlog.room() > 0 {
            wake = wake.min(self.read_at);
        }
        let now = self.shared.clock().now();
        self.backlog.next_due(now).map_or(wake, |due| wake.min(Instant::now() + due.since(now)))
    }

    fn has_place(&self) -> bool {
        self.under_way.len() < self.config.in_flight.get()
    }

    /// What another process writes rings no bell here: a person's wishes, and events that the command line adds.
    const fn look_every(&self) -> Duration {
        self.shared.setting.rhythm.vigil
    }

    fn read_soon(&mut self) {
        self.read_at = self.read_at.min(Instant::now() + READ_EVERY);
    }

    /// After an error nothing is read for a moment.
    fn rest(&mut self) {
        let later = Instant::now() + AFTER_STORE_ERROR;
        self.read_at = self.read_at.max(later);
        self.look_at = self.look_at.max(later);
        self.shelf.rest(later);
    }

    /// Looks through the journal for what this endpoint is told, as far as there is room beside its place in it.
    async fn fill(&mut self) -> Result<(), StoreError> {
        if Instant::now() < self.read_at || self.backlog.room() == 0 {
            return Ok(());
        }
        let has_more = self.fill_again().await?;
        let Ok(room) = u32::try_from(self.backlog.room()) else { return Ok(()) };
        if room == 0 {
            return Ok(());
        }
        let page = self.shared.store.events_page(self.asked_of_journal(self.cursor, room.min(PAGE))).await?;
        let now = self.shared.clock().now();
        for event in page.events {
            if self.config.filter.takes(&event) {
                self.admit(Delivery::new(event.seq, event.number.clone(), now), Some(event));
            }
        }
        if page.next > self.cursor {
            self.cursor = page.next;
            self.shelf.moved();
        }
        self.read_at = Instant::now() + if page.is_end && !has_more { self.look_every() } else { Duration::ZERO };
        Ok(())
    }

    fn asked_of_journal(&self, after: i64, limit: u32) -> EventFilter {
        EventFilter { after, limit, merchant: Some(self.merchant.clone()), kinds: self.config.filter.kinds.clone() }
    }

    fn admit(&mut self, delivery: Delivery, event: Option<Event>) {
        let seq = delivery.seq;
        self.backlog.admit(delivery);
        self.shelf.changed(seq);
        if self.at_hand.len() < AT_HAND_MAX {
            self.at_hand.extend(event.map(|event| (seq, event)));
        }
    }

    /// Sends whatever is due, as many at once as may be.
    fn send(&mut self) {
        while self.has_place() {
            let now = self.shared.clock().now();
            let Some(seq) = self.backlog.take(now) else { return };
            let (at_hand, store) = (self.at_hand.remove(&seq), self.shared.store.clone());
            let (messenger, clock) = (Arc::clone(&self.messenger), self.shared.clock().clone());
            self.shelf.tried(now);
            self.under_way.spawn(async move {
                let event = match at_hand {
                    Some(event) => Ok(Some(event)),
                    None => store.event(seq).await,
                };
                let outcome = match event {
                    Ok(Some(event)) => {
                        let message = Message::of_event(&event, &api::event_document(&event));
                        Ok(messenger.tell(&message, clock.now()).await)
                    }
                    Ok(None) => Err(StoreError::Unreadable { what: format!("no event {seq}") }),
                    Err(error) => Err(error),
                };
                Told { seq, outcome }
            });
        }
    }

    async fn settle(&mut self, told: Result<Told, JoinError>) -> Result<(), Broken> {
        let Told { seq, outcome } = told?;
        let now = self.shared.clock().now();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                tell_store_error(&self.shared, &error);
                self.backlog.put_back(seq, now.plus(AFTER_STORE_ERROR));
                return Ok(());
            }
        };
        self.shared.metrics.told(&self.merchant, &self.config.name, outcome.verdict);
        self.leave_out_a_gap(now);
        let was_down = self.backlog.down_since();
        let settled = self.backlog.settle(seq, &outcome, now, fastrand::u16(..));
        self.shelf.tried(now);
        match settled {
            Settled::Delivered => self.shelf.settled(seq),
            Settled::Again(at) => {
                self.shelf.changed(seq);
                self.tell_failure(seq, &outcome, at, now);
            }
            Settled::GivenUp(delivery) => self.give_up(delivery, now),
            Settled::Gone => {
                self.shelf.changed(seq);
                self.disable(&outcome, now).await;
            }
        }
        for delivery in self.backlog.give_up_on_the_dead(now) {
            self.give_up(delivery, now);
        }
        self.tell_turn(was_down, &outcome, now);
        Ok(())
    }

    /// An endpoint that answered 410 is told nothing more. Where that cannot be written down it is asked once more.
    async fn disable(&mut self, outcome: &Outcome, now: Timestamp) {
        let (merchant, name, words) = (&self.merchant, &self.config.name, &outcome.words);
        tracing::error!(%merchant, endpoint = %name, words, "Endpoint {name} of {merchant} wants no more ({words}): it is told nothing until `reconciled webhook enable`, or until it has another address");
        self.is_disabled = true;
        if let Err(error) = self.shared.store.disable_endpoint(self.key, words.clone(), now).await {
            tell_store_error(&self.shared, &error);
        }
    }

    fn give_up(&mut self, delivery: Delivery, now: Timestamp) {
        let (merchant, name, number) = (&self.merchant, &self.config.name, &delivery.number);
        let (seq, failures, words) =
            (delivery.seq, delivery.failures, delivery.words.as_deref().unwrap_or("never tried"));
        let waited = in_words(now.since(delivery.first_tried_at.unwrap_or(delivery.admitted_at)));
        tracing::error!(%merchant, endpoint = %name, order.number = %number, seq, failures, words, "Gave up on event {seq} of order {number} for endpoint {name} after {waited} ({words}); `reconciled webhook replay` tells it again");
        self.shelf.given_up(delivery);
    }

    /// The first failure of an event is told; further ones only repeat it.
    fn tell_failure(&self, seq: i64, outcome: &Outcome, again: Timestamp, now: Timestamp) {
        let Some(delivery) = self.backlog.get(seq).filter(|delivery| delivery.failures == 1) else { return };
        if self.backlog.down_since().is_some() {
            return;
        }
        let (merchant, name, number, words) = (&self.merchant, &self.config.name, &delivery.number, &outcome.words);
        let wait = in_words(again.since(now));
        tracing::warn!(%merchant, endpoint = %name, order.number = %number, seq, verdict = outcome.verdict.as_str(), words, "Endpoint {name} did not take event {seq} of order {number} ({words}); it is told again in {wait}");
    }

    /// Tells when the endpoint went away, and when it is there again.
    fn tell_turn(&mut self, was_down: Option<Timestamp>, outcome: &Outcome, now: Timestamp) {
        let (merchant, name, words) = (&self.merchant, &self.config.name, &outcome.words);
        match (was_down, self.backlog.down_since()) {
            (None, Some(_)) => {
                tracing::warn!(%merchant, endpoint = %name, verdict = outcome.verdict.as_str(), words, "Endpoint {name} of {merchant} takes nothing ({words}); one event at a time asks whether it does again, and the others wait");
            }
            (Some(since), None) => {
                let stood = in_words(now.since(since));
                tracing::info!(%merchant, endpoint = %name, "Endpoint {name} of {merchant} takes events again, after {stood}; what waited goes at once");
                // What waited has another time now.
                self.shelf.all_changed(&self.backlog);
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    /// Writes down what came of all that was told.
    async fn keep(&mut self) -> Result<(), StoreError> {
        let checkpoint = self.shelf.checkpoint(self.cursor, &self.backlog);
        self.shared.store.keep_checkpoint(self.key, checkpoint, self.shared.clock().now()).await?;
        self.shelf.kept(&self.backlog, Instant::now());
        Ok(())
    }

    /// Waits a moment for what is under way, and writes down what came of it.
    async fn finish(mut self) {
        let all = async {
            while let Some(told) = self.under_way.join_next().await {
                if self.settle(told).await.is_err() {
                    return;
                }
            }
        };
        // What is cut off is told again, under the same id.
        let _ = timeout(FINISH_WITHIN, all).await;
        if self.shelf.has_news()
            && let Err(error) = self.keep().await
        {
            tell_store_error(&self.shared, &error);
        }
    }
}
