//! Whose turn it is, when, and when it is enough.

use super::address::{Reach, Region};
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// The random number that leaves the whole wait, but for a thousandth of its half.
const LATEST: u16 = 999;

fn number(text: &str) -> OrderNumber {
    OrderNumber::new(text, 32).unwrap()
}

/// A backlog of events by number and order, none of them tried.
fn backlog(events: &[(i64, &str)]) -> Backlog {
    let mut backlog = Backlog::of(Vec::new(), None);
    for (seq, order) in events {
        backlog.admit(Delivery::new(*seq, number(order), NOW));
    }
    backlog
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome { verdict, words: verdict.as_str().to_owned(), retry_after: None }
}

fn asking(verdict: Verdict, retry_after: Duration) -> Outcome {
    Outcome { retry_after: Some(retry_after), ..outcome(verdict) }
}

/// All that is due at `now`, in the order in which it is told.
fn taken(backlog: &mut Backlog, now: Timestamp) -> Vec<i64> {
    std::iter::from_fn(|| backlog.take(now)).collect()
}

#[test]
fn of_each_order_the_earliest_event_goes_and_the_orders_go_side_by_side() {
    let mut backlog = backlog(&[(1, "A"), (2, "B"), (3, "A"), (4, "C"), (5, "B")]);
    assert_eq!(taken(&mut backlog, NOW), [1, 2, 4]);
    assert_eq!(backlog.next_due(NOW), None, "what is under way decides what comes next");
    assert_eq!(backlog.settle(1, &outcome(Verdict::Delivered), NOW, 0), Settled::Delivered);
    assert_eq!(taken(&mut backlog, NOW), [3]);
    let Settled::Again(again) = backlog.settle(2, &outcome(Verdict::Failed), NOW, LATEST) else { panic!() };
    assert_eq!(taken(&mut backlog, NOW), [0_i64; 0], "5 waits for 2, which waits");
    backlog.settle(3, &outcome(Verdict::Delivered), NOW, 0);
    backlog.settle(4, &outcome(Verdict::Delivered), NOW, 0);
    assert_eq!(backlog.next_due(NOW), Some(again));
    assert_eq!(taken(&mut backlog, again), [2]);
    backlog.settle(2, &outcome(Verdict::Delivered), again, 0);
    assert_eq!(taken(&mut backlog, again), [5]);
}

#[test]
fn the_wait_doubles_to_a_quarter_of_an_hour_and_is_spread_over_its_upper_half() {
    let table = [(1, 5), (2, 10), (3, 20), (7, 320), (8, 640), (9, 900), (40, 900), (u32::MAX, 900)];
    for (failures, seconds) in table {
        let longest = Duration::from_secs(seconds);
        assert_eq!(backoff(failures, 0), longest / 2, "{failures}");
        assert_eq!(backoff(failures, LATEST), longest * 1_999 / 2_000, "{failures}");
        assert_eq!(backoff(failures, 1_000), backoff(failures, 0), "{failures}");
    }
}

#[test]
fn what_an_endpoint_asks_for_is_granted_within_limits() {
    let table = [(0, 5), (4, 5), (120, 120), (3_600, 3_600), (86_400, 3_600), (u64::MAX / 2, 3_600)];
    for (asked, granted_s) in table {
        assert_eq!(granted(Duration::from_secs(asked)), Duration::from_secs(granted_s), "{asked}");
        for (verdict, others_wait) in [(Verdict::Throttled, true), (Verdict::Failed, false)] {
            let mut backlog = backlog(&[(1, "A"), (2, "B")]);
            assert_eq!(backlog.take(NOW), Some(1));
            let settled = backlog.settle(1, &asking(verdict, Duration::from_secs(asked)), NOW, 0);
            let until = NOW.plus(Duration::from_secs(granted_s));
            assert_eq!(settled, Settled::Again(until), "{asked} after {verdict:?}");
            // 429 and 503 speak for the endpoint, whatever else for the event.
            assert_eq!(taken(&mut backlog, NOW).is_empty(), others_wait, "{asked} after {verdict:?}");
            assert!(taken(&mut backlog, until).contains(&1), "{asked} after {verdict:?}");
        }
    }
}

#[test]
fn an_event_is_told_for_three_days_and_at_their_end_once_more() {
    let mut backlog = backlog(&[(1, "A"), (2, "A")]);
    let (mut now, mut tries) = (NOW, 0);
    let given_up = loop {
        assert_eq!(backlog.take(now), Some(1));
        tries += 1;
        match backlog.settle(1, &outcome(Verdict::Refused), now, LATEST) {
            Settled::Again(at) => now = at,
            Settled::GivenUp(delivery) => break delivery,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((now, given_up.failures, given_up.seq), (NOW.plus(RETRY_FOR), tries, 1));
    assert!(tries > 300, "{tries}");
    assert!(
        RETRY_FOR >= HOUR * 72 + BACKOFF_MAX * 12,
        "a shop that was away for three days is told a dozen times more"
    );
    assert_eq!(backlog.take(now), Some(2), "what comes after it in its order goes now");
}

#[test]
fn one_order_that_no_endpoint_takes_keeps_no_other_waiting() {
    let mut backlog = backlog(&[(1, "bad")]);
    let mut now = NOW;
    for _ in 0..50 {
        assert_eq!(backlog.take(now), Some(1));
        let Settled::Again(at) = backlog.settle(1, &outcome(Verdict::Refused), now, 0) else { panic!() };
        now = at;
    }
    assert_eq!(backlog.down_since(), None);
    backlog.admit(Delivery::new(2, number("good"), now));
    assert!(taken(&mut backlog, now).contains(&2));
}

/// Several orders fail and none goes through: one event at a time asks, and what waited goes when one went through.
#[test]
fn an_endpoint_that_is_down_is_asked_one_event_at_a_time() {
    let events = [(1, "A"), (2, "B"), (3, "C"), (4, "D"), (5, "A")];
    let mut backlog = backlog(&events);
    for seq in [1, 2] {
        assert_eq!(backlog.take(NOW), Some(seq));
        backlog.settle(seq, &outcome(Verdict::Unreachable), NOW, LATEST);
        assert_eq!(backlog.down_since(), None);
    }
    assert_eq!(backlog.take(NOW), Some(3));
    backlog.settle(3, &outcome(Verdict::TimedOut), NOW, LATEST);
    assert_eq!(backlog.down_since(), Some(NOW));
    assert_eq!(backlog.take(NOW), None);
    let due = backlog.next_due(NOW).unwrap();
    assert!((SECOND * 4..=SECOND * 5).contains(&due.since(NOW)), "{due}");
    assert_eq!(taken(&mut backlog, due), [4], "the one that failed least, and no other beside it");
    assert_eq!(backlog.next_due(due), None);
    backlog.settle(4, &outcome(Verdict::Unreachable), due, LATEST);
    let again = backlog.next_due(due).unwrap();
    assert!(again.since(due) > due.since(NOW), "later and later");
    let probe = taken(&mut backlog, again);
    assert_eq!(probe, [1]);
    backlog.settle(1, &outcome(Verdict::Delivered), again, 0);
    assert_eq!(backlog.down_since(), None);
    assert_eq!(taken(&mut backlog, again), [2, 3, 4, 5]);
}

#[test]
fn an_endpoint_that_is_dead_for_three_days_is_given_up_on_event_by_event() {
    let mut backlog = backlog(&[(1, "A"), (2, "B"), (3, "C"), (4, "D")]);
    for seq in [1, 2, 3] {
        assert_eq!(backlog.take(NOW), Some(seq));
        backlog.settle(seq, &outcome(Verdict::Unreachable), NOW, 0);
    }
    let late = NOW.plus(HOUR * 40);
    backlog.admit(Delivery::new(5, number("E"), late));
    let (before, after) = (NOW.plus(RETRY_FOR).minus(SECOND), NOW.plus(RETRY_FOR));
    assert_eq!(backlog.give_up_on_the_dead(before), []);
    let given_up: Vec<_> = backlog.give_up_on_the_dead(after).iter().map(|delivery| delivery.seq).collect();
    assert_eq!(given_up, [1, 2, 3, 4]);
    let left: Vec<_> = backlog.waiting().map(|delivery| delivery.seq).collect();
    assert_eq!(left, [5], "it waits for its own three days");
}

#[test]
fn what_is_gone_waits_and_starts_anew_when_it_is_brought_back() {
    let mut backlog = backlog(&[(1, "A"), (2, "A")]);
    assert_eq!(backlog.take(NOW), Some(1));
    assert_eq!(backlog.settle(1, &outcome(Verdict::Gone), NOW, 0), Settled::Gone);
    let later = NOW.plus(RETRY_FOR * 2);
    backlog.begin_anew(later);
    assert_eq!(taken(&mut backlog, later), [1]);
    let settled = backlog.settle(1, &outcome(Verdict::Failed), later, 0);
    assert!(matches!(settled, Settled::Again(_)), "the time in which it was disabled does not count: {settled:?}");
}

/// A clock that went ahead and was set back keeps nothing waiting.
#[test]
fn a_wait_that_was_set_by_a_clock_that_went_ahead_does_not_hold() {
    let ahead = NOW.plus(HOUR * 24 * 365);
    let mut backlog = backlog(&[(1, "A")]);
    assert_eq!(backlog.take(ahead), Some(1));
    backlog.settle(1, &asking(Verdict::Throttled, HOUR), ahead, 0);
    assert_eq!(backlog.next_due(NOW), Some(NOW));
    assert_eq!(backlog.take(NOW), Some(1));
}

#[test]
fn the_window_is_bounded_and_an_event_waits_once() {
    let mut backlog = backlog(&[(1, "A")]);
    backlog.admit(Delivery { failures: 7, ..Delivery::new(1, number("A"), NOW) });
    assert_eq!((backlog.room(), backlog.get(1).unwrap().failures), (WINDOW - 1, 0));
}

#[test]
fn a_status_is_a_verdict() {
    let table = [
        (200, Verdict::Delivered),
        (204, Verdict::Delivered),
        (301, Verdict::Redirected),
        (307, Verdict::Redirected),
        (400, Verdict::Refused),
        (404, Verdict::Refused),
        (410, Verdict::Gone),
        (429, Verdict::Throttled),
        (500, Verdict::Failed),
        (503, Verdict::Throttled),
        (599, Verdict::Failed),
        (101, Verdict::Refused),
    ];
    for (status, verdict) in table {
        assert_eq!(Verdict::of_status(status), verdict, "{status}");
    }
}

#[test]
fn an_endpoint_is_told_what_it_asked_for() {
    let event = |kind, before, after| Event {
        seq: 1,
        at: NOW,
        merchant: MerchantId::new("shop").unwrap(),
        number: number("A"),
        kind,
        cause: "look".to_owned(),
        before,
        after,
        detail: String::new(),
    };
    let paid = event(EventKind::Changed, State::Pending, State::Deposited);
    let parked = event(EventKind::Parked, State::Held, State::Held);
    let of = |kinds: &[EventKind], states: &[State], changes_only| Filter {
        kinds: kinds.to_vec(),
        states: states.to_vec(),
        changes_only,
    };
    let table = [
        (of(&[], &[], false), true, true),
        (of(&[], &[], true), true, false),
        (of(&[EventKind::Parked, EventKind::Refunded], &[], false), false, true),
        (of(&[], &[State::Deposited], false), true, false),
        (of(&[EventKind::Changed], &[State::Held], false), false, false),
    ];
    for (filter, takes_paid, takes_parked) in table {
        assert_eq!((filter.takes(&paid), filter.takes(&parked)), (takes_paid, takes_parked), "{filter:?}");
    }
}

#[test]
fn an_address_is_public_private_or_nobodys() {
    use Region::{Never, Private, Public};
    let table = [
        ("93.184.216.34", Public),
        ("2606:2800:220:1::1", Public),
        ("127.0.0.1", Private),
        ("127.8.9.1", Private),
        ("10.0.0.1", Private),
        ("172.15.255.255", Public),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("172.32.0.1", Public),
        ("192.168.1.1", Private),
        ("100.64.0.1", Private),
        ("100.127.255.255", Private),
        ("100.128.0.1", Public),
        ("100.100.100.200", Never),
        ("169.254.169.254", Never),
        ("0.0.0.0", Never),
        ("0.1.2.3", Never),
        ("192.0.0.192", Never),
        ("198.18.0.1", Never),
        ("203.0.113.7", Never),
        ("224.0.0.1", Never),
        ("255.255.255.255", Never),
        ("::1", Private),
        ("::", Never),
        ("fc00::1", Private),
        ("fd12:3456::1", Private),
        ("fd00:ec2::254", Never),
        ("fe80::1", Never),
        ("fec0::1", Never),
        ("ff02::1", Never),
        ("2001:db8::1", Never),
        ("2001:0:4136:e378::1", Never),
        ("::ffff:127.0.0.1", Private),
        ("::ffff:169.254.169.254", Never),
        ("::ffff:93.184.216.34", Public),
        ("::127.0.0.1", Private),
        ("64:ff9b::169.254.169.254", Never),
        ("64:ff9b::10.0.0.1", Private),
        ("64:ff9b:1::1", Never),
        ("2002:7f00:1::", Private),
        ("2002:a9fe:a9fe::", Never),
    ];
    for (text, region) in table {
        let address = text.parse().unwrap();
        assert_eq!(Region::of(address), region, "{text}");
        assert_eq!(Reach::Public.includes(address), region == Public, "{text}");
        assert_eq!(Reach::Anywhere.includes(address), region != Never, "{text}");
        assert_eq!(Reach::Private.includes(address), region == Private, "{text}");
    }
}
