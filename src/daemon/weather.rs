//! The forecaster: tells when a bank tells nothing any more, and when it does again. One incident, not one per order.
//!
//! The breaker itself is the gateway's ([`crate::gateway::Sky`]). Orders whose looks failed right before it opened
//! failed for the weather as well, so they are due again as if nothing had been asked; what fails after that is not
//! written down at all.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::bank::StatusAnswer;
use crate::domain::operation::Operation;
use crate::domain::order::{Order, OrderKey};
use crate::domain::time::{Timestamp, in_words};
use crate::domain::weather::{self, Weather};
use crate::gateway::Incident;
use crate::store::{Amendment, OperationChange, StoreError};

use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, told_to_stop};

/// Suspects kept at most, the latest: the breaker opens for fewer.
const SUSPECTS_MAX: usize = 64;

/// Looks that failed for what may turn out to be the weather.
#[derive(Debug, Default)]
pub(super) struct Suspects(Mutex<VecDeque<Suspect>>);

#[derive(Clone, Copy, Debug)]
struct Suspect {
    key: OrderKey,
    /// When the answer was heard, or a little later.
    heard: Instant,
    /// The moment with which it was written down.
    written_at: Timestamp,
}

impl Suspects {
    fn push(&self, suspect: Suspect) {
        let mut all = self.all();
        if all.len() >= SUSPECTS_MAX {
            all.pop_front();
        }
        all.push_back(suspect);
    }

    /// Those heard since then. Answers are written down in another order than they are heard in, so it is their times
    /// that count, and not what was written between them.
    fn take_since(&self, since: Instant) -> Vec<Suspect> {
        self.all().drain(..).filter(|suspect| suspect.heard >= since).collect()
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Suspect>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `answer` is the weather, which stands told already: then nothing is written down about the order, and it
/// stays due.
pub(super) fn holds_nothing_against_it(desk: &Desk, answer: &StatusAnswer) -> bool {
    desk.gateway.sky().is_open() && Weather::of_status(answer).is_some_and(Weather::is_no_orders_fault)
}

/// An answer about an order was `heard`, and written down with `written_at`.
pub(super) async fn note(desk: &Desk, key: OrderKey, answer: Option<Weather>, heard: Instant, written_at: Timestamp) {
    if !answer.is_some_and(Weather::is_no_orders_fault) {
        return;
    }
    desk.suspects.push(Suspect { key, heard, written_at });
    // It opened while this was being written, and the forecaster may have been here already.
    if let Some(incident) = desk.gateway.sky().incident() {
        spare(desk, &incident).await;
    }
}

/// Works until told to stop.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let at_least_every = desk.shared.setting.rhythm.watch;
    let heart = desk.shared.progress.heart(format!("forecaster of {}", desk.merchant), at_least_every + HEART_LIMIT);
    let mut told: Option<Incident> = None;
    forget_the_last(&desk).await;
    loop {
        heart.beat();
        let turned = desk.gateway.sky().turned();
        let present = desk.gateway.sky().incident();
        if present != told {
            if let Some(over) = told.take() {
                clears(&desk, &over).await;
            }
            if let Some(incident) = &present {
                darkens(&desk, incident).await;
            }
            write_down(&desk, present.as_ref()).await;
            told = present;
        }
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            () = turned => {}
            () = tokio::time::sleep(at_least_every) => {}
        }
    }
    if told.is_some() {
        write_down(&desk, None).await;
    }
}

/// What an earlier process wrote down this one knows nothing of.
async fn forget_the_last(desk: &Desk) {
    match desk.shared.store.incidents().await {
        Ok(found) if found.iter().any(|incident| incident.merchant == desk.merchant) => write_down(desk, None).await,
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, merchant = %desk.merchant, "Cannot read what the weather was at the bank of {}", desk.merchant);
            desk.shared.metrics.store_error("forecaster");
        }
    }
}

async fn darkens(desk: &Desk, incident: &Incident) {
    let (merchant, class, words) = (&desk.merchant, incident.class.as_str(), &incident.words);
    let matter = incident.class.in_words();
    tracing::warn!(%merchant, class, "The bank tells {merchant} nothing any more: {matter} ({words}). Nothing is asked but a probe now and then; what is due stays due");
    spare(desk, incident).await;
}

async fn clears(desk: &Desk, over: &Incident) {
    let (merchant, class) = (&desk.merchant, over.class.as_str());
    let now = desk.shared.clock().now();
    let lasted = now.since(over.since);
    let seconds = lasted.as_secs();
    match desk.shared.store.figures(merchant, now, &[]).await {
        Ok(figures) => {
            let (looks, sends) = (figures.overdue_looks.count, figures.overdue_completions.count);
            tracing::info!(%merchant, class, seconds, looks, sends, "The bank answers {merchant} again, after {}; {looks} looks and {sends} sends or deadlines have waited", in_words(lasted));
        }
        Err(error) => {
            tracing::info!(%error, %merchant, class, seconds, "The bank answers {merchant} again, after {}; how much has waited cannot be read", in_words(lasted));
            desk.shared.metrics.store_error("forecaster");
        }
    }
}

/// For `status` and the page; the breaker does not rest on it.
async fn write_down(desk: &Desk, incident: Option<&Incident>) {
    let noted = incident.map(|incident| (incident.since, incident.class, incident.words.clone()));
    if let Err(error) = desk.shared.store.note_weather(&desk.merchant, noted).await {
        tracing::warn!(%error, merchant = %desk.merchant, "Cannot write down what the weather is at the bank of {}", desk.merchant);
        desk.shared.metrics.store_error("forecaster");
    }
}

/// Makes due again what failed right before the breaker opened.
async fn spare(desk: &Desk, incident: &Incident) {
    // An order may have been asked about more than once before it grew dark.
    let mut spared: Vec<(Suspect, u32)> = Vec::new();
    for suspect in desk.suspects.take_since(incident.failing_since) {
        match spared.iter_mut().find(|(known, _)| known.key == suspect.key) {
            Some((known, times)) => (*known, *times) = (suspect, *times + 1),
            None => spared.push((suspect, 1)),
        }
    }
    for (suspect, times) in spared {
        match spare_one(desk, suspect, times).await {
            Ok(true) => {}
            // A later answer about it is about to be noted, and both are taken back then.
            Ok(false) => (0..times).for_each(|_| desk.suspects.push(suspect)),
            Err(error) => {
                tracing::error!(%error, merchant = %desk.merchant, "Cannot make a look due that failed for the weather; it is tried after its while");
                desk.shared.metrics.store_error("forecaster");
                tokio::time::sleep(AFTER_STORE_ERROR).await;
            }
        }
    }
}

/// Whether it was that answer which was heard last.
async fn spare_one(desk: &Desk, suspect: Suspect, times: u32) -> Result<bool, StoreError> {
    let Suspect { key, written_at, .. } = suspect;
    let now = desk.shared.clock().now();
    let decide = move |order: &Order, open: Option<&Operation>| {
        let Some((order, operation)) = weather::spared(order, open, times, written_at, now) else {
            return Amendment::nothing(false);
        };
        let operation = operation.map_or(OperationChange::None, OperationChange::Update);
        Amendment { order: Some(order), operation, ..Amendment::nothing(true) }
    };
    desk.shared.store.amend(key, now, decide).await
}
