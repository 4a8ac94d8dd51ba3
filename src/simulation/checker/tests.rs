//! The checker can see: each query finds the violation that is planted for it, and nothing where nothing is.

use std::collections::BTreeSet;

use super::*;
use crate::config::Config;
use crate::domain::bank::BankStatus;
use crate::domain::event::{Event, EventKind};
use crate::domain::operation::OperationKey;
use crate::domain::order::{Heard, MerchantId, OrderNumber, State};
use crate::domain::reconciliation::fixtures::{NOW, ago, order};
use crate::simulation::evidence::{ActKind, Backlog, Send, ToldStop};
use crate::store::OrderWithOperation;

const PRICE: i64 = 10_000;
const HELD_AT: i64 = NOW.as_millis() - 5 * 3_600_000;
const SENT_AT: i64 = NOW.as_millis() - 3 * 3_600_000;
const SETTLED_AT: i64 = SENT_AT + 100;

/// An hour after the hold, whole holds are completed.
const SHOP: &str = r#"
database = "x.db"
reports = "reports"
listen = "127.0.0.1:0"

[[merchant]]
name = "shop"
gateway = "http://127.0.0.1:1/payment/rest/"
user_name = "shop-api"
password = { public = "x" }

[merchant.completion]
when = "after"
delay = "1h"
"#;

fn merchant() -> MerchantConfig {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reconciled.toml");
    std::fs::write(&path, SHOP).unwrap();
    Config::load_with(&path, &|_| None).unwrap().merchants.remove(0)
}

fn event(at_ms: i64, kind: EventKind, before: State, after: State) -> SeenEvent {
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

fn effect(at_ms: i64, effect: Effect, is_ours: bool) -> BankEffect {
    BankEffect { at_ms, number: "A-1".to_owned(), effect, amount_minor: PRICE, is_ours }
}

fn send(at_ms: i64) -> Asked {
    Asked { at_ms, number: "A-1".to_owned(), send: Some(Send::Completion(PRICE)), fault: None }
}

/// One order, acknowledged, held, completed once and confirmed.
fn honest() -> Evidence {
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
    evidence.witnessed.push(Witnessed { what, at_ms: SENT_AT - 3 });
    evidence.asked.push(send(SENT_AT));
    evidence.effects = vec![
        effect(HELD_AT - 9, Effect::Registered, false),
        effect(HELD_AT, Effect::Held, false),
        effect(SENT_AT, Effect::Completed, true),
    ];
    evidence.reported_minor = Some(PRICE);
    evidence
}

fn found(evidence: &Evidence, calm: Duration) -> BTreeSet<&'static str> {
    let merchant = merchant();
    let terms =
        Terms { merchant: &merchant, now_ms: NOW.as_millis(), wall: NOW, calm, clock_is_set: false, is_swept: true };
    check(evidence, &terms).into_iter().map(|violation| violation.query).collect()
}

/// A day without anything that could excuse the daemon.
const CALM: Duration = Duration::from_secs(86_400);

#[test]
fn an_honest_history_violates_nothing() {
    assert_eq!(found(&honest(), CALM), BTreeSet::new());
}

/// A query and what is planted for it.
type Plant = (&'static str, fn(&mut Evidence));

fn open(evidence: &mut Evidence, state: OperationState) {
    let operation = &mut evidence.operations[0];
    (operation.state, operation.next_step_at, operation.intended_at) = (state, NOW, ago(20));
}

fn pending(evidence: &mut Evidence, change: impl FnOnce(&mut Order)) {
    let order = &mut evidence.orders[0].order;
    (order.state, order.view) = (State::Pending, None);
    change(order);
}

const PLANTS: [Plant; 30] = [
    ("two_effects_of_ours", |e| e.effects.push(effect(SENT_AT + 9, Effect::Completed, true))),
    ("sent_without_intent", |e| e.asked.push(send(SENT_AT + 9))),
    ("sent_without_intent", |e| e.intents.clear()),
    ("sent_without_intent", |e| e.asked[0].send = Some(Send::Completion(PRICE - 1))),
    ("sent_without_witness", |e| e.witnessed.clear()),
    ("sent_without_witness", |e| e.witnessed[0].at_ms = SENT_AT + 1),
    ("sent_without_witness", |e| e.witnessed.push(e.witnessed[0].clone())),
    ("sum_above_intent", |e| e.effects[2].amount_minor = PRICE + 1),
    ("confirmed_without_deposit", |e| e.effects.truncate(2)),
    ("confirmed_without_deposit", |e| e.effects[2].at_ms = SETTLED_AT + 1),
    ("sent_without_intent", |e| e.asked[0].send = Some(Send::Reversal)),
    ("two_effects_of_ours", |e| e.effects.push(effect(SENT_AT + 9, Effect::Reversed, true))),
    ("confirmed_without_letting_go", |e| {
        e.operations[0].kind = OperationKind::Reversal;
        e.events[4].event.kind = EventKind::ReversalConfirmed;
    }),
    ("sent_while_stopped", |e| {
        let scope = "all money".to_owned();
        e.stops.push(ToldStop { from_ms: SENT_AT - 1, until_ms: None, scope, number: None });
    }),
    ("too_many_in_doubt", |e| others_before(e, &[], 3)),
    ("above_the_daily_sum", |e| e.asked[0].send = Some(Send::Completion(100_000_001))),
    ("sent_after_parking", |e| {
        e.acts.push(ToldAct { at_ms: SENT_AT - 1, number: "A-1".to_owned(), kind: ActKind::Park });
    }),
    ("two_open_operations", |e| {
        open(e, OperationState::InDoubt);
        let another = Operation { key: OperationKey(2), ..e.operations[0].clone() };
        e.operations.push(another);
    }),
    ("acknowledged_and_lost", |e| e.orders.clear()),
    ("acknowledged_and_lost", |e| e.told.get_mut("A-1").unwrap().amount_minor = PRICE - 1),
    ("silent", |e| pending(e, |order| order.next_look_at = None)),
    ("silent", |e| pending(e, |order| order.next_look_at = Some(NOW.plus(CALM)))),
    ("overdue", |e| pending(e, |order| order.next_look_at = Some(ago(3)))),
    ("forbidden_transition", |e| e.events[3].event.before = State::Declined),
    ("early", |e| e.effects[1].at_ms = SENT_AT - 1_000),
    ("unsettled", |e| open(e, OperationState::InDoubt)),
    ("book_differs_from_bank", |e| e.effects[2].amount_minor = PRICE - 1),
    ("over_budget", |e| e.asked.extend(std::iter::repeat_n(send(SENT_AT), 30))),
    ("backlog_not_worked_off", |e| {
        let numbers = vec!["A-1".to_owned()];
        e.backlogs.push(Backlog { from_ms: SETTLED_AT + 1, until_ms: NOW.as_millis(), numbers });
    }),
    ("report_differs_from_ledger", |e| e.reported_minor = Some(PRICE + 1)),
];

/// So many other orders were sent for before A-1 was, each of which has `later` in the journal by then.
fn others_before(evidence: &mut Evidence, later: &[EventKind], count: usize) {
    let sent_at = evidence.events.iter().position(|seen| seen.event.kind == EventKind::CompletionSent).unwrap();
    let mut before = Vec::new();
    for nth in 0..count {
        let number = format!("B-{nth}");
        for kind in [EventKind::CompletionSent].iter().chain(later) {
            let mut seen = event(SENT_AT - 60, *kind, State::Held, State::Held);
            seen.event.number = OrderNumber::new(&number, 32).unwrap();
            before.push(seen);
        }
        evidence.intents.push(Intent { at_ms: SENT_AT - 60, number: number.clone() });
        evidence.asked.insert(nth, Asked { number, ..send(SENT_AT - 50) });
    }
    evidence.events.splice(sent_at..sent_at, before);
}

/// R7: three may be in doubt here, and what ends a doubt makes room for another send.
#[test]
fn so_many_may_be_in_doubt_and_no_more() {
    use EventKind::*;
    type Also = fn(&mut Evidence);
    let nothing: Also = |_| {};
    let table: [(&str, &[EventKind], usize, Also, bool); 13] = [
        ("two others", &[], 2, nothing, false),
        ("three others", &[], 3, nothing, true),
        ("three others, answered", &[CompletionAnswered], 3, nothing, true),
        ("three others, before a person", &[CompletionEscalated, ReviewOpened], 3, nothing, true),
        ("three others, looked at", &[StatusUnrecognised], 3, nothing, true),
        ("of which nothing left the host", &[CompletionAnswered], 3, |e| drop(e.asked.drain(..3)), false),
        ("confirmed", &[CompletionConfirmed], 3, nothing, false),
        ("refused", &[CompletionAnswered, CompletionRefused], 3, nothing, false),
        ("contradicted", &[CompletionContradicted], 3, nothing, false),
        ("resolved by a person", &[CompletionEscalated, ReviewOpened, ReviewResolved], 3, nothing, false),
        ("let go", &[ReversalConfirmed], 3, nothing, false),
        ("sent again after an end", &[CompletionConfirmed, ReversalSent], 3, nothing, true),
        (
            "a reversal counts like a completion",
            &[],
            3,
            |e| {
                let sent = e.events.iter_mut().filter(|seen| seen.event.kind == CompletionSent);
                sent.for_each(|seen| seen.event.kind = ReversalSent);
            },
            true,
        ),
    ];
    for (case, later, count, also, is_too_many) in table {
        let mut evidence = honest();
        others_before(&mut evidence, later, count);
        also(&mut evidence);
        assert_eq!(found(&evidence, CALM).contains("too_many_in_doubt"), is_too_many, "{case}");
    }
}

/// R7: the day is counted between intents, so that two sends may arrive within it by as much as a way to the bank takes.
#[test]
fn a_day_between_two_sends_may_be_shorter_by_a_way_to_the_bank() {
    const DAY: i64 = 86_400_000;
    const WAY: i64 = 20;
    // Half of what a merchant allows by default, and a kopeck: twice is too much.
    const HALF: i64 = 50_000_001;
    for (case, apart, is_above) in [
        ("a whole day apart", DAY, false),
        ("a day between the intents, and the first took longest", DAY - WAY + 1, false),
        ("a day less the whole way", DAY - WAY, false),
        ("within the day", DAY - WAY - 1, true),
        ("at once", 0, true),
    ] {
        let mut evidence = honest();
        let half = |number: &str, at_ms| Asked {
            number: number.to_owned(),
            send: Some(Send::Completion(HALF)),
            ..send(at_ms)
        };
        evidence.asked = vec![half("B-1", SENT_AT - apart), half("A-1", SENT_AT)];
        assert_eq!(found(&evidence, CALM).contains("above_the_daily_sum"), is_above, "{case}");
    }
}

/// A look that never reached the bank is in our book alone, with the time of our clock, which may be a year behind.
#[test]
fn a_look_written_down_by_a_wrong_clock_works_off_a_backlog() {
    const YEAR: i64 = 31_536_000_000;
    let wall = Timestamp::from_millis(NOW.as_millis() - YEAR);
    let from_ms = SETTLED_AT + 1;
    for (case, heard_at, is_behind) in [
        ("not looked at", None, true),
        ("looked at before the outage ended", Some(from_ms - 1 - YEAR), true),
        ("looked at in time, by our clock", Some(from_ms - YEAR), false),
        ("looked at then, by the bank's clock", Some(from_ms), true),
    ] {
        let mut evidence = honest();
        evidence.orders[0].order.heard =
            heard_at.map(|at| Heard { at: Timestamp::from_millis(at), words: "no answer".to_owned() });
        let numbers = vec!["A-1".to_owned()];
        evidence.backlogs.push(Backlog { from_ms, until_ms: NOW.as_millis(), numbers });
        let merchant = merchant();
        let now_ms = NOW.as_millis();
        let terms = Terms { merchant: &merchant, now_ms, wall, calm: CALM, clock_is_set: true, is_swept: true };
        let found = check(&evidence, &terms);
        assert_eq!(found.iter().any(|found| found.query == "backlog_not_worked_off"), is_behind, "{case}");
    }
}

#[test]
fn every_query_finds_what_is_planted_for_it() {
    let mut seen = BTreeSet::new();
    for (nth, (query, plant)) in PLANTS.into_iter().enumerate() {
        let mut evidence = honest();
        plant(&mut evidence);
        let found = found(&evidence, CALM);
        assert!(found.contains(query), "plant {nth} for {query}: only {found:?}");
        seen.insert(query);
    }
    let mut evidence = honest();
    evidence.rivals.push((SENT_AT, true));
    evidence.failures.push((SENT_AT, "no".to_owned()));
    seen.extend(found(&evidence, CALM));
    let all: BTreeSet<_> =
        of_order::QUERIES.iter().map(|(name, _)| *name).chain(of_all::QUERIES.iter().map(|(name, _)| *name)).collect();
    assert_eq!(seen, all, "every query has its plant");
}
