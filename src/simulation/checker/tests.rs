//! The checker can see: each query finds the violation that is planted for it, and nothing where nothing is.

pub(in crate::simulation) mod histories;

use std::collections::BTreeSet;

use self::histories::*;
use super::*;
use crate::domain::event::EventKind;
use crate::domain::operation::OperationKey;
use crate::domain::order::{Heard, OrderNumber, State};
use crate::domain::reconciliation::fixtures::{NOW, ago};
use crate::domain::registration::journey::State as Standing;
use crate::simulation::evidence::{ActKind, Backlog, Send, ToldStop};
use crate::store::{Fault, Verdict, Wrong};

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
    let again = |mut evidence: Evidence, minor| {
        give_back(&mut evidence, GIVEN_BACK_AT + 600_000, minor, PART);
        evidence
    };
    let table = [
        ("a completion", honest()),
        ("a refund", refunded()),
        ("all that is left as well", again(refunded(), PRICE - PART)),
        ("a refund ordered since it was parked", refunded_once_parked()),
        ("a reversal that was ordered", let_go()),
        ("a decline", called_off()),
        ("a registration", handed_in(Standing::Registered)),
        ("one that came too late", came_too_late()),
    ];
    for (case, evidence) in table {
        assert_eq!(found(&evidence, CALM), BTreeSet::new(), "{case}");
    }
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

const PLANTS: [Plant; 32] = [
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
    ("unseen", |e| {
        pending(e, |order| order.next_look_at = Some(NOW));
        e.asked[0].at_ms = ago(20).as_millis();
    }),
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
    ("journal_not_whole", |e| {
        e.journal = Some(Ok(Verdict::Broken(Fault { seq: 5, at: None, wrong: Wrong::Altered })));
    }),
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

/// A database that was put back knows what was ordered before, and nothing since: neither an order nor that one was
/// taken back.
#[test]
fn an_old_copy_brings_back_what_was_in_force_when_it_was_made() {
    type Case<'a> = (&'static str, &'a [(i64, ActKind)], Option<Verb>, Option<ActKind>);
    const COPIED_AT: i64 = 10;
    const PUT_BACK_AT: i64 = 100;
    let order = |verb| ActKind::Order(verb);
    let (refund, all) = (Verb::Refund(Some(sum(PART))), Verb::Refund(None));
    let table: [Case<'_>; 6] = [
        ("nothing since", &[(5, order(refund))], Some(refund), None),
        ("taken back since", &[(5, order(refund)), (50, order(Verb::TakeBack))], Some(refund), Some(ActKind::Release)),
        ("taken back before", &[(5, order(refund)), (6, order(Verb::TakeBack))], None, None),
        ("another since", &[(5, order(refund)), (50, order(all))], Some(refund), Some(ActKind::Release)),
        ("parked before, released since", &[(5, ActKind::Park), (50, ActKind::Release)], None, Some(ActKind::Park)),
        (
            "ordered after it was parked, and more since",
            &[(5, ActKind::Park), (6, order(Verb::Reverse)), (50, ActKind::Release)],
            Some(Verb::Reverse),
            Some(ActKind::Park),
        ),
    ];
    for (name, acts, in_force, planned) in table {
        let mut evidence = Evidence::default();
        let told = acts.iter().map(|(at_ms, kind)| ToldAct { at_ms: *at_ms, number: "A-1".to_owned(), kind: *kind });
        evidence.acts.extend(told);
        evidence.forget_since(COPIED_AT, PUT_BACK_AT);
        let cases = cases(&evidence);
        let (case, later) = (&cases["A-1"], PUT_BACK_AT + 1);
        assert_eq!(case.in_force(later).map(|(_, verb)| verb), in_force, "{name}");
        let stood = case.acts.iter().rfind(|act| act.at_ms == PUT_BACK_AT && !matches!(act.kind, ActKind::Order(_)));
        assert_eq!(stood.map(|act| act.kind), planned, "{name}");
    }
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

/// R7: the day is counted between intents, so that two sends may arrive within it by as much as a way to the bank
/// takes.
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

const PLANTS_OF_REGISTRATIONS: [PlantInto; 10] = [
    ("handed_in_and_lost", came_too_late, |e| e.registrations.clear()),
    ("handed_in_and_lost", came_too_late, |e| e.registrations[0].amount = sum(PRICE + 1)),
    ("registered_and_lost", || handed_in(Standing::Registered), |e| e.orders.clear()),
    ("registered_and_lost", || handed_in(Standing::Refused), |_| {}),
    ("registered_and_lost", came_too_late, |e| e.effects[0].at_ms = HANDED_IN_AT + 19 * 60_000),
    ("registered_and_lost", came_too_late, |e| e.registrations.clear()),
    ("registered_unasked", || handed_in(Standing::Registered), |e| e.handed_in.clear()),
    ("registered_unasked", came_too_late, |e| e.handed_in.clear()),
    ("registration_unsettled", || handed_in(Standing::InDoubt), |_| {}),
    ("registration_unsettled", || handed_in(Standing::Intended), |_| {}),
];

#[test]
fn a_registration_may_be_open_while_things_go_wrong_and_gone_with_the_database() {
    for state in [Standing::Intended, Standing::InDoubt] {
        assert_eq!(found(&handed_in(state), Duration::ZERO), BTreeSet::new(), "{state}");
    }
    let mut put_back = came_too_late();
    put_back.forget_since(HANDED_IN_AT - 1, HANDED_IN_AT + 60_000);
    put_back.registrations.clear();
    assert_eq!(found(&put_back, CALM), BTreeSet::new(), "an older copy never heard of it");
}

/// What is planted into a history in which a person ordered something.
type PlantInto = (&'static str, fn() -> Evidence, fn(&mut Evidence));

const PLANTS_OF_VERBS: [PlantInto; 28] = [
    ("sent_without_order", refunded, |e| e.acts.clear()),
    ("sent_without_order", refunded, |e| e.acts[0].at_ms = GIVEN_BACK_AT + 1),
    ("sent_without_order", refunded, |e| e.acts[0].kind = ActKind::Order(Verb::Refund(Some(sum(PART - 1))))),
    ("sent_without_order", refunded, |e| e.acts[0].kind = ActKind::Order(Verb::Decline)),
    ("sent_without_order", refunded, |e| e.acts.push(ordered(GIVEN_BACK_AT - 1, Verb::TakeBack))),
    ("sent_without_order", called_off, |e| e.acts.clear()),
    ("sent_without_order", called_off, |e| e.acts.push(ordered(SENT_AT - 1, Verb::TakeBack))),
    ("early", let_go, |e| e.acts.clear()),
    ("early", let_go, |e| e.acts[0].at_ms = SENT_AT + 1),
    ("early", let_go, |e| e.acts.push(ordered(SENT_AT - 1, Verb::TakeBack))),
    ("sent_after_parking", let_go, |e| {
        e.acts.push(ToldAct { at_ms: SENT_AT - 1, number: "A-1".to_owned(), kind: ActKind::Park });
    }),
    ("sent_after_parking", let_go, |e| e.asked[0].send = Some(Send::Completion(0))),
    ("sent_after_parking", refunded, |e| {
        e.acts.push(ToldAct { at_ms: GIVEN_BACK_AT - 1, number: "A-1".to_owned(), kind: ActKind::Park });
    }),
    ("sent_without_intent", refunded, |e| e.refunds.clear()),
    ("sent_without_witness", refunded, |e| e.witnessed[1].expected_minor = PART + 1),
    ("refunded_without_intent", refunded, |e| e.refunds.clear()),
    ("refunded_without_intent", refunded, |e| e.effects[3].amount_minor = PART + 1),
    ("refunded_without_intent", refunded, |e| e.witnessed.truncate(1)),
    ("refunded_without_intent", refunded, |e| e.witnessed[1].at_ms = GIVEN_BACK_AT + 1),
    ("two_effects_of_one_refund", refunded, |e| e.effects.push(e.effects[3].clone())),
    ("two_effects_of_one_refund", refunded, |e| {
        // As many of the sum as there were refunds of it, and both of one refund.
        give_back(e, GIVEN_BACK_AT + 600_000, PART, PART);
        e.effects[4].request = e.effects[3].request;
    }),
    ("refunded_above_deposited", refunded, |e| give_back(e, GIVEN_BACK_AT + 600_000, PRICE, PART)),
    ("refunded_above_deposited", refunded, |e| {
        // The bank would not: it is asked for all the same.
        give_back(e, GIVEN_BACK_AT + 600_000, PRICE, PART);
        e.effects.truncate(4);
    }),
    ("confirmed_without_giving_back", refunded, |e| e.effects.truncate(3)),
    ("confirmed_without_giving_back", refunded, |e| e.effects[3].at_ms = GIVEN_BACK_AT + 101),
    ("confirmed_without_closing", called_off, |e| e.effects.truncate(1)),
    ("book_differs_from_bank", refunded, |e| e.effects[3].amount_minor = PART - 1),
    ("above_the_daily_sum", refunded, |e| e.asked[1].send = Some(Send::Refund(100_000_001))),
];

#[test]
fn every_query_finds_what_is_planted_for_it() {
    let mut seen = BTreeSet::new();
    let plants = PLANTS.into_iter().map(|(query, plant)| (query, honest as fn() -> Evidence, plant));
    for (nth, (query, history, plant)) in plants.chain(PLANTS_OF_VERBS).chain(PLANTS_OF_REGISTRATIONS).enumerate() {
        let mut evidence = history();
        plant(&mut evidence);
        let found = found(&evidence, CALM);
        assert!(found.contains(query), "plant {nth} for {query}: only {found:?}");
        seen.insert(query);
    }
    let mut evidence = honest();
    evidence.rivals.push((SENT_AT, true));
    evidence.failures.push((SENT_AT, "no".to_owned()));
    seen.extend(found(&evidence, CALM));
    let of_order = of_order::QUERIES.iter().chain(&of_verbs::QUERIES).chain(&of_registrations::QUERIES);
    let of_order = of_order.map(|(name, _)| *name);
    let all: BTreeSet<_> = of_order.chain(of_all::QUERIES.iter().map(|(name, _)| *name)).collect();
    assert_eq!(seen, all, "every query has its plant");
}
