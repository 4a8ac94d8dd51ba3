//! The kill switch's rows, and what the guard asks before a send.
//!
//! The same queries serve a reader, which spares the bank a question, and the writer's transaction, which decides:
//! there they are exact, since nobody else writes meanwhile.

use rusqlite::{Row, params};

use crate::domain::booked::{Booked, Entry};
use crate::domain::event::{Cause, EventKind, NewEvent};
use crate::domain::guard::{self, Lifting, NewStop, Scope, Standing, Stop, StopKey};
use crate::domain::money::Currency;
use crate::domain::operation::OperationKey;
use crate::domain::order::{MerchantId, Order, OrderKey, OrderNumber};
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::{Store, StoreError, events, rows};

/// What became of a stop that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// It is in force from now on.
    Stopped,
    /// One was in force before, and still is.
    StoppedBefore(Stop),
}

/// What became of a start that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Starting {
    /// This stop is lifted.
    Lifted(Stop),
    /// None of this scope was in force.
    NotStopped,
}

/// How a merchant's money stands against the guard's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyFigures {
    /// Operations in doubt.
    pub in_doubt: u64,
    /// What was sent in the last 24 hours; a currency in which nothing was is missing here.
    pub last_day: Vec<LastDay>,
}

/// What was sent in the last 24 hours in one currency, in minor units: two sums, each within the limit by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDay {
    /// In which.
    pub currency: Currency,
    /// To be taken, by completions.
    pub sent_minor: i64,
    /// To be given back, by refunds.
    pub refunded_minor: i64,
}

impl MoneyFigures {
    /// As [`Self::last_day`], with `own` in it even when nothing was sent.
    pub fn last_day_or_zero(&self, own: Currency) -> Vec<LastDay> {
        let mut days = self.last_day.clone();
        if !days.iter().any(|day| day.currency == own) {
            days.insert(0, LastDay { currency: own, sent_minor: 0, refunded_minor: 0 });
        }
        days
    }

    /// The sum that is nearest to its limit, whichever way it moves.
    pub fn largest_minor(&self) -> i64 {
        self.last_day.iter().map(|day| day.sent_minor.max(day.refunded_minor)).max().unwrap_or(0)
    }
}

// The guard asks these before every send, so none of them may walk over all stops or all operations: a test reads their
// plans.

/// Three look-ups. Asked with OR, SQLite walks over every stop in force.
pub(super) const STOPS_OF_ORDER: &str = "SELECT found.*, orders.order_number FROM (
        SELECT 1 AS width, * FROM money_stops
            WHERE lifted_at_ms IS NULL AND scope = 'all' AND coalesce(merchant, '') = '' AND coalesce(order_key, 0) = 0
        UNION ALL
        SELECT 2, * FROM money_stops
            WHERE lifted_at_ms IS NULL AND scope = 'merchant' AND coalesce(merchant, '') = ?1
                AND coalesce(order_key, 0) = 0
        UNION ALL
        SELECT 3, * FROM money_stops
            WHERE lifted_at_ms IS NULL AND scope = 'order' AND coalesce(merchant, '') = ?1
                AND coalesce(order_key, 0) = ?2
     ) AS found LEFT JOIN orders ON orders.id = found.order_key ORDER BY found.width";

pub(super) const IN_DOUBT: &str =
    "SELECT count(*) FROM operations WHERE merchant = ?1 AND state = 'in_doubt' AND id <> ?2";

/// What is taken and what is given back are two sums, each within the limit by itself: a busy day must not keep buyers
/// from their money, and no flood of refunds may use up the room of completions.
///
/// Everything that was sent but what is proven not to have been: that is intended again, or withdrawn. What the bank
/// refused counts too, since a refusal is only the bank's word.
macro_rules! sent_in_a_day {
    ($kind:literal) => {
        concat!(
            "FROM operations CROSS JOIN orders ON orders.id = operations.order_key
         WHERE operations.merchant = ?1 AND operations.sent_at_ms > ?2 AND operations.kind ",
            $kind,
            "
            AND operations.state NOT IN ('intended', 'withdrawn')"
        )
    };
}

pub(super) const SENT_IN_A_DAY: &str = concat!(
    "SELECT coalesce(sum(operations.expected_minor), 0) ",
    sent_in_a_day!("= coalesce((SELECT kind FROM operations WHERE id = ?4 AND kind = 'refund'), 'completion')"),
    " AND orders.currency = ?3 AND operations.id <> ?4"
);

const SENT_BY_CURRENCY: &str = concat!(
    "SELECT orders.currency, coalesce(sum(operations.expected_minor) FILTER (WHERE operations.kind = 'completion'), 0),
        coalesce(sum(operations.expected_minor) FILTER (WHERE operations.kind = 'refund'), 0) ",
    sent_in_a_day!("IN ('completion', 'refund')"),
    " GROUP BY orders.currency ORDER BY orders.currency"
);

impl Store {
    /// Stops the money of `scope`; a stop that is in force already stays as it is. An order's stop is an event of its
    /// journal.
    pub async fn stop_money(
        &self,
        scope: Scope,
        cause: Cause,
        reason: String,
        now: Timestamp,
    ) -> Result<Stopping, StoreError> {
        let stopping = self
            .writer
            .write(move |connection| {
                if let Some(present) = stop_of(connection, &scope)? {
                    return Ok(Stopping::StoppedBefore(present));
                }
                tell_journal(connection, &scope, EventKind::MoneyStopped, &cause, &reason, now)?;
                insert_stop(connection, &NewStop { scope, by: cause.to_text(), reason, tripped_by: None }, now)?;
                Ok(Stopping::Stopped)
            })
            .await;
        self.ring();
        stopping
    }

    /// Lifts the stop of `scope`, and makes what was held back by it due at once.
    pub async fn start_money(
        &self,
        scope: Scope,
        cause: Cause,
        reason: String,
        now: Timestamp,
    ) -> Result<Starting, StoreError> {
        let starting = self
            .writer
            .write(move |connection| {
                let Some(present) = stop_of(connection, &scope)? else {
                    return Ok(Starting::NotStopped);
                };
                lift(connection, present.key, &cause.to_text(), &reason, now)?;
                tell_journal(connection, &scope, EventKind::MoneyStarted, &cause, &reason, now)?;
                make_due(connection, &scope, now)?;
                Ok(Starting::Lifted(present))
            })
            .await;
        self.ring();
        starting
    }

    /// Every stop in force, the widest first, then the oldest.
    pub async fn money_stops(&self) -> Result<Vec<Stop>, StoreError> {
        self.readers
            .read(|connection| {
                let sql = "SELECT money_stops.*, orders.order_number
                     FROM money_stops LEFT JOIN orders ON orders.id = money_stops.order_key
                     WHERE lifted_at_ms IS NULL ORDER BY scope = 'all' DESC, scope = 'merchant' DESC, money_stops.id";
                select_stops(connection, sql, [])
            })
            .await
    }

    /// Every stop in force, and every one written after row `after`, lifted or not: so that one of a moment is told
    /// too. Without `after` those in force alone. With it comes the latest row there is.
    pub async fn money_stops_since(&self, after: Option<StopKey>) -> Result<(Vec<Stop>, StopKey), StoreError> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT money_stops.*, orders.order_number
                     FROM money_stops LEFT JOIN orders ON orders.id = money_stops.order_key
                     WHERE lifted_at_ms IS NULL OR money_stops.id > ?1 ORDER BY money_stops.id";
                let stops = select_stops(connection, sql, [after.map_or(i64::MAX, |key| key.0)])?;
                let latest = connection
                    .prepare_cached("SELECT coalesce(max(id), 0) FROM money_stops")?
                    .query_row([], |row| row.get(0))?;
                Ok((stops, StopKey(latest)))
            })
            .await
    }

    /// A stop by its row, lifted or not.
    pub async fn money_stop(&self, key: StopKey) -> Result<Option<Stop>, StoreError> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT money_stops.*, orders.order_number
                     FROM money_stops LEFT JOIN orders ON orders.id = money_stops.order_key WHERE money_stops.id = ?1";
                Ok(select_stops(connection, sql, [key.0])?.pop())
            })
            .await
    }

    /// The stop in force that applies to an order, the widest if there are several.
    pub async fn money_stop_of(&self, order: &Order) -> Result<Option<Stop>, StoreError> {
        let (merchant, key) = (order.merchant.clone(), order.key);
        self.readers.read(move |connection| Ok(stops_of_order(connection, &merchant, key)?.into_iter().next())).await
    }

    /// What the guard asks before a send for `order`, whose open operation is `operation`, if it has one.
    pub async fn standing(
        &self,
        order: &Order,
        operation: Option<OperationKey>,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        let order = order.clone();
        self.readers.read(move |connection| standing(connection, &order, operation, now)).await
    }

    /// Makes due at `now` whatever of a merchant was held back: settings may have changed that did so.
    pub async fn try_held_back(&self, merchant: &MerchantId, now: Timestamp) -> Result<(), StoreError> {
        let merchant = merchant.clone();
        let make_due = move |connection: &Connection| {
            let values = params![merchant.as_str(), now.as_millis(), guard::NOT_SENT];
            Ok(connection.prepare_cached(TRY_HELD_BACK)?.execute(values)?)
        };
        if self.writer.write(make_due).await? > 0 {
            self.ring();
        }
        Ok(())
    }

    /// How a merchant's money stands at `now`.
    pub async fn money_figures(&self, merchant: &MerchantId, now: Timestamp) -> Result<MoneyFigures, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let in_doubt =
                    connection.prepare_cached(IN_DOUBT)?.query_row(params![merchant.as_str(), 0], |row| row.get(0))?;
                let mut statement = connection.prepare_cached(SENT_BY_CURRENCY)?;
                let mut found = statement.query(params![merchant.as_str(), now.minus(guard::DAY).as_millis()])?;
                let mut last_day = Vec::new();
                while let Some(row) = found.next()? {
                    let currency = rows::currency(row.get(0)?)?;
                    last_day.push(LastDay { currency, sent_minor: row.get(1)?, refunded_minor: row.get(2)? });
                }
                Ok(MoneyFigures { in_doubt, last_day })
            })
            .await
    }
}

/// What the database says of the money of `order` now. The operation that asks does not count against itself: it may be
/// one that was sent before.
pub(super) fn standing(
    connection: &Connection,
    order: &Order,
    operation: Option<OperationKey>,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    let (merchant, own) = (order.merchant.as_str(), operation.map_or(0, |key| key.0));
    let since = now.minus(guard::DAY).as_millis();
    Ok(Standing {
        frozen: super::standing::frozen(connection),
        stops: stops_of_order(connection, &order.merchant, order.key)?,
        in_doubt: connection.prepare_cached(IN_DOUBT)?.query_row(params![merchant, own], |row| row.get(0))?,
        sent_minor: connection
            .prepare_cached(SENT_IN_A_DAY)?
            .query_row(params![merchant, since, order.currency.numeric(), own], |row| row.get(0))?,
        booked: booked(connection, order.key)?,
        clock: None,
    })
}

/// What our book is certain of about the money of an order. Orders with more than a few operations are rare.
fn booked(connection: &Connection, order: OrderKey) -> Result<Booked, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, state, expected_minor, refunded_before_minor FROM operations
         WHERE order_key = ?1 AND kind IN ('completion', 'refund') AND attempt > 0",
    )?;
    let mut found = statement.query([order.0])?;
    let mut booked = Booked::default();
    while let Some(row) = found.next()? {
        let (kind, state): (String, String) = (row.get(0)?, row.get(1)?);
        booked = booked.and(Entry {
            kind: rows::kind(&kind)?,
            state: rows::operation_state(&state)?,
            expected_minor: row.get(2)?,
            refunded_before: row.get(3)?,
        });
    }
    Ok(booked)
}

/// Writes the brake's stop, unless the operation tripped it before. A person's stop gives way to it: whoever put that
/// there may lift it without knowing of what was found since.
pub(super) fn trip_brake(connection: &Connection, stop: &NewStop, now: Timestamp) -> Result<(), StoreError> {
    let tripped_before: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM money_stops WHERE operation_key = ?1)")?
        .query_row([stop.tripped_by.map(|key| key.0)], |row| row.get(0))?;
    let present = stop_of(connection, &stop.scope)?;
    if tripped_before || present.as_ref().is_some_and(|present| present.by == guard::BRAKE) {
        return Ok(());
    }
    if let Some(present) = present {
        lift(connection, present.key, guard::BRAKE, "the brake took its place", now)?;
    }
    insert_stop(connection, stop, now)
}

fn insert_stop(connection: &Connection, stop: &NewStop, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO money_stops (scope, merchant, order_key, at_ms, by, reason, operation_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            stop.scope.as_str(),
            stop.scope.merchant().map(MerchantId::as_str),
            stop.scope.order().map(|(key, _)| key.0),
            now.as_millis(),
            stop.by,
            rows::shortened(&stop.reason),
            stop.tripped_by.map(|key| key.0),
        ])?;
    Ok(())
}

fn lift(connection: &Connection, key: StopKey, by: &str, reason: &str, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE money_stops SET lifted_at_ms = ?2, lifted_by = ?3, lifted_reason = ?4 WHERE id = ?1")?
        .execute(params![key.0, now.as_millis(), by, rows::shortened(reason)])?;
    Ok(())
}

/// The stop in force of exactly this scope.
fn stop_of(connection: &Connection, scope: &Scope) -> Result<Option<Stop>, StoreError> {
    let sql = "SELECT money_stops.*, orders.order_number
         FROM money_stops LEFT JOIN orders ON orders.id = money_stops.order_key
         WHERE lifted_at_ms IS NULL AND scope = ?1 AND coalesce(money_stops.merchant, '') = ?2
            AND coalesce(order_key, 0) = ?3";
    let merchant = scope.merchant().map_or("", MerchantId::as_str);
    let order = scope.order().map_or(0, |(key, _)| key.0);
    Ok(select_stops(connection, sql, params![scope.as_str(), merchant, order])?.pop())
}

fn stops_of_order(connection: &Connection, merchant: &MerchantId, order: OrderKey) -> Result<Vec<Stop>, StoreError> {
    select_stops(connection, STOPS_OF_ORDER, params![merchant.as_str(), order.0])
}

fn select_stops<P: rusqlite::Params>(connection: &Connection, sql: &str, values: P) -> Result<Vec<Stop>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(values)?;
    let mut stops = Vec::new();
    while let Some(row) = found.next()? {
        stops.push(stop(row)?);
    }
    Ok(stops)
}

fn stop(row: &Row<'_>) -> Result<Stop, StoreError> {
    Ok(Stop {
        key: StopKey(row.get("id")?),
        scope: scope(row)?,
        since: rows::at(row.get("at_ms")?),
        by: row.get("by")?,
        reason: row.get("reason")?,
        lifted: lifting(row)?,
    })
}

fn scope(row: &Row<'_>) -> Result<Scope, StoreError> {
    let word: String = row.get("scope")?;
    match word.as_str() {
        "all" => Ok(Scope::All),
        "merchant" => Ok(Scope::Merchant(rows::merchant(row, "merchant")?)),
        "order" => Ok(Scope::Order {
            key: OrderKey(row.get("order_key")?),
            merchant: rows::merchant(row, "merchant")?,
            number: OrderNumber::from_stored(row.get("order_number")?),
        }),
        _ => Err(rows::unreadable("scope of a stop", &word)),
    }
}

fn lifting(row: &Row<'_>) -> Result<Option<Lifting>, StoreError> {
    let Some(at) = row.get::<_, Option<i64>>("lifted_at_ms")? else {
        return Ok(None);
    };
    Ok(Some(Lifting { at: rows::at(at), by: row.get("lifted_by")?, reason: row.get("lifted_reason")? }))
}

/// An order's stop and start stand in its journal; those of more than one order stand in their own table alone.
fn tell_journal(
    connection: &Connection,
    scope: &Scope,
    kind: EventKind,
    cause: &Cause,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some((key, _)) = scope.order() else {
        return Ok(());
    };
    let state = rows::load_order(connection, key)?.value.state;
    let event = NewEvent { kind, cause: cause.clone(), before: state, after: state, detail: reason.to_owned() };
    events::append(connection, key, now, &[event])
}

// Both name the states in the words of an index, so that neither walks over what was settled long ago.

/// What waits for room and for nothing else: a place given to an order that is stopped by itself would be nobody's.
pub(super) const MAKE_ROOM: &str = "UPDATE operations SET next_step_at_ms = ?2 WHERE id IN (
        SELECT operations.id FROM operations JOIN orders ON orders.id = operations.order_key
        WHERE operations.merchant = ?1 AND operations.state = 'intended' AND next_step_at_ms > ?2
            AND instr(operations.note, ?3) > 0
        ORDER BY orders.lapses_at_ms LIMIT 2)";

/// What was sent before, and would be sent again, waits as well.
pub(super) const MAKE_DUE: &str = "UPDATE operations SET next_step_at_ms = ?1
     WHERE state IN ('intended', 'in_doubt') AND next_step_at_ms > ?1
        AND (state = 'intended' OR instr(coalesce(note, ''), ?4) = 1)
        AND (?2 IS NULL OR merchant = ?2) AND (?3 IS NULL OR order_key = ?3)";

pub(super) const TRY_HELD_BACK: &str = "UPDATE operations SET next_step_at_ms = ?2
     WHERE merchant = ?1 AND state IN ('intended', 'in_doubt') AND next_step_at_ms > ?2 AND instr(note, ?3) = 1";

/// An outcome became known: what has the earliest lapse of all that waits for it takes the place. One, and one more
/// should it turn out to need none; the rest wait on. Whatever is woken and does not take its place calls this again.
/// Whether anything was woken.
pub(super) fn make_room(connection: &Connection, merchant: &MerchantId, now: Timestamp) -> Result<bool, StoreError> {
    let values = params![merchant.as_str(), now.as_millis(), guard::FOR_ROOM];
    Ok(connection.prepare_cached(MAKE_ROOM)?.execute(values)? > 0)
}

/// Whether nothing holds all money of `merchant` back. While something does, a place is of no use to anybody, and
/// whoever ends it makes due whatever waits.
pub(super) fn may_move(connection: &Connection, merchant: &MerchantId) -> Result<bool, StoreError> {
    let stops = stops_of_order(connection, merchant, OrderKey(0))?;
    Ok(super::standing::frozen(connection).is_none() && !stops.iter().any(|stop| stop.scope.covers(merchant)))
}

/// What waits unsent is tried at once: whoever starts the money wants to see it move, and asking the bank a little
/// early harms nobody.
fn make_due(connection: &Connection, scope: &Scope, now: Timestamp) -> Result<(), StoreError> {
    let (merchant, order) = (scope.merchant().map(MerchantId::as_str), scope.order().map(|(key, _)| key.0));
    connection.prepare_cached(MAKE_DUE)?.execute(params![now.as_millis(), merchant, order, guard::NOT_SENT])?;
    Ok(())
}
