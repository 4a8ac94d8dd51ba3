//! Registrations: the intent before the bank hears of it, and its order in the queue in the same commit as the bank's
//! yes.

use ring::digest;
use rusqlite::{Row, params};

use crate::domain::event::Cause;
use crate::domain::money::Amount;
use crate::domain::order::{MerchantId, NewOrder, OrderId, OrderNumber};
use crate::domain::registration::Request;
use crate::domain::registration::journey::{
    Found, Registration, RegistrationKey, SettleError, State, order_of, request_of, settled_by_person,
};
use crate::domain::registration::{Tree, passed, without_personal_data};
use crate::domain::time::Timestamp;
use crate::domain::token::TokenName;

use super::bell::Listener;
use super::connection::Connection;
use super::rows::{at, currency, merchant, shortened, unreadable};
use super::seal::hex;
use super::{Added, Store, StoreError, orders};

/// Open registrations of a merchant at most: a shop that hands in more than its bank takes hears of it, rather than
/// filling the disk with buyers' data.
const OPEN_MAX: i64 = 10_000;

/// No step is planned further ahead, in milliseconds: what stands there beyond was planned by a clock that was wrong,
/// and is due.
const AHEAD_MAX_MS: i64 = 3_600_000;

/// Documents emptied in one commit at most, so that nobody waits for the writer.
const FORGOTTEN_AT_ONCE: u32 = 500;

pub(super) const DUE_REGISTRATIONS: &str = "SELECT * FROM registrations
    WHERE merchant = ?1 AND next_step_at_ms IS NOT NULL AND (next_step_at_ms <= ?2 OR next_step_at_ms > ?2 + ?4)
    ORDER BY next_step_at_ms LIMIT ?3";

pub(super) const NEXT_REGISTRATION: &str =
    "SELECT MIN(next_step_at_ms) FROM registrations WHERE merchant = ?1 AND next_step_at_ms IS NOT NULL";

pub(super) const LAST_REGISTRATION: &str =
    "SELECT MAX(next_step_at_ms) FROM registrations WHERE merchant = ?1 AND next_step_at_ms IS NOT NULL";

pub(super) const OPEN_REGISTRATIONS: &str =
    "SELECT COUNT(*), MIN(created_at_ms), COUNT(stuck_since_ms), MIN(stuck_since_ms)
    FROM registrations WHERE merchant = ?1 AND next_step_at_ms IS NOT NULL";

/// Those a person has to settle first, then by age.
pub(super) const LIST_REGISTRATIONS: &str = "SELECT * FROM registrations
    WHERE merchant = ?1 AND next_step_at_ms IS NOT NULL ORDER BY stuck_since_ms IS NULL, created_at_ms, id LIMIT ?2";

pub(super) const FORGET_DOCUMENTS: &str = "UPDATE registrations SET document = NULL WHERE id IN (
    SELECT id FROM registrations WHERE merchant = ?1 AND document IS NOT NULL AND settled_at_ms < ?2 LIMIT ?3)";

/// A registration that is handed in.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// Whose it is.
    pub merchant: MerchantId,
    /// What is asked of the bank.
    pub request: Request,
}

/// What became of a registration that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intended {
    /// It is written down, to be sent.
    New(Registration),
    /// It was handed in before, the same in everything.
    Again(Registration),
    /// Another one was handed in under its number; the document that is kept of that one, and the new one's, as far as
    /// they can be compared.
    Other {
        /// The one that is here.
        registration: Registration,
        /// Of the new one, as much as is kept of the other.
        new: Tree,
    },
    /// An order of its number is in the queue, and was registered elsewhere.
    Queued,
    /// Too many wait for the bank.
    TooMany,
}

/// What becomes of a registration, and of the queue with it.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The row as it shall be.
    pub registration: Registration,
    /// The order that enters the queue in the same commit.
    pub order: Option<NewOrder>,
}

/// A person's word about a stuck registration.
#[derive(Clone, Debug)]
pub struct PersonsWord {
    /// What was found at the bank.
    pub found: Found,
    /// Who says so, as the journal has it.
    pub cause: Cause,
    /// The same, by name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Rings when a registration was handed in or moved on.
    pub fn registration_bell(&self) -> Listener {
        self.registration_bell.listen()
    }

    /// Writes a registration down, to be sent, unless its number is taken here. One that the bank had refused may be
    /// handed in again, changed or not. A date of a new one lies ahead, or it is [`StoreError::Passed`]. On disk when
    /// this returns.
    pub async fn intend_registration(
        &self,
        new: NewRegistration,
        cause: Cause,
        now: Timestamp,
    ) -> Result<Intended, StoreError> {
        if self.disk_is_full() {
            return Err(StoreError::DiskFull("new registrations wait until there is room".to_owned()));
        }
        let intended = self.writer.write(move |connection| intend(connection, &new, &cause, now)).await;
        self.registration_bell.ring();
        intended
    }

    /// A registration by its number.
    pub async fn registration(&self, merchant: &MerchantId, number: &str) -> Result<Option<Registration>, StoreError> {
        let (merchant, number) = (merchant.clone(), number.to_owned());
        self.readers.read(move |connection| find(connection, &merchant, &number)).await
    }

    /// Those whose next step is due at `now`, the most overdue first.
    pub async fn due_registrations(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Registration>, StoreError> {
        let (merchant, limit) = (merchant.clone(), i64::try_from(limit).unwrap_or(i64::MAX));
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(DUE_REGISTRATIONS)?;
                let mut rows = statement.query(params![merchant.as_str(), now.as_millis(), limit, AHEAD_MAX_MS])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(registration(row)?);
                }
                Ok(found)
            })
            .await
    }

    /// When the next step of any of them is due: now, where one stands further ahead than any is planned.
    pub async fn next_registration_at(
        &self,
        merchant: &MerchantId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let merchant = merchant.clone();
        self.readers
            .read(move |connection| {
                let read = |sql| -> Result<Option<i64>, StoreError> {
                    Ok(connection.prepare_cached(sql)?.query_row([merchant.as_str()], |row| row.get(0))?)
                };
                let is_ahead = read(LAST_REGISTRATION)?.is_some_and(|last| last > now.as_millis() + AHEAD_MAX_MS);
                Ok(if is_ahead { Some(now) } else { read(NEXT_REGISTRATION)?.map(at) })
            })
            .await
    }

    /// Those that are not settled, at most `limit`: what a person has to settle first, then the oldest.
    pub async fn list_registrations(
        &self,
        merchant: &MerchantId,
        limit: usize,
    ) -> Result<Vec<Registration>, StoreError> {
        let (merchant, limit) = (merchant.clone(), i64::try_from(limit).unwrap_or(i64::MAX));
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(LIST_REGISTRATIONS)?;
                let mut rows = statement.query(params![merchant.as_str(), limit])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(registration(row)?);
                }
                Ok(found)
            })
            .await
    }

    /// Settles a stuck registration by a person's word, which is kept, and queues its order in the same commit. What
    /// would queue another order than that is refused, and changes nothing.
    pub async fn settle_registration(
        &self,
        key: RegistrationKey,
        word: PersonsWord,
        now: Timestamp,
    ) -> Result<Result<Registration, SettleError>, StoreError> {
        let instance = self.instance.clone();
        let settled = self
            .writer
            .write(move |connection| {
                let Some((before, _)) = load(connection, key)? else {
                    return Err(StoreError::Refused("the registration is gone".to_owned()));
                };
                let PersonsWord { found, cause, name, reason } = word;
                let after = match settled_by_person(&before, &found, &name, &reason) {
                    Ok(after) => after,
                    Err(refused) => return Ok(Err(refused)),
                };
                update(connection, &after, now)?;
                note_word(connection, &after, &cause, &reason, now)?;
                if after.state == State::Registered {
                    let order = order_of(&after, request_of(&before).as_ref());
                    let added = orders::add_order(connection, &order, &cause, &instance, now)?;
                    is_that_order(connection, &after, &added)?;
                }
                Ok(Ok(after))
            })
            .await;
        self.registration_bell.ring();
        self.ring();
        settled
    }

    /// Loads a registration, lets `decide` say what becomes of it, and writes that with the order that enters the
    /// queue, in one commit. `decide` runs on the writer's thread, so it must be pure and quick; `None` leaves
    /// everything as it is.
    pub async fn move_registration<F>(
        &self,
        key: RegistrationKey,
        now: Timestamp,
        decide: F,
    ) -> Result<Option<(Registration, Option<Added>)>, StoreError>
    where
        F: FnOnce(&Registration) -> Option<Moved> + Send + 'static,
    {
        let instance = self.instance.clone();
        let moved = self
            .writer
            .write(move |connection| {
                let Some((before, cause)) = load(connection, key)? else { return Ok(None) };
                let Some(Moved { registration, order }) = decide(&before) else { return Ok(None) };
                update(connection, &registration, now)?;
                let added =
                    order.map(|order| orders::add_order(connection, &order, &cause, &instance, now)).transpose()?;
                Ok(Some((registration, added)))
            })
            .await?;
        if moved.is_some() {
            self.registration_bell.ring();
        }
        if moved.as_ref().is_some_and(|(_, added)| added.is_some()) {
            self.ring();
        }
        Ok(moved)
    }

    /// Takes away the documents of registrations that were settled before `before`; how many. What came of them stays.
    pub async fn forget_documents(&self, merchant: &MerchantId, before: Timestamp) -> Result<usize, StoreError> {
        let merchant = merchant.clone();
        self.writer
            .write(move |connection| {
                let mut statement = connection.prepare_cached(FORGET_DOCUMENTS)?;
                Ok(statement.execute(params![merchant.as_str(), before.as_millis(), FORGOTTEN_AT_ONCE])?)
            })
            .await
    }
}

fn intend(
    connection: &Connection,
    new: &NewRegistration,
    cause: &Cause,
    now: Timestamp,
) -> Result<Intended, StoreError> {
    let (request, document) = (&new.request, new.request.document());
    let text = document.to_string();
    let content = hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    let known = find(connection, &new.merchant, request.number.as_str())?;
    if let Some(known) = &known
        && known.state != State::Refused
    {
        let same = content == content_of(connection, known.key)?;
        let kept = if known.state.is_settled() || known.stuck_since.is_some() {
            without_personal_data(&document)
        } else {
            document
        };
        let registration = known.clone();
        return Ok(if same { Intended::Again(registration) } else { Intended::Other { registration, new: kept } });
    }
    if orders::find_order(connection, &new.merchant, request.number.as_str())?.is_some() {
        return Ok(Intended::Queued);
    }
    let open: i64 = connection
        .prepare_cached("SELECT COUNT(*) FROM registrations WHERE merchant = ?1 AND next_step_at_ms IS NOT NULL")?
        .query_row([new.merchant.as_str()], |row| row.get(0))?;
    if open >= OPEN_MAX {
        return Ok(Intended::TooMany);
    }
    // Only now: what is known here may be handed in again after its date, and gets the answer that it got.
    let gone = passed(request, now);
    if !gone.is_empty() {
        return Err(StoreError::Passed(gone));
    }
    if let Some(refused) = &known {
        connection.prepare_cached("DELETE FROM registrations WHERE id = ?1")?.execute([refused.key.0])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO registrations (merchant, order_number, amount_minor, currency, content, document, cause, state,
                created_at_ms, next_step_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'intended', ?8, ?8)",
        )?
        .execute(params![
            new.merchant.as_str(),
            request.number.as_str(),
            request.amount.minor(),
            request.currency.numeric(),
            content,
            text,
            cause.to_text(),
            now.as_millis(),
        ])?;
    let written = load(connection, RegistrationKey(connection.last_insert_rowid()))?;
    written.map(|(row, _)| Intended::New(row)).ok_or_else(|| unreadable("registration", request.number.as_str()))
}

fn note_word(
    connection: &Connection,
    settled: &Registration,
    cause: &Cause,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO registration_words (merchant, order_number, at_ms, by, reason, order_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            settled.merchant.as_str(),
            settled.number.as_str(),
            now.as_millis(),
            cause.to_text(),
            shortened(reason),
            settled.order_id.as_ref().map(OrderId::as_str),
        ])?;
    Ok(())
}

/// An order that comes into the queue with its gateway id may be the one of which a stuck registration is in doubt:
/// that is looked at again at once.
pub(super) fn hint(connection: &Connection, new: &NewOrder, now: Timestamp) -> Result<(), StoreError> {
    if new.order_id.is_some() {
        connection
            .prepare_cached(
                "UPDATE registrations SET next_step_at_ms = ?3
                 WHERE order_number = ?1 AND merchant = ?2 AND next_step_at_ms > ?3 AND stuck_since_ms IS NOT NULL",
            )?
            .execute(params![new.number.as_str(), new.merchant.as_str(), now.as_millis()])?;
    }
    Ok(())
}

/// The price of a registration under way that has the order's number, where it is another: the bank may have that one by
/// now, and a price never changes.
pub(super) fn other_price(connection: &Connection, new: &NewOrder) -> Result<Option<i64>, StoreError> {
    let known = find(connection, &new.merchant, new.number.as_str())?.filter(|known| !known.state.is_settled());
    let other = known.filter(|known| (known.amount, known.currency) != (new.amount, new.currency));
    Ok(other.map(|known| known.amount.minor()))
}

/// Whether the queue has the order that was named; an error takes the whole commit back.
fn is_that_order(connection: &Connection, settled: &Registration, added: &Added) -> Result<(), StoreError> {
    let why = match added {
        Added::New | Added::NewInReview => return Ok(()),
        Added::Exists => {
            let queued = orders::find_order(connection, &settled.merchant, settled.number.as_str())?;
            match queued.and_then(|queued| queued.order.order_id) {
                Some(other) if settled.order_id.as_ref() != Some(&other) => {
                    format!("the queue has its order with the gateway id {other}")
                }
                _ => return Ok(()),
            }
        }
        Added::ExistsWithDifferentAmount { amount_minor } => {
            format!("the queue has an order of its number already, of {amount_minor} minor units")
        }
        Added::OrderIdTaken { by } => format!("the gateway id belongs to order {by} of the queue"),
    };
    Err(StoreError::Refused(format!("nothing is settled: {why}")))
}

fn content_of(connection: &Connection, key: RegistrationKey) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached("SELECT content FROM registrations WHERE id = ?1")?;
    Ok(statement.query_row([key.0], |row| row.get(0))?)
}

fn find(connection: &Connection, merchant: &MerchantId, number: &str) -> Result<Option<Registration>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM registrations WHERE merchant = ?1 AND order_number = ?2")?;
    let mut rows = statement.query([merchant.as_str(), number])?;
    rows.next()?.map(registration).transpose()
}

fn load(connection: &Connection, key: RegistrationKey) -> Result<Option<(Registration, Cause)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM registrations WHERE id = ?1")?;
    let mut rows = statement.query([key.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cause: String = row.get("cause")?;
    Ok(Some((registration(row)?, cause_of(&cause))))
}

/// A registration is the shop's wish or a person's.
fn cause_of(text: &str) -> Cause {
    if let Some(name) = text.strip_prefix("operator:") {
        return Cause::Operator(name.to_owned());
    }
    let token = text.strip_prefix("shop:").and_then(|name| TokenName::new(name).ok());
    token.map_or(Cause::Shop, Cause::ShopAs)
}

/// What was settled stays settled: the statement touches open rows alone.
fn update(connection: &Connection, row: &Registration, now: Timestamp) -> Result<(), StoreError> {
    let settled = row.state.is_settled();
    // What is stuck is not sent again either.
    let document = if settled || row.stuck_since.is_some() {
        row.document.as_deref().and_then(kept)
    } else {
        row.document.clone()
    };
    let changed = connection
        .prepare_cached(
            "UPDATE registrations SET state = ?2, attempt = ?3, doubtful = ?4, unknown_in_a_row = ?5, sent_at_ms = ?6,
                next_step_at_ms = ?7, settled_at_ms = ?8, order_id = ?9, form_url = ?10, refusal_code = ?11, note = ?12,
                document = ?13, stuck_since_ms = ?14
             WHERE id = ?1 AND next_step_at_ms IS NOT NULL",
        )?
        .execute(params![
            row.key.0,
            row.state.as_str(),
            row.attempt,
            row.doubtful,
            row.unknown_in_a_row,
            row.sent_at.map(Timestamp::as_millis),
            row.next_step_at.map(Timestamp::as_millis),
            settled.then_some(now.as_millis()),
            row.order_id.as_ref().map(OrderId::as_str),
            row.form_url,
            row.refusal_code,
            row.note.as_deref().map(shortened),
            document,
            row.stuck_since.map(Timestamp::as_millis),
        ])?;
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Refused("the registration was settled in the meantime".to_owned())),
    }
}

/// A document that cannot be read any more is not kept: what stands in it might be anybody's.
fn kept(document: &str) -> Option<String> {
    Some(without_personal_data(&Tree::from_json(document).ok()?).to_string())
}

fn registration(row: &Row<'_>) -> Result<Registration, StoreError> {
    let state: String = row.get("state")?;
    let amount: i64 = row.get("amount_minor")?;
    let order_id: Option<String> = row.get("order_id")?;
    let moment = |name: &str| row.get::<_, Option<i64>>(name).map(|ms| ms.map(at));
    Ok(Registration {
        key: RegistrationKey(row.get("id")?),
        merchant: merchant(row, "merchant")?,
        number: OrderNumber::from_stored(row.get("order_number")?),
        amount: Amount::new(amount).map_err(|_| unreadable("amount", &amount.to_string()))?,
        currency: currency(row.get("currency")?)?,
        document: row.get("document")?,
        state: State::parse(&state).ok_or_else(|| unreadable("registration's state", &state))?,
        attempt: row.get("attempt")?,
        doubtful: row.get("doubtful")?,
        unknown_in_a_row: row.get("unknown_in_a_row")?,
        created_at: at(row.get("created_at_ms")?),
        sent_at: moment("sent_at_ms")?,
        next_step_at: moment("next_step_at_ms")?,
        stuck_since: moment("stuck_since_ms")?,
        order_id: order_id.map(|text| OrderId::new(&text).map_err(|_| unreadable("order id", &text))).transpose()?,
        form_url: row.get("form_url")?,
        refusal_code: row.get("refusal_code")?,
        note: row.get("note")?,
    })
}
