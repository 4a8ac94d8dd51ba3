//! When an order is looked at again: never later than its bound, never in the past.

use proptest::prelude::*;

use super::super::fixtures::{DAY, HOUR, MINUTE, NOW, looks, order};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// In the middle of the spread: the interval itself.
const EVEN: Jitter = Jitter::new(500);

#[test]
fn pending_orders_are_looked_at_by_age_and_right_after_their_payment_time() {
    let aged = |age| Order { created_at: NOW.minus(age), ..order(State::Pending) };
    let of_the_future = |ahead| Order { created_at: NOW.plus(ahead), ..order(State::Pending) };
    let expiring = |left| Order { expires_at: Some(NOW.plus(left)), ..aged(HOUR) };
    let table = [
        ("new", aged(Duration::ZERO), SECOND * 10),
        ("just below the first tier's end", aged(Duration::from_millis(119_999)), SECOND * 10),
        ("in the second tier", aged(MINUTE * 2), SECOND * 30),
        ("its payment time ends in 15 s", aged(SECOND * 1_185), SECOND * 17),
        ("its payment time ends now", aged(MINUTE * 20), SECOND * 2),
        ("its payment time ended two seconds ago", aged(MINUTE * 20 + SECOND * 2), MINUTE * 5),
        ("older than every tier", aged(DAY * 300), MINUTE * 5),
        ("the shop says when it ends", expiring(SECOND), SECOND * 3),
        ("the shop says later than the tier", expiring(HOUR), MINUTE * 5),
        ("made by a clock that was half a minute ahead", of_the_future(SECOND * 30), SECOND * 40),
        ("made by a clock that was a day ahead", of_the_future(DAY), MINUTE * 5),
    ];
    for (what, order, wait) in table {
        assert_eq!(next_look(&looks(), &order, NOW, EVEN), Some(NOW.plus(wait)), "{what}");
    }
}

#[test]
fn ended_orders_are_looked_at_on_their_late_days_and_then_no_more() {
    let ended = |ago| Order { state_since: NOW.minus(ago), ..order(State::Deposited) };
    let table = [
        (Duration::ZERO, Some(HOUR)),
        (HOUR, Some(HOUR * 23)),
        (DAY, Some(DAY * 6)),
        (HOUR * 167, Some(HOUR)),
        (DAY * 7, None),
    ];
    for (ago, wait) in table {
        let expected = wait.map(|wait| NOW.plus(wait));
        assert_eq!(next_look(&looks(), &ended(ago), NOW, EVEN), expected, "ended {ago:?} ago");
    }
}

#[test]
fn jitter_spreads_a_tenth_to_either_side() {
    for (random, seconds) in [(0, 540), (500, 600), (999, 659), (1_000, 540), (u16::MAX, 604)] {
        let next = next_look(&looks(), &order(State::Held), NOW, Jitter::new(random)).unwrap();
        assert_eq!(next.since(NOW).as_secs(), seconds, "{random}");
    }
}

/// Looks that callbacks replace are put off; the one after the page closed is not, and no later ones are.
#[test]
fn looks_thin_out_while_a_page_is_open_and_not_once_it_is_closed() {
    let policy = LookPolicy { pending: Pending::Learned, pending_old: HOUR * 6, ..looks() };
    let page = Page { opened_at: NOW, closes_at: NOW.plus(MINUTE * 20) };
    let plans = Plans::new(&History::new(NOW).hazard(), page.session());
    let price = Price::new(4.0);
    let wait = |age: Duration, times: f64| {
        let tariff = Tariff { open: Price::new(4.0 * times), closed: price };
        let now = NOW.plus(age);
        next_pending(&policy, page, now, Outlook::learned(&plans, tariff, EVEN)).since(now)
    };
    let last = SECOND * 1_199;
    let closing = wait(last, 1.0).as_secs_f64() - 1.0;
    let in_session = [Duration::ZERO, MINUTE, MINUTE * 5, MINUTE * 12];
    for age in in_session {
        let waits = [1.0, 10.0, 1_000.0].map(|times| wait(age, times));
        assert!(waits.is_sorted_by(|dear, dearer| dear < dearer) && waits[1] >= waits[0] * 2, "{age:?}: {waits:?}");
        let closed_for = (age + waits[2]).as_secs_f64() - 1_200.0;
        assert!((closed_for - closing).abs() < 0.002, "{age:?}: {closed_for} after the page closed, not {closing}");
    }
    for age in [last, MINUTE * 20, MINUTE * 20 + SECOND, MINUTE * 25, HOUR * 5, DAY * 3] {
        assert_eq!(wait(age, 1_000.0), wait(age, 1.0), "{age:?}");
    }
}

fn an_order() -> impl Strategy<Value = Order> {
    let age_ms = || -10 * 86_400_000_i64..400 * 86_400_000;
    let state = proptest::sample::select(&State::ALL[..]);
    let expires = proptest::option::of(any::<i64>().prop_map(Timestamp::from_millis));
    (state, age_ms(), age_ms(), expires, any::<u32>()).prop_map(|(state, age, since, expires_at, unknown_in_a_row)| {
        let before = |ms: i64| Timestamp::from_millis(NOW.as_millis() - ms);
        let created_at = before(age);
        Order { created_at, state_since: before(since), expires_at, unknown_in_a_row, ..order(state) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_is_looked_at_later_than_its_bound_nor_in_the_past(order in an_order(), random in any::<u16>()) {
        let policy = looks();
        let bound = match order.state {
            State::Pending => policy.pending_old,
            State::Held => policy.held,
            State::Review => policy.review,
            State::Deposited | State::Reversed | State::Refunded | State::Declined => DAY * 18,
        };
        match next_look(&policy, &order, NOW, Jitter::new(random)) {
            Some(at) => prop_assert!(at > NOW && at <= NOW.plus(bound.saturating_mul(11) / 10), "{at}"),
            None => prop_assert!(order.state.is_end() && NOW >= order.state_since.plus(DAY * 7)),
        }
    }

    #[test]
    fn unknown_answers_back_off_to_a_bound_whatever_the_gateway_asks(
        order in an_order(),
        asked_ms in proptest::option::of(any::<u64>()),
        random in any::<u16>(),
    ) {
        let (policy, asked) = (looks(), asked_ms.map(Duration::from_millis));
        let at = next_look_backing_off(&policy, &order, asked.unwrap_or_default(), NOW, Jitter::new(random).into());
        let wait = at.since(NOW);
        prop_assert!(wait >= policy.backoff * 9 / 10, "{wait:?}");
        prop_assert!(wait <= policy.backoff_max * 11 / 10, "{wait:?}");
        prop_assert!(wait >= asked.unwrap_or_default().min(policy.backoff_max), "sooner than asked: {wait:?}");
    }

    /// However dear a look: it is planned within the bound; and when it falls due it is worth its price, so that it is
    /// not put off again and again.
    #[test]
    fn a_look_that_callbacks_put_off_is_worth_its_price_when_it_is_due(
        age_ms in 0..3_000_000_i64,
        price in 0.5..50.0_f64,
        times in 1.0..1_000.0_f64,
    ) {
        let policy = LookPolicy { pending: Pending::Learned, pending_old: HOUR * 6, ..looks() };
        let page = Page { opened_at: NOW, closes_at: NOW.plus(MINUTE * 20) };
        let plans = Plans::new(&History::new(NOW).hazard(), page.session());
        let tariff = Tariff { open: Price::new(price * times), closed: Price::new(price) };
        let now = Timestamp::from_millis(NOW.as_millis() + age_ms);
        let due_at = next_pending(&policy, page, now, Outlook::learned(&plans, tariff, EVEN));
        prop_assert!(due_at > now && due_at <= now.plus(policy.pending_old));
        let (key, state) = (OrderKey(1), State::Pending);
        let due = Due { key, state, kind: None, page, open_at: now, due_at, is_hinted: false };
        let worth = worth(&policy, &due, due_at, Some(&plans), tariff);
        prop_assert!(worth >= price * 0.5, "worth {worth} at {due_at}");
    }

    /// The bug: an order that a clock which was ahead had written was put off each time it fell due, every second, and
    /// never looked at.
    #[test]
    fn regression_no_order_is_put_off_for_ever(
        opened_ms in -400 * 86_400_000_i64..400 * 86_400_000,
        open_ms in -400 * 86_400_000_i64..400 * 86_400_000,
        session_s in 1..100_000_u64,
        price in 0.1..500.0_f64,
        times in 1.0..1_000.0_f64,
    ) {
        let policy = LookPolicy { pending: Pending::Learned, pending_old: HOUR * 6, ..looks() };
        let at = |ms: i64| Timestamp::from_millis(NOW.as_millis() + ms);
        let page = Page { opened_at: at(opened_ms), closes_at: at(opened_ms).plus(Duration::from_secs(session_s)) };
        let plans = Plans::new(&History::new(NOW).hazard(), page.session());
        let tariff = Tariff { open: Price::new(price * times), closed: Price::new(price) };
        let (key, state) = (OrderKey(1), State::Pending);
        let mut due = Due { key, state, kind: None, page, open_at: at(open_ms), due_at: NOW, is_hinted: false };
        for put_off in 0.. {
            prop_assert!(put_off <= 3, "put off again until {}", due.due_at);
            match merit(&policy, &due, due.due_at, Some(&plans), tariff) {
                Merit::Worth(worth) => {
                    prop_assert!(worth >= price * 0.5, "worth {worth}");
                    break;
                }
                Merit::NotBefore(later, _) => due.due_at = later,
            }
        }
        prop_assert!(due.due_at <= NOW.plus(policy.pending_old), "put off until {}", due.due_at);
    }

    /// What a clock that was ahead has written is looked at when its time comes, or as an old order is.
    #[test]
    fn an_order_of_the_future_is_planned_within_its_bound(
        ahead_ms in 1..400 * 86_400_000_i64,
        ends_ms in -100_000_000_i64..1_200_000,
        random in 0..1_000_u16,
    ) {
        let policy = LookPolicy { pending: Pending::Learned, pending_old: HOUR * 6, ..looks() };
        let opened_at = Timestamp::from_millis(NOW.as_millis() + ahead_ms);
        let page = Page { opened_at, closes_at: Timestamp::from_millis(opened_at.as_millis() + ends_ms) };
        let plans = Plans::new(&History::new(NOW).hazard(), page.session());
        for outlook in [Outlook::learned(&plans, Tariff::flat(Price::default()), Jitter(random)), Jitter(random).into()] {
            let next = next_pending(&policy, page, NOW, outlook);
            prop_assert!(next <= NOW.plus(MINUTE * 22), "{next}");
            prop_assert!(next >= NOW.plus(SECOND * 54) || next > opened_at, "{next}");
        }
    }

    #[test]
    fn jitter_stays_within_a_tenth(ms in 1..10_000_000_u64, random in any::<u16>()) {
        let interval = Duration::from_millis(ms);
        let spread = Jitter::new(random).spread(interval);
        prop_assert!(spread * 10 >= interval * 9 && spread * 10 <= interval * 11, "{spread:?}");
    }
}
