//! Changing an order: load, decide, write, in one transaction.

use std::fmt;
use std::time::Duration;

use crate::domain::acts::Act;
use crate::domain::answer::KeptAnswer;
use crate::domain::claim::Reply;
use crate::domain::completion;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::guard::{Held, NewStop, Standing};
use crate::domain::journey;
use crate::domain::operation::{NewOperation, Operation, OperationState};
use crate::domain::order::{Order, OrderKey, State};
use crate::domain::review::ReviewError;
use crate::domain::review::proposal::{Decision, Proposal};
use crate::domain::time::Timestamp;

use super::claims::{self, ClaimId};
use super::connection::Connection;
use super::loaded::{self, Loaded};
use super::meta::{self, Meta};
use super::quarantine::{self, Told};
use super::witness::Witness;
use super::{OrderWithOperation, Store, StoreError, answers, events, idle, money, orders, proposals, rows, standing};

/// How long a completion waits that would be sent and may not, because money is frozen: only a person lifts that, with
/// the daemon stopped.
const FROZEN_WAIT: Duration = Duration::from_secs(60);

/// What is tried again within this keeps its place: passed on whenever the clock is in doubt or the bank is silent, it
/// would wake everything that waits.
const TRIED_AGAIN_SOON: Duration = Duration::from_secs(60);

/// What a decision wants written. Rows and events are of one order and go into one transaction.
#[derive(Debug)]
pub struct Amendment<T> {
    /// The order's row, when it changes.
    pub order: Option<Order>,
    /// What becomes of its operation.
    pub operation: OperationChange,
    /// What the journal says of it.
    pub events: Vec<NewEvent>,
    /// The brake, when the change trips it.
    pub brake: Option<NewStop>,
    /// The bank's whole answer, to be kept beside the order where it says anything new.
    pub answer: Option<KeptAnswer>,
    /// What whoever asked for it with a key of its own is told, then and ever after.
    pub reply: Option<Replying>,
    /// What the caller hears once all of it is on disk.
    pub value: T,
}

/// The reply to a request that has a key, which is kept with what the request changes: whatever becomes of the process
/// then, who sends it again hears the reply, and nothing is changed twice.
pub struct Replying {
    claim: ClaimId,
    make: Box<dyn FnOnce(&OrderWithOperation) -> Reply + Send>,
}

impl Replying {
    /// Of the request that holds `claim`; `make` is handed the order as it stands afterwards.
    pub fn new(claim: ClaimId, make: impl FnOnce(&OrderWithOperation) -> Reply + Send + 'static) -> Self {
        Self { claim, make: Box::new(make) }
    }

    fn keep(self, connection: &Connection, key: OrderKey) -> Result<(), StoreError> {
        let Loaded { order, operation, .. } = loaded::load(connection, key)?;
        claims::put_reply(connection, self.claim, &(self.make)(&OrderWithOperation { order, operation }))
    }
}

impl fmt::Debug for Replying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replying").field("claim", &self.claim).finish_non_exhaustive()
    }
}

/// What becomes of an order's operation.
#[derive(Debug)]
pub enum OperationChange {
    /// It stays, or there is none.
    None,
    /// One is opened.
    Open(NewOperation),
    /// The open one changes.
    Update(Operation),
}

impl OperationChange {
    /// What an act makes of the order's operation: it changes the open one, or opens one.
    fn of(changed: Option<Operation>, opens: Option<NewOperation>) -> Self {
        let opened = || opens.map_or(Self::None, Self::Open);
        changed.map_or_else(opened, Self::Update)
    }
}

impl<T> Amendment<T> {
    /// Nothing is written.
    pub const fn nothing(value: T) -> Self {
        Self {
            order: None,
            operation: OperationChange::None,
            events: Vec::new(),
            brake: None,
            answer: None,
            reply: None,
            value,
        }
    }
}

impl Amendment<Option<NewEvent>> {
    /// A change that is one event in the journal, which the caller hears of once it is on disk.
    pub fn of_event(order: Option<Order>, operation: OperationChange, event: NewEvent) -> Self {
        Self { order, operation, events: vec![event.clone()], ..Self::nothing(Some(event)) }
    }
}

impl<E> Amendment<Result<(), E>> {
    /// What a person's act wants written; a refused one writes nothing.
    pub fn of_act(act: Result<Act, E>) -> Self {
        match act {
            Ok(act) => Self {
                order: Some(act.order),
                operation: OperationChange::of(act.operation, act.opens),
                events: vec![act.event],
                ..Self::nothing(Ok(()))
            },
            Err(refused) => Self::nothing(Err(refused)),
        }
    }
}

impl Amendment<Result<Decision, ReviewError>> {
    /// What a person's word about a review wants written, and what waits for a second person afterwards; a refused one
    /// writes nothing.
    pub fn of_decision(
        decided: Result<Decision, ReviewError>,
        standing: Option<&Proposal>,
    ) -> (Self, Option<Proposal>) {
        match decided {
            Ok(decision) => {
                let act = decision.act.clone();
                let (operation, opens) = act.as_ref().map_or((None, None), |act| (act.operation.clone(), act.opens));
                let amendment = Self {
                    order: act.map(|act| act.order),
                    operation: OperationChange::of(operation, opens),
                    events: vec![decision.event.clone()],
                    ..Self::nothing(Ok(decision.clone()))
                };
                (amendment, decision.proposal)
            }
            Err(refused) => (Self::nothing(Err(refused)), standing.cloned()),
        }
    }
}

/// What came of a change.
enum Outcome<T> {
    Written {
        value: T,
        is_news: bool,
    },
    /// The rows were not what this program had written: they are in review now.
    Altered(Option<Told>),
    /// It would have sent money, and that is frozen.
    Frozen(String),
}

impl Store {
    /// Notes what speaks against the host's clock, or that nothing does any more, for whoever writes beside the daemon.
    pub async fn note_clock_doubt(&self, doubt: Option<String>) -> Result<(), StoreError> {
        let note = move |connection: &Connection| match &doubt {
            Some(doubt) => Ok(meta::set(connection, Meta::ClockDoubt, doubt)?),
            None => Ok(meta::remove(connection, Meta::ClockDoubt)?),
        };
        self.writer.write(note).await
    }

    /// Hands the order and its open operation to `decide`, writes what comes back, and returns its value once that is
    /// on disk. `decide` runs on the writer's thread, so it must be pure and quick. Rows that were altered are not
    /// handed to anybody: they go to review.
    pub async fn amend<T, F>(&self, key: OrderKey, now: Timestamp, decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Order, Option<&Operation>) -> Amendment<T> + Send + 'static,
    {
        self.change(key, now, move |_, order, open| Ok(decide(order, open))).await
    }

    /// As [`Self::amend`], for a decision that may begin a send: `decide` is also handed how the money stands, as read
    /// in this very transaction. There is one writer, so of two sends for which there is room for one, one is held.
    pub async fn amend_guarded<T, F>(&self, key: OrderKey, now: Timestamp, decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Order, Option<&Operation>, &Standing) -> Amendment<T> + Send + 'static,
    {
        let decide = move |connection: &Connection, order: &Order, open: Option<&Operation>| {
            let standing = money::standing(connection, order, open.map(|open| open.key), now)?;
            Ok(decide(order, open, &standing))
        };
        self.change(key, now, decide).await
    }

    /// As [`Self::amend`], with the order's proposal beside it: `decide` says as well what of it stands afterwards.
    pub async fn amend_review<T, F>(&self, key: OrderKey, now: Timestamp, decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Order, Option<&Operation>, Option<&Proposal>) -> (Amendment<T>, Option<Proposal>) + Send + 'static,
    {
        let decide = move |connection: &Connection, order: &Order, open: Option<&Operation>| {
            let standing = proposals::load(connection, key)?;
            let (amendment, afterwards) = decide(order, open, standing.as_ref());
            if afterwards != standing {
                proposals::put(connection, key, afterwards.as_ref())?;
            }
            Ok(amendment)
        };
        self.change(key, now, decide).await
    }

    async fn change<T, F>(&self, key: OrderKey, now: Timestamp, decide: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Order, Option<&Operation>) -> Result<Amendment<T>, StoreError> + Send + 'static,
    {
        let (instance, witness) = (self.instance.clone(), self.witness.clone());
        // What room is left is for what money depends on.
        let keeps_answers = !self.disk_is_full();
        let outcome = self
            .writer
            .write(move |connection| {
                let Loaded { order, operation, altered } = loaded::load(connection, key)?;
                if altered.is_some() {
                    return Ok(Outcome::Altered(quarantine::quarantine(connection, key, now)?));
                }
                let open = operation.filter(|operation| operation.state.is_open());
                let amendment = decide(connection, &order, open.as_ref())?;
                let mut amendment = refuse_taken_id(connection, &order, open.as_ref(), amendment, now)?;
                if let Some(answer) = amendment.answer.take().filter(|_| keeps_answers) {
                    answers::put(connection, key, &answer, now)?;
                }
                let replying = amendment.reply.take();
                let outcome = write(connection, &order, now, open.as_ref(), amendment, &instance, witness.as_ref())?;
                if let (Outcome::Written { .. }, Some(replying)) = (&outcome, replying) {
                    replying.keep(connection, key)?;
                }
                Ok(outcome)
            })
            .await?;
        match outcome {
            Outcome::Written { value, is_news } => {
                // A look that found nothing new makes nothing due for anybody else.
                if is_news {
                    self.ring();
                }
                Ok(value)
            }
            Outcome::Altered(told) => {
                told.iter().for_each(quarantine::tell);
                self.ring();
                Err(StoreError::Altered)
            }
            Outcome::Frozen(why) => Err(StoreError::MoneyFrozen(why)),
        }
    }
}

/// Whether a person's act makes a hold's hours count from now: by a clock that is behind, it would be completed too
/// early.
fn counts_hours<T>(amendment: &Amendment<T>) -> bool {
    let is_persons = |event: &NewEvent| matches!(event.kind, EventKind::ReviewResolved | EventKind::Released);
    amendment.order.as_ref().is_some_and(|order| order.state == State::Held) && amendment.events.iter().any(is_persons)
}

fn write<T>(
    connection: &Connection,
    order: &Order,
    now: Timestamp,
    open: Option<&Operation>,
    amendment: Amendment<T>,
    instance: &str,
    witness: Option<&Witness>,
) -> Result<Outcome<T>, StoreError> {
    let key = order.key;
    if counts_hours(&amendment)
        && let Some(doubt) = meta::get(connection, Meta::ClockDoubt)?
    {
        return Err(StoreError::ClockInDoubt(doubt));
    }
    let sends = sends(open, &amendment.operation);
    let frozen = if sends { standing::frozen_or_failed(connection, witness) } else { None };
    let amendment = match &frozen {
        Some(why) => held_back(open, amendment, why, now),
        None => amendment,
    };
    let mut is_news = !amendment.events.is_empty() || makes_due(order, open, &amendment, now);
    match &amendment.operation {
        OperationChange::None => {}
        OperationChange::Open(new) => rows::insert_operation(connection, key, *new, instance)?,
        OperationChange::Update(operation) => {
            if sends && frozen.is_none() {
                rows::number_send(connection, operation.key, standing::next_number(connection)?)?;
            }
            match open {
                Some(before) if idle::is_an_ask_alone(before, operation) => {
                    idle::note_ask(connection, operation, instance)?;
                }
                _ => rows::update_operation(connection, operation, instance, now)?,
            }
            standing::note_witnessed(connection, witness)?;
            let was_in_doubt = open.is_some_and(|open| open.state == OperationState::InDoubt);
            let is_known = was_in_doubt && operation.state != OperationState::InDoubt;
            if is_known || (gives_up_its_place(open, operation, now) && money::may_move(connection, &order.merchant)?) {
                is_news |= money::make_room(connection, &order.merchant, now)?;
            }
        }
    }
    match &amendment.order {
        None => {}
        Some(after) if idle::is_a_look_alone(order, after) => idle::note_look(connection, after)?,
        Some(after) => rows::update_order(connection, after)?,
    }
    events::append(connection, key, now, &amendment.events)?;
    if let Some(stop) = &amendment.brake {
        money::trip_brake(connection, stop, now)?;
    }
    Ok(match frozen {
        Some(why) => Outcome::Frozen(why),
        None => Outcome::Written { value: amendment.value, is_news },
    })
}

/// Whether a look or a step is due by a change that was planned for later before: whoever waits for it sleeps until
/// then. Such a change need not be an event, as where what failed for the weather is due again.
fn makes_due<T>(order: &Order, open: Option<&Operation>, amendment: &Amendment<T>, now: Timestamp) -> bool {
    let is_sooner = |before: Option<Timestamp>, after: Option<Timestamp>| {
        after.is_some_and(|after| after <= now && before.is_none_or(|before| after < before))
    };
    let look = amendment.order.as_ref().is_some_and(|after| is_sooner(order.next_look_at, after.next_look_at));
    let step = match &amendment.operation {
        OperationChange::Update(after) => is_sooner(open.map(|open| open.next_step_at), Some(after.next_step_at)),
        OperationChange::None | OperationChange::Open(_) => false,
    };
    look || step
}

/// Whether a change is the intent of a send: one attempt more than there was.
fn sends(open: Option<&Operation>, change: &OperationChange) -> bool {
    let OperationChange::Update(operation) = change else { return false };
    open.is_none_or(|open| operation.attempt > open.attempt)
}

/// Whether an operation that waited for room, and may have been woken to take it, does not take it after all: it is at
/// its end, or something else is in its way for longer than a try. Each that waits does so once, so this ends.
fn gives_up_its_place(open: Option<&Operation>, after: &Operation, now: Timestamp) -> bool {
    let waited = open.is_some_and(Operation::waits_for_room);
    let goes_on_trying = after.state.is_open() && after.next_step_at <= now.plus(TRIED_AGAIN_SOON);
    waited && after.state != OperationState::InDoubt && !after.waits_for_room() && !goes_on_trying
}

/// A change without its send: what the read told stays, and the operation is asked about again later.
fn held_back<T>(open: Option<&Operation>, amendment: Amendment<T>, why: &str, now: Timestamp) -> Amendment<T> {
    let operation = open.map_or(OperationChange::None, |open| {
        OperationChange::Update(Operation {
            next_step_at: now.plus(FROZEN_WAIT),
            note: Some(Held::Frozen(why.to_owned()).to_string()),
            ..open.clone()
        })
    });
    let events = amendment.events.into_iter().filter(|event| !is_sent(event.kind)).collect();
    Amendment { operation, events, ..amendment }
}

const fn is_sent(kind: EventKind) -> bool {
    matches!(kind, EventKind::CompletionSent | EventKind::ReversalSent | EventKind::RefundSent | EventKind::DeclineSent)
}

/// Two orders cannot have one gateway id: an answer that says so is a contradiction, and nothing else of it is
/// believed.
fn refuse_taken_id<T>(
    connection: &Connection,
    before: &Order,
    open: Option<&Operation>,
    amendment: Amendment<T>,
    now: Timestamp,
) -> Result<Amendment<T>, StoreError> {
    let Some(after) = amendment.order.as_ref().filter(|after| after.order_id != before.order_id) else {
        return Ok(amendment);
    };
    let owner = after.order_id.as_ref().map(|id| orders::owner_of(connection, &before.merchant, id)).transpose()?;
    match owner.flatten() {
        None => Ok(amendment),
        Some(by) => {
            let (mut order, event) = journey::order_id_taken(before, after, &by, now);
            let mut events: Vec<NewEvent> = event.into_iter().collect();
            // Left as it was, the operation would be due at once, and again after the same answer, for ever.
            let operation = open.map_or(OperationChange::None, |open| {
                let (operation, event) = completion::order_id_taken(&mut order, open, now);
                events.extend(event);
                OperationChange::Update(operation)
            });
            Ok(Amendment { order: Some(order), operation, events, answer: None, ..amendment })
        }
    }
}
