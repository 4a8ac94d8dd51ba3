//! Columns to values and back. What the CHECKs refuse, this refuses once more when reading.

use rusqlite::{Row, RowIndex, named_params, params};

use crate::domain::bank::{BankAmounts, BankStatus, BankView, PaymentSystem};
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::{
    CompletionAmount, NewOperation, Operation, OperationKey, OperationKind, OperationState,
};
use crate::domain::order::{
    Heard, Hold, Kind, MerchantId, Order, OrderId, OrderKey, OrderNumber, ReviewReason, SeenView, State,
};
use crate::domain::time::Timestamp;

use super::StoreError;
use super::columns::{self, Order as C, select_operation, select_order};
use super::connection::Connection;
use super::idle;
use super::seal::{OPERATIONS, ORDERS, Seal};

/// The longest text of the bank's that is kept with an order, in characters.
const WORDS_MAX: usize = 500;

/// An order with its open operation, or else its latest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderWithOperation {
    /// The order.
    pub order: Order,
    /// Its open or latest operation.
    pub operation: Option<Operation>,
}

/// A row, and what its seal says of it.
#[derive(Clone, Debug)]
pub(super) struct Checked<T> {
    pub(super) value: T,
    pub(super) seal: Seal,
}

/// Reads what [`select_order`] selects, and checks its seal.
pub(super) fn order(connection: &Connection, row: &Row<'_>) -> Result<Checked<Order>, StoreError> {
    Ok(Checked { value: decode_order(row)?, seal: connection.ring().check(row, &ORDERS)? })
}

/// Reads what [`select_operation`] selects, and checks its seal.
pub(super) fn operation(connection: &Connection, row: &Row<'_>) -> Result<Checked<Operation>, StoreError> {
    Ok(Checked { value: decode_operation(row)?, seal: connection.ring().check(row, &OPERATIONS)? })
}

fn decode_order(row: &Row<'_>) -> Result<Order, StoreError> {
    Ok(Order {
        key: OrderKey(row.get(C::id.at())?),
        version: row.get(C::version.at())?,
        merchant: merchant(row, C::merchant.at())?,
        number: OrderNumber::from_stored(row.get(C::order_number.at())?),
        order_id: order_id(row)?,
        amount: amount(row.get(C::amount_minor.at())?)?,
        currency: currency(row.get(C::currency.at())?)?,
        state: state(row, C::state.at())?,
        state_since: at(row.get(C::state_since_ms.at())?),
        created_at: at(row.get(C::created_at_ms.at())?),
        expires_at: row.get::<_, Option<i64>>(C::expires_at_ms.at())?.map(at),
        completion: completion(row.get(C::complete_amount_minor.at())?)?,
        parked: row.get(C::parked.at())?,
        released_at: row.get::<_, Option<i64>>(C::released_at_ms.at())?.map(at),
        hold: hold(row)?,
        complete_at: row.get::<_, Option<i64>>(C::complete_at_ms.at())?.map(at),
        held_at_first: row.get::<_, Option<i64>>(C::held_at_first_ms.at())?.map(at),
        deadline_at: row.get::<_, Option<i64>>(C::deadline_at_ms.at())?.map(at),
        lapse_warnings: row.get(C::lapse_warnings.at())?,
        payment_system: payment_system(row)?,
        autocompletion_at: row.get::<_, Option<i64>>(C::autocompletion_at_ms.at())?.map(at),
        autocompletion_told: row.get::<_, Option<i64>>(C::autocompletion_told_ms.at())?.map(at),
        kind: row.get::<_, Option<bool>>(C::two_phase.at())?.map(Kind::of),
        next_look_at: row.get::<_, Option<i64>>(C::next_look_at_ms.at())?.map(at),
        unknown_in_a_row: row.get(C::unknown_in_a_row.at())?,
        heard: heard(row)?,
        view: seen_view(row)?,
        review: review(row)?,
        before_review: row
            .get::<_, Option<String>>(C::state_before_review.at())?
            .map(|word| known_state(&word))
            .transpose()?,
        accepted: row.get(C::accepted_code.at())?,
    })
}

pub(super) fn kind(word: &str) -> Result<OperationKind, StoreError> {
    OperationKind::parse(word).ok_or_else(|| unreadable("operation kind", word))
}

pub(super) fn operation_state(word: &str) -> Result<OperationState, StoreError> {
    OperationState::parse(word).ok_or_else(|| unreadable("operation state", word))
}

fn decode_operation(row: &Row<'_>) -> Result<Operation, StoreError> {
    use columns::Operation as C;
    let word: String = row.get(C::state.at())?;
    let kind: String = row.get(C::kind.at())?;
    Ok(Operation {
        key: OperationKey(row.get(C::id.at())?),
        order: OrderKey(row.get(C::order_key.at())?),
        kind: self::kind(&kind)?,
        amount: completion(row.get(C::amount_minor.at())?)?,
        ordered: row.get::<_, Option<bool>>(C::ordered.at())?.unwrap_or(false),
        state: operation_state(&word)?,
        attempt: row.get(C::attempt.at())?,
        unknown_sends: row.get(C::unknown_sends.at())?,
        expected_minor: row.get(C::expected_minor.at())?,
        refunded_before: row.get(C::refunded_before_minor.at())?,
        intended_at: at(row.get(C::intended_at_ms.at())?),
        sent_at: row.get::<_, Option<i64>>(C::sent_at_ms.at())?.map(at),
        answered_at: row.get::<_, Option<i64>>(C::answered_at_ms.at())?.map(at),
        agreeing_reads: row.get(C::agreeing_reads.at())?,
        asks: row.get(C::asks.at())?,
        next_step_at: at(row.get(C::next_step_at_ms.at())?),
        note: row.get(C::note.at())?,
    })
}

/// Writes every column of an order that can change, and counts its version up. The row must still have the version that
/// was read: the last check before money moves.
pub(super) fn update_order(connection: &Connection, order: &Order) -> Result<(), StoreError> {
    let view = order.view.as_ref();
    let amounts = view.and_then(|seen| seen.view.amounts);
    let points = view.and_then(|seen| seen.view.points);
    let changed = connection
        .prepare_cached(
            "UPDATE orders SET version = version + 1, order_id = :order_id, state = :state, state_since_ms = :state_since,
                complete_amount_minor = :complete_amount, parked = :parked, released_at_ms = :released_at,
                held_at_ms = :held_at, held_at_first_ms = :held_at_first, hold_begun_at_ms = :begun_at, lapses_at_ms = :lapses_at,
                complete_at_ms = :complete_at, deadline_at_ms = :deadline_at, lapse_warnings = :lapse_warnings,
                payment_system = :payment_system, autocompletion_at_ms = :autocompletion_at,
                autocompletion_told_ms = :autocompletion_told, two_phase = :two_phase, bank_chargeback = :bank_chargeback,
                next_look_at_ms = :next_look_at, unknown_in_a_row = :unknown_in_a_row,
                heard_at_ms = :heard_at, heard = :heard, bank_seen_at_ms = :bank_seen_at, bank_status = :bank_status,
                bank_action_code = :bank_action_code, bank_amount_minor = :bank_amount, bank_currency = :bank_currency,
                bank_approved_minor = :bank_approved, bank_deposited_minor = :bank_deposited,
                bank_refunded_minor = :bank_refunded, bank_points_approved_minor = :points_approved,
                bank_points_deposited_minor = :points_deposited, bank_points_refunded_minor = :points_refunded, bank_authorised_at_ms = :bank_authorised_at,
                review_code = :review_code, review_sentence = :review_sentence,
                state_before_review = :before_review, accepted_code = :accepted
             WHERE id = :id AND version = :version",
        )?
        .execute(named_params! {
            ":id": order.key.0,
            ":version": order.version,
            ":order_id": order.order_id.as_ref().map(OrderId::as_str),
            ":state": order.state.as_str(),
            ":state_since": order.state_since.as_millis(),
            ":complete_amount": completion_minor(order.completion),
            ":parked": order.parked,
            ":released_at": order.released_at.map(Timestamp::as_millis),
            ":held_at": order.hold.map(|hold| hold.held_at.as_millis()),
            ":begun_at": order.hold.map(|hold| hold.begun_at.as_millis()),
            ":lapses_at": order.hold.map(|hold| hold.lapses_at.as_millis()),
            ":complete_at": order.complete_at.map(Timestamp::as_millis),
            ":held_at_first": order.held_at_first.map(Timestamp::as_millis),
            ":deadline_at": order.deadline_at.map(Timestamp::as_millis),
            ":lapse_warnings": order.lapse_warnings,
            ":payment_system": order.payment_system.as_ref().map(PaymentSystem::as_str),
            ":autocompletion_at": order.autocompletion_at.map(Timestamp::as_millis),
            ":autocompletion_told": order.autocompletion_told.map(Timestamp::as_millis),
            ":two_phase": order.kind.map(Kind::is_two_phase),
            ":bank_chargeback": view.and_then(|seen| seen.view.chargeback),
            ":next_look_at": order.next_look_at.map(Timestamp::as_millis),
            ":unknown_in_a_row": order.unknown_in_a_row,
            ":heard_at": order.heard.as_ref().map(|heard| heard.at.as_millis()),
            ":heard": order.heard.as_ref().map(|heard| shortened(&heard.words)),
            ":bank_seen_at": view.map(|seen| seen.seen_at.as_millis()),
            ":bank_status": view.map(|seen| seen.view.status.number()),
            ":bank_action_code": view.and_then(|seen| seen.view.action_code),
            ":bank_amount": view.and_then(|seen| seen.view.amount),
            ":bank_currency": view.and_then(|seen| seen.view.currency).map(Currency::numeric),
            ":bank_approved": amounts.map(|amounts| amounts.approved),
            ":bank_deposited": amounts.map(|amounts| amounts.deposited),
            ":bank_refunded": amounts.map(|amounts| amounts.refunded),
            ":points_approved": points.map(|points| points.approved),
            ":points_deposited": points.map(|points| points.deposited),
            ":points_refunded": points.map(|points| points.refunded),
            ":bank_authorised_at": view.and_then(|seen| seen.view.authorised_at).map(Timestamp::as_millis),
            ":review_code": order.review.as_ref().map(|review| review.code.as_str()),
            ":review_sentence": order.review.as_ref().map(|review| review.sentence.as_str()),
            ":before_review": order.before_review.map(State::as_str),
            ":accepted": order.accepted.as_deref(),
        })?;
    idle::one_changed(changed)?;
    connection.ring().seal(connection, &ORDERS, order.key.0)
}

/// Writes an operation for the first time.
pub(super) fn insert_operation(
    connection: &Connection,
    order: OrderKey,
    operation: NewOperation,
    instance: &str,
) -> Result<(), StoreError> {
    let at = operation.intended_at.as_millis();
    connection
        .prepare_cached(
            "INSERT INTO operations (order_key, merchant, kind, amount_minor, state, instance, intended_at_ms, next_step_at_ms,
                ordered)
             SELECT id, merchant, ?5, ?2, 'intended', ?3, ?4, ?4, ?6 FROM orders WHERE id = ?1",
        )?
        .execute(params![
            order.0,
            completion_minor(operation.amount),
            instance,
            at,
            operation.kind.as_str(),
            // Absent where nobody did: what a seal leaves out, older rows need not have.
            operation.ordered.then_some(true),
        ])?;
    connection.ring().seal(connection, &OPERATIONS, connection.last_insert_rowid())
}

/// Writes every column of an operation that can change. What is settled stays as it was settled.
pub(super) fn update_operation(
    connection: &Connection,
    operation: &Operation,
    instance: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let settled_at = Some(now.as_millis()).filter(|_| !operation.state.is_open());
    let changed = connection
        .prepare_cached(
            "UPDATE operations SET state = ?2, attempt = ?3, unknown_sends = ?4, expected_minor = ?5, instance = ?6,
                sent_at_ms = ?7, settled_at_ms = ?8, agreeing_reads = ?9, asks = ?10, next_step_at_ms = ?11, note = ?12,
                answered_at_ms = ?13, refunded_before_minor = ?14
             WHERE id = ?1 AND settled_at_ms IS NULL",
        )?
        .execute(params![
            operation.key.0,
            operation.state.as_str(),
            operation.attempt,
            operation.unknown_sends,
            operation.expected_minor,
            instance,
            operation.sent_at.map(Timestamp::as_millis),
            settled_at,
            operation.agreeing_reads,
            operation.asks,
            operation.next_step_at.as_millis(),
            operation.note.as_deref().map(shortened),
            operation.answered_at.map(Timestamp::as_millis),
            operation.refunded_before,
        ])?;
    idle::one_unsettled(changed)?;
    connection.ring().seal(connection, &OPERATIONS, operation.key.0)
}

/// Takes back a completion that was not sent.
pub(super) fn withdraw_operation(
    connection: &Connection,
    operation: &Operation,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE operations SET state = 'withdrawn', settled_at_ms = ?2, next_step_at_ms = ?2, note = ?3
             WHERE id = ?1 AND state = 'intended'",
        )?
        .execute(params![operation.key.0, now.as_millis(), operation.note.as_deref().map(shortened)])?;
    connection.ring().seal(connection, &OPERATIONS, operation.key.0)
}

/// Gives the send that is about to be written down its number in the witness.
pub(super) fn number_send(connection: &Connection, operation: OperationKey, seq: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE operations SET witness_seq = ?2 WHERE id = ?1")?
        .execute(params![operation.0, seq])?;
    Ok(())
}

/// The order of a row id.
pub(super) fn load_order(connection: &Connection, key: OrderKey) -> Result<Checked<Order>, StoreError> {
    let mut statement = connection.prepare_cached(select_order!("FROM orders WHERE id = ?1"))?;
    let mut rows = statement.query([key.0])?;
    match rows.next()? {
        Some(row) => order(connection, row),
        None => Err(unreadable("order row", &key.0.to_string())),
    }
}

/// The open operation of an order, or else its latest one.
pub(super) fn load_operation(connection: &Connection, key: OrderKey) -> Result<Option<Checked<Operation>>, StoreError> {
    let mut statement = connection
        .prepare_cached(select_operation!("FROM operations WHERE order_key = ?1 ORDER BY id DESC LIMIT 1"))?;
    let mut rows = statement.query([key.0])?;
    rows.next()?.map(|row| operation(connection, row)).transpose()
}

pub(super) const fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(super) const fn completion_minor(completion: CompletionAmount) -> Option<i64> {
    match completion {
        CompletionAmount::Whole => None,
        CompletionAmount::Exactly(amount) => Some(amount.minor()),
    }
}

pub(super) fn merchant(row: &Row<'_>, column: impl RowIndex) -> Result<MerchantId, StoreError> {
    let text: String = row.get(column)?;
    MerchantId::new(&text).map_err(|_| unreadable("merchant", &text))
}

pub(super) fn state(row: &Row<'_>, column: impl RowIndex) -> Result<State, StoreError> {
    let word: String = row.get(column)?;
    State::parse(&word).ok_or_else(|| unreadable("state", &word))
}

pub(super) fn currency(code: u16) -> Result<Currency, StoreError> {
    Currency::from_numeric(code).map_err(|_| unreadable("currency", &code.to_string()))
}

pub(super) fn unreadable(what: &str, found: &str) -> StoreError {
    StoreError::Unreadable { what: format!("{what} {found:?}") }
}

fn known_state(word: &str) -> Result<State, StoreError> {
    State::parse(word).ok_or_else(|| unreadable("state before the review", word))
}

fn amount(minor: i64) -> Result<Amount, StoreError> {
    Amount::new(minor).map_err(|_| unreadable("amount", &minor.to_string()))
}

fn completion(minor: Option<i64>) -> Result<CompletionAmount, StoreError> {
    minor.map_or(Ok(CompletionAmount::Whole), |minor| amount(minor).map(CompletionAmount::Exactly))
}

fn order_id(row: &Row<'_>) -> Result<Option<OrderId>, StoreError> {
    let text: Option<String> = row.get(C::order_id.at())?;
    text.map(|text| OrderId::new(&text).map_err(|_| unreadable("order id", &text))).transpose()
}

fn hold(row: &Row<'_>) -> Result<Option<Hold>, StoreError> {
    let (held_at, lapses_at): (Option<i64>, Option<i64>) =
        (row.get(C::held_at_ms.at())?, row.get(C::lapses_at_ms.at())?);
    let begun_at: Option<i64> = row.get(C::hold_begun_at_ms.at())?;
    Ok(held_at.zip(lapses_at).map(|(held_at, lapses_at)| Hold {
        held_at: at(held_at),
        begun_at: at(begun_at.unwrap_or(held_at)),
        lapses_at: at(lapses_at),
    }))
}

fn payment_system(row: &Row<'_>) -> Result<Option<PaymentSystem>, StoreError> {
    let text: Option<String> = row.get(C::payment_system.at())?;
    text.map(|text| PaymentSystem::new(&text).ok_or_else(|| unreadable("payment system", &text))).transpose()
}

fn heard(row: &Row<'_>) -> Result<Option<Heard>, StoreError> {
    let (heard_at, words): (Option<i64>, Option<String>) = (row.get(C::heard_at_ms.at())?, row.get(C::heard.at())?);
    Ok(heard_at.zip(words).map(|(heard_at, words)| Heard { at: at(heard_at), words }))
}

fn review(row: &Row<'_>) -> Result<Option<ReviewReason>, StoreError> {
    let (code, sentence): (Option<String>, Option<String>) =
        (row.get(C::review_code.at())?, row.get(C::review_sentence.at())?);
    Ok(code.zip(sentence).map(|(code, sentence)| ReviewReason { code, sentence }))
}

/// The view stands without the order number the bank repeated: it was compared when it was heard.
fn seen_view(row: &Row<'_>) -> Result<Option<SeenView>, StoreError> {
    let Some(seen_at) = row.get::<_, Option<i64>>(C::bank_seen_at_ms.at())? else {
        return Ok(None);
    };
    let view = BankView {
        order_number: None,
        order_id: order_id(row)?,
        status: BankStatus::from_number(row.get(C::bank_status.at())?),
        action_code: row.get(C::bank_action_code.at())?,
        amount: row.get(C::bank_amount_minor.at())?,
        currency: row.get::<_, Option<u16>>(C::bank_currency.at())?.map(currency).transpose()?,
        amounts: bank_amounts(row, [C::bank_approved_minor, C::bank_deposited_minor, C::bank_refunded_minor])?,
        points: bank_amounts(
            row,
            [C::bank_points_approved_minor, C::bank_points_deposited_minor, C::bank_points_refunded_minor],
        )?,
        counted_points: None,
        authorised_at: row.get::<_, Option<i64>>(C::bank_authorised_at_ms.at())?.map(at),
        payment_system: payment_system(row)?,
        chargeback: row.get(C::bank_chargeback.at())?,
        autocompletion_at: row.get::<_, Option<i64>>(C::autocompletion_at_ms.at())?.map(at),
    };
    Ok(Some(SeenView { view, seen_at: at(seen_at) }))
}

fn bank_amounts(row: &Row<'_>, places: [C; 3]) -> Result<Option<BankAmounts>, StoreError> {
    let [approved, deposited, refunded] = places.map(|place| row.get::<_, Option<i64>>(place.at()));
    Ok(approved?.zip(deposited?).zip(refunded?).map(|((approved, deposited), refunded)| BankAmounts {
        approved,
        deposited,
        refunded,
    }))
}

pub(super) fn shortened(words: &str) -> String {
    words.chars().take(WORDS_MAX).collect()
}
