//! Histories in which nothing is wrong, for the queries to be tried on: an order completed, given back, let go, called
//! off, registered.

use super::super::*;
use crate::config::Config;
use crate::domain::bank::BankStatus;
use crate::domain::event::{Event, EventKind};
use crate::domain::money::Amount;
use crate::domain::operation::{CompletionAmount, OperationKey};
use crate::domain::order::{MerchantId, OrderNumber, State};
use crate::domain::reconciliation::fixtures::{NOW, ago, order};
use crate::domain::registration::journey::{RegistrationKey, State as Standing};
use crate::simulation::evidence::{ActKind, Send};
use crate::store::OrderWithOperation;

pub(super) const PRICE: i64 = 10_000;
pub(super) const HELD_AT: i64 = NOW.as_millis() - 5 * 3_600_000;
pub(super) const SENT_AT: i64 = NOW.as_millis() - 3 * 3_600_000;
pub(super) const SETTLED_AT: i64 = SENT_AT + 100;

/// An hour after the hold, whole holds are completed.
pub(super) const SHOP: &str = r#"
database = "x.db"
reports = "reports"
listen = "127.0.0.1:0"

[[merchant]]
name = "shop"
gateway = "http://127.0.0.1:1/payment/rest/"
user_name = "shop-api"
password = { public = "x" }

[merchant.looks]
pending_old = "6h"

[merchant.completion]
when = "after"
delay = "1h"
"#;

pub(in crate::simulation) fn merchant() -> MerchantConfig {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reconciled.toml");
    std::fs::write(&path, SHOP).unwrap();
    Config::load_with(&path, &|_| None).unwrap().merchants.remove(0)
}

pub(super) fn event(at_ms: i64, kind: EventKind, before: State, after: State) -> SeenEvent {
    let event = Event {
        seq: at_ms,
        at: Timestamp::from_millis(at_ms),
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new("A-1", 32).unwrap(),
        kind,
        cause: "look".to_owned(),
        before,
        after,
        detail: String::new(),
    };
    SeenEvent { at_ms, event }
}

pub(super) fn effect(at_ms: i64, effect: Effect, is_ours: bool) -> BankEffect {
    let request = is_ours.then(|| at_ms.unsigned_abs());
    BankEffect { at_ms, number: "A-1".to_owned(), effect, amount_minor: PRICE, request }
}

pub(in crate::simulation) fn send(at_ms: i64) -> Asked {
    let (seq, number) = (at_ms.unsigned_abs(), "A-1".to_owned());
    Asked { seq, at_ms, number, send: Some(Send::Completion(PRICE)), registers: false, fault: None }
}

/// One order, acknowledged, held, completed once and confirmed.
pub(super) fn honest() -> Evidence {
    let found = order("A-1", State::Deposited).bank(BankStatus::Deposited, [PRICE, PRICE, 0]).completion(
        OperationState::Confirmed,
        PRICE,
        1,
    );
    let mut evidence = Evidence::default();
    evidence.told.insert("A-1".to_owned(), Told { at_ms: ago(24).as_millis(), amount_minor: PRICE });
    evidence.operations.extend(found.operation.clone());
    evidence.orders.push(OrderWithOperation { order: found.order, operation: found.operation });
    evidence.events = vec![
        event(ago(24).as_millis(), EventKind::Added, State::Pending, State::Pending),
        event(HELD_AT, EventKind::Changed, State::Pending, State::Held),
        event(SENT_AT - 5, EventKind::CompletionSent, State::Held, State::Held),
        event(SETTLED_AT, EventKind::Changed, State::Held, State::Deposited),
        event(SETTLED_AT, EventKind::CompletionConfirmed, State::Deposited, State::Deposited),
    ];
    evidence.intents.push(Intent { at_ms: SENT_AT - 5, number: "A-1".to_owned() });
    let what = Intended { number: "A-1".to_owned(), kind: OperationKind::Completion, minor: Some(PRICE) };
    evidence.intended.insert(what.clone());
    evidence.witnessed.push(Witnessed { what, expected_minor: PRICE, at_ms: SENT_AT - 3 });
    evidence.asked.push(send(SENT_AT));
    evidence.effects = vec![
        effect(HELD_AT - 9, Effect::Registered, false),
        effect(HELD_AT, Effect::Held, false),
        effect(SENT_AT, Effect::Completed, true),
    ];
    evidence.reported_minor = Some(PRICE);
    evidence
}

pub(super) const ORDERED_AT: i64 = SETTLED_AT + 60_000;
pub(super) const GIVEN_BACK_AT: i64 = ORDERED_AT + 60_000;
pub(super) const PART: i64 = PRICE / 2;

pub(super) fn ordered(at_ms: i64, verb: Verb) -> ToldAct {
    ToldAct { at_ms, number: "A-1".to_owned(), kind: ActKind::Order(verb) }
}

pub(super) fn sum(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

/// Of which, once decided, `minor` are sent for, and given back at `at_ms`, after `before_minor` were.
pub(super) fn give_back(evidence: &mut Evidence, at_ms: i64, minor: i64, before_minor: i64) {
    let number = "A-1".to_owned();
    evidence.acts.push(ordered(at_ms - 60_000, Verb::Refund(Some(sum(minor)))));
    evidence.refunds.insert((number.clone(), at_ms - 60_000), Refund { minor, before_minor });
    evidence.intents.push(Intent { at_ms: at_ms - 5, number: number.clone() });
    let what = Intended { number, kind: OperationKind::Refund, minor: Some(minor) };
    evidence.intended.insert(what.clone());
    evidence.witnessed.push(Witnessed { what, expected_minor: minor, at_ms: at_ms - 3 });
    evidence.asked.push(Asked { send: Some(Send::Refund(minor)), ..send(at_ms) });
    evidence.effects.push(BankEffect { amount_minor: minor, ..effect(at_ms, Effect::Refunded, true) });
    let whole = evidence.operations[0].clone();
    evidence.operations.push(Operation {
        key: OperationKey(whole.key.0 + at_ms),
        kind: OperationKind::Refund,
        amount: CompletionAmount::Exactly(sum(minor)),
        ordered: true,
        expected_minor: Some(minor),
        refunded_before: Some(before_minor),
        intended_at: Timestamp::from_millis(at_ms - 60_000),
        ..whole
    });
    evidence.events.extend([
        event(at_ms - 5, EventKind::RefundSent, State::Deposited, State::Deposited),
        event(at_ms + 100, EventKind::RefundConfirmed, State::Deposited, State::Deposited),
    ]);
    let seen = evidence.orders[0].order.view.as_mut().unwrap();
    seen.view.amounts.as_mut().unwrap().refunded = before_minor + minor;
}

/// The honest order, half of whose money was given back since.
pub(super) fn refunded() -> Evidence {
    let mut evidence = honest();
    give_back(&mut evidence, GIVEN_BACK_AT, PART, 0);
    evidence
}

/// Parked, then taken at the bank's console, and given back since a person ordered that.
pub(super) fn refunded_once_parked() -> Evidence {
    let mut evidence = refunded();
    evidence.acts.insert(0, ToldAct { at_ms: ORDERED_AT - 1, number: "A-1".to_owned(), kind: ActKind::Park });
    evidence
}

/// Held, and let go since a person ordered it, long before its deadline.
pub(super) fn let_go() -> Evidence {
    let mut evidence = ended_by(OperationKind::Reversal, Send::Reversal, Effect::Reversed, State::Reversed);
    evidence.acts.push(ordered(SENT_AT - 60_000, Verb::Reverse));
    evidence.events[2].event.kind = EventKind::ReversalSent;
    evidence.events[4].event.kind = EventKind::ReversalConfirmed;
    evidence
}

/// Never paid, and called off since a person ordered it.
pub(super) fn called_off() -> Evidence {
    let mut evidence = ended_by(OperationKind::Decline, Send::Decline, Effect::CalledOff, State::Declined);
    evidence.acts.push(ordered(SENT_AT - 60_000, Verb::Decline));
    evidence.effects.remove(1);
    evidence.events[2].event.kind = EventKind::DeclineSent;
    evidence.events[4].event.kind = EventKind::DeclineConfirmed;
    evidence.events.remove(1);
    evidence.events[1].event.before = State::Pending;
    evidence.events[1].event.after = State::Pending;
    evidence.events[2].event.before = State::Pending;
    evidence
}

/// The honest order with another end.
pub(super) fn ended_by(kind: OperationKind, sent: Send, took: Effect, state: State) -> Evidence {
    let mut evidence = honest();
    let what = Intended { number: "A-1".to_owned(), kind, minor: None };
    evidence.operations[0].kind = kind;
    evidence.intended = [what.clone()].into();
    evidence.witnessed[0].what = what;
    evidence.asked[0].send = Some(sent);
    evidence.effects[2].effect = took;
    let order = &mut evidence.orders[0].order;
    order.state = state;
    order.view.as_mut().unwrap().view.amounts.as_mut().unwrap().deposited = 0;
    evidence.events[3].event.after = state;
    evidence.events[4].event.before = state;
    evidence.events[4].event.after = state;
    evidence.reported_minor = Some(0);
    evidence
}

pub(super) const HANDED_IN_AT: i64 = SENT_AT - 60 * 60_000;

/// Handed in to be registered, and in this state; where it is registered, in the queue as well.
pub(super) fn handed_in(state: Standing) -> Evidence {
    let mut evidence = honest();
    evidence.told.clear();
    evidence.handed_in.insert("A-1".to_owned(), Told { at_ms: HANDED_IN_AT, amount_minor: PRICE });
    evidence.effects[0] = effect(HANDED_IN_AT + 60_000, Effect::Registered, true);
    evidence.registrations.push(Registration {
        key: RegistrationKey(1),
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new("A-1", 32).unwrap(),
        amount: sum(PRICE),
        currency: evidence.orders[0].order.currency,
        document: None,
        state,
        attempt: 1,
        doubtful: false,
        unknown_in_a_row: 0,
        created_at: Timestamp::from_millis(HANDED_IN_AT),
        sent_at: Some(Timestamp::from_millis(HANDED_IN_AT + 30_000)),
        next_step_at: (!state.is_settled()).then_some(NOW),
        stuck_since: None,
        order_id: None,
        form_url: None,
        refusal_code: None,
        note: None,
    });
    if state != Standing::Registered {
        evidence.orders.clear();
        evidence.operations.clear();
        evidence.effects.truncate(1);
        evidence.asked.clear();
        evidence.intents.clear();
        evidence.intended.clear();
        evidence.witnessed.clear();
        evidence.events.clear();
        evidence.reported_minor = Some(0);
    }
    evidence
}

/// Refused, and the bank's registration came when it had been given up.
pub(super) fn came_too_late() -> Evidence {
    let mut evidence = handed_in(Standing::Refused);
    evidence.effects[0].at_ms = HANDED_IN_AT + 21 * 60_000;
    evidence
}
