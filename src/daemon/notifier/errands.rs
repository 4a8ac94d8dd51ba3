//! What a person asks for at the command line: that an endpoint is brought back, tested, or told again.

use std::sync::Arc;

use tokio::task::JoinError;

use crate::delivery::Message;
use crate::domain::delivery::Delivery;
use crate::domain::time::Timestamp;
use crate::store::{Replay, StoreError};

use super::{Broken, Notifier, PAGE, tell_store_error};

impl Notifier {
    /// Reads what is wished, and sees to it.
    pub(super) async fn look_at_wishes(&mut self) -> Result<(), StoreError> {
        let wishes = self.shared.store.wishes(self.key).await?;
        let now = self.shared.clock().now();
        match (self.is_disabled, wishes.disabled) {
            (true, None) if self.under_way.is_empty() => self.bring_back(now),
            (false, Some(_)) => self.is_disabled = true,
            _ => {}
        }
        // What was written down last may be of a replay that is done since.
        if self.replay.is_none() && !self.shelf.has_replayed() {
            self.replay = wishes.replay;
        }
        if let Some(test) = wishes.test.filter(|_| self.test.is_none()) {
            self.begin_test(test, now);
        }
        Ok(())
    }

    fn bring_back(&mut self, now: Timestamp) {
        let (merchant, name) = (&self.merchant, &self.config.name);
        tracing::info!(%merchant, endpoint = %name, "Endpoint {name} of {merchant} is brought back; it goes on where it stood");
        self.is_disabled = false;
        self.backlog.begin_anew(now);
        self.shelf.all_changed(&self.backlog);
    }

    /// Tells a test beside everything else, to an endpoint that is disabled too.
    fn begin_test(&mut self, test: i64, now: Timestamp) {
        self.test = Some(test);
        let (messenger, store) = (Arc::clone(&self.messenger), self.shared.store.clone());
        self.testing.spawn(async move {
            let outcome = messenger.tell(&Message::of_test(test, now), now).await;
            store.settle_test(test, outcome.verdict, outcome.words).await
        });
    }

    pub(super) fn tested(&mut self, tested: Result<Result<(), StoreError>, JoinError>) -> Result<(), Broken> {
        self.test = None;
        if let Err(error) = tested? {
            tell_store_error(&self.shared, &error);
        }
        Ok(())
    }

    /// Takes up what is to be told again, into half of the room there is: what happens now is told beside it. Whether
    /// there is more of it.
    pub(super) async fn fill_again(&mut self) -> Result<bool, StoreError> {
        let Some(replay) = self.replay.clone() else { return Ok(false) };
        let room = u32::try_from(self.backlog.room() / 2).unwrap_or(u32::MAX).min(PAGE);
        if room == 0 {
            return Ok(false);
        }
        let next = if replay.given_up_only {
            self.fill_given_up(&replay, room).await?
        } else {
            self.fill_past(&replay, room).await?
        };
        self.shelf.replayed(replay.id, next);
        self.replay = next.map(|next| Replay { next, ..replay });
        Ok(self.replay.is_some())
    }

    /// Where to go on, if there is more.
    async fn fill_given_up(&mut self, replay: &Replay, room: u32) -> Result<Option<i64>, StoreError> {
        let (limit, now) = (room as usize, self.shared.clock().now());
        let found = self.shared.store.given_up_between(self.key, (replay.next, replay.to), limit, now).await?;
        let next = found.last().filter(|_| found.len() == limit).map(|last| last.seq.saturating_add(1));
        for delivery in found.into_iter().filter(|found| replay.number.as_ref().is_none_or(|of| *of == found.number)) {
            self.shelf.has_row(delivery.seq);
            self.admit(delivery, None);
        }
        Ok(next)
    }

    async fn fill_past(&mut self, replay: &Replay, room: u32) -> Result<Option<i64>, StoreError> {
        let page = self.shared.store.events_page(self.asked_of_journal(replay.next.saturating_sub(1), room)).await?;
        let now = self.shared.clock().now();
        let is_over = page.is_end || page.next >= replay.to;
        for event in page.events.into_iter().filter(|event| event.seq <= replay.to) {
            let is_meant = replay.number.as_ref().is_none_or(|of| *of == event.number);
            if is_meant && self.config.filter.takes(&event) {
                // It may have been given up, and have a row of that time.
                self.shelf.has_row(event.seq);
                self.admit(Delivery::new(event.seq, event.number.clone(), now), Some(event));
            }
        }
        Ok((!is_over).then(|| page.next.saturating_add(1)))
    }
}
