//! Proposals beside their orders, and the way from a file of the first version.

use crate::domain::calendar::Zone;
use crate::domain::event::EventKind;
use crate::domain::guard::GuardPolicy;
use crate::domain::holds::{AtDeadline, CompletionSchedule, HoldPolicy};
use crate::domain::journey::Policy;
use crate::domain::operation::SettlePolicy;
use crate::domain::order::ReviewReason;
use crate::domain::polling::{LookPolicy, Pending};
use crate::domain::review::proposal::{Ask, Decision, LASTS, Outcome, Proposed, Word, decide};
use crate::domain::review::{self, ReviewError, Way};

use super::super::seal::ORDERS;
use super::*;

/// Completes what is held at once.
fn policy() -> Policy {
    Policy {
        looks: LookPolicy {
            pending: Pending::Tiers(Vec::new()),
            pending_old: MINUTE,
            trust_callbacks: true,
            held: MINUTE,
            review: MINUTE,
            late: Vec::new(),
            payment_time: MINUTE,
            backoff: MINUTE,
            backoff_max: MINUTE,
        },
        holds: HoldPolicy {
            lifetime: MINUTE * 100,
            by_system: std::collections::BTreeMap::new(),
            warn_at: vec![MINUTE],
            act_before: MINUTE,
            at_deadline: AtDeadline::Review,
        },
        guard: GuardPolicy { in_doubt_max: 3, daily_max_minor: 100_000, brake: true },
        schedule: CompletionSchedule::After(Duration::ZERO),
        settle: SettlePolicy {
            quiet: MINUTE,
            resend_whole: false,
            refund_tools: false,
            without_request: &[],
            attempts_max: 1,
            ask_every: MINUTE,
            ask_every_max: MINUTE,
        },
        zone: Zone::parse("Europe/Moscow").unwrap(),
    }
}

/// An order that was held before its review.
async fn in_review(store: &Store) -> Order {
    let before = added(store, "A-1").await;
    hold(store, &before, None, NOW.plus(MINUTE * 100)).await;
    change(store, &before, |order| {
        order.state = State::Review;
        order.review = Some(ReviewReason { code: "amount_differs:10000:9000".to_owned(), sentence: "90".to_owned() });
        order.before_review = Some(State::Held);
    })
    .await;
    order(store, "A-1").await
}

async fn said(store: &Store, order: &Order, ask: Ask, by: &str, now: Timestamp) -> Result<Decision, ReviewError> {
    let cause = Cause::Operator(by.to_owned());
    let word = Word { ask, reason: "so".to_owned(), by: by.to_owned(), cause };
    let done = store.amend_review(order.key, now, move |order, open, standing| {
        Amendment::of_decision(decide(order, open, standing, &word, &policy(), true, now), standing)
    });
    done.await.unwrap()
}

async fn kinds(store: &Store, order: &Order) -> Vec<EventKind> {
    store.events_of(order.key).await.unwrap().into_iter().map(|event| event.kind).collect()
}

const OURS: Ask = Ask::Do(Proposed::Way(Way::Ours));

#[tokio::test]
async fn a_proposal_waits_in_the_file_and_goes_with_its_resolution() {
    let file = File::new();
    let store = file.open();
    let review = in_review(&store).await;
    let first = said(&store, &review, OURS, "ann", NOW).await.unwrap();
    assert_eq!(first.outcome, Outcome::Proposed);
    assert_eq!(order(&store, "A-1").await, review, "the row stays as it was");
    drop(store);
    let store = file.open();
    assert_eq!(store.proposal(review.key).await.unwrap(), first.proposal, "it comes back as it was written");
    let again = said(&store, &review, Ask::Confirm, "ann", NOW).await;
    assert_eq!(again.unwrap_err(), ReviewError::SameName("ann".to_owned()));
    assert!(store.proposal(review.key).await.unwrap().is_some(), "a refusal writes nothing");
    let second = said(&store, &review, Ask::Confirm, "bob", NOW).await.unwrap();
    assert_eq!(second.outcome, Outcome::Done);
    let after = order(&store, "A-1").await;
    assert_eq!((after.state, after.before_review, after.complete_at), (State::Held, None, Some(NOW)));
    assert_eq!(store.proposal(review.key).await.unwrap(), None);
    let expected = [EventKind::Added, EventKind::ResolutionProposed, EventKind::ReviewResolved];
    assert_eq!(kinds(&store, &review).await, expected);
}

/// Looks that show nothing new do not make a proposal stale; what they show does.
#[tokio::test]
async fn a_proposal_for_another_state_of_things_is_not_confirmed() {
    let file = File::new();
    let store = file.open();
    let review = in_review(&store).await;
    let proposal = said(&store, &review, OURS, "ann", NOW).await.unwrap().proposal.unwrap();
    assert_eq!(proposal.version, review.version);
    change(&store, &review, |order| order.next_look_at = Some(NOW.plus(MINUTE))).await;
    let looked_at = order(&store, "A-1").await;
    assert_eq!(looked_at.next_look_at, Some(NOW.plus(MINUTE)));
    assert_eq!(proposal.standing(&looked_at, None, NOW), Ok(()));
    change(&store, &review, |order| order.parked = true).await;
    let stale = said(&store, &review, Ask::Confirm, "bob", NOW).await;
    assert_eq!(stale.unwrap_err(), ReviewError::Changed("ann".to_owned()));
    let anew = said(&store, &review, Ask::Withdraw, "bob", NOW).await.unwrap();
    assert_eq!((anew.outcome, store.proposal(review.key).await.unwrap()), (Outcome::Withdrawn, None));
}

#[tokio::test]
async fn a_proposal_lapses_and_gives_way_to_another() {
    let file = File::new();
    let store = file.open();
    let review = in_review(&store).await;
    said(&store, &review, OURS, "ann", NOW).await.unwrap();
    let late = NOW.plus(LASTS);
    let lapsed = said(&store, &review, Ask::Confirm, "bob", late).await;
    assert_eq!(lapsed.unwrap_err(), ReviewError::Lapsed { by: "ann".to_owned(), at: late });
    said(&store, &review, OURS, "bob", late).await.unwrap();
    assert_eq!(store.proposal(review.key).await.unwrap().map(|proposal| proposal.by).as_deref(), Some("bob"));
}

/// A file of the first version: what an order in review was before is read from the journal, and where that does not
/// tell, it stays unknown.
#[tokio::test]
async fn a_review_that_was_open_before_the_migration_knows_what_it_was() {
    let file = File::new();
    let raw = file.raw();
    raw.execute_batch(include_str!("../migrations/0001_orders.sql")).unwrap();
    let review = |number: &str| {
        raw.execute(
            "INSERT INTO orders (merchant, order_number, amount_minor, currency, state, state_since_ms, created_at_ms,
                next_look_at_ms, review_code, review_sentence) VALUES ('shop', ?1, 100, 643, 'review', 1, 1, 1, 'x', 'x')",
            [number],
        )
        .unwrap();
        raw.last_insert_rowid()
    };
    let (told, _untold) = (review("told"), review("untold"));
    for before in ["pending", "held"] {
        raw.execute(
            "INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
             VALUES (1, ?1, 'review_opened', 'look', ?2, 'review', 'x')",
            rusqlite::params![told, before],
        )
        .unwrap();
    }
    raw.pragma_update(None, "user_version", 1).unwrap();
    raw.pragma_update(None, "application_id", 0x7263_6e64).unwrap();
    drop(raw);
    let store = file.open_upgraded();
    assert_eq!(order(&store, "told").await.before_review, Some(State::Held));
    assert_eq!(order(&store, "untold").await.before_review, None);
    let checked = store.check_rows(NOW).await.unwrap();
    assert_eq!((checked.rows, checked.altered), (2, 0), "what the migration wrote has its seal");
}

/// From a person's word on, a hold's hours count: by a clock that is behind, it would be completed too early.
#[tokio::test]
async fn no_hold_leaves_review_by_a_clock_that_cannot_be_believed() {
    let file = File::new();
    let store = file.open();
    let review = in_review(&store).await;
    let resolve = || {
        store.amend(review.key, NOW, |order, open| {
            let act = review::resolve(order, open, Way::Ours, "asked", &policy(), Cause::Shop, NOW);
            Amendment::of_act(act)
        })
    };
    store.note_clock_doubt(Some("the bank's clock is 1d ahead of the host's".to_owned())).await.unwrap();
    let refused = resolve().await.unwrap_err();
    assert!(
        matches!(&refused, super::super::StoreError::ClockInDoubt(_)) && refused.to_string().contains("1d ahead"),
        "{refused}"
    );
    assert_eq!(order(&store, "A-1").await, review, "nothing was done");
    store.note_clock_doubt(None).await.unwrap();
    resolve().await.unwrap().unwrap();
    assert_eq!(order(&store, "A-1").await.state, State::Held);
}

/// A sealed file without the reviews: what the migration writes is sealed with it, and what was altered stays altered.
#[tokio::test]
async fn a_migration_of_a_sealed_file_seals_what_it_writes_and_hides_nothing() {
    let file = File::new();
    let store = file.open();
    let review = in_review(&store).await;
    let event = "INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
         VALUES (1, ?1, 'review_opened', 'look', 'held', 'review', 'x')";
    added(&store, "altered").await;
    drop(store);
    let ring = Ring::Keys { first: keys::find(&file.path()).unwrap().unwrap(), older: Vec::new() };
    let mut raw = file.raw();
    raw.execute(event, [review.key.0]).unwrap();
    // As the seal of a file that has no such column yet: NULL is no part of it.
    raw.execute("UPDATE orders SET state_before_review = NULL", []).unwrap();
    ring.seal(&raw, &ORDERS, review.key.0).unwrap();
    raw.execute_batch("ALTER TABLE orders DROP COLUMN state_before_review; DROP TABLE proposals").unwrap();
    raw.execute("UPDATE orders SET amount_minor = 9 WHERE order_number = 'altered'", []).unwrap();
    raw.execute_batch(
        "DROP TABLE witnessed; DROP TABLE answers; DROP TABLE registrations; DROP TABLE registration_words; ALTER TABLE orders DROP COLUMN bank_points_approved_minor;
         ALTER TABLE orders DROP COLUMN bank_points_deposited_minor;
         ALTER TABLE orders DROP COLUMN bank_points_refunded_minor",
    )
    .unwrap();
    raw.execute_batch("DROP TABLE login_refusals; DROP TABLE discoveries; DROP TABLE discovery_rounds").unwrap();
    raw.execute_batch("ALTER TABLE orders DROP COLUMN two_phase; DROP TABLE almanacs; DROP TABLE callbacks; DROP TABLE request_blocks; DROP TABLE paces")
        .unwrap();
    raw.execute_batch("DROP TABLE webhook_tests; DROP TABLE webhook_replays; DROP TABLE webhook_deliveries; DROP TABLE webhook_endpoints; DROP TABLE tokens; DROP TABLE request_keys; DROP TABLE journal_chain").unwrap();
    raw.pragma_update(None, "user_version", 4).unwrap();
    migrate::to_latest(&mut raw, &ring, &Home::of(&file.path()).unwrap()).unwrap();
    drop(raw);

    let store = file.open();
    assert_eq!(order(&store, "A-1").await.before_review, Some(State::Held));
    let checked = store.check_rows(NOW).await.unwrap();
    assert_eq!(checked.altered, 1, "{checked:?}");
    assert_eq!(order(&store, "altered").await.review.unwrap().code, "row_altered");
}
