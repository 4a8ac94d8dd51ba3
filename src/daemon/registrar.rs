//! The registrar: sends what shops want registered, and finds out what became of it when an answer was lost.
//!
//! The API and the command line write the intent, and wait for the row to be settled; only this speaks to the bank. The
//! claim on a registration lives in memory: one that a crash cut short is in doubt, and asked about by its number.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::domain::order::Order;
use crate::domain::registration::Request;
use crate::domain::registration::journey::{self, Registration, RegistrationKey, State, Step};
use crate::domain::time::Timestamp;
use crate::domain::weather::Prober;
use crate::gateway::{Leaving, Permit, Purpose};
use crate::store::{Added, Moved, StoreError};

use super::merchant::Desk;
use super::peril::Peril;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, told_to_stop, weather};

/// Registrations claimed for each request in flight: the next is ready when a place comes free.
const CLAIMS_PER_PLACE: usize = 2;

/// How often documents that were kept long enough are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// While the bank tells nothing, it is looked no more often than this whether a probe is due.
const LEAST_IN_THE_DARK: Duration = Duration::from_millis(100);

/// Works until told to stop; then finishes what is in hand.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let heart = desk.shared.progress.heart(format!("registrar of {}", desk.merchant), HEART_LIMIT);
    let mut registrar = Registrar {
        claims_max: desk.registrations_max.saturating_mul(CLAIMS_PER_PLACE),
        claimed: HashSet::new(),
        steps: JoinSet::new(),
        next: None,
        stop: stop.clone(),
        desk,
    };
    let mut bell = registrar.desk.shared.store.registration_bell();
    let mut forgot: Option<Instant> = None;
    loop {
        heart.beat();
        if forgot.is_none_or(|forgot| forgot.elapsed() >= FORGET_EVERY) {
            forgot = Some(Instant::now());
            registrar.forget().await;
        }
        let freed = registrar.desk.gateway.sky().freed();
        let wait = registrar.claim_due().await;
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            Some(done) = registrar.steps.join_next() => registrar.release(done),
            () = bell.changed() => {}
            // The weather alone has changed, and no row.
            () = freed => continue,
            () = tokio::time::sleep(wait) => {}
        }
        registrar.next = None;
        while let Some(done) = registrar.steps.try_join_next() {
            registrar.release(done);
        }
    }
    while let Some(done) = registrar.steps.join_next().await {
        registrar.release(done);
    }
}

struct Registrar {
    desk: Desk,
    claims_max: usize,
    claimed: HashSet<RegistrationKey>,
    steps: JoinSet<RegistrationKey>,
    /// What was read of when the next is due, while nothing says that it may have changed.
    next: Option<Next>,
    stop: watch::Receiver<bool>,
}

/// When the next is due, where one is planned.
#[derive(Clone, Copy, Debug)]
struct Next(Option<Timestamp>);

impl Registrar {
    /// Claims what is due, as far as there is room, and says how long nothing else will be.
    async fn claim_due(&mut self) -> Duration {
        match self.try_claim_due().await {
            Ok(wait) => wait,
            Err(error) => {
                self.complain(&error, "Cannot read what is to be registered").await;
                AFTER_STORE_ERROR
            }
        }
    }

    async fn try_claim_due(&mut self) -> Result<Duration, StoreError> {
        let desk = self.desk.clone();
        let (store, now) = (&desk.shared.store, desk.shared.clock().now());
        // The index tells, and every bell asks: rows are read only when one of them is due.
        let next = match self.next {
            Some(Next(next)) => next,
            None => store.next_registration_at(&desk.merchant, now).await?,
        };
        self.next = Some(Next(next));
        if self.claimed.len() < self.claims_max && next.is_some_and(|at| at <= now) {
            // The claimed ones are due too, until their steps are written.
            let due = store.due_registrations(&desk.merchant, now, self.claims_max + self.claimed.len()).await?;
            for row in due {
                self.claim(row);
            }
        }
        Ok(self.until_due(next, now))
    }

    /// While the bank tells nothing, one is claimed when a probe is due, and the others stay due.
    fn claim(&mut self, row: Registration) {
        if self.claimed.len() >= self.claims_max || self.claimed.contains(&row.key) {
            return;
        }
        let Ok(leaving) = self.desk.gateway.sky().leave(Prober::Look) else { return };
        self.claimed.insert(row.key);
        self.steps.spawn(step(self.desk.clone(), row, leaving, self.stop.clone()));
    }

    /// How long nothing else is to be done, where the next is due at `next`.
    fn until_due(&self, next: Option<Timestamp>, now: Timestamp) -> Duration {
        let at_least_every = self.desk.shared.setting.rhythm.looks;
        match next {
            // Due, and the bank tells nothing: when it may be asked whether it does.
            Some(at) if at <= now && self.desk.gateway.sky().is_open() => {
                self.desk.gateway.sky().wait(Prober::Look).max(LEAST_IN_THE_DARK).min(at_least_every)
            }
            // Due and claimed already: its end wakes us.
            Some(at) if at <= now && !self.claimed.is_empty() => at_least_every,
            Some(at) => at.since(now).min(at_least_every),
            None => at_least_every,
        }
    }

    fn release(&mut self, done: Result<RegistrationKey, tokio::task::JoinError>) {
        match done {
            Ok(key) => {
                self.claimed.remove(&key);
            }
            Err(error) => {
                // Its claim stays until the next start: whether it was sent is known to nobody here, and of two tasks
                // with one registration the second would be one too many.
                tracing::error!(%error, merchant = %self.desk.merchant, "A registration broke off; it is asked about after a restart");
            }
        }
    }

    async fn forget(&self) {
        let before = self.desk.shared.clock().now().minus(self.desk.documents_kept);
        if let Err(error) = self.desk.shared.store.forget_documents(&self.desk.merchant, before).await {
            self.complain(&error, "Cannot take away the documents of old registrations").await;
        }
    }

    async fn complain(&self, error: &StoreError, words: &str) {
        tracing::error!(%error, merchant = %self.desk.merchant, "{words}");
        self.desk.shared.metrics.store_error("registrar");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
}

async fn step(desk: Desk, row: Registration, leaving: Leaving, mut stop: watch::Receiver<bool>) -> RegistrationKey {
    let key = row.key;
    let permit = tokio::select! {
        biased;
        () = told_to_stop(&mut stop) => return key,
        permit = desk.gateway.pacer().permit(Purpose::Register) => permit,
    };
    if let Err(error) = take_step(&desk, row, leaving, permit).await {
        tracing::error!(%error, merchant = %desk.merchant, "Cannot write down what became of a registration");
        desk.shared.metrics.store_error("registrar");
        tokio::time::sleep(AFTER_STORE_ERROR).await;
    }
    key
}

async fn take_step(desk: &Desk, row: Registration, leaving: Leaving, permit: Permit) -> Result<(), StoreError> {
    let sky = desk.gateway.sky();
    if !sky.still_lets(&leaving) {
        // It has grown dark while the permit was waited for: it stays due.
        return Ok(());
    }
    let now = desk.shared.clock().now();
    let request = journey::request_of(&row).map(Arc::new);
    match journey::next_step(&row, now) {
        Step::Nothing => Ok(()),
        // A send that cannot leave would use up an attempt, so the probe is a question, which changes nothing.
        Step::Send if leaving.is_probe() => {
            let _ = desk.gateway.find(&row.number, permit).await;
            Ok(())
        }
        Step::Ask => {
            if let Some(found) = in_queue(desk, &row).await? {
                return write(desk, &row, request, move |row| {
                    journey::found_queued(row, &found).unwrap_or(row.clone())
                })
                .await;
            }
            let answer = desk.gateway.find(&row.number, permit).await;
            desk.silence.note(&answer, sky);
            if weather::holds_nothing_against_it(desk, &answer) {
                return Ok(());
            }
            let now = desk.shared.clock().now();
            write(desk, &row, request, move |row| journey::after_look(row, &answer, now)).await
        }
        Step::Send => match request {
            None => write(desk, &row, None, journey::unreadable).await,
            Some(request) => send(desk, &row, request, permit).await,
        },
    }
}

/// Its order, where it has come into the queue with its gateway id by another way in the meantime.
async fn in_queue(desk: &Desk, row: &Registration) -> Result<Option<Order>, StoreError> {
    match desk.shared.store.order(&row.merchant, row.number.as_str()).await {
        Ok(found) => Ok(journey::found_queued(row, &found.order).map(|_| found.order)),
        Err(StoreError::NoSuchOrder { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// In doubt first, and on disk; then the bank hears of it.
async fn send(desk: &Desk, row: &Registration, request: Arc<Request>, permit: Permit) -> Result<(), StoreError> {
    let (store, now) = (&desk.shared.store, desk.shared.clock().now());
    let attempt = row.attempt;
    let begin = move |row: &Registration| {
        let is_the_same = row.state == State::Intended && row.attempt == attempt;
        is_the_same.then(|| Moved { registration: journey::begun(row, now), order: None })
    };
    let Some((begun, _)) = store.move_registration(row.key, now, begin).await? else { return Ok(()) };
    let perils = &desk.shared.setting.perils;
    perils.pass(Peril::RegistrationIntended).await;
    let answer = desk.gateway.register(&request, permit).await;
    perils.pass(Peril::RegistrationAnswered).await;
    let now = desk.shared.clock().now();
    write(desk, &begun, Some(request), move |row| journey::after_answer(row, &answer, now)).await
}

/// Writes what a step made of the row; a row that has moved on in the meantime is left alone.
async fn write<F>(desk: &Desk, row: &Registration, request: Option<Arc<Request>>, decide: F) -> Result<(), StoreError>
where
    F: FnOnce(&Registration) -> Registration + Send + 'static,
{
    let (now, seen) = (desk.shared.clock().now(), (row.state, row.attempt));
    let moving = move |row: &Registration| {
        let after = ((row.state, row.attempt) == seen).then(|| decide(row))?;
        let order = (after.state == State::Registered).then(|| journey::order_of(&after, request.as_deref()));
        Some(Moved { registration: after, order })
    };
    if let Some((after, added)) = desk.shared.store.move_registration(row.key, now, moving).await? {
        tell(desk, &after, row.stuck_since.is_none(), added.as_ref());
    }
    Ok(())
}

/// `was_well`: nobody had been called for it before.
fn tell(desk: &Desk, row: &Registration, was_well: bool, added: Option<&Added>) {
    let (merchant, number, state) = (&row.merchant, &row.number, row.state.as_str());
    let note = row.note.as_deref().unwrap_or("nothing to remark");
    match row.state {
        State::Registered => {
            desk.shared.metrics.registration_settled(merchant, row.state);
            tracing::info!(%merchant, order.number = %number, state, "Registered order {number}: {note}");
        }
        State::Refused => {
            desk.shared.metrics.registration_settled(merchant, row.state);
            tracing::warn!(%merchant, order.number = %number, state, "Order {number} is not registered: {note}");
        }
        State::Intended | State::InDoubt if was_well && row.stuck_since.is_some() => {
            tracing::error!(%merchant, order.number = %number, state, "Whether the bank has order {number} takes a person: {note}. See the bank's console, then `reconciled registration settle {number} --merchant {merchant}`");
        }
        State::Intended | State::InDoubt if row.unknown_in_a_row == journey::WORTH_A_WORD => {
            tracing::warn!(%merchant, order.number = %number, state, "Registration of order {number} does not come to an end: {note}");
        }
        State::Intended | State::InDoubt => {
            tracing::debug!(%merchant, order.number = %number, state, "Registration of order {number} goes on: {note}");
        }
    }
    match added {
        None | Some(Added::Exists) => {}
        Some(Added::New) => desk.shared.metrics.orders_added(merchant, 1),
        Some(Added::NewInReview) => {
            desk.shared.metrics.orders_added(merchant, 1);
            tracing::warn!(%merchant, order.number = %number, "Order {number} is registered, and in review: the witness has a send for it");
        }
        Some(Added::ExistsWithDifferentAmount { amount_minor }) => {
            tracing::error!(%merchant, order.number = %number, amount_minor, "Order {number} is registered, and the queue has another one of its number, with {amount_minor} minor units");
        }
        Some(Added::OrderIdTaken { by }) => {
            tracing::error!(%merchant, order.number = %number, by = %by, "Order {number} is registered, and the queue has its gateway id with order {by}");
        }
    }
}
