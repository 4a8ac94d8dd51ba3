//! What a clock that was wrong leaves behind, and how it is found.

use crate::domain::completion;
use crate::domain::holds::CLOCK_TOLERANCE;
use crate::domain::operation::OperationState;

use super::super::{Horizon, PulledIn};
use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Open orders are looked at within an hour, ended ones within thirty days, and an open operation within ten minutes.
fn horizon(now: Timestamp) -> Horizon {
    Horizon {
        looks: [State::Pending, State::Held, State::Review].map(|state| (state, now.plus(HOUR))).to_vec(),
        late_looks: now.plus(HOUR * 24 * 30),
        steps: now.plus(MINUTE * 10),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// Everything was planned by a clock that showed NOW; then the clock is set. What lies further ahead than any plan
/// reaches is due at once; everything else stays as it was.
#[tokio::test]
async fn what_is_planned_beyond_every_bound_is_due_now() {
    let nothing = PulledIn::default();
    let all = PulledIn { looks: 4, steps: 1 };
    let table = [
        ("as it was", NOW, nothing),
        ("set on by an hour", NOW.plus(HOUR), nothing),
        ("set on by a year", NOW.plus(YEAR), nothing),
        ("2038", at("2038-01-19T03:14:08Z"), nothing),
        ("set back by a minute", NOW.minus(MINUTE), nothing),
        ("set back by an hour", NOW.minus(HOUR), PulledIn { looks: 3, steps: 1 }),
        ("set back by a year", NOW.minus(YEAR), all),
        ("1970", Timestamp::from_millis(0), all),
    ];
    for (what, now, expected) in table {
        let file = File::new();
        let store = file.open();
        for (text, state, next_look) in [
            ("pending", State::Pending, MINUTE * 10),
            ("held", State::Held, MINUTE * 10),
            ("review", State::Review, MINUTE * 10),
            ("deposited", State::Deposited, HOUR * 24 * 20),
        ] {
            let fresh = added(&store, text).await;
            hold(&store, &fresh, None, NOW.plus(HOUR)).await;
            let fresh = order(&store, text).await;
            change(&store, &fresh, move |order| {
                order.state = state;
                order.review = (state == State::Review)
                    .then(|| crate::domain::order::ReviewReason { code: "x".to_owned(), sentence: "x".to_owned() });
                order.next_look_at = Some(NOW.plus(next_look));
            })
            .await;
        }
        let held = order(&store, "held").await;
        intend(&store, &held, NOW.plus(MINUTE)).await;
        let pulled = store.pull_in(&shop(), horizon(now), now).await.unwrap();
        assert_eq!(pulled, expected, "{what}");
        assert_eq!(store.pull_in(&shop(), horizon(now), now).await.unwrap(), nothing, "{what}: once");
        if expected == all {
            for text in ["pending", "held", "review", "deposited"] {
                assert_eq!(order(&store, text).await.next_look_at, Some(now), "{what}: {text}");
            }
            assert_eq!(operation(&store, "held").await.map(|open| open.next_step_at), Some(now), "{what}");
        }
    }
}

#[tokio::test]
async fn another_merchants_orders_and_settled_operations_are_left_alone() {
    let file = File::new();
    let store = file.open();
    let held = added(&store, "A-1").await;
    hold(&store, &held, None, NOW.plus(HOUR)).await;
    let held = order(&store, "A-1").await;
    intend(&store, &held, NOW).await;
    let open = operation(&store, "A-1").await.unwrap();
    let settled = OperationChange::Update(Operation { state: OperationState::Withdrawn, ..open });
    store.amend(held.key, NOW, move |_, _| Amendment { operation: settled, ..Amendment::nothing(()) }).await.unwrap();
    let (other, back) = (MerchantId::new("other").unwrap(), NOW.minus(YEAR));
    assert_eq!(store.pull_in(&other, horizon(back), back).await.unwrap(), PulledIn::default());
    assert_eq!(store.pull_in(&shop(), horizon(back), back).await.unwrap(), PulledIn { looks: 1, steps: 0 });
}

#[tokio::test]
async fn a_hold_in_the_future_is_found_and_counts_from_now() {
    let file = File::new();
    let store = file.open();
    let fresh = added(&store, "A-1").await;
    hold(&store, &fresh, None, NOW.plus(HOUR * 120)).await;
    for (now, found) in
        [(NOW, 0), (NOW.plus(YEAR), 0), (NOW.minus(MINUTE), 0), (NOW.minus(HOUR), 1), (NOW.minus(YEAR), 1)]
    {
        let holds = store.holds_seen_after(&shop(), now.plus(CLOCK_TOLERANCE), 10).await.unwrap();
        assert_eq!(holds.len(), found, "{now}");
        if let [found] = holds.as_slice() {
            let (corrected, _) = completion::planned_anew(&found.order, &policy(), now).unwrap();
            assert_eq!(corrected.hold.unwrap().held_at, now);
            assert!(corrected.complete_at.or(corrected.deadline_at).is_some(), "{now}: it has a plan");
        }
    }
}

/// Five days, completed on release, review three hours before the lapse.
fn policy() -> crate::domain::journey::Policy {
    use crate::domain::holds::{AtDeadline, CompletionSchedule, HoldPolicy};
    use crate::domain::operation::SettlePolicy;
    use crate::domain::polling::{LookPolicy, Pending};
    crate::domain::journey::Policy {
        guard: crate::domain::guard::GuardPolicy { in_doubt_max: 3, daily_max_minor: 100_000, brake: true },
        looks: LookPolicy {
            pending: Pending::Tiers(Vec::new()),
            pending_old: HOUR,
            trust_callbacks: true,
            held: HOUR,
            review: HOUR,
            late: Vec::new(),
            payment_time: HOUR,
            backoff: MINUTE,
            backoff_max: HOUR,
        },
        holds: HoldPolicy {
            lifetime: HOUR * 120,
            by_system: std::collections::BTreeMap::new(),
            warn_at: vec![HOUR * 24],
            act_before: HOUR * 3,
            at_deadline: AtDeadline::Review,
        },
        schedule: CompletionSchedule::OnRelease,
        settle: SettlePolicy {
            quiet: HOUR,
            resend_whole: true,
            refund_tools: false,
            without_request: &[],
            attempts_max: 3,
            ask_every: MINUTE,
            ask_every_max: MINUTE * 10,
        },
        zone: crate::domain::calendar::Zone::parse("Europe/Moscow").unwrap(),
    }
}
